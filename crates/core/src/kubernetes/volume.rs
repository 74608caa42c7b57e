//! What is mounted into a container: Secrets, ConfigMaps, and what only the cluster has.

use std::sync::Arc;

use super::environment::{not_given, of_maker};
use super::object::Object;
use super::pool::{Found, Pool};
use super::store;
use crate::container::{FileText, Mount, MountSource};
use crate::container_path::cleaned;
use crate::knowable::{Knowable, Reason};
use crate::shown::escape;
use crate::source::Sources;
use crate::yaml::Node;
use crate::yaml::below::{at, is_true, text};

/// Reads the mounts of the containers of one pod.
pub(super) struct Volumes<'a> {
    pub(super) pool: &'a Pool,
    pub(super) sources: &'a Sources,
    pub(super) workload: &'a Object,
    /// The pod, or the template of pods.
    pub(super) pod: &'a Node,
    /// Its specification.
    pub(super) spec: &'a Node,
}

/// Files by their paths below the volume.
type Files = Vec<(String, FileText)>;

impl Volumes<'_> {
    /// The mounts of a container, in the order of the file, and those that the cluster adds.
    pub(super) fn of(&self, container: &Node) -> Vec<Mount> {
        let mounts = at(container, &["volumeMounts"]).and_then(|mounts| mounts.items());
        let mounts = mounts.unwrap_or_default().iter();
        let mounts = mounts.map(|mount| self.mount(mount));
        mounts.chain(self.injected()).collect()
    }

    /// The folders in which Vault's agent puts files, where the pod asks for that: a webhook adds them to every container.
    fn injected(&self) -> Vec<Mount> {
        let annotations = at(self.pod, &["metadata", "annotations"]);
        let annotations = annotations.and_then(|node| node.entries());
        let annotations = annotations.unwrap_or_default().iter();
        let of_vault = annotations.filter_map(|entry| {
            let name = entry.key.text()?.strip_prefix("vault.hashicorp.com/")?;
            Some((name, &entry.value))
        });
        let of_vault: Vec<(&str, &Arc<Node>)> = of_vault.collect();
        let is_asked = |(name, node): &&(&str, &Arc<Node>)| {
            *name == "agent-inject" && node.text() != Some("false")
        };
        let Some((_, asked)) = of_vault.iter().find(is_asked) else {
            return Vec::new();
        };
        let mount = |target: &str, node: &Arc<Node>| Mount {
            source: Knowable::unknown("Vault's agent puts files there when the pod starts"),
            target: Knowable::Known(cleaned(target).trim_end_matches('/').to_owned()),
            span: self.workload.span(node),
            is_interpolated: false,
        };
        let elsewhere = of_vault.iter().filter_map(|(name, node)| {
            let path = name
                .starts_with("secret-volume-path")
                .then(|| node.text())?;
            Some(mount(path?, node))
        });
        elsewhere.chain([mount("/vault/secrets", asked)]).collect()
    }

    fn mount(&self, mount: &Arc<Node>) -> Mount {
        let volume = text(mount, &["name"]).unwrap_or_default();
        let target = match text(mount, &["mountPath"]) {
            Some(path) if path.starts_with('/') => {
                Knowable::Known(cleaned(path).trim_end_matches('/').to_owned())
            }
            _ => Knowable::unknown("nothing tells where it is mounted"),
        };
        let source = self.source(volume).and_then(|source| {
            if at(mount, &["subPathExpr"]).is_some() {
                return Knowable::unknown("only the running pod knows which part of it is mounted");
            }
            match text(mount, &["subPath"]) {
                Some(path) => part(source, path.trim_matches('/')),
                None => Knowable::Known(source),
            }
        });
        Mount {
            source,
            target,
            span: self.workload.span(mount),
            is_interpolated: false,
        }
    }

    fn source(&self, name: &str) -> Knowable<MountSource> {
        let volumes = at(self.spec, &["volumes"]).and_then(|volumes| volumes.items());
        let is_named = |volume: &&Arc<Node>| text(volume, &["name"]) == Some(name);
        let Some(volume) = volumes.unwrap_or_default().iter().find(is_named) else {
            return Knowable::unknown(match self.workload.kind.as_str() {
                "StatefulSet" => "it is in a PersistentVolumeClaim, which only the cluster has",
                _ => "no volume has this name",
            });
        };
        if let Some(sources) = at(volume, &["projected", "sources"]).and_then(|list| list.items()) {
            let mut files = Files::new();
            for source in sources {
                match self.files(source, &[("configMap", "name"), ("secret", "name")]) {
                    Some(Knowable::Known(found)) => add(&mut files, found),
                    Some(Knowable::Unknown(reason)) => return Knowable::Unknown(reason),
                    None => {
                        if let Some(reason) = configuration_of_pod(source) {
                            return Knowable::Unknown(reason);
                        }
                    }
                }
            }
            return Knowable::Known(MountSource::Folder(files));
        }
        if let Some(files) = self.files(volume, &[("configMap", "name"), ("secret", "secretName")])
        {
            return files.map(MountSource::Folder);
        }
        if at(volume, &["emptyDir"]).is_some() || volume.get("emptyDir").is_some() {
            return match self.is_filled(name) {
                true => Knowable::unknown("another container of its pod may have put files there"),
                false => Knowable::Known(MountSource::Empty),
            };
        }
        Knowable::Unknown(kind(volume))
    }

    /// Whether more than one container of the pod mounts a volume.
    fn is_filled(&self, name: &str) -> bool {
        let of = |key: &str| {
            let containers = at(self.spec, &[key]).and_then(|list| list.items());
            containers.unwrap_or_default()
        };
        let mounts = |container: &&Arc<Node>| {
            let mounts = at(container, &["volumeMounts"]).and_then(|list| list.items());
            let mut mounts = mounts.unwrap_or_default().iter();
            mounts.any(|mount| text(mount, &["name"]) == Some(name))
        };
        let all = of("initContainers").iter().chain(of("containers"));
        all.filter(mounts).count() > 1
    }

    /// The files of a Secret or a ConfigMap; none where it is something else.
    fn files(&self, volume: &Node, names: &[(&str, &str); 2]) -> Option<Knowable<Files>> {
        for (field, name) in names {
            let Some(source) = at(volume, &[field]) else {
                continue;
            };
            let kind = match *field {
                "secret" => "Secret",
                _ => "ConfigMap",
            };
            let name = text(source, &[name]).unwrap_or_default();
            return Some(match self.pool.meant(self.workload, kind, name) {
                Found::Object(object) => self.of_object(object, source),
                Found::Maker(maker) => Knowable::Unknown(of_maker(maker)),
                Found::Nothing => Knowable::Unknown(not_given(kind, name)),
                Found::Unclear(reason) => Knowable::Unknown(reason),
            });
        }
        None
    }

    /// Every key is a file, or those of `items` under other names.
    fn of_object(&self, object: &Object, source: &Node) -> Knowable<Files> {
        let items = at(source, &["items"]).and_then(|items| items.items());
        let mut files = Files::new();
        for entry in store::entries(object) {
            let is_meant = |item: &&Arc<Node>| text(item, &["key"]) == Some(&entry.key);
            let path = match items {
                None => Some(entry.key.as_str()),
                Some(items) => items
                    .iter()
                    .find(is_meant)
                    .and_then(|item| text(item, &["path"])),
            };
            let Some(path) = path.map(str::to_owned) else {
                continue;
            };
            match entry.file(object, self.sources) {
                Knowable::Known(file) => files.push((path, file)),
                Knowable::Unknown(reason) if path.ends_with(".conf") => {
                    return Knowable::Unknown(reason);
                }
                // No server reads it.
                Knowable::Unknown(_) => {}
            }
        }
        let lacks = |item: &&Arc<Node>| {
            let key = text(item, &["key"]).unwrap_or_default();
            !store::entries(object).iter().any(|entry| entry.key == key)
        };
        match items.unwrap_or_default().iter().find(lacks) {
            Some(_) if !is_true(source, &["optional"]) => Knowable::unknown(format!(
                "{} {} lacks a key of `items`, so the pod does not start",
                object.kind,
                escape(&object.name)
            )),
            _ => Knowable::Known(files),
        }
    }
}

/// Why a projected source that holds no object of the user's may hold configuration: tokens and certificates are none, and
/// what the pod says of itself, such as its annotations, only in a file that servers read.
fn configuration_of_pod(source: &Node) -> Option<Reason> {
    let items = at(source, &["downwardAPI", "items"]).and_then(|list| list.items());
    let mut items = items.unwrap_or_default().iter();
    let is_read =
        |item: &Arc<Node>| text(item, &["path"]).is_some_and(|path| path.ends_with(".conf"));
    items
        .any(is_read)
        .then(|| "a file of it is what the pod says of itself".into())
}

/// A later source wins.
fn add(files: &mut Files, more: Files) {
    for (path, file) in more {
        files.retain(|(known, _)| *known != path);
        files.push((path, file));
    }
}

/// What is at a path of a volume.
fn part(source: MountSource, path: &str) -> Knowable<MountSource> {
    let MountSource::Folder(files) = source else {
        return Knowable::Known(source);
    };
    if let Some((_, file)) = files.iter().find(|(known, _)| known == path) {
        return Knowable::Known(MountSource::Text(file.clone()));
    }
    let below = files.into_iter().filter_map(|(known, file)| {
        let rest = known.strip_prefix(path)?.strip_prefix('/')?.to_owned();
        Some((rest, file))
    });
    Knowable::Known(MountSource::Folder(below.collect()))
}

/// What else a volume may be.
fn kind(volume: &Node) -> Reason {
    let claim = text(volume, &["persistentVolumeClaim", "claimName"]);
    if let Some(name) = claim {
        return format!(
            "it is in PersistentVolumeClaim {}, which only the cluster has",
            escape(name)
        )
        .into();
    }
    match at(volume, &["hostPath"]) {
        Some(_) => "it is on the node, in a hostPath".into(),
        None => "it is in a volume that only the cluster has".into(),
    }
}

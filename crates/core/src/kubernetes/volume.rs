//! What is mounted into a container: Secrets, ConfigMaps, and what only the cluster has.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::environment::{not_given, of_maker};
use super::object::{Object, annotations};
use super::pool::{Found, Pool};
use super::store::{self, Entry};
use crate::container::{FileText, Folder, Mount, MountSource};
use crate::container_path::cleaned;
use crate::knowable::{Knowable, Reason};
use crate::shown::escape;
use crate::source::Sources;
use crate::yaml::Node;
use crate::yaml::below::{at, is_true, list, text};

/// Reads the mounts of the containers of one pod.
pub(super) struct Volumes<'a> {
    pool: &'a Pool,
    sources: &'a Sources,
    workload: &'a Object,
    /// The pod, or the template of pods.
    pod: &'a Node,
    /// By their names.
    volumes: HashMap<&'a str, &'a Node>,
    /// How many containers mount the one of a name.
    mounted: HashMap<&'a str, usize>,
}

/// Files by their paths below the volume.
type Files = Vec<(String, FileText)>;

/// What is in a volume, and where in a list of files the one of a path is.
struct Volume {
    source: Knowable<MountSource>,
    files: HashMap<String, usize>,
}

impl<'a> Volumes<'a> {
    pub(super) fn of_pod(
        (pool, sources): (&'a Pool, &'a Sources),
        workload: &'a Object,
        pod: &'a Node,
        spec: &'a Node,
        containers: impl Iterator<Item = &'a Arc<Node>>,
    ) -> Self {
        let mut volumes = HashMap::new();
        for volume in list(spec, &["volumes"]) {
            let name = text(volume, &["name"]).unwrap_or_default();
            volumes.entry(name).or_insert(&**volume);
        }
        let mut mounted = HashMap::new();
        for container in containers {
            let names = list(container, &["volumeMounts"]).iter();
            let names = names.filter_map(|mount| text(mount, &["name"]));
            for name in names.collect::<HashSet<&str>>() {
                *mounted.entry(name).or_insert(0) += 1;
            }
        }
        Self {
            pool,
            sources,
            workload,
            pod,
            volumes,
            mounted,
        }
    }

    /// The mounts of a container, in the order of the file, and those that the cluster adds.
    pub(super) fn of(&self, container: &Node) -> Vec<Mount> {
        let mut read: HashMap<&str, Volume> = HashMap::new();
        let mut mounts = Vec::new();
        for mount in list(container, &["volumeMounts"]) {
            let name = text(mount, &["name"]).unwrap_or_default();
            let volume = read.entry(name);
            let volume = volume.or_insert_with(|| Volume::of(self.source(name)));
            mounts.push(self.mount(mount, volume));
        }
        mounts.extend(self.injected());
        mounts
    }

    /// The folders in which Vault's agent puts files, where the pod asks for that: a webhook adds them to every container.
    fn injected(&self) -> Vec<Mount> {
        let of_vault = annotations(self.pod).filter_map(|(name, field)| {
            let name = name.strip_prefix("vault.hashicorp.com/")?;
            Some((name, field.value))
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

    fn mount(&self, mount: &Node, volume: &Volume) -> Mount {
        let target = match text(mount, &["mountPath"]) {
            Some(path) if path.starts_with('/') => {
                Knowable::Known(cleaned(path).trim_end_matches('/').to_owned())
            }
            _ => Knowable::unknown("nothing tells where it is mounted"),
        };
        let source = match at(mount, &["subPathExpr"]) {
            Some(_) => Knowable::unknown("only the running pod knows which part of it is mounted"),
            None => volume.part(text(mount, &["subPath"]).unwrap_or_default()),
        };
        Mount {
            source,
            target,
            span: self.workload.span(mount),
            is_interpolated: false,
        }
    }

    fn source(&self, name: &str) -> Knowable<MountSource> {
        let Some(volume) = self.volumes.get(name) else {
            return Knowable::unknown(match self.workload.kind.as_str() {
                "StatefulSet" => "it is in a PersistentVolumeClaim, which only the cluster has",
                _ => "no volume has this name",
            });
        };
        if let Some(sources) = at(volume, &["projected", "sources"]).and_then(|list| list.items()) {
            return Knowable::Known(MountSource::Folder(self.projected(sources)));
        }
        if let Some(files) = self.files(volume, &[("configMap", "name"), ("secret", "secretName")])
        {
            return files.map(|files| MountSource::Folder(files.into()));
        }
        if at(volume, &["emptyDir"]).is_some() || volume.get("emptyDir").is_some() {
            return match self.mounted.get(name) {
                Some(2..) => {
                    Knowable::unknown("another container of its pod may have put files there")
                }
                _ => Knowable::Known(MountSource::Empty),
            };
        }
        match text(volume, &["hostPath", "path"]) {
            Some(path) => Knowable::Known(MountSource::Node(cleaned(path))),
            None => Knowable::Unknown(kind(volume)),
        }
    }

    /// The files of several objects in one folder.
    fn projected(&self, sources: &[Arc<Node>]) -> Folder {
        let mut folder = Folder::default();
        for source in sources {
            match self.files(source, &[("configMap", "name"), ("secret", "name")]) {
                Some(Knowable::Known(found)) => folder.files.extend(found),
                Some(Knowable::Unknown(reason)) => folder.others = Some(reason),
                None => folder.others = folder.others.or_else(|| configuration_of_pod(source)),
            }
        }
        // A later source wins.
        folder.files = store::last_of_each(folder.files, |(path, _)| path);
        folder
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

    /// Every key is a file, or those that `items` names, at its paths.
    fn of_object(&self, object: &Object, source: &Node) -> Knowable<Files> {
        let entries = store::entries(object);
        let items = list(source, &["items"]);
        let mut wanted: Vec<(&str, &Entry)> = Vec::new();
        if items.is_empty() {
            wanted.extend(entries.iter().map(|entry| (entry.key.as_str(), entry)));
        }
        let by_key = entries.iter().map(|entry| (entry.key.as_str(), entry));
        let by_key: HashMap<&str, &Entry> = by_key.collect();
        for item in items {
            match by_key.get(text(item, &["key"]).unwrap_or_default()) {
                Some(entry) => {
                    wanted.extend(text(item, &["path"]).map(|path| (path, *entry)));
                }
                None if is_true(source, &["optional"]) => {}
                None => {
                    return Knowable::unknown(format!(
                        "{} {} lacks a key of `items`, so the pod does not start",
                        object.kind,
                        escape(&object.name)
                    ));
                }
            }
        }
        let mut files = Files::new();
        for (path, entry) in wanted {
            match entry.file(object, self.sources) {
                Knowable::Known(file) => files.push((below(path), file)),
                Knowable::Unknown(reason) if path.ends_with(".conf") => {
                    return Knowable::Unknown(reason);
                }
                // No server reads it.
                Knowable::Unknown(_) => {}
            }
        }
        Knowable::Known(store::last_of_each(files, |(path, _)| path))
    }
}

impl Volume {
    fn of(source: Knowable<MountSource>) -> Self {
        let mut files = HashMap::new();
        if let Knowable::Known(MountSource::Folder(all)) = &source {
            let paths = all.files.iter().map(|(path, _)| path.clone());
            files.extend(paths.zip(0..));
        }
        Self { source, files }
    }

    /// What is at a path of it.
    fn part(&self, path: &str) -> Knowable<MountSource> {
        let path = below(path);
        let folder = match &self.source {
            Knowable::Known(MountSource::Folder(folder)) if !path.is_empty() => folder,
            Knowable::Known(MountSource::Node(folder)) if !path.is_empty() => {
                return Knowable::Known(MountSource::Node(cleaned(&format!("{folder}/{path}"))));
            }
            _ => return self.source.clone(),
        };
        if let Some(reason) = &folder.others {
            return Knowable::Unknown(reason.clone());
        }
        let files = &folder.files;
        if let Some((_, file)) = self.files.get(&path).and_then(|at| files.get(*at)) {
            return Knowable::Known(MountSource::Text(file.clone()));
        }
        let below = files.iter().filter_map(|(known, file)| {
            let rest = known.strip_prefix(&path)?.strip_prefix('/')?.to_owned();
            Some((rest, file.clone()))
        });
        Knowable::Known(MountSource::Folder(below.collect::<Files>().into()))
    }
}

/// A path below a volume, without empty parts and dots.
fn below(path: &str) -> String {
    cleaned(path).split_off(1)
}

/// Why a projected source that holds no object of the user's may hold configuration: a token, a certificate or what the pod says
/// of itself does so only in a file that servers read.
fn configuration_of_pod(source: &Node) -> Option<Reason> {
    let reason = match at(source, &["downwardAPI"]) {
        Some(_) => "a file of it is what the pod says of itself",
        None => "only the running pod has a file of it",
    };
    has_file_of_configuration(source).then(|| reason.into())
}

fn has_file_of_configuration(node: &Node) -> bool {
    let items = node.items().unwrap_or_default();
    let entries = node.entries().unwrap_or_default();
    node.text().is_some_and(|text| text.ends_with(".conf"))
        || items.iter().any(|item| has_file_of_configuration(item))
        || entries
            .iter()
            .any(|entry| has_file_of_configuration(&entry.value))
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
    "it is in a volume that only the cluster has".into()
}

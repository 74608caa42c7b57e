//! The files that a container's software may read: what is mounted, and what its build copies.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use zeroize::Zeroizing;

use crate::container::{Container, HostPath, Mount, MountSource};
use crate::container_path::is_below;
use crate::io::{entries, read_text};
use crate::knowable::Knowable;

/// Files of a container, as far as they are on this machine.
pub(super) struct Files {
    pub(super) texts: Vec<File>,
    /// Folders and files of the container that cannot be looked into.
    pub(super) unseen: Vec<String>,
    /// Files that a variable of the container or its command names, whatever their ending.
    named: Vec<String>,
    /// How many more files and folders are looked at.
    left: usize,
    /// How many bytes of them may still be read.
    left_bytes: u64,
}

/// One of them.
pub(super) struct File {
    /// Its path in the container.
    pub(super) path: String,
    pub(super) text: Zeroizing<String>,
}

/// More than this is no configuration: whole disks are mounted as well.
const MOST: usize = 200;
const MOST_LOOKED_AT: usize = 2000;
const MOST_BYTES: u64 = 16 << 20;
const DEEPEST: usize = 4;
/// What else is mounted into a proxy: pages, and certificates with their keys.
const NOT_READ: [&str; 29] = [
    "cer", "crt", "css", "csr", "db", "der", "ds_store", "gif", "gz", "html", "htpasswd", "ico",
    "jpg", "js", "json", "key", "log", "map", "md", "mmdb", "p12", "pem", "pfx", "png", "sample",
    "sqlite", "svg", "swp", "types",
];

/// What the system of a container has for every program.
const OF_SYSTEM: [&str; 9] = [
    "/etc/ca-certificates",
    "/etc/group",
    "/etc/hosts",
    "/etc/localtime",
    "/etc/passwd",
    "/etc/pki",
    "/etc/resolv.conf",
    "/etc/ssl",
    "/etc/timezone",
];

impl Default for Files {
    fn default() -> Self {
        Self {
            texts: Vec::new(),
            unseen: Vec::new(),
            named: Vec::new(),
            left: MOST_LOOKED_AT,
            left_bytes: MOST_BYTES,
        }
    }
}

impl Files {
    /// Of a container. A mount hides what is copied to the same path.
    pub(super) fn of(container: &Container) -> Self {
        let variables = container.environment.iter();
        let named = variables.filter_map(|one| Some(one.value.known()?.expose()));
        let words = container.words.iter().map(String::as_str);
        let words = words.map(|word| word.split_once('=').map_or(word, |(_, value)| value));
        let named = named.chain(words).filter(|path| path.ends_with(".json"));
        let named = named.map(|path| path.trim_start_matches("./"));
        let mut files = Self {
            named: named.map(str::to_owned).collect(),
            ..Self::default()
        };
        // An engine mounts what is below another mount over it.
        let mut mounts: Vec<&Mount> = container.mounts.iter().collect();
        mounts.sort_by_key(|mount| {
            mount
                .target
                .known()
                .map_or(0, |path| path.matches('/').count())
        });
        for mount in mounts {
            files.add(mount);
        }
        files.texts.reverse();
        let mut seen = HashSet::new();
        files.texts.retain(|file| seen.insert(file.path.clone()));
        files.texts.reverse();
        for mount in &container.copies {
            let target = mount.target.known();
            if !container
                .mounts
                .iter()
                .any(|one| one.target.known() == target)
            {
                files.add(mount);
            }
        }
        files
    }

    fn add(&mut self, mount: &Mount) {
        let Some(target) = mount.target.known() else {
            self.unseen.push("/".to_owned());
            return;
        };
        match mount.source.known() {
            Some(MountSource::Bind(host)) => self.walk(host, &host.path, target, DEEPEST),
            Some(MountSource::Text(file)) => self.texts.push(File {
                path: target.clone(),
                text: file.text.clone(),
            }),
            // What the others say may be what counts.
            Some(MountSource::Folder(folder)) if folder.others.is_some() => {
                self.unseen.push(target.clone());
            }
            Some(MountSource::Folder(folder)) => {
                self.texts
                    .extend(folder.files.iter().map(|(path, file)| File {
                        path: format!("{target}/{path}"),
                        text: file.text.clone(),
                    }));
            }
            Some(MountSource::Anonymous | MountSource::Empty) => {}
            Some(MountSource::Named(_) | MountSource::Node(_)) | None => {
                self.unseen.push(target.clone());
            }
        }
    }

    fn walk(&mut self, host: &HostPath, path: &Path, target: &str, depth: usize) {
        let has = host.has(path);
        // A folder that is left out may have what is not.
        if has == Knowable::Known(false) && !path.is_dir() {
            return;
        }
        if self.texts.len() >= MOST || self.left == 0 || has.known().is_none() {
            self.unseen.push(target.to_owned());
            return;
        }
        self.left -= 1;
        if path.is_dir() {
            let Some(entries) = entries(path).ok().filter(|_| depth > 0) else {
                self.unseen.push(target.to_owned());
                return;
            };
            for entry in entries {
                let name = entry.file_name().unwrap_or_default().to_string_lossy();
                if name == ".git" {
                    continue;
                }
                let below = format!("{}/{name}", target.trim_end_matches('/'));
                self.walk(host, &entry, &below, depth - 1);
            }
        } else if is_configuration(target) || self.is_named(target) {
            match self.read(path) {
                Some(text) => self.texts.push(File {
                    path: target.to_owned(),
                    text,
                }),
                None => self.unseen.push(target.to_owned()),
            }
        }
    }

    /// A relative path is one from a folder that is not known.
    fn is_named(&self, target: &str) -> bool {
        let mut named = self.named.iter();
        named.any(|path| Path::new(target).ends_with(path))
    }

    fn read(&mut self, path: &Path) -> Option<Zeroizing<String>> {
        let size = fs::metadata(path).ok()?.len();
        self.left_bytes = self.left_bytes.checked_sub(size)?;
        read_text(path).ok()
    }

    /// The files that a program reads: those that its command names, by themselves or behind an option's `=`, or else those of a
    /// name that it looks for, or else all.
    pub(super) fn read_by(
        &self,
        container: &Container,
        looks_for: impl Fn(&str) -> bool,
    ) -> Vec<&File> {
        let is_at = |word: &String, path: &str| {
            word == path || word.split_once('=').is_some_and(|(_, value)| value == path)
        };
        let is_named = |file: &&File| container.words.iter().any(|word| is_at(word, &file.path));
        let is_own = |file: &&File| looks_for(file.path.rsplit('/').next().unwrap_or_default());
        let named: Vec<&File> = self.texts.iter().filter(is_named).collect();
        if !named.is_empty() {
            return named;
        }
        let own: Vec<&File> = self.texts.iter().filter(is_own).collect();
        match own.is_empty() {
            true => self.texts.iter().collect(),
            false => own,
        }
    }

    /// The file at a path.
    pub(super) fn at(&self, path: &str) -> Option<&File> {
        self.texts.iter().find(|file| file.path == path)
    }

    /// The files at or below any of these paths.
    pub(super) fn below<'a>(&'a self, folders: &'a [&'a str]) -> impl Iterator<Item = &'a File> {
        let texts = self.texts.iter();
        texts.filter(|file| folders.iter().any(|folder| is_below(&file.path, folder)))
    }

    /// Whether something cannot be looked into that is called like a configuration, or that the command names. A program that
    /// is told all by its command reads nothing else.
    pub(super) fn hides_configuration(&self, container: &Container, is_told: bool) -> bool {
        let is_named = |path: &str| container.words.iter().any(|word| is_below(word, path));
        let may_be_one = |path: &str| {
            !is_of_system(path) && (path.starts_with("/etc/") || path.contains("conf"))
        };
        let mut unseen = self.unseen.iter();
        unseen.any(|path| is_named(path) || !is_told && may_be_one(path))
    }

    /// Whether something at, above or below these paths cannot be looked into.
    pub(super) fn is_hidden(&self, folders: &[&str]) -> bool {
        let mut unseen = self.unseen.iter();
        unseen.any(|path| {
            let mut folders = folders.iter();
            folders.any(|folder| is_below(path, folder) || is_below(folder, path))
        })
    }
}

/// Whether what is at a path is for every program of a container.
pub(super) fn is_of_system(path: &str) -> bool {
    path.ends_with(".sock") || OF_SYSTEM.iter().any(|other| is_below(path, other))
}

/// Whether a file of this name may be configuration.
pub(super) fn is_configuration(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let extension = name
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase());
    extension.is_none_or(|extension| !NOT_READ.contains(&extension.as_str()))
        && !name.ends_with(".sock")
}

/// Whether a folder is seen to have a file of a name.
pub(super) fn holds(source: &MountSource, name: &str) -> bool {
    let is_name = !name.is_empty() && !name.contains('/') && name != "..";
    is_name
        && match source {
            MountSource::Bind(host) => host.path.join(name).is_file(),
            MountSource::Folder(folder) => folder.files.iter().any(|(path, _)| path == name),
            MountSource::Anonymous
            | MountSource::Empty
            | MountSource::Named(_)
            | MountSource::Node(_)
            | MountSource::Text(_) => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_whole_disk_only_a_part_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let large = fs::File::create(at("a-large.conf")).unwrap();
        large.set_len(MOST_BYTES + 1).unwrap();
        fs::write(at("b.conf"), "listen 80;").unwrap();
        fs::create_dir(at("c")).unwrap();
        for number in 0..MOST_LOOKED_AT {
            fs::write(at(&format!("c/{number:05}")), [0xff]).unwrap();
        }
        fs::write(at("d.conf"), "listen 81;").unwrap();
        let mut files = Files::default();
        let host = HostPath::new("nginx", folder.path());
        files.walk(&host, folder.path(), "/etc/nginx", DEEPEST);
        let paths: Vec<&str> = files.texts.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["/etc/nginx/b.conf"]);
        for name in ["a-large.conf", "d.conf"] {
            assert!(
                files.unseen.contains(&format!("/etc/nginx/{name}")),
                "{name}"
            );
        }
    }
}

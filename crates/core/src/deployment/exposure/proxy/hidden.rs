//! What of a proxy's configuration is mounted and cannot be read here: it may be in a volume, or in a Secret.

use super::{Software, included, labelled, software};
use crate::container::{Container, MountSource};
use crate::container_path::{self, is_below};
use crate::deployment::exposure::files::{Files, is_configuration, is_of_system};
use crate::knowable::Reason;

/// Words in the names of folders that have none of a proxy's configuration, but certificates, passwords, pages, or logs.
const FOR_OTHERS: [&str; 30] = [
    "acme",
    "auth",
    "ca",
    "cache",
    "certificate",
    "crt",
    "dhparam",
    "errors",
    "geoip",
    "htpasswd",
    "html",
    "key",
    "keys",
    "letsencrypt",
    "live",
    "log",
    "logs",
    "maps",
    "modules",
    "passwd",
    "password",
    "passwords",
    "pem",
    "pki",
    "private",
    "secret",
    "secrets",
    "ssl",
    "tls",
    "www",
];

/// Whether the last part of a path has an ending.
pub(super) fn has_ending(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    last.trim_start_matches('.').contains('.')
}

/// Whether the last part of a path says that no configuration is there. A site may be called like anything: `www.example.com`.
pub(super) fn is_for_others(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    let last = last.to_ascii_lowercase();
    let mut words = last.split(|c: char| !c.is_ascii_alphanumeric());
    let is_called_so = |word: &str| FOR_OTHERS.contains(&word) || word.contains("cert");
    !is_configuration(path) || !has_ending(path) && words.any(is_called_so)
}

/// Why a part of a proxy's configuration is not known, where what is mounted there cannot be read: it may be in a volume, or in a
/// Secret.
pub(in crate::deployment::exposure) fn unknown(
    container: &Container,
    files: &Files,
) -> Option<String> {
    let software = software(container).or_else(|| by_mounts(container))?;
    // Traefik says itself which files it reads (`traefik/settings.rs`).
    if software == Software::Traefik {
        return None;
    }
    let is_in_folder = |target: &str| {
        let mut folders = software.folders().iter();
        folders.any(|folder| match is_below(folder, target) {
            true => !is_for_itself(container, software, folder),
            false => is_below(target, folder) && !is_for_others(target) && is_of_sites(target),
        })
    };
    // Beside the main file nothing is read but what it includes.
    let has_main = included::has_main(container, software, files);
    let is_there = |target: &str| {
        !has_main && is_in_folder(target)
            || is_named(container, software, target)
            || included::is_included(container, software, files, target)
    };
    missing(container, files, is_there)
}

/// Whether nginx' image, and what is made of it, read a path below `/etc/nginx` by themselves.
fn is_of_sites(path: &str) -> bool {
    const OWN: [&str; 7] = [
        "conf.d",
        "http.d",
        "nginx.conf",
        "sites-enabled",
        "stream.d",
        "templates",
        "vhost.d",
    ];
    let rest = container_path::relative(path, "/etc/nginx");
    rest.is_none_or(|rest| rest.is_empty() || OWN.iter().any(|own| is_below(rest, own)))
}

/// Whether the command names what is at a path, or something below it.
fn is_named(container: &Container, software: Software, target: &str) -> bool {
    let mut words = container.words.iter();
    let is_in_folder = |software: Software| {
        software == Software::Haproxy && { container.option("-f") }
            .any(|folder| is_below(target, folder))
    };
    is_in_folder(software)
        || words.any(|word| {
            let path = word.split_once('=').map_or(word.as_str(), |(_, path)| path);
            is_below(path, target)
        })
}

/// The software whose configuration is mounted into a container of which nothing else says what it is.
fn by_mounts(container: &Container) -> Option<Software> {
    const ALL: [Software; 4] = [
        Software::Caddy,
        Software::Haproxy,
        Software::Httpd,
        Software::Nginx,
    ];
    let targets = container.mounts.iter();
    let targets: Vec<&String> = targets.filter_map(|mount| mount.target.known()).collect();
    let is_one = |software: &Software| {
        let mut folders = software.folders().iter();
        folders.any(|folder| targets.iter().any(|target| is_below(target, folder)))
    };
    ALL.into_iter().find(is_one)
}

/// Whether Caddy alone writes into a folder: it reads that again with `--resume`.
fn is_for_itself(container: &Container, software: Software, folder: &str) -> bool {
    software == Software::Caddy
        && folder.starts_with("/config")
        && !container.words.iter().any(|word| word == "--resume")
}

/// Why it is not known whom a proxy passes on to whose configuration is not read, wherever that is.
pub(in crate::deployment::exposure) fn unread(
    container: &Container,
    files: &Files,
) -> Option<String> {
    let is_one = Software::of(container) == Some(Software::Other) && !labelled::is_one(container);
    // What a program keeps while it runs.
    let is_kept = |target: &str| {
        ["/run", "/tmp", "/var"]
            .iter()
            .any(|kept| is_below(target, kept))
    };
    let is_there =
        |target: &str| !is_for_others(target) && !is_of_system(target) && !is_kept(target);
    is_one
        .then(|| missing(container, files, is_there))
        .flatten()
}

/// Why what may be at some paths of a container is not known.
pub(super) fn missing(
    container: &Container,
    files: &Files,
    is_there: impl Fn(&str) -> bool,
) -> Option<String> {
    let not_here =
        |path: &str| format!("its configuration may be in {path}, which cannot be read here");
    let of = |path: &str, why: &Reason| format!("of {path}, {}", why.as_str());
    let mut mounts = container.mounts.iter();
    mounts.find_map(|mount| {
        let target = mount.target.known()?;
        if !is_there(target) {
            return None;
        }
        match mount.source.known() {
            None => mount.source.reason().map(|why| of(target, why)),
            Some(MountSource::Folder(folder)) => folder.others.as_ref().map(|why| of(target, why)),
            Some(MountSource::Named(_) | MountSource::Node(_)) => Some(not_here(target)),
            Some(MountSource::Bind(_)) => {
                let mut unseen = files.unseen.iter();
                let path = unseen.find(|path| is_below(path, target) && is_there(path))?;
                Some(not_here(path))
            }
            Some(MountSource::Anonymous | MountSource::Empty | MountSource::Text(_)) => None,
        }
    })
}

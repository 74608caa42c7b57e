//! Containers that run, and the compose files from which they were made.

use std::path::{Path, PathBuf};

use clearml_secure_core::container::Container;
use clearml_secure_core::docker::ComposeProject;
use clearml_secure_core::effective::Effective;
use clearml_secure_core::shell::quoted;
use clearml_secure_core::shown::{escape, escape_path};
use clearml_secure_core::source::SourceId;

use crate::report::described::Described;
use crate::report::trees::Trees;
use crate::words::and;

/// What the files say from which containers were made, if they are a target, too: those that docker compose has written on
/// them, or, copied to another folder, the only ones with the same services.
///
/// Containers that were made from more files than were read have what nobody has read, so they are not compared.
pub(crate) fn files_of<'a>(
    running: &Described,
    files: &'a [Trees],
    remarks: &mut Vec<String>,
) -> Option<(&'a Described, &'a Effective)> {
    if !running.is_running() {
        return None;
    }
    let files: Vec<_> = files.iter().filter_map(of_files).collect();
    let is_named = |one: &&(&Described, _)| made(running).any(|made| is_read(made, one.0));
    let named: Vec<_> = files.iter().filter(is_named).collect();
    let is_alone = running.made_from.as_ref().is_none_or(|made| !made.has_twin);
    let mut alike = files
        .iter()
        .filter(|(one, _)| is_alone && has_its_services(running, one));
    let (found, is_copy) = match (&named[..], alike.next(), alike.next()) {
        ([first, ..], ..) => {
            let whole = named
                .iter()
                .find(|one| besides(running, one.0, false).is_empty());
            (**whole.unwrap_or(first), false)
        }
        ([], Some(only), None) => (*only, true),
        _ => {
            if !files.is_empty() {
                remarks.push(not_given(running));
            }
            return None;
        }
    };
    let besides = besides(running, found.0, is_copy);
    if besides.is_empty() {
        return Some(found);
    }
    remarks.push(format!(
        "the containers{} were made with other files, too; they are not compared without{}",
        of_project(running),
        besides
    ));
    None
}

fn of_files(trees: &Trees) -> Option<(&Described, &Effective)> {
    let is_of_files = trees.deployment.project.is_some();
    is_of_files.then_some((&trees.deployment, &trees.effective))
}

/// The files that docker compose has written on the containers.
fn made(running: &Described) -> impl Iterator<Item = &PathBuf> {
    running.made_from.iter().flat_map(|made| &made.files)
}

/// That no file which is given is that of the containers.
fn not_given(running: &Described) -> String {
    let made: Vec<_> = made(running)
        .map(|file| escape_path(file).into_owned())
        .collect();
    let made: Vec<&str> = made.iter().map(String::as_str).collect();
    format!(
        "no file that is given is that of the containers{}{}; they are not compared",
        of_project(running),
        match made[..] {
            [] => String::new(),
            _ => format!(", which were made from {}", and(&made)),
        }
    )
}

fn of_project(running: &Described) -> String {
    match &running.made_from {
        Some(made) => format!(" of project {}", escape(&made.name)),
        None => String::new(),
    }
}

/// Whether a file with a whole path is one of those that were read.
fn is_read(made: &Path, files: &Described) -> bool {
    let made = made.canonicalize();
    made.is_ok_and(|made| {
        let mut read = files.sources.ids();
        read.any(|id| files.sources.file(id) == Some(&made))
    })
}

/// Whether a file of this name was read: the folder of a copy is another one.
fn is_read_by_name(made: &Path, files: &Described) -> bool {
    let mut read = files.sources.ids();
    read.any(|id: SourceId| files.sources.path(id).file_name() == made.file_name())
}

/// What the containers were made from besides the files that were read, as options. A copy that is one file may have any name.
fn besides(running: &Described, files: &Described, is_copy: bool) -> String {
    let Some(ComposeProject {
        files: made,
        env_files,
        ..
    }) = &running.made_from
    else {
        return String::new();
    };
    let is_read = |path: &Path| match is_copy {
        true => is_read_by_name(path, files),
        false => is_read(path, files),
    };
    let made = match &made[..] {
        [_] if is_copy => &[][..],
        more => more,
    };
    let merged = made.iter().filter(|path| !is_read(path));
    // Options for env files replace those that compose reads without any, and the last one wins: all of them, in their order.
    let has_env_files = env_files.iter().all(|path| is_read(path));
    let env_files = env_files.iter().filter(|_| !has_env_files);
    let option = |name: &str, path: &Path| format!(" {name} {}", quoted(path));
    let missing = merged
        .map(|path| option("--merge", path))
        .chain(env_files.map(|path| option("--env-file", path)));
    missing.collect()
}

/// Whether every server of the project that runs is one of the files'.
fn has_its_services(running: &Described, files: &Described) -> bool {
    let servers = running.instances.iter();
    let mut own = servers
        .filter(|one| {
            let made = running.service(one).made.as_ref();
            running.made_from.is_none() || made.is_some_and(|made| made.service.is_some())
        })
        .peekable();
    own.peek().is_some()
        && own.all(|one| {
            let mut theirs = files.instances.iter();
            theirs.any(|other| {
                other.server == one.server
                    && is_made_from(running, running.service(one), files.service(other))
            })
        })
}

/// Whether a container that runs is one of a service of the files. Where nothing is written on it, its name says so.
pub(crate) fn is_made_from(running: &Described, now: &Container, then: &Container) -> bool {
    let service = now.made.as_ref().and_then(|made| made.service.as_deref());
    match service {
        Some(service) => service == then.name,
        None if running.made_from.is_some() => false,
        None => {
            let is_named =
                now.container_name.is_some() && now.container_name == then.container_name;
            is_named || now.name == then.name
        }
    }
}

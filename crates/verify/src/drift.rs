//! Containers that run, and the compose files from which they were made.

use std::path::Path;

use clearml_secure_core::effective::Effective;
use clearml_secure_core::shown::escape;

use crate::described::Described;
use crate::trees::Trees;

/// What the files say from which containers were made, if they are a target, too: those that docker compose has written on
/// them, or, copied to another folder, the only ones with the same services.
pub(crate) fn files_of<'a>(
    running: &Described,
    files: &'a [Trees],
    remarks: &mut Vec<String>,
) -> Option<(&'a Described, &'a Effective)> {
    if !running.is_running() {
        return None;
    }
    let mut files: Vec<_> = files.iter().filter_map(of_files).collect();
    if let Some(at) = files.iter().position(|(one, _)| is_named(running, one)) {
        return Some(files.swap_remove(at));
    }
    let mut alike = files
        .iter()
        .filter(|(one, _)| has_its_services(running, one));
    match (alike.next(), alike.next()) {
        (Some(only), None) => Some(*only),
        _ => {
            if !files.is_empty() {
                let made = running.made_from.iter().flat_map(|made| &made.files);
                let made: Vec<String> = made.map(|file| escape(file).into_owned()).collect();
                remarks.push(format!(
                    "no file that is given is that of the containers{}; they are not compared",
                    match made.is_empty() {
                        true => String::new(),
                        false => format!(", which were made from {}", made.join(", ")),
                    }
                ));
            }
            None
        }
    }
}

fn of_files(trees: &Trees) -> Option<(&Described, &Effective)> {
    let is_of_files = trees.deployment.project.is_some();
    is_of_files.then_some((&trees.deployment, &trees.effective))
}

/// Whether docker compose has written the name of the file on the containers.
fn is_named(running: &Described, files: &Described) -> bool {
    let path = files.sources.file(files.first);
    let mut made = running.made_from.iter().flat_map(|made| &made.files);
    path.is_some_and(|path| {
        made.any(|made| {
            Path::new(made)
                .canonicalize()
                .is_ok_and(|made| made == path)
        })
    })
}

/// Whether every server that runs is one of the files'.
fn has_its_services(running: &Described, files: &Described) -> bool {
    let mut servers = running.instances.iter();
    servers.all(|one| {
        let mut theirs = files.instances.iter();
        theirs.any(|other| {
            other.server == one.server && files.service(other).name == running.service(one).name
        })
    })
}

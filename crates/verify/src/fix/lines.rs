//! Lines of `.conf` files: into which file they go, and whether a server takes them from there.

use std::path::{Path, PathBuf};

use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::effective::{Configured, Effective, Layer};
use clearml_secure_core::instance::{Family, Instance};

use crate::cli::Cli;
use crate::finding::{Finding, Fix};
use crate::words::shown;

/// Lines for one file.
pub(crate) struct Lines<'a> {
    pub(crate) place: Place,
    /// The folder that has to be made first.
    pub(crate) folder: Option<PathBuf>,
    /// In HOCON.
    pub(crate) lines: Vec<String>,
    pub(crate) fixes: Vec<&'a Finding>,
    /// The services that load the file.
    pub(crate) services: Vec<String>,
}

/// Where lines go.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// At the end of this file, or into it where it is not there yet.
    End(PathBuf),
    /// Into the file by this name of a folder that cannot all be read here.
    Elsewhere(String),
    /// Into this file, by hand: at its end they would have no effect.
    Inside(PathBuf),
    /// Into the file whose path is written so, with variables that a shell does not know.
    Referenced(String),
    /// Into the file by this name, once something is mounted at this folder.
    Unmounted { name: String, folder: &'static str },
    /// Nowhere as long as this variable, at this place, wins over every file.
    Variable { name: String, at: String },
}

/// What gives the servers of a deployment other values, file by file.
pub(super) fn of<'a>(
    cli: &Cli,
    deployment: &Deployment,
    effective: &Effective,
    findings: &'a [Finding],
) -> Vec<Lines<'a>> {
    let mut all: Vec<Lines<'a>> = Vec::new();
    for finding in findings {
        let Some(Fix::Configure {
            instance,
            path,
            value,
        }) = &finding.fix
        else {
            continue;
        };
        let (place, key) = place(cli, deployment, effective, *instance, path);
        let below = path.strip_prefix(key.as_str()).unwrap_or(path);
        let line = format!("{}: {value}", below.trim_start_matches('.'));
        let place = match place {
            Place::End(file)
                if !Effective::takes(deployment, *instance, (&file, &key), &line, path) =>
            {
                Place::Inside(file)
            }
            place => place,
        };
        let place = match &place {
            Place::End(file) | Place::Inside(file) => match deployment.referenced(file) {
                Some(written) => Place::Referenced(written),
                None => place,
            },
            _ => place,
        };
        let service = &deployment.service(&deployment.instances[*instance]).name;
        let known = all.iter().position(|lines| lines.place == place);
        let at = known.unwrap_or(all.len());
        if known.is_none() {
            all.push(Lines {
                folder: missing_folder(&place),
                place,
                lines: Vec::new(),
                fixes: Vec::new(),
                services: Vec::new(),
            });
        }
        let lines = &mut all[at];
        lines.fixes.push(finding);
        if !lines.lines.contains(&line) {
            lines.lines.push(line);
        }
        if !lines.services.contains(service) {
            lines.services.push(service.clone());
        }
    }
    all
}

/// Where a line for a path goes, and the key at which that file is loaded.
fn place(
    cli: &Cli,
    deployment: &Deployment,
    effective: &Effective,
    index: usize,
    path: &str,
) -> (Place, String) {
    let instance = &deployment.instances[index];
    let server = &effective.servers[index];
    if let Configured::Value(_, span) = server.configured(deployment, path) {
        match server.layer(deployment, path) {
            // Who sets it now is who is read last, and what that includes is before its end.
            Some(Layer::File(at)) => {
                let file = &instance.config[at];
                let file_path = deployment.sources.path(file.source).to_owned();
                return (Place::End(file_path), file.key.clone());
            }
            Some(Layer::Variable(at)) => {
                let variable = &deployment.service(instance).environment[at];
                let name = shown(&variable.name).to_owned();
                let at = deployment.sources.place(span).to_string();
                return (Place::Variable { name, at }, String::new());
            }
            Some(Layer::Image) | None => {}
        }
    }
    let key = key(path).to_owned();
    let place = match file(cli, deployment, instance, &key) {
        Some(file) if instance.is_config_seen() => Place::End(file),
        _ => {
            let name = format!("{}.conf", key.replace('.', "/"));
            match (instance.is_config_seen(), instance.family) {
                (false, _) => Place::Elsewhere(name),
                (true, Family::Clearml) => Place::Unmounted {
                    name,
                    folder: "/opt/clearml/config",
                },
                (true, Family::Trains) => Place::Unmounted {
                    name,
                    folder: "/opt/trains/config",
                },
            }
        }
    };
    (place, key)
}

fn missing_folder(place: &Place) -> Option<PathBuf> {
    let Place::End(file) = place else {
        return None;
    };
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.filter(|folder| !folder.exists()).map(Path::to_owned)
}

/// The file that an instance loads at a key, or would.
fn file(cli: &Cli, deployment: &Deployment, instance: &Instance, key: &str) -> Option<PathBuf> {
    let mut loaded = instance.config.iter().rev();
    if let Some(file) = loaded.find(|file| file.key == key) {
        return Some(deployment.sources.path(file.source).to_owned());
    }
    match &cli.config_dir {
        Some(folder) => Some(folder.join(Path::new(&key.replace('.', "/")).with_extension("conf"))),
        None => deployment.config_path(instance, key),
    }
}

/// The key of the file in which ClearML's documentation sets a path.
fn key(path: &str) -> &str {
    let depth = if path.starts_with("services.") { 2 } else { 1 };
    let end = path.match_indices('.').nth(depth - 1);
    end.map_or(path, |(end, _)| &path[..end])
}

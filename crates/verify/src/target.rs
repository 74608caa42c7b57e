//! From the command line's targets to deployments.

use std::path::{Path, PathBuf};

use clearml_secure_core::deployment::{Deployment, Files, default_in, is_default, override_beside};
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::io::{entries, is_link, read_text};
use zeroize::Zeroizing;

use crate::cli::Cli;
use crate::error::Error;

/// Files that mark a folder as something a program made and can make again.
const MADE: [&str; 2] = ["CACHEDIR.TAG", "pyvenv.cfg"];

/// Folders may be nested this deep below a target.
const DEPTH_LIMIT: usize = 32;

/// Every deployment of the targets, and what a person should know about how they were read.
///
/// # Errors
/// A target that cannot be read or holds no ClearML server.
pub(crate) fn deployments(cli: &Cli) -> Result<(Vec<Deployment>, Vec<String>), Error> {
    let mut deployments = Vec::new();
    let mut remarks = Vec::new();
    for target in &cli.targets {
        let text = target.to_string_lossy();
        if is_url(&text) {
            continue;
        }
        if text.ends_with(".conf") {
            return Err(Error::Target(target.clone()));
        }
        if target.is_dir() {
            let mut found = Vec::new();
            below(target, 0, &mut found, &mut remarks)?;
            let before = deployments.len();
            for path in found {
                let deployment = load(cli, &path, &mut remarks)?;
                // What could not be understood may hold a server: it is never passed over.
                if !deployment.instances.is_empty() || !deployment.unseen.is_empty() {
                    deployments.push(deployment);
                }
            }
            if deployments.len() == before {
                return Err(Error::NothingBelow(target.clone()));
            }
        } else {
            let deployment = load(cli, target, &mut remarks)?;
            if deployment.instances.is_empty() {
                return Err(Error::NoServer(target.clone()));
            }
            deployments.push(deployment);
        }
    }
    Ok((deployments, remarks))
}

/// The running servers among the targets.
///
/// # Errors
/// An address with a user's name, whose password would stand in the command line.
pub(crate) fn servers(cli: &Cli) -> Result<Vec<String>, Error> {
    let given = [&cli.api, &cli.web, &cli.files];
    let named = given.into_iter().flatten().map(String::as_str);
    let targets = cli.targets.iter().filter_map(|target| target.to_str());
    let urls: Vec<&str> = targets.filter(|text| is_url(text)).collect();
    for url in urls.iter().copied().chain(named) {
        let authority = url.split_once("://").map(|(_, rest)| rest);
        let authority = authority.and_then(|rest| rest.split(['/', '?', '#']).next());
        match authority {
            Some(authority) if is_url(url) && !authority.is_empty() && !authority.contains('@') => {
            }
            _ => return Err(Error::Url),
        }
    }
    Ok(urls.into_iter().map(str::to_owned).collect())
}

fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

fn load(cli: &Cli, path: &Path, remarks: &mut Vec<String>) -> Result<Deployment, CoreError> {
    let mut paths = vec![path.to_owned()];
    if cli.merge.is_empty() {
        if let Some(found) = override_beside(path) {
            remarks.push(format!(
                "{} is read with {}, as docker compose reads them together",
                path.display(),
                found.display()
            ));
            paths.push(found);
        }
    } else {
        paths.extend(cli.merge.iter().cloned());
    }
    let files = Files::read(&paths, cli.env_file.as_deref(), cli.config_dir.as_deref())?;
    Deployment::load(files)
}

/// The compose files below a folder, sorted: in each folder the one that docker compose would take, and every
/// other whose name says that it is one, overrides left out.
fn below(
    folder: &Path,
    depth: usize,
    found: &mut Vec<PathBuf>,
    remarks: &mut Vec<String>,
) -> Result<(), CoreError> {
    let taken = default_in(folder);
    for path in entries(folder)? {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if path.is_dir() {
            let is_made = [".git", "node_modules"].contains(&name)
                || MADE.iter().any(|mark| path.join(mark).is_file());
            if !is_link(&path) && depth < DEPTH_LIMIT && !is_made {
                below(&path, depth + 1, found, remarks)?;
            }
        } else if is_compose_name(name) && has_services(&path) {
            match &taken {
                Some(taken) if is_default(name) && *taken != path => remarks.push(format!(
                    "{} is not read: docker compose takes {} beside it",
                    path.display(),
                    taken.display()
                )),
                _ => found.push(path),
            }
        }
    }
    Ok(())
}

fn is_compose_name(name: &str) -> bool {
    let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    is_yaml && name.contains("compose") && !name.contains(".override.")
}

/// A file that only looks like one by its name is left alone; one that cannot be read is not.
fn has_services(path: &Path) -> bool {
    read_text(path).map_or(true, |text: Zeroizing<String>| text.contains("services"))
}

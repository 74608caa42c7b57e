//! The second witness of `--prove-with-compose`: docker compose itself reads what is about to be written, and every
//! container must get from it what our own model says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clearml_secure_core::compose::Service;
use clearml_secure_core::compose::files::{Files, GivenFile};
use clearml_secure_core::container::{Origin, Port, Variable, VariableValue};
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::io::Temporary;
use clearml_secure_core::shown::escape;
use clearml_secure_plan::env_file::EnvFile;
use clearml_secure_plan::job::Proved;
use serde::Deserialize;

use crate::error::Error;

/// The ways in which docker compose is installed.
const PROGRAMS: [&[&str]; 2] = [&["docker", "compose"], &["docker-compose"]];

/// What it may know of around it. Its variables would win over the env files, and our model has none of them.
const KEPT: [&str; 3] = ["PATH", "HOME", "DOCKER_CONFIG"];

/// The address of a port for which none is written.
const EVERYWHERE: &str = "0.0.0.0";

/// What `docker compose config` prints, as far as it matters here.
#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    services: BTreeMap<String, Printed>,
}

#[derive(Default, Deserialize)]
struct Printed {
    #[serde(default)]
    environment: BTreeMap<String, Option<String>>,
    #[serde(default)]
    ports: Vec<PrintedPort>,
}

#[derive(Deserialize)]
struct PrintedPort {
    #[serde(default)]
    target: u32,
    #[serde(default)]
    published: String,
    #[serde(default)]
    host_ip: String,
    #[serde(default)]
    protocol: String,
}

/// Asks docker compose. `compose` are the files as they are, the edited one first.
///
/// # Errors
/// A difference, or that it cannot be asked.
pub(crate) fn ask(compose: &[GivenFile], proved: &Proved) -> Result<(), Error> {
    let program = find()?;
    let mut temporary = Vec::new();
    let mut arguments: Vec<PathBuf> = Vec::new();
    let mut texts: Vec<GivenFile> = compose.to_vec();
    let folder = texts.first().and_then(|(path, _)| path.parent());
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).to_owned();
    let mut add = |target: &Path, text: &str| -> Result<PathBuf, Error> {
        let file = Temporary::beside(target, text)?;
        let path = file.path().to_owned();
        temporary.push(file);
        Ok(path)
    };
    let env = proved.env_file.as_ref().map(|file| file.all(true));
    for (path, text) in env.iter().flatten() {
        let is_new = proved
            .env_file
            .as_ref()
            .is_some_and(|file| file.path == *path);
        arguments.push("--env-file".into());
        arguments.push(if is_new {
            add(path, text)?
        } else {
            path.clone()
        });
    }
    for (number, (path, text)) in compose.iter().enumerate() {
        arguments.push("-f".into());
        arguments.push(match number {
            0 => add(&folder.join("edited"), &proved.after)?,
            // A pipe has its text only once.
            _ if path == Path::new("-") => add(&folder.join("merged"), text)?,
            _ => path.clone(),
        });
    }
    if let Some((_, text)) = texts.first_mut() {
        *text = proved.after.clone();
    }
    if let Some(overlay) = &proved.plan.overlay {
        arguments.push("-f".into());
        arguments.push(add(&folder.join("override"), overlay)?);
        texts.push((PathBuf::from("override"), overlay.clone().into()));
    }
    let config = config(program, &folder, &arguments)?;
    drop(temporary);
    compare(&load(texts, proved.env_file.as_ref())?, &config)
}

fn load(compose: Vec<GivenFile>, env_file: Option<&EnvFile>) -> Result<Composed, Error> {
    let env = env_file.map(|file| file.all(true));
    Ok(Composed::load(Files::of(
        compose,
        env.unwrap_or_default(),
        None,
    )?)?)
}

/// The first of the programs that is a docker compose of version 2 or later.
fn find() -> Result<&'static [&'static str], Error> {
    let is_there = |program: &&&[&str]| {
        let asked = command(program).args(["version", "--short"]).output();
        asked.is_ok_and(|done| {
            let text = String::from_utf8_lossy(&done.stdout);
            let major = text
                .trim()
                .trim_start_matches('v')
                .split('.')
                .next()
                .map(str::parse::<u32>);
            done.status.success() && matches!(major, Some(Ok(2..)))
        })
    };
    PROGRAMS
        .iter()
        .find(is_there)
        .copied()
        .ok_or(Error::NoCompose)
}

fn command(program: &[&str]) -> Command {
    let mut command = Command::new(program.first().copied().unwrap_or_default());
    command
        .args(program.iter().skip(1))
        .stdin(Stdio::null())
        .env_clear();
    let kept = KEPT
        .into_iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)));
    command.envs(kept);
    command
}

fn config(program: &[&str], folder: &Path, files: &[PathBuf]) -> Result<Config, Error> {
    let mut command = command(program);
    command.arg("--project-directory").arg(folder).args(files);
    command.args(["--profile", "*", "config", "--format", "json"]);
    // What it says of an error may hold text of the files.
    let done = command
        .stderr(Stdio::null())
        .output()
        .map_err(Error::Compose)?;
    if !done.status.success() {
        return Err(Error::ComposeRefuses);
    }
    serde_json::from_slice(&done.stdout).map_err(|_| Error::ComposeRefuses)
}

/// Every container gets from compose what our model says, and no service is in one of the two alone.
fn compare(deployment: &Composed, config: &Config) -> Result<(), Error> {
    let services = &deployment.project.services;
    let names: BTreeSet<&str> = services
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    if let Some(other) = config
        .services
        .keys()
        .find(|name| !names.contains(name.as_str()))
    {
        return Err(differs(other, "the service itself"));
    }
    for service in services {
        let Some(printed) = config.services.get(&service.name) else {
            return Err(differs(&service.name, "the service itself"));
        };
        if let Some(name) = unlike(service, printed) {
            return Err(differs(&service.name, &name));
        }
        if !are_same(&service.ports, &printed.ports) {
            return Err(differs(&service.name, "`ports`"));
        }
    }
    Ok(())
}

fn differs(service: &str, what: &str) -> Error {
    let what = match what {
        "" => "a variable without a name".into(),
        what => escape(what),
    };
    Error::ComposeDiffers {
        service: service.to_owned(),
        what: what.into_owned(),
    }
}

/// A variable that compose has otherwise. What the image and the command set is not in compose's files.
fn unlike(service: &Service, printed: &Printed) -> Option<String> {
    let is_same = |variable: &Variable| {
        let value = printed
            .environment
            .get(&variable.name)
            .and_then(Option::as_ref);
        match (&variable.value, value) {
            (VariableValue::Known(ours), Some(theirs)) => {
                // It prints text that could be interpolated again.
                ours.expose().replace('$', "$$") == *theirs
            }
            (VariableValue::Unset, theirs) => theirs.is_none(),
            _ => false,
        }
    };
    let is_of_compose =
        |variable: &&Variable| matches!(variable.origin, Origin::EnvFile | Origin::Environment);
    let mut ours = service.environment.iter().filter(is_of_compose);
    let wrong = ours
        .find(|variable| !is_same(variable))
        .map(|variable| variable.name.clone());
    let is_ours = |name: &String| {
        service
            .environment
            .iter()
            .any(|variable| variable.name == *name)
    };
    wrong.or_else(|| {
        printed
            .environment
            .keys()
            .find(|name| !is_ours(name))
            .cloned()
    })
}

/// Whether two lists publish the same. Compose prints a range port by port, and of a port with no address and with 0.0.0.0 one.
fn are_same(ours: &[Port], theirs: &[PrintedPort]) -> bool {
    let theirs = theirs.iter().map(|port| {
        let address = match port.host_ip.trim_matches(['[', ']']) {
            "" => EVERYWHERE.to_owned(),
            address => address.to_owned(),
        };
        (
            port.target,
            port.published.clone(),
            address,
            port.protocol.clone(),
        )
    });
    let theirs: BTreeSet<_> = theirs.collect();
    ours.iter().flat_map(written_out).collect::<BTreeSet<_>>() == theirs
}

fn written_out(port: &Port) -> Vec<(u32, String, String, String)> {
    let address = port
        .address
        .map_or_else(|| EVERYWHERE.to_owned(), |address| address.to_string());
    let count = port.target.clone().count();
    let published = |number: usize| match &port.published {
        None => String::new(),
        Some(range) if range.clone().count() == count => {
            (usize::from(*range.start()) + number).to_string()
        }
        Some(range) if range.start() == range.end() => range.start().to_string(),
        Some(range) => format!("{}-{}", range.start(), range.end()),
    };
    let targets = port.target.clone().enumerate();
    targets
        .map(|(number, target)| {
            (
                u32::from(target),
                published(number),
                address.clone(),
                port.protocol.clone(),
            )
        })
        .collect()
}

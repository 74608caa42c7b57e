//! A container does not run with what its compose file says.
//!
//! **What**: `docker inspect` of the containers and the compose files are both a target, and a server runs with another
//! key, variable, image, command or published port than the files give it, or does not run at all.
//!
//! **Why**: a container keeps what it was created with. After keys were replaced in a file, a server that was only
//! restarted, or was forgotten, goes on with the old ones, which are public or known to somebody. A
//! server that was recreated and one that was not no longer agree.
//!
//! bad: `docker inspect $(docker ps -q) | clearml-verify - docker-compose.yml`, after the file was edited
//!
//! good: the same after `docker compose up -d`
//!
//! **Fix**: `docker compose up -d` recreates the containers whose files have changed; `docker compose restart` does not.
//! Where the environment of the shell is what differs, put the value into the env file.
//!
//! **References**: docs/clearml.md#what-docker-inspect-tells.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use clearml_secure_core::container::{Container, Interface, Port, VariableValue};
use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::effective::{Effective, Value};
use clearml_secure_core::instance::Instance;
use clearml_secure_core::setting::Setting;
use clearml_secure_core::shown::escape;

use super::{Case, Rule};
use crate::drift::is_made_from;
use crate::finding::{Draft, Severity};
use crate::words::and;

/// The old keys are live.
const CREDENTIAL: Severity = Severity::Error;
/// Something is not as the files say it.
const OTHER: Severity = Severity::Warning;

const PORTS: &str = "its published ports";

const HELP: &str = "`docker compose up -d` recreates the containers; `docker compose restart` keeps what they were created with";

pub(crate) struct DriftedContainer;

impl Rule for DriftedContainer {
    fn id(&self) -> &'static str {
        "drifted-container"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let Some((files, said)) = case.made_from else {
            return;
        };
        for (then, instance) in files.instances.iter().enumerate() {
            let name = &files.service(instance).name;
            let running = case.deployment.instances.iter().enumerate();
            let mut same = running
                .filter(|(_, one)| {
                    let now = case.deployment.service(one);
                    one.server == instance.server
                        && is_made_from(case.deployment, now, files.service(instance))
                })
                .peekable();
            if same.peek().is_none() {
                findings.push(missing(case, instance, name));
            }
            for (now, _) in same {
                let both = Both {
                    case,
                    now,
                    files,
                    said,
                    then,
                };
                both.compare_settings(findings);
                both.compare_the_rest(findings);
            }
        }
    }
}

fn missing(case: &Case<'_>, instance: &Instance, name: &str) -> Draft {
    let message = format!(
        "no container runs {}, which is service {} of the files",
        instance.server.name(),
        escape(name)
    );
    let help = "start it: docker compose up -d; or look at all containers of the host: docker inspect $(docker ps -q)";
    let place = case.deployment.containers.first().map(|one| one.name_span);
    Draft::new(OTHER, message, help)
        .server(instance.server)
        .at(place)
}

/// What one server runs with, and what its files say.
struct Both<'a> {
    case: &'a Case<'a>,
    /// Its place among the instances that run.
    now: usize,
    files: &'a Deployment,
    said: &'a Effective,
    /// Its place among the instances of the files.
    then: usize,
}

impl Both<'_> {
    fn instances(&self) -> (&Instance, &Instance) {
        let running = &self.case.deployment.instances;
        (&running[self.now], &self.files.instances[self.then])
    }

    fn containers(&self) -> (&Container, &Container) {
        let (now, then) = self.instances();
        (self.case.deployment.service(now), self.files.service(then))
    }

    fn compare_settings(&self, findings: &mut Vec<Draft>) {
        let mut now = self.case.effective.readings();
        let then = || self.said.readings().filter(|one| one.instance == self.then);
        for reading in now.by_ref().filter(|one| one.instance == self.now) {
            let other = then().find(|other| other.setting == reading.setting);
            let Some(other) = other.filter(|_| self.is_told(reading.setting)) else {
                continue;
            };
            if is_other(&reading.value, &other.value) {
                let place = self.files.sources.place(other.span(self.files));
                let message = format!(
                    "{} runs with another {} than {place} gives it",
                    self.case.server(reading),
                    reading.setting
                );
                let finding = self.case.finding_in(CREDENTIAL, reading, message);
                findings.push(finding.help(HELP).fixed_by(None));
            }
        }
    }

    /// Whether the files say what a setting is: what only a shell has may be what runs.
    fn is_told(&self, setting: Setting) -> bool {
        let spellings = self
            .instances()
            .1
            .spellings(setting, &self.containers().1.environment);
        spellings
            .into_iter()
            .all(|variable| variable.value.known().is_some())
    }

    fn compare_the_rest(&self, findings: &mut Vec<Draft>) {
        let (running, instance) = self.instances();
        let (now, then) = self.containers();
        let mut different = variables(now, then, instance);
        let images = now.known_image().zip(then.known_image());
        if images.is_some_and(|(now, then)| whole(&now.text) != whole(&then.text)) {
            different.push("its image".to_owned());
        }
        if !is_same_command(now, then) {
            different.push("its command".to_owned());
        }
        if !has_same_ports(now, then) {
            different.push(PORTS.to_owned());
        }
        if different.is_empty() {
            return;
        }
        let different: Vec<&str> = different.iter().map(String::as_str).collect();
        let message = format!(
            "{} does not run as {} says: {}",
            self.case.named(running),
            self.files.sources.place(then.name_span),
            match different[..] {
                [one] if one != PORTS => format!("{one} is another"),
                ref more => format!("{} are others", and(more)),
            }
        );
        let finding = Draft::new(OTHER, message, HELP).server(running.server);
        findings.push(finding.at(now.name_span));
    }
}

/// Whether two values are known, and not the same.
fn is_other(now: &Value, then: &Value) -> bool {
    !matches!((now, then), (Value::Unknown(_), _) | (_, Value::Unknown(_))) && now != then
}

/// The variables for ClearML that are not what the files say, by name. Those of settings are named by their settings.
fn variables(now: &Container, then: &Container, instance: &Instance) -> Vec<String> {
    let is_concerned = |name: &str| {
        let is_setting = instance.settings().any(|setting| {
            let spellings = instance.spellings(setting, &now.environment).into_iter();
            let others = instance.spellings(setting, &then.environment);
            spellings
                .chain(others)
                .any(|variable| variable.name == name)
        });
        ["CLEARML", "TRAINS"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
            && !is_setting
    };
    let names = now
        .environment
        .iter()
        .chain(&then.environment)
        .map(|variable| variable.name.as_str());
    let names: BTreeSet<&str> = names.filter(|name| is_concerned(name)).collect();
    let value = |container: &Container, name: &str| {
        let mut all = container.environment.iter();
        match all
            .find(|variable| variable.name == name)
            .map(|variable| &variable.value)
        {
            Some(VariableValue::Known(text)) => Some(Some(text.clone())),
            None => Some(None),
            // What only the shell has may be what runs.
            Some(_) => None,
        }
    };
    // The image has variables of its own, such as CLEARML_SERVER_VERSION; none of them is a path of the configuration.
    let is_of_files = |name: &&str| {
        let is_path = ["CLEARML__", "TRAINS__"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
        is_path
            || then
                .environment
                .iter()
                .any(|variable| variable.name == **name)
    };
    let is_other = |name: &&str| matches!((value(now, name), value(then, name)), (Some(now), Some(then)) if now != then);
    names
        .into_iter()
        .filter(is_of_files)
        .filter(is_other)
        .map(|name| escape(name).into_owned())
        .collect()
}

/// An image's whole name, as podman writes it: `docker.io/library/redis:latest` for `redis`.
fn whole(image: &str) -> String {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let is_registry = |first: &str| first.contains(['.', ':']) || first == "localhost";
    let (registry, path) = match name.split_once('/') {
        Some(("index.docker.io", path)) => ("docker.io", path),
        Some((first, path)) if is_registry(first) => (first, path),
        _ => ("docker.io", name),
    };
    let library = match registry == "docker.io" && !path.contains('/') {
        true => "library/",
        false => "",
    };
    let end = match (digest, path.contains(':')) {
        (Some(digest), _) => format!("@{digest}"),
        (None, true) => String::new(),
        (None, false) => ":latest".to_owned(),
    };
    format!("{registry}/{library}{path}{end}")
}

/// Whether the process is started as the files say, as far as they do: before it is what the image begins with. Podman
/// writes an entrypoint as one text.
fn is_same_command(now: &Container, then: &Container) -> bool {
    let words = |container: &Container| {
        let all = container.command.iter().map(|word| word.known().cloned());
        let all = all.collect::<Option<Vec<String>>>()?.join(" ");
        let words = all.split_whitespace().map(str::to_owned);
        Some(words.collect::<Vec<String>>())
    };
    words(now)
        .zip(words(then))
        .is_none_or(|(now, then)| now.ends_with(&then))
}

/// Whether the same is published. Where docker may choose a port, any of those is the same.
fn has_same_ports(now: &Container, then: &Container) -> bool {
    let (now, then) = (singles(now), singles(then));
    let is_same = |one: &Single, other: &Single| {
        (one.target, one.interface) == (other.target, other.interface)
            && one.protocol == other.protocol
            && one.published.start() <= other.published.end()
            && other.published.start() <= one.published.end()
    };
    now.iter()
        .all(|one| then.iter().any(|other| is_same(one, other)))
        && then
            .iter()
            .all(|one| now.iter().any(|other| is_same(one, other)))
}

/// One port of a container, and which of the host's it may be published at.
struct Single<'a> {
    target: u16,
    published: RangeInclusive<u16>,
    interface: Interface,
    protocol: &'a str,
}

fn singles(container: &Container) -> Vec<Single<'_>> {
    container.ports.iter().flat_map(single).collect()
}

fn single(port: &Port) -> impl Iterator<Item = Single<'_>> {
    let count = |range: &RangeInclusive<u16>| range.end() - range.start();
    let first = *port.target.start();
    port.target.clone().map(move |target| {
        let published = match &port.published {
            None => 0..=u16::MAX,
            Some(range) if count(range) == count(&port.target) => {
                let one = range.start() + (target - first);
                one..=one
            }
            Some(range) => range.clone(),
        };
        Single {
            target,
            published,
            interface: port.interface,
            protocol: &port.protocol,
        }
    })
}

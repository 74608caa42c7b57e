//! What rules look at: a deployment and its effective configuration, with the questions that several rules ask.

pub(crate) mod accounts;
mod cluster;
pub(crate) mod origins;
pub(crate) mod protection;
mod remedy;
mod remedy_of_users;
mod unknown;
pub(crate) mod unread;

use std::cell::OnceCell;
use std::collections::HashMap;
use std::path::Path;

use clearml_secure_core::account::Accounts;
use clearml_secure_core::container::Origin;
use clearml_secure_core::effective::{Effective, Reading, ServerConfiguration, Value};
use clearml_secure_core::instance::Instance;
use clearml_secure_core::knowable::Knowable;
use clearml_secure_core::placeholder;
use clearml_secure_core::public;
use clearml_secure_core::setting::{Kind, Server};
use clearml_secure_core::shell::quoted;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Span;
use clearml_secure_core::strength::weakness;
use clearml_secure_core::unseen::{Hides, Unseen};
use clearml_secure_core::version::Version;

use crate::files::Files;
use crate::finding::{Draft, Fix, Severity};
use crate::login::Login;
use crate::report::described::Described;
use crate::words::{self, HALF_PUBLIC, REFUSED, REVOKED, and, release, shown};

/// What is said to be unset may be set where nobody looked.
pub(crate) const UNLESS: &str = ", unless what was not checked says otherwise";

/// What rules look at.
pub(crate) struct Case<'a> {
    pub(crate) deployment: &'a Described,
    pub(crate) effective: &'a Effective,
    /// The accounts of every API server.
    pub(crate) accounts: Vec<(&'a ServerConfiguration, Accounts)>,
    /// The web login of every API server.
    pub(crate) logins: Vec<Login<'a>>,
    /// What the file system says of the files.
    pub(crate) files: Files,
    /// Of containers that run: what the compose files say from which they were made, where those are a target, too.
    pub(crate) made_from: Option<(&'a Described, &'a Effective)>,
    /// The options of clearml-inject for files, and for an override file, where it needs one; and the file that it is given.
    pub(crate) inject_files: OnceCell<(String, Option<String>, String)>,
    /// The variables of servers that commands set, by the places of these.
    pub(crate) set_by_commands: OnceCell<HashMap<Span, Vec<String>>>,
    /// Why clearml-inject would refuse new keys, and what to do about it.
    pub(crate) refusal_of_keys: OnceCell<Option<(String, String)>>,
    /// The same of users beside the keys that are there.
    pub(crate) refusal_of_users: OnceCell<Option<(String, String)>>,
}

/// Whether the file servers of this instance's version ask nobody for a token (docs/clearml.md#file-server-authentication).
pub(crate) fn is_before_authentication(instance: &Instance) -> bool {
    let version = instance.known_version();
    version.is_some_and(|version| version < Version::FILE_SERVER_AUTHENTICATION)
}

impl Case<'_> {
    /// Where a reading's value stands, or its service's name.
    pub(crate) fn span(&self, reading: &Reading) -> Span {
        reading.span(self.deployment)
    }

    /// The compose file as it is named on a command line.
    pub(crate) fn compose_file(&self) -> String {
        let path = match (&self.deployment.project, self.made_from) {
            (None, None) => return "docker-compose.yml".to_owned(),
            (None, Some((files, _))) => files.sources.path(files.first),
            (Some(_), _) => self.deployment.sources.path(self.deployment.first),
        };
        let text = path.to_string_lossy();
        // What a terminal would obey is in no command.
        match path == Path::new("-") || escape(&text) != text {
            true => "docker-compose.yml".to_owned(),
            false => quoted(path),
        }
    }

    /// The server of a reading, with its service where several run this server.
    pub(crate) fn server(&self, reading: &Reading) -> String {
        self.named(&self.deployment.instances[reading.instance])
    }

    /// A server, with its service where several run this server.
    pub(crate) fn named(&self, instance: &Instance) -> String {
        let name = instance.server.name();
        if self.deployment.of(instance.server).nth(1).is_none() {
            return name.to_owned();
        }
        format!(
            "{name} ({})",
            words::container(self.deployment.service(instance))
        )
    }

    /// What the same server reads for the other half of a key and secret pair.
    pub(crate) fn other_half(&self, reading: &Reading) -> Option<&Reading> {
        let half = reading.setting.other_half()?;
        let server = self.effective.servers.get(reading.instance)?;
        let mut readings = server.readings.iter();
        readings.find(|other| other.setting == half)
    }

    /// Whether the account of a reading has no credentials at this server, because the other half of the pair
    /// has no value (docs/clearml.md#empty-key-or-secret).
    pub(crate) fn is_closed(&self, reading: &Reading) -> bool {
        self.other_half(reading)
            .is_some_and(|half| matches!(half.value, Value::Absent | Value::Empty))
    }

    /// Whether nobody logs in with an account because the server revokes it while fixed users are enabled.
    pub(crate) fn is_revoked(&self, reading: &Reading) -> bool {
        let server = self.effective.servers.get(reading.instance);
        let of_it = server.zip(reading.setting.account());
        of_it.is_some_and(|(server, account)| self.revokes(server, account))
    }

    /// Whether a file server asks nobody about a token or a cookie: before 1.16, or told so
    /// (docs/clearml.md#file-server-authentication).
    pub(crate) fn asks_nobody(&self, fileserver: &ServerConfiguration) -> bool {
        let enabled = fileserver.switch(self.deployment, "fileserver.auth.enabled");
        let instance = &self.deployment.instances[fileserver.instance];
        enabled.is_on == Knowable::Known(false) || is_before_authentication(instance)
    }

    /// The configurations of the instances of one server.
    pub(crate) fn servers(&self, server: Server) -> impl Iterator<Item = &ServerConfiguration> {
        let all = self.effective.servers.iter();
        all.filter(move |configuration| configuration.server == server)
    }

    /// The web login of every API server on which fixed users are or may be enabled.
    pub(crate) fn fixed_users(&self) -> impl Iterator<Item = &Login<'_>> {
        let logins = self.logins.iter();
        logins.filter(|login| login.users.enabled != Some(false))
    }

    /// The servers that are known to be of a release before `version`, each with its release and where its image
    /// is named.
    pub(crate) fn before(
        &self,
        server: Server,
        version: Version,
    ) -> impl Iterator<Item = (&Instance, String, Option<Span>)> {
        self.deployment.of(server).filter_map(move |instance| {
            instance.known_version().filter(|known| *known < version)?;
            let image = self.deployment.service(instance).known_image();
            let span = image.map(|image| image.span);
            Some((instance, release(instance.known_version()), span))
        })
    }

    /// What a server is called in a message.
    pub(crate) fn name(&self, server: &ServerConfiguration) -> String {
        self.named(&self.deployment.instances[server.instance])
    }

    /// The end of a sentence about something that nothing sets: part of what the server reads may not have been seen.
    /// ClearML's own compose file mounts a folder in every deployment, and it is empty in most, so that both are said.
    pub(crate) fn unless(
        &self,
        server: &ServerConfiguration,
        set_at: Option<Span>,
    ) -> &'static str {
        match set_at.is_some() || server.is_seen(self.deployment) {
            true => "",
            false => UNLESS,
        }
    }

    /// A finding about a server, at its service's name.
    pub(crate) fn finding(
        &self,
        severity: Severity,
        server: &ServerConfiguration,
        message: String,
        help: &str,
    ) -> Draft {
        let instance = &self.deployment.instances[server.instance];
        self.finding_of(severity, instance, message, help)
    }

    /// The same, about a server of which no configuration is read.
    pub(crate) fn finding_of(
        &self,
        severity: Severity,
        instance: &Instance,
        message: String,
        help: &str,
    ) -> Draft {
        Draft::new(severity, message, help)
            .server(instance.server)
            .at(self.deployment.service(instance).name_span)
    }

    /// The same draft, which says so where its place is the command of a container: a line of that, of a script or of a
    /// Dockerfile sets what it is about.
    pub(crate) fn with_what_sets_it(&self, draft: Draft) -> Draft {
        let (place, _) = draft.subject();
        let set = self
            .set_by_commands
            .get_or_init(|| set_by_commands(self.deployment));
        let Some(names) = place.and_then(|place| set.get(&place)) else {
            return draft;
        };
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        draft.knowing(&format!(
            "the command here, or a script that it runs, sets {}",
            and(&names)
        ))
    }

    /// A finding about the value of a setting, which new keys replace.
    pub(crate) fn finding_in(
        &self,
        severity: Severity,
        reading: &Reading,
        message: String,
    ) -> Draft {
        let help = self.inject(Some(reading.setting));
        self.finding_with(severity, reading, message, help)
    }

    /// The same with another help.
    pub(crate) fn finding_with(
        &self,
        severity: Severity,
        reading: &Reading,
        message: String,
        help: impl Into<String>,
    ) -> Draft {
        Draft::new(severity, message, help)
            .setting(reading.setting)
            .server(reading.server)
            .at(self.span(reading))
            .fixed_by(Fix::Keys)
    }

    /// What gives a server another value at a path of its configuration, in HOCON.
    pub(crate) fn configure(
        &self,
        server: &ServerConfiguration,
        path: &'static str,
        value: impl Into<String>,
    ) -> Fix {
        Fix::Configure {
            instance: server.instance,
            path,
            value: value.into(),
        }
    }

    /// How bad it is that a value is public, and what follows: a published key whose secret is another opens
    /// nothing by itself.
    pub(crate) fn of_public(&self, reading: &Reading) -> (Severity, String) {
        if self.is_revoked(reading) {
            return (Severity::Note, REVOKED.to_owned());
        }
        if self.is_refused(reading) {
            return (Severity::Note, REFUSED.to_owned());
        }
        let half = self.other_half(reading);
        let is_alone = half.is_some_and(|half| !is_public(&half.value));
        match (is_alone, reading.setting.kind()) {
            (true, Kind::Key) => (Severity::Warning, HALF_PUBLIC.to_owned()),
            (true, Kind::Secret) => (Severity::Error, self.power("knows its key", reading)),
            (false, _) => (
                Severity::Error,
                self.power("can reach the API server", reading),
            ),
        }
    }

    /// What could not be looked at and would have made a difference, with what the rules cannot judge.
    pub(crate) fn unseen(&self, doubts: Vec<Unseen>) -> Vec<Unseen> {
        let mut unseen = self.deployment.unseen.clone();
        unseen.extend(self.files.unseen.iter().cloned());
        unseen.extend(self.deployment.instances.iter().filter_map(|instance| {
            let reason = instance.release.reason()?;
            let service = self.deployment.service(instance);
            // What hides more than the version says so already.
            let is_said = |known: &Unseen| {
                known.reason == reason.as_str() && known.service.as_ref() == Some(&service.name)
            };
            if self.deployment.unseen.iter().any(is_said) {
                return None;
            }
            Some(Unseen {
                what: "the version".to_owned(),
                hides: Hides::Anything,
                reason: format!("{reason}; public defaults and weaknesses depend on it"),
                service: Some(service.name.clone()),
                span: Some(
                    service
                        .known_image()
                        .map_or(service.name_span, |image| image.span),
                ),
            })
        }));
        for server in &self.effective.servers {
            let instance = &self.deployment.instances[server.instance];
            // It may open what no setting is about: accounts, guests, the file server.
            unseen.extend(instance.unseen_config.iter().cloned());
            unseen.extend(self.unknown_paths(server));
            unseen.extend(self.unknown_settings(server));
        }
        unseen.extend(doubts);
        let word = match self.deployment.manifests {
            Some(_) => "workload",
            None => "service",
        };
        together(unseen, word)
    }
}

/// The variables of servers that commands set, by the places of these.
fn set_by_commands(deployment: &Described) -> HashMap<Span, Vec<String>> {
    let mut set: HashMap<Span, Vec<String>> = HashMap::new();
    let containers = deployment.containers.iter();
    let variables = containers.flat_map(|container| &container.environment);
    for variable in variables.filter(|one| one.origin == Origin::Command) {
        let name = shown(&variable.name);
        if name.starts_with("CLEARML_") || name.starts_with("TRAINS_") {
            set.entry(variable.span).or_default().push(name.to_owned());
        }
    }
    set
}

/// Whether somebody may know a value: it is public, or can be guessed.
pub(crate) fn is_guessed(reading: &Reading) -> bool {
    let text = reading.value.text();
    is_public(&reading.value)
        || text.is_some_and(|text| weakness(text.expose(), reading.setting.kind()).is_some())
}

/// Whether a value is one that is printed in public, or may be.
pub(crate) fn is_public(value: &Value) -> bool {
    match value {
        Value::Text(text) => {
            // The image's own values are found at once.
            public::of(text.expose()).is_some() || placeholder::is_placeholder(text.expose())
        }
        Value::Unknown(_) => true,
        _ => false,
    }
}

/// The same thing, unseen for the same reason at several services, is one thing.
fn together(unseen: Vec<Unseen>, word: &str) -> Vec<Unseen> {
    let mut merged: Vec<(Unseen, Vec<String>)> = Vec::new();
    for one in unseen {
        let service = one.service.clone();
        match merged
            .iter_mut()
            .find(|(known, _)| (&known.what, &known.reason) == (&one.what, &one.reason))
        {
            Some((_, services)) => services.extend(service.filter(|name| !services.contains(name))),
            None => merged.push((one, service.into_iter().collect())),
        }
    }
    let name = |(mut one, services): (Unseen, Vec<String>)| {
        let services: Vec<&str> = services.iter().map(String::as_str).collect();
        if !services.is_empty() {
            let plural = if services.len() == 1 { "" } else { "s" };
            one.what = format!("{} of {word}{plural} {}", one.what, and(&services));
        }
        one
    };
    merged.into_iter().map(name).collect()
}

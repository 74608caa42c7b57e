//! The `secure.conf` that has a deployment's keys: clearml-keygen changes it, for variables would win over it from then on.

use std::path::{Path, PathBuf};

use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::effective::{Effective, Layer, ServerConfiguration};
use clearml_secure_core::error::Error;
use clearml_secure_core::instance::Instance;
use clearml_secure_core::io::is_same;
use clearml_secure_core::keyset::{Keyset, SECURE};
use clearml_secure_core::setting::{SETTINGS, Server, Setting};
use clearml_secure_core::shell::quoted;
use clearml_secure_core::source::SourceId;

use crate::finding::Finding;
use crate::report::described::Described;

/// The account that a services agent gets as variables: it reads no file.
const AGENT: &str = "services_agent";

/// The file from which all servers of a compose project take their keys.
pub(crate) struct Conf {
    pub(crate) file: PathBuf,
    source: SourceId,
    /// What `--only` calls the settings that are in it.
    pub(crate) groups: Vec<&'static str>,
    /// Why its text is not known.
    unread: Option<String>,
    /// Another keyset that the file is to have.
    given: Option<PathBuf>,
}

impl Conf {
    /// None where a variable sets a key, apart from the services agent's, or a server does not see the file.
    pub(crate) fn of(deployment: &Described, effective: &Effective) -> Option<Self> {
        deployment.project.as_ref()?;
        let servers = effective.servers.iter();
        let servers = servers.filter(|one| one.server.reads_configuration());
        let all = servers.map(|server| Self::of_server(server, deployment));
        let mut all = all.collect::<Option<Vec<Self>>>()?.into_iter();
        let mut first = all.next()?;
        for other in all {
            if other.file != first.file {
                return None;
            }
            let new = other.groups.into_iter();
            first.groups.extend(
                new.filter(|group| !first.groups.contains(group))
                    .collect::<Vec<_>>(),
            );
        }
        if deployment.of(Server::AgentServices).next().is_some() {
            first.groups.retain(|group| *group != AGENT);
        }
        (!first.groups.is_empty()).then_some(first)
    }

    /// The same, where the file is to have the keyset of `--keys`.
    pub(super) fn with(mut self, keys: Option<&Path>) -> Self {
        let other = keys.filter(|keys| !is_same(keys, &self.file));
        self.given = other.map(Path::to_owned);
        self
    }

    fn of_server(server: &ServerConfiguration, deployment: &Described) -> Option<Self> {
        let config = &deployment.instances[server.instance].config;
        let instance = &deployment.instances[server.instance];
        let path = |at: usize| Some((at, named(deployment, instance, at, SECURE)?));
        let mut files = (0..config.len()).filter_map(path);
        let (Some((at, file)), None) = (files.next(), files.next()) else {
            return None;
        };
        let mut groups = Vec::new();
        for setting in SETTINGS {
            match server.layer(deployment, setting.path()) {
                Some(Layer::File(other)) if other == at => groups.push(setting.group()),
                Some(Layer::Variable(_)) if setting.group() == AGENT => {}
                Some(Layer::File(_) | Layer::Variable(_)) => return None,
                _ => {}
            }
        }
        groups.dedup();
        let is_named = deployment.referenced(&file).is_none();
        is_named.then(|| Self {
            file,
            source: config[at].source,
            groups,
            unread: unread(&deployment.instances[server.instance], at),
            given: None,
        })
    }

    /// Whether the file has values of a keyset, which is then what it was or will be.
    pub(crate) fn has_values_of(&self, deployment: &Deployment, keys: &Keyset) -> bool {
        let text = deployment.sources.text(self.source);
        let read = Keyset::read_incomplete(text, &self.file);
        read.is_ok_and(|(own, _)| own.is_kin_of(keys))
    }

    /// Whether clearml-keygen gives this setting another value by changing the file alone.
    pub(crate) fn fixes(&self, deployment: &Deployment, setting: Option<Setting>) -> bool {
        let is_of_agent = setting.is_none_or(|setting| setting.group() == AGENT);
        !is_of_agent || deployment.of(Server::AgentServices).next().is_none()
    }

    /// Why clearml-keygen refuses the command for these groups, if it does.
    pub(crate) fn refusal(&self, deployment: &Deployment, groups: &[&str]) -> Option<String> {
        if let Some(reason) = &self.unread {
            return Some(format!("{} is not read: {reason}", quoted(&self.file)));
        }
        if self.given.is_some() {
            return self.refusal_of_all(deployment);
        }
        let text = deployment.sources.text(self.source);
        let merged = || -> Result<(), Error> {
            let (mut keyset, _) = Keyset::read_incomplete(text, &self.file)?;
            let replaced = |setting: &Setting| groups.contains(&setting.group());
            for setting in SETTINGS.into_iter().filter(replaced) {
                keyset.generate(setting)?;
            }
            keyset.generate_missing()?;
            keyset.merge(text, &self.file).transpose()?;
            Ok(())
        };
        let error = merged().err()?;
        let help = error.help().filter(|help| !help.contains('\n'));
        let help = help.map(|help| format!("; {help}"));
        Some(format!(
            "clearml-keygen refuses: {error}{}",
            help.unwrap_or_default()
        ))
    }

    /// The command that replaces these groups, and adds what the file does not have.
    pub(crate) fn command(&self, groups: &[&str]) -> String {
        if let Some(given) = &self.given {
            return self.all_of(&quoted(given));
        }
        let file = quoted(&self.file);
        let only: String = groups
            .iter()
            .map(|group| format!(" --only {group}"))
            .collect();
        format!("clearml-keygen --from {file}{only} -f hocon -o {file} --force")
    }

    /// Why clearml-keygen refuses to write another keyset into the file, if it does.
    pub(crate) fn refusal_of_all(&self, deployment: &Deployment) -> Option<String> {
        Keyset::is_only_a_part_of(deployment.sources.text(self.source)).then(|| {
            let file = quoted(&self.file);
            format!("clearml-keygen refuses: the other lines of {file} would be lost; replace the values in it by hand")
        })
    }

    /// The command that writes all of another keyset into the file.
    pub(crate) fn all_of(&self, keys: &str) -> String {
        let file = quoted(&self.file);
        format!("clearml-keygen --from {keys} -f hocon -o {file} --force")
    }

    /// The groups that have to be replaced for all of these.
    pub(super) fn for_all(&self, findings: &[&Finding]) -> Vec<&'static str> {
        let is_for = |group: &&str| {
            let mut findings = findings.iter();
            findings.any(|finding| self.replaced(finding.setting).contains(group))
        };
        self.groups.iter().copied().filter(is_for).collect()
    }

    /// The groups that have to be replaced for a setting: none where it only has to be added.
    pub(crate) fn replaced(&self, setting: Option<Setting>) -> Vec<&'static str> {
        let group = setting.map(Setting::group);
        let groups = self.groups.iter().copied();
        groups.filter(|known| Some(*known) == group).collect()
    }
}

/// The path of a server's file on this machine, if servers load it under this name: where that is a link, its own, for what is beside
/// the link counts, and clearml-keygen writes through it.
pub(crate) fn named(
    deployment: &Deployment,
    instance: &Instance,
    at: usize,
    name: &str,
) -> Option<PathBuf> {
    let file = instance.config.get(at)?;
    let path = deployment.sources.path(file.source);
    if path.ends_with(name) {
        return Some(path.to_owned());
    }
    let link = deployment.config_path(instance, &file.key)?;
    (Path::new(&file.at).ends_with(name) && link.ends_with(name) && is_same(&link, path))
        .then_some(link)
}

/// Why the text of a file of a server is not known: a link may lead elsewhere in its container.
fn unread(instance: &Instance, at: usize) -> Option<String> {
    let mut unseen = instance.unseen_config.iter();
    let unseen = unseen.find(|unseen| unseen.what == instance.config[at].at)?;
    Some(unseen.reason.to_string())
}

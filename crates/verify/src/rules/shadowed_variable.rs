//! A setting is set twice, and one of the two has no effect.
//!
//! **What**: the same path is written in two variables: in other case, with the prefixes `TRAINS__` and `CLEARML__`,
//! or once by itself and once within the value of a variable that sets a whole tree. Servers read `TRAINS__` variables first, then `CLEARML__` ones, each sorted as ASCII; the last
//! wins, so lower case wins over upper case. Or keys and secrets are in a `.conf` file, and variables set them too: a variable wins over every file.
//!
//! **Why**: anyone who changes the one that loses believes to have changed the secret. The stock compose file spells
//! the services agent's in lower case: an added upper-case one is silently ignored. And an old or public value in a file
//! is in use again as soon as somebody removes the variable.
//!
//! bad: tests/fixtures/rules/shadowed-variable/bad.yml
//!
//! good: tests/fixtures/rules/shadowed-variable/good.yml
//!
//! **Fix**: remove the variable that loses, or the value in the file.
//!
//! **References**: docs/clearml.md#two-spellings-of-one-path, docs/clearml.md#precedence.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use clearml_secure_core::container::{Container, Variable, VariableValue};
use clearml_secure_core::effective::{Layer, ServerConfiguration};
use clearml_secure_core::helm::recipe::COOKIE_PATH;
use clearml_secure_core::instance::{ConfigFile, Instance};
use clearml_secure_core::secret::Secret;
use clearml_secure_core::setting::Setting;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Span;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use crate::words::{and, shown};

/// The value that looks right is not the one in use.
const DIFFERENT: Severity = Severity::Warning;
/// No harm until one of them is changed.
const SAME: Severity = Severity::Note;
/// Variables are meant to win over files.
const FILE: Severity = Severity::Note;

pub(crate) struct ShadowedVariable;

impl Rule for ShadowedVariable {
    fn id(&self) -> &'static str {
        "shadowed-variable"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let mut seen = HashSet::new();
        for server in &case.effective.servers {
            let instance = &case.deployment.instances[server.instance];
            if !instance.server.reads_configuration() {
                continue;
            }
            let container = case.deployment.service(instance);
            let environment = &container.environment;
            let in_use = server.layers();
            for (index, loser) in environment.iter().enumerate() {
                // What keeps the server from starting is said elsewhere.
                let is_fatal = || server.fatal.iter().any(|one| one.span == loser.span);
                if matches!(loser.value, VariableValue::Unset)
                    || in_use.contains(&Layer::Variable(index))
                    || seen.contains(&loser.span)
                    || is_fatal()
                {
                    continue;
                }
                if let Some((winner, is_same)) = winner(server, instance, environment, loser)
                    && !(is_same && is_the_charts(container, instance, loser))
                {
                    seen.insert(loser.span);
                    findings.push(of_variable(server, loser, winner, is_same));
                }
            }
        }
        findings.extend(in_files(case));
    }
}

/// The variable that certainly wins over one of which nothing is in use, and whether both have the same value.
fn winner<'a>(
    server: &ServerConfiguration,
    instance: &Instance,
    environment: &'a [Variable],
    loser: &Variable,
) -> Option<(&'a Variable, bool)> {
    let path = instance.path_of(loser)?;
    let mut winner = None;
    for leaf in server.leaves(&path) {
        let Layer::Variable(index) = Layer::from(leaf.tag) else {
            return None;
        };
        let variable = environment.get(index)?;
        let is_same_path = instance.path_of(variable).as_ref() == Some(&path);
        if matches!(variable.value, VariableValue::Unset) || !is_same_path && !is_known(variable) {
            return None;
        }
        let own = loser.value.known();
        let text = leaf.value.as_text().map(Secret::from);
        let is_same = own.is_some() && (own == variable.value.known() || own == text.as_ref());
        winner = Some((variable, is_same));
    }
    winner
}

/// Whether it is the chart's own, beside the one that clearml-inject writes for the charts that have none
/// (docs/clearml.md#helm-chart). Nobody can remove it.
fn is_the_charts(container: &Container, instance: &Instance, loser: &Variable) -> bool {
    container.pod.is_some() && instance.path_of(loser).as_deref() == Some(COOKIE_PATH)
}

/// Whether all that a variable sets is here: in a tree that is not known may be other things than a certain path.
fn is_known(variable: &Variable) -> bool {
    variable.value.known().is_some() && variable.left_to_the_shell().is_none()
}

fn of_variable(
    server: &ServerConfiguration,
    loser: &Variable,
    winner: &Variable,
    is_same: bool,
) -> Draft {
    let same = match is_same {
        true => " (both have the same value)",
        false => "",
    };
    Draft::new(
        if is_same { SAME } else { DIFFERENT },
        format!(
            "{} has no effect at {}: {} sets the same setting and wins{same}",
            shown(&loser.name),
            server.server,
            shown(&winner.name)
        ),
        format!("remove {}", shown(&loser.name)),
    )
    .setting(Setting::by_variable(&loser.name))
    .server(server.server)
    .at(loser.span)
}

/// Settings of a `.conf` file that variables set at every server which reads them there.
#[derive(Default)]
struct InFile<'a> {
    name: &'a str,
    shadowed: BTreeMap<Setting, Span>,
    in_use: BTreeSet<Setting>,
    servers: Vec<&'a str>,
}

/// One finding a file, at the first of its values.
fn in_files(case: &Case<'_>) -> Vec<Draft> {
    let mut files: BTreeMap<_, InFile<'_>> = BTreeMap::new();
    for server in &case.effective.servers {
        let instance = &case.deployment.instances[server.instance];
        for file in &instance.config {
            let all = files.entry(file.source).or_default();
            all.name = file.at.rsplit('/').next().unwrap_or(&file.at);
            all.add(case, server, file);
        }
    }
    files.values().filter_map(InFile::finding).collect()
}

impl<'a> InFile<'a> {
    fn add(&mut self, case: &Case<'_>, server: &'a ServerConfiguration, file: &ConfigFile) {
        for reading in &server.readings {
            let Some((span, text)) = in_file(file, reading.setting) else {
                continue;
            };
            // With the same value there, nothing becomes another one.
            let is_same = reading.value.text().is_some_and(|used| *used == text);
            if is_same || !reading.variable(case.deployment).is_some_and(is_known) {
                self.in_use.insert(reading.setting);
                continue;
            }
            self.shadowed.insert(reading.setting, span);
            if !self.servers.contains(&server.server.name()) {
                self.servers.push(server.server.name());
            }
        }
    }

    fn finding(&self) -> Option<Draft> {
        let shadowed = self.shadowed.iter();
        let shadowed: Vec<Span> = shadowed
            .filter(|(setting, _)| !self.in_use.contains(setting))
            .map(|(_, span)| *span)
            .collect();
        let first = shadowed.iter().min_by_key(|span| span.start)?;
        let (name, servers) = (escape(self.name), and(&self.servers));
        let what = match shadowed.len() {
            1 => format!(
                "a key or secret in {name} has no effect at {servers}: a variable sets it, too, and wins"
            ),
            number => format!(
                "{number} keys and secrets in {name} have no effect at {servers}: variables set them, too, and win"
            ),
        };
        let help = "remove what has no effect: without the variables, the servers use the file's values again";
        Some(Draft::new(FILE, what, help).at(*first))
    }
}

/// Where a file sets a setting, and to what.
fn in_file(file: &ConfigFile, setting: Setting) -> Option<(Span, Secret)> {
    let path = setting.path().strip_prefix(&file.key)?.strip_prefix('.')?;
    let node = file.tree.as_ref().ok()?.get(path)?;
    let text = node.value.as_text().filter(|text| !text.is_empty())?;
    Some((file.span(node), Secret::from(text)))
}

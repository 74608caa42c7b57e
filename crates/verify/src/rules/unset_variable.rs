//! A setting is empty, or a part of it is, because a variable has no value.
//!
//! **What**: `${NAME:-}` or `${NAME}` in a setting, and neither `.env` nor `--env-file` gives `NAME` a value, so that
//! the setting or a part of it is missing; a setting is named without a value, which takes it from the shell; or the
//! file server's own account is written empty.
//!
//! **Why**: an empty token secret means, depending on the server's libraries, that anybody can sign tokens or that
//! every login fails. An empty key or secret removes the account: the file server cannot log in any more.
//!
//! bad: tests/fixtures/rules/unset-variable/bad.yml
//!
//! good: tests/fixtures/rules/unset-variable/good.yml
//!
//! **Fix**: give the variable a value in `.env`, or write `${NAME:?set NAME in .env}` so that compose says so.
//!
//! **References**: docs/clearml.md#empty-token-secret, with PyJWT 2.10 and 2.15.

use std::collections::HashSet;

use clearml_secure_core::compose::interpolate::{Form, Outcome, Variable as Used};
use clearml_secure_core::container::{Variable, VariableValue};
use clearml_secure_core::effective::{Reading, Value};
use clearml_secure_core::setting::Server;
use clearml_secure_core::shown::escape;

use super::{Case, Rule};
use crate::finding::{Draft, Finding, Fix, Severity};
use crate::words::shown;

/// Anybody signs tokens, or nobody logs in (docs/clearml.md#empty-token-secret).
const SIGNING: Severity = Severity::Error;
/// A server's account is gone.
const ACCOUNT: Severity = Severity::Warning;
/// The services agent is optional, and stock files leave it empty.
const AGENT: Severity = Severity::Note;

/// The variables from which the stock file's agent and API server take its pair.
const AGENT_PAIR: [&str; 2] = ["CLEARML_AGENT_ACCESS_KEY", "CLEARML_AGENT_SECRET_KEY"];

pub(crate) struct UnsetVariable;

impl Rule for UnsetVariable {
    fn id(&self) -> &'static str {
        "unset-variable"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let env_files = &case.deployment.env_files;
        let mut seen = HashSet::new();
        for reading in case.effective.readings() {
            let Some((variable, emptiness)) = emptied(case, reading) else {
                continue;
            };
            if !seen.insert(variable.span) {
                continue;
            }
            let (severity, consequence) = consequence(reading, &emptiness);
            let name = shown(&variable.name);
            // Of several that would do, the first is the one that is tried first.
            let give = |names: &[String]| {
                let first = names.first().map_or("it", String::as_str);
                let pair = case.agent_pair().filter(|_| AGENT_PAIR.contains(&first));
                pair.unwrap_or_else(|| {
                    format!("give {first} a value in {env_files}, or run clearml-inject")
                })
            };
            let (what, help) = match &emptiness {
                Emptiness::Whole(names) => (
                    format!(
                        "{name} is empty, because {} no value in {env_files}",
                        have(names)
                    ),
                    give(names),
                ),
                Emptiness::Part(names) => (
                    format!(
                        "a part of {name} is empty, because {} no value in {env_files}",
                        have(names)
                    ),
                    give(names),
                ),
                Emptiness::Literal => (format!("{name} is empty"), "run clearml-inject".to_owned()),
            };
            let message = format!("{consequence}: {what}");
            let finding = case.finding_with(severity, reading, message, help);
            findings.push(finding.brief(what).at(variable.span));
        }
        self.check_unset(case, findings);
    }

    fn together(&self, findings: &[&Finding]) -> Option<String> {
        let mut consequences: Vec<&str> = Vec::new();
        for finding in findings {
            // What only the shell has says no more than one sentence.
            let what = finding.brief.as_ref()?;
            let consequence = finding.message.strip_suffix(what)?.strip_suffix(": ")?;
            if !consequences.contains(&consequence) {
                consequences.push(consequence);
            }
        }
        Some(consequences.join("; "))
    }
}

fn have(names: &[String]) -> String {
    let verb = if names.len() == 1 { "has" } else { "have" };
    format!("{} {verb}", names.join(" and "))
}

fn consequence(reading: &Reading, emptiness: &Emptiness) -> (Severity, &'static str) {
    if matches!(emptiness, Emptiness::Part(_)) {
        return match reading.setting.account() {
            None => (SIGNING, "the rest may be guessed"),
            Some(_) => (ACCOUNT, "the rest may be guessed"),
        };
    }
    match reading.setting.group() {
        "token_secret" => (SIGNING, "anyone can sign tokens, or every login fails"),
        "session_secret" => (SIGNING, "anyone can sign the API server's web sessions"),
        "services_agent" if reading.server == Server::AgentServices => {
            (AGENT, "the agent has no credentials and cannot log in")
        }
        "services_agent" => (AGENT, "the services agent has no account"),
        "fileserver" => (ACCOUNT, "the file server has no account and cannot log in"),
        _ => (ACCOUNT, "the account has no credentials"),
    }
}

impl UnsetVariable {
    /// `NAME:` without a value: the container only gets it if the shell that runs compose has it.
    fn check_unset(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let env_files = &case.deployment.env_files;
        let mut seen = HashSet::new();
        for instance in &case.deployment.instances {
            let environment = &case.deployment.service(instance).environment;
            for setting in instance.settings() {
                for variable in instance.spellings(setting, environment) {
                    if !matches!(variable.value, VariableValue::Unset)
                        || seen.contains(&variable.span)
                    {
                        continue;
                    }
                    seen.insert(variable.span);
                    let severity = match setting.group() {
                        "services_agent" => AGENT,
                        _ => ACCOUNT,
                    };
                    let name = shown(&variable.name);
                    let message = format!(
                        "the container gets {name} only from the shell that runs compose: it has no value here, and none in {env_files}"
                    );
                    let help = format!("give {name} a value here or in {env_files}");
                    findings.push(
                        Draft::new(severity, message, help)
                            .setting(setting)
                            .server(instance.server)
                            .at(variable.span)
                            .fixed_by(Fix::Keys),
                    );
                }
            }
        }
    }
}

/// How a value came to lack something.
enum Emptiness {
    /// It is written so. Only said of the account that the file server needs.
    Literal,
    /// A part of it, by these names.
    Part(Vec<String>),
    /// All of it, by these names.
    Whole(Vec<String>),
}

/// The variable that makes a setting empty in whole or in part, and how.
fn emptied<'a>(case: &'a Case<'_>, reading: &Reading) -> Option<(&'a Variable, Emptiness)> {
    let variable = reading.variable(case.deployment)?;
    let is_whole = match reading.value {
        Value::Empty => true,
        Value::Text(_) => false,
        _ => return None,
    };
    let is_empty = |used: &&Used| match used.outcome {
        Outcome::Unset | Outcome::Empty => is_whole || used.form == Form::Braced,
        // `${NAME:-}` and `${NAME-}` fall back to nothing; what another default comes to is not told here.
        Outcome::Fallback => {
            is_whole
                || matches!(used.form, Form::Default { or_empty }
                    if used.span.len() == "${-}".len() + used.name.len() + usize::from(or_empty))
        }
        Outcome::Value => false,
    };
    let mut names: Vec<String> = variable
        .interpolated
        .iter()
        .filter(is_empty)
        .map(|used| match used.form {
            // `$NAME` may be a password with a dollar sign, and so may any variable among other text. Where nothing is left
            // of the value, there is no other text.
            Form::Plain if used.depth == 0 => "a variable in it".to_owned(),
            _ if used.depth == 0 && !is_whole && used.span.len() < variable.written_length => {
                "a variable in it".to_owned()
            }
            _ => escape(&used.name).into_owned(),
        })
        .collect();
    names.dedup();
    let emptiness = match (names.is_empty(), is_whole) {
        (false, true) => Emptiness::Whole(names),
        (false, false) => Emptiness::Part(names),
        (true, true) if reading.setting.group() == "fileserver" => Emptiness::Literal,
        (true, _) => return None,
    };
    Some((variable, emptiness))
}

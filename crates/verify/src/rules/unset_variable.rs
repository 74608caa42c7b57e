//! A setting comes out empty because a variable has no value.
//!
//! **What**: `${NAME:-}` or `${NAME}` in a setting, and neither `.env` nor `--env-file` gives `NAME` a value; or a
//! setting is named without a value, which takes it from the shell.
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
//! **References**: observed on running servers with PyJWT 2.10 and 2.15.

use clearml_secure_core::compose::interpolate::{Form, Outcome};
use clearml_secure_core::compose::{Variable, VariableValue};
use clearml_secure_core::effective::{Reading, Value};
use clearml_secure_core::finding::{Finding, Severity};
use clearml_secure_core::io::escape;
use clearml_secure_core::setting::Server;

use super::{Case, Rule};

/// Anybody signs tokens, or nobody logs in (clearml-facts.md, 0.5).
const SIGNING: Severity = Severity::Error;
/// A server's account is gone.
const ACCOUNT: Severity = Severity::Warning;
/// The services agent is optional, and stock files leave it empty.
const AGENT: Severity = Severity::Note;

pub(crate) struct UnsetVariable;

impl Rule for UnsetVariable {
    fn id(&self) -> &'static str {
        "unset-variable"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Finding>) {
        let mut seen = Vec::new();
        for reading in case.effective.readings() {
            let Some((variable, names)) = emptied(case, reading) else {
                continue;
            };
            if seen.contains(&variable.span) {
                continue;
            }
            seen.push(variable.span);
            let (severity, consequence) = match reading.setting.group() {
                "token_secret" => (SIGNING, "anybody can sign tokens, or every login fails"),
                "session_secret" => (SIGNING, "anybody can sign the API server's web sessions"),
                "services_agent" if reading.server == Server::AgentServices => {
                    (AGENT, "the agent has no credentials and cannot log in")
                }
                "services_agent" => (AGENT, "the services agent has no account"),
                "fileserver" => (ACCOUNT, "the file server has no account and cannot log in"),
                _ => (ACCOUNT, "the account has no credentials"),
            };
            findings.push(Finding {
                rule: self.id(),
                severity,
                message: format!(
                    "{} comes out empty, {} {} no value in .env: {consequence}",
                    escape(&variable.name),
                    names.join(" and "),
                    if names.len() == 1 { "has" } else { "have" }
                ),
                help: format!(
                    "give {} a value in .env, or run clearml-inject",
                    names.join(" or ")
                ),
                setting: Some(reading.setting),
                server: Some(reading.server),
                span: Some(variable.span),
            });
        }
        self.check_unset(case, findings);
    }
}

impl UnsetVariable {
    /// `NAME:` without a value: the container only gets it if the shell that runs compose has it.
    fn check_unset(&self, case: &Case<'_>, findings: &mut Vec<Finding>) {
        let mut seen = Vec::new();
        for instance in &case.deployment.instances {
            let environment = &case.deployment.service(instance).environment;
            for setting in instance.settings() {
                for variable in instance.spellings(setting, environment) {
                    if !matches!(variable.value, VariableValue::Unset)
                        || seen.contains(&variable.span)
                    {
                        continue;
                    }
                    seen.push(variable.span);
                    findings.push(Finding {
                        rule: self.id(),
                        severity: if setting.group() == "services_agent" { AGENT } else { ACCOUNT },
                        message: format!(
                            "{} is named without a value and .env has none: the container gets it only from the \
                             shell that runs compose",
                            escape(&variable.name)
                        ),
                        help: format!("give {} a value, in the file or in .env", escape(&variable.name)),
                        setting: Some(setting),
                        server: Some(instance.server),
                        span: Some(variable.span),
                    });
                }
            }
        }
    }
}

/// The variable that makes a setting empty, and the names that have no value.
fn emptied<'a>(case: &'a Case<'_>, reading: &Reading) -> Option<(&'a Variable, Vec<String>)> {
    if !matches!(reading.value, Value::Empty) {
        return None;
    }
    let variable = reading.variable(case.deployment)?;
    let is_empty = |outcome| matches!(outcome, Outcome::Unset | Outcome::Empty | Outcome::Fallback);
    let mut names: Vec<String> = variable
        .interpolated
        .iter()
        .filter(|used| is_empty(used.outcome))
        .map(|used| match used.form {
            // `$NAME` may be a password with a dollar sign, so it is not named.
            Form::Plain if used.depth == 0 => "a variable in it".to_owned(),
            _ => escape(&used.name).into_owned(),
        })
        .collect();
    names.dedup();
    (!names.is_empty()).then_some((variable, names))
}

//! The services agent cannot log in.
//!
//! **What**: fixed users are enabled, and the services agent is given no key and no secret, so that it has the pair that is
//! built into it, that of the account `tests`, which fixed users revoke. Or it is given the pair of such an account
//! (`tests`, `webserver`).
//!
//! **Why**: it worked before fixed users were enabled. Since then the agent is refused with a 401, and what waits in the
//! `services` queue never runs.
//!
//! bad: tests/fixtures/rules/locked-out-agent/bad.yml
//!
//! good: tests/fixtures/rules/locked-out-agent/good.yml
//!
//! **Fix**: `clearml-keygen -o keys.env`, then `clearml-inject -k keys.env -i docker-compose.yml`,
//! which gives the agent an account of its own, `services_agent`.
//!
//! **References**: docs/clearml.md#the-agents-own-pair; docs/clearml.md#what-fixed-users-revoke.

use clearml_secure_core::account::Account;
use clearml_secure_core::container::VariableValue;
use clearml_secure_core::effective::Value;
use clearml_secure_core::instance::Instance;
use clearml_secure_core::setting::{Kind, SETTINGS, Server};

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// Nothing is open; the agent does not work (docs/clearml.md#the-agents-own-pair).
const SEVERITY: Severity = Severity::Warning;

/// Half of a pair that the agent is given.
enum Given {
    Nothing,
    Text(String),
    Unknown,
}

pub(crate) struct LockedOutAgent;

impl Rule for LockedOutAgent {
    fn id(&self) -> &'static str {
        "locked-out-agent"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for agent in case.deployment.of(Server::AgentServices) {
            let why = match [Kind::Key, Kind::Secret].map(|kind| given(case, agent, kind)) {
                [Given::Nothing, Given::Nothing] => without_a_pair(case, agent).map(str::to_owned),
                [Given::Text(key), Given::Text(secret)] => {
                    revoked(case, &key, &secret).map(|name| {
                        format!(
                            "it has the key pair of the account {name}, which is revoked while fixed users are enabled"
                        )
                    })
                }
                // Half a pair is `split-credential`, or is not known.
                _ => None,
            };
            if let Some(why) = why {
                let message = format!("{} cannot log in: {why}", case.named(agent));
                let help = case.inject(None);
                findings.push(case.finding_of(SEVERITY, agent, message, &help));
            }
        }
    }
}

/// What the agent is given for half of its pair.
fn given(case: &Case<'_>, agent: &Instance, kind: Kind) -> Given {
    let mut settings = SETTINGS.into_iter();
    let setting = settings
        .find(|setting| setting.account() == Some("services_agent") && setting.kind() == kind);
    let environment = &case.deployment.service(agent).environment;
    let variables = setting.map(|setting| agent.spellings(setting, environment));
    match variables.unwrap_or_default().last().map(|one| &one.value) {
        None => Given::Nothing,
        Some(VariableValue::Known(value)) if value.is_empty() => Given::Nothing,
        Some(VariableValue::Known(value)) => Given::Text(value.expose().to_owned()),
        Some(_) => Given::Unknown,
    }
}

/// Why an agent cannot log in that is given nothing.
fn without_a_pair(case: &Case<'_>, agent: &Instance) -> Option<&'static str> {
    if is_elsewhere(case, agent) {
        return None;
    }
    for (server, accounts) in &case.accounts {
        let find = |name: &str| accounts.accounts.iter().find(|one| one.name == name);
        // Where the API server has an account for it, `split-credential` says so.
        if !find("services_agent").is_none_or(Account::is_closed) {
            return None;
        }
        if case.revokes(server, "tests") {
            return Some(
                "it has no key and no secret, so it uses the public pair of the account tests, which is revoked while fixed users are enabled",
            );
        }
    }
    None
}

/// Whether it may have a pair from a file, or ends at its start without one, as the stock file wants it.
fn is_elsewhere(case: &Case<'_>, agent: &Instance) -> bool {
    let container = case.deployment.service(agent);
    let is_set = |name: &str| {
        let mut all = container.environment.iter();
        all.any(|variable| {
            let is_empty =
                matches!(&variable.value, VariableValue::Known(value) if value.is_empty());
            variable.name == name && !is_empty
        })
    };
    let has_file = container
        .mounts
        .iter()
        .any(|mount| match mount.target.known() {
            None => true,
            Some(target) => target.ends_with(".conf") || target == "/root",
        });
    has_file
        || !container.doubts.is_empty()
        || [
            "SHUTDOWN_IF_NO_ACCESS_KEY",
            "CLEARML_CONFIG_FILE",
            "TRAINS_CONFIG_FILE",
        ]
        .into_iter()
        .any(is_set)
}

/// The account that a pair is of, if some API server revokes it.
fn revoked(case: &Case<'_>, key: &str, secret: &str) -> Option<String> {
    case.accounts.iter().find_map(|(server, accounts)| {
        let is_same = |account: &&Account| {
            let half = |value: &Value, text: &str| {
                value.text().is_some_and(|known| known.expose() == text)
            };
            half(&account.key.value, key) && half(&account.secret.value, secret)
        };
        let account = accounts.accounts.iter().find(is_same)?;
        case.revokes(server, &account.name)
            .then(|| account.name.clone())
    })
}

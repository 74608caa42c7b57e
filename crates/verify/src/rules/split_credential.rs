//! Servers that must agree on a setting do not.
//!
//! **What**: the API server and another server that reads the same setting have different values, or only one of
//! them is set. So does one of them have a configuration folder that is not on this machine, and the other one none:
//! what `secure.conf` says reaches the API server alone.
//!
//! **Why**: the file server with an account the API server does not know stops at its start. The delete job signs
//! its own token: with another token secret every delete is refused, is counted as failed, and the files stay on
//! disk without a word. What looks like a hardened server is a broken one.
//!
//! bad: tests/fixtures/rules/split-credential/bad.yml
//!
//! bad: tests/fixtures/rules/split-credential/bad-5.yml
//!
//! good: tests/fixtures/rules/split-credential/good.yml
//!
//! **Fix**: `clearml-inject -k KEYS -i docker-compose.yml` gives each value to every server that reads it.
//!
//! **References**: docs/clearml.md#token-secret-on-two-servers, docs/clearml.md#file-server-authentication.

use clearml_secure_core::effective::{Origin, Reading, Value};
use clearml_secure_core::setting::{SETTINGS, Server, Setting};

use super::{Case, Rule};
use crate::case::is_before_authentication;
use crate::finding::{Draft, Fix, Severity};

/// A server does not work, or not as it says (docs/clearml.md#token-secret-on-two-servers,
/// docs/clearml.md#file-server-account).
const BROKEN: Severity = Severity::Error;
/// Where the API server has another value in a folder that is not here.
const MAY_BE_BROKEN: Severity = Severity::Warning;
/// The agent may well have credentials of its own, made in the web interface.
const OTHER_ACCOUNT: Severity = Severity::Note;

pub(crate) struct SplitCredential;

impl Rule for SplitCredential {
    fn id(&self) -> &'static str {
        "split-credential"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for setting in SETTINGS {
            let readings: Vec<&Reading> = case.effective.of_setting(setting).collect();
            let Some(apiserver) = readings
                .iter()
                .find(|reading| reading.server == Server::Apiserver)
            else {
                continue;
            };
            for other in readings
                .iter()
                .filter(|reading| reading.instance != apiserver.instance)
            {
                if let Some(message) = without_the_folder(case, setting, apiserver, other) {
                    let help = format!(
                        "mount the folder into {} too, or {}",
                        case.server(other),
                        case.inject(None)
                    );
                    findings.push(case.finding_with(MAY_BE_BROKEN, other, message, help));
                } else if let Some((severity, message)) =
                    disagreement(case, setting, apiserver, other)
                {
                    let help = case.apply("give both the same value", None, &[]);
                    // An agent keeps an account of its own.
                    let fix = (severity == BROKEN).then_some(Fix::Keys);
                    let finding = case.finding_with(severity, other, message, help);
                    findings.push(finding.fixed_by(fix));
                }
            }
        }
    }
}

fn disagreement(
    case: &Case<'_>,
    setting: Setting,
    apiserver: &Reading,
    other: &Reading,
) -> Option<(Severity, String)> {
    let same = match (&apiserver.value, &other.value) {
        (Value::Absent | Value::Empty, Value::Absent | Value::Empty) => true,
        (Value::Text(one), Value::Text(two)) => one == two,
        // What is not known is not claimed; what is no text is `misread-value`.
        (Value::Deadly | Value::Unknown(_) | Value::NotText(_), _)
        | (_, Value::Deadly | Value::Unknown(_) | Value::NotText(_)) => true,
        _ => false,
    };
    if same {
        return None;
    }
    if other.server == Server::AgentServices {
        return agent(case, setting, apiserver, other);
    }
    let instance = &case.deployment.instances[other.instance];
    if other.server == Server::AsyncDelete && is_before_authentication(instance) {
        return None;
    }
    let consequence = consequence(setting, other);
    let (one, two) = (case.server(apiserver), case.server(other));
    let is_built_in = |reading: &Reading| matches!(reading.origin, Origin::BuiltIn(_));
    let is_none = |reading: &Reading| matches!(reading.value, Value::Absent | Value::Empty);
    let unless = |reading: &Reading| case.unless(&case.effective.servers[reading.instance], None);
    let what = if is_none(other) {
        format!("{two} has no {setting}, but {one} has")
    } else if is_none(apiserver) {
        format!("{one} has no {setting}, but {two} has")
    } else if is_built_in(other) {
        let unless = unless(other);
        format!("only {one} sets {setting}, and {two} uses ClearML's published default{unless}")
    } else if is_built_in(apiserver) {
        let unless = unless(apiserver);
        format!("only {two} sets {setting}, and {one} uses ClearML's published default{unless}")
    } else {
        format!("{two} and {one} have different values of {setting}")
    };
    Some((BROKEN, format!("{consequence}: {what}")))
}

/// The API server may have the setting from a folder that is not here. The other server has no such folder: either it has
/// another value, or both have the public one.
fn without_the_folder(
    case: &Case<'_>,
    setting: Setting,
    apiserver: &Reading,
    other: &Reading,
) -> Option<String> {
    let instance = |reading: &Reading| &case.deployment.instances[reading.instance];
    let is_built_in = |reading: &Reading| matches!(reading.origin, Origin::BuiltIn(_));
    let unseen = &case.deployment.unseen;
    let name = &case.deployment.service(instance(other)).name;
    let is_lost = is_built_in(apiserver)
        && is_built_in(other)
        && !instance(apiserver).is_config_seen()
        && instance(other).is_config_seen()
        && !unseen.iter().any(|one| one.service.as_ref() == Some(name))
        && other.server != Server::Apiserver
        && !is_before_authentication(instance(other));
    is_lost.then(|| {
        let (one, two) = (case.server(apiserver), case.server(other));
        format!(
            "{two} does not have the configuration folder of {one}, and uses ClearML's published default of {setting}; if {one} has another value there, {}",
            consequence(setting, other)
        )
    })
}

/// What follows where a server and the API server disagree.
fn consequence(setting: Setting, other: &Reading) -> &'static str {
    match (other.server, setting.group()) {
        (Server::Apiserver, "token_secret") => {
            "each server refuses the tokens that the other one signs"
        }
        (Server::Apiserver, "session_secret") => {
            "each server refuses the sessions of the other one"
        }
        (Server::Apiserver, _) => {
            "only the value of the server that starts last logs in, because they share one database"
        }
        (Server::AsyncDelete, _) => {
            "the file server refuses every delete, and the files stay on disk"
        }
        _ => "the file server cannot log in and stops at its start",
    }
}

/// An agent with another key has an account of its own, perhaps made in the web interface; with the same key and
/// another secret it cannot log in.
fn agent(
    case: &Case<'_>,
    setting: Setting,
    apiserver: &Reading,
    other: &Reading,
) -> Option<(Severity, String)> {
    let half_of = |reading| case.other_half(reading).map(|half| &half.value);
    match (&apiserver.value, &other.value) {
        (Value::Text(_), Value::Absent | Value::Empty) => Some((
            BROKEN,
            format!("the agent cannot log in: it has no {setting}, but apiserver has"),
        )),
        (Value::Text(_), Value::Text(_)) if half_of(apiserver) == half_of(other) => Some((
            BROKEN,
            format!(
                "the agent cannot log in: its {setting} is not that of apiserver, but the other half of the pair is"
            ),
        )),
        (Value::Text(_), Value::Text(_)) => Some((
            OTHER_ACCOUNT,
            format!(
                "the agent logs in with another account: its {setting} is not that of apiserver"
            ),
        )),
        _ => None,
    }
}

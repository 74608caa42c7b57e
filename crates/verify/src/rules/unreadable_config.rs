//! A server does not start, or leaves out what follows, because it cannot read its configuration.
//!
//! **What**: a `.conf` file that a server loads, or a `CLEARML__…` variable that is no setting of its own, cannot
//! be parsed as HOCON; or a credential is a number or another value that is not text.
//!
//! **Why**: one unparsable value of any variable, and one broken file, keeps the whole server from starting; what
//! the file was to set is not set. One credential that is not text ends the set-up of all later accounts with a
//! line in the log: the server starts, and what was valid before, such as the public defaults, stays valid.
//!
//! bad: tests/fixtures/rules/unreadable-config/bad.yml
//!
//! good: tests/fixtures/rules/unreadable-config/good.yml
//!
//! **Fix**: fix the file; in a variable, put the value into double quotes of its own: `'"a=b"'`.
//!
//! **References**: docs/clearml.md#values-that-stop-a-server; pyhocon.

use clearml_secure_core::effective::{Fatal, Reading, ServerConfiguration, Value};
use clearml_secure_core::setting::{Server, Setting};
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Span;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use crate::words::{and, shown};

/// The server is down, or the old credentials are valid (docs/clearml.md#numeric-credential).
const SEVERITY: Severity = Severity::Error;

pub(crate) struct UnreadableConfig;

impl Rule for UnreadableConfig {
    fn id(&self) -> &'static str {
        "unreadable-config"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for (fatal, servers) in fatal(case) {
            let is_variable = ["CLEARML__", "TRAINS__"]
                .iter()
                .any(|prefix| fatal.what.starts_with(prefix));
            let (what, help) = if is_variable {
                (
                    shown(&fatal.what).into(),
                    "put double quotes around the value, inside the variable, or remove the character",
                )
            } else {
                (
                    escape(&fatal.what),
                    "fix the file: no server that loads it starts",
                )
            };
            let mut names: Vec<_> = servers.iter().map(|server| case.name(server)).collect();
            names.dedup();
            let (does, they) = match names.len() {
                1 => ("does", "it cannot"),
                _ => ("do", "they cannot"),
            };
            let message = format!(
                "{} {does} not start: {they} read {what}: {}",
                and(&names),
                fatal.message
            );
            findings.push(
                case.finding(SEVERITY, servers[0], message, help)
                    .at(fatal.span),
            );
        }
        for server in &case.effective.servers {
            findings.extend(undone(case, server).map(|(message, span)| {
                let help =
                    "use a value that HOCON reads as text: only letters and digits, starting with a letter";
                case.finding(SEVERITY, server, message, help)
                    .at(span)
            }));
        }
    }
}

/// What keeps servers from starting, each with all those that it keeps. What is wrong with a setting's own variable is said
/// of the setting.
fn fatal<'a>(case: &Case<'a>) -> Vec<(&'a Fatal, Vec<&'a ServerConfiguration>)> {
    let mut found: Vec<(&Fatal, Vec<&ServerConfiguration>)> = Vec::new();
    for server in &case.effective.servers {
        let fatal = server.fatal.iter();
        for fatal in fatal.filter(|fatal| Setting::by_variable(&fatal.what).is_none()) {
            let is_same = |(other, _): &&mut (&Fatal, Vec<_>)| {
                (other.span, &other.message) == (fatal.span, &fatal.message)
            };
            match found.iter_mut().find(is_same) {
                Some((_, servers)) => servers.push(server),
                None => found.push((fatal, vec![server])),
            }
        }
    }
    found
}

/// The order in which an API server sets its accounts up (docs/clearml.md#order-of-the-set-up).
const ORDER: [&str; 5] = [
    "apiserver",
    "fileserver",
    "webserver",
    "services_agent",
    "tests",
];

/// A credential that is not text ends the set-up of accounts, so that the later ones keep what the database has: on
/// a server that ran before, the old values (docs/clearml.md#numeric-credential).
fn undone(case: &Case<'_>, server: &ServerConfiguration) -> Option<(String, Span)> {
    if server.server != Server::Apiserver {
        return None;
    }
    let place = |reading: &&Reading| {
        let account = reading.setting.account()?;
        ORDER.iter().position(|name| *name == account)
    };
    let first = server
        .readings
        .iter()
        .filter(|reading| matches!(reading.value, Value::NotText(_)) && place(reading).is_some())
        .min_by_key(place)?;
    let which = match &ORDER[place(&first)? + 1..] {
        [] => "no web-login user is".to_owned(),
        later => format!("neither {} nor any web-login user is", and(later)),
    };
    let message = format!(
        "old keys and passwords stay valid: {} stops the setup of its accounts at {}, which is not text, so {which} updated",
        case.name(server),
        first.setting
    );
    Some((message, case.span(first)))
}

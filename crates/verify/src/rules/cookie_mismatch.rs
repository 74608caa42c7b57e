//! The file server does not know the API server's cookie.
//!
//! **What**: `fileserver.auth.cookie_names` does not have the name that `apiserver.auth.session_auth_cookie_name`
//! gives the session cookie.
//!
//! **Why**: the web page shows no artifact and no image: the file server looks for another cookie and refuses the
//! request.
//!
//! bad: tests/fixtures/rules/cookie-mismatch/bad.yml
//!
//! good: tests/fixtures/rules/cookie-mismatch/good.yml
//!
//! **Fix**: put the name into `fileserver.auth.cookie_names`.
//!
//! **References**: docs/clearml.md#cookie-names.

use clearml_secure_core::effective::{Configured, ServerConfiguration};
use clearml_secure_core::hocon::Value;
use clearml_secure_core::setting::Server;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// Nothing is open; something is broken (docs/clearml.md#cookie-names).
const SEVERITY: Severity = Severity::Warning;

/// What both servers have where nothing sets it.
const DEFAULT: &str = "clearml_token_basic";

const PATH: &str = "fileserver.auth.cookie_names";

pub(crate) struct CookieMismatch;

impl Rule for CookieMismatch {
    fn id(&self) -> &'static str {
        "cookie-mismatch"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let named: Vec<String> = case
            .servers(Server::Apiserver)
            .filter_map(|server| cookie(case, server))
            .collect();
        for server in case.servers(Server::Fileserver) {
            if case.asks_nobody(server) {
                continue;
            }
            let at = server.configured(case.deployment, PATH);
            let (known, span) = match at {
                Configured::Unknown(..) => continue,
                Configured::Not => (vec![DEFAULT.to_owned()], None),
                Configured::Value(value, span) => (texts(value), Some(span)),
            };
            if named.iter().all(|name| known.contains(name)) {
                continue;
            }
            let message = format!(
                "{} refuses the files that the web page asks for: it does not know the name of the API server's session cookie{}",
                case.name(server),
                case.unless(server, span)
            );
            let fix = all(&known, &named).map(|names| case.configure(server, PATH, names));
            let help = "add the value of apiserver.auth.session_auth_cookie_name to fileserver.auth.cookie_names";
            findings.push(
                case.finding(SEVERITY, server, message, help)
                    .at(span)
                    .fixed_by(fix),
            );
        }
    }
}

/// Both lists as one of HOCON; none where a name is none that a cookie may have.
fn all(known: &[String], named: &[String]) -> Option<String> {
    let mut names: Vec<&String> = Vec::new();
    for name in known.iter().chain(named) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let is_name = |name: &&String| !name.is_empty() && name.chars().all(is_plain);
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    let list = format!("[{}]", quoted.join(", "));
    names.iter().all(is_name).then_some(list)
}

/// The name of the session cookie; none where it is not known.
fn cookie(case: &Case<'_>, server: &ServerConfiguration) -> Option<String> {
    match server.configured(case.deployment, "apiserver.auth.session_auth_cookie_name") {
        Configured::Not => Some(DEFAULT.to_owned()),
        Configured::Value(Value::String(name), _) => Some(name.expose().to_owned()),
        _ => None,
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.expose().to_owned()],
        Value::Array(nodes) => nodes.iter().flat_map(|node| texts(&node.value)).collect(),
        _ => Vec::new(),
    }
}

//! The session cookie can be read, or goes where it should not.
//!
//! **What**: the deployment's address is https://, and `apiserver.auth.cookies.secure` is not true. Or `httponly` is not
//! true. Or `samesite` is `None`, or null.
//!
//! **Why**: without `secure`, a single request to the http:// address, which an attacker in between can cause, shows the
//! cookie, and with it the session. Without `httponly` any script in the page reads it. With `samesite: None` it goes along
//! with requests of every other site, so that a page elsewhere acts for the user.
//!
//! bad: tests/fixtures/rules/insecure-cookie/bad.yml
//!
//! good: tests/fixtures/rules/insecure-cookie/good.yml
//!
//! **Fix**: set `apiserver.auth.cookies.secure` to true, and leave `httponly` and `samesite` as they come.
//!
//! **References**: docs/clearml.md#cookies.

use clearml_secure_core::effective::Configured;
use clearml_secure_core::hocon::Value;
use clearml_secure_core::setting::Server;

use super::plain_http::{NAMES, is_https};
use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// It takes somebody on the way, a script in the page, or a page elsewhere (docs/clearml.md#cookies).
const SEVERITY: Severity = Severity::Warning;

const SECURE: &str = "apiserver.auth.cookies.secure";
const HTTP_ONLY: &str = "apiserver.auth.cookies.httponly";
const SAME_SITE: &str = "apiserver.auth.cookies.samesite";

pub(crate) struct InsecureCookie;

impl Rule for InsecureCookie {
    fn id(&self) -> &'static str {
        "insecure-cookie"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let has_tls = has_tls(case);
        for server in case.servers(Server::Apiserver) {
            let name = case.name(server);
            let at = |path| server.configured(case.deployment, path);
            if matches!(at("apiserver.auth.cookies"), Configured::Value(value, _) if !matches!(value, Value::Object(_)))
            {
                // There is no cookie then: `unusable-cookie`.
                continue;
            }
            let mut add = |message, path, value: &str, span| {
                let help = format!("set {path} to {value}");
                let finding = case.finding(SEVERITY, server, message, &help);
                let fix = case.configure(server, path, value);
                findings.push(finding.at(span).fixed_by(fix));
            };
            let span = match at(SECURE) {
                Configured::Not if has_tls => Some(None),
                Configured::Value(value, span) if has_tls && value.truth() == Some(false) => {
                    Some(Some(span))
                }
                _ => None,
            };
            if let Some(span) = span {
                let message = format!(
                    "sessions can be sniffed and taken over: {name} lets browsers send the session cookie over plain HTTP{}",
                    case.unless(server, span)
                );
                add(message, SECURE, "true", span);
            }
            if let Configured::Value(value, span) = at(HTTP_ONLY)
                && value.truth() == Some(false)
            {
                let message = format!(
                    "a script that gets into the web page can steal the session: {name} lets scripts read the session cookie"
                );
                add(message, HTTP_ONLY, "true", Some(span));
            }
            if let Configured::Value(value, span) = at(SAME_SITE)
                && let Some(browsers) = who_sends(value)
            {
                let message = format!(
                    "a page of another site can act for a user: {name} lets {browsers} send the session cookie with requests from other sites"
                );
                add(message, SAME_SITE, "Lax", Some(span));
            }
        }
    }
}

/// Whether the deployment has an https:// address.
fn has_tls(case: &Case<'_>) -> bool {
    let services = case.deployment.containers.iter();
    services
        .flat_map(|service| &service.environment)
        .filter(|variable| NAMES.contains(&variable.name.as_str()))
        .filter_map(|variable| variable.value.known())
        .any(|value| is_https(value.expose()))
}

/// Which browsers send a cookie to every site. The case of the word does not matter; without one the cookie has no
/// `SameSite`, which not all take for `Lax`.
fn who_sends(same_site: &Value) -> Option<&'static str> {
    match same_site {
        Value::Null => Some("some browsers"),
        Value::String(text) if text.expose().eq_ignore_ascii_case("none") => Some("browsers"),
        _ => None,
    }
}

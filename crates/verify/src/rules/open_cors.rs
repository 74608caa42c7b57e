//! Pages of other sites may use the API with a user's session.
//!
//! **What**: `apiserver.cors.origins` is `*`, which is the default, and `supports_credentials` is on.
//!
//! **Why**: the API server allows every origin that asks, with credentials. Browsers keep the session cookie from
//! other sites (SameSite=Lax), so what is left are pages of the same domain, and servers whose cookie was changed.
//!
//! bad: tests/fixtures/rules/open-cors/bad.yml
//!
//! good: tests/fixtures/rules/open-cors/good.yml
//!
//! **Fix**: set `apiserver.cors.origins` to the address of the web server.
//!
//! **References**: docs/clearml.md#cross-origin-requests.

use clearml_secure_core::effective::{Configured, ServerConfiguration};
use clearml_secure_core::hocon::Value;
use clearml_secure_core::setting::Server;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// The cookie's SameSite=Lax keeps other sites out (docs/clearml.md#cross-origin-requests).
const LAX: Severity = Severity::Note;
/// Nothing keeps them out.
const SENT: Severity = Severity::Warning;

const PATH: &str = "apiserver.cors.origins";

pub(crate) struct OpenCors;

impl Rule for OpenCors {
    fn id(&self) -> &'static str {
        "open-cors"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for server in case.servers(Server::Apiserver) {
            let at = |path: &str| server.configured(case.deployment, path);
            let span = match at(PATH) {
                Configured::Unknown(..) => continue,
                Configured::Not => None,
                Configured::Value(value, span) if has_star(value) => Some(span),
                Configured::Value(..) => continue,
            };
            if let Configured::Value(value, _) = at("apiserver.cors.supports_credentials")
                && value.truth() == Some(false)
            {
                continue;
            }
            let severity = if is_sent_everywhere(case, server) {
                SENT
            } else {
                LAX
            };
            let message = format!(
                "{} allows every origin, with credentials; a page that a user opens elsewhere may act for the user",
                case.name(server)
            );
            let fix = web_address(case)
                .map(|address| case.configure(server, PATH, format!("\"{address}\"")));
            let help = "set apiserver.cors.origins to the web server's address";
            findings.push(
                case.finding(severity, server, message, help)
                    .at(span)
                    .fixed_by(fix),
            );
        }
    }
}

/// The web server's address as browsers know it: a public name, and nothing of an address but scheme, host and port.
fn web_address<'a>(case: &'a Case<'_>) -> Option<&'a str> {
    let services = &case.deployment.containers;
    let variables = services.iter().flat_map(|service| &service.environment);
    let addresses = variables
        .filter(|variable| {
            ["CLEARML_WEB_HOST", "TRAINS_WEB_HOST"].contains(&variable.name.as_str())
        })
        .filter_map(|variable| Some(variable.value.known()?.expose().trim_end_matches('/')));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
    let mut plain = addresses.filter(|address| {
        let authority = address
            .strip_prefix("https://")
            .or_else(|| address.strip_prefix("http://"));
        authority.is_some_and(|text| text.contains('.') && text.chars().all(is_plain))
    });
    plain.next()
}

fn has_star(value: &Value) -> bool {
    match value {
        Value::String(text) => text.expose().split(',').any(|origin| origin.trim() == "*"),
        Value::Array(nodes) => nodes.iter().any(|node| has_star(&node.value)),
        _ => false,
    }
}

/// Whether the session cookie goes along with requests of other sites.
fn is_sent_everywhere(case: &Case<'_>, server: &ServerConfiguration) -> bool {
    let same_site = server.configured(case.deployment, "apiserver.auth.cookies.samesite");
    matches!(same_site, Configured::Value(Value::String(text), _) if text.expose().eq_ignore_ascii_case("none"))
}

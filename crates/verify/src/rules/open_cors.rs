//! Pages of other sites may use the API with a user's session.
//!
//! **What**: `apiserver.cors.origins` or `fileserver.cors.origins` lets in origins that somebody else can have, and
//! `supports_credentials` is on. `*` does, which is the default; so do regular expressions such as `.*`, `https?://.*`, and
//! `https://app\.example\.com` without a `$` at the end: `https://app.example.com.attacker.example` begins like that. The file
//! server sends no credentials by default.
//!
//! **Why**: the server allows these origins, with credentials. Browsers keep the session cookie from
//! other sites (SameSite=Lax), so what is left are pages of the same domain, and servers whose cookie was changed.
//!
//! bad: tests/fixtures/rules/open-cors/bad.yml
//!
//! good: tests/fixtures/rules/open-cors/good.yml
//!
//! **Fix**: set the origins to the address of the web server, as it is: without a sign of a regular expression it is compared.
//!
//! **References**: docs/clearml.md#cross-origin-requests.

use clearml_secure_core::effective::{Configured, ServerConfiguration};
use clearml_secure_core::hocon::Value;
use clearml_secure_core::knowable::Knowable;
use clearml_secure_core::setting::Server;
use clearml_secure_core::source::Span;

use super::{Case, Rule};
use crate::case::origins::{self, Reach};
use crate::finding::{Draft, Severity};

/// The cookie's SameSite=Lax keeps other sites out (docs/clearml.md#cross-origin-requests).
const LAX: Severity = Severity::Note;
/// Nothing keeps them out.
const SENT: Severity = Severity::Warning;

/// Where a server has it.
struct Paths {
    server: Server,
    origins: &'static str,
    credentials: &'static str,
    resources: &'static str,
    help: &'static str,
}

const API: Paths = Paths {
    server: Server::Apiserver,
    origins: "apiserver.cors.origins",
    credentials: "apiserver.cors.supports_credentials",
    resources: "apiserver.cors.resources",
    help: "set apiserver.cors.origins to the web server's address",
};

const FILES: Paths = Paths {
    server: Server::Fileserver,
    origins: "fileserver.cors.origins",
    credentials: "fileserver.cors.supports_credentials",
    resources: "fileserver.cors.resources",
    help: "set fileserver.cors.origins to the web server's address",
};

pub(crate) struct OpenCors;

impl Rule for OpenCors {
    fn id(&self) -> &'static str {
        "open-cors"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let severity = if case
            .servers(Server::Apiserver)
            .any(|server| is_sent_everywhere(case, server))
        {
            SENT
        } else {
            LAX
        };
        let address = web_address(case);
        for paths in [&API, &FILES] {
            for server in case.servers(paths.server) {
                let Some((reach, span)) = reached(case, server, paths) else {
                    continue;
                };
                let whom = match reach {
                    Reach::Every => "every origin".to_owned(),
                    Reach::Some(origin) => {
                        format!("origins that others can have, such as {origin}")
                    }
                };
                let message = format!(
                    "a page of another site may act for a user: {} allows {whom}, with credentials{}",
                    case.name(server),
                    case.unless(server, span)
                );
                let fix = address
                    .map(|address| case.configure(server, paths.origins, format!("\"{address}\"")));
                findings.push(
                    case.finding(severity, server, message, paths.help)
                        .at(span)
                        .fixed_by(fix),
                );
            }
        }
    }
}

/// Whom a server lets in with credentials, the most of all its resources, and where that is set.
fn reached(
    case: &Case<'_>,
    server: &ServerConfiguration,
    paths: &Paths,
) -> Option<(Reach, Option<Span>)> {
    let credentials = server.switch(case.deployment, paths.credentials);
    // What is not known is in `unknown`, and may be on.
    let with_credentials = credentials.is_on != Knowable::Known(false);
    let all = |found: &Configured<'_>| match found {
        // The image has it so, and so has flask_cors where it is told nothing.
        Configured::Not => Some((Reach::Every, credentials.span)),
        Configured::Value(_, span) if found.is_missing() => Some((Reach::Every, Some(*span))),
        Configured::Value(value, span) => Some((origins::reach(value)?, Some(*span))),
        Configured::Unknown(..) => None,
    };
    let base = all(&server.configured(case.deployment, paths.origins));
    let Configured::Value(Value::Object(resources), span) =
        server.configured(case.deployment, paths.resources)
    else {
        return base.filter(|_| with_credentials);
    };
    let of_resources = resources.iter().filter_map(|(_, resource)| {
        let Value::Object(own) = &resource.value else {
            return base.filter(|_| with_credentials);
        };
        let own_credentials = own.get_key("supports_credentials");
        let with = own_credentials.map_or(with_credentials, |own| own.value.truth() != Some(false));
        let reach = match own.get_key("origins") {
            None => base,
            Some(own) => origins::reach(&own.value).map(|reach| (reach, Some(span))),
        };
        reach.filter(|_| with)
    });
    of_resources.min_by_key(|(reach, _)| *reach != Reach::Every)
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

/// Whether the session cookie goes along with requests of other sites.
fn is_sent_everywhere(case: &Case<'_>, server: &ServerConfiguration) -> bool {
    let same_site = server.configured(case.deployment, "apiserver.auth.cookies.samesite");
    matches!(same_site, Configured::Value(Value::String(text), _) if text.expose().eq_ignore_ascii_case("none"))
}

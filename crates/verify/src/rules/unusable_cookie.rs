//! Nobody stays logged in: the session cookie cannot be made, or browsers refuse it.
//!
//! **What**: `apiserver.auth.cookies` has a `domain` with a scheme, a path or another host than the web page has; `secure`
//! is true and the page's address is http://; `samesite` is `None` without `secure`, or no value of it; or a key that no
//! cookie has.
//!
//! **Why**: the login works, and the browser throws the cookie away, so that the next request is refused and the login page
//! comes back. Or every login answers with an internal error. Both look as if the password were wrong.
//!
//! bad: tests/fixtures/rules/unusable-cookie/bad.yml
//!
//! good: tests/fixtures/rules/unusable-cookie/good.yml
//!
//! **Fix**: leave `domain` out or write the bare host (`clearml.example.com`); set `secure` to true with https:// alone.
//!
//! **References**: docs/clearml.md#cookies.

use clearml_secure_core::effective::{Configured, ServerConfiguration};
use clearml_secure_core::hocon::Value;
use clearml_secure_core::setting::Server;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Span;

use super::plain_http::{NAMES, is_https};
use super::{Case, Rule};
use crate::address;
use crate::finding::{Draft, Severity};

/// Nothing is open; nobody gets in (docs/clearml.md#cookies).
const SEVERITY: Severity = Severity::Warning;

const PATH: &str = "apiserver.auth.cookies";
/// What is in place of `domain` for the users of the server's own company.
const OVERRIDE: &str = "apiserver.auth.cookies_domain_override.d1bd92a3b039400cbafc60a7a5b1e52b";

/// What a cookie may have; another key is an internal error at every login.
const KEYS: [&str; 8] = [
    "domain",
    "expires",
    "httponly",
    "max_age",
    "partitioned",
    "path",
    "samesite",
    "secure",
];

/// Variables that hold the address of the web page (docs/clearml.md#addresses).
const WEB: [&str; 2] = ["CLEARML_WEB_HOST", "TRAINS_WEB_HOST"];

pub(crate) struct UnusableCookie;

impl Rule for UnusableCookie {
    fn id(&self) -> &'static str {
        "unusable-cookie"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for server in case.servers(Server::Apiserver) {
            let mut faults = Vec::new();
            fails(case, server, &mut faults);
            refused(case, server, &mut faults);
            for (why, help, span) in faults {
                let message = format!("nobody stays logged in to {}: {why}", case.name(server));
                findings.push(case.finding(SEVERITY, server, message, help).at(span));
            }
        }
    }
}

/// What is wrong, what helps, and where it is.
type Fault = (String, &'static str, Span);

/// What keeps the server from making the cookie: every login answers with an internal error.
fn fails(case: &Case<'_>, server: &ServerConfiguration, faults: &mut Vec<Fault>) {
    let at = |name: &str| server.configured(case.deployment, &format!("{PATH}.{name}"));
    let whole = server.configured(case.deployment, PATH);
    let is_missing = whole.is_missing();
    match whole {
        Configured::Value(Value::Object(object), span) => {
            let foreign = object.iter().find(|(key, _)| !KEYS.contains(key));
            if let Some((key, _)) = foreign {
                let why = format!(
                    "every login fails, because apiserver.auth.cookies has the unknown key {}",
                    escape(key)
                );
                faults.push((why, "remove or correct the key", span));
            }
        }
        Configured::Value(_, span) => {
            let why = match is_missing {
                true => "every login fails, because apiserver.auth.cookies is missing",
                false => "every login fails, because apiserver.auth.cookies is not an object",
            };
            faults.push((
                why.to_owned(),
                "write apiserver.auth.cookies { secure: true }",
                span,
            ));
            return;
        }
        Configured::Not | Configured::Unknown(..) => {}
    }
    if let Configured::Value(value, span) = at("samesite")
        && !is_same_site(value)
    {
        let why = "every login fails, because samesite is not Lax, Strict or None".to_owned();
        faults.push((why, "set apiserver.auth.cookies.samesite to Lax", span));
    }
    if let Configured::Value(value, span) = at("max_age")
        && let Some(why) = no_age(value)
    {
        let help = "remove max_age, or set it to a number of seconds";
        faults.push((format!("{why} max_age"), help, span));
    }
}

/// Why a cookie cannot have an age, or is over at once, up to the word `max_age` (docs/clearml.md#cookies).
fn no_age(value: &Value) -> Option<&'static str> {
    const NO_NUMBER: &str = "every login fails, because only a number of seconds can be a";
    const OVER: &str = "the cookie expires at once, because of its";
    match value {
        Value::String(_) | Value::Array(_) | Value::Object(_) | Value::Include => Some(NO_NUMBER),
        Value::Float(seconds) if !seconds.is_finite() => Some(NO_NUMBER),
        Value::Float(seconds) => (*seconds < 1.0).then_some(OVER),
        // Python counts with them as with 1 and 0.
        Value::Boolean(_) => Some(OVER),
        Value::Integer(digits) => {
            let digits = digits.expose();
            (digits == "0" || digits.starts_with('-')).then_some(OVER)
        }
        // `500ms` is a `timedelta`, with which the framework counts; any other unit makes what it cannot count with.
        Value::Period { shown, .. } => match shown.expose() {
            shown if shown.starts_with("relativedelta") => Some(NO_NUMBER),
            shown => shown.starts_with("0:00:00").then_some(OVER),
        },
        Value::Null | Value::Unknown(_) => None,
    }
}

/// What makes browsers throw the cookie away.
fn refused(case: &Case<'_>, server: &ServerConfiguration, faults: &mut Vec<Fault>) {
    let at = |path: &str| server.configured(case.deployment, path);
    let secure = at("apiserver.auth.cookies.secure");
    let is_secure = match secure {
        Configured::Not => Some(false),
        Configured::Unknown(..) => None,
        Configured::Value(value, _) => value.truth(),
    };
    if let Configured::Value(Value::String(text), span) = at("apiserver.auth.cookies.samesite")
        && text.expose().eq_ignore_ascii_case("none")
        && is_secure == Some(false)
    {
        let why = "browsers refuse the cookie, because samesite is None and secure is not true"
            .to_owned();
        faults.push((why, "set apiserver.auth.cookies.samesite to Lax", span));
    }
    if let Configured::Value(_, span) = secure
        && is_secure == Some(true)
        && is_plain_http(case)
    {
        let why =
            "browsers drop the cookie, because it is secure and the page's address is http://";
        let help = "put a reverse proxy with TLS in front and write its https:// address";
        faults.push((why.to_owned(), help, span));
    }
    let own = at(OVERRIDE);
    let domain = match own {
        Configured::Not => at("apiserver.auth.cookies.domain"),
        own => own,
    };
    if let Configured::Value(value, span) = domain
        && let Some(why) = wrong_domain(case, value)
    {
        let help =
            "remove domain, or set it to the page's host name, for example clearml.example.com";
        faults.push((why, help, span));
    }
}

/// Whether the server makes a cookie with it.
fn is_same_site(value: &Value) -> bool {
    match value {
        Value::Null | Value::Unknown(_) => true,
        Value::String(text) => ["lax", "none", "strict"]
            .iter()
            .any(|name| text.expose().eq_ignore_ascii_case(name)),
        _ => false,
    }
}

/// What is wrong with a domain. The server cuts it off at the first colon, and the first dot too.
fn wrong_domain(case: &Case<'_>, value: &Value) -> Option<String> {
    let text = match value {
        Value::Null | Value::Unknown(_) => return None,
        Value::String(text) => text.expose(),
        _ => return Some("every login fails, because domain is not text".to_owned()),
    };
    if text.contains("://") {
        return Some("browsers refuse the cookie, because its domain has a scheme".to_owned());
    }
    let host = text.split(':').next().unwrap_or_default();
    let host = host.trim_start_matches('.').to_lowercase();
    if host.is_empty() {
        return None;
    }
    let is_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !host.chars().all(is_host) {
        return Some(
            "browsers refuse the cookie, because its domain is not a host name".to_owned(),
        );
    }
    let mut pages = addresses(case, &WEB).peekable();
    let is_within = |page: &str| {
        let page = page.to_lowercase();
        let rest = page.strip_suffix(&host);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let has_pages = pages.peek().is_some();
    (has_pages && !pages.any(|page| is_within(address::host(page)))).then(|| {
        "browsers refuse the cookie, because its domain is not the host of the page's address"
            .to_owned()
    })
}

/// Whether the page has an address, and none over TLS. To browsers this machine is as good.
fn is_plain_http(case: &Case<'_>) -> bool {
    let mut pages = addresses(case, &WEB).peekable();
    pages.peek().is_some()
        && pages.all(|page| !address::is_loopback(page))
        && !addresses(case, &NAMES).any(is_https)
}

/// The addresses that these variables hold.
fn addresses<'a>(case: &'a Case<'_>, names: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let services = case.deployment.containers.iter();
    services
        .flat_map(|service| &service.environment)
        .filter(|variable| names.contains(&variable.name.as_str()))
        .filter_map(|variable| variable.value.known())
        .map(|value| value.expose().trim().trim_matches('"'))
        .filter(|address| address.contains("://"))
}

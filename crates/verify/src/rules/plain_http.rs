//! The deployment's own address is plain HTTP.
//!
//! **What**: CLEARML_WEB_HOST, CLEARML_API_HOST, CLEARML_FILES_HOST or WEBSERVER__fileBaseUrl is an http:// address
//! of a public name. In Kubernetes, an Ingress, an IngressRoute, a Route or an HTTPRoute leads to a server without TLS, or also in clear
//! text. Private addresses, load balancers in a private network, and names that only a private network knows (`.corp`,
//! `.internal`, `.ts.net`, …) do not count.
//!
//! **Why**: the web page and every client use it: passwords, tokens and files can be sniffed and changed.
//!
//! bad: tests/fixtures/rules/plain-http/bad.yml
//!
//! good: tests/fixtures/rules/plain-http/good.yml
//!
//! **Fix**: put a reverse proxy with TLS in front and write https:// addresses.
//!
//! **References**: ClearML, "Securing ClearML Server".

use std::collections::HashSet;

use crate::address::{self, is_public};
use crate::finding::{Draft, Severity};

use super::{Case, Rule};
use crate::entry::{is_within, named};
use crate::words::{self, shown};
use clearml_secure_core::container::Speaks;
use clearml_secure_core::instance::Instance;
use clearml_secure_core::source::Span;

/// Passwords and tokens can be sniffed.
const PUBLIC: Severity = Severity::Warning;

/// Variables that hold addresses (docs/clearml.md#addresses).
pub(super) const NAMES: [&str; 7] = [
    "CLEARML_API_HOST",
    "CLEARML_FILES_HOST",
    "CLEARML_WEB_HOST",
    "TRAINS_API_HOST",
    "TRAINS_FILES_HOST",
    "TRAINS_WEB_HOST",
    "WEBSERVER__fileBaseUrl",
];

pub(crate) struct PlainHttp;

impl Rule for PlainHttp {
    fn id(&self) -> &'static str {
        "plain-http"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let mut seen = HashSet::new();
        for instance in &case.deployment.instances {
            for variable in &case.deployment.service(instance).environment {
                let address = variable.value.known().map(|value| value.expose());
                let is_public = NAMES.contains(&variable.name.as_str())
                    && address.and_then(host).is_some_and(is_public);
                if !is_public || seen.contains(&variable.span) {
                    continue;
                }
                seen.insert(variable.span);
                findings.push(
                    Draft::new(
                        PUBLIC,
                        format!(
                            "passwords and tokens can be sniffed: {} is a public http:// address",
                            shown(&variable.name)
                        ),
                        "put a reverse proxy with TLS in front and write its https:// address",
                    )
                    .server(instance.server)
                    .at(variable.span),
                );
            }
            findings.extend(entrances(case, instance, &mut seen));
        }
    }
}

/// What speaks HTTP in front of a server of a cluster, without TLS.
fn entrances(case: &Case<'_>, instance: &Instance, seen: &mut HashSet<Span>) -> Vec<Draft> {
    let pod = case.deployment.service(instance).pod.iter();
    let ports = instance.listening.ports.iter();
    let ways = ports.flat_map(|port| case.deployment.ways(instance.service, *port));
    // What leads to another container of its pod is told with the way through that.
    let through = ways.filter(|way| way.is_clear() && !way.through.is_empty());
    let through: HashSet<Span> = through.map(|way| way.opening.span).collect();
    let mut found = Vec::new();
    for entrance in pod.flat_map(|pod| &pod.entrances) {
        let is_told = seen.contains(&entrance.span) || through.contains(&entrance.span);
        if !entrance.is_clear() || is_within(entrance) || is_told {
            continue;
        }
        seen.insert(entrance.span);
        let named = named(entrance);
        let what = match entrance.speaks.known() {
            Some(Speaks::Both) => "answers in clear text besides TLS",
            _ => "has no TLS, unless a load balancer before it has",
        };
        found.push(
            Draft::new(
                PUBLIC,
                format!("passwords and tokens can be sniffed: {named} {what}"),
                words::with_tls_alone(entrance),
            )
            .server(instance.server)
            .at(entrance.span),
        );
    }
    found
}

/// Whether an address is https://.
pub(super) fn is_https(address: &str) -> bool {
    let address = address.trim().trim_matches('"');
    address
        .get(..8)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
}

/// The host of an http:// address; `WEBSERVER__` values are JSON, so they may be quoted.
fn host(url: &str) -> Option<&str> {
    let url = url.trim().trim_matches('"');
    let is_plain = |scheme: &str| scheme.eq_ignore_ascii_case("http://");
    url.get(..7).filter(|scheme| is_plain(scheme))?;
    Some(address::host(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_plain_addresses_are_read() {
        for (address, expected) in [
            ("http://clearml.example.com:8080", Some(true)),
            ("\"http://files.example.com\"", Some(true)),
            ("HTTP://user@example.com/", Some(true)),
            ("http://apiserver:8008", Some(false)),
            ("http://[::1]:8080", Some(false)),
            ("https://clearml.example.com", None),
            ("", None),
        ] {
            assert_eq!(host(address).map(is_public), expected, "{address}");
        }
    }
}

//! Whom a service of Traefik's leads to, and what the TLS before it asks for.

use std::collections::BTreeSet;

use super::{Kind, Traefik, starting};
use crate::deployment::exposure::address::Address;

impl Traefik {
    /// The servers of a service, and of those that it divides what comes in among.
    pub(super) fn servers_of(&self, kind: Kind, service: &str) -> Vec<Address> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let mut next = vec![service];
        while let Some(name) = next.pop() {
            let name = name.split('@').next().unwrap_or(name).to_ascii_lowercase();
            let start = format!("{}.services.{name}.", kind.name());
            if !seen.insert(name) {
                continue;
            }
            for (path, text) in starting(&self.own, &start) {
                let path = &path[start.len()..];
                if path.starts_with("loadbalancer.servers.") {
                    found.extend(Address::of(text));
                } else if is_part(path) {
                    next.push(text);
                }
            }
        }
        found
    }

    /// Whether it asks those who come in for a certificate that it knows.
    pub(super) fn asks_for_certificate(&self, options: Option<&str>) -> bool {
        let name = options.unwrap_or("default");
        let name = name.split('@').next().unwrap_or(name).to_ascii_lowercase();
        let path = format!("tls.options.{name}.clientauth.clientauthtype");
        let told = self.own.get(&path);
        told.is_some_and(|told| told.eq_ignore_ascii_case("RequireAndVerifyClientCert"))
    }
}

/// Whether what is at a path of a service names another one, to which it leads.
fn is_part(path: &str) -> bool {
    let (kind, rest) = path.split_once('.').unwrap_or_default();
    let name = rest.rsplit('.').next().unwrap_or_default();
    ["failover", "mirroring", "weighted"].contains(&kind)
        && ["fallback", "name", "service"].contains(&name)
}

//! Whom an address leads to that a container is given: `mongo:27017`, `http://apiserver:8008/x`.

use super::names::Meant;
use super::{Around, Namespace};
use crate::container::Interface;

/// A host and a port, as a container names them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    /// None where a request names it, or a variable that is in no file.
    pub(super) host: Option<String>,
    /// None where only the host is named.
    pub(super) port: Option<u16>,
}

impl Address {
    /// An address of which nothing here tells the host.
    pub(super) fn untold() -> Self {
        Self {
            host: None,
            port: None,
        }
    }

    /// `host:port`, with or without a scheme in front, and a user and a path around it.
    pub(super) fn of(text: &str) -> Option<Self> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        let rest = rest.split(['/', '?', '#', ',']).next()?;
        let rest = rest.rsplit('@').next()?;
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => match rest.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            },
        };
        let port = match port {
            Some(port) => Some(port.parse().ok()?),
            None => scheme.and_then(default_port),
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        (!host.is_empty() && host.chars().all(is_name)).then(|| Self {
            host: Some(host.to_owned()),
            port,
        })
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    let known = [
        ("http", 80),
        ("https", 443),
        ("h2c", 80),
        ("mongodb", 27017),
        ("redis", 6379),
        ("rediss", 6379),
    ];
    let mut known = known.into_iter();
    Some(known.find(|(name, _)| *name == scheme)?.1)
}

impl Around<'_> {
    /// The containers, and their ports, that an address leads to from a container. Without a port, all that servers and
    /// databases listen on.
    pub(super) fn reached(&self, from: usize, address: &Address) -> Vec<(usize, u16)> {
        let Some(host) = &address.host else {
            return Vec::new();
        };
        let all = 0..self.containers.len();
        let ports = |index: usize| {
            let ports = self.ports_of(index, address.port).into_iter();
            ports.map(move |port| (index, port))
        };
        let is_other = |index: &usize| *index != from;
        match self.meant(from, host) {
            Meant::Itself => {
                let own = self.namespace(from);
                all.filter(|index| self.namespace(*index) == own)
                    .flat_map(ports)
                    .collect()
            }
            Meant::Host { is_loopback } => all
                .filter(|index| is_loopback || is_other(index))
                .flat_map(|index| self.through_the_host(index, address.port, is_loopback))
                .collect(),
            Meant::Containers(found) => {
                let found = found.into_iter().filter(is_other);
                found.flat_map(ports).collect()
            }
        }
    }

    /// The port of a container that is asked for, or all on which it is known to listen.
    fn ports_of(&self, index: usize, port: Option<u16>) -> Vec<u16> {
        let listening = self.listening(index);
        match port {
            Some(port) => Vec::from_iter(listening.may_be(port).then_some(port)),
            None => listening.ports.into_iter().take(1).collect(),
        }
    }

    /// What a port of the host leads to: to what is published there, or listens on the host's network.
    fn through_the_host(
        &self,
        index: usize,
        port: Option<u16>,
        is_loopback: bool,
    ) -> Vec<(usize, u16)> {
        let Some(port) = port else {
            return Vec::new();
        };
        match self.namespace(index) {
            Namespace::Host(_) => {
                let heard = self.listening(index).may_be(port);
                Vec::from_iter(heard.then_some((index, port)))
            }
            Namespace::Own(owner) => {
                let lender = self.lender(index).unwrap_or(owner);
                let ports = self.containers[lender].ports.iter();
                let published = ports.filter(|one| {
                    let is_open = is_loopback || one.interface != Interface::Loopback;
                    let is_this = one
                        .published
                        .as_ref()
                        .is_some_and(|range| range.contains(&port));
                    is_open && is_this && one.protocol == "tcp"
                });
                let targets = published.flat_map(|one| {
                    let start = one.published.as_ref().map_or(port, |range| *range.start());
                    one.target.start().checked_add(port - start)
                });
                let heard = targets.filter(|target| self.listening(index).may_be(*target));
                heard.map(|target| (index, target)).collect()
            }
            Namespace::Nowhere | Namespace::Elsewhere(_) => Vec::new(),
        }
    }
}

/// Whether who listens at an address is reached only by what shares its network: a published port leads to another one of the
/// container's addresses (docs/clearml.md#networks-of-docker).
pub(in crate::deployment) fn is_loopback(address: &str) -> bool {
    let host = match address.rsplit_once(':') {
        Some((host, port))
            if !port.ends_with(']') && (host.ends_with(']') || !host.contains(':')) =>
        {
            host
        }
        _ => address,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host == "::1" || host.starts_with("127.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_addresses_are_known() {
        for text in [
            "127.0.0.1:80",
            "127.0.0.1",
            "[::1]:80",
            "[::1]",
            "::1",
            "localhost:8008",
            "127.1.2.3",
        ] {
            assert!(is_loopback(text), "{text}");
        }
        for text in [
            "80",
            "*:80",
            "0.0.0.0:80",
            "[::]:80",
            "::",
            ":80",
            "10.0.0.1:80",
            "app.localhost.com:1",
            "",
        ] {
            assert!(!is_loopback(text), "{text}");
        }
    }

    #[test]
    fn addresses_are_read() {
        for (text, host, port) in [
            ("mongo:27017", "mongo", Some(27017)),
            ("http://apiserver:8008/x?y", "apiserver", Some(8008)),
            ("http://apiserver", "apiserver", Some(80)),
            ("mongodb://u:p@mongo:27018/db", "mongo", Some(27018)),
            ("[::1]:80", "::1", Some(80)),
            ("redis", "redis", None),
        ] {
            let expected = Address {
                host: Some(host.to_owned()),
                port,
            };
            assert_eq!(Address::of(text), Some(expected), "{text}");
        }
        for text in ["", ":80", "a b", "mongo:x", "$host:80"] {
            assert_eq!(Address::of(text), None, "{text}");
        }
    }
}

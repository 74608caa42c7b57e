//! Hosts as a container names them, and what each of them may be (docs/clearml.md#names-of-hosts).

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use super::Container;

/// A host that somebody names: capitals and a dot at its end make no other one of it.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    host: Cow<'a, str>,
    /// In a cluster, the namespace of who asks, where that is written.
    home: Option<&'a str>,
    /// Namespaces besides, in which a name without one is looked for.
    searched: &'a [String],
    is_in_cluster: bool,
}

/// A Service that a host in a cluster may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceName<'a> {
    /// Its name, or its address; behind that of a pod and a dot, where it is a name of that pod.
    pub name: &'a str,
    /// Its namespace; none where nothing tells it.
    pub namespace: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// A host that a container names.
    pub fn by(asker: &'a Container, host: &'a str) -> Self {
        let pod = asker.pod.as_ref();
        Self {
            host: canonical(host),
            home: pod.and_then(|pod| pod.namespace.as_deref()),
            searched: pod.map_or(&[], |pod| &pod.searched),
            is_in_cluster: pod.is_some(),
        }
    }

    /// A host that is named within a namespace of a cluster; none where it is not known in which.
    pub(crate) fn in_cluster(host: &'a str, home: Option<&'a str>) -> Self {
        Self {
            host: canonical(host),
            home,
            searched: &[],
            is_in_cluster: true,
        }
    }

    /// The same, and looked for in other namespaces as well.
    pub(crate) fn searching(self, searched: &'a [String]) -> Self {
        Self { searched, ..self }
    }

    /// The host, in small letters.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The Services of a cluster that it may be: `NAME` of the namespace at home, `NAME.NAMESPACE`, `NAME.NAMESPACE.svc` with
    /// whatever domain behind it, each also with a pod of a StatefulSet in front; a pod with a name of its own is found as
    /// `HOSTNAME.NAME`. An address may be that of any.
    pub fn services(&self) -> impl Iterator<Item = ServiceName<'_>> {
        // Elsewhere it has no labels that could be one's.
        let mut labels = self.host.split('.').take_while(|_| self.is_in_cluster);
        let labels = [(); 4].map(|()| labels.next());
        let [first, second, third, fourth] = labels;
        let is_address = self.is_in_cluster && self.is_address();
        let service = |name, namespace| Some(ServiceName { name, namespace });
        let own = match (first, second, third) {
            _ if is_address => service(&*self.host, None),
            (Some(name), None, _) => service(name, self.home),
            (Some(name), Some(namespace), None | Some("svc")) => service(name, Some(namespace)),
            _ => None,
        };
        let is_numbered = |label: &str| {
            let number = label.rsplit_once('-').map(|(_, number)| number);
            number.is_some_and(|number| number.parse::<u32>().is_ok())
        };
        let pod = match (first, second, third, fourth) {
            _ if is_address => None,
            (_, _, Some("svc"), _) => None,
            (Some(pod), Some(name), namespace, None | Some("svc")) => {
                Some((pod, name, namespace.or(self.home)))
            }
            _ => None,
        };
        let behind_pod = pod.filter(|(pod, ..)| is_numbered(pod));
        let behind_pod = behind_pod.and_then(|(_, name, namespace)| service(name, namespace));
        let named_pod = pod.and_then(|(pod, name, namespace)| {
            service(&self.host[..=pod.len() + name.len()], namespace)
        });
        let name = first.filter(|_| second.is_none() && !is_address);
        let searched = self.searched.iter();
        let searched = searched.filter_map(move |namespace| service(name?, Some(namespace)));
        let all = [own, behind_pod, named_pod].into_iter().flatten();
        all.chain(searched)
    }

    /// The one that it may be by a name outside of the cluster, which its load balancer has.
    pub(crate) fn balanced(&self) -> Option<ServiceName<'_>> {
        let is_one = self.is_in_cluster && self.host.matches('.').count() > 1;
        is_one.then_some(ServiceName {
            name: &self.host,
            namespace: None,
        })
    }

    /// Whether it says itself that it is of a cluster: `NAME.NAMESPACE.svc`.
    pub(crate) fn says_cluster(&self) -> bool {
        self.host
            .split('.')
            .skip(2)
            .take(2)
            .any(|label| label == "svc")
    }

    /// Whether it is one.
    pub(crate) fn is_address(&self) -> bool {
        self.host.parse::<IpAddr>().is_ok()
    }

    /// The names by which what it leads to may be found: behind one there may be a network of an engine.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let services = self.services().map(|service| service.name);
        let has_networks = !self.is_in_cluster && self.host.contains('.') && !self.is_address();
        let dots = self.host.match_indices('.');
        let dots = dots.take_while(move |_| has_networks);
        let before = dots.map(|(at, _)| &self.host[..at]);
        std::iter::once(self.host()).chain(services).chain(before)
    }

    /// Whether it is a name on a network of an engine, with or without what that is called behind it.
    pub(super) fn is_on(&self, name: &str, network: Option<&str>) -> bool {
        let (host, name) = (&*self.host, &*canonical(name));
        let behind = host
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('.'));
        host == name
            || behind
                .is_some_and(|behind| network.is_some_and(|one| behind.eq_ignore_ascii_case(one)))
    }

    /// Whether it may be a name, in a cluster of a namespace if one is known.
    pub(super) fn may_be(&self, name: &str, namespace: Option<&str>) -> bool {
        match self.is_in_cluster {
            true => {
                let mut all = self.services().chain(self.balanced());
                all.any(|one| one.is_called(name, namespace))
            }
            false => self.host.eq_ignore_ascii_case(name),
        }
    }
}

impl ServiceName<'_> {
    /// Whether it may be the Service of a name, in a namespace if one is known.
    pub fn is_called(&self, name: &str, namespace: Option<&str>) -> bool {
        self.may_be_in(namespace) && self.name.eq_ignore_ascii_case(name)
    }

    /// Whether it may be in a namespace; where none is known, it may be any.
    pub(crate) fn may_be_in(&self, namespace: Option<&str>) -> bool {
        self.namespace.is_none() || namespace.is_none() || self.namespace == namespace
    }
}

/// A name of a host as it is looked up.
pub(crate) fn canonical(host: &str) -> Cow<'_, str> {
    let host = host.trim_end_matches('.');
    let host = host.trim_start_matches('[').trim_end_matches(']');
    // An address of version 6 has several ways of writing it.
    if host.contains(':')
        && let Ok(address) = host.parse::<Ipv6Addr>()
    {
        return Cow::Owned(address.to_string());
    }
    match host.contains(|c: char| c.is_ascii_uppercase()) {
        true => Cow::Owned(host.to_ascii_lowercase()),
        false => Cow::Borrowed(host),
    }
}

/// The words of a text that may be hosts: what is before `://` is none.
pub(crate) fn hosts(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.')));
    let is_scheme = |word: &str| {
        let end = word.as_ptr() as usize - text.as_ptr() as usize + word.len();
        text[end..].starts_with("://")
    };
    let words = words.filter(move |word| !word.is_empty() && !is_scheme(word));
    // Those of version 6 have colons in them.
    let has_addresses = text.matches(':').nth(1).is_some();
    let addresses = text.split(|c: char| !(c.is_ascii_hexdigit() || c == ':'));
    let addresses = addresses.take_while(move |_| has_addresses);
    let addresses = addresses.filter(|word| word.matches(':').count() > 1);
    words.chain(addresses.filter(|word| word.parse::<Ipv6Addr>().is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_of_a_cluster_is_a_service_in_every_spelling() {
        let home = Some("home");
        for (host, expected) in [
            ("redis", &[("redis", home)][..]),
            ("Redis.", &[("redis", home)]),
            ("redis.db", &[("redis", Some("db")), ("redis.db", home)]),
            ("redis.db.svc", &[("redis", Some("db"))]),
            ("REDIS.db.svc.cluster.local.", &[("redis", Some("db"))]),
            ("redis.db.svc.corp.example", &[("redis", Some("db"))]),
            (
                "redis-0.redis",
                &[
                    ("redis-0", Some("redis")),
                    ("redis", home),
                    ("redis-0.redis", home),
                ],
            ),
            (
                "redis-0.redis.db",
                &[("redis", Some("db")), ("redis-0.redis", Some("db"))],
            ),
            (
                "redis-0.redis.db.svc.corp.example",
                &[("redis", Some("db")), ("redis-0.redis", Some("db"))],
            ),
            ("redis-0.db.svc", &[("redis-0", Some("db"))]),
            (
                "primary.redis.db.svc.corp.example",
                &[("primary.redis", Some("db"))],
            ),
            ("10.96.0.7", &[("10.96.0.7", None)]),
            ("[FD00:0::7]", &[("fd00::7", None)]),
            ("redis-0.redis.example.com", &[]),
        ] {
            let asked = Asked::in_cluster(host, home);
            let found: Vec<_> = asked
                .services()
                .map(|one| (one.name, one.namespace))
                .collect();
            assert_eq!(found, expected, "{host}");
        }
    }

    #[test]
    fn words_of_a_text_may_be_hosts() {
        for (text, expected) in [
            (
                "mongodb://u:p@mongo:27017/x",
                &["u", "p", "mongo", "27017", "x"][..],
            ),
            ("redis://[fd00::7]:6379", &["fd00", "7", "6379", "fd00::7"]),
        ] {
            assert_eq!(hosts(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }
}

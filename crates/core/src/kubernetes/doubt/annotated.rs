//! Configuration in annotations, which is passed on to what a controller runs: lines for nginx, targets of a load balancer, a Mapping
//! of Ambassador.

use std::collections::HashSet;

use super::{Names, words};
use crate::kubernetes::object::{Object, annotations};
use crate::shown::escape;
use crate::source::Span;
use crate::unseen::{Hides, Unseen};

/// Annotations that tell what is, and open nothing: what was applied, and what Rancher saw.
const RECORDS: [&str; 2] = [
    "field.cattle.io/publicEndpoints",
    "kubectl.kubernetes.io/last-applied-configuration",
];

/// An annotation with addresses in it.
pub(super) struct Annotated<'a> {
    object: &'a Object,
    name: &'a str,
    /// The hosts of its addresses.
    hosts: HashSet<&'a str>,
    span: Span,
}

impl<'a> Annotated<'a> {
    /// Those of an object.
    pub(super) fn of(object: &'a Object) -> impl Iterator<Item = Self> {
        annotations(&object.node).filter_map(move |(name, field)| {
            // Names without a domain are for the user's own words, and no controller obeys them.
            let is_obeyed = name.contains('/') && !RECORDS.contains(&name);
            let text = field.value.text().filter(|_| is_obeyed)?;
            let hosts = hosts(text);
            (!hosts.is_empty()).then(|| Self {
                object,
                name,
                hosts,
                span: object.span(field.key),
            })
        })
    }

    /// What it hides, if it names a server or a database.
    pub(super) fn unseen(&self, names: &Names<'_>) -> Option<Unseen> {
        let is_database = names.led_to_by(self.object, &self.hosts)?;
        let reason = match is_database {
            true => "its text is not read; check that it does not lead to a database from outside",
            false => "its text is not read; check that it speaks TLS",
        };
        let Object { kind, name, .. } = self.object;
        Some(Unseen {
            what: format!(
                "what the annotation {} of {kind} {} opens",
                escape(self.name),
                escape(name)
            ),
            hides: Hides::Way,
            reason: reason.to_owned(),
            service: None,
            span: Some(self.span),
        })
    }
}

/// The hosts of what looks like an address: behind `//`, before a port, or as the value of a key such as `serviceName`.
fn hosts(text: &str) -> HashSet<&str> {
    let is_of_keys = ["service:", "serviceName", "service_name"]
        .iter()
        .any(|key| text.contains(key));
    let offset = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    let is_host = |word: &&str| {
        let (before, behind) = (&text[..offset(word)], &text[offset(word) + word.len()..]);
        let port = behind.strip_prefix(':');
        let has_port = port.is_some_and(|port| port.starts_with(|c: char| c.is_ascii_digit()));
        is_of_keys || has_port || before.ends_with("//")
    };
    let words = words(text).filter(|word| !word.is_empty());
    words.filter(is_host).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_scheme_a_port_or_a_key() {
        for (text, expected) in [
            ("proxy_pass http://es.ml.svc:9200/x;", &["es.ml.svc"][..]),
            ("location /es { proxy_pass http://es; }", &["es"]),
            ("service: es", &["service", "es"]),
            ("a page for es, at host es.example.com", &[]),
            ("es", &[]),
            ("", &[]),
        ] {
            let mut found: Vec<&str> = hosts(text).into_iter().collect();
            let mut expected = expected.to_vec();
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{text}");
        }
        assert!(hosts("{\"serviceName\":\"es\"}").contains("es"));
    }
}

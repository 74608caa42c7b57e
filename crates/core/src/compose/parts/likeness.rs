//! How like two definitions of one thing are. Compose merges nothing of what is included: it takes two for one where they are the
//! same, and refuses the project otherwise.

use std::path::Path;

use crate::yaml::scalar::resolve;
use crate::yaml::{Field, Node, Typed};

/// What compose makes of two definitions, as far as that can be said without its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    /// It may take them for one: it makes switches and numbers of texts in some places, and whole paths of some texts.
    Same,
    Unsure,
    /// It refuses them.
    Other,
}

/// What is defined.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// A network, a volume, a config or a secret. Compose makes a number of a text in none of these.
    Section,
    Service,
}

/// The likeness of two definitions.
pub(super) fn likeness(one: &Node, other: &Node, of: Of) -> Likeness {
    let has = |node: &Node, key: &str| node.get(key).map(|field| field.value.entries().is_some());
    // The name may be below `external` or beside it.
    let is_external = [one, other].map(|node| has(node, "external") == Some(true));
    let extends = [one, other].map(|node| has(node, "extends").is_some());
    let like = below("", one, other, of, true);
    match is_external.contains(&true) || extends.contains(&true) {
        true => like.min(Likeness::Unsure),
        false => like,
    }
}

fn below(key: &str, one: &Node, other: &Node, of: Of, is_top: bool) -> Likeness {
    // Of a service there are short and long forms, with defaults.
    let shape = match of {
        Of::Section => Likeness::Other,
        Of::Service => Likeness::Unsure,
    };
    let missing = if is_top { Likeness::Other } else { shape };
    if one.scalar().is_some() && other.scalar().is_some() {
        return of_scalars(key, one, other, of);
    }
    if one.items().is_some() && other.items().is_some() {
        let ones: Vec<_> = one.seen_items().collect();
        let others: Vec<_> = other.seen_items().collect();
        if ones.len() != others.len() {
            return shape;
        }
        let pairs = ones.iter().zip(&others);
        let all = pairs.map(|(one, other)| below(key, one, other, of, false));
        return all.max().unwrap_or(Likeness::Same);
    }
    if one.entries().is_none() || other.entries().is_none() {
        return shape;
    }
    let (all, others) = (one.fields(), other.fields());
    let of_field = |field: &Field<'_>| {
        let same = field
            .key
            .scalar()
            .and_then(|key| Some((key.text(), other.get(key.text())?)));
        same.map_or(missing, |(key, same)| {
            below(key, field.value, same.value, of, false)
        })
    };
    let like = all.iter().map(of_field).max().unwrap_or(Likeness::Same);
    match all.len() == others.len() {
        true => like,
        false => like.max(missing),
    }
}

fn of_scalars(key: &str, one: &Node, other: &Node, of: Of) -> Likeness {
    let (Some(types), Some((text, same))) = (
        one.typed().zip(other.typed()),
        one.scalar().zip(other.scalar()),
    ) else {
        return Likeness::Unsure;
    };
    let (text, same) = (text.text(), same.text());
    let is_number = |typed: &Typed| matches!(typed, Typed::Integer(_) | Typed::Float(_));
    let read = |text: &str| resolve(text, true, None);
    match &types {
        (Typed::Null, Typed::Null) => Likeness::Same,
        (Typed::Null, _) | (_, Typed::Null) => Likeness::Other,
        (one, other) if one == other && (text == same || *one != Typed::Text) => Likeness::Same,
        _ if text.contains('$') || same.contains('$') => Likeness::Unsure,
        (one, other) if is_number(one) != is_number(other) => match of {
            Of::Section => Likeness::Other,
            Of::Service if text == same => Likeness::Same,
            Of::Service if read(text) == read(same) => Likeness::Unsure,
            Of::Service => Likeness::Other,
        },
        _ if text == same => Likeness::Same,
        _ if truth(text).is_some() && truth(text) == truth(same) => Likeness::Unsure,
        _ if may_be_one_file(key, text, same, of) => Likeness::Unsure,
        _ => Likeness::Other,
    }
}

/// What compose makes of a text where a switch is.
fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" => Some(true),
        "false" | "no" | "n" | "off" => Some(false),
        _ => None,
    }
}

/// Whether two texts may be paths of one file, from folders of their own.
fn may_be_one_file(key: &str, one: &str, other: &str, of: Of) -> bool {
    let is_path = match of {
        Of::Section => ["file", "device"].contains(&key),
        Of::Service => one.contains('/') || other.contains('/'),
    };
    let (one, other) = (Path::new(one).file_name(), Path::new(other).file_name());
    is_path && (one == other || one.is_none() || other.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    fn like(one: &str, other: &str, of: Of) -> Likeness {
        let node = |text: &str| parse(Path::new("a.yml"), text).unwrap();
        likeness(&node(one), &node(other), of)
    }

    /// What docker compose 2.40 says of each pair: whether it takes it.
    #[test]
    fn nothing_is_surely_other_that_compose_takes() {
        for (one, other, is_taken) in [
            ("internal: true", "internal: yes", true),
            ("internal: true", "internal: 'true'", true),
            ("internal: true", "internal: 'on'", true),
            ("internal: true", "internal: TRUE", true),
            ("internal: true", "internal: false", false),
            ("internal: false", "{}", false),
            ("enable_ipv6: true", "enable_ipv6: 'yes'", true),
            ("external: true", "external: 'True'", true),
            ("external: {name: a}", "{external: true, name: a}", true),
            ("file: ./a", "file: a", true),
            ("file: ../a", "file: a", true),
            ("file: ./a", "file: ./b", false),
            ("driver: a", "driver: 'a'", true),
            ("name: a", "name: b", false),
            ("labels: {a: 1}", "labels: {a: '1'}", false),
            ("labels: {a: null}", "labels: {a: ''}", false),
            ("labels: [a=1]", "labels: {a: 1}", false),
            ("driver_opts: {a: 1}", "driver_opts: {a: 0x1}", true),
        ] {
            let is_other = like(one, other, Of::Section) == Likeness::Other;
            assert_eq!(is_other, !is_taken, "{one} | {other}");
        }
    }

    #[test]
    fn two_services_are_one_where_compose_says_so() {
        use Likeness::{Other, Same, Unsure};
        for (one, other, expected) in [
            ("scale: 1", "scale: '1'", Same),
            ("init: true", "init: 'true'", Same),
            ("init: true", "init: TRUE", Same),
            ("environment: {A: null}", "environment: {A: }", Same),
            (
                "healthcheck: {retries: 3}",
                "healthcheck: {retries: '3'}",
                Same,
            ),
            (
                "healthcheck: {retries: 3}",
                "healthcheck: {retries: 0x3}",
                Same,
            ),
            // It takes these, too.
            ("init: true", "init: yes", Unsure),
            ("build: .", "build: {context: .}", Unsure),
            ("networks: [default]", "networks: {default: }", Unsure),
            ("gpus: all", "gpus: [{count: all}]", Unsure),
            (
                "ports: [{target: 80}]",
                "ports: [{target: 80, mode: ingress}]",
                Unsure,
            ),
            (
                "volumes: [{source: ./a, target: /b}]",
                "volumes: [{source: a, target: /b}]",
                Unsure,
            ),
            ("image: $X", "image: y", Unsure),
            // And refuses these.
            ("hostname: a", "hostname: b", Other),
            ("tty: false", "{}", Other),
            ("scale: 1", "scale: 2", Other),
            ("environment: {A: null}", "environment: {A: ''}", Other),
            ("mem_limit: 1g", "mem_limit: 1024m", Other),
        ] {
            assert_eq!(like(one, other, Of::Service), expected, "{one} | {other}");
            assert_eq!(like(other, one, Of::Service), expected, "{other} | {one}");
        }
    }
}

//! A document as serde_yaml reads it, as a tree of fingerprints: small enough for a file of ten thousand
//! services, and free of secrets.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

/// One node.
#[derive(Debug, Hash, PartialEq)]
pub(super) enum Print {
    Map(BTreeMap<Box<str>, Print>),
    /// `NAME=value`, as an item of a list of variables.
    Pair(Box<str>, u64),
    Scalar(u64),
    Seq(Vec<Print>),
    /// All of a service that is not looked into.
    Whole(u64),
}

/// Reads documents with one key, so that their fingerprints compare.
pub(super) struct Reader<'a> {
    key: RandomState,
    /// The services that are looked into; none for all of them. Of ten thousand, an edit is meant for a few.
    services: Option<HashSet<&'a str>>,
}

impl<'a> Reader<'a> {
    /// One that has every node of every service.
    pub(super) fn of_all() -> Self {
        Self {
            key: RandomState::new(),
            services: None,
        }
    }

    /// One that has of every other service no more than whether it is the same.
    pub(super) fn of_services(services: impl Iterator<Item = &'a str>) -> Self {
        Self {
            services: Some(services.collect()),
            ..Self::of_all()
        }
    }

    /// The documents with merge keys applied and every `environment` as a mapping.
    ///
    /// # Errors
    /// The line that is no YAML, where it is known. The parser's words may quote the file.
    pub(super) fn read(&self, text: &str) -> Result<Vec<Print>, Option<usize>> {
        let text = text.trim_start_matches('\u{feff}');
        serde_yaml::Deserializer::from_str(text)
            .map(|document| {
                let root = Seed {
                    reader: self,
                    place: Place::Root,
                };
                root.deserialize(document).map(Print::merged)
            })
            .collect::<Result<_, _>>()
            .map_err(|error: serde_yaml::Error| error.location().map(|location| location.line()))
    }

    /// Whether a node is exactly this text, as a value of a mapping or behind the `=` of a list's item.
    pub(super) fn is_text(&self, print: &Print, text: &str) -> bool {
        match print {
            Print::Scalar(print) => *print == self.key.hash_one(('t', text)),
            Print::Pair(name, value) => text.split_once('=').is_some_and(|(before, after)| {
                **name == *before && *value == self.key.hash_one(('t', after))
            }),
            Print::Map(_) | Print::Seq(_) | Print::Whole(_) => false,
        }
    }

    /// What is held of a service.
    fn service(&self, name: &str, service: Print) -> Print {
        let is_looked_into = self.services.as_ref().is_none_or(|all| all.contains(name));
        // What `<<` brings counts only where it is merged, and gives way to what is not `!reset`.
        if is_looked_into || name == "<<" || service.is_reset() {
            return service;
        }
        Print::Whole(self.key.hash_one(service.merged()))
    }
}

impl Print {
    /// Gives an item `NAME` of a service's list, which is known by its fingerprint, its name.
    pub(super) fn name_bare_item(&mut self, reader: &Reader<'_>, service: &str, name: &str) {
        let mut at = Some(self);
        for key in ["services", service, "environment"] {
            at = match at {
                Some(Self::Map(entries)) => entries.get_mut(key),
                _ => None,
            };
        }
        if let Some(Self::Map(entries)) = at
            && let Some(item) = entries.remove(&*bare(reader.key.hash_one(('t', name))))
        {
            entries.entry(name.into()).or_insert(item);
        }
    }

    fn merged(self) -> Self {
        match self {
            Self::Map(entries) => {
                let merged = entries.into_iter().map(|(key, value)| {
                    let value = value.merged();
                    let value = if &*key == "environment" {
                        value.into_environment()
                    } else {
                        value
                    };
                    (key, value)
                });
                let mut own: BTreeMap<Box<str>, Self> = merged.collect();
                let sources = match own.remove("<<") {
                    Some(Self::Seq(sources)) => sources,
                    Some(source) => vec![source],
                    None => Vec::new(),
                };
                for source in sources {
                    if let Self::Map(source) = source {
                        // What is `!reset`, compose takes out before it merges.
                        for (key, value) in source.into_iter().filter(|one| !one.1.is_reset()) {
                            match own.get_mut(&key) {
                                Some(known) if known.is_reset() => *known = value,
                                Some(_) => {}
                                None => drop(own.insert(key, value)),
                            }
                        }
                    }
                }
                Self::Map(own)
            }
            Self::Seq(items) => Self::Seq(items.into_iter().map(Self::merged).collect()),
            leaf => leaf,
        }
    }

    /// Whether compose takes it out.
    pub(super) fn is_reset(&self) -> bool {
        matches!(self, Self::Map(entries) if entries.keys().map(|key| &**key).eq(["!reset"]))
    }

    /// The list form and the empty form of `environment` mean a mapping.
    fn into_environment(self) -> Self {
        match self {
            Self::Seq(items) => Self::Map(
                items
                    .into_iter()
                    .map(|item| match item {
                        Self::Pair(name, value) => (name, Self::Scalar(value)),
                        Self::Scalar(print) => (bare(print), Self::Scalar(print)),
                        other => ("=".into(), other),
                    })
                    .collect(),
            ),
            other => other,
        }
    }
}

/// What stands for the name of an item without a value.
fn bare(print: u64) -> Box<str> {
    format!("={print}").into()
}

/// Which node it is, as far as that matters.
#[derive(Clone, Copy)]
enum Place {
    Root,
    Services,
    Other,
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    reader: &'a Reader<'a>,
    place: Place,
}

impl Seed<'_> {
    fn leaf<E>(&self, kind: char, value: impl Hash) -> Result<Print, E> {
        Ok(Print::Scalar(self.reader.key.hash_one((kind, value))))
    }

    /// For what is below a key.
    fn below(self, key: &str) -> Self {
        let place = match (self.place, key) {
            (Place::Root, "services") => Place::Services,
            _ => Place::Other,
        };
        Self { place, ..self }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Print;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Print, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Print;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Print, E> {
        self.leaf('b', value)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Print, E> {
        self.leaf('i', value)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Print, E> {
        self.leaf('u', value)
    }

    fn visit_i128<E>(self, value: i128) -> Result<Print, E> {
        self.leaf('i', value)
    }

    fn visit_u128<E>(self, value: u128) -> Result<Print, E> {
        self.leaf('u', value)
    }

    fn visit_f64<E>(self, value: f64) -> Result<Print, E> {
        self.leaf('f', value.to_bits())
    }

    fn visit_unit<E>(self) -> Result<Print, E> {
        self.leaf('n', ())
    }

    fn visit_str<E>(self, text: &str) -> Result<Print, E> {
        match text.split_once('=') {
            Some((name, value)) => {
                let value = self.reader.key.hash_one(('t', value));
                Ok(Print::Pair(name.into(), value))
            }
            None => self.leaf('t', text),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Print, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self.below(""))? {
            items.push(item);
        }
        Ok(Print::Seq(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Print, A::Error> {
        let mut entries = BTreeMap::new();
        // Whatever its type is, a key is compared as it is written.
        while let Some(key) = access.next_key::<Box<str>>()? {
            let value = access.next_value_seed(self.below(&key))?;
            let value = match self.place {
                Place::Services => self.reader.service(&key, value),
                Place::Root | Place::Other => value,
            };
            entries.insert(key, value);
        }
        Ok(Print::Map(entries))
    }

    /// A tag, such as compose's `!reset`.
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Print, A::Error> {
        let (tag, content) = access.variant::<Box<str>>()?;
        let content = content.newtype_variant_seed(self)?;
        // `!override` only says how files are merged.
        if &*tag == "!override" || &*tag == "override" {
            return Ok(content);
        }
        Ok(Print::Map(BTreeMap::from([(
            format!("!{tag}").into(),
            content,
        )])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_service_that_no_edit_is_meant_for_it_is_known_whether_it_is_the_same() {
        let reader = Reader::of_services(["a"].into_iter());
        let read = |b: &str| {
            let text = format!("x-e: &e {{K: '1'}}\nservices:\n  a: {{image: x}}\n  b: {b}\n");
            reader.read(&text).unwrap()
        };
        let one = read("{image: y, environment: [K=1]}");
        for same in [
            "{environment: {K: '1'}, image: y}",
            "{image: y, environment: {<<: *e}}",
            "{<<: {environment: *e}, image: 'y'}",
        ] {
            assert_eq!(one, read(same), "{same}");
        }
        for other in [
            "{image: y, environment: [K=2]}",
            "{image: y, environment: {K: 1}}",
            "{image: y}",
            "!reset {image: y, environment: [K=1]}",
        ] {
            assert_ne!(one, read(other), "{other}");
        }
        let [Print::Map(root)] = &one[..] else {
            unreachable!("one mapping")
        };
        let Print::Map(services) = &root["services"] else {
            unreachable!("a mapping")
        };
        assert!(matches!(services["a"], Print::Map(_)));
        assert!(matches!(services["b"], Print::Whole(_)));
    }
}

//! A document as serde_yaml reads it, as a tree of fingerprints: small enough for a file of ten thousand
//! services, and free of secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

/// One node.
#[derive(Debug, PartialEq)]
pub(super) enum Print {
    Map(BTreeMap<Box<str>, Print>),
    /// `NAME=value`, as an item of a list of variables.
    Pair(Box<str>, u64),
    Scalar(u64),
    Seq(Vec<Print>),
}

/// Reads documents with one key, so that their fingerprints compare.
pub(super) struct Reader(RandomState);

impl Reader {
    pub(super) fn new() -> Self {
        Self(RandomState::new())
    }

    /// The documents with merge keys applied and every `environment` as a mapping.
    ///
    /// # Errors
    /// The line that is no YAML, where it is known. The parser's words may quote the file.
    pub(super) fn read(&self, text: &str) -> Result<Vec<Print>, Option<usize>> {
        let text = text.trim_start_matches('\u{feff}');
        serde_yaml::Deserializer::from_str(text)
            .map(|document| Seed(&self.0).deserialize(document).map(Print::merged))
            .collect::<Result<_, _>>()
            .map_err(|error: serde_yaml::Error| error.location().map(|location| location.line()))
    }

    /// Whether a node is exactly this text, as a value of a mapping or behind the `=` of a list's item.
    pub(super) fn is_text(&self, print: &Print, text: &str) -> bool {
        match print {
            Print::Scalar(print) => *print == self.0.hash_one(('t', text)),
            Print::Pair(name, value) => text.split_once('=').is_some_and(|(before, after)| {
                **name == *before && *value == self.0.hash_one(('t', after))
            }),
            Print::Map(_) | Print::Seq(_) => false,
        }
    }
}

impl Print {
    /// Gives an item `NAME` of a service's list, which is known by its fingerprint, its name.
    pub(super) fn name_bare_item(&mut self, reader: &Reader, service: &str, name: &str) {
        let mut at = Some(self);
        for key in ["services", service, "environment"] {
            at = match at {
                Some(Self::Map(entries)) => entries.get_mut(key),
                _ => None,
            };
        }
        if let Some(Self::Map(entries)) = at
            && let Some(item) = entries.remove(&*bare(reader.0.hash_one(('t', name))))
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

struct Seed<'a>(&'a RandomState);

impl Seed<'_> {
    fn leaf<E>(&self, kind: char, value: impl Hash) -> Result<Print, E> {
        Ok(Print::Scalar(self.0.hash_one((kind, value))))
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
            Some((name, value)) => Ok(Print::Pair(name.into(), self.0.hash_one(('t', value)))),
            None => self.leaf('t', text),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Print, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(Seed(self.0))? {
            items.push(item);
        }
        Ok(Print::Seq(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Print, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(key) = access.next_key::<Key>()? {
            entries.insert(key.0, access.next_value_seed(Seed(self.0))?);
        }
        Ok(Print::Map(entries))
    }

    /// A tag, such as compose's `!reset`.
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Print, A::Error> {
        let (tag, content) = access.variant::<Key>()?;
        let content = content.newtype_variant_seed(Seed(self.0))?;
        // `!override` only says how files are merged.
        if &*tag.0 == "!override" || &*tag.0 == "override" {
            return Ok(content);
        }
        Ok(Print::Map(BTreeMap::from([(
            format!("!{}", tag.0).into(),
            content,
        )])))
    }
}

/// A key of any scalar type as text.
struct Key(Box<str>);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsText;
        impl Visitor<'_> for AsText {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Key, E> {
                Ok(Key(value.to_string().into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Key, E> {
                Ok(Key(value.to_string().into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Key, E> {
                Ok(Key(value.to_string().into()))
            }

            fn visit_i128<E>(self, value: i128) -> Result<Key, E> {
                Ok(Key(value.to_string().into()))
            }

            fn visit_u128<E>(self, value: u128) -> Result<Key, E> {
                Ok(Key(value.to_string().into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Key, E> {
                Ok(Key(value.to_string().into()))
            }

            fn visit_unit<E>(self) -> Result<Key, E> {
                Ok(Key("~".into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Key, E> {
                Ok(Key(text.into()))
            }
        }
        deserializer.deserialize_any(AsText)
    }
}

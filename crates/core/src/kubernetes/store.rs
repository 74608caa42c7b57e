//! What is in a Secret or a ConfigMap.

use std::collections::HashSet;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::object::{Keys, Object, text_of};
use crate::container::FileText;
use crate::knowable::{Knowable, Reason};
use crate::secret::{DECRYPT, is_encrypted};
use crate::shown::escape;
use crate::source::{Sources, Span, Within};
use crate::yaml::below::at;
use crate::yaml::{Field, Node, Quoting};

/// One entry.
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) content: Content,
    /// Where its value is.
    pub(super) span: Span,
    within: Within,
}

/// What an entry holds.
pub(super) enum Content {
    Text(Zeroizing<String>),
    /// SOPS has encrypted it.
    Encrypted,
    /// Kubernetes does not take the object because of it: why.
    Invalid(String),
    /// Bytes that are no text.
    Bytes,
}

/// The entries of a Secret or a ConfigMap, each a file of a volume; of two of one key, what counts.
pub(super) fn entries(object: &Object) -> Vec<Entry> {
    match object.kind.as_str() {
        "Secret" => merged(object, &[("data", true), ("stringData", false)]),
        _ => merged(object, &[("binaryData", true), ("data", false)]),
    }
}

/// Those that `envFrom` makes variables of. What is under `binaryData` is no variable's.
pub(super) fn variables(object: &Object) -> Vec<Entry> {
    match object.kind.as_str() {
        "Secret" => entries(object),
        _ => merged(object, &[("data", false)]),
    }
}

/// Where one of its values is that Kubernetes does not take, and with it the whole object; and why.
pub(super) fn refused(object: &Object) -> Option<&(Span, String)> {
    let refused = || {
        let why = |entry: Entry| match entry.content {
            Content::Invalid(why) => Some((entry.span, why)),
            _ => None,
        };
        entries(object).into_iter().find_map(why)
    };
    object.refused.get_or_init(refused).as_ref()
}

/// The entries at these places, of which the later ones win, and whether they are encoded.
fn merged(object: &Object, places: &[(&str, bool)]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for (place, is_encoded) in places {
        let fields = at(&object.node, &[place]).map(|node| node.fields());
        let fields = fields.unwrap_or_default();
        entries.extend(
            fields
                .iter()
                .filter_map(|field| entry(object, field, *is_encoded)),
        );
    }
    last_of_each(entries, |entry| &entry.key)
}

/// Of several with one key the last one, in their order.
pub(super) fn last_of_each<T>(all: Vec<T>, key: impl Fn(&T) -> &String) -> Vec<T> {
    let mut seen = HashSet::new();
    let last = all.into_iter().rev();
    let mut last: Vec<T> = last.filter(|one| seen.insert(key(one).clone())).collect();
    last.reverse();
    last
}

/// The entry of a key that a variable may be taken from. What is under `binaryData` is no variable's.
pub(super) fn of_key(object: &Object, key: &str) -> Option<Entry> {
    let (key, value, is_encoded) = object.keys.get_or_init(|| keys(object)).get(key)?;
    let field = Field {
        key,
        value,
        merged: false,
    };
    entry(object, &field, *is_encoded)
}

/// Of two of one key, what counts.
fn keys(object: &Object) -> Keys {
    let places: &[(&str, bool)] = match object.kind.as_str() {
        "Secret" => &[("data", true), ("stringData", false)],
        _ => &[("data", false)],
    };
    let mut keys = Keys::new();
    for (place, is_encoded) in places {
        let fields = at(&object.node, &[place]).map(|node| node.fields());
        for field in fields.unwrap_or_default() {
            let name = field
                .key
                .scalar()
                .filter(|_| field.value.scalar().is_some());
            keys.extend(name.map(|name| {
                let (key, value) = (Arc::clone(field.key), Arc::clone(field.value));
                (name.text().to_owned(), (key, value, *is_encoded))
            }));
        }
    }
    keys
}

fn entry(object: &Object, field: &Field<'_>, is_encoded: bool) -> Option<Entry> {
    let span = object.span(field.value);
    let key_span = object.span(field.key);
    let is_block = field.value.quoting()? == Quoting::Block;
    let within = Within {
        span: key_span,
        lines: None,
        is_secret: object.kind == "Secret",
    };
    Some(Entry {
        key: field.key.scalar()?.text().to_owned(),
        content: content(object, field.value, is_encoded),
        // A value that is not written has no place of its own.
        span: if span.start == span.end {
            key_span
        } else {
            span
        },
        within: match is_block && !is_encoded {
            true => Within { span, ..within },
            false => within,
        },
    })
}

fn content(object: &Object, value: &Node, is_encoded: bool) -> Content {
    let text = match text_of(value) {
        Ok(text) => text,
        Err(what) => {
            let kind = &object.kind;
            return Content::Invalid(format!(
                "a value of a {kind} is {what} and not text; quote it"
            ));
        }
    };
    if is_encrypted(text) {
        return Content::Encrypted;
    }
    if !is_encoded {
        return Content::Text(Zeroizing::new(text.to_owned()));
    }
    // Line breaks do not count, as for Go.
    let lines: Zeroizing<String> = Zeroizing::new(text.split(['\r', '\n']).collect());
    let Ok(decoded) = STANDARD.decode(&*lines).map(Zeroizing::new) else {
        return Content::Invalid(
            "a value is not base64, which `data` holds; plain text goes under `stringData`"
                .to_owned(),
        );
    };
    match std::str::from_utf8(&decoded) {
        Ok(text) => Content::Text(Zeroizing::new(text.to_owned())),
        Err(_) => Content::Bytes,
    }
}

impl Entry {
    /// Where its text is.
    pub(super) fn within(&self, sources: &Sources) -> Within {
        match self.within.span == self.span {
            true => in_block(self.within, sources.text(self.span.source)),
            false => self.within,
        }
    }

    /// The entry as a file.
    pub(super) fn file(&self, object: &Object, sources: &Sources) -> Knowable<FileText> {
        let name = format!(
            "{} {}, key {}",
            object.kind,
            escape(&object.name),
            escape(&self.key)
        );
        let within = self.within(sources);
        match &self.content {
            Content::Text(content) => Knowable::Known(FileText {
                within: Some(within),
                name,
                text: content.clone(),
            }),
            Content::Invalid(why) => Knowable::unknown(format!("Kubernetes refuses {name}: {why}")),
            Content::Bytes => Knowable::unknown(format!("{name} is not UTF-8")),
            Content::Encrypted => Knowable::Unknown(encrypted(object)),
        }
    }
}

/// Why a value is not known that SOPS has encrypted.
pub(super) fn encrypted(object: &Object) -> Reason {
    let (kind, name) = (&object.kind, escape(&object.name));
    format!("it is in {kind} {name}, which SOPS has encrypted; {DECRYPT}").into()
}

/// Each line of a literal block is a line of the text around it, indented as the first one is.
pub(super) fn in_block(within: Within, text: &str) -> Within {
    // The value begins behind its header, `|` or `>`.
    let before = text[..within.span.start].trim_end();
    let Some(header) = before.rfind(['|', '>']) else {
        return within;
    };
    let Some(end) = text[header..].find('\n').map(|end| header + end + 1) else {
        return within;
    };
    if !text[header..].starts_with('|') || end > within.span.end {
        return within;
    }
    let lines = text[end..within.span.end].lines();
    let indented = lines.filter(|line| !line.trim().is_empty());
    let indent = indented.map(|line| line.len() - line.trim_start_matches(' ').len());
    // What is indented deeper than the rest of the block is a part of its text.
    Within {
        lines: indent.min().map(|indent| (end, indent)),
        ..within
    }
}

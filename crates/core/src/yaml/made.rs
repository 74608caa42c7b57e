//! Trees that are made of parts of several texts. Every node knows the text that it is in, so that a place is still the one
//! where somebody wrote it.

use std::sync::Arc;

use super::{Entry, Node, Properties, Quoting, Scalar, Style, Typed, Value, offset};
use crate::source::{SourceId, Span};

impl Node {
    /// The same tree for one of several texts, merge keys applied and aliases followed.
    pub(crate) fn placed(&self, source: SourceId) -> Arc<Self> {
        let value = match &self.target().value {
            Value::Scalar(style, scalar) => Value::Scalar(*style, scalar.clone()),
            Value::Sequence(style, items) => Value::Sequence(
                *style,
                items.iter().map(|item| item.placed(source)).collect(),
            ),
            Value::Mapping(style, _) => {
                let entries = self.fields().into_iter().map(|field| Entry {
                    key: field.key.placed(source),
                    value: field.value.placed(source),
                });
                Value::Mapping(*style, entries.collect())
            }
            // A target is no alias.
            Value::Alias(target) => Value::Alias(Arc::clone(target)),
        };
        let mut node = Self::made(self.span(source), value);
        let tag = self.target().properties.as_ref();
        let properties = node.properties.get_or_insert_default();
        properties.tag = tag.and_then(|own| own.tag.clone());
        let anchor = self.properties.as_ref();
        properties.anchor = anchor.and_then(|own| own.anchor.clone());
        Arc::new(node)
    }

    /// What an empty text is.
    pub(crate) fn nothing(source: SourceId) -> Arc<Self> {
        let span = Span {
            source,
            start: 0,
            end: 0,
        };
        Self::made_plain(span, "")
    }

    fn made(span: Span, value: Value) -> Self {
        Self {
            start: offset(span.start),
            end: offset(span.end),
            properties: Some(Box::new(Properties {
                source: Some(span.source),
                ..Properties::default()
            })),
            value,
        }
    }

    /// A text.
    pub(crate) fn made_text(span: Span, text: impl Into<String>) -> Arc<Self> {
        Self::made_scalar(span, text.into(), Quoting::Double)
    }

    /// A number or a truth value.
    pub(crate) fn made_plain(span: Span, text: impl Into<String>) -> Arc<Self> {
        Self::made_scalar(span, text.into(), Quoting::Plain)
    }

    fn made_scalar(span: Span, text: String, style: Quoting) -> Arc<Self> {
        Arc::new(Self::made(span, Value::Scalar(style, Scalar::own(text))))
    }

    /// A mapping with these keys, which are where the mapping is.
    pub(crate) fn made_mapping<'a>(
        span: Span,
        entries: impl IntoIterator<Item = (&'a str, Arc<Self>)>,
    ) -> Arc<Self> {
        let entries = entries.into_iter();
        let entries = entries.map(|(key, value)| (Self::made_text(span, key), value));
        Self::made_of(span, entries.collect())
    }

    /// A mapping of these nodes.
    pub(crate) fn made_of(span: Span, entries: Vec<(Arc<Self>, Arc<Self>)>) -> Arc<Self> {
        let entries = entries.into_iter();
        let entries = entries.map(|(key, value)| Entry { key, value });
        Arc::new(Self::made(
            span,
            Value::Mapping(Style::Flow, entries.collect()),
        ))
    }

    /// A list of these nodes.
    pub(crate) fn made_list(span: Span, items: Vec<Arc<Self>>) -> Arc<Self> {
        Arc::new(Self::made(span, Value::Sequence(Style::Flow, items.into())))
    }

    /// What Kubernetes and Helm make of a scalar. Their types are those of YAML 1.1 (docs/clearml.md#values-in-kubernetes).
    pub(crate) fn typed_as_1_1(&self) -> Option<Typed> {
        let scalar = self.scalar()?;
        let is_plain = self.quoting() == Some(Quoting::Plain) && self.target().tag().is_none();
        let word = match scalar.text() {
            "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
            "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
            _ => None,
        };
        match word.filter(|_| is_plain) {
            Some(word) => Some(Typed::Bool(word)),
            None => self.typed(),
        }
    }
}

//! What documents say, as compose has it after its tags and merge keys, with the place of every value.

use std::borrow::Cow;

use zeroize::Zeroizing;

use crate::compose::{Document, Project, Scope, volume};
use crate::source::Span;
use crate::yaml::tags::Tags;
use crate::yaml::{Node, Typed};

pub(super) struct Tree<'a> {
    pub(super) span: Span,
    pub(super) value: Value<'a>,
}

pub(super) enum Value<'a> {
    Bool(bool),
    /// A date, which compose has no use for.
    Date,
    List(Vec<Tree<'a>>),
    Map(Vec<Entry<'a>>),
    Null,
    Number {
        number: f64,
        has_point: bool,
    },
    Text(Text<'a>),
}

pub(super) struct Entry<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) at: Span,
    pub(super) value: Tree<'a>,
}

pub(super) enum Text<'a> {
    /// Put together, e.g. of a name and a value.
    Made(Zeroizing<String>),
    /// A variable in it has no value here.
    Unknown,
    /// With its variables, for a document of this scope.
    Written(&'a str, Scope),
}

impl<'a> Tree<'a> {
    /// Of a node that is not reset.
    pub(super) fn of(document: &Document, node: &'a Node) -> Self {
        let value = match node.typed() {
            Some(typed) => Value::of_scalar(node, &typed, document.scope),
            None if node.items().is_some() => {
                let items = node.seen_items();
                Value::List(items.map(|item| Self::of(document, item)).collect())
            }
            None => {
                let fields = node.fields().into_iter();
                let entries = fields.map(|field| Entry {
                    name: field.key.scalar().map_or("", |key| key.text()).into(),
                    at: field.key.span(document.source),
                    value: Self::of(document, field.value),
                });
                Value::Map(entries.collect())
            }
        };
        Self {
            span: node.span(document.source),
            value,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    pub(super) fn entries(&self) -> &[Entry<'a>] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// What a mapping has of a name.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let entry = self.entries().iter().find(|entry| entry.name == name)?;
        Some(&entry.value)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Self> {
        let Value::Map(entries) = &mut self.value else {
            return None;
        };
        let entry = entries.iter_mut().find(|entry| entry.name == name)?;
        Some(&mut entry.value)
    }

    /// The text of a text.
    pub(super) fn text(&self, project: &Project) -> Option<Cow<'_, str>> {
        match &self.value {
            Value::Text(text) => text.told(project),
            _ => None,
        }
    }

    /// Whether variables are in a text, whose values nobody is shown.
    pub(super) fn has_variables(&self) -> bool {
        match &self.value {
            Value::Text(Text::Made(_) | Text::Unknown) => true,
            Value::Text(Text::Written(text, _)) => text.contains('$'),
            _ => false,
        }
    }

    /// Takes away what a document's tags take from the files before. `path` leads to the tree.
    pub(super) fn clear(&mut self, tags: &Tags, path: &mut Vec<String>) {
        let Value::Map(entries) = &mut self.value else {
            return;
        };
        entries.retain_mut(|entry| {
            path.push(entry.name.to_string());
            let keys: Vec<&str> = path.iter().map(String::as_str).collect();
            let is_left = tags.at(&keys).is_none();
            if is_left {
                entry.value.clear(tags, path);
            }
            path.pop();
            is_left
        });
    }
}

impl<'a> Value<'a> {
    fn of_scalar(node: &'a Node, typed: &Typed, scope: Scope) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            reason = "bounds are small, and what is larger stays larger"
        )]
        match typed {
            Typed::Bool(value) => Self::Bool(*value),
            Typed::Float(number) => Self::Number {
                number: *number,
                has_point: true,
            },
            Typed::Integer(number) => Self::Number {
                number: *number as f64,
                has_point: false,
            },
            Typed::Null => Self::Null,
            Typed::Binary | Typed::Text => {
                let text = node.scalar().map_or("", |scalar| scalar.text());
                Self::Text(Text::Written(text, scope))
            }
            Typed::Timestamp(_) => Self::Date,
        }
    }
}

impl Text<'_> {
    /// With its variables replaced; none where the shell may have one of them.
    pub(super) fn told(&self, project: &Project) -> Option<Cow<'_, str>> {
        match self {
            Self::Made(text) => Some(Cow::Borrowed(text)),
            Self::Unknown => None,
            Self::Written(text, _) if !text.contains('$') => Some(Cow::Borrowed(text)),
            Self::Written(text, scope) => {
                let told = volume::told_text(project, *scope, text);
                told.into_known().map(Cow::Owned)
            }
        }
    }
}

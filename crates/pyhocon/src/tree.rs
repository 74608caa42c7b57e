//! What a text means: the tree that the rest of this crate works with.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::key;
use super::map::Map;
use crate::wiped::WipedText;

/// What the server gets for one key.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// A list.
    Array(Vec<Node>),
    /// A boolean.
    Boolean(bool),
    /// A number with a point or an exponent, or one of over 4300 digits. It may be infinite.
    Float(f64),
    /// `include` in place of a value: an object of pyhocon that no setting can use.
    Include,
    /// A whole number of any size, in the digits of Python. An all-digit secret is one, so it is held as one.
    Integer(WipedText),
    /// `null`.
    Null,
    /// Keys and values.
    Object(Object),
    /// A span of time.
    Period {
        /// Python's `str()` of it, such as `relativedelta(days=+6)`.
        shown: WipedText,
    },
    /// Text. Where Python would write a memory address into it, it has `0x?`
    /// (see [the module](super#known-differences)).
    String(WipedText),
}

/// A value and where it stands.
#[derive(Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// The bytes it was written in. What an `include` brought has the bytes of the `include`.
    pub span: Range<usize>,
    /// A number of the caller's choice that says which text it stands in: see [`Object::mark`].
    pub source: u32,
}

/// Keys and values, in the order in which the keys were first set.
///
/// A key that has one of the characters ``$}[]:=+#`^?!@*&.`` in it stands here in its quotes, as in pyhocon.
#[derive(Clone, Default)]
pub struct Object {
    entries: Map<Node>,
}

/// Merges `over` into `base`: objects key by key, anything else replaces.
///
/// With `replacing`, as the apiserver merges: a key that starts with `-` replaces the key without the dash
/// and is not merged. Where `base` has no such object, the dash stays until a later merge meets it. The
/// fileserver merges as pyhocon does, without `replacing`.
pub fn merge(base: &mut Object, over: Object, replacing: bool) {
    for (key, node) in over.entries.into_entries() {
        if let Some(plain) = key.strip_prefix('-').filter(|_| replacing) {
            base.entries.insert(Arc::from(plain), node);
            continue;
        }
        let span = node.span.clone();
        match (base.entries.get_mut(&key), node.value) {
            (
                Some(Node {
                    value: Value::Object(base),
                    ..
                }),
                Value::Object(over),
            ) => merge(base, over, replacing),
            (_, value) => {
                let source = node.source;
                base.entries.insert(
                    key,
                    Node {
                        value,
                        span,
                        source,
                    },
                );
            }
        }
    }
}

impl Object {
    /// The node at a path such as `secure.auth.token_secret`. A step with a dot in it stands in quotes.
    pub fn get(&self, path: &str) -> Option<&Node> {
        let steps = key::split(path);
        let (last, above) = steps.split_last()?;
        let mut object = self;
        for step in above {
            match &object.entries.get(step)?.value {
                Value::Object(below) => object = below,
                _ => return None,
            }
        }
        object.entries.get(last)
    }

    /// The node of one key, taken as it is.
    pub fn get_key(&self, key: &str) -> Option<&Node> {
        self.entries.get(key)
    }

    /// Sets the node at a path, replacing what is there and making the objects on the way.
    pub fn insert(&mut self, path: &str, node: Node) {
        let mut steps = key::split(path);
        let Some(last) = steps.pop() else {
            return;
        };
        let mut object = self;
        for step in steps {
            let below = object.object_at(step, &node);
            object = below;
        }
        object.entries.insert(last, node);
    }

    /// Sets a text at a path, with an empty span.
    pub fn insert_text(&mut self, path: &str, text: &str) {
        let value = Value::String(WipedText::from(text));
        self.insert(path, Node::new(value, 0..0));
    }

    /// The object at a key, made where there is none.
    fn object_at(&mut self, key: Arc<str>, like: &Node) -> &mut Self {
        let is_object = self
            .get_key(&key)
            .is_some_and(|node| matches!(node.value, Value::Object(_)));
        if !is_object {
            let node = Node {
                value: Value::Object(Self::default()),
                span: like.span.clone(),
                source: like.source,
            };
            self.entries.insert(key.clone(), node);
        }
        match self.entries.get_mut(&key).map(|node| &mut node.value) {
            Some(Value::Object(object)) => object,
            _ => unreachable!("it was made above"),
        }
    }

    /// This object as the value at a path: `services.auth` makes `{services: {auth: …}}`.
    #[must_use]
    pub fn below(self, path: &str) -> Self {
        let mut outer = Self::default();
        outer.insert(path, Node::new(Value::Object(self), 0..0));
        outer
    }

    /// Removes one key, taken as it is.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        self.entries.remove(key)
    }

    /// Keys and nodes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.entries.iter().map(|(key, node)| (&**key, node))
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Says of every node below which text it stands in.
    pub fn mark(&mut self, source: u32) {
        for (_, node) in self.entries.iter_mut() {
            node.mark(source);
        }
    }

    /// Makes spans relative to a part of the text.
    pub(super) fn shift(&mut self, by: usize, length: usize) {
        for (_, node) in self.entries.iter_mut() {
            node.shift(by, length);
        }
    }

    pub(super) fn insert_key(&mut self, key: Arc<str>, node: Node) {
        self.entries.insert(key, node);
    }
}

impl PartialEq for Object {
    /// The order of the keys counts.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Node {
    /// A node of the text number 0.
    pub fn new(value: Value, span: Range<usize>) -> Self {
        Self {
            value,
            span,
            source: 0,
        }
    }

    fn shift(&mut self, by: usize, length: usize) {
        let shifted = |offset: usize| offset.saturating_sub(by).min(length);
        self.span = shifted(self.span.start)..shifted(self.span.end);
        match &mut self.value {
            Value::Object(object) => object.shift(by, length),
            Value::Array(nodes) => nodes.iter_mut().for_each(|node| node.shift(by, length)),
            _ => {}
        }
    }

    fn mark(&mut self, source: u32) {
        self.source = source;
        match &mut self.value {
            Value::Object(object) => object.mark(source),
            Value::Array(nodes) => nodes.iter_mut().for_each(|node| node.mark(source)),
            _ => {}
        }
    }
}

impl Value {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&WipedText> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Whether Python takes it for true.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Array(nodes) => !nodes.is_empty(),
            Self::Boolean(value) => *value,
            Self::Float(value) => *value != 0.0,
            Self::Integer(digits) => digits
                .expose()
                .bytes()
                .any(|digit| matches!(digit, b'1'..=b'9')),
            Self::Null => false,
            Self::Object(object) => !object.is_empty(),
            Self::Include | Self::Period { .. } => true,
            Self::String(text) => !text.is_empty(),
        }
    }

    /// What it is, in words: "an integer".
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Array(_) => "a list",
            Self::Boolean(_) => "a boolean",
            Self::Float(_) => "a number",
            Self::Include => "an include",
            Self::Integer(_) => "an integer",
            Self::Null => "null",
            Self::Object(_) => "an object",
            Self::Period { .. } => "a period of time",
            Self::String(text) if text.is_empty() => "an empty text",
            Self::String(_) => "a text",
        }
    }
}

impl fmt::Debug for Value {
    /// The kind only: a number may be a secret as well as a text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Array(nodes) => f.debug_list().entries(nodes).finish(),
            Self::Object(object) => object.fmt(f),
            other => f.write_str(other.kind()),
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(settings: &[(&str, &str)]) -> Object {
        let mut object = Object::default();
        for (path, text) in settings {
            object.insert_text(path, text);
        }
        object
    }

    fn text<'a>(object: &'a Object, path: &str) -> Option<&'a str> {
        object.get(path)?.value.as_text().map(WipedText::expose)
    }

    #[test]
    fn objects_merge_and_the_rest_replaces() {
        let mut base = tree(&[("a.b", "1"), ("a.c", "2"), ("d", "3")]);
        merge(&mut base, tree(&[("a.c", "4"), ("d.e", "5")]), false);
        assert_eq!(text(&base, "a.b"), Some("1"));
        assert_eq!(text(&base, "a.c"), Some("4"));
        assert_eq!(text(&base, "d.e"), Some("5"));
        assert_eq!(text(&base, "d"), None);
    }

    #[test]
    fn a_dash_replaces_below_the_top_only() {
        // docs/clearml.md#a-dash-replaces.
        let defaults = || {
            tree(&[
                ("secure.credentials.tests.user_key", "k"),
                ("secure.auth.x", "y"),
            ])
        };
        let over = || tree(&[("secure.-credentials.mine.user_key", "m")]);
        let mut environment = Object::default();
        merge(&mut environment, over(), true);
        assert_eq!(
            text(&environment, "secure.-credentials.mine.user_key"),
            Some("m")
        );
        let mut apiserver = defaults();
        merge(&mut apiserver, environment, true);
        assert_eq!(
            text(&apiserver, "secure.credentials.mine.user_key"),
            Some("m")
        );
        assert_eq!(text(&apiserver, "secure.credentials.tests.user_key"), None);
        assert_eq!(text(&apiserver, "secure.auth.x"), Some("y"));
        let mut fileserver = defaults();
        merge(&mut fileserver, over(), false);
        assert_eq!(
            text(&fileserver, "secure.credentials.tests.user_key"),
            Some("k")
        );

        let mut environment = Object::default();
        merge(&mut environment, tree(&[("-secure.auth.x", "z")]), true);
        let mut top = defaults();
        merge(&mut top, environment, true);
        assert_eq!(text(&top, "secure.auth.x"), Some("z"));
        assert_eq!(text(&top, "secure.credentials.tests.user_key"), Some("k"));
    }

    #[test]
    fn debug_shows_no_value() {
        let object = tree(&[("a.b", "MARK-ME")]);
        assert_eq!(format!("{object:?}"), r#"{"a": {"b": a text}}"#);
    }

    #[test]
    fn below_and_mark() {
        let mut object = tree(&[("x", "1")]).below("services.auth");
        object.mark(7);
        let node = object.get("services.auth.x").unwrap();
        assert_eq!(node.source, 7);
        assert_eq!(object.len(), 1);
        assert!(object.remove("services").is_some() && object.is_empty());
    }
}

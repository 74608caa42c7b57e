//! What a text means: the tree that the rest of this crate works with.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::key;
use crate::map::Map;
use crate::wiped::WipedText;

/// What a program gets for one key.
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
        /// Whether it is no time at all, such as `0s`.
        is_zero: bool,
        /// Python's `str()` of it, such as `relativedelta(days=+6)`.
        shown: WipedText,
    },
    /// Text. Where Python would write a memory address into it, it has `0x?`
    /// (see [the crate](crate#known-differences)).
    String(WipedText),
    /// Anything, also nothing: it is made with a variable or a file that is not known here. The reason, as the
    /// [`Context`](crate::Context) gave it. In a list it is any number of items.
    Unknown(Arc<str>),
}

/// A value and where it stands.
#[derive(Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// The bytes it was written in. What an `include` brought has the bytes of the `include`.
    pub span: Range<usize>,
    /// Which text it was written in: see [`Object::mark`].
    pub tag: Tag,
    /// Where an `include` found it, in a text that has a tag of its own.
    pub written: Option<Box<Written>>,
}

/// A place in a text that an `include` brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Which text: that of [`Included::Known`](crate::Included::Known).
    pub tag: Tag,
    /// The bytes in it.
    pub span: Range<usize>,
}

/// A number whose meaning is the caller's. Nodes have it, so that it can be told after a [`merge`] which text each came
/// from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(pub u32);

/// Keys and values, in the order in which the keys were first set.
///
/// A key that has one of the characters ``$}[]:=+#`^?!@*&.`` in it stands here in its quotes, as in pyhocon.
#[derive(Clone, Default)]
pub struct Object {
    entries: Map<Node>,
    /// What all other keys are, where that is not known.
    rest: Option<Box<Node>>,
    /// The keys that several objects have which are side by side; and whether a substitution put one there.
    repeated: Box<[(Arc<str>, bool)]>,
}

/// Merges `over` into `base`: objects key by key, anything else replaces.
///
/// With `replacing`, as ClearML's API server merges: a key that starts with `-` replaces the key without the dash
/// and is not merged. Where `base` has no such object, the dash stays until a later merge meets it. Without it, as
/// pyhocon merges.
///
/// What is not known stays so: below a value that is not known, only what `over` sets is known.
pub fn merge(base: &mut Object, over: Object, replacing: bool) {
    if let Some(rest) = over.rest {
        base.cover(&rest);
    }
    for (key, node) in over.entries.into_entries() {
        match key.strip_prefix('-').filter(|_| replacing) {
            Some(plain) => drop(base.entries.insert(Arc::from(plain), node)),
            None => base.merge_key(key, node, replacing),
        }
    }
}

impl Object {
    /// One that has this many keys at first.
    pub(super) fn with_room_for(count: usize) -> Self {
        Self {
            entries: Map::with_room_for(count),
            ..Self::default()
        }
    }

    /// The node at a path such as `secure.auth.token_secret`. A step with a dot in it stands in quotes.
    ///
    /// Below what is not known, every path has a node: [`Value::Unknown`].
    pub fn get(&self, path: &str) -> Option<&Node> {
        let mut steps = key::steps(path);
        let mut node = self.get_key(steps.next()?)?;
        for step in steps {
            node = match &node.value {
                Value::Object(below) => below.get_key(step)?,
                Value::Unknown(_) => return Some(node),
                _ => return None,
            };
        }
        Some(node)
    }

    /// What is above a path and no object, so that the path cannot be there.
    pub fn in_the_way(&self, path: &str) -> Option<&Node> {
        let mut steps = key::steps(path).peekable();
        let mut object = self;
        while let (Some(step), Some(_)) = (steps.next(), steps.peek()) {
            let node = object.get_key(step)?;
            match &node.value {
                Value::Object(below) => object = below,
                _ => return Some(node),
            }
        }
        None
    }

    /// The node of one key, taken as it is: [`Self::rest`] where it is no entry.
    pub fn get_key(&self, key: &str) -> Option<&Node> {
        self.entries.get(key).or(self.rest())
    }

    /// What every key is that [`Self::iter`] does not give: nothing, or [`Value::Unknown`].
    pub fn rest(&self) -> Option<&Node> {
        self.rest.as_deref()
    }

    /// The keys that several objects had which were written side by side, as `{a: 1} {a: 2}`: pyhocon joins them to this one, and
    /// the last one's value counts. In a list a comma is missing between them.
    pub fn repeated(&self) -> impl Iterator<Item = &str> {
        let written = self.repeated.iter().filter(|(_, is_put)| !is_put);
        written.map(|(key, _)| &**key)
    }

    /// The keys that such an object and one beside it had which a substitution put there, as `${base} {a: 2}`. Whether the one was
    /// meant to take over what the other has, the keys tell.
    pub fn taken_over(&self) -> impl Iterator<Item = &str> {
        let put = self.repeated.iter().filter(|(_, is_put)| *is_put);
        put.map(|(key, _)| &**key)
    }

    pub(super) fn set_repeated(&mut self, keys: &[(Arc<str>, bool)]) {
        self.repeated = keys.into();
    }

    /// Makes every value unknown, in all objects below.
    pub fn obscure(&mut self, reason: &str) {
        for (_, node) in self.entries.iter_mut() {
            match &mut node.value {
                Value::Object(object) => object.obscure(reason),
                value => *value = Value::Unknown(Arc::from(reason)),
            }
        }
    }

    /// Something unknown is merged over this: every entry may be another one, and any key may be added.
    fn cover(&mut self, unknown: &Node) {
        for (_, node) in self.entries.iter_mut() {
            match &mut node.value {
                Value::Object(object) => object.cover(unknown),
                _ => *node = unknown.clone(),
            }
        }
        self.rest = Some(Box::new(unknown.clone()));
    }

    /// This is merged over something unknown: what it does not set may be there already.
    pub(crate) fn open(&mut self, unknown: Node) {
        for (_, node) in self.entries.iter_mut() {
            if let Value::Object(object) = &mut node.value {
                object.open(unknown.clone());
            }
        }
        self.rest.get_or_insert(Box::new(unknown));
    }

    fn merge_key(&mut self, key: Arc<str>, mut node: Node, replacing: bool) {
        if let Value::Object(over) = &mut node.value {
            if let Some(Value::Object(base)) = self.entries.get_mut(&key).map(|old| &mut old.value)
            {
                return merge(base, std::mem::take(over), replacing);
            }
            let old = self.get_key(&key);
            if let Some(old) = old.filter(|old| matches!(old.value, Value::Unknown(_))) {
                over.open(old.clone());
            }
        }
        self.entries.insert(key, node);
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
            .entries
            .get(&key)
            .is_some_and(|node| matches!(node.value, Value::Object(_)));
        if !is_object {
            let node = Node {
                value: Value::Object(Self::default()),
                span: like.span.clone(),
                tag: like.tag,
                written: like.written.clone(),
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

    /// Keys and nodes, as far as they are known.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.entries.iter().map(|(key, node)| (&**key, node))
    }

    /// All that is no object, in this and in those below: values, and what is not known.
    pub fn leaves(&self) -> Vec<&Node> {
        let mut found = Vec::new();
        let mut open = vec![self];
        while let Some(object) = open.pop() {
            for node in object
                .entries
                .iter()
                .map(|(_, node)| node)
                .chain(object.rest())
            {
                match &node.value {
                    Value::Object(below) => open.push(below),
                    _ => found.push(node),
                }
            }
        }
        found
    }

    /// How many keys are known.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key, and can be none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.rest.is_none()
    }

    /// Says of every node below which text it was written in.
    pub fn mark(&mut self, tag: Tag) {
        self.nodes_mut().for_each(|node| node.mark(tag));
    }

    fn nodes_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        let entries = self.entries.iter_mut().map(|(_, node)| node);
        entries.chain(self.rest.as_deref_mut())
    }

    /// Makes spans relative to a part of the text.
    pub(super) fn shift(&mut self, by: usize, length: usize) {
        self.nodes_mut().for_each(|node| node.shift(by, length));
    }

    pub(super) fn insert_key(&mut self, key: Arc<str>, node: Node) {
        self.entries.insert(key, node);
    }
}

impl PartialEq for Object {
    /// The order of the keys counts.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter()) && self.rest == other.rest
    }
}

impl Node {
    /// A node that no text is said of yet.
    pub fn new(value: Value, span: Range<usize>) -> Self {
        Self {
            value,
            span,
            tag: Tag::default(),
            written: None,
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

    fn mark(&mut self, tag: Tag) {
        self.tag = tag;
        match &mut self.value {
            Value::Object(object) => object.mark(tag),
            Value::Array(nodes) => nodes.iter_mut().for_each(|node| node.mark(tag)),
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

    /// Whether Python takes it for true, as `bool(value)` says. None where that is not known.
    ///
    /// Any text but the empty one is true, `no` and `"false"` as well. A zero period such as `0s` is false.
    pub fn truth(&self) -> Option<bool> {
        match self {
            Self::Array(nodes) => truth_of_any(nodes.iter()),
            Self::Boolean(value) => Some(*value),
            Self::Float(value) => Some(*value != 0.0),
            Self::Include => Some(true),
            Self::Integer(digits) => Some(digits.expose() != "0"),
            Self::Null => Some(false),
            Self::Object(object) => {
                let nodes = object.iter().map(|(_, node)| node);
                truth_of_any(nodes.chain(object.rest()))
            }
            Self::Period { is_zero, .. } => Some(!is_zero),
            Self::String(text) => Some(!text.is_empty()),
            Self::Unknown(_) => None,
        }
    }

    /// Why part of it is not known, or all of it.
    pub fn unknown(&self) -> Option<&str> {
        match self {
            Self::Array(nodes) => nodes.iter().find_map(|node| node.value.unknown()),
            Self::Object(object) => {
                let nodes = object.iter().map(|(_, node)| node);
                let mut nodes = nodes.chain(object.rest());
                nodes.find_map(|node| node.value.unknown())
            }
            Self::Unknown(reason) => Some(reason),
            _ => None,
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
            Self::Unknown(_) => "not known",
        }
    }
}

/// Whether a list or an object with these in it is true. What is not known may be nothing.
fn truth_of_any<'a>(mut nodes: impl Iterator<Item = &'a Node>) -> Option<bool> {
    let mut is_empty = true;
    let is_there = nodes.any(|node| {
        is_empty = false;
        !matches!(node.value, Value::Unknown(_))
    });
    (is_there || is_empty).then_some(is_there)
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
    fn a_dash_replaces_what_only_the_image_has() {
        let mut image = tree(&[("services.auth.fixed_users.guest.enabled", "no")]);
        let path = "services.auth.fixed_users.guest.-enabled";
        merge(&mut image, tree(&[(path, "yes")]), true);
        let enabled = text(&image, "services.auth.fixed_users.guest.enabled");
        assert_eq!(enabled, Some("yes"));
        assert!(image.get(path).is_none());
    }

    #[test]
    fn what_is_not_known_stays_so_below_it() {
        let is_unknown = |object: &Object, path: &str| {
            let node = object.get(path);
            node.is_some_and(|node| matches!(node.value, Value::Unknown(_)))
        };
        let mut unknown = tree(&[("a", "x")]);
        unknown.obscure("why");
        let mut base = tree(&[("a.b", "1"), ("c", "2")]);
        merge(&mut base, unknown, false);
        assert!(is_unknown(&base, "a") && is_unknown(&base, "a.b.c"));
        assert_eq!(text(&base, "c"), Some("2"));
        // An object over it: only its own keys are known.
        merge(&mut base, tree(&[("a.d.e", "3")]), false);
        assert_eq!(text(&base, "a.d.e"), Some("3"));
        assert!(is_unknown(&base, "a.b") && is_unknown(&base, "a.d.f"));
        assert!(!is_unknown(&base, "f"));
        // Such an object over one that is known: what it may have set is not known any more.
        let mut known = tree(&[("a.d.e", "4"), ("a.b", "5"), ("c", "6")]);
        merge(&mut known, base, false);
        assert_eq!(text(&known, "a.d.e"), Some("3"));
        assert!(is_unknown(&known, "a.b") && text(&known, "c") == Some("2"));
        // A text over it is known.
        merge(&mut known, tree(&[("a", "7")]), false);
        assert_eq!(text(&known, "a"), Some("7"));
        assert!(known.get("a.b").is_none());
    }

    #[test]
    fn debug_shows_no_value() {
        let object = tree(&[("a.b", "MARK-ME")]);
        assert_eq!(format!("{object:?}"), r#"{"a": {"b": a text}}"#);
    }

    #[test]
    fn below_and_mark() {
        let mut object = tree(&[("x", "1")]).below("services.auth");
        object.mark(Tag(7));
        let node = object.get("services.auth.x").unwrap();
        assert_eq!(node.tag, Tag(7));
        assert_eq!(object.len(), 1);
        assert!(object.remove("services").is_some() && object.is_empty());
    }
}

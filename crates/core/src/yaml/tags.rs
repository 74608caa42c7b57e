//! Docker Compose's own tags, `!reset` and `!override`. Before it reads a document, compose goes through it, takes out what is
//! `!reset`, and notes the path of each tag: there it takes away what the files before say. It follows aliases, and so comes to a
//! node by several paths; but what it has taken out of a shared node is gone at the next. Below a tag it does not look.
//!
//! Paths are texts with dots between their keys, as compose has them; what it makes of them is so, too, e.g. that `<<` is cut out
//! of them.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::{Clears, Node, Scalar, Value};

/// The bytes that the paths of a document may have together. Only who wants somebody to work has more.
const BOUND: usize = 16 << 20;
/// The nodes around one that aliases may bring.
const DEPTH: usize = 1000;

/// Where a document takes away what those before it say.
#[derive(Default)]
pub struct Tags {
    paths: HashMap<String, Cleared>,
    /// Those in which a key is `*`, which is every key.
    patterns: Vec<String>,
}

/// What takes something away.
#[derive(Clone, Debug)]
pub struct Cleared {
    /// The key, in the document's text.
    pub key: Range<usize>,
    /// The value, with its tag.
    pub value: Range<usize>,
    /// The tag.
    pub tag: Clears,
}

/// What compose does not read, and at which byte.
pub type Refused = (usize, &'static str);

impl Tags {
    /// Goes through a document as compose does.
    ///
    /// # Errors
    /// Aliases that compose takes for a circle, and paths that are too long to be meant.
    pub fn of(root: &Arc<Node>) -> Result<Self, Refused> {
        let mut walk = Walk::default();
        if has_any(root) {
            walk.node(root, root, String::new(), 0)?;
        }
        let tags = walk.tags;
        Ok(tags)
    }

    /// Whether it takes nothing.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// What takes away what the documents before say at a path.
    pub fn at(&self, path: &[&str]) -> Option<&Cleared> {
        if self.paths.is_empty() {
            return None;
        }
        let path = path.join(".");
        self.paths.get(&path).or_else(|| {
            let pattern = self.patterns.iter().find(|one| matches(one, &path))?;
            self.paths.get(pattern)
        })
    }

    /// The paths below one, in order.
    pub fn below(&self, path: &[&str]) -> Vec<&str> {
        let around: String = path.iter().flat_map(|key| [key, "."]).collect();
        let paths = self.paths.keys();
        let mut found: Vec<&str> = { paths }
            .filter_map(|one| one.strip_prefix(&*around))
            .collect();
        found.sort_unstable();
        found
    }
}

/// Whether a path has the keys of a pattern.
fn matches(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('.'), path.split('.'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(wanted), Some(key)) if wanted == "*" || wanted == key => {}
            _ => return false,
        }
    }
}

/// Whether anything in a document has one of the tags, or an alias.
fn has_any(node: &Node) -> bool {
    tag(node).is_some()
        || match &node.value {
            Value::Alias(_) => true,
            Value::Scalar(..) => false,
            Value::Mapping(_, entries) => entries.iter().any(|entry| has_any(&entry.value)),
            Value::Sequence(_, items) => items.iter().any(|item| has_any(item)),
        }
}

fn tag(node: &Node) -> Option<Clears> {
    match node.tag()? {
        "!reset" => Some(Clears::All),
        "!override" => Some(Clears::Before),
        _ => None,
    }
}

#[derive(Default)]
struct Walk {
    tags: Tags,
    /// The bytes of all paths.
    length: usize,
    /// By which paths aliases lead to a node, and what is around these.
    aliased: HashMap<*const Node, Reached>,
    /// Aliases that were gone through.
    replaced: HashSet<*const Node>,
    /// Nodes that were gone through and in which nothing is left that has a tag.
    settled: HashSet<*const Node>,
}

#[derive(Default)]
struct Reached {
    paths: HashSet<String>,
    around: HashSet<String>,
}

impl Walk {
    /// Goes through a node whose key is another one. Whether a tag is left in it.
    fn node(
        &mut self,
        key: &Node,
        node: &Node,
        mut path: String,
        depth: usize,
    ) -> Result<bool, Refused> {
        if let Some(at) = path.find(".<<") {
            path.replace_range(at..at + 3, "");
        }
        let target = node.target();
        if let Value::Alias(_) = node.value {
            self.alias(node, &path)?;
        }
        if let Some(tag) = tag(target) {
            self.note(key, node, path, tag)?;
            if let (Clears::All, Some(own)) = (tag, &node.properties) {
                own.is_taken.store(true, Relaxed);
            }
            return Ok(tag == Clears::Before);
        }
        if self.settled.contains(&std::ptr::from_ref(target)) {
            return Ok(false);
        }
        if depth > DEPTH {
            return Err((node.range().start, "aliases nest it too deep"));
        }
        let next = |key: &str| match path.is_empty() {
            true => key.to_owned(),
            false => format!("{path}.{key}"),
        };
        let mut is_any_left = false;
        match &target.value {
            Value::Sequence(_, items) => {
                let left = items.iter().filter(|item| !item.is_taken());
                for (number, item) in left.enumerate() {
                    is_any_left |= self.node(item, item, next(&number.to_string()), depth + 1)?;
                }
            }
            Value::Mapping(_, entries) => {
                for entry in entries.iter().filter(|entry| !entry.value.is_taken()) {
                    let name = entry.key.scalar().map_or("", Scalar::text);
                    is_any_left |= self.node(&entry.key, &entry.value, next(name), depth + 1)?;
                }
            }
            Value::Scalar(..) | Value::Alias(_) => {}
        }
        if !is_any_left {
            self.settled.insert(std::ptr::from_ref(target));
        }
        Ok(is_any_left)
    }

    /// Compose takes it for a circle where aliases lead to one node at a path and below it.
    fn alias(&mut self, alias: &Node, path: &str) -> Result<(), Refused> {
        // Where compose was before, what it means is in its place.
        if !self.replaced.insert(std::ptr::from_ref(alias)) {
            return Ok(());
        }
        let reached = self.aliased.entry(std::ptr::from_ref(alias.target()));
        let reached = reached.or_default();
        if path.contains("<<") || reached.paths.contains(path) {
            return Ok(());
        }
        let dots = path.match_indices('.').map(|(at, _)| &path[..at]);
        let is_within = dots.clone().any(|around| reached.paths.contains(around));
        if is_within || reached.around.contains(path) {
            let message = "docker compose takes this alias for a circle: what it means is also around it, or below it, by another alias";
            return Err((alias.range().start, message));
        }
        let dots: Vec<String> = dots.map(str::to_owned).collect();
        self.length += path.len() + dots.iter().map(String::len).sum::<usize>();
        reached.around.extend(dots);
        reached.paths.insert(path.to_owned());
        self.bounded(alias)
    }

    fn note(&mut self, key: &Node, node: &Node, path: String, tag: Clears) -> Result<(), Refused> {
        self.length += path.len();
        self.bounded(node)?;
        if path.split('.').any(|key| key == "*") {
            self.tags.patterns.push(path.clone());
        }
        self.tags.paths.entry(path).or_insert_with(|| Cleared {
            key: key.range(),
            value: node.start_with_properties()..node.range().end,
            tag,
        });
        Ok(())
    }

    fn bounded(&self, node: &Node) -> Result<(), Refused> {
        match self.length > BOUND {
            true => Err((
                node.range().start,
                "its aliases bring tags to too many places",
            )),
            false => Ok(()),
        }
    }
}

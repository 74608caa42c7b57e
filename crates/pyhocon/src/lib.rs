//! HOCON as pyhocon 0.3.63 reads it.
#![warn(missing_docs)]

mod grammar;
mod graph;
mod key;
mod map;
mod number;
mod outline;
mod period;
mod reading;
mod resolve;
mod scan;
mod text;
mod tree;
mod wiped;

use std::fmt;

use graph::{Graph, Item, Placed, TreeId};
pub use outline::{Entry, Form, Outline};
pub use reading::{Becomes, Change, Reading, is_unchanged, reading, reading_in, reads_as};
use text::Expanded;
pub use tree::{Node, Object, Value, merge};
pub use wiped::WipedText;

/// Looks up a name: the environment of a server, or the files around a file.
type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The largest text that is parsed, in bytes.
const LIMIT: usize = 64 << 20;

/// What a text may refer to beyond itself.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The value of a variable of the server's environment, for `${NAME}`: it is taken as it is.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// The text of a file, for `include`. The name is relative to the text that is parsed, also within an
    /// included file. `None`: it cannot be read, which pyhocon passes over unless it is `required`.
    pub include: &'a dyn Fn(&str) -> Option<String>,
}

impl Context<'static> {
    /// No variables and no files.
    pub const EMPTY: Self = Self {
        environment: &|_| None,
        include: &|_| None,
    };
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Context")
    }
}

/// Why pyhocon throws, which keeps the server from starting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Byte offset in the text. What is wrong in an included file has the offset of the `include`.
    pub offset: usize,
    /// What is wrong. It holds no text of the file.
    pub message: String,
    /// What kind of fault it is.
    pub cause: Cause,
}

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// An include that pyhocon cannot follow, or one that is not followed here.
    Include,
    /// An empty key.
    Key,
    /// A number or a period of time beyond Python's bounds.
    Number,
    /// The text is a list at the top, which is no configuration.
    RootList,
    /// A character or word where none such can stand.
    Syntax,
    /// Nested too deep.
    TooDeep,
    /// A text of over 64 MiB, or substitutions that make too much of it.
    TooLarge,
    /// Values that cannot be joined: a text and an object, for instance.
    Type,
    /// A substitution of something that is not there, or of itself.
    UnresolvedSubstitution,
}

/// An error before it has its message allocated.
#[derive(Debug)]
struct Fault {
    cause: Cause,
    message: &'static str,
    offset: usize,
}

/// Parses a `.conf` file, as `ConfigFactory.parse_file` does.
///
/// # Errors
/// Where pyhocon throws.
pub fn parse(text: &str, context: &Context<'_>) -> Result<Object, Error> {
    parse_parts(&[text], context)
}

/// Parses the value of an environment variable, as the servers do: `parse_string(f"{path}: {value}")`.
///
/// Spans and the error's offset are relative to `value`.
///
/// # Errors
/// Where pyhocon throws.
pub fn parse_variable(path: &str, value: &str, context: &Context<'_>) -> Result<Object, Error> {
    let prefix = path.len() + 2;
    let mut object = parse_parts(&[path, ": ", value], context).map_err(|error| Error {
        offset: error.offset.saturating_sub(prefix).min(value.len()),
        ..error
    })?;
    object.shift(prefix, value.len());
    Ok(object)
}

/// Where every entry of a `.conf` file stands. What it includes is not looked into.
///
/// # Errors
/// Where pyhocon's grammar does not take the text.
pub fn outline(text: &str) -> Result<Outline, Error> {
    let mut outline = Outline::default();
    let parsed = if text.len() > LIMIT {
        Err(Fault::new(Cause::TooLarge, "over 64 MiB", 0))
    } else {
        let surroundings = grammar::Surroundings {
            context: &Context::EMPTY,
            folder: "",
            calls: 0,
            anchor: None,
        };
        let mut graph = Graph::new(false);
        grammar::parse(
            &mut graph,
            &Expanded::new(&[text]),
            surroundings,
            Some(&mut outline),
        )
    };
    match parsed {
        Ok(_) => {
            // What is below a key was noted before the key.
            outline.entries.sort_by_key(|entry| entry.at);
            Ok(outline)
        }
        Err(fault) => Err(Error {
            offset: fault.offset.min(text.len()),
            message: fault.message.to_owned(),
            cause: fault.cause,
        }),
    }
}

fn parse_parts(parts: &[&str], context: &Context<'_>) -> Result<Object, Error> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let tree = if length > LIMIT {
        Err(Fault::new(Cause::TooLarge, "over 64 MiB", 0))
    } else {
        read(&Expanded::new(parts), context)
    };
    tree.map_err(|fault| Error {
        offset: fault.offset.min(length),
        message: fault.message.to_owned(),
        cause: fault.cause,
    })
}

fn read(expanded: &Expanded, context: &Context<'_>) -> Result<Object, Fault> {
    let text = expanded.text();
    // Without these, what pyhocon remembers while it parses cannot be seen in the result.
    let is_exact = text.contains("${") || text.contains("+=") || has_include(text);
    let mut graph = Graph::new(is_exact);
    let surroundings = grammar::Surroundings {
        context,
        folder: "",
        calls: 0,
        anchor: None,
    };
    match grammar::parse(&mut graph, expanded, surroundings, None)? {
        grammar::Root::List(_) => Err(Fault::new(
            Cause::RootList,
            "a list, not keys and values",
            0,
        )),
        grammar::Root::Tree(root) => {
            resolve::resolve(&mut graph, root, context.environment)?;
            export_tree(&graph, root, 0)
        }
    }
}

fn has_include(text: &str) -> bool {
    text.as_bytes()
        .windows(4)
        .any(|window| window.eq_ignore_ascii_case(b"nclu"))
}

fn export_tree(graph: &Graph, tree: TreeId, depth: usize) -> Result<Object, Fault> {
    let mut object = Object::default();
    for (key, placed) in graph.tree(tree).entries.iter() {
        object.insert_key(key.clone(), export(graph, placed, depth + 1)?);
    }
    Ok(object)
}

fn export(graph: &Graph, placed: &Placed, depth: usize) -> Result<Node, Fault> {
    if depth > graph::WALK_DEPTH {
        return Err(Fault::too_deep(placed.start));
    }
    let value = match &placed.item {
        Item::Boolean(value) => Value::Boolean(*value),
        Item::Float(value) => Value::Float(*value),
        Item::Include(_) => Value::Include,
        Item::Integer(digits) => Value::Integer(WipedText::clone(digits)),
        Item::List(list) => {
            let nodes = graph
                .list(*list)
                .iter()
                .map(|placed| export(graph, placed, depth + 1));
            Value::Array(nodes.collect::<Result<_, _>>()?)
        }
        Item::None | Item::Null => Value::Null,
        Item::Period(period) => Value::Period {
            shown: WipedText::from(
                period
                    .shown
                    .as_deref()
                    .unwrap_or("relativedelta(too large to be written)"),
            ),
        },
        Item::Text(text) | Item::Quoted(text, _) | Item::Unquoted(text) => {
            Value::String(WipedText::clone(text))
        }
        Item::Tree(tree) => Value::Object(export_tree(graph, *tree, depth)?),
        Item::Substitution(_) | Item::Values(_) => {
            return Err(Fault::new(
                Cause::UnresolvedSubstitution,
                "pyhocon leaves a substitution open here, so the server gets no usable value",
                placed.start,
            ));
        }
    };
    Ok(Node::new(value, placed.start..placed.end))
}

//! From a text to the tree that a server gets.

use crate::context::Context;
use crate::fault::{Cause, Fault};
use crate::grammar;
use crate::graph::{self, Graph, Item, Placed, TreeId};
use crate::outline::Outline;
use crate::resolve;
use crate::text::Expanded;
use crate::tree::{Node, Object, Value};
use crate::wiped::WipedText;

/// The largest text that is parsed, in bytes: forty thousand users of a web login. A tree takes some forty times as much.
pub(super) const LIMIT: usize = 4 << 20;

/// Parses a `.conf` file, as `ConfigFactory.parse_file` does.
///
/// # Errors
/// Where pyhocon throws.
pub fn parse(text: &str, context: &Context<'_>) -> Result<Object, Fault> {
    parse_parts(&[text], context)
}

/// Parses the value of an environment variable, as the servers do: `parse_string(f"{path}: {value}")`.
///
/// Spans and the error's offset are relative to `value`.
///
/// # Errors
/// Where pyhocon throws.
pub fn parse_variable(path: &str, value: &str, context: &Context<'_>) -> Result<Object, Fault> {
    let prefix = path.len() + 2;
    let mut object = parse_parts(&[path, ": ", value], context).map_err(|fault| Fault {
        offset: fault.offset.saturating_sub(prefix).min(value.len()),
        ..fault
    })?;
    object.shift(prefix, value.len());
    Ok(object)
}

/// Where every entry of a `.conf` file stands. What it includes is not looked into.
///
/// # Errors
/// Where pyhocon's grammar does not take the text.
pub fn outline(text: &str) -> Result<Outline, Fault> {
    let mut outline = Outline::default();
    let expanded = expand(&[text])?;
    let surroundings = grammar::Surroundings::of(&Context::EMPTY);
    let mut graph = Graph::new(false);
    grammar::parse(&mut graph, &expanded, surroundings, Some(&mut outline))
        .map_err(|fault| fault.within(text.len()))?;
    // What is below a key was noted before the key.
    outline.entries.sort_by_key(|entry| entry.at);
    Ok(outline)
}

fn parse_parts(parts: &[&str], context: &Context<'_>) -> Result<Object, Fault> {
    let length = parts.iter().map(|part| part.len()).sum();
    read(&expand(parts)?, context).map_err(|fault| fault.within(length))
}

fn expand(parts: &[&str]) -> Result<Expanded, Fault> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    if length > LIMIT {
        return Err(Fault::new(
            Cause::TooLarge,
            "larger than 4 MiB, the most that is read",
            0,
        ));
    }
    Ok(Expanded::new(parts))
}

fn read(expanded: &Expanded, context: &Context<'_>) -> Result<Object, Fault> {
    let text = expanded.text();
    // Where it hangs on more, what pyhocon remembers while it parses can be seen in the result.
    let mut graph = Graph::new(!is_self_contained(text));
    let tree = whole(&mut graph, expanded, context);
    let tree = tree.map_err(|fault| Fault {
        offset: graph.texts.outside(fault.offset),
        ..fault
    });
    match (tree, &graph.covering) {
        // With the file that is not known here, the values may be other ones, which can be joined.
        (Err(fault), Some(unknown)) if fault.cause.hangs_on_values() => {
            let mut object = Object::default();
            object.open(export(&graph, unknown, 0)?);
            Ok(object)
        }
        (tree, _) => tree,
    }
}

fn whole(graph: &mut Graph, expanded: &Expanded, context: &Context<'_>) -> Result<Object, Fault> {
    let surroundings = grammar::Surroundings::of(context);
    match grammar::parse(graph, expanded, surroundings, None)? {
        grammar::Root::List(_) => Err(Fault::new(
            Cause::RootList,
            "a list, not keys and values",
            0,
        )),
        grammar::Root::Tree(root) => {
            resolve::resolve(graph, root, context.environment)?;
            export_tree(graph, root, 0)
        }
    }
}

/// Whether a text means the same in every [`Context`]: it has no substitution, and no include.
pub fn is_self_contained(text: &str) -> bool {
    !text.contains("${") && !text.contains("+=") && !has_include(text)
}

fn has_include(text: &str) -> bool {
    text.as_bytes()
        .windows(4)
        .any(|window| window.eq_ignore_ascii_case(b"nclu"))
}

fn export_tree(graph: &Graph, tree: TreeId, depth: usize) -> Result<Object, Fault> {
    let mut object = Object::with_room_for(graph.tree(tree).entries.len());
    object.set_repeated(&graph.tree(tree).repeated);
    for (key, placed) in graph.tree(tree).entries.iter() {
        object.insert_key(key.clone(), export(graph, placed, depth + 1)?);
    }
    if let Some(rest) = &graph.tree(tree).rest {
        object.open(export(graph, rest, depth + 1)?);
    }
    Ok(object)
}

fn export(graph: &Graph, placed: &Placed, depth: usize) -> Result<Node, Fault> {
    if depth > graph::WALK_DEPTH {
        return Err(Fault::too_deep(graph.texts.outside(placed.start)));
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
            is_zero: period.is_zero,
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
        Item::Unknown(reason) => Value::Unknown(reason.clone()),
        Item::Substitution(_) | Item::Values(_) => {
            return Err(Fault::new(
                Cause::UnresolvedSubstitution,
                "pyhocon leaves a substitution open here, so the server gets no usable value",
                graph.texts.outside(placed.start),
            ));
        }
    };
    let (span, written) = graph.texts.place(placed.start, placed.end);
    let mut node = Node::new(value, span);
    node.written = written.map(Box::new);
    Ok(node)
}

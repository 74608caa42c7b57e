//! The text of new variables, and where it goes.

use std::sync::Arc;

use super::Variables;
use crate::target::Target;
use crate::value;
use clearml_secure_core::edit::Edit;
use clearml_secure_core::yaml::Node;
use clearml_secure_core::yaml::lines::{line_break, line_end, line_start};

/// Whether variables are written as a mapping's or a list's.
pub(super) enum Shape {
    List,
    Mapping,
}

pub(super) fn lines_shape(inherited: Option<&Arc<Node>>) -> Shape {
    match inherited {
        Some(node) if node.items().is_some() => Shape::List,
        _ => Shape::Mapping,
    }
}

pub(super) fn variable_lines(shape: &Shape, indent: usize, variables: &Variables) -> Vec<String> {
    variables
        .iter()
        .map(|wanted| match shape {
            Shape::List => format!("{}- {}", blanks(indent), value::item(wanted)),
            Shape::Mapping => {
                let value = value::scalar(wanted);
                format!("{}{}: {}", blanks(indent), wanted.name, value)
            }
        })
        .collect()
}

pub(super) fn flow_pairs(variables: &Variables) -> String {
    let pairs: Vec<String> = variables
        .iter()
        .map(|wanted| format!("{}: {}", wanted.name, value::scalar(wanted)))
        .collect();
    pairs.join(", ")
}

/// Puts text behind the last entry of brackets or braces, or right behind the opening one.
pub(crate) fn insert_into_flow(
    target: &Target<'_>,
    node: &Node,
    last: Option<usize>,
    text: String,
) -> Edit {
    match last {
        Some(end) => Edit::insert(end, format!(", {text}")),
        None => Edit::insert(node.span(target.source).start + 1, text),
    }
}

/// Puts lines behind the line that holds a byte.
pub(crate) fn insert_lines(target: &Target<'_>, at: usize, lines: &[String]) -> Edit {
    let newline = line_break(target.text, at);
    let text = lines
        .iter()
        .flat_map(|line| [newline, line.as_str()])
        .collect();
    Edit::insert(line_end(target.text, at), text)
}

/// Puts lines in front of the line that holds a byte. Behind a block scalar nothing can be put without a thought
/// for the empty lines that belong to it.
pub(super) fn insert_lines_before(target: &Target<'_>, at: usize, lines: &[String]) -> Edit {
    let newline = line_break(target.text, at);
    let text = lines
        .iter()
        .flat_map(|line| [line.as_str(), newline])
        .collect();
    Edit::insert(line_start(target.text, at), text)
}

pub(super) fn blanks(count: usize) -> String {
    " ".repeat(count)
}

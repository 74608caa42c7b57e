//! The text of new variables, and where it goes.

use super::Variables;
use crate::target::Target;
use crate::value;
use clearml_secure_core::edit::Edit;
use clearml_secure_core::yaml::{Field, edit};

/// Whether variables are written as a mapping's or a list's.
pub(super) enum Shape {
    List,
    Mapping,
}

pub(super) fn lines_shape(inherited: Option<Field<'_>>) -> Shape {
    match inherited {
        Some(field) if field.value.items().is_some() => Shape::List,
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

/// Puts lines behind the line that holds a byte.
pub(crate) fn insert_lines(target: &Target<'_>, at: usize, lines: &[String]) -> Edit {
    edit::lines_behind(target.text, at, lines)
}

/// Puts lines in front of the line that holds a byte.
pub(super) fn insert_lines_before(target: &Target<'_>, at: usize, lines: &[String]) -> Edit {
    edit::lines_before(target.text, at, lines)
}

pub(super) fn blanks(count: usize) -> String {
    " ".repeat(count)
}

//! What is below keys of a tree that a program printed.

use std::sync::Arc;

use super::{Node, Typed};

/// The value below these keys, if it is not null.
pub(crate) fn at<'a>(node: &'a Node, keys: &[&str]) -> Option<&'a Arc<Node>> {
    let (first, rest) = keys.split_first()?;
    let value = node.get(first)?.value;
    match rest {
        [] => Some(value).filter(|value| !value.is_null()),
        rest => at(value, rest),
    }
}

/// The text below these keys, if it is not empty.
pub(crate) fn text<'a>(node: &'a Node, keys: &[&str]) -> Option<&'a str> {
    at(node, keys)?.text().filter(|text| !text.is_empty())
}

/// The items of the list below these keys.
pub(crate) fn list<'a>(node: &'a Node, keys: &[&str]) -> &'a [Arc<Node>] {
    let list = at(node, keys).and_then(|list| list.items());
    list.unwrap_or_default()
}

/// The texts of the list below these keys; of one text, that.
pub(crate) fn texts<'a>(node: &'a Node, keys: &[&str]) -> Vec<&'a str> {
    let Some(value) = at(node, keys) else {
        return Vec::new();
    };
    match value.items() {
        Some(items) => items
            .iter()
            .filter_map(|item| item.scalar())
            .map(|one| one.text())
            .collect(),
        None => value.text().into_iter().collect(),
    }
}

/// What a truth value says, also with the words of YAML 1.1 (`yes`, `off`); none where there is none.
pub(crate) fn truth(value: &Node) -> Option<bool> {
    match (value.typed_as_1_1(), value.text()) {
        (Some(Typed::Bool(is_true)), _) => Some(is_true),
        (_, Some("true")) => Some(true),
        (_, Some("false")) => Some(false),
        _ => None,
    }
}

pub(crate) fn is_true(node: &Node, keys: &[&str]) -> bool {
    at(node, keys).is_some_and(|value| truth(value) == Some(true))
}

//! For people: the same entries as in JSON, values always in quotes.

use std::path::Path;

use super::model::{self, Item, Node, VERSION};
use super::{Fault, Keyset, push_quoted};
use crate::error::Error;
use crate::secret::Secret;
use crate::source::offset_of;
use crate::yaml::{self, Typed};

pub(super) fn write(keyset: &Keyset, out: &mut String) {
    out.push_str(
        "# The keys of a ClearML Server: anyone who reads this file can do anything on it.\nversion: ",
    );
    out.push_str(&VERSION.to_string());
    out.push_str("\nsettings:");
    if keyset.entries().next().is_none() {
        out.push_str(" {}");
    }
    for (setting, value) in keyset.entries() {
        out.push_str("\n  ");
        out.push_str(setting.path());
        out.push_str(": ");
        push_quoted(out, value.expose());
    }
    out.push_str("\nusers:");
    if keyset.users().is_empty() {
        out.push_str(" []");
    }
    for user in keyset.users() {
        out.push_str("\n  - username: ");
        push_quoted(out, &user.username);
        out.push_str("\n    name: ");
        push_quoted(out, &user.name);
        out.push_str("\n    password_hash: ");
        push_quoted(out, user.password_hash.expose());
    }
    out.push('\n');
}

pub(super) fn read(text: &str) -> Result<Keyset, Fault> {
    let root = yaml::parse(Path::new(""), text).map_err(|error| match error {
        Error::Yaml { place, message } => Fault::new(offset_of(text, &place), message),
        _ => Fault::new(0, "this is not YAML"),
    })?;
    model::read(&node(&root))
}

fn node(yaml: &yaml::Node) -> Node {
    let item = match (&yaml.target().value, yaml.typed()) {
        (yaml::Value::Scalar(_, scalar), Some(Typed::Text)) => {
            Item::Text(Secret::from(scalar.text()))
        }
        (yaml::Value::Mapping(_, entries), _) => Item::Map(
            entries
                .iter()
                .map(|entry| (node(&entry.key), node(&entry.value)))
                .collect(),
        ),
        (yaml::Value::Sequence(_, items), _) => {
            Item::List(items.iter().map(|item| node(item)).collect())
        }
        (_, Some(Typed::Bool(_))) => Item::Other("true or false"),
        (_, Some(Typed::Float(_))) => Item::Other("a number"),
        (_, Some(Typed::Integer(value))) => Item::Integer(u64::try_from(value).ok()),
        (_, Some(Typed::Timestamp(_))) => Item::Other("a date"),
        (_, Some(Typed::Binary)) => Item::Other("binary data"),
        (_, Some(Typed::Null | Typed::Text) | None) => Item::Nothing,
    };
    Node {
        at: yaml.start_with_properties(),
        item,
    }
}

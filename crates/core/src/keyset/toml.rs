//! For people who prefer it to YAML: the same entries, the settings in a table of their own.

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};

use super::model::{self, Item, Node, VERSION};
use super::{Fault, Keyset, push_quoted};
use crate::secret::Secret;

pub(super) fn write(keyset: &Keyset, out: &mut String) {
    out.push_str("# The keys of a ClearML Server: anyone who reads this file can do anything on it.\nversion = ");
    out.push_str(&VERSION.to_string());
    if keyset.users().is_empty() {
        // A table would swallow an entry that stands below it, so it stands above.
        out.push_str("\nusers = []");
    }
    out.push_str("\n\n[settings]\n");
    for (setting, value) in keyset.entries() {
        // With quotes, because the dots would make tables otherwise.
        push_quoted(out, setting.path());
        out.push_str(" = ");
        push_quoted(out, value.expose());
        out.push('\n');
    }
    for user in keyset.users() {
        out.push_str("\n[[users]]\nusername = ");
        push_quoted(out, &user.username);
        out.push_str("\nname = ");
        push_quoted(out, &user.name);
        out.push_str("\npassword_hash = ");
        push_quoted(out, user.password_hash.expose());
        out.push('\n');
    }
}

pub(super) fn read(text: &str) -> Result<Keyset, Fault> {
    let start = text.len() - text.trim_start_matches('\u{feff}').len();
    let table = DeTable::parse(&text[start..]).map_err(|error| {
        let offset = error.span().map_or(text.len(), |span| start + span.start);
        // The message may quote the file, so it is only looked at.
        let message = if error.message().contains("duplicate") {
            "this entry is here twice"
        } else {
            "this is not TOML"
        };
        Fault::new(text.floor_char_boundary(offset), message)
    })?;
    model::read(&Node {
        at: start,
        item: map(start, table.get_ref()),
    })
}

fn map(start: usize, table: &DeTable<'_>) -> Item {
    let mut entries: Vec<(Node, Node)> = table
        .iter()
        .map(|(key, value)| {
            let name = Node {
                at: start + key.span().start,
                item: Item::Text(Secret::from(key.get_ref().as_ref())),
            };
            (name, node(start, value))
        })
        .collect();
    // The first error is that of the first line.
    entries.sort_by_key(|(key, _)| key.at);
    Item::Map(entries)
}

fn node(start: usize, value: &Spanned<DeValue<'_>>) -> Node {
    let item = match value.get_ref() {
        DeValue::Array(items) => Item::List(items.iter().map(|item| node(start, item)).collect()),
        DeValue::Boolean(_) => Item::Other("true or false"),
        DeValue::Datetime(_) => Item::Other("a date"),
        DeValue::Float(_) => Item::Other("a number"),
        DeValue::Integer(value) => Item::Integer(value.as_str().parse().ok()),
        DeValue::String(text) => Item::Text(Secret::from(text.as_ref())),
        DeValue::Table(table) => map(start, table),
    };
    Node {
        at: start + value.span().start,
        item,
    }
}

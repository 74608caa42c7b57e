//! A `secure.conf`: in the configuration folder that the servers mount, one file is read by the API server, the
//! file server and the job that deletes files alike (clearml-facts.md, 2).

use super::model::{self, Item, Node};
use super::{Fault, Keyset, push_quoted, put};
use crate::hocon::{self, Context, Value};
use crate::secret::Secret;
use crate::setting::SETTINGS;

/// What the file's name puts in front of every path in it.
const ROOT: &str = "secure.";

pub(super) fn write(keyset: &Keyset, out: &mut String) {
    out.push_str(
        "# The keys of a ClearML Server: whoever reads this file can do anything on it.\n\
         # Save it as secure.conf in the folder that is mounted as /opt/clearml/config.\n\
         # The services agent does not read it: give it its two values as variables.\n",
    );
    for (setting, value) in keyset.entries() {
        out.push_str(setting.path().strip_prefix(ROOT).unwrap_or(setting.path()));
        out.push_str(": ");
        push_quoted(out, value.expose());
        out.push('\n');
    }
    if keyset.users().is_empty() {
        return;
    }
    out.push_str("# For clearml-keygen and clearml-inject; the server takes its users from apiserver.conf.\nusers: [\n");
    for user in keyset.users() {
        out.push_str("  {username: ");
        push_quoted(out, &user.username);
        out.push_str(", name: ");
        push_quoted(out, &user.name);
        out.push_str(", password_hash: ");
        push_quoted(out, user.password_hash.expose());
        out.push_str("}\n");
    }
    out.push_str("]\n");
}

pub(super) fn read(text: &str) -> Result<Keyset, Fault> {
    let start = text.len() - text.trim_start_matches('\u{feff}').len();
    let tree = hocon::parse(&text[start..], &Context::EMPTY)
        .map_err(|error| Fault::new(start + error.offset, error.message))?;
    let mut keyset = Keyset::new();
    for (name, value) in tree.iter() {
        match name {
            "auth" | "credentials" | "http" => below(name, value, start, &mut keyset)?,
            "secure" => {
                let fault = Fault::new(start + value.span.start, "unknown entry");
                return Err(fault
                    .help("leave out `secure`: the name of the file, secure.conf, stands for it"));
            }
            "users" => model::read_users(&node(value, start), &mut keyset)?,
            // The passwords of the databases, for instance, are in this file too (clearml-facts.md, 6).
            _ => {}
        }
    }
    refuse_doubled(text, &keyset)?;
    Ok(keyset)
}

/// HOCON lets the later of two entries win, and the tree does not tell that there were two. So the keys are
/// counted: each account has one `user_key`, and there is one `token_secret`.
fn refuse_doubled(text: &str, keyset: &Keyset) -> Result<(), Fault> {
    for leaf in ["token_secret", "user_key", "user_secret"] {
        let meant = keyset
            .entries()
            .filter(|(setting, _)| setting.path().ends_with(leaf))
            .count();
        let found = keys(text, leaf);
        if let Some(at) = found.get(meant) {
            let fault = Fault::new(*at, format!("an entry `{leaf}` stands here twice"));
            return Err(fault.help("keep one of the two"));
        }
    }
    Ok(())
}

/// Where a word stands as a key: in front of `:` or `=`, outside of values and comments.
fn keys(text: &str, word: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with('#') || rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let inner = rest.strip_prefix('"').unwrap_or(rest);
        if let Some(after) = inner.strip_prefix(word) {
            let after = after
                .strip_prefix('"')
                .unwrap_or(after)
                .trim_start_matches([' ', '\t']);
            if after.starts_with([':', '=']) {
                found.push(at);
                at = text.len() - after.len();
                continue;
            }
        }
        at += match rest.strip_prefix('"').and_then(|value| value.find('"')) {
            Some(end) => end + 2,
            None => rest.chars().next().map_or(1, char::len_utf8),
        };
    }
    found
}

/// Reads a value at a path below `secure`, and all that is below it.
fn below(path: &str, value: &hocon::Node, start: usize, keyset: &mut Keyset) -> Result<(), Fault> {
    let at = start + value.span.start;
    let whole = format!("{ROOT}{path}");
    if let Some(setting) = SETTINGS.into_iter().find(|setting| setting.path() == whole) {
        let Value::String(text) = &value.value else {
            return Err(model::wrong(
                &node(value, start),
                setting.path(),
                "text in quotes",
            ));
        };
        return put(keyset, setting, text.clone(), at, at);
    }
    let inside = format!("{whole}.");
    let is_above = SETTINGS
        .iter()
        .any(|setting| setting.path().starts_with(&inside));
    match &value.value {
        Value::Object(entries) if is_above => entries
            .iter()
            .try_for_each(|(name, value)| below(&format!("{path}.{name}"), value, start, keyset)),
        _ if is_of_account(path) => Ok(()),
        _ => {
            let known = SETTINGS.map(|setting| setting.path().replacen(ROOT, "", 1));
            Err(Fault::unknown(at, path, &known))
        }
    }
}

/// Whether it is something else that the server's own file says of an account: `role`, `display_name`.
fn is_of_account(path: &str) -> bool {
    let mut steps = path.split('.');
    let (first, account, name) = (steps.next(), steps.next(), steps.next());
    first == Some("credentials")
        && SETTINGS
            .iter()
            .any(|setting| setting.account() == account && account.is_some())
        && name.is_some_and(|name| !name.starts_with("user"))
}

/// HOCON's tree in the form that the other formats have. It does not know where a key stands, so that is where
/// its value does.
pub(super) fn node(hocon: &hocon::Node, start: usize) -> Node {
    let at = start + hocon.span.start;
    let item = match &hocon.value {
        Value::Array(items) => Item::List(items.iter().map(|item| node(item, start)).collect()),
        Value::Object(entries) => {
            let entry = |(name, value): (&str, &hocon::Node)| {
                let value = node(value, start);
                let name = Item::Text(Secret::from(name));
                (
                    Node {
                        at: value.at,
                        item: name,
                    },
                    value,
                )
            };
            Item::Map(entries.iter().map(entry).collect())
        }
        Value::String(text) => Item::Text(text.clone()),
        other => Item::Other(other.kind()),
    };
    Node { at, item }
}

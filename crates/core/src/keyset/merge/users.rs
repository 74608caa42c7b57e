//! A list of users. Those that it has stay as somebody wrote them.

use zeroize::Zeroizing;

use super::proof::is_written;
use super::{Replaced, Text, Written};
use crate::hocon::{Node, Value};
use crate::keyset::{Fault, User, quoted};
use crate::shown::escape;

/// A user of the text.
pub(in crate::keyset) struct Listed<'t> {
    pub(in crate::keyset) username: &'t str,
    /// Where the entry starts in the text as it was given.
    pub(in crate::keyset) at: usize,
    pub(in crate::keyset) node: &'t Node,
}

/// The users of the list at a path.
///
/// # Errors
/// A list that may have others than can be seen, and an entry that cannot be told from another.
pub(in crate::keyset) fn listed<'t>(
    text: &'t Text<'_>,
    path: &str,
) -> Result<Vec<Listed<'t>>, Fault> {
    text.refuse_hidden(std::iter::once(path))?;
    text.place(path)?;
    let Some(list) = text.tree.get(path) else {
        return Ok(Vec::new());
    };
    let items = match &list.value {
        Value::Array(items) => items,
        other if other.truth() == Some(false) => return Ok(Vec::new()),
        other => {
            let message = format!("{path} is {}, not a list", other.kind());
            let fault = Fault::new(list.span.start, message);
            return Err(fault.help("write the users between `[` and `]`"));
        }
    };
    let mut users: Vec<Listed<'_>> = Vec::with_capacity(items.len());
    for node in items {
        let at = node.span.start;
        let username = username(node)
            .map_err(|(message, help)| Fault::new(at, format!("{path}: {message}")).help(help))?;
        if users.iter().any(|user| user.username == username) {
            let message = format!("{path}: {} is here twice", escape(username));
            let fault = Fault::new(at, message);
            return Err(
                fault.help("keep one of the two: with both, the API server creates no user")
            );
        }
        users.push(Listed { username, at, node });
    }
    Ok(users)
}

/// The name, or what is wrong with the entry and what to do.
fn username(node: &Node) -> Result<&str, (String, &'static str)> {
    const VARIABLE: &str = "write the entry itself here";
    let from_variable =
        |what: &str| format!("{what} is a `${{…}}` of a variable, which is not known here");
    let object = match &node.value {
        Value::Object(object) => object,
        Value::Unknown(_) => return Err((from_variable("this entry"), VARIABLE)),
        other => {
            let message = format!("this entry is {}, not a user in braces", other.kind());
            return Err((
                message,
                "remove it: with it, the API server lets nobody log in",
            ));
        }
    };
    match object.get_key("username").map(|name| &name.value) {
        Some(Value::Unknown(_)) => Err((
            from_variable("the username of this entry"),
            "write the name itself",
        )),
        Some(Value::String(name)) => Ok(name.expose()),
        Some(other) => {
            let message = format!("the username of this entry is {}, not a text", other.kind());
            Err((message, "write the name in quotes"))
        }
        None => Err((
            "this entry has no username".to_owned(),
            "give it one, or remove the entry: with it, the API server lets nobody log in",
        )),
    }
}

/// How a list writes its users.
pub(in crate::keyset) struct Style {
    /// The key of the password's hash.
    pub(in crate::keyset) hash: &'static str,
    /// Adds a user in braces.
    pub(in crate::keyset) push: fn(&mut String, &User),
}

/// The list with these users in it, and without some: of one that it has, only the hash is replaced where it is
/// another; new ones come last. Also the names of those with another hash.
pub(in crate::keyset) fn with_users<'u>(
    listed: &[Listed<'_>],
    users: impl Iterator<Item = &'u User>,
    is_removed: impl Fn(&str) -> bool,
    style: &Style,
) -> (Written, Vec<String>) {
    let (mut replaced, mut added, mut renewed) = (Vec::new(), Vec::new(), Vec::new());
    let places = listed.iter().enumerate();
    let removed: Vec<usize> = places
        .filter(|(_, user)| is_removed(user.username))
        .map(|(index, _)| index)
        .collect();
    for user in users {
        let index = listed
            .iter()
            .position(|other| other.username == user.username && !is_removed(other.username));
        let Some(index) = index else {
            added.push(written(user, style));
            continue;
        };
        let value = quoted(user.password_hash.expose());
        if !listed[index].has(style.hash, &value) {
            let key = style.hash;
            replaced.push((index, Replaced { key, value }));
            renewed.push(user.username.clone());
        }
    }
    let list = Written::List {
        removed,
        replaced,
        added,
    };
    (list, renewed)
}

impl Listed<'_> {
    /// A key of the entry that is none of these.
    pub(in crate::keyset) fn key_besides(&self, known: &[&str]) -> Option<&str> {
        let Value::Object(object) = &self.node.value else {
            return None;
        };
        let mut keys = object.iter().map(|(key, _)| key);
        keys.find(|key| !known.contains(key))
    }

    fn has(&self, key: &str, written: &str) -> bool {
        let Value::Object(object) = &self.node.value else {
            return false;
        };
        object
            .get_key(key)
            .is_some_and(|node| is_written(&node.value, written))
    }
}

fn written(user: &User, style: &Style) -> Zeroizing<String> {
    const NAMES: usize = 64;
    let length = user.username.len() + user.name.len() + user.password_hash.expose().len();
    // Allocated once, with every character escaped.
    let mut out = Zeroizing::new(String::with_capacity(NAMES + 2 * length));
    (style.push)(&mut out, user);
    out
}

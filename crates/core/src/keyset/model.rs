//! What JSON, YAML and TOML have in common: `version`, `settings`, `users`.

use std::collections::HashSet;

use super::{Fault, Keyset, User, put};
use crate::secret::Secret;
use crate::setting::{SETTINGS, Setting};

/// The version of the model that this program reads and writes.
pub(super) const VERSION: u64 = 1;

/// Something in a file, and its first byte.
pub(super) struct Node {
    pub(super) at: usize,
    pub(super) item: Item,
}

/// What it is.
pub(super) enum Item {
    Integer(Option<u64>),
    List(Vec<Node>),
    /// In the order of the file, with every key that stands there twice.
    Map(Vec<(Node, Node)>),
    /// A null, which is as good as no value, as in Kubernetes.
    Nothing,
    /// What it is instead, for people: `a number`.
    Other(&'static str),
    Text(Secret),
}

/// Makes a keyset of it.
pub(super) fn read(root: &Node) -> Result<Keyset, Fault> {
    let Item::Map(entries) = &root.item else {
        return Err(Fault::new(
            root.at,
            format!(
                "not a keyset: {} instead of `version` and `settings`",
                what(root)
            ),
        ));
    };
    let mut keyset = Keyset::new();
    let mut has_version = false;
    each(entries, |name, key, value| {
        match name {
            "version" => {
                check_version(value)?;
                has_version = true;
            }
            "settings" => read_settings(value, &mut keyset)?,
            "users" => read_users(value, &mut keyset)?,
            _ => {
                let known = ["version", "settings", "users"].map(str::to_owned);
                return Err(Fault::unknown(key.at, name, &known));
            }
        }
        Ok(())
    })?;
    if !has_version {
        let fault = Fault::new(root.at, "the entry `version` is missing");
        return Err(fault.help(format!("add `version` with the value {VERSION}")));
    }
    Ok(keyset)
}

fn check_version(value: &Node) -> Result<(), Fault> {
    match value.item {
        Item::Integer(Some(VERSION)) => Ok(()),
        Item::Integer(_) => {
            let fault = Fault::new(value.at, "this program cannot read this version of keysets");
            Err(fault.help(format!(
                "it reads version {VERSION}. Use a newer clearml-secure"
            )))
        }
        _ => Err(wrong(value, "version", "a number")),
    }
}

fn read_settings(settings: &Node, keyset: &mut Keyset) -> Result<(), Fault> {
    let Item::Map(entries) = &settings.item else {
        return Err(wrong(settings, "settings", "a table"));
    };
    for (key, value) in entries {
        let name = name_of(key)?;
        let Some(setting) = Setting::by_path(name) else {
            let known = SETTINGS.map(|setting| setting.path().to_owned());
            return Err(Fault::unknown(key.at, name, &known));
        };
        let text = match &value.item {
            Item::Text(text) => text.clone(),
            Item::Nothing => Secret::from(""),
            _ => return Err(wrong(value, setting.path(), "text in quotes")),
        };
        put(keyset, setting, text, key.at, value.at)?;
    }
    Ok(())
}

/// Reads the list of users; HOCON's has the same shape.
pub(super) fn read_users(users: &Node, keyset: &mut Keyset) -> Result<(), Fault> {
    let Item::List(items) = &users.item else {
        return Err(wrong(users, "users", "a list"));
    };
    for item in items {
        let Item::Map(entries) = &item.item else {
            return Err(wrong(
                item,
                "users",
                "tables with `username`, `name` and `password_hash`",
            ));
        };
        let user = read_user(item.at, entries)?;
        keyset
            .add_user(user)
            .map_err(|misfit| Fault::new(item.at, format!("users: {misfit}")))?;
    }
    Ok(())
}

/// Gives a key of an entry another name.
pub(super) fn rename(entry: &mut Node, from: &str, to: &str) {
    let Item::Map(entries) = &mut entry.item else {
        return;
    };
    for (key, _) in entries {
        if matches!(&key.item, Item::Text(name) if name.expose() == from) {
            key.item = Item::Text(Secret::from(to));
        }
    }
}

fn read_user(at: usize, entries: &[(Node, Node)]) -> Result<User, Fault> {
    let (mut username, mut full_name, mut password_hash) = (None, None, None);
    each(entries, |name, key, value| {
        let field = match name {
            "username" => &mut username,
            "name" => &mut full_name,
            "password_hash" => &mut password_hash,
            _ => {
                let known = ["username", "name", "password_hash"].map(str::to_owned);
                return Err(Fault::unknown(key.at, name, &known));
            }
        };
        let Item::Text(text) = &value.item else {
            return Err(wrong(value, "users", "text in quotes"));
        };
        *field = Some(text.clone());
        Ok(())
    })?;
    let missing = |name: &str| Fault::new(at, format!("users: the entry `{name}` is missing"));
    let username = username.ok_or_else(|| missing("username"))?;
    Ok(User {
        name: full_name.as_ref().unwrap_or(&username).expose().to_owned(),
        username: username.expose().to_owned(),
        password_hash: password_hash.ok_or_else(|| missing("password_hash"))?,
    })
}

/// Goes through entries and refuses one that stands there twice.
pub(super) fn each<'a>(
    entries: &'a [(Node, Node)],
    mut of: impl FnMut(&'a str, &'a Node, &'a Node) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut seen = HashSet::new();
    for (key, value) in entries {
        let name = name_of(key)?;
        of(name, key, value)?;
        // Only now is the name one of those that are known, and not a value in the wrong place.
        if !seen.insert(name) {
            let fault = Fault::new(key.at, format!("the entry `{name}` is here twice"));
            return Err(fault.help("keep one of the two"));
        }
    }
    Ok(())
}

fn name_of(key: &Node) -> Result<&str, Fault> {
    match &key.item {
        Item::Text(name) => Ok(name.expose()),
        _ => Err(Fault::new(
            key.at,
            format!("{} instead of a name", what(key)),
        )),
    }
}

/// A value that is not what it has to be.
pub(super) fn wrong(value: &Node, name: &str, expected: &str) -> Fault {
    let fault = Fault::new(
        value.at,
        format!("{name}: {} instead of {expected}", what(value)),
    );
    match value.item {
        Item::Text(_) => fault,
        _ if expected.contains("quotes") => fault.help("write it in quotes, or remove it"),
        _ => fault,
    }
}

fn what(node: &Node) -> &'static str {
    match node.item {
        Item::Integer(_) => "a number",
        Item::List(_) => "a list",
        Item::Map(_) => "a table",
        Item::Nothing => "nothing",
        Item::Other(what) => what,
        Item::Text(_) => "text",
    }
}

//! `CLEARML__…=value`: for `. ./keys.env` in a shell, as compose's `.env`, and as the `env_file` of a service.
//!
//! What stands behind `=` is what a server gets as its environment. It reads that as HOCON, so a value that HOCON
//! would change stands in HOCON's double quotes inside the quotes of the line. Generated values need neither.

use std::collections::HashMap;

use zeroize::Zeroizing;

use super::hocon::node;
use super::model::{self, Item, Node};
use super::{Fault, Keyset, push_quoted, put, quoted};
use crate::dotenv::{self, Entry};
use crate::hocon::{self, Context};
use crate::secret::Secret;
use crate::setting::{SETTINGS, Setting};

/// What ClearML's compose file takes the services agent's credentials from (docs/clearml.md#services-agent), and the
/// settings that have to agree. The agent reads it raw, so it has no HOCON quotes.
pub(super) const AGENT: [(&str, &str); 2] = [
    (
        "CLEARML_AGENT_ACCESS_KEY",
        "secure.credentials.services_agent.user_key",
    ),
    (
        "CLEARML_AGENT_SECRET_KEY",
        "secure.credentials.services_agent.user_secret",
    ),
];

/// Where the API server takes web-login users from (docs/clearml.md#users-in-a-variable).
const USERS: &str = "CLEARML__APISERVER__AUTH__FIXED_USERS";

const CLEARML: &str = "CLEARML__";

/// The older prefix, which servers read as well.
const TRAINS: &str = "TRAINS__";

pub(super) fn write(keyset: &Keyset, out: &mut String) {
    out.push_str(
        "# The keys of a ClearML Server: anyone who reads this file can do anything on it.\n\
         # clearml-inject puts them into docker-compose.yml; a shell reads them with `. ./keys.env`.\n",
    );
    for (setting, value) in keyset.entries() {
        if hocon::is_unchanged(value.expose()) {
            line(out, &setting.variable(), value.expose());
        } else {
            line(out, &setting.variable(), &quoted(value.expose()));
        }
    }
    let mut agent = AGENT
        .iter()
        .filter_map(|(name, path)| Some((name, keyset.get(Setting::by_path(path)?)?)))
        .peekable();
    if agent.peek().is_some() {
        out.push_str(
            "# The services agent's once more, under the names in ClearML's docker-compose.yml.\n",
        );
    }
    for (name, value) in agent {
        line(out, name, value.expose());
    }
    if !keyset.users().is_empty() {
        line(out, &format!("{USERS}__ENABLED"), "true");
        line(out, &format!("{USERS}__PASS_HASHED"), "true");
        line(out, &format!("{USERS}__USERS"), &users(keyset));
    }
}

/// One line. The keyset holds nothing that cannot be quoted.
fn line(out: &mut String, name: &str, value: &str) {
    if let Some(quoted) = dotenv::quote(value).map(Zeroizing::new) {
        out.push_str(name);
        out.push('=');
        out.push_str(&quoted);
        out.push('\n');
    }
}

/// The users as the API server wants them: JSON, which is HOCON too.
pub(super) fn users(keyset: &Keyset) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(keyset.room()));
    out.push('[');
    for (index, user) in keyset.users().iter().enumerate() {
        out.push_str(if index == 0 { "" } else { "," });
        out.push_str("{\"username\":");
        push_quoted(&mut out, &user.username);
        out.push_str(",\"name\":");
        push_quoted(&mut out, &user.name);
        out.push_str(",\"password\":");
        push_quoted(&mut out, user.password_hash.expose());
        out.push('}');
    }
    out.push(']');
    out
}

pub(super) fn read(text: &str) -> Result<Keyset, Fault> {
    // Every variable has a value here, so that a line that wants one of the machine's is no error. A keyset's
    // own lines must not have any.
    let entries =
        dotenv::parse(text, &|_| Some("x".to_owned())).map_err(|error| refused(text, &error))?;
    let mut keyset = Keyset::new();
    let mut users: HashMap<&str, &Entry> = HashMap::new();
    for entry in &entries {
        let name = entry.name.as_str();
        if let Some(setting) = Setting::by_variable(name) {
            let value = unquoted(entry, setting.path())?;
            put(
                &mut keyset,
                setting,
                value,
                entry.name_span.start,
                entry.value_span.start,
            )?;
        } else if is_nearly_a_setting(name) {
            let known = SETTINGS.map(Setting::variable);
            return Err(Fault::unknown(entry.name_span.start, name, &known));
        } else if let Some(key) = of_users(name)
            && users.insert(key, entry).is_some()
        {
            let fault = Fault::new(
                entry.name_span.start,
                format!("{key} of the users is here twice"),
            );
            return Err(fault.help("remove one of the two"));
        }
    }
    for (name, path) in AGENT {
        let mut same_name = entries.iter().filter(|entry| entry.name == name);
        let (Some(entry), Some(setting)) = (same_name.next(), Setting::by_path(path)) else {
            continue;
        };
        if let Some(second) = same_name.next() {
            return Err(Fault::doubled(second.name_span.start, setting));
        }
        let value = written(entry, name)?;
        match keyset.get(setting) {
            None => put(
                &mut keyset,
                setting,
                value.clone(),
                entry.name_span.start,
                entry.value_span.start,
            )?,
            Some(_) if value.expose().is_empty() => {
                keyset.empty.push((setting, entry.value_span.start));
            }
            Some(other) if other == value => {}
            Some(_) => {
                let message = format!("{name} and {} have different values", setting.variable());
                let fault = Fault::new(entry.value_span.start, message);
                return Err(fault.help(
                    "the agent and the API server must have the same value: remove one of the two lines",
                ));
            }
        }
    }
    read_users(&users, &mut keyset)?;
    Ok(keyset)
}

/// Whether there are variables that are no keyset's.
pub(super) fn has_more(text: &str) -> bool {
    let entries = dotenv::parse(text, &|_| None).unwrap_or_default();
    entries.iter().any(|entry| {
        let name = entry.name.as_str();
        let is_agents = AGENT.iter().any(|(agent, _)| *agent == name);
        let is_users = name == format!("{USERS}__ENABLED") || of_users(name).is_some();
        Setting::by_variable(name).is_none() && !is_agents && !is_users
    })
}

/// A value with HOCON's quotes undone, where it has them.
fn unquoted(entry: &Entry, name: &str) -> Result<Secret, Fault> {
    let value = written(entry, name)?;
    let text = value.expose();
    if text.len() < 2 || !text.starts_with('"') || !text.ends_with('"') {
        return Ok(value.clone());
    }
    match from_hocon(text).map(|node| node.item) {
        Some(Item::Text(inner)) => Ok(inner),
        _ => {
            let message = format!("{name}: the quotes inside the value do not match");
            Err(Fault::new(entry.value_span.start, message))
        }
    }
}

/// What a server makes of the text of a variable.
fn from_hocon(text: &str) -> Option<Node> {
    let tree = hocon::parse_variable("value", text, &Context::EMPTY).ok()?;
    tree.get_key("value").map(node)
}

/// A value that stands there in full.
fn written<'a>(entry: &'a Entry, name: &str) -> Result<&'a Secret, Fault> {
    let at = entry.value_span.start;
    if let Some(variable) = entry.variables.first() {
        let fault = Fault::new(
            at + variable.span.start,
            format!("{name}: a `$` that compose reads as a variable"),
        );
        return Err(fault.help("put the value in single quotes"));
    }
    // A name alone has its value from the machine's environment, not from here.
    match &entry.value {
        Some(value) if at > entry.name_span.end => Ok(value),
        _ => Err(Fault::new(at, format!("{name}: no value"))),
    }
}

/// What compose says, unless that may repeat something of the file: a secret with `$` looks like a variable.
fn refused(text: &str, error: &Fault) -> Fault {
    let offset = text.floor_char_boundary(error.offset.min(text.len()));
    let line = text[offset..].lines().next().unwrap_or_default();
    if line.contains('$') {
        let fault = Fault::new(offset, "a `$` that compose reads as a variable");
        fault.help("put the value in single quotes")
    } else {
        Fault::new(offset, error.message.clone())
    }
}

/// Whether somebody meant one of the settings: servers ignore such a name, or read another path.
fn is_nearly_a_setting(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["CLEARML", "TRAINS"].iter().any(|prefix| {
        name.strip_prefix(prefix)
            .filter(|rest| rest.starts_with('_'))
            .is_some_and(|rest| rest.trim_start_matches('_').starts_with("SECURE_"))
    }) && !is_other_secure(&name)
}

/// Other things below `secure`, which are no keyset's: the databases' passwords (docs/clearml.md#database-passwords).
fn is_other_secure(name: &str) -> bool {
    ["__SECURE__REDIS__", "__SECURE__ELASTIC__"]
        .iter()
        .any(|part| name.contains(part))
}

/// `users`, `enabled` or `pass_hashed`.
fn of_users(name: &str) -> Option<&'static str> {
    // Servers know the first part in capitals only.
    let path = name
        .strip_prefix(TRAINS)
        .or_else(|| name.strip_prefix(CLEARML))?
        .to_ascii_uppercase();
    let rest = path
        .strip_prefix(USERS.strip_prefix(CLEARML)?)?
        .strip_prefix("__")?;
    ["USERS", "PASS_HASHED"]
        .into_iter()
        .find(|known| *known == rest)
}

/// Reads the users, unless their passwords are plain: those are somebody's own, and no keyset's.
fn read_users(entries: &HashMap<&str, &Entry>, keyset: &mut Keyset) -> Result<(), Fault> {
    let Some(entry) = entries.get("USERS") else {
        return Ok(());
    };
    if !is_hashed(entries) && !is_of_hashes(entries, entry) {
        keyset.passed_over = list(entry).map_or(0, |list| list.len());
        return Ok(());
    }
    let at = entry.value_span.start;
    let mut list = from_hocon(written(entry, "users")?.expose())
        .ok_or_else(|| Fault::new(at, "users: the API server cannot read this list"))?;
    rename_and_place(&mut list, at);
    model::read_users(&list, keyset)
}

/// As the server takes it: `TRUE` is true, and so is a text.
fn is_hashed(entries: &HashMap<&str, &Entry>) -> bool {
    let value = entries
        .get("PASS_HASHED")
        .and_then(|entry| entry.value.as_ref());
    value.is_some_and(|value| {
        hocon::parse_variable("value", value.expose(), &Context::EMPTY).is_ok_and(|tree| {
            tree.get_key("value")
                .is_some_and(|node| node.value.truth() == Some(true))
        })
    })
}

/// Whether a list has hashes, where nothing says that. Beside a compose file that says it, clearml-inject puts the list alone
/// into an env file.
fn is_of_hashes(entries: &HashMap<&str, &Entry>, entry: &Entry) -> bool {
    // Base64 of the 60 characters of bcrypt's text, which begins with `$2`.
    let is_hash = |item: &Node| {
        let Item::Map(entries) = &item.item else {
            return false;
        };
        let text = |node: &'_ Node| match &node.item {
            Item::Text(text) => text.clone(),
            _ => Secret::from(""),
        };
        let mut passwords = entries
            .iter()
            .filter(|(key, _)| text(key).expose() == "password");
        passwords.any(|(_, value)| {
            let hash = text(value);
            hash.expose().len() == 80 && hash.expose().starts_with("JDJ")
        })
    };
    !entries.contains_key("PASS_HASHED") && list(entry).is_some_and(|list| list.iter().all(is_hash))
}

/// What a list has, if it is one.
fn list(entry: &Entry) -> Option<Vec<Node>> {
    match from_hocon(entry.value.as_ref()?.expose())?.item {
        Item::List(items) => Some(items),
        _ => None,
    }
}

/// The server's word for the hash is `password`; and what is inside of the value has no place of its own.
fn rename_and_place(node: &mut Node, at: usize) {
    node.at = at;
    model::rename(node, "password", "password_hash");
    match &mut node.item {
        Item::List(items) => items.iter_mut().for_each(|item| rename_and_place(item, at)),
        Item::Map(entries) => {
            for (key, value) in entries {
                rename_and_place(key, at);
                rename_and_place(value, at);
            }
        }
        _ => {}
    }
}

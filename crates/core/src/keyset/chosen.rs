//! Users with passwords that an administrator chose, a line of JSON each.

use super::Fault;
use super::json;
use super::model::{self, Item, Node};
use crate::secret::Secret;

/// A user whose password somebody chose.
pub struct Chosen {
    /// The line, from 1.
    pub line: usize,
    /// What is typed in to log in.
    pub username: String,
    /// What is shown, where it is given.
    pub name: Option<String>,
    /// As it is typed in.
    pub password: Secret,
}

/// The keys of a line.
const KEYS: [&str; 3] = ["username", "password", "name"];

/// What a line should be.
const SHAPE: &str =
    r#"write one user a line: {"username": "jane", "password": "…", "name": "Jane"}"#;

/// Reads all lines; empty ones and comments are passed over.
pub(super) fn read(text: &str) -> Result<Vec<Chosen>, Fault> {
    let mut users = Vec::new();
    let mut start = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let body = line.trim_start_matches('\u{feff}').trim();
        if !body.is_empty() && !body.starts_with('#') {
            let node = json::parse(line).map_err(|fault| fault.help(SHAPE));
            let user = node.and_then(|node| user(&node, index + 1));
            users.push(user.map_err(|fault| fault.behind(start))?);
        }
        start += line.len();
    }
    Ok(users)
}

fn user(node: &Node, line: usize) -> Result<Chosen, Fault> {
    let Item::Map(entries) = &node.item else {
        return Err(Fault::new(node.at, "this line is no user").help(SHAPE));
    };
    let mut values: [Option<(usize, Secret)>; 3] = [None, None, None];
    model::each(entries, |name, key, value| {
        let Some(place) = KEYS.iter().position(|known| *known == name) else {
            let fault = Fault::unknown(key.at, name, &KEYS.map(str::to_owned));
            // A user may be of another program's making, with keys of its own.
            return Err(match fault.help.as_deref() {
                Some(help) if help.starts_with("did you mean") => fault,
                _ => fault.help(SHAPE),
            });
        };
        let Item::Text(text) = &value.item else {
            return Err(model::wrong(value, name, "text in quotes"));
        };
        values[place] = Some((value.at, text.clone()));
        Ok(())
    })?;
    let [username, password, name] = values;
    let missing =
        |key: &str| Fault::new(node.at, format!("the entry `{key}` is missing")).help(SHAPE);
    Ok(Chosen {
        line,
        username: username
            .ok_or_else(|| missing("username"))?
            .1
            .expose()
            .to_owned(),
        password: password.ok_or_else(|| missing("password"))?.1,
        name: name.map(|(_, name)| name.expose().to_owned()),
    })
}

//! The guarantee: nothing is written before all three of its parts hold for the edited text.

mod containers;
mod print;

use std::collections::{HashMap, HashSet};
use std::fmt;

use clearml_secure_core::container::VariableValue;
use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::edit::Edit;
use clearml_secure_core::effective::{Effective, Hazard, Origin, Value};
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::fixed_users::FixedUsers;
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::setting::Server;
use clearml_secure_core::unseen::Hides;
use print::{Print, Reader};

pub use containers::Containers;

use crate::intended::Intended;
use crate::plan::Plan;
use crate::ports::{Ports, is_bound};

/// Which part of the guarantee does not hold, and why.
#[derive(Debug)]
pub enum Broken {
    /// A server would not read what the keyset says.
    Effective {
        /// The setting and the server, and what is in the way.
        reason: String,
        /// What to do about it, where one thing helps.
        help: Option<String>,
    },
    /// The second parser sees a difference that was not intended.
    Elsewhere {
        /// The path of the difference.
        path: String,
    },
    /// A line changed that no edit touches.
    Lines,
    /// The edited text cannot be read again.
    Unreadable {
        /// Why.
        reason: String,
    },
}

impl Broken {
    fn effective(reason: String) -> Self {
        Self::Effective { reason, help: None }
    }

    /// What to do.
    pub fn help(&self) -> String {
        match self {
            Self::Effective {
                help: Some(help), ..
            } => format!("nothing was written; {help}"),
            Self::Effective { .. }
            | Self::Elsewhere { .. }
            | Self::Lines
            | Self::Unreadable { .. } => {
                "nothing was written; change what is named, then run this again".to_owned()
            }
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Effective { reason, .. } => f.write_str(reason),
            Self::Elsewhere { path } => {
                write!(f, "the edit would change {path}, which it must not")
            }
            Self::Lines => f.write_str("the edit would change a line that it must not"),
            Self::Unreadable { reason } => {
                write!(f, "the file could not be read again: {reason}")
            }
        }
    }
}

/// Proves an edited text. `load` reads the deployment anew, with the edited text in place of the first; it is
/// called last, so that a large file is not held in three forms at once. `containers` are those of before.
///
/// # Errors
/// The part that does not hold.
pub fn prove(
    before: &str,
    after: &str,
    plan: &Plan,
    keyset: &Keyset,
    asked: Ports,
    containers: &Containers,
    load: impl FnOnce() -> Result<Deployment, CoreError>,
) -> Result<(), Broken> {
    lines(before, after, &plan.edits)?;
    elsewhere(before, after, plan)?;
    let deployment = load().map_err(|error| Broken::Unreadable {
        reason: error.to_string(),
    })?;
    effective(&deployment, keyset)?;
    ports(&deployment, asked)?;
    containers.difference(&deployment, plan).map_or(Ok(()), Err)
}

/// Part 1: every setting is, at every server that must read it, exactly the keyset's value.
fn effective(deployment: &Deployment, keyset: &Keyset) -> Result<(), Broken> {
    let effective = Effective::of(deployment);
    if let Some((server, fatal)) = effective
        .servers
        .iter()
        .find_map(|server| Some((server.server, server.fatal.first()?)))
    {
        let place = deployment.sources.place(fatal.span);
        return Err(Broken::effective(format!(
            "{server} would not start: {place}: {}",
            fatal.message
        )));
    }
    for reading in effective.readings() {
        let Some(secret) = keyset.get(reading.setting) else {
            continue;
        };
        let meddles = reading
            .hazards
            .iter()
            .any(|hazard| matches!(hazard, Hazard::Interpolated(_)));
        if reading.value.text() == Some(secret) && !meddles {
            continue;
        }
        let place = deployment.sources.place(reading.span(deployment));
        let removes = || Some(format!("remove the line at {place}, then run this again"));
        let (why, help) = match (&reading.value, reading.origin) {
            (Value::Unknown(why), _) => (why.clone(), None),
            (_, Origin::Variable(_) | Origin::File(_)) => {
                (format!("{place} sets it and wins"), removes())
            }
            _ => ("nothing would set it".to_owned(), None),
        };
        return Err(Broken::Effective {
            reason: format!(
                "{} would not read the keyset's {}: {why}",
                reading.server, reading.setting
            ),
            help,
        });
    }
    users(deployment, &effective, keyset)?;
    for variable in deployment
        .project
        .services
        .iter()
        .flat_map(|service| &service.environment)
    {
        if let VariableValue::Refused(message) = &variable.value {
            let place = deployment.sources.place(variable.span);
            return Err(Broken::effective(format!(
                "compose refuses the file: {place}: {message}"
            )));
        }
    }
    unique_items(deployment)?;
    // An env_file that is not here may hold a spelling that wins over what is injected.
    let of_servers = deployment.unseen.iter().find(|unseen| {
        unseen.service.as_ref().is_some_and(|name| {
            deployment
                .instances
                .iter()
                .any(|instance| deployment.service(instance).name == *name)
        }) && unseen.hides == Hides::Variables
    });
    match of_servers {
        Some(unseen) => Err(Broken::effective(format!(
            "{} cannot be seen, and may win over what is injected: {}",
            unseen.what, unseen.reason
        ))),
        None => Ok(()),
    }
}

/// Compose refuses a list in which an item stands twice.
fn unique_items(deployment: &Deployment) -> Result<(), Broken> {
    for service in &deployment.project.services {
        for part in &service.parts {
            let field = part.node.get("environment");
            let items = field.as_ref().and_then(|field| field.value.items());
            let mut seen = HashSet::new();
            let double = items
                .unwrap_or_default()
                .iter()
                .find(|item| item.text().is_some_and(|text| !seen.insert(text)));
            if let Some(double) = double {
                let place = deployment.sources.place(double.span(part.source));
                return Err(Broken::effective(format!(
                    "compose refuses the file: {place}: this item would stand in the list twice"
                )));
            }
        }
    }
    Ok(())
}

/// Part 1 for what is published: nothing of the databases, and servers on one address only, as far as it was asked for.
fn ports(deployment: &Deployment, asked: Ports) -> Result<(), Broken> {
    for (index, service) in deployment.project.services.iter().enumerate() {
        let is_closed = asked.close && deployment.database(service).is_some();
        let bound = asked
            .bind
            .filter(|_| !is_closed && is_bound(deployment, index));
        let wrong = service.ports.iter().find(|port| match bound {
            Some(address) => !port.is_at(address),
            None => is_closed,
        });
        if let Some(port) = wrong {
            let place = deployment.sources.place(port.span);
            return Err(Broken::effective(format!(
                "{place} would still publish port {}",
                port.shown()
            )));
        }
        let unread = deployment.project.unseen.iter().find(|unseen| {
            unseen.hides == Hides::Port && unseen.service.as_deref() == Some(&service.name)
        });
        if let Some(unseen) = unread.filter(|_| is_closed || bound.is_some()) {
            return Err(Broken::effective(format!(
                "{} cannot be read: {}",
                unseen.what, unseen.reason
            )));
        }
    }
    Ok(())
}

/// Part 1 for the web login: the API server has the keyset's users, and no others.
fn users(deployment: &Deployment, effective: &Effective, keyset: &Keyset) -> Result<(), Broken> {
    if keyset.users().is_empty() {
        return Ok(());
    }
    let servers = effective.servers.iter();
    for server in servers.filter(|server| server.server == Server::Apiserver) {
        let found = FixedUsers::of(server, deployment);
        let is_same = found.enabled == Some(true)
            && found.is_hashed == Some(true)
            && found.users.len() == keyset.users().len()
            && found.users.iter().zip(keyset.users()).all(|(one, meant)| {
                one.username == meant.username
                    && one.password.as_ref() == Some(&meant.password_hash)
            });
        if !is_same {
            return Err(Broken::effective(
                "the web-login users at apiserver would not be the keyset's".to_owned(),
            ));
        }
    }
    Ok(())
}

/// Part 2: parsed by serde_yaml, old and new differ at the intended paths and nowhere else.
fn elsewhere(before: &str, after: &str, plan: &Plan) -> Result<(), Broken> {
    let reader = Reader::new();
    let read = |text: &str| {
        reader.read(text).map_err(|line| Broken::Unreadable {
            reason: match line {
                Some(line) => format!("a second YAML parser does not accept line {line}"),
                None => "a second YAML parser does not accept it".to_owned(),
            },
        })
    };
    let (mut old, mut new) = (read(before)?, read(after)?);
    for document in old.iter_mut().chain(&mut new) {
        for one in &plan.intended {
            document.name_bare_item(&reader, &one.service, &one.name);
        }
    }
    let mut by_path: HashMap<String, &Intended> = HashMap::new();
    let mut by_name: HashMap<&str, Vec<&Intended>> = HashMap::new();
    for one in &plan.intended {
        by_path.insert(
            format!("services/{}/environment/{}", one.service, one.name),
            one,
        );
        by_name.entry(&one.name).or_default().push(one);
    }
    let is_meant = |one: &Intended, print: &Print| match print {
        // In a list outside the services the name is part of the item.
        Print::Pair(name, _) if **name == *one.name => {
            reader.is_text(print, &format!("{name}={}", *one.written))
        }
        print => reader.is_text(print, &one.written),
    };
    let allowed = |path: &str, print: Option<&Print>| {
        let Some(print) = print else {
            return false;
        };
        if let Some(port) = plan.ports.iter().find(|port| port.path == path) {
            return match &port.text {
                Some(text) => reader.is_text(print, text),
                None => *print == Print::Seq(Vec::new()),
            };
        }
        match by_path.get(path) {
            Some(one) => is_meant(one, print),
            // A shared mapping outside the services may hold a value that was replaced where it stands.
            None if !path.starts_with("services/") => {
                let name = match print {
                    Print::Pair(name, _) => name,
                    _ => path.rsplit('/').next().unwrap_or(path),
                };
                by_name
                    .get(name)
                    .is_some_and(|ones| ones.iter().any(|one| is_meant(one, print)))
            }
            None => false,
        }
    };
    if old.len() != new.len() {
        return Err(Broken::Lines);
    }
    let mut pairs = old.iter().zip(&new);
    match pairs.find_map(|(old, new)| difference(Some(old), Some(new), "", &allowed)) {
        Some(path) => {
            // An item without a value has no name here but a fingerprint.
            let names: Vec<&str> = path
                .split('/')
                .filter(|name| !name.starts_with('='))
                .collect();
            let path = clearml_secure_core::shown::escape(&names.join("/")).into_owned();
            Err(Broken::Elsewhere { path })
        }
        None => Ok(()),
    }
}

/// The first path at which two documents differ although they must not.
fn difference(
    old: Option<&Print>,
    new: Option<&Print>,
    path: &str,
    allowed: &dyn Fn(&str, Option<&Print>) -> bool,
) -> Option<String> {
    let below = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}/{key}")
        }
    };
    match (old, new) {
        (old, new) if old == new => None,
        (Some(Print::Map(old)), Some(Print::Map(new))) => {
            let gone = old.iter().find_map(|(key, value)| {
                difference(Some(value), new.get(key), &below(key), allowed)
            });
            gone.or_else(|| {
                let came = new.iter().filter(|(key, _)| !old.contains_key(*key));
                came.into_iter()
                    .find_map(|(key, value)| difference(None, Some(value), &below(key), allowed))
            })
        }
        (Some(Print::Seq(old)), Some(Print::Seq(new)))
            if old.len() == new.len()
                && (path.ends_with("/ports") || !path.starts_with("services/")) =>
        {
            let pairs = old.iter().zip(new).enumerate();
            pairs.into_iter().find_map(|(number, (old, new))| {
                difference(Some(old), Some(new), &below(&number.to_string()), allowed)
            })
        }
        // An environment that was not there, or held nothing.
        (_, Some(Print::Map(new))) if path.ends_with("/environment") => new
            .iter()
            .find_map(|(key, value)| difference(None, Some(value), &below(key), allowed)),
        (_, new) if allowed(path, new) => None,
        _ => Some(path.to_owned()),
    }
}

/// Part 3: every byte outside the edited lines is the same, in the same order.
fn lines(before: &str, after: &str, edits: &[Edit]) -> Result<(), Broken> {
    let mut from = 0;
    let mut at = 0;
    for edit in edits.iter().map(Some).chain([None]) {
        let (start, end) = match edit {
            Some(edit) => (
                before[..edit.range.start]
                    .rfind('\n')
                    .map_or(0, |newline| newline + 1),
                before[edit.range.end..]
                    .find('\n')
                    .map_or(before.len(), |newline| edit.range.end + newline + 1),
            ),
            None => (before.len(), before.len()),
        };
        if start > from {
            let kept = &before[from..start];
            let position = line_wise(after, at, kept).ok_or(Broken::Lines)?;
            at = position + kept.len();
        }
        from = from.max(end);
    }
    Ok(())
}

/// Where some whole lines stand in a text, from a byte on.
fn line_wise(text: &str, mut from: usize, lines: &str) -> Option<usize> {
    loop {
        let at = from + text.get(from..)?.find(lines)?;
        if at == 0 || text[..at].ends_with('\n') {
            return Some(at);
        }
        // An empty line in front of others is also found at the end of what was put there.
        from = at + text[at..].find('\n')? + 1;
    }
}

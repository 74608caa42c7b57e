//! The sections beside the services, merged and held against their forms.

use std::collections::{BTreeMap, HashSet};

use super::Fault;
use super::check::{Check, Looks, UNKNOWN_KEY};
use super::forms::{Key, Merge};
use super::merge::Merger;
use super::sections::SECTIONS;
use super::texts::When;
use super::tree::{Entry, Tree, Value};
use crate::compose::{Project, attribute};
use crate::shown::{escape, or};
use crate::source::Span;

/// Adds the faults, one a section, and the names that each section has.
pub(super) fn faults(
    project: &Project,
    names: &mut BTreeMap<&'static str, HashSet<String>>,
    faults: &mut Vec<Fault>,
) {
    faults.extend(unknown_key(project));
    for key in SECTIONS {
        match merged(project, key) {
            Err(fault) => faults.push(fault),
            Ok(None) => drop(names.insert(key.name, HashSet::new())),
            Ok(Some(tree)) => {
                let entries = tree.entries().iter();
                let of_section = names.entry(key.name).or_default();
                of_section.extend(entries.map(|entry| entry.name.to_string()));
                faults.extend(match key.name {
                    "name" => project_name(project, &tree),
                    _ => whole(project, key.name, &tree),
                });
            }
        }
    }
    if let Some(networks) = names.get_mut("networks") {
        networks.insert("default".to_owned());
    }
    faults.extend(extension(project));
}

/// The first key at the top of a file that compose does not know.
fn unknown_key(project: &Project) -> Option<Fault> {
    let is_known = |name: &str| {
        name.starts_with("x-")
            || ["include", "services"].contains(&name)
            || SECTIONS.iter().any(|key| key.name == name)
    };
    project.whole_documents().find_map(|document| {
        let fields = document.root.fields().into_iter();
        let mut unknown = fields.filter(|field| {
            let name = field.key.scalar().map_or("", |key| key.text());
            !is_known(name)
        });
        let field = unknown.next()?;
        Some(Fault {
            path: escape(field.key.text().unwrap_or_default()).into_owned(),
            message: UNKNOWN_KEY.to_owned(),
            span: field.key.span(document.source),
        })
    })
}

/// A section of all files, or its first fault.
fn merged<'a>(project: &'a Project, key: &'a Key) -> Result<Option<Tree<'a>>, Fault> {
    let merger = Merger { project };
    let mut all: Option<Tree<'a>> = None;
    for document in project.whole_documents() {
        if document.tags.at(&[key.name]).is_some() {
            all = None;
        }
        if let Some(all) = &mut all {
            all.clear(&document.tags, &mut vec![key.name.to_owned()]);
        }
        let Some(field) = document.root.get(key.name) else {
            continue;
        };
        let span = field.key.span(document.source);
        let check = |tree: &Tree<'_>, looks: Looks| {
            let fault = Check::new(project, looks, &[key.name]).fault(tree, key.forms, span);
            fault.map_or(Ok(()), Err)
        };
        let tree = Tree::of(document, field.value);
        check(&tree, Looks::At(When::Loaded))?;
        let mut merged = match all {
            None => tree,
            Some(all) => merger
                .merge(all, tree, key.forms, key.merge)
                .map_err(|clash| clash.in_path(&[key.name]))?,
        };
        check(&merged, Looks::At(When::Merged))?;
        if let Value::Map(entries) = &mut merged.value {
            for entry in entries {
                if let Some(fault) = settle(project, key.name, entry) {
                    return Err(fault);
                }
            }
        }
        all = Some(merged);
    }
    Ok(all)
}

/// Makes of `external: {name: …}` what compose makes of it before it merges the next file.
fn settle<'a>(project: &Project, section: &str, entry: &mut Entry<'a>) -> Option<Fault> {
    let external = entry.value.get_mut("external")?;
    let Value::Map(_) = external.value else {
        return None;
    };
    let Value::Map(own) = std::mem::replace(&mut external.value, Value::Bool(true)) else {
        return None;
    };
    let own = own.into_iter().find(|one| one.name == "name")?;
    let Some(name) = entry.value.get("name") else {
        if let Value::Map(entries) = &mut entry.value.value {
            entries.push(own);
        }
        return None;
    };
    let (name, other) = (name.text(project)?, own.value.text(project)?);
    (name != other).then(|| {
        let message = "`name` and `external.name` are not the same";
        said(section, &entry.name, message, own.at)
    })
}

fn said(section: &str, name: &str, message: &str, span: Span) -> Fault {
    Fault {
        path: format!("{section}.{}", escape(name)),
        message: message.to_owned(),
        span,
    }
}

/// A project has a name of letters and digits; compose leaves out all others.
fn project_name(project: &Project, tree: &Tree<'_>) -> Option<Fault> {
    let own = project.env().value("COMPOSE_PROJECT_NAME");
    let name = tree.text(project)?;
    let is_right = name.is_empty() || name.bytes().any(|byte| byte.is_ascii_alphanumeric());
    (!is_right && own.is_none()).then(|| Fault {
        path: "name".to_owned(),
        message: "it must have a letter from a to z or a digit".to_owned(),
        span: tree.span,
    })
}

/// What does not go together in what all files say of a network, a volume and the like.
fn whole(project: &Project, section: &str, tree: &Tree<'_>) -> Option<Fault> {
    tree.entries().iter().find_map(|entry| {
        let (message, span) = match section {
            "configs" => content(project, entry, &["file", "environment", "content"]),
            "secrets" => content(project, entry, &["file", "environment"]),
            "volumes" => external_volume(project, entry),
            _ => None,
        }?;
        Some(said(section, &entry.name, &message, span))
    })
}

/// Whether somebody else makes it; none where that is not known.
fn is_external(project: &Project, tree: &Tree<'_>) -> Option<bool> {
    match tree.get("external") {
        None => Some(false),
        Some(external) => match &external.value {
            Value::Bool(value) => Some(*value),
            Value::Text(_) => attribute::switch(&external.text(project)?),
            _ => Some(true),
        },
    }
}

/// From where a config or a secret has its content.
fn content(project: &Project, entry: &Entry<'_>, keys: &[&str]) -> Option<(String, Span)> {
    let tree = &entry.value;
    let listed: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    let given = keys.iter().filter(|key| tree.get(key).is_some());
    if given.count() > 1 {
        return Some((
            format!("only one of {} may be there", or(&listed)),
            entry.at,
        ));
    }
    let has_file = tree.get("file").is_some() || tree.get("content").is_some();
    let of_variable = tree.get("environment");
    let is_named =
        of_variable.is_some_and(|name| name.text(project).is_none_or(|name| !name.is_empty()));
    let is_config = keys.contains(&"content");
    // Of a config, compose asks no more than whether a key is there.
    let is_right = match is_config {
        true => has_file || of_variable.is_some() || tree.get("external").is_some(),
        false => has_file || is_named || is_external(project, tree) != Some(false),
    };
    (!is_right).then(|| {
        (
            format!("it lacks {} or `external: true`", or(&listed)),
            entry.at,
        )
    })
}

/// An external volume has its name alone.
fn external_volume(project: &Project, entry: &Entry<'_>) -> Option<(String, Span)> {
    if is_external(project, &entry.value) != Some(true) {
        return None;
    }
    let is_own = |name: &str| ["name", "external"].contains(&name) || name.starts_with("x-");
    let mut others = entry.value.entries().iter();
    let other = others.find(|other| !is_own(&other.name))?;
    let message = format!(
        "`external` and `{}` exclude each other",
        escape(&other.name)
    );
    Some((message, other.at))
}

/// The first extension that two files have in two kinds. What a file includes keeps its own.
fn extension(project: &Project) -> Option<Fault> {
    let mut all: BTreeMap<(usize, &str), Tree<'_>> = BTreeMap::new();
    project.whole_documents().nth(1)?;
    let merger = Merger { project };
    for document in project.whole_documents() {
        for field in document.root.fields() {
            let name = field.key.scalar().map_or("", |key| key.text());
            if !name.starts_with("x-") {
                continue;
            }
            let before = all.remove(&(document.group, name));
            let mut before = before.filter(|_| document.tags.at(&[name]).is_none());
            if let Some(before) = &mut before {
                before.clear(&document.tags, &mut vec![name.to_owned()]);
            }
            let tree = Tree::of(document, field.value);
            let merged = match before {
                None => Ok(tree),
                Some(before) => merger.merge(before, tree, &[], Merge::Deep),
            };
            match merged {
                Ok(tree) => drop(all.insert((document.group, name), tree)),
                Err(clash) => return Some(clash.in_path(&[name])),
            }
        }
    }
    None
}

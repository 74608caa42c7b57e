//! The environment of a container: `env_file`, then `environment`, over all parts of a service.

use std::collections::BTreeMap;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{Hides, Part, Project, Unseen, interpolate};
use crate::dotenv;
use crate::error::Error;
use crate::secret::Secret;
use crate::source::{SourceId, Sources, Span};
use crate::yaml::{Node, Quoting, Typed};

/// One variable of a container.
#[derive(Debug)]
pub struct Variable {
    /// Its name, as written.
    pub name: String,
    /// Its value in the container.
    pub value: VariableValue,
    /// Which kind of place sets it.
    pub origin: Origin,
    /// The name and the value, as they stand.
    pub span: Span,
    /// The value alone; empty after the name where there is none.
    pub value_span: Span,
    /// What interpolation met in it, with spans in the value before interpolation.
    pub interpolated: Vec<interpolate::Variable>,
    /// How long the value was before interpolation, in bytes.
    pub written_length: usize,
    /// Whether YAML made another text of an unquoted value, e.g. `010` to `8`.
    pub retyped: bool,
}

/// What the container gets.
#[derive(Clone, Debug)]
pub enum VariableValue {
    /// This text.
    Known(Secret),
    /// Compose refuses the file because of this value: the reason.
    Refused(String),
    /// Compose refuses the file as long as this variable has no value (`${NAME:?…}`). Its name, unless it stands
    /// among other text and may be part of a password.
    Required(Option<String>),
    /// Named without a value, and `.env` has none: the container does not get it, unless the shell that runs
    /// compose has it.
    Unset,
}

/// Which kind of place sets a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line of an `env_file`.
    EnvFile,
    /// An entry of `environment`.
    Environment,
}

impl VariableValue {
    /// The text, where it is known.
    pub fn known(&self) -> Option<&Secret> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }
}

/// All variables of a service, sorted by name.
pub(super) fn of_service(
    project: &mut Project,
    sources: &mut Sources,
    service: &str,
    parts: &[Part],
) -> Result<Vec<Variable>, Error> {
    let mut environment = BTreeMap::new();
    for part in parts {
        let Some(field) = part.node.get("environment") else {
            continue;
        };
        if matches!(field.value.tag(), Some("!reset" | "!override")) {
            environment.clear();
        }
        if field.value.tag() != Some("!reset") {
            add_environment(project, sources, part.source, field.value, &mut environment)?;
        }
    }
    // A file may use what `environment` sets, which then wins over the file's own line of that name.
    let mut variables = BTreeMap::new();
    for (source, item) in env_file_items(parts) {
        read_env_file(
            project,
            sources,
            service,
            source,
            &item,
            &environment,
            &mut variables,
        )?;
    }
    variables.extend(environment);
    Ok(variables.into_values().collect())
}

fn add_environment(
    project: &Project,
    sources: &Sources,
    source: SourceId,
    environment: &Arc<Node>,
    variables: &mut BTreeMap<String, Variable>,
) -> Result<(), Error> {
    if environment.is_null() {
        return Ok(());
    }
    let refuse = |node: &Node, message: &str| Error::Compose {
        place: sources.place(node.span(source)),
        message: message.to_owned(),
        help: Some("mend the line; `docker compose config` refuses it too".to_owned()),
    };
    if let Some(items) = environment.items() {
        for item in items {
            let Some(scalar) = item.scalar() else {
                return Err(refuse(item, "an item of `environment` is no text"));
            };
            let variable = from_item(project, sources, source, item.target(), scalar.text());
            variables.insert(variable.name.clone(), variable);
        }
        return Ok(());
    }
    if environment.entries().is_none() {
        return Err(refuse(
            environment,
            "`environment` is neither a mapping nor a list",
        ));
    }
    for field in environment.fields() {
        let Some(name) = field.key.scalar() else {
            return Err(refuse(field.key, "the name of a variable is no text"));
        };
        if field.value.tag() == Some("!reset") {
            variables.remove(name.text());
            continue;
        }
        if field.value.scalar().is_none() {
            return Err(refuse(
                field.value,
                "the value of a variable is neither text nor number",
            ));
        }
        let variable = from_field(
            project,
            sources,
            source,
            name.text(),
            field.key,
            field.value,
        );
        variables.insert(variable.name.clone(), variable);
    }
    Ok(())
}

/// Where a value stands. One that is not written stands behind its key's colon.
fn value_span(sources: &Sources, key: Span, value: Span) -> Span {
    if value.start < value.end {
        return value;
    }
    let behind = sources.text(key.source).get(key.end..).unwrap_or_default();
    let start = behind
        .find(':')
        .map_or(key.end, |colon| key.end + colon + 1);
    Span {
        start,
        end: start,
        ..key
    }
}

fn from_field(
    project: &Project,
    sources: &Sources,
    source: SourceId,
    name: &str,
    key: &Node,
    value: &Node,
) -> Variable {
    let typed = value.typed().unwrap_or(Typed::Null);
    let text = value
        .scalar()
        .map(|scalar| scalar.text())
        .unwrap_or_default();
    let value_span = value_span(sources, key.span(source), value.span(source));
    let mut variable = Variable {
        name: name.to_owned(),
        value: VariableValue::Unset,
        origin: Origin::Environment,
        span: key.span(source).to(value_span),
        value_span,
        interpolated: Vec::new(),
        written_length: text.len(),
        retyped: false,
    };
    match typed {
        Typed::Null => variable.value = inherited(project, name),
        typed => match typed.rewritten() {
            Some(rewritten) => {
                variable.retyped = rewritten != text;
                variable.value = VariableValue::Known(Secret::new(rewritten));
            }
            None => (variable.value, variable.interpolated) = interpolated(project, text, 0),
        },
    }
    variable
}

/// `NAME=value` or `NAME`. The whole item is interpolated, the name with it, as compose does.
fn from_item(
    project: &Project,
    sources: &Sources,
    source: SourceId,
    item: &Node,
    text: &str,
) -> Variable {
    let span = item.span(source);
    let value_start = text.find('=').map_or(0, |equals| equals + 1);
    let (value, uses) = interpolated(project, text, value_start);
    let whole = match &value {
        VariableValue::Known(whole) => whole.expose().to_owned(),
        _ => text.to_owned(),
    };
    let (name, known) = match whole.split_once('=') {
        Some((name, rest)) => (name.to_owned(), Some(rest.to_owned())),
        None => (whole.clone(), None),
    };
    drop(zeroize::Zeroizing::new(whole));
    let value = match (value, known) {
        (VariableValue::Known(_), Some(rest)) => VariableValue::Known(Secret::new(rest)),
        (VariableValue::Known(_), None) => inherited(project, &name),
        (other, _) => other,
    };
    let written = text.split_once('=').map_or("", |(_, written)| written);
    let (start, end) = item_value(sources.slice(span), item);
    let (start, end) = (span.start + start, span.start + end);
    let before = text.len() - written.len();
    Variable {
        name,
        value,
        origin: Origin::Environment,
        span,
        value_span: Span { start, end, ..span },
        interpolated: uses
            .into_iter()
            .filter(|used| used.span.start >= before)
            .map(|mut used| {
                used.span = used.span.start - before..used.span.end - before;
                used
            })
            .collect(),
        written_length: written.len(),
        retyped: false,
    }
}

/// Where the value stands in an item as it is written: behind the first `=`, without the closing quote; at the
/// end where there is no `=`. An `=` that is written as an escape is not found, and all of the item is its value.
fn item_value(written: &str, item: &Node) -> (usize, usize) {
    let quoted = item
        .scalar()
        .is_some_and(|scalar| matches!(scalar.style, Quoting::Double | Quoting::Single));
    let end = written.len() - usize::from(quoted && !written.is_empty());
    let has_value = item
        .scalar()
        .is_some_and(|scalar| scalar.text().contains('='));
    let start = match written.find('=') {
        Some(equals) => equals + 1,
        None if has_value => usize::from(quoted),
        None => end,
    };
    (start.min(end), end)
}

fn inherited(project: &Project, name: &str) -> VariableValue {
    project
        .env
        .value(name)
        .map_or(VariableValue::Unset, |value| {
            VariableValue::Known(Secret::from(value))
        })
}

/// The value of a text, and what it was made from. The value proper starts at `value_start`.
fn interpolated(
    project: &Project,
    text: &str,
    value_start: usize,
) -> (VariableValue, Vec<interpolate::Variable>) {
    match interpolate::interpolate(text, &|name| project.env.value(name).map(str::to_owned)) {
        Ok(done) => (
            VariableValue::Known(Secret::from(done.text.as_str())),
            done.variables,
        ),
        Err(error) => match error.required() {
            Some(name) => {
                let is_whole = error.offset == value_start && text.ends_with('}');
                let name = is_whole.then(|| name.to_owned());
                (VariableValue::Required(name), Vec::new())
            }
            None => (VariableValue::Refused(error.message), Vec::new()),
        },
    }
}

/// The `env_file` entries of all parts in order: a text, a list of texts, or a list of mappings.
fn env_file_items(parts: &[Part]) -> Vec<(SourceId, Arc<Node>)> {
    let mut items = Vec::new();
    for part in parts {
        let Some(field) = part.node.get("env_file") else {
            continue;
        };
        if matches!(field.value.tag(), Some("!reset" | "!override")) {
            items.clear();
        }
        if field.value.tag() == Some("!reset") || field.value.is_null() {
            continue;
        }
        match field.value.items() {
            Some(list) => items.extend(list.iter().map(|item| (part.source, Arc::clone(item)))),
            None => items.push((part.source, Arc::clone(field.value))),
        }
    }
    items
}

fn read_env_file(
    project: &mut Project,
    sources: &mut Sources,
    service: &str,
    source: SourceId,
    item: &Node,
    environment: &BTreeMap<String, Variable>,
    variables: &mut BTreeMap<String, Variable>,
) -> Result<(), Error> {
    let field = |key: &str| {
        item.get(key)
            .and_then(|field| project.interpolated(field.value))
    };
    let (path, required, raw) = match item.entries() {
        None => (project.interpolated(item), true, false),
        Some(_) => {
            let required = item.get("required").and_then(|field| field.value.typed());
            (
                field("path"),
                required != Some(Typed::Bool(false)),
                field("format").as_deref() == Some("raw"),
            )
        }
    };
    let Some(path) = path else {
        return Ok(());
    };
    let full = project.folder.join(&path);
    // The file for interpolation may be given with another text than it has.
    let given = project
        .env
        .source
        .filter(|source| crate::io::is_same(sources.path(*source), &full));
    let read = match given {
        Some(source) => Ok(Zeroizing::new(sources.text(source).to_owned())),
        None => crate::io::read_text(&full),
    };
    let text = match read {
        Ok(text) => text,
        Err(_) if !required && !full.exists() => return Ok(()),
        Err(error @ Error::Encoding { .. }) => return Err(error),
        Err(error) => {
            // A path that is put together may hold a value of .env.
            let path_node = item.get("path").map_or(item, |field| field.value);
            let written = path_node.text().unwrap_or_default();
            let reason = if written.contains('$') {
                "it cannot be read; `docker compose config` shows its path".to_owned()
            } else {
                error.to_string()
            };
            project.unseen.push(Unseen {
                what: format!("env_file {written}"),
                hides: Hides::Variables,
                reason,
                service: Some(service.to_owned()),
                span: Some(item.span(source)),
            });
            return Ok(());
        }
    };
    let lookup = |name: &str| {
        let own = || {
            environment
                .get(name)?
                .value
                .known()
                .map(|value| value.expose().to_owned())
        };
        project.env.value(name).map(str::to_owned).or_else(own)
    };
    let earlier = |name: &str| {
        let variable = variables.get(name)?;
        variable
            .value
            .known()
            .map(|value| value.expose().to_owned())
    };
    let parsed = if raw {
        dotenv::parse_raw(&text, &lookup)
    } else {
        dotenv::parse_after(&text, &lookup, &earlier)
    };
    let id = sources.add(full, text);
    let entries = parsed.map_err(|error| Error::Dotenv {
        place: sources.place(Span {
            source: id,
            start: error.offset,
            end: error.offset,
        }),
        message: error.message,
    })?;
    for entry in entries {
        // A bare name that nothing around has changes nothing, and a last line can even set no name at all.
        if entry.name.is_empty() || entry.value.is_none() && variables.contains_key(&entry.name) {
            continue;
        }
        let span = |range: &std::ops::Range<usize>| Span {
            source: id,
            start: range.start,
            end: range.end,
        };
        let variable = Variable {
            value: entry
                .value
                .map_or(VariableValue::Unset, VariableValue::Known),
            origin: Origin::EnvFile,
            span: span(&entry.name_span).to(span(&entry.value_span)),
            value_span: span(&entry.value_span),
            interpolated: entry.variables,
            written_length: entry.value_span.len(),
            retyped: false,
            name: entry.name,
        };
        variables.insert(variable.name.clone(), variable);
    }
    Ok(())
}

//! The files of a service's `env_file` and `label_file`: a text, a list of texts, or a list of mappings.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::attribute::counting;
use super::interpolate::{self, Outcome};
use super::parts::{shown, unreadable};
use super::uses::Use;
use super::volume::{HOME, is_of_home, joined};
use super::{Document, DocumentId, Loader, Part, Project, Scope};
use crate::container::{Label, LabelReader, Origin, Variable, VariableValue};
use crate::dotenv;
use crate::error::Error;
use crate::knowable::{Knowable, Reason};
use crate::secret::Secret;
use crate::source::{SourceId, Sources, Span};
use crate::unseen::{Hides, Unseen};
use crate::yaml::{Node, Typed};

type Variables = BTreeMap<String, Variable>;

/// One entry of `env_file`.
struct EnvFile {
    path: PathBuf,
    /// The variables of the document that names it.
    scope: Scope,
    /// What compose knows it by where it puts the files of that scope together, and where it does so with those around.
    names: [String; 2],
    /// The path as it may be shown.
    shown: String,
    /// As it is written, where a value of an env file is in it.
    written: Option<String>,
    is_required: bool,
    /// `format: raw`: no quotes, no variables.
    is_raw: bool,
    /// Whether compose starts its path at a home folder.
    is_of_home: bool,
    span: Span,
}

/// What came of opening one.
enum Opened {
    /// It need not be there, and is not.
    Nothing,
    Source(SourceId),
    /// The error, or none where the file is in a home folder.
    Unseen(Option<Error>),
}

fn open(loader: &mut Loader, sources: &mut Sources, file: &EnvFile) -> Result<Opened, Error> {
    if file.is_of_home {
        return Ok(Opened::Unseen(None));
    }
    match loader.open_written(sources, &file.path, file.written.as_deref()) {
        Ok(source) => Ok(Opened::Source(source)),
        Err(_) if !file.is_required && !file.path.exists() => Ok(Opened::Nothing),
        Err(error @ Error::Encoding { .. }) => Err(error),
        Err(error) => Ok(Opened::Unseen(Some(error))),
    }
}

/// The variables of all files of a service, without those that `environment` sets.
pub(super) fn of_service(
    project: &mut Project,
    loader: &mut Loader,
    sources: &mut Sources,
    service: &str,
    parts: &[Part],
    environment: &Variables,
) -> Result<Variables, Error> {
    let mut variables = Variables::new();
    // What is extended and is not here comes before these files, and what it says below `environment` wins over them.
    let base = project.unread_base(service).map(Unseen::may_set_variables);
    let mut missing = base.clone();
    for file in files(project, parts, "env_file") {
        match open(loader, sources, &file)? {
            Opened::Source(source) => {
                let before = Before {
                    environment,
                    missing: missing.as_ref(),
                };
                read(project, sources, source, &file, &before, &mut variables)?;
            }
            Opened::Nothing => {}
            Opened::Unseen(why) => {
                let key = ("env_file", Hides::Variables);
                let unseen = unseen(key, service, &file, why);
                let reason = unseen.may_set_variables();
                set_again(variables.values_mut(), &reason);
                missing.get_or_insert(reason);
                project.unseen.push(unseen);
            }
        }
    }
    if let Some(reason) = base {
        set_again(variables.values_mut(), &reason);
    }
    Ok(variables)
}

/// What is not here comes later, and may set each of these to something else.
pub(super) fn set_again<'a>(
    variables: impl IntoIterator<Item = &'a mut Variable>,
    reason: &Reason,
) {
    for variable in variables {
        variable.value = VariableValue::Unknown(reason.clone());
    }
}

/// What a file may use that comes from elsewhere.
struct Before<'a> {
    environment: &'a Variables,
    /// Why there may be more of that.
    missing: Option<&'a Reason>,
}

/// The labels of all files of a service. A file may use what the files before it set, and nothing else.
pub(super) fn labels(
    project: &mut Project,
    loader: &mut Loader,
    sources: &mut Sources,
    service: &str,
    parts: &[Part],
) -> Result<Vec<Label>, Error> {
    let mut labels = BTreeMap::<String, Label>::new();
    for file in files(project, parts, "label_file") {
        let source = match open(loader, sources, &file)? {
            Opened::Source(source) => source,
            Opened::Nothing => continue,
            Opened::Unseen(why) => {
                let key = ("label_file", Hides::Port);
                project.unseen.push(unseen(key, service, &file, why));
                continue;
            }
        };
        let known = |name: &str| labels.get(name)?.value.known().cloned();
        let at = |start, end| Span { source, start, end };
        let entries = dotenv::parse_after(sources.text(source), &known, &|_| None);
        let entries = entries.map_err(|error| Error::Dotenv {
            place: sources.place(at(error.offset, error.offset)),
            message: error.message,
        })?;
        for entry in entries {
            let value = entry.value.as_ref().map(Secret::expose);
            let (Some(value), name) = (value, entry.name) else {
                continue;
            };
            let label = Label {
                value: Knowable::Known(value.to_owned()),
                reader: LabelReader::Engine,
                span: at(entry.name_span.start, entry.value_span.end),
                name: name.clone(),
            };
            labels.insert(name, label);
        }
    }
    Ok(labels.into_values().collect())
}

/// The files over all parts. One that is named again keeps its first position, as compose has it: by the text that it has
/// then, so that `./a.env` and `a.env` are two.
fn files(project: &Project, parts: &[Part], key: &str) -> Vec<EnvFile> {
    let mut files: Vec<EnvFile> = Vec::new();
    for (part, field) in counting(parts, key) {
        let is_single = field.value.items().is_none() && !field.value.is_null();
        let single = is_single.then_some(field.value);
        for item in field.value.seen_items().chain(single) {
            let Some(file) = file(project, part, item) else {
                continue;
            };
            let is_same = |known: &&mut EnvFile| match known.scope == file.scope {
                true => known.names[0] == file.names[0],
                false => known.names[1] == file.names[1],
            };
            match files.iter_mut().find(is_same) {
                Some(known) => *known = file,
                None => files.push(file),
            }
        }
    }
    files
}

/// What compose knows a path of a document by. What is extended has its path from the project's folder by then, and what is
/// included as soon as it is put together with the files around it.
fn names(project: &Project, document: DocumentId, written: &str) -> [String; 2] {
    let is_extended = !project.order.contains(&document);
    let Document { folder, scope, .. } = &project.documents[document];
    let as_written = || written.to_owned();
    if Path::new(written).is_absolute() || *scope == Scope::PROJECT && !is_extended {
        return [as_written(), as_written()];
    }
    let path = joined(folder, written);
    let path = path.strip_prefix(&project.folder).unwrap_or(&path);
    let parts = path.components().filter(|part| *part != Component::CurDir);
    let path = parts.collect::<PathBuf>().to_string_lossy().into_owned();
    match is_extended {
        true => [path.clone(), path],
        false => [as_written(), path],
    }
}

fn file(project: &Project, part: &Part, item: &Node) -> Option<EnvFile> {
    let field = |key: &str| item.get(key).map(|field| field.value);
    let path_node = match item.entries() {
        Some(_) => field("path")?.as_ref(),
        None => item,
    };
    let path = project.text_of(part, path_node)?;
    let document = &project.documents[part.document];
    // The path may hold a value of an env file. Where a variable leaves nothing of it, what is written tells more.
    let is_private = path.is_empty() || project.holds_a_value(document.scope, path_node);
    let required = field("required").and_then(|node| node.typed());
    let format = field("format").and_then(|node| project.text_of(part, node));
    Some(EnvFile {
        shown: shown(is_private, &path).to_owned(),
        path: joined(&document.folder, &path),
        scope: document.scope,
        names: names(project, part.document, &path),
        is_of_home: is_of_home(&path),
        written: is_private.then(|| path_node.text().unwrap_or_default().to_owned()),
        is_required: required != Some(Typed::Bool(false)),
        is_raw: format.as_deref() == Some("raw"),
        span: item.span(part.source),
    })
}

/// What a file that cannot be read hides. Without an error, it is in a home folder.
fn unseen(
    (key, hides): (&str, Hides),
    service: &str,
    file: &EnvFile,
    error: Option<Error>,
) -> Unseen {
    // A path that is put together may hold a value of .env.
    let is_shown = file.path.to_string_lossy().ends_with(&file.shown);
    Unseen {
        what: format!("{key} {}", file.shown),
        hides,
        reason: error.map_or(HOME.to_owned(), |error| unreadable(is_shown, &error)),
        service: Some(service.to_owned()),
        span: Some(file.span),
    }
}

fn read(
    project: &mut Project,
    sources: &Sources,
    source: SourceId,
    file: &EnvFile,
    before: &Before<'_>,
    variables: &mut Variables,
) -> Result<(), Error> {
    let known = |variables: &Variables, name: &str| {
        let value = variables.get(name)?.value.known()?;
        Some(value.expose().to_owned())
    };
    let around = |name: &str| {
        let value = project.variable(Scope::PROJECT, name).map(str::to_owned);
        value.or_else(|| known(before.environment, name))
    };
    let text = sources.text(source);
    let parsed = if file.is_raw {
        dotenv::parse_raw(text, &around)
    } else {
        dotenv::parse_after(text, &around, &|name| known(variables, name))
    };
    let at = |start, end| Span { source, start, end };
    let entries = parsed.map_err(|error| Error::Dotenv {
        place: sources.place(at(error.offset, error.offset)),
        message: error.message,
    })?;
    for entry in entries {
        let span = at(entry.value_span.start, entry.value_span.end);
        let bare = (entry.value_span.is_empty() && !entry.name.is_empty()).then_some(&entry.name);
        let used = entry.variables.iter().map(|used| &used.name).chain(bare);
        project.env_file_uses.extend(used.map(|name| Use {
            name: name.clone(),
            span,
        }));
        // A bare name that nothing around has changes nothing.
        if entry.value.is_none() && variables.contains_key(&entry.name) {
            continue;
        }
        let is_unset = |used: &interpolate::Variable| {
            matches!(used.outcome, Outcome::Fallback | Outcome::Unset)
        };
        let may_be_set = entry.value.is_none() || entry.variables.iter().any(is_unset);
        let value = match (before.missing, entry.value) {
            (Some(reason), _) if may_be_set => VariableValue::Unknown(reason.clone()),
            (_, value) => value.map_or(VariableValue::Unset, VariableValue::Known),
        };
        let variable = Variable {
            value,
            origin: Origin::EnvFile,
            span: at(entry.name_span.start, entry.name_span.end).to(span),
            value_span: span,
            interpolated: entry.variables,
            written_length: entry.value_span.len(),
            retyped: false,
            name: entry.name,
        };
        variables.insert(variable.name.clone(), variable);
    }
    Ok(())
}

//! `build:` of a service: what its Dockerfile says of the image.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::attribute::counting;
use super::volume::joined;
use super::{Kind, Loader, Part, Project};
use crate::container::{
    Doubt, FileText, HostPath, Mount, MountSource, Origin, Text, Variable, VariableValue,
};
use crate::dockerfile::{self, CopySource};
use crate::dockerignore::{BuildContext, Patterns};
use crate::io::is_link;
use crate::knowable::Knowable;
use crate::source::{SourceId, Sources, Span};
use crate::unseen::Hides;
use crate::yaml::Node;

/// What is known of an image that is built from a Dockerfile.
pub(super) struct Built {
    /// The image that it starts from.
    pub(super) base: Knowable<Text>,
    /// Its variables.
    pub(super) environment: Vec<Variable>,
    /// Its entrypoint and its command, where it has its own.
    pub(super) entrypoint: Option<Vec<String>>,
    pub(super) command: Option<Vec<String>>,
    pub(super) user: Option<Knowable<String>>,
    pub(super) working_directory: Option<Knowable<String>>,
    /// What it copies into the image.
    pub(super) copies: Vec<Mount>,
    /// What else may change what a server reads and is not known.
    pub(super) doubts: Vec<Doubt>,
}

/// The keys of `build`, each from the last part that has it.
#[derive(Default)]
struct Written<'a> {
    context: Option<(&'a Part, &'a Node)>,
    fields: BTreeMap<&'a str, (&'a Part, &'a Arc<Node>)>,
    arguments: BTreeMap<String, Knowable<String>>,
    /// `additional_contexts`, by name.
    contexts: BTreeMap<String, Knowable<String>>,
    /// The last part that says how it is built, and where.
    last: Option<(&'a Part, Span)>,
}

/// What a service is built from; none where it is not built.
pub(super) fn of_service(
    project: &Project,
    loader: &mut Loader,
    sources: &mut Sources,
    parts: &[Part],
) -> Option<Built> {
    let written = written(project, parts);
    let (_, span) = written.last?;
    let context = context(project, &written)
        .map(|folder| Arc::new(given(project, loader, sources, &written, folder)));
    let read = text(project, loader, sources, &written).and_then(|source| {
        let target = written
            .fields
            .get("target")
            .map(|(part, node)| told(project, part, node));
        let target = match target {
            Some(Knowable::Unknown(reason)) => return Knowable::Unknown(reason),
            Some(Knowable::Known(target)) => Some(target),
            None => None,
        };
        let build = dockerfile::Build {
            target: target.as_deref(),
            arguments: &written.arguments,
            contexts: &written.contexts,
            working_directory: &|_| None,
        };
        let image = dockerfile::read(sources.text(source), &build);
        image.map(|image| (source, image))
    });
    Some(match read {
        Knowable::Known((source, image)) => Built {
            base: image.base.map(|text| Text { text, span }),
            environment: image
                .environment
                .into_iter()
                .map(|entry| variable(source, entry))
                .collect(),
            entrypoint: image.entrypoint,
            command: image.command,
            user: image.user,
            working_directory: image.working_directory,
            copies: image
                .copies
                .iter()
                .map(|copy| copied(source, &context, copy))
                .collect(),
            doubts: image
                .doubts
                .into_iter()
                .map(|doubt| Doubt {
                    hides: Hides::Variables,
                    span: at(source, &doubt.span),
                    reason: doubt.reason,
                })
                .collect(),
        },
        Knowable::Unknown(reason) => Built {
            base: Knowable::Unknown(reason.clone()),
            environment: Vec::new(),
            entrypoint: None,
            command: None,
            user: None,
            working_directory: None,
            copies: Vec::new(),
            doubts: vec![Doubt {
                hides: Hides::Variables,
                reason,
                span,
            }],
        },
    })
}

fn written<'a>(project: &Project, parts: &'a [Part]) -> Written<'a> {
    let mut written = Written::default();
    for (part, field) in counting(parts, "build") {
        let node = field.value;
        if node.is_null() {
            continue;
        }
        written.last = Some((part, node.span(part.source)));
        if node.entries().is_none() {
            written.context = Some((part, node));
        }
        for field in node.fields() {
            match field.key.text() {
                Some("context") => written.context = Some((part, field.value)),
                Some("args") => pairs(project, part, field.value, &mut written.arguments),
                Some("additional_contexts") => {
                    pairs(project, part, field.value, &mut written.contexts);
                }
                Some(name) => drop(written.fields.insert(name, (part, field.value))),
                None => {}
            }
        }
    }
    written
}

/// `args` or `additional_contexts`, as a mapping or a list. An argument without a value takes that of the project's
/// environment.
fn pairs(
    project: &Project,
    part: &Part,
    node: &Node,
    pairs: &mut BTreeMap<String, Knowable<String>>,
) {
    let inherited = |name: &str| match project.env().value(name) {
        Some(value) => Knowable::Known(value.to_owned()),
        None => Knowable::unknown("a build argument takes its value from the shell"),
    };
    for field in node.fields() {
        let Some(name) = field.key.text() else {
            continue;
        };
        let value = if field.value.is_null() {
            inherited(name)
        } else {
            told(project, part, field.value)
        };
        pairs.insert(name.to_owned(), value);
    }
    for item in node.seen_items() {
        let Knowable::Known(text) = told(project, part, item) else {
            continue;
        };
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Knowable::Known(value.to_owned())),
            None => (text.as_str(), inherited(&text)),
        };
        pairs.insert(name.to_owned(), value);
    }
}

const NO_VALUE: &str = "a variable in the text of its Dockerfile has no value in these files; compose takes `$$` for a `$` there";

/// The Dockerfile: in the compose file, or in the folder of the build.
fn text(
    project: &Project,
    loader: &mut Loader,
    sources: &mut Sources,
    written: &Written<'_>,
) -> Knowable<SourceId> {
    if let Some((part, node)) = written.fields.get("dockerfile_inline") {
        let name = format!(
            "{} (dockerfile_inline)",
            sources.path(part.source).display()
        );
        let scope = project.documents[part.document].scope;
        let text = node.text().map_or(Knowable::unknown(NO_VALUE), |text| {
            super::volume::told_or(NO_VALUE, project, scope, text)
        });
        return text.map(|text| sources.add(name, zeroize::Zeroizing::new(text)));
    }
    let file = dockerfile(project, written);
    context(project, written)
        .and_then(|context| file.and_then(|file| open(loader, sources, &joined(&context, &file))))
}

/// What the Dockerfile is called, from the folder of the build.
fn dockerfile(project: &Project, written: &Written<'_>) -> Knowable<String> {
    match written.fields.get("dockerfile") {
        Some((part, node)) => told(project, part, node),
        None => Knowable::Known("Dockerfile".to_owned()),
    }
}

/// What a build is given of its folder: what the Dockerfile's own `.dockerignore` leaves of it, or else that of the folder.
fn given(
    project: &Project,
    loader: &mut Loader,
    sources: &mut Sources,
    written: &Written<'_>,
    folder: PathBuf,
) -> BuildContext {
    let is_inline = written.fields.contains_key("dockerfile_inline");
    let ignored = dockerfile(project, written).and_then(|file| {
        let own = folder.join(format!("{file}.dockerignore"));
        let path = match loader.kind(&own) {
            Kind::Nothing => folder.join(".dockerignore"),
            // Only one of compose's ways to build looks for it.
            _ if is_inline => {
                return Knowable::unknown(
                    "there is a Dockerfile.dockerignore, which some builders read for a Dockerfile in the compose file",
                );
            }
            _ => own,
        };
        if loader.kind(&path) == Kind::Nothing && !is_link(&path) {
            return Knowable::Known(Patterns::default());
        }
        match loader.open(sources, &path) {
            Ok(source) => Patterns::read(sources.text(source)),
            Err(_) => Knowable::unknown("its .dockerignore cannot be read"),
        }
    });
    BuildContext { folder, ignored }
}

/// The folder that a build is given: that of its file where it names none.
fn context(project: &Project, written: &Written<'_>) -> Knowable<PathBuf> {
    let folder = |part: &Part| project.documents[part.document].folder.clone();
    match (written.context, written.last) {
        (Some((part, node)), _) => {
            told(project, part, node).map(|context| joined(&folder(part), &context))
        }
        (None, Some((part, _))) => Knowable::Known(folder(part)),
        (None, None) => Knowable::unknown("its `build` names no folder"),
    }
}

fn open(loader: &mut Loader, sources: &mut Sources, path: &Path) -> Knowable<SourceId> {
    if !loader.is_file(path) {
        return Knowable::unknown("it is built from a Dockerfile that is not here");
    }
    match loader.open(sources, path) {
        Ok(source) => Knowable::Known(source),
        Err(_) => Knowable::unknown("it is built from a Dockerfile that cannot be read"),
    }
}

/// A text with its variables replaced; not known where one of them has no value here.
fn told(project: &Project, part: &Part, node: &Node) -> Knowable<String> {
    super::volume::told(project, &project.documents[part.document], node)
}

fn variable(source: SourceId, entry: dockerfile::EnvironmentEntry) -> Variable {
    let span = at(source, &entry.span);
    Variable {
        name: entry.name,
        value: match entry.value {
            Knowable::Known(value) => VariableValue::Known(value),
            Knowable::Unknown(reason) => VariableValue::Unknown(reason),
        },
        origin: Origin::Image,
        span,
        value_span: span,
        interpolated: Vec::new(),
        written_length: entry.span.len(),
        retyped: false,
    }
}

fn at(source: SourceId, span: &std::ops::Range<usize>) -> Span {
    Span {
        source,
        start: span.start,
        end: span.end,
    }
}

/// What an instruction copies into the image, as a mount that nothing hides but a real one.
fn copied(
    source: SourceId,
    context: &Knowable<Arc<BuildContext>>,
    copy: &dockerfile::Copied,
) -> Mount {
    let (content, name) = match &copy.source {
        CopySource::Context(path) if path.contains(['*', '?', '[']) => (
            Knowable::unknown("its Dockerfile copies files by a pattern"),
            None,
        ),
        CopySource::Context(path) => (
            context.as_ref().map(|context| {
                MountSource::Bind(HostPath {
                    written: path.clone(),
                    path: context.folder.join(path),
                    copied: Some(Arc::clone(context)),
                })
            }),
            path.rsplit('/').next(),
        ),
        CopySource::Inline { name, text } => (
            text.as_ref().map(|text| {
                MountSource::Text(FileText {
                    within: None,
                    name: "a here-document of the Dockerfile".to_owned(),
                    text: text.expose().to_owned().into(),
                })
            }),
            Some(name.as_str()),
        ),
        CopySource::Unknown(reason) => (Knowable::Unknown(reason.clone()), None),
    };
    let is_tree = match content.known() {
        Some(MountSource::Bind(host)) => host.path.is_dir(),
        _ => false,
    };
    let target = copy.to.as_ref().map(|to| match name {
        Some(name) if copy.is_folder && !is_tree => format!("{}/{name}", to.trim_end_matches('/')),
        _ => to.clone(),
    });
    Mount {
        source: content,
        target: target.and_then(|path| super::volume::target(&path)),
        span: at(source, &copy.span),
        is_interpolated: false,
    }
}

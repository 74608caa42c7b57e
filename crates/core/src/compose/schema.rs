//! What Docker Compose 2.40 refuses of a project: what its schema does not have, texts that it cannot read, and names that are
//! not there.
//!
//! As compose does, each service and section is merged file by file, held against the schema after each, and read once all are
//! merged. A value that is wrong says where and what is right. It is no error, because one of a file's other lines may be what
//! an edit is about, and a rule may still find what is wrong beside it. Held against compose: `tests/tests/schema.rs` and
//! `tests/tests/mutations.rs`.

mod basic;
mod check;
mod forms;
mod keys;
mod merge;
mod ports;
mod section;
mod sections;
mod service;
mod texts;
mod tree;
mod whole;

use std::collections::{BTreeMap, HashMap, HashSet};

use super::attribute::attribute;
use super::{Part, Project, Service};
use crate::shown::escape;
use crate::source::Span;
use crate::unseen::{Hides, Unseen};
use check::{Check, Looks};
use forms::{Form, Forms, Merge};
use merge::{Clash, Merger};
use texts::When;
use tree::{Tree, Value};
use whole::{Edges, Known, Whole};

/// What is wrong with a value, and where.
struct Fault {
    path: String,
    message: String,
    span: Span,
}

impl From<Fault> for Unseen {
    fn from(fault: Fault) -> Self {
        Self {
            what: fault.path,
            hides: Hides::Anything,
            reason: format!("docker compose 2.40 refuses it: {}", fault.message),
            service: None,
            span: Some(fault.span),
        }
    }
}

const SERVICE: Forms = &[Form::Fields(&service::SERVICE)];

/// What compose refuses of a project, one thing a service or section.
pub(super) fn refused(project: &Project) -> Vec<Unseen> {
    let mut faults: Vec<Fault> = Vec::new();
    let mut known = HashSet::new();
    for (id, document) in project.documents.iter().enumerate() {
        // A file that is extended twice has documents for each way to it.
        if !known.insert((document.source, document.root.range())) {
            continue;
        }
        faults.extend(keys::fault(project, document));
        if !project.order.contains(&id) {
            faults.extend(loaded(project, id));
        }
    }
    let mut sections = BTreeMap::new();
    section::faults(project, &mut sections, &mut faults);
    let services = project.services.iter();
    let is_built = |service: &Service| attribute(&service.parts, "build").is_some();
    let services = services.map(|service| (service.name.as_str(), is_built(service)));
    let known = Known {
        services: services.collect::<HashMap<_, _>>(),
        sections,
    };
    let mut edges = Edges::new();
    for service in &project.services {
        faults.extend(of_service(project, service, &known, &mut edges));
    }
    faults.extend(whole::circle(&edges));
    let mut said = HashSet::new();
    faults.retain(|fault| said.insert(fault.span));
    faults.into_iter().map(Unseen::from).collect()
}

/// The first text that compose cannot read in a document of which it may only take a service.
fn loaded(project: &Project, id: usize) -> Option<Fault> {
    let document = &project.documents[id];
    let services = document.root.get("services")?.value.fields();
    services.into_iter().find_map(|field| {
        let tree = Tree::of(document, field.value);
        let name = field.key.scalar().map_or("", |key| key.text());
        let mut check = Check::new(project, Looks::At(When::Loaded), &["services", name]);
        check.fault(&tree, SERVICE, field.key.span(document.source))
    })
}

/// The first fault of a service.
fn of_service(
    project: &Project,
    service: &Service,
    known: &Known<'_>,
    edges: &mut Edges,
) -> Option<Fault> {
    let path = || format!("services.{}", escape(&service.name));
    if !forms::is_plain(&service.name) {
        return Some(Fault {
            path: path(),
            message: "a name has only letters, digits, `.`, `_` and `-`".to_owned(),
            span: service.name_span,
        });
    }
    if let Some(part) = service.parts.first().filter(|part| part.node.is_null()) {
        return Some(Fault {
            path: path(),
            message: "it must be a mapping".to_owned(),
            span: part.name,
        });
    }
    let tree = match merged(project, service) {
        Ok(tree) => tree?,
        Err(fault) => return Some(fault),
    };
    is_started(project, &tree)
        .then_some(Whole {
            project,
            known,
            name: &service.name,
            names_image: service.parts.iter().any(Part::runs),
            tree: &tree,
        })
        .and_then(|whole| whole.fault(edges))
}

/// Whether compose starts a service that no profile is asked for; of the others it does not look at what they name.
fn is_started(project: &Project, tree: &Tree<'_>) -> bool {
    let profiles = tree.get("profiles").map_or(&[][..], Tree::items);
    let is_asked = |profile: &Tree<'_>| {
        let profile = profile.text(project);
        project.asks_for(profile.as_deref())
    };
    profiles.is_empty() || profiles.iter().any(is_asked)
}

/// A service as compose has it once all files are merged, or its first fault until then.
fn merged<'a>(project: &'a Project, service: &'a Service) -> Result<Option<Tree<'a>>, Fault> {
    let path = ["services", service.name.as_str()];
    if let Some(fault) = extends_nothing(service, &path) {
        return Err(fault);
    }
    let check = |tree: &Tree<'_>, looks: Looks, span: Span| {
        let fault = Check::new(project, looks, &path).fault(tree, SERVICE, span);
        fault.map_or(Ok(()), Err)
    };
    let tree_of = |part: &'a Part| {
        let mut tree = Tree::of(&project.documents[part.document], &part.node);
        // Compose has followed it by then, and looks at no more of it.
        if let Value::Map(entries) = &mut tree.value {
            entries.retain(|entry| entry.name != "extends");
        }
        if !project.order.contains(&part.document) {
            settle(&mut tree, project);
        }
        tree
    };
    if let [part] = &service.parts[..] {
        let mut tree = tree_of(part);
        check(&tree, Looks::All, part.name)?;
        settle(&mut tree, project);
        return Ok(Some(tree));
    }
    let merger = Merger { project };
    let merge = |base: Option<Tree<'a>>, other: Tree<'a>| match base {
        None => Ok(other),
        Some(base) => { merger.merge(base, other, SERVICE, Merge::Deep) }
            .map_err(|clash| clash.in_path(&path)),
    };
    // What the files so far say, and what a service of the next one extends.
    let (mut all, mut own): (Option<Tree<'a>>, Option<Tree<'a>>) = (None, None);
    for part in &service.parts {
        let tree = tree_of(part);
        let is_whole = project.order.contains(&part.document) && part.service == service.name;
        if is_whole {
            check(&tree, Looks::At(When::Loaded), part.name)?;
        }
        if !part.ignores_tags {
            let reached = if part.reach == 0 { all.as_mut() } else { None };
            for before in own.as_mut().into_iter().chain(reached) {
                let within = part.within(&[]).into_iter();
                before.clear(&part.tags, &mut within.map(str::to_owned).collect());
            }
        }
        let merged = merge(own.take(), tree)?;
        if !is_whole {
            own = Some(merged);
            continue;
        }
        let mut merged = merge(all.take(), merged)?;
        check(&merged, Looks::At(When::Merged), part.name)?;
        settle(&mut merged, project);
        all = Some(merged);
    }
    let all = match (all, own) {
        (Some(all), None) => all,
        (all, Some(own)) => merge(all, own)?,
        (None, None) => return Ok(None),
    };
    check(&all, Looks::At(When::Done), service.name_span)?;
    Ok(Some(all))
}

/// An `extends` that is there names a service; what a part extends is found by then, if it names one.
fn extends_nothing(service: &Service, path: &[&str]) -> Option<Fault> {
    service.parts.iter().find_map(|part| {
        let extends = part.node.get("extends")?;
        extends.value.is_null().then(|| Fault {
            path: escape(&format!("{}.extends", path.join("."))).into_owned(),
            message: "it is empty, and must name a service".to_owned(),
            span: extends.key.span(part.source),
        })
    })
}

/// Makes of short forms what compose makes of them before it merges the next file.
fn settle(service: &mut Tree<'_>, project: &Project) {
    if let Some(gpus) = service.get_mut("gpus")
        && let Value::Text(_) = gpus.value
    {
        gpus.value = Value::List(Vec::new());
    }
    let ssh = service
        .get_mut("build")
        .and_then(|build| build.get_mut("ssh"));
    if let Some(ssh) = ssh
        && let Value::List(items) = &ssh.value
    {
        let names = items.iter().filter_map(|item| {
            let text = item.text(project)?;
            let (name, path) = text.split_once('=').unwrap_or((&text, ""));
            Some(tree::Entry {
                name: name.to_owned().into(),
                at: item.span,
                value: Tree {
                    span: item.span,
                    value: Value::Text(tree::Text::Made(path.to_owned().into())),
                },
            })
        });
        ssh.value = Value::Map(names.collect());
    }
}

impl Clash {
    fn in_path(self, path: &[&str]) -> Fault {
        Fault {
            path: escape(&path.join(".")).into_owned(),
            message: format!("it must be {}, as in what it is merged over", self.words),
            span: self.span,
        }
    }
}

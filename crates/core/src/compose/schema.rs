//! What Docker Compose refuses of a project by its schema, in what this program reads of it. Keys that compose does not know
//! are passed over: a newer compose may know them.
//!
//! A value that is wrong says where and what is right. It is no error, because one of a file's other lines may be what an edit
//! is about, and a rule may still find what is wrong beside it. Held against compose: `tests/tests/schema.rs`.

mod forms;
mod keys;

use std::collections::HashSet;

use super::{Document, Project, Service};
use crate::shown::escape;
use crate::source::Span;
use crate::unseen::{Hides, Unseen};
use crate::yaml::{Clears, Node, Typed, Value};
use forms::{Form, SECTIONS, SERVICE};

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
            reason: format!("docker compose refuses it: {}", fault.message),
            service: None,
            span: Some(fault.span),
        }
    }
}

/// What compose refuses of a project, one thing a service or section.
pub(super) fn refused(project: &Project) -> Vec<Unseen> {
    let mut faults: Vec<Fault> = Vec::new();
    let mut known = HashSet::new();
    for document in &project.documents {
        // A file that is extended twice has documents for each way to it.
        if known.insert((document.source, document.root.range())) {
            faults.extend(keys::fault(document));
        }
    }
    for (name, forms) in SECTIONS {
        faults.extend(section(project, name, forms));
    }
    for service in &project.services {
        faults.extend(of_service(project, service));
    }
    let mut said = HashSet::new();
    faults.retain(|fault| said.insert(fault.span));
    faults.into_iter().map(Unseen::from).collect()
}

/// The first fault of a key at the top of the files.
fn section(project: &Project, name: &str, forms: &[Form]) -> Option<Fault> {
    let mut is_given = false;
    for document in project.whole_documents() {
        let Some(field) = document.root.get(name) else {
            continue;
        };
        // What a later file leaves empty is what the files before say.
        if field.value.is_null() && is_given {
            continue;
        }
        let asked = Asked {
            document,
            may_be_null: is_given,
        };
        let fault = asked.fault(field.value, forms, field.key, name);
        if fault.is_some() {
            return fault;
        }
        is_given = true;
    }
    None
}

/// The first fault of a service.
fn of_service(project: &Project, service: &Service) -> Option<Fault> {
    let path = format!("services.{}", escape(&service.name));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if service.name.is_empty() || !service.name.chars().all(is_plain) {
        return Some(Fault {
            path,
            message: "a name has only letters, digits, `.`, `_` and `-`".to_owned(),
            span: service.name_span,
        });
    }
    let is_null = |part: &super::Part| part.node.is_null();
    if let Some(part) = service.parts.first().filter(|part| is_null(part)) {
        return Some(Fault {
            path,
            message: "it must be a mapping".to_owned(),
            span: part.name,
        });
    }
    SERVICE
        .iter()
        .find_map(|(key, forms)| attribute(project, service, (key, forms), &path))
}

/// The first fault of a key of a service.
fn attribute(
    project: &Project,
    service: &Service,
    (key, forms): (&str, &[Form]),
    path: &str,
) -> Option<Fault> {
    let path = format!("{path}.{key}");
    let mut is_given = false;
    let mut null = None;
    for part in &service.parts {
        let document = &project.documents[part.document];
        let asked = Asked {
            document,
            may_be_null: is_given,
        };
        if let Some(field) = part.node.get(key) {
            if field.value.is_null() && part.node.clears_of(key).is_none() {
                null = null.or(Some((document, field)));
            } else {
                let fault = asked.fault(field.value, forms, field.key, &path);
                if fault.is_some() {
                    return fault;
                }
                is_given = true;
            }
        }
        // Compose looks at a service as soon as a file with all that it extends is merged.
        let is_whole = project.order.contains(&part.document) && part.service == service.name;
        if let Some((document, field)) = null.take_if(|_| is_whole && !is_given) {
            let asked = Asked {
                document,
                may_be_null: false,
            };
            let fault = asked.fault(field.value, forms, field.key, &path);
            if fault.is_some() {
                return fault;
            }
        }
    }
    None
}

/// A document whose values are asked for their forms.
struct Asked<'a> {
    document: &'a Document,
    /// Whether a file before says something, which nothing and null then leave as it is.
    may_be_null: bool,
}

impl Asked<'_> {
    /// The first fault of a value and what is below it. `named` is where it is said where nothing is written.
    fn fault(&self, node: &Node, forms: &[Form], named: &Node, path: &str) -> Option<Fault> {
        if node.clears() == Some(Clears::All) {
            return None;
        }
        let fault = |message: String| {
            let at = if node.is_null() { named } else { node };
            Some(Fault {
                path: path.to_owned(),
                message,
                span: at.span(self.document.source),
            })
        };
        let wrong = || {
            let before = if node.is_null() {
                "it is empty, and "
            } else {
                "it "
            };
            fault(format!("{before}must be {}", forms::words(forms)))
        };
        match &node.target().value {
            Value::Alias(_) => None,
            Value::Scalar(_) => {
                let typed = node.typed()?;
                let is_right = typed == Typed::Null && self.may_be_null
                    || forms.iter().any(|form| form.takes(&typed));
                if is_right { None } else { wrong() }
            }
            Value::Sequence(..) => {
                let of_items = forms.iter().find_map(|form| match form {
                    Form::List(items) => Some(items),
                    _ => None,
                });
                let Some(of_items) = of_items else {
                    return wrong();
                };
                let mut items = node.seen_items().enumerate();
                items.find_map(|(at, item)| {
                    self.fault(item, of_items, item, &format!("{path}[{at}]"))
                })
            }
            Value::Mapping(..) => {
                let taken = forms.iter().find_map(|form| match form {
                    Form::Map(values) => Some(Ok(values)),
                    Form::Fields(fields) => Some(Err(fields)),
                    _ => None,
                });
                let fields = node.fields().into_iter();
                match taken {
                    None => wrong(),
                    Some(Ok(values)) => { fields }.find_map(|field| {
                        let name = field.key.scalar().map_or("", |key| key.text());
                        if name.is_empty() {
                            return fault("a name in it is empty".to_owned());
                        }
                        let path = format!("{path}.{}", escape(name));
                        self.fault(field.value, values, field.key, &path)
                    }),
                    Some(Err(known)) => {
                        known
                            .iter()
                            .find_map(|(name, forms, is_needed)| match node.get(name) {
                                Some(field) => {
                                    let path = format!("{path}.{name}");
                                    self.fault(field.value, forms, field.key, &path)
                                }
                                None if *is_needed => fault(format!("it lacks `{name}`")),
                                None => None,
                            })
                    }
                }
            }
        }
    }
}

//! Holds values against the forms that compose takes for them.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write;

use super::Fault;
use super::forms::{self, Fields, Form, Forms, Items, Names, Others};
use super::texts::{Reading, When};
use super::tree::{Entry, Tree, Value};
use crate::compose::Project;
use crate::shown::{and, escape};
use crate::source::Span;

/// Which of compose's looks at the values are taken.
#[derive(Clone, Copy)]
pub(super) enum Looks {
    /// All of one file.
    All,
    At(When),
}

impl Looks {
    fn take(self, when: When) -> bool {
        match self {
            Self::All => true,
            Self::At(own) => own == when,
        }
    }
}

enum Step<'a> {
    At(usize),
    Key(&'a str),
}

pub(super) struct Check<'a> {
    project: &'a Project,
    looks: Looks,
    path: Vec<Step<'a>>,
}

impl<'a> Check<'a> {
    /// `path` are the names that lead to the value.
    pub(super) fn new(project: &'a Project, looks: Looks, path: &[&'a str]) -> Self {
        Self {
            project,
            looks,
            path: path.iter().map(|name| Step::Key(name)).collect(),
        }
    }

    /// The first fault of a value and what is below it. `named` is where it is said where nothing is written.
    pub(super) fn fault(&mut self, tree: &'a Tree<'a>, forms: Forms, named: Span) -> Option<Fault> {
        let form = match &tree.value {
            Value::Text(_) => return self.text(tree, forms),
            Value::List(items) => forms.iter().find_map(|form| match form {
                Form::List(kind, of_items) => Some(self.items(items, *kind, of_items)),
                _ => None,
            }),
            Value::Map(entries) => forms.iter().find_map(|form| match form {
                Form::Mapping => Some(None),
                Form::Fields(fields) => Some(self.fields(tree, entries, fields)),
                Form::Map(names, values) => Some(self.map(entries, *names, values)),
                _ => None,
            }),
            scalar => forms.iter().any(|form| takes(form, scalar)).then_some(None),
        };
        match form {
            Some(fault) => fault,
            None if !self.looks.take(When::Merged) => None,
            None if tree.is_null() => {
                let message = format!("it is empty, and must be {}", forms::words(forms));
                Some(self.said(message, named))
            }
            None => Some(self.wrong(tree, forms)),
        }
    }

    fn text(&self, tree: &Tree<'_>, forms: Forms) -> Option<Fault> {
        if forms.iter().any(|form| matches!(form, Form::Text)) {
            return None;
        }
        let readings = || forms.iter().filter_map(Form::reading);
        if readings().next().is_none() {
            return self
                .looks
                .take(When::Merged)
                .then(|| self.wrong(tree, forms));
        }
        if !readings().any(|reading| self.looks.take(reading.when)) {
            return None;
        }
        let text = tree.text(self.project)?;
        let is_right = |reading: &Reading| !self.looks.take(reading.when) || (reading.takes)(&text);
        (!readings().any(is_right)).then(|| self.wrong(tree, forms))
    }

    fn items(&mut self, items: &'a [Tree<'a>], kind: Items, forms: Forms) -> Option<Fault> {
        for (at, item) in items.iter().enumerate() {
            self.path.push(Step::At(at));
            let has_name = forms.iter().any(|form| may_take(form, &item.value));
            let fault = match kind.have_names() && self.looks.take(When::Loaded) && !has_name {
                true => Some(self.wrong(item, forms)),
                false => self.fault(item, forms, item.span),
            };
            self.path.pop();
            if fault.is_some() {
                return fault;
            }
        }
        if kind != Items::Once || !self.looks.take(When::Merged) || items.len() < 2 {
            return None;
        }
        let mut seen: HashSet<(bool, Cow<'_, str>)> = HashSet::new();
        let again = items.iter().find(|item| {
            let said = match &item.value {
                Value::Number { number, .. } => Some((true, number.to_string().into())),
                _ => item.text(self.project).map(|text| (false, text)),
            };
            said.is_some_and(|said| !seen.insert(said))
        })?;
        Some(self.said("it is there twice".to_owned(), again.span))
    }

    fn map(&mut self, entries: &'a [Entry<'a>], names: Names, forms: Forms) -> Option<Fault> {
        for entry in entries {
            if !names.has(&entry.name) {
                if !names.is_strict() || !self.looks.take(When::Merged) {
                    continue;
                }
                let message = match entry.name.is_empty() {
                    true => "a name in it is empty",
                    false => "a name in it has only letters, digits, `.`, `_` and `-`",
                };
                return Some(self.said(message.to_owned(), entry.at));
            }
            let fault = self.entry(entry, forms);
            if fault.is_some() {
                return fault;
            }
        }
        None
    }

    fn fields(
        &mut self,
        tree: &Tree<'_>,
        entries: &'a [Entry<'a>],
        fields: &'static Fields,
    ) -> Option<Fault> {
        for entry in entries {
            let fault = match fields.key(&entry.name) {
                Some(key) => self.entry(entry, key.forms),
                None if is_allowed(&entry.name, fields.others)
                    || !self.looks.take(When::Merged) =>
                {
                    None
                }
                None => {
                    self.path.push(Step::Key(&entry.name));
                    let fault = self.said(UNKNOWN_KEY.to_owned(), entry.at);
                    self.path.pop();
                    Some(fault)
                }
            };
            if fault.is_some() {
                return fault;
            }
        }
        let is_there = |name: &&&str| !entries.iter().any(|entry| entry.name == **name);
        let lacks: Vec<String> = { fields.needed.iter().filter(is_there) }
            .map(|name| format!("`{name}`"))
            .collect();
        if lacks.is_empty() || !self.looks.take(When::Merged) {
            return None;
        }
        Some(self.said(format!("it lacks {}", and(&lacks)), tree.span))
    }

    fn entry(&mut self, entry: &'a Entry<'a>, forms: Forms) -> Option<Fault> {
        self.path.push(Step::Key(&entry.name));
        let fault = self.fault(&entry.value, forms, entry.at);
        self.path.pop();
        fault
    }

    fn wrong(&self, tree: &Tree<'_>, forms: Forms) -> Fault {
        self.said(format!("it must be {}", forms::words(forms)), tree.span)
    }

    fn said(&self, message: String, span: Span) -> Fault {
        let mut path = String::new();
        for step in &self.path {
            let _ = match step {
                Step::At(at) => write!(path, "[{at}]"),
                Step::Key(name) if path.is_empty() => write!(path, "{}", escape(name)),
                Step::Key(name) => write!(path, ".{}", escape(name)),
            };
        }
        Fault {
            path,
            message,
            span,
        }
    }
}

/// What is said of a key that a later compose may know.
pub(super) const UNKNOWN_KEY: &str = "it knows no such key";

fn is_allowed(name: &str, others: Others) -> bool {
    match others {
        Others::Any => true,
        Others::Extensions => name.starts_with("x-"),
        Others::None => false,
    }
}

/// Whether a value has a form, without what is below it.
fn may_take(form: &Form, value: &Value<'_>) -> bool {
    match value {
        Value::Text(_) => matches!(form, Form::Text | Form::Reads(_)),
        Value::List(_) => matches!(form, Form::List(..)),
        Value::Map(_) => matches!(form, Form::Fields(_) | Form::Map(..) | Form::Mapping),
        scalar => takes(form, scalar),
    }
}

/// Whether a scalar that is no text has a form.
fn takes(form: &Form, scalar: &Value<'_>) -> bool {
    match (form, scalar) {
        (Form::Bool, Value::Bool(_)) | (Form::Null, Value::Null) => true,
        (Form::Number(least, most), Value::Number { number, .. }) => {
            number.is_nan() || (least..=most).contains(&number)
        }
        (Form::Whole(least, most), Value::Number { number, .. }) => {
            number.fract() == 0.0 && (least..=most).contains(&number)
        }
        (Form::Digits(least, most), Value::Number { number, has_point }) => {
            !has_point && (least..=most).contains(&number)
        }
        _ => false,
    }
}

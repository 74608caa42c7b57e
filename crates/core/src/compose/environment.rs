//! The environment of a container: its env files, then `environment`, over all parts of a service.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::attribute::{Before, counting_at, taken_from};
use super::{Loader, Part, Project, Scope, env_file, interpolate};
use crate::container::{Doubt, Origin, Variable, VariableValue};
use crate::error::Error;
use crate::secret::Secret;
use crate::source::{SourceId, Sources, Span};
use crate::unseen::Hides;
use crate::yaml::{Field, Node, Quoting, Typed};

/// Why a variable has no name. If the shell has one, it may be any.
const NAMELESS: &str = "the name of a variable in its environment has no value here";

/// Takes out the variables of which the name is not known: any other may be one of them.
pub(super) fn take_nameless(environment: &mut Vec<Variable>) -> Vec<Doubt> {
    let is_nameless = |variable: &mut Variable| {
        variable.name.is_empty() && matches!(variable.value, VariableValue::Unknown(_))
    };
    let doubt = |variable: Variable| Doubt {
        hides: Hides::Variables,
        reason: NAMELESS.into(),
        span: variable.span,
    };
    environment.extract_if(.., is_nameless).map(doubt).collect()
}

/// All variables of a service, sorted by name.
pub(super) fn of_service(
    project: &mut Project,
    loader: &mut Loader,
    sources: &mut Sources,
    service: &str,
    parts: &[Part],
) -> Result<Vec<Variable>, Error> {
    let mut said = Said::new();
    let places = counting_at(parts, "environment");
    let mut before = Before::Nothing;
    let forms = places.iter().map(|(at, field)| {
        before = before.and(field.value);
        (project.documents[parts[*at].document].scope, before)
    });
    let forms: Vec<_> = forms.collect();
    let said_in = places.iter().filter(|(_, field)| !field.value.is_null());
    let is_merged = said_in.count() > 1;
    for (number, (at, field)) in places.iter().enumerate() {
        let part = &parts[*at];
        let reader = Reader {
            project,
            sources,
            source: part.source,
            scope: project.documents[part.document].scope,
            asked: asked(&forms[number..]),
            is_merged,
        };
        let taken_from = taken_from(parts, *at, &places[..number]);
        for name in part.clears_below(&["environment"]) {
            if let Some(all) = said.get_mut(name) {
                all.retain(|(at, _)| !taken_from.iter().any(|range| range.contains(at)));
            }
        }
        reader.add(field.value, *at, &mut said)?;
    }
    let last = |(name, mut all): (String, Vec<(usize, Variable)>)| Some((name, all.pop()?.1));
    let mut environment = said.into_iter().filter_map(last).collect();
    // A file may use what `environment` sets, which then wins over the file's own line of that name.
    let mut variables =
        env_file::of_service(project, loader, sources, service, parts, &environment)?;
    variables.append(&mut environment);
    Ok(variables.into_values().collect())
}

/// What parts say of each variable, with the place of the part; the last one counts.
type Said = BTreeMap<String, Vec<(usize, Variable)>>;

fn note(said: &mut Said, at: usize, variable: Variable) {
    let all = said.entry(variable.name.clone());
    // Hardly any is said twice, and there are many.
    all.or_insert_with(|| Vec::with_capacity(1))
        .push((at, variable));
}

/// Whom compose asks for the value of a name without one. An included file, with the files that are merged over it there, is
/// asked if all of them come to a list; what is still a mapping then is left to the files around it, and to the project
/// in the end. `forms` are the scope of a part and of each one after it, and what they are up to there.
fn asked(forms: &[(Scope, Before)]) -> Scope {
    let mut rest = forms.iter().peekable();
    while let Some((scope, form)) = rest.next() {
        let is_last = rest.peek().is_none_or(|(next, _)| next != scope);
        if is_last && *form == Before::List {
            return *scope;
        }
    }
    Scope::PROJECT
}

/// Reads what one document says of the environment.
struct Reader<'a> {
    project: &'a Project,
    sources: &'a Sources,
    source: SourceId,
    scope: Scope,
    /// Where a name without a value is looked up.
    asked: Scope,
    /// Whether several parts say something: compose makes one list of them, whatever they are. If it looks at one before, that is
    /// said with the schema.
    is_merged: bool,
}

impl Reader<'_> {
    /// Adds an `environment` in either form to what the parts before it say.
    fn add(&self, environment: &Arc<Node>, at: usize, said: &mut Said) -> Result<(), Error> {
        if environment.is_null() {
            return Ok(());
        }
        if environment.items().is_some() {
            for item in environment.seen_items() {
                let Some(scalar) = item.scalar() else {
                    return Err(self.refuse(item, "an item of `environment` is no text"));
                };
                let variable = self.item(item.target(), scalar.text());
                note(said, at, variable);
            }
            return Ok(());
        }
        if environment.entries().is_none() && !self.is_merged {
            return Err(self.refuse(environment, "`environment` is neither a mapping nor a list"));
        }
        if let Some(scalar) = environment.scalar() {
            // In a list, a text is an item, and what is no text is nothing.
            if environment.typed() == Some(Typed::Text) {
                note(said, at, self.item(environment.target(), scalar.text()));
            }
            return Ok(());
        }
        for field in environment.fields() {
            let Some(name) = field.key.scalar() else {
                return Err(self.refuse(field.key, "the name of a variable is no text"));
            };
            if field.value.scalar().is_none() {
                if !self.is_merged {
                    return Err(self.refuse(
                        field.value,
                        "the value of a variable is neither text nor number",
                    ));
                }
                self.several(name.text(), field, at, said);
                continue;
            }
            let variable = self.field(name.text(), field.key, field.value);
            note(said, at, variable);
        }
        Ok(())
    }

    /// In a list, each item of a value is one, and a mapping is a text that Go makes of it.
    fn several(&self, name: &str, field: Field<'_>, at: usize, said: &mut Said) {
        let scalars = field
            .value
            .seen_items()
            .filter(|item| item.scalar().is_some());
        for item in scalars {
            note(said, at, self.field(name, field.key, item));
        }
        if field.value.entries().is_some() {
            let mut variable = self.field(name, field.key, field.value);
            variable.value = VariableValue::Unknown("its value is a mapping".into());
            note(said, at, variable);
        }
    }

    fn refuse(&self, node: &Node, message: &str) -> Error {
        Error::Compose {
            place: self.sources.place(node.span(self.source)),
            message: message.to_owned(),
            help: Some("change the line; `docker compose config` refuses it too".to_owned()),
        }
    }

    fn field(&self, name: &str, key: &Node, value: &Node) -> Variable {
        let text = value
            .scalar()
            .map(|scalar| scalar.text())
            .unwrap_or_default();
        let value_span = self.value_span(key.span(self.source), value.span(self.source));
        let mut variable = Variable {
            name: name.to_owned(),
            value: VariableValue::Unset,
            origin: Origin::Environment,
            span: key.span(self.source).to(value_span),
            value_span,
            interpolated: Vec::new(),
            written_length: text.len(),
            retyped: false,
        };
        match value.typed().unwrap_or(Typed::Null) {
            Typed::Null => variable.value = self.inherited(name),
            typed => match typed.rewritten() {
                Some(rewritten) => {
                    variable.retyped = rewritten != text;
                    variable.value = VariableValue::Known(Secret::new(rewritten));
                }
                None => (variable.value, variable.interpolated) = self.interpolated(text, 0),
            },
        }
        variable
    }

    /// `NAME=value` or `NAME`. The whole item is interpolated, the name with it, as compose does.
    fn item(&self, item: &Node, text: &str) -> Variable {
        let span = item.span(self.source);
        let value_start = text.find('=').map_or(0, |equals| equals + 1);
        let (value, uses) = self.interpolated(text, value_start);
        let before = text.len() - text.split_once('=').map_or(0, |(_, written)| written.len());
        let is_named = |used: &interpolate::Variable| {
            used.outcome != interpolate::Outcome::Unset || used.span.start >= before
        };
        let (name, value) = match uses.iter().all(is_named) {
            true => self.split(value, text),
            false => (String::new(), VariableValue::Unknown(NAMELESS.into())),
        };
        let value = match name.ends_with(char::is_whitespace) {
            true => VariableValue::Refused("the name of a variable ends with a blank".to_owned()),
            false => value,
        };
        let written = text.split_once('=').map_or("", |(_, written)| written);
        let (start, end) = item_value(self.sources.slice(span), item);
        let (start, end) = (span.start + start, span.start + end);
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

    /// The name and the value of an item, which was interpolated as a whole.
    fn split(&self, whole: VariableValue, written: &str) -> (String, VariableValue) {
        let VariableValue::Known(whole) = whole else {
            let name = written.split_once('=').map_or(written, |(name, _)| name);
            return (name.to_owned(), whole);
        };
        match whole.expose().split_once('=') {
            Some((name, rest)) => (name.to_owned(), VariableValue::Known(Secret::from(rest))),
            None => (whole.expose().to_owned(), self.inherited(whole.expose())),
        }
    }

    /// Where a value stands. One that is not written stands behind its key's colon.
    fn value_span(&self, key: Span, value: Span) -> Span {
        if value.start < value.end {
            return value;
        }
        let behind = self.sources.text(key.source).get(key.end..);
        let start = behind
            .unwrap_or_default()
            .find(':')
            .map_or(key.end, |colon| key.end + colon + 1);
        Span {
            start,
            end: start,
            ..key
        }
    }

    /// The value of a name without one.
    fn inherited(&self, name: &str) -> VariableValue {
        self.project
            .variable(self.asked, name)
            .map_or(VariableValue::Unset, |value| {
                VariableValue::Known(Secret::from(value))
            })
    }

    /// The value of a text, and what it was made from. The value proper starts at `value_start`.
    fn interpolated(
        &self,
        text: &str,
        value_start: usize,
    ) -> (VariableValue, Vec<interpolate::Variable>) {
        let lookup = |name: &str| self.project.variable(self.scope, name).map(str::to_owned);
        match interpolate::interpolate(text, &lookup) {
            Ok(done) => (
                VariableValue::Known(Secret::from(done.text)),
                done.variables,
            ),
            Err(error) => match &error.required {
                Some(name) => {
                    let is_whole = error.offset == value_start && text.ends_with('}');
                    let name = is_whole.then(|| name.clone());
                    (VariableValue::Required(name), Vec::new())
                }
                None => (VariableValue::Refused(error.message), Vec::new()),
            },
        }
    }
}

/// Where the value stands in an item as it is written: behind the first `=`, without the closing quote; at the
/// end where there is no `=`. An `=` that is written as an escape is not found, and all of the item is its value.
fn item_value(written: &str, item: &Node) -> (usize, usize) {
    let quoted = matches!(item.quoting(), Some(Quoting::Double | Quoting::Single));
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

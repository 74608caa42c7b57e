//! What compose makes of a value that is there and one of a later file, or of a service that extends another.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use zeroize::Zeroizing;

use super::forms::{Form, Forms, Items, Merge};
use super::tree::{Entry, Text, Tree, Value};
use crate::compose::{Project, mount};
use crate::source::Span;

/// A value that compose cannot merge into what is there.
pub(super) struct Clash {
    pub(super) span: Span,
    /// What it would have to be.
    pub(super) words: &'static str,
}

type Merged<'a> = Result<Tree<'a>, Clash>;

pub(super) struct Merger<'p> {
    pub(super) project: &'p Project,
}

impl Merger<'_> {
    /// A value with a later one. The forms are those of both.
    pub(super) fn merge<'a>(
        &self,
        base: Tree<'a>,
        other: Tree<'a>,
        forms: Forms,
        how: Merge,
    ) -> Merged<'a> {
        match how {
            Merge::Last => return Ok(other),
            Merge::Sequence => return Ok(self.sequence(base, other, false)),
            Merge::Hosts => return Ok(self.sequence(base, other, true)),
            _ if other.is_null() && how != Merge::Logging => return Ok(base),
            _ => {}
        }
        match how {
            Merge::Mapping => {
                let (base, other) = (self.mapping(base, forms)?, self.mapping(other, forms)?);
                self.maps(base, other, forms, how)
            }
            Merge::Build => self.maps(as_build(base), as_build(other), forms, how),
            Merge::Logging => {
                let driver =
                    |tree: &Tree<'_>| Some(tree.get("driver")?.text(self.project)?.into_owned());
                match (driver(&base), driver(&other)) {
                    (Some(before), Some(now)) if before != now => Ok(other),
                    _ => self.maps(base, other, forms, how),
                }
            }
            _ => self.deep(base, other, forms, how),
        }
    }

    fn deep<'a>(&self, base: Tree<'a>, other: Tree<'a>, forms: Forms, how: Merge) -> Merged<'a> {
        match (base.value, other.value) {
            (Value::Map(before), now) => {
                let base = Tree {
                    span: base.span,
                    value: Value::Map(before),
                };
                let other = Tree {
                    span: other.span,
                    value: now,
                };
                self.maps(base, other, forms, how)
            }
            (Value::List(mut before), Value::List(mut now)) => {
                if how == Merge::Mappings {
                    now.retain(|item| matches!(item.value, Value::Map(_)));
                }
                let later = now.iter().filter_map(|item| self.place(item, forms));
                let later: HashSet<String> = later.collect();
                before.retain(|item| {
                    let place = self.place(item, forms);
                    place.is_none_or(|place| !later.contains(&place))
                });
                before.extend(now);
                Ok(Tree {
                    span: other.span,
                    value: Value::List(before),
                })
            }
            (Value::List(_), _) => Err(Clash {
                span: other.span,
                words: "a list",
            }),
            (_, now) => Ok(Tree {
                span: other.span,
                value: now,
            }),
        }
    }

    /// What an item of a list is for; of two that are for the same, only the later one counts.
    fn place(&self, item: &Tree<'_>, forms: Forms) -> Option<String> {
        let items = forms.iter().find_map(|form| match form {
            Form::List(items, _) => Some(*items),
            _ => None,
        });
        let items = items.filter(|items| items.have_names())?;
        if items == Items::Mounts {
            if let Some(target) = item.get("target") {
                return Some(target.text(self.project)?.into_owned());
            }
            let text = item.text(self.project)?;
            return mount::split(&text).map(|(_, target)| target.to_owned());
        }
        let told = |key: &str| match &item.get(key)?.value {
            Value::Number { number, .. } => Some(number.to_string()),
            _ => Some(item.get(key)?.text(self.project)?.into_owned()),
        };
        let is_port = item.get("published").is_some();
        let keys: &[&str] = match (is_port, item.get("target")) {
            (false, Some(_)) => &["target"],
            (false, None) => &["source", "path"],
            (true, _) => &["host_ip", "published", "protocol", "target"],
        };
        let told = keys.iter().map(|key| told(key).unwrap_or_default());
        let told = told.collect::<Vec<_>>().join(" ");
        (!told.trim().is_empty()).then_some(told)
    }

    fn maps<'a>(&self, base: Tree<'a>, other: Tree<'a>, forms: Forms, how: Merge) -> Merged<'a> {
        let (Value::Map(mut before), Value::Map(now)) = (base.value, other.value) else {
            return Err(Clash {
                span: other.span,
                words: "a mapping",
            });
        };
        let names = before.iter().enumerate();
        let mut places: HashMap<String, usize> = names
            .map(|(at, entry)| (entry.name.to_string(), at))
            .collect();
        for entry in now {
            let Some(at) = places.get(&*entry.name) else {
                places.insert(entry.name.to_string(), before.len());
                before.push(entry);
                continue;
            };
            let (forms, own) = below(forms, &entry.name);
            let own = if how == Merge::Values {
                Merge::Last
            } else {
                own
            };
            let there = &mut before[*at];
            let nothing = Tree {
                span: entry.at,
                value: Value::Null,
            };
            let old = std::mem::replace(&mut there.value, nothing);
            there.value = self.merge(old, entry.value, forms, own)?;
            there.at = entry.at;
        }
        Ok(Tree {
            span: other.span,
            value: Value::Map(before),
        })
    }

    fn sequence<'a>(&self, base: Tree<'a>, other: Tree<'a>, is_once: bool) -> Tree<'a> {
        let span = other.span;
        let mut all = self.items(base);
        let mut more = self.items(other);
        if is_once {
            let texts = all.iter().filter_map(|item| item.text(self.project));
            let known: HashSet<String> = texts.map(Cow::into_owned).collect();
            more.retain(|item| {
                let text = item.text(self.project);
                text.is_none_or(|text| !known.contains(&*text))
            });
        }
        all.extend(more);
        Tree {
            span,
            value: Value::List(all),
        }
    }

    /// A list of `NAME=value`; a single text is one, and what is neither counts for nothing.
    fn items<'a>(&self, tree: Tree<'a>) -> Vec<Tree<'a>> {
        match tree.value {
            Value::List(items) => items,
            Value::Text(_) => vec![tree],
            Value::Map(entries) => {
                let mut items = Vec::with_capacity(entries.len());
                for entry in entries {
                    match &entry.value.value {
                        Value::List(values) => {
                            items.extend(values.iter().map(|one| self.pair(&entry, one)));
                        }
                        _ => items.push(self.pair(&entry, &entry.value)),
                    }
                }
                items
            }
            Value::Bool(_) | Value::Date | Value::Null | Value::Number { .. } => Vec::new(),
        }
    }

    fn pair<'a>(&self, entry: &Entry<'a>, value: &Tree<'a>) -> Tree<'a> {
        let name = &entry.name;
        let made = |value: &str| Text::Made(Zeroizing::new(format!("{name}={value}")));
        let text = match &value.value {
            Value::Null => Text::Made(Zeroizing::new(name.to_string())),
            Value::Text(text) => match text.told(self.project) {
                Some(text) => made(&text),
                None => Text::Unknown,
            },
            Value::Bool(value) => made(&value.to_string()),
            Value::Number { number, .. } => made(&number.to_string()),
            Value::Date | Value::List(_) | Value::Map(_) => made(""),
        };
        Tree {
            span: entry.at,
            value: Value::Text(text),
        }
    }

    /// Names as a mapping; each with nothing, or with what a dependency is without further words.
    fn mapping<'a>(&self, tree: Tree<'a>, forms: Forms) -> Merged<'a> {
        let items = match tree.value {
            Value::List(items) => items,
            Value::Map(_) => return Ok(tree),
            // It names none.
            _ => Vec::new(),
        };
        let is_open = below(forms, "a")
            .0
            .iter()
            .any(|form| matches!(form, Form::Null));
        let mut entries = Vec::with_capacity(items.len());
        for item in items {
            let span = item.span;
            let value = Tree {
                span,
                value: if is_open { Value::Null } else { started(span) },
            };
            match item.value {
                Value::Text(text) => entries.extend(text.told(self.project).map(|name| Entry {
                    name: Cow::Owned(name.into_owned()),
                    at: span,
                    value,
                })),
                _ => {
                    return Err(Clash {
                        span,
                        words: "a text (in quotes)",
                    });
                }
            }
        }
        Ok(Tree {
            span: tree.span,
            value: Value::Map(entries),
        })
    }
}

/// A dependency that is only named.
fn started<'a>(span: Span) -> Value<'a> {
    let text = Zeroizing::new("service_started".to_owned());
    let entry = |name: &'static str, value| Entry {
        name: Cow::Borrowed(name),
        at: span,
        value: Tree { span, value },
    };
    Value::Map(vec![
        entry("condition", Value::Text(Text::Made(text))),
        entry("required", Value::Bool(true)),
    ])
}

/// A build as a mapping; a text is its context.
fn as_build(tree: Tree<'_>) -> Tree<'_> {
    let span = tree.span;
    match tree.value {
        Value::Text(_) => Tree {
            span,
            value: Value::Map(vec![Entry {
                name: Cow::Borrowed("context"),
                at: span,
                value: tree,
            }]),
        },
        Value::Map(_) => tree,
        _ => Tree {
            span,
            value: Value::Map(Vec::new()),
        },
    }
}

/// The forms of what is below a name, and how it is merged.
pub(super) fn below(forms: Forms, name: &str) -> (Forms, Merge) {
    for form in forms {
        match form {
            Form::Fields(fields) => {
                return fields
                    .key(name)
                    .map_or((&[], Merge::Deep), |key| (key.forms, key.merge));
            }
            Form::Map(_, forms) => return (forms, Merge::Deep),
            _ => {}
        }
    }
    (&[], Merge::Deep)
}

//! Part 2, by a second reader: parsed by serde_yaml, the edited file differs from the old one at the intended places and
//! nowhere else.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use super::broken::leave_it;
use super::print::{Print, Reader};
use super::{Broken, Texts};
use crate::intended::{Intended, IntendedPort};
use crate::item::name_of;
use crate::plan::Plan;
use clearml_secure_core::edit::{Edit, Edits, splice};
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::{Place, place_of};
use clearml_secure_core::yaml::{self, Node, Value};

/// Parsed by serde_yaml, old and new differ at the intended paths and nowhere else.
pub(super) fn check(texts: Texts<'_>, plan: &Plan) -> Result<(), Broken> {
    let of_variables = plan.intended.iter().map(|one| one.service.as_str());
    let of_ports = plan.ports.iter().map(IntendedPort::service);
    let reader = Reader::of_services(of_variables.chain(of_ports));
    // What is wrong, if anything, is only known to one that has all.
    compare(texts, plan, &reader).or_else(|_| compare(texts, plan, &Reader::of_all()))
}

fn compare(texts: Texts<'_>, plan: &Plan, reader: &Reader<'_>) -> Result<(), Broken> {
    let read = |text: &str, which: &str| {
        let read = reader.read(text);
        let read = read.or_else(|line| match without_null_tags(texts.path, text) {
            Some(text) => reader.read(&text),
            None => Err(line),
        });
        read.map_err(|line| {
            let file = escape(&texts.path.to_string_lossy()).into_owned();
            let line = line.map_or_else(String::new, |line| format!("line {line} of "));
            format!("a second YAML parser does not accept {line}{file}{which}")
        })
    };
    let mut old = read(texts.before, "").map_err(|reason| Broken::Unreadable {
        reason,
        help: Some("write that line in a simpler way, then run this again".to_owned()),
    })?;
    let mut new = read(texts.after, ", as edited").map_err(|reason| Broken::Unreadable {
        reason,
        help: Some(leave_it()),
    })?;
    for document in old.iter_mut().chain(&mut new) {
        for one in &plan.intended {
            document.name_bare_item(reader, &one.service, &one.name);
        }
    }
    let intended = Intentions::of(plan);
    let allowed = |path: &str, print: Option<&Print>| {
        print.is_some_and(|print| intended.allow(reader, path, print))
    };
    if old.len() != new.len() {
        return Err(Broken::Lines);
    }
    let mut pairs = old.iter().zip(&new);
    match pairs.find_map(|(old, new)| difference(Some(old), Some(new), "", &allowed)) {
        Some(path) => Err(Broken::Elsewhere {
            place: place(texts, &path),
            path: shown(&path),
            help: Some(leave_it()),
        }),
        None => Ok(()),
    }
}

/// The text with blanks for every `!!null` that tags nothing, which says what nothing says, and which the second parser does
/// not take; none where there is none.
fn without_null_tags(path: &Path, text: &str) -> Option<String> {
    let roots = yaml::parse_documents(path, text).ok()?;
    let mut tags = Vec::new();
    for root in &roots {
        note_null_tags(root, text, &mut tags);
    }
    let mut edits = Edits::default();
    for tag in tags.iter().cloned() {
        let blanks = " ".repeat(tag.len());
        edits.push(Edit::replace(tag, blanks));
    }
    let is_any = !tags.is_empty();
    splice(text, &edits.in_order()).ok().filter(|_| is_any)
}

fn note_null_tags(node: &Node, text: &str, tags: &mut Vec<Range<usize>>) {
    match &node.value {
        Value::Alias(_) => {}
        Value::Mapping(_, entries) => {
            for entry in entries {
                note_null_tags(&entry.key, text, tags);
                note_null_tags(&entry.value, text, tags);
            }
        }
        Value::Sequence(_, items) => {
            for item in items {
                note_null_tags(item, text, tags);
            }
        }
        Value::Scalar(..) => {
            let is_bare = node.tag() == Some("!!null") && node.anchor().is_none();
            if is_bare && node.range().is_empty() {
                tags.push(node.start_with_properties()..node.end_of_properties(text));
            }
        }
    }
}

/// A path without the fingerprints that stand for items without a name.
fn shown(path: &str) -> String {
    let names = path.split('/').filter(|name| !name.starts_with('='));
    escape(&names.collect::<Vec<_>>().join("/")).into_owned()
}

/// Where the file says now what is at a path, or what is around it.
fn place(texts: Texts<'_>, path: &str) -> Option<Place> {
    let roots = yaml::parse_documents(texts.path, texts.before).ok()?;
    let ends = roots.iter().filter_map(|root| descend(root, path));
    let (at, _) = ends.min_by_key(|(_, rest)| *rest)?;
    Some(place_of(texts.path, texts.before, at))
}

/// The first byte of the deepest node on a path, and how much of the path is left there. A key may have a `/` of its own.
fn descend(node: &Node, path: &str) -> Option<(usize, usize)> {
    let rest_behind = |name: &str| {
        let rest = path.strip_prefix(name)?;
        rest.strip_prefix('/').or(rest.is_empty().then_some(rest))
    };
    let fields = node.fields().into_iter();
    let named =
        fields.filter_map(|field| Some((field.key.text()?.to_owned(), field.key, field.value)));
    let items = node.items().unwrap_or_default().iter().enumerate();
    let items = items.flat_map(|(number, item)| {
        let name = item.text().map(|text| name_of(text).to_owned());
        [Some(number.to_string()), name]
            .into_iter()
            .flatten()
            .map(move |name| (name, item, item))
    });
    let mut found = named.chain(items).filter_map(|(name, at, value)| {
        let rest = rest_behind(&name)?;
        let own = (at.range().start, rest.len());
        Some(
            descend(value, rest)
                .filter(|_| !rest.is_empty())
                .unwrap_or(own),
        )
    });
    found.next()
}

/// What a plan means to say, by where it says it.
struct Intentions<'a> {
    by_path: HashMap<String, &'a Intended>,
    by_name: HashMap<&'a str, Vec<&'a Intended>>,
    ports: HashMap<&'a str, &'a IntendedPort>,
}

impl<'a> Intentions<'a> {
    fn of(plan: &'a Plan) -> Self {
        let mut by_path = HashMap::new();
        let mut by_name: HashMap<&str, Vec<&Intended>> = HashMap::new();
        for one in &plan.intended {
            let path = format!("services/{}/environment/{}", one.service, one.name);
            by_path.insert(path, one);
            by_name.entry(&one.name).or_default().push(one);
        }
        let ports = plan.ports.iter().map(|port| (port.path.as_str(), port));
        Self {
            by_path,
            by_name,
            ports: ports.collect(),
        }
    }

    /// Whether a node may be at a path although it was not, or another was.
    fn allow(&self, reader: &Reader<'_>, path: &str, print: &Print) -> bool {
        if let Some(port) = self.ports.get(path) {
            return match &port.text {
                Some(text) => reader.is_text(print, text),
                None => *print == Print::Seq(Vec::new()),
            };
        }
        if let Some(one) = self.by_path.get(path) {
            return is_meant(reader, one, print);
        }
        // A shared mapping outside the services may hold a value that was replaced where it stands.
        let name = match print {
            Print::Pair(name, _) => name,
            _ => path.rsplit('/').next().unwrap_or(path),
        };
        let ones = self
            .by_name
            .get(name)
            .filter(|_| !path.starts_with("services/"));
        ones.is_some_and(|ones| ones.iter().any(|one| is_meant(reader, one, print)))
    }
}

fn is_meant(reader: &Reader<'_>, one: &Intended, print: &Print) -> bool {
    match print {
        Print::Map(entries) if one.is_withheld => {
            entries.len() == 1
                && entries
                    .keys()
                    .all(|key| key.trim_start_matches('!') == "reset")
        }
        _ if one.is_withheld => false,
        // In a list outside the services the name is part of the item.
        Print::Pair(name, _) if **name == *one.name => {
            reader.is_text(print, &format!("{name}={}", one.written))
        }
        print => reader.is_text(print, &one.written),
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
        // Nothing is there, whatever it says about files before.
        (Some(old), new) if path.ends_with("/environment") && old.is_reset() => {
            difference(None, new, path, allowed)
        }
        (Some(Print::Map(old)), Some(Print::Map(new))) => {
            // Nearly all are the same, and need no path.
            let mut unlike = old
                .iter()
                .filter(|(key, value)| new.get(*key) != Some(value));
            let gone = unlike.find_map(|(key, value)| {
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
        // Ports that came by inheritance and are written out now, or of which two are one now.
        (None | Some(Print::Seq(_)), Some(Print::Seq(new)))
            if path.ends_with("/ports") && !new.is_empty() =>
        {
            let items = new.iter().enumerate();
            items.into_iter().find_map(|(number, item)| {
                difference(None, Some(item), &below(&number.to_string()), allowed)
            })
        }
        // An entry of such a list that has no short form.
        (None | Some(Print::Scalar(_) | Print::Pair(..)), Some(Print::Map(new)))
            if path
                .rsplit_once("/")
                .is_some_and(|(list, _)| list.ends_with("/ports")) =>
        {
            new.iter()
                .find_map(|(key, value)| difference(None, Some(value), &below(key), allowed))
        }
        // An environment that was not there, or held nothing.
        (_, Some(Print::Map(new))) if path.ends_with("/environment") => new
            .iter()
            .find_map(|(key, value)| difference(None, Some(value), &below(key), allowed)),
        (_, new) if allowed(path, new) => None,
        _ => Some(path.to_owned()),
    }
}

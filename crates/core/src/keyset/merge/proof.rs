//! That a merged text says what it said before, and what was wanted, and nothing else.

use super::{Replaced, Text, Wanted, Written, items, parsed};
use crate::hocon::{self, Context, Included, Lookup, Object, Value};
use crate::keyset::Fault;

/// What to do where a value hangs on how another one is written.
const APART: &str =
    "give each entry a line of its own, with its value in quotes, and none a `${…}` of another";

/// What a server's environment may have: every variable, with its name as its value.
const ALL_SET: Context<'static> =
    Context::new(&|name| Lookup::Known(name.to_owned().into()), &|_| {
        Included::Absent
    });

/// Reads the new text and holds it against the old one, with all variables and with none.
///
/// # Errors
/// Anything that is not as it has to be, with its place in the old text.
pub(super) fn prove(old: &Text<'_>, merged: &str, wanted: &[Wanted]) -> Result<(), Fault> {
    let before = hocon::parse(old.body, &ALL_SET)
        .map_err(|fault| Fault::new(fault.offset, fault.message))?;
    prove_in(&ALL_SET, &before, merged, wanted)?;
    // Without its variables the old text may be one that no server can read.
    match hocon::parse(old.body, &Context::EMPTY) {
        Ok(before) => prove_in(&Context::EMPTY, &before, merged, wanted),
        Err(_) => Ok(()),
    }
}

fn prove_in(
    context: &Context<'_>,
    before: &Object,
    merged: &str,
    wanted: &[Wanted],
) -> Result<(), Fault> {
    let new = hocon::parse(merged, context).map_err(|_| {
        let message = "no server could read this file with the new values in it";
        Fault::new(0, message).help(APART)
    })?;
    for wanted in wanted {
        if !is_as_wanted(before, &new, wanted) {
            let at = before.get(&wanted.path).map_or(0, |node| node.span.start);
            let message = format!("{} would not be read as it is meant", wanted.path);
            return Err(Fault::new(at, message).help(APART));
        }
    }
    let mut path = Vec::new();
    match difference(Some(before), &new, &mut path, wanted) {
        None => Ok(()),
        Some(at) => {
            let message = "this would be another value with the new ones in the file";
            Err(Fault::new(at, message).help(APART))
        }
    }
}

fn is_as_wanted(old: &Object, new: &Object, wanted: &Wanted) -> bool {
    let Some(found) = new.get(&wanted.path).map(|node| &node.value) else {
        return false;
    };
    let (removed, replaced, added) = match &wanted.written {
        Written::Scalar(written) => return is_written(found, written),
        Written::List {
            removed,
            replaced,
            added,
        } => (removed, replaced, added),
    };
    let Value::Array(found) = found else {
        return false;
    };
    let before = items(old, &wanted.path).iter().enumerate();
    let before: Vec<_> = before
        .filter(|(index, _)| !removed.contains(index))
        .collect();
    let of = |index| replaced.iter().find(|(replaced, _)| *replaced == index);
    let mut kept = found.iter().zip(&before);
    let mut new = found.iter().skip(before.len()).zip(added);
    found.len() == before.len() + added.len()
        && kept.all(|(now, (index, before))| match of(*index) {
            None => is_same(&before.value, &now.value),
            Some((_, replaced)) => is_same_but(&before.value, &now.value, replaced),
        })
        && new.all(|(now, item)| is_written(&now.value, item))
}

/// Whether a value is what a server makes of this text.
pub(super) fn is_written(value: &Value, written: &str) -> bool {
    parsed(written).is_some_and(|node| is_same(&node.value, value))
}

/// Whether one value is the other with what was to be replaced in it.
fn is_same_but(before: &Value, now: &Value, replaced: &Replaced) -> bool {
    let (Value::Object(before), Value::Object(now)) = (before, now) else {
        return false;
    };
    before.len() == now.len()
        && before.iter().all(|(key, before)| {
            now.get_key(key).is_some_and(|now| {
                if key == replaced.key {
                    is_written(&now.value, &replaced.value)
                } else {
                    is_same(&before.value, &now.value)
                }
            })
        })
}

/// Where the old text has something that the new one has not, or the other way round. In place of the old
/// object there may be none.
fn difference<'a>(
    old: Option<&'a Object>,
    new: &'a Object,
    path: &mut Vec<&'a str>,
    wanted: &[Wanted],
) -> Option<usize> {
    let old_node = |name: &str| old.and_then(|old| old.get_key(name));
    let added = new.iter().filter(|(key, _)| old_node(key).is_none());
    let names = old.into_iter().flat_map(Object::iter).chain(added);
    for (name, _) in names {
        path.push(name);
        let found = match (old_node(name), new.get_key(name)) {
            _ if wanted.iter().any(|wanted| is_at(path, wanted)) => None,
            (Some(old), Some(new)) => match (&old.value, &new.value) {
                (Value::Object(old), Value::Object(new)) => {
                    difference(Some(old), new, path, wanted)
                }
                (before, after) => (!is_same(before, after)).then_some(old.span.start),
            },
            (Some(old), None) => Some(old.span.start),
            (None, Some(new)) => match &new.value {
                Value::Object(new) if wanted.iter().any(|wanted| is_above(path, wanted)) => {
                    difference(None, new, path, wanted)
                }
                _ => Some(0),
            },
            (None, None) => None,
        };
        path.pop();
        if found.is_some() {
            return found;
        }
    }
    None
}

fn is_at(path: &[&str], wanted: &Wanted) -> bool {
    wanted.path.split('.').eq(path.iter().copied())
}

fn is_above(path: &[&str], wanted: &Wanted) -> bool {
    let mut steps = wanted.path.split('.');
    path.iter().all(|step| steps.next() == Some(*step))
}

/// Whether two values are the same to a server. The order of keys is none.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            let mut pairs = a.iter().zip(b);
            a.len() == b.len() && pairs.all(|(a, b)| is_same(&a.value, &b.value))
        }
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get_key(key).is_some_and(|b| is_same(&a.value, &b.value)))
        }
        (a, b) => a == b,
    }
}

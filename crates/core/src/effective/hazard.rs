//! What happened to a value between the file and the server.

use std::ops::Range;

use crate::compose::interpolate;
use crate::container::Variable;
use crate::hocon::{self, Becomes, Change, Node, Object};
use crate::setting::Setting;

/// What happened to a value on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hazard {
    /// Something that is no object stands where the setting's object belongs, so the setting is gone: its kind.
    Covered(&'static str),
    /// HOCON made something else of it.
    Hocon(hocon::Reading),
    /// Interpolation replaced `$NAME` that is unlikely to have been meant as a variable.
    Interpolated(String),
    /// YAML took an unquoted value for a number, a date or a boolean.
    Retyped,
}

/// How far `${…}` that stands for another path is followed.
const REFERENCES: usize = 8;

/// What YAML and interpolation did to a variable.
pub(super) fn before_hocon(variable: &Variable) -> Vec<Hazard> {
    let mut hazards = Vec::new();
    if variable.retyped {
        hazards.push(Hazard::Retyped);
    }
    // `${NAME}` is meant, and so is a value that is nothing but `$NAME`; a `$NAME` without a value in the middle
    // of other text is more likely half of a password.
    let stray = variable.interpolated.iter().find(|used| {
        used.form == interpolate::Form::Plain
            && used.outcome == interpolate::Outcome::Unset
            && used.depth == 0
            && used.span.len() < variable.written_length
    });
    if let Some(used) = stray {
        hazards.push(Hazard::Interpolated(used.name.clone()));
    }
    hazards
}

/// What HOCON did to a setting in the value of a variable.
pub(super) fn in_variable(variable: &Variable, setting: Setting, node: &Node) -> Option<Hazard> {
    let given = variable.value.known()?.expose();
    if Setting::by_variable(&variable.name) != Some(setting) {
        return in_text(given, None, node, 0);
    }
    match &node.value {
        hocon::Value::Unknown(_) => None,
        hocon::Value::String(text) if text.expose() == given => None,
        // Quotes inside the value are the way to bring characters that HOCON would change.
        hocon::Value::String(text) if is_put_together(given, text.expose()) => None,
        value => Some(changed(given, value)),
    }
}

/// What HOCON did to a setting in a file or in a variable that sets a whole tree. `root` is all of the file, for
/// what `${…}` stands for.
pub(super) fn in_text(
    text: &str,
    root: Option<&Object>,
    node: &Node,
    depth: usize,
) -> Option<Hazard> {
    let written = text.get(node.span.clone())?.trim();
    let read = match &node.value {
        hocon::Value::String(read) => read,
        hocon::Value::Unknown(_) => return None,
        other => return Some(changed(written, other)),
    };
    // The text of an included file is not here to compare with.
    if written.starts_with("include") && read.expose() != written {
        return None;
    }
    let (pieces, references) = literal(written);
    if !is_made_of(read.expose(), &pieces) {
        return Some(changed(written, &node.value));
    }
    let behind = text.get(node.span.end..).unwrap_or_default();
    let is_bare = !written.is_empty() && !written.ends_with(['"', '}']);
    if is_bare && (behind.starts_with('#') || behind.starts_with("//")) {
        return Some(Hazard::Hocon(hocon::Reading::Changed {
            how: Change::Comment,
            becomes: Becomes::ShorterText,
        }));
    }
    if depth >= REFERENCES {
        return None;
    }
    references
        .into_iter()
        .filter_map(|path| root?.get(&written[path]))
        .find_map(|referred| in_text(text, root, referred, depth + 1))
}

fn changed(written: &str, value: &hocon::Value) -> Hazard {
    let of_value = Becomes::of(value);
    let reading = match hocon::reading(written) {
        same @ hocon::Reading::Changed { becomes, .. }
            if becomes == of_value || of_value == Becomes::OtherText =>
        {
            same
        }
        hocon::Reading::Changed { how, .. } => hocon::Reading::Changed {
            how,
            becomes: of_value,
        },
        // By itself it cannot be read or is the same, so it is what it refers to that makes the difference.
        hocon::Reading::Fatal { .. } | hocon::Reading::Same => hocon::Reading::Changed {
            how: if written.contains("${") {
                Change::Substitution
            } else {
                Change::Other
            },
            becomes: of_value,
        },
    };
    Hazard::Hocon(reading)
}

/// Whether a text is what quotes and substitutions in a value stand for, with what is written around them.
fn is_put_together(given: &str, text: &str) -> bool {
    let (pieces, _) = literal(given);
    pieces.len() > 1 && is_made_of(text, &pieces)
}

/// What is written as itself in a value, in order: the pieces around quotes and substitutions. And the paths of
/// the substitutions.
fn literal(written: &str) -> (Vec<Piece<'_>>, Vec<Range<usize>>) {
    let mut pieces = Vec::new();
    let mut references = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while at < written.len() {
        let rest = &written[at..];
        let length = if let Some(inner) = rest.strip_prefix("${") {
            let end = inner.find('}').unwrap_or(inner.len());
            let path = inner[..end].trim_start_matches('?');
            let path_start = at + 2 + (end - path.len());
            references.push(path_start..path_start + path.len());
            (2 + end + 1).min(rest.len())
        } else if let Some(inner) = rest.strip_prefix("\"\"\"") {
            inner.find("\"\"\"").map_or(rest.len(), |end| end + 6)
        } else if let Some(inner) = rest.strip_prefix('"') {
            end_of_quotes(inner).map_or(rest.len(), |end| end + 2)
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        pieces.push(Piece::Plain(&written[start..at]));
        pieces.push(Piece::Other);
        at += length;
        start = at;
    }
    pieces.push(Piece::Plain(&written[start..]));
    (pieces, references)
}

enum Piece<'a> {
    /// Stands for something else: quotes or a substitution.
    Other,
    /// Should come out as it is.
    Plain(&'a str),
}

fn end_of_quotes(inner: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at),
            _ => {}
        }
    }
    None
}

/// Whether a text has the pieces in their order, nothing before the first and behind the last unless something
/// else stands there.
fn is_made_of(text: &str, pieces: &[Piece<'_>]) -> bool {
    if let [Piece::Plain(only)] = pieces {
        return text == *only;
    }
    let mut rest = text;
    for (index, piece) in pieces.iter().enumerate() {
        let Piece::Plain(plain) = piece else {
            continue;
        };
        let plain = plain.trim();
        let found = match index {
            0 => rest.strip_prefix(plain),
            _ if index + 1 == pieces.len() => rest.strip_suffix(plain),
            _ => rest.find(plain).map(|at| &rest[at + plain.len()..]),
        };
        match found {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says where it stopped")]
    use super::*;
    use crate::hocon::{Context, Include, Included, Lookup, parse};

    /// Whether the value at `a` of a file is told to be misread.
    fn is_told(text: &str) -> bool {
        let environment = |name: &str| match name {
            "ENV" => Lookup::Known("06d-raw#$".to_owned().into()),
            _ => Lookup::Unset,
        };
        let include = |include: &Include<'_>| Included::Known {
            file: include.path(),
            text: "a: 06d-x".to_owned().into(),
            tag: None,
        };
        let context = Context::new(&environment, &include);
        let root = parse(text, &context).unwrap();
        in_text(text, Some(&root), root.get("a").unwrap(), 0).is_some()
    }

    #[test]
    fn what_pyhocon_changes_in_a_file_is_told() {
        for text in [
            "a: 06d-x",
            "a: 06d-${ENV}",
            "a: ${ENV} true-x",
            "s: 06d-x\na: ${s}",
            "s: 06d-x\nt: ${s}\na: pre${t}",
            "a: abc#def",
            "a: 5",
            "n: 5\na: ${n}",
            "a: x\\ty",
        ] {
            assert!(is_told(text), "{text}");
        }
    }

    #[test]
    fn what_is_meant_is_not() {
        for text in [
            "a: abc",
            "a: \"06d-x\"",
            "a: ${ENV}",
            "a: pre${ENV}post",
            "a: \"06d-x\"${ENV}",
            "s: abc\na: ${s}",
            "s: \"06d-x\"\na: ${s}",
            "a: abc # why",
            "a: \"abc\"#why",
            "a: abc//def",
            "a: \"\"\"06d\"x\"\"\"",
            "include \"x\"",
        ] {
            assert!(!is_told(text), "{text}");
        }
    }
}

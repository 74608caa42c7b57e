//! Keys: how pyhocon splits `a.b."c.d"` into the steps of a path.

use std::sync::Arc;

/// Quotes stay around a step that has one of these in it.
///
/// All of them are ASCII, so that a path is walked byte by byte: every question about a configuration walks one.
const SPECIAL: [bool; 256] = {
    let characters = b"!#$&*+.:=?@[]^`}";
    let mut table = [false; 256];
    let mut at = 0;
    while at < characters.len() {
        table[characters[at] as usize] = true;
        at += 1;
    }
    table
};

fn is_special(byte: u8) -> bool {
    SPECIAL[usize::from(byte)]
}

/// Where the first of them is, or the end.
fn plain_length(text: &str) -> usize {
    let mut bytes = text.bytes();
    bytes.position(is_special).unwrap_or(text.len())
}

/// The steps of a path. There may be none, and a step may be empty: pyhocon throws later then.
pub(super) fn split(text: &str) -> Vec<Arc<str>> {
    steps(text).map(Arc::from).collect()
}

/// The same, one after the other.
pub(super) fn steps(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.bytes().position(|byte| !is_special(byte));
        rest = &rest[start.unwrap_or(rest.len())..];
        let quoted = quoted(rest);
        let (step, after) = rest.split_at(quoted.unwrap_or_else(|| plain_length(rest)));
        rest = after;
        let is_plain = quoted.is_none() || plain_length(step) == step.len();
        (!step.is_empty()).then_some(if is_plain {
            step.trim_matches('"')
        } else {
            step
        })
    })
}

/// The length of something in quotes at the start, if something is in them.
fn quoted(text: &str) -> Option<usize> {
    let length = text.strip_prefix('"')?.find('"')?;
    (length > 0).then_some(length + 2)
}

/// The path of the steps after the first, as pyhocon writes it to split it again.
pub(super) fn split_tail(steps: &[Arc<str>]) -> Vec<Arc<str>> {
    let quoted: Vec<String> = steps
        .iter()
        .skip(1)
        .map(|step| format!("\"{step}\""))
        .collect();
    split(&quoted.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stay_only_where_they_matter() {
        for (text, steps) in [
            ("a.b.c", vec!["a", "b", "c"]),
            ("a..b", vec!["a", "b"]),
            ("\"a.b\"", vec!["\"a.b\""]),
            ("\"a\"", vec!["a"]),
            ("\"-credentials\"", vec!["-credentials"]),
            ("a.\"b.c\"", vec!["a", "\"b.c\""]),
            ("\"\"", vec![""]),
            (".", vec![]),
            (" x ", vec![" x "]),
        ] {
            assert_eq!(
                split(text).iter().map(|step| &**step).collect::<Vec<_>>(),
                steps,
                "{text}"
            );
        }
    }
}

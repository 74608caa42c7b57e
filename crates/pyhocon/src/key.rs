//! Keys: how pyhocon splits `a.b."c.d"` into the steps of a path.

use std::sync::Arc;

/// Quotes stay around a step that has one of these in it.
const SPECIAL: [char; 16] = [
    '$', '}', '[', ']', ':', '=', '+', '#', '`', '^', '?', '!', '@', '*', '&', '.',
];

/// The steps of a path. There may be none, and a step may be empty: pyhocon throws later then.
pub(super) fn split(text: &str) -> Vec<Arc<str>> {
    let mut steps = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let step = match quoted(rest) {
            Some(length) => {
                let (step, after) = rest.split_at(length);
                rest = after;
                step
            }
            None if SPECIAL.contains(&c) => {
                rest = &rest[c.len_utf8()..];
                continue;
            }
            None => {
                let (step, after) = rest.split_at(rest.find(SPECIAL).unwrap_or(rest.len()));
                rest = after;
                step
            }
        };
        let is_special = step.contains(SPECIAL);
        steps.push(Arc::from(if is_special {
            step
        } else {
            step.trim_matches('"')
        }));
    }
    steps
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

//! What go-yaml refuses or reads otherwise before and between the nodes: tabs where an indentation is, directives, and where a tag ends.

use std::ops::Range;
use std::sync::Arc;

use super::{Node, Quoting, Style, Value};

pub(crate) const TAG: &str = "Docker Compose takes all up to the next space for this tag";
pub(super) const NO_START: &str = "what follows `...` has to begin with `---`";
const TAB: &str = "a tab where Docker Compose takes spaces alone";
const SLASH: &str = "`\\/` is JSON that Docker Compose refuses: write `/`";
const SURROGATE: &str =
    "half a character in `\\u…`, which Docker Compose refuses: write the character itself";
const DIRECTIVE: &str = "a directive that Docker Compose refuses: it knows %YAML 1.1 and %TAG";

/// Where a tag is that go-yaml takes for a longer one: `[!tag, x]`.
pub(super) fn of_tag(text: &str, node: &Node) -> Option<(usize, &'static str)> {
    let (_, at) = node.properties.as_ref()?.tag.as_ref()?;
    let at = *at as usize;
    let word = text.get(at..)?.split(char::is_whitespace).next()?;
    let goes_on = word.starts_with('!')
        && !word.starts_with("!<")
        && word.contains([',', '[', ']', '{', '}']);
    goes_on.then_some((at, TAG))
}

/// The first escape of JSON that go-yaml does not know, and where it is. Kubernetes reads JSON as such.
pub(crate) fn of_escapes(text: &str, root: &Node) -> Option<(usize, &'static str)> {
    // Nearly no text has one.
    let may_be = text.contains("\\/") || text.contains("\\u");
    may_be.then(|| of_escapes_below(text, root)).flatten()
}

fn of_escapes_below(text: &str, node: &Node) -> Option<(usize, &'static str)> {
    match &node.value {
        Value::Alias(_) => None,
        Value::Mapping(_, entries) => entries.iter().find_map(|entry| {
            of_escapes_below(text, &entry.key).or_else(|| of_escapes_below(text, &entry.value))
        }),
        Value::Scalar(Quoting::Double, _) => of_escape(text, node.range()),
        Value::Scalar(..) => None,
        Value::Sequence(_, items) => items.iter().find_map(|item| of_escapes_below(text, item)),
    }
}

fn of_escape(text: &str, range: Range<usize>) -> Option<(usize, &'static str)> {
    let written = text.get(range.clone())?;
    let mut at = 0;
    while let Some(next) = written[at..].find('\\') {
        at += next;
        let rest = &written[at + 1..];
        let code = rest.strip_prefix('u').and_then(|code| code.get(..4));
        let code = code.and_then(|code| u16::from_str_radix(code, 16).ok());
        if rest.starts_with('/') {
            return Some((range.start + at, SLASH));
        }
        if code.is_some_and(|code| (0xD800..0xE000).contains(&code)) {
            return Some((range.start + at, SURROGATE));
        }
        at += 1 + rest.chars().next().map_or(0, char::len_utf8);
    }
    None
}

/// The first of these, and where it is. `from` is where the part of the text begins that the documents are in.
pub(super) fn refused(
    text: &str,
    part: Range<usize>,
    documents: &[Arc<Node>],
) -> Option<(usize, &'static str)> {
    let written = &text[part.clone()];
    // Nearly no text has one.
    if !written.contains('\t') && !written.starts_with('%') && !written.contains("\n%") {
        return None;
    }
    let mut content = Vec::new();
    for document in documents {
        note(document, &mut content);
    }
    content.sort_unstable_by_key(|(range, _)| range.start);
    // They are apart from each other.
    let last = |at: usize| {
        let before = content.partition_point(|(range, _)| range.start <= at);
        content.get(before.checked_sub(1)?)
    };
    let is_content = |at: usize| last(at).is_some_and(|(range, _)| at < range.end);
    let mut start = part.start;
    let (mut indentation, mut end) = (0, start);
    for line in written.split_inclusive('\n') {
        if line.starts_with('%') && !is_content(start) && !is_known(line) {
            return Some((start, DIRECTIVE));
        }
        let dashes = after_dashes(line);
        let spaces = line.len() - line.trim_start_matches(' ').len();
        let tab = match line[dashes..].starts_with('\t') {
            true if dashes > spaces => Some(dashes),
            // Further in, a text without quotes goes on there.
            true if spaces > indentation => {
                let goes_on =
                    last(start).is_some_and(|(range, is_plain)| *is_plain && range.end == end);
                (!goes_on).then_some(dashes)
            }
            true => Some(dashes),
            false => None,
        };
        if let Some(tab) = tab.filter(|tab| !is_content(start + tab)) {
            return Some((start + tab, TAB));
        }
        if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
            let goes_on = start.checked_sub(1).is_some_and(is_content);
            indentation = if goes_on { indentation } else { spaces };
            end = start + line.trim_end().len();
        }
        start += line.len();
    }
    None
}

fn is_known(line: &str) -> bool {
    let line = line.split(" #").next().unwrap_or_default();
    let mut words = line.split_whitespace();
    match words.next() {
        Some("%YAML") => words.next() == Some("1.1"),
        name => name == Some("%TAG"),
    }
}

/// Where a line goes on after its indentation, and after the dashes of items and the spaces behind these.
fn after_dashes(line: &str) -> usize {
    let mut at = 0;
    loop {
        let rest = &line[at..];
        at += rest.len() - rest.trim_start_matches(' ').len();
        match line[at..].strip_prefix('-') {
            Some(rest) if rest.starts_with([' ', '\t']) => at += 1,
            _ => return at,
        }
    }
}

/// Where scalars and what is in brackets are, and which of these are texts without quotes.
fn note(node: &Node, content: &mut Vec<(Range<usize>, bool)>) {
    match &node.value {
        Value::Mapping(Style::Block, entries) => {
            for entry in entries {
                note(&entry.key, content);
                note(&entry.value, content);
            }
        }
        Value::Sequence(Style::Block, items) => {
            for item in items {
                note(item, content);
            }
        }
        value => {
            let is_plain = matches!(value, Value::Scalar(Quoting::Plain, _));
            content.push((node.range(), is_plain));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::yaml::parse;

    #[test]
    fn escapes_are_refused_that_compose_refuses() {
        for (text, expected) in [
            (r#"{"a": "b\/c"}"#, Some((8, SLASH))),
            (r#"{"a\/b": 1}"#, Some((3, SLASH))),
            (r#"["\\\/"]"#, Some((4, SLASH))),
            (r#"["x\ud83d\ude00"]"#, Some((3, SURROGATE))),
            ("a: \"\\uD83D\\uDE00\"", Some((4, SURROGATE))),
            (r#"["\u00e4\\/\n\"/", "\\ud83d"]"#, None),
            (r"a: \/\ud83d", None),
            (r"a: '\/\ud83d'", None),
        ] {
            let root = parse(Path::new("a.yml"), text).unwrap();
            assert_eq!(of_escapes(text, &root), expected, "{text}");
        }
    }
}

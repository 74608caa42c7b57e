//! Edits of YAML in whatever style it is written, and nothing about what it is for.

use std::ops::Range;

use super::lines::{line_break, line_end, line_start};
use super::scalar::{self, Typed};
use super::{Node, Quoting, Value};
use crate::edit::{Edit, Edits};

/// Text as a scalar: as it is where YAML takes it for text in any context, in single quotes otherwise.
pub fn scalar(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else {
        single_quoted(text)
    }
}

/// The same for `NAME=value`.
pub fn pair(name: &str, value: &str) -> String {
    let pair = format!("{name}={value}");
    if is_plain(name) && is_plain(value) {
        pair
    } else {
        single_quoted(&pair)
    }
}

/// Text of any kind on one line, which reads as text in brackets as well.
pub fn on_one_line(text: &str) -> String {
    let is_printable =
        |c: char| !c.is_control() && !matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}');
    if text.chars().all(is_printable) {
        single_quoted(text)
    } else {
        let escaped = text.chars().map(|c| match c {
            '"' | '\\' => format!("\\{c}"),
            c if is_printable(c) => c.to_string(),
            c => format!("\\U{:08x}", u32::from(c)),
        });
        format!("\"{}\"", escaped.collect::<String>())
    }
}

/// Gives a key another value: in the quotes of the old one, without its anchor's bytes touched, and without a tag that
/// would make something else of a text.
pub fn set_value(text: &str, key: &Node, value: &Node, new: &str, edits: &mut Edits) {
    let key_end = key.range().end;
    let span = value.range();
    let is_written = !span.is_empty() || value.anchor().is_some();
    if is_written {
        drop_tag(text, value, edits);
    }
    match &value.value {
        Value::Scalar(Quoting::Block, _) => {
            let from = colon_behind(text, key_end).map_or(key_end, |colon| colon + 1);
            replace_block(text, value, from, &scalar(new), edits);
        }
        Value::Scalar(..) if span.is_empty() => set_missing_value(text, key, value, new, edits),
        _ => {
            // `"KEY":value` is one thing with its colon only as long as it is quoted.
            let before = text.get(..span.start).unwrap_or_default();
            let separator = if before.ends_with(':') { " " } else { "" };
            let new = in_quotes_of(value, new);
            edits.push(Edit::replace(span, format!("{separator}{}", new)));
        }
    }
}

/// Gives an item of a list another text.
pub fn set_item(text: &str, item: &Node, new: &str, edits: &mut Edits) {
    drop_tag(text, item, edits);
    let is_block = matches!(&item.value, Value::Scalar(Quoting::Block, _));
    if is_block {
        let from = item
            .start_with_properties()
            .min(block_header_above(text, item));
        let (name, value) = new.split_once('=').unwrap_or((new, ""));
        replace_block(text, item, from, &pair(name, value), edits);
        return;
    }
    let quoted = match &item.value {
        Value::Scalar(Quoting::Double | Quoting::Single, _) => in_quotes_of(item, new),
        _ => match new.split_once('=') {
            Some((name, value)) => pair(name, value),
            None => scalar(new),
        },
    };
    edits.push(Edit::replace(item.range(), quoted));
}

/// Puts lines behind the line that holds a byte.
pub fn lines_behind(text: &str, at: usize, lines: &[String]) -> Edit {
    let newline = line_break(text, at);
    let new = lines.iter().flat_map(|line| [newline, line.as_str()]);
    Edit::insert(line_end(text, at), new.collect())
}

/// Puts lines in front of the line that holds a byte. Behind a block scalar nothing can be put without a thought
/// for the empty lines that belong to it.
pub fn lines_before(text: &str, at: usize, lines: &[String]) -> Edit {
    let newline = line_break(text, at);
    let new = lines.iter().flat_map(|line| [line.as_str(), newline]);
    Edit::insert(line_start(text, at), new.collect())
}

/// Puts more behind the last entry of brackets or braces, or right behind the opening one. A key without a value keeps its
/// colon, and a blank behind that.
pub fn into_flow(text: &str, node: &Node, last: Option<usize>, more: &str) -> Edit {
    let entry = node.entries().and_then(<[_]>::last);
    let unwritten = entry.filter(|entry| entry.value.range().is_empty());
    let colon = unwritten.and_then(|entry| colon_behind(text, entry.key.range().end));
    match (colon, last) {
        (Some(colon), Some(last)) if colon >= last => Edit::insert(colon + 1, format!(" , {more}")),
        (_, Some(last)) => Edit::insert(last, format!(", {more}")),
        (_, None) => Edit::insert(node.range().start + 1, more.to_owned()),
    }
}

/// The dash of an item of a block list: the first thing on its line, or on one above where comments are between the two.
pub fn dash(text: &str, item: &Node) -> usize {
    let mut end = item.start_with_properties();
    loop {
        let above = text.get(..end).unwrap_or_default();
        let start = above.rfind('\n').map_or(0, |at| at + 1);
        let line = text.get(start..).unwrap_or_default();
        // The list may be the value of `? key`.
        let rest = line.trim_start_matches(' ');
        let rest = rest.strip_prefix(": ").unwrap_or(rest);
        let blanks = line.len() - rest.trim_start_matches(' ').len();
        if line[blanks..].starts_with('-') || start == 0 {
            return start + blanks;
        }
        end = start - 1;
    }
}

/// Where a key's colon is; none where it has no value, as in `{KEY}`.
pub fn colon_behind(text: &str, key_end: usize) -> Option<usize> {
    let at = skip_to_content(text, key_end);
    text.get(at..)?.starts_with(':').then_some(at)
}

/// A new value for a key that has none.
fn set_missing_value(text: &str, key: &Node, value: &Node, new: &str, edits: &mut Edits) {
    let key_end = key.range().end;
    let new = scalar(new);
    if let Some(colon) = colon_behind(text, key_end) {
        let properties = value.end_of_properties(text).max(colon + 1);
        // An anchor stays, and the value comes behind it; a tag alone is what the value replaces.
        let start = match value.anchor() {
            Some(_) => properties,
            None => colon + 1,
        };
        edits.push(Edit::replace(start..properties, format!(" {}", new)));
        return;
    }
    let start = key.start_with_properties();
    let before = text.get(..start).unwrap_or_default().trim_end();
    if before.ends_with('?') {
        edits.push(Edit::replace(before.len() - 1..start, String::new()));
    }
    edits.push(Edit::insert(key_end, format!(": {}", new)));
}

/// Puts a value in place of a block scalar. A comment behind its header stays.
fn replace_block(text: &str, node: &Node, from: usize, new: &str, edits: &mut Edits) {
    let from = from.max(node.end_of_properties(text));
    let start = skip_to_content(text, from);
    let rest = text.get(start..).unwrap_or_default();
    let indicators = rest.len() - rest.trim_start_matches(INDICATORS).len();
    let header = start..start + indicators;
    let line_end = line_end(text, header.start);
    let end = node.range().end.max(line_end);
    edits.push(Edit::replace(header, new.to_owned()));
    edits.push(Edit::replace(line_end..end, String::new()));
}

/// What a block scalar's header is made of.
const INDICATORS: [char; 13] = [
    '|', '>', '-', '+', '1', '2', '3', '4', '5', '6', '7', '8', '9',
];

/// The `|` or `>` of an item without anchor and tag: the last one in front of its lines that only indicators or a comment
/// follow.
fn block_header_above(text: &str, item: &Node) -> usize {
    let above = text.get(..item.range().start).unwrap_or_default();
    let mut end = above.len();
    while let Some(line_break) = above[..end].rfind('\n') {
        let start = above[..line_break].rfind('\n').map_or(0, |at| at + 1);
        let line = &above[start..line_break];
        let header = line.match_indices(['|', '>']).find(|(at, _)| {
            let before = &line[..*at];
            let behind = line[at + 1..].trim_start_matches(INDICATORS);
            (before.is_empty() || before.ends_with([' ', '\t', '-']))
                && (behind.trim().is_empty() || behind.trim_start().starts_with('#'))
                && behind.chars().next().is_none_or(char::is_whitespace)
        });
        match header {
            Some((at, _)) => return start + at,
            None => end = line_break,
        }
    }
    above.len()
}

/// A tag made something of the old value that it cannot make of a text.
fn drop_tag(text: &str, node: &Node, edits: &mut Edits) {
    let Some(start) = node.tag_start() else {
        return;
    };
    if matches!(node.tag(), Some("!" | "!!str")) {
        return;
    }
    let end = end_of_word(text, start);
    let rest = text.get(end..).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    edits.push(Edit::replace(start..end + blanks, String::new()));
}

fn in_quotes_of(node: &Node, new: &str) -> String {
    match &node.value {
        Value::Scalar(Quoting::Double, _) => {
            format!("\"{}\"", new.replace('\\', "\\\\").replace('"', "\\\""))
        }
        Value::Scalar(Quoting::Single, _) => single_quoted(new),
        _ => scalar(new),
    }
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What YAML 1.1 takes for a switch, and with it Helm and Kubernetes.
const SWITCHES: [&str; 6] = ["n", "no", "off", "on", "y", "yes"];

/// Whether YAML takes the text, unquoted and in any context, for exactly this text.
fn is_plain(text: &str) -> bool {
    let is_switch = || SWITCHES.iter().any(|word| text.eq_ignore_ascii_case(word));
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        && !is_switch()
        && scalar::resolve(text, true, None) == Typed::Text
}

/// The next byte that is neither blank nor comment.
fn skip_to_content(text: &str, from: usize) -> usize {
    let mut at = from;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let trimmed = rest.trim_start_matches(char::is_whitespace);
        at += rest.len() - trimmed.len();
        if !trimmed.starts_with('#') {
            return at;
        }
        at += trimmed.find('\n').unwrap_or(trimmed.len());
    }
}

/// One past a tag or an anchor.
fn end_of_word(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    if rest.starts_with("!<") {
        return start + rest.find('>').map_or(rest.len(), |at| at + 1);
    }
    let end = |c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']' | '{' | '}');
    start + rest.find(end).unwrap_or(rest.len())
}

impl Node {
    /// First byte of the explicit tag.
    fn tag_start(&self) -> Option<usize> {
        let (_, start) = self.properties.as_ref()?.tag.as_ref()?;
        Some(*start as usize)
    }

    /// One past anchor and tag; nought where there are none.
    pub fn end_of_properties(&self, text: &str) -> usize {
        let anchor = self
            .anchor()
            .map_or(0, |(_, range): (_, Range<usize>)| range.end);
        let tag = self.tag_start().map_or(0, |start| end_of_word(text, start));
        anchor.max(tag)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::edit::splice;
    use crate::yaml::parse;

    /// The text with `new` as the first value below `e`.
    fn set(text: &str) -> String {
        let root = parse(Path::new("t.yml"), text).unwrap();
        let list = root.get("e").unwrap().value.target();
        let mut edits = Edits::default();
        match &list.value {
            Value::Mapping(_, entries) => {
                set_value(text, &entries[0].key, &entries[0].value, "new", &mut edits);
            }
            Value::Sequence(_, items) => set_item(text, &items[0], "K=new", &mut edits),
            _ => panic!("neither a mapping nor a list"),
        }
        splice(text, &edits.in_order()).unwrap().to_string()
    }

    #[test]
    fn a_value_is_replaced_in_every_style() {
        for (before, after) in [
            ("e:\n  K: old # why\n", "e:\n  K: new # why\n"),
            ("e:\n  K: 'old'\n", "e:\n  K: 'new'\n"),
            ("e:\n  K: \"o\n    ld\"\n", "e:\n  K: \"new\"\n"),
            (
                "e:\n  K: |- # why: a\n    old\n  L: 1\n",
                "e:\n  K: new # why: a\n  L: 1\n",
            ),
            ("e:\n  K: >2+\n    o > |\n\n", "e:\n  K: new\n\n"),
            ("e:\n  K: &a\n    |\n    old\n", "e:\n  K: &a\n    new\n"),
            ("e:\n  K:\n", "e:\n  K: new\n"),
            ("e:\n  K: ~\n", "e:\n  K: new\n"),
            ("e:\n  K: &a\n", "e:\n  K: &a new\n"),
            ("e:\n  K: # x: y\n  L: 1\n", "e:\n  K: new # x: y\n  L: 1\n"),
            ("e:\n  ? K # x: y\n  : old\n", "e:\n  ? K # x: y\n  : new\n"),
            ("e:\n  ? K\n  L: 1\n", "e:\n  K: new\n  L: 1\n"),
            ("e: {K}\nf: 1\n", "e: {K: new}\nf: 1\n"),
            ("e: {K: }\n", "e: {K: new }\n"),
            ("e: {\"K\":old}\n", "e: {\"K\": new}\n"),
            ("e: {? K, L: 1}\n", "e: {K: new, L: 1}\n"),
        ] {
            assert_eq!(set(before), after);
        }
    }

    #[test]
    fn what_some_yaml_takes_for_no_text_is_in_quotes() {
        for text in ["on", "No", "Y", "true", "null", "1e5", "123", "a b", ""] {
            assert_eq!(scalar(text), format!("'{text}'"));
        }
        for text in ["one", "nobody", "a.b-c_1"] {
            assert_eq!(scalar(text), text);
        }
    }

    #[test]
    fn a_tag_that_no_longer_fits_goes() {
        for (before, after) in [
            ("e:\n  K: !!binary aGk=\n", "e:\n  K: new\n"),
            ("e:\n  K: !!binary |\n    aGk=\n", "e:\n  K: new\n"),
            ("e:\n  K: &a !!int 1\n", "e:\n  K: &a new\n"),
            ("e:\n  K: !!null\n", "e:\n  K: new\n"),
            ("e: {K: !!null , L: 1}\n", "e: {K: new , L: 1}\n"),
            ("e:\n  K: !custom &a 'x'\n", "e:\n  K: &a 'new'\n"),
            (
                "e:\n  K: !<tag:yaml.org,2002:float> 1.5\n",
                "e:\n  K: new\n",
            ),
            ("e:\n  K: !!str 'x'\n", "e:\n  K: !!str 'new'\n"),
            ("e:\n  - !!binary SyA9\n", "e:\n  - K=new\n"),
        ] {
            assert_eq!(set(before), after);
        }
    }

    #[test]
    fn an_item_is_replaced_in_every_style() {
        for (before, after) in [
            ("e:\n  - K\n", "e:\n  - K=new\n"),
            ("e:\n  - \"K\" # why\n", "e:\n  - \"K=new\" # why\n"),
            ("e: [K, 'L']\n", "e: [K=new, 'L']\n"),
            (
                "e:\n  - >- # - x\n    K=old\n  - L\n",
                "e:\n  - K=new # - x\n  - L\n",
            ),
            ("e:\n  -\n    |\n    K=old\n", "e:\n  -\n    K=new\n"),
            ("e:\n  - &a K=old\n", "e:\n  - &a K=new\n"),
        ] {
            assert_eq!(set(before), after);
        }
    }

    #[test]
    fn a_dash_in_a_comment_is_no_items() {
        let text = "e:\n  - a # - x\n  # - y\n  - # z - z\n    b\n";
        let root = parse(Path::new("t.yml"), text).unwrap();
        let items = root.get("e").unwrap().value.items().unwrap();
        let dashes = [0, 1].map(|number| dash(text, &items[number]));
        assert_eq!(dashes, [5, text.find("- # z").unwrap()]);
    }
}

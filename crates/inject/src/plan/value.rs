//! How a value is written, so that YAML, compose and HOCON all give it back.

use std::ops::Range;

use clearml_secure_core::hocon;
use clearml_secure_core::secret::Secret;
use clearml_secure_core::source::Span;
use clearml_secure_core::yaml::Typed;
use clearml_secure_core::yaml::scalar::resolve;
use zeroize::Zeroizing;

use super::indent::{line_end, line_start};
use super::wanted::Wanted;
use super::{Edit, Edits, Target};

/// The text for a server that reads HOCON: as it is where HOCON leaves it alone, in HOCON's quotes otherwise.
pub(super) fn for_hocon(secret: &Secret) -> Option<Secret> {
    let text = secret.expose();
    if hocon::is_unchanged(text) {
        return Some(secret.clone());
    }
    if text.chars().any(char::is_control) {
        return None;
    }
    let mut quoted = String::with_capacity(text.len() * 2 + 2);
    quoted.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    let quoted = Secret::new(quoted);
    hocon::reads_as(quoted.expose(), text).then_some(quoted)
}

/// Puts a new value where one stands, in the quotes that are there.
pub(super) fn replace(target: &Target<'_>, span: Span, wanted: &Wanted, edits: &mut Edits) {
    let edit = |range, text| Edit {
        range,
        text: Zeroizing::new(text),
    };
    let old = &target.text[span.start..span.end];
    let before = target.text[..span.start].chars().next_back();
    let is_list_item = before == Some('=');
    let header = block_header(target.text, span, &wanted.name);
    if let Some(header) = header.filter(|_| !is_list_item) {
        // A comment behind the header stays.
        let lines = line_end(target.text, header.start)..span.end;
        edits.push(edit(header, scalar(wanted).to_string()));
        edits.push(edit(lines, String::new()));
        return;
    }
    let quote = if is_list_item {
        // The item's own quotes stand around name and value.
        item_quote(target.text, span.start, &wanted.name)
    } else {
        old.chars().next().filter(|c| matches!(c, '"' | '\''))
    };
    let written: &str = &wanted.written;
    let text = match (quote, is_list_item) {
        (Some('"'), false) => format!("\"{}\"", double(written)),
        (Some('"'), true) => double(written),
        (Some(_), false) => format!("'{}'", written.replace('\'', "''")),
        (Some(_), true) => written.replace('\'', "''"),
        (None, false) => {
            let separator = if before == Some(':') { " " } else { "" };
            format!("{separator}{}", *scalar(wanted))
        }
        (None, true) => written.to_owned(),
    };
    edits.push(edit(span.start..span.end, text));
}

/// The `|-` or `>` above the lines of a block scalar.
fn block_header(text: &str, content: Span, name: &str) -> Option<Range<usize>> {
    let above = text[..line_start(text, content.start)].trim_end().len();
    let line = line_start(text, above)..above;
    // A comment or another value above may end like one.
    let is_of_name = |start: &str| start.starts_with(':') || start.contains(name);
    let start = text[line.clone()].trim_start();
    if start.starts_with('#') || !is_of_name(start) {
        return None;
    }
    let is_header = |(at, _): &(usize, &str)| {
        let before = text[line.start..line.start + at].trim_end_matches([' ', '\t']);
        before.len() < *at
            && text[line.start + at + 1..line.end]
                .trim_start_matches(INDICATORS)
                .trim_start()
                .chars()
                .next()
                .is_none_or(|c| c == '#')
    };
    let (at, _) = text[line.clone()]
        .match_indices(['|', '>'])
        .find(is_header)?;
    let start = line.start + at;
    let indicators = text[start + 1..line.end].len()
        - text[start + 1..line.end]
            .trim_start_matches(INDICATORS)
            .len();
    Some(start..start + 1 + indicators)
}

/// What may follow the `|` or `>` of a block scalar.
const INDICATORS: [char; 11] = ['-', '+', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

fn item_quote(text: &str, value_start: usize, name: &str) -> Option<char> {
    let name_start = value_start.checked_sub(name.len() + 1)?;
    text.get(..name_start)?
        .chars()
        .next_back()
        .filter(|c| matches!(c, '"' | '\''))
}

/// A value of a mapping.
pub(super) fn scalar(wanted: &Wanted) -> Zeroizing<String> {
    let written: &str = &wanted.written;
    Zeroizing::new(if is_plain(written) {
        written.to_owned()
    } else {
        format!("'{}'", written.replace('\'', "''"))
    })
}

/// An item of a list: `NAME=value`.
pub(super) fn item(wanted: &Wanted) -> Zeroizing<String> {
    let (name, written) = (&wanted.name, &*wanted.written);
    Zeroizing::new(if is_plain(written) {
        format!("{name}={written}")
    } else {
        format!("'{name}={}'", written.replace('\'', "''"))
    })
}

/// Whether YAML takes the text, unquoted and in any context, for exactly this text.
fn is_plain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        && resolve(text, true, None) == Typed::Text
}

fn double(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

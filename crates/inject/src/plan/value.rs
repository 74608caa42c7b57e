//! How a value is written, so that YAML, compose and HOCON all give it back.

use clearml_secure_core::hocon;
use clearml_secure_core::secret::Secret;
use clearml_secure_core::source::Span;
use clearml_secure_core::yaml::Typed;
use clearml_secure_core::yaml::scalar::resolve;
use zeroize::Zeroizing;

use super::wanted::Wanted;
use super::{Edit, Target};

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
pub(super) fn replacement(target: &Target<'_>, span: Span, wanted: &Wanted) -> Edit {
    let old = &target.text[span.start..span.end];
    let before = target.text[..span.start].chars().next_back();
    let is_list_item = before == Some('=');
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
            return Edit {
                range: span.start..span.end,
                text: Zeroizing::new(format!("{separator}{}", *scalar(wanted))),
            };
        }
        (None, true) => written.to_owned(),
    };
    Edit {
        range: span.start..span.end,
        text: Zeroizing::new(text),
    }
}

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

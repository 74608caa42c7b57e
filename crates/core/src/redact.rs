//! Pieces of other people's files, fit to be shown: whatever may be a secret is masked.

mod text;

use std::ops::Range;

use crate::keyset::DEMAND;
pub use text::{Line, Mark, Text};

/// What stands for a masked value.
pub const MASK: &str = "********";

/// The text without the password of a URL in it.
pub fn in_url(text: &str) -> String {
    match password_in_url(text) {
        Some(password) => format!("{}{MASK}{}", &text[..password.start], &text[password.end..]),
        None => text.to_owned(),
    }
}

/// A mask that still names the variable a value is taken from.
pub fn value(value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let inner = quote.map_or(value, |quote| &value[quote.len_utf8()..]);
    if let Some(rest) = inner.strip_prefix("${") {
        let length = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            .count();
        // What is no form that compose knows may be a mistyped secret.
        if length > 0 && rest[length..].starts_with(['}', ':', '-', '?', '+']) {
            let after = rest[length..].trim_end_matches(['"', '\'']);
            // No default, or an empty one, hides nothing, nor does what clearml-inject wrote.
            let is_open = ["}", ":-}", "-}"].contains(&after)
                || after
                    .strip_prefix(":?")
                    .and_then(|after| after.strip_suffix('}'))
                    == Some(DEMAND);
            let quote = quote.map(String::from).unwrap_or_default();
            let end = if is_open {
                format!("{after}{quote}")
            } else {
                format!("…{MASK}")
            };
            return format!("{quote}${{{}{end}", &rest[..length]);
        }
    }
    MASK.to_owned()
}

/// `p` of `scheme://user:p@host`.
fn password_in_url(text: &str) -> Option<Range<usize>> {
    let authority = text.find("://")? + 3;
    let end = text[authority..]
        .find(['/', ' ', '"', '\''])
        .map_or(text.len(), |end| authority + end);
    let at = text[authority..end].rfind('@')? + authority;
    let colon = text[authority..at].find(':')? + authority;
    (colon + 1 < at).then_some(colon + 1..at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_masked_but_for_the_variable_they_are_taken_from() {
        let pairs = [
            ("", ""),
            ("abc", "********"),
            ("${K}", "${K}"),
            ("\"${K:-}\"", "\"${K:-}\""),
            (
                "'${K:?set by clearml-keygen}'",
                "'${K:?set by clearml-keygen}'",
            ),
            ("'${K:?hunter2}'", "'${K…********"),
            (
                "${CLEARML_AGENT_ACCESS_KEY:-x}",
                "${CLEARML_AGENT_ACCESS_KEY…********",
            ),
            ("${K", "********"),
            ("pre${K}", "********"),
        ];
        for (text, expected) in pairs {
            assert_eq!(value(text), expected);
        }
    }

    #[test]
    fn passwords_in_urls_are_masked() {
        assert_eq!(
            in_url("postgres://u:hunter2@db/x"),
            "postgres://u:********@db/x"
        );
        assert_eq!(in_url("redis:7"), "redis:7");
    }
}

//! Pieces of other people's files, fit to be shown: whatever may be a secret is masked.

mod text;

use std::ops::Range;

use crate::keyset::DEMAND;
pub use text::{Line, Mark, Text};

/// What stands for a masked value.
pub const MASK: &str = "********";

/// The text without the passwords of URLs and shares in it.
pub fn in_url(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = 0;
    for password in text
        .match_indices("//")
        .filter_map(|(at, _)| password_behind(text, at))
    {
        masked.push_str(&text[rest..password.start]);
        masked.push_str(MASK);
        rest = password.end;
    }
    masked + &text[rest..]
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

/// `p` of `scheme://user:p@host` or `//user:p@host`, where these slashes are. A slash in it is one of somebody who did not encode it,
/// unless a port is before it.
fn password_behind(text: &str, slashes: usize) -> Option<Range<usize>> {
    let start = slashes + 2;
    let end = text[start..].find([' ', '"', '\'']);
    let word = &text[start..end.map_or(text.len(), |end| start + end)];
    let word = word.split("//").next().unwrap_or_default();
    let (authority, path) = word.split_at(word.find('/').unwrap_or(word.len()));
    let colon = authority.find(':')?;
    let is_port = authority[colon + 1..]
        .bytes()
        .all(|byte| byte.is_ascii_digit());
    let at = match authority.rfind('@') {
        Some(at) => at,
        None if is_port => return None,
        None => authority.len() + path.rfind('@')?,
    };
    (colon + 1 < at).then_some(start + colon + 1..start + at)
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
        for (text, expected) in [
            ("//u:hunter2@nas/share:/x", "//u:********@nas/share:/x"),
            (
                "http://a:b@c,http://d:e@f g//h",
                "http://a:********@c,http://d:********@f g//h",
            ),
            ("amqp://u:a/b@c/d", "amqp://u:********@c/d"),
            ("http://u:p@h:80/x@y", "http://u:********@h:80/x@y"),
        ] {
            assert_eq!(in_url(text), expected);
        }
        for text in [
            "redis:7",
            "https://h:8080/x@1",
            "https://h/x:1@2",
            "a@b//c",
            "git://h",
            "//:@",
        ] {
            assert_eq!(in_url(text), text);
        }
    }
}

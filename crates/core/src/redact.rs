//! Lines of other people's files, fit to be shown: whatever may be a secret is masked.
//!
//! Deliberately simple and wide: a line is masked from the first name that sounds secret to its end. A value
//! too many is hidden rather than one too few.

use std::ops::Range;

/// What stands for a masked value.
pub const MASK: &str = "********";

/// Parts of names that sound secret.
const NAMES: [&str; 10] = [
    "pass", "secret", "token", "key", "cred", "auth", "private", "secure", "salt", "login",
];

/// The line with everything masked that stands behind a name that sounds secret, and passwords in URLs.
/// `spans` are byte ranges of the line that are masked whatever stands before them.
pub fn line(text: &str, spans: &[Range<usize>]) -> String {
    let mut masked: Vec<Range<usize>> = spans
        .iter()
        .filter(|span| !span.is_empty())
        .cloned()
        .collect();
    if let Some(start) = value_of_secret_name(text) {
        masked.push(start..text.trim_end().len());
    }
    if let Some(password) = password_in_url(text) {
        masked.push(password);
    }
    masked.sort_by_key(|range| range.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for range in masked {
        if range.end <= at {
            continue;
        }
        let start = range.start.max(at);
        let (Some(before), Some(value)) = (text.get(at..start), text.get(start..range.end)) else {
            // A range that is not one of characters: rather nothing than half a secret.
            return MASK.to_owned();
        };
        out.push_str(before);
        out.push_str(&mask(value));
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    crate::io::escape(&out).into_owned()
}

/// A mask that still names the variable a value is taken from.
fn mask(value: &str) -> String {
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
            // No default, or an empty one, hides nothing.
            let end = if ["}", ":-}", "-}"].contains(&after) {
                after.to_owned()
            } else {
                format!("…{MASK}")
            };
            return format!(
                "{}${{{}{end}",
                quote.map(String::from).unwrap_or_default(),
                &rest[..length]
            );
        }
    }
    MASK.to_owned()
}

/// Where the value behind the first name that sounds secret starts.
fn value_of_secret_name(text: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let mut from = 0;
    while let Some(at) = NAMES
        .iter()
        .filter_map(|name| lower[from..].find(name))
        .min()
    {
        let name_start = from + at;
        let is_name =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | '\'');
        let name_end = text[name_start..]
            .find(|c| !is_name(c))
            .map_or(text.len(), |end| name_start + end);
        let rest = &text[name_end..];
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let after = &rest[blanks..];
        if after.starts_with([':', '=']) || (blanks > 0 && !after.is_empty()) {
            let separator = usize::from(after.starts_with([':', '=']));
            let value = &after[separator..];
            let skipped = value.len() - value.trim_start_matches([' ', '\t']).len();
            let start = name_end + blanks + separator + skipped;
            // `NAME: value` in a sentence of a comment is masked as well; a lone name is not.
            return (start < text.trim_end().len()).then_some(start);
        }
        from = name_end.max(name_start + 1);
        if from >= text.len() || !text.is_char_boundary(from) {
            return None;
        }
    }
    None
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
    fn what_sounds_secret_is_masked() {
        let pairs = [
            ("  A_SECRET: abc", "  A_SECRET: ********"),
            ("- A_KEY=abc # why", "- A_KEY=********"),
            ("  image: redis:7", "  image: redis:7"),
            (
                "  user_key: ${CLEARML_AGENT_ACCESS_KEY:-x}",
                "  user_key: ${CLEARML_AGENT_ACCESS_KEY…********",
            ),
            ("  user_key: ${K}", "  user_key: ${K}"),
            ("  user_key: ${K:-}", "  user_key: ${K:-}"),
            ("  user_key: ${K", "  user_key: ********"),
            (
                "  A: postgres://u:hunter2@db/x",
                "  A: postgres://u:********@db/x",
            ),
            (
                "command: redis-server --requirepass hunter2",
                "command: redis-server --requirepass ********",
            ),
            (
                "x: '[{\"password\": \"p\"}]'",
                "x: '[{\"password\": ********",
            ),
        ];
        for (text, expected) in pairs {
            assert_eq!(line(text, &[]), expected);
        }
        let value = 7..10;
        assert_eq!(
            line("  FOO: bar", std::slice::from_ref(&value)),
            "  FOO: ********"
        );
        assert_eq!(line("a\u{1b}b", &[]), "a\\u{1b}b");
    }
}

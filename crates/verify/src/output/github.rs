//! Annotations of a workflow run on GitHub: `::error file=…,line=…,col=…,title=…::message`.

use clearml_secure_core::shown::{escape, text_of};
use clearml_secure_core::source::Place;

use super::Seen;
use crate::finding::Severity;

pub(super) fn findings(seen: &Seen<'_>) -> String {
    let mut out = String::new();
    for report in seen.reports {
        for finding in &report.findings {
            let level = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "notice",
            };
            let text = format!("{}\n{}", finding.message, finding.help);
            let place = finding.spot.as_ref().map(|spot| &spot.place);
            out.push_str(&annotation(level, place, finding.rule, &text));
        }
        for one in &report.unknown {
            let text = format!("{}: {}", one.what, one.reason);
            let place = one.place.as_ref();
            out.push_str(&annotation("error", place, "not checked", &text));
        }
    }
    if let Some(list) = seen.hidden.list() {
        out.push_str(&annotation("notice", None, "not shown", &list));
    }
    out
}

fn annotation(level: &str, place: Option<&Place>, title: &str, text: &str) -> String {
    let place = place.map(|place| {
        let file = text_of(&place.file);
        // Annotations are shown at files that are named as git names them.
        let file = property(file.strip_prefix("./").unwrap_or(&file));
        format!("file={file},line={},col={},", place.line, place.column)
    });
    format!(
        "::{level} {}title={}::{}\n",
        place.unwrap_or_default(),
        property(title),
        data(text)
    )
}

/// Lines, as GitHub reads them. Control characters, which a log would obey, are shown as escapes.
fn data(text: &str) -> String {
    let lines = text
        .split('\n')
        .map(|line| escape(line).replace('%', "%25"));
    lines.collect::<Vec<_>>().join("%0A")
}

/// In a property, which is one line, what would end it as well.
fn property(text: &str) -> String {
    let text = escape(text).replace('%', "%25");
    text.replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_command_early() {
        assert_eq!(data("50%\r\n::error::x"), "50%25\\u{d}%0A::error::x");
        assert_eq!(property("a,b:c\n"), "a%2Cb%3Ac\\u{a}");
    }

    #[test]
    fn no_escape_of_a_terminals_is_in_a_path() {
        let place = Place {
            file: "./a\u{1b}[31m\u{202e}.yml".into(),
            line: 1,
            column: 2,
        };
        assert_eq!(
            annotation("error", Some(&place), "x", "one\ntwo\u{7}"),
            "::error file=a\\u{1b}[31m\\u{202e}.yml,line=1,col=2,title=x::one%0Atwo\\u{7}\n"
        );
    }
}

//! A unified diff in which no secret is shown.

use std::fmt::Write;

use clearml_secure_core::redact;
use similar::{ChangeTag, TextDiff};

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// The difference between two texts, as `diff -u` writes it. Lines are compared as they are and shown masked.
pub(crate) fn unified(path: &str, before: &str, after: &str, color: bool) -> String {
    let diff = TextDiff::from_lines(before, after);
    let mut out = String::new();
    for group in diff.grouped_ops(CONTEXT) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            continue;
        };
        if out.is_empty() {
            let path = clearml_secure_core::io::escape(path);
            let _ = write!(out, "--- {path}\n+++ {path}\n");
        }
        let (old, new) = (
            first.old_range().start..last.old_range().end,
            first.new_range().start..last.new_range().end,
        );
        let _ = writeln!(
            out,
            "@@ -{},{} +{},{} @@",
            old.start + 1,
            old.len(),
            new.start + 1,
            new.len()
        );
        for op in &group {
            for change in diff.iter_changes(op) {
                let (sign, start) = match change.tag() {
                    ChangeTag::Delete => ('-', "\u{1b}[31m"),
                    ChangeTag::Equal => (' ', ""),
                    ChangeTag::Insert => ('+', "\u{1b}[32m"),
                };
                let line = change.value().trim_end_matches(['\r', '\n']);
                let line = redact::line(line, &[]);
                let paint = color && !start.is_empty();
                let (start, end) = if paint {
                    (start, "\u{1b}[0m")
                } else {
                    ("", "")
                };
                let _ = writeln!(out, "{start}{sign}{line}{end}");
                if change.missing_newline() {
                    out.push_str("\\ No newline at end of file\n");
                }
            }
        }
    }
    out
}

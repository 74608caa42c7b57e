//! Edits of a HOCON text: lines of an entry, and where they go.

use std::ops::Range;

use zeroize::Zeroizing;

use super::{Wanted, Written};
use crate::edit::Edit;
use crate::hocon::OutlineEntry;
use crate::yaml::lines::line_start;

/// Whole lines, without their ends.
#[derive(Default)]
pub(super) struct Lines(Vec<Zeroizing<String>>);

impl Lines {
    pub(super) fn push(&mut self, line: &str) {
        self.0.push(Zeroizing::new(line.to_owned()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines of a new entry.
    pub(super) fn entry(&mut self, wanted: &Wanted) {
        wanted.comment.lines().for_each(|line| self.push(line));
        let value = lines(&wanted.written);
        for (index, line) in value.0.iter().enumerate() {
            let name = if index == 0 { &*wanted.path } else { "" };
            let between = if index == 0 { ": " } else { "" };
            self.0.push(joined(&[name, between, line]));
        }
    }

    /// One text of them all, each with this in front and behind it.
    fn text(&self, before: &str, after: &str) -> Zeroizing<String> {
        let parts = self.0.iter().flat_map(|line| [before, line, after]);
        joined(&parts.collect::<Vec<_>>())
    }
}

/// The lines of a value. In a list, an item a line is what HOCON takes without a comma.
fn lines(written: &Written) -> Lines {
    let mut lines = Lines::default();
    match written {
        Written::Scalar(text) => lines.push(text),
        Written::List { added, .. } => {
            lines.push("[");
            for item in added {
                lines.0.push(joined(&["  ", item]));
            }
            lines.push("]");
        }
    }
    lines
}

/// A value in place of an entry's. Lines after its first are indented as the one with the key is.
pub(super) fn replace(text: &str, entry: &OutlineEntry, written: &Written) -> Edit {
    let (line_end, indent) = (line_end(text), indent(text, entry.at));
    let lines = lines(written).0;
    let mut parts: Vec<&str> = Vec::with_capacity(3 * lines.len());
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            parts.extend([line_end, indent]);
        }
        parts.push(line);
    }
    Edit {
        range: entry.value.clone(),
        text: joined(&parts),
    }
}

/// A text in place of these bytes.
pub(super) fn exchange(range: Range<usize>, text: &str) -> Edit {
    Edit {
        range,
        text: joined(&[text]),
    }
}

/// Nothing in place of these bytes.
pub(super) fn cut(range: Range<usize>) -> Edit {
    exchange(range, "")
}

/// Lines in front of a closing brace or bracket.
pub(super) fn inside(text: &str, close: usize, lines: &Lines) -> Edit {
    let line_end = line_end(text);
    let indent = indent(text, close);
    let inner = joined(&[indent, "  "]);
    let line_start = line_start(text, close);
    if line_start + indent.len() == close {
        // It has a line of its own.
        return Edit {
            range: line_start..line_start,
            text: lines.text(&inner, line_end),
        };
    }
    Edit {
        range: close..close,
        text: joined(&[line_end, &lines.text(&inner, line_end), indent]),
    }
}

/// Lines behind all others.
pub(super) fn at_end(text: &str, lines: &Lines) -> Edit {
    let line_end = line_end(text);
    let is_open = !text.is_empty() && !text.ends_with('\n');
    let before = if is_open { line_end } else { "" };
    Edit {
        range: text.len()..text.len(),
        text: joined(&[before, &lines.text("", line_end)]),
    }
}

/// The text with the byte order mark that it had.
pub(super) fn with_mark(text: &str, bytes: usize) -> Zeroizing<String> {
    let mark = "\u{feff}".repeat(bytes / '\u{feff}'.len_utf8());
    joined(&[&mark, text])
}

/// How this text ends its lines.
fn line_end(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// The blanks that the line of this byte starts with.
fn indent(text: &str, at: usize) -> &str {
    let line = &text[line_start(text, at)..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Allocated once: a buffer that grew would leave copies behind.
fn joined(parts: &[&str]) -> Zeroizing<String> {
    Zeroizing::new(parts.concat())
}

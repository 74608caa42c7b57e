//! Edits of a HOCON text: lines of an entry, and where they go.

use super::{Wanted, Written};
use crate::edit::Edit;
use crate::hocon::OutlineEntry;
use crate::yaml::lines::line_start;

/// Whole lines, without their ends.
#[derive(Default)]
pub(super) struct Lines(Vec<String>);

impl Lines {
    pub(super) fn push(&mut self, line: &str) {
        self.0.push(line.to_owned());
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
            self.0.push([name, between, line].concat());
        }
    }

    /// One text of them all, each with this in front and behind it.
    fn text(&self, before: &str, after: &str) -> String {
        let parts = self.0.iter().flat_map(|line| [before, line, after]);
        parts.collect()
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
                lines.0.push(format!("  {}", **item));
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
    Edit::replace(entry.value.clone(), parts.concat())
}

/// Lines in front of a closing brace or bracket.
pub(super) fn inside(text: &str, close: usize, lines: &Lines) -> Edit {
    let line_end = line_end(text);
    let indent = indent(text, close);
    let inner = format!("{indent}  ");
    let line_start = line_start(text, close);
    if line_start + indent.len() == close {
        // It has a line of its own.
        return Edit::insert(line_start, lines.text(&inner, line_end));
    }
    let lines = lines.text(&inner, line_end);
    Edit::insert(close, format!("{line_end}{lines}{indent}"))
}

/// Lines behind all others.
pub(super) fn at_end(text: &str, lines: &Lines) -> Edit {
    let line_end = line_end(text);
    let is_open = !text.is_empty() && !text.ends_with('\n');
    let before = if is_open { line_end } else { "" };
    let lines = lines.text("", line_end);
    Edit::insert(text.len(), format!("{before}{lines}"))
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

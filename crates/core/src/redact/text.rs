//! Masks what may be a secret in the lines of the user's files that are printed.
//!
//! From a compose file we print only names, the marks of comments, and the values of harmless keys, such as `image` and `ports`.
//! From other files we print only the first name of a line. In doubt a value is masked.

mod scalars;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::{MASK, in_url, value};
use crate::secret::Secret;
use crate::shown::escape;
use crate::source::line_starts;
use crate::yaml::Node;
use scalars::{Scalar, name_length};

/// Longer lines are shown in part, in bytes: this much before what a finding is about, and this much of all.
const BEFORE: usize = 60;
const LONGEST: usize = 200;

/// A text of which lines can be shown.
pub struct Text<'a> {
    text: &'a str,
    /// Where the lines start.
    starts: Cow<'a, [usize]>,
    /// The documents of a compose file in their order; none for another kind of text.
    roots: Option<Vec<Arc<Node>>>,
    marks: &'a [Mark],
    /// Whether `${NAME}` names a variable in it; elsewhere it is the value itself.
    has_references: bool,
}

/// A secret, and what is shown beside its mask: its fingerprint.
pub type Mark = (Secret, String);

/// A line fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The line, masked and escaped.
    pub text: String,
    /// What was asked for, in `text`.
    pub range: Range<usize>,
}

impl<'a> Text<'a> {
    /// A compose file and the trees of its documents.
    pub fn of_yaml(text: &'a str, roots: Vec<Arc<Node>>) -> Self {
        Self::of_trees(text, line_starts(text).into(), roots)
    }

    /// The same where it is known where the lines start, and of a text of which a part is known: the trees of that. The other
    /// lines must not be asked for.
    pub fn of_known(text: &'a str, starts: &'a [usize], roots: Vec<Arc<Node>>) -> Self {
        Self::of_trees(text, starts.into(), roots)
    }

    fn of_trees(text: &'a str, starts: Cow<'a, [usize]>, roots: Vec<Arc<Node>>) -> Self {
        Self {
            text,
            starts,
            roots: Some(roots),
            marks: &[],
            has_references: true,
        }
    }

    /// Any other text, such as `.env` or a `.conf` file.
    pub fn of_lines(text: &'a str) -> Self {
        Self {
            roots: None,
            ..Self::of_yaml(text, Vec::new())
        }
    }

    /// The same where it is known where the lines start.
    pub fn of_known_lines(text: &'a str, starts: &'a [usize]) -> Self {
        Self {
            roots: None,
            ..Self::of_known(text, starts, Vec::new())
        }
    }

    /// The same, with the marks of these secrets beside their masks.
    pub fn with_marks(self, marks: &'a [Mark]) -> Self {
        Self { marks, ..self }
    }

    /// The same of a text in which nothing is replaced, such as a manifest or what `docker inspect` prints.
    pub fn without_references(self) -> Self {
        Self {
            has_references: false,
            ..self
        }
    }

    /// The line on which a range starts, in part where it is long.
    pub fn line(&self, range: Range<usize>) -> Line {
        let line = self.line_around(range.start);
        if line.len() <= LONGEST {
            return self.part(range, line);
        }
        let start = floor(
            self.text,
            range.start.saturating_sub(BEFORE).max(line.start),
        );
        let end = floor(self.text, (start + LONGEST).min(line.end));
        let mut part = self.part(range, start..end);
        if start > line.start {
            part.text.insert(0, '…');
            part.range.start += '…'.len_utf8();
            part.range.end += '…'.len_utf8();
        }
        if end < line.end {
            part.text.push('…');
        }
        part
    }

    /// The whole line in which an offset stands.
    pub fn whole_line(&self, offset: usize) -> String {
        let line = self.line_around(offset);
        self.part(line.clone(), line).text
    }

    /// A whole line by its number, from 0; empty behind the end.
    pub fn nth_line(&self, index: usize) -> String {
        self.starts
            .get(index)
            .map(|start| self.whole_line(*start))
            .unwrap_or_default()
    }

    /// A part of a line, and where a range comes to stand in it.
    fn part(&self, range: Range<usize>, shown: Range<usize>) -> Line {
        let mut out = Out {
            span: range.start..range.end.clamp(range.start, shown.end.max(range.start)),
            text: String::new(),
            marks: self.marks,
            has_references: self.has_references,
            from: None,
            to: None,
        };
        match self.scalars(&shown) {
            Some(scalars) => yaml_line(self.text, &scalars, &shown, &mut out),
            None => {
                let visible = shown.start + first_name(&self.text[shown.clone()]);
                out.push(self.text, shown.start..visible, false);
                out.push(self.text, visible..shown.end, true);
            }
        }
        let from = out.from.unwrap_or(0).min(out.text.len());
        let to = out.to.unwrap_or(out.text.len()).clamp(from, out.text.len());
        Line {
            range: from..to,
            text: out.text,
        }
    }

    /// The scalars of a compose file that are on a line, or a part of one, in their order.
    fn scalars(&self, line: &Range<usize>) -> Option<Vec<Scalar>> {
        Some(scalars::on_line(self.text, self.roots.as_ref()?, line))
    }

    /// The line in which an offset stands, without its end.
    fn line_around(&self, offset: usize) -> Range<usize> {
        let next = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[next.saturating_sub(1)];
        let end = self.starts.get(next).map_or(self.text.len(), |end| end - 1);
        start..start + self.text[start..end].trim_end_matches('\r').len()
    }

    /// The comment of the line in which an offset stands.
    pub fn comment(&self, offset: usize) -> Option<&'a str> {
        let line = self.line_around(offset);
        // A comment goes to the line's end, so it stands behind the last scalar.
        let scalars = self.scalars(&line).unwrap_or_default();
        let last = scalars.last().map_or(line.start, |last| last.range.end);
        let before = last.min(line.end);
        let start = comment_in(self.text, &(before..line.end));
        start.map(|start| &self.text[start..line.end])
    }

    /// The line before the one in which an offset stands, if nothing but a comment is on it.
    pub fn comment_above(&self, offset: usize) -> Option<&'a str> {
        let above = self.line_around(offset).start.checked_sub(1)?;
        let comment = self.comment(above)?;
        let line = self.line_around(above);
        (self.text[line].trim_start().len() == comment.len()).then_some(comment)
    }
}

/// How much of a line of `.env` or a `.conf` file is shown: its first name and what separates it from the value.
fn first_name(line: &str) -> usize {
    let blanks = |from: usize| from + line[from..].len() - line[from..].trim_start().len();
    let start = blanks(0);
    let mut at = start;
    if let Some(rest) = line[at..].strip_prefix("export ") {
        at = blanks(line.len() - rest.len());
    }
    let name_end = at + name_length(&line[at..]);
    let separator = blanks(name_end);
    if name_end > at && line[separator..].starts_with([':', '=', '{']) {
        blanks(separator + 1)
    } else {
        start
    }
}

fn yaml_line(text: &str, scalars: &[Scalar], line: &Range<usize>, out: &mut Out<'_>) {
    let mut at = line.start;
    for scalar in scalars {
        let gap = at..scalar.range.start.clamp(at, line.end);
        at = scalar.range.end.clamp(gap.end, line.end);
        out.push_gap(text, gap.clone());
        let split = scalar.masked_from.clamp(gap.end, at);
        out.push(text, gap.end..split, false);
        out.push(text, split..at, true);
    }
    let rest = at..line.end;
    let comment = comment_in(text, &rest).unwrap_or(rest.end);
    out.push_gap(text, rest.start..comment);
    out.push(text, comment..(comment + 1).min(rest.end), false);
    out.push(text, (comment + 1).min(rest.end)..rest.end, true);
}

/// From the first to the last character that is no sign of YAML. A block's header (`|2-`) at the end is one.
fn words(gap: &str) -> Range<usize> {
    let is_word = |c: char| !c.is_whitespace() && !"{}[],:?-.%".contains(c);
    let header = gap
        .trim_end()
        .trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'));
    if let Some(before) = header.strip_suffix(['|', '>'])
        && !before.contains(is_word)
    {
        return gap.len()..gap.len();
    }
    match (gap.find(is_word), gap.rfind(is_word)) {
        (Some(first), Some(last)) => {
            let last = last + gap[last..].chars().next().map_or(0, char::len_utf8);
            first..last
        }
        _ => gap.len()..gap.len(),
    }
}

/// The `#` that starts a comment: at the start of a line or behind a blank.
fn comment_in(text: &str, range: &Range<usize>) -> Option<usize> {
    let is_start = |at: usize| {
        text[..at]
            .chars()
            .next_back()
            .is_none_or(char::is_whitespace)
    };
    text[range.clone()]
        .match_indices('#')
        .map(|(at, _)| range.start + at)
        .find(|at| is_start(*at))
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A line in the making.
struct Out<'m> {
    marks: &'m [Mark],
    has_references: bool,
    /// What the finding is about, in the file.
    span: Range<usize>,
    text: String,
    from: Option<usize>,
    to: Option<usize>,
}

impl Out<'_> {
    /// What no node has: signs of YAML, and what stands in a file without a meaning, such as the first of two values that a key
    /// has. That may be a secret as well.
    fn push_gap(&mut self, text: &str, gap: Range<usize>) {
        let words = text.get(gap.clone()).map_or(0..0, words);
        let (start, end) = (gap.start + words.start, gap.start + words.end);
        self.push(text, gap.start..start, false);
        self.push(text, start..end, true);
        self.push(text, end..gap.end, false);
    }

    fn push(&mut self, text: &str, range: Range<usize>, is_masked: bool) {
        let Some(written) = text.get(range.clone()).filter(|text| !text.is_empty()) else {
            return;
        };
        let (body, shown) = if is_masked {
            let body = written.trim_end();
            (body, self.masked(body))
        } else {
            (written, in_url(written))
        };
        // Where an offset of the file comes to stand.
        let place = |offset: usize| {
            let before = &written[..floor(written, offset - range.start)];
            if is_masked || shown != body {
                if before.is_empty() { 0 } else { shown.len() }
            } else {
                escape(before).len()
            }
        };
        if self.from.is_none() && range.contains(&self.span.start) {
            self.from = Some(self.text.len() + if is_masked { 0 } else { place(self.span.start) });
        }
        if self.from.is_some() && self.to.is_none() && self.span.end <= range.end {
            self.to = Some(self.text.len() + place(self.span.end.max(range.start)));
        }
        self.text.push_str(&escape(&shown));
        self.text.push_str(&escape(&written[body.len()..]));
    }
}

impl Out<'_> {
    fn masked(&self, written: &str) -> String {
        let masked = match self.has_references || written.is_empty() {
            true => value(written),
            false => MASK.to_owned(),
        };
        let quotes = ['"', '\''];
        let secret = written.trim_matches(quotes);
        let mark = self
            .marks
            .iter()
            .find(|(known, _)| known.expose() == secret);
        match mark {
            Some((_, mark)) => format!("{masked} ({mark})"),
            None => masked,
        }
    }
}

#[cfg(test)]
mod tests;

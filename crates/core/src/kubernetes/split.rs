//! Where the objects of a text begin and end, and of which kind each is. Most of them are of no interest, and are never
//! read.

use std::ops::Range;

use super::scan;
use super::shown::{is_head, rendered};

/// One document of a text.
pub(super) struct Document {
    pub(super) range: Range<usize>,
    /// The objects in it: several of a List, if its text tells where each of them is.
    pub(super) parts: Vec<Part>,
}

/// An object as it is in the text.
pub(super) struct Part {
    pub(super) range: Range<usize>,
    /// Its kind; none where the text does not tell it in the usual way.
    pub(super) kind: Option<String>,
    /// What it is where it does not say so itself.
    pub(super) of: Option<ItemOf>,
}

/// What the items of a List of one kind are. An API server prints them without their kinds and versions, and kubectl takes
/// both from the List (docs/clearml.md#values-in-kubernetes).
#[derive(Clone)]
pub(super) struct ItemOf {
    pub(super) kind: String,
    pub(super) version: String,
}

impl ItemOf {
    /// Those of a List of a kind and a version; none where it has items of any kind.
    pub(super) fn list(kind: Option<&str>, version: Option<&str>) -> Option<Self> {
        let own = kind?.strip_suffix("List").filter(|own| !own.is_empty())?;
        Some(Self {
            kind: own.to_owned(),
            version: version?.to_owned(),
        })
    }
}

/// The documents of a text.
pub(super) fn documents(text: &str) -> Vec<Document> {
    let start = text.len() - text.trim_start_matches('\u{feff}').len();
    let release = rendered(text);
    let is_release = release.is_some();
    let Range { start, end } = release.unwrap_or(start..text.len());
    let body = text[start..end].trim_start();
    if body.starts_with('{')
        && let Some(ranges) = scan::values(text, text.len() - body.len())
    {
        return ranges
            .into_iter()
            .map(|range| of_json(text, range))
            .collect();
    }
    let mut documents = Vec::new();
    let mut from = start;
    let mut has_content = false;
    for line in Lines::of(text, start..end) {
        let words = &text[line.clone()];
        let is_head = is_release && is_head(words);
        if has_content && (is_marker(words) || is_head) {
            documents.push(of_yaml(text, from..line.start));
            from = line.start;
        }
        if is_head {
            from = line.end;
        }
        has_content |= is_content(words);
    }
    documents.push(of_yaml(text, from..end));
    documents
}

/// Whether a line ends a document: nothing in one begins so.
fn is_marker(line: &str) -> bool {
    let rest = line.strip_prefix("---");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// Whether there is more on a line than a comment or a directive.
fn is_content(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with(['#', '%'])
}

/// The lines of a part of a text, each with its end.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    end: usize,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str, range: Range<usize>) -> Self {
        Self {
            text,
            at: range.start,
            end: range.end,
        }
    }
}

impl Iterator for Lines<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        if self.at >= self.end {
            return None;
        }
        let rest = &self.text[self.at..self.end];
        let length = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let line = self.at..self.at + length;
        self.at = line.end;
        Some(line)
    }
}

fn of_json(text: &str, range: Range<usize>) -> Document {
    let kind = scan::text_of(text, range.clone(), "kind");
    let is_list = kind.as_deref().is_some_and(is_list);
    let items = is_list
        .then(|| scan::items(text, range.clone(), "items"))
        .flatten();
    let version = scan::text_of(text, range.clone(), "apiVersion");
    let of = ItemOf::list(kind.as_deref(), version.as_deref());
    let part = |range: Range<usize>| Part {
        kind: scan::text_of(text, range.clone(), "kind"),
        range,
        of: of.clone(),
    };
    Document {
        parts: match items {
            Some(items) => items.into_iter().map(part).collect(),
            None => vec![Part {
                range: range.clone(),
                kind,
                of: None,
            }],
        },
        range,
    }
}

fn of_yaml(text: &str, range: Range<usize>) -> Document {
    let body = text[range.clone()].trim_start_matches("---").trim_start();
    if body.starts_with('{') {
        let start = range.start + text[range.clone()].find('{').unwrap_or(0);
        let whole = scan::values(&text[..range.end], start);
        if let Some([value]) = whole.as_deref() {
            return of_json(text, value.clone());
        }
    }
    let kind = kind_at(text, range.clone(), "");
    let items = match kind.as_deref() {
        Some(kind) if is_list(kind) => {
            let version = word_at(text, range.clone(), "apiVersion:");
            items(
                text,
                range.clone(),
                ItemOf::list(Some(kind), version).as_ref(),
            )
        }
        _ => Vec::new(),
    };
    let parts = match items.is_empty() {
        true => vec![Part {
            range: range.clone(),
            kind,
            of: None,
        }],
        false => items,
    };
    Document { range, parts }
}

/// `List`, `SecretList`, `DeploymentList`.
pub(super) fn is_list(kind: &str) -> bool {
    kind.ends_with("List")
}

/// The value of `kind` on a line of its own that is indented so.
fn kind_at(text: &str, range: Range<usize>, indent: &str) -> Option<String> {
    word_at(text, range, &format!("{indent}kind:")).and_then(plain)
}

/// The first word behind the start of a line.
fn word_at<'a>(text: &'a str, range: Range<usize>, start: &str) -> Option<&'a str> {
    let mut lines = Lines::of(text, range);
    let value = lines.find_map(|line| text[line].strip_prefix(start))?;
    let word = value.split_whitespace().next()?;
    Some(word.trim_matches(['"', '\'']))
}

/// A plain word.
fn plain(word: &str) -> Option<String> {
    let is_plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric());
    is_plain.then(|| word.to_owned())
}

/// The items of a List whose text has each on lines of its own, as programs print them.
fn items(text: &str, range: Range<usize>, of: Option<&ItemOf>) -> Vec<Part> {
    let mut lines = Lines::of(text, range.clone());
    let has_items = |line: &Range<usize>| text[line.clone()].trim_end() == "items:";
    // Where another List begins without a marker, the whole tells what is wrong.
    let has_one = Lines::of(text, range.clone()).filter(has_items).count() == 1;
    if !has_one || lines.find(has_items).is_none() {
        return Vec::new();
    }
    let mut starts = Vec::new();
    let mut indent = None;
    let mut end = range.end;
    for line in lines {
        let words = &text[line.clone()];
        if !is_content(words) {
            continue;
        }
        let blanks = words.len() - words.trim_start_matches(' ').len();
        let is_item = words[blanks..].starts_with("- ");
        match indent {
            None if is_item => indent = Some(blanks),
            Some(own) if blanks > own => continue,
            Some(own) if blanks == own && is_item => {}
            _ => {
                end = line.start;
                break;
            }
        }
        starts.push(line.start);
    }
    let indent = " ".repeat(indent.unwrap_or(0));
    let ends = starts.iter().skip(1).copied().chain([end]);
    let part = |(start, end): (usize, usize)| {
        let first = word_at(text, start..end, &format!("{indent}- kind:"));
        let kind = match first {
            Some(word) => plain(word),
            None => kind_at(text, start..end, &format!("{indent}  ")),
        };
        Part {
            range: start..end,
            kind,
            of: of.cloned(),
        }
    };
    starts.iter().copied().zip(ends).map(part).collect()
}

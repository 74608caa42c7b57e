use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use pyhocon::Tag;
use zeroize::Zeroizing;

/// What a path is called that is put together of variables: it may hold a value of an env file.
pub const HIDDEN: &str = "(a path with variables)";

/// A path as it is written, with `…` in place of a reference's default, alternative or message, which may be secret:
/// `${DIR:-…}/a.yml`. Where more than names and references is written, all of it is hidden.
pub(crate) fn names_only(written: &str) -> String {
    without_texts(written).unwrap_or_else(|| HIDDEN.to_owned())
}

fn without_texts(template: &str) -> Option<String> {
    let plain = |text: &str| {
        let is_plain = |c: char| c.is_alphanumeric() || "$_-./ ".contains(c);
        text.chars().all(is_plain)
    };
    let (mut shown, mut rest) = (String::new(), template);
    while let Some(at) = rest.find("${") {
        let (before, reference) = rest.split_at(at);
        let end = end_of_reference(reference)?;
        let inner = &reference["${".len()..end];
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (name, text) = inner.split_at(inner.find(|c| !is_name(c)).unwrap_or(inner.len()));
        let operators = [":-", ":?", ":+", "-", "?", "+"];
        let operator = operators.into_iter().find(|one| text.starts_with(one));
        let shown_text = match (operator, text) {
            (Some(operator), _) => format!("{operator}…"),
            (None, "") => String::new(),
            (None, _) => return None,
        };
        shown.push_str(Some(before).filter(|text| plain(text))?);
        shown.push_str(&format!("${{{name}{shown_text}}}"));
        rest = &reference[end + 1..];
    }
    shown.push_str(Some(rest).filter(|text| plain(text))?);
    Some(shown)
}

/// Where a reference at the start of a text closes. Compose counts every brace, so only those of references may be in it.
fn end_of_reference(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '{' if before == '$' => depth += 1,
            '{' => return None,
            '}' if depth == 1 => return Some(at),
            '}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        before = c;
    }
    None
}

/// The texts a deployment was read from, so that every value can be pointed at in the one it came from.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<Named>);

/// A text that may hold secrets, once for all who read it; wiped when the last of them is gone. A large file is in memory once.
pub type SharedText = Arc<Zeroizing<String>>;

/// Which text of [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

impl SourceId {
    /// The text that [`Sources`] took over first.
    pub const FIRST: Self = Self(0);

    /// For a node that an `include` of this text brings.
    pub(crate) fn tag(self) -> Tag {
        Tag(self.0)
    }

    /// The text of such a node.
    pub(crate) fn of_tag(tag: Tag) -> Self {
        Self(tag.0)
    }
}

/// Where something stands: a byte range of one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text.
    pub source: SourceId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The empty range at the start of this one.
    pub fn at_start(self) -> Self {
        Self {
            end: self.start,
            ..self
        }
    }

    /// From the start of this one to the end of `other`, in the same text.
    pub fn to(self, other: Self) -> Self {
        Self {
            end: other.end.max(self.start),
            ..self
        }
    }
}

/// One text and what to call it. Many deployments may be in one text.
#[derive(Clone, Debug)]
struct Named {
    source: Arc<Source>,
    /// What messages call it, where its path may hold a value of an env file.
    name: Option<PathBuf>,
    /// The file that holds it, by its real path; none where it was read from no file.
    file: Option<PathBuf>,
    /// Where the text is written, if that is within another.
    within: Option<Within>,
}

/// Where a text is written that is a value in another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within {
    /// The value, or the key that has it.
    pub span: Span,
    /// Where its lines begin, if each of them is a line of the other text: the first one, and how far all are indented.
    pub lines: Option<(usize, usize)>,
    /// Whether it is in a Secret of Kubernetes, and not in something that more people can read.
    pub is_secret: bool,
}

/// A text and where it was read.
struct Source {
    path: PathBuf,
    text: SharedText,
    /// Where lines start, worked out when the first place is asked for.
    lines: OnceLock<Vec<usize>>,
}

/// File, line and column as people and editors count them: from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The path as the user gave it, or `-` for standard input.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}",
            crate::shown::escape_path(&self.file),
            self.line,
            self.column
        )
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Sources {
    /// No texts yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over a text; `path` is what findings call it.
    pub fn add(&mut self, path: impl Into<PathBuf>, text: impl Into<SharedText>) -> SourceId {
        let id = SourceId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(Named {
            source: Arc::new(Source {
                path: path.into(),
                text: text.into(),
                lines: OnceLock::new(),
            }),
            name: None,
            file: None,
            within: None,
        });
        id
    }

    /// Takes over a text that is a value in another one: its places are those of the other.
    pub fn add_within(
        &mut self,
        path: impl Into<PathBuf>,
        text: impl Into<SharedText>,
        within: Within,
    ) -> SourceId {
        let id = self.add(path, text);
        self.0[id.0 as usize].within = Some(within);
        id
    }

    /// Every text.
    pub fn ids(&self) -> impl Iterator<Item = SourceId> {
        (0..self.0.len()).map(|index| SourceId(u32::try_from(index).unwrap_or(u32::MAX)))
    }

    /// The text, as it was read.
    pub fn text(&self, id: SourceId) -> &str {
        &self.0[id.0 as usize].source.text
    }

    /// The same, to be read again.
    pub fn shared(&self, id: SourceId) -> SharedText {
        Arc::clone(&self.0[id.0 as usize].source.text)
    }

    /// Where the lines of a text start, the one behind the last line break included.
    pub fn line_starts(&self, id: SourceId) -> &[usize] {
        let source = &self.0[id.0 as usize].source;
        source.lines.get_or_init(|| line_starts(&source.text))
    }

    /// Lets messages call a text what is written for its path, which may hold a value of an env file: `${DIR}/a.yml`.
    /// What is written stays hidden where it is more than names.
    pub fn call(&mut self, id: SourceId, written: &str) {
        self.0[id.0 as usize].name = Some(PathBuf::from(names_only(written)));
    }

    /// What messages call the text.
    pub fn name(&self, id: SourceId) -> &Path {
        let source = &self.0[id.0 as usize];
        source.name.as_deref().unwrap_or(&source.source.path)
    }

    /// Says which file holds a text, by its real path.
    pub(crate) fn set_file(&mut self, id: SourceId, file: PathBuf) {
        self.0[id.0 as usize].file = Some(file);
    }

    /// The file that holds a text, by its real path: none of standard input, of a pipe, or of a text within another.
    pub fn file(&self, id: SourceId) -> Option<&Path> {
        self.0[id.0 as usize].file.as_deref()
    }

    /// Where the text was read.
    pub fn path(&self, id: SourceId) -> &Path {
        &self.0[id.0 as usize].source.path
    }

    /// The bytes that a span covers.
    pub fn slice(&self, span: Span) -> &str {
        self.text(span.source)
            .get(span.start..span.end)
            .unwrap_or_default()
    }

    /// File, line and column of a span's first byte. A byte order mark takes no column.
    pub fn place(&self, span: Span) -> Place {
        let source = &self.0[span.source.0 as usize];
        let text = source.source.text.as_str();
        let lines = self.line_starts(span.source);
        if let Some(within) = source.within {
            return self.place_within(within, span.start, lines, text);
        }
        let line = lines.partition_point(|start| *start <= span.start).max(1);
        let before = text.get(lines[line - 1]..span.start).unwrap_or_default();
        Place {
            file: self.name(span.source).to_owned(),
            line,
            column: column(before),
        }
    }

    /// Where a text is written, if that is within another.
    pub fn within(&self, id: SourceId) -> Option<Within> {
        self.0[id.0 as usize].within
    }

    /// Where something is in the text that is around the one it is in, or where it is.
    pub fn outer(&self, span: Span) -> Span {
        match self.0[span.source.0 as usize].within {
            Some(within) => self.outer(within.span),
            None => span,
        }
    }

    /// The place in the other text.
    fn place_within(&self, within: Within, at: usize, lines: &[usize], text: &str) -> Place {
        let Some((first, indent)) = within.lines else {
            return self.place(within.span);
        };
        let line = lines.partition_point(|start| *start <= at).max(1) - 1;
        let before = text.get(lines[line]..at).unwrap_or_default();
        let start = Span {
            start: first,
            end: first,
            ..within.span
        };
        let place = self.place(start);
        Place {
            line: place.line + line,
            column: indent + column(before),
            ..place
        }
    }
}

/// Where the lines of a text start, the one behind the last line break included.
pub(crate) fn line_starts(text: &str) -> Vec<usize> {
    let newlines = text.match_indices('\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(newlines).collect()
}

/// File, line and column of a byte offset in a text.
pub fn place_of(path: &Path, text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Place {
        file: path.to_owned(),
        line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
        column: column(&before[line_start..]),
    }
}

/// The byte of a text at a place.
pub(crate) fn offset_of(text: &str, place: &Place) -> usize {
    let before = text.split_inclusive('\n').take(place.line - 1);
    let start = before.map(str::len).sum::<usize>();
    let line = &text[start..];
    let mark = line.len() - line.trim_start_matches('\u{feff}').len();
    let column = line[mark..].chars().take(place.column - 1);
    start + mark + column.map(char::len_utf8).sum::<usize>()
}

/// The column behind this part of a line.
fn column(before: &str) -> usize {
    // Counting bytes that start a character is faster than decoding, which long lines are worth.
    let is_start = |byte: &&u8| (**byte & 0xC0) != 0x80;
    let text = before.trim_start_matches('\u{feff}').as_bytes();
    text.iter().filter(is_start).count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_without_what_may_be_secret() {
        for (written, shown) in [
            ("a/b.yml", "a/b.yml"),
            ("${DIR}/$NAME.yml", "${DIR}/$NAME.yml"),
            ("${DIR:-se/cret}/a b.yml", "${DIR:-…}/a b.yml"),
            ("${A-${B:-x}}.${C:+y}", "${A-…}.${C:+…}"),
            ("${A:?why}", "${A:?…}"),
            ("${A-:x}", "${A-…}"),
            ("${A:-…}/a", "${A:-…}/a"),
            ("${A:-{}}/x", HIDDEN),
            ("${A:-x", HIDDEN),
            ("${A:=x}", HIDDEN),
            ("{x}", HIDDEN),
            ("https://u:p@host/${A}", HIDDEN),
            (HIDDEN, HIDDEN),
        ] {
            assert_eq!(names_only(written), shown, "{written}");
        }
    }

    #[test]
    fn columns_count_characters_and_skip_the_byte_order_mark() {
        let mut sources = Sources::new();
        let id = sources.add(
            "a.yml",
            Zeroizing::new("\u{feff}äb: c\r\nd: e\n".to_owned()),
        );
        let place = |start| {
            sources
                .place(Span {
                    source: id,
                    start,
                    end: start,
                })
                .to_string()
        };
        assert_eq!(place(3), "a.yml:1:1");
        assert_eq!(place(5), "a.yml:1:2");
        assert_eq!(place(11), "a.yml:2:1");
    }
}

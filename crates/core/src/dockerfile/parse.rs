//! A Dockerfile's text as instructions: directives, comments, continued lines, flags, here-documents.

use std::ops::Range;

/// A text put together from lines, with the byte offset of the file that each of its bytes came from.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub(super) text: String,
    origin: Vec<usize>,
}

impl Line {
    fn push(&mut self, text: &str, at: usize) {
        self.text.push_str(text);
        self.origin.extend(at..at + text.len());
    }

    /// A part of it, by its own offsets.
    fn slice(&self, range: Range<usize>) -> Self {
        Self {
            text: self.text[range.clone()].to_owned(),
            origin: self.origin[range].to_vec(),
        }
    }

    fn trim(&self) -> Self {
        let start = self.text.len() - self.text.trim_start().len();
        let end = self.text.trim_end().len();
        self.slice(start.min(end)..end)
    }

    /// Where a part of it is in the file.
    pub(super) fn span(&self, range: Range<usize>) -> Range<usize> {
        let start = self.origin.get(range.start).copied().unwrap_or_default();
        let end = range
            .end
            .checked_sub(1)
            .and_then(|last| self.origin.get(last));
        start..end.map_or(start, |end| end + 1)
    }
}

/// A here-document: `<<EOF`, its lines, `EOF`.
#[derive(Clone, Debug)]
pub(super) struct Heredoc {
    /// Its word, which is the file's name for `COPY`.
    pub(super) name: String,
    /// Whether variables in it are expanded, which quotes around the word turn off.
    pub(super) is_expanded: bool,
    pub(super) text: String,
}

/// One instruction.
#[derive(Clone, Debug)]
pub(super) struct Instruction {
    /// In capital letters.
    pub(super) keyword: String,
    /// `--from=…` and the like.
    pub(super) flags: Vec<String>,
    /// What follows.
    pub(super) rest: Line,
    pub(super) heredocs: Vec<Heredoc>,
    /// All of its lines.
    pub(super) span: Range<usize>,
}

/// A whole file.
pub(super) struct Parsed {
    /// A backslash, or the backtick of Windows.
    pub(super) escape: char,
    /// The program that `# syntax=` names to build it.
    pub(super) syntax: Option<String>,
    pub(super) instructions: Vec<Instruction>,
}

/// The instructions of a Dockerfile.
pub(super) fn parse(text: &str) -> Parsed {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = Lines {
        text,
        at: text.len() - body.len(),
    };
    let mut parsed = Parsed {
        escape: '\\',
        syntax: None,
        instructions: Vec::new(),
    };
    lines.directives(&mut parsed);
    while let Some((line, at)) = lines.next() {
        let start = at + line.len() - line.trim_start().len();
        if is_skipped(line) {
            continue;
        }
        let mut whole = Line::default();
        let mut is_open = add(&mut whole, line.trim_start(), start, parsed.escape);
        while is_open && let Some((line, at)) = lines.next() {
            if !is_skipped(line) {
                is_open = add(&mut whole, line, at, parsed.escape);
            }
        }
        if let Some(mut instruction) = split(&whole.trim()) {
            if has_heredocs(&instruction) {
                instruction.heredocs = heredocs(&instruction.rest.text, &mut lines);
            }
            instruction.span = start..lines.at;
            parsed.instructions.push(instruction);
        }
    }
    parsed
}

/// Comments and empty lines, which count as little inside a continued line.
fn is_skipped(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

/// Adds a line; whether the next one continues it. A doubled escape at the end is none.
fn add(whole: &mut Line, line: &str, at: usize, escape: char) -> bool {
    let trimmed = line.trim_end_matches([' ', '\t']);
    match trimmed.strip_suffix(escape) {
        Some(kept) if !kept.ends_with(escape) => {
            whole.push(kept, at);
            true
        }
        _ => {
            whole.push(line, at);
            false
        }
    }
}

/// The lines of a file, without their ends.
struct Lines<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<(&'a str, usize)> {
        let at = self.at;
        let rest = &self.text[at..];
        if rest.is_empty() {
            return None;
        }
        let (line, read) = match rest.split_once('\n') {
            Some((line, _)) => (line, line.len() + 1),
            None => (rest, rest.len()),
        };
        self.at += read;
        Some((line.trim_end_matches('\r'), at))
    }

    /// `# escape=` and `# syntax=`, which count only before everything else.
    fn directives(&mut self, parsed: &mut Parsed) {
        loop {
            let before = self.at;
            let directive = self.next().and_then(|(line, _)| directive(line));
            match directive {
                Some((name, value)) if name.eq_ignore_ascii_case("escape") => {
                    parsed.escape = value.chars().next().unwrap_or('\\');
                }
                Some((name, value)) if name.eq_ignore_ascii_case("syntax") => {
                    parsed.syntax = Some(value.to_owned());
                }
                Some(_) => {}
                None => {
                    self.at = before;
                    return;
                }
            }
        }
    }
}

fn directive(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.trim_start().strip_prefix('#')?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_name && !value.is_empty()).then_some((name, value))
}

/// The keyword, the flags and the rest.
fn split(line: &Line) -> Option<Instruction> {
    let text = &line.text;
    let keyword_end = text.find(is_blank).unwrap_or(text.len());
    let (flags, at) = flags(text, keyword_end);
    Some(Instruction {
        keyword: text[..keyword_end].to_ascii_uppercase(),
        flags,
        rest: line.slice(at..text.len()).trim(),
        heredocs: Vec::new(),
        span: 0..0,
    })
    .filter(|instruction| !instruction.keyword.is_empty())
}

/// Whether it may have here-documents, by itself or in what an `ONBUILD` keeps.
fn has_heredocs(instruction: &Instruction) -> bool {
    let is_one = |keyword: &str| ["ADD", "COPY", "RUN"].contains(&keyword);
    match instruction.keyword.as_str() {
        "ONBUILD" => again(instruction).is_some_and(|inner| is_one(&inner.keyword)),
        keyword => is_one(keyword),
    }
}

/// The instruction that follows an `ONBUILD`, in the same lines.
pub(super) fn again(onbuild: &Instruction) -> Option<Instruction> {
    let mut inner = split(&onbuild.rest)?;
    inner.heredocs.clone_from(&onbuild.heredocs);
    inner.span = onbuild.span.clone();
    Some(inner)
}

/// The flags after a keyword, and where they end. None of those that matter has a blank in it.
fn flags(text: &str, mut at: usize) -> (Vec<String>, usize) {
    let mut flags = Vec::new();
    loop {
        let start = at + text[at..].len() - text[at..].trim_start_matches(is_blank).len();
        let word = text[start..].split(is_blank).next().unwrap_or_default();
        if !word.starts_with("--") {
            return (flags, start);
        }
        at = start + word.len();
        if word == "--" {
            return (flags, at);
        }
        flags.push(word.to_owned());
    }
}

pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\u{b}' | '\u{c}')
}

/// The here-documents that a line announces, in their order.
fn heredocs(rest: &str, lines: &mut Lines<'_>) -> Vec<Heredoc> {
    let words = outside_quotes(rest);
    let announced = words.iter().filter_map(|word| announced(word));
    let mut found = Vec::new();
    for (quoted, drops_tabs) in announced {
        let name: String = quoted
            .chars()
            .filter(|c| !matches!(c, '"' | '\''))
            .collect();
        let mut text = String::new();
        while let Some((line, _)) = lines.next() {
            let line = if drops_tabs {
                line.trim_start_matches('\t')
            } else {
                line
            };
            if line == name {
                break;
            }
            text.push_str(line);
            text.push('\n');
        }
        found.push(Heredoc {
            is_expanded: name == quoted,
            name,
            text,
        });
    }
    found
}

/// `<<EOF`, `<<-EOF`, `3<<"EOF"`: the word, and whether leading tabs go.
fn announced(word: &str) -> Option<(&str, bool)> {
    let rest = word
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .strip_prefix("<<")?;
    let (rest, drops_tabs) = match rest.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    (!rest.is_empty() && !rest.contains('<')).then_some((rest, drops_tabs))
}

/// The words of a line, split at blanks that no quote protects; quotes stay.
fn outside_quotes(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in text.chars() {
        match quote {
            None if c.is_whitespace() => {
                words.push(String::new());
                continue;
            }
            None if matches!(c, '"' | '\'') => quote = Some(c),
            Some(open) if open == c => quote = None,
            _ => {}
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `NAME=VALUE NAME="VALUE WITH BLANKS"`: the words with their quotes and escapes, and where they are.
pub(super) fn words(text: &str, escape: char) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            words.extend(start.take().map(|start| start..at));
            continue;
        }
        start.get_or_insert(at);
        if c == escape && quote != Some('\'') {
            chars.next();
        } else if quote == Some(c) {
            quote = None;
        } else if quote.is_none() && matches!(c, '"' | '\'') {
            quote = Some(c);
        }
    }
    words.extend(start.map(|start| start..text.len()));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_continued_over_comments_and_keep_their_places() {
        let text = "# escape=`\n# a comment\n\nfrom x `\n  # not\n\n  as y\r\nEnv A=1\n";
        let parsed = parse(text);
        assert_eq!(parsed.escape, '`');
        let from = &parsed.instructions[0];
        assert_eq!(
            (from.keyword.as_str(), from.rest.text.as_str()),
            ("FROM", "x   as y")
        );
        let at = from.rest.text.find("as").unwrap();
        assert_eq!(&text[from.rest.span(at..at + 4)], "as y");
        assert_eq!(parsed.instructions[1].rest.text, "A=1");
    }

    #[test]
    fn directives_count_only_at_the_top() {
        assert_eq!(parse("#\n# escape=`\nFROM x").escape, '\\');
        assert_eq!(parse("FROM x\n# escape=`\n").escape, '\\');
        let parsed = parse("# syntax = docker/dockerfile:1\n# Escape=`\n");
        assert_eq!(parsed.syntax.as_deref(), Some("docker/dockerfile:1"));
        assert_eq!(parsed.escape, '`');
    }

    #[test]
    fn a_doubled_escape_continues_nothing() {
        let parsed = parse("ENV A=a\\\\\nENV B=b\\  \nc\n");
        let texts: Vec<&str> = parsed
            .instructions
            .iter()
            .map(|one| one.rest.text.as_str())
            .collect();
        assert_eq!(texts, ["A=a\\\\", "B=bc"]);
    }

    #[test]
    fn here_documents_are_no_instructions() {
        let text = "RUN <<EOF\nENV A=1\nEOF\nCOPY --chmod=600 <<-'A' <<B /x/\n\tone\n\tA\ntwo $X\nB\nENV C=1\n";
        let parsed = parse(text);
        let keywords: Vec<&str> = parsed
            .instructions
            .iter()
            .map(|one| one.keyword.as_str())
            .collect();
        assert_eq!(keywords, ["RUN", "COPY", "ENV"]);
        let copy = &parsed.instructions[1];
        assert_eq!(copy.flags, ["--chmod=600"]);
        let texts: Vec<(&str, bool, &str)> = copy
            .heredocs
            .iter()
            .map(|one| (one.name.as_str(), one.is_expanded, one.text.as_str()))
            .collect();
        assert_eq!(texts, [("A", false, "one\n"), ("B", true, "two $X\n")]);
    }
}

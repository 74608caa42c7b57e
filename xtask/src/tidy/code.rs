//! A Rust file as the checks read it: without comments, texts and tests, line by line as it was.

/// The code of a file. Comments and what is between quotes become blanks, so that every line keeps its number.
pub(super) fn code_of(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = comment(rest)
            .or_else(|| quoted(rest, out.chars().next_back()))
            .unwrap_or(0);
        if length > 0 {
            let blank = |c| if c == '\n' { '\n' } else { ' ' };
            out.extend(rest[..length].chars().map(blank));
            rest = &rest[length..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// The texts between quotes, each with the line that it begins in.
pub(super) fn texts(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = match comment(rest) {
            Some(length) => length,
            None => match quoted(rest, text[..at].chars().next_back()) {
                Some(length) => {
                    let line = text[..at].matches('\n').count() + 1;
                    found.push((line, &rest[..length]));
                    length
                }
                None => c.len_utf8(),
            },
        };
        at += length;
    }
    found
}

/// How long the comment is that begins here.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    text.starts_with("/*")
        .then(|| text.find("*/").map_or(text.len(), |end| end + 2))
}

/// How long the text or character is that begins here. A lifetime is none.
fn quoted(text: &str, before: Option<char>) -> Option<usize> {
    if let Some(rest) = text.strip_prefix('\'') {
        let end = match rest.strip_prefix('\\') {
            Some(escaped) => escaped.get(1..)?.find('\'')? + 2,
            None => rest.chars().next()?.len_utf8(),
        };
        return rest[end..].starts_with('\'').then_some(end + 2);
    }
    let is_in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let raw = text
        .strip_prefix('r')
        .filter(|_| !is_in_word || before == Some('b'));
    if let Some(rest) = raw {
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        if rest[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = 1 + hashes + 1;
            return Some(start + text[start..].find(&end)? + end.len());
        }
    }
    let mut chars = text.strip_prefix('"')?.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '"' => return Some(at + 2),
            _ => {}
        }
    }
    Some(text.len())
}

/// Code without its modules of tests, as rustfmt lays them out.
pub(super) fn without_tests(code: &str) -> String {
    let mut out = String::new();
    let mut lines = code.lines();
    let mut is_test = false;
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            is_test = true;
        } else if is_test && line.trim_start().starts_with("mod ") {
            is_test = false;
            if line.ends_with('{') {
                let end = format!("{}}}", indent(line));
                lines.by_ref().find(|line| *line == end);
            }
        } else {
            is_test &= line.trim().starts_with("#[") || line.trim().is_empty();
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// The functions of a file as rustfmt lays them out: the line of each, its name, and how many lines its body has.
pub(super) fn functions(code: &str) -> Vec<(usize, &str, usize)> {
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function(line) else {
            continue;
        };
        let is_end = |line: &&str| {
            let line = line.trim_end();
            line.ends_with('{') || line.ends_with(';') || line.ends_with('}')
        };
        let Some(open) = lines[at..].iter().position(is_end).map(|open| at + open) else {
            continue;
        };
        // One without a body, or with all of it on its line.
        if !lines[open].trim_end().ends_with('{') {
            continue;
        }
        let end = format!("{}}}", indent(line));
        let length = lines[open..].iter().position(|line| line.trim_end() == end);
        found.extend(length.map(|length| (at + 1, name, length - 1)));
    }
    found
}

/// The name of the function that a line declares.
fn function(line: &str) -> Option<&str> {
    let (before, rest) = match line.trim_start().strip_prefix("fn ") {
        Some(rest) => ("", rest),
        None => line.trim_start().split_once(" fn ")?,
    };
    let is_word = |word: &str| {
        let word = word.split('(').next().unwrap_or_default();
        ["pub", "const", "async", "unsafe", "extern"].contains(&word)
    };
    let name = rest.split(['(', '<']).next()?;
    before.split_whitespace().all(is_word).then_some(name)
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_code_is_blank() {
        let code = code_of(
            "a // b\nlet c = \"d\\\"e\nf\"; /* g\n */ r#\"h\"i\"# 'j' '\\'' b\"k\" &'static l br\"m\" for\"n\"\n",
        );
        let words: Vec<&str> = code.split_whitespace().collect();
        assert_eq!(words.join(" "), "a let c = ; b &'static l b for");
        assert_eq!(code.lines().count(), 4);
    }

    #[test]
    fn tests_are_left_out() {
        let code = "a\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nc\n#[cfg(test)]\nmod d;\n#[cfg(test)]\nfn e() {}\n";
        assert_eq!(without_tests(code), "a\nc\nfn e() {}\n");
    }

    #[test]
    fn the_lines_of_a_body_are_counted() {
        let code = "fn one() {\n    a;\n    b;\n}\n\nimpl X {\n    pub(crate) const fn two<T>(\n        x: T,\n    ) -> T\n    where\n        T: Y,\n    {\n        x\n    }\n    fn three();\n    fn four() {}\n}\n";
        assert_eq!(functions(code), [(1, "one", 2), (7, "two", 1)]);
    }
}

//! What a Caddyfile imports: other files, `import sites/*`, and snippets with arguments, `import proxy mongo-express:8081`.

use crate::deployment::exposure::files::File;
use crate::deployment::exposure::proxy::included::{MOST, beside, fits, folder};

/// Snippets in snippets in snippets are no more than this.
const DEEPEST: usize = 4;
const MOST_BYTES: usize = 1 << 20;

/// Whether a file imports another one.
pub(super) fn imports(file: &File, other: &File) -> bool {
    let mut lines = file.text.lines();
    lines.any(|line| import(line).is_some_and(|(path, _)| names(file, path, other)))
}

/// The text of a file, with those of the files that it imports in their place.
pub(super) fn with_files(file: &File, all: &[&File]) -> String {
    let mut out = Out {
        all,
        text: String::new(),
        left: MOST,
    };
    out.add(file, &[], DEEPEST);
    out.text
}

struct Out<'a> {
    all: &'a [&'a File],
    text: String,
    /// How many more files are put in.
    left: usize,
}

impl Out<'_> {
    fn add(&mut self, file: &File, arguments: &[&str], depth: usize) {
        for line in file.text.lines() {
            let line = match arguments {
                [] => line.to_owned(),
                arguments => filled(line, arguments),
            };
            let is_open = depth > 0 && self.text.len() < MOST_BYTES;
            let Some((path, arguments)) = import(&line).filter(|_| is_open) else {
                self.text.extend([&line, "\n"]);
                continue;
            };
            let found = self.all.iter().filter(|other| names(file, path, other));
            let found: Vec<&File> = found.take(self.left).copied().collect();
            if found.is_empty() {
                self.text.extend([&line, "\n"]);
            }
            self.left -= found.len();
            for one in found {
                self.add(one, &arguments, depth - 1);
            }
        }
    }
}

/// What a line imports, and with which arguments.
fn import(line: &str) -> Option<(&str, Vec<&str>)> {
    let mut words = line.split_whitespace();
    (words.next() == Some("import")).then_some(())?;
    Some((words.next()?, words.collect()))
}

fn names(file: &File, path: &str, other: &File) -> bool {
    let base = folder(&file.path).unwrap_or_default();
    file.path != other.path && fits(&beside(base, path.trim_matches('"')), &other.path)
}

/// The text with the lines of a snippet in place of each line that imports it with arguments.
pub(super) fn with_arguments(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..DEEPEST {
        if !text.contains("{args") {
            break;
        }
        text = once(&text);
    }
    text
}

fn once(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::new();
    for line in &lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let inner = match &words[..] {
            ["import", name, arguments @ ..] if !arguments.is_empty() => {
                snippet(&lines, name).map(|inner| (inner, arguments))
            }
            _ => None,
        };
        match inner.filter(|_| out.len() < MOST_BYTES) {
            Some((inner, arguments)) => {
                out.extend(inner.iter().map(|line| filled(line, arguments) + "\n"));
            }
            None => out.extend([line, "\n"]),
        }
    }
    out
}

/// The lines between the braces of `(NAME) {`.
fn snippet<'a>(lines: &'a [&'a str], name: &str) -> Option<&'a [&'a str]> {
    let head = format!("({name})");
    let is_head = |line: &&str| {
        let mut words = line.split_whitespace();
        words.next() == Some(&*head) && words.next() == Some("{")
    };
    let start = lines.iter().position(is_head)? + 1;
    let mut depth = 1_usize;
    for (at, line) in lines[start..].iter().enumerate() {
        let line = line.trim();
        depth -= usize::from(line.starts_with('}'));
        if depth == 0 {
            return Some(&lines[start..start + at]);
        }
        depth += usize::from(line.ends_with('{'));
    }
    None
}

/// A line with arguments in it: `{args[0]}`, `{args.0}` and `{args[:]}`.
fn filled(line: &str, arguments: &[&str]) -> String {
    if !line.contains("{args") {
        return line.to_owned();
    }
    let all = arguments.join(" ");
    let mut line = line.replace("{args[:]}", &all).replace("{args[0:]}", &all);
    for (at, argument) in arguments.iter().enumerate() {
        let argument = argument.trim_matches('"');
        line = line.replace(&format!("{{args[{at}]}}"), argument);
        line = line.replace(&format!("{{args.{at}}}"), argument);
    }
    line
}

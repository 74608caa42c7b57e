//! The pages of the project as a reader uses them: their blocks of commands, in order, each with the sandbox that it runs in.
//!
//! A page says in comments, which no reader sees, what its commands need:
//!
//! | comment | meaning |
//! |---|---|
//! | `<!-- test: SANDBOX -->` | what follows runs in a new sandbox (sandbox.rs), until the next such comment |
//! | `<!-- file: NAME -->` | the next block is a file of this name, in the sandbox |
//!
//! A block is fenced. In `sh` every line is typed, and must succeed; `console` also has the output below each `$ command`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::root;

/// A block of a page.
#[derive(Clone, Debug)]
pub struct Block {
    /// The line of the first line in it, counted from 1.
    pub line: usize,
    /// What its lines are.
    pub kind: Kind,
    /// Its lines.
    pub lines: Vec<String>,
}

/// What the lines of a block are.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Commands.
    Commands,
    /// Commands behind `$ `, and what they print.
    Session,
    /// A file's, with its name.
    File(String),
    /// Something that nobody types.
    Text,
}

/// Blocks that share a sandbox.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The name of the sandbox, as the page has it; empty before the first.
    pub sandbox: String,
    /// In their order.
    pub blocks: Vec<Block>,
}

/// The pages with commands, by their paths from the project's folder. The Chinese README is held equal to the English one
/// by `cargo xtask docs --check`.
pub fn pages() -> Vec<PathBuf> {
    let list = Command::new("git")
        .args(["ls-files", "--", "*.md"])
        .current_dir(root())
        .output()
        .unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    let is_page = |path: &&str| {
        let is_in = |folder: &str| path.starts_with(folder) && !path[folder.len()..].contains('/');
        ["README.md", "CONTRIBUTING.md"].contains(path)
            || is_in("docs/")
            || path.starts_with("examples/")
    };
    let is_generated =
        |path: &&str| ["docs/rules.md", "docs/probes.md", "docs/evidence.md"].contains(path);
    let pages = list
        .lines()
        .filter(is_page)
        .filter(|path| !is_generated(path));
    let pages: Vec<PathBuf> = pages.map(PathBuf::from).collect();
    assert!(pages.len() > 2, "the pages are gone: {pages:?}");
    pages
}

/// The scenes of a page.
pub fn scenes(page: &Path, text: &str) -> Vec<Scene> {
    let mut scenes = vec![Scene {
        sandbox: String::new(),
        blocks: Vec::new(),
    }];
    let mut file = None;
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if let Some(name) = comment(line, "test") {
            let sandbox = name.to_owned();
            let blocks = Vec::new();
            scenes.push(Scene { sandbox, blocks });
        } else if let Some(name) = comment(line, "file") {
            file = Some(name.to_owned());
        } else if let Some(language) = line.strip_prefix("```") {
            let inside = lines
                .by_ref()
                .map_while(|(_, line)| (line != "```").then(|| line.to_owned()));
            let kind = match (file.take(), language) {
                (Some(name), _) => Kind::File(name),
                (None, "sh") => Kind::Commands,
                (None, "console") => Kind::Session,
                (None, "text" | "json" | "toml" | "yaml") => Kind::Text,
                (None, other) => panic!("{}:{}: a block of `{other}`", page.display(), at + 1),
            };
            let block = Block {
                line: at + 2,
                kind,
                lines: inside.collect(),
            };
            scenes.last_mut().unwrap().blocks.push(block);
        } else if line.starts_with("    clearml-") || line.starts_with("    docker ") {
            panic!(
                "{}:{}: commands are in a fenced block",
                page.display(),
                at + 1
            );
        }
    }
    scenes
}

/// The text of a page.
pub fn read(page: &Path) -> String {
    fs::read_to_string(root().join(page)).unwrap()
}

/// What a comment of a page says under a name.
fn comment<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let inside = line.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    inside.strip_prefix(name)?.strip_prefix(": ")
}

impl Block {
    /// The commands alone; a file has none.
    pub fn commands_typed(&self) -> Vec<String> {
        match self.kind {
            Kind::Commands | Kind::Session => self
                .commands()
                .into_iter()
                .map(|(command, _)| command)
                .collect(),
            Kind::File(_) | Kind::Text => Vec::new(),
        }
    }

    /// The commands, each with the lines that are to come out.
    pub fn commands(&self) -> Vec<(String, Vec<String>)> {
        let mut commands: Vec<(String, Vec<String>)> = Vec::new();
        let is_session = self.kind == Kind::Session;
        for line in &self.lines {
            // A command goes on behind a backslash.
            let is_open = commands
                .last()
                .is_some_and(|(command, lines)| command.ends_with('\\') && lines.is_empty());
            match (commands.last_mut(), line.strip_prefix("$ ")) {
                (Some((command, _)), _) if is_open => {
                    command.push('\n');
                    command.push_str(line);
                }
                (_, Some(command)) if is_session => commands.push((command.to_owned(), Vec::new())),
                (Some((_, lines)), None) if is_session => lines.push(line.clone()),
                _ if is_session => panic!("line {}: output of no command", self.line),
                _ if line.is_empty() || line.starts_with('#') => {}
                _ => commands.push((line.clone(), Vec::new())),
            }
        }
        commands
    }
}

/// Whether an output is what a page shows. There, `…` is any text within a line, and alone any number of lines.
pub fn is_shown(expected: &[String], real: &[String]) -> bool {
    match (expected, real) {
        ([], []) => true,
        ([any, rest @ ..], _) if any.trim() == "…" => {
            (0..=real.len()).any(|skipped| is_shown(rest, &real[skipped..]))
        }
        ([one, rest @ ..], [line, others @ ..]) => is_line(one, line) && is_shown(rest, others),
        _ => false,
    }
}

/// An output, cut as a page has cut an older one: its beginning, its end, and what is most like what is shown in between.
pub fn cut_alike(expected: &[String], real: &[String]) -> Vec<String> {
    let shown: Vec<&[String]> = expected.split(|line| line.trim() == "…").collect();
    let [head, between @ .., tail] = &shown[..] else {
        return real.to_vec();
    };
    if head.len() + tail.len() >= real.len() {
        return real.to_vec();
    }
    let cut = ["…".to_owned()];
    let mut out = [&real[..head.len()], &cut].concat();
    for lines in between.iter().filter(|lines| !lines.is_empty()) {
        let start = most_like(&lines[0], real);
        let end = most_like(&lines[lines.len() - 1], &real[start..]) + start;
        out.extend([&real[start..=end], &cut].concat());
    }
    out.extend_from_slice(&real[real.len() - tail.len()..]);
    // What differs from run to run stays what it was.
    let is_open = |line: &&String| line.trim() != "…" && line.contains('…');
    for line in &mut out {
        if let Some(open) = expected
            .iter()
            .filter(is_open)
            .find(|open| is_line(open, line))
        {
            line.clone_from(open);
        }
    }
    out
}

/// The first of the lines that begin most like one.
fn most_like(one: &str, lines: &[String]) -> usize {
    let alike = |line: &String| {
        one.chars()
            .zip(line.chars())
            .take_while(|(a, b)| a == b)
            .count()
    };
    let most = lines.iter().map(alike).max().unwrap_or_default();
    lines
        .iter()
        .position(|line| alike(line) == most)
        .unwrap_or_default()
}

fn is_line(expected: &str, real: &str) -> bool {
    let Some((before, after)) = expected.split_once('…') else {
        return expected.trim_end() == real.trim_end();
    };
    real.strip_prefix(before).is_some_and(|rest| {
        let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
        ends.into_iter().any(|at| is_line(after, &rest[at..]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn an_ellipsis_is_what_differs_and_nothing_else() {
        assert!(is_shown(&lines("a…c\n…\nend"), &lines("a b c\nx\ny\nend")));
        assert!(is_shown(&lines("…"), &[]));
        assert!(!is_shown(&lines("a…c"), &lines("a b d")));
        assert!(!is_shown(&lines("a\nb"), &lines("a")));
        assert!(!is_shown(&lines("a"), &lines("a\nb")));
    }

    #[test]
    fn a_new_output_is_cut_as_the_old_one_was() {
        let real = lines("1\n2\n3\n4\n5");
        assert_eq!(cut_alike(&lines("a\n…\nc\nd"), &real), lines("1\n…\n4\n5"));
        assert_eq!(cut_alike(&lines("a"), &real), real);
        assert_eq!(cut_alike(&lines("…"), &real), lines("…"));
        let real = lines("x\nok a\nok c\n\nproved: 9\nend");
        let old = lines("…\nok a b\n\nproved: 7\n…");
        assert_eq!(
            cut_alike(&old, &real),
            lines("…\nok a\nok c\n\nproved: 9\n…")
        );
    }

    #[test]
    fn commands_and_files_are_found_with_their_sandbox() {
        let page = "<!-- test: stock -->\n```console\n$ a \\\n  b\nout\n$ c\n```\n<!-- file: x.yml -->\n```yaml\nk: v\n```\n\
                    <!-- test: empty -->\n```sh\n# why\nd\n```\n";
        let scenes = scenes(Path::new("page"), page);
        assert_eq!(scenes[1].sandbox, "stock");
        assert_eq!(
            scenes[1].blocks[0].commands(),
            [
                ("a \\\n  b".to_owned(), lines("out")),
                ("c".to_owned(), vec![])
            ]
        );
        assert_eq!(scenes[1].blocks[1].kind, Kind::File("x.yml".to_owned()));
        assert_eq!(scenes[2].blocks[0].commands(), [("d".to_owned(), vec![])]);
    }
}

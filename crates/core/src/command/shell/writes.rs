//! Which files a command changes that a server reads when it starts: its configuration and its program.
//!
//! What a program does with a path among its arguments is known of the common ones alone. So any other program that has such a
//! path may change the file, unless it is one of those that only read.

use super::Shell;
use super::word::Context;
use crate::command::Kept;
use crate::knowable::Knowable;

/// Programs that change nothing at the paths that they are told, or nothing that a server would read there.
const READERS: [&str; 23] = [
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "cksum",
    "cmp",
    "diff",
    "du",
    "echo",
    "egrep",
    "grep",
    "head",
    "ls",
    "md5sum",
    "mkdir",
    "printf",
    "readlink",
    "rmdir",
    "sha256sum",
    "stat",
    "tail",
    "touch",
    "wc",
];
/// Programs of which the last path alone is written to.
const COPIERS: [&str; 5] = ["cp", "install", "ln", "rsync", "scp"];
/// Programs that change the files that they are told with an option alone.
const EDITORS: [(&str, &str); 6] = [
    ("awk", "-i"),
    ("find", "-exec"),
    ("perl", "-i"),
    ("sed", "-i"),
    ("tar", "x"),
    ("yq", "-i"),
];
/// Trusted programs that write where they are told.
const DOWNLOADERS: [&str; 2] = ["curl", "wget"];

impl Shell<'_> {
    /// `cd FOLDER`.
    pub(super) fn enter(&mut self, words: &[Knowable<String>]) {
        let to = words
            .iter()
            .filter_map(Knowable::known)
            .find(|word| !word.starts_with('-'));
        self.is_inside = match to {
            Some(path) if path.starts_with('/') => {
                (self.around.kept)(path) == Some(Kept::Configuration)
            }
            Some(path) => !path.starts_with("..") && (self.is_inside || path.ends_with("config")),
            None => false,
        };
    }

    /// `> FILE`.
    pub(super) fn write_to(&mut self, word: &str) {
        self.writes |= match self.value(word, Context::Argument) {
            Knowable::Known(path) => self.is_kept(&path),
            Knowable::Unknown(_) => word.contains(".conf"),
        };
    }

    /// A program with its arguments.
    pub(super) fn note_writes(&mut self, name: &str, words: &[Knowable<String>], is_trusted: bool) {
        let known: Vec<&str> = words[1..]
            .iter()
            .filter_map(Knowable::known)
            .map(String::as_str)
            .collect();
        let editor = EDITORS.iter().find(|(editor, _)| *editor == name);
        let told: &[&str] = if READERS.contains(&name) {
            &[]
        } else if let Some((_, option)) = editor {
            let is_edit = known.iter().any(|word| match name {
                "tar" => *word == "--extract" || !word.starts_with("--") && word.contains(option),
                _ => word.starts_with(option) || *word == "-delete" || *word == "--in-place",
            });
            if is_edit { &known } else { &[] }
        } else if COPIERS.contains(&name) && !known.contains(&"-t") {
            known
                .split_last()
                .map_or(&[], |(last, _)| std::slice::from_ref(last))
        } else if name.starts_with("python") {
            // A server is started like this. A text of Python's has brackets.
            let is_code = |word: &&str| word.contains('(');
            self.writes |= known
                .iter()
                .filter(|word| is_code(word))
                .any(|word| self.tells(word));
            known.get(1..).filter(|_| !is_trusted).unwrap_or_default()
        } else if is_trusted && !DOWNLOADERS.contains(&name) {
            &[]
        } else {
            &known
        };
        self.writes |= told.iter().any(|word| self.tells(word));
    }

    /// Whether a word has a path of the server's: alone, after `--option=`, or in a text.
    fn tells(&self, word: &str) -> bool {
        let is_between =
            |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=' | ':' | '(' | ')' | ',');
        word.split(is_between)
            .any(|path| !path.is_empty() && !path.starts_with('-') && self.is_kept(path))
    }

    fn is_kept(&self, path: &str) -> bool {
        match path.starts_with('/') {
            true => (self.around.kept)(path).is_some(),
            false => self.is_inside,
        }
    }
}

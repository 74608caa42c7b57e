//! Lines of YAML in the style of one person: indents, quotes, comments, line ends.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeSet;

use super::features::Features;
use super::random::Random;

/// Writes the files of one project, one after the other.
pub(super) struct Writer<'f> {
    /// Spaces a level.
    pub(super) step: usize,
    pub(super) dashes_indented: bool,
    comments: bool,
    quoted_keys: bool,
    out: String,
    pub(super) random: Random,
    features: &'f Features,
    /// The features that the project has.
    pub(super) used: BTreeSet<&'static str>,
}

impl<'f> Writer<'f> {
    pub(super) fn new(seed: u64, features: &'f Features) -> Self {
        let mut random = Random::new(seed);
        Self {
            step: random.pick(&[2, 2, 2, 4, 3]),
            dashes_indented: random.chance(60),
            comments: random.chance(50),
            quoted_keys: random.chance(15),
            out: String::new(),
            random,
            features,
            used: BTreeSet::new(),
        }
    }

    /// Whether the project has a feature here, by chance. A feature that is off changes nothing else of the project.
    pub(super) fn may(&mut self, feature: &'static str, percent: usize) -> bool {
        let has = self.random.chance(percent) && self.features.has(feature);
        if has {
            self.used.insert(feature);
        }
        has
    }

    /// Ends a file.
    pub(super) fn finish(&mut self) -> String {
        let mut text = std::mem::take(&mut self.out);
        if self.random.chance(20) {
            text.truncate(text.trim_end().len());
        }
        if self.random.chance(25) {
            text = text.replace('\n', "\r\n");
        }
        if self.random.chance(10) {
            text.insert(0, '\u{feff}');
        }
        text
    }

    /// Lines that are indented by two spaces a level, at a depth and in the writer's own step. An item of a list is one line:
    /// what is below a dash is two spaces further in, in any step.
    pub(super) fn block(&mut self, depth: usize, lines: &str) {
        for line in lines.lines() {
            let text = line.trim_start_matches(' ');
            let levels = depth + (line.len() - text.len()) / 2;
            self.raw(levels, text);
        }
    }

    /// A line without a comment.
    pub(super) fn raw(&mut self, depth: usize, text: &str) {
        self.out.push_str(&" ".repeat(depth * self.step));
        self.out.push_str(text);
        self.out.push('\n');
    }

    pub(super) fn line(&mut self, depth: usize, text: &str) {
        // No comment after what may end in a block scalar: it would be part of it.
        let may_have = self.comments && !text.contains(['\n', '>', '|']);
        if may_have && self.random.chance(15) {
            self.raw(depth, &format!("{text} # comment: with a colon"));
        } else {
            self.raw(depth, text);
        }
    }

    pub(super) fn comment(&mut self, depth: usize) {
        if self.comments && self.random.chance(15) {
            self.raw(depth, "# environment: none");
        } else if self.comments && self.random.chance(10) {
            self.out.push('\n');
        }
    }

    /// A block map; never an empty one, which would be null.
    pub(super) fn map(&mut self, depth: usize, variables: &[(&str, &str)]) {
        for (name, value) in variables {
            self.comment(depth);
            let key = self.key(name);
            let value = if !value.is_empty() && value.is_ascii() && self.random.chance(8) {
                // A block scalar needs one level more, and `-` drops the line's end again.
                let mark = self.random.pick(&["|-", ">-"]);
                format!("{mark}\n{}{value}", " ".repeat((depth + 1) * self.step))
            } else {
                self.scalar(value)
            };
            self.line(depth, &format!("{key} {value}"));
        }
        if variables.is_empty() {
            self.line(depth, "LANG: C");
        }
    }

    pub(super) fn key(&mut self, name: &str) -> String {
        match self.random.below(2) {
            _ if !self.quoted_keys => format!("{name}:"),
            0 => format!("'{name}':"),
            _ => format!("\"{name}\":"),
        }
    }

    /// A value in one of the three ways; plain only where that is the same text.
    pub(super) fn scalar(&mut self, text: &str) -> String {
        let is_plain = !text.is_empty()
            && !text.contains(" #")
            && !text.contains(": ")
            && text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '$')
            // Booleans are an error in an environment, and a number is a number only where it stands alone.
            && text != "true";
        let value = match self.random.below(3) {
            0 if is_plain => text.to_owned(),
            1 => format!("'{}'", text.replace('\'', "''")),
            _ => double(text),
        };
        if self.may("tag", 3) {
            return match self.random.below(2) {
                0 => format!("!!str {value}"),
                _ => format!("!!binary {}", STANDARD.encode(text)),
            };
        }
        value
    }
}

/// In double quotes.
pub(super) fn double(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

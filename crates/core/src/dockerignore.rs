//! `.dockerignore`: what of a folder docker does not give to a build.
//!
//! Its patterns are matched as BuildKit does, which Docker Compose builds with: every pattern in turn for the folders
//! above a file and then for the file, and the last one that matches decides. A pattern that may mean something else
//! there than here makes all of the folder unknown.
//! Reference: <https://docs.docker.com/build/concepts/context/#dockerignore-files>.

use std::path::{Component, Path, PathBuf};

use crate::container_path::cleaned;
use crate::io::is_link;
use crate::knowable::Knowable;

/// The folder that a build is given, and what of it is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildContext {
    /// The folder.
    pub folder: PathBuf,
    /// What is left out.
    pub ignored: Knowable<Patterns>,
}

/// The lines of a `.dockerignore`; none leave nothing out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns(Vec<Pattern>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    /// `!`: what matches is given to the build all the same.
    is_exception: bool,
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// `**` at the end: anything.
    Anything,
    /// This character.
    Character(char),
    /// `**`: nothing, or any folders.
    Folders,
    /// `?`: one character of a name.
    One,
    /// `[a-z]`: one of these, or none of them.
    Range {
        is_negated: bool,
        ranges: Vec<(char, char)>,
    },
    /// `*`: a part of a name.
    Star,
}

impl BuildContext {
    /// Whether a build is given what is at a path of the host in its folder.
    pub fn has(&self, path: &Path) -> Knowable<bool> {
        let Ok(below) = path.strip_prefix(&self.folder) else {
            return Knowable::unknown("it is outside of the folder that the build is given");
        };
        let mut names = Vec::new();
        let mut whole = self.folder.clone();
        for component in below.components() {
            let (Component::Normal(name), Some(text)) = (component, component.as_os_str().to_str())
            else {
                return Knowable::unknown("its path is not one that is read here");
            };
            whole.push(name);
            if is_link(&whole) {
                return Knowable::unknown(
                    "it is a symbolic link, and the build copies links as they are",
                );
            }
            names.push(text);
        }
        self.ignored
            .as_ref()
            .map(|patterns| !patterns.leave_out(&names))
    }
}

impl Patterns {
    /// The patterns of a text. Not known where docker would refuse one, or may read it in another way.
    pub fn read(text: &str) -> Knowable<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().enumerate();
        let patterns = lines.filter(|(_, line)| !line.starts_with('#') && !line.trim().is_empty());
        let patterns = patterns.filter_map(|(at, line)| match Pattern::read(line.trim()) {
            Some(None) => None,
            Some(Some(pattern)) => Some(Knowable::Known(pattern)),
            None => Some(Knowable::unknown(format!(
                "line {} of its .dockerignore is a pattern that we cannot read with certainty",
                at + 1
            ))),
        });
        let patterns: Knowable<Vec<Pattern>> = patterns.collect();
        patterns.map(Self)
    }

    /// Whether they leave out a path, given as the names on the way to it.
    fn leave_out(&self, names: &[&str]) -> bool {
        let mut is_out = false;
        let mut path = Vec::new();
        // Which of them match a folder above, and with it all that is in it.
        let mut matched = vec![false; self.0.len()];
        for name in names {
            if !path.is_empty() {
                path.push('/');
            }
            path.extend(name.chars());
            is_out = false;
            for (pattern, matched) in self.0.iter().zip(&mut matched) {
                // One that would change nothing is not asked, and therefore does not count for what is below, either.
                if !*matched && pattern.is_exception == is_out {
                    *matched = pattern.matches(&path);
                }
                if *matched {
                    is_out = !pattern.is_exception;
                }
            }
        }
        is_out
    }
}

impl Pattern {
    /// A line; the inner none for one that nothing can match, the outer one where its meaning is not certain.
    fn read(line: &str) -> Option<Option<Self>> {
        let (is_exception, written) = match line.strip_prefix('!') {
            Some(written) => (true, written.trim()),
            None => (false, line),
        };
        if written.is_empty() {
            return None;
        }
        let is_rooted = written.starts_with('/');
        if !is_rooted && leads_up(written) {
            return Some(None);
        }
        let path = cleaned(written);
        let path = &path[1..];
        if path.is_empty() {
            // Docker refuses `!/`, and nothing is called `.`.
            return (!is_exception || !is_rooted).then_some(None);
        }
        if path.trim() != path {
            return None;
        }
        let tokens = tokens(path)?;
        Some(Some(Self {
            is_exception,
            tokens,
        }))
    }

    fn matches(&self, path: &[char]) -> bool {
        // Which beginnings of the path the tokens so far match, by their length.
        let mut reached = vec![false; path.len() + 1];
        reached[0] = true;
        for token in &self.tokens {
            let mut next = vec![false; path.len() + 1];
            let mut is_any_before = false;
            for at in 0..=path.len() {
                let before = at.checked_sub(1);
                let is_one = |fits: &dyn Fn(char) -> bool| {
                    before.is_some_and(|before| reached[before] && fits(path[before]))
                };
                next[at] = match token {
                    Token::Anything => reached[at] || is_any_before,
                    Token::Character(own) => is_one(&|c| c == *own),
                    Token::Folders => {
                        reached[at] || is_any_before && before.is_some_and(|at| path[at] == '/')
                    }
                    Token::One => is_one(&|c| c != '/'),
                    Token::Range { is_negated, ranges } => is_one(&|c| {
                        let is_in = ranges.iter().any(|(low, high)| (*low..=*high).contains(&c));
                        is_in != *is_negated
                    }),
                    Token::Star => {
                        reached[at] || before.is_some_and(|at| next[at] && path[at] != '/')
                    }
                };
                is_any_before |= reached[at];
            }
            reached = next;
        }
        reached[path.len()]
    }
}

/// Whether `..` leads out of the folder.
fn leads_up(path: &str) -> bool {
    let mut depth = 0_i64;
    path.split('/').any(|part| {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        depth < 0
    })
}

fn tokens(pattern: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        tokens.push(match c {
            '*' if chars.next_if_eq(&'*').is_some() => {
                let has_slash = chars.next_if_eq(&'/').is_some();
                let is_end = chars.peek().is_none();
                // Before plain text BuildKit takes `**` without a slash for any beginning of it.
                let is_plain = !chars.clone().any(|c| "*?[\\".contains(c));
                match is_end || !has_slash && tokens.is_empty() && is_plain {
                    true => Token::Anything,
                    false => Token::Folders,
                }
            }
            '*' => Token::Star,
            '?' => Token::One,
            '[' => range(&mut chars)?,
            '\\' => {
                let is_escaped = |c: &char| c.is_ascii_punctuation() && *c != '/';
                Token::Character(chars.next().filter(is_escaped)?)
            }
            // BuildKit makes a regular expression of it, in which these mean something.
            ']' | '^' => return None,
            c if c.is_control() => return None,
            c => Token::Character(c),
        });
    }
    Some(tokens)
}

/// What is after `[`. Anything but letters, digits, `.` and `_` is left to those who know.
fn range(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Token> {
    let is_negated = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        let low = match chars.next()? {
            ']' if !ranges.is_empty() => break,
            c if c.is_ascii_alphanumeric() || "._".contains(c) => c,
            _ => return None,
        };
        let high = match chars.next_if_eq(&'-') {
            Some(_) => chars
                .next()
                .filter(|high| high.is_ascii_alphanumeric() && *high >= low)?,
            None => low,
        };
        ranges.push((low, high));
    }
    Some(Token::Range { is_negated, ranges })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leave_out(text: &str, path: &str) -> Option<bool> {
        let names: Vec<&str> = path.split('/').collect();
        let patterns = Patterns::read(text).into_known()?;
        Some(patterns.leave_out(&names))
    }

    #[test]
    fn the_last_match_decides() {
        for (text, path, is_out) in [
            ("", "a.conf", false),
            ("# a.conf\n\n", "a.conf", false),
            (" # a.conf", "a.conf", false),
            ("\u{feff}a.conf\r\n", "a.conf", true),
            ("  /a.conf  ", "a.conf", true),
            ("conf/", "conf/a.conf", true),
            ("conf", "other/conf", false),
            ("*.conf", "conf/a.conf", false),
            ("**/*.conf", "conf/a.conf", true),
            ("**", "conf/a.conf", true),
            ("conf/**", "conf", false),
            ("conf\n!conf/a.conf", "conf/a.conf", false),
            ("!conf/a.conf\nconf", "conf/a.conf", true),
            ("*\n!**/a.conf", "conf/sub/a.conf", false),
            ("../conf", "conf", false),
            ("/../conf", "conf", true),
            ("c?nf/[a-c].conf", "conf/b.conf", true),
            ("c?nf/[^a-c].conf", "conf/b.conf", false),
        ] {
            assert_eq!(leave_out(text, path), Some(is_out), "{text:?} {path}");
        }
    }

    #[test]
    fn what_may_mean_something_else_is_unknown() {
        for text in ["!", "!/", "[", "[]a]", "[!a]", "\\d", "a\\", "a^*", "[b-a]"] {
            assert_eq!(leave_out(text, "a"), None, "{text:?}");
        }
    }

    #[test]
    fn links_are_no_files() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a"), "").unwrap();
        std::os::unix::fs::symlink("a", at("b")).unwrap();
        let context = BuildContext {
            folder: folder.path().to_owned(),
            ignored: Knowable::Known(Patterns::default()),
        };
        assert_eq!(context.has(&at("a")), Knowable::Known(true));
        assert_eq!(context.has(folder.path()), Knowable::Known(true));
        assert_eq!(context.has(&at("b")).known(), None);
        assert_eq!(context.has(Path::new("/elsewhere")).known(), None);
    }
}

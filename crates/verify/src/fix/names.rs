//! Names of files that are not there yet, so that nothing is written over and nothing stops half-way.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clearml_secure_core::io::real;

use crate::finding::Finding;
use crate::words::InUse;

/// What the commands of this run make and change.
#[derive(Default)]
pub(crate) struct Names {
    /// The names that were given out.
    given: Vec<PathBuf>,
    /// The files of which groups of values are replaced, and which.
    replaced: Vec<(PathBuf, Vec<&'static str>)>,
    /// The files that are closed to others.
    closed: Vec<PathBuf>,
}

/// Groups of a file's values that are replaced.
pub(super) enum Replacing {
    /// By the first command about this file.
    First(Vec<&'static str>),
    /// By a further one; there may be none left.
    More(Vec<&'static str>),
}

impl Names {
    /// `keys.env` beside a compose file, or with a number.
    pub(super) fn keys(&mut self, compose: &Path) -> PathBuf {
        self.free(|number| compose.with_file_name(format!("keys{number}.env")))
    }

    /// What standard input becomes.
    pub(super) fn output(&mut self) -> PathBuf {
        self.free(|number| format!("secured{number}.yml").into())
    }

    /// A suffix that makes the compose file's name a new one.
    pub(crate) fn backup(&mut self, compose: &Path) -> String {
        let named = |number: &str| -> PathBuf {
            let mut name = OsString::from(compose);
            name.push(format!(".orig{number}"));
            name.into()
        };
        let path = self.free(named);
        let extension = path.extension().unwrap_or_default();
        format!(".{}", extension.to_string_lossy())
    }

    /// Those of these groups of a file that no earlier command replaces; none where one does all. Several deployments may have
    /// one file.
    pub(super) fn not_replaced(&mut self, file: &Path, groups: Vec<&'static str>) -> Replacing {
        let file = real(file);
        match self.replaced.iter_mut().find(|(known, _)| *known == file) {
            Some((_, known)) => {
                let new = groups.into_iter().filter(|group| !known.contains(group));
                let new: Vec<_> = new.collect();
                known.extend(&new);
                Replacing::More(new)
            }
            None => {
                self.replaced.push((file, groups.clone()));
                Replacing::First(groups)
            }
        }
    }

    /// Whether a file has to be closed: the first command about it does that.
    pub(super) fn closes(&mut self, file: &Path) -> bool {
        let file = real(file);
        let is_new = !self.closed.contains(&file);
        if is_new {
            self.closed.push(file);
        }
        is_new
    }

    /// Gives the helps of a report the names of files that nothing has yet, and the keyset in use: run in this order, no
    /// command is refused because of an earlier one, or undoes it. The same commands have the same names.
    pub(crate) fn in_helps(findings: &mut [Finding], keys: Option<&Path>) {
        let mut names = Self::default();
        let mut known: HashMap<String, String> = HashMap::new();
        let mut in_use = InUse::of(keys);
        for finding in findings {
            let help = std::mem::take(&mut finding.help);
            // What is above the commands may differ, and names no file. Whether the keyset in use is named depends on what comes before.
            let (above, commands) = match help.split_once('\n') {
                Some((above, commands)) if !help.contains("KEYS") => (above, commands),
                _ => ("", &*help),
            };
            if let Some(known) = known.get(commands) {
                finding.help = match above {
                    "" => known.clone(),
                    above => format!("{above}\n{known}"),
                };
                continue;
            }
            finding.help = names.in_help(in_use.named(&help));
            let named = match above {
                "" => finding.help.clone(),
                _ => finding
                    .help
                    .split_once('\n')
                    .map_or("", |(_, rest)| rest)
                    .to_owned(),
            };
            known.insert(commands.to_owned(), named);
        }
    }

    /// A help whose commands make files of names that nothing has yet.
    fn in_help(&mut self, help: String) -> String {
        const MADE: [(&str, &str); 3] = [("keys", "env"), ("new", "env"), ("logins", "txt")];
        MADE.iter().fold(help, |help, (stem, extension)| {
            let name = format!("{stem}.{extension}");
            let is_made = ["-o", "--passwords"]
                .iter()
                .any(|option| help.contains(&format!("{option} {name}")));
            if !is_made {
                return help;
            }
            let free = self.free(|number| format!("{stem}{number}.{extension}").into());
            renamed(&help, &name, &free.to_string_lossy())
        })
    }

    fn free(&mut self, named: impl Fn(&str) -> PathBuf) -> PathBuf {
        let numbers =
            std::iter::once(String::new()).chain((2..).map(|number| format!("-{number}")));
        let is_free =
            |path: &PathBuf| path.symlink_metadata().is_err() && !self.given.contains(path);
        // The numbers do not end.
        let path = numbers
            .map(|number| named(&number))
            .find(is_free)
            .unwrap_or_default();
        self.given.push(path.clone());
        path
    }
}

/// Commands that make and use a file of another name. Another option may have a file of the user's that is called so.
fn renamed(help: &str, name: &str, free: &str) -> String {
    let mut renamed = String::new();
    let mut before = "";
    for word in help.split_inclusive([' ', '\n']) {
        let bare = word.trim_end();
        let is_file = bare == name && ["-k", "-o", "--from", "--passwords"].contains(&before);
        match is_file || bare.strip_prefix("--from-env-file=") == Some(name) {
            true => renamed += &word.replace(name, free),
            false => renamed += word,
        }
        before = bare;
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Draft, Severity};

    #[test]
    fn the_same_commands_have_the_same_names() {
        let helps = [
            "give new values:\n  clearml-keygen -o keys.env",
            "mount the folder, or give new values:\n  clearml-keygen -o keys.env",
            "give another value:\n  clearml-keygen -q -o keys.env",
        ];
        let draft = |help: &str| Draft::new(Severity::Note, "it is so", help).of("rule");
        let mut findings: Vec<Finding> = helps.into_iter().map(draft).collect();
        Names::in_helps(&mut findings, None);
        let named: Vec<&str> = findings.iter().map(|one| &*one.help).collect();
        assert_eq!(named[..2], helps[..2]);
        assert_eq!(
            named[2],
            "give another value:\n  clearml-keygen -q -o keys-2.env"
        );
    }
}

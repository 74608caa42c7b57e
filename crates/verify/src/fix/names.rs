//! Names of files that are not there yet, so that nothing is written over and nothing stops half-way.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clearml_secure_core::io::real;

/// The names that were given out in this run, and the files that its commands change.
#[derive(Default)]
pub(crate) struct Names(Vec<PathBuf>, Vec<(PathBuf, Vec<&'static str>)>);

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
        match self.1.iter_mut().find(|(known, _)| *known == file) {
            Some((_, known)) => {
                let new = groups.into_iter().filter(|group| !known.contains(group));
                let new: Vec<_> = new.collect();
                known.extend(&new);
                Replacing::More(new)
            }
            None => {
                self.1.push((file, groups.clone()));
                Replacing::First(groups)
            }
        }
    }

    /// A help whose commands make files of names that nothing has yet.
    pub(crate) fn in_help(help: String) -> String {
        const MADE: [(&str, &str); 3] = [("keys", "env"), ("new", "env"), ("logins", "txt")];
        MADE.iter().fold(help, |help, (stem, extension)| {
            let name = format!("{stem}.{extension}");
            let is_made = ["-o", "--passwords"]
                .iter()
                .any(|option| help.contains(&format!("{option} {name}")));
            let named = |number: &str| format!("{stem}{number}.{extension}").into();
            let free = Self::default().free(named);
            if !is_made || free == Path::new(&name) {
                return help;
            }
            let free = free.to_string_lossy();
            renamed(&help, &name, &free)
        })
    }

    fn free(&mut self, named: impl Fn(&str) -> PathBuf) -> PathBuf {
        let numbers =
            std::iter::once(String::new()).chain((2..).map(|number| format!("-{number}")));
        let is_free = |path: &PathBuf| path.symlink_metadata().is_err() && !self.0.contains(path);
        // The numbers do not end.
        let path = numbers
            .map(|number| named(&number))
            .find(is_free)
            .unwrap_or_default();
        self.0.push(path.clone());
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

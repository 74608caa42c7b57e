//! Which files a command changes that a server reads when it starts: its configuration and its program.
//!
//! What a program does with the files of its container is known of the common ones alone. Any other may change what the
//! server reads, whether it is told a path of it or not.

use super::Shell;
use super::python::{self, Program};
use super::word::Context;
use crate::knowable::Knowable;

/// Programs that change nothing at the paths that they are told, or nothing that a server would read there.
pub(super) const READERS: [&str; 37] = [
    "[",
    "basename",
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "cksum",
    "clear",
    "cmp",
    "cut",
    "date",
    "diff",
    "dirname",
    "du",
    "echo",
    "egrep",
    "expr",
    "false",
    "grep",
    "head",
    "hostname",
    "id",
    "ls",
    "md5sum",
    "mkdir",
    "nproc",
    "printf",
    "readlink",
    "rmdir",
    "seq",
    "sha256sum",
    "stat",
    "test",
    "touch",
    "true",
    "uname",
    "wc",
];

/// Programs that write to places where no server has its configuration, or ask others over the network.
const ELSEWHERE: [&str; 31] = [
    "adduser",
    "apk",
    "apt",
    "apt-get",
    "dig",
    "dnf",
    "getent",
    "groupadd",
    "host",
    "ldconfig",
    "locale-gen",
    "microdnf",
    "mongo",
    "mongosh",
    "mysqladmin",
    "nslookup",
    "pg_isready",
    "pip",
    "pip3",
    "printenv",
    "ps",
    "redis-cli",
    "service",
    "sync",
    "sysctl",
    "tty",
    "update-ca-certificates",
    "useradd",
    "usermod",
    "whoami",
    "yum",
];

/// Programs that change files where they are told, and nowhere else.
const TOLD: [&str; 22] = [
    "base64",
    "curl",
    "dd",
    "envsubst",
    "gunzip",
    "gzip",
    "jq",
    "mktemp",
    "mount",
    "mv",
    "openssl",
    "rm",
    "sort",
    "split",
    "ssh-keygen",
    "tee",
    "tr",
    "truncate",
    "uniq",
    "unlink",
    "wget",
    "zcat",
];

/// Programs of which the last path alone is written to.
const COPIERS: [&str; 5] = ["cp", "install", "ln", "rsync", "scp"];

/// What these make of the folder that they are in, unless an option names another.
const UNPACKERS: [(&str, &[&str]); 5] = [
    ("cpio", &["-D", "--directory"]),
    ("git", &["-C"]),
    ("patch", &["-d", "--directory"]),
    ("tar", &["-C", "--directory"]),
    ("unzip", &["-d"]),
];

/// What of git changes no file of the folder that it is in.
const GIT_ELSEWHERE: [&str; 7] = [
    "clone",
    "config",
    "fetch",
    "log",
    "ls-remote",
    "show",
    "status",
];

impl Shell<'_> {
    /// `cd FOLDER`.
    pub(super) fn enter(&mut self, words: &[Knowable<String>]) {
        let to = words.iter().find(|word| match word.known() {
            Some(word) => word == "-" || !word.starts_with('-'),
            None => true,
        });
        let to = match to {
            Some(Knowable::Known(to)) if to != "-" => Knowable::Known(to.clone()),
            _ => Knowable::unknown("its command goes to a folder that is not named"),
        };
        self.state.enter(to);
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
        let known = known(words);
        let arguments = known.get(1..).unwrap_or_default();
        self.writes |= if name == "xargs" {
            !runs_a_reader(arguments)
        } else if python::is_python(name) {
            self.python_writes(arguments)
        } else if let Some(told) = changed(name, arguments) {
            self.unpacks(name, arguments) || told.iter().any(|word| self.tells(word))
        } else if self.starts(words) && !is_trusted {
            arguments.iter().any(|word| self.tells(word))
        } else {
            !is_trusted
        };
    }

    /// Whether what Python is told to run changes files: a text is looked at, a script of somebody's may change any.
    fn python_writes(&self, arguments: &[&str]) -> bool {
        const OPAQUE: [&str; 5] = ["chdir", "exec(", "import_module", "subprocess", "system("];
        let Some((program, at)) = python::program(arguments) else {
            return true;
        };
        match program {
            Program::Text(text) => {
                OPAQUE.iter().any(|word| text.contains(word)) || self.tells(text)
            }
            // What a module is told may be a file that it writes; a server is started like this, too.
            Program::Module(_) => {
                !(self.around.starts)(arguments)
                    && arguments[at..].iter().any(|word| self.tells(word))
            }
            Program::Script(script) => !(self.is_kept(script) || (self.around.starts)(&[script])),
        }
    }

    /// Whether these words start the server.
    pub(super) fn starts(&self, words: &[Knowable<String>]) -> bool {
        (self.around.starts)(&known(words))
    }

    /// Whether a program changes what is in the folder that it is in, and the server reads that.
    fn unpacks(&self, name: &str, arguments: &[&str]) -> bool {
        let Some((_, elsewhere)) = UNPACKERS.iter().find(|(known, _)| *known == name) else {
            return false;
        };
        let is_here = !arguments
            .iter()
            .any(|word| elsewhere.iter().any(|option| word.starts_with(option)));
        let is_change = match name {
            "tar" => is_extraction(arguments),
            "git" => !arguments.iter().any(|word| GIT_ELSEWHERE.contains(word)),
            _ => true,
        };
        is_here && is_change && self.is_kept(".")
    }

    /// Whether a word has a path of the server's: alone, after `--option=`, or in a text.
    fn tells(&self, word: &str) -> bool {
        let is_between =
            |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=' | ':' | '(' | ')' | ',');
        word.split(is_between)
            .any(|path| !path.is_empty() && !path.starts_with('-') && self.is_kept(path))
    }

    fn is_kept(&self, path: &str) -> bool {
        if path.starts_with('/') {
            return (self.around.kept)(path);
        }
        match &self.state.folder {
            // The name of a server alone is what a program is told to start.
            Knowable::Known(_) if (self.around.starts)(&[path]) && !path.contains(['/', '.']) => {
                false
            }
            Knowable::Known(folder) => (self.around.kept)(&format!("{folder}/{path}")),
            Knowable::Unknown(_) => path.ends_with(".conf"),
        }
    }
}

fn known(words: &[Knowable<String>]) -> Vec<&str> {
    let known = words.iter().filter_map(Knowable::known);
    known.map(String::as_str).collect()
}

/// The arguments at which a program that is no script of somebody's changes files; none where it may change any.
fn changed<'w, 'a>(name: &str, arguments: &'w [&'a str]) -> Option<&'w [&'a str]> {
    if let Some(is_edit) = is_edit(name, arguments) {
        return Some(if is_edit { arguments } else { &[] });
    }
    if COPIERS.contains(&name) && !arguments.contains(&"-t") {
        return Some(&arguments[arguments.len().saturating_sub(1)..]);
    }
    let is_unpacker = UNPACKERS.iter().any(|(unpacker, _)| *unpacker == name);
    if COPIERS.contains(&name) || TOLD.contains(&name) || is_unpacker {
        return Some(arguments);
    }
    (READERS.contains(&name) || ELSEWHERE.contains(&name)).then_some(&[])
}

/// Whether these programs, which mostly read, change the files that they are told; none for any other.
fn is_edit(name: &str, arguments: &[&str]) -> Option<bool> {
    let has = |is_it: fn(&str) -> bool| arguments.iter().any(|word| is_it(word));
    let is_in_place: fn(&str) -> bool = |word| match word.strip_prefix("--") {
        Some(long) => long.starts_with("in"),
        None => word.starts_with('-') && word.contains('i'),
    };
    Some(match name {
        // Their own language writes to files, too.
        "awk" | "gawk" | "mawk" => has(|word| word.starts_with("-i") || word.contains('>')),
        "sed" => has(is_in_place) || has(|word| word.contains("w /")),
        "find" => has(|word| {
            ["-delete", "-exec", "-fls", "-fprint", "-ok"]
                .iter()
                .any(|action| word.starts_with(action))
        }),
        "tar" => is_extraction(arguments),
        "yq" => has(is_in_place),
        _ => return None,
    })
}

fn is_extraction(arguments: &[&str]) -> bool {
    arguments
        .iter()
        .any(|word| *word == "--extract" || !word.starts_with("--") && word.contains('x'))
}

/// Whether what `xargs` starts changes nothing.
fn runs_a_reader(arguments: &[&str]) -> bool {
    let program = arguments
        .iter()
        .find(|word| !word.starts_with('-') && word.parse::<u32>().is_err());
    program.is_none_or(|program| READERS.contains(program))
}

//! Which programs only wait, print or handle files, so that a container in which nothing else is started serves nobody.
//!
//! Many of those that handle files start others where an option tells them so, or serve: they count with options that are known
//! to do neither.

use super::writes::READERS;
use crate::knowable::Knowable;

/// What starts nothing, whatever it is told; so do the programs that change no file.
const HARMLESS: [&str; 22] = [
    "base64", "cp", "curl", "dd", "envsubst", "gunzip", "gzip", "jq", "ln", "mktemp", "mv", "rm",
    "sleep", "tail", "tee", "tr", "truncate", "uniq", "unlink", "unzip", "zcat", ":",
];

/// What a program may be told.
struct Options {
    program: &'static str,
    /// Its first word has to be one of these, if there are any.
    commands: &'static [&'static str],
    /// Options of one letter, and what may follow them in the same word.
    letters: &'static str,
    words: &'static [&'static str],
}

const CAREFUL: [Options; 11] = [
    Options {
        program: "cpio",
        commands: &[],
        letters: "0aBcdHiLmoptuv",
        words: &[],
    },
    Options {
        program: "find",
        commands: &[],
        letters: "HL",
        words: &[
            "-a",
            "-amin",
            "-and",
            "-atime",
            "-cmin",
            "-ctime",
            "-daystart",
            "-delete",
            "-depth",
            "-empty",
            "-group",
            "-iname",
            "-ipath",
            "-links",
            "-maxdepth",
            "-mindepth",
            "-mmin",
            "-mount",
            "-mtime",
            "-name",
            "-newer",
            "-newermt",
            "-not",
            "-o",
            "-or",
            "-path",
            "-perm",
            "-print",
            "-print0",
            "-prune",
            "-regex",
            "-size",
            "-type",
            "-user",
            "-xdev",
        ],
    },
    Options {
        program: "git",
        commands: &[
            "checkout",
            "clone",
            "fetch",
            "log",
            "ls-remote",
            "pull",
            "reset",
            "show",
            "status",
        ],
        letters: "bfqv",
        words: &[
            "--branch",
            "--depth",
            "--ff-only",
            "--force",
            "--hard",
            "--quiet",
            "--single-branch",
        ],
    },
    Options {
        program: "install",
        commands: &[],
        letters: "CdDgmopTv0123456789",
        words: &["--directory", "--group", "--mode", "--owner"],
    },
    Options {
        program: "openssl",
        commands: &["dgst", "dhparam", "genrsa", "passwd", "rand", "version"],
        letters: "0123456789",
        words: &["-base64", "-hex", "-out", "-sha256"],
    },
    Options {
        program: "patch",
        commands: &[],
        letters: "bdEfiNpRst0123456789",
        words: &[],
    },
    Options {
        program: "rsync",
        commands: &[],
        letters: "aAcDEgHhIklLmnoOpPqrRStuvWxXzi",
        words: &[
            "--archive",
            "--bwlimit",
            "--checksum",
            "--chmod",
            "--chown",
            "--compress",
            "--delete",
            "--delete-after",
            "--dry-run",
            "--exclude",
            "--exclude-from",
            "--ignore-existing",
            "--include",
            "--inplace",
            "--link-dest",
            "--numeric-ids",
            "--partial",
            "--password-file",
            "--progress",
            "--quiet",
            "--recursive",
            "--stats",
            "--update",
            "--verbose",
        ],
    },
    Options {
        program: "sort",
        commands: &[],
        letters: "bcdfghikmnorstuVz,.0123456789",
        words: &[],
    },
    Options {
        program: "split",
        commands: &[],
        letters: "abCdlnx0123456789kmGKM",
        words: &[],
    },
    Options {
        program: "tar",
        commands: &[],
        letters: "acCfhjJkmOpPrStuvXxz",
        words: &[
            "--create",
            "--directory",
            "--exclude",
            "--exclude-from",
            "--extract",
            "--file",
            "--gzip",
            "--list",
            "--no-same-owner",
            "--one-file-system",
            "--strip-components",
            "--verbose",
            "--xz",
            "--zstd",
        ],
    },
    Options {
        program: "wget",
        commands: &[],
        letters: "cnNOPqrStTv-0123456789",
        words: &[
            "--continue",
            "--directory-prefix",
            "--no-check-certificate",
            "--no-verbose",
            "--output-document",
            "--quiet",
            "--spider",
            "--timeout",
            "--tries",
        ],
    },
];

/// Whether what is started waits, prints or handles files, and starts nothing else.
pub(in crate::command) fn is_idle(words: &[Knowable<String>]) -> bool {
    let known = |word: &Knowable<String>| word.known().cloned();
    let Some((program, arguments)) = words.split_first() else {
        return false;
    };
    let Some(program) = known(program) else {
        return false;
    };
    // One of somebody's own has the same name now and then.
    let name = match program.rsplit_once('/') {
        Some(("/bin" | "/sbin" | "/usr/bin" | "/usr/local/bin" | "/usr/sbin", name)) => name,
        Some(_) => return false,
        None => &program,
    };
    if HARMLESS.contains(&name) || READERS.contains(&name) {
        return true;
    }
    let options = CAREFUL.iter().find(|options| options.program == name);
    let arguments: Option<Vec<String>> = arguments.iter().map(known).collect();
    options
        .zip(arguments)
        .is_some_and(|(options, arguments)| options.have(&arguments.join(" ")))
}

impl Options {
    /// Whether these are the only ones, however the text is taken apart.
    fn have(&self, arguments: &str) -> bool {
        let first = arguments.split_whitespace().next().unwrap_or_default();
        if !self.commands.is_empty() && !self.commands.contains(&first) {
            return false;
        }
        let are_letters = |word: &str| word.chars().all(|one| self.letters.contains(one));
        // `tar xf FILE`
        let is_bare = self.program == "tar" && !first.starts_with('-');
        let mut words = arguments.split_whitespace();
        let are_known = words.all(|word| {
            let name = word.split('=').next().unwrap_or(word);
            match word.strip_prefix('-') {
                Some(_) if self.words.contains(&name) => true,
                Some(letters) => !letters.starts_with('-') && are_letters(letters),
                None => true,
            }
        });
        are_known && (!is_bare || are_letters(first))
    }
}

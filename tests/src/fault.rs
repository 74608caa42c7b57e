//! A run in which the system fails at one call, or is gone: strace's fault injection.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::oracle;
use crate::program::{HEEDING_SIGNALS, Run, other, program};

/// Calls that change what is on the disk, or that a change depends on. Not every machine has each of them.
const CALLS: [&str; 25] = [
    "chmod",
    "copy_file_range",
    "fchmod",
    "fchmodat",
    "fchown",
    "fdatasync",
    "fgetxattr",
    "flistxattr",
    "flock",
    "fremovexattr",
    "fsetxattr",
    "fsync",
    "ftruncate",
    "link",
    "linkat",
    "open",
    "openat",
    "read",
    "rename",
    "renameat",
    "renameat2",
    "sendfile",
    "unlink",
    "unlinkat",
    "write",
];

/// One call that a program made.
#[derive(Debug)]
pub struct Call {
    /// `fsync`.
    pub name: String,
    /// The how many-th of its name, from 1.
    pub number: usize,
    /// As strace shows it, without the texts that were written.
    pub shown: String,
}

/// What happens at a call.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// It fails with this error.
    Error(&'static str),
    /// It fails, and so do all later ones of its name.
    ErrorFromThenOn(&'static str),
    /// The process gets this signal before it. After `KILL` there is no call.
    Signal(&'static str),
}

/// strace, if it is there and may trace.
pub struct Strace(PathBuf);

impl Strace {
    /// None is said where a person looks.
    pub fn find() -> Option<Self> {
        let Some(path) = oracle::strace() else {
            oracle::skip("faults at every system call: strace not found");
            return None;
        };
        if other(&path).arg("true").done().status != Some(0) {
            oracle::skip("faults at every system call: strace may not trace here");
            return None;
        }
        Some(Self(path))
    }

    /// The calls of a run from the first on that prepares a change. Standard output and error are no part of that.
    pub fn calls(&self, name: &str, arguments: &[&str], folder: &Path) -> Vec<Call> {
        let trace = tempfile::NamedTempFile::new().unwrap();
        let calls: Vec<String> = CALLS.iter().map(|name| format!("?{name}")).collect();
        self.run(name, arguments, folder, |strace| {
            strace
                .args(["-y", "-s", "0", "-e"])
                .arg(format!("trace=prctl,{}", calls.join(",")))
                // Names of files are not told of a process that may not be looked into, but to root.
                .args(["-e", "inject=prctl:retval=0"])
                .arg("-o")
                .arg(trace.path())
        })
        .done()
        .exit(0);
        let mut counts = BTreeMap::new();
        let mut found = Vec::new();
        for line in fs::read_to_string(trace.path()).unwrap().lines() {
            // `4711 fsync(4</folder/file>) = 0`; what is no call has no bracket right after a name.
            let shown = line.split_once(' ').unwrap().1.trim_start();
            let Some((name, rest)) = shown.split_once('(') else {
                continue;
            };
            if !CALLS.contains(&name) {
                continue;
            }
            let number = counts.entry(name.to_owned()).or_insert(0);
            *number += 1;
            let is_start = name == "flock" || rest.contains("O_CREAT") || rest.contains("O_TRUNC");
            let is_talk = name == "write" && (rest.starts_with("1<") || rest.starts_with("2<"));
            if (is_start || !found.is_empty()) && !is_talk {
                found.push(Call {
                    name: name.to_owned(),
                    number: *number,
                    shown: shown.to_owned(),
                });
            }
        }
        found
    }

    /// A run that meets a fault at one of these calls.
    pub fn inject(
        &self,
        name: &str,
        arguments: &[&str],
        folder: &Path,
        call: &Call,
        fault: Fault,
    ) -> Run {
        let (what, and_later) = match fault {
            Fault::Signal(signal) => (format!("signal={signal}"), ""),
            Fault::Error(error) => (format!("error={error}"), ""),
            Fault::ErrorFromThenOn(error) => (format!("error={error}"), "+"),
        };
        let Call {
            name: at, number, ..
        } = call;
        self.run(name, arguments, folder, |strace| {
            strace
                .args(["-o", "/dev/null", "-e"])
                .arg(format!("trace={at}"))
                .arg("-e")
                .arg(format!("inject={at}:{what}:when={number}{and_later}"))
        })
    }

    fn run(
        &self,
        name: &str,
        arguments: &[&str],
        folder: &Path,
        options: impl FnOnce(Run) -> Run,
    ) -> Run {
        let [env, heeding] = HEEDING_SIGNALS;
        let strace = other(Path::new(env)).arg(heeding).arg(self.0.as_os_str());
        options(strace.arg("-f"))
            .arg(program(name).as_os_str())
            .args(arguments.iter().copied())
            .within(folder)
    }
}

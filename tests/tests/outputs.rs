//! `-o` where the system fails or a signal ends the program: the file is its old self or the new one, whole, and no other file
//! with keys is left.
//!
//! Faults come from strace, at each call by itself, as in in_place.rs.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use e2e::fault::{Call, Fault, Strace};
use e2e::files::{State, state, stock};
use e2e::program::{Done, HEEDING_SIGNALS, program};
use tempfile::TempDir;

/// A command line that writes files.
struct Scenario {
    program: &'static str,
    arguments: &'static [&'static str],
    /// What it writes, and how a whole one ends. What a program draws is another text each time.
    writes: &'static [(&'static str, &'static str)],
}

/// What is in a file that is replaced.
const OLD: &str = "old\n";

const SCENARIOS: [Scenario; 4] = [
    Scenario {
        program: "keygen",
        arguments: &["-f", "json", "-o", "new.json"],
        writes: &[("new.json", "}\n")],
    },
    Scenario {
        program: "keygen",
        arguments: &["-f", "json", "--force", "-o", "old.txt"],
        writes: &[("old.txt", "}\n")],
    },
    Scenario {
        program: "keygen",
        arguments: &[
            "-f",
            "json",
            "--user",
            "jane",
            "--passwords",
            "logins.txt",
            "-o",
            "new.json",
        ],
        writes: &[("logins.txt", "\n"), ("new.json", "}\n")],
    },
    Scenario {
        program: "verify",
        arguments: &[
            "--fail-on",
            "never",
            "--config-dir",
            "none",
            "-o",
            "json:new.json",
            "-o",
            "html:old.txt",
            "docker-compose.yml",
        ],
        writes: &[("new.json", "}\n"), ("old.txt", "</html>")],
    },
];

impl Scenario {
    fn folder(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("none")).unwrap();
        fs::write(folder.path().join("docker-compose.yml"), stock()).unwrap();
        fs::write(folder.path().join("old.txt"), OLD).unwrap();
        folder
    }

    /// How many of the files are new; fails if one is torn, or if there is any other.
    fn count_new(&self, before: &State, seen: &State, shown: &str) -> usize {
        let mut new = 0;
        for (name, (text, mode)) in seen {
            let written = self.writes.iter().find(|(written, _)| written == name);
            if before.get(name) == Some(&(text.clone(), *mode)) {
                continue;
            }
            let Some((_, end)) = written else {
                // One that could not be removed is left to the next run.
                assert!(
                    shown.contains(" at unlink") && name.contains(".clearml-"),
                    "{name} is left: {shown}"
                );
                continue;
            };
            assert!(
                text.len() > 20 && text.ends_with(end),
                "{name} is torn: {shown}"
            );
            assert_eq!(mode & 0o077, 0, "{name} is open to others: {shown}");
            new += 1;
        }
        assert!(
            before.keys().all(|name| seen.contains_key(name)),
            "one is gone: {shown}"
        );
        new
    }

    fn run_with(&self, strace: &Strace, call: &Call, fault: Fault) -> Left {
        let folder = self.folder();
        let before = state(folder.path());
        let run = strace.inject(self.program, self.arguments, folder.path(), call, fault);
        let done = run.done();
        let shown = format!(
            "{fault:?} at {} no. {}: {}\n{}",
            call.name,
            call.number,
            call.shown,
            done.report()
        );
        let new = self.count_new(&before, &state(folder.path()), &shown);
        Left { done, new, shown }
    }

    /// The calls that write, of a run without a fault.
    fn calls(&self, strace: &Strace) -> Vec<Call> {
        let folder = self.folder();
        let before = state(folder.path());
        let calls = strace.calls(self.program, self.arguments, folder.path());
        let new = self.count_new(&before, &state(folder.path()), "without a fault");
        assert_eq!(new, self.writes.len());
        for kind in ["write", "fsync"] {
            assert!(
                calls.iter().any(|call| call.name == kind),
                "no {kind}: {calls:#?}"
            );
        }
        calls
    }
}

/// What a run with a fault left.
struct Left {
    done: Done,
    /// So many files.
    new: usize,
    shown: String,
}

/// Does this for each call of each scenario and each of these words, the scenarios at the same time. Where a password is
/// hashed, which takes longer than all else together, each call gets one of the words, and the next call the next one.
fn at_each_call<'w>(words: &[&'w str], check: impl Fn(&Strace, &Scenario, &Call, &'w str) + Sync) {
    let Some(strace) = Strace::find() else {
        return;
    };
    thread::scope(|scope| {
        for scenario in &SCENARIOS {
            let (strace, check) = (&strace, &check);
            scope.spawn(move || {
                let calls = scenario.calls(strace);
                for (at, call) in calls.iter().enumerate() {
                    let words = match scenario.arguments.contains(&"--user") {
                        true => &words[at % words.len()..][..1],
                        false => words,
                    };
                    for word in words {
                        check(strace, scenario, call, word);
                    }
                }
            });
        }
    });
}

/// Errors of a disk, and of a network file system: its server is gone, has forgotten a file, or grants no lock.
const ERRORS: [&str; 5] = ["EIO", "ESTALE", "ENOLCK", "EROFS", "ENOSPC"];

#[test]
fn where_a_call_fails_a_file_is_old_or_new_and_the_error_names_it() {
    at_each_call(&ERRORS, |strace, scenario, call, error| {
        let left = scenario.run_with(strace, call, Fault::Error(error));
        match left.done.status {
            // There is another way, or it was for good measure.
            Some(0) => assert_eq!(left.new, scenario.writes.len(), "{}", left.shown),
            Some(2) => {
                let is_named = scenario
                    .writes
                    .iter()
                    .any(|(name, _)| left.done.stderr.contains(name));
                assert!(is_named, "no file named: {}", left.shown);
                assert!(left.new < scenario.writes.len(), "{}", left.shown);
            }
            _ => panic!("neither done nor refused: {}", left.shown),
        }
    });
}

#[test]
fn ended_by_a_signal_at_any_call_nothing_temporary_is_left() {
    at_each_call(&["INT", "TERM", "HUP"], |strace, scenario, call, signal| {
        let left = scenario.run_with(strace, call, Fault::Signal(signal));
        let is_done = left.done.status == Some(0) && left.new == scenario.writes.len();
        assert!(
            is_done || left.done.status.is_none(),
            "not ended: {}",
            left.shown
        );
    });
}

/// A program that is started with `nohup` goes on when its terminal goes.
#[test]
fn a_signal_that_was_ignored_stays_so() {
    let end = |prepare: &str| {
        let [env, heeding] = HEEDING_SIGNALS;
        let mut child = Command::new(env)
            .args([heeding, "sh"])
            .args(["-c", &format!("{prepare} exec \"$0\" -")])
            .arg(program("verify"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let waits = format!("/proc/{}/wchan", child.id());
        let until = Instant::now() + Duration::from_secs(60);
        while !fs::read_to_string(&waits).unwrap().contains("pipe_read") {
            assert!(Instant::now() < until, "it reads no input");
            thread::sleep(Duration::from_millis(10));
        }
        let mut kill = Command::new("kill");
        assert!(
            kill.args(["-HUP", &child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
        thread::sleep(Duration::from_millis(500));
        drop(child.stdin.take());
        child.wait().unwrap()
    };
    assert_eq!(end("").signal(), Some(1), "it is ended as any program is");
    assert_eq!(end("trap '' HUP;").code(), Some(2), "an empty input");
}

//! `clearml-inject -i` where the system fails or kills it: each file is its old self or its new one, never anything
//! else, and no secret is left in a file that nobody knows of.
//!
//! Faults come from strace, at each call by itself. Another command line is another row of [`SCENARIOS`].
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::thread;

use e2e::fault::{Call, Fault, Strace};
use e2e::files::{State, state, stock};
use e2e::keyset::Keyset;
use e2e::program::{Done, clearml};
use tempfile::TempDir;

/// A command line, and the files that it changes.
struct Scenario {
    name: &'static str,
    arguments: &'static [&'static str],
    /// In the order in which they change: a run that was killed may have changed the first ones only.
    changes: &'static [&'static str],
}

const SCENARIOS: [Scenario; 5] = [
    Scenario {
        name: "in place",
        arguments: &["-k", "keys.json", "-i", "docker-compose.yml"],
        changes: &["docker-compose.yml"],
    },
    Scenario {
        name: "with a backup",
        arguments: &[
            "-k",
            "keys.json",
            "-i",
            "--backup",
            ".orig",
            "docker-compose.yml",
        ],
        changes: &["docker-compose.yml.orig", "docker-compose.yml"],
    },
    Scenario {
        name: "through a link to another folder, with a backup",
        arguments: &["-k", "keys.json", "-i", "--backup=.orig", "link.yml"],
        changes: &["link.yml.orig", "elsewhere/compose.yml"],
    },
    Scenario {
        name: "with a new env file",
        arguments: &[
            "-k",
            "keys.json",
            "-i",
            "--env-file=new.env",
            "docker-compose.yml",
        ],
        changes: &["new.env", "docker-compose.yml"],
    },
    Scenario {
        name: "with a backup and an env file that has other lines",
        arguments: &[
            "-k",
            "keys.json",
            "-i",
            "--backup=.orig",
            "--env-file=.env",
            "docker-compose.yml",
        ],
        changes: &["docker-compose.yml.orig", ".env", "docker-compose.yml"],
    },
];

impl Scenario {
    /// A folder in which it can be run.
    fn folder(&self, keyset: &Keyset) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("elsewhere")).unwrap();
        fs::write(path("keys.json"), &keyset.text).unwrap();
        for name in ["docker-compose.yml", "elsewhere/compose.yml"] {
            fs::write(path(name), stock()).unwrap();
            // No usual mode, so that one that is kept is told from one by chance.
            fs::set_permissions(path(name), Permissions::from_mode(0o646)).unwrap();
        }
        fs::write(path(".env"), "MINE=1\n").unwrap();
        fs::set_permissions(path(".env"), Permissions::from_mode(0o600)).unwrap();
        symlink("elsewhere/compose.yml", path("link.yml")).unwrap();
        folder
    }

    /// What is there before, then with one more file changed, and so on: all that may ever be seen.
    fn states(&self, keyset: &Keyset) -> Vec<State> {
        let folder = self.folder(keyset);
        let before = state(folder.path());
        clearml("inject")
            .args(self.arguments.iter().copied())
            .within(folder.path())
            .done()
            .exit(0);
        let after = state(folder.path());
        for name in self.changes {
            // A backup is new, and has old secrets.
            let mode = before.get(*name).map_or(0o600, |(_, mode)| *mode);
            assert_eq!(after[*name].1, mode, "{}: the mode of {name}", self.name);
        }
        let mut states = vec![before];
        for name in self.changes {
            let mut next = states.last().unwrap().clone();
            next.insert((*name).to_owned(), after[*name].clone());
            assert_ne!(
                Some(&next),
                states.last(),
                "{}: {name} does not change",
                self.name
            );
            states.push(next);
        }
        assert_eq!(states.last(), Some(&after), "{}: the rest stays", self.name);
        states
    }
}

/// The same without temporary files, which must be recognised by their name.
fn without_temporary(mut state: State) -> State {
    state.retain(|name, _| !name.contains(".clearml-"));
    state
}

/// What was seen, without a secret: the files that are neither old nor new.
fn unexpected(seen: &State, states: &[State]) -> String {
    let names: Vec<&str> = seen
        .iter()
        .filter(|(name, file)| !states.iter().any(|state| state.get(*name) == Some(file)))
        .map(|(name, _)| name.as_str())
        .collect();
    let gone = states[0].keys().filter(|name| !seen.contains_key(*name));
    format!(
        "neither old nor new: {names:?}; gone: {:?}",
        gone.collect::<Vec<_>>()
    )
}

/// Does this for each call of each scenario, the scenarios at the same time.
fn at_each_call(check: impl Fn(&Case<'_>, &Call) + Sync) {
    let Some(strace) = Strace::find() else {
        return;
    };
    let keyset = Keyset::generate();
    thread::scope(|scope| {
        for scenario in &SCENARIOS {
            let (strace, keyset, check) = (&strace, &keyset, &check);
            scope.spawn(move || {
                let case = Case {
                    scenario,
                    states: scenario.states(keyset),
                    keyset,
                    strace,
                };
                let folder = scenario.folder(keyset);
                let calls = strace.calls("inject", scenario.arguments, folder.path());
                for kind in ["write", "fsync", "rename"] {
                    let count = calls.iter().filter(|call| call.name.starts_with(kind));
                    assert!(
                        count.count() > 0,
                        "{}: no {kind}: {calls:#?}",
                        scenario.name
                    );
                }
                calls.iter().for_each(|call| check(&case, call));
            });
        }
    });
}

struct Case<'a> {
    scenario: &'a Scenario,
    states: Vec<State>,
    keyset: &'a Keyset,
    strace: &'a Strace,
}

/// What a run with a fault left.
struct Left {
    folder: TempDir,
    done: Done,
    seen: State,
    /// For messages.
    shown: String,
}

impl Case<'_> {
    fn run_with(&self, call: &Call, fault: Fault) -> Left {
        let folder = self.scenario.folder(self.keyset);
        let arguments = self.scenario.arguments;
        let run = self
            .strace
            .inject("inject", arguments, folder.path(), call, fault);
        let done = run.done();
        let seen = state(folder.path());
        let shown = format!(
            "{}: {fault:?} at {} no. {}: {}\n{}",
            self.scenario.name,
            call.name,
            call.number,
            call.shown,
            done.report()
        );
        for secret in self.keyset.values.values() {
            assert!(!done.stderr.contains(secret), "a secret in an error");
        }
        Left {
            folder,
            done,
            seen,
            shown,
        }
    }

    /// The next run, without a fault, ends all well.
    fn check_next(&self, left: &Left) {
        let done = clearml("inject")
            .args(self.scenario.arguments.iter().copied())
            .within(left.folder.path())
            .done();
        assert_eq!(
            done.status,
            Some(0),
            "then, {}\n{}",
            left.shown,
            done.report()
        );
        let seen = state(left.folder.path());
        assert!(
            Some(&seen) == self.states.last(),
            "after the next run, {}; {}",
            unexpected(&seen, &self.states),
            left.shown
        );
    }
}

#[test]
fn killed_at_any_call_each_file_is_whole_and_the_next_run_is_well() {
    at_each_call(|case, call| {
        let left = case.run_with(call, Fault::Signal("KILL"));
        assert_eq!(left.done.status, None, "not killed: {}", left.shown);
        let seen = without_temporary(left.seen.clone());
        assert!(
            case.states.contains(&seen),
            "{}; {}",
            unexpected(&seen, &case.states),
            left.shown
        );
        case.check_next(&left);
    });
}

/// Ctrl-C, a system that shuts down, a terminal that goes: nothing with keys is left then, not even for the next run.
#[test]
fn ended_by_a_signal_at_any_call_nothing_temporary_is_left() {
    at_each_call(|case, call| {
        for signal in ["INT", "TERM", "HUP"] {
            let left = case.run_with(call, Fault::Signal(signal));
            // A run that was done before the signal was.
            let is_done = left.done.status == Some(0) && Some(&left.seen) == case.states.last();
            assert!(
                is_done || left.done.status.is_none(),
                "not ended: {}",
                left.shown
            );
            assert!(
                case.states.contains(&left.seen),
                "{}; files: {:?}; {}",
                unexpected(&left.seen, &case.states),
                left.seen.keys(),
                left.shown
            );
        }
    });
}

/// What a power failure leaves cannot be seen here; that each step is on the disk before the next one is asked for can.
#[test]
fn texts_are_on_the_disk_before_names_change_and_each_name_before_the_next() {
    let Some(strace) = Strace::find() else {
        return;
    };
    let keyset = Keyset::generate();
    for scenario in &SCENARIOS {
        let folder = scenario.folder(&keyset);
        let calls = strace.calls("inject", scenario.arguments, folder.path());
        let mut unflushed = BTreeSet::new();
        let mut names = 0;
        for call in &calls {
            // `fsync(4</folder/file>) = 0`, `rename("old", "new") = 0`
            let file = call.shown.split(['<', '>']).nth(1).unwrap_or_default();
            let name = call.shown.rsplit('"').nth(1).unwrap_or_default();
            let gives_name = call.name.starts_with("rename") || call.name.starts_with("link");
            match call.name.as_str() {
                "write" => drop(unflushed.insert(PathBuf::from(file))),
                "fsync" => drop(unflushed.remove(Path::new(file))),
                _ if gives_name && !name.contains(".clearml-") => {
                    assert!(unflushed.is_empty(), "{unflushed:?} before {}", call.shown);
                    let path = folder.path().canonicalize().unwrap().join(name);
                    unflushed.insert(path.parent().unwrap().to_owned());
                    names += 1;
                }
                _ => {}
            }
        }
        assert!(unflushed.is_empty(), "{unflushed:?} at the end");
        assert_eq!(names, scenario.changes.len(), "{calls:#?}");
    }
}

/// Errors that a call may give.
fn errors(call: &Call) -> &'static [&'static str] {
    match call.name.as_str() {
        // ESTALE: a network file system whose server has forgotten the file.
        "flock" => &["ENOLCK", "EBADF", "ESTALE"],
        "link" | "linkat" => &["EPERM", "EMLINK", "ENOSPC", "EROFS"],
        "open" | "openat" => &["EACCES", "EROFS", "ENOSPC", "EMFILE", "ESTALE"],
        "read" => &["EIO", "ESTALE"],
        "rename" | "renameat" | "renameat2" => {
            &["EACCES", "EBUSY", "EIO", "ENOSPC", "EROFS", "ESTALE"]
        }
        "fchmod" | "fchown" | "unlink" | "unlinkat" => &["EPERM", "EIO", "EROFS"],
        _ => &["EIO", "ENOSPC", "EDQUOT", "ESTALE"],
    }
}

/// Whether a run may end well although this call failed: there is another way, or it was for good measure.
fn is_dispensable(call: &Call) -> bool {
    match call.name.as_str() {
        "flock" | "link" | "linkat" | "unlink" | "unlinkat" => true,
        // Of a folder; a file is opened to be written.
        "open" | "openat" => !call.shown.contains("O_CREAT"),
        // Which signals were ignored at the start: taken for none where the system does not say.
        "read" => call.shown.contains("</proc/"),
        _ => false,
    }
}

#[test]
fn where_a_call_fails_all_is_as_it_was_and_an_error_says_why() {
    at_each_call(|case, call| {
        for error in errors(call) {
            let left = case.run_with(call, Fault::Error(error));
            let expected = match left.done.status {
                Some(0) if is_dispensable(call) => case.states.last(),
                Some(2) => case.states.first(),
                _ => panic!("neither done nor refused: {}", left.shown),
            };
            if left.done.status == Some(2) {
                let heard = &left.done.stderr;
                let is_named = [".yml", ".env"].iter().any(|end| heard.contains(end));
                assert!(
                    heard.starts_with("clearml-inject: ") && is_named,
                    "no file named: {}",
                    left.shown
                );
            }
            // A temporary file that could not be removed is left to the next run.
            let seen = if call.name.starts_with("unlink") {
                without_temporary(left.seen.clone())
            } else {
                left.seen.clone()
            };
            assert!(
                Some(&seen) == expected,
                "{}; files: {:?}; {}",
                unexpected(&seen, &case.states),
                seen.keys(),
                left.shown
            );
            case.check_next(&left);
        }
    });
}

/// Not even putting things back works then: what there is must be said, and be one of the states of a killed run.
#[test]
fn where_calls_go_on_failing_nothing_is_torn() {
    at_each_call(|case, call| {
        let left = case.run_with(call, Fault::ErrorFromThenOn("EIO"));
        let seen = without_temporary(left.seen.clone());
        let at = case.states.iter().position(|state| *state == seen);
        let Some(at) = at else {
            panic!("{}; {}", unexpected(&seen, &case.states), left.shown);
        };
        let is_said = match left.done.status {
            Some(0) => is_dispensable(call) && at + 1 == case.states.len(),
            Some(2) => at == 0 || left.done.stderr.contains("could not be restored"),
            _ => false,
        };
        assert!(is_said, "not said: {}", left.shown);
        case.check_next(&left);
    });
}

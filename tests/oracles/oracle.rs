//! Finds the oracles: the programs that the tests hold this code against.
//!
//! `cargo xtask test` sets them up and tells the tests where they are:
//!
//! | variable | meaning |
//! |---|---|
//! | `CLEARML_SECURE_ORACLES` | the folder with `venv/`, a Python with pyhocon, compose-lint, gunicorn and PyYAML, `docker-compose`, `helm` and `kubectl` |
//! | `CLEARML_SECURE_REQUIRE_ORACLES` | `1`: a missing oracle fails the test (CI) |
//! | `CLEARML_SECURE_FUZZ`, `CLEARML_SECURE_SEED` | so many times more questions, and other ones ([`number`]) |
//! | `CLEARML_SECURE_SKIPS` | a file; each part that was skipped adds its line, and xtask prints it at the end |
//!
//! The file belongs to no package: tests include it with `#[path]`, so it uses nothing but std.
#![allow(dead_code, reason = "no test includes it for all of its functions")]
#![allow(
    clippy::print_stderr,
    reason = "a skipped part is said where a person looks"
)]

use std::env;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// A number of the environment, for more cases or other ones.
pub fn number(name: &str, default: u64) -> u64 {
    let value = env::var(name).ok();
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

/// How long an oracle may think about one question. It is longer than the limit that an oracle sets itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that answers each line with one line, or is ended.
pub struct Conversation {
    child: Child,
    questions: Option<ChildStdin>,
    answers: Receiver<String>,
    asked: usize,
    patience: Duration,
}

impl Conversation {
    /// Starts the process.
    pub fn start(command: &mut Command) -> std::io::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let questions = child.stdin.take();
        let (sender, answers) = mpsc::channel();
        // A thread of its own reads, because a read of a pipe has no limit. It ends when the process does.
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Self {
            child,
            questions,
            answers,
            asked: 0,
            patience: PATIENCE,
        })
    }

    /// Waits this long for each answer.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The line that answers this one. The test fails with the number of the question, counted from 1, where there is
    /// none in time.
    pub fn ask(&mut self, question: &str) -> String {
        self.asked += 1;
        // Where the process is gone there is no answer, and that is said below.
        if let Some(questions) = &mut self.questions {
            drop(writeln!(questions, "{question}").and_then(|()| questions.flush()));
        }
        let why = match self.answers.recv_timeout(self.patience) {
            Ok(answer) => return answer,
            Err(RecvTimeoutError::Timeout) => format!("none within {:?}", self.patience),
            Err(RecvTimeoutError::Disconnected) => "the oracle ended".to_owned(),
        };
        drop(self.child.kill());
        panic!("no answer to question {}, {why}: {question}", self.asked);
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        // Its input ends, and so does it; what still thinks is ended.
        drop(self.questions.take());
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The Python that has pyhocon and PyYAML, in the versions of `tests/oracles/requirements.txt`.
pub fn python() -> Option<PathBuf> {
    let python = PathBuf::from(env::var_os("CLEARML_SECURE_ORACLES")?).join("venv/bin/python");
    python.exists().then_some(python)
}

/// Chromium, as Debian calls it.
pub fn chromium() -> Option<PathBuf> {
    on_path("chromium")
}

/// nginx, which may be where only root looks for programs.
pub fn nginx() -> Option<PathBuf> {
    on_path("nginx").or_else(|| Some(PathBuf::from("/usr/sbin/nginx")).filter(|path| path.exists()))
}

/// Redis' server, as Debian calls it.
pub fn redis() -> Option<PathBuf> {
    on_path("redis-server")
}

/// Redis' client, as Debian calls it.
pub fn redis_client() -> Option<PathBuf> {
    on_path("redis-cli")
}

/// Docker's client, wherever its engine is.
pub fn docker() -> Option<PathBuf> {
    on_path("docker")
}

/// The shells that scripts are written for, each with its first arguments.
pub fn shells() -> Vec<Vec<PathBuf>> {
    let dash = on_path("dash").map(|dash| vec![dash]);
    let busybox = on_path("busybox").map(|busybox| vec![busybox, "sh".into()]);
    dash.into_iter().chain(busybox).collect()
}

/// ShellCheck, in the version of `tests/oracles/requirements.txt`.
pub fn shellcheck() -> Option<PathBuf> {
    of_python("shellcheck")
}

/// A program that a package of `tests/oracles/requirements.txt` brings.
pub fn of_python(program: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env::var_os("CLEARML_SECURE_ORACLES")?);
    let program = folder.join("venv/bin").join(program);
    program.exists().then_some(program)
}

/// strace, which lets system calls fail.
pub fn strace() -> Option<PathBuf> {
    on_path("strace")
}

/// The official schema of SARIF 2.1.0.
pub fn sarif_schema() -> Option<PathBuf> {
    let schema = PathBuf::from(env::var_os("CLEARML_SECURE_ORACLES")?).join("sarif-2.1.0.json");
    schema.exists().then_some(schema)
}

/// Docker Compose, the program that `tests/oracles/compose.txt` names.
pub fn docker_compose() -> Option<PathBuf> {
    let program = PathBuf::from(env::var_os("CLEARML_SECURE_ORACLES")?).join("docker-compose");
    program.exists().then_some(program)
}

/// Helm, the program that `tests/oracles/kubernetes.txt` names.
pub fn helm() -> Option<PathBuf> {
    let program = PathBuf::from(env::var_os("CLEARML_SECURE_ORACLES")?).join("helm");
    program.exists().then_some(program)
}

/// kubectl, the program that `tests/oracles/kubernetes.txt` names.
pub fn kubectl() -> Option<PathBuf> {
    let program = PathBuf::from(env::var_os("CLEARML_SECURE_ORACLES")?).join("kubectl");
    program.exists().then_some(program)
}

/// Whether a Docker engine answers.
pub fn docker_engine() -> bool {
    on_path("docker").is_some_and(|docker| {
        Command::new(docker)
            .arg("info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}

/// Says that a part of a test was not run because an oracle is missing; where oracles are required, that
/// is a failure.
pub fn skip(what: &str) {
    assert!(
        env::var_os("CLEARML_SECURE_REQUIRE_ORACLES").is_none_or(|value| value != "1"),
        "skipped: {what}; CLEARML_SECURE_REQUIRE_ORACLES=1 forbids that"
    );
    note_skipped(what);
}

/// Says that a part was not run, for what nobody requires: optional input, a file system's limit.
pub fn note_skipped(what: &str) {
    eprintln!("skipped: {what}");
    let Some(list) = env::var_os("CLEARML_SECURE_SKIPS") else {
        return;
    };
    // The harness names the thread of each test after it.
    let test = thread::current();
    let line = format!("{}\t{what}\n", test.name().unwrap_or("a test"));
    // One write of one line: tests of several processes append to the same file.
    let written = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&list)
        .and_then(|mut file| file.write_all(line.as_bytes()));
    if let Err(error) = written {
        eprintln!("cannot add to {}: {error}", list.display());
    }
}

/// Where a program is, if it is on the path.
pub fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

//! One run of one of the programs, as a shell would do it.

use std::env;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// No run takes this long; one that hangs is killed, and its test fails.
const LONGEST: Duration = Duration::from_secs(300);

/// A run that is being put together.
pub struct Run {
    command: Command,
    stdin: Vec<u8>,
    shown: String,
}

/// What came of it.
pub struct Done {
    /// The exit status; none if a signal ended it.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    shown: String,
}

/// Starts to put a run together: `clearml("verify")` is `clearml-verify`.
pub fn clearml(name: &str) -> Run {
    other(&program(name))
}

/// Where one of the programs is.
pub fn program(name: &str) -> PathBuf {
    let path = folder().join(format!("clearml-{name}"));
    assert!(
        path.is_file(),
        "{} is not built; `cargo xtask test` builds it first",
        path.display()
    );
    path
}

/// Another program, such as an oracle.
pub fn other(path: &Path) -> Run {
    let mut command = Command::new(path);
    // The machine's own CLEARML_… variables, NO_COLOR and CI would change what the programs say.
    command.env_clear().env("PATH", path_variable());
    Run {
        command,
        stdin: Vec::new(),
        shown: path.display().to_string(),
    }
}

/// A shell in a folder, with the programs on its path.
pub fn shell_in(folder: &Path) -> Run {
    let programs = program("verify").parent().unwrap().to_owned();
    let system = env::var_os("PATH").unwrap_or_default();
    let path: Vec<PathBuf> = std::iter::once(programs)
        .chain(env::split_paths(&system))
        .collect();
    other(Path::new("/bin/sh"))
        .env("PATH", env::join_paths(path).unwrap())
        .within(folder)
}

/// What a program is started through so that signals end it: where the tests run in the background some are ignored, and a
/// program that is started so keeps to that.
pub const HEEDING_SIGNALS: [&str; 2] = ["env", "--default-signal=HUP,INT,TERM"];

/// Everything that comes out of a pipe, once it has ended.
fn read(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        drop(pipe.read_to_end(&mut bytes));
        drop(sender.send(bytes));
    });
    receiver
}

/// The folder with the three programs.
fn folder() -> PathBuf {
    if let Some(folder) = env::var_os("CLEARML_SECURE_BIN") {
        return folder.into();
    }
    // Without xtask: beside the folder `deps` that this test itself is in.
    let test = env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().to_owned()
}

fn path_variable() -> OsString {
    env::var_os("PATH").unwrap_or_default()
}

impl Run {
    /// Sets a variable of the environment, which is empty otherwise.
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        let arg = arg.into();
        self.shown.push(' ');
        self.shown.push_str(&arg.to_string_lossy());
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args<A: Into<OsString>>(self, args: impl IntoIterator<Item = A>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// Runs in this folder.
    pub fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// What it reads from standard input; nothing otherwise.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs it to its end.
    pub fn done(self) -> Done {
        self.done_into(Stdio::piped())
    }

    /// Runs it with standard output going elsewhere, e.g. to `/dev/full`.
    pub fn done_into(mut self, stdout: Stdio) -> Done {
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let input = self.stdin;
        // In a thread of its own, because a program may write before it has read everything. A program that
        // stops before it has read everything is right to, so a closed pipe here is no failure.
        let writer = thread::spawn(move || drop(pipe.write_all(&input)));
        let stdout = child.stdout.take().map(read);
        let stderr = child.stderr.take().map(read);
        let [stdout, stderr] = [stdout, stderr].map(|pipe| {
            pipe.map_or_else(
                || Ok(Vec::new()),
                |pipe| pipe.recv_timeout(LONGEST).map_err(|_| child.kill()),
            )
        });
        let (Ok(stdout), Ok(stderr)) = (stdout, stderr) else {
            drop(child.wait());
            panic!("no end within {LONGEST:?}: $ {}", self.shown);
        };
        let status = child.wait().unwrap();
        writer.join().unwrap();
        let done = Done {
            status: status.code(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
            shown: self.shown,
        };
        let heard = done.stderr.to_lowercase();
        assert!(
            !heard.contains("internal error at ") && !heard.contains("panicked"),
            "a panic\n{}",
            done.report()
        );
        done
    }
}

impl Done {
    /// Fails unless it ended with this status.
    #[track_caller]
    pub fn exit(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{}", self.report());
        self
    }

    /// Fails unless it refused as it should: status 2, a message, and nothing on standard output.
    #[track_caller]
    pub fn refused(self) -> Self {
        let done = self.exit(2);
        assert!(
            done.stdout.is_empty(),
            "output all the same\n{}",
            done.report()
        );
        assert!(
            !done.stderr.trim().is_empty(),
            "no reason given\n{}",
            done.report()
        );
        done
    }

    /// Standard output without its line breaks, which depend on how long names are.
    pub fn prose(&self) -> String {
        let words: Vec<&str> = self.stdout.split_whitespace().collect();
        words.join(" ")
    }

    /// Fails unless standard error says this.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text),
            "does not say {text:?}\n{}",
            self.report()
        );
        self
    }

    /// Fails unless standard error names `file:LINE:COLUMN`.
    #[track_caller]
    pub fn points_into(self, file: &str) -> Self {
        let points = self.stderr.match_indices(file).any(|(at, _)| {
            let mut rest = self.stderr[at + file.len()..].split(':').skip(1);
            let mut number = || {
                rest.next()
                    .is_some_and(|part| part.starts_with(|first: char| first.is_ascii_digit()))
            };
            number() && number()
        });
        assert!(points, "does not point into {file}\n{}", self.report());
        self
    }

    /// Fails if any output has this text.
    #[track_caller]
    pub fn never_says(self, secret: &str) -> Self {
        let heard = format!("{}{}", self.stdout, self.stderr);
        assert!(
            !heard.contains(secret),
            "a secret was printed by: {}",
            self.shown
        );
        self
    }

    /// For a failure's message.
    pub fn report(&self) -> String {
        format!(
            "$ {}\nstatus: {:?}\nstderr:\n{}\nstdout: {} bytes\n",
            self.shown,
            self.status,
            self.stderr,
            self.stdout.len()
        )
    }
}

//! Other ways to run clearml-rotate than a program among programs: pasted line by line, at a terminal, and looked at by strace.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Bed, Ended, PATIENCE};
use crate::files::root;
use crate::oracle;

impl Bed {
    /// Runs a text in this bed's shell, line by line, and ends with the first that fails.
    pub fn paste(&self, text: &str) -> Ended {
        self.set("pasted", text);
        let mut command = Command::new(&self.shell[0]);
        self.surround(&mut command);
        command.args(&self.shell[1..]).arg("-e");
        command.arg(self.folder.path().join("pasted"));
        ended(command.current_dir(&self.here))
    }

    /// Runs the script at a terminal, waits for its question, and types an answer.
    pub fn answer(&self, typed: &str) -> Ended {
        let mut command = Command::new(oracle::python().unwrap());
        self.surround(&mut command);
        command.arg(root().join("tests/standin/terminal.py"));
        command.arg("[y/N] ").arg(typed).args(&self.shell);
        command.arg(root().join("scripts/clearml-rotate"));
        command.args(self.arguments());
        ended(command.current_dir(&self.here))
    }

    /// What a rotation says on standard error, and every program that it starts, with its arguments, as the system sees
    /// them.
    pub fn traced(&self, strace: &Path) -> (String, String) {
        let log = self.folder.path().join("executed");
        let mut command = Command::new(strace);
        self.surround(&mut command);
        command
            .args(["-f", "-qq", "-s", "4096", "-e", "trace=execve", "-o"])
            .arg(&log)
            .args(&self.shell)
            .arg(root().join("scripts/clearml-rotate"))
            .args(self.arguments())
            .arg("--yes")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(self.folder.path().join("err")).unwrap());
        let mut child = command.current_dir(&self.here).spawn().unwrap();
        let since = Instant::now();
        // Strace does not end before the servers that were started do.
        while child.try_wait().unwrap().is_none() && since.elapsed() < PATIENCE {
            if self.said("err").contains("clearml-rotate: done") {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        drop(child.kill());
        drop(child.wait());
        (self.said("err"), fs::read_to_string(log).unwrap())
    }
}

fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended {
        code: output.status.code(),
        out: text(&output.stdout),
        err: text(&output.stderr),
    }
}

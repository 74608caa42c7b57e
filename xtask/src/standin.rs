//! A program that stands in for a running server.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::oracles;
use crate::shell::{self, Result};

/// `tests/standin/standin.py` as a process; it ends when this is dropped.
pub(crate) struct Standin {
    child: Child,
    /// Of the web server, below which the others are.
    pub(crate) address: String,
}

/// What a stand-in plays.
pub(crate) struct Played<'a> {
    pub(crate) compose: &'a Path,
    /// The variables for interpolation; a file that is not there has none.
    pub(crate) env_file: Option<&'a Path>,
    pub(crate) version: &'a str,
    /// Where it listens.
    pub(crate) address: &'a str,
    /// Seconds that each answer takes more.
    pub(crate) delay: f64,
    /// A file to which every request is added, one a line.
    pub(crate) record: Option<&'a Path>,
}

impl Played<'_> {
    fn json(&self) -> String {
        let quoted = |path: &Path| {
            let path = path.to_string_lossy();
            format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
        };
        let record = self.record.map(quoted);
        let record = record.map(|path| format!(", \"record\": {path}"));
        format!(
            "{{\"compose\": {}, \"env_file\": {}, \"version\": \"{}\", \"address\": \"{}\", \"delay\": {}{}}}",
            quoted(self.compose),
            self.env_file.map_or_else(|| "null".to_owned(), quoted),
            self.version,
            self.address,
            self.delay,
            record.unwrap_or_default()
        )
    }
}

impl Standin {
    /// The Python that it runs in.
    pub(crate) fn python() -> Result<PathBuf> {
        let folder = shell::target()?.join("oracles");
        oracles::set_up_python(&folder)?;
        Ok(oracles::python(&folder))
    }

    /// Starts one.
    pub(crate) fn start(python: &Path, played: &Played<'_>) -> Result<Self> {
        let failed = |error: io::Error| format!("the stand-in does not start: {error}");
        let mut child = Command::new(python)
            .arg(shell::root().join("tests/standin/standin.py"))
            .env("PYTHONWARNINGS", "ignore")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let mut line = String::new();
        if let (Some(stdin), Some(stdout)) = (&mut child.stdin, &mut child.stdout) {
            writeln!(stdin, "{}", played.json()).map_err(failed)?;
            BufReader::new(stdout)
                .read_line(&mut line)
                .map_err(failed)?;
        }
        let port: String = line
            .split("\"web\": ")
            .nth(1)
            .unwrap_or_default()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        let standin = Self {
            child,
            address: format!("http://127.0.0.1:{port}"),
        };
        if port.is_empty() {
            return Err("the stand-in does not say where it is".to_owned());
        }
        Ok(standin)
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

//! Something that reads compose files as compose does: docker-compose, and docker's own stacks.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Map, Value, json};

use crate::files::{self, ENVIRONMENT};
use crate::oracle;

/// Something that reads compose files as compose does.
pub enum Oracle {
    /// `tests/oracles/compose_oracle.py`, which asks docker-compose.
    Compose {
        /// The process.
        child: Child,
        /// A line for each question.
        answers: BufReader<std::process::ChildStdout>,
    },
    /// `docker stack config`: the real YAML parser. It needs no daemon.
    Stack,
}

impl Oracle {
    /// Those that are here; what is not is said.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        match oracle::docker_compose().and_then(|program| Self::compose(&program)) {
            Some(compose) => all.push(compose),
            None => oracle::skip("compose files against docker-compose: it is not installed"),
        }
        if oracle::docker_stack() {
            all.push(Self::Stack);
        } else {
            oracle::note_skipped(
                "compose files against `docker stack config`: no docker client here",
            );
        }
        all
    }

    /// Version 1 is a script, and its first line names the Python that has its library. Version 2 is a program,
    /// which any Python can run.
    fn compose(program: &Path) -> Option<Self> {
        let start = fs::read(program).ok()?;
        let first = start.split(|byte| *byte == b'\n').next()?;
        let script_python = std::str::from_utf8(first)
            .ok()
            .and_then(|line| line.strip_prefix("#!"))
            .filter(|line| line.contains("python"))
            .and_then(|line| line.split_whitespace().next_back())
            .map(PathBuf::from);
        let mut child = Command::new(script_python.or_else(oracle::python)?)
            .arg(files::root().join("tests/oracles/compose_oracle.py"))
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let answers = BufReader::new(child.stdout.take()?);
        Some(Self::Compose { child, answers })
    }

    /// For messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Compose { .. } => "docker-compose",
            Self::Stack => "docker stack config",
        }
    }

    /// The oracle's view of files, the later ones merged over the first: `{"services": …, "rest": …}`, or why it does
    /// not accept them. `env` is the text of an env file, a simple one.
    pub fn ask(&mut self, files: &[&Path], env: &str) -> Result<Value, String> {
        let own = ENVIRONMENT
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)));
        let lines = env
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), json!(value.trim_matches('\''))));
        let variables: Map<String, Value> = own.chain(lines).collect();
        match self {
            Self::Compose { child, answers } => {
                let question = json!({"files": files, "environment": variables});
                writeln!(child.stdin.as_mut().unwrap(), "{question}").unwrap();
                let mut answer = String::new();
                answers.read_line(&mut answer).unwrap();
                let answer: Value = serde_json::from_str(&answer).unwrap();
                match answer["error"].as_str() {
                    Some(why) => Err(why.to_owned()),
                    None => Ok(answer),
                }
            }
            Self::Stack => {
                let folder = files[0].parent().unwrap();
                let mut command = Command::new("docker");
                command.args(["stack", "config"]);
                for file in files {
                    command.arg("-c").arg(file);
                }
                let output = command
                    .env_clear()
                    .env("PATH", std::env::var_os("PATH").unwrap_or_default())
                    // Its own settings are looked for there, and there are none.
                    .env("HOME", folder)
                    .envs(
                        variables
                            .iter()
                            .filter_map(|(name, value)| Some((name, value.as_str()?))),
                    )
                    .stdin(Stdio::null())
                    .output()
                    .unwrap();
                if !output.status.success() {
                    return Err(String::from_utf8_lossy(&output.stderr).into_owned());
                }
                let mut view: Value =
                    serde_yaml::from_slice(&output.stdout).map_err(|error| error.to_string())?;
                let services = view["services"].take();
                Ok(json!({"services": services, "rest": view}))
            }
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        if let Self::Compose { child, .. } = self {
            // Its input ends, and so does it.
            drop(child.stdin.take());
            drop(child.wait());
        }
    }
}

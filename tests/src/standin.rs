//! The stand-in server: `tests/standin/standin.py` as a process.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::files::root;
use crate::oracle;

/// A running stand-in; it ends when this is dropped.
pub struct Standin {
    child: Child,
    /// `http://127.0.0.1:PORT` of the API server.
    pub api: String,
    /// Of the file server; none if it did not start.
    pub files: Option<String>,
    /// Of the web server.
    pub web: String,
}

impl Standin {
    /// Starts one from a compose file; none, with a visible skip, where its Python is not set up. `more` is what else
    /// its head describes.
    pub fn start(compose: &Path, more: Value) -> Option<Self> {
        let Some(python) = oracle::python() else {
            oracle::skip("the stand-in server: no Python environment");
            return None;
        };
        let mut given = json!({"compose": compose});
        for (key, value) in more.as_object().unwrap() {
            given[key] = value.clone();
        }
        let mut child = Command::new(python)
            .arg(root().join("tests/standin/standin.py"))
            // PyJWT finds keys of 54 bytes short for SHA-512, which is so and no matter here.
            .env("PYTHONWARNINGS", "ignore")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.as_mut().unwrap(), "{given}").unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let ports: Value = serde_json::from_str(&line).expect("the stand-in did not start");
        let url = |name: &str| Some(format!("http://127.0.0.1:{}", ports[name].as_u64()?));
        Some(Self {
            child,
            api: url("api").unwrap(),
            files: url("files"),
            web: url("web").unwrap(),
        })
    }

    /// The arguments that name its parts.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            "--api".to_owned(),
            self.api.clone(),
            "--web".to_owned(),
            self.web.clone(),
        ];
        if let Some(files) = &self.files {
            arguments.extend(["--files".to_owned(), files.clone()]);
        }
        arguments.push(self.web.clone());
        arguments
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

//! The stand-in server: `tests/standin/standin.py` as a process.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::files::{fixtures, root};
use crate::oracle;
use crate::program::clearml;

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

    /// The status that a log-in with a name and a password gets, as of the web page.
    pub fn log_in(&self, name: &str, password: &str) -> u16 {
        let script = "import base64, sys, urllib.request, urllib.error\n\
                      pair = base64.b64encode(f'{sys.argv[2]}:{sys.argv[3]}'.encode()).decode()\n\
                      request = urllib.request.Request(sys.argv[1], headers={'Authorization': f'Basic {pair}'})\n\
                      try: print(urllib.request.urlopen(request).status)\n\
                      except urllib.error.HTTPError as error: print(error.code)";
        let output = Command::new(oracle::python().unwrap())
            .args(["-c", script, &format!("{}/auth.login", self.api)])
            .args([name, password])
            .output()
            .unwrap();
        String::from_utf8(output.stdout)
            .unwrap()
            .trim()
            .parse()
            .unwrap()
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// `probe severity server` of each finding, sorted, and how much could not be asked.
pub fn asked(standin: &Standin, arguments: &[&str]) -> (Option<i32>, Vec<String>, Vec<String>) {
    let done = clearml("verify")
        .args(["-f", "json"])
        .args(arguments)
        .args(standin.arguments())
        .done();
    said(&done.stdout, done.status)
}

/// The same of what the program printed.
pub fn said(stdout: &str, status: Option<i32>) -> (Option<i32>, Vec<String>, Vec<String>) {
    let document: Value = serde_json::from_str(stdout).unwrap();
    let list = |name: &str| document[name].as_array().unwrap().clone();
    let word = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let mut found: Vec<String> = list("findings")
        .iter()
        .map(|one| {
            let parts = ["rule", "severity", "server"].map(|name| word(one, name));
            parts.join(" ")
        })
        .collect();
    found.sort();
    let unknown = list("unknown");
    let unknown = unknown.iter().map(|one| word(one, "what")).collect();
    (status, found, unknown)
}

/// What is said of a server that is as it comes, besides its credentials.
const AS_IT_COMES: [&str; 2] = [
    "cors-reflection note apiserver",
    "open-login warning apiserver",
];

/// The findings of a server that is as it comes, and more.
pub fn with_as_it_comes(more: &[&str]) -> Vec<String> {
    let all = AS_IT_COMES.iter().chain(more);
    let mut all: Vec<String> = all.map(|one| (*one).to_owned()).collect();
    all.sort();
    all
}

/// The stock deployment with a keyset of its own, in a folder.
pub struct Injected {
    folder: tempfile::TempDir,
}

impl Injected {
    /// The stock deployment with a keyset of its own.
    pub fn stock() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let injected = Self { folder };
        injected.renew("keys.env", "docker-compose.yml");
        injected
    }

    /// A file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A new keyset, and the stock deployment with it.
    pub fn renew(&self, keys: &str, compose: &str) {
        clearml("keygen")
            .arg("-o")
            .arg(self.path(keys))
            .done()
            .exit(0);
        let stock = fixtures().join("stock/docker-compose.yml");
        let injected = clearml("inject")
            .arg("-k")
            .arg(self.path(keys))
            .arg(stock)
            .done()
            .exit(0);
        fs::write(self.path(compose), injected.stdout).unwrap();
    }

    /// The deployment with variables more at a service.
    pub fn change(&self, service: &str, variables: &[(&str, &str)]) -> PathBuf {
        let text = fs::read_to_string(self.path("docker-compose.yml")).unwrap();
        let start = text.find(&format!("\n  {service}:\n")).unwrap();
        let at =
            start + text[start..].find("    environment:\n").unwrap() + "    environment:\n".len();
        let mut lines = String::new();
        let mut rest = text[at..].to_owned();
        for (name, value) in variables {
            lines.push_str(&format!("      {name}: '{value}'\n"));
            // Of the service's own line of this name nothing stays.
            let own: Vec<&str> = rest.lines().collect();
            let first = own
                .iter()
                .position(|line| line.trim_start().starts_with(&format!("{name}:")));
            if let Some(first) = first {
                let mut own = own;
                own.remove(first);
                rest = own.join("\n") + "\n";
            }
        }
        let path = self.path("changed.yml");
        fs::write(&path, format!("{}{lines}{rest}", &text[..at])).unwrap();
        path
    }
}

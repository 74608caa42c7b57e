//! What others take for the same file: tools that people use today, of PyPI.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Row, medians, milliseconds};
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

/// The stock file beside those that look for mistakes in it, and a script that edits it.
pub(super) fn rows(
    oracles: &Path,
    peers: &Peers,
    programs: &Path,
    stock: &Path,
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let commands = [
        ("detect-secrets", vec!["scan"]),
        (
            "checkov",
            vec!["--quiet", "--compact", "--framework", "yaml", "-f"],
        ),
    ];
    for (name, arguments) in commands {
        let Some(program) = peers.program(name) else {
            continue;
        };
        let mut theirs = Command::new(program);
        theirs.args(&arguments).arg(stock);
        let (ours, theirs) = medians(
            5,
            Command::new(programs.join("clearml-verify")).arg(stock),
            &mut theirs,
        )?;
        rows.push(Row {
            work: format!("{name} / verify, the stock file"),
            measured: format!("{:.0}", theirs.as_secs_f64() / ours.as_secs_f64()),
            bound: "none".to_owned(),
            ours: milliseconds(ours),
            theirs: milliseconds(theirs),
            holds: true,
            how: format!(
                "`clearml-verify docker-compose.yml`, `{name} {} docker-compose.yml`",
                arguments.join(" ")
            ),
            why: "",
        });
    }
    let keys = shell::target()?.join("bench/keys.json");
    shell::output(
        Command::new(programs.join("clearml-keygen"))
            .args(["-f", "json", "--force", "-o"])
            .arg(&keys),
    )?;
    let (ours, theirs) = medians(
        21,
        Command::new(programs.join("clearml-inject"))
            .arg("-k")
            .arg(&keys)
            .arg(stock),
        Command::new(crate::oracles::python(oracles))
            .args(["-c", ROUND_TRIP])
            .arg(stock),
    )?;
    let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
    rows.push(Row {
        work: "PyYAML round trip / inject, the stock file".to_owned(),
        measured: format!("{ratio:.1}"),
        bound: format!("at least {ROUND_TRIP_AT_LEAST}"),
        ours: milliseconds(ours),
        theirs: milliseconds(theirs),
        holds: ratio >= ROUND_TRIP_AT_LEAST,
        how: "`clearml-inject -k keys.json docker-compose.yml`, and a script of `yaml.safe_load` and `yaml.safe_dump`".to_owned(),
        why: "the file is read twice, edited and read twice again, by two parsers: that is the proof that nothing else has changed",
    });
    Ok(rows)
}

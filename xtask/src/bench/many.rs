//! Many deployments in one run, and much of one thing in one deployment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::row::{Bound, Row};
use super::{Bench, MOST_AT_DOUBLE, medians, time};
use crate::shell::{self, Result};

/// The stock file may take this many times `true`.
const TRUE_AT_MOST: f64 = 3.0;
/// A fleet may take this many times what ripgrep takes to look for the known defaults in it.
const RIPGREP_AT_MOST: f64 = 5.0;
/// compose-lint must take this many times what verify takes for a fleet.
const LINT_AT_LEAST: f64 = 100.0;
const MEGABYTES: f64 = 64.0;
const HOSTS: usize = 2_000;
/// compose-lint is given so many, and takes as much longer as there are more.
const LINTED: usize = 40;

impl Bench {
    /// All lines about verify and files.
    pub(super) fn many(&self) -> Result<Vec<Row>> {
        let mut verify = self.program("clearml-verify");
        let start = medians(101, verify.arg(&self.stock), &mut Command::new("true"))?;
        let mut rows = vec![
            Row::ratio(
                "verify, the stock file / true",
                start,
                Bound::AtMost(TRUE_AT_MOST),
            )
            .by("`clearml-verify docker-compose.yml`, `true`")
            .because(super::ONE_FILE),
        ];
        rows.extend(self.fleet()?);
        for kind in KINDS {
            rows.push(self.growth(kind)?);
        }
        Ok(rows)
    }

    /// A fleet beside ripgrep and compose-lint.
    fn fleet(&self) -> Result<Vec<Row>> {
        let folder = self.hosts(HOSTS)?;
        let (ours, megabytes) = self.look_at(&folder, 5)?;
        let mut rows = Vec::new();
        let why = "seven million instructions a deployment, of which 54 % read it (21 % are its YAML), 33 % ask the rules, where ripgrep looks \
                   for a few strings in 6.6 KB, and 7 % write JSON. No function has more than 5 %.";
        match self.peers.program("rg") {
            None => {
                println!(
                    "skipped: ripgrep is neither here nor on PyPI, so nothing is held against it"
                )
            }
            Some(program) => {
                let mut ripgrep = Command::new(program);
                ripgrep
                    .args(["--no-messages", "-F", "-f"])
                    .arg(self.known_defaults()?)
                    .arg(&folder);
                let theirs = time(&mut ripgrep)?.min(time(&mut ripgrep)?);
                let work = format!("verify, {HOSTS} deployments / ripgrep");
                rows.push(
                    Row::ratio(work, (ours, theirs), Bound::AtMost(RIPGREP_AT_MOST))
                        .by("`clearml-verify -f json hosts`, `rg -F -f known-defaults.txt hosts`")
                        .because(why),
                );
            }
        }
        let mut lint = self.lint();
        lint.args((0..LINTED).map(|number| file(&folder, number)));
        // A whole number of times more are a number that any type has.
        let more = f64::from(u32::try_from(HOSTS / LINTED).unwrap_or(u32::MAX));
        let theirs = time(&mut lint)? * more;
        let work = format!("compose-lint / verify, {HOSTS} deployments");
        rows.push(
            Row::ratio(work, (ours, theirs), Bound::AtLeast(LINT_AT_LEAST))
                .by(format!(
                    "`compose-lint` with {LINTED} of the files, and its time {more} times"
                ))
                .because(why),
        );
        let work = format!("verify, {HOSTS} deployments: memory");
        rows.push(Row::megabytes(work, megabytes, MEGABYTES));
        Ok(rows)
    }

    /// The median time in seconds, and the peak of memory in megabytes, of a look at files.
    pub(super) fn look_at(&self, path: &Path, rounds: usize) -> Result<(f64, f64)> {
        let mut verify = self.program("clearml-verify");
        verify.args(["-f", "json"]).arg(path);
        self.measured(rounds, Path::new("/dev/null"), &verify)
    }

    /// A folder with the stock file for each of so many hosts.
    pub(super) fn hosts(&self, number: usize) -> Result<PathBuf> {
        let folder = self.folder.join(format!("hosts-{number}"));
        for number in 0..number {
            self.copy_stock(&file(&folder, number))?;
        }
        Ok(folder)
    }

    /// A file with every known default on a line.
    fn known_defaults(&self) -> Result<PathBuf> {
        let path = self.folder.join("known-defaults.txt");
        let list = shell::root().join("crates/core/data/known_defaults.toml");
        let text = fs::read_to_string(list).map_err(|error| error.to_string())?;
        let values = text
            .lines()
            .filter_map(|line| line.strip_prefix("value = \""));
        let values = values.map(|line| line.trim_end_matches('"'));
        let values: Vec<&str> = values.filter(|value| !value.is_empty()).collect();
        fs::write(&path, values.join("\n") + "\n").map_err(|error| error.to_string())?;
        Ok(path)
    }

    /// How much longer verify takes for twice as many.
    fn growth(&self, (what, number, text): Kind) -> Result<Row> {
        let seconds = |number: usize| -> Result<f64> {
            let path = self.folder.join(format!("many-{number}.yml"));
            let mut file = String::from(
                "services:\n  apiserver:\n    image: clearml/server:2.3.0\n    command: apiserver\n",
            );
            for one in 0..number {
                file.push_str(&text(one));
            }
            fs::write(&path, file).map_err(|error| error.to_string())?;
            Ok(self.look_at(&path, 5)?.0)
        };
        let times = (seconds(2 * number)?, seconds(number)?);
        let work = format!("verify, {} / {number} {what}", 2 * number);
        Ok(Row::ratio(work, times, Bound::AtMost(MOST_AT_DOUBLE)))
    }
}

fn file(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("host-{number:05}/docker-compose.yml"))
}

/// What there may be many of in a deployment: its name, how many are few, and the text of one.
type Kind = (&'static str, usize, fn(usize) -> String);

const KINDS: [Kind; 5] = [
    ("API servers", 1_000, |number| {
        format!("  api{number}:\n    image: clearml/server:2.3.0\n    command: apiserver\n")
    }),
    ("ports", 4_000, |number| {
        let start = if number == 0 { "    ports:\n" } else { "" };
        format!(
            "{start}      - \"{}:{}\"\n",
            10_000 + number,
            20_000 + number
        )
    }),
    ("volumes", 10_000, |number| {
        let start = if number == 0 { "    volumes:\n" } else { "" };
        format!("{start}      - /srv/{number}:/data/{number}\n")
    }),
    ("CLEARML__ variables", 2_000, |number| {
        let start = if number == 0 {
            "    environment:\n"
        } else {
            ""
        };
        format!("{start}      CLEARML__services__x{number}: \"{number}\"\n")
    }),
    // A chain is bounded.
    ("links of an extends chain", 120, |number| match number {
        0 => String::new(),
        1 => "  link1:\n    extends: {service: apiserver}\n".to_owned(),
        _ => format!(
            "  link{number}:\n    extends: {{service: link{}}}\n",
            number - 1
        ),
    }),
];

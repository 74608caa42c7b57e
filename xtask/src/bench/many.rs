//! Many deployments in one run, and much of one thing in one deployment.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::peers::Peers;
use super::{Row, measure, medians, milliseconds, time};
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
/// Twice as much may take this many times as long.
const GROWTH_AT_MOST: f64 = 2.3;

const WHY_START: &str = "`true` has one page of code and no memory of its own. Two thirds of what is left are the start of any program of this \
    size; the rest is the work: the file is read, and 40 rules are asked";
const WHY_RIPGREP: &str = "ripgrep looks for eleven texts, and finds none of the ten settings: they are absent. What verify takes is spread over \
    reading YAML (a quarter), the containers, the effective configuration of five servers, and 40 rules; no part of it is more than an eighth";
const WHY_LINT: &str =
    "compose-lint starts once for all files, and what takes it longest is its start";

/// All lines about verify and files.
pub(super) fn rows(
    oracles: &Path,
    peers: &Peers,
    programs: &Path,
    stock: &Path,
) -> Result<Vec<Row>> {
    let verify = || Command::new(programs.join("clearml-verify"));
    let (ours, theirs) = medians(101, verify().arg(stock), &mut Command::new("true"))?;
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    let mut rows = vec![Row {
        work: "verify, the stock file / true".to_owned(),
        measured: format!("{ratio:.1}"),
        bound: format!("at most {TRUE_AT_MOST}"),
        ours: milliseconds(ours),
        theirs: milliseconds(theirs),
        holds: ratio <= TRUE_AT_MOST,
        how: "`clearml-verify docker-compose.yml`, `true`".to_owned(),
        why: WHY_START,
    }];
    fleet(oracles, peers, programs, stock, &mut rows)?;
    for (what, number, text) in KINDS {
        rows.push(growth(oracles, programs, what, number, text)?);
    }
    Ok(rows)
}

/// A fleet beside ripgrep and compose-lint.
fn fleet(
    oracles: &Path,
    peers: &Peers,
    programs: &Path,
    stock: &Path,
    rows: &mut Vec<Row>,
) -> Result {
    let folder = hosts(stock, HOSTS)?;
    let mut verify = Command::new(programs.join("clearml-verify"));
    verify.args(["-f", "json"]).arg(&folder);
    let (mut seconds, mut megabytes) = (Vec::new(), 0.0_f64);
    for _ in 0..5 {
        let (time, peak) = measure(oracles, Path::new("/dev/null"), &verify)?;
        seconds.push(time);
        megabytes = megabytes.max(peak);
    }
    seconds.sort_by(f64::total_cmp);
    let ours = seconds[seconds.len() / 2];
    let row = |work: String, theirs: String| Row {
        work,
        measured: String::new(),
        bound: String::new(),
        ours: format!("{ours:.2} s"),
        theirs,
        holds: true,
        how: String::new(),
        why: "",
    };
    match peers.program("rg") {
        None => {
            println!("skipped: ripgrep is neither here nor on PyPI, so nothing is held against it")
        }
        Some(program) => {
            let mut ripgrep = Command::new(program);
            ripgrep
                .args(["--no-messages", "-F", "-f"])
                .arg(known_defaults()?)
                .arg(&folder);
            let theirs = time(&mut ripgrep)?.min(time(&mut ripgrep)?).as_secs_f64();
            rows.push(Row {
                measured: format!("{:.1}", ours / theirs),
                bound: format!("at most {RIPGREP_AT_MOST}"),
                holds: ours <= theirs * RIPGREP_AT_MOST,
                how: "`clearml-verify -f json hosts`, `rg -F -f known-defaults.txt hosts`"
                    .to_owned(),
                why: WHY_RIPGREP,
                ..row(
                    format!("verify, {HOSTS} deployments / ripgrep"),
                    format!("{theirs:.2} s"),
                )
            });
        }
    }
    let mut lint = Command::new(oracles.join("venv/bin/compose-lint"));
    lint.args((0..LINTED).map(|number| file(&folder, number)));
    // A whole number of times more are a number that any type has.
    let more = f64::from(u32::try_from(HOSTS / LINTED).unwrap_or(u32::MAX));
    let theirs = time(&mut lint)?.as_secs_f64() * more;
    rows.push(Row {
        measured: format!("{:.0}", theirs / ours),
        bound: format!("at least {LINT_AT_LEAST}"),
        holds: theirs >= ours * LINT_AT_LEAST,
        how: format!("`compose-lint` with {LINTED} of the files, and its time {more} times"),
        why: WHY_LINT,
        ..row(
            format!("compose-lint / verify, {HOSTS} deployments"),
            format!("{theirs:.1} s"),
        )
    });
    rows.push(Row {
        measured: format!("{megabytes:.0} MB"),
        bound: format!("at most {MEGABYTES} MB"),
        holds: megabytes <= MEGABYTES,
        ours: format!("{megabytes:.0} MB"),
        ..row(
            format!("verify, {HOSTS} deployments: memory"),
            String::new(),
        )
    });
    Ok(())
}

/// A folder with the stock file for each of so many hosts.
pub(super) fn hosts(stock: &Path, number: usize) -> Result<PathBuf> {
    let folder = shell::target()?.join(format!("bench/hosts-{number}"));
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    for number in 0..number {
        let file = file(&folder, number);
        fs::create_dir_all(file.parent().unwrap_or(&folder)).map_err(failed)?;
        fs::copy(stock, file).map_err(failed)?;
    }
    Ok(folder)
}

fn file(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("host-{number:05}/docker-compose.yml"))
}

/// A file with every known default on a line.
fn known_defaults() -> Result<PathBuf> {
    let path = shell::target()?.join("bench/known-defaults.txt");
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

/// How much longer verify takes for twice as many.
fn growth(
    oracles: &Path,
    programs: &Path,
    what: &str,
    number: usize,
    text: fn(usize) -> String,
) -> Result<Row> {
    let folder = shell::target()?.join("bench");
    let seconds = |number: usize| -> Result<f64> {
        let path = folder.join(format!("many-{number}.yml"));
        let mut file = String::from(
            "services:\n  apiserver:\n    image: clearml/server:2.3.0\n    command: apiserver\n",
        );
        for one in 0..number {
            // Writing to a String cannot fail.
            let _ = write!(file, "{}", text(one));
        }
        fs::write(&path, file).map_err(|error| error.to_string())?;
        let mut verify = Command::new(programs.join("clearml-verify"));
        verify.args(["-f", "json"]).arg(&path);
        let mut least = f64::MAX;
        for _ in 0..5 {
            least = least.min(measure(oracles, Path::new("/dev/null"), &verify)?.0);
        }
        Ok(least)
    };
    let (few, many) = (seconds(number)?, seconds(2 * number)?);
    Ok(Row {
        work: format!("verify, {} / {number} {what}", 2 * number),
        measured: format!("{:.2}", many / few),
        bound: format!("at most {GROWTH_AT_MOST}"),
        ours: format!("{many:.2} s"),
        theirs: format!("{few:.2} s"),
        holds: many <= few * GROWTH_AT_MOST,
        how: String::new(),
        why: "",
    })
}

//! `cargo xtask bench`: speed and memory, as ratios within one run, because machines differ and load changes.
//!
//! What is compared runs in turns, and medians are compared. It writes docs/benchmarks.md; a bound that is missed without a
//! reason that is known is a failure.

mod growth;
mod many;
mod page;
mod peers;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::shell::{self, Result};
use crate::standin::{Played, Standin};
use crate::{dist, oracles};

const STOCK: &str = "tests/fixtures/stock/docker-compose.yml";

/// A whole run of keygen may take this many times `openssl rand -hex 25`.
const KEYGEN_AT_MOST: f64 = 0.6;
/// compose-lint must take this many times what verify takes for the stock file.
const VERIFY_AT_LEAST: f64 = 60.0;
/// Bounds of inject on a compose file of 10 MB.
const INJECT_SECONDS: f64 = 2.0;
const INJECT_MEGABYTES: f64 = 200.0;
const SERVICES: usize = 10_000;
/// Bounds of verify on this many servers that take this many seconds longer for every answer. The time is held against what
/// these jobs need for all the requests when none of them ever waits: a new default to try makes both longer.
const FLEET_AT_MOST: f64 = 1.1;
const FLEET_MEGABYTES: f64 = 100.0;
const SERVERS: usize = 100;
const DELAY: f64 = 0.2;
const JOBS: usize = 32;

/// Runs its arguments and prints the wall time in seconds and the peak of memory in KiB. The first argument is
/// the file for standard output. Only the parent of a process learns its peak.
const MEASURE: &str = "\
import resource, subprocess, sys, time
with open(sys.argv[1], 'wb') as out:
    start = time.perf_counter()
    # Findings are no failure.
    if subprocess.run(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=out).returncode > 1:
        sys.exit(1)
    print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
";

/// A line of the table.
pub(crate) struct Row {
    work: String,
    measured: String,
    bound: String,
    ours: String,
    theirs: String,
    holds: bool,
    /// The command lines.
    how: String,
    /// Why it may be missed, where that is known.
    why: &'static str,
}

/// Runs the task; `--programs DIR` takes those that were built before.
pub(crate) fn run(arguments: &[String]) -> Result {
    let oracles = oracles::set_up(false)?.folder;
    let programs = match arguments {
        [] => dist::linked()?,
        [option, folder] if option == "--programs" => folder.into(),
        _ => return Err("it takes --programs DIR, or nothing".to_owned()),
    };
    let programs = std::path::absolute(&programs).map_err(|error| error.to_string())?;
    let stock = shell::root().join(STOCK);
    let peers = peers::Peers::set_up()?;
    let mut rows = starts(&oracles, &programs, &stock)?;
    rows.extend(peers::rows(&oracles, &peers, &programs, &stock)?);
    rows.extend(many::rows(&oracles, &peers, &programs, &stock)?);
    rows.extend(large(&oracles, &programs)?);
    rows.extend(live(&oracles, &programs, &stock)?);
    growth::draw(&oracles, &programs, &stock)?;
    let lint = oracles.join("venv/bin/compose-lint");
    let [rg, secrets, checkov] =
        ["rg", "detect-secrets", "checkov"].map(|name| peers.program(name).unwrap_or(name.into()));
    page::write(
        &rows,
        &[
            ("clearml-verify", &programs.join("clearml-verify")),
            ("openssl", Path::new("openssl")),
            ("compose-lint", &lint),
            ("ripgrep", &rg),
            ("detect-secrets", &secrets),
            ("checkov", &checkov),
        ],
    )?;
    for row in &rows {
        let Row {
            work,
            measured,
            bound,
            ours,
            theirs,
            holds,
            ..
        } = row;
        let mark = if *holds { "" } else { "MISSED" };
        println!("{work:46} {ours:>12} {theirs:>12}  {measured}, {bound}  {mark}");
    }
    let missed = rows.iter().filter(|row| !row.holds && row.why.is_empty());
    let missed: Vec<&str> = missed.map(|row| row.work.as_str()).collect();
    if missed.is_empty() {
        Ok(())
    } else {
        Err(format!("missed: {}", missed.join("; ")))
    }
}

/// Programs that have little to do.
fn starts(oracles: &Path, programs: &Path, stock: &Path) -> Result<Vec<Row>> {
    let program = |name: &str| Command::new(programs.join(name));
    let (keygen, openssl) = medians(
        101,
        &mut program("clearml-keygen"),
        Command::new("openssl").args(["rand", "-hex", "25"]),
    )?;
    let keys = keygen.as_secs_f64() / openssl.as_secs_f64();
    let (verify, lint) = medians(
        21,
        program("clearml-verify").arg(stock),
        Command::new(oracles.join("venv/bin/compose-lint")).arg(stock),
    )?;
    let ratio = lint.as_secs_f64() / verify.as_secs_f64();
    Ok(vec![
        Row {
            work: "keygen / openssl".to_owned(),
            measured: format!("{keys:.2}"),
            bound: format!("at most {KEYGEN_AT_MOST}"),
            ours: milliseconds(keygen),
            theirs: milliseconds(openssl),
            holds: keys <= KEYGEN_AT_MOST,
            how: "`clearml-keygen`, `openssl rand -hex 25`".to_owned(),
            why: "",
        },
        Row {
            work: "compose-lint / verify, the stock file".to_owned(),
            measured: format!("{ratio:.1}"),
            bound: format!("at least {VERIFY_AT_LEAST}"),
            ours: milliseconds(verify),
            theirs: milliseconds(lint),
            holds: ratio >= VERIFY_AT_LEAST,
            how: "`clearml-verify docker-compose.yml`, `compose-lint docker-compose.yml`"
                .to_owned(),
            why: "",
        },
    ])
}

/// A compose file of 10 MB.
fn large(oracles: &Path, programs: &Path) -> Result<Vec<Row>> {
    let (seconds, megabytes) = inject_large(oracles, programs)?;
    let work = format!("inject, {SERVICES} services in 10 MB");
    Ok(vec![
        Row {
            work: format!("{work}: time"),
            measured: format!("{seconds:.2} s"),
            bound: format!("under {INJECT_SECONDS} s"),
            ours: format!("{seconds:.2} s"),
            theirs: String::new(),
            holds: seconds < INJECT_SECONDS,
            how: "`clearml-inject -k keys.json large.yml`".to_owned(),
            why: "",
        },
        Row {
            work: format!("{work}: memory"),
            measured: format!("{megabytes:.0} MB"),
            bound: format!("under {INJECT_MEGABYTES} MB"),
            ours: format!("{megabytes:.0} MB"),
            theirs: String::new(),
            holds: megabytes < INJECT_MEGABYTES,
            how: String::new(),
            why: "",
        },
    ])
}

/// Many running servers at once.
fn live(oracles: &Path, programs: &Path, stock: &Path) -> Result<Vec<Row>> {
    let requests = requests(oracles, programs, stock)?;
    let (seconds, megabytes) = verify_fleet(oracles, programs, stock)?;
    let least = least_seconds(requests);
    let ratio = seconds / least;
    let work = format!("verify, {SERVERS} servers, 200 ms an answer");
    Ok(vec![
        Row {
            work: format!("{work} / {requests} requests to each that never wait"),
            measured: format!("{ratio:.2}"),
            bound: format!("at most {FLEET_AT_MOST}"),
            ours: format!("{seconds:.2} s"),
            theirs: format!("{least:.2} s"),
            holds: ratio <= FLEET_AT_MOST,
            how: format!(
                "`clearml-verify --jobs {JOBS} http://localhost:PORT …`, beside a stand-in of the tests"
            ),
            why: "",
        },
        Row {
            work: format!("{work}: memory"),
            measured: format!("{megabytes:.0} MB"),
            bound: format!("under {FLEET_MEGABYTES} MB"),
            ours: format!("{megabytes:.0} MB"),
            theirs: String::new(),
            holds: megabytes < FLEET_MEGABYTES,
            how: String::new(),
            why: "",
        },
    ])
}

/// Median wall times of two commands that run in turns.
fn medians(
    rounds: usize,
    ours: &mut Command,
    theirs: &mut Command,
) -> Result<(Duration, Duration)> {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        first.push(time(ours)?);
        second.push(time(theirs)?);
    }
    first.sort_unstable();
    second.sort_unstable();
    Ok((first[rounds / 2], second[rounds / 2]))
}

fn time(command: &mut Command) -> Result<Duration> {
    command
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let start = Instant::now();
    let status = command.status().map_err(|error| error.to_string())?;
    let elapsed = start.elapsed();
    // Both verifiers end with 1 on the stock file: they find something. More than that is a failure to run.
    match status.code() {
        Some(0 | 1) => Ok(elapsed),
        _ => Err(format!("{command:?} ended with {status}")),
    }
}

/// Median time in seconds and the largest peak of memory in megabytes.
fn inject_large(oracles: &Path, programs: &Path) -> Result<(f64, f64)> {
    let folder = shell::target()?.join("bench");
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(failed)?;
    fs::write(folder.join("large.yml"), large_compose_file()).map_err(failed)?;
    let keys = folder.join("keys.json");
    shell::output(
        Command::new(programs.join("clearml-keygen"))
            .args(["-f", "json", "--force", "-o"])
            .arg(&keys),
    )?;
    let mut times = Vec::new();
    let mut peak = 0.0_f64;
    for _ in 0..5 {
        let mut inject = Command::new(programs.join("clearml-inject"));
        inject.arg("-k").arg(&keys).arg(folder.join("large.yml"));
        let (seconds, megabytes) = measure(oracles, &folder.join("secured.yml"), &inject)?;
        times.push(seconds);
        peak = peak.max(megabytes);
    }
    times.sort_by(f64::total_cmp);
    Ok((times[times.len() / 2], peak))
}

/// How many requests a server is sent.
fn requests(oracles: &Path, programs: &Path, stock: &Path) -> Result<usize> {
    let record = shell::target()?.join("bench/requests");
    let failed = |error: std::io::Error| format!("{}: {error}", record.display());
    fs::write(&record, "").map_err(failed)?;
    let played = Played {
        record: Some(&record),
        ..fleet(stock, 0.0)
    };
    let standin = Standin::start(&oracles::python(oracles), &played)?;
    time(Command::new(programs.join("clearml-verify")).arg(&standin.address))?;
    Ok(fs::read_to_string(&record).map_err(failed)?.lines().count())
}

/// The least time in seconds for so many requests to every server.
fn least_seconds(requests: usize) -> f64 {
    // Some thousands are exact in any type.
    let rounds = u32::try_from((requests * SERVERS).div_ceil(JOBS)).unwrap_or(u32::MAX);
    f64::from(rounds) * DELAY
}

fn fleet(stock: &Path, delay: f64) -> Played<'_> {
    Played {
        compose: stock,
        env_file: None,
        version: "2.0.0",
        delay,
        record: None,
    }
}

/// Time in seconds and peak of memory in megabytes for many servers at once, which are all the same one.
fn verify_fleet(oracles: &Path, programs: &Path, stock: &Path) -> Result<(f64, f64)> {
    let standin = Standin::start(&oracles::python(oracles), &fleet(stock, DELAY))?;
    let mut verify = Command::new(programs.join("clearml-verify"));
    verify.args(["--jobs", &JOBS.to_string()]);
    verify.args(std::iter::repeat_n(&standin.address, SERVERS));
    measure(oracles, Path::new("/dev/null"), &verify)
}

/// Time in seconds and peak of memory in megabytes of a command that writes to a file.
fn measure(oracles: &Path, out: &Path, command: &Command) -> Result<(f64, f64)> {
    let printed = shell::output(
        Command::new(oracles::python(oracles))
            .args(["-c", MEASURE])
            .arg(out)
            .arg(command.get_program())
            .args(command.get_args()),
    )?;
    let mut numbers = printed.split_whitespace().map(str::parse::<f64>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(seconds)), Some(Ok(kibibytes))) => Ok((seconds, kibibytes * 1024.0 / 1e6)),
        _ => Err(format!("not two numbers: {printed}")),
    }
}

/// A ClearML Server among thousands of other services: about 1,000 bytes each, 10 MB in all.
fn large_compose_file() -> String {
    let mut text = String::with_capacity(11 << 20);
    text.push_str("services:\n");
    for number in 0..SERVICES {
        let (image, command) = match number {
            2_500 => ("clearml/server:2.3.0", "apiserver"),
            5_000 => ("clearml/server:2.3.0", "fileserver"),
            7_500 => ("clearml/server:2.3.0", "webserver"),
            _ => ("example/worker:1.0", "worker"),
        };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "  service-{number}:\n    image: {image}\n    command: [{command}]\n    restart: unless-stopped\n    environment:\n"
        );
        for variable in 0..16 {
            let _ = writeln!(
                text,
                "      VARIABLE_{variable}: \"value {variable} of service {number}\"  # as ever"
            );
        }
        let _ = write!(
            text,
            "    volumes:\n      - /srv/data/{number}:/data\n    labels:\n      owner: somebody\n"
        );
    }
    text
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_time_is_that_of_full_jobs() {
        assert!((least_seconds(JOBS) - 20.0).abs() < 1e-9);
    }

    #[test]
    fn the_large_file_has_ten_megabytes() {
        let size = large_compose_file().len();
        assert!((10_000_000..12_000_000).contains(&size), "{size}");
    }
}

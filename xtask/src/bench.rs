//! `cargo xtask bench`: speed and memory, as ratios within one run, because machines differ and load changes.
//!
//! What is compared runs in turns, and medians are compared. A missed bound is a failure.

mod many;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::oracles;
use crate::shell::{self, Profile, Result};
use crate::standin::{Played, Standin};

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

/// Runs the task.
pub(crate) fn run() -> Result {
    let oracles = oracles::set_up(false)?.folder;
    let programs = shell::build(Profile::Dist)?;
    let program = |name: &str| Command::new(programs.join(name));
    let stock = shell::root().join(STOCK);
    println!("{:42} {:>12} {:>12}  bound", "", "median", "against");
    let mut missed = Vec::new();
    let mut row = |what: &str, ours: String, theirs: String, bound: String, holds: bool| {
        println!("{what:42} {ours:>12} {theirs:>12}  {bound}");
        if !holds {
            missed.push(what.to_owned());
        }
    };

    let (keygen, openssl) = medians(
        101,
        &mut program("clearml-keygen"),
        Command::new("openssl").args(["rand", "-hex", "25"]),
    )?;
    let ratio = keygen.as_secs_f64() / openssl.as_secs_f64();
    row(
        "keygen / openssl rand -hex 25",
        milliseconds(keygen),
        milliseconds(openssl),
        format!("{ratio:.2}, at most {KEYGEN_AT_MOST}"),
        ratio <= KEYGEN_AT_MOST,
    );

    let (verify, lint) = medians(
        21,
        program("clearml-verify").arg(&stock),
        Command::new(oracles.join("venv/bin/compose-lint")).arg(&stock),
    )?;
    let ratio = lint.as_secs_f64() / verify.as_secs_f64();
    row(
        "compose-lint / verify, the stock file",
        milliseconds(verify),
        milliseconds(lint),
        format!("{ratio:.1}, at least {VERIFY_AT_LEAST}"),
        ratio >= VERIFY_AT_LEAST,
    );

    for one in many::rows(&oracles, &programs, &stock)? {
        row(&one.what, one.ours, one.theirs, one.bound, one.holds);
    }
    let (seconds, inject) = inject_large(&oracles, &programs)?;
    row(
        "inject, 10,000 services: time",
        format!("{seconds:.2} s"),
        String::new(),
        format!("under {INJECT_SECONDS} s"),
        seconds < INJECT_SECONDS,
    );
    let requests = requests(&oracles, &programs, &stock)?;
    let (seconds, fleet) = verify_fleet(&oracles, &programs, &stock)?;
    let least = least_seconds(requests);
    let ratio = seconds / least;
    row(
        "verify, 100 servers, 200 ms an answer: time",
        format!("{seconds:.2} s"),
        format!("{least:.2} s"),
        format!("{ratio:.2}, at most {FLEET_AT_MOST}: {requests} requests a server"),
        ratio <= FLEET_AT_MOST,
    );
    for (what, megabytes, most) in [
        ("inject, 10,000 services: memory", inject, INJECT_MEGABYTES),
        ("verify, 100 servers: memory", fleet, FLEET_MEGABYTES),
    ] {
        row(
            what,
            format!("{megabytes:.0} MB"),
            String::new(),
            format!("under {most} MB"),
            megabytes < most,
        );
    }
    if missed.is_empty() {
        Ok(())
    } else {
        Err(format!("missed: {}", missed.join("; ")))
    }
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

//! `cargo xtask bench`: speed and memory, as ratios within one run, because machines differ and load changes.
//!
//! What is compared runs in turns, and medians are compared. It writes docs/benchmarks.md; a bound that is missed is a failure.

mod cluster;
mod growth;
mod limits;
mod many;
mod page;
mod peers;
mod row;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::shell::{self, Result};
use crate::standin::{Played, Standin};
use crate::{dist, oracles};
use peers::Peers;
use row::{Bound, Row};

const STOCK: &str = "tests/fixtures/stock/docker-compose.yml";

/// A whole run of keygen may take this many times `openssl rand -hex 25`.
const KEYGEN_AT_MOST: f64 = 0.6;
/// compose-lint must take this many times what verify takes for the stock file.
const VERIFY_AT_LEAST: f64 = 60.0;
/// The example of the core that is nothing but the YAML parser.
const PARSER: &str = "events";
/// Bounds of inject on a compose file of 10 MB; of memory, ten times that and 10 MB more.
const INJECT_SECONDS: f64 = 2.0;
const INJECT_MEGABYTES: f64 = 110.0;
const SERVICES: usize = 10_000;
/// The same time may be this many times what its YAML parser takes for the same file.
const INJECT_AT_MOST: f64 = 4.0;
/// Twice as much may take this many times as long.
const MOST_AT_DOUBLE: f64 = 2.3;
/// Bounds of verify on this many servers that take this many seconds longer for every answer. The time is held against what
/// these jobs need for all the requests when none of them ever waits: a new default to try makes both longer.
const FLEET_AT_MOST: f64 = 1.1;
const FLEET_MEGABYTES: f64 = 50.0;
const SERVERS: usize = 100;
const DELAY: f64 = 0.2;
const JOBS: usize = 32;

/// What a look at one file is spent on.
const ONE_FILE: &str = "nine million instructions, of which 40 % read the deployment, 28 % ask the rules what is wrong with it, 14 % print and 10 % \
                        start the program; and 290 page faults, where `true` has 50.";

/// What inject takes for a large file.
const PROOF: &str = "70 % is the proof: the edited text is read again (26 %), and serde_yaml, as a second parser, reads it before and \
                     after (37 %).";

/// Runs its arguments and prints the wall time in seconds and the peak of memory in KiB. The first argument is
/// the file for standard output, the second one the highest exit code that is no failure. Only the parent of a process learns
/// its peak.
const MEASURE: &str = "\
import resource, subprocess, sys, time
with open(sys.argv[1], 'wb') as out:
    start = time.perf_counter()
    run = subprocess.run(sys.argv[3:], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE)
    if run.returncode > int(sys.argv[2]):
        sys.stderr.buffer.write(run.stderr)
        sys.exit(1)
    print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
";

/// What a run works with.
struct Bench {
    /// Where the tests' programs of others are.
    oracles: PathBuf,
    /// Where ours are.
    programs: PathBuf,
    peers: Peers,
    /// A folder in no repository: looking for one above each deployment would be measured as well.
    folder: PathBuf,
    /// The stock file, in it.
    stock: PathBuf,
}

impl Drop for Bench {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Runs the task; `--programs DIR` takes those that were built before.
pub(crate) fn run(arguments: &[String]) -> Result {
    let programs = match arguments {
        [] => dist::linked(&[PARSER])?,
        [option, folder] if option == "--programs" => folder.into(),
        _ => return Err("it takes --programs DIR, or nothing".to_owned()),
    };
    let bench = Bench::set_up(&programs)?;
    let mut rows = bench.starts()?;
    rows.extend(bench.peers()?);
    rows.extend(bench.many()?);
    rows.extend(bench.cluster()?);
    rows.extend(bench.large()?);
    rows.extend(bench.limits()?);
    rows.extend(bench.live()?);
    bench.draw_growth()?;
    page::write(&rows, &bench.versions())?;
    for row in &rows {
        println!("{row}");
    }
    let missed = rows.iter().filter(|row| !row.holds());
    let missed: Vec<&str> = missed.map(|row| row.work.as_str()).collect();
    if missed.is_empty() {
        Ok(())
    } else {
        Err(format!("missed: {}", missed.join("; ")))
    }
}

impl Bench {
    fn set_up(programs: &Path) -> Result<Self> {
        let name = format!("clearml-secure-bench-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        fs::create_dir(&folder).map_err(failed)?;
        let bench = Self {
            oracles: oracles::set_up(false)?.folder,
            programs: std::path::absolute(programs).map_err(|error| error.to_string())?,
            peers: Peers::set_up()?,
            stock: folder.join("stock/docker-compose.yml"),
            folder: folder.clone(),
        };
        bench.copy_stock(&bench.stock)?;
        Ok(bench)
    }

    fn copy_stock(&self, to: &Path) -> Result {
        let failed = |error: std::io::Error| format!("{}: {error}", to.display());
        fs::create_dir_all(to.parent().unwrap_or(&self.folder)).map_err(failed)?;
        fs::copy(shell::root().join(STOCK), to).map_err(failed)?;
        Ok(())
    }

    /// One of our programs.
    fn program(&self, name: &str) -> Command {
        Command::new(self.programs.join(name))
    }

    fn lint(&self) -> Command {
        Command::new(self.oracles.join("venv/bin/compose-lint"))
    }

    /// A keyset.
    fn keys(&self) -> Result<PathBuf> {
        let keys = self.folder.join("keys.json");
        let mut keygen = self.program("clearml-keygen");
        shell::output(keygen.args(["-f", "json", "--force", "-o"]).arg(&keys))?;
        Ok(keys)
    }

    /// Who took part, and what tells its version.
    fn versions(&self) -> Vec<(&'static str, Command)> {
        let mut versions = vec![
            ("clearml-verify", self.program("clearml-verify")),
            ("openssl", Command::new("openssl")),
            ("compose-lint", self.lint()),
        ];
        let peers = [
            ("ripgrep", "rg"),
            ("detect-secrets", "detect-secrets"),
            ("checkov", "checkov"),
        ];
        versions.extend(peers.into_iter().filter_map(|(name, program)| {
            let program = self.peers.program(program)?;
            Some((name, Command::new(program)))
        }));
        versions
    }

    /// Programs that have little to do.
    fn starts(&self) -> Result<Vec<Row>> {
        let keygen = medians(
            101,
            &mut self.program("clearml-keygen"),
            Command::new("openssl").args(["rand", "-hex", "25"]),
        )?;
        let verify = medians(
            21,
            self.program("clearml-verify").arg(&self.stock),
            self.lint().arg(&self.stock),
        )?;
        Ok(vec![
            Row::ratio("keygen / openssl", keygen, Bound::AtMost(KEYGEN_AT_MOST))
                .by("`clearml-keygen`, `openssl rand -hex 25`"),
            Row::ratio(
                "compose-lint / verify, the stock file",
                verify,
                Bound::AtLeast(VERIFY_AT_LEAST),
            )
            .by("`clearml-verify docker-compose.yml`, `compose-lint docker-compose.yml`")
            .because(ONE_FILE),
        ])
    }

    /// A compose file of 10 MB.
    fn large(&self) -> Result<Vec<Row>> {
        let path = self.folder.join("large.yml");
        fs::write(&path, large_compose_file())
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let mut inject = self.program("clearml-inject");
        inject.arg("-k").arg(self.keys()?).arg(&path);
        let (seconds, megabytes) = self.measured(5, &self.folder.join("secured.yml"), &inject)?;
        let work = format!("inject, {SERVICES} services in 10 MB");
        let mut parser = Command::new(self.programs.join("examples").join(PARSER));
        let parsed = time(parser.arg(&path))?.min(time(&mut parser)?);
        Ok(vec![
            Row::ratio(
                format!("{work} / granit-parser alone"),
                (seconds, parsed),
                Bound::AtMost(INJECT_AT_MOST),
            )
            .by("`clearml-inject -k keys.json large.yml`, `events large.yml`")
            .because(PROOF),
            Row::seconds(format!("{work}: time"), seconds, INJECT_SECONDS)
                .by("`clearml-inject -k keys.json large.yml`")
                .because(PROOF),
            Row::megabytes(format!("{work}: memory"), megabytes, INJECT_MEGABYTES).because(
                "the proof's second parser, serde_yaml, makes a list of all events of a document before it gives the first: 107 of the 138 MB \
                 on the heap then (heaptrack).",
            ),
        ])
    }

    /// Many running servers at once: one, at many addresses of this machine. Of one address that is named twice it is asked once.
    fn live(&self) -> Result<Vec<Row>> {
        let requests = self.requests()?;
        let standin = Standin::start(&oracles::python(&self.oracles), &self.played(DELAY))?;
        let mut verify = self.program("clearml-verify");
        verify.args(["--jobs", &JOBS.to_string()]);
        let address = |number: usize| {
            let host = format!("127.0.0.{number}");
            standin.address.replace("127.0.0.1", &host)
        };
        verify.args((1..=SERVERS).map(address));
        let (seconds, megabytes) = self.measured(1, Path::new("/dev/null"), &verify)?;
        let work = format!("verify, {SERVERS} servers, 200 ms an answer");
        let compared = format!("{work} / {requests} requests to each that never wait");
        let times = (seconds, least_seconds(requests));
        Ok(vec![
            Row::ratio(compared, times, Bound::AtMost(FLEET_AT_MOST)).by(format!(
                "`clearml-verify --jobs {JOBS} http://localhost:PORT …`, beside a stand-in of the tests"
            )),
            Row::megabytes(format!("{work}: memory"), megabytes, FLEET_MEGABYTES),
        ])
    }

    /// How many requests a server is sent.
    fn requests(&self) -> Result<usize> {
        let record = self.folder.join("requests");
        let failed = |error: std::io::Error| format!("{}: {error}", record.display());
        fs::write(&record, "").map_err(failed)?;
        let played = Played {
            record: Some(&record),
            ..self.played(0.0)
        };
        let standin = Standin::start(&oracles::python(&self.oracles), &played)?;
        time(self.program("clearml-verify").arg(&standin.address))?;
        Ok(fs::read_to_string(&record).map_err(failed)?.lines().count())
    }

    fn played(&self, delay: f64) -> Played<'_> {
        Played {
            compose: &self.stock,
            env_file: None,
            version: "2.0.0",
            address: "0.0.0.0",
            delay,
            record: None,
        }
    }

    /// The median time in seconds and the largest peak of memory in megabytes of a command that writes to a file.
    fn measured(&self, rounds: usize, out: &Path, command: &Command) -> Result<(f64, f64)> {
        // Findings are no failure.
        self.measured_of(rounds, 1, out, command)
    }

    /// The same of one that may end with any exit code up to this one.
    fn measured_of(
        &self,
        rounds: usize,
        highest: u8,
        out: &Path,
        command: &Command,
    ) -> Result<(f64, f64)> {
        let (mut times, mut peak) = (Vec::new(), 0.0_f64);
        for _ in 0..rounds {
            let printed = shell::output(
                Command::new(oracles::python(&self.oracles))
                    .args(["-c", MEASURE])
                    .arg(out)
                    .arg(highest.to_string())
                    .arg(command.get_program())
                    .args(command.get_args()),
            )?;
            let mut numbers = printed.split_whitespace().map(str::parse::<f64>);
            let (Some(Ok(seconds)), Some(Ok(kibibytes))) = (numbers.next(), numbers.next()) else {
                return Err(format!("not two numbers: {printed}"));
            };
            times.push(seconds);
            peak = peak.max(kibibytes * 1024.0 / 1e6);
        }
        times.sort_by(f64::total_cmp);
        Ok((times[rounds / 2], peak))
    }
}

/// Median wall times in seconds of two commands that run in turns.
fn medians(rounds: usize, ours: &mut Command, theirs: &mut Command) -> Result<(f64, f64)> {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        first.push(time(ours)?);
        second.push(time(theirs)?);
    }
    first.sort_by(f64::total_cmp);
    second.sort_by(f64::total_cmp);
    Ok((first[rounds / 2], second[rounds / 2]))
}

/// The wall time in seconds.
fn time(command: &mut Command) -> Result<f64> {
    command
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let start = Instant::now();
    let status = command
        .status()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let elapsed = start.elapsed().as_secs_f64();
    // Both verifiers end with 1 on the stock file: they find something. More than that is a failure to run.
    match status.code() {
        Some(0 | 1) => Ok(elapsed),
        _ => Err(format!("{command:?} ended with {status}")),
    }
}

/// The least time in seconds for so many requests to every server.
fn least_seconds(requests: usize) -> f64 {
    // Some thousands are exact in any type.
    let rounds = u32::try_from((requests * SERVERS).div_ceil(JOBS)).unwrap_or(u32::MAX);
    f64::from(rounds) * DELAY
}

/// A ClearML Server among thousands of other services: 10 MB in all.
fn large_compose_file() -> String {
    let services = (0..SERVICES).map(service);
    format!("services:\n{}", services.collect::<String>())
}

/// One of them, of about 1,000 bytes.
fn service(number: usize) -> String {
    let (image, command) = match number {
        2_500 => ("clearml/server:2.3.0", "apiserver"),
        5_000 => ("clearml/server:2.3.0", "fileserver"),
        7_500 => ("clearml/server:2.3.0", "webserver"),
        _ => ("example/worker:1.0", "worker"),
    };
    let variables = (0..16).map(|variable| {
        format!("      VARIABLE_{variable}: \"value {variable} of service {number}\"  # as ever\n")
    });
    format!(
        "  service-{number}:\n    image: {image}\n    command: [{command}]\n    restart: unless-stopped\n    environment:\n{}    volumes:\n      - /srv/data/{number}:/data\n    labels:\n      owner: somebody\n",
        variables.collect::<String>()
    )
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

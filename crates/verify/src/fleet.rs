//! All running servers of the command line at once: bounded together, with progress, until they are done or the
//! user has seen enough.
//!
//! The requests are made by threads that may be left behind. The main thread only collects what they tell, so that
//! neither a server that keeps a thread waiting nor an interruption keeps it from printing what is known.

use std::io::{self, IsTerminal};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use clearml_secure_core::setting::Server;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::prelude::*;

use crate::cli::Cli;
use crate::error::Error;
use crate::keys::Keys;
use crate::live::{Client, Given, Seen, Site};
use crate::output::{Report, Subject};
use crate::probes::{PROBES, Probe};
use crate::target;

/// All requests together take no longer than this many times the bound of one, for every server that a worker has to
/// wait for.
const REQUESTS: u32 = 12;

/// What a program ends with that a second interruption ends: 128 and the number of SIGINT.
const INTERRUPTED: i32 = 130;

/// What the workers tell.
enum Event {
    /// The parts of a server, by its place in the command line.
    Found(usize, Arc<Site>, Seen),
    /// What a probe, by its place in the list, has seen of it.
    Looked(usize, usize, Seen),
    /// The user wants no more.
    Interrupted,
}

/// What is known of a server so far.
#[derive(Default)]
struct Known {
    site: Option<Arc<Site>>,
    /// By the place of the probe.
    seen: Vec<Option<Seen>>,
    finding: Seen,
}

/// Asks the running servers among the targets.
///
/// # Errors
/// An address that is none, or no threads to be had.
pub(crate) fn look(cli: &Cli, keys: &Keys) -> Result<Vec<Report>, Error> {
    let targets = target::servers(cli)?;
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let probes: Arc<[&'static dyn Probe]> = PROBES
        .iter()
        .copied()
        .filter(|probe| !cli.ignore.iter().any(|id| id == probe.id()))
        .collect();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(usize::from(cli.jobs))
        .build()
        .map_err(|error| Error::Threads(error.to_string()))?;
    let timeout = Duration::from_secs(cli.timeout.into());
    let rounds = targets.len().div_ceil(usize::from(cli.jobs));
    let bound = timeout * REQUESTS * u32::try_from(rounds).unwrap_or(u32::MAX / REQUESTS / 600);
    let deadline = Instant::now() + bound;
    let client = Client::new(timeout, deadline);
    let (sender, receiver) = mpsc::channel();
    interrupt(sender.clone())?;
    for (place, target) in targets.iter().enumerate() {
        let given = Given {
            target: target.clone(),
            api: cli.api.clone(),
            files: cli.files.clone(),
            web: cli.web.clone(),
            client: client.clone(),
            keys: keys.new.clone(),
            old_keys: keys.old.clone(),
            allow_plain_http: cli.allow_plain_http,
        };
        let (sender, probes) = (sender.clone(), Arc::clone(&probes));
        pool.spawn(move || ask(place, &given, &probes, &sender));
    }
    let bar = progress(cli, targets.len() * (1 + probes.len()));
    // Requests that end at the deadline are still told.
    let (known, missing) = collect(&receiver, deadline + timeout, targets.len(), &probes, &bar);
    bar.finish_and_clear();
    let reports = targets.into_iter().zip(known);
    Ok(reports
        .map(|(target, known)| report(target, known, &probes, missing))
        .collect())
}

/// Finds a server's parts and looks with every probe. That nobody listens any more is no error.
fn ask(place: usize, given: &Given, probes: &[&'static dyn Probe], sender: &Sender<Event>) {
    let mut seen = Seen::default();
    let site = Arc::new(Site::find(given, &mut seen));
    drop(sender.send(Event::Found(place, Arc::clone(&site), seen)));
    probes.par_iter().enumerate().for_each(|(number, probe)| {
        let mut seen = Seen::default();
        probe.look(&site, &mut seen);
        drop(sender.send(Event::Looked(place, number, seen)));
    });
}

/// Lets the first interruption end the waiting, and the second the program.
fn interrupt(sender: Sender<Event>) -> Result<(), Error> {
    let is_second = AtomicBool::new(false);
    #[expect(
        clippy::exit,
        reason = "whoever interrupts twice does not want to wait for anything"
    )]
    let handler = move || {
        if is_second.swap(true, Ordering::Relaxed) {
            process::exit(INTERRUPTED);
        }
        drop(sender.send(Event::Interrupted));
    };
    ctrlc::set_handler(handler).map_err(|error| Error::Threads(error.to_string()))
}

/// A bar on a terminal, and nothing elsewhere.
fn progress(cli: &Cli, length: usize) -> ProgressBar {
    let is_shown = !cli.quiet && io::stderr().is_terminal();
    let target = if is_shown {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(length as u64), target);
    if let Ok(style) = ProgressStyle::with_template("asking {wide_bar} {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    if is_shown {
        bar.enable_steady_tick(Duration::from_millis(200));
    }
    bar
}

/// Waits for everything, the deadline or the user; the reason is why something may be missing.
fn collect(
    receiver: &Receiver<Event>,
    deadline: Instant,
    servers: usize,
    probes: &[&'static dyn Probe],
    bar: &ProgressBar,
) -> (Vec<Known>, &'static str) {
    let mut known: Vec<Known> = (0..servers)
        .map(|_| Known {
            seen: probes.iter().map(|_| None).collect(),
            ..Known::default()
        })
        .collect();
    let mut left = servers * (1 + probes.len());
    while left > 0 {
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Event::Found(place, site, seen)) => {
                known[place].site = Some(site);
                known[place].finding = seen;
            }
            Ok(Event::Looked(place, number, seen)) => known[place].seen[number] = Some(seen),
            Ok(Event::Interrupted) => return (known, "it was interrupted"),
            // The sender of interruptions is never gone.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return (known, "the time for all requests is over");
            }
        }
        left -= 1;
        bar.inc(1);
    }
    (known, "")
}

/// What is known, and what is missing as unknown.
fn report(
    target: String,
    known: Known,
    probes: &[&'static dyn Probe],
    missing: &'static str,
) -> Report {
    let mut together = known.finding;
    if known.site.is_none() {
        together.unknown(&format!("the parts of {target}"), missing);
    }
    for (probe, seen) in probes.iter().zip(known.seen) {
        match seen {
            Some(seen) => together.add(seen),
            // Where no part was found yet, that says it.
            None if known.site.is_some() => {
                together.unknown(&format!("{} at {target}", probe.id()), missing);
            }
            None => {}
        }
    }
    together
        .findings
        .sort_by_key(|finding| (finding.severity, finding.rule));
    let part = |server, address: fn(&Site) -> &Option<String>| {
        let address = known
            .site
            .as_deref()
            .and_then(|site| address(site).clone())?;
        Some((server, address))
    };
    let parts = [
        part(Server::Apiserver, |site| &site.api),
        part(Server::Fileserver, |site| &site.files),
        part(Server::Webserver, |site| &site.web),
    ];
    Report {
        subject: Subject::Server {
            parts: parts.into_iter().flatten().collect(),
            target,
        },
        findings: together.findings,
        unseen: together.unseen,
    }
}

//! All running servers of the command line at once: bounded together, with progress, until they are done or the
//! user has seen enough.
//!
//! The requests are made by threads that may be left behind. The main thread only collects what they tell, so that
//! neither a server that keeps a thread waiting nor an interruption keeps it from printing what is known.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use clearml_secure_cli::interrupt;
use clearml_secure_core::setting::Server;
use clearml_secure_core::source::Sources;
use clearml_secure_core::unseen::Unseen;

use crate::cli::Cli;
use crate::clients;
use crate::error::Error;
use crate::fix::Names;
use crate::keys::Keys;
use crate::live::{Bounds, Client, Given, MOST_REQUESTS, Release, Seen, Site, together};
use crate::probes::{PROBES, Probe};
use crate::report::{NotChecked, PublicKeys, Report, Subject, Texts};
use crate::run::progress::Progress;
use crate::target;
use crate::target::shard::Share;

/// All requests together take no longer than this many times the bound of one: no chain of requests that depend on each
/// other is longer.
const CHAIN: u32 = 12;

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

/// Asks the running servers among the targets; what a person should know about how goes to the remarks.
///
/// # Errors
/// An address that is none, or no threads to be had.
pub(crate) fn look(
    cli: &Cli,
    keys: &Keys,
    share: &mut Share,
    remarks: &mut Vec<String>,
) -> Result<Vec<Report>, Error> {
    let mut targets = target::servers(cli)?;
    targets.retain(|url| share.takes_server(url));
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let probes: Arc<[&'static dyn Probe]> = PROBES
        .iter()
        .copied()
        .filter(|probe| !cli.ignore.iter().any(|id| id == probe.id()))
        // Who is there is asked alone, and only when somebody wants to know.
        .filter(|probe| cli.clients == (probe.id() == clients::ID))
        .collect();
    let timeout = Duration::from_secs(cli.timeout.into());
    let deadline = Instant::now() + bound(timeout, targets.len(), cli.jobs, cli.rate);
    let client = Client::new(Bounds {
        timeout,
        deadline,
        jobs: cli.jobs,
        rate: cli.rate,
    });
    let (sender, receiver) = mpsc::channel();
    let interrupted = sender.clone();
    interrupt::listen(move || interrupted.send(Event::Interrupted).is_ok());
    let given = targets.iter().map(|target| Given {
        target: target.clone(),
        api: cli.api.as_deref().map(target::asked),
        files: cli.files.as_deref().map(target::asked),
        web: cli.web.as_deref().map(target::asked),
        client: client.for_a_server(),
        keys: keys.new.clone(),
        old_keys: keys.old.clone(),
        allow_plain_http: cli.allow_plain_http,
    });
    let waiting = Arc::new(Mutex::new(given.enumerate().collect::<VecDeque<_>>()));
    let mut started = 0;
    for _ in 0..at_once(targets.len(), cli.jobs) {
        let (waiting, probes, sender) = (waiting.clone(), probes.clone(), sender.clone());
        let work = move || {
            while let Some((place, given)) = next(&waiting) {
                ask(place, &given, &probes, &sender);
            }
        };
        match Builder::new().spawn(work) {
            Ok(_) => started += 1,
            // The others do its work.
            Err(_) if started > 0 => break,
            Err(error) => return Err(Error::Threads(error.to_string())),
        }
    }
    let steps = targets.len() * (1 + probes.len());
    let mut progress = Progress::new(cli, "asking", steps).at_once();
    // Requests that end at the deadline are still told.
    let (known, missing) = collect(
        &receiver,
        deadline + timeout,
        targets.len(),
        &probes,
        &mut progress,
    );
    progress.end();
    let given = cli.keys.as_deref().filter(|path| path.is_file());
    let reports = targets.into_iter().zip(known);
    Ok(reports
        .map(|(target, known)| report((target, given), known, &probes, missing, remarks))
        .collect())
}

/// How many servers are looked at at the same time. Each has many questions at once, so that a part of the jobs keeps all
/// of them busy.
fn at_once(servers: usize, jobs: u16) -> usize {
    servers.min(1 + usize::from(jobs) / 4)
}

/// The next server that nobody looks at.
fn next<T>(waiting: &Mutex<VecDeque<T>>) -> Option<T> {
    waiting
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop_front()
}

/// How long everything may take: the requests that the jobs share, and the pauses between those to one host, which may
/// be that of all servers.
fn bound(timeout: Duration, servers: usize, jobs: u16, rate: Option<f64>) -> Duration {
    // A command line has room for no more.
    let servers = u32::try_from(servers).unwrap_or(1_000_000).min(1_000_000);
    let requests = MOST_REQUESTS * servers;
    let longest = Duration::from_secs(10 * 365 * 24 * 3600);
    let paused = Client::pauses(rate, requests).min(longest);
    timeout * (CHAIN + requests.div_ceil(u32::from(jobs))) + paused
}

/// Finds a server's parts and looks with every probe, at each address of its name. That nobody listens any more is no
/// error.
fn ask(place: usize, given: &Given, probes: &[&'static dyn Probe], sender: &Sender<Event>) {
    let mut seen = Seen::default();
    let sites = Site::find_all(given, &mut seen);
    drop(sender.send(Event::Found(place, Arc::clone(&sites[0]), seen)));
    let numbered: Vec<_> = probes.iter().enumerate().collect();
    together(&numbered, |(number, probe)| {
        let seen = together(&sites, |site| {
            let mut seen = Seen::default();
            probe.look(site, &mut seen);
            (site.at, seen)
        });
        drop(sender.send(Event::Looked(place, *number, Seen::of_all(seen))));
    });
    for site in sites {
        site.forget();
    }
}

/// Waits for everything, the deadline or the user; the reason is why something may be missing.
fn collect(
    receiver: &Receiver<Event>,
    deadline: Instant,
    servers: usize,
    probes: &[&'static dyn Probe],
    progress: &mut Progress,
) -> (Vec<Known>, &'static str) {
    let mut known: Vec<Known> = (0..servers)
        .map(|_| Known {
            seen: probes.iter().map(|_| None).collect(),
            ..Known::default()
        })
        .collect();
    let mut left = servers * (1 + probes.len());
    let mut missing = "";
    while left > 0 {
        // Once it is over, only what was told in time is taken.
        let event = if missing.is_empty() {
            receiver.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        } else {
            receiver.try_recv().map_err(|_| RecvTimeoutError::Timeout)
        };
        match event {
            Ok(Event::Found(place, site, seen)) => {
                known[place].site = Some(site);
                known[place].finding = seen;
            }
            Ok(Event::Looked(place, number, seen)) => known[place].seen[number] = Some(seen),
            Ok(Event::Interrupted) => {
                missing = "it was interrupted";
                continue;
            }
            Err(_) if missing.is_empty() => {
                missing = "the time for all requests ran out";
                continue;
            }
            Err(_) => break,
        }
        left -= 1;
        progress.step();
    }
    (known, missing)
}

impl PublicKeys {
    /// Adds what a probe has seen; none where it was not done in time.
    fn add(&mut self, seen: Option<&Seen>) {
        self.wrong += seen.map_or(0, |seen| seen.findings.len());
        self.open += seen.map_or(1, |seen| seen.unseen.len());
    }
}

/// What is known, and what is missing as unknown. The keyset that was given is named in commands.
fn report(
    (target, keys): (String, Option<&Path>),
    known: Known,
    probes: &[&'static dyn Probe],
    missing: &'static str,
    remarks: &mut Vec<String>,
) -> Report {
    let mut together = known.finding;
    if known.site.is_none() {
        together.unknown(&format!("the parts of {target}"), missing);
    }
    let mut findings = Vec::new();
    let mut public_keys = PublicKeys::default();
    if probes.iter().all(|probe| probe.id() == clients::ID) {
        // Clients log in at the API server.
        let is_other = |unseen: &Unseen| !unseen.what.starts_with("the API server");
        together.unseen.retain(|unseen| !is_other(unseen));
    }
    for (probe, seen) in probes.iter().zip(known.seen) {
        if probe.is_about_public_keys() {
            public_keys.add(seen.as_ref());
        }
        match seen {
            Some(seen) => {
                let found = together.add(seen).into_iter();
                findings.extend(found.map(|draft| draft.of(probe.id())));
            }
            // Where no part was found yet, that says it.
            None if known.site.is_some() => {
                together.unknown(&format!("{} at {target}", probe.id()), missing);
            }
            None => {}
        }
    }
    findings.sort_by_key(|finding| (finding.severity, finding.rule));
    Names::in_helps(&mut findings, keys);
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
    let release = known
        .site
        .as_deref()
        .and_then(|site| site.release.get().copied());
    let version = match release {
        Some(Release::Told(version)) => Some(version),
        _ => None,
    };
    remarks.extend(together.remarks);
    Report {
        subject: Subject::Server {
            version,
            parts: parts.into_iter().flatten().collect(),
            target,
        },
        findings: Texts::of(&Sources::new()).tell(findings),
        silenced: Vec::new(),
        left_out: 0,
        left_unchecked: 0,
        unknown: together
            .unseen
            .into_iter()
            .map(|unseen| NotChecked::of(unseen, &Sources::new()))
            .collect(),
        checks: together.checks,
        public_keys,
        people: together.people,
        is_besides: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_jobs_have_more_time() {
        let second = Duration::from_secs(1);
        let rate = Some(f64::from(MOST_REQUESTS));
        assert_eq!(bound(second, 1, 32, rate), (12 + 7 + 1) * second);
        assert_eq!(bound(second, 1, 1, rate), (12 + 200 + 1) * second);
        assert_eq!(bound(second, 100, 32, rate), (12 + 625 + 100) * second);
        // And so has a slow pace.
        assert_eq!(bound(second, 1, 32, Some(0.1)), (12 + 7 + 2000) * second);
        // The most that can be asked for does not overflow.
        assert!(
            Instant::now()
                .checked_add(bound(600 * second, usize::MAX, 1, Some(0.001)))
                .is_some()
        );
    }
}

//! How fast a host is asked, and that it is no longer asked once it has had enough.
//!
//! A server that bans anyone who asks too often would ban the user's machine.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Failure, is_loopback};

/// Requests in a second to a host that is another machine, unless `--rate` says otherwise.
const USUAL: f64 = 10.0;

/// When each host may be asked again.
pub(super) struct Pace {
    /// Requests in a second, for every host.
    rate: Option<f64>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// When the next request may be made.
    next: HashMap<String, Instant>,
    /// Servers, by host and port, that have had enough, of keys or of everything.
    refusals: HashMap<String, Refusal>,
}

/// What a server wants no more of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Refusal {
    /// Keys and tokens: something in front of it took one for a login of its own, and refused it. Each further one would
    /// count as an attempt to get in.
    Keys,
    /// Requests.
    Everything,
}

impl Refusal {
    fn failure(self) -> Failure {
        Failure::new(match self {
            Self::Keys => {
                "something in front of it asks for its own login, so no more keys and tokens were sent"
            }
            Self::Everything => {
                "it answered 429 (too many requests), so no more was asked: use --rate 1"
            }
        })
    }
}

impl Pace {
    pub(super) fn new(rate: Option<f64>) -> Self {
        Self {
            rate,
            known: Mutex::default(),
        }
    }

    /// How long so many requests to a host take at least.
    pub(super) fn takes(rate: Option<f64>, requests: u32) -> Duration {
        Duration::try_from_secs_f64(f64::from(requests) / rate.unwrap_or(USUAL))
            .unwrap_or(Duration::MAX)
    }

    /// Waits until a host may be asked again. Its server is asked with keys, or without.
    ///
    /// # Errors
    /// That would be after the deadline, or the server has had enough.
    pub(super) fn wait(
        &self,
        host: &str,
        server: &str,
        with_keys: bool,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let rate = match self.rate {
            Some(rate) => Some(rate),
            // Nobody is banned from one's own machine.
            None => (!is_loopback(host)).then_some(USUAL),
        };
        let turn = {
            let mut known = self.known();
            match known.refusals.get(server) {
                Some(refusal) if with_keys || *refusal == Refusal::Everything => {
                    return Err(refusal.failure());
                }
                _ => {}
            }
            let now = Instant::now();
            let next = known.next.entry(host.to_ascii_lowercase()).or_insert(now);
            let turn = (*next).max(now);
            if turn > deadline {
                return Err(Failure::over());
            }
            *next = turn + rate.map_or(Duration::ZERO, |rate| Self::takes(Some(rate), 1));
            turn
        };
        thread::sleep(turn.saturating_duration_since(Instant::now()));
        Ok(())
    }

    /// A server has had enough.
    pub(super) fn enough(&self, server: &str, of: Refusal) {
        let mut known = self.known();
        let refusal = known.refusals.entry(server.to_owned()).or_insert(of);
        *refusal = of.max(*refusal);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Entries are changed as a whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "http://clearml.example.com";

    #[test]
    fn another_machine_is_asked_slowly() {
        let pace = Pace::new(None);
        let far = Instant::now() + Duration::from_secs(60);
        let since = Instant::now();
        for _ in 0..4 {
            pace.wait("clearml.example.com", SERVER, true, far).unwrap();
        }
        assert!(since.elapsed() >= Duration::from_millis(299));
        let since = Instant::now();
        for _ in 0..100 {
            pace.wait("127.0.0.1", "http://127.0.0.1", true, far)
                .unwrap();
        }
        assert!(since.elapsed() < Duration::from_secs(1));
    }

    #[test]
    fn who_has_had_enough_is_left_alone() {
        let pace = Pace::new(Some(1000.0));
        let far = Instant::now() + Duration::from_secs(60);
        let may = |server: &str, with_keys| pace.wait("h", server, with_keys, far).is_ok();
        pace.enough(SERVER, Refusal::Keys);
        assert!(may(SERVER, false) && !may(SERVER, true) && may("http://h:8081", true));
        pace.enough(SERVER, Refusal::Everything);
        pace.enough(SERVER, Refusal::Keys);
        assert!(!may(SERVER, false) && may("http://h:8081", true));
    }

    #[test]
    fn a_rate_of_the_users_is_for_every_host_and_knows_the_deadline() {
        let pace = Pace::new(Some(0.1));
        let soon = Instant::now() + Duration::from_secs(1);
        pace.wait("localhost", SERVER, false, soon).unwrap();
        assert!(pace.wait("localhost", SERVER, false, soon).is_err());
        assert_eq!(Pace::takes(Some(0.5), 10), Duration::from_secs(20));
    }
}

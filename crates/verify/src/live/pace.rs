//! How fast a host is asked, and that it is no longer asked once it has had enough.
//!
//! A server that bans whoever asks too often would ban the user's machine.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Failure, is_loopback};

/// Requests in a second to a host that is another machine, unless `--rate` says otherwise.
const USUAL: f64 = 10.0;

/// When each host may be asked again.
pub(super) struct Pace {
    /// Requests in a second, for every host.
    rate: Option<f64>,
    hosts: Mutex<HashMap<String, Host>>,
}

#[derive(Clone, Copy)]
struct Host {
    next: Instant,
    has_enough: bool,
}

impl Pace {
    pub(super) fn new(rate: Option<f64>) -> Self {
        Self {
            rate,
            hosts: Mutex::default(),
        }
    }

    /// How long so many requests to a host take at least.
    pub(super) fn takes(rate: Option<f64>, requests: u32) -> Duration {
        Duration::try_from_secs_f64(f64::from(requests) / rate.unwrap_or(USUAL))
            .unwrap_or(Duration::MAX)
    }

    /// Waits until a host may be asked again.
    ///
    /// # Errors
    /// That would be after the deadline, or it has had enough.
    pub(super) fn wait(&self, host: &str, deadline: Instant) -> Result<(), Failure> {
        let rate = match self.rate {
            Some(rate) => Some(rate),
            // Nobody is banned from one's own machine.
            None => (!is_loopback(host)).then_some(USUAL),
        };
        let turn = {
            let mut hosts = self.hosts();
            let now = Instant::now();
            let known = hosts.entry(host.to_ascii_lowercase()).or_insert(Host {
                next: now,
                has_enough: false,
            });
            if known.has_enough {
                return Err(Failure::new(
                    "it answered 429, too many requests, and is asked no more; ask slower: --rate 1",
                ));
            }
            let turn = known.next.max(now);
            if turn > deadline {
                return Err(Failure::new("the time for all requests is over"));
            }
            known.next = turn + rate.map_or(Duration::ZERO, |rate| Self::takes(Some(rate), 1));
            turn
        };
        thread::sleep(turn.saturating_duration_since(Instant::now()));
        Ok(())
    }

    /// A host has had enough.
    pub(super) fn enough(&self, host: &str) {
        if let Some(known) = self.hosts().get_mut(&host.to_ascii_lowercase()) {
            known.has_enough = true;
        }
    }

    fn hosts(&self) -> std::sync::MutexGuard<'_, HashMap<String, Host>> {
        // Entries are changed as a whole.
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_is_asked_slowly_and_not_after_it_had_enough() {
        let pace = Pace::new(None);
        let far = Instant::now() + Duration::from_secs(60);
        let since = Instant::now();
        for _ in 0..4 {
            pace.wait("clearml.example.com", far).unwrap();
        }
        assert!(since.elapsed() >= Duration::from_millis(299));
        let since = Instant::now();
        for _ in 0..100 {
            pace.wait("127.0.0.1", far).unwrap();
        }
        assert!(since.elapsed() < Duration::from_secs(1));
        pace.enough("CLEARML.example.com");
        assert!(pace.wait("clearml.example.com", far).is_err());
        assert!(pace.wait("other.example.com", far).is_ok());
    }

    #[test]
    fn a_rate_of_the_users_is_for_every_host_and_knows_the_deadline() {
        let pace = Pace::new(Some(0.1));
        let soon = Instant::now() + Duration::from_secs(1);
        pace.wait("localhost", soon).unwrap();
        assert!(pace.wait("localhost", soon).is_err());
        assert_eq!(Pace::takes(Some(0.5), 10), Duration::from_secs(20));
    }
}

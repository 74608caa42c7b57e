//! What several probes ask is asked once: a server is kept busy no longer than need be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sha2::{Digest, Sha256};

use super::{Answer, Failure};

/// The answers of a server. Of the questions, which may hold a secret, only digests are kept.
#[derive(Default)]
pub(super) struct Asked(Mutex<HashMap<[u8; 32], Slot>>);

/// The answer to one question; anyone who asks while it is under way waits for it.
type Slot = Arc<OnceLock<Result<Answer, Failure>>>;

impl Asked {
    /// The answer to a GET of an address with headers, which `ask` asks for if nobody has.
    pub(super) fn once(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        ask: impl FnOnce() -> Result<Answer, Failure>,
    ) -> Result<Answer, Failure> {
        let slot = Arc::clone(self.slots().entry(digest(url, headers)).or_default());
        slot.get_or_init(ask).clone()
    }

    /// The same, whatever was answered before.
    pub(super) fn again(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        ask: impl FnOnce() -> Result<Answer, Failure>,
    ) -> Result<Answer, Failure> {
        self.slots().remove(&digest(url, headers));
        self.once(url, headers, ask)
    }

    /// Forgets everything: servers may be many.
    pub(super) fn forget(&self) {
        self.slots().clear();
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Slot>> {
        // A thread that ended in the middle left nothing half done: entries are added and removed as a whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest(url: &str, headers: &[(&str, &str)]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in headers.iter().flat_map(|(name, value)| [name, value]) {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    digest.update(url);
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_the_same_is_not_asked_again() {
        let asked = Asked::default();
        let mut count = 0;
        for (url, header) in [
            ("http://a/", "x"),
            ("http://a/", "x"),
            ("http://a/", "y"),
            ("http://b/", "x"),
        ] {
            let answer = asked.once(url, &[("Authorization", header)], || {
                count += 1;
                Err(Failure::new(header))
            });
            assert_eq!(answer.err().unwrap().to_string(), header);
        }
        assert_eq!(count, 3);
        let again = asked.again("http://a/", &[], || Err(Failure::new("again")));
        assert_eq!(again.err().unwrap().to_string(), "again");
        let once = asked.once("http://a/", &[], || Err(Failure::new("more")));
        assert_eq!(once.err().unwrap().to_string(), "again");
        asked.forget();
        let once = asked.once("http://a/", &[], || Err(Failure::new("more")));
        assert_eq!(once.err().unwrap().to_string(), "more");
    }
}

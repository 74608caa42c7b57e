//! What a hash of a password is tried with: a handful of guesses, which anyone would try first.
//!
//! How many, the hash's cost says. All guesses of a run together end in time, however many hashes there are and whatever
//! cost they claim; the first of them are tried in any case, so that the result of a short list is the same on a machine
//! that is slow or busy.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use clearml_secure_core::hash::Bcrypt;

/// All guesses of a run take no longer, but for those that are sure.
const LONGEST: Duration = Duration::from_secs(2);
/// How long a round takes on a slow machine.
const ROUND: Duration = Duration::from_micros(60);

/// The rounds of guesses that are tried in any case, and the most that one hash gets: less than two seconds of one processor.
/// A hash with a cost of 12 gets 8 guesses, one with a cost of 10 gets 32.
const SURE: u64 = 1 << 15;

/// bcrypt takes no more of a password, in bytes.
const LONGEST_PASSWORD: usize = 72;

/// All guesses of a call are no more, whatever the costs.
const MOST: usize = 20_000;

/// What everybody tries, the first first: ClearML's own examples among them.
const COMMON: [&str; 48] = [
    "123456",
    "12345678",
    "password",
    "clearml",
    // What a script hashes whose variable has no value.
    "",
    "changeme",
    "admin",
    "guest",
    "123456789",
    "qwerty",
    "admin123",
    "password123",
    "12345",
    "1234",
    "test",
    "secret",
    "welcome",
    "Password1",
    "P@ssw0rd",
    "clearml123",
    "trains",
    "allegro",
    "1234567890",
    "123123",
    "111111",
    "000000",
    "letmein",
    "abc123",
    "qwerty123",
    "1q2w3e4r",
    "passw0rd",
    "Passw0rd!",
    "Password123",
    "Welcome1",
    "root",
    "user",
    "demo",
    "default",
    "change-me",
    "change_me",
    "clearml-server",
    "iloveyou",
    "your_password",
    "your-password",
    "new-password",
    "example",
    "<enter password here>",
    "administrator",
];

/// A hash as it is configured, and whose it is.
pub(crate) struct Whose<'a> {
    pub(crate) hash: &'a str,
    pub(crate) username: &'a str,
    pub(crate) name: &'a str,
}

/// Hashes with their users, and which guess opened them.
type Known = HashMap<[u8; 32], Option<usize>>;

/// Tries guesses at hashes, and remembers what opened one.
pub(crate) struct Guesser {
    left: Mutex<Duration>,
    known: Mutex<Known>,
    /// The rounds of all guesses so far.
    rounds: AtomicU64,
}

/// One hash that is tried.
struct Lock {
    id: [u8; 32],
    hash: Bcrypt,
    guesses: Vec<Zeroizing<String>>,
    /// Which guess opened it; [`usize::MAX`] as long as none did.
    opened: AtomicUsize,
}

impl Guesser {
    pub(crate) fn new() -> Self {
        Self::within(LONGEST)
    }

    fn within(longest: Duration) -> Self {
        Self {
            left: Mutex::new(longest),
            known: Mutex::default(),
            rounds: AtomicU64::new(0),
        }
    }

    /// The password of each user, where a guess opens the hash.
    pub(crate) fn passwords(&self, users: &[Whose<'_>]) -> Vec<Option<Zeroizing<String>>> {
        let most = (MOST / users.len().max(1)).max(1);
        let locks: Vec<Option<Lock>> = users.iter().map(|user| Lock::of(user, most)).collect();
        self.open(&locks.iter().flatten().collect::<Vec<_>>());
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let password = |lock: &Lock| {
            let index = (*known.get(&lock.id)?)?;
            lock.guesses.get(index).cloned()
        };
        locks.iter().map(|lock| password(lock.as_ref()?)).collect()
    }

    /// Tries all that are not known yet: the first guess at each, then the second.
    fn open(&self, locks: &[&Lock]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = HashSet::new();
        let is_new = |lock: &&&Lock| !known.contains_key(&lock.id) && seen.insert(lock.id);
        let new: Vec<&Lock> = locks.iter().filter(is_new).copied().collect();
        if new.is_empty() {
            return;
        }
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let start = Instant::now();
        let end = start + *left;
        let mut turns: Vec<(usize, &Lock)> = Vec::new();
        for lock in &new {
            turns.extend((0..lock.guesses.len()).map(|index| (index, *lock)));
        }
        turns.sort_by_key(|(index, _)| *index);
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some((index, lock)) = turns.get(next.fetch_add(1, Ordering::Relaxed)) {
                if lock.opened.load(Ordering::Relaxed) == usize::MAX
                    && self.has_time(lock.hash.cost, end)
                    && bcrypt::verify(lock.guesses[*index].as_bytes(), &lock.hash.text)
                        .is_ok_and(|is_right| is_right)
                {
                    lock.opened.store(*index, Ordering::Relaxed);
                }
            }
        };
        let processors = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            for _ in 1..processors.min(turns.len()) {
                scope.spawn(work);
            }
            work();
        });
        for lock in new {
            let opened = Some(lock.opened.load(Ordering::Relaxed));
            known.insert(lock.id, opened.filter(|index| *index != usize::MAX));
        }
        *left = left.saturating_sub(start.elapsed());
    }

    /// Whether there is time for one more guess.
    fn has_time(&self, cost: u32, end: Instant) -> bool {
        let rounds = 1 << cost;
        let before = self.rounds.fetch_add(rounds, Ordering::Relaxed);
        let is_sure = before + rounds <= SURE;
        let has_time = is_sure || Instant::now() + ROUND * (rounds as u32) <= end;
        if !has_time {
            self.rounds.fetch_sub(rounds, Ordering::Relaxed);
        }
        has_time
    }
}

impl Lock {
    /// Where the cost allows a single guess.
    fn of(user: &Whose<'_>, most: usize) -> Option<Self> {
        let hash = Bcrypt::stored(user.hash)?;
        let count = most.min((SURE >> hash.cost) as usize);
        let mut id = Sha256::new();
        for part in [&hash.text, user.username, user.name] {
            id.update(part.len().to_le_bytes());
            id.update(part);
        }
        (count > 0).then(|| Self {
            id: id.finalize().into(),
            hash,
            guesses: guesses(user, count),
            opened: AtomicUsize::new(usize::MAX),
        })
    }
}

/// What this user's password may well be, the likeliest first, each once, and no more than so many: a name may have any
/// number of words.
fn guesses(user: &Whose<'_>, most: usize) -> Vec<Zeroizing<String>> {
    let (name, full) = (user.username, user.name);
    let mut capital: Zeroizing<String> = Zeroizing::new(String::new());
    let mut rest = name.chars();
    capital.extend(rest.next().into_iter().flat_map(char::to_uppercase));
    capital.push_str(rest.as_str());
    let own = |text: &str| Zeroizing::new(text.to_owned());
    let mut all = vec![own(name)];
    // The password of everybody is likelier than a variant of the name.
    all.extend(COMMON[..5].iter().map(|text| own(text)));
    all.push(own(&format!("{name}123")));
    all.extend(COMMON[5..8].iter().map(|text| own(text)));
    all.extend([&capital, full, &name.to_lowercase()].map(own));
    all.extend(
        full.split_whitespace()
            .map(|word| own(&word.to_lowercase())),
    );
    for end in ["1", "1234", "12345", "!", "2023", "2024", "2025", "2026"] {
        all.push(own(&format!("{name}{end}")));
    }
    all.push(Zeroizing::new(name.chars().rev().collect()));
    all.push(own(&format!("{name}{name}")));
    all.extend(COMMON[8..].iter().map(|text| own(text)));
    let mut kept: Vec<Zeroizing<String>> = Vec::new();
    for guess in all {
        if kept.len() == most {
            break;
        }
        let is_possible = guess.len() <= LONGEST_PASSWORD && !guess.contains('\0');
        if is_possible && !kept.contains(&guess) {
            kept.push(guess);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    fn hash(password: &str, cost: u32) -> String {
        let parts = bcrypt::hash_with_salt(password, cost, [7; 16]).unwrap();
        STANDARD.encode(parts.format_for_version(bcrypt::Version::TwoY))
    }

    fn jane(hash: &str) -> Whose<'_> {
        let (username, name) = ("jane", "Jane Doe");
        Whose {
            hash,
            username,
            name,
        }
    }

    fn opened(guesser: &Guesser, hash: &str) -> Option<String> {
        let passwords = guesser.passwords(&[jane(hash)]);
        passwords[0].as_ref().map(|password| password.to_string())
    }

    #[test]
    fn what_everybody_tries_opens_a_hash() {
        let guesser = Guesser::within(Duration::from_secs(60));
        for password in [
            "jane", "", "123456", "Jane Doe", "doe", "jane2024", "enaj", "changeme",
        ] {
            let found = opened(&guesser, &hash(password, 4));
            assert_eq!(found.as_deref(), Some(password));
        }
        assert_eq!(opened(&guesser, &hash("orbit lamp frozen", 4)), None);
        assert_eq!(opened(&guesser, "no hash"), None);
    }

    #[test]
    fn the_cost_says_how_many_guesses() {
        let count = |cost: u32| {
            let stored = STANDARD.encode(format!(
                "$2b${cost:02}$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
            ));
            Lock::of(&jane(&stored), MOST).map_or(0, |lock| lock.guesses.len())
        };
        let most = guesses(&jane(""), MOST).len();
        assert_eq!([4, 10, 12, 15, 16, 31].map(count), [most, 32, 8, 1, 0, 0]);
        assert!(most > 60, "{most}");
    }

    #[test]
    fn the_documented_passwords_are_tried_at_every_usual_cost() {
        let guesses = guesses(&jane(""), MOST);
        for known in ["jane", "123456", "12345678"] {
            assert!(guesses[..4].iter().any(|guess| **guess == known), "{known}");
        }
        for known in ["", "changeme"] {
            assert!(guesses[..8].iter().any(|guess| **guess == known), "{known}");
        }
    }

    /// Of 400 hashes that take 60 ms to more than an hour each, as many are tried as there is time for.
    #[test]
    fn hostile_hashes_take_no_longer_than_it_is_allowed() {
        let guesser = Guesser::within(Duration::from_millis(100));
        let hash = |index: u32| {
            let sum = format!("IjZAgcfl7p92ldGxad68LJZdL17{:02}Wy", index % 100);
            let cost = 10 + index % 22;
            STANDARD.encode(format!("$2b${cost}$N9qo8uLOickgx2ZMRZoMye{sum}"))
        };
        let hashes: Vec<String> = (0..400).map(hash).collect();
        let users: Vec<Whose<'_>> = hashes.iter().map(|hash| jane(hash)).collect();
        assert!(users.iter().all(|user| Bcrypt::stored(user.hash).is_some()));
        let start = Instant::now();
        guesser.passwords(&users);
        let once = guesser.rounds.load(Ordering::Relaxed);
        guesser.passwords(&users);
        assert_eq!(guesser.rounds.load(Ordering::Relaxed), once);
        assert!(once <= SURE + (1 << 13), "{once}");
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{:?}",
            start.elapsed()
        );
    }

    #[test]
    fn a_short_list_is_tried_on_a_busy_machine_too() {
        let guesser = Guesser::within(Duration::ZERO);
        assert_eq!(
            opened(&guesser, &hash("changeme", 8)).as_deref(),
            Some("changeme")
        );
    }
}

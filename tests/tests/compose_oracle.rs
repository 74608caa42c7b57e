//! What Docker Compose makes of the fixtures and of public compose files before and after injection: everything that it says
//! of a project is the same, except what was asked for.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use e2e::compose::Compose;
use e2e::files::{corpus, fixture_deployments};
use e2e::mode::MODES;
use e2e::pair::{Pair, hold_all};

/// Pairs that must have been compared, at the least.
const ENOUGH: usize = 200;
/// One file is tried in this many modes; the next one goes on where it stopped.
const MODES_A_FILE: usize = 3;

#[test]
fn compose_sees_what_was_asked_for_and_nothing_else_changed() {
    let Some(compose) = Compose::find() else {
        return;
    };
    let mut files = fixture_deployments();
    files.extend(corpus());
    let modes: Vec<_> = MODES.iter().filter(|mode| !mode.merges()).collect();
    let make = |number: usize| {
        let file = &files[number / MODES_A_FILE];
        Pair {
            name: file.name.clone(),
            folder: file.copy(),
            mode: *modes[number % modes.len()],
        }
    };
    let tally = hold_all(&compose, files.len() * MODES_A_FILE, &make);
    assert!(tally.failures.is_empty(), "{}", tally.failures.join("\n"));
    assert!(tally.compared >= ENOUGH, "{tally:?}");
}

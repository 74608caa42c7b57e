//! Generated compose projects through every mode of inject, held against Docker Compose: each is injected as it was asked for
//! or refused with a reason, the second run changes nothing, and verify says what compose says.
//!
//! `CLEARML_SECURE_PAIRS=10000` tries as many pairs of a project and a mode, `CLEARML_SECURE_SEED` other projects. A failure
//! names its seed.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on says where it stopped, and a long one says what it did"
)]

use std::env;

use e2e::compose::Compose;
use e2e::generator;
use e2e::mode::MODES;
use e2e::pair::{Pair, hold_all};

const PAIRS: usize = 324;

#[test]
fn every_mode_keeps_the_guarantee_or_says_why_not() {
    let Some(compose) = Compose::find() else {
        return;
    };
    let (count, first) = (
        number("CLEARML_SECURE_PAIRS", PAIRS),
        number("CLEARML_SECURE_SEED", 0),
    );
    assert!(count >= MODES.len(), "every mode is tried");
    let make = |number: usize| {
        let (seed, mode) = ((first + number) as u64, MODES[number % MODES.len()]);
        let folder = tempfile::tempdir().unwrap();
        generator::project(seed, mode.merges()).write(folder.path());
        Pair {
            name: format!("seed {seed}"),
            folder,
            mode,
        }
    };
    let tally = hold_all(&compose, count, &make);
    let shown = &tally.failures[..tally.failures.len().min(40)];
    eprintln!(
        "{count} pairs from seed {first}: {} compared, {} refused, {} that compose refuses, {} wrong",
        tally.compared,
        tally.refused,
        tally.no_project,
        tally.failures.len()
    );
    assert!(shown.is_empty(), "{}", shown.join("\n"));
    // What compose or inject refuses proves nothing.
    assert!(
        tally.no_project <= count / 20,
        "{} that compose refuses",
        tally.no_project
    );
    assert!(tally.refused <= count / 4, "{} refused", tally.refused);
}

#[test]
fn the_generator_is_deterministic_and_writes_yaml() {
    for seed in 0..PAIRS as u64 {
        let project = generator::project(seed, true);
        assert_eq!(project, generator::project(seed, true));
    }
}

fn number(name: &str, default: usize) -> usize {
    let given = env::var(name).ok();
    given.map_or(default, |number| number.parse().unwrap())
}

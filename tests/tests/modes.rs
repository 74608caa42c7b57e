//! Generated compose projects through every mode of inject, held against Docker Compose: each is injected as it was asked for
//! or refused with a reason, the second run changes nothing, and verify says what compose says.
//!
//! `CLEARML_SECURE_PAIRS=10000` tries as many pairs of a project and a mode, `CLEARML_SECURE_SEED` other projects. A failure
//! names its seed: with that and `CLEARML_SECURE_PAIRS=1`, it is tried alone, and `CLEARML_SECURE_KEEP=FOLDER` keeps its files.
//! `CLEARML_SECURE_MERGING` is the number of those that use all of what compose merges.
//! `CLEARML_SECURE_FEATURES=all` generates what the programs are known not to handle yet as well, see
//! `src/generator/features.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on says where it stopped, and a long one says what it did"
)]

use std::env;
use std::path::Path;

use e2e::compose::Compose;
use e2e::generator::{self, Features, Project};
use e2e::mode::{MODES, Mode};
use e2e::pair::{Pair, Tally, hold_all};

/// So that enough of them are compared.
const PAIRS: usize = 468;
const ENOUGH: usize = 300;

#[test]
fn every_mode_keeps_the_guarantee_or_says_why_not() {
    let features = Features::from_env();
    let project = |seed, mode: &Mode| generator::project(seed, mode, &features);
    let Some((count, tally)) = held("CLEARML_SECURE_PAIRS", PAIRS, &project) else {
        return;
    };
    // What compose or inject refuses proves nothing.
    assert!(
        tally.no_project.len() <= count / 20,
        "compose refuses too many:\n{}",
        shown(&tally.no_project)
    );
    assert!(
        tally.compared * PAIRS >= count * ENOUGH,
        "too many are refused:\n{}",
        shown(&tally.refused)
    );
}

/// Of the projects that `crates/core/tests/oracles/compose.rs` reads.
const MERGING: usize = 100;

#[test]
fn every_mode_keeps_the_guarantee_for_what_compose_merges() {
    let Some((count, tally)) = held("CLEARML_SECURE_MERGING", MERGING, &generator::merging) else {
        return;
    };
    assert!(
        tally.compared >= count / 4,
        "too many are refused:\n{}",
        shown(&tally.refused)
    );
}

/// What came of as many pairs of a project and a mode as a variable says, none of which is wrong; none without compose.
fn held(
    variable: &str,
    usual: usize,
    project: &(dyn Fn(u64, &Mode) -> Project + Sync),
) -> Option<(usize, Tally)> {
    let compose = Compose::find()?;
    let (count, first) = (number(variable, usual), number("CLEARML_SECURE_SEED", 0));
    let make = |number: usize| {
        let seed = first + number;
        let mode = MODES[seed % MODES.len()];
        let folder = tempfile::tempdir().unwrap();
        let project = project(seed as u64, &mode);
        project.write(folder.path());
        if let Some(kept) = env::var_os("CLEARML_SECURE_KEEP") {
            project.write(Path::new(&kept));
        }
        Pair {
            name: format!("seed {seed} ({})", project.used.join(" ")),
            folder,
            mode,
        }
    };
    let tally = hold_all(&compose, count, &make);
    eprintln!(
        "{count} pairs from seed {first}: {} compared, {} refused, {} that compose refuses, {} wrong",
        tally.compared,
        tally.refused.len(),
        tally.no_project.len(),
        tally.failures.len()
    );
    if count < usual {
        eprintln!("{}\n{}", shown(&tally.no_project), shown(&tally.refused));
    }
    assert!(tally.failures.is_empty(), "{}", shown(&tally.failures));
    Some((count, tally))
}

fn shown(list: &[String]) -> String {
    list[..list.len().min(100)].join("\n")
}

#[test]
fn the_same_seed_is_the_same_project() {
    let features = Features::from_env();
    for seed in 0..PAIRS as u64 {
        for mode in &MODES {
            let project = generator::project(seed, mode, &features);
            assert_eq!(project, generator::project(seed, mode, &features));
        }
    }
}

fn number(name: &str, default: usize) -> usize {
    let given = env::var(name).ok();
    given.map_or(default, |number| number.parse().unwrap())
}

//! Projects with one thing wrong, odd or left out, held against Docker Compose: what it refuses is not checked, and what it takes
//! is not called refused. `valid.yml` has every key that compose knows; a seed decides what is changed in it, and whether the
//! change is in the file, in an override, or in a service that is extended.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod change;
mod node;
#[path = "../../oracles/random.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod random;

use std::path::Path;

use e2e::compose::{Compose, Question};
use e2e::program::clearml;
use serde_json::Value;

use change::{FILE, Project};

/// How many changes are tried. `MUTATIONS=2000..4000` tries others.
const SEEDS: std::ops::Range<u64> = 0..360;
/// Of these, compose refuses and takes as many at the least.
const ENOUGH: usize = 80;

#[test]
fn compose_and_verify_refuse_the_same_changes() {
    let Some(compose) = Compose::find() else {
        return;
    };
    assert_eq!(refusal(&compose, &change::unchanged()), None);
    let (mut wrong, mut refused, mut taken) = (Vec::new(), 0, 0);
    for seed in seeds() {
        let project = change::changed(seed);
        let folder = tempfile::tempdir().unwrap();
        project.write(folder.path());
        let why = refusal(&compose, &project);
        let said = said(folder.path(), &project);
        match (&why, &said) {
            (Some(why), None) if !is_of_files(why) => {
                wrong.push(format!(
                    "{seed}: {}: compose refuses it: {why}",
                    project.what
                ));
            }
            (None, Some(said)) => {
                wrong.push(format!(
                    "{seed}: {}: compose takes it: {said}",
                    project.what
                ));
            }
            _ => {}
        }
        refused += usize::from(why.is_some());
        taken += usize::from(why.is_none());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refused > ENOUGH && taken > ENOUGH, "{refused} and {taken}");
}

fn seeds() -> std::ops::Range<u64> {
    let Ok(asked) = std::env::var("MUTATIONS") else {
        return SEEDS;
    };
    let (first, last) = asked.split_once("..").unwrap();
    first.parse().unwrap()..last.parse().unwrap()
}

/// Why compose refuses a project.
fn refusal(compose: &Compose, project: &Project) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    project.write(folder.path());
    let view = compose.view(Question {
        folder: folder.path(),
        files: &[],
        env_files: &[],
    });
    // It takes an SSH key, and cannot write it as JSON.
    let why = view.err().filter(|why| !why.contains("MarshalJSON"))?;
    Some(why.lines().last().unwrap_or_default().to_owned())
}

/// A file that is not there is said in another way.
fn is_of_files(why: &str) -> bool {
    ["not found: stat", "no such file", "is a directory"]
        .iter()
        .any(|part| why.contains(part))
}

/// What verify says that compose refuses.
fn said(folder: &Path, project: &Project) -> Option<String> {
    let target = if project.over.is_some() { "." } else { FILE };
    let done = clearml("verify")
        .args(["-f", "json", target])
        .within(folder)
        .done();
    if done.stdout.is_empty() {
        return Some(done.stderr.trim().to_owned());
    }
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    let unknown = document["unknown"].as_array().into_iter().flatten();
    let mut reasons = unknown.map(|one| format!("{}: {}", one["what"], one["reason"]));
    // What is no YAML is said as that.
    reasons.find(|reason| reason.contains("refuses it") || reason.contains("fix the line"))
}

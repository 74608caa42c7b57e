//! Files that Docker Compose reads in one way in some runs and in another way in others: which services differ is asked of
//! compose itself, many times, and verify calls the ports of these unknown and of no others.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use e2e::compose::{Compose, Question};
use e2e::program::clearml;
use serde_json::Value;

/// How often compose is asked. Of the rarer way there is one in ten or more.
const RUNS: usize = 150;
/// The same where all services are read in one way.
const STEADY_RUNS: usize = 40;

const BASE: &str =
    "  base: {image: clearml/server:2.3.0, command: fileserver, ports: ['8081:8081']}\n";

/// What the services are called that differ, and the services.
const CASES: [(&str, &str); 9] = [
    (
        "heir, third",
        "  heir: {extends: base, ports: !override ['8082:8081']}
  third: {extends: heir, ports: ['8083:8081']}",
    ),
    (
        "fourth, heir, third",
        "  third: {extends: {service: heir}}
  fourth: {extends: third}
  heir: {extends: base, ports: !reset null}",
    ),
    (
        "heir, third",
        "  heir: {extends: base, <<: {ports: !override ['8082:8081']}}
  third: {extends: heir}",
    ),
    (
        "third",
        "  heir: {extends: {file: other.yml, service: base}, ports: !override ['8082:8081']}
  third: {extends: heir}",
    ),
    (
        "",
        "  heir: {extends: base, ports: !override ['8082:8081']}
  third: {extends: base}",
    ),
    (
        "",
        "  heir: {extends: base}
  third: {extends: heir, ports: !reset null}",
    ),
    (
        "",
        "  third: {extends: {file: other.yml, service: heir}}",
    ),
    (
        "",
        "  heir: {image: clearml/server:2.3.0, command: fileserver, ports: !override ['8082:8081']}
  third: {extends: heir}",
    ),
    (
        "",
        "  heir: {extends: base, image: !override 'clearml/server:2.2.0', command: !override [fileserver]}
  third: {extends: heir}",
    ),
];

#[test]
fn what_differs_from_run_to_run_is_unknown_and_nothing_else() {
    let Some(compose) = Compose::find() else {
        return;
    };
    for (differing, services) in CASES {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("compose.yml", &format!("services:\n{BASE}{services}\n"));
        write(
            "other.yml",
            &format!(
                "services:\n{BASE}  heir: {{extends: base, ports: !override ['8082:8081']}}\n  third: {{extends: heir}}\n"
            ),
        );
        let expected: BTreeSet<String> = differing
            .split(", ")
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        assert_eq!(
            of_compose(&compose, folder.path(), &expected),
            expected,
            "{services}"
        );
        assert_eq!(of_verify(folder.path()), expected, "{services}");
    }
}

/// The services that compose shows in more than one way.
fn of_compose(compose: &Compose, folder: &Path, expected: &BTreeSet<String>) -> BTreeSet<String> {
    let mut ways: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let question = Question {
        folder,
        files: &["compose.yml".to_owned()],
        env_files: &[],
    };
    let differing = |ways: &BTreeMap<String, BTreeSet<String>>| -> BTreeSet<String> {
        let differing = ways.iter().filter(|(_, ways)| ways.len() > 1);
        differing.map(|(name, _)| name.clone()).collect()
    };
    for run in 0..RUNS {
        if run >= STEADY_RUNS && differing(&ways) == *expected {
            break;
        }
        let view = compose.view(question).unwrap();
        for (name, service) in view["services"].as_object().unwrap() {
            let way = service.to_string();
            ways.entry(name.clone()).or_default().insert(way);
        }
    }
    differing(&ways)
}

/// The services of which verify does not know the ports.
fn of_verify(folder: &Path) -> BTreeSet<String> {
    let done = clearml("verify")
        .args(["-f", "json", "compose.yml"])
        .within(folder)
        .done();
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    let unknown = document["unknown"].as_array().unwrap().iter();
    let ports = unknown.filter_map(|one| one["what"].as_str()?.strip_prefix("`ports` of service"));
    let names = ports.flat_map(|names| {
        let names = names.trim_start_matches('s').trim();
        names
            .split([',', ' '])
            .filter(|word| !["", "and"].contains(word))
    });
    names.map(str::to_owned).collect()
}

//! Where a proxy's configuration leads, as verify reads it, held against the proxy itself: nothing that answers anybody may be
//! missing in what is found. (What is found and does not answer is a way that another line closes; it is counted.)
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::env;
use std::fs;

use e2e::generator::Random;
use e2e::program::clearml;
use e2e::proxied::{Backends, KINDS, Kind, PORTS, Reached, Setup, program, reached};
use serde_json::{Value, json};

/// So many configurations of each; `CLEARML_SECURE_PROXIES` and `CLEARML_SECURE_SEED` are for more, or for others, and
/// `CLEARML_SECURE_PROXY` for one of the proxies alone.
const COUNT: u64 = 40;

#[test]
fn what_a_proxy_passes_on_is_found_in_its_file() {
    let number = |name: &str, usual| match env::var(name) {
        Ok(text) => text.parse().unwrap(),
        Err(_) => usual,
    };
    let count = number("CLEARML_SECURE_PROXIES", COUNT);
    let seed = number("CLEARML_SECURE_SEED", 1);
    let backends = Backends::start();
    let mut failures = Vec::new();
    let only = env::var("CLEARML_SECURE_PROXY").ok();
    let is_meant = |kind: &&Kind| only.as_ref().is_none_or(|name| name == kind.name);
    for kind in KINDS.iter().filter(is_meant) {
        let Some(program) = program(kind) else {
            continue;
        };
        let mut tally = Tally::default();
        for seed in seed..seed + count {
            let setup = (kind.generate)(&mut Random::new(seed));
            let Some(reached) = reached(kind, &program, &setup, &backends) else {
                tally.refused += 1;
                continue;
            };
            let found = found(kind, &setup);
            tally.add(&reached, &found);
            let wrong = missed(&reached, &found);
            failures.extend(
                wrong.map(|wrong| format!("{} {seed}: {wrong}\n{}", kind.name, shown(&setup))),
            );
        }
        println!("{}: {tally:?}", kind.name);
        // A test that reaches nothing could not fail.
        let tenth = usize::try_from(count).unwrap() / 10;
        assert!(
            tally.open >= tenth && tally.apiserver >= tenth,
            "{}: {tally:?}",
            kind.name
        );
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What became of the configurations.
#[derive(Debug, Default)]
struct Tally {
    /// Elasticsearch answers anybody.
    open: usize,
    /// It answers who has the password.
    guarded: usize,
    apiserver: usize,
    /// Something is not checked.
    unknown: usize,
    /// Elasticsearch is said to be open, and nothing came to it.
    closed_elsewhere: usize,
    refused: usize,
}

impl Tally {
    fn add(&mut self, reached: &Reached, found: &Found) {
        let is_open = reached.elasticsearch.is_some();
        self.open += usize::from(is_open);
        self.guarded += usize::from(!is_open && reached.with_password.is_some());
        self.apiserver += usize::from(reached.apiserver.is_some());
        self.unknown += usize::from(found.is_unknown);
        self.closed_elsewhere +=
            usize::from(!is_open && found.elasticsearch == Some("error".to_owned()));
    }
}

/// What verify says of a configuration.
struct Found {
    /// The severity of the worst that leads to Elasticsearch.
    elasticsearch: Option<String>,
    has_apiserver: bool,
    is_unknown: bool,
}

/// A configuration, for a person.
fn shown(setup: &Setup) -> String {
    let words = setup.command.iter().chain(setup.labels.iter().flatten());
    let lines = words.map(|word| format!("{word}\n"));
    setup.text.clone() + &lines.collect::<String>()
}

fn found(kind: &Kind, setup: &Setup) -> Found {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup.in_container();
    let labels = |at: usize| json!(setup.labels[at]);
    // YAML takes JSON.
    let compose = json!({"services": {
        "proxy": {
            "image": kind.image,
            "command": Some(&setup.command).filter(|words| !words.is_empty()),
            "ports": PORTS.map(|port| format!("{port}:{port}")),
            "volumes": [format!("./own:{}", setup.target)],
        },
        "apiserver": {
            "image": "clearml/server:2.3.0",
            "command": "apiserver",
            "environment": {"CLEARML_ELASTIC_SERVICE_HOST": "elasticsearch"},
            "labels": labels(1),
        },
        "fileserver": {"image": "clearml/server:2.3.0", "command": "fileserver"},
        "elasticsearch": {"image": "elasticsearch:8.17.0", "labels": labels(0)},
        "other": {"image": "node:20", "command": ["node", "app.js"], "labels": labels(2)},
    }});
    let compose = compose.to_string().replace('$', "$$");
    fs::write(folder.path().join("docker-compose.yml"), compose).unwrap();
    fs::write(folder.path().join("own"), &setup.text).unwrap();
    let done = clearml("verify")
        .args(["-f", "json", "docker-compose.yml"])
        .within(folder.path())
        .done();
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    let findings = document["findings"].as_array().unwrap();
    let leads = |rule: &str, to: &str| -> Vec<String> {
        let of_rule = findings.iter().filter(|one| one["rule"] == rule);
        let there = of_rule.filter(|one| one["message"].as_str().unwrap().contains(to));
        let mut all: Vec<String> = there
            .map(|one| one["severity"].as_str().unwrap().to_owned())
            .collect();
        all.sort();
        all
    };
    Found {
        elasticsearch: leads("exposed-database", "Elasticsearch")
            .into_iter()
            .next(),
        has_apiserver: !leads("public-port", "apiserver").is_empty(),
        is_unknown: !document["unknown"].as_array().unwrap().is_empty(),
    }
}

/// What answers and is not found, where nothing is said to be unknown.
fn missed<'a>(reached: &'a Reached, found: &'a Found) -> impl Iterator<Item = String> + 'a {
    let is_error = found.elasticsearch.as_deref() == Some("error");
    let is_found = found.elasticsearch.is_some();
    let missed = [
        (
            &reached.elasticsearch,
            is_error,
            "Elasticsearch answers anybody",
        ),
        (
            &reached.with_password,
            is_found,
            "Elasticsearch answers who has the password",
        ),
        (
            &reached.apiserver,
            found.has_apiserver,
            "the API server answers",
        ),
    ];
    let missed = missed
        .into_iter()
        .filter(|(_, is_said, _)| !is_said && !found.is_unknown);
    missed.filter_map(|(request, _, what)| {
        request
            .as_ref()
            .map(|request| format!("{what}, and that is not found: {request}"))
    })
}

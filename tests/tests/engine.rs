//! What `docker inspect` says of containers that a Docker engine really runs, held against what their processes have.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use e2e::docker::{Engine, is_taken};
use e2e::effective::differences;
use e2e::files::{Deployment, fixtures};
use e2e::keyset::Keyset;
use e2e::oracle;
use e2e::program::clearml;
use serde_json::{Value, json};

/// The fixtures that are run, and the ports that they publish.
const CASES: [(&str, &[u16]); 2] = [
    ("stock/docker-compose.yml", &[8008, 8080, 8081]),
    ("shapes/all-in-one.yml", &[8008, 8080, 8081]),
];

#[test]
fn running_containers_are_what_inspect_says_and_drift_is_found() {
    let Some(engine) = Engine::start() else {
        return;
    };
    let keyset = Keyset::generate();
    for (fixture, ports) in CASES {
        if let Some(port) = ports.iter().find(|port| is_taken(**port)) {
            oracle::skip(&format!(
                "{fixture} in an engine: something listens on port {port}"
            ));
            continue;
        }
        let path = fixtures().join(fixture);
        let folder = Deployment {
            name: fixture.to_owned(),
            path,
        }
        .copy();
        let file = folder.path().join("docker-compose.yml");
        // Of a command that is one text compose runs what is before the first `&`.
        let text = fs::read_to_string(&file).unwrap();
        let list = text.replace(
            "    command: >\n",
            "    command:\n      - bash\n      - -c\n      - >\n",
        );
        let list = list
            .replace("\n      clearml-server", "\n        clearml-server")
            .replace("\n      wait", "\n        wait");
        fs::write(&file, list).unwrap();
        let Some((running, _images)) = engine.up_as_it_is(&file) else {
            return;
        };
        let look = |is_injected: bool, environments| {
            fs::write(folder.path().join("inspect.json"), engine.inspected()).unwrap();
            let rows: Vec<Value> = serde_json::from_value(
                verify(folder.path(), &["--effective", "inspect.json"])["effective"].take(),
            )
            .unwrap();
            assert!(rows.len() > 10, "{fixture}: {rows:?}");
            let services: serde_json::Map<String, Value> = engine
                .services(&[&file])
                .into_iter()
                .map(|(name, mut service)| {
                    service["environment"] = json!(environments_of(&environments, &name));
                    (name, service)
                })
                .collect();
            let wrong = differences(
                &rows,
                &json!({ "services": services }),
                &keyset,
                is_injected,
            );
            assert_eq!(wrong, Vec::<String>::new(), "{fixture}");
        };
        look(false, running.environments());
        assert_eq!(
            drifted(folder.path()),
            BTreeSet::new(),
            "{fixture}: nothing was changed"
        );

        clearml("inject")
            .args(["--in-place", "docker-compose.yml"])
            .within(folder.path())
            .stdin(keyset.text.as_str())
            .done()
            .exit(0);
        let settings = drifted(folder.path());
        assert!(
            settings.contains("secure.auth.token_secret"),
            "{fixture}: {settings:?}"
        );
        assert!(
            settings.contains("secure.credentials.fileserver.user_secret"),
            "{fixture}: {settings:?}"
        );
        drop(running);
        drop(_images);

        let (running, _images) = engine.up_as_it_is(&file).unwrap();
        look(true, running.environments());
        assert_eq!(
            drifted(folder.path()),
            BTreeSet::new(),
            "{fixture}: recreated"
        );
        fs::write(folder.path().join("keys.env"), keyset.text.as_str()).unwrap();
        let found = verify(folder.path(), &["--keys", "keys.env", "inspect.json"]);
        assert_eq!(of_rule(&found, "keys-not-applied").count(), 0, "{fixture}");
        assert_eq!(of_rule(&found, "missing-setting").count(), 0, "{fixture}");
    }
    assert_eq!(engine.left(), Vec::<String>::new());
}

type Environments = std::collections::BTreeMap<String, e2e::docker::Environment>;

fn environments_of(all: &Environments, service: &str) -> e2e::docker::Environment {
    all[service].clone()
}

fn verify(folder: &Path, arguments: &[&str]) -> Value {
    let done = clearml("verify")
        .args(["-f", "json"])
        .args(arguments.iter().copied())
        .within(folder)
        .done();
    serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{}", done.report()))
}

fn of_rule<'a>(document: &'a Value, rule: &'a str) -> impl Iterator<Item = &'a Value> {
    let findings = document["findings"].as_array().unwrap().iter();
    findings.filter(move |finding| finding["rule"] == rule)
}

/// What has drifted: settings, or where it is none the message.
fn drifted(folder: &Path) -> BTreeSet<String> {
    let document = verify(folder, &["inspect.json", "docker-compose.yml"]);
    of_rule(&document, "drifted-container")
        .map(|finding| {
            let setting = finding["setting"].as_str();
            setting.or(finding["message"].as_str()).unwrap().to_owned()
        })
        .collect()
}

//! What `docker inspect` says of containers that a Docker engine really runs, held against what their processes have.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use e2e::docker::{Engine, Running, is_taken};
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

/// A deployment that is run, changed and run again.
struct Case<'e> {
    engine: &'e Engine,
    fixture: &'static str,
    keyset: Keyset,
    folder: tempfile::TempDir,
}

#[test]
fn running_containers_are_what_inspect_says_and_drift_is_found() {
    let Some(engine) = Engine::start() else {
        return;
    };
    for (fixture, ports) in CASES {
        if let Some(port) = ports.iter().find(|port| is_taken(**port)) {
            oracle::skip(&format!(
                "{fixture} in an engine: something listens on port {port}"
            ));
            continue;
        }
        let case = Case::of(&engine, fixture);
        let Some((running, images)) = engine.up_as_it_is(&case.file()) else {
            return;
        };
        case.is_what_runs(&running, false);
        assert_eq!(
            case.drifted(),
            BTreeSet::new(),
            "{fixture}: nothing was changed"
        );
        case.inject();
        let settings = case.drifted();
        for setting in [
            "secure.auth.token_secret",
            "secure.credentials.fileserver.user_secret",
        ] {
            assert!(settings.contains(setting), "{fixture}: {settings:?}");
        }
        drop((running, images));

        let (running, _images) = engine.up_as_it_is(&case.file()).unwrap();
        case.is_what_runs(&running, true);
        assert_eq!(case.drifted(), BTreeSet::new(), "{fixture}: recreated");
        let found = verify(case.folder.path(), &["--keys", "keys.env", "inspect.json"]);
        for rule in ["keys-not-applied", "missing-setting"] {
            assert_eq!(of_rule(&found, rule).count(), 0, "{fixture}: {rule}");
        }
    }
    assert_eq!(engine.left(), Vec::<String>::new());
}

impl<'e> Case<'e> {
    fn of(engine: &'e Engine, fixture: &'static str) -> Self {
        let path = fixtures().join(fixture);
        let name = fixture.to_owned();
        let case = Self {
            engine,
            fixture,
            keyset: Keyset::generate(),
            folder: Deployment { name, path }.copy(),
        };
        // Of a command that is one text compose runs what is before the first `&`.
        let text = fs::read_to_string(case.file()).unwrap();
        let list = "    command:\n      - bash\n      - -c\n      - >\n";
        let list = text
            .replace("    command: >\n", list)
            .replace("\n      clearml-server", "\n        clearml-server")
            .replace("\n      wait", "\n        wait");
        fs::write(case.file(), list).unwrap();
        let keys = case.keyset.text.as_str();
        fs::write(case.folder.path().join("keys.env"), keys).unwrap();
        case
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("docker-compose.yml")
    }

    fn inject(&self) {
        clearml("inject")
            .args(["--in-place", "-k", "keys.env", "docker-compose.yml"])
            .within(self.folder.path())
            .done()
            .exit(0);
    }

    /// Holds what `docker inspect` says now against the processes' own environments.
    fn is_what_runs(&self, running: &Running<'_>, is_injected: bool) {
        let path = self.folder.path().join("inspect.json");
        fs::write(path, self.engine.inspected()).unwrap();
        let mut document = verify(self.folder.path(), &["--effective", "inspect.json"]);
        let rows: Vec<Value> = serde_json::from_value(document["effective"].take()).unwrap();
        assert!(rows.len() > 10, "{}: {rows:?}", self.fixture);
        let mut services = self.engine.services(&[&self.file()]);
        for (name, environment) in running.environments() {
            services.get_mut(&name).unwrap()["environment"] = json!(environment);
        }
        let view = json!({ "services": services });
        let wrong = differences(&rows, &view, &self.keyset, is_injected);
        assert_eq!(wrong, Vec::<String>::new(), "{}", self.fixture);
    }

    /// What has drifted: settings, or where it is none the message.
    fn drifted(&self) -> BTreeSet<String> {
        let document = verify(self.folder.path(), &["inspect.json", "docker-compose.yml"]);
        of_rule(&document, "drifted-container")
            .map(|finding| {
                let setting = finding["setting"].as_str();
                setting.or(finding["message"].as_str()).unwrap().to_owned()
            })
            .collect()
    }
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

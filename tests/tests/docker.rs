//! Deployments for real: what `--effective` says of an environment and what the rules say of ports, held against the
//! containers of a Docker engine.
//!
//! The containers serve their environment, so the values that are injected here can be read by anyone who reaches this
//! machine meanwhile. They are made for this test and good for nothing else.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use e2e::docker::{Engine, Environment, LISTENED, is_taken, reached};
use e2e::effective::differences;
use e2e::expected::{self, Asked};
use e2e::files::{Deployment, fixtures};
use e2e::keyset::Keyset;
use e2e::oracle;
use e2e::program::clearml;
use serde_json::{Value, json};

/// A deployment, and who answers at which port of the host.
struct Case {
    fixture: &'static str,
    /// What `clearml-inject` is told; none if the fixture runs as it is.
    inject: Option<&'static [&'static str]>,
    /// On all addresses of the host.
    everywhere: &'static [(u16, &'static str)],
    /// On 127.0.0.1 only.
    loopback: &'static [(u16, &'static str)],
}

const STOCK_PORTS: &[(u16, &str)] = &[
    (8008, "apiserver"),
    (8080, "webserver"),
    (8081, "fileserver"),
];

/// A fixture as it is comes before the same one injected, which is held against it.
#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { fixture: "stock", inject: None, everywhere: STOCK_PORTS, loopback: &[] },
    Case { fixture: "stock", inject: Some(&[]), everywhere: STOCK_PORTS, loopback: &[] },
    Case { fixture: "stock", inject: Some(&["--env-file", ".env"]), everywhere: STOCK_PORTS, loopback: &[] },
    Case { fixture: "published", inject: None, everywhere: PUBLISHED, loopback: PUBLISHED_LOOPBACK },
    Case { fixture: "published", inject: Some(&[]), everywhere: PUBLISHED, loopback: PUBLISHED_LOOPBACK },
    Case {
        fixture: "published",
        inject: Some(&["--close-ports", "--bind", "127.0.0.1"]),
        everywhere: &[],
        loopback: &[(18008, "apiserver"), (18009, "apiserver"), (18080, "webserver"), (18081, "fileserver")],
    },
];

const PUBLISHED: &[(u16, &str)] = &[(16379, "redis"), (18009, "apiserver"), (18080, "webserver")];
const PUBLISHED_LOOPBACK: &[(u16, &str)] = &[
    (17017, "mongo"),
    (18008, "apiserver"),
    (18081, "fileserver"),
];

/// Where the servers' own ports are published: on 127.0.0.1 they are as they should be, and no rule says anything.
const OWN: [u16; 6] = [8008, 8080, 8081, 18008, 18080, 18081];

#[test]
fn containers_have_the_environment_and_the_ports_that_verify_says() {
    let Some(engine) = Engine::start() else {
        return;
    };
    let keyset = Keyset::generate();
    let mut before = BTreeMap::new();
    let mut failures = Vec::new();
    for case in CASES {
        let name = case.name();
        if let Some(port) = case.published().find(|port| is_taken(*port)) {
            oracle::skip(&format!(
                "{name} in a Docker engine: something listens on port {port} of this machine"
            ));
            continue;
        }
        let folder = case.prepare(&keyset);
        let file = folder.path().join("docker-compose.yml");
        let running = engine.up(&file);
        let view = view(engine.services(&[&file]), running.environments());
        let is_injected = case.inject.is_some();
        let mut wrong = differences(&effective(&file), &view, &keyset, is_injected);
        wrong.extend(case.in_ports(&file, running.gateway));
        if !is_injected {
            before.insert(case.fixture, view);
        } else if let Some(before) = before.get(case.fixture) {
            wrong.extend(expected::check(before, &view, &keyset, &Asked::default()).err());
        }
        drop(running);
        let left = engine.left();
        if !left.is_empty() {
            wrong.push(format!("not taken down: {}", left.join(" ")));
        }
        failures.extend(wrong.iter().map(|why| format!("{name}: {why}")));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_failing_test_leaves_nothing_running() {
    let Some(engine) = Engine::start() else {
        return;
    };
    let deployment = Deployment {
        name: "agent-services".to_owned(),
        path: fixtures().join("shapes/agent-services.yml"),
    };
    let folder = deployment.copy();
    let failure = catch_unwind(AssertUnwindSafe(|| {
        let running = engine.up(&folder.path().join("docker-compose.yml"));
        assert!(!running.environments().is_empty());
        assert!(!engine.left().is_empty());
        panic!("this failure is meant");
    }));
    let failure = failure.unwrap_err();
    assert_eq!(
        failure.downcast_ref(),
        Some(&"this failure is meant"),
        "it failed before that"
    );
    assert_eq!(engine.left(), Vec::<String>::new());
}

impl Case {
    fn name(&self) -> String {
        match self.inject {
            None => self.fixture.to_owned(),
            Some([]) => format!("{}, injected", self.fixture),
            Some(options) => format!("{}, injected {}", self.fixture, options.join(" ")),
        }
    }

    /// The ports of the host that must be free.
    fn published(&self) -> impl Iterator<Item = u16> {
        let all = self.everywhere.iter().chain(self.loopback);
        all.map(|(port, _)| *port)
    }

    /// A folder with the fixture, injected if it is to be.
    fn prepare(&self, keyset: &Keyset) -> tempfile::TempDir {
        let path = fixtures().join(self.fixture).join("docker-compose.yml");
        let name = self.fixture.to_owned();
        let folder = Deployment { name, path }.copy();
        // A configuration folder without a file, as every container has it.
        fs::create_dir(folder.path().join("config")).unwrap();
        if let Some(options) = self.inject {
            clearml("inject")
                .args(["--in-place", "docker-compose.yml"])
                .args(options.iter().copied())
                .within(folder.path())
                .stdin(keyset.text.as_str())
                .done()
                .exit(0);
        }
        folder
    }

    /// What is wrong with the ports: what the rules say of them, what can be reached, and this table are one.
    fn in_ports(&self, file: &Path, gateway: IpAddr) -> Vec<String> {
        let by_port = |ports: &[(u16, &str)]| -> BTreeMap<u16, String> {
            ports.iter().map(|(p, s)| (*p, (*s).to_owned())).collect()
        };
        let everywhere = by_port(self.everywhere);
        let mut here = by_port(self.loopback);
        let found_everywhere: BTreeSet<u16> = everywhere.keys().copied().collect();
        let mut found_here: BTreeSet<u16> = here.keys().copied().collect();
        found_here.retain(|port| !OWN.contains(port));
        here.extend(everywhere.clone());

        let candidates: BTreeSet<u16> = LISTENED.into_iter().chain(self.published()).collect();
        let on_gateway = reached(gateway, &candidates);
        let on_loopback = reached(Ipv4Addr::LOCALHOST, &candidates);
        let (said_everywhere, said_here) = ruled(file);
        let mut wrong = Vec::new();
        if on_gateway != everywhere {
            wrong.push(format!("reached on {gateway}: {on_gateway:?}"));
        }
        if on_loopback != here {
            wrong.push(format!("reached on 127.0.0.1: {on_loopback:?}"));
        }
        if said_everywhere != found_everywhere {
            wrong.push(format!("the rules say all interfaces: {said_everywhere:?}"));
        }
        if said_here != found_here {
            wrong.push(format!("the rules say the host itself: {said_here:?}"));
        }
        wrong
    }
}

/// The ports that the rules find open on all interfaces, and those on the host itself.
fn ruled(file: &Path) -> (BTreeSet<u16>, BTreeSet<u16>) {
    let document = verify(file, &[]);
    let (mut everywhere, mut here) = (BTreeSet::new(), BTreeSet::new());
    for finding in document["findings"].as_array().unwrap() {
        let message = finding["message"].as_str().unwrap();
        let (before_port, is_here) = match finding["rule"].as_str().unwrap() {
            "public-port" => ("port ", false),
            "exposed-database" => ("port ", message.contains(" on the host itself")),
            "unexpected-port" => {
                let is_heard = !message.contains("nothing in its image listens");
                (
                    " publishes port ",
                    finding["severity"] == "note" && is_heard,
                )
            }
            _ => continue,
        };
        let port = message
            .split_once(before_port)
            .and_then(|(_, rest)| rest.split([' ', ',']).next()?.parse().ok());
        let port = port.unwrap_or_else(|| panic!("no port: {message}"));
        if is_here { &mut here } else { &mut everywhere }.insert(port);
    }
    (everywhere, here)
}

/// What `--effective` says of every setting at every server.
fn effective(file: &Path) -> Vec<Value> {
    let mut document = verify(file, &["--effective"]);
    assert_eq!(document["unknown"], json!([]), "{}", file.display());
    serde_json::from_value(document["effective"].take()).unwrap()
}

fn verify(file: &Path, arguments: &[&str]) -> Value {
    let done = clearml("verify")
        .args(["-f", "json", "--config-dir", "config", "docker-compose.yml"])
        .args(arguments.iter().copied())
        .within(file.parent().unwrap())
        .done();
    serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{}", done.report()))
}

/// The services as `expected::check` sees them, with the environments that they really have.
fn view(
    services: BTreeMap<String, Value>,
    mut environments: BTreeMap<String, Environment>,
) -> Value {
    let services: BTreeMap<String, Value> = services
        .into_iter()
        .map(|(name, service)| {
            let view = json!({
                "image": service["image"],
                "entrypoint": service["entrypoint"],
                "command": service["command"],
                "environment": environments.remove(&name),
            });
            (name, view)
        })
        .collect();
    json!({ "services": services })
}

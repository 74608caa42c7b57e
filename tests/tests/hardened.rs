//! examples/hardened after the commands of its page: its files, what Docker Compose makes of them, and its containers.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use e2e::docker::{Engine, LISTENED, is_taken, reached};
use e2e::oracle;
use e2e::page;
use e2e::program::{clearml, other};
use e2e::sandbox::Sandbox;
use serde_json::{Value, json};

const EXAMPLE: &str = "examples/hardened";
/// Ports of this machine that Caddy gets.
const CADDY: [u16; 2] = [80, 443];

/// The deployment as its page leaves it, not started.
fn deployed() -> Sandbox {
    let path = Path::new(EXAMPLE).join("README.md");
    let scenes = page::scenes(&path, &page::read(&path));
    let [_, scene] = &scenes[..] else {
        panic!("the page has one scene: {scenes:?}");
    };
    assert_eq!(scene.sandbox, EXAMPLE);
    let sandbox = Sandbox::new(EXAMPLE).unwrap();
    for block in &scene.blocks {
        let done = sandbox.script(&block.lines.join("\n"));
        assert_eq!(done.status, 0, "{:?}", done.lines);
    }
    sandbox
}

/// The values of `NAME=VALUE` lines, by name.
fn values(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn nothing_is_found_in_it_and_nothing_is_not_checked() {
    let sandbox = deployed();
    let done = clearml("verify")
        .args(["-f", "json", "."])
        .within(&sandbox.here())
        .done()
        .exit(0);
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(document["findings"], json!([]), "{}", done.stdout);
    assert_eq!(document["unknown"], json!([]), "{}", done.stdout);
}

/// The folder as it is in the repository holds no secret: without its env file there is nothing to start.
#[test]
fn what_is_committed_has_no_secret() {
    let root = e2e::files::root();
    let example = fs::read_to_string(root.join(EXAMPLE).join(".env.example")).unwrap();
    assert!(values(&example).values().all(String::is_empty), "{example}");
    let sandbox = deployed();
    let made = values(&fs::read_to_string(sandbox.path(".env")).unwrap());
    assert_eq!(
        made.keys().collect::<Vec<_>>(),
        values(&example).keys().collect::<Vec<_>>()
    );
    let committed = fs::read_to_string(root.join(EXAMPLE).join("docker-compose.yml")).unwrap();
    let deployed = fs::read_to_string(sandbox.path("docker-compose.yml")).unwrap();
    assert_eq!(
        committed, deployed,
        "the page's commands change the env file alone"
    );
}

#[test]
fn docker_compose_publishes_caddy_alone_and_every_image_has_a_release() {
    let Some(compose) = oracle::docker_compose() else {
        oracle::skip("Docker Compose over examples/hardened: it is not set up");
        return;
    };
    let sandbox = deployed();
    let config = |folder: &Path| {
        other(&compose)
            .args(["config", "--format", "json"])
            .within(folder)
            .done()
    };
    let done = config(&sandbox.here()).exit(0);
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    for (name, service) in document["services"].as_object().unwrap() {
        let (_, tag) = service["image"].as_str().unwrap().split_once(':').unwrap();
        assert!(tag.contains('.') && tag != "latest", "{name}: {tag}");
        let ports = service["ports"].as_array().into_iter().flatten();
        let published: BTreeSet<u16> = ports
            .map(|port| port["published"].as_str().unwrap().parse().unwrap())
            .collect();
        let expected = if name == "caddy" {
            CADDY.to_vec()
        } else {
            Vec::new()
        };
        assert_eq!(published, expected.into_iter().collect(), "{name}");
    }
    assert_eq!(document["networks"]["backend"]["internal"], json!(true));
    fs::remove_file(sandbox.path(".env")).unwrap();
    config(&sandbox.here()).exit(1).says("is missing a value");
}

#[test]
fn its_containers_have_the_keys_that_they_need_and_only_caddy_answers() {
    let Some(engine) = Engine::start() else {
        return;
    };
    if let Some(port) = CADDY.into_iter().find(|port| is_taken(*port)) {
        oracle::skip(&format!(
            "{EXAMPLE} in a Docker engine: something listens on port {port}"
        ));
        return;
    }
    let sandbox = deployed();
    let keys = values(&fs::read_to_string(sandbox.path("keys.env")).unwrap());
    let running = engine.up(&sandbox.path("docker-compose.yml"));
    let all: BTreeSet<String> = keys
        .keys()
        .filter(|name| name.starts_with("CLEARML__SECURE__"))
        .cloned()
        .collect();
    assert_eq!(all.len(), 12);
    let secrets = |environment: &BTreeMap<String, String>| -> BTreeSet<String> {
        let has = |name: &&String| environment.values().any(|value| *value == keys[*name]);
        all.iter().filter(has).cloned().collect()
    };
    for (service, environment) in running.environments() {
        let expected = all.iter().filter(|name| match service.as_str() {
            "apiserver" => true,
            "fileserver" => name.contains("__FILESERVER__"),
            "async_delete" => name.ends_with("TOKEN_SECRET"),
            _ => false,
        });
        assert_eq!(
            secrets(&environment),
            expected.cloned().collect(),
            "{service}"
        );
    }
    // Containers listen at 80 and not at 443, which takes a certificate.
    let asked = LISTENED.into_iter().chain(CADDY).collect();
    assert_eq!(
        reached(running.gateway, &asked),
        BTreeMap::from([(80, "caddy".to_owned())])
    );
}

//! `--close-ports` and `--bind`: what comes out line by line, and what is refused.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;

use e2e::program::clearml;

/// The file with the ports of one service, injected with both options; the text that its `ports` became, or the refusal.
fn injected(image: &str, ports: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docker-compose.yml");
    let api = "  apiserver:\n    image: clearml/server:2.0.0\n    command: [apiserver]\n    ports: ['127.0.0.1:8008:8008']\n";
    let text = format!("services:\n{api}  it:\n    image: {image}\n{ports}    restart: always\n");
    fs::write(&path, &text).unwrap();
    let keys = clearml("keygen").done().exit(0).stdout;
    let done = clearml("inject")
        .args(["--close-ports", "--bind", "127.0.0.1"])
        .arg(&path)
        .stdin(keys.as_str())
        .done();
    if done.status != Some(0) {
        assert_eq!(done.status, Some(2));
        assert_eq!(done.stdout, "");
        return Err(done.stderr);
    }
    let (_, its) = done.stdout.split_once(image).unwrap();
    let (its, _) = its.split_once("    restart: always").unwrap();
    Ok(its.trim_start_matches('\n').to_owned())
}

const WEB: &str = "clearml/server:2.0.0 # web\n    command: [webserver]";

#[test]
fn every_syntax_is_edited_in_place() {
    for (image, before, after) in [
        (
            WEB,
            "    ports: ['8080:80']\n",
            "    ports: ['127.0.0.1:8080:80']\n",
        ),
        (
            WEB,
            "    ports:\n    - 80\n",
            "    ports:\n    - \"127.0.0.1::80\"\n",
        ),
        (
            WEB,
            "    ports:\n      - target: 80 # http\n        published: 8080\n",
            "    ports:\n      - target: 80 # http\n        published: 8080\n        host_ip: \"127.0.0.1\"\n",
        ),
        (
            WEB,
            "    ports: [\"0.0.0.0:${PORT:-8080}:80\"] # c\n",
            "    ports: [\"127.0.0.1:${PORT:-8080}:80\"] # c\n",
        ),
        (
            WEB,
            "    ports: [\"[::1]:8080:80\", '127.0.0.2:81:80']\n",
            "    ports: [\"127.0.0.1:8080:80\", '127.0.0.1:81:80']\n",
        ),
        (
            WEB,
            "    ports: [\"127.0.0.1:8080:80\"]\n",
            "    ports: [\"127.0.0.1:8080:80\"]\n",
        ),
        (
            WEB,
            "    ports: [\"8080-8090:8080-8090\"]\n",
            "    ports: [\"127.0.0.1:8080-8090:8080-8090\"]\n",
        ),
        (
            WEB,
            "    ports: [\"${ADDRESS:-0.0.0.0}:8080:80\"]\n",
            "    ports: [\"127.0.0.1:8080:80\"]\n",
        ),
        (
            "redis:7",
            "    ports: # a\n    # b\n    - 6379:6379 # c\n    - 6380:6380\n    # d\n",
            "    ports: [] # a\n    # b\n    # c\n    # d\n",
        ),
        (
            "mongo:7",
            "    ports: [27017, \"27018:27018\"]\n",
            "    ports: []\n",
        ),
    ] {
        assert_eq!(injected(image, before).as_deref(), Ok(after), "{before}");
    }
}

#[test]
fn what_cannot_be_done_safely_is_refused() {
    for (image, ports, reason) in [
        (
            WEB,
            "    ports: [\"${NO_SUCH_PORT}:80\"]\n",
            "cannot be read",
        ),
        (
            WEB,
            // The variable holds more than an address.
            "    ports: [\"${BOTH:-0.0.0.0:8080}:80\"]\n",
            "comes from a variable",
        ),
        (
            WEB,
            "    ports: ['10.0.0.1:8080:80', '127.0.0.1:8080:80']\n",
            "the same port as another entry",
        ),
        (WEB, "    network_mode: host\n", "host's own network"),
        (
            WEB,
            "    network_mode: service:apiserver\n",
            "uses the network of another service",
        ),
        (
            "redis:7",
            "    network_mode: container:gate\n",
            "uses the network of another service",
        ),
        (
            "redis:7",
            "    ports:\n    - # keep me\n      6379:6379\n",
            "comment inside this entry",
        ),
        ("redis:7", "    network_mode: host\n", "host's own network"),
        (
            "redis:7",
            "    ports: [ # why\n      \"6379:6379\"]\n",
            "comment inside these brackets",
        ),
    ] {
        match injected(image, ports) {
            Err(said) => assert!(said.contains(reason), "{ports}: {said}"),
            Ok(after) => panic!("{ports} became {after}"),
        }
    }
}

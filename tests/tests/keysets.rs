//! Keyset files that lie beside a deployment or below it: who reads them, and what of them git tracks.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use e2e::files::fixtures;
use e2e::program::clearml;
use serde_json::Value;

/// The stock deployment, with a keyset in a folder below it.
fn folder(format: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    // The folder of a test is for its user alone, and so nobody would read what is in it.
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let stock = fixtures().join("stock/docker-compose.yml");
    fs::copy(stock, folder.path().join("docker-compose.yml")).unwrap();
    fs::create_dir(folder.path().join("below")).unwrap();
    clearml("keygen")
        .within(folder.path())
        .args(["-f", format, "-o", "below/mine"])
        .done()
        .exit(0);
    folder
}

/// What the two rules say, by what it begins with.
fn found(folder: &Path) -> Vec<(String, String)> {
    let done = clearml("verify")
        .within(folder)
        .args(["-f", "json", "docker-compose.yml"])
        .done();
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let mut found: Vec<_> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| (word(&finding["rule"]), word(&finding["message"])))
        .filter(|(rule, _)| rule == "readable-secret" || rule == "tracked-secret")
        .collect();
    found.sort();
    found
}

fn git(folder: &Path, words: &str) {
    let mut git = Command::new("git");
    let done = git.current_dir(folder).args(words.split(' ')).output();
    assert!(done.unwrap().status.success(), "git {words}");
}

#[test]
fn a_keyset_of_every_format_is_looked_at() {
    for format in ["env", "json", "yaml", "toml", "hocon"] {
        let folder = folder(format);
        let keyset = folder.path().join("below/mine");
        // As keygen writes it, nobody else reads it, and git does not know it.
        assert_eq!(found(folder.path()), [], "{format}");
        git(folder.path(), "init -q .");
        assert_eq!(found(folder.path()), [], "{format}");
        fs::set_permissions(&keyset, Permissions::from_mode(0o644)).unwrap();
        git(folder.path(), "add below/mine");
        let found = found(folder.path());
        let [(_, readable), (_, tracked)] = found.as_slice() else {
            panic!("{format}: {found:?}");
        };
        assert!(
            readable.ends_with("can read the keyset ./below/mine (mode 0644)"),
            "{readable}"
        );
        assert!(
            tracked.starts_with("git tracks the keyset ./below/mine"),
            "{tracked}"
        );
    }
}

#[test]
fn a_value_of_a_keyset_in_a_tracked_file_is_found_with_its_place() {
    let folder = folder("json");
    let text = fs::read_to_string(folder.path().join("below/mine")).unwrap();
    let keyset: Value = serde_json::from_str(&text).unwrap();
    let settings = &keyset["settings"];
    let secret = settings["secure.auth.token_secret"].as_str().unwrap();
    let key = settings["secure.credentials.tests.user_key"]
        .as_str()
        .unwrap();
    fs::create_dir(folder.path().join("docs")).unwrap();
    fs::write(
        folder.path().join("docs/notes.md"),
        format!("# ours\nit is {secret}\n"),
    )
    .unwrap();
    // A key alone opens nothing.
    fs::write(folder.path().join("docs/key.md"), key).unwrap();
    git(folder.path(), "init -q .");
    // Nobody has it before it is added.
    assert_eq!(found(folder.path()), []);
    git(folder.path(), "add docs docker-compose.yml");
    let found = found(folder.path());
    let [(rule, message)] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(rule, "tracked-secret");
    assert!(
        message.contains("docs/notes.md:2:7: a secret of ./below/mine"),
        "{message}"
    );
    assert!(!message.contains(secret));
}

#[test]
fn the_keysets_of_a_fleet_are_looked_at() {
    let folder = folder("env");
    fs::remove_file(folder.path().join("below/mine")).unwrap();
    clearml("keygen")
        .within(folder.path())
        .args(["--count", "400", "-f", "jsonl", "-o", "fleet.jsonl"])
        .done()
        .exit(0);
    let list = folder.path().join("fleet.jsonl");
    let text = fs::read_to_string(&list).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let secret = last["settings"]["secure.auth.token_secret"].as_str();
    fs::write(folder.path().join("notes.md"), secret.unwrap()).unwrap();
    git(folder.path(), "init -q .");
    git(folder.path(), "add fleet.jsonl notes.md");
    fs::set_permissions(&list, Permissions::from_mode(0o644)).unwrap();
    let found = found(folder.path());
    let [(_, readable), (_, leak), (_, tracked)] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert!(
        readable.ends_with("can read the keysets in ./fleet.jsonl (mode 0644)"),
        "{readable}"
    );
    assert!(
        leak.contains("notes.md:1:1: a secret of ./fleet.jsonl"),
        "{leak}"
    );
    assert!(
        tracked.starts_with("git tracks the keysets in ./fleet.jsonl"),
        "{tracked}"
    );
}

#[test]
fn a_keyset_elsewhere_in_the_repository_is_found_once_git_tracks_it() {
    let folder = folder("env");
    let below = |name: &str| folder.path().join(name);
    for name in ["deploy", "secrets", "other"] {
        fs::create_dir(below(name)).unwrap();
    }
    fs::rename(
        below("docker-compose.yml"),
        below("deploy/docker-compose.yml"),
    )
    .unwrap();
    fs::rename(below("below/mine"), below("secrets/keys.env")).unwrap();
    git(folder.path(), "init -q .");
    assert_eq!(found(&below("deploy")), []);
    git(folder.path(), "add .");
    let tracked = found(&below("deploy"));
    let [(rule, message)] = tracked.as_slice() else {
        panic!("{tracked:?}");
    };
    assert_eq!(rule, "tracked-secret");
    assert!(message.contains(" ../secrets/keys.env: "), "{message}");
    // What is beside another deployment is said of that one.
    fs::copy(
        below("deploy/docker-compose.yml"),
        below("secrets/compose.yaml"),
    )
    .unwrap();
    assert_eq!(found(&below("deploy")), []);
    fs::remove_file(below("secrets/compose.yaml")).unwrap();
    // The name of a file says nothing alone.
    fs::rename(below("secrets/keys.env"), below("other/mine")).unwrap();
    fs::write(
        below("secrets/keys.env"),
        "CLEARML__SECURE__AUTH__TOKEN_SECRET=\n",
    )
    .unwrap();
    assert_eq!(found(&below("deploy")), []);
}

#[test]
fn what_is_loaded_or_of_another_deployment_or_public_is_not_looked_at_twice() {
    let folder = folder("env");
    let set = |name: &str| {
        fs::set_permissions(folder.path().join(name), Permissions::from_mode(0o644)).unwrap()
    };
    set("below/mine");
    assert_eq!(found(folder.path()).len(), 1);
    // The compose file's own variables: that file is looked at as it is loaded.
    fs::rename(folder.path().join("below/mine"), folder.path().join(".env")).unwrap();
    assert!(
        found(folder.path())
            .iter()
            .all(|(_, message)| !message.contains("keyset"))
    );
    // Another deployment's.
    fs::rename(folder.path().join(".env"), folder.path().join("below/mine")).unwrap();
    fs::copy(
        folder.path().join("docker-compose.yml"),
        folder.path().join("below/compose.yml"),
    )
    .unwrap();
    assert_eq!(found(folder.path()), []);
}

#[test]
fn the_configuration_of_a_client_is_looked_at() {
    const KEYS: &str = "api { credentials { access_key: A, secret_key: \"Lx4vTq8nYd2Gm6Rw0Kz9Hs3Bf7Jc5Pa1Ue8Oi4Xt6Zq2Nv\" } }\n\
                        sdk { aws { s3 { region: ${REGION} } } }\n";
    let folder = folder("env");
    let path = folder.path().join("below/clearml.conf");
    fs::write(&path, KEYS).unwrap();
    let says = |mode: u32| {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let found = found(folder.path());
        let mut messages = found.iter().map(|(_, message)| message);
        messages.any(|message| message.contains("can read the keys of a client in"))
    };
    fs::set_permissions(folder.path().join("below"), Permissions::from_mode(0o755)).unwrap();
    assert!(says(0o644));
    assert!(!says(0o600));
}

//! A rotation is proved, with a real Redis for what the file server remembers
//! (docs/clearml.md#remembered-tokens).
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;

use e2e::files::fixtures;
use e2e::program::clearml;
use e2e::redis::Redis;
use e2e::standin::{Injected, Standin, asked, with_as_it_comes};
use serde_json::json;

#[test]
fn a_rotation_is_done_when_the_file_server_forgets() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let injected = Injected::stock();
    let more = json!({"redis": redis.port});
    let old = injected.path("keys.env");
    let old = old.to_str().unwrap();
    let Some(before) = Standin::start(&injected.path("docker-compose.yml"), more.clone()) else {
        return;
    };
    let (_, found, _) = asked(&before, &["--keys", old]);
    assert!(
        !found.iter().any(|one| one.starts_with("keys-not-applied")),
        "{found:?}"
    );
    drop(before);
    injected.renew("new.env", "new.yml");
    let new = injected.path("new.env");
    let both = ["--keys", new.to_str().unwrap(), "--old-keys", old];
    let after = Standin::start(&injected.path("new.yml"), more).unwrap();
    let (_, found, _) = asked(&after, &both);
    let expected = with_as_it_comes(&[
        "old-keys-accepted error fileserver",
        "stack-trace note apiserver",
    ]);
    assert_eq!(found, expected);
    redis.call("SELECT 8\r\nFLUSHDB").unwrap();
    let (_, found, _) = asked(&after, &both);
    assert_eq!(found, with_as_it_comes(&["stack-trace note apiserver"]));
    // Of a keyset of which only the token secret is replaced, the accounts are right to log in.
    let part = injected.path("part.env");
    clearml("keygen")
        .args(["--only", "token_secret", "--from"])
        .arg(&new)
        .arg("-o")
        .arg(&part)
        .done()
        .exit(0);
    let compose = injected.path("part.yml");
    let stock = fixtures().join("stock/docker-compose.yml");
    fs::write(
        &compose,
        clearml("inject")
            .arg("-k")
            .arg(&part)
            .arg(stock)
            .done()
            .exit(0)
            .stdout,
    )
    .unwrap();
    let partly = Standin::start(&compose, json!({})).unwrap();
    let keys = [part.to_str().unwrap(), new.to_str().unwrap()];
    let (_, found, _) = asked(&partly, &["--keys", keys[0], "--old-keys", keys[1]]);
    assert_eq!(found, with_as_it_comes(&["stack-trace note apiserver"]));
    // And a server that was not restarted is told as what it is.
    let stale = Standin::start(&injected.path("docker-compose.yml"), json!({})).unwrap();
    let (_, found, _) = asked(&stale, &["--old-keys", old]);
    assert!(
        found.contains(&"old-keys-accepted error apiserver".to_owned()),
        "{found:?}"
    );
}

/// What the keyset has is in use, and so is a pair that everybody knows.
#[test]
fn a_server_that_takes_a_published_pair_is_not_proved() {
    let injected = Injected::stock();
    let key = "EGRTCO8JMSIGI6S39GTP43NFWXDQOW";
    let secret = "LPEJbGJ6bK4tujQcmrD3i1dbMBDdwUwelVa-LG0K0FFmY9bzH_H0Sw";
    let changed = injected.change(
        "apiserver",
        &[
            ("CLEARML__SECURE__CREDENTIALS__MORE__USER_KEY", key),
            ("CLEARML__SECURE__CREDENTIALS__MORE__USER_SECRET", secret),
            ("CLEARML__SECURE__CREDENTIALS__MORE__ROLE", "system"),
        ],
    );
    let Some(open) = Standin::start(&changed, json!({})) else {
        return;
    };
    let keys = injected.path("keys.env");
    let asked_about_keys = ["--keys", keys.to_str().unwrap()];
    let (status, found, _) = asked(&open, &asked_about_keys);
    let is_found = |rule: &str| found.iter().any(|one| one.starts_with(rule));
    assert!(
        is_found("default-login") && !is_found("keys-not-applied"),
        "{found:?}"
    );
    assert_eq!(status, Some(1), "{found:?}");
    drop(open);
    let closed = Standin::start(&injected.path("docker-compose.yml"), json!({})).unwrap();
    let (status, found, _) = asked(&closed, &asked_about_keys);
    assert_eq!(status, Some(0), "{found:?}");
}

/// Public keys were replaced, and a token of before is remembered: new keys would be made for nothing.
#[test]
fn a_public_token_that_only_the_file_server_remembers_is_to_be_forgotten() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let more = json!({"redis": redis.port});
    let stock = fixtures().join("stock/docker-compose.yml");
    let help = |standin: &Standin| {
        let done = clearml("verify")
            .args(["-f", "json"])
            .args(standin.arguments())
            .done();
        let report: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap().clone();
        let forged = findings
            .iter()
            .filter(|one| one["rule"] == "forged-token")
            .map(|one| one["help"].as_str().unwrap().to_owned());
        forged.collect::<Vec<_>>()
    };
    let Some(before) = Standin::start(&stock, more.clone()) else {
        return;
    };
    let new_keys = help(&before);
    assert_eq!(new_keys.len(), 2);
    assert!(
        new_keys
            .iter()
            .all(|help| help.contains("clearml-keygen -o keys.env")),
        "{new_keys:?}"
    );
    drop(before);
    let injected = Injected::stock();
    let after = Standin::start(&injected.path("docker-compose.yml"), more).unwrap();
    let [only] = &help(&after)[..] else {
        panic!("not one finding of the file server");
    };
    assert!(only.contains("redis-cli -n 8 FLUSHDB"), "{only}");
    assert!(!only.contains("clearml-keygen"), "{only}");
    redis.call("SELECT 8\r\nFLUSHDB").unwrap();
    assert_eq!(help(&after), Vec::<String>::new());
}

//! A rotation is proved, with a real Redis for what the file server remembers
//! (docs/clearml.md#remembered-tokens).
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;

use e2e::balancer;
use e2e::files::fixtures;
use e2e::program::clearml;
use e2e::redis::Redis;
use e2e::standin::{Injected, Standin, asked, said, with_as_it_comes};
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

/// Of two servers behind one address one was not restarted, and no question gets to it but what is asked again.
#[test]
fn a_server_with_other_keys_behind_the_same_address_is_found() {
    let injected = Injected::stock();
    injected.renew("new.env", "new.yml");
    let [new, old] = ["new.env", "keys.env"].map(|name| injected.path(name));
    let [new, old] = [new.to_str().unwrap(), old.to_str().unwrap()];
    let start = |name: &str| Standin::start(&injected.path(name), json!({}));
    let (Some(after), Some(before), Some(same)) = (
        start("new.yml"),
        start("docker-compose.yml"),
        start("new.yml"),
    ) else {
        return;
    };
    let behind_one = |other: &Standin, options: &[&str]| {
        let api = balancer::start(&after.api, &other.api);
        let [first, second] = [&after, other].map(|one| one.files.as_ref().unwrap());
        let files = balancer::start(first, second);
        let done = clearml("verify")
            .args(["-f", "json", "--api", &api, "--files", &files, "--web"])
            .args([&after.web, &after.web])
            .args(options)
            .done();
        let (_, found, unknown) = said(&done.stdout, done.status);
        let is_about_keys = |one: &String| one.contains("keys");
        assert_eq!(unknown, Vec::<String>::new(), "{}", done.stdout);
        // Each account and the token secret are findings of their own.
        let mut found: Vec<String> = found.into_iter().filter(is_about_keys).collect();
        found.dedup();
        found
    };
    assert_eq!(
        behind_one(&before, &["--keys", new]),
        [
            "keys-not-applied error apiserver",
            "keys-not-applied error fileserver"
        ]
    );
    assert_eq!(
        behind_one(&before, &["--old-keys", old]),
        [
            "old-keys-accepted error apiserver",
            "old-keys-accepted error fileserver"
        ]
    );
    let both = ["--keys", new, "--old-keys", old];
    assert_eq!(
        behind_one(&before, &both),
        [
            "keys-not-applied error apiserver",
            "keys-not-applied error fileserver",
            "old-keys-accepted error apiserver",
            "old-keys-accepted error fileserver"
        ]
    );
    assert_eq!(behind_one(&same, &both), Vec::<String>::new());
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
    assert_eq!(
        verdict(&open, &asked_about_keys),
        "not proved: 7 answers right, 0 wrong, 0 not checked; 1 other finding is about keys"
    );
    drop(open);
    let own = injected.path("docker-compose.yml");
    // That one pair could not be tried is not known to be right, whatever else is.
    let failing = Standin::start(&own, json!({"failing": [key]})).unwrap();
    let (status, found, _) = asked(&failing, &asked_about_keys);
    assert_eq!(status, Some(2), "{found:?}");
    assert_eq!(
        verdict(&failing, &asked_about_keys),
        "not proved: 7 answers right, 0 wrong, 1 not checked"
    );
    drop(failing);
    let closed = Standin::start(&own, json!({})).unwrap();
    let (status, found, _) = asked(&closed, &asked_about_keys);
    assert_eq!(status, Some(0), "{found:?}");
    assert_eq!(
        verdict(&closed, &asked_about_keys),
        "proved: all 7 answers are as they must be"
    );
    // Nor is it where a file says that it will not be so after the next start.
    let stock = fixtures().join("stock/docker-compose.yml");
    let also_stock = [&asked_about_keys[..], &[stock.to_str().unwrap()]].concat();
    let (status, found, _) = asked(&closed, &also_stock);
    assert_eq!(status, Some(1), "{found:?}");
    let said = verdict(&closed, &also_stock);
    assert!(
        said.starts_with("not proved: 7 answers right, 0 wrong, ")
            && said.ends_with(" other findings are about keys"),
        "{said}"
    );
}

/// New keys that the web server gives to everybody are nobody's own.
#[test]
fn keys_that_the_web_server_gives_away_are_not_proved() {
    let injected = Injected::stock();
    let keys = injected.path("keys.env");
    let text = fs::read_to_string(&keys).unwrap();
    let of = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_once('=')
            .unwrap()
            .1
            .trim_matches('\'')
            .to_owned()
    };
    let account = "CLEARML__SECURE__CREDENTIALS__APISERVER__USER";
    let (key, secret) = (
        of(&format!("{account}_KEY")),
        of(&format!("{account}_SECRET")),
    );
    let own = fs::read_to_string(injected.path("docker-compose.yml")).unwrap();
    let given = format!(
        "\n  webserver:\n    environment: {{USER_KEY: '{key}', USER_SECRET: '{secret}'}}\n"
    );
    let compose = injected.path("given.yml");
    fs::write(&compose, own.replace("\n  webserver:\n", &given)).unwrap();
    let Some(standin) = Standin::start(&compose, json!({})) else {
        return;
    };
    let keys = ["--keys", keys.to_str().unwrap()];
    let (status, found, _) = asked(&standin, &keys);
    let expected = "published-credential error webserver";
    assert!(found.iter().any(|one| one == expected), "{found:?}");
    assert_eq!(status, Some(1), "{found:?}");
    assert!(verdict(&standin, &keys).starts_with("not proved: "));
}

/// What the text says of all answers together.
fn verdict(standin: &Standin, arguments: &[&str]) -> String {
    let done = clearml("verify")
        .args(arguments)
        .args(standin.arguments())
        .done();
    let mut lines = done.stdout.lines().map(str::to_owned);
    let is_verdict = |line: &String| line.contains("proved: ");
    lines
        .find(is_verdict)
        .unwrap_or_else(|| panic!("no verdict:\n{}", done.stdout))
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

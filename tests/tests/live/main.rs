//! A running server: the stand-in, started from compose files, is asked by clearml-verify.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod mistakes;

use std::fs;

use e2e::files::fixtures;
use e2e::program::clearml;
use e2e::standin::{Injected, Standin, asked, said, with_as_it_comes};
use serde_json::{Value, json};

#[test]
fn of_a_stock_server_every_hole_is_found() {
    let Some(standin) = Standin::start(&fixtures().join("stock/docker-compose.yml"), json!({}))
    else {
        return;
    };
    let (status, found, unknown) = asked(&standin, &[]);
    let expected = with_as_it_comes(&[
        "default-login error apiserver",
        "default-login error apiserver",
        "default-login error apiserver",
        "default-login error apiserver",
        "forged-token error apiserver",
        "forged-token error fileserver",
        "stack-trace note apiserver",
    ]);
    assert_eq!((status, found, unknown), (Some(1), expected, vec![]));
}

/// What is gone from a server that was asked everything is fixed; of another server nothing is known.
#[test]
fn an_earlier_run_is_compared_server_by_server() {
    let Some(standin) = Standin::start(&fixtures().join("stock/docker-compose.yml"), json!({}))
    else {
        return;
    };
    let verified = |options: &[&str]| {
        let run = clearml("verify").args(["-f", "json"]);
        let done = run.args(options.to_vec()).args(standin.arguments()).done();
        serde_json::from_str::<Value>(&done.stdout).unwrap()
    };
    let mut before = verified(&[]);
    let findings = before["findings"].as_array_mut().unwrap();
    let all = findings.len();
    let is_login = |one: &&Value| one["rule"] == "default-login";
    let login = findings.iter().find(is_login).unwrap().clone();
    let of = |subject: &Value, message: &str| {
        let mut one = login.clone();
        (one["subject"], one["message"]) = (subject.clone(), message.into());
        (one["rule"], one["fingerprint"]) = ("debug-console".into(), message.into());
        one
    };
    findings.push(of(&login["subject"], "gone"));
    findings.push(of(
        &"http://203.0.113.7:8080 (apiserver)".into(),
        "elsewhere",
    ));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("before.json");
    fs::write(&file, before.to_string()).unwrap();
    let after = verified(&["--since", file.to_str().unwrap()]);
    let since = &after["since"];
    let expected = json!({"new": 0, "still": all, "fixed": 1, "not_known": 1});
    assert_eq!(since["summary"], expected, "{since:#}");
    assert_eq!(since["fixed"][0]["message"], "gone");
    assert_eq!(since["not_known"][0]["reason"], "not looked at this time");
}

#[test]
fn of_an_injected_server_none_is_left_and_the_keys_are_in_use() {
    let injected = Injected::stock();
    let Some(standin) = Standin::start(&injected.path("docker-compose.yml"), json!({})) else {
        return;
    };
    let expected = (Some(1), with_as_it_comes(&[]), vec![]);
    assert_eq!(asked(&standin, &[]), expected);
    let keys = injected.path("keys.env");
    let (status, found, unknown) = asked(&standin, &["--keys", keys.to_str().unwrap()]);
    // With a token secret at hand, the server can be made to stumble. The proof of the keys does not depend on it.
    let expected = with_as_it_comes(&["stack-trace note apiserver"]);
    assert_eq!((status, found, unknown), (Some(0), expected, vec![]));
    // Another keyset is in nobody's use.
    injected.renew("other.env", "other.yml");
    let other = injected.path("other.env");
    let (_, found, _) = asked(&standin, &["--keys", other.to_str().unwrap()]);
    let count = |wanted: &str| found.iter().filter(|one| *one == wanted).count();
    assert_eq!(count("keys-not-applied error apiserver"), 6, "{found:?}");
    assert_eq!(count("keys-not-applied error fileserver"), 1, "{found:?}");
    // Files, keys and server are held against each other.
    let agree = |compose: &str, keys: &str| {
        let done = clearml("verify")
            .args(["-f", "json", "--keys"])
            .arg(injected.path(keys))
            .args(standin.arguments())
            .arg(injected.path(compose))
            .done();
        let (_, found, _) = said(&done.stdout, done.status);
        !found.iter().any(|one| one.starts_with("keys-not-applied"))
    };
    assert!(agree("docker-compose.yml", "keys.env"));
    assert!(!agree("other.yml", "keys.env"));
}

#[test]
fn the_documented_example_leaves_the_file_servers_account() {
    let compose = fixtures().join("documented-example/docker-compose.yml");
    let Some(standin) = Standin::start(&compose, json!({})) else {
        return;
    };
    let expected = with_as_it_comes(&["default-login error apiserver"]);
    assert_eq!(asked(&standin, &[]), (Some(1), expected, vec![]));
}

#[test]
fn an_account_that_cannot_be_read_leaves_all_later_ones_on_their_defaults() {
    // All twelve settings are set, one of them to digits.
    let digits = [("CLEARML__SECURE__CREDENTIALS__APISERVER__USER_KEY", "123")];
    let injected = Injected::stock();
    let compose = injected.change("apiserver", &digits);
    let Some(standin) = Standin::start(&compose, json!({})) else {
        return;
    };
    let (_, found, _) = asked(&standin, &[]);
    let logins = found
        .iter()
        .filter(|one| one.starts_with("default-login"))
        .count();
    assert_eq!(logins, 4, "{found:?}");
}

#[test]
fn a_version_that_is_kept_is_read_in_a_token() {
    let injected = Injected::stock();
    let keys = injected.path("keys.env");
    let own = injected.path("docker-compose.yml");
    let stock = fixtures().join("stock/docker-compose.yml");
    let published = "Rq8FW84sSqVgq7WvBB_4EzNl9y8z8IGiDXX3C345_a5AZfcwZcwCIA";
    let forged = injected.change(
        "apiserver",
        &[("CLEARML__SECURE__AUTH__TOKEN_SECRET", published)],
    );
    for (version, compose, with_keys, told) in [
        ("2.0.0", &own, false, "apiserver 2.0.0 at"),
        // Nobody is let in, so nothing is told.
        ("2.3.0", &own, false, "apiserver at"),
        ("2.3.0", &own, true, "apiserver 2.3.0 at"),
        ("2.3.0", &stock, false, "apiserver 2.3.0 at"),
        ("2.3.0", &forged, false, "apiserver 2.3.0 at"),
    ] {
        let Some(standin) = Standin::start(compose, json!({"version": version})) else {
            return;
        };
        let mut run = clearml("verify");
        if with_keys {
            run = run.arg("--keys").arg(&keys);
        }
        let done = run.args(standin.arguments()).done();
        assert!(done.stdout.contains(told), "{version}: {}", done.stdout);
        assert!(!done.stdout.contains("not checked:"), "{}", done.stdout);
    }
}

#[test]
fn what_the_documentation_writes_for_a_value_is_tried() {
    let injected = Injected::stock();
    let account = "CLEARML__SECURE__CREDENTIALS__TESTS__USER";
    let compose = injected.change(
        "apiserver",
        &[
            (&format!("{account}_KEY"), "new-key-string"),
            (&format!("{account}_SECRET"), "new-secret-string"),
            ("CLEARML__SECURE__AUTH__TOKEN_SECRET", "my-new-secret"),
        ],
    );
    let Some(standin) = Standin::start(&compose, json!({})) else {
        return;
    };
    let (_, found, _) = asked(&standin, &[]);
    let expected = with_as_it_comes(&[
        "default-login error apiserver",
        "forged-token error apiserver",
    ]);
    assert_eq!(found, expected);
}

/// Each is shown once, after those that servers come with.
#[test]
fn a_token_secret_that_people_paste_is_tried() {
    let injected = Injected::stock();
    let record = injected.path("record");
    for (secret, source) in [
        ("your-256-bit-secret", Some("jwt.io")),
        ("changeme", Some("what people write where a value belongs")),
        (
            "404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970",
            Some("Spring"),
        ),
        ("dj2Qw8vYtR5nKs7LxHc3MfZp9BgUaE4iTo6XyNbVwJrC1kSq", None),
    ] {
        let variable = ("CLEARML__SECURE__AUTH__TOKEN_SECRET", secret);
        let compose = injected.change("apiserver", &[variable]);
        fs::write(&record, "").unwrap();
        let Some(standin) = Standin::start(&compose, json!({"record": record})) else {
            return;
        };
        let done = clearml("verify").args(standin.arguments()).done();
        let is_said = done.stdout.contains("signed with a public secret (");
        assert_eq!(is_said, source.is_some(), "{secret}: {}", done.stdout);
        if let Some(source) = source {
            assert!(done.stdout.contains(source), "{secret}: {}", done.stdout);
        }
        let text = fs::read_to_string(&record).unwrap();
        let shown = text.lines();
        let shown = shown.filter(|line| line.contains("auth.validate_token"));
        // Eight that servers come with, the image's own on six further connections, twelve more; and what nobody can have
        // signed, where one is accepted.
        let is_accepted = usize::from(source.is_some());
        assert_eq!(shown.count(), 8 + 6 + 12 + is_accepted, "{text}");
    }
}

/// What passes by itself is waited for, and nothing else is.
#[test]
fn what_is_so_for_a_moment_only_is_asked_again() {
    let injected = Injected::stock();
    let keys = injected.path("keys.env");
    let keys = keys.to_str().unwrap();
    let own = injected.path("docker-compose.yml");
    let applied = |more: Value, expected: bool| {
        let Some(standin) = Standin::start(&own, more.clone()) else {
            return;
        };
        // Tokens of others would take the refusals.
        let arguments = ["--keys", keys, "--ignore", "forged-token"];
        let (_, found, unknown) = asked(&standin, &arguments);
        assert!(
            !found.iter().any(|one| one.starts_with("keys")),
            "{more}: {found:?}"
        );
        assert_eq!(unknown.is_empty(), expected, "{more}: {unknown:?}");
    };
    // After a restart of the API server alone the first token is refused, or that of each of several workers.
    applied(json!({"stale": 1}), true);
    applied(json!({"stale": 2}), true);
    // What stays is not known: it says to a token what it says to nobody, whichever token that is.
    applied(json!({"stale": 100}), false);
    // A file server that is starting is waited for; one that is not there for long is not.
    applied(json!({"late": 1}), true);
    let Some(standin) = Standin::start(&own, json!({"late": 60})) else {
        return;
    };
    let (_, _, unknown) = asked(&standin, &[]);
    assert_eq!(unknown.len(), 1, "{unknown:?}");
    // What is found does not hang on it: the first token shown is one that nobody would take.
    let stock = fixtures().join("stock/docker-compose.yml");
    let standin = Standin::start(&stock, json!({"stale": 1})).unwrap();
    let (_, found, _) = asked(&standin, &[]);
    assert!(
        found.contains(&"forged-token error fileserver".to_owned()),
        "{found:?}"
    );
    // Nor does what is left of old keys.
    let old = ["--old-keys", keys, "--ignore", "forged-token"];
    let standin = Standin::start(&own, json!({"stale": 1})).unwrap();
    let (_, found, _) = asked(&standin, &old);
    assert!(
        found.contains(&"old-keys-accepted error fileserver".to_owned()),
        "{found:?}"
    );
}

#[test]
fn a_key_that_the_web_server_publishes_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let compose = folder.path().join("docker-compose.yml");
    for (variables, file) in [
        ("{USER_KEY: ABC, USER_SECRET: def}", "credentials.json"),
        (r#"{WEBSERVER__s3__secretKey: '"x"'}"#, "configuration.json"),
        (r#"{WEBSERVER__productName: '"x"'}"#, ""),
    ] {
        let text = format!("services:\n  webserver: {{environment: {variables}}}\n");
        fs::write(&compose, text).unwrap();
        let Some(standin) = Standin::start(&compose, json!({})) else {
            return;
        };
        let (_, found, _) = asked(&standin, &[]);
        let is_found = found.contains(&"published-credential error webserver".to_owned());
        assert_eq!(is_found, !file.is_empty(), "{file}: {found:?}");
        let done = clearml("verify").args(standin.arguments()).done();
        let address = format!("{}/{file} gives", standin.web);
        assert_eq!(
            done.stdout.contains(&address),
            !file.is_empty(),
            "{file}: {}",
            done.stdout
        );
    }
}

/// The account of a file server that asks for no token is neither tried nor missed.
#[test]
fn an_account_that_the_version_does_not_have_is_not_asked_of_it() {
    let injected = Injected::stock();
    let (keys, record) = (injected.path("keys.env"), injected.path("record"));
    for (version, is_asked) in [("1.15.0", false), ("1.16.2", true)] {
        let more = json!({"version": version, "record": record});
        let Some(standin) = Standin::start(&injected.path("docker-compose.yml"), more) else {
            return;
        };
        fs::write(&record, "").unwrap();
        let (_, found, _) = asked(&standin, &["--keys", keys.to_str().unwrap()]);
        let is_missed = found.iter().any(|one| one.starts_with("keys-not-applied"));
        assert!(!is_missed, "{version}: {found:?}");
        // The published key, as it goes over the wire.
        let text = fs::read_to_string(&record).unwrap();
        let key = "R1NRV1BFS1NLTktGMzU0TEM5VjZCSFhLVFlGRDVJ";
        assert_eq!(text.contains(key), is_asked, "{version}");
    }
}

/// The debugger trusts names of the machine's own, and takes anyone's word for them.
#[test]
fn a_debugger_is_found_by_any_name() {
    let injected = Injected::stock();
    let compose = injected.change("apiserver", &[("CLEARML__apiserver__debug", "true")]);
    let Some(standin) = Standin::start(&compose, json!({})) else {
        return;
    };
    for name in ["127.0.0.1", "0.0.0.0"] {
        let api = standin.api.replace("127.0.0.1", name);
        let done = clearml("verify").args(["--api", &api, &standin.web]).done();
        let said = format!("{api}/console is an interactive debugger");
        assert!(done.stdout.contains(&said), "{}", done.stdout);
    }
}

#[test]
fn a_page_is_an_address_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let compose = folder.path().join("docker-compose.yml");
    let text = "services:\n  webserver: {environment: {CLEARML_SERVER_SUB_PATH: tools}}\n";
    fs::write(&compose, text).unwrap();
    let Some(standin) = Standin::start(&compose, json!({})) else {
        return;
    };
    for (page, base) in [
        ("/dashboard", ""),
        ("/login?redirect=%2Fdashboard", ""),
        ("/#/x", ""),
        ("/tools", "/tools"),
        ("/tools/projects/*/experiments?x=MARKED", "/tools"),
    ] {
        let url = format!("{}{page}", standin.web);
        let done = clearml("verify").arg(&url).done().exit(1);
        let base = format!("{}{base}", standin.web);
        let parts = format!(
            "apiserver 2.0.0 at {base}/api, fileserver at {base}/files, webserver at {base}"
        );
        assert!(done.prose().contains(&parts), "{page}: {}", done.stdout);
        done.never_says("MARKED");
    }
}

#[test]
fn the_parts_below_one_address_are_found() {
    let Some(standin) = Standin::start(&fixtures().join("stock/docker-compose.yml"), json!({}))
    else {
        return;
    };
    let done = clearml("verify").arg(&standin.web).done().exit(1);
    let parts = format!(
        "apiserver 2.0.0 at {0}/api, fileserver at {0}/files, webserver at {0}",
        standin.web
    );
    assert!(done.prose().contains(&parts), "{}", done.stdout);
}

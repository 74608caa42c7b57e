//! Two servers behind one address, of which one is open: whichever gets the first question, the open one is found.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use e2e::balancer;
use e2e::files::fixtures;
use e2e::program::clearml;
use e2e::standin::{Injected, Standin, said};
use serde_json::json;

/// Users, so that the login is closed.
const USERS: [(&str, &str); 2] = [
    ("CLEARML__APISERVER__AUTH__FIXED_USERS__ENABLED", "true"),
    (
        "CLEARML__APISERVER__AUTH__FIXED_USERS__USERS",
        r#"[{"username": "ann", "password": "x8Kq-w2Zr-b5Tn", "name": "Ann"}]"#,
    ),
];

/// What verify finds where the first server gets every first question, and the other one every second of the same.
fn found(first: &Standin, other: &Standin) -> Vec<String> {
    let api = balancer::start(&first.api, &other.api);
    let [one, two] = [first, other].map(|standin| standin.files.as_ref().unwrap());
    let files = balancer::start(one, two);
    let done = clearml("verify")
        .args(["-f", "json", "--api", &api, "--files", &files, "--web"])
        .args([&first.web, &first.web])
        .done();
    let (_, found, unknown) = said(&done.stdout, done.status);
    assert_eq!(unknown, Vec::<String>::new(), "{}", done.stdout);
    found
}

#[test]
fn an_open_server_behind_a_closed_one_is_found() {
    let injected = Injected::stock();
    let start = |service: &str, more: &[(&str, &str)]| {
        let all = match service {
            "apiserver" => [&USERS[..], more].concat(),
            _ => more.to_vec(),
        };
        Standin::start(&injected.change(service, &all), json!({}))
    };
    let Some(closed) = start("apiserver", &[]) else {
        return;
    };
    assert_eq!(found(&closed, &closed), ["cors-reflection note apiserver"]);
    let guest = "CLEARML__SERVICES__AUTH__FIXED_USERS__GUEST__ENABLED";
    for (service, variable, expected) in [
        (
            "fileserver",
            ("CLEARML__FILESERVER__AUTH__ENABLED", "false"),
            "anonymous-files error fileserver",
        ),
        (
            "apiserver",
            ("CLEARML__APISERVER__AUTH__FIXED_USERS__ENABLED", "false"),
            "open-login warning apiserver",
        ),
        (
            "apiserver",
            (guest, "true"),
            "guest-login warning apiserver",
        ),
        (
            "apiserver",
            ("CLEARML__APISERVER__DEBUG", "true"),
            "debug-console error apiserver",
        ),
    ] {
        let open = start(service, &[variable]).unwrap();
        let found = found(&closed, &open);
        assert!(
            found.contains(&expected.to_owned()),
            "{variable:?}: {found:?}"
        );
    }
}

#[test]
fn a_server_with_public_keys_behind_one_with_others_is_found() {
    let injected = Injected::stock();
    let Some(own) = Standin::start(&injected.path("docker-compose.yml"), json!({})) else {
        return;
    };
    let stock = fixtures().join("stock/docker-compose.yml");
    let stock = Standin::start(&stock, json!({})).unwrap();
    let found = found(&own, &stock);
    let count = |what: &str| found.iter().filter(|one| *one == what).count();
    assert_eq!(count("default-login error apiserver"), 4, "{found:?}");
    assert_eq!(count("forged-token error apiserver"), 1, "{found:?}");
    assert_eq!(count("forged-token error fileserver"), 1, "{found:?}");
}

//! Servers that answer some of what they are asked about keys: what was not answered is no proof, whatever the rest says.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use e2e::front::{self, Deal, Question};
use e2e::program::{Done, clearml};
use e2e::standin::{Injected, Standin};
use serde_json::{Value, json};

const AWAY: &str =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 4\r\n\r\naway";
const ENOUGH: &str =
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\nContent-Length: 4\r\n\r\nslow";

/// The keyset that the server has, and the one that it had.
fn rotated() -> Injected {
    let injected = Injected::stock();
    injected.renew("new.env", "new.yml");
    injected
}

/// What verify says of both keysets at a stand-in whose API server and file server are behind something.
fn verified(injected: &Injected, standin: &Standin, [api, files]: [&str; 2]) -> Done {
    clearml("verify")
        .args(["-f", "json", "--keys"])
        .arg(injected.path("new.env"))
        .arg("--old-keys")
        .arg(injected.path("keys.env"))
        .args(["--api", api, "--files", files, "--web", &standin.web])
        .arg(&standin.web)
        .done()
}

/// What was not checked, as `keyset server subject`.
fn not_checked(done: &Done) -> Vec<String> {
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    let checks = document["checks"].as_array().unwrap().iter();
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    checks
        .filter(|check| check["answer"] == "not checked")
        .map(|check| {
            ["keyset", "server", "subject"]
                .map(|name| text(check, name))
                .join(" ")
        })
        .collect()
}

/// Whether a question shows a token.
fn is_of_token(question: &Question) -> bool {
    question.authorization.starts_with("Bearer ")
}

#[test]
fn a_token_secret_is_proved_only_where_every_further_connection_answers() {
    let injected = rotated();
    let Some(standin) = Standin::start(&injected.path("new.yml"), json!({})) else {
        return;
    };
    let files = standin.files.clone().unwrap();
    let before = |server: &str, again: fn() -> Deal| {
        let server = server.to_owned();
        front::start(
            move |question| match is_of_token(question) && question.count > 1 {
                true => again(),
                false => Deal::Pass(server.clone()),
            },
        )
    };
    for again in [|| Deal::Say(AWAY), || Deal::HangUp] {
        let api = before(&standin.api, again);
        let done = verified(&injected, &standin, [&api, &files]).exit(2);
        let expected = [
            "--keys apiserver token secret",
            "--old-keys apiserver token secret",
        ];
        assert_eq!(not_checked(&done), expected);
        let behind = before(&files, again);
        let done = verified(&injected, &standin, [&standin.api, &behind]).exit(2);
        let expected = [
            "--keys fileserver token secret",
            "--old-keys fileserver token secret",
        ];
        assert_eq!(not_checked(&done), expected);
    }
    let api = before(&standin.api, || Deal::Say(ENOUGH));
    let done = verified(&injected, &standin, [&api, &files]).exit(2);
    let expected = "--keys apiserver token secret".to_owned();
    assert!(not_checked(&done).contains(&expected), "{}", done.stdout);
}

#[test]
fn what_is_accepted_is_no_proof_where_it_is_not_known_what_is_refused() {
    let injected = rotated();
    let Some(standin) = Standin::start(&injected.path("new.yml"), json!({})) else {
        return;
    };
    let [api, files] = [&standin.api, standin.files.as_ref().unwrap()].map(|server| {
        let server = server.clone();
        front::start(move |question| match question.authorization.is_empty() {
            true => Deal::Pass(server.clone()),
            false => Deal::Veil(server.clone(), AWAY),
        })
    });
    let done = verified(&injected, &standin, [&api, &files]).exit(2);
    assert_eq!(not_checked(&done).len(), 14, "{}", done.stdout);
    assert!(
        done.stdout
            .contains("whether it refuses a random secret is not known")
    );
}

#[test]
fn an_account_is_revoked_only_where_the_server_says_that_it_has_users() {
    let injected = rotated();
    // The keyset is that of before, so the new one's pair is refused.
    let other = "Zq7hT2mXv9LrB4nKc8WdJs3PfYg6Ue1RaHoVt5IxQkMzNpCbEwDlFyGuAi";
    let secret = [(
        "CLEARML__SECURE__CREDENTIALS__WEBSERVER__USER_SECRET",
        other,
    )];
    std::fs::copy(
        injected.path("new.yml"),
        injected.path("docker-compose.yml"),
    )
    .unwrap();
    let changed = injected.change("apiserver", &secret);
    let Some(standin) = Standin::start(&changed, json!({})) else {
        return;
    };
    let files = standin.files.clone().unwrap();
    let done = verified(&injected, &standin, [&standin.api, &files]).exit(1);
    assert!(done.stdout.contains("keys-not-applied"), "{}", done.stdout);
    let server = standin.api.clone();
    let api =
        front::start(
            move |question| match question.path.ends_with("login.supported_modes") {
                true => Deal::Say(AWAY),
                false => Deal::Pass(server.clone()),
            },
        );
    let done = verified(&injected, &standin, [&api, &files]).exit(2);
    assert_eq!(not_checked(&done), ["--keys apiserver account webserver"]);
}

#[test]
fn a_refusal_of_a_token_is_none_of_a_pair() {
    let injected = rotated();
    let Some(standin) = Standin::start(&injected.path("new.yml"), json!({})) else {
        return;
    };
    // What the API server says to a login whose header somebody has replaced with a token of their own.
    const BAD_TOKEN: &str = "HTTP/1.1 401 Unauthorized\r\nServer: clearml\r\nContent-Length: 107\r\n\r\n{\"meta\": {\"endpoint\": {\"name\": \"auth.login\"}, \"result_code\": 401, \"result_subcode\": 30, \"result_msg\": \"x\"}}";
    let server = standin.api.clone();
    let api = front::start(
        move |question| match question.path.ends_with("auth.login") {
            true => Deal::Say(BAD_TOKEN),
            false => Deal::Pass(server.clone()),
        },
    );
    let files = standin.files.clone().unwrap();
    let done = verified(&injected, &standin, [&api, &files]).exit(2);
    let accounts = not_checked(&done);
    assert_eq!(accounts.len(), 10, "{accounts:?}");
    assert!(
        accounts.iter().all(|one| one.contains("account")),
        "{accounts:?}"
    );
}

/// Something refuses a token where it is shown for the first time, and passes it on to a server of before where it is shown again.
#[test]
fn a_refusal_of_what_is_shown_once_is_no_proof() {
    let injected = rotated();
    let start = |name: &str| Standin::start(&injected.path(name), json!({}));
    let (Some(after), Some(before)) = (start("new.yml"), start("docker-compose.yml")) else {
        return;
    };
    let twice = |new: &str, old: &str| {
        let (new, old) = (new.to_owned(), old.to_owned());
        front::start(
            move |question| match is_of_token(question) && question.count > 1 {
                true => Deal::Pass(old.clone()),
                false => Deal::Pass(new.clone()),
            },
        )
    };
    let api = twice(&after.api, &before.api);
    let files = twice(
        after.files.as_ref().unwrap(),
        before.files.as_ref().unwrap(),
    );
    let done = verified(&injected, &after, [&api, &files]).exit(1);
    for server in [api, files] {
        let said = format!(
            "several servers answer at {server}, and tokens that are signed with the old token secret still work at some"
        );
        assert!(done.stdout.contains(&said), "{}", done.stdout);
    }
}

/// A gateway puts a token of its own in the place of ours: what the server says of that is nothing about the keys.
#[test]
fn what_is_said_of_another_token_is_no_verdict() {
    let injected = rotated();
    let Some(standin) = Standin::start(&injected.path("new.yml"), json!({})) else {
        return;
    };
    let wrong =
        "eyJhbGciOiJIUzI1NiJ9.eyJpZGVudGl0eSI6e319.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for other in [wrong, "xyz"] {
        let behind = |server: &str| {
            let server = server.to_owned();
            front::start(move |question| match is_of_token(question) {
                true => Deal::PassAs(server.clone(), format!("Bearer {other}")),
                false => Deal::Pass(server.clone()),
            })
        };
        let [api, files] =
            [&standin.api, standin.files.as_ref().unwrap()].map(|server| behind(server));
        let done = verified(&injected, &standin, [&api, &files]).exit(2);
        let expected = [
            "--keys apiserver token secret",
            "--keys fileserver token secret",
            "--old-keys apiserver token secret",
            "--old-keys fileserver token secret",
        ];
        assert_eq!(not_checked(&done), expected);
        assert!(!done.stdout.contains("keys-not-applied"), "{}", done.stdout);
    }
}

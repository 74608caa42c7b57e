//! Who will be cut off by a rotation: the agents and users of a running server.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::path::Path;

use e2e::files::fixtures;
use e2e::findings::fits_the_schema;
use e2e::program::{Done, clearml};
use e2e::standin::{Injected, Standin};
use serde_json::{Value, json};

/// What a server with these agents and users says.
fn asked(standin: &Standin, folder: &Path, format: &str) -> Done {
    clearml("verify")
        .within(folder)
        .args(["--clients", "--old-keys", "keys.env", "-f", format])
        .args(standin.arguments())
        .done()
}

/// A server with a keyset that has users.
fn with_people(people: Value) -> Option<(Injected, Standin)> {
    let injected = Injected::stock();
    let folder = injected.path("keys.env").parent().unwrap().to_owned();
    let run = |program: &str, words: &str| {
        clearml(program)
            .within(&folder)
            .args(words.split(' '))
            .done()
            .exit(0);
    };
    run(
        "keygen",
        "--from keys.env --user jane --user bob --passwords pw -o keys.env --force",
    );
    let compose = fixtures().join("stock/docker-compose.yml");
    fs::copy(compose, folder.join("people.yml")).unwrap();
    run("inject", "-k keys.env -i people.yml");
    let standin = Standin::start(&folder.join("people.yml"), people)?;
    Some((injected, standin))
}

#[test]
fn a_server_says_who_is_there_and_only_known_names_are_printed() {
    let worker = |user: &str, age: u32| json!({"id": "MARKED:gpu0", "user": user, "age": age});
    let people = json!({
        "others": ["MARKED user", "somebody"],
        "workers": [worker("__services_agent__", 5), worker("jane", 60), worker("MARKED user", 3000), worker("bob", 7200)],
    });
    let Some((injected, standin)) = with_people(people) else {
        return;
    };
    let folder = injected.path("keys.env").parent().unwrap().to_owned();
    let done = asked(&standin, &folder, "text")
        .exit(0)
        .never_says("MARKED");
    for said in [
        "3 agents were active in the last hour and will log in again",
        "1 with the pair of services_agent: cut off until it has the new one",
        "1 with keys of jane, which a rotation leaves as they are",
        "1 with keys of users who are not in the keyset",
        "4 users: bob, jane and 2 who are not in the keyset",
        "not checked: sessions, and API keys that users made: no server lists them",
    ] {
        assert!(done.prose().contains(said), "{said}\n{}", done.stdout);
    }
    let done = asked(&standin, &folder, "json")
        .exit(0)
        .never_says("MARKED");
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    fits_the_schema(&document);
    let people = &document["people"][0];
    assert_eq!(
        people["users"],
        json!({"known": ["bob", "jane"], "others": 2, "all": true})
    );
    assert_eq!(
        people["agents"],
        json!([{"account": "services_agent", "count": 1}, {"user": "jane", "count": 1}, {"count": 1}])
    );
    let line = asked(&standin, &folder, "jsonl")
        .exit(0)
        .never_says("MARKED");
    let line: Value = serde_json::from_str(&line.stdout).unwrap();
    assert_eq!(line["kind"], "people");
    assert_eq!(
        (&line["agents"], &line["users"], &line["server"]),
        (&people["agents"], &people["users"], &people["server"])
    );
    let page = asked(&standin, &folder, "markdown")
        .exit(0)
        .never_says("MARKED");
    let expected = "### Agents and users\n\n- 3 agents were active in the last hour and will log in again\n  - 1 with the pair of services\\_agent: cut off";
    assert!(page.stdout.contains(expected), "{}", page.stdout);
    assert!(!page.stdout.contains("No findings"), "{}", page.stdout);
    let page = asked(&standin, &folder, "html")
        .exit(0)
        .never_says("MARKED");
    for said in [
        "<h2>Agents and users</h2>",
        "<li>3 agents were active in the last hour and will log in again</li>",
        "<li class=\"of-above\">1 with the pair of services_agent",
        "4 users: bob, jane and 2 who are not in the keyset",
    ] {
        assert!(page.stdout.contains(said), "{said}\n{}", page.stdout);
    }
    assert!(!page.stdout.contains("No findings"), "{}", page.stdout);
    // Nothing else is asked, and nothing is proved.
    assert!(document.get("receipt").is_none() && document.get("checks").is_none());
    assert_eq!(document["findings"], json!([]));
}

#[test]
fn what_a_server_does_not_say_is_not_checked() {
    // More agents than 64 KiB hold, and more users than a page.
    let many: Vec<Value> = (0..900)
        .map(|number| json!({"id": format!("w{number}"), "user": "jane"}))
        .collect();
    let others: Vec<String> = (0..700).map(|number| format!("user {number}")).collect();
    let Some((injected, standin)) = with_people(json!({"workers": many, "others": others})) else {
        return;
    };
    let folder = injected.path("keys.env").parent().unwrap().to_owned();
    let done = asked(&standin, &folder, "text").exit(2);
    assert!(done.prose().contains("which agents"), "{}", done.stdout);
    assert!(done.prose().contains("more than 64 KiB"), "{}", done.stdout);
    assert!(
        done.prose()
            .contains("at least 500 users: bob, jane and 498 who"),
        "{}",
        done.stdout
    );
    // A keyset that the server does not have.
    clearml("keygen")
        .within(&folder)
        .args(["-o", "keys.env", "--force"])
        .done()
        .exit(0);
    let done = asked(&standin, &folder, "text").exit(2);
    assert!(
        done.prose().contains("no account of the keyset logs in"),
        "{}",
        done.stdout
    );
}

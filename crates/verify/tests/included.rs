//! Findings about a value that an `include` brings are at the value, in the file that is included.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod common;

use common::{ask, folder_with};

const COMPOSE: &str = "\
services:
  apiserver:
    image: clearml/server:2.3.0
    command: apiserver
    volumes: [\"./config:/opt/clearml/config\"]
";

/// `file:line` of the findings of a rule.
fn places(files: &[(&str, &str)], rule: &str) -> Vec<String> {
    let mut all = vec![("docker-compose.yml", COMPOSE)];
    all.extend(files);
    let folder = folder_with(&all);
    let done = ask(&["docker-compose.yml"], folder.path());
    let findings = done.json["findings"].as_array().unwrap();
    let of_rule = findings.iter().filter(|one| one["rule"] == rule);
    let place = |one: &serde_json::Value| {
        let place = &one["place"];
        format!("{}:{}", place["file"].as_str().unwrap(), place["line"])
    };
    of_rule.map(place).collect()
}

#[test]
fn a_finding_is_where_the_value_is_written() {
    let more = "# ours\nauth {\n\ttoken_secret: short\n}\n";
    let secure = "http.session_secret.apiserver: tiny\ninclude \"more/tokens.conf\"\n";
    let found = places(
        &[
            ("config/secure.conf", secure),
            ("config/more/tokens.conf", more),
        ],
        "weak-secret",
    );
    let expected = ["./config/more/tokens.conf:3", "./config/secure.conf:1"];
    let mut found = found;
    found.sort();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            found.ends_with(expected.trim_start_matches("./")),
            "{found}"
        );
    }
}

#[test]
fn an_include_within_an_include_is_followed_to_the_value() {
    let found = places(
        &[
            ("config/secure.conf", "include \"a.txt\"\n"),
            ("config/a.txt", "\n\ninclude \"b.txt\"\n"),
            ("config/b.txt", "\n\n\n\nauth: {token_secret: short}\n"),
        ],
        "weak-secret",
    );
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].ends_with("config/b.txt:5"), "{found:?}");
}

/// What HOCON changes is seen in an included file, too.
#[test]
fn a_value_that_is_misread_is_found_where_it_is_written() {
    let value = "Zq8vN2xW5rTk9LmPfH3yBc7dGsJ4uA6e";
    let of = |text: &str| {
        let secure = ("config/secure.conf", "\ninclude \"a.txt\"\n");
        places(&[secure, ("config/a.txt", text)], "misread-value")
    };
    let found = of(&format!("\n\nauth.token_secret: {value}#{value}\n"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].ends_with("config/a.txt:3"), "{found:?}");
    for meant in [
        format!("auth.token_secret: \"{value}#{value}\"\n"),
        format!("auth.token_secret: {value}\n"),
        format!("s: {value}\nauth.token_secret: ${{s}}\n"),
        format!("s: \"{value}\"\nauth.token_secret: ${{s}}{value}\n"),
    ] {
        assert_eq!(of(&meant), Vec::<String>::new(), "{meant}");
    }
}

/// A user of an included list is at its entry.
#[test]
fn a_user_is_at_its_entry() {
    let users = "\nusers: [\n  {username: a, password: b, name: A}\n  {username: jane, password: \"12345678\", name: Jane}\n]\n";
    let apiserver = "auth.fixed_users {\n  enabled: true\n  include \"users.txt\"\n}\n";
    let found = places(
        &[
            ("config/apiserver.conf", apiserver),
            ("config/users.txt", users),
        ],
        "published-password",
    );
    let weak = places(
        &[
            ("config/apiserver.conf", apiserver),
            ("config/users.txt", users),
        ],
        "weak-password",
    );
    let all = [found, weak].concat();
    assert!(!all.is_empty());
    for place in &all {
        let line = ["config/users.txt:3", "config/users.txt:4"];
        assert!(line.iter().any(|line| place.ends_with(line)), "{all:?}");
    }
}

/// Compose fetches it, so what nothing sets here may be set there, and what is here is checked all the same.
#[test]
fn what_compose_fetches_is_not_checked_and_hides_nothing_else() {
    const OTHER: &str = "\
services:
  fileserver:
    image: clearml/server:2.3.0
    command: fileserver
    ports: [\"8081:8081\"]
";
    let include = format!("include: [\"https://u:hunter2@h/o/r.git#main:sub\"]\n{OTHER}");
    let extends =
        format!("{OTHER}  apiserver:\n    extends: {{file: git@h:o/r.git, service: api}}\n");
    for (text, what) in [
        (include, "included file https://h/o/r.git"),
        (extends, "extended file git@h:o/r.git"),
    ] {
        let folder = folder_with(&[("docker-compose.yml", &text)]);
        let done = ask(&["docker-compose.yml"], folder.path());
        let all = done.json.to_string();
        assert!(!all.contains("hunter2"), "{all}");
        let unknown = done.json["unknown"].as_array().unwrap();
        let one = unknown.iter().find(|one| {
            let said = one["what"].as_str().unwrap();
            said.starts_with(what) && one["reason"].as_str().unwrap().contains("it is remote")
        });
        assert!(one.is_some(), "{unknown:#?}");
        let findings = done.json["findings"].as_array().unwrap();
        let of = |rule: &str, server: &str| {
            let mut findings = findings.iter();
            findings.any(|one| one["rule"] == rule && one["server"] == server)
        };
        assert!(of("public-port", "fileserver"), "{findings:#?}");
        assert!(!of("missing-setting", "apiserver"), "{findings:#?}");
    }
}

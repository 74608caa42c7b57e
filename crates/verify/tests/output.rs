//! The formats for programs, and the baseline.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod common;

use std::fs;

use common::{findings, fixtures, folder_with, good, run, write};
use serde_json::Value;

/// The parsed SARIF of a compose file.
fn sarif(text: &str) -> Value {
    let folder = folder_with(&[("docker-compose.yml", text)]);
    let (_, stdout, _) = run(&["-f", "sarif", "docker-compose.yml"], folder.path());
    serde_json::from_slice(&stdout).unwrap()
}

#[test]
fn effective_says_origin_and_state() {
    let (code, stdout, _) = run(
        &["--effective", "-f", "json", "stock/docker-compose.yml"],
        &fixtures(),
    );
    let document: Value = serde_json::from_slice(&stdout).unwrap();
    let rows = document["effective"].as_array().unwrap();
    assert_eq!((code, document["version"].as_u64()), (0, Some(1)));
    let row = |setting: &str, server: &str| {
        rows.iter()
            .find(|row| row["setting"] == setting && row["server"] == server)
            .unwrap()
            .clone()
    };
    assert!(document["unknown"].is_array());
    let token = row("secure.auth.token_secret", "async_delete");
    assert_eq!(
        (token["state"].as_str(), token["origin"].as_str()),
        (Some("default"), Some("image"))
    );
    let agent = row("secure.credentials.services_agent.user_key", "apiserver");
    assert_eq!(
        (agent["state"].as_str(), agent["origin"].as_str()),
        (Some("empty"), Some("environment"))
    );
}

#[test]
fn sarif_names_rules_places_and_fingerprints_that_survive_moved_lines() {
    let stock = fs::read_to_string(fixtures().join("stock/docker-compose.yml")).unwrap();
    let fingerprints = |document: &Value| -> Vec<String> {
        let results = document["runs"][0]["results"].as_array().unwrap();
        let mut all: Vec<String> = results
            .iter()
            .map(|one| {
                one["partialFingerprints"]["clearmlVerify/v1"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        all.sort();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count, "each finding has its own");
        all
    };
    let document = sarif(&stock);
    assert_eq!(document["version"], "2.1.0");
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for one in run["results"].as_array().unwrap() {
        let index = one["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[index]["id"], one["ruleId"]);
        let place = &one["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "docker-compose.yml");
        assert!(place["region"]["startLine"].as_u64().unwrap() > 1);
    }
    for rule in rules {
        assert!(
            rule["help"]["markdown"]
                .as_str()
                .unwrap()
                .contains("**Fix**"),
            "{rule}"
        );
    }
    let moved = sarif(&format!("# moved\n\n{stock}"));
    assert_eq!(fingerprints(&document), fingerprints(&moved));
}

#[test]
fn sarif_and_github_say_what_was_not_looked_at() {
    let text = good()
        .replacen("server:2.3.0", "server:${TAG:?}", 1)
        .replacen(
            "    environment:\n",
            "    env_file: absent.env\n    environment:\n",
            1,
        );
    let document = sarif(&text);
    let invocation = &document["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert!(
        !invocation["toolExecutionNotifications"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        sarif(&good())["runs"][0]["invocations"][0]["executionSuccessful"],
        true
    );
    let folder = folder_with(&[("docker-compose.yml", &text)]);
    let (code, stdout, _) = run(&["-f", "github", "docker-compose.yml"], folder.path());
    let heard = String::from_utf8(stdout).unwrap();
    assert_eq!(code, 2, "{heard}");
    assert!(
        heard.starts_with("::error file=docker-compose.yml,line="),
        "{heard}"
    );
    assert!(heard.lines().all(|line| line.starts_with("::")), "{heard}");
    let (code, stdout, _) = run(
        &["--effective", "-f", "sarif", "docker-compose.yml"],
        folder.path(),
    );
    assert_eq!((code, stdout.len()), (2, 0));
}

#[test]
fn a_baseline_accepts_what_it_records_and_nothing_else() {
    let stock = fs::read_to_string(fixtures().join("stock/docker-compose.yml")).unwrap();
    let folder = folder_with(&[("docker-compose.yml", &stock)]);
    let path = folder.path();
    let (_, stdout, stderr) = run(
        &["--write-baseline", "accepted.json", "docker-compose.yml"],
        path,
    );
    assert_eq!(stdout.len(), 0);
    assert!(stderr.contains("findings are recorded"), "{stderr}");
    let written = fs::read_to_string(path.join("accepted.json")).unwrap();
    let moved = format!("# moved\n{stock}").replace("restart: unless-stopped", "restart: always");
    write(&path.join("docker-compose.yml"), &moved);
    let accepted = [
        "-f",
        "json",
        "--baseline",
        "accepted.json",
        "docker-compose.yml",
    ];
    let (_, stdout, stderr) = run(&accepted, path);
    assert!(findings(&stdout).is_empty(), "{stderr}");
    assert!(stderr.contains("are accepted"), "{stderr}");
    // A new finding is not accepted, and a fixed one is said.
    let changed = moved.replace(
        "\"8008:8008\"",
        "\"127.0.0.1:8008:8008\"\n    privileged: true",
    );
    write(&path.join("docker-compose.yml"), &changed);
    let (code, stdout, stderr) = run(&accepted, path);
    let ids: Vec<String> = findings(&stdout).into_iter().map(|(id, ..)| id).collect();
    assert_eq!((code, ids), (1, vec!["docker-socket".to_owned()]));
    assert!(stderr.contains("1 of its findings is fixed"), "{stderr}");
    for (text, place) in [
        (written.replacen("\"rule\"", "\"rulez\"", 1), ":6:"),
        (
            written.replacen("\"version\": 1", "\"version\": 2", 1),
            ":1:1",
        ),
        ("{".to_owned(), ":1:1"),
    ] {
        fs::write(path.join("accepted.json"), text).unwrap();
        let (code, stdout, stderr) = run(&accepted, path);
        assert_eq!((code, stdout.len()), (2, 0));
        assert!(
            stderr.contains(&format!("accepted.json{place}")),
            "{stderr}"
        );
    }
}

/// In another format than text it is the whole document, which is said.
#[test]
fn a_summary_is_text() {
    let folder = folder_with(&[("docker-compose.yml", common::OPEN)]);
    let summary = |args: &[&str]| {
        let args = [&["--summary"], args, &["docker-compose.yml"]].concat();
        let (code, stdout, stderr) = run(&args, folder.path());
        (code, String::from_utf8(stdout).unwrap(), stderr)
    };
    let (code, text, _) = summary(&["-o", "json:all.json"]);
    assert_eq!(code, 1);
    assert!(
        text.contains("missing-setting") && !text.contains("help:"),
        "{text}"
    );
    let all = fs::read(folder.path().join("all.json")).unwrap();
    assert!(!findings(&all).is_empty());
    for args in [&["-f", "json"][..], &["-f", "sarif", "-o", "a.sarif"]] {
        let (code, text, stderr) = summary(args);
        assert_eq!(code, 1, "{args:?}");
        let wanted = run(&[args, &["docker-compose.yml"]].concat(), folder.path()).1;
        assert_eq!(text.as_bytes(), wanted, "{args:?}");
        assert!(
            stderr.contains("--summary changes nothing here"),
            "{stderr}"
        );
    }
}

#[test]
fn the_rules_are_told_to_programs_as_well() {
    let folder = folder_with(&[]);
    let asked = |args: &[&str]| {
        let (code, stdout, _) = run(args, folder.path());
        assert_eq!(code, 0, "{args:?}");
        stdout
    };
    let json = |args: &[&str]| serde_json::from_slice::<Value>(&asked(args)).unwrap();
    let list = json(&["--list-rules", "-f", "json"]);
    let rules = list["rules"].as_array().unwrap();
    let lines = String::from_utf8(asked(&["--list-rules"])).unwrap();
    assert_eq!(
        (list["version"].as_u64(), rules.len()),
        (Some(1), lines.lines().count())
    );
    for (rule, line) in rules.iter().zip(lines.lines()) {
        let id = rule["rule"].as_str().unwrap();
        assert_eq!(line.split(' ').next(), Some(id));
        assert!(line.ends_with(rule["what"].as_str().unwrap()), "{line}");
        for severity in rule["severities"].as_array().unwrap() {
            assert!(line.contains(severity.as_str().unwrap()), "{line}");
        }
    }
    let page = json(&["--explain", "missing-setting", "-f", "json"]);
    let text = String::from_utf8(asked(&["--explain", "missing-setting"])).unwrap();
    assert_eq!(page["page"].as_str(), Some(text.trim_end()));
    assert_eq!(page["rule"], "missing-setting");
}

#[test]
fn what_is_not_shown_is_said_once_on_github() {
    let folder = folder_with(&[("docker-compose.yml", common::OPEN)]);
    let args = [
        "-f",
        "github",
        "--min-severity",
        "error",
        "docker-compose.yml",
    ];
    let (_, stdout, _) = run(&args, folder.path());
    let text = String::from_utf8(stdout).unwrap();
    assert_eq!(text.matches("not shown").count(), 1, "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("::notice title=not shown::"), "{last}");
    assert!(last.ends_with(" below error"), "{last}");
}

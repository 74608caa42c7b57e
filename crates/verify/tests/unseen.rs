//! What could not be looked at: it is said once, and with all that depends on it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod common;

use std::collections::BTreeSet;
use std::fs;

use common::{fixtures, folder_with, good, run};
use serde_json::Value;

#[test]
fn what_is_not_checked_for_one_cause_is_one_line_at_the_end() {
    let text = good().replace(
        "    environment:\n",
        "    volumes: ['/nowhere/conf:/opt/clearml/config', '/nowhere/conf:/opt/trains/config']\n    environment:\n",
    );
    let folder = folder_with(&[("docker-compose.yml", &text)]);
    let (code, stdout, _) = run(&["docker-compose.yml"], folder.path());
    let text = String::from_utf8(stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "not checked: docker-compose.yml:7:52: /opt/trains/config of service apiserver and",
            "  /opt/clearml/config of services apiserver and fileserver: /nowhere/conf is not on this machine;",
            "  run this where it is, or pass --config-dir DIR",
            "docker-compose.yml (apiserver, fileserver): 0 errors, 0 warnings, 0 notes, 1 not checked"
        ]
    );
    assert_eq!(code, 2);
    let (_, stdout, _) = run(&["-f", "json", "docker-compose.yml"], folder.path());
    let document: Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!(document["unknown"].as_array().unwrap().len(), 2);
}

/// A folder that is not here may set what nothing else sets: it is said with what follows, and it is the same finding.
#[test]
fn what_is_unset_may_be_set_where_nobody_looked() {
    let of = |text: &str| {
        let folder = folder_with(&[("docker-compose.yml", text)]);
        fs::create_dir(folder.path().join("conf")).unwrap();
        let read = |format: &str| {
            let arguments = ["-f", format, "docker-compose.yml"];
            String::from_utf8(run(&arguments, folder.path()).1).unwrap()
        };
        (read("json"), read("gitlab"))
    };
    let stock = fs::read_to_string(fixtures().join("stock/docker-compose.yml")).unwrap();
    assert!(stock.contains("/opt/clearml/config:/opt/clearml/config"));
    let (hidden, of_hidden) = of(&stock.replace("/opt/clearml/config:", "/nowhere/conf:"));
    let (seen, of_seen) = of(&stock.replace("/opt/clearml/config:", "./conf:"));
    const UNLESS: &str = ", unless what was not checked says otherwise";
    assert_eq!(seen.matches(UNLESS).count(), 0);
    let rules = ["missing-setting", "open-login", "open-cors", "stack-trace"];
    let document: Value = serde_json::from_str(&hidden).unwrap();
    for one in document["findings"].as_array().unwrap() {
        let is_of_nothing = rules.contains(&one["rule"].as_str().unwrap());
        let message = one["message"].as_str().unwrap();
        assert_eq!(message.contains(UNLESS), is_of_nothing, "{message}");
    }
    let fingerprints = |text: &str| -> BTreeSet<String> {
        let list: Value = serde_json::from_str(text).unwrap();
        let all = list.as_array().unwrap().iter();
        all.map(|one| one["fingerprint"].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(fingerprints(&of_seen).is_subset(&fingerprints(&of_hidden)));
}

/// A server may read what is beyond the bounds here, so nothing is said of what it would find there.
#[test]
fn a_file_that_is_too_large_is_not_checked_and_not_called_broken() {
    let compose = good().replace(
        "    environment:\n",
        "    volumes: ['./conf:/opt/clearml/config']\n    environment:\n",
    );
    let padding = "# nothing\n".repeat(500_000);
    let doubled: String = (1..=40)
        .map(|level| format!("a{level} = [${{a{0}}}, ${{a{0}}}]\n", level - 1))
        .collect();
    for (conf, reason) in [
        (padding, "larger than 4 MiB, the most that is read"),
        (
            format!("a0 = [x]\n{doubled}"),
            "its substitutions make more of it than is followed",
        ),
    ] {
        let files = [
            ("docker-compose.yml", compose.as_str()),
            ("conf/apiserver.conf", conf.as_str()),
        ];
        let folder = folder_with(&files);
        let (code, stdout, _) = run(&["-f", "json", "docker-compose.yml"], folder.path());
        let document: Value = serde_json::from_slice(&stdout).unwrap();
        assert_eq!(code, 2);
        assert_eq!(document["findings"].as_array().unwrap().len(), 0);
        let unknown = document["unknown"].as_array().unwrap();
        assert_eq!(unknown.len(), 2);
        for one in unknown {
            let said = one["reason"].as_str().unwrap();
            assert!(
                said.ends_with(&format!("conf/apiserver.conf: {reason}")),
                "{said}"
            );
        }
    }
}

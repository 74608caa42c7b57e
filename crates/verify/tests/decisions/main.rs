//! What a team decides: clearml-verify.toml, comments, severities; and where reports go.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

#[path = "../common/mod.rs"]
mod common;

mod baselines;

use std::fs;
use std::path::Path;

use common::{findings, fixtures, folder_with, good, run, write};
use serde_json::Value;
use tempfile::TempDir;

/// A deployment with notes alone, all of one rule, one for each of two services.
fn with_notes(policy: &str) -> TempDir {
    let text = good().replace("server:2.3.0", "server:latest");
    folder_with(&[
        ("docker-compose.yml", &text),
        ("clearml-verify.toml", policy),
    ])
}

fn json(arguments: &[&str], within: &Path) -> (i32, Value, String) {
    let all = [&["-f", "json"], arguments].concat();
    let (code, stdout, stderr) = run(&all, within);
    let document = serde_json::from_slice(&stdout).unwrap_or_default();
    (code, document, stderr)
}

const ACCEPT: &str =
    "[[accept]]\nrule = \"floating-image\"\nreason = \"pinned by digest when it is deployed\"\n";

#[test]
fn what_a_file_accepts_is_counted_and_said() {
    let folder = with_notes(&format!("fail-on = \"note\"\n{ACCEPT}"));
    let within = folder.path();
    for target in ["docker-compose.yml", ".", "./docker-compose.yml"] {
        let (code, document, stderr) = json(&[target], within);
        assert_eq!(
            (code, &document["findings"]),
            (0, &Value::Array(vec![])),
            "{target}"
        );
        assert_eq!(document["hidden"]["config"], 2, "{document}");
        assert!(
            stderr.contains("clearml-verify: uses clearml-verify.toml\n"),
            "{stderr}"
        );
    }
    let (_, text, _) = run(&["docker-compose.yml"], within);
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains("not shown: 2 accepted by clearml-verify.toml\n"),
        "{text}"
    );
    // Options of the command line win, and all can be seen.
    assert_eq!(json(&["--no-ignore"], within).0, 1);
    assert_eq!(json(&["--no-ignore", "--fail-on", "warning"], within).0, 0);
    assert_eq!(
        json(&["--no-ignore"], within).1["findings"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

/// An image under a name of one's own: nobody but the team can say what is in it.
#[test]
fn what_cannot_be_checked_can_be_accepted_by_its_words() {
    const WHAT: &str = "the image of services apiserver and fileserver";
    let text = good().replace("clearml/server:2.3.0", "registry.example.com/own:2.3.0");
    for (words, more, is_accepted) in [
        (WHAT.to_owned(), "", true),
        (format!("{WHAT}: by its name"), "", true),
        (WHAT.to_owned(), "file = \"docker-compose.yml\"", true),
        (WHAT.to_owned(), "until = 9999-12-31", true),
        // Neither more nor less than was written.
        ("the image".to_owned(), "", false),
        (format!("{WHAT}: for another reason"), "", false),
        (WHAT.to_owned(), "file = \"other.yml\"", false),
        (WHAT.to_owned(), "until = 2020-02-29", false),
    ] {
        let policy =
            format!("[[accept]]\nnot-checked = \"{words}\"\nreason = \"our own CA\"\n{more}\n");
        let folder = folder_with(&[
            ("docker-compose.yml", &text),
            ("clearml-verify.toml", &policy),
        ]);
        let within = folder.path();
        let (code, document, stderr) = json(&[], within);
        let left = document["unknown"].as_array().unwrap();
        let hidden = &document["hidden"]["not_checked"];
        let said = "clearml-verify.toml:2:15: ";
        match is_accepted {
            true => assert_eq!((code, left.len(), hidden), (0, 0, &1.into()), "{policy}"),
            false => assert!(code == 2 && left.len() == 1 && hidden.is_null(), "{policy}"),
        }
        assert_eq!(stderr.contains(said), !is_accepted, "{policy}{stderr}");
        assert_eq!(json(&["--no-ignore"], within).0, 2, "{policy}");
        let (_, text, _) = run(&[], within);
        let text = String::from_utf8(text).unwrap();
        let shown = "not shown: 1 not checked and accepted by clearml-verify.toml\n";
        assert_eq!(text.contains(shown), is_accepted, "{text}");
    }
}

/// A file without a server, or one that cannot be read, has nothing that was checked.
#[test]
fn a_file_without_a_server_cannot_be_accepted() {
    let policy = "[[accept]]\nnot-checked = \"docker-compose.yml\"\nreason = \"x\"\n\n\
                  [[accept]]\nnot-checked = \"./docker-compose.yml\"\nreason = \"x\"\n\n\
                  [[accept]]\nnot-checked = \"the server\"\nreason = \"x\"\n";
    for text in [
        "services:\n  x:\n   - [\n",
        "services: {x: {image: 'clearml/server:2.3.0', command: [bash, /x.sh]}}\n",
    ] {
        let folder = folder_with(&[
            ("docker-compose.yml", text),
            ("clearml-verify.toml", policy),
        ]);
        for target in [".", "docker-compose.yml"] {
            let (code, _, stderr) = run(&[target], folder.path());
            assert_eq!(code, 2, "{text}{target}: {stderr}");
        }
    }
}

/// Anyone who can put a file somewhere below decides nothing.
#[test]
fn a_file_further_down_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("deep")).unwrap();
    let text = good().replace("server:2.3.0", "server:latest");
    write(&folder.path().join("deep/docker-compose.yml"), &text);
    write(&folder.path().join("deep/clearml-verify.toml"), ACCEPT);
    let (_, document, stderr) = json(&["."], folder.path());
    assert_eq!(document["findings"].as_array().unwrap().len(), 2);
    assert!(!stderr.contains("uses"), "{stderr}");
    let (_, document, _) = json(&["deep/docker-compose.yml"], folder.path());
    assert_eq!(document["hidden"]["config"], 2);
    let named = ["--config", "deep/clearml-verify.toml", "."];
    assert_eq!(json(&named, folder.path()).1["hidden"]["config"], 2);
}

#[test]
fn what_is_accepted_can_have_a_file_a_setting_and_an_end() {
    for (more, accepted, said) in [
        ("file = \"docker-compose.yml\"", 2, "uses"),
        (
            "file = \"other.yml\"",
            0,
            "no finding of floating-image is left to accept",
        ),
        (
            "setting = \"secure.auth.token_secret\"",
            0,
            "no finding of floating-image",
        ),
        ("until = 9999-12-31", 2, "uses"),
        ("until = \"9999-12-31\"", 2, "uses"),
        (
            "until = 2020-02-29",
            0,
            "clearml-verify.toml:2:8: floating-image was accepted until 2020-02-29, and counts again",
        ),
    ] {
        let folder = with_notes(&format!("{ACCEPT}{more}\n"));
        let (_, document, stderr) = json(&[], folder.path());
        let count = document["hidden"]["config"].as_u64().unwrap_or(0);
        assert_eq!(count, accepted, "{more}: {stderr}");
        assert!(stderr.contains(said), "{more}: {stderr}");
    }
}

#[test]
fn a_file_that_is_wrong_is_an_error_with_its_place() {
    for (text, place, said) in [
        (
            "fail-on = \"bad\"",
            "1:11",
            "write one of error, warning, note and never",
        ),
        ("\nfail_on = \"error\"", "2:1", "unknown field `fail_on`"),
        (
            "targets = [\".\", \"@hosts.txt\"]",
            "1:17",
            "a list of targets is for the command line",
        ),
        (
            "[[accept]]\nrule = \"floting-image\"\nreason = \"x\"",
            "2:8",
            "did you mean floating-image?",
        ),
        (
            "[[accept]]\nrule = \"open-cors\"\nreason = \" \"",
            "3:10",
            "the reason is empty",
        ),
        (
            "[[accept]]\nrule = \"open-cors\"\nreason = \"x\"\nuntil = \"soon\"",
            "4:9",
            "2027-01-31",
        ),
        (
            "[[accept]]\nrule = \"open-cors\"\nreason = \"x\"\nsetting = \"secure.auth.token\"",
            "4:11",
            "did you mean secure.auth.token_secret?",
        ),
        (
            "[[accept]]\nrule = \"open-cors\"\nreason = \"x\"\nfile = \".\"",
            "4:8",
            "this is a folder",
        ),
        (
            "[[accept]]\nrule = \"open-cors\"",
            "1:1",
            "missing field `reason`",
        ),
        (
            "[[accept]]\nreason = \"x\"",
            "2:10",
            "the entry accepts nothing",
        ),
        (
            "[[accept]]\nrule = \"open-cors\"\nnot-checked = \"x\"\nreason = \"x\"",
            "3:15",
            "write an entry for each",
        ),
        (
            "[[accept]]\nnot-checked = \" \"\nreason = \"x\"",
            "2:15",
            "not-checked is empty",
        ),
        (
            "[[accept]]\nnot-checked = \"x\"\nreason = \"x\"\nsetting = \"y\"",
            "4:11",
            "a setting belongs to a rule",
        ),
        ("x = [", "1:", "help: a clearml-verify.toml has fail-on"),
    ] {
        let folder = with_notes(text);
        let (code, stdout, stderr) = run(&[], folder.path());
        assert_eq!((code, stdout.len()), (2, 0), "{text}");
        let place = format!("clearml-verify: clearml-verify.toml:{place}");
        assert!(
            stderr.starts_with(&place) && stderr.contains(said),
            "{text}: {stderr}"
        );
    }
}

#[test]
fn a_file_names_targets_and_keys_beside_it() {
    let policy =
        "targets = [\"docker-compose.yml\"]\nkeys = \"absent.env\"\nmin-severity = \"error\"\n";
    let folder = with_notes(policy);
    let elsewhere = tempfile::tempdir().unwrap();
    let config = folder.path().join("clearml-verify.toml");
    let arguments = ["--config", config.to_str().unwrap()];
    let (code, _, stderr) = json(&arguments, elsewhere.path());
    let keys = folder.path().join("absent.env");
    assert!(
        code == 2 && stderr.contains(keys.to_str().unwrap()),
        "{stderr}"
    );
    write(&config, &policy.replace("keys", "#"));
    let (code, document, _) = json(&arguments, elsewhere.path());
    assert_eq!(
        (code, &document["hidden"]["below_min_severity"]),
        (0, &2.into())
    );
}

#[test]
fn what_is_below_a_severity_neither_is_printed_nor_fails() {
    let folder = with_notes("");
    let arguments = ["--fail-on", "note", "--min-severity", "warning"];
    let (code, document, _) = json(&arguments, folder.path());
    assert_eq!((code, &document["summary"]["note"]), (0, &0.into()));
    assert_eq!(document["hidden"]["below_min_severity"], 2);
    let (_, text, _) = run(&arguments, folder.path());
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("not shown: 2 below warning\n"), "{text}");
    assert_eq!(
        json(&["--min-severity", "note"], folder.path()).1["summary"]["note"],
        2
    );
}

#[test]
fn every_format_counts_what_it_does_not_show() {
    let folder = with_notes("");
    let words = "not shown: 2 below warning";
    for (format, expected) in [
        ("text", words),
        ("html", words),
        ("markdown", words),
        ("github", "::notice title=not shown::2 below warning\n"),
        ("json", "\"below_min_severity\": 2\n"),
        (
            "jsonl",
            "{\"hidden\":{\"below_min_severity\":2},\"kind\":\"hidden\",\"version\":1}\n",
        ),
        (
            "prometheus",
            "clearml_verify_not_shown{by=\"below_min_severity\"} 2\n",
        ),
        ("sarif", words),
        ("gitlab", words),
    ] {
        let arguments = ["-f", format, "--min-severity", "warning"];
        let (code, stdout, stderr) = run(&arguments, folder.path());
        let said = String::from_utf8(stdout).unwrap();
        assert_eq!(code, 0, "{format}");
        if format == "gitlab" {
            assert_eq!(said, "[]\n");
            let line = format!("clearml-verify: {words}\n");
            assert!(stderr.contains(&line), "{stderr}");
        } else {
            assert!(said.contains(expected), "{format}: {said}");
            assert!(!stderr.contains(words), "{format}: {stderr}");
        }
        let (_, stdout, _) = run(&["-f", format], folder.path());
        let all = String::from_utf8(stdout).unwrap();
        assert!(!all.contains("not shown:"), "{format}: {all}");
    }
    let (_, stdout, _) = run(&["-f", "sarif", "--min-severity", "warning"], folder.path());
    let document: Value = serde_json::from_slice(&stdout).unwrap();
    let run = &document["runs"][0]["invocations"][0];
    assert_eq!(run["executionSuccessful"], true);
    assert_eq!(run["toolExecutionNotifications"][0]["level"], "note");
}

#[test]
fn one_look_goes_to_the_screen_and_to_files() {
    let folder = folder_with(&[(
        "docker-compose.yml",
        &good().replace("server:2.3.0", "server:latest"),
    )]);
    let within = folder.path();
    write(&within.join("r.json"), "old");
    let formats = [
        "json",
        "html",
        "sarif",
        "github",
        "markdown",
        "jsonl",
        "gitlab",
        "prometheus",
    ];
    let outputs: Vec<String> = formats
        .iter()
        .map(|one| format!("-o{one}:r.{one}"))
        .collect();
    let mut arguments: Vec<&str> = outputs.iter().map(String::as_str).collect();
    arguments.push("docker-compose.yml");
    let (code, screen, _) = run(&arguments, within);
    assert_eq!(code, 0);
    let screen = String::from_utf8(screen).unwrap();
    assert!(screen.starts_with("note[floating-image]"), "{screen}");
    for format in formats {
        let text = fs::read_to_string(within.join(format!("r.{format}"))).unwrap();
        let (_, alone, _) = run(&["-f", format, "docker-compose.yml"], within);
        let alone = String::from_utf8(alone).unwrap();
        // The time is in it.
        if !["prometheus", "html"].contains(&format) {
            assert_eq!(text, alone, "{format}");
        }
        assert!(text.contains("floating-image"), "{format}: {text}");
        if format == "jsonl" {
            let lines: Vec<Value> = text
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            let kinds: Vec<&Value> = lines.iter().map(|line| &line["kind"]).collect();
            assert_eq!(kinds, ["finding", "finding", "summary"]);
            assert_eq!(lines[2]["note"], 2);
        }
    }
    let gitlab: Value =
        serde_json::from_slice(&fs::read(within.join("r.gitlab")).unwrap()).unwrap();
    let entry = &gitlab[0];
    assert_eq!(entry["severity"], "info");
    assert_eq!(entry["location"]["path"], "docker-compose.yml");
    // A file without a format takes the place of the screen.
    let (_, screen, _) = run(
        &["-f", "json", "-o", "alone.json", "docker-compose.yml"],
        within,
    );
    assert_eq!(screen.len(), 0);
    assert_eq!(
        findings(&fs::read(within.join("alone.json")).unwrap()).len(),
        2
    );
    for arguments in [
        ["-o", "docker-compose.yml", "docker-compose.yml"],
        ["-o", "json:docker-compose.yml", "docker-compose.yml"],
    ] {
        let (code, _, stderr) = run(&arguments, within);
        assert!(
            code == 2 && stderr.contains("because that file is an input"),
            "{stderr}"
        );
    }
    let before = fs::read_to_string(within.join("docker-compose.yml")).unwrap();
    assert!(before.contains("services:"));
}

/// The page says when and where it was made, what to do first, and what each rule is about.
#[test]
fn the_page_says_what_to_do_first() {
    let stock = fs::read_to_string(fixtures().join("stock/docker-compose.yml")).unwrap();
    let folder = folder_with(&[("docker-compose.yml", &stock)]);
    let (_, stdout, _) = run(&["-f", "html", "docker-compose.yml"], folder.path());
    let page = String::from_utf8(stdout).unwrap();
    let (first, rest) = page.split_once("<h2>What to do first</h2>").unwrap();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert!(first.contains(&format!("Z on {}", host.trim())), "{first}");
    let (steps, findings) = rest.split_once("</ol>").unwrap();
    assert_eq!(steps.matches("<li>").count(), 3, "{steps}");
    for link in steps.split("href=\"#").skip(1) {
        let (id, _) = link.split_once('"').unwrap();
        let anchor = format!("id=\"{id}\"");
        assert_eq!(findings.matches(&anchor).count(), 1, "{anchor}");
    }
    assert!(findings.contains("<h2>Legend</h2>"));
    assert!(findings.contains("<strong>Why</strong>: the defaults are in the image"));
}

#[test]
fn every_rule_has_a_line_and_the_severities_it_finds_with() {
    let (_, stdout, _) = run(&["--list-rules"], &fixtures());
    let list = String::from_utf8(stdout).unwrap();
    let of = |rule: &str| {
        let line = list
            .lines()
            .find(|line| line.split(' ').next() == Some(rule));
        line.unwrap_or_else(|| panic!("{rule}: {list}")).to_owned()
    };
    let mut seen = 0;
    for entry in fs::read_dir(fixtures().join("rules")).unwrap() {
        let bad = entry.unwrap().path().join("bad.yml");
        let (_, stdout, _) = run(&["-f", "json", bad.to_str().unwrap()], &fixtures());
        if stdout.is_empty() {
            continue;
        }
        for (rule, severity, _) in findings(&stdout) {
            assert!(of(&rule).contains(&severity), "{rule}: {severity}");
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
    for line in list.lines() {
        assert!(
            line.split("  ")
                .filter(|part| !part.trim().is_empty())
                .count()
                == 3,
            "{line}"
        );
    }
}

#[test]
fn a_name_that_is_almost_a_rules_is_told() {
    let folder = with_notes("");
    for arguments in [
        ["--ignore", "open-cors,floting-image"],
        ["--explain", "floting-image"],
    ] {
        let (code, _, stderr) = run(&arguments, folder.path());
        assert!(
            code == 2 && stderr.contains("did you mean floating-image?"),
            "{stderr}"
        );
    }
    let (_, document, _) = json(&["--ignore", "open-cors,floating-image"], folder.path());
    assert_eq!(document["findings"], Value::Array(vec![]));
    let text = fs::read_to_string(folder.path().join("docker-compose.yml")).unwrap();
    for (name, said) in [
        ("floting-image", Some("did you mean floating-image?")),
        // That of a probe is no mistake.
        ("default-login", None),
    ] {
        let comment = format!("latest # clearml-verify: ignore[{name}] why");
        let text = text.replacen("latest", &comment, 1);
        write(&folder.path().join("docker-compose.yml"), &text);
        let (_, _, stderr) = json(&[], folder.path());
        assert_eq!(
            stderr.contains("which is no rule"),
            said.is_some(),
            "{stderr}"
        );
        assert!(said.is_none_or(|said| stderr.contains(said)), "{stderr}");
    }
}

/// However its path is typed, it is the same finding.
#[test]
fn a_policy_of_a_wrong_shape_is_not_repeated() {
    const WRONG: &str = "\"wr0ng, expected x\"";
    let accept = "[[accept]]\nrule = \"floating-image\"\nreason = \"r\"\n";
    for (text, said) in [
        (format!("targets = {WRONG}\n"), ":1:11: expected a list\n"),
        (format!("accept = {WRONG}\n"), ":1:10: expected a list\n"),
        ("keys = 5\n".to_owned(), ":1:8: expected a string\n"),
        ("fail-on = 5\n".to_owned(), ":1:11: expected a string\n"),
        (
            format!("{accept}until = 20300101\n"),
            ":4:9: expected a date such as 2027-01-31\n",
        ),
        (
            format!("{accept}until = 2030-13-01\n"),
            ":4:9: invalid date, expected month between 01 and 12\n",
        ),
    ] {
        let folder = with_notes(&text);
        let (code, _, stderr) = run(&["docker-compose.yml"], folder.path());
        assert!(
            code == 2 && stderr.contains(&format!("clearml-verify.toml{said}")),
            "{stderr}"
        );
        assert!(!stderr.contains("wr0ng"), "{stderr}");
    }
    let folder = with_notes("");
    let mut verify = common::verify();
    verify.args(["--config", "-", "docker-compose.yml"]);
    let output = verify
        .current_dir(folder.path())
        .write_stdin(ACCEPT)
        .output();
    assert_eq!(output.unwrap().status.code(), Some(0));
}

#[test]
fn the_effective_configuration_names_the_env_file_and_every_path_that_opens() {
    let text = good()
        .replace("JFKBH2DEWIO4UJE5SGZ278V65E54X5", "${KEY_OF_TESTS}")
        .replace("enabled: \"true\"", "enabled: ${FIXED}");
    let folder = folder_with(&[
        ("docker-compose.yml", &text),
        (".env", "FIXED=true\nKEY_OF_TESTS=ZZZZ\n"),
    ]);
    let (_, text, _) = run(&["--effective", "docker-compose.yml"], folder.path());
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("KEY_OF_TESTS at .env:2:14"), "{text}");
    assert!(!text.contains("fixed_users"), "{text}");
    let (_, document, _) = json(
        &["--effective", "--all", "docker-compose.yml"],
        folder.path(),
    );
    let from = document["effective"].as_array().unwrap().iter();
    let from: Vec<&Value> = from.filter(|one| !one["from"].is_null()).collect();
    assert!(!from.is_empty());
    assert!(
        from.iter()
            .all(|one| one["from"][0]["variable"] == "KEY_OF_TESTS")
    );
    let paths = document["paths"].as_array().unwrap();
    let enabled = paths
        .iter()
        .find(|one| one["path"] == "apiserver.auth.fixed_users.enabled");
    assert_eq!(enabled.unwrap()["state"], "on", "{document}");
    let listed = include_str!("../../../core/data/opening_paths.toml");
    for line in listed
        .lines()
        .filter_map(|line| line.strip_prefix("path = "))
    {
        let path = line.trim_matches('"');
        assert!(paths.iter().any(|one| one["path"] == path), "{path}");
    }
}

//! `--keys` and `--old-keys` say what was asked of a running server and what it answered, and the exit code is that of the
//! answers, whatever else is found.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::path::PathBuf;

use e2e::findings::fits_the_schema;
use e2e::program::{Done, clearml};
use e2e::standin::{Injected, Standin};
use serde_json::{Value, json};

/// What verify says of a stand-in, in a format.
fn verified(standin: &Standin, format: &str, options: &[&str]) -> Done {
    clearml("verify")
        .args(["-f", format])
        .args(options.to_vec())
        .args(standin.arguments())
        .done()
}

/// All that verify can print in.
const FORMATS: [&str; 9] = [
    "text",
    "json",
    "sarif",
    "github",
    "html",
    "markdown",
    "jsonl",
    "gitlab",
    "prometheus",
];

/// A server with new keys, and the keysets.
struct Rotated {
    injected: Injected,
    standin: Standin,
    old: PathBuf,
    new: PathBuf,
}

impl Rotated {
    /// None where stand-ins cannot run.
    fn start() -> Option<Self> {
        let injected = Injected::stock();
        injected.renew("new.env", "new.yml");
        let standin = Standin::start(&injected.path("new.yml"), json!({}))?;
        let (old, new) = (injected.path("keys.env"), injected.path("new.env"));
        Some(Self {
            injected,
            standin,
            old,
            new,
        })
    }

    /// What verify is told of both.
    fn both(&self) -> [&str; 4] {
        let (old, new) = (self.old.to_str().unwrap(), self.new.to_str().unwrap());
        ["--keys", new, "--old-keys", old]
    }
}

/// The checks as one line each.
fn checks(done: &Done) -> Vec<String> {
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    let checks = document["checks"].as_array().unwrap();
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    let line = |check: &Value| {
        let words = ["keyset", "server", "subject", "answer"].map(|name| text(check, name));
        words.join(" ")
    };
    checks.iter().map(line).collect()
}

#[test]
fn the_proof_of_a_rotation_says_what_it_is_made_of() {
    let Some(rotated) = Rotated::start() else {
        return;
    };
    let Rotated {
        standin, old, new, ..
    } = &rotated;
    let both = rotated.both();
    let done = verified(standin, "json", &both).exit(0);
    let said = checks(&done);
    for (option, answer) in [("--keys", "accepted"), ("--old-keys", "refused")] {
        for account in [
            "apiserver",
            "fileserver",
            "webserver",
            "tests",
            "services_agent",
        ] {
            let line = format!("{option} apiserver account {account} {answer}");
            assert!(said.contains(&line), "{line}: {said:#?}");
        }
        for server in ["apiserver", "fileserver"] {
            let line = format!("{option} {server} token secret {answer}");
            assert!(said.contains(&line), "{line}: {said:#?}");
        }
    }
    assert_eq!(said.len(), 14, "{said:#?}");
    // Other findings are printed, and do not change the exit code.
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    fits_the_schema(&document);
    assert!(!document["findings"].as_array().unwrap().is_empty());
    let receipt = &document["receipt"];
    assert!(receipt["date"].as_str().unwrap().ends_with('Z'));
    let marks = |name: &str| receipt[name].as_object().unwrap().clone();
    let (marks, old_marks) = (marks("keys"), marks("old_keys"));
    assert_eq!((marks.len(), old_marks.len()), (12, 12));
    assert!(
        marks
            .iter()
            .all(|(setting, mark)| old_marks[setting] != *mark)
    );
    // No format shows a value.
    let keysets = [old, new].map(|path| fs::read_to_string(path).unwrap());
    let lines = keysets.iter().flat_map(|text| text.lines());
    let values: Vec<&str> = lines
        .filter_map(|line| Some(line.split_once('=')?.1))
        .collect();
    assert_eq!(values.len(), 28, "two names for each of the agent's");
    for format in FORMATS {
        let done = verified(standin, format, &both).exit(0);
        let shown = format!("{}{}", done.stdout, done.stderr);
        assert!(
            !values.iter().any(|value| shown.contains(value)),
            "{format}"
        );
        if ["text", "html", "markdown"].contains(&format) {
            assert!(shown.contains("account fileserver"), "{shown}");
        }
    }
}

#[test]
fn every_format_says_what_is_proved() {
    let Some(rotated) = Rotated::start() else {
        return;
    };
    let Rotated {
        injected,
        standin,
        old,
        ..
    } = &rotated;
    let both = rotated.both();
    let done = verified(standin, "json", &both).exit(0);
    let said = checks(&done);
    let receipt: Value = serde_json::from_str(&done.stdout).unwrap();
    // On lines, each has what was asked, and where; and the receipt is one of them.
    let lines = verified(standin, "jsonl", &both).exit(0).stdout;
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of_kind = |kind: &'static str| lines.iter().filter(move |line| line["kind"] == kind);
    let words = |line: &Value| {
        ["keyset", "server", "asked", "answer"]
            .map(|name| line[name].as_str().unwrap().to_owned())
            .join(" ")
    };
    assert_eq!(of_kind("check").map(words).collect::<Vec<_>>(), said);
    let on_a_line = of_kind("receipt").next().unwrap();
    assert_eq!(
        on_a_line["receipt"]["old_keys"],
        receipt["receipt"]["old_keys"]
    );
    // Of a rotation of one account, the old keyset has nothing else, and nothing else is asked.
    let part = injected.path("part.env");
    let text = fs::read_to_string(old).unwrap();
    let lines = text.lines().filter(|line| line.contains("__TESTS__"));
    fs::write(&part, lines.collect::<Vec<_>>().join("\n")).unwrap();
    let of_one = [both[0], both[1], both[2], part.to_str().unwrap()];
    let done = verified(standin, "json", &of_one).exit(0);
    assert_eq!(checks(&done).len(), 8, "{}", done.stdout);
    // The same for people.
    let mark = receipt["receipt"]["keys"]["secure.auth.token_secret"]
        .as_str()
        .unwrap();
    for format in ["text", "markdown", "html"] {
        let page = verified(standin, format, &both).exit(0).stdout;
        for words in [
            "proved: all 14 answers are as they must be",
            "no server tells which session secret it has",
            mark,
        ] {
            let page = page.replace("\n  ", " ");
            assert!(page.contains(words), "{format}: {words}\n{page}");
        }
    }
}

#[test]
fn what_is_wrong_and_what_was_not_asked_have_exit_codes_of_their_own() {
    let injected = Injected::stock();
    injected.renew("new.env", "new.yml");
    let path = |name: &str| injected.path(name).to_str().unwrap().to_owned();
    let (old, new) = (path("keys.env"), path("new.env"));
    let Some(stale) = Standin::start(&injected.path("docker-compose.yml"), json!({})) else {
        return;
    };
    let done = verified(&stale, "json", &["--keys", &new, "--old-keys", &old]).exit(1);
    let said = checks(&done);
    assert!(
        said.contains(&"--old-keys apiserver account tests accepted".to_owned()),
        "{said:#?}"
    );
    assert!(
        said.contains(&"--keys apiserver token secret refused".to_owned()),
        "{said:#?}"
    );
    // What was not replaced proves nothing.
    let part = path("part.env");
    let only = ["--from", &old, "--only", "tests", "-o", &part];
    clearml("keygen").args(only).done().exit(0);
    let done = verified(&stale, "json", &["--keys", &old, "--old-keys", &part]).exit(2);
    let said = checks(&done);
    assert!(
        said.contains(&"--old-keys apiserver token secret not checked".to_owned()),
        "{said:#?}"
    );
    assert!(
        said.contains(&"--old-keys apiserver account tests refused".to_owned()),
        "{said:#?}"
    );
    // Nobody is there at one address: every account is told of, and the other server answers.
    let files = stale.files.as_deref().unwrap();
    let one = [
        "-f",
        "json",
        "--keys",
        &new,
        "--old-keys",
        &old,
        "--api",
        "http://127.0.0.1:1",
    ];
    let done = clearml("verify")
        .args(one)
        .args(["--files", files, &stale.web]);
    let said = checks(&done.done());
    let not_checked = said.iter().filter(|line| line.ends_with(" not checked"));
    assert_eq!((said.len(), not_checked.count()), (14, 12), "{said:#?}");
    // Nor anywhere.
    clearml("verify")
        .args(["--keys", &new, "http://127.0.0.1:1"])
        .done()
        .exit(2);
}

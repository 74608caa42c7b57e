//! Every folder of `tests/cases/`: kinds of mistakes that were once missed or handled wrongly, each tried in several ways.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::path::Path;

use e2e::case::{Case, Try, cases};
use e2e::compose::{Compose, Question};
use e2e::keyset::Keyset;
use e2e::mode::{MODES, Mode};
use e2e::pair::{Outcome, Pair};
use e2e::program::{Done, clearml};
use serde_json::Value;

/// The modes that a case is tried in where it names none.
const USUAL: [&str; 5] = [
    "in place",
    "new env file, plain",
    "env file",
    "override",
    "in place, all",
];

#[test]
fn verify_says_what_is_so() {
    let compose = Compose::find();
    let mut failures = Vec::new();
    for case in cases("verify").iter().chain(&cases("field")) {
        for one in &case.tries {
            let wrong = wrong_in(case, one, compose.as_ref());
            failures.extend(
                wrong
                    .into_iter()
                    .map(|why| format!("{}: {why}", case.title(one))),
            );
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn inject_changes_what_it_should_or_refuses() {
    let Some(compose) = Compose::find() else {
        return;
    };
    let keyset = Keyset::generate();
    let mut failures = Vec::new();
    for case in &cases("inject") {
        for one in &case.tries {
            failures.extend(wrong_modes(case, one, &compose, &keyset));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What differs from what a try of verify expects.
fn wrong_in(case: &Case, one: &Try, compose: Option<&Compose>) -> Vec<String> {
    let folder = case.prepared(one);
    let arguments = one.arguments.clone();
    let arguments = arguments.unwrap_or_else(|| vec!["docker-compose.yml".to_owned()]);
    let done = clearml("verify")
        .args(["-f", "json"])
        .args(arguments)
        .within(folder.path())
        .done();
    let document: Value = serde_json::from_str(&done.stdout).unwrap_or_default();
    let found = list(&document["findings"], |one| finding(one, folder.path()));
    let unknown = list(&document["unknown"], |one| {
        format!("{}: {}", text(&one["what"]), text(&one["reason"]))
    });
    let mut wrong = difference("finds", &one.findings, &found, |expected, found| {
        let (rule, line) = expected.split_once(" | ").unwrap_or((expected, ""));
        let (found_rule, found_line) = found.split_once(" | ").unwrap();
        rule == found_rule && found_line.contains(line)
    });
    wrong.extend(difference(
        "does not know",
        &one.unknown,
        &unknown,
        |part, found| found.contains(part),
    ));
    if done.status != Some(code(one)) {
        wrong.push(format!("exit code: {}", done.report()));
    }
    wrong.extend(words(one, &done));
    if let Some(compose) = compose {
        wrong.extend(compose_disagrees(one, compose, folder.path()));
    }
    wrong
}

/// The exit code that follows from what is expected.
fn code(one: &Try) -> i32 {
    let counts = |finding: &String| !finding.split(" | ").next().unwrap().ends_with(" note");
    match () {
        () if one.findings.iter().any(counts) => 1,
        () if !one.unknown.is_empty() => 2,
        () => 0,
    }
}

fn list(values: &Value, shown: impl Fn(&Value) -> String) -> Vec<String> {
    values.as_array().into_iter().flatten().map(shown).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// `rule severity | file:line: the line`.
fn finding(one: &Value, folder: &Path) -> String {
    let file = text(&one["place"]["file"]);
    let number = one["place"]["line"].as_u64().unwrap_or(0);
    let lines = fs::read_to_string(folder.join(file)).unwrap_or_default();
    let line = (number as usize)
        .checked_sub(1)
        .and_then(|at| lines.lines().nth(at));
    let [rule, severity] = ["rule", "severity"].map(|name| text(&one[name]));
    format!(
        "{rule} {severity} | {file}:{number}: {}",
        line.unwrap_or_default()
    )
}

/// What is expected and not found, and the other way round; each counts once.
fn difference(
    what: &str,
    expected: &[String],
    found: &[String],
    fits: impl Fn(&str, &str) -> bool,
) -> Vec<String> {
    let mut left: Vec<&String> = found.iter().collect();
    let mut wrong = Vec::new();
    for one in expected {
        match left.iter().position(|found| fits(one, found)) {
            Some(at) => drop(left.remove(at)),
            None => wrong.push(format!("{what} not: {one}")),
        }
    }
    wrong.extend(left.iter().map(|one| format!("{what}: {one}")));
    wrong
}

fn words(one: &Try, done: &Done) -> Vec<String> {
    let heard = format!("{}{}", done.stdout, done.stderr);
    let missing = one.says.iter().filter(|part| !heard.contains(*part));
    let missing = missing.map(|part| format!("does not say {part:?}: {heard}"));
    let too_much = one.never_says.iter().filter(|part| heard.contains(*part));
    missing
        .chain(too_much.map(|part| format!("says {part:?}")))
        .collect()
}

/// A case that Docker Compose refuses says so, and no other.
fn compose_disagrees(one: &Try, compose: &Compose, folder: &Path) -> Option<String> {
    let view = compose.view(Question {
        folder,
        files: &[],
        env_files: &[],
    });
    match (view, &one.compose_refuses) {
        (Ok(_), None) => None,
        (Err(why), Some(part)) if why.contains(part) => None,
        (Ok(_), Some(_)) => Some("Docker Compose accepts it".to_owned()),
        (Err(why), _) => Some(format!("Docker Compose refuses it: {why}")),
    }
}

/// What is wrong in any of a try's modes.
fn wrong_modes(case: &Case, one: &Try, compose: &Compose, keyset: &Keyset) -> Vec<String> {
    let usual = || USUAL.map(str::to_owned).to_vec();
    let wanted = one.modes.clone().unwrap_or_else(usual);
    for name in wanted.iter().chain(&one.accepted) {
        assert!(MODES.iter().any(|mode| mode.name == name), "no mode {name}");
    }
    let wanted = |mode: &&Mode| wanted.iter().any(|name| name == mode.name);
    let modes = MODES.iter().filter(wanted);
    modes
        .filter_map(|mode| {
            let pair = Pair {
                name: case.title(one),
                folder: case.prepared(one),
                mode: *mode,
            };
            let held = pair.hold(compose, keyset);
            let is_accepted = one.accepted.iter().any(|name| name == mode.name);
            let refused = one.refused.as_ref().filter(|_| !is_accepted);
            let wrong = match (held, refused) {
                (Ok(Outcome::Compared), None) => return None,
                (Ok(Outcome::Refused(why)), Some(part)) if why.contains(part) => return None,
                (Ok(Outcome::Compared), Some(_)) => "is not refused".to_owned(),
                (Ok(Outcome::Refused(why)), _) => format!("refused: {why}"),
                (Ok(Outcome::NoProject(why)), _) => format!("Docker Compose refuses it: {why}"),
                (Err(why), _) => why,
            };
            Some(format!("{}, {}: {wrong}", case.title(one), mode.name))
        })
        .collect()
}

//! Every folder of `cases/`: files, what the program is asked for, and what becomes of them.
//!
//! `case.toml` has the runs. A run that is accepted is made a second time, which must change nothing. What the folder holds
//! after the first is in `expected/`, where `UPDATE_EXPECT=1` puts it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What goes wrong where it is handled badly.
    why: String,
    run: Vec<Run>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    arguments: Vec<String>,
    #[serde(default)]
    code: i32,
    /// Settings with this in their names are not in the keyset.
    without: Option<String>,
    /// Parts of what it says.
    says: Vec<String>,
    #[serde(default)]
    never_says: Vec<String>,
    /// The folder below `expected/`, for a run that changes files.
    expected: Option<String>,
}

#[test]
fn every_case_comes_out_as_expected() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut folders: Vec<_> = fs::read_dir(&cases)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    assert!(!folders.is_empty());
    let failures: Vec<String> = folders.iter().flat_map(|folder| failures(folder)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn failures(folder: &Path) -> Vec<String> {
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let case: Case = toml::from_str(&fs::read_to_string(folder.join("case.toml")).unwrap())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(!case.why.is_empty() && !case.run.is_empty(), "{name}");
    let runs = case.run.iter().enumerate();
    runs.flat_map(|(number, run)| {
        let failures = failures_of(folder, run);
        failures.into_iter().map(move |failure| (number, failure))
    })
    .map(|(number, failure)| format!("{name}, run {}: {failure}", number + 1))
    .collect()
}

fn failures_of(folder: &Path, run: &Run) -> Vec<String> {
    let work = tempfile::tempdir().unwrap();
    copy(folder, work.path());
    let keys = common::keys();
    let is_there = |line: &&str| !run.without.as_ref().is_some_and(|part| line.contains(part));
    let keys: Vec<&str> = keys.lines().filter(is_there).collect();
    fs::write(work.path().join("keys.env"), keys.join("\n")).unwrap();
    let before = files(work.path());
    let arguments: Vec<&str> = ["-k", "keys.env"]
        .into_iter()
        .chain(run.arguments.iter().map(String::as_str))
        .collect();
    let (code, _, said) = common::run(work.path(), &arguments);
    let mut failures = Vec::new();
    if code != run.code {
        failures.push(format!("exit code {code}: {said}"));
        return failures;
    }
    let missing = run.says.iter().filter(|part| !said.contains(*part));
    failures.extend(missing.map(|part| format!("does not say {part:?}: {said}")));
    let too_much = run.never_says.iter().filter(|part| said.contains(*part));
    failures.extend(too_much.map(|part| format!("says {part:?}: {said}")));
    if said.contains("MARKED") {
        failures.push("tells a secret".to_owned());
    }
    let after = files(work.path());
    let changed: BTreeMap<_, _> = after
        .iter()
        .filter(|(name, text)| before.get(*name) != Some(text))
        .collect();
    match &run.expected {
        None if changed.is_empty() => {}
        None => failures.push(format!("changes {:?}", changed.keys())),
        Some(expected) => failures.extend(difference(
            &folder.join("expected").join(expected),
            &changed,
        )),
    }
    if code == 0 {
        let (code, _, said) = common::run(work.path(), &arguments);
        if code != 0 || files(work.path()) != after {
            failures.push(format!(
                "the second run ends with {code} and changes something: {said}"
            ));
        }
    }
    failures
}

/// The files of a folder as they are to be, against what they are.
fn difference(expected: &Path, changed: &BTreeMap<&String, &String>) -> Vec<String> {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(expected).unwrap();
        for (name, text) in changed {
            let path = expected.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
    let expected = if expected.is_dir() {
        files(expected)
    } else {
        BTreeMap::new()
    };
    let names = expected.keys().chain(changed.keys().copied());
    names
        .filter(|name| expected.get(*name) != changed.get(*name).copied())
        .map(|name| {
            format!(
                "{name} is not as expected:\n{}",
                changed.get(name).map_or("", |text| text)
            )
        })
        .collect()
}

fn copy(from: &Path, to: &Path) {
    for (name, text) in files(from) {
        let is_of_case = name == "case.toml" || name.starts_with("expected/");
        let path = to.join(&name);
        if !is_of_case {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
}

/// The files of a folder and of those below it.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            let below = files(&path).into_iter();
            found.extend(below.map(|(below, text)| (format!("{name}/{below}"), text)));
        } else {
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    found
}

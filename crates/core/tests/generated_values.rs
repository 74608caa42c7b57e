//! What is generated is read as it is, by everything that reads it on its way to a server: 100,000 values each.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test may fail as the test does"
)]

#[path = "../../../tests/oracles/oracle.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod oracles;

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use clearml_secure_core::compose::interpolate::interpolate;
use clearml_secure_core::generate::generate;
use clearml_secure_core::setting::Kind;
use clearml_secure_core::yaml::{Typed, scalar};
use clearml_secure_core::{dotenv, hocon};

/// Half of them keys, half of them secrets.
const VALUES: usize = 40_000;

/// pyhocon takes longer for a text than for what is in it, so it gets this many values at once.
const AT_ONCE: usize = 1000;

/// One for each of two cores.
const WORKERS: usize = 2;

fn values() -> &'static [String] {
    static ALL: OnceLock<Vec<String>> = OnceLock::new();
    ALL.get_or_init(|| {
        let kind = |index: usize| {
            if index.is_multiple_of(2) {
                Kind::Key
            } else {
                Kind::Secret
            }
        };
        (0..VALUES)
            .map(|index| generate(kind(index)).unwrap().expose().to_owned())
            .collect()
    })
}

/// A line for each value, with what stands before and after it.
fn lines(values: &[String], before: &str, after: &str) -> String {
    let mut text = String::new();
    for (index, value) in values.iter().enumerate() {
        writeln!(text, "k{index}{before}{value}{after}").unwrap();
    }
    text
}

#[test]
fn all_of_them_differ() {
    let mut sorted = values().to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), VALUES);
}

#[test]
fn yaml_takes_them_for_text_without_quotes() {
    let text = lines(values(), ": ", "");
    let read: serde_yaml::Mapping = serde_yaml::from_str(&text).unwrap();
    assert_eq!(read.len(), VALUES);
    for (value, (_, read)) in values().iter().zip(&read) {
        assert_eq!(read.as_str(), Some(value.as_str()));
        // The types of go-yaml, which compose uses.
        assert_eq!(scalar::resolve(value, true, None), Typed::Text);
    }
}

#[test]
fn compose_interpolates_nothing() {
    for value in values() {
        let read = interpolate(value, &|_| None).unwrap();
        assert_eq!(*read.text, *value);
        assert!(read.variables.is_empty());
    }
    let read = dotenv::parse(&lines(values(), "=", ""), &|_| None).unwrap();
    for (value, entry) in values().iter().zip(&read) {
        assert_eq!(entry.value.as_ref().unwrap().expose(), value);
        assert_eq!(dotenv::quote(value).as_ref(), Some(value));
    }
    assert_eq!(read.len(), VALUES);
}

#[test]
fn hocon_takes_them_for_text_without_quotes() {
    assert!(values().iter().all(|value| hocon::is_unchanged(value)));
}

#[test]
fn a_shell_prints_them_as_they_are() {
    let mut script = String::new();
    for value in values() {
        writeln!(script, "v={value}\nprintf '%s\\n' \"$v\"").unwrap();
    }
    let mut shell = Command::new("sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = shell.stdin.take().unwrap();
    // It prints while it reads, so both have to go on at the same time.
    let writer = thread::spawn(move || stdin.write_all(script.as_bytes()).unwrap());
    let read = shell.wait_with_output().unwrap();
    writer.join().unwrap();
    let read = String::from_utf8(read.stdout).unwrap();
    assert!(read.lines().eq(values().iter().map(String::as_str)));
}

#[test]
fn pyhocon_takes_them_for_text_without_quotes() {
    let Some(python) = oracles::python() else {
        oracles::skip(
            "generated values in pyhocon: it is not set up (cargo xtask test sets it up)",
        );
        return;
    };
    thread::scope(|scope| {
        for part in values().chunks(VALUES.div_ceil(WORKERS)) {
            scope.spawn(|| ask_pyhocon(&python, part));
        }
    });
}

/// Sends a document for every [`AT_ONCE`] values, and compares what comes back.
fn ask_pyhocon(python: &Path, values: &[String]) {
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracles/pyhocon_oracle.py");
    let mut oracle = oracles::Conversation::start(Command::new(python).arg(script)).unwrap();
    for part in values.chunks(AT_ONCE) {
        let question = serde_json::json!({"mode": "file", "text": lines(part, ": ", "")});
        let answer: serde_json::Value =
            serde_json::from_str(&oracle.ask(&question.to_string())).unwrap();
        let entries = answer["ok"]["object"].as_array().unwrap();
        assert_eq!(entries.len(), part.len());
        for (entry, value) in entries.iter().zip(part) {
            assert_eq!(entry[1]["text"].as_str(), Some(value.as_str()));
        }
    }
}

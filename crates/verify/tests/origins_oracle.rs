//! Entries of `cors.origins` against Python's own regular expressions: whom they let in.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "the helpers of a test may fail as the test does"
)]
#![allow(
    dead_code,
    reason = "of the module that is tried, a part is tried here"
)]

#[path = "../../../tests/oracles/oracle.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod oracles;
#[path = "../src/case/origins.rs"]
mod origins;
#[path = "../../../tests/oracles/random.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod random;

use std::path::Path;
use std::process::Command;

use oracles::Conversation;
use random::Random;
use serde_json::{Value as Json, json};

const ENTRIES: usize = 2000;

const ORIGINS: [&str; 12] = [
    "https://app.example.com",
    "http://app.example.com",
    "https://app.example.com:8080",
    "HTTPS://APP.EXAMPLE.COM",
    "https://app.example.com.attacker.example",
    "https://attackerexample.com",
    "https://example.com",
    "https://attacker.com",
    "https://appxexample.com",
    "http://localhost:3000",
    "null",
    "https://203.0.113.7",
];

/// What entries are made of.
const PARTS: [&str; 44] = [
    "https",
    "http",
    "://",
    ":\\/\\/",
    "app",
    "example",
    "com",
    ".",
    "\\.",
    "/",
    "*",
    ".*",
    ".+",
    "+",
    "?",
    "(",
    ")",
    "(?:",
    "|",
    "[a-z]",
    "[^.]",
    "[^/]+",
    "[\\w-]+",
    "\\d+",
    "\\w*",
    "{2}",
    "{1,3}",
    "$",
    "^",
    "\\Z",
    "\\b",
    "(?!null)",
    "(?=h)",
    "(?<=/)",
    "(?i)",
    "(?P<a>",
    "(?P=a)",
    "\\1",
    "localhost",
    ":8080",
    "null",
    "[",
    "]",
    "\\S",
];

#[test]
fn python_lets_in_the_same() {
    let Some(python) = oracles::python() else {
        oracles::skip(
            "Python's regular expressions: they are not set up (cargo xtask test sets them up)",
        );
        return;
    };
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracles/origins_oracle.py");
    let mut oracle = Conversation::start(Command::new(python).arg(script)).unwrap();
    let mut random = Random::new(0x5eed);
    let (mut read, mut not_read, mut alarms) = (0, 0, 0);
    for _ in 0..ENTRIES {
        let count = 1 + random.below(8);
        let entry: String = (0..count).map(|_| random.pick(&PARTS)).collect();
        let question = json!({ "entry": entry, "origins": ORIGINS });
        let answer: Json = serde_json::from_str(&oracle.ask(&question.to_string())).unwrap();
        let theirs = answer["ok"].as_array();
        let theirs = theirs.map(|all| all.iter().map(|one| one.as_bool().unwrap()).collect());
        match (origins::allowed(&entry, &ORIGINS), theirs) {
            (Ok(ours), Some(theirs)) => {
                let theirs: Vec<bool> = theirs;
                assert_eq!(ours, theirs, "{entry:?}");
                read += 1;
            }
            // Python refuses it, and the server lets nobody in: what is said of it is a false alarm.
            (Ok(ours), None) => alarms += usize::from(ours.contains(&true)),
            // It is said to be unknown.
            (Err(_), theirs) => not_read += usize::from(theirs.is_some()),
        }
    }
    eprintln!("{read} entries are read alike, {not_read} are not read, {alarms} are false alarms");
    assert!(
        read > ENTRIES / 4 && not_read < read / 10 && alarms < ENTRIES / 50,
        "{read} {not_read} {alarms}"
    );
}

//! This crate against pyhocon itself.
//!
//! `CLEARML_SECURE_FUZZ=20` asks twenty times as many questions, `CLEARML_SECURE_SEED` other ones.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::use_debug,
    reason = "the helpers of a test may fail as the test does, and say what differs"
)]

#[path = "hocon_oracle/generator.rs"]
mod generator;
#[path = "hocon_oracle/oracle.rs"]
mod oracle;
#[path = "../../../tests/oracles/oracle.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod oracles;

#[path = "../../../tests/oracles/spellings.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod spellings;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use generator::Generator;
use oracle::{Case, Oracle, normalise};
use oracles::number;
use pyhocon::Context;

const VALUES: usize = 4_000;
const FILES: usize = 1_500;
const WORKERS: usize = 2;
/// Every so many questions pyhocon does everything itself.
const WHOLE: usize = 50;

/// Compares all cases; the ones that differ, shown.
fn compare(cases: &[Case]) {
    let Some(python) = oracles::python() else {
        oracles::skip("pyhocon oracle is not set up (cargo xtask test sets it up)");
        return;
    };
    let differences = Mutex::new(Vec::new());
    let refused = AtomicUsize::new(0);
    thread::scope(|scope| {
        for part in cases.chunks(cases.len().div_ceil(WORKERS).max(1)) {
            let (python, differences, refused) = (&python, &differences, &refused);
            scope.spawn(move || {
                let mut oracle = Oracle::start(python);
                for (index, case) in part.iter().enumerate() {
                    let mut theirs = oracle.ask(case, index % WHOLE == 0);
                    if let Ok(tree) = &mut theirs {
                        normalise(tree);
                    }
                    let ours = case.ours();
                    let is_same = match (&ours, &theirs) {
                        (Ok(ours), Ok(theirs)) => ours == theirs,
                        (Err(_), Err(_)) => {
                            refused.fetch_add(1, Relaxed);
                            true
                        }
                        // The oracle opens no address, also where what is there would be overridden.
                        (Ok(_), Err(error)) => error == "OSError" && case.text.contains("url("),
                        _ => false,
                    };
                    if !is_same {
                        let shown = format!(
                            "{:?} {:?}\n    ours    {ours:?}\n    pyhocon {theirs:?}",
                            case.path, case.text
                        );
                        differences.lock().unwrap().push(shown);
                    }
                }
            });
        }
    });
    let differences = differences.into_inner().unwrap();
    eprintln!(
        "{} texts compared, {} refused by both, {} read differently",
        cases.len(),
        refused.into_inner(),
        differences.len()
    );
    let shown: Vec<&str> = differences.iter().take(40).map(String::as_str).collect();
    assert!(differences.is_empty(), "\n{}", shown.join("\n"));
}

fn generated(what: &str, count: usize, mut next: impl FnMut(&mut Generator) -> Case) {
    let seed = number("CLEARML_SECURE_SEED", 0x5ec0_7e57);
    let count = count * number("CLEARML_SECURE_FUZZ", 1) as usize;
    eprintln!("{what}: seed {seed}");
    let mut generator = Generator::new(seed);
    let cases: Vec<Case> = (0..count).map(|_| next(&mut generator)).collect();
    compare(&cases);
}

#[test]
fn generated_values_are_read_as_pyhocon_reads_them() {
    generated("values", VALUES, Generator::variable);
}

#[test]
fn generated_files_are_read_as_pyhocon_reads_them() {
    generated("files", FILES, Generator::file);
}

#[test]
fn every_character_in_every_place() {
    let others = "\t\n\r\u{7f}\u{a0}\u{1c}\u{1f}\u{85}\u{2028}\u{3000}\u{feff}äÿ÷ſıK漢🔑٣";
    let characters = (' '..='~').chain(others.chars());
    let texts = characters.flat_map(|c| {
        [
            format!("{c}"),
            format!("{c}abc"),
            format!("ab{c}cd"),
            format!("abc{c}"),
            format!("12{c}"),
            format!("{c}12"),
            format!("5s{c}x"),
            format!("true{c}"),
            format!("a {c} b"),
            format!("\"a{c}b\""),
            format!("a\\{c}b"),
            format!("{c}{c}ab{c}{c}"),
        ]
    });
    let cases: Vec<Case> = texts.map(variable).collect();
    compare(&cases);
}

fn variable(text: String) -> Case {
    Case {
        path: Some("secure.auth.token_secret".to_owned()),
        text,
        environment: BTreeMap::new(),
        files: BTreeMap::new(),
    }
}

#[test]
fn written_by_hand() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hocon_oracle/nasty.txt");
    let text = std::fs::read_to_string(directory).unwrap();
    let documents = text.split("\n%%\n").map(|text| Case {
        path: None,
        text: text.to_owned(),
        environment: BTreeMap::from([("E".to_owned(), "from env".to_owned())]),
        files: BTreeMap::new(),
    });
    let documents: Vec<Case> = documents.collect();
    compare(&documents);
}

#[test]
fn python_takes_the_same_values_for_true() {
    let Some(python) = oracles::python() else {
        oracles::skip("Python's truth: it is not set up (cargo xtask test sets it up)");
        return;
    };
    let mut oracle = Oracle::start(&python);
    let path = "fileserver.auth.enabled";
    let mut both = [0, 0];
    for text in spellings::SPELLINGS {
        let theirs = oracle
            .truth(path, text)
            .ok()
            .and_then(|truth| truth.as_bool());
        let ours = pyhocon::parse_variable(path, text, &Context::EMPTY)
            .ok()
            .map(|tree| {
                // A key without a value is not there, which is as false as `None`.
                tree.get(path)
                    .is_some_and(|node| node.value.truth().unwrap())
            });
        assert_eq!(ours, theirs, "{text}");
        if let Some(truth) = ours {
            both[usize::from(truth)] += 1;
        }
    }
    assert!(both.iter().all(|count| *count > 10), "{both:?}");
}

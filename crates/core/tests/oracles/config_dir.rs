//! Configuration folders against Python's own `expandvars`, `expanduser` and `normpath`, over generated values.

use std::io::Write;
use std::process::{Command, Stdio};

use clearml_secure_core::config_dir::{Process, folders};
use clearml_secure_core::instance::Family;
use clearml_secure_core::knowable::Knowable;
use clearml_secure_core::setting::Server;

use crate::oracles::number;
use crate::random::Random;

const VALUES: u64 = 5_000;
const GIVEN: [(&str, &str); 5] = [
    ("A", "/a:b"),
    ("DOTS", "../.."),
    ("EMPTY", ""),
    ("HOME", "/home/own/"),
    ("X", "$A"),
];

const PYTHON: &str = r#"
import json, os, sys
from pathlib import Path

cases, given = json.load(sys.stdin)
os.environ.clear()
os.environ.update(given)
def folder(part):
    return os.path.normpath(os.path.join("/opt/clearml", str(Path(os.path.expandvars(part)).expanduser())))
def folders(value):
    try:
        return ["/" + folder(part).lstrip("/") for part in value.split(":")]
    except RuntimeError:  # another user's home
        return None
json.dump([folders(value) for value in cases], sys.stdout)
"#;

fn value(random: &mut Random) -> String {
    const PARTS: [&str; 24] = [
        "/", "/", "/", ":", "a", "b c", "é", ".", "..", "./", "~", "~/", "~root", "$A", "${A}",
        "$DOTS", "$EMPTY", "$X", "$NONE", "${NONE}", "${", "}", "$", "conf",
    ];
    let count = random.below(7) + 1;
    (0..count).map(|_| random.pick(&PARTS)).collect()
}

fn ours(value: &str) -> Knowable<Vec<String>> {
    let variable = |name: &str| match GIVEN.iter().find(|(given, _)| *given == name) {
        Some((_, value)) => Knowable::Known(Some((*value).to_owned())),
        None if name == "CLEARML_CONFIG_DIR" => Knowable::Known(Some(value.to_owned())),
        None => Knowable::Known(None),
    };
    let process = Process {
        variable: &variable,
        user: None,
        working_directory: Knowable::Known("/opt/clearml"),
    };
    folders(&process, Family::Clearml, Server::Apiserver)
}

#[test]
fn folders_are_those_that_python_makes_of_the_variable() {
    let Some(python) = crate::oracles::python() else {
        crate::oracles::skip(
            "configuration folders against Python: it is not set up (cargo xtask test sets it up)",
        );
        return;
    };
    let seed = number("CLEARML_SECURE_SEED", 20_261_126);
    let mut random = Random::new(seed);
    let count = VALUES * number("CLEARML_SECURE_FUZZ", 1);
    let cases: Vec<String> = (0..count).map(|_| value(&mut random)).collect();
    let given: serde_json::Map<_, _> = GIVEN
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).into()))
        .collect();
    let mut child = Command::new(python)
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let question = serde_json::to_vec(&(&cases, given)).unwrap();
    child.stdin.take().unwrap().write_all(&question).unwrap();
    let told = child.wait_with_output().unwrap();
    let theirs: Vec<Option<Vec<String>>> = serde_json::from_slice(&told.stdout).unwrap();
    let mut known = 0;
    for (value, theirs) in cases.iter().zip(&theirs) {
        match ours(value) {
            Knowable::Known(ours) => {
                assert_eq!(Some(ours), *theirs, "{value:?}");
                known += 1;
            }
            Knowable::Unknown(reason) => assert_eq!(*theirs, None, "{value:?}: {reason}"),
        }
    }
    eprintln!("{known} of {} values (seed {seed})", cases.len());
    assert!(known * 2 > cases.len(), "{known} of {}", cases.len());
}

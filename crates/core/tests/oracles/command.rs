//! This crate's shell against the shells of this machine: generated scripts, which end in a program that prints its
//! environment.
//!
//! `CLEARML_SECURE_FUZZ=20` runs twenty times as many, `CLEARML_SECURE_SEED` other ones.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "the helpers of a test may fail as the test does, and say what differs"
)]

#[path = "oracle/dice.rs"]
mod dice;
#[path = "../../../tests/oracles/oracle.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod oracles;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use clearml_secure_core::command::{Effect, Surroundings, read};
use clearml_secure_core::knowable::Knowable;
use dice::{Dice, number};

const SCRIPTS: u64 = 600;
/// What the container has.
const GIVEN: [(&str, &str); 3] = [("A", "a b"), ("B", ""), ("CLEARML__X", "x")];
const NAMES: [&str; 5] = ["A", "B", "C", "CLEARML__X", "_d"];
/// What shells set by themselves.
const OWN: [&str; 5] = ["OLDPWD", "PATH", "PWD", "SHLVL", "_"];

fn value(dice: &mut Dice) -> String {
    const PARTS: [&str; 24] = [
        "1",
        "two",
        "'q  $A'",
        "\"d $A\"",
        "\"$B\"",
        "$C",
        "${A}",
        "${C:-n}",
        "${B:-e}",
        "${B-e}",
        "${A:+p}",
        "${_d:=s}",
        "\"${C:-'k'}\"",
        "${A:-$(echo no)}",
        "\\$A",
        "\\ ",
        "\"\\$A\\n\"",
        "''",
        "\"a'b\"",
        "é",
        "=",
        "$(echo out)",
        "`echo old`",
        "${CLEARML__X}",
    ];
    let count = dice.below(3) + 1;
    (0..count).map(|_| dice.one(&PARTS)).collect()
}

fn statement(dice: &mut Dice, depth: usize) -> String {
    let name = dice.one(&NAMES);
    let inner = |dice: &mut Dice| match depth {
        0 => ":".to_owned(),
        _ => list(dice, depth - 1),
    };
    match dice.below(20) {
        0..=4 => format!("export {name}={}", value(dice)),
        5..=7 => format!("{name}={}", value(dice)),
        8 => format!("unset {name}"),
        9 => format!("export {name}"),
        10 => format!("{name}={} true", value(dice)),
        11 => format!("( {} )", inner(dice)),
        12 => format!("{{ {}; }}", inner(dice)),
        13 => format!(
            "if [ -n \"$A\" ]; then {}; else {}; fi",
            inner(dice),
            inner(dice)
        ),
        14 => format!("case $A in a*) {};; *) {};; esac", inner(dice), inner(dice)),
        15 => format!("set {}", dice.one(&["-a", "+a", "-e", "-o allexport"])),
        16 => format!("[ -z \"$C\" ] {} {}", dice.one(&["&&", "||"]), inner(dice)),
        17 => format!("echo {} > /dev/null", value(dice)),
        18 => format!("eval 'export {name}={}'", value(dice).replace('\'', "")),
        _ => format!(
            ". {}",
            dice.one(&["\"$FOLDER/sourced\"", "\"$FOLDER/unseen\""])
        ),
    }
}

fn list(dice: &mut Dice, depth: usize) -> String {
    let mut text = statement(dice, depth);
    for _ in 0..dice.below(3) {
        text.push_str(dice.one(&["; ", "\n", " && ", "; # ' \n", " || "]));
        text.push_str(&statement(dice, depth));
    }
    text
}

fn script(dice: &mut Dice) -> String {
    let mut text = list(dice, 2);
    text.push_str(dice.one(&["; ", "\n", " && "]));
    let name = dice.one(&NAMES);
    text.push_str(&match dice.below(10) {
        0 => format!("{name}={} \"$FOLDER/apiserver\" -0", value(dice)),
        1 => format!(
            "exec env {name}={} -- \"$FOLDER/apiserver\" -0",
            dice.one(&["1", "\"$A\"", "'c d'"])
        )
        .replace("-- ", ""),
        2 => format!("exec env -u {name} \"$FOLDER/apiserver\" -0"),
        3 => format!("env -i {name}=\"$A\" \"$FOLDER/apiserver\" -0"),
        5 => format!("C={} _d=\"$C\" \"$FOLDER/apiserver\" -0", value(dice)),
        6 => format!(
            "C={} B=$C; export C B; \"$FOLDER/apiserver\" -0",
            value(dice)
        ),
        4 => "sh -c 'C=$1; export C; \"$FOLDER/apiserver\" -0' n \"$A\"".to_owned(),
        _ => "exec \"$FOLDER/apiserver\" -0".to_owned(),
    });
    text
}

const SOURCED: &str = "C=sourced\nexport _d=\"$A\" # one\n";

fn ours(shell: &str, script: &str, folder: &str) -> Effect {
    let words = [shell, "-c", script].map(|word| Knowable::Known(word.to_owned()));
    read(
        &words,
        &Surroundings {
            variable: &|name| match GIVEN.iter().find(|(given, _)| *given == name) {
                Some((_, value)) => Knowable::Known(Some((*value).to_owned())),
                None if name == "FOLDER" => Knowable::Known(Some(folder.to_owned())),
                None => Knowable::Known(None),
            },
            file: &|path| match path.strip_prefix(folder) {
                Some("/sourced") => Knowable::Known(SOURCED.to_owned()),
                _ => Knowable::unknown("it is not here"),
            },
            starts: &|words| words.iter().any(|word| word.ends_with("/apiserver")),
        },
    )
}

/// The environment that the program was given, or nothing where it was never started.
fn theirs(shell: &str, script: &str, folder: &str) -> Option<BTreeMap<String, String>> {
    let done = Command::new(shell)
        .args(["-c", script])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("FOLDER", folder)
        .envs(GIVEN)
        .output()
        .unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    if text.is_empty() && !done.status.success() {
        return None;
    }
    let pairs = text.split('\0').filter_map(|entry| entry.split_once('='));
    Some(
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    )
}

/// What differs, and how many values were known.
fn compare(effect: &Effect, environment: &BTreeMap<String, String>) -> (Vec<String>, usize) {
    let mut differences = Vec::new();
    let mut known = 0;
    for name in NAMES
        .iter()
        .copied()
        .chain(environment.keys().map(String::as_str))
    {
        if OWN.contains(&name) || name == "FOLDER" {
            continue;
        }
        let given = GIVEN
            .iter()
            .find(|(given, _)| *given == name)
            .map(|(_, value)| *value);
        let own = match effect.changes.get(name) {
            Some(Knowable::Known(value)) => value.as_ref().map(|value| value.expose()),
            Some(Knowable::Unknown(_)) => continue,
            None if effect.unknown.is_some() => continue,
            None => given.filter(|_| !effect.is_cleared),
        };
        known += usize::from(effect.changes.contains_key(name));
        let value = environment.get(name).map(String::as_str);
        if own != value {
            differences.push(format!("{name}: {own:?}, the shell {value:?}"));
        }
    }
    (differences, known)
}

fn set_up(folder: &Path) {
    symlink("/usr/bin/printenv", folder.join("apiserver")).unwrap();
    fs::write(folder.join("sourced"), SOURCED).unwrap();
    fs::write(folder.join("unseen"), "export A=unseen; unset CLEARML__X\n").unwrap();
}

#[test]
fn scripts_set_what_real_shells_set() {
    if !Path::new("/usr/bin/printenv").exists() {
        oracles::skip("scripts against real shells: /usr/bin/printenv is not there");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    set_up(folder.path());
    let folder = folder.path().to_str().unwrap();
    let shells = ["sh", "dash", "bash"];
    let seed = number("CLEARML_SECURE_SEED", 20_261_126);
    let mut dice = Dice::new(seed);
    let mut failures = Vec::new();
    let (mut run, mut known) = (0, 0);
    for _ in 0..SCRIPTS * number("CLEARML_SECURE_FUZZ", 1) {
        let script = script(&mut dice);
        let shell = dice.one(&shells);
        let effect = ours(shell, &script, folder);
        // A script that fails on the way starts no server.
        let Some(environment) = theirs(shell, &script, folder) else {
            continue;
        };
        if environment.is_empty() {
            continue;
        }
        let (differences, values) = compare(&effect, &environment);
        run += 1;
        known += values;
        if !differences.is_empty() {
            failures.push(format!(
                "{shell}: {script:?}\n  {}",
                differences.join("\n  ")
            ));
        }
    }
    eprintln!("{run} scripts, {known} known values (seed {seed})");
    assert!(
        failures.is_empty(),
        "{} differ:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(
        run >= 300 && known >= 200,
        "{run} scripts, {known} known values"
    );
}

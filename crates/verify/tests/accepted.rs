//! What is said of accepted findings that are no longer there, and what of a file that accepts them may be lost.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod common;

use std::fs;
use std::path::Path;

use common::{folder_with, good, run, write};
use serde_json::Value;
use tempfile::TempDir;

/// Two deployments, each with two notes of one rule, and nothing else.
fn two() -> TempDir {
    let text = good().replace("server:2.3.0", "server:latest");
    folder_with(&[("a.yml", &text), ("b.yml", &text)])
}

fn read(within: &Path, name: &str) -> String {
    fs::read_to_string(within.join(name)).unwrap()
}

#[test]
fn a_finding_is_fixed_only_where_it_was_looked_for() {
    let folder = two();
    let within = folder.path();
    run(&["--write-baseline", "b.json", "a.yml", "b.yml"], within);
    let said = |arguments: &[&str]| {
        let (_, _, stderr) = run(&[&["--baseline", "b.json"], arguments].concat(), within);
        stderr
    };
    assert_eq!(
        said(&["a.yml"]),
        "clearml-verify: b.json: 2 findings are accepted\n"
    );
    assert_eq!(said(&["--ignore", "floating-image", "a.yml", "b.yml"]), "");
    fs::remove_file(within.join("b.yml")).unwrap();
    assert!(!said(&["a.yml", "b.yml"]).contains("fixed"));
    write(&within.join("b.yml"), &good());
    assert_eq!(
        said(&["b.yml"]),
        "clearml-verify: b.json: 2 of its findings are fixed. --write-baseline takes them out\n"
    );
}

#[test]
fn an_entry_is_left_alone_where_its_file_was_not_looked_at() {
    let folder = two();
    let within = folder.path();
    let policy =
        "[[accept]]\nrule = \"floating-image\"\nfile = \"b.yml\"\nreason = \"pinned elsewhere\"\n";
    write(&within.join("clearml-verify.toml"), policy);
    let uses = "clearml-verify: uses clearml-verify.toml\n";
    for arguments in [&["a.yml"][..], &["--ignore", "floating-image", "b.yml"]] {
        assert_eq!(run(arguments, within).2, uses, "{arguments:?}");
    }
    write(&within.join("b.yml"), &good());
    for gone in [false, true] {
        if gone {
            fs::remove_file(within.join("b.yml")).unwrap();
        }
        let target = if gone { "a.yml" } else { "b.yml" };
        let (_, _, stderr) = run(&[target], within);
        assert!(
            stderr.contains("is left to accept; remove the entry"),
            "{stderr}"
        );
    }
    // It is an input, whether or not --config names it.
    let (code, _, stderr) = run(&["-o", "clearml-verify.toml", "a.yml"], within);
    assert!(code == 2 && stderr.contains("is an input"), "{stderr}");
    assert_eq!(read(within, "clearml-verify.toml"), policy);
}

/// An entry may be for a server that is not asked today, or for what was not looked at.
#[test]
fn an_entry_is_left_alone_where_not_all_was_looked_at() {
    let folder = two();
    let within = folder.path();
    let uses = "clearml-verify: uses clearml-verify.toml\n";
    write(&within.join("b.yml"), "services: [\n");
    for (rule, targets, is_said) in [
        ("open-login", &["a.yml"][..], false),
        ("docker-socket", &["a.yml"], true),
        ("docker-socket", &["a.yml", "b.yml"], false),
        (
            "docker-socket",
            &["--config", "clearml-verify.toml", "http://127.0.0.1:1"],
            false,
        ),
        ("forged-token", &["a.yml"], false),
        ("drifted-container", &["a.yml"], false),
    ] {
        let policy = format!("[[accept]]\nrule = \"{rule}\"\nreason = \"x\"\n");
        write(&within.join("clearml-verify.toml"), &policy);
        let (_, _, stderr) = run(targets, within);
        let said = "is left to accept; remove the entry";
        assert!(stderr.starts_with(uses), "{rule} {targets:?}: {stderr}");
        assert_eq!(
            stderr.contains(said),
            is_said,
            "{rule} {targets:?}: {stderr}"
        );
    }
    // One that is not there is not passed over.
    let policy = within.join("clearml-verify.toml");
    fs::remove_file(&policy).unwrap();
    std::os::unix::fs::symlink("nowhere", &policy).unwrap();
    let (code, _, stderr) = run(&["a.yml"], within);
    assert!(
        code == 2 && stderr.contains("clearml-verify.toml: "),
        "{stderr}"
    );
}

#[test]
fn a_file_that_is_no_baseline_is_not_replaced_by_one() {
    let folder = two();
    let within = folder.path();
    run(&["--write-baseline", "b.json", "a.yml"], within);
    let written = read(within, "b.json");
    let with = |until: &str| {
        let more = format!("\"reason\": \"r\", \"until\": \"{until}\", \"fingerprint\"");
        written.replacen("\"fingerprint\"", &more, 1)
    };
    for (text, place) in [
        (with("soon"), ":5:"),
        (
            written.replacen("\"fingerprint\": \"", "\"fingerprint\": \"x", 1),
            ":5:",
        ),
        (written.replacen(": 1", ": 2", 1), ":1:1: "),
        ("my notes\n".to_owned(), ":1:1: "),
    ] {
        write(&within.join("b.json"), &text);
        let (code, _, stderr) = run(&["--write-baseline", "b.json", "a.yml"], within);
        let said = "not a baseline, so it is not replaced: ";
        assert!(
            code == 2 && stderr.contains(&format!("b.json{place}")) && stderr.contains(said),
            "{stderr}"
        );
        assert_eq!(read(within, "b.json"), text);
    }
    // What is recorded today is accepted from today on, for the reason that was there.
    write(&within.join("b.json"), &with("2020-01-31"));
    let (_, _, stderr) = run(&["--write-baseline", "b.json", "a.yml"], within);
    let said =
        "floating-image was accepted until 2020-01-31, and is now accepted without a last day";
    assert!(stderr.contains(said), "{stderr}");
    let again = read(within, "b.json");
    assert!(
        again.contains("\"reason\": \"r\"") && !again.contains("until"),
        "{again}"
    );
    // A file that somebody made for it, and is empty, is no loss.
    write(&within.join("empty"), "");
    assert_eq!(run(&["--write-baseline", "empty", "a.yml"], within).0, 0);
}

#[test]
fn a_baseline_can_go_to_standard_output() {
    let folder = two();
    let within = folder.path();
    let (code, stdout, stderr) = run(&["--write-baseline", "-", "a.yml"], within);
    assert_eq!(
        (code, stderr.as_str()),
        (
            0,
            "clearml-verify: standard output: 2 findings are recorded\n"
        )
    );
    let document: Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!(document["findings"].as_array().unwrap().len(), 2);
    assert!(!within.join("-").exists());
}

/// One that silences nothing says why, wherever it is.
#[test]
fn a_comment_at_another_line_is_named() {
    let (before, after) = good().split_once("    environment:\n").map_or_else(
        || unreachable!("the good file has one"),
        |(before, after)| (before.to_owned(), after.to_owned()),
    );
    let with = |comment: &str| {
        let unread = "      CLEARML__SECURE__AUTH__TOKN: abc\n";
        format!("{before}    # clearml-verify: {comment}\n    environment:\n{unread}{after}")
    };
    let line = before.lines().count() + 1;
    let folder = folder_with(&[
        ("far.yml", &with("ignore[unread-variable] a test")),
        ("typo.yml", &with("ignore[unread-varable] a test")),
        ("mute.yml", &with("ignore[unread-variable]")),
        ("other.yml", &with("ignore[open-login] a test")),
    ]);
    for (name, expected) in [
        (
            "far.yml",
            format!(
                "far.yml:{line}:7: the comment here ignores unread-variable, which is not found on its line or the next one, but at far.yml:{}:7\n",
                line + 2
            ),
        ),
        (
            "typo.yml",
            format!(
                "typo.yml:{line}:7: the comment here ignores unread-varable, which is no rule; did you mean unread-variable?"
            ),
        ),
        (
            "mute.yml",
            format!("mute.yml:{line}:7: the comment that ignores unread-variable gives no reason"),
        ),
    ] {
        let (code, _, stderr) = run(&[name], folder.path());
        assert!(code == 1 && stderr.contains(&expected), "{stderr}");
    }
    // What is not found may be found elsewhere, or again.
    assert_eq!(run(&["other.yml"], folder.path()).2, "");
}

//! The text of clearml-rotate: its help, and ShellCheck over all of it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use e2e::files::root;
use e2e::oracle;
use e2e::rotation::Bed;

#[test]
fn the_help_fits_and_shellcheck_finds_nothing() {
    let script = root().join("scripts/clearml-rotate");
    for shell in Bed::shells() {
        let help = Command::new(&shell[0])
            .args(&shell[1..])
            .arg(&script)
            .arg("--help")
            .output()
            .unwrap();
        assert!(help.status.success());
        let text = String::from_utf8(help.stdout).unwrap();
        assert!(
            text.lines().all(|line| line.chars().count() <= 100),
            "{text}"
        );
        // Every option that the script knows is in its help, and the other way round.
        let source = fs::read_to_string(&script).unwrap();
        let (_, arms) = source.split_once("--- The command line").unwrap();
        let options = |text: &str| {
            let words = text.split(|c: char| !c.is_ascii_lowercase() && c != '-');
            let mut found: Vec<String> = words
                .filter(|word| word.starts_with("--") && !word.starts_with("---") && word.len() > 2)
                .map(str::to_owned)
                .collect();
            found.sort();
            found.dedup();
            found
        };
        let (arms, _) = arms.split_once("esac\ndone").unwrap();
        let arms: Vec<String> = options(arms);
        assert_eq!(options(&text), arms);
    }
    check(&script);
}

#[test]
fn help_that_is_lost_is_an_error_and_help_that_nobody_reads_is_none() {
    let script = root().join("scripts/clearml-rotate");
    let Ok(full) = fs::File::options().write(true).open("/dev/full") else {
        oracle::note_skipped("a full disk: there is no /dev/full here");
        return;
    };
    for shell in Bed::shells() {
        let (closed, pipe) = std::io::pipe().unwrap();
        drop(closed);
        for (stdout, code) in [
            (full.try_clone().unwrap().into(), 2),
            (Stdio::from(pipe), 0),
        ] {
            let mut help = Command::new(&shell[0]);
            let help = help.args(&shell[1..]).arg(&script).arg("-h");
            let status = help.stdout(stdout).stderr(Stdio::null()).status();
            assert_eq!(status.unwrap().code(), Some(code), "{shell:?}");
        }
    }
}

fn check(script: &Path) {
    let Some(shellcheck) = oracle::shellcheck() else {
        oracle::note_skipped("ShellCheck over scripts/: pip has it for Linux on x86_64 only");
        return;
    };
    let output = Command::new(shellcheck).arg(script).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

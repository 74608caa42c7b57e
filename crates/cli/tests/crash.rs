//! A bug ends a program as any error does: it tells where it is in our code, nothing of what the program holds, and leaves no
//! file with keys behind.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs, thread};

use clearml_secure_cli::begin;
use clearml_secure_core::exit::write_product;
use clearml_secure_core::io::Temporary;

const FOLDER: &str = "CRASH_IN";
const WRITES: &str = "CRASH_WHILE_WRITING";

/// What the other test starts as a program.
#[test]
fn a_program_with_a_bug() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    begin("clearml-example");
    let file = Temporary::beside(&folder.join("keys.env"), "SECRET=hunter2").unwrap();
    assert!(file.path().exists());
    if env::var_os(WRITES).is_some() {
        write_product(std::io::sink(), b"half").unwrap();
    }
    let bug = || panic!("byte index 8 is out of bounds of `hunter2-old-token-secret`");
    drop(thread::spawn(bug).join());
    panic!("it went on");
}

#[test]
fn a_bug_in_any_thread_is_an_error_that_shows_and_leaves_nothing() {
    for (variable, written) in [
        ("NONE", ", nothing was written\n  help: "),
        (WRITES, ", while it was writing: "),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "a_program_with_a_bug", "--nocapture"])
            .env(FOLDER, folder.path())
            .env(variable, "yes")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        let start = "clearml-example: internal error at crates/cli/tests/crash.rs:";
        assert!(said.starts_with(start), "{said}");
        assert!(said.contains(written), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

//! What all three programs do at their door: a person who has to type something is told so, and a bug shows nothing of
//! anybody's files.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::process::Command;

use e2e::files::fixtures;
use e2e::oracle;
use e2e::program::{clearml, program};

/// Runs a program with a terminal as standard input, types there, and returns its exit code and standard error.
const TYPED: &str = "\
import os, pty, subprocess, sys
text = sys.argv[1].encode()
terminal, inside = pty.openpty()
run = subprocess.Popen(sys.argv[2:], stdin=inside, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={})
os.close(inside)
os.write(terminal, text + b'\\x04')
out, said = run.communicate(timeout=60)
sys.stdout.write(f'{run.returncode}\\n{said.decode()}')
";

/// None, with a visible skip, without Python.
fn typed(text: &str, name: &str, arguments: &[&str]) -> Option<(i32, String)> {
    let Some(python) = oracle::python() else {
        oracle::skip("a terminal as standard input: no Python environment");
        return None;
    };
    let output = Command::new(python)
        .args(["-c", TYPED, text])
        .arg(program(name))
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let (code, said) = said.split_once('\n').unwrap();
    Some((code.parse().unwrap(), said.to_owned()))
}

#[test]
fn a_person_at_a_terminal_is_told_what_to_type() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.env");
    let keys = keys.to_str().unwrap();
    clearml("keygen").args(["-o", keys]).done().exit(0);
    let stock = fixtures().join("stock/docker-compose.yml");
    let stock = stock.to_str().unwrap();
    let keyset = fs::read_to_string(keys).unwrap();
    let compose = fs::read_to_string(stock).unwrap();
    let users = "jane:orbit lamp frozen tunic\n";
    let no_servers = "services:\n  a: {image: busybox}\n";
    for (name, arguments, text, said) in [
        ("keygen", &["--from", "-"][..], &*keyset, "a keyset"),
        (
            "keygen",
            &["--users-from", "-"],
            users,
            "users, a line `name:password` each,",
        ),
        ("inject", &[stock], &keyset, "a keyset"),
        ("inject", &["-k", keys], &compose, "a compose file"),
        ("verify", &["-"], no_servers, "a deployment"),
        ("verify", &["--keys", "-", stock], &keyset, "a keyset"),
        (
            "verify",
            &["--old-keys", "-", "http://127.0.0.1:1"],
            &keyset,
            "a keyset",
        ),
    ] {
        let said = format!(
            "clearml-{name}: waiting for {said} on standard input. Ctrl-D ends it. To read a file, use "
        );
        // What nobody reads is not typed: a terminal takes 4096 bytes at most.
        let text = if text.len() > 4000 { no_servers } else { text };
        let Some((code, stderr)) = typed(text, name, arguments) else {
            return;
        };
        assert!(stderr.starts_with(&said), "{arguments:?}: {code}\n{stderr}");
        assert_eq!(stderr.matches("waiting for").count(), 1, "{stderr}");
        // Neither for a quiet run, nor where a pipe is read.
        let quiet = [&["-q"], arguments].concat();
        let (_, stderr) = typed(text, name, &quiet).unwrap();
        assert!(!stderr.contains("waiting for"), "{stderr}");
        let piped = clearml(name).args(arguments.iter().copied()).stdin(text);
        let piped = piped.done();
        assert!(!piped.stderr.contains("waiting for"), "{}", piped.stderr);
    }
    // What reads no standard input does not wait for it.
    let (code, stderr) = typed("", "keygen", &["-o", &format!("{keys}.new")]).unwrap();
    assert_eq!(code, 0);
    assert!(!stderr.contains("waiting for"), "{stderr}");
    let (code, stderr) = typed("", "inject", &["-k", keys, stock]).unwrap();
    assert_eq!(code, 0, "{stderr}");
    assert!(!stderr.contains("waiting for"), "{stderr}");
}

#[test]
fn a_bug_is_an_error_that_shows_nothing_of_a_file() {
    // The pool of threads is a library's that panics when the system gives it none: as good as a bug of ours.
    let folder = tempfile::tempdir().unwrap();
    let chosen = folder.path().join("chosen");
    fs::write(&chosen, "jane:MARKED5ecret and more\n").unwrap();
    let output = Command::new("sh")
        .args(["-c", "ulimit -v 2000000; exec \"$0\" \"$@\""])
        .arg(program("keygen"))
        .arg("--users-from")
        .arg(&chosen)
        .env_clear()
        .env("RAYON_NUM_THREADS", "2000")
        // What is left when the last stack does not fit is enough to say so.
        .env("RUST_MIN_STACK", "134217728")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(output.stdout.is_empty());
    assert!(
        said.starts_with("clearml-keygen: internal error at "),
        "{said}"
    );
    assert!(
        said.contains("registry.rs:") && said.contains(", nothing was written\n  help: "),
        "{said}"
    );
    // Neither what went wrong, which may be anything, nor where the program was.
    for shown in ["MARKED", "initialized", "panicked", "backtrace"] {
        assert!(!said.contains(shown), "{said}");
    }
}

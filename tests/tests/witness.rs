//! `--prove-with-compose`: docker compose reads what is about to be written, and nothing is written where it reads another
//! thing, or cannot be asked.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use e2e::files::fixtures;
use e2e::oracle;
use e2e::program::{Done, clearml};
use tempfile::TempDir;

const COMPOSE: &str = "docker-compose.yml";

/// A folder with the stock deployment and an empty folder for programs.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(
        fixtures().join("stock").join(COMPOSE),
        folder.path().join(COMPOSE),
    )
    .unwrap();
    fs::create_dir(folder.path().join("bin")).unwrap();
    folder
}

/// Puts a shell script there that calls itself a docker compose.
fn pretend(folder: &Path, version: &str, config: &str) {
    let path = folder.join("bin/docker-compose");
    let script =
        format!("#!/bin/sh\ncase \"$*\" in\n*version*) echo {version} ;;\n*) {config} ;;\nesac\n");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn inject(folder: &Path, options: &[&str]) -> Done {
    let keys = clearml("keygen").done().exit(0).stdout;
    clearml("inject")
        .args(options.iter().copied())
        .args(["--prove-with-compose", COMPOSE])
        .env("PATH", folder.join("bin"))
        .within(folder)
        .stdin(keys)
        .done()
}

/// The names in a folder but that of the programs.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name != "bin").collect();
    names.sort();
    names
}

#[test]
fn docker_compose_agrees_in_every_mode() {
    let Some(compose) = oracle::docker_compose() else {
        oracle::skip("--prove-with-compose: Docker Compose is not set up");
        return;
    };
    for options in [
        &["-i"][..],
        &["-i", "--env-file", "new.env"],
        &[
            "-i",
            "--env-file",
            ".env",
            "--close-ports",
            "--bind",
            "127.0.0.1",
        ],
        &["--override", "-o", "over.yml", "--bind", "::1"],
        &["-o", "out.yml"],
    ] {
        let folder = folder();
        let folder = folder.path();
        symlink(&compose, folder.join("bin/docker-compose")).unwrap();
        inject(folder, options).exit(0).says("proved");
        assert!(
            names(folder).iter().all(|name| !name.contains("tmp")),
            "{:?}",
            names(folder)
        );
        assert!(names(folder).len() <= 2, "{:?}", names(folder));
    }
}

/// A variable without a name is no difference, nor is one of two entries of `ports` that compose takes for the same.
#[test]
fn docker_compose_agrees_on_odd_entries() {
    let Some(compose) = oracle::docker_compose() else {
        oracle::skip("--prove-with-compose: Docker Compose is not set up");
        return;
    };
    for (file, environment) in [("=x\nA=b\n", "[A=b]"), ("A=b\nlast", "[=y, \"\"]")] {
        let folder = folder();
        let folder = folder.path();
        symlink(&compose, folder.join("bin/docker-compose")).unwrap();
        fs::write(folder.join("odd.env"), file).unwrap();
        let path = folder.join(COMPOSE);
        let text = fs::read_to_string(&path).unwrap();
        let odd = format!(
            "services:\n  odd: {{image: odd, ports: [\"1:1\", \"0.0.0.0:1:1\"], env_file: odd.env, environment: {environment}}}\n"
        );
        fs::write(&path, text.replacen("services:\n", &odd, 1)).unwrap();
        inject(folder, &["-i"]).exit(0).says("proved");
    }
}

#[test]
fn nothing_is_written_where_it_does_not_agree() {
    for (version, config, reason) in [
        (
            "2.40.3",
            "echo '{\"services\": {}}'",
            "in another way than this program",
        ),
        ("2.40.3", "echo '{}'", "in another way than this program"),
        ("v2.40.3", "echo no; exit 1", "refuses the edited files"),
        ("2.40.3", "echo no", "refuses the edited files"),
        ("1.29.2", "echo '{}'", "Docker Compose 2 is not installed"),
    ] {
        let folder = folder();
        let folder = folder.path();
        pretend(folder, version, config);
        let before = fs::read(folder.join(COMPOSE)).unwrap();
        let done = inject(folder, &["-i", "--env-file", "new.env"]).exit(2);
        done.says(reason);
        assert_eq!(fs::read(folder.join(COMPOSE)).unwrap(), before);
        assert_eq!(names(folder), [COMPOSE]);
    }
}

#[test]
fn where_there_is_none_it_is_said() {
    let folder = folder();
    let folder = folder.path();
    inject(folder, &["-i"])
        .exit(2)
        .says("Docker Compose 2 is not installed")
        .says("run this without --prove-with-compose");
    assert_eq!(names(folder), [COMPOSE]);
}

/// What compose is told is names of files that only their owner can read.
#[test]
fn it_is_told_no_secret() {
    let folder = folder();
    let folder = folder.path();
    let spy = "for word in \"$@\"; do echo \"$word\" >> bin/words; done; exit 1";
    pretend(folder, "2.40.3", spy);
    inject(folder, &["-i", "--env-file", "new.env"]).exit(2);
    let words = fs::read_to_string(folder.join("bin/words")).unwrap();
    let is_word = |word: &str| word.len() < 30 || word.contains('/');
    assert!(words.lines().all(is_word), "{words}");
    assert!(words.contains("--env-file"), "{words}");
}

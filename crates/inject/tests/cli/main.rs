//! clearml-inject as a shell would use it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

#[path = "../common/mod.rs"]
mod common;
mod files;
mod helm;
mod values;

use std::fs;
use std::path::{Path, PathBuf};

use common::{inject, keys, run};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures")
}

/// A folder with the stock file and a keyset.
fn stock() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(
        fixtures().join("stock/docker-compose.yml"),
        folder.path().join("docker-compose.yml"),
    )
    .unwrap();
    fs::write(folder.path().join("keys.env"), keys()).unwrap();
    folder
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn every_server_gets_what_it_reads() {
    let folder = stock();
    let (code, stdout, stderr) = run(folder.path(), &["-k", "keys.env", "docker-compose.yml"]);
    assert_eq!(code, 0, "{stderr}");
    let service = |name: &str| {
        let start = stdout.find(&format!("\n  {name}:\n")).unwrap() + 1;
        let end = stdout[start + 3..]
            .find("\n\n  ")
            .map_or(stdout.len(), |end| start + 3 + end);
        stdout[start..end].to_owned()
    };
    let has = |name: &str| -> Vec<usize> {
        (0..12)
            .filter(|index| service(name).contains(&format!("MARKED{index:02}")))
            .collect()
    };
    assert_eq!(has("apiserver"), (0..12).collect::<Vec<_>>());
    assert_eq!(has("fileserver"), [4, 5]);
    assert_eq!(has("async_delete"), [1]);
    assert_eq!(has("agent-services"), [10, 11]);
    for name in ["webserver", "mongo", "redis", "elasticsearch"] {
        assert!(has(name).is_empty(), "{name}");
    }
    assert!(!stderr.contains("MARKED"), "{stderr}");
}

#[test]
fn the_keyset_may_come_from_standard_input() {
    let folder = stock();
    let expected = run(folder.path(), &["-k", "keys.env", "docker-compose.yml"]).1;
    let piped = inject()
        .arg("docker-compose.yml")
        .write_stdin(keys())
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), expected);
    let compose = read(folder.path(), "docker-compose.yml");
    let piped = inject()
        .args(["-k", "keys.env"])
        .write_stdin(compose)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), expected);
    let both = inject().write_stdin(keys()).output().unwrap();
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn ports_alone_need_no_keyset() {
    let folder = stock();
    let before = read(folder.path(), "docker-compose.yml");
    let file = ["--bind", "127.0.0.1", "-i", "docker-compose.yml"];
    let (code, _, said) = run(folder.path(), &file);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("no keyset came, so only ports were looked at"),
        "{said}"
    );
    assert!(!said.contains("holds secrets"), "{said}");
    let after = read(folder.path(), "docker-compose.yml");
    let unbound = after.replace("\"127.0.0.1:", "\"");
    assert!(after != before && unbound == before, "{after}");
    // A file from standard input has none beside it.
    let piped = inject()
        .args(["--bind", "127.0.0.1"])
        .write_stdin(before)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), after);
    // A file that is named and empty is a mistake, and so is none where keys are asked for.
    fs::write(folder.path().join("empty.env"), "").unwrap();
    let named = ["-k", "empty.env", "--close-ports", "docker-compose.yml"];
    assert_eq!(run(folder.path(), &named).0, 2);
    assert_eq!(run(folder.path(), &["docker-compose.yml"]).0, 2);
}

#[test]
fn check_says_whether_it_would_change() {
    let folder = stock();
    let check = ["-k", "keys.env", "--check", "docker-compose.yml"];
    assert_eq!(run(folder.path(), &check).0, 1);
    assert_eq!(
        run(
            folder.path(),
            &["-k", "keys.env", "-i", "docker-compose.yml"]
        )
        .0,
        0
    );
    let (code, stdout, _) = run(folder.path(), &check);
    assert_eq!((code, stdout.as_str()), (0, ""));
}

#[test]
fn a_diff_shows_lines_and_no_secret() {
    let folder = stock();
    let before = read(folder.path(), "docker-compose.yml");
    let (code, stdout, stderr) = run(
        folder.path(),
        &["-k", "keys.env", "--diff", "docker-compose.yml"],
    );
    assert_eq!(code, 0);
    assert!(
        stdout.contains("+      CLEARML__SECURE__AUTH__TOKEN_SECRET: ********"),
        "{stdout}"
    );
    assert!(
        stdout.starts_with("--- docker-compose.yml\n+++ docker-compose.yml\n@@ -"),
        "{stdout}"
    );
    assert!(!stdout.contains("MARKED") && !stderr.contains("MARKED"));
    assert_eq!(read(folder.path(), "docker-compose.yml"), before);
}

#[test]
fn injecting_twice_is_injecting_once() {
    let mut compared = 0;
    for entry in fs::read_dir(fixtures().join("shapes")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yml") {
            continue;
        }
        let once = inject()
            .args(["-q", "-k", "-"])
            .arg(&path)
            .write_stdin(keys())
            .output()
            .unwrap();
        if once.status.code() == Some(2) {
            assert!(once.stdout.is_empty());
            continue;
        }
        // Beside the original, so that its env_file is found.
        let folder = tempfile::tempdir().unwrap();
        for beside in fs::read_dir(fixtures().join("shapes")).unwrap() {
            let beside = beside.unwrap().path();
            fs::copy(&beside, folder.path().join(beside.file_name().unwrap())).unwrap();
        }
        let edited = folder.path().join("edited.yml");
        fs::write(&edited, &once.stdout).unwrap();
        let twice = inject()
            .args(["-q", "-k", "-"])
            .arg(&edited)
            .write_stdin(keys())
            .output()
            .unwrap();
        assert_eq!(twice.stdout, once.stdout, "{}", path.display());
        compared += 1;
    }
    assert!(compared > 40, "{compared}");
}

#[test]
fn an_override_that_closes_ports_is_enough() {
    let folder = stock();
    let ports = "  redis:\n    ports: [\"6379:6379\"]\n";
    let text = read(folder.path(), "docker-compose.yml").replacen("  redis:\n", ports, 1);
    fs::write(folder.path().join("docker-compose.yml"), text).unwrap();
    let options = ["-k", "keys.env", "--override", "--close-ports"];
    let file = ["docker-compose.yml"];
    let output = ["-o", "over.yml"];
    let (code, _, stderr) = run(folder.path(), &[&options[..], &output, &file].concat());
    assert_eq!(code, 0, "{stderr}");
    assert!(read(folder.path(), "over.yml").contains("ports: !reset []"));
    let check = ["--merge", "over.yml", "--check"];
    let (code, _, stderr) = run(folder.path(), &[&options[..], &check, &file].concat());
    assert_eq!(code, 0, "{stderr}");
}

/// Compose holds each file against its schema before it merges them.
#[test]
fn no_override_makes_good_an_environment_that_compose_does_not_take() {
    let folder = stock();
    let text = "services:\n  apiserver: {image: clearml/server:2.3.0, command: apiserver}\n  \
                fileserver:\n    image: clearml/server:2.3.0\n    command: fileserver\n    environment: ~\n";
    fs::write(folder.path().join("docker-compose.yml"), text).unwrap();
    let over = ["-k", "keys.env", "--override", "docker-compose.yml"];
    let (code, stdout, stderr) = run(folder.path(), &over);
    assert_eq!((code, stdout.as_str()), (2, ""));
    let place = "docker-compose.yml:6:5: services.fileserver.environment: docker compose 2.40 refuses it: it is empty";
    assert!(stderr.contains(place), "{stderr}");
    // Edited, the file has a mapping there.
    let (code, _, stderr) = run(folder.path(), &["-k", "keys.env", "docker-compose.yml"]);
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn a_file_without_clearml_is_no_success() {
    let folder = stock();
    fs::write(
        folder.path().join("other.yml"),
        "services:\n  web:\n    image: nginx:1\n",
    )
    .unwrap();
    let (code, stdout, stderr) = run(folder.path(), &["-k", "keys.env", "other.yml"]);
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("no ClearML server"), "{stderr}");
}

/// Two rows of stars say nothing: a mark tells the old value from the new one, and shows neither.
#[test]
fn a_diff_tells_values_apart_without_showing_them() {
    let folder = stock();
    let path = folder.path();
    assert_eq!(
        run(path, &["-k", "keys.env", "-i", "docker-compose.yml"]).0,
        0
    );
    fs::write(path.join("new.env"), keys().replace("MARKED", "OTHERS")).unwrap();
    let (code, diff, stderr) = run(path, &["-k", "new.env", "--diff", "docker-compose.yml"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(
        !diff.contains("MARKED") && !diff.contains("OTHERS"),
        "{diff}"
    );
    let token = |sign: char| {
        let lines = diff.lines().filter(|line| line.starts_with(sign));
        let mut lines = lines.filter_map(|line| line.split_once("TOKEN_SECRET: ******** ("));
        lines.next().unwrap().1.trim_end_matches(')').to_owned()
    };
    let (old, new) = (token('-'), token('+'));
    assert!(
        old != new && [&old, &new].iter().all(|mark| mark.len() == 6),
        "{diff}"
    );
    // A server's name is no secret.
    let small =
        "services:\n  apiserver:\n    image: clearml/server:2.3.0\n    command: apiserver\n";
    fs::write(path.join("small.yml"), small).unwrap();
    let (code, diff, stderr) = run(path, &["-k", "new.env", "--diff", "small.yml"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(diff.contains("\n     command: apiserver\n"), "{diff}");
}

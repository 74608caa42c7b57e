//! Where reports go: to a pipe that somebody closes, and to files that are there.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod common;

use std::fs;
use std::process::{Command, Stdio};

use common::{OPEN, folder_with, good, run};
use serde_json::Value;

/// `clearml-verify … | head -1` below `set -o pipefail` must not pass for clean, and a report beside it must have everything.
#[test]
fn who_closes_the_pipe_changes_neither_files_nor_the_exit_code() {
    let folder = folder_with(&[]);
    for number in 0..60 {
        let host = folder.path().join(format!("hosts/{number:02}"));
        fs::create_dir_all(&host).unwrap();
        common::write(&host.join("docker-compose.yml"), OPEN);
    }
    let verify = |stdout: Stdio| {
        Command::new(env!("CARGO_BIN_EXE_clearml-verify"))
            .args(["-q", "-o", "json:all.json", "hosts"])
            .current_dir(folder.path())
            .stdout(stdout)
            .status()
            .unwrap()
            .code()
    };
    let written = || fs::read_to_string(folder.path().join("all.json")).unwrap();
    let code = verify(Stdio::null());
    let whole = written();
    let document: Value = serde_json::from_str(&whole).unwrap();
    assert!(document["summary"]["error"].as_u64() >= Some(600));
    fs::remove_file(folder.path().join("all.json")).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!((code, verify(writer.into())), (Some(1), Some(1)));
    assert!(written() == whole, "a part of it was written");
    // What is clean is so for anybody.
    common::write(&folder.path().join("docker-compose.yml"), &good());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = Command::new(env!("CARGO_BIN_EXE_clearml-verify"))
        .arg("docker-compose.yml")
        .current_dir(folder.path())
        .stdout(writer)
        .status();
    assert_eq!(status.unwrap().code(), Some(0));
}

/// A file below a folder that is a target is read as much as one that is named.
#[test]
fn no_file_of_a_deployment_is_replaced_by_a_report() {
    let broken = "services: [clearml, apiserver\n";
    let keys = ["APISERVER", "FILESERVER", "TESTS"].map(|account| {
        format!("CLEARML__SECURE__CREDENTIALS__{account}__USER_SECRET=ii5zZyYdlXpGkvqoHmW3sKDaNbCjT9rF{account}\n")
    });
    let keys = keys.concat();
    let with_file = OPEN.replace("apiserver}", "apiserver, env_file: my.vars}");
    let files = [
        ("docker-compose.yml", with_file.as_str()),
        ("docker-compose.override.yml", "services: {}\n"),
        (".env", "A=b\n"),
        ("my.vars", "C=d\n"),
        ("keys.env", &keys),
        ("other.compose.yml", broken),
        ("report.json", "an old report\n"),
    ];
    let folder = folder_with(&files);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let before: Vec<String> = files.iter().map(|(name, _)| read(name)).collect();
    for (name, before) in files.iter().map(|(name, _)| name).zip(&before).take(6) {
        let formats = [format!("json:{name}"), format!("./{name}")];
        let options = formats.iter().map(|output| ["-o", output]);
        for [option, output] in options.chain([["--write-baseline", name]]) {
            let (code, _, stderr) = run(&[option, output, "."], folder.path());
            assert_eq!(code, 2, "{option} {output}: {stderr}");
            let said = "because that file is an input";
            assert!(
                stderr.contains(&format!("{option} cannot be ")) && stderr.contains(said),
                "{option} {output}: {stderr}"
            );
            assert!(read(name) == *before, "{option} {output}");
        }
    }
    let (code, _, stderr) = run(&["-o", "json:report.json"], folder.path());
    assert_eq!(code, 1, "{stderr}");
    assert!(read("report.json").starts_with('{'));
}

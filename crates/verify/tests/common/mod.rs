//! What the tests of the program share.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "every test is a crate of its own and uses a part; one that cannot go on says where it stopped"
)]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;

/// A deployment with findings: ten settings are missing.
pub(crate) const OPEN: &str = "\
services:
  apiserver: {image: \"clearml/server:2.3.0\", command: apiserver}
";

pub(crate) fn verify() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clearml-verify"));
    command.env_remove("NO_COLOR").env_remove("CI");
    command
}

#[path = "../../../../tests/src/fresh.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod fresh;

pub(crate) use fresh::fresh;

/// The fixtures, with values that nobody can read anywhere.
pub(crate) fn fixtures() -> PathBuf {
    static COPIED: Once = Once::new();
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixtures");
    COPIED.call_once(|| {
        copy_fresh(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures"),
            &copy,
        );
    });
    copy
}

/// Copies what is not there yet. Another test may do the same, and reads no half file.
fn copy_fresh(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copy = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_fresh(&path, &copy);
            continue;
        }
        let text = fresh(&fs::read_to_string(&path).unwrap());
        if fs::read_to_string(&copy).ok().as_ref() != Some(&text) {
            let mut file = tempfile::NamedTempFile::new_in(to).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.persist(&copy).unwrap();
        }
    }
}

/// Rule, severity and line of every finding.
pub(crate) fn findings(json: &[u8]) -> Vec<(String, String, u64)> {
    let document: Value = serde_json::from_slice(json).unwrap();
    assert_eq!(document["version"], 1);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                text(&one["rule"]),
                text(&one["severity"]),
                one["place"]["line"].as_u64().unwrap_or(0),
            )
        })
        .collect()
}

pub(crate) fn run(arguments: &[&str], within: &Path) -> (i32, Vec<u8>, String) {
    let output = verify()
        .args(arguments)
        .current_dir(within)
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), output.stdout, stderr)
}

/// A fixture's text as it is in the repository. `write` gives it fresh values.
pub(crate) fn as_written(name: &str) -> String {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    fs::read_to_string(fixtures.join(name)).unwrap()
}

/// A deployment without findings, to change one thing in.
pub(crate) fn good() -> String {
    as_written("rules/missing-setting/good.yml")
}

pub(crate) fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        write(&path, text);
    }
    folder
}

/// Writes a file with fresh values that only its owner reads, as one with secrets must be.
pub(crate) fn write(path: &Path, text: &str) {
    fs::write(path, fresh(text)).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// The exit code, and what was printed. Nothing waits for ever.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) json: Value,
    pub(crate) stderr: String,
}

impl Done {
    pub(crate) fn rules(&self) -> Vec<&str> {
        let findings = self.json["findings"].as_array().into_iter().flatten();
        findings.filter_map(|one| one["rule"].as_str()).collect()
    }

    /// `what: reason` of everything that was not checked.
    pub(crate) fn unknown(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let unknown = self.json["unknown"].as_array().into_iter().flatten();
        unknown
            .map(|one| format!("{}: {}", text(&one["what"]), text(&one["reason"])))
            .collect()
    }

    pub(crate) fn says(&self, what: &str, reason: &str) {
        let unknown = self.unknown();
        let says = |one: &String| one.starts_with(&format!("{what}: ")) && one.contains(reason);
        assert!(unknown.iter().any(says), "{what}, {reason}: {unknown:#?}");
    }
}

pub(crate) fn ask(arguments: &[&str], within: &Path) -> Done {
    let output = verify()
        .args(["-f", "json"])
        .args(arguments)
        .current_dir(within)
        .timeout(Duration::from_secs(20))
        .output()
        .unwrap();
    Done {
        code: output.status.code().expect("it waits for ever"),
        json: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

//! What the tests of the program share.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "every test is a crate of its own and uses a part; one that cannot go on says where it stopped"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

pub(crate) fn verify() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clearml-verify"));
    command.env_remove("NO_COLOR").env_remove("CI");
    command
}

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures")
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

/// A deployment without findings, to change one thing in.
pub(crate) fn good() -> String {
    fs::read_to_string(fixtures().join("rules/missing-setting/good.yml")).unwrap()
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

/// Writes a file that only its owner reads, as one with secrets must be.
pub(crate) fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

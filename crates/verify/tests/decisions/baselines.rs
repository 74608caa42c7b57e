//! Files of what was accepted: of which deployment, for how long, and why.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::common::{folder_with, good, run, verify, write};
use super::{json, with_notes};

#[test]
fn a_baseline_is_of_a_file_and_not_of_how_it_was_typed() {
    let folder = tempfile::tempdir().unwrap();
    let within = folder.path().join("here");
    fs::create_dir(&within).unwrap();
    let absolute = within.join("docker-compose.yml");
    write(&absolute, &good().replace("server:2.3.0", "server:latest"));
    // A message of this finding has the name of the file.
    fs::set_permissions(&absolute, fs::Permissions::from_mode(0o644)).unwrap();
    let (_, document, _) = json(&["docker-compose.yml"], &within);
    assert!(
        document
            .to_string()
            .contains("the secrets in docker-compose.yml"),
        "{document}"
    );
    let typed = [
        "docker-compose.yml",
        "./docker-compose.yml",
        "../here/docker-compose.yml",
        ".",
    ];
    let typed = typed.into_iter().chain([absolute.to_str().unwrap()]);
    run(
        &["--write-baseline", "b.json", "docker-compose.yml"],
        &within,
    );
    for target in typed.clone() {
        let (_, document, _) = json(&["--baseline", "b.json", target], &within);
        assert_eq!(document["findings"], Value::Array(vec![]), "{target}");
    }
    // In a repository it is also the same from any folder of it.
    fs::create_dir(folder.path().join(".git")).unwrap();
    run(
        &["--write-baseline", "b.json", "here/docker-compose.yml"],
        folder.path(),
    );
    for target in typed {
        let (_, document, _) = json(&["--baseline", "../b.json", target], &within);
        assert_eq!(document["findings"], Value::Array(vec![]), "{target}");
    }
}

/// A folder of clones has the same path in each of them, and names that are no text look alike.
#[test]
fn a_baseline_accepts_nothing_of_another_deployment() {
    let text = good().replace("server:2.3.0", "server:latest");
    let folder = folder_with(&[]);
    let names = [&b"one"[..], b"two", b"\xfe", b"\xff", "\u{fffd}".as_bytes()];
    let names = names.map(OsStr::from_bytes);
    for name in names {
        let clone = folder.path().join(name);
        fs::create_dir_all(&clone).unwrap();
        write(&clone.join("docker-compose.yml"), &text);
        if name.len() == 3 {
            fs::create_dir(clone.join(".git")).unwrap();
        }
    }
    let json = |options: &[&str], target: &OsStr| {
        let mut verify = verify();
        verify.args(options).arg(target).current_dir(folder.path());
        let output = verify.output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default()
    };
    for accepted in names {
        json(&["--write-baseline", "b.json"], accepted);
        fs::write(
            folder.path().join("before.json"),
            json(&["-f", "json"], accepted).to_string(),
        )
        .unwrap();
        for target in names {
            let left = if accepted == target { 0 } else { 2 };
            let document = json(&["-f", "json", "--baseline", "b.json"], target);
            let found = document["findings"].as_array().map(Vec::len);
            assert_eq!(found, Some(left), "{accepted:?} {target:?}");
            let document = json(&["-f", "json", "--since", "before.json"], target);
            assert_eq!(
                document["since"]["summary"]["new"], left,
                "{accepted:?} {target:?}"
            );
        }
    }
}

/// Of what is wrong with a file the place is said, and what belongs there; not what is there, which may be a key by mistake.
#[test]
fn an_entry_of_a_baseline_has_a_reason_and_an_end() {
    let folder = with_notes("");
    let within = folder.path();
    run(&["--write-baseline", "b.json"], within);
    let written = fs::read_to_string(within.join("b.json")).unwrap();
    let with = |until: &str| {
        let more = format!("\"reason\": \"r\", \"until\": \"{until}\", \"fingerprint\"");
        write(
            &within.join("b.json"),
            &written.replacen("\"fingerprint\"", &more, 1),
        );
        json(&["--baseline", "b.json"], within)
    };
    assert_eq!(with("9999-12-31").1["hidden"]["baseline"], 2);
    // What a person has written stays.
    run(&["--write-baseline", "b.json"], within);
    let again = fs::read_to_string(within.join("b.json")).unwrap();
    assert!(
        again.contains("\"reason\": \"r\"") && again.contains("9999-12-31"),
        "{again}"
    );
    let (_, document, stderr) = with("2020-01-31");
    assert_eq!(document["findings"].as_array().unwrap().len(), 1);
    assert!(
        stderr.contains("floating-image was accepted until 2020-01-31, and counts again"),
        "{stderr}"
    );
    let (code, _, stderr) = with("soon");
    assert!(code == 2 && stderr.contains("b.json:5:"), "{stderr}");
}

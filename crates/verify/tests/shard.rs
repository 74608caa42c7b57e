//! `--shard I/N`: the shards together say what one run says, and nothing twice.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command as Process;

use common::{OPEN, folder_with, good, run, verify};
use tempfile::TempDir;

/// Not a deployment of ClearML.
const OTHER: &str = "services:\n  cache: {image: \"redis:7\"}\n";
const BROKEN: &str = "services:\n  apiserver: {image: clearml/server, command: apiserver\n";
/// Changes the file beside it.
const DEV: &str = "\
services:
  apiserver:
    environment: {CLEARML__APISERVER__CORS__ORIGINS: \"*\"}
";

fn lines(output: &[u8]) -> BTreeMap<String, usize> {
    let text = String::from_utf8(output.to_vec()).unwrap();
    let mut counted = BTreeMap::new();
    for line in text.lines() {
        *counted.entry(line.to_owned()).or_default() += 1;
    }
    counted
}

/// What one run prints, and what the shards print, joined as `cat` does. They run at the same time, as on many machines.
fn whole_and_joined(count: usize, arguments: &[&str], within: &Path) -> (Vec<u8>, Vec<u8>) {
    let start = |shard: Option<usize>| {
        let mut process = Process::new(env!("CARGO_BIN_EXE_clearml-verify"));
        process.args(["-q", "-f", "jsonl"]).args(arguments);
        if let Some(index) = shard {
            process.arg(format!("--shard={index}/{count}"));
        }
        process.current_dir(within);
        process
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let running: Vec<_> = (0..count).map(|index| start(Some(index))).collect();
    let whole = start(None).wait_with_output().unwrap().stdout;
    let mut joined = Vec::new();
    for one in running {
        joined.extend(one.wait_with_output().unwrap().stdout);
    }
    (whole, joined)
}

fn same(count: usize, arguments: &[&str], within: &Path) -> usize {
    let (whole, joined) = whole_and_joined(count, arguments, within);
    let (whole, joined) = (lines(&whole), lines(&joined));
    assert!(!whole.is_empty());
    let differ = |one: &BTreeMap<String, usize>, other: &BTreeMap<String, usize>| {
        let lines = one
            .iter()
            .filter(|(line, count)| other.get(*line) != Some(*count));
        lines
            .map(|(line, _)| line.clone())
            .take(3)
            .collect::<Vec<_>>()
    };
    let (lost, invented) = (differ(&whole, &joined), differ(&joined, &whole));
    assert!(
        lost.is_empty() && invented.is_empty(),
        "{lost:#?} {invented:#?}"
    );
    whole.len()
}

/// Two thousand deployments of all kinds: alone, with an override, of files that others read, broken, and others' software.
fn fleet() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("parts")).unwrap();
    let write = |name: String, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    for number in 0..2_000 {
        let host = format!("site-{}/host-{number:04}", number % 7);
        let main = match number % 20 {
            3 => OTHER.to_owned(),
            4 => BROKEN.to_owned(),
            5 => {
                // The part has the name of a deployment, and is another shard's file.
                write(format!("parts/{number}/compose.part.yml"), OPEN);
                format!("include: [../../parts/{number}/compose.part.yml]\n")
            }
            6 => {
                write(format!("{host}/compose.dev.yml"), DEV);
                OPEN.to_owned()
            }
            7 => {
                write(format!("{host}/docker-compose.override.yml"), DEV);
                OPEN.to_owned()
            }
            _ => OPEN.replace("2.3.0", &format!("2.{}.0", number % 4)),
        };
        write(format!("{host}/docker-compose.yml"), &main);
    }
    folder
}

#[test]
fn shards_of_a_fleet_are_one_run() {
    let fleet = fleet();
    let lines = same(5, &["."], fleet.path());
    assert!(lines > 10_000, "{lines}");
}

#[test]
fn shards_do_not_depend_on_the_order_of_targets() {
    let files: Vec<(String, &str)> = (0..40)
        .map(|number| (format!("{number}.yml"), OPEN))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), *text))
        .collect();
    let folder = folder_with(&files);
    let mut names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    names.push("missing.yml");
    same(3, &names, folder.path());
    let shard = |names: &[&str]| {
        let mut arguments = vec!["-f", "jsonl", "--shard", "1/3"];
        arguments.extend(names);
        lines(&run(&arguments, folder.path()).1)
    };
    let forward = shard(&names);
    names.reverse();
    assert_eq!(shard(&names), forward);
    let dotted: Vec<String> = names.iter().map(|name| format!("./{name}")).collect();
    let dotted = shard(&dotted.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(dotted.len(), forward.len());
}

/// Containers are compared with their file, whichever shard it is of.
#[test]
fn what_runs_is_compared_with_the_files_of_other_shards() {
    let text = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/stock/docker-compose.yml"),
    )
    .unwrap();
    let folder = folder_with(&[("a/docker-compose.yml", &text), ("b/compose.yml", OPEN)]);
    let inspected = |name: &str, working_dir: &Path| {
        let file = working_dir.join("docker-compose.yml");
        serde_json::json!({
            "Name": format!("/{name}-apiserver"),
            "State": {"Running": true, "Status": "running"},
            "Path": "/opt/clearml/wrapper.sh", "Args": ["apiserver"],
            "Config": {
                "Image": "clearml/server:2.3.0", "Cmd": ["apiserver"], "Entrypoint": ["/opt/clearml/wrapper.sh"],
                "Env": ["CLEARML__SECURE__AUTH__TOKEN_SECRET=another-value-of-its-own-4711"],
                "Labels": {
                    "com.docker.compose.project": name, "com.docker.compose.service": "apiserver",
                    "com.docker.compose.project.config_files": file,
                    "com.docker.compose.project.working_dir": working_dir,
                },
            },
            "HostConfig": {"NetworkMode": "default", "Binds": []}, "Mounts": [],
            "NetworkSettings": {"Networks": {}, "Ports": {}},
        })
    };
    let real = folder.path().canonicalize().unwrap();
    let one = inspected("one", &real.join("a"));
    let two = inspected("two", &real.join("nowhere"));
    fs::write(
        folder.path().join("running.json"),
        serde_json::to_string(&[one, two]).unwrap(),
    )
    .unwrap();
    let arguments = ["a/docker-compose.yml", "b", "running.json"];
    let (whole, _) = whole_and_joined(1, &arguments, folder.path());
    let drifted = |text: &[u8]| String::from_utf8_lossy(text).contains("drifted-container");
    assert!(drifted(&whole));
    for count in 1..8 {
        same(count, &arguments, folder.path());
    }
}

#[test]
fn what_is_left_out_is_said_and_an_empty_shard_is_fine() {
    let folder = folder_with(&[("docker-compose.yml", OPEN), ("keys/compose.yml", OTHER)]);
    let shards =
        [0, 1, 2, 3].map(|index| run(&["--shard", &format!("{index}/4"), "."], folder.path()));
    let (empty, full): (Vec<_>, Vec<_>) = shards.into_iter().partition(|(code, ..)| *code == 0);
    assert!(!empty.is_empty() && full.len() == 1, "{empty:?} {full:?}");
    for (_, stdout, stderr) in empty {
        assert_eq!(String::from_utf8_lossy(&stdout), "");
        let says = stderr.contains("has none of the 2 files and servers, so nothing was checked")
            || stderr.contains("checks 1 of 2 files and servers");
        assert!(says, "{stderr}");
    }
    let (code, _, stderr) = &full[0];
    assert_eq!(*code, 1);
    assert!(
        stderr.contains("of 2 files and servers; the other shards check the rest"),
        "{stderr}"
    );
}

/// Nothing to verify at all is said by one shard, as by one run.
#[test]
fn a_fleet_without_a_server_is_not_clean() {
    for files in [
        vec![
            ("a/compose.yml", OTHER),
            ("b/compose.yml", OTHER),
            ("c/compose.yml", OTHER),
        ],
        vec![("readme.txt", "none")],
    ] {
        let folder = folder_with(&files);
        let codes: Vec<i32> = (0..3)
            .map(|index| run(&["--shard", &format!("{index}/3"), "."], folder.path()).0)
            .collect();
        assert_eq!(codes.iter().sum::<i32>(), 2, "{codes:?}");
        let codes: Vec<i32> = (0..3)
            .map(|index| {
                run(
                    &["--shard", &format!("{index}/3"), "none.yml"],
                    folder.path(),
                )
                .0
            })
            .collect();
        assert_eq!(codes.iter().sum::<i32>(), 2, "{codes:?}");
    }
}

#[test]
fn addresses_have_one_shard_however_they_are_written() {
    let within = tempfile::tempdir().unwrap();
    let of = |url: &str| {
        let asked = (0..4).map(|index| {
            let shard = format!("{index}/4");
            let done = run(
                &["-f", "jsonl", "--timeout", "1", "--shard", &shard, url],
                within.path(),
            );
            !done.1.is_empty()
        });
        asked.collect::<Vec<bool>>()
    };
    // Nobody listens at port 9, and that is said once.
    let one = of("http://localhost:9");
    assert_eq!(
        one.iter().filter(|is_asked| **is_asked).count(),
        1,
        "{one:?}"
    );
    assert_eq!(of("http://LOCALHOST:9/?x"), one);
}

#[test]
fn a_baseline_of_all_is_for_each_shard() {
    let folder = folder_with(&[
        ("a/compose.yml", OPEN),
        ("b/compose.yml", &good()),
        ("c/compose.yml", OPEN),
    ]);
    let (code, ..) = run(&["--write-baseline", "base.json", "."], folder.path());
    assert_eq!(code, 0);
    for index in 0..3 {
        let shard = format!("{index}/3");
        let (code, _, stderr) = run(
            &["--baseline", "base.json", "--shard", &shard, "."],
            folder.path(),
        );
        assert_eq!(code, 0, "{stderr}");
        assert!(!stderr.contains("are fixed"), "{stderr}");
    }
    let (code, _, stderr) = run(
        &["--write-baseline", "base.json", "--shard", "0/3", "."],
        folder.path(),
    );
    assert_eq!(code, 2);
    assert!(stderr.contains("cannot be used with"), "{stderr}");
}

#[test]
fn a_wrong_shard_is_named_with_the_right_form() {
    for (text, says) in [
        ("5/5", "shards are counted from 0: the last of 5 is 4/5"),
        ("1/0", "there is at least one shard: 0/1"),
        ("a/b", "write it as I/N, for example 0/8"),
        ("1", "write it as I/N"),
        ("-1/2", "write it as I/N"),
        ("+1/2", "write it as I/N"),
        ("1/2/3", "write it as I/N"),
        ("/", "write it as I/N"),
        ("0/99999999999", "write it as I/N"),
    ] {
        let output = verify().arg(format!("--shard={text}")).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(stderr.contains(says), "{text}: {stderr}");
    }
}

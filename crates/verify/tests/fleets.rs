//! Many deployments in one run: what is printed of them, in which order, and what one bad file among them does.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use common::{OPEN, folder_with, good};
use serde_json::Value;

const HOSTS: usize = 30;

fn verify(arguments: &[&str], within: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_clearml-verify"))
        .args(arguments)
        .current_dir(within)
        .output()
        .unwrap()
}

fn printed(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

/// Good deployments, every tenth of them open, one that is no YAML, and a loop of links.
fn fleet() -> tempfile::TempDir {
    let folder = folder_with(&[]);
    for number in 0..HOSTS {
        let host = folder.path().join(format!("host-{number:02}"));
        fs::create_dir(&host).unwrap();
        let text = match number {
            7 => "services: [".to_owned(),
            number if number % 10 == 0 => OPEN.to_owned(),
            _ => good(),
        };
        let file = host.join("docker-compose.yml");
        common::write(&file, &text);
    }
    symlink("../host-01", folder.path().join("host-02/loop")).unwrap();
    symlink("../host-02", folder.path().join("host-01/loop")).unwrap();
    folder
}

#[test]
fn the_order_is_the_same_whatever_the_number_of_jobs() {
    let folder = fleet();
    for format in ["text", "json", "jsonl", "sarif"] {
        let one = verify(&["-f", format, "--jobs", "1", "."], folder.path());
        let many = verify(&["-f", format, "--jobs", "16", "."], folder.path());
        assert_eq!(one.status.code(), Some(1), "{format}");
        assert_eq!(printed(&one), printed(&many), "{format}");
    }
}

#[test]
fn one_bad_file_is_not_checked_and_hides_nothing() {
    let folder = fleet();
    let output = verify(&["-q", "-f", "jsonl", "."], folder.path());
    let lines = printed(&output).lines();
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of_kind = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).count();
    assert_eq!(of_kind("summary"), HOSTS);
    let unknown: Vec<&Value> = lines
        .iter()
        .filter(|line| line["kind"] == "unknown")
        .collect();
    assert_eq!(unknown.len(), 1, "{unknown:#?}");
    assert_eq!(unknown[0]["subject"], "./host-07/docker-compose.yml");
    // The lines of a deployment are together, in the order of the paths.
    let mut subjects: Vec<&str> = lines
        .iter()
        .map(|line| line["subject"].as_str().unwrap())
        .collect();
    subjects.dedup();
    let mut sorted = subjects.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(subjects, sorted);
    let errors = |line: &&Value| line["kind"] == "summary" && line["error"] != 0;
    assert_eq!(lines.iter().filter(errors).count(), HOSTS / 10);
}

#[test]
fn a_fleet_ends_with_a_table() {
    let folder = fleet();
    let output = verify(&["-q", "."], folder.path());
    let text = printed(&output);
    let (_, table) = text
        .split_once("error  warning  note  not checked\n")
        .unwrap();
    assert!(
        table.contains(&format!("all {HOSTS} of them: --summary")),
        "{table}"
    );
    let rows = table
        .lines()
        .filter(|line| line.contains("/docker-compose.yml"))
        .count();
    assert_eq!(rows, 20, "{table}");
    let all = verify(&["-q", "--summary", "."], folder.path());
    assert_eq!(all.status.code(), Some(1));
    let rows = printed(&all).lines();
    let rows: Vec<&str> = rows
        .filter(|line| line.contains("/docker-compose.yml"))
        .collect();
    assert_eq!(rows.len(), HOSTS, "{}", printed(&all));
    assert!(!printed(&all).contains("help:"), "{}", printed(&all));
    let [error, _, _, unknown, _] = rows[7].split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("{}", rows[7]);
    };
    assert_eq!((error, unknown), ("0", "1"));
    // One deployment has neither a heading nor a table.
    let one = verify(&["-q", "host-00"], folder.path());
    assert!(
        !printed(&one).contains("not checked\n"),
        "{}",
        printed(&one)
    );
    assert!(printed(&one).starts_with("error["), "{}", printed(&one));
}

#[test]
fn a_list_names_targets() {
    let folder = fleet();
    let list = "\u{feff}# ours\nhost-00\n\n  host-01/docker-compose.yml  \nhttp://127.0.0.1:1\n";
    fs::write(folder.path().join("hosts.txt"), list).unwrap();
    let output = verify(&["-q", "--summary", "@hosts.txt", "host-20"], folder.path());
    let text = printed(&output);
    for name in [
        "host-00/docker-compose.yml",
        "host-01/docker",
        "host-20/docker",
        "http://127.0.0.1:1",
    ] {
        assert!(text.contains(name), "{name}: {text}");
    }
    assert!(!text.contains("ours"), "{text}");
    fs::write(folder.path().join("empty.txt"), "# nothing\n").unwrap();
    let output = verify(&["@empty.txt"], folder.path());
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("empty.txt: no target in it"), "{said}");
}

/// What is said of all is what is said of each, added up.
#[test]
fn the_last_line_adds_up_the_table() {
    let folder = folder_with(&[]);
    let bare = "services:\n  apiserver:\n    image: clearml/server:2.3.0\n    command: apiserver\n    env_file: [a.env, b.env]\n    ports: ['${PORT}:8008']\n";
    for host in ["a", "b"] {
        fs::create_dir(folder.path().join(host)).unwrap();
        common::write(&folder.path().join(host).join("docker-compose.yml"), bare);
    }
    let output = verify(&["-q", "--summary", "."], folder.path());
    let text = printed(&output);
    let rows = text.lines().skip(1).take_while(|line| !line.is_empty());
    let unknown: Vec<usize> = rows
        .map(|row| row.split_whitespace().nth(3).unwrap().parse().unwrap())
        .collect();
    assert_eq!(unknown.len(), 2, "{text}");
    let sum: usize = unknown.iter().sum();
    assert!(unknown[0] > 1, "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.ends_with(&format!(", {sum} not checked")), "{text}");
}

/// What is too long for memory waits on the disk without a name: only the whole report ever has one, and it says what the screen
/// would.
#[test]
fn a_long_report_is_written_whole_or_not_at_all() {
    let stock = fs::read_to_string(common::fixtures().join("stock/docker-compose.yml")).unwrap();
    let folder = folder_with(&[]);
    for number in 0..160 {
        let host = folder.path().join(format!("hosts/{number:03}"));
        fs::create_dir_all(&host).unwrap();
        common::write(&host.join("docker-compose.yml"), &stock);
    }
    let reports = folder.path().join("reports");
    fs::create_dir(&reports).unwrap();
    let screen = verify(&["-q", "-f", "jsonl", "hosts"], folder.path());
    assert!(screen.stdout.len() > 1 << 20, "{}", screen.stdout.len());
    let both = [
        "-q",
        "-o",
        "jsonl:reports/all.jsonl",
        "-o",
        "sarif:reports/all.sarif",
        "hosts",
    ];
    assert_eq!(verify(&both, folder.path()).status.code(), Some(1));
    let written = fs::read_to_string(reports.join("all.jsonl")).unwrap();
    assert!(written == printed(&screen), "{} bytes", written.len());
    let names = || fs::read_dir(&reports).unwrap().count();
    assert_eq!(names(), 2);
    // One of the reports cannot be written: a folder has its name.
    fs::create_dir(reports.join("page.html")).unwrap();
    fs::write(reports.join("all.jsonl"), "before").unwrap();
    let failing = [
        "-q",
        "-o",
        "html:reports/page.html",
        "-o",
        "jsonl:reports/all.jsonl",
        "hosts",
    ];
    let output = verify(&failing, folder.path());
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(names(), 3);
    assert_eq!(
        fs::read_to_string(reports.join("all.jsonl")).unwrap(),
        "before"
    );
}

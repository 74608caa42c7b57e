//! `--since FILE`: what is new, still there and fixed, and of what that is not known.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod common;

use std::fs;
use std::path::Path;

use common::{OPEN, folder_with, run};
use serde_json::Value;

/// A port for everybody, an image without a version, and ten settings that are missing.
const PORTS: &str = "\
services:
  apiserver:
    image: clearml/server:latest
    command: apiserver
    ports:
      - 8008:8008
";

fn closed() -> String {
    PORTS.replace("8008:", "127.0.0.1:8008:")
}

/// Counts of new, still, fixed and not known.
type Counts = [u64; 4];

fn counts(since: &Value) -> Counts {
    ["new", "still", "fixed", "not_known"].map(|name| since["summary"][name].as_u64().unwrap())
}

/// Writes what a run prints, as JSON and as JSON Lines.
fn record(targets: &[&str], within: &Path) {
    for (format, name) in [("json", "before.json"), ("jsonl", "before.jsonl")] {
        let (_, stdout, _) = run(&[&["-q", "-f", format], targets].concat(), within);
        fs::write(within.join(name), stdout).unwrap();
    }
}

/// The document of a comparison. Whatever the format of either run, it comes to the same.
fn compared(arguments: &[&str], within: &Path) -> Value {
    let mut documents = Vec::new();
    for before in ["before.json", "before.jsonl"] {
        let since = ["-q", "--since", before];
        let (_, stdout, stderr) = run(&[&since[..], &["-f", "json"], arguments].concat(), within);
        let document: Value = serde_json::from_slice(&stdout).expect(&stderr);
        let (_, stdout, _) = run(&[&since[..], &["-f", "jsonl"], arguments].concat(), within);
        let last = String::from_utf8(stdout).unwrap();
        let last: Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
        assert_eq!(
            (&last["kind"], &last["version"]),
            (&"since".into(), &1.into())
        );
        for list in ["summary", "file"] {
            assert_eq!(last[list], document["since"][list]);
        }
        assert_eq!(document["since"]["file"], before);
        documents.push(document);
    }
    let [one, other] = [&documents[0]["since"], &documents[1]["since"]];
    assert_eq!(counts(one), counts(other), "{one:#} {other:#}");
    assert_eq!(documents[0]["findings"], documents[1]["findings"]);
    documents.swap_remove(0)
}

fn rules(entries: &Value) -> Vec<&str> {
    let entries = entries.as_array().unwrap().iter();
    entries
        .map(|entry| entry["rule"].as_str().unwrap())
        .collect()
}

/// Why it is not known of each that it is fixed, each reason once.
fn reasons(document: &Value) -> Vec<&str> {
    let entries = document["since"]["not_known"].as_array().unwrap().iter();
    let mut reasons: Vec<&str> = entries.map(|one| one["reason"].as_str().unwrap()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}

fn ages(document: &Value, age: &str) -> usize {
    let findings = document["findings"].as_array().unwrap().iter();
    findings.filter(|one| one["since"] == age).count()
}

#[test]
fn new_still_and_fixed_are_told_apart() {
    let folder = folder_with(&[("docker-compose.yml", PORTS)]);
    let within = folder.path();
    record(&["docker-compose.yml"], within);
    let same = compared(&["docker-compose.yml"], within);
    let all = same["findings"].as_array().unwrap().len();
    assert_eq!(counts(&same["since"]), [0, all as u64, 0, 0]);
    assert_eq!(ages(&same, "still"), all);
    let changed = format!("# moved\n{}    privileged: true\n", closed());
    common::write(&within.join("docker-compose.yml"), &changed);
    // However it is named, it is the same file.
    let absolute = within.join("docker-compose.yml");
    for target in [
        "docker-compose.yml",
        "./docker-compose.yml",
        ".",
        absolute.to_str().unwrap(),
    ] {
        let document = compared(&[target], within);
        let since = &document["since"];
        assert_eq!(
            rules(&since["fixed"]),
            ["public-port"],
            "{target}: {since:#}"
        );
        assert_eq!(counts(since), [1, all as u64 - 1, 1, 0], "{target}");
        assert_eq!(since["fixed"][0]["place"]["line"], 6, "as it was");
        let new = document["findings"].as_array().unwrap().iter();
        let new: Vec<&Value> = new.filter(|one| one["since"] == "new").collect();
        assert!(
            new.len() == 1 && new[0]["rule"] == "docker-socket",
            "{new:#?}"
        );
    }
    // What is accepted is there all the same, and the exit code is as without.
    run(
        &["--write-baseline", "b.json", "docker-compose.yml"],
        within,
    );
    let accepted = compared(&["--baseline", "b.json", "docker-compose.yml"], within);
    assert_eq!(counts(&accepted["since"]), [0, all as u64 - 1, 1, 0]);
    let since = ["-q", "--since", "before.json", "--baseline", "b.json"];
    assert_eq!(
        run(&[&since, &["docker-compose.yml"][..]].concat(), within).0,
        0
    );
}

#[test]
fn what_was_not_looked_at_is_not_fixed() {
    let folder = folder_with(&[("a/compose.yml", PORTS), ("b/compose.yml", PORTS)]);
    let within = folder.path();
    record(&["."], within);
    let all = compared(&["."], within)["findings"]
        .as_array()
        .unwrap()
        .len() as u64;
    common::write(&within.join("a/compose.yml"), &closed());
    common::write(&within.join("b/compose.yml"), &closed());
    let document = compared(&["a/compose.yml"], within);
    assert_eq!(counts(&document["since"]), [0, all / 2 - 1, 1, all / 2]);
    assert_eq!(reasons(&document), ["not looked at this time"]);
    // The shards together say what one run says.
    assert_eq!(
        counts(&compared(&["."], within)["since"]),
        [0, all - 2, 2, 0]
    );
    let shards = [0, 1, 2].map(|index| {
        let shard = format!("{index}/3");
        counts(&compared(&["--shard", &shard, "."], within)["since"])
    });
    let sum = |place: usize| shards.iter().map(|counts| counts[place]).sum::<u64>();
    assert_eq!([sum(0), sum(1), sum(2)], [0, all - 2, 2], "{shards:?}");
    // A file that is gone, or broken now.
    fs::write(within.join("a/compose.yml"), "services: [").unwrap();
    fs::remove_file(within.join("b/compose.yml")).unwrap();
    let document = compared(&["a/compose.yml", "b/compose.yml"], within);
    assert_eq!(counts(&document["since"]), [0, 0, 0, all]);
    assert_eq!(reasons(&document), ["not looked at this time"]);
}

#[test]
fn what_is_silenced_is_still_there_and_what_is_not_asked_is_not_known() {
    let folder = folder_with(&[("docker-compose.yml", PORTS)]);
    let within = folder.path();
    record(&["docker-compose.yml"], within);
    let all = compared(&["docker-compose.yml"], within)["findings"]
        .as_array()
        .unwrap()
        .len() as u64;
    let ignored = compared(&["--ignore", "public-port", "docker-compose.yml"], within);
    assert_eq!(counts(&ignored["since"]), [0, all - 1, 0, 1]);
    assert_eq!(reasons(&ignored), ["left out by --ignore"]);
    let silenced = PORTS.replace(
        "      - 8008",
        "      # clearml-verify: ignore[public-port] a test\n      - 8008",
    );
    common::write(&within.join("docker-compose.yml"), &silenced);
    let document = compared(&["docker-compose.yml"], within);
    assert_eq!(ages(&document, "still") as u64, all - 1);
    assert_eq!(counts(&document["since"]), [0, all, 0, 0]);
    // What an env file may hide now was not hidden then.
    let hidden = closed().replace("    ports", "    env_file: absent.env\n    ports");
    common::write(&within.join("docker-compose.yml"), &hidden);
    let document = compared(&["docker-compose.yml"], within);
    assert_eq!(document["since"]["fixed"], Value::Array(vec![]));
    assert!(rules(&document["since"]["not_known"]).contains(&"public-port"));
    assert_eq!(reasons(&document), ["behind what is not checked this time"]);
    // It was not there then, either.
    record(&["docker-compose.yml"], within);
    common::write(
        &within.join("docker-compose.yml"),
        &hidden.replace(":latest", ":2.3.0"),
    );
    let document = compared(&["docker-compose.yml"], within);
    assert_eq!(rules(&document["since"]["fixed"]), ["floating-image"]);
}

#[test]
fn what_is_found_in_other_words_is_not_fixed() {
    let folder = folder_with(&[("docker-compose.yml", PORTS)]);
    let within = folder.path();
    record(&["docker-compose.yml"], within);
    let other = PORTS.replace("8008:8008", "8009:8008");
    common::write(&within.join("docker-compose.yml"), &other);
    let document = compared(&["docker-compose.yml"], within);
    let [new, _, fixed, not_known] = counts(&document["since"]);
    assert_eq!([new, fixed, not_known], [1, 0, 1], "{document:#}");
    assert_eq!(reasons(&document), ["found in other words"]);
}

/// A file that several deployments read, and an override that is not a target any more.
#[test]
fn a_finding_is_of_a_deployment_and_not_of_a_file_alone() {
    let include = "include: [../common/part.yml]\nservices: {}\n";
    let folder = folder_with(&[
        ("common/part.yml", PORTS),
        ("a/docker-compose.yml", include),
        ("b/docker-compose.yml", include),
    ]);
    let within = folder.path();
    let both = ["a/docker-compose.yml", "b/docker-compose.yml"];
    record(&both, within);
    let all = compared(&both, within)["findings"]
        .as_array()
        .unwrap()
        .len() as u64;
    for target in both {
        let document = compared(&[target], within);
        assert_eq!(
            counts(&document["since"]),
            [0, all / 2, 0, all / 2],
            "{target}"
        );
    }
    let folder = folder_with(&[
        ("docker-compose.yml", &closed()),
        (
            "compose.dev.yml",
            "services: {apiserver: {ports: !override [\"8008:8008\"]}}\n",
        ),
    ]);
    let within = folder.path();
    record(&["."], within);
    let document = compared(&["docker-compose.yml"], within);
    assert_eq!(
        document["since"]["fixed"],
        Value::Array(vec![]),
        "{:#}",
        document["since"]
    );
}

/// In a repository the same name is another file in another folder.
#[test]
fn a_file_of_the_same_name_is_another() {
    let folder = folder_with(&[
        ("docker-compose.yml", &closed()),
        ("here/docker-compose.yml", PORTS),
    ]);
    let (root, here) = (folder.path(), folder.path().join("here"));
    fs::create_dir(root.join(".git")).unwrap();
    record(&["docker-compose.yml"], &here);
    for name in ["before.json", "before.jsonl"] {
        fs::copy(here.join(name), root.join(name)).unwrap();
    }
    let document = compared(&["docker-compose.yml"], root);
    let [_, still, fixed, _] = counts(&document["since"]);
    assert_eq!((still, fixed), (0, 0), "{:#}", document["since"]);
}

#[test]
fn servers_are_compared_each_by_itself() {
    let folder = folder_with(&[("docker-compose.yml", OPEN)]);
    let finding = |server: &str| {
        format!(
            r#"{{"version":1,"kind":"finding","subject":"{server} (apiserver 2.0.0 at {server})","fingerprint":"0","message":"m","help":"h","rule":"guest-login","severity":"note"}}"#
        )
    };
    let text = [
        finding("http://localhost:9"),
        finding("http://localhost:11"),
    ]
    .join("\n");
    fs::write(folder.path().join("before.jsonl"), &text).unwrap();
    fs::write(folder.path().join("before.json"), &text).unwrap();
    // Nobody listens there, so that nothing is known of either.
    let document = compared(&["--timeout", "1", "http://localhost:9"], folder.path());
    assert_eq!(counts(&document["since"]), [0, 0, 0, 2]);
    assert_eq!(
        reasons(&document),
        [
            "behind what is not checked this time",
            "not looked at this time"
        ]
    );
}

#[test]
fn people_read_a_line_and_what_has_changed() {
    let folder = folder_with(&[("docker-compose.yml", PORTS)]);
    let within = folder.path();
    record(&["docker-compose.yml"], within);
    // A name in it that would clear the screen.
    let text = fs::read_to_string(within.join("before.json")).unwrap();
    let hostile = text.replacen(
        "\"rule\": \"public-port\"",
        "\"rule\": \"<b>`\\u001b[2J\"",
        1,
    );
    assert_ne!(text, hostile);
    let hostile = hostile.replacen("\"findings\": [", "\"findings\": [\n{\"rule\": \"unset-variable\", \"severity\": \"note\", \"message\": \"\\u001b[2J\", \"fingerprint\": \"0\", \"place\": {\"file\": \"\\u001b[2J<b>`\", \"line\": 1, \"column\": 1}},", 1);
    fs::write(within.join("before.json"), hostile).unwrap();
    common::write(&within.join("docker-compose.yml"), &closed());
    for format in ["text", "markdown", "html"] {
        let arguments = ["-q", "-f", format, "docker-compose.yml", "--since"];
        let page = |before: &str| {
            let (code, stdout, stderr) = run(&[&arguments[..], &[before]].concat(), within);
            assert!(code == 1 && stderr.is_empty(), "{stderr}");
            String::from_utf8(stdout).unwrap()
        };
        let plain = page("before.jsonl").replace('\\', "");
        assert!(plain.contains("since before.jsonl: 0 new, 1"), "{plain}");
        assert!(plain.contains("still there, 1 fixed"), "{plain}");
        assert!(plain.contains("docker-compose.yml:6:9"), "{plain}");
        let hostile = page("before.json");
        assert!(
            !hostile.contains('\u{1b}') && !hostile.contains("<b>`\\"),
            "{hostile}"
        );
    }
    let (_, stdout, _) = run(
        &[
            "-q",
            "--since",
            "before.jsonl",
            "--min-severity",
            "error",
            "docker-compose.yml",
        ],
        within,
    );
    let text = String::from_utf8(stdout).unwrap();
    assert!(
        text.ends_with("  fixed  docker-compose.yml:6:9: public-port: apiserver\n"),
        "{text}"
    );
    let (_, stdout, _) = run(
        &[
            "-q",
            "--since",
            "before.jsonl",
            "-f",
            "sarif",
            "docker-compose.yml",
        ],
        within,
    );
    let sarif: Value = serde_json::from_slice(&stdout).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(
        results
            .iter()
            .all(|one| one["baselineState"] == "unchanged")
    );
}

/// Ten settings are missing at one place: no two lines are the same, in whatever format people read.
#[test]
fn each_line_says_what_makes_it_another() {
    const ENDS: [&str; 2] = ["USER_KEY", "USER_SECRET"];
    let folder = folder_with(&[
        ("docker-compose.yml", PORTS),
        ("a.yml", "include: [docker-compose.yml]\n"),
        ("b.yml", "include: [docker-compose.yml]\n"),
        ("empty.json", r#"{"version":1,"findings":[]}"#),
    ]);
    let within = folder.path();
    let lines = |arguments: &[&str], word: &str| {
        let (_, stdout, stderr) = run(&[&["-q", "--since"], arguments].concat(), within);
        let text = String::from_utf8(stdout).unwrap();
        let text = text.replace("<li>", "\n<li>").replace(['\\', '`'], "");
        let (_, since) = text.split_once(" new, ").expect(&stderr);
        let of_it = since
            .lines()
            .filter(|line| line.contains("missing-setting: secure."));
        let of_it = of_it.filter(|line| line.contains(word));
        of_it.map(str::to_owned).collect::<Vec<String>>()
    };
    record(&["docker-compose.yml"], within);
    let accounts = ["APISERVER", "FILESERVER", "WEBSERVER", "TESTS"];
    let names = accounts
        .iter()
        .flat_map(|name| ENDS.map(|end| format!("CREDENTIALS__{name}__{end}")));
    let others = ["AUTH__TOKEN_SECRET", "HTTP__SESSION_SECRET__APISERVER"].map(str::to_owned);
    let set = names
        .chain(others)
        .map(|name| format!("      CLEARML__SECURE__{name}: mine\n"));
    let set = format!("{PORTS}    environment:\n{}", set.collect::<String>());
    for (before, file, word) in [("empty.json", PORTS, "new"), ("before.json", &set, "fixed")] {
        common::write(&within.join("docker-compose.yml"), file);
        for format in ["text", "markdown", "html"] {
            let word = if format == "html" { "" } else { word };
            let lines = lines(&[before, "-f", format, "docker-compose.yml"], word);
            assert_distinct(&lines, 10);
        }
    }
    // The same file, in two deployments.
    common::write(&within.join("docker-compose.yml"), PORTS);
    let errors = ["empty.json", "--min-severity", "error"];
    let both = ["-f", "markdown", "a.yml", "b.yml"];
    let lines = lines(&[&errors[..], &both].concat(), "new");
    assert_distinct(&lines, 20);
    let of_b = |line: &&String| line.ends_with("in b.yml");
    assert_eq!(lines.iter().filter(of_b).count(), 10, "{lines:#?}");
}

fn assert_distinct(lines: &[String], count: usize) {
    let distinct: std::collections::HashSet<&String> = lines.iter().collect();
    assert_eq!((lines.len(), distinct.len()), (count, count), "{lines:#?}");
}

/// What an earlier run left out is new for one that does not, and that is said.
#[test]
fn what_was_left_out_then_is_a_caveat() {
    let folder = folder_with(&[("docker-compose.yml", PORTS)]);
    let within = folder.path();
    record(&["--min-severity", "error", "docker-compose.yml"], within);
    let (_, stdout, _) = run(
        &["-q", "--since", "before.json", "docker-compose.yml"],
        within,
    );
    let text = String::from_utf8(stdout).unwrap();
    assert!(
        text.contains("findings were left out of before.json"),
        "{text}"
    );
}

#[test]
fn a_file_that_no_run_printed_is_refused_with_its_place() {
    let folder = folder_with(&[("docker-compose.yml", PORTS), ("empty", "")]);
    let within = folder.path();
    record(&["docker-compose.yml"], within);
    let text = fs::read_to_string(within.join("before.jsonl")).unwrap();
    fs::write(within.join("cut"), &text[..text.len() - 30]).unwrap();
    run(
        &["--write-baseline", "baseline", "docker-compose.yml"],
        within,
    );
    let (_, stdout, _) = run(&["--effective", "-f", "json", "docker-compose.yml"], within);
    fs::write(within.join("effective"), stdout).unwrap();
    let lines = text.lines().count();
    for (name, place) in [
        ("empty", "empty:1:1: "),
        ("docker-compose.yml", "docker-compose.yml:1:1: "),
        ("cut", &format!("cut:{lines}:")),
        ("baseline", "baseline:"),
        ("effective", "effective:1:1: "),
    ] {
        let (code, stdout, stderr) = run(&["--since", name, "docker-compose.yml"], within);
        assert_eq!((code, stdout.len()), (2, 0), "{name}");
        assert!(stderr.contains(place), "{stderr}");
        assert!(
            stderr.contains("-f json or -f jsonl") && stderr.contains("help: "),
            "{stderr}"
        );
    }
    let (code, _, stderr) = run(&["--since", "nowhere", "docker-compose.yml"], within);
    assert!(code == 2 && stderr.contains("nowhere"), "{stderr}");
    for option in ["--fix", "--effective", "--write-baseline=x"] {
        let (code, _, stderr) = run(&["--since", "cut", option, "docker-compose.yml"], within);
        assert!(
            code == 2 && stderr.contains("cannot be used with"),
            "{stderr}"
        );
    }
    // It would be lost.
    let written = [
        "--since",
        "before.json",
        "-o",
        "json:before.json",
        "docker-compose.yml",
    ];
    let (code, _, stderr) = run(&written, within);
    assert!(code == 2 && stderr.contains("is an input"), "{stderr}");
}

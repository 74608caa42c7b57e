//! The paths that open something (`core/data/opening_paths.toml`): each is judged, or said to be unknown.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use clearml_secure_core::opening::{self, OpeningPath};
use clearml_secure_core::setting::{Server, Setting};
use common::{Done, as_written, ask, folder_with, verify};

/// The deployment that follows all advice, with lines in the service of a server.
fn with_lines(server: Server, service_lines: &str, variables: &str) -> String {
    let text = as_written("secured/docker-compose.yml");
    let name = format!("\n  {}:\n", server.name());
    let (before, service) = text.split_once(&name).unwrap();
    let service = service.replacen(
        "    environment:\n",
        &format!("{service_lines}    environment:\n{variables}"),
        1,
    );
    format!("{before}{name}{service}")
}

fn asked(text: &str, files: &[(&str, &str)]) -> Done {
    let mut all = vec![("docker-compose.yml", text)];
    all.extend(files);
    let folder = folder_with(&all);
    ask(&["docker-compose.yml"], folder.path())
}

fn variable(path: &str) -> String {
    format!("CLEARML__{}", path.replace('.', "__"))
}

/// The rules of an entry that find something with these values.
fn found(entry: &OpeningPath, values: &[&str]) -> Vec<String> {
    let lines = values.iter().map(|value| {
        let (path, value) = value.split_once(" = ").unwrap();
        let value = value.replace('\'', "''").replace('$', "$$");
        format!("      {}: '{value}'\n", variable(path))
    });
    let text = with_lines(entry.servers[0], "", &lines.collect::<String>());
    // What is set twice is set by the last line.
    let names: Vec<String> = values
        .iter()
        .map(|value| variable(value.split_once(" = ").unwrap().0))
        .collect();
    let mut kept = Vec::new();
    for line in text.lines() {
        let is_of = |name: &String| line.trim_start().starts_with(&format!("{name}: "));
        let is_again = names.iter().any(is_of)
            && kept
                .iter()
                .any(|kept: &&str| kept.split(':').next() == line.split(':').next());
        if !is_again {
            kept.push(line);
        }
    }
    let done = asked(&(kept.join("\n") + "\n"), &[]);
    assert!(done.code < 3, "{}: {}", entry.path, done.stderr);
    let rules = done.rules().into_iter().map(str::to_owned);
    rules
        .filter(|rule| entry.rules.contains(&rule.as_str()))
        .collect()
}

#[test]
fn every_path_is_judged() {
    for entry in opening::all() {
        // Where nothing is opened, there is only something that does not work.
        assert_eq!(entry.open.is_empty(), entry.opens.starts_with("nothing"));
        if !entry.open.is_empty() {
            assert!(!found(entry, entry.open).is_empty(), "{}: open", entry.path);
            let closed = found(entry, entry.closed);
            assert!(closed.is_empty(), "{}: closed {closed:?}", entry.path);
        }
    }
}

#[test]
fn every_path_that_only_the_shell_has_is_unknown() {
    for entry in opening::all() {
        for server in entry.servers {
            let above = entry.path.rsplit_once('.').unwrap().0;
            let below = format!("{}.mine", entry.path);
            for path in [entry.path, above, &below] {
                // A setting has its own variable, which wins over what is above it.
                let line = format!("      {}:\n", variable(path));
                let text = with_lines(*server, "", &line);
                let text = text.lines().filter(|line| {
                    let is_same = line
                        .trim_start()
                        .starts_with(&format!("{}: ", variable(entry.path)));
                    !is_same
                });
                let done = asked(&(text.collect::<Vec<_>>().join("\n") + "\n"), &[]);
                let unknown = done.unknown();
                // All that one variable may set is said at once.
                let is_named = |one: &String| {
                    let is_above = one.starts_with(&format!("{above} at "));
                    (one.contains(entry.path) || is_above) && one.contains(server.name())
                };
                assert!(
                    unknown.iter().any(is_named),
                    "{path} at {server}: {unknown:?}"
                );
                assert_ne!(done.code, 0, "{path}");
            }
        }
    }
}

#[test]
fn what_may_set_any_of_them_is_unknown() {
    for server in [Server::Apiserver, Server::Fileserver] {
        for lines in [
            "    env_file: [missing.env]\n",
            "    volumes: [\"/no/such/folder:/opt/clearml/config\"]\n",
            "    volumes: [\"config:/opt/clearml/config\"]\n",
        ] {
            let text = with_lines(server, lines, "") + "volumes:\n  config:\n";
            let done = asked(&text, &[]);
            assert_eq!(done.code, 2, "{server} {lines} {:?}", done.json);
        }
    }
}

#[test]
fn every_rule_of_the_list_is_there() {
    let output = verify().arg("--list-rules").output().unwrap();
    let known = String::from_utf8(output.stdout).unwrap();
    for entry in opening::all() {
        for rule in entry.rules {
            let is_there = known
                .lines()
                .any(|line| line.split_whitespace().next() == Some(rule));
            assert!(is_there, "{}: {rule}", entry.path);
        }
    }
}

/// Every configuration path that the program names is one of the list, a setting, or above one.
#[test]
fn no_rule_asks_for_another_path() {
    let mut seen = 0;
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        for literal in text
            .split('"')
            .skip(1)
            .step_by(2)
            .filter(|text| is_path(text))
        {
            let above = format!("{literal}.");
            let is_listed = opening::is_listed(literal)
                || Setting::by_path(literal).is_some()
                || opening::all()
                    .iter()
                    .any(|entry| entry.path.starts_with(&above));
            assert!(
                is_listed,
                "{}: {literal} is not in core/data/opening_paths.toml",
                file.display()
            );
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}

fn is_path(text: &str) -> bool {
    let roots = [
        "apiserver.",
        "fileserver.",
        "hosts.",
        "secure.",
        "services.",
    ];
    let is_name = |c: char| c.is_ascii_lowercase() || matches!(c, '.' | '_');
    roots.iter().any(|root| text.starts_with(root))
        && text.chars().all(is_name)
        && !text.ends_with('.')
        && ![".conf", ".server"].iter().any(|end| text.ends_with(end))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

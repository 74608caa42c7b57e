//! No command of a public compose file or of a fixture sets a variable that is not known: such a command is a false
//! alarm at every user who has it.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "the helpers of a test may fail as the test does, and say what was left out"
)]

#[path = "../../../tests/oracles/oracle.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod oracles;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use clearml_secure_core::command::{Effect, Surroundings, read};
use clearml_secure_core::knowable::Knowable;
use serde_yaml::Value;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path
            .extension()
            .is_some_and(|end| end == "yml" || end == "yaml")
        {
            found.push(path);
        }
    }
}

/// A list's items, or a text as compose splits it.
fn words(value: &Value) -> Vec<String> {
    if let Some(items) = value.as_sequence() {
        return items
            .iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect();
    }
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in value.as_str().unwrap_or_default().chars() {
        match quote {
            None if c.is_whitespace() => words.push(String::new()),
            None if matches!(c, '"' | '\'') => quote = Some(c),
            Some(open) if open == c => quote = None,
            _ => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn effect(service: &Value) -> Effect {
    let words = [words(&service["entrypoint"]), words(&service["command"])].concat();
    let words: Vec<_> = words.into_iter().map(Knowable::Known).collect();
    let around = Surroundings {
        folder: Knowable::Known("/opt/clearml".to_owned()),
        variable: &|_| Knowable::Known(None),
        file: &|_| Knowable::unknown("it is not here"),
        has: &|_| false,
        scripts: &|_| Vec::new(),
        homes: &|| vec!["/root".to_owned()],
        has_functions: false,
        starts: &|words| {
            words
                .iter()
                .any(|word| word.contains("server") || word.contains("jobs."))
        },
        kept: &|path| path.starts_with("/opt/clearml/config"),
    };
    read(&words, &around)
}

#[test]
fn no_public_command_sets_what_is_not_known() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let corpus = env::var_os("CLEARML_SECURE_CORPUS")
        .map_or_else(|| root.join("../shared/corpus"), PathBuf::from);
    let mut paths = Vec::new();
    files(&root.join("tests/fixtures"), &mut paths);
    if corpus.is_dir() {
        files(&corpus, &mut paths);
    } else {
        oracles::note_skipped(
            "the corpus of public compose files: CLEARML_SECURE_CORPUS names no folder",
        );
    }
    let mut seen = 0;
    let mut wrong = Vec::new();
    for path in paths {
        // Fixtures that are no YAML are other tests' business.
        let text = fs::read_to_string(&path).unwrap_or_default();
        let Ok(Value::Mapping(root)) = serde_yaml::from_str::<Value>(&text) else {
            continue;
        };
        let services = root
            .get("services")
            .and_then(Value::as_mapping)
            .cloned()
            .unwrap_or_default();
        for (name, service) in services {
            let image = service["image"].as_str().unwrap_or_default().to_owned();
            if !(image.contains("clearml") || image.contains("trains")) {
                continue;
            }
            seen += 1;
            let effect = effect(&service);
            let is_known = effect.changes.is_empty() && effect.unknown.is_none();
            if !is_known || effect.is_cleared || effect.writes {
                wrong.push(format!("{} {name:?} {image}: {effect:?}", path.display()));
            }
        }
    }
    assert!(seen > 100, "{seen} services");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

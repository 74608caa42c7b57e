//! What is said of public compose files, against what was read in them: nothing missed, nothing invented.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::collections::BTreeMap;

use e2e::files::{corpus, root};
use e2e::program::clearml;
use serde_json::Value;

/// Rule to lines, and how much is unknown.
type Expected = BTreeMap<String, toml::Value>;

#[test]
fn every_file_is_told_as_it_is() {
    let files = corpus();
    if files.is_empty() {
        return;
    }
    let text = std::fs::read_to_string(root().join("tests/corpus-expectations.toml")).unwrap();
    let expected: BTreeMap<String, Expected> = toml::from_str(&text).unwrap();
    assert_eq!(files.len(), expected.len());
    let mut failures = Vec::new();
    for deployment in &files {
        let name = deployment.path.file_name().unwrap().to_str().unwrap();
        let (_folder, path) = deployment.prepared();
        let done = clearml("verify").args(["-f", "json"]).arg(&path).done();
        let document: Value = serde_json::from_str(&done.stdout).unwrap();
        let found = found(&document);
        if expected.get(name) != Some(&found) {
            failures.push(format!(
                "{name}\n  expected {:?}\n  found    {found:?}",
                expected.get(name)
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn found(document: &Value) -> Expected {
    let mut lines: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for finding in document["findings"].as_array().unwrap() {
        let rule = finding["rule"].as_str().unwrap().to_owned();
        lines
            .entry(rule)
            .or_default()
            .push(finding["place"]["line"].as_i64().unwrap());
    }
    let mut found: Expected = lines
        .into_iter()
        .map(|(rule, mut lines)| {
            lines.sort_unstable();
            (
                rule,
                toml::Value::Array(lines.into_iter().map(toml::Value::Integer).collect()),
            )
        })
        .collect();
    let unknown = document["unknown"].as_array().unwrap().len();
    found.insert("unknown".to_owned(), toml::Value::Integer(unknown as i64));
    found
}

//! keygen, inject, verify: the three programs in a row, over every compose file there is.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use e2e::files::{self, Deployment, fixtures};
use e2e::keyset::Keyset;
use e2e::oracle;
use e2e::program::{Done, clearml};
use serde_json::Value;

/// After injection no finding of these is left; the other rules are about what inject does not touch.
const REPAIRED: [&str; 6] = [
    "default-credential",
    "missing-setting",
    "split-credential",
    "weak-secret",
    "reused-secret",
    "misread-value",
];

/// Shapes for which a reasoned refusal is as good as a rewrite: one text that several services share, or that a
/// service inherits from another, cannot always be changed for one of them alone. And where a server does not start
/// because of something that is no setting, there is nothing to prove.
const MAY_BE_REFUSED: [&str; 7] = [
    "rules/broken-account/bad.yml",
    "rules/unreadable-config/bad.yml",
    "shapes/anchor-merged-elsewhere.yml",
    "shapes/anchor-shared.yml",
    "shapes/environment-alias-list.yml",
    "shapes/extends.yml",
    "shapes/value-anchored.yml",
];

#[test]
fn every_fixture_comes_out_right() {
    let failures: Vec<_> = files::fixture_deployments()
        .iter()
        .filter_map(|deployment| match through(deployment) {
            Ok(Outcome::Injected) => None,
            Ok(Outcome::Refused) if MAY_BE_REFUSED.contains(&deployment.name.as_str()) => None,
            // Of manifests it edits nothing, and a chart's values hold no keys.
            Ok(Outcome::Refused) if is_of_kubernetes(&deployment.path) => None,
            Ok(Outcome::Refused) => Some(format!("{}: refused", deployment.name)),
            Err(why) => Some(format!("{}: {why}", deployment.name)),
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn is_of_kubernetes(path: &Path) -> bool {
    let text = fs::read_to_string(path).unwrap();
    let is_manifest = text.lines().any(|line| line.starts_with("apiVersion:"));
    is_manifest || is_values(path)
}

/// Whether a file has values for ClearML's chart. What the servers read is then in a Secret, and not known.
fn is_values(path: &Path) -> bool {
    let text = fs::read_to_string(path).unwrap();
    text.lines().any(|line| line == "clearml:")
}

#[test]
fn a_manifest_is_refused_with_the_way_for_kubernetes() {
    let path = fixtures().join("rules/duplicate-variable/bad.yml");
    let keys = clearml("keygen").done().exit(0).stdout;
    let done = clearml("inject").arg(&path).stdin(keys).done().refused();
    let says = ": this is a Kubernetes manifest, not a compose file\n  help: ClearML's Helm chart takes its keys from a Secret, which a file with its values names:\n";
    assert!(done.stderr.contains(says), "{}", done.stderr);
}

#[test]
fn the_corpus_comes_out_right_or_is_refused_with_a_reason() {
    let corpus = files::corpus();
    if corpus.is_empty() {
        return;
    }
    let mut failures = Vec::new();
    let mut refused = Vec::new();
    for deployment in &corpus {
        match through(deployment) {
            Ok(Outcome::Injected) => {}
            Ok(Outcome::Refused) => refused.push(&deployment.name),
            Err(why) => failures.push(format!("{}: {why}", deployment.name)),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(refused.len() <= 2, "refused: {refused:?}");
}

#[test]
fn the_stock_deployment_has_all_ten_public_settings_live() {
    let stock = fixtures().join("stock/docker-compose.yml");
    let before = clearml("verify")
        .args(["-f", "json"])
        .arg(stock)
        .done()
        .exit(1);
    let missing: BTreeSet<String> = findings(&before)
        .iter()
        .filter(|finding| finding["rule"] == "missing-setting")
        .map(|finding| finding["setting"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(missing.len(), 10, "{missing:?}");
    assert!(!missing.iter().any(|path| path.contains("services_agent")));
}

#[test]
fn the_stock_deployment_is_clean_after_injection() {
    let folder = tempfile::tempdir().unwrap();
    let stock = fs::read(fixtures().join("stock/docker-compose.yml")).unwrap();
    fs::write(folder.path().join("docker-compose.yml"), stock).unwrap();
    let keys = clearml("keygen").done().exit(0).stdout;
    let secured = clearml("inject")
        .arg("docker-compose.yml")
        .within(folder.path())
        .stdin(keys)
        .done()
        .exit(0)
        .stdout;
    fs::write(folder.path().join("secured.yml"), secured).unwrap();
    clearml("verify")
        .args(["--fail-on", "error", "secured.yml"])
        .within(folder.path())
        .done()
        .exit(2);
    // What its configuration folder holds can be told where that folder is.
    clearml("verify")
        .args(["--fail-on", "error", "--config-dir", ".", "secured.yml"])
        .within(folder.path())
        .done()
        .exit(0);
}

#[test]
fn the_documented_example_is_seen_through_and_repaired() {
    let example = fixtures().join("documented-example/docker-compose.yml");
    let before = clearml("verify")
        .args(["-f", "json"])
        .arg(example)
        .done()
        .exit(1);
    let findings = findings(&before);
    let has = |rules: &[&str], path: &str| {
        findings.iter().any(|finding| {
            rules.contains(&finding["rule"].as_str().unwrap())
                && finding["setting"]
                    .as_str()
                    .is_some_and(|setting| setting.contains(path))
        })
    };
    assert!(
        has(
            &["missing-setting", "default-credential"],
            "credentials.fileserver"
        ),
        "the file server's live default is not named: {findings:?}"
    );
    assert!(
        has(&["split-credential"], "auth.token_secret"),
        "the split token secret is not named: {findings:?}"
    );
    // The repair is one of `every_fixture_comes_out_right`.
}

#[test]
fn every_bad_fixture_is_bad_by_its_rule_and_every_good_one_is_good() {
    let mut failures = Vec::new();
    for deployment in files::fixture_deployments() {
        let Some(("rules", rest)) = deployment.name.split_once('/') else {
            continue;
        };
        let (rule, file) = rest.split_once('/').unwrap();
        let (_folder, path) = deployment.prepared();
        let done = clearml("verify")
            .args(["-f", "json", "--fail-on", "note"])
            .arg(&path)
            .done();
        let rules: BTreeSet<String> = findings(&done)
            .iter()
            .map(|finding| finding["rule"].as_str().unwrap().to_owned())
            .collect();
        let is_right = if is_values(&path) {
            rules.contains(rule) == file.starts_with("bad")
        } else if file.starts_with("good") {
            rules.is_empty() && done.status == Some(0)
        } else {
            rules.contains(rule) && done.status == Some(1)
        };
        if !is_right {
            failures.push(format!(
                "{}: status {:?}, found {rules:?}",
                deployment.name, done.status
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_format_of_keygen_is_read_by_inject() {
    let stock = fixtures().join("stock/docker-compose.yml");
    let keyset = Keyset::generate();
    let inject = |keys: &str| {
        clearml("inject")
            .arg(&stock)
            .stdin(keys)
            .done()
            .exit(0)
            .stdout
    };
    let expected = inject(&keyset.text);
    for format in ["env", "json", "yaml", "toml", "hocon", "kubernetes"] {
        let same = clearml("keygen")
            .args(["--from", "-", "-f", format])
            .stdin(keyset.text.as_str())
            .done()
            .exit(0)
            .stdout;
        assert_eq!(inject(&same), expected, "{format} does not say the same");
    }
}

enum Outcome {
    Injected,
    Refused,
}

/// One file through the pipeline. The error says what is wrong.
fn through(deployment: &Deployment) -> Result<Outcome, String> {
    let folder = deployment.copy();
    let keyset = Keyset::generate();
    let inject = |file: &str| {
        clearml("inject")
            .arg(file)
            .within(folder.path())
            .stdin(keyset.text.as_str())
            .done()
    };
    let done = inject("docker-compose.yml");
    let unchanged = fs::read(folder.path().join("docker-compose.yml")).unwrap();
    if unchanged != deployment.bytes() {
        return Err("the original was touched".to_owned());
    }
    if done.status != Some(0) {
        return refusal(&done, &keyset);
    }
    let secured = done.stdout;
    fs::write(folder.path().join("secured.yml"), &secured).unwrap();

    let again = inject("secured.yml");
    if again.status != Some(0) || again.stdout != secured {
        return Err(format!(
            "injecting twice is not the identity\n{}",
            again.report()
        ));
    }
    let original = String::from_utf8(unchanged).unwrap();
    only_the_intended_lines(deployment, &original, &secured)?;
    nothing_left_to_repair(folder.path())?;
    Ok(Outcome::Injected)
}

fn refusal(done: &Done, keyset: &Keyset) -> Result<Outcome, String> {
    if done.status != Some(2) || !done.stdout.is_empty() {
        return Err(format!("neither done nor refused\n{}", done.report()));
    }
    if !done.stderr.contains("docker-compose.yml") {
        return Err(format!("the refusal names no place\n{}", done.report()));
    }
    if keyset
        .values
        .values()
        .any(|value| done.stderr.contains(value))
    {
        return Err("the refusal shows a secret".to_owned());
    }
    Ok(Outcome::Refused)
}

fn nothing_left_to_repair(folder: &Path) -> Result<(), String> {
    let after = clearml("verify")
        .args(["-f", "json", "secured.yml"])
        .within(folder)
        .done();
    // Away from its host, what a configuration folder may hold stays open, and nothing else.
    let unknown = match after.status {
        Some(2) => serde_json::from_str(&after.stdout).unwrap_or(Value::Null)["unknown"].take(),
        _ => Value::Array(Vec::new()),
    };
    let is_folder = |one: &Value| {
        let reason = one["reason"].as_str().unwrap_or_default();
        reason.contains("--config-dir")
    };
    if !matches!(after.status, Some(0..=2))
        || !unknown
            .as_array()
            .is_some_and(|all| all.iter().all(is_folder))
    {
        return Err(format!("verify could not look\n{}", after.report()));
    }
    let left: Vec<String> = findings(&after)
        .iter()
        .filter(|finding| REPAIRED.contains(&finding["rule"].as_str().unwrap()))
        .map(|finding| {
            format!(
                "{} {} {}",
                finding["rule"], finding["setting"], finding["server"]
            )
        })
        .collect();
    if left.is_empty() {
        Ok(())
    } else {
        Err(format!("still found after injection: {}", left.join("; ")))
    }
}

/// Only lines of settings, and what brings an environment in, may go; in a file where services share no text,
/// only settings may come.
fn only_the_intended_lines(
    deployment: &Deployment,
    before: &str,
    after: &str,
) -> Result<(), String> {
    const SETTING: [&str; 3] = ["secure__", "_api_access_key", "_api_secret_key"];
    let (removed, added) = difference(before, after);
    let has = |line: &str, words: &[&str]| {
        let line = line.to_lowercase();
        words.iter().any(|word| line.contains(word))
    };
    let may_go = |line: &str| {
        has(line, &SETTING)
            || has(line, &["environment", "to-be-replaced", "<<", "*", "&"])
            // A line goes deeper where a shared mapping is set apart, and the last line of a file gets an end.
            || added.iter().any(|new| new.trim() == line.trim())
            // A whole service on one line is one line that changes.
            || added.iter().any(|new| new.starts_with(line.trim_end_matches('}')))
    };
    if let Some(line) = removed.iter().find(|line| !may_go(line)) {
        return Err(format!("a line was lost: {line:?}"));
    }
    let shares = before.contains('&') || before.contains("extends");
    let may_come = |line: &str| has(line, &SETTING) || has(line, &["environment"]);
    let is_stranger = deployment.name.starts_with("corpus/");
    if !is_stranger || shares {
        return Ok(());
    }
    if let Some(line) = added.iter().find(|line| !may_come(line)) {
        return Err(format!("a line was invented: {line:?}"));
    }
    if removed.len() > added.len() {
        return Err("more lines went than came".to_owned());
    }
    Ok(())
}

/// The lines of `before` and of `after` that are not in a longest common subsequence of both.
fn difference<'t>(before: &'t str, after: &'t str) -> (Vec<&'t str>, Vec<&'t str>) {
    let old: Vec<&str> = before.split('\n').collect();
    let new: Vec<&str> = after.split('\n').collect();
    let mut longest = vec![vec![0u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i][j] = if old[i] == new[j] {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || i < old.len() && longest[i + 1][j] >= longest[i][j + 1] {
            removed.push(old[i]);
            i += 1;
        } else {
            added.push(new[j]);
            j += 1;
        }
    }
    (removed, added)
}

#[track_caller]
fn findings(done: &Done) -> Vec<Value> {
    let Ok(json) = serde_json::from_str::<Value>(&done.stdout) else {
        panic!("no JSON\n{}", done.report());
    };
    assert_eq!(json["version"], 1);
    json["findings"].as_array().unwrap().clone()
}

#[test]
fn a_difference_is_the_smallest() {
    assert_eq!(
        difference("a\nb\nc", "a\nx\nc\nd"),
        (vec!["b"], vec!["x", "d"])
    );
}

/// 100,000 values survive the reading of HOCON, YAML, compose and a shell in the tests of core; here the shell
/// itself reads a whole keyset, as `set -a; . keys.env` does.
#[test]
fn a_shell_reads_the_env_format_unchanged() {
    let keyset = Keyset::generate();
    let env = clearml("keygen")
        .args(["--from", "-", "-f", "env"])
        .stdin(keyset.text.as_str())
        .done()
        .exit(0)
        .stdout;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("keys.env"), env).unwrap();
    let Ok(output) = std::process::Command::new("sh")
        .args(["-c", "set -a; . ./keys.env; env"])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
    else {
        oracle::note_skipped("a keyset read by sh: there is none");
        return;
    };
    let seen = String::from_utf8(output.stdout).unwrap();
    for (path, value) in &keyset.values {
        let name = format!("CLEARML__{}", path.to_uppercase().replace('.', "__"));
        assert!(
            seen.lines().any(|line| line == format!("{name}={value}")),
            "{name} is not what keygen generated"
        );
    }
}

//! Manifests through clearml-verify: what is said of a chart that Helm renders, as it is printed by Helm and by kubectl, and of
//! generated workloads. What the kubelet would start of them, written as a compose file, is the measure.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod environments;
mod faults;
mod releases;
mod rendered;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use e2e::kubernetes::{Kubernetes, Process, write_compose};
use e2e::program::{Done, clearml};
use serde_json::Value;
use tempfile::TempDir;

/// The values of the chart that ClearML's documentation tells people to set, with values of their own.
const DOCUMENTED: &str = "clearml:
  apiserverKey: QK2M8ZV5TB1XRW7EPL03
  apiserverSecret: vT9hQ2mXr7LpZs4KdNw8YcBf1GjA6uEo3RiM5nWk
  fileserverKey: H4PWXN8CKS2ZQ6TBV0YD
  fileserverSecret: Jb3Ux8KqWm5Zt2RyPn7LsVd4HgCf9AeT6oXiQ1kM
  secureAuthTokenSecret: Zw6Nk1RvQd8XsLm3TbYp5HcGf9JaU2eK7oViB4tE
  testUserKey: R7LQZ3XKWB5NTV9MPC1H
  testUserSecret: Ny5Dg8WqTx2VkRb7LmJs4PcZh1FfA9uE6oKiC3rM
  readinessprobeKey: M1CTV6XQZK8PRB3NWL5D
  readinessprobeSecret: Gp4Wv9XkQn2ZtRs7LbYm5HdJc8FfA1uE3oTiV6eK
";

/// A run over texts, each a file of its own.
fn verify(texts: &[&str], arguments: &[&str]) -> Done {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..texts.len())
        .map(|index| format!("{index}.yaml"))
        .collect();
    for (name, text) in names.iter().zip(texts) {
        fs::write(folder.path().join(name), text).unwrap();
    }
    clearml("verify")
        .arg("-q")
        .args(arguments.iter().copied())
        .args(names)
        .within(folder.path())
        .done()
}

/// The report of the same.
fn report(texts: &[&str], arguments: &[&str]) -> Value {
    json(&verify(texts, &[&["-f", "json"], arguments].concat()))
}

fn json(done: &Done) -> Value {
    serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{}", done.report()))
}

/// Findings of a severity, how many of each rule.
fn counts<'r>(report: &'r Value, severity: &str) -> BTreeMap<&'r str, usize> {
    let mut counts = BTreeMap::new();
    for finding in findings(report) {
        if finding["severity"] == severity {
            *counts.entry(finding["rule"].as_str().unwrap()).or_default() += 1;
        }
    }
    counts
}

/// All findings.
fn findings(report: &Value) -> &Vec<Value> {
    report["findings"].as_array().unwrap()
}

/// The settings that the findings of a rule are about.
fn settings<'r>(report: &'r Value, rule: &str) -> Vec<&'r str> {
    let of_rule = findings(report)
        .iter()
        .filter(|finding| finding["rule"] == rule);
    of_rule
        .filter_map(|finding| finding["setting"].as_str())
        .collect()
}

/// The findings as rule, severity, server and setting, but those of some rules.
fn essence(report: &Value, without: &[&str]) -> Vec<String> {
    let word = |finding: &Value, name: &str| finding[name].as_str().unwrap_or("-").to_owned();
    let mut essence: Vec<String> = findings(report)
        .iter()
        .filter(|finding| !without.contains(&finding["rule"].as_str().unwrap()))
        .map(|finding| {
            ["severity", "rule", "server", "setting"]
                .map(|name| word(finding, name))
                .join(" ")
        })
        .collect();
    essence.sort();
    essence
}

/// What is started of manifests, as a compose file.
fn composed(kubernetes: &Kubernetes, manifests: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let started = kubernetes.started(manifests).unwrap();
    let processes: Vec<&Process> = started
        .values()
        .map(|start| start.as_ref().unwrap())
        .collect();
    write_compose(&processes, folder.path());
    folder
}

/// The report on a folder or a file.
fn report_on(target: &Path, arguments: &[&str]) -> Value {
    json(
        &clearml("verify")
            .args(["-q", "-f", "json"])
            .args(arguments.iter().copied())
            .arg(target)
            .done(),
    )
}

/// A keyset in another format.
fn printed(keyset: &str, arguments: &[&str]) -> String {
    clearml("keygen")
        .args(["--from", "-", "-q", "-f"])
        .args(arguments.iter().copied())
        .stdin(keyset)
        .done()
        .exit(0)
        .stdout
}

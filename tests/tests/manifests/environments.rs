//! Generated environments, and single values of every type.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use e2e::kubernetes::workloads::{stream, workload};
use e2e::kubernetes::{Kubernetes, Process, write_compose};
use serde_json::Value;

use super::{findings, report_on};

/// Generated workloads that are held against the kubelet.
const WORKLOADS: u64 = 120;

/// Settings, and what is said of each.
type Readings = BTreeMap<String, String>;

/// What `--effective` says of each service: setting, how it is, and the variable.
fn readings(target: &Path) -> BTreeMap<String, Readings> {
    let report = report_on(target, &["--effective"]);
    let mut readings: BTreeMap<String, Readings> = BTreeMap::new();
    for row in report["effective"].as_array().unwrap() {
        let [service, setting, state, variable] = ["service", "setting", "state", "variable"]
            .map(|name| row[name].as_str().unwrap_or_default());
        let said = format!("{state} by {variable:?}");
        let of_service = readings.entry(service.to_owned()).or_default();
        of_service.insert(setting.to_owned(), said);
    }
    readings
}

#[test]
fn environments_are_read_as_the_kubelet_makes_them() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let name = |seed: u64| format!("server-{seed:03}");
    let workloads = (0..WORKLOADS).map(|seed| workload(seed, &name(seed)));
    let workloads: Vec<Vec<Value>> = workloads.collect();
    let text = |index: usize| stream(&workloads[index], index.is_multiple_of(2));
    let manifests: String = (0..workloads.len()).map(text).collect();
    let started = kubernetes.started(&manifests).unwrap();
    assert_eq!(started.len(), workloads.len());
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("manifests.yaml"), &manifests).unwrap();
    for (name, start) in &started {
        if let Ok(process) = start {
            let here = folder.path().join("compose").join(name);
            fs::create_dir_all(&here).unwrap();
            write_compose(&[process], &here);
        }
    }
    let running = started.values().filter(|start| start.is_ok()).count();
    let stopped = started.len() - running;
    assert!(
        running > 2 * stopped && stopped > 1,
        "{running} start, {stopped} do not"
    );
    let expected = readings(&folder.path().join("compose"));
    assert_eq!(expected.len(), running);
    let target = folder.path().join("manifests.yaml");
    let found = readings(&target);
    let report = report_on(&target, &[]);
    let is_said = |name: &str| {
        findings(&report).iter().any(|finding| {
            finding["rule"] == "missing-secret-key"
                && finding["message"].as_str().unwrap().contains(name)
        })
    };
    let mut wrong = Vec::new();
    for (name, start) in &started {
        let why = match start {
            Ok(process) => difference(process, &found[name], &expected[name]),
            // Nothing else says of it that it does not start.
            Err(why) => (!is_said(name)).then(|| format!("it does not start: {why}")),
        };
        if let Some(why) = why {
            wrong.push(format!(
                "{name}: {why}\n{}",
                text(name[7..].parse().unwrap())
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is different about a server. What an object decides that was not given is unknown, and nothing else is.
fn difference(process: &Process, found: &Readings, expected: &Readings) -> Option<String> {
    let may_be_open = |setting: &str| {
        let is_it = |name: &String| {
            name == "*" || name.to_lowercase().replace("__", ".").ends_with(setting)
        };
        process.open.iter().any(is_it)
    };
    // With a reference to such a variable, another one is open, too.
    let is_open =
        |setting: &str| may_be_open(setting) || (!process.open.is_empty() && process.refers);
    if found.len() != expected.len() {
        return Some(format!(
            "{} and not {} settings",
            found.len(),
            expected.len()
        ));
    }
    let differing = found.iter().filter(|(setting, said)| {
        let is_unknown = said.starts_with("unknown ") && is_open(setting);
        expected.get(*setting) != Some(*said) && !is_unknown
    });
    let differing = differing
        .map(|(setting, said)| format!("{setting} is {said} and not {:?}", expected.get(setting)));
    let differing: Vec<String> = differing.collect();
    (!differing.is_empty()).then(|| differing.join("\n"))
}

/// One server with one value, as it is written.
fn with_value(value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: server}}\nspec:\n  containers:\n  - name: server\n    \
         image: docker.io/allegroai/clearml:2.0.0-613\n    args: [apiserver]\n    env:\n    \
         - name: CLEARML__secure__auth__token_secret\n      value: {value}\n"
    )
}

#[test]
fn what_kubernetes_refuses_is_refused_and_what_is_text_for_it_is_text() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let mut wrong = Vec::new();
    for value in [
        "123",
        "-0",
        "+1",
        "0123",
        "0o17",
        "0x1F",
        "0b11",
        "1_000",
        "1.5",
        ".5",
        "12E5",
        "1e3",
        "1e400",
        "12:30:45",
        "2001-01-01",
        ".inf",
        ".NaN",
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "Y",
        "N",
        "true",
        "True",
        "TRUE",
        "tRue",
        "False",
        "~",
        "null",
        "Null",
        "NULL",
        "",
        "=",
        "<<",
        "text",
        "'123'",
        "\"yes\"",
        "!!str 12",
        "!!int \"3\"",
        "[a]",
        "{}",
        "|-\n        12",
        ">-\n        yes",
        "12 34",
        "1.2.3",
    ] {
        let manifest = with_value(value);
        let theirs = kubernetes.environments(&manifest).is_ok();
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("pod.yaml");
        fs::write(&target, &manifest).unwrap();
        let said = report_on(&target, &[]).to_string();
        let ours = !said.contains("the value is ");
        if ours != theirs {
            wrong.push(format!("{value}: kubectl takes it: {theirs}\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

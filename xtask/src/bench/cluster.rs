//! What a whole cluster prints, beside kubectl.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::row::{Bound, Row};
use super::{Bench, time};
use crate::shell::Result;

/// verify may take this part of what kubectl takes to read the same documents and to print them with a label more.
const KUBECTL_AT_MOST: f64 = 0.2;
const MEGABYTES: f64 = 300.0;
const NAMESPACES: usize = 2_000;
/// One namespace of so many has ClearML.
const RARE: usize = 20;
const OF_NAMESPACE: usize = 10;

impl Bench {
    /// A stream of 20,000 documents.
    pub(super) fn cluster(&self) -> Result<Vec<Row>> {
        let path = self.folder.join("cluster.yaml");
        fs::write(&path, documents()).map_err(|error| format!("{}: {error}", path.display()))?;
        let kubectl = self.oracles.join("kubectl");
        if !kubectl.exists() {
            println!("skipped: kubectl is not here, so nothing is held against it");
            return Ok(Vec::new());
        }
        let mut verify = self.program("clearml-verify");
        verify.args(["-f", "json"]).arg(&path);
        let (ours, megabytes) = self.measured(5, Path::new("/dev/null"), &verify)?;
        let mut kubectl = Command::new(kubectl);
        kubectl.args(["label", "--local", "-o", "yaml", "-f"]);
        kubectl.arg(&path).arg("a=b");
        let theirs = time(&mut kubectl)?.min(time(&mut kubectl)?);
        let work = format!("verify, {} manifests", NAMESPACES * OF_NAMESPACE);
        Ok(vec![
            Row::ratio(
                format!("{work} / kubectl"),
                (ours, theirs),
                Bound::AtMost(KUBECTL_AT_MOST),
            )
            .by("`clearml-verify -f json cluster.yaml`, `kubectl label --local -o yaml -f cluster.yaml a=b`")
            .because(
                "440,000 instructions a manifest, of which 64 % read its YAML, 9 % find out which workloads name each other, 8 % look for the words \
                 because of which a workload is read, and 4 % find where each manifest begins.",
            ),
            Row::megabytes(format!("{work}: memory"), megabytes, MEGABYTES),
        ])
    }
}

/// 20 MB of manifests.
fn documents() -> String {
    (0..NAMESPACES).map(of_namespace).collect()
}

fn of_namespace(number: usize) -> String {
    let (name, image, word) = match number % RARE {
        0 => ("clearml", "allegroai/clearml:2.0.0", ""),
        _ => ("app", "example/app:1.0", "run-"),
    };
    let namespace = format!("namespace: team-{number}");
    let servers = ["apiserver", "fileserver", "webserver"].map(|part| {
        let variables = (0..30).map(|one| {
            format!("        - {{name: VARIABLE_{one}, value: \"value {one} of {part}\"}}\n")
        });
        format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}-{part}, {namespace}}}\nspec:\n  selector: {{matchLabels: {{app: {part}}}}}\n  template:\n    metadata: {{labels: {{app: {part}}}}}\n    spec:\n      containers:\n      - name: {part}\n        image: {image}\n        args: [{word}{part}]\n        env:\n{}\
             ---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}-{part}, {namespace}}}\nspec:\n  selector: {{app: {part}}}\n  ports: [{{port: 80, targetPort: 8008}}]\n",
            variables.collect::<String>()
        )
    });
    let texts = (0..3).map(|one| {
        let text = "a setting of many in a text of its own; ".repeat(30);
        format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings-{one}, {namespace}}}\ndata: {{own.conf: \"{text}\"}}\n"
        )
    });
    let texts: String = texts.collect();
    let secret = format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: keys, {namespace}}}\nstringData: {{token: value-{number}}}\n"
    );
    servers.concat() + &texts + &secret
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_documents_as_it_says() {
        let all = documents();
        assert_eq!(all.matches("---\n").count(), NAMESPACES * OF_NAMESPACE);
    }
}

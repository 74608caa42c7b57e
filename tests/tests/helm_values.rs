//! Values files through clearml-verify, against what Helm renders of them: whatever is read of the rendering is read of the
//! values, setting by setting and finding by finding, and what Helm refuses is not read at all.
//!
//! `CLEARML_SECURE_VALUES=1000` looks at so many of them.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use e2e::files::root;
use e2e::keyset::Keyset;
use e2e::kubernetes::Kubernetes;
use e2e::kubernetes::values::{CHARTS, Values, values};
use e2e::program::{Done, clearml};
use serde_json::Value;
use tempfile::TempDir;

/// How many are looked at where nobody says.
const COUNT: u64 = 60;

/// What is said of the text itself, and not of what it says.
const OF_TEXTS: [&str; 3] = ["readable-secret", "tracked-secret", "unread-value"];

/// Our chart as each of its releases.
fn charts() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (index, (version, tag)) in CHARTS.into_iter().enumerate() {
        let target = folder.path().join(index.to_string());
        fs::create_dir_all(target.join("templates")).unwrap();
        let own = root().join("tests/chart");
        for name in [
            "Chart.yaml",
            "values.yaml",
            "templates/_environment.tpl",
            "templates/around.yaml",
            "templates/servers.yaml",
        ] {
            let text = fs::read_to_string(own.join(name)).unwrap();
            let text = match name {
                "Chart.yaml" => text.replace("version: 7.14.4", &format!("version: {version}")),
                "values.yaml" => text.replace("2.0.0-613", tag),
                _ => text,
            };
            fs::write(target.join(name), text).unwrap();
        }
    }
    folder
}

/// One release in a folder of its own.
struct Case {
    folder: TempDir,
    layers: Vec<PathBuf>,
    cluster: Vec<PathBuf>,
    version: &'static str,
}

impl Case {
    fn of(values: &Values) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: String, text: &str| {
            fs::write(folder.path().join(&name), text).unwrap();
            PathBuf::from(name)
        };
        let layers = values.layers.iter().enumerate();
        let layers = layers
            .map(|(index, text)| write(format!("{index}.yaml"), text))
            .collect();
        let cluster = values.cluster.iter();
        let cluster = cluster
            .map(|text| write("cluster.yaml".to_owned(), text))
            .collect();
        Self {
            layers,
            cluster,
            version: CHARTS[values.chart].0,
            folder,
        }
    }

    /// What Helm renders.
    fn rendered(&self, kubernetes: &Kubernetes, chart: &Path) -> Result<String, String> {
        let mut run = kubernetes.helm().args(["template", "clearml"]).arg(chart);
        run = run
            .args(["--kube-version", "1.30.0"])
            .within(self.folder.path());
        for layer in &self.layers {
            run = run.arg("-f").arg(layer);
        }
        let done = run.done();
        match done.status {
            Some(0) => Ok(done.stdout),
            _ => Err(done.stderr),
        }
    }

    fn verify(&self, target: &Path, arguments: &[&str]) -> Done {
        let mut run = clearml("verify")
            .args(["-q", "-f", "json"])
            .args(arguments.iter().copied());
        run = run.arg(target).within(self.folder.path());
        for path in &self.cluster {
            run = run.arg(path);
        }
        run.done()
    }

    /// The same of the values.
    fn of_values(&self, arguments: &[&str]) -> Done {
        let mut all = vec!["--chart", self.version];
        let names: Vec<&str> = self
            .layers
            .iter()
            .map(|path| path.to_str().unwrap())
            .collect();
        for name in &names[1..] {
            all.extend(["--merge", name]);
        }
        all.extend(arguments);
        self.verify(&self.layers[0], &all)
    }
}

/// What each server reads, but for the places.
fn readings(done: &Done) -> Vec<String> {
    let json: Value = serde_json::from_str(&done.stdout).unwrap_or_default();
    let rows = json["effective"].as_array().cloned().unwrap_or_default();
    let mut rows: Vec<String> = rows
        .into_iter()
        .map(|mut row| {
            row.as_object_mut().unwrap().remove("place");
            row.to_string()
        })
        .collect();
    rows.sort();
    rows
}

/// What is found and what is not known, but for the places and the words.
fn findings(done: &Done) -> Vec<String> {
    let json: Value = serde_json::from_str(&done.stdout).unwrap_or_default();
    let of = |name: &str| json[name].as_array().cloned().unwrap_or_default();
    let word = |one: &Value, name: &str| one[name].as_str().unwrap_or("-").to_owned();
    let found = of("findings").into_iter();
    let found = found.filter(|one| !OF_TEXTS.contains(&one["rule"].as_str().unwrap()));
    // One value is for the API server and the delete job, and a rendering has a place for each.
    let found = found.filter(|one| one["server"] != "async_delete");
    let names = ["severity", "rule", "server", "setting", "message"];
    let found = found.map(|one| names.map(|name| word(&one, name)).join(" "));
    let found = found.map(|line| line.replace(" and async_delete is a", " is a"));
    let unknown = of("unknown").into_iter();
    let unknown = unknown.map(|one| ["what", "reason"].map(|name| word(&one, name)).join(": "));
    let mut all: Vec<String> = found.chain(unknown).collect();
    all.sort();
    all
}

/// What differs, and whether Helm takes the values.
fn difference(
    seed: u64,
    kubernetes: &Kubernetes,
    keyset: &Keyset,
    charts: &Path,
) -> (bool, Option<String>) {
    let values = values(seed, keyset);
    let case = Case::of(&values);
    fs::write(case.folder.path().join("keys.json"), &keyset.text).unwrap();
    let chart = charts.join(values.chart.to_string());
    let all = ["--effective", "--all"];
    let keys = ["--keys", "keys.json"];
    let shown = || values.layers.join("\n=====\n");
    let rendered = match case.rendered(kubernetes, &chart) {
        Ok(rendered) => rendered,
        Err(refused) => {
            let done = case.of_values(&keys);
            let is_refused = done.status == Some(2) && readings(&case.of_values(&all)).is_empty();
            let report = format!(
                "seed {seed}: helm says {refused}\n{}\n{}",
                done.report(),
                shown()
            );
            return (false, (!is_refused).then_some(report));
        }
    };
    let path = Path::new("rendered.yaml");
    fs::write(case.folder.path().join(path), rendered).unwrap();
    for (arguments, read) in [
        (&all[..], readings as fn(&Done) -> Vec<String>),
        (&keys, findings),
        (&[], findings),
    ] {
        let (ours, theirs) = (case.of_values(arguments), case.verify(path, arguments));
        let [left, right] = [read(&ours), read(&theirs)];
        if left != right {
            let only = |one: &[String], other: &[String]| -> Vec<String> {
                one.iter()
                    .filter(|line| !other.contains(line))
                    .cloned()
                    .collect()
            };
            let report = format!(
                "seed {seed}, chart {}: of the values {:#?}\nof the rendering {:#?}\n{}\n{}",
                case.version,
                only(&left, &right),
                only(&right, &left),
                ours.stderr,
                shown()
            );
            return (true, Some(report));
        }
    }
    (true, None)
}

#[test]
fn values_are_read_as_helm_renders_them() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let count = env::var("CLEARML_SECURE_VALUES").ok();
    let count = count.and_then(|count| count.parse().ok()).unwrap_or(COUNT);
    let charts = charts();
    let keyset = Keyset::generate();
    let mut taken: BTreeMap<bool, u64> = BTreeMap::new();
    let mut wrong = Vec::new();
    for seed in 0..count {
        let (is_taken, difference) = difference(seed, &kubernetes, &keyset, charts.path());
        *taken.entry(is_taken).or_default() += 1;
        wrong.extend(difference);
    }
    let shown = wrong
        .iter()
        .take(5)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n\n");
    assert!(
        wrong.is_empty(),
        "{} of {count} differ:\n{shown}",
        wrong.len()
    );
    // Both kinds are there, and most are taken.
    assert!(
        taken[&true] > count / 2 && taken.contains_key(&false),
        "{taken:?}"
    );
    println!(
        "taken by helm: {}, refused: {}",
        taken[&true], taken[&false]
    );
}

//! Runs the job of our template for GitLab CI as a runner there does.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::files::root;
use crate::program::{Done, other};
use crate::release::Release;

/// The job of the template.
pub fn job() -> Value {
    let text = fs::read_to_string(root().join("templates/clearml-verify.yml")).unwrap();
    let jobs: Value = serde_yaml::from_str(&text).unwrap();
    jobs["clearml-verify"].clone()
}

/// Its commands in one shell, with a release on this machine. These variables win over those of the job.
pub fn run(repository: &Path, temp: &Path, release: &Release, variables: &[(&str, &str)]) -> Done {
    let job = job();
    let mut script = "set -e\n".to_owned();
    for part in ["before_script", "script"] {
        for line in job[part].as_array().unwrap() {
            script += &format!("{}\n", line.as_str().unwrap());
        }
    }
    let mut values: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, value) in job["variables"].as_object().unwrap() {
        values.insert(name, value.as_str().unwrap());
    }
    let url = release.url();
    values.insert("CLEARML_RELEASES", &url);
    values.extend(variables.iter().copied());
    let mut run = other(Path::new("sh"))
        .args(["-c", &script])
        .within(repository)
        .env("TMPDIR", temp);
    for (name, value) in values {
        run = run.env(name, value);
    }
    run.done()
}

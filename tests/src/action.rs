//! Runs the steps of a composite action as a runner of GitHub does: `run` in bash, with the files and variables that it
//! sets; a step that `uses` another action is kept with what it would be given.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::files::root;
use crate::program::other;

/// What came of a run.
pub struct Ran {
    /// Whether every step succeeded.
    pub is_success: bool,
    /// What the steps printed.
    pub log: String,
    /// What the job's page shows.
    pub summary: String,
    /// The action's outputs.
    pub outputs: BTreeMap<String, String>,
    /// Other actions that were called, each with its inputs.
    pub called: Vec<(String, BTreeMap<String, String>)>,
}

/// A job of a workflow, with one step: this action.
pub struct Job<'a> {
    /// The folder that the repository is checked out in.
    pub workspace: &'a Path,
    /// The folder for what the job makes.
    pub temp: &'a Path,
    /// The value of `PATH`.
    pub path: String,
}

/// What expressions know.
struct Known {
    inputs: BTreeMap<String, String>,
    action: PathBuf,
    outputs: BTreeMap<String, BTreeMap<String, String>>,
}

/// The action of this project.
pub fn action() -> Value {
    serde_yaml::from_str(&fs::read_to_string(root().join("action.yml")).unwrap()).unwrap()
}

impl Job<'_> {
    /// Runs the action with these inputs; the others are what it says itself.
    pub fn run(&self, with: &[(&str, &str)]) -> Ran {
        let action = action();
        let mut known = Known {
            inputs: BTreeMap::new(),
            action: root(),
            outputs: BTreeMap::new(),
        };
        for (name, input) in action["inputs"].as_object().unwrap() {
            known.inputs.insert(name.clone(), text(&input["default"]));
        }
        for (name, value) in with {
            let was = known.inputs.insert((*name).to_owned(), (*value).to_owned());
            assert!(was.is_some(), "no input {name}");
        }
        let mut ran = Ran {
            is_success: true,
            log: String::new(),
            summary: String::new(),
            outputs: BTreeMap::new(),
            called: Vec::new(),
        };
        for step in action["runs"]["steps"].as_array().unwrap() {
            let is_due = match step["if"].as_str() {
                Some(condition) => known.is_true(condition),
                None => ran.is_success,
            };
            if !is_due {
                continue;
            }
            match step["uses"].as_str() {
                Some(other) => ran
                    .called
                    .push((other.to_owned(), known.filled(&step["with"]))),
                None => self.step(step, &mut known, &mut ran),
            }
        }
        for (name, output) in action["outputs"].as_object().unwrap() {
            ran.outputs
                .insert(name.clone(), known.fill(&text(&output["value"])));
        }
        ran
    }

    fn step(&self, step: &Value, known: &mut Known, ran: &mut Ran) {
        assert_eq!(step["shell"], "bash");
        let script = step["run"].as_str().unwrap();
        assert!(!script.contains("${{"), "an input becomes code: {script}");
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let [output, summary, path, environment] =
            ["output", "summary", "path", "environment"].map(|name| file(name, ""));
        let mut run = other(Path::new("bash"))
            .args(["--noprofile", "--norc", "-e", "-o", "pipefail"])
            .arg(file("step.sh", script))
            .within(self.workspace)
            .env("PATH", &self.path)
            .env("CI", "true")
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_WORKSPACE", self.workspace)
            .env("GITHUB_OUTPUT", &output)
            .env("GITHUB_STEP_SUMMARY", &summary)
            .env("GITHUB_PATH", &path)
            .env("GITHUB_ENV", &environment)
            .env("RUNNER_TEMP", self.temp);
        for (name, value) in known.filled(&step["env"]) {
            run = run.env(&name, value);
        }
        let done = run.done();
        ran.log += &format!("{}{}", done.stdout, done.stderr);
        ran.summary += &fs::read_to_string(summary).unwrap();
        ran.is_success &= done.status == Some(0);
        let outputs = fs::read_to_string(output).unwrap();
        let outputs = outputs.lines().map(|line| {
            let (name, value) = line.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        });
        known.outputs.insert(text(&step["id"]), outputs.collect());
        for changed in [path, environment] {
            assert_eq!(
                fs::read_to_string(changed).unwrap(),
                "",
                "later steps change"
            );
        }
    }
}

impl Known {
    fn filled(&self, map: &Value) -> BTreeMap<String, String> {
        let map = map.as_object().into_iter().flatten();
        map.map(|(name, value)| (name.clone(), self.fill(&text(value))))
            .collect()
    }

    /// A text with the values of its expressions.
    fn fill(&self, text: &str) -> String {
        let Some((before, rest)) = text.split_once("${{") else {
            return text.to_owned();
        };
        let (expression, rest) = rest.split_once("}}").unwrap();
        format!(
            "{before}{}{}",
            self.value(expression.trim()),
            self.fill(rest)
        )
    }

    fn value(&self, expression: &str) -> String {
        let parts: Vec<&str> = expression.split('.').collect();
        match parts[..] {
            ["inputs", name] => self.inputs[name].clone(),
            ["github", "action_path"] => self.action.display().to_string(),
            ["steps", step, "outputs", name] => {
                let outputs = self.outputs.get(step);
                outputs
                    .and_then(|outputs| outputs.get(name))
                    .cloned()
                    .unwrap_or_default()
            }
            _ => expression
                .strip_prefix('\'')
                .and_then(|text| text.strip_suffix('\''))
                .unwrap_or_else(|| panic!("an expression that is not known here: {expression}"))
                .to_owned(),
        }
    }

    /// A condition of comparisons that all must hold.
    fn is_true(&self, condition: &str) -> bool {
        let inside = condition
            .strip_prefix("${{")
            .and_then(|rest| rest.strip_suffix("}}"));
        inside
            .unwrap_or(condition)
            .split("&&")
            .map(str::trim)
            .all(|one| {
                let compare = |(left, right): (&str, &str)| {
                    self.value(left.trim()) == self.value(right.trim())
                };
                match (one.split_once("!="), one.split_once("==")) {
                    (Some(sides), _) => !compare(sides),
                    (None, Some(sides)) => compare(sides),
                    (None, None) => one == "!cancelled()",
                }
            })
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

//! Helm and kubectl as oracles: what a chart renders, and what kubectl reads in a manifest. Neither is asked for a cluster.
//!
//! kubectl decodes manifests as the API server does, so what it refuses is refused there. Of an environment it lists the
//! entries of `env`, duplicates and all, in their order, and where each takes its value from; `envFrom` it leaves out, and
//! `$(NAME)` stays as it is written.

mod kubelet;
pub mod values;
pub mod workloads;

use std::path::PathBuf;

use tempfile::TempDir;

use crate::files::root;
use crate::fresh::fresh;
use crate::oracle;
use crate::program::{Done, Run, other};
pub use kubelet::{Process, Start, write_compose};

/// Both programs.
pub struct Kubernetes {
    helm: PathBuf,
    kubectl: PathBuf,
    /// Where they look for settings of a person, and find none.
    home: TempDir,
}

/// The `env` of one container.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    /// Kind and name, `Deployment clearml-apiserver`.
    pub object: String,
    /// Its name.
    pub container: String,
    /// Names and values, in their order.
    pub variables: Vec<(String, Listed)>,
}

/// What an entry of `env` takes its value from.
#[derive(Clone, Debug, PartialEq)]
pub enum Listed {
    /// The text is there.
    Text(String),
    /// A key of a Secret.
    Secret {
        /// The Secret.
        name: String,
        /// The key in it.
        key: String,
    },
    /// A key of a ConfigMap.
    ConfigMap {
        /// The ConfigMap.
        name: String,
        /// The key in it.
        key: String,
    },
    /// Something else, as kubectl describes it: `field path metadata.name`.
    Other(String),
}

impl Kubernetes {
    /// Says it where a person looks if there are none.
    pub fn find() -> Option<Self> {
        let (Some(helm), Some(kubectl)) = (oracle::helm(), oracle::kubectl()) else {
            oracle::skip("manifests against Helm and kubectl: they are not set up");
            return None;
        };
        let home = tempfile::tempdir().unwrap();
        Some(Self {
            helm,
            kubectl,
            home,
        })
    }

    /// A run of helm.
    pub fn helm(&self) -> Run {
        other(&self.helm).env("HOME", self.home.path())
    }

    /// A run of kubectl.
    pub fn kubectl(&self) -> Run {
        other(&self.kubectl).env("HOME", self.home.path())
    }

    /// What our chart becomes as release `clearml`, with more of helm's arguments.
    pub fn template<A: Into<std::ffi::OsString>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Done {
        self.helm()
            .args(["template", "clearml"])
            .arg(chart())
            .args(["--kube-version", "1.30.0"])
            .args(arguments)
            .done()
    }

    /// The same with values files as texts, the later ones over the earlier, with fresh values for secrets. Helm must have
    /// nothing to say.
    pub fn render(&self, values: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let mut arguments = Vec::new();
        for (index, text) in values.iter().enumerate() {
            let path = folder.path().join(format!("{index}.yaml"));
            std::fs::write(&path, fresh(text)).unwrap();
            arguments.extend(["-f".into(), path.into_os_string()]);
        }
        let done = self.template(arguments).exit(0);
        assert_eq!(done.stderr, "", "{}", done.report());
        done.stdout
    }

    /// Objects as kubectl prints them, as `yaml` or `json`, or why it refuses them. Of several, YAML has no line between them.
    pub fn printed(&self, manifests: &str, format: &str) -> Result<String, String> {
        // `label` takes any object for what it is; this decodes each by its type.
        self.answer(&["set", "env", "--list"], manifests)?;
        self.answer(&["label", "seen=yes", "-o", format], manifests)
    }

    /// The environment of every container, in the order of kubectl, or why it refuses the manifests. No value may have a
    /// line break, because a list of lines cannot tell it from an entry.
    pub fn environments(&self, manifests: &str) -> Result<Vec<Environment>, String> {
        let listed = self.answer(&["set", "env", "--list"], manifests)?;
        let mut found: Vec<Environment> = Vec::new();
        for line in listed.lines() {
            let head = line.strip_prefix("# ");
            if let Some((object, container)) = head.and_then(|head| head.split_once(", container "))
            {
                found.push(Environment {
                    object: object.to_owned(),
                    container: container.to_owned(),
                    variables: Vec::new(),
                });
                continue;
            }
            let entry = match head {
                Some(reference) => reference
                    .split_once(" from ")
                    .map(|(name, from)| (name, reference_of(from))),
                None => line
                    .split_once('=')
                    .map(|(name, value)| (name, Listed::Text(value.to_owned()))),
            };
            let (name, value) = entry.unwrap_or_else(|| panic!("kubectl lists {line:?}"));
            let container = found.last_mut().unwrap();
            container.variables.push((name.to_owned(), value));
        }
        Ok(found)
    }

    fn answer(&self, arguments: &[&str], manifests: &str) -> Result<String, String> {
        let done = self
            .kubectl()
            .args(arguments.iter().copied())
            .args(["--local", "-f", "-"])
            .stdin(manifests)
            .done();
        match done.status {
            Some(0) => Ok(done.stdout),
            _ => Err(done.stderr.trim().to_owned()),
        }
    }
}

impl Environment {
    /// The references to Secrets alone, as variable, Secret and key.
    pub fn references(&self) -> Vec<(&str, &str, &str)> {
        let entries = self.variables.iter();
        entries
            .filter_map(|(variable, value)| match value {
                Listed::Secret { name, key } => {
                    Some((variable.as_str(), name.as_str(), key.as_str()))
                }
                _ => None,
            })
            .collect()
    }
}

/// The chart of our own, which gives each server what ClearML's gives it.
pub fn chart() -> PathBuf {
    root().join("tests/chart")
}

fn reference_of(from: &str) -> Listed {
    let key = |kind: &str| {
        let (name, key) = from.strip_prefix(kind)?.split_once(", key ")?;
        Some((name.to_owned(), key.to_owned()))
    };
    if let Some((name, key)) = key("secret ") {
        return Listed::Secret { name, key };
    }
    match key("configmap ") {
        Some((name, key)) => Listed::ConfigMap { name, key },
        None => Listed::Other(from.to_owned()),
    }
}

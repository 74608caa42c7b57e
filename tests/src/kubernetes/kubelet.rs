//! What the kubelet would start of manifests that kubectl accepts: each server's words, environment and files. It follows the
//! documentation of Kubernetes, and takes the entries of `env` from kubectl. Written as a compose file, it is something
//! that clearml-verify has always read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Environment, Kubernetes, Listed};

/// A container that starts.
#[derive(Clone, Debug)]
pub struct Process {
    /// The workload's name.
    pub name: String,
    /// The workload's namespace; empty for none.
    pub namespace: String,
    /// The container as Kubernetes describes it.
    spec: Value,
    /// What its process has.
    pub environment: BTreeMap<String, String>,
    /// The files that are mounted, by their paths.
    pub files: BTreeMap<String, String>,
    /// The ports of nodes that lead to it, and its own.
    ports: Vec<(u64, u64)>,
    /// The variables that another object may set, which was not given; `*` for any.
    pub open: BTreeSet<String>,
    /// Whether a value refers to a variable.
    pub refers: bool,
}

/// A container of a workload: started, or why not. What was not given is taken for what is not there.
pub type Start = Result<Process, String>;

/// The objects of a run.
struct Pool(Vec<Value>);

impl Kubernetes {
    /// What is started of each Deployment, StatefulSet and Pod, by the workload's name. Init containers end, and tests are no servers.
    pub fn started(&self, manifests: &str) -> Result<BTreeMap<String, Start>, String> {
        let environments = self.environments(manifests)?;
        let text = self.printed(manifests, "json")?;
        let objects = serde_json::Deserializer::from_str(&text).into_iter();
        let pool = Pool(objects.map(Result::unwrap).collect());
        let mut started = BTreeMap::new();
        for object in &pool.0 {
            let pod = match word(object, "/kind") {
                "Deployment" | "StatefulSet" => &object["spec"]["template"]["spec"],
                "Pod" if object["metadata"]["annotations"]["helm.sh/hook"].is_null() => {
                    &object["spec"]
                }
                _ => continue,
            };
            let spec = &pod["containers"][0];
            let shown = format!(
                "{} {}",
                word(object, "/kind"),
                word(object, "/metadata/name")
            );
            let environment = environments
                .iter()
                .find(|one| one.object == shown && one.container == word(spec, "/name"))
                .unwrap();
            let start = pool.start(object, pod, environment);
            started.insert(word(object, "/metadata/name").to_owned(), start);
        }
        Ok(started)
    }
}

impl Pool {
    fn start(&self, object: &Value, pod: &Value, listed: &Environment) -> Start {
        let spec = &pod["containers"][0];
        let namespace = word(object, "/metadata/namespace");
        let mut environment = BTreeMap::new();
        let mut open = BTreeSet::new();
        for from in spec["envFrom"].as_array().into_iter().flatten() {
            let (kind, from) = match &from["secretRef"] {
                Value::Null => ("ConfigMap", (&from["configMapRef"], from)),
                reference => ("Secret", (reference, from)),
            };
            let (reference, from) = from;
            let Some(data) = self.data(kind, namespace, word(reference, "/name")) else {
                open.insert("*".to_owned());
                continue;
            };
            let prefix = word(from, "/prefix");
            let named = data
                .into_iter()
                .map(|(key, value)| (format!("{prefix}{key}"), value));
            environment.extend(named);
        }
        let entries = spec["env"].as_array().into_iter().flatten();
        for ((name, value), entry) in listed.variables.iter().zip(entries) {
            assert_eq!(word(entry, "/name"), name, "kubectl lists another entry");
            let (kind, object, key) = match value {
                Listed::Text(text) => {
                    let text = expand(text, &environment);
                    environment.insert(name.clone(), text);
                    continue;
                }
                Listed::Secret { name, key } => ("Secret", name, key),
                Listed::ConfigMap { name, key } => ("ConfigMap", name, key),
                Listed::Other(what) => return Err(format!("{name} from {what}")),
            };
            let Some(data) = self.data(kind, namespace, object) else {
                open.insert(name.clone());
                continue;
            };
            let is_optional = |field: &str| entry["valueFrom"][field]["optional"] == true;
            if let Some(value) = data.get(key) {
                environment.insert(name.clone(), value.clone());
            } else if !is_optional("secretKeyRef") && !is_optional("configMapKeyRef") {
                return Err(format!("{kind} {object} has no {key}"));
            }
        }
        Ok(Process {
            name: word(object, "/metadata/name").to_owned(),
            namespace: namespace.to_owned(),
            spec: spec.clone(),
            environment,
            files: self.files(pod, namespace),
            ports: self.ports(object, spec),
            open,
            refers: listed
                .variables
                .iter()
                .any(|(_, value)| matches!(value, Listed::Text(text) if text.contains("$("))),
        })
    }

    /// The decoded entries of a Secret or ConfigMap.
    fn data(&self, kind: &str, namespace: &str, name: &str) -> Option<BTreeMap<String, String>> {
        let object = self.0.iter().find(|object| {
            word(object, "/kind") == kind
                && word(object, "/metadata/name") == name
                && word(object, "/metadata/namespace") == namespace
        })?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let decoded = |value: &Value| {
            let line: String = text(value).split(['\r', '\n']).collect();
            String::from_utf8(STANDARD.decode(line).unwrap()).unwrap()
        };
        let entries = |field: &str| object[field].as_object().into_iter().flatten();
        let data = entries("data").map(|(key, value)| {
            let value = if kind == "Secret" {
                decoded(value)
            } else {
                text(value)
            };
            (key.clone(), value)
        });
        let plain = entries("stringData").map(|(key, value)| (key.clone(), text(value)));
        Some(data.chain(plain).collect())
    }

    /// The files of Secrets and ConfigMaps that are mounted whole, as a folder or one of them.
    fn files(&self, pod: &Value, namespace: &str) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        let mounts = pod["containers"][0]["volumeMounts"].as_array();
        for mount in mounts.into_iter().flatten() {
            let mut volumes = pod["volumes"].as_array().into_iter().flatten();
            let volume = volumes
                .find(|volume| volume["name"] == mount["name"])
                .unwrap();
            let data = match &volume["secret"] {
                Value::Null => self.data("ConfigMap", namespace, word(volume, "/configMap/name")),
                secret => self.data("Secret", namespace, word(secret, "/secretName")),
            };
            let path = word(mount, "/mountPath");
            let mut data = data.unwrap_or_default();
            match word(mount, "/subPath") {
                "" => {
                    let named = data
                        .into_iter()
                        .map(|(key, text)| (format!("{path}/{key}"), text));
                    files.extend(named);
                }
                key => {
                    files.insert(path.to_owned(), data.remove(key).unwrap());
                }
            }
        }
        files
    }

    /// The ports of nodes that Services lead to a workload.
    fn ports(&self, object: &Value, spec: &Value) -> Vec<(u64, u64)> {
        let labels = &object["spec"]["template"]["metadata"]["labels"];
        let services = self.0.iter().filter(|one| {
            let mut selector = one["spec"]["selector"].as_object().into_iter().flatten();
            word(one, "/spec/type") == "NodePort"
                && selector.all(|(name, value)| labels[name] == *value)
        });
        let ports = services.flat_map(|service| service["spec"]["ports"].as_array().unwrap());
        let own = spec["ports"][0]["containerPort"].as_u64();
        ports
            .filter_map(|port| Some((port["nodePort"].as_u64()?, own?)))
            .collect()
    }
}

/// A text with what `$(NAME)` stands for.
fn expand(text: &str, environment: &BTreeMap<String, String>) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        done.push_str(before);
        let close = after.find(')').filter(|_| after.starts_with('('));
        rest = match close {
            _ if after.starts_with('$') => {
                done.push('$');
                &after[1..]
            }
            Some(close) => {
                let name = &after[1..close];
                let value = environment.get(name);
                done.push_str(value.unwrap_or(&format!("$({name})")));
                &after[close + 1..]
            }
            None => {
                done.push('$');
                after
            }
        };
    }
    done + rest
}

fn word<'v>(value: &'v Value, pointer: &str) -> &'v str {
    let found = value.pointer(pointer);
    found.and_then(Value::as_str).unwrap_or_default()
}

/// Writes what was started into a folder as `docker-compose.yml`, the files that it mounts beside it.
pub fn write_compose(processes: &[&Process], folder: &Path) {
    let mut services = Map::new();
    for process in processes {
        let dollars = |text: &str| text.replace('$', "$$");
        let words = |field: &str| {
            let words = process.spec[field].as_array();
            let words = words.map(|words| words.iter().map(|word| word.as_str().unwrap()));
            words.map(|words| {
                words
                    .map(|word| dollars(&expand(word, &process.environment)))
                    .collect::<Vec<_>>()
            })
        };
        let environment = process.environment.iter();
        let environment: BTreeMap<_, _> = environment
            .map(|(name, value)| (name, dollars(value)))
            .collect();
        let mut volumes = Vec::new();
        for (path, text) in &process.files {
            let here = format!("files/{}/{}", process.name, path.replace('/', "-"));
            let file = folder.join(&here);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
            volumes.push(format!("./{here}:{path}"));
        }
        let ports = process.ports.iter();
        let ports: Vec<_> = ports.map(|(node, own)| format!("{node}:{own}")).collect();
        let service = json!({
            "image": process.spec["image"], "entrypoint": words("command"), "command": words("args"),
            "environment": environment, "volumes": volumes, "ports": ports,
        });
        services.insert(process.name.clone(), service);
    }
    let compose = json!({"services": services}).to_string();
    fs::write(folder.join("docker-compose.yml"), compose).unwrap();
}

//! What every container gets, before and after: for what the compose file's text alone does not tell.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use clearml_secure_core::compose::{Project, VariableValue, interpolate};
use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::io::escape;
use clearml_secure_core::source::{Place, SourceId, Span};
use clearml_secure_core::yaml::{Node, Value};

use crate::plan::Plan;

/// Every variable of every container, and the names that the files take from the env file. It holds no secret.
pub(crate) struct Containers {
    key: RandomState,
    services: BTreeMap<String, BTreeMap<String, u64>>,
    /// What the env file says of each name.
    env: HashMap<String, Option<u64>>,
    /// Where a name is first used.
    uses: BTreeMap<String, Place>,
}

impl Containers {
    /// Of a deployment before it is changed.
    pub(crate) fn of(deployment: &Deployment) -> Self {
        let key = RandomState::new();
        let mut uses = BTreeMap::new();
        for layer in &deployment.project.layers {
            let mut found: Vec<(String, Span)> = Vec::new();
            note_uses(&deployment.project, &layer.root, layer.source, &mut found);
            for (name, span) in found {
                uses.entry(name)
                    .or_insert_with(|| deployment.sources.place(span));
            }
        }
        let value = |name: &String| {
            let value = deployment.project.env.value(name);
            (name.clone(), value.map(|value| key.hash_one(value)))
        };
        Self {
            services: services(&key, &deployment.project),
            env: uses.keys().map(value).collect(),
            key,
            uses,
        }
    }

    /// What is otherwise in the deployment than it was and was not meant to be.
    pub(crate) fn difference(&self, after: &Deployment, plan: &Plan) -> Option<String> {
        let ours: HashSet<&str> = plan.taken.iter().map(|(name, _)| name.as_str()).collect();
        let used = self
            .uses
            .iter()
            .filter(|(name, _)| !ours.contains(name.as_str()));
        for (name, place) in used {
            let now = after.project.env.value(name);
            if self.env[name] != now.map(|value| self.key.hash_one(value)) {
                return Some(format!(
                    "{place} takes {name} from the env file that compose reads now, and would get another value"
                ));
            }
        }
        let meant: BTreeSet<(&str, &str)> = plan
            .intended
            .iter()
            .map(|one| (one.service.as_str(), one.name.as_str()))
            .collect();
        let now = services(&self.key, &after.project);
        for (service, variables) in &now {
            let before = self.services.get(service);
            let new = variables.keys().find(|name| {
                before.is_none_or(|before| !before.contains_key(*name))
                    && !meant.contains(&(service.as_str(), name.as_str()))
            });
            if let Some(name) = new {
                return Some(format!(
                    "service {} would get {name}, which is not for it",
                    escape(service)
                ));
            }
            // What takes its value from a name of ours follows it; whoever wrote it there wanted that.
            let changed = before.into_iter().flatten().find(|(name, value)| {
                variables.get(*name) != Some(value)
                    && !meant.contains(&(service.as_str(), name.as_str()))
                    && !follows(after, service, name, &ours)
            });
            if let Some((name, _)) = changed {
                return Some(format!(
                    "service {} would get another {name}",
                    escape(service)
                ));
            }
        }
        let gone = self.services.keys().find(|name| !now.contains_key(*name));
        gone.map(|name| {
            let name = escape(name);
            format!("service {name} would be gone")
        })
    }
}

/// Whether a variable has its value by way of one of the env file's.
fn follows(after: &Deployment, service: &str, name: &str, ours: &HashSet<&str>) -> bool {
    let service = after.project.service_named(service);
    let variable = service
        .into_iter()
        .flat_map(|service| &service.environment)
        .find(|variable| variable.name == name);
    variable.is_some_and(|variable| {
        let mut used = variable.interpolated.iter();
        ours.contains(name) || used.any(|used| ours.contains(used.name.as_str()))
    })
}

fn services(key: &RandomState, project: &Project) -> BTreeMap<String, BTreeMap<String, u64>> {
    let print = |value: &VariableValue| match value {
        VariableValue::Known(value) => key.hash_one(('k', value.expose())),
        VariableValue::Refused(why) => key.hash_one(('r', why)),
        VariableValue::Required(name) => key.hash_one(('m', name)),
        VariableValue::Unset => key.hash_one('u'),
    };
    let services = project.services.iter().map(|service| {
        let variables = service.environment.iter();
        let variables = variables.map(|variable| (variable.name.clone(), print(&variable.value)));
        (service.name.clone(), variables.collect())
    });
    services.collect()
}

/// Every name that a scalar takes from the env file, also where another one decides whether it is used.
fn note_uses(project: &Project, node: &Node, source: SourceId, found: &mut Vec<(String, Span)>) {
    match &node.value {
        Value::Scalar(_) => {
            let Some(text) = node.text().filter(|text| text.contains('$')) else {
                return;
            };
            let asked = RefCell::new(Vec::new());
            let lookup = |name: &str| {
                asked.borrow_mut().push(name.to_owned());
                project.env.value(name).map(str::to_owned)
            };
            drop(interpolate::interpolate(text, &lookup));
            let span = node.span(source);
            found.extend(asked.into_inner().into_iter().map(|name| (name, span)));
        }
        Value::Mapping(_, entries) => {
            for entry in entries {
                if entry.value.is_null() {
                    // A bare name of an `environment` takes the value of the same name.
                    if let Some(name) = entry.key.text() {
                        found.push((name.to_owned(), entry.key.span(source)));
                    }
                }
                note_uses(project, &entry.value, source, found);
            }
        }
        Value::Sequence(_, items) => {
            for item in items {
                if let Some(name) = item.text() {
                    // In an `environment`, a bare name again.
                    found.push((name.to_owned(), item.span(source)));
                }
                note_uses(project, item, source, found);
            }
        }
        Value::Alias(_) => {}
    }
}

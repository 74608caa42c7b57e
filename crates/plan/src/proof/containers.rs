//! What every container gets, before and after: for what the compose file's text alone does not tell.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use clearml_secure_core::compose::Project;
use clearml_secure_core::container::{Origin, VariableValue};
use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::shell::quoted;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Place;

use super::Broken;
use crate::plan::Plan;

/// Every variable of every container, and the names that the files take from the env file. It holds no secret.
pub struct Containers {
    key: RandomState,
    services: BTreeMap<String, BTreeMap<String, u64>>,
    /// What the env file says of each name.
    env: HashMap<String, Option<u64>>,
    /// Where a name is first used.
    uses: BTreeMap<String, Place>,
}

impl Containers {
    /// Of a deployment before it is changed.
    pub fn of(deployment: &Deployment) -> Self {
        let key = RandomState::new();
        let mut uses = BTreeMap::new();
        for used in deployment.project.uses() {
            uses.entry(used.name)
                .or_insert_with(|| deployment.sources.place(used.span));
        }
        let value = |name: &String| {
            let value = deployment.project.env().value(name);
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
    pub fn difference(&self, after: &Deployment, plan: &Plan) -> Option<Broken> {
        let ours: HashSet<&str> = plan.taken.iter().map(|(name, _)| name.as_str()).collect();
        let used = self
            .uses
            .iter()
            .filter(|(name, _)| !ours.contains(name.as_str()));
        for (name, place) in used {
            let now = after.project.env().value(name);
            if self.env[name] != now.map(|value| self.key.hash_one(value)) {
                return Some(Broken::effective(format!(
                    "{place} takes {name} from the env file that compose reads now, and would get another value"
                )));
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
                return Some(would_get(after, service, name));
            }
            let changed = before.into_iter().flatten().find(|(name, value)| {
                variables.get(*name) != Some(value)
                    && !meant.contains(&(service.as_str(), name.as_str()))
                    && !has_it_by_name(after, service, name, &ours)
            });
            if let Some((name, _)) = changed {
                return Some(Broken::effective(format!(
                    "service {} would get another {name}",
                    escape(service)
                )));
            }
        }
        let gone = self.services.keys().find(|name| !now.contains_key(*name));
        gone.map(|name| {
            let name = escape(name);
            Broken::effective(format!("service {name} would be gone"))
        })
    }
}

/// A service would get a variable that is not meant for it. One that reads the env file as a whole gets all that is put there.
fn would_get(after: &Deployment, service: &str, name: &str) -> Broken {
    let services = after.project.service_named(service).into_iter();
    let mut variables = services.flat_map(|service| &service.environment);
    let from_file = variables
        .find(|variable| variable.name == name && variable.origin == Origin::EnvFile)
        .map(|variable| after.sources.path(variable.span.source));
    let service = escape(service);
    let Some(path) = from_file else {
        return Broken::effective(format!(
            "service {service} would get {name}, which is not for it"
        ));
    };
    let path = quoted(path);
    Broken::Effective {
        reason: format!(
            "service {service} has `env_file: {path}` and would get every secret that is put there, {name} among them"
        ),
        help: Some(format!(
            "put the secrets into another file, which is read after this one: --env-file clearml.env\n        later: docker \
             compose --env-file {path} --env-file clearml.env up -d"
        )),
    }
}

/// Whether a service reads the env file itself, and had the name from there before: then it gets the new value as well.
fn has_it_by_name(after: &Deployment, service: &str, name: &str, ours: &HashSet<&str>) -> bool {
    let service = after.project.service_named(service);
    let variables = service.into_iter().flat_map(|service| &service.environment);
    let mut same = variables.filter(|variable| variable.name == name);
    ours.contains(name) && same.any(|variable| variable.origin == Origin::EnvFile)
}

fn services(key: &RandomState, project: &Project) -> BTreeMap<String, BTreeMap<String, u64>> {
    let print = |value: &VariableValue| match value {
        VariableValue::Known(value) => key.hash_one(('k', value.expose())),
        VariableValue::Refused(why) => key.hash_one(('r', why)),
        VariableValue::Required(name) => key.hash_one(('m', name)),
        VariableValue::Unknown(why) => key.hash_one(('x', why.as_str())),
        VariableValue::Unset => key.hash_one('u'),
    };
    let services = project.services.iter().map(|service| {
        let variables = service.environment.iter();
        let variables = variables.map(|variable| (variable.name.clone(), print(&variable.value)));
        (service.name.clone(), variables.collect())
    });
    services.collect()
}

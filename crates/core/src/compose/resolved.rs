//! A project as compose resolves it, as fingerprints: small enough for ten thousand services, and free of secrets.
//!
//! What several files say of one attribute is compared in its order, each with the folder that its relative paths start
//! from, and not merged: as long as every file says the same as before, compose makes the same of it. Only the
//! environment and the ports are compared as what becomes of them, because they are what somebody means to change.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::mem::discriminant;

use super::{Project, Scope, Service, interpolate};
use crate::container::{Port, VariableValue};
use crate::yaml::{Clears, Node};

/// What `.env` may tell compose itself.
const OF_COMPOSE: [&str; 4] = [
    "COMPOSE_FILE",
    "COMPOSE_PATH_SEPARATOR",
    "COMPOSE_PROFILES",
    "COMPOSE_PROJECT_NAME",
];

/// All that compose makes of a project.
pub struct Resolved {
    key: RandomState,
    services: BTreeMap<String, ResolvedService>,
    sections: BTreeMap<String, u64>,
    of_compose: [u64; OF_COMPOSE.len()],
    /// What the env files say.
    env: BTreeMap<String, u64>,
}

/// All that compose makes of a service.
#[derive(Default)]
struct ResolvedService {
    attributes: BTreeMap<String, u64>,
    environment: BTreeMap<String, u64>,
    ports: Vec<Port>,
    /// What else is said of ports.
    about_ports: Vec<u64>,
}

/// Something that is otherwise in one of two projects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference<'a> {
    /// An attribute of a service.
    Attribute {
        /// The service.
        service: &'a str,
        /// Its name.
        attribute: &'a str,
    },
    /// What `.env` tells compose itself.
    Compose(&'static str),
    /// What a service publishes.
    Ports(&'a str),
    /// A section beside the services, e.g. `volumes`.
    Section(&'a str),
    /// A service that only one of them has.
    Service(&'a str),
    /// A variable of a container.
    Variable {
        /// The service.
        service: &'a str,
        /// Its name.
        name: &'a str,
        /// Whether it is not there in the first project.
        is_new: bool,
    },
}

impl Resolved {
    /// Of a project.
    pub fn of(project: &Project) -> Self {
        Self::with(RandomState::new(), project)
    }

    /// Of another project, so that the two can be compared.
    pub fn of_other(&self, project: &Project) -> Self {
        Self::with(self.key.clone(), project)
    }

    fn with(key: RandomState, project: &Project) -> Self {
        let printer = Printer { key: &key, project };
        let services = project.services.iter();
        let env = project.env();
        let names = env.names();
        Self {
            services: services
                .map(|service| (service.name.clone(), printer.service(service)))
                .collect(),
            sections: printer.sections(),
            of_compose: OF_COMPOSE.map(|name| key.hash_one(project.variable(Scope::PROJECT, name))),
            env: names
                .map(|name| (name.to_owned(), key.hash_one(env.value(name))))
                .collect(),
            key,
        }
    }

    /// Everything that is otherwise in another project, which was made by [`Resolved::of_other`].
    pub fn differences<'a>(&'a self, now: &'a Self) -> Vec<Difference<'a>> {
        let mut found = Vec::new();
        for (number, name) in OF_COMPOSE.into_iter().enumerate() {
            if self.of_compose[number] != now.of_compose[number] {
                found.push(Difference::Compose(name));
            }
        }
        for (section, _) in unlike(&self.sections, &now.sections) {
            found.push(Difference::Section(section));
        }
        for (name, service) in &now.services {
            match self.services.get(name) {
                Some(before) => before.differences(service, name, &mut found),
                None => found.push(Difference::Service(name)),
            }
        }
        let mut gone = self.services.keys();
        found.extend(
            gone.by_ref()
                .filter(|name| !now.services.contains_key(*name))
                .map(|name| Difference::Service(name)),
        );
        found
    }

    /// What a service publishes.
    pub fn ports(&self, service: &str) -> &[Port] {
        self.services
            .get(service)
            .map_or(&[], |service| &service.ports)
    }

    /// Whether a container is given a variable.
    pub fn has_variable(&self, service: &str, name: &str) -> bool {
        let service = self.services.get(service);
        service.is_some_and(|service| service.environment.contains_key(name))
    }

    /// Whether the env files say otherwise of a name than those of another project.
    pub fn is_env_changed(&self, now: &Self, name: &str) -> bool {
        self.env.get(name) != now.env.get(name)
    }
}

impl ResolvedService {
    fn differences<'a>(&'a self, now: &'a Self, service: &'a str, found: &mut Vec<Difference<'a>>) {
        for (attribute, _) in unlike(&self.attributes, &now.attributes) {
            found.push(Difference::Attribute { service, attribute });
        }
        for (name, is_new) in unlike(&self.environment, &now.environment) {
            found.push(Difference::Variable {
                service,
                name,
                is_new,
            });
        }
        let ports = self.ports.iter().map(port);
        if self.about_ports != now.about_ports || !ports.eq(now.ports.iter().map(port)) {
            found.push(Difference::Ports(service));
        }
    }
}

/// The keys whose values are not the same, and whether the first map has none.
fn unlike<'a>(
    before: &'a BTreeMap<String, u64>,
    now: &'a BTreeMap<String, u64>,
) -> impl Iterator<Item = (&'a str, bool)> {
    let changed = now.iter().filter_map(|(key, value)| {
        let old = before.get(key);
        (old != Some(value)).then_some((key.as_str(), old.is_none()))
    });
    let gone = before.keys().filter(|key| !now.contains_key(*key));
    changed.chain(gone.map(|key| (key.as_str(), false)))
}

/// A port without the place at which it is written.
fn port(port: &Port) -> impl PartialEq + use<'_> {
    (
        &port.target,
        &port.published,
        port.interface,
        port.address,
        &port.protocol,
    )
}

/// Makes fingerprints of a project.
struct Printer<'a> {
    key: &'a RandomState,
    project: &'a Project,
}

impl Printer<'_> {
    fn service(&self, service: &Service) -> ResolvedService {
        let mut resolved = ResolvedService::default();
        for part in &service.parts {
            for field in part.node.fields() {
                let Some(name) = field.key.text().filter(|name| !name.starts_with("x-")) else {
                    continue;
                };
                if name == "environment" {
                    continue;
                }
                if name == "ports" {
                    self.about_ports(&mut resolved.about_ports, part.document, field.value);
                    continue;
                }
                self.add(&mut resolved.attributes, name, part.document, field.value);
            }
        }
        let variables = service.environment.iter();
        resolved.environment = variables
            .map(|variable| (variable.name.clone(), self.value(&variable.value)))
            .collect();
        resolved.ports = service.ports.clone();
        resolved
    }

    /// Adds what a document says of something to what the documents before it say.
    fn add(&self, to: &mut BTreeMap<String, u64>, name: &str, document: usize, node: &Node) {
        let mut hasher = self.key.build_hasher();
        to.get(name).hash(&mut hasher);
        let document = &self.project.documents[document];
        document.folder.hash(&mut hasher);
        self.node(node, document.scope, name, &mut hasher);
        to.insert(name.to_owned(), hasher.finish());
    }

    fn sections(&self) -> BTreeMap<String, u64> {
        let mut sections = BTreeMap::new();
        for id in &self.project.order {
            for field in self.project.documents[*id].root.fields() {
                // `version` means nothing to compose, nor does what is only for others to alias.
                let name = field.key.text().filter(|name| {
                    !name.starts_with("x-") && *name != "services" && *name != "version"
                });
                if let Some(name) = name {
                    self.add(&mut sections, name, *id, field.value);
                }
            }
        }
        sections
    }

    /// Adds what is said of ports beside what a [`Port`] has.
    fn about_ports(&self, about: &mut Vec<u64>, document: usize, list: &Node) {
        if list.clears().is_some() {
            about.clear();
        }
        let scope = self.project.documents[document].scope;
        for field in list
            .items()
            .unwrap_or_default()
            .iter()
            .flat_map(|item| item.fields())
        {
            let name = field.key.text().unwrap_or_default();
            if !["target", "published", "host_ip", "protocol"].contains(&name) {
                let mut hasher = self.key.build_hasher();
                name.hash(&mut hasher);
                self.node(field.value, scope, name, &mut hasher);
                about.push(hasher.finish());
            }
        }
    }

    /// A node of the attribute or section `under`, with aliases followed and variables replaced.
    fn node(&self, node: &Node, scope: Scope, under: &str, hasher: &mut impl Hasher) {
        match node.clears() {
            Some(Clears::All) => return 'r'.hash(hasher),
            Some(Clears::Before) => 'o'.hash(hasher),
            None => {}
        }
        // A name without a value takes it from around.
        let takes_names = matches!(under, "args" | "environment");
        if let Some(items) = node.items() {
            ('s', items.len()).hash(hasher);
            for item in items {
                self.node(item, scope, "", hasher);
                if takes_names {
                    self.named(item, hasher);
                }
            }
        } else if node.entries().is_some() {
            let fields = node.fields();
            ('m', fields.len()).hash(hasher);
            for field in fields {
                let key = field.key.scalar().map_or("", |key| key.text());
                key.hash(hasher);
                self.node(field.value, scope, key, hasher);
                if takes_names && field.value.is_null() {
                    self.named(field.key, hasher);
                }
            }
        } else {
            self.scalar(node, scope, hasher);
            if under == "environment" {
                // Of a secret or a config: the name of what it holds.
                self.named(node, hasher);
            }
        }
    }

    fn scalar(&self, node: &Node, scope: Scope, hasher: &mut impl Hasher) {
        node.typed().map(|typed| discriminant(&typed)).hash(hasher);
        let written = node.scalar().map_or("", |scalar| scalar.text());
        if !written.contains('$') {
            return written.hash(hasher);
        }
        let lookup = |name: &str| self.project.variable(scope, name).map(str::to_owned);
        match interpolate::interpolate(written, &lookup) {
            Ok(done) => done.text.hash(hasher),
            Err(_) => ('!', written).hash(hasher),
        }
    }

    fn named(&self, node: &Node, hasher: &mut impl Hasher) {
        if let Some(name) = node.text() {
            self.project.variable(Scope::PROJECT, name).hash(hasher);
        }
    }

    fn value(&self, value: &VariableValue) -> u64 {
        match value {
            VariableValue::Known(value) => self.key.hash_one(('k', value.expose())),
            VariableValue::Refused(why) => self.key.hash_one(('r', why)),
            VariableValue::Required(name) => self.key.hash_one(('m', name)),
            VariableValue::Unknown(why) => self.key.hash_one(('x', why.as_str())),
            VariableValue::Unset => self.key.hash_one('u'),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use zeroize::Zeroizing;

    use super::*;
    use crate::compose::files::Files;
    use crate::deployment::Deployment;

    fn load(compose: &str, env: &str) -> Deployment {
        let text = |text: &str| Zeroizing::new(text.to_owned());
        let files = Files {
            folder: PathBuf::from("somewhere"),
            compose: vec![("somewhere/c.yml".into(), text(compose))],
            env: vec![("somewhere/.env".into(), text(env))],
            config_dir: None,
        };
        Deployment::load(files).unwrap()
    }

    /// What is otherwise in the second of two projects, as text.
    fn differences(before: (&str, &str), now: (&str, &str)) -> Vec<String> {
        let before = Resolved::of(&load(before.0, before.1).project);
        let now = before.of_other(&load(now.0, now.1).project);
        let found = before.differences(&now);
        found.iter().map(|one| format!("{one:?}")).collect()
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        let written = "services:\n  a:\n    image: x\n    labels: {k: v}\n    environment: [E=1]\n    ports: ['80:80']\n";
        let shared = "x-l: &l {k: v}\nversion: '3'\nservices:\n  a: {image: '${I}', labels: *l, environment: {E: '1'}, \
                      ports: [{target: 80, published: 80}]}\n";
        assert!(differences((written, ""), (shared, "I=x\n")).is_empty());
    }

    #[test]
    fn every_difference_is_named() {
        let before = "services:\n  a:\n    image: x\n    command: [\"$C\"]\n    build: {args: [B]}\n    environment: {E: 1}\n  b:\n    \
                      extends: a\n    ports: ['80:80']\nsecrets: {s: {environment: S}}\n";
        let of_env = |env: &str| differences((before, "C=1\nB=1\nS=1\n"), (before, env));
        let attribute =
            |service, attribute| format!("{:?}", Difference::Attribute { service, attribute });
        assert_eq!(
            of_env("C=2\nB=1\nS=1\n"),
            ["a", "b"].map(|service| attribute(service, "command"))
        );
        assert_eq!(
            of_env("C=1\nS=1\n"),
            ["a", "b"].map(|service| attribute(service, "build"))
        );
        assert_eq!(
            of_env("C=1\nB=1\nS=2\n"),
            [format!("{:?}", Difference::Section("secrets"))]
        );
        assert_eq!(
            of_env("C=1\nB=1\nS=1\nCOMPOSE_PROFILES=p\n"),
            [format!("{:?}", Difference::Compose("COMPOSE_PROFILES"))]
        );
        let of_text = |from: &str, to: &str| {
            let env = "C=1\nB=1\nS=1\n";
            differences((before, env), (&before.replace(from, to), env))
        };
        assert_eq!(
            of_text("80:80", "81:80"),
            [format!("{:?}", Difference::Ports("b"))]
        );
        assert_eq!(
            of_text("'80:80'", "{target: 80, published: 80, mode: host}"),
            [format!("{:?}", Difference::Ports("b"))]
        );
        let variable = |service, name, is_new| {
            format!(
                "{:?}",
                Difference::Variable {
                    service,
                    name,
                    is_new
                }
            )
        };
        assert_eq!(
            of_text("E: 1", "E: 2"),
            ["a", "b"].map(|service| variable(service, "E", false))
        );
        assert_eq!(
            of_text("E: 1", "E: 1, F: 1"),
            ["a", "b"].map(|service| variable(service, "F", true))
        );
        assert_eq!(of_text("  b:\n", "  c:\n").len(), 2);
    }
}

//! A project as compose resolves it, as fingerprints: small enough for ten thousand services, and free of secrets.
//!
//! What several files say of one attribute is compared in its order, each with the folder that its relative paths start
//! from, and not merged: as long as every file says the same as before, compose makes the same of it. Only the
//! environment and the ports are compared as what becomes of them, because they are what somebody means to change.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::mem::discriminant;
use std::sync::Arc;

use super::{Project, Scope, Service, interpolate};
use crate::container::{Port, VariableValue};
use crate::yaml::Node;

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
    sections: Prints,
    of_compose: [u64; OF_COMPOSE.len()],
    /// What the env files say.
    env: BTreeMap<String, u64>,
}

/// Fingerprints by name, in the order of the names. Each name is held once for all who have it.
type Prints = Vec<(Arc<str>, u64)>;

/// All that compose makes of a service.
#[derive(Default)]
struct ResolvedService {
    attributes: Prints,
    environment: Prints,
    ports: Vec<Port>,
    /// What else is said of ports.
    about_ports: Vec<u64>,
}

/// Something that is otherwise in one of two projects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// An attribute of a service.
    Attribute {
        /// The service.
        service: String,
        /// Its name.
        attribute: String,
    },
    /// What `.env` tells compose itself.
    Compose(&'static str),
    /// What a service publishes.
    Ports(String),
    /// A section beside the services, e.g. `volumes`.
    Section(String),
    /// A service that only one of them has.
    Service(String),
    /// A variable of a container.
    Variable {
        /// The service.
        service: String,
        /// Its name.
        name: String,
        /// Whether it is not there in the first project.
        is_new: bool,
    },
}

impl Resolved {
    /// Of a project.
    pub fn of(project: &Project) -> Self {
        let key = RandomState::new();
        let printer = Printer::new(&key, project);
        let services = project.services.iter();
        let env = project.env();
        Self {
            services: services
                .map(|service| (service.name.clone(), printer.service(service)))
                .collect(),
            sections: printer.sections(),
            of_compose: printer.of_compose(),
            env: env
                .names()
                .map(|name| (name.to_owned(), key.hash_one(env.value(name))))
                .collect(),
            key,
        }
    }

    /// Everything that is otherwise in another project. That one is looked at service by service, and not held a second time.
    pub fn differences(&self, now: &Project) -> Vec<Difference> {
        let printer = Printer::new(&self.key, now);
        let mut found = Vec::new();
        let of_compose = self.of_compose.iter().zip(printer.of_compose());
        for (name, (before, now)) in OF_COMPOSE.into_iter().zip(of_compose) {
            if *before != now {
                found.push(Difference::Compose(name));
            }
        }
        let sections = printer.sections();
        found.extend(
            unlike(&self.sections, &sections)
                .map(|(section, _)| Difference::Section(section.to_owned())),
        );
        for service in &now.services {
            match self.services.get(&service.name) {
                Some(before) => {
                    before.differences(&printer.service(service), &service.name, &mut found);
                }
                None => found.push(Difference::Service(service.name.clone())),
            }
        }
        let names: HashSet<&String> = now.services.iter().map(|service| &service.name).collect();
        let gone = self.services.keys().filter(|name| !names.contains(name));
        found.extend(gone.map(|name| Difference::Service(name.clone())));
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
        service.is_some_and(|service| of_name(&service.environment, name).is_some())
    }

    /// Whether the env files of another project say otherwise of a name.
    pub fn is_env_changed(&self, now: &Project, name: &str) -> bool {
        let value = now.env().value(name);
        let before = self.env.get(name).copied();
        before != value.is_some().then(|| self.key.hash_one(value))
    }
}

impl ResolvedService {
    fn differences(&self, now: &Self, service: &str, found: &mut Vec<Difference>) {
        for (attribute, _) in unlike(&self.attributes, &now.attributes) {
            found.push(Difference::Attribute {
                service: service.to_owned(),
                attribute: attribute.to_owned(),
            });
        }
        for (name, is_new) in unlike(&self.environment, &now.environment) {
            found.push(Difference::Variable {
                service: service.to_owned(),
                name: name.to_owned(),
                is_new,
            });
        }
        let ports = self.ports.iter().map(port);
        if self.about_ports != now.about_ports || !ports.eq(now.ports.iter().map(port)) {
            found.push(Difference::Ports(service.to_owned()));
        }
    }
}

/// The names whose fingerprints are not the same, and whether the first has none.
fn unlike<'a>(before: &'a Prints, now: &'a Prints) -> impl Iterator<Item = (&'a str, bool)> {
    let changed = now.iter().filter_map(|(name, print)| {
        let old = of_name(before, name);
        (old != Some(*print)).then_some((&**name, old.is_none()))
    });
    let gone = before
        .iter()
        .filter(|(name, _)| of_name(now, name).is_none());
    changed.chain(gone.map(|(name, _)| (&**name, false)))
}

fn of_name(prints: &Prints, name: &str) -> Option<u64> {
    let at = prints
        .binary_search_by(|(known, _)| (**known).cmp(name))
        .ok()?;
    Some(prints[at].1)
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
    names: RefCell<HashSet<Arc<str>>>,
}

impl<'a> Printer<'a> {
    fn new(key: &'a RandomState, project: &'a Project) -> Self {
        Self {
            key,
            project,
            names: RefCell::default(),
        }
    }

    fn of_compose(&self) -> [u64; OF_COMPOSE.len()] {
        OF_COMPOSE.map(|name| {
            let value = self.project.variable(Scope::PROJECT, name);
            self.key.hash_one(value)
        })
    }

    fn service(&self, service: &Service) -> ResolvedService {
        let mut resolved = ResolvedService::default();
        for part in &service.parts {
            for path in part.clears_below(&[]) {
                let name = path.split('.').next().unwrap_or_default();
                if name != "environment" && name != "ports" {
                    self.mark(&mut resolved.attributes, name, path);
                }
            }
            for field in part.node.fields() {
                let Some(name) = field.key.text().filter(|name| !name.starts_with("x-")) else {
                    continue;
                };
                if name == "environment" || name == "ports" {
                    continue;
                }
                self.add(&mut resolved.attributes, name, part.document, field.value);
            }
        }
        for (part, field) in service.counting("ports") {
            self.about_ports(&mut resolved.about_ports, part.document, field.value);
        }
        let variables = service.environment.iter();
        resolved.environment = variables
            .map(|variable| (self.name(&variable.name), self.value(&variable.value)))
            .collect();
        resolved.environment.sort_unstable();
        resolved.ports = service.ports.clone();
        resolved
    }

    /// Adds what a document says of something to what the documents before it say.
    fn add(&self, to: &mut Prints, name: &str, document: usize, node: &Node) {
        let place = to.binary_search_by(|(known, _)| (**known).cmp(name));
        let mut hasher = self.key.build_hasher();
        place.ok().map(|at| to[at].1).hash(&mut hasher);
        let document = &self.project.documents[document];
        document.folder.hash(&mut hasher);
        self.node(node, document.scope, name, &mut hasher);
        match place {
            Ok(at) => to[at].1 = hasher.finish(),
            Err(at) => to.insert(at, (self.name(name), hasher.finish())),
        }
    }

    /// Adds that a document takes away what those before it say at a path.
    fn mark(&self, to: &mut Prints, name: &str, path: &str) {
        let place = to.binary_search_by(|(known, _)| (**known).cmp(name));
        let before = place.ok().map(|at| to[at].1);
        let print = self.key.hash_one((before, path));
        match place {
            Ok(at) => to[at].1 = print,
            Err(at) => to.insert(at, (self.name(name), print)),
        }
    }

    /// A name, held once.
    fn name(&self, name: &str) -> Arc<str> {
        let mut names = self.names.borrow_mut();
        if let Some(known) = names.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        names.insert(Arc::clone(&new));
        new
    }

    fn sections(&self) -> Prints {
        // `version` means nothing to compose, nor does what is only for others to alias.
        let is_section =
            |name: &str| !name.starts_with("x-") && name != "services" && name != "version";
        let mut sections = Prints::new();
        for id in &self.project.order {
            let document = &self.project.documents[*id];
            for path in document.tags.below(&[]) {
                let name = path.split('.').next().unwrap_or_default();
                if is_section(name) {
                    self.mark(&mut sections, name, path);
                }
            }
            for field in document.root.fields() {
                let name = field.key.text().filter(|name| is_section(name));
                if let Some(name) = name {
                    self.add(&mut sections, name, *id, field.value);
                }
            }
        }
        sections
    }

    /// Adds what is said of ports beside what a [`Port`] has.
    fn about_ports(&self, about: &mut Vec<u64>, document: usize, list: &Node) {
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
        // A name without a value takes it from around.
        let takes_names = matches!(under, "args" | "environment");
        if node.items().is_some() {
            ('s', node.seen_items().count()).hash(hasher);
            for item in node.seen_items() {
                self.node(item, scope, "", hasher);
                if takes_names {
                    self.named(item, scope, hasher);
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
                    self.named(field.key, scope, hasher);
                }
            }
        } else {
            self.scalar(node, scope, hasher);
            if under == "environment" {
                // Of a secret or a config: the name of what it holds.
                self.named(node, scope, hasher);
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

    fn named(&self, node: &Node, scope: Scope, hasher: &mut impl Hasher) {
        if let Some(name) = node.text() {
            // What is in a list is asked of the file's own variables, and what is in a mapping of the project's.
            for scope in [Scope::PROJECT, scope] {
                self.project.variable(scope, name).hash(hasher);
            }
        }
    }

    fn value(&self, value: &VariableValue) -> u64 {
        match value {
            VariableValue::Known(value) => self.key.hash_one(('k', value.expose())),
            VariableValue::Refused(why) => self.key.hash_one(('r', why)),
            VariableValue::Required(name) => self.key.hash_one(('m', name)),
            VariableValue::Unknown(why) => self.key.hash_one(('x', why.as_str())),
            // Compose has neither.
            VariableValue::Elsewhere(_) | VariableValue::Invalid(_) => self.key.hash_one('e'),
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
    use crate::deployment::Composed;

    fn load(compose: &str, env: &str) -> Composed {
        let text = |text: &str| Zeroizing::new(text.to_owned());
        let files = Files {
            folder: PathBuf::from("somewhere"),
            compose: vec![("somewhere/c.yml".into(), text(compose).into())],
            env: vec![("somewhere/.env".into(), text(env).into())],
            is_env_default: true,
            config_dir: None,
            is_of_started: false,
            is_besides: false,
        };
        Composed::load(files).unwrap()
    }

    /// What is otherwise in the second of two projects, as text.
    fn differences(before: (&str, &str), now: (&str, &str)) -> Vec<String> {
        let before = Resolved::of(&load(before.0, before.1).project);
        let found = before.differences(&load(now.0, now.1).project);
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
        let attribute = |service, attribute| {
            format!("Attribute {{ service: {service:?}, attribute: {attribute:?} }}")
        };
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
            [format!("{:?}", Difference::Section("secrets".to_owned()))]
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
            [format!("{:?}", Difference::Ports("b".to_owned()))]
        );
        assert_eq!(
            of_text("'80:80'", "{target: 80, published: 80, mode: host}"),
            [format!("{:?}", Difference::Ports("b".to_owned()))]
        );
        let variable = |service: &str, name: &str, is_new| {
            format!("Variable {{ service: {service:?}, name: {name:?}, is_new: {is_new} }}")
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

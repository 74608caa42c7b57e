//! From a deployment and a keyset to edits. Pure: no file is read or written here.
//!
//! First [`wanted`] decides which variable of which service gets which value. A value that stands in the file
//! is replaced where it stands, if everybody who gets it from there is meant to have the new one. All others
//! are added to the service's own `environment`, in whatever shape that is ([`container`]).

mod container;
mod indent;
mod ports;
mod value;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use clearml_secure_core::compose::{Origin, Service, Variable};
use clearml_secure_core::deployment::{Deployment, Instance};
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::secret::Secret;
use clearml_secure_core::setting::{Server, Setting};
use clearml_secure_core::source::{Place, SourceId, Span};
use clearml_secure_core::yaml::{Node, Value};
use zeroize::Zeroizing;

pub(crate) use ports::{IntendedPort, Ports, interface_of, is_bound};

/// What to do to the file, and what to say about it.
pub(crate) struct Plan {
    /// Replacements of byte ranges, sorted, none overlapping another.
    pub edits: Vec<Edit>,
    /// Every variable that is to have a value, changed or not.
    pub intended: Vec<Intended>,
    /// Every place that is to say something else about ports.
    pub ports: Vec<IntendedPort>,
    /// Settings of the keyset that no server of the deployment reads, with the reason.
    pub unused: Vec<(Setting, String)>,
}

/// One replacement.
#[derive(Clone)]
pub(crate) struct Edit {
    /// The bytes that go.
    pub range: Range<usize>,
    /// What comes.
    pub text: Zeroizing<String>,
}

/// One variable of one service, and what the container is to get.
pub(crate) struct Intended {
    /// The service's name.
    pub service: String,
    /// The variable's name, as it stands or will stand.
    pub name: String,
    /// What the container gets; for a server that reads HOCON it may be in HOCON's quotes.
    pub value: Secret,
    /// What is done.
    pub change: Change,
}

/// What is done to a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It was not there, or only by way of something shared with others.
    Added,
    /// It has the value already.
    Kept,
    /// It stands there with another value.
    Replaced,
}

/// Why a file cannot be edited.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// Where.
    pub place: Place,
    /// Why.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// The file that is edited, and what all steps need to know of it.
struct Target<'a> {
    deployment: &'a Deployment,
    source: SourceId,
    text: &'a str,
    layer: usize,
    wanted: &'a Wanted,
    /// Nodes that an alias stands for.
    aliased: HashSet<*const Node>,
    /// Single values that an alias stands for: where each stands, and where it is used again.
    aliased_values: HashMap<usize, Vec<usize>>,
    /// Anchors of the file, so that a new one has a new name.
    anchors: HashSet<String>,
    /// Environments that were set apart from what their service adds, and their anchors.
    set_apart: Vec<(Arc<Node>, String)>,
    /// Services, by name, that got an `environment` of their own or already had one that was changed.
    edited: HashSet<String>,
}

/// By the service's place in the project: names and values, in the order of the settings.
type Wanted = BTreeMap<usize, Vec<(String, Secret)>>;

/// For every value that stands in a file: what each service that gets it from there is meant to have.
type Standing = HashMap<Span, Vec<Option<Secret>>>;

/// Works out the edits of the deployment's first file.
///
/// # Errors
/// A shape that cannot be edited without changing what others get; the reason says what to do.
pub(crate) fn plan(
    deployment: &Deployment,
    keyset: &Keyset,
    ports: Ports,
) -> Result<Plan, Refusal> {
    let layer = &deployment.project.layers[0];
    let wanted = wanted(deployment, keyset)?;
    let mut target = Target {
        deployment,
        source: layer.source,
        text: deployment.sources.text(layer.source),
        layer: 0,
        wanted: &wanted,
        aliased: HashSet::new(),
        aliased_values: HashMap::new(),
        anchors: HashSet::new(),
        set_apart: Vec::new(),
        edited: HashSet::new(),
    };
    target.note_aliases(&layer.root);
    let standing = standing(deployment, &wanted);
    let mut edits = Vec::new();
    // First, because a line that both add behind belongs to the ports before it.
    let ports = ports::plan(&target, ports, &mut edits)?;
    let mut intended = Vec::new();
    let mut replaced = HashSet::new();
    for (service, variables) in &wanted {
        let service = &deployment.project.services[*service];
        let mut additions: Vec<(String, Secret)> = Vec::new();
        for (name, value) in variables {
            let change = match stands(&target, &standing, service, name) {
                Some(span) => {
                    let found = service
                        .environment
                        .iter()
                        .find(|variable| variable.name == *name);
                    let known = found.and_then(|variable| variable.value.known());
                    if known == Some(value) {
                        Change::Kept
                    } else {
                        if replaced.insert(span) {
                            edits.push(value::replacement(&target, span, name, value));
                        }
                        Change::Replaced
                    }
                }
                None => {
                    let found = service
                        .environment
                        .iter()
                        .find(|variable| variable.name == *name);
                    if found.and_then(|variable| variable.value.known()) == Some(value) {
                        Change::Kept
                    } else {
                        additions.push((name.clone(), value.clone()));
                        Change::Added
                    }
                }
            };
            intended.push(Intended {
                service: service.name.clone(),
                name: name.clone(),
                value: value.clone(),
                change,
            });
        }
        if !additions.is_empty() {
            container::add(&mut target, service, &additions, &mut edits)?;
        }
    }
    container::keep_heirs(&target, &mut edits);
    for span in &replaced {
        target.refuse_other_users(*span, &replaced)?;
    }
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    Ok(Plan {
        edits,
        intended,
        ports,
        unused: unused(deployment, keyset),
    })
}

/// Which variables of which services are to have which values: by the service's place in the project.
fn wanted(deployment: &Deployment, keyset: &Keyset) -> Result<Wanted, Refusal> {
    let mut wanted: Wanted = BTreeMap::new();
    for instance in &deployment.instances {
        let service = deployment.service(instance);
        for setting in instance.settings() {
            let Some(secret) = keyset.get(setting) else {
                continue;
            };
            let value = carried(deployment, instance, setting, secret)?;
            want(
                wanted.entry(instance.service).or_default(),
                &instance.spellings(setting, &service.environment),
                instance.variable(setting),
                &value,
            );
        }
        if instance.server == Server::Apiserver {
            for (path, value) in keyset.fixed_users() {
                want(
                    wanted.entry(instance.service).or_default(),
                    &instance.spellings_of(&path, &service.environment),
                    instance.variable_of(&path),
                    &value,
                );
            }
        }
    }
    Ok(wanted)
}

/// Every spelling gets the value, so that none is left to win later (clearml-facts.md, 0.7).
fn want(
    of_service: &mut Vec<(String, Secret)>,
    spellings: &[&Variable],
    usual: String,
    value: &Secret,
) {
    let names: Vec<String> = if spellings.is_empty() {
        vec![usual]
    } else {
        let names = spellings.iter().map(|variable| variable.name.clone());
        names.collect()
    };
    for name in names {
        if !of_service.iter().any(|(known, _)| *known == name) {
            of_service.push((name, value.clone()));
        }
    }
}

/// What the container has to get so that the server reads exactly the secret.
fn carried(
    deployment: &Deployment,
    instance: &Instance,
    setting: Setting,
    secret: &Secret,
) -> Result<Secret, Refusal> {
    if !instance.server.reads_configuration() {
        return Ok(secret.clone());
    }
    value::for_hocon(secret).ok_or_else(|| Refusal {
        place: deployment
            .sources
            .place(deployment.service(instance).name_span),
        message: format!(
            "the keyset's {setting} cannot be written so that a server reads it unchanged"
        ),
        help: "generate another with clearml-keygen --from KEYS --only …".to_owned(),
    })
}

/// For every value that stands in a file: the services that get it from there.
fn standing(deployment: &Deployment, wanted: &Wanted) -> Standing {
    let mut standing: Standing = HashMap::new();
    let names: HashSet<&String> = wanted.values().flatten().map(|(name, _)| name).collect();
    for (index, service) in deployment.project.services.iter().enumerate() {
        for variable in service
            .environment
            .iter()
            .filter(|variable| names.contains(&variable.name))
        {
            let of_service = wanted.get(&index).map(Vec::as_slice).unwrap_or_default();
            let meant = of_service
                .iter()
                .find(|(name, _)| *name == variable.name)
                .map(|(_, value)| value.clone());
            standing.entry(variable.value_span).or_default().push(meant);
        }
    }
    standing
}

/// Where the variable's value stands, if it may be replaced there: in this file, in an `environment`, and
/// everybody who gets it from there is meant to have the same.
fn stands(target: &Target<'_>, standing: &Standing, service: &Service, name: &str) -> Option<Span> {
    let variable = service
        .environment
        .iter()
        .find(|variable| variable.name == name)?;
    if variable.origin != Origin::Environment || variable.span.source != target.source {
        return None;
    }
    let takers = standing.get(&variable.value_span)?;
    let first = takers.first()?.as_ref()?;
    takers
        .iter()
        .all(|meant| meant.as_ref() == Some(first))
        .then_some(variable.value_span)
}

fn unused(deployment: &Deployment, keyset: &Keyset) -> Vec<(Setting, String)> {
    let mut unused = Vec::new();
    for setting in clearml_secure_core::setting::SETTINGS {
        if keyset.get(setting).is_none()
            || deployment
                .instances
                .iter()
                .any(|instance| instance.reads(setting))
        {
            continue;
        }
        let reason = match deployment.of(Server::Apiserver).next() {
            Some(apiserver) => match apiserver.known_version() {
                Some(version) => format!("version {version} does not know it"),
                None => "no server of this file reads it".to_owned(),
            },
            None => "no server of this file reads it".to_owned(),
        };
        unused.push((setting, reason));
    }
    unused
}

impl Target<'_> {
    /// Whether a service, by its place in the project, is to have a variable of this very value.
    fn is_wanted(&self, service: usize, variable: &(String, Secret)) -> bool {
        self.wanted
            .get(&service)
            .is_some_and(|of_service| of_service.contains(variable))
    }

    fn note_aliases(&mut self, node: &Arc<Node>) {
        if let Some((name, _)) = node.anchor() {
            self.anchors.insert(name.to_owned());
        }
        match &node.value {
            Value::Alias(shared) => {
                self.aliased.insert(Arc::as_ptr(shared));
                if matches!(shared.value, Value::Scalar(_)) {
                    let uses = self
                        .aliased_values
                        .entry(shared.span(self.source).start)
                        .or_default();
                    uses.push(node.span(self.source).start);
                }
            }
            Value::Mapping(_, entries) => {
                for entry in entries {
                    self.note_aliases(&entry.key);
                    self.note_aliases(&entry.value);
                }
            }
            Value::Sequence(_, items) => {
                for item in items {
                    self.note_aliases(item);
                }
            }
            Value::Scalar(_) => {}
        }
    }

    /// A value with an anchor may only be replaced if everybody who uses it again gets a new one as well.
    fn refuse_other_users(&self, span: Span, replaced: &HashSet<Span>) -> Result<(), Refusal> {
        let users = self
            .aliased_values
            .get(&span.start)
            .map(Vec::as_slice)
            .unwrap_or_default();
        match users
            .iter()
            .find(|user| !replaced.iter().any(|span| span.start == **user))
        {
            Some(user) => Err(self.refuse(
                *user,
                "this is an alias of a value that is to be replaced, and would change with it",
                "write the value here instead of the alias",
            )),
            None => Ok(()),
        }
    }

    fn refuse(&self, at: usize, message: impl Into<String>, help: impl Into<String>) -> Refusal {
        let span = Span {
            source: self.source,
            start: at,
            end: at,
        };
        Refusal {
            place: self.deployment.sources.place(span),
            message: message.into(),
            help: help.into(),
        }
    }
}

//! The heart: what each server process will really read, where it came from, and what happened to it on the
//! way.
//!
//! The order is the servers' own (docs/clearml.md#precedence): the image's defaults, the `*.conf` files of the
//! configuration folders, `TRAINS__…` and then `CLEARML__…` variables sorted by name. Rules read this,
//! inject proves itself with it, and `--effective` prints it.

mod hazard;
mod path;

use std::path::Path;

use crate::container::{Variable, VariableValue};
use crate::deployment::{Deployment, is_unknown, raw_value};
use crate::hocon::{self, Object};
use crate::instance::Instance;
use crate::known::{self, Known};
use crate::secret::Secret;
use crate::setting::{SETTINGS, Server, Setting};
use crate::source::Span;
pub use hazard::Hazard;
pub use path::Configured;

/// The effective configuration of a deployment.
pub struct Effective {
    /// One per instance of the deployment, in its order.
    pub servers: Vec<ServerConfiguration>,
}

/// What one server reads.
pub struct ServerConfiguration {
    /// The server.
    pub server: Server,
    /// Its place in [`Deployment::instances`].
    pub instance: usize,
    /// One per setting that it reads, in the order of [`SETTINGS`].
    pub readings: Vec<Reading>,
    /// Why it does not start at all, if it does not.
    pub fatal: Vec<Fatal>,
    /// All of its configuration, for rules about other paths.
    pub tree: Object,
}

/// One setting at one server.
#[derive(Debug)]
pub struct Reading {
    /// The setting.
    pub setting: Setting,
    /// The server.
    pub server: Server,
    /// The server's place in [`Deployment::instances`].
    pub instance: usize,
    /// What the server uses.
    pub value: Value,
    /// What set it.
    pub origin: Origin,
    /// What happened to it on the way.
    pub hazards: Vec<Hazard>,
}

/// What a server uses for a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing has it: no such account.
    Absent,
    /// It keeps the server from starting.
    Deadly,
    /// The empty text: no such account, or a signing secret that anybody has.
    Empty,
    /// Not text but a number, a list and so on: the name of what it is.
    NotText(&'static str),
    /// This text.
    Text(Secret),
    /// It cannot be told: the reason.
    Unknown(String),
}

/// What sets a setting.
#[derive(Clone, Copy, Debug)]
pub enum Origin {
    /// The image's own default, where it is not empty.
    BuiltIn(&'static Known),
    /// A `.conf` file.
    File(Span),
    /// Nothing: the image has no default, or the account was removed.
    Nothing,
    /// A variable: its place in the service's environment.
    Variable(usize),
}

/// What keeps a server from starting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fatal {
    /// The variable, or the file's name.
    pub what: String,
    /// Where.
    pub span: Span,
    /// Why, without the value.
    pub message: String,
}

/// Marks a node of the configuration tree as the image's own.
const BUILT_IN: u32 = u32::MAX;

impl Effective {
    /// Works it out for every server of a deployment.
    pub fn of(deployment: &Deployment) -> Self {
        let servers = deployment
            .instances
            .iter()
            .enumerate()
            .map(|(index, instance)| configuration(deployment, index, instance))
            .collect();
        Self { servers }
    }

    /// Whether an instance would take a path of its configuration from these lines at the end of its file at a key.
    pub fn takes(
        deployment: &Deployment,
        instance: usize,
        (file, key): (&Path, &str),
        lines: &str,
        path: &str,
    ) -> bool {
        let (changed, at, length) =
            deployment.with_lines(&deployment.instances[instance], file, key, lines);
        let server = configuration(deployment, instance, &changed);
        let node = server.tree.get(path);
        changed.config[at].tree.is_ok()
            && node.is_some_and(|node| node.source as usize == at && node.span.start >= length)
    }

    /// Every reading of every server.
    pub fn readings(&self) -> impl Iterator<Item = &Reading> {
        self.servers.iter().flat_map(|server| &server.readings)
    }

    /// Every server's reading of one setting.
    pub fn of_setting(&self, setting: Setting) -> impl Iterator<Item = &Reading> {
        self.readings()
            .filter(move |reading| reading.setting == setting)
    }
}

impl Reading {
    fn of_nothing(setting: Setting, server: Server, instance: usize) -> Self {
        Self {
            setting,
            server,
            instance,
            value: Value::Absent,
            origin: Origin::Nothing,
            hazards: Vec::new(),
        }
    }

    /// The variable that sets it, if one does.
    pub fn variable<'a>(&self, deployment: &'a Deployment) -> Option<&'a Variable> {
        match self.origin {
            Origin::Variable(index) => deployment
                .service(&deployment.instances[self.instance])
                .environment
                .get(index),
            _ => None,
        }
    }

    /// Where the value stands; the service's name where nothing sets it.
    pub fn span(&self, deployment: &Deployment) -> Span {
        match self.origin {
            Origin::File(span) => span,
            Origin::Variable(_) => self
                .variable(deployment)
                .map_or_else(|| self.service_span(deployment), |variable| variable.span),
            Origin::BuiltIn(_) | Origin::Nothing => self.service_span(deployment),
        }
    }

    fn service_span(&self, deployment: &Deployment) -> Span {
        deployment
            .service(&deployment.instances[self.instance])
            .name_span
    }
}

impl Value {
    /// The text, where it is one.
    pub fn text(&self) -> Option<&Secret> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

fn configuration(
    deployment: &Deployment,
    index: usize,
    instance: &Instance,
) -> ServerConfiguration {
    if instance.server.reads_configuration() {
        from_tree(deployment, index, instance)
    } else {
        ServerConfiguration {
            server: instance.server,
            instance: index,
            readings: instance
                .settings()
                .map(|setting| raw(deployment, index, instance, setting))
                .collect(),
            fatal: Vec::new(),
            tree: Object::default(),
        }
    }
}

/// The agent takes its credentials as they are (docs/clearml.md#the-agent-reads-raw-values).
fn raw(deployment: &Deployment, index: usize, instance: &Instance, setting: Setting) -> Reading {
    let environment = &deployment.service(instance).environment;
    let winner = instance.spellings(setting, environment).pop();
    let position = winner.and_then(|winner| {
        environment
            .iter()
            .position(|variable| variable.name == winner.name)
    });
    let mut reading = Reading::of_nothing(setting, instance.server, index);
    if let Some(position) = position {
        let variable = &environment[position];
        reading.value = match &variable.value {
            VariableValue::Known(value) if value.is_empty() => Value::Empty,
            VariableValue::Known(value) => Value::Text(value.clone()),
            VariableValue::Unset => Value::Absent,
            other => Value::Unknown(why_unknown(other)),
        };
        if !matches!(reading.value, Value::Absent) {
            reading.origin = Origin::Variable(position);
            reading.hazards = hazard::before_hocon(variable);
        }
    }
    reading
}

fn from_tree(deployment: &Deployment, index: usize, instance: &Instance) -> ServerConfiguration {
    let environment = &deployment.service(instance).environment;
    // The file server merges as pyhocon does; the other two know `-key` (docs/clearml.md#a-dash-replaces).
    let replacing = instance.server != Server::Fileserver;
    let mut fatal = Vec::new();
    let mut tree = built_in(instance);
    let mut folder = Object::default();
    for (position, file) in instance.config.iter().enumerate() {
        match &file.tree {
            Ok(content) => {
                let mut content = content.clone();
                content.mark(position as u32);
                hocon::merge(&mut folder, content.below(&file.key), false);
            }
            Err(error) => fatal.push(Fatal {
                what: deployment.sources.path(file.source).display().to_string(),
                span: Span {
                    source: file.source,
                    start: error.offset,
                    end: error.offset,
                },
                message: error.message.clone(),
            }),
        }
    }
    hocon::merge(&mut tree, folder, replacing);
    let first_variable = instance.config.len();
    let mut from_environment = Object::default();
    let mut deadly = Vec::new();
    for position in in_reading_order(instance, environment) {
        let variable = &environment[position];
        let source = (first_variable + position) as u32;
        match read_variable(instance, variable, environment) {
            None => {}
            Some(Ok(mut content)) => {
                content.mark(source);
                hocon::merge(&mut from_environment, content, replacing);
            }
            Some(Err(fault)) => {
                if let Some(setting) = Setting::by_variable(&variable.name) {
                    deadly.push((setting, position));
                }
                fatal.push(fault);
            }
        }
    }
    hocon::merge(&mut tree, from_environment, replacing);
    let mut readings: Vec<Reading> = Vec::new();
    for setting in SETTINGS
        .into_iter()
        .filter(|setting| instance.reads(*setting))
    {
        let mut reading = Reading::of_nothing(setting, instance.server, index);
        if let Some((_, position)) = deadly.iter().rev().find(|(known, _)| *known == setting) {
            reading.value = Value::Deadly;
            reading.origin = Origin::Variable(*position);
        } else if let Some((node, is_whole)) = node_or_cover(&tree, setting) {
            let source = node.source as usize;
            if node.source == BUILT_IN {
                if let Some(known) = known::built_in(setting, instance.known_version()) {
                    reading.origin = Origin::BuiltIn(known);
                }
            } else if source < first_variable {
                let file = &instance.config[source];
                reading.origin = Origin::File(Span {
                    source: file.source,
                    start: node.span.start,
                    end: node.span.end,
                });
                let text = deployment.sources.text(file.source);
                reading
                    .hazards
                    .extend(hazard::in_text(text, file.tree.as_ref().ok(), node, 0));
            } else {
                let position = source - first_variable;
                reading.origin = Origin::Variable(position);
                reading.hazards = hazard::before_hocon(&environment[position]);
                reading
                    .hazards
                    .extend(hazard::in_variable(&environment[position], setting, node));
            }
            let variable = source
                .checked_sub(first_variable)
                .and_then(|position| environment.get(position));
            match variable.map(|variable| &variable.value) {
                None | Some(VariableValue::Known(_)) => reading.value = value_of(node),
                Some(other) => reading.value = Value::Unknown(why_unknown(other)),
            }
            if matches!(reading.value, Value::Unknown(_)) {
                reading.hazards.clear();
            } else if !is_whole {
                reading.value = Value::Absent;
                reading.hazards = vec![Hazard::Covered(node.value.kind())];
            }
        }
        readings.push(reading);
    }
    ServerConfiguration {
        server: instance.server,
        instance: index,
        readings,
        fatal,
        tree,
    }
}

/// The node of a setting; or what stands where an object above it belongs, and false.
fn node_or_cover(tree: &Object, setting: Setting) -> Option<(&hocon::Node, bool)> {
    if let Some(node) = tree.get(setting.path()) {
        return Some((node, true));
    }
    let path = setting.path();
    let is_no_object = |node: &&hocon::Node| !matches!(node.value, hocon::Value::Object(_));
    path.match_indices('.')
        .find_map(|(dot, _)| tree.get(&path[..dot]).filter(is_no_object))
        .map(|node| (node, false))
}

/// The image's own settings for this version: empty where it has the account but no credentials.
fn built_in(instance: &Instance) -> Object {
    let mut tree = Object::default();
    for setting in SETTINGS {
        let version = instance.known_version();
        if known::has_setting(setting, version) {
            let value = known::built_in(setting, version).map_or("", |known| known.value.as_str());
            let mut leaf = Object::default();
            leaf.insert_text(setting.path(), value);
            leaf.mark(BUILT_IN);
            hocon::merge(&mut tree, leaf, false);
        }
    }
    tree
}

/// Positions of the configuration variables in the order the servers read them.
fn in_reading_order(instance: &Instance, environment: &[Variable]) -> Vec<usize> {
    let mut order = Vec::new();
    for prefix in instance.family.prefixes() {
        // The environment is sorted by name already, byte by byte as Python sorts.
        order.extend(
            (0..environment.len()).filter(|index| environment[*index].name.starts_with(prefix)),
        );
    }
    order
}

fn read_variable(
    instance: &Instance,
    variable: &Variable,
    environment: &[Variable],
) -> Option<Result<Object, Fatal>> {
    let prefix = instance
        .family
        .prefixes()
        .iter()
        .find(|prefix| variable.name.starts_with(**prefix))?;
    let path = variable.name[prefix.len()..]
        .replace("__", ".")
        .to_lowercase();
    let text = match &variable.value {
        VariableValue::Known(value) => value.expose(),
        // Not in the container at all.
        VariableValue::Unset => return None,
        // Something will be there; what, cannot be told. The text only marks the place.
        VariableValue::Refused(_) | VariableValue::Required(_) => "unknown",
    };
    let lookup = |name: &str| raw_value(environment, name);
    let context = hocon::Context {
        environment: &lookup,
        include: &|_| None,
    };
    Some(
        hocon::parse_variable(&path, text, &context).map_err(|error| Fatal {
            what: variable.name.clone(),
            span: variable.span,
            message: error.cause.text().to_owned(),
        }),
    )
}

fn why_unknown(value: &VariableValue) -> String {
    match value {
        VariableValue::Required(name) => {
            let name = name
                .as_deref()
                .map_or("a variable in it".into(), crate::shown::escape);
            format!("{name} has no value in .env, and compose does not start without one")
        }
        VariableValue::Refused(message) => format!("compose refuses the file: {message}"),
        VariableValue::Known(_) | VariableValue::Unset => String::new(),
    }
}

fn value_of(node: &hocon::Node) -> Value {
    match &node.value {
        hocon::Value::String(text) if text.is_empty() => Value::Empty,
        hocon::Value::String(text) if is_unknown(text.expose()) => {
            Value::Unknown("it is made with a variable whose value is not known here".to_owned())
        }
        hocon::Value::String(text) => Value::Text(Secret::from(text)),
        other => Value::NotText(other.kind()),
    }
}

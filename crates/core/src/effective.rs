//! The heart: what each server process will really read, where it came from, and what happened to it on the
//! way.
//!
//! The order is the servers' own (clearml-facts.md, 2): the image's defaults, the `*.conf` files of the
//! configuration folders, `TRAINS__…` and then `CLEARML__…` variables sorted by name. Rules read this,
//! inject proves itself with it, and `--effective` prints it.

use crate::compose::{Variable, VariableValue, interpolate};
use crate::deployment::{Deployment, Instance};
use crate::hocon::{self, Object};
use crate::known::{self, Known};
use crate::secret::Secret;
use crate::setting::{SETTINGS, Server, Setting};
use crate::source::Span;

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

/// What happened to a value between the file and the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hazard {
    /// HOCON made something else of it.
    Hocon(hocon::Reading),
    /// Interpolation replaced `$NAME` that is unlikely to have been meant as a variable.
    Interpolated(String),
    /// YAML took an unquoted value for a number, a date or a boolean.
    Retyped,
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

/// The agent takes its credentials as they are (clearml-facts.md, 0.6 and 6).
fn raw(deployment: &Deployment, index: usize, instance: &Instance, setting: Setting) -> Reading {
    let environment = &deployment.service(instance).environment;
    let position = environment
        .iter()
        .position(|variable| Some(variable.name.as_str()) == setting.raw_variable());
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
            reading.hazards = hazards_before_hocon(variable);
        }
    }
    reading
}

fn from_tree(deployment: &Deployment, index: usize, instance: &Instance) -> ServerConfiguration {
    let environment = &deployment.service(instance).environment;
    // The file server merges as pyhocon does; the other two know `-key` (clearml-facts.md, 2).
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
        } else if let Some(node) = tree.get(setting.path()) {
            reading.value = value_of(node);
            let source = node.source as usize;
            if node.source == BUILT_IN {
                if let Some(known) = known::built_in(setting, instance.known_version()) {
                    reading.origin = Origin::BuiltIn(known);
                }
            } else if source < first_variable {
                let file = &instance.config[source];
                let span = Span {
                    source: file.source,
                    start: node.span.start,
                    end: node.span.end,
                };
                reading.origin = Origin::File(span);
                reading.hazards = hazards_in_file(deployment.sources.slice(span), &reading.value);
            } else {
                let position = source - first_variable;
                let variable = &environment[position];
                reading.origin = Origin::Variable(position);
                match &variable.value {
                    VariableValue::Known(_) => {
                        reading.hazards = hazards_before_hocon(variable);
                        reading
                            .hazards
                            .extend(hazard_of_hocon(variable, setting, &reading.value));
                    }
                    other => reading.value = Value::Unknown(why_unknown(other)),
                }
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
    let lookup = |name: &str| {
        let found = environment.iter().find(|known| known.name == name)?;
        found.value.known().map(|value| value.expose().to_owned())
    };
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
            format!(
                "{} has no value in .env, and compose does not start without one",
                crate::io::escape(name)
            )
        }
        VariableValue::Refused(message) => format!("compose refuses the file: {message}"),
        VariableValue::Known(_) | VariableValue::Unset => String::new(),
    }
}

fn value_of(node: &hocon::Node) -> Value {
    match &node.value {
        hocon::Value::String(text) if text.is_empty() => Value::Empty,
        hocon::Value::String(text) => Value::Text(text.clone()),
        other => Value::NotText(other.kind()),
    }
}

fn hazards_before_hocon(variable: &Variable) -> Vec<Hazard> {
    let mut hazards = Vec::new();
    if variable.retyped {
        hazards.push(Hazard::Retyped);
    }
    // `${NAME}` is meant, and so is a value that is nothing but `$NAME`; a `$NAME` without a value in the middle
    // of other text is more likely half of a password.
    let stray = variable.interpolated.iter().find(|used| {
        used.form == interpolate::Form::Plain
            && used.outcome == interpolate::Outcome::Unset
            && used.depth == 0
            && used.span.len() < variable.written_length
    });
    if let Some(used) = stray {
        hazards.push(Hazard::Interpolated(used.name.clone()));
    }
    hazards
}

fn hazard_of_hocon(variable: &Variable, setting: Setting, value: &Value) -> Option<Hazard> {
    let given = variable.value.known()?.expose();
    let is_direct = Setting::by_variable(&variable.name) == Some(setting);
    if !is_direct {
        return matches!(value, Value::NotText(_)).then(|| Hazard::Hocon(hocon::reading(given)));
    }
    match value {
        Value::Text(text) if text.expose() == given => None,
        Value::Empty if given.is_empty() => None,
        // Quotes inside the value are the way to bring characters that HOCON would change.
        Value::Text(text) if is_quoted(given, text.expose()) => None,
        _ => Some(Hazard::Hocon(hocon::reading(given))),
    }
}

fn is_quoted(given: &str, text: &str) -> bool {
    given
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        == Some(text)
}

fn hazards_in_file(written: &str, value: &Value) -> Vec<Hazard> {
    let written = written.trim();
    let is_meant = written.starts_with('"') || written.contains("${");
    let is_same = match value {
        Value::Text(text) => text.expose() == written,
        Value::Empty => written.is_empty(),
        _ => false,
    };
    if is_meant && matches!(value, Value::Text(_) | Value::Empty) || is_same {
        return Vec::new();
    }
    vec![Hazard::Hocon(hocon::reading(written))]
}

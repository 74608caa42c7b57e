//! The heart: what each server process will really read, where it came from, and what happened to it on the
//! way.
//!
//! The order is the servers' own (docs/clearml.md#precedence): the image's defaults, the `*.conf` files of the
//! configuration folders, `TRAINS__…` and then `CLEARML__…` variables sorted by name. Rules read this,
//! inject proves itself with it, and `--effective` prints it.

mod hazard;
mod path;
mod tree;

use std::path::Path;

use crate::container::{Variable, VariableValue};
use crate::deployment::Deployment;
use crate::hocon::{self, Object, Tag};
use crate::instance::Instance;
use crate::known::{self, Known};
use crate::secret::Secret;
use crate::setting::{Server, Setting};
use crate::source::Span;
use crate::unseen::Unseen;
pub use hazard::Hazard;
pub use path::{Configured, Switch};
use tree::{
    Images, from_environment, from_files, hangs_on_image, image_paths, of_image, why_unknown,
};

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
    /// One per setting that it reads, in the order of [`SETTINGS`](crate::setting::SETTINGS).
    pub readings: Vec<Reading>,
    /// Why it does not start at all, if it does not.
    pub fatal: Vec<Fatal>,
    /// All of its configuration, for rules about other paths.
    pub tree: Object,
    /// Whether the image's own paths are in the tree: only where something hangs on them.
    has_image_paths: bool,
    /// Why what nothing sets may be set all the same, and where.
    elsewhere: Option<(String, Span)>,
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
    /// It is not known: the reason.
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

/// What set a node of the configuration tree, from the lowest layer to the one that wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layer {
    /// The image's own defaults.
    Image,
    /// A `.conf` file: its place in [`Instance::config`].
    File(usize),
    /// A variable: its place in the service's environment.
    Variable(usize),
}

/// The tree knows numbers only; this is the one place that gives them a meaning.
impl From<Layer> for Tag {
    fn from(layer: Layer) -> Self {
        Self(match layer {
            Layer::Image => 0,
            Layer::File(index) => 1 + 2 * index as u32,
            Layer::Variable(index) => 2 + 2 * index as u32,
        })
    }
}

impl From<Tag> for Layer {
    fn from(tag: Tag) -> Self {
        match tag.0.checked_sub(1) {
            None => Self::Image,
            Some(rest) if rest % 2 == 0 => Self::File(rest as usize / 2),
            Some(rest) => Self::Variable(rest as usize / 2),
        }
    }
}

impl Effective {
    /// Works it out for every server of a deployment.
    pub fn of(deployment: &Deployment) -> Self {
        let mut images = Images::new();
        let servers = deployment
            .instances
            .iter()
            .enumerate()
            .map(|(index, instance)| {
                configuration(deployment, (index, instance), None, &mut images)
            })
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
        let server = configuration(deployment, (instance, &changed), None, &mut Images::new());
        let node = server.tree.get(path);
        changed.config[at].tree.is_ok()
            && node.is_some_and(|node| {
                Layer::from(node.tag) == Layer::File(at) && node.span.start >= length
            })
    }

    /// The variable without which a server would read this value for a setting: it takes away what another one sets.
    pub fn obstacle<'a>(
        deployment: &'a Deployment,
        reading: &Reading,
        value: &Secret,
    ) -> Option<&'a Variable> {
        let instance = &deployment.instances[reading.instance];
        let mut variables = deployment.service(instance).environment.iter().enumerate();
        let mut images = Images::new();
        let mut is_free = |position: usize| {
            let of = (reading.instance, instance);
            let server = configuration(deployment, of, Some(position), &mut images);
            let mut readings = server.readings.iter();
            readings.any(|one| one.setting == reading.setting && one.value.text() == Some(value))
        };
        variables
            .find(|(position, _)| is_free(*position))
            .map(|(_, variable)| variable)
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
    /// What is made of a value of the configuration tree.
    pub(crate) fn of(value: &hocon::Value) -> Self {
        match value {
            hocon::Value::String(text) if text.is_empty() => Self::Empty,
            hocon::Value::String(text) => Self::Text(Secret::from(text)),
            hocon::Value::Unknown(reason) => Self::Unknown(reason.to_string()),
            other => Self::NotText(other.kind()),
        }
    }

    /// The text, where it is one.
    pub fn text(&self) -> Option<&Secret> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// What an instance reads; `without` one variable of its environment, by its place there.
fn configuration(
    deployment: &Deployment,
    (index, instance): (usize, &Instance),
    without: Option<usize>,
    images: &mut Images,
) -> ServerConfiguration {
    if instance.server.reads_configuration() {
        from_tree(deployment, (index, instance), without, images)
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
            has_image_paths: false,
            elsewhere: None,
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
            other => Value::Unknown(why_unknown(other, &deployment.env_files)),
        };
        if !matches!(reading.value, Value::Absent) {
            reading.origin = Origin::Variable(position);
            reading.hazards = hazard::before_hocon(variable);
        }
    } else if let Some((reason, _)) = set_elsewhere(deployment, instance) {
        reading.value = Value::Unknown(reason);
    }
    reading
}

fn from_tree(
    deployment: &Deployment,
    (index, instance): (usize, &Instance),
    without: Option<usize>,
    images: &mut Images,
) -> ServerConfiguration {
    // The file server merges as pyhocon does; the other two know `-key` (docs/clearml.md#a-dash-replaces).
    let replacing = instance.server != Server::Fileserver;
    let mut fatal = Vec::new();
    let files = from_files(deployment, instance, &mut fatal);
    let variables = from_environment(deployment, instance, replacing, without);
    let mut tree = Object::default();
    let hangs = hangs_on_image(&files, &variables.tree);
    if hangs && !instance.is_image_hidden {
        let key = (instance.server, instance.known_version());
        let paths = images.entry(key).or_insert_with(|| image_paths(instance));
        hocon::merge(&mut tree, paths.clone(), false);
    }
    of_image(deployment, instance, &mut tree, &mut fatal);
    hocon::merge(&mut tree, files, replacing);
    hocon::merge(&mut tree, variables.tree, replacing);
    fatal.extend(variables.fatal);
    let elsewhere = set_elsewhere(deployment, instance);
    let reason = elsewhere.as_ref().map(|(reason, _)| reason.as_str());
    let reading = |setting| match variables.deadly.iter().rev().find(|(of, _)| *of == setting) {
        Some((_, position)) => Reading {
            value: Value::Deadly,
            origin: Origin::Variable(*position),
            ..Reading::of_nothing(setting, instance.server, index)
        },
        None => reading(deployment, (index, instance), &tree, setting, reason),
    };
    ServerConfiguration {
        server: instance.server,
        instance: index,
        readings: instance.settings().map(reading).collect(),
        fatal,
        tree,
        has_image_paths: hangs,
        elsewhere,
    }
}

fn reading(
    deployment: &Deployment,
    (index, instance): (usize, &Instance),
    tree: &Object,
    setting: Setting,
    elsewhere: Option<&str>,
) -> Reading {
    let mut reading = Reading::of_nothing(setting, instance.server, index);
    let found = node_or_cover(tree, setting);
    let is_set = found.is_some_and(|(node, _)| Layer::from(node.tag) != Layer::Image);
    if let Some(reason) = elsewhere.filter(|_| !is_set) {
        reading.value = Value::Unknown(reason.to_owned());
        return reading;
    }
    let Some((node, is_whole)) = found else {
        return reading;
    };
    match Layer::from(node.tag) {
        Layer::Image => {
            if let Some(known) = known::built_in(setting, instance.known_version()) {
                reading.origin = Origin::BuiltIn(known);
            }
        }
        Layer::File(position) => {
            let file = &instance.config[position];
            reading.origin = Origin::File(file.span(node));
            let hazard = match &node.written {
                // What it refers to may be in either text.
                Some(written) => {
                    let node = hocon::Node {
                        span: written.span.clone(),
                        ..node.clone()
                    };
                    let text = deployment.sources.text(file.span(&node).source);
                    hazard::in_text(text, None, &node, 0)
                }
                None => {
                    let text = deployment.sources.text(file.source);
                    hazard::in_text(text, file.tree.as_deref().ok(), node, 0)
                }
            };
            reading.hazards.extend(hazard);
        }
        Layer::Variable(position) => {
            let variable = &deployment.service(instance).environment[position];
            reading.origin = Origin::Variable(position);
            reading.hazards = hazard::before_hocon(variable);
            let of_hocon = hazard::in_variable(variable, setting, node);
            reading.hazards.extend(of_hocon);
        }
    }
    reading.value = Value::of(&node.value);
    if matches!(reading.value, Value::Unknown(_)) {
        reading.hazards.clear();
    } else if !is_whole {
        reading.value = Value::Absent;
        reading.hazards = vec![Hazard::Covered(node.value.kind())];
    }
    reading
}

/// Why something that nothing sets may be set all the same, and where: a place that nobody can see may set any variable, be it
/// a Secret of `envFrom`, an `env_file`, or a file that the command reads.
fn set_elsewhere(deployment: &Deployment, instance: &Instance) -> Option<(String, Span)> {
    let container = deployment.service(instance);
    let is_of_it = |unseen: &&Unseen| {
        unseen.hides.variables() && unseen.service.as_ref() == Some(&container.name)
    };
    let unseen = deployment.unseen.iter().find(is_of_it)?;
    let span = unseen.span.unwrap_or(container.name_span);
    Some((unseen.reason.clone(), span))
}

/// The node of a setting; or what stands where an object above it belongs, and false.
fn node_or_cover(tree: &Object, setting: Setting) -> Option<(&hocon::Node, bool)> {
    let path = setting.path();
    let whole = tree.get(path).map(|node| (node, true));
    whole.or_else(|| Some((tree.in_the_way(path)?, false)))
}

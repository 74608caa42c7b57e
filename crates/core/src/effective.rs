//! The heart: what each server process will really read, where it came from, and what happened to it on the
//! way.
//!
//! The order is the servers' own (docs/clearml.md#precedence): the image's defaults, the `*.conf` files of the
//! configuration folders, `TRAINS__…` and then `CLEARML__…` variables sorted by name. Rules read this,
//! inject proves itself with it, and `--effective` prints it.

mod hazard;
mod path;

use std::collections::HashMap;
use std::path::Path;

use crate::container::{Variable, VariableValue};
use crate::deployment::{Deployment, raw_value};
use crate::hocon::{self, Context, Include, Included, Object, Tag};
use crate::image::{self, ImageDefault};
use crate::instance::{ConfigFile, Instance};
use crate::knowable::Knowable;
use crate::known::{self, Known};
use crate::secret::Secret;
use crate::setting::{SETTINGS, Server, Setting};
use crate::source::Span;
use crate::version::Version;
pub use hazard::Hazard;
pub use path::{Configured, Switch};

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
    /// Whether the image's own paths are in the tree: only where something hangs on them.
    has_image_paths: bool,
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

/// What set a node of the configuration tree, from the lowest layer to the one that wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
            .map(|(index, instance)| configuration(deployment, index, instance, &mut images))
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
        let server = configuration(deployment, instance, &changed, &mut Images::new());
        let node = server.tree.get(path);
        changed.config[at].tree.is_ok()
            && node.is_some_and(|node| {
                Layer::from(node.tag) == Layer::File(at) && node.span.start >= length
            })
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

fn configuration(
    deployment: &Deployment,
    index: usize,
    instance: &Instance,
    images: &mut Images,
) -> ServerConfiguration {
    if instance.server.reads_configuration() {
        from_tree(deployment, index, instance, images)
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

fn from_tree(
    deployment: &Deployment,
    index: usize,
    instance: &Instance,
    images: &mut Images,
) -> ServerConfiguration {
    // The file server merges as pyhocon does; the other two know `-key` (docs/clearml.md#a-dash-replaces).
    let replacing = instance.server != Server::Fileserver;
    let mut fatal = Vec::new();
    let files = from_files(deployment, instance, &mut fatal);
    let environment = &deployment.service(instance).environment;
    let variables = from_environment(instance, environment, replacing);
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
    let reading = |setting| match variables.deadly.iter().rev().find(|(of, _)| *of == setting) {
        Some((_, position)) => Reading {
            value: Value::Deadly,
            origin: Origin::Variable(*position),
            ..Reading::of_nothing(setting, instance.server, index)
        },
        None => reading(deployment, index, instance, &tree, setting),
    };
    ServerConfiguration {
        server: instance.server,
        instance: index,
        readings: instance.settings().map(reading).collect(),
        fatal,
        tree,
        has_image_paths: hangs,
    }
}

/// What the image comes with, and what is mounted over its files.
fn of_image(
    deployment: &Deployment,
    instance: &Instance,
    tree: &mut Object,
    fatal: &mut Vec<Fatal>,
) {
    if !instance.is_image_hidden {
        hocon::merge(tree, built_in(instance), false);
    }
    for (position, file) in instance.config.iter().enumerate() {
        if file.is_default {
            let nothing = hocon::Value::Object(Object::default());
            tree.insert(&file.key, hocon::Node::new(nothing, 0..0));
            add_file(deployment, file, position, tree, fatal);
        }
    }
}

/// What the `.conf` files of the configuration folders say together.
fn from_files(deployment: &Deployment, instance: &Instance, fatal: &mut Vec<Fatal>) -> Object {
    let mut folder = Object::default();
    for (position, file) in instance.config.iter().enumerate() {
        if !file.is_default {
            add_file(deployment, file, position, &mut folder, fatal);
        }
    }
    folder
}

fn add_file(
    deployment: &Deployment,
    file: &ConfigFile,
    position: usize,
    tree: &mut Object,
    fatal: &mut Vec<Fatal>,
) {
    match &file.tree {
        Ok(content) => {
            let mut content = content.clone();
            content.mark(Layer::File(position).into());
            hocon::merge(tree, content.below(&file.key), false);
        }
        Err(fault) => fatal.push(Fatal {
            what: deployment.sources.path(file.source).display().to_string(),
            span: Span {
                source: file.source,
                start: fault.offset,
                end: fault.offset,
            },
            message: fault.message.to_owned(),
        }),
    }
}

/// What the variables say together.
#[derive(Default)]
struct FromEnvironment {
    tree: Object,
    fatal: Vec<Fatal>,
    /// The settings whose variable keeps the server from starting, with its place.
    deadly: Vec<(Setting, usize)>,
}

fn from_environment(
    instance: &Instance,
    environment: &[Variable],
    replacing: bool,
) -> FromEnvironment {
    let mut found = FromEnvironment::default();
    for position in in_reading_order(instance, environment) {
        let variable = &environment[position];
        match read_variable(instance, variable, environment) {
            None => {}
            Some(Ok(mut content)) => {
                content.mark(Layer::Variable(position).into());
                hocon::merge(&mut found.tree, content, replacing);
            }
            Some(Err(fault)) => {
                let setting = Setting::by_variable(&variable.name);
                found
                    .deadly
                    .extend(setting.map(|setting| (setting, position)));
                found.fatal.push(fault);
            }
        }
    }
    found
}

fn reading(
    deployment: &Deployment,
    index: usize,
    instance: &Instance,
    tree: &Object,
    setting: Setting,
) -> Reading {
    let mut reading = Reading::of_nothing(setting, instance.server, index);
    let Some((node, is_whole)) = node_or_cover(tree, setting) else {
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
            reading.origin = Origin::File(Span {
                source: file.source,
                start: node.span.start,
                end: node.span.end,
            });
            let text = deployment.sources.text(file.source);
            let root = file.tree.as_ref().ok();
            reading.hazards.extend(hazard::in_text(text, root, node, 0));
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

/// The node of a setting; or what stands where an object above it belongs, and false.
fn node_or_cover(tree: &Object, setting: Setting) -> Option<(&hocon::Node, bool)> {
    let path = setting.path();
    let whole = tree.get(path).map(|node| (node, true));
    whole.or_else(|| Some((path::cover(tree, path)?, false)))
}

/// The image's own settings for this version: empty where it has the account but no credentials.
fn built_in(instance: &Instance) -> Object {
    let mut tree = Object::default();
    for setting in SETTINGS {
        let version = instance.known_version();
        if known::has_setting(setting, version) {
            let value = known::built_in(setting, version).map_or("", |known| known.value.as_str());
            tree.insert_text(setting.path(), value);
        }
    }
    tree.mark(Layer::Image.into());
    tree
}

/// Whether it makes a difference which other paths the image has: it does to a key with a dash in front, and where an object
/// is set over a value, which has taken the image's object away. Few deployments do either, and a tree of the image's paths
/// takes longer than all else.
fn hangs_on_image(files: &Object, variables: &Object) -> bool {
    fn has_dash(tree: &Object) -> bool {
        tree.iter().any(|(key, node)| {
            let is_below = matches!(&node.value, hocon::Value::Object(below) if has_dash(below));
            key.starts_with('-') || is_below
        })
    }
    fn is_over_value(under: &Object, over: &Object) -> bool {
        over.iter().any(|(key, node)| {
            let (hocon::Value::Object(over), Some(under)) = (&node.value, under.get_key(key))
            else {
                return false;
            };
            match &under.value {
                hocon::Value::Object(under) => is_over_value(under, over),
                _ => true,
            }
        })
    }
    has_dash(files) || has_dash(variables) || is_over_value(files, variables)
}

/// The paths of each image that was asked for: many services run the same one.
type Images = HashMap<(Server, Option<Version>), Object>;

/// The paths that the image has besides the settings. What it has there is of no interest: it only matters that it is
/// there.
fn image_paths(instance: &Instance) -> Object {
    let mut tree = Object::default();
    for entry in image::of(instance.server) {
        let is_none = matches!(
            entry.default,
            ImageDefault::Absent | ImageDefault::Setting(_)
        );
        let found = image::find(instance.server, &entry.path, instance.known_version());
        // Where it cannot be told, a key with a dash is better taken for one that replaces.
        if !is_none && !matches!(found, Knowable::Known(None)) {
            tree.insert(&entry.path, hocon::Node::new(hocon::Value::Null, 0..0));
        }
    }
    tree.mark(Layer::Image.into());
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
    let object = match &variable.value {
        VariableValue::Known(value) => {
            let lookup = |name: &str| raw_value(environment, name);
            let context = Context::new(&lookup, &not_in_a_variable);
            hocon::parse_variable(&path, value.expose(), &context)
        }
        // Not in the container, as far as the files say. A setting is then said to have no value; what else it is about,
        // the shell that runs compose may have opened.
        VariableValue::Unset if Setting::by_variable(&variable.name).is_some() => return None,
        // Something will be there; what, cannot be told.
        unknown @ (VariableValue::Unset
        | VariableValue::Refused(_)
        | VariableValue::Required(_)
        | VariableValue::Unknown(_)) => {
            hocon::parse_variable(&path, "x", &Context::EMPTY).map(|mut object| {
                object.obscure(&why_unknown(unknown));
                object
            })
        }
    };
    Some(object.map_err(|fault| Fatal {
        what: variable.name.clone(),
        span: variable.span,
        message: fault.cause.text().to_owned(),
    }))
}

fn not_in_a_variable(include: &Include<'_>) -> Included {
    let name = crate::shown::escape(include.name);
    Included::Unknown(format!(
        "it includes {name}, a file of the container that is not looked at"
    ))
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
        VariableValue::Unknown(reason) => reason.as_str().to_owned(),
        VariableValue::Unset => "only the shell that runs compose may have it".to_owned(),
        VariableValue::Known(_) => String::new(),
    }
}

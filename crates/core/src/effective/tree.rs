//! Where the configuration tree of a server comes from: the image, the `.conf` files, the variables.

use std::collections::HashMap;

use super::{Fatal, Layer};
use crate::container::{Variable, VariableValue};
use crate::deployment::{Deployment, raw_value};
use crate::hocon::{self, Cause, Context, Include, Included, Object};
use crate::image::{self, ImageDefault};
use crate::instance::{ConfigFile, Instance};
use crate::knowable::Knowable;
use crate::known;
use crate::setting::{SETTINGS, Server, Setting};
use crate::source::Span;
use crate::version::Version;

/// What the image comes with, and what is mounted over its files.
pub(super) fn of_image(
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

/// Two files of one folder set the same.
const IN_ANY_ORDER: &str = "two files of one folder set it, and the server loads them in whatever order the file system has them; set it in one";

/// What the `.conf` files of the configuration folders say together.
pub(super) fn from_files(
    deployment: &Deployment,
    instance: &Instance,
    fatal: &mut Vec<Fatal>,
) -> Object {
    let mut folder = Object::default();
    for (position, file) in instance.config.iter().enumerate() {
        if !file.is_default {
            add_file(deployment, file, position, &mut folder, fatal);
            let earlier = instance.config[..position].iter();
            for other in earlier.filter(|other| !other.is_default) {
                unsettle(&mut folder, other, file, position);
            }
        }
    }
    folder
}

/// Two files of one folder are loaded in any order (docs/clearml.md#file-names-are-paths), so that nobody knows a path at which
/// both set something, unless it is the same.
fn unsettle(folder: &mut Object, one: &ConfigFile, other: &ConfigFile, position: usize) {
    let place = |file: &ConfigFile| {
        file.at
            .rsplit_once('/')
            .map(|(folder, _)| folder.to_owned())
    };
    let is_at_or_below = |key: &str, above: &str| {
        let rest = key.strip_prefix(above);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let is_met = is_at_or_below(&one.key, &other.key) || is_at_or_below(&other.key, &one.key);
    let (Ok(mine), Ok(theirs)) = (&one.tree, &other.tree) else {
        return;
    };
    if !is_met || place(one) != place(other) {
        return;
    }
    let mine = Object::clone(mine).below(&one.key);
    let mut theirs = Object::clone(theirs).below(&other.key);
    theirs.mark(Layer::File(position).into());
    let mut found = Vec::new();
    differences(&mine, &theirs, "", &mut found);
    for (path, node) in found {
        let value = hocon::Value::Unknown(IN_ANY_ORDER.into());
        folder.insert(&path, hocon::Node { value, ..node });
    }
}

/// The paths at which both objects have something, and not the same, with what the second one has.
fn differences(one: &Object, other: &Object, at: &str, found: &mut Vec<(String, hocon::Node)>) {
    for (key, node) in other.iter() {
        let Some((_, mine)) = one.iter().find(|(mine, _)| *mine == key) else {
            continue;
        };
        let path = match at {
            "" => key.to_owned(),
            _ => format!("{at}.{key}"),
        };
        match (&mine.value, &node.value) {
            (hocon::Value::Object(mine), hocon::Value::Object(node)) => {
                differences(mine, node, &path, found);
            }
            (mine, theirs) if is_same(mine, theirs) => {}
            _ => found.push((path, node.clone())),
        }
    }
}

/// Whether two values are the same, wherever they are written.
fn is_same(one: &hocon::Value, other: &hocon::Value) -> bool {
    match (one, other) {
        (hocon::Value::Array(one), hocon::Value::Array(other)) => {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.all(|(one, other)| is_same(&one.value, &other.value))
        }
        (hocon::Value::Object(one), hocon::Value::Object(other)) => {
            let has = |(key, node): (&str, &hocon::Node)| {
                let found = other.iter().find(|(own, _)| *own == key);
                found.is_some_and(|(_, own)| is_same(&node.value, &own.value))
            };
            one.iter().count() == other.iter().count() && one.iter().all(has)
        }
        (one, other) => one == other,
    }
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
            let mut content = hocon::Object::clone(content);
            content.mark(Layer::File(position).into());
            hocon::merge(tree, content.below(&file.key), false);
        }
        Err(fault) => fatal.push(Fatal {
            what: deployment.sources.name(file.source).display().to_string(),
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
pub(super) struct FromEnvironment {
    pub(super) tree: Object,
    pub(super) fatal: Vec<Fatal>,
    /// The settings whose variable keeps the server from starting, with its place.
    pub(super) deadly: Vec<(Setting, usize)>,
}

pub(super) fn from_environment(
    deployment: &Deployment,
    instance: &Instance,
    replacing: bool,
    without: Option<usize>,
) -> FromEnvironment {
    let environment = &deployment.service(instance).environment;
    let mut found = FromEnvironment::default();
    let order = in_reading_order(instance, environment).into_iter();
    for position in order.filter(|position| Some(*position) != without) {
        let variable = &environment[position];
        match read_variable(deployment, instance, variable) {
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

/// The image's own settings for this version: empty where it has the account but no credentials.
fn built_in(instance: &Instance) -> Object {
    let mut tree = Object::default();
    for setting in SETTINGS {
        let version = instance.known_version();
        if known::has_setting(setting, version) {
            let value = known::built_in(setting, version).map_or("", |known| known.value);
            tree.insert_text(setting.path(), value);
        }
    }
    tree.mark(Layer::Image.into());
    tree
}

/// Whether it makes a difference which other paths the image has: it does to a key with a dash in front, and where an object
/// is set over a value, which has taken the image's object away. Few deployments do either, and a tree of the image's paths
/// takes longer than all else.
pub(super) fn hangs_on_image(files: &Object, variables: &Object) -> bool {
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
pub(super) type Images = HashMap<(Server, Option<Version>), Object>;

/// The paths that the image has besides the settings. What it has there is of no interest: it only matters that it is
/// there.
pub(super) fn image_paths(instance: &Instance) -> Object {
    let mut tree = Object::default();
    for entry in image::of(instance.server) {
        let is_none = matches!(
            entry.default,
            ImageDefault::Absent | ImageDefault::Setting(_)
        );
        let found = image::find(instance.server, entry.path, instance.known_version());
        // Where it is not known, a key with a dash is better taken for one that replaces.
        if !is_none && !matches!(found, Knowable::Known(None)) {
            tree.insert(entry.path, hocon::Node::new(hocon::Value::Null, 0..0));
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
    deployment: &Deployment,
    instance: &Instance,
    variable: &Variable,
) -> Option<Result<Object, Fatal>> {
    let environment = &deployment.service(instance).environment;
    let env_files = &deployment.env_files;
    let path = instance.path_of(variable)?;
    let unknown = |reason: &str| {
        let object = hocon::parse_variable(&path, "x", &Context::EMPTY);
        object.map(|mut object| {
            object.obscure(reason);
            object
        })
    };
    let object = match &variable.value {
        VariableValue::Known(value) => match only_in_a_shell(variable, &path, env_files) {
            Some(reason) => unknown(&reason),
            None => {
                let lookup = |name: &str| raw_value(environment, name);
                let context = Context::new(&lookup, &not_in_a_variable);
                hocon::parse_variable(&path, value.expose(), &context)
            }
        },
        // Not in the container, as far as the files say. A setting is then said to have no value; what else it is about,
        // the shell that runs compose may have opened.
        VariableValue::Unset if Setting::by_variable(&variable.name).is_some() => return None,
        // Something will be there; what, is not known.
        value @ (VariableValue::Unset
        | VariableValue::Elsewhere(_)
        | VariableValue::Invalid(_)
        | VariableValue::Refused(_)
        | VariableValue::Required(_)
        | VariableValue::Unknown(_)) => unknown(&why_unknown(value, env_files)),
    };
    let object = match object {
        Err(fault) if fault.cause == Cause::TooLarge => unknown(fault.message),
        object => object,
    };
    Some(object.map_err(|fault| Fatal {
        what: variable.name.clone(),
        span: variable.span,
        message: fault.cause.text().to_owned(),
    }))
}

/// Why the value of a variable that opens something is not known: a reference in it is empty unless the shell that runs
/// compose has a value. Of a setting, the rule `unset-variable` says so, by what is left of it.
fn only_in_a_shell(variable: &Variable, path: &str, env_files: &str) -> Option<String> {
    let has_settings = |setting: &Setting| {
        let rest = setting.path().strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    if SETTINGS.iter().any(has_settings) {
        return None;
    }
    let used = variable.left_to_the_shell()?;
    let is_whole = used.depth > 0 || used.span.len() >= variable.written_length;
    let name = match is_whole {
        true => crate::shown::escape(&used.name),
        false => "a variable in it".into(),
    };
    Some(format!(
        "{name} has no value in {env_files}, so only the shell that runs compose may have one"
    ))
}

fn not_in_a_variable(include: &Include<'_>) -> Included {
    let name = crate::shown::escape(include.name);
    Included::Unknown(format!(
        "it includes {name}, a file of the container that is not looked at"
    ))
}

pub(super) fn why_unknown(value: &VariableValue, env_files: &str) -> String {
    match value {
        VariableValue::Required(name) => {
            let name = name
                .as_deref()
                .map_or("a variable in it".into(), crate::shown::escape);
            format!("{name} has no value in {env_files}, and compose does not start without one")
        }
        VariableValue::Elsewhere(elsewhere) => elsewhere.reason.as_str().to_owned(),
        VariableValue::Invalid(message) => format!("Kubernetes refuses the object: {message}"),
        VariableValue::Refused(message) => format!("compose refuses the file: {message}"),
        VariableValue::Unknown(reason) => reason.as_str().to_owned(),
        VariableValue::Unset => "only the shell that runs compose may have it".to_owned(),
        VariableValue::Known(_) => String::new(),
    }
}

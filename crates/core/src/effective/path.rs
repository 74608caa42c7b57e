//! Any path of a server's configuration, for rules about more than the settings.

use std::collections::HashSet;

use super::{Layer, ServerConfiguration};
use crate::deployment::Deployment;
use crate::hocon::{Node, Value};
use crate::image::{self, ImageDefault, ImagePath};
use crate::instance::ConfigFile;
use crate::knowable::Knowable;
use crate::opening;
use crate::setting::{Server, Setting};
use crate::source::Span;

/// What a server reads at a path.
pub enum Configured<'a> {
    /// Nothing that can be seen says anything about it: the image decides, or a folder that cannot be seen
    /// ([`ServerConfiguration::is_seen`]).
    Not,
    /// Something sets it, or may set it, and to what is not known: the reason, and where it is.
    Unknown(&'a str, Span),
    /// This value, and where it stands. It is null where something stands in the place of the image's own that has no such
    /// path: the server finds nothing there, which is as false to it as `false`.
    Value(&'a Value, Span),
}

impl Configured<'_> {
    /// Whether the path is not there, as opposed to null.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Value(value, _) if std::ptr::eq(*value, &NOTHING))
    }
}

/// A switch at a server: a path of which Python asks whether it is true (docs/clearml.md#what-counts-as-true).
pub struct Switch {
    /// Whether it is on, by what the user's files say, or by the image's default.
    pub is_on: Knowable<bool>,
    /// Where the user's files set it, if they do.
    pub span: Option<Span>,
}

/// What a path is that is not there.
static NOTHING: Value = Value::Null;

impl ServerConfiguration {
    /// What the user's files set a path to, e.g. `apiserver.auth.fixed_users.enabled`: one of [`opening::all`], or below one,
    /// so that it is said where it is not known.
    pub fn configured<'a>(&'a self, deployment: &Deployment, path: &str) -> Configured<'a> {
        debug_assert!(
            opening::is_listed(path) || Setting::by_path(path).is_some(),
            "{path} is not in data/opening_paths.toml: nobody would say that it is not known"
        );
        let node = self.node(deployment, path);
        let is_set = node.is_some_and(|(node, _)| Layer::from(node.tag) != Layer::Image);
        if let Some((reason, span)) = self.elsewhere.as_ref().filter(|_| !is_set) {
            return Configured::Unknown(reason, *span);
        }
        let Some((node, value)) = node else {
            let hidden = self.hidden(deployment, path);
            return hidden.map_or(Configured::Not, |span| Configured::Value(&NOTHING, span));
        };
        match (self.span(deployment, node), value) {
            (None, _) => Configured::Not,
            (Some(span), Value::Unknown(reason)) => Configured::Unknown(reason, span),
            (Some(span), value) => Configured::Value(value, span),
        }
    }

    /// Who sets a path, or something in its place, if anything does.
    pub fn layer(&self, deployment: &Deployment, path: &str) -> Option<Layer> {
        let (node, _) = self.node(deployment, path)?;
        Some(Layer::from(node.tag))
    }

    /// Who sets anything that the server reads, or may set it.
    pub fn layers(&self) -> HashSet<Layer> {
        let leaves = self.tree.leaves().into_iter();
        leaves.map(|leaf| Layer::from(leaf.tag)).collect()
    }

    /// The values at a path and below it, or what is in the place of all of them.
    pub fn leaves(&self, path: &str) -> Vec<&Node> {
        match self.tree.get(path).or_else(|| self.tree.in_the_way(path)) {
            Some(Node {
                value: Value::Object(below),
                ..
            }) => below.leaves(),
            Some(node) => vec![node],
            None => Vec::new(),
        }
    }

    /// What decides a path, and its value there: that of the path itself, or nothing where something stands in its place.
    fn node<'a>(&'a self, deployment: &Deployment, path: &str) -> Option<(&'a Node, &'a Value)> {
        if let Some(node) = self.tree.get(path) {
            return Some((node, &node.value));
        }
        let cover = self
            .tree
            .in_the_way(path)
            .or_else(|| self.cut(deployment, path))?;
        Some((cover, &NOTHING))
    }

    /// Why there may be more keys at a path than can be told, and where that is.
    pub fn rest(&self, deployment: &Deployment, path: &str) -> Option<(&str, Span)> {
        let Value::Object(object) = &self.tree.get(path)?.value else {
            return None;
        };
        let rest = object.rest()?;
        Some((rest.value.unknown()?, self.span(deployment, rest)?))
    }

    /// Whether a switch is on.
    pub fn switch(&self, deployment: &Deployment, path: &str) -> Switch {
        let (is_on, span) = match self.configured(deployment, path) {
            Configured::Not => (self.is_on_in_image(deployment, path), None),
            Configured::Unknown(reason, span) => (Knowable::unknown(reason.to_owned()), Some(span)),
            configured @ Configured::Value(_, span) if configured.is_missing() => (
                Knowable::Known(opening::is_on_without_a_value(path)),
                Some(span),
            ),
            Configured::Value(value, span) => {
                let unknown = || value.unknown().unwrap_or_default().to_owned();
                let is_on = value.truth();
                let is_on = is_on.map_or_else(|| Knowable::unknown(unknown()), Knowable::Known);
                (is_on, Some(span))
            }
        };
        Switch { is_on, span }
    }

    /// Whether the image has a switch on; where its version is not known, only if all versions agree.
    fn is_on_in_image(&self, deployment: &Deployment, path: &str) -> Knowable<bool> {
        let instance = &deployment.instances[self.instance];
        let is_on = |entry: Option<&ImagePath>| {
            entry.map_or_else(
                || opening::is_on_without_a_value(path),
                |entry| entry.default.is_true(),
            )
        };
        let reason = instance.release.reason().cloned();
        match reason.filter(|_| instance.known_version().is_none()) {
            None => image::find(self.server, path, instance.known_version()).map(is_on),
            Some(reason) => {
                let entries = image::at(self.server, path);
                let mut defaults: Vec<bool> = entries.map(|entry| is_on(Some(entry))).collect();
                defaults.dedup();
                match defaults[..] {
                    [] => Knowable::Known(is_on(None)),
                    [one] => Knowable::Known(one),
                    _ => Knowable::unknown(reason),
                }
            }
        }
    }

    /// The object of the user's files that a path of the image is missing from: something else was there in between, so
    /// that the object was not merged into the image's.
    fn cut(&self, deployment: &Deployment, path: &str) -> Option<&Node> {
        if !self.has_image_paths {
            return None;
        }
        let version = deployment.instances[self.instance].known_version();
        let mut above = path.rmatch_indices('.');
        let node = above.find_map(|(dot, _)| self.tree.get(&path[..dot]))?;
        let in_image = image::find(self.server, path, version);
        let is_cut = matches!(in_image, Knowable::Known(Some(entry)) if entry.default != ImageDefault::Absent);
        (is_cut && Layer::from(node.tag) != Layer::Image).then_some(node)
    }

    /// What is mounted over the image's own configuration file with a path, and does not have it.
    fn hidden(&self, deployment: &Deployment, path: &str) -> Option<Span> {
        let instance = &deployment.instances[self.instance];
        let mut files = instance.config.iter().filter(|file| file.is_default);
        let over = files.find(|file| {
            let below = path.strip_prefix(file.key.as_str());
            below.is_some_and(|rest| rest.starts_with('.'))
        });
        let start = |file: &ConfigFile| Span {
            source: file.source,
            start: 0,
            end: 0,
        };
        let folder = instance.is_image_hidden && instance.is_config_seen();
        let name = || deployment.service(instance).name_span;
        over.map(start).or_else(|| folder.then(name))
    }

    /// Where a node stands in the user's files.
    fn span(&self, deployment: &Deployment, node: &Node) -> Option<Span> {
        let instance = &deployment.instances[self.instance];
        match Layer::from(node.tag) {
            Layer::Image => None,
            Layer::File(index) => Some(instance.config.get(index)?.span(node)),
            Layer::Variable(index) => {
                let variable = deployment.service(instance).environment.get(index)?;
                Some(variable.span)
            }
        }
    }

    /// Whether the server revokes the credentials of an account at its start, because fixed users are enabled
    /// (docs/clearml.md#what-fixed-users-revoke). What is not known revokes nothing.
    pub fn revokes(&self, deployment: &Deployment, account: &str) -> bool {
        let is_on = |path| self.switch(deployment, path).is_on == Knowable::Known(true);
        self.server == Server::Apiserver
            && is_on(opening::FIXED_USERS)
            && is_on(&format!(
                "{}.{account}.revoke_in_fixed_mode",
                opening::ACCOUNTS
            ))
    }

    /// Whether all that this server reads can be seen: no folder is hidden, no file broken, no place that may set variables.
    pub fn is_seen(&self, deployment: &Deployment) -> bool {
        let is_config_seen = deployment.instances[self.instance].is_config_seen();
        is_config_seen && self.fatal.is_empty() && self.elsewhere.is_none()
    }
}

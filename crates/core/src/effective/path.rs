//! Any path of a server's configuration, for rules about more than the settings.

use super::{Layer, ServerConfiguration};
use crate::deployment::Deployment;
use crate::hocon::{Node, Object, Value};
use crate::image::{self, ImageDefault};
use crate::knowable::Knowable;
use crate::setting::{Server, Setting};
use crate::source::Span;

/// What a server reads at a path.
pub enum Configured<'a> {
    /// Nothing that can be seen says anything about it: the image decides, or what cannot be seen
    /// ([`ServerConfiguration::is_seen`]).
    Not,
    /// Something sets it, or may set it, and to what cannot be told: the reason, and where it is.
    Unknown(&'a str, Span),
    /// This value, and where it stands. It is null where something that is no object stands above the path: the server
    /// finds nothing there, which is as false to it as `false`.
    Value(&'a Value, Span),
}

/// What a path is that is not there.
static NOTHING: Value = Value::Null;

/// What stands where an object above a path belongs.
pub(super) fn cover<'a>(tree: &'a Object, path: &str) -> Option<&'a Node> {
    let is_no_object = |node: &&Node| !matches!(node.value, Value::Object(_));
    path.match_indices('.')
        .find_map(|(dot, _)| tree.get(&path[..dot]).filter(is_no_object))
}

impl ServerConfiguration {
    /// What the user's files set a path to, e.g. `apiserver.auth.fixed_users.enabled`.
    pub fn configured<'a>(&'a self, deployment: &Deployment, path: &str) -> Configured<'a> {
        let (node, value) = match self.tree.get(path) {
            Some(node) => (node, &node.value),
            None => match cover(&self.tree, path) {
                Some(node) => (node, &NOTHING),
                None => match self.cut(deployment, path) {
                    Some(node) => (node, &NOTHING),
                    None => return Configured::Not,
                },
            },
        };
        match (self.span(deployment, node), value) {
            (None, _) => Configured::Not,
            (Some(span), Value::Unknown(reason)) => Configured::Unknown(reason, span),
            (Some(span), value) => Configured::Value(value, span),
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

    /// Where a node stands in the user's files.
    fn span(&self, deployment: &Deployment, node: &Node) -> Option<Span> {
        let instance = &deployment.instances[self.instance];
        match Layer::from(node.tag) {
            Layer::Image => None,
            Layer::File(index) => Some(Span {
                source: instance.config.get(index)?.source,
                start: node.span.start,
                end: node.span.end,
            }),
            Layer::Variable(index) => {
                let variable = deployment.service(instance).environment.get(index)?;
                Some(variable.span)
            }
        }
    }

    /// Whether the server revokes the credentials of an account at its start, because fixed users are enabled
    /// (docs/clearml.md#what-fixed-users-revoke: `webserver` and `tests`). What cannot be told revokes nothing.
    pub fn revokes(&self, deployment: &Deployment, setting: Setting) -> bool {
        let Some(account) = setting
            .account()
            .filter(|account| ["webserver", "tests"].contains(account))
        else {
            return false;
        };
        let is_enabled = matches!(
            self.configured(deployment, "apiserver.auth.fixed_users.enabled"),
            Configured::Value(value, _) if value.truth() == Some(true)
        );
        let path = format!("secure.credentials.{account}.revoke_in_fixed_mode");
        let is_revocable = match self.configured(deployment, &path) {
            Configured::Not => true,
            Configured::Unknown(..) => false,
            Configured::Value(value, _) => value.truth() == Some(true),
        };
        self.server == Server::Apiserver && is_enabled && is_revocable
    }

    /// Whether all that this server reads can be seen: no folder is hidden, no file broken, no variable unknown.
    pub fn is_seen(&self, deployment: &Deployment) -> bool {
        deployment.instances[self.instance].is_config_seen() && self.fatal.is_empty()
    }
}

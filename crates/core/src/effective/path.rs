//! Any path of a server's configuration, for rules about more than the settings.

use super::{BUILT_IN, ServerConfiguration};
use crate::deployment::{Deployment, is_unknown};
use crate::hocon::Value;
use crate::setting::{Server, Setting};
use crate::source::Span;

/// What a server reads at a path.
pub enum Configured<'a> {
    /// Nothing that can be seen says anything about it: the image decides, or what cannot be seen
    /// ([`ServerConfiguration::is_seen`]).
    Not,
    /// Something sets it, and to what cannot be told: a variable has no value.
    Unknown,
    /// This value, and where it stands.
    Value(&'a Value, Span),
}

impl ServerConfiguration {
    /// What the user's files set a path to, e.g. `apiserver.auth.fixed_users.enabled`.
    pub fn configured<'a>(&'a self, deployment: &Deployment, path: &str) -> Configured<'a> {
        let instance = &deployment.instances[self.instance];
        let environment = &deployment.service(instance).environment;
        let Some(node) = self.tree.get(path).filter(|node| node.source != BUILT_IN) else {
            return Configured::Not;
        };
        let source = node.source as usize;
        let span = match instance.config.get(source) {
            Some(file) => Span {
                source: file.source,
                start: node.span.start,
                end: node.span.end,
            },
            None => match environment.get(source - instance.config.len()) {
                Some(variable) if variable.value.known().is_some() => variable.span,
                _ => return Configured::Unknown,
            },
        };
        match &node.value {
            Value::String(text) if is_unknown(text.expose()) => Configured::Unknown,
            value => Configured::Value(value, span),
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
            Configured::Value(value, _) if value.is_true()
        );
        let path = format!("secure.credentials.{account}.revoke_in_fixed_mode");
        let is_revocable = match self.configured(deployment, &path) {
            Configured::Not => true,
            Configured::Unknown => false,
            Configured::Value(value, _) => value.is_true(),
        };
        self.server == Server::Apiserver && is_enabled && is_revocable
    }

    /// Whether all that this server reads can be seen: no folder is hidden, no file broken, no variable unknown.
    pub fn is_seen(&self, deployment: &Deployment) -> bool {
        deployment.instances[self.instance].is_config_seen() && self.fatal.is_empty()
    }
}

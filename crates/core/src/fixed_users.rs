//! The users of the web login, as an API server reads them (docs/clearml.md#fixed-users).

use crate::deployment::Deployment;
use crate::effective::{Configured, ServerConfiguration};
use crate::hocon::{Node, Object, Value};
use crate::secret::Secret;
use crate::source::Span;

/// The configuration path of all of it.
pub(crate) const PATH: &str = "apiserver.auth.fixed_users";

/// What is set under `apiserver.auth.fixed_users`.
pub struct FixedUsers {
    /// Whether only these users sign in; none where it cannot be told.
    pub enabled: Option<bool>,
    /// Whether passwords are bcrypt hashes in base64; none where it cannot be told.
    pub is_hashed: Option<bool>,
    /// The users, in the order of the list.
    pub users: Vec<FixedUser>,
    /// Where the list stands.
    pub span: Option<Span>,
}

/// One of them.
pub struct FixedUser {
    /// The name to sign in with.
    pub username: String,
    /// The password or its hash. Digits without quotes are a number to HOCON, and are here as they are written.
    pub password: Option<Secret>,
    /// Where it stands: the entry in a file, the whole variable in an environment.
    pub span: Span,
}

impl FixedUsers {
    /// What an API server reads.
    pub fn of(server: &ServerConfiguration, deployment: &Deployment) -> Self {
        let switch = |name: &str| match server.configured(deployment, &format!("{PATH}.{name}")) {
            Configured::Not => Some(false),
            Configured::Unknown(..) => None,
            Configured::Value(value, _) => value.truth(),
        };
        let mut found = Self {
            enabled: switch("enabled"),
            is_hashed: switch("pass_hashed"),
            users: Vec::new(),
            span: None,
        };
        if let Configured::Value(Value::Array(nodes), span) =
            server.configured(deployment, &format!("{PATH}.users"))
        {
            let instance = &deployment.instances[server.instance];
            let is_file = instance
                .config
                .iter()
                .any(|file| file.source == span.source);
            let place = |node: &Node| {
                if is_file {
                    Span {
                        source: span.source,
                        start: node.span.start,
                        end: node.span.end,
                    }
                } else {
                    span
                }
            };
            found.span = Some(span);
            found.users = nodes
                .iter()
                .filter_map(|node| match &node.value {
                    Value::Object(object) => Some(user(object, place(node))),
                    _ => None,
                })
                .collect();
        }
        found
    }

    /// The users that have a password, with it or its hash.
    pub fn passwords(&self) -> impl Iterator<Item = (&FixedUser, &str)> {
        self.users
            .iter()
            .filter_map(move |user| Some((user, user.password.as_ref()?.expose())))
    }
}

fn user(object: &Object, span: Span) -> FixedUser {
    let text = |key: &str| match &object.get_key(key)?.value {
        Value::String(text) | Value::Integer(text) => Some(Secret::from(text)),
        _ => None,
    };
    FixedUser {
        username: text("username")
            .map(|name| name.expose().to_owned())
            .unwrap_or_default(),
        password: text("password"),
        span,
    }
}

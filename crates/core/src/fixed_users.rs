//! The users of the web login, as an API server reads them (docs/clearml.md#fixed-users).

use crate::deployment::Deployment;
use crate::effective::{Configured, ServerConfiguration};
use crate::hocon::{Node, Object, Value};
use crate::opening;
use crate::secret::Secret;
use crate::source::Span;

/// The configuration path of all of it.
pub const PATH: &str = "apiserver.auth.fixed_users";

/// Whether they are enabled.
pub const ENABLED: &str = opening::FIXED_USERS;

/// Whether their passwords are hashes.
pub const PASS_HASHED: &str = "apiserver.auth.fixed_users.pass_hashed";

/// The list of them.
pub const USERS: &str = "apiserver.auth.fixed_users.users";

/// Whether guests get in beside them: a path of another root.
pub const GUEST_ENABLED: &str = "services.auth.fixed_users.guest.enabled";

/// What is set under `apiserver.auth.fixed_users`.
pub struct FixedUsers {
    /// Whether only these users sign in; none where it cannot be told.
    pub enabled: Option<bool>,
    /// Whether passwords are bcrypt hashes in base64; none where it cannot be told.
    pub is_hashed: Option<bool>,
    /// The users, in the order of the list.
    pub users: Vec<FixedUser>,
    /// What the server cannot make a user of; it fails on all of the list then.
    pub broken: Vec<BrokenUser>,
    /// Where the list stands.
    pub span: Option<Span>,
}

/// A place in the list at which an API server fails (docs/clearml.md#entries-of-a-user).
pub struct BrokenUser {
    /// The name to sign in with, where there is one.
    pub username: String,
    /// What is wrong.
    pub why: Broken,
    /// Where it stands.
    pub span: Span,
}

/// What is wrong with an entry.
pub enum Broken {
    /// A key that no user has.
    Foreign(String),
    /// A key that every user has.
    Missing(&'static str),
    /// It has no keys at all.
    NoEntry,
    /// The list is something else.
    NoList,
}

/// The keys of an entry that it must have, and may have.
const NEEDED: [&str; 3] = ["username", "password", "name"];
const ALLOWED: [&str; 2] = ["company", "is_guest"];

/// One of them.
pub struct FixedUser {
    /// The name to sign in with.
    pub username: String,
    /// The password or its hash. Digits without quotes are a number to HOCON, and are here as they are written.
    pub password: Option<Secret>,
    /// Whether the password is something else than a text to HOCON, and equals nothing that is typed.
    pub is_no_text: bool,
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
            broken: Vec::new(),
            span: None,
        };
        if let Configured::Value(value, span) = server.configured(deployment, USERS) {
            let instance = &deployment.instances[server.instance];
            let mut files = instance.config.iter();
            let is_file = files.any(|file| file.source == span.source);
            let place = |node: &Node| match is_file {
                true => Span {
                    source: span.source,
                    start: node.span.start,
                    end: node.span.end,
                },
                false => span,
            };
            found.span = Some(span);
            found.read(value, span, &place);
        }
        found
    }

    fn read(&mut self, list: &Value, span: Span, place: &dyn Fn(&Node) -> Span) {
        let Value::Array(nodes) = list else {
            // Python goes through an empty object or text as through an empty list.
            let is_empty = match list {
                Value::Object(object) => object.is_empty(),
                value => value.truth() == Some(false) && value.as_text().is_some(),
            };
            if !is_empty && list.unknown().is_none() {
                self.broken.push(BrokenUser {
                    username: String::new(),
                    why: Broken::NoList,
                    span,
                });
            }
            return;
        };
        for node in nodes {
            let span = place(node);
            let why = broken(&node.value);
            let username = match &node.value {
                Value::Object(object) => {
                    let user = user(object, span);
                    let name = user.username.clone();
                    self.users.push(user);
                    name
                }
                _ => String::new(),
            };
            self.broken.extend(why.map(|why| BrokenUser {
                username,
                why,
                span,
            }));
        }
    }

    /// The users that have a password, with it or its hash.
    pub fn passwords(&self) -> impl Iterator<Item = (&FixedUser, &str)> {
        self.users
            .iter()
            .filter_map(move |user| Some((user, user.password.as_ref()?.expose())))
    }
}

/// What is wrong with an entry, if anything is; what cannot be told is not.
fn broken(entry: &Value) -> Option<Broken> {
    let Value::Object(object) = entry else {
        return entry.unknown().is_none().then_some(Broken::NoEntry);
    };
    let known = |key: &str| NEEDED.contains(&key) || ALLOWED.contains(&key);
    let foreign = object.iter().map(|(key, _)| key).find(|key| !known(key));
    let missing = || NEEDED.into_iter().find(|key| object.get_key(key).is_none());
    let foreign = foreign.map(|key| Broken::Foreign(key.to_owned()));
    foreign.or_else(|| missing().map(Broken::Missing))
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
        is_no_text: object
            .get_key("password")
            .is_some_and(|node| node.value.as_text().is_none() && node.value.unknown().is_none()),
        span,
    }
}

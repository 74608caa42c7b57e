//! The users of the web login, as an API server reads them (docs/clearml.md#fixed-users).

use crate::deployment::Deployment;
use crate::effective::{Configured, Layer, ServerConfiguration, Switch};
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

/// The guest's name and password, company and name in the page: below the same.
const GUEST: &str = "services.auth.fixed_users.guest";

/// The company that every user belongs to who names none (docs/clearml.md#internal-accounts).
const COMPANY: &str = "d1bd92a3b039400cbafc60a7a5b1e52b";
/// And the one of the image's guest.
const GUESTS: &str = "025315a9321f49f8be07f5ac48fbcf92";
/// The image's guest has it as name and password.
const GUEST_NAME: &str = "guest";

/// What is set under `apiserver.auth.fixed_users`.
pub struct FixedUsers {
    /// Whether only these users sign in; none where it is not known.
    pub enabled: Option<bool>,
    /// Whether passwords are bcrypt hashes in base64; none where it is not known.
    pub is_hashed: Option<bool>,
    /// The users, in the order of the list.
    pub users: Vec<FixedUser>,
    /// What the server cannot make a user of; it fails on all of the list then.
    pub broken: Vec<BrokenUser>,
    /// Whether all entries of the list are known, and that there are no more.
    pub is_whole: bool,
    /// Where the list stands.
    pub span: Option<Span>,
    /// The guest that the server adds to them.
    pub guest: Guest,
}

/// The guest beside the users (docs/clearml.md#guests).
pub struct Guest {
    /// Whether there is one; none where it is not known.
    pub enabled: Option<bool>,
    /// Where that is set.
    pub span: Option<Span>,
    /// The name to sign in with, where it is a text that is known.
    pub username: Option<String>,
    /// The password or its hash, where it is a text that is known.
    pub password: Option<Secret>,
    /// The company that the server makes for guests, where it is known.
    company: Option<String>,
}

/// A place in the list at which an API server fails (docs/clearml.md#entries-of-a-user).
pub struct BrokenUser {
    /// Which entry of the list, from 1; 0 for the list itself.
    pub position: usize,
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
    /// Which entry of the list, from 1.
    pub position: usize,
    /// The name to sign in with; empty where it is no text, or not known.
    pub username: String,
    /// The password or its hash, where it is a text that is known.
    pub password: Option<Secret>,
    /// The name that the page shows, where it is a text that is known.
    pub name: Option<String>,
    /// The first key that must be a text to HOCON and is none, and what it is instead. The user cannot sign in then.
    pub no_text: Option<(&'static str, &'static str)>,
    /// Whether it is of a company that the server does not have; none where it is not known.
    pub is_foreign: Option<bool>,
    /// Whether it has the role of a guest; none where it is not known.
    pub is_guest: Option<bool>,
    /// Whether a comma is missing between entries that pyhocon therefore joins to this one (docs/clearml.md#entries-of-a-user).
    pub is_joined: bool,
    /// The keys of the sign-in whose text begins and ends with quotes that are none to HOCON.
    pub in_quotes: Vec<&'static str>,
    /// Where it stands: the entry in a file, the whole variable in an environment.
    pub span: Span,
    /// The name as Python compares it, where it is known.
    identity: Option<Value>,
}

impl FixedUsers {
    /// What an API server reads.
    pub fn of(server: &ServerConfiguration, deployment: &Deployment) -> Self {
        let switch = |path: &str| server.switch(deployment, path).is_on.into_known();
        let mut found = Self {
            enabled: switch(ENABLED),
            is_hashed: switch(PASS_HASHED),
            users: Vec::new(),
            broken: Vec::new(),
            is_whole: server.is_seen(deployment),
            span: None,
            guest: Guest::of(server, deployment),
        };
        match server.configured(deployment, USERS) {
            Configured::Not => {}
            Configured::Unknown(_, span) => {
                found.span = Some(span);
                found.is_whole = false;
            }
            Configured::Value(value, span) => {
                let instance = &deployment.instances[server.instance];
                let place = |node: &Node| match Layer::from(node.tag) {
                    Layer::File(index) => instance.config[index].span(node),
                    _ => span,
                };
                found.span = Some(span);
                found.is_whole &= value.unknown().is_none();
                found.read(value, span, &place);
            }
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
                    position: 0,
                    why: Broken::NoList,
                    span,
                });
            }
            return;
        };
        for (index, node) in nodes.iter().enumerate() {
            let (position, span) = (index + 1, place(node));
            if let Value::Object(object) = &node.value {
                self.users.push(user(object, position, span, &self.guest));
            }
            let why = broken(&node.value);
            self.broken.extend(why.map(|why| BrokenUser {
                position,
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

    /// The users whose name an earlier one has, or the guest, who is the first (docs/clearml.md#user-names-twice).
    pub fn duplicates(&self) -> impl Iterator<Item = &FixedUser> {
        let is_taken = |(index, user): &(usize, &FixedUser)| {
            let before = &self.users[..*index];
            let is_known = user.identity.is_some();
            (is_known && before.iter().any(|other| other.identity == user.identity))
                || self.is_guests_name(user)
        };
        let users = self.users.iter().enumerate().filter(is_taken);
        users.map(|(_, user)| user)
    }

    /// Whether a user has the name of the guest that the server adds.
    pub fn is_guests_name(&self, user: &FixedUser) -> bool {
        self.guest.enabled == Some(true)
            && !user.username.is_empty()
            && self.guest.username.as_deref() == Some(&user.username)
    }
}

impl Guest {
    fn of(server: &ServerConfiguration, deployment: &Deployment) -> Self {
        let Switch { is_on, span } = server.switch(deployment, GUEST_ENABLED);
        let text = |name: &str, default: &str| {
            let path = format!("{GUEST}.{name}");
            match server.configured(deployment, &path) {
                Configured::Not => Some(Secret::from(default)),
                Configured::Value(Value::String(text), _) => Some(Secret::from(text)),
                Configured::Unknown(..) | Configured::Value(..) => None,
            }
        };
        let name = |name: &str, default: &str| text(name, default).map(|text| text.expose().into());
        Self {
            enabled: is_on.into_known(),
            span,
            username: name("username", GUEST_NAME),
            password: text("password", GUEST_NAME),
            company: name("default_company", GUESTS),
        }
    }

    /// Whether the server has a company: its own, and that of the guests where there are some.
    fn is_foreign(&self, company: &str) -> Option<bool> {
        match (self.enabled, self.company.as_deref()) {
            _ if company == COMPANY => Some(false),
            (Some(false), _) => Some(true),
            (Some(true), Some(own)) => Some(company != own),
            (None, Some(own)) if company != own => Some(true),
            _ => None,
        }
    }
}

/// What is wrong with an entry, if anything is; what is not known is not.
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

/// Whether a text is in single or typographic quotes, which a person meant for quotes.
fn is_in_quotes(text: &str) -> bool {
    const PAIRS: [(char, char); 5] = [
        ('\'', '\''),
        ('\u{2018}', '\u{2019}'),
        ('\u{201c}', '\u{201d}'),
        ('\u{201d}', '\u{201d}'),
        ('\u{201e}', '\u{201c}'),
    ];
    let mut pairs = PAIRS.iter();
    pairs.any(|(first, last)| {
        let inner = text.strip_prefix(*first);
        inner.is_some_and(|inner| inner.ends_with(*last))
    })
}

fn user(object: &Object, position: usize, span: Span, guest: &Guest) -> FixedUser {
    let value = |key: &str| object.get_key(key).map(|node| &node.value);
    let text = |key: &str| value(key)?.as_text();
    let name = |key: &str| text(key).map(|text| text.expose().to_owned());
    let is_no_text =
        |value: &&Value| value.as_text().is_none() && !matches!(value, Value::Unknown(_));
    let no_text = |key: &'static str| Some((key, value(key).filter(is_no_text)?.kind()));
    FixedUser {
        position,
        username: name("username").unwrap_or_default(),
        password: text("password").map(Secret::from),
        name: name("name"),
        no_text: NEEDED.into_iter().find_map(no_text),
        is_foreign: match value("company") {
            None => Some(false),
            Some(Value::String(company)) => guest.is_foreign(company.expose()),
            Some(value) => value.unknown().is_none().then_some(true),
        },
        // With another name it is not what was taken over that is meant.
        is_joined: object.repeated().any(|key| NEEDED.contains(&key))
            || object.taken_over().any(|key| key == "username"),
        in_quotes: { ["username", "password"].into_iter() }
            .filter(|key| text(key).is_some_and(|text| is_in_quotes(text.expose())))
            .collect(),
        is_guest: value("is_guest").map_or(Some(false), Value::truth),
        span,
        identity: value("username")
            .filter(|value| value.unknown().is_none())
            .cloned(),
    }
}

//! The accounts that an API server sets up: every entry of `secure.credentials`, not only those that the image comes with
//! (docs/clearml.md#every-entry-is-an-account).

use crate::deployment::Deployment;
use crate::effective::{Configured, ServerConfiguration, Value};
use crate::hocon;
use crate::image::{self, ImageDefault};
use crate::knowable::Knowable;
use crate::opening::ACCOUNTS;
use crate::setting::{Kind, Server};
use crate::source::Span;

/// Those of the image, in the order in which they are set up (docs/clearml.md#order-of-the-set-up).
const IN_IMAGE: [&str; 5] = [
    "apiserver",
    "fileserver",
    "webserver",
    "services_agent",
    "tests",
];

/// The name that the web page shows.
const SHOWN: &str = "display_name";

/// What an account may do, the most powerful first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Everything.
    System,
    /// Everything, as a person.
    Root,
    /// Acts as any user.
    Admin,
    /// More than a user.
    Superuser,
    /// What people do.
    User,
    /// Less.
    Annotator,
    /// The least.
    Guest,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::System,
        Self::Root,
        Self::Admin,
        Self::Superuser,
        Self::User,
        Self::Annotator,
        Self::Guest,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Root => "root",
            Self::Admin => "admin",
            Self::Superuser => "superuser",
            Self::User => "user",
            Self::Annotator => "annotator",
            Self::Guest => "guest",
        }
    }

    /// The role of this name, in lower case as the server compares it.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// One account.
pub struct Account {
    /// Its name, as HOCON has it.
    pub name: String,
    /// Whether it is none of those that the image of this version comes with.
    pub is_own: bool,
    /// Its role; none where it is none that there is.
    pub role: Knowable<Option<Role>>,
    /// The role that the image gives it, if it is one of the image's.
    pub role_in_image: Option<Role>,
    /// The key to log in with.
    pub key: Half,
    /// The secret to log in with.
    pub secret: Half,
    /// Why the set-up of accounts ends here, if it does.
    pub fault: Option<AccountFault>,
    /// Where its role stands, or else a half of its pair; none where all of it is the image's.
    pub span: Option<Span>,
}

/// Half of the pair that an account logs in with.
pub struct Half {
    /// What the server takes; what is false to it is no key at all, and `Empty` here.
    pub value: Value,
    /// Where it stands, unless it is the image's.
    pub span: Option<Span>,
}

/// Why an account cannot be set up (docs/clearml.md#account-without-a-role).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountFault {
    /// It is no object with keys of its own.
    NoObject,
    /// It has no such key.
    Missing(&'static str),
    /// Its role is none that there is.
    NoSuchRole,
    /// This key is no text.
    NotText(&'static str),
    /// Its name is no part of a mail address, which the server makes of it.
    Name,
}

/// What an API server makes of `secure.credentials`.
#[derive(Default)]
pub struct Accounts {
    /// The accounts, in the order of the set-up.
    pub accounts: Vec<Account>,
    /// Where something stands in place of all accounts.
    pub replaced: Option<Span>,
}

impl Accounts {
    /// The accounts of an API server.
    pub fn of(server: &ServerConfiguration, deployment: &Deployment) -> Self {
        let mut found = Self::default();
        if server.server != Server::Apiserver {
            return found;
        }
        let object = match server.tree.get(ACCOUNTS).map(|node| &node.value) {
            Some(hocon::Value::Object(object)) => object,
            _ => {
                if let Configured::Value(_, span) = server.configured(deployment, ACCOUNTS) {
                    found.replaced = Some(span);
                }
                return found;
            }
        };
        let names = object.iter().map(|(name, _)| name);
        let in_image = IN_IMAGE
            .into_iter()
            .filter(|name| object.iter().any(|(key, _)| key == *name));
        let own = names.filter(|name| !IN_IMAGE.contains(name));
        let reader = Reader { server, deployment };
        found.accounts = in_image
            .chain(own)
            .map(|name| reader.account(name))
            .collect();
        found
    }
}

impl Account {
    /// Whether the server has made it before its set-up ends, if it does: the name to show is asked for last.
    pub fn is_set_up(&self) -> bool {
        match self.fault {
            None => true,
            Some(AccountFault::Missing(key) | AccountFault::NotText(key)) => key == SHOWN,
            Some(_) => false,
        }
    }

    /// A half of its pair.
    pub fn half(&self, kind: Kind) -> &Half {
        match kind {
            Kind::Key => &self.key,
            Kind::Secret => &self.secret,
        }
    }

    /// Whether nobody logs in with it, because a half of its pair is empty (docs/clearml.md#empty-key-or-secret).
    pub fn is_closed(&self) -> bool {
        let is_nothing = |half: &Half| matches!(half.value, Value::Absent | Value::Empty);
        is_nothing(&self.key) || is_nothing(&self.secret)
    }
}

struct Reader<'a> {
    server: &'a ServerConfiguration,
    deployment: &'a Deployment,
}

/// The key at which a half of a pair stands.
pub fn field(kind: Kind) -> &'static str {
    match kind {
        Kind::Key => "user_key",
        Kind::Secret => "user_secret",
    }
}

/// What stands at a key of an account.
enum Found<'a> {
    /// The image's own, if it has one.
    Image(Option<&'static ImageDefault>),
    Unknown(String, Option<Span>),
    Value(&'a hocon::Value, Span),
    /// The key is not there.
    Missing(Span),
}

impl<'a> Reader<'a> {
    fn account(&self, name: &str) -> Account {
        let fields = ["role", "user_key", "user_secret"].map(|field| self.find(name, field));
        let in_image = match self.in_image(name, "role") {
            Knowable::Known(default @ Some(_)) => role(&Found::Image(default)),
            _ => Knowable::Known(None),
        };
        let [role_at, key_at, secret_at] = &fields;
        let mut places = [role_at, key_at, secret_at].into_iter();
        let mut account = Account {
            name: name.to_owned(),
            is_own: !self.is_in_image(name),
            role: role(role_at),
            role_in_image: in_image.into_known().flatten(),
            key: self.half(name, Kind::Key, key_at),
            secret: self.half(name, Kind::Secret, secret_at),
            fault: None,
            span: places
                .find_map(|found| found.span())
                .or_else(|| self.span(name)),
        };
        account.fault = self.fault(&account, &fields);
        account
    }

    /// Where an account is set that has nothing in it.
    fn span(&self, name: &str) -> Option<Span> {
        let path = format!("{ACCOUNTS}.{name}");
        match self.server.configured(self.deployment, &path) {
            Configured::Value(_, span) | Configured::Unknown(_, span) => Some(span),
            Configured::Not => None,
        }
    }

    fn half(&self, name: &str, kind: Kind, found: &Found<'_>) -> Half {
        let value = match found {
            Found::Unknown(reason, _) => Value::Unknown(reason.clone()),
            Found::Missing(_) => Value::Absent,
            Found::Value(value, _) if value.truth() == Some(false) => Value::Empty,
            Found::Value(value, _) => Value::of(value),
            Found::Image(_) => {
                let path = format!("{ACCOUNTS}.{name}.{}", field(kind));
                let node = self.server.tree.get(&path);
                node.map_or(Value::Absent, |node| Value::of(&node.value))
            }
        };
        Half {
            value,
            span: found.span(),
        }
    }

    /// What keeps the server from setting it up, in the order in which the server comes upon it.
    fn fault(&self, account: &Account, fields: &[Found<'_>; 3]) -> Option<AccountFault> {
        let name = account.name.as_str();
        let node = self.server.tree.get(&format!("{ACCOUNTS}.{name}"))?;
        match &node.value {
            hocon::Value::Object(_) => {}
            hocon::Value::Unknown(_) => return None,
            _ => return Some(AccountFault::NoObject),
        }
        let names = ["role", "user_key", "user_secret"];
        let mut missing = names.into_iter().zip(fields);
        if let Some((name, _)) = missing.find(|(_, field)| field.is_missing()) {
            return Some(AccountFault::Missing(name));
        }
        if account.role == Knowable::Known(None) {
            return Some(AccountFault::NoSuchRole);
        }
        if account.is_own && !is_local_part(name) {
            return Some(AccountFault::Name);
        }
        let halves = [Kind::Key, Kind::Secret].into_iter();
        let mut no_text =
            halves.filter(|kind| matches!(account.half(*kind).value, Value::NotText(_)));
        if let Some(kind) = no_text.next().filter(|_| !account.is_closed()) {
            return Some(AccountFault::NotText(field(kind)));
        }
        // Only who has the role `user`, written out, is a user of the web page as well, with a name to show.
        let is_user = match &fields[0] {
            Found::Value(value, _) => value.as_text().is_some(),
            field => matches!(field, Found::Image(_)),
        };
        if !is_user || account.role != Knowable::Known(Some(Role::User)) {
            return None;
        }
        match self.find(name, SHOWN) {
            shown if shown.is_missing() => Some(AccountFault::Missing(SHOWN)),
            Found::Value(value, _) if value.as_text().is_none() => {
                Some(AccountFault::NotText(SHOWN))
            }
            _ => None,
        }
    }

    fn find(&self, name: &str, field: &str) -> Found<'a> {
        let path = format!("{ACCOUNTS}.{name}.{field}");
        match self.server.configured(self.deployment, &path) {
            Configured::Unknown(reason, span) => Found::Unknown(reason.to_owned(), Some(span)),
            configured @ Configured::Value(value, span) => match value.unknown() {
                Some(reason) => Found::Unknown(reason.to_owned(), Some(span)),
                None if configured.is_missing() => Found::Missing(span),
                None => Found::Value(value, span),
            },
            Configured::Not => match self.in_image(name, field) {
                Knowable::Known(default) => Found::Image(default),
                Knowable::Unknown(reason) => Found::Unknown(reason.to_string(), None),
            },
        }
    }

    fn is_in_image(&self, name: &str) -> bool {
        let instance = &self.deployment.instances[self.server.instance];
        let mut settings = instance.settings();
        settings.any(|setting| setting.account() == Some(name))
    }

    fn in_image(&self, name: &str, field: &str) -> Knowable<Option<&'static ImageDefault>> {
        let instance = &self.deployment.instances[self.server.instance];
        let path = format!("{ACCOUNTS}.{name}.{field}");
        let found = image::find(Server::Apiserver, &path, instance.known_version());
        found.map(|entry| entry.map(|entry| &entry.default))
    }
}

impl Found<'_> {
    fn is_missing(&self) -> bool {
        matches!(self, Self::Image(None) | Self::Missing(_))
    }

    fn span(&self) -> Option<Span> {
        match self {
            Self::Image(_) => None,
            Self::Unknown(_, span) => *span,
            Self::Value(_, span) | Self::Missing(span) => Some(*span),
        }
    }
}

fn role(found: &Found<'_>) -> Knowable<Option<Role>> {
    Knowable::Known(match found {
        Found::Unknown(reason, _) => return Knowable::unknown(reason.clone()),
        Found::Image(Some(ImageDefault::Word(role))) => Role::parse(role),
        Found::Image(_) | Found::Missing(_) => None,
        // The database puts its own default in the place of null.
        Found::Value(hocon::Value::Null, _) => Some(Role::User),
        Found::Value(value, _) => value.as_text().and_then(|role| Role::parse(role.expose())),
    })
}

/// Whether it is what may stand before the `@` of a mail address.
fn is_local_part(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{}|~-".contains(c);
    // A name with signs of HOCON in it stands in its quotes.
    let inside = name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'));
    inside.map_or_else(
        || {
            name.split('.')
                .all(|part| !part.is_empty() && part.chars().all(is_plain))
        },
        |inside| inside.is_ascii() && !inside.contains(['"', '\\', '\n', '\r']),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_start_of_a_mail_address() {
        for name in ["mine", "a_b", "a-b", "\"a.b\"", "1"] {
            assert!(is_local_part(name), "{name}");
        }
        for name in ["my account", "ä", "(x)", ""] {
            assert!(!is_local_part(name), "{name}");
        }
    }

    #[test]
    fn roles_are_compared_as_they_are_written() {
        assert_eq!(Role::parse("system"), Some(Role::System));
        assert_eq!(Role::parse("System"), None);
        assert!(Role::System < Role::User);
    }
}

use std::fmt;

use serde::{Deserialize, Deserializer, de};

/// One of the twelve configuration paths that decide who gets into a ClearML Server.
///
/// The table is [`SETTINGS`]; a `Setting` is a row of it, compared by position.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Setting(u8);

/// What a setting's value is, which decides its length and its alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The name of an account: `[A-Z][A-Z0-9]{29}`. Not secret by itself, yet never printed.
    Key,
    /// What proves the account, or signs a token: `[A-Za-z][A-Za-z0-9]{53}`.
    Secret,
}

/// A process that reads settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Server {
    /// The API server: creates the internal accounts, signs and checks tokens.
    Apiserver,
    /// The file server: logs in at the API server with its own account.
    Fileserver,
    /// The job that deletes files: signs its own token (docs/clearml.md#token-secret-on-two-servers).
    AsyncDelete,
    /// The web server. It reads none of the settings.
    Webserver,
    /// The agent that runs services: reads its credentials raw, without HOCON.
    AgentServices,
}

impl Server {
    /// Every server, in the order they are reported.
    pub const ALL: [Self; 5] = [
        Self::Apiserver,
        Self::Fileserver,
        Self::AsyncDelete,
        Self::Webserver,
        Self::AgentServices,
    ];

    /// The name used in messages, in JSON and in the documentation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Apiserver => "apiserver",
            Self::Fileserver => "fileserver",
            Self::AsyncDelete => "async_delete",
            Self::Webserver => "webserver",
            Self::AgentServices => "agent-services",
        }
    }

    /// Whether it loads ClearML's HOCON configuration: `CLEARML__…` variables and `*.conf` files.
    pub fn reads_configuration(self) -> bool {
        matches!(self, Self::Apiserver | Self::Fileserver | Self::AsyncDelete)
    }

    /// Where it listens in its container (docs/clearml.md#ports-and-networks).
    pub fn ports(self) -> &'static [u16] {
        match self {
            Self::Apiserver => &[8008],
            Self::Fileserver => &[8081],
            Self::Webserver => &[80, 8080],
            Self::AsyncDelete | Self::AgentServices => &[],
        }
    }
}

impl<'de> Deserialize<'de> for Server {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let server = Self::ALL.into_iter().find(|server| server.name() == name);
        server.ok_or_else(|| de::Error::custom("no server"))
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One row of the table.
struct Row {
    path: &'static str,
    kind: Kind,
    servers: &'static [Server],
    raw_variable: Option<&'static str>,
}

const fn row(path: &'static str, kind: Kind, servers: &'static [Server]) -> Row {
    Row {
        path,
        kind,
        servers,
        raw_variable: None,
    }
}

/// The twelve settings, who must agree on each, and the raw variable where a server takes it without HOCON.
/// Source: docs/clearml.md#the-twelve-settings.
const TABLE: [Row; 12] = {
    use Server::{AgentServices, Apiserver, AsyncDelete, Fileserver};
    [
        row(
            "secure.http.session_secret.apiserver",
            Kind::Secret,
            &[Apiserver],
        ),
        row(
            "secure.auth.token_secret",
            Kind::Secret,
            &[Apiserver, AsyncDelete],
        ),
        row(
            "secure.credentials.apiserver.user_key",
            Kind::Key,
            &[Apiserver],
        ),
        row(
            "secure.credentials.apiserver.user_secret",
            Kind::Secret,
            &[Apiserver],
        ),
        row(
            "secure.credentials.fileserver.user_key",
            Kind::Key,
            &[Apiserver, Fileserver],
        ),
        row(
            "secure.credentials.fileserver.user_secret",
            Kind::Secret,
            &[Apiserver, Fileserver],
        ),
        row(
            "secure.credentials.webserver.user_key",
            Kind::Key,
            &[Apiserver],
        ),
        row(
            "secure.credentials.webserver.user_secret",
            Kind::Secret,
            &[Apiserver],
        ),
        row("secure.credentials.tests.user_key", Kind::Key, &[Apiserver]),
        row(
            "secure.credentials.tests.user_secret",
            Kind::Secret,
            &[Apiserver],
        ),
        Row {
            path: "secure.credentials.services_agent.user_key",
            kind: Kind::Key,
            servers: &[Apiserver, AgentServices],
            raw_variable: Some("CLEARML_API_ACCESS_KEY"),
        },
        Row {
            path: "secure.credentials.services_agent.user_secret",
            kind: Kind::Secret,
            servers: &[Apiserver, AgentServices],
            raw_variable: Some("CLEARML_API_SECRET_KEY"),
        },
    ]
};

/// Every setting, in the order of the documentation: the inventory.
pub const SETTINGS: [Setting; 12] = {
    let mut all = [Setting(0); 12];
    let mut index = 0;
    while index < all.len() {
        all[index] = Setting(index as u8);
        index += 1;
    }
    all
};

/// Whether two texts are the same, asked by the compiler.
const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// Whether what is behind the prefix of a variable means a path: `__` is read as a dot, from the left, and case does not matter
/// (docs/clearml.md#variable-names). It is asked for every variable and path of every server, so nothing is copied.
pub(crate) fn is_spelling(name: &str, path: &str) -> bool {
    let mut rest = name.as_bytes();
    for wanted in path.bytes() {
        let (read, length) = match rest {
            [b'_', b'_', ..] => (b'.', 2),
            [first, ..] => (*first, 1),
            [] => return false,
        };
        if !read.eq_ignore_ascii_case(&wanted) {
            return false;
        }
        rest = &rest[length..];
    }
    rest.is_empty()
}

impl Setting {
    fn row(self) -> &'static Row {
        &TABLE[usize::from(self.0)]
    }

    /// Position in [`SETTINGS`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The configuration path, e.g. `secure.auth.token_secret`.
    pub fn path(self) -> &'static str {
        self.row().path
    }

    /// Key or secret.
    pub fn kind(self) -> Kind {
        self.row().kind
    }

    /// The servers that read it and must agree on it.
    pub fn servers(self) -> &'static [Server] {
        self.row().servers
    }

    /// The canonical environment variable, e.g. `CLEARML__SECURE__AUTH__TOKEN_SECRET`.
    pub fn variable(self) -> String {
        format!(
            "CLEARML__{}",
            self.path().to_ascii_uppercase().replace('.', "__")
        )
    }

    /// The variable in which the agent takes it raw, for the two settings of the services agent.
    pub fn raw_variable(self) -> Option<&'static str> {
        self.row().raw_variable
    }

    /// The account it belongs to, e.g. `fileserver`; none for the two signing secrets.
    pub fn account(self) -> Option<&'static str> {
        self.path()
            .strip_prefix("secure.credentials.")?
            .split('.')
            .next()
    }

    /// The other half of a key and secret pair; none for the two signing secrets.
    pub fn other_half(self) -> Option<Self> {
        self.account()?;
        // The table has them beside each other.
        SETTINGS.get(self.index() ^ 1).copied()
    }

    /// The setting with this path, compared without regard to case as servers do (docs/clearml.md#variable-names).
    pub fn by_path(path: &str) -> Option<Self> {
        SETTINGS
            .into_iter()
            .find(|setting| setting.path().eq_ignore_ascii_case(path))
    }

    /// The setting with this very path, in tables that are made when the program is compiled.
    pub(crate) const fn of_path(path: &str) -> Self {
        let mut index = 0;
        while index < TABLE.len() {
            if is_same(TABLE[index].path.as_bytes(), path.as_bytes()) {
                return SETTINGS[index];
            }
            index += 1;
        }
        panic!("a table names a setting that there is not")
    }

    /// The setting that a `CLEARML__…` or `TRAINS__…` variable sets directly.
    pub fn by_variable(name: &str) -> Option<Self> {
        let path = name
            .strip_prefix("CLEARML__")
            .or_else(|| name.strip_prefix("TRAINS__"))?;
        SETTINGS
            .into_iter()
            .find(|setting| is_spelling(path, setting.path()))
    }

    /// The short name: the account (`fileserver`), or `token_secret` or `session_secret`.
    pub fn group(self) -> &'static str {
        self.account()
            .unwrap_or(if self.path().starts_with("secure.auth") {
                "token_secret"
            } else {
                "session_secret"
            })
    }

    /// The settings that a word on the command line means: a path or a [group](Self::group).
    /// Empty when it means none.
    pub fn by_word(word: &str) -> Vec<Self> {
        let is_meant = |setting: &Self| {
            setting.path().eq_ignore_ascii_case(word) || setting.group().eq_ignore_ascii_case(word)
        };
        SETTINGS.into_iter().filter(is_meant).collect()
    }

    /// Words that mean these settings: a group where all of it is among them, else paths.
    pub fn words(settings: &[Self]) -> Vec<&'static str> {
        let word = |setting: &Self| {
            let group = Self::by_word(setting.group());
            match group.iter().all(|setting| settings.contains(setting)) {
                true => setting.group(),
                false => setting.path(),
            }
        };
        let mut words: Vec<&str> = settings.iter().map(word).collect();
        words.dedup();
        words
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path())
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_found_by_its_variable_in_any_case() {
        for setting in SETTINGS {
            assert_eq!(Setting::by_variable(&setting.variable()), Some(setting));
            let lower = setting.variable().replace("SECURE", "secure");
            assert_eq!(Setting::by_variable(&lower), Some(setting));
            assert_eq!(
                Setting::by_variable(&lower.replace("CLEARML__", "TRAINS__")),
                Some(setting)
            );
        }
    }

    #[test]
    fn a_spelling_is_what_the_path_is_when_it_is_replaced() {
        let names = [
            "", "_", "__", "___", "____", "a__b", "A__b", "a___b", "a____b", "a.b", "a_b", "a__",
            "__b", "a__bc", "a__ä", "a__Ä",
        ];
        let paths = [
            "", ".", "_", "._", "_.", "..", "a.b", "a._b", "a..b", "a_b", "a.", ".b", "a.bc", "a.ä",
        ];
        for name in names {
            for path in paths {
                let is_one = name.replace("__", ".").eq_ignore_ascii_case(path);
                assert_eq!(is_spelling(name, path), is_one, "{name} {path}");
            }
        }
    }

    #[test]
    fn halves_of_a_pair_are_of_one_account() {
        for setting in SETTINGS {
            let same = SETTINGS.into_iter().find(|other| {
                *other != setting
                    && other.account().is_some()
                    && other.account() == setting.account()
            });
            assert_eq!(setting.other_half(), same, "{setting}");
        }
    }

    #[test]
    fn only_upper_case_prefixes_count() {
        assert_eq!(
            Setting::by_variable("clearml__secure__auth__token_secret"),
            None
        );
        assert_eq!(
            Setting::by_variable("CLEARML___secure__auth__token_secret"),
            None
        );
    }

    #[test]
    fn words_mean_settings() {
        assert_eq!(Setting::by_word("token_secret").len(), 1);
        assert_eq!(Setting::by_word("fileserver").len(), 2);
        assert_eq!(Setting::by_word("session_secret").len(), 1);
        assert_eq!(
            Setting::by_word("secure.credentials.tests.user_key").len(),
            1
        );
        assert!(Setting::by_word("user_key").is_empty());
        assert_eq!(Setting::by_word("apiserver").len(), 2);
    }
}

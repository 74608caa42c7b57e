//! What values say so that every server takes every setting from one Secret (docs/clearml.md#helm-chart).

use super::table::KEYS;
use crate::keyset::kubernetes::name_of;
use crate::setting::{SETTINGS, Server, Setting};
use crate::version::Version;
use crate::yaml::edit;

/// The cookie of the web login, where `clearml.cookieName` says no other.
pub const COOKIE: &str = "clearml-token-k8s";

/// The configuration path of the cookies that the file server takes.
pub const COOKIE_PATH: &str = "fileserver.auth.cookie_names";

/// The first chart that takes keys from a Secret of the user's own.
const EXISTING_SECRET: Version = Version::new(7, 2, 1);

/// The first chart in which web-login users can be beside these entries: older servers have no account of the file server, and
/// the one that the entries make there has no role, which ends the set-up before it comes to the users
/// (docs/clearml.md#account-without-a-role).
const USERS: Version = Version::new(7, 11, 0);

/// What the chart takes from `clearml.existingSecret` by itself, at the API server.
const OF_THE_CHART: [&str; 5] = [
    "secure.auth.token_secret",
    "secure.credentials.apiserver.user_key",
    "secure.credentials.apiserver.user_secret",
    "secure.credentials.tests.user_key",
    "secure.credentials.tests.user_secret",
];

/// One entry of `extraEnvs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraEnv {
    /// The variable.
    pub name: String,
    /// The configuration path that it sets.
    pub path: &'static str,
    /// What it is to be.
    pub value: ExtraValue,
}

/// What a variable is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExtraValue {
    /// What the Secret has under this key.
    Key(&'static str),
    /// This text.
    Text(String),
}

/// The entries of a server's `extraEnvs`: what no value of the chart reaches.
pub fn extra_envs(server: Server, cookie: Option<&str>) -> Vec<ExtraEnv> {
    let is_needed =
        |setting: &Setting| setting.servers().contains(&server) && !is_of_the_chart(*setting);
    let settings = SETTINGS.into_iter().filter(is_needed);
    let mut entries: Vec<ExtraEnv> = settings
        .map(|setting| ExtraEnv {
            name: setting.variable(),
            path: setting.path(),
            value: ExtraValue::Key(name_of(setting)),
        })
        .collect();
    // The chart sets this name in capitals, and lower case wins.
    if let Some(cookie) = cookie.filter(|_| server == Server::Fileserver) {
        entries.push(ExtraEnv {
            name: "CLEARML__fileserver__auth__cookie_names".to_owned(),
            path: COOKIE_PATH,
            value: ExtraValue::Text(format!("[ {cookie} ]")),
        });
    }
    entries
}

/// The first chart that these values are for.
pub fn oldest(has_users: bool) -> Version {
    match has_users {
        true => USERS,
        false => EXISTING_SECRET,
    }
}

/// Whether the chart gives a setting to the servers that read it, from `clearml.existingSecret`.
pub fn is_of_the_chart(setting: Setting) -> bool {
    OF_THE_CHART.contains(&setting.path())
}

/// The values below `clearml` that nothing reads beside `clearml.existingSecret`.
pub fn unread_constants() -> impl Iterator<Item = &'static str> {
    let paths = KEYS.iter().map(|(_, path)| *path);
    paths.filter_map(|path| path.strip_prefix("clearml."))
}

impl ExtraEnv {
    /// `name: …` and the line that belongs to it.
    pub fn lines(&self, secret: &str) -> [String; 2] {
        let value = match &self.value {
            ExtraValue::Key(key) => {
                let secret = edit::scalar(secret);
                format!("valueFrom: {{secretKeyRef: {{name: {secret}, key: {key}}}}}")
            }
            ExtraValue::Text(text) => format!("value: \"{text}\""),
        };
        [format!("name: {}", self.name), value]
    }
}

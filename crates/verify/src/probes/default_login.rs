//! A published key and secret log in.
//!
//! **What**: the API server accepts a pair that is printed in ClearML's source, its charts or its documentation, or a user
//! and a password that are: john, jane, guest.
//!
//! **Why**: these are the first that anybody tries. With role `system` one call returns every other secret.
//!
//! **Fix**: `clearml-keygen -o keys.env`, then `clearml-inject -k keys.env -i docker-compose.yml`, and restart
//! apiserver, fileserver and async_delete together.
//!
//! **Asks**: auth.login with each known pair, and with the users that the documentation prints. The server writes down when
//! a pair was used. One of the image's own that is refused is tried again on two further connections, as a load balancer may
//! have several servers behind it. Pairs of an account that the version does not have are left out.

use clearml_secure_core::known::{Known, built_in, has_setting};
use clearml_secure_core::setting::{SETTINGS, Server, Setting};
use clearml_secure_core::version::Version;

use super::Probe;
use crate::finding::Severity;
use crate::live::{Login, Seen, Site, pairs, together, told};

/// Users whose passwords ClearML's own files and its documentation print (docs/clearml.md#known-public-values).
const USERS: [(&str, &str); 4] = [
    ("guest", "guest"),
    ("jane", "12345678"),
    ("john", "12345678"),
    ("john", "123456"),
];

pub(crate) struct DefaultLogin;

impl Probe for DefaultLogin {
    fn id(&self) -> &'static str {
        "default-login"
    }

    fn is_about_public_keys(&self) -> bool {
        true
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let Some(api) = &site.api else {
            return;
        };
        let version = told(site);
        let has_account = |key: &Known| {
            let setting = key.setting.filter(|_| version.is_some());
            setting.is_none_or(|setting| has_setting(setting, version))
        };
        let mut pairs = pairs();
        pairs.retain(|(_, key, _)| has_account(key));
        // A guest that the server tells of is `guest-login`.
        let tells_of_guest = site
            .login_modes()
            .is_some_and(|answer| super::modes(&answer).is_some_and(|modes| modes.has_guest));
        let users = &USERS[usize::from(tells_of_guest)..];
        let known = pairs
            .iter()
            .map(|(_, key, secret)| (key.value, secret.value));
        let tried: Vec<(&str, &str)> = known.chain(users.iter().copied()).collect();
        let mut logins = together(&tried, |(name, secret)| {
            match is_built_in(name, secret, version) {
                true => site.log_in_throughout(name, secret),
                false => site.log_in(name, secret),
            }
        })
        .into_iter();
        for ((account, key, _), login) in pairs.iter().zip(&mut logins) {
            let by = |role: &str| {
                format!(
                    "anyone who can reach {api} can log in as {account}, with role {role}: the key pair is public ({})",
                    key.what
                )
            };
            self.say(seen, api, login, by);
        }
        for ((name, _), login) in users.iter().zip(logins) {
            let by = |role: &str| {
                format!(
                    "anyone who can reach {api} can log in as user {name}, with role {role}: the password is in ClearML's documentation"
                )
            };
            self.say(seen, api, login, by);
        }
    }
}

/// Whether a pair is one that an image of this version has by itself.
fn is_built_in(key: &str, secret: &str, version: Option<Version>) -> bool {
    let is_so = |setting: Setting, value: &str| {
        built_in(setting, version).is_some_and(|known| known.value == value)
    };
    SETTINGS.into_iter().any(|setting| {
        let other = setting.other_half();
        is_so(setting, key) && other.is_some_and(|other| is_so(other, secret))
    })
}

impl DefaultLogin {
    fn say(
        &self,
        seen: &mut Seen,
        api: &str,
        login: Option<Login>,
        message: impl Fn(&str) -> String,
    ) {
        match login {
            None | Some(Login::Refused) => {}
            Some(Login::In { token, .. } | Login::Divided(token)) => seen.found(
                // Somebody gets in.
                Severity::Error,
                Server::Apiserver,
                message(token.role.name()),
                HELP,
            ),
            // Somebody else's answer says nothing, and one answer speaks for all pairs.
            Some(Login::Broken(failure) | Login::Unclear(failure)) => seen.unclear(
                &format!("whether a published pair logs in at {api}"),
                &failure,
            ),
        }
    }
}

const HELP: &str = super::NEW_KEYS;

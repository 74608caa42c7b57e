//! A published key and secret log in.
//!
//! **What**: the API server accepts a pair that is printed in ClearML's source, its charts or its documentation.
//!
//! **Why**: it is the first that anybody tries. With role `system` one call returns every other secret.
//!
//! **Fix**: `clearml-keygen | clearml-inject docker-compose.yml > secured.yml`, and restart apiserver, fileserver and
//! async_delete together.
//!
//! **Asks**: auth.login with each known pair. The server writes down when a pair was used.

use clearml_secure_core::io::escape;
use clearml_secure_core::known::{self, Class, Known};
use clearml_secure_core::setting::{Kind, Server, Setting};

use super::Probe;
use crate::finding::Severity;
use crate::live::{Seen, Site, role, together};

pub(crate) struct DefaultLogin;

impl Probe for DefaultLogin {
    fn id(&self) -> &'static str {
        "default-login"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let Some(api) = &site.api else {
            return;
        };
        let pairs = pairs();
        let answers = together(&pairs, |(_, key, secret)| {
            site.log_in(&key.value, &secret.value)
        });
        for ((account, key, _), answer) in pairs.into_iter().zip(answers) {
            let Some(answer) = answer else {
                continue;
            };
            match answer.as_ref().map(|answer| answer.status) {
                Ok(401) => {}
                Ok(200) => {
                    let token = answer.map(|answer| answer.json()["data"]["token"].clone());
                    let token = token.unwrap_or_default();
                    let role = token.as_str().and_then(role);
                    let role = role.as_deref().unwrap_or("unknown");
                    seen.found(
                        self.id(),
                        // Somebody gets in.
                        Severity::Error,
                        Server::Apiserver,
                        format!(
                            "{api} lets anybody in as {account}, with role {}, by a published pair: {}",
                            escape(role),
                            key.what
                        ),
                        "clearml-keygen | clearml-inject docker-compose.yml > secured.yml, then restart the servers",
                    );
                }
                // Somebody else's answer says nothing, and one answer speaks for all pairs.
                _ => seen.odd(
                    &format!("whether a published pair logs in at {api}"),
                    &answer,
                ),
            }
        }
    }
}

/// The known keys of every account with the known secrets that came with them.
pub(super) fn pairs() -> Vec<(&'static str, &'static Known, &'static Known)> {
    let of = |setting: Setting| {
        known::all()
            .iter()
            .filter(move |known| known.setting == Some(setting))
    };
    let mut pairs = Vec::new();
    for key_setting in clearml_secure_core::setting::SETTINGS {
        let Some(account) = key_setting
            .account()
            .filter(|_| key_setting.kind() == Kind::Key)
        else {
            continue;
        };
        let Some(secret_setting) = key_setting.other_half() else {
            continue;
        };
        for key in of(key_setting) {
            let secrets = of(secret_setting).filter(|secret| are_together(key, secret));
            pairs.extend(secrets.map(|secret| (account, key, secret)));
        }
    }
    // The charts' readiness probe and agent have no setting of their own; their secret is the charts' token secret.
    let part = |what: &str| known::all().iter().find(|known| known.what.contains(what));
    if let (Some(key), Some(secret)) = (part("readinessprobeKey"), part("readinessprobeSecret")) {
        pairs.push(("the charts' agent", key, secret));
    }
    // What the documentation writes where a value belongs, for every account alike.
    let stand_ins = |part: &'static str| {
        known::all()
            .iter()
            .filter(move |known| known.is_documented_stand_in() && known.value.contains(part))
    };
    for key in stand_ins("key") {
        let stem = key.value.split('-').next().unwrap_or_default();
        let secrets = stand_ins("secret").filter(|secret| secret.value.starts_with(stem));
        pairs.extend(secrets.map(|secret| ("an account", key, secret)));
    }
    pairs
}

/// Whether a key and a secret were ever published together: by the same kind of source, and for charts, whose values
/// were all replaced at once, at the same time.
fn are_together(key: &Known, secret: &Known) -> bool {
    let is_old = |known: &Known| known.what.contains("2021");
    key.class == secret.class && (key.class != Class::Chart || is_old(key) == is_old(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_of_every_source_is_tried() {
        let pairs = pairs();
        let has = |account: &str, key: &str| {
            pairs
                .iter()
                .any(|(known, one, _)| *known == account && one.value == key)
        };
        assert!(has("fileserver", "GSQWPEKSKNKF354LC9V6BHXKTYFD5I"));
        assert!(has("fileserver", "XXCRJ123CEE2KSQ068WO"));
        assert!(has("the charts' agent", "GK4PRTVT3706T25K6BA1"));
        assert!(has("an account", "new-key-string"));
        assert!(has("an account", "default-key"));
        assert_eq!(pairs.len(), 16);
    }
}

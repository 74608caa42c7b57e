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

use clearml_secure_core::setting::Server;
use clearml_secure_core::shown::escape;

use super::Probe;
use crate::finding::Severity;
use crate::live::{Seen, Site, pairs, role, together};

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

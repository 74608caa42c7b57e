//! The running server does not use the keys that it should.
//!
//! **What**: an account of `--keys` does not log in, has another role than it should, or a token that is signed with the
//! keyset's token secret is refused by the API server or the file server.
//!
//! **Why**: the configuration is there, and the server runs with something else: with the public defaults, or with what
//! it read before it was changed.
//!
//! **Fix**: restart apiserver, fileserver and async_delete together; `clearml-verify` on the files says what they read.
//!
//! **Asks**: auth.login with each account, server.get_stats, and a file that is not there. Keys go over https:// or to this
//! machine only, unless `--allow-plain-http` is given. The session secret cannot be asked for.

use clearml_secure_core::finding::Severity;
use clearml_secure_core::io::escape;
use clearml_secure_core::setting::Server;

use super::{Account, Probe, accounts, token_secret};
use crate::live::{Algorithm, Claims, Seen, Site, role, sign};

/// Somebody else's keys are valid, or nobody's.
const SEVERITY: Severity = Severity::Error;

const HELP: &str =
    "restart apiserver, fileserver and async_delete together, and verify the deployment's files";

pub(crate) struct KeysNotApplied;

impl Probe for KeysNotApplied {
    fn id(&self) -> &'static str {
        "keys-not-applied"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let Some(keys) = site.keys.as_deref() else {
            return;
        };
        self.logins(site, &accounts(keys), seen);
        let Some(secret) = token_secret(Some(keys)) else {
            return seen.unknown("the token secret", "--keys does not have it");
        };
        let token = sign(Claims::Role("system"), Algorithm::Hs256, secret.expose());
        for (server, address, accepted) in [
            (Server::Apiserver, &site.api, 200),
            (Server::Fileserver, &site.files, 404),
        ] {
            let Some(address) = address else {
                continue;
            };
            if let Some(reason) = site.keeps_keys_from(address) {
                seen.unknown("whether the keys are in use", &reason);
                continue;
            }
            let shown = match server {
                Server::Apiserver => site.show_to_api(&token),
                _ => site.show_to_files(&token),
            };
            let Some(answer) = shown else {
                continue;
            };
            match answer.as_ref().map(|answer| answer.status) {
                Ok(status) if status == accepted => {}
                Ok(401) => seen.found(
                    self.id(),
                    SEVERITY,
                    server,
                    format!("{address} refuses a token that is signed with the keyset's token secret; it runs with another"),
                    HELP,
                ),
                _ => seen.odd(&format!("which token secret {address} has"), &answer),
            }
        }
    }
}

impl KeysNotApplied {
    fn logins(&self, site: &Site, accounts: &[Account<'_>], seen: &mut Seen) {
        let Some(api) = &site.api else {
            return;
        };
        if let Some(reason) = site.keeps_keys_from(api) {
            return seen.unknown("whether the keys are in use", &reason);
        }
        // Fixed users revoke these two (clearml-facts.md, 0.8).
        let has_users = site
            .login_modes()
            .and_then(super::modes)
            .is_some_and(|modes| modes["basic"]["enabled"] == true);
        for (account, answer) in super::log_in(site, accounts) {
            let may_be_revoked = has_users && ["webserver", "tests"].contains(&account.name);
            match answer.as_ref().map(|answer| answer.status) {
                Ok(401) if may_be_revoked => {}
                Ok(401) => seen.found(
                    self.id(),
                    SEVERITY,
                    Server::Apiserver,
                    format!(
                        "{api} refuses the keyset's {} account; it runs with another key or secret",
                        account.name
                    ),
                    HELP,
                ),
                Ok(200) => {
                    let token = answer
                        .map(|answer| answer.json()["data"]["token"].clone())
                        .unwrap_or_default();
                    let role = token.as_str().and_then(role).unwrap_or_default();
                    if role != account.role {
                        seen.found(
                            self.id(),
                            SEVERITY,
                            Server::Apiserver,
                            format!(
                                "{api} gives the {} account role {} instead of {}",
                                account.name,
                                escape(&role),
                                account.role
                            ),
                            HELP,
                        );
                    }
                }
                _ => seen.odd(
                    &format!("whether the keyset's accounts log in at {api}"),
                    &answer,
                ),
            }
        }
    }
}

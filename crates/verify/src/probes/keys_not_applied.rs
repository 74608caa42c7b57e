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

use std::thread;
use std::time::{Duration, Instant};

use clearml_secure_core::setting::Server;
use clearml_secure_core::shown::escape;

use super::Probe;
use crate::finding::Severity;
use crate::live::{
    Account, Algorithm, Answer, Claims, Failure, Seen, Site, accounts, role, sign, together,
    token_secret,
};

/// Somebody else's keys are valid, or nobody's.
const SEVERITY: Severity = Severity::Error;

/// How long to wait before a file server that refuses is asked again. After a restart of the API server alone the first
/// token is refused whatever it is, and the next is not (docs/clearml.md#restart-together); of several workers each has
/// its first.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(1)];

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
        let parts = [
            (Server::Apiserver, &site.api, 200),
            (Server::Fileserver, &site.files, 404),
        ];
        let shown = together(&parts, |(server, address, _)| {
            if site.keeps_keys_from(address.as_ref()?).is_some() {
                return None;
            }
            match server {
                Server::Apiserver => site.show_to_api(&token),
                _ => files(site, &token),
            }
        });
        for ((server, address, accepted), answer) in parts.into_iter().zip(shown) {
            let Some(address) = address else {
                continue;
            };
            if let Some(reason) = site.keeps_keys_from(address) {
                seen.unknown("whether the keys are in use", &reason);
                continue;
            }
            let Some(answer) = answer else {
                continue;
            };
            match answer.as_ref().map(|answer| answer.status) {
                Ok(status) if status == accepted => {}
                Ok(401) => seen.found(
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

/// What the file server says of a token, after a while if it refuses it. The bound of one request is that of all.
fn files(site: &Site, token: &str) -> Option<Result<Answer, Failure>> {
    let since = Instant::now();
    let within = site.client.timeout();
    let mut answer = site.show_to_files(token)?;
    for pause in PAUSES {
        let is_refused = matches!(&answer, Ok(answer) if answer.status == 401);
        if !is_refused || since.elapsed() + pause > within {
            break;
        }
        thread::sleep(pause);
        answer = site.show_to_files_again(token)?;
    }
    Some(answer)
}

impl KeysNotApplied {
    fn logins(&self, site: &Site, accounts: &[Account<'_>], seen: &mut Seen) {
        let Some(api) = &site.api else {
            return;
        };
        if let Some(reason) = site.keeps_keys_from(api) {
            return seen.unknown("whether the keys are in use", &reason);
        }
        // Fixed users revoke these two (docs/clearml.md#what-fixed-users-revoke).
        let modes = site.login_modes().and_then(|answer| super::modes(&answer));
        let has_users = modes.is_none_or(|modes| modes["basic"]["enabled"] == true);
        for (account, answer) in super::log_in(site, accounts) {
            let may_be_revoked = has_users && ["webserver", "tests"].contains(&account.name);
            match answer.as_ref().map(|answer| answer.status) {
                Ok(401) if may_be_revoked => {}
                Ok(401) => seen.found(
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

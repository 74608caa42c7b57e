//! The keys from before a rotation still work.
//!
//! **What**: an account of `--old-keys` logs in, or a token that is signed with its token secret is accepted.
//!
//! **Why**: whoever had the old keys is not shut out. The API server does not look tokens up, so only another token
//! secret ends them; and a file server remembers for twelve hours which tokens it has accepted.
//!
//! **Fix**: restart apiserver, fileserver and async_delete together, and empty what the file server remembers:
//! `redis-cli -n 8 FLUSHDB`.
//!
//! **Asks**: auth.login with each old account, auth.validate_token, and a file that is not there. The token shown is the same
//! as the one that `--keys` showed before the rotation, so that a memory of it is found.

use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
use crate::live::{Algorithm, Claims, Login, Seen, Site, Verdict, accounts, sign, token_secret};

/// Whoever had the keys still gets in.
const SEVERITY: Severity = Severity::Error;

pub(crate) struct OldKeysAccepted;

impl Probe for OldKeysAccepted {
    fn id(&self) -> &'static str {
        "old-keys-accepted"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let Some(keys) = site.old_keys.as_deref() else {
            return;
        };
        if let Some(api) = &site.api {
            if let Some(reason) = site.keeps_keys_from(api) {
                return seen.unknown("whether the old keys are refused", &reason);
            }
            // What was not replaced is right to log in.
            let new = site.keys.as_deref().map(accounts).unwrap_or_default();
            let mut accounts = accounts(keys);
            accounts.retain(|old| !new.iter().any(|new| new.is_same(old)));
            for (account, login) in super::log_in(site, &accounts) {
                match login {
                    Login::Refused => {}
                    Login::In { .. } => seen.found(
                        SEVERITY,
                        Server::Apiserver,
                        format!("{api} still lets the old {} account in", account.name),
                        "restart apiserver with the new keys",
                    ),
                    Login::Broken(failure) | Login::Unclear(failure) => {
                        seen.unclear(&format!("whether {api} refuses the old keys"), &failure);
                    }
                }
            }
        }
        let Some(secret) = token_secret(Some(keys)) else {
            return seen.unknown("the old token secret", "--old-keys does not have it");
        };
        if token_secret(site.keys.as_deref()).is_some_and(|new| new.expose() == secret.expose()) {
            // It was not rotated, so its tokens are right.
            return;
        }
        let token = sign(Claims::Role("system"), Algorithm::Hs256, secret.expose());
        let is_open = site.has_open_files();
        for (server, address, help) in [
            (
                Server::Apiserver,
                &site.api,
                "restart apiserver with the new token secret",
            ),
            (
                Server::Fileserver,
                &site.files,
                "restart fileserver with the others, then empty what it remembers: redis-cli -n 8 FLUSHDB",
            ),
        ] {
            let Some(address) = address else {
                continue;
            };
            if let Some(reason) = site.keeps_keys_from(address) {
                seen.unknown("whether the old token secret is refused", &reason);
                continue;
            }
            let shown = match server {
                Server::Apiserver => site.api_takes(&token),
                // Where nobody is refused, nothing is proved.
                _ if is_open => continue,
                _ => site.files_take(&token),
            };
            match shown {
                None | Some(Verdict::Refused(_)) => {}
                Some(Verdict::Accepted) => seen.found(
                    SEVERITY,
                    server,
                    format!(
                        "{address} still accepts a token that is signed with the old token secret"
                    ),
                    help,
                ),
                Some(Verdict::Unclear(failure)) => seen.unclear(
                    &format!("whether {address} refuses the old token secret"),
                    &failure,
                ),
            }
        }
    }
}

//! The keys from before a rotation still work.
//!
//! **What**: an account of `--old-keys` logs in, or a token that is signed with its token secret is accepted.
//!
//! **Why**: anyone who had the old keys is not shut out. The API server does not look tokens up, so only another token
//! secret ends them; and a file server remembers for twelve hours which tokens it has accepted.
//!
//! **Fix**: restart apiserver, fileserver and async_delete together, and empty what the file server remembers:
//! `redis-cli -n 8 FLUSHDB`.
//!
//! **Asks**: auth.login with each old account, auth.validate_token, and a file that is not there. The token shown is the same
//! as the one that `--keys` showed before the rotation, so that a memory of it is found. A token that is refused is shown again on
//! six connections, and an account on two, as behind a load balancer some servers may still have the old keys; where one of these
//! gets no answer, that it is refused is not checked. Nor is it where a server refuses a token in the words in which it refuses one
//! that is not signed: then something in front of it has put another in its place.

use clearml_secure_core::keyset::Keyset as Keys;
use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
use crate::keys::check::{Answer, Keyset, OPEN_FILES, TOKENS};
use crate::live::{
    Account, Algorithm, Claims, Login, Seen, Site, Verdict, accounts, sign, token_secret,
};

/// Anyone who had the keys still gets in.
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
        logins(site, keys, seen);
        tokens(site, keys, seen);
    }
}

/// Whether the API server refuses every account of the old keyset.
fn logins(site: &Site, keys: &Keys, seen: &mut Seen) {
    let Some(api) = super::asked_for_accounts(site, Keyset::Old, &accounts(keys), seen) else {
        return;
    };
    let at = (Server::Apiserver, api);
    // What was not replaced is right to log in, and nothing is proved of it.
    let new = site.keys.as_deref().map(accounts).unwrap_or_default();
    let (same, accounts): (Vec<Account<'_>>, Vec<Account<'_>>) = accounts(keys)
        .into_iter()
        .partition(|old| new.iter().any(|new| new.is_same(old)));
    for account in &same {
        not_replaced(seen, at, &account.subject());
    }
    for (account, login) in super::log_in(site, &accounts) {
        let answer = match login {
            Login::Refused => Answer::Refuses,
            Login::In { .. } | Login::Divided(_) => {
                let what = format!("the old keys of {} still log in at {api}", account.name);
                let message = match login {
                    Login::Divided(_) => format!("{what}, on some connections"),
                    _ => what,
                };
                let help = "restart apiserver with the new keys";
                seen.found(SEVERITY, Server::Apiserver, message, help);
                Answer::Accepts
            }
            Login::Broken(failure) | Login::Unclear(failure) => {
                seen.unclear(&format!("whether {api} refuses the old keys"), &failure);
                Answer::Nothing(failure.to_string())
            }
        };
        seen.check(Keyset::Old, at, &account.subject(), answer);
    }
}

/// Whether both servers refuse a token that is signed with the old secret.
fn tokens(site: &Site, keys: &Keys, seen: &mut Seen) {
    let Some(secret) = token_secret(Some(keys)) else {
        // No question of the proof: of a rotation of some keys, the others are not among the old ones.
        return seen.unknown("the old token secret", "--old-keys does not have it");
    };
    let is_same = token_secret(site.keys.as_deref()).is_some_and(|new| new == secret);
    let token = sign(Claims::Role("system"), Algorithm::Hs256, secret.expose());
    let parts = [
        (Server::Apiserver, &site.api),
        (Server::Fileserver, &site.files),
    ];
    for (server, address) in parts {
        let at = (server, address.as_deref().unwrap_or(&site.target));
        if is_same {
            not_replaced(seen, at, TOKENS);
            continue;
        }
        let answer = match address {
            None => Answer::Nothing(format!("no {server} was found")),
            Some(address) => match site.keeps_keys_from(address) {
                Some(reason) => {
                    seen.unknown("whether the old token secret is refused", &reason);
                    Answer::Nothing(reason)
                }
                None => of_token(site, seen, at, &token),
            },
        };
        seen.check(Keyset::Old, at, TOKENS, answer);
    }
}

/// What a server makes of a token that is signed with the old secret.
fn of_token(
    site: &Site,
    seen: &mut Seen,
    (server, address): (Server, &str),
    token: &str,
) -> Answer {
    let is_refused = |verdict: &Verdict| matches!(verdict, Verdict::Refused(_));
    let is_clear = |verdict: &Verdict| !matches!(verdict, Verdict::Unclear(_));
    let (verdict, help) = match server {
        Server::Apiserver => (
            site.takes_throughout(server, token, is_refused),
            "restart apiserver with the new token secret",
        ),
        _ => (
            site.files_take_settled(token, is_refused, is_clear),
            "restart it together with apiserver, then delete the tokens that it remembers:\n  docker compose exec redis redis-cli -n 8 FLUSHDB",
        ),
    };
    match verdict {
        None => Answer::Nothing("it was not asked".to_owned()),
        // Where nobody is refused, nothing is proved.
        Some(_) if server == Server::Fileserver && site.has_open_files() => {
            Answer::Nothing(OPEN_FILES.to_owned())
        }
        Some(Verdict::Divided) => {
            let message = format!(
                "several servers answer at {address}, and tokens that are signed with the old token secret still work at some"
            );
            seen.found(SEVERITY, server, message, help);
            Answer::Accepts
        }
        Some(Verdict::Refused(_)) => Answer::Refuses,
        Some(Verdict::Accepted { .. }) => {
            let message =
                format!("tokens that are signed with the old token secret still work at {address}");
            seen.found(SEVERITY, server, message, help);
            Answer::Accepts
        }
        Some(Verdict::Unclear(failure)) => {
            let what = format!("whether {address} refuses the old token secret");
            seen.unclear(&what, &failure);
            Answer::Nothing(failure.to_string())
        }
    }
}

/// What both keysets have: that it is refused cannot be shown, because it must not be.
fn not_replaced(seen: &mut Seen, at: (Server, &str), subject: &str) {
    let reason = "--keys has the same value, so it was not replaced";
    seen.unknown(&format!("the old {subject}"), reason);
    seen.check(Keyset::Old, at, subject, Answer::Nothing(reason.to_owned()));
}

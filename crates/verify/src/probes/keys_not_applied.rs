//! The keys of `--keys` are not in use.
//!
//! **What**: in a deployment's files, a server does not read the keyset's value, the API server lacks a web-login user of the
//! keyset or has another password hash for one, or a variable lists a user whom the keyset does not have. At a running server, an account of `--keys`
//! does not log in, has another role than it should, or a token that is signed with the keyset's token secret is refused by
//! the API server or the file server.
//!
//! **Why**: a server that reads something else runs with the public defaults, or with what it read before it was changed. A user
//! who was removed from the keyset alone can still log in.
//!
//! **Fix**: for files, `clearml-inject -k KEYS -i docker-compose.yml`. For a running server, restart apiserver, fileserver and
//! async_delete together; `clearml-verify` on the files says what they read.
//!
//! **Asks**: auth.login with each account, auth.validate_token, and a file that is not there. Keys go over https:// or to this
//! machine only, unless `--allow-plain-http` is given. The session secret cannot be asked for. A token that a server accepts is
//! shown again on six connections, and each account on two: a load balancer may have servers with other keys behind it. Where one
//! of these gets no answer, it is not checked. Nor is a token that is refused in the words for one that is not signed: something in
//! front of the server has put another in its place.

use clearml_secure_core::keyset::Keyset as Keys;
use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
use crate::keys::check::{Answer, Keyset, OPEN_FILES, TOKENS};
use crate::live::{
    Account, Algorithm, Claims, Login, Role, Seen, Site, Verdict, accounts, lacking, sign,
    together, token_secret, told,
};

/// Somebody else's keys are valid, or nobody's.
const SEVERITY: Severity = Severity::Error;

const HELP: &str = "if the keyset is this server's, restart apiserver, fileserver and async_delete together, then check the deployment's files:\n  docker compose up -d --force-recreate apiserver fileserver async_delete\n  clearml-verify --keys KEYS docker-compose.yml";

/// Where several servers are behind one address.
const RESTART_ALL: &str = "restart all of them with the new keys";

/// Why a refusal says nothing of an account that fixed users revoke.
const REVOKED: &str = "it refuses the account, as it does while fixed users are enabled, and does not say whether they are";

pub(crate) struct KeysNotApplied;

impl Probe for KeysNotApplied {
    fn id(&self) -> &'static str {
        "keys-not-applied"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let Some(keys) = site.keys.as_deref() else {
            return;
        };
        let checks: [fn(&Site, &Keys, &mut Seen); 2] = [logins, tokens];
        for other in together(&checks, |check| {
            let mut seen = Seen::default();
            check(site, keys, &mut seen);
            seen
        }) {
            let findings = seen.add(other);
            seen.findings.extend(findings);
        }
    }
}

/// The keyset has nothing that could be asked about.
fn lacks(seen: &mut Seen, address: &str, subject: &str) {
    let reason = "--keys does not have it";
    let answer = Answer::Nothing(reason.to_owned());
    seen.check(Keyset::New, (Server::Apiserver, address), subject, answer);
    seen.unknown(&format!("the {subject}"), reason);
}

/// Whether both servers take a token that is signed with the keyset's secret.
fn tokens(site: &Site, keys: &Keys, seen: &mut Seen) {
    let Some(secret) = token_secret(Some(keys)) else {
        return lacks(seen, site.target.as_str(), TOKENS);
    };
    let token = sign(Claims::Role("system"), Algorithm::Hs256, secret.expose());
    let parts = [
        (Server::Apiserver, &site.api),
        (Server::Fileserver, &site.files),
    ];
    let shown = together(&parts, |(server, address)| {
        if site.keeps_keys_from(address.as_ref()?).is_some() {
            return None;
        }
        match server {
            Server::Apiserver => site.takes_throughout(*server, &token, is_accepted),
            // It may refuse the first token after a restart, whatever it is.
            _ => site.files_take_settled(&token, is_accepted, is_accepted),
        }
    });
    for ((server, address), verdict) in parts.into_iter().zip(shown) {
        let at = (server, address.as_deref().unwrap_or(&site.target));
        let answer = match (address, verdict) {
            (None, _) => Answer::Nothing(format!("no {server} was found")),
            (Some(address), verdict) => match site.keeps_keys_from(address) {
                Some(reason) => {
                    seen.unknown("whether the keys are in use", &reason);
                    Answer::Nothing(reason)
                }
                None => of_token(site, seen, (server, address), verdict),
            },
        };
        seen.check(Keyset::New, at, TOKENS, answer);
    }
}

fn is_accepted(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Accepted { unproved: None })
}

/// What a server's verdict about a token of the keyset means.
fn of_token(
    site: &Site,
    seen: &mut Seen,
    (server, address): (Server, &str),
    verdict: Option<Verdict>,
) -> Answer {
    match verdict {
        Some(Verdict::Divided) => {
            seen.found(
                SEVERITY,
                server,
                format!(
                    "several servers answer at {address}, and some do not have the keyset's token secret: a token that is signed with it is accepted on some connections and refused on others"
                ),
                RESTART_ALL,
            );
            Answer::Refuses
        }
        None => Answer::Nothing("it was not asked".to_owned()),
        // Where nobody is refused, nothing is proved, and `anonymous-files` says so.
        Some(_) if server == Server::Fileserver && site.has_open_files() => {
            Answer::Nothing(OPEN_FILES.to_owned())
        }
        Some(Verdict::Accepted { unproved: None }) => Answer::Accepts,
        Some(Verdict::Refused(_)) => {
            seen.found(
                SEVERITY,
                server,
                format!(
                    "{address} does not have the keyset's token secret: it refuses a token that is signed with it"
                ),
                HELP,
            );
            Answer::Refuses
        }
        Some(
            Verdict::Unclear(failure)
            | Verdict::Accepted {
                unproved: Some(failure),
            },
        ) => {
            seen.unclear(&format!("which token secret {address} has"), &failure);
            Answer::Nothing(failure.to_string())
        }
    }
}

/// Whether the API server lets each account of the keyset in, with the role that it should have.
fn logins(site: &Site, keys: &Keys, seen: &mut Seen) {
    let Some(api) = super::asked_for_accounts(site, Keyset::New, &accounts(keys), seen) else {
        return;
    };
    let at = (Server::Apiserver, api);
    // Fixed users revoke these two (docs/clearml.md#what-fixed-users-revoke).
    let answer = site.login_modes();
    let modes = answer.as_ref().and_then(super::modes);
    let has_users = modes.map(|modes| modes.has_users);
    // An account that the version does not have is nothing to refuse.
    let version = told(site);
    let mut accounts = accounts(keys);
    accounts.retain(|account| account.is_in(version));
    for (account, login) in super::log_in(site, &accounts) {
        let answer = of_login(seen, api, account, login, has_users);
        seen.check(Keyset::New, at, &account.subject(), answer);
    }
    for name in lacking(keys, version) {
        lacks(seen, api, &format!("account {name}"));
    }
}

/// What it means how the API server answers to an account of the keyset.
fn of_login(
    seen: &mut Seen,
    api: &str,
    account: &Account<'_>,
    login: Login,
    has_users: Option<bool>,
) -> Answer {
    let name = account.name;
    let is_revocable = ["webserver", "tests"].contains(&name);
    let mut wrong = |message: String, help: &str| {
        seen.found(SEVERITY, Server::Apiserver, message, help);
    };
    match login {
        Login::Refused if is_revocable && has_users == Some(true) => Answer::Revokes,
        Login::Refused if is_revocable && has_users.is_none() => {
            let what = format!("whether the keyset's {name} account is in use at {api}");
            seen.unknown(&what, REVOKED);
            Answer::Nothing(REVOKED.to_owned())
        }
        Login::Refused => {
            let message = format!(
                "{api} does not have the keyset's {name} account: it refuses its key and secret"
            );
            wrong(message, HELP);
            Answer::Refuses
        }
        Login::Divided(_) => {
            let message = format!(
                "several servers answer at {api}, and some do not have the keyset's {name} account: it logs in on some connections and is refused on others"
            );
            wrong(message, RESTART_ALL);
            Answer::Refuses
        }
        Login::In {
            token,
            unproved: None,
            ..
        } if token.role == Role::Known(account.role) => Answer::Accepts,
        Login::In {
            token,
            unproved: None,
            ..
        } => {
            let (role, right) = (token.role.name(), account.role);
            let message = format!("{api} gives the {name} account role {role} instead of {right}");
            wrong(message, HELP);
            Answer::OtherRole(role.to_owned())
        }
        Login::Broken(failure)
        | Login::Unclear(failure)
        | Login::In {
            unproved: Some(failure),
            ..
        } => {
            let what = format!("whether the keyset's accounts log in at {api}");
            seen.unclear(&what, &failure);
            Answer::Nothing(failure.to_string())
        }
    }
}

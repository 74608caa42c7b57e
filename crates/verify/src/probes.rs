//! The probes: one file each, one line each in [`PROBES`].
//!
//! A probe asks a running server and changes nothing on it. Its page in docs/probes.md is the comment on top of its
//! file.

mod anonymous_files;
mod certificate;
mod client_with_old_keys;
mod cors_reflection;
mod debug_console;
mod default_login;
mod exposed_database;
mod forged_token;
mod guest_login;
mod insecure_cookie;
mod keys_not_applied;
mod misread_secret;
mod old_keys_accepted;
mod open_login;
mod plain_http;
mod published_credential;
mod server_version;
mod stack_trace;
mod vulnerable_version;

use clearml_secure_core::setting::Server;

use crate::keys::check::{Answer as CheckAnswer, Keyset};
use crate::live::{Account, Answer, Failure, Login, Modes, Seen, Site, together};

/// A check of a running server.
pub(crate) trait Probe: Send + Sync {
    /// The name: of the file and the section of docs/probes.md.
    fn id(&self) -> &'static str;
    /// Asks, and adds what it found and what it could not ask.
    fn look(&self, site: &Site, seen: &mut Seen);
    /// Whether what it finds is that anybody can know the server's keys, or that it has none: then that it takes a keyset's
    /// proves nothing.
    fn is_about_public_keys(&self) -> bool {
        false
    }
}

/// Every probe.
pub(crate) static PROBES: &[&dyn Probe] = &[
    &anonymous_files::AnonymousFiles,
    &certificate::Certificate,
    &client_with_old_keys::ClientWithOldKeys,
    &cors_reflection::CorsReflection,
    &debug_console::DebugConsole,
    &default_login::DefaultLogin,
    &exposed_database::ExposedDatabase,
    &forged_token::ForgedToken,
    &guest_login::GuestLogin,
    &insecure_cookie::InsecureCookie,
    &keys_not_applied::KeysNotApplied,
    &misread_secret::MisreadSecret,
    &old_keys_accepted::OldKeysAccepted,
    &open_login::OpenLogin,
    &plain_http::PlainHttp,
    &published_credential::PublishedCredential,
    &server_version::ServerVersion,
    &stack_trace::StackTrace,
    &vulnerable_version::VulnerableVersion,
];

/// The help where a server has public keys.
const NEW_KEYS: &str = "give every server new random values, and restart them:
  clearml-keygen -o keys.env
  clearml-inject -k keys.env -i --backup .orig docker-compose.yml";

/// Where the accounts of a keyset are asked for; none where nobody may be asked, which is then said of each of them.
fn asked_for_accounts<'a>(
    site: &'a Site,
    keyset: Keyset,
    accounts: &[Account<'_>],
    seen: &mut Seen,
) -> Option<&'a str> {
    let reason = match site.api.as_deref() {
        // What was looked for in vain is said of the target.
        None => format!("no {} was found", Server::Apiserver),
        Some(api) => {
            let Some(reason) = site.keeps_keys_from(api) else {
                return Some(api);
            };
            let what = match keyset {
                Keyset::New => "whether the keys are in use",
                Keyset::Old => "whether the old keys are refused",
            };
            seen.unknown(what, &reason);
            reason
        }
    };
    let at = (
        Server::Apiserver,
        site.api.as_deref().unwrap_or(&site.target),
    );
    for account in accounts {
        seen.check(
            keyset,
            at,
            &account.subject(),
            CheckAnswer::Nothing(reason.clone()),
        );
    }
    None
}

/// Tries to log in with each account on several connections, all at once.
fn log_in<'a, 'k>(site: &Site, accounts: &'a [Account<'k>]) -> Vec<(&'a Account<'k>, Login)> {
    let logins = together(accounts, |account| {
        site.log_in_throughout(account.key.expose(), account.secret.expose())
    });
    accounts
        .iter()
        .zip(logins)
        .filter_map(|(account, login)| Some((account, login?)))
        .collect()
}

/// The ways to log in that a server names (docs/clearml.md#login-modes); none where it does not.
fn modes(answer: &Result<Answer, Failure>) -> Option<&Modes> {
    answer.as_ref().ok()?.modes()
}

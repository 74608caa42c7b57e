//! An account may do more than it needs.
//!
//! **What**: one of ClearML's own accounts has a role that is more than the one it comes with, such as `system` for `tests`; or an
//! account of your own has role `system`, `root` or `admin`.
//!
//! **Why**: an account of role `system` or `root` reads every secret of the server in clear, and its tokens never expire. One of
//! role `admin` acts as any user.
//!
//! bad: tests/fixtures/rules/raised-role/bad.yml
//!
//! good: tests/fixtures/rules/raised-role/good.yml
//!
//! **Fix**: remove the line that sets the role; give an account of your own the role `user`, if that is enough.
//!
//! **References**: docs/clearml.md#every-entry-is-an-account; docs/clearml.md#secrets-in-clear; docs/clearml.md#impersonation.

use clearml_secure_core::account::{Account, Role};
use clearml_secure_core::public;
use clearml_secure_core::setting::Kind;
use clearml_secure_core::shown::escape;
use clearml_secure_core::strength::weakness;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use crate::words::{REVOKED, anyone_can, can_as};

/// ClearML's own account: nobody counts on its being powerful.
const RAISED: Severity = Severity::Warning;
/// Somebody made it so.
const OWN: Severity = Severity::Note;

pub(crate) struct RaisedRole;

impl Rule for RaisedRole {
    fn id(&self) -> &'static str {
        "raised-role"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for (server, accounts) in &case.accounts {
            let open = accounts
                .accounts
                .iter()
                .filter(|account| account.is_set_up() && !account.is_closed());
            for account in open {
                let Some((role, severity)) = more_than_needed(account) else {
                    continue;
                };
                let instead = match account.role_in_image {
                    Some(stock) => format!(" instead of {}", stock.name()),
                    None => String::new(),
                };
                let consequence = if case.revokes(server, &account.name) {
                    REVOKED.to_owned()
                } else {
                    anyone_can("knows its key and secret", can_as(role))
                };
                let message = format!(
                    "the account {} of {} has role {}{instead}: {consequence}",
                    escape(&account.name),
                    case.name(server),
                    role.name()
                );
                let help = match account.role_in_image {
                    Some(_) => "remove the line",
                    None => "give it the role user, if that is enough",
                };
                findings.push(
                    case.finding(severity, server, message, help)
                        .at(account.span),
                );
            }
        }
    }
}

/// Whether nobody knows or guesses its pair.
fn is_secret(account: &Account) -> bool {
    let secret = account.half(Kind::Secret).value.text();
    secret.is_none_or(|secret| {
        let secret = secret.expose();
        public::of(secret).is_none() && weakness(secret, Kind::Secret).is_none()
    })
}

/// The role that is more than needed, and how bad that is.
fn more_than_needed(account: &Account) -> Option<(Role, Severity)> {
    let role = account.role.known().copied().flatten()?;
    let stock = account.role_in_image;
    match stock {
        Some(stock) => (role < stock).then_some((role, RAISED)),
        // Of a pair that somebody knows, other rules say what its role can do.
        None => (role <= Role::Admin && is_secret(account)).then_some((role, OWN)),
    }
}

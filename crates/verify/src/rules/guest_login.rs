//! A guest's password is handed to everybody.
//!
//! **What**: `services.auth.fixed_users.guest.enabled` is true. It counts as long as fixed users are enabled.
//!
//! **Why**: the API server tells the guest's name and password to anyone who asks how to log in, without a token. A guest makes credentials of its own and writes to the file server. With `pass_hashed` the image's own
//! guest cannot log in, because `guest` is no hash; the password is told all the same.
//!
//! bad: tests/fixtures/rules/guest-login/bad.yml
//!
//! good: tests/fixtures/rules/guest-login/good.yml
//!
//! **Fix**: set it to false, and give people users of their own.
//!
//! **References**: docs/clearml.md#guests.

use clearml_secure_core::fixed_users::{FixedUsers, GUEST_ENABLED};

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use clearml_secure_core::hash::Bcrypt;

/// Anybody is a guest (docs/clearml.md#guests).
const SEVERITY: Severity = Severity::Warning;
/// Without fixed users there is no guest either, and no password.
const NOT_YET: Severity = Severity::Note;

pub(crate) struct GuestLogin;

impl Rule for GuestLogin {
    fn id(&self) -> &'static str {
        "guest-login"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for login in &case.logins {
            if login.users.guest.enabled != Some(true) {
                continue;
            }
            let name = case.name(login.server);
            let (severity, what_else) = match login.users.enabled {
                Some(false) => (NOT_YET, ", once fixed users are enabled"),
                _ => (SEVERITY, but(&login.users)),
            };
            let message = format!(
                "{name} tells the guest's password to anyone who asks{what_else}: the guest login is enabled"
            );
            let help = "set services.auth.fixed_users.guest.enabled to false";
            findings.push(
                case.finding(severity, login.server, message, help)
                    .at(login.users.guest.span)
                    .fixed_by(case.configure(login.server, GUEST_ENABLED, "false")),
            );
        }
    }
}

/// What of it does not work: without a hash where one is expected, the guest's own login is an internal error.
fn but(users: &FixedUsers) -> &'static str {
    match (users.is_hashed, &users.guest.password) {
        (Some(true), Some(password)) if Bcrypt::stored(password.expose()).is_none() => {
            " (the guest cannot log in with it, because pass_hashed is true and the password is not a hash)"
        }
        (Some(true), Some(_)) => " (as a hash)",
        _ => "",
    }
}

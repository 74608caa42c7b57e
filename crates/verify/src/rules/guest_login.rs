//! A guest's password is handed to everybody.
//!
//! **What**: `services.auth.fixed_users.guest.enabled` is true. It counts as long as fixed users are enabled.
//!
//! **Why**: the API server tells the guest's name and password to whoever asks how to log in, without a token. A
//! guest makes credentials of its own and writes to the file server.
//!
//! bad: tests/fixtures/rules/guest-login/bad.yml
//!
//! good: tests/fixtures/rules/guest-login/good.yml
//!
//! **Fix**: set it to false, and give people users of their own.
//!
//! **References**: docs/clearml.md#guests.

use clearml_secure_core::effective::Switch;
use clearml_secure_core::fixed_users::{ENABLED, GUEST_ENABLED};
use clearml_secure_core::knowable::Knowable;
use clearml_secure_core::setting::Server;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

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
        for server in case.servers(Server::Apiserver) {
            let Switch { is_on, span } = server.switch(case.deployment, GUEST_ENABLED);
            if is_on != Knowable::Known(true) {
                continue;
            }
            let fixed_users = server.switch(case.deployment, ENABLED).is_on;
            let (severity, when) = match fixed_users {
                Knowable::Known(false) => (NOT_YET, ", once fixed users are enabled"),
                _ => (SEVERITY, ""),
            };
            let message = format!(
                "{} has the guest login enabled; it tells the guest's password to whoever asks{when}",
                case.name(server)
            );
            let help = "set services.auth.fixed_users.guest.enabled to false";
            findings.push(
                case.finding(severity, server, message, help)
                    .at(span)
                    .fixed_by(case.configure(server, GUEST_ENABLED, "false")),
            );
        }
    }
}

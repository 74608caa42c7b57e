//! A guest's password is handed to everybody.
//!
//! **What**: `services.auth.fixed_users.guest.enabled` is true.
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

use clearml_secure_core::effective::Configured;
use clearml_secure_core::fixed_users::GUEST_ENABLED;
use clearml_secure_core::setting::Server;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// Anybody is a guest (docs/clearml.md#guests).
const SEVERITY: Severity = Severity::Warning;

pub(crate) struct GuestLogin;

impl Rule for GuestLogin {
    fn id(&self) -> &'static str {
        "guest-login"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for server in case.servers(Server::Apiserver) {
            let Configured::Value(value, span) = server.configured(case.deployment, GUEST_ENABLED)
            else {
                continue;
            };
            if value.truth() == Some(true) {
                let message = format!(
                    "{} has the guest login enabled; it tells the guest's password to whoever asks",
                    case.name(server)
                );
                let help = "set services.auth.fixed_users.guest.enabled to false";
                findings.push(
                    case.finding(SEVERITY, server, message, help)
                        .at(span)
                        .fixed_by(case.configure(server, GUEST_ENABLED, "false")),
                );
            }
        }
    }
}

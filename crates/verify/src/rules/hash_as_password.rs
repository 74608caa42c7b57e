//! A password hash is set where the password itself is expected.
//!
//! **What**: `pass_hashed` is false, and a user's password is a bcrypt hash.
//!
//! **Why**: the server compares texts then. The user's own password is refused, and the hash itself logs in: anyone who
//! reads the file, or a copy of it, has the password.
//!
//! bad: tests/fixtures/rules/hash-as-password/bad.yml
//!
//! good: tests/fixtures/rules/hash-as-password/good.yml
//!
//! **Fix**: set `apiserver.auth.fixed_users.pass_hashed: true`, with hashes for all users.
//!
//! **References**: ClearML, "Web Login Authentication"; docs/clearml.md#plain-passwords.

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use crate::login::Login;
use clearml_secure_core::hash;

/// The user is locked out, and the hash is a password (docs/clearml.md#plain-passwords).
const SEVERITY: Severity = Severity::Error;

pub(crate) struct HashAsPassword;

impl Rule for HashAsPassword {
    fn id(&self) -> &'static str {
        "hash-as-password"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let plain = |login: &&Login<'_>| login.users.is_hashed == Some(false);
        for login in case.fixed_users().filter(plain) {
            for (user, password) in login.users.passwords() {
                let Some(what) = hash::named(password) else {
                    continue;
                };
                let message = format!(
                    "the password of {} is {what}, and pass_hashed is false: the hash itself logs in, and the \
                     user's own password is refused",
                    login.called(user)
                );
                let help = "set apiserver.auth.fixed_users.pass_hashed: true, with base64 of a bcrypt hash for every user";
                findings.push(
                    case.finding(SEVERITY, login.server, message, help)
                        .at(user.span),
                );
            }
        }
    }
}

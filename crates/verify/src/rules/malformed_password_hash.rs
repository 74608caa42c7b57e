//! A user cannot sign in, because the hash is none.
//!
//! **What**: `pass_hashed` is true, and a password is not base64 of a bcrypt hash.
//!
//! **Why**: each login of this user answers with an internal error, and nothing in the files looks wrong.
//!
//! bad: tests/fixtures/rules/malformed-password-hash/bad.yml
//!
//! good: tests/fixtures/rules/malformed-password-hash/good.yml
//!
//! **Fix**: write base64 of a bcrypt hash: `python3 -c "import base64, bcrypt, getpass;
//! print(base64.b64encode(bcrypt.hashpw(getpass.getpass().encode(), bcrypt.gensalt())).decode())"`.
//!
//! **References**: ClearML, "Web Login Authentication"; docs/clearml.md#password-hashes.

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use crate::hash::Bcrypt;

/// The user is locked out (docs/clearml.md#password-hashes).
const SEVERITY: Severity = Severity::Error;

pub(crate) struct MalformedPasswordHash;

impl Rule for MalformedPasswordHash {
    fn id(&self) -> &'static str {
        "malformed-password-hash"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for login in case.fixed_users() {
            if login.users.is_hashed != Some(true) {
                continue;
            }
            for (user, password) in login.users.passwords() {
                if Bcrypt::stored(password).is_some() {
                    continue;
                }
                let message = format!(
                    "every login of {} fails with an internal error: the password is not base64 of a bcrypt hash",
                    login.called(user)
                );
                let help = "write base64 of a bcrypt hash";
                findings.push(
                    case.finding(SEVERITY, login.server, message, help)
                        .at(user.span),
                );
            }
        }
    }
}

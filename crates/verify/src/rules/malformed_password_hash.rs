//! A user cannot sign in, because the hash is none.
//!
//! **What**: `pass_hashed` is true, and a password is not base64 of a bcrypt hash, or of one with a line break behind it.
//!
//! **Why**: each login of this user is refused or answers with an internal error, and nothing in the files looks wrong.
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
use clearml_secure_core::hash::{Bcrypt, has_more, is_bare, is_cut};

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
                let (why, help) = fault(password);
                let message = format!("{} cannot log in: {why}", login.called(user));
                findings.push(
                    case.finding(SEVERITY, login.server, message, help)
                        .at(user.span),
                );
            }
        }
    }
}

/// What is wrong with a password that should be a hash, and what helps.
fn fault(password: &str) -> (&'static str, &'static str) {
    let encode = "encode the hash alone:\n  printf %s 'HASH' | base64 -w0";
    if is_bare(password) {
        return (
            "the password is a bcrypt hash without base64 around it",
            encode,
        );
    }
    if has_more(password) {
        return (
            "the password is base64 of a bcrypt hash with a line break or a blank beside it",
            encode,
        );
    }
    if is_cut(password) {
        return (
            "the password is base64 of a part of a bcrypt hash: base64 breaks its line after 76 characters",
            encode,
        );
    }
    (
        "the password is not base64 of a bcrypt hash",
        "write base64 of a bcrypt hash",
    )
}

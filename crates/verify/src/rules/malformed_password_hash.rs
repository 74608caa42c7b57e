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

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clearml_secure_core::shown::escape;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// The user is locked out (docs/clearml.md#password-hashes).
const SEVERITY: Severity = Severity::Error;

pub(crate) struct MalformedPasswordHash;

impl Rule for MalformedPasswordHash {
    fn id(&self) -> &'static str {
        "malformed-password-hash"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for (server, users) in case.fixed_users() {
            if users.is_hashed != Some(true) {
                continue;
            }
            for (user, password) in users.passwords() {
                if cost(password).is_some() {
                    continue;
                }
                let message = format!(
                    "the password of {} is not base64 of a bcrypt hash; every login of this user fails with an internal error",
                    escape(&user.username)
                );
                let help = "write base64 of a bcrypt hash";
                findings.push(case.finding(SEVERITY, server, message, help).at(user.span));
            }
        }
    }
}

/// The cost of a bcrypt hash in base64, as the server takes it (docs/clearml.md#password-hashes); none where it is no
/// such hash.
pub(super) fn cost(password: &str) -> Option<u32> {
    let decoded = zeroize::Zeroizing::new(STANDARD.decode(password.trim()).ok()?);
    cost_of_hash(std::str::from_utf8(&decoded).ok()?)
}

/// The cost of a bcrypt hash as it is.
pub(super) fn cost_of_hash(hash: &str) -> Option<u32> {
    let mut parts = hash.strip_prefix('$')?.split('$');
    let (version, cost, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let is_bcrypt =
        matches!(version, "2a" | "2b" | "2y") && rest.len() == 53 && parts.next().is_none();
    let is_radix = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'/');
    let cost: u32 = cost.parse().ok().filter(|cost| (4..=31).contains(cost))?;
    (is_bcrypt && rest.bytes().all(is_radix)).then_some(cost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_read() {
        let encode = |hash: &str| STANDARD.encode(hash);
        let tail = "a".repeat(53);
        assert_eq!(cost(&encode(&format!("$2b$12${tail}"))), Some(12));
        for wrong in [
            encode(&format!("$2b$12${tail}a")),
            encode(&format!("$1$12${tail}")),
            encode("plain"),
            format!("$2b$12${tail}"),
            String::new(),
        ] {
            assert_eq!(cost(&wrong), None);
        }
    }
}

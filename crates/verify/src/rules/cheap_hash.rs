//! A password's hash is quick to try.
//!
//! **What**: the bcrypt hash of a user has a cost below 10.
//!
//! **Why**: each step less halves the time that guessing takes for whoever gets the hash.
//!
//! bad: tests/fixtures/rules/cheap-hash/bad.yml
//!
//! good: tests/fixtures/rules/cheap-hash/good.yml
//!
//! **Fix**: make it anew with cost 12.
//!
//! **References**: OWASP, "Password Storage Cheat Sheet".

use clearml_secure_core::shown::escape;

use super::malformed_password_hash::cost;
use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// It takes the hash first.
const SEVERITY: Severity = Severity::Warning;

/// The least that is taken for enough.
const LEAST: u32 = 10;

pub(crate) struct CheapHash;

impl Rule for CheapHash {
    fn id(&self) -> &'static str {
        "cheap-hash"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for (server, users) in case.fixed_users() {
            if users.is_hashed != Some(true) {
                continue;
            }
            for (user, password) in users.passwords() {
                let Some(cost) = cost(password).filter(|cost| *cost < LEAST) else {
                    continue;
                };
                let message = format!(
                    "the hash of {}'s password has cost {cost}; whoever gets it tries passwords quickly",
                    escape(&user.username)
                );
                findings.push(
                    case.finding(SEVERITY, server, message, "hash it anew with cost 12")
                        .at(user.span),
                );
            }
        }
    }
}

//! A password's hash is quick to crack.
//!
//! **What**: the bcrypt hash of a user has a cost below 10.
//!
//! **Why**: each step less halves the time that guessing takes for anyone who gets the hash.
//!
//! bad: tests/fixtures/rules/cheap-hash/bad.yml
//!
//! good: tests/fixtures/rules/cheap-hash/good.yml
//!
//! **Fix**: hash the password again with cost 12.
//!
//! **References**: OWASP, "Password Storage Cheat Sheet".

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use clearml_secure_core::hash::Bcrypt;

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
        for login in case.fixed_users() {
            if login.users.is_hashed != Some(true) {
                continue;
            }
            for (user, password) in login.users.passwords() {
                let cost = Bcrypt::stored(password).map(|hash| hash.cost);
                let Some(cost) = cost.filter(|cost| *cost < LEAST) else {
                    continue;
                };
                let message = format!(
                    "the password hash of {} is quick to crack: its bcrypt cost is {cost}, not 10 or more",
                    login.called(user)
                );
                findings.push(
                    case.finding(
                        SEVERITY,
                        login.server,
                        message,
                        "hash the password again with cost 12",
                    )
                    .at(user.span),
                );
            }
        }
    }
}

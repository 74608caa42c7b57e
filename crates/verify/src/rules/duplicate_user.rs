//! Two users of the web login have one name.
//!
//! **What**: a name stands twice under `fixed_users.users`.
//!
//! **Why**: the API server starts, says so in its log alone, creates no new user of the list, and deletes none that you
//! removed.
//!
//! bad: tests/fixtures/rules/duplicate-user/bad.yml
//!
//! good: tests/fixtures/rules/duplicate-user/good.yml
//!
//! **Fix**: remove one of them.
//!
//! **References**: ClearML, "Web Login Authentication"; docs/clearml.md#user-names-twice.

use clearml_secure_core::shown::escape;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// The list has no effect (docs/clearml.md#user-names-twice).
const SEVERITY: Severity = Severity::Error;

pub(crate) struct DuplicateUser;

impl Rule for DuplicateUser {
    fn id(&self) -> &'static str {
        "duplicate-user"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for (server, users) in case.fixed_users() {
            for (index, user) in users.users.iter().enumerate() {
                let before = &users.users[..index];
                if before.iter().any(|other| other.username == user.username) {
                    let message = format!(
                        "{} has two users named {}; it then creates no new user and deletes no removed one",
                        case.name(server),
                        escape(&user.username)
                    );
                    findings.push(
                        case.finding(SEVERITY, server, message, "remove one of them")
                            .at(user.span),
                    );
                }
            }
        }
    }
}

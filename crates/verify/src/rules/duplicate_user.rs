//! Two users of the web login have one name.
//!
//! **What**: a name stands twice under `fixed_users.users`.
//!
//! **Why**: the API server refuses to start with such a list.
//!
//! bad: tests/fixtures/rules/duplicate-user/bad.yml
//!
//! good: tests/fixtures/rules/duplicate-user/good.yml
//!
//! **Fix**: remove one of them.
//!
//! **References**: ClearML, "Web Login Authentication".

use clearml_secure_core::finding::{Finding, Severity};
use clearml_secure_core::io::escape;

use super::{Case, Rule};

/// The server does not start.
const SEVERITY: Severity = Severity::Error;

pub(crate) struct DuplicateUser;

impl Rule for DuplicateUser {
    fn id(&self) -> &'static str {
        "duplicate-user"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Finding>) {
        for (server, users) in case.fixed_users() {
            for (index, user) in users.users.iter().enumerate() {
                let before = &users.users[..index];
                if before.iter().any(|other| other.username == user.username) {
                    let message = format!(
                        "{} has two users named {}; it does not start with them",
                        case.name(server),
                        escape(&user.username)
                    );
                    findings.push(
                        case.finding(self.id(), SEVERITY, server, message, "remove one of them")
                            .at(user.span),
                    );
                }
            }
        }
    }
}

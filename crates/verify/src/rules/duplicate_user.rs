//! Two users of the web login have one name.
//!
//! **What**: a name is twice under `fixed_users.users`.
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
        for login in case.fixed_users() {
            for user in login.users.duplicates() {
                let (server, name) = (case.name(login.server), login.called(user));
                let message = if login.users.is_guests_name(user) {
                    format!(
                        "{server} adds no new user and deletes no removed one: user {name} has the name of its guest"
                    )
                } else {
                    format!(
                        "{server} adds no new user and deletes no removed one: two users are named {name}"
                    )
                };
                let help = "remove one of them";
                findings.push(
                    case.finding(SEVERITY, login.server, message, help)
                        .at(user.span),
                );
            }
        }
    }
}

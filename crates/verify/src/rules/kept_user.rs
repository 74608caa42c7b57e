//! Users who are removed from the list still sign in.
//!
//! **What**: `apiserver.auth.delete_missing_autocreated_users` is false, in any form that Python takes for false.
//!
//! **Why**: at its start the API server deletes users of the web login who are no longer in the configuration, with the
//! credentials that they made. With this it keeps them: the keys of people who have left go on working. On 1.15.0 it
//! also keeps all other users (lost-user), so it is only a note: upgrade first.
//!
//! bad: tests/fixtures/rules/kept-user/bad.yml
//!
//! good: tests/fixtures/rules/kept-user/good.yml
//!
//! **Fix**: remove the line: it is true by default. On 1.15.0, upgrade first.
//!
//! **References**: docs/clearml.md#removed-users.

use clearml_secure_core::effective::Switch;
use clearml_secure_core::knowable::Knowable;
use clearml_secure_core::setting::Server;

use super::lost_user::deletes_users;
use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// It takes somebody who once was a user (docs/clearml.md#removed-users).
const SEVERITY: Severity = Severity::Warning;

/// This release deletes everybody without it.
const NEEDED: Severity = Severity::Note;

const PATH: &str = "apiserver.auth.delete_missing_autocreated_users";

pub(crate) struct KeptUser;

impl Rule for KeptUser {
    fn id(&self) -> &'static str {
        "kept-user"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for server in case.servers(Server::Apiserver) {
            let Switch { is_on, span } = server.switch(case.deployment, PATH);
            if is_on != Knowable::Known(false) {
                continue;
            }
            let message = format!(
                "removed users can still log in with keys that they made: {} does not delete users who are removed from its configuration",
                case.name(server)
            );
            let is_needed = deletes_users(&case.deployment.instances[server.instance]);
            let (severity, help, fix) = match is_needed {
                true => (
                    NEEDED,
                    "upgrade to 1.15.1 or later, then remove the line",
                    None,
                ),
                false => (
                    SEVERITY,
                    "remove the line: it is true by default",
                    Some(case.configure(server, PATH, "true")),
                ),
            };
            let finding = case.finding(severity, server, message, help);
            findings.push(finding.at(span).fixed_by(fix));
        }
    }
}

//! This release deletes fixed users, or their keys, at a restart.
//!
//! **What**: fixed users are enabled, and the API server is 1.15.0, which deletes them at its next start, or 1.16.0, which
//! deletes the keys that they made.
//!
//! **Why**: after any restart people cannot log in, or what runs with their keys is refused. The logs say no more than that
//! a user is removed.
//!
//! bad: tests/fixtures/rules/lost-user/bad.yml
//!
//! good: tests/fixtures/rules/lost-user/good.yml
//!
//! **Fix**: upgrade. Until then 1.15.0 keeps its users with `apiserver.auth.delete_missing_autocreated_users: false`.
//!
//! **References**: docs/clearml.md#removed-users; ClearML's public issues clearml-server#240, clearml#1257 and
//! clearml-server#250.

use clearml_secure_core::effective::ServerConfiguration;
use clearml_secure_core::instance::Instance;
use clearml_secure_core::knowable::Knowable;
use clearml_secure_core::version::{Release, Version};

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// Nothing is open, and it is the release's own fault (docs/clearml.md#removed-users).
const SEVERITY: Severity = Severity::Note;

/// Whether users that are no longer configured are deleted.
const DELETE: &str = "apiserver.auth.delete_missing_autocreated_users";

pub(crate) struct LostUser;

impl Rule for LostUser {
    fn id(&self) -> &'static str {
        "lost-user"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for login in case.fixed_users() {
            let server = login.server;
            let instance = &case.deployment.instances[server.instance];
            let (what, help) = match instance.release.known() {
                _ if deletes_users(instance) => {
                    if keeps(case, server) {
                        continue;
                    }
                    let help = "upgrade to 1.15.1 or later, or set apiserver.auth.delete_missing_autocreated_users to false until then, which also keeps users who are removed";
                    ("deletes its fixed users when it restarts", help)
                }
                Some(Release::Numbered(version)) if *version == Version::new(1, 16, 0) => (
                    "deletes the keys that its fixed users made when it restarts",
                    "upgrade to 1.16.1 or later",
                ),
                _ => continue,
            };
            let message = format!("{} {what} (a bug of this release)", case.name(server));
            let image = case.deployment.service(instance).known_image();
            findings.push(
                case.finding(SEVERITY, server, message, help)
                    .at(image.map(|image| image.span)),
            );
        }
    }
}

/// Whether a release deletes its fixed users at a restart (docs/clearml.md#removed-users).
pub(super) fn deletes_users(instance: &Instance) -> bool {
    let first = Version::new(1, 15, 0);
    matches!(instance.release.known(), Some(Release::Numbered(version)) if *version == first)
}

/// Whether it is told to delete nobody.
fn keeps(case: &Case<'_>, server: &ServerConfiguration) -> bool {
    server.switch(case.deployment, DELETE).is_on == Knowable::Known(false)
}

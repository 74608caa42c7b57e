//! The file server of this version knows no authentication.
//!
//! **What**: the image is of a release before 1.16.0.
//!
//! **Why**: whatever the settings, anyone who can reach port 8081, or /files of the web server, can read, replace and
//! delete every artifact and model.
//!
//! bad: tests/fixtures/rules/old-fileserver/bad.yml
//!
//! good: tests/fixtures/rules/old-fileserver/good.yml
//!
//! **Fix**: upgrade to 1.16.0 or later, or keep files in object storage and do not run the file server.
//!
//! **References**: ClearML, "Securing ClearML Server"; docs/clearml.md#file-server-authentication.

use clearml_secure_core::setting::Server;
use clearml_secure_core::version::Version;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// Anyone who reaches it reads and deletes everything (docs/clearml.md#file-server-authentication).
const SEVERITY: Severity = Severity::Error;

pub(crate) struct OldFileserver;

impl Rule for OldFileserver {
    fn id(&self) -> &'static str {
        "old-fileserver"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let first = Version::FILE_SERVER_AUTHENTICATION;
        for (instance, release, image) in case.before(Server::Fileserver, first) {
            let message = format!(
                "anyone who can reach {} can read, replace and delete every file: {release} has no authentication",
                case.named(instance)
            );
            let help = "upgrade to 1.16.0 or later, or keep files in object storage";
            findings.push(case.finding_of(SEVERITY, instance, message, help).at(image));
        }
    }
}

//! On this version a replaced default stays valid.
//!
//! **What**: the image is of a release before 1.15.0.
//!
//! **Why**: at its start such a server adds new credentials to its internal users and keeps the ones that are in
//! the database: the public defaults go on logging in after they were replaced.
//!
//! bad: tests/fixtures/rules/appended-credentials/bad.yml
//!
//! good: tests/fixtures/rules/appended-credentials/good.yml
//!
//! **Fix**: upgrade to 1.15.0 or later first, then replace the keys.
//!
//! **References**: read in the code of clearml-server.

use clearml_secure_core::finding::{Finding, Severity};
use clearml_secure_core::setting::Server;
use clearml_secure_core::version::Version;

use super::{Case, Rule};

/// Only where the server ran with the defaults once (clearml-facts.md, head).
const SEVERITY: Severity = Severity::Warning;

/// The first release that replaces them.
const REPLACES: Version = Version::new(1, 15, 0);

pub(crate) struct AppendedCredentials;

impl Rule for AppendedCredentials {
    fn id(&self) -> &'static str {
        "appended-credentials"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Finding>) {
        for (instance, release, image) in case.before(Server::Apiserver, REPLACES) {
            let message = format!(
                "{} is {release}, which keeps replaced credentials valid; if it ever ran with the public defaults, they still log in",
                case.named(instance)
            );
            let help = "upgrade to 1.15.0 or later, then replace the keys";
            findings.push(
                case.finding_of(self.id(), SEVERITY, instance, message, help)
                    .at(image),
            );
        }
    }
}

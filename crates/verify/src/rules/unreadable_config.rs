//! A server does not start, because it cannot read its configuration.
//!
//! **What**: a `.conf` file that a server loads, or a `CLEARML__…` variable that is no setting of its own, cannot
//! be parsed as HOCON.
//!
//! **Why**: one unparsable value of any variable, and one broken file, keeps the whole server from starting; what
//! the file was to set is not set.
//!
//! bad: tests/fixtures/rules/unreadable-config/bad.yml
//!
//! good: tests/fixtures/rules/unreadable-config/good.yml
//!
//! **Fix**: mend the file; in a variable, put the value into double quotes of its own: `'"a=b"'`.
//!
//! **References**: observed on running servers; pyhocon.

use clearml_secure_core::finding::{Finding, Severity};
use clearml_secure_core::io::escape;
use clearml_secure_core::setting::Setting;

use super::{Case, Rule, shown};

/// The server is down (clearml-facts.md, 1 and 2).
const SEVERITY: Severity = Severity::Error;

pub(crate) struct UnreadableConfig;

impl Rule for UnreadableConfig {
    fn id(&self) -> &'static str {
        "unreadable-config"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Finding>) {
        let mut seen = Vec::new();
        for server in &case.effective.servers {
            for fatal in &server.fatal {
                // One file keeps every server that loads it from starting: it is said once.
                if Setting::by_variable(&fatal.what).is_some() || seen.contains(&fatal.span) {
                    continue;
                }
                seen.push(fatal.span);
                let is_variable = ["CLEARML__", "TRAINS__"]
                    .iter()
                    .any(|prefix| fatal.what.starts_with(prefix));
                let (what, help) = if is_variable {
                    (
                        shown(&fatal.what).into(),
                        "put the value into double quotes of its own, or leave the character out",
                    )
                } else {
                    (
                        escape(&fatal.what),
                        "mend the file; until then no server that loads it starts",
                    )
                };
                let message = format!(
                    "{} does not start: it cannot read {what}: {}",
                    case.name(server),
                    fatal.message
                );
                findings.push(
                    case.finding(self.id(), SEVERITY, server, message, help)
                        .at(fatal.span),
                );
            }
        }
    }
}

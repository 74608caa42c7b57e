//! Anyone who can reach the web page can log in.
//!
//! **What**: no user list is enabled (`apiserver.auth.fixed_users.enabled`), so the web login asks for a name and
//! for no password.
//!
//! **Why**: anyone who can reach the web server can log in under any name, read every project, and create credentials of
//! their own. Other credentials being strong does not help.
//!
//! bad: tests/fixtures/rules/open-login/bad.yml
//!
//! good: tests/fixtures/rules/open-login/good.yml
//!
//! **Fix**: `clearml-keygen --from KEYS --user NAME --passwords FILE | clearml-inject -k - -i docker-compose.yml`, or the
//! same with `-f hocon -o secure.conf` for a mounted `apiserver.conf`.
//!
//! **References**: ClearML, "Web Login Authentication"; docs/clearml.md#login-modes.

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// Anyone who reaches the page is in (docs/clearml.md#login-modes).
const SEVERITY: Severity = Severity::Warning;

pub(crate) struct OpenLogin;

impl Rule for OpenLogin {
    fn id(&self) -> &'static str {
        "open-login"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for login in &case.logins {
            // What is not known is in `unknown`.
            if login.users.enabled != Some(false) {
                continue;
            }
            let server = login.server;
            findings.push(case.finding(
                SEVERITY,
                server,
                format!(
                    "anyone who can reach the web page can log in under any name, without a password: {} has no fixed users enabled",
                    case.name(server)
                ),
                &case.add_users(),
            ));
        }
    }
}

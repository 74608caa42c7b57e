//! Anyone who can reach the web page can log in.
//!
//! **What**: no user list is enabled (`apiserver.auth.fixed_users.enabled`), so the web login asks for a name and
//! for no password. In Kubernetes the users may be in a Secret or a volume that cannot be seen: then it is "not checked".
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

use clearml_secure_core::effective::ServerConfiguration;
use clearml_secure_core::fixed_users::ENABLED;
use clearml_secure_core::source::Span;
use clearml_secure_core::unseen::Unseen;

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
            if login.users.enabled != Some(false) || is_hidden(case, login.server) {
                continue;
            }
            let server = login.server;
            findings.push(case.finding(
                SEVERITY,
                server,
                format!(
                    "anyone who can reach the web page can log in under any name, without a password: {} has no fixed users enabled{}",
                    case.name(server),
                    case.unless(server, enabled(case, server))
                ),
                &case.add_users(),
            ));
        }
    }
}

/// Whether a file that cannot be seen may enable users. In Kubernetes nothing is mounted over the configuration unless
/// somebody has files for it, as `clearml-keygen -f helm` advises. ClearML's own compose file mounts a folder in every
/// deployment, and it is empty in most: there, both are said.
fn is_hidden(case: &Case<'_>, server: &ServerConfiguration) -> bool {
    // A file is loaded below its own name (docs/clearml.md#file-names-are-paths).
    let has_users = |unseen: &Unseen| {
        let what = &unseen.what;
        !what.ends_with(".conf") || what.contains("/apiserver")
    };
    let instance = &case.deployment.instances[server.instance];
    case.deployment.manifests.is_some()
        && instance.unseen_config.iter().any(has_users)
        && enabled(case, server).is_none()
}

/// Where something says whether there are users.
fn enabled(case: &Case<'_>, server: &ServerConfiguration) -> Option<Span> {
    server.switch(case.deployment, ENABLED).span
}

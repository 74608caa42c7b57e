//! The file server asks nobody for a token.
//!
//! **What**: `fileserver.auth.enabled` is false, in any form that Python takes for false: also `0`, `0s` and `null`, and
//! `fileserver.auth` being a value of its own. A text such as `"false"` or `no` is true.
//!
//! **Why**: anyone who can reach port 8081, or /files of the web server, can read, replace and delete every artifact and
//! model.
//!
//! bad: tests/fixtures/rules/open-fileserver/bad.yml
//!
//! good: tests/fixtures/rules/open-fileserver/good.yml
//!
//! **Fix**: remove the line: it is true by default.
//!
//! **References**: ClearML, "Securing ClearML Server"; docs/clearml.md#file-server-switch.

use clearml_secure_core::effective::Configured;
use clearml_secure_core::setting::Server;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// Anyone who reaches it reads and deletes everything (docs/clearml.md#file-server-authentication).
const OPEN: Severity = Severity::Error;

const PATH: &str = "fileserver.auth.enabled";

pub(crate) struct OpenFileserver;

impl Rule for OpenFileserver {
    fn id(&self) -> &'static str {
        "open-fileserver"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for server in case.servers(Server::Fileserver) {
            let Configured::Value(value, span) = server.configured(case.deployment, PATH) else {
                continue;
            };
            if value.truth() != Some(false) {
                continue;
            }
            let message = format!(
                "anyone who can reach {} can read, replace and delete every file: its authentication is turned off",
                case.name(server)
            );
            let help = "remove the line, or set fileserver.auth.enabled to true";
            findings.push(
                case.finding(OPEN, server, message, help)
                    .at(span)
                    .fixed_by(case.configure(server, PATH, "true")),
            );
        }
    }
}

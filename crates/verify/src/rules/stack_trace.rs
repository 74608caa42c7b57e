//! Errors tell how the server is built.
//!
//! **What**: `apiserver.return_stack` and `apiserver.return_stack_to_caller` are true. That is the default up to version 2.0;
//! from 2.1.0 on both are false.
//!
//! **Why**: an internal error answers with Python's stack trace: paths, versions, and now and then values.
//!
//! bad: tests/fixtures/rules/stack-trace/bad.yml
//!
//! good: tests/fixtures/rules/stack-trace/good.yml
//!
//! **Fix**: set `apiserver.return_stack_to_caller` to false.
//!
//! **References**: docs/clearml.md#stack-traces.

use clearml_secure_core::knowable::Knowable;
use clearml_secure_core::setting::Server;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// It helps anyone who looks for a hole (docs/clearml.md#stack-traces).
const SEVERITY: Severity = Severity::Note;

/// It takes both.
const SWITCHES: [&str; 2] = ["apiserver.return_stack_to_caller", "apiserver.return_stack"];

pub(crate) struct StackTrace;

impl Rule for StackTrace {
    fn id(&self) -> &'static str {
        "stack-trace"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for server in case.servers(Server::Apiserver) {
            let switches = SWITCHES.map(|path| server.switch(case.deployment, path));
            // What is not known is in `unknown`.
            if switches
                .iter()
                .any(|switch| switch.is_on != Knowable::Known(true))
            {
                continue;
            }
            let span = switches.iter().find_map(|switch| switch.span);
            let message = format!(
                "anyone who causes an error learns how the server is built: {} returns stack traces{}",
                case.name(server),
                case.unless(server, span)
            );
            let help = "set apiserver.return_stack_to_caller to false";
            findings.push(
                case.finding(SEVERITY, server, message, help)
                    .at(span)
                    .fixed_by(case.configure(server, SWITCHES[0], "false")),
            );
        }
    }
}

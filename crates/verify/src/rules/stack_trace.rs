//! Errors tell how the server is built.
//!
//! **What**: `apiserver.return_stack_to_caller` is true. That is the default up to version 2.0; from 2.1.0 on it is false.
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

use clearml_secure_core::effective::Configured;
use clearml_secure_core::setting::Server;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// It helps whoever looks for a hole (docs/clearml.md#stack-traces).
const SEVERITY: Severity = Severity::Note;

pub(crate) struct StackTrace;

impl Rule for StackTrace {
    fn id(&self) -> &'static str {
        "stack-trace"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for server in case.servers(Server::Apiserver) {
            let path = "apiserver.return_stack_to_caller";
            let span = match server.configured(case.deployment, path) {
                Configured::Unknown(..) => continue,
                Configured::Not => None,
                Configured::Value(value, span) if value.truth() == Some(true) => Some(span),
                Configured::Value(..) => continue,
            };
            let message = format!(
                "{} returns stack traces; an error tells whoever asks how the server is built",
                case.name(server)
            );
            let help = "set apiserver.return_stack_to_caller to false";
            findings.push(
                case.finding(SEVERITY, server, message, help)
                    .at(span)
                    .fixed_by(case.configure(server, path, "false")),
            );
        }
    }
}

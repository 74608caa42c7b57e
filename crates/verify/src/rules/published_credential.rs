//! The web server hands a credential to everybody.
//!
//! **What**: USER_KEY or USER_SECRET is set on the web server, or a `credentials.json` that has them is mounted over its page.
//!
//! **Why**: its start script writes them to /credentials.json, which nginx serves to anyone who asks. With the web
//! server's own account this is a credential of role system.
//!
//! bad: tests/fixtures/rules/published-credential/bad.yml
//!
//! good: tests/fixtures/rules/published-credential/good.yml
//!
//! **Fix**: remove them from the web server: it needs none.
//!
//! **References**: docs/clearml.md#published-credentials.

use clearml_secure_core::setting::Server;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// Anyone who opens the page has it (docs/clearml.md#published-credentials).
const SEVERITY: Severity = Severity::Error;

const NAMES: [&str; 2] = ["USER_KEY", "USER_SECRET"];

pub(crate) struct PublishedCredential;

impl Rule for PublishedCredential {
    fn id(&self) -> &'static str {
        "published-credential"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for index in &case.files.published {
            let instance = &case.deployment.instances[*index];
            findings.push(
                Draft::new(
                    SEVERITY,
                    format!(
                        "anyone can download a key or a secret: {} serves a mounted credentials.json", case.named(instance)
                    ),
                    "remove the mount: the web server needs no credential",
                )
                .server(instance.server)
                .at(case.deployment.service(instance).name_span),
            );
        }
        for instance in case.deployment.of(Server::Webserver) {
            for variable in &case.deployment.service(instance).environment {
                let is_set = variable.value.known().is_none_or(|value| !value.is_empty());
                if NAMES.contains(&variable.name.as_str()) && is_set {
                    findings.push(
                        Draft::new(
                            SEVERITY,
                            format!(
                                "anyone can download {} as /credentials.json: {} serves it",
                                variable.name,
                                case.named(instance)
                            ),
                            "remove USER_KEY and USER_SECRET: the web server needs none",
                        )
                        .server(instance.server)
                        .at(variable.span),
                    );
                }
            }
        }
    }
}

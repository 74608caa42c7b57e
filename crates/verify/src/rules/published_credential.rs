//! The web server hands a credential to everybody.
//!
//! **What**: USER_KEY or USER_SECRET is set on the web server, or a `credentials.json` that has them is mounted over its page;
//! a `WEBSERVER__…` variable or a mounted `configuration.json` has a secret.
//!
//! **Why**: its start script writes them to /credentials.json and /configuration.json, which nginx serves to anyone who asks.
//! With the web server's own account this is a credential of role system.
//!
//! bad: tests/fixtures/rules/published-credential/bad.yml
//!
//! good: tests/fixtures/rules/published-credential/good.yml
//!
//! **Fix**: remove them from the web server: it needs none.
//!
//! **References**: docs/clearml.md#published-credentials, docs/clearml.md#published-configuration.

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// Anyone who opens the page has it (docs/clearml.md#published-credentials).
const SEVERITY: Severity = Severity::Error;

pub(crate) struct PublishedCredential;

impl Rule for PublishedCredential {
    fn id(&self) -> &'static str {
        "published-credential"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for published in &case.files.published {
            let instance = &case.deployment.instances[published.instance];
            let (name, page) = (case.named(instance), published.page);
            let (message, help) = match &published.variable {
                Some(variable) => (
                    format!("anyone can download {variable} as /{page}: {name} serves it"),
                    format!("remove {variable}: the web server needs no credential"),
                ),
                None => (
                    format!("anyone can download a key or a secret as /{page}: {name} serves it"),
                    format!("remove it from {page}: the web server needs no credential"),
                ),
            };
            findings.push(
                Draft::new(SEVERITY, message, help)
                    .server(instance.server)
                    .at(published.span),
            );
        }
    }
}

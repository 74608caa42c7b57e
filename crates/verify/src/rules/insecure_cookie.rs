//! The session cookie is sent over plain HTTP too.
//!
//! **What**: the deployment's address is https://, and `apiserver.auth.cookies.secure` is not true.
//!
//! **Why**: a single request to the http:// address, which anybody on the way can bring about, shows the cookie,
//! and with it the session.
//!
//! bad: tests/fixtures/rules/insecure-cookie/bad.yml
//!
//! good: tests/fixtures/rules/insecure-cookie/good.yml
//!
//! **Fix**: set `apiserver.auth.cookies.secure` to true.
//!
//! **References**: docs/clearml.md#cookies.

use clearml_secure_core::effective::Configured;
use clearml_secure_core::setting::Server;

use super::plain_http::{NAMES, is_https};
use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// It takes somebody on the way (docs/clearml.md#cookies).
const SEVERITY: Severity = Severity::Warning;

pub(crate) struct InsecureCookie;

impl Rule for InsecureCookie {
    fn id(&self) -> &'static str {
        "insecure-cookie"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let services = &case.deployment.containers;
        let has_tls = services
            .iter()
            .flat_map(|service| &service.environment)
            .filter(|variable| NAMES.contains(&variable.name.as_str()))
            .any(|variable| {
                variable
                    .value
                    .known()
                    .is_some_and(|value| is_https(value.expose()))
            });
        if !has_tls {
            return;
        }
        for server in case.servers(Server::Apiserver) {
            let path = "apiserver.auth.cookies.secure";
            let span = match server.configured(case.deployment, path) {
                Configured::Unknown(..) => continue,
                Configured::Not => None,
                Configured::Value(value, _) if value.truth() != Some(false) => continue,
                Configured::Value(_, span) => Some(span),
            };
            let message = format!(
                "{} lets browsers send the session cookie over plain HTTP; whoever is on the way takes the session",
                case.name(server)
            );
            let help = "set apiserver.auth.cookies.secure to true";
            findings.push(
                case.finding(SEVERITY, server, message, help)
                    .at(span)
                    .fixed_by(case.configure(server, path, "true")),
            );
        }
    }
}

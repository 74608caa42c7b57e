//! A server publishes a port that is none of its own.
//!
//! **What**: a ClearML server publishes something else than the web server's 80 or 8080, the API server's 8008 or
//! the file server's 8081.
//!
//! **Why**: nobody who secures a ClearML Server looks at it. What listens there, a debugger or another process of
//! the container, is open to whoever reaches the host.
//!
//! bad: tests/fixtures/rules/unexpected-port/bad.yml
//!
//! good: tests/fixtures/rules/unexpected-port/good.yml
//!
//! **Fix**: remove the port, or say why it is there: `# clearml-verify: ignore[unexpected-port] reason`.
//!
//! **References**: ClearML, "Securing ClearML Server".

use clearml_secure_core::container::Interface;

use super::public_port::own_ports;
use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// What listens there is not known.
const OPEN: Severity = Severity::Warning;
/// Only the host reaches it.
const LOOPBACK: Severity = Severity::Note;

pub(crate) struct UnexpectedPort;

impl Rule for UnexpectedPort {
    fn id(&self) -> &'static str {
        "unexpected-port"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let mut seen = Vec::new();
        for instance in &case.deployment.instances {
            // An all-in-one service is several servers, and has the ports of all.
            let of_service = |port: &u16| {
                case.deployment
                    .instances
                    .iter()
                    .filter(|other| other.service == instance.service)
                    .any(|other| own_ports(other.server).contains(port))
            };
            for port in &case.deployment.service(instance).ports {
                if port.target.clone().all(|one| of_service(&one)) || seen.contains(&port.span) {
                    continue;
                }
                seen.push(port.span);
                findings.push(Draft::new(if port.interface == Interface::Loopback { LOOPBACK } else { OPEN }, format!(
                        "{} publishes {}, which is no port of a ClearML server; whoever reaches the host reaches what listens there",
                        case.named(instance),
                        port.shown()
                    ), "remove the port")
.server(instance.server)
.at(port.span));
            }
        }
    }
}

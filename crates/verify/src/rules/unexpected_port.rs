//! A server publishes a port that is none of its own.
//!
//! **What**: a ClearML server publishes something else than the web server's 80 or 8080, the API server's 8008 or
//! the file server's 8081, and none that its configuration names.
//!
//! **Why**: nobody who secures a ClearML Server looks at it. What listens there, a debugger or another process of
//! the container, is open to anyone who can reach the host. Where ClearML's own image runs nothing but its server, nothing
//! listens there, and it is a note.
//!
//! bad: tests/fixtures/rules/unexpected-port/bad.yml
//!
//! good: tests/fixtures/rules/unexpected-port/good.yml
//!
//! **Fix**: remove the port, or say why it is there: `# clearml-verify: ignore[unexpected-port] reason`.
//!
//! **References**: ClearML, "Securing ClearML Server".

use std::collections::HashSet;

use clearml_secure_core::container::{Interface, Port};
use clearml_secure_core::deployment::exposure::Namespace;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use crate::words;

/// What listens there is not known.
const OPEN: Severity = Severity::Warning;
/// Only the host reaches it.
const LOOPBACK: Severity = Severity::Note;

/// The image's own server listens nowhere else.
const NOTHING: Severity = Severity::Note;

pub(crate) struct UnexpectedPort;

impl Rule for UnexpectedPort {
    fn id(&self) -> &'static str {
        "unexpected-port"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let mut seen = HashSet::new();
        for instance in &case.deployment.instances {
            // An all-in-one service is several servers, and has the ports of all.
            let listening = case.deployment.listening(instance.service);
            if listening.is_hidden {
                continue;
            }
            // Others say where what is passed on goes.
            let is_known = |port: u16| {
                listening.ports.contains(&port) || case.deployment.passes_on(instance.service, port)
            };
            for port in &case.deployment.service(instance).ports {
                // A server listens with TCP alone.
                // What is published beside it in a range is said with the port of its own.
                let is_other = port.protocol == "tcp"
                    && !port.target.clone().any(is_known)
                    && !may_be_of_another(case, instance.service, port);
                // What a load balancer opens on nodes is said with its own port.
                if !is_other || port.is_behind_balancer() || !seen.insert(port.span) {
                    continue;
                }
                if port.interface != Interface::Loopback && listening.is_whole {
                    findings.push(
                        Draft::new(
                            NOTHING,
                            format!(
                                "{} publishes {}, but nothing in its image listens there",
                                case.named(instance),
                                words::port(&case.deployment.service(instance).shown_port(port))
                            ),
                            "remove the port",
                        )
                        .server(instance.server)
                        .at(port.span),
                    );
                    continue;
                }
                findings.push(Draft::new(if port.interface == Interface::Loopback { LOOPBACK } else { OPEN }, format!(
                        "anyone who can reach the host can reach what listens there: {} publishes {}, which is not a port of a ClearML server",
                        case.named(instance), words::port(&case.deployment.service(instance).shown_port(port))
                    ), "remove the port")
.server(instance.server)
.at(port.span));
            }
        }
    }
}

/// Whether another container has the same network, and may be the one that listens there.
fn may_be_of_another(case: &Case<'_>, container: usize, port: &Port) -> bool {
    let deployment = case.deployment;
    let own = deployment.namespace(container);
    let mut others = 0..deployment.containers.len();
    matches!(own, Namespace::Own(_))
        && others.any(|other| {
            let listening = deployment.listening(other);
            other != container
                && deployment.namespace(other) == own
                && port.target.clone().any(|one| listening.may_be(one))
        })
}

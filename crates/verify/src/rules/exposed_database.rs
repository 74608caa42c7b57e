//! A database can be reached from outside.
//!
//! **What**: Elasticsearch, MongoDB or Redis publishes a port on the host, or shares the host's network.
//!
//! **Why**: ClearML's databases ask for no password unless they are told to. Whoever reaches MongoDB reads every
//! credential and makes itself an administrator; whoever reaches Redis or Elasticsearch changes queues and logs.
//! Docker's published ports go past the firewall rules of the host.
//!
//! bad: tests/fixtures/rules/exposed-database/bad.yml
//!
//! good: tests/fixtures/rules/exposed-database/good.yml
//!
//! **Fix**: remove the `ports` of the database: ClearML's servers reach it over the network of the deployment.
//!
//! **References**: ClearML, "Securing ClearML Server"; Docker, "Packet filtering and firewalls".

use clearml_secure_core::container::{Container, Interface};
use clearml_secure_core::deployment::Database;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Span;

use super::{Case, Rule};
use crate::finding::{Draft, Fix, Severity};

/// Whoever reaches the host reaches the database (docs/clearml.md#database-passwords).
const REACHABLE: Severity = Severity::Error;
/// Every user and every process of the host does.
const LOOPBACK: Severity = Severity::Warning;
/// It is none of ClearML's.
const FOREIGN: Severity = Severity::Note;

pub(crate) struct ExposedDatabase;

impl Rule for ExposedDatabase {
    fn id(&self) -> &'static str {
        "exposed-database"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for service in &case.deployment.containers {
            let own = Database::of(service);
            if let Some(mode) = service
                .network_mode
                .as_ref()
                .filter(|mode| mode.text == "host")
                && let Some(database) = own
            {
                let what = format!(
                    "{database} (service {}) shares the host's network",
                    escape(&service.name)
                );
                let help = "remove `network_mode: host` from the service";
                findings.push(self.finding(REACHABLE, what, help, mode.span));
                // Its `ports` have no effect then.
                continue;
            }
            for port in &service.ports {
                let Some(database) = own.or_else(|| unnamed(case, service, port)) else {
                    continue;
                };
                let (severity, place) = match port.interface {
                    Interface::All => (REACHABLE, "on all interfaces".to_owned()),
                    Interface::Loopback => (LOOPBACK, "on the host itself".to_owned()),
                    Interface::One(address) => (REACHABLE, format!("on {address}")),
                };
                let what = format!(
                    "{database} (service {}) is published at {} {place}",
                    escape(&service.name),
                    port.shown()
                );
                if case.deployment.is_foreign(service) {
                    let message =
                        format!("{what}; no ClearML server names it or shares a network with it");
                    let help = "remove this port if only services of this file use it";
                    findings.push(Draft::new(FOREIGN, message, help).at(port.span));
                    continue;
                }
                let help = "remove this port: ClearML's servers need none of it";
                // Of an image that is not known for a database, inject does not know it either.
                let fix = own.map(|_| Fix::ClosePorts);
                findings.push(self.finding(severity, what, help, port.span).fixed_by(fix));
            }
        }
    }
}

impl ExposedDatabase {
    fn finding(&self, severity: Severity, what: String, help: &str, span: Span) -> Draft {
        Draft::new(severity, format!(
                "{what}; unless it has a password of its own, whoever reaches it reads and changes all that ClearML keeps"
            ), help)
.at(span)
    }
}

/// An image that is not known for a database and publishes a database's port all the same.
fn unnamed(
    case: &Case<'_>,
    service: &Container,
    port: &clearml_secure_core::container::Port,
) -> Option<Database> {
    let instances = &case.deployment.instances;
    let is_server = instances
        .iter()
        .any(|instance| case.deployment.service(instance).name == service.name);
    Database::at(port).filter(|_| !is_server)
}

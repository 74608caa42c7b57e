//! A database can be reached from outside.
//!
//! **What**: Elasticsearch, MongoDB or Redis publishes a port on the host, shares the host's network, is on a network that is
//! part of that of the host (macvlan, ipvlan), or something else leads there that is published: a forwarder such as socat, a
//! reverse proxy, or a web page for databases such as mongo-express, Kibana or RedisInsight. In Kubernetes, a Service, an
//! Ingress, an IngressRoute, a Route, an HTTPRoute or a port of ingress-nginx leads there, with TLS or without.
//!
//! **Why**: ClearML's databases ask for no password unless they are told to. Anyone who can reach MongoDB can read every
//! credential and become an administrator; anyone who can reach Redis or Elasticsearch can change queues and logs.
//! Docker's published ports go past the firewall rules of the host.
//!
//! bad: tests/fixtures/rules/exposed-database/bad.yml
//!
//! good: tests/fixtures/rules/exposed-database/good.yml
//!
//! **Fix**: remove the `ports` of the database: ClearML's servers reach it over the network of the deployment. Publish what leads
//! there on 127.0.0.1 only, as long as somebody needs it.
//!
//! **References**: ClearML, "Securing ClearML Server"; Docker, "Packet filtering and firewalls"; docs/clearml.md#networks-of-docker;
//! docs/clearml.md#pages-for-databases.

use std::collections::HashSet;

use clearml_secure_core::container::{Container, Interface, Port};
use clearml_secure_core::deployment::Database;
use clearml_secure_core::deployment::exposure::{How, Reach, Walls, Way};
use clearml_secure_core::password::weakness;
use clearml_secure_core::source::Span;
use clearml_secure_core::unseen::{Hides, Unseen};

use super::{Case, Rule};
use crate::case::protection::{Protection, may_be_off, protection};
use crate::entry::entry;
use crate::finding::{Draft, Fix, Severity};
use crate::words::{self, and, place};

/// Anyone who reaches the host reaches the database (docs/clearml.md#database-passwords).
const REACHABLE: Severity = Severity::Error;
/// Every user and every process of the host does; or a password has to be found first.
const GUARDED: Severity = Severity::Warning;
/// What follows where nothing is known to protect it.
const OPEN: &str = "anyone who can reach it can read and change all ClearML data in it, unless it has a password of its own";
/// The same where somebody guesses its password.
const GUESSED: &str = "its password is easily guessed, so anyone who can reach it can read and change all ClearML data in it";
/// The same where something that is not here may set a password.
const UNTOLD: &str = "anyone who can reach it can read and change all ClearML data in it, unless it has a password that is in none of these files";
/// What to do with what leads there on purpose.
const WITHIN: &str = "remove it: ClearML's servers reach the database within the cluster";
/// It is none of ClearML's.
const FOREIGN: Severity = Severity::Note;
const NOT_OURS: &str = "it is probably not part of ClearML (no ClearML server names it: they use another one, or share no network with it)";

pub(crate) struct ExposedDatabase;

impl Rule for ExposedDatabase {
    fn id(&self) -> &'static str {
        "exposed-database"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let mut found: Vec<Found> = Vec::new();
        let mut leading = HashSet::new();
        let containers = &case.deployment.containers;
        for (index, service) in containers.iter().enumerate() {
            if let Some(database) = Database::of(service) {
                check(case, index, database, &mut leading, &mut found);
            }
        }
        for (index, service) in containers.iter().enumerate() {
            if Database::of(service).is_none() {
                check_unnamed(case, index, &mut leading, findings);
            }
        }
        findings.extend(found.into_iter().map(Found::draft));
    }

    fn doubt(&self, case: &Case<'_>, doubts: &mut Vec<Unseen>) {
        let containers = 0..case.deployment.containers.len();
        doubts.extend(containers.filter_map(|index| doubt(case, index)));
    }
}

/// Why a database is open all the same that has a password, where that is not known.
fn doubt(case: &Case<'_>, index: usize) -> Option<Unseen> {
    let service = &case.deployment.containers[index];
    let database = Database::of(service)?;
    let is_closed = matches!(
        protection(service, database),
        Protection::Password | Protection::Elsewhere
    );
    let reason = may_be_off(service, database).filter(|_| is_closed)?;
    let mut ports = ports(case, index, service).into_iter();
    let is_reached = ports.any(|port| !case.deployment.ways(index, port).is_empty());
    (is_reached && !case.deployment.is_foreign(index)).then(|| Unseen {
        what: format!("whether {database} asks for its password"),
        hides: Hides::Variables,
        reason: reason.to_string(),
        service: Some(service.name.clone()),
        span: Some(service.name_span),
    })
}

/// One place at which databases are reached.
struct Found {
    severity: Severity,
    span: Span,
    what: String,
    /// The databases that it leads to, where `what` names none.
    to: Vec<String>,
    then: &'static str,
    help: String,
    fix: Option<Fix>,
}

impl Found {
    /// One place that leads to several databases in the same way is one finding.
    fn add_to(mut self, all: &mut Vec<Self>) {
        let is_same = |one: &&mut Self| {
            let key = |one: &Self| (one.severity, one.span, one.then);
            let is_alike = key(one) == key(&self) && one.help == self.help;
            !one.to.is_empty() && is_alike && one.what == self.what
        };
        match all.iter_mut().find(is_same) {
            Some(one) => one.to.append(&mut self.to),
            None => all.push(self),
        }
    }

    fn draft(self) -> Draft {
        let to: Vec<&str> = self.to.iter().map(String::as_str).collect();
        let leads = match to.is_empty() {
            true => String::new(),
            false => format!(" leads to {}", and(&to)),
        };
        let message = format!("{}{leads}: {}", self.what, self.then);
        Draft::new(self.severity, message, self.help)
            .at(self.span)
            .fixed_by(self.fix)
    }
}

/// Places that are known to lead to a database: the container, and where its port is.
type Leading = HashSet<(usize, Span)>;

fn check(
    case: &Case<'_>,
    index: usize,
    database: Database,
    leading: &mut Leading,
    all: &mut Vec<Found>,
) {
    let service = &case.deployment.containers[index];
    let mut seen = HashSet::new();
    let ports = ports(case, index, service);
    let ways = ports
        .iter()
        .flat_map(|port| case.deployment.ways(index, *port));
    let mut ways: Vec<Way<'_>> = ways.collect();
    // What the load balancer opens says all: the ports of nodes close with it.
    ways.retain(|way| {
        !case
            .deployment
            .port(way)
            .is_some_and(Port::is_behind_balancer)
    });
    // Of several through one place that counts which asks for nothing.
    ways.sort_by_key(is_behind_a_guard);
    for way in ways {
        // MongoDB and Redis speak no HTTP.
        let is_understood = |how: How| how != How::Requests || database == Database::Elasticsearch;
        let last = way.through.last().map(|forward| forward.how);
        let place = (way.by, way.opening.span);
        leading.insert(place);
        if !last.is_none_or(is_understood) || !seen.insert(place) {
            continue;
        }
        let found = match way.through.is_empty() {
            true => direct(case, index, database, &way),
            false => led_to(case, index, database, &way),
        };
        found.add_to(all);
    }
}

/// The ports to ask for: those on which it listens, and those that are published where it may listen elsewhere.
fn ports(case: &Case<'_>, index: usize, service: &Container) -> Vec<u16> {
    let listening = case.deployment.listening(index);
    let mut ports = listening.ports.clone();
    if !listening.is_whole {
        let published = service.ports.iter().filter(|port| port.protocol == "tcp");
        ports.extend(published.map(|port| *port.target.start()));
        let entrances = service.pod.iter().flat_map(|pod| &pod.entrances);
        ports.extend(entrances.filter_map(|entrance| entrance.port));
    }
    ports
}

fn direct(case: &Case<'_>, index: usize, database: Database, way: &Way<'_>) -> Found {
    let remove = &*unneeded(case.deployment.port(way));
    let service = &case.deployment.containers[index];
    let name = words::container(service);
    let is_own = way.by == index;
    let (what, help) = match &way.opening.reach {
        Reach::Host(_) => (
            format!("{database} ({name}) is on the host's network"),
            match service.network_mode {
                Some(_) if service.pod.is_some() => "remove `hostNetwork: true` from the pod",
                Some(_) => "remove `network_mode: host` from the service",
                None => "remove the service from this network",
            },
        ),
        Reach::Entrance(_) => (
            format!(
                "{} leads to {database} ({name})",
                entry(case.deployment, way)
            ),
            WITHIN,
        ),
        Reach::Network(..) => (
            format!(
                "{} leads to {database} ({name})",
                entry(case.deployment, way)
            ),
            "remove the database from this network",
        ),
        _ if !is_own => (
            format!(
                "{} leads to {database} ({name})",
                entry(case.deployment, way)
            ),
            remove,
        ),
        _ => (
            format!(
                "{} of {database} ({name}) is open {}",
                words::port(&way.opening.port),
                place(way.opening.reach.interface())
            ),
            remove,
        ),
    };
    // A port of a container whose network it shares, inject leaves as it is.
    let is_closed = is_own && matches!(way.opening.reach, Reach::Published(_));
    let mut found = found(case, index, database, way, help);
    found.what = what;
    found.fix = (is_closed && found.severity != FOREIGN).then_some(Fix::ClosePorts);
    found
}

fn led_to(case: &Case<'_>, index: usize, database: Database, way: &Way<'_>) -> Found {
    let help = match way.opening.reach {
        Reach::Entrance(_) => "remove it, or let it ask for a password",
        Reach::Tunnel => "remove this service, or its settings for the database",
        _ if case.deployment.manifests.is_some() => words::close(case.deployment.port(way)),
        _ => "remove this port, or publish it on 127.0.0.1 only",
    };
    let mut found = found(case, index, database, way, help);
    found.what = entry(case.deployment, way);
    if way.opening.reach == Reach::Published(Interface::Loopback) {
        found.what.push_str(" on the host itself");
    }
    let name = words::container(&case.deployment.containers[index]);
    found.to.push(format!("{database} ({name})"));
    found
}

fn found(case: &Case<'_>, index: usize, database: Database, way: &Way<'_>, help: &str) -> Found {
    let found = |severity, then, help: &str| Found {
        severity,
        span: way.opening.span,
        what: String::new(),
        to: Vec::new(),
        then,
        help: help.to_owned(),
        fix: None,
    };
    if case.deployment.is_foreign(index) {
        return found(FOREIGN, NOT_OURS, &foreign(case.deployment.port(way)));
    }
    let service = &case.deployment.containers[index];
    let is_loopback = way.opening.reach.interface() == Interface::Loopback;
    let (is_guarded, then) = match protection(service, database) {
        _ if is_http_alone(way) && database != Database::Elasticsearch => (
            true,
            "the database speaks no HTTP, so this opens it only where the controller passes on bytes as they are",
        ),
        _ if is_in_the_browser(way) => (
            true,
            "its page makes browsers query the database directly, so browsers can reach the database somewhere",
        ),
        Protection::Password | Protection::Elsewhere if asks_for_that_of_the_database(way) => {
            (true, "only its password protects the ClearML data in it")
        }
        _ if is_behind_a_guard(way) => (
            true,
            "only what the proxy asks for (a password, a certificate or an address) protects the ClearML data in it",
        ),
        _ if is_behind_a_password(case, way) => {
            (true, "only a password protects the ClearML data in it")
        }
        Protection::Weak(_) => (false, GUESSED),
        Protection::Unknown if service.untold().is_some() => (false, UNTOLD),
        _ if has_untold_page(case, way) => (false, UNTOLD),
        _ => (false, OPEN),
    };
    let severity = match is_loopback || is_guarded {
        true => GUARDED,
        false => REACHABLE,
    };
    found(severity, then, help)
}

/// What to do with a port of a database.
fn unneeded(port: Option<&Port>) -> String {
    let close = words::close(port);
    match port.and_then(|port| port.opener) {
        Some(_) => format!("{close}: ClearML's servers do not need more"),
        None => format!("{close}: ClearML's servers do not need it"),
    }
}

/// What to do with a port of a database that is none of ClearML's.
fn foreign(port: Option<&Port>) -> String {
    let close = words::close(port);
    match port.and_then(|port| port.opener) {
        Some(_) => format!("{close} if only pods of this cluster use it"),
        None => format!("{close} if only services of this file use it"),
    }
}

/// Whether nothing on the way logs in to the database on its own.
fn asks_for_that_of_the_database(way: &Way<'_>) -> bool {
    let mut all = way.through.iter();
    all.all(|forward| match forward.how {
        How::Page(tool) => tool.passes_on,
        How::Bytes | How::Requests => true,
    })
}

/// Whether only requests of HTTP come to the database as they are.
fn is_http_alone(way: &Way<'_>) -> bool {
    let is_page = |how| matches!(how, How::Page(_));
    matches!(&way.opening.reach, Reach::Entrance(entrance) if !entrance.is_bytes)
        && !way.through.iter().any(|forward| is_page(forward.how))
}

fn is_in_the_browser(way: &Way<'_>) -> bool {
    let mut all = way.through.iter();
    all.any(|forward| matches!(forward.how, How::Page(tool) if tool.is_in_the_browser))
}

/// Whether a proxy or a controller on the way does not let everybody in.
fn is_behind_a_guard(way: &Way<'_>) -> bool {
    let is_guarded = matches!(&way.opening.reach, Reach::Entrance(entrance) if entrance.is_guarded);
    is_guarded || way.through.iter().any(|forward| forward.is_guarded)
}

/// Whether the page of a tool on the way asks for a password that nobody guesses.
fn is_behind_a_password(case: &Case<'_>, way: &Way<'_>) -> bool {
    way.through.iter().any(|forward| {
        let page = match forward.how {
            How::Page(tool) => tool.walls(&case.deployment.containers[forward.by]),
            How::Bytes | How::Requests => Walls::None,
        };
        match page {
            Walls::None | Walls::Untold => false,
            Walls::Password(password) => weakness(password.expose(), "admin", "").is_none(),
            Walls::Unknown => true,
        }
    })
}

/// Whether a page on the way may have a password of which nothing here tells.
fn has_untold_page(case: &Case<'_>, way: &Way<'_>) -> bool {
    let mut all = way.through.iter();
    all.any(|forward| match forward.how {
        How::Page(tool) => {
            let page = &case.deployment.containers[forward.by];
            matches!(tool.walls(page), Walls::Untold)
        }
        How::Bytes | How::Requests => false,
    })
}

/// An image that is not known for a database and publishes a database's port all the same.
fn check_unnamed(case: &Case<'_>, index: usize, leading: &mut Leading, findings: &mut Vec<Draft>) {
    let service = &case.deployment.containers[index];
    let is_server = case
        .deployment
        .instances
        .iter()
        .any(|one| one.service == index);
    if is_server || service.network_mode.is_some() {
        return;
    }
    for port in service.ports.iter().filter(|port| port.protocol == "tcp") {
        let database = Database::at(port).filter(|_| !port.is_behind_balancer());
        let Some(database) = database else {
            continue;
        };
        // What it leads to is said of the database.
        let mut meant = Database::ports().filter(|target| port.target.contains(target));
        let is_proxy = meant.all(|target| case.deployment.is_proxied(index, target));
        // Each container of a pod has its ports.
        let namespace = case.deployment.namespace(index);
        let is_said = leading
            .iter()
            .any(|(by, span)| *span == port.span && case.deployment.namespace(*by) == namespace);
        if is_proxy || is_said {
            continue;
        }
        leading.insert((index, port.span));
        let severity = match port.interface {
            Interface::Loopback => GUARDED,
            _ => REACHABLE,
        };
        let what = format!(
            "{} of {database} ({}) is open {}",
            words::port(&service.shown_port(port)),
            words::container(service),
            place(port.interface)
        );
        if case.deployment.is_foreign(index) {
            let message = format!("{what}: {NOT_OURS}");
            let help = foreign(Some(port));
            findings.push(Draft::new(FOREIGN, message, help).at(port.span));
            continue;
        }
        // Of an image that is not known for a database, inject does not know it either.
        let message = format!("{what}: {OPEN}");
        let help = unneeded(Some(port));
        findings.push(Draft::new(severity, message, help).at(port.span));
    }
}

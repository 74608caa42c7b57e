//! What a container passes on that comes in at one of its ports.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::condition::Holds;
use super::files::Files;
use super::hop::{Forward, How, Rule};
use super::reading::{Extent, Reading};
use super::spoken::Spoken;
use super::tool::Tool;
use super::{Around, Database, Namespace, Told, anywhere, mention, proxy};
use crate::container::{Container, Port};
use crate::knowable::{Knowable, Reason};
use crate::unseen::{Hides, Unseen};

/// What is not known of a way whose end is not.
pub(super) const WHOM: &str = "whom it passes on to";

/// Nobody publishes more than a few ports, and a range of thousands is one that something passes on whole.
const MOST: usize = 64;

/// Adds what a container passes on that is neither a server nor a database. The ports are those of which all is known.
pub(super) fn of(
    around: &Around<'_>,
    index: usize,
    forwards: &mut Vec<Forward>,
    unseen: &mut Vec<Unseen>,
) -> Vec<u16> {
    let container = &around.containers[index];
    if let Some(tool) = Tool::of(container) {
        forwards.extend(of_tool(around, index, tool));
        return Vec::new();
    }
    let reading = Reading::of(container);
    let mut ways = Ways {
        around,
        by: index,
        container,
        reading: &reading,
        found: Vec::new(),
        unseen: Vec::new(),
    };
    ways.by_rules();
    if reading.is_silent() && mention::is_forwarder(container) {
        ways.by_mention();
    }
    ways.through_tunnels();
    ways.unseen
        .extend(open_end(around, index, &reading.files, ways.is_told()));
    if reading.is_silent() && !ways.is_told() && !anywhere::is_one(container, &reading.files) {
        ways.by_conclusion();
    }
    ways.by_variables();
    forwards.extend(ways.found);
    unseen.extend(ways.unseen);
    match reading.is_known {
        true => known(around, index, &reading.rules),
        false => Vec::new(),
    }
}

/// The ways through a container.
struct Ways<'a> {
    around: &'a Around<'a>,
    by: usize,
    container: &'a Container,
    reading: &'a Reading<'a>,
    found: Vec<Forward>,
    unseen: Vec<Unseen>,
}

impl Ways<'_> {
    fn is_told(&self) -> bool {
        !self.found.is_empty()
    }

    /// Those that its configuration tells, and what is not read of it.
    fn by_rules(&mut self) {
        let (around, by, reading) = (self.around, self.by, self.reading);
        for rule in &reading.rules {
            self.found.extend(told(around, by, rule));
            self.unseen.extend(unclear(around, by, rule));
            self.unseen
                .extend(untold(around, by, rule, reading.variables.doubt()));
        }
        let reason = "a part of its configuration is not read";
        if reading.tunnels == Extent::Part {
            self.unseen.extend(hidden(around, by, reason));
        }
        let unknown = proxy::hidden::unknown(self.container, &reading.files)
            .filter(|_| around.is_reached(by));
        self.unseen
            .extend(unknown.and_then(|why| elsewhere(around, by, WHOM, &why)));
        if proxy::is_told_otherwise(self.container, &reading.files) && around.is_reached(by) {
            self.unseen.extend(elsewhere(around, by, WHOM, reason));
        }
    }

    /// Those to the addresses that a forwarder is given, of which some may be in clear text.
    fn by_mention(&mut self) {
        let (around, by, reading) = (self.around, self.by, self.reading);
        let spoken = reading.spoken;
        for rule in mention::rules(around, by, &reading.files, &reading.variables) {
            let found = told(around, by, &rule);
            if self.reading.tunnels != Extent::Part {
                self.unseen.extend(unspoken(around, by, spoken, &found));
            }
            let is_unclear = |to: usize| spoken == Spoken::Unknown && around.is_server(to);
            let found = found
                .into_iter()
                .filter(|forward| !is_unclear(forward.to.0));
            self.found.extend(found.map(|forward| Forward {
                is_tls: spoken == Spoken::Tls,
                ..forward
            }));
        }
    }

    /// What rules of a proxy beside a tunnel lead to comes in through that as well.
    fn through_tunnels(&mut self) {
        let is_tls = self.reading.tunnels != Extent::All && self.reading.spoken == Spoken::Tls;
        if is_tls && mention::is_tunnel(self.container) {
            for forward in &mut self.found {
                forward.is_tls = true;
            }
        }
        if mention::is_on_a_tailnet(self.container) {
            self.found.extend(on_a_tailnet(self.around, self.by));
        }
    }

    /// Those that follow from what the container is and publishes, where nothing tells of any.
    fn by_conclusion(&mut self) {
        let (container, files) = (self.container, &self.reading.files);
        let is_hidden = || {
            files.hides_configuration(container, mention::is_told_by_command(container))
                && !mention::is_told_elsewhere(container, files)
        };
        if mention::is_forwarder(container) && self.reading.tunnels != Extent::Part && is_hidden() {
            let reason = "its configuration is in no file that is here";
            self.unseen.extend(hidden(self.around, self.by, reason));
        }
        let untold = container.command.iter().find_map(Knowable::reason);
        if let Some(why) = untold.filter(|_| mention::is_forwarder(container)) {
            self.unseen
                .extend(hidden(self.around, self.by, why.as_str()));
        }
        let concluded = proxy::concluded(self.around, self.by, files, &self.reading.variables);
        if !concluded.iter().any(|forward| forward.is_told) {
            let unread = proxy::hidden::unread(container, files);
            let unread = unread.filter(|_| self.around.is_reached(self.by));
            self.unseen
                .extend(unread.and_then(|why| elsewhere(self.around, self.by, WHOM, &why)));
        }
        if concluded.is_empty() {
            let doubt = proxy::doubt(self.around, self.by);
            self.unseen
                .extend(doubt.map(|reason| not_told(container, &reason)));
        }
        self.found.extend(concluded);
    }

    /// Why what it extends may have its command or its files, where it has neither.
    fn of_base(&self) -> Option<Reason> {
        let container = self.container;
        let base = container.unread.as_ref();
        let base = base.filter(|one| one.hides == Hides::Base)?;
        let is_one = mention::is_forwarder(container) || proxy::may_be_one(container);
        let is_told = !container.command.is_empty() || !self.reading.files.texts.is_empty();
        (is_one && !is_told).then(|| base.reason.clone())
    }

    /// That a variable is not known which it may be told by.
    fn by_variables(&mut self) {
        let (around, by, container) = (self.around, self.by, self.container);
        let files = &self.reading.files;
        let takes_any = mention::is_forwarder(container)
            && !mention::is_told_by_text(container)
            && !mention::is_told_elsewhere(container, files);
        let asked = self.reading.variables.doubt();
        let any = || mention::unknown(container).filter(|_| takes_any);
        let Some(why) = asked.cloned().or_else(any).or_else(|| self.of_base()) else {
            return;
        };
        let is_said = self.unseen.iter().any(|one| one.what == WHOM);
        let mut rules = self.reading.rules.iter();
        let in_clear_text = self.reading.rules.is_empty() || rules.any(|rule| !rule.is_tls);
        let of_proxy =
            || may_lead(around, by, in_clear_text).then(|| unseen(container, WHOM, why.as_str()));
        if !is_said {
            self.unseen
                .extend(hidden(around, by, why.as_str()).or_else(of_proxy));
        }
    }
}

/// The ports of databases at which nothing but a proxy may listen, which passes on to containers of the deployment alone. One that
/// does so may be a database, whatever its image is called.
fn known(around: &Around<'_>, by: usize, rules: &[Rule]) -> Vec<u16> {
    let is_known = |(to, port): &(usize, u16)| {
        Database::of(&around.containers[*to]).is_some() || Database::by_port(*port).is_none()
    };
    let leads_here = |rule: &Rule| {
        rule.to.iter().all(|target| {
            let reached = around.reached(by, &target.address);
            !reached.is_empty() && reached.iter().all(is_known)
        })
    };
    let is_proxied = |port: &u16| {
        let mut own = rules
            .iter()
            .filter(|rule| rule.at.as_ref().is_none_or(|at| at.contains(port)));
        own.all(leads_here)
    };
    Database::ports().filter(is_proxied).collect()
}

/// Why something may lead to a database beside it that does not say whom it leads to.
fn open_end(around: &Around<'_>, index: usize, files: &Files, is_told: bool) -> Option<Unseen> {
    let container = &around.containers[index];
    let (what, reason) = match () {
        () if !is_told && mention::is_told_elsewhere(container, files) => {
            ("the tunnel", "what it leads to is in no file that is here")
        }
        () if mention::is_private_network(container) => (
            "the private network",
            "those who have a key of it may reach the databases; take it off their network",
        ),
        () if anywhere::is_open(container, files) && around.is_published(index) => (
            "the proxy",
            "those who come in say what it leads to; take it off the network of the databases",
        ),
        () => return None,
    };
    elsewhere(around, index, what, reason)
}

/// Why a way may lead to a database beside it that nothing here tells of.
fn elsewhere(around: &Around<'_>, index: usize, what: &str, reason: &str) -> Option<Unseen> {
    let container = &around.containers[index];
    let mut others = (0..around.containers.len()).filter(|other| *other != index);
    let is_database = |other: usize| Database::of(&around.containers[other]).is_some();
    let has_one = others.any(|other| is_database(other) && around.are_beside(index, other));
    has_one.then(|| unseen(container, what, reason))
}

/// That it is not known whether what a forwarder leads to is reached in clear text.
fn unspoken(around: &Around<'_>, by: usize, spoken: Spoken, found: &[Forward]) -> Option<Unseen> {
    let is_met = found.iter().any(|forward| around.is_server(forward.to.0));
    let reason = "its configuration has TLS at some place, and is not read";
    (spoken == Spoken::Unknown && is_met).then(|| not_told(&around.containers[by], reason))
}

/// That a forwarder has its configuration where nobody sees it, and what it may lead to beside it.
fn hidden(around: &Around<'_>, index: usize, reason: &str) -> Option<Unseen> {
    let container = &around.containers[index];
    let is_open = mention::is_tunnel(container) || around.is_published(index);
    let mut others = (0..around.containers.len()).filter(|other| *other != index);
    let is_met = |other: usize| {
        let is_one = around.is_server(other) || Database::of(&around.containers[other]).is_some();
        is_one && around.are_beside(index, other)
    };
    let may_lead = is_open && !proxy::is_known(container) && others.any(is_met);
    may_lead.then(|| unseen(container, WHOM, reason))
}

/// The databases that share a network with a machine of a tailnet: each of its other machines reaches their ports.
fn on_a_tailnet(around: &Around<'_>, by: usize) -> Vec<Forward> {
    let mut found = Vec::new();
    for (index, other) in around.containers.iter().enumerate() {
        let is_shared = index != by && around.namespace(index) == around.namespace(by);
        if !is_shared || Database::of(other).is_none() {
            continue;
        }
        let ports = around.listening(index).ports.into_iter();
        found.extend(ports.map(|port| Forward {
            by,
            at: 0,
            to: (index, port),
            how: How::Bytes,
            is_tls: true,
            is_guarded: false,
            is_told: true,
            is_loopback: false,
            tunnel: Some(around.containers[by].name_span),
        }));
    }
    found
}

/// Adds what a web server of ClearML's passes on. Behind its pages it passes on to servers as they are meant to be reached.
pub(super) fn of_webserver(
    around: &Around<'_>,
    index: usize,
    forwards: &mut Vec<Forward>,
    unseen: &mut Vec<Unseen>,
) {
    let container = &around.containers[index];
    // Of its main file it is asked where it listens alone.
    let Some(own) = Told::of(container, true) else {
        return;
    };
    let pages = around.listening(index).ports;
    for rule in own.rules() {
        let found = told(around, index, rule).into_iter();
        let is_meant = |forward: &Forward| {
            around.is_server(forward.to.0)
                && forward.how == How::Requests
                && pages.contains(&forward.at)
        };
        let is_kept = |forward: &Forward| forward.to.0 != index && !is_meant(forward);
        forwards.extend(found.filter(is_kept));
        let is_lost = sends_away(rule) == Holds::Always;
        let to_databases = Rule {
            is_tls: true,
            ..rule.clone()
        };
        unseen.extend(untold(around, index, &to_databases, None).filter(|_| !is_lost));
    }
    let Some(why) = own.hidden else {
        return;
    };
    let mut open = around.open_ports(index).into_iter();
    let is_other = |port: &Port| !pages.iter().any(|page| port.leads_to(*page));
    match elsewhere(around, index, WHOM, &why) {
        Some(one) => unseen.push(one),
        None if open.any(is_other) => unseen.push(not_told(container, &why)),
        None => {}
    }
}

/// Of what comes in without TLS, what is sent to where TLS is spoken.
fn sends_away(rule: &Rule) -> Holds {
    match rule.is_tls {
        true => Holds::Never,
        false => rule.sends_away,
    }
}

/// Why it is not known whether a rule leads to a server in clear text.
fn unclear(around: &Around<'_>, by: usize, rule: &Rule) -> Option<Unseen> {
    let mut reached = rule
        .to
        .iter()
        .flat_map(|target| around.reached(by, &target.address));
    let is_unclear = sends_away(rule) == Holds::ByName;
    let is_met = is_unclear && reached.any(|(to, _)| around.is_server(to));
    let reason =
        "it sends only requests for some host names to TLS; let it do so for every host name";
    is_met.then(|| not_told(&around.containers[by], reason))
}

/// That it is not known whether a container leads to a server in clear text.
fn not_told(container: &Container, reason: &str) -> Unseen {
    unseen(container, "TLS at the ports", reason)
}

/// Of a way through a container, what is not known of it.
pub(super) fn unseen(container: &Container, what: &str, reason: &str) -> Unseen {
    Unseen {
        what: what.to_owned(),
        hides: Hides::Way,
        reason: reason.to_owned(),
        service: Some(container.name.clone()),
        span: Some(container.name_span),
    }
}

/// Why it is not known to whom a rule leads, if that may be a database, or a server in clear text.
fn untold(around: &Around<'_>, by: usize, rule: &Rule, doubt: Option<&Reason>) -> Option<Unseen> {
    let mut to = rule.to.iter();
    let is_untold = to.any(|target| target.address.host.is_none() && !target.is_guarded);
    if !is_untold || sends_away(rule) == Holds::Always {
        return None;
    }
    let reason = "a part of the request names a host, or a variable that is in no file here; name the containers in its configuration";
    let reason = doubt.map_or(reason, Reason::as_str);
    let container = &around.containers[by];
    may_lead(around, by, !rule.is_tls).then(|| unseen(container, WHOM, reason))
}

/// Whether those who come in at a container may be led to a database beside it, or in clear text to a server.
pub(super) fn may_lead(around: &Around<'_>, by: usize, in_clear_text: bool) -> bool {
    let others = 0..around.containers.len();
    let mut others = others.filter(|other| *other != by && around.are_beside(by, *other));
    around.is_reached(by)
        && others.any(|other| {
            Database::of(&around.containers[other]).is_some()
                || in_clear_text && around.is_server(other)
        })
}

/// What the files tell.
fn told(around: &Around<'_>, by: usize, rule: &Rule) -> Vec<Forward> {
    let tunnel =
        mention::is_tunnel(&around.containers[by]).then_some(around.containers[by].name_span);
    let mut found = Vec::new();
    if sends_away(rule) == Holds::Always {
        return found;
    }
    for target in &rule.to {
        for to in around.reached(by, &target.address) {
            if sends_away(rule) == Holds::ByName && around.is_server(to.0) {
                continue;
            }
            let at = match &rule.at {
                _ if tunnel.is_some() => vec![0],
                Some(at) => around.within(by, at, to.1),
                None => around.published(by, to.1),
            };
            found.extend(at.into_iter().map(|at| Forward {
                by,
                at,
                to,
                how: rule.how,
                is_loopback: rule.is_loopback,
                is_tls: rule.is_tls,
                is_guarded: target.is_guarded,
                is_told: true,
                tunnel,
            }));
        }
    }
    found.dedup();
    found
}

impl Around<'_> {
    /// Whether others than the host come in at one of its ports.
    fn is_published(&self, index: usize) -> bool {
        matches!(self.namespace(index), Namespace::Host(_)) || !self.open_ports(index).is_empty()
    }

    /// Whether others than the host may come in: at its own ports, by rules of a cluster, or through another proxy, beside it or
    /// elsewhere.
    fn is_reached(&self, index: usize) -> bool {
        let mut pod = self.containers[index].pod.iter();
        let passes_on = |other: &Container| {
            proxy::is_known(other) || mention::is_tunnel(other) || mention::is_forwarder(other)
        };
        let is_before = |(other, container): (usize, &Arc<Container>)| {
            other != index
                && passes_on(container)
                && self.are_beside(other, index)
                && (self.is_published(other) || mention::is_tunnel(container))
        };
        // A Traefik elsewhere looks at them.
        let mut labels = self.containers[index].labels.iter();
        self.is_published(index)
            || labels.any(|label| label.name.to_ascii_lowercase().contains(".routers."))
            || pod.any(|pod| !pod.entrances.is_empty())
            || self.containers.iter().enumerate().any(is_before)
    }

    /// The ports of a range at which something may come in: the first ones, those that are published, and the one with the
    /// same number as another's.
    fn within(&self, by: usize, range: &RangeInclusive<u16>, other: u16) -> Vec<u16> {
        let mut ports = self.targets(by).unwrap_or_default();
        ports.push(other);
        ports.retain(|port| range.contains(port));
        ports.extend(range.clone().take(MOST));
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// The ports of a container that are published: the one with the same number as another's, or all. One on which a server or
    /// a database in the same network listens is not its own.
    fn published(&self, by: usize, other: u16) -> Vec<u16> {
        let Some(mut targets) = self.targets(by) else {
            return vec![other];
        };
        let is_of_another = |index: usize| {
            index != by
                && self.namespace(index) == self.namespace(by)
                && (self.is_server(index) || Database::of(&self.containers[index]).is_some())
        };
        let others = (0..self.containers.len()).filter(|index| is_of_another(*index));
        let listening = others.map(|index| self.listening(index));
        // Beside one that listens at 127.0.0.1, it may have the same port at the other addresses.
        let taken: Vec<u16> = listening
            .filter(|one| !one.is_loopback)
            .flat_map(|one| one.ports)
            .collect();
        targets.retain(|port| !taken.contains(port));
        match targets.contains(&other) {
            true => vec![other],
            false => targets,
        }
    }

    /// All of these ports; none where it has no network of its own.
    fn targets(&self, by: usize) -> Option<Vec<u16>> {
        let ports = self.containers[self.lender(by)?]
            .ports
            .iter()
            .filter(|port| port.protocol == "tcp");
        let targets = ports.flat_map(|port| port.target.clone().take(MOST));
        let entrances = self.containers[by]
            .pod
            .iter()
            .flat_map(|pod| &pod.entrances);
        Some(
            targets
                .chain(entrances.filter_map(|entrance| entrance.port))
                .collect(),
        )
    }
}

/// A page for databases leads to those of its kind that it reaches.
fn of_tool(around: &Around<'_>, by: usize, tool: &'static Tool) -> Vec<Forward> {
    let mut found = Vec::new();
    let own = tool.listens_at(&around.containers[by]);
    // Another version of it may listen elsewhere: it has one page, and what is published leads there.
    let mut ports = around.published(by, own);
    if !ports.contains(&own) {
        ports.push(own);
    }
    for (index, other) in around.containers.iter().enumerate() {
        let Some(database) = Database::of(other) else {
            continue;
        };
        if !tool.databases.contains(&database) || !around.are_beside(by, index) {
            continue;
        }
        let listening = around.listening(index);
        let to = (index, listening.ports.first().copied().unwrap_or_default());
        for at in ports.iter().copied() {
            found.push(Forward {
                by,
                at,
                to,
                how: How::Page(tool),
                is_loopback: false,
                is_tls: false,
                is_guarded: false,
                is_told: true,
                tunnel: None,
            });
        }
    }
    found
}

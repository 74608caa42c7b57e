//! Traefik: entry points of its own, and routers that labels of other containers or files give it (docs/clearml.md#proxies).

mod constraint;
mod service;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::{IMAGES, Software};
use crate::container::{Container, LabelReader};
use crate::deployment::exposure::address::is_loopback;
use crate::deployment::exposure::files::Files;
use crate::deployment::exposure::hop::{Forward, How};
use crate::deployment::exposure::{Around, Tool};
use crate::unseen::{Hides, Unseen};

/// What looks at labels, as its settings call it.
const PROVIDERS: [&str; 2] = ["docker", "swarm"];

/// A rule that nobody wrote is made of a container's name.
const LONGEST_RULE: u64 = 255;

/// Settings by their path in lower case, as Traefik has them from options, variables, files and labels.
type Paths = BTreeMap<String, String>;

/// One Traefik.
struct Traefik {
    index: usize,
    own: Paths,
    /// What entry points ask of all who come, with what labels of other containers define.
    middlewares: Paths,
    files: Files,
}

/// Where a Traefik listens.
struct EntryPoint {
    port: u16,
    is_loopback: bool,
    is_tls: bool,
    is_guarded: bool,
    /// The priority with which it sends all who come to one with TLS.
    redirects: Option<u64>,
}

/// One router.
struct Router<'a> {
    kind: Kind,
    entry_points: Option<Vec<&'a str>>,
    has_tls: bool,
    tls_options: Option<&'a str>,
    redirects: bool,
    priority: u64,
    is_guarded: bool,
    service: Option<&'a str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Http,
    Tcp,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tcp => "tcp",
        }
    }
}

/// Adds what every Traefik of a deployment passes on, and says of what one elsewhere may.
pub(in crate::deployment::exposure) fn of(
    around: &Around<'_>,
    forwards: &mut Vec<Forward>,
    unseen: &mut Vec<Unseen>,
) {
    let containers = around.containers.iter().enumerate();
    let all = containers.filter(|(_, one)| Software::of(one) == Some(Software::Traefik));
    let all: Vec<Traefik> = all
        .map(|(index, one)| Traefik::of(around, index, one))
        .collect();
    for traefik in &all {
        let start = forwards.len();
        for index in 0..around.containers.len() {
            let is_other = index != traefik.index && around.are_beside(traefik.index, index);
            if is_other && traefik.looks_at(&around.containers[index]) {
                traefik.by_labels(around, index, forwards);
            }
        }
        traefik.by_files(around, forwards);
        if forwards.len() == start && !traefik.is_seen() {
            traefik.concluded(around, forwards);
        }
    }
    for (index, container) in around.containers.iter().enumerate() {
        let is_served = all
            .iter()
            .any(|traefik| around.are_beside(traefik.index, index) && traefik.looks_at(container));
        if !is_served {
            let is_beside = |one: &Traefik| around.are_beside(one.index, index);
            let is_passed_over = all.iter().any(is_beside);
            unseen.extend(elsewhere(around, index, container, is_passed_over));
        }
    }
}

impl Traefik {
    fn of(around: &Around<'_>, index: usize, container: &Container) -> Self {
        let files = Files::of(container);
        let mut traefik = Self {
            index,
            own: settings::of(container, &files),
            middlewares: Paths::new(),
            files,
        };
        if traefik
            .own
            .keys()
            .any(|path| path.contains(".http.middlewares"))
        {
            let mut all = traefik.own.clone();
            for other in around.containers {
                all.extend(labels(other, |reader| traefik.reads(reader)));
            }
            all.retain(|path, _| path.starts_with("http.middlewares."));
            traefik.middlewares = all;
        }
        traefik
    }

    /// Whether one of the middlewares of an entry point, which are of all HTTP routers there, is of one of these kinds.
    fn has_middleware(&self, entry_point: &str, kinds: &[&str]) -> bool {
        let path = format!("entrypoints.{entry_point}.http.middlewares");
        is_any_of(
            &self.middlewares,
            Kind::Http,
            &listed(&self.own, &path),
            kinds,
        )
    }

    /// Whether anything of its own configuration is here.
    fn is_seen(&self) -> bool {
        let names = ["entrypoints.", "providers."];
        self.own
            .keys()
            .any(|path| names.iter().any(|name| path.starts_with(name)))
    }

    fn has(&self, start: &str) -> bool {
        has(&self.own, start)
    }

    /// Whether it looks at labels.
    fn reads_labels(&self) -> bool {
        !self.is_seen() || self.providers().next().is_some()
    }

    /// Whether it serves a container that nothing is said of.
    fn serves_all(&self) -> bool {
        let told = PROVIDERS
            .iter()
            .find_map(|name| self.own.get(&format!("providers.{name}.exposedbydefault")));
        self.is_seen() && told.is_none_or(|told| told != "false")
    }

    fn entry_points(&self) -> BTreeMap<&str, EntryPoint> {
        let names = self
            .own
            .keys()
            .filter_map(|path| path.strip_prefix("entrypoints."));
        let names = names.filter_map(|rest| rest.strip_suffix(".address"));
        let mut found = BTreeMap::new();
        for name in names {
            let setting = |rest: &str| format!("entrypoints.{name}.{rest}");
            let address = self
                .own
                .get(&setting("address"))
                .map(String::as_str)
                .unwrap_or_default();
            let (address, protocol) = address.split_once('/').unwrap_or((address, "tcp"));
            let port = address
                .rsplit(':')
                .next()
                .and_then(|port| port.parse().ok());
            let Some(port) = port.filter(|_| protocol == "tcp") else {
                continue;
            };
            found.insert(
                name,
                EntryPoint {
                    port,
                    is_loopback: is_loopback(address),
                    is_tls: is_on(&self.own, &setting("http.tls")),
                    is_guarded: self.has_middleware(name, &GUARDS),
                    redirects: match self.has_middleware(name, &REDIRECTS) {
                        true => Some(u64::MAX),
                        false => self.redirects(&setting("http.redirections.entrypoint")),
                    },
                },
            );
        }
        if found.is_empty() && self.is_seen() {
            // Traefik's own, where none is configured.
            found.insert(
                "http",
                EntryPoint {
                    port: 80,
                    is_loopback: false,
                    is_tls: false,
                    is_guarded: false,
                    redirects: None,
                },
            );
        }
        found
    }

    /// The priority of what sends all who come to an entry point to one with TLS.
    fn redirects(&self, path: &str) -> Option<u64> {
        let setting = |name: &str| self.own.get(&format!("{path}.{name}"));
        setting("to")?;
        let is_secure = setting("scheme").is_none_or(|scheme| scheme == "https");
        is_secure.then_some(match setting("priority") {
            Some(told) => told.parse().unwrap_or(0),
            None => u64::MAX,
        })
    }

    /// What a container's labels make it serve.
    fn by_labels(&self, around: &Around<'_>, index: usize, forwards: &mut Vec<Forward>) {
        let container = &around.containers[index];
        let labels = labels(container, |reader| self.reads(reader));
        let is_told = labels
            .keys()
            .any(|path| path.contains("routers.") || path.starts_with("frontend."));
        let is_served = match labels.get("enable").map(String::as_str) {
            Some("false") => false,
            Some(_) => true,
            None => self.serves_all() || is_told && !self.is_seen(),
        };
        if !is_served || !self.reads_labels() {
            return;
        }
        for router in routers(&labels) {
            let service = router
                .service
                .map_or("*", |name| name.split('@').next().unwrap_or(name));
            let port = service_port(&labels, router.kind, service);
            let port = port.or_else(|| own_port(around, index));
            let Some(port) = port else {
                continue;
            };
            self.add(around, &router, (index, port), forwards);
        }
    }

    /// What files say that are mounted into it.
    fn by_files(&self, around: &Around<'_>, forwards: &mut Vec<Forward>) {
        for router in routers(&self.own) {
            let Some(service) = router.service else {
                continue;
            };
            for to in self.servers_of(router.kind, service) {
                for to in around.reached(self.index, &to) {
                    self.add(around, &router, to, forwards);
                }
            }
        }
    }

    fn add(
        &self,
        around: &Around<'_>,
        router: &Router<'_>,
        to: (usize, u16),
        forwards: &mut Vec<Forward>,
    ) {
        let known = self.entry_points();
        let names: Vec<&str> = match &router.entry_points {
            Some(names) => names.clone(),
            None if known.is_empty() => vec![""],
            None => self.defaults(&known),
        };
        for name in names {
            let one = known.get(name.to_ascii_lowercase().as_str());
            let is_loopback = one.is_some_and(|one| one.is_loopback);
            let is_guarded = router.kind == Kind::Http && one.is_some_and(|one| one.is_guarded);
            let (ports, is_tls, redirects) = match one {
                Some(one) => (vec![one.port], one.is_tls, one.redirects),
                None if self.is_seen() && !self.files.is_hidden(Software::Traefik.folders()) => {
                    continue;
                }
                // Its configuration is not here: a name says what it is for.
                None => (
                    self.guessed(around, router.kind, to.1),
                    is_secure(name),
                    None,
                ),
            };
            let is_tls = is_tls || router.has_tls;
            let is_asked = is_tls && self.asks_for_certificate(router.tls_options);
            let is_sent_on = router.redirects || redirects.is_some_and(|own| own > router.priority);
            if !is_tls && router.kind == Kind::Http && is_sent_on {
                continue;
            }
            forwards.extend(ports.into_iter().map(|at| Forward {
                by: self.index,
                at,
                to,
                how: match router.kind {
                    Kind::Http => How::Requests,
                    Kind::Tcp => How::Bytes,
                },
                is_loopback,
                is_tls,
                is_told: true,
                is_guarded: is_guarded || is_asked || router.is_guarded,
                tunnel: None,
            }));
        }
    }

    /// The entry points of a router that names none.
    fn defaults<'a>(&self, known: &BTreeMap<&'a str, EntryPoint>) -> Vec<&'a str> {
        let is_default = |name: &&str| {
            self.own
                .get(&format!("entrypoints.{name}.asdefault"))
                .is_some_and(|told| told == "true")
        };
        let told: Vec<&str> = known.keys().copied().filter(is_default).collect();
        match told.is_empty() {
            true => known
                .keys()
                .copied()
                .filter(|name| *name != "traefik")
                .collect(),
            false => told,
        }
    }

    /// Where an entry point of which only the name is known may be published.
    fn guessed(&self, around: &Around<'_>, kind: Kind, port: u16) -> Vec<u16> {
        let open = around.open_ports(self.index);
        let plain = open.iter().filter(|one| !super::is_tls(one));
        let plain = plain.flat_map(|one| one.target.clone().take(64));
        match kind {
            Kind::Tcp if open.iter().any(|one| one.leads_to(port)) => vec![port],
            Kind::Tcp => plain.filter(|one| ![80, 8080].contains(one)).collect(),
            Kind::Http => plain.collect(),
        }
    }

    /// Nothing of it is here: it serves what is beside it.
    fn concluded(&self, around: &Around<'_>, forwards: &mut Vec<Forward>) {
        let open = around.open_ports(self.index);
        if open.iter().any(|port| super::is_tls(port)) {
            return;
        }
        for at in open.iter().flat_map(|port| port.target.clone().take(64)) {
            forwards.extend(
                around
                    .servers_beside(self.index)
                    .into_iter()
                    .map(|to| Forward {
                        by: self.index,
                        at,
                        to,
                        how: How::Requests,
                        is_loopback: false,
                        is_tls: false,
                        is_told: false,
                        is_guarded: false,
                        tunnel: None,
                    }),
            );
        }
    }
}

/// What begins with a text.
fn starting<'a>(paths: &'a Paths, start: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let from = (Bound::Included(start), Bound::Unbounded);
    let paths = paths.range::<str, _>(from);
    let paths = paths.map(|(path, value)| (path.as_str(), value.as_str()));
    paths.take_while(move |(path, _)| path.starts_with(start))
}

/// Whether a path is there, or something below it.
fn has(paths: &Paths, path: &str) -> bool {
    paths.contains_key(path) || starting(paths, &format!("{path}.")).next().is_some()
}

/// Whether a part that needs nothing below it is there. What is no `true` takes it out, with all that is below.
fn is_on(paths: &Paths, path: &str) -> bool {
    has(paths, path)
        && paths
            .get(path)
            .is_none_or(|told| told.is_empty() || told.eq_ignore_ascii_case("true"))
}

/// The priority of a router: what it says, or the length of its rule.
fn priority(paths: &Paths, router: &str) -> u64 {
    let told = paths.get(&format!("{router}.priority"));
    let told = told.and_then(|told| told.parse().ok());
    let rule = paths.get(&format!("{router}.rule"));
    told.filter(|told| *told != 0)
        .or(rule.map(|rule| rule.len() as u64))
        .unwrap_or(LONGEST_RULE)
}

/// The paths that the labels of a container set, for these readers.
fn labels(container: &Container, reads: impl Fn(LabelReader) -> bool) -> Paths {
    let labels = container.labels.iter().filter_map(|label| {
        if !reads(label.reader) {
            return None;
        }
        let name = label.name.to_ascii_lowercase();
        let path = name.strip_prefix("traefik.")?.to_owned();
        Some((path, label.value.known()?.clone()))
    });
    labels.collect()
}

/// The routers among some paths. Where labels have none, the container has one of its own.
fn routers(paths: &Paths) -> Vec<Router<'_>> {
    let mut found = Vec::new();
    for kind in [Kind::Http, Kind::Tcp] {
        let start = format!("{}.routers.", kind.name());
        let paths_of_all = starting(paths, &start);
        let names: BTreeSet<&str> = paths_of_all
            .filter_map(|(path, _)| path[start.len()..].split('.').next())
            .collect();
        found.extend(names.into_iter().map(|name| router(paths, kind, name)));
    }
    if found.is_empty() {
        let old = paths
            .get("frontend.entrypoints")
            .map(|names| names.split(',').collect());
        found.push(Router {
            kind: Kind::Http,
            entry_points: old,
            has_tls: false,
            tls_options: None,
            redirects: false,
            priority: LONGEST_RULE,
            is_guarded: false,
            service: None,
        });
    }
    found
}

/// Middlewares that do not let everybody in.
const GUARDS: [&str; 6] = [
    "basicauth",
    "digestauth",
    "forwardauth",
    "ipallowlist",
    "ipwhitelist",
    "auth",
];
/// Middlewares that send all who come to where TLS is spoken.
const REDIRECTS: [&str; 1] = ["redirectscheme"];

/// The names at a path, in one text or in a list.
fn listed<'a>(paths: &'a Paths, path: &str) -> Vec<&'a str> {
    let one = paths.get(path).map(String::as_str);
    let one = one.into_iter().flat_map(|names| names.split(','));
    let below = format!("{path}.");
    one.chain(starting(paths, &below).map(|(_, value)| value))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect()
}

/// Whether one of the middlewares of these names is of one of these kinds.
fn is_any_of(paths: &Paths, kind: Kind, names: &[&str], kinds: &[&str]) -> bool {
    names.iter().any(|name| {
        let name = name.split('@').next().unwrap_or(name).to_ascii_lowercase();
        let start = format!("{}.middlewares.{name}.", kind.name());
        let own = starting(paths, &start).map(|(path, _)| &path[start.len()..]);
        let mut own = own.peekable();
        // Of one that is defined elsewhere, its name tells.
        match own.peek() {
            Some(_) => own.any(|path| kinds.iter().any(|kind| path.starts_with(kind))),
            None => kinds
                .iter()
                .any(|kind| name.contains(&kind.replace("scheme", ""))),
        }
    })
}

fn router<'a>(paths: &'a Paths, kind: Kind, name: &str) -> Router<'a> {
    let start = format!("{}.routers.{name}", kind.name());
    let middlewares = listed(paths, &format!("{start}.middlewares"));
    let of_kind = |kinds: &[&str]| is_any_of(paths, kind, &middlewares, kinds);
    let entry_points = listed(paths, &format!("{start}.entrypoints"));
    let text = |name| paths.get(&format!("{start}.{name}")).map(String::as_str);
    Router {
        kind,
        entry_points: (!entry_points.is_empty()).then_some(entry_points),
        has_tls: is_on(paths, &format!("{start}.tls")),
        tls_options: text("tls.options"),
        redirects: of_kind(&REDIRECTS),
        priority: priority(paths, &start),
        is_guarded: of_kind(&GUARDS),
        service: text("service"),
    }
}

/// The port that labels give a service; of any, where a router names none.
fn service_port(labels: &Paths, kind: Kind, service: &str) -> Option<u16> {
    const PORT: &str = ".loadbalancer.server.port";
    let mut start = format!("{}.services.", kind.name());
    if service != "*" {
        start.extend([&service.to_ascii_lowercase(), PORT]);
    }
    let ports = starting(labels, &start).filter(|(path, _)| path.ends_with(PORT));
    let mut ports = ports.filter_map(|(_, port)| port.parse().ok());
    ports.next().or_else(|| labels.get("port")?.parse().ok())
}

/// The port that Traefik takes where nothing says which.
fn own_port(around: &Around<'_>, index: usize) -> Option<u16> {
    let container = &around.containers[index];
    let of_tool = Tool::of(container).map(|tool| tool.listens_at(container));
    let known = around.listening(index).ports.first().copied();
    let published = container.ports.first().map(|port| *port.target.start());
    of_tool.or(known).or(published).or_else(|| {
        let image = container.image_name();
        IMAGES.iter().any(|(name, _)| *name == image).then_some(80)
    })
}

fn is_secure(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["secure", "https", "tls", "ssl", "443"]
        .iter()
        .any(|part| name.contains(part))
}

/// What the labels of a server or a database say to a Traefik that is in none of these files. One beside it may be told to
/// pass it over.
fn elsewhere(
    around: &Around<'_>,
    index: usize,
    container: &Container,
    is_passed_over: bool,
) -> Option<Unseen> {
    let labels = labels(container, |_| true);
    let is_told = labels
        .keys()
        .any(|path| path.contains("routers.") || path.starts_with("frontend."));
    if !is_told || labels.get("enable").is_some_and(|enable| enable == "false") {
        return None;
    }
    let is_server = around.is_server(index);
    let is_database = super::super::Database::of(container).is_some();
    let is_open = |router: &Router<'_>| {
        let names = router.entry_points.iter().flatten();
        let is_secure = router.entry_points.is_some() && names.copied().all(is_secure);
        let is_clear =
            router.kind == Kind::Http && !router.has_tls && !router.redirects && !is_secure;
        is_server && is_clear || is_database && !router.is_guarded
    };
    let routers = routers(&labels);
    routers.iter().any(is_open).then(|| Unseen {
        what: "what Traefik makes of its labels".to_owned(),
        hides: Hides::Port,
        reason: match (is_database, is_passed_over) {
            (true, false) => "a Traefik that is in none of these files opens the database to others; take the labels out",
            (false, false) => "a Traefik that is in none of these files serves it, without TLS unless its entry points say so",
            (true, true) => "the Traefik of these files is told to look at others, and another one may open the database to others; take the labels out",
            (false, true) => "the Traefik of these files is told to look at others, and another one may serve it, without TLS unless its entry points say so",
        }
        .to_owned(),
        service: Some(container.name.clone()),
        span: container.labels.first().map(|label| label.span),
    })
}

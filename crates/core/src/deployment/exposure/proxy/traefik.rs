//! Traefik: entry points of its own, and routers that labels of other containers or files give it (docs/clearml.md#proxies).

mod constraint;
mod dynamic;
mod router;
mod settings;
mod template;

use std::collections::BTreeMap;
use std::ops::Bound;

use self::dynamic::{Dynamic, Told};
use self::router::{Kind, Router};
use self::settings::Settings;
use super::{IMAGES, Software, software};
use crate::container::{Container, Interface, LabelReader};
use crate::deployment::exposure::address::is_loopback;
use crate::deployment::exposure::files::Files;
use crate::deployment::exposure::hop::{Forward, How};
use crate::deployment::exposure::{Around, Tool, forward};
use crate::traefik::{self, SendsToTls};
use crate::unseen::{Hides, Unseen};

/// What looks at labels, as its settings call it.
const PROVIDERS: [&str; 2] = ["docker", "swarm"];

/// Settings by their path in lower case, as Traefik has them from options, variables, files and labels.
type Paths = BTreeMap<String, String>;

/// One Traefik.
struct Traefik {
    index: usize,
    settings: Settings,
    dynamic: Dynamic,
    files: Files,
}

/// Where a Traefik listens.
struct EntryPoint {
    port: u16,
    is_loopback: bool,
    is_tls: bool,
    /// The priority with which it sends all who come to one with TLS.
    redirects: Option<u64>,
}

/// Adds what every Traefik of a deployment passes on, and says of what one elsewhere may.
pub(in crate::deployment::exposure) fn of(
    around: &Around<'_>,
    forwards: &mut Vec<Forward>,
    unseen: &mut Vec<Unseen>,
) {
    let containers = around.containers.iter().enumerate();
    let all = containers.filter(|(_, one)| software(one) == Some(Software::Traefik));
    let (first, all): (Vec<_>, Vec<_>) = all.partition(|(_, one)| is_first(one));
    let leading = first.iter();
    let leading = leading.filter(|(index, _)| forward::may_lead(around, *index, true));
    unseen.extend(leading.map(|(_, one)| forward::unseen(one, forward::WHOM, FIRST)));
    let all: Vec<Traefik> = all
        .into_iter()
        .map(|(index, one)| Traefik::of(around, index, one))
        .collect();
    for traefik in &all {
        let start = forwards.len();
        for router in traefik.dynamic.routers() {
            for to in traefik.dynamic.servers_of(&router) {
                traefik.add(around, &router, to, forwards);
            }
        }
        if forwards.len() == start && !traefik.settings.is_seen() {
            traefik.concluded(around, forwards);
        }
        unseen.extend(traefik.untold(around));
    }
    for (index, container) in around.containers.iter().enumerate() {
        let is_served = all
            .iter()
            .any(|traefik| around.are_beside(traefik.index, index) && traefik.looks_at(container));
        let is_of_first = first.iter().any(|(one, _)| around.are_beside(*one, index));
        if !is_served && !is_of_first {
            let is_beside = |one: &Traefik| around.are_beside(one.index, index);
            let is_passed_over = all.iter().any(is_beside);
            unseen.extend(elsewhere(around, index, container, is_passed_over));
        }
    }
}

/// Why nothing is known of Traefik 1.
const FIRST: &str = "Traefik 1 has options and labels of its own, which are not read";

/// Whether it is Traefik 1, by its image's tag or by an option that later ones refuse.
fn is_first(container: &Container) -> bool {
    let image = container.known_image().map(|image| image.text.as_str());
    let tag = image.and_then(|image| image.rsplit_once(':'));
    let tag = tag.map_or("", |(_, tag)| tag.trim_start_matches('v'));
    let is_option = |word: &String| word == "--docker" || word.starts_with("--docker.");
    tag == "1" || tag.starts_with("1.") || container.words.iter().any(is_option)
}

impl Traefik {
    fn of(around: &Around<'_>, index: usize, container: &Container) -> Self {
        let files = Files::of(container);
        let mut traefik = Self {
            index,
            settings: Settings::of(container, &files),
            dynamic: Dynamic::default(),
            files,
        };
        // Also its own labels, and those of whom it does not reach or serve, define what others name: without that, they
        // would let nobody in.
        let all = around.containers.iter().enumerate();
        let seen = all.filter(|(_, one)| traefik.looks_at(one));
        let seen = seen.map(|(other, one)| {
            let paths = labels(one, |reader| traefik.reads(reader));
            Told {
                container: Some(other),
                is_served: traefik.serves(&paths),
                paths,
            }
        });
        let mut told: Vec<Told> = seen.collect();
        told.push(Told {
            container: None,
            is_served: true,
            paths: traefik.settings.dynamic.clone(),
        });
        traefik.dynamic = Dynamic::of(around, Some(index), told);
        traefik
    }

    /// Whether it serves a container with these labels.
    fn serves(&self, labels: &Paths) -> bool {
        let is_told = || names_router(labels) && !self.settings.is_seen();
        let is_served = match labels.get("enable").map(String::as_str) {
            Some("false") => false,
            Some(_) => true,
            None => self.serves_all(labels) || is_told(),
        };
        is_served && self.reads_labels()
    }

    /// Whether it looks at labels.
    fn reads_labels(&self) -> bool {
        !self.settings.is_seen() || self.providers().next().is_some()
    }

    /// Whether it serves a container of which these labels do not say so. Of a swarm it serves services with labels alone.
    fn serves_all(&self, labels: &Paths) -> bool {
        let mut providers = self.providers();
        providers.any(|(name, reader)| {
            let path = format!("providers.{name}.exposedbydefault");
            let is_met = reader == LabelReader::Engine || !labels.is_empty();
            let told = self.settings.own.get(&path);
            is_met && told.is_none_or(|told| told != "false")
        })
    }

    /// That it is not known whom it passes on to, where that may be a database, or a server in clear text.
    fn untold(&self, around: &Around<'_>) -> Option<Unseen> {
        let reason = self.settings.untold.as_ref()?;
        let entry_points = self.entry_points();
        let in_clear_text = entry_points.values().any(|one| {
            let is_clear = !one.is_tls && one.redirects.is_none();
            let openings = around.openings((self.index, one.port), one.is_loopback);
            is_clear
                && openings
                    .iter()
                    .any(|(_, one)| one.reach.interface() != Interface::Loopback)
        });
        let container = &around.containers[self.index];
        forward::may_lead(around, self.index, in_clear_text)
            .then(|| forward::unseen(container, forward::WHOM, reason))
    }

    fn entry_points(&self) -> BTreeMap<&str, EntryPoint> {
        let names = self
            .settings
            .own
            .keys()
            .filter_map(|path| path.strip_prefix("entrypoints."));
        let names = names.filter_map(|rest| rest.strip_suffix(".address"));
        let mut found = BTreeMap::new();
        for name in names {
            let setting = |rest: &str| format!("entrypoints.{name}.{rest}");
            let address = self
                .settings
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
                    is_tls: is_on(&self.settings.own, &setting("http.tls")),
                    redirects: self.redirects(&setting("http.redirections.entrypoint")),
                },
            );
        }
        if found.is_empty() && self.settings.is_seen() {
            // Traefik's own, where none is configured.
            found.insert(
                "http",
                EntryPoint {
                    port: 80,
                    is_loopback: false,
                    is_tls: false,
                    redirects: None,
                },
            );
        }
        found
    }

    /// The priority of what sends all who come to an entry point to one with TLS.
    fn redirects(&self, path: &str) -> Option<u64> {
        let setting = |name: &str| self.settings.own.get(&format!("{path}.{name}"));
        setting("to")?;
        let is_secure = setting("scheme").is_none_or(|scheme| scheme == "https");
        is_secure.then_some(match setting("priority") {
            Some(told) => told.parse().unwrap_or(0),
            None => u64::MAX,
        })
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
            let name = &*name.to_ascii_lowercase();
            let one = known.get(name);
            let is_loopback = one.is_some_and(|one| one.is_loopback);
            let (ports, is_tls, redirects) = match one {
                Some(one) => (vec![one.port], one.is_tls, one.redirects),
                None if self.settings.is_seen()
                    && !self.files.is_hidden(Software::Traefik.folders()) =>
                {
                    continue;
                }
                // Its configuration is not here: a name says what it is for.
                None => (
                    self.guessed(around, router.kind, to.1),
                    is_secure(name),
                    None,
                ),
            };
            // The TLS of an entry point is that of its routers of HTTP.
            let is_tls = router.has_tls || is_tls && router.kind == Kind::Http;
            let is_asked = is_tls && self.asks_for_certificate(router, name);
            let before = listed(
                &self.settings.own,
                &format!("entrypoints.{name}.http.middlewares"),
            );
            let before = before.into_iter().filter(|_| router.kind == Kind::Http);
            let names = before.chain(router.middlewares.iter().copied());
            let done = self.dynamic.done(router.kind, names, router.provider);
            let is_sent_on = done.sends_to_tls == SendsToTls::Everybody
                || redirects.is_some_and(|own| own > router.priority);
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
                is_guarded: done.is_guarded || is_asked || router.is_for_few,
                tunnel: None,
            }));
        }
    }

    /// The entry points of a router that names none.
    fn defaults<'a>(&self, known: &BTreeMap<&'a str, EntryPoint>) -> Vec<&'a str> {
        let is_default = |name: &&str| {
            self.settings
                .own
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

/// Whether labels name a router, also one of Traefik 1.
fn names_router(labels: &Paths) -> bool {
    let mut paths = labels.keys();
    paths.any(|path| path.contains("routers.") || path.starts_with("frontend."))
}

/// Whether a part that needs nothing below it is there. What is no `true` takes it out, with all that is below.
fn is_on(paths: &Paths, path: &str) -> bool {
    has(paths, path)
        && paths
            .get(path)
            .is_none_or(|told| told.is_empty() || told.eq_ignore_ascii_case("true"))
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

/// The names at a path, in one text or in a list.
fn listed<'a>(paths: &'a Paths, path: &str) -> Vec<&'a str> {
    let one = paths.get(path).map(String::as_str);
    let below = format!("{path}.");
    let all = one
        .into_iter()
        .chain(starting(paths, &below).map(|(_, value)| value));
    all.flat_map(traefik::names).collect()
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
    if !names_router(&labels) || labels.get("enable").is_some_and(|enable| enable == "false") {
        return None;
    }
    let told = Told {
        container: Some(index),
        is_served: true,
        paths: labels,
    };
    let dynamic = Dynamic::of(around, None, vec![told]);
    let is_server = around.is_server(index);
    let is_database = super::super::Database::of(container).is_some();
    let is_open = |router: &Router<'_>| {
        let names = router.entry_points.iter().flatten();
        let is_secure = router.entry_points.is_some() && names.copied().all(is_secure);
        let names = router.middlewares.iter().copied();
        let done = dynamic.done(router.kind, names, router.provider);
        let redirects = done.sends_to_tls == SendsToTls::Everybody;
        let is_clear = router.kind == Kind::Http && !router.has_tls && !redirects && !is_secure;
        is_server && is_clear || is_database && !done.is_guarded && !router.is_for_few
    };
    let mut routers = dynamic.routers();
    routers.any(|router| is_open(&router)).then(|| Unseen {
        what: "what Traefik makes of its labels".to_owned(),
        hides: Hides::Port,
        reason: match (is_database, is_passed_over) {
            (true, false) => "a Traefik outside of this deployment opens the database to others; take the labels out",
            (false, false) => "a Traefik outside of this deployment serves it, without TLS unless its entry points say so",
            (true, true) => "the Traefik of this deployment is told to look at others, and another one may open the database to others; take the labels out",
            (false, true) => "the Traefik of this deployment is told to look at others, and another one may serve it, without TLS unless its entry points say so",
        }
        .to_owned(),
        service: Some(container.name.clone()),
        span: container.labels.first().map(|label| label.span),
    })
}

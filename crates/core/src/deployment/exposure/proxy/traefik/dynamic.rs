//! The routers, services and middlewares that files and labels give a Traefik.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::router::{Kind, LONGEST_RULE, Router};
use super::{Paths, has, is_on, listed, own_port, starting};
use crate::deployment::exposure::Around;
use crate::deployment::exposure::address::Address;
use crate::traefik::{Middleware, SendsToTls, hosts, is_for_few};

/// Where a name is of that has no other provider behind it.
const FILE: &str = "file";
const LABELS: &str = "docker";

/// All that it is given.
#[derive(Default)]
pub(super) struct Dynamic {
    /// What its files say, and what the labels of others do.
    told: Vec<Told>,
    /// By kind, name and provider.
    services: BTreeMap<(Kind, String), Service>,
    middlewares: BTreeMap<(Kind, String), Middleware>,
    /// The names of the containers of which labels name no service.
    unnamed: Vec<(Kind, String, usize)>,
}

/// What files say, or the labels of one container.
pub(super) struct Told {
    /// The container that has the labels.
    pub(super) container: Option<usize>,
    /// Whether its routers and services count.
    pub(super) is_served: bool,
    pub(super) paths: Paths,
}

#[derive(Default)]
struct Service {
    servers: Vec<(usize, u16)>,
    /// Other services to which it leads, with their providers.
    parts: Vec<String>,
}

/// What middlewares do with those who come in.
#[derive(Default)]
pub(super) struct Done {
    pub(super) is_guarded: bool,
    pub(super) sends_to_tls: SendsToTls,
}

impl Told {
    fn provider(&self) -> &'static str {
        match self.container {
            Some(_) => LABELS,
            None => FILE,
        }
    }

    /// The names of what is of one sort: `http.routers.NAME`.
    fn names(&self, kind: Kind, sort: &str) -> BTreeSet<&str> {
        let start = format!("{}.{sort}.", kind.name());
        let paths = starting(&self.paths, &start);
        paths
            .filter_map(|(path, _)| path[start.len()..].split('.').next())
            .collect()
    }

    /// The name of the only service that labels name; an empty one where they name none.
    fn only_service(&self, kind: Kind) -> Option<&str> {
        let mut names = self.names(kind, "services").into_iter();
        let first = names.next().unwrap_or_default();
        names.next().is_none().then_some(first)
    }

    /// Whether a container has a router of HTTP that nothing names: labels that are about bytes alone have none.
    fn has_own_router(&self) -> bool {
        let is_of_bytes = ["tcp.", "udp."]
            .iter()
            .any(|start| has_below(&self.paths, start));
        self.container.is_some()
            && !has_below(&self.paths, "http.routers.")
            && (!is_of_bytes || has_below(&self.paths, "http."))
    }
}

impl Dynamic {
    /// Of what is said, to a Traefik that is one of these containers if it is here.
    pub(super) fn of(around: &Around<'_>, traefik: Option<usize>, told: Vec<Told>) -> Self {
        let mut all = Self::default();
        for one in &told {
            for kind in [Kind::Http, Kind::Tcp] {
                all.read(around, traefik, one, kind);
            }
        }
        Self { told, ..all }
    }

    fn read(&mut self, around: &Around<'_>, traefik: Option<usize>, told: &Told, kind: Kind) {
        let provider = told.provider();
        for name in told.names(kind, "middlewares") {
            let start = format!("{}.middlewares.{name}.", kind.name());
            let settings = starting(&told.paths, &start);
            let own = Middleware::of(settings.map(|(path, value)| (&path[start.len()..], value)));
            self.middlewares
                .insert((kind, qualified(name, provider)), own);
        }
        if !told.is_served {
            return;
        }
        if let Some(container) = told
            .container
            .filter(|_| told.only_service(kind) == Some(""))
        {
            let name = &around.containers[container].name;
            self.unnamed.push((kind, normalized(name), container));
        }
        let of_container = told.container.map(|_| "");
        for name in told.names(kind, "services").into_iter().chain(of_container) {
            let own = Service::of(around, traefik, told, (kind, name));
            let name = match (name, told.container) {
                ("", Some(container)) => own_service(container),
                _ => qualified(name, provider),
            };
            // What several containers say of one service is put together.
            let service = self.services.entry((kind, name)).or_default();
            service.servers.extend(own.servers);
            service.parts.extend(own.parts);
        }
    }

    /// What middlewares of these names do, that a router of a provider is given.
    pub(super) fn done<'a>(
        &self,
        kind: Kind,
        names: impl Iterator<Item = &'a str>,
        provider: &str,
    ) -> Done {
        let mut done = Done::default();
        let mut seen = HashSet::new();
        let mut next: Vec<String> = names.map(|name| qualified(name, provider)).collect();
        while let Some(name) = next.pop() {
            if seen.insert(name.clone()) {
                next.extend(self.follow(kind, &name, &mut done));
            }
        }
        done
    }

    /// Adds what one of them does; returns those that it names.
    fn follow(&self, kind: Kind, name: &str, done: &mut Done) -> Vec<String> {
        let by_name;
        let own = match self.middlewares.get(&(kind, name.to_owned())) {
            Some(own) => own,
            None => {
                by_name = Middleware::called(name.split('@').next().unwrap_or(name));
                &by_name
            }
        };
        done.is_guarded |= own.is_guard;
        done.sends_to_tls = done.sends_to_tls.max(own.sends_to_tls);
        let provider = name.split_once('@').map_or(FILE, |(_, provider)| provider);
        let chain = own.chain.iter();
        chain.map(|next| qualified(next, provider)).collect()
    }

    /// The servers of the service of a router, and of those that it divides what comes in among.
    pub(super) fn servers_of(&self, router: &Router<'_>) -> Vec<(usize, u16)> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let service = |name: &str| {
            let known = self.services.get(&(router.kind, name.to_owned()));
            known.or_else(|| {
                let own = own_service(self.unnamed(router.kind, name)?);
                self.services.get(&(router.kind, own))
            })
        };
        // Of one that is defined elsewhere, the container is likely a server.
        let first = match (service(&router.service), router.container) {
            (None, Some(container)) => own_service(container),
            _ => router.service.clone(),
        };
        let mut next = vec![first];
        while let Some(name) = next.pop() {
            if let Some(service) = service(&name).filter(|_| seen.insert(name)) {
                found.extend(&service.servers);
                next.extend(service.parts.iter().cloned());
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The container of which labels name no service, by the name that its service has then: `SERVICE-PROJECT@docker`.
    fn unnamed(&self, kind: Kind, service: &str) -> Option<usize> {
        let name = normalized(service.strip_suffix("@docker")?);
        let mut all = self.unnamed.iter();
        let is_called = |own: &str| {
            let rest = name.strip_prefix(own);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let found = all.find(|(own_kind, own, _)| *own_kind == kind && is_called(own));
        found.map(|(.., container)| *container)
    }

    pub(super) fn routers(&self) -> impl Iterator<Item = Router<'_>> {
        let served = self.told.iter().filter(|told| told.is_served);
        served.flat_map(|told| {
            let kinds = [Kind::Http, Kind::Tcp].into_iter();
            let named = kinds.flat_map(move |kind| {
                let names = told.names(kind, "routers").into_iter();
                names.filter_map(move |name| router(told, kind, name))
            });
            named.chain(told.has_own_router().then(|| own_router(told)).flatten())
        })
    }
}

impl Service {
    fn of(
        around: &Around<'_>,
        traefik: Option<usize>,
        told: &Told,
        (kind, name): (Kind, &str),
    ) -> Self {
        let mut own = Self::default();
        let start = format!("{}.services.{name}.", kind.name());
        let mut port = None;
        let mut is_elsewhere = false;
        for (path, text) in starting(&told.paths, &start) {
            let path = &path[start.len()..];
            if path == "loadbalancer.server.port" {
                port = text.parse().ok();
            } else if is_address(path) {
                is_elsewhere = true;
                let address = Address::of(text).zip(traefik);
                own.servers.extend(
                    address
                        .into_iter()
                        .flat_map(|(to, index)| around.reached(index, &to)),
                );
            } else if is_part(path) {
                is_elsewhere = true;
                own.parts.push(qualified(text, told.provider()));
            }
        }
        let is_reached = |container: &usize| {
            traefik.is_none_or(|index| index != *container && around.are_beside(index, *container))
        };
        let container = told.container.filter(|_| !is_elsewhere);
        if let Some(container) = container.filter(is_reached) {
            let port = port.or_else(|| told.paths.get("port")?.parse().ok());
            let port = port.or_else(|| own_port(around, container));
            own.servers.extend(port.map(|port| (container, port)));
        }
        own
    }
}

/// Whether what is at a path of a service is the address of a server.
fn is_address(path: &str) -> bool {
    let is_of_list =
        path.starts_with("loadbalancer.servers.") || path.starts_with("loadbalancer.servers[");
    let name = path.rsplit('.').next().unwrap_or_default();
    path == "loadbalancer.server.url" || is_of_list && ["address", "url"].contains(&name)
}

/// Whether what is at a path of a service names another one, to which it leads.
fn is_part(path: &str) -> bool {
    let (kind, rest) = path.split_once('.').unwrap_or_default();
    let name = rest.rsplit('.').next().unwrap_or_default();
    ["failover", "highestrandomweight", "mirroring", "weighted"].contains(&kind)
        && ["fallback", "name", "service"].contains(&name)
}

/// A name in small letters with the provider that it is of.
fn qualified(name: &str, provider: &str) -> String {
    let (name, provider) = name.split_once('@').unwrap_or((name, provider));
    // Labels are read by either.
    let provider = match provider {
        "swarm" => LABELS,
        other => other,
    };
    format!("{name}@{provider}").to_ascii_lowercase()
}

/// A name as Traefik makes one of a container's.
fn normalized(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

/// The service that a container is where its labels name none.
fn own_service(container: usize) -> String {
    format!("{container}@")
}

fn service_of(told: &Told, kind: Kind, named: Option<&str>) -> Option<String> {
    match (named, told.container) {
        (Some(named), _) => Some(qualified(named, told.provider())),
        (None, None) => None,
        // A router that names none of several leads nowhere.
        (None, Some(container)) => Some(match told.only_service(kind)? {
            "" => own_service(container),
            name => qualified(name, LABELS),
        }),
    }
}

fn router<'a>(told: &'a Told, kind: Kind, name: &str) -> Option<Router<'a>> {
    let paths = &told.paths;
    let start = format!("{}.routers.{name}", kind.name());
    let entry_points = listed(paths, &format!("{start}.entrypoints"));
    let text = |name| paths.get(&format!("{start}.{name}")).map(String::as_str);
    let rule = text("rule");
    Some(Router {
        kind,
        container: told.container,
        provider: told.provider(),
        entry_points: (!entry_points.is_empty()).then_some(entry_points),
        has_tls: is_on(paths, &format!("{start}.tls")),
        passes_tls: text("tls.passthrough").is_some_and(|told| told.eq_ignore_ascii_case("true")),
        tls_options: text("tls.options"),
        hosts: rule.map(hosts).unwrap_or_default(),
        middlewares: listed(paths, &format!("{start}.middlewares")),
        // Of two that fit, the one with the longer rule is taken.
        priority: text("priority")
            .and_then(|told| told.parse().ok())
            .filter(|told| *told != 0)
            .or(rule.map(|rule| rule.len() as u64))
            .unwrap_or(LONGEST_RULE),
        is_for_few: rule.is_some_and(is_for_few),
        service: service_of(told, kind, text("service"))?,
    })
}

/// The router of a container of which labels name none.
fn own_router(told: &Told) -> Option<Router<'_>> {
    let names = told.paths.get("frontend.entrypoints");
    let has = |path| has(&told.paths, path);
    Some(Router {
        kind: Kind::Http,
        container: told.container,
        provider: LABELS,
        entry_points: names.map(|names| names.split(',').collect()),
        has_tls: false,
        passes_tls: false,
        tls_options: None,
        hosts: Vec::new(),
        middlewares: Vec::new(),
        priority: LONGEST_RULE,
        // Traefik 1 had no middlewares.
        is_for_few: has("frontend.auth") || has("frontend.whitelist"),
        service: service_of(told, Kind::Http, None)?,
    })
}

fn has_below(paths: &Paths, start: &str) -> bool {
    starting(paths, start).next().is_some()
}

//! The networks of a service, and the names by which containers find each other.

use super::attribute::{attribute, counting, counting_at, is_on, reached};
use super::{Part, Project, volume};
use crate::container::{Alias, HostName, Network, NetworkKind};
use crate::knowable::Knowable;
use crate::source::Span;
use crate::yaml::Node;

/// What a service says of networks and names.
pub(super) struct Networks {
    /// The networks it is on, by the names of the file: `default` where it names none, and none where `network_mode` says
    /// otherwise.
    pub(super) names: Vec<String>,
    /// What the files say of each of them.
    pub(super) attached: Vec<Network>,
    /// What others on its networks may call it, besides its name.
    pub(super) aliases: Vec<Alias>,
    /// Names that it alone knows.
    pub(super) hosts: Vec<HostName>,
    /// Whether containers of other projects may be on one of its networks.
    pub(super) is_shared: bool,
}

impl Networks {
    /// Of a service whose name is at `span`.
    pub(super) fn of(project: &Project, service: &str, parts: &[Part], span: Span) -> Self {
        let mut names: Vec<(usize, (String, Span))> = Vec::new();
        let mut aliases: Vec<(usize, Alias)> = Vec::new();
        let mut hosts = Vec::new();
        let texts = |part: &Part, node: &Node| -> Vec<String> {
            let items = node.seen_items();
            items
                .filter_map(|item| project.text_of(part, item))
                .collect()
        };
        for (at, field) in counting_at(parts, "networks") {
            let reached = reached(parts, at);
            let cleared = parts[at].clears_below(&["networks"]);
            let is_reset = |name: &str| cleared.contains(&name);
            names.retain(|(at, (name, _))| !(reached.contains(at) && is_reset(name)));
            aliases.retain(|(at, alias)| {
                let mut on = alias.network.iter();
                !(reached.contains(at) && on.any(|name| is_reset(name)))
            });
            let part = &parts[at];
            names.extend(named(project, part, field.value).map(|name| (at, name)));
            aliases.extend(aliased(project, part, field.value, &texts).map(|alias| (at, alias)));
        }
        let of_parts = names.into_iter().map(|(_, name)| name);
        let mut names: Vec<(String, Span)> = of_parts.collect();
        let mut aliases: Vec<Alias> = aliases.into_iter().map(|(_, alias)| alias).collect();
        for links in ["links", "external_links"] {
            for (part, field) in counting(parts, links) {
                let links = texts(part, field.value).into_iter();
                hosts.extend(links.map(|link| HostName::of_link(&link)));
            }
        }
        for (part, field) in counting(parts, "extra_hosts") {
            let lines = texts(part, field.value).into_iter();
            hosts.extend(lines.map(|line| HostName::of_line(&line)));
            hosts.extend(field.value.fields().into_iter().flat_map(|field| {
                let name = field.key.text().unwrap_or_default().to_owned();
                let one = project.text_of(part, field.value);
                let addresses = one.into_iter().chain(texts(part, field.value));
                addresses.map(move |to| HostName::new(&name, &to))
            }));
        }
        let name = attribute(parts, "hostname");
        let name = name.and_then(|(part, node)| project.text_of(part, node));
        let network = None;
        aliases.extend(name.map(|name| Alias {
            name,
            network,
            namespace: None,
        }));
        let has_mode = attribute(parts, "network_mode").is_some();
        if names.is_empty() && !has_mode {
            names.push(("default".to_owned(), span));
        }
        aliases.extend(made_name(project, service, parts));
        let is_shared = names.iter().any(|(name, _)| is_external(project, name));
        let network = |(name, span): &(String, Span)| Network {
            name: name.clone(),
            called: called(project, name),
            kind: kind(project, name),
            span: *span,
        };
        Self {
            attached: names.iter().map(network).collect(),
            names: names.into_iter().map(|(name, _)| name).collect(),
            aliases,
            hosts,
            is_shared,
        }
    }
}

/// The names in a list or mapping of networks.
fn named(project: &Project, part: &Part, said: &Node) -> impl Iterator<Item = (String, Span)> {
    let items = said.seen_items().filter_map(|item| {
        let name = project.text_of(part, item)?;
        Some((name, item.span(part.source)))
    });
    let fields = said.fields().into_iter().filter_map(|field| {
        let name = field.key.text()?.to_owned();
        Some((name, field.key.span(part.source)))
    });
    items.chain(fields)
}

/// The names by which a service is found on its networks.
fn aliased(
    project: &Project,
    part: &Part,
    said: &Node,
    texts: &dyn Fn(&Part, &Node) -> Vec<String>,
) -> impl Iterator<Item = Alias> {
    said.fields().into_iter().flat_map(move |network| {
        let own = network.value.get("aliases");
        let mut own = own
            .map(|field| texts(part, field.value))
            .unwrap_or_default();
        for address in ["ipv4_address", "ipv6_address"] {
            let field = network.value.get(address);
            own.extend(field.and_then(|field| project.text_of(part, field.value)));
        }
        let on = network.key.text().map(str::to_owned);
        own.into_iter().map(move |name| Alias {
            name,
            network: on.clone(),
            namespace: None,
        })
    })
}

/// What compose calls a container that the file does not name.
fn made_name(project: &Project, service: &str, parts: &[Part]) -> Option<Alias> {
    let is_named = attribute(parts, "container_name").is_some();
    let project = project.scopes.project_name()?;
    (!is_named).then(|| Alias {
        name: format!("{project}-{service}-1"),
        network: None,
        namespace: None,
    })
}

/// Whether a network is made by somebody else.
fn is_external(project: &Project, name: &str) -> bool {
    let said = project.said("networks", name, &["external"]);
    // The older form is a mapping, with the name in it.
    said.first().is_some_and(|(document, external)| {
        external.entries().is_some()
            || match volume::told(project, document, external) {
                Knowable::Known(text) => is_on(&text),
                Knowable::Unknown(_) => true,
            }
    })
}

/// From where containers on a network are reached, besides what they publish (docs/clearml.md#networks-of-docker).
fn kind(project: &Project, name: &str) -> Knowable<NetworkKind> {
    let text = |path: &[&str]| told(project, name, path);
    if is_external(project, name) {
        return own_name(project, name).map(|own| match own.as_deref().unwrap_or(name) {
            "host" => NetworkKind::Host,
            "none" => NetworkKind::Inner,
            _ => NetworkKind::External,
        });
    }
    text(&["driver"]).and_then(|driver| match driver.as_deref() {
        Some("host") => Knowable::Known(NetworkKind::Host),
        Some("macvlan" | "ipvlan") => {
            let internal = text(&["internal"]);
            internal.map(|internal| match internal.as_deref() {
                Some(text) if is_on(text) => NetworkKind::Inner,
                _ => NetworkKind::Lan,
            })
        }
        None | Some("" | "bridge") => bridge(&text),
        Some("default" | "none" | "null" | "overlay" | "nat" | "l2bridge") => {
            Knowable::Known(NetworkKind::Inner)
        }
        Some(_) => Knowable::unknown("its driver is none of docker's own"),
    })
}

/// The name that the file gives a network for the engine.
fn own_name(project: &Project, name: &str) -> Knowable<Option<String>> {
    told(project, name, &["name"]).and_then(|own| match own {
        Some(own) => Knowable::Known(Some(own)),
        None => told(project, name, &["external", "name"]),
    })
}

/// What the engine calls a network.
fn called(project: &Project, name: &str) -> Option<String> {
    match own_name(project, name).into_known()? {
        Some(own) => Some(own),
        None if is_external(project, name) => Some(name.to_owned()),
        None => Some(format!("{}_{name}", project.scopes.project_name()?)),
    }
}

fn bridge(text: &dyn Fn(&[&str]) -> Knowable<Option<String>>) -> Knowable<NetworkKind> {
    let modes = GATEWAY_MODES
        .iter()
        .map(|option| text(&["driver_opts", option]));
    let modes = modes.collect::<Knowable<Vec<_>>>();
    modes.and_then(|modes| {
        if modes.iter().flatten().any(|mode| mode == "nat-unprotected") {
            return Knowable::Known(NetworkKind::Routed);
        }
        let internal = text(&["internal"]);
        internal.map(|internal| match internal.as_deref() {
            Some(text) if is_on(text) => NetworkKind::Internal,
            _ => NetworkKind::Inner,
        })
    })
}

const NO_VALUE: &str = "a variable that says which it is has no value in these files";

/// Options with which the engine opens all ports of a network.
const GATEWAY_MODES: [&str; 2] = [
    "com.docker.network.bridge.gateway_mode_ipv4",
    "com.docker.network.bridge.gateway_mode_ipv6",
];

/// The address on which a service publishes what names none, where all of its networks have the same.
pub(super) fn host_binding(project: &Project, names: &[String]) -> Option<String> {
    let path = ["driver_opts", "com.docker.network.bridge.host_binding_ipv4"];
    let of_one = |name: &String| setting(project, name, &path)?.into_known();
    let mut all = names.iter().map(of_one);
    let first = all.next()??;
    all.all(|one| one.as_ref() == Some(&first)).then_some(first)
}

/// What is said of a network at a path, if anything, as far as it is known.
fn told(project: &Project, name: &str, path: &[&str]) -> Knowable<Option<String>> {
    match setting(project, name, path) {
        None => Knowable::Known(None),
        Some(Knowable::Known(text)) => Knowable::Known(Some(text)),
        Some(Knowable::Unknown(_)) => Knowable::unknown(NO_VALUE),
    }
}

/// What is said of a network at a path, if anything.
fn setting(project: &Project, name: &str, path: &[&str]) -> Option<Knowable<String>> {
    let said = project.said("networks", name, path);
    let mut texts = said.into_iter().filter(|(_, node)| node.text().is_some());
    let (document, node) = texts.next()?;
    Some(volume::told(project, document, node))
}

//! Reverse proxies: what their configuration says, and what follows from what they publish where it cannot be seen.

mod caddy;
mod haproxy;
pub(super) mod hidden;
mod httpd;
mod included;
pub(super) mod labelled;
mod nginx;
pub(super) mod traefik;
pub(in crate::deployment) mod webserver;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::files::Files;
use super::hop::{Forward, How, Rule};
use super::variables::Variables;
use super::{Around, Database, Namespace, mention};
use crate::container::{Container, Interface, Port};
use crate::container_path;

/// Which proxy a container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Software {
    Caddy,
    Haproxy,
    Httpd,
    Nginx,
    /// It learns from the labels of others.
    Traefik,
    /// Others, whose configuration is not read.
    Other,
}

/// Images of proxies, by the last part of their names.
const IMAGES: [(&str, Software); 32] = [
    ("angie", Software::Nginx),
    ("apache", Software::Httpd),
    ("apisix", Software::Other),
    ("caddy", Software::Caddy),
    ("caddy-docker-proxy", Software::Other),
    ("envoy", Software::Other),
    ("haproxy", Software::Haproxy),
    ("haproxy-alpine", Software::Haproxy),
    ("haproxy-debian", Software::Haproxy),
    ("httpd", Software::Httpd),
    ("bunkerweb", Software::Other),
    ("kong", Software::Other),
    ("lighttpd", Software::Other),
    ("modsecurity-crs", Software::Other),
    ("nginx", Software::Nginx),
    ("nginx-ingress", Software::Other),
    ("nginx-plus", Software::Nginx),
    ("nginx-proxy", Software::Other),
    ("nginx-proxy-manager", Software::Other),
    ("nginx-unprivileged", Software::Nginx),
    ("oauth2-proxy", Software::Other),
    ("openresty", Software::Nginx),
    ("pomerium", Software::Other),
    ("pound", Software::Other),
    ("sozu", Software::Other),
    ("squid", Software::Other),
    ("swag", Software::Nginx),
    ("tengine", Software::Nginx),
    ("traefik", Software::Traefik),
    ("varnish", Software::Other),
    ("zoraxy", Software::Other),
    ("h2o", Software::Other),
];

/// What the name of a container or of its image says of it, where it is none of these.
const HINTS: [&str; 15] = [
    "apache",
    "balancer",
    "caddy",
    "envoy",
    "gateway",
    "gw",
    "haproxy",
    "httpd",
    "ingress",
    "lb",
    "loadbalancer",
    "nginx",
    "openresty",
    "proxy",
    "traefik",
];

/// Ports on which TLS is spoken.
const TLS: [u16; 5] = [443, 4443, 8443, 9443, 10443];

impl Software {
    fn of(container: &Container) -> Option<Self> {
        let name = container.image_name();
        let mut images = IMAGES.iter();
        Some(images.find(|(image, _)| *image == name)?.1)
    }

    /// Where its configuration is.
    fn folders(self) -> &'static [&'static str] {
        match self {
            Self::Caddy => &["/etc/caddy", "/config/caddy", "/Caddyfile"],
            Self::Haproxy => &[
                "/usr/local/etc/haproxy",
                "/etc/haproxy",
                "/bitnami/haproxy/conf",
                "/opt/bitnami/haproxy/conf",
            ],
            Self::Httpd => &[
                "/usr/local/apache2/conf",
                "/etc/apache2",
                "/etc/httpd",
                "/opt/bitnami/apache/conf",
                "/bitnami/apache/conf",
                "/vhosts",
            ],
            Self::Nginx => &[
                "/etc/nginx",
                "/opt/bitnami/nginx/conf",
                "/usr/local/openresty/nginx/conf",
                "/config/nginx",
                "/etc/angie",
            ],
            Self::Traefik => &[
                "/etc/traefik",
                "/traefik.yml",
                "/traefik.yaml",
                "/traefik.toml",
            ],
            Self::Other => &[],
        }
    }
}

/// `9200`, or a range, `9200-9300`.
fn port_range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

/// Whether a container is a proxy with software that is known for it.
pub(super) fn is_known(container: &Container) -> bool {
    Software::of(container).is_some()
}

/// The names of images of proxies.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    IMAGES.iter().map(|(image, _)| *image)
}

/// Whether a container is a proxy by its image, its command or its name.
pub(super) fn may_be_one(container: &Container) -> bool {
    software(container).is_some() || is_hinted(container)
}

/// What the start of nginx's image makes of a template. nginx's own variables are written in small letters.
fn in_template(variables: &Variables<'_>, text: &str) -> String {
    variables.expanded_file(text, &|name| {
        name.contains(|c: char| c.is_ascii_uppercase())
    })
}

/// What the configuration of a proxy says; none where it cannot be seen, or there is none.
pub(super) fn rules(
    container: &Container,
    files: &Files,
    variables: &Variables<'_>,
) -> Option<Vec<Rule>> {
    let software = software(container)?;
    let variable = |text: &str| variables.expanded_file(text, &|_| true);
    let mut all = included::read(container, software, files);
    let own = (software == Software::Nginx).then(|| nginx::own(container, files, variables));
    all.extend(own.iter().flatten());
    match software {
        Software::Caddy if has_adapter(container) => None,
        Software::Caddy => caddy::rules(&container.words, &all, &variable),
        Software::Haproxy => haproxy::rules(&all, &variable),
        Software::Httpd => httpd::rules(&all, &variable),
        Software::Nginx => nginx::rules(&all, &|text| in_template(variables, text)),
        Software::Traefik | Software::Other => None,
    }
}

/// Whether Caddy reads its configuration in a form that is not read here, such as YAML.
fn has_adapter(container: &Container) -> bool {
    if software(container) != Some(Software::Caddy) {
        return false;
    }
    let mut told = container.option("--adapter").chain(container.option("-a"));
    told.any(|adapter| adapter != "caddyfile")
}

/// Whether Caddy is told in a way that is not read: in a form of its own, in JSON, or of bytes.
pub(super) fn is_told_otherwise(container: &Container, files: &Files) -> bool {
    if has_adapter(container) {
        return true;
    }
    let is_of_bytes = |line: &str| line.split_whitespace().next() == Some("layer4");
    files.texts.iter().any(|file| {
        let is_json = ["\"apps\"", "\"dial\""]
            .iter()
            .all(|name| file.text.contains(name));
        is_json || file.text.lines().any(is_of_bytes)
    })
}

/// Whether a part of a proxy's configuration cannot be looked into.
pub(super) fn is_hidden(container: &Container, files: &Files) -> bool {
    software(container).is_none_or(|software| {
        files.is_hidden(software.folders()) || included::is_hidden(container, software, files)
    })
}

/// The software of a container, by its image or its command.
fn software(container: &Container) -> Option<Software> {
    Software::of(container)
        .or_else(|| of_command(container))
        .or_else(|| has_options_of_traefik(container).then_some(Software::Traefik))
}

/// The program that a command starts, where the image has a name of its own.
fn of_command(container: &Container) -> Option<Software> {
    let words = container.words.iter().enumerate();
    let words = words.map(|(at, word)| (at, word.rsplit('/').next().unwrap_or(word)));
    let mut programs = words.filter_map(|(at, word)| match word {
        // Networks are called so, too.
        "traefik" => (at == 0).then_some(Software::Traefik),
        "nginx" | "openresty" => Some(Software::Nginx),
        "haproxy" => Some(Software::Haproxy),
        "caddy" => Some(Software::Caddy),
        "httpd" | "httpd-foreground" | "apache2" | "apachectl" => Some(Software::Httpd),
        _ => None,
    });
    programs.next()
}

/// Whether a command has options that Traefik alone has.
fn has_options_of_traefik(container: &Container) -> bool {
    ["--entrypoints.", "--providers."].iter().all(|start| {
        let mut words = container.words.iter();
        words.any(|word| word.to_ascii_lowercase().starts_with(start))
    })
}

fn is_tls(port: &Port) -> bool {
    let ranges = std::iter::once(&port.target).chain(&port.published);
    ranges
        .into_iter()
        .any(|range| TLS.iter().any(|tls| range.contains(tls)))
}

impl Around<'_> {
    /// What a container publishes for others than its host, with TCP.
    pub(super) fn open_ports(&self, index: usize) -> Vec<&Port> {
        let lender = self.lender(index);
        let ports = lender
            .into_iter()
            .flat_map(|lender| &self.containers[lender].ports);
        ports
            .filter(|port| port.protocol == "tcp" && port.interface != Interface::Loopback)
            .collect()
    }

    /// The ports of a container to which rules of a cluster lead.
    fn entered_ports(&self, index: usize) -> BTreeSet<u16> {
        let pod = self.containers[index].pod.iter();
        let entrances = pod.flat_map(|pod| &pod.entrances);
        let ports = entrances.filter_map(|entrance| entrance.port);
        ports.filter(|port| !TLS.contains(port)).collect()
    }

    /// The servers that a container reaches, each with the port on which it listens.
    fn servers_beside(&self, index: usize) -> Vec<(usize, u16)> {
        let servers = self.instances.iter().filter_map(|one| {
            let port = one.listening.ports.first()?;
            Some((one.service, *port))
        });
        servers
            .filter(|(other, _)| self.are_beside(index, *other))
            .collect()
    }
}

/// A proxy whose configuration cannot be seen serves what is beside it; without a port for TLS, in clear text.
pub(super) fn concluded(
    around: &Around<'_>,
    index: usize,
    files: &Files,
    variables: &Variables<'_>,
) -> Vec<Forward> {
    let container = &around.containers[index];
    let forward = |at: u16, to: (usize, u16), is_told: bool| Forward {
        by: index,
        at,
        to,
        how: How::Requests,
        is_loopback: false,
        is_tls: false,
        is_guarded: container.image_name() == "oauth2-proxy",
        is_told,
        tunnel: None,
    };
    let ports = around.open_ports(index);
    let has_tls = ports.iter().any(|port| is_tls(port));
    // The port of a database is no web server's.
    let plain = ports
        .iter()
        .filter(|port| !is_tls(port) && Database::at(port).is_none());
    let plain: Vec<u16> = plain
        .flat_map(|port| port.target.clone().take(64))
        .collect();
    match Software::of(container) {
        // They serve what labels and variables name (`traefik.rs`, `labelled.rs`).
        Some(Software::Traefik) => Vec::new(),
        Some(_) if labelled::is_one(container) => Vec::new(),
        None if !is_hinted(container) => Vec::new(),
        software => {
            let named = mention::rules(around, index, files, variables);
            let named = named
                .iter()
                .flat_map(|rule| &rule.to)
                .flat_map(|one| around.reached(index, &one.address));
            let named: Vec<(usize, u16)> = named.collect();
            // Of the databases, this one speaks HTTP. What an unknown one is told of it may be for itself.
            let is_search =
                |to: usize| Database::of(&around.containers[to]) == Some(Database::Elasticsearch);
            let searches = named
                .iter()
                .filter(|(to, _)| software.is_some() && is_search(*to));
            // What leads to it from outside of a cluster says itself whether that speaks TLS.
            let entered = around.entered_ports(index);
            let all = ports.iter().flat_map(|port| {
                let at = port.target.clone().take(64);
                at.map(|at| (at, is_tls(port)))
            });
            let all: BTreeSet<_> = all.chain(entered.iter().map(|at| (*at, false))).collect();
            let searches = searches.flat_map(|to| {
                all.iter().map(|(at, is_tls)| Forward {
                    is_tls: *is_tls,
                    ..forward(*at, *to, true)
                })
            });
            let searches: Vec<Forward> = searches.collect();
            let named = named.into_iter();
            let named: Vec<_> = named
                .filter(|(to, port)| around.is_port_of(*to, *port))
                .collect();
            let mut clear = entered;
            clear.extend(plain.iter().filter(|_| !has_tls));
            if !named.is_empty() && !clear.is_empty() {
                let pairs = clear
                    .iter()
                    .flat_map(|at| named.iter().map(|to| forward(*at, *to, true)));
                return pairs.chain(searches).collect();
            }
            if !searches.is_empty() {
                return searches;
            }
            if software.is_none() || has_tls || serves_pages(container) {
                return Vec::new();
            }
            let servers = around.servers_beside(index);
            let pairs = plain
                .iter()
                .flat_map(|at| servers.iter().map(|to| forward(*at, *to, false)));
            pairs.collect()
        }
    }
}

impl Around<'_> {
    /// Whether a server of a container listens on a port.
    fn is_port_of(&self, index: usize, port: u16) -> bool {
        let mut servers = self.servers(index).iter();
        servers.any(|one| one.listening.ports.contains(&port))
    }
}

/// Why it is not known whether a proxy serves servers in clear text.
pub(super) fn doubt(around: &Around<'_>, index: usize) -> Option<String> {
    let container = &around.containers[index];
    let is_known = is_known(container);
    let servers = around.servers_beside(index);
    if servers.is_empty() || !is_known && !is_hinted(container) || serves_pages(container) {
        return None;
    }
    let is_told = software(container) == Some(Software::Traefik) || labelled::is_one(container);
    let sleeps = container
        .words
        .iter()
        .any(|word| word == "sleep" || word == "pause");
    if is_told || sleeps {
        return None;
    }
    if is_known && matches!(around.namespace(index), Namespace::Host(_)) {
        return Some("its configuration is not here, and it is on the host's network".to_owned());
    }
    let ports = around.open_ports(index);
    let has_tls = ports.iter().any(|port| is_tls(port));
    let is_own = |port: &&&Port| {
        let mut servers = servers.iter();
        servers.any(|(_, own)| *own != 80 && port.leads_to(*own))
    };
    let plain = ports.iter().filter(|port| !is_tls(port));
    if is_known && has_tls && has_adapter(container) && plain.clone().next().is_some() {
        return Some("its configuration has a form that is not read (--adapter)".to_owned());
    }
    let odd = match has_tls {
        // It has TLS for each address by itself, in a database or in labels that are not read.
        true if Software::of(container) == Some(Software::Other) => plain.clone().next(),
        // Next to TLS, 80 is there to lead to it.
        true => plain.clone().find(is_own),
        false => plain.clone().find(|_| !is_known),
    }?;
    // It lends its network to another one, and its ports lead there.
    let mut others = (0..around.containers.len()).filter(|other| *other != index);
    if others.any(|other| around.lender(other) == Some(index)) {
        return None;
    }
    let port = match container.shown_port(odd) {
        port if port.starts_with(|c: char| c.is_ascii_digit()) => format!("its port {port}"),
        chosen => chosen,
    };
    Some(format!("what {port} leads to is in no file that is here"))
}

/// A name that says it is a proxy, of an image that is none of those that are known.
fn is_hinted(container: &Container) -> bool {
    let built = container.built_as.as_ref().map(|image| image.text.as_str());
    let names = [
        Some(container.name.as_str()),
        Some(container.image_name()),
        built,
    ];
    names.into_iter().flatten().any(|name| {
        let name = name.to_ascii_lowercase();
        let mut parts = name.split(|c: char| !c.is_ascii_alphanumeric());
        parts.any(|part| HINTS.contains(&part)) && !name.contains("socket-proxy")
    })
}

/// Whether a web server has pages of its own and no other configuration than its image's.
fn serves_pages(container: &Container) -> bool {
    const PAGES: [&str; 6] = [
        "/usr/share/nginx",
        "/usr/local/apache2/htdocs",
        "/usr/share/caddy",
        "/srv",
        "/var/www",
        "/app",
    ];
    let targets = container.mounts.iter().chain(&container.copies);
    let mut targets = targets
        .map(|mount| mount.target.known().map(String::as_str))
        .peekable();
    targets.peek().is_some()
        && targets.all(|target| {
            target.is_some_and(|path| {
                PAGES
                    .iter()
                    .any(|page| container_path::is_below(path, page))
            })
        })
}

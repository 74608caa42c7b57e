//! Proxies that look at other containers, besides Traefik: caddy-docker-proxy at their labels, nginx-proxy at their variables
//! (docs/clearml.md#proxies).

use crate::container::Container;
use crate::deployment::exposure::address::Address;
use crate::deployment::exposure::files::holds;
use crate::deployment::exposure::hop::{Forward, How};
use crate::deployment::exposure::{Around, Database};
use crate::secret::Secret;
use crate::source::Span;
use crate::unseen::{Hides, Unseen};

/// What a container says to such a proxy.
struct Told {
    /// The port of the proxy.
    at: u16,
    is_tls: bool,
    is_guarded: bool,
    to: To,
    span: Span,
}

/// Where it leads.
enum To {
    /// To a port of the container itself.
    Own(u16),
    Address(Address),
}

/// A proxy, by the last part of its image's name, and how it reads what a container says.
struct Reader {
    image: &'static str,
    /// Where a container says it.
    place: &'static str,
    told: fn(&Around<'_>, usize, Option<&Container>) -> Vec<Told>,
}

const READERS: [Reader; 2] = [
    Reader {
        image: "caddy-docker-proxy",
        place: "labels",
        told: of_caddy,
    },
    Reader {
        image: "nginx-proxy",
        place: "variables",
        told: of_nginx,
    },
];

/// Where nginx-proxy looks for files of passwords.
const PASSWORDS: &str = "/etc/nginx/htpasswd";
/// What asks for a password, in the names of labels.
const GUARDS: [&str; 3] = ["basic_auth", "basicauth", "forward_auth"];

/// Adds what they pass on, and says of what one elsewhere may.
pub(in crate::deployment::exposure) fn of(
    around: &Around<'_>,
    forwards: &mut Vec<Forward>,
    unseen: &mut Vec<Unseen>,
) {
    for reader in &READERS {
        let containers = around.containers.iter().enumerate();
        let proxies = containers.filter(|(_, one)| one.image_name() == reader.image);
        let proxies: Vec<usize> = proxies.map(|(index, _)| index).collect();
        for index in 0..around.containers.len() {
            let is_by = |by: &usize| *by != index && around.are_beside(*by, index);
            let by: Vec<usize> = proxies.iter().copied().filter(is_by).collect();
            for by in &by {
                let all = (reader.told)(around, index, Some(&around.containers[*by]));
                for told in &all {
                    add(around, (*by, index), told, forwards);
                }
            }
            match by.is_empty() {
                true => unseen.extend(elsewhere(around, index, reader)),
                false => unseen.extend(untold(around, index, reader)),
            }
        }
    }
}

fn add(around: &Around<'_>, (by, index): (usize, usize), told: &Told, all: &mut Vec<Forward>) {
    let to = match &told.to {
        To::Own(port) => vec![(index, *port)],
        To::Address(address) => around.reached(by, address),
    };
    all.extend(to.into_iter().map(|to| Forward {
        by,
        at: told.at,
        to,
        how: How::Requests,
        is_tls: told.is_tls,
        is_guarded: told.is_guarded,
        is_told: true,
        is_loopback: false,
        tunnel: None,
    }));
}

/// What a database says to a proxy that is in none of these files. Only Elasticsearch speaks HTTP.
fn elsewhere(around: &Around<'_>, index: usize, reader: &Reader) -> Option<Unseen> {
    let container = &around.containers[index];
    let is_open = Database::of(container) == Some(Database::Elasticsearch);
    let all = (reader.told)(around, index, None);
    let told = all.iter().find(|told| is_open && !told.is_guarded)?;
    Some(Unseen {
        what: format!("what {} makes of its {}", reader.image, reader.place),
        hides: Hides::Port,
        reason: format!(
            "{} opens the database to others, where one runs outside of this deployment; remove the {}",
            reader.image, reader.place
        ),
        service: Some(container.name.clone()),
        span: Some(told.span),
    })
}

/// What a database may say in a variable that is not here to a proxy beside it.
fn untold(around: &Around<'_>, index: usize, reader: &Reader) -> Option<Unseen> {
    let container = &around.containers[index];
    let may_be_said = Database::of(container) == Some(Database::Elasticsearch)
        && reader.place == "variables"
        && (reader.told)(around, index, None).is_empty();
    let names = ["VIRTUAL_HOST", "VIRTUAL_HOST_MULTIPORTS"];
    let mut names = names.into_iter().filter(|_| may_be_said);
    let reason = names.find_map(|name| container.variable(name).reason().cloned())?;
    Some(Unseen {
        what: format!("what {} makes of its variables", reader.image),
        hides: Hides::Way,
        reason: reason.to_string(),
        service: Some(container.name.clone()),
        span: Some(container.name_span),
    })
}

/// `caddy: es.example.com` and `caddy.reverse_proxy: "{{upstreams 9200}}"`; of several, `caddy_1` and so on.
fn of_caddy(around: &Around<'_>, index: usize, proxy: Option<&Container>) -> Vec<Told> {
    let container = &around.containers[index];
    let named = proxy.and_then(|proxy| {
        let option = proxy.option("--label-prefix").next();
        option.or_else(|| Some(proxy.known_variable("CADDY_DOCKER_LABEL_PREFIX")?.expose()))
    });
    let prefix = named.unwrap_or("caddy");
    let is_site = |group: &str| {
        let rest = group.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    };
    let mut all = Vec::new();
    for label in &container.labels {
        let Some((group, path)) = label.name.split_once('.').filter(|(one, _)| is_site(one)) else {
            continue;
        };
        let path = path.strip_suffix(".to").unwrap_or(path);
        let site = container.labels.iter().find(|one| one.name == group);
        let (Some(site), Some(text), true) =
            (site, label.value.known(), path.ends_with("reverse_proxy"))
        else {
            continue;
        };
        let is_guarded = is_guarded(container, group, path);
        let site = site.value.known().map_or("", String::as_str);
        for (at, is_tls) in site.split(',').map(address_of_site) {
            all.extend(upstreams(text).into_iter().map(|to| Told {
                at,
                is_tls,
                is_guarded,
                to,
                span: label.span,
            }));
        }
    }
    all
}

/// Whether labels ask for a password around what is passed on, and not for one path or some requests alone.
fn is_guarded(container: &Container, group: &str, path: &str) -> bool {
    let guards = container.labels.iter().filter_map(|one| {
        let own = one.name.strip_prefix(group)?.strip_prefix('.')?;
        let names: Vec<&str> = own.split('.').collect();
        let is_guard = |name: &&str| GUARDS.iter().any(|guard| name.ends_with(guard));
        let at = names.iter().position(is_guard)?;
        let value = one.value.known().map_or("/", String::as_str);
        let is_partial = at + 1 == names.len() && value.trim_start().starts_with(['/', '@']);
        let is_around = path.split('.').take(at).eq(names[..at].iter().copied());
        Some(is_around && !is_partial)
    });
    let mut guards = guards.peekable();
    guards.peek().is_some() && guards.all(|covers_all| covers_all)
}

/// The port of an address of a site, and whether Caddy speaks TLS there: it does unless it is told not to.
fn address_of_site(text: &str) -> (u16, bool) {
    let text = text.trim();
    let is_http = text.starts_with("http://");
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.split('/').next().unwrap_or(rest);
    let told = rest
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse().ok());
    let at = told.unwrap_or(if is_http { 80 } else { 443 });
    (at, !is_http && at != 80)
}

/// What a `reverse_proxy` leads to: `{{upstreams 9200}}`, `http://host:9200`, each behind a path or the name of a matcher.
fn upstreams(text: &str) -> Vec<To> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("{{") {
        let (template, after) = behind.split_once("}}").unwrap_or((behind, ""));
        let port = template
            .split_whitespace()
            .find_map(|word| word.parse().ok());
        if template.trim_start().starts_with("upstreams") {
            found.push(To::Own(port.unwrap_or(80)));
        }
        rest = after;
    }
    let addresses = text.split_whitespace().filter_map(Address::of);
    found.extend(addresses.filter(|one| one.port.is_some()).map(To::Address));
    found
}

/// Whether all that a proxy serves is said by other containers.
pub(super) fn is_one(container: &Container) -> bool {
    let reads_file = container.option("--caddyfile-path").next().is_some()
        || container
            .known_variable("CADDY_DOCKER_CADDYFILE_PATH")
            .is_some();
    let mut readers = READERS.iter();
    readers.any(|reader| reader.image == container.image_name()) && !reads_file
}

/// Whether nginx-proxy has a certificate for a container: with one it sends those who come in clear text to TLS.
fn has_certificate(container: &Container, proxy: &Container) -> bool {
    const NAMES: [&str; 3] = ["ACME_HOST", "CERT_NAME", "LETSENCRYPT_HOST"];
    let mut variables = container.environment.iter();
    let mut mounts = proxy.mounts.iter().filter_map(|mount| mount.target.known());
    variables.any(|one| NAMES.contains(&one.name.as_str()))
        || mounts.any(|target| target.starts_with("/etc/nginx/certs"))
}

fn answers_clear_text(container: &Container) -> bool {
    let method = container.known_variable("HTTPS_METHOD").map(Secret::expose);
    matches!(method, Some("nohttps" | "noredirect"))
}

/// `VIRTUAL_HOST: es.example.com` and `VIRTUAL_PORT: 9200`.
fn of_nginx(around: &Around<'_>, index: usize, proxy: Option<&Container>) -> Vec<Told> {
    let container = &around.containers[index];
    let mut variables = container.environment.iter();
    let Some(host) = variables.find(|one| one.name.starts_with("VIRTUAL_HOST")) else {
        return Vec::new();
    };
    let text = |name: &str| container.known_variable(name).map(Secret::expose);
    let of_many = text("VIRTUAL_HOST_MULTIPORTS").unwrap_or_default();
    let of_many = of_many.split("port").skip(1).filter_map(|rest| {
        let rest = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
        let end = rest.find(|c: char| !c.is_ascii_digit());
        rest[..end.unwrap_or(rest.len())].parse().ok()
    });
    let mut ports: Vec<u16> = of_many.collect();
    let told = text("VIRTUAL_PORT").and_then(|port| port.trim().parse::<u16>().ok());
    ports.extend(told);
    if ports.is_empty() {
        // Of an image with one port it is that one, and of any other 80.
        match around.listening(index).ports[..] {
            [one] => ports.push(one),
            _ => ports.push(80),
        }
    }
    // A file of passwords is for the host of its name.
    let hosts = host
        .value
        .known()
        .map_or("", Secret::expose)
        .split(',')
        .map(str::trim);
    let has_file = |host: &str| {
        let mounts = proxy.into_iter().flat_map(|proxy| &proxy.mounts);
        let mut mounts = mounts.filter_map(|mount| Some((mount.target.known()?, &mount.source)));
        let path = format!("{PASSWORDS}/{host}");
        mounts.any(|(target, source)| {
            *target == path
                || target.trim_end_matches('/') == PASSWORDS
                    && source.known().is_some_and(|source| holds(source, host))
        })
    };
    let is_guarded = hosts.clone().all(has_file);
    let has_tls = proxy.is_none_or(|proxy| proxy.ports.iter().any(super::is_tls));
    let is_sent_to_tls = proxy.is_none_or(|proxy| {
        has_certificate(container, proxy) && ![container, proxy].into_iter().any(answers_clear_text)
    });
    // Without a certificate of its own it may have another one.
    let mut places = Vec::new();
    places.extend(has_tls.then_some((443, true)));
    places.extend((!has_tls || !is_sent_to_tls).then_some((80, false)));
    let told = |(port, (at, is_tls))| Told {
        at,
        is_tls,
        is_guarded,
        to: To::Own(port),
        span: host.span,
    };
    let all = ports
        .into_iter()
        .flat_map(|port| places.iter().map(move |place| (port, *place)));
    all.map(told).collect()
}

//! Software that passes bytes on: socat, read as it is written, and others, of which the addresses that they are given count.

use std::collections::HashSet;
use std::hash::Hash;

use super::Around;
use super::address::{Address, is_loopback};
use super::condition::Holds;
use super::files::Files;
use super::hop::{How, Rule, Target};
use super::variables::Variables;
use crate::container::Container;
use crate::knowable::{Knowable, Reason};
use crate::secret::Secret;

/// Programs that do nothing else, by the name of their image or as a word of the command.
const FORWARDERS: [&str; 36] = [
    "docker-tcp-proxy",
    "dynomite",
    "envoy",
    "ghostunnel",
    "glider",
    "goproxy",
    "gost",
    "haproxy",
    "iptables",
    "mitmdump",
    "mitmproxy",
    "mitmweb",
    "mongobetween",
    "nft",
    "nutcracker",
    "predixy",
    "redis-cluster-proxy",
    "rinetd",
    "simple-proxy",
    "simpleproxy",
    "sing-box",
    "socat",
    "sslh",
    "stunnel",
    "stunnel4",
    "tcp-forward",
    "tcp-forwarder",
    "tcpproxy",
    "toxiproxy",
    "twemproxy",
    "v2fly-core",
    "v2ray",
    "websockify",
    "wstunnel",
    "xray",
    "xray-core",
];
/// The same, where the name alone says too little in a command.
const BY_IMAGE: [&str; 6] = ["balance", "pen", "portforward", "proxy", "redir", "tcp"];
/// What they do depends on an option.
const WITH_OPTION: [(&[&str], &str); 2] = [
    (&["nc", "ncat", "netcat"], "-l"),
    (&["autossh", "ssh"], "-L"),
];

/// Programs whose other end is open, wherever it is.
const TUNNELS: [&str; 17] = [
    "bore",
    "chisel",
    "cloudflared",
    "frpc",
    "inlets",
    "inlets-pro",
    "localtunnel",
    "newt",
    "ngrok",
    "npc",
    "pagekite",
    "pgrok",
    "pinggy",
    "playit",
    "rathole",
    "tailscale",
    "zrok",
];

/// Images of private networks, whose machines reach what shares a network with them.
const PRIVATE_NETWORKS: [&str; 13] = [
    "ipsec-vpn-server",
    "nebula",
    "netbird",
    "netclient",
    "openvpn",
    "openvpn-as",
    "openvpn-server",
    "softethervpn",
    "strongswan",
    "wg-easy",
    "wireguard",
    "wireguard-server",
    "zerotier",
];

/// The names of all software that passes bytes on, in some way of running it.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let all = [&FORWARDERS[..], &TUNNELS, &BY_IMAGE, &PRIVATE_NETWORKS];
    let with_option = WITH_OPTION.iter().map(|(names, _)| *names);
    all.into_iter().chain(with_option).flatten().copied()
}

/// Whether a container is a machine of a private network that others have a key of.
pub(super) fn is_private_network(container: &Container) -> bool {
    PRIVATE_NETWORKS.contains(&container.image_name())
}

/// Whether a program of this name does nothing but pass bytes on, whatever it is told.
pub(super) fn passes_on(name: &str) -> bool {
    FORWARDERS.contains(&name) || TUNNELS.contains(&name) || is_by_part(name)
}

/// Many have made one, and called it so and something more.
pub(super) fn is_by_part(name: &str) -> bool {
    ["socat", "tcp-proxy", "port-forward"]
        .iter()
        .any(|part| name.contains(part))
}

/// The programs that a container may run: by its image, and by its command.
pub(super) fn programs(container: &Container) -> impl Iterator<Item = &str> {
    let words = container.words.iter();
    let words = words.map(|word| word.rsplit('/').next().unwrap_or(word));
    std::iter::once(container.image_name()).chain(words)
}

/// The values of an option of one letter, apart from it or joined to it as in `-L=:8080` and `-L:8080`.
pub(super) fn values<'a>(container: &'a Container, name: &'a str) -> impl Iterator<Item = &'a str> {
    let words = container.words.iter().enumerate();
    words.filter_map(move |(at, word)| match word.strip_prefix(name)? {
        "" => container.words.get(at + 1).map(String::as_str),
        rest => Some(rest.trim_start_matches('=')),
    })
}

/// Where an image of autossh takes an option from.
pub(super) const SSH_MODE: &str = "SSH_MODE";

/// The words of its command, and the option that an image of autossh takes from a variable.
fn options(container: &Container) -> impl Iterator<Item = &str> {
    let mode = container.known_variable(SSH_MODE).map(Secret::expose);
    let words = container.words.iter();
    words.map(String::as_str).chain(mode)
}

/// Whether a container passes bytes on.
pub(super) fn is_forwarder(container: &Container) -> bool {
    let is_one = |name: &str| FORWARDERS.contains(&name) || is_by_part(name);
    let has_option = |(names, option): &(&[&str], &str)| {
        let is_run = programs(container).any(|name| names.contains(&name));
        is_run && options(container).any(|word| word.starts_with(option))
    };
    programs(container).any(is_one)
        || BY_IMAGE.contains(&container.image_name())
        || WITH_OPTION.iter().any(has_option)
        || is_tunnel(container)
}

/// Programs that take whom they pass on to from the command alone, and those that take it from that, from a file, or from
/// variables of which each is asked for.
const TOLD_BY_COMMAND: [&str; 9] = [
    "bore",
    "chisel",
    "docker-tcp-proxy",
    "ghostunnel",
    "gost",
    "simpleproxy",
    "socat",
    "websockify",
    "wstunnel",
];
const TOLD_BY_TEXT: [&str; 15] = [
    "autossh",
    "frpc",
    "haproxy",
    "inlets",
    "nc",
    "ncat",
    "netcat",
    "ngrok",
    "rathole",
    "rinetd",
    "ssh",
    "sslh",
    "stunnel",
    "stunnel4",
    "toxiproxy",
];

/// Why one of its variables is not known, or there may be more. What has the name of a secret is no address.
pub(super) fn unknown(container: &Container) -> Option<Reason> {
    const SECRETS: [&str; 5] = ["AUTH", "KEY", "PASS", "SECRET", "TOKEN"];
    let may_be_address = |name: &str| !SECRETS.iter().any(|word| name.contains(word));
    let own = container.environment.iter();
    let mut own = own.filter(|one| may_be_address(&one.name.to_ascii_uppercase()));
    own.find_map(|one| container.variable(&one.name).reason().cloned())
        .or_else(|| container.untold().cloned())
}

/// Whether nothing but its command says what a container passes on.
pub(super) fn is_told_by_command(container: &Container) -> bool {
    let has_file = container.words.iter().any(|word| word.starts_with("-C"));
    !has_file && are_all(container, by_command)
}

/// Whether variables say what a container passes on only where its command or a file uses them.
pub(super) fn is_told_by_text(container: &Container) -> bool {
    // Others' images of ngrok make its command from variables.
    let is_of_others =
        container.image_name() == "ngrok" && !container.repository().ends_with("ngrok/ngrok");
    !is_of_others
        && are_all(container, |name| {
            by_command(name) || TOLD_BY_TEXT.contains(&name)
        })
}

fn by_command(name: &str) -> bool {
    TOLD_BY_COMMAND.contains(&name) || name.contains("socat")
}

/// Whether it runs something that passes bytes on, and all of that is such a program.
fn are_all(container: &Container, is_one: impl Fn(&str) -> bool) -> bool {
    let is_optional = |name: &&str| WITH_OPTION.iter().any(|(names, _)| names.contains(name));
    let mut found = programs(container)
        .filter(|name| passes_on(name) || is_optional(name))
        .peekable();
    found.peek().is_some() && found.all(is_one)
}

/// Whether it is stunnel that passes them on.
pub(super) fn is_stunnel(container: &Container) -> bool {
    programs(container).any(|name| ["stunnel", "stunnel4"].contains(&name))
}

/// Whether what it passes on comes in at the other end of a tunnel.
pub(super) fn is_tunnel(container: &Container) -> bool {
    let is_run = |names: &[&str]| programs(container).any(|name| names.contains(&name));
    let is_ssh = is_run(&["ssh", "autossh"]);
    let is_reverse = options(container)
        .any(|word| word.starts_with("-R") || word.ends_with('R') && !word.starts_with("--"));
    // gost and wstunnel listen here unless they say otherwise.
    let is_far = |word: &str| word.starts_with("rtcp://") || word.starts_with("rudp://");
    let is_by_gost = is_run(&["gost"]) && values(container, "-L").any(is_far);
    let is_by_wstunnel = is_run(&["wstunnel"])
        && (values(container, "-R").next().is_some()
            || container.option("--remote-to-local").next().is_some());
    // Where variables say what it leads to, it does so from the other end unless they say otherwise.
    let is_usual = container.known_variable("SSH_TARGET_HOST").is_some()
        && container.known_variable(SSH_MODE).is_none();
    let is_unknown = |name| matches!(container.variable(name), Knowable::Unknown(_));
    let may_be_usual = container.image_name() == "autossh"
        && ["SSH_TARGET_HOST", SSH_MODE].into_iter().any(is_unknown);
    is_ssh && (is_reverse || is_usual || may_be_usual)
        || is_by_gost
        || is_by_wstunnel
        || is_run(&TUNNELS)
}

/// What cloudflared leads anywhere with.
const LEADS_ANYWHERE: [&str; 3] = ["service: bastion", "service: socks-proxy", "warp-routing"];

/// Whether what a tunnel leads to is said elsewhere: by an account at its maker, or by who comes in.
pub(super) fn is_told_elsewhere(container: &Container, files: &Files) -> bool {
    let has = |word: &str| container.words.iter().any(|known| known == word);
    let has_option = |name| container.option(name).next().is_some();
    let has_text = |word: &str| files.texts.iter().any(|file| file.text.contains(word));
    let may_be_set = |names: &[&str]| {
        let mut values = names.iter().map(|name| container.variable(name));
        values.any(|value| value != Knowable::Known(None))
    };
    programs(container).any(|name| match name {
        "cloudflared" => {
            may_be_set(&["TUNNEL_TOKEN", "TUNNEL_TOKEN_FILE"])
                || has_option("--token")
                || has_option("--token-file")
                || has("--bastion")
                || LEADS_ANYWHERE.iter().any(|word| has_text(word))
        }
        "chisel" => has("server") || has("R:socks"),
        "newt" | "npc" => true,
        // `-R 1080` leads wherever the other end wants.
        "autossh" | "ssh" => values(container, "-R").any(|to| to.parse::<u16>().is_ok()),
        "tailscale" => {
            let path = container
                .known_variable("TS_SERVE_CONFIG")
                .map(Secret::expose);
            let is_here = files
                .texts
                .iter()
                .any(|file| Some(file.path.as_str()) == path);
            let is_routed = |text: &str| text.contains("--advertise-routes");
            let mut told = container.words.iter().map(String::as_str);
            let args = container.known_variable("TS_EXTRA_ARGS");
            may_be_set(&["TS_SERVE_CONFIG"]) && !is_here
                || may_be_set(&["TS_ROUTES", "TS_DEST_IP"])
                || told.any(is_routed)
                || args.is_some_and(|args| is_routed(args.expose()))
        }
        _ => false,
    })
}

/// Whether a container is a machine of a private network of its own, in which all ports of its network are open.
pub(super) fn is_on_a_tailnet(container: &Container) -> bool {
    container.image_name() == "tailscale"
}

/// `socat TCP-LISTEN:9999,fork TCP:mongo:27017`, as often as it is there.
pub(super) fn socat(container: &Container, variables: &Variables<'_>) -> Vec<Rule> {
    let runs_it = programs(container).any(|name| name.contains("socat"));
    let words = container.words.iter().filter(|_| runs_it);
    let words: Vec<String> = words.map(|word| variables.expanded(word)).collect();
    let mut rules = Vec::new();
    let mut listens: Option<(u16, bool, bool, bool)> = None;
    for word in &words {
        let word = word.to_ascii_lowercase();
        let Some((kind, rest)) = word.split_once(':') else {
            continue;
        };
        if let Some(is_tls) = listening(kind) {
            let mut options = rest.split(',');
            let port = options.next().unwrap_or_default();
            let has = |is_so: &dyn Fn(&str) -> bool| options.clone().any(is_so);
            let is_loopback = has(&|one| one.strip_prefix("bind=").is_some_and(is_loopback));
            // Unless it is told not to, it asks those who come in for a certificate that it knows.
            let asks = is_tls && !has(&|one| one.ends_with("verify=0"));
            listens = port
                .parse()
                .ok()
                .map(|port| (port, is_tls, is_loopback, asks));
            continue;
        }
        let is_connect = [
            "tcp",
            "tcp4",
            "tcp6",
            "tcp-connect",
            "tcp4-connect",
            "tcp6-connect",
            "openssl",
            "openssl-connect",
            "ssl",
        ]
        .contains(&kind);
        if let (true, Some((port, is_tls, is_loopback, is_guarded)), Some(address)) =
            (is_connect, listens, Address::of(rest))
        {
            rules.push(Rule {
                at: Some(port..=port),
                is_loopback,
                how: How::Bytes,
                is_tls,
                sends_away: Holds::Never,
                to: vec![Target {
                    address,
                    is_guarded,
                }],
            });
            listens = None;
        }
    }
    rules
}

/// Whether an address of socat's is one at which it listens with TCP, and whether it speaks TLS there.
fn listening(kind: &str) -> Option<bool> {
    match kind {
        "tcp-listen" | "tcp4-listen" | "tcp6-listen" | "tcp-l" | "tcp4-l" | "tcp6-l" => Some(false),
        "openssl-listen" | "ssl-listen" | "ssl-l" | "openssl-l" => Some(true),
        _ => None,
    }
}

/// What it is given that is an address, or a host and a port apart from each other, each port of its own leading there.
pub(super) fn rules(
    around: &Around<'_>,
    index: usize,
    files: &Files,
    variables: &Variables<'_>,
) -> Vec<Rule> {
    let container = &around.containers[index];
    let words = container.words.iter();
    let mut words: Vec<String> = words.map(|word| variables.expanded(word)).collect();
    let own = container.environment.iter();
    words.extend(own.filter_map(|one| Some(one.value.known()?.expose().to_owned())));
    words.extend(files.texts.iter().map(|file| file.text.to_string()));
    let mut to = Vec::new();
    let mut hosts = Vec::new();
    let mut ports = Vec::new();
    for text in &words {
        let separator = |c: char| c.is_whitespace() || "\"'=,;()[]{}<>|&".contains(c);
        for word in text.split(separator).filter(|word| !word.is_empty()) {
            if let Ok(port) = word.parse() {
                ports.push(port);
            } else {
                add(word, &mut to, &mut hosts);
            }
        }
    }
    // Every word of a file may be a host: only those of these containers, and each once, are put beside the ports.
    let is_anybody = |host: &String| around.is_anybody(index, host);
    retain_once(&mut to, |address| {
        address.host.as_ref().is_some_and(is_anybody)
    });
    retain_once(&mut hosts, is_anybody);
    retain_once(&mut ports, |_| true);
    for host in hosts {
        let of_host = |port: Option<u16>| Address {
            host: Some(host.clone()),
            port,
        };
        to.extend(ports.iter().map(|port| of_host(Some(*port))));
        to.push(of_host(None));
    }
    let rule = |to: Vec<Address>| Rule {
        at: None,
        is_loopback: false,
        how: How::Bytes,
        is_tls: false,
        sends_away: Holds::Never,
        to: to.into_iter().map(Target::from).collect(),
    };
    (!to.is_empty()).then(|| rule(to)).into_iter().collect()
}

fn retain_once<T: Clone + Eq + Hash>(list: &mut Vec<T>, is_kept: impl Fn(&T) -> bool) {
    let mut seen = HashSet::new();
    list.retain(|one| is_kept(one) && seen.insert(one.clone()));
}

/// Adds the addresses in a word: `tcp://:27017/mongo:27017` has one behind another, `8080:mongo:27017` one behind a port.
fn add(word: &str, to: &mut Vec<Address>, hosts: &mut Vec<String>) {
    let mut parts: Vec<&str> = word.split('/').collect();
    parts.push(word);
    for part in parts {
        let pieces: Vec<&str> = part.split(':').collect();
        for pair in pieces.windows(2) {
            let address = Address::of(&pair.join(":"));
            let is_name = |host: &String| host.parse::<u16>().is_err();
            let is_one =
                |one: &Address| one.port.is_some() && one.host.as_ref().is_some_and(is_name);
            to.extend(address.filter(is_one));
        }
        if pieces.len() == 1 {
            hosts.extend(Address::of(part).and_then(|address| address.host));
        }
    }
}

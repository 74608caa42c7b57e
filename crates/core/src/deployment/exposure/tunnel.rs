//! Tunnels of which is read what they lead to: each proxy of frpc by itself, and autossh with its image's variables. The port
//! at which that comes in is one of the other end, and none of these containers.

use super::address::Address;
use super::condition::Holds;
use super::files::Files;
use super::hop::{How, Rule, Target};
use super::mention::{expanded, is_tunnel, programs};
use crate::container::Container;

/// Kinds of which the other end takes bytes as they are.
const CLEAR: [&str; 3] = ["http", "tcp", "tcpmux"];
/// Kinds for those alone who have a key of it.
const FOR_VISITORS: [&str; 3] = ["stcp", "sudp", "xtcp"];

/// A proxy, in a file of today's or in one with `local_ip` and `local_port`.
#[derive(Default)]
struct Proxy<'a> {
    kind: Option<&'a str>,
    host: Option<&'a str>,
    port: Option<&'a str>,
}

/// What its files, its options and its variables say; nothing where none of that is here.
pub(super) fn rules(container: &Container, files: &Files) -> Vec<Rule> {
    let is_run = |program: &str| programs(container).any(|name| name == program);
    if is_run("autossh") {
        return of_variables(container).into_iter().collect();
    }
    if !is_run("frpc") {
        return Vec::new();
    }
    let texts = files.texts.iter();
    texts
        .flat_map(|file| of_text(&expanded(container, &file.text)))
        .chain(of_options(container))
        .collect()
}

/// `frpc tcp -i mongo -l 27017 -r 9200`.
fn of_options(container: &Container) -> Option<Rule> {
    let first = |names: [&'static str; 3]| {
        let mut values = names.into_iter().flat_map(|name| container.option(name));
        values.next()
    };
    let kinds = CLEAR.into_iter().chain(FOR_VISITORS);
    let mut kinds = kinds.filter(|kind| container.words.iter().any(|word| word == kind));
    let proxy = Proxy {
        kind: kinds.next(),
        host: first(["-i", "--local-ip", "--local_ip"]),
        port: first(["-l", "--local-port", "--local_port"]),
    };
    proxy.rule()
}

/// `SSH_TARGET_HOST` and `SSH_TARGET_PORT`. What the other end speaks, `SSH_BIND_IP` or `-R` says.
fn of_variables(container: &Container) -> Option<Rule> {
    let value = |name| Some(container.known_variable(name)?.expose());
    let address = format!(
        "{}:{}",
        value("SSH_TARGET_HOST")?,
        value("SSH_TARGET_PORT")?
    );
    let proxy = Rule {
        at: None,
        is_loopback: false,
        how: How::Bytes,
        is_tls: false,
        sends_away: Holds::Never,
        to: vec![Address::of(&address)?.into()],
    };
    is_tunnel(container).then_some(proxy)
}

fn of_text(text: &str) -> Vec<Rule> {
    let mut proxies: Vec<Proxy<'_>> = Vec::new();
    for line in text.lines().map(str::trim) {
        let item = line.strip_prefix("- ");
        if line.starts_with('[') || item.is_some() {
            proxies.push(Proxy::default());
        }
        let Some((name, value)) = item.unwrap_or(line).split_once(['=', ':']) else {
            continue;
        };
        let value = value.split(" #").next().unwrap_or_default().trim();
        let value = value.trim_matches(|c: char| "\"',".contains(c));
        let Some(proxy) = proxies.last_mut() else {
            continue;
        };
        match name.trim().trim_matches('"') {
            "type" => proxy.kind = Some(value),
            "localIP" | "local_ip" => proxy.host = Some(value),
            "localPort" | "local_port" => proxy.port = Some(value),
            _ => {}
        }
    }
    proxies.iter().filter_map(Proxy::rule).collect()
}

impl Proxy<'_> {
    fn rule(&self) -> Option<Rule> {
        let kind = self.kind.unwrap_or("tcp");
        let address = format!("{}:{}", self.host.unwrap_or("127.0.0.1"), self.port?);
        let target = Target {
            address: Address::of(&address)?,
            is_guarded: FOR_VISITORS.contains(&kind),
        };
        (kind != "udp").then(|| Rule {
            at: None,
            is_loopback: false,
            how: How::Bytes,
            is_tls: !CLEAR.contains(&kind),
            sends_away: Holds::Never,
            to: vec![target],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_read_in_each_kind_of_file() {
        for text in [
            "[[proxies]]\ntype = \"tcp\"\nlocalIP = \"a\"\nlocalPort = 1\nremotePort = 9200\n\
             [proxies.healthCheck]\ntype = \"http\"\n[[proxies]]\ntype = \"stcp\"\nlocalPort = 2\n",
            "[common]\nserver_port = 7000\n[x]\ntype = tcp\nlocal_ip = a\nlocal_port = 1\nremote_port = 9200\n\
             [y]\ntype = stcp\nlocal_port = 2\n",
            "serverPort: 7000\nproxies:\n- name: x\n  type: tcp\n  localIP: a\n  localPort: 1 # here\n  remotePort: 9200\n\
             - type: stcp\n  localPort: 2\n",
        ] {
            let rules = of_text(text);
            let shown: Vec<_> = rules
                .iter()
                .map(|rule| {
                    (
                        rule.to[0].address.host.as_deref(),
                        rule.to[0].address.port,
                        rule.is_tls,
                    )
                })
                .collect();
            let expected = [
                (Some("a"), Some(1), false),
                (Some("127.0.0.1"), Some(2), true),
            ];
            assert_eq!(shown, expected, "{text}");
        }
    }
}

//! HAProxy: `frontend`, `backend` and `listen` sections, and what they take from `defaults`.

mod condition;

use std::ops::RangeInclusive;

use self::condition::{Condition, Names};
use super::port_range;
use crate::deployment::exposure::address::{Address, is_loopback};
use crate::deployment::exposure::condition::Holds;
use crate::deployment::exposure::files::File;
use crate::deployment::exposure::hop::{How, Rule, Target};

/// Where a section listens.
#[derive(Clone, Debug)]
struct Bind {
    ports: RangeInclusive<u16>,
    is_loopback: bool,
    is_tls: bool,
    /// It asks for a certificate.
    is_guarded: bool,
}

/// One section.
#[derive(Default)]
struct Section {
    kind: String,
    name: String,
    binds: Vec<Bind>,
    /// It listens at a socket that no port leads to.
    has_socket: bool,
    servers: Vec<Address>,
    backends: Vec<String>,
    default_backend: Option<String>,
    /// A request decides which backend it goes to: any.
    is_dynamic: bool,
    /// What its names of conditions mean.
    names: Names,
    is_tcp: Option<bool>,
    /// It is not started.
    is_disabled: bool,
    /// What it does with requests of HTTP, and with connections.
    requests: Checks,
    connections: Checks,
}

/// What is done with those who come, before a server is chosen.
#[derive(Default)]
struct Checks {
    /// Some are let in before anything else is asked.
    lets_some_in: bool,
    is_guarded: bool,
    /// Those that are sent to where TLS is spoken; none is all.
    redirects: Vec<Option<Condition>>,
}

impl Section {
    /// HAProxy's own default is tcp.
    fn is_tcp(&self) -> bool {
        self.is_tcp.unwrap_or(true)
    }

    /// Rules for requests do not count where there are none.
    fn is_guarded(&self) -> bool {
        self.connections.is_guarded || !self.is_tcp() && self.requests.is_guarded
    }

    /// Which requests without TLS it sends to where it is spoken.
    fn sends_away(&self, port: u16) -> Holds {
        let redirects = self.requests.redirects.iter().filter(|_| !self.is_tcp());
        let holds = redirects.map(|one| one.as_ref().map_or(Holds::Always, |one| one.holds(port)));
        holds.fold(Holds::Never, Holds::or)
    }

    /// Its servers, behind another section or by itself.
    fn targets(&self, is_guarded: bool) -> impl Iterator<Item = Target> {
        let is_guarded = is_guarded || self.is_guarded();
        self.servers.iter().map(move |address| Target {
            address: address.clone(),
            is_guarded,
        })
    }
}

/// What the files say; none where none of them listens.
pub(super) fn rules(files: &[&File], variable: &dyn Fn(&str) -> String) -> Option<Vec<Rule>> {
    let mut sections: Vec<Section> = Vec::new();
    for file in files {
        for line in file.text.lines() {
            let line = line.split(" #").next().unwrap_or_default().replace('"', "");
            let line = variable(&line);
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.first().is_none_or(|word| word.starts_with('#')) {
                continue;
            }
            add(&words, &mut sections);
        }
    }
    let started = || sections.iter().filter(|one| !one.is_disabled);
    let mut rules = Vec::new();
    for section in started().filter(|one| !one.binds.is_empty()) {
        let is_meant = |one: &&Section| {
            let is_named = section.is_dynamic || section.backends.contains(&one.name);
            one.kind == "backend"
                && (is_named || section.default_backend.as_ref() == Some(&one.name))
        };
        // Its own servers get nothing where it has a backend for what no condition sends elsewhere.
        let own = [section]
            .into_iter()
            .filter(|one| one.default_backend.is_none());
        let all: Vec<&Section> = own.chain(started().filter(is_meant)).collect();
        for bind in &section.binds {
            // A backend may send away what comes to it.
            let is_own = |one: &&&Section| {
                bind.is_tls
                    || std::ptr::eq(**one, section)
                    || one.sends_away(*bind.ports.start()) != Holds::Always
            };
            let is_guarded = bind.is_guarded || section.is_guarded();
            rules.push(Rule {
                at: Some(bind.ports.clone()),
                is_loopback: bind.is_loopback,
                how: if section.is_tcp() {
                    How::Bytes
                } else {
                    How::Requests
                },
                is_tls: bind.is_tls,
                sends_away: section.sends_away(*bind.ports.start()),
                to: all
                    .iter()
                    .filter(is_own)
                    .flat_map(|one| one.targets(is_guarded))
                    .collect(),
            });
        }
    }
    let leads_nowhere = |one: &Section| one.has_socket || one.is_disabled && !one.binds.is_empty();
    let is_read = !rules.is_empty() || sections.iter().any(leads_nowhere);
    is_read.then_some(rules)
}

fn add(words: &[&str], sections: &mut Vec<Section>) {
    let kinds = [
        "global",
        "defaults",
        "frontend",
        "backend",
        "listen",
        "resolvers",
        "userlist",
        "peers",
        "cache",
        "program",
    ];
    if kinds.contains(&words[0]) {
        sections.push(section(words, sections));
        return;
    }
    let Some(section) = sections.last_mut() else {
        return;
    };
    match words {
        ["bind", address, rest @ ..] => {
            let is_tls = rest.contains(&"ssl");
            let is_guarded = is_tls && rest.windows(2).any(|pair| pair == ["verify", "required"]);
            section.has_socket |= address.split(',').all(is_socket);
            // `*:80`, `:80`, `:::80`, `ipv4@127.0.0.1:80`, `10.0.0.1:80,10.0.0.2:81`, `:9200-9300`.
            let binds = address.split(',').filter_map(|one| {
                let one = one.rsplit('@').next()?;
                let (host, ports) = one.rsplit_once(':')?;
                Some(Bind {
                    ports: port_range(ports)?,
                    is_loopback: is_loopback(host),
                    is_tls,
                    is_guarded,
                })
            });
            section.binds.extend(binds);
        }
        ["disabled"] => section.is_disabled = true,
        ["enabled"] => section.is_disabled = false,
        ["server", _, _, rest @ ..] if is_out(rest) => {}
        ["server", _, address, ..]
        | ["server-template", _, _, address, ..]
        | ["dispatch", address, ..] => {
            section.servers.extend(match address.contains('$') {
                true => Some(Address::untold()),
                false => Address::of(address),
            });
        }
        ["default_backend", name, ..] => section.default_backend = Some((*name).to_owned()),
        ["use_backend", name, ..] if name.contains('%') => section.is_dynamic = true,
        ["use_backend", name, ..] => section.backends.push((*name).to_owned()),
        ["acl", name, meaning @ ..] => {
            let of_name = section.names.entry((*name).to_owned()).or_default();
            of_name.push(meaning.join(" "));
        }
        // Its servers have no address of their own then.
        ["http-request" | "tcp-request", rest @ ..]
            if rest.iter().take(2).any(|one| *one == "set-dst") =>
        {
            section.servers.push(Address::untold());
        }
        ["http-request", rest @ ..] => section.requests.add(rest, &section.names),
        ["redirect", ..] => section.requests.add(words, &section.names),
        ["tcp-request", "connection" | "content", rest @ ..] => {
            section.connections.add(rest, &section.names);
        }
        ["mode", mode] => section.is_tcp = Some(*mode == "tcp"),
        _ => {}
    }
}

impl Checks {
    fn add(&mut self, rule: &[&str], names: &Names) {
        let condition = Condition::of(rule, names);
        let is_of_all = || {
            condition
                .as_ref()
                .is_none_or(Condition::holds_for_strangers)
        };
        match rule {
            ["auth" | "deny" | "reject" | "silent-drop", ..] => {
                self.is_guarded |= !self.lets_some_in && is_of_all();
            }
            ["allow" | "accept", ..] => {
                self.lets_some_in |= !condition.is_some_and(|one| one.holds_for_few());
            }
            ["redirect", rest @ ..] if !self.lets_some_in => {
                let leads_to_tls = rest.windows(2).any(|pair| match pair {
                    ["scheme", to] => *to == "https",
                    ["prefix" | "location", to] => to.starts_with("https://"),
                    _ => false,
                });
                if leads_to_tls {
                    self.redirects.push(condition);
                }
            }
            _ => {}
        }
    }
}

/// Whether the options of a server take it out: what follows another word may be its value.
fn is_out(options: &[&str]) -> bool {
    let alone = ["backup", "check", "disabled", "ssl"];
    let mut plain = options.iter().take_while(|word| alone.contains(word));
    plain.any(|word| *word == "disabled") && !options.contains(&"enabled")
}

/// `/run/haproxy.sock`, `unix@/run/x.sock`, `abns@name`.
fn is_socket(address: &str) -> bool {
    const FAMILIES: [&str; 6] = ["abns@", "abnsz@", "rhttp@", "sockpair@", "unix@", "uxst@"];
    address.starts_with('/') || FAMILIES.iter().any(|family| address.starts_with(family))
}

/// A section as its `defaults` leave it: the last ones before it, or those that it names after `from`.
fn section(words: &[&str], before: &[Section]) -> Section {
    let named = words.iter().position(|word| *word == "from");
    let from = named.and_then(|at| words.get(at + 1));
    let mut defaults = before.iter().rev().filter(|one| one.kind == "defaults");
    let defaults = match from {
        Some(name) => defaults.find(|one| one.name == *name),
        None => defaults.next().filter(|_| words[0] != "defaults"),
    };
    Section {
        kind: words[0].to_owned(),
        name: words.get(1).copied().unwrap_or_default().to_owned(),
        default_backend: defaults.and_then(|one| one.default_backend.clone()),
        is_tcp: defaults.and_then(|one| one.is_tcp),
        is_disabled: defaults.is_some_and(|one| one.is_disabled),
        ..Section::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    fn read(text: &str) -> Option<Vec<(u16, bool, bool, usize)>> {
        let file = File {
            path: "/usr/local/etc/haproxy/haproxy.cfg".to_owned(),
            text: Zeroizing::new(text.to_owned()),
        };
        let rules = rules(&[&file], &str::to_owned)?;
        let shown = |rule: &Rule| {
            (
                *rule.at.as_ref().unwrap().start(),
                rule.is_tls,
                rule.how == How::Bytes,
                match !rule.is_tls && rule.sends_away == Holds::Always {
                    true => 0,
                    false => rule.to.len(),
                },
            )
        };
        Some(rules.iter().map(shown).collect())
    }

    #[test]
    fn sections_are_read() {
        let http = "defaults\n  mode http\n";
        for (text, expected) in [
            (
                format!(
                    "{http}frontend f\n  bind *:80\n  default_backend b\nbackend b\n  server s apiserver:8008 check\n"
                ),
                Some(vec![(80, false, false, 1)]),
            ),
            (
                format!(
                    "{http}frontend f\n  bind :443 ssl crt /a.pem\n  use_backend b if x\nbackend b\n  server s apiserver:8008\n"
                ),
                Some(vec![(443, true, false, 1)]),
            ),
            (
                format!(
                    "{http}frontend f\n  bind *:80\n  http-request redirect scheme https\n  default_backend b\nbackend b\n  server s a:1\n"
                ),
                Some(vec![(80, false, false, 0)]),
            ),
            (
                "listen m\n  mode tcp\n  bind *:27017\n  server m mongo:27017 # x\n".to_owned(),
                Some(vec![(27017, false, true, 1)]),
            ),
            (
                "listen e\n  mode tcp\n  bind :9200-9201,*:80\n  server e es:9200\n".to_owned(),
                Some(vec![(9200, false, true, 1), (80, false, true, 1)]),
            ),
            // Observed with HAProxy 2.6.
            (
                format!("{http}listen l\n  bind *:80\n  disabled\n  server s a:1\n"),
                Some(vec![]),
            ),
            (
                format!("{http}  disabled\nlisten l\n  bind *:80\n  enabled\n  server s a:1\n"),
                Some(vec![(80, false, false, 1)]),
            ),
            (
                format!(
                    "{http}listen l\n  bind *:80\n  server s a:1 check disabled\n  server t a:2 disabled enabled\n  server u a:3 cookie disabled\n"
                ),
                Some(vec![(80, false, false, 2)]),
            ),
            (
                format!(
                    "{http}  default_backend b\nlisten l\n  bind *:80\n  server s a:1\n  server t a:2\nbackend b\n  server s a:1\n"
                ),
                Some(vec![(80, false, false, 1)]),
            ),
            ("global\n  log stdout\n".to_owned(), None),
            (
                format!(
                    "{http}frontend f\n  bind abns@x\n  bind /run/x.sock mode 660\n  default_backend b\nbackend b\n  server s a:1\n"
                ),
                Some(vec![]),
            ),
            (format!("{http}frontend f\n  bind :${{PORT}}\n"), None),
            (
                format!(
                    "{http}  default_backend b\nfrontend f\n  bind *:80\nbackend b\n  server s a:1\n"
                ),
                Some(vec![(80, false, false, 1)]),
            ),
            (
                format!(
                    "{http}frontend f\n  bind *:80\n  use_backend %[req.hdr(host),map(/h.map,b)]\nbackend b\n  server s a:1\n"
                ),
                Some(vec![(80, false, false, 1)]),
            ),
        ] {
            assert_eq!(read(&text), expected, "{text}");
        }
    }

    #[test]
    fn a_redirect_is_for_all_or_for_some() {
        for (condition, is_for_all) in [
            ("", true),
            ("if !{ ssl_fc }", true),
            ("unless { ssl_fc }", true),
            ("if plain", true),
            ("if !{ ssl_fc } !acme", true),
            ("unless { hdr(X-Forwarded-Proto) https }", true),
            ("if TRUE", true),
            ("if { dst_port 80 }", true),
            ("if !{ dst_port 443 }", true),
            ("unless { ssl_fc } || acme", true),
            ("if acme || plain", true),
            ("if { dst_port 443 }", false),
            ("if FALSE", false),
            ("if plain { hdr(host) -i a }", false),
            ("if { path_beg /login }", false),
            ("if { hdr(x-forwarded-proto) http }", false),
            ("if !{ ssl_fc } { path_beg /login }", false),
            ("if { ssl_fc }", false),
        ] {
            let text = format!(
                "defaults\n  mode http\nfrontend f\n  bind *:80\n  acl plain ssl_fc,not\n  acl acme path_beg /.well-known/acme-challenge/\n  \
                 http-request redirect scheme https code 301 {condition}\n  default_backend b\nbackend b\n  server s a:1\n"
            );
            let to = usize::from(!is_for_all);
            assert_eq!(
                read(&text),
                Some(vec![(80, false, false, to)]),
                "{condition}"
            );
        }
    }

    #[test]
    fn a_guard_counts_where_it_covers_the_target() {
        for (lines, is_guarded) in [
            ("http-request auth unless { http_auth(u) }", true),
            (
                "acl ok http_auth(u)\n  http-request auth realm x if !ok",
                true,
            ),
            ("http-request auth if { path_beg /admin }", false),
            ("http-request deny if { src 10.0.0.1 }", false),
            ("http-request deny unless { src 10.0.0.0/8 }", true),
            ("http-request deny unless { src 0.0.0.0/0 }", false),
            (
                "http-request deny if !{ src 10.0.0.0/8 } { path_beg /admin }",
                false,
            ),
            (
                "http-request deny if !{ src 10.0.0.0/8 } !{ http_auth(u) }",
                true,
            ),
            (
                "acl own src 10.0.0.0/8\n  acl own path_beg /open\n  http-request deny if !own",
                false,
            ),
            (
                "acl own src 10.0.0.0/8\n  acl own src 192.168.0.0/16\n  http-request deny if !own",
                true,
            ),
            (
                "http-request allow if { path_beg /open }\n  http-request deny if !{ src 10.0.0.0/8 }",
                false,
            ),
            (
                "http-request allow if { src 10.0.0.0/8 }\n  http-request deny",
                true,
            ),
            ("tcp-request connection reject if !{ src 10.0.0.0/8 }", true),
            ("mode tcp\n  http-request auth", false),
            ("bind *:81 ssl crt /a verify required", false),
        ] {
            let text = format!("listen f\n  mode http\n  bind *:80\n  {lines}\n  server s a:1\n");
            let file = File {
                path: "/usr/local/etc/haproxy/haproxy.cfg".to_owned(),
                text: Zeroizing::new(text),
            };
            let rules = rules(&[&file], &str::to_owned).unwrap();
            assert_eq!(rules[0].to[0].is_guarded, is_guarded, "{lines}");
        }
    }
}

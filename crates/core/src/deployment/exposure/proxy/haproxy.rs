//! HAProxy: `frontend`, `backend` and `listen` sections.

use crate::deployment::exposure::address::{Address, is_loopback};
use crate::deployment::exposure::files::File;
use crate::deployment::exposure::hop::{How, Rule};

/// Where a section listens.
#[derive(Clone, Copy, Debug)]
struct Bind {
    port: u16,
    is_loopback: bool,
    is_tls: bool,
}

/// One section.
#[derive(Clone, Debug, Default)]
struct Section {
    kind: String,
    name: String,
    binds: Vec<Bind>,
    servers: Vec<Address>,
    backends: Vec<String>,
    is_tcp: Option<bool>,
    redirects: bool,
    is_guarded: bool,
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
    let is_tcp_by_default = sections
        .iter()
        .rev()
        .find(|one| one.kind == "defaults")
        .and_then(|one| one.is_tcp);
    let listening = sections.iter().filter(|one| !one.binds.is_empty());
    let mut rules = Vec::new();
    for section in listening {
        let mut to = section.servers.clone();
        for name in &section.backends {
            let named = sections
                .iter()
                .filter(|one| one.kind == "backend" && one.name == *name);
            to.extend(named.flat_map(|one| one.servers.clone()));
        }
        // HAProxy's own default is tcp.
        let is_tcp = section.is_tcp.or(is_tcp_by_default).unwrap_or(true);
        for bind in &section.binds {
            rules.push(Rule {
                at: Some(bind.port),
                is_loopback: bind.is_loopback,
                how: if is_tcp { How::Bytes } else { How::Requests },
                is_tls: bind.is_tls,
                is_guarded: section.is_guarded,
                to: match section.redirects && !bind.is_tls {
                    true => Vec::new(),
                    false => to.clone(),
                },
            });
        }
    }
    (!rules.is_empty()).then_some(rules)
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
        sections.push(Section {
            kind: words[0].to_owned(),
            name: words.get(1).copied().unwrap_or_default().to_owned(),
            ..Section::default()
        });
        return;
    }
    let Some(section) = sections.last_mut() else {
        return;
    };
    match words {
        ["bind", address, rest @ ..] => {
            let is_tls = rest.contains(&"ssl");
            // `*:80`, `:80`, `:::80`, `ipv4@127.0.0.1:80`, `10.0.0.1:80,10.0.0.2:81`.
            let binds = address.split(',').filter_map(|one| {
                let one = one.rsplit('@').next()?;
                let (host, port) = one.rsplit_once(':')?;
                Some(Bind {
                    port: port.parse().ok()?,
                    is_loopback: is_loopback(host),
                    is_tls,
                })
            });
            section.binds.extend(binds);
        }
        ["server" | "server-template", _, address, ..] => {
            section.servers.extend(Address::of(address))
        }
        ["default_backend" | "use_backend", name, ..] => section.backends.push((*name).to_owned()),
        ["http-request", "auth", ..] => section.is_guarded = true,
        ["mode", mode] => section.is_tcp = Some(*mode == "tcp"),
        ["redirect", rest @ ..] | ["http-request", "redirect", rest @ ..] => {
            section.redirects |= rest.windows(2).any(|pair| pair == ["scheme", "https"]);
        }
        _ => {}
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
                rule.at.unwrap(),
                rule.is_tls,
                rule.how == How::Bytes,
                rule.to.len(),
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
            ("global\n  log stdout\n".to_owned(), None),
        ] {
            assert_eq!(read(&text), expected, "{text}");
        }
    }
}

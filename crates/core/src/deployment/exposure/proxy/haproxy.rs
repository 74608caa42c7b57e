//! HAProxy: `frontend`, `backend` and `listen` sections, and what they take from `defaults`.

use std::collections::HashMap;

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
    default_backend: Option<String>,
    /// A request decides which backend it goes to: any.
    is_dynamic: bool,
    /// What its names of conditions mean.
    conditions: HashMap<String, String>,
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
    let listening = sections.iter().filter(|one| !one.binds.is_empty());
    let mut rules = Vec::new();
    for section in listening {
        let mut to = section.servers.clone();
        let is_meant = |one: &&Section| {
            let is_named = section.is_dynamic || section.backends.contains(&one.name);
            one.kind == "backend"
                && (is_named || section.default_backend.as_ref() == Some(&one.name))
        };
        let named = sections.iter().filter(is_meant);
        to.extend(named.flat_map(|one| one.servers.clone()));
        // HAProxy's own default is tcp.
        let is_tcp = section.is_tcp.unwrap_or(true);
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
        sections.push(section(words, sections));
        return;
    }
    let Some(section) = sections.last_mut() else {
        return;
    };
    match words {
        ["bind", address, rest @ ..] => {
            let is_tls = rest.contains(&"ssl");
            section.is_guarded |= rest.windows(2).any(|pair| pair == ["verify", "required"]);
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
        ["default_backend", name, ..] => section.default_backend = Some((*name).to_owned()),
        ["use_backend", name, ..] if name.contains('%') => section.is_dynamic = true,
        ["use_backend", name, ..] => section.backends.push((*name).to_owned()),
        ["acl", name, meaning @ ..] => {
            let meaning = meaning.join(" ");
            section.conditions.insert((*name).to_owned(), meaning);
        }
        ["http-request", "auth", ..] => section.is_guarded = true,
        ["http-request" | "tcp-request", rest @ ..] if turns_away(rest, &section.conditions) => {
            section.is_guarded = true;
        }
        ["mode", mode] => section.is_tcp = Some(*mode == "tcp"),
        ["redirect", rest @ ..] | ["http-request", "redirect", rest @ ..] => {
            let leads_to_tls = rest.windows(2).any(|pair| pair == ["scheme", "https"]);
            section.redirects |= leads_to_tls && fits_clear_text(rest, &section.conditions);
        }
        _ => {}
    }
}

/// Whether a rule turns away who comes from other addresses.
fn turns_away(rule: &[&str], conditions: &HashMap<String, String>) -> bool {
    let is_of_address = |word: &&str| {
        let name = word.trim_start_matches('!');
        let meaning = conditions.get(name).map_or(name, String::as_str);
        meaning.split(' ').next() == Some("src")
    };
    let is_refusal = |word: &&str| ["deny", "reject", "silent-drop"].contains(word);
    rule.iter().any(is_refusal) && rule.iter().any(is_of_address)
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
        ..Section::default()
    }
}

/// Whether the condition of a redirect is met by each request without TLS, but for those with which certificates are got.
fn fits_clear_text(words: &[&str], conditions: &HashMap<String, String>) -> bool {
    let Some(at) = words
        .iter()
        .position(|word| ["if", "unless"].contains(word))
    else {
        return true;
    };
    // `!{ ssl_fc }` is a condition without a name.
    let text = words[at + 1..]
        .join(" ")
        .replace("!{ ", "!{")
        .replace("{ ", "{")
        .replace(" }", "}");
    let mut terms: Vec<String> = Vec::new();
    let mut is_open = false;
    for word in text.split(' ') {
        match terms.last_mut().filter(|_| is_open) {
            Some(term) => *term = format!("{term} {word}"),
            None => terms.push(word.to_owned()),
        }
        is_open = terms
            .last()
            .is_some_and(|term| term.contains('{') && !term.ends_with('}'));
    }
    let meaning = |term: &str| {
        let name = term.trim_start_matches('!').trim_matches(['{', '}']);
        conditions
            .get(name)
            .map_or(name, String::as_str)
            .to_ascii_lowercase()
    };
    terms.retain(|term| !meaning(term).contains("acme-challenge"));
    let [term] = &terms[..] else {
        return false;
    };
    let is_negated = (words[at] == "unless") != term.starts_with('!');
    let meaning = meaning(term);
    match meaning.split(' ').next().unwrap_or_default() {
        "ssl_fc" => is_negated,
        "ssl_fc,not" | "dst_port" => !is_negated,
        // A request that no proxy has passed on has no such header.
        _ => is_negated && meaning.contains("x-forwarded-proto") && meaning.ends_with("https"),
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
}

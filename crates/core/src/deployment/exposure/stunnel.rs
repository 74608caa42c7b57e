//! stunnel: each section of its file is a way of its own, with TLS at the one side or at the other.

use std::collections::BTreeSet;

use super::address::{Address, is_loopback};
use super::condition::Holds;
use super::files::{File, Files};
use super::hop::{How, Rule, Target};
use super::mention::is_stunnel;
use super::variables::Variables;
use crate::container::Container;

/// Where it looks without a word that names a file.
const FILE: &str = "stunnel.conf";
/// Options by which it asks those who come in for a certificate that it knows, and with which values.
const GUARDS: [(&str, &[&str]); 3] = [
    ("verify", &["2", "3", "4"]),
    ("verifychain", &["yes"]),
    ("verifypeer", &["yes"]),
];

/// A section: what is told before the first one counts for all unless they say otherwise.
#[derive(Clone, Default)]
struct Section {
    name: String,
    /// Each with none as its port where that is no number.
    accept: Vec<(Option<u16>, bool)>,
    connect: Vec<Address>,
    /// Where those go who have no certificate that it knows.
    redirect: Vec<Address>,
    /// It takes bytes in and sends TLS, and not the other way round.
    is_client: bool,
    guards: BTreeSet<&'static str>,
    /// With a key that both sides have, and no certificate of its own, it takes nobody else.
    has_key: bool,
    has_certificate: bool,
    /// Those who come in say where it leads.
    is_socks: bool,
    /// The section whose port it shares.
    shares: Option<String>,
}

/// What its files say, or the variables of which its image makes one; nothing where neither is here.
pub(super) fn rules(container: &Container, files: &Files, variables: &Variables<'_>) -> Vec<Rule> {
    if !is_stunnel(container) {
        return Vec::new();
    }
    let told = files_read(container, files).into_iter();
    let mut told: Vec<String> = told.map(|file| file.text.to_string()).collect();
    if told.is_empty() {
        told.extend(of_variables(variables));
        let written = container.command.iter().filter_map(|word| word.known());
        told.extend(written.filter(|word| word.contains('\n')).cloned());
    }
    told.iter()
        .flat_map(|text| of_text(&variables.expanded(text)))
        .collect()
}

/// What it reads, and what is in the folders that this includes.
fn files_read<'a>(container: &Container, files: &'a Files) -> Vec<&'a File> {
    let mut read = files.read_by(container, |name| name == FILE);
    let lines = read.iter().flat_map(|file| file.text.lines());
    let included = lines.filter_map(pair).filter(|(name, _)| name == "include");
    let folders: Vec<&str> = included
        .map(|(_, folder)| folder.trim_end_matches('/'))
        .collect();
    let is_read = |file: &&File| read.iter().any(|one| std::ptr::eq(*one, *file));
    let is_included = |file: &&File| {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        folders.contains(&folder) && !is_read(file)
    };
    let included: Vec<&File> = files.texts.iter().filter(is_included).collect();
    read.extend(included);
    read
}

/// The file that an image makes of its variables.
fn of_variables(variables: &Variables<'_>) -> Option<String> {
    let names = ["STUNNEL_ACCEPT", "STUNNEL_CONNECT", "STUNNEL_CLIENT"];
    let [accept, connect, client] = names.map(|name| variables.text(name));
    let (accept, connect, client) = (accept?, connect?, client.unwrap_or("no"));
    Some(format!(
        "[service]\nclient = {client}\naccept = {accept}\nconnect = {connect}\n"
    ))
}

/// `name = value`, where a line is that.
fn pair(line: &str) -> Option<(String, &str)> {
    let line = line.trim();
    let (name, value) = line.split_once('=')?;
    (!line.starts_with(['#', ';'])).then(|| (name.trim().to_ascii_lowercase(), value.trim()))
}

fn of_text(text: &str) -> Vec<Rule> {
    let mut defaults = Section::default();
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines() {
        let name = line.trim().strip_prefix('[');
        if let Some(name) = name.and_then(|name| name.strip_suffix(']')) {
            sections.push(Section {
                name: name.to_owned(),
                ..defaults.clone()
            });
        } else if let Some((name, value)) = pair(line) {
            sections
                .last_mut()
                .unwrap_or(&mut defaults)
                .set(&name, value);
        }
    }
    // Without sections the file is one.
    if sections.is_empty() {
        sections.push(defaults);
    }
    let accept = |section: &Section| {
        let own = match &section.shares {
            None => Some(section),
            Some(name) => sections.iter().find(|one| one.name == *name),
        };
        let all = own.map(|own| own.accept.clone()).unwrap_or_default();
        match all.is_empty() {
            true => vec![(None, false)],
            false => all,
        }
    };
    let rules = sections.iter().flat_map(|section| {
        let to = section.targets();
        accept(section)
            .into_iter()
            .map(move |(port, is_loopback)| Rule {
                at: port.map(|port| port..=port),
                is_loopback,
                how: How::Bytes,
                is_tls: !section.is_client,
                sends_away: Holds::Never,
                to: to.clone(),
            })
    });
    rules.filter(|rule| !rule.to.is_empty()).collect()
}

impl Section {
    fn targets(&self) -> Vec<Target> {
        let is_asked = !self.guards.is_empty() || self.has_key && !self.has_certificate;
        let untold = (self.is_socks && !self.is_client).then(Address::untold);
        let own = self.connect.iter().cloned().chain(untold);
        let own = own.map(|address| Target {
            address,
            is_guarded: is_asked && !self.is_client,
        });
        own.chain(self.redirect.iter().cloned().map(Target::from))
            .collect()
    }

    fn set(&mut self, name: &str, value: &str) {
        let is_yes = value.eq_ignore_ascii_case("yes");
        match name {
            "accept" => {
                let (host, port) = value.rsplit_once(':').unwrap_or(("", value));
                self.accept.push((port.parse().ok(), is_loopback(host)));
            }
            "client" => self.is_client = is_yes,
            "cert" | "pkcs12" => self.has_certificate = true,
            "connect" => self.connect.push(address(value)),
            "psksecrets" => self.has_key = true,
            "redirect" => self.redirect.push(address(value)),
            // Behind the options that ask for a certificate, it lets those in who have none.
            "requirecert" if value.eq_ignore_ascii_case("no") => self.guards.clear(),
            "protocol" => self.is_socks = value.eq_ignore_ascii_case("socks"),
            "sni" => self.shares = value.split_once(':').map(|(name, _)| name.to_owned()),
            _ => {
                let guard = GUARDS.iter().find(|(guard, _)| *guard == name);
                if let Some((guard, values)) = guard {
                    match values.contains(&value.to_ascii_lowercase().as_str()) {
                        true => self.guards.insert(guard),
                        false => self.guards.remove(guard),
                    };
                }
            }
        }
    }
}

/// A port alone is one of its own.
fn address(value: &str) -> Address {
    let own = value
        .parse()
        .ok()
        .map(|port: u16| format!("localhost:{port}"));
    Address::of(own.as_deref().unwrap_or(value)).unwrap_or_else(Address::untold)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(Option<u16>, Option<String>, bool)> {
        let shown = |rule: Rule| {
            let target = &rule.to[0];
            let at = rule.at.map(|at| *at.start());
            (at, target.address.host.clone(), target.is_guarded)
        };
        of_text(text).into_iter().map(shown).collect()
    }

    #[test]
    fn a_section_without_a_number_for_its_port_is_a_way_at_any() {
        for accept in ["https", "${PORT}", "0.0.0.0:https", ":::https"] {
            let text =
                format!("[a]\naccept = 1\nconnect = a:1\n[b]\naccept = {accept}\nconnect = b:2\n");
            let expected = [
                (Some(1), Some("a".to_owned()), false),
                (None, Some("b".to_owned()), false),
            ];
            assert_eq!(shown(&text), expected, "{accept}");
        }
        assert_eq!(
            shown("[b]\nsni = gone:x.example\nconnect = b:2\n"),
            [(None, Some("b".to_owned()), false)]
        );
        assert_eq!(
            shown("[b]\naccept = 1\nconnect = ${HOST}:2\n"),
            [(Some(1), None, false)]
        );
    }

    #[test]
    fn a_section_listens_at_several_ports_and_leads_those_without_a_certificate_elsewhere() {
        let text =
            "[a]\naccept = 1\naccept = 2\nconnect = a:1\nverifyChain = yes\nredirect = b:2\n";
        let rules = of_text(text);
        let guards = |rule: &Rule| {
            let to = rule.to.iter();
            let to = to.map(|one| (one.address.port.unwrap(), one.is_guarded));
            (*rule.at.as_ref().unwrap().start(), to.collect::<Vec<_>>())
        };
        let to = vec![(1, true), (2, false)];
        assert_eq!(
            rules.iter().map(guards).collect::<Vec<_>>(),
            [(1, to.clone()), (2, to)]
        );
    }

    #[test]
    fn a_certificate_that_it_knows_is_a_guard() {
        let is_guarded = |lines: &str| {
            let text = format!("[a]\naccept = 1\nconnect = a:1\n{lines}\n");
            shown(&text)[0].2
        };
        for lines in [
            "verifyChain = yes",
            "verifyPeer = YES\nrequireCert = yes",
            "verifyChain = yes\nverifyPeer = no",
            "verify = 2",
            "requireCert = no\nverifyChain = yes",
            "PSKsecrets = /psk.txt",
        ] {
            assert!(is_guarded(lines), "{lines}");
        }
        for lines in [
            "requireCert = yes",
            "verifyChain = no",
            "verifyChain = yes\nverifyChain = no",
            "verify = 1",
            "verify = 2\nrequireCert = no",
            "PSKsecrets = /psk.txt\ncert = /c.pem",
        ] {
            assert!(!is_guarded(lines), "{lines}");
        }
    }
}

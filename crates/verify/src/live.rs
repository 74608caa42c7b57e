//! A running server: where its parts are, and what it answers.

mod accounts;
mod answer;
mod asked;
mod candidates;
mod cookie;
mod failure;
mod find;
mod forgery;
mod further;
mod given;
mod http;
pub(crate) mod json;
mod list;
mod loose;
mod names;
mod old_tls;
mod pace;
pub(crate) mod people;
mod release;
mod site;
mod slots;
mod tls;
mod together;
mod token;
mod verdict;

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::setting::Server;
use clearml_secure_core::unseen::{Hides, Unseen};
use clearml_secure_core::version::Version;
use zeroize::Zeroizing;

pub(crate) use crate::address::{host, is_loopback};
use crate::finding::{Draft, Severity};
use crate::keys::check::{self, Check};
use crate::live::people::People;
pub(crate) use accounts::{Account, accounts, lacking, token_secret};
pub(crate) use answer::{Answer, Id, Modes, Origin, Reason};
use asked::Asked;
pub(crate) use failure::Failure;
pub(crate) use forgery::{Making, documented, makings, pairs, pasted};
pub(crate) use further::{AGAIN, Door, OF_MANY, Throughout};
pub(crate) use given::Given;
pub(crate) use http::{Bounds, Client, MOST_REQUESTS};
pub(crate) use list::Listed;
pub(crate) use loose::Served;
pub(crate) use names::MOST as MOST_ADDRESSES;
pub(crate) use old_tls::{OLD, takes};
pub(crate) use release::{not_told, release, told};
pub(crate) use tls::{NoHandshake, Shown, Trust, shake};
pub(crate) use together::together;
pub(crate) use token::{Algorithm, Claims, Role, sign};
use verdict::unsigned;
pub(crate) use verdict::{Login, Verdict};

/// The endpoint that tells the ways to log in.
const MODES: &str = "login.supported_modes";

/// What is known of a running server, for probes.
pub(crate) struct Site {
    pub(crate) client: Client,
    /// What the user named.
    pub(crate) target: String,
    /// And of parts beside it: web server, API server, file server.
    pub(crate) named: [Option<String>; 3],
    /// The addresses of its parts, without a slash at the end.
    pub(crate) api: Option<String>,
    pub(crate) files: Option<String>,
    pub(crate) web: Option<String>,
    /// What is known of the release, once a probe has settled it.
    pub(crate) release: OnceLock<Release>,
    pub(crate) keys: Option<Arc<Keyset>>,
    pub(crate) old_keys: Option<Arc<Keyset>>,
    /// Keys may go over plain HTTP to other machines.
    pub(crate) allow_plain_http: bool,
    /// Which address of its name it is at, if there are several.
    pub(crate) at: Option<IpAddr>,
    /// Nobody listens there.
    pub(crate) is_deserted: bool,
    /// Further addresses of its names, where nobody listens at a part's port.
    pub(crate) deserted: Vec<IpAddr>,
    asked: Asked,
    /// A key and a secret that nobody can know, to tell a server that takes anything.
    invented: OnceLock<(Zeroizing<String>, Zeroizing<String>)>,
    /// What the file server says to anybody, and the API server of the ways to log in, on all connections.
    anonymous: OnceLock<Option<Throughout>>,
    ways_in: OnceLock<Option<Throughout>>,
}

/// What a server says of its release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// It tells only who is logged in: [`Release::KEPT_SINCE`] or later.
    Kept,
    Told(Version),
    Unknown,
}

impl Release {
    /// The first that does not tell everybody (docs/clearml.md#finding-the-version).
    pub(crate) const KEPT_SINCE: Version = Version::new(2, 3, 0);
}

/// What probes have seen.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) findings: Vec<Draft>,
    pub(crate) unseen: Vec<Unseen>,
    /// What was asked about the keysets of the command line.
    pub(crate) checks: Vec<Check>,
    /// Who is there, where that was asked.
    pub(crate) people: Option<People>,
    /// What a person should know about how it was looked.
    pub(crate) remarks: Vec<String>,
}

impl Site {
    /// Asks for an address, once for all who want to know the same.
    pub(crate) fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, Failure> {
        let ask = || self.client.get(url, headers);
        self.asked.once(url, headers, ask)
    }

    /// Forgets the answers, when nobody asks any more.
    pub(crate) fn forget(&self) {
        self.asked.forget();
    }

    /// Calls an endpoint of the API server; none where there is no API server.
    pub(crate) fn ask(
        &self,
        endpoint: &str,
        headers: &[(&str, &str)],
    ) -> Option<Result<Answer, Failure>> {
        let api = self.api.as_ref()?;
        Some(self.get(&format!("{api}/{endpoint}"), headers))
    }

    /// Shows a token to the API server, and asks about it. That needs no database, and changes nothing
    /// (docs/clearml.md#asking-about-a-token).
    pub(crate) fn show_to_api(&self, token: &str) -> Option<Result<Answer, Failure>> {
        self.show_to_api_once(token, |url, headers, document| {
            let ask = || self.client.post(url, headers, document);
            self.asked.once(url, headers, ask)
        })
    }

    fn show_to_api_once(
        &self,
        token: &str,
        post: impl FnOnce(&str, &[(&str, &str)], &str) -> Result<Answer, Failure>,
    ) -> Option<Result<Answer, Failure>> {
        let url = format!("{}/auth.validate_token", self.api.as_ref()?);
        let bearer = Zeroizing::new(format!("Bearer {token}"));
        // A token has no character that JSON writes in another way.
        let document = Zeroizing::new(format!("{{\"token\": \"{token}\"}}"));
        Some(post(&url, &[("Authorization", &bearer)], &document))
    }

    /// Shows a token to a server on a connection of its own, whatever was answered before.
    fn show_afresh(&self, server: Server, token: &str) -> Option<Result<Answer, Failure>> {
        let client = self.client.afresh();
        if server == Server::Apiserver {
            return self.show_to_api_once(token, |url, headers, document| {
                client.post(url, headers, document)
            });
        }
        let bearer = Zeroizing::new(format!("Bearer {token}"));
        Some(client.get(&self.not_there()?, &[("Authorization", &bearer)]))
    }

    /// Shows a token to the file server by asking for a file that is not there: 404 is said to whom it lets in, 401
    /// to everybody else (docs/clearml.md#is-authentication-on).
    fn show_to_files(&self, token: &str) -> Option<Result<Answer, Failure>> {
        let url = self.not_there()?;
        let show = |token: &str| {
            let bearer = Zeroizing::new(format!("Bearer {token}"));
            self.get(&url, &[("Authorization", &bearer)])
        };
        // After a restart of the API server alone a file server refuses the first token, whatever it is
        // (docs/clearml.md#restart-together). So the first is one that is refused anyway, and none that matters is
        // taken for refused.
        drop(show(&unsigned()));
        Some(show(token))
    }

    /// The same once more, after a while.
    fn show_to_files_again(&self, token: &str) -> Option<Result<Answer, Failure>> {
        let bearer = Zeroizing::new(format!("Bearer {token}"));
        let (url, headers) = (self.not_there()?, [("Authorization", bearer.as_str())]);
        let ask = || self.client.get(&url, &headers);
        Some(self.asked.again(&url, &headers, ask))
    }

    /// The same without a token.
    fn nobody_at_files(&self) -> Option<Result<Answer, Failure>> {
        Some(self.get(&self.not_there()?, &[]))
    }

    /// The same on all connections: 401 closes it, 404 opens it.
    pub(crate) fn anonymous_files(&self) -> Option<Throughout> {
        let settle = || {
            let (url, first) = (self.not_there()?, self.nobody_at_files()?);
            let ask = |client: &Client| client.get(&url, &[]);
            Some(self.throughout(AGAIN, first, ask, |answer| {
                match (answer.is_of_files(), answer.status) {
                    (true, 401) => Door::Closed,
                    (true, 404) => Door::Open,
                    _ => Door::Unclear,
                }
            }))
        };
        self.anonymous.get_or_init(settle).clone()
    }

    /// Calls the API server from a page that is not its own.
    pub(crate) fn ping_from_elsewhere(&self) -> Option<Result<Answer, Failure>> {
        let url = format!("{}{}", self.api.as_ref()?, find::PING);
        Some(self.get(&url, find::FOREIGN))
    }

    /// Whether the file server is known to let anybody in, on some connection at least, so that a token proves nothing there.
    pub(crate) fn has_open_files(&self) -> bool {
        let answer = self.anonymous_files().map(|all| all.answer);
        matches!(answer, Some(Ok(answer)) if answer.status == 404 && answer.is_of_files())
    }

    /// The ways to log in that the API server names.
    pub(crate) fn login_modes(&self) -> Option<Result<Answer, Failure>> {
        self.ask(MODES, &[])
    }

    /// The same on all connections: each server has its own configuration. That is closed which knows its users, and no guest.
    pub(crate) fn ways_in(&self) -> Option<Throughout> {
        let settle = || {
            let (api, first) = (self.api.as_ref()?, self.login_modes()?);
            let ask = |client: &Client| client.get(&format!("{api}/{MODES}"), &[]);
            Some(self.throughout(AGAIN, first, ask, |answer| {
                answer.modes().map_or(Door::Unclear, |modes| {
                    let is_closed = (modes.has_users || modes.has_sso) && !modes.has_guest;
                    if is_closed { Door::Closed } else { Door::Open }
                })
            }))
        };
        self.ways_in.get_or_init(settle).clone()
    }

    fn not_there(&self) -> Option<String> {
        Some(format!("{}{}", self.files.as_ref()?, find::NOT_THERE))
    }

    /// Why the user's keys must not be sent to an address, if they must not.
    pub(crate) fn keeps_keys_from(&self, address: &str) -> Option<String> {
        let is_safe =
            address.starts_with("https://") || is_loopback(address) || self.allow_plain_http;
        (!is_safe).then(|| {
            format!(
                "{address} is plain HTTP, so keys can be sniffed: use https://, or --allow-plain-http to send them anyway"
            )
        })
    }
}

impl Seen {
    /// Adds what a probe found.
    pub(crate) fn found(
        &mut self,
        severity: Severity,
        server: Server,
        message: String,
        help: &str,
    ) {
        let finding = Draft::new(severity, message, help).server(server);
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// Adds what a server answered to a keyset.
    pub(crate) fn check(
        &mut self,
        keyset: check::Keyset,
        (server, address): (Server, &str),
        subject: &str,
        answer: check::Answer,
    ) {
        self.checks.push(Check {
            keyset,
            server,
            address: address.to_owned(),
            subject: subject.to_owned(),
            answer,
        });
    }

    /// Adds what could not be asked, once.
    pub(crate) fn unknown(&mut self, what: &str, reason: &str) {
        let unseen = Unseen {
            what: what.to_owned(),
            hides: Hides::Anything,
            reason: reason.to_owned(),
            service: None,
            span: None,
        };
        if !self.unseen.contains(&unseen) {
            self.unseen.push(unseen);
        }
    }

    /// An answer that a probe does not know what to make of.
    pub(crate) fn odd(&mut self, what: &str, answer: &Result<Answer, Failure>) {
        match answer {
            Ok(answer) => self.unknown(what, &answer.odd()),
            Err(failure) => self.unknown(what, &failure.to_string()),
        }
    }

    /// What a probe has seen at every address of a server: what is so everywhere once, and of anything else where.
    pub(crate) fn of_all(mut all: Vec<(Option<IpAddr>, Self)>) -> Self {
        if all.len() == 1
            && let Some((_, only)) = all.pop()
        {
            return only;
        }
        let mut together = Self::default();
        for at in 0..all.len() {
            for finding in all[at].1.findings.clone() {
                if all[..at]
                    .iter()
                    .any(|(_, one)| one.findings.contains(&finding))
                {
                    continue;
                }
                let has = |(_, one): &&(_, Self)| one.findings.contains(&finding);
                let there: Vec<_> = all
                    .iter()
                    .filter(has)
                    .filter_map(|(address, _)| *address)
                    .collect();
                let is_everywhere = all.iter().filter(has).count() == all.len();
                together.findings.push(match is_everywhere {
                    true => finding,
                    false => finding.only_at(&there),
                });
            }
            let (address, seen) = &mut all[at];
            together.remarks.append(&mut seen.remarks);
            together.people = together.people.take().or(seen.people.take());
            let checks = std::mem::take(&mut seen.checks).into_iter();
            together
                .checks
                .extend(checks.map(|check| check.at(*address)));
            for mut unseen in std::mem::take(&mut seen.unseen) {
                if let Some(address) = address {
                    unseen.what.push_str(&format!(" (at {address})"));
                }
                together.unseen.push(unseen);
            }
        }
        together
    }

    /// What a server made of a login or a token, if that is nothing.
    pub(crate) fn unclear(&mut self, what: &str, failure: &Failure) {
        self.unknown(what, &failure.to_string());
    }

    /// Adds what another has not seen and remarks on; what it has found is a probe's.
    pub(crate) fn add(&mut self, other: Self) -> Vec<Draft> {
        self.remarks.extend(other.remarks);
        self.checks.extend(other.checks);
        self.people = self.people.take().or(other.people);
        for unseen in other.unseen {
            if !self.unseen.contains(&unseen) {
                self.unseen.push(unseen);
            }
        }
        other.findings
    }
}

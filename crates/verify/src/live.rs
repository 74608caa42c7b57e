//! A running server: where its parts are, and what it answers.

mod accounts;
mod asked;
mod find;
mod forgery;
mod http;
mod old_tls;
mod release;
mod slots;
mod tls;
mod together;
mod token;

use std::fmt;
use std::sync::{Arc, OnceLock};

use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::setting::Server;
use clearml_secure_core::shown::escape;
use clearml_secure_core::unseen::{Hides, Unseen};
use clearml_secure_core::version::Version;
use zeroize::Zeroizing;

pub(crate) use crate::address::{host, is_loopback};
use crate::finding::{Draft, Severity};
pub(crate) use accounts::{Account, accounts, token_secret};
use asked::Asked;
pub(crate) use find::FOREIGN_ORIGIN;
pub(crate) use forgery::{Making, makings, pairs};
pub(crate) use http::{Answer, Client};
pub(crate) use old_tls::{OLD, takes};
pub(crate) use release::{not_told, release};
pub(crate) use tls::{NoHandshake, Shown, shake};
pub(crate) use together::together;
pub(crate) use token::{Algorithm, Claims, role, sign, version};

/// What is known of a running server, for probes.
pub(crate) struct Site {
    pub(crate) client: Client,
    /// What the user named.
    pub(crate) target: String,
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
    asked: Asked,
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
    /// What a person should know about how it was looked.
    pub(crate) remarks: Vec<String>,
}

/// Why something could not be asked.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    reason: String,
    /// Nobody listens there, which may be so for a moment only.
    is_refused: bool,
}

impl Failure {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            is_refused: false,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.reason))
    }
}

/// What a server is given to find its parts and to look with.
pub(crate) struct Given {
    pub(crate) target: String,
    pub(crate) api: Option<String>,
    pub(crate) files: Option<String>,
    pub(crate) web: Option<String>,
    pub(crate) client: Client,
    pub(crate) keys: Option<Arc<Keyset>>,
    pub(crate) old_keys: Option<Arc<Keyset>>,
    pub(crate) allow_plain_http: bool,
}

impl Site {
    /// Finds the parts of a server. What is not there is said to be unseen.
    pub(crate) fn find(given: &Given, seen: &mut Seen) -> Self {
        let asked = Asked::default();
        let find::Found {
            api,
            files,
            web,
            remarks,
        } = find::find(given, &asked);
        seen.remarks.extend(remarks);
        for (name, option, found) in [
            ("API server", "--api", &api),
            ("file server", "--files", &files),
            ("web server", "--web", &web),
        ] {
            if let Err(failure) = found {
                seen.unknown(
                    &format!("the {name} of {}", given.target),
                    &format!("{failure}; {option} names it"),
                );
            }
        }
        Self {
            client: given.client.clone(),
            target: given.target.clone(),
            api: api.ok(),
            files: files.ok(),
            web: web.ok(),
            release: OnceLock::new(),
            keys: given.keys.clone(),
            old_keys: given.old_keys.clone(),
            allow_plain_http: given.allow_plain_http,
            asked,
        }
    }

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

    /// Logs in with a key and a secret.
    pub(crate) fn log_in(&self, key: &str, secret: &str) -> Option<Result<Answer, Failure>> {
        self.ask(
            "auth.login",
            &[("Authorization", &token::basic(key, secret))],
        )
    }

    /// Shows a token to the API server. Only `system` may ask for what is asked, and it changes nothing
    /// (docs/clearml.md#asking-about-a-token).
    pub(crate) fn show_to_api(&self, token: &str) -> Option<Result<Answer, Failure>> {
        let bearer = Zeroizing::new(format!("Bearer {token}"));
        self.ask("server.get_stats", &[("Authorization", &bearer)])
    }

    /// Shows a token to the file server by asking for a file that is not there: 404 is said to whom it lets in, 401
    /// to everybody else (docs/clearml.md#is-authentication-on).
    pub(crate) fn show_to_files(&self, token: &str) -> Option<Result<Answer, Failure>> {
        let url = self.not_there()?;
        let show = |token: &str| {
            let bearer = Zeroizing::new(format!("Bearer {token}"));
            self.get(&url, &[("Authorization", &bearer)])
        };
        // After a restart of the API server alone a file server refuses the first token, whatever it is
        // (docs/clearml.md#restart-together). So the first is one that is refused anyway, and none that matters is
        // taken for refused.
        drop(show(&sign(Claims::Role("system"), Algorithm::None, "")));
        Some(show(token))
    }

    /// The same once more, after a while.
    pub(crate) fn show_to_files_again(&self, token: &str) -> Option<Result<Answer, Failure>> {
        let bearer = Zeroizing::new(format!("Bearer {token}"));
        let (url, headers) = (self.not_there()?, [("Authorization", bearer.as_str())]);
        let ask = || self.client.get(&url, &headers);
        Some(self.asked.again(&url, &headers, ask))
    }

    /// The same without a token.
    pub(crate) fn anonymous_files(&self) -> Option<Result<Answer, Failure>> {
        Some(self.get(&self.not_there()?, &[]))
    }

    /// Calls the API server from a page that is not its own.
    pub(crate) fn ping_from_elsewhere(&self) -> Option<Result<Answer, Failure>> {
        let url = format!("{}{}", self.api.as_ref()?, find::PING);
        Some(self.get(&url, find::FOREIGN))
    }

    /// Whether the file server is known to let anybody in, so that a token proves nothing there.
    pub(crate) fn has_open_files(&self) -> bool {
        matches!(self.anonymous_files(), Some(Ok(answer)) if answer.status == 404)
    }

    /// The ways to log in that the API server names.
    pub(crate) fn login_modes(&self) -> Option<Result<Answer, Failure>> {
        self.ask("login.supported_modes", &[])
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
                "{address} is plain HTTP, and keys are not sent over it without --allow-plain-http"
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
            Ok(answer) => self.unknown(what, &format!("it answers with status {}", answer.status)),
            Err(failure) => self.unknown(what, &failure.to_string()),
        }
    }

    /// Adds what another has not seen and remarks on; what it has found is a probe's.
    pub(crate) fn add(&mut self, other: Self) -> Vec<Draft> {
        self.remarks.extend(other.remarks);
        for unseen in other.unseen {
            if !self.unseen.contains(&unseen) {
                self.unseen.push(unseen);
            }
        }
        other.findings
    }
}

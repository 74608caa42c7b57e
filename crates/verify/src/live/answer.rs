//! What of an answer is kept: what it is and says, in types. The text itself, which may hold anything, is dropped at once.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use clearml_secure_core::setting::SETTINGS;
use clearml_secure_core::version::Version;
use serde::Deserialize;
use ureq::http::HeaderMap;

use super::cookie::SessionCookie;
use super::json::{Filled, Word};
use super::token::{self, Role};

/// No more of an answer is read. Nothing is unpacked, so what is read is what was sent.
pub(super) const LONGEST: usize = 64 << 10;

/// An origin that nobody can have.
pub(super) const FOREIGN_ORIGIN: &str = "https://clearml-verify.invalid";

/// A redirect to a longer address is none.
const LONGEST_ADDRESS: usize = 2048;

/// What a server answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: Head,
    pub(crate) body: Body,
}

/// What is kept of the header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// `server: clearml`, which both servers say (docs/clearml.md#error-codes).
    pub(crate) is_clearml: bool,
    /// A proxy that puts its own name there has answered.
    pub(crate) is_renamed: bool,
    /// It is packed (`Content-Encoding`), which nobody asked for, so that its text is not known.
    pub(crate) is_packed: bool,
    /// A login of HTTP's own is asked for, which none of ClearML's servers does.
    pub(crate) wants_login: bool,
    /// Which origins may read it.
    pub(crate) origin: Option<Origin>,
    /// They may with the user's cookies.
    pub(crate) allows_credentials: bool,
    pub(crate) cookies: Vec<SessionCookie>,
    /// Where it redirects to, if that is an address.
    pub(super) location: Option<String>,
}

/// Whom `Access-Control-Allow-Origin` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Any,
    /// The invented one that was said.
    Foreign,
    Other,
}

/// What the body is.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// The frame that every answer of the API server has.
    Envelope(Envelope),
    Page(Page),
    /// More than is read.
    TooLong(Page),
}

/// An answer of the API server.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) endpoint: Endpoint,
    code: Option<u16>,
    pub(crate) subcode: u16,
    pub(crate) reason: Reason,
    /// A digest of its message: whether two are the same is all that it tells.
    message: u64,
    /// Python's stack trace is with it.
    pub(crate) has_stack: bool,
    /// The token of a login.
    pub(crate) token: Option<Token>,
    /// Whether the token that was asked about is valid.
    pub(crate) valid: Option<bool>,
    pub(crate) version: Option<Version>,
    pub(crate) modes: Option<Modes>,
    /// Whom a list of users or workers has.
    pub(crate) ids: Option<Vec<Id>>,
}

/// Who somebody is: an account of the server's own, or a user by what the id says in 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Id {
    Account(&'static str),
    Hash([u8; 16]),
    Other,
}

/// The endpoints that are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Info,
    Login,
    Modes,
    Other,
    Ping,
    Users,
    ValidateToken,
    Workers,
}

/// What a token of a login says, without the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) role: Role,
    pub(crate) version: Option<Version>,
}

/// Why a server does not take a token, as far as that is of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The secret is empty, and the library does not work with that (docs/clearml.md#empty-token-secret).
    EmptySecret,
    /// The secret is no text (docs/clearml.md#numeric-token-secret).
    NoText,
    Other,
    /// It is signed with another secret.
    Signature,
}

/// The ways to log in that the API server names (docs/clearml.md#login-modes).
#[derive(Clone, Debug)]
pub(crate) struct Modes {
    pub(crate) has_users: bool,
    pub(crate) has_guest: bool,
    /// The guest's name and password, if they are told.
    pub(crate) guest: Option<(Word, Word)>,
    pub(crate) has_sso: bool,
}

/// What is known of any other text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// `OK`, as the file server says of itself.
    pub(crate) is_ok: bool,
    /// The list of what was written: nothing.
    pub(crate) is_empty_list: bool,
    pub(crate) names_clearml: bool,
    /// The debugger of the API server's framework.
    pub(crate) is_debugger: bool,
    pub(crate) reason: Option<Reason>,
    /// A digest of it: whether two are the same is all that it tells.
    digest: u64,
}

impl Answer {
    /// Keeps of an answer what is of interest.
    pub(super) fn of(status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        Self {
            status,
            head: Head::of(headers, body),
            body: Body::of(body),
        }
    }

    /// The frame of the API server, if it is one.
    pub(crate) fn envelope(&self) -> Option<&Envelope> {
        match &self.body {
            Body::Envelope(envelope) => Some(envelope),
            Body::Page(_) | Body::TooLong(_) => None,
        }
    }

    /// What an endpoint says that has nothing to complain about.
    pub(crate) fn fine(&self, endpoint: Endpoint) -> Option<&Envelope> {
        let envelope = self.envelope()?;
        let is_fine = envelope.code.unwrap_or(self.status) == 200 && envelope.endpoint == endpoint;
        (is_fine && self.status == 200).then_some(envelope)
    }

    /// The code and the subcode of a complaint that is the API server's own.
    pub(crate) fn complaint(&self) -> Option<(u16, u16)> {
        let envelope = self.envelope()?;
        let code = envelope.code.unwrap_or(self.status);
        (code == self.status).then_some((code, envelope.subcode))
    }

    /// The ways to log in; none where it does not say them.
    pub(crate) fn modes(&self) -> Option<&Modes> {
        self.fine(Endpoint::Modes)?.modes.as_ref()
    }

    /// Any other text, if it is one.
    pub(crate) fn page(&self) -> Option<&Page> {
        match &self.body {
            Body::Page(page) => Some(page),
            Body::Envelope(_) | Body::TooLong(_) => None,
        }
    }

    /// Whether another answer has the same status, and says the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let is_said = match (&self.body, &other.body) {
            (Body::Envelope(one), Body::Envelope(other)) => {
                one.subcode == other.subcode && one.message == other.message
            }
            (Body::Page(one), Body::Page(other)) => one == other,
            _ => false,
        };
        self.status == other.status && is_said
    }

    /// Whether all of it was read.
    pub(crate) fn is_whole(&self) -> bool {
        !matches!(self.body, Body::TooLong(_))
    }

    /// Whether it is the page of the web server, of which the beginning is enough.
    pub(super) fn is_web(&self) -> bool {
        match &self.body {
            Body::Page(page) | Body::TooLong(page) => page.names_clearml,
            Body::Envelope(_) => false,
        }
    }

    /// Why a token is not taken.
    pub(crate) fn reason(&self) -> Reason {
        match &self.body {
            Body::Envelope(envelope) => envelope.reason,
            Body::Page(page) | Body::TooLong(page) => page.reason.unwrap_or(Reason::Other),
        }
    }

    /// In words, where it is not one of the answers that a question has.
    pub(crate) fn odd(&self) -> String {
        let status = self.status;
        let said = format!("it answers with status {status}");
        match (status, &self.body) {
            _ if self.head.is_packed => format!(
                "{said}, and compresses its answer (Content-Encoding), which nobody asked for"
            ),
            (_, Body::Envelope(_)) => said,
            (429, _) => format!("{said} (too many requests): ask more slowly with --rate 1"),
            (300..=399, _) => format!("{said} (a redirect)"),
            (401 | 403 | 407, _) => {
                format!(
                    "{said}, but not as ClearML does: something in front of it refuses requests"
                )
            }
            (502..=504, _) => format!("{said}: a proxy answers, but the server behind it does not"),
            (_, Body::TooLong(_)) => format!("{said} and more than {} KiB", LONGEST >> 10),
            (_, Body::Page(_)) => format!("{said}, but not as ClearML does"),
        }
    }
}

impl Head {
    fn of(headers: &HeaderMap, body: &[u8]) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        // Some proxies add their own name to it.
        let servers = headers.get_all("server").iter();
        let servers: Vec<&str> = servers.filter_map(|value| value.to_str().ok()).collect();
        // Those replace the name of the server behind them, nginx being the web server's own (docs/clearml.md#paths-through-the-web-server).
        const PROXIES: [&str; 10] = [
            "angie",
            "apache",
            "caddy",
            "cloudflare",
            "envoy",
            "istio-envoy",
            "litespeed",
            "nginx",
            "openresty",
            "tengine",
        ];
        let is_proxy = |server: &&str| {
            let product = server.split(['/', ' ']).next().unwrap_or_default();
            PROXIES
                .iter()
                .any(|proxy| product.eq_ignore_ascii_case(proxy))
        };
        Self {
            is_clearml: servers.contains(&"clearml"),
            is_renamed: servers.iter().any(is_proxy),
            is_packed: headers
                .get("content-encoding")
                .is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")),
            wants_login: headers.contains_key("www-authenticate"),
            origin: text("access-control-allow-origin").map(|origin| match origin {
                "*" => Origin::Any,
                FOREIGN_ORIGIN => Origin::Foreign,
                _ => Origin::Other,
            }),
            allows_credentials: text("access-control-allow-credentials") == Some("true"),
            cookies: SessionCookie::all(headers, body),
            location: text("location")
                .filter(|to| to.len() <= LONGEST_ADDRESS)
                .map(str::to_owned),
        }
    }
}

impl Body {
    fn of(text: &[u8]) -> Self {
        if text.len() > LONGEST {
            return Self::TooLong(Page::of(&text[..LONGEST], false));
        }
        match serde_json::from_slice::<Framed>(text) {
            Ok(framed) => Self::Envelope(framed.into()),
            Err(_) => Self::Page(Page::of(text, true)),
        }
    }
}

impl Page {
    fn of(text: &[u8], is_whole: bool) -> Self {
        let has = |part: &str| contains(text, part);
        let trimmed = text.trim_ascii();
        Self {
            is_ok: is_whole && trimmed == b"OK",
            is_empty_list: is_whole && trimmed == b"[]",
            names_clearml: has("clearml"),
            is_debugger: has("werkzeug") && (has("interactive console") || has("evalex")),
            reason: Reason::among(has),
            digest: digest(text),
        }
    }
}

impl Reason {
    fn among(has: impl Fn(&str) -> bool) -> Option<Self> {
        let known = [
            ("signature verification failed", Self::Signature),
            ("hmac key must not be empty", Self::EmptySecret),
            ("expected a string or bytes value", Self::NoText),
        ];
        known
            .into_iter()
            .find(|(text, _)| has(text))
            .map(|(_, reason)| reason)
    }
}

fn digest(text: &[u8]) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(text)
}

/// Whether a text has a part, which is in lower case, in any case.
fn contains(text: &[u8], part: &str) -> bool {
    text.windows(part.len())
        .any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

/// The frame as it is sent. What is not as it should be is no frame.
#[derive(Deserialize)]
struct Framed {
    meta: Meta,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Meta {
    endpoint: Named,
    /// That of HTTP where it is not said.
    #[serde(default)]
    result_code: Option<u16>,
    #[serde(default)]
    result_subcode: u16,
    #[serde(default)]
    result_msg: Option<Word>,
    #[serde(default)]
    error_stack: Option<Filled>,
}

#[derive(Deserialize)]
struct Named {
    name: Word,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    token: Option<Word>,
    valid: Option<bool>,
    version: Option<Word>,
    basic: Option<Basic>,
    sso: Option<Filled>,
    sso_providers: Option<Filled>,
    users: Option<Vec<Identified>>,
    workers: Option<Vec<Worker>>,
}

#[derive(Deserialize)]
struct Identified {
    id: Word,
}

/// Whose credentials an agent has.
#[derive(Deserialize)]
struct Worker {
    #[serde(default)]
    user: Option<Identified>,
}

#[derive(Deserialize)]
struct Basic {
    enabled: bool,
    #[serde(default)]
    guest: Guest,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Guest {
    enabled: bool,
    username: Option<Word>,
    password: Option<Word>,
}

impl From<Framed> for Envelope {
    fn from(framed: Framed) -> Self {
        let Framed { meta, data } = framed;
        let data = data.unwrap_or_default();
        let said = meta.result_msg.as_ref().map_or("", Word::said);
        let has_sso = [data.sso, data.sso_providers]
            .into_iter()
            .flatten()
            .any(|one| one.0);
        Self {
            endpoint: Endpoint::of(meta.endpoint.name.said()),
            code: meta.result_code,
            subcode: meta.result_subcode,
            reason: Reason::among(|part| contains(said.as_bytes(), part)).unwrap_or(Reason::Other),
            message: digest(said.as_bytes()),
            has_stack: meta.error_stack.is_some_and(|stack| stack.0),
            token: data.token.map(|token| Token {
                role: token::role(token.said()),
                version: token::version(token.said()),
            }),
            valid: data.valid,
            version: data.version.and_then(|text| Version::parse(text.said())),
            modes: data.basic.map(|basic| Modes {
                has_users: basic.enabled,
                has_guest: basic.guest.enabled,
                guest: basic.guest.username.zip(basic.guest.password),
                has_sso,
            }),
            ids: match (data.users, data.workers) {
                (Some(users), _) => Some(users.iter().map(|user| Id::of(&user.id)).collect()),
                (_, Some(workers)) => {
                    let user = |worker: &Worker| {
                        worker
                            .user
                            .as_ref()
                            .map_or(Id::Other, |user| Id::of(&user.id))
                    };
                    Some(workers.iter().map(user).collect())
                }
                _ => None,
            },
        }
    }
}

impl Id {
    fn of(word: &Word) -> Self {
        let word = word.said();
        let account = word
            .strip_prefix("__")
            .and_then(|rest| rest.strip_suffix("__"));
        let mut accounts = SETTINGS.into_iter().filter_map(|setting| setting.account());
        if let Some(account) = accounts.find(|known| Some(*known) == account) {
            return Self::Account(account);
        }
        let digits = word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        match u128::from_str_radix(word, 16) {
            Ok(number) if digits => Self::Hash(number.to_be_bytes()),
            _ => Self::Other,
        }
    }
}

impl Endpoint {
    fn of(name: &str) -> Self {
        match name {
            "auth.login" => Self::Login,
            "auth.validate_token" => Self::ValidateToken,
            "debug.ping" => Self::Ping,
            "login.supported_modes" => Self::Modes,
            "server.info" => Self::Info,
            "users.get_all" => Self::Users,
            "workers.get_all" => Self::Workers,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer::of(status, &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn of_an_envelope_types_are_kept() {
        let text = r#"{"meta": {"id": "x", "endpoint": {"name": "auth.validate_token", "requested_version": "2.31"},
            "result_code": 401, "result_subcode": 30, "error_stack": null,
            "result_msg": "Invalid token (jwt invalid key error): reason=HMAC key must not be empty."}, "data": {}}"#;
        let answer = answer(401, text);
        assert_eq!(answer.complaint(), Some((401, 30)));
        assert_eq!(answer.reason(), Reason::EmptySecret);
        assert!(!answer.envelope().unwrap().has_stack);
        assert!(answer.fine(Endpoint::ValidateToken).is_none());
    }

    #[test]
    fn what_is_no_envelope_says_so() {
        for text in [
            "",
            "<html>401</html>",
            "{}",
            r#"{"meta": {"result_code": 200}}"#,
            r#"{"meta": {"endpoint": {"name": 5}, "result_code": 200}, "data": {}}"#,
            r#"{"meta": {"endpoint": {"name": "auth.login"}, "result_code": 200}, "data": {"valid": "true"}}"#,
        ] {
            assert!(answer(401, text).envelope().is_none(), "{text}");
            assert!(
                answer(401, text).odd().contains("not as ClearML does"),
                "{text}"
            );
        }
        let long = answer(200, &"x".repeat(LONGEST + 1));
        assert_eq!(
            long.odd(),
            "it answers with status 200 and more than 64 KiB"
        );
    }

    #[test]
    fn modes_say_what_a_guest_is_told() {
        let text = |guest: &str| {
            format!(
                r#"{{"meta": {{"endpoint": {{"name": "login.supported_modes"}}, "result_code": 200}},
                "data": {{"basic": {{"enabled": false, "guest": {guest}}}, "sso": {{}}, "sso_providers": []}}}}"#
            )
        };
        let told =
            r#"{"enabled": true, "name": "Guest", "username": "guest", "password": "guest"}"#;
        let answer_told = answer(200, &text(told));
        let modes = answer_told.modes().unwrap();
        assert!(modes.has_guest && modes.guest.is_some() && !modes.has_users && !modes.has_sso);
        let off = answer(200, &text(r#"{"enabled": false}"#));
        assert!(!off.modes().unwrap().has_guest);
    }
}

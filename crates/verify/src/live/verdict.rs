//! What a server makes of a login or a token: it takes it, refuses it, or has said something else, which proves nothing.

use std::hash::{BuildHasher, RandomState};
use std::thread;
use std::time::{Duration, Instant};

use clearml_secure_core::setting::Server;
use zeroize::Zeroizing;

use super::answer::{Endpoint, Reason, Token};
use super::further::{AGAIN, OF_MANY, not_all};
use super::{Algorithm, Answer, Claims, Failure, Site, sign, together, token};

/// What a server makes of a token.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    Accepted {
        /// Why that proves nothing of a keyset, where it does not.
        unproved: Option<Failure>,
    },
    /// It takes it on some connections and refuses it on others: a load balancer may have several servers behind one address, and
    /// not all of them the same keys.
    Divided,
    Refused(Reason),
    Unclear(Failure),
}

/// What the API server makes of a login.
#[derive(Clone, Debug)]
pub(crate) enum Login {
    In {
        token: Token,
        answer: Box<Answer>,
        /// Why that proves nothing of a keyset, where it does not.
        unproved: Option<Failure>,
    },
    Refused,
    /// It lets in on some connections and refuses on others, with this token.
    Divided(Token),
    /// It fails at it (docs/clearml.md#entries-of-a-user, docs/clearml.md#guests).
    Broken(Failure),
    Unclear(Failure),
}

/// Codes of a refusal: not that nothing was said, and not that it was said in another way, as a proxy has it that keeps
/// `Authorization` to itself (docs/clearml.md#error-codes).
const NO_CREDENTIALS: u16 = 20;
const OTHER_CREDENTIALS: u16 = 10;
const BAD_TOKEN: u16 = 30;

/// How long to wait before a file server is asked again. After a restart of the API server alone the first token is refused
/// whatever it is, and the next is not (docs/clearml.md#restart-together); of several workers each has its first.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(1)];

/// The endpoint that takes a key and a secret.
const LOGIN: &str = "auth.login";

/// What is said of a server that takes what nobody can know.
const TAKES_ANYTHING: &str =
    "it also accepts a random secret, so it checks nothing or is not a ClearML server";

/// What is said of a server that is asked as if nobody had a key.
const NO_KEY_REACHES: &str =
    "no key reaches it: something in front of it removes or replaces the Authorization header";

/// The same of the file server, whose refusals something in front of it may also have put its own page over.
const NO_TOKEN_REACHES: &str = "it answers the same with and without a token: something in front of it removes the Authorization header, or has a page of its own for what is refused";

impl Site {
    /// Logs in with a key and a secret, or a name and a password.
    pub(crate) fn log_in(&self, key: &str, secret: &str) -> Option<Login> {
        let login = self.log_in_once(key, secret)?;
        let Login::In { token, answer, .. } = login else {
            return Some(login);
        };
        let (key, secret) = self.invented();
        let unproved = match self.log_in_once(key, secret)? {
            Login::In { .. } => return Some(Login::Unclear(Failure::new(TAKES_ANYTHING))),
            Login::Refused | Login::Divided(_) => None,
            Login::Broken(failure) | Login::Unclear(failure) => Some(no_control(&failure)),
        };
        Some(Login::In {
            token,
            answer,
            unproved,
        })
    }

    /// The same of one of many pairs, as further connections get it where it is a proof.
    pub(crate) fn log_in_throughout(&self, key: &str, secret: &str) -> Option<Login> {
        if let other @ (Login::Broken(_) | Login::Unclear(_)) = self.log_in_once(key, secret)? {
            return Some(other);
        }
        let pair = token::basic(key, secret);
        let url = format!("{}/{LOGIN}", self.api.as_ref()?);
        // Neither question depends on the answer to the other.
        let controlled = || self.log_in(key, secret);
        let elsewhere = || {
            let client = self.client.afresh();
            Some(of_login(client.get(&url, &[("Authorization", &pair)])))
        };
        let mut questions: Vec<&(dyn Fn() -> Option<Login> + Sync)> = vec![&controlled];
        questions.extend([&elsewhere as &(dyn Fn() -> Option<Login> + Sync); OF_MANY]);
        let mut logins = together(&questions, |ask| ask()).into_iter();
        let first = logins.next()??;
        Some(first.and_elsewhere(logins.flatten()))
    }

    fn log_in_once(&self, key: &str, secret: &str) -> Option<Login> {
        let pair = token::basic(key, secret);
        Some(of_login(self.ask(LOGIN, &[("Authorization", &pair)])?))
    }

    /// What the API server makes of a token (docs/clearml.md#asking-about-a-token).
    pub(crate) fn api_takes(&self, token: &str) -> Option<Verdict> {
        self.takes(Server::Apiserver, token)
    }

    /// What the file server makes of a token (docs/clearml.md#is-authentication-on).
    pub(crate) fn files_take(&self, token: &str) -> Option<Verdict> {
        self.takes(Server::Fileserver, token)
    }

    fn takes(&self, server: Server, token: &str) -> Option<Verdict> {
        self.unless_anything(server, self.takes_once(server, token)?)
    }

    /// What a server makes of a token on several connections, where its verdict is a proof: that it accepts, or that it does not.
    pub(crate) fn takes_throughout(
        &self,
        server: Server,
        token: &str,
        is_proof: fn(&Verdict) -> bool,
    ) -> Option<Verdict> {
        let verdict = self.takes_once(server, token)?;
        self.controlled_throughout(server, token, verdict, is_proof)
    }

    /// The same of the file server, which is asked again after a while until that is settled. The bound of one request is that
    /// of all.
    pub(crate) fn files_take_settled(
        &self,
        token: &str,
        is_proof: fn(&Verdict) -> bool,
        is_settled: fn(&Verdict) -> bool,
    ) -> Option<Verdict> {
        let (since, within) = (Instant::now(), self.client.timeout());
        let server = Server::Fileserver;
        let mut verdict = self.takes_throughout(server, token, is_proof)?;
        for pause in PAUSES {
            if is_settled(&verdict) || since.elapsed() + pause > within {
                break;
            }
            thread::sleep(pause);
            let now = self.verdict_of(server, token, self.show_to_files_again(token)?);
            verdict = self.controlled_throughout(server, token, now, is_proof)?;
        }
        Some(verdict)
    }

    fn controlled_throughout(
        &self,
        server: Server,
        token: &str,
        verdict: Verdict,
        is_proof: fn(&Verdict) -> bool,
    ) -> Option<Verdict> {
        if !is_proof(&verdict) {
            return self.unless_anything(server, verdict);
        }
        // Neither question depends on the answer to the other.
        let controlled = || self.unless_anything(server, verdict.clone());
        let elsewhere = || Some(self.on_further_connections(server, token, &verdict));
        let questions: [&(dyn Fn() -> Option<Verdict> + Sync); 2] = [&controlled, &elsewhere];
        let mut answers = together(&questions, |ask| ask()).into_iter();
        match (answers.next()??, answers.next()??) {
            (controlled, elsewhere) if is_proof(&controlled) => Some(elsewhere),
            (controlled, _) => Some(controlled),
        }
    }

    fn takes_once(&self, server: Server, token: &str) -> Option<Verdict> {
        Some(match server {
            Server::Apiserver => self.verdict_of(server, token, self.show_to_api(token)?),
            _ => self.verdict_of(server, token, self.show_to_files(token)?),
        })
    }

    /// What an answer of a server to a token is.
    fn verdict_of(&self, server: Server, token: &str, answer: Result<Answer, Failure>) -> Verdict {
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) => return Verdict::Unclear(failure),
        };
        let verdict = match server {
            Server::Apiserver => of_api(&answer),
            _ => self.of_files(&answer),
        };
        match verdict {
            Verdict::Refused(_) if self.is_as_to_unsigned(server, token, &answer) => {
                Verdict::Unclear(Failure::new(NO_KEY_REACHES))
            }
            verdict => verdict,
        }
    }

    /// Whether a server refuses a token in the words in which it refuses one that is not signed. Of a token with a signature it
    /// says that this is wrong (docs/clearml.md#asking-about-a-token), so it has seen another one.
    fn is_as_to_unsigned(&self, server: Server, token: &str, answer: &Answer) -> bool {
        let (unsigned, signed) = (unsigned(), sign(Claims::Nobody, Algorithm::Hs256, ""));
        if token.split('.').next() != signed.split('.').next() {
            return false;
        }
        let control = match server {
            Server::Apiserver => self.show_to_api(&unsigned),
            _ => self.show_to_files(&unsigned),
        };
        control.is_some_and(|control| control.is_ok_and(|control| answer.is_same(&control)))
    }

    /// A server's verdict on a token, as several further connections get it: the same, the opposite of some, or none of some.
    fn on_further_connections(&self, server: Server, token: &str, verdict: &Verdict) -> Verdict {
        let answers = together(&[(); AGAIN], |()| self.show_afresh(server, token));
        let verdicts = answers.into_iter().flatten();
        let mut unclear = None;
        for further in verdicts.map(|answer| self.verdict_of(server, token, answer)) {
            match (verdict, further) {
                (Verdict::Accepted { .. }, Verdict::Refused(_))
                | (Verdict::Refused(_), Verdict::Accepted { .. }) => return Verdict::Divided,
                (_, Verdict::Unclear(failure)) => unclear = Some(failure),
                _ => {}
            }
        }
        let Some(failure) = unclear else {
            return verdict.clone();
        };
        let failure = not_all(AGAIN, &failure.reason);
        match verdict {
            Verdict::Accepted { .. } => Verdict::Accepted {
                unproved: Some(failure),
            },
            _ => Verdict::Unclear(failure),
        }
    }

    /// What an answer of the file server to a token is. A refusal says why, so it is another one than to nobody
    /// (docs/clearml.md#file-server-answers).
    fn of_files(&self, answer: &Answer) -> Verdict {
        match (answer.is_of_files(), answer.status) {
            (true, 404) => Verdict::Accepted { unproved: None },
            (true, 401) if self.is_as_to_nobody(answer) => {
                Verdict::Unclear(Failure::new(NO_TOKEN_REACHES))
            }
            (true, 401) => Verdict::Refused(answer.reason()),
            _ => Verdict::Unclear(Failure::new(answer.odd())),
        }
    }

    /// Whether the file server says the same without a token.
    fn is_as_to_nobody(&self, answer: &Answer) -> bool {
        let nobody = self.nobody_at_files();
        nobody.is_some_and(|nobody| nobody.is_ok_and(|nobody| answer.is_same(&nobody)))
    }

    /// A key and a secret, the same for every question.
    fn invented(&self) -> &(Zeroizing<String>, Zeroizing<String>) {
        self.invented.get_or_init(|| (invented(), invented()))
    }

    /// A verdict, unless that is the one on a token that nobody can have signed.
    fn unless_anything(&self, server: Server, verdict: Verdict) -> Option<Verdict> {
        if !matches!(verdict, Verdict::Accepted { .. }) {
            return Some(verdict);
        }
        let (secret, _) = self.invented();
        let token = sign(Claims::Role("system"), Algorithm::Hs256, secret);
        Some(match self.takes_once(server, &token)? {
            Verdict::Accepted { .. } => Verdict::Unclear(Failure::new(TAKES_ANYTHING)),
            Verdict::Refused(_) | Verdict::Divided => verdict,
            Verdict::Unclear(failure) => Verdict::Accepted {
                unproved: Some(no_control(&failure)),
            },
        })
    }
}

impl Login {
    /// What it is with what further connections got: the same, the opposite of some, or none of some.
    fn and_elsewhere(self, further: impl Iterator<Item = Self>) -> Self {
        let mut unclear = None;
        for further in further {
            match (&self, further) {
                (Self::Refused, Self::In { token, .. }) => return Self::Divided(token),
                (Self::In { token, .. }, Self::Refused) => return Self::Divided(*token),
                (_, Self::Broken(failure) | Self::Unclear(failure)) => unclear = Some(failure),
                _ => {}
            }
        }
        let failure = unclear.map(|failure| not_all(OF_MANY, &failure.reason));
        match (self, failure) {
            (
                Self::In {
                    token,
                    answer,
                    unproved,
                },
                failure,
            ) => Self::In {
                token,
                answer,
                unproved: unproved.or(failure),
            },
            (Self::Refused, Some(failure)) => Self::Unclear(failure),
            (login, _) => login,
        }
    }
}

/// What an answer to a login is.
fn of_login(answer: Result<Answer, Failure>) -> Login {
    let answer = match answer {
        Ok(answer) => answer,
        Err(failure) => return Login::Unclear(failure),
    };
    let token = answer
        .fine(Endpoint::Login)
        .and_then(|envelope| envelope.token);
    match (token, answer.complaint()) {
        (Some(token), _) => Login::In {
            token,
            answer: Box::new(answer),
            unproved: None,
        },
        (None, Some((401, subcode)))
            if ![NO_CREDENTIALS, OTHER_CREDENTIALS, BAD_TOKEN].contains(&subcode) =>
        {
            Login::Refused
        }
        (None, Some((500, _))) => Login::Broken(Failure::new(answer.odd())),
        _ => Login::Unclear(unclear(&answer)),
    }
}

/// A token that no server takes, as it is not signed.
pub(super) fn unsigned() -> Zeroizing<String> {
    sign(Claims::Role("system"), Algorithm::None, "")
}

/// Why a server that lets in proves nothing: whether it refuses what nobody can know was not answered.
fn no_control(failure: &Failure) -> Failure {
    Failure::new(format!(
        "it accepts this, but whether it refuses a random secret is not known: {failure}"
    ))
}

/// Of what `auth.validate_token` answers only two are a verdict; an error of the server's is none.
fn of_api(answer: &Answer) -> Verdict {
    let valid = answer
        .fine(Endpoint::ValidateToken)
        .and_then(|envelope| envelope.valid);
    match (valid, answer.complaint()) {
        (Some(true), _) => Verdict::Accepted { unproved: None },
        (_, Some((401, BAD_TOKEN))) => Verdict::Refused(answer.reason()),
        (Some(false), _) => Verdict::Unclear(Failure::new(
            "it answers with status 200, but says that the token is not valid",
        )),
        _ => Verdict::Unclear(unclear(answer)),
    }
}

/// Why an answer of the API server to a key or a token is no verdict. That of a bad token is one on a token alone: to a key
/// it says that something else came.
fn unclear(answer: &Answer) -> Failure {
    match answer.complaint() {
        Some((401, NO_CREDENTIALS | OTHER_CREDENTIALS | BAD_TOKEN)) => Failure::new(NO_KEY_REACHES),
        _ => Failure::new(answer.odd()),
    }
}

impl Answer {
    /// Whether it may be the file server's: it names itself or the origins that may read it, wants no login of HTTP's own,
    /// and has no frame (docs/clearml.md#file-server-answers).
    pub(crate) fn is_of_files(&self) -> bool {
        let is_named = self.head.is_clearml || self.head.origin.is_some();
        is_named && !self.head.wants_login && !self.head.is_packed && self.envelope().is_none()
    }
}

/// A text that nobody can know beforehand.
fn invented() -> Zeroizing<String> {
    let part = |_| format!("{:016X}", RandomState::new().hash_one("clearml-verify"));
    Zeroizing::new((0..4).map(part).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ureq::http::HeaderMap;

    fn of(status: u16, body: &str) -> Verdict {
        of_api(&Answer::of(status, &HeaderMap::new(), body.as_bytes()))
    }

    fn framed(code: u16, subcode: u16, data: &str) -> String {
        format!(
            r#"{{"meta": {{"endpoint": {{"name": "auth.validate_token"}}, "result_code": {code},
            "result_subcode": {subcode}, "result_msg": "x"}}, "data": {data}}}"#
        )
    }

    #[test]
    fn two_answers_are_a_verdict_and_no_other() {
        assert!(matches!(
            of(200, &framed(200, 0, r#"{"valid": true}"#)),
            Verdict::Accepted { unproved: None }
        ));
        assert!(matches!(
            of(401, &framed(401, 30, "{}")),
            Verdict::Refused(Reason::Other)
        ));
        for (status, body) in [
            (200, framed(200, 0, r#"{"valid": false, "msg": "x"}"#)),
            (200, framed(200, 0, "{}")),
            (200, r#"{"data": {"valid": true}}"#.to_owned()),
            (401, framed(401, 20, "{}")),
            (401, "<html>".to_owned()),
            (401, framed(200, 0, r#"{"valid": true}"#)),
            (403, framed(403, 20, "{}")),
            (500, framed(500, 100, "{}")),
            (502, String::new()),
        ] {
            assert!(
                matches!(of(status, &body), Verdict::Unclear(_)),
                "{status} {body}"
            );
        }
    }

    #[test]
    fn what_is_invented_is_another_each_time() {
        assert_ne!(*invented(), *invented());
        assert_eq!(invented().len(), 64);
    }
}

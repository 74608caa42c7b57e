//! A token that anybody can sign is accepted.
//!
//! **What**: a token of role `system`, signed with a published secret, with an empty one, or not at all, is accepted by the
//! API server or the file server.
//!
//! **Why**: anyone who signs one is any user of any role, leaves no trace in the database, and needs no account.
//!
//! **Fix**: `clearml-keygen -o keys.env`, then `clearml-inject -k keys.env -i docker-compose.yml`, and restart
//! apiserver, fileserver and async_delete together.
//!
//! **Asks**: auth.validate_token, which needs no database, with the token as Bearer and in the question; and a file that is
//! not there. Only the server's own refusal counts as refused, and only a token that it calls valid as accepted; the rest is not checked.
//! A server that accepts one is shown another that nobody can have signed: a server that also accepts that one proves nothing.
//! A token of the image's own secret that is refused is shown again on six further connections: a load balancer may have several
//! servers behind it. A refusal in the words for a token that is not signed is none: something in front has put another in its place.
//! The secrets: ClearML's token secrets and those of its charts, what its documentation writes there, and an empty one. Where
//! the API server (without one, the file server) refuses all of these, twelve more that people paste: two that jwt.io shows,
//! `secret`, `changeme`, `your-secret-key`, `default-secret`, ClearML's session secrets, the API server's secret of its chart,
//! and one each of the pages of FastAPI, of a tutorial for Spring, and of this project. Other public secrets, which the rules
//! name in files, are not tried.

use clearml_secure_core::known::built_in;
use clearml_secure_core::setting::{SETTINGS, Server};

use super::Probe;
use crate::finding::Severity;
use crate::live::{
    Algorithm, Claims, Making, Reason, Seen, Site, Verdict, documented, makings, pasted, sign,
    together, token_secret, told,
};
use crate::words::and;

pub(crate) struct ForgedToken;

impl Probe for ForgedToken {
    fn id(&self) -> &'static str {
        "forged-token"
    }

    fn is_about_public_keys(&self) -> bool {
        true
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let (common, documented) = (makings(), documented());
        let to = |server| move |making| (making, server);
        let mut shown: Vec<(&Making, Server)> = Vec::new();
        shown.extend(common.iter().chain(&documented).map(to(Server::Apiserver)));
        shown.extend(common.iter().map(to(Server::Fileserver)));
        let answers = together(&shown, |(making, server)| ask(site, making, *server));
        let mut answers: Vec<Asked> = answers.into_iter().flatten().collect();
        // Where nobody is refused a token proves nothing; `anonymous-files` says so.
        if site.has_open_files() {
            answers.retain(|(server, ..)| *server != Server::Fileserver);
        }
        answers.extend(ask_more(site, &common, &answers));
        // By server and secret, with every algorithm.
        let mut accepted: Vec<Accepted<'_>> = Vec::new();
        let mut refused_by_api = Vec::new();
        for (server, how, algorithm, verdict) in answers {
            let address = match server {
                Server::Fileserver => &site.files,
                _ => &site.api,
            };
            let Some(address) = address else {
                continue;
            };
            match verdict {
                Verdict::Refused(_) if server == Server::Apiserver => refused_by_api.push(how),
                Verdict::Refused(_) => {}
                Verdict::Accepted { .. } | Verdict::Divided => {
                    let is_known = |one: &&mut Accepted<'_>| one.server == server && one.how == how;
                    match accepted.iter_mut().find(is_known) {
                        Some(one) => one.algorithms.push(algorithm.name()),
                        None => accepted.push(Accepted {
                            server,
                            address,
                            how,
                            algorithms: vec![algorithm.name()],
                            is_divided: matches!(verdict, Verdict::Divided),
                        }),
                    }
                }
                Verdict::Unclear(failure) => seen.unclear(
                    &format!("whether {address} accepts tokens that anyone can make"),
                    &failure,
                ),
            }
        }
        // The API server has other keys already, and takes the token with no algorithm.
        let accepted_by_api: Vec<String> = accepted
            .iter()
            .filter(|one| one.server == Server::Apiserver)
            .map(|one| one.how.clone())
            .collect();
        refused_by_api.retain(|how| !accepted_by_api.contains(how));
        for one in accepted {
            let (address, how) = (one.address, &one.how);
            let help = match one.server == Server::Fileserver && refused_by_api.contains(how) {
                true => FORGET,
                false => super::NEW_KEYS,
            };
            let who = match one.is_divided {
                true => "of several servers that answer there some accept",
                false => "it accepts",
            };
            seen.found(
                // Anyone who signs is anybody.
                Severity::Error,
                one.server,
                format!(
                    "anyone who can reach {address} has role system: {who} a token that is {how} ({})",
                    and(&one.algorithms)
                ),
                help,
            );
        }
    }
}

/// Tokens of one making that a server accepts.
struct Accepted<'a> {
    server: Server,
    address: &'a str,
    how: String,
    algorithms: Vec<&'static str>,
    /// Of several servers behind the address only some do.
    is_divided: bool,
}

/// The help where only the file server accepts it (docs/clearml.md#remembered-tokens).
const FORGET: &str = "the API server refuses it, so the file server remembers it or has other keys. Restart both with the same keys, then delete the tokens that it remembers:
  docker compose exec redis redis-cli -n 8 FLUSHDB";

/// What a server makes of a token: of which making, with which algorithm.
type Asked = (Server, String, Algorithm, Verdict);

/// Whether a server was asked and takes none: what it does not answer, or takes from anybody, it is not asked again.
fn refuses_all(answers: &[Asked], asked: Server) -> bool {
    let mut verdicts = answers
        .iter()
        .filter(|(server, ..)| *server == asked)
        .map(|(.., verdict)| verdict)
        .peekable();
    verdicts.peek().is_some() && verdicts.all(is_refused)
}

/// Whether a making has the secret that the server's image has by itself, so that one of several servers may still have it. Where
/// the API server is shown a token of the user's own on several connections, that tells as much of it.
fn is_built_in(site: &Site, making: &Making, server: Server) -> bool {
    let is_asked = server == Server::Apiserver && token_secret(site.keys.as_deref()).is_some();
    let mut settings = SETTINGS.into_iter();
    let setting = settings.find(|setting| setting.group() == "token_secret");
    let known = setting.and_then(|setting| built_in(setting, told(site)));
    !is_asked && known.is_some_and(|known| known.value == making.secret)
}

/// Where all of these are refused, what people paste; and of what an image has by itself again, on further connections.
fn ask_more(site: &Site, common: &[Making], answers: &[Asked]) -> Vec<Asked> {
    let server = match site.api {
        Some(_) => Server::Apiserver,
        None => Server::Fileserver,
    };
    let pasted = match refuses_all(answers, server) {
        true => pasted(),
        false => Vec::new(),
    };
    let mut more: Vec<(&Making, Server, bool)> = Vec::new();
    more.extend(pasted.iter().map(|making| (making, server, false)));
    let refused = answers.iter().filter(|(.., verdict)| is_refused(verdict));
    more.extend(refused.filter_map(|(server, how, ..)| {
        let making = common.iter().find(|making| making.how == *how)?;
        is_built_in(site, making, *server).then_some((making, *server, true))
    }));
    let more = together(&more, |(making, server, is_again)| match is_again {
        true => ask_again(site, making, *server).into_iter().collect(),
        false => ask(site, making, *server),
    });
    more.into_iter().flatten().collect()
}

fn is_refused(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Refused(_))
}

/// Shows the first token of a making, which is refused, to a server on further connections.
fn ask_again(site: &Site, making: &Making, server: Server) -> Option<Asked> {
    let algorithm = *making.algorithms.first()?;
    let token = sign(Claims::Role("system"), algorithm, making.secret);
    let verdict = site.takes_throughout(server, &token, is_refused)?;
    Some((server, making.how.clone(), algorithm, verdict))
}

/// Shows the tokens of one making to a server. If one algorithm's signature is accepted, or cannot be verified, so would
/// be another's with the same secret: the others are tried where the server says something else, such as that it takes
/// no such algorithm.
fn ask(site: &Site, making: &Making, server: Server) -> Vec<Asked> {
    let mut asked = Vec::new();
    for algorithm in making.algorithms {
        let token = sign(Claims::Role("system"), *algorithm, making.secret);
        let verdict = match server {
            Server::Fileserver => site.files_take(&token),
            _ => site.api_takes(&token),
        };
        let Some(verdict) = verdict else {
            break;
        };
        let is_open_question = matches!(verdict, Verdict::Refused(Reason::Other));
        asked.push((server, making.how.clone(), *algorithm, verdict));
        if !is_open_question {
            break;
        }
    }
    asked
}

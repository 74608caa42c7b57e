//! A token that anybody can sign is accepted.
//!
//! **What**: a token of role `system`, signed with a published secret, with an empty one, or not at all, is accepted by the
//! API server or the file server.
//!
//! **Why**: whoever signs one is any user of any role, leaves no trace in the database, and needs no account.
//!
//! **Fix**: `clearml-keygen | clearml-inject docker-compose.yml > secured.yml`, and restart apiserver, fileserver and
//! async_delete together.
//!
//! **Asks**: server.get_stats, and a file that is not there.

use clearml_secure_core::finding::Severity;
use clearml_secure_core::known::{self, Known};
use clearml_secure_core::setting::Server;
use rayon::prelude::*;

use super::Probe;
use crate::live::{Algorithm, Claims, Seen, Site, sign};
use crate::rules::and;

pub(crate) struct ForgedToken;

impl Probe for ForgedToken {
    fn id(&self) -> &'static str {
        "forged-token"
    }

    fn look(&self, site: &Site<'_>, seen: &mut Seen) {
        // Where nobody is refused a token proves nothing; `anonymous-files` says so.
        let is_open = matches!(site.show_to_files(None), Some(Ok(answer)) if answer.status == 404);
        let answers: Vec<_> = forgeries()
            .into_par_iter()
            .map(|forgery| {
                let ask_files = || site.show_to_files(Some(&forgery.token));
                let files = (!is_open).then(ask_files).flatten();
                let api = site.show_to_api(&forgery.token);
                (forgery, api, files)
            })
            .collect();
        // By server and secret, with every algorithm.
        let mut accepted: Vec<(Server, &String, String, Vec<&str>)> = Vec::new();
        for (forgery, api, files) in answers {
            let asked = [
                (Server::Apiserver, &site.api, api, 200),
                (Server::Fileserver, &site.files, files, 404),
            ];
            for (server, address, answer, right) in asked {
                let (Some(address), Some(answer)) = (address, answer) else {
                    continue;
                };
                match answer.as_ref().map(|answer| answer.status) {
                    // 500 is `misread-secret`.
                    Ok(401 | 500) => {}
                    Ok(status) if status == right => {
                        let is_same = |one: &&mut (Server, &String, String, Vec<&str>)| {
                            one.0 == server && one.2 == forgery.how
                        };
                        match accepted.iter_mut().find(is_same) {
                            Some((.., algorithms)) => algorithms.push(forgery.algorithm.name()),
                            None => {
                                let algorithms = vec![forgery.algorithm.name()];
                                accepted.push((server, address, forgery.how.clone(), algorithms));
                            }
                        }
                    }
                    _ => seen.odd(
                        &format!("whether {address} accepts tokens of anybody's making"),
                        &answer,
                    ),
                }
            }
        }
        for (server, address, how, algorithms) in accepted {
            seen.found(
                self.id(),
                // Whoever signs is anybody.
                Severity::Error,
                server,
                format!(
                    "{address} accepts a token of role system that is {how} ({}); anybody can make one",
                    and(&algorithms)
                ),
                "clearml-keygen | clearml-inject docker-compose.yml > secured.yml, then restart the servers",
            );
        }
    }
}

/// A token that anybody can make.
struct Forgery {
    /// How it is made, without the algorithm.
    how: String,
    algorithm: Algorithm,
    token: String,
}

fn forgeries() -> Vec<Forgery> {
    let make = |how: String, algorithm, secret: &str| Forgery {
        how,
        algorithm,
        token: sign(Claims::Role("system"), algorithm, secret),
    };
    let mut all = vec![make("not signed".to_owned(), Algorithm::None, "")];
    for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
        all.push(make(
            "signed with an empty secret".to_owned(),
            algorithm,
            "",
        ));
        let is_token_secret = |known: &&Known| {
            known
                .setting
                .is_some_and(|setting| setting.group() == "token_secret")
        };
        all.extend(known::all().iter().filter(is_token_secret).map(|known| {
            let how = format!("signed with a published secret, the {}", known.what);
            make(how, algorithm, &known.value)
        }));
    }
    all
}

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
use clearml_secure_core::known;
use clearml_secure_core::setting::Server;
use rayon::prelude::*;

use super::Probe;
use crate::live::{Algorithm, Claims, Seen, Site, sign};

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
            .map(|(how, token)| {
                let files = (!is_open)
                    .then(|| site.show_to_files(Some(&token)))
                    .flatten();
                (how, site.show_to_api(&token), files)
            })
            .collect();
        for (how, api, files) in answers {
            let asked = [
                (Server::Apiserver, &site.api, api, 200),
                (Server::Fileserver, &site.files, files, 404),
            ];
            for (server, address, answer, accepted) in asked {
                let (Some(address), Some(answer)) = (address, answer) else {
                    continue;
                };
                match answer.as_ref().map(|answer| answer.status) {
                    // 500 is `misread-secret`.
                    Ok(401 | 500) => {}
                    Ok(status) if status == accepted => seen.found(
                        self.id(),
                        // Whoever signs is anybody.
                        Severity::Error,
                        server,
                        format!("{address} accepts a token of role system that is {how}; anybody can make one"),
                        "clearml-keygen | clearml-inject docker-compose.yml > secured.yml, then restart the servers",
                    ),
                    _ => seen.odd(&format!("whether {address} accepts tokens of anybody's making"), &answer),
                }
            }
        }
    }
}

/// Tokens that anybody can make, and how each is made.
fn forgeries() -> Vec<(String, String)> {
    let system = Claims::Role("system");
    let mut all = vec![("not signed".to_owned(), sign(system, Algorithm::None, ""))];
    for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
        let name = algorithm.name();
        all.push((
            format!("signed with an empty secret ({name})"),
            sign(system, algorithm, ""),
        ));
        let secrets = known::all().iter().filter(|known| {
            known
                .setting
                .is_some_and(|setting| setting.group() == "token_secret")
        });
        all.extend(secrets.map(|known| {
            let how = format!(
                "signed with a published secret, the {} ({name})",
                known.what
            );
            (how, sign(system, algorithm, &known.value))
        }));
    }
    all
}

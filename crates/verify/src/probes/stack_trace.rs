//! The server shows how it is built to whoever makes it stumble.
//!
//! **What**: an error is answered with a stack trace.
//!
//! **Why**: it helps whoever looks for a hole.
//!
//! **Fix**: set `apiserver.return_stack_to_caller` to false.
//!
//! **Asks**: server.get_stats with a token that says nobody, signed with the secret of `--keys` or the published one: only
//! a signature that the server takes makes it stumble, so without either nothing is said.

use clearml_secure_core::finding::Severity;
use clearml_secure_core::known;
use clearml_secure_core::setting::Server;

use zeroize::Zeroizing;

use super::Probe;
use crate::live::{Algorithm, Claims, Seen, Site, sign};

pub(crate) struct StackTrace;

impl Probe for StackTrace {
    fn id(&self) -> &'static str {
        "stack-trace"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let Some(api) = &site.api else {
            return;
        };
        let secrets = known::all().iter().filter(|known| {
            known.built_in
                && known
                    .setting
                    .is_some_and(|setting| setting.group() == "token_secret")
        });
        let mut tokens: Vec<Zeroizing<String>> = secrets
            .map(|known| sign(Claims::Nobody, Algorithm::Hs256, &known.value))
            .collect();
        if let Some(secret) = super::token_secret(site.keys.as_deref())
            .filter(|_| site.keeps_keys_from(api).is_none())
        {
            tokens.push(sign(Claims::Nobody, Algorithm::Hs256, secret.expose()));
        }
        let shows = |token: &Zeroizing<String>| {
            let answer = site.show_to_api(token);
            matches!(answer, Some(Ok(answer)) if !answer.json()["meta"]["error_stack"].is_null())
        };
        if tokens.iter().any(shows) {
            seen.found(
                self.id(),
                // It helps whoever looks for a hole (clearml-facts.md, 4).
                Severity::Note,
                Server::Apiserver,
                format!("{api} returns stack traces; an error tells whoever asks how the server is built"),
                "set apiserver.return_stack_to_caller to false",
            );
        }
    }
}

//! The server shows how it is built to anyone who makes it stumble.
//!
//! **What**: an error is answered with a stack trace.
//!
//! **Why**: it helps anyone who looks for a hole.
//!
//! **Fix**: set `apiserver.return_stack_to_caller` to false.
//!
//! **Asks**: auth.validate_token with a token that says nobody, signed with the secret of `--keys` or the published one: only
//! a signature that the server takes makes it stumble, so without either nothing is said.

use clearml_secure_core::known;
use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
use crate::live::{Algorithm, Claims, Seen, Site, sign, together, token_secret};

pub(crate) struct StackTrace;

impl Probe for StackTrace {
    fn id(&self) -> &'static str {
        "stack-trace"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let Some(api) = &site.api else {
            return;
        };
        let built_in = known::all().iter().filter(|known| {
            known.built_in
                && known
                    .setting
                    .is_some_and(|setting| setting.group() == "token_secret")
        });
        let mut secrets: Vec<&str> = built_in.map(|known| known.value).collect();
        if let Some(secret) =
            token_secret(site.keys.as_deref()).filter(|_| site.keeps_keys_from(api).is_none())
        {
            secrets.push(secret.expose());
        }
        let answers = together(&secrets, |secret| {
            // Others show this token as well: nobody stumbles over one whose signature is refused.
            let whole = site.show_to_api(&sign(Claims::Role("system"), Algorithm::Hs256, secret));
            if matches!(&whole, Some(Ok(answer)) if matches!(answer.complaint(), Some((401, _)))) {
                return Vec::new();
            }
            let nobody = site.show_to_api(&sign(Claims::Nobody, Algorithm::Hs256, secret));
            whole.into_iter().chain(nobody).collect()
        });
        let mut shows = false;
        for answer in answers.into_iter().flatten() {
            match answer.as_ref().map(|answer| answer.envelope()) {
                Ok(Some(said)) => shows |= said.has_stack,
                _ => seen.odd(&format!("whether {api} shows stack traces"), &answer),
            }
        }
        if shows {
            seen.found(
                // It helps anyone who looks for a hole (docs/clearml.md#stack-traces).
                Severity::Note,
                Server::Apiserver,
                format!("anyone who causes an error learns how the server is built: {api} returns stack traces"),
                "set apiserver.return_stack_to_caller to false",
            );
        }
    }
}

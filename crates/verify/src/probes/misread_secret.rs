//! The server cannot use its own token secret.
//!
//! **What**: a token is refused because the secret is empty, or answered with an error because HOCON reads the secret as a
//! number or as nothing.
//!
//! **Why**: nobody can log in, and the file server exits. An empty secret is `forged-token` where the server's library lets
//! anyone in with it; with newer libraries every login fails (docs/clearml.md#empty-token-secret).
//!
//! **Fix**: `clearml-keygen --from KEYS --only token_secret -o new.env`: servers read its values as they are written.
//!
//! **Asks**: auth.validate_token with a token that is signed with an empty secret.

use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
use crate::live::{Algorithm, Answer, Claims, Reason, Seen, Site, sign};

pub(crate) struct MisreadSecret;

impl Probe for MisreadSecret {
    fn id(&self) -> &'static str {
        "misread-secret"
    }

    fn is_about_public_keys(&self) -> bool {
        true
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        // `forged-token` shows the same.
        let token = sign(Claims::Role("system"), Algorithm::Hs256, "");
        let (Some(answer), Some(api)) = (site.show_to_api(&token), &site.api) else {
            return;
        };
        match &answer {
            Ok(answer) if is_misread(answer) => seen.found(
                Severity::Error,
                Server::Apiserver,
                format!("every login fails: the token secret of {api} is empty or not text"),
                "give it a new one, and restart the servers:\n  clearml-keygen --from KEYS --only token_secret -o new.env\n  clearml-inject -k new.env -i docker-compose.yml",
            ),
            // That it is accepted is for `forged-token` to say.
            Ok(answer) if answer.status == 200 && answer.envelope().is_some() => {}
            Ok(answer) if matches!(answer.complaint(), Some((401, _))) => {}
            _ => seen.odd(&format!("whether {api} can use its token secret"), &answer),
        }
    }
}

/// As both generations of the server's library say it of an empty one, and both of one that is no text
/// (docs/clearml.md#empty-token-secret, docs/clearml.md#numeric-token-secret).
fn is_misread(answer: &Answer) -> bool {
    matches!(answer.complaint(), Some((401 | 500, _)))
        && matches!(answer.reason(), Reason::EmptySecret | Reason::NoText)
}

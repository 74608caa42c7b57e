//! The server cannot use its own token secret.
//!
//! **What**: a token is answered with an internal error instead of a refusal: HOCON reads the secret as a number or as nothing.
//!
//! **Why**: nobody can log in. An empty secret is `forged-token` where the server's library lets anyone in with it; with
//! newer libraries every login fails (docs/clearml.md#empty-token-secret).
//!
//! **Fix**: `clearml-keygen --only token_secret`, whose values arrive as they are written.
//!
//! **Asks**: server.get_stats with a token that is signed with an empty secret.

use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
use crate::live::{Algorithm, Claims, Seen, Site, sign};

pub(crate) struct MisreadSecret;

impl Probe for MisreadSecret {
    fn id(&self) -> &'static str {
        "misread-secret"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        // `forged-token` shows the same.
        let token = sign(Claims::Role("system"), Algorithm::Hs256, "");
        let (Some(answer), Some(api)) = (site.show_to_api(&token), &site.api) else {
            return;
        };
        match answer
            .as_ref()
            .map(|answer| (answer.status, answer.message()))
        {
            // That it is accepted is for `forged-token` to say.
            Ok((200 | 401, _)) => {}
            // docs/clearml.md#empty-token-secret and docs/clearml.md#numeric-token-secret.
            Ok((500, message))
                if message.contains("HMAC key") || message.contains("Expected a string") =>
            {
                seen.found(
                    Severity::Error,
                    Server::Apiserver,
                    format!("{api} cannot use its token secret, which is empty or not text; every login fails"),
                    "clearml-keygen --from KEYS --only token_secret | clearml-inject -i docker-compose.yml",
                );
            }
            _ => seen.odd(&format!("whether {api} reads its token secret"), &answer),
        }
    }
}

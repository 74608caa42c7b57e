//! The API server lets every web page act for a user.
//!
//! **What**: an invented origin is allowed, with credentials.
//!
//! **Why**: a page that a user opens elsewhere may call the API in the user's name, as far as the cookie goes along.
//!
//! **Fix**: set `apiserver.cors.origins` to the web server's address.
//!
//! **Asks**: GET debug.ping with an invented `Origin`.

use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
use crate::live::{Origin, Seen, Site};

pub(crate) struct CorsReflection;

impl Probe for CorsReflection {
    fn id(&self) -> &'static str {
        "cors-reflection"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let (Some(answer), Some(api)) = (site.ping_from_elsewhere(), &site.api) else {
            return;
        };
        let Ok(answer) = answer else {
            return seen.odd(&format!("which origins {api} allows"), &answer);
        };
        if answer.head.origin == Some(Origin::Foreign) && answer.head.allows_credentials {
            seen.found(
                // The cookie's SameSite=Lax keeps most of it out (docs/clearml.md#cross-origin-requests).
                Severity::Note,
                Server::Apiserver,
                format!("a page of another site may act for a user: {api} allows every origin, with credentials"),
                "set apiserver.cors.origins to the web server's address",
            );
        }
    }
}

//! The web server serves a key and a secret to everybody.
//!
//! **What**: credentials.json holds them.
//!
//! **Why**: whoever loads the page has them, and logs in with them.
//!
//! **Fix**: take USER_KEY and USER_SECRET out of the web server's environment.
//!
//! **Asks**: GET credentials.json.

use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
use crate::live::{Seen, Site};

pub(crate) struct PublishedCredential;

impl Probe for PublishedCredential {
    fn id(&self) -> &'static str {
        "published-credential"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let Some(web) = &site.web else {
            return;
        };
        let answer = site.get(&format!("{web}/credentials.json"), &[]);
        let Ok(served) = &answer else {
            return seen.odd(&format!("whether {web} serves credentials"), &answer);
        };
        let document = served.json();
        let is_there = |name: &str| {
            document[name]
                .as_str()
                .is_some_and(|value| !value.is_empty())
        };
        if served.status == 200 && is_there("userKey") && is_there("userSecret") {
            seen.found(
                // Somebody gets in (docs/clearml.md#published-credentials).
                Severity::Error,
                Server::Webserver,
                format!("{web}/credentials.json gives a key and a secret to whoever asks"),
                "take USER_KEY and USER_SECRET out of the web server's environment",
            );
        }
    }
}

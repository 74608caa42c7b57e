//! The web server serves a key, a secret or a password to everybody.
//!
//! **What**: credentials.json holds a key and a secret, or configuration.json holds a secret: a value under a name that says
//! so, a published one, or one of `--keys`.
//!
//! **Why**: anyone who loads the page has them, and logs in with them.
//!
//! **Fix**: take USER_KEY and USER_SECRET out of the web server's environment, and secrets out of its WEBSERVER__ variables
//! and its mounted configuration.json.
//!
//! **Asks**: GET credentials.json and configuration.json. Of what they say nothing is printed.

use clearml_secure_core::setting::{SETTINGS, Server};

use super::Probe;
use crate::finding::Severity;
use crate::live::{Document, Seen, Site};

/// Somebody gets in (docs/clearml.md#published-credentials).
const SEVERITY: Severity = Severity::Error;

/// What is served, how it is told, and what to say and to do.
struct Served {
    path: &'static str,
    is_bad: fn(&Document) -> bool,
    what: &'static str,
    help: &'static str,
}

const SERVED: [Served; 2] = [
    Served {
        path: "credentials.json",
        is_bad: |document| document.has_pair,
        what: "gives a key and a secret to anyone who downloads it",
        help: "remove USER_KEY and USER_SECRET from the web server's environment, and replace the keys",
    },
    Served {
        path: "configuration.json",
        is_bad: |document| document.has_pair || document.has_secret,
        what: "gives a secret to anyone who downloads it",
        help: "remove it from the web server's WEBSERVER__ variables and its mounted configuration.json, and replace it",
    },
];

pub(crate) struct PublishedCredential;

impl Probe for PublishedCredential {
    fn id(&self) -> &'static str {
        "published-credential"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let Some(web) = &site.web else {
            return;
        };
        let is_ours = |value: &str| {
            let all = [&site.keys, &site.old_keys].into_iter().flatten();
            all.flat_map(|keys| SETTINGS.into_iter().filter_map(|setting| keys.get(setting)))
                .any(|secret| secret.expose() == value)
        };
        for served in &SERVED {
            let url = format!("{web}/{}", served.path);
            let asked = site.client.document(&url, &is_ours);
            let document = asked.as_ref().ok().and_then(|(_, document)| *document);
            let answer = asked.map(|(answer, _)| answer);
            match &answer {
                Ok(answer) if answer.status == 200 && answer.is_whole() => {
                    if document.is_some_and(|document| (served.is_bad)(&document)) {
                        let message = format!("{url} {}", served.what);
                        seen.found(SEVERITY, Server::Webserver, message, served.help);
                    }
                }
                // It is not there, or not for everybody.
                Ok(answer) if (300..500).contains(&answer.status) && answer.status != 429 => {}
                _ => seen.odd(&format!("whether {web} serves credentials"), &answer),
            }
        }
    }
}

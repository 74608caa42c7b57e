//! The web server serves a key, a secret or a password to everybody.
//!
//! **What**: credentials.json holds a key and a secret, or configuration.json holds a secret: a value under a name that says
//! so, an address with a password, a published value, or one of `--keys`, also within a longer text.
//!
//! **Why**: anyone who loads the page has them, and logs in with them.
//!
//! **Fix**: take USER_KEY and USER_SECRET out of the web server's environment, and secrets out of its WEBSERVER__ variables
//! and its mounted configuration.json.
//!
//! **Asks**: GET credentials.json and configuration.json. Nothing of them is printed. An answer that is neither JSON nor a
//! web page is searched for published values and those of `--keys`; if it only names a secret, it is listed as not checked.

use clearml_secure_core::setting::{SETTINGS, Server};

use super::Probe;
use crate::finding::Severity;
use crate::live::{Seen, Served, Site};

/// Somebody gets in (docs/clearml.md#published-credentials).
const SEVERITY: Severity = Severity::Error;

/// A document that is served, and how to remove what it should not have.
struct Page {
    path: &'static str,
    /// Whether a secret counts by its name alone: that of credentials.json opens nothing without its key.
    has_any: bool,
    help: &'static str,
}

const PAGES: [Page; 2] = [
    Page {
        path: "credentials.json",
        has_any: false,
        help: "remove USER_KEY and USER_SECRET from the web server's environment, and replace the keys",
    },
    Page {
        path: "configuration.json",
        has_any: true,
        help: "remove it from the web server's WEBSERVER__ variables and its mounted configuration.json, and replace it",
    },
];

impl Page {
    /// What it gives to everybody, in words; none where that is nothing.
    fn gives(&self, served: Served) -> Option<&'static str> {
        match served {
            Served::Document(document) if document.has_pair && !self.has_any => {
                Some("a key and a secret")
            }
            Served::Document(document) => {
                let is_bad =
                    document.has_known || document.has_pair || document.has_secret && self.has_any;
                is_bad.then_some("a secret")
            }
            Served::Known => Some("a secret"),
            Served::Named | Served::Nothing => None,
        }
    }
}

pub(crate) struct PublishedCredential;

impl Probe for PublishedCredential {
    fn id(&self) -> &'static str {
        "published-credential"
    }

    fn is_about_public_keys(&self) -> bool {
        true
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let Some(web) = &site.web else {
            return;
        };
        let is_ours = |value: &str| {
            let all = [&site.keys, &site.old_keys].into_iter().flatten();
            all.flat_map(|keys| SETTINGS.into_iter().filter_map(|setting| keys.get(setting)))
                .any(|secret| is_in(secret.expose(), value))
        };
        for page in &PAGES {
            let url = format!("{web}/{}", page.path);
            let question = format!("whether {web} serves credentials");
            let asked = site.client.document(&url, &is_ours);
            let served = asked
                .as_ref()
                .map_or(Served::Nothing, |(_, served)| *served);
            let answer = asked.map(|(answer, _)| answer);
            match &answer {
                Ok(answer)
                    if answer.status == 200 && answer.is_whole() && !answer.head.is_packed =>
                {
                    if let Some(given) = page.gives(served) {
                        let message = format!("{url} gives {given} to anyone who downloads it");
                        seen.found(SEVERITY, Server::Webserver, message, page.help);
                    } else if served == Served::Named {
                        let reason = format!(
                            "{} is served and is not understood: it names a secret, and is not JSON. Read it",
                            page.path
                        );
                        seen.unknown(&question, &reason);
                    }
                }
                // It is not there, or not for everybody.
                Ok(answer) if (300..500).contains(&answer.status) && answer.status != 429 => {}
                _ => seen.odd(&question, &answer),
            }
        }
    }
}

/// Whether a text is a secret, or has one in it that is too long to be there by chance.
fn is_in(secret: &str, text: &str) -> bool {
    const LONG: usize = 12;
    text == secret || secret.len() >= LONG && text.contains(secret)
}

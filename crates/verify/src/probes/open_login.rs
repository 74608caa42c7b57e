//! Anyone can log in on the web page.
//!
//! **What**: no fixed users are enabled, so that a name is all it takes.
//!
//! **Why**: anyone who can reach the page can log in, and read and change everything.
//!
//! **Fix**: enable `apiserver.auth.fixed_users`, with hashed passwords.
//!
//! **Asks**: login.supported_modes; where that is closed, on six further connections, as behind a load balancer each server has its
//! own configuration.

use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
use crate::live::{Seen, Site};

pub(crate) struct OpenLogin;

impl Probe for OpenLogin {
    fn id(&self) -> &'static str {
        "open-login"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let (Some(all), Some(api)) = (site.ways_in(), &site.api) else {
            return;
        };
        let Some(modes) = super::modes(&all.answer) else {
            return seen.odd(&format!("who can log in at {api}"), &all.answer);
        };
        if !modes.has_users && !modes.has_sso {
            let has = all.whose(
                "has no fixed users enabled",
                "leads to several servers, and some have no fixed users enabled",
            );
            seen.found(
                // It is how the server comes (docs/clearml.md#login-modes).
                Severity::Warning,
                Server::Apiserver,
                format!("anyone who can reach the web page can log in under any name, without a password: {api} {has}"),
                "add users with passwords (apiserver.auth.fixed_users):\n  clearml-keygen --from KEYS --user NAME --passwords logins.txt -o new.env\n  clearml-inject -k new.env -i docker-compose.yml",
            );
        }
    }
}

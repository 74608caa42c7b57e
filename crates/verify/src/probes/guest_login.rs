//! The server hands out a guest's password.
//!
//! **What**: guests are enabled, and the login page's question is answered with their password.
//!
//! **Why**: anybody is a guest, and a guest may create credentials and upload files.
//!
//! **Fix**: set `services.auth.fixed_users.guest.enabled` to false.
//!
//! **Asks**: login.supported_modes.

use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
use crate::live::{Seen, Site};

pub(crate) struct GuestLogin;

impl Probe for GuestLogin {
    fn id(&self) -> &'static str {
        "guest-login"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let (Some(answer), Some(api)) = (site.login_modes(), &site.api) else {
            return;
        };
        let Some(modes) = super::modes(&answer) else {
            return seen.odd(&format!("who may sign in at {api}"), &answer);
        };
        let guest = &modes["basic"]["guest"];
        if guest["enabled"] == true {
            let told = if guest["password"].is_string() {
                ", and tells the password to whoever asks"
            } else {
                ""
            };
            seen.found(
                // Anybody is a guest (docs/clearml.md#guests).
                Severity::Warning,
                Server::Apiserver,
                format!("{api} lets guests in{told}"),
                "set services.auth.fixed_users.guest.enabled to false",
            );
        }
    }
}

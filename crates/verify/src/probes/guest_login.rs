//! The server hands out a guest's password.
//!
//! **What**: guests are enabled, and the server tells the login page their password. `clearml-verify` tries whether it
//! logs in.
//!
//! **Why**: anybody is a guest, and a guest may create credentials and upload files. If the password that is told does
//! not log in, one more setting opens it.
//!
//! **Fix**: set `services.auth.fixed_users.guest.enabled` to false.
//!
//! **Asks**: login.supported_modes, and auth.login with what that tells, or with guest/guest.

use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
use crate::live::{Login, Seen, Site};

/// The guest as it comes (docs/clearml.md#guests).
const USUAL: (&str, &str) = ("guest", "guest");

pub(crate) struct GuestLogin;

impl Probe for GuestLogin {
    fn id(&self) -> &'static str {
        "guest-login"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let (Some(all), Some(api)) = (site.ways_in(), &site.api) else {
            return;
        };
        let Some(modes) = super::modes(&all.answer) else {
            return seen.odd(&format!("who can log in at {api}"), &all.answer);
        };
        if !modes.has_guest {
            return;
        }
        let told = modes.guest.as_ref();
        let (name, password) =
            told.map_or(USUAL, |(name, password)| (name.said(), password.said()));
        let login = site.log_in(name, password);
        let what = match (&login, told.is_some()) {
            (Some(Login::In { .. }), true) => {
                format!("anyone who can reach {api} can log in as a guest: it tells the password")
            }
            (Some(Login::In { .. }), false) => format!(
                "anyone who can reach {api} can log in as a guest, with the default password"
            ),
            (Some(Login::Broken(_)), true) => {
                format!(
                    "{api} tells the guest's password to anyone who asks, but fails (HTTP 500) when the guest logs in with it"
                )
            }
            (_, true) => {
                format!(
                    "{api} tells the guest's password to anyone who asks, but refused the guest with it"
                )
            }
            (_, false) => {
                format!("{api} says that guests can log in, but refused the default guest")
            }
        };
        seen.found(
            // Anybody is a guest (docs/clearml.md#guests).
            Severity::Warning,
            Server::Apiserver,
            what,
            "set services.auth.fixed_users.guest.enabled to false",
        );
        // Somebody else's answer says nothing.
        if let Some(Login::Unclear(failure)) = login {
            seen.unclear(&format!("whether a guest can log in at {api}"), &failure);
        }
    }
}

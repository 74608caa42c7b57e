//! The session cookie goes where it should not.
//!
//! **What**: the cookie of a login over https:// lacks `Secure` or `HttpOnly`, or goes along with every request of other
//! sites.
//!
//! **Why**: without the first a browser also sends it over plain HTTP; without the second scripts read it; without
//! `SameSite` a page elsewhere acts for the user.
//!
//! **Fix**: set `apiserver.auth.cookies.secure` to true, and leave `httponly` and `samesite` at their defaults.
//!
//! **Asks**: auth.login with the accounts of `--keys`; without keys nothing is said. It judges the cookie `clearml_token_basic`
//! and any whose value is the token of the answer, and not those of a load balancer.

use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
use crate::live::{Answer, Login, Seen, Site, accounts};

pub(crate) struct InsecureCookie;

impl Probe for InsecureCookie {
    fn id(&self) -> &'static str {
        "insecure-cookie"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let (Some(keys), Some(api)) = (site.keys.as_deref(), &site.api) else {
            return;
        };
        if !api.starts_with("https://") {
            return;
        }
        // `keys-not-applied` asks the same.
        let accounts = accounts(keys);
        let mut unclear = Vec::new();
        for account in &accounts {
            match site.log_in(account.key.expose(), account.secret.expose()) {
                None | Some(Login::Refused | Login::Divided(_)) => {}
                Some(Login::Broken(failure) | Login::Unclear(failure)) => unclear.push(failure),
                Some(Login::In { answer, .. }) => return self.say(&answer, api, seen),
            }
        }
        // Of whom nobody lets in, there is no cookie; of whom could not be asked, nothing is known.
        for failure in unclear {
            seen.unclear(&format!("the session cookie of {api}"), &failure);
        }
    }
}

impl InsecureCookie {
    fn say(&self, answer: &Answer, api: &str, seen: &mut Seen) {
        for cookie in &answer.head.cookies {
            let lacking = cookie.lacking();
            if !lacking.is_empty() {
                seen.found(
                    // It takes somebody on the way (docs/clearml.md#cookies).
                    Severity::Warning,
                    Server::Apiserver,
                    format!(
                        "sessions can be stolen: {api} sets its session cookie without {}",
                        crate::words::and(&lacking)
                    ),
                    "set apiserver.auth.cookies.secure to true, and do not change httponly and samesite",
                );
            }
        }
    }
}

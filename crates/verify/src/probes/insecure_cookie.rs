//! The session cookie goes where it should not.
//!
//! **What**: the cookie of a login over https:// lacks `Secure` or `HttpOnly`.
//!
//! **Why**: without the first a browser sends it over plain HTTP as well; without the second scripts read it.
//!
//! **Fix**: set `apiserver.auth.cookies.secure` to true.
//!
//! **Asks**: auth.login with the tests account of `--keys`; without keys nothing is said.

use clearml_secure_core::finding::Severity;
use clearml_secure_core::setting::Server;

use super::Probe;
use crate::live::{Seen, Site};

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
        let cookies = super::accounts(keys)
            .into_iter()
            .filter_map(|account| {
                site.log_in(account.key.expose(), account.secret.expose())?
                    .ok()
            })
            .find(|answer| answer.status == 200);
        let Some(answer) = cookies else {
            return;
        };
        for cookie in answer.headers_of("set-cookie") {
            let has = |wanted: &str| {
                cookie
                    .split(';')
                    .any(|part| part.trim().eq_ignore_ascii_case(wanted))
            };
            let lacking: Vec<&str> = ["Secure", "HttpOnly"]
                .into_iter()
                .filter(|name| !has(name))
                .collect();
            if !lacking.is_empty() {
                seen.found(
                    self.id(),
                    // It takes somebody on the way (clearml-facts.md, 4 and 6).
                    Severity::Warning,
                    Server::Apiserver,
                    format!(
                        "{api} sets its session cookie without {}",
                        crate::rules::and(&lacking)
                    ),
                    "set apiserver.auth.cookies.secure to true",
                );
            }
        }
    }
}

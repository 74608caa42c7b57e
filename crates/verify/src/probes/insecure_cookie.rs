//! The session cookie goes where it should not.
//!
//! **What**: the cookie of a login over https:// lacks `Secure` or `HttpOnly`, or goes along with every request of other
//! sites.
//!
//! **Why**: without the first a browser sends it over plain HTTP as well; without the second scripts read it; without
//! `SameSite` a page elsewhere acts for the user.
//!
//! **Fix**: set `apiserver.auth.cookies.secure` to true, and leave `httponly` and `samesite` as they come.
//!
//! **Asks**: auth.login with the accounts of `--keys`; without keys nothing is said.

use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
use crate::live::{Seen, Site, accounts};

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
        let mut answers = Vec::new();
        for account in &accounts {
            if let Some(answer) = site.log_in(account.key.expose(), account.secret.expose()) {
                let is_login = matches!(&answer, Ok(answer) if answer.status == 200);
                answers.push(answer);
                if is_login {
                    break;
                }
            }
        }
        let Some(Ok(answer)) =
            answers.pop_if(|last| matches!(last, Ok(last) if last.status == 200))
        else {
            // Of whom nobody lets in, there is no cookie; of whom could not be asked, nothing is known.
            for answer in &answers {
                if !matches!(answer, Ok(answer) if answer.status == 401) {
                    seen.odd(&format!("the session cookie of {api}"), answer);
                }
            }
            return;
        };
        for cookie in answer.headers_of("set-cookie") {
            let lacking = lacking(cookie);
            if !lacking.is_empty() {
                seen.found(
                    // It takes somebody on the way (docs/clearml.md#cookies).
                    Severity::Warning,
                    Server::Apiserver,
                    format!(
                        "{api} sets its session cookie without {}",
                        crate::words::and(&lacking)
                    ),
                    "set apiserver.auth.cookies.secure to true, and leave httponly and samesite as they come",
                );
            }
        }
    }
}

/// What a cookie should have and has not.
fn lacking(cookie: &str) -> Vec<&'static str> {
    let has = |wanted: &str| {
        let mut parts = cookie.split(';').skip(1);
        parts.any(|part| part.trim().eq_ignore_ascii_case(wanted))
    };
    let mut lacking = Vec::new();
    for name in ["Secure", "HttpOnly"] {
        if !has(name) {
            lacking.push(name);
        }
    }
    if !has("SameSite=Lax") && !has("SameSite=Strict") {
        lacking.push("SameSite=Lax");
    }
    lacking
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_in_any_case() {
        // As it comes, and as observed where it was set (docs/clearml.md#cookies).
        assert_eq!(
            lacking("clearml_token_basic=x; Max-Age=99999999999; HttpOnly; Path=/; SameSite=Lax"),
            ["Secure"]
        );
        assert!(lacking("a=b; secure; httponly; samesite=strict").is_empty());
        assert_eq!(
            lacking("Secure; SameSite=None"),
            ["Secure", "HttpOnly", "SameSite=Lax"]
        );
    }
}

//! The session cookies of an answer.

use ureq::http::HeaderMap;
use zeroize::Zeroizing;

/// No more of an answer are kept; the API server sets one.
const COOKIES: usize = 8;

/// Its name where nothing sets another (docs/clearml.md#cookie-names).
const NAME: &str = "clearml_token_basic";

/// What keeps a session cookie of ClearML's where it belongs. One of anything else, such as a load balancer, is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionCookie {
    pub(crate) is_secure: bool,
    pub(crate) is_http_only: bool,
    pub(crate) stays_on_site: bool,
}

impl SessionCookie {
    /// Those of an answer.
    pub(super) fn all(headers: &HeaderMap, body: &[u8]) -> Vec<Self> {
        let cookies = headers.get_all("set-cookie").iter();
        let cookies = cookies.filter_map(|cookie| Self::of(cookie.as_bytes(), body));
        cookies.take(COOKIES).collect()
    }

    /// The name can be set (docs/clearml.md#cookie-names), so it is also known by its value: the token of the body. One
    /// that is over at once takes a session away. Attributes are read in any case; the name and the value are not.
    fn of(text: &[u8], body: &[u8]) -> Option<Self> {
        let text = Zeroizing::new(String::from_utf8_lossy(text).into_owned());
        let (name, value) = text.split(';').next()?.split_once('=')?;
        let value = value.trim().trim_matches('"').as_bytes();
        let is_token = || {
            value.iter().filter(|byte| **byte == b'.').count() == 2
                && body.windows(value.len()).any(|part| part == value)
        };
        let has = |wanted: &str| {
            let mut parts = text.split(';').skip(1);
            parts.any(|part| part.trim().eq_ignore_ascii_case(wanted))
        };
        let is_over = value.is_empty() || has("Max-Age=0");
        if is_over || !(name.trim() == NAME || is_token()) {
            return None;
        }
        Some(Self {
            is_secure: has("Secure"),
            is_http_only: has("HttpOnly"),
            stays_on_site: has("SameSite=Lax") || has("SameSite=Strict"),
        })
    }

    /// What it should have and has not.
    pub(crate) fn lacking(self) -> Vec<&'static str> {
        [
            (self.is_secure, "Secure"),
            (self.is_http_only, "HttpOnly"),
            (self.stays_on_site, "SameSite=Lax"),
        ]
        .into_iter()
        .filter(|(has, _)| !has)
        .map(|(_, name)| name)
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use ureq::http::HeaderValue;

    use super::*;

    #[test]
    fn attributes_of_cookies_are_read_in_any_case() {
        let lacking = |text: &str| SessionCookie::of(text.as_bytes(), b"").unwrap().lacking();
        // As it comes, and as observed where it was set (docs/clearml.md#cookies).
        assert_eq!(
            lacking("clearml_token_basic=x; Max-Age=99999999999; HttpOnly; Path=/; SameSite=Lax"),
            ["Secure"]
        );
        assert!(lacking("clearml_token_basic=b; secure; httponly; samesite=strict").is_empty());
        assert_eq!(
            lacking("clearml_token_basic=Secure; SameSite=None"),
            ["Secure", "HttpOnly", "SameSite=Lax"]
        );
    }

    #[test]
    fn only_a_cookie_of_clearml_is_a_session() {
        let count = |cookies: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for cookie in cookies {
                headers.append("set-cookie", HeaderValue::from_static(cookie));
            }
            let body = br#"{"data": {"token": "eyJh.eyJp.c2ln"}}"#;
            SessionCookie::all(&headers, body).len()
        };
        let balancers = [
            "AWSALB=abcdef; Path=/",
            "AWSALBCORS=a.b.c; Path=/",
            "old=; Max-Age=0",
            "clearml_token_basic=; Max-Age=0",
            "clearml_token_basic=deleted; Max-Age=0",
            "data",
        ];
        assert_eq!(count(&balancers), 0);
        // Those of a balancer, however many, hide none.
        let mut many = vec!["AWSALB=abcdef"; 2 * COOKIES];
        many.push("clearml_token_basic=x");
        assert_eq!(count(&many), 1);
        // `apiserver.auth.session_auth_cookie_name` names it as one likes.
        assert_eq!(count(&["company_session=eyJh.eyJp.c2ln; Path=/"]), 1);
        assert_eq!(count(&["company_session=\"eyJh.eyJp.c2ln\"; Path=/"]), 1);
    }
}

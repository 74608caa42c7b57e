//! JSON of a server, read without keeping it.

use std::fmt;

use clearml_secure_core::known;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

/// Longer words of a server are no words: a token is the longest that is asked for.
const LONGEST_WORD: usize = 16 << 10;

/// A word of a server's, which may be anything: it is never printed.
#[derive(Clone)]
pub(crate) struct Word(Zeroizing<String>);

impl Word {
    pub(crate) fn said(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Word(…)")
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        if text.len() > LONGEST_WORD {
            return Err(de::Error::custom("too long"));
        }
        Ok(Self(text))
    }
}

/// Whether something is there: any text, list or object that is not empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Filled(pub(super) bool);

impl<'de> Deserialize<'de> for Filled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut seen = Seen::default();
        Walk(&mut seen, "").visit(deserializer)?;
        Ok(Self(seen.is_filled))
    }
}

/// What a document gives away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Document {
    /// `userKey` and `userSecret`, as of credentials.json (docs/clearml.md#published-credentials).
    pub(crate) has_pair: bool,
    /// `userKey` or `userSecret`.
    pub(crate) has_key: bool,
    /// A value under a name that says it is a secret, or one that is known to be one.
    pub(crate) has_secret: bool,
    /// One that is known to be one, under any name.
    pub(crate) has_known: bool,
}

/// What a document gives away; none where it is no object. `is_ours` knows the user's own secrets. A byte-order mark is
/// passed over, as browsers do.
pub(crate) fn document(text: &[u8], is_ours: &dyn Fn(&str) -> bool) -> Option<Document> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    if text.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let mut seen = Seen {
        is_ours: Some(is_ours),
        ..Seen::default()
    };
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    Walk(&mut seen, "").visit(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(Document {
        has_pair: seen.has_key && seen.has_pair_secret,
        has_key: seen.has_key || seen.has_pair_secret,
        has_secret: seen.has_secret,
        has_known: seen.has_known,
    })
}

/// What was seen on a walk over a document.
#[derive(Default)]
struct Seen<'a> {
    is_ours: Option<&'a dyn Fn(&str) -> bool>,
    is_filled: bool,
    has_key: bool,
    has_pair_secret: bool,
    has_secret: bool,
    has_known: bool,
}

impl Seen<'_> {
    fn text(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        self.is_filled = true;
        self.has_key |= name == "userKey";
        self.has_pair_secret |= name == "userSecret";
        let is_ours = self.is_ours.is_some_and(|is_ours| is_ours(value));
        let is_known = is_ours || is_known(value);
        self.has_known |= is_known;
        self.has_secret |=
            is_known || has_login(value) || names_secret(name) && !is_said(name, value);
    }
}

/// Whether an address has a password in it: `https://user:password@host`.
fn has_login(value: &str) -> bool {
    let addresses = value.split("://").skip(1);
    addresses
        .filter_map(|rest| rest.split(['/', '?', '#']).next()?.rsplit_once('@'))
        .filter_map(|(login, _)| login.split_once(':'))
        // `${PASSWORD}`, `<password>` and `***` are filled in elsewhere.
        .any(|(_, password)| !password.is_empty() && !password.starts_with(['$', '<', '{', '*']))
}

/// Whether a name says that its value is a secret, or each of its values: `userSecret`, `s3_secret_key`, `adminPassword`,
/// `apiTokens`.
pub(super) fn names_secret(name: &str) -> bool {
    // `tokenUrl` and `passwordPolicy` say where or how, and are none.
    const SECRETS: [&str; 11] = [
        "secret",
        "secretkey",
        "password",
        "passwd",
        "passphrase",
        "token",
        "apikey",
        "accesskey",
        "privatekey",
        "credential",
        "secretaccesskey",
    ];
    let flat: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let one = flat.strip_suffix('s').unwrap_or(&flat);
    SECRETS.iter().any(|secret| one.ends_with(secret))
}

/// Whether a value under a secret's name is said of it and is none: a label (`"password": "Password"`, `"token": "API token"`),
/// or a switch. The very name is a password that people take.
pub(super) fn is_said(name: &str, value: &str) -> bool {
    // `"credentials": "include"` says to a browser what to send; `"maxTokens": "4096"` counts what no person makes up.
    const SWITCHES: [&str; 5] = ["true", "false", "include", "omit", "same-origin"];
    let is_name = |word: &str| word.eq_ignore_ascii_case(name);
    let is_phrase = value.starts_with(char::is_uppercase)
        && value.chars().all(|c| c.is_alphabetic() || c == ' ');
    let is_label = is_name(value) && value != name || is_phrase && value.split(' ').any(is_name);
    let is_count = name.to_ascii_lowercase().ends_with("tokens")
        && value.bytes().all(|byte| byte.is_ascii_digit());
    is_label || is_count || SWITCHES.contains(&value)
}

/// Whether what is below a name has names of its own for secrets: `"passwords": {"jane": …}`.
fn names_many(name: &str) -> bool {
    names_secret(name) && name.ends_with('s') && !name.to_ascii_lowercase().ends_with("credentials")
}

/// Whether a published value of the servers' own or of their charts is in a text.
pub(super) fn is_known(text: &str) -> bool {
    let mut published = known::all().iter().filter(|known| known.setting.is_some());
    published.any(|known| text.contains(known.value))
}

/// A step of a walk: what is seen, and the name of what is visited.
struct Walk<'a, 'k>(&'a mut Seen<'k>, &'a str);

impl Walk<'_, '_> {
    fn visit<'de, D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> de::DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.visit(deserializer)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        self.0.text(self.1, value);
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.0.is_filled |= value;
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Walk(self.0, self.1))?.is_some() {
            self.0.is_filled = true;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Word>()? {
            self.0.is_filled = true;
            let name = if names_many(self.1) {
                self.1
            } else {
                name.said()
            };
            map.next_value_seed(Walk(self.0, name))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_judged_by_its_names_and_by_what_is_known() {
        let judged = |text: &str| {
            let document = document(text.as_bytes(), &|value| value == "ours")?;
            Some((document.has_pair, document.has_secret))
        };
        assert_eq!(judged("<html>"), None);
        assert_eq!(judged("{} {}"), None);
        assert_eq!(judged("{}"), Some((false, false)));
        assert_eq!(
            judged(r#"{"userKey": "", "userSecret": ""}"#),
            Some((false, false))
        );
        assert_eq!(
            judged(r#"{"userKey": "A", "userSecret": "b"}"#),
            Some((true, true))
        );
        let stock = r#"{"apiBaseUrl": "https://a/api", "displayedServerUrls": {"apiServer": ""}, "plotlyURL": "/x",
            "tokenUrl": "https://sso:443/a:b@c", "labels": {"password": "Password", "token": "API token"},
            "bypass": "x", "maxTokens": "4096", "example": "https://jane:${PASSWORD}@host", "credentials": "include", "showPassword": "true", "demo": false, "number": 5, "none": null}"#;
        assert_eq!(judged(stock), Some((false, false)));
        for secret in [
            r#"{"a": [{"s3_secret_key": "x"}]}"#,
            r#"{"adminPassword": "x"}"#,
            r#"{"apiToken": "x"}"#,
            r#"{"anything": ["ours"]}"#,
            r#"{"anything": "62T8CP7HGBC6647XF9314C2VY67RJO"}"#,
            r#"{"anything": "log in with 62T8CP7HGBC6647XF9314C2VY67RJO"}"#,
            r#"{"password": "password"}"#,
            r#"{"passwords": ["x"]}"#,
            r#"{"passwords": {"jane": "12345678"}}"#,
            r#"{"password": "My password 1"}"#,
            r#"{"apiTokens": {"ci": "x"}}"#,
            r#"{"proxy": "http://jane:x@proxy:3128"}"#,
        ] {
            assert_eq!(judged(secret), Some((false, true)), "{secret}");
        }
    }

    #[test]
    fn something_is_there_or_not() {
        let filled = |text: &str| serde_json::from_str::<Filled>(text).unwrap().0;
        assert!(!filled("null") && !filled("{}") && !filled("[]") && !filled("\"\""));
        assert!(filled(r#"{"google": {}}"#) && filled("[null]") && filled("\"a\""));
    }
}

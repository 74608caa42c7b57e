//! Whose pages a list of origins lets in, as flask_cors reads it (docs/clearml.md#cross-origin-requests).
//!
//! An entry with a sign of a regular expression in it is one: it need match only the start of an origin, and case does not
//! count. Any other entry is compared. Whether an expression lets in what it should not is tried out, on origins that somebody
//! else can have.

use clearml_secure_core::hocon::Value;
use fancy_regex::Regex;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Who gets in besides those that are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Everybody.
    Every,
    /// Anyone who has an origin such as this one.
    Some(&'static str),
}

/// What makes flask_cors take an entry for a regular expression, in any of its versions.
const SIGNS: [char; 9] = ['*', '\\', ']', '?', '$', '^', '[', '(', ')'];

/// What anybody can have.
const ANYBODY: [&str; 3] = [
    "https://attacker.example",
    "http://attacker.example:8080",
    "https://203.0.113.7:8443",
];

/// What somebody else can have: a name below an end of names that are for sale or for nothing, an address, and `null`, which
/// any page has in a frame of a certain kind.
const OTHERS: [&str; 39] = [
    "https://attacker.example",
    "http://attacker.example",
    "https://attacker.example:8443",
    "http://attacker.example:8080",
    "http://attacker.example:3000",
    "https://203.0.113.7",
    "http://203.0.113.7:8080",
    "https://[2001:db8::7]",
    "https://attacker.com",
    "http://attacker.com",
    "https://attacker.net",
    "https://attacker.org",
    "https://attacker.io",
    "https://attacker.ai",
    "https://attacker.app",
    "https://attacker.dev",
    "https://attacker.cloud",
    "https://attacker.co",
    "https://attacker.co.uk",
    "https://attacker.eu",
    "https://attacker.de",
    "https://attacker.cn",
    "https://attacker.github.io",
    "https://attacker.gitlab.io",
    "https://attacker.pages.dev",
    "https://attacker.workers.dev",
    "https://attacker.vercel.app",
    "https://attacker.netlify.app",
    "https://attacker.herokuapp.com",
    "https://attacker.web.app",
    "https://attacker.ngrok.io",
    "https://attacker.ngrok-free.app",
    "https://attacker.trycloudflare.com",
    "https://attacker.azurewebsites.net",
    "https://attacker.cloudfront.net",
    "https://attacker.s3.amazonaws.com",
    "https://attacker.onrender.com",
    "https://attacker.duckdns.org",
    "null",
];

/// What begins like an origin that is meant. Which that is, is not printed: it may come from an env file.
const BEGINS: &str = "https://….attacker.example, which only begins like a meant one";
/// What ends like one.
const ENDS: &str = "https://attacker…, which only ends like a meant one";

/// How many texts are made of one expression.
const SAMPLES: usize = 32;

/// Who gets in by any entry; what is not known is in [`undecided`].
pub(crate) fn reach(value: &Value) -> Option<Reach> {
    let reached = entries(value)
        .into_iter()
        .filter_map(|entry| of_entry(&entry).ok()?);
    reached.min_by_key(|reach| *reach != Reach::Every)
}

/// Why it is not known who gets in by an entry, if there is one of which that is so.
pub(crate) fn undecided(value: &Value) -> Option<&'static str> {
    entries(value)
        .iter()
        .find_map(|entry| of_entry(entry).err())
}

/// The entries as flask_cors goes through them: of an object, the keys. In what `resources` holds, each resource has its own.
fn entries(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.expose().to_owned()],
        Value::Array(nodes) => {
            let texts = nodes.iter().filter_map(|node| node.value.as_text());
            texts.map(|text| text.expose().to_owned()).collect()
        }
        Value::Object(object) => {
            let keys = object
                .iter()
                .map(|(key, _)| key.trim_matches('"').to_owned());
            keys.collect()
        }
        _ => Vec::new(),
    }
}

/// One entry.
enum Entry<'a> {
    Compared(&'a str),
    Expression(Box<Regex>),
}

impl<'a> Entry<'a> {
    fn new(text: &'a str) -> Result<Self, &'static str> {
        if text != "*" && !text.contains(SIGNS) {
            return Ok(Self::Compared(text));
        }
        let text = if text == "*" { ".*" } else { text };
        Regex::new(&format!("\\A(?i:{text})"))
            .map(|expression| Self::Expression(Box::new(expression)))
            .map_err(|_| "a regular expression in it is of a kind that is not read here")
    }

    fn allows(&self, origin: &str) -> Result<bool, &'static str> {
        match self {
            Self::Compared(text) => Ok(text.eq_ignore_ascii_case(origin)),
            Self::Expression(expression) => expression
                .is_match(origin)
                .map_err(|_| "a regular expression in it takes too long to try"),
        }
    }
}

fn of_entry(text: &str) -> Result<Option<Reach>, &'static str> {
    let entry = Entry::new(text)?;
    let mut is_every = true;
    for origin in ANYBODY {
        is_every &= entry.allows(origin)?;
    }
    if is_every {
        return Ok(Some(Reach::Every));
    }
    for origin in OTHERS {
        if entry.allows(origin)? {
            return Ok(Some(Reach::Some(origin)));
        }
    }
    let Entry::Expression(_) = entry else {
        return Ok(None);
    };
    for meant in samples_of(text) {
        if let Some(origin) = begins_like(&meant)
            && entry.allows(&origin)?
        {
            return Ok(Some(Reach::Some(BEGINS)));
        }
        if let Some(origin) = ends_like(&meant)
            && entry.allows(&origin)?
        {
            return Ok(Some(Reach::Some(ENDS)));
        }
    }
    Ok(None)
}

/// Which origins an entry lets in.
#[cfg(test)]
pub(crate) fn allowed(entry: &str, origins: &[&str]) -> Result<Vec<bool>, &'static str> {
    let entry = Entry::new(entry)?;
    origins.iter().map(|origin| entry.allows(origin)).collect()
}

/// The origin of a name below one that somebody else has; none where what is meant goes on behind the host, as no origin
/// does.
fn begins_like(meant: &str) -> Option<String> {
    let host = meant.split_once("://").map_or(meant, |(_, host)| host);
    let dot = if meant.ends_with(['.', '/']) { "" } else { "." };
    let is_origin = !host.contains(['/', '?', '#', '@']) || host.is_empty();
    is_origin.then(|| format!("{meant}{dot}attacker.example"))
}

/// The origin of a name that somebody else can have, where what is meant is a whole domain of two words.
fn ends_like(meant: &str) -> Option<String> {
    let (scheme, host) = meant.split_once("://")?;
    let words: Vec<&str> = host.split('.').collect();
    let is_domain = words.len() == 2 && words.iter().all(|word| !word.is_empty());
    is_domain.then(|| format!("{scheme}://attacker{host}"))
}

/// Some of the texts that an expression matches; none where it is of a kind that only a part of programs reads.
fn samples_of(entry: &str) -> Vec<String> {
    let parsed = regex_syntax::parse(entry);
    parsed.map_or_else(|_| Vec::new(), |parsed| samples(&parsed))
}

fn samples(expression: &Hir) -> Vec<String> {
    let mut found = match expression.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![String::new()],
        HirKind::Literal(literal) => vec![String::from_utf8_lossy(&literal.0).into_owned()],
        HirKind::Class(class) => vec![character(class).to_string()],
        HirKind::Capture(capture) => samples(&capture.sub),
        HirKind::Alternation(parts) => parts.iter().flat_map(samples).collect(),
        HirKind::Repetition(repetition) => {
            let once = samples(&repetition.sub);
            let least = repetition.min.min(SAMPLES as u32) as usize;
            let repeated = once.iter().map(|text| text.repeat(least.max(1)));
            let never = (least == 0).then(String::new);
            never.into_iter().chain(repeated).collect()
        }
        HirKind::Concat(parts) => parts.iter().fold(vec![String::new()], |starts, part| {
            let ends = samples(part);
            let both = starts
                .iter()
                .flat_map(|start| ends.iter().map(move |end| format!("{start}{end}")));
            both.take(SAMPLES).collect()
        }),
    };
    found.truncate(SAMPLES);
    found
}

/// A character of a class, a letter where there is one.
fn character(class: &Class) -> char {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => {
            let ranges = class.ranges().iter();
            ranges.map(|range| (range.start(), range.end())).collect()
        }
        Class::Bytes(class) => {
            let ranges = class.ranges().iter();
            let range = ranges.map(|range| (char::from(range.start()), char::from(range.end())));
            range.collect()
        }
    };
    let is_in = |c: &char| {
        ranges
            .iter()
            .any(|(start, end)| (*start..=*end).contains(c))
    };
    let first = ranges.first().map_or('a', |(start, _)| *start);
    ['a', 'A', '0', '-', '.']
        .into_iter()
        .find(is_in)
        .unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clearml_secure_core::hocon::{self, Context};

    fn of(hocon: &str) -> Option<Reach> {
        let tree = hocon::parse(&format!("a: {hocon}"), &Context::EMPTY).unwrap();
        let value = &tree.get("a").unwrap().value;
        assert_eq!(undecided(value), None, "{hocon}");
        reach(value)
    }

    #[test]
    fn everybody() {
        for hocon in [
            r#""*""#,
            r#"".*""#,
            r#""https?://.*""#,
            r#""(https|http)://.+""#,
            r#""^https?://[^/]+$""#,
            r#""HTTPS?://""#,
            r#""https?""#,
            r#"["https://app.example.com", "http.*"]"#,
            r#"["https://app.example.com", "*"]"#,
            r#"{"*": 1}"#,
            r#""\\S+""#,
            r#""(?!null)h.*""#,
        ] {
            assert_eq!(of(hocon), Some(Reach::Every), "{hocon}");
        }
    }

    #[test]
    fn some_strangers() {
        for (hocon, origin) in [
            (r#""https://.*""#, "https://attacker.example"),
            (r#""https://.*\\.com""#, "https://attacker.com"),
            (
                r#""https://.*\\.github\\.io$""#,
                "https://attacker.github.io",
            ),
            (
                r#""https://.*\\.vercel\\.app""#,
                "https://attacker.vercel.app",
            ),
            (r#""http://.*:3000""#, "http://attacker.example:3000"),
            (r#""https://app.example.com?""#, BEGINS),
            (r#""null""#, "null"),
            (r#"["null"]"#, "null"),
            (r#""https://app\\.example\\.com""#, BEGINS),
            (r#""https://app.example.com/*""#, BEGINS),
            (r#""https://.*\\.example\\.com""#, BEGINS),
            (r#""^https://(app|files)\\.example\\.com""#, BEGINS),
            (r#""https://app.example.com(:8080)?""#, BEGINS),
            (r#""http://localhost.*""#, BEGINS),
            (r#""https?://.*example\\.com$""#, ENDS),
            (
                r#"["https://app.example.com$", "https://app\\.example\\.com"]"#,
                BEGINS,
            ),
        ] {
            assert_eq!(of(hocon), Some(Reach::Some(origin)), "{hocon}");
        }
    }

    #[test]
    fn nobody_else() {
        for hocon in [
            r#""https://app.example.com""#,
            r#"["https://app.example.com", "http://localhost:8080"]"#,
            r#""https://app\\.example\\.com$""#,
            r#""^https://(app|files)\\.example\\.com(:\\d+)?$""#,
            r#""https://.*\\.example\\.com$""#,
            r#""https://[a-z]+\\.corp\\.example\\.com\\Z""#,
            r#""https://app.example.com/.*""#,
            r#""""#,
            // No sign of an expression.
            r#"".+""#,
            "[]",
            "5",
            "true",
            r#""https://app.example.com,https://b.example.com""#,
        ] {
            assert_eq!(of(hocon), None, "{hocon}");
        }
    }

    #[test]
    fn the_start_of_an_origin_has_to_match() {
        let origins = [
            "https://app.example.com",
            "HTTPS://APP.example.com.x",
            "x https://app.example.com",
        ];
        assert_eq!(
            allowed("https://app.example.com", &origins),
            Ok(vec![true, false, false])
        );
        assert_eq!(
            allowed("https://app[.]example", &origins),
            Ok(vec![true, true, false])
        );
    }

    #[test]
    fn what_is_not_read_is_not_decided() {
        let value = |text: &str| {
            let tree = hocon::parse(&format!("a: \"{text}\""), &Context::EMPTY).unwrap();
            tree.get("a").unwrap().value.clone()
        };
        // The second is none to Python, which fails at every request then: too much is said rather than nothing.
        for text in ["(x)?https://(?(1)b|a).*", "https://(?(1)a|b).*"] {
            let found = (undecided(&value(text)), reach(&value(text)));
            assert_eq!(found, (None, Some(Reach::Some(OTHERS[0]))), "{text}");
        }
        assert!(undecided(&value("https://(.*")).is_some());
        assert!(undecided(&value("(a*)*\\\\1b(?=x)")).is_none());
    }
}

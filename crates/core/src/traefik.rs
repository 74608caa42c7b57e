//! What middlewares and rules of Traefik's do with those who come in, wherever they are written (docs/clearml.md#proxies).

pub(crate) mod expression;

/// Whom a middleware sends on from clear text to TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SendsToTls {
    #[default]
    Nobody,
    /// Those whose address fits an expression that is not read.
    Some,
    Everybody,
}

/// What a middleware does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Middleware {
    /// Whether it asks for a password, or looks at the address.
    pub(crate) is_guard: bool,
    pub(crate) sends_to_tls: SendsToTls,
    /// The middlewares of a chain, by their names.
    pub(crate) chain: Vec<String>,
}

impl Middleware {
    /// By its settings, each with its path in small letters: `ipallowlist.sourcerange.0`.
    pub(crate) fn of<'a>(settings: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut own = Self::default();
        let mut is_for_all = false;
        let mut expression = "";
        let mut replacement = "";
        for (path, value) in settings {
            let (kind, rest) = path.split_once('.').unwrap_or((path, ""));
            match (kind, rest) {
                ("auth" | "basicauth" | "digestauth" | "forwardauth", _) => own.is_guard = true,
                ("ipallowlist" | "ipwhitelist", _) => {
                    own.is_guard = true;
                    is_for_all |= rest.starts_with("sourcerange") && names(value).any(is_of_all);
                }
                ("redirectscheme", "scheme") if value.eq_ignore_ascii_case("https") => {
                    own.sends_to_tls = SendsToTls::Everybody;
                }
                ("redirectregex", "regex") => expression = value,
                ("redirectregex", "replacement") => replacement = value,
                ("chain", _) if rest.starts_with("middlewares") => {
                    own.chain.extend(names(value).map(str::to_owned));
                }
                _ => {}
            }
        }
        own.is_guard &= !is_for_all;
        if replacement.starts_with("https:") {
            own.sends_to_tls = match fits_clear_text(expression) {
                true => SendsToTls::Everybody,
                false => SendsToTls::Some,
            };
        }
        own
    }

    /// One that is defined elsewhere, by what its name says.
    pub(crate) fn called(name: &str) -> Self {
        const GUARDS: [&str; 3] = ["auth", "ipallowlist", "ipwhitelist"];
        Self {
            is_guard: GUARDS.iter().any(|kind| name.contains(kind)),
            sends_to_tls: match name.contains("redirect") {
                true => SendsToTls::Everybody,
                false => SendsToTls::Nobody,
            },
            chain: Vec::new(),
        }
    }
}

/// Whether a rule lets nobody in but from some addresses: ``ClientIP(`10.0.0.0/8`) && PathPrefix(`/es`)``.
pub(crate) fn is_for_few(rule: &str) -> bool {
    let from_anywhere = |function: &str, ranges: &[&str]| {
        // What else a rule asks for, anybody can send.
        (function == "ClientIP").then(|| ranges.iter().any(|range| is_of_all(range)))
    };
    expression::holds(rule, &from_anywhere) == Some(false)
}

/// The hosts that a rule names.
pub(crate) fn hosts(rule: &str) -> Vec<&str> {
    let mut parts = rule.split("Host(");
    parts.next();
    let named = parts.flat_map(|part| part.split(')').next().unwrap_or_default().split(','));
    let named = named.map(|host| host.trim_matches(['`', '"', ' ']));
    named.filter(|host| !host.is_empty()).collect()
}

/// The names in one text.
pub(crate) fn names(text: &str) -> impl Iterator<Item = &str> {
    let names = text.split(',').map(str::trim);
    names.filter(|name| !name.is_empty())
}

fn is_of_all(range: &str) -> bool {
    range.ends_with("/0")
}

/// Whether an expression fits every address that begins with `http:`.
fn fits_clear_text(expression: &str) -> bool {
    let rest = expression.trim_start_matches('^');
    let rest = rest.strip_prefix("http").unwrap_or(rest);
    let rest = rest.strip_prefix("s?").unwrap_or(rest);
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let rest = rest.trim_start_matches("//");
    [
        "", "(.*)", "(.*)$", ".*", ".*$", "(.+)", "(.+)$", ".+", ".+$",
    ]
    .contains(&rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_middleware_guards_that_does_not_let_everybody_in() {
        for (path, value, is_guard) in [
            ("basicauth.users", "own:hash", true),
            ("ipallowlist.sourcerange", "10.0.0.0/8, 192.168.0.1", true),
            ("ipallowlist.sourcerange", "10.0.0.0/8,0.0.0.0/0", false),
            ("ipwhitelist.sourcerange.0", "::/0", false),
            ("ipallowlist.ipstrategy.depth", "1", true),
            ("ratelimit.average", "100", false),
        ] {
            let own = Middleware::of([(path, value)].into_iter());
            assert_eq!(own.is_guard, is_guard, "{path}={value}");
        }
    }

    #[test]
    fn a_redirect_counts_for_whom_it_sends_to_tls() {
        let regex = |expression: &'static str, to: &'static str| {
            vec![
                ("redirectregex.regex", expression),
                ("redirectregex.replacement", to),
            ]
        };
        for (settings, expected) in [
            (
                vec![("redirectscheme.scheme", "https")],
                SendsToTls::Everybody,
            ),
            (vec![("redirectscheme.scheme", "http")], SendsToTls::Nobody),
            (regex("^http://(.*)", "https://${1}"), SendsToTls::Everybody),
            (regex("^http:(.*)", "https:${1}"), SendsToTls::Everybody),
            (
                regex("^https?://(.*)", "https://${1}"),
                SendsToTls::Everybody,
            ),
            (
                vec![("redirectscheme.scheme", "HTTPS")],
                SendsToTls::Everybody,
            ),
            (
                regex("^http://a\\.example/(.*)", "https://a.example/${1}"),
                SendsToTls::Some,
            ),
            (
                regex("^http://(.*)", "http://a.example/${1}"),
                SendsToTls::Nobody,
            ),
        ] {
            let own = Middleware::of(settings.iter().copied());
            assert_eq!(own.sends_to_tls, expected, "{settings:?}");
        }
    }

    #[test]
    fn a_rule_is_for_few_that_fits_no_other_address() {
        for (rule, expected) in [
            ("ClientIP(`10.0.0.0/8`)", true),
            (
                "Host(`a.example`) && ClientIP(`10.0.0.0/8`, `192.168.0.0/16`)",
                true,
            ),
            ("ClientIP(`10.0.0.0/8`) || PathPrefix(`/es`)", false),
            ("!ClientIP(`10.0.0.0/8`)", false),
            ("ClientIP(`10.0.0.0/8`, `0.0.0.0/0`)", false),
            ("Host(`a.example`)", false),
            ("Host:a.example;PathPrefix:/es", false),
        ] {
            assert_eq!(is_for_few(rule), expected, "{rule}");
        }
    }
}

//! What follows `if` and `unless`: terms, all of which have to hold, or those behind one of its `or`.

use std::collections::HashMap;

use super::Holds;

/// What the names of conditions mean: of several lines of one name, one has to hold.
pub(super) type Names = HashMap<String, Vec<String>>;

/// The condition of a rule.
pub(super) struct Condition {
    is_unless: bool,
    alternatives: Vec<Vec<Term>>,
}

struct Term {
    is_negated: bool,
    meanings: Vec<String>,
}

impl Condition {
    /// Of the words of a rule; none where it has none.
    pub(super) fn of(words: &[&str], names: &Names) -> Option<Self> {
        let at = words
            .iter()
            .position(|word| ["if", "unless"].contains(word))?;
        let mut alternatives = vec![Vec::new()];
        let mut inner: Option<Vec<&str>> = None;
        let mut is_negated = false;
        for word in &words[at + 1..] {
            let (sign, word) = match word.strip_prefix('!') {
                Some(rest) if inner.is_none() => (true, rest),
                _ => (false, *word),
            };
            is_negated |= sign;
            let meanings = match (&mut inner, word) {
                (None, "{") => {
                    inner = Some(Vec::new());
                    continue;
                }
                (Some(_), "}") => vec![inner.take().unwrap_or_default().join(" ")],
                (Some(inner), word) => {
                    inner.push(word);
                    continue;
                }
                (None, "or" | "||") => {
                    alternatives.push(Vec::new());
                    continue;
                }
                (None, "") => continue,
                (None, name) => {
                    let known = names.get(name).cloned();
                    known.unwrap_or_else(|| vec![name.to_owned()])
                }
            };
            let term = Term {
                is_negated: std::mem::take(&mut is_negated),
                meanings,
            };
            if let Some(terms) = alternatives.last_mut() {
                terms.push(term);
            }
        }
        Some(Self {
            is_unless: words[at] == "unless",
            alternatives,
        })
    }

    /// For which requests without TLS at a port it holds.
    pub(super) fn holds(&self, port: u16) -> Holds {
        let term = |term: &Term| {
            let meanings = term.meanings.iter().map(|one| holds(one, port));
            let any = meanings.fold(Holds::Never, Holds::or);
            any.negated_if(term.is_negated)
        };
        let all = self.alternatives.iter();
        let all = all.map(|terms| terms.iter().map(term).fold(Holds::Always, Holds::and));
        all.fold(Holds::Never, Holds::or).negated_if(self.is_unless)
    }

    /// Whether it holds for all who come from other addresses, or do not log in.
    pub(super) fn holds_for_strangers(&self) -> bool {
        match self.is_unless {
            false => self.names_strangers(),
            true => self.names_few(),
        }
    }

    /// Whether it holds only for those who come from some addresses, or log in.
    pub(super) fn holds_for_few(&self) -> bool {
        match self.is_unless {
            false => self.names_few(),
            true => self.names_strangers(),
        }
    }

    fn names_strangers(&self) -> bool {
        let excludes = |one: &Term| one.is_negated && one.is_of_few();
        self.any_of(|terms| terms.iter().all(excludes))
    }

    fn names_few(&self) -> bool {
        let includes = |one: &Term| !one.is_negated && one.is_of_few();
        !self.any_of(|terms| !terms.iter().any(includes))
    }

    fn any_of(&self, is_so: impl Fn(&[Term]) -> bool) -> bool {
        self.alternatives.iter().any(|terms| is_so(terms))
    }
}

impl Term {
    fn is_of_few(&self) -> bool {
        let is_guard = |meaning: &String| {
            let mut words = meaning.split(' ');
            let first = words.next().unwrap_or_default();
            match first {
                "src" => !words.any(|word| word.ends_with("/0")),
                "ssl_c_used" => true,
                _ => first.starts_with("http_auth(") || first.starts_with("http_auth_group("),
            }
        };
        self.meanings.iter().all(is_guard)
    }
}

/// Of one meaning: what it asks for, and the values that it expects.
fn holds(meaning: &str, port: u16) -> Holds {
    let meaning = meaning.to_ascii_lowercase();
    let mut words = meaning.split(' ');
    let what = words.next().unwrap_or_default();
    let what = what.strip_prefix("req.").unwrap_or(what);
    let expected: Vec<&str> = words.filter(|word| !word.starts_with('-')).collect();
    let is_host = what
        .strip_prefix("hdr")
        .and_then(|rest| rest.split_once('('));
    match (what, is_host) {
        ("true" | "always_true" | "http" | "ssl_fc,not", _) => Holds::Always,
        ("false" | "always_false" | "ssl_fc", _) => Holds::Never,
        ("dst_port", _) if expected.iter().all(|one| one.parse::<u16>().is_ok()) => {
            Holds::of(expected.contains(&port.to_string().as_str()))
        }
        (_, Some((_, name))) if name.starts_with("host") => Holds::ByName,
        // A request that no proxy has passed on has no such header.
        (_, Some((_, name))) if name.starts_with("x-forwarded-proto") => Holds::Never,
        _ if meaning.contains("acme-challenge") => Holds::Never,
        _ => Holds::Sometimes,
    }
}

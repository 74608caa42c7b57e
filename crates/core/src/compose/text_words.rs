//! The words of a command that is written as one text, in which variables may have no value here. Such a variable changes some
//! of the words; the others are known all the same.

use std::collections::BTreeSet;

use super::interpolate::{Form, Interpolated, Outcome, interpolate};
use super::shellwords;
use super::volume::{NO_VALUE, REFUSED};
use crate::fault::Fault;
use crate::knowable::Knowable;

/// Two values of which no text becomes the same.
const VALUES: [&str; 2] = ["x", "y"];
/// Nobody asks for more variables in one text.
const MOST: usize = 64;

/// The words, as compose splits them.
pub(super) fn words(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Vec<Knowable<String>> {
    let Some(open) = Open::of(text, lookup) else {
        return match interpolate(text, lookup).map(|done| shellwords::split(&done.text)) {
            Ok(Some(words)) => words.into_iter().map(Knowable::Known).collect(),
            Ok(None) => vec![Knowable::unknown("compose refuses its command")],
            Err(_) => vec![Knowable::unknown(REFUSED)],
        };
    };
    let [first, second] = VALUES;
    let filled = |unset, required| open.filled(text, lookup, unset, required);
    let (Some(words), Some(by_unset), Some(by_required)) = (
        filled(first, first),
        filled(second, first),
        filled(first, second),
    ) else {
        return vec![Knowable::unknown(open.reason())];
    };
    if by_unset.len() != words.len() || by_required.len() != words.len() {
        return vec![Knowable::unknown(open.reason())];
    }
    let words = words.into_iter().zip(by_unset.iter().zip(&by_required));
    let told = |(word, (by_unset, by_required)): (String, (&String, &String))| match () {
        () if word != *by_unset => Knowable::unknown(NO_VALUE),
        () if word != *by_required => Knowable::unknown(REFUSED),
        () => Knowable::Known(word),
    };
    words.map(told).collect()
}

/// The variables of a text that have no value.
struct Open {
    unset: BTreeSet<String>,
    /// Those without which compose refuses the text.
    required: BTreeSet<String>,
    /// Whether one of them decides whether other words are there.
    decides: bool,
}

impl Open {
    /// None where there is none, or the text is wrong in another way.
    fn of(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let mut required = BTreeSet::new();
        let done = loop {
            let asked = interpolated(text, lookup, &|name| {
                required.contains(name).then_some(VALUES[0])
            });
            match asked {
                Ok(done) => break done,
                Err(fault) => {
                    let name = fault.required?;
                    if required.len() == MOST || !required.insert(name) {
                        return None;
                    }
                }
            }
        };
        let unset = done.variables.iter();
        let unset = unset.filter(|used| used.outcome == Outcome::Unset);
        let is_alternative = |form| matches!(form, Form::Alternative { .. });
        let decides = unset.clone().any(|used| is_alternative(used.form));
        let unset: BTreeSet<String> = unset.map(|used| used.name.clone()).collect();
        let is_any = !unset.is_empty() || !required.is_empty();
        is_any.then_some(Self {
            unset,
            required,
            decides,
        })
    }

    /// The words with values for the variables; none where these would be no words, or others.
    fn filled(
        &self,
        text: &str,
        lookup: &dyn Fn(&str) -> Option<String>,
        unset: &'static str,
        required: &'static str,
    ) -> Option<Vec<String>> {
        if self.decides {
            return None;
        }
        let done = interpolated(text, lookup, &|name| match () {
            () if self.required.contains(name) => Some(required),
            () if self.unset.contains(name) => Some(unset),
            () => None,
        });
        shellwords::split(&done.ok()?.text)
    }

    fn reason(&self) -> &'static str {
        match self.unset.is_empty() {
            true => REFUSED,
            false => NO_VALUE,
        }
    }
}

fn interpolated(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    instead: &dyn Fn(&str) -> Option<&'static str>,
) -> Result<Interpolated, Fault> {
    interpolate(text, &|name| match instead(name) {
        Some(value) => Some(value.to_owned()),
        None => lookup(name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_without_a_value_hides_its_own_words_alone() {
        let lookup = |name: &str| match name {
            "SET" => Some("a b".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let (unset, refused) = (Err(NO_VALUE), Err(REFUSED));
        for (text, expected) in [
            ("run $SET", &[Ok("run"), Ok("a"), Ok("b")][..]),
            (
                "run --p ${P:?} --q",
                &[Ok("run"), Ok("--p"), refused, Ok("--q")],
            ),
            (
                "run ${EMPTY:?no} $Q ${D:-d}",
                &[Ok("run"), refused, unset, Ok("d")],
            ),
            ("run --p=${P}x", &[Ok("run"), unset]),
            ("run \"${P?} b\"", &[Ok("run"), refused]),
            ("run ${P:+--q}", &[unset]),
            ("run ${P:?} \"", &[refused]),
            ("run ${P", &[refused]),
        ] {
            let words = words(text, &lookup);
            let words: Vec<Result<&str, &str>> = words
                .iter()
                .map(|word| match word {
                    Knowable::Known(word) => Ok(word.as_str()),
                    Knowable::Unknown(reason) => Err(reason.as_str()),
                })
                .collect();
            assert_eq!(words, expected, "{text}");
        }
    }
}

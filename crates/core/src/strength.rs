//! Whether somebody could guess a value.
//!
//! A list of known defaults comes first (`known`): zxcvbn gives ClearML's published defaults full marks. What is
//! left to find is the short, the repeated, the sequential, and the phrase made of the words that stand around
//! it in the documentation.

use crate::known::{self, Class};
use crate::setting::Kind;

/// Why a value is weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// Few different or predictable characters, or words.
    Guessable,
    /// A stand-in from the documentation.
    Placeholder,
    /// Too few characters.
    Short,
}

/// Fewer characters than this are too few for a secret: 20 hexadecimal digits are 80 bits.
const SHORT_SECRET: usize = 20;
/// A key names an account; it need not be secret, only not the first thing to try.
const SHORT_KEY: usize = 10;
/// Bits of unpredictability, by the value's own character frequencies, that a secret must have.
const SECRET_BITS: f64 = 64.0;
/// And a key.
const KEY_BITS: f64 = 24.0;

/// Words that people build stand-ins of.
const WORDS: [&str; 30] = [
    "password", "passwort", "passwd", "secret", "token", "default", "clearml", "trains", "example",
    "changeme", "change", "please", "replace", "string", "value", "access", "admin", "server",
    "user", "test", "your", "this", "here", "key", "new", "the", "qwerty", "asdf", "letmein", "my",
];

/// Whether a value is weak, and how.
pub fn weakness(value: &str, kind: Kind) -> Option<Weakness> {
    if known::lookup(value).is_some_and(|known| known.class == Class::Placeholder) {
        return Some(Weakness::Placeholder);
    }
    let (short, bits) = match kind {
        Kind::Key => (SHORT_KEY, KEY_BITS),
        Kind::Secret => (SHORT_SECRET, SECRET_BITS),
    };
    if value.chars().count() < short {
        return Some(Weakness::Short);
    }
    (unpredictability(value) < bits).then_some(Weakness::Guessable)
}

/// Bits: what is left once words, repetitions and runs are taken away, by its character frequencies.
fn unpredictability(value: &str) -> f64 {
    let mut rest = zeroize::Zeroizing::new(value.to_ascii_lowercase());
    for word in WORDS {
        if rest.contains(word) {
            rest = zeroize::Zeroizing::new(rest.replace(word, ""));
        }
    }
    // Case carries information only where no word was taken away.
    let rest: zeroize::Zeroizing<Vec<char>> =
        zeroize::Zeroizing::new(if rest.len() == value.len() {
            value.chars().collect()
        } else {
            rest.chars().collect()
        });
    let once = &rest[..period(&rest)];
    let mut counts = std::collections::HashMap::new();
    let mut kept = 0_u32;
    for (index, c) in once.iter().enumerate() {
        let is_run = index > 0 && u32::from(*c).abs_diff(u32::from(once[index - 1])) <= 1;
        if !is_run {
            *counts.entry(*c).or_insert(0_u32) += 1;
            kept += 1;
        }
    }
    let total = f64::from(kept);
    counts
        .values()
        .map(|count| f64::from(*count) * (total / f64::from(*count)).log2())
        .sum()
}

/// The length of the shortest piece that, repeated, gives the text; the whole where none does.
fn period(text: &[char]) -> usize {
    (1..=text.len() / 2)
        .find(|period| text.iter().zip(&text[*period..]).all(|(a, b)| a == b))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_paste_is_weak() {
        let secrets = [
            ("short", Weakness::Short),
            (
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                Weakness::Guessable,
            ),
            ("abcdefghijklmnopqrstuvwxyz0123456789", Weakness::Guessable),
            ("abc1abc1abc1abc1abc1abc1abc1abc1", Weakness::Guessable),
            ("my-super-secret-clearml-token-2024", Weakness::Guessable),
            ("new-secret-string", Weakness::Placeholder),
        ];
        for (value, expected) in secrets {
            assert_eq!(weakness(value, Kind::Secret), Some(expected), "{value}");
        }
    }

    #[test]
    fn what_generators_print_is_strong() {
        // Hexadecimal of 16 bytes, base62 of 22, a UUID, and ClearML's own lengths.
        for value in [
            "9f86d081884c7d659a2feaa0c55ad015",
            "7Qm2LxVbN4sTgYcRk8WdPz",
            "0f8fad5b-d9cb-469f-a165-70867728950e",
            "Qw8TzLm3NvXy5RkPb7HsJd2FcGt9VaZe4UiCoYxWq6BnMr1KpLsDfG",
        ] {
            assert_eq!(weakness(value, Kind::Secret), None, "{value}");
        }
        assert_eq!(weakness("GGS9F4M6XB2DXJ5AFT9F", Kind::Key), None);
    }
}

//! Whether somebody could guess a value.
//!
//! A list of known defaults comes first (`known`): zxcvbn gives ClearML's published defaults full marks. What is
//! left to find is the short, the repeated, the sequential, the phrase made of the words that stand around it in the
//! documentation, the address or path that stands where a secret belongs, and the digest of any of them.

mod digest;
mod guess;
mod letters;
mod phrases;
mod runs;
mod shape;
mod words;

use zeroize::Zeroizing;

use crate::placeholder;
use crate::setting::Kind;

pub(crate) use shape::bytes_of;

/// Why a value is weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// An address of something, or the path of a file.
    Address,
    /// The digest of nothing or of a common word.
    Digest,
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
/// Bits of unpredictability that a secret must have. The estimate of 80 random bits comes down to 50 at times.
const SECRET_BITS: f64 = 48.0;
/// And a key.
const KEY_BITS: f64 = 24.0;

/// Whether a value is weak, and how.
pub fn weakness(value: &str, kind: Kind) -> Option<Weakness> {
    if placeholder::is_placeholder(value) {
        return Some(Weakness::Placeholder);
    }
    let (short, enough) = match kind {
        Kind::Key => (SHORT_KEY, KEY_BITS),
        Kind::Secret => (SHORT_SECRET, SECRET_BITS),
    };
    if value.chars().count() < short {
        return Some(Weakness::Short);
    }
    if shape::is_address(value, enough) {
        return Some(Weakness::Address);
    }
    if is_guessable(value, enough) {
        return Some(Weakness::Guessable);
    }
    digest::is_of_common(value).then_some(Weakness::Digest)
}

/// Whether a password is the address of something, or the path of a file.
#[cfg(feature = "passwords")]
pub(crate) fn is_address(password: &str) -> bool {
    shape::is_address(password, SECRET_BITS)
}

/// Whether a password is a phrase or a word that everybody knows, of which zxcvbn sees the parts alone. Where it takes more tries
/// than these, zxcvbn judges it: a sentence is guessed less easily as a password than where a secret belongs.
#[cfg(feature = "passwords")]
pub(crate) fn is_guessed(password: &str) -> bool {
    const FEW_TRIES: f64 = 1e5;
    is_guessable(password, FEW_TRIES.log2())
}

/// Whether few bits are in a text, or in what it is an encoding of; an encoding of an encoding is seldom more than three.
fn is_guessable(value: &str, enough: f64) -> bool {
    const DEEPEST: usize = 3;
    let mut inner = Zeroizing::new(value.to_owned());
    for depth in 0..=DEEPEST {
        if guess::bits(&inner) < enough || depth > 0 && shape::is_address(&inner, enough) {
            return true;
        }
        match shape::decoded(&inner) {
            Some(text) => inner = text,
            None => return false,
        }
    }
    false
}

/// Whether what is left of a value beside a public one is too little to be a secret of its own.
pub(crate) fn is_little(rest: &str) -> bool {
    guess::bits(rest) < SECRET_BITS
}

#[cfg(test)]
mod tests;

//! Whether somebody could guess a value.
//!
//! A list of known defaults comes first (`known`): zxcvbn gives ClearML's published defaults full marks. What is
//! left to find is the short, the repeated, the sequential, and the phrase made of the words that stand around
//! it in the documentation.

use zeroize::Zeroizing;

use crate::known;
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
/// Bits of unpredictability that a secret must have. The estimate of 80 random bits comes down to 50 at times.
const SECRET_BITS: f64 = 48.0;
/// And a key.
const KEY_BITS: f64 = 24.0;

/// Bits a letter of running words carries: English has 1 to 2, and six random words are just enough.
const WORD_LETTER_BITS: f64 = 1.7;
/// From this share of common pairs among a text's neighbouring letters on, it is made of words: words have over
/// two thirds, random letters a seventh.
const WORDS_SHARE: f64 = 0.64;

/// Words and walks over the keyboard that people build stand-ins of. Longer ones stand before those in them.
const WORDS: [&str; 58] = [
    "production",
    "password",
    "passwort",
    "internal",
    "training",
    "battery",
    "staging",
    "correct",
    "company",
    "clearml",
    "default",
    "example",
    "letmein",
    "replace",
    "trains",
    "passwd",
    "secret",
    "change",
    "please",
    "string",
    "access",
    "server",
    "qazwsx",
    "qwerty",
    "staple",
    "brown",
    "jumps",
    "horse",
    "quick",
    "admin",
    "token",
    "value",
    "local",
    "hello",
    "world",
    "welcome",
    "over",
    "lazy",
    "name",
    "prod",
    "test",
    "user",
    "your",
    "this",
    "here",
    "asdf",
    "zxcv",
    "1qaz",
    "2wsx",
    "3edc",
    "4rfv",
    "5tgb",
    "6yhn",
    "7ujm",
    "key",
    "new",
    "the",
    "my",
];

/// The pairs of letters that are most common in English, by their counts in any large text.
const PAIRS: &str = "th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve \
                     co me de hi ri ro ic ne ea ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no \
                     ct us ac ot il tr ly nc et ut ss so rs un lo wa ge ie wh ee wi em ad ol rt po we na ul ni ts \
                     mo ow pa im mi ai sh ir";

/// Whether a value is weak, and how.
pub fn weakness(value: &str, kind: Kind) -> Option<Weakness> {
    if known::is_stand_in(value) {
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

/// Bits: what is left once known words, repetitions and runs are taken away, by its character frequencies; less
/// where the rest is words too.
fn unpredictability(value: &str) -> f64 {
    let mut rest = Zeroizing::new(value.to_ascii_lowercase());
    for word in WORDS {
        if rest.contains(word) {
            // What was around the word must not make a new one.
            rest = Zeroizing::new(rest.replace(word, "\0"));
        }
    }
    let is_folded = rest.contains('\0');
    let rest: Zeroizing<Vec<char>> = Zeroizing::new(if is_folded {
        rest.chars().filter(|c| *c != '\0').collect()
    } else {
        // Case carries information only where no word was taken away.
        value.chars().collect()
    });
    let once = &rest[..period(&rest)];
    let by_characters = frequency_bits(once);
    match words_share(once) {
        Some(share) if share >= WORDS_SHARE => {
            by_characters.min(once.len() as f64 * WORD_LETTER_BITS)
        }
        _ => by_characters,
    }
}

/// The bits of a text's characters, each counted with its frequency in the text itself; in `abcd` and `aaaa` only
/// what starts the run counts. A short text shows fewer characters than it was drawn from, which is made up for
/// (Miller and Madow's estimate).
fn frequency_bits(text: &[char]) -> f64 {
    let step =
        |index: usize| i64::from(u32::from(text[index])) - i64::from(u32::from(text[index - 1]));
    let mut counts = std::collections::HashMap::new();
    let mut kept = 0_u32;
    for (index, c) in text.iter().enumerate() {
        let is_run = index > 1 && step(index).abs() <= 1 && step(index) == step(index - 1);
        if !is_run {
            *counts.entry(*c).or_insert(0_u32) += 1;
            kept += 1;
        }
    }
    if kept == 0 {
        return 0.0;
    }
    let total = f64::from(kept);
    let seen: f64 = counts
        .values()
        .map(|count| f64::from(*count) * (total / f64::from(*count)).log2())
        .sum();
    let unseen = (counts.len() as f64 - 1.0) / 2.0 * std::f64::consts::LOG2_E;
    // One character says nothing, however long it is repeated.
    seen + unseen.min(seen)
}

/// The share of common pairs among neighbouring letters; none where letters are not most of the text.
fn words_share(text: &[char]) -> Option<f64> {
    if text.iter().all(|c| c.is_ascii_hexdigit() || *c == '-') {
        return None;
    }
    let mut pairs = 0_usize;
    let mut common = 0_usize;
    for pair in text.windows(2) {
        if pair.iter().all(char::is_ascii_alphabetic) {
            // Capitals stand at the start of words.
            let is_within_word = pair[1].is_ascii_lowercase() || pair[0].is_ascii_uppercase();
            let pair: Zeroizing<String> =
                Zeroizing::new(pair.iter().map(char::to_ascii_lowercase).collect());
            pairs += 1;
            common += usize::from(is_within_word && PAIRS.split(' ').any(|known| known == *pair));
        }
    }
    (pairs * 2 >= text.len()).then(|| common as f64 / pairs.max(1) as f64)
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
            ("MyCompanyName-ClearML-2024-prod", Weakness::Guessable),
            ("thequickbrownfoxjumpsoverthelazydog", Weakness::Guessable),
            ("correcthorsebatterystaple", Weakness::Guessable),
            ("1qaz2wsx3edc4rfv5tgb6yhn", Weakness::Guessable),
            ("sunshineandrainbowsforever", Weakness::Guessable),
            ("machine-learning-platform", Weakness::Guessable),
            ("new-secret-string", Weakness::Placeholder),
        ];
        for (value, expected) in secrets {
            assert_eq!(weakness(value, Kind::Secret), Some(expected), "{value}");
        }
    }

    /// As `openssl rand`, Python's `secrets`, `uuidgen` and `pwgen` print them: a fixed sequence, so that the
    /// test is the same each time.
    #[test]
    fn what_generators_print_is_strong() {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut draw = |alphabet: &[u8], length: usize| -> String {
            let one = |_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                char::from(alphabet[(state >> 33) as usize % alphabet.len()])
            };
            (0..length).map(one).collect()
        };
        let hex = b"0123456789abcdef";
        let base62 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let url_safe = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let base32 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        for _ in 0..1_500 {
            for value in [
                draw(hex, 20),
                draw(hex, 24),
                draw(hex, 32),
                draw(hex, 64),
                draw(base62, 20),
                draw(base62, 22),
                draw(url_safe, 22),
                draw(url_safe, 43),
                draw(url_safe, 67),
                draw(base32, 26),
                draw(base62, 54),
                format!(
                    "{}-{}-4{}-a{}-{}",
                    draw(hex, 8),
                    draw(hex, 4),
                    draw(hex, 3),
                    draw(hex, 3),
                    draw(hex, 12)
                ),
            ] {
                assert_eq!(weakness(&value, Kind::Secret), None, "{value}");
            }
            assert_eq!(
                weakness(
                    &draw(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 20),
                    Kind::Key
                ),
                None
            );
        }
    }

    #[test]
    fn six_random_words_are_strong() {
        for value in [
            "orbit lamp frozen tunic magnet carve",
            "stapling-undusted-cobweb-ferment-lyrics-plop-graves",
        ] {
            assert_eq!(weakness(value, Kind::Secret), None, "{value}");
        }
    }
}

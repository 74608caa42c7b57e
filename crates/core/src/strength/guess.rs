//! How many bits it takes to name a text to somebody who guesses as people do: in words, dates, repetitions and ways over
//! the keyboard. The cheapest way to put the text together counts.

use zeroize::Zeroizing;

use super::letters::is_common;
use super::{phrases, runs, words};

/// A longer text is judged by its beginning and its end.
const LONGEST: usize = 160;

/// Bits a letter of running text carries, in any language with an alphabet, where its words are not in the list.
const WORDLIKE_BITS: f64 = 2.3;
/// In a sentence each says something of the next (Shannon, 1951).
const SENTENCE_BITS: f64 = 1.1;
/// And where they begin: of many short pieces, some look like words by chance.
const PIECE_BITS: f64 = 3.0;
/// Fewer letters look like a word by chance.
const SHORTEST_WORDLIKE: usize = 5;
/// From this share of common pairs among a text's neighbouring letters on, it is made of words: words have over
/// two thirds, random letters a seventh.
const WORDLIKE_SHARE: f64 = 0.64;

/// How often something is repeated, or how long a sequence goes on, on top of where it begins.
const LENGTH_BITS: f64 = 3.0;
/// Fewer characters are repeated by chance.
const SHORTEST_REPEATED: usize = 4;
/// A sign, and what usually stands between words: a blank always, another sign once more.
const SIGN_BITS: f64 = 4.0;
const SAME_SIGN_BITS: f64 = 0.5;
const BETWEEN_WORDS: &str = " -_./:,";

/// The bits of a text.
pub(super) fn bits(text: &str) -> f64 {
    let text: Zeroizing<Vec<char>> = Zeroizing::new(text.chars().collect());
    match text.len() {
        0..=LONGEST => of_short(&text),
        length => of_short(&text[..LONGEST]).max(of_short(&text[length - LONGEST..])),
    }
}

fn of_short(text: &[char]) -> f64 {
    let gathered = |chars: &mut dyn Iterator<Item = &char>| -> Zeroizing<Vec<char>> {
        Zeroizing::new(chars.copied().collect())
    };
    let mut least = assembled(text).min(by_frequency(text));
    if words::is_sentence(text) {
        least = least.min(text.len() as f64 * SENTENCE_BITS);
    }
    let backwards = gathered(&mut text.iter().rev());
    if (0..backwards.len()).any(|from| wordlike(&backwards, from).next().is_some()) {
        least = least.min(assembled(&backwards) + PIECE_BITS);
    }
    // Two texts of which every other character is.
    let [even, odd] = [0, 1].map(|first| gathered(&mut text.iter().skip(first).step_by(2)));
    let goes_on = |part: &[char]| (0..part.len()).any(|from| runs::sequence(part, from) > 3);
    if goes_on(&even) || goes_on(&odd) {
        least = least.min(assembled(&even) + assembled(&odd) + PIECE_BITS);
    }
    // And one with a sign that breaks up what belongs together.
    let mut signs = text.iter().filter(|c| !c.is_alphanumeric());
    if let Some(sign) = signs.next()
        && signs.all(|other| other == sign)
    {
        let plain = gathered(&mut text.iter().filter(|c| *c != sign));
        least = least.min(assembled(&plain) + SIGN_BITS);
    }
    least
}

/// The least bits at which pieces make up the text.
fn assembled(text: &[char]) -> f64 {
    let random = random_bits(text);
    let readings = words::Readings::of(text);
    let mut least = vec![f64::INFINITY; text.len() + 1];
    least[0] = 0.0;
    for from in 0..text.len() {
        let here = least[from];
        let mut add = |length: usize, bits: f64| {
            let to = &mut least[from + length];
            *to = to.min(here + bits);
        };
        add(1, single(text, from, random));
        words::at(text, &readings, from, &mut add);
        phrases::at(text, from, &mut add);
        let length = runs::sequence(text, from);
        if length > 2 {
            add(length, random + LENGTH_BITS);
        }
        if let Some((length, bits)) = runs::walk(text, from) {
            add(length, bits);
        }
        for (length, bits) in [runs::date(text, from), runs::time(text, from)]
            .into_iter()
            .flatten()
        {
            add(length, bits);
        }
        let length = runs::repeated(&readings.plain, from);
        if length >= SHORTEST_REPEATED {
            add(length, (from as f64).log2() + LENGTH_BITS);
        }
        for length in wordlike(text, from) {
            add(length, length as f64 * WORDLIKE_BITS + PIECE_BITS);
        }
    }
    least[text.len()]
}

/// A character that nothing explains.
fn single(text: &[char], at: usize, random: f64) -> f64 {
    let c = text[at];
    if c.is_alphanumeric() {
        random
    } else if c == ' ' || BETWEEN_WORDS.contains(c) && text[..at].contains(&c) {
        SAME_SIGN_BITS
    } else {
        SIGN_BITS
    }
}

/// The bits of a character drawn from those that a text seems to be drawn from.
fn random_bits(text: &[char]) -> f64 {
    let has = |is: fn(&char) -> bool| text.iter().any(is);
    let (small, large, digits) = (
        has(char::is_ascii_lowercase),
        has(char::is_ascii_uppercase),
        has(char::is_ascii_digit),
    );
    let beyond = |c: &char| c.is_ascii_alphabetic() && !c.is_ascii_hexdigit();
    let is_hex = digits && small != large && !text.iter().any(beyond);
    let letters = if is_hex { 6 } else { 26 };
    let size = letters * (usize::from(small) + usize::from(large)) + 10 * usize::from(digits);
    (size.max(2) as f64).log2()
}

/// How long the pieces are that begin at a place and look like words.
fn wordlike(text: &[char], from: usize) -> impl Iterator<Item = usize> {
    let (mut common, mut pairs) = (0.0, 0.0);
    let after = (from + 1..text.len())
        .take_while(|at| text[*at - 1].is_ascii_alphabetic() && text[*at].is_ascii_alphabetic());
    after.filter_map(move |at| {
        pairs += 1.0;
        common += f64::from(u8::from(is_common(text[at - 1], text[at])));
        let length = at + 1 - from;
        (length >= SHORTEST_WORDLIKE && common >= pairs * WORDLIKE_SHARE).then_some(length)
    })
}

/// The bits of a text's characters, each counted with its frequency in the text itself. A short text shows fewer
/// characters than it was drawn from, which is made up for (Miller and Madow's estimate).
fn by_frequency(text: &[char]) -> f64 {
    let mut sorted = Zeroizing::new(text.to_vec());
    sorted.sort_unstable();
    let counts = || sorted.chunk_by(|a, b| a == b).map(|same| same.len() as f64);
    let total = text.len() as f64;
    let seen: f64 = counts().map(|count| count * (total / count).log2()).sum();
    let unseen = counts().skip(1).count() as f64 / 2.0 * std::f64::consts::LOG2_E;
    // One character says nothing, however long it is repeated.
    seen + unseen.min(seen)
}

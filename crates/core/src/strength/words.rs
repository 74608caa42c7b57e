//! Common words, and the stand-ins that people build of them.

use super::letters::is_like;

/// Sorted; four letters at least. The most frequent English words, first names and passwords of zxcvbn's lists (MIT), and
/// words around servers.
const WORDS: &str = include_str!("common_words.txt");

/// A word of the list is one of some thousand, and the frequent ones come first.
const WORD_BITS: f64 = 11.0;
/// Words that make sentences of others; one is no choice of its own.
const GLUE_BITS: f64 = 3.0;
/// What a stand-in for a secret consists of.
const STAND_IN_BITS: f64 = 1.0;
/// Other than all small.
const CASE_BITS: f64 = 1.0;
/// With digits and signs for letters, as `p4ssw0rd`.
const LEET_BITS: f64 = 2.0;
/// Fewer letters are too often there by chance to be read through digits and signs.
const SHORTEST_LEET: usize = 5;
const LONGEST_LEET: usize = 12;
/// What stands where a secret belongs, and in the names of what needs one. Sorted.
const STAND_INS: &str = "access adipiscing admin amet any api app application auth authentication authorization backend \
    battery bit bits brown bytes change char character characters chars clearml company consectetur \
    correct dashboard database default dev django dolor elit encryption enough example firma flask \
    frontend geheim geheimes hello here horse insecure insert internal ipsum jumps jwt key laravel lazy \
    least letmein local long lorem must my name new over pass passwd password passwort please prod \
    production put quick random replace secret secure sekret server service services session set should \
    signing some spring staging staple string super test the this token training trains use user value \
    very welcome world your";

/// Short and in every sentence, address or date. Sorted.
const GLUE: &str = "all an and apr april are as at aug august be but by can cest cet com das dec december der des die do ein \
    etc feb february for fri friday gmt has he how if in is ist it jan january jul july jun june las les los \
    mar march may me mon monday net no not nov november oct october of on one opt or org our out que san sat \
    saturday sep sept september sit so sun sunday thu thurs thursday to tue tues tuesday und une utc was we \
    wed wednesday who www you";

/// The common words that begin at a place of a text: how long, and at how many bits.
pub(super) fn at(text: &[char], from: usize, add: &mut dyn FnMut(usize, f64)) {
    let here = &text[from..];
    let small = here[0].to_ascii_lowercase();
    if !small.is_ascii_lowercase() && unleeted(small, 'l') == small {
        return;
    }
    for (words, firsts, bits) in [
        (STAND_INS, &STAND_IN_FIRSTS, STAND_IN_BITS),
        (GLUE, &GLUE_FIRSTS, GLUE_BITS),
    ] {
        for word in of_letter(words, firsts, small) {
            if starts_with(here, word, |c| c) {
                add(word.len(), bits + case_bits(&here[..word.len()]));
            }
        }
    }
    listed(here, |c| c, &mut |length| {
        add(length, WORD_BITS + case_bits(&here[..length]));
    });
    let is_leet = |c: &char| unleeted(*c, 'l') != *c;
    if !here.iter().take(LONGEST_LEET).any(is_leet) {
        return;
    }
    // A one is read as either of two letters.
    let has_one = here.iter().any(|c| unleeted(*c, 'l') != unleeted(*c, 'i'));
    let ones = if has_one { &['l', 'i'][..] } else { &['l'] };
    for one in ones.iter().copied() {
        listed(here, |c| unleeted(c, one), &mut |length| {
            if length >= SHORTEST_LEET {
                add(length, WORD_BITS + LEET_BITS + case_bits(&here[..length]));
            }
        });
        let first = unleeted(here[0], one).to_ascii_lowercase();
        for word in of_letter(STAND_INS, &STAND_IN_FIRSTS, first) {
            if word.len() >= SHORTEST_LEET && starts_with(here, word, |c| unleeted(c, one)) {
                add(word.len(), STAND_IN_BITS + LEET_BITS);
            }
        }
    }
}

/// Whether a text is words with one sign between them, many of them such as sentences consist of.
pub(super) fn is_sentence(text: &[char]) -> bool {
    let is_in_sentence = |c: &char| c.is_alphabetic() || " -_.,;:!?'".contains(*c);
    let Some(sign) = text.iter().find(|c| " -_.".contains(**c)) else {
        return false;
    };
    let (mut words, mut glue) = (0, 0);
    for word in text.split(|c| c == sign) {
        let end = word.iter().rposition(|c| c.is_alphabetic());
        let word = &word[..end.map_or(0, |end| end + 1)];
        let is = |known: &str| known.len() == word.len() && starts_with(word, known, |c| c);
        let mut known = GLUE
            .split_ascii_whitespace()
            .chain(["a", "i", "the", "my", "this"]);
        words += usize::from(!word.is_empty());
        glue += usize::from(known.any(is));
    }
    words > 3 && glue * 4 >= words && text.iter().all(is_in_sentence)
}

/// Every word of the list.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    WORDS.lines()
}

/// The words that people put where a secret belongs.
pub(super) fn stand_ins() -> impl Iterator<Item = &'static str> {
    STAND_INS.split_ascii_whitespace()
}

fn starts_with(text: &[char], word: &str, read: impl Fn(char) -> char) -> bool {
    text.len() >= word.len()
        && word
            .bytes()
            .zip(text)
            .all(|(a, b)| is_like(char::from(a), read(*b)))
}

/// The lengths of the words of the list that a text begins with.
fn listed(text: &[char], read: impl Fn(char) -> char + Copy, add: &mut dyn FnMut(usize)) {
    let place = |at: usize| {
        let c = read(*text.get(at)?).to_ascii_lowercase();
        c.is_ascii_lowercase().then(|| usize::from(c as u8 - b'a'))
    };
    let (Some(first), Some(second)) = (place(0), place(1)) else {
        return;
    };
    let pair = first * LETTERS + second;
    // To look for the ends of lines takes longer where they are as short as these.
    let words = &WORDS[usize::from(PAIRS[pair])..usize::from(PAIRS[pair + 1])];
    for word in words.split_ascii_whitespace() {
        if starts_with(text, word, read) {
            add(word.len());
        }
    }
}

/// The words of a list that begin with a letter.
fn of_letter<'a>(
    words: &'a str,
    firsts: &[u16; LETTERS + 1],
    letter: char,
) -> impl Iterator<Item = &'a str> {
    let at = letter
        .is_ascii_lowercase()
        .then(|| letter as usize - 'a' as usize);
    let part = at.map_or("", |at| {
        &words[usize::from(firsts[at])..usize::from(firsts[at + 1])]
    });
    part.split_ascii_whitespace()
}

pub(super) const LETTERS: usize = 26;
const STAND_IN_FIRSTS: [u16; LETTERS + 1] = firsts(STAND_INS, b' ');
const GLUE_FIRSTS: [u16; LETTERS + 1] = firsts(GLUE, b' ');

/// Where the entries of each letter begin in a sorted list.
pub(super) const fn firsts(entries: &str, between: u8) -> [u16; LETTERS + 1] {
    let words = entries.as_bytes();
    let mut firsts = [words.len() as u16; LETTERS + 1];
    let (mut next, mut at) = (0, 0);
    while at < words.len() {
        let is_first = words[at] != between && (at == 0 || words[at - 1] == between);
        while is_first && next <= (words[at] - b'a') as usize {
            firsts[next] = at as u16;
            next += 1;
        }
        at += 1;
    }
    firsts
}

/// Where the words begin whose first two letters are a pair. It is made with the program: no start costs anything.
const PAIRS: [u16; LETTERS * LETTERS + 1] = pairs();

const fn pairs() -> [u16; LETTERS * LETTERS + 1] {
    let words = WORDS.as_bytes();
    let mut pairs = [words.len() as u16; LETTERS * LETTERS + 1];
    let (mut next, mut at) = (0, 0);
    while at < words.len() {
        let pair = (words[at] - b'a') as usize * LETTERS + (words[at + 1] - b'a') as usize;
        while next <= pair {
            pairs[next] = at as u16;
            next += 1;
        }
        while words[at] != b'\n' {
            at += 1;
        }
        at += 1;
    }
    pairs
}

/// What a digit or a sign stands for.
pub(super) fn unleeted(c: char, one: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => one,
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        _ => c,
    }
}

/// Nothing for small letters, little for a first capital or capitals alone, and a bit a letter for any other mixture.
fn case_bits(word: &[char]) -> f64 {
    let capitals = word.iter().filter(|c| c.is_ascii_uppercase()).count();
    let is_first = capitals == 1 && word[0].is_ascii_uppercase();
    match capitals {
        0 => 0.0,
        _ if is_first || capitals == word.len() => CASE_BITS,
        _ => word.len() as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_of_words() {
        let words: Vec<&str> = all().collect();
        assert!(words.len() > 4_000);
        assert!(words.is_sorted() && words.windows(2).all(|pair| pair[0] != pair[1]));
        for word in words {
            let is_word = word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_lowercase());
            assert!(is_word, "{word}");
        }
    }

    #[test]
    fn every_word_is_found_where_it_stands() {
        for word in all() {
            let text: Vec<char> = word.to_uppercase().chars().collect();
            let mut found = Vec::new();
            at(&text, 0, &mut |length, _| found.push(length));
            assert!(found.contains(&word.len()), "{word}");
        }
        let text: Vec<char> = "x-p4ssw0rd".chars().collect();
        let mut found = Vec::new();
        at(&text, 2, &mut |length, _| found.push(length));
        assert!(found.contains(&8), "{found:?}");
    }
}

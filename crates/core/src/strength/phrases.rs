//! Sentences that everybody knows, and that are tried before random words.
//!
//! A sentence of somebody's own is judged by its letters (`guess`); one of these is one of some hundred, however long it is.

use super::letters::is_like;
use super::words::{LETTERS, firsts, unleeted};

/// Sorted, in small letters: proverbs, pangrams, nursery rhymes, first lines and famous quotations.
const PHRASES: &str = include_str!("phrases.txt");

/// Which one it is, and where it stops.
const PHRASE_BITS: f64 = 11.0;
/// Fewer letters are judged by their words.
const SHORTEST: usize = 12;

/// The sentences that begin at a place of a text where a word does, whatever is between their words: how long, up to the end of
/// each word.
pub(super) fn at(text: &[char], from: usize, add: &mut dyn FnMut(usize, f64)) {
    let first = unleeted(text[from], 'i').to_ascii_lowercase();
    let is_inside = from
        .checked_sub(1)
        .is_some_and(|before| text[before].is_alphanumeric() && !text[from].is_ascii_uppercase());
    if is_inside || !first.is_ascii_lowercase() || text.len() - from < SHORTEST {
        return;
    }
    let letter = first as usize - 'a' as usize;
    let phrases = &PHRASES[usize::from(FIRSTS[letter])..usize::from(FIRSTS[letter + 1])];
    for phrase in phrases.lines() {
        each_end(phrase, &text[from..], &mut |length| {
            add(length, PHRASE_BITS);
        });
    }
}

/// Where the sentences of each letter begin.
const FIRSTS: [u16; LETTERS + 1] = firsts(PHRASES, b'\n');

/// Tells where in a text each of a sentence's words ends, as long as it goes on like the sentence.
fn each_end(phrase: &str, text: &[char], tell: &mut dyn FnMut(usize)) {
    let mut read = 0;
    let mut letters = 0;
    for letter in phrase.chars().chain([' ']) {
        if letter == ' ' && letters >= SHORTEST {
            tell(read);
        }
        if !letter.is_alphanumeric() {
            continue;
        }
        let is_between = |c: &&char| !c.is_alphanumeric() && !is(letter, **c);
        read += text[read..].iter().take_while(is_between).count();
        match text.get(read) {
            Some(next) if is(letter, *next) => read += 1,
            _ => return,
        }
        letters += 1;
    }
}

/// Whether a character of a text is a letter of a sentence, or a digit or a sign that people write for it.
fn is(letter: char, c: char) -> bool {
    is_like(letter, c)
        || !c.is_alphabetic() && ['i', 'l'].iter().any(|one| unleeted(c, *one) == letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_each_sentence_is_found_in_it() {
        let phrases: Vec<&str> = PHRASES.lines().collect();
        assert!(phrases.is_sorted() && phrases.windows(2).all(|pair| pair[0] != pair[1]));
        for phrase in phrases {
            let text: Vec<char> = format!("-{}", phrase.replace(' ', "-")).chars().collect();
            let mut longest = 0;
            at(&text, 1, &mut |length, _| longest = longest.max(length));
            assert_eq!(longest, text.len() - 1, "{phrase}");
        }
    }
}

//! Common words, and the stand-ins that people build of them.

use zeroize::Zeroizing;

use super::letters::is_like;

/// Four letters at least. The most frequent English words, first names and passwords of zxcvbn's lists (MIT), and words around
/// servers.
const COMMON: &str = include_str!("common_words.txt");

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
/// What stands where a secret belongs, and in the names of what needs one.
const STAND_IN: &str = "access acme adipiscing admin amet any api app application auth authentication authorization backend battery \
    bit bits brown bytes cert change char character characters chars chave clave clearml clef client cloud \
    cluster code company compose consectetur contrasena corp correct customer dashboard data database deep \
    default demo deploy deployment dev django docker dolor dummy elit encryption engine enough example \
    fileserver firma flask frontend geheim geheimes hash haslo hello hemlig here horse host insecure insert \
    internal ipsum jumps jwt kennwort key kubernetes langes laravel lazy learning least letmein local lock long \
    lorem losenord machine main master mlops model mongo motdepasse must my name new node over parola pass passe \
    passphrase passwd password passwort phrase pipeline placeholder platform please private prod production \
    project public put quick random redis replace root safe salasana sample schluessel science secret secreto \
    secure sekret self senha server service services session set shared should signature signing simple some \
    spring stack staging staple string strong super system team temp temporary test testing text the this token \
    tracking training trains unique use user users value version very wachtwoord welcome work worker workspace \
    world your";

/// Short and in every sentence, address or date.
const SHORT: &str = "aber about after again all alle always an and anybody anyone apr april are as at auch auf aug august aus \
    autumn avec be been before being better bis bitte both but by can cannot cest cet com como could dann das \
    dec december dein der des did die do doch does done dont down durch each ein erraet erraten esta este etc \
    even ever every everyone fall feb february for forever fri friday from fuer ganz gets give gmt goes good \
    guess habe had has have he her herbst his how if ihr immer in into is ist it its jan january jul july jun \
    june just kann kein keine kennt know known lang lange las les like los made mais make many mar march may me \
    mein meine mes mich mit mon monday more most much mucho nach nada nadie need net never nicht nichts nie \
    niemals niemand no nobody nor not nothing notre nous nov november now nuestro nur oct october oder of off \
    often ohne on once one only opt or org other our ours out own par para pas pero porque pour que qui really \
    same san sat saturday see sehr sein sep sept september shall share she sich sie sind sit so someone \
    something sommer such summer sun sunday sur take than that their them then there these they think those thu \
    thurs thursday to todo tout tres tue tues tuesday ueber una und une uns unser until used using utc vom von \
    vor vous want war was we wed wednesday weil well wenn wer were what when where which while who whose why wie \
    will winter wir with within without would www yes yet you zum zur";

static WORDS: List = List {
    words: COMMON,
    starts: &starts::<{ count(COMMON) + 1 }>(COMMON),
    pairs: &pairs(COMMON),
};
static STAND_INS: List = List {
    words: STAND_IN,
    starts: &starts::<{ count(STAND_IN) + 1 }>(STAND_IN),
    pairs: &pairs(STAND_IN),
};
static GLUE: List = List {
    words: SHORT,
    starts: &starts::<{ count(SHORT) + 1 }>(SHORT),
    pairs: &pairs(SHORT),
};

/// A text in small letters: as it is, and with digits and signs read as letters. A one is read as either of two.
pub(super) struct Readings {
    /// As it is.
    pub(super) plain: Zeroizing<Vec<char>>,
    leet: [Zeroizing<Vec<char>>; 2],
}

impl Readings {
    /// Of a text.
    pub(super) fn of(text: &[char]) -> Self {
        let read = |as_what: &dyn Fn(char) -> char| {
            let small = text.iter().map(|c| as_what(*c).to_ascii_lowercase());
            Zeroizing::new(small.collect())
        };
        Self {
            plain: read(&|c| c),
            leet: ['l', 'i'].map(|one| read(&|c| unleeted(c, one))),
        }
    }
}

/// The common words that begin at a place of a text: how long, and at how many bits.
pub(super) fn at(text: &[char], readings: &Readings, from: usize, add: &mut dyn FnMut(usize, f64)) {
    let (here, plain) = (&text[from..], &readings.plain[from..]);
    let [leet, other_leet] = readings.leet.each_ref().map(|leet| &leet[from..]);
    if !plain[0].is_ascii_lowercase() && leet[0] == plain[0] {
        return;
    }
    for (list, bits) in [
        (&STAND_INS, STAND_IN_BITS),
        (&GLUE, GLUE_BITS),
        (&WORDS, WORD_BITS),
    ] {
        list.begun(plain, &mut |length| {
            add(length, bits + case_bits(&here[..length]));
        });
    }
    let near = 0..here.len().min(LONGEST_LEET);
    if leet[near.clone()] == plain[near] {
        return;
    }
    let readings = if leet == other_leet { 1 } else { 2 };
    for leet in [leet, other_leet].into_iter().take(readings) {
        let mut add_long = |length: usize, bits: f64| {
            if length >= SHORTEST_LEET {
                add(length, bits + LEET_BITS);
            }
        };
        WORDS.begun(leet, &mut |length| {
            add_long(length, WORD_BITS + case_bits(&here[..length]));
        });
        STAND_INS.begun(leet, &mut |length| add_long(length, STAND_IN_BITS));
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
        let is_letter = |(known, c): (u8, &char)| is_like(char::from(known), *c);
        let is = |known: &str| known.len() == word.len() && known.bytes().zip(word).all(is_letter);
        let mut known = GLUE.all().chain(["a", "i", "the", "my", "this"]);
        words += usize::from(!word.is_empty());
        glue += usize::from(known.any(is));
    }
    words > 3 && glue * 4 >= words && text.iter().all(is_in_sentence)
}

/// Every common word.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    WORDS.all()
}

/// The words that people put where a secret belongs.
pub(super) fn stand_ins() -> impl Iterator<Item = &'static str> {
    STAND_INS.all()
}

/// Sorted words, with one character between them. Where they are is made with the program: no start costs anything.
struct List {
    words: &'static str,
    /// Where each word begins, and where the next would.
    starts: &'static [u16],
    /// Which is the first word whose first two letters are a pair.
    pairs: &'static [u16; LETTERS * LETTERS + 1],
}

impl List {
    fn all(&self) -> impl Iterator<Item = &'static str> {
        self.words.split_ascii_whitespace()
    }

    /// Tells the lengths of those with which a text in small letters begins.
    fn begun(&self, text: &[char], tell: &mut dyn FnMut(usize)) {
        let place = |at: usize| {
            let c = text.get(at).filter(|c| c.is_ascii_lowercase())?;
            Some(*c as usize - 'a' as usize)
        };
        let (Some(first), Some(second)) = (place(0), place(1)) else {
            return;
        };
        let pair = first * LETTERS + second;
        let words = usize::from(self.pairs[pair])..=usize::from(self.pairs[pair + 1]);
        for ends in self.starts[words].windows(2) {
            let word = usize::from(ends[0])..usize::from(ends[1]) - 1;
            let word = &self.words.as_bytes()[word];
            let mut letters = word.iter().zip(text);
            if word.len() <= text.len() && letters.all(|(a, b)| char::from(*a) == *b) {
                tell(word.len());
            }
        }
    }
}

pub(super) const LETTERS: usize = 26;

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

/// Whether a word of a list ends at a place.
const fn is_end(words: &[u8], at: usize) -> bool {
    let is_letter = at < words.len() && words[at].is_ascii_alphabetic();
    !is_letter && at > 0 && words[at - 1].is_ascii_alphabetic()
}

/// How many words a list has.
const fn count(words: &str) -> usize {
    let (mut count, mut at) = (0, 0);
    while at <= words.len() {
        count += is_end(words.as_bytes(), at) as usize;
        at += 1;
    }
    count
}

const fn starts<const MANY: usize>(words: &str) -> [u16; MANY] {
    let mut starts = [0; MANY];
    let (mut number, mut at) = (0, 0);
    while at <= words.len() {
        if is_end(words.as_bytes(), at) {
            number += 1;
            starts[number] = at as u16 + 1;
        }
        at += 1;
    }
    starts
}

const fn pairs(words: &str) -> [u16; LETTERS * LETTERS + 1] {
    let letters = words.as_bytes();
    let mut pairs = [count(words) as u16; LETTERS * LETTERS + 1];
    let (mut next, mut number, mut at) = (0, 0, 0);
    while at < letters.len() {
        if at == 0 || is_end(letters, at - 1) {
            let pair = (letters[at] - b'a') as usize * LETTERS + (letters[at + 1] - b'a') as usize;
            while next <= pair {
                pairs[next] = number;
                next += 1;
            }
            number += 1;
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
    fn the_lists_are_sorted_and_the_long_one_is_of_words() {
        for list in [&WORDS, &STAND_INS, &GLUE] {
            let words: Vec<&str> = list.all().collect();
            assert_eq!(words.len() + 1, list.starts.len());
            assert!(words.is_sorted() && words.windows(2).all(|pair| pair[0] != pair[1]));
        }
        let words: Vec<&str> = all().collect();
        assert!(words.len() > 4_000);
        for word in words {
            let is_word = word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_lowercase());
            assert!(is_word, "{word}");
        }
    }

    #[test]
    fn every_word_is_found_where_it_stands() {
        for word in all().chain(stand_ins()).chain(GLUE.all()) {
            let text: Vec<char> = word.to_uppercase().chars().collect();
            let mut found = Vec::new();
            let readings = Readings::of(&text);
            at(&text, &readings, 0, &mut |length, _| found.push(length));
            assert!(found.contains(&word.len()), "{word}");
        }
        let text: Vec<char> = "x-p4ssw0rd".chars().collect();
        let mut found = Vec::new();
        let readings = Readings::of(&text);
        at(&text, &readings, 2, &mut |length, _| found.push(length));
        assert!(found.contains(&8), "{found:?}");
    }
}

use super::*;
use crate::generate::generate;
use crate::public;

#[test]
fn what_people_paste_is_weak() {
    for value in include_str!("weak.txt").lines() {
        assert!(
            weakness(value, Kind::Secret).is_some() || public::of(value).is_some(),
            "{value}: {:.0} bits",
            guess::bits(value)
        );
    }
    for (value, expected) in [
        ("short", Weakness::Short),
        (
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            Weakness::Guessable,
        ),
        ("sunshineandrainbowsforever", Weakness::Guessable),
        ("machine-learning-platform", Weakness::Guessable),
        ("new-secret-string", Weakness::Placeholder),
        ("https://clearml.example.com/", Weakness::Address),
        (
            "projects/4711/secrets/clearml-token/versions/latest",
            Weakness::Address,
        ),
        ("secret/data/clearml/production-token", Weakness::Address),
        (
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            Weakness::Digest,
        ),
        (
            "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
            Weakness::Digest,
        ),
    ] {
        assert_eq!(weakness(value, Kind::Secret), Some(expected), "{value}");
    }
}

/// Draws without chance, so that a failure comes back.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % count
    }

    fn draw(&mut self, alphabet: &str, length: usize) -> String {
        let alphabet = alphabet.as_bytes();
        let mut one = |_| char::from(alphabet[self.below(alphabet.len())]);
        (0..length).map(&mut one).collect()
    }

    /// What `openssl rand -base64` prints.
    fn base64(&mut self, length: usize) -> String {
        use base64::Engine;
        let bytes: Vec<u8> = (0..length).map(|_| self.below(256) as u8).collect();
        base64::prelude::BASE64_STANDARD.encode(bytes)
    }

    fn uuid(&mut self) -> String {
        let [a, b, c, d, e] = [8, 4, 3, 3, 12].map(|length| self.draw(HEX, length));
        format!("{a}-{b}-4{c}-a{d}-{e}")
    }

    /// As pwgen does: syllables that can be pronounced, with capitals and digits in them.
    fn pronounceable(&mut self, length: usize) -> String {
        const VOWELS: [&str; 12] = [
            "a", "ae", "ah", "ai", "e", "ee", "ei", "i", "ie", "o", "oo", "u",
        ];
        const CONSONANTS: [&str; 26] = [
            "b", "c", "ch", "d", "f", "g", "gh", "h", "j", "k", "l", "m", "n", "ng", "p", "ph",
            "qu", "r", "s", "sh", "t", "th", "v", "w", "x", "z",
        ];
        let mut text = String::new();
        let mut is_vowel = self.below(2) == 0;
        while text.len() < length {
            let part = match is_vowel {
                true => VOWELS[self.below(VOWELS.len())],
                false => CONSONANTS[self.below(CONSONANTS.len())],
            };
            match self.below(5) {
                0 => text.extend([part[..1].to_uppercase(), part[1..].to_owned()]),
                _ => text.push_str(part),
            }
            if self.below(10) < 3 {
                text.push(char::from(b'0' + self.below(10) as u8));
            }
            is_vowel = !is_vowel || self.below(10) < 3;
        }
        text.truncate(length);
        text
    }
}

const HEX: &str = "0123456789abcdef";
const BASE62: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// 10,000 values of clearml-keygen and of what `openssl rand`, `uuidgen`, `pwgen` and Python's `secrets` print.
#[test]
fn what_generators_print_is_clean() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let is_clean = |value: &str, kind| {
        let weakness = weakness(value, kind);
        assert_eq!(weakness, None, "{value}: {:.0} bits", guess::bits(value));
        assert_eq!(public::of(value), None, "{value}");
    };
    for round in 0..300 {
        for value in [
            generate(Kind::Secret).unwrap().expose().to_owned(),
            dice.draw(HEX, 20),
            dice.draw(HEX, 24),
            dice.base64(24),
            dice.draw(BASE62, 20),
            dice.draw(&format!("{BASE62}-_"), 67),
            dice.draw("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 26),
            dice.draw("abcdefghijklmnopqrstuvwxyz", 22),
            dice.uuid(),
            dice.pronounceable(20),
            dice.pronounceable(32),
        ] {
            is_clean(&value, Kind::Secret);
        }
        is_clean(generate(Kind::Key).unwrap().expose(), Kind::Key);
        is_clean(
            &dice.draw("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 20),
            Kind::Key,
        );
        // Of the form of digests, which takes longer.
        if round % 8 == 0 {
            for value in [
                dice.draw(HEX, 32),
                dice.draw(HEX, 64),
                dice.draw(&HEX.to_uppercase(), 40),
                dice.base64(16),
                dice.base64(32),
                dice.draw(&format!("{BASE62}-_"), 22),
            ] {
                is_clean(&value, Kind::Secret);
            }
        }
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

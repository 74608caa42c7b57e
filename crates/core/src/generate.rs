//! Keys and secrets, drawn uniformly from the operating system's generator.

use rand::TryRng;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::known;
use crate::secret::Secret;
use crate::setting::Kind;

/// What a key consists of after its first letter. ClearML's own keys look like this.
const KEY: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// What a secret consists of after its first letter. Fewer characters than ClearML takes, because `-` and `_`
/// are part of what HOCON changes (docs/clearml.md#values-that-always-arrive).
const SECRET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// What a password consists of: what a person can read and type, without `0O 1lI o i`, which look alike.
const PASSWORD: &[u8] = b"abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// How many of [`KEY`] are letters, and so may come first.
const KEY_LETTERS: usize = 26;
/// How many of [`SECRET`] are letters, and so may come first.
const SECRET_LETTERS: usize = 52;

/// Characters of a key: 154 bits.
pub const KEY_LENGTH: usize = 30;
/// Characters of a secret: 321 bits.
pub const SECRET_LENGTH: usize = 54;

/// Characters of a password for the web login: 115 bits.
pub const PASSWORD_LENGTH: usize = 20;

/// Random bytes asked for at once: enough for a secret nearly always, so that one is one system call.
const BATCH: usize = 64;
/// Batches after which the generator is taken to be broken. A secret takes two at the most in practice; a
/// generator that only gives what is thrown away would keep this program running for ever.
const MOST_BATCHES: usize = 64;

/// A new value of this kind.
///
/// # Errors
/// The operating system gives no random bytes.
pub fn generate(kind: Kind) -> Result<Secret, Error> {
    draw(&mut SysRng, kind)
}

/// A new password for the web login, which a person can type.
///
/// # Errors
/// The operating system gives no random bytes.
pub fn password() -> Result<Secret, Error> {
    let mut rng = SysRng;
    let mut source = Bytes::new(&mut rng);
    // Allocated once: a buffer that grew would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(PASSWORD_LENGTH));
    while text.len() < PASSWORD_LENGTH {
        text.push(source.pick(PASSWORD)?);
    }
    Ok(Secret::new(into_string(text)))
}

/// Whether a text may be a password of [`password`].
pub fn is_password(text: &str) -> bool {
    text.len() == PASSWORD_LENGTH
        && text.bytes().all(|byte| PASSWORD.contains(&byte))
        && text.bytes().any(|byte| byte.is_ascii_lowercase())
        && text.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Draws until a value is one that every reader leaves as it is and that nobody knows.
fn draw<R: TryRng>(rng: &mut R, kind: Kind) -> Result<Secret, Error> {
    let mut source = Bytes::new(rng);
    loop {
        let value = candidate(&mut source, kind)?;
        if is_left_alone(&value) && known::lookup(&value).is_none() {
            return Ok(Secret::new(into_string(value)));
        }
    }
}

/// Hands over the buffer without a copy; what is left behind has no bytes.
fn into_string(mut text: Zeroizing<String>) -> String {
    std::mem::take(&mut *text)
}

fn candidate<R: TryRng>(source: &mut Bytes<'_, R>, kind: Kind) -> Result<Zeroizing<String>, Error> {
    let (alphabet, letters, length) = match kind {
        Kind::Key => (KEY, KEY_LETTERS, KEY_LENGTH),
        Kind::Secret => (SECRET, SECRET_LETTERS, SECRET_LENGTH),
    };
    // Allocated once: a buffer that grew would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(length));
    text.push(source.pick(&alphabet[..letters])?);
    while text.len() < length {
        text.push(source.pick(alphabet)?);
    }
    Ok(text)
}

/// Whether HOCON, YAML, compose and a shell all read it as it is.
///
/// Each of them leaves letters and digits alone where the first is a letter, but for words that mean something
/// else: `true`, `null`, `off` (docs/clearml.md#values-that-always-arrive, and the test of 100,000 values). A key of
/// thirty characters is none of these words, so this never refuses one; it is here for anyone who changes the lengths
/// or the alphabets.
fn is_left_alone(text: &str) -> bool {
    const WORDS: [&str; 10] = [
        "true", "false", "null", "yes", "no", "on", "off", "nan", "inf", "include",
    ];
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Random bytes by the batch, wiped in the end.
struct Bytes<'a, R> {
    rng: &'a mut R,
    batch: Zeroizing<[u8; BATCH]>,
    used: usize,
    batches: usize,
}

impl<'a, R: TryRng> Bytes<'a, R> {
    fn new(rng: &'a mut R) -> Self {
        Self {
            rng,
            batch: Zeroizing::new([0; BATCH]),
            used: BATCH,
            batches: 0,
        }
    }

    /// One of the characters, each as likely as the other. A byte beyond the last multiple of their number is
    /// thrown away, because the remainder alone would prefer the first ones.
    fn pick(&mut self, characters: &[u8]) -> Result<char, Error> {
        let fair = 256 - 256 % characters.len();
        loop {
            let byte = usize::from(self.next()?);
            if byte < fair {
                return Ok(char::from(characters[byte % characters.len()]));
            }
        }
    }

    fn next(&mut self) -> Result<u8, Error> {
        if self.used == BATCH {
            if self.batches == MOST_BATCHES {
                return Err(Error::Random("it repeats itself".to_owned()));
            }
            self.rng
                .try_fill_bytes(&mut *self.batch)
                .map_err(|error| Error::Random(error.to_string()))?;
            self.batches += 1;
            self.used = 0;
        }
        self.used += 1;
        Ok(self.batch[self.used - 1])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::convert::Infallible;
    use std::fmt;

    use super::*;

    /// Gives these bytes over and over.
    struct Loop(Vec<u8>, usize);

    impl TryRng for Loop {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            unreachable!("only bytes are drawn")
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            unreachable!("only bytes are drawn")
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
            for byte in bytes {
                *byte = self.0[self.1 % self.0.len()];
                self.1 += 1;
            }
            Ok(())
        }
    }

    /// A generator that fails.
    struct Broken;

    #[derive(Debug)]
    struct Failure;

    impl fmt::Display for Failure {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no entropy")
        }
    }

    impl std::error::Error for Failure {}

    impl TryRng for Broken {
        type Error = Failure;

        fn try_next_u32(&mut self) -> Result<u32, Failure> {
            Err(Failure)
        }

        fn try_next_u64(&mut self) -> Result<u64, Failure> {
            Err(Failure)
        }

        fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Failure> {
            Err(Failure)
        }
    }

    #[test]
    fn values_have_the_promised_shape() {
        for _ in 0..1000 {
            let key = generate(Kind::Key).unwrap();
            assert_eq!(key.chars(), 30);
            assert!(key.expose().starts_with(|c: char| c.is_ascii_uppercase()));
            assert!(key.expose().bytes().all(|byte| KEY.contains(&byte)));
            let secret = generate(Kind::Secret).unwrap();
            assert_eq!(secret.chars(), 54);
            assert!(
                secret
                    .expose()
                    .starts_with(|c: char| c.is_ascii_alphabetic())
            );
            assert!(secret.expose().bytes().all(|byte| SECRET.contains(&byte)));
        }
    }

    #[test]
    fn every_byte_value_counts_the_same_for_every_character() {
        for characters in [KEY, SECRET, &KEY[..KEY_LETTERS], &SECRET[..SECRET_LETTERS]] {
            let fair = 256 - 256 % characters.len();
            let mut rng = Loop((0..=255).collect(), 0);
            let mut source = Bytes::new(&mut rng);
            let mut counts: HashMap<char, usize> = HashMap::new();
            // Once through all byte values: those that are thrown away are not counted.
            for _ in 0..fair {
                *counts.entry(source.pick(characters).unwrap()).or_default() += 1;
            }
            assert_eq!(counts.len(), characters.len());
            assert!(
                counts
                    .values()
                    .all(|count| *count == fair / characters.len())
            );
        }
    }

    #[test]
    fn bytes_that_would_favour_a_character_are_thrown_away() {
        // 252 and above are beyond the last multiple of 36, 234 and above beyond that of 26.
        let mut rng = Loop(vec![255, 252, 251, 234, 0], 0);
        let mut source = Bytes::new(&mut rng);
        assert_eq!(source.pick(&KEY[..KEY_LETTERS]).unwrap(), 'A');
        assert_eq!(source.pick(KEY).unwrap(), '9');
    }

    #[test]
    fn a_generator_that_fails_or_only_gives_useless_bytes_is_an_error() {
        let error = draw(&mut Broken, Kind::Key).unwrap_err().to_string();
        assert!(error.contains("no entropy"), "{error}");
        assert!(draw(&mut Loop(vec![255], 0), Kind::Secret).is_err());
    }

    #[test]
    fn a_known_value_is_drawn_again() {
        let known = "62T8CP7HGBC6647XF9314C2VY67RJO";
        let byte_for =
            |c: u8| u8::try_from(KEY.iter().position(|known| *known == c).unwrap()).unwrap();
        // The first character comes from the letters alone, so a known key that starts with one is taken.
        let known_with_letter = "GSQWPEKSKNKF354LC9V6BHXKTYFD5I";
        assert!(known::lookup(known).is_some() && known::lookup(known_with_letter).is_some());
        let mut bytes: Vec<u8> = known_with_letter.bytes().map(byte_for).collect();
        bytes.extend([1; KEY_LENGTH]);
        let drawn = draw(&mut Loop(bytes, 0), Kind::Key).unwrap();
        assert_eq!(drawn.expose(), "B".repeat(KEY_LENGTH));
    }

    #[test]
    fn words_are_not_left_alone() {
        for word in ["true", "FALSE", "Null", "off", "1e5", "", "a-b", "é"] {
            assert!(!is_left_alone(word), "{word}");
        }
        assert!(is_left_alone("trueA1"));
    }
}

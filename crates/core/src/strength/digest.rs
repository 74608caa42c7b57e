//! Digests of nothing, of common words and of public values: they look random, and anybody can compute them.
//!
//! Nothing is computed for a value that has not the form of a digest.

use std::sync::OnceLock;

use blake2::{Blake2b512, Blake2s256};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use sha3::{Sha3_224, Sha3_256, Sha3_384, Sha3_512};
use zeroize::Zeroizing;

use super::shape::bytes_of;
use super::words::{all as words, stand_ins};
use crate::known;

/// What people put behind a word that stands for a secret.
const ENDS: [&str; 6] = ["1", "12", "123", "1234", "!", "2024"];

/// What anybody tries besides words.
const OTHERS: [&str; 27] = [
    "",
    " ",
    "ClearML",
    "clear.ml",
    "123456",
    "12345678",
    "123456789",
    "1234567890",
    "1q2w3e4r",
    "1qaz2wsx",
    "abc",
    "abc123",
    "abcdefg",
    "asdfgh",
    "qwerty",
    "qwertyuiop",
    "qwerty123",
    "zxcvbnm",
    "foo",
    "bar",
    "foobar",
    "hello world",
    "hello, world",
    "hello, world!",
    "hello world!",
    "the quick brown fox jumps over the lazy dog",
    "the quick brown fox jumps over the lazy dog.",
];

/// Words of which people make up a name for a secret, with nothing or one sign between them: `clearml-secret`, `my_secret_key`.
const FIRST: &str = "admin api app auth clearml default dev jwt my prod production secret server service session super test the \
                     token trains your";
const SECOND: &str = "admin auth key pass passwd password secret server super token";
const THIRD: [&str; 3] = ["key", "secret", "token"];
const BETWEEN: [&str; 4] = ["", " ", "-", "_"];

/// Small numbers and years.
const NUMBERS: [std::ops::Range<u32>; 2] = [0..130, 1950..2050];

/// The beginning of a digest, of which no other one has the same by chance.
type Start = [u8; 16];
type Digester = fn(&[u8]) -> Start;

/// How long digests are, in bytes.
const LENGTHS: [usize; 6] = [16, 20, 28, 32, 48, 64];

/// Whether a value is the digest of something that anybody tries, in hexadecimal digits, in base64, or in base64 of the
/// hexadecimal digits.
pub(super) fn is_of_common(value: &str) -> bool {
    digest_bytes(value)
        .is_some_and(|bytes| tried(bytes.len()).binary_search(&start(&bytes)).is_ok())
}

/// The digests of one length of all that anybody tries, sorted. They are computed once: most secrets of some servers have one
/// length.
fn tried(length: usize) -> &'static [Start] {
    static TRIED: [OnceLock<Vec<Start>>; LENGTHS.len()] =
        [const { OnceLock::new() }; LENGTHS.len()];
    let at = LENGTHS.iter().position(|one| *one == length);
    at.map_or(&[], |at| TRIED[at].get_or_init(|| Tried::of(length)))
}

/// What anybody tries, as it is gathered.
struct Tried {
    /// What gives a digest of the length, and what does so less often.
    whole: Digester,
    rare: &'static [Digester],
    digests: Vec<Start>,
}

impl Tried {
    fn of(length: usize) -> Vec<Start> {
        let (whole, rare) = algorithms(length);
        let mut tried = Self {
            whole,
            rare,
            digests: Vec::new(),
        };
        for text in OTHERS.into_iter().chain(stand_ins()) {
            tried.in_cases(text);
        }
        for letter in 'a'..='z' {
            tried.in_cases(&letter.to_string());
        }
        for number in NUMBERS.into_iter().flatten() {
            tried.any(&number.to_string());
        }
        for known in known::all() {
            tried.any(known.value);
        }
        for word in stand_ins() {
            for end in ENDS {
                tried.line(&format!("{word}{end}"));
                tried.line(&format!("{}{end}", capital(word)));
            }
        }
        tried.made_up();
        for word in words() {
            tried.line(word);
        }
        tried.digests.sort_unstable();
        tried.digests
    }

    /// A text, and with the line's end that `echo` writes.
    fn line(&mut self, text: &str) {
        for text in [text, &format!("{text}\n")] {
            self.digests.push((self.whole)(text.as_bytes()));
        }
    }

    /// The same, with what is rarely used, too.
    fn any(&mut self, text: &str) {
        self.line(text);
        for text in [text, &format!("{text}\n")] {
            let rare = self.rare.iter().map(|digest| digest(text.as_bytes()));
            self.digests.extend(rare);
        }
    }

    fn in_cases(&mut self, text: &str) {
        self.any(text);
        self.any(&capital(text));
        self.any(&text.to_ascii_uppercase());
    }

    /// Names that are made up of words.
    fn made_up(&mut self) {
        let words = |list: &'static str| list.split_ascii_whitespace();
        for between in BETWEEN {
            for first in words(FIRST) {
                for second in words(SECOND) {
                    let start = format!("{first}{between}{second}");
                    self.line(&start);
                    for third in THIRD {
                        self.line(&format!("{start}{between}{third}"));
                    }
                }
            }
        }
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

/// The bytes of a value that has the form of a digest.
fn digest_bytes(value: &str) -> Option<Zeroizing<Vec<u8>>> {
    /// Of the shortest in base64, and of the longest in base64 of hexadecimal digits, three times.
    const WRITTEN: std::ops::RangeInclusive<usize> = 22..=3 * 176;
    let value = value.trim();
    if !WRITTEN.contains(&value.len()) {
        return None;
    }
    let bytes = bytes_of(value)?;
    let inner = std::str::from_utf8(&bytes).ok().and_then(|text| {
        let text = text.trim();
        bytes_of(text).filter(|inner| text.len() == inner.len() * 2)
    });
    inner.into_iter().chain([bytes]).find_map(once)
}

/// Bytes of which there are as many as in a digest, or that are such ones written several times.
fn once(bytes: Zeroizing<Vec<u8>>) -> Option<Zeroizing<Vec<u8>>> {
    let is_repeated = |length: &usize| {
        let mut parts = bytes.chunks(*length);
        let first = parts.next().unwrap_or_default();
        first.len() == *length && parts.all(|part| part == first)
    };
    let length = LENGTHS.into_iter().find(is_repeated)?;
    Some(Zeroizing::new(bytes[..length].to_vec()))
}

/// What gives a digest of this length, and what does so less often, or gives a longer one of which that is the beginning.
fn algorithms(length: usize) -> (Digester, &'static [Digester]) {
    match length {
        16 => (of::<Md5>, &[of::<Sha1>, of::<Sha256>, of::<Sha512>]),
        20 => (of::<Sha1>, &[of::<Sha256>]),
        28 => (of::<Sha224>, &[of::<Sha3_224>]),
        32 => (
            of::<Sha256>,
            &[of::<Sha512>, of::<Sha3_256>, of::<Blake2s256>],
        ),
        48 => (of::<Sha384>, &[of::<Sha3_384>]),
        _ => (of::<Sha512>, &[of::<Sha3_512>, of::<Blake2b512>]),
    }
}

fn of<D: Digest>(text: &[u8]) -> Start {
    start(&D::digest(text))
}

/// Of a digest, none of which is shorter.
fn start(digest: &[u8]) -> Start {
    let mut start = Start::default();
    start.copy_from_slice(&digest[..size_of::<Start>()]);
    start
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn all_of(text: &str) -> [Vec<u8>; 6] {
        [
            Md5::digest(text).to_vec(),
            Sha1::digest(text).to_vec(),
            Sha224::digest(text).to_vec(),
            Sha256::digest(text).to_vec(),
            Sha384::digest(text).to_vec(),
            Sha512::digest(text).to_vec(),
        ]
    }

    #[test]
    fn digests_of_what_anybody_tries_are_told_in_every_form() {
        let default = "Rq8FW84sSqVgq7WvBB_4EzNl9y8z8IGiDXX3C345_a5AZfcwZcwCIA";
        for text in [
            "",
            "\n",
            "password",
            "abc",
            "Password",
            "admin",
            "changeme",
            "secret\n",
            "clearml",
            "ClearML\n",
            "monkey",
            "letmein",
            "token123",
            "123456",
            "1",
            "2024",
            "hello world",
            "A",
            "Password123",
            "clearml-secret",
            "mysecretkey\n",
            "your-256-bit-secret",
            default,
        ] {
            for bytes in all_of(text) {
                for written in [
                    hex(&bytes),
                    hex(&bytes).to_uppercase(),
                    BASE64_STANDARD.encode(&bytes),
                    BASE64_URL_SAFE_NO_PAD.encode(&bytes),
                    BASE64_STANDARD.encode(hex(&bytes)),
                    BASE64_STANDARD.encode(hex(&bytes) + "\n"),
                    format!(" {}\n", hex(&bytes)),
                    hex(&bytes).repeat(2),
                ] {
                    assert!(is_of_common(&written), "{text:?} {written}");
                }
            }
        }
        assert!(is_of_common(&hex(&Sha256::digest("password"))[..32]));
        // Made by `openssl dgst` and `b2sum`, of nothing and of `admin`.
        for digest in [
            "6b4e03423667dbb73b6e15454f0eb1abd4597f9a1b078e3f5b5a6bc7",
            "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a",
            "0c63a75b845e4f7d01107d852e4c2485c51a50aaaa94fc61995e71bbee983a2ac3713831264adb47fb6bd1e058d5f004",
            "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a615b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26",
            "69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9",
            "786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419d25e1031afee585313896444934eb04b903a685b1448b755d56f701afe9be2ce",
            "fb001dfcffd1c899f3297871406242f097aecf1a5342ccf3ebcd116146188e4b",
            "bfcce2c19c8563fd4aa66f6ec607341ff25e5f6fe7fa520d7d1242d871385f23a3e8e80093120b4877d79535e10b182ae2ec8937d1f72f091e7178c9e4ff0f11",
        ] {
            assert!(is_of_common(digest), "{digest}");
        }
        assert!(is_of_common(
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        ));
    }

    #[test]
    fn other_digests_are_not() {
        for text in ["kW9#vLq2", "a text that nobody tries", "orbitlamp"] {
            for bytes in all_of(text) {
                assert!(
                    !is_of_common(&hex(&bytes)) && !is_of_common(&BASE64_STANDARD.encode(&bytes)),
                    "{text}"
                );
            }
        }
        assert!(!is_of_common("password") && !is_of_common(""));
    }
}

//! Digests of nothing, of common words and of public values: they look random, and anybody can compute them.
//!
//! Nothing is computed for a value that has not the form of a digest.

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
const THIRD: [&str; 4] = ["", "key", "secret", "token"];
const BETWEEN: [&str; 4] = ["", " ", "-", "_"];

/// Small numbers and years.
const NUMBERS: [std::ops::Range<u32>; 2] = [0..130, 1950..2050];

/// Whether bytes are the digest of a text.
type Compare = fn(&[u8], &[u8]) -> bool;

/// Whether a value is the digest of something that anybody tries, in hexadecimal digits, in base64, or in base64 of the
/// hexadecimal digits.
pub(super) fn is_of_common(value: &str) -> bool {
    let Some(bytes) = digest_bytes(value) else {
        return false;
    };
    let (whole, rare) = algorithms(bytes.len());
    let is_whole = |text: &str| whole(text.as_bytes(), &bytes);
    // With the line's end that `echo` writes, too.
    let is_any = |text: &str| {
        let line = format!("{text}\n");
        let of = |is: &Compare| is(text.as_bytes(), &bytes) || is(line.as_bytes(), &bytes);
        of(&whole) || rare.iter().any(of)
    };
    let in_cases =
        |text: &str| is_any(text) || is_any(&capital(text)) || is_any(&text.to_ascii_uppercase());
    let is_line = |text: &str| is_whole(text) || is_whole(&format!("{text}\n"));
    OTHERS.into_iter().chain(stand_ins()).any(in_cases)
        || ('a'..='z').any(|letter| in_cases(&letter.to_string()))
        || NUMBERS
            .into_iter()
            .flatten()
            .any(|number| is_any(&number.to_string()))
        || known::all().iter().any(|known| is_any(known.value))
        || stand_ins().any(|word| {
            let is_ended = |word: &str| ENDS.iter().any(|end| is_line(&format!("{word}{end}")));
            is_ended(word) || is_ended(&capital(word))
        })
        || is_made_up(&is_line)
        || words().any(is_line)
}

/// Whether it is the digest of a name that is made up of words.
fn is_made_up(is_line: &dyn Fn(&str) -> bool) -> bool {
    let words = |list: &'static str| list.split_ascii_whitespace();
    BETWEEN.iter().any(|between| {
        words(FIRST).any(|first| {
            words(SECOND).any(|second| {
                let start = format!("{first}{between}{second}");
                THIRD.iter().any(|third| match third.is_empty() {
                    true => is_line(&start),
                    false => is_line(&format!("{start}{between}{third}")),
                })
            })
        })
    })
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
    const LENGTHS: [usize; 6] = [16, 20, 28, 32, 48, 64];
    let is_repeated = |length: &usize| {
        let mut parts = bytes.chunks(*length);
        let first = parts.next().unwrap_or_default();
        first.len() == *length && parts.all(|part| part == first)
    };
    let length = LENGTHS.into_iter().find(is_repeated)?;
    Some(Zeroizing::new(bytes[..length].to_vec()))
}

/// What gives a digest of this length, and what does so less often, or gives a longer one of which that is the beginning.
fn algorithms(length: usize) -> (Compare, &'static [Compare]) {
    match length {
        16 => (
            |text, is| Md5::digest(text)[..] == *is,
            &[
                |text, is| Sha1::digest(text).starts_with(is),
                |text, is| Sha256::digest(text).starts_with(is),
                |text, is| Sha512::digest(text).starts_with(is),
            ],
        ),
        20 => (
            |text, is| Sha1::digest(text)[..] == *is,
            &[|text, is| Sha256::digest(text).starts_with(is)],
        ),
        28 => (
            |text, is| Sha224::digest(text)[..] == *is,
            &[|text, is| Sha3_224::digest(text)[..] == *is],
        ),
        32 => (
            |text, is| Sha256::digest(text)[..] == *is,
            &[
                |text, is| Sha512::digest(text).starts_with(is),
                |text, is| Sha3_256::digest(text)[..] == *is,
                |text, is| Blake2s256::digest(text)[..] == *is,
            ],
        ),
        48 => (
            |text, is| Sha384::digest(text)[..] == *is,
            &[|text, is| Sha3_384::digest(text)[..] == *is],
        ),
        _ => (
            |text, is| Sha512::digest(text)[..] == *is,
            &[
                |text, is| Sha3_512::digest(text)[..] == *is,
                |text, is| Blake2b512::digest(text)[..] == *is,
            ],
        ),
    }
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

//! Digests of nothing, of common words and of public values: they look random, and anybody can compute them.
//!
//! Nothing is computed for a value that has not the form of a digest.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::shape::bytes_of;
use super::words::{all as words, stand_ins};
use crate::known;

/// What people put behind a word that stands for a secret.
const ENDS: [&str; 6] = ["1", "12", "123", "1234", "!", "2024"];

/// What anybody tries besides words.
const OTHERS: [&str; 26] = [
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
    let (whole, cut) = algorithms(bytes.len());
    let is_whole = |text: &str| whole(text.as_bytes(), &bytes);
    // With the line's end that `echo` writes, too.
    let is_any = |text: &str| {
        let line = format!("{text}\n");
        let of = |is: &Compare| is(text.as_bytes(), &bytes) || is(line.as_bytes(), &bytes);
        of(&whole) || cut.iter().any(of)
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
        || stand_ins().any(|word| ENDS.iter().any(|end| is_line(&format!("{word}{end}"))))
        || words().any(is_line)
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

/// The bytes of a value that has the form of a digest.
fn digest_bytes(value: &str) -> Option<Zeroizing<Vec<u8>>> {
    const LENGTHS: [usize; 6] = [16, 20, 28, 32, 48, 64];
    /// Of the shortest in base64, and of the longest in base64 of hexadecimal digits.
    const WRITTEN: std::ops::RangeInclusive<usize> = 22..=176;
    let value = value.trim();
    if !WRITTEN.contains(&value.len()) {
        return None;
    }
    let bytes = bytes_of(value)?;
    let inner = std::str::from_utf8(&bytes).ok().and_then(|text| {
        let text = text.trim();
        bytes_of(text).filter(|inner| text.len() == inner.len() * 2)
    });
    inner
        .into_iter()
        .chain([bytes])
        .find(|bytes| LENGTHS.contains(&bytes.len()))
}

/// What gives a digest of this length, and what gives a longer one of which that is the beginning.
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
        28 => (|text, is| Sha224::digest(text)[..] == *is, &[]),
        32 => (
            |text, is| Sha256::digest(text)[..] == *is,
            &[|text, is| Sha512::digest(text).starts_with(is)],
        ),
        48 => (|text, is| Sha384::digest(text)[..] == *is, &[]),
        _ => (|text, is| Sha512::digest(text)[..] == *is, &[]),
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
                ] {
                    assert!(is_of_common(&written), "{text:?} {written}");
                }
            }
        }
        assert!(is_of_common(&hex(&Sha256::digest("password"))[..32]));
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

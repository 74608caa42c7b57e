//! A mark of a secret that two people can compare without showing it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::known;
use crate::secret::Secret;
use crate::setting::Kind;
use crate::strength::weakness;

/// Public, so that everybody comes to the same mark. It keeps tables of plain SHA-256 from being of use.
const KEY: &[u8] = b"clearml-secure fingerprint 1";

/// Six hexadecimal digits: enough to tell a few keysets apart, and of over 300 bits they say 24.
const BYTES: usize = 3;

/// The mark of a secret. None of a value that somebody could guess: the mark would tell when the guess is right.
pub fn fingerprint(secret: &Secret, kind: Kind) -> Option<String> {
    let text = secret.expose();
    if known::lookup(text).is_some() || weakness(text, kind).is_some() {
        return None;
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY).ok()?;
    mac.update(text.as_bytes());
    let digest = mac.finalize().into_bytes();
    let digits = digest.iter().take(BYTES).map(|byte| format!("{byte:02x}"));
    Some(digits.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_guesses_has_a_mark() {
        let of = |text: &str| fingerprint(&Secret::from(text), Kind::Secret);
        // printf TEXT | openssl dgst -sha256 -hmac "clearml-secure fingerprint 1"
        assert_eq!(
            of("Tq3VsKxr9yo1nWj7BRd03Q2ybv4hGzLpF6TCvY8dhKMaRdZe5QmsXu").as_deref(),
            Some("234f32")
        );
        for weak in ["", "abc", "passwordpasswordpassword", "<new-secret-string>"] {
            assert_eq!(of(weak), None, "{weak}");
        }
    }
}

//! Password hashes of the web login, as the API server takes them (docs/clearml.md#password-hashes), and as people paste
//! them.

use base64::Engine;
use base64::alphabet::BCRYPT;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use zeroize::Zeroizing;

/// Salt and sum of a hash, without padding. Python's bcrypt takes no other spelling of the same bytes.
const RADIX: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD);

/// How long the salt is, and salt and sum together.
const SALT: usize = 22;
const SALT_AND_SUM: usize = 53;

/// A bcrypt hash with which somebody can log in.
pub struct Bcrypt {
    /// The hash as it is, without base64.
    pub text: Zeroizing<String>,
    /// How many rounds it takes to try a password: this power of two.
    pub cost: u32,
}

impl Bcrypt {
    /// The hash that a password with `pass_hashed` is.
    pub fn stored(password: &str) -> Option<Self> {
        let bytes = decoded(password)?;
        let text = str::from_utf8(&bytes).ok()?;
        Self::bare(Zeroizing::new(text.to_owned()))
    }

    /// A hash without base64 around it.
    pub fn bare(text: Zeroizing<String>) -> Option<Self> {
        let mut parts = text.strip_prefix('$')?.split('$');
        let (version, digits, rest) = (parts.next()?, parts.next()?, parts.next()?);
        let is_version = matches!(version, "2a" | "2b" | "2x" | "2y") && parts.next().is_none();
        let is_number = digits.len() == 2 && digits.bytes().all(|c| c.is_ascii_digit());
        let is_whole = rest.len() == SALT_AND_SUM && rest.is_ascii();
        if !(is_version && is_number && is_whole) {
            return None;
        }
        let cost = digits.parse().ok().filter(|cost| (4..=31).contains(cost))?;
        let (salt, sum) = rest.split_at(SALT);
        let is_radix = |part: &str| RADIX.decode(part).map(Zeroizing::new).is_ok();
        (is_radix(salt) && is_radix(sum)).then_some(Self { text, cost })
    }
}

/// Whether a text is a bcrypt hash without base64 around it.
pub fn is_bare(text: &str) -> bool {
    Bcrypt::bare(Zeroizing::new(text.trim().to_owned())).is_some()
}

/// Whether a text is base64 of a bcrypt hash with a line break or a blank beside it, as `echo` adds one: Python's bcrypt
/// compares with all of it.
pub fn has_more(text: &str) -> bool {
    let bytes = decoded(text).unwrap_or_default();
    str::from_utf8(&bytes).is_ok_and(is_bare)
}

/// Whether a text is base64 of the beginning of a bcrypt hash.
pub fn is_cut(text: &str) -> bool {
    /// How long a hash is.
    const WHOLE: usize = 7 + SALT_AND_SUM;
    let bytes = decoded(text).unwrap_or_default();
    bytes.len() < WHOLE
        && str::from_utf8(&bytes).is_ok_and(|text| scheme(text) == Some("a bcrypt hash"))
}

/// What a hash is called that stands where a password is expected: bare or in base64; none for any other text.
pub fn named(text: &str) -> Option<&'static str> {
    let text = text.trim();
    scheme(text).or_else(|| {
        let bytes = decoded(text)?;
        scheme(str::from_utf8(&bytes).ok()?.trim())
    })
}

/// The scheme of a hash, by how it begins, where it is as long as one.
fn scheme(text: &str) -> Option<&'static str> {
    /// The shortest hash that is in use: MD5-crypt with a short salt.
    const SHORTEST: usize = 28;
    const SCHEMES: [(&str, &str); 22] = [
        ("$2a$", "a bcrypt hash"),
        ("$2b$", "a bcrypt hash"),
        ("$2x$", "a bcrypt hash"),
        ("$2y$", "a bcrypt hash"),
        ("$1$", "an MD5 hash"),
        ("$5$", "a SHA-256 hash"),
        ("$6$", "a SHA-512 hash"),
        ("$7$", "a scrypt hash"),
        ("$y$", "a yescrypt hash"),
        ("$gy$", "a yescrypt hash"),
        ("$apr1$", "an MD5 hash"),
        ("$argon2", "an Argon2 hash"),
        ("$scrypt$", "a scrypt hash"),
        ("$pbkdf2", "a PBKDF2 hash"),
        ("argon2", "an Argon2 hash"),
        ("bcrypt$", "a bcrypt hash"),
        ("bcrypt_sha256$", "a bcrypt hash"),
        ("pbkdf2:", "a PBKDF2 hash"),
        ("pbkdf2_", "a PBKDF2 hash"),
        ("scrypt:", "a scrypt hash"),
        ("{SSHA", "an SSHA hash"),
        ("{SHA", "a SHA hash"),
    ];
    let is_one = |text: &str| text.len() >= SHORTEST && !text.contains(char::is_whitespace);
    let mut known = SCHEMES.iter().filter(|_| is_one(text));
    known
        .find(|(start, _)| text.starts_with(start))
        .map(|(_, name)| *name)
}

/// What `base64.b64decode` of Python, with which the server reads it, makes of a text; none where it fails. What is not of
/// the alphabet is left out wherever it is, and what is behind the padding is not read: the decoders of the crate refuse both.
fn decoded(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    if !text.is_ascii() {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() * 3 / 4));
    // The bits that are left of the last group, how many characters it has, and how much padding came after them.
    let (mut left, mut group, mut padding) = (0_u32, 0, 0);
    for c in text.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += u32::from(group >= 2);
                if group >= 2 && group + padding >= 4 {
                    return Some(bytes);
                }
                continue;
            }
            _ => continue,
        };
        padding = 0;
        left = (left << 6 | u32::from(value)) & 0xFFFF;
        if group > 0 {
            bytes.push((left >> (6 - 2 * group)) as u8);
        }
        group = (group + 1) % 4;
    }
    (group == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const HASH: &str = "$2b$12$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";

    fn cost(password: &str) -> Option<u32> {
        Bcrypt::stored(password).map(|hash| hash.cost)
    }

    #[test]
    fn costs_are_read() {
        let encode = |hash: &str| STANDARD.encode(hash);
        let good = encode(HASH);
        assert_eq!(cost(&good), Some(12));
        assert_eq!(cost(&encode(&HASH.replace("2b", "2x"))), Some(12));
        // Python leaves out what is no base64, and reads nothing behind the padding.
        assert_eq!(cost(&format!(" {}\n{} ", &good[..9], &good[9..])), Some(12));
        let padded = |text: &str| format!("{}{text}", encode(HASH));
        assert_eq!(cost(&padded("====")), Some(12));
        for wrong in [
            encode(&format!("{HASH}a")),
            encode(&HASH.replace("$12$", "$03$")),
            encode(&HASH.replace("$12$", "$32$")),
            encode(&HASH.replace("$12$", "$4$")),
            encode(&HASH.replace("$2b$", "$1$")),
            // The same bytes in another spelling: bcrypt's own is one.
            encode(&HASH.replace("MyeI", "MyfI")),
            encode(&HASH.replace("hWy", "hWz")),
            encode("plain"),
            good.replace('J', "é"),
            good[1..].to_owned(),
            HASH.to_owned(),
            padded("J"),
            String::new(),
        ] {
            assert_eq!(cost(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn hashes_are_named_and_passwords_are_not() {
        for (text, name) in [
            (HASH, Some("a bcrypt hash")),
            (&STANDARD.encode(HASH), Some("a bcrypt hash")),
            (&STANDARD.encode(format!("{HASH}\n")), Some("a bcrypt hash")),
            (
                "$6$rounds=5000$salt$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                Some("a SHA-512 hash"),
            ),
            (
                "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aaaaaaaaaaaaaaaaaaa",
                Some("an Argon2 hash"),
            ),
            (
                "pbkdf2:sha256:600000$salt$aaaaaaaaaaaaaaaaaaaaaaa",
                Some("a PBKDF2 hash"),
            ),
            (
                "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9gAAAAAAA",
                Some("an SSHA hash"),
            ),
            ("correct-horse-battery-staple-violet-orbit-lamp", None),
            ("$2b$12$short", None),
            ("$5$ is what this passphrase begins with", None),
            ("", None),
        ] {
            assert_eq!(named(text), name, "{text}");
        }
    }
}

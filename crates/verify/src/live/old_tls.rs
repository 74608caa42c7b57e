//! Whether a server still takes a protocol that is out of use, beside newer ones.
//!
//! rustls does not speak TLS 1.0 and 1.1 at all, so the first message of a handshake is written by hand, and of the answer
//! only the version is read. Nothing of what the connection would protect is sent over it: it ends there.

use std::io::{Read, Write};

use crate::address::port;

use super::{Client, Failure, host};
use crate::address::literal;

/// The versions that RFC 8996 has ended, and their numbers on the wire.
pub(crate) const OLD: [(&str, [u8; 2]); 2] = [("1.0", [3, 1]), ("1.1", [3, 2])];

/// What servers of that time take, with certificates of either kind, the best first (RFC 4492, RFC 5246).
const CIPHERS: [u16; 14] = [
    0xc009, 0xc00a, 0xc013, 0xc014, 0x0033, 0x0039, 0x002f, 0x0035, 0xc008, 0xc012, 0x0016, 0x000a,
    0x0005, // And the word that renegotiation is safe, without which some refuse (RFC 5746).
    0x00ff,
];

/// Kinds of records and of messages in them.
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;

/// Whether the server at an address takes a version that is out of use.
pub(crate) fn takes(client: &Client, url: &str, version: [u8; 2]) -> Result<bool, Failure> {
    let name = host(url);
    let mut connected = client.connect(name, port(url).unwrap_or(443))?;
    let failed = |error: std::io::Error| Failure::of_io(&error);
    let sent = connected.stream.write_all(&hello(version, name));
    sent.map_err(failed)?;
    // A record's head, and of a message its kind, length and version.
    let mut answer = Vec::new();
    let read = connected.stream.take(11).read_to_end(&mut answer);
    match (classify(&answer, version), read) {
        (Some(takes), _) => Ok(takes),
        // Some hang up instead of saying no.
        (None, Ok(_)) if answer.is_empty() => Ok(false),
        (None, Err(error)) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(false),
        (None, Err(error)) => Err(failed(error)),
        (None, Ok(_)) => Err(Failure::new("it speaks something else")),
    }
}

/// What the beginning of an answer says; none where it says nothing.
fn classify(answer: &[u8], version: [u8; 2]) -> Option<bool> {
    match answer {
        [ALERT, 3, ..] => Some(false),
        [HANDSHAKE, 3, _, _, _, SERVER_HELLO, _, _, _, chosen @ ..] if chosen.len() == 2 => {
            Some(*chosen == version)
        }
        _ => None,
    }
}

/// The first message of a handshake, which knows no newer version (RFC 2246, 7.4.1.2).
fn hello(version: [u8; 2], name: &str) -> Vec<u8> {
    let mut extensions = Vec::new();
    // Which certificate is meant, where it is a name that says it (RFC 6066).
    if literal(name).is_none() {
        let entry = [&[0][..], &prefixed(name.as_bytes())].concat();
        extensions.extend(extension(0, &prefixed(&entry)));
    }
    // The curves P-256, P-384, P-521 and X25519, with points as they are (RFC 4492).
    extensions.extend(extension(10, &[0, 8, 0, 23, 0, 24, 0, 25, 0, 29]));
    extensions.extend(extension(11, &[1, 0]));
    let ciphers: Vec<u8> = CIPHERS.iter().flat_map(|one| one.to_be_bytes()).collect();
    let body = [
        &version[..],
        // No key comes of it, so the number need not be a random one.
        &[0x5c; 32],
        // No session, and no compression.
        &[0],
        &prefixed(&ciphers),
        &[1, 0],
        &prefixed(&extensions),
    ]
    .concat();
    let message = [&[1, 0][..], &prefixed(&body)].concat();
    // A record says 1.0 whatever is in it, for the sake of old servers.
    [&[HANDSHAKE, 3, 1][..], &prefixed(&message)].concat()
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &prefixed(body)].concat()
}

/// Bytes with their number before them. A host's name has at most 255.
fn prefixed(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_which_version_was_chosen() {
        let chosen = |version: u8| [22, 3, version, 0, 80, 2, 0, 0, 76, 3, version];
        assert_eq!(classify(&chosen(1), [3, 1]), Some(true));
        assert_eq!(classify(&chosen(2), [3, 2]), Some(true));
        // Offered 1.1, it takes 1.0 only.
        assert_eq!(classify(&chosen(1), [3, 2]), Some(false));
        assert_eq!(classify(&[21, 3, 1, 0, 2, 2, 70], [3, 1]), Some(false));
        assert_eq!(classify(b"SSH-2.0-Ope", [3, 1]), None);
        assert_eq!(classify(&[], [3, 1]), None);
    }

    #[test]
    fn the_lengths_in_the_message_are_its_own() {
        let hello = hello([3, 2], "clearml.example.com");
        let number = |at: usize| usize::from(u16::from_be_bytes([hello[at], hello[at + 1]]));
        assert_eq!(number(3), hello.len() - 5);
        assert_eq!(number(7), hello.len() - 9);
        assert_eq!(hello[9..11], [3, 2]);
        let named = b"clearml.example.com";
        assert!(hello.windows(named.len()).any(|window| window == named));
    }
}

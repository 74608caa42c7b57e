//! What a text is by its form: an address, a path, or another text in an encoding.

use std::net::{IpAddr, SocketAddr};

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::guess::bits;

/// What follows the host of an address, or a part of a path, says little as long as it is below this.
const LITTLE_BITS: f64 = 30.0;

/// The ends of names of hosts, as far as they are usual.
const ENDS: [&str; 40] = [
    "ai",
    "app",
    "at",
    "au",
    "biz",
    "br",
    "ca",
    "ch",
    "cloud",
    "cn",
    "co",
    "com",
    "corp",
    "de",
    "dev",
    "edu",
    "es",
    "eu",
    "fr",
    "gov",
    "home",
    "info",
    "internal",
    "intranet",
    "io",
    "it",
    "jp",
    "lan",
    "local",
    "localdomain",
    "ml",
    "net",
    "nl",
    "org",
    "private",
    "ru",
    "tech",
    "test",
    "uk",
    "us",
];

/// Whether a text is the address of something, or the path of a file, with nothing secret in it.
pub(super) fn is_address(text: &str, enough: f64) -> bool {
    let text = text.trim();
    if is_reference(text) {
        return true;
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte));
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (login, _) = authority.rsplit_once('@').unwrap_or(("", authority));
        return is_scheme && bits(login) + path_bits(path) < enough;
    }
    if let Some((local, host)) = text.split_once('@')
        && is_host(host)
    {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
        return !local.is_empty() && local.chars().all(is_name);
    }
    let (host, path) = text.split_at(text.find('/').unwrap_or(text.len()));
    let is_host =
        is_host(host) || host.parse::<IpAddr>().is_ok() || host.parse::<SocketAddr>().is_ok();
    is_path(text) || (is_host && bits(path) < enough)
}

/// The bits of what follows the host of an address. The names of a query's fields are those that the program behind it knows.
fn path_bits(path: &str) -> f64 {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let value = |field: &str| field.split_once('=').map_or(0.0, |(_, value)| bits(value));
    bits(path) + query.split('&').map(value).sum::<f64>()
}

/// The name of a secret in a store: `arn:aws:secretsmanager:…`, `vault:kv/clearml#key`, `projects/1/secrets/token`.
fn is_reference(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    if matches!(
        parts[..],
        ["projects", _, "secrets", _, ..] | ["secret" | "kv", "data", _, ..]
    ) {
        return true;
    }
    const STORES: [&str; 12] = [
        "arn",
        "awssm",
        "azurekv",
        "bitwarden",
        "doppler",
        "gcpsm",
        "gopass",
        "keyring",
        "pass",
        "secretsmanager",
        "ssm",
        "vault",
    ];
    let Some((store, name)) = text.split_once(':') else {
        return false;
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || "/:._-#@".contains(c);
    STORES.contains(&store) && name.contains(['/', ':', '#', '.']) && name.chars().all(is_name)
}

/// `a.example.com` or `a.example.com:8080`; a label that could be a secret is none.
fn is_host(text: &str) -> bool {
    let (name, port) = text.rsplit_once(':').unwrap_or((text, "0"));
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let labels: Vec<&str> = name.split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && bits(label) < 2.0 * LITTLE_BITS
    };
    is_port
        && labels.len() >= 2
        && labels.last().is_some_and(|end| ENDS.contains(end))
        && labels.iter().all(is_label)
}

/// A path from the root, a folder of somebody's or a drive, whose parts each say little.
fn is_path(text: &str) -> bool {
    let drive = text.as_bytes();
    let has_drive = drive.len() > 2
        && drive[0].is_ascii_alphabetic()
        && drive[1] == b':'
        && b"\\/".contains(&drive[2]);
    let is_rooted = ["/", "./", "../", "~/", "\\\\", "$HOME/"]
        .iter()
        .any(|root| text.starts_with(root));
    let parts = || text.split(['/', '\\']).filter(|part| !part.is_empty());
    // Random text in base64 has slashes, too; its parts are not all so short or so plain.
    (is_rooted || has_drive)
        && parts().count() > 1
        && !text.contains(['+', '='])
        && parts().all(|part| bits(part) < LITTLE_BITS)
}

/// What a text reads as when base64, base32 or hexadecimal digits are undone, where that is plain text itself.
pub(super) fn decoded(text: &str) -> Option<Zeroizing<String>> {
    let is_plain = |byte: &u8| byte.is_ascii_graphic() || b" \n\t\r".contains(byte);
    let plain = |bytes: &Zeroizing<Vec<u8>>| bytes.len() >= 4 && bytes.iter().all(is_plain);
    let inner = bytes_of(text).filter(plain);
    let inner = inner.or_else(|| base32(text.trim()).map(Zeroizing::new).filter(plain))?;
    let inner = std::str::from_utf8(&inner).ok()?;
    Some(Zeroizing::new(inner.trim().to_owned()))
}

/// The bytes of base32 (RFC 4648), in which authenticators write what they share with a server.
fn base32(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for c in text.trim_end_matches('=').bytes() {
        let digit = match c.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        held = held << 5 | u32::from(digit);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    Some(bytes)
}

/// The bytes that base64 or hexadecimal digits stand for.
pub(crate) fn bytes_of(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = text.trim();
    if let Some(bytes) = hex(text) {
        return Some(Zeroizing::new(bytes));
    }
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let text = text.strip_prefix("base64:").unwrap_or(text);
    [STANDARD, URL_SAFE]
        .iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, config).decode(text).ok())
        .map(Zeroizing::new)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let text = text.strip_prefix("0x").unwrap_or(text);
    let digits: Option<Vec<u32>> = text
        .chars()
        .filter(|c| *c != ':')
        .map(|c| c.to_digit(16))
        .collect();
    let digits = Zeroizing::new(digits?);
    let is_whole = !digits.is_empty() && digits.len() % 2 == 0;
    let byte = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]).ok();
    is_whole.then(|| digits.chunks(2).filter_map(byte).collect())
}

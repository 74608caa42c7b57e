//! Addresses of servers: their host, and whether it is this machine or one that everybody can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The host of an address, without its port.
pub(crate) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6),
        None => host.split(':').next().unwrap_or(host),
    }
}

/// The port that an address names.
pub(crate) fn port(url: &str) -> Option<u16> {
    let authority = url.split_once("://")?.1.split(['/', '?', '#']).next()?;
    authority.rsplit_once(':')?.1.parse().ok()
}

/// Whether an address is on this machine.
pub(crate) fn is_loopback(url: &str) -> bool {
    let host = if url.parse::<Ipv6Addr>().is_ok() {
        url
    } else {
        host(url)
    };
    host.eq_ignore_ascii_case("localhost")
        || literal(host).is_some_and(|address| address.is_loopback())
}

/// A host that is an address, also as C's `inet_aton` reads it, which looks names up: in a short form, in which the last number
/// has all bytes that are left (`127.1`), and with numbers in base 8 or 16 (`0177.1`, `0x7f.1`).
pub(crate) fn literal(host: &str) -> Option<IpAddr> {
    host.parse().ok().or_else(|| short(host).map(IpAddr::V4))
}

fn short(host: &str) -> Option<Ipv4Addr> {
    let numbers: Option<Vec<u32>> = host.split('.').map(number).collect();
    let numbers = numbers?;
    let (last, bytes) = numbers.split_last()?;
    let left = 32_u32.checked_sub(8 * u32::try_from(bytes.len()).ok()?)?;
    let mut address = *last;
    for (byte, shift) in bytes.iter().zip([24, 16, 8]) {
        address |= u32::from(u8::try_from(*byte).ok()?) << shift;
    }
    let fits = bytes.len() < 4 && u64::from(*last) < 1 << left;
    fits.then_some(address.into())
}

/// A number in the base that C sees by how it begins.
fn number(text: &str) -> Option<u32> {
    let (digits, base) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    let is_digit = |c: char| c.is_digit(base);
    let is_number = digits.chars().all(is_digit);
    is_number.then(|| u32::from_str_radix(digits, base).ok())?
}

/// The same for every spelling of an address: its scheme and host in small letters, without the port that its scheme has
/// anyway, without slashes at the end, and without what only a page of the web server knows.
pub(crate) fn normalized(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let scheme = scheme.to_ascii_lowercase();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let authority = authority.to_ascii_lowercase();
    let usual = match scheme.as_str() {
        "https" => ":443",
        _ => ":80",
    };
    let authority = authority.strip_suffix(usual).unwrap_or(&authority);
    let authority = authority.strip_suffix(':').unwrap_or(authority);
    let authority = authority.strip_suffix('.').unwrap_or(authority);
    format!("{scheme}://{authority}{}", path.trim_end_matches('/'))
}

/// The ends of names that are never delegated in the public DNS, or that belong to a private network
/// (docs/clearml.md#private-names).
const PRIVATE: [&str; 16] = [
    ".corp",
    ".fritz.box",
    ".home",
    ".home.arpa",
    ".internal",
    ".intranet",
    ".invalid",
    ".lan",
    ".local",
    ".localdomain",
    ".localhost",
    ".mail",
    ".private",
    ".svc",
    ".test",
    ".ts.net",
];

/// Whether a host is neither a name of a private network, such as a service of the deployment, nor an address of one.
pub(crate) fn is_public(host: &str) -> bool {
    match literal(host) {
        Some(address) => !is_private(address),
        None => {
            let host = host.trim_end_matches('.').to_ascii_lowercase();
            host.contains('.')
                && !PRIVATE.iter().any(|end| host.ends_with(end))
                && !is_named_after(&host, is_private)
        }
    }
}

/// Whether a host is this machine's, for anyone who asks for it: `localhost`, or a name with such an address in it.
pub(crate) fn is_own(host: &str) -> bool {
    is_loopback(host) || is_named_after(host, |address| address.is_loopback())
}

/// Whether a name has such an address in it, as `ml.10.0.0.5.nip.io` and `ml-10-0-0-5.sslip.io` have one.
fn is_named_after(host: &str, is_such: impl Fn(IpAddr) -> bool) -> bool {
    let mut domains = [".nip.io", ".sslip.io"].iter();
    let Some(name) = domains.find_map(|end| host.strip_suffix(end)) else {
        return false;
    };
    let name = name.replace('-', ".");
    let labels: Vec<&str> = name.split('.').collect();
    let addresses = labels.windows(4).map(|four| four.join(".").parse());
    let mut addresses = addresses.filter_map(Result::ok).peekable();
    addresses.peek().is_some() && addresses.all(is_such)
}

/// Whether an address is none of the public network's: this machine's, or a private network's.
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            // Shared by a provider's customers, and by what builds private networks over it (RFC 6598).
            let is_shared = first == 100 && second & 0b1100_0000 == 64;
            v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_unspecified()
                || is_shared
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_private(IpAddr::V4(v4)),
            None => {
                v6.is_loopback()
                    || v6.is_unspecified()
                    || v6.is_unique_local()
                    || v6.is_unicast_link_local()
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read() {
        for (url, name, is_here) in [
            ("http://localhost:8008", "localhost", true),
            ("https://127.0.0.9/api", "127.0.0.9", true),
            ("http://[::1]:8008/x", "::1", true),
            (
                "http://localhost.example.com",
                "localhost.example.com",
                false,
            ),
            ("http://127.0.0.1@example.com/", "example.com", false),
            ("https://10.0.0.1", "10.0.0.1", false),
            ("http://127.1:8008", "127.1", true),
            ("http://127.0.257/", "127.0.257", true),
            ("http://127.1.256.1", "127.1.256.1", false),
            ("http://127.16777216", "127.16777216", false),
            ("http://127.01", "127.01", true),
            ("http://8.1", "8.1", false),
            ("http://0x7f.1:8008", "0x7f.1", true),
            ("http://0X7F000001", "0X7F000001", true),
            ("http://2130706433", "2130706433", true),
            ("http://017700000001", "017700000001", true),
            ("http://0177.0.0.1", "0177.0.0.1", true),
            ("http://0127.0.0.1", "0127.0.0.1", false),
            ("http://127.0.0.08", "127.0.0.08", false),
            ("http://0x.1", "0x.1", false),
            ("http://0x7g.1", "0x7g.1", false),
            ("http://127.0.0.+1", "127.0.0.+1", false),
        ] {
            assert_eq!((host(url), is_loopback(url)), (name, is_here), "{url}");
        }
    }

    #[test]
    fn an_address_has_one_normal_form() {
        for (one, other) in [
            ("https://ml.example.com", "https://ML.example.com:443/"),
            ("http://h", "http://h:80"),
            ("http://h", "http://h./?x#y"),
            ("http://[::1]:8080/a", "http://[::1]:8080/a/"),
            ("http://[fe80::a]", "http://[FE80::A]:80"),
        ] {
            assert_eq!(normalized(other), one);
            assert_eq!(normalized(one), one);
        }
        for (one, other) in [
            ("http://h", "https://h"),
            ("http://h:8080", "http://h"),
            ("http://h/A", "http://h/a"),
            ("https://h:80", "https://h"),
            ("http://[::80]", "http://[:"),
        ] {
            assert_ne!(normalized(one), normalized(other));
        }
    }

    #[test]
    fn what_everybody_can_reach_is_told() {
        for host in [
            "clearml.example.com",
            "clearml.corp.example.com",
            "corp.com",
            "notts.net",
            "8.8.8.8",
            "8.2056",
            "0x8.8.8.8",
            "010.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.32.0.1",
            "2001:db8::1",
            "::ffff:8.8.8.8",
            "ml.8.8.8.8.nip.io",
            "ml.nip.io",
            "10-0-0-5.nip.io.example.com",
        ] {
            assert!(is_public(host), "{host}");
        }
        for host in [
            "apiserver",
            "box.local",
            "BOX.Local.",
            "clearml.corp",
            "a.b.test",
            "clearml.home",
            "nas.home.arpa",
            "ml.intranet",
            "x.private",
            "ml.tail1234.ts.net",
            "host.docker.internal",
            "clearml.lan",
            "api.clearml.svc",
            "10.1.2.3",
            "192.168.1.4",
            "172.31.0.1",
            "100.64.0.0",
            "100.101.102.103",
            "100.127.255.255",
            "169.254.1.1",
            "::1",
            "fd7a:115c:a1e0::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "api.clearml.127-0-0-1.nip.io",
            "ml-10-0-0-5.sslip.io",
            "192.168.1.4.nip.io",
            "127.1",
            "10.1025",
            "0xa.1",
            "012.0.0.1",
            "0xc0a80104",
            "::ffff:192.168.1.4",
        ] {
            assert!(!is_public(host), "{host}");
        }
    }
}

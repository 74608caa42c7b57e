//! Ports in their short form, as strictly as compose takes them.

use std::net::IpAddr;

use crate::compose::port;

/// Whether compose makes a port of a text: `[address:][published:]target[/protocol]`.
pub(super) fn is_port(text: &str) -> bool {
    let protocol = text.split_once('/').map(|(_, protocol)| protocol);
    let is_protocol = |name: &str| ["tcp", "udp", "sctp"].contains(&&*name.to_ascii_lowercase());
    if !protocol.is_none_or(is_protocol) {
        return false;
    }
    let (address, published, target) = port::split(text);
    let Some(target) = range(target) else {
        return false;
    };
    let is_right = match range(published) {
        None => published.is_empty(),
        // Docker chooses one of several for one.
        Some(range) => range.1 - range.0 == target.1 - target.0 || target.0 == target.1,
    };
    let address = match address.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').unwrap_or("-"),
        None => address,
    };
    is_right && (address.is_empty() || is_address(address))
}

pub(super) fn is_address(text: &str) -> bool {
    // A zone is behind a percent sign.
    let address = text.split_once('%').map_or(text, |(address, _)| address);
    address.parse::<IpAddr>().is_ok()
}

fn range(text: &str) -> Option<(u16, u16)> {
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse().ok(),
        false => None,
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = (number(first)?, number(last)?);
    (range.0 <= range.1).then_some(range)
}

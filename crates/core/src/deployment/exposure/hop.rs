//! Who passes what on to whom.

use std::ops::RangeInclusive;

use super::address::Address;
use super::condition::Holds;
use super::tool::Tool;
use crate::source::Span;

/// One container that passes on to another what comes in at a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Who does.
    pub by: usize,
    /// The port at which it comes in.
    pub at: u16,
    /// The container and the port to which it goes.
    pub to: (usize, u16),
    /// How.
    pub how: How,
    /// Whether only what shares its network reaches it there: it listens at the loopback address.
    pub is_loopback: bool,
    /// Whether it speaks TLS with who comes in.
    pub is_tls: bool,
    /// Whether it asks for a password or a certificate, or looks at the address, before it passes anything on.
    pub is_guarded: bool,
    /// Whether the files say so; otherwise it is concluded from the software.
    pub is_told: bool,
    /// The other end of a tunnel, by which it comes in without a port.
    pub(super) tunnel: Option<Span>,
}

/// How something is passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// As it is.
    Bytes,
    /// As requests of HTTP.
    Requests,
    /// As what somebody does in a web page for the database behind it.
    Page(&'static Tool),
}

/// Where a container listens, and whom it passes things on to.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// Its ports; none where it passes on what comes in at any port that is published.
    pub(super) at: Option<RangeInclusive<u16>>,
    /// Whether it listens there at the loopback address.
    pub(super) is_loopback: bool,
    pub(super) how: How,
    pub(super) is_tls: bool,
    /// Which requests it sends away instead of passing them on, to where TLS is spoken.
    pub(super) sends_away: Holds,
    pub(super) to: Vec<Target>,
}

/// Whom a proxy passes on to at one of its places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) address: Address,
    /// Whether it asks something of all who come there: what covers another path or port is no guard of this one.
    pub(super) is_guarded: bool,
}

impl From<Address> for Target {
    fn from(address: Address) -> Self {
        Self {
            address,
            is_guarded: false,
        }
    }
}

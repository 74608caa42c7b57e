//! The ports that a container has open.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use crate::source::Span;

/// One entry of `ports`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The ports of the container.
    pub target: RangeInclusive<u16>,
    /// The ports of the host; none where docker chooses.
    pub published: Option<RangeInclusive<u16>>,
    /// Where it is published.
    pub interface: Interface,
    /// The address that is written, where it is one.
    pub address: Option<IpAddr>,
    /// `tcp`, where nothing else is said.
    pub protocol: String,
    /// What opens it, where it is a pod's: that is what closes it.
    pub opener: Option<Opener>,
    /// The entry.
    pub span: Span,
}

/// What opens a port of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    /// The Service of a load balancer, which opens ports on every node for it, where the load balancer itself is not for
    /// everybody or speaks TLS.
    BehindBalancer,
    /// `hostPort` of the container.
    HostPort,
    /// The annotation of a Service that puts it into the network of Tailscale, and nothing else of the Service.
    Tailnet,
    /// A Service.
    Service {
        /// Whether its type does.
        by_type: bool,
        /// Whether its `externalIPs` do.
        by_addresses: bool,
    },
}

/// Which of the host's addresses a port is published on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    /// Every one, also those that a firewall's rules seem to close: docker writes its own.
    All,
    /// One that only the host itself reaches.
    Loopback,
    /// Those of a load balancer that lets the addresses of a list in, which are public ones.
    Listed,
    /// One.
    One(IpAddr),
    /// Those of a load balancer in a private network, or one that lets private addresses in alone.
    Private,
}

impl Port {
    /// Whether it is published on an address and nowhere else.
    pub fn is_at(&self, address: IpAddr) -> bool {
        match self.interface {
            Interface::All => address.is_unspecified(),
            _ => self.address == Some(address),
        }
    }

    /// Whether it is open on every node of a cluster for a load balancer alone.
    pub fn is_behind_balancer(&self) -> bool {
        self.opener == Some(Opener::BehindBalancer)
    }

    /// Whether it leads to a port on which a process of the container may listen with TCP.
    pub fn leads_to(&self, port: u16) -> bool {
        self.protocol == "tcp" && self.target.contains(&port)
    }

    /// Whether a port of the host is one at which it is published.
    pub fn is_published_at(&self, port: u16) -> bool {
        let published = self.published.as_ref();
        published.is_some_and(|range| range.contains(&port))
    }

    /// The host's ports in words: `8080`, `9200-9300`, `a port that docker chooses`.
    pub fn shown(&self) -> String {
        match &self.published {
            None => "a port that docker chooses".to_owned(),
            Some(range) if range.start() == range.end() => range.start().to_string(),
            Some(range) => format!("{}-{}", range.start(), range.end()),
        }
    }
}

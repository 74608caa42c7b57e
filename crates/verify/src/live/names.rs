//! The addresses behind a name. A name may have several, each with a server of its own: all of them are asked.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::Failure;

/// No more addresses of a name are asked.
pub(crate) const MOST: usize = 8;

/// Every name is looked up once, so that it means the same from the first question to the last.
#[derive(Clone, Default)]
pub(super) struct Names {
    known: Arc<Mutex<HashMap<String, Arc<[IpAddr]>>>>,
    /// Which address of a name is meant, by its place; of a name with fewer, the first ones again.
    place: usize,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

impl Names {
    /// The same names, of which another address is meant.
    pub(super) fn at(&self, place: usize) -> Self {
        Self {
            place,
            ..self.clone()
        }
    }

    /// All addresses of a host, in an order that stays.
    pub(super) fn all(&self, host: &str) -> Result<Arc<[IpAddr]>, Failure> {
        if let Some(known) = self.known().get(host) {
            return Ok(Arc::clone(known));
        }
        let found = (host, 0)
            .to_socket_addrs()
            .map_err(|_| Failure::new(format!("{host} has no address")))?;
        let mut found: Vec<IpAddr> = found.map(|address| address.ip()).collect();
        found.sort_unstable();
        found.dedup();
        if found.is_empty() {
            return Err(Failure::new(format!("{host} has no address")));
        }
        let mut known = self.known();
        Ok(Arc::clone(
            known.entry(host.to_owned()).or_insert_with(|| found.into()),
        ))
    }

    /// The address of a host that is meant.
    pub(super) fn one(&self, host: &str) -> Result<IpAddr, Failure> {
        let all = self.all(host)?;
        Ok(all[self.place % all.len()])
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<[IpAddr]>>> {
        // Entries are added as a whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().ok_or(Error::HostNotFound)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let usual = if uri.scheme_str() == Some("https") {
            443
        } else {
            80
        };
        let address = self.one(host).map_err(|_| Error::HostNotFound)?;
        let mut resolved = self.empty();
        resolved.push(SocketAddr::new(address, uri.port_u16().unwrap_or(usual)));
        Ok(resolved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_of_a_name_has_its_turn() {
        let names = Names::default();
        let both: [IpAddr; 2] = ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
        names
            .known()
            .insert("clearml.example.com".to_owned(), both.into());
        let at = |place: usize| names.at(place).one("clearml.example.com").unwrap();
        assert_eq!([at(0), at(1), at(2)], [both[0], both[1], both[0]]);
        assert_eq!(names.at(5).one("127.0.0.1").unwrap(), both[0]);
    }
}

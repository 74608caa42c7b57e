//! Ports of this machine for what a test starts.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, TcpListener};
use std::sync::Mutex;

/// Above those of most servers, and below both MongoDB's and those that a kernel gives to connections. A connection of
/// another test may hold one of the latter at the moment when it is listened at.
const PORTS: std::ops::Range<u16> = 12_000..27_000;

/// A port of this address that nobody listens at, and that no other test of this program is given.
pub fn free(address: IpAddr) -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let random = RandomState::new();
    let span = u64::from(PORTS.end - PORTS.start);
    (0_u64..)
        .map(|attempt| PORTS.start + (random.hash_one(attempt) % span) as u16)
        .find(|port| {
            TcpListener::bind((address, *port)).is_ok() && GIVEN.lock().unwrap().insert(*port)
        })
        .unwrap()
}

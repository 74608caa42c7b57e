//! Ports of this machine for what a test starts.

use std::fs::{self, File};
use std::net::{IpAddr, TcpListener};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Above those of most servers, and below both MongoDB's and those that a kernel gives to connections. A connection of
/// another test may hold one of the latter at the moment when it is listened at.
const PORTS: Range<u16> = 12_000..27_000;

/// So many belong to one program at a time.
const BLOCK: usize = 100;

/// Ports that no other program of these tests gives away, as long as the file is locked.
struct Block {
    _lock: File,
    left: Range<u16>,
}

/// A port of this address that nobody listens at, and that no other test is given, also not of another program: what gets
/// it may listen only later, or stop for a moment.
pub fn free(address: IpAddr) -> u16 {
    static MINE: Mutex<Vec<Block>> = Mutex::new(Vec::new());
    let mut mine = MINE.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let left = mine.last_mut().map(|block| &mut block.left);
        let mut ports = left.into_iter().flatten();
        match ports.find(|port| TcpListener::bind((address, *port)).is_ok()) {
            Some(port) => return port,
            None => mine.push(another_block()),
        }
    }
}

fn another_block() -> Block {
    let folder = std::env::temp_dir().join("clearml-secure-ports");
    fs::create_dir_all(&folder).unwrap();
    let firsts = PORTS.step_by(BLOCK);
    let mut blocks = firsts.filter_map(|first| {
        let lock = File::create(folder.join(first.to_string())).ok()?;
        lock.try_lock().ok()?;
        let left = first..first + BLOCK as u16;
        Some(Block { _lock: lock, left })
    });
    blocks.next().expect("all ports are in use by tests")
}

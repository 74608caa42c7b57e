//! A real Redis, for what a file server remembers (docs/clearml.md#remembered-tokens).

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::{oracle, port};

/// A real Redis on a port of its own.
pub struct Redis {
    child: Child,
    /// Where it listens, on this machine.
    pub port: u16,
}

impl Redis {
    /// Starts one; none, with a visible skip, where there is no redis-server.
    pub fn start() -> Option<Self> {
        let Some(program) = oracle::redis() else {
            oracle::skip("the file server's memory of tokens: redis-server not found");
            return None;
        };
        let port = port::free(Ipv4Addr::LOCALHOST.into());
        let child = Command::new(program)
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let redis = Self { child, port };
        for _ in 0..100 {
            if redis
                .call("PING")
                .is_some_and(|answer| answer.starts_with("+PONG"))
            {
                return Some(redis);
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("Redis does not answer");
    }

    /// What it answers to a command, and to QUIT.
    pub fn call(&self, command: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream
            .write_all(format!("{command}\r\nQUIT\r\n").as_bytes())
            .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

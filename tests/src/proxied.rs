//! Proxies as they really are: a configuration is started as it was generated, and asked for everything that may lead somewhere.
//!
//! A configuration is written once, with marks for what is another address in a container and on this machine: `@80@` and
//! `@8080@` where it listens, `@es@`, `@api@` and `@other@` for whom it passes on to, `@here@` for the folder of its files.

mod caddy;
mod haproxy;
mod httpd;
mod nginx;

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::generator::Random;
use crate::oracle;
use crate::port;

/// One of the proxies.
pub struct Kind {
    /// Its image.
    pub name: &'static str,
    program: &'static str,
    /// Where the image reads its file.
    pub target: &'static str,
    /// A configuration, with marks.
    pub generate: fn(&mut Random) -> String,
    /// What a real one needs besides, before the configuration.
    before: &'static str,
    arguments: fn(&str) -> Vec<String>,
    password_file: fn() -> String,
}

pub const KINDS: [Kind; 4] = [caddy::KIND, haproxy::KIND, httpd::KIND, nginx::KIND];

/// Where they listen in their containers.
pub const PORTS: [u16; 2] = [80, 8080];
/// For whom a request may be.
const HOSTS: [&str; 5] = [
    "127.0.0.1",
    "a.example",
    "b.example",
    "x.example",
    "localhost",
];
const PATHS: [&str; 9] = [
    "/", "/es", "/es/x", "/api", "/api/y", "/files/z", "/login", "/a/b", "/zzz",
];
/// What a browser sends for the user and the password that every generated configuration knows.
pub const USER: (&str, &str) = ("u", "p");

/// Whom a request may be passed on to.
const BACKENDS: [(&str, &str); 3] = [
    ("@es@", "elasticsearch:9200"),
    ("@api@", "apiserver:8008"),
    ("@other@", "other:3000"),
];

/// What requests came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// The first request that anybody may make and that comes to Elasticsearch.
    pub elasticsearch: Option<String>,
    /// The same of one with the password.
    pub with_password: Option<String>,
    /// The first that comes to the API server.
    pub apiserver: Option<String>,
}

/// Servers that tell how often they were asked.
pub struct Backends {
    all: Vec<(u16, Arc<AtomicUsize>)>,
}

impl Backends {
    pub fn start() -> Self {
        let all = BACKENDS.iter().map(|_| {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            let asked = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&asked);
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    count.fetch_add(1, Ordering::SeqCst);
                    answer(stream);
                }
            });
            (port, asked)
        });
        Self { all: all.collect() }
    }

    fn counts(&self) -> Vec<usize> {
        let all = self.all.iter();
        all.map(|(_, asked)| asked.load(Ordering::SeqCst)).collect()
    }
}

fn answer(mut stream: TcpStream) {
    drop(stream.set_read_timeout(Some(Duration::from_millis(500))));
    let mut head = [0; 4096];
    let _ = stream.read(&mut head);
    let _ =
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
}

/// A configuration as it is in the container.
pub fn in_container(text: &str) -> String {
    let mut text = text.replace("@here@", "/etc/own");
    for (mark, address) in BACKENDS {
        text = text.replace(mark, address);
    }
    for port in PORTS {
        text = text.replace(&format!("@{port}@"), &port.to_string());
    }
    text
}

/// What requests come to, of a configuration that the proxy takes; none of one that it refuses.
pub fn reached(kind: &Kind, program: &Path, text: &str, backends: &Backends) -> Option<Reached> {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().display().to_string();
    let ports = PORTS.map(|_| port::free(Ipv4Addr::LOCALHOST.into()));
    let mut real = format!("{}{text}", kind.before).replace("@here@", &here);
    for ((mark, _), (port, _)) in BACKENDS.iter().zip(&backends.all) {
        real = real.replace(mark, &format!("127.0.0.1:{port}"));
    }
    for (port, own) in PORTS.iter().zip(ports) {
        real = real.replace(&format!("@{port}@"), &own.to_string());
    }
    fs::write(folder.path().join("passwords"), (kind.password_file)()).unwrap();
    let file = folder.path().join("configuration");
    fs::write(&file, real).unwrap();
    let running = Running::start(kind, program, folder.path(), &ports)?;
    let reached = ask_all(&ports, backends);
    drop(running);
    Some(reached)
}

struct Running(Child);

impl Running {
    fn start(kind: &Kind, program: &Path, folder: &Path, ports: &[u16]) -> Option<Self> {
        let file = folder.join("configuration");
        let mut command = Command::new(program);
        command.args((kind.arguments)(&file.display().to_string()));
        for name in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
            command.env(name, folder);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut running = Self(command.spawn().unwrap());
        for _ in 0..250 {
            thread::sleep(Duration::from_millis(20));
            // What it refuses it ends with.
            if running.0.try_wait().unwrap().is_some() {
                return None;
            }
            if ports.iter().any(|port| connected(*port).is_some()) {
                return Some(running);
            }
        }
        None
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn connected(port: u16) -> Option<TcpStream> {
    let address = (Ipv4Addr::LOCALHOST, port).into();
    TcpStream::connect_timeout(&address, Duration::from_millis(500)).ok()
}

fn ask_all(ports: &[u16], backends: &Backends) -> Reached {
    let mut reached = Reached::default();
    for (port, own) in PORTS.iter().zip(ports) {
        if connected(*own).is_none() {
            continue;
        }
        for host in HOSTS {
            for path in PATHS {
                for (method, has_password) in [("GET", false), ("POST", false), ("GET", true)] {
                    let before = backends.counts();
                    ask(*own, host, path, method, has_password);
                    let after = backends.counts();
                    let is_asked = |at: usize| after[at] > before[at];
                    let said = || Some(format!("{method} http://{host}:{port}{path}"));
                    if is_asked(0) && !has_password && reached.elasticsearch.is_none() {
                        reached.elasticsearch = said();
                    }
                    if is_asked(0) && has_password && reached.with_password.is_none() {
                        reached.with_password = said();
                    }
                    if is_asked(1) && reached.apiserver.is_none() {
                        reached.apiserver = said();
                    }
                }
            }
        }
    }
    reached
}

fn ask(port: u16, host: &str, path: &str, method: &str, has_password: bool) {
    let Some(mut stream) = connected(port) else {
        return;
    };
    drop(stream.set_read_timeout(Some(Duration::from_secs(2))));
    let login = match has_password {
        true => format!(
            "Authorization: Basic {}\r\n",
            STANDARD.encode(format!("{}:{}", USER.0, USER.1))
        ),
        false => String::new(),
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n{login}Connection: close\r\n\r\n"
    );
    if stream.write_all(request.as_bytes()).is_ok() {
        let mut answer = Vec::new();
        let _ = stream.take(65_536).read_to_end(&mut answer);
    }
}

/// The program of a proxy, or a visible skip.
pub fn program(kind: &Kind) -> Option<PathBuf> {
    let found = oracle::on_path(kind.program);
    if found.is_none() {
        oracle::skip(&format!("where proxies lead: {} not found", kind.program));
    }
    found
}

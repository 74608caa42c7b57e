//! Proxies as they really are: a configuration is started as it was generated, and asked for everything that may lead somewhere.
//!
//! A configuration is written once, with marks for what is another address in a container and on this machine: `@80@` and
//! `@8080@` where it listens, `@es@`, `@api@` and `@other@` for whom it passes on to, `@es:port@` for such a port alone, `@here@`
//! for the folder of its files, `@file@` for the file.

mod caddy;
mod engine;
mod haproxy;
mod httpd;
mod nginx;
mod tls;
mod traefik;

use std::collections::HashSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use self::engine::Engine;
use crate::generator::Random;
use crate::oracle;
use crate::port;

/// One of the proxies.
pub struct Kind {
    pub name: &'static str,
    pub image: &'static str,
    program: &'static str,
    /// A configuration, with marks.
    pub generate: fn(&mut Random) -> Setup,
    /// What a real one needs besides, before the configuration.
    before: &'static str,
    /// What names the file, where the configuration has no words of its own.
    arguments: fn(&str) -> Vec<String>,
    password_file: fn() -> String,
    has_to_settle: bool,
}

pub const KINDS: [Kind; 5] = [
    caddy::KIND,
    haproxy::KIND,
    httpd::KIND,
    nginx::KIND,
    traefik::KIND,
];

/// What a proxy is started with, and what it finds.
#[derive(Debug, Default)]
pub struct Setup {
    /// Where its container has the file.
    pub target: &'static str,
    pub text: String,
    /// Its words.
    pub command: Vec<String>,
    /// The labels of those whom it may pass on to: Elasticsearch, the API server, the other one.
    pub labels: [Vec<String>; 3],
}

impl Setup {
    fn of_file(target: &'static str, text: String) -> Self {
        Self {
            target,
            text,
            ..Self::default()
        }
    }

    fn map(&self, change: impl Fn(&str) -> String) -> Self {
        let all = |texts: &Vec<String>| texts.iter().map(|text| change(text)).collect();
        Self {
            target: self.target,
            text: change(&self.text),
            command: all(&self.command),
            labels: self.labels.each_ref().map(all),
        }
    }

    /// As it is in containers.
    #[must_use]
    pub fn in_container(&self) -> Self {
        self.map(|text| {
            let mut text = text
                .replace("@here@", "/etc/own")
                .replace("@file@", self.target);
            for (mark, address) in BACKENDS {
                let port = address.rsplit(':').next().unwrap();
                text = text.replace(mark, address).replace(&port_mark(mark), port);
            }
            for port in PORTS {
                text = text.replace(&format!("@{port}@"), &port.to_string());
            }
            text
        })
    }
}

/// The mark of a port alone.
fn port_mark(mark: &str) -> String {
    format!("{}:port@", mark.trim_end_matches('@'))
}

/// Where they listen in their containers.
pub const PORTS: [u16; 2] = [80, 8080];
/// For whom a request may be.
const HOSTS: [&str; 7] = [
    "127.0.0.1",
    "a.example",
    "b.example",
    "x.example",
    "localhost",
    "elasticsearch-own",
    "apiserver-own",
];
const PATHS: [&str; 9] = [
    "/", "/es", "/es/x", "/api", "/api/y", "/files/z", "/login", "/a/b", "/zzz",
];
/// How, and with the password or without.
const WAYS: [(&str, bool); 3] = [("GET", false), ("POST", false), ("GET", true)];
/// What a browser sends for the user and the password that every generated configuration knows.
pub const USER: (&str, &str) = ("u", "p");

/// Whom a request may be passed on to.
const BACKENDS: [(&str, &str); 3] = [
    ("@es@", "elasticsearch:9200"),
    ("@api@", "apiserver:8008"),
    ("@other@", "other:3000"),
];

/// What requests came to; the API server in clear text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// The first request that anybody may make and that comes to Elasticsearch.
    pub elasticsearch: Option<String>,
    /// The same of one with the password.
    pub with_password: Option<String>,
    /// The first that comes to the API server.
    pub apiserver: Option<String>,
}

/// The numbers of the requests that came to a server: a copy of one may come late.
type Asked = Arc<Mutex<HashSet<usize>>>;

/// Servers that tell by whom they were asked.
pub struct Backends {
    all: Vec<(u16, Asked)>,
    engine: Engine,
}

impl Backends {
    pub fn start() -> Self {
        let all = BACKENDS.iter().map(|_| {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            let asked = Asked::default();
            let numbers = Arc::clone(&asked);
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    numbers.lock().unwrap().extend(answer(stream));
                }
            });
            (port, asked)
        });
        Self {
            all: all.collect(),
            engine: Engine::start(),
        }
    }

    fn has_come(&self, to: usize, number: usize) -> bool {
        self.all[to].1.lock().unwrap().contains(&number)
    }

    fn forget(&self) {
        for (_, asked) in &self.all {
            asked.lock().unwrap().clear();
        }
    }
}

/// Answers, and tells the number of the request.
fn answer(mut stream: TcpStream) -> Option<usize> {
    drop(stream.set_read_timeout(Some(Duration::from_millis(500))));
    let mut head = [0; 4096];
    let length = stream.read(&mut head).unwrap_or(0);
    let _ =
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    let head = String::from_utf8_lossy(&head[..length]).to_lowercase();
    let number = head.lines().find_map(|line| line.strip_prefix("x-number:"));
    number.and_then(|number| number.trim().parse().ok())
}

/// What requests come to, of a configuration that the proxy takes; none of one that it refuses.
pub fn reached(kind: &Kind, program: &Path, setup: &Setup, backends: &Backends) -> Option<Reached> {
    let folder = tempfile::tempdir().unwrap();
    let ports = PORTS.map(|_| port::free(Ipv4Addr::LOCALHOST.into()));
    let file = folder
        .path()
        .join(Path::new(setup.target).file_name().unwrap());
    let real = setup.map(|text| on_this_machine(text, &file, &ports, backends));
    fs::write(folder.path().join("passwords"), (kind.password_file)()).unwrap();
    let before = on_this_machine(kind.before, &file, &ports, backends);
    fs::write(&file, before + &real.text).unwrap();
    let names = BACKENDS.map(|(_, address)| address.split(':').next().unwrap());
    let ports_of_all = backends.all.iter().map(|(port, _)| *port);
    let all = names.into_iter().zip(real.labels.iter().map(Vec::as_slice));
    backends.engine.runs(
        all.zip(ports_of_all)
            .map(|((name, labels), port)| (name, labels, port)),
    );
    let arguments = match real.command.is_empty() {
        true => (kind.arguments)(&file.display().to_string()),
        false => real.command,
    };
    let running = Running::start(program, &arguments, folder.path(), &ports)?;
    if kind.has_to_settle {
        thread::sleep(Duration::from_millis(400));
    }
    let speaks_tls = format!("{setup:?}").contains("tls");
    let reached = ask_all(&ports, speaks_tls, backends);
    drop(running);
    Some(reached)
}

fn on_this_machine(text: &str, file: &Path, ports: &[u16], backends: &Backends) -> String {
    let here = file.parent().unwrap().display().to_string();
    let mut real = text
        .replace("@here@", &here)
        .replace("@file@", &file.display().to_string())
        .replace("@engine@", &backends.engine.port.to_string());
    for ((mark, _), (port, _)) in BACKENDS.iter().zip(&backends.all) {
        real = real
            .replace(mark, &format!("127.0.0.1:{port}"))
            .replace(&port_mark(mark), &port.to_string());
    }
    for (port, own) in PORTS.iter().zip(ports) {
        real = real.replace(&format!("@{port}@"), &own.to_string());
    }
    real
}

struct Running(Child);

impl Running {
    fn start(program: &Path, arguments: &[String], folder: &Path, ports: &[u16]) -> Option<Self> {
        let mut command = Command::new(program);
        command.args(arguments);
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

/// One request.
struct Request {
    number: usize,
    /// The port in the container.
    shown: u16,
    port: u16,
    host: &'static str,
    path: &'static str,
    method: &'static str,
    has_password: bool,
    is_tls: bool,
}

fn ask_all(ports: &[u16], speaks_tls: bool, backends: &Backends) -> Reached {
    let requests = requests(ports, speaks_tls);
    backends.forget();
    for request in &requests {
        request.ask();
    }
    thread::sleep(Duration::from_millis(50));
    let first = |to: usize, is_meant: &dyn Fn(&Request) -> bool| {
        let mut come = requests
            .iter()
            .filter(|one| backends.has_come(to, one.number));
        come.find(|one| is_meant(one)).map(Request::shown)
    };
    Reached {
        elasticsearch: first(0, &|one| !one.has_password),
        with_password: first(0, &|one| one.has_password),
        apiserver: first(1, &|one| !one.is_tls),
    }
}

fn requests(ports: &[u16], speaks_tls: bool) -> Vec<Request> {
    let mut all = Vec::new();
    let open = PORTS.iter().zip(ports.iter().copied());
    let open: Vec<(&u16, u16)> = open
        .filter(|(_, port)| connected(*port).is_some())
        .collect();
    for is_tls in [false, true].into_iter().take(1 + usize::from(speaks_tls)) {
        // A handshake takes long.
        let ways = WAYS
            .iter()
            .filter(|(method, _)| !is_tls || *method == "GET");
        for (method, has_password) in ways.copied() {
            for (host, path) in HOSTS
                .iter()
                .flat_map(|host| PATHS.map(|path| (*host, path)))
            {
                all.extend(open.iter().map(|&(&shown, port)| Request {
                    number: 0,
                    shown,
                    port,
                    host,
                    path,
                    method,
                    has_password,
                    is_tls,
                }));
            }
        }
    }
    for (number, request) in all.iter_mut().enumerate() {
        request.number = number;
    }
    all
}

impl Request {
    fn shown(&self) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        let Self {
            method,
            host,
            shown,
            path,
            ..
        } = self;
        format!("{method} {scheme}://{host}:{shown}{path}")
    }

    fn ask(&self) {
        let Some(mut stream) = connected(self.port) else {
            return;
        };
        drop(stream.set_read_timeout(Some(Duration::from_secs(2))));
        let login = match self.has_password {
            true => format!(
                "Authorization: Basic {}\r\n",
                STANDARD.encode(format!("{}:{}", USER.0, USER.1))
            ),
            false => String::new(),
        };
        let Self {
            number,
            method,
            host,
            path,
            ..
        } = self;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nX-Number: {number}\r\nContent-Length: 0\r\n{login}Connection: close\r\n\r\n"
        );
        match self.is_tls {
            true => exchange(tls::over(stream, host), &request),
            false => exchange(&mut stream, &request),
        }
    }
}

fn exchange(mut stream: impl Read + Write, request: &str) {
    if stream.write_all(request.as_bytes()).is_ok() {
        let _ = stream.take(65_536).read_to_end(&mut Vec::new());
    }
}

/// The program of a proxy, or a visible skip.
pub fn program(kind: &Kind) -> Option<PathBuf> {
    let found = oracle::on_path(kind.program).or_else(|| oracle::of_python(kind.program));
    if found.is_none() {
        oracle::skip(&format!("where proxies lead: {} not found", kind.program));
    }
    found
}

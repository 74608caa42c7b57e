//! Addresses of servers as they are written, and names with several, and databases that answer at them: each address is a server of its
//! own.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, id};
use std::thread;
use std::time::Duration;

use e2e::files::fixtures;
use e2e::oracle;
use e2e::program::{clearml, program};
use serde_json::Value;

/// An address of this machine that no other run has.
fn address(last: u8) -> String {
    let id = id();
    format!("127.{}.{}.{last}", 1 + id % 200, id / 200 % 250)
}

/// Answers every connection to a port of an address.
fn serve(address: &str, port: u16, answer: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind((address, port)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream);
        }
    });
    port
}

/// An API server that knows no users, or none but those that it has.
fn api(has_users: bool) -> impl Fn(TcpStream) {
    move |mut stream| {
        let mut asked = [0; 4096];
        let length = stream.read(&mut asked).unwrap_or(0);
        let asked = String::from_utf8_lossy(&asked[..length]).into_owned();
        let path = asked.split(' ').nth(1).unwrap_or_default();
        let data = match path {
            "/debug.ping" => "{}".to_owned(),
            "/login.supported_modes" => {
                format!(r#"{{"basic": {{"enabled": {has_users}, "guest": {{"enabled": false}}}}}}"#)
            }
            _ => String::new(),
        };
        let name = &path[1..];
        let (status, code, subcode) = match (data.is_empty(), name) {
            (false, _) => ("200 OK", 200, 0),
            (true, "auth.login") => ("401 X", 401, 22),
            _ => ("401 X", 401, 30),
        };
        let data = if data.is_empty() { "{}" } else { &data };
        let body = format!(
            r#"{{"meta": {{"endpoint": {{"name": "{name}"}}, "result_code": {code}, "result_subcode": {subcode}}}, "data": {data}}}"#
        );
        let length = body.len();
        drop(write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ));
    }
}

/// What is said of `name`, which has these addresses in a world of its own; none, with a visible skip, where there is
/// no such world to be had.
fn verify(name: &str, addresses: &[String], arguments: &[&str]) -> Option<Value> {
    let namespace = || {
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--mount"]);
        unshare
    };
    let has_one = namespace()
        .args(["mount", "--bind", "/etc/hosts", "/etc/hosts"])
        .output();
    if !has_one.is_ok_and(|output| output.status.success()) {
        oracle::skip("names with several addresses: no mount namespace of one's own");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    let lines: String = addresses
        .iter()
        .map(|one| format!("{one} {name}\n"))
        .collect();
    fs::write(&hosts, lines).unwrap();
    let script = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
    let output = namespace()
        .args(["sh", "-c", script])
        .arg(&hosts)
        .arg(program("verify"))
        .args(["--timeout", "1", "--rate", "1000", "-f", "json"])
        .args(arguments)
        .output()
        .unwrap();
    let document = serde_json::from_slice(&output.stdout);
    Some(document.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))))
}

fn texts(document: &Value, list: &str, field: &str) -> Vec<String> {
    let all = document[list].as_array().unwrap().iter();
    all.map(|one| one[field].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_address_of_a_name_is_asked() {
    let all = [address(11), address(12), address(13)];
    let port = serve(&all[0], 0, api(true));
    // The second has no users, and at the third nobody listens but a database.
    serve(&all[1], port, api(false));
    serve(&all[2], 6379, |mut stream| {
        drop(stream.write_all(b"+PONG\r\n"))
    });
    let url = format!("http://several.example:{port}");
    let Some(document) = verify("several.example", &all, &["--api", &url, &url]) else {
        return;
    };
    let found = texts(&document, "findings", "message");
    let open = format!(
        "anyone who can reach the web page can log in under any name, without a password: {url} has no fixed users enabled (at {} only)",
        all[1]
    );
    assert!(found.contains(&open), "{found:?}");
    let clear = format!("passwords and tokens can be sniffed: {url} answers without TLS");
    assert!(found.contains(&clear), "{found:?}");
    let redis = format!(
        "Redis answers at several.example:6379 (at {}) without a password",
        all[2]
    );
    assert!(found.iter().any(|one| one.starts_with(&redis)), "{found:?}");
    // What both have is said once.
    assert_eq!(found.len(), 3, "{found:?}");
    // An address that does not answer is not checked. For one that nobody has, some networks answer with a refusal.
    let silent = address(14);
    serve(&silent, port, |_taken| {
        thread::sleep(Duration::from_secs(60))
    });
    let addresses = [all[0].clone(), silent.clone()];
    let document = verify("several.example", &addresses, &["--api", &url, &url]).unwrap();
    let unknown = texts(&document, "unknown", "what");
    let expected = format!("{url} (at {silent})");
    assert!(unknown.contains(&expected), "{unknown:?}");
}

/// What a port says, and what is said of it.
type Port = (&'static str, u16, fn(TcpStream), &'static str);

/// `closed` is a database that asks for a password, `open` one that does not, `is` one of which no more is known, and
/// `unknown` something that is not understood.
const PORTS: [Port; 17] = [
    ("Redis", 6379, |stream| say(stream, &[b"+PONG\r\n"]), "open"),
    (
        "Redis",
        6379,
        |stream| say(stream, &[b"+", b"PO", b"NG\r", b"\n"]),
        "open",
    ),
    (
        "Redis",
        6379,
        |stream| say(stream, &[b"-NOAUTH Authentication required.\r\n"]),
        "closed",
    ),
    (
        "Redis",
        6379,
        |stream| say(stream, &[b"-DENIED Redis is running in protected mode\r\n"]),
        "closed",
    ),
    (
        "Redis",
        6379,
        |stream| say(stream, &[b"-LOADING Redis is loading\r\n"]),
        "is",
    ),
    (
        "Redis",
        6379,
        |stream| say(stream, &[b"-ERR unknown command\r\n"]),
        "unknown",
    ),
    ("Redis", 6379, |stream| say(stream, &[b"+PO"]), "unknown"),
    (
        "Redis",
        6379,
        |stream| say(stream, &[b"\x15\x03\x03\x00\x02\x02\x46"]),
        "unknown",
    ),
    ("Redis", 6379, drop, "unknown"),
    (
        "Redis",
        6379,
        |stream| {
            thread::sleep(Duration::from_secs(
                3 + u64::from(stream.peer_addr().is_err()),
            ))
        },
        "unknown",
    ),
    (
        "Elasticsearch",
        9200,
        |stream| {
            say(
                stream,
                &[b"HTTP/1.0 200 OK\r\n\r\n{", b"\"cluster_name\": \"x\"}"],
            )
        },
        "open",
    ),
    (
        "Elasticsearch",
        9200,
        |stream| {
            say(
                stream,
                &[
                    b"HTTP/1.0 401 Unauthorized\r\n\r\n{\"type\":",
                    b"\"security_exception\"}",
                ],
            )
        },
        "closed",
    ),
    (
        "Elasticsearch",
        9200,
        |stream| say(stream, &[b"HTTP/1.1 200 OK\r\n\r\nhello"]),
        "unknown",
    ),
    (
        "Elasticsearch",
        9200,
        |stream| say(stream, &[b"HTTP/1.1 403 Forbidden\r\n\r\n"]),
        "unknown",
    ),
    (
        "MongoDB",
        27017,
        |stream| say(stream, &[&DATABASES[..20], &DATABASES[20..]]),
        "open",
    ),
    ("MongoDB", 27017, |stream| say(stream, &[REFUSED]), "closed"),
    (
        "MongoDB",
        27017,
        |stream| say(stream, &[&DATABASES[..20]]),
        "unknown",
    ),
];

/// The beginning of what MongoDB says, and what it says without a login.
const DATABASES: &[u8] =
    b"\x22\x00\x00\x00\x09\x00\x00\x00\x01\x00\x00\x00\xdd\x07\x00\x00\x00\x00\x00\x00\x00\x04databases\x00\x05\x00";
const REFUSED: &[u8] =
    b"\x2e\x00\x00\x00\x09\x00\x00\x00\x01\x00\x00\x00\xdd\x07\x00\x00\x00\x00\x00\x00\x00\x02codeName\x00Unauthorized\x00";

/// Says one part after the other, and hangs up.
fn say(mut stream: TcpStream, parts: &[&[u8]]) {
    drop(stream.read(&mut [0; 256]));
    for part in parts {
        drop(stream.write_all(part));
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_database_is_read_until_it_is_known() {
    for (number, (name, port, answer, expected)) in (20..).zip(PORTS) {
        let address = address(number);
        serve(&address, port, answer);
        let web = serve(&address, 0, api(true));
        let url = format!("http://{address}:{web}");
        let done = clearml("verify")
            .args(["--timeout", "1", "-f", "json", "--api", &url, &url])
            .done();
        let document: Value = serde_json::from_str(&done.stdout).unwrap();
        let found = texts(&document, "findings", "message");
        let place = format!("{name} answers at {address}:{port} ");
        let said = found.iter().find_map(|one| one.strip_prefix(&place));
        let said = said.map(|rest| rest.split(':').next().unwrap());
        let what = format!("whether {name} answers at {address}:{port}");
        let is_unknown = texts(&document, "unknown", "what").contains(&what);
        let (finding, unknown) = match expected {
            "open" => (Some("without a password"), false),
            "closed" => (Some("and asks for a password"), false),
            "is" => (Some("and may ask for no password"), false),
            _ => (None, true),
        };
        assert_eq!(
            (said, is_unknown),
            (finding, unknown),
            "{number}: {}",
            done.stdout
        );
    }
}

/// A list of addresses may have one, too.
#[test]
fn a_password_in_an_address_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    for address in [
        "http://bob:hunter2@localhost:8080",
        "http:/bob:hunter2@localhost:8080",
        "bob:hunter2@localhost:8080",
        "//bob:hunter2@localhost",
    ] {
        fs::write(
            folder.path().join("hosts.txt"),
            format!("http://localhost:1\n{address}\n"),
        )
        .unwrap();
        for arguments in [
            &[address][..],
            &["@hosts.txt"],
            &["http://localhost:1", address],
        ] {
            let done = clearml("verify")
                .within(folder.path())
                .args(arguments)
                .done()
                .exit(2);
            let said = done.stdout + &done.stderr;
            assert!(said.contains("and no user name"), "{address}: {said}");
            assert!(!said.contains("hunter2"), "{address}: {said}");
        }
    }
}

#[test]
fn the_address_of_a_part_is_asked_also_where_no_target_is_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("docker-compose.yml");
    fs::copy(fixtures().join("stock/docker-compose.yml"), &file).unwrap();
    for option in ["--api", "--web", "--files"] {
        for targets in [&[][..], &["docker-compose.yml"]] {
            let done = clearml("verify")
                .within(folder.path())
                .args(["-f", "json", option, "http://localhost:1"])
                .args(targets)
                .done();
            assert!(
                done.stdout.contains("http://localhost:1"),
                "{}",
                done.stdout
            );
            let has_file = done.stdout.contains("missing-setting");
            assert_eq!(has_file, !targets.is_empty(), "{}", done.stdout);
        }
    }
}

//! A server of one's own making: a listener, and a thread for each connection.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// What a server does with a connection.
pub(super) type Serve = fn(TcpStream);

/// No connection is held longer.
const LONGEST: Duration = Duration::from_secs(15);

/// A request, read whole.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The header and the body as they came.
    pub(crate) text: String,
}

/// Starts a server. It ends with the process.
pub(super) fn start(serve: Serve) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            drop(stream.set_read_timeout(Some(LONGEST)));
            drop(stream.set_write_timeout(Some(LONGEST)));
            thread::spawn(move || serve(stream));
        }
    });
    url
}

/// Keeps a connection open and says nothing.
pub(super) fn hold(stream: &TcpStream) {
    thread::sleep(LONGEST);
    // It is used so that it is not dropped before.
    drop(stream.peer_addr());
}

impl Request {
    /// The next request of a connection, if there is one.
    pub(crate) fn read(stream: &mut TcpStream) -> Option<Self> {
        let mut bytes = Vec::new();
        let mut part = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let lower = head.to_lowercase();
                let length = lower
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
                    .unwrap_or(0);
                if body.len() >= length {
                    let mut words = head.split(' ');
                    return Some(Self {
                        method: words.next()?.to_owned(),
                        path: words.next()?.to_owned(),
                        text,
                    });
                }
            }
            match stream.read(&mut part) {
                Ok(0) | Err(_) => return None,
                Ok(length) => bytes.extend_from_slice(&part[..length]),
            }
        }
    }

    /// The value of a header, by its name in lower case; empty where it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut lines = self.text.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }
}

/// Sends bytes; that nobody listens any more is no matter.
pub(super) fn send(stream: &mut TcpStream, bytes: impl AsRef<[u8]>) {
    drop(stream.write_all(bytes.as_ref()));
}

/// Sends an answer with its length, and closes.
pub(super) fn answer(stream: &mut TcpStream, status: &str, headers: &str, body: impl AsRef<[u8]>) {
    let body = body.as_ref();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    send(stream, [head.as_bytes(), body].concat());
}

/// Sends bytes one by one.
pub(super) fn drip(stream: &mut TcpStream, bytes: &[u8]) {
    for byte in bytes {
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(150));
    }
}

/// Answers every request of a connection with the same.
pub(super) fn always(mut stream: TcpStream, status: &str, headers: &str, body: &str) {
    if Request::read(&mut stream).is_some() {
        answer(&mut stream, status, headers, body);
    }
}

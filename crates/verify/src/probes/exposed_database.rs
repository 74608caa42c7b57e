//! A database answers from outside.
//!
//! **What**: Elasticsearch, MongoDB or Redis answers on its port at the address of the server.
//!
//! **Why**: everything ClearML knows is in there, users' credentials among it, and by default none has a password.
//!
//! **Fix**: publish none of these ports.
//!
//! **Asks**: GET / of Elasticsearch, PING of Redis, listDatabases of MongoDB, at every address of the server's names. A port
//! that takes the connection and answers like none of these databases is listed as not checked.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
use crate::live::{Failure, Seen, Site, host, is_loopback, together};

/// No more of an answer is read.
const LONGEST: usize = 64 << 10;

/// Name, port, what is sent, and how its answer is told.
struct Database {
    name: &'static str,
    port: u16,
    question: &'static [u8],
    read: fn(&[u8]) -> Option<Answer>,
}

/// What a database says to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// It asks for a password.
    Asks,
    /// It is one of these, and that is all that can be told.
    Is,
    /// It answers the question.
    Open,
    /// It is something else, as far as can be told.
    Other,
}

/// `{listDatabases: 1, nameOnly: true, $db: "admin"}` as an OP_MSG: length, request, response, code 2013, flags, section 0.
const LIST_DATABASES: &[u8] = b"\x47\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00\x00\x00\x00\x00\x00\
\x32\x00\x00\x00\x10listDatabases\x00\x01\x00\x00\x00\x08nameOnly\x00\x01\x02$db\x00\x06\x00\x00\x00admin\x00\x00";

const DATABASES: [Database; 3] = [
    Database {
        name: "Elasticsearch",
        port: 9200,
        question: b"GET / HTTP/1.0\r\n\r\n",
        read: elasticsearch,
    },
    Database {
        name: "MongoDB",
        port: 27017,
        question: LIST_DATABASES,
        read: mongodb,
    },
    Database {
        name: "Redis",
        port: 6379,
        question: b"PING\r\n",
        read: redis,
    },
];

pub(crate) struct ExposedDatabase;

impl Probe for ExposedDatabase {
    fn id(&self) -> &'static str {
        "exposed-database"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let mut hosts: Vec<&str> = Vec::new();
        for address in [&site.api, &site.files, &site.web].into_iter().flatten() {
            if !hosts.contains(&host(address)) {
                hosts.push(host(address));
            }
        }
        let mut asked: Vec<(&str, SocketAddr, &Database)> = Vec::new();
        for host in &hosts {
            // Each address has a site of its own, but for those where no part of the server is.
            let own = site.client.address(host).into_iter();
            for address in own.chain(site.deserted.iter().copied()) {
                let to = |database: &Database| SocketAddr::new(address, database.port);
                asked.extend(DATABASES.iter().map(|one| (*host, to(one), one)));
            }
        }
        let answers = together(&asked, |(host, to, database)| {
            ask(site, host, *to, database)
        });
        if site.client.is_over() {
            // A port that was not asked is not one where nobody answers.
            seen.unknown(
                &format!("whether databases answer at {}", hosts.join(", ")),
                "the time for all requests ran out",
            );
        }
        for ((host, to, database), answer) in asked.into_iter().zip(answers) {
            let mut place = format!("{host}:{}", database.port);
            if site.at.is_some() || site.deserted.contains(&to.ip()) {
                place.push_str(&format!(" (at {})", to.ip()));
            }
            let what = format!("whether {} answers at {place}", database.name);
            match answer {
                // A port where nobody answers is what should be.
                Ok(None) => {}
                Ok(Some(answer)) => say(seen, database, host, &place, answer),
                Err(failure) => seen.unknown(
                    &what,
                    &format!("{to} accepts the connection, but then: {failure}"),
                ),
            }
        }
    }
}

fn say(seen: &mut Seen, database: &Database, host: &str, place: &str, answer: Answer) {
    let name = database.name;
    let what = match answer {
        Answer::Open => {
            "without a password: anyone who can reach it can read and change all ClearML data in it"
        }
        Answer::Asks => {
            "and asks for a password: only the password protects the ClearML data in it"
        }
        Answer::Is => "and may ask for no password: the ClearML data in it may be open to anyone",
        Answer::Other => {
            return seen.unknown(
                &format!("whether {name} answers at {place}"),
                "something else answers there",
            );
        }
    };
    // What answers on this machine to itself is no proof that others reach it.
    let severity = if is_loopback(host) {
        Severity::Warning
    } else {
        Severity::Error
    };
    seen.found(
        severity,
        Server::Apiserver,
        format!("{name} answers at {place} {what}"),
        "remove the ports of the databases from the compose file:\n  clearml-inject --close-ports -i docker-compose.yml",
    );
}

/// What is said at a port; none where nobody takes the connection. It is read until that is known, or the time is over.
fn ask(
    site: &Site,
    host: &str,
    to: SocketAddr,
    database: &Database,
) -> Result<Option<Answer>, Failure> {
    let mut connected = match site.client.connect_to(host, to) {
        Ok(connected) => connected,
        Err(failure) if failure.is_unreachable() => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let until = Instant::now() + site.client.timeout();
    connected
        .stream
        .write_all(database.question)
        .map_err(|error| Failure::of_io(&error))?;
    let mut text = Vec::new();
    let mut part = [0; 4096];
    while text.len() < LONGEST {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failure::new("no complete answer in time"));
        }
        let read = connected
            .stream
            .set_read_timeout(Some(left))
            .and_then(|()| connected.stream.read(&mut part));
        match read.map_err(|error| Failure::of_io(&error))? {
            0 if text.is_empty() => {
                return Err(Failure::new("connection closed without an answer"));
            }
            0 => break,
            length => text.extend_from_slice(&part[..length]),
        }
        if let Some(answer) = (database.read)(&text) {
            return Ok(Some(answer));
        }
    }
    Ok(Some(Answer::Other))
}

/// What Elasticsearch says, once it is enough to tell.
fn elasticsearch(text: &[u8]) -> Option<Answer> {
    let line = text.split(|byte| *byte == b'\n').next()?;
    let is_line_over = line.len() < text.len();
    if !b"HTTP/".starts_with(&text[..text.len().min(5)]) {
        return Some(Answer::Other);
    }
    if !is_line_over {
        return None;
    }
    match line.split(|byte| *byte == b' ').nth(1) {
        Some(b"200") if has(text, b"\"cluster_name\"") => Some(Answer::Open),
        // Its page may not be whole yet.
        Some(b"200") => None,
        Some(b"401") if has(text, b"security_exception") || has(text, b"Elasticsearch") => {
            Some(Answer::Asks)
        }
        Some(b"401") => None,
        _ => Some(Answer::Other),
    }
}

/// What MongoDB says, once it is whole or enough to tell: an OP_MSG or, of old, an OP_REPLY.
fn mongodb(text: &[u8]) -> Option<Answer> {
    const OP_REPLY: u32 = 1;
    const OP_MSG: u32 = 2013;
    let number = |at: usize| {
        let bytes = text.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    let (length, in_reply_to, code) = (number(0)?, number(8)?, number(12)?);
    if in_reply_to != 1 || ![OP_REPLY, OP_MSG].contains(&code) {
        return Some(Answer::Other);
    }
    if has(text, b"\x04databases\x00") {
        return Some(Answer::Open);
    }
    if has(text, b"requires authentication") || has(text, b"Unauthorized") {
        return Some(Answer::Asks);
    }
    (text.len() >= length as usize).then_some(if has(text, b"\x02errmsg\x00") {
        Answer::Is
    } else {
        Answer::Other
    })
}

/// What Redis says, once the line is over. `-ERR` is said by many.
fn redis(text: &[u8]) -> Option<Answer> {
    let line = text.split(|byte| *byte == b'\n').next()?;
    if line.len() == text.len() {
        return None;
    }
    Some(match line.trim_ascii_end() {
        b"+PONG" => Answer::Open,
        line if line.starts_with(b"-NOAUTH ") || line.starts_with(b"-DENIED ") => Answer::Asks,
        // An access list may take this from everybody, and leave all else.
        line if [&b"-LOADING "[..], b"-MISCONF ", b"-NOPERM "]
            .iter()
            .any(|start| line.starts_with(start)) =>
        {
            Answer::Is
        }
        _ => Answer::Other,
    })
}

fn has(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_to_mongodb_has_the_length_it_says() {
        let number =
            |at: usize| u32::from_le_bytes(LIST_DATABASES[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!(number(0), LIST_DATABASES.len());
        assert_eq!(number(21), LIST_DATABASES.len() - 21);
    }

    #[test]
    fn each_part_of_an_answer_is_no_answer() {
        for (read, text, expected) in [
            (redis as fn(&[u8]) -> _, &b"+PONG\r\n"[..], Answer::Open),
            (redis, b"-NOAUTH Authentication required.\r\n", Answer::Asks),
            (
                redis,
                b"-NOPERM this user has no permissions to run the 'ping' command\r\n",
                Answer::Is,
            ),
            (redis, b"-LOADING Redis is loading\r\n", Answer::Is),
            (
                elasticsearch,
                b"HTTP/1.0 200 OK\r\n\r\n{\"cluster_name\"",
                Answer::Open,
            ),
            (
                elasticsearch,
                b"HTTP/1.1 401 Unauthorized\r\n\r\n{\"type\":\"security_exception",
                Answer::Asks,
            ),
            (
                mongodb,
                b"\x80\x00\x00\x00\x09\x00\x00\x00\x01\x00\x00\x00\xdd\x07\x00\x00\x04databases\x00",
                Answer::Open,
            ),
            (
                mongodb,
                b"\x80\x00\x00\x00\x09\x00\x00\x00\x01\x00\x00\x00\xdd\x07\x00\x00\x0dUnauthorized",
                Answer::Asks,
            ),
        ] {
            for length in 1..text.len() {
                assert_eq!(read(&text[..length]), None, "{length} of {text:?}");
            }
            assert_eq!(read(text), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn what_many_say_is_not_understood() {
        assert_eq!(redis(b"-ERR unknown command\r\n"), Some(Answer::Other));
        assert_eq!(redis(b"HTTP/1.1 400 Bad Request\r\n"), Some(Answer::Other));
        assert_eq!(elasticsearch(b"\x15\x03\x03\x00\x02"), Some(Answer::Other));
        assert_eq!(
            elasticsearch(b"HTTP/1.0 403 Forbidden\r\n"),
            Some(Answer::Other)
        );
        assert_eq!(mongodb(b"HTTP/1.0 200 OK\r\n"), Some(Answer::Other));
        let other = b"\x14\x00\x00\x00\x09\x00\x00\x00\x01\x00\x00\x00\xdd\x07\x00\x00abcd";
        assert_eq!(mongodb(other), Some(Answer::Other));
    }
}

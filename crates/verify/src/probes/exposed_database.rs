//! A database answers from outside.
//!
//! **What**: Elasticsearch, MongoDB or Redis answers on its port at the address of the server.
//!
//! **Why**: everything ClearML knows is in there, users' credentials among it, and by default none has a password.
//!
//! **Fix**: publish none of these ports.
//!
//! **Asks**: GET / of Elasticsearch, PING of Redis, listDatabases of MongoDB.

use std::io::{Read, Write};

use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
use crate::live::{Seen, Site, host, is_loopback, together};

/// Name, port, what is sent, and how its answers are told: of one that asks for a password, and of one that does not.
struct Database {
    name: &'static str,
    port: u16,
    question: &'static [u8],
    is_open: fn(&[u8]) -> bool,
    is_closed: fn(&[u8]) -> bool,
}

/// `{listDatabases: 1, nameOnly: true, $db: "admin"}` as an OP_MSG: length, request, response, code 2013, flags, section 0.
const LIST_DATABASES: &[u8] = b"\x47\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00\x00\x00\x00\x00\x00\
\x32\x00\x00\x00\x10listDatabases\x00\x01\x00\x00\x00\x08nameOnly\x00\x01\x02$db\x00\x06\x00\x00\x00admin\x00\x00";

const DATABASES: [Database; 3] = [
    Database {
        name: "Elasticsearch",
        port: 9200,
        question: b"GET / HTTP/1.0\r\n\r\n",
        is_open: |answer| {
            answer.starts_with(b"HTTP/") && has(answer, b" 200 ") && has(answer, b"cluster_name")
        },
        is_closed: |answer| answer.starts_with(b"HTTP/") && has(answer, b" 401 "),
    },
    Database {
        name: "MongoDB",
        port: 27017,
        question: LIST_DATABASES,
        is_open: |answer| has(answer, b"totalSize") || has(answer, b"databases"),
        is_closed: |answer| has(answer, b"codeName") || has(answer, b"errmsg"),
    },
    Database {
        name: "Redis",
        port: 6379,
        question: b"PING\r\n",
        is_open: |answer| answer.starts_with(b"+PONG"),
        is_closed: |answer| answer.starts_with(b"-NOAUTH") || answer.starts_with(b"-DENIED"),
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
        let asked: Vec<(&str, &Database)> = hosts
            .iter()
            .flat_map(|host| DATABASES.iter().map(move |database| (*host, database)))
            .collect();
        let answers = together(&asked, |(host, database)| ask(site, host, database));
        if site.client.is_over() {
            // A port that was not asked is not one where nobody answers.
            seen.unknown(
                &format!("whether databases answer at {}", hosts.join(", ")),
                "the time for all requests is over",
            );
        }
        for ((host, database), answer) in asked.into_iter().zip(answers) {
            // A port where nobody answers is what should be.
            let Some(answer) = answer else {
                continue;
            };
            let name = database.name;
            let what = if (database.is_open)(&answer) {
                "without a password"
            } else if (database.is_closed)(&answer) {
                "and asks for a password"
            } else {
                continue;
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
                format!("{name} answers at {host}:{} {what}; all that ClearML knows is in its databases", database.port),
                "publish none of the databases' ports",
            );
        }
    }
}

/// The beginning of an answer; none where nobody answers.
fn ask(site: &Site, host: &str, database: &Database) -> Option<Vec<u8>> {
    let mut connected = site.client.connect(host, database.port).ok()?;
    connected.stream.write_all(database.question).ok()?;
    let mut answer = vec![0; 4096];
    let length = connected.stream.read(&mut answer).ok()?;
    answer.truncate(length);
    Some(answer)
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
}

//! The stand-in server answers as the running servers were seen to: `tests/standin/observed.toml`, line by line.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::files::root;
use e2e::standin::Standin;
use serde::Deserialize;
use serde_json::{Value, json};

/// Who asks, and with what.
const WHO: [(&str, &str); 13] = [
    ("nobody", ""),
    ("garbage", "Bearer a.b.c"),
    (
        "apiserver",
        "Basic NjJUOENQN0hHQkM2NjQ3WEY5MzE0QzJWWTY3UkpPOmdhT2ZoRFgyLWJwa2VJNy1jd0VjYU11R2lqeGFHMlVHM2piSXZnNER4bVZHRjBMTkk3cmd2Q2IxLW5lMzhJbEJvMXc=",
    ),
    (
        "old apiserver",
        "Basic NjJUOENQN0hHQkM2NjQ3WEY5MzE0QzJWWTY3UkpPOkZoUzhWWnZfSTQlNk1vJDhTMUJXYyRuJD1vMWRNWVNpdnVpV1UtVmd1cTdxR09Lc2tHLWQrYkB0bl9JcQ==",
    ),
    (
        "services_agent",
        "Basic UDRCTUpBN1JLM1RLQlhHU1k4T0FBMUZBOFRPRDExOjlMc2dTZmEwU1l6MHpsaTFfYzUwMFpjTHFhbnJlMnhrV09wZXB5dDF3LUJLSzNfREtQSHJ0b2ozSlNIdnl5OGJJaTA=",
    ),
    (
        "fileserver",
        "Basic R1NRV1BFS1NLTktGMzU0TEM5VjZCSFhLVFlGRDVJOnR1QlhjR1FCRUNzRWhjTmlLMmtpV2k3NTB6OXI4Wjg1WHJROVYwYzI0aHVUdUNiMnhmMlgxbktH",
    ),
    (
        "webserver",
        "Basic RVlWUTM4NVJXN1kyUVFVSDg4Q1o3RFdJUTFXVUhQOlhoa0g2YTZkczlKQm5NX01yYWhZeVlkTy13UzJicUZTbThnbC1WMFVaWEgyNllkZDZFeWkyOFRlQkVvU3I2WjNCZXM=",
    ),
    ("tests", "Bearer"),
    (
        "token",
        "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpZGVudGl0eSI6eyJ1c2VyIjoibm9ib2R5IiwiY29tcGFueSI6ImQxYmQ5MmEzYjAzOTQwMGNiYWZjNjBhN2E1YjFlNTJiIiwicm9sZSI6InN5c3RlbSJ9fQ.Siiev7iCJeKQc_R88utXe9tef0dvurbKl1EAlSECQrI",
    ),
    (
        "old token",
        "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpZGVudGl0eSI6eyJ1c2VyIjoibm9ib2R5IiwiY29tcGFueSI6ImQxYmQ5MmEzYjAzOTQwMGNiYWZjNjBhN2E1YjFlNTJiIiwicm9sZSI6InN5c3RlbSJ9fQ.T4iykNJZH8nDHUx1QC2VwsLP25A23Mre6PLLH4y6b2M",
    ),
    (
        "empty token",
        "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpZGVudGl0eSI6eyJ1c2VyIjoibm9ib2R5IiwiY29tcGFueSI6ImQxYmQ5MmEzYjAzOTQwMGNiYWZjNjBhN2E1YjFlNTJiIiwicm9sZSI6InN5c3RlbSJ9fQ.X6KG8NasneY2vTDWLiYDmyIQQciev6_WO6N7KfFNOV0",
    ),
    (
        "no identity",
        "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.Dw_QENZlE8tcbxmIEhuCEDU_qFpQYmcePNNEmbmkSx8",
    ),
    (
        "bogus role",
        "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpZGVudGl0eSI6eyJ1c2VyIjoibm9ib2R5IiwiY29tcGFueSI6ImQxYmQ5MmEzYjAzOTQwMGNiYWZjNjBhN2E1YjFlNTJiIiwicm9sZSI6ImJvZ3VzIn19.CN5PbD52u32idPEvJLXmn6mQ9BT51ZlhX0qai6wNS9c",
    ),
];

type Variables = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Observed {
    server: Vec<Seen>,
}

/// The only part that may end at its start.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Part {
    Files,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    fact: String,
    versions: Vec<String>,
    #[serde(default)]
    given: BTreeMap<String, Value>,
    #[serde(default)]
    apiserver: Variables,
    #[serde(default)]
    fileserver: Variables,
    #[serde(default)]
    webserver: Variables,
    /// Variables of the file server that are set one after the other, each to one value after the other.
    #[serde(default)]
    each: BTreeMap<String, Vec<String>>,
    /// Parts that do not start.
    #[serde(default)]
    dead: Vec<Part>,
    answers: Vec<String>,
}

#[test]
fn the_stand_in_answers_as_was_observed() {
    let text = fs::read_to_string(root().join("tests/standin/observed.toml")).unwrap();
    let observed: Observed = toml::from_str(&text).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let compose = folder.path().join("docker-compose.yml");
    let mut wrong = Vec::new();
    for seen in &observed.server {
        let mut fileservers = vec![seen.fileserver.clone()];
        if !seen.each.is_empty() {
            let each = seen.each.iter();
            let all = each.flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
            fileservers = all
                .map(|(name, value)| Variables::from([(name.clone(), value.clone())]))
                .collect();
        }
        for (version, fileserver) in seen
            .versions
            .iter()
            .flat_map(|version| fileservers.iter().map(move |one| (version, one)))
        {
            let services = json!({
                "apiserver": {"environment": seen.apiserver},
                "fileserver": {"environment": fileserver},
                "webserver": {"environment": seen.webserver},
            });
            // JSON is YAML.
            fs::write(&compose, json!({"services": services}).to_string()).unwrap();
            let mut given = json!(seen.given);
            given["version"] = json!(version);
            let Some(standin) = Standin::start(&compose, given) else {
                return;
            };
            let title = format!("{}, {version}, {fileserver:?}", seen.fact);
            if standin.files.is_some() != seen.dead.is_empty() {
                wrong.push(format!("{title}: whether the file server starts"));
            }
            for line in &seen.answers {
                let why = differs(&standin, line, version);
                wrong.extend(why.map(|why| format!("{title}: {line}: {why}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is not as a line says.
fn differs(standin: &Standin, line: &str, version: &str) -> Option<String> {
    let parts: Vec<&str> = line.split('|').map(str::trim).collect();
    let [part, request, who, body, status, contains] = parts[..] else {
        return Some("six parts".to_owned());
    };
    let url = match part {
        "api" => &standin.api,
        "files" => match &standin.files {
            Some(url) => url,
            None => return Some("the file server does not run".to_owned()),
        },
        "web" => &standin.web,
        _ => return Some("no such part".to_owned()),
    };
    let header = header(standin, who);
    let token = header.strip_prefix("Authorization: Bearer ");
    let body = body.replace("$TOKEN", token.unwrap_or_default().trim_end());
    let answer = ask(url, request, &header, &body);
    if !answer.starts_with(&format!("HTTP/1.1 {status} ")) {
        return Some(answer);
    }
    let contains = contains.replace("$VERSION", version);
    let is_right = match contains.strip_prefix('!') {
        Some(absent) => !answer.contains(absent),
        None => answer.contains(&contains),
    };
    (!is_right).then_some(answer)
}

/// The line of the header that says who asks.
fn header(standin: &Standin, who: &str) -> String {
    if let Some(origin) = who.strip_prefix("origin ") {
        return format!("Origin: {origin}\r\n");
    }
    if let Some(host) = who.strip_prefix("host ") {
        return format!("Host: {host}\r\n");
    }
    let known = WHO.iter().find(|(name, _)| *name == who);
    let value = match known {
        Some((_, "")) => return String::new(),
        Some((_, "Bearer")) => format!("Bearer {}", token_of_tests(standin)),
        Some((_, value)) => (*value).to_owned(),
        None if who.contains(':') => format!("Basic {}", STANDARD.encode(who)),
        None if who.contains(' ') => who.to_owned(),
        None => panic!("nobody is called {who}"),
    };
    format!("Authorization: {value}\r\n")
}

/// The token that the account of the tests gets.
fn token_of_tests(standin: &Standin) -> String {
    let tests =
        "EGRTCO8JMSIGI6S39GTP43NFWXDQOW:LPEJbGJ6bK4tujQcmrD3i1dbMBDdwUwelVa-LG0K0FFmY9bzH_H0Sw";
    let header = format!("Authorization: Basic {}\r\n", STANDARD.encode(tests));
    let answer = ask(&standin.api, "GET /auth.login", &header, "");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    body["data"]["token"].as_str().unwrap().to_owned()
}

fn ask(url: &str, request: &str, header: &str, body: &str) -> String {
    let host = match header.starts_with("Host: ") {
        true => "",
        false => "Host: x\r\n",
    };
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    write!(
        stream,
        "{request} HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: {}\r\n{header}\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

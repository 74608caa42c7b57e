//! A running server: the stand-in, started from compose files, is asked by clearml-verify. Numbers are sections of
//! clearml-facts.md.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use e2e::files::fixtures;
use e2e::oracle;
use e2e::program::clearml;
use e2e::standin::Standin;
use serde_json::{Value, json};

/// `probe severity server` of each finding, sorted, and how much could not be asked.
fn asked(standin: &Standin, arguments: &[&str]) -> (Option<i32>, Vec<String>, Vec<String>) {
    let done = clearml("verify")
        .args(["-f", "json"])
        .args(arguments)
        .args(standin.arguments())
        .done();
    said(&done.stdout, done.status)
}

fn said(stdout: &str, status: Option<i32>) -> (Option<i32>, Vec<String>, Vec<String>) {
    let document: Value = serde_json::from_str(stdout).unwrap();
    let list = |name: &str| document[name].as_array().unwrap().clone();
    let word = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let mut found: Vec<String> = list("findings")
        .iter()
        .map(|one| {
            let parts = ["rule", "severity", "server"].map(|name| word(one, name));
            parts.join(" ")
        })
        .collect();
    found.sort();
    let unknown = list("unknown");
    let unknown = unknown.iter().map(|one| word(one, "what")).collect();
    (status, found, unknown)
}

/// What is said of a server that is as it comes, besides its credentials.
const AS_IT_COMES: [&str; 2] = [
    "cors-reflection note apiserver",
    "open-login warning apiserver",
];

fn with_as_it_comes(more: &[&str]) -> Vec<String> {
    let all = AS_IT_COMES.iter().chain(more);
    let mut all: Vec<String> = all.map(|one| (*one).to_owned()).collect();
    all.sort();
    all
}

struct Injected {
    folder: tempfile::TempDir,
}

impl Injected {
    /// The stock deployment with a keyset of its own.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let injected = Self { folder };
        injected.renew("keys.env", "docker-compose.yml");
        injected
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A new keyset, and the stock deployment with it.
    fn renew(&self, keys: &str, compose: &str) {
        clearml("keygen")
            .arg("-o")
            .arg(self.path(keys))
            .done()
            .exit(0);
        let stock = fixtures().join("stock/docker-compose.yml");
        let injected = clearml("inject")
            .arg("-k")
            .arg(self.path(keys))
            .arg(stock)
            .done()
            .exit(0);
        fs::write(self.path(compose), injected.stdout).unwrap();
    }

    /// The deployment with variables more at a service.
    fn change(&self, service: &str, variables: &[(&str, &str)]) -> PathBuf {
        let text = fs::read_to_string(self.path("docker-compose.yml")).unwrap();
        let start = text.find(&format!("\n  {service}:\n")).unwrap();
        let at =
            start + text[start..].find("    environment:\n").unwrap() + "    environment:\n".len();
        let mut lines = String::new();
        let mut rest = text[at..].to_owned();
        for (name, value) in variables {
            lines.push_str(&format!("      {name}: '{value}'\n"));
            // Of the service's own line of this name nothing stays.
            let own: Vec<&str> = rest.lines().collect();
            let first = own
                .iter()
                .position(|line| line.trim_start().starts_with(&format!("{name}:")));
            if let Some(first) = first {
                let mut own = own;
                own.remove(first);
                rest = own.join("\n") + "\n";
            }
        }
        let path = self.path("changed.yml");
        fs::write(&path, format!("{}{lines}{rest}", &text[..at])).unwrap();
        path
    }
}

#[test]
fn of_a_stock_server_every_hole_is_found_4() {
    let Some(standin) = Standin::start(&fixtures().join("stock/docker-compose.yml"), json!({}))
    else {
        return;
    };
    let (status, found, unknown) = asked(&standin, &[]);
    let expected = with_as_it_comes(&[
        "default-login error apiserver",
        "default-login error apiserver",
        "default-login error apiserver",
        "default-login error apiserver",
        "forged-token error apiserver",
        "forged-token error fileserver",
        "stack-trace note apiserver",
    ]);
    assert_eq!((status, found, unknown), (Some(1), expected, vec![]));
}

#[test]
fn of_an_injected_server_none_is_left_and_the_keys_are_in_use_5c() {
    let injected = Injected::new();
    let Some(standin) = Standin::start(&injected.path("docker-compose.yml"), json!({})) else {
        return;
    };
    let expected = (Some(1), with_as_it_comes(&[]), vec![]);
    assert_eq!(asked(&standin, &[]), expected);
    let keys = injected.path("keys.env");
    let (status, found, unknown) = asked(&standin, &["--keys", keys.to_str().unwrap()]);
    // With a token secret at hand, the server can be made to stumble.
    let expected = with_as_it_comes(&["stack-trace note apiserver"]);
    assert_eq!((status, found, unknown), (Some(1), expected, vec![]));
    // Another keyset is in nobody's use.
    injected.renew("other.env", "other.yml");
    let other = injected.path("other.env");
    let (_, found, _) = asked(&standin, &["--keys", other.to_str().unwrap()]);
    let count = |wanted: &str| found.iter().filter(|one| *one == wanted).count();
    assert_eq!(count("keys-not-applied error apiserver"), 6, "{found:?}");
    assert_eq!(count("keys-not-applied error fileserver"), 1, "{found:?}");
    // Files, keys and server are held against each other.
    let agree = |compose: &str, keys: &str| {
        let done = clearml("verify")
            .args(["-f", "json", "--keys"])
            .arg(injected.path(keys))
            .args(standin.arguments())
            .arg(injected.path(compose))
            .done();
        let (_, found, _) = said(&done.stdout, done.status);
        !found.iter().any(|one| one.starts_with("keys-not-applied"))
    };
    assert!(agree("docker-compose.yml", "keys.env"));
    assert!(!agree("other.yml", "keys.env"));
}

#[test]
fn the_documented_example_leaves_the_file_servers_account_5a() {
    let compose = fixtures().join("documented-example/docker-compose.yml");
    let Some(standin) = Standin::start(&compose, json!({})) else {
        return;
    };
    let expected = with_as_it_comes(&["default-login error apiserver"]);
    assert_eq!(asked(&standin, &[]), (Some(1), expected, vec![]));
}

#[test]
fn each_single_mistake_gives_what_is_meant_for_it() {
    let injected = Injected::new();
    let secured = |more: Value, service: &str, variables: &[(&str, &str)]| {
        let compose = injected.change(service, variables);
        Standin::start(&compose, more)
    };
    let users = ("CLEARML__apiserver__auth__fixed_users__enabled", "true");
    for (name, version, service, variables, expected, unknown) in [
        (
            "0.5: an empty token secret",
            "2.0.0",
            "apiserver",
            vec![("CLEARML__SECURE__AUTH__TOKEN_SECRET", "")],
            with_as_it_comes(&[
                "misread-secret error apiserver",
                "stack-trace note apiserver",
            ]),
            // The file server cannot log in, and ends.
            1,
        ),
        (
            "0.5: a token secret of digits",
            "2.0.0",
            "apiserver",
            vec![("CLEARML__SECURE__AUTH__TOKEN_SECRET", "12345")],
            with_as_it_comes(&[
                "misread-secret error apiserver",
                "stack-trace note apiserver",
            ]),
            // The file server cannot log in, and ends.
            1,
        ),
        (
            "4: authentication turned off",
            "2.0.0",
            "fileserver",
            vec![("CLEARML__fileserver__auth__enabled", "false")],
            with_as_it_comes(&["anonymous-files error fileserver"]),
            0,
        ),
        (
            "4: a guest",
            "2.0.0",
            "apiserver",
            vec![(
                "CLEARML__services__auth__fixed_users__guest__enabled",
                "true",
            )],
            with_as_it_comes(&["guest-login warning apiserver"]),
            0,
        ),
        (
            "6: origins",
            "2.0.0",
            "apiserver",
            vec![(
                "CLEARML__apiserver__cors__origins",
                "\"https://clearml.example.com\"",
            )],
            vec!["open-login warning apiserver".to_owned()],
            0,
        ),
        (
            "5d: fixed users",
            "2.0.0",
            "apiserver",
            vec![users],
            vec!["cors-reflection note apiserver".to_owned()],
            0,
        ),
        (
            "5b: the file server's account at the API server only",
            "2.0.0",
            "fileserver",
            vec![
                (
                    "CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_KEY",
                    "ANOTHERKEYTHATTHEAPISERVERHASN",
                ),
                (
                    "CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_SECRET",
                    "another",
                ),
            ],
            with_as_it_comes(&[]),
            1,
        ),
        (
            "4: 2.3 keeps its version",
            "2.3.0",
            "apiserver",
            vec![],
            with_as_it_comes(&[]),
            0,
        ),
        (
            "7: a release without authentication",
            "1.13.0",
            "apiserver",
            vec![],
            with_as_it_comes(&[
                "anonymous-files error fileserver",
                "vulnerable-version error apiserver",
                "vulnerable-version error apiserver",
                "vulnerable-version error fileserver",
                "vulnerable-version error webserver",
            ]),
            0,
        ),
    ] {
        let Some(standin) = secured(json!({"version": version}), service, &variables) else {
            return;
        };
        let (_, found, not_asked) = asked(&standin, &[]);
        assert_eq!(
            (found, not_asked.len()),
            (expected, unknown),
            "{name}: {not_asked:?}"
        );
    }
    // 0.4: every later account keeps its default, though all twelve settings are set.
    let digits = vec![("CLEARML__SECURE__CREDENTIALS__APISERVER__USER_KEY", "123")];
    let Some(standin) = secured(json!({}), "apiserver", &digits) else {
        return;
    };
    let (_, found, _) = asked(&standin, &[]);
    let logins = found
        .iter()
        .filter(|one| one.starts_with("default-login"))
        .count();
    assert_eq!(logins, 4, "{found:?}");
}

#[test]
fn a_key_that_the_web_server_publishes_is_found_4() {
    let folder = tempfile::tempdir().unwrap();
    let compose = folder.path().join("docker-compose.yml");
    let text = "services:\n  webserver: {environment: {USER_KEY: ABC, USER_SECRET: def}}\n";
    fs::write(&compose, text).unwrap();
    let Some(standin) = Standin::start(&compose, json!({})) else {
        return;
    };
    let (_, found, _) = asked(&standin, &[]);
    assert!(
        found.contains(&"published-credential error webserver".to_owned()),
        "{found:?}"
    );
}

#[test]
fn the_parts_below_one_address_are_found() {
    let Some(standin) = Standin::start(&fixtures().join("stock/docker-compose.yml"), json!({}))
    else {
        return;
    };
    let done = clearml("verify").arg(&standin.web).done().exit(1);
    let parts = format!(
        "apiserver at {0}/api, fileserver at {0}/files, webserver at {0}",
        standin.web
    );
    assert!(done.stdout.contains(&parts), "{}", done.stdout);
}

/// A real Redis on a port of its own.
struct Redis(Child, u16);

impl Redis {
    fn start() -> Option<Self> {
        let Some(program) = oracle::redis() else {
            oracle::skip("the file server's memory of tokens: no redis-server");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
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
        let redis = Self(child, port);
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

    fn call(&self, command: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.1)).ok()?;
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
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_rotation_is_done_when_the_file_server_forgets_0_9() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let injected = Injected::new();
    let more = json!({"redis": redis.1});
    let old = injected.path("keys.env");
    let old = old.to_str().unwrap();
    let Some(before) = Standin::start(&injected.path("docker-compose.yml"), more.clone()) else {
        return;
    };
    let (_, found, _) = asked(&before, &["--keys", old]);
    assert!(
        !found.iter().any(|one| one.starts_with("keys-not-applied")),
        "{found:?}"
    );
    drop(before);
    injected.renew("new.env", "new.yml");
    let new = injected.path("new.env");
    let both = ["--keys", new.to_str().unwrap(), "--old-keys", old];
    let after = Standin::start(&injected.path("new.yml"), more).unwrap();
    let (_, found, _) = asked(&after, &both);
    let expected = with_as_it_comes(&[
        "old-keys-accepted error fileserver",
        "stack-trace note apiserver",
    ]);
    assert_eq!(found, expected);
    redis.call("SELECT 8\r\nFLUSHDB").unwrap();
    let (_, found, _) = asked(&after, &both);
    assert_eq!(found, with_as_it_comes(&["stack-trace note apiserver"]));
    // Of a keyset of which only the token secret is replaced, the accounts are right to log in.
    let part = injected.path("part.env");
    clearml("keygen")
        .args(["--only", "token_secret", "--from"])
        .arg(&new)
        .arg("-o")
        .arg(&part)
        .done()
        .exit(0);
    let compose = injected.path("part.yml");
    let stock = fixtures().join("stock/docker-compose.yml");
    fs::write(
        &compose,
        clearml("inject")
            .arg("-k")
            .arg(&part)
            .arg(stock)
            .done()
            .exit(0)
            .stdout,
    )
    .unwrap();
    let partly = Standin::start(&compose, json!({})).unwrap();
    let keys = [part.to_str().unwrap(), new.to_str().unwrap()];
    let (_, found, _) = asked(&partly, &["--keys", keys[0], "--old-keys", keys[1]]);
    assert_eq!(found, with_as_it_comes(&["stack-trace note apiserver"]));
    // And a server that was not restarted is told as what it is.
    let stale = Standin::start(&injected.path("docker-compose.yml"), json!({})).unwrap();
    let (_, found, _) = asked(&stale, &["--old-keys", old]);
    assert!(
        found.contains(&"old-keys-accepted error apiserver".to_owned()),
        "{found:?}"
    );
}

#[test]
fn nothing_is_changed_and_keys_stay_home() {
    let injected = Injected::new();
    let record = injected.path("record");
    let Some(standin) = Standin::start(
        &injected.path("docker-compose.yml"),
        json!({"record": record}),
    ) else {
        return;
    };
    let keys = injected.path("keys.env");
    let keys = [
        "--keys",
        keys.to_str().unwrap(),
        "--old-keys",
        keys.to_str().unwrap(),
    ];
    // To a machine that is not this one by its name, nothing of the keys goes over plain HTTP.
    let elsewhere: Vec<String> = standin
        .arguments()
        .iter()
        .map(|argument| argument.replace("127.0.0.1", "0.0.0.0"))
        .collect();
    let done = clearml("verify")
        .args(["-f", "json"])
        .args(keys)
        .args(elsewhere)
        .done();
    let (status, found, unknown) = said(&done.stdout, done.status);
    assert_eq!(status, Some(1));
    assert!(
        found.contains(&"plain-http warning apiserver".to_owned()),
        "{found:?}"
    );
    assert!(
        unknown.iter().any(|what| what.contains("keys")),
        "{unknown:?}"
    );
    let without = requests(&record);
    let (_, _, unknown) = asked(&standin, &keys);
    assert_eq!(unknown, Vec::<String>::new());
    let with = requests(&record);
    for request in &with {
        assert_eq!(request["method"], "GET", "{request}");
    }
    // The same questions are asked, and those with keys only of this machine.
    let sent = |requests: &[Value]| {
        let mut sent: Vec<String> = requests
            .iter()
            .filter_map(|one| Some(one["authorization"].as_str()?.to_owned()))
            .collect();
        sent.sort();
        sent.dedup();
        sent
    };
    let public = sent(&without);
    let all = sent(&with);
    assert!(public.len() < all.len(), "{} {}", public.len(), all.len());
    let text = fs::read_to_string(injected.path("keys.env")).unwrap();
    let secrets: Vec<&str> = text
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.1))
        .collect();
    assert!(secrets.len() >= 12);
    for header in &public {
        let basic = header
            .strip_prefix("Basic ")
            .map(decoded)
            .unwrap_or_default();
        assert!(
            !secrets
                .iter()
                .any(|secret| !secret.is_empty() && basic.contains(secret)),
            "{header}"
        );
    }
}

fn requests(record: &Path) -> Vec<Value> {
    let text = fs::read_to_string(record).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Base64, read by Python's own decoder.
fn decoded(text: &str) -> String {
    let output = Command::new("python3")
        .args([
            "-c",
            "import base64,sys; print(base64.b64decode(sys.argv[1]).decode())",
            text,
        ])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Answers every connection with the same, as often as is asked for.
fn answering(answer: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream);
        }
    });
    url
}

#[test]
fn what_does_not_answer_is_never_clean() {
    let silent = answering(|stream| {
        std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_secs(30));
            drop(stream);
        });
    });
    let endless = answering(|mut stream| {
        std::thread::spawn(move || {
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n"));
            while stream.write_all(&[b'x'; 65536]).is_ok() {}
        });
    });
    let other = answering(|mut stream| drop(stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n")));
    let resetting = answering(drop);
    let down = "http://127.0.0.1:1".to_owned();
    for url in [silent, endless, other, resetting, down] {
        let done = clearml("verify")
            .args([
                "-f",
                "json",
                "--timeout",
                "1",
                "--api",
                &url,
                "--files",
                &url,
                "--web",
                &url,
                &url,
            ])
            .done();
        let (status, found, unknown) = said(&done.stdout, done.status);
        assert_eq!((status, found), (Some(2), vec![]), "{url}: {}", done.stderr);
        assert_eq!(unknown.len(), 3, "{url}: {unknown:?}");
    }
}

#[test]
fn an_address_with_a_password_is_refused() {
    let done = clearml("verify")
        .arg("https://jane:MARKED@clearml.example.com")
        .done();
    assert_eq!(done.status, Some(2));
    done.never_says("MARKED");
}

/// What was observed on running servers, as the stand-in must answer it: server, request line, `Authorization`, status,
/// subcode or body.
#[test]
fn the_stand_in_answers_as_was_observed_4() {
    let Some(standin) = Standin::start(&fixtures().join("stock/docker-compose.yml"), json!({}))
    else {
        return;
    };
    let files = standin.files.clone().unwrap();
    let tests = "Basic RUdSVENPOEpNU0lHSTZTMzlHVFA0M05GV1hEUU9XOkxQRUpiR0o2Yks0dHVqUWNtckQzaTFkYk1CRGR3VXdlbFZhLUxHMEswRkZtWTliekhfSDBTdw==";
    for (server, request, authorization, status, contains) in [
        (&standin.api, "GET /debug.ping", "", 200, "ClearML server"),
        (&standin.api, "GET /server.info", "", 200, "2.0.0"),
        (&standin.api, "GET /v2.8/server.info", "", 200, "2.0.0"),
        (
            &standin.api,
            "GET /login.supported_modes",
            "",
            200,
            "sso_providers",
        ),
        (
            &standin.api,
            "GET /auth.login",
            "",
            401,
            "missing credentials",
        ),
        (&standin.api, "GET /auth.login", tests, 200, "token"),
        (
            &standin.api,
            "GET /auth.login",
            "basic QTpi",
            401,
            "\"result_subcode\": 10",
        ),
        (
            &standin.api,
            "GET /auth.login",
            "Basic QTpi",
            401,
            "\"result_subcode\": 22",
        ),
        (
            &standin.api,
            "GET /server.get_stats",
            "",
            401,
            "\"result_subcode\": 20",
        ),
        (
            &standin.api,
            "GET /server.get_stats",
            "Bearer a.b.c",
            401,
            "\"result_subcode\": 30",
        ),
        (
            &standin.api,
            "GET /api/debug.ping",
            "",
            400,
            "Invalid request path",
        ),
        (&standin.api, "GET /no.such", "", 404, "endpoint"),
        (&files, "GET /", "", 200, "OK"),
        (&files, "GET /", "Bearer a.b.c", 401, ""),
        (&files, "POST /", "", 401, ""),
        (&files, "GET /nope", "", 401, ""),
        (
            &files,
            "GET /nope",
            "Basic QTpi",
            401,
            "Only bearer token authorization is supported",
        ),
        (
            &standin.web,
            "GET /api/debug.ping",
            "",
            200,
            "ClearML server",
        ),
        (&standin.web, "GET /files/", "", 200, "OK"),
    ] {
        let mut stream = TcpStream::connect(server.trim_start_matches("http://")).unwrap();
        let authorization = if authorization.is_empty() {
            String::new()
        } else {
            format!("Authorization: {authorization}\r\n")
        };
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{authorization}\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{request}: {answer}"
        );
        assert!(answer.contains(contains), "{request}: {answer}");
    }
}

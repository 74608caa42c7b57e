//! How clearml-verify treats servers: it changes nothing, keeps keys to itself, and takes no silence for clean.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use e2e::program::{HEEDING_SIGNALS, clearml, program};
use e2e::standin::{Injected, Standin, asked, said};
use serde_json::{Value, json};

#[test]
fn nothing_is_changed_and_keys_stay_home() {
    let injected = Injected::stock();
    let record = injected.path("record");
    let Some(standin) = Standin::start(
        &injected.path("docker-compose.yml"),
        json!({"record": record}),
    ) else {
        return;
    };
    let keys = injected.path("keys.env");
    let old = injected.path("old.env");
    clearml("keygen")
        .args(["-o", old.to_str().unwrap()])
        .done()
        .exit(0);
    let keys = [
        "--keys",
        keys.to_str().unwrap(),
        "--old-keys",
        old.to_str().unwrap(),
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
    assert_eq!(status, Some(2), "nothing was asked about the keys");
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
    for request in with.iter().filter(|one| !asks_about_a_token(one)) {
        assert_eq!(request["method"], "GET", "{request}");
        assert_eq!(request["length"], 0, "{request}");
    }
    // The same questions are asked, and those with keys only of this machine.
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

/// Every key and token that was sent.
fn sent(requests: &[Value]) -> Vec<String> {
    let all = requests.iter();
    let sent = all.filter_map(|one| Some(one["authorization"].as_str()?.to_owned()));
    let mut sent: Vec<String> = sent.collect();
    sent.sort();
    sent.dedup();
    sent
}

/// The one question that is asked with a text: about the token that is in it, and changes nothing
/// (docs/clearml.md#asking-about-a-token).
fn asks_about_a_token(request: &Value) -> bool {
    request["method"] == "POST" && request["path"] == "/auth.validate_token"
}

/// Where anybody is let in, two requests are no GET: one that ClearML's file server refuses whatever it is, and an upload
/// without a file, which writes nothing (docs/clearml.md#file-server-answers).
#[test]
fn nothing_is_uploaded_where_anybody_may() {
    let injected = Injected::stock();
    let record = injected.path("record");
    let open = [("CLEARML__fileserver__auth__enabled", "false")];
    let compose = injected.change("fileserver", &open);
    let Some(standin) = Standin::start(&compose, json!({"record": record})) else {
        return;
    };
    let done = clearml("verify").args(standin.arguments()).done().exit(1);
    let said = "can read, replace and delete every file: it asks nobody for a token";
    assert!(done.prose().contains(said), "{}", done.stdout);
    let mut others = requests(&record);
    others.retain(|one| one["method"] != "GET" && !asks_about_a_token(one));
    let expected = |method: &str, status: u16| {
        json!({
            "server": "fileserver", "method": method, "path": "/", "status": status,
            "authorization": null, "length": 0, "type": null,
        })
    };
    assert_eq!(others, [expected("PUT", 405), expected("POST", 200)]);
}

/// A proxy that reads and lets nobody write: what is said is what was seen.
#[test]
fn what_anybody_may_is_not_guessed() {
    let url = answering(|mut stream| {
        let mut asked = [0; 4096];
        let length = stream.read(&mut asked).unwrap_or(0);
        let (status, body) = match &asked[..length] {
            [b'P', b'U', ..] => ("405 Method Not Allowed", ""),
            [b'P', ..] => ("403 Forbidden", ""),
            b if b.starts_with(b"GET / ") => ("200 OK", "OK"),
            _ => ("404 Not Found", ""),
        };
        let head =
            format!("HTTP/1.1 {status}\r\nserver: clearml\r\nAccess-Control-Allow-Origin: *");
        let length = body.len();
        drop(write!(
            stream,
            "{head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ));
    });
    let done = clearml("verify").args(["--files", &url, &url]).done();
    let said = "can read every file: it asks nobody for a token =";
    assert!(done.prose().contains(said), "{}", done.stdout);
}

/// Sends every question elsewhere.
fn redirecting(to: String) -> String {
    answering(move |mut stream| {
        let mut asked = [0; 4096];
        let length = stream.read(&mut asked).unwrap_or(0);
        let asked = String::from_utf8_lossy(&asked[..length]).into_owned();
        let path = asked.split(' ').nth(1).unwrap_or_default();
        drop(write!(
            stream,
            "HTTP/1.1 302 Found\r\nLocation: {to}{path}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ));
    })
}

#[test]
fn redirects_are_followed_within_the_host_and_said() {
    let injected = Injected::stock();
    let Some(standin) = Standin::start(&injected.path("docker-compose.yml"), json!({})) else {
        return;
    };
    let here = redirecting(standin.web.clone());
    let done = clearml("verify").arg(&here).done();
    let said = format!(
        "clearml-verify: {here} redirects to {}, which is checked instead\n",
        standin.web
    );
    assert!(done.stderr.contains(&said), "{}", done.stderr);
    assert!(!done.stdout.contains("not checked:"), "{}", done.stdout);
    let quiet = clearml("verify").args(["-q", &here]).done();
    assert_eq!(quiet.stderr, "");
    // Another name is another host, anyone who it belongs to.
    let elsewhere = redirecting(standin.web.replace("127.0.0.1", "localhost"));
    let done = clearml("verify").arg(&elsewhere).done().exit(2);
    // It does so in each of its folders, for each part: that is said once.
    let said = format!(
        "not checked: {elsewhere}: it redirects to another host, localhost, which is not followed"
    );
    assert_eq!(done.prose().matches(&said).count(), 1, "{}", done.stdout);
    assert_eq!(
        done.stdout.matches("redirects").count(),
        1,
        "{}",
        done.stdout
    );
    assert!(!done.stderr.contains("redirects"), "{}", done.stderr);
    // Nor is a circle walked for ever.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let itself = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let to_nobody = redirecting(itself.clone());
    let circle = redirecting(to_nobody.clone());
    let done = clearml("verify").arg(&circle).done().exit(2);
    assert!(done.stdout.contains("not checked:"), "{}", done.stdout);
    // A server that answers is not said to refuse connections.
    let done = clearml("verify").arg(&to_nobody).done().exit(2);
    let said = format!("{to_nobody} redirects to {itself}, where nothing listens");
    assert!(done.prose().contains(&said), "{}", done.stdout);
}

/// Runs over servers until a run asks as seldom in turn, one question after an answer to another, as it should. A machine
/// that is busy asks late, and so in more turns than it would.
fn takes_turns(
    record: &Path,
    standin: &Standin,
    servers: usize,
    arguments: &[&str],
    most: impl Fn(f64) -> f64,
) {
    let all = || fs::read(record).map_or(Vec::new(), |_| requests(record));
    let last = |requests: &[Value]| {
        let rounds = requests.iter().map(|one| one["round"].as_f64().unwrap());
        rounds.fold(0.0, f64::max)
    };
    let mut seen = Vec::new();
    for _ in 0..3 {
        let before = all();
        let done = clearml("verify")
            .args(arguments)
            .args(vec![standin.web.clone(); servers])
            .done();
        assert!(!done.stdout.contains("not checked:"), "{}", done.stdout);
        let after = all();
        let (turns, asked) = (last(&after) - last(&before), after.len() - before.len());
        if turns <= most(asked as f64) {
            return;
        }
        seen.push(format!("{turns} turns for {asked} questions"));
    }
    panic!("{}", seen.join(", "));
}

#[test]
fn what_does_not_depend_on_each_other_is_asked_at_once() {
    let injected = Injected::stock();
    let keys = injected.path("keys.env");
    let compose = injected.path("docker-compose.yml");
    let record = injected.path("record");
    let slow = json!({"delay": 0.5, "record": record, "rounds": true});
    let Some(slow) = Standin::start(&compose, slow) else {
        return;
    };
    // To find the servers, to show one a first token, then another, and then what depends on which of them it accepts.
    let arguments = ["--jobs", "64", "--keys", keys.to_str().unwrap()];
    takes_turns(&record, &slow, 1, &arguments, |_| 4.0);
    takes_turns(&record, &slow, 1, &[], |_| 4.0);
    // Many servers: near what as many requests take if all places are taken all the time. `cargo xtask bench` has the
    // whole hundred.
    let record = injected.path("record of many");
    let slow = json!({"delay": 0.2, "record": record, "rounds": true});
    let slow = Standin::start(&compose, slow).unwrap();
    takes_turns(&record, &slow, 20, &["--jobs", "32"], |asked| {
        1.5 * asked / 32.0
    });
}

#[test]
fn no_more_is_under_way_than_jobs() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let highest = Arc::clone(&most);
    let url = answering(move |mut stream| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::spawn(move || {
            drop(stream.read(&mut [0; 4096]));
            std::thread::sleep(std::time::Duration::from_millis(100));
            now.fetch_sub(1, Ordering::SeqCst);
            let head = "HTTP/1.1 401 X\r\nAccess-Control-Allow-Origin: *\r\nConnection: close";
            drop(write!(stream, "{head}\r\nContent-Length: 0\r\n\r\n"));
        });
    });
    clearml("verify")
        .args(["--jobs", "3", &url, &url, &url])
        .done();
    assert_eq!(highest.load(Ordering::SeqCst), 3);
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
    // One cause is said once for all parts; a connection that breaks off may do so in several ways.
    let all = [
        (silent, 1),
        (endless, 3),
        (other, 1),
        (resetting, 3),
        (down, 1),
    ];
    for (url, most) in all {
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
        assert!((1..=most).contains(&unknown.len()), "{url}: {unknown:?}");
    }
}

/// As of a proxy that sends all paths to the one page of another address.
#[test]
fn a_redirect_that_forgets_the_path_is_said_with_the_address_to_name() {
    let page = answering(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let body = "<title>ClearML</title>";
        let length = body.len();
        drop(write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ));
    });
    let here = redirecting(format!("{page}/?"));
    let done = clearml("verify").args(["-f", "json", &here]).done().exit(2);
    let said = format!("{here} redirects to a page of {page}: name that address instead");
    assert!(done.stdout.contains(&said), "{}", done.stdout);
}

#[test]
fn an_address_with_a_password_is_refused() {
    let done = clearml("verify")
        .arg("https://jane:MARKED@clearml.example.com")
        .done();
    assert_eq!(done.status, Some(2));
    done.never_says("MARKED");
}

#[test]
fn an_ipv6_address_needs_its_brackets() {
    for address in [
        "http://::1:8080",
        "https://2001:db8::1/api",
        "http://::ffff:127.0.0.1",
        "http://fd00:1:2:3:4:5:6:7",
    ] {
        let done = clearml("verify").arg(address).done().exit(2);
        let said = "an IPv6 address needs brackets in a URL";
        assert!(done.stderr.contains(said), "{address}: {}", done.stderr);
    }
    let api = ["--api", "http://::1:8008", "http://localhost:8080"];
    clearml("verify").args(api).done().exit(2);
}

#[test]
fn what_is_no_address_is_said_to_be_none() {
    for (address, said) in [
        (
            "http://localhost:99999",
            "the port of an address is a number",
        ),
        ("http://localhost:0", "the port of an address is a number"),
        (
            "http://127.0.0.1:44457:80",
            "an address has one port, and this one has two",
        ),
        (
            "http://clearml.example.com:8080:8008/x",
            "an address has one port, and this one has two",
        ),
        (
            "http://local host:8080",
            "the host of an address has letters",
        ),
        (
            "http://bücher.example",
            "the host of an address has letters",
        ),
        ("http://:8080", "the host of an address has letters"),
        ("ftp://localhost", "an address needs http:// or https://"),
        (
            "http:/localhost:8080",
            "an address needs http:// or https://",
        ),
        ("https:localhost", "an address needs http:// or https://"),
        (" http://localhost", "an address needs http:// or https://"),
    ] {
        let done = clearml("verify").arg(address).done().exit(2);
        assert!(done.stderr.contains(said), "{address}: {}", done.stderr);
        let api = ["--api", address, "http://localhost:8080"];
        clearml("verify").args(api).done().exit(2);
    }
    // Nobody is there, and the address is understood.
    for address in ["HTTP://localhost:1", "https://LOCALHOST:1/api?x#y"] {
        let done = clearml("verify").arg(address).done().exit(2);
        assert!(
            done.stdout.contains("nothing answers"),
            "{address}: {}{}",
            done.stdout,
            done.stderr
        );
    }
}

/// A server that says what it is, and then keeps everybody waiting.
fn of_a_server_that_hangs() -> String {
    answering(|mut stream| {
        std::thread::spawn(move || {
            let mut asked = [0; 4096];
            let length = stream.read(&mut asked).unwrap_or(0);
            let asked = String::from_utf8_lossy(&asked[..length]).into_owned();
            if asked.starts_with("GET /debug.ping") {
                let body = r#"{"meta": {"endpoint": {"name": "debug.ping"}}}"#;
                let length = body.len();
                drop(write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
                ));
            } else if asked.starts_with("GET /login.supported_modes") {
                let body = r#"{"meta": {"endpoint": {"name": "login.supported_modes"}},
                    "data": {"basic": {"enabled": false, "guest": {"enabled": false}}}}"#;
                let length = body.len();
                drop(write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
                ));
            } else if asked.starts_with("GET /server.info")
                || !asked.to_lowercase().contains("authorization: ")
            {
                drop(stream.write_all(b"HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n"));
            } else {
                std::thread::sleep(std::time::Duration::from_secs(60));
            }
        });
    })
}

#[test]
fn an_interruption_prints_what_is_known() {
    let url = of_a_server_that_hangs();
    let [env, heeding] = HEEDING_SIGNALS;
    let child = Command::new(env)
        .arg(heeding)
        .arg(program("verify"))
        .args([
            "-f",
            "json",
            "--timeout",
            "60",
            "--api",
            &url,
            "--files",
            &url,
            &url,
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    let interrupted = Instant::now();
    Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(interrupted.elapsed().as_secs() < 30, "it went on");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let (status, found, unknown) = said(&stdout, output.status.code());
    // What was answered is told, and all else is unknown.
    assert_eq!(found, ["open-login warning apiserver"], "{stdout}");
    assert_eq!(status, Some(1));
    assert!(stdout.contains("it was interrupted"), "{stdout}");
    assert!(
        unknown
            .iter()
            .any(|what| what.starts_with("default-login at")),
        "{unknown:?}"
    );
}

#[test]
fn progress_is_for_terminals_only() {
    let url = of_a_server_that_hangs();
    let arguments = format!("--timeout 1 --api {url} --files {url} {url}");
    let plain = clearml("verify").args(arguments.split(' ')).done();
    assert!(!plain.stderr.contains("asking"), "{}", plain.stderr);
    // `script` gives the program a terminal.
    let on_terminal = |more: &str| {
        let verify = program("verify");
        let command = format!("stty cols 100; {} {more} {arguments}", verify.display());
        let output = Command::new("script")
            .args(["-qec", &command, "/dev/null"])
            .env("TERM", "xterm")
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(on_terminal("").contains("asking"));
    assert!(!on_terminal("-q").contains("asking"));
}

#[test]
fn no_proxy_of_the_environment_is_asked() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let ask = |target: &str| {
        let run = clearml("verify").arg(target);
        ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy"]
            .iter()
            .fold(run, |run, name| run.env(name, &address))
            .done()
            .exit(2)
    };
    let said = ask("https://clearml.invalid").stdout;
    assert!(said.contains("HTTPS_PROXY is set and not used"), "{said}");
    // No proxy would be asked for this machine.
    let said = ask("http://127.0.0.1:1").stdout;
    assert!(!said.contains("PROXY"), "{said}");
    assert!(proxy.accept().is_err(), "it was asked");
}

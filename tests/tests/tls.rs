//! Certificates of every kind, served by a real nginx in front of the stand-in.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::net::TcpListener;

use e2e::files::fixtures;
use e2e::nginx::{Nginx, certify};
use e2e::oracle;
use e2e::program::{Done, clearml};
use e2e::standin::Standin;
use serde_json::{Value, json};

/// What is spoken now.
const MODERN: &str = "TLSv1.2 TLSv1.3";

/// The name in a certificate, the year of its end, whether an authority signed it, the protocols, and what is said of it.
const CERTIFICATES: &[(&str, i32, bool, &str, Option<&str>)] = &[
    ("127.0.0.1", 2100, true, MODERN, None),
    ("127.0.0.1", 2100, true, "TLSv1.2", None),
    ("127.0.0.1", 2021, true, MODERN, Some("expired on")),
    (
        "clearml.example.com",
        2100,
        true,
        MODERN,
        Some("is not for 127.0.0.1 (only for clearml.example.com)"),
    ),
    (
        "one.example,two.example,*.three.example,four.example",
        2100,
        true,
        MODERN,
        Some(
            "is not for 127.0.0.1 (only for one.example, two.example, *.three.example and 1 more)",
        ),
    ),
    // What is as long as a key may be one, and is not shown.
    (
        "egrtco8jmsigi6s39gtp43nfwxdqow.example,<b>.example",
        2100,
        true,
        MODERN,
        Some("is not for 127.0.0.1"),
    ),
    // All that is wrong with one is said at once.
    (
        "clearml.example.com",
        2021,
        true,
        MODERN,
        Some("and is not for 127.0.0.1 (only for clearml.example.com)"),
    ),
    ("127.0.0.1", 2100, false, MODERN, Some("is self-signed")),
    (
        "127.0.0.1",
        2100,
        true,
        "TLSv1 TLSv1.1",
        Some("no TLS version newer than 1.1"),
    ),
    (
        "127.0.0.1",
        2100,
        true,
        "TLSv1 TLSv1.1 TLSv1.2",
        Some("accepts the outdated TLS 1.0 and 1.1"),
    ),
    (
        "127.0.0.1",
        2100,
        true,
        "TLSv1.1 TLSv1.2 TLSv1.3",
        Some("accepts the outdated TLS 1.1"),
    ),
];

#[test]
fn certificates_are_told_for_what_they_are() {
    let Some(program) = oracle::nginx() else {
        return oracle::skip("certificates: nginx not found");
    };
    let Some(standin) = Standin::start(
        &fixtures().join("documented-example/docker-compose.yml"),
        json!({}),
    ) else {
        return;
    };
    for (name, until, is_signed, protocols, expected) in CERTIFICATES {
        let folder = tempfile::tempdir().unwrap();
        certify(folder.path(), name, *until, *is_signed);
        let nginx = Nginx::start(&program, folder.path(), &standin.web, protocols);
        let done = clearml("verify")
            .env("SSL_CERT_FILE", folder.path().join("ca.pem"))
            .args(["-f", "json", &format!("https://127.0.0.1:{}", nginx.1)])
            .done();
        judge(&done, *expected);
        done.never_says("egrtco8jmsigi6s39gtp43nfwxdqow")
            .never_says("<b>");
    }
    // An authority that this machine does not know.
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path(), "127.0.0.1", 2100, true);
    let nginx = Nginx::start(&program, folder.path(), &standin.web, MODERN);
    let done = clearml("verify")
        .arg(format!("https://127.0.0.1:{}", nginx.1))
        .done();
    assert!(
        done.stdout.contains("is not trusted on this machine"),
        "{}",
        done.stdout
    );
    // The help is what was done above.
    assert!(
        done.stdout.contains("SSL_CERT_FILE=FILE"),
        "{}",
        done.stdout
    );
    // Where no authority is known, nobody can tell.
    let done = clearml("verify")
        .env("SSL_CERT_FILE", folder.path().join("none.pem"))
        .env("SSL_CERT_DIR", folder.path().join("none"))
        .arg(format!("https://127.0.0.1:{}", nginx.1))
        .done();
    assert_eq!(done.status, Some(2), "{}", done.stdout);
    let said = done.stdout.replace("\n  ", " ");
    assert!(
        said.contains("is trusted: SSL_CERT_FILE leads to no certificate of an authority"),
        "{said}"
    );
    assert!(!said.contains("error["), "{said}");
}

/// A part that is named, and is not found because of its certificate: that is said of the part.
#[test]
fn the_certificate_of_a_named_part_is_looked_at() {
    let Some(program) = oracle::nginx() else {
        return oracle::skip("certificates: nginx not found");
    };
    let stock = fixtures().join("stock/docker-compose.yml");
    let Some(standin) = Standin::start(&stock, json!({})) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path(), "127.0.0.1", 2100, false);
    let files = standin.files.clone().unwrap();
    let nginx = Nginx::start(&program, folder.path(), &files, MODERN);
    let files = format!("https://127.0.0.1:{}", nginx.1);
    let done = clearml("verify")
        .args(["-f", "json", "--api", &standin.api, "--files", &files])
        .arg(&standin.web)
        .done();
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    let mut findings = document["findings"].as_array().unwrap().iter();
    let of_it = findings.find(|one| one["rule"] == "certificate");
    let of_it = of_it.unwrap_or_else(|| panic!("{}", done.stdout));
    assert_eq!(of_it["server"], "fileserver");
    let said = format!("the certificate of {files} is self-signed");
    assert_eq!(of_it["message"], said);
}

/// Fails unless a certificate is said to be good, or what is expected of it, and all else is asked accordingly.
fn judge(done: &Done, expected: Option<&str>) {
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    let of = |rule: &str| {
        let findings = document["findings"].as_array().unwrap().iter();
        let of_it = findings.filter(|one| one["rule"] == rule);
        of_it
            .map(|one| one["message"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let said = of("certificate");
    match expected {
        // With a good one all else is asked through it.
        None => assert_eq!(
            (said.len(), of("default-login").len()),
            (0, 1),
            "{}{}",
            done.stdout,
            done.stderr
        ),
        Some(expected) => {
            assert!(
                said.len() == 1 && said[0].contains(expected),
                "{expected}: {}",
                done.stdout
            );
            // What clients refuse ends it there; what they only should is a warning.
            let is_refused = !expected.contains("outdated");
            assert_eq!(
                of("default-login").is_empty(),
                is_refused,
                "{}",
                done.stdout
            );
            let unknown = document["unknown"].as_array().unwrap();
            // One cause is one line, whatever it keeps from being checked.
            assert_eq!(unknown.len(), usize::from(is_refused), "{}", done.stdout);
        }
    }
}

/// Beside https:// the same parts answer over http://, on its port or on their own, or send everybody to https://.
#[test]
fn a_second_way_in_without_tls_is_found() {
    let Some(program) = oracle::nginx() else {
        return oracle::skip("plain HTTP beside TLS: nginx not found");
    };
    let compose = fixtures().join("documented-example/docker-compose.yml");
    let record = tempfile::NamedTempFile::new().unwrap();
    let more = json!({"record": record.path()});
    let Some(standin) = Standin::start(&compose, more) else {
        return;
    };
    // An address of this machine that no other run has, and a spelling of it that is not taken for this machine.
    let id = std::process::id();
    let address = format!("127.{}.{}.1", 1 + id % 200, id / 200 % 250);
    let name = format!("::ffff:{address}");
    let proxied = |port: u16, to: &str| {
        format!("server {{ listen {address}:{port}; location / {{ {to}; }} }}\n")
    };
    let (api, web) = (
        format!("proxy_pass {}", standin.api),
        format!("proxy_pass {}", standin.web),
    );
    for (port, to, expected) in [
        (0, "", vec![]),
        (8008, api.as_str(), vec!["apiserver"]),
        (8080, &web, vec!["webserver"]),
        (80, &web, vec!["apiserver", "fileserver", "webserver"]),
        (80, "return 301 https://$host$request_uri", vec![]),
    ] {
        if port == 80 && TcpListener::bind((address.as_str(), port)).is_err() {
            oracle::note_skipped("plain HTTP on port 80: it takes root to listen there");
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        certify(folder.path(), &name, 2100, true);
        let more = if port == 0 {
            String::new()
        } else {
            proxied(port, to)
        };
        let nginx = Nginx::start_at(
            &program,
            folder.path(),
            &address,
            &standin.web,
            "TLSv1.3",
            &more,
        );
        fs::write(record.path(), "").unwrap();
        let keys = folder.path().join("keys.env");
        clearml("keygen").arg("-o").arg(&keys).done().exit(0);
        let done = clearml("verify")
            .env("SSL_CERT_FILE", folder.path().join("ca.pem"))
            .args(["--rate", "1000", "-f", "json", "--keys"])
            .arg(&keys)
            .arg(format!("https://[{name}]:{}", nginx.1))
            .done();
        let document: Value = serde_json::from_str(&done.stdout).unwrap();
        let findings = document["findings"].as_array().unwrap().iter();
        let clear = findings.filter(|one| one["rule"] == "plain-http");
        let mut servers: Vec<&str> = clear.map(|one| one["server"].as_str().unwrap()).collect();
        servers.sort_unstable();
        assert_eq!(servers, expected, "{port} {to}: {}", done.stdout);
        assert_eq!(document["unknown"], json!([]), "{port} {to}");
        // Through TLS all goes by way of the web server; what went to the API server's own port says nobody's name.
        if port == 8008 {
            let text = fs::read_to_string(record.path()).unwrap();
            let requests = text
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap());
            let direct: Vec<Value> = requests
                .filter(|one| one["server"] == "apiserver")
                .collect();
            assert!(!direct.is_empty());
            for one in direct {
                assert_eq!(one["authorization"], Value::Null, "{one}");
            }
        }
    }
}

#[test]
fn a_cookie_that_goes_over_plain_http_is_told() {
    let (Some(program), folder) = (oracle::nginx(), tempfile::tempdir().unwrap()) else {
        return oracle::skip("cookies over TLS: nginx not found");
    };
    let keys = folder.path().join("keys.env");
    clearml("keygen").arg("-o").arg(&keys).done().exit(0);
    let injected = clearml("inject")
        .arg("-k")
        .arg(&keys)
        .arg(fixtures().join("stock/docker-compose.yml"))
        .done()
        .exit(0);
    for (variable, expected) in [
        ("", 1),
        (
            "      CLEARML__apiserver__auth__cookies__secure: 'true'\n",
            0,
        ),
    ] {
        let at = injected.stdout.find("  apiserver:\n").unwrap();
        let at = at
            + injected.stdout[at..].find("    environment:\n").unwrap()
            + "    environment:\n".len();
        let text = format!(
            "{}{variable}{}",
            &injected.stdout[..at],
            &injected.stdout[at..]
        );
        let compose = folder.path().join("docker-compose.yml");
        fs::write(&compose, text).unwrap();
        let Some(standin) = Standin::start(&compose, json!({})) else {
            return;
        };
        certify(folder.path(), "127.0.0.1", 2100, true);
        let nginx = Nginx::start(&program, folder.path(), &standin.web, "TLSv1.3");
        let done = clearml("verify")
            .env("SSL_CERT_FILE", folder.path().join("ca.pem"))
            .args(["-f", "json", "--keys"])
            .arg(&keys)
            .arg(format!("https://127.0.0.1:{}", nginx.1))
            .done();
        let document: Value = serde_json::from_str(&done.stdout).unwrap();
        let findings = document["findings"].as_array().unwrap();
        let count = findings
            .iter()
            .filter(|one| one["rule"] == "insecure-cookie")
            .count();
        assert_eq!(count, expected, "{}{}", done.stdout, done.stderr);
    }
}

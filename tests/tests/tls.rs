//! Certificates of every kind, served by a real nginx in front of the stand-in.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use e2e::files::fixtures;
use e2e::oracle;
use e2e::program::clearml;
use e2e::standin::Standin;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use serde_json::{Value, json};

/// nginx with TLS in front of an address.
struct Nginx(Child, u16);

impl Nginx {
    fn start(program: &Path, folder: &Path, upstream: &str, protocols: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let here = folder.display();
        let configuration = format!(
            "daemon off; pid {here}/pid; error_log {here}/error.log; events {{}}\n\
             http {{\n\
             access_log off; client_body_temp_path {here}/t1; proxy_temp_path {here}/t2; fastcgi_temp_path {here}/t3;\n\
             uwsgi_temp_path {here}/t4; scgi_temp_path {here}/t5;\n\
             server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {here}/leaf.pem; ssl_certificate_key {here}/leaf.key;\n\
             ssl_protocols {protocols}; ssl_ciphers ALL:@SECLEVEL=0; location / {{ proxy_pass {upstream}; }} }} }}\n"
        );
        fs::write(folder.join("nginx.conf"), configuration).unwrap();
        let child = Command::new(program)
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(folder.join("nginx.conf"))
            .arg("-e")
            .arg(folder.join("error.log"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let nginx = Self(child, port);
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return nginx;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!(
            "{}",
            fs::read_to_string(folder.join("error.log")).unwrap_or_default()
        );
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it only if it is asked.
        drop(Command::new("kill").arg(self.0.id().to_string()).status());
        drop(self.0.wait());
    }
}

/// A certificate for a name in a folder, valid until a year, signed by an authority or by itself; `ca.pem` is the authority's.
fn certify(folder: &Path, name: &str, until: i32, is_signed: bool) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(DnType::CommonName, "the tests' authority");
    let root = authority.self_signed(&authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
    leaf.distinguished_name.push(DnType::CommonName, name);
    leaf.not_before = date_time_ymd(2020, 1, 1);
    leaf.not_after = date_time_ymd(until, 1, 1);
    let leaf = if is_signed {
        leaf.signed_by(&key, &Issuer::from_params(&authority, &authority_key))
            .unwrap()
    } else {
        leaf.self_signed(&key).unwrap()
    };
    fs::write(folder.join("ca.pem"), root.pem()).unwrap();
    fs::write(folder.join("leaf.pem"), leaf.pem()).unwrap();
    fs::write(folder.join("leaf.key"), key.serialize_pem()).unwrap();
}

#[test]
fn certificates_are_told_for_what_they_are() {
    let Some(program) = oracle::nginx() else {
        return oracle::skip("certificates: no nginx");
    };
    let Some(standin) = Standin::start(
        &fixtures().join("documented-example/docker-compose.yml"),
        json!({}),
    ) else {
        return;
    };
    let modern = "TLSv1.2 TLSv1.3";
    for (name, until, is_signed, protocols, expected) in [
        ("127.0.0.1", 2100, true, modern, None),
        ("127.0.0.1", 2100, true, "TLSv1.2", None),
        ("127.0.0.1", 2021, true, modern, Some("expired on")),
        (
            "clearml.example.com",
            2100,
            true,
            modern,
            Some("is not for 127.0.0.1"),
        ),
        (
            "127.0.0.1",
            2100,
            false,
            modern,
            Some("is signed by itself"),
        ),
        (
            "127.0.0.1",
            2100,
            true,
            "TLSv1 TLSv1.1",
            Some("no TLS newer than 1.1"),
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        certify(folder.path(), name, until, is_signed);
        let nginx = Nginx::start(&program, folder.path(), &standin.web, protocols);
        let done = clearml("verify")
            .env("SSL_CERT_FILE", folder.path().join("ca.pem"))
            .args(["-f", "json", &format!("https://127.0.0.1:{}", nginx.1)])
            .done();
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
                assert_eq!(of("default-login").len(), 0);
                assert_ne!(document["unknown"].as_array().unwrap().len(), 0);
            }
        }
    }
    // An authority that this machine does not know.
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path(), "127.0.0.1", 2100, true);
    let nginx = Nginx::start(&program, folder.path(), &standin.web, modern);
    let done = clearml("verify")
        .arg(format!("https://127.0.0.1:{}", nginx.1))
        .done();
    assert!(
        done.stdout.contains("is not trusted here"),
        "{}",
        done.stdout
    );
}

#[test]
fn a_cookie_that_goes_over_plain_http_is_told() {
    let (Some(program), folder) = (oracle::nginx(), tempfile::tempdir().unwrap()) else {
        return oracle::skip("cookies over TLS: no nginx");
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

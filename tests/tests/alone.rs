//! The released programs in a root that has nothing else: no library, no device, no file of a system. An image from scratch
//! is one, and so is a chroot.
//!
//! `cargo xtask dist --check` runs this over a release that was made: only what is linked statically starts there.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;

use e2e::files::{fixtures, stock};
use e2e::nginx::{Nginx, certify};
use e2e::oracle;
use e2e::packed::{PROGRAMS, Packed};
use e2e::program::{Done, other};
use e2e::standin::Standin;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Where the root of a real machine has certificates, too.
const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";
/// Where this test answers questions about names: no other server of a machine does.
const NAMES: &str = "127.77.0.53";

/// A root with the programs in it.
struct Root(TempDir);

impl Root {
    /// None, with a visible skip, for anyone but root.
    fn new() -> Option<Self> {
        let released = Packed::get().ok().filter(|released| released.is_real)?;
        let folder = tempfile::tempdir().unwrap();
        if fs::metadata(folder.path()).unwrap().uid() != 0 {
            oracle::skip("the programs alone in a root: only root may change to one");
            return None;
        }
        let unpacked = released.unpacked();
        for program in PROGRAMS {
            let from = unpacked.path().join("bin").join(program);
            fs::copy(from, folder.path().join(program)).unwrap();
        }
        Some(Self(folder))
    }

    fn write(&self, name: &str, text: &[u8]) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Done {
        other(Path::new("chroot"))
            .arg(self.0.path())
            .arg(format!("/{program}"))
            .args(arguments.iter().copied())
            .done()
    }
}

#[test]
#[ignore = "it takes static programs: cargo xtask dist --check"]
fn keys_are_made_put_in_and_verified_without_a_device_or_a_library() {
    let Some(root) = Root::new() else {
        return;
    };
    root.write("docker-compose.yml", stock().as_bytes());
    // What the servers mount has to be there to be read.
    fs::create_dir_all(root.0.path().join("opt/clearml/config")).unwrap();
    let [one, other] = ["one", "other"].map(|passwords| {
        let jane = ["--user", "jane", "--passwords", passwords];
        let keys = root.run("clearml-keygen", &jane).exit(0).stdout;
        (keys, fs::read(root.0.path().join(passwords)).unwrap())
    });
    assert!(one.0 != other.0, "the same keys twice");
    assert!(one.1 != other.1, "the same password twice");
    let make = ["-o", "keys.env"];
    root.run("clearml-keygen", &make).exit(0);
    let put = [
        "-k",
        "keys.env",
        "--env-file",
        ".env",
        "-i",
        "docker-compose.yml",
    ];
    root.run("clearml-inject", &put).exit(0);
    let ask = [
        "-k",
        "keys.env",
        "--fail-on",
        "error",
        "-f",
        "json",
        "docker-compose.yml",
    ];
    let verified = root.run("clearml-verify", &ask);
    let report: Value = serde_json::from_str(&verified.stdout).unwrap();
    assert_eq!(report["unknown"], json!([]), "{}", verified.report());
    let rules = report["findings"].as_array().unwrap();
    let is_about_keys = |finding: &Value| finding["rule"] == "missing-setting";
    assert!(!rules.iter().any(is_about_keys), "{}", verified.report());
}

/// Answers each question about a name with this machine, for as long as the test runs.
fn name_server(name: &str) -> std::io::Result<()> {
    let socket = UdpSocket::bind((NAMES, 53))?;
    let labels = name.split('.').flat_map(|label| {
        let length = u8::try_from(label.len()).unwrap();
        [&[length], label.as_bytes()].concat()
    });
    let asked: Vec<u8> = labels.chain([0]).collect();
    thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let Some(question) = buffer.get(12..(12 + asked.len() + 4).min(length)) else {
                continue;
            };
            let is_it = question.starts_with(&asked);
            let is_v4 = question.get(asked.len()..asked.len() + 2) == Some(&[0, 1]);
            let mut answer = buffer[..2].to_vec();
            // An answer, which asks on: with no error, or without such a name.
            answer.extend([0x81, if is_it { 0x80 } else { 0x83 }]);
            answer.extend([0, 1, 0, u8::from(is_it && is_v4), 0, 0, 0, 0]);
            answer.extend(question);
            if is_it && is_v4 {
                // The name that was asked about, its address, for a minute.
                answer.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
            }
            drop(socket.send_to(&answer, from));
        }
    });
    Ok(())
}

#[test]
#[ignore = "it takes static programs: cargo xtask dist --check"]
fn a_name_is_resolved_and_its_certificate_checked() {
    const NAME: &str = "clearml.example.com";
    let Some(root) = Root::new() else {
        return;
    };
    let Some(nginx) = oracle::nginx() else {
        return oracle::skip("TLS in an empty root: nginx not found");
    };
    if let Err(error) = name_server(NAME) {
        return oracle::skip(&format!("names in an empty root: {NAMES}: {error}"));
    }
    let compose = fixtures().join("documented-example/docker-compose.yml");
    let Some(standin) = Standin::start(&compose, json!({})) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path(), NAME, 2100, true);
    let nginx = Nginx::start(&nginx, folder.path(), &standin.web, "TLSv1.2 TLSv1.3");
    let url = format!("https://{NAME}:{}", nginx.1);
    let ask = |what: &str| {
        let done = root.run("clearml-verify", &["-f", "json", &url]);
        let about = format!("{what}: {}\n{}", done.report(), done.stdout);
        (done.stdout, about)
    };
    let (said, about) = ask("without a name server");
    assert!(said.contains("does not exist"), "{about}");
    root.write(
        "etc/resolv.conf",
        format!("nameserver {NAMES}\n").as_bytes(),
    );
    let (said, about) = ask("without an authority");
    assert!(!said.contains("does not exist"), "{about}");
    assert!(said.contains("no certificates of authorities"), "{about}");
    root.write(
        AUTHORITIES,
        &fs::read(folder.path().join("ca.pem")).unwrap(),
    );
    let (said, about) = ask("with everything");
    assert!(said.contains("default-login"), "{about}");
    assert!(!said.contains("certificate"), "{about}");
}

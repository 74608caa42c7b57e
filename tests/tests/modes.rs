//! A thousand generated compose files through every mode of inject: what comes out holds the keyset, or is refused with
//! a reason, and nothing panics.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use e2e::generator;
use e2e::program::{Done, clearml};
use serde_json::Value;

const FILES: u64 = 1000;
const COMPOSE: &str = "docker-compose.yml";

/// The options of each mode, and the files that verify merges over the compose file then.
const MODES: [(&str, &[&str]); 6] = [
    ("plain", &[]),
    ("ports", &["--close-ports", "--bind", "127.0.0.1"]),
    ("env file", &["--env-file", ".env"]),
    ("override", &["--override"]),
    (
        "override of all",
        &[
            "--override",
            "--env-file",
            ".env",
            "--close-ports",
            "--bind",
            "::1",
        ],
    ),
    (
        "in place, all",
        &[
            "-i",
            "--env-file",
            ".env",
            "--close-ports",
            "--bind",
            "127.0.0.1",
        ],
    ),
];

#[test]
fn every_mode_keeps_the_guarantee_or_says_why_not() {
    let shared = tempfile::tempdir().unwrap();
    let keys = shared.path().join("keys.env");
    clearml("keygen")
        .args(["--user", "jane", "--passwords", "-", "-o", "keys.env"])
        .within(shared.path())
        .done()
        .exit(0);
    let (next, failures) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let refused: [AtomicUsize; MODES.len()] = Default::default();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= FILES {
                        break;
                    }
                    for (mode, refused) in MODES.iter().zip(&refused) {
                        match one(seed, mode.1, &keys) {
                            Ok(true) => {}
                            Ok(false) => drop(refused.fetch_add(1, Ordering::Relaxed)),
                            Err(why) => {
                                let why = format!("seed {seed}, {}: {why}", mode.0);
                                failures.lock().unwrap().push(why);
                            }
                        }
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} failed:\n{}",
        failures.len(),
        failures[..failures.len().min(10)].join("\n")
    );
    for ((name, _), refused) in MODES.iter().zip(refused) {
        let refused = refused.into_inner();
        assert!(
            refused as u64 <= FILES / 20,
            "{name}: {refused} were refused"
        );
    }
}

/// Whether one file was injected; false where it was refused as it should be.
fn one(seed: u64, options: &[&str], keys: &Path) -> Result<bool, String> {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let before = generator::compose_file(seed);
    fs::write(at(COMPOSE), &before).unwrap();
    let inject = || -> Done {
        clearml("inject")
            .arg("-k")
            .arg(keys)
            .args(options.iter().copied())
            .arg(COMPOSE)
            .within(folder.path())
            .done()
    };
    let done = inject();
    if done.status == Some(2) {
        let is_told = done.stderr.contains("  help: ") && done.stderr.contains(COMPOSE);
        let is_untouched = fs::read_to_string(at(COMPOSE)).unwrap() == before
            && !at(".env").exists()
            && done.stdout.is_empty();
        return if is_told && is_untouched {
            Ok(false)
        } else {
            Err(format!(
                "refused without a reason, or half done: {}",
                done.report()
            ))
        };
    }
    if done.status != Some(0) {
        return Err(done.report());
    }
    let is_override = options.contains(&"--override");
    if is_override {
        fs::write(at("override.yml"), &done.stdout).unwrap();
    } else if !options.contains(&"-i") {
        fs::write(at(COMPOSE), &done.stdout).unwrap();
    }
    // The same once more changes nothing.
    let env = fs::read_to_string(at(".env")).ok();
    let again = inject();
    let is_same = fs::read_to_string(at(".env")).ok() == env
        && again.status == Some(0)
        && (options.contains(&"-i") || again.stdout == done.stdout)
        && (is_override || again.stderr.contains("nothing to change"));
    if !is_same {
        return Err(format!("not the same the second time: {}", again.report()));
    }
    let mut verify = clearml("verify").args(["-f", "json", "--keys"]).arg(keys);
    if is_override {
        verify = verify.args(["--merge", "override.yml"]);
    }
    let found = verify.arg(COMPOSE).within(folder.path()).done();
    let found: Value = serde_json::from_str(&found.stdout).map_err(|_| found.report())?;
    let is_closed = options.contains(&"--close-ports");
    let wrong = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(
            |finding| match finding["rule"].as_str().unwrap_or_default() {
                "keys-not-applied" | "missing-setting" | "split-credential" | "open-login" => true,
                "exposed-database" | "public-port" => is_closed,
                _ => false,
            },
        );
    match wrong {
        Some(finding) => Err(format!("{}: {}", finding["rule"], finding["message"])),
        None => Ok(true),
    }
}

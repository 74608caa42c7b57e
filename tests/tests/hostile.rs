//! Servers that are no ClearML servers, or no honest ones: each is asked in bounded time and memory, nothing is said of it that
//! is not so, and nothing of the keys comes out, whatever it repeats.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use e2e::hostile::{self, Hostile};
use e2e::program::{clearml, program};
use serde_json::Value;

/// What nine hostile servers may take, in KiB.
const MEMORY: u64 = 100 << 10;

/// One run over many servers may take so long: each is looked at for a few times `--timeout`, and some at once.
const LONGEST: Duration = Duration::from_secs(150);

/// What came of a run.
struct Ran {
    stdout: String,
    stderr: String,
    /// The most memory that was in use, in KiB.
    peak: u64,
    took: Duration,
}

/// A keyset, and every value in it, as it is and as it goes over the wire.
struct Keys {
    folder: tempfile::TempDir,
    secrets: Vec<String>,
}

impl Keys {
    fn generate() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.env");
        clearml("keygen").arg("-o").arg(&path).done().exit(0);
        let text = fs::read_to_string(path).unwrap();
        let values = text.lines().filter_map(|line| line.split_once('='));
        let values = values.map(|(_, value)| value.trim_matches('\'').to_lowercase());
        let secrets: Vec<String> = values.filter(|value| value.len() > 8).collect();
        assert!(secrets.len() >= 12);
        Self { folder, secrets }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("keys.env")
    }

    /// Every value that is in a text, in any case.
    fn within(&self, text: &str) -> Vec<&String> {
        let text = text.to_lowercase();
        let all = self.secrets.iter();
        all.filter(|secret| text.contains(secret.as_str()))
            .collect()
    }
}

#[test]
fn of_each_what_is_right_is_said_and_nothing_else() {
    let keys = Keys::generate();
    let all = hostile::all();
    assert!(all.len() >= 40, "{}", all.len());
    let urls: Vec<String> = all.iter().map(|one| one.start()).collect();
    let ran = run(&keys, "json", &urls);
    let document: Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
    let mut wrong = Vec::new();
    for (one, url) in all.iter().zip(&urls) {
        wrong.extend(differs(one, url, &document));
    }
    wrong.extend(bounds(&ran));
    wrong.extend(
        keys.within(&(ran.stdout + &ran.stderr))
            .iter()
            .map(|_| "a key was printed".to_owned()),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_of_the_keys_is_in_any_format() {
    let keys = Keys::generate();
    let all = hostile::all();
    let urls: Vec<String> = all
        .iter()
        .filter(|one| one.name.contains("echo") || one.name.contains("repeats"))
        .map(|one| one.start())
        .collect();
    assert!(urls.len() >= 8);
    for format in [
        "text",
        "json",
        "jsonl",
        "sarif",
        "html",
        "github",
        "gitlab",
        "markdown",
        "prometheus",
    ] {
        // Once more with what they have heard before.
        for _ in 0..2 {
            let ran = run(&keys, format, &urls);
            // Numbers have no addresses.
            let looked_at = match format {
                "prometheus" => "clearml_verify_",
                _ => "127.0.0.1",
            };
            assert!(ran.stdout.contains(looked_at), "{format}: {}", ran.stderr);
            let heard = ran.stdout + &ran.stderr;
            assert_eq!(keys.within(&heard), Vec::<&String>::new(), "{format}");
            let is_safe = |c: char| c == '\n' || !c.is_control() && c != '\u{202e}';
            assert!(heard.chars().all(is_safe), "{format}");
            assert_eq!(bounds_of(ran.peak, ran.took), None, "{format}");
        }
    }
}

#[test]
fn nine_that_say_as_much_as_they_can_take_little_memory() {
    let keys = Keys::generate();
    let all = hostile::all();
    for names in [
        [
            "a body without an end",
            "headers without an end",
            "JSON without an end",
        ],
        [
            "as many answers as fit, as large as may be",
            "JSON as deep as it is long",
            "a thousand headers",
        ],
    ] {
        let worst = all.iter().filter(|one| names.contains(&one.name));
        let urls: Vec<String> = worst
            .flat_map(|one| [one.start(), one.start(), one.start()])
            .collect();
        assert_eq!(urls.len(), 9);
        let ran = run(&keys, "json", &urls);
        assert_eq!(bounds(&ran), None);
    }
}

/// What is not as it should be of a server.
fn differs(one: &Hostile, url: &str, document: &Value) -> Vec<String> {
    let of_it = |list: &str, field: &str| -> Vec<&Value> {
        let all = document[list].as_array().unwrap().iter();
        // Its port ends there.
        let is_its = |text: &str| {
            text.match_indices(url)
                .any(|(at, _)| !text[at + url.len()..].starts_with(|c: char| c.is_ascii_digit()))
        };
        all.filter(|entry| is_its(entry[field].as_str().unwrap()))
            .collect()
    };
    let found: BTreeSet<&str> = of_it("findings", "message")
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    let unknown = of_it("unknown", "what");
    let mut wrong = Vec::new();
    let expected: BTreeSet<&str> = one.finds.iter().copied().collect();
    if found != expected {
        wrong.push(format!("{}: finds {found:?}, not {expected:?}", one.name));
    }
    for part in one.unknown {
        // Where one answer says it of all parts, it is said of the server.
        if !unknown
            .iter()
            .filter_map(|entry| entry["what"].as_str())
            .any(|what| what == url || what.contains(part))
        {
            let all: Vec<&str> = unknown
                .iter()
                .map(|entry| entry["what"].as_str().unwrap())
                .collect();
            wrong.push(format!(
                "{}: {part} is not among what was not checked: {all:?}",
                one.name
            ));
        }
    }
    if found.is_empty() && unknown.is_empty() {
        wrong.push(format!("{}: passes for clean", one.name));
    }
    wrong
}

fn bounds(ran: &Ran) -> Option<String> {
    bounds_of(ran.peak, ran.took)
}

fn bounds_of(peak: u64, took: Duration) -> Option<String> {
    match (peak, took) {
        _ if took > LONGEST => Some(format!("it took {took:?}")),
        (0, _) => Some("its memory is not known".to_owned()),
        _ if peak > MEMORY => Some(format!("{peak} KiB")),
        _ => None,
    }
}

fn run(keys: &Keys, format: &str, urls: &[String]) -> Ran {
    let since = Instant::now();
    let mut child = Command::new(program("verify"))
        // A busy machine answers for the honest ones late.
        .args(["--timeout", "2", "-f", format, "--keys"])
        .arg(keys.path())
        .args(urls)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = read(child.stdout.take().unwrap());
    let stderr = read(child.stderr.take().unwrap());
    let peak = peak(&mut child);
    child.wait().unwrap();
    Ran {
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
        peak,
        took: since.elapsed(),
    }
}

fn read(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    })
}

/// The most memory that a process has used, asked for until it ends.
fn peak(child: &mut Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(Path::new(&status)).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(number.unwrap_or(0));
        thread::sleep(Duration::from_millis(10));
    }
    peak
}

//! What clearml-verify says of servers under gunicorn, held against gunicorn: generated command lines, texts of
//! `GUNICORN_CMD_ARGS` and configurations. What ours does not know is no difference.
//!
//! `CLEARML_SECURE_FUZZ=20` asks twenty times as many questions, `CLEARML_SECURE_SEED` other ones.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on says where it stopped"
)]

#[path = "../oracles/oracle.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod oracles;
#[path = "../oracles/random.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod random;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use e2e::program::clearml;
use oracles::{Conversation, number};
use random::Random;
use serde_json::{Value, json};

const CASES: u64 = 300;
/// What is in front of each path of the container: nothing there, and a folder of this machine for gunicorn.
const ROOT: &str = "ROOT";
/// The switches that are turned on and off.
const SWITCHES: [(&str, &str); 3] = [
    (
        "CLEARML__fileserver__auth__enabled",
        "fileserver.auth.enabled",
    ),
    ("CLEARML__fileserver__debug", "fileserver.debug"),
    (
        "CLEARML__fileserver__cors__supports_credentials",
        "fileserver.cors.supports_credentials",
    ),
];
/// Folders that have a configuration of the server's in `c`, by which it is seen where it starts.
const FOLDERS: [&str; 4] = ["/opt/clearml", "/a", "/b", "/opt/clearml/a"];

/// One server under gunicorn.
struct Case {
    words: Vec<String>,
    arguments: Option<String>,
    /// By the path in the container.
    files: BTreeMap<&'static str, String>,
}

fn pair(random: &mut Random) -> String {
    let name = random.pick(&SWITCHES).0;
    let value = random.pick(&["true", "false"]);
    match random.below(8) {
        0 => format!(" {name}={value}\t"),
        1 => format!("{name}={value} "),
        2 => "OTHER=a=b".to_owned(),
        _ => format!("{name}={value}"),
    }
}

fn folder(random: &mut Random) -> &'static str {
    random.pick(&[
        "ROOT/a",
        "ROOT/b",
        "a",
        "./a",
        "ROOT/opt/clearml",
        "../../b",
        ".",
    ])
}

/// An option, as the words of a command.
fn option(random: &mut Random) -> Vec<String> {
    const OTHERS: [&str; 16] = [
        "-D",
        "-R",
        "-w 2",
        "-w2",
        "--workers=3",
        "-b 0.0.0.0:8081",
        "--preload",
        "--timeout 5",
        "-k gthread",
        "--capture-output",
        "--log-level=debug",
        "--access-logfile -",
        "--name e",
        "--reload-extra-file -e",
        "--umask 0",
        "--no-sendfile",
    ];
    let pair = pair(random);
    let folder = folder(random);
    let file = random.pick(&[
        "ROOT/g/one.py",
        "ROOT/g/two.py",
        "file:ROOT/g/one.py",
        "a/three.py",
    ]);
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match random.below(22) {
        0..=2 => words(&["-e", &pair]),
        3 => words(&[&format!("-e{pair}")]),
        4 => words(&["--env", &pair]),
        5 => words(&[&format!("--env={pair}")]),
        6 => words(&[&format!("-De{pair}")]),
        7 => words(&["-RDe", &pair]),
        8 | 9 => words(&["--chdir", folder]),
        10 => words(&[&format!("--chdir={folder}")]),
        11 => words(&[&format!("--chd={folder}")]),
        12 | 13 => words(&["-c", file]),
        14 => words(&[&format!("-c{file}")]),
        15 => words(&[&format!("--config={file}")]),
        16 => words(&["--pythonpath", folder]),
        _ => random.pick(&OTHERS).split(' ').map(str::to_owned).collect(),
    }
}

fn options(random: &mut Random, most: usize) -> Vec<Vec<String>> {
    let count = random.below(most + 1);
    (0..count).map(|_| option(random)).collect()
}

/// A text that `shlex` splits into these words.
fn joined(random: &mut Random, words: &[String]) -> String {
    let quoted = words.iter().map(|word| {
        let quote = match word.contains(char::is_whitespace) {
            true => random.pick(&["'", "\""]),
            false => random.pick(&["", "", "", "'", "\""]),
        };
        format!("{quote}{word}{quote}")
    });
    quoted
        .collect::<Vec<_>>()
        .join(random.pick(&[" ", "  ", "\t"]))
}

fn configuration(random: &mut Random) -> String {
    const OTHERS: [&str; 14] = [
        "workers = 4",
        "import multiprocessing\nworkers = multiprocessing.cpu_count() * 2 + 1",
        "bind = '0.0.0.0:8081'  # raw_env = ['OTHER=x']",
        "# chdir = '/b'",
        "timeout = (\n  5\n)",
        "preload_app = True",
        "chdir = 'ROOT' + '/b'",
        "import os\nos.environ['CLEARML__fileserver__debug'] = 'true'",
        "name = 'x'; chdir = 'ROOT/b'",
        "if True:\n    chdir = 'ROOT/b'",
        "raw_env += ['CLEARML__fileserver__debug=true']",
        "\"\"\"\nchdir = 'ROOT/b'\n\"\"\"",
        "RAW_ENV = ['CLEARML__fileserver__debug=true']",
        "def on_starting(server):\n    pass",
    ];
    let mut text = String::new();
    for _ in 0..random.below(3) + 1 {
        let (one, two) = (pair(random), pair(random));
        let line = match random.below(10) {
            0 | 1 => format!("raw_env = ['{one}']"),
            2 => format!("raw_env = [\n    \"{one}\",\n    '{two}',  # ']\n]"),
            3 => format!("raw_env = ('{one}', )"),
            4 => "raw_env = []".to_owned(),
            5 | 6 => format!("chdir = '{}'", folder(random)),
            _ => random.pick(&OTHERS).to_owned(),
        };
        text.push_str(&line);
        text.push_str(random.pick(&["\n", "\n", "\r\n", "\n\n"]));
    }
    text
}

impl Case {
    fn generate(random: &mut Random) -> Self {
        let mut words = options(random, 3);
        let at = random.below(words.len() + 1);
        words.insert(at, vec!["fileserver:app".to_owned()]);
        let arguments = random.one_in(2).then(|| {
            let words = options(random, 2).concat();
            joined(random, &words)
        });
        let mut files = BTreeMap::new();
        for path in ["/g/one.py", "/g/two.py", "/opt/clearml/a/three.py"] {
            files.insert(path, configuration(random));
        }
        if random.one_in(3) {
            files.insert("/opt/clearml/gunicorn.conf.py", configuration(random));
        }
        if random.one_in(6) {
            files.insert("/a/gunicorn.conf.py", configuration(random));
        }
        Self {
            words: words.concat(),
            arguments,
            files,
        }
    }

    /// Writes its files below a folder, with this in the place of the root.
    fn write(&self, below: &Path, root: &str) {
        for folder in FOLDERS {
            fs::create_dir_all(below.join(folder.trim_start_matches('/'))).unwrap();
        }
        for (path, text) in &self.files {
            let path = below.join(path.trim_start_matches('/'));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text.replace(ROOT, root)).unwrap();
        }
    }

    /// A service of a compose file.
    fn service(&self, number: usize) -> String {
        let mut words = match number % 3 {
            0 => vec!["gunicorn"],
            1 => vec!["python3", "-um", "gunicorn"],
            _ => vec!["env", "OTHER=1", "/usr/local/bin/gunicorn"],
        };
        words.extend(self.words.iter().map(String::as_str));
        let command = json!(words).to_string().replace(ROOT, "");
        let mut text = format!(
            "  s{number}:\n    image: clearml/server:2.3.0\n    command: {command}\n    environment:\n      \
             CLEARML_CONFIG_DIR: c\n"
        );
        if let Some(arguments) = &self.arguments {
            let arguments = json!(arguments).to_string().replace(ROOT, "");
            writeln!(text, "      GUNICORN_CMD_ARGS: {arguments}").unwrap();
        }
        text.push_str("    volumes:\n");
        for path in self.files.keys() {
            writeln!(text, "    - ./{number}{path}:{path}").unwrap();
        }
        for (at, folder) in FOLDERS.iter().enumerate() {
            writeln!(text, "    - ./{at}.conf:{folder}/c/fileserver.conf").unwrap();
        }
        text
    }

    fn ask(&self, gunicorn: &mut Conversation, root: &Path) -> Value {
        let shown = root.to_str().unwrap();
        self.write(root, shown);
        let question = json!({
            "words": self.words,
            "arguments": self.arguments,
            "folder": root.join("opt/clearml"),
        });
        let question = question.to_string().replace(ROOT, shown);
        serde_json::from_str(&gunicorn.ask(&question)).unwrap()
    }
}

/// What is said of one service: by path, the state and the file that it is of.
type Said<'v> = BTreeMap<&'v str, (&'v str, Option<&'v str>)>;

/// What differs, and how much was known.
fn compare(said: &Said<'_>, theirs: &Value, root: &Path) -> (Vec<String>, usize) {
    let mut wrong = Vec::new();
    let mut known = 0;
    for (variable, path) in SWITCHES {
        let (state, file) = said.get(path).copied().unwrap_or_default();
        if state == "unknown" {
            continue;
        }
        let ours = file.map(|_| match state {
            "on" => "true",
            "off" => "false",
            state => state,
        });
        let value = theirs["environment"][variable].as_str();
        known += usize::from(ours.is_some());
        if ours != value {
            wrong.push(format!("{variable}: {ours:?}, gunicorn {value:?}"));
        }
    }
    let (state, file) = said
        .get("fileserver.cors.origins")
        .copied()
        .unwrap_or_default();
    if state != "unknown" {
        let folder = Path::new(theirs["folder"].as_str().unwrap());
        let folder = Path::new("/").join(folder.strip_prefix(root).unwrap());
        let at = FOLDERS.iter().position(|known| Path::new(known) == folder);
        let expected = at.map(|at| format!("./{at}.conf"));
        known += usize::from(at.is_some_and(|at| at > 0));
        if file != expected.as_deref() {
            wrong.push(format!("{}: {file:?}, not {expected:?}", folder.display()));
        }
    }
    (wrong, known)
}

#[test]
fn gunicorn_gives_a_server_what_is_said() {
    let Some(python) = oracles::python() else {
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracles/gunicorn_oracle.py");
    let mut gunicorn = Conversation::start(Command::new(python).arg(script)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let mut random = Random::new(number("CLEARML_SECURE_SEED", 20_261_127));
    let count = CASES * number("CLEARML_SECURE_FUZZ", 1);
    let cases: Vec<Case> = (0..count).map(|_| Case::generate(&mut random)).collect();
    let mut compose = String::from("services:\n");
    for (number, case) in cases.iter().enumerate() {
        case.write(&folder.join(number.to_string()), "");
        compose.push_str(&case.service(number));
    }
    for at in 0..FOLDERS.len() {
        let text = format!("cors.origins: \"https://{at}.example.com\"\n");
        fs::write(folder.join(format!("{at}.conf")), text).unwrap();
    }
    fs::write(folder.join("docker-compose.yml"), compose).unwrap();
    let done = clearml("verify")
        .args(["--effective", "--all", "-f", "json", "docker-compose.yml"])
        .within(&folder)
        .done();
    let ours: Value = serde_json::from_str(&done.stdout).unwrap();
    let mut by_service: BTreeMap<&str, Said<'_>> = BTreeMap::new();
    for row in ours["paths"].as_array().unwrap() {
        let word = |name: &str| row[name].as_str().unwrap_or_default();
        let said = (word("state"), row["place"]["file"].as_str());
        let service = by_service.entry(word("service")).or_default();
        service.insert(word("path"), said);
    }
    let mut failures = Vec::new();
    let (mut run, mut known) = (0, 0);
    for (number, case) in cases.iter().enumerate() {
        let root = folder.join("roots").join(number.to_string());
        let theirs = case.ask(&mut gunicorn, &root);
        // What gunicorn refuses starts no server.
        if theirs["error"].is_string() {
            continue;
        }
        run += 1;
        let said = &by_service[format!("s{number}").as_str()];
        let (wrong, values) = compare(said, &theirs, &root);
        known += values;
        if !wrong.is_empty() {
            failures.push(format!(
                "{:?} {:?} {:#?}\n  {}",
                case.words,
                case.arguments,
                case.files,
                wrong.join("\n  ")
            ));
        }
    }
    eprintln!("{run} servers, {known} known values");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(
        run >= 100 && known >= 100,
        "{run} servers, {known} known values"
    );
}

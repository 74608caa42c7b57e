//! clearml-keygen as a shell uses it. Expected output is in `expected/`; `UPDATE_EXPECT=1` rewrites it.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test may fail as the test does"
)]

mod files;
mod kubernetes;
mod refusals;

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, io};

const FORMATS: [&str; 6] = ["env", "json", "yaml", "toml", "hocon", "kubernetes"];

/// In every bad keyset below; no output may have it.
const MARKED: &str = "MARKED5ecret";

/// What came of a run.
struct Done {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clearml-keygen"));
    // The machine's own variables would change what the program says.
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Done {
    run_with(args, "")
}

fn run_with(args: &[&str], stdin: &str) -> Done {
    finish(command(args), stdin)
}

fn finish(command: Command, stdin: &str) -> Done {
    let output = assert_cmd::Command::from_std(command)
        .write_stdin(stdin)
        .output()
        .unwrap();
    Done {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Done {
    /// Its product, where all went well and in silence.
    #[track_caller]
    fn product(self) -> String {
        assert_eq!((self.status, self.stderr.as_str()), (Some(0), ""));
        self.stdout
    }

    /// Its complaint, where it refused as it should.
    #[track_caller]
    fn refused(self) -> String {
        assert_eq!(self.status, Some(2), "{}", self.stderr);
        assert_eq!(self.stdout, "");
        self.stderr
    }
}

#[track_caller]
fn expect(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/expected")
        .join(name);
    if env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1") {
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text, expected,
        "{name} differs: UPDATE_EXPECT=1 cargo test rewrites it"
    );
}

/// Every word that looks like a generated key or secret is replaced by what it looks like.
fn masked(text: &str) -> String {
    let mut out = String::new();
    let mut words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    words.by_ref().for_each(|word| {
        let value = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let starts_well = value.starts_with(|c: char| c.is_ascii_alphabetic());
        let is_upper = !value.contains(|c: char| c.is_ascii_lowercase());
        match value.len() {
            30 if starts_well && is_upper => out.push_str("<key>"),
            54 if starts_well => out.push_str("<secret>"),
            40 => out.push_str("<key in base64>"),
            72 => out.push_str("<secret in base64>"),
            _ => out.push_str(value),
        }
        out.push_str(&word[value.len()..]);
    });
    out
}

/// Whether a word is a key or a secret, as it is or in base64.
fn is_value(word: &str) -> bool {
    [30, 54, 40, 72].contains(&word.len())
}

#[test]
fn a_fleet_gets_a_keyset_a_line() {
    let lines = run(&["--count", "200", "-f", "jsonl"]).product();
    let mut values = std::collections::BTreeSet::new();
    for line in lines.lines() {
        let env = run_with(&["--from", "-", "-f", "env"], line).product();
        values.extend(
            env.lines()
                .filter(|line| line.starts_with("CLEARML__"))
                .map(str::to_owned),
        );
    }
    // No value is in two of them.
    assert_eq!((lines.lines().count(), values.len()), (200, 200 * 12));
    let one = run(&["-f", "jsonl"]).product();
    assert_eq!(one.lines().count(), 1);
    let done = run(&["--count", "2"]);
    assert_eq!(done.status, Some(2));
    assert!(done.stderr.contains("add -f jsonl"), "{}", done.stderr);
}

#[test]
fn every_format_has_its_shape() {
    for format in FORMATS {
        let text = run(&["-f", format]).product();
        expect(&format!("keyset.{format}"), &masked(&text));
        let values: Vec<&str> = text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| is_value(word))
            .collect();
        let mut unique = values.clone();
        unique.sort_unstable();
        unique.dedup();
        // The services agent's two are there twice in env.
        let doubled = if format == "env" { 2 } else { 0 };
        assert_eq!((unique.len(), values.len()), (12, 12 + doubled), "{format}");
    }
    assert_eq!(
        masked(&run(&[]).product()),
        masked(&run(&["-f", "env"]).product())
    );
    assert_ne!(run(&[]).product(), run(&[]).product());
}

#[test]
fn every_format_is_read_back_from_every_other() {
    for from in FORMATS {
        let first = run(&["-f", from]).product();
        for to in FORMATS {
            let second = run_with(&["-f", to, "--from", "-"], &first).product();
            let back = run_with(&["-f", from, "--from", "-"], &second).product();
            assert_eq!(back, first, "{from} to {to}");
        }
    }
}

#[test]
fn users_and_values_of_other_makers_are_kept() {
    let keyset = r#"{"version": 1, "settings": {"secure.auth.token_secret": "it's `mine` $x #\\\" 1"},
        "users": [{"username": "jane", "name": "Jane \"Ö\" O'Brien", "password_hash": "JDJiJDE2JE45cW84dUxPaWNrZ3gyWk1SWm9NeWVJalpBZ2NmbDdwOTJsZEd4YWQ2OExKWmRMMTdsaFd5"}]}"#;
    // A .env file has no way to write that one.
    let refused = run_with(&["--from", "-"], keyset).refused();
    assert!(
        refused.contains("standard input:1:57: secure.auth.token_secret: the value has a backtick"),
        "{refused}"
    );
    let keyset = keyset.replace('`', "~");
    let json = run_with(&["-q", "-f", "json", "--from", "-"], &keyset).product();
    assert!(
        json.contains(r#""secure.auth.token_secret": "it's ~mine~ $x #\\\" 1""#),
        "{json}"
    );
    for format in FORMATS {
        let text = run_with(&["-f", format, "--from", "-"], &json).product();
        let back = run_with(&["-f", "json", "--from", "-"], &text).product();
        assert_eq!(back, json, "{format}");
    }
}

#[test]
fn a_shell_reads_env() {
    let text = run_with(
        &["--from", "-"],
        r#"{"version": 1, "settings": {"secure.credentials.services_agent.user_secret": "a b$c'd\" #`"}}"#,
    );
    // As above: no quotes keep a shell from running backticks beside a single quote.
    text.refused();
    let text = run_with(
        &["-q", "--from", "-"],
        r#"{"version": 1, "settings": {"secure.credentials.services_agent.user_secret": "a b$c'd\" #"}}"#,
    )
    .product();
    let script = format!(
        "{text}\nprintf '%s\\n%s' \"$CLEARML_AGENT_SECRET_KEY\" \"$CLEARML__SECURE__AUTH__TOKEN_SECRET\""
    );
    let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let (agent, token_secret) = shown.split_once('\n').unwrap();
    assert_eq!(agent, "a b$c'd\" #");
    assert!(text.contains(&format!("TOKEN_SECRET={token_secret}\n")));
}

#[test]
fn what_is_missing_is_generated_and_the_rest_is_kept() {
    let text = run_with(
        &["-q", "--from", "-"],
        "CLEARML__SECURE__AUTH__TOKEN_SECRET=mine\n",
    )
    .product();
    let mut shape = masked(&text);
    assert!(shape.contains("\nCLEARML__SECURE__AUTH__TOKEN_SECRET=mine\n"));
    shape = shape.replace("=mine\n", "=<secret>\n");
    assert_eq!(shape, masked(&run(&[]).product()));
}

/// The settings in the words of the messages.
const WORDS: [&str; 7] = [
    "session_secret",
    "token_secret",
    "apiserver",
    "fileserver",
    "webserver",
    "tests",
    "services_agent",
];

/// What is said of a file that has no value for these.
fn without(path: &str, words: &[&str]) -> String {
    format!(
        "clearml-keygen: {path} had no value for these settings, so new values were generated: {}\n",
        words.join(", ")
    )
}

/// ClearML's own secure.conf has an account with empty values, and a stock `.env` may have them too.
#[test]
fn a_value_that_is_missing_or_empty_is_named() {
    const TOKEN: &str = "secure.auth.token_secret";
    const AGENT_KEY: &str = "secure.credentials.services_agent.user_key";
    let without_agent_key = [&WORDS[..6], &[AGENT_KEY]].concat();
    for (keyset, missing) in [
        ("A=1\nCLEARML__SECURE__AUTH__TOKEN_SECRET=\n", &WORDS[..]),
        (
            "CLEARML_AGENT_ACCESS_KEY=\nCLEARML_AGENT_SECRET_KEY=''\n",
            &WORDS,
        ),
        (
            "CLEARML_AGENT_ACCESS_KEY=\nCLEARML_AGENT_SECRET_KEY=4f9d1c0b7a3e5862d1f0c9b8\n",
            &without_agent_key,
        ),
        (
            "CLEARML_AGENT_ACCESS_KEY=5e0c7d1b9a\nCLEARML_AGENT_SECRET_KEY=4f9d1c0b7a3e5862d1f0c9b8\n",
            &WORDS[..6],
        ),
        (
            &format!("{{\"version\": 1, \"settings\": {{\"{TOKEN}\": \"\"}}}}"),
            &WORDS,
        ),
        (&format!("version: 1\nsettings:\n  {TOKEN}: ''\n"), &WORDS),
        (
            &format!("version = 1\n[settings]\n\"{TOKEN}\" = ''\n"),
            &WORDS,
        ),
        ("auth.token_secret: \"\"\n", &WORDS),
        (
            "credentials { services_agent { role: admin, user_key: \"\", user_secret: \"\" } }\n",
            &WORDS,
        ),
    ] {
        for format in FORMATS {
            let done = run_with(&["--from", "-", "-f", format], keyset);
            assert_eq!(done.status, Some(0), "{}", done.stderr);
            assert_eq!(done.stderr, without("standard input", missing), "{keyset}");
            // Every value is there, and none is empty.
            let again = run_with(&["--from", "-", "-f", "json"], &done.stdout).product();
            assert_eq!(again.matches("\"secure.").count(), 12, "{again}");
        }
        // What is asked for by name needs no remark.
        let mut args = vec!["--from", "-"];
        args.extend(WORDS.iter().flat_map(|word| ["--only", word]));
        run_with(&args, keyset).product();
    }
    // One that has none of them is like no file.
    run_with(&["--from", "-"], "{\"version\": 1, \"settings\": {}}").product();
    // In a secure.conf it is filled where it is.
    let text = "credentials {\n  services_agent { role: \"admin\", user_key: \"\", user_secret: \"\" } # off\n}\n";
    let done = run_with(&["--from", "-", "-f", "hocon"], text);
    let expected = text
        .replacen("\"\"", "\"<key>\"", 1)
        .replacen("\"\"", "\"<secret>\"", 1);
    assert!(
        masked(&done.stdout).starts_with(&expected),
        "{}",
        done.stdout
    );
    // Anything else that is no value is refused still.
    let refused = run_with(
        &["--from", "-"],
        "auth.token_secret: \"\"\nhttp.session_secret.apiserver: 5\n",
    );
    assert!(
        refused
            .refused()
            .starts_with("clearml-keygen: standard input:2:32: ")
    );
}

#[test]
fn kept_values_that_are_public_or_weak_are_named() {
    let public = [
        "GSQWPEKSKNKF354LC9V6BHXKTYFD5I",
        "tuBXcGQBECsEhcNiK2kiWi750z9r8Z85XrQ9V0c24huTuCb2xf2X1nKG",
        "Rq8FW84sSqVgq7WvBB_4EzNl9y8z8IGiDXX3C345_a5AZfcwZcwCIA",
        "EGRTCO8JMSIGI6S39GTP43NFWXDQOW",
    ];
    let text = format!(
        "auth {{ token_secret: \"{}\" }}\ncredentials {{\n  fileserver {{ user_key: \"{}\", user_secret: \"{}\" }}\n  \
         tests {{ user_key: \"{}\", user_secret: new-secret-string }}\n  apiserver {{ user_key: k, user_secret: s3cr }}\n  \
         webserver {{ user_secret: \"qwertyuiopasdfghjklzxcvbnm\" }}\n}}\n",
        public[2], public[0], public[1], public[3]
    );
    let done = run_with(&["--from", "-", "-f", "hocon"], &text);
    assert_eq!(done.status, Some(0));
    let missing = [
        "session_secret",
        "secure.credentials.webserver.user_key",
        "services_agent",
    ];
    let expected = "clearml-keygen: warning: standard input: kept, although public: token_secret, fileserver, secure.credentials.tests.user_key\n  \
         help: make new ones with --only token_secret --only fileserver --only secure.credentials.tests.user_key\n\
         clearml-keygen: warning: standard input: kept, although only a placeholder: secure.credentials.tests.user_secret\n  \
         help: make new ones with --only secure.credentials.tests.user_secret\n\
         clearml-keygen: warning: standard input: kept, although too short: apiserver\n  \
         help: make new ones with --only apiserver\n\
         clearml-keygen: warning: standard input: kept, although easily guessed: secure.credentials.webserver.user_secret\n  \
         help: make new ones with --only secure.credentials.webserver.user_secret\n".to_owned()
        + &without("standard input", &missing);
    assert_eq!(done.stderr, expected);
    for value in public {
        assert!(done.stdout.contains(value) && !done.stderr.contains(value));
    }
    assert_eq!(run_with(&["-q", "--from", "-"], &text).stderr, "");
    // What the help says makes them new, and nothing is left to say.
    let mut args = vec!["--from", "-"];
    args.extend(WORDS.iter().flat_map(|word| ["--only", word]));
    let new = run_with(&args, &text).product();
    assert!(public.iter().all(|value| !new.contains(value)));
}

#[test]
fn only_changes_exactly_what_it_names() {
    let before = run(&["-f", "json"]).product();
    let changed = |only: &[&str]| {
        let mut args = vec!["-f", "json", "--from", "-"];
        args.extend(only.iter().flat_map(|word| ["--only", word]));
        let after = run_with(&args, &before).product();
        assert_eq!(masked(&after), masked(&before));
        let lines = before.lines().zip(after.lines());
        lines
            .filter(|(before, after)| before != after)
            .map(|(line, _)| line.split('"').nth(1).unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(changed(&["token_secret"]), ["secure.auth.token_secret"]);
    assert_eq!(
        changed(&["fileserver", "Session_Secret"]),
        [
            "secure.http.session_secret.apiserver",
            "secure.credentials.fileserver.user_key",
            "secure.credentials.fileserver.user_secret"
        ]
    );
    assert_eq!(
        changed(&["secure.credentials.tests.user_key"]),
        ["secure.credentials.tests.user_key"]
    );
}

#[test]
fn only_refuses_what_it_does_not_know() {
    let refused = run_with(&["--from", "-", "--only", "file\u{1b}[31mserver"], "").refused();
    assert_eq!(
        refused,
        "clearml-keygen: --only does not know `file\\u{1b}[31mserver`\n  help: use one of session_secret, \
         token_secret, apiserver, fileserver, webserver, tests, services_agent, or the path of a setting, for example \
         secure.auth.token_secret\n"
    );
    let refused = run(&["--only", "tests"]).refused();
    assert!(refused.contains("--from FILE is missing"), "{refused}");
    assert!(refused.contains("\n  clearml-keygen --only tests --from FILE\n"));
    let refused = run(&["--force"]).refused();
    assert!(refused.contains("\n  clearml-keygen --force --output FILE\n"));
    assert!(run(&["--nonsense"]).refused().contains("--nonsense"));
    assert!(run(&["-f", "xml"]).refused().contains("xml"));
}

#[test]
fn files_that_cannot_be_read_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().to_str().unwrap();
    assert_eq!(
        run(&["--from", name]).refused(),
        format!(
            "clearml-keygen: {name}: is a folder, not a file\n  help: name a file in the folder\n"
        )
    );
    let refused = run(&["--from", "no\u{1b}[31mthing"]).refused();
    assert!(
        refused.starts_with("clearml-keygen: no\\u{1b}[31mthing: no such file"),
        "{refused}"
    );
    let path = folder.path().join("keys");
    let bytes = [b"\xff", MARKED.as_bytes()].concat();
    File::create(&path).unwrap().write_all(&bytes).unwrap();
    let refused = run(&["--from", path.to_str().unwrap()]).refused();
    assert!(refused.contains(":1:1: not UTF-8\n"), "{refused}");
    assert!(!refused.contains(MARKED));
}

#[test]
fn colours_come_when_asked_for() {
    let has_color = |args: &[&str]| run(args).refused().contains('\u{1b}');
    assert!(has_color(&["--color", "always", "--from", "/nowhere"]));
    assert!(has_color(&["--color=always", "--nonsense"]));
    assert!(!has_color(&["--from", "/nowhere"]));
    assert!(!has_color(&["--nonsense"]));
    assert!(!has_color(&["--color", "never", "--nonsense"]));
    assert!(!run(&["--color", "always"]).product().contains('\u{1b}'));
}

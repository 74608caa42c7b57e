//! Whatever a program is given that it cannot use: one message, status 2, nothing written, nothing leaked.
//!
//! Every input carries [`MARK`] where a secret stands, and no output may have it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs::{self, File, OpenOptions};
use std::io::pipe;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use e2e::keyset::Keyset;
use e2e::oracle;
use e2e::program::{Done, Run, clearml, other, program};

/// Stands for a secret, is a valid one, and is found again in any output.
const MARK: &str = "MARKEDsecretMARKEDsecretMARKEDsecretMARKEDsecretMARKED";

/// Also a cut or changed secret is one.
const MARKS: [&str; 2] = ["MARKED", "markedsecret"];

const COMPOSE: &str = "\
services:
  apiserver:
    image: clearml/server:2.3.0
    command: [apiserver]
    environment:
      CLEARML__SECURE__AUTH__TOKEN_SECRET: MARK
  fileserver:
    image: clearml/server:2.3.0
    command: [fileserver]
";

/// A compose file that cannot be used: what to call it, the bytes, and where the message must point.
struct Bad {
    name: &'static str,
    bytes: Vec<u8>,
    place: Place,
}

enum Place {
    /// This line, whatever the column.
    Line(u32),
    /// Some line and column of the file.
    Somewhere,
    /// No position: the file as a whole.
    File,
}

/// A text, with a marked value for every `MARK`.
fn bad(name: &'static str, text: String, place: Place) -> Bad {
    Bad {
        name,
        bytes: text.replace("MARK", MARK).into_bytes(),
        place,
    }
}

/// The line of the compose file that sets a variable.
const SETTING: &str = "      CLEARML__SECURE__AUTH__TOKEN_SECRET: MARK\n";

/// The compose file with more lines after that one.
fn with(lines: &str) -> String {
    COMPOSE.replace(SETTING, &format!("{SETTING}{lines}"))
}

fn bad_compose_files() -> Vec<Bad> {
    let mut files = bad_yaml();
    files.extend(bad_projects());
    files
}

/// What is not YAML, or more of it than is read.
fn bad_yaml() -> Vec<Bad> {
    let mut not_utf8 = bad("not UTF-8", with("      NAME: \u{1}\n"), Place::Line(7));
    for byte in &mut not_utf8.bytes {
        if *byte == 1 {
            *byte = 0xff;
        }
    }
    let bomb: String = (1..40)
        .map(|level| {
            format!(
                "  l{level}: &a{level} [{}]\n",
                format!("*a{},", level - 1).repeat(10)
            )
        })
        .collect();
    vec![
        not_utf8,
        bad(
            "a list that is not closed",
            with("  webserver: [MARK\n"),
            Place::Somewhere,
        ),
        bad(
            "a quote that is not closed",
            with("      NAME: \"MARK\n"),
            Place::Somewhere,
        ),
        bad(
            "indentation that fits nowhere",
            with("   NAME: MARK\n"),
            Place::Somewhere,
        ),
        bad(
            "a tab for indentation",
            with("\t\tNAME: MARK\n"),
            Place::Somewhere,
        ),
        bad(
            "an alias without an anchor",
            with("      NAME: *MARK\n"),
            Place::Line(7),
        ),
        bad("a variable twice", with(SETTING), Place::Line(7)),
        bad(
            "a service twice",
            with("  apiserver:\n    image: MARK\n"),
            Place::Line(7),
        ),
        bad(
            "nesting deeper than 128",
            with(&format!("      NAME: {}MARK\n", "[".repeat(200))),
            Place::Line(7),
        ),
        bad(
            "nesting deeper than 128, in blocks",
            format!(
                "{COMPOSE}x-deep:\n{}",
                (1..200)
                    .map(|depth| format!("{}a:\n", " ".repeat(depth)))
                    .collect::<String>()
            ),
            Place::Somewhere,
        ),
        bad(
            "an alias bomb",
            format!("x-bomb:\n  l0: &a0 [MARK, MARK\n]\n{bomb}{COMPOSE}"),
            Place::Somewhere,
        ),
    ]
}

/// What is YAML and no compose file of a ClearML server.
fn bad_projects() -> Vec<Bad> {
    vec![
        bad(
            "services that are a list",
            "services:\n  - MARK\n".to_owned(),
            Place::Line(2),
        ),
        bad(
            "a service that is a text",
            "services:\n  apiserver: MARK\n".to_owned(),
            Place::Line(2),
        ),
        bad(
            "an environment that is a text",
            COMPOSE.replace(":\n      CLEARML__SECURE__AUTH__TOKEN_SECRET", ""),
            Place::Line(5),
        ),
        bad(
            "a variable that is a list",
            with("      NAME: [MARK]\n"),
            Place::Line(7),
        ),
        bad(
            "a second document that is a list",
            format!("{COMPOSE}---\n- MARK\n"),
            Place::Line(11),
        ),
        bad("no services", "name: MARK\n".to_owned(), Place::File),
        bad(
            "no ClearML server",
            "services:\n  web:\n    image: nginx:1.27\n    environment:\n      A: MARK\n"
                .to_owned(),
            Place::File,
        ),
        bad("an empty file", String::new(), Place::File),
        bad("a text", "MARK\n".to_owned(), Place::File),
    ]
}

impl Bad {
    /// Runs a program over it, and fails unless it is refused as it should be.
    fn refused_by(&self, run: Run, file: &Path) -> Result<(), String> {
        let done = run.done();
        let context = format!("{}: {}", self.name, done.report());
        if done.status != Some(2) {
            return Err(format!("not refused: {context}"));
        }
        if !done.stdout.is_empty() {
            return Err(format!("output all the same: {context}"));
        }
        let name = file.file_name().unwrap().to_str().unwrap();
        let place = match self.place {
            Place::Line(line) => format!("{name}:{line}:"),
            Place::Somewhere => format!("{name}:"),
            Place::File => name.to_owned(),
        };
        if !done.stderr.contains(&place) {
            return Err(format!("does not point at {place} {context}"));
        }
        leaked(&done).map_err(|why| format!("{why}: {}", self.name))?;
        if fs::read(file).unwrap() != self.bytes {
            return Err(format!("the original was touched: {}", self.name));
        }
        Ok(())
    }

    /// With `-f json` a program may say on standard output what it could not look at (`unknown`).
    fn refused_by_unless_json(
        &self,
        run: Run,
        file: &Path,
        arguments: &[&str],
    ) -> Result<(), String> {
        if !arguments.contains(&"json") {
            return self.refused_by(run, file);
        }
        let done = run.done();
        leaked(&done).map_err(|why| format!("{why}: {}", self.name))?;
        if done.status == Some(2) {
            Ok(())
        } else {
            Err(format!("not refused: {}: {}", self.name, done.report()))
        }
    }
}

fn leaked(done: &Done) -> Result<(), String> {
    let heard = format!("{}{}", done.stdout, done.stderr);
    if MARKS.iter().any(|mark| heard.contains(mark)) {
        // Not the report: it would show the secret again.
        return Err("a secret was printed".to_owned());
    }
    Ok(())
}

#[test]
fn bad_compose_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let keyset = Keyset::generate();
    fs::write(folder.path().join("keys.json"), &keyset.text).unwrap();
    let file = folder.path().join("bad.yml");
    let mut failures = Vec::new();
    for bad in bad_compose_files() {
        fs::write(&file, &bad.bytes).unwrap();
        for arguments in [
            vec!["inject", "-k", "keys.json", "bad.yml"],
            vec!["inject", "-k", "keys.json", "-i", "bad.yml"],
            vec!["inject", "-k", "keys.json", "-o", "out.yml", "bad.yml"],
            vec!["inject", "-k", "keys.json", "--diff", "bad.yml"],
            vec!["inject", "-k", "keys.json", "--check", "bad.yml"],
            vec!["verify", "bad.yml"],
            vec!["verify", "-f", "json", "bad.yml"],
            vec!["verify", "--effective", "bad.yml"],
        ] {
            let run = clearml(arguments[0])
                .args(&arguments[1..])
                .within(folder.path());
            if let Err(why) = bad.refused_by_unless_json(run, &file, &arguments) {
                failures.push(why);
            }
            if folder.path().join("out.yml").exists() {
                failures.push(format!("{}: a file was written", bad.name));
                fs::remove_file(folder.path().join("out.yml")).unwrap();
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn bad_keysets_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let compose = COMPOSE.replace("MARK", MARK);
    fs::write(folder.path().join("compose.yml"), &compose).unwrap();
    let json = Keyset::generate();
    let mut failures = Vec::new();
    for format in ["env", "json", "yaml", "toml", "hocon"] {
        let text = clearml("keygen")
            .args(["--from", "-", "-f", format])
            .stdin(json.text.as_str())
            .done()
            .exit(0)
            .stdout;
        for (what, bad, is_complete) in bad_keysets(format, &text, &json) {
            fs::write(folder.path().join("keys"), &bad).unwrap();
            let within = |run: Run| run.within(folder.path());
            let mut runs = vec![
                within(clearml("inject").args(["-k", "keys", "compose.yml"])),
                within(clearml("inject").arg("compose.yml")).stdin(bad.clone()),
                within(clearml("inject").args(["-k", "keys", "-i", "compose.yml"])),
            ];
            if is_complete {
                // keygen generates what a keyset lacks, so only for it is a part of one good enough.
                runs.push(within(clearml("keygen").args(["--from", "keys"])));
                runs.push(within(
                    clearml("keygen").args(["--from", "keys", "-o", "new"]),
                ));
            }
            for run in runs {
                let done = run.done();
                if done.status != Some(2) || !done.stdout.is_empty() || done.stderr.is_empty() {
                    failures.push(format!("{format}, {what}: {}", done.report()));
                }
                let heard = format!("{}{}", done.stdout, done.stderr);
                let shows_another = json.values.values().any(|value| heard.contains(value));
                if leaked(&done).is_err() || shows_another {
                    failures.push(format!("{format}, {what}: a secret was printed"));
                }
                if folder.path().join("new").exists() {
                    failures.push(format!("{format}, {what}: a file was written"));
                    fs::remove_file(folder.path().join("new")).unwrap();
                }
            }
        }
    }
    let after = fs::read_to_string(folder.path().join("compose.yml")).unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(after, compose, "the original was touched");
}

/// What it is, the text, and whether nothing is missing in it.
fn bad_keysets(format: &str, text: &str, keyset: &Keyset) -> Vec<(&'static str, Vec<u8>, bool)> {
    let token = keyset.get("secure.auth.token_secret");
    let line = text
        .lines()
        .find(|line| line.contains(token))
        .unwrap_or_else(|| panic!("{format} has no line for a setting"));
    let marked = line.replace(token, MARK);
    let mut bad = vec![
        (
            "a missing entry",
            text.replace(&format!("{line}\n"), ""),
            false,
        ),
        (
            "a doubled entry",
            text.replace(line, &format!("{line}\n{marked}")),
            true,
        ),
        ("an empty value", text.replace(token, ""), false),
        (
            "cut in the middle of a value",
            {
                let at = text.find(token).unwrap();
                format!("{}{}", &text[..at], &MARK[..20])
            },
            false,
        ),
        ("empty", String::new(), false),
        ("no keyset at all", format!("{MARK}\n"), true),
        ("a compose file", COMPOSE.replace("MARK", MARK), true),
    ];
    let unknown = match format {
        "env" => Some(format!("{text}CLEARML__SECURE__NOPE={MARK}\n")),
        "json" => Some(text.replace(line, &format!("{line}\n\"secure.nope\": \"{MARK}\","))),
        _ => None,
    };
    if let Some(unknown) = unknown {
        bad.push(("an unknown entry", unknown, true));
    }
    let mut bad: Vec<_> = bad
        .into_iter()
        .map(|(what, text, is_complete)| (what, text.into_bytes(), is_complete))
        .collect();
    let mut bytes = text.replace(token, MARK).into_bytes();
    bytes.push(0xff);
    bad.push(("not UTF-8", bytes, true));
    bad
}

#[test]
fn what_is_no_readable_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let keyset = Keyset::generate();
    fs::write(path("keys.json"), &keyset.text).unwrap();
    fs::write(path("good.yml"), COMPOSE.replace("MARK", MARK)).unwrap();
    fs::create_dir(path("folder.yml")).unwrap();
    // Over the limit by one byte; sparse, so it takes no space.
    fs::write(path("large.yml"), COMPOSE.replace("MARK", MARK)).unwrap();
    OpenOptions::new()
        .write(true)
        .open(path("large.yml"))
        .unwrap()
        .set_len((64 << 20) + 1)
        .unwrap();
    let mut names = vec!["absent.yml", "folder.yml", "large.yml"];
    if Path::new("/proc/self/mem").exists() {
        // It opens, and the first read of it fails: as a file that vanishes from a network does.
        std::os::unix::fs::symlink("/proc/self/mem", path("vanishing.yml")).unwrap();
        names.push("vanishing.yml");
    }
    fs::write(path("closed.yml"), COMPOSE.replace("MARK", MARK)).unwrap();
    fs::set_permissions(path("closed.yml"), fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(path("closed.yml")).is_err() {
        names.push("closed.yml");
    } else {
        oracle::note_skipped("a file that may not be read: root may read everything");
    }
    for name in names {
        let within = |run: Run| run.within(folder.path());
        let mut runs = vec![
            within(clearml("inject").args(["-k", "keys.json", name])),
            within(clearml("inject").args(["-k", "keys.json", "-i", name])),
            within(clearml("inject").args(["-k", name, "good.yml"])),
            within(clearml("keygen").args(["--from", name])),
            within(clearml("verify").args(["--env-file", name, "good.yml"])),
        ];
        if name != "folder.yml" {
            // A folder is a target of verify.
            runs.push(within(clearml("verify").arg(name)));
        }
        for run in runs {
            let done = run.done().refused().says(name);
            assert_eq!(leaked(&done), Ok(()), "{name}");
        }
    }
    assert!(!path("absent.yml").exists());
}

#[test]
fn bad_files_beside_the_compose_file_are_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("compose.yml"), COMPOSE.replace("MARK", "a")).unwrap();
    fs::create_dir(path("config")).unwrap();
    let verify = || clearml("verify").within(folder.path());

    fs::write(path("bad.env"), format!("GOOD=1\nNAME=\"{MARK}\n")).unwrap();
    let done = verify()
        .args(["--env-file", "bad.env", "compose.yml"])
        .done()
        .refused()
        .points_into("bad.env");
    assert_eq!(leaked(&done), Ok(()));

    for bad in [
        format!("auth {{\n  token_secret: [{MARK}\n"),
        format!("auth {{\n  token_secret: \"{MARK}\n}}\n"),
        format!("auth {{\n  token_secret: {MARK}=\n}}\n"),
    ] {
        fs::write(path("config/secure.conf"), &bad).unwrap();
        let done = verify()
            .args(["--config-dir", "config", "compose.yml"])
            .done()
            .exit(2)
            .points_into("secure.conf");
        assert_eq!(leaked(&done), Ok(()));
        // What can be read is reported all the same.
        assert!(done.stdout.contains("missing-setting"), "{}", done.report());
    }
}

#[test]
fn a_substitution_that_compose_refuses_is_a_finding_and_not_injected() {
    let folder = tempfile::tempdir().unwrap();
    let text = COMPOSE
        .replace("MARK\n", "a\n      NAME: ${MARK\n")
        .replace("MARK", MARK);
    fs::write(folder.path().join("compose.yml"), &text).unwrap();
    let done = clearml("verify")
        .arg("compose.yml")
        .within(folder.path())
        .done()
        .exit(1);
    assert!(
        done.stdout.contains("misread-value") && done.stdout.contains("compose.yml:7:"),
        "{}",
        done.report()
    );
    assert_eq!(leaked(&done), Ok(()));
    let keyset = Keyset::generate();
    let done = clearml("inject")
        .arg("compose.yml")
        .within(folder.path())
        .stdin(keyset.text.as_str())
        .done()
        .refused()
        .points_into("compose.yml");
    assert_eq!(leaked(&done), Ok(()));
}

/// A secret of the user's own may hold what YAML, compose and HOCON give a meaning to: it arrives or is refused.
#[test]
fn odd_values_arrive_or_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("compose.yml"),
        COMPOSE.replace("MARK", "a"),
    )
    .unwrap();
    let keyset = Keyset::generate();
    let token = keyset.get("secure.auth.token_secret");
    let odd = "MARKED#sec$ret,MARKED{sec}ret=MARKED";
    fs::write(
        folder.path().join("keys.json"),
        keyset.text.replace(token, odd),
    )
    .unwrap();
    let done = clearml("inject")
        .args(["-k", "keys.json", "compose.yml"])
        .within(folder.path())
        .done()
        .exit(0);
    assert!(!done.stderr.contains("MARKED"));
    fs::write(folder.path().join("secured.yml"), &done.stdout).unwrap();
    let done = clearml("verify")
        .args(["--effective", "-f", "json", "secured.yml"])
        .within(folder.path())
        .done();
    assert!(!done.stdout.contains("\"misread\""), "{}", done.report());
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let keyset = Keyset::generate();
    fs::write(folder.path().join("compose.yml"), COMPOSE).unwrap();
    for (run, expected) in [
        (clearml("keygen"), 0),
        (clearml("inject").arg("compose.yml"), 0),
        (clearml("inject").args(["--diff", "compose.yml"]), 0),
        (clearml("verify").arg("compose.yml"), 0),
        (clearml("verify").args(["-f", "json", "compose.yml"]), 0),
        (clearml("verify").arg("--list-rules"), 0),
        (clearml("keygen").arg("--help"), 0),
    ] {
        let (reader, writer) = pipe().unwrap();
        // As in `clearml-keygen | head -0`: the reader is gone before the first byte.
        drop(reader);
        let done = run
            .within(folder.path())
            .stdin(keyset.text.as_str())
            .done_into(Stdio::from(writer));
        let done = done.exit(expected);
        assert!(
            done.stderr.to_lowercase().find("pipe").is_none(),
            "{}",
            done.report()
        );
    }
}

#[test]
fn a_full_disk_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let compose = COMPOSE.replace("MARK", MARK);
    fs::write(folder.path().join("compose.yml"), &compose).unwrap();
    let keyset = Keyset::generate();
    let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
        oracle::note_skipped("a full disk: there is no /dev/full here");
        return;
    };
    for run in [
        clearml("keygen"),
        clearml("inject").arg("compose.yml"),
        clearml("inject").args(["--diff", "compose.yml"]),
        clearml("verify").arg("compose.yml"),
        clearml("verify").args(["-f", "json", "compose.yml"]),
        clearml("verify").args(["--effective", "compose.yml"]),
    ] {
        let done = run
            .within(folder.path())
            .stdin(keyset.text.as_str())
            .done_into(Stdio::from(full.try_clone().unwrap()))
            .exit(2);
        assert!(!done.stderr.is_empty(), "{}", done.report());
        assert_eq!(leaked(&done), Ok(()));
    }
    for run in [
        clearml("keygen").args(["--force", "-o", "/dev/full"]),
        clearml("inject").args(["--force", "-o", "/dev/full", "compose.yml"]),
    ] {
        run.within(folder.path())
            .stdin(keyset.text.as_str())
            .done()
            .refused()
            .says("/dev/full");
    }
    assert_eq!(
        fs::read_to_string(folder.path().join("compose.yml")).unwrap(),
        compose
    );
}

#[test]
fn files_are_not_overwritten_by_accident() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.env");
    fs::write(&keys, "mine").unwrap();
    clearml("keygen")
        .args(["-o", "keys.env"])
        .within(folder.path())
        .done()
        .refused()
        .says("--force");
    assert_eq!(fs::read_to_string(&keys).unwrap(), "mine");

    clearml("keygen")
        .args(["-o", "new.env"])
        .within(folder.path())
        .done()
        .exit(0);
    let mode = fs::metadata(folder.path().join("new.env"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "others may read the keys");

    for target in [".", "no-such-folder/keys.env"] {
        clearml("keygen")
            .args(["-o", target])
            .within(folder.path())
            .done()
            .refused();
    }
}

#[test]
fn words_that_mean_nothing_are_refused() {
    clearml("keygen")
        .args(["--only", "nonsense"])
        .done()
        .refused();
    clearml("keygen").args(["-f", "nonsense"]).done().refused();
    clearml("verify")
        .args(["--explain", "nonsense"])
        .done()
        .refused();
    clearml("verify")
        .args(["--ignore", "nonsense", "-"])
        .stdin(COMPOSE)
        .done()
        .refused();
    for program in ["keygen", "inject", "verify"] {
        clearml(program).arg("--no-such-option").done().refused();
    }
}

#[test]
fn control_characters_never_reach_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let keyset = Keyset::generate();
    // \e in YAML's double quotes is an escape character; the file itself has none.
    let text = COMPOSE
        .replace("  apiserver:", "  \"apiserver\\e[31m\\u202E\":")
        .replace(
            "image: clearml/server:2.3.0\n    command: [apiserver]",
            "image: \"clearml/server:2.3.0\\e]0;x\\a\"\n    command: [apiserver]",
        )
        .replace("MARK", "\"new-secret-string\"");
    let name = "name\u{1b}[31m.yml";
    fs::write(folder.path().join("compose.yml"), &text).unwrap();
    fs::write(folder.path().join(name), COMPOSE).unwrap();
    fs::write(folder.path().join("bad\u{1b}[31m.yml"), "services: [").unwrap();
    for run in [
        clearml("verify").arg("compose.yml"),
        clearml("verify").args(["--effective", "compose.yml"]),
        clearml("verify").args(["-f", "json", "compose.yml"]),
        clearml("verify").arg(name),
        clearml("verify").arg("bad\u{1b}[31m.yml"),
        clearml("inject").args(["--diff", "compose.yml"]),
        clearml("inject").args(["--diff", name]),
        clearml("inject").arg("bad\u{1b}[31m.yml"),
        clearml("inject").arg("no\u{1b}[31m.yml"),
        clearml("keygen").args(["--from", "no\u{1b}[31m.yml"]),
        clearml("keygen").args(["--only", "no\u{1b}[31m"]),
    ] {
        let done = run.within(folder.path()).stdin(keyset.text.as_str()).done();
        let heard = format!("{}{}", done.stdout, done.stderr);
        assert!(
            !heard.contains(['\u{1b}', '\u{7}', '\u{202e}']),
            "{}",
            done.report().escape_debug()
        );
    }
}

/// Whoever opens a pipe waits for its other end. The limit is `timeout`'s, so that a failure is one.
#[test]
fn nobody_waits_for_a_pipe_that_no_one_writes_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let compose = COMPOSE.replace("MARK", "a");
    fs::write(path("docker-compose.yml"), &compose).unwrap();
    fs::write(
        path("with.yml"),
        format!("{compose}    env_file: [vars.env]\n"),
    )
    .unwrap();
    fs::write(path("keys.json"), Keyset::generate().text).unwrap();
    fs::create_dir(path("config")).unwrap();
    for (pipe, command) in [
        (".env", "clearml-inject -k keys.json docker-compose.yml"),
        (
            "docker-compose.override.yml",
            "clearml-inject -k keys.json -i docker-compose.yml",
        ),
        ("vars.env", "clearml-inject -k keys.json with.yml"),
        (
            "apart.env",
            "clearml-inject -k keys.json --env-file apart.env docker-compose.yml",
        ),
        (
            "config/apiserver.conf",
            "clearml-keygen --users-from <(echo jane:correct-horse-battery) -f hocon --force -o config/secure.conf",
        ),
        (
            "config/secure.conf",
            "clearml-verify --config-dir config docker-compose.yml",
        ),
        (".git", "clearml-verify docker-compose.yml"),
        ("apiserver.conf", "clearml-verify docker-compose.yml"),
    ] {
        let made = other(Path::new("mkfifo")).arg(path(pipe)).done();
        assert_eq!(made.status, Some(0), "{}", made.report());
        let done = shell(folder.path(), &format!("timeout 20 {command}"));
        if pipe.starts_with(".git") || pipe == "apiserver.conf" {
            // Beside a deployment it is none of its files.
            assert_eq!(done.status, Some(1), "{}", done.report());
        } else {
            done.refused().says(pipe);
        }
        fs::remove_file(path(pipe)).unwrap();
    }
    let after = fs::read_to_string(path("docker-compose.yml")).unwrap();
    assert_eq!(after, compose);
}

#[test]
fn the_command_line_may_name_pipes() {
    let folder = tempfile::tempdir().unwrap();
    let compose = COMPOSE.replace("MARK", "a");
    fs::write(folder.path().join("compose.yml"), &compose).unwrap();
    let command =
        "clearml-inject -k <(clearml-keygen) --merge <(echo 'services: {}') <(cat compose.yml)";
    let done = shell(folder.path(), &format!("timeout 20 {command}")).exit(0);
    assert!(done.stdout.contains("CLEARML__"), "{}", done.report());
    let command = "clearml-keygen -f json --from <(clearml-keygen) --users-from <(echo jane:correct-horse-battery)";
    let done = shell(folder.path(), &format!("timeout 20 {command}")).exit(0);
    assert!(done.stdout.contains("jane"), "{}", done.report());
}

fn shell(within: &Path, command: &str) -> Done {
    let programs = program("inject").parent().unwrap().to_owned();
    let path = format!(
        "{}:{}",
        programs.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    other(Path::new("bash"))
        .args(["-c", command])
        .env("PATH", path)
        .within(within)
        .done()
}

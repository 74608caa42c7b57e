//! Files that cannot be read or written, pipes, and what belongs to no terminal.

use std::fs::{self, File, OpenOptions};
use std::io::pipe;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use e2e::keyset::Keyset;
use e2e::oracle;
use e2e::program::{Done, Run, clearml, other, program};

use super::{COMPOSE, MARK, leaked};

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
        // What goes to a file is whole, whether anybody reads the rest, and so is the exit code.
        (
            clearml("verify").args(["-o", "json:report.json", "compose.yml"]),
            1,
        ),
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

/// Anyone who opens a pipe waits for its other end. The limit is `timeout`'s, so that a failure is one.
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
        } else if pipe == "config/secure.conf" {
            // Everything else is looked at.
            assert_eq!(done.status, Some(1), "{}", done.report());
            assert!(done.stdout.contains("config/secure.conf is a named pipe"));
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

//! Web-login users from one end to the other: Python's bcrypt takes their passwords, and a server lets them in.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use e2e::files::fixtures;
use e2e::oracle;
use e2e::program::clearml;
use e2e::standin::{Standin, asked};
use serde_json::json;

/// Runs Python of the tests' environment; none, with a visible skip, without it.
fn python(script: &str, arguments: &[&str]) -> Option<String> {
    let Some(python) = oracle::python() else {
        oracle::skip("web-login users: no Python environment");
        return None;
    };
    let output = Command::new(python)
        .args(["-c", script])
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Whether each password of `name:password` lines fits its hash, checked as the API server does
/// (docs/clearml.md#password-hashes).
fn is_let_in(keys: &Path, passwords: &Path) -> Option<bool> {
    let script = "import base64, bcrypt, json, sys\n\
                  users = {u['username']: u for u in json.load(open(sys.argv[1]))['users']}\n\
                  lines = [l.rstrip('\\n').split(':') for l in open(sys.argv[2])]\n\
                  assert lines\n\
                  fits = lambda l: bcrypt.checkpw(l[1].encode(), base64.b64decode(users[l[0]]['password_hash']))\n\
                  print(all(fits(l) for l in lines))";
    let arguments = [keys.to_str().unwrap(), passwords.to_str().unwrap()];
    python(script, &arguments).map(|said| said.trim() == "True")
}

/// Makes a keyset with two users that get passwords, and three whose passwords are chosen.
fn generate(folder: &Path) {
    let path = |name: &str| folder.join(name);
    fs::write(
        path("chosen"),
        "ann:it's \"quoted\" $HOME #1:Ann O'Neil\nJürgen:pässword with spaces\n\
         longest:pässwords that are as long as bcrypt reads, which is seventy-two bytes.\n",
    )
    .unwrap();
    clearml("keygen")
        .args([
            "-f",
            "json",
            "--user",
            "jane",
            "--user",
            "john=John \"$x\" Doe",
        ])
        .args(["--passwords".into(), path("passwords")])
        .args(["--users-from".into(), path("chosen")])
        .args(["-o".into(), path("keys.json")])
        .done()
        .exit(0);
}

/// The stock deployment with that keyset: the same from every format, and every format keeps the users.
fn secured(folder: &Path) -> String {
    let path = |name: &str| folder.join(name);
    let stock = fixtures().join("stock/docker-compose.yml");
    let mut secured: Option<String> = None;
    for format in ["json", "env", "yaml", "toml", "hocon"] {
        let written = path(&format!("keys.{format}.again"));
        clearml("keygen")
            .args(["--from".into(), path("keys.json")])
            .args(["-f", format, "-o"])
            .arg(&written)
            .done()
            .exit(0);
        let done = clearml("inject").arg("-k").arg(&written).arg(&stock).done();
        assert_eq!(done.status, Some(0), "{format}: {}", done.stderr);
        assert!(
            done.stderr
                .contains("refuses the accounts webserver and tests")
        );
        let first = secured.get_or_insert_with(|| done.stdout.clone());
        assert_eq!(*first, done.stdout, "{format}");
    }
    secured.unwrap()
}

/// Every user gets in with the right password, and nobody else.
fn log_in(standin: &Standin, generated: &[&str]) {
    for line in generated {
        let mut parts = line.split(':');
        assert_eq!(
            standin.log_in(parts.next().unwrap(), parts.next().unwrap()),
            200,
            "{line}"
        );
    }
    assert_eq!(standin.log_in("ann", "it's \"quoted\" $HOME #1"), 200);
    assert_eq!(standin.log_in("Jürgen", "pässword with spaces"), 200);
    let longest = "pässwords that are as long as bcrypt reads, which is seventy-two bytes.";
    assert_eq!(longest.len(), 72);
    assert_eq!(standin.log_in("longest", longest), 200);
    assert_eq!(standin.log_in("longest", &longest[..71]), 401);
    assert_eq!(standin.log_in("jane", "wrong"), 401);
    assert_eq!(
        standin.log_in(
            "EYVQ385RW7Y2QQUH88CZ7DWIQ1WUHP",
            "XhkH6a6ds9JBnM_MrahYyYdO-wS2bqFSm8gl-V0UZXH26Ydd6Eyi28TeBEoSr6Z3Bes"
        ),
        401
    );
}

#[test]
fn jane_logs_in_and_the_defaults_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    generate(folder.path());
    let passwords = fs::read_to_string(path("passwords")).unwrap();
    let mode = fs::metadata(path("passwords"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let lines: Vec<&str> = passwords.lines().collect();
    assert_eq!(lines.len(), 2);
    for line in &lines {
        let password = line.split(':').nth(1).unwrap();
        assert_eq!(password.len(), 20);
        assert!(!password.contains(['0', 'O', '1', 'l', 'I', 'o', 'i']));
    }
    for file in ["passwords", "chosen"] {
        match is_let_in(&path("keys.json"), &path(file)) {
            Some(is_let_in) => assert!(is_let_in, "{file}"),
            None => return,
        }
    }
    let secured = secured(folder.path());
    let compose = path("docker-compose.yml");
    fs::write(&compose, secured).unwrap();
    let again = clearml("inject")
        .args(["--check", "-k"])
        .arg(path("keys.json"))
        .arg(&compose)
        .done();
    assert_eq!(again.status, Some(0), "{}", again.stderr);
    let Some(standin) = Standin::start(&compose, json!({})) else {
        return;
    };
    log_in(&standin, &lines);
    let (status, found, unknown) = asked(&standin, &[]);
    let expected = vec!["cors-reflection note apiserver".to_owned()];
    assert_eq!((status, found, unknown), (Some(0), expected, vec![]));
}

#[test]
fn what_cannot_be_a_user_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let long = "x".repeat(73);
    for (line, expected) in [
        ("jane", "1: the line has no colon between name and password"),
        ("jane:", "1: the password is empty"),
        (
            &format!("jane:{long}"),
            "1: the password is longer than 72 bytes",
        ),
        (
            "jane:MARKED\u{7}",
            "1: the password has a character that cannot be typed",
        ),
        (":MARKED", "1: the name is empty"),
        (
            "ja\u{7}ne:MARKED",
            "1: the value has a character that cannot be printed",
        ),
        (
            "# a comment\njane:MARKED\njane:MARKED2",
            "3: there is already a user of this name",
        ),
    ] {
        fs::write(path("chosen"), line).unwrap();
        let done = clearml("keygen")
            .args(["--users-from".into(), path("chosen")])
            .args(["-o".into(), path("keys.env")])
            .done();
        assert_eq!(done.status, Some(2), "{line}");
        assert!(done.stderr.contains(expected), "{line}: {}", done.stderr);
        done.never_says("MARKED");
        assert!(!path("keys.env").exists(), "{line}");
    }
    for (name, expected) in [
        ("ja:ne", "a colon"),
        ("ja\nne", "cannot be printed"),
        ("", "empty"),
        ("o`brien", "backtick"),
    ] {
        let done = clearml("keygen")
            .args(["--user", name, "--passwords"])
            .arg(path("passwords"))
            .args(["-o".into(), path("keys.env")])
            .done();
        assert_eq!(done.status, Some(2), "{name}");
        assert!(done.stderr.contains(expected), "{name}: {}", done.stderr);
        assert!(
            !path("keys.env").exists() && !path("passwords").exists(),
            "{name}"
        );
    }
    // Passwords that nobody would ever see are not made.
    assert_eq!(
        clearml("keygen").args(["--user", "jane"]).done().status,
        Some(2)
    );
    // Passwords of a keyset that could not be written are not left behind.
    fs::write(path("keys.env"), "mine").unwrap();
    let done = clearml("keygen")
        .args(["--user", "jane", "--passwords"])
        .arg(path("passwords"))
        .args(["-o".into(), path("keys.env")])
        .done();
    assert_eq!(done.status, Some(2));
    assert!(!path("passwords").exists());
    assert_eq!(fs::read_to_string(path("keys.env")).unwrap(), "mine");
}

/// A keyset with three users, in a format, and what keygen says to a change of them.
fn changed(folder: &Path, format: &str, arguments: &str) -> e2e::program::Done {
    clearml("keygen")
        .within(folder)
        .args(["-f", format, "--from", "keys", "-o", "keys", "--force"])
        .args(arguments.split_whitespace())
        .done()
}

#[test]
fn one_password_is_reset_and_one_user_removed_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let json = |text: &str| -> serde_json::Value {
        fs::write(path("now"), text).unwrap();
        let done = clearml("keygen")
            .within(folder.path())
            .args(["-f", "json", "--from", "now"])
            .done();
        serde_json::from_str(&done.exit(0).stdout).unwrap()
    };
    clearml("keygen")
        .within(folder.path())
        .args("--user jane=Jane --user bob --user ann --passwords first -o start".split(' '))
        .done()
        .exit(0);
    let start = json(&fs::read_to_string(path("start")).unwrap());
    for format in ["env", "json", "yaml", "toml", "hocon", "kubernetes"] {
        let _ = fs::remove_file(path("pw"));
        clearml("keygen")
            .within(folder.path())
            .args([
                "-q", "-f", format, "--from", "start", "-o", "keys", "--force",
            ])
            .done()
            .exit(0);
        let done = changed(
            folder.path(),
            format,
            "--reset-password jane --remove-user bob --passwords pw",
        )
        .exit(0);
        for said in [
            "new password: jane\n",
            "removed: bob\n",
            "--only token_secret",
            "API keys",
        ] {
            assert!(done.stderr.contains(said), "{format}: {}", done.stderr);
        }
        let now = json(&fs::read_to_string(path("keys")).unwrap());
        assert_eq!(now["settings"], start["settings"], "{format}");
        let (now, before) = (now["users"].as_array().unwrap(), &start["users"]);
        assert_eq!(now.len(), 2, "{format}");
        assert_eq!(
            (&now[0]["username"], &now[0]["name"]),
            (&json!("jane"), &json!("Jane"))
        );
        assert_ne!(now[0]["password_hash"], before[0]["password_hash"]);
        assert_eq!(now[1], before[2], "{format}");
        // The new password is in the file, this once, and nobody else's.
        let passwords = fs::read_to_string(path("pw")).unwrap();
        assert!(passwords.starts_with("jane:") && passwords.lines().count() == 1);
        let mode = fs::metadata(path("pw")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(path("all.json"), json_of(now)).unwrap();
        let is_let_in = is_let_in(&path("all.json"), &path("pw"));
        assert!(is_let_in.is_none_or(|is_let_in| is_let_in), "{format}");
    }
    // Nobody is left: what follows is said, and that inject does not do it.
    let done = changed(folder.path(), "env", "--remove-user jane --remove-user ann").exit(0);
    let nobody = "this keyset has no web-login user, so clearml-inject leaves";
    assert!(done.stderr.contains(nobody), "{}", done.stderr);
    assert!(
        json(&fs::read_to_string(path("keys")).unwrap())["users"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

fn json_of(users: &[serde_json::Value]) -> String {
    json!({"version": 1, "settings": {}, "users": users}).to_string()
}

#[test]
fn a_user_who_is_not_there_is_named_with_those_who_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    clearml("keygen")
        .within(folder.path())
        .args("--user jane --user bob --passwords first -o keys".split(' '))
        .done()
        .exit(0);
    let before = fs::read_to_string(path("keys")).unwrap();
    for (arguments, expected) in [
        (
            "--reset-password jan --passwords pw",
            "--reset-password: keys has no web-login user jan\n  help: did you mean jane? The users are jane, bob",
        ),
        ("--remove-user BOB", "did you mean bob?"),
        ("--remove-user somebody", "help: the users are jane, bob"),
        (
            "--remove-user jane --reset-password jane --passwords pw",
            "jane is both in --reset-password and in --remove-user",
        ),
        ("--user jane --passwords pw", "use --reset-password jane"),
        (
            "--reset-password jane",
            "--passwords FILE is missing. Run this:\n  clearml-keygen -f env --from keys -o keys --force --reset-password jane --passwords FILE\n",
        ),
    ] {
        let done = changed(folder.path(), "env", arguments);
        assert_eq!(done.status, Some(2), "{arguments}");
        assert!(
            done.stderr.contains(expected),
            "{arguments}: {}",
            done.stderr
        );
        assert_eq!(
            fs::read_to_string(path("keys")).unwrap(),
            before,
            "{arguments}"
        );
        assert!(!path("pw").exists(), "{arguments}");
    }
}

#[test]
fn json_lines_hold_passwords_with_a_colon() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let keygen = |text: &str| {
        fs::write(path("chosen"), text).unwrap();
        clearml("keygen")
            .within(folder.path())
            .args(["-f", "json", "--users-from", "chosen"])
            .done()
    };
    let done = keygen(
        "\u{feff}# ours\n {\"username\": \"jane\", \"password\": \"it's: \\\"so\\\" #1\", \"name\": \"Jane D\"}\r\n\n\
         {\"password\": \"::two: colons:: 9x\", \"username\": \"J\u{fc}rgen\"}",
    );
    fs::write(path("keys.json"), &done.exit(0).stdout).unwrap();
    fs::write(
        path("passwords"),
        "jane\tit's: \"so\" #1\nJ\u{fc}rgen\t::two: colons:: 9x\n",
    )
    .unwrap();
    let script = "import base64, bcrypt, json, sys\n\
                  users = {u['username']: u for u in json.load(open(sys.argv[1]))['users']}\n\
                  lines = [l.rstrip('\\n').split('\\t') for l in open(sys.argv[2])]\n\
                  print([bcrypt.checkpw(p.encode(), base64.b64decode(users[n]['password_hash'])) for n, p in lines], users['jane']['name'])";
    let (keys, passwords) = (path("keys.json"), path("passwords"));
    if let Some(said) = python(
        script,
        &[keys.to_str().unwrap(), passwords.to_str().unwrap()],
    ) {
        assert_eq!(said.trim(), "[True, True] Jane D");
    }
    for (text, expected) in [
        (
            "{\"username\": \"a\", \"pasword\": \"MARKED\"}",
            "chosen:1:19: unknown entry\n  help: did you mean `password`?",
        ),
        (
            "{\"username\": \"a\", \"password\": 5}",
            "chosen:1:31: password: a number instead of text",
        ),
        (
            "\n{\"username\": \"a\"}",
            "chosen:2:1: the entry `password` is missing",
        ),
        (
            "{\"username\": \"a\", \"password\": \"MARKED\", \"password\": \"b\"}",
            "chosen:1:41: the entry `password` is here twice",
        ),
        (
            "{\"username\": \"a\", \"password\": \"MARKED\" x}",
            "chosen:1:40: this is not JSON",
        ),
        (
            "{\"username\": \"a\",\n\"password\": \"MARKED\"}",
            "chosen:1:18: the JSON is incomplete",
        ),
        (
            "[{\"username\": \"a\", \"password\": \"MARKED\"}]",
            "chosen:1:1: this line is no user",
        ),
        (
            "{\"username\": \"a:b\", \"password\": \"MARKED 1 2\"}",
            "chosen:1: the name has a colon",
        ),
        (
            "{\"username\": \"a\", \"password\": \"\"}",
            "chosen:1: the password is empty",
        ),
    ] {
        let done = keygen(text);
        assert_eq!(done.status, Some(2), "{text}");
        assert!(done.stderr.contains(expected), "{text}: {}", done.stderr);
        done.never_says("MARKED");
    }
}

#[test]
fn users_are_kept_or_named_never_lost_silently() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let keygen = |more: &[&str], out: &str| {
        clearml("keygen")
            .args(more)
            .args(["-o".into(), path(out)])
            .done()
            .exit(0);
    };
    fs::write(path("jane"), "jane:a password of hers\n").unwrap();
    fs::write(path("john"), "john:a password of his\n").unwrap();
    keygen(
        &["--users-from", path("jane").to_str().unwrap()],
        "jane.env",
    );
    keygen(
        &["--users-from", path("john").to_str().unwrap()],
        "john.env",
    );
    keygen(&[], "nobody.env");
    let stock = fixtures().join("stock/docker-compose.yml");
    let inject = |keys: &str, compose: &Path| {
        clearml("inject")
            .arg("-k")
            .arg(path(keys))
            .arg(compose)
            .done()
            .exit(0)
    };
    let with_jane = path("docker-compose.yml");
    fs::write(&with_jane, inject("jane.env", &stock).stdout).unwrap();
    let users = |text: &str| {
        let lines = text.lines().filter(|line| line.contains("FIXED_USERS"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    // A keyset without users says nothing about them.
    let kept = inject("nobody.env", &with_jane);
    assert_eq!(
        users(&kept.stdout),
        users(&fs::read_to_string(&with_jane).unwrap())
    );
    assert_eq!(users(&kept.stdout).len(), 3);
    // One with others replaces them, and says whom.
    let replaced = inject("john.env", &with_jane);
    assert!(
        replaced
            .stderr
            .contains("removed, because the keyset does not have them")
            && replaced.stderr.contains("jane"),
        "{}",
        replaced.stderr
    );
}

/// How long each thread of a process has computed, in the clock's ticks; empty once it has ended.
fn ticks(process: u32) -> Vec<u64> {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
        return Vec::new();
    };
    threads
        .filter_map(|thread| {
            let stat = fs::read_to_string(thread.ok()?.path().join("stat")).ok()?;
            // The twelfth field behind the name, which may have blanks and ends with a bracket.
            stat.rsplit(')')
                .next()?
                .split_whitespace()
                .nth(11)?
                .parse()
                .ok()
        })
        .collect()
}

#[test]
fn hashing_uses_all_cores() {
    let cores = std::thread::available_parallelism().unwrap().get();
    if cores < 2 || !Path::new("/proc/self/task").exists() {
        oracle::note_skipped("hashing on all cores: one core, or no /proc to look at");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let chosen = folder.path().join("chosen");
    let lines: String = (0..4 * cores)
        .map(|user| format!("user{user}:a password\n"))
        .collect();
    fs::write(&chosen, lines).unwrap();
    let mut child = Command::new(e2e::program::program("keygen"))
        .arg("-q")
        .arg("--users-from")
        .arg(&chosen)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut last = Vec::new();
    while child.try_wait().unwrap().is_none() {
        let now = ticks(child.id());
        if now.iter().sum::<u64>() >= last.iter().sum::<u64>() {
            last = now;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // Each core's thread has its share of the work, however busy the machine is: none does more than twice that.
    let (all, most) = (last.iter().sum::<u64>(), last.iter().max().copied());
    let share = most.unwrap() as f64 / all as f64;
    assert!(all > 20, "too little was seen: {last:?}");
    assert!(
        share < 1.6 / cores as f64,
        "{last:?} ticks a thread on {cores} cores"
    );
}

#[test]
fn what_would_be_lost_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let keygen = |arguments: &[&str]| {
        let keygen = clearml("keygen").args(arguments.iter().copied());
        keygen.within(folder.path()).done()
    };
    for name in ["#jane", " # jane"] {
        keygen(&["--user", name, "--passwords", "-"])
            .refused()
            .says("a name cannot begin with #");
    }
    keygen(&["--user", "", "--passwords", "-"])
        .refused()
        .says("--user '': the name is empty");
    // A comment is one wherever it begins.
    let chosen = "  # jane: old entry\nbob:a long password\n";
    fs::write(folder.path().join("chosen"), chosen).unwrap();
    let keys = keygen(&["--users-from", "chosen", "-f", "json"])
        .exit(0)
        .stdout;
    assert_eq!(keys.matches("username").count(), 1);
    let mine = format!("MINE=1\n{}", keygen(&[]).exit(0).stdout);
    fs::write(folder.path().join(".env"), &mine).unwrap();
    let renewed = [
        "--from",
        ".env",
        "--only",
        "token_secret",
        "-o",
        ".env",
        "--force",
    ];
    keygen(&renewed)
        .refused()
        .says("the other lines of this file would be lost");
    assert_eq!(
        fs::read_to_string(folder.path().join(".env")).unwrap(),
        mine
    );
    fs::write(folder.path().join(".env"), &mine["MINE=1\n".len()..]).unwrap();
    keygen(&renewed).exit(0);
}

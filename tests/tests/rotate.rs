//! clearml-rotate over a stand-in server, a real Redis, and docker compose played by tests/standin/docker.py, in dash and in
//! busybox: what a rotation leaves, what a failure and a signal at each of its steps leave, and what it says.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use e2e::program::clearml;
use e2e::rotation::{Bed, Ended, Files, Layout};
use serde_json::Value;

const LAYOUTS: [Layout; 3] = [Layout::Compose, Layout::EnvFile, Layout::Conf];

/// The calls of a run that changes something, and the one before each, as patterns of the shell.
const STEPS: [&str; 13] = [
    "clearml-keygen*-o *old.env",
    "clearml-inject*--check*",
    "docker*ps --quiet*",
    "docker*PING",
    "clearml-verify*",
    "clearml-keygen*--only*-o*new.keys",
    "clearml-keygen*new.env*",
    "clearml-inject*new.keys*--diff*",
    "clearml-inject* -i *",
    "docker*up -d*",
    "docker*FLUSHDB",
    "clearml-verify --keys*--old-keys*",
    "clearml-keygen*-o *in_use.env*",
];

fn beds(layout: Layout) -> impl Iterator<Item = Bed> {
    let shells = Bed::shells().into_iter();
    shells.filter_map(move |shell| Bed::start(&shell, layout, "here", "docker-compose.yml"))
}

#[track_caller]
fn assert_code(ended: &Ended, code: i32) {
    assert_eq!(ended.code, Some(code), "{}{}", ended.out, ended.err);
}

#[track_caller]
fn assert_says(ended: &Ended, code: i32, text: &str) {
    assert_code(ended, code);
    assert!(ended.err.contains(text), "{}", ended.err);
}

/// Nothing that was said, no argument and no file that others can read has a key. (A compose file that has keys is as wide
/// as its owner made it.)
#[track_caller]
fn assert_secret(bed: &Bed, ended: &Ended) {
    for text in [&ended.out, &ended.err, &bed.called()] {
        assert!(!Bed::may_hold_keys(text.as_bytes()), "{text}");
    }
    for (path, (bytes, mode)) in bed.files() {
        let is_open = mode & 0o077 != 0 && path != bed.file();
        assert!(
            !is_open || !Bed::may_hold_keys(&bytes),
            "{}",
            path.display()
        );
    }
}

/// The files that are different, new or gone.
fn changed(before: &Files, after: &Files) -> Vec<String> {
    let all = before.keys().chain(after.keys());
    let mut names: Vec<String> = all
        .filter(|path| before.get(*path) != after.get(*path))
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names.dedup();
    names
}

#[track_caller]
fn assert_as_before(bed: &Bed, before: &Files, ended: &Ended) {
    let changed = changed(before, &bed.files());
    assert!(changed.is_empty(), "{changed:?}\n{}", ended.err);
    assert!(!bed.here.join(".clearml-rotate").exists(), "{}", ended.err);
    assert!(bed.has(&bed.keys()), "{}", ended.err);
}

/// The old keyset that a rotation has kept.
fn kept(bed: &Bed) -> Vec<PathBuf> {
    let files = bed.files();
    let is_kept = |path: &&PathBuf| path.to_string_lossy().contains(".old-20");
    files.keys().filter(is_kept).cloned().collect()
}

#[test]
fn a_rotation_is_proved_and_keeps_the_old_keyset() {
    for layout in LAYOUTS {
        for bed in beds(layout) {
            let before = bed.files();
            let ended = bed.rotate(&[]);
            assert_code(&ended, 0);
            assert_secret(&bed, &ended);
            assert!(
                ended
                    .err
                    .contains("proved: the servers accept the new keys and refuse the old ones")
            );
            let [old] = &kept(&bed)[..] else {
                panic!("{:?}", bed.files().keys());
            };
            assert_eq!(fs::read(old).unwrap(), before[&bed.keys()].0);
            assert_eq!(
                fs::metadata(old).unwrap().permissions().mode() & 0o7777,
                0o600
            );
            assert!(bed.has(&bed.keys()) && !bed.has(old));
            let file = |name: &str| name.to_owned();
            let mut expected = match layout {
                Layout::Compose => vec![file("docker-compose.yml"), file("keys.env")],
                Layout::EnvFile => vec![file(".env"), file("keys.env")],
                Layout::Conf => vec![file(".env"), file("secure.conf")],
            };
            expected.push(old.file_name().unwrap().to_string_lossy().into_owned());
            expected.sort();
            assert_eq!(changed(&before, &bed.files()), expected);
            assert_eq!(bed.files()[&bed.file()].1, 0o640);
            if layout == Layout::Conf {
                let conf = fs::read_to_string(bed.keys()).unwrap();
                assert!(conf.starts_with("# this line is the administrator's\n"));
            }
            // And once more, from what is in use now.
            let first = fs::read(bed.keys()).unwrap();
            let ended = bed.rotate(&["--shred"]);
            assert_code(&ended, 0);
            assert_ne!(fs::read(bed.keys()).unwrap(), first);
            assert_eq!(kept(&bed), std::slice::from_ref(old));
        }
    }
}

#[test]
fn only_what_is_named_is_replaced_and_users_stay() {
    for bed in beds(Layout::EnvFile) {
        let more = bed.here.join("more.env");
        let passwords = bed.here.join("logins.txt");
        let made = clearml("keygen")
            .arg("--from")
            .arg(bed.keys())
            .args(["--user", "jane"]);
        made.arg("--passwords")
            .arg(passwords)
            .arg("-o")
            .arg(&more)
            .done()
            .exit(0);
        fs::rename(more, bed.keys()).unwrap();
        let inject = clearml("inject")
            .arg("-k")
            .arg(bed.keys())
            .arg("--env-file")
            .arg(bed.here.join(".env"));
        inject.arg("-i").arg(bed.file()).done().exit(0);
        let old = fs::read_to_string(bed.keys()).unwrap();
        let ended = bed.rotate(&["--only", "session_secret", "--only=tests"]);
        assert_code(&ended, 0);
        let new = fs::read_to_string(bed.keys()).unwrap();
        let lines = old.lines().zip(new.lines()).filter(|(old, new)| old != new);
        let names: Vec<&str> = lines
            .map(|(old, _)| old.split('=').next().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "CLEARML__SECURE__HTTP__SESSION_SECRET__APISERVER",
                "CLEARML__SECURE__CREDENTIALS__TESTS__USER_KEY",
                "CLEARML__SECURE__CREDENTIALS__TESTS__USER_SECRET"
            ]
        );
        assert!(new.contains("jane"));
        assert!(!bed.called().contains("FLUSHDB"), "{}", bed.called());
    }
}

#[test]
fn odd_names_are_names() {
    let compose = "it's \"a\" $(touch x) stack;.yml";
    for shell in Bed::shells() {
        for layout in LAYOUTS {
            let Some(bed) = Bed::start(&shell, layout, "the 'folder' & more", compose) else {
                return;
            };
            let before = bed.files();
            let ended = bed.rotate(&[]);
            assert_code(&ended, 0);
            assert_secret(&bed, &ended);
            assert!(!bed.here.join("x").exists());
            assert!(!changed(&before, &bed.files()).is_empty());
            let back = bed
                .rotate_until("STOP_AFTER", "docker*up -d*", "TERM")
                .unwrap();
            assert_code(&back, 1);
            assert!(bed.has(&bed.keys()));
            // From another folder, with whole paths.
            let before = bed.files();
            let ended = bed.rotate_from_elsewhere();
            assert_code(&ended, 0);
            assert_secret(&bed, &ended);
            assert!(!changed(&before, &bed.files()).is_empty());
        }
    }
}

#[test]
fn what_is_wrong_is_said_before_anything_is_changed() {
    for bed in beds(Layout::EnvFile) {
        let before = bed.files();
        let other = bed.here.join("other.env");
        let wrong = |words: &[&str], says: &str| {
            let ended = bed.rotate(words);
            assert_code(&ended, 2);
            assert!(ended.err.contains(says), "{}", ended.err);
            assert_secret(&bed, &ended);
            assert_as_before(&bed, &before, &ended);
        };
        wrong(&["--wrong"], "unknown option: --wrong");
        wrong(
            &["--timeout", "soon"],
            "--timeout takes a number of seconds",
        );
        wrong(&["--keys"], "--keys needs a value");
        wrong(&["--keys", "none.env"], "none.env is missing");
        wrong(&["--only", "no-account"], "no-account");
        // The program that is wrong speaks, and not the next one, which gets nothing of it.
        let ended = bed.rotate(&["--only", "no-account"]);
        assert!(!ended.err.contains("clearml-inject"), "{}", ended.err);
        wrong(&["-p", "x", "a.yml"], "a.yml is not a file");
        wrong(
            &["--conf", "config/secure.conf"],
            "config/secure.conf is missing",
        );
        for step in &STEPS[..8] {
            bed.set("pattern", step);
            wrong(&[], "nothing was changed");
        }
        bed.set("pattern", "");
        let words = bed.arguments();
        let no = bed.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_says(&no, 2, "standard input is no terminal");
        let next =
            "help: clearml-rotate --env-file .env docker-compose.yml http://localhost:8080\n";
        assert_says(&bed.run(&["--env-file=.env"]), 2, next);
        assert_as_before(&bed, &before, &no);
        let ended = bed.rotate_with(&[], &[("COMPOSE_FILE", "a.yml:b.yml")]);
        assert_says(&ended, 2, "COMPOSE_FILE is set");
        // A keyset that is not the one in use proves nothing.
        clearml("keygen").arg("-o").arg(&other).done().exit(0);
        let ended = bed.rotate(&["--keys", "other.env"]);
        assert_says(&ended, 2, ".env does not have the keys of other.env");
        // Nor do files that the running server was not started with.
        let inject = clearml("inject")
            .arg("-k")
            .arg(other)
            .arg("--env-file")
            .arg(bed.here.join(".env"));
        inject.arg("-i").arg(bed.file()).done().exit(0);
        let ended = bed.rotate(&["--keys", "other.env"]);
        assert_says(
            &ended,
            2,
            "the running server does not have the keys of other.env",
        );
        assert!(!bed.called().contains("up -d"), "{}", bed.called());
    }
}

#[test]
fn a_step_that_fails_is_taken_back() {
    for layout in LAYOUTS {
        for bed in beds(layout) {
            let before = bed.files();
            let back = |words: &[&str], says: &str| {
                let ended = bed.rotate(words);
                assert_code(&ended, 1);
                assert!(ended.err.contains(says), "{}", ended.err);
                assert!(
                    ended
                        .err
                        .contains("rolled back: everything is as it was before")
                );
                assert_secret(&bed, &ended);
                assert_as_before(&bed, &before, &ended);
            };
            let (pattern, says) = match layout {
                Layout::Conf => (
                    "clearml-verify*new.keys*docker-compose.yml",
                    "not every server reads the new keys",
                ),
                _ => (STEPS[8], "the new keys could not be put into"),
            };
            bed.set("pattern", pattern);
            back(&[], says);
            bed.set("pattern", "");
            bed.set("fail", "up once");
            back(&[], "docker compose could not restart the servers");
            bed.set("fail", "flush once");
            back(&[], "Redis' database 8 could not be emptied");
            bed.set("fail", "idle");
            back(&[], "the running server does not accept the new keys");
            bed.set("fail", "");
            bed.set("pattern", "clearml-verify --keys*--old-keys*");
            back(&["--timeout", "1"], "not proved within 1 seconds");
        }
    }
}

#[test]
fn what_cannot_be_taken_back_is_kept_and_recovered() {
    for bed in beds(Layout::EnvFile) {
        let before = bed.files();
        bed.set("fail", "up");
        let ended = bed.rotate(&[]);
        assert_code(&ended, 3);
        assert_secret(&bed, &ended);
        assert!(ended.err.contains("--recover"), "{}", ended.err);
        let files: Files = bed
            .files()
            .into_iter()
            .filter(|(path, _)| !path.to_string_lossy().contains(".clearml-rotate"))
            .collect();
        assert!(changed(&before, &files).is_empty());
        let again = bed.rotate(&[]);
        assert_says(&again, 2, "an earlier run did not come to its end");
        let unsure = bed.run(&["--recover"]);
        assert_says(&unsure, 2, "not confirmed");
        bed.set("fail", "");
        let recovered = bed.run(&["--recover", "--yes"]);
        assert_code(&recovered, 0);
        assert_as_before(&bed, &before, &recovered);
        let nothing = bed.run(&["--recover"]);
        assert_says(&nothing, 2, "nothing to recover");
        // The last step of all is finished, not taken back.
        bed.set("pattern", STEPS[12]);
        let ended = bed.rotate(&[]);
        assert_says(&ended, 3, "the new keys are in use and proved");
        bed.set("pattern", "");
        let finished = bed.run(&["--recover", "--yes"]);
        assert_code(&finished, 0);
        assert!(bed.has(&bed.keys()));
        assert_eq!(fs::read(&kept(&bed)[0]).unwrap(), before[&bed.keys()].0);
        assert!(!bed.here.join(".clearml-rotate").exists());
    }
}

/// The shells take turns at the steps, `first` at the first one: every signal comes at every step, and every shell gets one
/// there.
fn in_turn(first: usize) -> impl Iterator<Item = (Bed, Vec<(usize, &'static str)>)> {
    let beds: Vec<Bed> = beds(Layout::EnvFile).collect();
    let count = beds.len();
    beds.into_iter().enumerate().map(move |(shell, bed)| {
        let steps = STEPS.into_iter().enumerate();
        let its = steps.filter(|(number, _)| (number + first) % count == shell);
        (bed, its.collect())
    })
}

/// Every step that may be interrupted: not the last one, which only replaces the keyset file.
fn interrupted(stop: &str, signal: &str, first: usize) {
    for (bed, steps) in in_turn(first) {
        let before = bed.files();
        for (number, step) in steps.into_iter().filter(|(number, _)| *number < 12) {
            let ended = bed
                .rotate_until(stop, step, signal)
                .unwrap_or_else(|| panic!("{step} is not called"));
            // Between the question and the last step, files have changed.
            assert_code(&ended, if number < 8 { 2 } else { 1 });
            assert!(
                ended.err.contains(&format!("interrupted (SIG{signal})")),
                "{}",
                ended.err
            );
            assert_secret(&bed, &ended);
            assert_as_before(&bed, &before, &ended);
        }
    }
}

#[test]
fn an_interrupt_at_each_step_takes_everything_back() {
    interrupted("STOP_AFTER", "INT", 0);
}

#[test]
fn a_request_to_end_at_each_step_takes_everything_back() {
    interrupted("STOP_BEFORE", "TERM", 1);
}

#[test]
fn a_lost_terminal_at_each_step_takes_everything_back() {
    interrupted("STOP_AFTER", "HUP", 1);
}

/// What a kill leaves is said by the next run, and taken back or finished by the command that it prints.
fn killed(stop: &str, first: usize) {
    for (bed, steps) in in_turn(first) {
        let before = bed.files();
        for (number, step) in steps {
            let ended = bed
                .rotate_until(stop, step, "KILL")
                .unwrap_or_else(|| panic!("{step} is not called"));
            assert_eq!(ended.code, None, "{step}");
            assert_secret(&bed, &ended);
            let next = bed.rotate(&[]);
            assert_says(&next, 2, "an earlier run did not come to its end");
            let command = next
                .err
                .lines()
                .find_map(|line| line.strip_prefix("  help: "))
                .unwrap();
            assert!(
                command.ends_with(" --recover docker-compose.yml"),
                "{command}"
            );
            let recovered = bed.run(&["--recover", "--yes"]);
            assert_code(&recovered, 0);
            assert_secret(&bed, &recovered);
            if number < 12 {
                assert_as_before(&bed, &before, &recovered);
            } else {
                assert!(bed.has(&bed.keys()));
                assert_eq!(fs::read(&kept(&bed)[0]).unwrap(), before[&bed.keys()].0);
            }
        }
    }
}

#[test]
fn a_kill_before_each_step_is_recovered() {
    killed("STOP_BEFORE", 0);
}

#[test]
fn a_kill_after_each_step_is_recovered() {
    killed("STOP_AFTER", 1);
}

#[test]
fn a_dry_run_prints_what_a_run_calls_and_changes_nothing() {
    for layout in LAYOUTS {
        for bed in beds(layout) {
            let before = bed.files();
            let dry = bed.rotate(&["--dry-run"]);
            assert_code(&dry, 0);
            assert_secret(&bed, &dry);
            assert_as_before(&bed, &before, &dry);
            let asked = bed.called();
            assert!(!asked.contains("clearml-verify"), "{asked}");
            let printed: Vec<&str> = dry
                .out
                .lines()
                .filter(|line| line.starts_with("clearml-") || line.starts_with("docker "))
                .map(|line| line.trim_end_matches(" || true"))
                .collect();
            let done = bed.rotate(&[]);
            assert_code(&done, 0);
            let called = bed.called();
            // Past the calls of the dry run, and the three with which both find out what is to be done.
            let called: Vec<&str> = called[asked.len()..]
                .lines()
                .filter(|line| {
                    !line.ends_with("compose version")
                        && !line.contains("-k - ")
                        && (!line.contains("--only") || line.contains(" -o "))
                })
                .collect();
            assert_eq!(printed, called);
        }
    }
}

#[test]
fn a_server_that_is_late_is_waited_for() {
    for bed in beds(Layout::EnvFile) {
        bed.late(4);
        let ended = bed.rotate(&[]);
        assert_code(&ended, 0);
        let answers = ended.out.lines().filter(|line| {
            line.starts_with("ok ")
                && line.contains(" fileserver ")
                && line.contains("token secret")
        });
        assert_eq!(answers.count(), 2, "{}", ended.out);
    }
}

#[test]
fn exported_values_do_not_win_over_the_new_ones() {
    for bed in beds(Layout::EnvFile) {
        let env = fs::read_to_string(bed.here.join(".env")).unwrap();
        let lines = env.lines().filter_map(|line| line.split_once('='));
        let exported: Vec<(&str, &str)> = lines
            .map(|(name, value)| (name, value.trim_matches('\'')))
            .collect();
        let ended = bed.rotate_with(&[], &exported);
        assert_code(&ended, 0);
        assert_secret(&bed, &ended);
        assert!(
            ended.err.contains("  unset CLEARML__SECURE__"),
            "{}",
            ended.err
        );
        let unset = ended.err.lines().find(|line| line.starts_with("  unset "));
        assert!(!unset.unwrap().contains("OTHER"), "{}", ended.err);
    }
}

#[test]
fn an_env_file_can_be_the_keyset_and_a_link_stays_one() {
    for bed in beds(Layout::EnvFile) {
        let old = fs::read(bed.here.join(".env")).unwrap();
        fs::remove_file(bed.keys()).unwrap();
        let ended = bed.rotate(&["--keys", ".env"]);
        assert_code(&ended, 0);
        assert!(bed.has(&bed.here.join(".env")));
        assert_eq!(fs::read(&kept(&bed)[0]).unwrap(), old);
        fs::rename(bed.here.join(".env"), bed.here.join("real.env")).unwrap();
        symlink("real.env", bed.here.join(".env")).unwrap();
        let before = bed.files();
        bed.set("fail", "up once");
        let ended = bed.rotate(&["--keys", ".env"]);
        assert_code(&ended, 1);
        assert!(changed(&before, &bed.files()).is_empty());
        assert!(bed.here.join(".env").is_symlink());
    }
}

#[test]
fn two_runs_are_not_under_way_at_once() {
    for bed in beds(Layout::EnvFile) {
        let before = bed.files();
        let state = bed.here.join(".clearml-rotate");
        fs::create_dir(&state).unwrap();
        fs::write(state.join("pid"), format!("{}\n", std::process::id())).unwrap();
        for words in [&["--yes"][..], &["--recover", "--yes"], &["--dry-run"]] {
            let mut all = bed.arguments();
            all.extend(words.iter().map(|&word| word.to_owned()));
            let ended = bed.run(&all.iter().map(String::as_str).collect::<Vec<_>>());
            assert_says(&ended, 2, "another run is under way");
        }
        fs::remove_dir_all(state).unwrap();
        assert!(changed(&before, &bed.files()).is_empty());
    }
}

/// A key of the administrator's own stands in quotes and escapes, and docker shows it in others.
#[test]
fn a_key_that_needs_quotes_is_shown_nowhere() {
    const OWN: &str = "Sx7kQw$9mZpT4#Lr2VnB 8cYd5Fg1Hj3KsPq6Wd";
    for layout in [Layout::Compose, Layout::EnvFile] {
        for bed in beds(layout) {
            let json = clearml("keygen").args(["-f", "json", "--from"]);
            let json = json.arg(bed.keys()).done().exit(0).stdout;
            let mut keyset: Value = serde_json::from_str(&json).unwrap();
            keyset["settings"]["secure.auth.token_secret"] = OWN.into();
            let keygen = clearml("keygen").args(["--from", "-", "--force", "-o"]);
            let made = keygen.arg(bed.keys()).stdin(keyset.to_string());
            made.done().exit(0);
            let mut inject = clearml("inject").arg("-k").arg(bed.keys());
            if layout == Layout::EnvFile {
                inject = inject.arg("--env-file").arg(bed.here.join(".env"));
            }
            inject.arg("-i").arg(bed.file()).done().exit(0);
            bed.restart();
            let before = bed.files();
            // Its file with the new keys cannot be started, nor the one with the old keys.
            bed.set("fail", "up");
            let ended = bed.rotate(&[]);
            assert_code(&ended, 3);
            assert_eq!(ended.err.matches("Error response from daemon").count(), 2);
            for part in OWN.split(['$', '#', ' ']) {
                assert!(!ended.err.contains(part), "{layout:?}: {}", ended.err);
            }
            bed.set("fail", "");
            let recovered = bed.run(&["--recover", "--yes"]);
            assert_code(&recovered, 0);
            assert_as_before(&bed, &before, &recovered);
        }
    }
}

//! clearml-rotate over a Docker engine: a container for each server, a real Redis in one of them, and the real docker compose.
//! After a rotation, a step that fails and a signal at each step, files, containers and the running servers are one.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;

use e2e::rotation::{Bed, Ended, Files, Layout};

/// Calls of a run that change nothing and ask the engine, as patterns of the shell. The others never reach it:
/// tests/tests/rotate.rs stops the script at each of those.
const LOOKS: [&str; 2] = ["docker*ps --quiet*", "docker*PING"];

/// The calls after these that change nothing either.
const QUESTIONS: [&str; 2] = [
    "clearml-verify*--keys*",
    "clearml-keygen*--only*-o*new.keys",
];

/// Those that change something, and the proof.
const CHANGES: [&str; 4] = [
    "clearml-inject* -i *",
    "docker*up -d*",
    "docker*FLUSHDB",
    "clearml-verify --keys*--old-keys*",
];

const LAST: &str = "clearml-keygen*-o *in_use.env*";

/// A deployment in the engine, with the first shell that is here: tests/tests/rotate.rs tries both.
fn bed(layout: Layout, redis: &'static str) -> Option<Bed> {
    Bed::start_in_engine(Bed::shells().first()?, layout, redis)
}

#[track_caller]
fn assert_code(ended: &Ended, code: i32) {
    assert_eq!(ended.code, Some(code), "{}{}", ended.out, ended.err);
}

/// Bytes and modes of all files are what they were, and so are containers and keys.
#[track_caller]
fn assert_as_before(bed: &Bed, before: &Files, ended: &Ended) {
    let files = bed.files();
    assert!(files.keys().eq(before.keys()), "{}", ended.err);
    for (path, file) in before {
        assert!(files[path] == *file, "{}\n{}", path.display(), ended.err);
    }
    assert!(bed.has(&bed.keys()), "{}", ended.err);
}

#[track_caller]
fn assert_rotated(bed: &Bed, before: &Files, ended: &Ended) {
    assert_code(ended, 0);
    let files = bed.files();
    let old = files
        .keys()
        .find(|path| path.to_string_lossy().contains(".old-20"))
        .unwrap();
    assert_eq!(files[old], (before[&bed.keys()].0.clone(), 0o600));
    assert!(bed.has(&bed.keys()), "{}", ended.err);
    assert!(!bed.has(old), "{}", ended.err);
}

#[test]
fn a_rotation_of_containers_is_proved() {
    for (layout, redis) in [
        (Layout::Compose, ""),
        (Layout::EnvFile, "--requirepass, s3cret-of-Redis"),
        (Layout::Conf, ""),
    ] {
        let Some(bed) = bed(layout, redis) else {
            return;
        };
        let before = bed.files();
        let ended = bed.rotate(&[]);
        assert_rotated(&bed, &before, &ended);
        assert!(
            ended.out.contains("proved: all 14 answers"),
            "{}",
            ended.out
        );
        // The password of Redis is in nobody's arguments.
        let text = format!("{}{}{}", ended.out, ended.err, bed.called());
        assert!(!text.contains("s3cret-of-Redis"), "{text}");
        assert!(!Bed::may_hold_keys(text.as_bytes()), "{text}");
    }
}

/// However docker compose is told of a second file, and of the project's name, the servers are restarted with both.
#[test]
fn several_compose_files_are_one_deployment() {
    let Some(mut bed) = bed(Layout::EnvFile, "") else {
        return;
    };
    let text = "services:\n  apiserver:\n    environment:\n      FROM_ANOTHER: 'yes'\n  fileserver:\n    environment: {FROM_ANOTHER: 'no'}\n";
    let check = |bed: &Bed, words: &[&str], variables: &[(&str, &str)]| {
        let before = bed.files();
        let ended = bed.rotate_with(words, variables);
        assert_rotated(bed, &before, &ended);
        for path in bed.files().keys() {
            if path.to_string_lossy().contains(".old-20") {
                fs::remove_file(path).unwrap();
            }
        }
    };
    bed.merge("docker-compose.override.yml", text);
    check(&bed, &[], &[]);
    fs::remove_file(bed.here.join("docker-compose.override.yml")).unwrap();
    bed.merge("it's over.yml", text);
    check(
        &bed,
        &["docker-compose.yml", "--merge", "it's over.yml"],
        &[],
    );
    let project = bed.project();
    let other = [("COMPOSE_PROJECT_NAME", "another")];
    let words = ["docker-compose.yml", "--merge=it's over.yml"];
    let ended = bed.rotate_with(&words, &other);
    assert_code(&ended, 2);
    assert!(
        ended.err.contains("docker compose runs none"),
        "{}",
        ended.err
    );
    check(&bed, &[&words[..], &["-p", &project]].concat(), &other);
    let env = bed.here.join(".env");
    let line = "COMPOSE_FILE=docker-compose.yml:it's over.yml\n";
    let keys = fs::read_to_string(&env).unwrap();
    fs::write(&env, format!("{line}{keys}")).unwrap();
    check(&bed, &[], &[]);
}

#[test]
fn a_step_that_fails_is_taken_back_in_containers() {
    for layout in [Layout::EnvFile, Layout::Conf] {
        let Some(bed) = bed(layout, "") else {
            return;
        };
        let before = bed.files();
        for pattern in LOOKS.iter().chain(&QUESTIONS) {
            bed.set("pattern", pattern);
            let ended = bed.rotate(&[]);
            assert_code(&ended, 2);
            assert_as_before(&bed, &before, &ended);
        }
        let put_in = match layout {
            Layout::Conf => "clearml-verify*new.keys*docker-compose.yml",
            _ => CHANGES[0],
        };
        for pattern in [put_in, CHANGES[2], CHANGES[3]] {
            bed.set("pattern", pattern);
            let ended = bed.rotate(&["--timeout", "4"]);
            assert_code(&ended, 1);
            assert!(ended.err.contains("rolled back"), "{}", ended.err);
            assert_as_before(&bed, &before, &ended);
        }
        // Where nothing can be started, the files have the old keys, and the rest is for --recover.
        bed.set("pattern", CHANGES[1]);
        let ended = bed.rotate(&[]);
        assert_code(&ended, 3);
        bed.set("pattern", "");
        let recovered = bed.run(&["--recover", "--yes"]);
        assert_code(&recovered, 0);
        assert_as_before(&bed, &before, &recovered);
    }
}

/// A signal that a program can handle, at each step: files and containers are what they were.
fn interrupted(stop: &str, signal: &str) {
    let Some(bed) = bed(Layout::EnvFile, "") else {
        return;
    };
    let before = bed.files();
    let looks = LOOKS.iter().map(|step| (step, 2));
    for (step, code) in looks.chain(CHANGES.iter().map(|step| (step, 1))) {
        let ended = bed.rotate_until(stop, step, signal);
        let ended = ended.unwrap_or_else(|| panic!("{step} is not called"));
        assert_code(&ended, code);
        assert!(ended.err.contains("interrupted"), "{}", ended.err);
        assert_as_before(&bed, &before, &ended);
    }
}

#[test]
fn an_interrupt_in_the_middle_of_each_step_is_taken_back() {
    interrupted("STOP_AMID", "INT");
}

#[test]
fn a_request_to_end_before_each_step_is_taken_back() {
    interrupted("STOP_BEFORE", "TERM");
}

#[test]
fn a_request_to_end_after_each_step_is_taken_back() {
    interrupted("STOP_AFTER", "TERM");
}

/// What a kill leaves, --recover takes back or finishes.
fn killed(stop: &str) {
    let Some(bed) = bed(Layout::EnvFile, "") else {
        return;
    };
    let before = bed.files();
    for step in LOOKS.iter().chain(&CHANGES) {
        let ended = bed.rotate_until(stop, step, "KILL");
        let ended = ended.unwrap_or_else(|| panic!("{step} is not called"));
        assert_eq!(ended.code, None, "{step}");
        let recovered = bed.run(&["--recover", "--yes"]);
        assert_code(&recovered, 0);
        assert_as_before(&bed, &before, &recovered);
    }
    let ended = bed.rotate_until(stop, LAST, "KILL").unwrap();
    assert_eq!(ended.code, None);
    let recovered = bed.run(&["--recover", "--yes"]);
    assert_rotated(&bed, &before, &recovered);
    assert!(fs::read_dir(&bed.here).unwrap().all(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        !name.contains("clearml-rotate")
    }));
}

#[test]
fn a_kill_in_the_middle_of_each_step_is_recovered_in_containers() {
    killed("STOP_AMID");
}

#[test]
fn a_kill_after_each_step_is_recovered_in_containers() {
    killed("STOP_AFTER");
}

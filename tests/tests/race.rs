//! Two runs of `clearml-inject -i` at once: one of them wins, and the other one says so.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs::{self, File};
use std::path::Path;
use std::thread;
use std::time::Duration;

use e2e::files::{state, stock};
use e2e::keyset::Keyset;
use e2e::program::{Done, clearml};
use tempfile::TempDir;

/// What a run by itself makes of a file.
fn product(before: &str, keys: &Keyset) -> String {
    let folder = race_folder(before, &[keys]);
    run_in(folder.path(), 0).exit(0);
    fs::read_to_string(folder.path().join("docker-compose.yml")).unwrap()
}

fn race_folder(before: &str, keysets: &[&Keyset]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("docker-compose.yml"), before).unwrap();
    for (number, keyset) in keysets.iter().enumerate() {
        let keys = folder.path().join(format!("{number}.json"));
        fs::write(keys, &keyset.text).unwrap();
    }
    folder
}

fn run_in(folder: &Path, number: usize) -> Done {
    clearml("inject")
        .args(["-k", &format!("{number}.json"), "-i"])
        .args(["--backup", ".orig", "docker-compose.yml"])
        .within(folder)
        .done()
}

/// Two runs with keysets of their own at the same time; `meanwhile` is done while both are under way.
fn race(folder: &Path, meanwhile: impl FnOnce()) -> [Done; 2] {
    thread::scope(|scope| {
        let runs = [0, 1].map(|number| scope.spawn(move || run_in(folder, number)));
        meanwhile();
        runs.map(|run| run.join().unwrap())
    })
}

/// What one run may find that another one was quicker in.
fn check_loser(done: &Done) {
    assert_eq!(done.status, Some(2), "{}", done.report());
    // Who comes when the winner is done reads its text, and the backup is that of the text before it.
    let is_said = done
        .stderr
        .contains("docker-compose.yml: somebody changed it while this ran")
        || done
            .stderr
            .contains("docker-compose.yml.orig: the backup exists");
    assert!(is_said, "{}", done.report());
    assert!(done.stderr.contains("help: "), "{}", done.report());
}

#[test]
fn of_two_runs_at_once_one_wins_and_the_other_one_says_so() {
    let keysets = [Keyset::generate(), Keyset::generate()];
    let before = stock();
    let products = [0, 1].map(|winner: usize| product(&before, &keysets[winner]));
    for round in 0..50 {
        let folder = race_folder(&before, &[&keysets[0], &keysets[1]]);
        let ended = race(folder.path(), || ());
        let winner = ended.iter().position(|done| done.status == Some(0));
        let Some(winner) = winner else {
            panic!(
                "round {round}: nobody won\n{}{}",
                ended[0].report(),
                ended[1].report()
            );
        };
        check_loser(&ended[1 - winner]);
        let path = |name: &str| folder.path().join(name);
        let after = fs::read_to_string(path("docker-compose.yml")).unwrap();
        assert!(after == products[winner], "round {round}: a mixture");
        let backup = fs::read_to_string(path("docker-compose.yml.orig")).unwrap();
        assert!(
            backup == before,
            "round {round}: a backup of something else"
        );
        assert_eq!(state(folder.path()).len(), 4, "round {round}");
    }
}

/// The same with the outcome of the race known: both have read, and wait for the folder.
#[test]
fn what_was_read_must_still_be_there() {
    let keysets = [Keyset::generate(), Keyset::generate()];
    let before = stock();
    let folder = race_folder(&before, &[&keysets[0], &keysets[1]]);
    let lock = File::open(folder.path()).unwrap();
    lock.lock().unwrap();
    let ended = race(folder.path(), || {
        thread::sleep(Duration::from_secs(2));
        drop(lock);
    });
    let mut statuses = [ended[0].status, ended[1].status];
    statuses.sort_unstable();
    assert_eq!(statuses, [Some(0), Some(2)]);
    for done in ended {
        if done.status == Some(2) {
            done.refused()
                .says("somebody changed it while this ran")
                .says("run it");
        }
    }

    // An editor asks for no lock.
    let folder = race_folder(&before, &[&keysets[0], &keysets[1]]);
    let lock = File::open(folder.path()).unwrap();
    lock.lock().unwrap();
    let edited = format!("{before}# mine\n");
    let ended = race(folder.path(), || {
        thread::sleep(Duration::from_secs(2));
        fs::write(folder.path().join("docker-compose.yml"), &edited).unwrap();
        drop(lock);
    });
    for done in ended {
        done.refused()
            .says("somebody changed it while this ran")
            .says("run it");
    }
    let seen = state(folder.path());
    assert_eq!(seen.len(), 3);
    assert!(seen["docker-compose.yml"].0 == edited);
}

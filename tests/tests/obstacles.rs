//! `clearml-inject -i` on a disk that is really full, in a folder that is really read only, on somebody else's file.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use e2e::files::stock;
use e2e::keyset::Keyset;
use e2e::oracle;
use e2e::program::{clearml, other, program};
use tempfile::TempDir;

/// A real reason for a failure, made by root in a file system of its own.
struct Obstacle {
    name: &'static str,
    /// A script that makes it; it starts in the folder of the file.
    make: &'static str,
    /// Before the command.
    runs_as: &'static str,
    says: &'static [&'static str],
}

const NOBODY: &str = "setpriv --reuid=65534 --regid=65534 --clear-groups";

const OBSTACLES: [Obstacle; 5] = [
    Obstacle {
        name: "a full disk",
        make: "cat /dev/zero > fill 2>/dev/null || true",
        runs_as: "",
        says: &["the disk is full", "free some space"],
    },
    Obstacle {
        name: "a file system that is read only",
        make: "mount -o remount,ro .",
        runs_as: "",
        says: &[
            "the file system is read-only",
            "where its folder can be written",
        ],
    },
    Obstacle {
        name: "a folder that is read only",
        make: "chmod 555 .; chown 65534:65534 . docker-compose.yml",
        runs_as: NOBODY,
        says: &["permission denied", "a user who may write in its folder"],
    },
    Obstacle {
        name: "a file that belongs to somebody else",
        make: "chmod 777 .",
        runs_as: NOBODY,
        says: &[
            "could not get the owner of the old one",
            "run this as the owner",
        ],
    },
    Obstacle {
        name: "a file that is mounted by itself, as docker does",
        make: "mount --bind docker-compose.yml docker-compose.yml",
        runs_as: "",
        says: &["it is in use", "a bind mount"],
    },
];

/// Mounts `$1`, makes the obstacle `$2`, copies the program `$3`, runs the rest, and tells the status, the files and
/// the compose file. The copy is not made by the test: while another of its threads starts a program, that one would
/// have it open for writing, and then it cannot be run.
const BEHIND: &str = r#"
umask 022
cp "$3" clearml-inject
mount -t tmpfs -o size=64k,mode=755 none "$1"
cp docker-compose.yml "$1"
cd "$1"
eval "$2"
shift 3
status=0
"$@" || status=$?
echo "$status"
ls -A
cat docker-compose.yml
"#;

/// A folder with a compose file and a keyset, and the latter's path.
fn folder_with(keyset: &Keyset) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.json");
    fs::write(&keys, &keyset.text).unwrap();
    fs::write(folder.path().join("docker-compose.yml"), stock()).unwrap();
    (folder, keys)
}

#[test]
fn behind_a_real_obstacle_all_is_as_it_was() {
    let may_mount = other(Path::new("/bin/sh"))
        .args(["-c", "unshare --mount mount -t tmpfs none /mnt"])
        .done();
    if may_mount.status != Some(0) {
        oracle::note_skipped("a disk that is really full or read only: only root may mount");
        return;
    }
    let keyset = Keyset::generate();
    for obstacle in OBSTACLES {
        let (folder, keys) = folder_with(&keyset);
        // Where anybody may read it: the folders of a build may be closed.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&keys, Permissions::from_mode(0o644)).unwrap();
        fs::create_dir(folder.path().join("disk")).unwrap();
        let done = other(Path::new("unshare"))
            .args(["--mount", "sh", "-e", "-c", BEHIND, "sh", "disk"])
            .arg(obstacle.make)
            .arg(program("inject"))
            .args(obstacle.runs_as.split_whitespace())
            .arg(folder.path().join("clearml-inject"))
            .arg("-k")
            .arg(keys)
            .args(["-i", "docker-compose.yml"])
            .within(folder.path())
            .done()
            .exit(0);
        let (status, rest) = done.stdout.split_once('\n').unwrap();
        assert_eq!(status, "2", "{}: {}", obstacle.name, done.report());
        let rest = rest.strip_prefix("docker-compose.yml\n").unwrap_or(rest);
        let rest = rest.strip_prefix("fill\n").unwrap_or(rest);
        assert!(rest == stock(), "{}: {}", obstacle.name, done.report());
        for text in obstacle.says {
            assert!(
                done.stderr.contains(text),
                "{}: does not say {text:?}: {}",
                obstacle.name,
                done.report()
            );
        }
    }
}

/// Root changes somebody's file, and it stays theirs.
#[test]
fn the_owner_is_kept() {
    let keyset = Keyset::generate();
    let (folder, keys) = folder_with(&keyset);
    let path = folder.path().join("docker-compose.yml");
    if chown(&path, Some(4711), Some(4712)).is_err() {
        oracle::note_skipped("the owner of a file that root changes: this is not root");
        return;
    }
    clearml("inject")
        .args(["-i", "-k"])
        .arg(keys)
        .arg(&path)
        .done()
        .exit(0);
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!((metadata.uid(), metadata.gid()), (4711, 4712));
    assert!(fs::read_to_string(&path).unwrap() != stock());
}

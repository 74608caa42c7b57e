//! The keyset file of clearml-rotate, whose last step must not fail: what stays in it, and what is found before the first change.
//! Over a stand-in server, as tests/tests/rotate_places.rs.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::oracle;
use e2e::program::clearml;
use e2e::rotation::{Bed, Layout};

/// A keyset in another format, with the values of the one in use.
fn write_as(bed: &Bed, from: &Path, format: &str, name: &str) {
    let keygen = clearml("keygen").arg("--from").arg(from);
    let keygen = keygen.args(["-f", format, "-o"]).arg(bed.here.join(name));
    keygen.done().exit(0);
}

#[test]
fn what_else_is_in_a_keyset_file_stays() {
    let Some(bed) = Bed::start_first(Layout::EnvFile) else {
        return;
    };
    let own = bed.here.join("own.env");
    let keys = fs::read_to_string(bed.keys()).unwrap();
    fs::write(
        &own,
        format!("# the team's\nexport MINE=important\n\n{keys}LAST='a b'\n"),
    )
    .unwrap();
    for more in [&["-k", "own.env"][..], &["-k", "own.env", "--shred"]] {
        let before = fs::read_to_string(&own).unwrap();
        bed.rotate(more).says(0, "proved: all 14 answers");
        let after = fs::read_to_string(&own).unwrap();
        assert!(after != before && bed.has(&own));
        let names = |text: &str| -> Vec<String> {
            let lines = text.lines();
            lines
                .map(|line| match line.starts_with("CLEARML_") {
                    true => line.split('=').next().unwrap().to_owned(),
                    false => line.to_owned(),
                })
                .collect()
        };
        assert_eq!(names(&after), names(&before));
    }
    // One line stays one line.
    write_as(&bed, &own, "jsonl", "keys.jsonl");
    let ended = bed.rotate(&["-k", "keys.jsonl"]);
    ended.says(0, "proved: all 14 answers");
    let keys = bed.here.join("keys.jsonl");
    assert_eq!(fs::read_to_string(&keys).unwrap().lines().count(), 1);
    // In a Secret they are in base64: what cannot be kept is said, and not deleted.
    write_as(&bed, &keys, "kubernetes", "secret");
    let secret = fs::read(bed.here.join("secret")).unwrap();
    let ended = bed.rotate(&["-k", "secret", "--shred"]);
    ended.says(2, "what else is in it would be lost");
    assert_eq!(fs::read(bed.here.join("secret")).unwrap(), secret);
    let ended = bed.rotate(&["-k", "secret"]);
    ended.says(0, "secret is written from scratch");
    assert!(bed.has(&bed.here.join("secret")));
}

/// A keyset beside an apiserver.conf follows it: one who was removed there does not return, and the rest of the keyset stays.
#[test]
fn a_keyset_beside_an_apiserver_conf_keeps_its_lines() {
    let Some(bed) = Bed::start_first(Layout::EnvFile) else {
        return;
    };
    let held = bed.here.join("held");
    fs::create_dir(&held).unwrap();
    let conf = held.join("secure.conf");
    let made = clearml("keygen").arg("--from").arg(bed.keys());
    let made = made.args(["--user", "jane", "--user", "joe", "--passwords"]);
    let made = made
        .arg(held.join("logins.txt"))
        .args(["-f", "hocon", "-o"]);
    made.arg(&conf).done().exit(0);
    let users = held.join("apiserver.conf");
    let list = fs::read_to_string(&users).unwrap();
    let list: Vec<&str> = list.lines().filter(|line| !line.contains("joe")).collect();
    fs::write(&users, list.join("\n")).unwrap();
    let text = fs::read_to_string(&conf).unwrap();
    fs::write(&conf, format!("# the team's\n{text}")).unwrap();
    let inject = clearml("inject")
        .args(["-q", "--env-file"])
        .arg(bed.here.join(".env"));
    let inject = inject.arg("-k").arg(&conf).arg("-i").arg(bed.file());
    inject.done().exit(0);
    bed.restart();
    let ended = bed.rotate(&["-k", "held/secure.conf"]);
    ended.says(0, "proved: the servers");
    assert!(!ended.err.contains("written from scratch"), "{}", ended.err);
    let after = fs::read_to_string(&conf).unwrap();
    assert!(after.starts_with("# the team's\n"), "{after}");
    assert!(bed.has(&conf));
}

#[track_caller]
fn refused(bed: &Bed, says: &str) {
    let before = bed.files();
    let ended = bed.rotate(&[]);
    ended.says(2, says);
    ended.says(2, "nothing was changed");
    assert!(bed.files() == before && bed.has(&bed.keys()));
    assert!(!bed.called().contains("up -d"), "{}", bed.called());
}

#[test]
fn the_last_step_is_ready_before_the_first_change() {
    let Some(bed) = Bed::start_first(Layout::EnvFile) else {
        return;
    };
    let beside = bed.here.join(".keys.env.clearml-rotate-new");
    fs::write(&beside, "another's").unwrap();
    refused(&bed, ".keys.env.clearml-rotate-new is there");
    fs::remove_file(&beside).unwrap();
    symlink("/dev/null", &beside).unwrap();
    let ended = bed.rotate(&[]);
    ended.says(2, ".keys.env.clearml-rotate-new is there");
    fs::remove_file(&beside).unwrap();
}

/// Root may write everywhere, unless it gives that up.
fn shell_that_may_not_write_everywhere() -> Option<Vec<PathBuf>> {
    let shell = Bed::shells().into_iter().next()?;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(folder.path().join("try"), "").is_err() {
        return Some(shell);
    }
    let Some(setpriv) = oracle::on_path("setpriv") else {
        oracle::skip(
            "clearml-rotate beside a folder that may not be written to: no setpriv, as root",
        );
        return None;
    };
    let without = "--bounding-set=-dac_override,-dac_read_search".into();
    Some([setpriv, without].into_iter().chain(shell).collect())
}

#[test]
fn a_folder_that_may_not_be_written_to_is_found_before_the_first_change() {
    let Some(shell) = shell_that_may_not_write_everywhere() else {
        return;
    };
    let Some(bed) = Bed::start(&shell, Layout::EnvFile, "here", "docker-compose.yml") else {
        return;
    };
    let vault = bed.here.parent().unwrap().join("vault");
    fs::create_dir(&vault).unwrap();
    fs::rename(bed.keys(), vault.join("keys")).unwrap();
    symlink(vault.join("keys"), bed.keys()).unwrap();
    fs::set_permissions(&vault, fs::Permissions::from_mode(0o555)).unwrap();
    refused(&bed, "this user may not write in its folder");
    fs::set_permissions(&vault, fs::Permissions::from_mode(0o755)).unwrap();
    bed.rotate(&[]).says(0, "proved: all 14 answers");
    assert!(bed.keys().is_symlink() && bed.has(&bed.keys()));
}

#[test]
fn an_old_keyset_takes_no_name_that_is_in_use() {
    let Some(bed) = Bed::start_first(Layout::EnvFile) else {
        return;
    };
    let script = "import datetime, os, sys\n\
                  now = datetime.datetime.now(datetime.timezone.utc)\n\
                  for second in range(60):\n \
                  os.mkdir(sys.argv[1] + (now + datetime.timedelta(seconds=second)).strftime('.old-%Y%m%dT%H%M%SZ'))";
    let mut python = Command::new(oracle::python().unwrap());
    let done = python.args(["-c", script]).arg(bed.keys()).status();
    assert!(done.unwrap().success());
    let old = fs::read(bed.keys()).unwrap();
    let ended = bed.rotate(&[]);
    ended.says(0, "Z-2");
    let line = ended
        .err
        .lines()
        .find_map(|line| line.split_once("kept as "));
    assert_eq!(fs::read(bed.here.join(line.unwrap().1)).unwrap(), old);
}

#[test]
fn a_program_that_is_missing_is_missed_before_the_first_change() {
    let Some(bed) = Bed::start_first(Layout::EnvFile) else {
        return;
    };
    let script = fs::read_to_string(e2e::files::root().join("scripts/clearml-rotate")).unwrap();
    let list = script.lines().find_map(|line| {
        let rest = line.strip_prefix("for program in awk ")?;
        rest.strip_suffix("; do")
    });
    let needed: Vec<&str> = list.unwrap().split(' ').chain(["awk"]).collect();
    let some = bed.here.parent().unwrap().join("some");
    let before = bed.files();
    for missing in ["cmp", "readlink", "date", "dd"] {
        drop(fs::remove_dir_all(&some));
        fs::create_dir(&some).unwrap();
        for name in needed.iter().chain(&["env", "sh"]) {
            let found = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(name));
            let found = found.iter().find(|path| path.exists()).unwrap();
            if *name != missing {
                symlink(found, some.join(name)).unwrap();
            }
        }
        let bin = bed.here.parent().unwrap().join("bin");
        let path = format!("{}:{}", bin.display(), some.display());
        let ended = bed.rotate_with(&[], &[("PATH", &path)]);
        ended.says(2, &format!("{missing} is not on the PATH"));
        assert!(bed.files() == before);
    }
}

/// Where keys are in two places, what is printed is about keys.
#[test]
fn mixed_places_are_said_without_other_findings() {
    let Some(bed) = Bed::start_first(Layout::Conf) else {
        return;
    };
    let printed = clearml("keygen").arg("--from").arg(bed.keys());
    let printed = printed.done().exit(0).stdout;
    let name = "CLEARML__SECURE__AUTH__TOKEN_SECRET";
    let line = printed.lines().find(|line| line.starts_with(name)).unwrap();
    let value = line.split_once('=').unwrap().1;
    let host = "      CLEARML_ELASTIC_SERVICE_HOST: elasticsearch\n";
    let text = fs::read_to_string(bed.file()).unwrap();
    let text = text.replacen(host, &format!("{host}      {name}: '{value}'\n"), 1);
    fs::write(bed.file(), text).unwrap();
    let before = bed.files();
    let ended = bed.rotate(&[]);
    ended.says(1, "not every server reads the new keys");
    let says = ": apiserver does not get secure.auth.token_secret";
    ended.says(1, says);
    let place = ended
        .err
        .lines()
        .find_map(|line| line.strip_suffix(&format!("{says} from the keyset")));
    assert!(
        place.unwrap().starts_with("  docker-compose.yml:"),
        "{}",
        ended.err
    );
    assert!(
        !ended.err.contains("open to every network"),
        "{}",
        ended.err
    );
    assert!(bed.files() == before);
}

/// In every format that a keyset may have, with what else is in the file.
#[test]
fn a_keyset_in_any_format_is_replaced_in_it() {
    let Some(bed) = Bed::start_first(Layout::EnvFile) else {
        return;
    };
    let mut from = bed.keys();
    for (format, name) in [
        ("json", "keys.json"),
        ("yaml", "keys"),
        ("toml", "keys.toml"),
        ("hocon", "secure.conf"),
    ] {
        write_as(&bed, &from, format, name);
        let path = bed.here.join(name);
        let before = fs::read_to_string(&path).unwrap();
        let ended = bed.rotate(&["-k", name]);
        ended.says(0, "proved: all 14 answers");
        assert!(!ended.err.contains("from scratch"), "{}", ended.err);
        let after = fs::read_to_string(&path).unwrap();
        assert_ne!(after, before);
        assert_eq!(after.lines().count(), before.lines().count(), "{format}");
        assert!(bed.has(&path));
        from = path;
    }
}

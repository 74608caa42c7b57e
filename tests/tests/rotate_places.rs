//! clearml-rotate wherever keys, Redis and files are: what it is told, what it finds by itself, what stays of a file, and who
//! can see what. Over a stand-in server, a real Redis, and docker compose played by tests/standin/docker.py, in dash.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::files::root;
use e2e::oracle;
use e2e::program::clearml;
use e2e::rotation::{Bed, Layout};

const PASSWORD: &str = "s3cret-of-Redis";

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn the_password_of_redis_is_found_or_asked_for() {
    let Some(bed) = Bed::start_first(Layout::EnvFile) else {
        return;
    };
    let image = "    image: redis:7.4.1\n";
    let command = format!("{image}    command: [redis-server, --requirepass, {PASSWORD}]\n");
    edit(&bed.file(), image, &command);
    // From the command line of the running Redis; the administrator's own word comes first.
    let ended = bed.rotate(&[]);
    ended.says(0, "proved: the servers");
    assert!(bed.called().contains("exec -T -e REDISCLI_AUTH redis"));
    let ended = bed.rotate_with(&[], &[("REDISCLI_AUTH", "another")]);
    ended.says(2, "Redis does not answer");
    ended.says(2, "WRONGPASS");
    let ended = bed.rotate_with(&[], &[("REDISCLI_AUTH", PASSWORD)]);
    ended.says(0, "proved: the servers");
    assert!(!bed.called().contains(PASSWORD), "{}", bed.called());
    // Where nobody tells it, nothing is begun.
    bed.set("pattern", "docker inspect*");
    let ended = bed.rotate(&[]);
    ended.says(2, "set REDISCLI_AUTH to it, and export it");
}

#[test]
fn a_redis_elsewhere_is_emptied_by_a_command() {
    let Some(bed) = Bed::start_first(Layout::EnvFile) else {
        return;
    };
    let text = fs::read_to_string(bed.file()).unwrap();
    let start = text.find("  redis:\n").unwrap();
    let end = start + text[start..].find("\n\n").unwrap() + 2;
    let text = format!("{}{}", &text[..start], &text[end..]);
    let text = text
        .replace("mongo, redis, fileserver", "mongo, fileserver")
        .replace("SERVICE_HOST: redis", "SERVICE_HOST: redis.example.com");
    fs::write(bed.file(), text).unwrap();
    let ended = bed.rotate(&[]);
    ended.says(2, "Redis is no service of docker-compose.yml");
    let before = bed.files();
    // A command that fails is a step that fails; a Redis that cannot be emptied stops nothing on the way back.
    let ended = bed.rotate(&["--flush", "false"]);
    ended.says(1, "Redis' database 8 could not be emptied: for 12 hours");
    assert!(bed.files() == before && bed.has(&bed.keys()));
    let flush = format!("redis-cli -p {} -n 8 FLUSHDB", bed.redis_port());
    let ended = bed.rotate(&["--flush", &flush]);
    ended.says(0, "proved: all 14 answers");
}

#[test]
fn a_file_server_that_reads_no_keys_is_left_alone() {
    let Some(shell) = Bed::shells().into_iter().next() else {
        return;
    };
    for (release, has_keys) in [("1.15.0", false), ("1.16.0", true)] {
        let start = Bed::start_release(&shell, Layout::EnvFile, release, "here", "stack.yml");
        let Some(bed) = start else {
            return;
        };
        let ended = bed.rotate(&[]);
        ended.says(0, "proved: the servers");
        assert_eq!(bed.called().contains("FLUSHDB"), has_keys, "{release}");
        let up = bed.called();
        let up = up.lines().find(|line| line.contains("up -d")).unwrap();
        assert!(up.contains("-f stack.yml") && up.contains("apiserver"));
    }
}

#[test]
fn several_env_files_and_other_names_are_passed_on() {
    let Some(bed) = Bed::start_first(Layout::EnvFile) else {
        return;
    };
    fs::write(bed.here.join("base env"), "OTHER_BASE=1\n").unwrap();
    fs::copy(bed.file(), bed.here.join("-stack.yml")).unwrap();
    let keys = fs::read(bed.keys()).unwrap();
    let json = clearml("keygen").args(["-f", "json", "--from"]);
    let json = json.arg(bed.keys()).done().exit(0).stdout;
    fs::write(bed.here.join("the keys"), json).unwrap();
    let mut words = bed.arguments();
    words.retain(|word| !word.starts_with("--env-file"));
    words.extend(["--env-file", "base env", "--env-file=.env", "-y", "-k"].map(str::to_owned));
    words.extend(["the keys", "-p", "it's another", "--", "-stack.yml"].map(str::to_owned));
    let ended = bed.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    ended.says(0, "done: the keys is the keyset in use");
    let called = bed.called();
    let up = called.lines().find(|line| line.contains("up -d")).unwrap();
    assert!(
        up.contains("-p it's another --env-file base env --env-file .env"),
        "{up}"
    );
    // It is written as it was.
    let new = fs::read_to_string(bed.here.join("the keys")).unwrap();
    assert!(new.starts_with("{\n"), "{new}");
    assert_eq!(fs::read(bed.keys()).unwrap(), keys);
    for (variable, value) in [
        ("COMPOSE_ENV_FILES", "a,b"),
        ("COMPOSE_DISABLE_ENV_FILE", "1"),
    ] {
        let ended = bed.rotate_with(&[], &[(variable, value)]);
        ended.says(2, "unset COMPOSE_ENV_FILES");
    }
}

#[test]
fn users_of_configuration_files_stay() {
    let Some(bed) = Bed::start_first(Layout::Conf) else {
        return;
    };
    let users = bed.here.join("config/apiserver.conf");
    let made = clearml("keygen").arg("--from").arg(bed.keys());
    let made = made.args(["--user", "jane=Jane Doe", "--passwords"]);
    let made = made.arg(bed.here.join("logins.txt")).args(["-f", "hocon"]);
    let made = made.arg("--force").arg("-o").arg(bed.keys());
    made.done().exit(0);
    let text = fs::read_to_string(&users).unwrap();
    assert!(text.contains("jane"), "{text}");
    bed.restart();
    let before = bed.files();
    bed.set("fail", "up once");
    bed.rotate(&[]).says(1, "rolled back");
    assert!(bed.files() == before && bed.has(&bed.keys()));
    // Fixed users revoke two accounts, old and new.
    let ended = bed.rotate(&[]);
    ended.says(0, "proved: the servers accept the new keys");
    assert_eq!(fs::read_to_string(&users).unwrap(), text);
    assert_ne!(fs::read(bed.keys()).unwrap(), before[&bed.keys()].0);
    // One who is removed by hand is still in the copy, which keeps nobody from a rotation and brings nobody back.
    let list = text.lines().filter(|line| !line.contains("jane"));
    let kept = list.collect::<Vec<_>>().join("\n") + "\n";
    fs::write(&users, &kept).unwrap();
    bed.restart();
    let ended = bed.rotate(&["--only", "token_secret"]);
    ended.says(0, "proved: the servers accept the new keys");
    assert!(bed.has(&bed.keys()));
    assert_eq!(fs::read_to_string(&users).unwrap(), kept);
    assert!(!fs::read_to_string(bed.keys()).unwrap().contains("jane"));
}

/// Before the question, and whatever comes out: agents that were seen, and clients in files.
#[test]
fn who_will_be_cut_off_is_said_before_the_change() {
    let Some(bed) = Bed::start_first(Layout::EnvFile) else {
        return;
    };
    let keys = fs::read_to_string(bed.keys()).unwrap();
    let value = |half: &str| {
        let name = format!("CLEARML__SECURE__CREDENTIALS__TESTS__USER_{half}=");
        let line = keys.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap().trim_matches('\'').to_owned()
    };
    let folder = bed.here.parent().unwrap().join("of clients");
    fs::create_dir(&folder).unwrap();
    let text = format!(
        "api.credentials {{ access_key: \"{}\", secret_key: \"{}\" }}\n",
        value("KEY"),
        value("SECRET")
    );
    fs::write(folder.join("clearml.conf"), text).unwrap();
    let ended = bed.rotate(&["--clients", folder.to_str().unwrap()]);
    ended.says(0, "no agent was active in the last hour");
    ended.says(
        0,
        "a client has the old pair of tests: the rotation cuts it off",
    );
    let change = ended.err.find("--- .env").unwrap();
    assert!(ended.err.find("no agent was active").unwrap() < change);
    assert!(!Bed::may_hold_keys(ended.err.as_bytes()), "{}", ended.err);
    // What is not known stops nothing.
    bed.set("pattern", "clearml-verify --clients*");
    bed.rotate(&[]).says(0, "proved: all 14 answers");
}

/// What nobody sees in a file's text: number, owner, mode, attribute.
fn identity(path: &Path) -> (u64, u32, u32, String) {
    let metadata = path.metadata().unwrap();
    let script = "import os, sys\ntry: print(os.getxattr(sys.argv[1], 'user.mark').decode())\nexcept OSError: print('')";
    let attribute = Command::new(oracle::python().unwrap())
        .args(["-c", script])
        .arg(path)
        .output()
        .unwrap();
    (
        metadata.ino(),
        metadata.uid(),
        metadata.mode() & 0o7777,
        String::from_utf8(attribute.stdout).unwrap(),
    )
}

#[test]
fn a_file_that_is_taken_back_is_the_one_that_it_was() {
    for layout in [Layout::Compose, Layout::EnvFile, Layout::Conf] {
        let Some(bed) = Bed::start_first(layout) else {
            return;
        };
        let name = match layout {
            Layout::Compose => "docker-compose.yml",
            Layout::EnvFile => ".env",
            Layout::Conf => "config/secure.conf",
        };
        // A link to a file in another folder, of another owner, where this user may give files away.
        let elsewhere = bed.here.parent().unwrap().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        let real = elsewhere.join("a 'real' file");
        fs::rename(bed.here.join(name), &real).unwrap();
        symlink(&real, bed.here.join(name)).unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        let is_given = chown(&real, Some(1234), Some(1234)).is_ok();
        let script = "import os, sys; os.setxattr(sys.argv[1], 'user.mark', b'mine')";
        let mut python = Command::new(oracle::python().unwrap());
        drop(python.args(["-c", script]).arg(&real).output());
        let (before, files) = (identity(&real), bed.files());
        for (word, value) in [("fail", "up once"), ("fail", "flush once")] {
            bed.set(word, value);
            let ended = bed.rotate(&[]);
            ended.says(1, "rolled back");
            assert_eq!(identity(&real), before, "{layout:?}");
            assert!(bed.files() == files && bed.has(&bed.keys()));
            assert_eq!(names(&elsewhere), ["a 'real' file"]);
        }
        // And one that is replaced keeps what clearml-inject keeps.
        let ended = bed.rotate(&[]);
        ended.says(0, "proved");
        assert!(bed.here.join(name).is_symlink());
        let after = identity(&real);
        assert_eq!(after.1, if is_given { 1234 } else { before.1 });
        if layout == Layout::Compose {
            assert_eq!((after.2, after.3), (before.2, before.3));
        } else {
            assert_eq!(after.2, 0o600);
        }
    }
}

#[test]
fn what_somebody_else_wrote_meanwhile_is_kept() {
    let Some(bed) = Bed::start_first(Layout::EnvFile) else {
        return;
    };
    let before = fs::read(bed.here.join(".env")).unwrap();
    bed.rotate_until("STOP_BEFORE", "docker*FLUSHDB", "KILL")
        .unwrap();
    edit(&bed.here.join(".env"), "OTHER=value", "OTHER=edited");
    let recovered = bed.run(&["--recover", "--yes"]);
    recovered.says(
        0,
        "somebody has changed .env since; that text is kept as .env.edited-",
    );
    assert_eq!(fs::read(bed.here.join(".env")).unwrap(), before);
    let names = names(&bed.here);
    let kept = names.iter().find(|name| name.starts_with(".env.edited-"));
    let kept = fs::read_to_string(bed.here.join(kept.unwrap())).unwrap();
    assert!(kept.contains("OTHER=edited"));
    assert!(
        !names.iter().any(|name| name.contains("clearml-rotate")),
        "{names:?}"
    );
}

#[test]
fn an_old_keyset_is_overwritten_where_that_can_be() {
    let Some(bed) = Bed::start_first(Layout::EnvFile) else {
        return;
    };
    let old = fs::read(bed.keys()).unwrap();
    let before = names(&bed.here).len();
    let ended = bed.rotate(&["--shred"]);
    ended.says(0, "the old one is deleted");
    ended.says(0, "disks of flash memory, snapshots and backups");
    assert!(bed.called().is_ascii() && names(&bed.here).len() == before);
    // Another name of the file is somebody's own, and its bytes stay.
    let own = bed.here.parent().unwrap().join("own.env");
    fs::hard_link(bed.keys(), &own).unwrap();
    let kept = fs::read(&own).unwrap();
    assert_ne!(kept, old);
    let ended = bed.rotate(&["--shred"]);
    ended.says(0, "keys.env gets a new file under this name");
    ended.says(0, "the old keys.env has other names (hard links)");
    assert_eq!(fs::read(&own).unwrap(), kept);
    assert!(bed.has(&bed.keys()));
}

#[test]
fn a_dry_run_can_be_pasted() {
    for layout in [Layout::Compose, Layout::EnvFile, Layout::Conf] {
        for more in [None, Some("--shred")] {
            let Some(bed) = Bed::start_first(layout) else {
                return;
            };
            let old = bed.here.parent().unwrap().join("before.keys");
            fs::copy(bed.keys(), &old).unwrap();
            let mut words = vec!["--dry-run"];
            words.extend(more);
            let printed = bed.rotate(&words);
            assert_eq!(printed.code, Some(0), "{}", printed.err);
            let pasted = bed.paste(&printed.out);
            pasted.says(0, "proved: all 14 answers");
            assert!(bed.has(&bed.keys()), "{}", pasted.err);
            assert!(!bed.has(&old), "{}", pasted.err);
            let names = names(&bed.here);
            assert!(
                !names.iter().any(|name| name.contains("clearml-rotate")),
                "{names:?}"
            );
            // What it leaves is what a run leaves: the next one goes on from there.
            bed.rotate(&[]).says(0, "proved: all 14 answers");
        }
    }
}

#[test]
fn a_person_at_a_terminal_is_asked() {
    let Some(bed) = Bed::start_first(Layout::EnvFile) else {
        return;
    };
    let before = bed.files();
    for (typed, says) in [
        ("n\\n", "not confirmed"),
        ("\\n", "not confirmed"),
        ("\\x04", "not confirmed"),
        ("\\x03", "interrupted (SIGINT)"),
        ("\\x1c", "interrupted (SIGQUIT)"),
    ] {
        let ended = bed.answer(typed);
        ended.says(2, says);
        ended.says(2, "nothing was changed");
        assert!(bed.files() == before);
    }
    let ended = bed.answer("y\\n");
    ended.says(0, "proved: all 14 answers");
}

#[test]
fn no_program_is_given_a_key_as_an_argument() {
    let (Some(strace), Some(bed)) = (oracle::strace(), Bed::start_first(Layout::Conf)) else {
        oracle::skip("the arguments of what clearml-rotate starts: strace not found");
        return;
    };
    let (said, executed) = bed.traced(&strace);
    assert!(said.contains("clearml-rotate: done"), "{said}");
    // awk, sed and all others, and not only what the shims see.
    for program in ["clearml-keygen", "awk", "sed", "docker"] {
        assert!(executed.contains(program), "{executed}");
    }
    assert!(!Bed::may_hold_keys(executed.as_bytes()), "{executed}");
}

#[test]
fn a_folder_that_cannot_be_written_to_is_said() {
    let Some(bed) = Bed::start_first(Layout::EnvFile) else {
        return;
    };
    // In place of the folder that it makes: root may write everywhere.
    fs::write(bed.here.join(".clearml-rotate"), "").unwrap();
    let ended = bed.rotate(&[]);
    ended.says(2, "cannot make .clearml-rotate");
    fs::remove_file(bed.here.join(".clearml-rotate")).unwrap();
    // The second name that a run in another folder has.
    let taken: PathBuf = bed.here.join("..env.clearml-rotate");
    fs::write(&taken, "another's").unwrap();
    let before = bed.files();
    let ended = bed.rotate(&[]);
    ended.says(2, "..env.clearml-rotate is there");
    assert!(bed.files() == before);
    assert!(!bed.here.join(".clearml-rotate").exists());
}

/// A service of a profile that does not run is none of a rotation's to start.
#[test]
fn a_profile_that_does_not_run_is_not_started() {
    let Some(bed) = Bed::start_first(Layout::EnvFile) else {
        return;
    };
    let name = "\n  agent-services:\n";
    edit(
        &bed.file(),
        name,
        &format!("{name}    profiles: [agents]\n"),
    );
    let restarted = || {
        let called = bed.called();
        let last = called.lines().rfind(|line| line.contains(" up -d "));
        last.unwrap().to_owned()
    };
    bed.rotate(&[]).says(0, "async_delete agent-services");
    assert!(restarted().ends_with(" agent-services"), "{}", restarted());
    bed.set("silent", "docker*ps --quiet agent-services");
    bed.rotate(&[])
        .says(0, "restarting apiserver fileserver async_delete\n");
    assert!(restarted().ends_with(" async_delete"), "{}", restarted());
    // What docker does not answer is not known.
    bed.set("silent", "");
    bed.set("pattern", "docker*ps --quiet agent-services");
    let before = bed.files();
    let ended = bed.rotate(&[]);
    ended.says(2, "docker compose does not say whether agent-services runs");
    ended.says(2, "nothing was changed");
    assert!(bed.files() == before);
}

#[test]
fn a_dry_run_is_read_as_far_as_somebody_likes() {
    let Some(bed) = Bed::start_first(Layout::EnvFile) else {
        return;
    };
    let script = root().join("scripts/clearml-rotate");
    let words = bed.arguments().join(" ");
    let run = format!("sh {} --dry-run {words}", script.display());
    let ended = bed.paste(&format!("{run} | head -n 1"));
    ended.says(0, "# Before anything is changed.");
    assert_eq!(ended.err, "");
    bed.paste(&format!("{run} | tail -n 1"))
        .says(0, "rm -rf .clearml-rotate");
}

#[test]
fn half_a_keyset_is_called_by_its_own_name() {
    let Some(bed) = Bed::start_first(Layout::EnvFile) else {
        return;
    };
    let text = fs::read_to_string(bed.keys()).unwrap();
    let half = text.lines().filter(|line| !line.contains("WEBSERVER"));
    let half: String = half.map(|line| format!("{line}\n")).collect();
    fs::write(bed.keys(), half).unwrap();
    let ended = bed.rotate(&[]);
    ended.says(2, "the keyset has no value for webserver");
    ended.says(
        2,
        "\n      clearml-keygen --from keys.env -o complete.env\n",
    );
}

/// Lines that clearml-inject would have taken out are the keys in use: they move first.
#[test]
fn keys_of_an_override_file_are_moved_first() {
    let Some(bed) = Bed::start_first(Layout::Compose) else {
        return;
    };
    let name = "CLEARML__SECURE__AUTH__TOKEN_SECRET";
    let keys = fs::read_to_string(bed.keys()).unwrap();
    let value = keys.lines().find_map(|line| line.strip_prefix(name));
    let value = value.unwrap().trim_start_matches('=');
    let services = ["apiserver", "fileserver"]
        .map(|service| format!("  {service}:\n    environment:\n      {name}: {value}\n"));
    let path = bed.here.join("docker-compose.override.yml");
    fs::write(&path, format!("services:\n{}", services.concat())).unwrap();
    let before = bed.files();
    let ended = bed.rotate(&[]);
    ended.says(2, "docker-compose.override.yml:4:7 overrides it");
    let keys = bed.keys();
    let keys = keys.file_name().unwrap().to_string_lossy();
    ended.says(
        2,
        &format!(
            "move its keys to .env, then run this again with --env-file .env:\n    \
             mv docker-compose.override.yml docker-compose.override.yml.orig\n    \
             clearml-inject -k {keys} --override --env-file .env -o docker-compose.override.yml docker-compose.yml\n"
        ),
    );
    assert!(bed.files() == before);
}

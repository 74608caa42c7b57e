//! clearml-inject as a shell would use it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use common::{inject, keys, run};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures")
}

/// A folder with the stock file and a keyset.
fn stock() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(
        fixtures().join("stock/docker-compose.yml"),
        folder.path().join("docker-compose.yml"),
    )
    .unwrap();
    fs::write(folder.path().join("keys.env"), keys()).unwrap();
    folder
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn every_server_gets_what_it_reads() {
    let folder = stock();
    let (code, stdout, stderr) = run(folder.path(), &["-k", "keys.env", "docker-compose.yml"]);
    assert_eq!(code, 0, "{stderr}");
    let service = |name: &str| {
        let start = stdout.find(&format!("\n  {name}:\n")).unwrap() + 1;
        let end = stdout[start + 3..]
            .find("\n\n  ")
            .map_or(stdout.len(), |end| start + 3 + end);
        stdout[start..end].to_owned()
    };
    let has = |name: &str| -> Vec<usize> {
        (0..12)
            .filter(|index| service(name).contains(&format!("MARKED{index:02}")))
            .collect()
    };
    assert_eq!(has("apiserver"), (0..12).collect::<Vec<_>>());
    assert_eq!(has("fileserver"), [4, 5]);
    assert_eq!(has("async_delete"), [1]);
    assert_eq!(has("agent-services"), [10, 11]);
    for name in ["webserver", "mongo", "redis", "elasticsearch"] {
        assert!(has(name).is_empty(), "{name}");
    }
    assert!(!stderr.contains("MARKED"), "{stderr}");
}

#[test]
fn the_keyset_may_come_from_standard_input() {
    let folder = stock();
    let expected = run(folder.path(), &["-k", "keys.env", "docker-compose.yml"]).1;
    let piped = inject()
        .arg("docker-compose.yml")
        .write_stdin(keys())
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), expected);
    let compose = read(folder.path(), "docker-compose.yml");
    let piped = inject()
        .args(["-k", "keys.env"])
        .write_stdin(compose)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), expected);
    let both = inject().write_stdin(keys()).output().unwrap();
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn in_place_keeps_mode_link_and_backup() {
    let folder = stock();
    let path = |name: &str| folder.path().join(name);
    let before = read(folder.path(), "docker-compose.yml");
    fs::set_permissions(
        path("docker-compose.yml"),
        fs::Permissions::from_mode(0o640),
    )
    .unwrap();
    symlink("docker-compose.yml", path("link.yml")).unwrap();
    fs::hard_link(path("docker-compose.yml"), path("second-name.yml")).unwrap();
    let (code, stdout, stderr) = run(
        folder.path(),
        &["-k", "keys.env", "-i", "--backup", ".orig", "link.yml"],
    );
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    assert!(
        stderr.contains("mode 0640") && stderr.contains("hard links"),
        "{stderr}"
    );
    assert!(fs::symlink_metadata(path("link.yml")).unwrap().is_symlink());
    assert!(read(folder.path(), "docker-compose.yml").contains("MARKED11"));
    assert_eq!(
        fs::metadata(path("docker-compose.yml"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o640
    );
    assert_eq!(read(folder.path(), "link.yml.orig"), before);
    let (code, _, _) = run(folder.path(), &["-k", "keys.env", "-i", "link.yml"]);
    assert_eq!(code, 0);
}

#[test]
fn in_place_sees_the_override_that_compose_would_merge() {
    let folder = stock();
    let over = "services:\n  apiserver:\n    environment:\n      CLEARML__secure__auth__token_secret: other\n";
    fs::write(folder.path().join("docker-compose.override.yml"), over).unwrap();
    let before = read(folder.path(), "docker-compose.yml");
    let (code, _, stderr) = run(
        folder.path(),
        &["-k", "keys.env", "-i", "docker-compose.yml"],
    );
    assert_eq!(code, 2);
    assert!(
        stderr.contains("docker-compose.override.yml:4:"),
        "{stderr}"
    );
    assert_eq!(read(folder.path(), "docker-compose.yml"), before);
}

#[test]
fn a_check_sees_the_override_that_compose_would_merge() {
    let folder = stock();
    let keys = ["-k", "keys.env"];
    let file = ["docker-compose.yml"];
    let (code, _, _) = run(folder.path(), &[&keys[..], &["-i"], &file].concat());
    assert_eq!(code, 0);
    let over = "services:\n  apiserver:\n    environment:\n      CLEARML__secure__auth__token_secret: other\n";
    fs::write(folder.path().join("docker-compose.override.yml"), over).unwrap();
    for mode in ["--check", "--diff", "-i"] {
        let (code, _, stderr) = run(folder.path(), &[&keys[..], &[mode], &file].concat());
        assert_eq!(code, 2, "{mode}");
        assert!(
            stderr.contains("docker-compose.override.yml:4:"),
            "{stderr}"
        );
    }
}

#[test]
fn a_file_that_is_merged_is_not_written_over() {
    let folder = stock();
    let options = ["-k", "keys.env", "--override", "-o", "over.yml"];
    let file = ["docker-compose.yml"];
    let (code, _, _) = run(folder.path(), &[&options[..], &file].concat());
    assert_eq!(code, 0);
    let before = read(folder.path(), "over.yml");
    let again = ["--merge", "./over.yml", "--force"];
    let (code, _, stderr) = run(folder.path(), &[&options[..], &again, &file].concat());
    assert_eq!(code, 2, "{stderr}");
    assert_eq!(read(folder.path(), "over.yml"), before);
}

#[test]
fn a_backup_has_a_suffix() {
    let folder = stock();
    let before = read(folder.path(), "docker-compose.yml");
    let options = ["-k", "keys.env", "-i", "--backup", "", "docker-compose.yml"];
    let (code, _, _) = run(folder.path(), &options);
    assert_eq!(code, 2);
    assert_eq!(read(folder.path(), "docker-compose.yml"), before);
}

#[test]
fn a_backup_is_not_overwritten() {
    let folder = stock();
    fs::write(folder.path().join("docker-compose.yml.orig"), "mine").unwrap();
    let (code, _, stderr) = run(
        folder.path(),
        &[
            "-k",
            "keys.env",
            "-i",
            "--backup",
            ".orig",
            "docker-compose.yml",
        ],
    );
    assert_eq!(code, 2);
    assert!(stderr.contains("suffix"), "{stderr}");
    assert_eq!(read(folder.path(), "docker-compose.yml.orig"), "mine");
    assert!(!read(folder.path(), "docker-compose.yml").contains("MARKED"));
}

#[test]
fn output_is_private_and_not_overwritten() {
    let folder = stock();
    let arguments = ["-k", "keys.env", "-o", "out.yml", "docker-compose.yml"];
    assert_eq!(run(folder.path(), &arguments).0, 0);
    let mode = fs::metadata(folder.path().join("out.yml"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let (code, _, stderr) = run(folder.path(), &arguments);
    assert_eq!(code, 2);
    assert!(stderr.contains("--force"), "{stderr}");
    let (code, _, _) = run(
        folder.path(),
        &[
            "--force",
            "-k",
            "keys.env",
            "-o",
            "out.yml",
            "docker-compose.yml",
        ],
    );
    assert_eq!(code, 0);
}

#[test]
fn check_says_whether_it_would_change() {
    let folder = stock();
    let check = ["-k", "keys.env", "--check", "docker-compose.yml"];
    assert_eq!(run(folder.path(), &check).0, 1);
    assert_eq!(
        run(
            folder.path(),
            &["-k", "keys.env", "-i", "docker-compose.yml"]
        )
        .0,
        0
    );
    let (code, stdout, _) = run(folder.path(), &check);
    assert_eq!((code, stdout.as_str()), (0, ""));
}

#[test]
fn a_diff_shows_lines_and_no_secret() {
    let folder = stock();
    let before = read(folder.path(), "docker-compose.yml");
    let (code, stdout, stderr) = run(
        folder.path(),
        &["-k", "keys.env", "--diff", "docker-compose.yml"],
    );
    assert_eq!(code, 0);
    assert!(
        stdout.contains("+      CLEARML__SECURE__AUTH__TOKEN_SECRET: ********"),
        "{stdout}"
    );
    assert!(
        stdout.starts_with("--- docker-compose.yml\n+++ docker-compose.yml\n@@ -"),
        "{stdout}"
    );
    assert!(!stdout.contains("MARKED") && !stderr.contains("MARKED"));
    assert_eq!(read(folder.path(), "docker-compose.yml"), before);
}

#[test]
fn injecting_twice_is_injecting_once() {
    for entry in fs::read_dir(fixtures().join("shapes")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yml") {
            continue;
        }
        let once = inject()
            .args(["-q", "-k", "-"])
            .arg(&path)
            .write_stdin(keys())
            .output()
            .unwrap();
        if once.status.code() == Some(2) {
            assert!(once.stdout.is_empty());
            continue;
        }
        // Beside the original, so that its env_file is found.
        let folder = tempfile::tempdir().unwrap();
        for beside in fs::read_dir(fixtures().join("shapes")).unwrap() {
            let beside = beside.unwrap().path();
            fs::copy(&beside, folder.path().join(beside.file_name().unwrap())).unwrap();
        }
        let edited = folder.path().join("edited.yml");
        fs::write(&edited, &once.stdout).unwrap();
        let twice = inject()
            .args(["-q", "-k", "-"])
            .arg(&edited)
            .write_stdin(keys())
            .output()
            .unwrap();
        assert_eq!(twice.stdout, once.stdout, "{}", path.display());
    }
}

#[test]
fn a_value_over_several_lines_is_replaced_where_its_lines_move() {
    let shared = fixtures().join("shapes/anchor-block-scalars.yml");
    let output = inject().arg(&shared).write_stdin(keys()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(
        stderr.contains("apiserver: 8 added, 4 replaced"),
        "{stderr}"
    );
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(!stdout.contains("to-be-replaced\n"), "{stdout}");
    assert!(
        stdout.contains("\n        BANNER: |2+\n            indented,"),
        "{stdout}"
    );
}

#[test]
fn a_value_that_hocon_would_change_is_put_in_its_quotes() {
    let folder = stock();
    let odd = "06d-xy$z#half,and{more}Zq8wVxY3rT6uPn1mKj5hGf4d";
    let mut json = String::from("{\"version\": 1, \"settings\": {");
    for line in keys().lines() {
        let (name, value) = line.split_once('=').unwrap();
        let path = name
            .trim_start_matches("CLEARML__")
            .to_lowercase()
            .replace("__", ".");
        let value = if path == "secure.auth.token_secret" {
            odd
        } else {
            value
        };
        json.push_str(&format!("\"{path}\": \"{value}\","));
    }
    json.pop();
    json.push_str("}, \"users\": []}");
    fs::write(folder.path().join("keys.json"), json).unwrap();
    let (code, stdout, stderr) = run(folder.path(), &["-k", "keys.json", "docker-compose.yml"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stdout.contains(&format!("'\"{}\"'", odd.replace('$', "$$"))),
        "{stdout}"
    );
}

#[test]
fn what_is_shared_is_refused_with_the_place_or_kept_for_the_others() {
    let (code, stdout, stderr) = run(
        &fixtures(),
        &["-k", "/dev/null", "shapes/value-anchored.yml"],
    );
    assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
    let shared = fixtures().join("shapes/value-anchored.yml");
    let output = inject().arg(&shared).write_stdin(keys()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr.contains("value-anchored.yml:17:13") && stderr.contains("help:"),
        "{stderr}"
    );
}

#[test]
fn a_number_of_any_size_is_no_obstacle() {
    let folder = stock();
    let before = read(folder.path(), "docker-compose.yml");
    for number in ["123456789012345678901234567890", "-9223372036854775809"] {
        let name = format!("A: {number}\n      CLEARML_REDIS_SERVICE_PORT:");
        let text = before.replacen("CLEARML_REDIS_SERVICE_PORT:", &name, 1);
        assert_ne!(text, before);
        fs::write(folder.path().join("numbers.yml"), text).unwrap();
        let (code, stdout, stderr) = run(folder.path(), &["-k", "keys.env", "numbers.yml"]);
        assert_eq!(code, 0, "{stderr}");
        assert!(stdout.contains(number), "{stdout}");
    }
}

#[test]
fn a_comment_above_a_value_is_no_block_scalar() {
    let folder = stock();
    let before = read(folder.path(), "docker-compose.yml");
    let name = "CLEARML__SECURE__AUTH__TOKEN_SECRET: old\n      CLEARML_REDIS_SERVICE_PORT:";
    for above in ["# see below >", "A: this |"] {
        let text = before.replacen(
            "CLEARML_REDIS_SERVICE_PORT:",
            &format!("{above}\n      {name}"),
            1,
        );
        fs::write(folder.path().join("above.yml"), text).unwrap();
        let (code, stdout, stderr) = run(folder.path(), &["-k", "keys.env", "above.yml"]);
        assert_eq!(code, 0, "{stderr}");
        let lines = format!("{above}\n      CLEARML__SECURE__AUTH__TOKEN_SECRET: MARKED01");
        assert!(stdout.contains(&lines), "{stdout}");
    }
}

#[test]
fn quotes_of_hocon_around_a_name_of_the_env_file_are_no_quotes_of_yaml() {
    let folder = stock();
    let name = r#"CLEARML__SECURE__AUTH__TOKEN_SECRET: '"${TOKEN}"'"#;
    let text = read(folder.path(), "docker-compose.yml").replacen(
        "CLEARML_REDIS_SERVICE_PORT:",
        &format!("{name}\n      CLEARML_REDIS_SERVICE_PORT:"),
        1,
    );
    fs::write(folder.path().join("docker-compose.yml"), text).unwrap();
    fs::write(folder.path().join(".env"), "TOKEN=old\n").unwrap();
    let options = ["-k", "keys.env", "--env-file", ".env", "docker-compose.yml"];
    let (code, _, stderr) = run(folder.path(), &[&options[..], &["-i"]].concat());
    assert_eq!(code, 0, "{stderr}");
    let (code, _, stderr) = run(folder.path(), &[&options[..], &["--check"]].concat());
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn an_override_that_closes_ports_is_enough() {
    let folder = stock();
    let ports = "  redis:\n    ports: [\"6379:6379\"]\n";
    let text = read(folder.path(), "docker-compose.yml").replacen("  redis:\n", ports, 1);
    fs::write(folder.path().join("docker-compose.yml"), text).unwrap();
    let options = ["-k", "keys.env", "--override", "--close-ports"];
    let file = ["docker-compose.yml"];
    let output = ["-o", "over.yml"];
    let (code, _, stderr) = run(folder.path(), &[&options[..], &output, &file].concat());
    assert_eq!(code, 0, "{stderr}");
    assert!(read(folder.path(), "over.yml").contains("ports: !reset []"));
    let check = ["--merge", "over.yml", "--check"];
    let (code, _, stderr) = run(folder.path(), &[&options[..], &check, &file].concat());
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn a_file_without_clearml_is_no_success() {
    let folder = stock();
    fs::write(
        folder.path().join("other.yml"),
        "services:\n  web:\n    image: nginx:1\n",
    )
    .unwrap();
    let (code, stdout, stderr) = run(folder.path(), &["-k", "keys.env", "other.yml"]);
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("no ClearML server"), "{stderr}");
}

/// Where the help changes, so does a promise.
#[test]
fn help_is_what_it_was() {
    let output = inject()
        .arg("--help")
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/help.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &help).unwrap();
    }
    assert_eq!(
        help,
        fs::read_to_string(&path).unwrap_or_default(),
        "UPDATE_EXPECT=1 rewrites it"
    );
}

/// After the values went to an env file, the usual command must not put them into the compose file.
#[test]
fn a_reference_to_an_env_file_stays_one_unless_a_value_is_meant() {
    let folder = stock();
    let path = folder.path();
    let (code, _, stderr) = run(
        path,
        &[
            "-k",
            "keys.env",
            "--env-file",
            ".env",
            "-i",
            "docker-compose.yml",
        ],
    );
    assert_eq!(code, 0, "{stderr}");
    let compose = read(path, "docker-compose.yml");
    fs::write(path.join("new.env"), keys().replace("MARKED", "OTHERS")).unwrap();
    let again = ["-k", "new.env", "-i", "docker-compose.yml"];
    let (code, _, stderr) = run(path, &again);
    assert_eq!(code, 2);
    assert!(stderr.contains(".env:"), "{stderr}");
    assert!(stderr.contains("add --env-file .env"), "{stderr}");
    assert_eq!(read(path, "docker-compose.yml"), compose);
    // The keys in use are where they belong.
    assert_eq!(
        run(path, &["-k", "keys.env", "-i", "docker-compose.yml"]).0,
        0
    );
    assert_eq!(read(path, "docker-compose.yml"), compose);
    let (code, _, stderr) = run(path, &[&again[..], &["--literal"]].concat());
    assert_eq!(code, 0, "{stderr}");
    assert!(read(path, "docker-compose.yml").contains("OTHERS"));
}

#[test]
fn values_that_protect_nothing_are_refused_unless_they_are_meant() {
    let folder = stock();
    let path = folder.path();
    let changed = |name: &str, value: &str| {
        let lines = keys();
        let lines = lines.lines().map(|line| match line.split_once('=') {
            Some((one, _)) if one == name => format!("{one}={value}\n"),
            _ => format!("{line}\n"),
        });
        lines.collect::<String>()
    };
    let token = "CLEARML__SECURE__AUTH__TOKEN_SECRET";
    let session = "CLEARML__SECURE__HTTP__SESSION_SECRET__APISERVER";
    let twice = keys();
    let twice = twice
        .lines()
        .find_map(|line| line.strip_prefix(session))
        .unwrap();
    for (value, reason) in [
        (
            "Rq8FW84sSqVgq7WvBB_4EzNl9y8z8IGiDXX3C345_a5AZfcwZcwCIA",
            "(public)",
        ),
        ("<new-secret-string>", "placeholder"),
        ("a1B2c3", "(too short)"),
        (&twice[1..], "(the same value more than once)"),
    ] {
        fs::write(path.join("weak.env"), changed(token, value)).unwrap();
        let (code, stdout, stderr) = run(path, &["-k", "weak.env", "docker-compose.yml"]);
        assert_eq!((code, stdout.is_empty()), (2, true), "{value}: {stderr}");
        assert!(
            stderr.contains(reason) && !stderr.contains(value),
            "{value}: {stderr}"
        );
        assert!(stderr.contains("--only token_secret"), "{value}: {stderr}");
        let (code, ..) = run(
            path,
            &["-k", "weak.env", "--allow-weak", "docker-compose.yml"],
        );
        assert_eq!(code, 0, "{value}");
    }
}

#[test]
fn a_file_on_standard_output_that_others_can_read_is_said() {
    let folder = stock();
    let path = folder.path();
    for (mode, is_said) in [(0o644, true), (0o600, false)] {
        let out = fs::File::create(path.join("out.yml")).unwrap();
        out.set_permissions(fs::Permissions::from_mode(mode))
            .unwrap();
        // What the tests usually run it with takes standard output for itself.
        let done = std::process::Command::new(inject().get_program())
            .args(["-k", "keys.env", "docker-compose.yml"])
            .current_dir(path)
            .stdout(out)
            .output()
            .unwrap();
        let stderr = String::from_utf8(done.stderr).unwrap();
        assert!(done.status.success(), "{stderr}");
        assert_eq!(
            stderr.contains("(mode 0644): chmod 600 it"),
            is_said,
            "{stderr}"
        );
    }
}

/// Two rows of stars say nothing: a mark tells the old value from the new one, and shows neither.
#[test]
fn a_diff_tells_values_apart_without_showing_them() {
    let folder = stock();
    let path = folder.path();
    assert_eq!(
        run(path, &["-k", "keys.env", "-i", "docker-compose.yml"]).0,
        0
    );
    fs::write(path.join("new.env"), keys().replace("MARKED", "OTHERS")).unwrap();
    let (code, diff, stderr) = run(path, &["-k", "new.env", "--diff", "docker-compose.yml"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(
        !diff.contains("MARKED") && !diff.contains("OTHERS"),
        "{diff}"
    );
    let token = |sign: char| {
        let lines = diff.lines().filter(|line| line.starts_with(sign));
        let mut lines = lines.filter_map(|line| line.split_once("TOKEN_SECRET: ******** ("));
        lines.next().unwrap().1.trim_end_matches(')').to_owned()
    };
    let (old, new) = (token('-'), token('+'));
    assert!(
        old != new && [&old, &new].iter().all(|mark| mark.len() == 6),
        "{diff}"
    );
    // A server's name is no secret.
    assert!(
        diff.contains("command: apiserver") || !diff.contains("command:"),
        "{diff}"
    );
}

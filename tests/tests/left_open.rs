//! Files with keys that others can read, and keys that are in more than one deployment: what is found is said of every file, once,
//! and with a command that works.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use e2e::desk::{deploy, deployment, run, text};
use tempfile::TempDir;

/// Opens a file, and the folder that it is in.
fn open(folder: &TempDir, name: &str) {
    let path = folder.path().join(name);
    fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
}

fn count(folder: &TempDir, targets: &str) -> usize {
    let said = run(
        folder,
        &format!("clearml-verify -f jsonl {targets} || true"),
    )
    .stdout;
    let lines = said.lines();
    lines.filter(|line| line.contains("\"open-login\"")).count()
}

#[test]
fn an_injection_says_which_files_of_its_keys_are_open() {
    let folder = deployment();
    run(
        &folder,
        "umask 077; clearml-keygen -q -o keys.env\n\
         clearml-inject -q -k keys.env --env-file .env -i docker-compose.yml",
    )
    .exit(0);
    let says = |name: &str, mode: &str| {
        format!(
            "{name} holds secrets, and others can read it (mode {mode}). To close it:\n  chmod 600 {name}\n"
        )
    };
    for (name, inject) in [
        (".env", "clearml-inject -k keys.env -i docker-compose.yml"),
        (".env", "clearml-inject -k keys.env docker-compose.yml"),
        (
            "keys.env",
            "clearml-inject -k keys.env --env-file .env -i docker-compose.yml",
        ),
        (
            "a.env",
            "cp .env a.env; >.env; clearml-inject -k keys.env --env-file a.env --env-file b.env -i docker-compose.yml",
        ),
    ] {
        if folder.path().join(name).exists() {
            open(&folder, name);
        }
        let inject = inject.replace("a.env; >", "a.env; chmod 644 a.env; >");
        let done = run(&folder, &inject).exit(0).says(&says(name, "0644"));
        let command = done
            .stderr
            .lines()
            .find(|line| line.contains("chmod"))
            .unwrap();
        run(
            &folder,
            &format!("{command}; {}", inject.rsplit("; ").next().unwrap()),
        )
        .exit(0)
        .never_says("others can read it");
    }
    // One of which a service gets all.
    let folder = deployment();
    let compose = text(&folder, "docker-compose.yml");
    let compose = ["apiserver", "fileserver", "async_delete"]
        .iter()
        .fold(compose, |text, name| {
            text.replacen(
                &format!("\n  {name}:\n"),
                &format!("\n  {name}:\n    env_file: srv.env\n"),
                1,
            )
        });
    fs::write(folder.path().join("docker-compose.yml"), compose).unwrap();
    run(
        &folder,
        "umask 077; clearml-keygen -q -o keys.env; cp keys.env srv.env",
    )
    .exit(0);
    open(&folder, "srv.env");
    let inject = "rm -f out.yml; clearml-inject -k keys.env docker-compose.yml -o out.yml";
    run(&folder, inject)
        .exit(0)
        .says("srv.env holds secrets, and others can read it (mode 0644)");
    // Nobody else comes into the folder.
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    run(&folder, inject)
        .exit(0)
        .never_says("others can read it");
}

#[test]
fn two_deployments_with_one_file_of_keys_change_it_once() {
    let folder = deployment();
    run(
        &folder,
        "clearml-keygen -q -f hocon -o config/secure.conf; cp docker-compose.yml two.yml; chmod 644 config/secure.conf\n\
         sed -i '/token_secret/s/\".*\"/\"12345678\"/' config/secure.conf",
    )
    .exit(0);
    let fix = "clearml-verify --fix docker-compose.yml two.yml || true";
    let script = run(&folder, fix).stdout;
    assert_eq!(
        script.matches("\nclearml-keygen --from").count(),
        1,
        "{script}"
    );
    assert_eq!(script.matches("; cat ").count(), 1, "{script}");
    assert_eq!(script.matches("\nchmod 600 ").count(), 1, "{script}");
    assert!(script.contains("# ./config/secure.conf is closed by a command above\n"));
    assert!(script.contains(
        "# ./config/secure.conf is changed by a command above: these servers read it, too\n"
    ));
    run(&folder, &script).exit(0);
    let copy = folder.path().join("config/secure.conf.orig");
    assert_eq!(
        fs::metadata(copy).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(
        !run(&folder, fix)
            .stdout
            .contains("clearml-keygen --from ./config/secure.conf --only")
    );
}

/// A file that one deployment loads, and that is beside another one, is closed by one command.
#[test]
fn a_file_of_keys_is_closed_once_for_all_deployments() {
    let folder = deployment();
    run(
        &folder,
        "clearml-keygen -q -f hocon -o config/secure.conf; mkdir other\n\
         sed 's,./config:,./other:,' docker-compose.yml >a.yml; chmod 644 config/secure.conf; chmod 755 .",
    )
    .exit(0);
    let script = run(
        &folder,
        "clearml-verify --fix a.yml docker-compose.yml || true",
    )
    .stdout;
    assert_eq!(
        script.matches("chmod 600 ./config/secure.conf").count(),
        1,
        "{script}"
    );
    assert!(
        script.contains("#   readable-secret (1)\nchmod 600 ./config/secure.conf\n"),
        "{script}"
    );
    assert!(
        script.contains("# ./config/secure.conf is closed by a command above\n"),
        "{script}"
    );
}

/// A link by the name that servers load is changed as the file itself would be.
#[test]
fn a_link_to_the_keys_is_changed_under_its_own_name() {
    let folder = deployment();
    run(
        &folder,
        "umask 077; clearml-keygen -q -f hocon -o config/secure.conf\n\
         sed -i '/token_secret/s/: .*/: \"12345678\"/' config/secure.conf\n\
         mv config/secure.conf config/real; ln -s real config/secure.conf",
    )
    .exit(0);
    let before = text(&folder, "config/real");
    let script = run(&folder, "clearml-verify --fix docker-compose.yml || true").stdout;
    assert!(!script.contains("clearml-inject -k"), "{script}");
    let command = "\nclearml-keygen --from ./config/secure.conf --only token_secret -f hocon -o ./config/secure.conf --force\n";
    assert!(script.contains(command), "{script}");
    run(&folder, &script).exit(0);
    assert!(
        fs::symlink_metadata(folder.path().join("config/secure.conf"))
            .unwrap()
            .is_symlink()
    );
    assert!(!text(&folder, "config/real").contains("12345678"));
    assert_eq!(text(&folder, "config/secure.conf.orig"), before);
}

/// A value that was shared with one that is replaced is not shared any more.
#[test]
fn a_reused_secret_is_fixed_without_a_warning() {
    let folder = deployment();
    run(
        &folder,
        "clearml-keygen -q -f hocon -o config/secure.conf\n\
         value=$(sed -n 's/^http.session_secret.apiserver: //p' config/secure.conf)\n\
         sed -i \"s/^auth.token_secret: .*/auth.token_secret: $value/\" config/secure.conf",
    )
    .exit(0);
    let script = run(&folder, "clearml-verify --fix docker-compose.yml || true").stdout;
    assert!(script.contains("reused-secret (1)"), "{script}");
    run(&folder, &script).exit(0).never_says("more than once");
    let said = run(&folder, "clearml-verify docker-compose.yml || true").stdout;
    assert!(!said.contains("reused-secret"), "{said}");
}

#[test]
fn a_leak_of_passwords_is_not_one_of_keys() {
    let folder = deployment();
    run(
        &folder,
        "umask 077; clearml-keygen -q --user jane --passwords logins.txt -o keys.env\n\
         clearml-inject -q -k keys.env --env-file .env -i docker-compose.yml\n\
         git init -q .; { echo 'the login:'; cat logins.txt; } >notes.md; git add notes.md",
    )
    .exit(0);
    let said = run(&folder, "clearml-verify docker-compose.yml || true").stdout;
    let (_, leak) = said.split_once("a password of ./logins.txt").unwrap();
    let help = leak.split("\n\n").next().unwrap();
    assert!(help.contains("reset the passwords"), "{help}");
    let command = "clearml-keygen --from ./keys.env --reset-password jane --passwords logins-2.txt -o new.env\n";
    assert!(help.contains(command), "{help}");
    assert!(!help.contains("replace the keys"), "{help}");
}

/// What clearml-keygen refuses is not printed as a command.
#[test]
fn a_command_about_users_that_is_refused_is_not_printed() {
    const PLAIN: &str = "auth { fixed_users { enabled: true, users: [ { username: \"jane\", password: \"violet orbit lamp 77\", name: \"Jane\" } ] } }\n";
    let folder = deployment();
    run(&folder, "umask 077; clearml-keygen -q -f hocon -o config/secure.conf; echo 'jane:violet orbit lamp 78' >users.txt").exit(0);
    let help = |list: &str| {
        fs::write(folder.path().join("config/apiserver.conf"), list).unwrap();
        let said = run(&folder, "clearml-verify docker-compose.yml || true").stdout;
        let (_, help) = said.split_once("[plaintext-password]").unwrap();
        help.split("\n\n").next().unwrap().to_owned()
    };
    let refused = help(&format!("include \"more.conf\"\n{PLAIN}"));
    assert!(
        refused.contains("clearml-keygen refuses: ./config/apiserver.conf:1:1: an include"),
        "{refused}"
    );
    assert!(!refused.contains("--users-from"), "{refused}");
    let printed = help(PLAIN);
    let command = printed
        .lines()
        .find(|line| line.contains("--users-from"))
        .unwrap();
    run(&folder, command).exit(0);
    let said = run(&folder, "clearml-verify docker-compose.yml || true").stdout;
    assert!(!said.contains("[plaintext-password]"), "{said}");
}

#[test]
fn a_link_that_leads_out_of_the_folder_is_not_empty() {
    let folder = deployment();
    run(
        &folder,
        "mkdir out; clearml-keygen -q -f hocon -o out/secure.conf",
    )
    .exit(0);
    symlink(
        "../out/secure.conf",
        folder.path().join("config/secure.conf"),
    )
    .unwrap();
    let said = run(&folder, "clearml-verify docker-compose.yml || true").stdout;
    assert!(!said.contains("it is empty"), "{said}");
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("./config/secure.conf is not read: it is a link out of the mounted folder"),
        "{said}"
    );
}

#[test]
fn a_deployment_counts_once_by_whatever_path() {
    let folder = tempfile::tempdir().unwrap();
    deploy(&folder.path().join("d e"));
    symlink("d e", folder.path().join("l")).unwrap();
    for targets in [
        ".",
        "l/docker-compose.yml 'd e/docker-compose.yml'",
        "'./d e/docker-compose.yml' 'd e//docker-compose.yml' \"$PWD/d e/docker-compose.yml\"",
        "l 'd e'",
        ". l",
        "'d e' l/docker-compose.yml .",
    ] {
        assert_eq!(count(&folder, targets), 1, "{targets}");
    }
    // Below a folder, too.
    run(&folder, "mkdir n; cp 'd e/docker-compose.yml' n/; ln n/docker-compose.yml n/a.yml; ln -s docker-compose.yml n/b-compose.yml").exit(0);
    assert_eq!(count(&folder, "n"), 1);
    run(&folder, "clearml-verify --summary n || true")
        .says("n/a.yml is checked as n/docker-compose.yml, which is the same file\n")
        .says("n/b-compose.yml is checked as n/docker-compose.yml, which is the same file\n");
    // Two names in one folder are one deployment; in two folders they are two, with other files beside them.
    run(
        &folder,
        "mkdir o; ln 'd e/docker-compose.yml' o/; ln 'd e/docker-compose.yml' 'd e/hard.yml'",
    )
    .exit(0);
    assert_eq!(count(&folder, "'d e/docker-compose.yml' 'd e/hard.yml'"), 1);
    assert_eq!(
        count(&folder, "'d e/docker-compose.yml' o/docker-compose.yml"),
        2
    );
    // Something is merged over one of them alone.
    run(
        &folder,
        "echo 'services: {}' >'d e/docker-compose.override.yml'",
    )
    .exit(0);
    assert_eq!(count(&folder, "'d e/docker-compose.yml' 'd e/hard.yml'"), 2);
}

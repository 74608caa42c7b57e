//! What one operator leaves to the next: copies of lists of users, files of passwords, switches that somebody has set. None of it
//! changes by itself, and what is printed leads on.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use e2e::desk::{self, run, text};
use e2e::program::clearml;
use tempfile::TempDir;

/// A deployment whose `secure.conf` lists jane and joe, while its `apiserver.conf` has lost joe.
fn deployment() -> TempDir {
    let folder = desk::deployment();
    run(
        &folder,
        "clearml-keygen -q -f hocon -o config/secure.conf --user jane --user joe --passwords logins.txt\n\
         clearml-keygen -q --from config/apiserver.conf --remove-user joe -f hocon -o config/apiserver.conf --force",
    )
    .exit(0);
    folder
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn a_removed_user_does_not_return_with_the_keys() {
    let folder = deployment();
    let held = "clearml-verify -f json -k config/secure.conf docker-compose.yml || true";
    assert!(!run(&folder, held).stdout.contains("joe"));
    run(
        &folder,
        "clearml-inject -k config/secure.conf --env-file .env -i docker-compose.yml",
    )
    .exit(0)
    .says("config/apiserver.conf does not list these users, so they are left out: joe");
    let env = text(&folder, ".env");
    assert!(env.contains("jane") && !env.contains("joe"), "{env}");
}

#[test]
fn a_login_that_is_disabled_is_enabled_for_a_new_user_alone() {
    let folder = deployment();
    let disabled =
        text(&folder, "config/apiserver.conf").replace("enabled: true", "enabled: false");
    fs::write(folder.path().join("config/apiserver.conf"), &disabled).unwrap();
    let keygen = "clearml-keygen --from config/secure.conf -f hocon -o config/secure.conf --force";
    run(&folder, &format!("{keygen} --only token_secret"))
        .exit(0)
        .says("fixed users are still disabled there: anyone who can reach the web page can log in without a password");
    assert_eq!(text(&folder, "config/apiserver.conf"), disabled);
    // A keyset that has the same users says as little of it.
    let held = run(
        &folder,
        "clearml-verify -k config/secure.conf docker-compose.yml || true",
    )
    .stdout;
    assert!(
        held.contains("write `enabled: true` into fixed_users there"),
        "{held}"
    );
    run(&folder, &format!("{keygen} --user kate --passwords l2.txt"))
        .exit(0)
        .says("fixed users were disabled, and are enabled now: only these users can log in at the web page");
    assert!(text(&folder, "config/apiserver.conf").contains("enabled: true"));
}

#[test]
fn what_ends_tokens_is_said_until_it_is_done() {
    let folder = deployment();
    let keys = "clearml-keygen --from config/secure.conf -o keys.env";
    run(
        &folder,
        &format!("{keys} --user max --user ann --passwords l2.txt"),
    )
    .exit(0);
    let removed = "clearml-keygen --from keys.env --remove-user max";
    let said = run(&folder, &format!("{removed} -o new.env"))
        .exit(0)
        .stderr;
    let command = "clearml-keygen --from new.env --only token_secret -o new.env --force";
    assert!(said.lines().any(|line| line.trim() == command), "{said}");
    run(&folder, command).exit(0);
    let said = run(
        &folder,
        &format!("{removed} --only token_secret -o other.env"),
    )
    .exit(0)
    .says("all tokens end when the servers restart with the new token_secret")
    .stderr;
    assert!(!said.contains("To end all tokens"), "{said}");
    // In a file that the API server reads, it is there.
    let users = "clearml-keygen --from config/apiserver.conf --reset-password jane --passwords l3.txt -f hocon -o config/apiserver.conf --force";
    let said = run(&folder, users)
        .exit(0)
        .says("docker compose up -d --force-recreate apiserver\n")
        .stderr;
    let command = "clearml-keygen --from config/secure.conf --only token_secret -f hocon -o config/secure.conf --force";
    assert!(said.lines().any(|line| line.trim() == command), "{said}");
    run(&folder, command).exit(0);
}

#[test]
fn an_env_file_that_has_all_lines_is_closed_too() {
    for output in [
        "-i docker-compose.yml",
        "--override -o docker-compose.override.yml docker-compose.yml",
    ] {
        let folder = deployment();
        let env = folder.path().join(".env");
        let inject = format!(
            "clearml-keygen -q --from config/secure.conf -o keys.env\nclearml-inject -k keys.env --env-file .env {output}"
        );
        run(&folder, &inject).exit(0);
        fs::set_permissions(&env, Permissions::from_mode(0o644)).unwrap();
        let again = format!("clearml-inject -k keys.env --env-file .env {output}");
        let check = "clearml-inject -k keys.env --env-file .env --check docker-compose.yml";
        run(&folder, check).exit(0);
        assert_eq!(mode(&env), 0o644);
        run(&folder, &again)
            .exit(0)
            .says(".env holds secrets, so now only its owner can read it (mode 0600; it was 0644)");
        assert_eq!(mode(&env), 0o600, "{output}");
    }
}

#[test]
fn keys_that_are_replaced_in_a_file_are_kept_beside_it() {
    let folder = deployment();
    run(&folder, "clearml-keygen -q -o other.env").exit(0);
    let before = text(&folder, "config/secure.conf");
    let verify = "clearml-verify -k other.env --min-severity error docker-compose.yml";
    let script = run(&folder, &format!("{verify} --fix")).exit(1).stdout;
    let said = run(&folder, &script).exit(0);
    assert_eq!(
        text(&folder, "config/secure.conf.orig"),
        before,
        "{}",
        said.stderr
    );
    assert_ne!(text(&folder, "config/secure.conf"), before);
    let restart = "#   docker compose up -d --force-recreate apiserver fileserver async_delete\n";
    assert!(script.contains(restart), "{script}");
}

#[test]
fn only_what_somebody_may_know_is_replaced() {
    let folder = deployment();
    let conf = text(&folder, "config/secure.conf");
    let weak = |names: &[&str]| -> String {
        let lines =
            conf.lines().map(
                |line| match names.iter().find(|name| line.starts_with(**name)) {
                    Some(name) => format!("{name}: short\n"),
                    None => format!("{line}\n"),
                },
            );
        lines.collect()
    };
    let cases: [(&[&str], &str); 2] = [
        (&["auth.token_secret"], " --only token_secret -f"),
        (
            &["auth.token_secret", "credentials.tests.user_secret"],
            " --only token_secret --only tests -f",
        ),
    ];
    for (names, only) in cases {
        fs::write(folder.path().join("config/secure.conf"), weak(names)).unwrap();
        let said = run(&folder, "clearml-verify docker-compose.yml || true").stdout;
        let help = format!("clearml-keygen --from ./config/secure.conf{only} hocon");
        assert!(said.contains(&help), "{said}");
    }
}

#[test]
fn a_file_and_its_folder_are_checked_once() {
    let folder = deployment();
    let count = |targets: &str| {
        let command = format!("clearml-verify -f jsonl {targets} || true");
        let said = run(&folder, &command).stdout;
        said.matches("\"public-port\"").count()
    };
    let once = count("docker-compose.yml");
    assert!(once > 0);
    for targets in [
        ". docker-compose.yml",
        "docker-compose.yml .",
        ". ./config/../docker-compose.yml",
    ] {
        assert_eq!(count(targets), once, "{targets}");
    }
    // What is accepted beside a file counts where it is named.
    fs::write(
        folder.path().join("clearml-verify.toml"),
        "[[accept]]\nrule = \"public-port\"\nreason = \"ours\"\n",
    )
    .unwrap();
    assert_eq!(count(". docker-compose.yml"), 0);
}

#[test]
fn a_keyset_that_is_merged_is_said_to_be_one() {
    let folder = deployment();
    run(
        &folder,
        "clearml-keygen -q -o keys.env; clearml-verify --merge keys.env docker-compose.yml",
    )
    .exit(2)
    .says("keys.env: this is a keyset, not a compose file");
}

#[test]
fn passwords_in_git_are_found() {
    let folder = deployment();
    let tracked = "git tracks the passwords of the web login in ./logins.txt: anyone with a clone can log in as these users";
    let said = run(&folder, "git init -q; clearml-verify . || true");
    assert!(!said.prose().contains("git tracks"), "{}", said.stdout);
    let said = run(&folder, "git add logins.txt; clearml-verify . || true");
    assert!(said.prose().contains(tracked), "{}", said.stdout);
    fs::set_permissions(
        folder.path().join("logins.txt"),
        Permissions::from_mode(0o644),
    )
    .unwrap();
    let said = run(&folder, "clearml-verify . || true");
    assert!(said.prose().contains(
        "everybody on this machine can read the passwords of the web login in ./logins.txt"
    ));
    // A list that is not ours.
    fs::write(
        folder.path().join("logins.txt"),
        "jane:correct horse battery staple\n",
    )
    .unwrap();
    let said = run(&folder, "clearml-verify . || true");
    assert!(!said.prose().contains("logins.txt"), "{}", said.stdout);
}

/// Whatever two options are given together: a command that is told in the answer is none that is refused for its options.
#[test]
fn a_command_that_is_told_has_options_that_go_together() {
    const OPTIONS: [&str; 12] = [
        "--count=3",
        "-fjsonl",
        "--from=keys.env",
        "--only=tests",
        "--user=jane",
        "--reset-password=jane",
        "--remove-user=jane",
        "--users-from=users.txt",
        "--passwords=l.txt",
        "--force",
        "--output=o.env",
        "--secret=s",
    ];
    let folder = deployment();
    for (at, first) in OPTIONS.iter().enumerate() {
        for second in &OPTIONS[at + 1..] {
            let done = clearml("keygen")
                .within(folder.path())
                .args([*first, *second])
                .done();
            let told = done
                .stderr
                .lines()
                .filter_map(|line| line.strip_prefix("  clearml-keygen "));
            for command in told {
                let words = command
                    .replace("FILE", "x")
                    .replace("NAME", "jane")
                    .replace("VALUE", "x");
                let words: Vec<&str> = words.split(' ').collect();
                let again = clearml("keygen").within(folder.path()).args(words).done();
                assert!(
                    !again.stderr.contains("cannot be used with"),
                    "{command}: {}",
                    again.stderr
                );
            }
            drop(fs::remove_file(folder.path().join("o.env")));
            drop(fs::remove_file(folder.path().join("l.txt")));
        }
    }
}

#[test]
fn a_link_and_its_file_are_one_deployment() {
    let folder = deployment();
    let commands = "mkdir real && mv docker-compose.yml real/stack.yml && ln -s real/stack.yml docker-compose.yml\n\
                    clearml-keygen -q -o keys.env\n\
                    clearml-inject -q -k keys.env --env-file .env -i docker-compose.yml\n\
                    clearml-verify --fail-on error .";
    let done = run(&folder, commands)
        .exit(0)
        .says("./real/stack.yml is checked as ./docker-compose.yml, which is a link to it");
    assert!(!done.stdout.contains("not checked"), "{}", done.stdout);
}

/// Somebody who removes a user wants to see that it worked.
#[test]
fn keysets_of_other_users_are_not_called_the_same() {
    let folder = deployment();
    let commands = "clearml-keygen -q --user jane --user joe --passwords l2.txt -o keys.env\n\
                    clearml-keygen -q --from keys.env --remove-user joe -o new.env\n\
                    clearml-verify --keys new.env --old-keys keys.env http://localhost:9";
    run(&folder, commands)
        .exit(2)
        .says("clearml-verify --clients --old-keys OLD https://clearml.example.com");
}

//! Commands that are printed together, each run in its order: none is refused because of an earlier one, and none takes back what an
//! earlier one did.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;

use e2e::desk::{deployment, run, text};
use tempfile::TempDir;

const VERIFY: &str = "clearml-verify --min-severity error docker-compose.yml";

/// Keys and three users in files, and a copy of the keys.
fn with_users() -> TempDir {
    let folder = deployment();
    run(
        &folder,
        "umask 077\n\
         clearml-keygen -q -f hocon -o config/secure.conf --user jane --user joe --user max --passwords logins.txt\n\
         clearml-keygen -q --from config/secure.conf | grep ^CLEARML_AGENT_ >.env\n\
         cp config/secure.conf old.keys",
    )
    .exit(0);
    folder
}

/// The commands of clearml-keygen and clearml-inject in an answer, each once, in its order.
fn commands(said: &str) -> Vec<&str> {
    let mut commands = Vec::new();
    for line in said.lines().filter_map(|line| line.strip_prefix("      ")) {
        let is_one = line.starts_with("clearml-") || line.starts_with("{ echo; clearml-");
        if is_one && !commands.contains(&line) {
            commands.push(line);
        }
    }
    commands
}

/// Who is in a file of passwords, each with the line that the API server has.
fn listed(folder: &TempDir, passwords: &str) -> Vec<(String, String)> {
    let file = text(folder, "config/apiserver.conf");
    let passwords = text(folder, passwords);
    let names = passwords
        .lines()
        .map(|line| line.split(':').next().unwrap());
    let user = |name: &str| {
        let is_it = |line: &&str| line.contains(&format!("username: \"{name}\""));
        (
            name.to_owned(),
            file.lines().find(is_it).unwrap().to_owned(),
        )
    };
    names.map(user).collect()
}

/// Runs commands one by one. Who got a password by one of them has it in the end.
fn run_in_order(folder: &TempDir, said: &str) {
    let mut all = Vec::new();
    for command in commands(said) {
        run(folder, command).exit(0);
        if let Some((_, passwords)) = command.split_once("--passwords ") {
            all.extend(listed(folder, passwords.split(' ').next().unwrap()));
        }
    }
    let file = text(folder, "config/apiserver.conf");
    for (name, line) in all {
        assert!(file.contains(&line), "{name} has another password\n{said}");
    }
}

#[test]
fn one_command_lets_all_removed_users_in() {
    let folder = with_users();
    run(&folder, "sed -i '/joe/d; /max/d' config/apiserver.conf").exit(0);
    let said = run(&folder, &format!("{VERIFY} -k old.keys"))
        .exit(1)
        .stdout;
    let commands = commands(&said);
    assert_eq!(commands.len(), 1, "{said}");
    assert!(commands[0].contains("--user joe --user max "), "{said}");
    run(&folder, commands[0]).exit(0);
    assert_eq!(text(&folder, "logins-2.txt").lines().count(), 2);
    assert_eq!(listed(&folder, "logins-2.txt").len(), 2);
}

#[test]
fn a_keyset_that_is_written_takes_no_password_back() {
    for keys in [
        // The keyset of the files at another time, and another one.
        "clearml-keygen -q --from old.keys --only token_secret -o new.env",
        "clearml-keygen -q --user jane --user joe --passwords l10.txt -o new.env",
    ] {
        let folder = with_users();
        let changed = "clearml-keygen -q --from config/apiserver.conf --reset-password jane --reset-password max --passwords l9.txt \
                       -f hocon -o config/apiserver.conf --force\n\
                       sed -i /joe/d config/apiserver.conf";
        run(&folder, &format!("{keys}\n{changed}")).exit(0);
        let said = run(&folder, &format!("{VERIFY} -k new.env")).exit(1).stdout;
        run_in_order(&folder, &said);
        // All that was found is as it should be, or as somebody has just asked for.
        let said = run(&folder, &format!("{VERIFY} -k new.env || true")).stdout;
        let is_asked =
            |line: &str| line.contains("another password hash for jane") || line.contains("joe");
        let errors = said.lines().filter(|line| line.starts_with("error["));
        assert!(errors.clone().all(is_asked), "{said}");
    }
}

/// One that is not the keyset of the files brings its users: nothing is left to do for them.
#[test]
fn users_of_another_keyset_come_with_it() {
    let folder = with_users();
    run(
        &folder,
        "clearml-keygen -q --user jane --user ann --passwords l10.txt -o new.env",
    )
    .exit(0);
    let script = run(&folder, &format!("{VERIFY} -k new.env --fix"))
        .exit(1)
        .stdout;
    assert!(!script.contains("logins"), "{script}");
    run(&folder, &script).exit(0);
    let said = run(&folder, &format!("{VERIFY} -k new.env || true")).stdout;
    assert!(
        !said.contains("user jane") && !said.contains("user ann"),
        "{said}"
    );
    // Pasted again, it keeps the first copy.
    let copy = text(&folder, "config/secure.conf.orig");
    assert_eq!(copy, text(&folder, "old.keys"));
    run(&folder, &script).exit(2);
    assert_eq!(text(&folder, "config/secure.conf.orig"), copy);
}

#[test]
fn weak_passwords_are_replaced_by_one_command() {
    for (output, inject) in [
        ("-f hocon -o config/secure.conf", ""),
        (
            "-o keys.env",
            "clearml-inject -q -k keys.env -i docker-compose.yml",
        ),
    ] {
        let folder = deployment();
        fs::write(
            folder.path().join("users.txt"),
            "jane:12345678\njoe:12345678\n",
        )
        .unwrap();
        let weak =
            format!("umask 077; clearml-keygen -q --users-from users.txt {output}\n{inject}");
        run(&folder, &weak).exit(0);
        let said = run(
            &folder,
            "clearml-verify --min-severity error docker-compose.yml",
        )
        .exit(1)
        .stdout;
        assert_eq!(
            said.matches("--reset-password jane --reset-password joe ")
                .count(),
            1,
            "{said}"
        );
        assert_eq!(
            said.matches("choose one of at least 15").count(),
            1,
            "{said}"
        );
        for command in commands(&said) {
            run(&folder, command).exit(0);
        }
        let said = run(&folder, "clearml-verify docker-compose.yml || true").stdout;
        assert!(!said.contains("weak-password"), "{said}");
    }
}

/// A keyset that was in use is not put in again by a command for users.
#[test]
fn the_keyset_in_use_is_not_named_behind_one_that_replaces_it() {
    let folder = deployment();
    let weak = "umask 077; clearml-keygen -q -o keys.env\n\
                sed -i 's/^CLEARML__SECURE__AUTH__TOKEN_SECRET=.*/CLEARML__SECURE__AUTH__TOKEN_SECRET=shortone/' keys.env\n\
                clearml-inject -q --allow-weak -k keys.env -i docker-compose.yml";
    run(&folder, weak).exit(0);
    for (options, from) in [("", "KEYS"), (" --fix", "keys-2.env")] {
        let said = run(
            &folder,
            &format!("clearml-verify{options} docker-compose.yml || true"),
        )
        .stdout;
        assert!(
            said.contains("clearml-inject -k keys-2.env")
                || said.contains("clearml-inject -k ./keys-2.env"),
            "{said}"
        );
        assert!(
            said.contains(&format!("clearml-keygen --from {from} --user NAME")),
            "{said}"
        );
    }
}

#[test]
fn what_keygen_refuses_about_users_is_no_command() {
    let folder = with_users();
    run(
        &folder,
        "clearml-keygen -q --user jane --passwords l10.txt -o new.env\n\
         : >config/more.conf; sed -i '/joe/d; 1i include \"more.conf\"' config/apiserver.conf",
    )
    .exit(0);
    for keys in ["old.keys", "new.env", "config/secure.conf"] {
        let done = run(&folder, &format!("{VERIFY} -k {keys} || true"));
        let said = done.prose();
        assert!(
            said.contains("clearml-keygen refuses: ./config/apiserver.conf:1:1: an include"),
            "{said}"
        );
        assert!(!said.contains("clearml-keygen --from"), "{said}");
        // These keys were given, and the file is not followed.
        assert!(!said.contains("check with the keyset"), "{said}");
    }
}

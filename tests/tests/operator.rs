//! What an operator does with keys and users over a year, in the order in which it comes: nothing that was taken away returns, and
//! what is printed to be done works as it is printed, in a folder that has the files of earlier days.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use e2e::desk::{deployment, run, text};

/// The command that is printed, by what it begins with.
fn command(said: &str, start: &str) -> String {
    let mut lines = said.lines().map(str::trim);
    let line = lines.find(|line| line.starts_with(start));
    line.unwrap_or_else(|| panic!("no {start}: {said}"))
        .to_owned()
}

const KEYGEN: &str =
    "clearml-keygen --from config/secure.conf -f hocon -o config/secure.conf --force";

#[test]
fn a_change_of_keys_brings_no_user_and_no_password_back() {
    let folder = deployment();
    run(
        &folder,
        "clearml-keygen -q -f hocon -o config/secure.conf --user jane --user joe --user max=Max --passwords logins.txt",
    )
    .exit(0);
    // As the help of a rule says it, or with an editor.
    run(
        &folder,
        "clearml-keygen -q --from config/apiserver.conf --remove-user joe --reset-password max --passwords l2 -f hocon \
         -o config/apiserver.conf --force",
    )
    .exit(0);
    let users = text(&folder, "config/apiserver.conf");
    assert!(!users.contains("joe") && users.contains("max"));
    let keys = "--from config/secure.conf -f json";
    let done = run(&folder, &format!("clearml-keygen {keys} -o other.json")).exit(0);
    assert!(
        done.stderr.starts_with(
            "clearml-keygen: config/apiserver.conf does not list these users, so they are left out: joe\n\
             clearml-keygen: config/apiserver.conf has another password for these users, which is kept: max\n"
        ),
        "{}",
        done.stderr
    );
    let done = run(&folder, &format!("{KEYGEN} --only tests")).exit(0);
    assert_eq!(
        text(&folder, "config/apiserver.conf"),
        users,
        "{}",
        done.stderr
    );
    let secure = text(&folder, "config/secure.conf");
    assert!(!secure.contains("joe"));
    // From a copy, as clearml-rotate makes one, it is the same.
    run(
        &folder,
        "clearml-keygen -q --from config/apiserver.conf --remove-user max -f hocon -o config/apiserver.conf --force\n\
         cp config/secure.conf copy\n\
         clearml-keygen -q --from copy --only token_secret -f hocon -o config/secure.conf --force",
    )
    .exit(0);
    for name in ["config/apiserver.conf", "config/secure.conf"] {
        assert!(!text(&folder, name).contains("max"), "{name}");
        assert!(text(&folder, name).contains("jane"), "{name}");
    }
    // Somebody who is asked for comes.
    run(&folder, &format!("{KEYGEN} --user joe --passwords l3")).exit(0);
    assert!(text(&folder, "config/apiserver.conf").contains("joe"));
}

/// What has to restart, and whether tokens have to be forgotten, is what changed.
#[test]
fn only_what_changed_has_to_restart() {
    let folder = deployment();
    run(
        &folder,
        "clearml-keygen -q -f hocon -o config/secure.conf --user jane --passwords l1",
    )
    .exit(0);
    let all = "docker compose up -d --force-recreate apiserver fileserver async_delete\n";
    for (more, expected) in [
        ("", None),
        (
            " --user joe --passwords l2",
            Some("docker compose up -d --force-recreate apiserver\n".to_owned()),
        ),
        (" --only tests", Some(all.to_owned())),
        (
            " --only token_secret",
            Some(format!(
                "{all}  docker compose exec redis redis-cli -n 8 FLUSHDB"
            )),
        ),
    ] {
        let said = run(&folder, &format!("{KEYGEN}{more}")).exit(0).stderr;
        match expected {
            Some(expected) => assert!(said.contains(&expected), "{said}"),
            None => assert!(!said.contains("recreate"), "{said}"),
        }
    }
}

#[test]
fn a_chosen_password_takes_the_place_of_the_one_in_a_keyset() {
    let folder = deployment();
    fs::write(
        folder.path().join("users.txt"),
        "jane:violet orbit lamp 77\nann:green orbit lamp 78\n",
    )
    .unwrap();
    run(
        &folder,
        "clearml-keygen -q --user 'jane=Jane Doe' --user joe --passwords logins.txt -o keys.env",
    )
    .exit(0);
    run(
        &folder,
        "clearml-keygen --from keys.env --users-from users.txt -f json -o new.json",
    )
    .exit(0)
    .says("12 settings, 3 web-login users\n")
    .says("clearml-keygen: new password: jane\n");
    let hash = |name: &str| {
        let keyset: serde_json::Value = serde_json::from_str(&text(&folder, name)).unwrap();
        let users = keyset["users"].as_array().unwrap();
        let jane = users
            .iter()
            .find(|user| user["username"] == "jane")
            .unwrap();
        (jane["name"].clone(), jane["password_hash"].clone())
    };
    run(
        &folder,
        "clearml-keygen -q --from keys.env -f json -o keys.json",
    )
    .exit(0);
    assert_eq!(hash("new.json").0, "Jane Doe");
    assert_ne!(hash("new.json").1, hash("keys.json").1);
}

/// clearml-inject writes the list of users into `.env`, and into the compose file that it has hashes.
#[test]
fn the_env_file_that_was_injected_is_the_keyset() {
    let folder = deployment();
    run(
        &folder,
        "clearml-keygen -q --user jane --passwords logins.txt -o keys.env\n\
         clearml-inject -q -k keys.env --env-file .env -i docker-compose.yml\n\
         clearml-keygen --from .env -o same.env && cmp keys.env same.env",
    )
    .exit(0);
}

/// A keyset whose file is the env file, too: lines of it that no service reads are the keyset's all the same.
#[test]
fn a_keyset_that_is_the_env_file_stays_one() {
    let folder = deployment();
    let inject = "clearml-inject -q -k new.env --env-file keys.env -i docker-compose.yml";
    run(
        &folder,
        &format!(
            "clearml-keygen -q --user jane --passwords logins.txt -o keys.env; cp -p keys.env new.env; {inject}\n\
             clearml-keygen -q --from keys.env --only services_agent --only token_secret -o new.env --force; {inject}\n\
             clearml-keygen -q --from keys.env -o same.env && cmp new.env same.env"
        ),
    )
    .exit(0);
}

#[test]
fn an_override_that_is_right_is_closed_too() {
    let folder = deployment();
    let inject =
        "clearml-inject -k keys.env --override -o docker-compose.override.yml docker-compose.yml";
    run(&folder, &format!("clearml-keygen -q -o keys.env; {inject}")).exit(0);
    let path = folder.path().join("docker-compose.override.yml");
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let before = fs::read(&path).unwrap();
    run(&folder, inject)
        .exit(0)
        .says("holds secrets, so now only its owner can read it (mode 0600; it was 0644)")
        .says("nothing to change");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn commands_make_files_of_names_that_are_free() {
    let folder = deployment();
    for name in ["keys.env", "new.env", "logins.txt"] {
        fs::write(folder.path().join(name), "of earlier days\n").unwrap();
    }
    let said = run(&folder, "clearml-verify docker-compose.yml || true").stdout;
    let commands = [
        command(&said, "clearml-keygen -o keys-2.env"),
        command(&said, "clearml-inject -k keys-2.env "),
        command(&said, "clearml-keygen --from KEYS --user NAME ").replace("KEYS", "keys-2.env"),
        command(&said, "clearml-inject -k new-2.env "),
    ];
    assert!(
        commands[2].ends_with(" --passwords logins-2.txt -o new-2.env"),
        "{said}"
    );
    run(&folder, &commands.join("\n").replace("NAME", "jane")).exit(0);
}

/// Keys that an override file has itself stay there: users need no line of it to go.
#[test]
fn users_come_beside_keys_of_an_override_file() {
    let folder = deployment();
    run(
        &folder,
        "clearml-keygen -q -o keys.env\n\
         clearml-inject -q -k keys.env --override -o docker-compose.override.yml docker-compose.yml",
    )
    .exit(0);
    let said = run(&folder, "clearml-verify docker-compose.yml || true").stdout;
    let (_, help) = said.split_once("[open-login]").unwrap();
    assert!(!help.contains("refuses"), "{said}");
    let commands = [
        command(help, "clearml-keygen --from ./keys.env "),
        command(help, "clearml-inject -k new.env "),
    ];
    run(&folder, &commands.join("\n").replace("NAME", "jane")).exit(0);
    let said = run(&folder, "clearml-verify docker-compose.yml || true").stdout;
    assert!(!said.contains("[open-login]"), "{said}");
}

#[test]
fn what_an_apiserver_conf_does_not_list_stays_out_and_what_it_has_in_clear_text_is_not_replaced() {
    let folder = deployment();
    let keys =
        "clearml-keygen -q -f hocon -o config/secure.conf --user jane --passwords logins.txt";
    run(&folder, keys).exit(0);
    let conf = folder.path().join("config/apiserver.conf");
    let plain = "auth { fixed_users { enabled: true, pass_hashed: false, users: [ { username: \"jane\", password: \"violet orbit lamp 77\", name: \"Jane\" } ] } }\n";
    fs::write(&conf, plain).unwrap();
    for command in [
        format!("{KEYGEN} --only tests"),
        "clearml-keygen --from config/secure.conf -o other.env".to_owned(),
    ] {
        run(&folder, &command)
            .exit(2)
            .says("config/apiserver.conf: the passwords of these users are in clear text: jane\n");
        assert_eq!(text(&folder, "config/apiserver.conf"), plain);
    }
    fs::write(&conf, "").unwrap();
    run(&folder, &format!("{KEYGEN} --only tests"))
        .exit(0)
        .says("config/apiserver.conf has no users, and the API server takes them from there alone, so these are left out: jane\n");
    assert!(!text(&folder, "config/apiserver.conf").contains("jane"));
}

#[test]
fn a_chosen_password_takes_the_place_of_the_one_of_any_user() {
    let folder = deployment();
    let keys = "clearml-keygen -q -f hocon -o config/secure.conf --user jane --user joe --passwords logins.txt";
    run(&folder, keys).exit(0);
    let before = text(&folder, "config/apiserver.conf");
    let command = format!("echo 'jane:long unusual pass 99x' >u.txt\n{KEYGEN} --users-from u.txt");
    run(&folder, &command).exit(0);
    let users = text(&folder, "config/apiserver.conf");
    assert!(users != before && users.contains("jane") && users.contains("joe"));
}

#[test]
fn a_keyset_that_is_not_in_use_goes_where_the_keys_are() {
    let folder = deployment();
    run(
        &folder,
        "clearml-keygen -q -f hocon -o config/secure.conf; umask 077\n\
         clearml-keygen -q --from config/secure.conf | grep ^CLEARML_AGENT_ >.env; clearml-keygen -q -o other.env",
    )
    .exit(0);
    let verify = "clearml-verify -k other.env --min-severity error docker-compose.yml";
    let said = run(&folder, verify).exit(1).stdout;
    let script = run(&folder, &format!("{verify} --fix")).exit(1).stdout;
    let keys = command(&said, "clearml-keygen --from other.env -f hocon ");
    let agent = command(&said, "{ echo; clearml-keygen -q --from other.env ");
    // Also behind a line without an end.
    fs::write(folder.path().join(".env"), "OTHER=own").unwrap();
    assert!(script.lines().any(|line| line == keys), "{script}");
    assert!(
        !said.contains("clearml-inject") && !script.contains("clearml-inject -k"),
        "{said}{script}"
    );
    run(&folder, &format!("{keys}\n{agent}\n{verify}")).exit(0);
    let env = fs::read_to_string(folder.path().join(".env")).unwrap();
    assert!(env.starts_with("OTHER=own\n"), "{env}");
}

#[test]
fn what_is_named_twice_is_checked_once_and_what_is_misspelt_is_found() {
    let folder = deployment();
    fs::write(folder.path().join("hosts.txt"), "docker-compose.yml\n").unwrap();
    let count = |targets: &str| {
        let said = run(
            &folder,
            &format!("clearml-verify -f jsonl {targets} || true"),
        )
        .stdout;
        said.lines()
            .filter(|line| line.contains("\"open-login\""))
            .count()
    };
    assert_eq!(
        count("@hosts.txt @hosts.txt docker-compose.yml"),
        count("docker-compose.yml")
    );
    for (wrong, help) in [
        (
            "clearml-verify docker-compse.yml",
            "did you mean docker-compose.yml?",
        ),
        (
            "clearml-verify ./docker-compse.yml",
            "did you mean ./docker-compose.yml?",
        ),
        (
            "clearml-inject -k hots.txt docker-compose.yml",
            "did you mean hosts.txt?",
        ),
        ("clearml-keygen --from hosts.tx", "did you mean hosts.txt?"),
        (
            "clearml-verify --config-dir confg docker-compose.yml",
            "did you mean config?",
        ),
        ("clearml-verify other.yml", "check the path"),
        (
            "clearml-inject -k hosts-2.txt docker-compose.yml",
            "check the path",
        ),
    ] {
        run(&folder, wrong)
            .exit(2)
            .says(&format!("\n  help: {help}\n"));
    }
}

//! Users of a keyset that is a copy: what the API server reads counts, whatever the copy is called and wherever it is, and nobody
//! who was removed by hand comes back by a command that is printed.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::os::unix::fs::symlink;

use e2e::desk::{deployment, run, text};
use tempfile::TempDir;

const VERIFY: &str = "clearml-verify --min-severity error docker-compose.yml";

/// Keys and users in files, copies of the keys, and then joe is removed with an editor.
fn without_joe() -> TempDir {
    let folder = deployment();
    run(
        &folder,
        "umask 077\n\
         clearml-keygen -q -f hocon -o config/secure.conf --user jane --user joe --passwords logins.txt\n\
         clearml-keygen -q --from config/secure.conf | grep ^CLEARML_AGENT_ >.env\n\
         cp config/secure.conf old.keys; cp config/secure.conf config/secure.conf.orig; ln -s config/secure.conf LINK\n\
         sed -i /joe/d config/apiserver.conf",
    )
    .exit(0);
    folder
}

#[test]
fn a_copy_in_the_folder_and_a_link_follow_the_users_of_the_server() {
    let folder = without_joe();
    for keys in ["config/secure.conf", "config/secure.conf.orig", "LINK"] {
        run(&folder, &format!("{VERIFY} -k {keys}"))
            .exit(0)
            .says("config/apiserver.conf does not list these users, so they are left out: joe\n");
        let made = run(&folder, &format!("clearml-keygen --from {keys} -f json"))
            .exit(0)
            .says("does not list these users, so they are left out: joe\n");
        assert!(made.stdout.contains("jane") && !made.stdout.contains("joe"));
        let inject = format!("clearml-inject -k {keys} docker-compose.yml");
        let edited = run(&folder, &inject)
            .exit(0)
            .says("does not list these users, so they are left out: joe\n");
        assert!(!edited.stdout.contains("joe"));
    }
}

#[test]
fn a_copy_elsewhere_brings_nobody_back_unsaid() {
    let folder = without_joe();
    for keys in ["-k old.keys", "-k - <old.keys"] {
        let said = run(&folder, &format!("{VERIFY} {keys}")).exit(1).stdout;
        assert!(
            said.contains("apiserver does not have the keyset's web-login user joe"),
            "{said}"
        );
        assert!(said.contains("if this user was removed there, all is right"));
        assert!(!said.contains("--from old.keys"), "{said}");
        run(
            &folder,
            &format!("clearml-inject {keys} docker-compose.yml"),
        )
        .exit(0)
        .says("web login: added, because the files do not list them: joe\n");
    }
    // The second time, too.
    for _ in 0..2 {
        run(
            &folder,
            "clearml-keygen --from old.keys -f hocon -o config/secure.conf --force",
        )
        .exit(0)
        .says("config/apiserver.conf does not list these users, so they are left out: joe\n");
        assert!(!text(&folder, "config/apiserver.conf").contains("joe"));
    }
    // As it is printed for one who should be there.
    let said = run(&folder, &format!("{VERIFY} -k old.keys"))
        .exit(1)
        .stdout;
    let command = said.lines().find(|line| line.contains("--user joe"));
    run(&folder, command.unwrap()).exit(0);
    assert!(text(&folder, "config/apiserver.conf").contains("joe"));
}

#[test]
fn who_comes_from_another_keyset_is_said() {
    let folder = without_joe();
    run(
        &folder,
        "clearml-keygen -q --user joe --user jane --passwords l2 -o other.env\n\
         clearml-keygen --from other.env -f hocon -o config/secure.conf --force",
    )
    .exit(0)
    .says("config/apiserver.conf does not list these users of the keyset, so they are added, and can log in: joe\n")
    .says("config/apiserver.conf: new password for jane\n");
    // In clear words also where variables take over.
    run(
        &folder,
        "clearml-keygen -q --user jane --user max --passwords l3 -o third.env\n\
         clearml-inject --literal -k third.env docker-compose.yml",
    )
    .exit(0)
    .says("web login: added, because the files do not list them: max\n")
    .says("web login: another password than in the files: jane\n")
    .says("web login: removed, because the keyset does not have them: joe");
}

/// Nobody has removed them, so that they are kept beside it, once.
#[test]
fn users_of_an_emptied_file_are_not_lost_with_a_change_of_keys() {
    let folder = without_joe();
    let before = text(&folder, "config/secure.conf");
    fs::write(folder.path().join("config/apiserver.conf"), "").unwrap();
    fs::remove_file(folder.path().join("config/secure.conf.orig")).unwrap();
    let keygen = "clearml-keygen --from config/secure.conf --only tests -f hocon -o config/secure.conf --force";
    run(&folder, keygen)
        .exit(0)
        .says("so these are left out: jane, joe\n")
        .says("config/secure.conf as it was, with the users that are left out, is kept as config/secure.conf.orig (mode 0600)\n");
    assert_eq!(text(&folder, "config/secure.conf.orig"), before);
    run(&folder, keygen).exit(0).never_says("is kept as");
    assert_eq!(text(&folder, "config/secure.conf.orig"), before);
    // Of what stays where it is, no copy is needed.
    fs::write(folder.path().join("config/secure.conf"), before).unwrap();
    run(
        &folder,
        "clearml-keygen --from config/secure.conf --only tests -o new.env",
    )
    .exit(0)
    .never_says("is kept as");
}

#[test]
fn users_who_return_with_a_file_that_is_gone_are_named() {
    let folder = without_joe();
    fs::remove_file(folder.path().join("config/apiserver.conf")).unwrap();
    let keygen = "clearml-keygen --from config/secure.conf --only tests -f hocon -o config/secure.conf --force";
    run(&folder, &format!("{keygen} --remove-user joe")).exit(0).says(
        "config/apiserver.conf is not there, so it is written with the users that config/secure.conf has, who can log in with it: jane\n  \
         to leave one out, run this with --remove-user NAME\n",
    );
    run(&folder, keygen).exit(0).never_says("is not there");
}

/// A password below `pass_hashed: true` lets nobody in, and would only be in more files.
#[test]
fn a_password_that_should_be_a_hash_goes_nowhere() {
    let folder = without_joe();
    run(
        &folder,
        "sed -i 's/password: \"[^\"]*\"/password: \"violet orbit lamp 77\"/' config/apiserver.conf",
    )
    .exit(0);
    let before = (
        text(&folder, "config/secure.conf"),
        text(&folder, "config/apiserver.conf"),
    );
    let says = "config/apiserver.conf: the passwords of these users should be hashes, and are not base64 of a bcrypt hash: jane\n";
    for command in [
        "clearml-keygen --from config/apiserver.conf -o out.env",
        "clearml-keygen --from config/secure.conf -f json -o out.env",
        "clearml-keygen --from config/secure.conf --only tests -f hocon -o config/secure.conf --force",
        "clearml-inject -k config/secure.conf docker-compose.yml",
    ] {
        run(&folder, command)
            .exit(2)
            .says(says)
            .never_says("violet");
        assert!(!folder.path().join("out.env").exists());
    }
    let after = (
        text(&folder, "config/secure.conf"),
        text(&folder, "config/apiserver.conf"),
    );
    assert!(before == after);
    // In the keyset itself, too.
    run(&folder, "sed 's/password_hash: \"[^\"]*\"/password_hash: \"violet orbit lamp 77\"/' old.keys >bad.keys").exit(0);
    run(&folder, "clearml-keygen --from bad.keys -o out.env")
        .exit(2)
        .says("bad.keys: the passwords of these users should be hashes");
    // As it says.
    run(&folder, "clearml-keygen --from config/secure.conf --reset-password jane --passwords l4 -f hocon -o config/secure.conf --force").exit(0);
    assert!(!text(&folder, "config/apiserver.conf").contains("violet"));
}

/// A command is printed as it is run, in whatever program.
#[test]
fn what_to_run_is_on_a_line_of_its_own() {
    let folder = without_joe();
    fs::write(folder.path().join("config/apiserver.conf"), "").unwrap();
    run(&folder, &format!("{VERIFY} -k config/secure.conf")).exit(0).says(
        "(this run does not):\n  clearml-keygen --from config/secure.conf --user NAME --passwords - -f hocon -o config/secure.conf --force\n",
    );
}

#[test]
fn users_that_no_file_of_the_server_has_are_left_out_with_a_way_back() {
    let folder = without_joe();
    fs::write(
        folder.path().join("config/apiserver.conf"),
        "auth { cookies { secure: true } }\n",
    )
    .unwrap();
    let inject = "clearml-inject -k config/secure.conf docker-compose.yml";
    let done = run(&folder, inject).exit(0).says(
        "config/apiserver.conf has no users, and the API server takes them from there alone, so these are left out: jane, joe\n",
    );
    let command = done.stderr.lines().find(|line| line.contains("NAME"));
    run(&folder, &command.unwrap().replace("NAME", "joe")).exit(0);
    let users = text(&folder, "config/apiserver.conf");
    assert!(
        users.starts_with("auth { cookies") && users.contains("joe") && !users.contains("jane")
    );
}

/// A folder of the same name is the same path of the configuration.
#[test]
fn users_that_may_be_in_other_files_are_kept_and_said() {
    let folder = without_joe();
    let config = folder.path().join("config");
    fs::create_dir(config.join("apiserver")).unwrap();
    fs::rename(config.join("apiserver.conf"), config.join("users")).unwrap();
    let keygen = "clearml-keygen --from config/secure.conf -f json";
    let says = "config/apiserver.conf does not tell whether these users of the keyset are still meant; check that they are: jane, joe\n";
    let made = run(&folder, keygen).exit(0).says(says);
    assert!(made.stdout.contains("joe"));
    // So is a link that leads to nothing here.
    fs::remove_dir(config.join("apiserver")).unwrap();
    symlink("/nowhere", config.join("apiserver.conf")).unwrap();
    run(&folder, keygen).exit(0).says(says);
}

/// What disables users is named, in a variable and in a file: no command that writes keys would change that.
#[test]
fn users_who_are_disabled_are_enabled_where_that_is_written() {
    const NAME: &str = "CLEARML__APISERVER__AUTH__FIXED_USERS__ENABLED";
    let folder = deployment();
    run(
        &folder,
        "clearml-keygen -q -f hocon -o config/secure.conf --user jane --passwords logins.txt\n\
         clearml-keygen -q --user jane --passwords l1 -o keys.env; clearml-keygen -q -o none.env",
    )
    .exit(0);
    let compose = folder.path().join("docker-compose.yml");
    let (stock, users) = (
        text(&folder, "docker-compose.yml"),
        text(&folder, "config/apiserver.conf"),
    );
    let host = "      CLEARML_ELASTIC_SERVICE_HOST: elasticsearch\n";
    let disabled = stock.replacen(host, &format!("      {NAME}: \"false\"\n{host}"), 1);
    let verify = "clearml-verify docker-compose.yml --min-severity warning || true";
    let off = users.replace("enabled: true", "enabled: false");
    for (variable, list, place, fixed) in [
        (&disabled, &users, "docker-compose.yml:", (&stock, &users)),
        (&stock, &off, "./config/apiserver.conf:", (&stock, &users)),
    ] {
        fs::write(&compose, variable).unwrap();
        fs::write(folder.path().join("config/apiserver.conf"), list).unwrap();
        let said = run(&folder, verify).stdout;
        let (_, help) = said.split_once("[open-login]").unwrap();
        let help = help.split("\n\n").next().unwrap();
        assert!(help.contains("users are listed, and disabled"), "{help}");
        assert!(help.contains(place) && !help.contains("--force"), "{help}");
        let of_keys = run(
            &folder,
            &format!("clearml-verify -k config/secure.conf {}", &verify[15..]),
        );
        let (_, help) = of_keys
            .stdout
            .split_once("has no fixed users enabled, so")
            .unwrap();
        let help = help.split("\n\n").next().unwrap();
        assert!(help.contains(place) && !help.contains("--force"), "{help}");
        run(&folder, "clearml-inject -k keys.env docker-compose.yml")
            .exit(0)
            .says(&format!("web login: fixed users were disabled at {place}"))
            .says(", and this enables them: only these users can log in at the web page\n");
        run(&folder, "clearml-inject -k none.env docker-compose.yml")
            .exit(0)
            .says(&format!("web login: fixed users are disabled at {place}"))
            .says(", and the keyset has none, so this stays: anyone who can reach the web page can log in");
        fs::write(&compose, fixed.0).unwrap();
        fs::write(folder.path().join("config/apiserver.conf"), fixed.1).unwrap();
        assert!(!run(&folder, verify).stdout.contains("[open-login]"));
    }
}

//! The command that comes next is printed for this deployment, with the names of its files, and does what it says.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;

use e2e::desk;
use e2e::files::stock;
use e2e::program::{Done, clearml};
use serde_json::Value;
use tempfile::TempDir;

/// A deployment in a folder below this one, with a configuration folder of its own.
fn deployment(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    desk::deploy(&site);
    for (name, text) in files {
        fs::write(site.join(name), text).unwrap();
    }
    folder
}

fn verify(folder: &TempDir, arguments: &[&str]) -> Done {
    let run = clearml("verify").within(folder.path());
    run.env("COLUMNS", "100").args(arguments.to_vec()).done()
}

/// The commands below the help of a rule.
fn help_of(said: &str, rule: &str) -> String {
    let (_, block) = said.split_once(&format!("[{rule}]")).unwrap();
    let (_, help) = block.split_once("  = help: ").unwrap();
    let commands = help.lines().skip(1).take_while(|line| !line.is_empty());
    let commands = commands.filter_map(|line| line.strip_prefix("      "));
    commands.collect::<Vec<&str>>().join("\n")
}

#[test]
fn the_keyset_in_use_is_named() {
    let folder = deployment(&[]);
    let path = |name: &str| folder.path().join(name);
    let script = || verify(&folder, &["--fix", "site"]).stdout;
    let users = |keys: &str| {
        format!("#   clearml-keygen --from {keys} --user NAME --passwords logins.txt -o new.env\n")
    };
    let first = script();
    assert!(first.contains(&users("site/keys.env")), "{first}");
    desk::run(&folder, &first).exit(0);
    // It is there now, and known by its values, whatever its name.
    assert!(script().contains(&users("site/keys.env")), "{}", script());
    fs::rename(path("site/keys.env"), path("site/ours.env")).unwrap();
    assert!(script().contains(&users("site/ours.env")), "{}", script());
    // Of several, the one with the usual name; without it, none is known.
    fs::copy(path("site/ours.env"), path("site/second.env")).unwrap();
    assert!(script().contains(&users("KEYS")), "{}", script());
    fs::rename(path("site/second.env"), path("site/keys.env")).unwrap();
    assert!(script().contains(&users("site/keys.env")), "{}", script());
    fs::remove_file(path("site/ours.env")).unwrap();
    // Another one is not in use.
    fs::rename(path("site/keys.env"), path("keys.env")).unwrap();
    desk::run(&folder, "clearml-keygen -q -o site/keys.env").exit(0);
    assert!(script().contains(&users("KEYS")), "{}", script());
    fs::rename(path("keys.env"), path("site/keys.env")).unwrap();
    let said = verify(&folder, &["site"]).exit(1).stdout;
    desk::run(
        &folder,
        &help_of(&said, "open-login").replace("NAME", "jane"),
    )
    .exit(0);
    let said = verify(&folder, &["site"]).exit(1).stdout;
    assert!(!said.contains("open-login"), "{said}");
}

/// Ports need no keyset, and what comes through a pipe is none.
#[test]
fn ports_are_closed_without_a_keyset() {
    let folder = deployment(&[]);
    desk::run(&folder, &verify(&folder, &["--fix", "site"]).stdout).exit(0);
    let script = verify(&folder, &["--fix", "site"]).stdout;
    let bind =
        "#clearml-inject --bind 127.0.0.1 -i --backup .orig-2 site/docker-compose.yml </dev/null\n";
    assert!(script.contains(bind), "{script}");
    fs::write(
        folder.path().join("fix.sh"),
        script.replace("#clearml", "clearml"),
    )
    .unwrap();
    desk::run(&folder, "sh -eu <fix.sh").exit(0);
    let said = verify(&folder, &["site"]).exit(1).stdout;
    assert!(!said.contains("public-port"), "{said}");
    // Docker compose has to be told an env file of another name, and this alone is no reason for keys.
    let folder = deployment(&[]);
    let keys = "clearml-keygen -q -o keys.env\n\
                clearml-inject -q -k keys.env --env-file site/prod.env -i site/docker-compose.yml";
    desk::run(&folder, keys).exit(0);
    let asked = ["--fix", "--env-file", "site/prod.env", "site"];
    let script = verify(&folder, &asked).stdout;
    let bind = "#clearml-inject --env-file site/prod.env --bind 127.0.0.1 -i --backup .orig site/docker-compose.yml </dev/null\n";
    assert!(script.contains(bind), "{script}");
    let env_file = fs::read(folder.path().join("site/prod.env")).unwrap();
    let done = desk::run(&folder, &script.replace("#clearml", "clearml")).exit(0);
    let next = "docker compose --env-file site/prod.env -f site/docker-compose.yml up -d";
    assert!(done.stderr.contains(next), "{}", done.stderr);
    assert_eq!(
        fs::read(folder.path().join("site/prod.env")).unwrap(),
        env_file
    );
    let said = verify(&folder, &asked[1..]).stdout;
    assert!(!said.contains("public-port"), "{said}");
    // A keyset that should have come is no reason to go on without it.
    let lost = "false | clearml-inject --env-file site/prod.env --bind 127.0.0.1 -i site/docker-compose.yml";
    let refused = desk::run(&folder, lost).exit(2);
    assert!(
        refused.stderr.contains("no keyset came"),
        "{}",
        refused.stderr
    );
}

#[test]
fn passwords_of_an_apiserver_conf_are_hashed_and_replaced_there() {
    let listed = "auth {\n  fixed_users {\n    enabled: true  # of us\n    pass_hashed: false\n    users: [\n      \
                  { username: jane, name: Jane, password: orbit-lamp-frozen },\n      \
                  { username: john, name: John, password: \"12345678\" },\n    ]\n  }\n}\n";
    let folder = deployment(&[("config/apiserver.conf", listed)]);
    let said = verify(&folder, &["site"]).exit(1).stdout;
    assert!(said.contains("[weak-password]"), "{said}");
    let commands = help_of(&said, "plaintext-password");
    let users = folder.path().join("users.txt");
    fs::write(&users, "jane:orbit-lamp-frozen\njohn:12345678\n").unwrap();
    desk::run(&folder, &commands).exit(0);
    assert!(!users.exists());
    let text = fs::read_to_string(folder.path().join("site/config/apiserver.conf")).unwrap();
    assert!(
        text.contains("# of us") && !text.contains("frozen"),
        "{text}"
    );
    let said = verify(&folder, &["site"]).exit(1).stdout;
    assert!(!said.contains("[plaintext-password]"), "{said}");
    // A hash that is easily guessed gets another password, and only that one.
    let commands = help_of(&said, "weak-password");
    assert!(commands.contains("--reset-password john "), "{said}");
    desk::run(&folder, &commands).exit(0);
    let said = verify(&folder, &["site"]).exit(1).stdout;
    assert!(!said.contains("password]"), "{said}");
    let logins = fs::read_to_string(folder.path().join("logins.txt")).unwrap();
    assert!(logins.starts_with("john:") && logins.lines().count() == 1);
}

#[test]
fn passwords_of_variables_are_replaced_with_the_keyset() {
    let folder = deployment(&[]);
    let weak = "clearml-keygen -q --users-from users.txt -o site/keys.env\n\
                clearml-inject -q -k site/keys.env -i site/docker-compose.yml";
    fs::write(folder.path().join("users.txt"), "jane:12345678\n").unwrap();
    desk::run(&folder, weak).exit(0);
    let said = verify(&folder, &["site"]).exit(1).stdout;
    let commands = help_of(&said, "weak-password");
    assert!(
        commands.starts_with("clearml-keygen --from site/keys.env --reset-password jane "),
        "{said}"
    );
    desk::run(&folder, &commands).exit(0);
    let said = verify(&folder, &["site"]).exit(1).stdout;
    assert!(!said.contains("weak-password"), "{said}");
}

/// An override file that wins refuses every edit: that is said once, and so is what helps with several findings.
#[test]
fn what_helps_with_several_findings_is_said_once() {
    let secret = "Zq8wVxY3rT6uPn1mKj5hGf4dSa2LoIpQwErTyUiOpAsDfGhJkLzXcV";
    let of = |name: &str| {
        format!(
            "services:\n  apiserver:\n    environment:\n      CLEARML__SECURE__{name}: {secret}\n"
        )
    };
    let folder = deployment(&[
        ("docker-compose.override.yml", &of("AUTH__TOKEN_SECRET")),
        (
            "docker-compose.prod.yml",
            &of("HTTP__SESSION_SECRET__APISERVER"),
        ),
    ]);
    let script = verify(&folder, &["--fix", "site"]).stdout;
    assert_eq!(
        script.matches("clearml-inject refuses: ").count(),
        1,
        "{script}"
    );
    let refused =
        "#   remove the line at site/docker-compose.override.yml:4:7, then run this again\n";
    assert_eq!(script.matches(refused).count(), 1, "{script}");
    let (_, variant) = script
        .split_once("with site/docker-compose.prod.yml")
        .unwrap();
    assert_eq!(variant.matches("missing-setting").count(), 1, "{script}");
}

/// One reason keeps several findings from being fixed, and hides several settings: it is said once.
#[test]
fn what_is_in_the_way_of_several_fixes_is_said_once() {
    let open = "services:\n  api: {image: \"clearml/server:2.3.0\", command: apiserver, env_file: gone.env, ports: [\"8008:8008\"]}\n  web: {image: \"clearml/server:2.3.0\", command: webserver, ports: [\"8080:80\"]}\n  mongo: {image: \"mongo:7.0.22\", ports: [\"27017:27017\"]}\n";
    let values = "clearml: {existingSecret: mine}\napiserver: {}\n";
    let folder = deployment(&[("open.yml", open), ("values.yaml", values)]);
    let script = verify(&folder, &["--fix", "site/open.yml"]).stdout;
    let times = |text: &str| script.matches(text).count();
    assert_eq!(times("clearml-inject refuses: "), 1, "{script}");
    assert_eq!(times("public-port: "), 2, "{script}");
    assert_eq!(times("exposed-database: "), 1, "{script}");
    let script = verify(&folder, &["--fix", "site/values.yaml"]).stdout;
    let times = |text: &str| script.matches(text).count();
    assert_eq!(
        times("it is in Secret mine, which was not given"),
        1,
        "{script}"
    );
    assert_eq!(times("and 3 more: "), 1, "{script}");
}

/// What is wrong with one part is one finding, at however many places.
#[test]
fn one_cause_is_one_finding() {
    let folder = deployment(&[]);
    let said = verify(&folder, &["site"]).exit(1).prose();
    assert_eq!(said.matches("[unset-variable]").count(), 1, "{said}");
    for part in [
        "note[unset-variable]: the services agent has no account; the agent has no credentials",
        ": CLEARML_API_SECRET_KEY is empty, because CLEARML_AGENT_SECRET_KEY",
        "help: give CLEARML_AGENT_ACCESS_KEY and CLEARML_AGENT_SECRET_KEY a value in .env, or run",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let other = "clearml-keygen -q -o other.env\nclearml-keygen -q -o keys.env\n\
                 clearml-inject -q -k keys.env -i site/docker-compose.yml";
    desk::run(&folder, other).exit(0);
    let said = verify(&folder, &["-k", "other.env", "site"]).exit(1).stdout;
    for part in [
        "error[keys-not-applied]: the keys of `--keys` are not in use (17 times)\n",
        ": secure.auth.token_secret of async_delete\n",
        "      clearml-inject -k other.env -i site/docker-compose.yml\n",
    ] {
        assert!(said.contains(part), "{said}");
    }
    for url in ["https://127.0.0.1:1", "https://nobody.invalid"] {
        let said = verify(&folder, &[url]).exit(2).stdout;
        assert_eq!(said.matches("not checked: ").count(), 1, "{said}");
    }
}

/// An editor that is given a place from the text finds what the finding is about, also where the shown line is masked.
#[test]
fn a_place_is_the_same_in_every_format() {
    let conf = "http { session_secret { apiserver: short } }\nauth { x: y, token_secret: brief }\n";
    let folder = deployment(&[("config/secure.conf", conf)]);
    let done = verify(&folder, &["-f", "json", "site"]).exit(1);
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    let said = verify(&folder, &["site"]).exit(1).stdout;
    let mut tried = 0;
    for finding in report["findings"].as_array().unwrap() {
        let place = &finding["place"];
        let file = place["file"].as_str().unwrap();
        if file.ends_with("secure.conf") {
            let place = format!("{file}:{}:{}", place["line"], place["column"]);
            assert!(said.contains(&place), "{place}\n{said}");
            tried += 1;
        }
    }
    assert!(tried > 2, "{report}");
}

/// What clearml-keygen refuses is no command: why is said instead.
#[test]
fn a_secure_conf_that_keygen_refuses_is_not_changed_by_a_command() {
    let folder = deployment(&[]);
    let path = |name: &str| folder.path().join("site/config").join(name);
    desk::run(
        &folder,
        "clearml-keygen -q -f hocon -o site/config/secure.conf",
    )
    .exit(0);
    let good = fs::read_to_string(path("secure.conf")).unwrap();
    let lines = good
        .lines()
        .map(|line| match line.starts_with("auth.token_secret") {
            true => "auth.token_secret: short\n".to_owned(),
            false => format!("{line}\n"),
        });
    let weak: String = lines.collect();
    let doubled = format!("{weak}auth.token_secret: ${{?TOKEN}}\n");
    fs::write(path("inner.conf"), weak).unwrap();
    for (text, why) in [
        (doubled.as_str(), "an entry `token_secret` is here twice"),
        ("include \"inner.conf\"\n", "include"),
    ] {
        fs::write(path("secure.conf"), text).unwrap();
        let run = "clearml-keygen --from site/config/secure.conf --only token_secret -f hocon -o site/config/secure.conf --force";
        let refused = desk::run(&folder, run).exit(2);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
        for options in [["site"].as_slice(), &["--fix", "site"]] {
            let said = verify(&folder, options).stdout;
            assert!(
                !said.contains("clearml-keygen --from site/config"),
                "{said}"
            );
            assert!(said.contains("clearml-keygen refuses: "), "{said}");
        }
    }
}

#[test]
fn keys_in_a_secure_conf_are_changed_there() {
    let folder = deployment(&[]);
    let conf = folder.path().join("site/config/secure.conf");
    desk::run(
        &folder,
        "clearml-keygen -q -f hocon --user jane --passwords logins.txt -o site/config/secure.conf",
    )
    .exit(0);
    let good = fs::read_to_string(&conf).unwrap();
    let changed = |from: &str, to: &str| -> String {
        let lines = good.lines().map(|line| match line.starts_with(from) {
            true => format!("{to}\n"),
            false => format!("{line}\n"),
        });
        lines.collect()
    };
    let own = "# MARKED: somebody's own line";
    let cases = [
        (
            changed("auth.token_secret", own),
            "missing-setting",
            "clearml-keygen --from site/config/secure.conf -f hocon -o site/config/secure.conf --force",
        ),
        (
            changed(
                "auth.token_secret",
                &format!("{own}\nauth.token_secret: short"),
            ),
            "weak-secret",
            "clearml-keygen --from site/config/secure.conf --only token_secret -f hocon -o site/config/secure.conf --force",
        ),
    ];
    for (text, rule, command) in cases {
        fs::write(&conf, text).unwrap();
        let compose = fs::read_to_string(folder.path().join("site/docker-compose.yml")).unwrap();
        let found = verify(&folder, &["site"]).stdout;
        let help = help_of(&found, rule);
        assert!(
            help.starts_with("clearml-keygen --from site/config/secure.conf "),
            "{found}"
        );
        let script = verify(&folder, &["--fix", "site"]).stdout;
        assert!(
            script.contains(&format!(
                "\n(umask 077; set -C; cat site/config/secure.conf >site/config/secure.conf.orig) &&\n{command}\n# then run these"
            )),
            "{script}"
        );
        assert!(!script.contains("\nclearml-inject"), "{script}");
        assert_eq!(
            script.matches("grep ^CLEARML_AGENT_").count(),
            1,
            "{script}"
        );
        let bad = fs::read_to_string(&conf).unwrap();
        for commands in [&help, &script] {
            fs::write(&conf, &bad).unwrap();
            desk::run(&folder, commands)
                .exit(0)
                .says("docker compose up -d --force-recreate apiserver fileserver async_delete\n");
            fs::remove_file(conf.with_extension("conf.orig")).ok();
            let after = verify(&folder, &["site"]).stdout;
            assert!(!after.contains(&format!("[{rule}]")), "{after}");
        }
        assert!(fs::read_to_string(&conf).unwrap().contains(own));
        let same = fs::read_to_string(folder.path().join("site/docker-compose.yml")).unwrap();
        assert_eq!(compose, same);
    }
    let found = verify(&folder, &["site"]).stdout;
    desk::run(&folder, &help_of(&found, "unset-variable")).exit(0);
    let found = verify(&folder, &["site"]).stdout;
    assert!(!found.contains("[unset-variable]"), "{found}");
    assert!(!found.contains("[readable-secret]"), "{found}");
    desk::run(
        &folder,
        "clearml-verify -q --fail-on error -k site/config/secure.conf site",
    )
    .exit(0);
}

#[test]
fn where_another_file_wins_the_help_says_what_inject_says() {
    let compose = "services:\n  apiserver:\n    environment:\n      CLEARML__SECURE__AUTH__TOKEN_SECRET: aaaabbbbccccdddd1111\n";
    let folder = deployment(&[("docker-compose.override.yml", compose)]);
    let found = verify(&folder, &["site/docker-compose.yml"]).stdout;
    let said = found.split_whitespace().collect::<Vec<&str>>().join(" ");
    let says = "clearml-inject refuses as the files are: apiserver would not read the keyset's secure.auth.token_secret: site/docker-compose.override.yml:4:7 overrides it; remove the line at site/docker-compose.override.yml:4:7, then run this again: clearml-keygen";
    assert!(said.contains(says), "{found}");
    let commands = help_of(&found, "missing-setting");
    desk::run(&folder, &commands).refused();
    // As it says.
    let path = folder.path().join("site/docker-compose.override.yml");
    fs::write(&path, "services:\n  apiserver:\n    restart: always\n").unwrap();
    fs::remove_file(folder.path().join("keys.env")).unwrap();
    desk::run(&folder, &commands).exit(0);
    let found = verify(&folder, &["site/docker-compose.yml"]).stdout;
    assert!(!found.contains("clearml-inject refuses"), "{found}");
}

#[test]
fn a_command_names_a_user_who_looks_like_an_option() {
    let folder = deployment(&[]);
    let make = "clearml-keygen -q --user=-jane --passwords logins.txt -o keys.env\n\
                clearml-inject -q -k keys.env -i site/docker-compose.yml";
    desk::run(&folder, make).exit(0);
    desk::run(
        &folder,
        "clearml-keygen --from keys.env --user=-jane --passwords more.txt",
    )
    .refused()
    .says("use --reset-password=-jane");
    desk::run(
        &folder,
        "clearml-keygen -q --from keys.env --reset-password=-jane --passwords more.txt -o new.env",
    )
    .exit(0);
}

#[test]
fn a_guest_in_a_list_is_made_no_user() {
    let folder = deployment(&[]);
    let path = folder.path().join("site/docker-compose.yml");
    let listed = |guest: &str| {
        let users = format!(
            "      CLEARML__APISERVER__AUTH__FIXED_USERS__ENABLED: 'true'\n      \
             CLEARML__APISERVER__AUTH__FIXED_USERS__USERS: '[{{username: \"bob\", password: \"tWq9-violet-orbit-lamp\", name: \"B\"{guest}}}]'\n"
        );
        let text = stock().replace("/opt/clearml/config:", "./config:");
        let at = text
            .find("      CLEARML__secure__credentials__services_agent")
            .unwrap();
        fs::write(&path, format!("{}{users}{}", &text[..at], &text[at..])).unwrap();
        let found = verify(&folder, &["site"]).stdout;
        assert!(found.contains("[plaintext-password]"), "{found}");
        found
    };
    assert!(listed("").contains("--users-from users.txt"));
    let found = listed(", is_guest: true");
    assert!(!found.contains("--users-from"), "{found}");
    assert!(found.contains("write base64 of bcrypt hashes"), "{found}");
}

#[test]
fn a_value_that_is_gone_is_generated_by_the_command_that_is_told() {
    let folder = deployment(&[]);
    let make = "umask 077; clearml-keygen -q | sed '/AUTH__TOKEN_SECRET/s/=.*/=/' >some.env";
    desk::run(&folder, make).exit(0);
    let command = "clearml-keygen --from some.env -o complete.env";
    for run in [
        "clearml-inject -k some.env -i site/docker-compose.yml",
        "clearml-verify -k some.env site",
    ] {
        desk::run(&folder, run)
            .refused()
            .says(&format!("\n      {command}\n"));
    }
    desk::run(&folder, command).exit(0);
    desk::run(
        &folder,
        "clearml-inject -k complete.env -i site/docker-compose.yml",
    )
    .exit(0);
}

#[test]
fn a_keyset_that_is_encrypted_is_said_to_be() {
    let folder = deployment(&[]);
    let cases: [(&[u8], &str, &str); 5] = [
        (
            b"age-encryption.org/v1\n-> X25519 a\n\xff\xfe",
            "age",
            "age -d -i IDENTITY FILE",
        ),
        (
            b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n",
            "age",
            "age -d -i IDENTITY FILE",
        ),
        (b"\x85\x01\x0c\x03", "GnuPG", "gpg -d FILE"),
        (
            b"-----BEGIN PGP MESSAGE-----\n\nhQE\n",
            "GnuPG",
            "gpg -d FILE",
        ),
        (
            b"$ANSIBLE_VAULT;1.1;AES256\n3361\n",
            "Ansible Vault",
            "ansible-vault view FILE",
        ),
    ];
    for (bytes, program, command) in cases {
        fs::write(folder.path().join("keys.enc"), bytes).unwrap();
        for run in [
            "clearml-inject -k keys.enc -i site/docker-compose.yml",
            "clearml-verify -k keys.enc site",
            "clearml-keygen --from keys.enc -o new.env",
        ] {
            desk::run(&folder, run)
                .refused()
                .says(&format!("{program} has encrypted the file\n"))
                .says(&format!("decrypt it, and pass what `{command}` prints"));
        }
    }
}

#[test]
fn ports_need_no_keyset_in_what_is_told_either() {
    let more = "services:\n  apiserver:\n    restart: always\n";
    let folder = deployment(&[("docker-compose.override.yml", more)]);
    let said = |options: &str| {
        let command = format!("clearml-inject {options} -i docker-compose.override.yml </dev/null");
        desk::run(&folder, &format!("cd site; {command}"))
            .refused()
            .stderr
    };
    let told = said("--close-ports --bind 127.0.0.1");
    let command = "clearml-inject --close-ports --bind 127.0.0.1 --merge docker-compose.override.yml -i docker-compose.yml";
    assert!(told.contains(&format!("\n      {command}\n")), "{told}");
    desk::run(&folder, &format!("cd site; {command} </dev/null")).exit(0);
    desk::run(&folder, "clearml-keygen -q -o site/keys.env").exit(0);
    let told = said("-k keys.env --close-ports");
    assert!(
        told.contains("clearml-inject -k keys.env --merge"),
        "{told}"
    );
}

//! A deployment and a running server are held against all of a keyset: its users, too, and also what it has no value for.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use e2e::files::fixtures;
use e2e::port;
use e2e::program::{Done, clearml, shell_in};
use e2e::standin::{Injected, Standin};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Runs commands as they are typed.
fn typed(folder: &Path, commands: &str) -> Done {
    shell_in(folder).args(["-euc", commands]).done()
}

/// What is said, in however many lines.
#[track_caller]
fn assert_prints(done: &Done, text: &str) {
    let words: Vec<&str> = done.stdout.split_whitespace().collect();
    assert!(words.join(" ").contains(text), "{}", done.stdout);
}

/// The stock deployment with a keyset that has two users.
fn deployed(inject: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let stock = fixtures().join("stock/docker-compose.yml");
    fs::copy(stock, folder.path().join("docker-compose.yml")).unwrap();
    fs::create_dir(folder.path().join("config")).unwrap();
    let make = "clearml-keygen -q --user jane --user joe --passwords logins.txt -o keys.env";
    typed(folder.path(), make).exit(0);
    typed(folder.path(), inject).exit(0);
    folder
}

/// What is said of a keyset: `message`, and what is not known.
fn held(folder: &Path, keys: &str, options: &str) -> (Vec<String>, Vec<String>) {
    let done = clearml("verify")
        .within(folder)
        .args(["-f", "json", "-k", keys])
        .args(options.split_whitespace())
        .arg("docker-compose.yml")
        .done();
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    let texts = |list: &str, name: &str, keep: &dyn Fn(&Value) -> bool| -> Vec<String> {
        let all = document[list].as_array().unwrap().iter();
        let kept = all.filter(|one| keep(one));
        kept.map(|one| one[name].as_str().unwrap().to_owned())
            .collect()
    };
    (
        texts("findings", "message", &|one| {
            one["rule"] == "keys-not-applied"
        }),
        texts("unknown", "what", &|_| true),
    )
}

const IN_VARIABLES: &str = "clearml-inject -q -k keys.env --env-file .env --close-ports --bind 127.0.0.1 -i docker-compose.yml";

#[test]
fn users_of_the_keyset_are_held_against_the_files() {
    let folder = deployed(IN_VARIABLES);
    let folder = folder.path();
    let options = "--config-dir config";
    assert_eq!(held(folder, "keys.env", options).0, [""; 0]);
    let changes = "clearml-keygen -q --from keys.env --remove-user joe --reset-password jane --user ann --passwords more.txt -o new.env";
    typed(folder, changes).exit(0);
    let expected = [
        "apiserver does not have the keyset's web-login user ann",
        "apiserver has another password hash for jane than the keyset",
        "apiserver still lists joe, a web-login user whom the keyset does not have",
    ];
    let (mut said, _) = held(folder, "new.env", options);
    said.sort();
    assert_eq!(said, expected);
    // The folder that is not seen changes nothing of what a variable says.
    assert_eq!(held(folder, "new.env", "").0.len(), expected.len());
    typed(folder, &IN_VARIABLES.replace("keys.env", "new.env")).exit(0);
    assert_eq!(held(folder, "new.env", options).0, [""; 0]);
    // A keyset without users says nothing of them, as clearml-inject leaves them.
    typed(
        folder,
        "grep -v FIXED_USERS new.env >bare.env; chmod 600 bare.env",
    )
    .exit(0);
    assert_eq!(held(folder, "bare.env", options).0, [""; 0]);
}

#[test]
fn users_of_the_keyset_have_to_be_enabled() {
    let folder = deployed(IN_VARIABLES);
    let folder = folder.path();
    let off = "apiserver has no fixed users enabled, so those of the keyset do not count";
    let plain = "apiserver reads passwords in clear text, and so does not take the keyset's password hash for jane as one";
    for (switch, said) in [("ENABLED", off), ("PASS_HASHED", plain)] {
        let path = folder.join("docker-compose.yml");
        let text = fs::read_to_string(&path).unwrap();
        let name = format!("CLEARML__APISERVER__AUTH__FIXED_USERS__{switch}: ");
        let changed: Vec<String> = text
            .lines()
            .map(|line| match line.split_once(&name) {
                Some((before, _)) => format!("{before}{name}\"false\"\n"),
                None => format!("{line}\n"),
            })
            .collect();
        assert_ne!(changed.concat(), text, "{text}");
        fs::write(&path, changed.concat()).unwrap();
        for options in ["--config-dir config", ""] {
            let found = held(folder, "keys.env", options).0;
            assert!(found.iter().any(|one| one == said), "{found:?}");
        }
        typed(folder, IN_VARIABLES).exit(0);
        assert_eq!(held(folder, "keys.env", "--config-dir config").0, [""; 0]);
    }
}

#[test]
fn users_of_an_apiserver_conf_have_to_be_enabled() {
    let folder = deployed("clearml-keygen -q --from keys.env -f hocon -o config/secure.conf");
    let folder = folder.path();
    let path = folder.join("config/apiserver.conf");
    let text = fs::read_to_string(&path).unwrap();
    let rest = text.lines().filter(|line| !line.contains("enabled"));
    let rest: String = rest.map(|line| format!("{line}\n")).collect();
    assert_ne!(rest, text);
    fs::write(&path, rest).unwrap();
    let off = "apiserver has no fixed users enabled, so those of the keyset do not count";
    let found = held(folder, "keys.env", "--config-dir config").0;
    assert!(found.iter().any(|one| one == off), "{found:?}");
}

/// Nothing has an account of an agent where there is none.
#[test]
fn an_account_that_nothing_uses_need_not_be_in_the_keyset() {
    let put = "clearml-keygen -q --from keys.env -f hocon -o config/secure.conf\ngrep -v services_agent config/secure.conf >x; cat x >config/secure.conf";
    let folder = deployed(put);
    let folder = folder.path();
    let path = folder.join("docker-compose.yml");
    let text = fs::read_to_string(&path).unwrap();
    let at = text.find("\n  agent-services:\n").unwrap();
    let end = text[at + 1..].find("\nnetworks:").unwrap() + at + 1;
    fs::write(&path, [&text[..at], &text[end..]].concat()).unwrap();
    let options = "--config-dir config";
    let (said, unknown) = held(folder, "config/secure.conf", options);
    assert_eq!((said, unknown), (vec![], vec![]));
    // With the agent there, its pair is asked for.
    fs::write(&path, text).unwrap();
    let (_, unknown) = held(folder, "config/secure.conf", options);
    assert!(
        unknown.iter().any(|one| one.contains("services_agent")),
        "{unknown:?}"
    );
}

#[test]
fn users_of_an_apiserver_conf_may_be_more() {
    let put = "clearml-keygen -q --from keys.env -f hocon -o config/secure.conf\ngrep ^CLEARML_AGENT_ keys.env >.env\nchmod 600 .env";
    let folder = deployed(put);
    let folder = folder.path();
    let options = "--config-dir config";
    assert_eq!(held(folder, "keys.env", options).0, [""; 0]);
    // Somebody wrote one of them by hand.
    let bare = "clearml-keygen -q --from keys.env --remove-user joe -o less.env";
    typed(folder, bare).exit(0);
    assert_eq!(held(folder, "less.env", options).0, [""; 0]);
    let more = "clearml-keygen -q --from keys.env --user ann --passwords more.txt -o more.env";
    typed(folder, more).exit(0);
    let missing = "apiserver does not have the keyset's web-login user ann";
    assert_eq!(held(folder, "more.env", options).0, [missing]);
    // Where the files are not all here, it is not known whether there are more.
    let (said, unknown) = held(folder, "more.env", "");
    assert!(!said.iter().any(|one| one.contains("ann")), "{said:?}");
    assert!(!unknown.is_empty());
}

#[test]
fn what_the_keyset_has_no_value_for_is_not_checked() {
    let folder = deployed(IN_VARIABLES);
    let folder = folder.path();
    let half = "head -8 keys.env >half.env; chmod 600 half.env";
    typed(folder, half).exit(0);
    let options = "--config-dir config";
    assert_eq!(held(folder, "keys.env", options).1, [""; 0]);
    let (said, unknown) = held(folder, "half.env", options);
    assert_eq!(said, [""; 0]);
    assert_eq!(unknown.len(), 1, "{unknown:?}");
    let done = clearml("verify")
        .within(folder)
        .args(["-k", "half.env", "--config-dir", "config"])
        .arg("docker-compose.yml")
        .done();
    assert_prints(&done.exit(2), "the keyset of --keys has no value for them");
}

#[test]
fn half_a_keyset_proves_no_server() {
    let injected = Injected::stock();
    let Some(standin) = Standin::start(&injected.path("docker-compose.yml"), json!({})) else {
        return;
    };
    let keys = fs::read_to_string(injected.path("keys.env")).unwrap();
    let half: String = keys
        .lines()
        .filter(|line| !line.contains("WEBSERVER") && !line.contains("TESTS__USER_SECRET"))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(injected.path("half.env"), half).unwrap();
    let verified = |name: &str| {
        clearml("verify")
            .arg("--keys")
            .arg(injected.path(name))
            .args(standin.arguments())
            .done()
    };
    assert_prints(&verified("keys.env").exit(0), "proved: all 7 answers");
    let done = verified("half.env").exit(2);
    assert_prints(&done, "not proved: 5 answers right, 0 wrong, 2 not checked");
    for name in ["webserver", "tests"] {
        let line = format!("account {name}");
        let line = done.stdout.lines().find(|one| one.contains(&line)).unwrap();
        assert!(line.starts_with("?  "), "{line}");
        assert!(
            line.ends_with("not checked: --keys does not have it"),
            "{line}"
        );
    }
}

#[test]
fn a_proof_says_that_users_are_no_part_of_it() {
    let injected = Injected::stock();
    let users = "clearml-keygen -q --from keys.env --user jane --passwords logins.txt -o users.env";
    typed(injected.path("").as_path(), users).exit(0);
    let Some(standin) = Standin::start(&injected.path("docker-compose.yml"), json!({})) else {
        return;
    };
    for (name, is_said) in [("keys.env", false), ("users.env", true)] {
        let done = clearml("verify")
            .arg("--keys")
            .arg(injected.path(name))
            .args(standin.arguments())
            .done()
            .exit(0);
        let words = "Web-login users are compared in files only";
        let said = done.stdout.split_whitespace().collect::<Vec<&str>>();
        assert_eq!(said.join(" ").contains(words), is_said, "{}", done.stdout);
    }
}

#[test]
fn a_cause_comes_before_what_it_explains() {
    let injected = Injected::stock();
    let nobody = format!(
        "http://127.0.0.1:{}",
        port::free(Ipv4Addr::LOCALHOST.into())
    );
    for format in ["text", "markdown", "html"] {
        let done = clearml("verify")
            .args(["-f", format, "--keys"])
            .arg(injected.path("keys.env"))
            .arg(&nobody)
            .done()
            .exit(2);
        let at = |text: &str| done.stdout.find(text).unwrap_or_else(|| panic!("{text}"));
        assert!(
            at("nothing answers at 127.0.0.1") < at("account apiserver"),
            "{}",
            done.stdout
        );
        assert_eq!(
            done.stdout.matches("nothing answers at 127.0.0.1").count(),
            1
        );
    }
}

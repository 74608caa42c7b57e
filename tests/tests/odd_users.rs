//! Odd and bad users, through every way in, every format, and back: kept exactly, or refused, never lost silently.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use e2e::program::{Done, clearml};
use serde_json::Value;

const FORMATS: [&str; 6] = ["env", "json", "yaml", "toml", "hocon", "kubernetes"];

/// In every bad input; no output may have it.
const MARKED: &str = "MARKED5ecret";
/// The same as the hash of a password.
const HASH: &str =
    "JDJiJDE2JE45cW84dUxPaWNrZ3gyWk1SWm9NeWVJalpBZ2NmbDdwOTJsZEd4YWQ2OExKWmRMMTdsaFd5";

fn keygen(folder: &Path, arguments: &[&str]) -> Done {
    clearml("keygen")
        .within(folder)
        .args(arguments.iter().copied())
        .done()
}

fn users(folder: &Path, from: &str) -> Value {
    let done = keygen(folder, &["-f", "json", "--from", from]).exit(0);
    assert_eq!(done.stderr, "");
    serde_json::from_str::<Value>(&done.stdout).unwrap()["users"].take()
}

/// Passwords for the names from the fifth on, of those that a line can begin with.
fn chosen(names: &[String]) -> String {
    // A name with `=` in it, and passwords up to bcrypt's very end, come from a file.
    let mut lines = String::from("\u{feff}a=b:p:q r\r\n\r\n# nobody:x\r\n");
    lines.push_str(&format!(
        "longest:{}\nlongest too:{}\n",
        "x".repeat(72),
        "ä".repeat(36)
    ));
    for (index, name) in names
        .iter()
        .enumerate()
        .skip(4)
        .filter(|(_, name)| !name.starts_with('#'))
    {
        lines.push_str(&format!("{name}:password {index}\n"));
    }
    lines
}

/// Holds the users of keys.json against those of every format that was made of every other.
fn survives_every_format(folder: &Path, expected: &Value) {
    for first in FORMATS {
        keygen(
            folder,
            &[
                "-q",
                "-f",
                first,
                "--from",
                "keys.json",
                "-o",
                "first",
                "--force",
            ],
        )
        .exit(0);
        assert_eq!(users(folder, "first"), *expected, "{first}");
        for second in FORMATS {
            keygen(
                folder,
                &[
                    "-q", "-f", second, "--from", "first", "-o", "second", "--force",
                ],
            )
            .exit(0);
            assert_eq!(users(folder, "second"), *expected, "{first} to {second}");
        }
    }
}

#[test]
fn odd_names_and_passwords_survive_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let names = [
        "o\"brien",
        "it's",
        "Jürgen",
        "漢字🔑",
        "a b",
        " blanks ",
        "#a",
        "$HOME ${x} $$",
        "back\\slash\\",
        "{a = [1,2]}",
        "jane@example.org",
        "true",
        "1e5",
        "-",
        "~",
        "*a",
        "//c",
        "%41",
        "e\u{301}",
        "Ω".repeat(100).as_str(),
    ]
    .map(str::to_owned);
    let mut arguments: Vec<String> =
        vec!["-f", "json", "-o", "keys.json", "--passwords", "passwords"]
            .into_iter()
            .map(str::to_owned)
            .collect();
    for name in &names[..4] {
        arguments.extend(["--user".to_owned(), format!("{name}=Full {name}=x")]);
    }
    fs::write(folder.join("chosen"), chosen(&names)).unwrap();
    arguments.extend(["--users-from".to_owned(), "chosen".to_owned()]);
    let done = clearml("keygen")
        .within(folder)
        .args(arguments)
        .done()
        .exit(0);
    drop(done);
    let expected = users(folder, "keys.json");
    let found: Vec<&str> = expected
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["username"].as_str().unwrap())
        .collect();
    let mut all: Vec<&str> = names[..4].iter().map(String::as_str).collect();
    all.extend(["a=b", "longest", "longest too"]);
    all.extend(
        names[4..]
            .iter()
            .map(String::as_str)
            .filter(|name| !name.starts_with('#')),
    );
    assert_eq!(found, all);
    assert_eq!(expected[0]["name"], "Full o\"brien=x");
    assert_eq!(expected[4]["name"], "q r");
    survives_every_format(folder, &expected);
    // The generated passwords are a file that --users-from takes.
    let again = keygen(folder, &["-f", "json", "--users-from", "passwords"]).exit(0);
    let again: Value = serde_json::from_str(&again.stdout).unwrap();
    for index in 0..4 {
        for field in ["username", "name"] {
            assert_eq!(again["users"][index][field], expected[index][field]);
        }
    }
}

/// A keyset of each format with users of these names, as another program may have written it.
fn by_hand(format: &str, names: &[&str]) -> String {
    let quoted = |name: &str| serde_json::to_string(name).unwrap();
    let each = |user: &dyn Fn(&str) -> String, between: &str| {
        names
            .iter()
            .map(|name| user(&quoted(name)))
            .collect::<Vec<_>>()
            .join(between)
    };
    match format {
        "env" => {
            let list = each(
                &|name| format!("{{\"username\":{name},\"password\":\"{HASH}\"}}"),
                ",",
            );
            let prefix = "CLEARML__APISERVER__AUTH__FIXED_USERS__";
            format!("{prefix}PASS_HASHED=true\n{prefix}USERS='[{list}]'\n")
        }
        "json" => {
            let list = each(
                &|name| format!("{{\"username\": {name}, \"password_hash\": \"{HASH}\"}}"),
                ", ",
            );
            format!("{{\"version\": 1, \"users\": [{list}]}}\n")
        }
        "yaml" => {
            let list = each(
                &|name| format!("- {{username: {name}, password_hash: {HASH}}}\n"),
                "",
            );
            format!("version: 1\nusers:\n{list}")
        }
        "toml" => {
            let list = each(
                &|name| format!("[[users]]\nusername = {name}\npassword_hash = \"{HASH}\"\n"),
                "",
            );
            format!("version = 1\n{list}")
        }
        _ => {
            let list = each(
                &|name| format!("{{username: {name}, password_hash: {HASH}}}"),
                "\n",
            );
            format!("http {{}}\nusers: [\n{list}\n]\n")
        }
    }
}

#[test]
fn bad_names_are_refused_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let long = "x".repeat(1025);
    for format in FORMATS {
        let names = ["jane", "o\\brien", "漢字"];
        fs::write(folder.join("keys"), by_hand(format, &names)).unwrap();
        assert_eq!(
            users(folder, "keys").as_array().unwrap().len(),
            3,
            "{format}"
        );
        for (names, expected) in [
            (&["jane", "ja:ne"][..], "the name has a colon"),
            (
                &["jane", "ja\nne"],
                "the value has a character that cannot be printed",
            ),
            (
                &["ja\u{202e}ne"],
                "the value has a character that cannot be printed",
            ),
            (
                &["jane", "john", "jane"],
                "there is already a user of this name",
            ),
            (&[""], "the name is empty"),
            (&[&long], "the value is longer than 1024 characters"),
            (&["o`brien"], "backtick"),
        ] {
            fs::write(folder.join("keys"), by_hand(format, names)).unwrap();
            for to in FORMATS {
                let done = keygen(folder, &["--from", "keys", "-f", to]);
                let what = format!("{format}: {names:?}\n{}", done.stderr);
                assert_eq!((done.status, done.stdout.as_str()), (Some(2), ""), "{what}");
                assert!(done.stderr.starts_with("clearml-keygen: keys:"), "{what}");
                assert!(done.stderr.contains(expected), "{what}");
                done.never_says(HASH);
            }
        }
    }
}

#[test]
fn a_user_of_a_file_that_is_written_keeps_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let keygen = |arguments: &str| keygen(folder, &arguments.split(' ').collect::<Vec<_>>());
    keygen("-q -f hocon -o secure.conf --user ann --passwords first").exit(0);
    let before = fs::read_to_string(folder.join("apiserver.conf")).unwrap();
    // As a person has written it, with nothing about users in the keyset.
    keygen("-q -f hocon -o keys.conf").exit(0);
    for from in ["", "--from keys.conf "] {
        let refused = keygen(&format!(
            "{from}--user ann -f hocon -o secure.conf --force --passwords second"
        ))
        .exit(2);
        assert!(
            refused
                .stderr
                .contains("--user ann: there is already a user of this name"),
            "{}",
            refused.stderr
        );
    }
    assert_eq!(
        fs::read_to_string(folder.join("apiserver.conf")).unwrap(),
        before
    );
    assert!(!folder.join("second").exists());
}

/// Lines of other programs' files: such a user could log in with the hash only, and so could anyone who has the file.
#[test]
fn a_hash_is_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let bcrypt = "$2y$05$7t0wG1ZkqFYkT7h0o0ZyMuJ6lNw0z1DjHkAqVJmA4Yt9lCmH6dSli";
    let encoded = STANDARD.encode(bcrypt);
    for hash in [
        bcrypt,
        &encoded,
        "$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00",
        "$6$rounds=5000$usesomesillystri$D4IrlXatmP7rx3P3InaxBeoomnAihCKRVQAr/36iYgzDUHQsCxlOqIcrFHwuzkjYUAdZz8yYs5jFYjZLmNVtb.",
        "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$RdescudvJCsgt3ub+b2dWRWJTmaaJObG",
        "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
        "{SMD5}4QWGWZpj9GCmfuqEvm8HtZhZS6E=",
    ] {
        for line in [
            format!("jane:{hash}\n"),
            format!("{{\"username\": \"jane\", \"password\": \"{hash}\"}}\n"),
        ] {
            fs::write(folder.join("chosen"), &line).unwrap();
            let done = keygen(folder, &["--users-from", "chosen", "-o", "k"]);
            let start = "clearml-keygen: chosen:1: this is the hash of a password.";
            assert_eq!(done.status, Some(2), "{line}");
            assert!(done.stderr.starts_with(start), "{line}: {}", done.stderr);
            assert!(!done.stderr.contains(hash) && !folder.join("k").exists());
        }
    }
    for password in [
        "$2y$ a short one",
        "$ $ and $ more than that is here",
        "{SHARE} of all that we have",
    ] {
        fs::write(folder.join("chosen"), format!("jane:{password}\n")).unwrap();
        let done = keygen(folder, &["--users-from", "chosen"]);
        assert_eq!(done.status, Some(0), "{password}: {}", done.stderr);
    }
}

#[test]
fn what_is_no_line_of_json_is_refused_with_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for text in [
        "{\n \"username\": \"jane\"\n}\n",
        "{\"username\": \"jane}\n",
    ] {
        fs::write(folder.join("chosen"), text).unwrap();
        let done = keygen(folder, &["--users-from", "chosen"]);
        assert_eq!(done.status, Some(2));
        let help = "\n  help: write one user a line: {\"username\": \"jane\",";
        assert!(done.stderr.contains(help), "{text}: {}", done.stderr);
    }
}

#[test]
fn a_name_that_is_named_twice_is_not_sought_in_a_keyset() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(
        folder.join("chosen"),
        format!("jane:{MARKED}\njane:{MARKED}\n"),
    )
    .unwrap();
    let of_file = keygen(folder, &["--users-from", "chosen"]);
    let of_options = keygen(
        folder,
        &["--user", "jane", "--user", "jane", "--passwords", "p"],
    );
    for done in [of_file, of_options] {
        assert_eq!(done.status, Some(2));
        assert!(
            done.stderr.ends_with("name each user once\n"),
            "{}",
            done.stderr
        );
    }
}

#[test]
fn a_name_that_is_taken_is_refused_on_every_way_in() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let taken = "there is already a user of this name";
    fs::write(folder.join("chosen"), format!("jane:{MARKED}\n")).unwrap();
    let twice = keygen(
        folder,
        &[
            "--user",
            "jane",
            "--user",
            "jane=J",
            "--passwords",
            "p",
            "-o",
            "k",
        ],
    );
    assert!(
        twice
            .stderr
            .starts_with(&format!("clearml-keygen: --user jane: {taken}\n  help: ")),
        "{}",
        twice.stderr
    );
    let both = keygen(
        folder,
        &[
            "--user",
            "jane",
            "--users-from",
            "chosen",
            "--passwords",
            "p",
            "-o",
            "k",
        ],
    );
    assert!(
        both.stderr
            .starts_with(&format!("clearml-keygen: chosen:1: {taken}")),
        "{}",
        both.stderr
    );
    assert_eq!((twice.status, both.status), (Some(2), Some(2)));
    both.never_says(MARKED);
    assert!(!folder.join("k").exists() && !folder.join("p").exists());
    for format in FORMATS {
        keygen(
            folder,
            &[
                "-q",
                "-f",
                format,
                "--users-from",
                "chosen",
                "-o",
                "keys",
                "--force",
            ],
        )
        .exit(0);
        let done = keygen(
            folder,
            &[
                "--from",
                "keys",
                "--user",
                "jane",
                "--passwords",
                "p",
                "-o",
                "k",
            ],
        );
        assert_eq!(done.status, Some(2), "{format}");
        assert!(done.stderr.contains(taken), "{format}: {}", done.stderr);
        assert!(!folder.join("k").exists() && !folder.join("p").exists());
    }
}

#[test]
fn what_is_left_out_or_weak_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let prefix = "CLEARML__APISERVER__AUTH__FIXED_USERS__";
    let list = format!("{prefix}USERS='[{{username:jane,password:\"{MARKED}\"}}]'\n");
    let run = |text: &str| {
        fs::write(folder.join("keys"), text).unwrap();
        keygen(folder, &["--from", "keys", "-f", "json"])
    };
    let done = run(&list).exit(0);
    assert_eq!(
        done.stderr,
        "clearml-keygen: warning: keys: web-login users that were left out, because their passwords are in clear text: 1\n  help: list them in a file for --users-from, which hashes passwords\n"
    );
    done.never_says(MARKED);
    let list = list.replace(MARKED, HASH);
    for hashed in ["true", "TRUE", "'\"true\"'"] {
        let done = run(&format!("{list}{prefix}PASS_HASHED={hashed}\n")).exit(0);
        assert!(
            done.stdout.contains("\"username\": \"jane\"") && done.stderr.is_empty(),
            "{hashed}"
        );
    }
    let older = format!("{list}{prefix}PASS_HASHED=true\n").replace("CLEARML", "TRAINS");
    assert!(
        run(&older)
            .exit(0)
            .stdout
            .contains("\"username\": \"jane\"")
    );
    let done = run(&format!("{list}{}", list.replace("apiserver", "APISERVER")));
    assert!(
        done.stderr
            .contains("keys:2:1: USERS of the users is here twice"),
        "{}",
        done.stderr
    );

    fs::write(
        folder.join("chosen"),
        "jane:123456\njohn:John\nann:Passw0rd!\nbob:orbit lamp frozen tunic\n carol:orbit lamp frozen tunic\n",
    )
    .unwrap();
    let done = keygen(folder, &["--users-from", "chosen"]).exit(0);
    let expected = "clearml-keygen: warning: chosen:1: anyone can guess the password of jane: it is an example of the documentation\n\
        clearml-keygen: warning: chosen:2: anyone can guess the password: it is the name itself\n\
        clearml-keygen: warning: chosen:3: anyone can guess the password of ann: it is guessed easily\n\
        clearml-keygen: warning: chosen:5: a blank begins or ends the user's name, and has to be typed at the login\n";
    assert_eq!(done.stderr, expected);
    assert_eq!(
        keygen(folder, &["-q", "--users-from", "chosen"])
            .exit(0)
            .stderr,
        ""
    );
}

#[test]
fn the_users_of_an_apiserver_conf_go_to_a_file_of_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(
        folder.join("users"),
        "jane:orbit lamp frozen\njohn:lamp frozen orbit\n",
    )
    .unwrap();
    let file = ["-f", "hocon", "-o", "apiserver.conf"];
    keygen(folder, &[&["--users-from", "users"], &file[..]].concat()).exit(0);
    let text = fs::read_to_string(folder.join("apiserver.conf")).unwrap();
    let text = format!("# ours\n{text}");
    fs::write(folder.join("apiserver.conf"), &text).unwrap();
    let from = [
        "--from",
        "apiserver.conf",
        "--remove-user",
        "john",
        "-f",
        "hocon",
    ];
    let without = |output: &str| keygen(folder, &[&from[..], &["-o", output]].concat());

    let done = without("new.conf").exit(0);
    assert!(
        done.stderr.starts_with(
            "clearml-keygen: wrote new.conf (mode 0600)\n\
             clearml-keygen: new.conf: kept: jane\n\
             clearml-keygen: new.conf: the API server reads it only if it is called apiserver.conf\n\
             clearml-keygen: removed: john\n"
        ),
        "{}",
        done.stderr
    );
    let line = text
        .split_inclusive('\n')
        .find(|line| line.contains("john"));
    let expected = text.replace(line.unwrap(), "");
    assert_eq!(
        fs::read_to_string(folder.join("new.conf")).unwrap(),
        expected
    );

    // It is there now, and would lose what it has.
    let done = without("new.conf").refused();
    assert!(
        done.stderr.contains("new.conf: exists\n"),
        "{}",
        done.stderr
    );
    assert!(done.stderr.contains("to overwrite it"), "{}", done.stderr);
    // Nobody is taken out of the file that was read: it stays.
    let more = [
        "--user",
        "ann",
        "--passwords",
        "p",
        "--force",
        "-o",
        "new.conf",
    ];
    let done = keygen(folder, &[&from[..], &more].concat()).exit(0);
    assert!(
        !done.stderr.contains("clearml-inject would"),
        "{}",
        done.stderr
    );
    assert_eq!(
        fs::read_to_string(folder.join("apiserver.conf")).unwrap(),
        text
    );

    // A keyset of keys would need a file of its own.
    for output in ["-", "secure.conf"] {
        let done = without(output).refused();
        assert_eq!(
            done.stderr,
            "clearml-keygen: apiserver.conf: this is an apiserver.conf with web-login users, and no secure.conf with keys\n  \
             help: write its users to a file of another name, for example -o new.conf\n",
        );
    }
}

/// The id of a user, to which API keys belong, comes from the name.
#[test]
fn a_user_who_is_removed_and_added_keeps_the_keys() {
    let folder = tempfile::tempdir().unwrap();
    let keygen = |arguments: &str| {
        let done = clearml("keygen").within(folder.path());
        done.args(arguments.split(' ')).done().exit(0)
    };
    keygen("--user jane --user bob --passwords first -f hocon -o secure.conf");
    keygen("--from apiserver.conf -f hocon -o new.conf --remove-user bob --user bob=B --passwords second")
        .says("new password: bob\n")
        .never_says("removed: bob");
    let file = fs::read_to_string(folder.path().join("new.conf")).unwrap();
    assert_eq!(file.matches("username: \"bob\"").count(), 1);
    assert!(file.contains("name: \"B\"") && file.contains("username: \"jane\""));
}

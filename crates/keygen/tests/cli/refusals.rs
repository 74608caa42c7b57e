//! Keysets that are refused, at their place and without the value in them.

use super::*;

/// A variable that sets a setting.
const ENV: &str = "CLEARML__SECURE__AUTH__TOKEN_SECRET";

fn json(entry: &str) -> String {
    format!("{{\"version\": 1, \"settings\": {{\n  {entry}\n}}}}\n")
}

fn yaml(entry: &str) -> String {
    format!("version: 1\nsettings:\n  {entry}\n")
}

fn toml(entry: &str) -> String {
    format!("version = 1\n[settings]\n{entry}\n")
}

/// Fails unless keysets are refused at their place, from a file and from standard input, without the value in them.
fn refuses(cases: &[(String, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    for (keyset, expected) in cases {
        fs::write(&path, keyset).unwrap();
        for (name, stdin) in [(path.to_str().unwrap(), ""), ("-", keyset.as_str())] {
            for extra in [&[][..], &["--color", "always"], &["-q", "--only", "tests"]] {
                let mut args = vec!["--from", name];
                args.extend(extra);
                let refused = run_with(&args, stdin).refused();
                let plain = refused
                    .replace("\u{1b}[1m\u{1b}[31m", "")
                    .replace("\u{1b}[0m", "");
                let called = if name == "-" { "standard input" } else { name };
                assert!(
                    plain.starts_with(&format!("clearml-keygen: {called}:{expected}")),
                    "{keyset:?}\n{refused}\n{expected}"
                );
                assert!(!refused.contains(MARKED), "{keyset:?}");
            }
        }
    }
}

#[test]
fn entries_that_do_not_belong_are_refused_without_the_value() {
    refuses(&[
        (String::new(), "1:1: not a keyset: it is empty"),
        (
            format!("{MARKED}\n"),
            "1:1: not a keyset: it is not env, json, yaml, toml, hocon or a Secret of Kubernetes",
        ),
        (format!("\u{7f}ELF\0{MARKED}"), "1:1: not a keyset"),
        // An unknown entry.
        (format!("{ENV}S={MARKED}\n"), "1:1: unknown entry"),
        (
            json(&format!("\"{MARKED}\": \"{MARKED}\"")),
            "2:3: unknown entry",
        ),
        (
            yaml(&format!("secure.auth.{MARKED}: {MARKED}")),
            "3:3: unknown entry",
        ),
        (
            toml(&format!("\"secure.auth.token\" = \"{MARKED}\"")),
            "3:1: unknown entry",
        ),
        (
            format!("auth.token_secret: \"a\"\nauth.{MARKED}: \"{MARKED}\"\n"),
            "2:",
        ),
        // A doubled entry.
        (
            format!("{ENV}={MARKED}\n\n{ENV}={MARKED}\n"),
            "3:1: secure.auth.token_secret is in the keyset twice",
        ),
        (
            json(&format!(
                "\"secure.auth.token_secret\": \"{MARKED}\",\n  \"secure.auth.token_secret\": \"x\""
            )),
            "3:3: secure.auth.token_secret is in the keyset twice",
        ),
        (
            yaml(&format!(
                "secure.auth.token_secret: {MARKED}\n  secure.auth.token_secret: x"
            )),
            "4:3: ",
        ),
        (
            toml(&format!(
                "\"secure.auth.token_secret\" = \"{MARKED}\"\n\"secure.auth.token_secret\" = \"x\""
            )),
            "4:1: ",
        ),
        (
            format!(
                "CLEARML_AGENT_ACCESS_KEY={MARKED}\nCLEARML__SECURE__CREDENTIALS__SERVICES_AGENT__USER_KEY=x\n"
            ),
            "1:26: CLEARML_AGENT_ACCESS_KEY and",
        ),
    ]);
}

#[test]
fn values_and_texts_that_are_wrong_are_refused_without_the_value() {
    refuses(&[
        // A value of the wrong type.
        (
            json("\"secure.auth.token_secret\": 12345"),
            "2:31: secure.auth.token_secret: a number instead of text",
        ),
        (
            yaml("secure.auth.token_secret: 12345"),
            "3:29: secure.auth.token_secret: a number instead of text",
        ),
        (
            toml("\"secure.auth.token_secret\" = 12345"),
            "3:30: secure.auth.token_secret: a number instead of text",
        ),
        (
            yaml(&format!("secure.auth.token_secret: [{MARKED}]")),
            "3:29: secure.auth.token_secret: a list instead of text",
        ),
        (
            "auth.token_secret: 12345\n".to_owned(),
            "1:20: secure.auth.token_secret: ",
        ),
        // What is not the format that it looks like.
        (
            json(&format!("\"secure.auth.token_secret\": {MARKED}")),
            "2:31: this is not JSON",
        ),
        (
            format!("{{\"version\": 1, \"settings\": {{\"{MARKED}"),
            "1:42: the JSON is incomplete",
        ),
        (
            yaml(&format!("secure.auth.token_secret: \"{MARKED}")),
            "3:29: ",
        ),
        (
            toml(&format!("\"secure.auth.token_secret\" = \"{MARKED}")),
            "3:",
        ),
        (
            format!("{ENV}='{MARKED}\n"),
            "1:37: a quote that is not closed",
        ),
        (
            format!("{ENV}=a${MARKED}\n"),
            "1:38: secure.auth.token_secret: a `$` that compose reads",
        ),
        (format!("auth {{\n  token_secret: \"{MARKED}\n"), "2:"),
        // Another version.
        (
            format!("{{\"version\": 2, \"{MARKED}\": 1}}"),
            "1:13: this program cannot read this version of keysets",
        ),
    ]);
}

/// Every other format may have one.
#[test]
fn a_file_of_the_servers_with_a_byte_order_mark_is_refused_as_it_is_by_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (users, keys, passwords) = (path("apiserver.conf"), path("secure.conf"), path("p"));
    let list = "auth.fixed_users { enabled: true, pass_hashed: true, users: [] }\n";
    let texts = [
        (&users, format!("\u{feff}{list}")),
        (&keys, "\u{feff}auth.token_secret: abc\n".to_owned()),
    ];
    for (path, text) in &texts {
        fs::write(path, text).unwrap();
    }
    let jane = ["--user", "jane", "--passwords", &passwords];
    let cases = [
        (&users, vec!["--from", &users, "-o", &users]),
        (&users, vec!["-o", &users]),
        (&users, vec!["--from", &users, "-f", "json"]),
        (&keys, vec!["--from", &keys, "-o", &keys]),
        (&keys, vec!["--from", &keys, "-f", "env"]),
    ];
    for (path, mut args) in cases {
        if args.contains(&"-o") {
            args.extend(["-f", "hocon", "--force"]);
        }
        args.extend(jane);
        let refused = run(&args).refused();
        let expected = format!(
            "clearml-keygen: {path}:1:1: a byte order mark, which pyhocon refuses: save the file without it\n"
        );
        assert!(refused.starts_with(&expected), "{args:?}\n{refused}");
        assert!(!Path::new(&passwords).exists());
        for (path, text) in &texts {
            assert_eq!(fs::read_to_string(path).unwrap(), *text);
        }
    }
}

/// The users of a file, as the keyset has them; what is refused otherwise.
fn users_of(text: &str) -> Done {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    fs::write(&path, text).unwrap();
    run(&["-q", "-f", "json", "--users-from", path.to_str().unwrap()])
}

#[test]
fn a_password_that_nobody_sees_whole_is_refused_at_its_line() {
    for password in [" plum-otter", "plum-otter ", "\tplum-otter"] {
        let text = format!("# users\njane:{password}:Jane\n");
        let refused = users_of(&text).refused();
        assert!(
            refused.contains("users:2: a blank begins or ends the password\n  help: remove it."),
            "{refused}"
        );
        assert!(!refused.contains("plum"), "{refused}");
    }
    // Where it can be seen, it belongs to the password.
    users_of("{\"username\": \"jane\", \"password\": \" plum-otter-7 \"}\n").product();
}

#[test]
fn an_apiserver_conf_is_no_list_of_users() {
    for text in [
        "auth { fixed_users { enabled: true, users: [ { username: \"a\", password: \"MARKED5ecret\" } ] } }\n",
        "\n# users\nauth.fixed_users.enabled:true\n",
    ] {
        let refused = users_of(text).refused();
        let line = if text.starts_with('\n') { 3 } else { 1 };
        assert!(
            refused.contains(&format!(
                "users:{line}: this is an apiserver.conf, not a list of users\n  help: --from takes"
            )),
            "{refused}"
        );
        assert!(!refused.contains(MARKED), "{refused}");
    }
    users_of("auth:plum-otter-7-quay\n").product();
}

#[test]
fn a_name_with_a_dash_is_taken_behind_an_equals_sign() {
    let refused = run(&["--passwords", "-", "--user", "-x"]).refused();
    assert!(
        refused.contains("\n  clearml-keygen --user=VALUE\n"),
        "{refused}"
    );
    let done = run(&["-q", "--passwords", "-", "--user=-x"]);
    assert_eq!(done.status, Some(0));
    assert!(done.stderr.starts_with("-x:"), "{}", done.stderr);
}

/// Half of a password as the password would lock a person out, and a quote too many as well.
#[test]
fn a_line_that_may_mean_something_else_is_refused() {
    const JSON: &str = r#"{"username":"ann","password":"a:b-Long-enough"}"#;
    let said = [
        ("jane:Long:enough:x\n", "users:1: more than two colons"),
        ("\"jane\":Long-enough-x\n", "users:1: quotes begin and end"),
        ("jane:'Long-enough-x'\n", "users:1: quotes begin and end"),
        (
            "jane:Long-enough-x:\"Jane\"\n",
            "users:1: quotes begin and end",
        ),
        (
            &format!("jane:Long-enough-x\n{JSON}\n"),
            "users:1:1: this is not JSON",
        ),
    ];
    for (text, said) in said {
        let refused = users_of(text).refused();
        assert!(refused.contains(said), "{text}{refused}");
        assert!(refused.contains(r#""password": "#), "{refused}");
        assert!(!refused.contains("Long"), "{refused}");
    }
}

/// What `--passwords` writes is what `--users-from` reads, whatever the names are.
#[test]
fn generated_passwords_are_read_back() {
    let names = [
        (
            "jane=Dr: \"Jane\" \\ Doe",
            r#""username": "jane", "name": "Dr: \"Jane\" \\ Doe""#,
        ),
        ("{joe", r#""username": "{joe", "name": "{joe""#),
        ("'ann'", r#""username": "'ann'", "name": "'ann'""#),
        ("bob=Bob", r#""username": "bob", "name": "Bob""#),
    ];
    for (name, expected) in names {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        let path = path.to_str().unwrap();
        run(&["-q", "--user", name, "--passwords", path]).product();
        let read = run(&["-f", "json", "--users-from", path]).product();
        let read = read.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        assert!(read.contains(expected), "{read}");
    }
}

#[test]
fn a_blank_around_a_name_is_said() {
    let done = run(&["-f", "json", "--user", " jane", "--passwords", "/dev/null"]);
    assert_eq!(done.status, Some(0));
    let said = "warning: --user ' jane': a blank begins or ends the user's name, and has to be typed at the login\n";
    assert!(done.stderr.contains(said), "{}", done.stderr);
}

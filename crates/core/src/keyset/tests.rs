mod kubernetes;
mod refusals;

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::secret::{Encryption, Replaced};

/// In every bad input below; it must never be in a message.
const MARKED: &str = "MARKED5ecret";

fn read(text: &str) -> Result<Keyset, Error> {
    Keyset::read(text, Path::new("keys"))
}

fn full() -> Keyset {
    let mut keyset = Keyset::new();
    keyset.generate_missing().unwrap();
    keyset
}

fn user(username: &str, name: &str) -> User {
    User {
        username: username.to_owned(),
        name: name.to_owned(),
        password_hash: Secret::from("JDJiJDEyJDk3OA=="),
    }
}

fn setting(path: &str) -> Setting {
    Setting::by_path(path).unwrap()
}

fn token_secret() -> Setting {
    setting("secure.auth.token_secret")
}

/// `line:column: message`, and the help.
fn refusal(text: &str) -> String {
    let error = read(text).expect_err("this is no keyset");
    let (message, help) = (error.to_string(), error.help().unwrap_or_default());
    let debug = format!("{error:?}");
    for text in [&message, &help, &debug] {
        assert!(!text.contains(MARKED), "{text}");
    }
    format!("{} | {help}", message.strip_prefix("keys:").unwrap())
}

#[test]
fn every_format_holds_what_the_others_hold() {
    let mut keyset = full();
    for users in 0..3 {
        for format in Format::ALL {
            let text = keyset.write(format);
            assert_eq!(recognise::format(&text).unwrap(), format, "{}", *text);
            assert_eq!(read(&text).unwrap(), keyset, "{}", *text);
            assert_eq!(read(&text).unwrap().write(format), text);
        }
        let name = ["Jane \"Ö\" O'Brien", "#a $b \\ \\"][users % 2];
        keyset
            .add_user(user(&format!("user{users}"), name))
            .unwrap();
    }
}

#[test]
fn nothing_is_a_keyset_too() {
    for format in Format::ALL {
        let text = Keyset::new().write(format);
        if matches!(format, Format::Env | Format::Hocon | Format::Kubernetes) {
            // There is nothing in it to tell it by.
            continue;
        }
        assert_eq!(read(&text).unwrap(), Keyset::new(), "{}", *text);
    }
}

#[test]
fn the_buffer_never_grows() {
    let mut keyset = Keyset::new();
    for setting in SETTINGS {
        keyset
            .set(setting, Secret::new("\"\\$'".repeat(LONGEST / 4)))
            .unwrap();
    }
    for index in 0..20 {
        let mut user = user(
            &format!("{index}{}", "\"\\".repeat(500)),
            &"\"'".repeat(512),
        );
        user.password_hash = Secret::new("\"\\$'".repeat(LONGEST / 4));
        keyset.add_user(user).unwrap();
    }
    let mut empty = Keyset::new();
    for _ in 0..2 {
        for format in Format::ALL {
            assert_eq!(keyset.write(format).capacity(), keyset.room(), "{format:?}");
        }
        std::mem::swap(&mut keyset, &mut empty);
    }
}

#[test]
fn line_ends_byte_order_mark_comments_and_order_do_not_matter() {
    let keyset = full();
    for format in Format::ALL {
        let text = keyset.write(format);
        assert_eq!(
            read(&text.replace('\n', "\r\n")).unwrap(),
            keyset,
            "{format:?}"
        );
        let marked = format!("\u{feff}{}", *text);
        if format == Format::Hocon {
            // No server would start with it.
            assert_eq!(
                refusal(&marked),
                "1:1: a byte order mark, which pyhocon refuses: save the file without it | correct it here: no server \
                 starts with this file"
            );
        } else {
            assert_eq!(read(&marked).unwrap(), keyset, "{format:?}");
        }
        assert_eq!(
            read(&format!("\n\n{}\n\n", *text)).unwrap(),
            keyset,
            "{format:?}"
        );
    }
    let env = keyset.write(Format::Env);
    let mut lines: Vec<&str> = env.lines().collect();
    lines.reverse();
    let reversed = lines.join("\n# a comment\n\n");
    assert_eq!(read(&format!("{reversed}\n")).unwrap(), keyset);
}

#[test]
fn an_env_file_may_hold_other_lines() {
    let text = "# mine\nexport FOO=${BAR:?is needed} \nCLEARML_HOST_IP=10.0.0.1\n\
        TRAINS__secure__auth__token_secret='a b'\nCLEARML__SECURE__REDIS__APISERVER__PASSWORD=x\n\
        CLEARML__secure__CREDENTIALS__tests__USER_KEY=\"k\" # mine\nNAME\n";
    let keyset = read(text).unwrap();
    assert_eq!(keyset.get(token_secret()).unwrap().expose(), "a b");
    let key = setting("secure.credentials.tests.user_key");
    assert_eq!(keyset.get(key).unwrap().expose(), "k");
    assert_eq!(keyset.missing().len(), 10);
}

#[test]
fn hocon_quotes_in_an_env_file_are_not_part_of_the_value() {
    let keyset = read("CLEARML__SECURE__AUTH__TOKEN_SECRET='\"a$b#\\\"c\"'\n").unwrap();
    assert_eq!(keyset.get(token_secret()).unwrap().expose(), "a$b#\"c");
    let text = keyset.write(Format::Env);
    assert!(text.contains("\nCLEARML__SECURE__AUTH__TOKEN_SECRET='\"a$b#\\\"c\"'\n"));
}

#[test]
fn the_agents_two_names_have_to_agree() {
    let key = setting("secure.credentials.services_agent.user_key");
    let keyset = read("CLEARML_AGENT_ACCESS_KEY=abc\n").unwrap();
    assert_eq!(keyset.get(key).unwrap().expose(), "abc");
    let text = keyset.write(Format::Env);
    assert!(text.contains("\nCLEARML__SECURE__CREDENTIALS__SERVICES_AGENT__USER_KEY=abc\n"));
    assert!(text.contains("\nCLEARML_AGENT_ACCESS_KEY=abc\n"));
    let refused = refusal(
        "CLEARML_AGENT_ACCESS_KEY=MARKED5ecret\n\
         CLEARML__SECURE__CREDENTIALS__SERVICES_AGENT__USER_KEY=MARKED5ecret2\n",
    );
    assert!(
        refused.starts_with("1:26: CLEARML_AGENT_ACCESS_KEY and"),
        "{refused}"
    );
}

#[test]
fn a_secure_conf_may_hold_other_things() {
    let text = "// the server's own\nauth { token_secret = abc }\ncredentials {\n  tests {\n    \
        role: user\n    user_key: k # key\n    display_name: \"Default User\"\n  }\n}\nredis.apiserver.password: x\n";
    let keyset = read(text).unwrap();
    assert_eq!(keyset.get(token_secret()).unwrap().expose(), "abc");
    assert_eq!(keyset.missing().len(), 10);
}

#[test]
fn users_with_plain_passwords_are_not_the_keysets() {
    let text = "CLEARML__SECURE__AUTH__TOKEN_SECRET=x\n\
        CLEARML__apiserver__auth__fixed_users__users=[{username:\"jane\",password:\"MARKED5ecret\"}]\n";
    assert!(read(text).unwrap().users().is_empty());
    let hashed = format!("{text}CLEARML__APISERVER__AUTH__FIXED_USERS__PASS_HASHED=true\n");
    assert_eq!(read(&hashed).unwrap().users()[0].username, "jane");
    let refused = refusal(&hashed.replace("username", MARKED));
    assert!(refused.starts_with("2:46: unknown entry"), "{refused}");
    let refused = refusal(&hashed.replace("password", "="));
    assert!(refused.starts_with("2:46: users:"), "{refused}");
}

#[test]
fn what_is_nested_deep_ends_no_program() {
    // A thread of a test has the least room that a program gives its own.
    for (open, close) in [("[", "]"), ("{\"a\": ", "}")] {
        for depth in [200, 100_000] {
            let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let text = format!("{{\"version\": 1, \"settings\": {deep}}}");
            let said = refusal(&text);
            assert!(said.contains(": nested deeper than 128 | "), "{said}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut keyset = Keyset::new();
    let key = setting("secure.credentials.tests.user_key");
    let cases = [
        ("", Misfit::Empty),
        ("a\nb", Misfit::NotPrintable),
        ("a\u{7f}", Misfit::NotPrintable),
        ("ü", Misfit::NotPrintable),
        ("`'", Misfit::Backtick),
        ("`\\", Misfit::Backtick),
        ("a:b", Misfit::Colon),
        (
            "ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]",
            Misfit::Replaced(Replaced::Encrypted(Encryption::Sops)),
        ),
        (
            "op://vault/clearml/secret",
            Misfit::Replaced(Replaced::OnePassword),
        ),
        (
            "ref+vault://secret/clearml#/token",
            Misfit::Replaced(Replaced::Vals),
        ),
        (
            "<path:secret/data/clearml#token>",
            Misfit::Replaced(Replaced::ArgoVault),
        ),
        (
            "gcp:secretmanager:projects/acme/secrets/clearml",
            Misfit::Replaced(Replaced::SecretsInit),
        ),
        (
            "clearml-token@azurekeyvault",
            Misfit::Replaced(Replaced::AzureKeyVault),
        ),
        (
            "sm://acme/clearml-token",
            Misfit::Replaced(Replaced::Berglas),
        ),
        (
            "encrypted:BNr24F4vW9CQ37LOXeRg",
            Misfit::Replaced(Replaced::Encrypted(Encryption::Dotenvx)),
        ),
    ];
    for (value, misfit) in cases {
        assert_eq!(
            keyset.set(key, Secret::from(value)),
            Err(misfit),
            "{value:?}"
        );
    }
    assert_eq!(keyset.set(token_secret(), Secret::from("a:b")), Ok(()));
    assert_eq!(
        keyset.add_user(user("a\u{202e}", "a")),
        Err(Misfit::NameNotPrintable)
    );
    assert_eq!(keyset.add_user(user("a", "a")), Ok(()));
    assert_eq!(keyset.add_user(user("a", "b")), Err(Misfit::User));
}

#[test]
fn nothing_is_shown_for_debugging() {
    let mut keyset = Keyset::new();
    keyset.set(token_secret(), Secret::from(MARKED)).unwrap();
    let mut user = user("jane", "Jane");
    user.password_hash = Secret::from(MARKED);
    keyset.add_user(user).unwrap();
    assert!(!format!("{keyset:?}").contains(MARKED));
}

#[test]
fn generating_keeps_what_is_there() {
    let mut keyset = Keyset::new();
    keyset.set(token_secret(), Secret::from("mine")).unwrap();
    keyset.generate_missing().unwrap();
    assert!(keyset.missing().is_empty());
    assert_eq!(keyset.get(token_secret()).unwrap().expose(), "mine");
    keyset.generate(token_secret()).unwrap();
    assert_ne!(keyset.get(token_secret()).unwrap().expose(), "mine");
}

/// What a setting may have: generated values, and texts of what every format escapes in its own way.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z][A-Za-z0-9]{53}",
        "[ -~]{1,40}",
        "[\"'\\\\$#`{}: =]{1,12}",
        "(true|null|0|1e5|-1|5s|\\$\\$|//|#|~|export)[a-z_. -]{0,3}",
    ]
}

fn any_keyset() -> impl Strategy<Value = Keyset> {
    let users = prop::collection::vec(("[ -~]{1,9}", "\\PC{1,9}", value()), 0..3);
    (
        prop::collection::vec(prop::option::of(value()), SETTINGS.len()),
        users,
    )
        .prop_map(|(values, users)| {
            let mut keyset = Keyset::new();
            for (setting, value) in SETTINGS.into_iter().zip(values) {
                // What does not fit is left out: that is what is promised about it.
                let _ = value.map(|value| keyset.set(setting, Secret::new(value)));
            }
            for (username, name, hash) in users {
                let _ = keyset.add_user(User {
                    username,
                    name,
                    password_hash: Secret::new(hash),
                });
            }
            keyset
        })
}

proptest! {
    #[test]
    fn every_format_round_trips(keyset in any_keyset()) {
        for format in Format::ALL {
            if keyset.entries().next().is_none() {
                continue;
            }
            let text = keyset.write(format);
            match read(&text) {
                Ok(back) => prop_assert_eq!(&back, &keyset, "{}", *text),
                Err(error) => prop_assert!(false, "{}\n{}", error, *text),
            }
        }
    }

    #[test]
    fn no_text_makes_it_fail(text in "\\PC{0,80}", name in "(version|settings|auth|CLEARML__SECURE__|\\{|\\[)[ -~\n]{0,60}") {
        drop(read(&text));
        drop(read(&name));
    }

    #[test]
    fn no_damage_makes_it_fail(keyset in any_keyset(), cut in 0..4000_usize, byte in "[ -~\n]") {
        for format in Format::ALL {
            let mut text = keyset.write(format).to_string();
            let at = text.floor_char_boundary(cut % (text.len() + 1));
            drop(read(&text[..at]));
            text.insert_str(at, &byte);
            drop(read(&text));
        }
    }
}

#[test]
fn an_empty_value_is_refused_but_for_completion() {
    for (text, place) in [
        ("CLEARML__SECURE__AUTH__TOKEN_SECRET=\n", "1:37"),
        (
            "CLEARML_AGENT_ACCESS_KEY=\nCLEARML__SECURE__CREDENTIALS__SERVICES_AGENT__USER_KEY=k\n",
            "1:26",
        ),
        (
            "{\"version\": 1, \"settings\": {\n  \"secure.auth.token_secret\": \"\"}}",
            "2:31",
        ),
        (
            "version: 1\nsettings:\n  secure.auth.token_secret: ''\n",
            "3:29",
        ),
        (
            "version = 1\n[settings]\n\"secure.auth.token_secret\" = ''\n",
            "3:30",
        ),
        ("auth.token_secret: \"\"\n", "1:20"),
        (
            "{\"version\": 1, \"settings\": {\n  \"secure.auth.token_secret\": null}}",
            "2:31",
        ),
        (
            "version: 1\nsettings:\n  secure.auth.token_secret: ~\n",
            "3:29",
        ),
        ("auth.token_secret: null\n", "1:20"),
    ] {
        let error = Keyset::read(text, Path::new("keys")).unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with(&format!("keys:{place}: ")), "{error}");
        assert!(error.ends_with(": the value is empty"), "{error}");
        let (keyset, missing) = Keyset::read_incomplete(text, Path::new("keys")).unwrap();
        assert_eq!(missing, keyset.missing(), "{text}");
    }
}

/// Of one that is only begun, nothing is missing.
#[test]
fn what_is_missing_is_named_where_something_is_there() {
    let missing = |text: &str| {
        let read = Keyset::read_incomplete(text, Path::new("keys"));
        read.unwrap().1.len()
    };
    assert_eq!(missing("{\"version\": 1, \"settings\": {}}"), 0);
    assert_eq!(missing("A=1\nCLEARML_AGENT_ACCESS_KEY=\n"), 12);
    assert_eq!(missing("A=1\nCLEARML_AGENT_ACCESS_KEY=k\n"), 11);
    assert_eq!(missing("auth.token_secret: t\n"), 11);
}

#[test]
fn more_than_a_keyset_is_seen() {
    let mut keyset = Keyset::new();
    keyset.generate_missing().unwrap();
    keyset.add_user(user("jane", "Jane")).unwrap();
    for format in Format::ALL {
        let text = keyset.write(format);
        assert!(!Keyset::is_only_a_part_of(&text), "{}", format.name());
    }
    let env = keyset.write(Format::Env);
    let hocon = keyset.write(Format::Hocon);
    for more in [
        format!("{}MINE=1\n", *env),
        format!("{}CLEARML__SECURE__REDIS__APISERVER__PASSWORD=p\n", *env),
        format!("{}CLEARML__APISERVER__AUTH__FIXED_USERS__GUEST=p\n", *env),
        format!("{}redis.apiserver.password: p\n", *hocon),
        format!("{}credentials.tests.role: user\n", *hocon),
        format!("{}credentials.mine {{ role: user, user_key: k }}\n", *hocon),
    ] {
        assert!(Keyset::is_only_a_part_of(&more), "{more}");
    }
}

use std::path::Path;

use proptest::prelude::*;

use crate::keyset::{Changes, Format, Keyset, User};
use crate::secret::Secret;
use crate::setting::Setting;

/// In every bad input below; it must never be in a message.
const MARKED: &str = "MARKED5ecret";

const PATH: &str = "secure.conf";

fn read(text: &str) -> Keyset {
    match Keyset::read(text, Path::new(PATH)) {
        Ok(keyset) => keyset,
        Err(error) => panic!("{error}\n{text}"),
    }
}

fn token_secret() -> Setting {
    Setting::by_path("secure.auth.token_secret").unwrap()
}

fn with_token(mut keyset: Keyset, value: &str) -> Keyset {
    keyset.set(token_secret(), Secret::from(value)).unwrap();
    keyset
}

/// The text with another token secret.
fn merged(text: &str) -> String {
    let keyset = with_token(read(text), "n3w #\"$");
    let merged = keyset.merge(text, Path::new(PATH)).unwrap();
    merged.unwrap().to_string()
}

/// `line:column: message` of what cannot be merged, and the help.
fn refusal(text: &str) -> String {
    let keyset = Keyset::read(text, Path::new(PATH));
    let error = match keyset {
        Ok(keyset) => {
            let keyset = with_token(keyset, "new");
            keyset
                .merge(text, Path::new(PATH))
                .unwrap()
                .expect_err(text)
        }
        Err(error) => error,
    };
    let (message, help) = (error.to_string(), error.help().unwrap_or_default());
    let debug = format!("{error:?}");
    for said in [&message, &help, &debug] {
        assert!(!said.contains(MARKED), "{said}");
    }
    let message = message.strip_prefix("secure.conf:").unwrap();
    format!("{message} | {help}")
}

#[test]
fn a_value_is_replaced_where_it_stands() {
    const NEW: &str = r##""n3w #\"$""##;
    for text in [
        "auth.token_secret: @",
        "auth { token_secret = @ } # mine\n",
        "# a\r\nauth\r\n{\r\n\ttoken_secret\t:\t@\t// b\r\n}\r\nredis.a.password: x\r\n",
        "auth { token_secret: @ }\nredis { a { password: \"ä\" } }\n",
        "{\"auth\": {\"token_secret\": @}, \"b\": 5, \"credentials\": {\"tests\": {\"role\": \"user\"}}}",
        "auth { token_secret: @ }, redis { a: [1, {auth: {token_secret: b}}] }",
        "auth { token_secret:\n  // why\n  @\n}\nelastic { user: ${USER}, password: ${?PASSWORD} }\n",
        "\"auth\" { \"token_secret\" = @ }",
        "auth.token_secret: @\nredis.password: \"\"\"auth.token_secret: \"x\" \"\"\"\n",
        "credentials { mine { role: user, user_key: a, user_secret: b } }\nauth { token_secret: @ }",
    ] {
        for old in ["\"old\"", "old", "old er", "\"\"\"old\"\"\"", "\"a\\\"b\""] {
            let before = text.replace('@', old);
            assert_eq!(merged(&before), text.replace('@', NEW), "{before}");
        }
    }
}

#[test]
fn what_is_missing_is_added_at_the_end() {
    const LINE: &str = r##"auth.token_secret: "n3w #\"$""##;
    for (text, expected) in [
        ("http {}", "http {}\n@\n"),
        ("http {}\n", "http {}\n@\n"),
        ("http {}\r\n# x", "http {}\r\n# x\r\n@\r\n"),
        ("{http {}}", "{http {}\n  @\n}"),
        ("{http {}\r\n}\r\n# x", "{http {}\r\n  @\r\n}\r\n# x"),
        (
            "  {\n  http {},\n  } // x\n",
            "  {\n  http {},\n    @\n  } // x\n",
        ),
        (
            "http {}\nredis {\n  x: 1\n}\n",
            "http {}\nredis {\n  x: 1\n}\n@\n",
        ),
    ] {
        let keyset = with_token(Keyset::new(), "n3w #\"$");
        let merged = keyset.merge(text, Path::new(PATH)).unwrap().unwrap();
        assert_eq!(*merged, expected.replace('@', LINE), "{text}");
    }
}

#[test]
fn users_are_added_behind_those_that_are_there() {
    let text = "auth.token_secret: a\nusers: [ # ours\n  {username: a, password_hash: h} // without a name\n  ]\n";
    let mut keyset = read(text);
    let unchanged = keyset.merge(text, Path::new(PATH)).unwrap().unwrap();
    assert_eq!(*unchanged, text);
    keyset.add_user(user("b")).unwrap();
    let merged = keyset.merge(text, Path::new(PATH)).unwrap().unwrap();
    let added = "    {username: \"b\", name: \"b\", password_hash: \"h\"}\n  ]";
    assert_eq!(*merged, text.replace("  ]", added));
    let one_line = "auth.token_secret: a\nusers: []";
    let merged = keyset.merge(one_line, Path::new(PATH)).unwrap().unwrap();
    assert_eq!(read(&merged), keyset);
}

fn user(name: &str) -> User {
    User {
        username: name.to_owned(),
        name: name.to_owned(),
        password_hash: Secret::from("h"),
    }
}

#[test]
fn what_cannot_be_told_apart_is_refused_with_its_place() {
    const SET: &str = "auth.token_secret: MARKED5ecret\n";
    for (text, expected) in [
        // Set twice, in any spelling.
        (
            format!("{SET}auth {{ token_secret: MARKED5ecret }}\n"),
            "2:8: an entry `token_secret` is here twice | remove one",
        ),
        (
            format!("{SET}auth {{ \"token_secret\" = ${{?TOKEN}} }}\n"),
            "2:8: an entry `token_secret` is here twice",
        ),
        // From elsewhere.
        (
            "auth.token_secret: ${TOKEN}\n".to_owned(),
            "1:20: secure.auth.token_secret: a `${…}` of a variable",
        ),
        (
            "auth.token_secret: a${?TOKEN}b\n".to_owned(),
            "1:20: secure.auth.token_secret: a `${…}` of a variable",
        ),
        (
            "mine: MARKED5ecret\nauth.token_secret: ${mine}\n".to_owned(),
            "2:20: auth.token_secret is put together here",
        ),
        (
            "mine: {token_secret: MARKED5ecret}\nauth: ${mine}\n".to_owned(),
            "2:7: auth.token_secret is not set by entries of its own",
        ),
        (
            "mine: {token_secret: MARKED5ecret}\nauth: {} ${mine}\n".to_owned(),
            "2:7: auth.token_secret is not set by entries of its own",
        ),
        (
            "auth.token_secret: a\nauth.token_secret += b\n".to_owned(),
            "2:1: an entry `token_secret` is here twice",
        ),
        (
            format!("{SET}include \"more.conf\"\n"),
            "2:1: an include, whose file is not read here | replace it with the lines",
        ),
        (
            format!("redis {{ include required(file(\"more.conf\")) }}\n{SET}"),
            "1:",
        ),
        // Everything else is what it was, or it is refused.
        (
            format!("{SET}redis.password: ${{auth.token_secret}}\n"),
            "2:17: this would be another value with the new ones in the file | give each entry",
        ),
        (
            "{auth.token_secret: \"MARKED5ecret\", b: \"p\tq\"}".to_owned(),
            "1:40: this would be another value",
        ),
        (
            format!("{SET}\"-auth\" {{ x: 1 }}\n"),
            "2:1: a key with a dash in front replaces",
        ),
        (
            "\"-credentials\" { mine { role: user, user_key: MARKED5ecret } }\nauth {}".to_owned(),
            "1:1: a key with a dash in front replaces",
        ),
        ("auth: null\n".to_owned(), "1:7: unknown entry"),
        (
            "http.a: 1\nauth { token_secret { x: 1 } }".to_owned(),
            "1:9: unknown entry",
        ),
    ] {
        let refused = refusal(&text);
        assert!(
            refused.starts_with(expected),
            "{text}\n{refused}\n{expected}"
        );
    }
}

#[test]
fn a_number_at_the_very_end_is_kept_a_text() {
    // pyhocon reads a number before blanks at the end of a text as text; with lines behind it, it would be none.
    let text = "http {}\nredis.db: 5 ";
    let keyset = with_token(Keyset::new(), "new");
    let refused = keyset.merge(text, Path::new(PATH)).unwrap().unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("secure.conf:2:11: this would be another value"),
        "{refused}"
    );
}

#[test]
fn a_text_in_braces_is_recognised() {
    for text in [
        "{\n  auth { token_secret: abc }\n}\n",
        "# mine\n{ # x\n\n  redis { a: 1 }\n  \"auth\" { token_secret: abc }\n}\n",
        "{\"auth\": {\"token_secret\": \"abc\"}}",
    ] {
        assert_eq!(read(text).get(token_secret()).unwrap().expose(), "abc");
    }
}

proptest! {
    #[test]
    fn damage_is_merged_rightly_or_refused(cut in 0..1200_usize, bytes in "[ -~\n]{0,3}") {
        let mut keyset = Keyset::new();
        keyset.generate_missing().unwrap();
        keyset.add_user(user("jane")).unwrap();
        let mut text = keyset.write(Format::Hocon).to_string();
        let at = text.floor_char_boundary(cut % (text.len() + 1));
        text.insert_str(at, &bytes);
        let path = Path::new(PATH);
        if let Ok(found) = Keyset::read(&text, path) {
            let mut meant = found.clone();
            meant.generate_missing().unwrap();
            meant.generate(token_secret()).unwrap();
            if let Some(Ok(merged)) = meant.merge(&text, path) {
                prop_assert_eq!(&read(&merged), &meant, "{}", text);
            }
            drop(meant.merge_apiserver(Changes::default(), &text, path));
        }
    }
}

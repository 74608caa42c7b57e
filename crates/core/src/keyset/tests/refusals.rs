//! What is said of texts that are no keyset: where, what, and never the value.

use super::*;

/// Holds what is said of texts, without the value in them, against how it begins.
fn refuses(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let refused = refusal(text);
        assert!(
            refused.starts_with(expected),
            "{text:?}\n{refused}\n{expected}"
        );
    }
}

#[test]
fn what_is_no_keyset() {
    refuses(&[
        ("", "1:1: not a keyset: it is empty"),
        ("\u{feff} \n", "2:1: not a keyset: it is empty"),
        (
            "MARKED5ecret\n",
            "1:1: not a keyset: it is not env, json, yaml, toml, hocon or a Secret of Kubernetes",
        ),
        (
            "\u{7f}ELF\0\u{1}MARKED5ecret",
            "1:1: not a keyset: it is not",
        ),
        ("# only a comment\n", "1:1: not a keyset: it is not"),
        ("FOO=MARKED5ecret\n", "1:1: not a keyset: it is not"),
        // With the secure.conf of such values, all of it would be HOCON.
        (
            "# mine\nclearml:\n  cookieName: c\napiserver:\n  additionalConfigs:\n    secure.conf: |\n      credentials { tests { user_key: MARKED5ecret } }\n",
            "2:1: these are values of ClearML's Helm chart, not a keyset",
        ),
    ]);
}

#[test]
fn env_refusals_name_the_place() {
    const ENV: &str = "CLEARML__SECURE__AUTH__TOKEN_SECRET";
    let long = "x".repeat(LONGEST + 1);
    refuses(&[
        (
            &format!("A=1\n{ENV}=\n"),
            "2:37: secure.auth.token_secret: the value is empty",
        ),
        (
            &format!("{ENV}=''\n"),
            "1:37: secure.auth.token_secret: the value is empty",
        ),
        (
            &format!("{ENV}=MARKED5ecret\n{ENV}=MARKED5ecret\n"),
            "2:1: secure.auth.token_secret is in the keyset twice",
        ),
        (
            &format!("{ENV}=MARKED5ecret\nTRAINS__secure__auth__token_secret=MARKED5ecret2\n"),
            "2:1: secure.auth.token_secret is in the keyset twice",
        ),
        (
            &format!("{ENV}=a$MARKED5ecret\n"),
            "1:38: secure.auth.token_secret: a `$` that compose",
        ),
        (
            &format!("{ENV}=${{MARKED5ecret\n"),
            "1:37: a `$` that compose reads as a variable",
        ),
        (
            &format!("{ENV}='MARKED5ecret\n"),
            "1:37: a quote that is not closed",
        ),
        (
            &format!("{ENV}=\"a\\nMARKED5ecret\"\n"),
            "1:37: secure.auth.token_secret: the value has a character",
        ),
        (
            &format!("{ENV}=MARKED5ecretü\n"),
            "1:37: secure.auth.token_secret: the value has a character",
        ),
        (
            &format!("{ENV}={long}\n"),
            "1:37: secure.auth.token_secret: the value is longer",
        ),
        (
            &format!("{ENV}='\"MARKED5ecret\"x\"'\n"),
            "1:37: secure.auth.token_secret: the quotes inside",
        ),
        (&format!("{ENV}\n"), "1:1: not a keyset"),
        (
            &format!("{ENV}=x\n{ENV}_MARKED5ecret\n"),
            "2:1: unknown entry",
        ),
        (
            &format!("A=1\n{ENV}S=MARKED5ecret\n"),
            "2:1: unknown entry | did you mean `CLEARML__SECURE__AUTH__TOKEN_SECRET`?",
        ),
        (
            "CLEARML_SECURE_AUTH_TOKEN_SECRET=MARKED5ecret\n",
            "1:1: unknown entry | did you mean",
        ),
        (
            "clearml__secure__auth__token_secret=MARKED5ecret\n",
            "1:1: unknown entry | did you mean",
        ),
        (
            "CLEARML__SECURE__CREDENTIALS__MARKED5ecret__X=1\n",
            "1:1: unknown entry",
        ),
        (
            "CLEARML__SECURE__CREDENTIALS__TESTS__USER_KEY=a:MARKED5ecret\n",
            "1:47: secure.credentials.tests.user_key: the value has a colon",
        ),
    ]);
}

#[test]
fn hocon_refusals_name_the_place() {
    refuses(&[
        ("auth {\n  token_secret: \"MARKED5ecret", "2:"),
        (
            "auth.token_secret: 12345\n",
            "1:20: secure.auth.token_secret: an integer instead of text",
        ),
        (
            "auth.token_secret: 5s\n",
            "1:20: secure.auth.token_secret: a period of time instead of text",
        ),
        (
            "auth.token_secret: \"\"\n",
            "1:20: secure.auth.token_secret: the value is empty",
        ),
        ("auth.token_secret: ${MARKED5ecret}\n", "1:20: "),
        (
            "auth.token_secrets: MARKED5ecret\n",
            "1:21: unknown entry | did you mean `auth.token_secret`?",
        ),
        ("auth: MARKED5ecret\n", "1:7: unknown entry"),
        (
            "credentials.tests.user_keys: MARKED5ecret\n",
            "1:30: unknown entry | did you mean `credentials.tests.user_key`?",
        ),
        (
            "credentials.mine.user_key: MARKED5ecret\n",
            "1:28: unknown entry",
        ),
        (
            "secure.auth.token_secret: MARKED5ecret\n",
            "1:27: unknown entry | remove `secure`",
        ),
    ]);
}

#[test]
fn json_refusals_name_the_place() {
    refuses(&[
        (
            "{\"version\": 1, \"settings\": {\"MARKED5ecret",
            "1:42: the JSON is incomplete",
        ),
        (
            "{\"version\": 1, \"MARKED5ecret\" 1}",
            "1:31: this is not JSON",
        ),
        (
            "{\"version\": 2, \"settings\": {}}",
            "1:13: this program cannot read this version of keysets",
        ),
        (
            "{\"version\": \"MARKED5ecret\"}",
            "1:13: version: text instead of a number",
        ),
        ("{\"settings\": {}}", "1:1: the entry `version` is missing"),
        (
            "{\"version\": 1,\n \"version\": 1}",
            "2:2: the entry `version` is here twice",
        ),
        (
            "{\"version\": 1, \"setings\": {}}",
            "1:16: unknown entry | did you mean `settings`?",
        ),
        ("[\"MARKED5ecret\"]", "1:1: not a keyset: a list instead of"),
        (
            "{\"version\": 1, \"settings\": [\"MARKED5ecret\"]}",
            "1:28: settings: a list instead of a table",
        ),
        (
            "{\"version\": 1, \"settings\": {\"secure.auth.token_secret\": 5}}",
            "1:57: secure.auth.token_secret: a number instead of text",
        ),
        (
            "{\"version\": 1, \"settings\": {\"secure.auth.token_secret\": null}}",
            "1:57: secure.auth.token_secret: the value is empty",
        ),
        (
            "{\"version\": 1, \"settings\": {\"secure.auth.token_secret\": \"\"}}",
            "1:57: secure.auth.token_secret: the value is empty",
        ),
        (
            "{\"version\": 1, \"settings\": {\n\"secure.auth.token_secret\": \"MARKED5ecret\",\n\"secure.auth.token_secret\": \"MARKED5ecret\"}}",
            "3:1: secure.auth.token_secret is in the keyset twice",
        ),
        (
            "{\"version\": 1, \"settings\": {\"secure.auth.tokensecret\": \"MARKED5ecret\"}}",
            "1:29: unknown entry | did you mean `secure.auth.token_secret`?",
        ),
        (
            "{\"version\": 1, \"settings\": {\"MARKED5ecret\": \"x\"}}",
            "1:29: unknown entry",
        ),
        (
            "{\"version\": 1, \"users\": [{\"username\": \"MARKED5ecret\"}]}",
            "1:26: users: the entry `password_hash` is missing",
        ),
        (
            "{\"version\": 1, \"users\": {\"MARKED5ecret\": 1}}",
            "1:25: users: a table instead of a list",
        ),
        (
            "{\"version\": 1, \"users\": [{\"username\": \"a\", \"password_hash\": \"x\"},\n{\"username\": \"a\", \"password_hash\": \"MARKED5ecret\"}]}",
            "2:1: users: there is already a user of this name",
        ),
        (
            "{\"version\": 1, \"users\": [{\"username\": \"a\", \"name\": \"\\u001bMARKED5ecret\", \"password_hash\": \"x\"}]}",
            "1:26: users: the value has a character",
        ),
    ]);
}

#[test]
fn yaml_refusals_name_the_place() {
    refuses(&[
        (
            "version: 1\nsettings:\n  secure.auth.token_secret: 12\n",
            "3:29: secure.auth.token_secret: a number instead of text",
        ),
        (
            "version: 1\nsettings:\n  secure.auth.token_secret: 1e5\n",
            "3:29: secure.auth.token_secret: a number instead of text",
        ),
        (
            "version: 1\nsettings:\n  secure.auth.token_secret: true\n",
            "3:29: secure.auth.token_secret: true or false instead of text",
        ),
        (
            "version: 1\nsettings:\n  secure.auth.token_secret:\n",
            "3:27: secure.auth.token_secret: the value is empty",
        ),
        (
            "version: 1\nsettings:\n  secure.auth.token_secret: 2024-01-01\n",
            "3:29: secure.auth.token_secret: a date instead of text",
        ),
        (
            "version: 1\nsettings:\n  secure.auth.token_secret: |\n    MARKED5ecret\n",
            "4:5: secure.auth.token_secret: the value has a character",
        ),
        (
            "version: 1\nsettings:\n  secure.auth.token_secret: a\n  Secure.auth.token_secret: MARKED5ecret\n",
            "4:3: secure.auth.token_secret is in the keyset twice",
        ),
        (
            "version: 1\nsettings:\n  secure.auth.token_secret: a\n  secure.auth.token_secret: MARKED5ecret\n",
            "4:3: this key is already in the mapping",
        ),
        ("version: 1\nsettings: [MARKED5ecret\n", "2:11: "),
        (
            "version: 1\nsettings:\n  MARKED5ecret: x\n",
            "3:3: unknown entry",
        ),
        (
            "version: 1\nsettings: *MARKED5ecret\n",
            "2:11: an alias of an anchor that is not there",
        ),
        (
            "version: 9\n",
            "1:10: this program cannot read this version of keysets",
        ),
    ]);
}

#[test]
fn toml_refusals_name_the_place() {
    refuses(&[
        (
            "version = 1\n[settings]\n\"secure.auth.token_secret\" = 12\n",
            "3:30: secure.auth.token_secret: a number instead of text",
        ),
        (
            "version = 1\n[settings]\n\"secure.auth.token_secret\" = \"MARKED5ecret\n",
            "3:",
        ),
        (
            "version = 1\n[settings]\n\"secure.auth.token_secret\" = \"a\"\n\"secure.auth.token_secret\" = \"MARKED5ecret\"\n",
            "4:1: this entry is here twice",
        ),
        (
            "version = 1\n[settings]\nsecure.auth.token_secret = \"MARKED5ecret\"\n",
            "3:1: unknown entry",
        ),
        ("version = 1\n[MARKED5ecret]\n", "2:2: unknown entry"),
        ("version = 1\nMARKED5ecret\n", "2:"),
    ]);
}

//! Values that are changed, cut, overridden or set at the wrong place.

use super::*;

#[test]
fn what_hocon_changes_is_seen_everywhere() {
    let tests = "CLEARML__SECURE__CREDENTIALS__TESTS__USER_SECRET: JgKLDL36awmUDt8QvwTH6Iuj2OkDCJ23VmCwykTp4EilsS2aQnjUHc";
    change(
        "in a tree",
        tests,
        "CLEARML__SECURE__CREDENTIALS__TESTS: '{user_secret: 06d-gKLDL36awmUDt8QvwTH6Iuj2OkDCJ23VmCwykTp4}'",
        1,
        &["misread-value error"],
    );
    change(
        "a number in a tree",
        tests,
        "CLEARML__SECURE__CREDENTIALS__TESTS: '{user_secret: 0123456789012345678901234567890123456789}'",
        1,
        &["misread-value error", "unreadable-config error"],
    );
    change(
        "a scalar over the secret",
        TOKEN,
        "CLEARML__SECURE__AUTH: text",
        1,
        &["misread-value error"],
    );
    let mount = "    volumes: [./conf:/opt/clearml/config]\n";
    for (name, conf, code, expected) in [
        (
            "a period before a variable",
            "auth.token_secret: 06d-${TAIL}",
            1,
            &["misread-value error"][..],
        ),
        (
            "a period behind a path",
            "s: 06d-Td8VKqxryo1nIj7BRd03Q2ybv097SHzxgQA6TCvY4dh\nauth.token_secret: ${s}",
            1,
            &["misread-value error"],
        ),
        (
            "a comment in it",
            "auth.token_secret: Td8VKqxryo1nIj7BRd03Q2ybv097SHz#gQA6TCvY4dhK",
            1,
            &["misread-value error"],
        ),
        ("a variable", "auth.token_secret: ${TAIL}", 0, &[]),
        (
            "a variable that is required",
            "auth.token_secret: ${NEEDED}",
            2,
            &["unknown"],
        ),
        (
            "a variable of the image",
            "note: ${HOME}\nauth.token_secret: ${TAIL}",
            0,
            &[],
        ),
        ("an include", "include \"more.conf\"", 0, &[]),
    ] {
        let text = without_token(mount).replacen(
            "    environment:\n",
            "    environment:\n      TAIL: Td8VKqxryo1nIj7BRd03Q2ybv097SHzxgQA6TCvY4dhK\n      NEEDED: ${NEEDED:?}\n",
            1,
        );
        let more = (
            "conf/more.conf",
            "auth.token_secret: \"Td8VKqxryo1nIj7BRd03Q2ybv097SHzxgQA6TCvY4dhK\"",
        );
        expect(
            name,
            &[
                ("docker-compose.yml", &text),
                ("conf/secure.conf", conf),
                more,
            ],
            code,
            expected,
        );
    }
}

#[test]
fn what_lacks_a_part_or_all_is_seen() {
    change(
        "a part",
        TOKEN,
        "CLEARML__SECURE__AUTH__TOKEN_SECRET: Td8VKqxryo1nIj7BRd03Q2ybv097SHz-${REST}",
        1,
        &["unset-variable error"],
    );
    change(
        "an empty default",
        TOKEN,
        "CLEARML__SECURE__AUTH__TOKEN_SECRET: Td8VKqxryo1nIj7BRd03Q2ybv097SHz-${REST:-}",
        1,
        &["unset-variable error"],
    );
    change(
        "a default",
        TOKEN,
        "CLEARML__SECURE__AUTH__TOKEN_SECRET: ${REST:-Td8VKqxryo1nIj7BRd03Q2ybv097SHzxgQA6TCvY4dhK}",
        0,
        &[],
    );
    change(
        "the tree around it replaced",
        TOKEN,
        "CLEARML__SECURE__-AUTH: '{other: x}'",
        1,
        &["missing-setting error"],
    );
    let empty = good()
        .replace("YEWU1RFC048TTP08KFTT6OL1YXM13B", "\"\"")
        .replace(
            "pag1xYKiuMw7TpHD8BHbNdZU0NYJ2gClNbc7Hrd0APsmYaUSRCsllZ",
            "\"\"",
        );
    let (code, said, _) = said(&[("docker-compose.yml", &empty)]);
    assert!(
        code == 1 && said.iter().all(|one| one == "unset-variable warning"),
        "{said:?}"
    );
    // One half without the other is no account, so nobody logs in with it (5).
    let closed = good()
        .replace(
            "JFKBH2DEWIO4UJE5SGZ278V65E54X5",
            "EGRTCO8JMSIGI6S39GTP43NFWXDQOW",
        )
        .replace(
            "JgKLDL36awmUDt8QvwTH6Iuj2OkDCJ23VmCwykTp4EilsS2aQnjUHc",
            "\"\"",
        );
    expect(
        "a closed account",
        &[("docker-compose.yml", &closed)],
        0,
        &[],
    );
}

#[test]
fn names_and_shadows_are_seen() {
    change(
        "a mistyped account",
        "CLEARML__SECURE__CREDENTIALS__TESTS__USER_KEY",
        "CLEARML__SECURE__CREDENTIALS__TSETS__USER_KEY",
        1,
        &["broken-account error", "missing-setting note"],
    );
    let shadowed = good().replacen(
        "    environment:\n",
        "    environment:\n      CLEARML__secure: '{auth.token_secret: OtherValue8xryo1nIj7BRd03Q2ybv097SHzxgQA6TCvY4dhK}'\n",
        1,
    );
    expect(
        "a tree that wins",
        &[("docker-compose.yml", &shadowed)],
        1,
        &["shadowed-variable warning"],
    );
    let key = "CLEARML__SECURE__CREDENTIALS__TESTS__USER_KEY: JFKBH2DEWIO4UJE5SGZ278V65E54X5\n";
    let moved = good().replace(&format!("      {key}"), "") + &format!("      {key}");
    expect(
        "at a server that does not read it",
        &[("docker-compose.yml", &moved)],
        1,
        &["unread-variable warning", "missing-setting note"],
    );
}

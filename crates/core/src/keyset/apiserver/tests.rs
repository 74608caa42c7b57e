use std::path::Path;

use proptest::prelude::*;

use crate::keyset::{Apiserver, Changes, Keyset, User};
use crate::secret::Secret;

/// A password or hash in every file below; it must never be in a message.
const MARKED: &str = "MARKED5ecret";

/// What the keyset has for each of its users.
const HASH: &str = "JDJiJA==";

fn keyset(names: &[&str]) -> Keyset {
    let mut keyset = Keyset::new();
    for name in names {
        let user = User {
            username: (*name).to_owned(),
            name: format!("Full {name}"),
            password_hash: Secret::from(HASH),
        };
        keyset.add_user(user).unwrap();
    }
    keyset
}

fn merge(names: &[&str], text: &str) -> Apiserver {
    let merged =
        keyset(names).merge_apiserver(Changes::default(), text, Path::new("apiserver.conf"));
    match merged {
        Ok(merged) => merged,
        Err(error) => panic!("{error}\n{text}"),
    }
}

/// `line:column: message | help` of what is refused.
fn refusal(names: &[&str], text: &str) -> String {
    let merged =
        keyset(names).merge_apiserver(Changes::default(), text, Path::new("apiserver.conf"));
    let Err(error) = merged else {
        panic!("not refused:\n{text}");
    };
    let (message, help) = (error.to_string(), error.help().unwrap_or_default());
    for said in [&message, &help, &format!("{error:?}")] {
        assert!(!said.contains(MARKED), "{said}");
    }
    let message = message.strip_prefix("apiserver.conf:").unwrap();
    format!("{message} | {help}")
}

/// A line that keygen adds for a user.
fn added(name: &str) -> String {
    format!("{{username: \"{name}\", password: \"{HASH}\", name: \"Full {name}\"}}")
}

const ON: &str = "auth.fixed_users { enabled: true, pass_hashed: true }\n";

#[test]
fn users_of_the_file_stay_as_they_are_written() {
    for (list, expected) in [
        ("[]", "[\n  @\n]"),
        ("[ ]", "[ \n  @\n]"),
        (
            "[{username: ann, password: P}]",
            "[{username: ann, password: P}\n  @\n]",
        ),
        (
            "[\n\t{ username = \"ann\", password = P, name = Ann } # since May\n\n    // bob left\n\t]",
            "[\n\t{ username = \"ann\", password = P, name = Ann } # since May\n\n    // bob left\n\t  @\n\t]",
        ),
        (
            "[\r\n  {username: ann, password: P, company: c, is_guest: true},\r\n  {password: \"${P}\", username: eve},\r\n]",
            "[\r\n  {username: ann, password: P, company: c, is_guest: true},\r\n  {password: \"${P}\", username: eve},\r\n  @\r\n]",
        ),
        (
            "[{username: ann, password: ${ANN}, admin: true}, {username: eve}]",
            "[{username: ann, password: ${ANN}, admin: true}, {username: eve}\n  @\n]",
        ),
    ] {
        let before = format!("{ON}auth.fixed_users.users: {list}").replace('P', MARKED);
        let before = before.replace("auth.fixed_users {", "auth.fixed_users  {");
        let merged = merge(&["bob"], &before);
        let line_end = if list.contains('\r') { "\r\n" } else { "\n" };
        // A file's lines end as its first one does.
        let before = before.replace("true }\n", &format!("true }}{line_end}"));
        let merged = match line_end {
            "\r\n" => merge(&["bob"], &before),
            _ => merged,
        };
        let expected = before.replace(
            &list.replace('P', MARKED),
            &expected.replace('P', MARKED).replace('@', &added("bob")),
        );
        assert_eq!(*merged.text, expected, "{list}");
        let kept: Vec<&str> = ["ann", "eve"]
            .into_iter()
            .filter(|name| list.contains(*name))
            .collect();
        assert_eq!(
            (merged.kept, merged.renewed),
            (kept.iter().map(|name| (*name).to_owned()).collect(), vec![])
        );
        // Once more, nothing changes.
        assert_eq!(*merge(&["bob"], &expected).text, expected);
    }
}

/// A file with this list, and one without these users.
fn without(list: &str, removed: &[&str]) -> Result<String, String> {
    let text = format!("{ON}auth {{ fixed_users {{ users: {list} }} }}\n");
    let removed: Vec<String> = removed.iter().map(|name| (*name).to_owned()).collect();
    let changes = Changes {
        removed: &removed,
        reset: &[],
        ..Changes::default()
    };
    let merged = Keyset::new().merge_apiserver(changes, &text, Path::new("apiserver.conf"));
    let merged = merged.map_err(|error| error.to_string())?.text;
    let start = format!("{ON}auth {{ fixed_users {{ users: ");
    let list = merged.strip_prefix(&start).unwrap().strip_suffix(" } }\n");
    Ok(list.unwrap().to_owned())
}

#[test]
fn a_user_who_is_removed_takes_nothing_along_but_a_comma_and_the_comment_beside() {
    const A: &str = "{username: ann, password: P, name: x}";
    const B: &str = "{ username = \"bob\"\n  password: P # }, {\n }";
    const C: &str = "{password: P, username: eve}";
    for (list, removed, expected) in [
        ("[A]", &["ann"][..], "[]"),
        ("[A, B, C]", &["ann"], "[B, C]"),
        ("[A, B, C]", &["bob"], "[A, C]"),
        ("[A, B , C]", &["eve"], "[A, B]"),
        ("[A, B, C]", &["ann", "bob"], "[C]"),
        ("[A, B, C]", &["bob", "eve"], "[A]"),
        ("[A, B, C]", &["ann", "eve"], "[B]"),
        ("[A, B, C]", &["ann", "bob", "eve"], "[]"),
        ("[\n  A,\n  B,\n  C\n]", &["bob"], "[\n  A,\n  C\n]"),
        ("[\n  A\n  B\n  C\n]", &["ann"], "[\n  B\n  C\n]"),
        // What is above an entry may be about all that follow.
        (
            "[\n  # the team\n  A, # since May\n  # the others\n  C # old\n]",
            &["ann"],
            "[\n  # the team\n  # the others\n  C # old\n]",
        ),
        ("[\n  A, B\n  C\n]", &["ann"], "[\n  B\n  C\n]"),
        ("[\n  A, B\n  C\n]", &["bob"], "[\n  A\n  C\n]"),
        ("[A\n  C]", &["eve"], "[A\n  ]"),
        ("[\r\n\tA\r\n\tC // x\r\n]", &["eve"], "[\r\n\tA\r\n]"),
    ] {
        let text = |list: &str| list.replace('A', A).replace('B', B).replace('C', C);
        let found = without(&text(list), removed);
        assert_eq!(found, Ok(text(expected)), "{list} {removed:?}");
    }
    // The last comma of the one before may stay behind: the server reads it as none.
    let found = without(&format!("[\n  {A},\n  {C}\n]"), &["eve"]);
    assert_eq!(found, Ok(format!("[\n  {A},\n]")));
}

#[test]
fn a_user_who_cannot_be_told_exactly_is_not_removed() {
    for list in [
        "[{username: ann}] [{username: eve}]",
        "${LIST}",
        "[{username: ann}, ${MORE}]",
        "[{username: ann}, {username: ann}]",
    ] {
        let refused = without(list, &["ann"]).expect_err(list);
        assert!(refused.starts_with("apiserver.conf:2:"), "{refused}");
    }
    let included =
        format!("{ON}include \"more.conf\"\nauth.fixed_users.users: [{{username: ann}}]\n");
    let changes = Changes {
        removed: &["ann".to_owned()],
        reset: &[],
        ..Changes::default()
    };
    let refused = Keyset::new().merge_apiserver(changes, &included, Path::new("apiserver.conf"));
    assert!(
        refused
            .err()
            .unwrap()
            .to_string()
            .starts_with("apiserver.conf:2:1: an include")
    );
}

#[test]
fn a_password_is_reset_where_the_keyset_knows_nobody() {
    let user = |name: &str| User {
        username: name.to_owned(),
        name: name.to_owned(),
        password_hash: Secret::from(HASH),
    };
    let reset = [user("ann"), user("nobody")];
    let changes = Changes {
        removed: &[],
        reset: &reset,
        ..Changes::default()
    };
    let with = |on: &str, password: &str| {
        format!(
            "{on}auth.fixed_users.users: [{{username: ann, password: {password}}}, {{username: eve, password: e}}]"
        )
    };
    // Whether the users may log in is not for a new password to decide.
    for on in [
        ON,
        "auth.fixed_users.pass_hashed: true\n",
        "auth.fixed_users { enabled: no, pass_hashed: 1 }\n",
    ] {
        let merged =
            Keyset::new().merge_apiserver(changes, &with(on, MARKED), Path::new("apiserver.conf"));
        let merged = merged.unwrap();
        assert_eq!(*merged.text, with(on, &format!("\"{HASH}\"")));
        assert_eq!(
            (merged.kept, merged.renewed),
            (vec!["eve".to_owned()], vec!["ann".to_owned()])
        );
    }
    let refused =
        Keyset::new().merge_apiserver(changes, &with("", MARKED), Path::new("apiserver.conf"));
    let refused = refused.err().unwrap().to_string();
    assert!(
        refused.contains("are plain text") && refused.ends_with(": eve"),
        "{refused}"
    );
}

#[test]
fn of_a_user_that_both_have_only_the_password_is_replaced() {
    for entry in [
        "{username: ann, password: @, name: \"Ann A\"}",
        "{ name: Ann // who\n  password: @ # old\n  username: ann }",
        "{\n\"username\" = ann\n\"password\" = @\n, company: c, admin: true}",
        "{username: bob, username: ann, password: @}",
    ] {
        for old in [
            MARKED,
            "\"MARKED5ecret\"",
            "12345",
            "\"\"\"MARKED5ecret\"\"\"",
            "MARKED5ecret two",
        ] {
            let text = format!(
                "{ON}auth {{ fixed_users {{ users: [ {{username: eve, password: x}}\n {entry} ] }} }}"
            );
            let before = text.replace('@', old);
            let merged = merge(&["ann"], &before);
            assert_eq!(
                *merged.text,
                text.replace('@', &format!("\"{HASH}\"")),
                "{before}"
            );
            assert_eq!(
                (merged.kept, merged.renewed),
                (vec!["eve".to_owned()], vec!["ann".to_owned()])
            );
        }
    }
}

#[test]
fn switches_and_list_are_made_where_there_are_none() {
    for text in [
        "",
        "# mine\n",
        "listen.port: 8008",
        "{}",
        "auth { cookies { secure: true } }",
        "auth.fixed_users { enabled: false, users: null }",
        "auth.fixed_users { enabled: 0, pass_hashed: \"\" }",
        "auth.fixed_users { users: [] }\n",
        "auth.fixed_users.users: \"\"\n",
    ] {
        let merged = merge(&["jane"], text);
        for path in ["enabled: true", "pass_hashed: true", &added("jane")] {
            assert!(merged.text.contains(path), "{}", *merged.text);
        }
        assert_eq!((merged.kept.len(), merged.renewed.len()), (0, 0));
        assert_eq!(*merge(&["jane"], &merged.text).text, *merged.text);
    }
}

#[test]
fn a_switch_that_is_on_for_the_server_stays() {
    let text = "auth.fixed_users { enabled: yes, pass_hashed: 1, users: [{username: ann}] }";
    let merged = merge(&["jane"], text);
    assert!(
        merged.text.starts_with(text.strip_suffix("] }").unwrap()),
        "{}",
        *merged.text
    );
}

#[test]
fn plain_passwords_are_replaced_by_hashes_together() {
    let text = "auth {\r\n  # who\r\n  fixed_users {\r\n    enabled: false # not yet\r\n    pass_hashed: false\r\n    \
        users: [{username: john, password: \"MARKED5ecret\", name: J}, {username: jane, password: MARKED5ecret}]\r\n  }\r\n}\r\n";
    let merged = merge(&["jane", "john"], text);
    let hash = format!("\"{HASH}\"");
    let expected = text.replace("false", "true");
    let expected = expected
        .replace("\"MARKED5ecret\"", &hash)
        .replace(MARKED, &hash);
    assert_eq!(*merged.text, expected);
    assert_eq!(merged.renewed, ["jane", "john"]);
}

#[test]
fn what_would_lock_somebody_out_or_let_somebody_in_is_refused() {
    const USERS: &str =
        "users: [{username: ann, password: MARKED5ecret}, {username: eve, password: MARKED5ecret}]";
    for (text, expected) in [
        (
            format!("auth.fixed_users {{ enabled: true\n{USERS} }}"),
            "2:9: the passwords",
        ),
        (
            format!("auth.fixed_users {{ enabled: true\npass_hashed: false\n{USERS} }}"),
            "2:14: the passwords",
        ),
        (
            format!("auth.fixed_users {{ enabled: true\npass_hashed: null, {USERS} }}"),
            "2:14: the passwords",
        ),
        (
            format!("auth.fixed_users {{ pass_hashed: true\n{USERS} }}"),
            "2:9: the users of this file are switched off",
        ),
        (
            format!("auth.fixed_users {{ pass_hashed: true\n{USERS}\nenabled: \"\" }}"),
            "3:10: the users of this file are switched off",
        ),
    ] {
        let refused = refusal(&["bob"], &text);
        assert!(refused.starts_with(expected), "{text}\n{refused}");
        assert!(refused.contains(": ann, eve | "), "{refused}");
        let refused = refusal(&["ann", "bob"], &text);
        assert!(refused.contains(": eve | "), "{refused}");
        merge(&["ann", "eve"], &text);
    }
    let list: Vec<String> = (0..300)
        .map(|user| format!("{{username: u{user}}}"))
        .collect();
    let refused = refusal(
        &["bob"],
        &format!("auth.fixed_users.users: [{}]", list.join(",")),
    );
    assert!(refused.contains("u6, u7, and 292 more"), "{refused}");
}

/// Holds what is said of an `apiserver.conf`, for a keyset with jane, against how it begins. It says what to do as well.
fn refuses(cases: &[(String, &str)]) {
    for (text, expected) in cases {
        let refused = refusal(&["jane"], text);
        assert!(
            refused.starts_with(expected),
            "{text}\n{refused}\n{expected}"
        );
        assert!(!refused.ends_with("| "), "no help: {refused}");
    }
}

/// Fixed users that are enabled, and their list.
fn list(list: &str) -> String {
    format!("{ON}auth.fixed_users.users: {list}")
}

#[test]
fn what_is_put_together_is_refused_with_its_place() {
    refuses(&[
        (
            "auth.fixed_users: ${?USERS}".to_owned(),
            "1:19: auth.fixed_users.users is not set by",
        ),
        (
            "auth.fixed_users.users: ${?USERS} ${?MORE}".to_owned(),
            "1:25: auth.fixed_users.users is put together",
        ),
        (
            list("${USERS}"),
            "2:25: auth.fixed_users.users is put together",
        ),
        (
            list("[{username: ann}] ${?MORE}"),
            "2:25: auth.fixed_users.users is put together",
        ),
        (
            list("[{username: ann}] [{username: eve}]"),
            "2:25: auth.fixed_users.users is put together",
        ),
        (
            "auth.fixed_users.users += {a: 1}".to_owned(),
            "1:27: auth.fixed_users.users is put together",
        ),
        (
            "auth.fixed_users.users += {username: ann}\nauth.fixed_users.users += {username: eve}"
                .to_owned(),
            "2:1: an entry `users` is here twice | write all of it in one entry",
        ),
        (
            list("[{username: ann}]\nauth { fixed_users { users: [] } }"),
            "3:22: an entry `users` is here twice",
        ),
        ("include \"a\"".to_owned(), "1:1: an include"),
        (list("[include \"users.conf\"]"), "2:26: an include"),
        (
            "auth { \"-fixed_users\" { enabled: false } }".to_owned(),
            "1:8: a key with a dash",
        ),
        (
            "auth.fixed_users.enabled: true\nauth.fixed_users.enabled: false".to_owned(),
            "2:1: an entry `enabled` is here twice",
        ),
        (
            "auth.fixed_users.enabled: ${?ON}".to_owned(),
            "1:27: auth.fixed_users.enabled is put together",
        ),
        (
            "auth.fixed_users { enabled: true, pass_hashed: ${?HASHED}\nusers: [{username: ann}] }"
                .to_owned(),
            "1:48: auth.fixed_users.pass_hashed is put together",
        ),
    ]);
}

#[test]
fn entries_that_are_no_user_are_refused_with_their_place() {
    refuses(&[
        ("auth { fixed_users".to_owned(), "1:19: "),
        (
            list("{username: ann, password: MARKED5ecret}"),
            "2:25: auth.fixed_users.users is an object, not a list",
        ),
        (
            list("MARKED5ecret"),
            "2:25: auth.fixed_users.users is a text, not a list",
        ),
        (
            list("[MARKED5ecret]"),
            "2:26: auth.fixed_users.users: this entry is a text, not a user in braces",
        ),
        (
            list("[${ANN}]"),
            "2:26: auth.fixed_users.users: this entry is a `${…}`",
        ),
        (
            list("[{username: ${ANN}}]"),
            "2:26: auth.fixed_users.users: the username of this entry is a `${…}`",
        ),
        (
            list("[{username: 12}]"),
            "2:26: auth.fixed_users.users: the username of this entry is an integer",
        ),
        (
            list("[{name: MARKED5ecret}]"),
            "2:26: auth.fixed_users.users: this entry has no username",
        ),
        (
            list("[{username: ann}, {username: \"ann\"}]"),
            "2:43: auth.fixed_users.users: ann is here twice | keep one of the two",
        ),
        (
            list("[{username: jane, password: ${JANE}}]"),
            "2:53: password is put together",
        ),
        (
            list("[{username: jane}]"),
            "2:26: this entry has no `password`",
        ),
        (
            list("[{username: jane, password: a, password: b}]"),
            "2:56: an entry `password` is here twice",
        ),
        (
            list("[{username: jane} {password: MARKED5ecret}]"),
            "2:26: this entry is put together from several parts",
        ),
        (
            "j: {username: jane, password: MARKED5ecret}\n".to_owned() + &list("[${j}]"),
            "3:26: this entry is put together from several parts",
        ),
    ]);
}

#[test]
fn users_that_a_keyset_leaves_out_are_named() {
    let left_out = |text: &str| {
        let names = keyset(&["jane"]).users_left_out(text, Path::new("apiserver.conf"));
        names.map_err(|error| error.to_string())
    };
    let list =
        "auth.fixed_users.users: [{username: ann}, {username: jane}, {username: \"o\\\"b\"}]";
    assert_eq!(left_out(list).unwrap(), ["ann", "o\"b"]);
    assert_eq!(left_out("listen.port: 1").unwrap(), [""; 0]);
    assert!(left_out("include \"more\"").is_err());
    assert!(left_out("auth.fixed_users: ${?X}").is_err());
}

/// Pieces of a list, and of what stands around it.
fn file() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("\"q # uoted\""),
        Just("plain"),
        Just("${?V}"),
        Just("5s"),
        Just("12"),
        Just("\"\"\"t\"\"\""),
        Just("[1, {a: b}]"),
        Just("{a: {password: b}}"),
        Just("null"),
        Just("a b"),
    ];
    let key = prop_oneof![
        Just("username"),
        Just("password"),
        Just("name"),
        Just("\"password\""),
        Just("admin"),
        Just("company")
    ];
    let between = prop_oneof![
        Just(", "),
        Just("\n"),
        Just(" # c\n"),
        Just("\r\n\t"),
        Just(" // } ]\n")
    ];
    let name = prop_oneof![
        Just("ann"),
        Just("\"jane\""),
        Just("eve"),
        Just("jane"),
        Just("\"o'b\"")
    ];
    let entry = (
        name,
        prop::collection::vec((key, value, between.clone()), 0..4),
    )
        .prop_map(|(name, entries)| {
            let entries = entries
                .iter()
                .map(|(key, value, between)| format!("{between}{key}: {value}"));
            format!("{{username: {name}{}\n}}", entries.collect::<String>())
        });
    let list = prop::collection::vec((entry, between), 0..4).prop_map(|entries| {
        entries
            .iter()
            .map(|(entry, between)| format!("{entry}{between}"))
            .collect::<String>()
    });
    (list, 0..5_usize).prop_map(|(list, around)| match around {
        0 => format!("{ON}auth.fixed_users.users: [{list}]"),
        1 => format!("auth {{\n  fixed_users {{ enabled: true\n pass_hashed: true\n  users = [ # who\n{list}\n    ] }} }} # end\n"),
        2 => format!("{{auth {{fixed_users {{pass_hashed: yes, enabled: 1, users: [\n{list}]}}}}}}"),
        3 => format!("x: [{list}]\n{ON}auth.fixed_users {{ users: [{list}] }}\ny: ${{?Z}}\n"),
        _ => format!("{ON}auth.fixed_users.users: [{list}] [{list}]\n"),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever a file looks like: without what was put in, the new text is the old one.
    #[test]
    fn nothing_else_changes(text in file()) {
        let merged = keyset(&["jane", "bob"]).merge_apiserver(Changes::default(), &text, Path::new("apiserver.conf"));
        if let Ok(merged) = merged {
            let new = &*merged.text;
            let bare = |text: &str| text.split_ascii_whitespace().collect::<String>();
            let mut rest = bare(new);
            for name in ["jane", "bob"] {
                rest = rest.replace(&bare(&added(name)), "");
            }
            // What is not the same at both ends is one value, and the hash in its place.
            let old = bare(&text);
            let pairs = old.bytes().zip(rest.bytes());
            let start = pairs.take_while(|(a, b)| a == b).count();
            let pairs = old.bytes().skip(start).rev().zip(rest.bytes().skip(start).rev());
            let end = pairs.take_while(|(a, b)| a == b).count();
            let (was, is) = (&old[start..old.len() - end], &rest[start..rest.len() - end]);
            prop_assert!(was.len() < 20 && format!("\"{HASH}\"").contains(is), "{}\n---\n{}", text, new);
            prop_assert!(merged.renewed == ["jane"] || was.is_empty(), "{}\n---\n{}", text, new);
            for name in ["ann", "eve", "o'b"] {
                prop_assert_eq!(text.matches(name).count(), new.matches(name).count());
            }
            let again = keyset(&["jane", "bob"]).merge_apiserver(Changes::default(), new, Path::new("apiserver.conf")).unwrap();
            prop_assert_eq!(&*again.text, new);
        }
    }
}

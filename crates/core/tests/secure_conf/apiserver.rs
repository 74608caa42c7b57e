//! Users put into an `apiserver.conf`, against pyhocon itself: it reads those of the file as they were, with the
//! keyset's beside them, and everything else as it was.

use std::path::Path;

use clearml_secure_core::keyset::{Changes, Keyset, User};
use clearml_secure_core::secret::Secret;
use serde_json::{Value as Json, json};

use crate::generator::Generator;
use crate::leaves;
use crate::oracle::Oracle;
use crate::oracles::{self, number};

const FILES: usize = 300;

const USERS: &str = "secure.auth.fixed_users.users";

/// Some of the keyset are in some of the files.
const OF_FILES: [&str; 4] = ["ann", "\"jane\"", "o'b", "\"Jürgen = [1]\""];
const OF_KEYSET: [&str; 3] = ["jane", "ann", "bob"];

fn entry(generator: &mut Generator, username: &str) -> String {
    let mut entries = vec![
        format!(
            "username{}{username}",
            generator.one(&[": ", "=", " = ", ":\n  "])
        ),
        format!(
            "{}: {}",
            generator.one(&["password", "\"password\""]),
            generator.one(&[
                "\"JDJi\"",
                "JDJi",
                "12",
                "\"\"\"p\"\"\"",
                "\"# } ]\"",
                "a b"
            ])
        ),
    ];
    for more in [
        "name: Some One",
        "company: \"c\"",
        "is_guest: true",
        "x: ${?E}",
        "y: [{password: q}]",
    ] {
        if generator.below(3) == 0 {
            entries.push(more.to_owned());
        }
    }
    let length = entries.len();
    entries.swap(0, generator.below(length));
    let between = generator.one(&[", ", "\n    ", " # why }\n", " // ]\r\n"]);
    let (open, close) = (
        generator.one(&["{", "{ ", "{\n"]),
        generator.one(&["}", "\n}", "\t\n }"]),
    );
    format!("{open}{}{close}", entries.join(between))
}

fn file(generator: &mut Generator) -> String {
    let mut names: Vec<&str> = OF_FILES
        .into_iter()
        .filter(|_| generator.below(2) == 0)
        .collect();
    let length = names.len().max(1);
    names.rotate_left(generator.below(length) % length);
    let between = generator.one(&[", ", "\n", "\n  # next\n  ", " // ]\n"]);
    let entries: Vec<String> = names.iter().map(|name| entry(generator, name)).collect();
    let tail = generator.one(&["", "\n", " # the last\n  ", ",\n", " "]);
    let list = format!("[{}{tail}]", entries.join(between));
    let on = generator.one(&["enabled: true", "enabled = TRUE # on", "\"enabled\": yes"]);
    let rest = generator.one(&[
        "",
        "cookies { secure: true }\n",
        "x: ${?E}\n",
        "listen.port: 8008\n",
    ]);
    match generator.below(4) {
        0 => format!(
            "{rest}auth.fixed_users {{ {on}\npass_hashed: true }}\nauth.fixed_users.users: {list}"
        ),
        1 => format!(
            "# mine\r\nauth {{\r\n  fixed_users {{\r\n    {on}\n    pass_hashed: 1\n    users = {list}\n  }}\n}}\n{rest}"
        ),
        2 => format!(
            "{{ auth {{ fixed_users {{ {on}\n pass_hashed: true, users: {list}\n}} }}\n{rest} }} # end"
        ),
        _ => format!(
            "{rest}auth {{ fixed_users {{ users: {list} // all\n {on}\n }} }}\nauth.fixed_users.pass_hashed: true"
        ),
    }
}

fn keyset() -> Keyset {
    let mut keyset = Keyset::new();
    for (index, name) in OF_KEYSET.iter().enumerate() {
        let user = User {
            username: (*name).to_owned(),
            name: format!("\"{name}\" #"),
            password_hash: Secret::new(format!("HASH{index}==")),
        };
        keyset.add_user(user).unwrap();
    }
    keyset
}

/// Which entry of an object in the oracle's form has a key.
fn place(object: &Json, key: &str) -> usize {
    let entries = object["object"].as_array().unwrap();
    entries.iter().position(|entry| entry[0] == key).unwrap()
}

#[test]
fn pyhocon_reads_every_user_of_file_and_keyset() {
    let Some(python) = oracles::python() else {
        oracles::skip("merged apiserver.conf files: pyhocon is not set up");
        return;
    };
    let mut oracle = Oracle::start(&python);
    let seed = number("CLEARML_SECURE_SEED", 0x5ec0_7e57);
    let count = FILES * number("CLEARML_SECURE_FUZZ", 1) as usize;
    let mut generator = Generator::new(seed);
    let (mut kept, mut renewed, mut gone) = (0, 0, 0);
    for _ in 0..count {
        let text = file(&mut generator);
        // Also of one whom the keyset has: a new user of that name comes last.
        let removed: Vec<String> = ["ann", "jane", "o'b", "Jürgen = [1]"]
            .into_iter()
            .filter(|_| generator.below(4) == 0)
            .map(str::to_owned)
            .collect();
        let changes = Changes {
            removed: &removed,
            reset: &[],
            ..Changes::default()
        };
        let merged = keyset().merge_apiserver(changes, &text, Path::new("apiserver.conf"));
        let merged = merged.unwrap_or_else(|error| panic!("{error}\n{text}"));
        kept += merged.kept.len();
        renewed += merged.renewed.len();

        let mut old = leaves(&mut oracle, &text);
        let mut new = leaves(&mut oracle, &merged.text);
        let mut expected = old.remove(USERS).unwrap();
        let expected = expected["list"].as_array_mut().unwrap();
        let before = expected.len();
        expected.retain(|user| {
            let name = &user["object"][place(user, "username")][1]["text"];
            !removed.iter().any(|removed| name == removed)
        });
        gone += before - expected.len();
        for (index, name) in OF_KEYSET.iter().enumerate() {
            let hash = json!({"text": format!("HASH{index}==")});
            let is_named =
                |user: &&mut Json| user["object"][place(user, "username")][1]["text"] == *name;
            match expected.iter_mut().find(is_named) {
                Some(user) => {
                    let password = place(user, "password");
                    user["object"][password][1] = hash;
                }
                None => expected.push(json!({"object": [
                    ["username", {"text": name}],
                    ["password", hash],
                    ["name", {"text": format!("\"{name}\" #")}],
                ]})),
            }
        }
        let found = new.remove(USERS).unwrap();
        assert_eq!(
            found["list"].as_array().unwrap(),
            expected,
            "{text}\n---\n{}",
            *merged.text
        );
        assert_eq!(old, new, "{text}\n---\n{}", *merged.text);
    }
    eprintln!(
        "{count} files merged: {kept} users kept, {renewed} with a new password, {gone} removed; seed {seed}"
    );
    assert!(kept > FILES / 2 && renewed > FILES / 2 && gone > FILES / 4);
}

//! Merged `secure.conf` files against pyhocon itself: it reads the settings as they are meant, and everything else as
//! it was.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "the helpers of a test may fail as the test does, and say what was compared"
)]

#[path = "secure_conf/apiserver.rs"]
mod apiserver;
#[path = "secure_conf/generator.rs"]
mod generator;
#[path = "../../pyhocon/tests/hocon_oracle/oracle.rs"]
#[allow(dead_code, reason = "it is written for the tests of pyhocon, too")]
mod oracle;
#[path = "../../../tests/oracles/oracle.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod oracles;

use std::collections::BTreeMap;
use std::path::Path;

use clearml_secure_core::keyset::{Keyset, User};
use clearml_secure_core::secret::Secret;
use clearml_secure_core::setting::{SETTINGS, Setting};
use generator::Generator;
use oracle::{Case, Oracle, normalise};
use oracles::number;
use serde_json::Value as Json;

const FILES: usize = 200;

/// What pyhocon reads, by path. An empty object is a leaf, too.
fn leaves(oracle: &mut Oracle, text: &str) -> BTreeMap<String, Json> {
    fn walk(path: &str, tree: &Json, into: &mut BTreeMap<String, Json>) {
        match tree["object"].as_array() {
            Some(entries) if !entries.is_empty() => {
                for entry in entries {
                    let name = entry[0].as_str().unwrap();
                    walk(&format!("{path}.{name}"), &entry[1], into);
                }
            }
            _ => {
                into.insert(path.to_owned(), tree.clone());
            }
        }
    }
    let case = Case {
        path: None,
        text: text.to_owned(),
        environment: BTreeMap::from([("E".to_owned(), "from env".to_owned())]),
        files: BTreeMap::new(),
    };
    let mut tree = oracle
        .ask(&case, false)
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    normalise(&mut tree);
    let mut leaves = BTreeMap::new();
    walk("secure", &tree, &mut leaves);
    leaves
}

fn quoted(value: &Secret) -> String {
    let escaped = value.expose().replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

/// Generated values and one that needs every escape.
fn renew(keyset: &mut Keyset, setting: Setting, generator: &mut Generator) {
    if generator.below(4) == 0 {
        keyset
            .set(setting, Secret::from("n\\ew #$ \"5s\" ${x} //"))
            .unwrap();
    } else {
        keyset.generate(setting).unwrap();
    }
}

fn is_above_a_setting(path: &str) -> bool {
    let inside = format!("{path}.");
    let mut paths = SETTINGS.iter().map(|setting| setting.path());
    paths.any(|path| path.starts_with(&inside))
}

#[test]
fn pyhocon_reads_generated_files_as_they_are_meant() {
    let Some(python) = oracles::python() else {
        oracles::skip("merged secure.conf files: pyhocon is not set up");
        return;
    };
    let mut oracle = Oracle::start(&python);
    let seed = number("CLEARML_SECURE_SEED", 0x5ec0_7e57);
    let count = FILES * number("CLEARML_SECURE_FUZZ", 1) as usize;
    let mut generator = Generator::new(seed);
    let (mut changed, mut added) = (0, 0);
    for _ in 0..count {
        let file = generator.file();
        let text = file.text();
        let path = Path::new("secure.conf");
        let mut keyset = Keyset::read(&text, path).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let before = keyset.clone();
        let missing = keyset.missing();
        for setting in SETTINGS {
            if missing.contains(&setting) || generator.below(3) == 0 {
                renew(&mut keyset, setting, &mut generator);
            }
        }
        if generator.below(3) == 0 {
            let user = User {
                username: "jane".to_owned(),
                name: "J \"Ö\" O'Brien".to_owned(),
                password_hash: Secret::from("JDJiJA=="),
            };
            keyset.add_user(user).unwrap();
        }
        let merged = keyset.merge(&text, path).unwrap();
        let merged = merged.unwrap_or_else(|error| panic!("{error}\n{text}"));

        // Every byte that is no changed value is where it was.
        let value = |setting| {
            let (old, new) = (before.get(setting), keyset.get(setting).unwrap());
            (old != Some(new)).then(|| quoted(new))
        };
        let [start, end] = file.around(&value);
        assert!(
            merged.starts_with(&start) && merged.ends_with(&end),
            "{text}\n---\n{}",
            *merged
        );

        let mut old = leaves(&mut oracle, &text);
        let mut new = leaves(&mut oracle, &merged);
        for setting in SETTINGS {
            let text = keyset.get(setting).unwrap().expose();
            let was = old.remove(setting.path());
            let is = new.remove(setting.path()).unwrap();
            assert_eq!(is["text"].as_str(), Some(text), "{}", *merged);
            match was {
                None => added += 1,
                Some(was) if was != is => changed += 1,
                Some(_) => {}
            }
        }
        let users = new.remove("secure.users");
        assert_eq!(users.is_some(), !keyset.users().is_empty());
        // An object that was empty may have got an entry.
        for leaves in [&mut old, &mut new] {
            leaves.retain(|path, tree| !(tree["object"].is_array() && is_above_a_setting(path)));
        }
        assert_eq!(old, new, "{text}\n---\n{}", *merged);
    }
    eprintln!("{count} files merged: {changed} values replaced, {added} added; seed {seed}");
    assert!(changed > count && added > count);
}

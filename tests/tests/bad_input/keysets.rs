//! Texts that are no keyset.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use e2e::keyset::Keyset;
use e2e::program::{Run, clearml};

use super::{COMPOSE, MARK, leaked};

#[test]
fn bad_keysets_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let compose = COMPOSE.replace("MARK", MARK);
    fs::write(folder.path().join("compose.yml"), &compose).unwrap();
    let json = Keyset::generate();
    let mut failures = Vec::new();
    for format in ["env", "json", "yaml", "toml", "hocon", "kubernetes"] {
        let text = clearml("keygen")
            .args(["--from", "-", "-f", format])
            .stdin(json.text.as_str())
            .done()
            .exit(0)
            .stdout;
        for (what, bad, is_complete) in bad_keysets(format, &text, &json) {
            fs::write(folder.path().join("keys"), &bad).unwrap();
            let within = |run: Run| run.within(folder.path());
            let mut runs = vec![
                within(clearml("inject").args(["-k", "keys", "compose.yml"])),
                within(clearml("inject").arg("compose.yml")).stdin(bad.clone()),
                within(clearml("inject").args(["-k", "keys", "-i", "compose.yml"])),
            ];
            if is_complete {
                // keygen generates what a keyset lacks, so only for it is a part of one good enough.
                runs.push(within(clearml("keygen").args(["--from", "keys"])));
                runs.push(within(
                    clearml("keygen").args(["--from", "keys", "-o", "new"]),
                ));
            }
            for run in runs {
                let done = run.done();
                if done.status != Some(2) || !done.stdout.is_empty() || done.stderr.is_empty() {
                    failures.push(format!("{format}, {what}: {}", done.report()));
                }
                let heard = format!("{}{}", done.stdout, done.stderr);
                let shows_another = json.values.values().any(|value| heard.contains(value));
                if leaked(&done).is_err() || shows_another {
                    failures.push(format!("{format}, {what}: a secret was printed"));
                }
                if folder.path().join("new").exists() {
                    failures.push(format!("{format}, {what}: a file was written"));
                    fs::remove_file(folder.path().join("new")).unwrap();
                }
            }
        }
    }
    let after = fs::read_to_string(folder.path().join("compose.yml")).unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(after, compose, "the original was touched");
}

/// What it is, the text, and whether nothing is missing in it.
fn bad_keysets(format: &str, text: &str, keyset: &Keyset) -> Vec<(&'static str, Vec<u8>, bool)> {
    // A Secret of Kubernetes holds base64.
    let spelt = |value: &str| match format {
        "kubernetes" => STANDARD.encode(value),
        _ => value.to_owned(),
    };
    let token = &*spelt(keyset.get("secure.auth.token_secret"));
    let mark = &*spelt(MARK);
    let line = text
        .lines()
        .find(|line| line.contains(token))
        .unwrap_or_else(|| panic!("{format} has no line for a setting"));
    let marked = line.replace(token, mark);
    let mut bad = vec![
        (
            "a missing entry",
            text.replace(&format!("{line}\n"), ""),
            false,
        ),
        (
            "a doubled entry",
            text.replace(line, &format!("{line}\n{marked}")),
            true,
        ),
        ("an empty value", text.replace(token, ""), false),
        (
            "cut in the middle of a value",
            {
                let at = text.find(token).unwrap();
                format!("{}{}", &text[..at], &mark[..20])
            },
            false,
        ),
        ("empty", String::new(), false),
        ("no keyset at all", format!("{MARK}\n"), true),
        ("a compose file", COMPOSE.replace("MARK", MARK), true),
    ];
    let unknown = match format {
        "env" => Some(format!("{text}CLEARML__SECURE__NOPE={MARK}\n")),
        "json" => Some(text.replace(line, &format!("{line}\n\"secure.nope\": \"{MARK}\","))),
        _ => None,
    };
    if let Some(unknown) = unknown {
        bad.push(("an unknown entry", unknown, true));
    }
    let mut bad: Vec<_> = bad
        .into_iter()
        .map(|(what, text, is_complete)| (what, text.into_bytes(), is_complete))
        .collect();
    let mut bytes = text.replace(token, mark).into_bytes();
    bytes.push(0xff);
    bad.push(("not UTF-8", bytes, true));
    bad
}

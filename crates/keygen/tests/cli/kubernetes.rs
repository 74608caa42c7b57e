//! A Secret and the values that name it.

use std::collections::BTreeSet;

use super::*;

const USERS: &str = "{\"username\": \"jane\", \"password\": \"Zq7-four-Words:here\"}\n";

/// The names that a Secret has under `data`, by the Secret's name.
fn secrets(text: &str) -> Vec<(String, BTreeSet<String>)> {
    text.split("---\n")
        .map(|document| {
            let mut lines = document.lines().filter(|line| !line.starts_with('#'));
            let name = lines
                .find_map(|line| line.strip_prefix("  name: "))
                .unwrap();
            let data = lines.skip_while(|line| *line != "data:").skip(1);
            let keys = data.filter_map(|line| line.trim().split(':').next());
            (name.to_owned(), keys.map(str::to_owned).collect())
        })
        .collect()
}

/// The references of a values file, as `Secret/key`.
fn references(values: &str) -> BTreeSet<String> {
    let of = |line: &str| {
        let rest = line.split_once("secretKeyRef: {name: ")?.1;
        let (name, key) = rest.trim_end_matches('}').split_once(", key: ")?;
        Some(format!("{name}/{key}"))
    };
    values.lines().filter_map(of).collect()
}

#[test]
fn values_name_keys_that_the_secret_has_and_hold_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("k.yaml");
    let secret = finish(
        {
            let mut keygen = command(&[
                "-f",
                "kubernetes",
                "--secret",
                "my.keys",
                "--users-from",
                "-",
                "-q",
                "-o",
            ]);
            keygen.arg(&path);
            keygen
        },
        USERS,
    );
    assert_eq!(secret.product(), "");
    let text = fs::read_to_string(&path).unwrap();
    let secrets = secrets(&text);
    let names: Vec<&str> = secrets.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["my.keys", "my.keys-logins"]);
    assert_eq!(secrets[0].1.len(), 12);
    assert_eq!(secrets[1].1, BTreeSet::from(["apiserver.conf".to_owned()]));

    let from = path.to_string_lossy().into_owned();
    let values = run(&["-f", "helm", "--secret", "my.keys", "--from", &from, "-q"]).product();
    let has = |reference: &String| {
        secrets[0]
            .1
            .iter()
            .any(|key| *reference == format!("my.keys/{key}"))
    };
    let references = references(&values);
    assert_eq!(references.len(), 7, "{values}");
    assert!(references.iter().all(has), "{values}");
    assert!(values.contains("existingSecret: my.keys\n"), "{values}");
    assert!(
        values.contains("existingAdditionalConfigsSecret: my.keys-logins\n"),
        "{values}"
    );
    // Nothing that helm or Kubernetes would take for two of one name.
    let variables: Vec<&str> = values
        .lines()
        .filter_map(|line| line.strip_prefix("    - name: "))
        .collect();
    let unique: BTreeSet<String> = variables.iter().map(|name| name.to_lowercase()).collect();
    assert_eq!(variables.len(), unique.len() + 2, "{variables:?}");

    // Servers of older charts have no account of the file server, and make no users then.
    assert!(values.contains("chart, 7.11.0 and later"), "{values}");

    let without = run(&["-f", "helm", "-q"]).product();
    assert!(without.contains("chart, 7.2.1 and later"), "{without}");
    assert!(
        !without.contains("existingAdditionalConfigsSecret"),
        "{without}"
    );
    assert!(
        without.contains("existingSecret: clearml-keys\n"),
        "{without}"
    );
}

#[test]
fn a_name_that_yaml_takes_for_something_else_is_in_quotes() {
    for name in ["123", "1e5", "on", "true"] {
        let secret = run(&["-f", "kubernetes", "--secret", name, "-q"]).product();
        assert!(secret.contains(&format!("  name: '{name}'\n")), "{secret}");
        let values = run(&["-f", "helm", "--secret", name, "-q"]).product();
        let reference = format!("secretKeyRef: {{name: '{name}', key: session_secret}}");
        assert!(values.contains(&reference), "{values}");
    }
}

#[test]
fn what_makes_no_sense_with_kubernetes_is_refused() {
    for (args, message) in [
        (
            &["-f", "helm", "--user", "jane", "--passwords", "-"][..],
            "prints values without keys",
        ),
        (&["--secret", "x"], "--secret is for Kubernetes only"),
        (
            &["-f", "helm", "--secret", "Not_a name"],
            "Kubernetes does not accept this name",
        ),
        (
            &["-f", "kubernetes", "--secret", "clearml-conf"],
            "the chart makes a Secret of this name itself",
        ),
        (
            &["-f", "kubernetes", "--secret=-x"],
            "Kubernetes does not accept this name",
        ),
        (
            &["-f", "kubernetes", "--secret", ""],
            "Kubernetes does not accept this name",
        ),
    ] {
        let done = run(args);
        assert_eq!(
            (done.status, done.stdout.as_str()),
            (Some(2), ""),
            "{args:?}"
        );
        assert!(done.stderr.contains(message), "{args:?}: {}", done.stderr);
    }
}

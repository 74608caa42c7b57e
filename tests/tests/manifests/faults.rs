//! What keeps a pod from starting, what helm refuses, and what anyone with the role `view` can read.

use e2e::fresh::fresh;
use e2e::keyset::Keyset;
use e2e::kubernetes::Kubernetes;

use super::{counts, findings, printed, report};

#[test]
fn five_of_the_seven_keys_are_not_enough() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let secret = printed(
        &Keyset::generate().text,
        &["kubernetes", "--secret", "five"],
    );
    let secret: String = secret
        .lines()
        .filter(|line| !line.starts_with("  fileserver_"))
        .map(|line| format!("{line}\n"))
        .collect();
    let rendered = kubernetes.render(&["clearml: {existingSecret: five}"]);
    let report = report(&[&rendered, &secret], &[]);
    let missing = findings(&report)
        .iter()
        .filter(|finding| finding["rule"] == "missing-secret-key");
    let messages: Vec<&str> = missing
        .map(|finding| finding["message"].as_str().unwrap())
        .collect();
    assert_eq!(messages.len(), 2, "{report}");
    for key in ["fileserver_key", "fileserver_secret"] {
        assert!(
            messages.iter().any(|message| message.contains(key)),
            "{messages:?}"
        );
    }
}

#[test]
fn a_name_that_is_there_twice_is_refused_by_helm_and_found() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let values = "fileserver:\n  extraEnvs:\n  - {name: USER_KEY, value: mine}\n";
    let rendered = kubernetes.render(&[values]);
    let environments = kubernetes.environments(&rendered).unwrap();
    let names = environments
        .iter()
        .flat_map(|one| &one.variables)
        .filter(|(name, _)| name == "USER_KEY");
    assert_eq!(names.count(), 2);
    assert_eq!(
        counts(&report(&[&rendered], &[]), "error")["duplicate-variable"],
        1
    );
}

#[test]
fn a_value_in_a_workload_is_for_everybody_who_may_view_it() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let value = &fresh("Zw6Nk1RvQd8XsLm3TbYp5HcGf9JaU2eK7oViB4tE");
    let values = format!(
        "apiserver:\n  extraEnvs:\n  - {{name: CLEARML__SECURE__HTTP__SESSION_SECRET__APISERVER, value: {value}}}\n"
    );
    let rendered = kubernetes.render(&[&values]);
    let line = rendered
        .lines()
        .position(|line| line.contains(value))
        .unwrap()
        + 1;
    let report = report(&[&rendered], &[]);
    let viewable = findings(&report)
        .iter()
        .filter(|finding| finding["rule"] == "viewable-secret");
    // The entry of the variable is the line with its name, above the value.
    let lines: Vec<_> = viewable
        .map(|finding| finding["place"]["line"].as_u64().unwrap() as usize)
        .collect();
    assert_eq!(lines, [line - 1], "{report}");
    assert!(!report.to_string().contains(value));
    // Of a reference, nothing is said.
    let keyset = Keyset::generate().text;
    let secured = kubernetes.render(&[&printed(&keyset, &["helm"])]);
    let secret = printed(&keyset, &["kubernetes"]);
    let settings_alone = super::report(&[&secured, &secret], &[]);
    let said = findings(&settings_alone).iter().filter(|finding| {
        finding["rule"] == "viewable-secret"
            && finding["message"]
                .as_str()
                .unwrap()
                .contains("session_secret")
    });
    assert_eq!(said.count(), 0, "{settings_alone}");
}

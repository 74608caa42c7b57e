//! Two releases: one with the public defaults, one with keys of its own, in every way in which they come together.

use e2e::keyset::Keyset;
use e2e::kubernetes::Kubernetes;
use serde_json::json;

use super::{DOCUMENTED, counts, findings, report};

/// The objects of a rendering with a namespace each, as the cluster has them.
fn within(kubernetes: &Kubernetes, namespace: &str, manifests: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("all.yaml"), manifests).unwrap();
    let kustomization = format!("resources: [all.yaml]\nnamespace: {namespace}\n");
    std::fs::write(folder.path().join("kustomization.yaml"), kustomization).unwrap();
    let done = kubernetes
        .kubectl()
        .arg("kustomize")
        .arg(folder.path())
        .done();
    done.exit(0).stdout
}

#[test]
fn releases_in_namespaces_are_not_mixed() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let stock = within(&kubernetes, "first", &kubernetes.render(&[]));
    let own = within(&kubernetes, "second", &kubernetes.render(&[DOCUMENTED]));
    for texts in [vec![format!("{stock}---\n{own}")], vec![stock, own.clone()]] {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let report = report(&texts, &[]);
        assert_eq!(
            counts(&report, "error")["default-credential"],
            6,
            "{report}"
        );
        assert_eq!(counts(&report, "error")["missing-setting"], 10, "{report}");
        assert_eq!(report["unknown"], json!([]));
    }
    assert!(!counts(&report(&[&own], &[]), "error").contains_key("default-credential"));
}

#[test]
fn renderings_without_namespaces_are_apart_as_targets_and_unclear_in_one_stream() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let [stock, own] = [kubernetes.render(&[]), kubernetes.render(&[DOCUMENTED])];
    let report_of_two = report(&[&stock, &own], &[]);
    assert_eq!(
        counts(&report_of_two, "error")["default-credential"],
        6,
        "{report_of_two}"
    );
    let of_first = findings(&report_of_two)
        .iter()
        .filter(|finding| finding["rule"] == "default-credential");
    for finding in of_first {
        assert_eq!(finding["place"]["file"], "0.yaml", "{finding}");
    }
    let other = kubernetes
        .helm()
        .args(["template", "other"])
        .arg(e2e::kubernetes::chart())
        .args(["--kube-version", "1.30.0"])
        .done()
        .exit(0)
        .stdout;
    // Nothing says which of the two Secrets each release means.
    let differing = report(&[&format!("{own}---\n{other}")], &[]);
    assert!(
        !counts(&differing, "error").contains_key("default-credential"),
        "{differing}"
    );
    let unknown = differing["unknown"].to_string();
    assert!(unknown.contains("clearml-conf"), "{differing}");
    // Two Secrets that are the same are one.
    let equal = report(&[&format!("{stock}---\n{other}")], &[]);
    assert_eq!(counts(&equal, "error")["default-credential"], 12, "{equal}");
    assert_eq!(equal["unknown"], json!([]));
}

#[test]
fn a_keyset_of_another_release_is_said() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let (keyset, other) = (Keyset::generate(), Keyset::generate());
    let values = super::printed(&keyset.text, &["helm"]);
    let rendered = kubernetes.render(&[&values]);
    let secret = |keyset: &Keyset, namespace: &str| {
        let secret = super::printed(&keyset.text, &["kubernetes"]);
        within(&kubernetes, namespace, &secret)
    };
    // Of two Secrets, the one of its own namespace is meant.
    let ours = within(&kubernetes, "first", &rendered);
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.json");
    std::fs::write(&keys, &keyset.text).unwrap();
    let arguments = ["--keys", keys.to_str().unwrap()];
    let right = report(
        &[&ours, &secret(&keyset, "first"), &secret(&other, "second")],
        &arguments,
    );
    assert_eq!(counts(&right, "error").len(), 0, "{right}");
    let wrong = report(
        &[&ours, &secret(&other, "first"), &secret(&keyset, "second")],
        &arguments,
    );
    assert!(!counts(&wrong, "error").is_empty(), "{wrong}");
}

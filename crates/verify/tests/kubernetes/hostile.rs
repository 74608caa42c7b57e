//! What no cluster has, or somebody made to do harm: every one of them ends with a message and a place, and quotes no
//! value.

use crate::chart::{Chart, secret};
use crate::common::{folder_with, run};

const MARK: &str = "MARKEDhunter2MARKED";

fn look(text: &str) -> (i32, String) {
    let folder = folder_with(&[]);
    std::fs::write(folder.path().join("a.yaml"), text).unwrap();
    let (code, stdout, stderr) = run(&["a.yaml"], folder.path());
    let said = String::from_utf8(stdout).unwrap() + &stderr;
    assert!(!said.contains(MARK), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    (code, said)
}

#[test]
fn broken_texts_are_refused_with_a_place() {
    let stock = Chart::default().render();
    let deep = |open: &str, close: &str| {
        format!(
            "{{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {{\"name\": \"a\"}}, \"data\": {}{}}}",
            open.repeat(100_000),
            close.repeat(100_000)
        )
    };
    for (text, message) in [
        (
            format!("{stock}---\napiVersion: v1\nkind: Secret\ndata:\n\tkey: {MARK}\n"),
            "a.yaml:",
        ),
        (
            format!("apiVersion: v1\nkind: Secret\ndata: {{key: {MARK}\n"),
            "a.yaml:",
        ),
        (
            format!("apiVersion: v1\nkind: Secret\ndata: {{a: *{MARK}}}\n"),
            "an anchor that is not there",
        ),
        (
            stock.replace("---\n", ""),
            "a.yaml:15:1: a second object begins here",
        ),
        (deep("[", "]"), "nested deeper than 128"),
        (deep("{\"a\":", "}"), "a.yaml:1:"),
        (
            format!(
                "apiVersion: v1\nkind: Secret\ndata: {}",
                "[".repeat(100_000)
            ),
            "nested deeper than 128",
        ),
        (
            format!("{{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{MARK}"),
            "a.yaml:1:",
        ),
    ] {
        let (code, said) = look(&text);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(message), "{message}: {said}");
    }
}

#[test]
fn an_object_that_is_too_large_is_refused() {
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  a: |\n{}",
        format!("    {}\n", "x".repeat(1000)).repeat(60_000)
    );
    let (code, said) = look(&text);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("a.yaml:1:1: this object is larger than Kubernetes takes it"),
        "{said}"
    );
}

#[test]
fn what_is_no_base64_is_said_at_its_place_and_others_are_read() {
    let stock = Chart::default().render();
    let encoded = crate::chart::encoded("ymLh1ok5k5xNUQfS944Xdx9xjf0wueokqKM2dMZfHuH9ayItG2");
    for value in [MARK, "YQ", "YQ=", "Y===", "\"YQ ==\"", "-_-_", "5"] {
        let text = stock.replace(&encoded, value);
        let (code, said) = look(&text);
        assert_eq!(code, 1, "{value}: {said}");
        assert!(said.contains("Kubernetes refuses"), "{value}: {said}");
        assert!(said.contains("default-credential"), "{value}: {said}");
    }
    // Line breaks do not count.
    let (first, second) = encoded.split_at(20);
    let text = stock.replace(&encoded, &format!("\"{first}\\n{second}\\r\\n\""));
    assert_eq!(look(&text).1, look(&stock).1);
    let (code, said) = look(&stock.replace(&encoded, "//79"));
    assert!(code == 1 && said.contains("is not UTF-8"), "{said}");
}

#[test]
fn other_documents_are_of_no_matter() {
    let stock = Chart::default().render();
    let expected = look(&stock).1;
    let crd = "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: servers.clearml/server}\nspec: {x: [}\n";
    let release = format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: sh.helm.release.v1.clearml.v1}}\ntype: helm.sh/release.v1\ndata: {{release: {MARK}}}\n"
    );
    for more in [
        "---\n",
        "---\n---\n# nothing\n---\n",
        "---\nnull\n",
        "---\n- a\n- b\n",
        "---\njust text\n",
        "---\nkind: Deployment\n",
        "...\n",
        crd,
        &release,
        &secret("other", None, &[("a", MARK)]),
    ] {
        assert_eq!(look(&format!("{stock}{more}")).1, expected, "{more}");
    }
}

#[test]
fn anchors_are_followed() {
    let stock = Chart::default().render();
    let anchored = stock
        .replacen("args: [apiserver]", "args: &a [apiserver]", 1)
        .replacen(
            "name: init\n",
            "name: init\n        workingDir: &w /tmp\n        stdin: *w\n",
            1,
        );
    let count = |text: &str| look(text).1.matches("missing-setting").count();
    assert_eq!(count(&anchored), count(&stock));
}

//! The environment as the kubelet makes it, held against `kubectl set env --list` where that can tell.

use crate::chart::{effective, look};
use crate::forms::run_kubectl;

/// A Deployment of an API server with these entries of `env`, and what is before them.
fn apiserver(before: &str, env: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: clearml-apiserver, namespace: ns}}\nspec:\n  selector: \
         {{matchLabels: {{a: b}}}}\n  template:\n    metadata: {{labels: {{a: b}}}}\n    spec:\n      containers:\n      - name: c\n        \
         image: clearml/server:2.3.0\n        args: [apiserver]\n{before}        env:\n{env}"
    )
}

fn entry(name: &str, value: &str) -> String {
    format!("        - {{name: {name}, value: {value}}}\n")
}

const TOKEN: &str = "CLEARML__SECURE__AUTH__TOKEN_SECRET";
/// Values that say which of several is read: a weak one, one of the user's own, and a public one.
const WEAK: &str = "abc";
const OWN: &str = "q7Zr3Tn8Vw2Xk9Lm4Pb6";
const PUBLIC: &str = "1SCf0ov3Nm544Td2oZ0gXSrsNx5XhMWdVlKz1tOgcx158bD5RV";

/// What the token secret is.
fn token(manifests: &str) -> String {
    let read = effective(&[("a.yaml", manifests)], &["a.yaml"]);
    let token = read.iter().find(|one| one.contains("token_secret"));
    let words: Vec<&str> = token.unwrap().split(' ').collect();
    words[2].to_owned()
}

#[test]
fn what_sops_has_encrypted_is_not_known_in_a_workload_either() {
    let encrypted = entry(
        TOKEN,
        "\"ENC[AES256_GCM,data:eA==,iv:eA==,tag:eA==,type:str]\"",
    );
    assert_eq!(token(&apiserver("", &encrypted)), "unknown");
}

/// Tags of compose are nobody's in a manifest: kubectl takes what is behind them.
#[test]
fn tags_of_compose_take_nothing_out() {
    let tagged = entry(TOKEN, &format!("!reset {WEAK}"));
    assert_eq!(token(&apiserver("", &tagged)), "weak");
    let tagged = format!("        - !reset {{name: {TOKEN}, value: {WEAK}}}\n");
    assert_eq!(token(&apiserver("", &tagged)), "weak");
}

#[test]
fn later_entries_win_and_references_are_expanded() {
    let own = crate::common::fresh(OWN);
    let source = |kind: &str, name: &str, value: &str| match kind {
        "ConfigMap" => format!(
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: ns}}\ndata: {{{TOKEN}: {value}, SECRET: {value}}}\n"
        ),
        _ => crate::chart::secret(name, Some("ns"), &[(TOKEN, value), ("SECRET", value)]),
    };
    let from = |names: &[(&str, &str)]| {
        let items: String = names
            .iter()
            .map(|(kind, name)| format!("        - {kind}: {{name: {name}}}\n"))
            .collect();
        format!("        envFrom:\n{items}")
    };
    let both = source("ConfigMap", "m", PUBLIC) + &source("Secret", "s", &own);
    let (m, s) = (("configMapRef", "m"), ("secretRef", "s"));
    let prefixed = "        envFrom:\n        - {prefix: CLEARML__SECURE__AUTH__TOKEN_, secretRef: {name: s}}\n";
    let optional = |key: &str| {
        format!(
            "        - {{name: {TOKEN}, valueFrom: {{secretKeyRef: {{name: s, key: {key}, optional: true}}}}}}\n"
        )
    };
    let whole = format!(
        "        - {{name: {TOKEN}, valueFrom: {{secretKeyRef: {{name: s, key: SECRET}}}}}}\n"
    );
    for (before, env, expected) in [
        (from(&[m, s]), entry("A", "b"), "yours"),
        (from(&[s, m]), entry("A", "b"), "default"),
        (from(&[s, m]), entry(TOKEN, WEAK), "weak"),
        (prefixed.to_owned(), entry("A", "b"), "yours"),
        (String::new(), whole.clone(), "yours"),
        (String::new(), entry(TOKEN, PUBLIC) + &whole, "yours"),
        (
            String::new(),
            whole.clone() + &entry(TOKEN, PUBLIC),
            "default",
        ),
        // What is optional and not there sets nothing, and takes nothing away.
        (
            String::new(),
            entry(TOKEN, PUBLIC) + &optional("none"),
            "default",
        ),
        (
            String::new(),
            entry(TOKEN, PUBLIC) + &optional("SECRET"),
            "yours",
        ),
        (
            String::new(),
            entry("A", PUBLIC) + &entry(TOKEN, "$(A)"),
            "default",
        ),
        (String::new(), entry(TOKEN, "\"\""), "empty"),
        (
            String::new(),
            format!("        - {{name: {TOKEN}}}\n"),
            "empty",
        ),
        (String::new(), entry(TOKEN, "null"), "empty"),
        (from(&[s]), entry(TOKEN, "$(SECRET)"), "yours"),
    ] {
        let text = apiserver(&before, &env) + &both;
        assert_eq!(token(&text), expected, "{before}{env}");
    }
}

#[test]
fn a_source_that_was_not_given_may_set_anything() {
    let from = "        envFrom:\n        - {secretRef: {name: mine}}\n";
    let done = look(
        &["a.yaml"],
        &[("a.yaml", &apiserver(from, &entry(TOKEN, WEAK)))],
    );
    // What is set later is known all the same.
    assert_eq!(
        done.rules()
            .iter()
            .filter(|one| **one == "missing-setting")
            .count(),
        0
    );
    assert!(done.rules().contains(&"weak-secret"));
    // And of all that may be set there it is said once.
    let unknown = done.json["unknown"].to_string();
    assert!(!unknown.contains("secure.http.session_secret"), "{unknown}");
    done.says(
        "the variables of envFrom of workload clearml-apiserver",
        "Secret mine",
    );
}

#[test]
fn a_password_may_be_in_a_secret_that_was_not_given() {
    let database = |from: &str| {
        let server = entry("CLEARML_MONGODB_SERVICE_HOST", "mongo");
        let text = apiserver("", &server)
            + "---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: mongo, namespace: ns}\nspec:\n  template:\n    metadata: {labels: {run: mongo}}\n    spec: {containers: [{name: mongo, image: \"mongo:8.0\""
            + from
            + "}]}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: mongo, namespace: ns}\nspec: {type: NodePort, selector: {run: mongo}, ports: [{port: 27017, nodePort: 30017}]}\n";
        look(&["a.yaml"], &[("a.yaml", &text)]).json.to_string()
    };
    const SAID: &str = "that is in none of these files";
    let own = "unless it has a password of its own";
    let seen = database("");
    assert!(seen.contains(own) && !seen.contains(SAID), "{seen}");
    let unseen = database(", envFrom: [{secretRef: {name: mongo}}]");
    assert!(unseen.contains(SAID), "{unseen}");
}

#[test]
fn values_that_are_no_text_are_refused() {
    for (value, is_refused) in [
        ("123", true),
        ("0123", true),
        ("12E5", true),
        ("true", true),
        ("yes", true),
        ("Off", true),
        ("y", true),
        ("N", true),
        ("1_000", true),
        ("0x1F", true),
        (".5", true),
        ("\"123\"", false),
        ("'yes'", false),
        ("!!str 123", false),
        ("2001-01-01", false),
        ("yesterday", false),
        ("1.2.3", false),
        ("12E5x", false),
    ] {
        let text = apiserver("", &entry(TOKEN, value));
        let done = look(&["a.yaml"], &[("a.yaml", &text)]);
        let said = done.json.to_string();
        assert_eq!(said.contains("quote it"), is_refused, "{value}: {said}");
        // kubectl takes the same ones for text.
        let folder = crate::common::folder_with(&[("a.yaml", &text)]);
        let arguments = ["set", "env", "--local", "--list", "-f", "a.yaml"];
        if let Some(output) = run_kubectl(folder.path(), &arguments) {
            assert_eq!(!output.status.success(), is_refused, "{value}");
        }
    }
}

#[test]
fn what_is_named_twice_is_known_to_be_dropped() {
    let text = "a: 1\n".to_owned() + &apiserver("", &(entry(TOKEN, PUBLIC)));
    let twice = text.replace(
        "args: [apiserver]",
        "args: [fileserver]\n        args: [apiserver]",
    );
    assert_eq!(token(&twice), "default");
    let done = look(&["a.yaml"], &[("a.yaml", &twice)]);
    assert!(
        done.stderr
            .contains("a.yaml:14:9: this key is in the mapping twice"),
        "{}",
        done.stderr
    );
}

#[test]
fn what_is_under_binary_data_sets_no_variable() {
    use base64::Engine;
    let own = crate::common::fresh(OWN);
    let encoded = base64::engine::general_purpose::STANDARD.encode(&own);
    let map = format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m, namespace: ns}}\nbinaryData: {{{TOKEN}: {encoded}}}\n"
    );
    let from = "        envFrom:\n        - configMapRef: {name: m}\n";
    let nothing = entry("OTHER", "x");
    assert_eq!(
        token(&(apiserver(from, &nothing) + &map)),
        token(&apiserver("", &nothing))
    );
}

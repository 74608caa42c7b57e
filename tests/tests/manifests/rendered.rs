//! Our chart, rendered with many values.

use e2e::fresh::fresh;
use e2e::keyset::Keyset;
use e2e::kubernetes::Kubernetes;
use serde_json::{Value, json};

use super::{
    DOCUMENTED, composed, counts, essence, findings, printed, report, report_on, settings, verify,
};

/// Settings that no value of the chart reaches.
const UNREACHED: [&str; 5] = [
    "secure.credentials.fileserver.user_key",
    "secure.credentials.fileserver.user_secret",
    "secure.credentials.webserver.user_key",
    "secure.credentials.webserver.user_secret",
    "secure.http.session_secret.apiserver",
];

/// Rules that are about manifests, or about files on this machine.
const OF_ONE_KIND: [&str; 3] = ["duplicate-variable", "readable-secret", "viewable-secret"];

fn sorted(mut words: Vec<&str>) -> Vec<&str> {
    words.sort_unstable();
    words
}

#[test]
fn a_stock_release_has_eleven_public_credentials_and_three_open_ports() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let rendered = kubernetes.render(&[]);
    let report = report(&[&rendered], &[]);
    let errors = counts(&report, "error");
    assert_eq!(errors["missing-setting"], 5, "{report}");
    assert_eq!(errors["default-credential"], 6, "{report}");
    assert_eq!(errors.len(), 2, "{report}");
    assert_eq!(sorted(settings(&report, "missing-setting")), UNREACHED);
    let warnings = counts(&report, "warning");
    assert_eq!(warnings["public-port"], 3, "{report}");
    assert_eq!(warnings["cookie-mismatch"], 1, "{report}");
    assert_eq!(report["unknown"], json!([]));
    // Nothing is said of the Secret itself, and each place is in the text.
    for finding in findings(&report) {
        let line = finding["place"]["line"].as_u64().unwrap() as usize;
        assert!(line > 0 && line <= rendered.lines().count(), "{finding}");
    }
    let theirs = report_on(composed(&kubernetes, &rendered).path(), &[]);
    assert_eq!(
        essence(&report, &OF_ONE_KIND),
        essence(&theirs, &OF_ONE_KIND)
    );
}

#[test]
fn every_documented_value_leaves_five_settings_public() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let rendered = kubernetes.render(&[DOCUMENTED]);
    let report = report(&[&rendered], &[]);
    let errors = counts(&report, "error");
    assert_eq!(
        (errors["missing-setting"], errors.len()),
        (5, 1),
        "{report}"
    );
    assert_eq!(sorted(settings(&report, "missing-setting")), UNREACHED);
    let of_fileserver = findings(&report).iter().filter(|finding| {
        finding["rule"] == "missing-setting"
            && finding["message"].as_str().unwrap().contains("fileserver")
    });
    assert!(of_fileserver.count() >= 2, "{report}");
}

/// The way of docs/kubernetes.md: Secret, values, rendering.
fn secured(kubernetes: &Kubernetes, keyset: &Keyset) -> (String, String) {
    let secret = printed(&keyset.text, &["kubernetes"]);
    let values = printed(&keyset.text, &["helm"]);
    (secret, kubernetes.render(&[&values]))
}

#[test]
fn with_the_values_and_the_secret_no_credential_is_public() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let keyset = Keyset::generate();
    let (secret, rendered) = secured(&kubernetes, &keyset);
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.json");
    std::fs::write(&keys, &keyset.text).unwrap();
    let keys = keys.to_str().unwrap();
    for arguments in [vec![], vec!["--keys", keys]] {
        let report = report(&[&rendered, &secret], &arguments);
        assert_eq!(counts(&report, "error").len(), 0, "{report}");
        assert_eq!(report["unknown"], json!([]));
    }
    // Of another keyset, it is said.
    let other = Keyset::generate();
    std::fs::write(folder.path().join("other.json"), &other.text).unwrap();
    let other = folder.path().join("other.json");
    let done = verify(&[&rendered, &secret], &["--keys", other.to_str().unwrap()]);
    assert_eq!(done.status, Some(1), "{}", done.report());

    // Without the Secret nothing is known, and with the keyset it is taken on trust.
    let done = verify(&[&rendered], &["--fail-on", "error"]);
    assert_eq!(done.status, Some(2), "{}", done.report());
    let alone = report(&[&rendered], &["--effective"]);
    for row in alone["effective"].as_array().unwrap() {
        assert_eq!(row["state"], "unknown", "{row}");
    }
    let trusted = report(&[&rendered], &["--keys", keys]);
    assert_eq!(trusted["unknown"], json!([]), "{trusted}");
    assert_eq!(counts(&trusted, "error").len(), 0, "{trusted}");
    for value in keyset.values.values() {
        let done = verify(&[&rendered, &secret], &[]);
        assert!(!done.stdout.contains(value.as_str()));
    }
}

#[test]
fn kubectl_s_forms_of_the_same_objects_give_the_same_findings() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let (secret, secured) = secured(&kubernetes, &Keyset::generate());
    for manifests in [kubernetes.render(&[]), format!("{secured}---\n{secret}")] {
        let expected = essence(&report(&[&manifests], &[]), &[]);
        let stream = kubernetes.printed(&manifests, "json").unwrap();
        let objects = serde_json::Deserializer::from_str(&stream).into_iter();
        let objects: Vec<Value> = objects.map(Result::unwrap).collect();
        let list = |kind: &str, items: &[&Value]| json!({"apiVersion": "v1", "kind": kind, "items": items});
        let (secrets, others): (Vec<&Value>, Vec<&Value>) = objects
            .iter()
            .partition(|object| object["kind"] == "Secret");
        let whole = list("List", &objects.iter().collect::<Vec<_>>());
        let forms = [
            vec![stream.clone()],
            vec![whole.to_string()],
            vec![serde_json::to_string_pretty(&whole).unwrap()],
            vec![yaml_list(&kubernetes, &manifests)],
            vec![
                list("List", &others).to_string(),
                list("SecretList", &secrets).to_string(),
            ],
            vec![kustomized(&kubernetes, &manifests)],
        ];
        for form in &forms {
            let texts: Vec<&str> = form.iter().map(String::as_str).collect();
            let report = report(&texts, &[]);
            assert_eq!(essence(&report, &[]), expected, "{}", form.join("\n"));
            assert_eq!(report["unknown"], json!([]));
            for finding in findings(&report) {
                let file: usize = finding["place"]["file"].as_str().unwrap()[..1]
                    .parse()
                    .unwrap();
                let line = finding["place"]["line"].as_u64().unwrap() as usize;
                assert!(line <= texts[file].lines().count(), "{finding}");
            }
        }
    }
}

/// A List as `kubectl get` prints it.
fn yaml_list(kubernetes: &Kubernetes, manifests: &str) -> String {
    let mut list = "apiVersion: v1\nitems:\n".to_owned();
    for document in manifests
        .split("---\n")
        .filter(|document| document.contains("kind: "))
    {
        let object = kubernetes.printed(document, "yaml").unwrap();
        for (index, line) in object.lines().enumerate() {
            let start = if index == 0 { "- " } else { "  " };
            list.push_str(&format!("{start}{line}\n"));
        }
    }
    list + "kind: List\nmetadata:\n  resourceVersion: \"\"\n"
}

fn kustomized(kubernetes: &Kubernetes, manifests: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("all.yaml"), manifests).unwrap();
    std::fs::write(
        folder.path().join("kustomization.yaml"),
        "resources: [all.yaml]\nnamespace: clearml\n",
    )
    .unwrap();
    kubernetes
        .kubectl()
        .arg("kustomize")
        .arg(folder.path())
        .done()
        .exit(0)
        .stdout
}

#[test]
fn a_list_that_helm_drops_is_found() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let keyset = Keyset::generate();
    let ours = printed(&keyset.text, &["helm"]);
    let secret = printed(&keyset.text, &["kubernetes"]);
    let theirs = "apiserver: {extraEnvs: [{name: TZ, value: UTC}]}";
    let report = report(&[&kubernetes.render(&[&ours, theirs]), &secret], &[]);
    let missing = settings(&report, "missing-setting");
    for setting in UNREACHED {
        assert!(missing.contains(&setting), "{setting}: {report}");
    }
}

#[test]
fn capitals_do_not_win_over_the_lower_case_of_the_chart() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let values = "apiserver:\n  extraEnvs:\n  - {name: CLEARML__SECURE__AUTH__TOKEN_SECRET, value: Zw6Nk1RvQd8XsLm3TbYp5HcGf9JaU2eK7oViB4tE}\n";
    let report = report(&[&kubernetes.render(&[values])], &[]);
    let rules: Vec<&str> = findings(&report)
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    assert!(rules.contains(&"shadowed-variable"), "{report}");
    assert!(
        settings(&report, "default-credential").contains(&"secure.auth.token_secret"),
        "{report}"
    );
}

#[test]
fn files_of_secrets_and_config_maps_are_read() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let secret = fresh(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: own}\nstringData:\n  secure.conf: |\n    auth { token_secret: Zw6Nk1RvQd8XsLm3TbYp5HcGf9JaU2eK7oViB4tE }\n",
    );
    let config = "apiserver:\n  additionalConfigs:\n    secure.conf: |\n      http { session_secret { apiserver: \"Zw6Nk1RvQd8XsLm3TbYp5HcGf9JaU2eK7oViB4tE\" } }\n";
    let whole = "apiserver: {existingAdditionalConfigsSecret: own}";
    let one = "fileserver:\n  additionalVolumes: [{name: own, secret: {secretName: own}}]\n  \
               additionalVolumeMounts: [{name: own, mountPath: /opt/clearml/config/secure.conf, subPath: secure.conf}]\n";
    for values in [whole, one, config] {
        let manifests = format!("{}---\n{secret}", kubernetes.render(&[values]));
        let folder = composed(&kubernetes, &manifests);
        let rows = |report: &Value| {
            let words = ["server", "service", "setting", "state"];
            let rows = report["effective"].as_array().unwrap().iter();
            let mut rows: Vec<String> = rows
                .map(|row| {
                    words
                        .map(|word| row[word].as_str().unwrap().to_owned())
                        .join(" ")
                })
                .collect();
            rows.sort();
            rows
        };
        let ours = report(&[&manifests], &["--effective"]);
        assert_eq!(
            rows(&ours),
            rows(&report_on(folder.path(), &["--effective"])),
            "{values}"
        );
        // Each value of a file is where it is in the manifest.
        let file = ours["effective"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["origin"] == "file");
        for row in file {
            let line = row["place"]["line"].as_u64().unwrap() as usize;
            let text = manifests.lines().nth(line - 1).unwrap();
            assert!(text.contains("_secret"), "{row}: {text}");
        }
    }
}

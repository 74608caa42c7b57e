//! `clearml-keygen -f kubernetes` and `-f helm` against Helm and kubectl: the Secret is what kubectl takes and gives back, and
//! with the values each server of a rendered chart takes each of its settings from the right key of it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use e2e::files::stock;
use e2e::keyset::Keyset;
use e2e::kubernetes::{Environment, Kubernetes, Listed};
use e2e::program::{Done, clearml};
use serde_json::{Value, json};

const USERS: &str = "{\"username\": \"jane\", \"password\": \"Zq7-four-Words:here\"}\n";

/// A keyset in another format.
fn converted(keyset: &str, arguments: &[&str]) -> Done {
    clearml("keygen")
        .args(["--from", "-", "-q", "-f"])
        .args(arguments.iter().copied())
        .stdin(keyset)
        .done()
}

fn printed(keyset: &str, arguments: &[&str]) -> String {
    converted(keyset, arguments).exit(0).stdout
}

/// Values that are text in a keyset, and something else where a reader of YAML sees them bare.
fn odd() -> String {
    let values = [
        "12E5678901234567890123",
        "0123456701234567",
        "0x1F2e3D4c5B6a7980",
        "1_000_000_000_000",
        "+12345678901234567890",
        "190:20:30:40:50:59",
        "2001-12-14t21:59:43.10-05:00",
        "tr: ue # and more than that",
        "&anchor *alias !tag |",
        "{{ .Values.clearml }}",
        "$(HOME) $$(HOME) ${HOME}",
        "'single' and \"double\" \\ ~",
    ];
    let mut json: Value = serde_json::from_str(&Keyset::generate().text).unwrap();
    let settings = json["settings"].as_object_mut().unwrap();
    assert_eq!(settings.len(), values.len());
    for ((path, setting), value) in settings.iter_mut().zip(values) {
        // No key can have a colon, because it is sent in front of one.
        let is_key = path.ends_with("_key");
        *setting = json!(if is_key {
            value.replace(':', "")
        } else {
            value.to_owned()
        });
    }
    json.to_string()
}

/// The objects of a stream, as the JSON that kubectl makes of them.
fn objects(kubernetes: &Kubernetes, manifests: &str) -> Vec<Value> {
    let text = kubernetes.printed(manifests, "json").unwrap();
    let stream = serde_json::Deserializer::from_str(&text).into_iter();
    stream.map(Result::unwrap).collect()
}

/// What a Secret holds, decoded.
fn decoded(secret: &Value) -> BTreeMap<String, String> {
    let entries = secret["data"].as_object().unwrap();
    let text = |value: &Value| STANDARD.decode(value.as_str().unwrap()).unwrap();
    entries
        .iter()
        .map(|(key, value)| (key.clone(), String::from_utf8(text(value)).unwrap()))
        .collect()
}

/// A keyset with users, as JSON.
fn with_users() -> String {
    clearml("keygen")
        .args(["-q", "-f", "json", "--users-from", "-"])
        .stdin(USERS)
        .done()
        .exit(0)
        .stdout
}

#[test]
fn the_secret_reads_back_equal_however_kubectl_prints_it() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    for keyset in [Keyset::generate().text, odd(), with_users()] {
        let expected = printed(&keyset, &["json"]);
        let manifests = printed(&keyset, &["kubernetes"]);
        let objects = objects(&kubernetes, &manifests);
        let documents = manifests.split("---\n");
        let yaml = documents.map(|document| kubernetes.printed(document, "yaml").unwrap());
        let list =
            |kind: &str| json!({"apiVersion": "v1", "kind": kind, "items": objects}).to_string();
        let mut texts = vec![
            yaml.collect::<Vec<_>>().join("---\n"),
            kubernetes.printed(&manifests, "json").unwrap(),
            list("List"),
            list("SecretList"),
            serde_yaml::to_string(&serde_json::from_str::<Value>(&list("List")).unwrap()).unwrap(),
        ];
        let plain: Vec<Value> = objects.iter().map(in_plain).collect();
        for object in &plain {
            // As a person writes it, kubectl takes it and prints it as it was.
            kubernetes.printed(&object.to_string(), "yaml").unwrap();
        }
        texts.push(json!({"apiVersion": "v1", "kind": "List", "items": plain}).to_string());
        for text in texts {
            assert_eq!(printed(&text, &["json"]), expected, "{text}");
        }
    }
}

/// The same Secret with `stringData`.
fn in_plain(secret: &Value) -> Value {
    let mut secret = secret.clone();
    let data = decoded(&secret);
    secret.as_object_mut().unwrap().remove("data");
    secret["stringData"] = json!(data);
    secret
}

#[test]
fn what_kubectl_makes_of_literals_is_a_keyset() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let keyset = odd();
    let secret = &objects(&kubernetes, &printed(&keyset, &["kubernetes"]))[0];
    let held = decoded(secret);
    let literals = held
        .iter()
        .map(|(key, value)| format!("--from-literal={key}={value}"));
    for format in ["yaml", "json"] {
        let made = kubernetes
            .kubectl()
            .args([
                "create",
                "secret",
                "generic",
                "clearml-keys",
                "--dry-run=client",
                "-o",
            ])
            .arg(format)
            .args(literals.clone())
            .done()
            .exit(0);
        assert_eq!(
            printed(&made.stdout, &["json"]),
            printed(&keyset, &["json"])
        );
    }
}

#[test]
fn inject_takes_the_secret_as_kubectl_prints_it() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("docker-compose.yml"), stock()).unwrap();
    let keyset = Keyset::generate().text;
    let secret = kubernetes
        .printed(&printed(&keyset, &["kubernetes"]), "yaml")
        .unwrap();
    let [ours, theirs] = [keyset, secret].map(|keys| {
        clearml("inject")
            .args(["-k", "-", "docker-compose.yml"])
            .within(folder.path())
            .stdin(keys)
            .done()
            .exit(0)
            .stdout
    });
    assert_eq!(ours, theirs);
}

#[test]
fn base64_is_read_as_kubernetes_decodes_it() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    // What a value decodes to; none where it is refused.
    for (value, decoded) in [
        ("TUFSS0VE", Some("MARKED")),
        // Line breaks do not count, wherever they are.
        ("TUFSS0V\\nE", Some("MARKED")),
        ("TUFS\\r\\nS0VE\\n", Some("MARKED")),
        ("TUFSSw=\\n=", Some("MARK")),
        // Padding does, but not the bits that are left over.
        ("TUFSS0U=", Some("MARKE")),
        ("TUFSS0V=", Some("MARKE")),
        ("TUFSSw==", Some("MARK")),
        ("TUFSSx==", Some("MARK")),
        ("TUFSSw=", None),
        ("TUFSSw", None),
        ("TUFSSw===", None),
        ("TUFS=S0VE", None),
        ("TUFSS0VE=", None),
        ("TUFSS0VE====", None),
        ("T", None),
        // Of the other alphabet, and of none.
        ("TUF-S0_E", None),
        ("TUFS!S0VE", None),
        ("TUFS S0VE", None),
        (" TUFSS0VE", None),
        ("TUFSS0VE\\t", None),
        ("\u{e9}", None),
    ] {
        let secret = format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\ndata: {{apiserver_key: \"{value}\"}}\n"
        );
        let theirs = kubernetes.printed(&secret, "json");
        assert_eq!(theirs.is_ok(), decoded.is_some(), "{value}: {theirs:?}");
        let done = converted(&secret, &["json"]);
        let ours = (done.status == Some(0)).then(|| {
            let json: Value = serde_json::from_str(&done.stdout).unwrap();
            let value = &json["settings"]["secure.credentials.apiserver.user_key"];
            value.as_str().unwrap().to_owned()
        });
        assert_eq!(ours.as_deref(), decoded, "{value}\n{}", done.report());
    }
}

/// Which server reads which settings.
fn is_read_by(server: &str, path: &str) -> bool {
    match server {
        "clearml-apiserver" => true,
        "clearml-apiserver-asyncdelete" => path == "secure.auth.token_secret",
        "clearml-fileserver" => path.starts_with("secure.credentials.fileserver."),
        _ => false,
    }
}

/// The setting that a variable sets.
fn path_of(variable: &str) -> Option<String> {
    let path = variable.strip_prefix("CLEARML__")?;
    Some(path.to_lowercase().replace("__", "."))
}

/// Each server takes each of its settings from the right key of one Secret, and no name is twice in its environment.
fn each_from_its_key(
    environments: &[Environment],
    held: &BTreeMap<String, String>,
    keyset: &Keyset,
    name: &str,
) {
    for server in [
        "clearml-apiserver",
        "clearml-apiserver-asyncdelete",
        "clearml-fileserver",
        "clearml-webserver",
    ] {
        let environment = of(environments, server);
        let mut found = BTreeMap::new();
        for (variable, from, key) in environment.references() {
            assert_eq!(from, name, "{server}: {variable}");
            // None is optional, so the pod does not start without it.
            let value = held
                .get(key)
                .unwrap_or_else(|| panic!("{server}: no {key}"));
            if let Some(path) = path_of(variable) {
                let before = found.insert(path, value.clone());
                assert_eq!(before, None, "{server}: {variable} is set twice");
            }
        }
        let mut expected = keyset.values.clone();
        expected.retain(|path, _| is_read_by(server, path));
        assert_eq!(found, expected, "{server}");
        // Helm 4 and server-side apply refuse a name that is there twice.
        let names = environment.variables.iter().map(|(name, _)| name);
        assert_eq!(
            names.clone().collect::<BTreeSet<_>>().len(),
            names.count(),
            "{server}"
        );
    }
}

#[test]
fn with_the_values_each_server_takes_each_setting_from_the_right_key() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let keyset = Keyset::generate();
    for name in ["clearml-keys", "our.keys-2"] {
        let secret = printed(&keyset.text, &["kubernetes", "--secret", name]);
        let secret = &objects(&kubernetes, &secret)[0];
        assert_eq!(secret["metadata"]["name"], name);
        let held = decoded(secret);
        let values = printed(&keyset.text, &["helm", "--secret", name]);
        for more in ["{}", "clearml: {cookieDomain: example.com}"] {
            let rendered = kubernetes.render(&[more, &values]);
            let environments = kubernetes.environments(&rendered).unwrap();
            each_from_its_key(&environments, &held, &keyset, name);
            // What the chart says of cookies in capitals, ours says in lower case, which wins.
            let cookies = of(&environments, "clearml-fileserver")
                .variables
                .iter()
                .filter(|(name, _)| {
                    name.eq_ignore_ascii_case("CLEARML__fileserver__auth__cookie_names")
                });
            let cookies: Vec<_> = cookies.collect();
            assert_eq!(cookies.len(), if more == "{}" { 1 } else { 2 });
            assert_eq!(
                cookies.last().unwrap(),
                &&(
                    "CLEARML__fileserver__auth__cookie_names".to_owned(),
                    Listed::Text("[ clearml-token-k8s ]".to_owned())
                )
            );
            for value in keyset.values.values() {
                for form in [value.clone(), STANDARD.encode(value)] {
                    assert!(!rendered.contains(&form) && !values.contains(&form));
                }
            }
        }
    }
}

/// The environment of a server, which is that of its Deployment's first container.
fn of<'a>(environments: &'a [Environment], server: &str) -> &'a Environment {
    let object = format!("Deployment {server}");
    let mut of_it = environments.iter().filter(|one| one.object == object);
    of_it.next().unwrap()
}

#[test]
fn without_the_values_it_is_the_public_defaults_that_are_read() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let environments = kubernetes.environments(&kubernetes.render(&[])).unwrap();
    let apiserver = of(&environments, "clearml-apiserver");
    let set: BTreeSet<String> = apiserver
        .references()
        .iter()
        .filter_map(|(variable, ..)| path_of(variable))
        .collect();
    assert_eq!(set.len(), 5, "{set:?}");
    let fileserver = of(&environments, "clearml-fileserver");
    let from: Vec<_> = fileserver.references();
    assert_eq!(
        from,
        [
            ("USER_KEY", "clearml-conf", "fileserver_key"),
            ("USER_SECRET", "clearml-conf", "fileserver_secret")
        ]
    );
}

/// What is found, but for the places.
fn found(folder: &std::path::Path, target: &str) -> Vec<String> {
    let done = clearml("verify")
        .args(["-q", "-f", "json", target])
        .within(folder)
        .done();
    let json: Value = serde_json::from_str(&done.stdout).unwrap();
    let findings = json["findings"].as_array().unwrap().iter();
    let mut all: Vec<String> = findings
        .filter(|one| one["rule"] != "readable-secret")
        .map(|one| format!("{} {} {}", one["rule"], one["server"], one["message"]))
        .collect();
    all.sort();
    all
}

#[test]
fn of_a_kustomization_the_same_is_found_as_of_what_it_names() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("stock.yaml", &kubernetes.render(&[]));
    write("kustomization.yaml", "resources: [stock.yaml]\n");
    let done = kubernetes
        .kubectl()
        .args(["kustomize", "."])
        .within(folder.path())
        .done();
    assert_eq!(done.status, Some(0), "{}", done.stderr);
    write("built.yaml", &done.stdout);
    let own = found(folder.path(), "stock.yaml");
    assert!(own.len() > 15, "{own:?}");
    assert_eq!(found(folder.path(), "built.yaml"), own);
}

#[test]
fn users_are_mounted_from_the_second_secret_of_the_first_one_s_name() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let keyset = with_users();
    let secrets = objects(
        &kubernetes,
        &printed(&keyset, &["kubernetes", "--secret", "ours"]),
    );
    let names: Vec<&Value> = secrets
        .iter()
        .map(|secret| &secret["metadata"]["name"])
        .collect();
    assert_eq!(names, ["ours", "ours-logins"]);
    let logins = &decoded(&secrets[1])["apiserver.conf"];
    assert!(logins.contains("jane"), "{logins}");
    let values = printed(&keyset, &["helm", "--secret", "ours"]);
    let rendered = kubernetes.render(&[
        "apiserver: {additionalConfigs: {apiserver.conf: 'a = 1'}}",
        &values,
    ]);
    for object in objects(&kubernetes, &rendered) {
        let pod = &object["spec"]["template"]["spec"];
        let name = object["metadata"]["name"].as_str().unwrap();
        let has_folder = name.starts_with("clearml-apiserver") && object["kind"] == "Deployment";
        let volume = &pod["volumes"][0];
        let mount = &pod["containers"][0]["volumeMounts"][0];
        if has_folder {
            assert_eq!(volume["secret"]["secretName"], "ours-logins", "{name}");
            assert_eq!(mount["mountPath"], "/opt/clearml/config", "{name}");
            assert_eq!(mount["name"], volume["name"], "{name}");
        } else {
            assert_eq!((volume, mount), (&Value::Null, &Value::Null), "{name}");
        }
    }
}

#[test]
fn the_services_are_no_longer_on_every_node() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let values = printed(&Keyset::generate().text, &["helm"]);
    for (layers, expected) in [(vec![], 3), (vec![values.as_str()], 0)] {
        let services = objects(&kubernetes, &kubernetes.render(&layers));
        let on_nodes = services
            .iter()
            .filter(|object| object["spec"]["type"] == "NodePort");
        assert_eq!(on_nodes.count(), expected);
    }
}

/// Values of people's own.
const OWN: [&str; 8] = [
    "clearml: {}\napiserver: {}\n",
    "apiserver: {replicaCount: 1}\nwebserver:\n  extraEnvs:\n    - name: A\n      value: |-\n        b\n\n",
    "clearml:\n  # mine\n  apiserverKey: MARKED # x\n  cookieDomain: example.com\n  apiserverSecret: \"MARKED\"\napiserver:\n  extraEnvs: # none\n  replicaCount: 1\n",
    "clearml: {fileserverKey: MARKED, cookieName: c}\nfileserver: {extraEnvs: [{name: A, value: b}]}\n",
    "clearml:\n  existingSecret: mine\n  testUserKey: MARKED\napiserver:\n  extraEnvs:\n  - name: A\n    value: b # c\n  - {name: TRAINS__secure__http__session_secret__apiserver, value: MARKED}\n  - name: CLEARML__secure__auth__token_secret\n    value: MARKED\n",
    "{\"clearml\": {\"apiserverKey\": \"MARKED\"}, \"apiserver\": {\"extraEnvs\": null}}",
    "clearml: {}\r\napiserver:\r\n  extraEnvs: []\r\nfileserver:\r\n  extraEnvs:\r\n    - name: CLEARML__fileserver__auth__cookie_names\r\n      value: \"[ c ]\"\r\n    - name: CLEARML__secure__credentials__fileserver__user_key\r\n      value: MARKED\r\n",
    "x: &x {name: A, value: b}\nclearml: {}\napiserver:\n  extraEnvs: [*x, {name: CLEARML__SECURE__CREDENTIALS__WEBSERVER__USER_KEY, value: MARKED}]\n",
];

#[test]
fn with_edited_values_each_server_takes_each_setting_from_the_right_key() {
    let Some(kubernetes) = Kubernetes::find() else {
        return;
    };
    let keyset = Keyset::generate();
    let secret = printed(&keyset.text, &["kubernetes", "--secret", "our-keys"]);
    let held = decoded(&objects(&kubernetes, &secret)[0]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret.yaml"), &secret).unwrap();
    for own in OWN {
        let edited = clearml("inject")
            .args(["-q", "--secret", "our-keys", "-"])
            .stdin(own)
            .done()
            .exit(0)
            .stdout;
        assert!(!edited.contains("MARKED"), "{edited}");
        let rendered = kubernetes.render(&[&edited]);
        let environments = kubernetes.environments(&rendered).unwrap();
        each_from_its_key(&environments, &held, &keyset, "our-keys");
        fs::write(folder.path().join("rendered.yaml"), &rendered).unwrap();
        let done = clearml("verify")
            .args(["--fail-on", "error", "rendered.yaml", "secret.yaml"])
            .within(folder.path())
            .done();
        assert_eq!(done.status, Some(0), "{own}\n{}", done.report());
        // What is the user's own reaches the servers as before.
        let others = |environments: &[Environment]| -> Vec<Vec<(String, Listed)>> {
            let is_other = |(name, _): &&(String, Listed)| {
                let path = path_of(&name.replacen("TRAINS__", "CLEARML__", 1));
                let path = path.unwrap_or_default();
                !path.starts_with("secure.")
                    && path != "fileserver.auth.cookie_names"
                    && !name.starts_with("USER_")
            };
            let all = environments.iter();
            all.map(|one| one.variables.iter().filter(is_other).cloned().collect())
                .collect()
        };
        let before = kubernetes.environments(&kubernetes.render(&[own])).unwrap();
        assert_eq!(others(&before), others(&environments), "{own}");
    }
}

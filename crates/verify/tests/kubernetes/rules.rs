//! The rules that are about Kubernetes alone.

use crate::chart::{Chart, errors, extra, keyset, look, reference, value};
use crate::common::{ask, fixtures};

const OWN: [&str; 3] = [
    "duplicate-variable",
    "missing-secret-key",
    "viewable-secret",
];

#[test]
fn fixtures_have_what_they_expect() {
    for rule in OWN {
        let folder = fixtures().join("rules").join(rule);
        let done = ask(&["--ignore", "readable-secret", "bad.yml"], &folder);
        assert!(
            done.rules().iter().all(|one| *one == rule),
            "{:?}",
            done.rules()
        );
        assert!(!done.rules().is_empty(), "{rule}: {}", done.stderr);
        let done = ask(&["--ignore", "readable-secret", "good.yml"], &folder);
        assert_eq!((done.code, done.rules()), (0, vec![]), "{}", done.stderr);
        assert!(done.unknown().is_empty(), "{:?}", done.unknown());
    }
}

#[test]
fn the_charts_own_list_leaves_two_keys_out() {
    let (_, secret) = keyset();
    let five: String = secret
        .lines()
        .filter(|line| !line.trim_start().starts_with("fileserver_"))
        .map(|line| format!("{line}\n"))
        .collect();
    let chart = Chart {
        secret: "clearml-keys",
        ..Chart::default()
    };
    let done = look(
        &["a.yaml", "s.yaml"],
        &[("a.yaml", &chart.render()), ("s.yaml", &five)],
    );
    let missing = errors(&done);
    let missing = missing
        .iter()
        .filter(|(rule, _)| rule == "missing-secret-key");
    assert_eq!(missing.count(), 2, "{:?}", errors(&done));
    let said = done.json.to_string();
    assert!(
        said.contains("Secret clearml-keys has no key fileserver_key"),
        "{said}"
    );
    // What makes the Secret in the cluster may name its keys.
    let sealed = |key: &str| {
        format!(
            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: clearml-keys}}\nspec: {{encryptedData: {{apiserver_key: x, {key}: y}}}}\n"
        )
    };
    let count = |text: &str| {
        let done = look(
            &["a.yaml", "s.yaml"],
            &[("a.yaml", &chart.render()), ("s.yaml", text)],
        );
        done.says(
            "secure.credentials.apiserver.user_key at apiserver (key apiserver_key)",
            "SealedSecret clearml-keys makes the Secret",
        );
        done.rules()
            .iter()
            .filter(|one| **one == "missing-secret-key")
            .count()
    };
    assert_eq!(count(&sealed("secure_auth_token_secret")), 5);
    assert_eq!(count(&sealed("fileserver_key")), 6);
    // Its template may have keys that are not sealed, and it may add its own to what exists.
    let template = "spec: {template: {data: {secure_auth_token_secret: x}}, ";
    let templated = sealed("fileserver_key").replace("spec: {", template);
    assert_eq!(count(&templated), 4);
    let added = "name: clearml-keys, annotations: {sealedsecrets.bitnami.com/patch: \"true\"}";
    let added = sealed("fileserver_key").replace("name: clearml-keys", added);
    assert_eq!(count(&added), 0);
}

#[test]
fn what_sops_has_encrypted_is_not_known() {
    const ENCRYPTED: &str = "ENC[AES256_GCM,data:eA==,iv:eA==,tag:eA==,type:str]";
    let (_, secret) = keyset();
    let (apiserver, fileserver) = extra("clearml-keys");
    let chart = Chart {
        apiserver,
        fileserver,
        ..Chart::secured()
    };
    let lines = secret.lines().map(|line| match line.strip_prefix("  ") {
        Some(line) if !line.starts_with("name:") => {
            format!("  {}: {ENCRYPTED}\n", line.split(':').next().unwrap())
        }
        _ => format!("{line}\n"),
    });
    let encrypted = lines.collect::<String>() + &format!("sops: {{mac: \"{ENCRYPTED}\"}}\n");
    for encrypted in [
        encrypted.clone(),
        encrypted.replace("\ndata:", "\nstringData:"),
        // Of a List, the mark is at the List.
        encrypted.replace("\nsops:", "\nother:"),
    ] {
        let files = [("a.yaml", &*chart.render()), ("s.yaml", &encrypted)];
        let done = look(&["a.yaml", "s.yaml", "--fail-on", "never"], &files);
        done.says(
            "secure.credentials.apiserver.user_key at apiserver (key apiserver_key)",
            "which SOPS has encrypted; decrypt the file, and pass what `sops -d FILE` prints, or --keys FILE",
        );
        assert!(errors(&done).is_empty(), "{:?}", errors(&done));
    }
    // SOPS encrypts kinds, too, where nobody tells it which keys to encrypt.
    let whole =
        format!("apiVersion: {ENCRYPTED}\nkind: {ENCRYPTED}\nsops: {{mac: \"{ENCRYPTED}\"}}\n");
    let files = [("a.yaml", &*chart.render()), ("s.yaml", &whole)];
    let done = look(&["a.yaml", "s.yaml"], &files);
    done.says("an object", "SOPS has encrypted its kind");
    let values = "clearml: {existingSecret: clearml-keys}\napiserver: {}\n";
    let sops = format!("sops: {{mac: \"{ENCRYPTED}\"}}\n");
    let done = look(
        &["values.yaml"],
        &[("values.yaml", &format!("{values}{sops}"))],
    );
    assert!(
        !done.rules().contains(&"unread-value"),
        "{:?}",
        done.rules()
    );
    let values = format!("{values}fileserver: {{x: [\"{ENCRYPTED}\"]}}\n{sops}");
    let done = look(&["values.yaml"], &[("values.yaml", &values)]);
    assert_eq!(done.code, 2);
}

#[test]
fn a_name_that_the_chart_sets_is_not_added_again() {
    let (_, secret) = keyset();
    let (apiserver, fileserver) = extra("clearml-keys");
    let twice = reference(
        "CLEARML__secure__auth__token_secret",
        "clearml-keys",
        "secure_auth_token_secret",
    );
    let chart = Chart {
        apiserver: apiserver + &twice,
        fileserver,
        ..Chart::secured()
    };
    let done = look(
        &["a.yaml", "s.yaml"],
        &[("a.yaml", &chart.render()), ("s.yaml", &secret)],
    );
    assert_eq!(
        errors(&done),
        [(
            "duplicate-variable".to_owned(),
            "secure.auth.token_secret".to_owned()
        )]
    );
}

#[test]
fn what_a_workload_or_a_config_map_holds_is_viewable() {
    let (keyset, secret) = keyset();
    let own = keyset
        .get(clearml_secure_core::setting::SETTINGS[0])
        .unwrap();
    let (apiserver, fileserver) = extra("clearml-keys");
    let inline = apiserver.replace(
        "          valueFrom:\n            secretKeyRef:\n              name: clearml-keys\n              key: session_secret\n",
        &format!("          value: {}\n", own.expose()),
    );
    assert_ne!(inline, apiserver);
    let map = apiserver.replacen(
        "secretKeyRef:\n              name: clearml-keys",
        "configMapKeyRef:\n              name: m",
        1,
    );
    let config = format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m}}\ndata: {{session_secret: {}}}\n",
        own.expose()
    );
    let users = value("CLEARML__apiserver__auth__fixed_users__enabled", "\"true\"")
        + &value(
            "CLEARML__apiserver__auth__fixed_users__users",
            "'[{username: jane, password: Zq7-four-Words_here, name: Jane}]'",
        );
    for (apiserver, what) in [
        (inline, "the workload itself"),
        (map, "a ConfigMap"),
        (apiserver.clone() + &users, "the passwords of users"),
    ] {
        let chart = Chart {
            apiserver,
            fileserver: fileserver.clone(),
            ..Chart::secured()
        };
        let text = chart.render() + &config;
        let done = look(
            &["a.yaml", "s.yaml"],
            &[("a.yaml", &text), ("s.yaml", &secret)],
        );
        let rules = done.rules();
        assert_eq!(
            rules
                .iter()
                .filter(|one| **one == "viewable-secret")
                .count(),
            1,
            "{rules:?}"
        );
        assert!(done.json.to_string().contains(what), "{what}");
    }
}

#[test]
fn latest_of_a_cluster_is_whatever_it_was() {
    let (_, secret) = keyset();
    let chart = Chart {
        secret: "clearml-keys",
        ..Chart::default()
    };
    let manifest = chart.render() + &secret;
    let live = manifest.replace("\nmetadata:\n", "\nmetadata:\n  uid: 6b2a4f0e-0c1d\n");
    for (text, tag, is_known) in [
        (&manifest, ":latest", true),
        (&manifest, "", true),
        (&live, ":2.3.0", true),
        (&live, ":latest", false),
        (&live, "", false),
    ] {
        let image = format!("clearml/server{tag}");
        let text = text.replace("clearml/server:2.3.0", &image);
        let said = look(&["a.yaml"], &[("a.yaml", &text)]).unknown();
        let reason = "its pods run what `latest` was when each was started";
        let is_said = said.iter().any(|one| one.contains(reason));
        assert_eq!(is_said, !is_known, "{image}: {said:?}");
    }
}

#[test]
fn what_a_chart_of_a_database_may_open_is_not_known() {
    for (values, path) in [
        (
            "elasticsearch: {ingress: {enabled: true}}",
            "elasticsearch.ingress",
        ),
        (
            "mongodb: {externalAccess: {enabled: true}}",
            "mongodb.externalAccess",
        ),
        ("mongodb: {extraDeploy: [x]}", "mongodb.extraDeploy"),
        (
            "redis: {replica: {service: {type: NodePort}}}",
            "redis.replica.service.type",
        ),
        (
            "redis: {master: {service: {externalIPs: [192.0.2.1]}}}",
            "redis.master.service.externalIPs",
        ),
        ("elasticsearch: {ingress: {enabled: false}}", ""),
        ("redis: {metrics: {service: {type: NodePort}}}", ""),
        ("redis: {master: {service: {type: ClusterIP}}}", ""),
    ] {
        let text = format!("clearml: {{}}\napiserver: {{}}\nfileserver: {{}}\n{values}\n");
        let done = look(&["values.yaml"], &[("values.yaml", &text)]);
        let unknown = done.json["unknown"].to_string();
        let is_said = unknown.contains(" may open the database to others");
        assert_eq!(is_said, !path.is_empty(), "{values}: {unknown}");
        assert!(unknown.contains(path), "{values}: {unknown}");
    }
}

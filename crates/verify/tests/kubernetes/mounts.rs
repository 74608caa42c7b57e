//! Configuration files that are in Secrets and ConfigMaps.

use crate::chart::{Chart, encoded, look};

const CONF: &str = "auth {\n  token_secret: abc\n}\n";

/// A chart with a volume that all servers mount at a path.
fn mounted(volume: &str, mount: &str) -> Chart {
    Chart {
        volumes: format!("      volumes:\n      - {{name: v, {volume}}}\n"),
        mounts: format!("        volumeMounts:\n        - {{name: v, {mount}}}\n"),
        secret: "none",
        service: "ClusterIP",
        ..Chart::default()
    }
}

/// The places of what is said of the token secret's strength.
fn places(text: &str) -> Vec<(String, u64, u64)> {
    let done = look(&["a.yaml", "--fail-on", "never"], &[("a.yaml", text)]);
    let findings = done.json["findings"].as_array().unwrap().clone();
    let weak = findings.iter().filter(|one| one["rule"] == "weak-secret");
    weak.map(|one| {
        let place = &one["place"];
        (
            place["file"].as_str().unwrap().to_owned(),
            place["line"].as_u64().unwrap(),
            place["column"].as_u64().unwrap(),
        )
    })
    .collect()
}

/// Without the chart's variable that would win over the file.
fn without_variable(text: &str) -> String {
    let start = text
        .find("        - name: CLEARML__secure__auth__token_secret")
        .unwrap();
    let end = text[start + 1..].find("        - name:").unwrap() + start + 1;
    let cut = format!("{}{}", &text[..start], &text[end..]);
    match cut.contains("CLEARML__secure__auth__token_secret") {
        true => match cut[start..].find("        - name: CLEARML__secure__auth__token_secret") {
            Some(at) => {
                let at = start + at;
                let end = cut[at..].find("---\n").unwrap() + at;
                format!("{}{}", &cut[..at], &cut[end..])
            }
            None => cut,
        },
        false => cut,
    }
}

#[test]
fn a_file_is_read_where_it_is_written() {
    let block = format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: files\ndata:\n  secure.conf: |\n    {}",
        CONF.replace("\n  ", "\n      ").replace("\n}", "\n    }")
    );
    let base64 = format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: files\ndata:\n  secure.conf: {}\n",
        encoded(CONF)
    );
    let folder = "mountPath: /opt/clearml/config";
    for (volume, mount, source) in [
        ("configMap: {name: files}", folder, &block),
        ("secret: {secretName: files}", folder, &base64),
        (
            "projected: {sources: [{configMap: {name: files}}]}",
            folder,
            &block,
        ),
        (
            "projected: {sources: [{configMap: {name: files}}, {secret: {name: more, optional: true}}]}",
            folder,
            &block,
        ),
        (
            "configMap: {name: files, items: [{key: secure.conf, path: a/secure.conf}]}",
            "mountPath: /opt/clearml/config, subPath: a",
            &block,
        ),
        (
            "secret: {secretName: files}",
            "mountPath: /opt/clearml/config/secure.conf, subPath: secure.conf",
            &base64,
        ),
        (
            "configMap: {name: files, items: [{key: secure.conf, path: config/secure.conf}]}",
            "mountPath: /opt/clearml",
            &block,
        ),
    ] {
        let chart = without_variable(&mounted(volume, mount).render());
        let text = format!("{source}{chart}");
        let line = text
            .lines()
            .position(|line| line.contains("secure.conf:"))
            .unwrap() as u64
            + 1;
        let expected = match source.contains("ConfigMap") {
            true => ("a.yaml".to_owned(), line + 2, 21),
            false => ("a.yaml".to_owned(), line, 3),
        };
        let found = places(&text);
        assert!(
            found.contains(&expected),
            "{volume} {mount}: {found:?}, {expected:?}"
        );
    }
}

#[test]
fn what_is_not_mounted_changes_nothing() {
    for (volume, mount) in [
        (
            "configMap: {name: files, items: [{key: other, path: secure.conf}]}",
            "mountPath: /opt/clearml/config",
        ),
        ("configMap: {name: files}", "mountPath: /etc/other"),
        ("emptyDir: {}", "mountPath: /opt/clearml/config"),
    ] {
        let map = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: files}\ndata: {secure.conf: \"auth { token_secret: abc }\", other: \"\"}\n";
        let text = format!(
            "{map}{}",
            without_variable(&mounted(volume, mount).render())
        );
        assert_eq!(places(&text), [], "{volume}");
    }
}

#[test]
fn what_only_the_cluster_has_is_not_known() {
    let folder = "mountPath: /opt/clearml/config";
    for (volume, mount, reason) in [
        (
            "persistentVolumeClaim: {claimName: data}",
            folder,
            "PersistentVolumeClaim data",
        ),
        ("hostPath: {path: /etc/clearml}", folder, "hostPath"),
        (
            "csi: {driver: secrets-store.csi.k8s.io}",
            folder,
            "only the cluster has",
        ),
        (
            "secret: {secretName: files}",
            folder,
            "Secret files, which was not given",
        ),
        (
            "configMap: {name: files}",
            "mountPath: /opt/clearml/config/secure.conf, subPath: secure.conf",
            "ConfigMap files",
        ),
        (
            "projected: {sources: [{downwardAPI: {items: [{path: fileserver.conf, fieldRef: {fieldPath: \"metadata.annotations['c']\"}}]}}]}",
            folder,
            "what the pod says of itself",
        ),
        (
            "projected: {sources: [{secret: {name: clearml-conf}}, {configMap: {name: more}}]}",
            folder,
            "ConfigMap more, which was not given",
        ),
    ] {
        let text = mounted(volume, mount).render();
        let done = look(&["a.yaml", "--fail-on", "never"], &[("a.yaml", &text)]);
        assert_eq!(done.code, 2, "{volume}");
        let unknown = done.unknown();
        assert!(
            unknown.iter().any(|one| one.contains(reason)),
            "{volume}: {unknown:#?}"
        );
        // The users may be in a folder, and not in a `secure.conf`.
        let is_open = done.rules().contains(&"open-login");
        assert_eq!(is_open, mount != folder, "{volume}");
    }
    // Data elsewhere is of no interest.
    let text = mounted(
        "persistentVolumeClaim: {claimName: data}",
        "mountPath: /mnt/fileserver",
    )
    .render();
    let done = look(&["a.yaml", "--fail-on", "never"], &[("a.yaml", &text)]);
    let unknown = done.unknown();
    assert!(
        !unknown
            .iter()
            .any(|one| one.contains("PersistentVolumeClaim")),
        "{unknown:#?}"
    );
    assert!(done.rules().contains(&"open-login"));
}

/// Vault's agent puts files into containers that name no volume.
#[test]
fn what_vault_puts_there_is_not_known() {
    const INJECTS: &str = "vault.hashicorp.com/agent-inject";
    let conf = format!("{INJECTS}-secret-fileserver.conf: secret/x");
    let at = |path: &str| format!("vault.hashicorp.com/secret-volume-path: {path}");
    let elsewhere = at("/opt/clearml/config");
    for (annotations, is_said) in [
        (
            vec![
                format!("{INJECTS}: \"true\""),
                conf.clone(),
                elsewhere.clone(),
            ],
            true,
        ),
        (vec![format!("{INJECTS}: \"true\""), conf.clone()], false),
        (
            vec![format!("{INJECTS}: \"false\""), conf, elsewhere],
            false,
        ),
    ] {
        let chart = Chart {
            secret: "none",
            service: "ClusterIP",
            ..Chart::default()
        };
        let annotations = annotations.join(", ");
        let text = chart.render().replace(
            "  template:\n    metadata:\n",
            &format!("  template:\n    metadata:\n      annotations: {{{annotations}}}\n"),
        );
        let done = look(&["a.yaml", "--fail-on", "never"], &[("a.yaml", &text)]);
        let unknown = done.unknown();
        let has = unknown.iter().any(|one| one.contains("Vault's agent"));
        assert_eq!(has, is_said, "{annotations}: {unknown:#?}");
    }
}

/// A server that starts again reads what a hook of its container has written.
#[test]
fn a_hook_that_writes_configuration_is_said() {
    for (hook, is_said) in [
        (
            "postStart: {exec: {command: [sh, -c, 'echo a > /opt/clearml/config/secure.conf']}}",
            true,
        ),
        (
            "preStop: {exec: {command: [cp, /tmp/a, /opt/clearml/config]}}",
            true,
        ),
        ("preStop: {exec: {command: [sleep, '10']}}", false),
        (
            "postStart: {httpGet: {path: /opt/clearml/config, port: 1}}",
            false,
        ),
    ] {
        let chart = Chart {
            mounts: format!("        lifecycle: {{{hook}}}\n"),
            ..Chart::default()
        };
        let done = look(&["a.yaml"], &[("a.yaml", &chart.render())]);
        let reasons = done.json["unknown"].to_string();
        assert_eq!(
            reasons.contains("` changes files that"),
            is_said,
            "{hook}: {reasons}"
        );
    }
}

/// A folder of the node that has the socket of what starts containers is the node's owner, wherever it is mounted.
#[test]
fn a_path_of_the_node_may_have_its_socket() {
    for (path, mount, is_found) in [
        ("/run", "mountPath: /host/run", true),
        ("/run/", "mountPath: /x", true),
        ("/var", "mountPath: /x, subPath: run", true),
        ("/run/containerd/containerd.sock", "mountPath: /x", true),
        ("/data", "mountPath: /x", false),
        ("/var", "mountPath: /x, subPath: log", false),
    ] {
        let pod = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers: [{{name: apiserver, image: \"clearml/server:2.3.0\", args: [apiserver], volumeMounts: [{{name: v, {mount}}}]}}]\n  volumes: [{{name: v, hostPath: {{path: {path}}}}}]\n"
        );
        let done = look(&["a.yaml", "--fail-on", "never"], &[("a.yaml", &pod)]);
        let is_told = done.rules().contains(&"docker-socket");
        assert_eq!(is_told, is_found, "{path} {mount}");
    }
}

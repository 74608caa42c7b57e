//! Values of the chart in objects of what installs it: Argo CD, Flux and k3s.

use crate::chart::{env_file, errors, keyset, look};
use crate::common::Done;

const OWN: &str = "Zw6Nk1RvQd8XsLm3TbYp5HcGf9JaU2eK7oViB4tE";

/// The place of what is found about a setting.
fn place(done: &Done, setting: &str, rule: &str) -> (String, u64) {
    let findings = done.json["findings"].as_array().unwrap();
    let found = findings
        .iter()
        .find(|one| one["setting"] == setting && one["rule"] == rule);
    let place = &found.unwrap_or_else(|| panic!("{findings:#?}"))["place"];
    (
        place["file"].as_str().unwrap().to_owned(),
        place["line"].as_u64().unwrap(),
    )
}

fn application(helm: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: mlops}}\nspec:\n  destination: {{namespace: ml}}\n  source:\n    repoURL: https://clearml.github.io/clearml-helm-charts\n    chart: clearml\n    targetRevision: 7.14.4\n{helm}"
    )
}

fn release(rest: &str) -> String {
    format!(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: mlops, namespace: ml}}\nspec:\n  chart: {{spec: {{chart: clearml, version: 7.14.4}}}}\n{rest}"
    )
}

fn chart(content: &str) -> String {
    format!(
        "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {{name: mlops, namespace: kube-system}}\nspec:\n  chart: clearml/clearml\n  version: 7.14.4\n  targetNamespace: ml\n  valuesContent: {content}"
    )
}

#[test]
fn a_value_is_found_at_its_line_of_the_object() {
    let text = format!(
        "|-\n      clearml:\n        cookieName: c\n        apiserverKey: test\n        secureAuthTokenSecret: {OWN}\n      apiserver: {{}}\n"
    );
    let tree = text.replace("|-", "");
    for (object, line, inside) in [
        (
            application(&format!("    helm:\n      values: {text}"))
                .replace("      clearml", "        clearml")
                .replace("      apiserver:", "        apiserver:")
                .replace("        cookie", "          cookie")
                .replace("        apiserverKey", "          apiserverKey")
                .replace("        secure", "          secure"),
            14,
            "the Application",
        ),
        (
            application(&format!(
                "    helm:\n      valuesObject:{}",
                tree.replace("\n  ", "\n    ")
            )),
            14,
            "the Application",
        ),
        (release(&format!("  values:{tree}")), 9, "the HelmRelease"),
        (chart(&text), 11, "the HelmChart"),
    ] {
        let done = look(&["a.yaml"], &[("a.yaml", &object)]);
        assert_eq!(done.code, 1, "{object}\n{}", done.stderr);
        let key = "secure.credentials.apiserver.user_key";
        assert_eq!(
            place(&done, key, "weak-secret"),
            ("a.yaml".to_owned(), line),
            "{object}"
        );
        let token = "secure.auth.token_secret";
        assert_eq!(
            place(&done, token, "viewable-secret").1,
            line + 1,
            "{object}"
        );
        assert!(done.json.to_string().contains(inside), "{}", done.json);
        assert!(
            done.stderr.contains("read as chart 7.14 would"),
            "{}",
            done.stderr
        );
        assert!(
            done.json
                .to_string()
                .contains("deployment/mlops-clearml-fileserver"),
            "{}",
            done.json
        );
        assert!(done.unknown().is_empty(), "{:?}", done.unknown());
        // What installs the chart is changed, and not the release below it.
        let all = done.json.to_string();
        assert!(!all.contains("helm upgrade"), "{all}");
        assert!(all.contains("over the values of the"), "{all}");
    }
}

#[test]
fn parameters_and_files_are_over_and_under_the_values() {
    let helm = "    helm:\n      valueFiles: [$ref/apps/values.yaml, $ref/deploy/prod.yaml]\n      values: 'clearml: {testUserKey: in-values-1}'\n      parameters:\n      - {name: clearml.existingSecret, value: clearml-keys}\n      - {name: apiserver.enabled, value: \"true\"}\n      - {name: clearml.cookieName, value: \"1234\", forceString: true}\n";
    let (keyset, secret) = keyset();
    let keys = env_file(&keyset);
    let object = application(helm);
    let prod = "fileserver: {service: {type: ClusterIP}, extraEnvs: [{name: CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_KEY, value: test}]}\n";
    let values = "fileserver: {extraEnvs: [{name: A, value: b}]}\n";
    let files = [
        ("apps/a.yaml", &*object),
        ("apps/values.yaml", values),
        ("deploy/prod.yaml", prod),
        ("s.yaml", &*secret),
        ("k.env", &*keys),
    ];
    let done = look(&["apps/a.yaml", "s.yaml"], &files);
    let setting = "secure.credentials.fileserver.user_key";
    let (file, line) = place(&done, setting, "weak-secret");
    assert!(
        file.ends_with("deploy/prod.yaml") && line == 1,
        "{file}:{line}"
    );
    // The Secret has the token secret, so that it is nobody's constant.
    let rules = errors(&done);
    assert!(
        !rules
            .iter()
            .any(|(_, setting)| setting == "secure.auth.token_secret"),
        "{rules:?}"
    );
    let done = look(&["apps/a.yaml"], &files[..2]);
    assert_eq!(
        (done.code, done.rules().len()),
        (2, 0),
        "{:?}",
        done.rules()
    );
    done.says(
        "Application",
        "its values file $ref/deploy/prod.yaml is not here; render it",
    );
}

#[test]
fn a_values_file_of_an_application_is_no_release_of_its_own() {
    let helm = "    helm: {valueFiles: [$ref/values/base.yaml, $ref/values/prod.yaml]}\n";
    let object = application(helm);
    let base = "clearml: {existingSecret: clearml-keys}\napiserver: {}\n";
    let prod = "fileserver: {replicaCount: 1}\nwebserver: {}\n";
    let files = [
        ("apps/a.yaml", &*object),
        ("values/base.yaml", base),
        ("values/prod.yaml", prod),
    ];
    let logins = |done: &Done| {
        let rules = done.rules();
        rules.iter().filter(|rule| **rule == "open-login").count()
    };
    let (_, secret) = keyset();
    let secret = ("s.yaml", &*secret);
    let done = look(&["."], &[&files[..], &[secret]].concat());
    assert_eq!(logins(&done), 1, "{:?}", done.rules());
    assert!(done.unknown().is_empty(), "{:?}", done.unknown());
    // Who names one of them learns why it is not looked at alone.
    let named = ["apps/a.yaml", "values/base.yaml", "s.yaml"];
    let done = look(&named, &[&files[..], &[secret]].concat());
    assert_eq!(logins(&done), 1, "{:?}", done.rules());
    let said = "values/base.yaml: Application mlops installs the chart with it";
    assert!(done.stderr.contains(said), "{}", done.stderr);
    let done = look(
        &["."],
        &[files[0], files[1], ("values/other.yaml", prod), secret],
    );
    assert!(!done.unknown().is_empty(), "{:?}", done.rules());
    // What nothing installs is one.
    let done = look(&["."], &[files[1], ("other/prod.yaml", prod), secret]);
    assert_eq!(logins(&done), 2, "{:?}", done.rules());
}

#[test]
fn values_of_flux_are_looked_for_in_what_was_given() {
    let object = release(
        "  valuesFrom:\n  - {kind: ConfigMap, name: v}\n  values: {apiserver: {replicaCount: 2}}\n",
    );
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: v, namespace: ml}\ndata:\n  values.yaml: |\n    clearml:\n      apiserverKey: test\n    apiserver: {replicaCount: 0}\n";
    let done = look(
        &["a.yaml", "m.yaml"],
        &[("a.yaml", &object), ("m.yaml", map)],
    );
    let found = place(
        &done,
        "secure.credentials.apiserver.user_key",
        "weak-secret",
    );
    assert_eq!(found, ("m.yaml".to_owned(), 7));
    let done = look(&["a.yaml"], &[("a.yaml", &object)]);
    assert_eq!(done.code, 2);
    done.says(
        "HelmRelease",
        "its values are in ConfigMap v, key values.yaml, which was not given; add it as a TARGET",
    );
}

/// Fails unless an object is not checked, for a reason, and nothing is found in it.
fn is_not_read(object: &str, kind: &str, reason: &str) {
    let done = look(&["a.yaml"], &[("a.yaml", object)]);
    assert_eq!(
        (done.code, done.rules().len()),
        (2, 0),
        "{object}\n{}",
        done.stderr
    );
    done.says(kind, reason);
}

#[test]
fn what_changes_the_result_and_is_not_read_is_said() {
    let safe = "values: {clearml: {existingSecret: s}, apiserver: {}}";
    let source = "{chart: clearml, targetRevision: 7.14.4, helm: {valuesObject: {clearml: {}, apiserver: {}}}}";
    let several = |sources: &str| {
        let object = application("");
        object.replacen(
            "  source:",
            &format!("  sources: [{sources}]\n  source:"),
            1,
        )
    };
    for (object, kind, reason) in [
        (
            application("    helm: {valueFiles: [values.yaml]}\n"),
            "Application",
            "its values file values.yaml is not here",
        ),
        (
            several(&format!("{source}, {source}")),
            "Application",
            "it has the values of a chart, and is not read",
        ),
        (
            application("    helm: {values: {clearml: {}}}\n"),
            "Application",
            "its values are no text",
        ),
        (
            release(&format!(
                "  postRenderers: [{{kustomize: {{}}}}]\n  {safe}\n"
            )),
            "HelmRelease",
            "it has the values of a chart, and is not read",
        ),
        (
            release(&format!(
                "  valuesFrom: [{{kind: Secret, name: n, optional: true}}]\n  {safe}\n"
            )),
            "HelmRelease",
            "its values are in Secret n, key values.yaml, which was not given",
        ),
        (
            chart("''\n  chartContent: YQ==\n"),
            "HelmChart",
            "it has the values of a chart, and is not read",
        ),
        (
            chart("''\n").replace("kind: HelmChart", "kind: HelmChartConfig"),
            "HelmChartConfig",
            "it has the values of a chart, and is not read",
        ),
    ] {
        is_not_read(&object, kind, reason);
    }
    // Several sources stand instead of one, and another chart beside ClearML's is none of ours.
    let object = several(&format!(
        "{{chart: redis, targetRevision: 1.0.0}}, {source}"
    ));
    let done = look(&["a.yaml"], &[("a.yaml", &object)]);
    assert_eq!(done.code, 1, "{}", done.stderr);
}

#[test]
fn what_is_not_read_of_an_object_is_said() {
    let helm = |rest: &str| application(&format!("    helm: {rest}\n"));
    for (object, reason) in [
        (
            helm("{values: \"a: [\"}"),
            "its values are no YAML: a.yaml:10:12: ",
        ),
        (
            helm("{values: \"clearml: {cookieName: 'a: b'}\"}"),
            "the chart prints this value without quotes",
        ),
        (
            helm("{values: \"clearml: {apiserverKey: 123}\"}"),
            "clearml.apiserverKey is not text; quote it",
        ),
        (
            helm("{parameters: [{name: \"apiserver.extraEnvs[0].name\", value: x}]}"),
            "the parameter apiserver.extraEnvs[0].name is not read",
        ),
        (
            helm("{fileParameters: [{name: a, path: b}]}"),
            "it has the values of a chart, and is not read",
        ),
        (
            helm("{}").replace("7.14.4", "7.*"),
            "it names no one version of the chart",
        ),
        (
            helm("{}").replace("7.14.4", "6.1.0"),
            "chart 6.1.0 is not known here",
        ),
        (
            helm("{}").replace("chart: clearml", "chart: clearml-fork"),
            "the chart is not ClearML's own",
        ),
        (
            helm("{}").replace("chart: clearml", "path: charts/clearml"),
            "the chart is not ClearML's own",
        ),
    ] {
        is_not_read(&object, "Application", reason);
    }
    // The person who installs it may know the version.
    let object = helm("{}").replace("7.14.4", "7.*");
    let done = look(&["--chart", "7.13.0", "a.yaml"], &[("a.yaml", &object)]);
    assert!(
        done.stderr.contains("read as chart 7.13 would"),
        "{}",
        done.stderr
    );
    // Another chart of ClearML's has no server.
    let object = helm("{}").replace("chart: clearml", "chart: clearml-agent");
    let done = look(&["a.yaml"], &[("a.yaml", &object)]);
    assert_eq!(done.unknown().len(), 0, "{:?}", done.unknown());
}

#[test]
fn applications_for_two_clusters_are_two_deployments() {
    let of = |server: &str, helm: &str| {
        application(&format!("    helm: {helm}\n")).replace(
            "{namespace: ml}",
            &format!("{{namespace: ml, server: https://{server}}}"),
        )
    };
    let open = of(
        "one",
        "{valuesObject: {fileserver: {extraEnvs: [{name: CLEARML__fileserver__auth__enabled, value: \"false\"}]}}}",
    );
    let closed = of("two", "{valuesObject: {apiserver: {}}}");
    for files in [[&open, &closed], [&closed, &open]] {
        let files = [("a.yaml", files[0].as_str()), ("b.yaml", files[1].as_str())];
        let done = look(&["."], &files);
        let findings = done.json["findings"].as_array().unwrap();
        let count = |rule: &str| findings.iter().filter(|one| one["rule"] == rule).count();
        assert_eq!(count("open-fileserver"), 1, "{findings:#?}");
        assert_eq!(count("open-login"), 2, "{findings:#?}");
    }
}

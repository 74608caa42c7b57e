//! The forms in which manifests come: Lists, JSON, several files, folders, and what is not rendered yet.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::chart::{Chart, keyset, look};
use crate::common::{Done, ask, folder_with, good, verify};
use crate::oracles;
use serde_json::Value;

/// Rule, setting and severity of each finding.
fn found(done: &Done) -> Vec<String> {
    let findings = done.json["findings"].as_array().into_iter().flatten();
    let mut found: Vec<String> = findings
        .map(|one| format!("{} {} {}", one["rule"], one["setting"], one["severity"]))
        .collect();
    found.sort();
    found
}

/// What kubectl makes of a file; none where it is not here.
fn kubectl(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = run_kubectl(folder, arguments)?;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Runs kubectl, with a visible skip where it is not set up.
pub(crate) fn run_kubectl(folder: &Path, arguments: &[&str]) -> Option<Output> {
    let Some(program) = oracles::kubectl() else {
        oracles::skip("manifests against kubectl: it is not set up");
        return None;
    };
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .stdin(Stdio::null())
        .output();
    Some(output.unwrap())
}

#[test]
fn every_form_has_the_same_findings() {
    let (_, secret) = keyset();
    let text = Chart::default().render() + &secret;
    let folder = folder_with(&[("a.yaml", &text)]);
    let expected = found(&ask(&["a.yaml"], folder.path()));
    assert!(expected.len() > 11);
    let mut forms = vec![list(&text)];
    let label = ["label", "--local", "-f", "a.yaml", "x=y", "-o", "json"];
    forms.extend(kubectl(folder.path(), &label));
    for form in &forms {
        std::fs::write(folder.path().join("b"), form).unwrap();
        let done = ask(&["b"], folder.path());
        assert_eq!(found(&done), expected, "{}", &form[..300]);
        let place = &done.json["findings"][0]["place"];
        let line = usize::try_from(place["line"].as_u64().unwrap()).unwrap() - 1;
        let column = usize::try_from(place["column"].as_u64().unwrap()).unwrap() - 1;
        let at = &form.lines().nth(line).unwrap()[column..];
        assert!(
            at.trim_start_matches('"').starts_with("clearml-apiserver"),
            "{at}"
        );
    }
}

/// The documents as the items of a List, as `kubectl get -o yaml` prints them, and a List in that.
fn list(text: &str) -> String {
    let mut out = "apiVersion: v1\nitems:\n".to_owned();
    for document in text.split("---\n").filter(|one| !one.trim().is_empty()) {
        for (at, line) in document
            .lines()
            .filter(|line| !line.starts_with('#'))
            .enumerate()
        {
            out += &format!("{}{line}\n", if at == 0 { "- " } else { "  " });
        }
    }
    let inner = "- apiVersion: v1\n  kind: SecretList\n  items:\n  - {apiVersion: v1, kind: Secret, metadata: {name: other}, data: {}}\n";
    out + inner + "kind: List\nmetadata:\n  resourceVersion: \"\"\n"
}

/// The documents as Lists of one kind each, whose items do not say what they are, as an API server prints them.
fn lists_of_one_kind(text: &str) -> String {
    let mut lists: Vec<(String, String)> = Vec::new();
    for document in text.split("---\n").filter(|one| !one.trim().is_empty()) {
        let (mut head, mut item) = (String::new(), String::new());
        for line in document.lines().filter(|line| !line.starts_with('#')) {
            match line.strip_prefix("kind: ") {
                Some(kind) => head += &format!("kind: {kind}List\n"),
                None if line.starts_with("apiVersion:") => head += &format!("{line}\n"),
                None => item += &format!("{}{line}\n", if item.is_empty() { "- " } else { "  " }),
            }
        }
        match lists.iter_mut().find(|(own, _)| *own == head) {
            Some((_, items)) => items.push_str(&item),
            None => lists.push((head, item)),
        }
    }
    let lists: Vec<String> = lists
        .iter()
        .map(|(head, items)| format!("{head}items:\n{items}"))
        .collect();
    lists.join("---\n")
}

#[test]
fn items_without_a_kind_are_of_that_of_their_list() {
    let (_, secret) = keyset();
    let text = Chart::default().render() + &secret;
    let bare = lists_of_one_kind(&text);
    let folder = folder_with(&[("a.yaml", &text), ("b.yaml", &bare)]);
    let expected = found(&ask(&["a.yaml"], folder.path()));
    assert!(expected.len() > 11);
    assert_eq!(found(&ask(&["b.yaml"], folder.path())), expected);
    let empty = bare.replace("\n- metadata:", "\n- kind: \"\"\n  metadata:");
    assert_ne!(empty, bare);
    std::fs::write(folder.path().join("e.yaml"), empty).unwrap();
    assert_eq!(found(&ask(&["e.yaml"], folder.path())), expected);
    // kubectl gives each of them its kind, too.
    let label = ["label", "--local", "-f", "b.yaml", "x=y", "-o", "json"];
    let Some(whole) = kubectl(folder.path(), &label) else {
        return;
    };
    std::fs::write(folder.path().join("c.json"), &whole).unwrap();
    assert_eq!(found(&ask(&["c.json"], folder.path())), expected);
    let mut json = String::new();
    for one in serde_json::Deserializer::from_str(&whole).into_iter::<serde_json::Value>() {
        let mut item = one.unwrap();
        let [kind, version] = ["kind", "apiVersion"].map(|key| item[key].take());
        let fields = item.as_object_mut().unwrap();
        fields.retain(|_, value| !value.is_null());
        let kind = format!("{}List", kind.as_str().unwrap());
        let list = serde_json::json!({"kind": kind, "apiVersion": version, "items": [item]});
        json += &list.to_string();
    }
    std::fs::write(folder.path().join("d.json"), json).unwrap();
    assert_eq!(found(&ask(&["d.json"], folder.path())), expected);
}

/// Variables that are each taken from a key of their own take the time of reading them, and not that of their square.
#[test]
fn many_keys_of_one_secret_are_read_in_time() {
    const KEYS: usize = 20_000;
    let mut text = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\ndata:\n".to_owned();
    for key in 0..KEYS {
        text += &format!("  k{key}: YWJj\n");
    }
    text += "---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: apiserver\n    image: clearml/server:2.0.0\n    args: [apiserver]\n    env:\n";
    for key in 0..KEYS {
        text += &format!(
            "    - {{name: V{key}, valueFrom: {{secretKeyRef: {{name: keys, key: k{key}}}}}}}\n"
        );
    }
    let folder = folder_with(&[("a.yaml", &text)]);
    let start = std::time::Instant::now();
    ask(&["a.yaml"], folder.path());
    // Less than three seconds without optimization; it was minutes for a fifth of them.
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}

#[test]
fn objects_in_several_files_are_one_pool() {
    let text = Chart::default().render();
    let documents: Vec<&str> = text.split("---\n").filter(|one| !one.is_empty()).collect();
    let names: Vec<String> = (0..documents.len())
        .map(|at| format!("m/{at:02}.yaml"))
        .collect();
    let files: Vec<(&str, &str)> = names
        .iter()
        .zip(&documents)
        .map(|(name, text)| (name.as_str(), *text))
        .collect();
    let folder = folder_with(&files);
    let whole = folder_with(&[("a.yaml", &text)]);
    let expected = found(&ask(&["a.yaml"], whole.path()));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(found(&ask(&names, folder.path())), expected);
    assert_eq!(found(&ask(&["m"], folder.path())), expected);
    let some = [names[0], names[1]];
    assert!(
        ask(&some, folder.path())
            .rules()
            .contains(&"default-credential")
    );
}

#[test]
fn what_is_not_rendered_says_how() {
    let template = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}-apiserver\nspec: {}\n";
    let conditional = "{{- if .Values.apiserver }}\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n{{- end }}\n";
    let quoted = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{image: \"clearml/server:{{ .Values.tag }}\"}]}}}\n";
    for (name, text, command) in [
        (
            "apiserver.yaml",
            template,
            "helm template clearml clearml/clearml",
        ),
        (
            "apiserver.yaml",
            conditional,
            "helm template clearml clearml/clearml",
        ),
        (
            "apiserver.yaml",
            quoted,
            "helm template clearml clearml/clearml",
        ),
        (
            "Chart.yaml",
            "apiVersion: v2\nname: clearml\nversion: 1.0.0\n",
            "helm template . | clearml-verify -",
        ),
        (
            "kustomization.yaml",
            "resources: [a.yaml]\n",
            "kubectl kustomize --enable-helm . | clearml-verify -",
        ),
        (
            "patch.yaml",
            "---\n# more memory\n- op: replace\n  path: /spec/replicas\n  value: 2\n",
            "kubectl kustomize --enable-helm DIR | clearml-verify -",
        ),
        (
            "patch.json",
            "[{\"op\": \"remove\", \"path\": \"/spec\"}]",
            "kubectl kustomize --enable-helm DIR | clearml-verify -",
        ),
        (
            "main.tf",
            "resource \"helm_release\" \"clearml\" { chart = \"clearml\" }\n",
            "helm get manifest clearml",
        ),
    ] {
        let done = look(&[name], &[(name, text)]);
        assert_eq!(done.code, 2, "{name}: {}", done.stderr);
        assert!(done.stderr.contains(command), "{name}: {}", done.stderr);
    }
}

#[test]
fn what_makes_manifests_of_a_folder_is_said() {
    let text = Chart::default().render();
    let template = format!("# {{{{ if .Values.x }}}}\n{text}");
    for (name, command) in [
        ("c/Chart.yaml", "helm template ./c | clearml-verify -"),
        (
            "c/kustomization.yaml",
            "kubectl kustomize --enable-helm ./c | clearml-verify -",
        ),
    ] {
        let done = look(
            &["."],
            &[
                ("docker-compose.yml", &good()),
                (name, "apiVersion: v2\nname: clearml\n"),
                ("c/a.yaml", &template),
            ],
        );
        assert_eq!(
            (done.code, done.rules().len()),
            (2, 0),
            "{:?}",
            done.rules()
        );
        done.says("./c", command);
    }
}

#[test]
fn kinds_that_may_hide_a_server_are_named() {
    let of = |kind: &str, rest: &str| {
        format!("apiVersion: x/v1\nkind: {kind}\nmetadata: {{name: clearml}}\nspec: {rest}\n")
    };
    for (kind, rest, reason) in [
        (
            "ApplicationSet",
            "{template: {spec: {source: {chart: clearml}}}}",
            "render it",
        ),
        (
            "HelmRelease",
            "{chartRef: {kind: OCIRepository, name: clearml}}",
            "render it",
        ),
        (
            "SidecarSet",
            "{template: {spec: {containers: [{image: \"clearml/server:2.3.0\"}]}}}",
            "this kind is not read",
        ),
    ] {
        let done = look(&["a.yaml"], &[("a.yaml", &of(kind, rest))]);
        assert_eq!(done.code, 2, "{kind}: {}", done.stderr);
        done.says(kind, reason);
    }
}

#[test]
fn a_kustomization_of_other_folders_is_said_and_its_bases_are_not() {
    let text = Chart::default().render();
    let overlay = "resources: [../../base]\npatches:\n- patch: |\n    - {op: add}\n";
    let over_files =
        "resources: [base/all.yaml]\nimages: [{name: clearml/server, newTag: 1.15.0}]\n";
    let circle = "resources: [../b]\n";
    for (files, folders) in [
        (
            vec![("kustomization.yaml", over_files), ("base/all.yaml", &text)],
            vec!["."],
        ),
        (
            vec![
                ("base/kustomization.yml", "resources: [all.yaml]\n"),
                ("base/all.yaml", &text),
                ("overlays/prod/Kustomization", overlay),
                ("overlays/test/kustomization.yaml", overlay),
            ],
            vec!["./overlays/prod", "./overlays/test"],
        ),
        (
            vec![
                ("a/kustomization.yaml", circle),
                ("b/kustomization.yaml", "resources: [../a, all.yaml]\n"),
                ("b/all.yaml", &text),
                ("c/kustomization.yaml", "components: [../b]\n"),
            ],
            vec!["./c"],
        ),
    ] {
        let done = look(&["."], &files);
        assert_eq!(
            (done.code, done.rules().len()),
            (2, 0),
            "{:?}",
            done.rules()
        );
        let unknown = done.unknown();
        assert_eq!(unknown.len(), folders.len(), "{unknown:?}");
        for folder in folders {
            done.says(
                folder,
                &format!("kubectl kustomize --enable-helm {folder} | clearml-verify -"),
            );
        }
    }
    // One of something else takes nothing away.
    let done = look(
        &["."],
        &[
            ("x/kustomization.yaml", "resources: [cm.yaml]\n"),
            ("all.yaml", &text),
        ],
    );
    assert!(!done.rules().is_empty());
}

#[test]
fn what_installs_the_chart_with_values_of_its_own_is_said() {
    let values = "clearml: {existingSecret: clearml-keys}\napiserver: {replicaCount: 1}\n";
    for (name, text, command) in [
        (
            "helmfile.yaml",
            "releases:\n- name: c\n  chart: clearml/clearml\n  values: [values.yaml]\n",
            "helmfile -f ./helmfile.yaml template | clearml-verify -",
        ),
        (
            "helmfile.yaml.gotmpl",
            "releases:\n- name: c\n  chart: clearml/clearml\n  set: [{name: a, value: b}]\n",
            "helmfile -f ./helmfile.yaml.gotmpl template | clearml-verify -",
        ),
        (
            "main.tf",
            "resource \"helm_release\" \"c\" {\n  chart = \"clearml\"\n  values = [file(\"values.yaml\")]\n}\n",
            "helm get manifest clearml",
        ),
        (
            "packed.tf",
            "resource \"helm_release\" \"c\" {\n  chart = \"./clearml-7.14.7.tgz\"\n  # not values.yaml\n}\n",
            "helm get manifest clearml",
        ),
        (
            "variable.tf",
            "repository = \"https://clearml.github.io/clearml-helm-charts\"\nchart = var.name\nvalues = [\"values.yaml\"]\n",
            "helm get manifest clearml",
        ),
    ] {
        let done = look(&["."], &[("values.yaml", values), (name, text)]);
        let unknown = done.unknown();
        let is_said = |one: &String| one.contains(command);
        assert!(unknown.iter().any(is_said), "{name}: {unknown:#?}");
        // What takes them may replace each of them.
        let is_alone = done.json["findings"].as_array().unwrap().iter();
        let count = is_alone.filter(|one| one["rule"] == "open-login").count();
        let is_taken = text.contains("values.yaml") && !text.contains('#');
        assert_eq!(count, usize::from(!is_taken), "{name}");
    }
    // A compose file may be in their folder.
    let compose = "services: {apiserver: {image: allegroai/clearml:2.0}}\n";
    let inside = "helmfile.d/docker-compose.yml";
    let done = look(&[inside], &[(inside, compose)]);
    assert_eq!(done.code, 1);
    let agent = "releases:\n- name: a\n  chart: clearml/clearml-agent\n  namespace: clearml\n";
    let done = look(&["."], &[("values.yaml", values), ("helmfile.yaml", agent)]);
    let unknown = done.unknown();
    assert!(
        !unknown.iter().any(|one| one.contains("helmfile")),
        "{unknown:#?}"
    );
}

#[test]
fn what_is_not_read_is_told_of_its_own_file() {
    let application = |name: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: clearml}}\nspec:\n  source: {{repoURL: \"https://git.example/{name}\", path: clearml-charts, helm: {{valueFiles: [values.yaml]}}}}\n"
        )
    };
    let folder = folder_with(&[
        ("a.yaml", &Chart::default().render()),
        ("b.yaml", &application("b")),
        ("c.yaml", &application("c")),
    ]);
    let mut run = verify();
    let run = run.args(["-f", "jsonl", "."]).current_dir(folder.path());
    let lines = String::from_utf8(run.output().unwrap().stdout).unwrap();
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let applications: Vec<Value> = lines.filter(|line| line["what"] == "Application").collect();
    assert_eq!(applications.len(), 2);
    for line in applications {
        assert_eq!(line["subject"], line["place"]["file"]);
    }
}

/// Many are parsed ahead, on several processors.
#[test]
fn many_objects_are_read_as_few_are() {
    let few = Chart::default().render();
    let one = |number: usize| {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: s{number}, namespace: other}}\nspec: {{ports: [{{port: 80}}]}}\n"
        )
    };
    let many: String = (0..600).map(one).collect();
    let look_at = |text: &str| look(&["a.yaml"], &[("a.yaml", text)]);
    let with_many = format!("{few}{many}");
    let findings = |done: Done| done.json["findings"].clone();
    assert_eq!(findings(look_at(&with_many)), findings(look_at(&few)));
    let line = with_many.lines().count() + 5;
    let broken = with_many + &one(600).replace("spec: {", "spec: }");
    let done = look_at(&broken);
    assert_eq!(done.code, 2);
    assert!(
        done.stderr.contains(&format!("a.yaml:{line}:")),
        "{}",
        done.stderr
    );
}

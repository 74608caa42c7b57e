//! Which objects belong together, and which one a reference means.

use crate::chart::{Chart, errors, keyset, look, secret};

/// Two releases, of which the second has keys of its own and the first has the chart's.
fn two(namespaces: [Option<&'static str>; 2]) -> [String; 2] {
    let (keyset, _) = keyset();
    let mut settings = clearml_secure_core::setting::SETTINGS.into_iter();
    let values = [(); 7].map(|()| {
        let setting = settings.next().unwrap();
        keyset.get(setting).unwrap().expose().to_owned()
    });
    let stock = Chart {
        release: "one",
        namespace: namespaces[0],
        ..Chart::default()
    };
    let own = Chart {
        release: "two",
        namespace: namespaces[1],
        values: Some(values),
        ..Chart::default()
    };
    [stock.render(), own.render()]
}

#[test]
fn two_releases_are_never_mixed() {
    let count = |done: &crate::common::Done, rule: &str| {
        errors(done).iter().filter(|(name, _)| name == rule).count()
    };
    let [one, other] = two([Some("a"), Some("b")]);
    let stream = one + &other;
    let done = look(&["a.yaml"], &[("a.yaml", &stream)]);
    assert_eq!(
        (
            count(&done, "default-credential"),
            count(&done, "missing-setting")
        ),
        (6, 10)
    );
    assert!(done.unknown().is_empty(), "{:?}", done.unknown());
    let [one, other] = two([None, None]);
    let done = look(
        &["a.yaml", "b.yaml"],
        &[("a.yaml", &one), ("b.yaml", &other)],
    );
    assert_eq!(
        (
            count(&done, "default-credential"),
            count(&done, "missing-setting")
        ),
        (6, 10)
    );
    assert!(done.unknown().is_empty(), "{:?}", done.unknown());
    // In one stream nothing tells whose the Secret is, unless both are the same.
    let stream = format!("{one}{other}");
    let done = look(&["a.yaml", "--fail-on", "never"], &[("a.yaml", &stream)]);
    assert_eq!((done.code, count(&done, "default-credential")), (2, 0));
    done.says(
        "secure.auth.token_secret at apiserver",
        "several of kind Secret are called clearml-conf",
    );
    let same = one.replace("one-", "two-").replace(": one", ": two");
    let done = look(&["a.yaml"], &[("a.yaml", &format!("{one}{same}"))]);
    assert_eq!(count(&done, "default-credential"), 12);
    assert!(done.unknown().is_empty(), "{:?}", done.unknown());
}

#[test]
fn one_release_that_was_rendered_twice_stays_two() {
    let stock = Chart::default().render();
    let (_, keys) = keyset();
    let own = Chart::secured().render() + &keys;
    let done = look(
        &["a.yaml", "b.yaml"],
        &[("a.yaml", &stock), ("b.yaml", &own)],
    );
    assert_eq!(errors(&done).len(), 11);
    let files: Vec<&str> = done.json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["severity"] == "error")
        .filter_map(|one| one["place"]["file"].as_str())
        .collect();
    assert!(files.iter().all(|file| *file == "a.yaml"), "{files:?}");
}

#[test]
fn a_secret_with_a_namespace_is_that_of_a_rendering_without() {
    let (_, keys) = keyset();
    let text = Chart::secured().render();
    let named = keys.replace(
        "name: clearml-keys\n",
        "name: clearml-keys\n  namespace: clearml\n",
    );
    let done = look(
        &["a.yaml", "s.yaml"],
        &[("a.yaml", &text), ("s.yaml", &named)],
    );
    assert_eq!(errors(&done), []);
    assert!(done.unknown().is_empty(), "{:?}", done.unknown());
    // Of two namespaces it may be either.
    let other = secret("clearml-keys", Some("other"), &[("apiserver_key", "x")]);
    let both = named.clone() + &other;
    let done = look(
        &["a.yaml", "s.yaml"],
        &[("a.yaml", &text), ("s.yaml", &both)],
    );
    assert_eq!(done.unknown().len(), 15);
    let placed = Chart {
        namespace: Some("clearml"),
        ..Chart::secured()
    };
    let done = look(
        &["a.yaml", "s.yaml"],
        &[("a.yaml", &placed.render()), ("s.yaml", &both)],
    );
    assert!(done.unknown().is_empty(), "{:?}", done.unknown());
}

/// A pod or a ReplicaSet that something else has made, with another token secret.
fn made(kind: &str, name: &str, owner: (&str, &str), token: &str) -> String {
    let spec = format!(
        "containers: [{{name: c, image: \"clearml/server:2.3.0\", args: [apiserver], env: [{{name: CLEARML__SECURE__AUTH__TOKEN_SECRET, value: {token}}}]}}]"
    );
    let spec = match kind {
        "Pod" => format!("{{{spec}}}"),
        _ => format!("{{template: {{metadata: {{labels: {{a: b}}}}, spec: {{{spec}}}}}}}"),
    };
    let (owner, owner_name) = owner;
    format!(
        "---\napiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n  ownerReferences: [{{kind: {owner}, name: {owner_name}, controller: true}}]\nspec: {spec}\n"
    )
}

#[test]
fn what_a_deployment_has_made_is_old() {
    let stock = Chart::default().render();
    let expected = look(&["a.yaml"], &[("a.yaml", &stock)]).rules().len();
    let old = made(
        "ReplicaSet",
        "clearml-apiserver-1a2b",
        ("Deployment", "clearml-apiserver"),
        "abc",
    );
    let pod = made(
        "Pod",
        "clearml-apiserver-1a2b-x",
        ("ReplicaSet", "clearml-apiserver-1a2b"),
        "abc",
    );
    for dump in [old.clone() + &pod, pod.clone(), old.clone()] {
        let text = format!("{stock}{dump}");
        let done = look(&["a.yaml"], &[("a.yaml", &text)]);
        assert_eq!(done.rules().len(), expected, "{:?}", done.rules());
    }
    // Pods alone are what runs; two of one ReplicaSet are one server.
    let second = pod.replace("1a2b-x", "1a2b-y");
    let done = look(&["a.yaml"], &[("a.yaml", &(pod + &second))]);
    let weak = done
        .rules()
        .iter()
        .filter(|one| **one == "weak-secret")
        .count();
    assert_eq!(weak, 1, "{:?}", done.rules());
}

#[test]
fn what_runs_nothing_is_passed_over() {
    let chart = Chart {
        replicas: 0,
        ..Chart::default()
    };
    let done = look(&["a.yaml"], &[("a.yaml", &chart.render())]);
    assert_eq!(done.code, 2);
    assert!(
        done.stderr.contains("replicas: 0: clearml-apiserver"),
        "{}",
        done.stderr
    );
    done.says("a.yaml", "no ClearML server");
}

#[test]
fn two_api_servers_of_one_release_are_not_one() {
    let stock = Chart::default().render();
    let second = stock.replace("name: clearml-apiserver\n", "name: clearml-apiserver2\n");
    let text = format!("{stock}{second}");
    let done = look(&["a.yaml", "--fail-on", "never"], &[("a.yaml", &text)]);
    assert_eq!(done.code, 2);
    done.says("which servers belong together", "clearml-apiserver2");
}

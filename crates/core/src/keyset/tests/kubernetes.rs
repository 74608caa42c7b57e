//! Secrets of Kubernetes, in the shapes in which kubectl and people write them.

use std::path::Path;

use super::super::kubernetes;
use super::*;

fn read(text: &str) -> Result<Keyset, String> {
    Keyset::read(text, Path::new("s.yaml")).map_err(|error| error.to_string())
}

#[test]
fn every_setting_has_a_name_of_its_own() {
    let mut names: Vec<&str> = SETTINGS.into_iter().map(kubernetes::name_of).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), SETTINGS.len());
    // Those that the chart's templates name (docs/clearml.md#helm-chart).
    for of_the_chart in [
        "apiserver_key",
        "apiserver_secret",
        "fileserver_key",
        "fileserver_secret",
        "secure_auth_token_secret",
        "test_user_key",
        "test_user_secret",
    ] {
        assert!(names.contains(&of_the_chart), "{of_the_chart}");
    }
}

#[test]
fn lists_json_and_other_objects_say_the_same() {
    let keyset = full();
    let one = keyset.write(Format::Kubernetes);
    let object: serde_json::Value = serde_yaml::from_str(&one).unwrap();
    let other = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"apiserver_key": "x"}});
    let list = |kind: &str| serde_json::json!({"apiVersion": "v1", "kind": kind, "items": [other, object]});
    let of_kind = |object: &serde_json::Value| {
        let mut item = object.clone();
        item.as_object_mut().unwrap().retain(|key, _| key == "data");
        serde_json::json!({"apiVersion": "v1", "kind": "SecretList", "items": [item]})
    };
    let texts = [
        object.to_string(),
        serde_json::to_string_pretty(&list("List")).unwrap(),
        list("SecretList").to_string(),
        // An API server, asked without kubectl, says once what the items are.
        of_kind(&object).to_string(),
        // Braces are no JSON yet.
        serde_yaml::to_string(&object).unwrap().lines().fold(
            String::from("{apiVersion: v1, kind: Secret, data: {"),
            |text, line| match line
                .strip_prefix("  ")
                .filter(|line| !line.starts_with("name:"))
            {
                Some(entry) => text + entry + ", ",
                None => text,
            },
        ) + "}}\n",
        serde_yaml::to_string(&list("List")).unwrap(),
        format!("{other}\n{object}\n"),
        format!(
            "---\n{}---\n# more\n{}",
            serde_yaml::to_string(&other).unwrap(),
            &*one
        ),
    ];
    for text in texts {
        assert_eq!(read(&text).unwrap(), keyset, "{text}");
        assert_eq!(Keyset::is_only_a_part_of(&text), text.contains("ConfigMap"));
    }
    assert!(!Keyset::is_only_a_part_of(&one));
}

#[test]
fn string_data_wins_and_line_breaks_in_base64_do_not_count() {
    let text = "apiVersion: v1\nkind: Secret\ndata:\n  apiserver_key: b3RoZXI=\n  apiserver_secret: |\n    YWJj\n    ZGVm\n\
                stringData:\n  apiserver_key: \"12E5\"\n  other: x\n";
    let keyset = read(text).unwrap();
    let value = |path: &str| {
        let setting = Setting::by_path(path).unwrap();
        keyset.get(setting).unwrap().expose().to_owned()
    };
    assert_eq!(value("secure.credentials.apiserver.user_key"), "12E5");
    assert_eq!(value("secure.credentials.apiserver.user_secret"), "abcdef");
    assert!(Keyset::is_only_a_part_of(text));
}

#[test]
fn what_no_secret_can_hold_is_refused_with_its_place_and_without_its_text() {
    let head = "apiVersion: v1\nkind: Secret\n";
    for (rest, message) in [
        (
            "data: {apiserver_key: \"MARKED!\"}\n",
            "s.yaml:3:23: a value of a Secret that is not base64",
        ),
        (
            "stringData: {apiserver_key: \"ENC[AES256_GCM,MARKED]\"}\n",
            "s.yaml:3:29: SOPS has encrypted this value",
        ),
        (
            "data: {apiserver_key: TUFSS0VECg==}\n",
            "s.yaml:3:23: the value ends with a line break",
        ),
        (
            "stringData:\n  apiserver_key: |\n    MARKED\n",
            "s.yaml:5:5: the value ends with a line break",
        ),
        (
            "data: {apiserver_key: /w==}\n",
            "s.yaml:3:23: a value of a Secret that is not UTF-8",
        ),
        (
            "data: {apiserver_key: [MARKED]}\n",
            "s.yaml:3:23: a value of a Secret that is no text",
        ),
        (
            "stringData: {apiserver_key: 12E5}\n",
            "s.yaml:3:29: a value of a Secret that is a number or a truth value",
        ),
        (
            "data: {apiserver_key: TUFSSw==}\napiVersion: v1\nkind: Secret\n",
            "s.yaml:4:1: a second object begins here, without `---` before it",
        ),
        ("data: {apiserver_key: null}\n", "the value is empty"),
        (
            "data: {apiserver_key: TUFSSw==}\n---\nkind: Secret\ndata: {apiserver_key: TUFSSw==}\n",
            "is in the keyset twice",
        ),
        ("data: {apiserver.conf: TUFSS0VEIHs=}\n", "apiserver.conf: "),
        ("data: {mine: TUFSSw==}\n", "no Secret in it has a key"),
    ] {
        let error = read(&format!("{head}{rest}")).unwrap_err();
        assert!(error.contains(message), "{error}");
        assert!(!error.contains("MARK"), "{error}");
    }
}

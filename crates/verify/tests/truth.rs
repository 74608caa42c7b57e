//! What a switch is to Python, and what is not known of a server's files: neither passes for "no findings".
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod common;

use common::{folder_with, good, verify};
use serde_json::Value;

const FILESERVER: &str = "image: clearml/server:2.3.0\n    command: fileserver\n    environment:\n";
const APISERVER: &str = "image: clearml/server:2.3.0\n    command: apiserver\n    environment:\n";

/// The exit code, the rules of the findings, and what is not known with its reason.
fn said(files: &[(&str, &str)]) -> (i32, Vec<String>, Vec<String>) {
    let folder = folder_with(files);
    let mut command = verify();
    command.args(["-f", "json", "docker-compose.yml"]);
    let output = command.current_dir(folder.path()).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let list = |name: &str| document[name].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rules = list("findings")
        .iter()
        .map(|one| text(&one["rule"]))
        .collect();
    let unknown = list("unknown")
        .into_iter()
        .map(|one| format!("{}: {}", text(&one["what"]), text(&one["reason"])));
    (output.status.code().unwrap(), rules, unknown.collect())
}

/// A server with these lines in its environment.
fn with_variables(server: &str, lines: &str) -> String {
    let text = good();
    assert!(text.contains(server), "{text}");
    text.replacen(server, &format!("{server}{lines}"), 1)
}

/// A server with a configuration folder `c`.
fn with_folder(server: &str) -> String {
    let text = good();
    assert!(text.contains(server), "{text}");
    let mounted = server.replace(
        "    environment:\n",
        "    volumes: [\"./c:/opt/clearml/config\"]\n    environment:\n",
    );
    text.replacen(server, &mounted, 1)
}

#[test]
fn a_file_server_is_open_where_python_says_so() {
    for (name, value, is_open) in [
        ("FILESERVER__AUTH", "'null'", true),
        ("FILESERVER__AUTH", "'false'", true),
        ("FILESERVER__AUTH", "5s", true),
        ("FILESERVER__AUTH", "'[]'", true),
        ("FILESERVER__AUTH", "'{enabled: null}'", true),
        (
            "FILESERVER__AUTH",
            "'{tokens_cache_threshold_sec: 5}'",
            false,
        ),
        ("FILESERVER", "'null'", true),
        ("fileserver__auth__enabled", "\"0s\"", true),
        ("fileserver__auth__enabled", "0ms", true),
        ("fileserver__auth__enabled", "\"0 days\"", true),
        ("fileserver__auth__enabled", "\"0\"", true),
        ("fileserver__auth__enabled", "\"-0\"", true),
        ("fileserver__auth__enabled", "\"0.0\"", true),
        ("fileserver__auth__enabled", "\"\"", true),
        ("fileserver__auth__enabled", "FALSE", true),
        ("fileserver__auth__enabled", "'{}'", true),
        ("fileserver__auth__enabled", "\"no\"", false),
        ("fileserver__auth__enabled", "\"off\"", false),
        ("fileserver__auth__enabled", "'\"false\"'", false),
        ("fileserver__auth__enabled", "'\"0\"'", false),
        ("fileserver__auth__enabled", "1s", false),
        ("fileserver__auth__enabled", "\"1\"", false),
        ("fileserver__auth__enabled", "'[0]'", false),
    ] {
        let text = with_variables(FILESERVER, &format!("      CLEARML__{name}: {value}\n"));
        let (code, rules, unknown) = said(&[("docker-compose.yml", &text)]);
        let expected: &[&str] = if is_open { &["open-fileserver"] } else { &[] };
        assert_eq!(rules, expected, "{name}: {value} {unknown:?}");
        assert_eq!(
            (code, unknown.len()),
            (i32::from(is_open), 0),
            "{name}: {value} {unknown:?}"
        );
    }
}

#[test]
fn a_file_says_so_as_well() {
    for (conf, code, rules) in [
        ("auth = false\n", 1, &["open-fileserver"][..]),
        ("auth: null\n", 1, &["open-fileserver"]),
        ("auth { enabled: 0d }\n", 1, &["open-fileserver"]),
        ("auth: ${?NOWHERE}\n", 0, &[]),
        ("auth { enabled: \"no\" }\n", 0, &[]),
    ] {
        let text = with_folder(FILESERVER);
        let (found, said, unknown) =
            said(&[("docker-compose.yml", &text), ("c/fileserver.conf", conf)]);
        assert_eq!(
            (found, said.as_slice()),
            (
                code,
                rules
                    .iter()
                    .map(|rule| (*rule).to_owned())
                    .collect::<Vec<_>>()
                    .as_slice()
            ),
            "{conf} {unknown:?}"
        );
    }
}

#[test]
fn what_a_file_includes_from_elsewhere_is_not_known() {
    for (conf, is_known) in [
        ("include \"/etc/elsewhere.conf\"\n", false),
        ("include \"../elsewhere.conf\"\n", false),
        ("include required(file(\"/etc/elsewhere.conf\"))\n", false),
        ("include url(\"http://example.com/x.conf\")\n", false),
        ("auth { include \"/etc/elsewhere.conf\" }\n", false),
        (
            "auth { enabled: true }\ninclude \"/etc/elsewhere.conf\"\n",
            false,
        ),
        ("auth { enabled: ${HOME} }\n", false),
        ("auth: ${HOME}\n", false),
        // Nothing beside the file has this name, and pyhocon passes over it.
        ("include \"none.conf\"\n", true),
        ("include \"beside.txt\"\n", true),
    ] {
        let text = with_folder(FILESERVER);
        let files = [
            ("docker-compose.yml", text.as_str()),
            ("c/fileserver.conf", conf),
            ("c/beside.txt", "upload.max_upload_size_mb: 5"),
        ];
        let (code, rules, unknown) = said(&files);
        assert!(rules.is_empty(), "{conf} {rules:?}");
        if is_known {
            assert_eq!((code, unknown.len()), (0, 0), "{conf} {unknown:?}");
        } else {
            assert_eq!(code, 2, "{conf}");
            assert!(
                unknown
                    .iter()
                    .any(|one| one.contains("fileserver.auth.enabled")),
                "{conf} {unknown:?}"
            );
        }
    }
}

#[test]
fn what_is_set_behind_an_include_is_known() {
    let text = with_folder(FILESERVER);
    let conf = "include \"/etc/elsewhere.conf\"\nauth { enabled: true, cookie_names: [clearml_token_basic] }\ncors { origins: \"https://app.example.com\", resources: \"/*\", supports_credentials: false }\ndebug: false\n";
    let (code, rules, unknown) =
        said(&[("docker-compose.yml", &text), ("c/fileserver.conf", conf)]);
    assert_eq!(
        (code, rules.len(), unknown.len()),
        (0, 0, 0),
        "{rules:?} {unknown:?}"
    );
    let open = conf.replace("enabled: true", "enabled: 0s");
    let (code, rules, _) = said(&[("docker-compose.yml", &text), ("c/fileserver.conf", &open)]);
    assert_eq!((code, rules), (1, vec!["open-fileserver".to_owned()]));
}

#[test]
fn a_beside_file_that_is_included_is_read() {
    let text = with_folder(FILESERVER);
    let files = [
        ("docker-compose.yml", text.as_str()),
        ("c/fileserver.conf", "include \"more.txt\"\n"),
        ("c/more.txt", "auth.enabled: 0\n"),
    ];
    let (code, rules, unknown) = said(&files);
    assert_eq!(
        (code, rules),
        (1, vec!["open-fileserver".to_owned()]),
        "{unknown:?}"
    );
}

#[test]
fn an_include_in_a_variable_is_not_known() {
    let line = "      CLEARML__services__auth__fixed_users: '{include \"/etc/users.conf\"}'\n";
    let (code, rules, unknown) = said(&[("docker-compose.yml", &with_variables(APISERVER, line))]);
    assert!(code == 2 && rules.is_empty(), "{rules:?} {unknown:?}");
    assert!(
        unknown.iter().any(|one| one.contains("guest.enabled")),
        "{unknown:?}"
    );
}

#[test]
fn a_setting_below_an_unknown_variable_is_not_known() {
    let line = "      CLEARML__SECURE: ${ALL_OF_IT:?}\n";
    let (_, _, unknown) = said(&[("docker-compose.yml", &with_variables(APISERVER, line))]);
    assert!(
        !unknown
            .iter()
            .any(|one| one.starts_with("secure.auth.token_secret")),
        "variables of its own come later and win: {unknown:?}"
    );
    let line = "      CLEARML__apiserver__auth: ${ALL_OF_IT:?}\n";
    let (code, _, unknown) = said(&[("docker-compose.yml", &with_variables(APISERVER, line))]);
    assert!(
        code == 2
            && unknown
                .iter()
                .any(|one| one.contains("cookies.secure") && one.contains("ALL_OF_IT")),
        "{unknown:?}"
    );
}

#[test]
fn a_dash_replaces_what_only_the_image_has() {
    for (name, value, rules) in [
        (
            "SERVICES__AUTH__FIXED_USERS__GUEST__-ENABLED",
            "\"true\"",
            &["guest-login"][..],
        ),
        (
            "SERVICES__AUTH__FIXED_USERS__-GUEST",
            "'{enabled: true}'",
            &["guest-login"],
        ),
        (
            "SERVICES__AUTH__FIXED_USERS__GUEST__-ENABLED",
            "\"false\"",
            &[],
        ),
    ] {
        let line = format!("      CLEARML__{name}: {value}\n");
        let text = with_variables(APISERVER, &line);
        let (_, said, unknown) = said(&[("docker-compose.yml", &text)]);
        let said: Vec<&str> = said
            .iter()
            .map(String::as_str)
            .filter(|rule| *rule != "unread-variable")
            .collect();
        assert_eq!(said, rules, "{name}: {value} {unknown:?}");
    }
}

#[test]
fn an_object_over_a_value_has_nothing_of_the_image_left() {
    let text = with_folder(FILESERVER).replacen(
        "    environment:\n      CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_KEY",
        "    environment:\n      CLEARML__FILESERVER__AUTH__COOKIE_NAMES: '[clearml_token_basic]'\n      \
         CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_KEY",
        1,
    );
    for (conf, rules) in [
        ("auth = false\n", &["open-fileserver"][..]),
        ("auth { tokens_cache_threshold_sec: 5 }\n", &[]),
    ] {
        let files = [
            ("docker-compose.yml", text.as_str()),
            ("c/fileserver.conf", conf),
        ];
        let (_, said, unknown) = said(&files);
        assert_eq!(said, rules, "{conf} {unknown:?}");
    }
}

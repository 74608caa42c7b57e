//! A deployment that follows every measure has nothing above a note, and taking one measure back gives exactly the
//! finding that is meant for it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod common;

use std::fs;

use assert_cmd::Command;
use common::{as_written, folder_with, fresh};
use serde_json::Value;

fn secured() -> String {
    as_written("secured/docker-compose.yml")
}

/// The rules of what is found, with the setting where there is one; the note of the untouched deployment left out.
fn found(text: &str) -> Vec<String> {
    let folder = folder_with(&[("docker-compose.yml", text)]);
    let output = Command::new(env!("CARGO_BIN_EXE_clearml-verify"))
        .args(["-f", "json", "docker-compose.yml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let mut found: Vec<String> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["rule"] != "docker-socket")
        .map(|one| {
            let part = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
            let setting = part("setting");
            let setting = setting
                .trim_start_matches("secure.")
                .trim_start_matches("credentials.");
            format!("{} {} {setting}", part("severity"), part("rule"))
                .trim_end()
                .to_owned()
        })
        .collect();
    found.extend(
        document["unknown"]
            .as_array()
            .unwrap()
            .iter()
            .map(|_| "unknown".to_owned()),
    );
    found.sort();
    found
}

/// One measure taken back: what is replaced by what, and the findings that are meant for it.
type Change = (&'static str, &'static str, &'static [&'static str]);

const TOKEN: &str = "Td8VKqxryo1nIj7BRd03Q2ybv097SHzxgQA6TCvY4dhKMlRdZQ9QsT";

const CHANGES: &[Change] = &[
    // Settings.
    (
        "      CLEARML__SECURE__HTTP__SESSION_SECRET__APISERVER:",
        "      IGNORED:",
        &["error missing-setting http.session_secret.apiserver"],
    ),
    (
        "      CLEARML__SECURE__CREDENTIALS__APISERVER__USER_KEY",
        "      IGNORED",
        &["warning missing-setting apiserver.user_key"],
    ),
    (
        "      CLEARML__SECURE__CREDENTIALS__APISERVER__USER_SECRET",
        "      IGNORED",
        &["error missing-setting apiserver.user_secret"],
    ),
    (
        "      CLEARML__SECURE__CREDENTIALS__WEBSERVER__USER_SECRET",
        "      IGNORED",
        &["note missing-setting webserver.user_secret"],
    ),
    (
        "      CLEARML__SECURE__CREDENTIALS__TESTS__USER_KEY",
        "      IGNORED",
        &["note missing-setting tests.user_key"],
    ),
    (
        "M0XvqZjxTW3xvboSRt5Mh3dAwVtRMflhbmuaptt0Azn0DNRUQxA71p",
        "V8gcW3EneNDcNfO7G_TSUsWe7uLozyacc9_I33o7bxUo8rCN31VLRg",
        &["error default-credential http.session_secret.apiserver"],
    ),
    (
        "M0XvqZjxTW3xvboSRt5Mh3dAwVtRMflhbmuaptt0Azn0DNRUQxA71p",
        "new-secret-string",
        &["error weak-secret http.session_secret.apiserver"],
    ),
    (
        "M0XvqZjxTW3xvboSRt5Mh3dAwVtRMflhbmuaptt0Azn0DNRUQxA71p",
        "short",
        &["error weak-secret http.session_secret.apiserver"],
    ),
    (
        "M0XvqZjxTW3xvboSRt5Mh3dAwVtRMflhbmuaptt0Azn0DNRUQxA71p",
        "",
        &[
            "error missing-setting http.session_secret.apiserver",
            "warning unset-variable http.session_secret.apiserver",
        ],
    ),
    (
        "M0XvqZjxTW3xvboSRt5Mh3dAwVtRMflhbmuaptt0Azn0DNRUQxA71p",
        "${NOBODY_SETS_IT}",
        &["error unset-variable http.session_secret.apiserver"],
    ),
    (
        "M0XvqZjxTW3xvboSRt5Mh3dAwVtRMflhbmuaptt0Azn0DNRUQxA71p",
        "06d-kQ2vXo8sLw4TzB8sYdR5mNc7Hf3Gp9Ja",
        &["error misread-value http.session_secret.apiserver"],
    ),
    (
        "M0XvqZjxTW3xvboSRt5Mh3dAwVtRMflhbmuaptt0Azn0DNRUQxA71p",
        TOKEN,
        &["warning reused-secret auth.token_secret"],
    ),
    (
        "    networks: [backend]\n    environment:\n      CLEARML__SECURE__AUTH__TOKEN_SECRET",
        "    networks: [backend]\n    environment:\n      IGNORED",
        &["error split-credential auth.token_secret"],
    ),
    (
        "      CLEARML__fileserver__delete__allow_batch: \"true\"\n      CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_KEY",
        "      IGNORED",
        &["error split-credential fileserver.user_key"],
    ),
    (
        "      CLEARML_ELASTIC_SERVICE_HOST: elasticsearch\n",
        "      CLEARML__secure__auth__token_secret: Zd8VKqxryo1nIj7BRd03Q2ybv097SHzxgQA6TCvY4dhKMlRdZQ9QsT\n",
        &[
            "error split-credential auth.token_secret",
            "warning shadowed-variable auth.token_secret",
        ],
    ),
    (
        "      CLEARML_ELASTIC_SERVICE_HOST: elasticsearch\n",
        "      CLEARML__SECURE__AUTH__TOKEN_SECERT: x\n",
        &["warning unread-variable"],
    ),
    (
        "CLEARML_API_SECRET_KEY: ",
        "CLEARML_API_SECRET_KEY: X",
        &["error split-credential services_agent.user_secret"],
    ),
    // Network.
    (
        "[\"127.0.0.1:8008:8008\"]",
        "[\"8008:8008\"]",
        &["warning public-port"],
    ),
    (
        "[\"127.0.0.1:8081:8081\"]",
        "[\"0.0.0.0:8081:8081\"]",
        &["warning public-port"],
    ),
    (
        "[\"127.0.0.1:8080:80\"]",
        "[\"8080:80\"]",
        &["warning public-port"],
    ),
    (
        "[\"127.0.0.1:8008:8008\"]",
        "[\"127.0.0.1:8008:8008\", \"5678:5678\"]",
        &["note unexpected-port"],
    ),
    (
        "image: redis:7.4.1\n",
        "image: redis:7.4.1\n    ports: [\"6379:6379\"]\n",
        &["error exposed-database"],
    ),
    (
        "image: mongo:7.0.22\n",
        "image: mongo:7.0.22\n    ports: [\"127.0.0.1:27017:27017\"]\n",
        &["warning exposed-database"],
    ),
    (
        "image: elasticsearch:8.17.0\n    networks: [backend]",
        "image: elasticsearch:8.17.0\n    network_mode: host",
        &["error exposed-database"],
    ),
    (
        "image: redis:7.4.1\n",
        "image: redis:7.4.1\n    ports: [\"${REDIS_PORT}:6379x\"]\n",
        &["unknown"],
    ),
    (
        "image: redis:7.4.1\n",
        "image: redis:7.4.1\n    ports: \"6379:6379\"\n",
        &["unknown"],
    ),
    (
        "image: redis:7.4.1\n    networks: [backend]",
        "image: redis:7.4.1\n    network_mode: ${MODE:?}",
        &["unknown"],
    ),
    (
        "image: redis:7.4.1\n",
        "image: redis:7.4.1\n    ports: [6379]\n",
        &["error exposed-database"],
    ),
    (
        "CLEARML_WEB_HOST: https:",
        "CLEARML_WEB_HOST: http:",
        &["warning plain-http"],
    ),
    (
        "CLEARML__apiserver__cors__origins: https://app.clearml.example.com",
        "IGNORED: x",
        &["note open-cors"],
    ),
    // Web login.
    (
        "fixed_users__enabled: \"true\"",
        "fixed_users__enabled: \"false\"",
        &["warning open-login"],
    ),
    (
        "fixed_users__pass_hashed: \"true\"",
        "fixed_users__pass_hashed: \"false\"",
        // The hash itself is the password then.
        &["error hash-as-password", "warning plaintext-password"],
    ),
    ("JDJiJDE2J", "JDJiJDA2J", &["warning cheap-hash"]),
    ("JDJiJDE2J", "XXXX", &["error malformed-password-hash"]),
    (
        "users: '[{",
        "users: '[{username: \"jane\", name: \"J\"}, {",
        &["error broken-user", "error duplicate-user"],
    ),
    (
        "      CLEARML_ELASTIC_SERVICE_HOST: elasticsearch\n",
        "      CLEARML__services__auth__fixed_users__guest__enabled: \"true\"\n",
        &["warning guest-login"],
    ),
    (
        "      WEBSERVER__fileBaseUrl",
        "      USER_SECRET: x\n      WEBSERVER__fileBaseUrl",
        &["error published-credential"],
    ),
    (
        "CLEARML__apiserver__auth__cookies__secure: \"true\"",
        "IGNORED: x",
        &["warning insecure-cookie"],
    ),
    (
        "CLEARML__apiserver__return_stack_to_caller: \"false\"",
        "IGNORED: x",
        &[],
    ),
    (
        "CLEARML__apiserver__return_stack_to_caller: \"false\"",
        "CLEARML__apiserver: '{return_stack: no, return_stack_to_caller: off}'",
        &["note stack-trace"],
    ),
    // File server and versions.
    (
        "CLEARML__fileserver__delete__allow_batch: \"true\"",
        "CLEARML__fileserver__auth__enabled: \"0d\"",
        &["error open-fileserver"],
    ),
    (
        "CLEARML__fileserver__delete__allow_batch: \"true\"",
        "CLEARML__fileserver__auth__enabled: \"FALSE\"",
        &["error open-fileserver"],
    ),
    (
        "CLEARML__fileserver__delete__allow_batch: \"true\"",
        "CLEARML__fileserver__auth__cookie_names: \"[other]\"",
        &["warning cookie-mismatch"],
    ),
    (
        "clearml/server:2.3.0\n    command: webserver",
        "allegroai/clearml:1.14.1\n    command: webserver",
        &["error vulnerable-version"],
    ),
    (
        "  apiserver:\n",
        "  guest:\n    image: nginx:1.27\n    networks: [backend]\n  apiserver:\n",
        // Elasticsearch 8 asks for a password unless it is told not to.
        &["note database-password", "note database-password"],
    ),
    (
        "image: mongo:7.0.22",
        "image: mongo:6.0.19",
        &["note unsupported-database"],
    ),
    (
        "clearml/server:2.3.0\n    command: webserver",
        "clearml/server\n    command: webserver",
        &["note floating-image"],
    ),
];

#[test]
fn every_measure_has_its_finding() {
    assert!(found(&secured()).is_empty(), "{:?}", found(&secured()));
    let mut failures = Vec::new();
    for (from, to, expected) in CHANGES {
        let (text, old) = (fresh(&secured()), fresh(from));
        assert!(text.contains(&old), "nothing to change: {from}");
        let found = found(&text.replacen(&old, &fresh(to), 1));
        if found != *expected {
            failures.push(format!(
                "{from} -> {to}\n  expected {expected:?}\n  found    {found:?}"
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn keys_of_a_store_are_secrets_of_their_file() {
    let stock = common::good();
    let (before, api) = stock.split_once("  apiserver:\n").unwrap();
    let compose =
        format!("{before}  apiserver:\n    volumes: [\"./config:/opt/clearml/config\"]\n{api}");
    let store = "aws { s3 { credentials: [{host: \"minio:9000\", key: k7Qm2, secret: \"wZ4vK9sLq2Xn8RtY5uBc\"}] } }\n";
    let path = "config/services/storage_credentials.conf";
    let folder = common::folder_with(&[("docker-compose.yml", &compose), (path, store)]);
    let rules = || {
        common::ask(&["docker-compose.yml"], folder.path())
            .rules()
            .join(" ")
    };
    let open = |path: &str, mode| {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(folder.path().join(path), permissions).unwrap();
    };
    for path in ["", "config", "config/services"] {
        open(path, 0o755);
    }
    assert!(!rules().contains("readable-secret"), "{}", rules());
    open(path, 0o644);
    assert!(rules().contains("readable-secret"), "{}", rules());
    // The placeholder that ClearML ships is none.
    fs::write(
        folder.path().join(path),
        store.replace("wZ4vK9sLq2Xn8RtY5uBc", "minioadmin"),
    )
    .unwrap();
    assert!(!rules().contains("readable-secret"), "{}", rules());
}

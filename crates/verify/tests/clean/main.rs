//! "No findings" is said of nothing that may be open: one small change of a good deployment each, and what is
//! said of it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

#[path = "../common/mod.rs"]
mod common;
mod mounts;
mod servers;
mod values;

use assert_cmd::Command;
use common::{folder_with, good};
use serde_json::Value;

const TOKEN: &str =
    "CLEARML__SECURE__AUTH__TOKEN_SECRET: Td8VKqxryo1nIj7BRd03Q2ybv097SHzxgQA6TCvY4dhKMlRdZQ9QsT";

/// The good deployment, whose token secret comes from elsewhere.
fn without_token(more: &str) -> String {
    good()
        .replace(
            "    environment:\n      CLEARML__SECURE__HTTP",
            &format!("{more}    environment:\n      CLEARML__SECURE__HTTP"),
        )
        .replace(&format!("      {TOKEN}\n"), "")
}

/// The exit code, and what is said: `rule severity` of each finding and `unknown` for what could not be seen.
fn said(files: &[(&str, &str)]) -> (i32, Vec<String>, String) {
    let folder = folder_with(files);
    let output = Command::new(env!("CARGO_BIN_EXE_clearml-verify"))
        .args(["-f", "json", "docker-compose.yml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let document: Value = serde_json::from_str(&stdout).unwrap_or_default();
    let list = |name: &str| document[name].as_array().cloned().unwrap_or_default();
    let mut said: Vec<String> = list("findings")
        .iter()
        .map(|one| {
            format!(
                "{} {}",
                one["rule"].as_str().unwrap(),
                one["severity"].as_str().unwrap()
            )
        })
        .collect();
    said.extend(list("unknown").iter().map(|_| "unknown".to_owned()));
    let heard = stdout + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), said, heard)
}

fn expect(name: &str, files: &[(&str, &str)], code: i32, expected: &[&str]) {
    let (found, said, heard) = said(files);
    assert_eq!(
        (found, said.iter().map(String::as_str).collect::<Vec<_>>()),
        (code, expected.to_vec()),
        "{name}: {heard}"
    );
}

/// One change of the good compose file.
fn change(name: &str, from: &str, to: &str, code: i32, expected: &[&str]) {
    let text = good();
    assert!(text.contains(from), "{name}");
    expect(
        name,
        &[("docker-compose.yml", &text.replacen(from, to, 1))],
        code,
        expected,
    );
}

/// Neither `.env`'s values nor what may be half of a password is shown.
#[test]
fn what_is_unknown_shows_no_secret() {
    let text = good()
        .replacen(TOKEN, "CLEARML__SECURE__AUTH__TOKEN_SECRET: abc${MARKED?}", 1)
        .replacen(
            "    environment:\n",
            "    env_file: ./${FOLDER}/more.env\n    volumes: ['/${FOLDER}/config:/opt/clearml/config']\n    environment:\n",
            1,
        );
    let (code, _, heard) = said(&[("docker-compose.yml", &text), (".env", "FOLDER=MARKED\n")]);
    assert_eq!(code, 2);
    assert!(!heard.contains("MARKED"), "{heard}");
}

/// Every finding shows its line, and no line shows a value: shadowed, unused, commented, escaped or foreign.
#[test]
fn shown_lines_hold_no_value() {
    let text = r#"x-old: &old {PASSWORD: MARKED}
services:
  apiserver: {image: "clearml/server:2.3.0", command: apiserver, labels: ["a=MARKED"], environment: {CLEARML__SECURE__AUTH__TOKEN_SECRET: MARKED, CLEARML__secure__auth__token_secret: MARKED1, CLEARML__FOO__BAR: MARKED}} # MARKED
  fileserver: # MARKED
    image: clearml/server:2.3.0
    command: fileserver
    build: {args: {A: MARKED}}
    volumes: [./conf:/opt/clearml/config]
    environment:
      - "CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_KEY=\x4dARKED MARKED"
      - CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_SECRET=MARKED
      - CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_SECRET=MARKED
"#;
    let conf =
        "a: MARKED, credentials.fileserver { other: MARKED, user_secret: 06d-MARKED } // MARKED";
    let folder = folder_with(&[("docker-compose.yml", text), ("conf/secure.conf", conf)]);
    for format in ["text", "json", "sarif", "github"] {
        let output = Command::new(env!("CARGO_BIN_EXE_clearml-verify"))
            .args(["-f", format, "docker-compose.yml"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let heard =
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            !heard.contains("MARKED") && !heard.contains("ARKED"),
            "{heard}"
        );
    }
}

#[test]
fn comments_silence_only_where_they_are_comments() {
    let with = |above: &str, behind: &str| {
        good().replacen(
            &format!("      {TOKEN}"),
            &format!("{above}      CLEARML__SECURE__AUTH__TOKEN_SECRET: {behind}"),
            1,
        )
    };
    let (_, said_inside, _) = said(&[(
        "docker-compose.yml",
        &with(
            "",
            "'short # clearml-verify: ignore[weak-secret] not a comment'",
        ),
    )]);
    // The server reads what is before the sign, which is too short; neither is silenced.
    assert_eq!(said_inside, ["misread-value error", "weak-secret error"]);
    let (_, said_mistyped, heard) = said(&[(
        "docker-compose.yml",
        &with(
            "      # clearml-verify: ignore[weak-secrets] tried\n",
            "short",
        ),
    )]);
    assert_eq!(said_mistyped, ["weak-secret error"]);
    assert!(heard.contains("weak-secrets, which is no rule"), "{heard}");
    let (_, said_retired, heard) = said(&[(
        "docker-compose.yml",
        &with(
            "      # clearml-verify: ignore[appended-credentials] tried\n",
            "short",
        ),
    )]);
    assert_eq!(said_retired, ["weak-secret error"]);
    assert!(
        heard.contains("appended-credentials is no longer a rule")
            && heard.contains("remove it from the comment"),
        "{heard}"
    );
    let silenced = with(
        "      # clearml-verify: ignore[weak-secret] tried\n",
        "short",
    );
    expect("a comment", &[("docker-compose.yml", &silenced)], 0, &[]);
}

#[test]
fn fixed_users_revoke_two_accounts() {
    let stock = "services:\n  apiserver:\n    image: clearml/server:2.3.0\n    command: apiserver\n    environment:\n      \
                 CLEARML__apiserver__auth__fixed_users__enabled: \"true\"\n";
    let (_, said, heard) = said(&[("docker-compose.yml", stock)]);
    let count = |what: &str| said.iter().filter(|one| *one == what).count();
    assert_eq!(
        (
            count("missing-setting error"),
            count("missing-setting note")
        ),
        (6, 4),
        "{heard}"
    );
    let kept = stock.to_owned()
        + "      CLEARML__secure__credentials__tests__revoke_in_fixed_mode: \"false\"\n";
    let (_, said, heard) = self::said(&[("docker-compose.yml", &kept)]);
    let errors = said.iter().filter(|one| *one == "missing-setting error");
    assert_eq!(errors.count(), 8, "{heard}");
}

#[test]
fn of_two_default_names_compose_takes_one() {
    let stock = "services:\n  apiserver: {image: 'clearml/server:2.3.0', command: apiserver}\n";
    let folder = folder_with(&[("compose.yaml", &good()), ("docker-compose.yml", stock)]);
    let output = Command::new(env!("CARGO_BIN_EXE_clearml-verify"))
        .arg(folder.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(
        stderr.contains("docker-compose.yml is not read"),
        "{stderr}"
    );
}

#[test]
fn users_of_the_web_login_are_looked_for_where_no_server_does() {
    let users = r#"fixed_users { enabled: true, users: [{username: "jane", password: "violet orbit lamp frozen 7", name: "J"}] }"#;
    let open = good()
        .lines()
        .filter(|line| !line.contains("fixed_users"))
        .collect::<Vec<_>>()
        .join("\n");
    let conf = format!("auth {{ {users} }}\n");
    for stray in ["apiserver.conf", "config/apiserver.conf.txt"] {
        expect(
            stray,
            &[("docker-compose.yml", &open), (stray, &conf)],
            1,
            &["login-config-ignored warning", "open-login warning"],
        );
    }
    let mounted = open.replace(
        "    command: apiserver\n",
        "    command: apiserver\n    volumes: ['./config:/opt/clearml/config']\n",
    );
    let overridden = mounted.replace(
        "      CLEARML__apiserver__cors",
        "      CLEARML__apiserver__auth__fixed_users__enabled: 'false'\n      CLEARML__apiserver__cors",
    );
    assert_ne!(mounted, overridden);
    let ignored = ["open-login warning", "login-config-ignored warning"];
    for (name, compose, file, text, expected) in [
        (
            "a variable overrides it",
            &overridden,
            "config/apiserver.conf",
            &conf,
            &ignored[..],
        ),
        (
            "another key",
            &mounted,
            "config/auth.conf",
            &conf,
            &ignored[..],
        ),
        (
            "loaded",
            &mounted,
            "config/apiserver.conf",
            &conf,
            &["plaintext-password warning"][..],
        ),
    ] {
        expect(
            name,
            &[("docker-compose.yml", compose), (file, text)],
            1,
            expected,
        );
    }
}

#[test]
fn a_folder_is_looked_into_unless_a_program_made_it() {
    let stock = "services:\n  apiserver: {image: 'clearml/server:2.3.0', command: apiserver}\n";
    for (files, code) in [
        (vec![(".deploy/docker-compose.yml", stock)], 1),
        (vec![("target/docker-compose.yml", stock)], 1),
        (
            vec![("venv/docker-compose.yml", stock), ("venv/pyvenv.cfg", "")],
            2,
        ),
        (
            vec![
                ("target/docker-compose.yml", stock),
                ("target/CACHEDIR.TAG", ""),
            ],
            2,
        ),
        (vec![("node_modules/x/docker-compose.yml", stock)], 2),
    ] {
        let folder = folder_with(&files);
        let output = Command::new(env!("CARGO_BIN_EXE_clearml-verify"))
            .arg(folder.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{files:?}");
    }
}

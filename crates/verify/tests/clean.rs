//! "No findings" is said of nothing that may be open: one small change of a good deployment each, and what is
//! said of it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod common;

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

#[test]
fn servers_of_unknown_images_are_seen() {
    let fileserver = "image: clearml/server:2.3.0\n    command: fileserver";
    // A version that nobody can tell is not taken for a new one.
    for (image, code, unknown) in [
        (
            "image: mycorp/ml:2\n    command: fileserver",
            2,
            &["unknown"][..],
        ),
        (
            "image: \"${IMAGE:?}\"\n    command: [fileserver]",
            2,
            &["unknown"],
        ),
        (
            "image: registry.example.com/clearml-fileserver:2.3.0",
            0,
            &[],
        ),
        (
            "build: .\n    entrypoint: [sh, -c, 'wait-for apiserver 8008 && exec fileserver']",
            2,
            &["unknown"],
        ),
    ] {
        change(image, fileserver, image, code, unknown);
        let bare = good().replacen(fileserver, image, 1).replace(
            "    environment:\n      CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_KEY: YEWU1RFC048TTP08KFTT6OL1YXM13B\n      \
             CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_SECRET: pag1xYKiuMw7TpHD8BHbNdZU0NYJ2gClNbc7Hrd0APsmYaUSRCsllZ\n",
            "",
        );
        let (_, said, heard) = said(&[("docker-compose.yml", &bare)]);
        assert!(
            said.contains(&"split-credential error".to_owned()),
            "{image}: {said:?} {heard}"
        );
    }
    let named = good();
    let (before, _) = named.split_once("  fileserver:\n").unwrap();
    let named = format!("{before}  fileserver:\n    image: mycorp/ml:2\n");
    expect(
        "only named",
        &[("docker-compose.yml", &named)],
        2,
        &["unknown"],
    );
    let web = "services:\n  web:\n    image: clearml/server:2.3.0\n    command: webserver\n";
    expect(
        "only a web server",
        &[("docker-compose.yml", web)],
        2,
        &["unknown"],
    );
}

#[test]
fn other_software_is_left_alone() {
    let more = "services:\n  redis:\n    image: redis:7\n    env_file: [absent.env]\n    environment:\n      CLEARML_REDIS_SERVICE_HOST: x\n";
    change("third parties", "services:\n", more, 0, &[]);
    change(
        "a file server of another kind beside ours",
        "services:\n",
        "services:\n  static:\n    image: nginx:1\n    container_name: fileserver2\n",
        0,
        &[],
    );
}

/// A mount over `/opt/clearml` also hides the server's program, so it has to have that.
const WIDE: &str = "    volumes: [./opt:/opt/clearml]\n";
const SECURE: (&str, &str) = (
    "opt/config/secure.conf",
    "auth.token_secret: Td8VKqxryo1nIj7BRd03Q2ybv097SHzxgQA6TCvY4dhKMlRdZQ9QsT\n",
);
const ROLES: (&str, &str) = (
    "opt/apiserver/config/default/secure.conf",
    "credentials { apiserver.role: system, fileserver.role: system, webserver.role: system, services_agent.role: admin, tests { role: user, display_name: Tests, revoke_in_fixed_mode: true } }\n",
);
const COOKIES: (&str, &str) = (
    "opt/apiserver/config/default/apiserver.conf",
    "auth.cookies { httponly: true, samesite: Lax }\n",
);

#[test]
fn a_mount_above_the_configuration_hides_the_image() {
    let compose = without_token(WIDE);
    let compose = ("docker-compose.yml", compose.as_str());
    let whole = [compose, SECURE, ROLES, COOKIES];
    expect("a folder above", &whole, 0, &[]);
    expect("without the program", &whole[..2], 2, &["unknown"]);
    expect(
        "without the image's cookies",
        &whole[..3],
        1,
        &["unusable-cookie warning"],
    );
}

#[test]
fn the_longest_mount_hides_the_others() {
    for (name, volumes, code, expected) in [
        (
            "an absent folder over it",
            "    volumes: [./opt:/opt/clearml, ./absent:/opt/clearml/config]\n",
            1,
            &["missing-setting error", "unknown"][..],
        ),
        (
            "a tmpfs over it",
            "    volumes: [./opt:/opt/clearml]\n    tmpfs: /opt/clearml/config\n",
            1,
            &["missing-setting error"],
        ),
        (
            "a volume over it",
            "    volumes: [./opt:/opt/clearml, data:/opt/clearml/config]\n",
            1,
            &["missing-setting error", "unknown"],
        ),
        (
            "a file over it",
            "    volumes: [./other.conf:/opt/clearml/config/secure.conf, ./opt:/opt/clearml]\n",
            1,
            &["missing-setting error"],
        ),
        (
            "the mounts of another, which has none",
            "    volumes_from: [fileserver]\n",
            1,
            &["missing-setting error"],
        ),
        (
            "the mounts of a container that is in no file",
            "    volumes_from: [\"container:other\"]\n",
            1,
            &["missing-setting error", "unknown"],
        ),
    ] {
        let other = ("other.conf", "nothing: 1\n");
        let compose = without_token(volumes);
        let compose = ("docker-compose.yml", compose.as_str());
        let files = [compose, SECURE, other, ROLES, COOKIES];
        expect(name, &files, code, expected);
    }
}

#[test]
fn what_hocon_changes_is_seen_everywhere() {
    let tests = "CLEARML__SECURE__CREDENTIALS__TESTS__USER_SECRET: JgKLDL36awmUDt8QvwTH6Iuj2OkDCJ23VmCwykTp4EilsS2aQnjUHc";
    change(
        "in a tree",
        tests,
        "CLEARML__SECURE__CREDENTIALS__TESTS: '{user_secret: 06d-gKLDL36awmUDt8QvwTH6Iuj2OkDCJ23VmCwykTp4}'",
        1,
        &["misread-value error"],
    );
    change(
        "a number in a tree",
        tests,
        "CLEARML__SECURE__CREDENTIALS__TESTS: '{user_secret: 0123456789012345678901234567890123456789}'",
        1,
        &["misread-value error", "unreadable-config error"],
    );
    change(
        "a scalar over the secret",
        TOKEN,
        "CLEARML__SECURE__AUTH: text",
        1,
        &["misread-value error"],
    );
    let mount = "    volumes: [./conf:/opt/clearml/config]\n";
    for (name, conf, code, expected) in [
        (
            "a period before a variable",
            "auth.token_secret: 06d-${TAIL}",
            1,
            &["misread-value error"][..],
        ),
        (
            "a period behind a path",
            "s: 06d-Td8VKqxryo1nIj7BRd03Q2ybv097SHzxgQA6TCvY4dh\nauth.token_secret: ${s}",
            1,
            &["misread-value error"],
        ),
        (
            "a comment in it",
            "auth.token_secret: Td8VKqxryo1nIj7BRd03Q2ybv097SHz#gQA6TCvY4dhK",
            1,
            &["misread-value error"],
        ),
        ("a variable", "auth.token_secret: ${TAIL}", 0, &[]),
        (
            "a variable that is required",
            "auth.token_secret: ${NEEDED}",
            2,
            &["unknown"],
        ),
        (
            "a variable of the image",
            "note: ${HOME}\nauth.token_secret: ${TAIL}",
            0,
            &[],
        ),
        ("an include", "include \"more.conf\"", 0, &[]),
    ] {
        let text = without_token(mount).replacen(
            "    environment:\n",
            "    environment:\n      TAIL: Td8VKqxryo1nIj7BRd03Q2ybv097SHzxgQA6TCvY4dhK\n      NEEDED: ${NEEDED:?}\n",
            1,
        );
        let more = (
            "conf/more.conf",
            "auth.token_secret: \"Td8VKqxryo1nIj7BRd03Q2ybv097SHzxgQA6TCvY4dhK\"",
        );
        expect(
            name,
            &[
                ("docker-compose.yml", &text),
                ("conf/secure.conf", conf),
                more,
            ],
            code,
            expected,
        );
    }
}

#[test]
fn what_lacks_a_part_or_all_is_seen() {
    change(
        "a part",
        TOKEN,
        "CLEARML__SECURE__AUTH__TOKEN_SECRET: Td8VKqxryo1nIj7BRd03Q2ybv097SHz-${REST}",
        1,
        &["unset-variable error"],
    );
    change(
        "an empty default",
        TOKEN,
        "CLEARML__SECURE__AUTH__TOKEN_SECRET: Td8VKqxryo1nIj7BRd03Q2ybv097SHz-${REST:-}",
        1,
        &["unset-variable error"],
    );
    change(
        "a default",
        TOKEN,
        "CLEARML__SECURE__AUTH__TOKEN_SECRET: ${REST:-Td8VKqxryo1nIj7BRd03Q2ybv097SHzxgQA6TCvY4dhK}",
        0,
        &[],
    );
    change(
        "the tree around it replaced",
        TOKEN,
        "CLEARML__SECURE__-AUTH: '{other: x}'",
        1,
        &["missing-setting error"],
    );
    let empty = good()
        .replace("YEWU1RFC048TTP08KFTT6OL1YXM13B", "\"\"")
        .replace(
            "pag1xYKiuMw7TpHD8BHbNdZU0NYJ2gClNbc7Hrd0APsmYaUSRCsllZ",
            "\"\"",
        );
    let (code, said, _) = said(&[("docker-compose.yml", &empty)]);
    assert!(
        code == 1 && said.iter().all(|one| one == "unset-variable warning"),
        "{said:?}"
    );
    // One half without the other is no account, so nobody logs in with it (5).
    let closed = good()
        .replace(
            "JFKBH2DEWIO4UJE5SGZ278V65E54X5",
            "EGRTCO8JMSIGI6S39GTP43NFWXDQOW",
        )
        .replace(
            "JgKLDL36awmUDt8QvwTH6Iuj2OkDCJ23VmCwykTp4EilsS2aQnjUHc",
            "\"\"",
        );
    expect(
        "a closed account",
        &[("docker-compose.yml", &closed)],
        0,
        &[],
    );
}

#[test]
fn every_replica_and_every_version_counts() {
    let second = good()
        .replace("services:\n", "services:\n  api2:\n    image: clearml/server:2.3.0\n    command: apiserver\n    environment: {}\n");
    let (_, said, heard) = said(&[("docker-compose.yml", &second)]);
    assert_eq!(
        said.iter()
            .filter(|one| *one == "missing-setting error")
            .count(),
        10,
        "{heard}"
    );
    assert!(heard.contains("(service api2)"), "{heard}");
    let silenced = second
        .replace(
            "  api2:\n",
            "  # clearml-verify: ignore[missing-setting] tried\n  api2:\n",
        )
        .replace(&format!("      {TOKEN}\n"), "");
    let (_, said, heard) = self::said(&[("docker-compose.yml", &silenced)]);
    assert_eq!(
        said.iter()
            .filter(|one| *one == "missing-setting error")
            .count(),
        1,
        "{heard}"
    );
    let agent = "      CLEARML__SECURE__CREDENTIALS__SERVICES_AGENT__USER_KEY: S3C4BHOQMAZ4FTV82HNLNH61QX7M0U\n      CLEARML__SECURE__CREDENTIALS__SERVICES_AGENT__USER_SECRET: Me57l9JuO4iIhOvqiZnCxh1Gd1CJoWD6W7vjmqz6mYjWc7izH9DsTN\n";
    let bare = good().replace(agent, "");
    for (tag, code, expected) in [
        (":2.3.0", 0, &[][..]),
        (
            ":latest",
            0,
            &["floating-image note", "floating-image note"],
        ),
        (":prod", 2, &["unknown"]),
        (
            "@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            2,
            &["unknown"],
        ),
    ] {
        expect(
            tag,
            &[(
                "docker-compose.yml",
                &bare.replace("server:2.3.0", &format!("server{tag}")),
            )],
            code,
            expected,
        );
    }
}

#[test]
fn names_and_shadows_are_seen() {
    change(
        "a mistyped account",
        "CLEARML__SECURE__CREDENTIALS__TESTS__USER_KEY",
        "CLEARML__SECURE__CREDENTIALS__TSETS__USER_KEY",
        1,
        &["broken-account error", "missing-setting note"],
    );
    let shadowed = good().replacen(
        "    environment:\n",
        "    environment:\n      CLEARML__secure: '{auth.token_secret: OtherValue8xryo1nIj7BRd03Q2ybv097SHzxgQA6TCvY4dhK}'\n",
        1,
    );
    expect(
        "a tree that wins",
        &[("docker-compose.yml", &shadowed)],
        1,
        &["shadowed-variable warning"],
    );
    let key = "CLEARML__SECURE__CREDENTIALS__TESTS__USER_KEY: JFKBH2DEWIO4UJE5SGZ278V65E54X5\n";
    let moved = good().replace(&format!("      {key}"), "") + &format!("      {key}");
    expect(
        "at a server that does not read it",
        &[("docker-compose.yml", &moved)],
        1,
        &["unread-variable warning", "missing-setting note"],
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

/// A restart replaces the old pairs on every version (docs/clearml.md#a-restart-replaces-credentials), so an API server
/// before 1.15 with keys of its own is no finding.
#[test]
fn an_old_api_server_with_keys_of_its_own_is_clean() {
    let old = good().replacen(
        "image: clearml/server:2.3.0\n    command: apiserver",
        "image: allegroai/clearml:1.14.2\n    command: apiserver",
        1,
    );
    // It has no such account, so that these lines make one without a role.
    let of_newer = "      CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_";
    let expected = ["broken-account error"];
    expect(
        "an account of a newer one",
        &[("docker-compose.yml", &old)],
        1,
        &expected,
    );
    let mut left = 2;
    let lines = old.lines().filter(|line| {
        let is_of_newer = left > 0 && line.starts_with(of_newer);
        left -= i32::from(is_of_newer);
        !is_of_newer
    });
    let text: Vec<&str> = lines.collect();
    let text = text.join("\n") + "\n";
    expect(
        "an old API server",
        &[("docker-compose.yml", &text)],
        0,
        &[],
    );
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
    assert!(!said_inside.is_empty());
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

/// What cannot be told revokes nothing, and a folder that cannot be told is not the usual one.
#[test]
fn a_switch_or_a_folder_that_cannot_be_told_is_not_guessed() {
    let stock = "services:\n  apiserver:\n    image: clearml/server:2.3.0\n    command: apiserver\n    environment:\n      \
                 CLEARML__apiserver__auth__fixed_users__enabled: ${FIXED:?}\n";
    let (code, said, heard) = said(&[("docker-compose.yml", stock)]);
    assert_eq!(code, 1);
    assert!(said.contains(&"unknown".to_owned()), "{heard}");
    let errors = said.iter().filter(|one| *one == "missing-setting error");
    assert_eq!(errors.count(), 10, "{heard}");
    let moved = without_token("    volumes: [./conf:/opt/clearml/config]\n").replacen(
        "    environment:\n",
        "    environment:\n      CLEARML_CONFIG_DIR: ${FOLDER:?}\n",
        1,
    );
    let conf = (
        "conf/secure.conf",
        "auth.token_secret: Td8VKqxryo1nIj7BRd03Q2ybv097SHzxgQA6TCvY4dhK",
    );
    expect(
        "another folder",
        &[("docker-compose.yml", &moved), conf],
        1,
        &["missing-setting error", "unknown"],
    );
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

/// A file there could open the file server, add an account or let guests in, and no variable would show it.
#[test]
fn a_configuration_folder_that_is_not_here_may_undo_what_variables_set() {
    for (server, mount, code, expected) in [
        ("apiserver", "/nowhere/config", 2, &["unknown"][..]),
        ("fileserver", "/nowhere/config", 2, &["unknown"]),
        ("fileserver", "configuration", 2, &["unknown"]),
        ("fileserver", "~/config", 2, &["unknown"]),
        ("webserver", "/nowhere/config", 0, &[]),
    ] {
        let text =
            good() + "  webserver:\n    image: clearml/server:2.3.0\n    command: webserver\n";
        let command = format!("    command: {server}\n");
        let mounted = format!("{command}    volumes: ['{mount}:/opt/clearml/config']\n");
        assert!(text.contains(&command), "{server}");
        expect(
            &format!("{mount} at {server}"),
            &[("docker-compose.yml", &text.replace(&command, &mounted))],
            code,
            expected,
        );
    }
}

#[test]
fn a_mounted_page_of_credentials_is_read() {
    let text = good()
        + "  webserver:\n    image: clearml/server:2.3.0\n    command: webserver\n    volumes: \
           [\"./page.json:/usr/share/nginx/html/credentials.json\"]\n";
    let compose = ("docker-compose.yml", text.as_str());
    let pair = r#"{"userKey": "IYCKGAVJSG9U5XWQXNIZ", "userSecret": "", "companyID": "x"}"#;
    for (page, code, said) in [
        (pair, 1, &["published-credential error"][..]),
        ("{\"companyID\": \"x\"}", 0, &[]),
        ("no JSON", 1, &["published-credential error"]),
    ] {
        expect(page, &[compose, ("page.json", page)], code, said);
    }
    expect("no page", &[compose], 2, &["unknown"]);
}

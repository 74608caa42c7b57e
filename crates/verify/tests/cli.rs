//! clearml-verify as a shell would use it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod common;

use std::fs;

use common::{findings, fixtures, folder_with, fresh, good, run, verify, write};
use serde_json::Value;

#[test]
fn the_stock_file_runs_with_ten_public_settings() {
    let (code, stdout, _) = run(&["-f", "json", "stock/docker-compose.yml"], &fixtures());
    let document: Value = serde_json::from_slice(&stdout).unwrap();
    let mut settings: Vec<&str> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["rule"] == "missing-setting")
        .map(|one| one["setting"].as_str().unwrap())
        .collect();
    settings.dedup();
    assert_eq!((code, settings.len()), (1, 10));
    assert!(
        !settings
            .iter()
            .any(|setting| setting.contains("services_agent"))
    );
    assert_eq!(document["summary"]["error"], 10);
}

#[test]
fn the_documented_example_leaves_the_file_server_open_and_splits_the_token_secret() {
    let (code, stdout, _) = run(
        &["-f", "json", "documented-example/docker-compose.yml"],
        &fixtures(),
    );
    let document: Value = serde_json::from_slice(&stdout).unwrap();
    let seen: Vec<(&str, &str)> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| Some((one["rule"].as_str()?, one["setting"].as_str()?)))
        .collect();
    assert_eq!(code, 1);
    assert!(seen.contains(&("missing-setting", "secure.credentials.fileserver.user_key")));
    assert!(seen.contains(&(
        "missing-setting",
        "secure.credentials.fileserver.user_secret"
    )));
    assert!(seen.contains(&("split-credential", "secure.auth.token_secret")));
    assert_eq!(seen.len(), 3, "{seen:?}");
}

#[test]
fn severities_decide_the_exit_code() {
    let bad = "rules/shadowed-variable/bad.yml";
    let code = |fail_on: &str| run(&["--fail-on", fail_on, bad], &fixtures()).0;
    assert_eq!(
        (code("note"), code("warning"), code("error"), code("never")),
        (1, 1, 0, 0)
    );
}

#[test]
fn a_note_alone_is_said_and_fails_only_where_it_was_asked_for() {
    let latest = good().replace("server:2.3.0", "server:latest");
    let folder = folder_with(&[("docker-compose.yml", &latest)]);
    let (code, stdout, _) = run(&["-f", "json"], folder.path());
    let found = findings(&stdout);
    assert!(!found.is_empty());
    assert!(found.iter().all(|(_, severity, _)| severity == "note"));
    assert_eq!(code, 0);
    assert_eq!(run(&["--fail-on", "note"], folder.path()).0, 1);
}

/// Findings of one rule with one fix are one, with its places; what they come to is last, and no line of ours is wide.
#[test]
fn what_one_thing_fixes_is_said_once() {
    let folder = folder_with(&[(
        "docker-compose.yml",
        &fs::read_to_string(fixtures().join("stock/docker-compose.yml")).unwrap(),
    )]);
    for (columns, widest) in [("", 100), ("200", 100), ("50", 50)] {
        let output = verify()
            .arg("docker-compose.yml")
            .env("COLUMNS", columns)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let heads = text.lines().filter(|line| line.starts_with("error["));
        assert_eq!(heads.count(), 1, "{text}");
        for place in [
            "error[missing-setting]: 10 of 12",
            " --> docker-compose.yml:",
        ] {
            assert!(text.contains(place), "{text}");
        }
        // A line of the file, a command and a single word are as long as they are.
        let is_ours = |line: &&str| {
            let is_command = line.trim_start().starts_with("clearml-");
            !line.contains(" | ") && !is_command && line.trim().contains(' ')
        };
        let wide = text.lines().filter(is_ours);
        let wide: Vec<&str> = wide.filter(|line| line.chars().count() > widest).collect();
        assert_eq!(wide, Vec::<&str>::new());
        // A command is whole, however narrow it is.
        assert!(text.contains(
            "\n      clearml-keygen -o keys.env\n      clearml-inject -k keys.env -i --backup .orig docker-compose.yml\n"
        ));
        let last: Vec<&str> = text.lines().rev().take(2).collect();
        assert!(last[0].trim_start().starts_with("10 errors, "), "{text}");
        assert!(
            text.contains("\n   10  error    missing-setting\n"),
            "{text}"
        );
    }
}

#[test]
fn a_rule_can_be_left_out_and_an_unknown_one_cannot() {
    let bad = "rules/shadowed-variable/bad.yml";
    let ids = |arguments: &[&str]| {
        let found = findings(&run(arguments, &fixtures()).1);
        found.into_iter().map(|(id, ..)| id).collect::<Vec<_>>()
    };
    let all = ids(&["-f", "json", bad]);
    let rest = ids(&["-f", "json", "--ignore", "shadowed-variable", bad]);
    let expected: Vec<&String> = all.iter().filter(|id| *id != "shadowed-variable").collect();
    assert!(
        all.len() > rest.len() && rest.iter().eq(expected),
        "{all:?} {rest:?}"
    );
    let (code, stdout, stderr) = run(&["--ignore", "shadowed-variables", bad], &fixtures());
    assert_eq!((code, stdout.len()), (2, 0));
    assert!(
        stderr.contains("there is no rule shadowed-variables")
            && stderr.contains("did you mean shadowed-variable?")
    );
}

#[test]
fn a_rule_that_is_no_longer_one_is_named_and_nothing_fails() {
    let id = "appended-credentials";
    let good = "rules/shadowed-variable/good.yml";
    let (plain, expected, _) = run(&["-f", "json", good], &fixtures());
    let (code, stdout, stderr) = run(&["-f", "json", "--ignore", id, good], &fixtures());
    assert_eq!((code, stdout), (plain, expected));
    assert!(
        stderr.contains("appended-credentials is no longer a rule")
            && stderr.contains("remove it from --ignore"),
        "{stderr}"
    );
    let (_, _, stderr) = run(&["--quiet", "--ignore", id, good], &fixtures());
    assert_eq!(stderr, "");
    let (code, stdout, _) = run(&["--explain", id], &fixtures());
    assert_eq!(code, 0);
    assert!(String::from_utf8_lossy(&stdout).contains("a restart replaces the old credentials"));
    for asked in [&["--list-rules"][..], &["--explain", id]] {
        for format in ["html", "sarif", "markdown", "jsonl"] {
            let (code, stdout, stderr) = run(&[asked, &["-f", format]].concat(), &fixtures());
            let message = format!("{} prints text or JSON only", asked[0]);
            assert!(
                code == 2 && stdout.is_empty() && stderr.contains(&message),
                "{stderr}"
            );
        }
    }
    let (_, stdout, _) = run(&["--list-rules"], &fixtures());
    assert!(!String::from_utf8_lossy(&stdout).contains(id));
}

#[test]
fn a_comment_silences_one_finding_if_it_gives_a_reason() {
    let name = "CLEARML__SECURE__AUTH__TOKN";
    let line = "      CLEARML__fileserver__x__y: \"1\"\n";
    let good = good();
    let at = good.find("    environment:\n").unwrap() + "    environment:\n".len();
    let with = |comment: &str| {
        let mut text = good.clone();
        text.insert_str(at, &format!("{comment}      {name}: abc\n"));
        text
    };
    let silent = "      # clearml-verify: ignore[unread-variable] a test\n";
    let mute = "      # clearml-verify: ignore[unread-variable]\n";
    let folder = folder_with(&[
        ("loud.yml", &with(line)),
        ("silent.yml", &with(silent)),
        ("mute.yml", &with(mute)),
    ]);
    assert_eq!(run(&["loud.yml"], folder.path()).0, 1);
    assert_eq!(run(&["silent.yml"], folder.path()).0, 0);
    let (code, _, stderr) = run(&["mute.yml"], folder.path());
    assert_eq!(code, 1);
    assert!(stderr.contains("gives no reason"), "{stderr}");
}

#[test]
fn explain_prints_the_page() {
    let (code, stdout, _) = run(&["--explain", "missing-setting"], &fixtures());
    let page = String::from_utf8(stdout).unwrap();
    assert_eq!(code, 0);
    assert!(
        page.starts_with("## missing-setting\n") && page.contains("**Fix**"),
        "{page}"
    );
    assert_eq!(run(&["--explain", "nonsense"], &fixtures()).0, 2);
}

#[test]
fn variables_come_from_env_beside_the_file_or_from_env_file() {
    let text = good().replacen(
        "CLEARML__SECURE__AUTH__TOKEN_SECRET: ",
        "CLEARML__SECURE__AUTH__TOKEN_SECRET: ${TOKEN:-} # ",
        1,
    );
    let token = "TOKEN=Zq8wVxY3rT6uPn1mKj5hGf4dSa2LoIpQwErTyUiOpAsDfGhJkLzXcV\n";
    let folder = folder_with(&[("docker-compose.yml", &text), ("other.env", token)]);
    let emptied = |arguments: &[&str]| {
        let (_, stdout, _) = run(arguments, folder.path());
        findings(&stdout)
            .iter()
            .any(|(rule, ..)| rule == "unset-variable")
    };
    assert!(emptied(&["-f", "json", "docker-compose.yml"]));
    assert!(!emptied(&[
        "-f",
        "json",
        "--env-file",
        "other.env",
        "docker-compose.yml"
    ]));
    write(&folder.path().join(".env"), token);
    assert!(!emptied(&["-f", "json", "docker-compose.yml"]));
}

/// The web login closed, and what an outsider is told of the server kept small.
const CLOSED: &str = r#"
auth.fixed_users { enabled: true, pass_hashed: true, users: [{username: "jane", password: "JDJiJDE2JE45cW84dUxPaWNrZ3gyWk1SWm9NeWVJalpBZ2NmbDdwOTJsZEd4YWQ2OExKWmRMMTdsaFd5", name: "Jane"}] }
cors.origins: "https://clearml.example.com"
return_stack_to_caller: false
"#;

const FROM_FILES: &str = "\
services:
  apiserver:
    image: clearml/server:2.3.0
    command: [apiserver]
    volumes:
      - ./config:/opt/clearml/config
  fileserver:
    image: clearml/server:2.3.0
    command: [fileserver]
    volumes:
      - ./config:/opt/clearml/config
";

/// A secure.conf with a value of its own for every setting.
fn secure_conf() -> String {
    let value = |seed: u32, length: usize| -> String {
        let mut state = u64::from(seed) * 2_654_435_761 + 1;
        let mut text = String::from("A");
        while text.len() < length {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            text.push(char::from(
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[(state >> 33) as usize % 36],
            ));
        }
        text
    };
    let mut text = format!(
        "http.session_secret.apiserver: \"{}\"\nauth.token_secret: \"{}\"\ncredentials {{\n",
        value(1, 54),
        value(2, 54)
    );
    for (seed, account) in [
        "apiserver",
        "fileserver",
        "webserver",
        "tests",
        "services_agent",
    ]
    .iter()
    .enumerate()
    {
        let seed = seed as u32 * 2 + 3;
        text.push_str(&format!(
            "  {account} {{ user_key: \"{}\", user_secret: \"{}\" }}\n",
            value(seed, 30),
            value(seed + 1, 54)
        ));
    }
    text + "}\n"
}

#[test]
fn a_mounted_secure_conf_covers_all_servers() {
    let folder = folder_with(&[
        ("docker-compose.yml", FROM_FILES),
        ("config/secure.conf", &secure_conf()),
        ("config/apiserver.conf", CLOSED),
    ]);
    let (code, stdout, _) = run(&["docker-compose.yml"], folder.path());
    assert_eq!(code, 0, "{}", String::from_utf8_lossy(&stdout));
    // Somewhere else it is another key, and no server reads it (docs/clearml.md#file-names-are-paths).
    let folder = folder_with(&[
        ("docker-compose.yml", FROM_FILES),
        ("config/extra/secure.conf", &secure_conf()),
        ("config/apiserver.conf", CLOSED),
    ]);
    assert_eq!(run(&["docker-compose.yml"], folder.path()).0, 1);
}

#[test]
fn config_dir_replaces_what_is_mounted() {
    let compose = FROM_FILES.replace("./config", "/nowhere/config");
    let folder = folder_with(&[
        ("docker-compose.yml", &compose),
        ("mine/secure.conf", &secure_conf()),
        ("mine/apiserver.conf", CLOSED),
    ]);
    let given = ["--config-dir", "mine", "docker-compose.yml"];
    assert_eq!(run(&given, folder.path()).0, 0);
    let (code, stdout, _) = run(&["-f", "json", "docker-compose.yml"], folder.path());
    let document: Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!(code, 1);
    assert!(
        document["unknown"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("--config-dir")
    );
}

#[test]
fn a_broken_conf_is_a_finding_and_never_clean() {
    let folder = folder_with(&[
        ("docker-compose.yml", FROM_FILES),
        ("config/secure.conf", "auth { token_secret: \"MARKED"),
    ]);
    let (code, stdout, stderr) = run(&["docker-compose.yml"], folder.path());
    let text = String::from_utf8(stdout).unwrap();
    assert_eq!(code, 2, "{text}{stderr}");
    assert!(
        text.contains("error[unreadable-config]") && text.contains("secure.conf:1:"),
        "{text}"
    );
    // What is not known is an error as well, with the place and what to do.
    assert!(
        stderr.contains("secure.conf:1:") && stderr.contains("help:"),
        "{stderr}"
    );
    assert!(
        !text.contains("MARKED") && !stderr.contains("MARKED"),
        "{text}{stderr}"
    );
    // The exit code is not the only one to say so, also where the finding is left out.
    for more in ["--no-ignore", "--ignore=unreadable-config"] {
        let printed = |format: &str| {
            let (code, stdout, _) = run(&[more, "-f", format, "docker-compose.yml"], folder.path());
            assert_eq!(code, 2, "{more} {format}");
            String::from_utf8(stdout).unwrap()
        };
        let document: Value = serde_json::from_str(&printed("json")).unwrap();
        assert!(
            document["unknown"][0]["place"]["file"] == "./config/secure.conf",
            "{document}"
        );
        assert!(printed("sarif").contains("\"executionSuccessful\": false"));
        assert!(printed("prometheus").contains("\nclearml_verify_not_checked 1\n"));
    }
}

#[test]
fn a_broken_conf_stops_all_servers_that_load_it() {
    let compose = "services:\n  apiserver: &server\n    image: clearml/server:2.3.0\n    command: [apiserver]\n    environment: {MINE: x}\n    volumes: [./config:/opt/clearml/config]\n  fileserver:\n    <<: *server\n    command: [fileserver]\n    environment: {}\n";
    let said = |text: &str| {
        let folder = folder_with(&[("docker-compose.yml", compose), ("config/extra.conf", text)]);
        let arguments = ["-f", "json", "docker-compose.yml"];
        let (_, stdout, _) = run(&arguments, folder.path());
        String::from_utf8(stdout).unwrap()
    };
    let all = said("a = b = c\n");
    assert!(
        all.contains("apiserver and fileserver do not start: they cannot read"),
        "{all}"
    );
    // Only one of them lacks what it refers to.
    let one = said("a = ${MINE}\n");
    assert!(
        one.contains("\"fileserver does not start: it cannot read"),
        "{one}"
    );
}

#[test]
fn an_override_beside_a_default_name_is_read_as_compose_does() {
    let bad = "services:\n  apiserver:\n    environment:\n      CLEARML__secure__auth__token_secret: other\n";
    let folder = folder_with(&[
        ("docker-compose.yml", &good()),
        ("docker-compose.override.yml", bad),
    ]);
    let (code, _, stderr) = run(&["docker-compose.yml"], folder.path());
    assert_eq!(code, 1);
    assert!(stderr.contains("docker-compose.override.yml"), "{stderr}");
    let folder = folder_with(&[("a.yml", &good()), ("b.yml", bad)]);
    assert_eq!(run(&["a.yml"], folder.path()).0, 0);
    assert_eq!(run(&["--merge", "b.yml", "a.yml"], folder.path()).0, 1);
}

#[test]
fn an_agent_with_a_pair_that_its_server_does_not_know_is_not_clean() {
    let (key, secret) = ("ABCDEFGHIJ1234567890ABCDEFGHIJ", "q".repeat(54));
    let compose = |version: &str, key: &str| {
        format!(
            "services:\n  apiserver:\n    image: allegroai/clearml:{version}\n    command: [apiserver]\n  \
             agent-services:\n    image: allegroai/clearml-agent-services\n    environment:\n      \
             CLEARML_API_ACCESS_KEY: {key}\n      CLEARML_API_SECRET_KEY: {secret}\n"
        )
    };
    let keys = format!(
        "CLEARML__SECURE__CREDENTIALS__SERVICES_AGENT__USER_KEY={key}\n\
         CLEARML__SECURE__CREDENTIALS__SERVICES_AGENT__USER_SECRET={secret}\n"
    );
    let agents = |version: &str, key: &str| {
        let text = compose(version, key);
        let folder = folder_with(&[("c.yml", &text), ("k.env", &keys)]);
        let (_, json, _) = run(&["-f", "json", "--keys", "k.env", "c.yml"], folder.path());
        let json = String::from_utf8(json).unwrap();
        json.matches("agent-services cannot log in").count()
    };
    assert_eq!(agents("1.10.1", key), 2);
    assert_eq!(agents("1.11.0", key), 0);
    // Of keys of its own one half is compared with another.
    assert_eq!(agents("1.10.1", "KEYOFITSOWN"), 1);
}

#[test]
fn a_folder_is_every_deployment_below_it() {
    let other = "services:\n  web:\n    image: nginx:1\n";
    let folder = folder_with(&[
        ("one/docker-compose.yml", FROM_FILES),
        ("two/deep/compose.yaml", &good()),
        ("three/docker-compose.yml", other),
    ]);
    let (code, stdout, _) = run(&["-f", "json", "."], folder.path());
    assert_eq!(code, 1);
    assert!(findings(&stdout).len() >= 10);
    let empty = folder_with(&[("docker-compose.yml", other)]);
    let (code, _, stderr) = run(&["."], empty.path());
    assert_eq!(code, 2);
    assert!(stderr.contains("nothing was verified"), "{stderr}");
}

#[test]
fn no_value_is_shown() {
    let text = good().replace(
        "    environment:\n",
        "    environment:\n      CLEARML__SECURE__AUTH__TOKN: MARKED-one\n      CLEARML_apiserver__x: MARKED-two\n",
    );
    let folder = folder_with(&[("docker-compose.yml", &text)]);
    for arguments in [
        &["docker-compose.yml"][..],
        &["-f", "json", "docker-compose.yml"],
        &["--effective", "docker-compose.yml"],
        &["--color", "always", "docker-compose.yml"],
    ] {
        let (_, stdout, stderr) = run(arguments, folder.path());
        let heard = String::from_utf8(stdout).unwrap() + &stderr;
        assert!(!heard.contains("MARKED"), "{heard}");
    }
}

#[test]
fn a_mistyped_secret_is_not_taken_for_a_name() {
    for line in [
        "TOKEN_SECRET: \"ab$MARKED\"",
        "TOKEN_SECRET: $MARKED",
        "TOKEN_SECRET:MARKED: x",
    ] {
        let text = good().replacen(
            "    environment:\n",
            &format!(
                "    environment:\n      CLEARML__secure__auth__{}\n",
                line.to_lowercase().replace("marked", "MARKED")
            ),
            1,
        );
        let folder = folder_with(&[("docker-compose.yml", &text)]);
        for format in ["text", "json", "sarif", "github"] {
            let (_, stdout, stderr) = run(&["-f", format, "docker-compose.yml"], folder.path());
            let heard = String::from_utf8(stdout).unwrap() + &stderr;
            assert!(!heard.contains("MARKED"), "{heard}");
        }
    }
}

#[test]
fn a_folder_never_passes_over_what_was_not_understood() {
    let other = "include: [elsewhere.yml]\nservices:\n  web:\n    image: nginx:1\n";
    let folder = folder_with(&[
        ("a/docker-compose.yml", &good()),
        ("b/docker-compose.yml", other),
    ]);
    assert_eq!(run(&["."], folder.path()).0, 2);
}

#[test]
fn standard_input_is_a_target() {
    let output = verify()
        .args(["--fail-on", "error", "-"])
        .write_stdin(fresh(&good()))
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

/// A proof of a rotation that asks nobody, or of keys that were not replaced, would be none.
#[test]
fn a_proof_that_would_prove_nothing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let keyset = |character: char| {
        let token = format!("T{}", "s3cR7".repeat(10)).replace('s', &character.to_string());
        format!("CLEARML__SECURE__AUTH__TOKEN_SECRET={token}\n")
    };
    write(&folder.path().join("new.env"), &keyset('n'));
    write(&folder.path().join("old.env"), &keyset('o'));
    let url = "http://127.0.0.1:1";
    let stock = fixtures().join("stock/docker-compose.yml");
    let stock = stock.to_str().unwrap();
    for (arguments, said) in [
        (&["--old-keys", "old.env", stock][..], "none is named"),
        (
            &["--keys", "new.env", "--old-keys", "new.env", url],
            "the same values",
        ),
    ] {
        let (code, stdout, stderr) = run(arguments, folder.path());
        assert_eq!((code, stdout.is_empty()), (2, true), "{stderr}");
        assert!(stderr.contains(said), "{stderr}");
    }
    let (_, _, stderr) = run(
        &["--keys", "new.env", "--old-keys", "old.env", url],
        folder.path(),
    );
    assert!(!stderr.contains("the same values"), "{stderr}");
}

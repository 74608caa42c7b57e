//! `clearml-verify --fix`: what it prints is run as it stands, and then looked at again.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use e2e::files::{self, Deployment};
use e2e::program::{Done, clearml, shell_in};
use serde_json::Value;

/// A rule, a setting and a server: what tells one finding from another after lines have moved.
type Key = (String, String, String);

#[test]
fn every_fixture_is_fixed_as_it_was_said() {
    all_are_fixed(&files::fixture_deployments());
}

#[test]
fn the_corpus_is_fixed_as_it_was_said() {
    all_are_fixed(&files::corpus());
}

/// What is found by these rules is fixed by a command in the very fixture that is bad by them.
const FIXED: [&str; 12] = [
    "cookie-mismatch",
    "default-credential",
    "exposed-database",
    "insecure-cookie",
    "misread-value",
    "missing-setting",
    "public-port",
    "readable-secret",
    "reused-secret",
    "split-credential",
    "stack-trace",
    "weak-secret",
];

#[test]
fn what_can_be_fixed_is() {
    let mut missing = Vec::new();
    for rule in FIXED {
        let path = files::fixtures().join(format!("rules/{rule}/bad.yml"));
        let name = rule.to_owned();
        let (folder, path) = Deployment { name, path }.prepared();
        fs::create_dir(folder.path().join("given")).unwrap();
        let options = ["--config-dir", "given"];
        let name = path.file_name().unwrap();
        let found = findings(folder.path(), &options, name);
        let promised = promised(&fix(folder.path(), &options, name), &found);
        if !promised.iter().any(|finding| finding["rule"] == rule) {
            missing.push(rule);
        }
    }
    assert!(missing.is_empty(), "no command for {missing:?}");
}

/// As it is, where hardly any configuration folder is here, and with one.
fn all_are_fixed(deployments: &[Deployment]) {
    let options: [&[&str]; 2] = [&[], &["--config-dir", "given"]];
    let mut failures = Vec::new();
    for deployment in deployments {
        for options in options {
            if let Err(why) = hold(deployment, options) {
                failures.push(format!("{} {options:?}: {why}", deployment.name));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Runs what is printed for one file. The error says what was promised and not held.
fn hold(deployment: &Deployment, options: &[&str]) -> Result<(), String> {
    let (folder, path) = deployment.prepared();
    let folder = folder.path();
    let name = path.file_name().unwrap();
    fs::create_dir(folder.join("given")).unwrap();
    let before = findings(folder, options, name);
    let script = fix(folder, options, name);
    // A ClearML server of this very machine is not the test's to change.
    if commands(&script).is_empty() || script.contains(">> /") {
        return Ok(());
    }
    let done = shell(folder, &script);
    if done.status != Some(0) {
        return Err(format!("it does not run\n{script}\n{}", done.report()));
    }
    let after = findings(folder, options, name);
    let promised = promised(&script, &before);
    if promised.is_empty() {
        return Err(format!("commands that fix nothing\n{script}"));
    }
    let count = |findings: &[Value]| {
        let mut counts: BTreeMap<Key, usize> = BTreeMap::new();
        for finding in findings {
            *counts.entry(key(finding)).or_default() += 1;
        }
        counts
    };
    let (had, left) = (count(&before), count(&after));
    for (key, fixed) in count(&promised) {
        let left = left.get(&key).copied().unwrap_or_default();
        if left > had[&key] - fixed {
            return Err(format!("{key:?} is not fixed\n{script}\n{}", done.report()));
        }
    }
    for finding in after.iter().filter(|finding| finding["severity"] != "note") {
        let key = key(finding);
        if left[&key] > had.get(&key).copied().unwrap_or_default() {
            return Err(format!("{key:?} is new\n{script}"));
        }
    }
    let again = fix(folder, options, name);
    if !commands(&again).is_empty() {
        return Err(format!("there is more to do\n{script}\nthen\n{again}"));
    }
    Ok(())
}

/// Runs shell text with the three programs on its path.
fn shell(folder: &Path, script: &str) -> Done {
    fs::write(folder.join("fix.sh"), script).unwrap();
    shell_in(folder).args(["-eu", "fix.sh"]).done()
}

/// What is printed, with what a person has to decide decided.
fn fix(folder: &Path, options: &[&str], name: impl Into<OsString>) -> String {
    let printed = printed(folder, options, name);
    printed.replace("\n#clearml-", "\nclearml-")
}

fn printed(folder: &Path, options: &[&str], name: impl Into<OsString>) -> String {
    let done = clearml("verify")
        .arg("--fix")
        .args(options.to_vec())
        .arg("--")
        .arg(name)
        .within(folder)
        .done();
    done.stdout
}

/// The lines that are no comments.
fn commands(script: &str) -> Vec<&str> {
    script
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

fn makes_keys(script: &str) -> bool {
    commands(script).iter().any(|line| line.contains("keygen"))
}

fn findings(folder: &Path, options: &[&str], name: impl Into<OsString>) -> Vec<Value> {
    let run = clearml("verify")
        .args(["-f", "json"])
        .args(options.to_vec())
        .arg("--")
        .arg(name);
    let done = run.within(folder).done();
    let document: Value = serde_json::from_str(&done.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}", done.report()));
    document["findings"].as_array().unwrap().clone()
}

fn key(finding: &Value) -> Key {
    let part = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    (part("rule"), part("setting"), part("server"))
}

/// The findings whose rule and place stand above a command.
fn promised(script: &str, findings: &[Value]) -> Vec<Value> {
    let (head, _) = script
        .split_once("# Not fixed by these commands:")
        .unwrap_or((script, ""));
    let is_named = |finding: &&Value| {
        let place = &finding["place"];
        let file = place["file"].as_str().unwrap_or_default();
        let place = format!("{file}:{}:{}", place["line"], place["column"]);
        head.lines().any(|line| {
            let rule = format!("#   {} (", finding["rule"].as_str().unwrap());
            let places = line.split_once("): ").map_or("", |(_, places)| places);
            line.starts_with(&rule) && places.split(", ").any(|one| one == place)
        })
    };
    findings.iter().filter(is_named).cloned().collect()
}

/// A deployment whose keys are good and whose configuration folder is here, with what a test adds to its API server.
fn good(api: &str) -> String {
    let values: String = KEYS
        .iter()
        .map(|(name, value)| format!("    CLEARML__SECURE__{name}: {value}\n"))
        .collect();
    format!(
        "x-keys:\n  environment: &keys\n{values}\
         services:\n  apiserver:\n    image: clearml/server:2.0.0\n    command: [apiserver]\n    \
         environment: *keys\n    volumes: ['./config:/opt/clearml/config']\n{api}"
    )
}

const KEYS: [(&str, &str); 12] = [
    (
        "HTTP__SESSION_SECRET__APISERVER",
        "M0XsvpQ2c7kYt9LrWn4DbZf8JhVgEa3Ru6TyKiCxPqOj5BmNdS",
    ),
    (
        "AUTH__TOKEN_SECRET",
        "Tq3VsKxr9yo1nWj7BRd03Q2ybv4hGzLpF6TCvY8dhKMaRdZe5QmsXu",
    ),
    (
        "CREDENTIALS__APISERVER__USER_KEY",
        "AK7Q2M9XW4T8B1ZC6V3N5R0YDHJ2LP",
    ),
    (
        "CREDENTIALS__APISERVER__USER_SECRET",
        "aB7q2M9xW4t8B1zC6v3N5r0YdHj2LpKs8Gf4We6Ty1Ui9Op3Qa5Zx",
    ),
    (
        "CREDENTIALS__FILESERVER__USER_KEY",
        "FK3N5R0YDHJ2LPA7Q2M9XW4T8B1ZC6",
    ),
    (
        "CREDENTIALS__FILESERVER__USER_SECRET",
        "fC6v3N5r0YdHj2LpKs8Gf4We6Ty1Ui9Op3Qa5ZxaB7q2M9xW4t8B1",
    ),
    (
        "CREDENTIALS__WEBSERVER__USER_KEY",
        "WK1ZC6V3N5R0YDHJ2LPA7Q2M9XW4T8",
    ),
    (
        "CREDENTIALS__WEBSERVER__USER_SECRET",
        "wHj2LpKs8Gf4We6Ty1Ui9Op3Qa5ZxaB7q2M9xW4t8B1zC6v3N5r0Yd",
    ),
    (
        "CREDENTIALS__TESTS__USER_KEY",
        "TK0YDHJ2LPA7Q2M9XW4T8B1ZC6V3N5",
    ),
    (
        "CREDENTIALS__TESTS__USER_SECRET",
        "tGf4We6Ty1Ui9Op3Qa5ZxaB7q2M9xW4t8B1zC6v3N5r0YdHj2LpKs8",
    ),
    (
        "CREDENTIALS__SERVICES_AGENT__USER_KEY",
        "SKDHJ2LPA7Q2M9XW4T8B1ZC6V3N5R0",
    ),
    (
        "CREDENTIALS__SERVICES_AGENT__USER_SECRET",
        "sUi9Op3Qa5ZxaB7q2M9xW4t8B1zC6v3N5r0YdHj2LpKs8Gf4We6Ty1",
    ),
];

/// A folder with these files, readable for their owner alone.
fn folder_with(texts: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in texts {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    folder
}

fn rules(folder: &Path, name: &str) -> Vec<String> {
    let findings = findings(folder, &[], name);
    let rules = findings.iter().map(|finding| key(finding).0);
    rules.collect()
}

const STOCK: &str = include_str!("../fixtures/stock/docker-compose.yml");

#[test]
fn lines_go_where_the_server_takes_them_from() {
    let guest = "fixed_users { guest { enabled: true } }";
    let web = "  web:\n    image: nginx\n    environment: { CLEARML_WEB_HOST: 'https://clearml.example.com/' }\n";
    let folder = folder_with(&[
        ("docker-compose.yml", &good(web)),
        // No line end, so that what is added must not become a part of the last line.
        (
            "config/apiserver.conf",
            "return_stack: true\nreturn_stack_to_caller: true",
        ),
        ("config/services/auth.conf", guest),
    ]);
    let script = fix(folder.path(), &[], "docker-compose.yml");
    let before = rules(folder.path(), "docker-compose.yml");
    shell(folder.path(), &script).exit(0);
    let after = rules(folder.path(), "docker-compose.yml");
    for rule in ["guest-login", "insecure-cookie", "open-cors", "stack-trace"] {
        assert!(before.iter().any(|one| one == rule), "{before:?}");
        assert!(!after.iter().any(|one| one == rule), "{after:?}");
    }
    // In one file that is there as well as in one that is not.
    let folder = folder_with(&[("docker-compose.yml", &good("")), ("config/README", "")]);
    let script = fix(folder.path(), &[], "docker-compose.yml");
    assert!(script.contains("config/apiserver.conf"), "{script}");
    shell(folder.path(), &script).exit(0);
    assert!(!rules(folder.path(), "docker-compose.yml").contains(&"stack-trace".to_owned()));
}

#[test]
fn lines_that_would_have_no_effect_are_no_command() {
    for (name, text) in [
        ("config/apiserver.conf", "{ return_stack: true }"),
        ("config/apiserver/more.conf", "x: 1"),
    ] {
        let folder = folder_with(&[("docker-compose.yml", &good("")), (name, text)]);
        let script = fix(folder.path(), &[], "docker-compose.yml");
        shell(folder.path(), &script).exit(0);
        let is_left =
            rules(folder.path(), "docker-compose.yml").contains(&"stack-trace".to_owned());
        assert_eq!(is_left, commands(&script).is_empty(), "{script}");
    }
    let variable = good("").replace(
        "services:\n",
        "    CLEARML__apiserver__return_stack_to_caller: 'true'\nservices:\n",
    );
    let folder = folder_with(&[("docker-compose.yml", &variable)]);
    let script = fix(folder.path(), &[], "docker-compose.yml");
    assert!(commands(&script).is_empty(), "{script}");
    let said = "CLEARML__apiserver__return_stack_to_caller wins over every file; take it out";
    assert!(script.contains(said), "{script}");
}

#[test]
fn odd_names_are_one_word_each() {
    for name in [
        "a b.yml",
        "it's $(touch gone) `x`.yml",
        "two\nlines.yml",
        "-i.yml",
        "\u{1b}[31m.yml",
    ] {
        let folder = folder_with(&[(name, STOCK)]);
        let script = fix(folder.path(), &[], name);
        assert!(!script.contains('\u{1b}'), "{script:?}");
        shell(folder.path(), &script).exit(0);
        assert!(!rules(folder.path(), name).contains(&"missing-setting".to_owned()));
        assert!(!folder.path().join("gone").exists());
    }
}

#[test]
fn nothing_that_is_there_is_written_over() {
    let folder = folder_with(&[
        ("docker-compose.yml", STOCK),
        ("keys.env", "mine"),
        ("docker-compose.yml.orig", "mine too"),
    ]);
    let script = fix(folder.path(), &[], "docker-compose.yml");
    shell(folder.path(), &script).exit(0);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(
        (read("keys.env"), read("docker-compose.yml.orig")),
        ("mine".into(), "mine too".into())
    );
    assert_eq!(read("docker-compose.yml.orig-2"), STOCK);
    // What was printed earlier finds its own names taken, and stops before it changes anything.
    let now = read("docker-compose.yml");
    shell(folder.path(), &script);
    assert_eq!(read("docker-compose.yml"), now);
}

#[test]
fn only_ports_change_and_no_keyset_is_needed() {
    let api =
        "    ports: ['8008:8008']\n  redis:\n    image: redis:7.2\n    ports: ['6379:6379']\n";
    let text = good(api);
    let folder = folder_with(&[("docker-compose.yml", &text)]);
    let script = fix(folder.path(), &[], "docker-compose.yml");
    assert!(
        script.contains(" --close-ports -i") && script.contains(" --bind 127.0.0.1 -i"),
        "{script}"
    );
    assert!(!makes_keys(&script), "{script}");
    // Other addresses cut off agents and users, so a person decides.
    let undecided = printed(folder.path(), &[], "docker-compose.yml");
    let commands = commands(&undecided);
    assert!(
        !commands.iter().any(|line| line.contains("--bind")),
        "{undecided}"
    );
    shell(folder.path(), &script).exit(0);
    let compose = || fs::read_to_string(folder.path().join("docker-compose.yml")).unwrap();
    let ports = [
        "ports: ['127.0.0.1:8008:8008']",
        "image: redis:7.2\n    ports: []",
    ];
    let expected = [
        "ports: ['8008:8008']",
        "image: redis:7.2\n    ports: ['6379:6379']",
    ];
    let expected = text
        .replace(expected[0], ports[0])
        .replace(expected[1], ports[1]);
    assert_eq!(compose(), expected);
}

/// `--bind` and `--close-ports` know no single port, so what somebody has accepted or bound keeps them from being said.
#[test]
fn ports_that_are_meant_to_be_open_are_left_alone() {
    let accepted =
        "    ports: ['6379:6379'] # clearml-verify: ignore[exposed-database] in a closed network\n";
    let redis = format!(
        "  redis:\n    image: redis:7.2\n{accepted}  mongo:\n    image: mongo:7.0\n    ports: ['27017:27017']\n"
    );
    let bound = "    ports: ['8008:8008', '10.0.0.1:8009:8008']\n".to_owned();
    for (api, option) in [(redis, "--close-ports"), (bound, "--bind")] {
        let folder = folder_with(&[("docker-compose.yml", &good(&api))]);
        let script = fix(folder.path(), &[], "docker-compose.yml");
        assert!(!script.contains(option), "{script}");
        assert!(
            script.contains("would also change docker-compose.yml:"),
            "{script}"
        );
    }
}

#[test]
fn the_command_reads_what_verify_read() {
    let over = "services:\n  apiserver:\n    environment:\n      OTHER: 1\n";
    let wins = "services:\n  apiserver:\n    environment:\n      CLEARML__SECURE__AUTH__TOKEN_SECRET: other\n";
    for name in ["docker-compose.override.yml", "more.yml"] {
        let options: &[&str] = if name == "more.yml" {
            &["--merge", "more.yml"]
        } else {
            &[]
        };
        let folder = folder_with(&[("docker-compose.yml", STOCK), (name, over)]);
        let script = fix(folder.path(), options, "docker-compose.yml");
        assert!(script.contains(&format!("--merge {name} ")), "{script}");
        shell(folder.path(), &script).exit(0);
        assert!(commands(&fix(folder.path(), options, "docker-compose.yml")).is_empty());
        let folder = folder_with(&[("docker-compose.yml", STOCK), (name, wins)]);
        let script = fix(folder.path(), options, "docker-compose.yml");
        assert!(!makes_keys(&script), "{script}");
        assert!(
            script.contains(&format!("{name}:4:7 overrides it")),
            "{script}"
        );
    }
    let folder = folder_with(&[("docker-compose.yml", STOCK), ("other.env", "A=b\n")]);
    let script = fix(
        folder.path(),
        &["--env-file", "other.env"],
        "docker-compose.yml",
    );
    shell(folder.path(), &script).exit(0);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("other.env").starts_with("A=b\nCLEARML__SECURE"));
    assert!(read("docker-compose.yml").contains("TOKEN_SECRET:?set by clearml-keygen}"));
    let again = fix(
        folder.path(),
        &["--env-file", "other.env"],
        "docker-compose.yml",
    );
    assert!(commands(&again).is_empty(), "{again}");
}

#[test]
fn values_go_to_the_env_file_that_servers_take_some_from() {
    let env = "CLEARML_AGENT_ACCESS_KEY=abc\n";
    let folder = folder_with(&[("docker-compose.yml", STOCK), (".env", env)]);
    let script = fix(folder.path(), &[], "docker-compose.yml");
    assert!(script.contains(" --env-file .env "), "{script}");
    shell(folder.path(), &script).exit(0);
    assert!(commands(&fix(folder.path(), &[], "docker-compose.yml")).is_empty());
}

#[test]
fn files_that_an_env_file_above_names_are_fixed_with_it() {
    let databases = STOCK.replace(
        "    image: mongo:7.0.22\n",
        "    image: mongo:7.0.22\n    ports: ['27017:27017']\n",
    );
    for (here, target, of_env) in [
        ("", ".", "--env-file ./a/deploy/.env --env-file ./.env"),
        (
            "",
            "a/deploy/clearml.yml",
            "--env-file a/deploy/.env --env-file .env",
        ),
        (
            "a",
            "deploy/clearml.yml",
            "--env-file deploy/.env --env-file ../.env",
        ),
        (
            "a/deploy",
            "clearml.yml",
            "--env-file .env --env-file ../../.env",
        ),
        (
            "a/other",
            "../deploy/clearml.yml",
            "--env-file ../deploy/.env --env-file ../../.env",
        ),
    ] {
        let folder = folder_with(&[
            ("a/deploy/clearml.yml", &databases),
            ("a/other/x", ""),
            (".env", "COMPOSE_FILE=a/deploy/clearml.yml\n"),
            ("a/deploy/.env", "CLEARML_HOST_IP=10.0.0.1\n"),
        ]);
        let here = folder.path().join(here);
        let script = fix(&here, &[], target);
        let runs = commands(&script);
        let runs = runs.iter().filter(|run| run.starts_with("clearml-inject"));
        let of_env = format!(" {of_env} ");
        assert_eq!(
            runs.filter(|run| run.contains(&of_env)).count(),
            2,
            "{script}"
        );
        shell(&here, &script).exit(0);
        assert!(commands(&fix(&here, &[], target)).is_empty());
    }
}

#[test]
fn standard_input_becomes_a_new_file() {
    let folder = folder_with(&[]);
    let done = clearml("verify")
        .args(["--fix", "-"])
        .within(folder.path())
        .stdin(STOCK)
        .done();
    fs::write(folder.path().join("fix.sh"), &done.stdout).unwrap();
    shell_in(folder.path())
        .args(["-eu", "fix.sh"])
        .stdin(STOCK)
        .done()
        .exit(0);
    assert!(!rules(folder.path(), "secured.yml").contains(&"missing-setting".to_owned()));
}

#[test]
fn a_folder_is_fixed_deployment_by_deployment() {
    let folder = folder_with(&[
        ("a/docker-compose.yml", STOCK),
        ("b c/docker-compose.yml", STOCK),
    ]);
    let script = fix(folder.path(), &[], ".");
    shell(folder.path(), &script).exit(0);
    assert!(commands(&fix(folder.path(), &[], ".")).is_empty());
    let keys = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_ne!(keys("a/keys.env"), keys("b c/keys.env"));
}

#[test]
fn given_keys_are_put_in_and_none_are_made() {
    let folder = folder_with(&[("docker-compose.yml", STOCK)]);
    let keys = clearml("keygen").done().exit(0).stdout;
    fs::write(folder.path().join("mine.env"), keys).unwrap();
    let script = fix(folder.path(), &["--keys", "mine.env"], "docker-compose.yml");
    assert!(!makes_keys(&script), "{script}");
    shell(folder.path(), &script).exit(0);
    let left = findings(folder.path(), &["--keys", "mine.env"], "docker-compose.yml");
    assert!(
        left.iter()
            .all(|finding| finding["rule"] != "keys-not-applied")
    );
}

#[test]
fn a_running_server_is_fixed_in_its_files() {
    let folder = folder_with(&[]);
    let script = fix(folder.path(), &["--timeout", "1"], "http://127.0.0.1:9");
    assert!(
        commands(&script).is_empty() && script.contains("not checked"),
        "{script}"
    );
}

#[test]
fn it_is_shell_and_the_exit_code_is_that_of_the_findings() {
    let folder = folder_with(&[("docker-compose.yml", STOCK)]);
    let run = |options: &[&str]| {
        let run = clearml("verify").arg("--fix").args(options.to_vec());
        run.arg("docker-compose.yml").within(folder.path()).done()
    };
    run(&[]).exit(1);
    run(&["-f", "text", "--fail-on", "never"]).exit(2);
    run(&["-f", "json"])
        .refused()
        .says("--fix prints text only");
    run(&["--effective"]).refused();
    run(&["--write-baseline", "b.json"]).refused();
}

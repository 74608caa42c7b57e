//! Values kept out of the compose file: `--env-file` and `--override`, and what a person is told to do next.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use e2e::compose::{Compose, Question};
use e2e::files::fixtures;
use e2e::keyset::Keyset;
use e2e::program::{Done, clearml};
use tempfile::TempDir;

const COMPOSE: &str = "docker-compose.yml";
const TOKEN: &str = "CLEARML__SECURE__AUTH__TOKEN_SECRET";

/// The stock deployment in a folder of its own, with an empty configuration folder beside it.
fn stock() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("config")).unwrap();
    let text = fs::read(fixtures().join("stock").join(COMPOSE)).unwrap();
    fs::write(folder.path().join(COMPOSE), text).unwrap();
    folder
}

fn inject(folder: &Path, keys: &str, options: &[&str]) -> Done {
    clearml("inject")
        .args(options.iter().copied())
        .arg(COMPOSE)
        .within(folder)
        .stdin(keys)
        .done()
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

fn line<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

#[test]
fn the_compose_file_holds_no_secret_and_the_env_file_is_private() {
    let (folder, keys) = (stock(), Keyset::generate());
    let folder = folder.path();
    inject(folder, &keys.text, &["-i", "--env-file", ".env"]).exit(0);
    let (compose, env) = (read(folder, COMPOSE), read(folder, ".env"));
    for (path, value) in &keys.values {
        assert!(!compose.contains(value), "{path} is in the compose file");
        assert!(env.contains(value), "{path} is not in the env file");
    }
    let mode = fs::metadata(folder.join(".env")).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    // What the stock file reads under names of its own stays as it is.
    assert!(compose.contains("user_key: ${CLEARML_AGENT_ACCESS_KEY:-}"));
    let agent = keys.get("secure.credentials.services_agent.user_secret");
    assert_eq!(line(&env, "CLEARML_AGENT_SECRET_KEY"), Some(agent));
    let reference = format!("{TOKEN}: '${{{TOKEN}:?set by clearml-keygen}}'");
    assert_eq!(compose.matches(&reference).count(), 2);
    // The same once more changes nothing, and verify finds the keys where they belong.
    inject(folder, &keys.text, &["--check", "--env-file", ".env"]).exit(0);
    fs::write(folder.join("keys.json"), &keys.text).unwrap();
    let found = clearml("verify")
        .args(["--fail-on", "error", "--config-dir", "config"])
        .args(["--keys", "keys.json", COMPOSE])
        .within(folder)
        .done()
        .exit(0);
    assert!(!found.stdout.contains("keys-not-applied"));
}

#[test]
fn other_lines_of_an_env_file_stay_as_they_are() {
    let (folder, keys) = (stock(), Keyset::generate());
    let folder = folder.path();
    let mine = "# mine\r\nexport CLEARML_AGENT_ACCESS_KEY: old # why\r\nA='b c'\r\nD=$A";
    fs::write(folder.join(".env"), mine).unwrap();
    inject(folder, &keys.text, &["-i", "--env-file", ".env"]).exit(0);
    let key = keys.get("secure.credentials.services_agent.user_key");
    let env = read(folder, ".env");
    let start = mine.replace("old", key);
    assert!(env.starts_with(&format!("{start}\r\n{}", "CLEARML__")));
    assert!(env.ends_with("\r\n") && !env.replace("\r\n", "").contains('\n'));
}

#[test]
fn a_rotation_changes_the_env_file_alone_and_says_what_to_restart_and_flush() {
    let (folder, keys) = (stock(), Keyset::generate());
    let folder = folder.path();
    inject(folder, &keys.text, &["-i", "--env-file", ".env"]).exit(0);
    let (compose, env) = (read(folder, COMPOSE), read(folder, ".env"));
    fs::write(folder.join("current.json"), &keys.text).unwrap();
    let new = clearml("keygen")
        .args(["--from", "current.json", "--only", "token_secret"])
        .within(folder)
        .done()
        .exit(0)
        .stdout;
    let restart = "docker compose up -d --force-recreate apiserver fileserver async_delete\n";
    inject(folder, &new, &["-k", "-", "-i", "--env-file", ".env"])
        .exit(0)
        .says(restart)
        .says("docker compose exec redis redis-cli -n 8 FLUSHDB");
    assert_eq!(read(folder, COMPOSE), compose);
    let changed = read(folder, ".env");
    assert_ne!(line(&changed, TOKEN), line(&env, TOKEN));
    let others = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with(TOKEN));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(others(&changed), others(&env));
    // Without an env file, the compose file changes at its token secrets and nowhere else.
    let plain = stock();
    let plain = plain.path();
    inject(plain, &keys.text, &["-i"]).exit(0);
    let before = read(plain, COMPOSE);
    inject(plain, &new, &["-k", "-", "-i"])
        .exit(0)
        .says(restart);
    let after = read(plain, COMPOSE);
    let different = before.lines().zip(after.lines()).filter(|(a, b)| a != b);
    assert!(different.clone().all(|(_, new)| new.contains(TOKEN)));
    assert_eq!(different.count(), 2);
}

#[test]
fn what_a_run_that_was_killed_between_two_files_leaves_is_explained_and_repaired() {
    let (folder, keys) = (stock(), Keyset::generate());
    let folder = folder.path();
    let compose = read(folder, COMPOSE);
    inject(folder, &keys.text, &["-i", "--env-file", ".env"]).exit(0);
    let whole = (read(folder, COMPOSE), read(folder, ".env"));
    // The env file comes first.
    fs::write(folder.join(COMPOSE), compose).unwrap();
    let found = clearml("verify").arg(COMPOSE).within(folder).done().exit(1);
    let said = ".env:3:37 has a value, but no service references it";
    assert!(found.stdout.contains(said), "{}", found.stdout);
    assert!(found.stdout.contains("--env-file .env"));
    inject(folder, &keys.text, &["-i", "--env-file", ".env"]).exit(0);
    assert_eq!((read(folder, COMPOSE), read(folder, ".env")), whole);
}

/// Compose has the values from an env file in another folder, which nobody has named here.
#[test]
fn a_reference_to_an_env_file_elsewhere_never_becomes_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let [here, there] = ["here", "there"].map(|name| folder.path().join(name));
    fs::create_dir(&here).unwrap();
    fs::create_dir(&there).unwrap();
    let stock = fixtures().join("stock").join(COMPOSE);
    fs::copy(stock, here.join(COMPOSE)).unwrap();
    let [old, new] = [Keyset::generate(), Keyset::generate()];
    let elsewhere = ["-i", "--env-file", "../there/my.env"];
    inject(&here, &old.text, &elsewhere).exit(0);
    let before = read(&here, COMPOSE);
    inject(&here, &new.text, &["-i"])
        .exit(2)
        .says("a reference whose value is in no env file that was read")
        .says("add --env-file FILE");
    assert_eq!(read(&here, COMPOSE), before);
    inject(&here, &new.text, &elsewhere).exit(0);
    assert_eq!(read(&here, COMPOSE), before);
    inject(&here, &new.text, &["-i", "--literal"]).exit(0);
    assert_ne!(read(&here, COMPOSE), before);
}

#[test]
fn the_redis_that_is_emptied_is_the_one_of_the_file_server() {
    let (folder, other) = (stock(), Keyset::generate());
    let folder = folder.path();
    let stock = read(folder, COMPOSE);
    for (host, command) in [
        ("redis", "exec redis redis-cli -n 8 FLUSHDB"),
        ("clearml-redis", "exec redis redis-cli -n 8 FLUSHDB"),
        (
            "redis.example.com",
            "  redis-cli -n 8 FLUSHDB   # otherwise",
        ),
    ] {
        let line = "      CLEARML__fileserver__delete__allow_batch: \"true\"\n";
        let more = format!("{line}      CLEARML_REDIS_SERVICE_HOST: {host}\n");
        assert!(stock.contains(line));
        fs::write(folder.join("elsewhere.yml"), stock.replace(line, &more)).unwrap();
        clearml("inject")
            .arg("elsewhere.yml")
            .within(folder)
            .stdin(other.text.as_str())
            .done()
            .exit(0)
            .says(command);
    }
}

#[test]
fn the_next_commands_name_the_files_and_what_has_to_start_anew() {
    let (folder, keys) = (stock(), Keyset::generate());
    let folder = folder.path();
    fs::create_dir(folder.join("sub")).unwrap();
    let all = "up -d --force-recreate apiserver fileserver async_delete agent-services\n";
    for (options, compose) in [
        (&[][..], "docker compose -f FILE"),
        (&["-o", "new.yml"], "docker compose -f new.yml"),
        (
            &["--override"],
            "docker compose -f docker-compose.yml -f FILE",
        ),
        (
            &["--override", "-o", "it's.yml"],
            r"docker compose -f docker-compose.yml -f 'it'\''s.yml'",
        ),
        (
            &["--env-file", "my keys", "-o", "o.yml"],
            "docker compose --env-file 'my keys' -f o.yml",
        ),
        // A file in another folder is of the project of the file that it came from.
        (
            &["-o", "sub/o.yml"],
            "docker compose --project-directory . -f sub/o.yml",
        ),
        (&["-o", "./p.yml"], "docker compose -f ./p.yml"),
        (
            &["--override", "-o", "sub/over.yml"],
            "docker compose -f docker-compose.yml -f sub/over.yml",
        ),
        (&["-i"], "docker compose"),
    ] {
        inject(folder, &keys.text, options)
            .exit(0)
            .says(&format!("\n  {compose} {all}"))
            .says(&format!("{compose} exec redis redis-cli -n 8 FLUSHDB"));
    }
    // A password is no argument.
    let guarded = read(folder, COMPOSE).replace(
        "image: redis:7.4.1",
        "image: redis:7.4.1\n    command: redis-server --requirepass hunter2",
    );
    fs::write(folder.join("guarded.yml"), guarded).unwrap();
    let other = Keyset::generate();
    clearml("inject")
        .arg("guarded.yml")
        .within(folder)
        .stdin(other.text.as_str())
        .done()
        .exit(0)
        .says("exec -e REDISCLI_AUTH redis redis-cli -n 8 FLUSHDB");
    // From elsewhere.
    let path = folder.join(COMPOSE);
    let elsewhere = tempfile::tempdir().unwrap();
    clearml("inject")
        .args(["--bind", "127.0.0.1", "-o", "new.yml"])
        .arg(&path)
        .within(elsewhere.path())
        .stdin(keys.text.as_str())
        .done()
        .exit(0)
        .says(&format!(
            "  docker compose --project-directory {} -f new.yml up -d --force-recreate apiserver fileserver webserver\n",
            folder.display()
        ));
    fs::write(folder.join("keys.json"), &keys.text).unwrap();
    let webserver = clearml("keygen")
        .args(["--from", "keys.json", "--only", "webserver"])
        .within(folder)
        .done()
        .exit(0)
        .stdout;
    let done = inject(folder, &webserver, &["-i"])
        .exit(0)
        .says("  docker compose up -d --force-recreate apiserver\n");
    assert!(!done.stderr.contains("FLUSHDB"));
    let done = inject(folder, &webserver, &["-i"]).exit(0);
    assert!(!done.stderr.contains("next"), "{}", done.stderr);
}

#[test]
fn an_override_says_what_is_new_and_nothing_else() {
    let (folder, keys) = (stock(), Keyset::generate());
    let folder = folder.path();
    let before = read(folder, COMPOSE);
    let options = ["--override", "--close-ports", "--bind", "127.0.0.1"];
    let text = inject(folder, &keys.text, &options).exit(0).stdout;
    assert_eq!(read(folder, COMPOSE), before);
    assert_eq!(text.lines().filter(|line| line.contains(": ")).count(), 20);
    assert_eq!(text.matches("ports: !override").count(), 3);
    fs::write(folder.join("mine.yml"), &text).unwrap();
    fs::write(folder.join("keys.json"), &keys.text).unwrap();
    let found = clearml("verify")
        .args(["--fail-on", "error", "--config-dir", "config"])
        .args(["--keys", "keys.json"])
        .args(["--merge", "mine.yml", COMPOSE])
        .within(folder)
        .done()
        .exit(0);
    assert!(!found.stdout.contains("plain-http") && !found.stdout.contains("keys-not-applied"));
    // Over a file that has all of it, there is nothing to say.
    inject(folder, &keys.text, &["-i"]).exit(0);
    let again = inject(folder, &keys.text, &["--override"]).exit(0);
    assert_eq!(again.stdout, "services: {}\n");
    inject(folder, &keys.text, &["--override", "--check"]).exit(0);
}

#[test]
fn a_database_is_closed_by_an_override() {
    let folder = tempfile::tempdir().unwrap();
    let text = "version: '3.6'\nservices:\n  apiserver:\n    image: clearml/server:2.0.0\n    command: [apiserver]\n  redis:\n    image: redis:7\n    ports: ['6379:6379']\n";
    fs::write(folder.path().join(COMPOSE), text).unwrap();
    let keys = Keyset::generate();
    let done = inject(folder.path(), &keys.text, &["--override", "--close-ports"]).exit(0);
    assert!(done.stdout.starts_with("version: \"3.6\"\nservices:\n"));
    assert!(done.stdout.ends_with("  redis:\n    ports: !reset []\n"));
}

#[test]
fn what_an_env_file_would_do_to_others_is_refused() {
    let keys = Keyset::generate();
    let given = |compose: &str, env: &str| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(COMPOSE), compose).unwrap();
        fs::write(folder.path().join(".env"), env).unwrap();
        folder
    };
    let api =
        "services:\n  apiserver:\n    image: clearml/server:2.0.0\n    command: [apiserver]\n";
    // A service that reads the whole file would get every secret.
    let all = format!("{api}  web:\n    image: nginx\n    env_file: .env\n");
    let folder = given(&all, "A=b\n");
    inject(folder.path(), &keys.text, &["-i", "--env-file", ".env"])
        .refused()
        .says("docker-compose.yml:7:15: service web has `env_file: .env` and would get every secret in that file")
        .says("docker compose --env-file .env --env-file clearml.env up -d");
    assert_eq!(read(folder.path(), COMPOSE), all);
    assert_eq!(read(folder.path(), ".env"), "A=b\n");
    // Compose reads one file or the other, unless it is told both.
    let tagged = api.replace("2.0.0", "${TAG}");
    let folder = given(&tagged, "TAG=2.0.0\n");
    inject(
        folder.path(),
        &keys.text,
        &["-i", "--env-file", "other.env"],
    )
    .exit(0)
    .says("docker compose --env-file .env --env-file other.env up -d");
    assert_eq!(read(folder.path(), ".env"), "TAG=2.0.0\n");
    for taken in [COMPOSE, "-"] {
        let folder = given(api, "");
        inject(folder.path(), &keys.text, &["--env-file", taken])
            .refused()
            .says("in use already");
    }
    let folder = given(api, "A='unclosed\n");
    inject(folder.path(), &keys.text, &["--env-file", ".env"])
        .refused()
        .points_into(".env");
}

#[test]
fn the_env_file_is_put_back_where_nobody_takes_the_compose_file() {
    let keys = Keyset::generate();
    for before in [None, Some("MINE=1\n")] {
        let folder = stock();
        if let Some(text) = before {
            fs::write(folder.path().join(".env"), text).unwrap();
        }
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let (closed, pipe) = std::io::pipe().unwrap();
        drop(closed);
        for (stdout, status) in [(full.into(), 2), (Stdio::from(pipe), 0)] {
            clearml("inject")
                .args(["--env-file", ".env", COMPOSE])
                .within(folder.path())
                .stdin(keys.text.as_str())
                .done_into(stdout)
                .exit(status);
            let after = fs::read_to_string(folder.path().join(".env")).ok();
            assert_eq!(after.as_deref(), before);
        }
    }
}

#[test]
fn what_others_take_from_an_env_file_stays_what_it_is() {
    let keys = Keyset::generate();
    let text = "services:
  apiserver:
    image: clearml/server:2.0.0
    command: [apiserver]
    environment:
      CLEARML__SECURE__AUTH__TOKEN_SECRET: ${S}
      CLEARML__secure__credentials__services_agent__user_key: ${CLEARML_AGENT_ACCESS_KEY:-}
  agent-services:
    image: clearml/clearml-agent-services:1.0
    environment: [CLEARML_API_ACCESS_KEY, CLEARML_API_SECRET_KEY=$CLEARML_AGENT_SECRET_KEY]
  gpu-agent:
    image: clearml/clearml-agent:1.0
    environment:
      CLEARML_API_ACCESS_KEY: ${CLEARML_AGENT_ACCESS_KEY:-}
  mongo:
    image: mongo:7.0.22
    command: \"mongod --pw ${S}\"
";
    let env = "S=mine\nCLEARML_AGENT_ACCESS_KEY=the-user's\n";
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join(COMPOSE), text).unwrap();
    fs::write(folder.join(".env"), env).unwrap();
    inject(folder, &keys.text, &["-i", "--env-file", ".env"]).exit(0);
    let after = read(folder, ".env");
    assert!(after.starts_with(env), "{after}");
    assert_eq!(
        line(&after, TOKEN),
        Some(keys.get("secure.auth.token_secret"))
    );
    let compose = read(folder, COMPOSE);
    assert!(compose.contains("--pw ${S}\"") && compose.contains(TOKEN));
    // What only servers of ours take keeps its name.
    assert!(compose.contains("CLEARML_API_SECRET_KEY=$CLEARML_AGENT_SECRET_KEY"));
    inject(folder, &keys.text, &["--check", "--env-file", ".env"]).exit(0);
}

#[test]
fn what_compose_would_read_besides_is_refused_where_it_cannot_be_seen() {
    let keys = Keyset::generate();
    let folder = stock();
    let names =
        |list: &str| fs::write(folder.path().join(".env"), format!("COMPOSE_FILE={list}\n"));
    names("prod.yml:docker-compose.yml").unwrap();
    fs::write(folder.path().join("prod.yml"), "services: {}\n").unwrap();
    inject(folder.path(), &keys.text, &["-i"])
        .refused()
        .says("the files that COMPOSE_FILE names")
        .says("--merge");
    let verify = |options: &[&str]| {
        let verify = clearml("verify").args(options.iter().copied());
        let done = verify.args(["-f", "json", COMPOSE]).within(folder.path());
        done.done().stdout
    };
    assert!(verify(&[]).contains("COMPOSE_FILE names"));
    // The further files that it names are merged as compose merges them.
    names("docker-compose.yml:prod.yml").unwrap();
    let token = "services: {apiserver: {environment: {CLEARML__SECURE__AUTH__TOKEN_SECRET: x}}}\n";
    fs::write(folder.path().join("prod.yml"), token).unwrap();
    inject(folder.path(), &keys.text, &["-i"])
        .refused()
        .says("prod.yml:1:");
    fs::write(folder.path().join("prod.yml"), "services: {}\n").unwrap();
    inject(folder.path(), &keys.text, &["-i"]).exit(0);
    assert!(!verify(&[]).contains("COMPOSE_FILE names"));
    let folder = stock();
    let compose = read(folder.path(), COMPOSE);
    fs::write(
        folder.path().join(COMPOSE),
        format!("include: [other.yml]\n{compose}"),
    )
    .unwrap();
    inject(folder.path(), &keys.text, &["-i"])
        .refused()
        .says("docker-compose.yml:1:11: included file other.yml");
    // The same item twice is a file that compose refuses.
    let token = keys.get("secure.auth.token_secret");
    let text = format!(
        "services:\n  apiserver:\n    image: clearml/server:2.0.0\n    command: [apiserver]\n    environment:\n    - {TOKEN}={token}\n    - {TOKEN}=old\n"
    );
    fs::write(folder.path().join(COMPOSE), text).unwrap();
    inject(folder.path(), &keys.text, &["-i"])
        .refused()
        .says("docker-compose.yml:6:7")
        .says("be twice in the list")
        .never_says(token);
}

#[test]
fn a_diff_shows_both_files_and_no_secret() {
    let (folder, keys) = (stock(), Keyset::generate());
    fs::write(folder.path().join(".env"), "MINE=hunter2\n").unwrap();
    let options = ["--diff", "--env-file", ".env"];
    let done = inject(folder.path(), &keys.text, &options).exit(0);
    for text in [
        "--- .env\n+++ .env\n",
        " MINE=********\n",
        "+CLEARML__SECURE__AUTH__TOKEN_SECRET=******** (",
        "--- docker-compose.yml\n",
        "${CLEARML__SECURE__AUTH__TOKEN_SECRET:?set by clearml-keygen}",
    ] {
        assert!(done.stdout.contains(text), "no {text}");
    }
    let mut secrets: Vec<&str> = keys.values.values().map(String::as_str).collect();
    secrets.push("hunter2");
    secrets
        .into_iter()
        .fold(done, |done, secret| done.never_says(secret));
    assert_eq!(read(folder.path(), ".env"), "MINE=hunter2\n");
}

/// `.env` may say that compose is to take nothing from it; told of the file, compose reads it all the same.
#[test]
fn an_env_file_that_compose_does_not_read_by_itself_is_named_to_it() {
    let (keys, folder) = (Keyset::generate(), stock());
    let folder = folder.path();
    let disabled = "COMPOSE_DISABLE_ENV_FILE=1\nAUTHENTICATES=true\n";
    fs::write(folder.join(".env"), disabled).unwrap();
    inject(folder, &keys.text, &["--env-file", "other.env", "-i"])
        .refused()
        .says(".env:1:26: COMPOSE_DISABLE_ENV_FILE keeps")
        .says("--env-file .env");
    inject(folder, &keys.text, &["--env-file", ".env", "-i"])
        .exit(0)
        .says("docker compose reads .env only with these options: --env-file .env")
        .says("docker compose --env-file .env up -d");
    if let Some(compose) = Compose::find() {
        let view = |env_files: &[String]| {
            let files = &[COMPOSE.to_owned()];
            compose.view(Question {
                folder,
                files,
                env_files,
            })
        };
        let refused = view(&[]).unwrap_err();
        assert!(refused.contains("is missing a value"), "{refused}");
        assert!(view(&[".env".to_owned()]).is_ok());
    }
    let other = "services: {fileserver: {image: 'clearml/server:2.3.0', command: fileserver, \
                 environment: {CLEARML__fileserver__auth__enabled: '${AUTHENTICATES:-false}'}}}";
    fs::write(folder.join("other.yml"), other).unwrap();
    let is_open = |options: &[&str]| {
        let verify = clearml("verify").args(options.to_vec());
        let said = verify.arg("other.yml").within(folder).done().stdout;
        said.contains("[open-fileserver]")
    };
    assert!(is_open(&[]) && !is_open(&["--env-file", ".env"]));
    fs::write(folder.join(".env"), "COMPOSE_DISABLE_ENV_FILE=yes\n").unwrap();
    inject(folder, &keys.text, &["-i"])
        .refused()
        .says(".env:1:26: COMPOSE_DISABLE_ENV_FILE is neither true nor false");
}

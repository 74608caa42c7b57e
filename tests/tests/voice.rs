//! What the programs say to a reader at three in the morning: who can do what comes first, a command is on a line of its own, and
//! every error says what to do. Each message here was once one that had to be read twice.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::path::Path;
use std::process::Stdio;

use e2e::files::{root, stock};
use e2e::program::{Done, clearml, other, program};
use tempfile::TempDir;

/// A folder with the stock file and a keyset.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("docker-compose.yml"), stock()).unwrap();
    run(folder.path(), "keygen", "-o keys.env").exit(0);
    folder
}

fn run(folder: &Path, program: &str, arguments: &str) -> Done {
    clearml(program)
        .within(folder)
        .args(arguments.split_whitespace())
        .done()
}

/// Fails unless a text has all of these in it.
fn has(text: &str, expected: &[&str]) {
    for part in expected {
        assert!(text.contains(part), "does not say {part:?}\n{text}");
    }
}

/// Where the help changes, so does a promise.
#[test]
fn help_is_what_it_was() {
    for program in ["inject", "keygen", "verify"] {
        let done = clearml(program)
            .env("COLUMNS", "100")
            .args(["--help"])
            .done();
        let help = done.exit(0).stdout;
        let path = root().join(format!("crates/{program}/tests/help.txt"));
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &help).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(help, expected, "{program}: UPDATE_EXPECT=1 rewrites it");
    }
}

/// Each is run as it is printed, in a folder with the files that it reads. Servers are for tests/live.rs.
#[test]
fn the_examples_of_the_help_work() {
    let mut tried = 0;
    for name in ["inject", "keygen", "verify"] {
        let help = fs::read_to_string(root().join(format!("crates/{name}/tests/help.txt")));
        let help = help.unwrap();
        let examples = help.split_once("Examples:\n").unwrap().1.lines();
        let examples = examples.take_while(|line| !line.is_empty());
        for example in examples.filter(|example| !example.contains("://")) {
            let folder = read_by(example);
            let bin = program(name).parent().unwrap().to_owned();
            let path = format!("{}:/usr/bin:/bin", bin.display());
            let done = other(Path::new("/bin/sh"))
                .within(folder.path())
                .env("PATH", path)
                .args(["-c", example])
                .done();
            // The stock file has findings.
            let is_fine = done.status == Some(0) || name == "verify" && done.status == Some(1);
            assert!(is_fine, "{example}\n{}", done.report());
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

/// A folder with the files that a command reads, and none that it writes.
fn read_by(command: &str) -> TempDir {
    let folder = folder();
    let path = folder.path();
    fs::write(
        path.join("users"),
        "jane:orbit lamp frozen\njohn:lamp frozen orbit\n",
    )
    .unwrap();
    run(path, "keygen", "--users-from users -o keys.env --force").exit(0);
    run(path, "keygen", "--from keys.env -f hocon -o secure.conf").exit(0);
    let values = "clearml: {clientConfigurationApiUrl: https://api.example.com}\napiserver: {}\n";
    fs::write(path.join("values.yaml"), values).unwrap();
    fs::create_dir(path.join("deployments")).unwrap();
    fs::write(path.join("deployments/compose.yml"), stock()).unwrap();
    fs::write(path.join("hosts.txt"), "docker-compose.yml\n").unwrap();
    run(path, "verify", "-o json:last-week.json deployments").exit(1);
    let words: Vec<&str> = command.split_whitespace().collect();
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap().path();
        let name = entry.file_name().unwrap().to_str().unwrap();
        let is_read = |pair: &[&str]| {
            let is_it = pair[1].trim_start_matches('@') == name;
            is_it && (pair[0] != "-o" || words.contains(&"--force"))
        };
        if entry.is_file() && !words.windows(2).any(is_read) {
            fs::remove_file(entry).unwrap();
        }
    }
    folder
}

#[test]
fn findings_say_who_can_do_what() {
    let folder = folder();
    let done = run(folder.path(), "verify", "docker-compose.yml");
    has(
        &done.prose(),
        &[
            "10 of 12 credentials are ClearML's published defaults: anyone who can reach the API server can log in as admin",
            "secure.http.session_secret.apiserver of apiserver: low risk, because no known release uses it",
            "port 8008 of apiserver is open to every network without TLS",
            "passwords and tokens can be sniffed",
            "anyone who can reach the web page can log in under any name, without a password",
        ],
    );
    // A command is on a line of its own.
    has(
        &done.stdout,
        &[
            "\n      clearml-keygen -o keys-2.env\n      clearml-inject -k keys-2.env -i --backup .orig docker-compose.yml\n",
        ],
    );
    // What keeps several things from being checked is said once.
    let caveat = "is not on this machine; run this where it is, or pass --config-dir DIR";
    assert_eq!(done.prose().matches(caveat).count(), 1, "{}", done.stdout);
}

#[test]
fn a_server_that_is_not_there_is_one_line_with_what_to_do() {
    let folder = folder();
    let url = "http://127.0.0.1:1";
    let arguments = format!("--api {url} --files {url} --web {url} {url}");
    let done = run(folder.path(), "verify", &arguments).exit(2);
    has(
        &done.prose(),
        &[
            "not checked: http://127.0.0.1:1: nothing answers at 127.0.0.1 (connection refused on 1). Is the server running? \
           If it is elsewhere: --api URL",
        ],
    );
    assert_eq!(done.prose().matches("not checked:").count(), 1);
    let done = run(folder.path(), "verify", "localhost:8008").refused();
    has(
        &done.stderr,
        &[
            "localhost:8008 is not a file\n  help: for a server:\n      clearml-verify http://localhost:8008\n",
        ],
    );
    let done = run(folder.path(), "verify", "clearml.example.com").refused();
    has(
        &done.stderr,
        &[
            "clearml.example.com is not a file\n  help: for a server:\n      clearml-verify https://clearml.example.com\n",
        ],
    );
    let done = run(folder.path(), "verify", "docker-compose.prod.yml").refused();
    has(&done.stderr, &["docker-compose.prod.yml: no such file"]);
    for (name, command) in [
        ("localhost", "clearml-verify http://localhost"),
        (
            "clearml.internal",
            "clearml-verify https://clearml.internal",
        ),
    ] {
        let done = run(folder.path(), "verify", name).refused();
        let help = format!(
            "{name}: no such file\n  help: check the path. For a server:\n      {command}\n"
        );
        has(&done.stderr, &[&help]);
    }
    // Each line of a list is as good as an argument.
    fs::write(folder.path().join("hosts"), "localhost:8008\nstaging\n").unwrap();
    let done = run(folder.path(), "verify", "@hosts").exit(2);
    has(
        &done.prose(),
        &[
            "localhost:8008 is not a file; for a server: clearml-verify http://localhost:8008",
            "staging: no such file; check the path. For a server: clearml-verify https://staging",
        ],
    );
}

/// Fails unless a run is refused and says all of these.
fn refused_in(path: &Path) -> impl Fn(&str, &str, &[&str]) {
    move |program, arguments, expected| {
        has(&run(path, program, arguments).refused().stderr, expected);
    }
}

/// What is right in itself and in the wrong place is called what it is.
#[test]
fn what_is_in_the_wrong_place_is_named() {
    let folder = folder();
    let path = folder.path();
    let refused = refused_in(path);
    refused(
        "verify",
        "--config-dir keys.env docker-compose.yml",
        &["keys.env: --config-dir takes a folder, and this is a file\n  help: name the folder"],
    );
    refused(
        "verify",
        "--config-dir no docker-compose.yml",
        &["no: --config-dir takes a folder, and this does not exist\n"],
    );
    fs::write(path.join("hosts.txt"), "# all\n\nhttps://a.example\n").unwrap();
    refused(
        "verify",
        "hosts.txt",
        &[
            "hosts.txt: this is a list of addresses, not a compose file\n",
            "      clearml-verify @hosts.txt\n",
        ],
    );
    run(path, "keygen", "--count 3 -f jsonl -o fleet.jsonl").exit(0);
    refused(
        "inject",
        "-k fleet.jsonl docker-compose.yml",
        &[
            "fleet.jsonl:2:1: a second keyset begins here, and only one can be used\n",
            "      sed -n 1p FILE | clearml-keygen --from - -o keys.env\n",
        ],
    );
    refused(
        "keygen",
        "--users-from docker-compose.yml",
        &["the password is empty\n  help: write `name:password`"],
    );
    refused(
        "verify",
        "-o jsn:report.json docker-compose.yml",
        &[
            "jsn is no format. The formats are text, json, sarif",
            "A file of this name is ./jsn:report.json",
        ],
    );
    let done = run(path, "verify", "-o ./jsn:report.json docker-compose.yml").exit(1);
    has(
        &done.stderr,
        &["./jsn:report.json gets text. For json: -o json:./jsn:report.json\n"],
    );
    let done = run(path, "verify", "-o html docker-compose.yml").exit(1);
    has(&done.stderr, &["html gets text. For html: -o html:FILE\n"]);
    refused(
        "keygen",
        "-o /proc/keys.env",
        &["/proc/keys.env: cannot be written: no file can be made in its folder\n"],
    );
    refused(
        "verify",
        "--effective docker-compose.yml http://127.0.0.1:1",
        &[
            "a running server does not tell where its settings come from\n",
            "      docker inspect $(docker ps -q) | clearml-verify --effective -\n",
        ],
    );
}

/// A pipe that gets nothing sends its reader to the program before it, and a file that is none of ours is not quoted.
#[test]
fn what_came_instead_is_not_what_was_asked_for() {
    let folder = folder();
    let path = folder.path();
    let refused = refused_in(path);
    let done = clearml("verify").arg("-").done().refused();
    has(&done.stderr, &["clearml-verify: standard input: empty"]);
    let done = clearml("verify")
        .arg("-")
        .stdin("kind: List\n")
        .done()
        .refused();
    has(
        &done.stderr,
        &["look at what the program before the pipe printed."],
    );
    let done = clearml("inject")
        .within(path)
        .args(["-k", "-", "docker-compose.yml"])
        .done()
        .refused();
    has(
        &done.stderr,
        &["if it comes from another program, look at what that says."],
    );
    fs::write(path.join("notes"), "jane\n").unwrap();
    refused(
        "keygen",
        "--from notes",
        &[
            "name the file that clearml-keygen wrote, or make one:\n      clearml-keygen -o keys.env\n",
        ],
    );
    refused(
        "verify",
        "--since docker-compose.yml docker-compose.yml",
        &["not what clearml-verify printed with -f json or -f jsonl: this is not JSON\n"],
    );
    // What is there may be a secret.
    fs::write(path.join("text.json"), "\"s3cret-text\"").unwrap();
    let done = run(path, "verify", "--baseline text.json .").refused();
    has(
        &done.stderr,
        &["text.json:1:13: not a baseline: expected an object\n"],
    );
    assert!(!done.stderr.contains("s3cret"), "{}", done.stderr);
    refused(
        "verify",
        "--baseline keys.env .",
        &["not a baseline: this is not JSON\n"],
    );
}

/// A mistake in an option is told in words, and leads to the option that is meant.
#[test]
fn mistakes_in_options_are_told_in_words() {
    let folder = folder();
    for (program, arguments, expected) in [
        (
            "verify",
            "--timeout 10s .",
            "it is a whole number from 1 to 600",
        ),
        (
            "verify",
            "--jobs 0 .",
            "it is a whole number from 1 to 1024",
        ),
        (
            "keygen",
            "--count 0 -f jsonl",
            "it is a whole number from 1 to 10000",
        ),
        (
            "keygen",
            "-user jane",
            "a similar argument exists: '--user'",
        ),
        (
            "keygen",
            "--from keys.env --only token-secret",
            "did you mean token_secret?",
        ),
        (
            "keygen",
            "--passwords logins.txt",
            "--user NAME or --reset-password NAME is missing. Run one of these:\n  \
             clearml-keygen --passwords logins.txt --user NAME\n",
        ),
    ] {
        let done = run(folder.path(), program, arguments).refused();
        has(&done.stderr, &[expected]);
        assert!(!done.stderr.contains("as a value"), "{}", done.stderr);
    }
}

/// The commands of a help work where they are given, and leave the keys where they are.
#[test]
fn helps_are_for_this_deployment() {
    let folder = folder();
    let path = folder.path();
    let compose = stock().replace("/opt/clearml/config:", "./config:");
    fs::write(path.join("docker-compose.yml"), &compose).unwrap();
    fs::create_dir(path.join("config")).unwrap();
    run(
        path,
        "keygen",
        "--from keys.env -f hocon -o config/secure.conf",
    )
    .exit(0);
    let users = "--from ./config/secure.conf --user NAME --passwords logins.txt -f hocon -o ./config/secure.conf --force";
    let done = run(path, "verify", "docker-compose.yml").exit(1);
    has(&done.stdout, &[&format!("      clearml-keygen {users}\n")]);
    run(path, "keygen", users).exit(0);
    let done = run(path, "verify", "docker-compose.yml");
    assert!(!done.stdout.contains("open-login"), "{}", done.stdout);

    let listed = "environment:\n      CLEARML__apiserver__auth__fixed_users__enabled: \"true\"\n      \
                  CLEARML__apiserver__auth__fixed_users__users: '[{username: jane, name: Jane, password: \"orbit lamp frozen\"}]'\n      \
                  CLEARML_SERVER_DEPLOYMENT_TYPE";
    let compose = stock().replace("environment:\n      CLEARML_SERVER_DEPLOYMENT_TYPE", listed);
    fs::write(path.join("docker-compose.yml"), compose).unwrap();
    fs::write(path.join("users.txt"), "jane:orbit lamp frozen:Jane\n").unwrap();
    let said = run(path, "verify", "docker-compose.yml").exit(1).stdout;
    assert!(said.contains("[plaintext-password]"), "{said}");
    let keygen = "--from KEYS --users-from users.txt -o new.env";
    let inject = "-k new.env -i docker-compose.yml";
    has(
        &said,
        &[&format!(
            "      clearml-keygen {keygen} && rm users.txt\n      clearml-inject {inject}\n"
        )],
    );
    run(path, "keygen", &keygen.replace("KEYS", "keys.env")).exit(0);
    run(path, "inject", inject).exit(0);
    let said = run(path, "verify", "docker-compose.yml").stdout;
    assert!(!said.contains("[plaintext-password]"), "{said}");
}

/// Many variables without a value are one line, which says where they may be; so is one cause in several deployments.
#[test]
fn one_cause_is_one_line() {
    let folder = folder();
    let path = folder.path();
    run(
        path,
        "inject",
        "-k keys.env --env-file .env -i docker-compose.yml",
    )
    .exit(0);
    for copy in ["a", "b"] {
        fs::create_dir_all(path.join("copies").join(copy)).unwrap();
        let to = path.join("copies").join(copy).join("docker-compose.yml");
        fs::copy(path.join("docker-compose.yml"), to).unwrap();
    }
    // What is read of several deployments is under the name of each.
    let said = run(path, "verify", "--effective copies").stdout;
    has(
        &said,
        &[
            "copies/a/docker-compose.yml (apiserver",
            "\n\ncopies/b/docker-compose.yml (apiserver",
        ],
    );
    // Only findings can be recorded, and the exit code is about the rest.
    let done = run(path, "verify", "--write-baseline b.json copies").exit(2);
    has(
        &done.stderr,
        &["not all was checked, and only findings can be recorded"],
    );
    let said = run(path, "verify", "copies").exit(1).prose();
    let lines: Vec<&str> = said.split("not checked: ").skip(1).collect();
    assert_eq!(lines.len(), 2, "{said}");
    has(
        &said,
        &[
            "and 1 more file: /opt/clearml/config of services",
            "more: no value in .env, and compose does not start without one; if another file has one, pass --env-file FILE",
        ],
    );
}

#[test]
fn errors_say_what_happened_and_what_to_do() {
    let folder = folder();
    let path = folder.path();
    let done = run(path, "inject", "-k docker-compose.yml docker-compose.yml").refused();
    has(
        &done.stderr,
        &[
            "this is a compose file, not a keyset\n",
            "help: name the file that clearml-keygen wrote\n",
        ],
    );
    let done = run(
        path,
        "inject",
        "-k keys.env -o docker-compose.yml docker-compose.yml",
    )
    .refused();
    has(
        &done.stderr,
        &[
            "docker-compose.yml: exists\n",
            "help: name another file, add --force to overwrite it, or use -i to change the file itself (add --backup .orig)\n",
        ],
    );
    assert!(!done.stderr.contains("entity"), "{}", done.stderr);
    let done = run(path, "keygen", "-o keys.env").refused();
    has(
        &done.stderr,
        &["keys.env: exists\n  help: name another file, or add --force to overwrite it."],
    );
    let done = run(path, "verify", "no.yml").refused();
    has(
        &done.stderr,
        &["no.yml: no such file\n  help: check the path\n"],
    );
}

#[test]
fn what_is_next_is_commands_that_can_be_pasted() {
    let folder = folder();
    let done = run(
        folder.path(),
        "inject",
        "-k keys.env -o secured.yml docker-compose.yml",
    )
    .exit(0);
    has(
        &done.stderr,
        &[
            "clearml-inject: Now run (these services must restart together):\n  docker compose -f secured.yml up -d --force-recreate \
             apiserver fileserver async_delete agent-services\n",
            "  docker compose -f secured.yml exec redis redis-cli -n 8 FLUSHDB   # otherwise old tokens work for up to 12 hours\n",
        ],
    );
}

#[test]
fn a_refusal_names_what_overrides() {
    let folder = folder();
    let path = folder.path();
    fs::write(
        path.join("docker-compose.override.yml"),
        "services:\n  apiserver:\n    environment:\n      CLEARML__SECURE__AUTH__TOKEN_SECRET: mine\n",
    )
    .unwrap();
    let done = run(path, "inject", "-k keys.env -i docker-compose.yml").refused();
    has(
        &done.stderr,
        &[
            "the edit could not be proved correct: apiserver would not read the keyset's secure.auth.token_secret: \
             docker-compose.override.yml:4:7 overrides it",
            "remove the line at docker-compose.override.yml:4:7",
        ],
    );
    // A variable that only the shell has gets a value.
    fs::remove_file(path.join("docker-compose.override.yml")).unwrap();
    let file = "services:\n  apiserver:\n    image: clearml/server:2.3.0\n    command: [apiserver]\n    environment:\n      \
                - CLEARML__SECURE__AUTH__TOKEN_SECRET\n";
    fs::write(path.join("list.yml"), file).unwrap();
    let done = run(path, "verify", "list.yml");
    has(
        &done.prose(),
        &[
            "the container gets CLEARML__SECURE__AUTH__TOKEN_SECRET only from the shell that runs compose",
        ],
    );
    run(path, "inject", "-k keys.env -i list.yml").exit(0);
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_said_with_the_fix() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let out = fs::File::create(folder.path().join("out.env")).unwrap();
    out.set_permissions(fs::Permissions::from_mode(0o644))
        .unwrap();
    let done = clearml("keygen").done_into(Stdio::from(out)).exit(0);
    has(
        &done.stderr,
        &["Use `-o FILE`, not `>`: -o creates the file with mode 0600"],
    );
}

/// What a page or a comment says, read in the file itself.
#[test]
fn pages_and_comments_have_a_subject() {
    for (path, expected) in [
        (
            "docs/rotation.md",
            "a file server with the old key exits with 401",
        ),
        (
            "crates/verify/src/fix.rs",
            "into a single clearml-inject run",
        ),
        ("crates/core/src/redact/text.rs", "we print only names"),
        (
            "crates/core/src/nearest.rs",
            "Suggest a name only if at most 1/FAR of its characters would change.",
        ),
        (
            "crates/core/src/error.rs",
            "was already replaced and could not be restored",
        ),
    ] {
        let text = fs::read_to_string(root().join(path)).unwrap();
        has(&text, &[expected]);
    }
}

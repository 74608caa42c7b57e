//! The advice of a refusal, followed as it is printed: after at most two rounds of it, all is well. The commands of a help run as
//! they are printed, and a line that is to go goes.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::path::Path;

use e2e::advice::{lines_to_go, remove};
use e2e::program::{Done, clearml, other, program};

/// How often advice is taken.
const ROUNDS: usize = 2;

const APISERVER: &str = "\
services:
  apiserver:
    image: clearml/server:2.3.0
    command: apiserver
";

const FILESERVER: &str = "\
services:
  fileserver:
    image: clearml/server:2.3.0
    command: fileserver
";

/// What changes the API server alone, and is no deployment by itself.
const OVER: &str = "\
services:
  apiserver:
    restart: always
    environment:
      CLEARML__SECURE__AUTH__TOKEN_SECRET: \"abc\"
";

/// What takes the secret away again.
const EMPTY: &str = "\
services:
  apiserver:
    restart: always
    environment:
      CLEARML_X: x
      CLEARML__SECURE__AUTH__TOKEN_SECRET: \"\"
";

/// What takes the secret from an env file.
const REFERENCE: &str = "\
services:
  apiserver:
    image: clearml/server:2.3.0
    command: apiserver
    environment:
      CLEARML__SECURE__AUTH__TOKEN_SECRET: ${TOKEN}
  fileserver:
    image: clearml/server:2.3.0
    command: fileserver
";

/// What sets three of the keys itself.
const SEVERAL: &str = "\
services:
  apiserver:
    environment:
      - CLEARML__SECURE__AUTH__TOKEN_SECRET=abc
      - CLEARML_X=x
      - CLEARML__SECURE__CREDENTIALS__TESTS__USER_KEY=def
      - CLEARML__SECURE__CREDENTIALS__TESTS__USER_SECRET=ghi
";

const DASH: &str = "\
services:
  apiserver:
    image: clearml/server:2.3.0
    command: apiserver
    environment:
      CLEARML_X: x
      CLEARML__secure__-auth: \"{}\"
";

/// Files, and a command over them that is refused at first.
struct Try {
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
    command: &'static str,
}

const fn plain(name: &'static str, files: &'static [(&'static str, &'static str)]) -> Try {
    Try {
        name,
        files,
        command: "clearml-inject -k keys.env -i docker-compose.yml",
    }
}

const TRIES: &[Try] = &[
    plain(
        "an included file with what is merged over it",
        &[
            (
                "docker-compose.yml",
                "include: [{path: [srv.yml, o.yml]}]\n",
            ),
            ("srv.yml", APISERVER),
            ("o.yml", "services: {apiserver: {restart: always}}\n"),
        ],
    ),
    plain(
        "an included file, and what is merged over it has another value",
        &[
            (
                "docker-compose.yml",
                "include: [{path: [srv.yml, o.yml]}]\n",
            ),
            ("srv.yml", APISERVER),
            ("o.yml", OVER),
        ],
    ),
    plain(
        "a server in each of the files that are included as one",
        &[
            (
                "docker-compose.yml",
                "include: [{path: [srv.yml, o.yml]}]\n",
            ),
            ("srv.yml", APISERVER),
            ("o.yml", FILESERVER),
        ],
    ),
    plain(
        "servers in several included files",
        &[
            ("docker-compose.yml", "include: [api.yml, files/it.yml]\n"),
            ("api.yml", APISERVER),
            ("files/it.yml", FILESERVER),
        ],
    ),
    plain(
        "an included file whose path has a variable",
        &[
            (".env", "WHERE=srv\n"),
            ("docker-compose.yml", "include: ['${WHERE}.yml']\n"),
            ("srv.yml", APISERVER),
        ],
    ),
    plain(
        "a line that replaces the tree in which a key is",
        &[("docker-compose.yml", DASH)],
    ),
    plain(
        "an empty value in an override file",
        &[
            ("docker-compose.yml", APISERVER),
            ("docker-compose.override.yml", EMPTY),
        ],
    ),
    plain(
        "a reference to an env file",
        &[("docker-compose.yml", REFERENCE), (".env", "TOKEN=abc\n")],
    ),
    plain(
        "a reference to an env file of which another server gets all",
        &[
            ("docker-compose.yml", REFERENCE),
            (
                "docker-compose.override.yml",
                "services: {fileserver: {image: 'clearml/server:2.3.0', command: fileserver, env_file: .env}}\n",
            ),
            (".env", "TOKEN=abc\n"),
        ],
    ),
    plain(
        "several lines of an override file",
        &[
            ("docker-compose.yml", APISERVER),
            ("docker-compose.override.yml", SEVERAL),
        ],
    ),
    Try {
        name: "the keyset where the compose file belongs",
        files: &[("docker-compose.yml", APISERVER)],
        command: "clearml-inject -i keys.env docker-compose.yml",
    },
    Try {
        name: "the keyset and the compose file, each in the other's place",
        files: &[("docker-compose.yml", APISERVER)],
        command: "clearml-inject -k docker-compose.yml -i keys.env",
    },
    Try {
        name: "an included file that extends another, and an env file",
        files: &[
            ("docker-compose.yml", "include: [srv.yml]\n"),
            (
                "srv.yml",
                "services: {apiserver: {extends: {file: base.yml, service: apiserver}}}\n",
            ),
            ("base.yml", APISERVER),
        ],
        command: "clearml-inject -k keys.env --env-file .env -i docker-compose.yml",
    },
];

#[test]
fn advice_that_is_followed_ends_in_success() {
    let mut failures = Vec::new();
    for one in TRIES {
        if let Err(why) = follow(one) {
            failures.push(format!("{}: {why}", one.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A slip is answered by what happened and by what works, in all three programs alike: never by a usage line.
#[test]
fn a_file_in_the_wrong_place_is_answered_in_our_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("docker-compose.yml"), APISERVER).unwrap();
    fs::write(folder.join("over.yml"), OVER).unwrap();
    fs::write(folder.join("include.conf"), "include \"x.conf\"\n").unwrap();
    fs::write(folder.join("dash.conf"), "\"-credentials\" { }\n").unwrap();
    shell(folder, "clearml-keygen -q -o keys.env").exit(0);
    shell(
        folder,
        "clearml-keygen -q --from keys.env -f kubernetes -o secret.yaml",
    )
    .exit(0);
    fs::write(folder.join("broken.env"), "CLEARML__SECURE__NOTHING=x\n").unwrap();
    fs::write(
        folder.join("web.yaml"),
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n",
    )
    .unwrap();
    for (command, says) in [
        ("inject keys.env docker-compose.yml", "-k takes the keyset:"),
        (
            "inject -k broken.env keys.env",
            "keys.env: this is a keyset, not a compose file",
        ),
        (
            "inject -k /dev/fd/3 keys.env 3<<END\n$(cat keys.env)\nEND",
            "keys.env: this is a keyset, not a compose file",
        ),
        (
            "inject -k /dev/fd/3 docker-compose.yml 3<<END\n$(grep -i token_secret keys.env)\nEND",
            "clearml-keygen --from KEYS -o complete.env",
        ),
        ("verify --keys broken.env secret.yaml", "broken.env:1:1: "),
        (
            "verify --keys web.yaml secret.yaml",
            "clearml-verify --keys secret.yaml web.yaml",
        ),
        (
            "verify --old-keys docker-compose.yml keys.env",
            "docker-compose.yml:1:1: this is a compose file, not a keyset",
        ),
        (
            "inject docker-compose.yml keys.env",
            "clearml-inject -k keys.env docker-compose.yml",
        ),
        (
            "inject -k docker-compose.yml keys.env",
            "clearml-inject -k keys.env docker-compose.yml",
        ),
        ("inject keys.env", "-k takes the keyset:"),
        ("inject docker-compose.yml over.yml", "--merge over.yml"),
        (
            "verify -k docker-compose.yml keys.env",
            "clearml-verify --keys keys.env docker-compose.yml",
        ),
        (
            "verify keys.env",
            "clearml-verify --keys keys.env docker-compose.yml",
        ),
        (
            "keygen keys.env",
            "clearml-keygen --from keys.env -o new.env",
        ),
        ("keygen new.env", "clearml-keygen -o new.env"),
        (
            "keygen docker-compose.yml",
            "clearml-inject -k keys.env -i --backup .orig docker-compose.yml",
        ),
        ("keygen --from include.conf", "include.conf:1:1: an include"),
        (
            "keygen --from dash.conf",
            "dash.conf:1:1: a key with a dash",
        ),
    ] {
        let done = shell(folder, &format!("clearml-{command}"))
            .refused()
            .says(says);
        done.says("  help: ").never_says("Usage:");
    }
}

/// A finding's advice and --fix say the same, also of files with blanks in their names.
#[test]
fn advice_names_the_files_that_fix_names() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("my stack.yml"), APISERVER).unwrap();
    fs::write(folder.path().join("my other.env"), "A=b\n").unwrap();
    let arguments = ["--env-file", "my other.env", "my stack.yml"];
    let command =
        "clearml-inject -k keys.env --env-file 'my other.env' -i --backup .orig 'my stack.yml'";
    for fix in [None, Some("--fix")] {
        let verify = clearml("verify").within(folder.path());
        let done = verify.args(fix).args(arguments).done();
        assert!(done.stdout.contains(command), "{}", done.stdout);
    }
}

/// What verify tells to run, in a finding's advice and with --fix, is nothing that clearml-inject refuses.
#[test]
fn what_verify_tells_to_run_is_not_refused() {
    let whole = format!(
        "{REFERENCE}    env_file: .env\n  {}",
        "webserver: {image: 'clearml/server:2.3.0', command: webserver, env_file: .env}\n"
    );
    for (files, then) in [
        (
            vec![
                ("docker-compose.yml", "include: [ml/srv.yml]\n"),
                ("ml/srv.yml", APISERVER),
            ],
            vec!["--merge", "keys.override.yml"],
        ),
        (
            vec![("docker-compose.yml", whole.as_str()), (".env", "TOKEN=\n")],
            vec!["--env-file", ".env", "--env-file", "clearml.env"],
        ),
    ] {
        for fix in [None, Some("--fix")] {
            let folder = tempfile::tempdir().unwrap();
            let folder = folder.path();
            write(folder, &files);
            let verify = clearml("verify").within(folder).args(fix);
            let said = verify.args(["docker-compose.yml"]).done().stdout;
            let lines = said.lines().map(|line| line.trim().trim_end_matches(" &&"));
            let mut commands: Vec<&str> =
                lines.filter(|line| line.starts_with("clearml-")).collect();
            commands.truncate(2);
            shell(folder, &commands.join("\n")).exit(0);
            let verify = clearml("verify").within(folder).args(then.clone());
            let left = verify.args(["docker-compose.yml"]).done();
            left.never_says("missing-setting").never_says("not checked");
        }
    }
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn follow(one: &Try) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, one.files);
    let keys = clearml("keygen")
        .args(["-q", "-o", "keys.env"])
        .within(folder);
    keys.done().exit(0);
    let first = shell(folder, one.command);
    if first.status != Some(2) {
        return Err(format!("it is not refused at first\n{}", first.report()));
    }
    let mut heard = first.report();
    let mut refused = first;
    for _ in 0..ROUNDS {
        let help = help(&refused.stderr).ok_or_else(|| format!("no help\n{heard}"))?;
        let commands = commands(&help);
        let is_for_more = help.contains("run this again") || help.contains("this command again");
        let mut done = None;
        let lines = lines_to_go(&help);
        if !lines.is_empty() {
            remove(folder, &lines);
        } else if commands.is_empty() && env_file(&help).is_none() {
            return Err(format!("nothing to follow\n{heard}"));
        }
        let again = is_for_more.then(|| one.command.to_owned());
        let further = env_file(&help).map(|option| one.command.replacen(" -i ", &option, 1));
        for command in commands.iter().chain(&again).chain(&further) {
            let ran = shell(folder, command);
            heard.push_str(&ran.report());
            let is_done = ran.status == Some(0);
            done = Some(ran);
            if !is_done {
                break;
            }
        }
        refused = done.ok_or_else(|| format!("nothing to run\n{heard}"))?;
        if refused.status == Some(0) {
            return verified(folder).map_err(|why| format!("{why}\n{heard}"));
        }
    }
    Err(format!("advised in a circle\n{heard}"))
}

/// Whether the servers have the keys now.
fn verified(folder: &Path) -> Result<(), String> {
    let mut targets = Vec::new();
    if folder.join("keys.override.yml").exists() {
        targets.extend(["--merge", "keys.override.yml"]);
    }
    if folder.join("clearml.env").exists() {
        targets.extend(["--env-file", ".env", "--env-file", "clearml.env"]);
    }
    let done = clearml("verify")
        .args([
            "-q",
            "--keys",
            "keys.env",
            "--fail-on",
            "error",
            "--ignore",
            "readable-secret",
        ])
        .args(targets)
        .arg("docker-compose.yml")
        .within(folder)
        .done();
    match done.status {
        Some(0) => Ok(()),
        _ => Err(format!(
            "the keys are not in place\n{}\n{}",
            done.report(),
            done.stdout
        )),
    }
}

fn shell(folder: &Path, command: &str) -> Done {
    let programs = program("inject").parent().unwrap().to_owned();
    other(Path::new("sh"))
        .args(["-c", command])
        .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
        .within(folder)
        .done()
}

/// What is below `help:`, its lines as they are.
fn help(said: &str) -> Option<String> {
    said.split_once("  help: ").map(|(_, help)| help.to_owned())
}

/// `add --env-file FILE`: what takes the place of ` -i `.
fn env_file(help: &str) -> Option<String> {
    let (_, rest) = help.split_once("add --env-file ")?;
    let file = rest.split([',', ' ']).next()?;
    Some(format!(" --env-file {file} -i "))
}

fn commands(help: &str) -> Vec<String> {
    let indented = help.lines().filter_map(|line| line.strip_prefix("      "));
    indented.map(str::to_owned).collect()
}

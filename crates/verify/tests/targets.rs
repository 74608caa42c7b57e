//! What the command line names, what is found below it, and what keeps a target from being checked. One bad file never
//! hides what is wrong with the others.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod common;
#[path = "../../../tests/oracles/oracle.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod oracles;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::{OPEN, ask, folder_with, good, run, verify};
use serde_json::Value;

/// Software of somebody else.
const OTHER: &str = "services:\n  cache: {image: \"redis:7\", ports: [\"6379:6379\"]}\n";

/// What compose refuses: the second `<<` of a mapping.
const BROKEN: &str =
    "x-a: &a {x: 1}\nservices:\n  one:\n    <<: *a\n    <<: *a\n    image: minio/minio:1\n";

fn make_pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

#[test]
fn one_broken_file_below_a_folder_hides_no_other() {
    let folder = folder_with(&[
        ("clearml/docker-compose.yml", OPEN),
        ("minio/docker-compose.yml", BROKEN),
        ("zeta/compose.yaml", OPEN),
    ]);
    let done = ask(&["."], folder.path());
    assert_eq!(done.code, 1, "{}", done.stderr);
    let missing = |rule: &&&str| **rule == "missing-setting";
    let files: Vec<&Value> = done.json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["place"]["file"])
        .collect();
    assert!(files.contains(&&Value::from("./clearml/docker-compose.yml")));
    assert!(files.contains(&&Value::from("./zeta/compose.yaml")));
    assert_eq!(done.rules().iter().filter(missing).count(), 20);
    let broken = "./minio/docker-compose.yml";
    done.says(broken, "already in the mapping");
    assert_eq!(
        done.json["unknown"][0]["place"],
        serde_json::json!({"file": broken, "line": 5, "column": 5})
    );
    assert_eq!(done.unknown().len(), 1);
}

#[test]
fn what_is_clean_is_not_clean_beside_what_is_broken() {
    let folder = folder_with(&[
        ("good/docker-compose.yml", &good()),
        ("minio/docker-compose.yml", BROKEN),
    ]);
    let done = ask(&["."], folder.path());
    assert_eq!((done.code, done.rules().len()), (2, 0), "{}", done.stderr);
    for format in ["text", "github", "sarif", "html"] {
        let output = verify()
            .args(["-f", format, "."])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(
            text.contains("minio/docker-compose.yml") && text.contains("already in the mapping"),
            "{format}: {text}"
        );
    }
    let output = verify()
        .args(["--effective", "."])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn everything_that_keeps_one_deployment_from_being_read_leaves_the_others() {
    let named = |more: &str| {
        format!("{OPEN}    {more}\n")
            .replace("apiserver}\n    ", "apiserver, ")
            .trim_end()
            .to_owned()
            + "}\n"
    };
    let folder = folder_with(&[
        ("open/docker-compose.yml", OPEN),
        ("dotenv/docker-compose.yml", OPEN),
        ("dotenv/.env", "A=1\nNAME=\"half\n"),
        ("envfile/docker-compose.yml", &named("env_file: a.env")),
        ("envfile/a.env", "NAME='half\n"),
        ("latin/docker-compose.yml", OPEN),
        ("list/docker-compose.yml", "- services\n"),
        (
            "conf/docker-compose.yml",
            &named("volumes: [\"./config:/opt/clearml/config\"]"),
        ),
        ("override/docker-compose.yml", OPEN),
        ("override/docker-compose.override.yml", "services: {a: ["),
    ]);
    let at = |path: &str| folder.path().join(path);
    fs::write(
        at("latin/docker-compose.yml"),
        b"services:\n  a: {image: \"b\xe9\"}\n",
    )
    .unwrap();
    fs::create_dir_all(at("conf/config")).unwrap();
    make_pipe(&at("conf/config/secure.conf"));
    fs::create_dir(at("gone")).unwrap();
    symlink("nowhere.yml", at("gone/docker-compose.yml")).unwrap();
    fs::create_dir(at("pipe")).unwrap();
    make_pipe(&at("pipe/compose.yaml"));
    fs::create_dir(at("pipes")).unwrap();
    fs::write(at("pipes/docker-compose.yml"), OPEN).unwrap();
    make_pipe(&at("pipes/.env"));
    let done = ask(&["."], folder.path());
    assert_eq!(done.code, 1, "{}", done.stderr);
    done.says("./dotenv/docker-compose.yml", "");
    done.says("./envfile/docker-compose.yml", "");
    done.says("./latin/docker-compose.yml", "not UTF-8");
    done.says("./list/docker-compose.yml", "not a compose file");
    done.says(
        "secure.credentials at apiserver",
        "config/secure.conf is a named pipe",
    );
    done.says("./override/docker-compose.yml", "");
    done.says("./gone/docker-compose.yml", "no such file");
    done.says("./pipe/compose.yaml", "is a named pipe");
    done.says("./pipes/docker-compose.yml", ".env is a named pipe");
    let apart = done.unknown().into_iter();
    let apart = apart.filter(|one| !one.contains("config/secure.conf"));
    assert_eq!(apart.count(), 8, "{:#?}", done.unknown());
    let places: Vec<&Value> = done.json["unknown"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["place"]["file"])
        .collect();
    assert!(
        places.contains(&&Value::from("./dotenv/.env")),
        "{places:?}"
    );
    let readable = ["./conf/docker-compose.yml", "./open/docker-compose.yml"].map(Value::from);
    let is_of_open = |one: &Value| readable.contains(&one["place"]["file"]);
    assert!(
        done.json["findings"]
            .as_array()
            .unwrap()
            .iter()
            .all(is_of_open)
    );
}

#[test]
fn a_folder_that_cannot_be_read_is_said() {
    let folder = folder_with(&[
        ("open/docker-compose.yml", OPEN),
        ("closed/docker-compose.yml", OPEN),
    ]);
    let closed = folder.path().join("closed");
    fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&closed).is_ok() {
        oracles::note_skipped("a folder that may not be read: root may read everything");
        return;
    }
    let done = ask(&["."], folder.path());
    assert_eq!(done.code, 1);
    done.says("./closed", "cannot be read");
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn of_several_targets_one_that_cannot_be_read_hides_no_other() {
    let folder = folder_with(&[
        ("open.yml", OPEN),
        ("broken.yml", BROKEN),
        ("other.yml", OTHER),
        ("apps/docker-compose.yml", OTHER),
    ]);
    let done = ask(
        &[
            "broken.yml",
            "absent.yml",
            "open.yml",
            "other.yml",
            "apps",
            "x.conf",
        ],
        folder.path(),
    );
    assert_eq!(done.code, 1);
    assert!(done.rules().contains(&"missing-setting"));
    done.says("broken.yml", "already in the mapping");
    done.says("absent.yml", "no such file");
    done.says("other.yml", "no ClearML server in it");
    done.says("apps", "no ClearML server below it");
    done.says("x.conf", "--config-dir");
    assert_eq!(done.unknown().len(), 5);
    // By itself it is an error, as ever.
    for (name, reason) in [
        ("broken.yml", "broken.yml:5:5: "),
        ("absent.yml", "absent.yml: "),
        ("other.yml", "no ClearML server in it"),
        ("apps", "no ClearML server below it"),
    ] {
        let done = ask(&[name], folder.path());
        assert_eq!((done.code, &done.json), (2, &Value::Null), "{name}");
        assert!(done.stderr.contains(reason), "{}", done.stderr);
    }
    // One part of a chart's values does not tell that they are some, and is no file of other software either.
    fs::write(
        folder.path().join("values.yaml"),
        "apiserver:\n  additionalConfigs: {}\n",
    )
    .unwrap();
    let done = ask(&["values.yaml"], folder.path());
    assert_eq!((done.code, &done.json), (2, &Value::Null));
    let why = "values.yaml: this may be values of ClearML's Helm chart";
    assert!(done.stderr.contains(why), "{}", done.stderr);
    // What is given for all of them concerns them all.
    for option in ["--env-file", "--merge"] {
        let done = ask(
            &[option, "absent.env", "open.yml", "other.yml"],
            folder.path(),
        );
        assert_eq!((done.code, &done.json), (2, &Value::Null));
        assert!(done.stderr.contains("absent.env"), "{}", done.stderr);
    }
}

#[test]
fn a_folder_without_clearml_has_no_findings_whatever_else_is_in_it() {
    for (name, text, is_unknown) in [
        ("a database", OTHER, false),
        (
            "its env file is not here",
            "services:\n  api: {build: ., env_file: .env}\n  cache: {image: \"redis:7\"}\n",
            false,
        ),
        (
            "ports from nowhere",
            "services:\n  db: {image: \"mongo:4\", network_mode: \"${MODE}\"}\n",
            false,
        ),
        (
            "a service that may be one",
            "services:\n  a: {extends: {file: gone.yml, service: b}}\n  c: {image: \"redis:7\"}\n",
            true,
        ),
        (
            "more files",
            "include: [more.yml]\nservices:\n  c: {image: \"redis:7\"}\n",
            true,
        ),
    ] {
        let folder = folder_with(&[("app/docker-compose.yml", text)]);
        let done = ask(&["."], folder.path());
        assert_eq!((done.code, done.rules().len()), (2, 0), "{name}");
        if is_unknown {
            done.says(".", "no ClearML server below it");
            assert!(done.unknown().len() > 1, "{name}: {:?}", done.unknown());
        } else {
            assert_eq!(done.json, Value::Null, "{name}");
            assert!(
                done.stderr.contains(".: no ClearML server below it"),
                "{name}: {}",
                done.stderr
            );
        }
    }
}

#[test]
fn a_file_without_a_server_names_what_it_includes() {
    let folder = folder_with(&[(
        "docker-compose.yml",
        "include:\n  - clearml.yml\nservices:\n  app: {image: \"nginx:1\"}\n",
    )]);
    let done = ask(&["docker-compose.yml"], folder.path());
    assert_eq!(done.code, 2);
    done.says("included file clearml.yml", "clearml.yml");
    done.says("docker-compose.yml", "no ClearML server in it");
}

/// The only file of a folder may be the one that is not a compose file, or that nobody reads.
#[test]
fn what_is_no_compose_file_is_said() {
    let keyset = format!(
        "CLEARML__SECURE__AUTH__TOKEN_SECRET=T{}\n",
        "s3cR7".repeat(10)
    );
    let folder = folder_with(&[
        ("keys.env", &keyset),
        ("number.yml", "1\n"),
        ("api.container", "[Container]\nImage=clearml/server:2.3.0\n"),
        ("none.json", "[]\n"),
        (
            "swarm.json",
            "[{\"ID\": \"x\", \"Spec\": {\"Name\": \"apiserver\"}}]\n",
        ),
        (
            "ps.json",
            "{\"ID\":\"a\",\"Image\":\"clearml/server:2.0\",\"Status\":\"Up\"}\n{\"ID\":\"b\",\"Image\":\"redis\",\"Status\":\"Up\"}\n",
        ),
        (
            "ps.txt",
            "NAME  IMAGE               COMMAND      SERVICE\nx     clearml/server:2.0  \"apiserver\"  apiserver\n",
        ),
        ("below/bytes.yml", ""),
    ]);
    fs::write(folder.path().join("below/bytes.yml"), b"\xff\xfe\xfd").unwrap();
    for (target, said) in [
        ("keys.env", "keys.env: this is a keyset, not a compose file"),
        ("number.yml", "it has no keys, such as `services:`"),
        (
            "api.container",
            "api.container: it starts ClearML's servers, and files of its kind are not read",
        ),
        (
            "none.json",
            "none.json: a list, and not what `docker inspect`",
        ),
        (
            "swarm.json",
            "swarm.json: a list, and not what `docker inspect`",
        ),
        ("ps.json", "ps.json: a list, and not what `docker inspect`"),
        ("ps.txt", "ps.txt: a list, and not what `docker inspect`"),
        (
            "below",
            "passed over: YAML files that cannot be read: below/bytes.yml",
        ),
    ] {
        let done = ask(&[target], folder.path());
        assert_eq!(done.code, 2, "{target}");
        assert!(done.stderr.contains(said), "{target}: {}", done.stderr);
    }
}

#[test]
fn nothing_that_may_never_end_is_waited_for() {
    let mounted = OPEN.replace(
        "apiserver}",
        "apiserver, volumes: [\"./config/secure.conf:/opt/clearml/config/secure.conf\"], env_file: [vars.env]}",
    );
    let folder = folder_with(&[("docker-compose.yml", &mounted), ("good.yml", &good())]);
    let at = |path: &str| folder.path().join(path);
    fs::create_dir(at("config")).unwrap();
    fs::write(at("vars.env"), "A=1\n").unwrap();
    make_pipe(&at("pipe"));
    symlink("/dev/zero", at("zero")).unwrap();
    let _listener = UnixListener::bind(at("socket")).unwrap();
    for (kind, said) in [
        ("pipe", "named pipe"),
        ("zero", "device"),
        ("socket", "socket"),
        ("nowhere", "no such file"),
    ] {
        for name in ["config/secure.conf", ".env", "docker-compose.override.yml"] {
            if kind == "nowhere" {
                continue;
            }
            symlink(at(kind), at(name)).unwrap();
            let done = ask(&["docker-compose.yml"], folder.path());
            if name == "config/secure.conf" {
                // Everything else is known, and nothing is said of what the file may set.
                done.says("secure.credentials at apiserver", said);
                assert!(!done.rules().contains(&"missing-setting"), "{kind}");
            } else {
                assert_eq!((done.code, &done.json), (2, &Value::Null), "{kind} {name}");
                assert!(
                    done.stderr.contains(name) && done.stderr.contains(said),
                    "{kind}: {}",
                    done.stderr
                );
            }
            fs::remove_file(at(name)).unwrap();
        }
        if kind != "pipe" {
            for arguments in [&[kind][..], &["--env-file", kind, "good.yml"]] {
                let done = ask(arguments, folder.path());
                assert_eq!((done.code, &done.json), (2, &Value::Null), "{arguments:?}");
                assert!(done.stderr.contains(said), "{}", done.stderr);
            }
        }
    }
    // An env file that is none is not known, as one that is not here.
    fs::remove_file(at("vars.env")).unwrap();
    make_pipe(&at("vars.env"));
    let done = ask(&["docker-compose.yml"], folder.path());
    assert!(done.unknown().iter().any(|one| one.contains("vars.env")));
}

#[test]
fn a_folder_may_be_called_like_a_file_and_the_null_device_is_empty() {
    let text = OPEN.replace(
        "apiserver}",
        "apiserver, volumes: [\"./config:/opt/clearml/config\", \"/dev/null:/opt/clearml/config/apiserver.conf\"]}",
    );
    let folder = folder_with(&[("x.conf/docker-compose.yml", &text), ("a.yml", OPEN)]);
    fs::create_dir_all(folder.path().join("x.conf/config/secure.conf")).unwrap();
    let done = ask(&["x.conf"], folder.path());
    assert_eq!(done.code, 1, "{}", done.stderr);
    assert!(done.unknown().is_empty(), "{:?}", done.unknown());
    let done = ask(&["--env-file", "/dev/null", "a.yml"], folder.path());
    assert_eq!(done.code, 1, "{}", done.stderr);
}

#[test]
fn pipes_are_read_where_the_command_line_names_them() {
    let folder = folder_with(&[("two.yml", OPEN), ("one.yml", OPEN)]);
    let script = "exec \"$0\" -f json --env-file <(echo A=1) --merge <(echo 'services: {}') one.yml two.yml <(cat one.yml)";
    let output = assert_cmd::Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_clearml-verify")])
        .current_dir(folder.path())
        .timeout(Duration::from_secs(20))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let missing = document["findings"].as_array().unwrap().iter();
    let missing = missing.filter(|one| one["rule"] == "missing-setting");
    assert_eq!(missing.count(), 30);
}

#[test]
fn a_conf_file_that_cannot_be_opened_hides_nothing_else() {
    let folder = folder_with(&[
        (
            "docker-compose.yml",
            &good().replacen(
                "    command: fileserver\n",
                "    command: fileserver\n    volumes: [\"./config:/opt/clearml/config\"]\n",
                1,
            ),
        ),
        ("config/fileserver.conf", "auth.enabled = false\n"),
    ]);
    let config = folder.path().join("config");
    symlink("/nowhere/old.conf", config.join("link.conf")).unwrap();
    symlink("circle.conf", config.join("circle.conf")).unwrap();
    fs::write(config.join("latin.conf"), b"# caf\xe9\n").unwrap();
    make_pipe(&config.join("pipe.conf"));
    let done = ask(&["."], folder.path());
    assert_eq!((done.code, done.rules()), (1, vec!["open-fileserver"]));
    let unknown = done.unknown();
    for name in ["circle", "latin", "link", "pipe"] {
        let what = format!("/opt/clearml/config/{name}.conf of service fileserver: ");
        assert!(
            unknown.iter().any(|one| one.starts_with(&what)),
            "{name}: {unknown:?}"
        );
    }
    assert_eq!(unknown.len(), 4, "{unknown:?}");
}

#[test]
fn what_is_wrong_in_a_list_is_told_with_its_line() {
    let folder = folder_with(&[
        ("docker-compose.yml", OPEN),
        ("bad.txt", "\u{feff}# hosts\r\n\r\n  http://[::1\r\n"),
        (
            "secret.txt",
            "docker-compose.yml\nhttp://jane:plum-otter@h/\n",
        ),
        ("list.txt", "docker-compose.yml\n@bad.txt\n"),
    ]);
    for (list, place, what) in [
        (
            "@bad.txt",
            "bad.txt:3:3: ",
            "an IPv6 address needs brackets",
        ),
        ("@secret.txt", "secret.txt:2:1: ", "and no user name"),
        (
            "@list.txt",
            "list.txt:2:1: ",
            "a list cannot name another list",
        ),
    ] {
        let (code, stdout, stderr) = run(&[list], folder.path());
        assert_eq!((code, stdout.as_slice()), (2, &b""[..]), "{list}");
        assert!(
            stderr.starts_with(&format!("clearml-verify: {place}")),
            "{stderr}"
        );
        assert!(
            stderr.contains(what) && stderr.contains("\n  help: "),
            "{stderr}"
        );
        assert!(!stderr.contains("plum-otter"), "{stderr}");
    }
    // Of what is no list nothing is shown.
    for text in ["A=plum-otter\nB=plum-otter\n", "jane:plum-otter\n"] {
        fs::write(folder.path().join("keys.env"), text).unwrap();
        let (code, stdout, stderr) = run(&["@keys.env"], folder.path());
        assert_eq!((code, stdout.as_slice()), (2, &b""[..]));
        assert!(stderr.contains("keys.env: no target in it"), "{stderr}");
        assert!(!stderr.contains("plum-otter"), "{stderr}");
    }
    // A file of that name is one.
    fs::write(folder.path().join("@bad.txt"), OPEN).unwrap();
    assert_eq!(run(&["@list.txt"], folder.path()).0, 1);
}

#[test]
fn a_chart_that_nothing_is_made_by_is_said() {
    let folder = folder_with(&[("docker-compose.yml", OPEN)]);
    let args = ["--chart", "7.11", "docker-compose.yml"];
    let (code, stdout, stderr) = run(&args, folder.path());
    assert_eq!((code, stdout.is_empty()), (1, false));
    assert!(
        stderr.contains("--chart 7.11 changes nothing here"),
        "{stderr}"
    );
    assert_eq!(run(&[&["-q"], &args[..]].concat(), folder.path()).2, "");
    let values = "apiserver: {additionalConfigs: {}}\nclearml: {cookieDomain: \"\"}\n";
    fs::write(folder.path().join("values.yaml"), values).unwrap();
    let (_, _, stderr) = run(&["--chart", "7.11", "values.yaml"], folder.path());
    assert!(stderr.contains("read as chart 7.11"), "{stderr}");
    assert!(!stderr.contains("changes nothing"), "{stderr}");
}

#[test]
fn what_the_chart_sets_beside_the_same_entry_is_nothing_to_remove() {
    for (names, is_said) in [("[ clearml-token-k8s ]", false), ("[ other ]", true)] {
        let values = format!(
            "clearml: {{cookieDomain: x.org}}\napiserver: {{}}\nfileserver:\n  extraEnvs:\n    - {{name: CLEARML__fileserver__auth__cookie_names, value: \"{names}\"}}\n"
        );
        let folder = folder_with(&[("values.yaml", &values)]);
        let (code, stdout, stderr) = run(&["-f", "json", "values.yaml"], folder.path());
        let stdout = String::from_utf8(stdout).unwrap();
        assert_eq!(code, 1, "{stderr}");
        assert_eq!(stdout.contains("shadowed-variable"), is_said, "{names}");
    }
}

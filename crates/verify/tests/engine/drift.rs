//! Containers held against the files from which they were made.

use std::fs;

use serde_json::{Value, json};

use crate::common::{findings, fixtures, folder_with, run};
use crate::{look, text};

const FILES: &str = "\
services:
  fileserver:
    image: clearml/server:2.3.0
    command: fileserver
    ports: [\"127.0.0.1:8081:8081\"]
    environment:
      CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_KEY: KEY
";

fn drifted(compose: &str) -> Vec<String> {
    let inspected =
        fs::read_to_string(fixtures().join("rules/drifted-container/inspect.json")).unwrap();
    let files = [
        ("i.json", inspected.as_str()),
        ("docker-compose.yml", compose),
    ];
    let folder = folder_with(&files);
    // The files may come in any order.
    let of = |targets: [&str; 2]| -> Vec<String> {
        let (_, stdout, _) = run(&["-f", "json", targets[0], targets[1]], folder.path());
        let document: Value = serde_json::from_slice(&stdout).unwrap();
        let found = document["findings"].as_array().unwrap().iter();
        let found = found.filter(|finding| finding["rule"] == "drifted-container");
        found
            .map(|one| {
                format!(
                    "{}: {}",
                    one["severity"].as_str().unwrap(),
                    one["message"].as_str().unwrap()
                )
            })
            .collect()
    };
    let found = of(["i.json", "docker-compose.yml"]);
    assert_eq!(of(["docker-compose.yml", "i.json"]), found);
    found
}

#[test]
fn drift_is_named_by_what_differs() {
    let same = FILES.replace("KEY: KEY", "KEY: before-the-rotation");
    assert_eq!(drifted(&same), Vec::<String>::new());
    let key = drifted(FILES);
    assert_eq!(key.len(), 1, "{key:?}");
    assert!(
        key[0].starts_with(
            "error: fileserver runs with another secure.credentials.fileserver.user_key"
        ),
        "{key:?}"
    );
    for (from, to, part) in [
        ("2.3.0", "2.2.0", "its image"),
        ("127.0.0.1:8081", "8081", "its published ports"),
        (
            "environment:\n",
            "environment:\n      CLEARML__HOSTS__X: 1\n",
            "CLEARML__HOSTS__X",
        ),
    ] {
        let other = drifted(&same.replace(from, to));
        assert_eq!(other.len(), 1, "{other:?}");
        assert!(
            other[0].starts_with("warning: ") && other[0].contains(part),
            "{other:?}"
        );
    }
    // What only a shell has may be what runs.
    let of_shell = same.replace("KEY: before-the-rotation", "KEY:");
    assert_eq!(drifted(&of_shell), Vec::<String>::new());
    let gone =
        drifted(&(same + "  apiserver: {image: \"clearml/server:2.3.0\", command: apiserver}\n"));
    assert_eq!(
        gone,
        ["warning: no container runs apiserver, which is service apiserver of the files"]
    );
}

#[test]
fn files_of_other_containers_are_not_compared() {
    let inspected =
        fs::read_to_string(fixtures().join("rules/drifted-container/inspect.json")).unwrap();
    let other = FILES.replace("  fileserver:", "  files:");
    let (_, found, said) = look(
        &["i.json", "other.yml"],
        &[("i.json", &inspected), ("other.yml", &other)],
    );
    assert!(
        !found.iter().any(|(rule, _)| rule == "drifted-container"),
        "{said}"
    );
    assert!(said.contains("they are not compared"), "{said}");
}

type Change = fn(&mut Value);

/// The file server of the rule's own fixture, changed.
fn fileserver(change: impl Fn(&mut Value)) -> Value {
    let path = fixtures().join("rules/drifted-container/inspect.json");
    let mut all: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    change(&mut all[0]);
    all[0].take()
}

/// What is said of drift, and all that was printed besides.
fn held(containers: &[Value], files: &[(&str, &str)], more: &[&str]) -> (Vec<String>, String) {
    let inspected = text(containers);
    let files = [&[("i.json", inspected.as_str())], files].concat();
    let folder = folder_with(&files);
    let arguments = [&["-f", "json", "i.json", "docker-compose.yml"], more].concat();
    let (_, stdout, stderr) = run(&arguments, folder.path());
    let document: Value = serde_json::from_slice(&stdout).unwrap();
    let found = document["findings"].as_array().unwrap().iter();
    let found = found.filter(|finding| finding["rule"] == "drifted-container");
    let said = found.map(|one| one["message"].as_str().unwrap().to_owned());
    (said.collect(), stderr)
}

fn same_files() -> String {
    FILES.replace("KEY: KEY", "KEY: before-the-rotation")
}

fn drift_of(change: impl Fn(&mut Value)) -> Vec<String> {
    held(
        &[fileserver(change)],
        &[("docker-compose.yml", &same_files())],
        &[],
    )
    .0
}

#[test]
fn what_an_engine_writes_otherwise_is_no_drift() {
    let same: [(&str, Change); 7] = [
        ("the image's own variables", |one| {
            let env = one["Config"]["Env"].as_array_mut().unwrap();
            env.extend([
                json!("CLEARML_SERVER_VERSION=2.3.0"),
                json!("CLEARML_SERVER_BUILD=1"),
            ]);
        }),
        ("podman's whole name of an image", |one| {
            one["Config"]["Image"] = json!("docker.io/clearml/server:2.3.0");
        }),
        ("podman's own labels", |one| {
            one["Config"]["Labels"] = json!({
                "io.podman.compose.project": "clearml",
                "io.podman.compose.service": "fileserver",
            });
        }),
        ("podman's entrypoint", |one| {
            one["Config"]["Entrypoint"] = json!("/opt/clearml/wrapper.sh");
        }),
        ("an id instead of a name", |one| {
            one["Config"]["Image"] = json!("0a1b2c3d4e5f");
            one["Image"] = json!(format!("sha256:0a1b2c3d4e5f{}", "0".repeat(52)));
        }),
        ("a name that a person gave", |one| {
            one["Name"] = json!("/fileserver");
            one["Config"]["Labels"] = json!(null);
        }),
        ("about to start again", |one| {
            one["State"] = json!({"Running": false, "Restarting": true});
        }),
    ];
    for (name, change) in same {
        assert_eq!(drift_of(change), Vec::<String>::new(), "{name}");
    }
    let other: [(&str, Change); 5] = [
        ("its command is another", |one| {
            one["Config"]["Cmd"] = json!(["fileserver", "-v"])
        }),
        ("its command is another", |one| {
            one["Config"]["Cmd"] = json!(null)
        }),
        ("its image is another", |one| {
            one["Config"]["Image"] = json!("quay.io/clearml/server:2.3.0");
        }),
        ("its image is another", |one| {
            one["Config"]["Image"] = json!("clearml/server")
        }),
        ("its published ports are others", |one| {
            one["NetworkSettings"]["Ports"]["8081/tcp"][0]["HostIp"] = json!("10.0.0.1");
        }),
    ];
    for (part, change) in other {
        let said = drift_of(change);
        assert!(
            said.len() == 1 && said[0].contains(part),
            "{part}: {said:?}"
        );
    }
}

#[test]
fn a_port_that_docker_chooses_is_any() {
    for (written, published, is_same) in [
        ("8081", "49153", true),
        ("8081-8089:8081", "8084", true),
        ("8081-8089:8081", "8090", false),
        ("8081:8081", "49153", false),
    ] {
        let said = held(
            &[fileserver(|one| {
                one["NetworkSettings"]["Ports"]["8081/tcp"] =
                    json!([{"HostIp": "0.0.0.0", "HostPort": published}]);
            })],
            &[(
                "docker-compose.yml",
                &same_files().replace("127.0.0.1:8081:8081", written),
            )],
            &[],
        );
        assert_eq!(
            said.0.is_empty(),
            is_same,
            "{written} {published}: {said:?}"
        );
    }
}

#[test]
fn every_container_of_a_service_is_compared_and_no_other() {
    let (one, other) = (fileserver(|_| ()), |change: Change| {
        fileserver(|one| {
            one["Id"] = json!("1".repeat(64));
            one["Name"] = json!("/clearml-fileserver-2");
            change(one);
        })
    });
    let files = same_files();
    let files = [("docker-compose.yml", files.as_str())];
    let held = |all: &[Value]| held(all, &files, &[]);
    // Two containers of one service.
    let scaled = other(|_| ());
    assert_eq!(held(&[one.clone(), scaled]).0, Vec::<String>::new());
    let old = other(|one| one["Config"]["Env"] = json!([]));
    let said = held(&[one.clone(), old]).0;
    assert!(
        said.len() == 1 && said[0].contains("fileserver.user_key"),
        "{said:?}"
    );
    // One that `docker compose run` has made runs something else.
    let once = other(|one| {
        one["Config"]["Labels"]["com.docker.compose.oneoff"] = json!("True");
        one["Config"]["Env"] = json!([]);
    });
    assert_eq!(held(&[one.clone(), once]).0, Vec::<String>::new());
    // Another project with the same services: the files may be of the one or of the other.
    let twin = other(|one| {
        one["Config"]["Labels"]["com.docker.compose.project"] = json!("staging");
        one["Config"]["Env"] = json!([]);
        one["NetworkSettings"]["Networks"] = json!({"staging_default": {}});
    });
    let (said, stderr) = held(&[one, twin]);
    assert_eq!(said, Vec::<String>::new());
    assert_eq!(
        stderr.matches("they are not compared").count(),
        2,
        "{stderr}"
    );
}

#[test]
fn containers_are_compared_with_all_files_that_they_were_made_from() {
    let folder = folder_with(&[
        ("docker-compose.yml", same_files().as_str()),
        (
            "prod.yml",
            "services: {fileserver: {environment: {CLEARML__A: \"1\"}}}\n",
        ),
        ("prod.env", "A=1\n"),
    ]);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let look = |label: &str, value: String, more: &[&str]| {
        let inspected = text(&[fileserver(|one| {
            let labels = &mut one["Config"]["Labels"];
            labels["com.docker.compose.project.working_dir"] = json!(folder.path());
            labels["com.docker.compose.project.config_files"] = json!("docker-compose.yml");
            labels[label] = json!(value);
            let env = one["Config"]["Env"].as_array_mut().unwrap();
            env.push(json!("CLEARML__A=1"));
        })]);
        fs::write(folder.path().join("i.json"), inspected).unwrap();
        let arguments = [&["-f", "json", "i.json", "docker-compose.yml"], more].concat();
        let (_, stdout, stderr) = run(&arguments, folder.path());
        let has_drifted = findings(&stdout)
            .iter()
            .any(|(rule, ..)| rule == "drifted-container");
        (has_drifted, stderr)
    };
    const FILES: &str = "com.docker.compose.project.config_files";
    let both = format!("{},{}", path("docker-compose.yml"), path("prod.yml"));
    let (has_drifted, stderr) = look(FILES, both.clone(), &[]);
    assert!(
        !has_drifted && stderr.contains("not compared without --merge "),
        "{stderr}"
    );
    assert!(!look(FILES, both, &["--merge", "prod.yml"]).0);
    const ENV_FILE: &str = "com.docker.compose.project.environment_file";
    let (has_drifted, stderr) = look(ENV_FILE, path("prod.env"), &[]);
    assert!(
        !has_drifted && stderr.contains("not compared without --env-file "),
        "{stderr}"
    );
    assert!(look(ENV_FILE, path("prod.env"), &["--env-file", "prod.env"]).0);
    // The default one is read no more where another one is named.
    fs::write(folder.path().join(".env"), "B=1\n").unwrap();
    let both = format!("{},{}", path(".env"), path("prod.env"));
    let options = format!(
        "--env-file {} --env-file {}",
        path(".env"),
        path("prod.env")
    );
    for more in [&[][..], &["--env-file", "prod.env"]] {
        let (_, stderr) = look(ENV_FILE, both.clone(), more);
        assert!(stderr.contains(&options), "{stderr}");
    }
    // Older releases of compose write a path as it was named, from the folder of the project.
    assert!(look(FILES, "docker-compose.yml".to_owned(), &[]).0);
    assert!(look(FILES, path("docker-compose.yml"), &[]).0);
}

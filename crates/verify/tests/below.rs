//! What counts as a deployment below a folder, and what is said of everything that does not.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod common;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use common::{Done, OPEN, ask, folder_with, good, run};

/// It opens the file server of a deployment that it is merged over.
const DEV: &str = "\
services:
  fileserver:
    environment:
      CLEARML__FILESERVER__AUTH__ENABLED: \"false\"
";

const OTHER: &str = "services:\n  cache: {image: \"redis:7\"}\n";

fn below(files: &[(&str, &str)]) -> Done {
    ask(&["."], folder_with(files).path())
}

#[test]
fn an_overlay_is_checked_merged_over_its_base() {
    for (base, name) in [
        ("docker-compose.yml", "compose.dev.yaml"),
        ("docker-compose.yml", "docker-compose.prod.yml"),
        ("docker-compose.yml", "dev.yml"),
        ("stack.yml", "stack.dev.yml"),
        ("stack.yml", "stack.override.yml"),
    ] {
        let done = below(&[(base, &good()), (name, DEV)]);
        // What is wrong with the base alone is said once.
        assert_eq!(
            (done.code, done.rules()),
            (1, vec!["open-fileserver"]),
            "{name}: {}",
            done.stderr
        );
        let place = &done.json["findings"][0]["place"]["file"];
        assert_eq!(place, &format!("./{name}"));
        assert!(done.unknown().is_empty(), "{:?}", done.unknown());
        let command = format!("clearml-verify ./{base} --merge ./{name}");
        assert_eq!(done.stderr.matches(&command).count(), 1, "{}", done.stderr);
    }
}

#[test]
fn an_overlay_hides_nothing_of_its_base() {
    let fix =
        "services:\n  fileserver: {environment: {CLEARML__FILESERVER__AUTH__ENABLED: \"true\"}}\n";
    let text = good();
    let (before, fileserver) = text.split_once("  fileserver:\n").unwrap();
    let off = "    environment:\n      CLEARML__FILESERVER__AUTH__ENABLED: \"false\"\n";
    let fileserver = fileserver.replacen("    environment:\n", off, 1);
    let open = format!("{before}  fileserver:\n{fileserver}");
    let done = below(&[
        ("docker-compose.yml", &open),
        ("docker-compose.prod.yml", fix),
    ]);
    assert_eq!((done.code, done.rules()), (1, vec!["open-fileserver"]));
    // One that changes nothing adds nothing, and is named where the format has room.
    let done = below(&[
        ("docker-compose.yml", &good()),
        ("docker-compose.prod.yml", fix),
    ]);
    assert_eq!(
        (done.code, done.rules().len(), done.unknown().len()),
        (0, 0, 0),
        "{}",
        done.stderr
    );
}

#[test]
fn an_overlay_without_one_base_is_not_checked_and_says_how_to() {
    let done = below(&[
        ("a.yml", &good()),
        ("docker-compose.yml", &good()),
        ("dev.yml", DEV),
    ]);
    assert_eq!((done.code, done.rules().len()), (2, 0));
    done.says("./dev.yml", "clearml-verify ./a.yml --merge ./dev.yml");
    for name in ["docker-compose.override.yml", "compose.dev.yaml", "dev.yml"] {
        let done = below(&[("one/compose.yaml", &good()), (&format!("two/{name}"), DEV)]);
        assert_eq!((done.code, done.rules().len()), (2, 0), "{name}");
        done.says(
            &format!("./two/{name}"),
            &format!("clearml-verify BASE --merge ./two/{name}"),
        );
    }
    let foreign = "services:\n  cache: {ports: [\"6379:6379\"]}\n";
    let done = below(&[
        ("one/compose.yaml", &good()),
        ("two/compose.dev.yaml", foreign),
    ]);
    assert_eq!((done.code, done.unknown().len()), (0, 0), "{}", done.stderr);
    let done = below(&[
        ("compose.yaml", OTHER),
        ("compose.dev.yaml", foreign),
        ("x/compose.yaml", &good()),
    ]);
    assert_eq!((done.code, done.unknown().len()), (0, 0), "{}", done.stderr);
    assert_eq!(done.stderr, "");
}

#[test]
fn an_overlay_that_is_named_is_not_checked_alone() {
    let with_command =
        "services:\n  fileserver:\n    command: fileserver\n    ports: [\"8081:8081\"]\n";
    for text in [DEV, with_command] {
        let folder = folder_with(&[("docker-compose.yml", &good()), ("dev.yml", text)]);
        let done = ask(&["dev.yml"], folder.path());
        assert_eq!((done.code, done.json.is_null()), (2, true));
        let command = "clearml-verify docker-compose.yml --merge dev.yml";
        assert!(done.stderr.contains(command), "{}", done.stderr);
        // The command that is named works, and finds what it is for.
        let done = ask(&["docker-compose.yml", "--merge", "dev.yml"], folder.path());
        assert_eq!(done.code, 1, "{}", done.stderr);
    }
}

#[test]
fn a_compose_file_is_one_whatever_its_name() {
    for name in [
        "secured.yml",
        "stack.yml",
        "clearml.yaml",
        "prod.compose.yml",
        ".hidden/x.yml",
    ] {
        let done = below(&[(name, OPEN), ("docker-compose.yml", OTHER)]);
        assert_eq!(
            (done.code, done.rules().len() >= 10),
            (1, true),
            "{name}: {}",
            done.stderr
        );
        let broken = format!("{OPEN}  b: [\n");
        let done = below(&[(name, &broken), ("a/docker-compose.yml", &good())]);
        assert_eq!(done.code, 2, "{name}");
        done.says(&format!("./{name}"), "");
    }
}

#[test]
fn what_only_has_the_words_is_left_alone() {
    for (name, text) in [
        (
            ".gitlab-ci.yml",
            "services:\n  - docker:dind\ntrain:\n  script: python trains.py --clearml\n",
        ),
        (
            "ci.yml",
            "jobs:\n  a:\n    services:\n      db: {image: \"mongo:4\"}\n    run: clearml\n",
        ),
        (
            "services.yml",
            "services:\n  clearml: http://clearml\n  b: {url: x}\n",
        ),
        ("notes.yml", "services: clearml apiserver\n"),
        (
            "app.yml",
            "services:\n  web: {image: \"nginx:1\"}\n# apiserver\n",
        ),
        ("broken.yml", "clearml: [services\n"),
        (
            "chart/templates/a.yaml",
            "{{ if .Values.services }}\nclearml: {{ .x }}\n{{ end }}\n",
        ),
    ] {
        let done = below(&[(name, text), ("docker-compose.yml", &good())]);
        assert_eq!(
            (done.code, done.unknown()),
            (0, Vec::new()),
            "{name}: {}",
            done.stderr
        );
    }
}

#[test]
fn a_file_that_others_read_is_no_deployment_of_its_own() {
    let base = "services:\n  api: {image: \"clearml/server:2.3.0\", command: apiserver}\n";
    let uses = good().replacen(
        "    image: clearml/server:2.3.0\n    command: apiserver\n",
        "    extends: {file: ../common/base.yml, service: api}\n",
        1,
    );
    let done = below(&[("common/base.yml", base), ("one/docker-compose.yml", &uses)]);
    assert_eq!((done.code, done.rules().len()), (0, 0), "{}", done.stderr);
    // Where nobody reads it, it is.
    let done = below(&[
        ("common/base.yml", base),
        ("one/docker-compose.yml", &good()),
    ]);
    assert_eq!(done.code, 1);
    // Compose would take this one by itself.
    let uses = uses.replace("base.yml", "docker-compose.yml");
    let done = below(&[
        ("common/docker-compose.yml", base),
        ("one/docker-compose.yml", &uses),
    ]);
    assert_eq!(done.code, 1);
}

#[test]
fn manifests_are_one_deployment_and_values_another() {
    let ours = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: clearml-apiserver}\nspec: {template: {spec: {containers: [{name: c, image: \"clearml/server:2.3.0\", args: [apiserver]}]}}}\n";
    let others = "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: apiserver, image: \"kube-apiserver:1\"}]}\n";
    let done = below(&[
        ("docker-compose.yml", &good()),
        ("k8s/a.yaml", ours),
        ("k8s/b.yml", &ours.replace("apiserver", "fileserver")),
        ("k8s/other.yaml", others),
        ("k8s/broken.yaml", "apiVersion: v1\nkind: Service\n\tx\n"),
        (
            "values.yaml",
            "clearml: {}\napiserver:\n  replicaCount: 1\nfileserver:\n  storage: {}\nwebserver: {}\n",
        ),
    ]);
    assert_eq!(done.code, 1);
    let missing = done
        .rules()
        .iter()
        .filter(|one| **one == "missing-setting")
        .count();
    assert_eq!(missing, 15, "{:?}", done.rules());
    assert_eq!(done.unknown().len(), 0, "{:?}", done.unknown());
    let done = below(&[("docker-compose.yml", &good()), ("other.yaml", others)]);
    assert_eq!(done.code, 0);
    let done = below(&[("a.yaml", ours)]);
    assert_eq!(done.code, 1);
}

#[test]
fn what_is_passed_over_is_said_once() {
    let folder = folder_with(&[
        ("t/docker-compose.yml", &good()),
        ("t/cache/CACHEDIR.TAG", ""),
        ("t/cache/docker-compose.yml", OPEN),
        ("t/node_modules/docker-compose.yml", OPEN),
        ("t/.git/docker-compose.yml", OPEN),
        ("t/sub/a.txt", ""),
        ("elsewhere/docker-compose.yml", OPEN),
        ("data/a.txt", ""),
    ]);
    let at = |path: &str| folder.path().join(path);
    symlink(at("t/sub"), at("t/inner")).unwrap();
    symlink(at("t"), at("t/sub/circle")).unwrap();
    symlink(at("data"), at("t/data")).unwrap();
    let done = ask(&["t"], folder.path());
    assert_eq!(
        (done.code, done.rules().len(), done.unknown().len()),
        (0, 0, 0),
        "{}",
        done.stderr
    );
    let lines: Vec<&str> = done.stderr.lines().collect();
    let said = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    assert_eq!(said("linked folders: t/data; name one"), 1, "{lines:?}");
    assert_eq!(said("t/cache, t/node_modules; name one"), 1, "{lines:?}");
    assert_eq!(lines.len(), 2, "{lines:?}");
    // A link that hides a compose file may hide a server.
    symlink(at("elsewhere"), at("t/link")).unwrap();
    let done = ask(&["t"], folder.path());
    assert_eq!((done.code, done.rules().len()), (2, 0));
    done.says("t/link", "name it as a target");
    assert_eq!(ask(&["t/link"], folder.path()).code, 1);
}

#[test]
fn names_that_are_no_text_are_looked_at_and_what_is_too_deep_is_unknown() {
    let folder = folder_with(&[("docker-compose.yml", &good())]);
    let odd = folder.path().join(OsStr::from_bytes(b"odd\xff"));
    fs::create_dir(&odd).unwrap();
    fs::write(odd.join(OsStr::from_bytes(b"\xfe.yml")), OPEN).unwrap();
    let done = ask(&["."], folder.path());
    assert_eq!(
        (done.code, done.rules().len() >= 10),
        (1, true),
        "{}",
        done.stderr
    );
    let deep = format!("{}docker-compose.yml", "d/".repeat(40));
    let done = below(&[("docker-compose.yml", &good()), (&deep, OPEN)]);
    assert_eq!((done.code, done.rules().len()), (2, 0));
    done.says(&format!("./{}", ["d"; 33].join("/")), "too deep");
}

/// One broken file is one thing that was not checked.
#[test]
fn a_broken_file_counts_once() {
    let folder = folder_with(&[("host/docker-compose.yml", "services:\n  apiserver: {\n")]);
    let (code, stdout, _) = run(&["-f", "json", "host"], folder.path());
    let document: serde_json::Value = serde_json::from_slice(&stdout).unwrap();
    let unknown = document["unknown"].as_array().unwrap();
    assert_eq!((code, unknown.len()), (2, 1), "{document:#}");
    assert_eq!(unknown[0]["place"]["line"], 2);
}

#[test]
fn what_starts_servers_and_is_not_read_is_said() {
    const IMAGE: &str = "services:\n  a:\n    image: clearml/server:{{ version }}\n";
    for (files, said) in [
        (
            vec![("roles/x/templates/docker-compose.yml.j2", IMAGE)],
            Some("templates are not read"),
        ),
        (
            vec![
                ("docker-compose.yml.j2", IMAGE),
                ("docker-compose.yml", OTHER),
            ],
            None,
        ),
        (
            vec![("Makefile", "up:\n\tdocker run clearml/server apiserver\n")],
            Some("files of its kind are not read"),
        ),
        (
            vec![(
                "task.json",
                "{\"containerDefinitions\": [{\"image\": \"clearml/server:2.3.0\"}]}",
            )],
            Some("files of its kind are not read"),
        ),
        (
            vec![(
                "main.tf",
                "resource \"kubernetes_deployment\" \"a\" { image = \"clearml/server\" }",
            )],
            Some("kubectl get deploy"),
        ),
        (vec![("data.json", "{\"image\": \"x.png\"}")], None),
    ] {
        let done = below(&files);
        assert_eq!(done.code, 2, "{files:?}");
        match said {
            Some(said) => done.says(&format!("./{}", files[0].0), said),
            None => assert_eq!(done.unknown(), Vec::<String>::new(), "{files:?}"),
        }
    }
}

/// A page for databases on a network that the files of another project make, or that both take from elsewhere.
#[test]
fn what_is_on_a_network_of_another_project_is_said() {
    let tool = |network: &str| {
        format!(
            "services:\n  page:\n    image: mongo-express:1\n    networks: [db]\n    ports: [\"8081:8081\"]\nnetworks:\n  db: {network}\n"
        )
    };
    let base = |network: &str| format!("name: ml\n{}\nnetworks: {{default: {network}}}\n", good());
    for (network, own, is_said) in [
        ("{external: true, name: ml_default}", "{}", true),
        (
            "{external: true, name: shared}",
            "{external: true, name: shared}",
            true,
        ),
        ("{name: shared}", "{external: true, name: shared}", true),
        ("{external: true, name: other}", "{}", false),
        ("{}", "{}", false),
    ] {
        let done = below(&[
            ("a/docker-compose.yml", &base(own)),
            ("tools/compose.yaml", &tool(network)),
        ]);
        let what = "./tools/compose.yaml";
        match is_said {
            true => done.says(what, "in another project"),
            false => assert!(
                !done.unknown().iter().any(|one| one.starts_with(what)),
                "{network}"
            ),
        }
    }
}

#[test]
fn what_may_belong_to_several_is_not_checked() {
    let page = "services:\n  page: {image: \"mongo-express:1\", networks: [nowhere]}\n";
    let files = [
        ("docker-compose.yml", &*good()),
        ("other.yml", &*good().replace("apiserver:", "api:")),
        ("docker-compose.tools.yml", page),
    ];
    let done = below(&files);
    done.says(
        "./docker-compose.tools.yml",
        "several beside it may be meant",
    );
}

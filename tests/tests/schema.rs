//! Values of every form for the keys of a service and of a file that verify reads, held against the schema of Docker Compose: what
//! it refuses for its form is not checked, and what it takes is not called refused.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::path::Path;

use e2e::compose::{Compose, Question};
use e2e::program::clearml;
use serde_json::Value;

const FILE: &str = "docker-compose.yml";

/// The keys of a service.
const SERVICE: [&str; 37] = [
    "build",
    "cap_add",
    "command",
    "configs",
    "container_name",
    "depends_on",
    "deploy",
    "develop",
    "entrypoint",
    "env_file",
    "environment",
    "expose",
    "external_links",
    "extra_hosts",
    "healthcheck",
    "hostname",
    "image",
    "ipc",
    "label_file",
    "labels",
    "links",
    "network_mode",
    "networks",
    "pid",
    "ports",
    "post_start",
    "pre_stop",
    "privileged",
    "profiles",
    "provider",
    "restart",
    "scale",
    "secrets",
    "tmpfs",
    "user",
    "volumes",
    "working_dir",
];
const SECTIONS: [&str; 6] = [
    "configs", "name", "networks", "secrets", "version", "volumes",
];
const VALUES: [&str; 16] = [
    "",
    "'80'",
    "5",
    "1.5",
    "true",
    "2024-01-02",
    "[]",
    "[a]",
    "[5]",
    "[null]",
    "[{}]",
    "{}",
    "{a: b}",
    "{a: }",
    "{a: [b]}",
    "{a: {}}",
];

/// What compose says of a value for its form. Of what a form is for, e.g. that a port is no number, something else may be said.
fn is_of_the_form(why: &str) -> bool {
    let of_form = [
        "must be a",
        "missing property",
        "unexpected type",
        "invalid jsonType",
        "unsupported expose value",
        "is missing a",
        "environment path attribute",
        "must be an",
    ];
    let is_of_a_key = why.contains("additional properties");
    !is_of_a_key && of_form.iter().any(|part| why.contains(part))
}

/// A service that has nothing else wrong with it, and one that makes it a deployment.
fn text_of(key: &str, value: &str, is_service: bool) -> String {
    let server = "  fileserver: {image: clearml/server:2.3.0, command: fileserver}\n";
    match is_service {
        true => {
            let image = if key == "image" {
                ""
            } else {
                "    image: nginx\n"
            };
            format!("services:\n{server}  web:\n{image}    {key}: {value}\n  a: {{image: nginx}}\n")
        }
        false => format!("services:\n{server}{key}: {value}\n"),
    }
}

/// Whether verify says that compose refuses the file.
fn is_said(folder: &Path) -> bool {
    let done = clearml("verify")
        .args(["-f", "json", FILE])
        .within(folder)
        .done();
    let document: Value = serde_json::from_str(&done.stdout).unwrap_or_default();
    let mut unknown = document["unknown"].as_array().into_iter().flatten();
    let is_refusal = |one: &Value| {
        one["reason"]
            .as_str()
            .unwrap()
            .contains("docker compose 2.40 refuses it")
    };
    // What is an error is said without a document.
    done.stdout.is_empty() || unknown.any(is_refusal)
}

#[test]
fn what_compose_refuses_for_its_form_is_not_checked() {
    let Some(compose) = Compose::find() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let of_services = SERVICE.iter().map(|key| (*key, true));
    let of_files = SECTIONS.iter().map(|key| (*key, false));
    let (mut wrong, mut refused) = (Vec::new(), 0);
    for (key, is_service) in of_services.chain(of_files) {
        for value in VALUES {
            let text = text_of(key, value, is_service);
            fs::write(folder.path().join(FILE), &text).unwrap();
            let question = Question {
                folder: folder.path(),
                files: &[],
                env_files: &[],
            };
            let view = compose.view(question);
            let is_said = is_said(folder.path());
            match view {
                Ok(_) if is_said => wrong.push(format!("{key}: {value}: compose takes it")),
                Err(why) if is_of_the_form(&why) && !is_said => {
                    wrong.push(format!("{key}: {value}: {why}"));
                }
                Err(why) => refused += usize::from(is_of_the_form(&why)),
                Ok(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refused > 300, "compose refuses too little: {refused}");
}

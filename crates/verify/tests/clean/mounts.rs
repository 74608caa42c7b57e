//! What is mounted over the image, or may be there and cannot be seen.

use std::fmt::Write;

use super::*;

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
        let compose = without_token(volumes) + "volumes: {data: {}}\n";
        let compose = ("docker-compose.yml", compose.as_str());
        let files = [compose, SECURE, other, ROLES, COOKIES];
        expect(name, &files, code, expected);
    }
}

/// What is not known revokes nothing, and a folder that is not known is not the usual one.
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
        let text = good()
            + "  webserver:\n    image: clearml/server:2.3.0\n    command: webserver\n\
               volumes: {configuration: {}}\n";
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

/// A server that starts again reads what a hook of its container has written.
#[test]
fn a_hook_that_writes_configuration_may_undo_what_variables_set() {
    let command = "    command: apiserver\n";
    let write = "['sh', '-c', 'cp /tmp/own.conf /opt/clearml/config/apiserver.conf']";
    for (hook, code, expected) in [
        (
            format!("post_start: [{{command: {write}}}]"),
            2,
            &["unknown"][..],
        ),
        (
            format!("pre_stop: [{{command: {write}, user: root}}]"),
            2,
            &["unknown"],
        ),
        (
            "post_start: [{command: tee /opt/clearml/config/secure.conf}]".to_owned(),
            2,
            &["unknown"],
        ),
        ("post_start: [{command: '${NOWHERE:-}'}]".to_owned(), 0, &[]),
        (
            "post_start: [{command: 'sh ${NOWHERE}'}]".to_owned(),
            2,
            &["unknown"],
        ),
        (
            "post_start: [{command: echo /opt/clearml/config/secure.conf}]".to_owned(),
            0,
            &[],
        ),
        (
            "post_start: [{command: ls /opt/clearml/config}]".to_owned(),
            0,
            &[],
        ),
    ] {
        let with = format!("{command}    {hook}\n");
        change(&hook, command, &with, code, expected);
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

/// Forty times two services that take over what both of the next two have: more ways than anybody can walk.
#[test]
fn what_a_service_takes_over_is_read_once() {
    let mut services = String::new();
    for layer in 0..40 {
        for one in ["a", "b"] {
            let next = layer + 1;
            let from = format!("volumes_from: [s{next}a, s{next}b]");
            writeln!(services, "  s{layer}{one}: {{image: busybox, {from}}}").unwrap();
        }
    }
    let last = "{image: busybox, volumes: [./absent:/opt/clearml/config]}";
    let compose = without_token("    volumes_from: [s0a]\n");
    let compose = format!("{compose}{services}  s40a: {last}\n  s40b: {last}\n");
    let files = [("docker-compose.yml", compose.as_str())];
    let expected = ["missing-setting error", "unknown"];
    expect("all of them lead there", &files, 1, &expected);
}

/// A hundred thousand mounts are followed: 400 services have one each, another one all of theirs, and 300 what that one has.
#[test]
fn nothing_counts_as_seen_that_is_not_followed() {
    let mut services = String::new();
    let names: Vec<String> = (0..400).map(|number| format!("c{number}")).collect();
    for name in &names {
        writeln!(
            services,
            "  {name}: {{image: busybox, volumes: [./x:/{name}]}}"
        )
        .unwrap();
    }
    let from = names.join(", ");
    writeln!(
        services,
        "  all: {{image: busybox, volumes_from: [{from}]}}"
    )
    .unwrap();
    let before: String = (0..300)
        .map(|number| format!("  a{number}: {{image: busybox, volumes_from: [all]}}\n"))
        .collect();
    let compose = without_token("    volumes_from: [all]\n");
    let (start, own) = compose.split_once("services:\n").unwrap();
    let compose = format!("{start}services:\n{services}{before}{own}");
    let files = [("docker-compose.yml", compose.as_str())];
    let expected = ["missing-setting error", "unknown"];
    expect("the last of many", &files, 1, &expected);
}

//! Containers of an engine, as `docker inspect` prints them.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod beside;
#[path = "../common/mod.rs"]
mod common;
mod drift;
mod shown;
mod swarm;

use std::path::Path;

use common::{findings, folder_with, run};
use serde_json::{Value, json};

/// A container of the project `p`, as the engine describes it.
fn container(service: &str, image: &str, command: &[&str]) -> Value {
    json!({
        "Id": format!("{service}-0123456789abcdef"),
        "Name": format!("/p-{service}-1"),
        "State": {"Running": true},
        "HostConfig": {"NetworkMode": "p_default", "PortBindings": {}, "Privileged": false},
        "Mounts": [],
        "Config": {
            "User": "",
            "WorkingDir": "",
            "Env": ["PATH=/bin"],
            "Entrypoint": ["/opt/clearml/wrapper.sh"],
            "Cmd": command,
            "Image": image,
            "Labels": {"com.docker.compose.project": "p", "com.docker.compose.service": service},
        },
        "NetworkSettings": {"Ports": {}, "Networks": {"p_default": {"Aliases": [service]}}},
    })
}

fn server(name: &str) -> Value {
    container(name, "clearml/server:2.3.0", &[name])
}

/// A bridge network, as `docker network inspect` describes it.
fn network(name: &str, driver: &str) -> Value {
    json!({"Name": name, "Driver": driver, "IPAM": {}, "Options": {}})
}

fn publish(container: &mut Value, port: &str, address: &str, host: &str) {
    container["NetworkSettings"]["Ports"][port] = json!([{"HostIp": address, "HostPort": host}]);
}

fn text(containers: &[Value]) -> String {
    serde_json::to_string_pretty(&json!(containers)).unwrap()
}

/// Exit code, rules with severities, and all that was printed.
fn look(arguments: &[&str], files: &[(&str, &str)]) -> (i32, Vec<(String, String)>, String) {
    let folder = folder_with(files);
    let arguments: Vec<&str> = [&["-f", "json"], arguments].concat();
    let (code, stdout, stderr) = run(&arguments, folder.path());
    let found = match stdout.is_empty() {
        true => Vec::new(),
        false => findings(&stdout)
            .into_iter()
            .map(|(rule, severity, _)| (rule, severity))
            .collect(),
    };
    let said = String::from_utf8(stdout).unwrap() + &stderr;
    (code, found, said)
}

fn has(found: &[(String, String)], rule: &str, severity: &str) -> bool {
    found.contains(&(rule.to_owned(), severity.to_owned()))
}

#[test]
fn what_runs_is_read_like_a_compose_file() {
    let mut apiserver = server("apiserver");
    publish(&mut apiserver, "8008/tcp", "0.0.0.0", "8008");
    apiserver["Config"]["Env"] = json!(["CLEARML__SECURE__AUTH__TOKEN_SECRET=short", "TOKEN=a=b"]);
    let mut mongo = container("mongo", "mongo:7.0.22", &["mongod"]);
    publish(&mut mongo, "27017/tcp", "", "27017");
    let inspected = text(&[apiserver, mongo, network("p_default", "bridge")]);
    let (code, found, said) = look(&["i.json"], &[("i.json", &inspected)]);
    assert_eq!(code, 1, "{said}");
    assert!(has(&found, "missing-setting", "error"), "{said}");
    assert!(has(&found, "weak-secret", "error"), "{said}");
    assert!(has(&found, "public-port", "warning"), "{said}");
    assert!(has(&found, "exposed-database", "error"), "{said}");
    assert!(said.contains("\"unknown\": []"), "{said}");
}

#[test]
fn the_networks_driver_is_told_or_not_known() {
    let redis = container("redis", "redis:7", &["redis-server"]);
    for (networks, is_known, is_open) in [
        (vec![network("p_default", "bridge")], true, false),
        (vec![network("p_default", "macvlan")], true, true),
        (vec![], false, false),
    ] {
        let all = [vec![server("apiserver"), redis.clone()], networks].concat();
        let (_, found, said) = look(&["i.json"], &[("i.json", &text(&all))]);
        assert_eq!(said.contains("\"unknown\": []"), is_known, "{said}");
        assert_eq!(has(&found, "exposed-database", "error"), is_open, "{said}");
    }
    // What is really forwarded is forwarded from a bridge.
    let mut web = container("webserver", "clearml/server:2.3.0", &["webserver"]);
    publish(&mut web, "80/tcp", "127.0.0.1", "8080");
    let all = [server("apiserver"), redis, web];
    let (_, _, said) = look(&["i.json"], &[("i.json", &text(&all))]);
    assert!(said.contains("\"unknown\": []"), "{said}");
}

#[test]
fn configuration_is_read_where_the_container_is_on_this_machine() {
    let folder = folder_with(&[("c/secure.conf", "auth { token_secret: notsecret }\n")]);
    let config = folder.path().join("c");
    let mount = json!([{"Type": "bind", "Source": config, "Destination": "/opt/clearml/config"}]);
    for (hosts, is_here) in [
        (None, true),
        (Some(config.join("secure.conf")), true),
        (Some(folder.path().join("no/such/engine/hosts")), false),
    ] {
        let mut apiserver = server("apiserver");
        apiserver["Mounts"] = mount.clone();
        if let Some(hosts) = hosts {
            apiserver["HostsPath"] = json!(hosts);
        }
        let all = [apiserver, network("p_default", "bridge")];
        let (code, found, said) = look(&["i.json"], &[("i.json", &text(&all))]);
        assert_eq!(has(&found, "weak-secret", "error"), is_here, "{said}");
        assert_eq!(said.contains("\"unknown\": []"), is_here, "{said}");
        assert_ne!(code, 0);
    }
}

#[test]
fn deployments_of_one_host_are_not_mixed() {
    let mut others = Vec::new();
    for project in ["a", "b"] {
        for name in ["apiserver", "fileserver"] {
            let mut one = server(name);
            one["Config"]["Labels"]["com.docker.compose.project"] = json!(project);
            one["Name"] = json!(format!("/{project}-{name}-1"));
            one["NetworkSettings"]["Networks"] =
                json!({format!("{project}_default"): {"Aliases": [name]}});
            one["Config"]["Env"] = json!([
                format!(
                    "CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_KEY=K{project}VNZ6X0TPSQ1W8UEJ4RBYL7"
                ),
                format!(
                    "CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_SECRET=s{project}Vq8TnL2xWc6PzR4kYbJ0mHsE9uDfGaX1vQo5"
                ),
            ]);
            others.push(one);
        }
    }
    let mut stopped = server("apiserver");
    stopped["State"]["Running"] = json!(false);
    others.push(stopped);
    let (code, found, said) = look(&["i.json"], &[("i.json", &text(&others))]);
    assert_eq!(code, 1, "{said}");
    assert!(
        !found.iter().any(|(rule, _)| rule == "split-credential"),
        "{said}"
    );
    assert!(
        said.contains("containers that do not run are passed over: 1"),
        "{said}"
    );
    let count = found
        .iter()
        .filter(|(rule, _)| rule == "missing-setting")
        .count();
    assert_eq!(count % 2, 0, "{said}");
}

#[test]
fn a_proxy_of_another_project_is_told_with_the_servers_that_it_leads_to() {
    let mut api = server("apiserver");
    api["NetworkSettings"]["Networks"] = json!({"a_default": {"Aliases": ["apiserver"]}});
    let mut proxy = container("clearml-proxy", "nginx:1.27", &["nginx"]);
    proxy["Config"]["Labels"]["com.docker.compose.project"] = json!("proxies");
    proxy["NetworkSettings"]["Networks"] = json!({"a_default": {"Aliases": ["proxy"]}});
    publish(&mut proxy, "80/tcp", "0.0.0.0", "80");
    for all in [[api.clone(), proxy.clone()], [proxy, api]] {
        let (_, found, said) = look(&["i.json"], &[("i.json", &text(&all))]);
        let told = found.iter().filter(|(rule, _)| rule == "public-port");
        assert_eq!(told.count(), 1, "{found:?}\n{said}");
        let told = found.iter().filter(|(rule, _)| rule == "open-login");
        assert_eq!(told.count(), 1, "{found:?}\n{said}");
    }
}

#[test]
fn several_outputs_and_lines_of_objects_are_read_as_one() {
    let all = [
        server("apiserver"),
        container("redis", "redis:7", &["redis-server"]),
        network("p_default", "macvlan"),
    ];
    let expected = look(&["i.json"], &[("i.json", &text(&all))]).1;
    assert!(has(&expected, "exposed-database", "error"), "{expected:?}");
    let one_by_one = all.iter().map(|one| text(std::slice::from_ref(one)));
    let lines = all.iter().map(Value::to_string);
    for (kind, again) in [
        ("arrays", one_by_one.collect::<Vec<_>>().join("\n")),
        ("lines", lines.collect::<Vec<_>>().join("\n")),
    ] {
        let (_, found, said) = look(&["i.json"], &[("i.json", &again)]);
        assert_eq!(found, expected, "{kind}: {said}");
    }
    // A place is that of the whole text.
    let lines = all
        .iter()
        .map(Value::to_string)
        .collect::<Vec<_>>()
        .join("\n");
    let folder = folder_with(&[("i.json", &format!("\n\n{lines}"))]);
    let (_, stdout, _) = run(&["-f", "json", "i.json"], folder.path());
    let places: Vec<u64> = findings(&stdout)
        .into_iter()
        .map(|(_, _, line)| line)
        .collect();
    assert!(places.contains(&3) && places.contains(&4), "{places:?}");
}

#[test]
fn podman_says_an_entrypoint_in_one_text() {
    let mut apiserver = server("apiserver");
    apiserver["Name"] = json!("p_apiserver_1");
    apiserver["Config"]["Entrypoint"] = json!("/opt/clearml/wrapper.sh apiserver");
    apiserver["Config"]["Cmd"] = json!(null);
    let (_, found, said) = look(&["i.json"], &[("i.json", &text(&[apiserver]))]);
    assert!(has(&found, "missing-setting", "error"), "{said}");
}

#[test]
fn what_is_not_the_output_of_docker_inspect_is_refused() {
    let one = text(&[server("apiserver")]);
    for (wrong, part) in [
        (
            one.replace("\"Env\"", "\"Env"),
            "print it again: docker inspect",
        ),
        (one.clone() + "nonsense", "the JSON ends or breaks here"),
        (String::new(), "empty, so nothing was verified"),
        (
            text(&[container("x", "redis:7", &["redis-server"])]),
            "no ClearML server",
        ),
        (
            one.replace("\"Running\": true", "\"Running\": false"),
            "none of these containers runs a ClearML server",
        ),
    ] {
        let (code, _, said) = look(&["i.json"], &[("i.json", &wrong)]);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(part), "{part}: {said}");
    }
    let deep = "[".repeat(100_000) + &one;
    let (code, _, said) = look(&["i.json"], &[("i.json", &deep)]);
    assert_eq!(code, 2, "{said}");
}

#[test]
fn no_value_of_a_container_is_printed() {
    const SECRET: &str = "Zq7MARKEDsecretVq8TnL2xWc6PzR4kYbJ0mHsE9uDfGaX1";
    let mut apiserver = server("apiserver");
    publish(&mut apiserver, "8008/tcp", "0.0.0.0", "8008");
    apiserver["Config"]["Env"] = json!([
        format!("CLEARML__SECURE__AUTH__TOKEN_SECRET={SECRET}"),
        format!("CLEARML__SECURE__CREDENTIALS__TESTS__USER_SECRET={SECRET}"),
        format!("CLEARML__APISERVER__AUTH__FIXED_USERS__ENABLED={SECRET}"),
    ]);
    apiserver["Config"]["Labels"]["name"] = json!(SECRET);
    apiserver["Config"]["Cmd"] = json!(["apiserver", SECRET]);
    let inspected = text(&[apiserver]);
    let folder = folder_with(&[("i.json", &inspected)]);
    for format in ["text", "json", "sarif", "github", "html"] {
        for more in [&["--effective"][..], &[]] {
            let arguments = [&["-f", format, "i.json"], more].concat();
            let (_, stdout, stderr) = run(&arguments, Path::new(folder.path()));
            let said = String::from_utf8(stdout).unwrap() + &stderr;
            assert!(!said.contains(SECRET), "{format}: {said}");
        }
    }
}

#[test]
fn an_image_says_its_version_in_the_environment() {
    for (image, version, is_old) in [
        ("clearml/server:latest", Some("1.14.0"), true),
        ("clearml/server", Some("1.14.0-484"), true),
        ("0a1b2c3d4e5f", Some("1.14.0"), true),
        ("registry.lan/mlops/clearml:prod", Some("1.14.0"), true),
        ("clearml/server:latest", Some("2.3.0"), false),
        ("clearml/server:2.3.0", Some("1.14.0"), false),
    ] {
        let mut one = server("fileserver");
        one["Config"]["Image"] = json!(image);
        one["Image"] = json!(format!("sha256:0a1b2c3d4e5f{}", "0".repeat(52)));
        let env = one["Config"]["Env"].as_array_mut().unwrap();
        env.extend(version.map(|version| json!(format!("CLEARML_SERVER_VERSION={version}"))));
        let all = [one, network("p_default", "bridge")];
        let (_, found, said) = look(&["i.json"], &[("i.json", &text(&all))]);
        assert_eq!(
            has(&found, "old-fileserver", "error"),
            is_old,
            "{image}: {said}"
        );
        assert!(!said.contains("the version of"), "{image}: {said}");
    }
    // What the newest was when it was pulled, nothing tells.
    for env in [json!([]), json!(["CLEARML_SERVER_VERSION="])] {
        let mut one = server("fileserver");
        one["Config"]["Image"] = json!("clearml/server:latest");
        let own = one["Config"]["Env"].as_array_mut().unwrap();
        own.extend(env.as_array().unwrap().iter().cloned());
        let all = [one, network("p_default", "bridge")];
        let (code, _, said) = look(&["i.json"], &[("i.json", &text(&all))]);
        assert!(code != 0 && said.contains("the version of"), "{said}");
        assert!(said.contains("what `latest` was at that time"), "{said}");
    }
}

#[test]
fn ports_of_a_pod_are_those_of_its_own_container() {
    let mut infra = container("infra", "localhost/podman-pause:4.9.3", &[]);
    infra["Config"]["Labels"] = json!({});
    publish(&mut infra, "8008/tcp", "0.0.0.0", "8008");
    publish(&mut infra, "6379/tcp", "127.0.0.1", "6379");
    let member = |mut one: Value| {
        one["Config"]["Labels"] = json!({});
        one["HostConfig"]["NetworkMode"] =
            json!(format!("container:{}", infra["Id"].as_str().unwrap()));
        one["NetworkSettings"] = infra["NetworkSettings"].clone();
        one
    };
    let all = [
        member(server("apiserver")),
        member(server("fileserver")),
        member(container("redis", "redis:7", &["redis-server"])),
        infra.clone(),
    ];
    let (_, found, said) = look(&["i.json"], &[("i.json", &text(&all))]);
    let count = |rule: &str| found.iter().filter(|(known, _)| known == rule).count();
    assert_eq!(count("unexpected-port"), 0, "{said}");
    assert_eq!(count("public-port"), 1, "{said}");
    assert_eq!(count("exposed-database"), 1, "{said}");
}

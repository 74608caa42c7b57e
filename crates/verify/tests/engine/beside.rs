//! What is beside a project: proxies of others, and what is beside those.

use serde_json::{Value, json};

use crate::{container, has, look, network, publish, server, text};

/// A container of a project on some networks.
fn placed(mut one: Value, project: &str, service: &str, networks: &[&str]) -> Value {
    one["Id"] = json!(format!("{project}-{service}"));
    one["Name"] = json!(format!("/{project}-{service}-1"));
    one["Config"]["Labels"] =
        json!({"com.docker.compose.project": project, "com.docker.compose.service": service});
    one["HostConfig"]["NetworkMode"] = json!(networks[0]);
    let networks = networks
        .iter()
        .map(|name| ((*name).to_owned(), json!({"Aliases": [service]})));
    one["NetworkSettings"]["Networks"] = Value::Object(networks.collect());
    one
}

/// API server, file server and MongoDB of a project, with an account of their own.
fn project(name: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for one in ["apiserver", "fileserver"] {
        let mut one = placed(server(one), name, one, &[&format!("{name}_default")]);
        one["Config"]["Env"] = json!([format!(
            "CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_SECRET=s{name}Vq8TnL2xWc6PzR4kYbJ0mHsE9uDfGaX1vQo5"
        )]);
        all.push(one);
    }
    let mongo = container("mongo", "mongo:7.0.22", &["mongod"]);
    all.push(placed(mongo, name, "mongo", &[&format!("{name}_default")]));
    all
}

fn socat(service: &str, command: &[&str], networks: &[&str]) -> Value {
    let mut one = container(service, "alpine/socat", command);
    one["Config"]["Entrypoint"] = json!(["socat"]);
    placed(one, "edge", service, networks)
}

#[test]
fn a_proxy_is_told_of_once_for_each_project_that_it_leads_to() {
    let networks = ["a_default", "b_default", "edge_default", "metrics"];
    let networks: Vec<Value> = networks
        .iter()
        .map(|name| network(name, "bridge"))
        .collect();
    let leading = |networks: &[&str]| {
        let command = ["tcp-listen:9999,fork", "tcp-connect:mongo:27017"];
        let mut one = socat("clearml-proxy", &command, networks);
        publish(&mut one, "9999/tcp", "0.0.0.0", "9999");
        one
    };
    let other = |service: &str, network: &str| {
        placed(
            container(service, "busybox:1.36", &["top"]),
            "edge",
            service,
            &[network],
        )
    };
    for (others, count) in [
        (vec![leading(&["a_default"])], 1),
        (
            vec![
                leading(&["a_default", "metrics"]),
                other("prometheus", "metrics"),
            ],
            1,
        ),
        (
            vec![
                leading(&["a_default", "edge_default"]),
                other("certbot", "edge_default"),
            ],
            1,
        ),
        (vec![leading(&["a_default", "b_default"])], 2),
    ] {
        let all = [project("a"), project("b"), others, networks.clone()].concat();
        let (_, found, said) = look(&["i.json"], &[("i.json", &text(&all))]);
        assert!(!has(&found, "split-credential", "error"), "{said}");
        let exposed = found.iter().filter(|(rule, _)| rule == "exposed-database");
        assert_eq!(exposed.count(), count, "{said}");
    }
}

#[test]
fn what_leads_to_a_proxy_of_another_project_leads_on() {
    let inner = socat(
        "inner",
        &["tcp-listen:9999,fork", "tcp-connect:mongo:27017"],
        &["a_default", "edge_default"],
    );
    let mut outer = socat(
        "outer",
        &["tcp-listen:7777,fork", "tcp-connect:inner:9999"],
        &["edge_default"],
    );
    publish(&mut outer, "7777/tcp", "0.0.0.0", "7777");
    let networks = ["a_default", "edge_default"].map(|name| network(name, "bridge"));
    let all = [project("a"), vec![inner, outer], networks.to_vec()].concat();
    let (_, found, said) = look(&["i.json"], &[("i.json", &text(&all))]);
    assert!(has(&found, "exposed-database", "error"), "{said}");
}

/// The servers' own MongoDB has the same name, on a network of theirs.
#[test]
fn a_database_of_the_proxys_own_project_is_somebody_elses() {
    let inner = socat(
        "inner",
        &["tcp-listen:9999,fork", "tcp-connect:apiserver:8008"],
        &["a_default", "edge_default"],
    );
    let mongo = container("mongo", "mongo:7.0.22", &["mongod"]);
    let mut mongo = placed(mongo, "edge", "mongo", &["edge_default"]);
    publish(&mut mongo, "27017/tcp", "0.0.0.0", "27017");
    let networks = ["a_default", "edge_default"].map(|name| network(name, "bridge"));
    let mut own = project("a");
    for server in &mut own[..2] {
        let env = server["Config"]["Env"].as_array_mut().unwrap();
        env.push(json!("CLEARML_MONGODB_SERVICE_HOST=mongo"));
    }
    let all = [own, vec![inner, mongo], networks.to_vec()].concat();
    let (_, found, said) = look(&["i.json"], &[("i.json", &text(&all))]);
    assert!(!has(&found, "exposed-database", "error"), "{said}");
    assert!(!said.contains("edge-mongo-1) has no password"), "{said}");
}

#[test]
fn a_container_is_also_found_at_its_address() {
    for (target, is_found) in [
        ("172.20.0.9", true),
        ("fd00:0::9", true),
        ("172.20.0.8", false),
    ] {
        let mut all = project("a");
        let network_of = &mut all[2]["NetworkSettings"]["Networks"]["a_default"];
        network_of["IPAddress"] = json!("172.20.0.9");
        network_of["GlobalIPv6Address"] = json!("fd00::9");
        let to = match target.contains(':') {
            true => format!("tcp-connect:[{target}]:27017"),
            false => format!("tcp-connect:{target}:27017"),
        };
        let mut leading = socat("lead", &["tcp-listen:9999,fork", &to], &["a_default"]);
        publish(&mut leading, "9999/tcp", "0.0.0.0", "9999");
        all.extend([leading, network("a_default", "bridge")]);
        let (_, found, said) = look(&["i.json"], &[("i.json", &text(&all))]);
        assert_eq!(
            has(&found, "exposed-database", "error"),
            is_found,
            "{target}: {said}"
        );
    }
}

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

#[test]
fn a_way_over_several_projects_is_followed() {
    for (names, length) in [
        ("lead", 2),
        ("lead", 4),
        ("clearml-lead", 2),
        ("clearml-lead", 4),
    ] {
        let mut all = project("a");
        all.push(network("a_default", "bridge"));
        let mut before = ("mongo:27017".to_owned(), "a_default".to_owned());
        for number in 0..length {
            let (to, from) = before;
            let (name, own) = (format!("{names}-{number}"), format!("net-{number}"));
            let command = ["tcp-listen:9999,fork", &format!("tcp-connect:{to}")];
            let mut one = socat(&name, &command, &[&from, &own]);
            one["Config"]["Labels"]["com.docker.compose.project"] = json!(format!("edge-{number}"));
            if number == length - 1 {
                publish(&mut one, "9999/tcp", "0.0.0.0", "9999");
            }
            all.extend([one, network(&own, "bridge")]);
            before = (format!("{name}:9999"), own);
        }
        let (_, found, said) = look(&["i.json"], &[("i.json", &text(&all))]);
        let exposed = found.iter().filter(|(rule, _)| rule == "exposed-database");
        assert_eq!(exposed.count(), 1, "{names} {length}: {said}");
    }
}

#[test]
fn a_name_may_have_its_network_behind_it() {
    for (host, is_found) in [
        ("mongo", true),
        ("mongo.a_default", true),
        ("store", true),
        ("store.a_default", true),
        ("a-mongo-1", true),
        ("mongo.b_default", false),
        ("inner", false),
        ("inner.inner", false),
        ("mongo.inner", false),
    ] {
        let mut all = project("a");
        let networks = &mut all[2]["NetworkSettings"]["Networks"];
        networks["a_default"]["Aliases"] = json!(["mongo", "store"]);
        networks["inner"] = json!({"Aliases": ["mongo", "inner"]});
        let command = ["tcp-listen:9999,fork", &format!("tcp-connect:{host}:27017")];
        let mut leading = socat("lead", &command, &["a_default", "b_default"]);
        publish(&mut leading, "9999/tcp", "0.0.0.0", "9999");
        all.push(leading);
        all.extend(["a_default", "b_default", "inner"].map(|name| network(name, "bridge")));
        let (_, found, said) = look(&["i.json"], &[("i.json", &text(&all))]);
        let is_exposed = has(&found, "exposed-database", "error");
        assert_eq!(is_exposed, is_found, "{host}: {said}");
    }
}

#[test]
fn a_database_is_asked_through_a_port_of_the_host() {
    let host = |host: &str| format!("CLEARML_ELASTIC_SERVICE_HOST={host}");
    let port = |port: u16| format!("CLEARML_ELASTIC_SERVICE_PORT={port}");
    let theirs = [
        (vec![host("host.docker.internal"), port(9200)], true),
        (vec![host("172.17.0.1"), port(9200)], true),
        (vec![host("search"), port(9200)], true),
        (vec![host("172.17.0.1")], true),
        (vec![host("172.17.0.1"), port(9201)], false),
        (vec![host("mongo"), port(9200)], false),
    ];
    let names = ["search", "clearml-search"].iter();
    let all = names.flat_map(|name| theirs.iter().map(move |one| (*name, one)));
    for (name, (variables, is_theirs)) in all {
        let mut all = project("a");
        let env = all[0]["Config"]["Env"].as_array_mut().unwrap();
        env.extend(variables.iter().map(|one| json!(one)));
        all[0]["HostConfig"]["ExtraHosts"] = json!(["search:host-gateway"]);
        let search = container("search", "elasticsearch:7.17.0", &["eswrapper"]);
        let mut search = placed(search, "data", name, &["data_default"]);
        search["Config"]["Entrypoint"] = Value::Null;
        publish(&mut search, "9200/tcp", "0.0.0.0", "9200");
        all.push(search);
        all.extend(["a_default", "data_default"].map(|name| network(name, "bridge")));
        let (_, found, said) = look(&["i.json"], &[("i.json", &text(&all))]);
        let is_told = has(&found, "exposed-database", "error");
        assert_eq!(is_told, *is_theirs, "{name}: {variables:?}: {said}");
    }
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

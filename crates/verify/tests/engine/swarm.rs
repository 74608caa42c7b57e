//! What a swarm gives the containers of its services: the service's own object tells it, and without that it is not known.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{container, has, look, network, server, text};

const CONF: &str = "/opt/clearml/config/secure.conf";

/// A container of a service, as a swarm names it, on the network of its ports and on one of its stack.
fn task(service: &str, mut container: Value) -> Value {
    container["Name"] = json!(format!("/s_{service}.1.fviwgzgpjp2q59gw0zsjw3x8p"));
    container["Config"]["Labels"] = json!({
        "com.docker.stack.namespace": "s",
        "com.docker.swarm.service.id": format!("id-{service}"),
        "com.docker.swarm.service.name": format!("s_{service}"),
    });
    container["NetworkSettings"]["Networks"] = json!({
        "ingress": {"Aliases": ["0123456789ab"], "NetworkID": "n0"},
        "s_default": {"Aliases": ["0123456789ab"], "NetworkID": "n1"},
    });
    container
}

/// What is printed of a service: with the ports of `ports`, and a config at a path.
fn service(name: &str, ports: &Value, config: Option<&str>) -> Value {
    let configs: Vec<Value> = config
        .map(|path| json!({"File": {"Name": path}, "ConfigID": "c1", "ConfigName": "s_conf"}))
        .into_iter()
        .collect();
    json!({
        "ID": format!("id-{name}"),
        "Spec": {
            "Name": format!("s_{name}"),
            "TaskTemplate": {
                "ContainerSpec": {"Configs": configs},
                "Networks": [{"Target": "n1", "Aliases": [name, "other-name"]}],
            },
        },
        "Endpoint": {"Ports": ports},
    })
}

fn config(text: &str) -> Value {
    json!({"ID": "c1", "Spec": {"Name": "s_conf", "Data": STANDARD.encode(text)}})
}

fn said_of(objects: &[Value]) -> (Vec<(String, String)>, String) {
    let all = [objects, &[network("s_default", "overlay")]].concat();
    let (_, found, said) = look(&["i.json"], &[("i.json", &text(&all))]);
    (found, said)
}

#[test]
fn without_the_service_ports_and_configs_are_not_known() {
    let one = task("apiserver", server("apiserver"));
    let (found, said) = said_of(std::slice::from_ref(&one));
    assert!(!has(&found, "public-port", "warning"), "{said}");
    assert!(said.contains("who reaches the ports"), "{said}");
    assert!(said.contains("the configuration folder"), "{said}");
    assert!(said.contains("$(docker service ls -q)"), "{said}");
    // While a service changes, its containers may have what it had before.
    for (state, is_known) in [
        ("updating", false),
        ("paused", false),
        ("rollback_started", false),
        ("completed", true),
        ("rollback_completed", true),
    ] {
        let mut service = service("apiserver", &json!([]), None);
        service["UpdateStatus"] = json!({"State": state});
        let (_, said) = said_of(&[one.clone(), service]);
        assert_eq!(
            said.contains("\"unknown\": []"),
            is_known,
            "{state}: {said}"
        );
    }
}

#[test]
fn what_a_swarm_publishes_is_open_on_every_machine() {
    let port = |target: u16, mode: &str| json!({"Protocol": "tcp", "TargetPort": target, "PublishedPort": 18008, "PublishMode": mode});
    for (ports, is_open) in [
        (json!([port(8008, "ingress")]), true),
        // It is in the description of the container where it is.
        (json!([port(8008, "host")]), false),
        (json!([port(9, "ingress")]), false),
        (Value::Null, false),
    ] {
        let one = task("apiserver", server("apiserver"));
        let (found, said) = said_of(&[one, service("apiserver", &ports, None)]);
        assert_eq!(
            has(&found, "public-port", "warning"),
            is_open,
            "{ports}: {said}"
        );
        assert!(said.contains("\"unknown\": []"), "{ports}: {said}");
    }
    let redis = task("redis", container("redis", "redis:7", &["redis-server"]));
    let redis = [
        redis,
        service("redis", &json!([port(6379, "ingress")]), None),
    ];
    let api = task("apiserver", server("apiserver"));
    let api = [api, service("apiserver", &Value::Null, None)];
    let (found, said) = said_of(&[redis, api].concat());
    assert!(has(&found, "exposed-database", "error"), "{said}");
}

#[test]
fn a_config_is_read_where_it_is_there() {
    let secure = "auth { token_secret: \"short\" }\n";
    let one = task("apiserver", server("apiserver"));
    let at = |path| service("apiserver", &Value::Null, Some(path));
    let is_read = |objects: &[Value]| {
        let (found, said) = said_of(objects);
        (
            has(&found, "weak-secret", "error"),
            said.contains("\"unknown\": []"),
        )
    };
    assert_eq!(
        is_read(&[one.clone(), at(CONF), config(secure)]),
        (true, true)
    );
    assert_eq!(is_read(&[one.clone(), at(CONF)]), (false, false));
    // Where no server looks it makes no difference, be it there or not.
    assert_eq!(is_read(&[one.clone(), at("secure.conf")]), (false, true));
    let mut filled = config(secure);
    filled["Spec"]["Templating"] = json!({"Name": "golang"});
    assert_eq!(is_read(&[one.clone(), at(CONF), filled]), (false, false));
    let mut broken = config(secure);
    broken["Spec"]["Data"] = json!("/w==");
    assert_eq!(is_read(&[one.clone(), at(CONF), broken]), (false, false));
    // Nobody is shown what a secret holds.
    for (name, is_known) in [(CONF, false), ("token", true)] {
        let mut service = service("apiserver", &Value::Null, None);
        service["Spec"]["TaskTemplate"]["ContainerSpec"]["Secrets"] =
            json!([{"File": {"Name": name}, "SecretID": "s1"}]);
        assert_eq!(
            is_read(&[one.clone(), service]),
            (false, is_known),
            "{name}"
        );
    }
}

#[test]
fn a_service_is_found_under_its_names() {
    let names = ["apiserver", "s_apiserver", "other-name", "api"];
    for (host, is_found) in names.into_iter().zip([true, true, true, false]) {
        let mut files = server("fileserver");
        files["Config"]["Env"] = json!([format!("CLEARML__hosts__api_server=http://{host}:8008")]);
        let (found, said) = said_of(&[
            task("fileserver", files),
            service("fileserver", &Value::Null, None),
            task("apiserver", server("apiserver")),
            service("apiserver", &Value::Null, None),
        ]);
        assert_eq!(
            !has(&found, "unreachable-host", "warning"),
            is_found,
            "{host}: {said}"
        );
    }
}

#[test]
fn of_containers_of_a_service_that_were_given_the_same_one_is_told_of() {
    let replica = |number: u8, variable: &str| {
        let mut one = task("redis", container("redis", "redis:7", &["redis-server"]));
        one["Id"] = json!(format!("redis-{number}"));
        one["Name"] = json!(format!("/s_redis.{number}.fviwgzgpjp2q59gw0zsjw3x8p"));
        one["Config"]["Env"] = json!([variable]);
        one
    };
    let api = task("apiserver", server("apiserver"));
    let port = json!([{"Protocol": "tcp", "TargetPort": 6379, "PublishedPort": 6379}]);
    for (second, count) in [("A=1", 1), ("A=2", 2)] {
        let objects = [
            replica(1, "A=1"),
            replica(2, second),
            api.clone(),
            service("redis", &port, None),
            service("apiserver", &Value::Null, None),
        ];
        let (found, said) = said_of(&objects);
        let exposed = found.iter().filter(|(rule, _)| rule == "exposed-database");
        assert_eq!(exposed.count(), count, "{second}: {said}");
    }
}

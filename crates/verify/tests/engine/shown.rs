//! What an engine shows of a container, in part or in its own way: what is not shown is not known.

use serde_json::{Value, json};

use super::{has, look, network, publish, server, text};

/// What is said of an API server on a bridge.
fn said_of(apiserver: &Value) -> (Vec<(String, String)>, String) {
    let all = text(&[apiserver.clone(), network("p_default", "bridge")]);
    let (_, found, said) = look(&["i.json"], &[("i.json", &all)]);
    (found, said)
}

#[test]
fn a_published_port_that_cannot_be_read_is_not_known() {
    let odd = [
        json!({"8008/tcp": [{"HostIp": "*", "HostPort": "8008"}]}),
        json!({"8008/tcp": [{"HostIp": "0", "HostPort": "8008"}]}),
        json!({"8008/tcp": {"HostIp": "", "HostPort": "8008"}}),
        json!({"8000-8010/tcp": [{"HostIp": "", "HostPort": "8000-8010"}]}),
        json!({"tcp/8008": [{"HostIp": "", "HostPort": "8008"}]}),
    ];
    for ports in odd {
        let mut apiserver = server("apiserver");
        apiserver["NetworkSettings"]["Ports"] = ports.clone();
        let (found, said) = said_of(&apiserver);
        assert!(!has(&found, "public-port", "warning"), "{ports}: {said}");
        assert!(said.contains("which ports it publishes"), "{ports}: {said}");
    }
    let known = [
        (
            json!({"8008/TCP": [{"HostIp": "", "HostPort": "8008"}]}),
            true,
        ),
        (
            json!({"8008/tcp": [{"HostIp": "[::]", "HostPort": "8008"}]}),
            true,
        ),
        (
            json!({"8008/tcp": [{"HostIp": "fe80::1%eth0", "HostPort": "8008"}]}),
            false,
        ),
        (
            json!({"8008/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8008"}]}),
            false,
        ),
        (json!({"8008/tcp": null}), false),
        (json!({"8008/tcp": []}), false),
    ];
    for (ports, is_open) in known {
        let mut apiserver = server("apiserver");
        apiserver["NetworkSettings"]["Ports"] = ports.clone();
        let (found, said) = said_of(&apiserver);
        assert_eq!(
            has(&found, "public-port", "warning"),
            is_open,
            "{ports}: {said}"
        );
        assert!(said.contains("\"unknown\": []"), "{ports}: {said}");
    }
}

/// Docker 20.10 shows no ports of a container that waits for its next start, and with `-P` none that were asked for.
#[test]
fn all_ports_of_a_container_that_starts_again_and_again_are_published() {
    let mut apiserver = server("apiserver");
    apiserver["State"] = json!({"Status": "restarting", "Running": true, "Restarting": true});
    apiserver["Config"]["ExposedPorts"] = json!({"8008/tcp": {}});
    for (publishes_all, mode, is_open) in [
        (true, "p_default", true),
        (false, "p_default", false),
        (true, "none", false),
    ] {
        apiserver["HostConfig"]["PublishAllPorts"] = publishes_all.into();
        apiserver["HostConfig"]["NetworkMode"] = mode.into();
        let (found, said) = said_of(&apiserver);
        assert_eq!(
            has(&found, "public-port", "warning"),
            is_open,
            "{mode}: {said}"
        );
    }
}

/// Nerdctl shows what a process runs, and the name of its image, at the top alone, and no variable.
#[test]
fn of_nerdctl_variables_are_not_known() {
    let nerdctl = json!({
        "Id": "f0e1",
        "Name": "one",
        "Path": "/opt/clearml/wrapper.sh",
        "Args": ["apiserver"],
        "Image": "docker.io/clearml/server:2.3.0",
        "State": {"Status": "running", "Running": true},
        "Mounts": [],
        "HostConfig": {"PortBindings": {}},
        "Config": {"Hostname": "one", "Labels": {"nerdctl/name": "one"}},
        "NetworkSettings": {
            "Ports": {"8008/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8008"}]},
            "Networks": {"unknown-eth0": {}},
        },
    });
    let (code, found, said) = look(&["i.json"], &[("i.json", &text(&[nerdctl]))]);
    assert_eq!(code, 1, "{said}");
    assert!(has(&found, "public-port", "warning"), "{said}");
    assert!(!has(&found, "missing-setting", "error"), "{said}");
    assert!(said.contains("does not show its variables"), "{said}");
    assert!(!said.contains("the version of"), "{said}");
    // Null is what docker and podman write where there are none.
    let mut apiserver = server("apiserver");
    apiserver["Config"]["Env"] = Value::Null;
    let (found, said) = said_of(&apiserver);
    assert!(has(&found, "missing-setting", "error"), "{said}");
    assert!(said.contains("\"unknown\": []"), "{said}");
    apiserver["Config"]["Env"] = json!({"CLEARML__SECURE__AUTH__TOKEN_SECRET": "x"});
    assert!(
        said_of(&apiserver)
            .1
            .contains("does not show its variables")
    );
}

#[test]
fn of_a_container_that_was_printed_twice_the_last_counts() {
    let mut earlier = server("apiserver");
    publish(&mut earlier, "8008/tcp", "0.0.0.0", "8008");
    let later = server("apiserver");
    let bridge = network("p_default", "bridge");
    let (_, found, said) = look(
        &["i.json"],
        &[(
            "i.json",
            &text(&[earlier.clone(), later.clone(), bridge.clone()]),
        )],
    );
    assert!(!has(&found, "public-port", "warning"), "{said}");
    let missing = |found: &[(String, String)]| {
        found
            .iter()
            .filter(|(rule, _)| rule == "missing-setting")
            .count()
    };
    assert_eq!(missing(&found), 10, "{said}");
    let (_, found, said) = look(&["i.json"], &[("i.json", &text(&[later, earlier, bridge]))]);
    assert!(has(&found, "public-port", "warning"), "{said}");
    assert_eq!(missing(&found), 10, "{said}");
}

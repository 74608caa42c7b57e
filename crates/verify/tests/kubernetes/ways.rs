//! From where servers and databases of a cluster are reached.

use crate::chart::{Chart, look};
use crate::common::Done;

fn with(more: &str) -> Done {
    let chart = Chart {
        service: "ClusterIP",
        ..Chart::default()
    };
    let text = chart.render() + "---\n" + more;
    look(&["a.yaml", "--fail-on", "never"], &[("a.yaml", &text)])
}

fn messages(done: &Done, rule: &str) -> Vec<String> {
    let findings = done.json["findings"].as_array().into_iter().flatten();
    let findings = findings.filter(|one| one["rule"] == rule);
    findings
        .map(|one| format!("{}: {}", one["severity"], one["message"]))
        .collect()
}

/// A Service of its own for what already has one.
fn service(name: &str, rest: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: more, annotations: {{a: b}}}}\nspec: {{selector: {{run: clearml-{name}}}, {rest}}}\n"
    )
}

#[test]
fn services_open_ports() {
    let ports = "ports: [{port: 8008, targetPort: 8008}]";
    for (rest, is_open) in [
        (format!("type: ClusterIP, {ports}"), false),
        (format!("type: NodePort, {ports}"), true),
        (format!("type: LoadBalancer, {ports}"), true),
        (
            format!("type: ClusterIP, externalIPs: [192.0.2.1], {ports}"),
            true,
        ),
        (
            format!("type: LoadBalancer, loadBalancerSourceRanges: [10.0.0.0/8], {ports}"),
            false,
        ),
        (
            format!("type: LoadBalancer, loadBalancerSourceRanges: [0.0.0.0/0], {ports}"),
            true,
        ),
        (
            "type: NodePort, ports: [{port: 80, targetPort: 9999}]".to_owned(),
            false,
        ),
    ] {
        let done = with(&service("apiserver", &rest));
        let found = messages(&done, "public-port");
        assert_eq!(found.len(), usize::from(is_open), "{rest}: {found:?}");
    }
    let internal = service("apiserver", &format!("type: LoadBalancer, {ports}")).replace(
        "a: b",
        "service.beta.kubernetes.io/aws-load-balancer-scheme: internal",
    );
    assert!(messages(&with(&internal), "public-port").is_empty());
    let database = service("mongodb", "type: NodePort, ports: [{port: 27017}]");
    let found = messages(&with(&database), "exposed-database");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("\"error\""), "{found:?}");
}

#[test]
fn the_nodes_own_network_opens_ports() {
    let stock = Chart {
        service: "ClusterIP",
        ..Chart::default()
    }
    .render();
    let host = stock.replacen("    spec:\n", "    spec:\n      hostNetwork: true\n", 1);
    let done = look(&["a.yaml"], &[("a.yaml", &host)]);
    assert_eq!(messages(&done, "public-port").len(), 1);
    let port = stock.replacen(
        "        args: [fileserver]\n",
        "        args: [fileserver]\n        ports: [{containerPort: 8081, hostPort: 80}]\n",
        1,
    );
    let done = look(&["a.yaml"], &[("a.yaml", &port)]);
    let found = messages(&done, "public-port");
    assert!(
        found.len() == 1 && found[0].contains("port 80 of fileserver"),
        "{found:?}"
    );
}

#[test]
fn hosts_without_tls_are_found() {
    let ingress = |name: &str, tls: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: app{name}}}\nspec:\n  rules:\n  - host: app.example.com\n    \
             http:\n      paths:\n      - {{path: /, backend: {{service: {{name: clearml-webserver, port: {{number: 80}}}}}}}}\n{tls}"
        )
    };
    let annotated = ingress(
        ", annotations: {alb.ingress.kubernetes.io/certificate-arn: arn}",
        "",
    );
    let route = "apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: r}\nspec: {host: app.example.com, to: {kind: Service, name: clearml-webserver}}\n";
    let secured = route.replace("host:", "tls: {termination: edge}, host:");
    for (more, is_clear) in [
        (ingress("", ""), true),
        (
            ingress("", "  tls: [{hosts: [app.example.com], secretName: t}]\n"),
            false,
        ),
        (
            ingress("", "  tls: [{hosts: [\"*.example.com\"]}]\n"),
            false,
        ),
        (ingress("", "  tls: [{hosts: [other.example.com]}]\n"), true),
        (ingress("", "  tls: [{secretName: t}]\n"), false),
        (annotated, false),
        (
            ingress("", "").replace("clearml-webserver", "somebody-else"),
            false,
        ),
        (route.to_owned(), true),
        (secured, false),
    ] {
        let done = with(&more);
        let found = messages(&done, "plain-http");
        assert_eq!(found.len(), usize::from(is_clear), "{more}: {found:?}");
        assert!(
            found.iter().all(|one| one.contains("app.example.com")),
            "{found:?}"
        );
        let unknown = done.unknown();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}

#[test]
fn a_route_is_as_safe_as_its_gateway() {
    let route = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec:\n  parentRefs: [{name: g, sectionName: s}]\n  hostnames: [app.example.com]\n  rules: [{backendRefs: [{name: clearml-webserver, port: 80}]}]\n";
    let gateway = |protocol: &str| {
        format!(
            "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: g}}\nspec: {{listeners: [{{name: s, protocol: {protocol}, port: 1}}]}}\n"
        )
    };
    let done = with(&format!("{route}{}", gateway("HTTP")));
    assert_eq!(messages(&done, "plain-http").len(), 1);
    let done = with(&format!("{route}{}", gateway("HTTPS")));
    assert!(messages(&done, "plain-http").is_empty());
    assert!(done.unknown().is_empty(), "{:?}", done.unknown());
    let done = with(route);
    done.says("whether HTTPRoute r speaks TLS", "Gateway g was not given");
    let other = "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: r}\nspec: {routes: [{services: [{name: clearml-webserver}]}]}\n";
    let done = with(other);
    done.says("what IngressRoute opens", "this kind is not read");
}

#[test]
fn a_policy_keeps_others_from_a_database() {
    let agent = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: tasks, labels: {app.kubernetes.io/instance: clearml}}\nspec: {template: {metadata: {labels: {run: tasks}}, spec: {containers: [{name: t, image: \"acme/clearml-task:1.0\", env: [{name: A, value: b}]}]}}}\n";
    let policy = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {matchLabels: {run: clearml-mongodb}}, policyTypes: [Ingress], ingress: []}\n";
    let open = messages(&with(agent), "database-password");
    assert_eq!(open.len(), 2, "{open:?}");
    let closed = messages(&with(&format!("{agent}{policy}")), "database-password");
    assert_eq!(closed.len(), 1, "{closed:?}");
    assert!(
        !closed.iter().any(|one| one.contains("MongoDB")),
        "{closed:?}"
    );
}

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

/// A Service of its own for what already has one. What a load balancer opens on nodes besides is in
/// `tests/cases/verify/node-ports`.
fn service(name: &str, rest: &str) -> String {
    let balancer = "type: LoadBalancer";
    let rest = rest.replace(
        balancer,
        &format!("{balancer}, allocateLoadBalancerNodePorts: false"),
    );
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
    let of_set = route.replace("{name: g,", "{kind: ListenerSet, name: g,");
    let done = with(&format!("{of_set}{}", gateway("HTTPS")));
    done.says(
        "whether HTTPRoute r speaks TLS",
        "its parent is ListenerSet g, of a kind that is not read",
    );
    // What is mirrored to a database changes it.
    let mirror = "rules: [{filters: [{type: RequestMirror, requestMirror: {backendRef: {name: clearml-elastic, port: 9200}}}], ";
    let mirrored = route.replace("rules: [{", mirror);
    let done = with(&format!("{mirrored}{}", gateway("HTTPS")));
    assert_eq!(messages(&done, "exposed-database").len(), 1);
    // A Gateway of that name in another namespace is another one, and a Service as a parent is for pods.
    let there = gateway("HTTPS").replace("name: g", "name: g, namespace: there");
    let here = gateway("HTTP").replace("name: g", "name: g, namespace: here");
    let route = route.replace("{name: r}", "{name: r, namespace: here}");
    let done = with(&format!("{route}{there}{here}"));
    assert_eq!(messages(&done, "plain-http").len(), 1);
    let inside = route.replace(
        "{name: g, sectionName: s}",
        "{kind: Service, name: clearml-webserver}",
    );
    let done = with(&inside);
    assert!(done.unknown().is_empty(), "{:?}", done.unknown());
    assert!(messages(&done, "plain-http").is_empty());
    let other = "apiVersion: projectcontour.io/v1\nkind: HTTPProxy\nmetadata: {name: r}\nspec: {routes: [{services: [{name: clearml-webserver}]}]}\n";
    let done = with(other);
    done.says("what HTTPProxy opens", "this kind is not read");
}

/// What closes a port is what opens it: a Service of type ClusterIP opens `externalIPs`, and none is needed for `hostPort`.
#[test]
fn the_advice_closes_what_is_open() {
    let ports = "ports: [{port: 27017, targetPort: 27017}]";
    let node = "apiVersion: v1\nkind: Pod\nmetadata: {name: store}\nspec: {containers: [{name: a, image: \"redis:7\", ports: [{containerPort: 6379, hostPort: 6379}]}]}\n";
    for (more, help) in [
        (
            service("mongodb", &format!("type: NodePort, {ports}")),
            "set the Service's type to ClusterIP: ",
        ),
        (
            service("mongodb", &format!("externalIPs: [192.0.2.1], {ports}")),
            "remove `externalIPs` from the Service: ",
        ),
        (
            service(
                "mongodb",
                &format!("type: LoadBalancer, externalIPs: [192.0.2.1], {ports}"),
            ),
            "set the Service's type to ClusterIP and remove its `externalIPs`: ",
        ),
        (
            service("mongodb", ports).replace("{a: b}", "{tailscale.com/expose: \"true\"}"),
            "remove the annotation `tailscale.com/expose` from the Service: ",
        ),
        (
            node.to_owned(),
            "remove `hostPort` from the container's port",
        ),
    ] {
        let done = with(&more);
        let findings = done.json["findings"].as_array().into_iter().flatten();
        let mut own = findings.filter(|one| one["rule"] == "exposed-database");
        let own = own.next().unwrap();
        assert!(own["help"].as_str().unwrap().starts_with(help), "{own}");
        assert!(!own["help"].to_string().contains("127.0.0.1"), "{own}");
    }
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

/// What is not known, as words.
fn unknown(done: &Done) -> String {
    done.unknown().join("\n")
}

#[test]
fn an_init_container_that_keeps_running_is_a_server() {
    let pod = |restart: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: side, labels: {{app.kubernetes.io/instance: clearml}}}}\nspec: {{template: {{spec: {{initContainers: [{{name: fs, image: \"clearml/server:2.3.0\", args: [fileserver], {restart}env: [{{name: CLEARML__fileserver__auth__enabled, value: \"false\"}}]}}], containers: [{{name: c, image: \"busybox:1\"}}]}}}}}}\n"
        )
    };
    let found = |restart| messages(&with(&pod(restart)), "open-fileserver").len();
    assert_eq!(found("restartPolicy: Always, "), 1);
    assert_eq!(found(""), 0);
}

#[test]
fn a_kind_is_that_of_its_group() {
    let knative = "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: fs}\nspec: {template: {spec: {containers: [{image: \"IMAGE\", args: [fileserver], env: [{name: A, value: \"http://clearml-mongodb\"}]}]}}}\n";
    let said = unknown(&with(&knative.replace("IMAGE", "clearml/server:2.3.0")));
    assert!(
        said.contains("Service of serving.knative.dev") && said.contains("an image of ClearML"),
        "{said}"
    );
    let said = unknown(&with(&knative.replace("IMAGE", "nginx:1")));
    assert!(said.contains("to a database from outside"), "{said}");
    // A policy that only its own controller knows keeps nobody out.
    let agent = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: tasks, labels: {app.kubernetes.io/instance: clearml}}\nspec: {template: {metadata: {labels: {run: tasks}}, spec: {containers: [{name: t, image: \"acme/clearml-task:1.0\", env: [{name: A, value: b}]}]}}}\n";
    let policy = "---\napiVersion: GROUP/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {matchLabels: {run: clearml-mongodb}}, policyTypes: [Ingress], ingress: []}\n";
    let open = |group| {
        let policy = policy.replace("GROUP", group);
        messages(&with(&format!("{agent}{policy}")), "database-password").len()
    };
    assert_eq!(open("networking.k8s.io"), 1);
    assert_eq!(open("crd.projectcalico.org"), 2);
}

#[test]
fn what_is_not_read_may_lead_to_a_database() {
    for (kind, spec, is_said) in [
        (
            "gateway.networking.k8s.io/v1alpha2 TCPRoute",
            "{rules: [{backendRefs: [{name: clearml-redis, port: 6379}]}]}",
            true,
        ),
        (
            "ingress.v3.haproxy.org/v3 TCP",
            "[{name: m, service: {name: clearml-mongodb, port: 27017}}]",
            true,
        ),
        (
            "traefik.io/v1alpha1 TraefikService",
            "{weighted: {services: [{name: clearml-mongodb}]}}",
            true,
        ),
        (
            "networking.istio.io/v1 VirtualService",
            "{gateways: [g], tcp: [{route: [{destination: {host: clearml-redis.default.svc}}]}]}",
            true,
        ),
        (
            "networking.istio.io/v1 VirtualService",
            "{gateways: [g], tcp: [{route: [{destination: {host: clearml-redis}}]}]}",
            true,
        ),
        (
            "projectcontour.io/v1 HTTPProxy",
            "{tcpproxy: {services: [{name: clearml-redis}]}}",
            true,
        ),
        (
            "getambassador.io/v3alpha1 TCPMapping",
            "{service: \"clearml-redis:6379\"}",
            true,
        ),
        (
            "elbv2.k8s.aws/v1beta1 TargetGroupBinding",
            "{serviceRef: {name: clearml-redis}}",
            true,
        ),
        (
            "monitoring.coreos.com/v1 ServiceMonitor",
            "{selector: {matchLabels: {app: clearml-redis}}}",
            false,
        ),
        (
            "traefik.io/v1alpha1 TraefikService",
            "{weighted: {services: [{name: other-redis}]}}",
            false,
        ),
        // What operators make of it has its name.
        (
            "elasticsearch.k8s.elastic.co/v1 Elasticsearch",
            "{http: {service: {spec: {type: LoadBalancer}}}}",
            true,
        ),
        ("databases.spotahome.com/v1 RedisFailover", "{}", true),
        ("example.com/v1 RedisUser", "{}", true),
    ] {
        let (version, kind) = kind.split_once(' ').unwrap();
        let more = format!(
            "apiVersion: {version}\nkind: {kind}\nmetadata: {{name: clearml}}\nspec: {spec}\n"
        );
        let said = unknown(&with(&more));
        assert_eq!(said.contains(kind), is_said, "{more}: {said}");
    }
}

/// MongoDB's Service and what leads to it.
const TO_MONGODB: &str = "service: {name: clearml-mongodb, port: {number: 27017}}";

#[test]
fn what_leads_to_a_database_exposes_it() {
    let elasticsearch = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: elastic, labels: {app.kubernetes.io/instance: clearml}}\nspec: {template: {metadata: {labels: {run: elastic}}, spec: {containers: [{name: e, image: \"elasticsearch:8.17.0\", env: [{name: xpack.security.enabled, value: \"false\"}]}]}}}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: es}\nspec: {selector: {run: elastic}, ports: [{name: http, port: 80, targetPort: 9200}]}\n---\n";
    let found = |more: &str| messages(&with(&format!("{elasticsearch}{more}")), "exposed-database");
    let ingress = |annotations: &str, spec: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: i, annotations: {{{annotations}}}}}\nspec: {{{spec}}}\n"
        )
    };
    let default = "defaultBackend: {service: {name: es, port: {name: http}}}";
    for (more, severity) in [
        (ingress("a: b", default), "error"),
        (
            ingress("a: b", &format!("tls: [{{secretName: t}}], {default}")),
            "error",
        ),
        (
            ingress("nginx.ingress.kubernetes.io/auth-type: basic", default),
            "warning",
        ),
        (
            ingress("a: b", "rules: [{http: {paths: [{backend: {serviceName: es, servicePort: 80}}]}}]")
                .replace("networking.k8s.io/v1", "extensions/v1beta1"),
            "error",
        ),
        // A Service of another namespace that is only a name for it.
        (
            ingress("a: b", "defaultBackend: {service: {name: far, port: {number: 80}}}")
                + "---\napiVersion: v1\nkind: Service\nmetadata: {name: far}\nspec: {type: ExternalName, externalName: es.default.svc.cluster.local}\n",
            "error",
        ),
        // HTTP says nothing to MongoDB, and bytes as they are do.
        (ingress("a: b", &format!("defaultBackend: {{{TO_MONGODB}}}")), "warning"),
        (
            ingress(
                "nginx.ingress.kubernetes.io/ssl-passthrough: \"true\"",
                &format!("defaultBackend: {{{TO_MONGODB}}}"),
            ),
            "error",
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: tcp, namespace: ingress}\ndata: {\"1\": \"default/clearml-mongodb:27017:PROXY\"}\n".to_owned(),
            "error",
        ),
        (
            "apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: r}\nspec: {host: h, to: {name: es}, port: {targetPort: http}}\n".to_owned(),
            "error",
        ),
        (
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r, namespace: edge}\nspec: {parentRefs: [{name: g}], rules: [{backendRefs: [{name: es, namespace: default, port: 80}]}]}\n".to_owned(),
            "error",
        ),
    ] {
        let found = found(&more);
        assert_eq!(found.len(), 1, "{more}: {found:?}");
        assert!(found[0].starts_with(&format!("\"{severity}\"")), "{more}: {found:?}");
    }
    // Somebody else's, and one that asks for a password.
    let other = default.replace("es, port: {name: http}", "es2, port: {name: http}");
    assert!(found(&ingress("a: b", &other)).is_empty());
    let guarded = elasticsearch.replace(
        "{name: xpack.security.enabled, value: \"false\"}",
        "{name: ELASTIC_PASSWORD, value: Zq7-four-Words_here-9x}",
    );
    let text = format!("{guarded}{}", ingress("a: b", default));
    let found = messages(&with(&text), "exposed-database");
    assert!(
        found.len() == 1
            && found[0].starts_with("\"warning\"")
            && found[0].contains("only its password"),
        "{found:?}"
    );
}

#[test]
fn a_page_for_databases_behind_an_ingress_exposes_them() {
    let page = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: me, labels: {app.kubernetes.io/instance: clearml}}\nspec: {template: {metadata: {labels: {run: me}}, spec: {containers: [{name: c, image: \"mongo-express:1\"}]}}}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: me}\nspec: {selector: {run: me}, ports: [{port: 8081}]}\n";
    let ingress = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec: {tls: [{secretName: t}], defaultBackend: {service: {name: me, port: {number: 8081}}}}\n";
    assert!(messages(&with(page), "exposed-database").is_empty());
    let done = with(&format!("{page}{ingress}"));
    let found = messages(&done, "exposed-database");
    assert!(
        found.len() == 1
            && found[0]
                .starts_with("\"error\": \"Ingress i, through Deployment me, leads to MongoDB"),
        "{found:?}"
    );
    assert!(done.unknown().is_empty(), "{:?}", done.unknown());
    let route = "---\napiVersion: projectcontour.io/v1\nkind: HTTPProxy\nmetadata: {name: r}\nspec: {routes: [{services: [{name: me}]}]}\n";
    with(&format!("{page}{route}")).says("what HTTPProxy opens", "to a database from outside");
}

#[test]
fn clear_text_besides_tls_is_found() {
    let ingress = |annotations: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: i, annotations: {{{annotations}}}}}\nspec: {{tls: [{{hosts: [h.example.com]}}], rules: [{{host: h.example.com, http: {{paths: [{{backend: {{service: {{name: clearml-webserver, port: {{number: 80}}}}}}}}]}}}}]}}\n"
        )
    };
    let off = "nginx.ingress.kubernetes.io/ssl-redirect: \"false\"";
    let listeners = "alb.ingress.kubernetes.io/listen-ports: '[{\"HTTP\": 80}, {\"HTTPS\": 443}]'";
    let points = "traefik.ingress.kubernetes.io/router.entrypoints: \"web, websecure\"";
    let google = "networking.gke.io/managed-certificates: c";
    for (annotations, is_clear) in [
        ("a: b".to_owned(), false),
        (off.to_owned(), true),
        (
            format!("{off}, nginx.ingress.kubernetes.io/force-ssl-redirect: \"true\""),
            false,
        ),
        (listeners.to_owned(), true),
        (
            format!("{listeners}, alb.ingress.kubernetes.io/ssl-redirect: \"443\""),
            false,
        ),
        (points.to_owned(), true),
        (
            format!("{points}, traefik.ingress.kubernetes.io/router.tls: \"true\""),
            false,
        ),
        (google.to_owned(), true),
        (
            format!("{google}, kubernetes.io/ingress.allow-http: \"false\""),
            false,
        ),
    ] {
        let found = messages(&with(&ingress(&annotations)), "plain-http");
        assert_eq!(
            found.len(),
            usize::from(is_clear),
            "{annotations}: {found:?}"
        );
        assert!(
            found
                .iter()
                .all(|one| one.contains("in clear text besides TLS")),
            "{found:?}"
        );
    }
    let route = "apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: r}\nspec: {host: h.example.com, tls: {termination: edge, insecureEdgeTerminationPolicy: Allow}, to: {name: clearml-webserver}}\n";
    let found = messages(&with(route), "plain-http");
    assert!(
        found.len() == 1
            && found[0].contains("Route r for h.example.com answers in clear text besides TLS"),
        "{found:?}"
    );
}

#[test]
fn a_load_balancer_may_end_tls() {
    let balancer = |annotation: &str, name: &str| {
        let spec = "type: LoadBalancer, ports: [{name: web, port: 443, targetPort: 8008}, {name: plain, port: 80, targetPort: 8008}]";
        service(name, spec).replace("a: b", annotation)
    };
    let cert = "service.beta.kubernetes.io/aws-load-balancer-ssl-cert: arn";
    let ports = "service.beta.kubernetes.io/aws-load-balancer-ssl-ports";
    for (annotation, open) in [
        ("a: b".to_owned(), 2),
        (cert.to_owned(), 0),
        (format!("{cert}, {ports}: \"443\""), 1),
        (format!("{cert}, {ports}: \"web,plain\""), 0),
        (format!("{ports}: \"443\""), 2),
    ] {
        let done = with(&balancer(&annotation, "apiserver"));
        let found = messages(&done, "public-port");
        assert_eq!(found.len(), open, "{annotation}: {found:?}");
        assert!(done.unknown().is_empty(), "{:?}", done.unknown());
    }
    let other = "service.beta.kubernetes.io/do-loadbalancer-certificate-id: c";
    let done = with(&balancer(other, "apiserver"));
    assert!(messages(&done, "public-port").is_empty());
    done.says(
        "whether port 443 of Service more speaks TLS",
        "may give it TLS",
    );
    // TLS makes no password.
    let found = messages(
        &with(&balancer(cert, "mongodb").replace("8008", "27017")),
        "exposed-database",
    );
    assert!(
        found.len() == 2 && found[0].starts_with("\"error\""),
        "{found:?}"
    );
}

#[test]
fn a_load_balancer_may_be_for_some_networks() {
    let ports = "type: LoadBalancer, ports: [{port: 27017}]";
    for (rest, annotation, place) in [
        (
            ", loadBalancerSourceRanges: [10.0.0.0/8, 172.31.0.0/16]",
            "a: b",
            "to a private network",
        ),
        (
            ", loadBalancerSourceRanges: [10.0.0.0/8, 203.0.113.0/24]",
            "a: b",
            "to the addresses in loadBalancerSourceRanges",
        ),
        (
            ", loadBalancerSourceRanges: [10.0.0.0/7]",
            "a: b",
            "to the addresses in loadBalancerSourceRanges",
        ),
        (
            ", loadBalancerSourceRanges: [0.0.0.0/0]",
            "a: b",
            "to every network",
        ),
        (
            ", loadBalancerIP: 192.168.7.7",
            "a: b",
            "to a private network",
        ),
        (", loadBalancerIP: 203.0.113.7", "a: b", "to every network"),
        (
            "",
            "metallb.io/loadBalancerIPs: \"10.0.0.7, fd00::7\"",
            "to a private network",
        ),
        (
            "",
            "lbipam.cilium.io/ips: \"10.0.0.7,203.0.113.7\"",
            "to every network",
        ),
        (
            "",
            "service.beta.kubernetes.io/azure-load-balancer-internal: \"true\"",
            "to a private network",
        ),
        (
            "",
            "service.beta.kubernetes.io/aws-load-balancer-type: external",
            "to a private network",
        ),
        (
            "",
            "service.beta.kubernetes.io/aws-load-balancer-type: nlb",
            "to every network",
        ),
        (
            ", externalIPs: [192.0.2.1]",
            "networking.gke.io/load-balancer-type: Internal",
            "to every network",
        ),
    ] {
        let text = service("mongodb", &format!("{ports}{rest}")).replace("a: b", annotation);
        let found = messages(&with(&text), "exposed-database");
        assert!(
            found.len() == 1
                && found[0].starts_with("\"error\"")
                && found[0].contains(&format!("is open {place}: ")),
            "{rest} {annotation}: {found:?}"
        );
    }
    let listed =
        "type: LoadBalancer, loadBalancerSourceRanges: [203.0.113.0/24], ports: [{port: 8008}]";
    let found = messages(&with(&service("apiserver", listed)), "public-port");
    assert!(
        found.len() == 1 && found[0].contains("loadBalancerSourceRanges"),
        "{found:?}"
    );
}

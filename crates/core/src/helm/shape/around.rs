//! What is around the servers: Services, Ingresses, and the databases of the charts that this one depends on.

use std::sync::Arc;

use super::super::values::{is_true, printed};
use super::{Shape, instance, word};
use crate::source::{SourceId, Span};
use crate::yaml::Node;
use crate::yaml::below::at;

/// A database, as a chart of its own makes it.
struct DatabaseChart {
    /// The values that are for it.
    section: &'static str,
    kind: &'static str,
    /// Its name, which may begin with the release's.
    name: &'static str,
    image: &'static str,
    port: &'static str,
    /// Where the values of its Service are.
    service: &'static [&'static str],
    /// A variable that says that nobody needs a password, and another that has it.
    variables: [(&'static str, &'static str); 2],
}

const DATABASES: [DatabaseChart; 3] = [
    DatabaseChart {
        section: "elasticsearch",
        kind: "StatefulSet",
        name: "clearml-elastic-master",
        image: "docker.elastic.co/elasticsearch/elasticsearch:7.17.3",
        port: "9200",
        service: &["elasticsearch", "service"],
        variables: [("xpack.security.enabled", "false"), ("", "")],
    },
    DatabaseChart {
        section: "mongodb",
        kind: "Deployment",
        name: "{release}-mongodb",
        image: "docker.io/bitnami/mongodb:6.0.10",
        port: "27017",
        service: &["mongodb", "service"],
        variables: [
            ("ALLOW_EMPTY_PASSWORD", "yes"),
            ("MONGODB_ROOT_PASSWORD", "mongodb-root-password"),
        ],
    },
    DatabaseChart {
        section: "redis",
        kind: "StatefulSet",
        name: "{release}-redis-master",
        image: "docker.io/bitnami/redis:7.2.1",
        port: "6379",
        service: &["redis", "master", "service"],
        variables: [
            ("ALLOW_EMPTY_PASSWORD", "yes"),
            ("REDIS_PASSWORD", "redis-password"),
        ],
    },
];

impl Shape<'_> {
    /// The databases that are a part of the release.
    pub(super) fn databases(&mut self) {
        for chart in DATABASES {
            if is_true(self.value(&[chart.section, "enabled"])) {
                self.database(&chart);
            }
        }
    }

    fn database(&mut self, chart: &DatabaseChart) {
        let span = self.section_span(chart.section);
        let text = |text: &str| Node::made_text(span, text);
        self.doubt_openings(chart);
        let name = chart.name.replace("{release}", &self.release.name);
        let [(open, value), (closed, key)] = chart.variables;
        let entry = if is_true(self.value(&[chart.section, "auth", "enabled"])) {
            let secret = name.trim_end_matches("-master");
            let reference = [("name", text(secret)), ("key", text(key))];
            let reference = Node::made_mapping(span, reference);
            let from = Node::made_mapping(span, [("secretKeyRef", reference)]);
            Node::made_mapping(span, [("name", text(closed)), ("valueFrom", from)])
        } else {
            Node::made_mapping(span, [("name", text(open)), ("value", text(value))])
        };
        // This chart's own list has what keeps its doors open.
        let own = self.value(&["elasticsearch", "extraEnvs"]);
        let own = own.filter(|_| chart.section == "elasticsearch");
        let environment = match own.and_then(|own| own.items()) {
            Some(items) => items.to_vec(),
            None => vec![entry],
        };
        let container = vec![
            ("name", text("database")),
            ("image", text(chart.image)),
            ("env", Node::made_list(span, environment)),
        ];
        self.workload(span, (chart.kind, &name), container, Vec::new(), None);
        let kind = self
            .value(chart.service)
            .map(|service| word(service, &["type"]).to_owned());
        let kind = kind
            .filter(|kind| !kind.is_empty())
            .unwrap_or("ClusterIP".to_owned());
        let mut path = chart.service.to_vec();
        path.push("type");
        let at_type = self.span(&path);
        let port = [("port", Node::made_plain(at_type, chart.port))];
        let port = Node::made_mapping(at_type, port);
        let spec = [
            ("type", Node::made_text(at_type, kind)),
            ("selector", instance(span, &name)),
            ("ports", Node::made_list(at_type, vec![port])),
        ];
        let spec = Node::made_mapping(span, spec);
        self.add(span, "Service", &name, vec![("spec", spec)]);
    }

    /// Notes values with which the database's own chart opens it in more ways than by the type of its Service.
    fn doubt_openings(&mut self, chart: &DatabaseChart) {
        let Some(values) = self.value(&[chart.section]) else {
            return;
        };
        let mut found = Vec::new();
        find_openings(values, &[chart.section], chart.service, &mut found);
        let name = chart.name.replace("{release}", &self.release.name);
        for (path, span) in found {
            let reason = format!(
                "{} may open the database to others, and the chart that reads it is not followed",
                path.join(".")
            );
            self.doubts.push((name.clone(), reason, span));
        }
    }

    /// The Service of a server.
    pub(super) fn service(&mut self, section: &str) {
        let Some(service) = self.value(&[section, "service"]) else {
            return;
        };
        let span = self.section_span(section);
        let name = self.named(section);
        let at_type = self.span(&[section, "service", "type"]);
        let own = |key: &str| at(service, &[key]).map(Arc::clone);
        let mut port = vec![("targetPort", Node::made_text(span, "http"))];
        port.extend(own("port").map(|port| ("port", port)));
        if word(service, &["type"]) == "NodePort" {
            port.extend(own("nodePort").map(|port| ("nodePort", port)));
        }
        let ports = Node::made_list(at_type, vec![Node::made_mapping(at_type, port)]);
        let mut spec = vec![("selector", instance(span, &name)), ("ports", ports)];
        spec.extend(own("type").map(|kind| ("type", kind)));
        let mut rest = vec![("spec", Node::made_mapping(span, spec))];
        rest.extend(own("annotations").map(|it| ("annotations", it)));
        self.add(span, "Service", &name, rest);
    }

    /// The Ingress of a server, where there is one.
    pub(super) fn ingress(&mut self, section: &str) {
        let Some(ingress) = self.value(&[section, "ingress"]) else {
            return;
        };
        if !is_true(at(ingress, &["enabled"])) {
            return;
        }
        let span = self.span(&[section, "ingress", "hostName"]);
        let name = self.named(section);
        let text = |text: &str| Node::made_text(span, text);
        let own = |key: &str| at(ingress, &[key]).map(Arc::clone);
        let host = printed(own("hostName").as_ref());
        let port = self.value(&[section, "service", "port"]).map(Arc::clone);
        let port = port.map(|port| ("port", Node::made_mapping(span, [("number", port)])));
        let service = [("name", text(&name))].into_iter().chain(port);
        let service = Node::made_mapping(span, service);
        let backend = Node::made_mapping(span, [("service", service)]);
        let path = own("path").unwrap_or_else(|| text("/"));
        let path = [
            ("path", path),
            ("pathType", text("Prefix")),
            ("backend", backend),
        ];
        let paths = Node::made_list(span, vec![Node::made_mapping(span, path)]);
        let http = Node::made_mapping(span, [("paths", paths)]);
        let rule = Node::made_mapping(span, [("host", text(&host)), ("http", http)]);
        let mut spec = vec![("rules", Node::made_list(span, vec![rule]))];
        if let Some(secret) = own("tlsSecretName").filter(|name| is_true(Some(name))) {
            let hosts = Node::made_list(span, vec![text(&host)]);
            let tls = Node::made_mapping(
                secret.span(SourceId::FIRST),
                [("hosts", hosts), ("secretName", Arc::clone(&secret))],
            );
            spec.push(("tls", Node::made_list(span, vec![tls])));
        }
        let mut rest = vec![("spec", Node::made_mapping(span, spec))];
        rest.extend(own("annotations").map(|it| ("annotations", it)));
        self.add(span, "Ingress", &name, rest);
    }
}

/// Adds the paths of values that open a database: an Ingress, a Service of another type, addresses, more objects.
fn find_openings<'a>(
    node: &'a Node,
    above: &[&'a str],
    known: &[&str],
    found: &mut Vec<(Vec<&'a str>, Span)>,
) {
    const DEEPEST: usize = 8;
    for field in node.fields() {
        let Some(name) = field.key.text().filter(|_| above.len() < DEEPEST) else {
            continue;
        };
        // What it exports are numbers.
        if name == "metrics" {
            continue;
        }
        let path = [above, &[name]].concat();
        let is_on = is_true(Some(field.value));
        let opens = match name {
            "externalAccess" | "ingress" => is_true(at(field.value, &["enabled"])),
            "externalIPs" | "extraDeploy" | "hostNetwork" | "hostPort" => is_on,
            "type" => {
                let is_open = matches!(field.value.text(), Some("LoadBalancer" | "NodePort"));
                let of_service = above.last().is_some_and(|last| last.ends_with("ervice"));
                is_open && of_service && above != known
            }
            _ => false,
        };
        if opens {
            found.push((path, field.key.span(SourceId::FIRST)));
        } else {
            find_openings(field.value, &path, known, found);
        }
    }
}

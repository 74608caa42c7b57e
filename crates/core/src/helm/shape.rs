//! The objects of a release.

mod around;

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::layers::Refused;
use super::table::{From, KEYS, Part, SetVariable, VARIABLES};
use super::values::{is_true, printed};
use super::{Release, Rendering};
use crate::keyset::kubernetes::OF_THE_CHART;
use crate::source::{SourceId, Span};
use crate::version::{Lifetime, Version};
use crate::yaml::below::{at, text};
use crate::yaml::{Node, Quoting, Typed, parse_part_last};

/// The folder of the configuration.
const FOLDER: &str = "/opt/clearml/config";

/// What the chart is called, which is in the names of its objects.
const CHART: &str = "clearml";

/// The first chart with a delete job of its own.
const ASYNCDELETE: Lifetime = since(Version::new(7, 8, 0));
/// The first in which it takes variables of the user's own.
const ASYNCDELETE_EXTRA: Lifetime = since(Version::new(7, 14, 6));
/// The first with volumes of the user's own.
const VOLUMES: Lifetime = since(Version::new(7, 10, 0));
/// The first that takes its keys from a Secret of the user's own.
const EXISTING_SECRET: Lifetime = since(Version::new(7, 2, 1));
/// The first that puts something random into the Secret for an empty value.
const RANDOM: Lifetime = since(Version::new(7, 14, 5));

const fn since(version: Version) -> Lifetime {
    Lifetime {
        since: Some(version),
        until: None,
    }
}

type Nodes = Vec<Arc<Node>>;

/// Makes the objects of one release.
struct Shape<'a> {
    values: &'a Node,
    release: &'a Release,
    /// With what the names of the servers' objects begin.
    name: String,
    chart: Version,
    /// Where something is that nobody wrote.
    file: Span,
    objects: Nodes,
    doubts: Vec<(String, String, Span)>,
}

/// The objects of a release, of values over the chart's own.
pub(super) fn objects(
    values: &Node,
    release: &Release,
    chart: Version,
    file: Span,
) -> Result<Rendering, Refused> {
    let mut shape = Shape {
        values,
        release,
        name: full_name(values, &release.name),
        chart,
        file,
        objects: Vec::new(),
        doubts: Vec::new(),
    };
    shape.secret()?;
    shape.databases();
    for part in [
        Part::Apiserver,
        Part::Asyncdelete,
        Part::Fileserver,
        Part::Webserver,
    ] {
        let is_there = part != Part::Asyncdelete || ASYNCDELETE.includes(Some(chart));
        if is_there && is_true(shape.value(&[part.section(), "enabled"])) {
            shape.server(part)?;
        }
    }
    for section in ["apiserver", "fileserver", "webserver"] {
        if is_true(shape.value(&[section, "enabled"])) {
            shape.service(section);
            shape.ingress(section);
        }
    }
    Ok(Rendering {
        objects: shape.objects,
        unread: Vec::new(),
        doubts: shape.doubts,
    })
}

impl Part {
    /// The values that are for it.
    fn section(self) -> &'static str {
        match self {
            Self::Apiserver | Self::Asyncdelete => "apiserver",
            Self::Fileserver => "fileserver",
            Self::Webserver => "webserver",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Asyncdelete => "apiserver-asyncdelete",
            part => part.section(),
        }
    }

    fn port(self) -> &'static str {
        match self {
            Self::Apiserver | Self::Asyncdelete => "8008",
            Self::Fileserver => "8081",
            Self::Webserver => "80",
        }
    }
}

impl<'a> Shape<'a> {
    fn value(&self, path: &[&str]) -> Option<&'a Arc<Node>> {
        at(self.values, path)
    }

    /// Where a value is, or what it would be in.
    fn span(&self, path: &[&str]) -> Span {
        let mut span = self.file;
        let mut node = self.values;
        for name in path {
            let Some(field) = node.get(name) else {
                break;
            };
            span = field.key.span(SourceId::FIRST).at_start();
            node = field.value;
        }
        self.value(path)
            .map_or(span, |value| value.span(SourceId::FIRST))
    }

    /// Where a part of the values begins.
    fn section_span(&self, section: &str) -> Span {
        let key = self.values.get(section).map(|field| field.key);
        key.map_or(self.file, |key| key.span(SourceId::FIRST))
    }

    fn named(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    /// An object, for the cluster.
    fn add(&mut self, span: Span, kind: &str, name: &str, rest: Vec<(&str, Arc<Node>)>) {
        let mut metadata = vec![("name", Node::made_text(span, name))];
        if let Some(namespace) = &self.release.namespace {
            metadata.push(("namespace", Node::made_text(span, namespace.as_str())));
        }
        // The Secret has a name that no release changes, and no label.
        if kind != "Secret" {
            metadata.push(("labels", instance(span, &self.release.name)));
        }
        let annotations = rest.iter().position(|(key, _)| *key == "annotations");
        let mut rest = rest;
        metadata.extend(annotations.map(|index| rest.remove(index)));
        let mut entries = vec![
            ("apiVersion", Node::made_text(span, "v1")),
            ("kind", Node::made_text(span, kind)),
            ("metadata", Node::made_mapping(span, metadata)),
        ];
        entries.append(&mut rest);
        self.objects.push(Node::made_mapping(span, entries));
    }

    /// The Secret that is there whether anything reads it or not.
    fn secret(&mut self) -> Result<(), Refused> {
        let mut data = Vec::new();
        for (name, path) in KEYS {
            let path: Vec<&str> = path.split('.').collect();
            let span = self.span(&path);
            if self.is_random(&path) {
                continue;
            }
            let value = self.value(&path).filter(|value| is_text(value));
            let Some(value) = value else {
                return Err((span, format!("{} is not text; quote it", path.join("."))));
            };
            data.push((*name, Arc::clone(value)));
        }
        let span = self.section_span("clearml");
        let data = Node::made_mapping(span, data);
        self.add(span, "Secret", OF_THE_CHART, vec![("stringData", data)]);
        let configs = self.value(&["apiserver", "additionalConfigs"]);
        if let Some(configs) = configs.filter(|configs| is_true(Some(configs))) {
            let fields = configs.fields();
            if let Some(other) = fields.iter().find(|field| !is_text(field.value)) {
                let span = other.key.span(SourceId::FIRST);
                let message = "a file of apiserver.additionalConfigs is not text; quote it";
                return Err((span, message.to_owned()));
            }
            let name = self.named("apiserver-configmap");
            let span = configs.span(SourceId::FIRST);
            self.add(
                span,
                "ConfigMap",
                &name,
                vec![("data", Arc::clone(configs))],
            );
        }
        Ok(())
    }

    /// The workload of a server.
    fn server(&mut self, part: Part) -> Result<(), Refused> {
        let section = part.section();
        let name = self.named(part.name());
        let span = self.section_span(section);
        self.doubt(part, &name);
        let mut container = vec![
            ("name", Node::made_text(span, format!("clearml-{section}"))),
            ("image", self.image(section)),
            ("env", self.environment(part)?),
        ];
        let text = |text: &str| Node::made_text(span, text);
        if part == Part::Asyncdelete {
            let host = format!("http://{}:8081", self.named("fileserver"));
            let words = [
                "python3",
                "-m",
                "jobs.async_urls_delete",
                "--fileserver-host",
                &host,
            ];
            let words = words.map(text).to_vec();
            container.push(("command", Node::made_list(span, words)));
            container.push(("workingDir", text("/opt/clearml/apiserver")));
        } else {
            container.push(("args", Node::made_list(span, vec![text(section)])));
            let port = [
                ("name", text("http")),
                ("containerPort", Node::made_plain(span, part.port())),
            ];
            let port = Node::made_mapping(span, port);
            container.push(("ports", Node::made_list(span, vec![port])));
        }
        container.extend((part == Part::Apiserver).then(|| self.probe()));
        let (mut volumes, mut mounts) = self.configs(part);
        if part != Part::Asyncdelete && VOLUMES.includes(Some(self.chart)) {
            volumes.extend(self.list(&[section, "additionalVolumes"])?);
            mounts.extend(self.list(&[section, "additionalVolumeMounts"])?);
        }
        container.push(("volumeMounts", Node::made_list(span, mounts)));
        let mut spec = vec![("volumes", Node::made_list(span, volumes))];
        let context = |name| self.value(&[section, name]).map(Arc::clone);
        container.extend(context("containerSecurityContext").map(|it| ("securityContext", it)));
        spec.extend(context("podSecurityContext").map(|it| ("securityContext", it)));
        let replicas = self.value(&[section, "replicaCount"]);
        let replicas = replicas
            .filter(|_| part != Part::Asyncdelete)
            .map(Arc::clone);
        self.workload(span, ("Deployment", &name), container, spec, replicas);
        Ok(())
    }

    fn workload(
        &mut self,
        span: Span,
        (kind, name): (&str, &str),
        container: Vec<(&str, Arc<Node>)>,
        mut spec: Vec<(&str, Arc<Node>)>,
        replicas: Option<Arc<Node>>,
    ) {
        let containers = Node::made_list(span, vec![Node::made_mapping(span, container)]);
        spec.push(("containers", containers));
        let labels = Node::made_mapping(span, [("labels", instance(span, name))]);
        let pod = [
            ("metadata", labels),
            ("spec", Node::made_mapping(span, spec)),
        ];
        let mut whole = vec![("template", Node::made_mapping(span, pod))];
        whole.extend(replicas.map(|replicas| ("replicas", replicas)));
        let whole = Node::made_mapping(span, whole);
        self.add(span, kind, name, vec![("spec", whole)]);
    }

    /// Notes where a value may be meant as a template, of which nothing here knows what fills it in.
    fn doubt(&mut self, part: Part, workload: &str) {
        let own = self.value(&[part.section()]).into_iter();
        let all = self.value(&["clearml"]).into_iter();
        for node in own.chain(all) {
            if let Some(span) = template(node) {
                let reason = "a value has {{ in it, as templates have".to_owned();
                self.doubts.push((workload.to_owned(), reason, span));
                return;
            }
        }
    }

    fn image(&self, section: &str) -> Arc<Node> {
        let of = |name| self.value(&[section, "image", name]);
        let registry = of("registry").filter(|registry| is_true(Some(registry)));
        let registry = registry.or_else(|| self.value(&["global", "imageRegistry"]));
        let [repository, tag] = ["repository", "tag"].map(|name| printed(of(name)));
        let span = self.span(&[section, "image", "tag"]);
        let registry = match printed(registry) {
            none if none.is_empty() => none,
            registry => format!("{registry}/"),
        };
        Node::made_text(span, format!("{registry}{repository}:{tag}"))
    }

    /// What Kubernetes asks the API server, with a pair that is written in the workload.
    fn probe(&self) -> (&'static str, Arc<Node>) {
        let [key, secret] = ["readinessprobeKey", "readinessprobeSecret"]
            .map(|name| printed(self.value(&["clearml", name])));
        let span = self.span(&["clearml", "readinessprobeSecret"]);
        let pair = format!("Basic {}", STANDARD.encode(format!("{key}:{secret}")));
        let name = ("name", Node::made_text(span, "Authorization"));
        let header = Node::made_mapping(span, [name, ("value", Node::made_text(span, pair))]);
        let headers = ("httpHeaders", Node::made_list(span, vec![header]));
        let get = ("httpGet", Node::made_mapping(span, [headers]));
        ("readinessProbe", Node::made_mapping(span, [get]))
    }

    /// What the chart sets, and then what the user adds.
    fn environment(&self, part: Part) -> Result<Arc<Node>, Refused> {
        let section = part.section();
        let rows = VARIABLES.iter().filter(|row| {
            let is_met = row.condition.is_none_or(|(path, is_meant)| {
                let path: Vec<&str> = path.split('.').collect();
                is_true(self.value(&path)) == is_meant
            });
            is_met && row.parts.contains(&part) && row.lifetime.includes(Some(self.chart))
        });
        let entries: Result<Nodes, Refused> = rows.map(|row| self.variable(row)).collect();
        let mut entries = entries?;
        if part != Part::Asyncdelete {
            entries.extend(self.list(&[section, "extraEnvs"])?);
        } else if ASYNCDELETE_EXTRA.includes(Some(self.chart)) {
            entries.extend(self.list(&[section, "asyncdelete", "extraEnvs"])?);
        }
        Ok(Node::made_list(self.section_span(section), entries))
    }

    fn variable(&self, row: &SetVariable) -> Result<Arc<Node>, Refused> {
        let (span, from) = match row.from {
            From::Key(key) => self.reference(key),
            From::Text(text) => {
                let (filled, span) = self.filled(text);
                let value = match row.is_unquoted {
                    true => reread(&filled, span)?,
                    false => Node::made_text(span, filled),
                };
                (span, ("value", value))
            }
        };
        let name = ("name", Node::made_text(span, row.name));
        Ok(Node::made_mapping(span, [name, from]))
    }

    /// A variable's place, and the key of the Secret that it is taken from.
    fn reference(&self, key: &'static str) -> (Span, (&'static str, Arc<Node>)) {
        let existing = self.value(&["clearml", "existingSecret"]);
        let existing = existing
            .filter(|name| is_true(Some(name)) && EXISTING_SECRET.includes(Some(self.chart)));
        let path = KEYS.iter().find(|(name, _)| *name == key);
        let path: Vec<&str> = path.map_or("", |(_, path)| path).split('.').collect();
        let span = match existing {
            Some(name) => name.span(SourceId::FIRST),
            None => self.span(&path),
        };
        if existing.is_none() && self.is_random(&path) {
            // Nothing but the cluster has it: each upgrade makes another.
            let field = [("fieldPath", Node::made_text(span, "random"))];
            let from = Node::made_mapping(span, [("fieldRef", Node::made_mapping(span, field))]);
            return (span, ("valueFrom", from));
        }
        let name = existing.map_or_else(|| Node::made_text(span, OF_THE_CHART), Arc::clone);
        let reference = [("name", name), ("key", Node::made_text(span, key))];
        let reference = Node::made_mapping(span, reference);
        let from = Node::made_mapping(span, [("secretKeyRef", reference)]);
        (span, ("valueFrom", from))
    }

    /// Whether the chart makes something random for a key of its Secret.
    fn is_random(&self, path: &[&str]) -> bool {
        RANDOM.includes(Some(self.chart)) && !is_true(self.value(path))
    }

    /// A text with what is in braces filled in, and where that is.
    fn filled(&self, text: &'static str) -> (String, Span) {
        let mut span = None;
        let mut filled = text.replace("{release}", &self.release.name);
        filled = filled.replace("{name}", &self.name);
        for place in places(text).filter(|place| !["name", "release"].contains(place)) {
            let path: Vec<&str> = place.split('.').collect();
            span.get_or_insert_with(|| self.span(&path));
            filled = filled.replace(&format!("{{{place}}}"), &printed(self.value(&path)));
        }
        (filled, span.unwrap_or(self.file))
    }

    /// A list that the chart takes over as it is written.
    fn list(&self, path: &[&str]) -> Result<Nodes, Refused> {
        let value = self.value(path);
        let Some(value) = value.filter(|value| is_true(Some(value))) else {
            return Ok(Vec::new());
        };
        let items = value.items().map(<[_]>::to_vec);
        items.ok_or_else(|| {
            let span = value.span(SourceId::FIRST);
            (span, format!("{} is not a list", path.join(".")))
        })
    }

    /// The volume with files of configuration, and its mount: the file server and the web server have none.
    fn configs(&self, part: Part) -> (Nodes, Nodes) {
        if part.section() != "apiserver" {
            return (Vec::new(), Vec::new());
        }
        let of = |name| {
            let value = self.value(&["apiserver", name]);
            value.filter(|value| is_true(Some(value)))
        };
        let own = of("existingAdditionalConfigsConfigMap");
        let (kind, key, name) = if let Some(name) = own {
            ("configMap", "name", Arc::clone(name))
        } else if let Some(name) = of("existingAdditionalConfigsSecret") {
            ("secret", "secretName", Arc::clone(name))
        } else if let Some(files) = of("additionalConfigs") {
            let span = files.span(SourceId::FIRST);
            let name = self.named("apiserver-configmap");
            ("configMap", "name", Node::made_text(span, name))
        } else {
            return (Vec::new(), Vec::new());
        };
        let span = name.span(SourceId::FIRST);
        let text = |text| Node::made_text(span, text);
        let source = Node::made_mapping(span, [(key, name)]);
        let volume = [("name", text("configs")), (kind, source)];
        let mount = [("name", text("configs")), ("mountPath", text(FOLDER))];
        (
            vec![Node::made_mapping(span, volume)],
            vec![Node::made_mapping(span, mount)],
        )
    }
}

/// What is in braces in a text of the table.
pub(super) fn places(text: &'static str) -> impl Iterator<Item = &'static str> {
    let parts = text
        .split('{')
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('}')?.0));
    parts.filter(|place| place.chars().all(|c| c.is_ascii_alphanumeric() || c == '.'))
}

/// With what the names of a release's servers begin.
fn full_name(values: &Node, release: &str) -> String {
    const LONGEST: usize = 63;
    let own = |key| Some(printed(at(values, &[key]))).filter(|name| !name.is_empty());
    let name = own("fullnameOverride").unwrap_or_else(|| {
        let chart = own("nameOverride").unwrap_or_else(|| CHART.to_owned());
        match release.contains(&chart) {
            true => release.to_owned(),
            false => format!("{release}-{chart}"),
        }
    });
    let name: String = name.chars().take(LONGEST).collect();
    name.strip_suffix('-').map_or(name.clone(), str::to_owned)
}

/// Whether a template's function that wants a text takes a value.
fn is_text(value: &Node) -> bool {
    let is_other = |typed: &Typed| {
        matches!(
            typed,
            Typed::Bool(_) | Typed::Float(_) | Typed::Integer(_) | Typed::Null
        )
    };
    value.typed_as_1_1().is_some_and(|typed| !is_other(&typed))
}

/// What a text is once it is printed without quotes, as YAML.
fn reread(text: &str, span: Span) -> Result<Arc<Node>, Refused> {
    let line = format!("value: {text}\n");
    let refused = || {
        let message = "the chart prints this value without quotes, where it is no YAML";
        (span, message.to_owned())
    };
    let parsed = parse_part_last(Path::new(""), &line, 0..line.len());
    let (documents, _) = parsed.map_err(|_| refused())?;
    let value = documents.first().and_then(|root| root.get("value"));
    let value = value.ok_or_else(refused)?.value;
    Ok(match value.scalar() {
        Some(scalar) if value.quoting() == Some(Quoting::Plain) => {
            Node::made_plain(span, scalar.text())
        }
        Some(scalar) => Node::made_text(span, scalar.text()),
        None if value.items().is_some() => Node::made_list(span, Vec::new()),
        None => Node::made_mapping(span, Vec::<(&str, Arc<Node>)>::new()),
    })
}

fn instance(span: Span, name: &str) -> Arc<Node> {
    let name = Node::made_text(span, name);
    Node::made_mapping(span, [("app.kubernetes.io/instance", name)])
}

/// Where a value has what templates have. Annotations are for other programs, which use the same braces.
fn template(node: &Node) -> Option<Span> {
    if let Some(items) = node.items() {
        return items.iter().find_map(|item| template(item));
    }
    if let Some(scalar) = node.scalar() {
        let span = node.span(SourceId::FIRST);
        return scalar.text().contains("{{").then_some(span);
    }
    let fields = node.fields();
    let is_ours =
        |name: Option<&str>| !name.is_some_and(|name| name.to_lowercase().ends_with("annotations"));
    let mut ours = fields.iter().filter(|field| is_ours(field.key.text()));
    ours.find_map(|field| template(field.value))
}

/// The text of a value, where it is one.
fn word<'n>(node: &'n Node, path: &[&str]) -> &'n str {
    text(node, path).unwrap_or_default()
}

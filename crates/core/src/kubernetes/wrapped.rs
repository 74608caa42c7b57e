//! Objects that have the values of a chart in them, for a controller that installs it: Argo CD's Application, Flux's HelmRelease
//! and the HelmChart of k3s.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::Unread;
use super::object::{Object, Wrapped, is_its_own};
use super::read::Reader;
use super::store::{self, Content};
use super::values::{Root, exact};
use crate::compose::Loader;
use crate::error::Error;
use crate::helm::{self, Release};
use crate::io::real;
use crate::knowable::Knowable;
use crate::shown::escape;
use crate::source::{SourceId, Span, Within, offset_of};
use crate::yaml::below::{at, is_true, text};
use crate::yaml::{self, Node, Quoting};

/// What one says of a release.
struct Installed<'n> {
    chart: Option<&'n str>,
    version: Option<&'n str>,
    name: String,
    namespace: Option<String>,
    values: Vec<Given<'n>>,
}

/// Values, the later ones over the earlier.
enum Given<'n> {
    /// The path of a file.
    File(&'n str),
    /// A key of a ConfigMap or a Secret.
    Key(&'n Node),
    /// A path, a value, and whether that is a text whatever it looks like.
    Set(&'n str, &'n Arc<Node>, bool),
    /// A text with YAML in it: its key, and itself.
    Text(&'n Arc<Node>, &'n Arc<Node>),
    Tree(&'n Arc<Node>),
}

/// Charts of ClearML's that install no server.
const OTHERS: [&str; 2] = ["clearml-agent", "clearml-serving"];

const RENDER: &str = "render it, or check what runs: kubectl get deploy,sts,svc,ing,cm,secret -o yaml | clearml-verify -";

impl Reader {
    /// Makes objects of the values that are in others. What cannot be read is noted.
    pub(super) fn unwrap_values(&mut self) {
        for one in std::mem::take(&mut self.wrapped) {
            if let Err(reason) = self.of_wrapped(&one) {
                let span = one.node.span(one.source);
                self.unread.push(Unread {
                    place: self.sources.place(span),
                    what: one.kind,
                    reason,
                });
            }
        }
        self.drop_layers();
    }

    /// Values that an object is installed with are no release of their own.
    fn drop_layers(&mut self) {
        let sources = &self.sources;
        let installer = |source: SourceId| self.layers.get(sources.file(source)?);
        let mut is_dropped = Vec::new();
        for chart in &self.charts {
            let mut parts = chart.values.parts.iter().map(|(source, _)| *source);
            let first = parts.next().filter(|_| chart.values.inside.is_none());
            let by = first.and_then(|first| Some((first, installer(first)?)));
            let by = by.filter(|_| parts.all(|source| installer(source).is_some()));
            is_dropped.push(by.is_some());
            self.remarks.extend(by.map(|(first, installer)| {
                let file = sources.path(first).display();
                format!("{file}: {installer} installs the chart with it, so it is checked as a part of that alone")
            }));
        }
        self.objects
            .retain(|object| !object.release.is_some_and(|at| is_dropped[at]));
    }

    fn of_wrapped(&mut self, one: &Wrapped) -> Result<(), String> {
        let version = text(&one.node, &["apiVersion"]).unwrap_or_default();
        let installed = match one.kind.as_str() {
            kind if !is_its_own(kind, version) => None,
            "Application" => application(&one.node),
            "HelmChart" => helm_chart(&one.node),
            "HelmRelease" => helm_release(&one.node),
            _ => None,
        };
        let Some(installed) = installed else {
            return Err(format!(
                "it has the values of a chart, and is not read; {RENDER}"
            ));
        };
        match installed.chart.map(base) {
            Some("clearml") => {}
            Some(chart) if OTHERS.contains(&chart) => return Ok(()),
            _ => {
                return Err(format!(
                    "the chart is not ClearML's own, or not named; {RENDER}"
                ));
            }
        }
        let chart = match (installed.version, self.chart) {
            (None, assumed) => Knowable::Known(assumed.unwrap_or(helm::newest())),
            (Some(version), assumed) => match (exact(version), assumed) {
                (Some(version), _) | (None, Some(version)) => Knowable::Known(version),
                (None, None) => Knowable::unknown(
                    "it names no one version of the chart; say which is installed: --chart VERSION",
                ),
            },
        };
        let mut roots = Vec::new();
        for given in &installed.values {
            roots.extend(self.root(one, given)?);
        }
        if roots.is_empty() {
            roots.push(Root {
                source: one.source,
                node: Node::made_of(one.node.span(one.source).at_start(), Vec::new()),
                range: one.range.clone(),
            });
        }
        let release = Release {
            name: installed.name,
            namespace: installed.namespace,
            chart,
            is_assumed: false,
        };
        let files = roots.iter().map(|root| self.sources.file(root.source));
        let files: Vec<PathBuf> = files.flatten().map(Path::to_owned).collect();
        let done = self.release(roots, &release, one.unit, Some(&one.kind));
        if done.is_ok() {
            let installer = format!("{} {}", one.kind, escape(&release.name));
            let files = files.into_iter().map(|file| (file, installer.clone()));
            self.layers.extend(files);
        }
        done.map_err(|error| {
            // It is one line of a list.
            let help = error.help().map(|help| help.replace(":\n  ", ": "));
            let help = help.map(|help| format!("; {help}"));
            format!("{error}{}", help.unwrap_or_default())
        })
    }

    /// The tree of values that are given in one way; none where there are none.
    fn root(&mut self, one: &Wrapped, given: &Given<'_>) -> Result<Option<Root>, String> {
        let here = |node: Arc<Node>| Root {
            source: one.source,
            node,
            range: one.range.clone(),
        };
        match given {
            Given::Tree(node) => Ok(Some(here(Arc::clone(node)))),
            Given::Text(key, value) => self.of_text(one, key, value),
            Given::File(path) => self.of_file(one, path).map(Some),
            Given::Key(reference) => self.of_key(one, reference),
            Given::Set(path, value, is_text) => set(one, path, value, *is_text)
                .map(|node| Some(here(node)))
                .ok_or_else(|| format!("the parameter {} is not read; {RENDER}", escape(path))),
        }
    }

    fn of_text(&mut self, one: &Wrapped, key: &Node, value: &Node) -> Result<Option<Root>, String> {
        let Some(scalar) = value.scalar().filter(|_| is_text(value)) else {
            return match value.is_null() {
                true => Ok(None),
                false => Err(format!("its values are no text; {RENDER}")),
            };
        };
        let mut within = Within {
            span: key.span(one.source),
            lines: None,
            is_secret: false,
        };
        if value.quoting() == Some(Quoting::Block) {
            within.span = value.span(one.source);
            within = store::in_block(within, self.sources.text(one.source));
        }
        let text = Zeroizing::new(scalar.text().to_owned());
        self.inner(one.source, text, within).map(Some)
    }

    /// A text within another one.
    fn inner(
        &mut self,
        source: SourceId,
        text: Zeroizing<String>,
        within: Within,
    ) -> Result<Root, String> {
        let path = self.sources.path(source).to_owned();
        let inner = self.sources.add_within(&path, text, within);
        self.parsed(&path, inner)
    }

    fn parsed(&self, path: &Path, source: SourceId) -> Result<Root, String> {
        let text = self.sources.text(source);
        let range = 0..text.len();
        let parsed = yaml::parse_part_last(path, text, range.clone());
        let first = parsed.map(|(documents, _)| documents.into_iter().next());
        let node = first.map_err(|error| match error {
            Error::Yaml { place, message } => {
                let start = offset_of(text, &place);
                let place = self.sources.place(Span {
                    source,
                    start,
                    end: start,
                });
                format!("its values are no YAML: {place}: {message}")
            }
            _ => format!("its values are no YAML; {RENDER}"),
        })?;
        Ok(Root {
            node: node.unwrap_or_else(|| Node::nothing(source)),
            source,
            range,
        })
    }

    /// A file of the same repository: below a folder that the object's own file is in.
    fn of_file(&mut self, one: &Wrapped, path: &str) -> Result<Root, String> {
        let missing = || format!("its values file {} is not here; {RENDER}", escape(path));
        // Without the name of another source it is a file of the chart.
        let plain = path
            .strip_prefix('$')
            .and_then(|rest| rest.split_once('/'))
            .map(|(_, path)| Path::new(path));
        let plain = plain.ok_or_else(missing)?;
        let is_below = plain
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        let own = self.sources.file(one.source).map(Path::to_owned);
        let above: Vec<&Path> = own
            .as_deref()
            .into_iter()
            .flat_map(Path::ancestors)
            .skip(1)
            .collect();
        // The path begins at the top of a repository; where nothing tells which folder that is, it has to be the only one.
        let top = above.iter().position(|folder| folder.join(".git").exists());
        let folders = match top {
            Some(top) => &above[top..=top],
            None => &above[..],
        };
        let files = folders.iter().map(|folder| folder.join(plain));
        let mut files = files.filter(|file| is_below && file.is_file());
        let found = match (files.next(), files.next()) {
            (Some(found), None) => found,
            _ => return Err(missing()),
        };
        let found = self.as_named(one.source, &found).unwrap_or(found);
        let opened = Loader::default().open(&mut self.sources, &found);
        let source = opened.map_err(|_| missing())?;
        self.parsed(&found, source)
    }

    /// The path of a file below a folder that a source is in, as the source's own is named: its findings are the same on every
    /// machine.
    fn as_named(&self, source: SourceId, file: &Path) -> Option<PathBuf> {
        let own = self.sources.file(source)?;
        let steps = own
            .ancestors()
            .skip(1)
            .position(|above| file.starts_with(above))?;
        let below = file.strip_prefix(own.ancestors().nth(steps + 1)?).ok()?;
        let mut folder = self.sources.path(source).parent()?.to_owned();
        for _ in 0..steps {
            if !folder.pop() {
                folder.push("..");
            }
        }
        let named = folder.join(below);
        (real(&named) == file).then_some(named)
    }

    /// A key of a ConfigMap or a Secret that was given, too.
    fn of_key(&mut self, one: &Wrapped, reference: &Node) -> Result<Option<Root>, String> {
        let [kind, name] = ["kind", "name"].map(|key| text(reference, &[key]).unwrap_or_default());
        let key = text(reference, &["valuesKey"]).unwrap_or("values.yaml");
        if let Some(path) = text(reference, &["targetPath"]) {
            return Err(format!(
                "{} has a value that is in {} {}, key {}, and is not read; {RENDER}",
                escape(path),
                escape(kind),
                escape(name),
                escape(key)
            ));
        }
        let namespace = text(&one.node, &["metadata", "namespace"]);
        let is_meant = |object: &&Object| {
            object.kind == kind
                && object.name == name
                && (namespace.is_none()
                    || object.namespace.is_none()
                    || object.namespace.as_deref() == namespace)
        };
        let mut meant = self.objects.iter().filter(is_meant);
        let (object, second) = (meant.next(), meant.next());
        let entry = object.filter(|_| second.is_none());
        let entry = entry.and_then(|object| Some((object, store::of_key(object, key)?)));
        match entry {
            Some((object, entry)) => {
                let source = object.source;
                let within = entry.within(&self.sources);
                match entry.content {
                    Content::Text(text) => self.inner(source, text, within).map(Some),
                    Content::Encrypted => Err(store::encrypted(object).as_str().to_owned()),
                    Content::Bytes | Content::Invalid(_) => {
                        Err(format!("{kind} {} is no text", escape(name)))
                    }
                }
            }
            None => Err(format!(
                "its values are in {} {}, key {}, which was not given; add it as a TARGET",
                escape(kind),
                escape(name),
                escape(key)
            )),
        }
    }
}

/// Whether a value is a text for Kubernetes.
fn is_text(value: &Node) -> bool {
    super::object::text_of(value).is_ok() && !value.is_null()
}

/// What a parameter sets, as `helm --set` takes it; none where its path is more than names.
fn set(one: &Wrapped, path: &str, value: &Arc<Node>, is_text: bool) -> Option<Arc<Node>> {
    if path.is_empty() || path.contains(['\\', '[', ']', '{', '"']) {
        return None;
    }
    let span = value.span(one.source);
    let written = value.scalar()?.text();
    let is_number = written == "0" || !written.starts_with('0') && written.parse::<i64>().is_ok();
    let is_plain = is_number || ["true", "false", "null"].contains(&written);
    if written.contains(['{', '\\', ',']) {
        return None;
    }
    let leaf = match is_plain && !is_text {
        true => Node::made_plain(span, written),
        false => Node::made_text(span, written),
    };
    let names = path.split('.').rev();
    Some(names.fold(leaf, |below, name| {
        Node::made_mapping(span, [(name, below)])
    }))
}

fn name(node: &Node) -> String {
    text(node, &["metadata", "name"])
        .unwrap_or("clearml")
        .to_owned()
}

fn owned(node: &Node, keys: &[&str]) -> Option<String> {
    text(node, keys).map(str::to_owned)
}

/// A key of a mapping and its text.
fn keyed<'n>(node: &'n Node, key: &str) -> Option<Given<'n>> {
    let field = node.get(key)?;
    Some(Given::Text(field.key, field.value))
}

fn list<'n>(node: &'n Node, keys: &[&str]) -> &'n [Arc<Node>] {
    at(node, keys)
        .and_then(|list| list.items())
        .unwrap_or_default()
}

/// The source of an Application that installs ClearML's chart, or the only one with a chart. Several sources stand instead of
/// one. None where several install the chart: they are releases of their own.
fn source(node: &Node) -> Option<&Arc<Node>> {
    let several = list(node, &["spec", "sources"]);
    if several.is_empty() {
        return at(node, &["spec", "source"]);
    }
    let has = |source: &Node, name: Option<&str>| {
        let chart = text(source, &["chart"]).map(base);
        chart.is_some() && (name.is_none() || chart == name)
    };
    let named = several.iter().filter(|source| has(source, None));
    let own = several.iter().filter(|source| has(source, Some("clearml")));
    let mut meant = match own.clone().next() {
        Some(_) => own.collect::<Vec<_>>(),
        None => named.take(1).collect(),
    }
    .into_iter();
    let source = meant.next()?;
    meant.next().is_none().then_some(source)
}

/// A chart's name, without where it is.
fn base(chart: &str) -> &str {
    chart.rsplit('/').next().unwrap_or(chart)
}

/// What changes nothing of a rendering, or is read, of a source of Argo CD.
const OF_SOURCE: [&str; 7] = [
    "chart",
    "helm",
    "name",
    "path",
    "ref",
    "repoURL",
    "targetRevision",
];
/// The same of its part for helm. Files for parameters are of the repository, whatever is in them.
const OF_HELM: [&str; 14] = [
    "apiVersions",
    "ignoreMissingValueFiles",
    "kubeVersion",
    "namespace",
    "parameters",
    "passCredentials",
    "releaseName",
    "skipCrds",
    "skipSchemaValidation",
    "skipTests",
    "valueFiles",
    "values",
    "valuesObject",
    "version",
];
/// The same of a HelmRelease. What is here and is not read says when and as whom it is installed.
const OF_RELEASE: [&str; 23] = [
    "chart",
    "commonMetadata",
    "dependsOn",
    "driftDetection",
    "install",
    "interval",
    "kubeConfig",
    "maxHistory",
    "persistentClient",
    "releaseName",
    "rollback",
    "serviceAccountName",
    "storageNamespace",
    "suspend",
    "targetNamespace",
    "test",
    "timeout",
    "uninstall",
    "upgrade",
    "values",
    "valuesFrom",
    "waitStrategy",
    "healthCheckExprs",
];
/// The same of the chart in it.
const OF_ITS_CHART: [&str; 7] = [
    "chart",
    "ignoreMissingValuesFiles",
    "interval",
    "reconcileStrategy",
    "sourceRef",
    "verify",
    "version",
];
/// The same of a HelmChart of k3s.
const OF_CHART: [&str; 24] = [
    "authPassCredentials",
    "authSecret",
    "backOffLimit",
    "bootstrap",
    "chart",
    "createNamespace",
    "dockerRegistrySecret",
    "failurePolicy",
    "helmVersion",
    "insecureSkipTLSVerify",
    "jobImage",
    "plainHTTP",
    "podSecurityContext",
    "repo",
    "repoCA",
    "repoCAConfigMap",
    "securityContext",
    "serverSide",
    "takeOwnership",
    "targetNamespace",
    "timeout",
    "values",
    "valuesContent",
    "version",
];

/// Whether a mapping has nothing but what is known. A key that is not may change what is rendered: an empty one does not.
fn is_known(node: &Node, known: &[&str]) -> bool {
    node.fields().iter().all(|field| {
        let key = field.key.scalar().map(|key| key.text());
        let is_nothing = field.value.is_null()
            || field.value.items().is_some_and(<[_]>::is_empty)
            || field.value.entries().is_some_and(<[_]>::is_empty);
        is_nothing || key.is_some_and(|key| known.contains(&key))
    })
}

/// An Application of Argo CD. An object of values stands instead of a text of them.
fn application(node: &Node) -> Option<Installed<'_>> {
    let source = source(node)?;
    let own = at(source, &["helm"]);
    if !is_known(source, &OF_SOURCE) || !own.is_none_or(|own| is_known(own, &OF_HELM)) {
        return None;
    }
    let mut values: Vec<Given<'_>> = list(source, &["helm", "valueFiles"])
        .iter()
        .filter_map(|path| Some(Given::File(path.text()?)))
        .collect();
    values.extend(match at(source, &["helm", "valuesObject"]) {
        Some(tree) => Some(Given::Tree(tree)),
        None => own.and_then(|own| keyed(own, "values")),
    });
    for parameter in list(source, &["helm", "parameters"]) {
        let value = at(parameter, &["value"])?;
        let is_text = is_true(parameter, &["forceString"]);
        values.push(Given::Set(text(parameter, &["name"])?, value, is_text));
    }
    Some(Installed {
        chart: text(source, &["chart"]),
        version: text(source, &["targetRevision"]),
        name: owned(source, &["helm", "releaseName"]).unwrap_or_else(|| name(node)),
        namespace: owned(node, &["spec", "destination", "namespace"]),
        values,
    })
}

/// A HelmRelease of Flux.
fn helm_release(node: &Node) -> Option<Installed<'_>> {
    // Others are files of the chart's source over its values, and what changes the rendering.
    let is_read = |keys: &[&str], known| at(node, keys).is_none_or(|part| is_known(part, known));
    if !is_read(&["spec"], &OF_RELEASE) || !is_read(&["spec", "chart", "spec"], &OF_ITS_CHART) {
        return None;
    }
    let target = text(node, &["spec", "targetNamespace"]);
    let own = match target {
        Some(target) => format!("{target}-{}", name(node)),
        None => name(node),
    };
    let from = list(node, &["spec", "valuesFrom"]).iter();
    let mut values: Vec<Given<'_>> = from.map(|reference| Given::Key(reference)).collect();
    values.extend(at(node, &["spec", "values"]).map(Given::Tree));
    Some(Installed {
        chart: text(node, &["spec", "chart", "spec", "chart"]),
        version: text(node, &["spec", "chart", "spec", "version"]),
        name: owned(node, &["spec", "releaseName"]).unwrap_or(own),
        namespace: target
            .map(str::to_owned)
            .or_else(|| owned(node, &["metadata", "namespace"])),
        values,
    })
}

/// A HelmChart of k3s.
fn helm_chart(node: &Node) -> Option<Installed<'_>> {
    let spec = at(node, &["spec"])?;
    // Others are values in Secrets, single ones beside the text, and another chart than the one that is named.
    if !is_known(spec, &OF_CHART) {
        return None;
    }
    Some(Installed {
        chart: text(spec, &["chart"]),
        version: text(spec, &["version"]),
        name: name(node),
        namespace: owned(spec, &["targetNamespace"])
            .or_else(|| owned(node, &["metadata", "namespace"])),
        // What is no text is over it.
        values: keyed(spec, "valuesContent")
            .into_iter()
            .chain(at(spec, &["values"]).map(Given::Tree))
            .collect(),
    })
}

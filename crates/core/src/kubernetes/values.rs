//! Values of a chart among the manifests: what the chart makes of them is read as what is rendered.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::object::Object;
use super::read::{Chart, Reader};
use super::{Rendered, Values};
use crate::compose::Loader;
use crate::compose::files::GivenFile;
use crate::error::Error;
use crate::helm::{self, Layer, Release};
use crate::knowable::Knowable;
use crate::shown::escape;
use crate::source::{SourceId, place_of};
use crate::unseen::{Hides, Unseen};
use crate::version::Version;
use crate::yaml::below::{list, text};
use crate::yaml::{self, Node};

const RENDERED: &str = "render the chart with what it becomes, and check that:\n  helm template clearml clearml/clearml --kube-version 1.30.0 -f values.yaml | clearml-verify -";

const RENDERED_TWICE: &str = "render the chart that has both, and check that:\n  helm template NAME CHART -f values.yaml | clearml-verify -";

/// Larger files are no values.
const LARGEST: usize = 4 << 20;

/// One values file or what stands for one.
pub(super) struct Root {
    pub(super) source: SourceId,
    pub(super) node: Arc<Node>,
    /// Where it is in its text.
    pub(super) range: Range<usize>,
}

impl Reader {
    /// Says which chart is meant where nothing else does.
    pub fn assume_chart(&mut self, chart: Version) {
        self.chart = Some(chart);
    }

    /// Takes over the values files of a release, the later ones over the earlier.
    ///
    /// # Errors
    /// What is not YAML, what Helm refuses, and a chart of which nothing is known.
    pub fn add_values(
        &mut self,
        files: Vec<GivenFile>,
        release: &Release,
        unit: usize,
    ) -> Result<(), Error> {
        let mut roots = Vec::new();
        for (path, text) in files {
            let source = Loader::default().give(&mut self.sources, &path, text);
            roots.push(Root {
                source,
                node: self.values_document(&path, source)?,
                range: 0..self.sources.text(source).len(),
            });
        }
        self.release(roots, release, unit, None)
    }

    /// The one document of a values file.
    fn values_document(&mut self, path: &Path, source: SourceId) -> Result<Arc<Node>, Error> {
        let text = self.sources.text(source);
        let refused = |at: usize, message: &str, help: &str| Error::Compose {
            place: place_of(path, text, at),
            message: message.to_owned(),
            help: Some(help.to_owned()),
        };
        if text.len() > LARGEST {
            let message = "this file is larger than 4 MiB";
            return Err(refused(0, message, "give this the values alone"));
        }
        if helm::are_none(text) {
            return Ok(Node::nothing(source));
        }
        let template = || {
            let message =
                "this is a template of values, of which nothing here knows what fills it in";
            refused(text.find("{{").unwrap_or(0), message, RENDERED)
        };
        let parsed = yaml::parse_part_last(path, text, 0..text.len());
        let (documents, repeated) = parsed.map_err(|error| match error {
            Error::Yaml { .. } if text.contains("{{") => template(),
            Error::Yaml { place, message } => Error::Compose {
                place,
                message,
                help: Some("fix the line; helm refuses it too".to_owned()),
            },
            other => other,
        })?;
        if documents.iter().any(|root| has_odd_key(root)) {
            return Err(template());
        }
        // One that is empty is none to helm.
        if let Some(second) = documents
            .get(1..)
            .and_then(|rest| rest.iter().find(|one| !one.is_null()))
        {
            let message = "a second document begins here, which helm does not read";
            return Err(refused(
                second.range().start,
                message,
                "give each its own file",
            ));
        }
        if let Some(twice) = documents.first().and_then(|root| helm::second(root)) {
            let message =
                "this is a second installation of ClearML's chart, with values of its own";
            return Err(refused(twice.range().start, message, RENDERED_TWICE));
        }
        let remark = repeated.first().map(|at| {
            format!(
                "{}: this key is in the mapping twice; the last one counts, as for helm",
                place_of(path, text, *at)
            )
        });
        self.remarks.extend(remark);
        let root = documents.into_iter().next();
        Ok(root.unwrap_or_else(|| Node::nothing(source)))
    }

    /// The version of ClearML's chart that the chart beside values depends on, under a name.
    fn chart_of_dependency(&mut self, root: &Root, name: &str) -> Option<Version> {
        self.sources.file(root.source)?;
        let path = self.sources.path(root.source).with_file_name("Chart.yaml");
        let source = Loader::default().open(&mut self.sources, &path).ok()?;
        let written = self.sources.text(source);
        let (documents, _) = yaml::parse_part_last(&path, written, 0..written.len()).ok()?;
        let own = documents.first()?;
        let mut dependencies = list(own, &["dependencies"]).iter();
        let own = dependencies.find(|one| {
            let called = text(one, &["alias"]).or_else(|| text(one, &["name"]));
            text(one, &["name"]) == Some("clearml") && called == Some(name)
        })?;
        exact(text(own, &["version"])?)
    }

    /// Refuses what helm does not take for values, or reads as no other reader of YAML does.
    fn refuse_odd(&self, roots: &[Root]) -> Result<(), Error> {
        for root in roots {
            let refused = |node: &Node, message: &str, help: &str| Error::Compose {
                place: self.sources.place(node.span(root.source)),
                message: message.to_owned(),
                help: Some(help.to_owned()),
            };
            if root.node.entries().is_none() && !root.node.is_null() {
                let message = "values are a mapping, and this is none; helm refuses it";
                return Err(refused(&root.node, message, "give the values alone"));
            }
            if let Some(key) = helm::late_merge(&root.node) {
                let message = "helm lets what this merges win over a key above it, which no other reader of YAML does";
                return Err(refused(key, message, "put `<<` before the other keys"));
            }
        }
        Ok(())
    }

    /// Takes over the values of a release.
    pub(super) fn release(
        &mut self,
        roots: Vec<Root>,
        release: &Release,
        unit: usize,
        inside: Option<&str>,
    ) -> Result<(), Error> {
        self.refuse_odd(&roots)?;
        // What a controller installs names the chart.
        let section = roots.iter().filter(|_| inside.is_none());
        let section = section.filter_map(|root| helm::section(&root.node)).next();
        let section = section.flatten();
        if let (Some(name), Some(root)) = (&section, roots.first()) {
            self.remarks.push(format!(
                "{}: read as values of a chart that has ClearML's as {}; ClearML's own chart reads none of them there",
                escape(&self.sources.path(root.source).to_string_lossy()),
                escape(name)
            ));
        }
        let release = &match (&section, roots.first()) {
            (Some(name), Some(root)) if release.is_assumed => Release {
                chart: self
                    .chart_of_dependency(root, name)
                    .map_or(release.chart.clone(), Knowable::Known),
                ..release.clone()
            },
            _ => release.clone(),
        };
        let layers = roots.iter();
        let layers = layers.map(|root| Layer::of(root.source, &root.node, section.as_deref()));
        let layers: Vec<Layer> = layers.collect();
        let mut rendering = helm::render(&layers, release, &self.sources)?;
        // Helm itself reads whether it installs what a chart depends on.
        rendering
            .unread
            .retain(|one| section.is_none() || one.path != "enabled");
        let Some(first) = layers.first() else {
            return Ok(());
        };
        let index = self.charts.len();
        for node in rendering.objects {
            let word = |keys: &[&str]| text(&node, keys).map(str::to_owned);
            self.objects.push(Object {
                kind: word(&["kind"]).unwrap_or_default(),
                name: word(&["metadata", "name"]).unwrap_or_default(),
                namespace: word(&["metadata", "namespace"]),
                source: first.source,
                range: 0..self.sources.text(first.source).len(),
                unit,
                release: Some(index),
                keys: OnceLock::new(),
                refused: OnceLock::new(),
                node,
            });
        }
        let chart = match &release.chart {
            Knowable::Known(version) => *version,
            Knowable::Unknown(_) => helm::newest(),
        };
        self.charts.push(Chart {
            values: Arc::new(Values {
                parts: roots
                    .into_iter()
                    .map(|root| (root.source, root.range))
                    .collect(),
                inside: inside.map(str::to_owned),
                chart,
                unread: rendering.unread,
            }),
            doubts: rendering.doubts,
        });
        Ok(())
    }
}

/// One version, and no range.
pub(super) fn exact(text: &str) -> Option<Version> {
    let plain = text.trim_start_matches('v');
    let is_one =
        plain.split('.').count() == 3 && plain.chars().all(|c| c.is_ascii_digit() || c == '.');
    Version::parse(plain).filter(|_| is_one)
}

/// Whether a key is more than a text, which helm refuses: `{{ … }}` without quotes is a mapping as the key of one.
fn has_odd_key(node: &Node) -> bool {
    let items = node.items().unwrap_or_default();
    let entries = node.entries().unwrap_or_default();
    items.iter().any(|item| has_odd_key(item))
        || entries
            .iter()
            .any(|entry| entry.key.scalar().is_none() || has_odd_key(&entry.value))
}

impl Rendered {
    /// Notes of which values it is made, and what these do not tell.
    pub(super) fn add_values(&mut self, chart: &Chart) {
        for part in &chart.values.parts {
            if !self.parts.contains(part) {
                self.parts.push(part.clone());
            }
        }
        for (workload, reason, span) in &chart.doubts {
            self.deployment.unseen.push(Unseen {
                what: "what the chart makes".to_owned(),
                hides: Hides::Anything,
                reason: format!("{reason}; render it: {}", helm::RENDER),
                service: Some(workload.clone()),
                span: Some(*span),
            });
        }
        self.values = Some(Arc::clone(&chart.values));
    }
}

//! From texts to objects.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use zeroize::Zeroizing;

use super::ahead::{Ahead, Parsed};
use super::object::{Object, Role, Wrapped, role, shown_kind};
use super::patch;
use super::split::{self, Document, ItemOf, Part};
use super::{Unread, Values};
use crate::compose::Loader;
use crate::deployment::exposure::may_lead;
use crate::error::Error;
use crate::image::REPOSITORIES;
use crate::secret::{DECRYPT, is_encrypted};
use crate::source::{SourceId, Sources, Span, place_of};
use crate::version::Version;
use crate::yaml::below::{at, text};
use crate::yaml::{self, Node};

/// Takes over texts, one after the other.
#[derive(Default)]
pub struct Reader {
    pub(super) sources: Sources,
    pub(super) objects: Vec<Object>,
    /// What is of a kind that is not read, and may lead to a server or a database.
    pub(super) others: Vec<Object>,
    /// Workloads that are no whole ones.
    pub(super) patches: Vec<Object>,
    pub(super) unread: Vec<Unread>,
    pub(super) remarks: Vec<String>,
    pub(super) charts: Vec<Chart>,
    pub(super) wrapped: Vec<Wrapped>,
    /// The values files that these are installed with.
    pub(super) layers: HashMap<PathBuf, String>,
    /// The chart that is meant where nothing says which.
    pub(super) chart: Option<Version>,
}

/// The values of a release.
pub(super) struct Chart {
    pub(super) values: Arc<Values>,
    /// What is not told: the name of a workload, why, and where.
    pub(super) doubts: Vec<(String, String, Span)>,
}

/// Larger objects no API server takes: it takes requests of 3 MiB.
const LARGEST: usize = 4 << 20;

/// A workload has one of these words if it runs a server of ClearML, one of its databases, a page for these, or what may
/// lead to any of them; or one that is known of what does the same in compose files.
const WORDS: [&str; 35] = [
    "CLEARML",
    "ClearML",
    "TRAINS",
    "adminer",
    "allegroai",
    "apiserver",
    "caddy",
    "cerebro",
    "clearml",
    "cloudbeaver",
    "cloudflared",
    "compass-web",
    "dbeaver",
    "dbgate",
    "dejavu",
    "elastic",
    "envoy",
    "fileserver",
    "httpd",
    "keydb",
    "kibana",
    "mongo",
    "nginx",
    "nosqlclient",
    "omnidb",
    "openresty",
    "opensearch",
    "proxy",
    "redis",
    "redmon",
    "socat",
    "tailscale",
    "traefik",
    "trains",
    "valkey",
];

/// Whether a text has an object of Kubernetes: a line that only they have, in YAML or in JSON.
pub fn is_manifest(text: &str) -> bool {
    const KEY: &str = "apiVersion";
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let Some(last) = text.rfind(KEY) else {
        return false;
    };
    // What `jq .items` leaves of a List.
    if text.starts_with('[') && text.contains("\"apiVersion\"") {
        return true;
    }
    // Two braces begin a template.
    let is_braced = |line: &str| line.starts_with('{') && !line.starts_with("{{");
    let mut before = 0;
    text.split_inclusive('\n').any(|line| {
        let at = before;
        before += line.len();
        let line = ["--- ", "- ", "? "]
            .iter()
            .fold(line, |line, sign| line.strip_prefix(sign).unwrap_or(line));
        let key = line.trim_start_matches(['"', '\'']);
        let after = key.strip_prefix(KEY);
        let after = after.map(|after| after.trim_start_matches(['"', '\'']).trim());
        let is_key = after.is_some_and(|after| after.is_empty() || after.starts_with(':'));
        is_key || is_braced(line) && at < last
    })
}

/// Whether to read an object, where its kind, its version and its words decide that.
fn decided(kind: &str, version: Option<&str>, written: &str) -> Option<bool> {
    if split::is_list(kind) {
        return Some(true);
    }
    match role(kind, version) {
        Role::Entrance | Role::Maker => Some(true),
        Role::Workload => {
            Some(WORDS.iter().any(|word| written.contains(word)) || may_lead(written))
        }
        Role::Chart => Some(written.to_ascii_lowercase().contains("clearml")),
        // Helm keeps whole releases in Secrets.
        Role::Read => Some(kind == "Service" || !written.contains("helm.sh/release.v1")),
        Role::Record => Some(false),
        Role::Database | Role::Route if version.is_none() => Some(true),
        Role::Database | Role::Route | Role::Other => None,
    }
}

impl Reader {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over the objects of a text. Of texts of one `unit`, references mean each other's objects first.
    ///
    /// # Errors
    /// What is not YAML or JSON, is larger than Kubernetes takes it, or is not rendered yet.
    pub fn add(&mut self, path: &Path, text: Zeroizing<String>, unit: usize) -> Result<(), Error> {
        let source = Loader::default().give(&mut self.sources, path, text);
        let before = self.lengths();
        let text = self.sources.clone();
        let of = Of {
            path,
            text: text.text(source),
            source,
            unit,
        };
        let documents = split::documents(of.text);
        let is_read = |part: &Part| {
            let written = &of.text[part.range.clone()];
            let kind = part.kind.as_deref();
            written.len() <= LARGEST
                && kind.is_none_or(|kind| decided(kind, None, written) == Some(true))
        };
        let mut ahead = Ahead::of(path, of.text, &documents, &is_read);
        let done = documents
            .iter()
            .try_for_each(|document| self.document(&of, document, &mut ahead));
        if done.is_err() {
            // What is half of something would be taken for the whole.
            self.take_back(before);
        }
        done
    }

    /// How much there is of what texts are made into.
    fn lengths(&self) -> [usize; 4] {
        [
            self.objects.len(),
            self.others.len(),
            self.patches.len(),
            self.wrapped.len(),
        ]
    }

    /// Forgets what came after that.
    fn take_back(&mut self, [objects, others, patches, wrapped]: [usize; 4]) {
        self.objects.truncate(objects);
        self.others.truncate(others);
        self.patches.truncate(patches);
        self.wrapped.truncate(wrapped);
    }

    fn document(
        &mut self,
        of: &Of<'_>,
        document: &Document,
        ahead: &mut Ahead,
    ) -> Result<(), Error> {
        let before = self.lengths();
        for part in &document.parts {
            let parsed = ahead.take(&part.range);
            let Err(error) = self.part(of, part, parsed) else {
                continue;
            };
            let is_split = part.range != document.range && document.range.len() <= LARGEST;
            if !is_split {
                return Err(error);
            }
            // An anchor may be in another item: the whole tells.
            self.take_back(before);
            let whole = Part {
                range: document.range.clone(),
                kind: None,
                of: None,
            };
            return self.part(of, &whole, None);
        }
        Ok(())
    }

    /// Takes over an object, which may have been parsed ahead.
    fn part(&mut self, of: &Of<'_>, part: &Part, parsed: Option<Parsed>) -> Result<(), Error> {
        let written = &of.text[part.range.clone()];
        let kind = part.kind.as_deref().filter(|_| parsed.is_none());
        if kind.is_some_and(|kind| !self.is_wanted(of, kind, None, &part.range)) {
            return Ok(());
        }
        if part.range.len() > LARGEST {
            return Err(of.refused(
                part.range.start,
                "this object is larger than Kubernetes takes it, which is 3 MiB",
                "give this the objects of ClearML alone, each as one of its own",
            ));
        }
        let parse = || yaml::parse_part_last(of.path, of.text, part.range.clone());
        let parsed = parsed.unwrap_or_else(parse);
        let (trees, repeated) = parsed.map_err(|error| of.error(error, written, &part.range))?;
        // kubectl prints some objects so, and reads the last one of them.
        let is_second = |at: &&usize| of.text[**at..].starts_with("apiVersion");
        let at_start = |at: &&usize| of.text[..**at].ends_with('\n');
        if let Some(at) = repeated.iter().filter(at_start).find(is_second) {
            return Err(of.refused(
                *at,
                "a second object begins here, without `---` before it",
                "put a line with --- between them; of kubectl label, use what -o json prints",
            ));
        }
        if let Some(at) = repeated.first() {
            self.remarks.push(format!(
                "{}: this key is in the mapping twice; the last one counts, as for Kubernetes",
                place_of(of.path, of.text, *at)
            ));
        }
        for tree in trees {
            // An item of a List that was read alone.
            let items = tree.items().map(<[_]>::to_vec);
            for node in items.unwrap_or_else(|| vec![tree]) {
                self.object(of, node, part.of.as_ref(), &part.range)?;
            }
        }
        Ok(())
    }

    /// Whether to read an object, as far as its kind and, once that is read, its version tell. What may hide a server and is
    /// not read is noted.
    fn is_wanted(
        &mut self,
        of: &Of<'_>,
        kind: &str,
        version: Option<&str>,
        range: &Range<usize>,
    ) -> bool {
        let written = &of.text[range.clone()];
        if let Some(is_read) = decided(kind, version, written) {
            return is_read;
        }
        let has_image = REPOSITORIES.iter().any(|image| written.contains(image));
        let shown = shown_kind(kind, version.unwrap_or_default());
        if kind == "Kustomization" && (has_image || written.contains("helmCharts")) {
            self.note(of, range, &shown, RENDER_KUSTOMIZATION);
        } else if has_image {
            self.note(
                of,
                range,
                &shown,
                "it names an image of ClearML, and this kind is not read",
            );
        }
        role(kind, version) != Role::Other
    }

    fn note(&mut self, of: &Of<'_>, range: &Range<usize>, kind: &str, reason: &str) {
        let skipped = of.text[range.clone()].trim_start_matches(['-', '\n', '\r', ' ']);
        self.unread.push(Unread {
            place: place_of(of.path, of.text, range.end - skipped.len()),
            what: kind.to_owned(),
            reason: reason.to_owned(),
        });
    }

    /// Keeps an object, or those of a List.
    fn object(
        &mut self,
        of: &Of<'_>,
        node: Arc<Node>,
        list: Option<&ItemOf>,
        range: &Range<usize>,
    ) -> Result<(), Error> {
        let node = described(node, list, of.source);
        let kind = text(&node, &["kind"]).unwrap_or_default().to_owned();
        if split::is_list(&kind)
            && let Some(items) = at(&node, &["items"]).and_then(|items| items.items())
        {
            let own = ItemOf::list(Some(&kind), text(&node, &["apiVersion"]));
            for item in items {
                self.object(of, Arc::clone(item), own.as_ref(), &item.range())?;
            }
            return Ok(());
        }
        let range = match node.range() {
            // The marker before the object is no part of it.
            own if range.contains(&own.start) => own.start..range.end,
            _ => range.clone(),
        };
        let written = &of.text[range.clone()];
        if at(&node, &["apiVersion"]).is_none() {
            return Ok(());
        }
        let version = text(&node, &["apiVersion"]).unwrap_or_default().to_owned();
        if is_encrypted(&kind) {
            // Kinds and names as well, unless it is told which keys to encrypt.
            let reason = format!("SOPS has encrypted its kind; {DECRYPT}");
            self.note(of, &range, "an object", &reason);
            return Ok(());
        }
        if !self.is_wanted(of, &kind, Some(&version), &range) {
            return Ok(());
        }
        let role = role(&kind, Some(&version));
        if role == Role::Chart {
            self.wrapped.push(Wrapped {
                kind,
                node,
                source: of.source,
                range,
                unit: of.unit,
            });
            return Ok(());
        }
        if role == Role::Workload && is_template(written) {
            return Err(of.template(range.start));
        }
        let name = text(&node, &["metadata", "name"])
            .or_else(|| text(&node, &["metadata", "generateName"]));
        let object = Object {
            name: name.unwrap_or("(no name)").to_owned(),
            namespace: text(&node, &["metadata", "namespace"]).map(str::to_owned),
            kind: shown_kind(&kind, &version),
            node,
            source: of.source,
            range,
            unit: of.unit,
            release: None,
            keys: OnceLock::new(),
            refused: OnceLock::new(),
        };
        match role {
            Role::Database | Role::Route => self.others.push(object),
            Role::Workload if patch::is_one(&object) => self.patches.push(object),
            _ => self.objects.push(object),
        }
        Ok(())
    }
}

/// An object with the kind and the version that its List gives it, if it has neither; an empty one is none.
fn described(node: Arc<Node>, list: Option<&ItemOf>, source: SourceId) -> Arc<Node> {
    const GIVEN: [&str; 2] = ["apiVersion", "kind"];
    let is_bare = GIVEN
        .iter()
        .all(|key| at(&node, &[key]).is_none_or(|own| own.text().is_none_or(str::is_empty)));
    let Some((list, entries)) = list.zip(node.entries()).filter(|_| is_bare) else {
        return node;
    };
    let span = node.span(source);
    let given = GIVEN.into_iter().zip([&list.version, &list.kind]);
    let given = given.map(|(key, value)| {
        let [key, value] = [key, value.as_str()].map(|text| Node::made_text(span.at_start(), text));
        (key, value)
    });
    let is_given = |key: &Node| key.text().is_some_and(|key| GIVEN.contains(&key));
    let own = entries
        .iter()
        .filter(|entry| !is_given(&entry.key))
        .map(|entry| (Arc::clone(&entry.key), Arc::clone(&entry.value)));
    Node::made_of(span, given.chain(own).collect())
}

/// A text that is read.
struct Of<'a> {
    path: &'a Path,
    text: &'a str,
    source: SourceId,
    unit: usize,
}

impl Of<'_> {
    fn refused(&self, at: usize, message: &str, help: &str) -> Error {
        Error::Compose {
            place: place_of(self.path, self.text, at),
            message: message.to_owned(),
            help: Some(help.to_owned()),
        }
    }

    fn template(&self, at: usize) -> Error {
        self.refused(
            at,
            "this is a template of a chart, which is not rendered yet",
            RENDER,
        )
    }

    /// What the parser says, with what to do about it.
    fn error(&self, error: Error, written: &str, range: &Range<usize>) -> Error {
        match error {
            Error::Yaml { .. } if is_template(written) => self.template(range.start),
            Error::Yaml { place, message } => Error::Compose {
                place,
                message,
                help: Some("fix the line; kubectl refuses it too".to_owned()),
            },
            other => other,
        }
    }
}

/// Whether a text has what Helm's templates have. Other programs use double braces as well.
fn is_template(text: &str) -> bool {
    const OF_HELM: [&str; 5] = [".Values", ".Release", ".Chart", "include \"", "{{-"];
    text.contains("{{") && OF_HELM.iter().any(|word| text.contains(word))
}

/// How a chart is rendered.
pub const RENDER: &str = "render it:\n  helm template clearml clearml/clearml --kube-version 1.30.0 -f values.yaml | clearml-verify -";

const RENDER_KUSTOMIZATION: &str =
    "it is not rendered: kubectl kustomize --enable-helm DIR | clearml-verify -";

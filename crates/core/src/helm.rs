//! Values of ClearML's Helm chart: what the chart makes of them, without Helm and without the chart
//! (docs/clearml.md#helm-chart).
//!
//! What the chart does is a table, data/chart.toml. From it and the values the same objects are made that `helm template`
//! prints, as far as they matter, as trees in which each value is still where somebody wrote it. What reads manifests reads
//! them: nothing else knows that there are values. What the table does not tell is refused or noted, never guessed.

mod layers;
pub mod recipe;
mod shape;
mod table;
mod unread;
mod values;

use std::sync::Arc;

use crate::error::Error;
use crate::knowable::Knowable;
use crate::secret::{DECRYPT, is_encrypted};
use crate::source::{SourceId, Sources, Span};
use crate::version::Version;
use crate::yaml::below::at;
use crate::yaml::{Node, Typed};
pub use table::{newest, oldest};
pub use unread::UnreadValue;
pub use values::{are_none, has_one_part, is_values, late_merge, second, section};

/// How a release is rendered, which is exact.
pub const RENDER: &str =
    "helm template clearml clearml/clearml --kube-version 1.30.0 -f values.yaml | clearml-verify -";

/// Where nothing is.
const NOWHERE: Span = Span {
    source: SourceId::FIRST,
    start: 0,
    end: 0,
};

/// The release that values are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its name, with which the names of its objects begin.
    pub name: String,
    /// Its namespace, where one is written.
    pub namespace: Option<String>,
    /// The version of the chart.
    pub chart: Knowable<Version>,
    /// Whether nobody said which one it is.
    pub is_assumed: bool,
}

impl Default for Release {
    fn default() -> Self {
        Self {
            name: "clearml".to_owned(),
            namespace: None,
            chart: Knowable::Known(newest()),
            is_assumed: true,
        }
    }
}

/// One values file, as Helm takes it with `-f`.
pub(crate) struct Layer {
    pub(crate) source: SourceId,
    pub(crate) root: Arc<Node>,
}

impl Layer {
    /// Where the first of its values is.
    fn start(&self) -> Span {
        let fields = self.root.fields();
        let first = fields
            .first()
            .map(|field| field.key.span(self.source).at_start());
        first.unwrap_or(Span {
            source: self.source,
            start: 0,
            end: 0,
        })
    }
}

/// What a release has in the cluster.
pub(crate) struct Rendering {
    /// The objects.
    pub(crate) objects: Vec<Arc<Node>>,
    /// Values that no template reads.
    pub(crate) unread: Vec<UnreadValue>,
    /// What is not told: the name of a workload, why, and where.
    pub(crate) doubts: Vec<(String, String, Span)>,
}

/// What a release has in the cluster, of its values files: a later one is over an earlier one, and all of them are over the
/// chart's own.
///
/// # Errors
/// What Helm refuses, and a chart of which nothing is known.
pub(crate) fn render(
    layers: &[Layer],
    release: &Release,
    sources: &Sources,
) -> Result<Rendering, Error> {
    let file = layers.first().map_or(NOWHERE, Layer::start);
    let refused = |span: Span, message: &str, help: &str| Error::Compose {
        place: sources.place(span),
        message: message.to_owned(),
        help: Some(help.to_owned()),
    };
    let render = format!("render it:\n  {RENDER}");
    let version = match &release.chart {
        Knowable::Known(version) => *version,
        Knowable::Unknown(reason) => return Err(refused(file, reason.as_str(), &render)),
    };
    if !(oldest()..=newest()).contains(&version) {
        let message = format!(
            "chart {version} is not known here, only {} to {} are",
            oldest(),
            newest()
        );
        return Err(refused(file, &message, &render));
    }
    let own = layers::merged(layers, file);
    if let Some(place) = encrypted(&own) {
        return Err(refused(place, "SOPS has encrypted this value", DECRYPT));
    }
    if let Some(name) = at(&own, &["clearml", "existingSecret"])
        && values::is_true(Some(name))
        && matches!(
            name.typed_as_1_1(),
            None | Some(Typed::Bool(_) | Typed::Float(_) | Typed::Integer(_))
        )
    {
        let message = "clearml.existingSecret is no text, and a Secret's name is one";
        let place = name.span(SourceId::FIRST);
        return Err(refused(
            place,
            message,
            "write the Secret's name, in quotes",
        ));
    }
    let whole = layers::over_defaults(&own, version, file)
        .map_err(|(span, message)| refused(span, &message, "helm refuses it; fix the value"))?;
    let mut rendering = shape::objects(&whole, release, version, file)
        .map_err(|(span, message)| refused(span, &message, "helm refuses it; fix the value"))?;
    rendering.unread = unread::values(&own, version);
    Ok(rendering)
}

/// Where a value is that SOPS has encrypted. What it keeps of itself is no value.
fn encrypted(own: &Node) -> Option<Span> {
    let mut fields = own.fields().into_iter();
    fields.find_map(|field| match field.key.text() {
        Some("sops") => None,
        _ => leaf(field.value),
    })
}

fn leaf(node: &Node) -> Option<Span> {
    if let Some(scalar) = node.scalar() {
        return is_encrypted(scalar.text()).then(|| node.span(SourceId::FIRST));
    }
    let items = node.items().unwrap_or_default().iter();
    let fields = node.fields().into_iter().map(|field| field.value);
    items.chain(fields).find_map(|below| leaf(below))
}

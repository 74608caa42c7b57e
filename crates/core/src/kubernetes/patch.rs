//! Workloads that only change those of another text, as the patches of Kustomize do: what they make is not known here.

use super::Unread;
use super::group::may_be_clearml;
use super::object::Object;
use crate::source::Sources;
use crate::yaml::Node;
use crate::yaml::below::{at, list, text};

/// What a patch may say of a workload without changing what its pods are.
const HARMLESS: [&str; 7] = [
    "minReadySeconds",
    "paused",
    "progressDeadlineSeconds",
    "replicas",
    "revisionHistoryLimit",
    "strategy",
    "updateStrategy",
];

const REASON: &str = "a container in it has no image, or it has no container: it only changes what another file describes; check what is made of both: kubectl kustomize DIR | clearml-verify -";

/// Whether a workload is none by itself: Kubernetes refuses a container without an image.
pub(super) fn is_one(workload: &Object) -> bool {
    // OpenShift puts the image in, and a Rollout may have another workload's pods.
    let is_filled_in = workload.kind == "DeploymentConfig"
        || workload.annotation("image.openshift.io/triggers").is_some()
        || at(&workload.node, &["spec", "workloadRef"]).is_some();
    let spec = workload.pod().and_then(|pod| at(pod, &["spec"]));
    let of = |key: &str| spec.map(|spec| list(spec, &[key])).unwrap_or_default();
    let mut all = of("initContainers").iter().chain(of("containers"));
    let has_image = |one: &Node| text(one, &["image"]).is_some();
    !is_filled_in && (of("containers").is_empty() || all.any(|one| !has_image(one)))
}

/// Those that may change a workload of ClearML's: by their words, or because they have the name of one.
pub(super) fn unread(
    patches: &[Object],
    sources: &Sources,
    is_beside: impl Fn(&Object) -> bool,
) -> Vec<Unread> {
    let is_meant = |patch: &&Object| {
        !is_harmless(patch)
            && (may_be_clearml(patch, sources.text(patch.source)) || is_beside(patch))
    };
    let unread = |patch: &Object| Unread {
        place: sources.place(patch.name_span()),
        what: patch.kind.clone(),
        reason: REASON.to_owned(),
    };
    patches.iter().filter(is_meant).map(unread).collect()
}

/// Whether nothing that it says changes a pod.
fn is_harmless(patch: &Object) -> bool {
    let names = |node: &Node, known: &[&str]| {
        let mut fields = node.fields().into_iter();
        fields.all(|field| field.key.text().is_some_and(|key| known.contains(&key)))
    };
    names(&patch.node, &["apiVersion", "kind", "metadata", "spec"])
        && at(&patch.node, &["spec"]).is_none_or(|spec| names(spec, &HARMLESS))
}

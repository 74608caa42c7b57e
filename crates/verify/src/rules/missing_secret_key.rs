//! A variable is taken from a key that its Secret or ConfigMap does not have.
//!
//! **What**: in Kubernetes, `secretKeyRef` or `configMapKeyRef` names a key that is not in the object, and the reference is
//! not `optional`.
//!
//! **Why**: the pod does not start (`CreateContainerConfigError`), while the old one may go on with the old keys. ClearML's
//! chart wants seven keys in `clearml.existingSecret`, and the comment in its values names five: without `fileserver_key` and
//! `fileserver_secret` the file server never starts.
//!
//! bad: tests/fixtures/rules/missing-secret-key/bad.yml
//!
//! good: tests/fixtures/rules/missing-secret-key/good.yml
//!
//! **Fix**: add the key. `clearml-keygen -f kubernetes` prints a Secret with all that the chart and its values need.
//!
//! **References**: Kubernetes, "Distribute Credentials Securely Using Secrets"; docs/clearml.md#helm-chart;
//! docs/clearml.md#environment-in-kubernetes.

use std::collections::HashSet;

use clearml_secure_core::container::BrokenReference;
use clearml_secure_core::setting::Setting;
use clearml_secure_core::shown::escape;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use crate::words::{container, shown};

/// The server does not start.
const SEVERITY: Severity = Severity::Error;

/// What ClearML's chart takes from `clearml.existingSecret`, and its own list leaves out.
const LEFT_OUT: [&str; 2] = ["fileserver_key", "fileserver_secret"];

pub(crate) struct MissingSecretKey;

impl Rule for MissingSecretKey {
    fn id(&self) -> &'static str {
        "missing-secret-key"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let mut seen = HashSet::new();
        for instance in &case.deployment.instances {
            let service = case.deployment.service(instance);
            for broken in service.pod.iter().flat_map(|pod| &pod.broken) {
                // One value of a chart is the name of the Secret for many variables.
                let one = (broken.span, &broken.variable);
                if !seen.insert(one) {
                    continue;
                }
                let BrokenReference {
                    kind, name, key, ..
                } = broken;
                let variable = broken.variable.as_deref().unwrap_or_default();
                let left_out = match LEFT_OUT.contains(&key.as_str()) {
                    true => " (the list in the chart's values leaves it out)",
                    false => "",
                };
                let message = format!(
                    "{} does not start: {kind} {} has no key {}, which {} is taken from{left_out}",
                    container(service),
                    escape(name),
                    escape(key),
                    shown(variable)
                );
                let help = format!(
                    "add the key to the {kind}; `clearml-keygen -f kubernetes` prints a Secret with all keys"
                );
                findings.push(
                    Draft::new(SEVERITY, message, help)
                        .setting(Setting::by_variable(variable))
                        .server(instance.server)
                        .at(broken.span),
                );
            }
        }
    }
}

//! A variable is twice in the `env` of a container.
//!
//! **What**: in Kubernetes, one list `env` has two entries of the same name, as where `extraEnvs` of ClearML's chart repeats a
//! name that the chart sets itself.
//!
//! **Why**: the last one counts, until somebody upgrades: Helm 4 and server-side apply refuse the object, and an upgrade with
//! Helm 3 that takes one of the two out may take both out of the cluster, so that the image's public default is live again.
//!
//! bad: tests/fixtures/rules/duplicate-variable/bad.yml
//!
//! good: tests/fixtures/rules/duplicate-variable/good.yml
//!
//! **Fix**: remove one of the two. What the chart sets itself is set by its values: `clearml.existingSecret`.
//!
//! **References**: helm/helm issues 12643 and 31529; docs/clearml.md#environment-in-kubernetes.

use std::collections::HashSet;

use clearml_secure_core::setting::Setting;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use crate::words::{container, shown};

/// The next upgrade fails, or brings a public default back.
const SEVERITY: Severity = Severity::Error;

pub(crate) struct DuplicateVariable;

impl Rule for DuplicateVariable {
    fn id(&self) -> &'static str {
        "duplicate-variable"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let mut seen = HashSet::new();
        for instance in &case.deployment.instances {
            let service = case.deployment.service(instance);
            for (name, span) in service.pod.iter().flat_map(|pod| &pod.repeated) {
                if !seen.insert((*span, name)) {
                    continue;
                }
                let message = format!(
                    "{} is twice in env of {}: Helm 4 refuses it, and an upgrade with Helm 3 may remove both",
                    shown(name),
                    container(service)
                );
                let help = "remove one of the two: the last one counts now";
                findings.push(
                    Draft::new(SEVERITY, message, help)
                        .setting(Setting::by_variable(name))
                        .server(instance.server)
                        .at(*span),
                );
            }
        }
    }
}

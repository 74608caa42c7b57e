//! A value of the Helm chart has no effect.
//!
//! **What**: a values file sets something that no template of ClearML's chart reads, as `ingress.tls` of a server, whose
//! certificate the chart takes from `ingress.tlsSecretName`.
//!
//! **Why**: helm takes any value without a word. What was meant to protect something does not: the Ingress speaks plain HTTP all
//! the same, and a variable that reaches no server leaves the public default live.
//!
//! bad: tests/fixtures/rules/unread-value/bad.yml
//!
//! good: tests/fixtures/rules/unread-value/good.yml
//!
//! **Fix**: write the name that the chart reads (`helm show values clearml/clearml` lists them), or remove the value.
//!
//! **References**: docs/clearml.md#helm-chart.

use clearml_secure_core::shown::escape;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// What it was meant to do is not done.
const SEVERITY: Severity = Severity::Warning;

pub(crate) struct UnreadValue;

impl Rule for UnreadValue {
    fn id(&self) -> &'static str {
        "unread-value"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let manifests = case.deployment.manifests.as_ref();
        let Some(values) = manifests.and_then(|manifests| manifests.values.as_ref()) else {
            return;
        };
        for value in &values.unread {
            let path = escape(&value.path);
            let (message, help) = match (value.hidden_by, &value.instead) {
                (Some(other), _) => (
                    format!("{path} has no effect: the chart takes {other}, which is set, too"),
                    format!("put its files into what {other} names, and remove it"),
                ),
                (None, instead) => (
                    format!(
                        "{path} has no effect: chart {}.{} has no such value",
                        values.chart.major, values.chart.minor
                    ),
                    instead.as_ref().map_or_else(
                        || {
                            "remove it; `helm show values clearml/clearml` lists what is read"
                                .to_owned()
                        },
                        |instead| format!("write {}", escape(instead)),
                    ),
                ),
            };
            findings.push(Draft::new(SEVERITY, message, help).at(value.span));
        }
    }
}

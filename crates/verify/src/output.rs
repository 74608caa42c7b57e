//! What is printed: one file a format.

mod effective;
mod json;
mod text;

use clearml_secure_core::compose::Unseen;
use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::effective::Effective;
use clearml_secure_core::finding::{Finding, Severity};

use crate::cli::Format;

/// A deployment and what was found in it.
pub(crate) struct Report {
    pub(crate) deployment: Deployment,
    pub(crate) effective: Effective,
    /// Sorted by place.
    pub(crate) findings: Vec<Finding>,
    /// What could not be looked at.
    pub(crate) unseen: Vec<Unseen>,
}

/// The findings of all deployments.
pub(crate) fn findings(format: Format, reports: &[Report], color: bool) -> String {
    match format {
        Format::Json => json::findings(reports),
        Format::Text => text::findings(reports, color),
    }
}

/// The effective configuration of all deployments.
pub(crate) fn effective(format: Format, reports: &[Report]) -> String {
    match format {
        Format::Json => effective::json(reports),
        Format::Text => effective::text(reports),
    }
}

/// How many findings there are of a severity.
pub(crate) fn count(reports: &[Report], severity: Severity) -> usize {
    reports
        .iter()
        .flat_map(|report| &report.findings)
        .filter(|one| one.severity == severity)
        .count()
}

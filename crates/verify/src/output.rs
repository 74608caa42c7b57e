//! What is printed: one file a format.

mod effective;
mod fix;
mod github;
mod group;
mod html;
mod json;
mod sarif;
mod text;

use crate::cli::{Cli, Format};
use crate::finding::Severity;
use crate::receipt::Receipt;
use crate::report::Report;

pub(crate) use text::Look;

/// The findings of all deployments.
pub(crate) fn findings(
    format: Format,
    reports: &[Report],
    receipt: Option<&Receipt>,
    look: Look,
) -> String {
    match format {
        Format::Github => github::findings(reports),
        Format::Html => html::page(reports, receipt),
        Format::Json => json::findings(reports, receipt),
        Format::Sarif => sarif::findings(reports),
        Format::Text => text::findings(reports, receipt, look),
    }
}

/// The effective configuration of all deployments; none in a format that only knows findings.
pub(crate) fn effective(format: Format, reports: &[Report], look: Look) -> Option<String> {
    match format {
        Format::Json => Some(effective::json(reports)),
        Format::Text => Some(effective::text(reports, look)),
        // The page has it anyway.
        Format::Html => Some(html::page(reports, None)),
        Format::Github | Format::Sarif => None,
    }
}

/// What fixes the findings of all deployments; none in a format that is no shell.
pub(crate) fn fix(cli: &Cli, reports: &[Report]) -> Option<String> {
    match cli.format {
        Format::Text => Some(fix::script(cli, reports)),
        Format::Github | Format::Html | Format::Json | Format::Sarif => None,
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

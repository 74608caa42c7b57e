//! What is printed: one file a format.

mod effective;
mod fix;
mod github;
mod html;
mod json;
mod sarif;
mod text;

use crate::finding::{Finding, Severity};

use crate::cli::{Cli, Format};
use crate::receipt::Receipt;
use crate::report::Report;

/// The findings of all deployments.
pub(crate) fn findings(
    format: Format,
    reports: &[Report],
    receipt: Option<&Receipt>,
    color: bool,
) -> String {
    match format {
        Format::Github => github::findings(reports),
        Format::Html => html::page(reports, receipt),
        Format::Json => json::findings(reports, receipt),
        Format::Sarif => sarif::findings(reports),
        Format::Text => text::findings(reports, receipt, color),
    }
}

/// The effective configuration of all deployments; none in a format that only knows findings.
pub(crate) fn effective(format: Format, reports: &[Report]) -> Option<String> {
    match format {
        Format::Json => Some(effective::json(reports)),
        Format::Text => Some(effective::text(reports)),
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

/// Findings with the same rule, place and help are shown once, with the line once.
fn grouped<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<Vec<&'a Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in findings {
        let same = |group: &&mut Vec<&Finding>| {
            group.first().is_some_and(|first| {
                (first.rule, first.severity, first.span)
                    == (finding.rule, finding.severity, finding.span)
                    && first.help == finding.help
            })
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

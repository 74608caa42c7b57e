//! What is printed: one file a format.

mod effective;
mod fix;
mod github;
mod gitlab;
mod group;
mod html;
mod json;
mod markdown;
mod prometheus;
mod sarif;
mod text;

use crate::cli::{Cli, Format};
use crate::finding::Severity;
use crate::hidden::Hidden;
use crate::receipt::Receipt;
use crate::report::Report;

pub(crate) use text::Look;

/// All that was seen, for people and for programs.
pub(crate) struct Seen<'a> {
    pub(crate) reports: &'a [Report],
    pub(crate) receipt: Option<&'a Receipt>,
    pub(crate) hidden: &'a Hidden,
}

/// The findings of all deployments.
pub(crate) fn findings(format: Format, seen: &Seen<'_>, look: Look) -> String {
    match format {
        Format::Github => github::findings(seen.reports),
        Format::Gitlab => gitlab::findings(seen.reports),
        Format::Html => html::page(seen),
        Format::Json => json::findings(seen),
        Format::Jsonl => json::lines(seen.reports),
        Format::Markdown => markdown::findings(seen),
        Format::Prometheus => prometheus::metrics(seen),
        Format::Sarif => sarif::findings(seen.reports),
        Format::Text => text::findings(seen, look),
    }
}

/// The effective configuration of all deployments; none in a format that only knows findings.
pub(crate) fn effective(
    format: Format,
    reports: &[Report],
    is_all: bool,
    look: Look,
) -> Option<String> {
    match format {
        Format::Json => Some(effective::json(reports, is_all)),
        Format::Text => Some(effective::text(reports, is_all, look)),
        // The page has it anyway.
        Format::Html => Some(html::page(&Seen {
            reports,
            receipt: None,
            hidden: &Hidden::default(),
        })),
        _ => None,
    }
}

/// What fixes the findings of all deployments; none in a format that is no shell.
pub(crate) fn fix(format: Format, cli: &Cli, reports: &[Report]) -> Option<String> {
    (format == Format::Text).then(|| fix::script(cli, reports))
}

/// How many findings there are of a severity.
pub(crate) fn count(reports: &[Report], severity: Severity) -> usize {
    reports
        .iter()
        .flat_map(|report| &report.findings)
        .filter(|one| one.severity == severity)
        .count()
}

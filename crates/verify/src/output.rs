//! What is printed: one file a format.

mod effective;
mod fix;
mod github;
mod html;
mod json;
mod sarif;
mod shell;
mod text;

use std::sync::LazyLock;

use clearml_secure_core::compose::Unseen;
use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::effective::{Effective, Reading};
use clearml_secure_core::finding::{Finding, Severity};
use clearml_secure_core::setting::Server;
use clearml_secure_core::source::Sources;
use clearml_secure_core::version::Version;

use crate::cli::{Cli, Format};
use crate::lines::Lines;

/// What was looked at, and what was found in it.
pub(crate) struct Report {
    pub(crate) subject: Subject,
    /// Sorted by place.
    pub(crate) findings: Vec<Finding>,
    /// What could not be looked at.
    pub(crate) unseen: Vec<Unseen>,
}

/// What was looked at.
pub(crate) enum Subject {
    /// Files.
    Deployment(Deployment, Effective),
    /// A running server, by its address, its version where it is known, and the parts that were found.
    Server {
        target: String,
        version: Option<Version>,
        parts: Vec<(Server, String)>,
    },
}

impl Report {
    /// The deployment and its effective configuration, where it is one.
    pub(crate) fn deployment(&self) -> Option<(&Deployment, &Effective)> {
        match &self.subject {
            Subject::Deployment(deployment, effective) => Some((deployment, effective)),
            Subject::Server { .. } => None,
        }
    }

    /// The texts that spans point into: none of a running server.
    pub(crate) fn sources(&self) -> &Sources {
        static NONE: LazyLock<Sources> = LazyLock::new(Sources::new);
        self.deployment()
            .map_or_else(|| &*NONE, |(deployment, _)| &deployment.sources)
    }

    /// What is read, each with the deployment that it is read in.
    pub(crate) fn readings(&self) -> impl Iterator<Item = (&Deployment, &Reading)> {
        self.deployment()
            .into_iter()
            .flat_map(|(deployment, effective)| {
                effective
                    .readings()
                    .map(move |reading| (deployment, reading))
            })
    }

    /// The lines that findings are about.
    pub(crate) fn lines(&self) -> Option<Lines<'_>> {
        self.deployment()
            .map(|(deployment, _)| Lines::of(deployment))
    }
}

/// The findings of all deployments.
pub(crate) fn findings(format: Format, reports: &[Report], color: bool) -> String {
    match format {
        Format::Github => github::findings(reports),
        Format::Html => html::page(reports),
        Format::Json => json::findings(reports),
        Format::Sarif => sarif::findings(reports),
        Format::Text => text::findings(reports, color),
    }
}

/// The effective configuration of all deployments; none in a format that only knows findings.
pub(crate) fn effective(format: Format, reports: &[Report]) -> Option<String> {
    match format {
        Format::Json => Some(effective::json(reports)),
        Format::Text => Some(effective::text(reports)),
        // The page has it anyway.
        Format::Html => Some(html::page(reports)),
        Format::Github | Format::Sarif => None,
    }
}

/// What mends the findings of all deployments; none in a format that is no shell.
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

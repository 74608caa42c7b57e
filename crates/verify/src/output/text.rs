//! Findings for people: the line they are about, with every value masked.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use clearml_secure_core::compose::Unseen;
use clearml_secure_core::finding::{Finding, Severity};
use clearml_secure_core::io::escape;

use super::{Report, count, grouped};
use crate::lines::Lines;
use crate::rules;

pub(super) fn findings(reports: &[Report], color: bool) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut out = String::new();
    for report in reports {
        let lines = Lines::of(&report.deployment);
        for group in grouped(&report.findings) {
            out.push_str(&render(&renderer, report, &lines, &group));
            out.push_str("\n\n");
        }
        for unseen in &report.unseen {
            out.push_str(&unknown(report, unseen));
        }
        if report.findings.is_empty() && report.unseen.is_empty() {
            out.push_str(&format!("{}: no findings\n", looked_at(report)));
        }
    }
    let total: usize = reports.iter().map(|report| report.findings.len()).sum();
    let unknown: usize = reports.iter().map(|report| report.unseen.len()).sum();
    if total > 0 || unknown > 0 {
        let mut parts = vec![
            plural(count(reports, Severity::Error), "error"),
            plural(count(reports, Severity::Warning), "warning"),
            plural(count(reports, Severity::Note), "note"),
        ];
        if unknown > 0 {
            parts.push(format!("{unknown} could not be looked at"));
        }
        let files: Vec<String> = reports.iter().map(looked_at).collect();
        out.push_str(&format!("{}: {}\n", files.join(", "), parts.join(", ")));
    }
    out
}

fn render(renderer: &Renderer, report: &Report, lines: &Lines<'_>, group: &[&Finding]) -> String {
    let Some(first) = group.first() else {
        return String::new();
    };
    let level = match first.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = if group.len() == 1 {
        first.message.clone()
    } else {
        format!("{} ({} times)", rules::headline(first.rule), group.len())
    };
    let mut element = Group::with_title(level.primary_title(title).id(first.rule));
    let shown;
    if let Some(span) = first.span {
        shown = lines.line(span);
        let path = report
            .deployment
            .sources
            .path(span.source)
            .to_string_lossy()
            .into_owned();
        element = element.element(
            Snippet::source(shown.text.clone())
                .line_start(report.deployment.sources.place(span).line)
                .path(escape(&path).into_owned())
                .annotation(AnnotationKind::Primary.span(shown.range.clone())),
        );
    }
    if group.len() > 1 {
        let mut last = "";
        for finding in group {
            // What follows from it is said once for all to which it applies.
            let (what, consequence) = finding
                .message
                .split_once("; ")
                .unwrap_or((&finding.message, ""));
            let text = if consequence == last {
                what
            } else {
                &finding.message
            };
            last = consequence;
            element = element.element(Level::NOTE.no_name().message(text.to_owned()));
        }
    }
    element = element.element(Level::HELP.message(first.help.clone()));
    renderer.render(&[element])
}

fn unknown(report: &Report, unseen: &Unseen) -> String {
    let place = unseen
        .span
        .map(|span| format!("{}: ", report.deployment.sources.place(span)))
        .unwrap_or_default();
    format!(
        "unknown: {place}{}: {}\n",
        escape(&unseen.what),
        escape(&unseen.reason)
    )
}

/// The file, and which servers were found in it.
pub(super) fn looked_at(report: &Report) -> String {
    let sources = &report.deployment.sources;
    let file = report
        .deployment
        .project
        .layers
        .first()
        .map(|layer| sources.path(layer.source).to_string_lossy());
    let mut servers: Vec<&str> = Vec::new();
    for instance in &report.deployment.instances {
        if !servers.contains(&instance.server.name()) {
            servers.push(instance.server.name());
        }
    }
    format!(
        "{} ({})",
        escape(&file.unwrap_or_default()),
        servers.join(", ")
    )
}

pub(super) fn plural(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

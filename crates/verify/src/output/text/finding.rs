//! One finding, or several that one thing fixes: what is wrong, where, and what to do.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use clap::builder::styling::{AnsiColor, Style};
use clearml_secure_cli::wrap::wrapped;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Span;

use super::Look;
use crate::finding::Severity;
use crate::lines::Lines;
use crate::output::group::{Place, Together};
use crate::report::Report;

/// A group of findings, as lines.
pub(super) fn text(
    report: &Report,
    lines: Option<&Lines<'_>>,
    group: &Together<'_>,
    look: Look,
) -> String {
    let color = match group.severity() {
        Severity::Error => AnsiColor::BrightRed,
        Severity::Warning => AnsiColor::Yellow,
        Severity::Note => AnsiColor::BrightGreen,
    };
    let level = format!("{}[{}]", group.severity(), group.rule());
    let level = styled(&level, color.on_default().bold(), look);
    let mut out = wrapped(&format!("{level}: "), 2, &group.title(), look.width) + "\n";
    let places = group.places();
    match places.as_slice() {
        [one] => out.push_str(&place(report, lines, group.severity(), one, look)),
        all => {
            for one in all {
                out.push_str(&line(report, lines, one, look));
            }
        }
    }
    if let Some(consequence) = group.consequence() {
        out.push_str(&remark(consequence, look));
    }
    out.push_str(&remark(&format!("help: {}", group.help()), look));
    out
}

/// The one place of a finding: its line, with what it is about underlined, and everything that is wrong there.
fn place(
    report: &Report,
    lines: Option<&Lines<'_>>,
    severity: Severity,
    place: &Place<'_>,
    look: Look,
) -> String {
    let mut out = String::new();
    match (place.span, lines) {
        (Some(span), Some(lines)) => out = snippet(report, lines, severity, span, look) + "\n",
        (Some(span), None) => out = format!(" {} {}\n", arrow(look), report.sources().place(span)),
        (None, _) => {}
    }
    for own in &place.own {
        out.push_str(&remark(own, look));
    }
    out
}

fn snippet(
    report: &Report,
    lines: &Lines<'_>,
    severity: Severity,
    span: Span,
    look: Look,
) -> String {
    let renderer = match look.color {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let shown = lines.line(span);
    let path = report.sources().name(span.source).to_string_lossy();
    let snippet = Snippet::source(shown.text.clone())
        .line_start(report.sources().place(span).line)
        .path(escape(&path).into_owned())
        .annotation(AnnotationKind::Primary.span(shown.range.clone()));
    renderer.render(&[Group::with_level(level).element(snippet)])
}

/// One of several places: where, and what is there.
fn line(report: &Report, lines: Option<&Lines<'_>>, place: &Place<'_>, look: Look) -> String {
    let arrow = arrow(look);
    let at = place
        .span
        .map(|span| report.sources().place(span).to_string());
    let first = match &at {
        Some(at) => format!(" {arrow} {at}: "),
        None => format!(" {arrow} "),
    };
    match (place.own.as_slice(), place.span.zip(lines)) {
        ([], Some((span, lines))) => format!("{first}{}\n", lines.line(span).text.trim()),
        ([], None) => format!("{}\n", first.trim_end_matches([':', ' '])),
        (own, _) => {
            let own = own.iter();
            let own = own.map(|own| wrapped(&first, 6, own, look.width) + "\n");
            own.collect()
        }
    }
}

fn arrow(look: Look) -> String {
    styled("-->", AnsiColor::BrightBlue.on_default().bold(), look)
}

fn remark(text: &str, look: Look) -> String {
    let mark = styled("=", AnsiColor::BrightBlue.on_default().bold(), look);
    wrapped(&format!("  {mark} "), 4, text, look.width) + "\n"
}

fn styled(text: &str, style: Style, look: Look) -> String {
    match look.color {
        true => format!("{style}{text}{style:#}"),
        false => text.to_owned(),
    }
}

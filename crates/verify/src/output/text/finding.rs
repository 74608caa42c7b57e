//! One finding, or several that one thing fixes: what is wrong, where, and what to do.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use clap::builder::styling::{AnsiColor, Style};
use clearml_secure_cli::wrap::wrapped;
use clearml_secure_core::redact::Line;
use clearml_secure_core::shown::escape_path;

use super::Look;
use crate::finding::Severity;
use crate::output::group::{Place, Together};
use crate::report::Spot;

/// A group of findings, as lines.
pub(super) fn text(group: &Together<'_>, look: Look) -> String {
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
        [one] => out.push_str(&place(group.severity(), one, look)),
        all => {
            for one in all {
                out.push_str(&line(one, look));
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
fn place(severity: Severity, place: &Place<'_>, look: Look) -> String {
    let mut out = String::new();
    if let Some(spot) = place.spot {
        out = match &spot.line {
            Some(line) => snippet(severity, spot, line, look) + "\n",
            None => format!(" {} {}\n", arrow(look), spot.place),
        };
    }
    for own in &place.own {
        out.push_str(&remark(own, look));
    }
    out
}

fn snippet(severity: Severity, spot: &Spot, line: &Line, look: Look) -> String {
    let renderer = match look.color {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let snippet = Snippet::source(&line.text)
        .line_start(spot.place.line)
        .path(escape_path(&spot.place.file).into_owned())
        .annotation(AnnotationKind::Primary.span(line.range.clone()));
    let rendered = renderer.render(&[Group::with_level(level).element(snippet)]);
    at_column(&rendered, spot.place.column)
}

/// A snippet with the column that is in the file: what is masked may be longer or shorter in the line that is shown.
fn at_column(rendered: &str, column: usize) -> String {
    let end = rendered.find('\n').unwrap_or(rendered.len());
    let Some(colon) = rendered[..end].rfind(':') else {
        return rendered.to_owned();
    };
    let (place, rest) = rendered.split_at(colon + 1);
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{place}{column}{rest}")
}

/// One of several places: where, and what is there.
fn line(place: &Place<'_>, look: Look) -> String {
    let arrow = arrow(look);
    let first = match place.spot {
        Some(spot) => format!(" {arrow} {}: ", spot.place),
        None => format!(" {arrow} "),
    };
    let line = place.spot.and_then(|spot| spot.line.as_ref());
    match (place.own.as_slice(), line) {
        ([], Some(line)) => format!("{first}{}\n", line.text.trim()),
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

pub(super) fn styled(text: &str, style: Style, look: Look) -> String {
    match look.color {
        true => format!("{style}{text}{style:#}"),
        false => text.to_owned(),
    }
}

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
mod since;
mod text;

use crate::cli::{Cli, Format};
use crate::decisions::hidden::Hidden;
use crate::error::Error;
use crate::finding::Severity;
use crate::keys::receipt::Receipt;
use crate::report::Report;
use crate::report::trees::Trees;
use crate::since::Trend;

pub(crate) use text::Look;

/// What is said at the end, for people and for programs.
pub(crate) struct Seen<'a> {
    /// All reports, where a printer needs them.
    pub(crate) reports: &'a [Report],
    pub(crate) receipt: Option<&'a Receipt>,
    pub(crate) hidden: &'a Hidden,
    pub(crate) trend: Option<&'a Trend>,
}

/// Makes the text of a format out of one report after the other.
pub(crate) trait Printer {
    /// What can be written as soon as a report is known. Its trees are there where the command line asks for what is made
    /// of them.
    fn add(&mut self, _: &Report, _: Option<&Trees>) -> String {
        String::new()
    }

    /// What can be written only when all are.
    fn end(&mut self, seen: &Seen<'_>) -> String;

    /// Whether it needs all reports at the end.
    fn needs_all(&self) -> bool {
        false
    }
}

/// A format of which nothing can be written before all is known.
struct Whole<F>(F);

impl<F: Fn(&Seen<'_>) -> String> Printer for Whole<F> {
    fn end(&mut self, seen: &Seen<'_>) -> String {
        self.0(seen)
    }

    fn needs_all(&self) -> bool {
        true
    }
}

/// What makes the text that the command line asks for, in a format.
///
/// # Errors
/// A format that does not have what is asked for.
pub(crate) fn printer<'a>(
    cli: &'a Cli,
    format: Format,
    look: Look,
) -> Result<Box<dyn Printer + 'a>, Error> {
    fn whole<'a>(text: impl Fn(&Seen<'_>) -> String + 'a) -> Box<dyn Printer + 'a> {
        Box::new(Whole(text))
    }
    let is_all = cli.all;
    Ok(match format {
        Format::Text if cli.fix => Box::new(fix::Script::new(cli)),
        _ if cli.fix => return Err(Error::Fix),
        Format::Text if cli.effective => whole(move |seen| effective::text(seen.reports, look)),
        Format::Json if cli.effective => whole(move |seen| effective::json(seen.reports, is_all)),
        // The page has it anyway.
        Format::Html => whole(html::page),
        _ if cli.effective => return Err(Error::Effective),
        Format::Github => whole(github::findings),
        Format::Gitlab => whole(|seen| gitlab::findings(seen.reports)),
        Format::Json => Box::new(json::Document::default()),
        Format::Jsonl => Box::new(json::Lines::default()),
        Format::Markdown => whole(markdown::findings),
        Format::Prometheus => whole(prometheus::metrics),
        Format::Sarif => whole(sarif::findings),
        Format::Text => Box::new(text::Printer::new(look, cli.summary)),
    })
}

/// Whether a format shows the lines that findings are about.
pub(crate) fn has_lines(format: Format) -> bool {
    matches!(format, Format::Html | Format::Text)
}

/// Whether a format shows the effective configuration besides the findings.
pub(crate) fn has_readout(format: Format) -> bool {
    matches!(format, Format::Html)
}

/// How many findings there are of a severity.
fn count(reports: &[Report], severity: Severity) -> usize {
    reports.iter().map(|report| report.count(severity)).sum()
}

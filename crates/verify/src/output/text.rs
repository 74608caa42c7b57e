//! Findings for people: the line they are about, with every value masked.

mod finding;
mod people;
mod tally;
mod unchecked;

use clap::builder::styling::Style;
use clearml_secure_cli::wrap::{WIDEST, row, wrapped};
use clearml_secure_core::setting::{SETTINGS, Server};
pub(super) use clearml_secure_core::shown::plural;
use clearml_secure_core::shown::{escape, text_of};

use super::Seen;
use super::group::together;
use super::since::changes;
use crate::keys::check::Check;
use crate::keys::receipt::Receipt;
use crate::report::trees::Trees;
use crate::report::{Proof, Report, Subject};
use crate::since::{Line, Trend};
use finding::styled;
use people::People;
use tally::Tally;
pub(super) use unchecked::NotCheckedLines;

/// The longest path of a setting has so many characters.
const SETTING_WIDTH: usize = 46;

/// How the text is to look.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    pub(crate) color: bool,
    /// How many columns there are.
    pub(crate) width: usize,
    /// Whether it goes to a terminal, where rows of tables are broken; what reads them elsewhere has a line for each.
    pub(crate) is_terminal: bool,
}

impl Look {
    /// Of a text that is written to a file.
    pub(crate) const OF_A_FILE: Self = Self {
        color: false,
        width: WIDEST,
        is_terminal: false,
    };

    /// How wide rows of tables may be.
    pub(super) fn columns(self) -> Option<usize> {
        self.is_terminal.then_some(self.width)
    }
}

/// Findings for people, one report after the other.
pub(super) struct Printer {
    look: Look,
    /// Whether only numbers are asked for.
    is_summary: bool,
    /// The only report so far. With others, each has a heading and a row in a table.
    only: Option<(String, String)>,
    tally: Tally,
    not_checked: NotCheckedLines,
    people: People,
    checks: String,
    proof: Proof,
}

impl Printer {
    pub(super) fn new(look: Look, is_summary: bool) -> Self {
        Self {
            look,
            is_summary,
            only: None,
            tally: Tally::default(),
            not_checked: NotCheckedLines::default(),
            people: People::default(),
            checks: String::new(),
            proof: Proof::default(),
        }
    }
}

impl super::Printer for Printer {
    fn add(&mut self, report: &Report, _: Option<&Trees>) -> String {
        let is_first = self.tally.is_empty();
        self.tally.add(report);
        self.not_checked.add(&report.unknown);
        if self.is_summary {
            return String::new();
        }
        let text = findings(report, self.look);
        self.people.add(report, self.look.width);
        self.checks.push_str(&checks(report, self.look.columns()));
        self.proof += report.proof();
        // Clients are no deployment.
        let name = match report.is_of_people() || matches!(report.subject, Subject::Clients(_)) {
            true => String::new(),
            false => looked_at(report),
        };
        if is_first {
            self.only = Some((name, text));
            return String::new();
        }
        let first = self.only.take();
        let first = first.map(|(name, text)| self.under(&name, &text));
        first.unwrap_or_default() + &self.under(&name, &text)
    }

    fn end(&mut self, seen: &Seen<'_>) -> String {
        let width = self.look.width;
        let left_out = seen.hidden.words();
        let is_one = self.only.is_some();
        let mut out = self.only.take().map(|(_, text)| text).unwrap_or_default();
        out.push_str(&self.people.text());
        let unknown = self.not_checked.lines(width);
        let not_checked = match self.is_summary {
            true => String::new(),
            false => unknown.concat(),
        };
        // Each line of the table would be read for what one cause explains.
        let is_silent = !self.checks.is_empty() && self.proof.right + self.proof.wrong == 0;
        if is_silent && !not_checked.is_empty() {
            out.push_str(&format!("{not_checked}\n"));
        }
        out.push_str(&self.checks);
        if let Some(receipt) = seen.receipt {
            out.push_str(&of_receipt(self.proof, receipt, width));
        }
        if !is_silent {
            out.push_str(&not_checked);
        }
        let has_caveats = !unknown.is_empty() || left_out.is_some();
        if let Some(words) = left_out {
            out.push_str(&(wrapped("", 2, &escape(&words), width) + "\n"));
        }
        if has_caveats && self.tally.has_findings() && !out.is_empty() {
            out.push('\n');
        }
        let has_table = !is_one && self.tally.has_rows();
        if has_table {
            out.push_str(&self.tally.table(self.is_summary, self.look.columns()));
            out.push('\n');
        }
        let text = self.tally.text(unknown.len(), has_table, width);
        if text.is_empty() {
            out.truncate(out.trim_end_matches('\n').len());
            out.push_str(if out.is_empty() { "" } else { "\n" });
        }
        out.push_str(&text);
        if let Some(trend) = seen.trend {
            out.push_str(&since(trend, width));
        }
        out
    }
}

impl Printer {
    /// What is said of one of several deployments, under its name.
    fn under(&self, name: &str, text: &str) -> String {
        // What is one line has the name in it.
        match name.is_empty() || !text.contains("\n\n") {
            true => text.to_owned(),
            false => {
                let bold = Style::new().bold();
                format!("{}\n{text}", styled(&escape(name), bold, self.look))
            }
        }
    }
}

/// The findings of a report; that there are none, where all was checked.
fn findings(report: &Report, look: Look) -> String {
    let mut out = String::new();
    for group in together(&report.findings) {
        out.push_str(&finding::text(&group, look));
        out.push('\n');
    }
    let is_clean = report.findings.is_empty() && report.unknown.is_empty();
    if is_clean && !report.is_of_people() {
        let other = if report.is_besides || report.left_out > 0 {
            "other "
        } else {
            ""
        };
        let text = format!("{}: no {other}findings", looked_at(report));
        out.push_str(&(wrapped("", 2, &text, look.width) + "\n"));
    }
    out
}

/// What a server was asked about keysets, and what it answered.
fn checks(report: &Report, columns: Option<usize>) -> String {
    let width = |of: fn(&Check) -> usize| report.checks.iter().map(of).max().unwrap_or_default();
    let (option, server, subject) = (
        width(|check| check.keyset.option().len()),
        width(|check| check.server.name().len()),
        width(|check| check.subject.len()),
    );
    let mut out = String::new();
    for check in &report.checks {
        let mark = match check.is_right() {
            Some(true) => "ok   ",
            Some(false) => "WRONG",
            None => "?    ",
        };
        let words = check.words();
        let first = format!(
            "{mark}  {:option$}  {:server$}  {:subject$}  ",
            check.keyset.option(),
            check.server.name(),
            check.subject,
        );
        out.push_str(&(row(&first, &escape(&words), columns) + "\n"));
    }
    if !out.is_empty() {
        let address = escape(&looked_at(report)).into_owned();
        out = format!("{address}\n{out}\n");
    }
    out
}

/// What has come of the findings of an earlier run.
fn since(trend: &Trend, width: usize) -> String {
    let mut out = wrapped("", 2, &trend.words(), width) + "\n";
    for (change, lines, more) in changes(trend) {
        for Line { place, rule, rest } in lines {
            let line = format!("{place}: {}{rest}", escape(&rule));
            let first = format!("  {change:5}  ");
            out.push_str(&(wrapped(&first, first.len(), &line, width) + "\n"));
        }
        if more > 0 {
            out.push_str(&format!("  and {more} more: -f json has all\n"));
        }
    }
    if let Some(caveat) = trend.caveat() {
        out.push_str(&(wrapped("", 2, &caveat, width) + "\n"));
    }
    out
}

/// What the checks come to, when and where they were made, and about which keys.
fn of_receipt(proof: Proof, receipt: &Receipt, width: usize) -> String {
    let mut out = format!(
        "{}\n{}\n",
        wrapped("", 2, &proof.words(), width),
        wrapped("", 2, &receipt.words(), width)
    );
    let options = receipt.keysets.iter().map(|(keyset, _)| keyset.option());
    let head: String = options.map(|option| format!("  {option:10}")).collect();
    out.push_str(&format!(
        "\n{:SETTING_WIDTH$}{}\n",
        "fingerprints",
        head.trim_end()
    ));
    for setting in SETTINGS {
        let marks = receipt.keysets.iter().map(|(_, marks)| {
            let mark = marks.iter().find(|(known, _)| *known == setting);
            format!("  {:10}", mark.map_or("-", |(_, mark)| mark))
        });
        let marks: String = marks.collect();
        out.push_str(&format!(
            "{:SETTING_WIDTH$}{}\n",
            setting.path(),
            marks.trim_end()
        ));
    }
    out.push('\n');
    out
}

/// What was looked at, and which servers were found there.
pub(super) fn looked_at(report: &Report) -> String {
    let (name, servers): (String, Vec<String>) = match &report.subject {
        Subject::Deployment(outline) => {
            let servers = outline.servers.iter();
            let servers = servers.map(|(server, _)| server.name().to_owned());
            (outline.name.clone(), servers.collect())
        }
        Subject::Clients(clients) => (plural(clients.len(), "client"), Vec::new()),
        Subject::Nothing(path) => (text_of(path).into_owned(), Vec::new()),
        Subject::Server {
            target,
            version,
            parts,
        } => {
            let part = |(server, address): &(Server, String)| match version {
                Some(version) if *server == Server::Apiserver => {
                    format!("{server} {version} at {address}")
                }
                _ => format!("{server} at {address}"),
            };
            (target.clone(), parts.iter().map(part).collect())
        }
    };
    let mut unique: Vec<String> = Vec::new();
    for server in servers {
        if !unique.contains(&server) {
            unique.push(server);
        }
    }
    if unique.is_empty() {
        return escape(&name).into_owned();
    }
    format!("{} ({})", escape(&name), escape(&unique.join(", ")))
}

//! Deployments and servers against rules, and a choice of which of them the page shows: by CSS alone, since the page runs no
//! script. A printer, and a browser without `:has()`, show all.

use std::cmp::Reverse;
use std::collections::HashMap;

use clearml_secure_core::shown::escape;
use maud::{Markup, html};

use super::super::text::{looked_at, plural};
use crate::finding::Severity;
use crate::report::{Report, Subject};

/// Of many deployments and servers, those that are rows.
pub(super) struct Matrix<'a> {
    rows: Vec<Row<'a>>,
    columns: Vec<Column>,
}

struct Row<'a> {
    report: &'a Report,
    number: usize,
    cells: HashMap<&'static str, Cell>,
}

/// How many findings a rule has of each severity, the worst first.
#[derive(Clone, Copy, Default)]
struct Cell([usize; 3]);

/// A rule that has found something, and in how many rows.
struct Column {
    rule: &'static str,
    severity: Severity,
    rows: usize,
}

/// What can be chosen: the class that stays, its name, and how many have it.
struct Choice {
    class: String,
    name: String,
    rows: usize,
}

impl<'a> Matrix<'a> {
    /// Nothing where there is not more than one row.
    pub(super) fn of(reports: &'a [Report]) -> Option<Self> {
        let rows = reports.iter().enumerate();
        let rows = rows.filter(|(_, report)| is_row(report));
        let rows: Vec<Row<'a>> = rows
            .map(|(number, report)| Row {
                report,
                number,
                cells: cells(report),
            })
            .collect();
        let columns = columns(&rows);
        (rows.len() > 1).then_some(Self { rows, columns })
    }

    /// How many there are.
    pub(super) fn words(&self) -> String {
        format!("{} deployments and servers", self.rows.len())
    }

    /// What hides all but the chosen.
    pub(super) fn style(&self) -> String {
        let choices = self.choices();
        let rules = choices.iter().skip(1).map(|Choice { class, .. }| {
            format!("body:has(#show-{class}:checked) .row:not(.{class}) {{ display: none; }}\n")
        });
        format!("@media screen {{\n{}}}\n", rules.collect::<String>())
    }

    pub(super) fn markup(&self) -> Markup {
        html! {
            section.fleet {
                h2 { "Deployments and servers" }
                (self.choice())
                div.wide.box tabindex="0" role="region" aria-label="Deployments and servers" {
                    table {
                        thead { tr {
                            th scope="col" { "Deployment or server" }
                            th scope="col" { "Verdict" }
                            th scope="col" { "not checked" }
                            @for Column { rule, severity, .. } in &self.columns {
                                th scope="col" {
                                    (rule) br; span class={ "badge " (severity) } { (severity) }
                                }
                            }
                        } }
                        tbody {
                            @for row in &self.rows {
                                (self.row(row))
                            }
                        }
                    }
                }
            }
        }
    }

    fn row(&self, row: &Row<'_>) -> Markup {
        let (class, verdict) = verdict(row.report);
        html! {
            tr class=[self::class(row.report)] {
                th scope="row" { a href={ "#" (id(row.number)) } { (name(row.report)) } }
                td class=(class) { (verdict) }
                @match row.report.unknown.len() {
                    0 => td {},
                    count => td.unknown { (count) },
                }
                @for column in &self.columns {
                    @match row.cells.get(column.rule) {
                        Some(cell) => td class=(cell.worst()) { (cell.words(column.severity)) },
                        None => td {},
                    }
                }
            }
        }
    }

    fn choice(&self) -> Markup {
        html! {
            fieldset.choice {
                legend { "Show" }
                @for (place, Choice { class, name, rows }) in self.choices().iter().enumerate() {
                    span {
                        input type="radio" name="show" id={ "show-" (class) } checked[place == 0];
                        label for={ "show-" (class) } { (name) " (" (rows) ")" }
                    }
                }
            }
        }
    }

    /// All, the verdicts and the rules that are met.
    fn choices(&self) -> Vec<Choice> {
        let choice = |class: &str, name: &str| Choice {
            class: class.to_owned(),
            name: name.to_owned(),
            rows: self
                .rows
                .iter()
                .filter(|row| has(row.report, class))
                .count(),
        };
        let verdicts = VERDICTS.map(|(class, name)| choice(class, name));
        let rules = self.columns.iter().map(|column| Choice {
            class: format!("rule-{}", column.rule),
            name: column.rule.to_owned(),
            rows: column.rows,
        });
        let verdicts = verdicts.into_iter().filter(|choice| choice.rows > 0);
        verdicts.chain(rules).collect()
    }
}

/// The classes of rows, and of the sections below, whatever rules they have.
const VERDICTS: [(&str, &str); 5] = [
    ("row", "all"),
    ("with-error", "with errors"),
    ("with-warning", "with warnings"),
    ("with-unchecked", "not checked"),
    ("clean", "clean"),
];

/// Whether a report has one of these classes.
fn has(report: &Report, class: &str) -> bool {
    match class {
        "with-error" => report.count(Severity::Error) > 0,
        "with-warning" => report.count(Severity::Warning) > 0,
        "with-unchecked" => !report.unknown.is_empty(),
        "clean" => is_clean(report),
        _ => true,
    }
}

/// The classes of a report's row and section; none where it is no row.
pub(super) fn class(report: &Report) -> Option<String> {
    if !is_row(report) {
        return None;
    }
    let verdicts = VERDICTS.into_iter().map(|(class, _)| class);
    let verdicts = verdicts.filter(|class| has(report, class));
    let mut classes: Vec<String> = verdicts.map(str::to_owned).collect();
    let mut rules: Vec<&str> = cells(report).into_keys().collect();
    rules.sort_unstable();
    classes.extend(rules.iter().map(|rule| format!("rule-{rule}")));
    Some(classes.join(" "))
}

/// What a row is called: its servers are named below.
fn name(report: &Report) -> String {
    match &report.subject {
        Subject::Deployment(outline) => escape(&outline.name).into_owned(),
        Subject::Server { target, .. } => escape(target).into_owned(),
        Subject::Clients(_) | Subject::Nothing(_) => looked_at(report),
    }
}

/// The name of a report's section.
pub(super) fn id(number: usize) -> String {
    format!("report-{number}")
}

/// Clients, and who is at a server, are no deployment.
fn is_row(report: &Report) -> bool {
    !report.is_of_people() && !matches!(report.subject, Subject::Clients(_))
}

/// Whether nothing was found at all, and all was checked.
fn is_clean(report: &Report) -> bool {
    let is_all = report.left_out == 0 && !report.is_besides;
    is_all && report.findings.is_empty() && report.unknown.is_empty()
}

impl Cell {
    fn worst(self) -> Severity {
        let [error, warning, _] = self.0.map(|count| count > 0);
        match (error, warning) {
            (true, _) => Severity::Error,
            (_, true) => Severity::Warning,
            _ => Severity::Note,
        }
    }

    /// A number, where the column says what it counts: a color alone would not tell it.
    fn words(self, column: Severity) -> String {
        let severities = [Severity::Error, Severity::Warning, Severity::Note];
        let counts = severities.into_iter().zip(self.0);
        let counts: Vec<_> = counts.filter(|(_, count)| *count > 0).collect();
        if let [(severity, count)] = counts[..]
            && severity == column
        {
            return count.to_string();
        }
        let words = counts
            .iter()
            .map(|(severity, count)| plural(*count, severity.name()));
        words.collect::<Vec<_>>().join(", ")
    }
}

fn cells(report: &Report) -> HashMap<&'static str, Cell> {
    let mut cells: HashMap<&'static str, Cell> = HashMap::new();
    for told in &report.findings {
        let Cell(counts) = cells.entry(told.rule).or_default();
        // Severities are ordered from the worst down.
        counts[told.severity as usize] += 1;
    }
    cells
}

/// The worst first, and of those what is met in most rows.
fn columns(rows: &[Row<'_>]) -> Vec<Column> {
    let mut columns: HashMap<&'static str, Column> = HashMap::new();
    for (rule, cell) in rows.iter().flat_map(|row| &row.cells) {
        let (severity, rows) = (cell.worst(), 0);
        let column = columns.entry(rule).or_insert(Column {
            rule,
            severity,
            rows,
        });
        column.rows += 1;
        column.severity = column.severity.min(severity);
    }
    let mut columns: Vec<Column> = columns.into_values().collect();
    columns.sort_by_key(|column| (column.severity, Reverse(column.rows), column.rule));
    columns
}

/// What counts most of a row, with its color. What was not checked is never clean.
fn verdict(report: &Report) -> (&'static str, String) {
    let of = |severity: Severity| {
        let count = report.count(severity);
        (count > 0).then(|| (severity.name(), plural(count, severity.name())))
    };
    let unchecked = || {
        let is_any = !report.unknown.is_empty();
        is_any.then(|| ("unknown", "not checked".to_owned()))
    };
    let worst = of(Severity::Error).or_else(|| of(Severity::Warning));
    let worst = worst.or_else(unchecked).or_else(|| of(Severity::Note));
    worst.unwrap_or_else(|| match is_clean(report) {
        true => ("good", "clean".to_owned()),
        false => ("", "no other findings".to_owned()),
    })
}

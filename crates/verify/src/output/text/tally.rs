//! How many findings there are: of each rule, and of all.

use std::cmp::Reverse;

use clearml_secure_cli::wrap::{row, wrapped};

use super::{looked_at, plural};
use crate::finding::Severity;
use crate::report::{Report, Subject};
use crate::words::and;

/// So many deployments and servers are named.
const NAMED: usize = 3;
/// So many rows are read; `--summary` prints all.
const ROWS: usize = 20;

/// Findings of reports, counted.
#[derive(Default)]
pub(super) struct Tally {
    reports: usize,
    rules: Vec<(Severity, &'static str, usize)>,
    /// The first deployments and servers, and how many there are.
    named: Vec<String>,
    looked_at: usize,
    /// How many of them are deployments and servers that run, and how many clients there are.
    deployments: usize,
    servers: usize,
    clients: usize,
    not_checked: usize,
    rows: Vec<Row>,
}

/// What there is of one deployment or server: errors, warnings, what was not checked, and notes.
struct Row {
    counts: [usize; 4],
    name: Box<str>,
}

impl Tally {
    pub(super) fn add(&mut self, report: &Report) {
        self.reports += 1;
        self.not_checked += report.unknown.len();
        for finding in &report.findings {
            let key = (finding.severity, finding.rule);
            let mut rules = self.rules.iter_mut();
            match rules.find(|(severity, rule, _)| (*severity, *rule) == key) {
                Some((.., count)) => *count += 1,
                None => self.rules.push((finding.severity, finding.rule, 1)),
            }
        }
        if !report.is_of_people() && !matches!(report.subject, Subject::Clients(_)) {
            self.rows.push(Row {
                counts: [
                    report.count(Severity::Error),
                    report.count(Severity::Warning),
                    report.unknown.len(),
                    report.count(Severity::Note),
                ],
                name: looked_at(report).into(),
            });
        }
        if !matches!(report.subject, Subject::Nothing(_)) {
            self.looked_at += 1;
            match &report.subject {
                Subject::Clients(clients) => self.clients += clients.len(),
                Subject::Deployment(_) => self.deployments += 1,
                Subject::Server { .. } => self.servers += 1,
                Subject::Nothing(_) => {}
            }
            if self.named.len() < NAMED {
                self.named.push(looked_at(report));
            }
        }
    }

    /// Whether no report was met.
    pub(super) fn is_empty(&self) -> bool {
        self.reports == 0
    }

    pub(super) fn has_rows(&self) -> bool {
        !self.rows.is_empty()
    }

    pub(super) fn has_findings(&self) -> bool {
        !self.rules.is_empty()
    }

    fn count(&self, severity: Severity) -> usize {
        let of_it = self.rules.iter().filter(|(one, ..)| *one == severity);
        of_it.map(|(.., count)| count).sum()
    }

    /// A row for each deployment and server, in the order in which they are told; of many, unless all are asked for, the worst.
    pub(super) fn table(&self, is_all: bool, columns: Option<usize>) -> String {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        let left = match is_all {
            true => 0,
            false => rows.len().saturating_sub(ROWS),
        };
        if left > 0 {
            rows.sort_by_key(|row| Reverse(row.counts));
            rows.truncate(ROWS);
        }
        let mut out = String::from("error  warning  note  not checked\n");
        for Row {
            counts: [error, warning, unknown, note],
            name,
        } in rows
        {
            let first = format!("{error:5}  {warning:7}  {note:4}  {unknown:11}  ");
            out.push_str(&(row(&first, name, columns) + "\n"));
        }
        if left > 0 {
            out.push_str(&format!(
                "these are the worst {ROWS}; all {} of them: --summary\n",
                self.rows.len()
            ));
        }
        out
    }

    /// How many deployments, servers and clients there are.
    fn all(&self) -> String {
        let counts = [
            (self.deployments, "deployment"),
            (self.servers, "server"),
            (self.clients, "client"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts.map(|(count, what)| plural(count, what)).collect();
        let counts: Vec<&str> = counts.iter().map(String::as_str).collect();
        and(&counts)
    }

    /// What all of them come to; nothing where there is nothing to say. A table has named them already, and is added up;
    /// without one, `lines` say what was not checked.
    pub(super) fn text(&self, lines: usize, has_table: bool, width: usize) -> String {
        let unknown = match has_table {
            true => self.not_checked,
            false => lines,
        };
        let mut out = String::new();
        if self.rules.is_empty() && unknown == 0 {
            return out;
        }
        let mut rules = self.rules.clone();
        rules.sort_by_key(|(severity, ..)| *severity);
        if rules.len() > 1 {
            for (severity, rule, count) in &rules {
                out.push_str(&format!("{count:5}  {:7}  {rule}\n", severity.name()));
            }
        }
        let mut parts = vec![
            plural(self.count(Severity::Error), "error"),
            plural(self.count(Severity::Warning), "warning"),
            plural(self.count(Severity::Note), "note"),
        ];
        if unknown > 0 {
            parts.push(format!("{unknown} not checked"));
        }
        let subjects = match self.looked_at {
            0 => String::new(),
            1..=NAMED if !has_table || self.looked_at == 1 => {
                format!("{}: ", self.named.join(", "))
            }
            _ => format!("{}: ", self.all()),
        };
        let counts = parts.join(", ");
        // Numbers are read together.
        match subjects.len() + counts.len() > width {
            true => out.push_str(&format!(
                "{}\n  {counts}\n",
                wrapped("", 2, subjects.trim_end(), width)
            )),
            false => out.push_str(&format!("{subjects}{counts}\n")),
        }
        out
    }
}

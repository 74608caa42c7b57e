//! How many findings there are: of each rule, and of all.

use clearml_secure_cli::wrap::wrapped;

use super::{looked_at, plural};
use crate::finding::Severity;
use crate::report::{Report, Subject};

/// So many deployments and servers are named.
const NAMED: usize = 3;

/// Findings of reports, counted.
#[derive(Default)]
pub(super) struct Tally {
    reports: usize,
    rules: Vec<(Severity, &'static str, usize)>,
    /// The first deployments and servers, and how many there are.
    named: Vec<String>,
    looked_at: usize,
}

impl Tally {
    pub(super) fn add(&mut self, report: &Report) {
        self.reports += 1;
        for finding in &report.findings {
            let key = (finding.severity, finding.rule);
            let mut rules = self.rules.iter_mut();
            match rules.find(|(severity, rule, _)| (*severity, *rule) == key) {
                Some((.., count)) => *count += 1,
                None => self.rules.push((finding.severity, finding.rule, 1)),
            }
        }
        if !matches!(report.subject, Subject::Nothing(_)) {
            self.looked_at += 1;
            if self.named.len() < NAMED {
                self.named.push(looked_at(report));
            }
        }
    }

    /// Whether no report was met.
    pub(super) fn is_empty(&self) -> bool {
        self.reports == 0
    }

    pub(super) fn has_findings(&self) -> bool {
        !self.rules.is_empty()
    }

    fn count(&self, severity: Severity) -> usize {
        let of_it = self.rules.iter().filter(|(one, ..)| *one == severity);
        of_it.map(|(.., count)| count).sum()
    }

    /// What all of them come to; nothing where there is nothing to say.
    pub(super) fn text(&self, unknown: usize, width: usize) -> String {
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
            1..=NAMED => format!("{}: ", self.named.join(", ")),
            more => format!("{more} deployments and servers: "),
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

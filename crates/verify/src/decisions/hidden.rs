//! What was found and is not shown, counted, so that nobody takes it for "nothing".

use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::finding::Severity;
use crate::report::Report;

/// How many findings are left out, and for what.
#[derive(Default)]
pub(crate) struct Hidden {
    /// By comments.
    pub(crate) comments: usize,
    /// By a file, e.g. `clearml-verify.toml`.
    pub(crate) accepted: Option<(PathBuf, usize)>,
    /// By the file of `--baseline`.
    pub(crate) baseline: Option<(PathBuf, usize)>,
    /// Below the severity of `--min-severity`.
    pub(crate) below: Option<(Severity, usize)>,
}

impl Hidden {
    /// Leaves out of a report what is below a severity.
    pub(crate) fn below(&mut self, least: Severity, report: &mut Report) {
        let all = report.findings.len();
        // Severities are ordered from the worst down.
        report.findings.retain(|finding| finding.severity <= least);
        let (_, count) = self.below.get_or_insert((least, 0));
        *count += all - report.findings.len();
    }

    /// For people: what is not shown; nothing where all is.
    pub(crate) fn words(&self) -> Option<String> {
        self.list().map(|list| format!("not shown: {list}"))
    }

    /// The same below a heading that says so.
    pub(crate) fn list(&self) -> Option<String> {
        let file = |(path, count): &(PathBuf, usize)| {
            (*count > 0).then(|| format!("{count} accepted by {}", path.display()))
        };
        let below = self.below.filter(|(_, count)| *count > 0);
        let parts = [
            below.map(|(least, count)| format!("{count} below {least}")),
            self.accepted.as_ref().and_then(file),
            self.baseline.as_ref().and_then(file),
            (self.comments > 0).then(|| format!("{} accepted by comments", self.comments)),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// For programs; nothing where all is shown.
    pub(crate) fn json(&self) -> Option<Value> {
        let counts = self.counts().into_iter().filter(|(_, count)| *count > 0);
        let counts: Map<String, Value> = counts
            .map(|(name, count)| (name.to_owned(), count.into()))
            .collect();
        (!counts.is_empty()).then_some(Value::Object(counts))
    }

    /// How many findings each reason leaves out.
    pub(crate) fn counts(&self) -> [(&'static str, usize); 4] {
        [
            (
                "below_min_severity",
                self.below.map_or(0, |(_, count)| count),
            ),
            (
                "config",
                self.accepted.as_ref().map_or(0, |(_, count)| *count),
            ),
            (
                "baseline",
                self.baseline.as_ref().map_or(0, |(_, count)| *count),
            ),
            ("comments", self.comments),
        ]
    }
}

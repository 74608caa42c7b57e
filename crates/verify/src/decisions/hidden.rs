//! What was found and is not shown, counted, so that nobody takes it for "nothing".

use std::ops::AddAssign;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::finding::Severity;
use crate::report::Report;

/// What programs call what was not checked and is accepted.
pub(crate) const NOT_CHECKED: &str = "not_checked";

/// How much is left out, and for what.
#[derive(Default)]
pub(crate) struct Hidden {
    /// By comments.
    pub(crate) comments: usize,
    /// By a file, e.g. `clearml-verify.toml`.
    pub(crate) accepted: Option<(PathBuf, Taken)>,
    /// By the file of `--baseline`.
    pub(crate) baseline: Option<(PathBuf, usize)>,
    /// Below the severity of `--min-severity`.
    pub(crate) below: Option<(Severity, usize)>,
}

/// What a file accepts.
#[derive(Clone, Copy, Default)]
pub(crate) struct Taken {
    pub(crate) findings: usize,
    /// What was not checked.
    pub(crate) unchecked: usize,
}

impl AddAssign for Taken {
    fn add_assign(&mut self, other: Self) {
        let Self {
            findings,
            unchecked,
        } = other;
        self.findings += findings;
        self.unchecked += unchecked;
    }
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
        let by = |path: &Path, count: usize, what: &str| {
            (count > 0).then(|| format!("{count} {what} by {}", path.display()))
        };
        let below = self.below.filter(|(_, count)| *count > 0);
        let accepted = self.accepted.as_ref();
        let baseline = self.baseline.as_ref();
        let parts = [
            below.map(|(least, count)| format!("{count} below {least}")),
            accepted.and_then(|(path, taken)| by(path, taken.findings, "accepted")),
            accepted
                .and_then(|(path, taken)| by(path, taken.unchecked, "not checked and accepted")),
            baseline.and_then(|(path, count)| by(path, *count, "accepted")),
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

    /// How many findings each reason leaves out, and how much that was not checked.
    pub(crate) fn counts(&self) -> [(&'static str, usize); 5] {
        let taken = self.accepted.as_ref().map(|(_, taken)| *taken);
        let taken = taken.unwrap_or_default();
        let baseline = self.baseline.as_ref().map_or(0, |(_, count)| *count);
        [
            (
                "below_min_severity",
                self.below.map_or(0, |(_, count)| count),
            ),
            ("config", taken.findings),
            (NOT_CHECKED, taken.unchecked),
            ("baseline", baseline),
            ("comments", self.comments),
        ]
    }
}

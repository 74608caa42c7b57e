//! The exit code that reports come to.

use clearml_secure_core::exit;

use crate::cli::FailOn;
use crate::finding::Severity;
use crate::report::{Proof, Report, Subject};

/// What counts of the reports so far.
#[derive(Default)]
pub(crate) struct Judgment {
    worst: Option<Severity>,
    /// Whether something was not checked.
    pub(crate) is_unknown: bool,
    /// Whether a target is no deployment at all.
    pub(crate) has_nothing: bool,
    /// Whether a running server was asked.
    pub(crate) has_server: bool,
    proof: Proof,
}

impl Judgment {
    pub(crate) fn add(&mut self, report: &Report) {
        let worst = report.findings.iter().map(|told| told.severity).min();
        // Severities are ordered from the worst down.
        self.worst = self.worst.into_iter().chain(worst).min();
        self.is_unknown |= !report.unknown.is_empty();
        self.has_nothing |= matches!(report.subject, Subject::Nothing(_));
        self.has_server |= matches!(report.subject, Subject::Server { .. });
        self.proof += report.proof();
    }

    /// Findings count first; what was not checked is never clean.
    pub(crate) fn code(&self, fail_on: FailOn) -> u8 {
        let least = match fail_on {
            FailOn::Error => Some(Severity::Error),
            FailOn::Warning => Some(Severity::Warning),
            FailOn::Note => Some(Severity::Note),
            FailOn::Never => None,
        };
        match (self.worst, least) {
            (Some(worst), Some(least)) if worst <= least => exit::FINDINGS,
            _ if self.is_unknown => exit::FAILED,
            _ => exit::FINE,
        }
    }

    /// With a keyset, and a server to ask about it, only what was asked about keys counts.
    pub(crate) fn proof(&self) -> u8 {
        match () {
            () if self.proof.wrong + self.proof.found > 0 => exit::FINDINGS,
            () if self.proof.open > 0 => exit::FAILED,
            () => exit::FINE,
        }
    }
}

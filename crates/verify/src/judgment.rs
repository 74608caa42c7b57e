//! The exit code that reports come to.

use clearml_secure_core::exit;

use crate::cli::FailOn;
use crate::finding::Severity;
use crate::keys;
use crate::report::{Report, Subject, Told};

/// What counts of the reports so far.
#[derive(Default)]
pub(crate) struct Judgment {
    worst: Option<Severity>,
    is_unknown: bool,
    /// Whether a target is no deployment at all.
    pub(crate) has_nothing: bool,
    /// Whether a running server was asked.
    pub(crate) has_server: bool,
    /// Whether something about keys is wrong, or not known.
    is_wrong: bool,
    is_open: bool,
}

impl Judgment {
    pub(crate) fn add(&mut self, report: &Report) {
        let worst = report.findings.iter().map(|told| told.severity).min();
        // Severities are ordered from the worst down.
        self.worst = self.worst.into_iter().chain(worst).min();
        self.is_unknown |= !report.unknown.is_empty();
        self.has_nothing |= matches!(report.subject, Subject::Nothing(_));
        self.has_server |= matches!(report.subject, Subject::Server { .. });
        let is_about_keys = |told: &Told| [keys::ID, keys::OLD_ID].contains(&told.rule);
        let has_answer = |is: Option<bool>| report.checks.iter().any(|one| one.is_right() == is);
        let public = report.public_keys;
        self.is_wrong |= has_answer(Some(false))
            || public.wrong > 0
            || report.findings.iter().any(is_about_keys);
        self.is_open |= match report.subject {
            // Of a server, what has nothing to do with keys may stay unknown.
            Subject::Server { .. } => {
                report.checks.is_empty() || public.open > 0 || has_answer(None)
            }
            Subject::Clients(_) => false,
            Subject::Deployment(_) | Subject::Nothing(_) => !report.unknown.is_empty(),
        };
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
            () if self.is_wrong => exit::FINDINGS,
            () if self.is_open => exit::FAILED,
            () => exit::FINE,
        }
    }
}

//! The exit code that reports come to.

use clearml_secure_core::exit;

use crate::cli::FailOn;
use crate::finding::{Finding, Severity};
use crate::keys;
use crate::report::{Report, Subject};

/// What says that a server takes other keys than those that it should.
const OF_KEYS: [&str; 5] = [
    keys::ID,
    keys::OLD_ID,
    "default-login",
    "forged-token",
    "misread-secret",
];

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
        let is_about_keys = |finding: &Finding| OF_KEYS.contains(&finding.rule);
        let mut answers = report.checks.iter().map(|check| check.is_right());
        self.is_wrong |= answers.any(|is_right| is_right == Some(false))
            || report.findings.iter().any(|told| is_about_keys(told));
        self.is_open |= match report.subject {
            // Of a server, what has nothing to do with keys may stay unknown.
            Subject::Server { .. } => {
                let mut answers = report.checks.iter().map(|check| check.is_right());
                report.checks.is_empty() || answers.any(|is_right| is_right.is_none())
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

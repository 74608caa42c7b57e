//! One value serves several settings.
//!
//! **What**: the same text is set for two or more settings.
//!
//! **Why**: anyone who learns one learns all of them; the credentials of the agent, which every job on it can read,
//! must not be those of the file server. Two accounts with the same key look the same to the server.
//!
//! bad: tests/fixtures/rules/reused-secret/bad.yml
//!
//! good: tests/fixtures/rules/reused-secret/good.yml
//!
//! **Fix**: `clearml-keygen | clearml-inject docker-compose.yml > secured.yml`
//!
//! **References**: ClearML's Helm chart uses one string for the token secret and for a user's secret.

use clearml_secure_core::effective::{Origin, Reading};
use clearml_secure_core::public;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use crate::words::and;

/// It takes a first leak.
const SEVERITY: Severity = Severity::Warning;

pub(crate) struct ReusedSecret;

impl Rule for ReusedSecret {
    fn id(&self) -> &'static str {
        "reused-secret"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let readings: Vec<&Reading> = case
            .effective
            .readings()
            .filter(|reading| is_chosen(reading))
            .collect();
        let mut done: Vec<&str> = Vec::new();
        for reading in &readings {
            let Some(text) = reading.value.text().map(|text| text.expose()) else {
                continue;
            };
            if done.contains(&text) {
                continue;
            }
            done.push(text);
            let mut users: Vec<&Reading> = Vec::new();
            for other in readings
                .iter()
                .filter(|other| other.value.text().is_some_and(|t| t.expose() == text))
            {
                if !users.iter().any(|user| user.setting == other.setting) {
                    users.push(other);
                }
            }
            let [_, second, ..] = users.as_slice() else {
                continue;
            };
            let names: Vec<&str> = users.iter().map(|user| user.setting.path()).collect();
            let message = format!(
                "{} have the same value: anyone who learns one knows all",
                and(&names)
            );
            findings.push(case.finding_in(SEVERITY, second, message));
        }
    }
}

/// What an administrator set; published values are worse than reused.
fn is_chosen(reading: &Reading) -> bool {
    let is_set = matches!(reading.origin, Origin::File(_) | Origin::Variable(_));
    let text = reading.value.text();
    is_set && text.is_none_or(|text| public::of(text.expose()).is_none())
}

//! A value that somebody could guess.
//!
//! **What**: a setting is short, made of few or predictable characters, a placeholder of the documentation
//! (`new-secret-string`), an address or a path, the digest of a common word, or empty where empty means "anybody".
//!
//! **Why**: the accounts are reachable wherever the API server is, and the token secret can be tried offline with
//! any token that was ever issued.
//!
//! bad: tests/fixtures/rules/weak-secret/bad.yml
//!
//! good: tests/fixtures/rules/weak-secret/good.yml
//!
//! **Fix**: `clearml-keygen --from KEYS --only GROUP -o new.env` makes a new one, of 54 random letters and digits (a key has 30).
//!
//! **References**: ClearML, "Securing ClearML Server", whose examples are the placeholders.

use std::collections::HashSet;

use clearml_secure_core::effective::{Origin, Reading, Value};
use clearml_secure_core::public;
use clearml_secure_core::setting::{Kind, Setting};
use clearml_secure_core::strength::{Weakness, weakness};

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use crate::words::kind_name;

/// Somebody guesses it.
const GUESSED: Severity = Severity::Error;
/// A guessed key is of no use without its secret.
const KEY: Severity = Severity::Warning;

/// Fixed users are enabled, and with them the account is revoked (docs/clearml.md#what-fixed-users-revoke); or no API server has it.
const REVOKED: Severity = Severity::Note;

pub(crate) struct WeakSecret;

impl Rule for WeakSecret {
    fn id(&self) -> &'static str {
        "weak-secret"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let mut seen = HashSet::new();
        for reading in case.effective.readings() {
            let span = case.span(reading);
            if !matches!(reading.origin, Origin::File(_) | Origin::Variable(_))
                || case.is_closed(reading)
                || seen.contains(&(reading.setting, span))
            {
                continue;
            }
            let Some((severity, why)) = judge(case, reading) else {
                continue;
            };
            let (severity, consequence) = if case.is_revoked(reading) {
                (REVOKED, crate::words::REVOKED.to_owned())
            } else if case.is_refused(reading) {
                (REVOKED, crate::words::REFUSED.to_owned())
            } else {
                (severity, case.power("guesses it", reading))
            };
            seen.insert((reading.setting, span));
            let message = format!(
                "{} of {} {why}: {consequence}",
                reading.setting,
                case.server(reading)
            );
            findings.push(case.finding_in(severity, reading, message));
        }
        case.of_own_accounts(findings, |half| {
            let (severity, why) = judge_text(half.text, half.kind)?;
            Some(case.of_half(half, (severity, &why), None))
        });
    }
}

fn judge(case: &Case<'_>, reading: &Reading) -> Option<(Severity, String)> {
    let setting = reading.setting;
    if matches!(reading.value, Value::Empty) {
        return is_open_when_empty(case, reading).then(|| (GUESSED, "is empty".to_owned()));
    }
    judge_text(reading.value.text()?.expose(), setting.kind())
}

fn judge_text(text: &str, kind: Kind) -> Option<(Severity, String)> {
    if public::of(text).is_some() {
        // `default-credential` says it better.
        return None;
    }
    let weakness = weakness(text, kind)?;
    let severity = if kind == Kind::Key && weakness != Weakness::Placeholder {
        KEY
    } else {
        GUESSED
    };
    let why = match weakness {
        Weakness::Address => "is an address or a path, which others can know".to_owned(),
        Weakness::Digest => {
            "is the hash of an empty text, a common word or a public value".to_owned()
        }
        Weakness::Guessable => format!("is a {} of few or predictable characters", kind_name(kind)),
        Weakness::Placeholder => "has only a placeholder".to_owned(),
        Weakness::Short => format!("is too short for a {}", kind_name(kind)),
    };
    Some((severity, why))
}

/// An empty signing secret is one that everybody knows (docs/clearml.md#empty-token-secret). One that came out empty of
/// a variable is `unset-variable`; an account without credentials is closed.
fn is_open_when_empty(case: &Case<'_>, reading: &Reading) -> bool {
    let is_signing = |setting: Setting| setting.account().is_none();
    let came_from_variable = reading
        .variable(case.deployment)
        .is_some_and(|variable| !variable.interpolated.is_empty());
    is_signing(reading.setting) && !came_from_variable
}

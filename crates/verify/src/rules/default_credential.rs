//! A setting is set to a value that is printed in public.
//!
//! **What**: a variable or a `.conf` file sets a setting to a default of ClearML's source, of its Helm charts, or
//! to an example of its documentation. So does it for any other account below `secure.credentials`: each one logs in.
//!
//! **Why**: these values are the first that anybody tries. With one account of role `system`, a single call
//! returns every other secret in clear.
//!
//! bad: tests/fixtures/rules/default-credential/bad.yml
//!
//! good: tests/fixtures/rules/default-credential/good.yml
//!
//! **Fix**: `clearml-keygen | clearml-inject docker-compose.yml > secured.yml`
//!
//! **References**: ClearML, "Securing ClearML Server"; secure.conf in the public source of clearml-server;
//! docs/clearml.md#secrets-in-clear.

use clearml_secure_core::effective::{Origin, Reading};
use clearml_secure_core::known::{self, Class, Known};
use clearml_secure_core::setting::Kind;

use super::{Case, Rule};
use crate::case::is_public;
use crate::finding::{Draft, Severity};
use crate::words::HALF_PUBLIC;

// How bad it is: [`Case::of_public`].
pub(crate) struct DefaultCredential;

impl Rule for DefaultCredential {
    fn id(&self) -> &'static str {
        "default-credential"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let mut seen = Vec::new();
        for reading in case.effective.readings() {
            let Some(known) = published(reading) else {
                continue;
            };
            if case.is_closed(reading) {
                continue;
            }
            let span = case.span(reading);
            if seen.contains(&(reading.setting, span)) {
                continue;
            }
            seen.push((reading.setting, span));
            let (severity, consequence) = case.of_public(reading);
            let message = format!(
                "{} of {} is public: {}; {consequence}",
                reading.setting,
                case.server(reading),
                known.what
            );
            findings.push(case.finding_in(severity, reading, message));
        }
        case.of_own_accounts(findings, |half| {
            let known = public(half.text)?;
            let what = format!("is public: {}", known.what);
            let is_alone = half.kind == Kind::Key && !is_public(&half.account.secret.value);
            let (severity, consequence) = if is_alone {
                (Severity::Warning, Some(HALF_PUBLIC))
            } else {
                (Severity::Error, None)
            };
            Some(case.of_half(half, (severity, &what), consequence))
        });
    }
}

/// The public value that is set, placeholders left to `weak-secret`.
fn published(reading: &Reading) -> Option<&'static Known> {
    if !matches!(reading.origin, Origin::File(_) | Origin::Variable(_)) {
        return None;
    }
    public(reading.value.text()?.expose())
}

fn public(text: &str) -> Option<&'static Known> {
    known::lookup(text).filter(|known| known.class != Class::Placeholder)
}

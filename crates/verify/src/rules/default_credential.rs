//! A setting is set to a value that is printed in public.
//!
//! **What**: a variable or a `.conf` file sets a setting to a default of ClearML's source, of its Helm charts, or
//! to an example of its documentation.
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

use super::{Case, Rule};
use crate::finding::Draft;

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
    }
}

/// The public value that is set, placeholders left to `weak-secret`.
fn published(reading: &Reading) -> Option<&'static Known> {
    if !matches!(reading.origin, Origin::File(_) | Origin::Variable(_)) {
        return None;
    }
    known::lookup(reading.value.text()?.expose()).filter(|known| known.class != Class::Placeholder)
}

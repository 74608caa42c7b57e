//! A setting is set to a value that is printed in public.
//!
//! **What**: a variable or a `.conf` file sets a setting to a default of ClearML's source, of its Helm charts, or
//! to an example of a documentation, of a standard or of a widely copied program; or to one of these in other letters,
//! doubled, reversed, encoded, or with a few characters changed.
//! So does it for any other account below `secure.credentials`: each one logs in.
//!
//! **Why**: these values are the first that anybody tries. With one account of role `system`, a single call
//! returns every other secret in clear.
//!
//! bad: tests/fixtures/rules/default-credential/bad.yml
//!
//! good: tests/fixtures/rules/default-credential/good.yml
//!
//! **Fix**: `clearml-keygen -o keys.env`, then `clearml-inject -k keys.env -i docker-compose.yml`
//!
//! **References**: ClearML, "Securing ClearML Server"; secure.conf in the public source of clearml-server;
//! docs/clearml.md#secrets-in-clear.

use clearml_secure_core::effective::{Origin, Reading};
use clearml_secure_core::public::{self, Public};
use clearml_secure_core::setting::Kind;

use super::{Case, Rule};
use crate::case::is_public;
use crate::finding::{Draft, Severity};
use crate::words::{HALF_PUBLIC, and};

// How bad it is: [`Case::of_public`].
pub(crate) struct DefaultCredential;

impl Rule for DefaultCredential {
    fn id(&self) -> &'static str {
        "default-credential"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        // What is written once and read by several servers is one finding, about all of them.
        let mut found: Vec<(&Reading, Public, Vec<String>)> = Vec::new();
        for reading in case.effective.readings() {
            let Some(public) = published(reading).filter(|_| !case.is_closed(reading)) else {
                continue;
            };
            let is_same = |other: &Reading| {
                other.setting == reading.setting && case.span(other) == case.span(reading)
            };
            let server = case.server(reading);
            match found.iter_mut().find(|(other, ..)| is_same(other)) {
                Some((.., servers)) => servers.push(server),
                None => found.push((reading, public, vec![server])),
            }
        }
        for (reading, Public { known, change }, servers) in found {
            let (severity, consequence) = case.of_public(reading);
            let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
            let message = format!(
                "{} of {} is a public value ({}{}): {consequence}",
                reading.setting,
                and(&servers),
                known.what,
                change.text()
            );
            findings.push(case.finding_in(severity, reading, message));
        }
        case.of_own_accounts(findings, |half| {
            let Public { known, change } = public::of(half.text)?;
            let what = format!("is a public value ({}{})", known.what, change.text());
            let is_alone = half.kind == Kind::Key && !is_public(&half.account.secret.value);
            let (severity, consequence) = if is_alone {
                (Severity::Warning, Some(HALF_PUBLIC.to_owned()))
            } else {
                (Severity::Error, None)
            };
            Some(case.of_half(half, (severity, &what), consequence))
        });
    }
}

/// The public value that is set, or of which what is set was made.
fn published(reading: &Reading) -> Option<Public> {
    if !matches!(reading.origin, Origin::File(_) | Origin::Variable(_)) {
        return None;
    }
    public::of(reading.value.text()?.expose())
}

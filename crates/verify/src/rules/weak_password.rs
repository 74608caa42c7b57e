//! A password of the web login can be guessed.
//!
//! **What**: the password of a fixed user is a placeholder (`<enter password here>`), one of the documentation's examples, the user's own name, or one that
//! zxcvbn guesses easily (score below 3); or its hash is the documentation's example.
//!
//! **Why**: the login page can be tried as often as anybody likes.
//!
//! bad: tests/fixtures/rules/weak-password/bad.yml
//!
//! good: tests/fixtures/rules/weak-password/good.yml
//!
//! **Fix**: choose another of at least 15 characters, or let a password manager make it.
//!
//! **References**: zxcvbn; ClearML, "Web Login Authentication", whose examples these are.

use clearml_secure_core::known;
use clearml_secure_core::password::{Weakness, weakness};
use clearml_secure_core::shown::escape;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// Somebody guesses it (docs/clearml.md#known-public-values).
const SEVERITY: Severity = Severity::Error;

pub(crate) struct WeakPassword;

impl Rule for WeakPassword {
    fn id(&self) -> &'static str {
        "weak-password"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for (server, users) in case.fixed_users() {
            for (user, password) in users.passwords() {
                let name = escape(&user.username);
                let weakness = if users.is_hashed == Some(false) {
                    weakness(password, &user.username)
                } else {
                    // A hash says only whether it is one that everybody knows.
                    known::lookup(password).map(|_| Weakness::Example)
                };
                let Some(what) = weakness.map(Weakness::text) else {
                    continue;
                };
                let message = format!("the password of {name} {what}; whoever tries it is in");
                findings.push(
                    case.finding(
                        SEVERITY,
                        server,
                        message,
                        "choose another, of at least 15 characters",
                    )
                    .at(user.span),
                );
            }
        }
    }
}

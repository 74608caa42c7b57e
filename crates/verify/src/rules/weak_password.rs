//! A password of the web login can be guessed.
//!
//! **What**: the password of a fixed user is a placeholder (`<enter password here>`), one of the documentation's examples,
//! the user's own name, empty, or one that zxcvbn guesses easily (score below 3). A hash is tried with a handful of such
//! passwords: 32 at a cost of 10, 8 at a cost of 12, none above 15, and for 2 seconds at most.
//!
//! **Why**: the login page can be tried as often as anybody likes.
//!
//! bad: tests/fixtures/rules/weak-password/bad.yml
//!
//! good: tests/fixtures/rules/weak-password/good.yml
//!
//! **Fix**: choose another of at least 15 characters, or let `clearml-keygen --reset-password NAME` make one.
//!
//! **References**: zxcvbn; ClearML, "Web Login Authentication", whose examples these are.

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
        for login in case.fixed_users() {
            let users = login.users.users.iter();
            let weak: Vec<_> = users
                .filter(|user| login.weakness(user).is_some())
                .collect();
            for user in &weak {
                let Some(weakness) = login.weakness(user) else {
                    continue;
                };
                let (name, what) = (login.called(user), weakness.text());
                let message = format!("anyone can guess the password of {name}: it {what}");
                let help = case.reset_password(login, user, &weak);
                findings.push(
                    case.finding(SEVERITY, login.server, message, &help)
                        .at(user.span),
                );
            }
        }
    }
}

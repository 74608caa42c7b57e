//! A password of the web login is in clear text.
//!
//! **What**: fixed users are listed with their passwords, and `pass_hashed` is not true.
//!
//! **Why**: anyone who reads the file, and anyone with an account of role `system` by one call, has the passwords, which
//! people use elsewhere too.
//!
//! bad: tests/fixtures/rules/plaintext-password/bad.yml
//!
//! good: tests/fixtures/rules/plaintext-password/good.yml
//!
//! **Fix**: `clearml-keygen --from apiserver.conf --users-from users.txt -f hocon -o apiserver.conf --force`, with a line
//! `name:password` for each user in `users.txt`. It writes base64 of bcrypt hashes and sets `pass_hashed: true`.
//!
//! **References**: ClearML, "Web Login Authentication"; docs/clearml.md#plain-passwords.

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// It takes a look at the file or an administrator (docs/clearml.md#plain-passwords).
const SEVERITY: Severity = Severity::Warning;

pub(crate) struct PlaintextPassword;

impl Rule for PlaintextPassword {
    fn id(&self) -> &'static str {
        "plaintext-password"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for login in case.fixed_users() {
            let (server, users) = (login.server, &login.users);
            if users.is_hashed != Some(false) {
                continue;
            }
            let names: Vec<String> = users
                .users
                .iter()
                .filter(|user| user.password.is_some())
                .map(|user| login.called(user))
                .collect();
            let Some(span) = users.span.filter(|_| !names.is_empty()) else {
                continue;
            };
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let message = format!(
                "anyone who can read the file, or call server.config as a system user, gets passwords: {} has those of {} in clear text",
                case.name(server),
                crate::words::and(&names)
            );
            let help = case.hash_passwords(login);
            findings.push(case.finding(SEVERITY, server, message, &help).at(span));
        }
    }
}

//! A file that holds a secret is tracked by git.
//!
//! **What**: git tracks a file with a secret of yours, or a keyset or the passwords of `clearml-keygen --passwords` (beside the
//! deployment, below it, or elsewhere in the repository under a name with `key`, `secret`, `cred`, `clearml`, `login` or
//! `passw`), or any file of the repository that has a secret of such a file.
//!
//! **Why**: anyone who clones the repository, today or in years, has the keys; deleting the line does not take it out
//! of the history.
//!
//! bad: tests/fixtures/rules/tracked-secret/bad.yml
//!
//! good: tests/fixtures/rules/tracked-secret/good.yml
//!
//! The two texts are the same: only the first was added to the repository.
//!
//! **Fix**: keep the values in a `.env` file that `.gitignore` names, `git rm --cached` this one, and replace the
//! keys: the old ones stay in the history.
//!
//! **References**: gitignore(5), git-rm(1).

use clearml_secure_core::shown::escape;

use super::{Case, Rule};
use crate::files::{KeysetFile, PASSWORDS};
use crate::finding::{Draft, Severity};

/// It takes access to the repository.
const SEVERITY: Severity = Severity::Warning;

/// What to do: deleting it now does not take it out of the history.
const TAKE_OUT: &str = "take it out of git (`git rm --cached`, .gitignore), and replace the keys: the old ones stay in the history";

/// The same for passwords.
const RESET: &str = "take it out of git (`git rm --cached`, .gitignore), and reset the passwords: the old ones stay in the history";

pub(crate) struct TrackedSecret;

impl Rule for TrackedSecret {
    fn id(&self) -> &'static str {
        "tracked-secret"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for keyset in &case.files.keysets {
            let path = keyset.path.to_string_lossy();
            let path = escape(&path);
            let (power, what, help) = match keyset.what {
                PASSWORDS => ("can log in as these users", "password", reset(case, keyset)),
                _ => ("has all keys", "secret", TAKE_OUT.to_owned()),
            };
            if keyset.is_tracked {
                let message = format!(
                    "git tracks {} {path}: anyone with a clone {power}",
                    keyset.what
                );
                findings.push(Draft::new(SEVERITY, message, help.as_str()));
            }
            for leak in &keyset.leaks {
                let message = format!(
                    "{}: a {what} of {path}, in a file that git tracks: anyone with a clone has it",
                    leak.place
                );
                findings.push(Draft::new(SEVERITY, message, help.as_str()));
            }
        }
        for file in case.files.secret.iter().filter(|file| file.is_tracked) {
            let path = file.path.to_string_lossy();
            findings.push(Draft::new(SEVERITY, format!(
                    "anyone who gets the repository, now or later, has the secrets in {}: git tracks the file",
                    escape(&path)
                ), "keep the values in a .env file that git ignores, remove this file with `git rm --cached`, and replace the keys")
.at(file.span));
        }
    }
}

/// What to do about passwords, for those that are still in use with the command.
fn reset(case: &Case<'_>, file: &KeysetFile) -> String {
    let help = case.logins.iter().find_map(|login| {
        let users = login.users.users.iter();
        let users: Vec<_> = users
            .filter(|user| file.users.contains(&user.username))
            .collect();
        let first = users.first()?;
        Some(case.reset_password(login, first, &users))
    });
    match help {
        Some(help) => format!("{RESET}. For each, {help}"),
        None => RESET.to_owned(),
    }
}

//! A file that holds a secret is tracked by git.
//!
//! **What**: a file in which a secret of yours stands is in the index of the git repository around it.
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
use crate::finding::{Draft, Severity};

/// It takes access to the repository.
const SEVERITY: Severity = Severity::Warning;

pub(crate) struct TrackedSecret;

impl Rule for TrackedSecret {
    fn id(&self) -> &'static str {
        "tracked-secret"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
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

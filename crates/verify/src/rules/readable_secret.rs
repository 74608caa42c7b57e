//! A file that holds a secret is open to others on this machine.
//!
//! **What**: a file in which a secret of yours is, also the keys of a store such as S3, may be read by its group or by everybody, and so may the
//! folders around it. A keyset beside the deployment or below it counts, too, even if nothing uses it.
//!
//! **Why**: anyone who has an account here, or breaks into any program that runs here, reads the keys of your server.
//!
//! bad: tests/fixtures/rules/readable-secret/bad.yml
//!
//! good: tests/fixtures/rules/readable-secret/good.yml
//!
//! The two texts are the same: the first has mode 0644, the second 0600.
//!
//! **Fix**: `chmod 600 docker-compose.yml`
//!
//! **References**: chmod(1). Docker starts containers as root, so it reads what only its owner may.

use clearml_secure_core::shell::quoted;
use clearml_secure_core::shown::{escape, escape_path};

use super::{Case, Rule};
use crate::finding::{Draft, Fix, Severity};

/// It takes an account on this machine.
const SEVERITY: Severity = Severity::Warning;

pub(crate) struct ReadableSecret;

impl Rule for ReadableSecret {
    fn id(&self) -> &'static str {
        "readable-secret"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for keyset in &case.files.keysets {
            let Some(readers) = &keyset.readers else {
                continue;
            };
            let message = format!(
                "{} can read {} {} (mode {:04o})",
                readers.who,
                keyset.what,
                escape_path(&keyset.path),
                readers.mode
            );
            let help = format!("chmod 600 {}", quoted(&keyset.path));
            let fix = Fix::Close(keyset.path.clone());
            findings.push(Draft::new(SEVERITY, message, help).fixed_by(fix));
        }
        for file in &case.files.secret {
            let Some(readers) = &file.readers else {
                continue;
            };
            let path = file.path.to_string_lossy();
            let path = escape(&path);
            findings.push(
                Draft::new(
                    SEVERITY,
                    format!(
                        "{} can read the secrets in {path} (mode {:04o})",
                        readers.who, readers.mode
                    ),
                    format!("chmod 600 {path}"),
                )
                .at(file.span)
                .fixed_by(Fix::Mode),
            );
        }
    }
}

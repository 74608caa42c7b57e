//! A database without a password shares its network with others.
//!
//! **What**: Elasticsearch, MongoDB or Redis has no password, and a service that is none of ClearML's servers is on
//! one of its networks.
//!
//! **Why**: whoever takes that service over reads every user's credentials in MongoDB and plants tokens in Redis.
//!
//! bad: tests/fixtures/rules/database-password/bad.yml
//!
//! good: tests/fixtures/rules/database-password/good.yml
//!
//! **Fix**: give the databases a network that only ClearML's servers are on, or give them passwords.
//!
//! **References**: ClearML, "Securing ClearML Server"; docs/clearml.md#database-passwords.

use clearml_secure_core::container::Container;
use clearml_secure_core::deployment::Database;
use clearml_secure_core::shown::escape;
use clearml_secure_core::version::Version;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use crate::words::and;

/// Another service has to fall first.
const SEVERITY: Severity = Severity::Note;

pub(crate) struct DatabasePassword;

impl Rule for DatabasePassword {
    fn id(&self) -> &'static str {
        "database-password"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let services = &case.deployment.containers;
        let strangers: Vec<&Container> = services
            .iter()
            .enumerate()
            .filter(|(index, service)| {
                !case.deployment.is_own(*index) && Database::of(service).is_none()
            })
            .map(|(_, service)| service.as_ref())
            .filter(|service| service.network_mode.is_none())
            .collect();
        for service in services {
            let Some(database) = case.deployment.database(service) else {
                continue;
            };
            if service.network_mode.is_some() || has_password(service, database) != Some(false) {
                continue;
            }
            let others: Vec<String> = strangers
                .iter()
                .filter(|other| {
                    other
                        .networks
                        .iter()
                        .any(|name| service.networks.contains(name))
                })
                .map(|other| escape(&other.name).into_owned())
                .collect();
            if others.is_empty() {
                continue;
            }
            let others: Vec<&str> = others.iter().map(String::as_str).collect();
            findings.push(Draft::new(SEVERITY, format!(
                    "{database} (service {}) has no password and shares a network with {}; who takes that over has \
                     all that is in it",
                    escape(&service.name),
                    and(&others)
                ), "give the databases a network that only ClearML's servers are on")
.at(service.name_span));
        }
    }
}

/// Whether a database asks for a password; none where it cannot be told, such as behind a configuration file.
fn has_password(service: &Container, database: Database) -> Option<bool> {
    let has_word = |words: &[&str]| {
        service.words.iter().any(|word| {
            let word = word.split('=').next().unwrap_or_default();
            words.contains(&word)
        })
    };
    let variable = |name: &str| {
        let mut all = service.environment.iter();
        all.find(|variable| variable.name == name)
    };
    let has_variable = |names: &[&str]| names.iter().any(|name| variable(name).is_some());
    if service
        .words
        .iter()
        .any(|word| word.ends_with(".conf") || word.ends_with(".yml"))
    {
        return None;
    }
    match database {
        Database::Redis => Some(
            has_word(&["--requirepass", "--aclfile"])
                || has_variable(&[
                    "REDIS_PASSWORD",
                    "REDIS_PASSWORD_FILE",
                    "REDIS_ARGS",
                    "VALKEY_PASSWORD",
                ]),
        ),
        Database::Mongodb => Some(
            has_word(&["--auth", "--keyFile", "--config", "-f"])
                || has_variable(&[
                    "MONGO_INITDB_ROOT_USERNAME",
                    "MONGO_INITDB_ROOT_USERNAME_FILE",
                    "MONGODB_ROOT_PASSWORD",
                ]),
        ),
        Database::Elasticsearch => match variable("xpack.security.enabled") {
            Some(variable) => Some(variable.value.known()?.expose().trim() != "false"),
            // On by default since 8.
            None => Some(service.known_image()?.version()? >= Version::new(8, 0, 0)),
        },
    }
}

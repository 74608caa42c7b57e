//! A database has no password, or one that is guessed.
//!
//! **What**: Elasticsearch, MongoDB or Redis has no password, and a service that is none of ClearML's servers is on
//! one of its networks. Or it is given a password that is empty, an example, or guessed easily.
//!
//! **Why**: anyone who takes that service over reads every user's credentials in MongoDB and plants tokens in Redis. An empty
//! password is none: the database asks nobody.
//!
//! bad: tests/fixtures/rules/database-password/bad.yml
//!
//! good: tests/fixtures/rules/database-password/good.yml
//!
//! **Fix**: move the databases to a network that only ClearML's servers use, or give them passwords. In Kubernetes, a
//! NetworkPolicy says who reaches them (docs/kubernetes.md#agents).
//!
//! **References**: ClearML, "Securing ClearML Server"; docs/clearml.md#database-passwords; docs/clearml.md#passwords-of-images.

use clearml_secure_core::container::Container;
use clearml_secure_core::deployment::Database;
use clearml_secure_core::shown::escape;

use super::{Case, Rule};
use crate::case::protection::{Off, Protection, protection};
use crate::finding::{Draft, Severity};
use crate::words::{and, container};

/// Another service has to fall first.
const SEVERITY: Severity = Severity::Note;
/// Somebody has meant to close it, and it is open.
const MISTAKEN: Severity = Severity::Warning;

pub(crate) struct DatabasePassword;

impl Rule for DatabasePassword {
    fn id(&self) -> &'static str {
        "database-password"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let env_files = &case.deployment.env_files;
        let strangers = strangers(case);
        for (index, service) in case.deployment.containers.iter().enumerate() {
            let Some(database) = case.deployment.database(index) else {
                continue;
            };
            let name = container(service);
            let found = match protection(service, database) {
                Protection::None(Off::Empty(what)) => Draft::new(
                    MISTAKEN,
                    format!("{database} ({name}) asks for no password, because {what} is empty"),
                    "give it a password, and give the same one to ClearML's servers",
                ),
                Protection::None(Off::Unset(what)) => Draft::new(
                    MISTAKEN,
                    format!(
                        "{database} ({name}) may ask for no password: {what} has no value in {env_files}, so the password is empty unless the shell that runs compose sets it"
                    ),
                    format!(
                        "give the variable a value in {env_files}, and write ${{NAME:?}} where it is used"
                    ),
                ),
                Protection::Weak(weakness) => Draft::new(
                    MISTAKEN,
                    format!(
                        "the password of {database} ({name}) {}: anyone who can reach it can read and change all its data",
                        weakness.text()
                    ),
                    "choose one of at least 15 characters, and give it to the database and to ClearML's servers",
                ),
                Protection::None(off) => match shared(case, index, database, &strangers) {
                    Some(draft) => draft,
                    None if off == Off::Allowed && !is_closed(service) => Draft::new(
                        SEVERITY,
                        format!(
                            "{database} ({name}) has its password turned off: anyone who can reach it can read and change all its data"
                        ),
                        format!("give it a password, or {}", apart(service, "it")),
                    ),
                    None => continue,
                },
                Protection::Password | Protection::Elsewhere | Protection::Unknown => continue,
            };
            findings.push(found.at(service.name_span));
        }
    }
}

/// The containers that are neither ClearML's nor databases.
fn strangers(case: &Case<'_>) -> Vec<usize> {
    let containers = case.deployment.containers.iter().enumerate();
    let strangers = containers.filter(|(index, container)| {
        !case.deployment.is_own(*index) && Database::of(container).is_none()
    });
    strangers.map(|(index, _)| index).collect()
}

/// Others on the networks of a database without a password.
fn shared(case: &Case<'_>, index: usize, database: Database, strangers: &[usize]) -> Option<Draft> {
    let containers = &case.deployment.containers;
    let service = &containers[index];
    let networks = case.deployment.networks(index);
    let others = strangers.iter().filter(|other| {
        // What is in the pod of a database is a part of it: nothing keeps them apart.
        let is_of_its_pod = containers[**other].is_in_pod_of(service);
        let attached = case.deployment.networks(**other);
        !is_of_its_pod && attached.iter().any(|name| networks.contains(name))
    });
    let others: Vec<String> = others
        .map(|other| escape(&containers[*other].name).into_owned())
        .collect();
    if others.is_empty() {
        return None;
    }
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    Some(Draft::new(
        SEVERITY,
        format!(
            "{database} ({}) has no password and shares a network with {}: anyone who takes that over can read and change all its data",
            container(service),
            and(&others)
        ),
        apart(service, "the databases"),
    ))
}

/// Whether somebody has said who may ask it.
fn is_closed(service: &Container) -> bool {
    service.pod.as_ref().is_some_and(|pod| pod.is_closed)
}

/// How only ClearML's servers reach databases.
fn apart(service: &Container, what: &str) -> String {
    match &service.pod {
        Some(pod) => {
            let why = pod.policy_elsewhere.as_ref();
            let why = why.map_or_else(String::new, |why| format!(" in the same namespace ({why})"));
            format!("let only ClearML's servers reach {what}, with a NetworkPolicy{why}")
        }
        None => format!("move {what} to a network that only ClearML's servers use"),
    }
}

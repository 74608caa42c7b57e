//! The S3 store of ClearML's files has its default password.
//!
//! **What**: MinIO can be reached from outside, and its password is the default (`minioadmin`), an example, or guessed easily. It
//! counts if a server names it or shares a network with it.
//!
//! **Why**: anyone who can reach it can read, change and delete all files that ClearML keeps there: models, artifacts, logs.
//!
//! bad: tests/fixtures/rules/storage-password/bad.yml
//!
//! good: tests/fixtures/rules/storage-password/good.yml
//!
//! **Fix**: set `MINIO_ROOT_USER` and `MINIO_ROOT_PASSWORD`, give ClearML an access key of its own, and publish MinIO behind TLS only.
//!
//! **References**: docs/clearml.md#minios-own-password.

use clearml_secure_core::container::{Container, Interface, VariableValue};
use clearml_secure_core::deployment::exposure::Way;
use clearml_secure_core::password::{PasswordWeakness, weakness};
use clearml_secure_core::shown::escape;

use super::{Case, Rule};
use crate::entry::entry;
use crate::finding::{Draft, Severity};

/// Anyone who reaches it has the files.
const REACHABLE: Severity = Severity::Error;
/// Every user and every process of the host has.
const LOOPBACK: Severity = Severity::Warning;

/// Where MinIO listens, for S3 and for its console (docs/clearml.md#minios-own-password).
const PORTS: [u16; 2] = [9000, 9001];

pub(crate) struct StoragePassword;

impl Rule for StoragePassword {
    fn id(&self) -> &'static str {
        "storage-password"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for (index, service) in case.deployment.containers.iter().enumerate() {
            if !is_minio(service) || case.deployment.is_foreign(index) {
                continue;
            }
            let Some(what) = password(service, &case.deployment.env_files) else {
                continue;
            };
            let mut seen = Vec::new();
            for way in ports(service)
                .into_iter()
                .flat_map(|port| case.deployment.ways(index, port))
            {
                if seen.contains(&way.opening.span) {
                    continue;
                }
                seen.push(way.opening.span);
                findings.push(finding(case, index, &way, &what));
            }
        }
    }
}

fn finding(case: &Case<'_>, index: usize, way: &Way<'_>, what: &str) -> Draft {
    let service = &case.deployment.containers[index];
    let severity = match way.opening.reach.interface() {
        Interface::Loopback => LOOPBACK,
        _ => REACHABLE,
    };
    let message = format!(
        "{} leads to MinIO (service {}), whose password {what}: anyone who can reach it can read and change all files in it",
        entry(case.deployment, way),
        escape(&service.name),
    );
    let help = "set MINIO_ROOT_PASSWORD to one of at least 15 characters, and give it to ClearML's servers";
    Draft::new(severity, message, help).at(way.opening.span)
}

fn is_minio(service: &Container) -> bool {
    service.image_name() == "minio"
}

/// The ports that may lead to it: all that are published, and its own.
fn ports(service: &Container) -> Vec<u16> {
    let published = service.ports.iter().filter(|port| port.protocol == "tcp");
    let published = published.map(|port| *port.target.start());
    let mut ports: Vec<u16> = published.chain(PORTS).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// Why anybody knows the password; none where nobody does, or it is not known.
fn password(service: &Container, env_files: &str) -> Option<String> {
    let find = |names: &[&str]| {
        let mut variables = service.environment.iter();
        variables.find(|variable| names.contains(&variable.name.as_str()))
    };
    if find(&[
        "MINIO_ROOT_PASSWORD_FILE",
        "MINIO_SECRET_KEY_FILE",
        "MINIO_CONFIG_ENV_FILE",
    ])
    .is_some()
    {
        return None;
    }
    let user = service
        .known_variable("MINIO_ROOT_USER")
        .or(service.known_variable("MINIO_ACCESS_KEY"));
    let user = user.map_or("minio", |user| user.expose());
    let Some(variable) = find(&["MINIO_ROOT_PASSWORD", "MINIO_SECRET_KEY"]) else {
        return Some("is the default, minioadmin".to_owned());
    };
    let is_left = variable.left_to_the_shell().is_some();
    let unless_the_shell = || {
        format!(
            "has no value in {env_files} and is the default, minioadmin, unless the shell that runs compose sets it"
        )
    };
    match &variable.value {
        VariableValue::Unset => Some(unless_the_shell()),
        VariableValue::Known(_) if is_left => Some(unless_the_shell()),
        VariableValue::Known(password) => {
            let password = password.expose();
            if password.is_empty() || password == "minioadmin" {
                return Some("is the default, minioadmin".to_owned());
            }
            weakness(password, user, "")
                .map(PasswordWeakness::text)
                .map(str::to_owned)
        }
        _ => None,
    }
}

//! The S3 store of ClearML's files has its default password.
//!
//! **What**: a store such as MinIO, RustFS or SeaweedFS can be reached from outside, and its password is the default
//! (`minioadmin`), an example, or guessed easily, or it asks for none. It counts if a server names it or shares a network with it.
//!
//! **Why**: anyone who can reach it can read, change and delete all files that ClearML keeps there: models, artifacts, logs.
//!
//! bad: tests/fixtures/rules/storage-password/bad.yml
//!
//! good: tests/fixtures/rules/storage-password/good.yml
//!
//! **Fix**: set `MINIO_ROOT_USER` and `MINIO_ROOT_PASSWORD`, or what the store has in their place, give ClearML an access key of its own, and
//! publish the store behind TLS only.
//!
//! **References**: docs/clearml.md#minios-own-password.

use std::collections::HashSet;
use std::path::Path;

use clearml_secure_core::command;
use clearml_secure_core::container::{Container, Interface, Text, Variable, VariableValue};
use clearml_secure_core::deployment::exposure::Way;
use clearml_secure_core::knowable::Knowable;
use clearml_secure_core::password::{PasswordWeakness, weakness};
use clearml_secure_core::shown::escape;
use clearml_secure_core::unseen::{Hides, Unseen};
use clearml_secure_core::version::Version;

use super::{Case, Rule};
use crate::entry::entry;
use crate::finding::{Draft, Severity};

/// Anyone who reaches it has the files.
const REACHABLE: Severity = Severity::Error;
/// Every user and every process of the host has.
const LOOPBACK: Severity = Severity::Warning;

/// Software that keeps files for those who speak S3 (docs/clearml.md#minios-own-password).
struct Store {
    name: &'static str,
    /// The ends of its images' names.
    images: &'static [&'static str],
    /// Where it listens, with its console.
    ports: &'static [u16],
    /// Variables with the key, or the name, of who may do everything.
    users: &'static [&'static str],
    /// And with the secret, or the password.
    passwords: &'static [&'static str],
    /// The secret where nothing sets one; without it the store asks for none.
    default: Option<&'static str>,
    /// The word of its command that starts it, where its image is of other programs as well.
    starts: Option<&'static str>,
    /// Variables and options by which it has keys that are not seen here.
    elsewhere: &'static [&'static str],
    /// And a file that is mounted for that, or its folder.
    file: Option<&'static str>,
    /// The variable that names the services that it has.
    chosen: Option<&'static str>,
}

/// What most of them have.
const STORE: Store = Store {
    name: "",
    images: &[],
    ports: &[],
    users: &[],
    passwords: &[],
    default: None,
    starts: None,
    elsewhere: &[],
    file: None,
    chosen: None,
};

const MINIO: Store = Store {
    name: "MinIO",
    images: &["minio"],
    ports: &[9000, 9001],
    users: &["MINIO_ROOT_USER", "MINIO_ACCESS_KEY"],
    passwords: &["MINIO_ROOT_PASSWORD", "MINIO_SECRET_KEY"],
    default: Some("minioadmin"),
    elsewhere: &[
        "MINIO_ROOT_PASSWORD_FILE",
        "MINIO_SECRET_KEY_FILE",
        "MINIO_CONFIG_ENV_FILE",
    ],
    ..STORE
};

static STORES: [Store; 6] = [
    // Bitnami's have a default of their own, and come before the others whose names end so.
    Store {
        images: &[
            "bitnami/minio",
            "bitnamilegacy/minio",
            "bitnamisecure/minio",
        ],
        default: Some("miniosecret"),
        ..MINIO
    },
    MINIO,
    Store {
        name: "RustFS",
        images: &["rustfs"],
        ports: &[9000, 9001],
        users: &["RUSTFS_ACCESS_KEY"],
        passwords: &["RUSTFS_SECRET_KEY"],
        default: Some("rustfsadmin"),
        elsewhere: &["RUSTFS_SECRET_KEY_FILE", "--secret-key"],
        ..STORE
    },
    Store {
        name: "CloudServer",
        images: &["cloudserver", "s3server"],
        ports: &[8000],
        users: &["SCALITY_ACCESS_KEY_ID"],
        passwords: &["SCALITY_SECRET_ACCESS_KEY"],
        default: Some("verySecretKey1"),
        elsewhere: &["S3AUTH_CONFIG"],
        file: Some("/usr/src/app/conf/authdata.json"),
        ..STORE
    },
    Store {
        name: "SeaweedFS",
        images: &["seaweedfs"],
        ports: &[8333],
        starts: Some("s3"),
        elsewhere: &[
            "AWS_ACCESS_KEY_ID",
            "-config",
            "-iam.config",
            "-s3.config",
            "-s3.iam.config",
        ],
        ..STORE
    },
    Store {
        name: "LocalStack",
        images: &["localstack", "localstack-pro"],
        ports: &[4566],
        chosen: Some("SERVICES"),
        ..STORE
    },
];

/// Whether its command starts MinIO.
fn runs_minio(service: &Container) -> bool {
    let is_minio = |word: &String| word.rsplit('/').next() == Some("minio");
    // Most commands are not worth following.
    service.words.iter().any(is_minio)
        && command::programs(&service.command).iter().any(|words| {
            let is_served = words.iter().any(|word| word == "server");
            words.first().is_some_and(is_minio) && is_served
        })
}

/// Whether an image of LocalStack has no other services than it is told: from 3.0 on.
fn keeps_to_its_services(image: &Text) -> bool {
    let name = image.text.rsplit('/').next().unwrap_or_default();
    if let Some(version) = image.version() {
        return version >= Version::new(3, 0, 0);
    }
    match name.split_once([':', '@']) {
        None => true,
        Some((_, "latest" | "stable")) => true,
        Some((_, tag)) => tag.parse::<u16>().is_ok_and(|major| major >= 3),
    }
}

pub(crate) struct StoragePassword;

impl Rule for StoragePassword {
    fn id(&self) -> &'static str {
        "storage-password"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for (index, service) in case.deployment.containers.iter().enumerate() {
            let Some(store) = Store::of(service).filter(|_| !case.deployment.is_foreign(index))
            else {
                continue;
            };
            let Knowable::Known(Some(what)) = store.opened_by(service, &case.deployment.env_files)
            else {
                continue;
            };
            let mut seen = HashSet::new();
            for way in store.ways(case, index) {
                if !seen.insert(way.opening.span) {
                    continue;
                }
                findings.push(store.finding(case, index, &way, &what));
            }
        }
    }

    fn doubt(&self, case: &Case<'_>, doubts: &mut Vec<Unseen>) {
        for (index, service) in case.deployment.containers.iter().enumerate() {
            let Some(store) = Store::of(service).filter(|_| !case.deployment.is_foreign(index))
            else {
                continue;
            };
            let opened = store.opened_by(service, &case.deployment.env_files);
            let reason = opened
                .reason()
                .filter(|_| store.ways(case, index).next().is_some());
            doubts.extend(reason.map(|reason| Unseen {
                what: format!("the password of {}", store.name),
                hides: Hides::Variables,
                reason: reason.to_string(),
                service: Some(service.name.clone()),
                span: Some(service.name_span),
            }));
        }
    }
}

impl Store {
    /// The store that a container runs, by its image or its command.
    fn of(service: &Container) -> Option<&'static Self> {
        let mut stores = STORES.iter();
        let store = stores.find(|store| store.is_in(service));
        let store = store.or_else(|| runs_minio(service).then_some(&MINIO))?;
        (store.is_started(service) && !store.is_left_out(service)).then_some(store)
    }

    /// Whether it is told to be other things and no store: `SERVICES: sqs,sns` (docs/clearml.md#minios-own-password).
    fn is_left_out(&self, service: &Container) -> bool {
        // Others of its services bring S3 along.
        const WITHOUT: [&str; 18] = [
            "acm",
            "cloudwatch",
            "dynamodb",
            "dynamodbstreams",
            "ec2",
            "es",
            "iam",
            "kinesis",
            "kms",
            "logs",
            "opensearch",
            "route53",
            "secretsmanager",
            "ses",
            "sns",
            "sqs",
            "ssm",
            "sts",
        ];
        let value = |name: &str| {
            let mut all = service.environment.iter();
            // Its image takes the name with this before it first.
            let long = format!("LOCALSTACK_{name}");
            let found = all.clone().find(|one| one.name == long);
            found.or_else(|| all.find(|one| one.name == name))
        };
        let (Some(services), Some(image)) = (
            self.chosen
                .and_then(value)
                .and_then(|one| one.value.known()),
            service.known_image(),
        ) else {
            return false;
        };
        let is_strict = value("STRICT_SERVICE_LOADING").is_none_or(|one| {
            let known = one.value.known().map(|value| value.expose().trim());
            known.is_some_and(|value| !["0", "false", "False"].contains(&value))
        });
        let mut names = services.expose().split(',');
        let is_without = |name: &str| {
            let name = name.split([':', '=']).next().unwrap_or_default();
            WITHOUT.contains(&name.trim())
        };
        is_strict && names.all(is_without) && keeps_to_its_services(image)
    }

    /// Whether its image is one of this store.
    fn is_in(&self, service: &Container) -> bool {
        let is_end = |image: &&str| {
            let before = service.repository().strip_suffix(*image);
            before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
        };
        self.images.iter().any(is_end)
    }

    /// Whether the command starts it: `server -s3`, `s3 -port=8333`, `-s3.config=…`.
    fn is_started(&self, service: &Container) -> bool {
        let is_word = |name: &str, word: &String| {
            let rest = word.trim_start_matches('-').strip_prefix(name);
            rest.is_some_and(|rest| matches!(rest, "" | "=true") || rest.starts_with('.'))
        };
        let is_given = |name| service.words.iter().any(|word| is_word(name, word));
        self.starts.is_none_or(is_given)
    }

    fn finding(&self, case: &Case<'_>, index: usize, way: &Way<'_>, what: &str) -> Draft {
        let service = &case.deployment.containers[index];
        let severity = match way.opening.reach.interface() {
            Interface::Loopback => LOOPBACK,
            _ => REACHABLE,
        };
        let message = format!(
            "{} leads to {} (service {}), {what}: anyone who can reach it can read and change all files in it",
            entry(case.deployment, way),
            self.name,
            escape(&service.name),
        );
        let help = match self.passwords.first() {
            Some(name) => format!(
                "set {name} to one of at least 15 characters, and give it to ClearML's servers"
            ),
            None => "publish it on 127.0.0.1 only, or let it ask for keys".to_owned(),
        };
        Draft::new(severity, message, help).at(way.opening.span)
    }

    /// How it is reached.
    fn ways<'a>(&self, case: &'a Case<'_>, index: usize) -> impl Iterator<Item = Way<'a>> {
        let ports = self.ports(&case.deployment.containers[index]).into_iter();
        ports.flat_map(move |port| case.deployment.ways(index, port))
    }

    /// The ports that may lead to it: all that are published, and its own.
    fn ports(&self, service: &Container) -> Vec<u16> {
        let published = service.ports.iter().filter(|port| port.protocol == "tcp");
        let published = published.map(|port| *port.target.start());
        let own = self.ports.iter().copied();
        let mut ports: Vec<u16> = published.chain(own).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// Whether what is not here may set its password, instead of the one that is told, or make it no store.
    fn may_be_told(&self, service: &Container, told: Option<&Variable>) -> bool {
        let is_by_variable = self.default.is_some() || !self.elsewhere.is_empty();
        let is_unsettled = match told {
            Some(variable) => matches!(variable.value, VariableValue::Unknown(_)),
            None => is_by_variable,
        };
        let may_be_no_store = self.chosen.is_some_and(|name| {
            let value = service.variable(name);
            !matches!(value, Knowable::Known(Some(_)))
        });
        is_unsettled || may_be_no_store
    }

    /// Why anybody gets in; none where nobody does.
    fn opened_by(&self, service: &Container, env_files: &str) -> Knowable<Option<String>> {
        let find = |names: &[&str]| {
            let mut variables = service.environment.iter();
            variables.find(|variable| names.contains(&variable.name.as_str()))
        };
        // Go takes `--s3.config` for `-s3.config`.
        let is_option = |word: &String, option: &str| {
            let name = word.split('=').next().unwrap_or(word);
            word.starts_with('-') && name.trim_start_matches('-') == option.trim_start_matches('-')
        };
        let has_option = |option: &&str| service.words.iter().any(|word| is_option(word, option));
        let mut targets = service
            .mounts
            .iter()
            .filter_map(|mount| mount.target.known());
        let is_file = |target: &String| {
            self.file
                .is_some_and(|file| Path::new(file).starts_with(target))
        };
        if find(self.elsewhere).is_some()
            || self.elsewhere.iter().any(has_option)
            || targets.any(is_file)
        {
            return Knowable::Known(None);
        }
        let told = find(self.passwords);
        if let Some(why) = service.untold().filter(|_| self.may_be_told(service, told)) {
            return Knowable::Unknown(why.clone());
        }
        let Some(default) = self.default else {
            return Knowable::Known(Some("which asks for no password".to_owned()));
        };
        let is_default = || Some(format!("whose password is the default, {default}"));
        let mut users = self.users.iter();
        let user = users.find_map(|name| service.known_variable(name));
        let user = user.map_or("minio", |user| user.expose());
        let Some(variable) = told else {
            return Knowable::Known(is_default());
        };
        let is_left = variable.left_to_the_shell().is_some();
        let unless_the_shell = || {
            format!(
                "whose password has no value in {env_files} and is the default, {default}, unless the shell that runs compose sets it"
            )
        };
        Knowable::Known(match &variable.value {
            VariableValue::Unset => Some(unless_the_shell()),
            VariableValue::Known(_) if is_left => Some(unless_the_shell()),
            VariableValue::Known(password) => {
                let password = password.expose();
                match password.is_empty() || password == default {
                    true => is_default(),
                    false => weakness(password, user, "")
                        .map(PasswordWeakness::text)
                        .map(|what| format!("whose password {what}")),
                }
            }
            VariableValue::Elsewhere(elsewhere) if elsewhere.is_optional => {
                return Knowable::Unknown(elsewhere.reason.clone());
            }
            _ => None,
        })
    }
}

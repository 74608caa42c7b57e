use std::path::{Path, PathBuf};

use clearml_secure_core::compose::files::default_in;
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::keyset::kubernetes::Misnamed;
use clearml_secure_core::shell::quoted;
use clearml_secure_core::shown::{escape, escape_path};
use clearml_secure_plan::env_file::options;
use clearml_secure_plan::error::{Error as PlanError, with_base};

use crate::cli::Cli;
use crate::ports;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}: the backup exists already", escape_path(.0))]
    BackupExists(PathBuf),
    #[error("docker compose cannot be started: {}", clearml_secure_core::error::words(.0))]
    Compose(std::io::Error),
    #[error("docker compose reads {what} of service {} in another way than this program", escape(.service))]
    ComposeDiffers { service: String, what: String },
    #[error("docker compose refuses the edited files")]
    ComposeRefuses,
    #[error("{0}")]
    Core(#[from] clearml_secure_core::error::Error),
    #[error("--env-file cannot be {}, which is in use already", escape_path(.0))]
    EnvFileTaken(PathBuf),
    #[error(
        "{}: COMPOSE_FILE of {} names this file, so docker compose reads all that it names, and this .env, too",
        escape_path(.file),
        escape_path(.names)
    )]
    Part {
        file: PathBuf,
        names: PathBuf,
        compose: Vec<PathBuf>,
        env: Vec<PathBuf>,
    },
    #[error("{}: this is a keyset, not a compose file", escape_path(.0))]
    Keyset(PathBuf),
    #[error("{}: this is a keyset, and it was named as the compose file", escape_path(.keys))]
    KeysetAmong {
        keys: PathBuf,
        compose: PathBuf,
        is_in_place: bool,
    },
    #[error("{}: this is a Kubernetes manifest, not a compose file", escape_path(.0))]
    Manifest(PathBuf),
    #[error("Docker Compose 2 is not installed")]
    NoCompose,
    #[error("no {0} came from standard input")]
    NothingCame(&'static str),
    #[error("{}: one compose file is changed at a time, and this is one more", escape_path(.0))]
    OneMore(PathBuf),
    #[error("{}: this may be values of ClearML's Helm chart, but it has one part of them alone", escape_path(.0))]
    OnePart(PathBuf),
    #[error("{0} is for compose files, and this is a values file")]
    OnlyCompose(&'static str),
    #[error("standard output cannot be written: {}", clearml_secure_core::error::words(.0))]
    Output(std::io::Error),
    #[error("--output cannot be {}, because that file is merged over the compose file", escape_path(.0))]
    OutputMerged(PathBuf),
    #[error("--output cannot be {}, because that file is an input", escape_path(.0))]
    OutputRead(PathBuf),
    #[error("{0}")]
    Plan(#[from] clearml_secure_plan::error::Error),
    #[error("--secret {0}")]
    SecretName(#[from] Misnamed),
    #[error("--secret is for values files of Helm, and this is none")]
    SecretWithout,
    #[error("--in-place needs a file, not standard input")]
    StandardInputInPlace,
    #[error("the keyset and the compose file cannot both come from standard input")]
    StandardInputTwice,
}

impl Error {
    /// What to do. A command names the keyset that this run named.
    pub(crate) fn help_for(&self, cli: &Cli) -> Option<String> {
        let help = self.help()?;
        // A pipe can be read only once.
        let path = cli.keys.as_deref().filter(|path| path.is_file());
        Some(match path.map(quoted) {
            Some(path) => ["-k", "--from"].iter().fold(help, |help, option| {
                help.replace(&format!("{option} KEYS"), &format!("{option} {path}"))
            }),
            None => without_keyset(help, cli),
        })
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::BackupExists(_) => {
                Some("use another suffix for --backup, or move the file away".to_owned())
            }
            Self::Compose(_) | Self::NoCompose => Some(
                "install Docker Compose 2, or run this without --prove-with-compose"
                    .to_owned(),
            ),
            Self::ComposeDiffers { .. } => Some(
                "nothing was written. Please report this, with the line that sets it (without its value)".to_owned(),
            ),
            Self::ComposeRefuses => Some(
                "nothing was written. To see what compose says of the files as they are:\n  docker compose config --quiet".to_owned(),
            ),
            Self::Core(CoreError::Write { source, .. })
                if source.kind() == std::io::ErrorKind::AlreadyExists =>
            {
                Some("name another file, add --force to overwrite it, or use -i to change the file itself (add --backup .orig)".to_owned())
            }
            Self::Core(error) => error.help(),
            Self::EnvFileTaken(_) => {
                Some("name a file beside the compose file, e.g. .env".to_owned())
            }
            Self::Part { compose, env, .. } => Some(with_all(compose, env)),
            Self::Keyset(path) => {
                let here = default_in(Path::new(""));
                let compose = here.unwrap_or_else(|| PathBuf::from("docker-compose.yml"));
                Some(with_keys(path, &compose, false))
            }
            Self::KeysetAmong {
                keys,
                compose,
                is_in_place,
            } => Some(with_keys(keys, compose, *is_in_place)),
            Self::OneMore(path) => Some(format!(
                "run this for each file. A file that docker compose merges over another one: --merge {}",
                quoted(path)
            )),
            Self::Manifest(_) => Some(
                "ClearML's Helm chart takes its keys from a Secret, which a file with its values names:\n  clearml-keygen -o keys.env\n  clearml-keygen --from keys.env -f kubernetes | kubectl create -f -\n  clearml-inject -i values.yaml".to_owned(),
            ),
            Self::NothingCame(_) => Some(
                "if it comes from another program, look at what that says. Or name both files:\n  clearml-keygen -o keys.env\n  clearml-inject -k keys.env -o secured.yml docker-compose.yml".to_owned(),
            ),
            Self::OnePart(_) => Some(
                "values are told by two of clearml, apiserver, fileserver and webserver: add another one, e.g. `fileserver: {}`, then run this again".to_owned(),
            ),
            Self::OnlyCompose("--merge") => Some(
                "helm replaces lists: name the last file that has extraEnvs, and no other".to_owned(),
            ),
            Self::OnlyCompose("--bind" | "--close-ports") => Some(
                "leave it out; what is open is in apiserver.service, fileserver.service and webserver.service: `type: ClusterIP` opens no port".to_owned(),
            ),
            Self::OnlyCompose(_) => {
                Some("leave it out: no key comes into a values file".to_owned())
            }
            Self::Output(_) => None,
            Self::OutputMerged(path) => Some(format!(
                "name another file. If all of its lines are clearml-inject's, move it away, then run this again with the same options:\n  mv {0} {0}.orig",
                quoted(path)
            )),
            Self::OutputRead(_) => Some("name another file".to_owned()),
            Self::Plan(PlanError::Override { place, .. }) => {
                Some(with_base(&place.file, base_of(&place.file).as_deref()))
            }
            Self::Plan(error) => error.help(),
            Self::SecretName(name) => Some(name.help().to_owned()),
            Self::SecretWithout => Some(
                "leave it out, or name a values file: a mapping with two of clearml, apiserver, fileserver and webserver".to_owned(),
            ),
            Self::StandardInputInPlace => Some("name the compose file:\n  clearml-inject -k keys.env -i docker-compose.yml".to_owned()),
            Self::StandardInputTwice => {
                Some("name one of the two files:\n  clearml-inject -k keys.env docker-compose.yml".to_owned())
            }
        }
    }
}

/// Ports change without a keyset, and one that came in a pipe comes in a pipe again.
fn without_keyset(help: String, cli: &Cli) -> String {
    let ports = ports::asked(cli).options();
    match cli.keys {
        None if ports.is_empty() => help,
        None if help.contains(&ports) => help.replace(" -k KEYS", ""),
        None => help.replace(" -k KEYS", &ports),
        Some(_) => help,
    }
}

/// The command for all files that docker compose reads with one, and both of its env files.
fn with_all(compose: &[PathBuf], env: &[PathBuf]) -> String {
    let first = compose.first().map(|path| quoted(path));
    let further = compose.iter().skip(1);
    let merged = further.map(|path| format!(" --merge {}", quoted(path)));
    format!(
        "name all of them, with your other options:\n  clearml-inject -k KEYS{}{} -i {}",
        options(env.iter()),
        merged.collect::<String>(),
        first.unwrap_or_default()
    )
}

fn with_keys(keys: &Path, compose: &Path, is_in_place: bool) -> String {
    let in_place = if is_in_place { " -i" } else { "" };
    format!(
        "-k takes the keyset:\n  clearml-inject -k {}{in_place} {}",
        quoted(keys),
        quoted(compose)
    )
}

/// The file that an override file is probably meant for: the one beside it, or the one here.
fn base_of(path: &Path) -> Option<PathBuf> {
    let beside = path.parent().and_then(default_in);
    beside.or_else(|| default_in(Path::new("")))
}

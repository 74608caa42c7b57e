use std::path::PathBuf;

use clearml_secure_core::shown::escape;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}: is there already", escape(&.0.to_string_lossy()))]
    BackupExists(PathBuf),
    #[error("docker compose cannot be started: {0}")]
    Compose(std::io::Error),
    #[error("docker compose reads {what} of service {} otherwise than we do", escape(.service))]
    ComposeDiffers { service: String, what: String },
    #[error("docker compose refuses the edited files")]
    ComposeRefuses,
    #[error("{0}")]
    Core(#[from] clearml_secure_core::error::Error),
    #[error("--env-file needs a file of its own, not {}", escape(&.0.to_string_lossy()))]
    EnvFileTaken(PathBuf),
    #[error("no docker compose of version 2 or later is found")]
    NoCompose,
    #[error("standard output cannot be written: {0}")]
    Output(std::io::Error),
    #[error("--output needs a file of its own, not {}, which is merged over the compose file", escape(&.0.to_string_lossy()))]
    OutputMerged(PathBuf),
    #[error("{0}")]
    Plan(#[from] clearml_secure_plan::error::Error),
    #[error("--in-place needs a file, not standard input")]
    StandardInputInPlace,
    #[error("the keyset and the compose file cannot both come from standard input")]
    StandardInputTwice,
}

impl Error {
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::BackupExists(_) => {
                Some("give --backup another suffix, or move the file away".to_owned())
            }
            Self::Compose(_) | Self::NoCompose => Some(
                "install Docker Compose 2 (`docker compose version` tells), or leave --prove-with-compose out"
                    .to_owned(),
            ),
            Self::ComposeDiffers { .. } => Some(
                "nothing was written; please report it, with the line that sets this (without its value)".to_owned(),
            ),
            Self::ComposeRefuses => Some(
                "nothing was written; `docker compose config` on the files as they are may tell why".to_owned(),
            ),
            Self::Core(error) => error.help(),
            Self::EnvFileTaken(_) => {
                Some("name a file beside the compose file, e.g. .env".to_owned())
            }
            Self::Output(_) => None,
            Self::OutputMerged(_) => {
                Some("leave --merge out to write it anew, or name another with --output".to_owned())
            }
            Self::Plan(error) => error.help(),
            Self::StandardInputInPlace => Some("name the compose file".to_owned()),
            Self::StandardInputTwice => {
                Some("name the keyset's file with -k, or the compose file".to_owned())
            }
        }
    }
}

use std::path::PathBuf;

use clearml_secure_core::shown::escape;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}: is there already", escape(&.0.to_string_lossy()))]
    BackupExists(PathBuf),
    #[error("{0}")]
    Core(#[from] clearml_secure_core::error::Error),
    #[error("--env-file needs a file of its own, not {}", escape(&.0.to_string_lossy()))]
    EnvFileTaken(PathBuf),
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

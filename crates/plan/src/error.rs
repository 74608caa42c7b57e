use std::path::PathBuf;

use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Place;

use crate::proof::Broken;
use crate::refusal::Refusal;

/// Why a deployment cannot be given a keyset.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What the library says.
    #[error("{0}")]
    Core(#[from] CoreError),
    /// A line of the env file depends on one that is replaced.
    #[error("{}: another line of it would change", escape(&.0.to_string_lossy()))]
    EnvFileLines(PathBuf),
    /// A value that an env file cannot hold.
    #[error("the value of {0} cannot be written in an env file")]
    EnvFileValue(String),
    /// The edits were made and do not do what they must.
    #[error("the edit could not be proved correct: {0}")]
    NotProved(Broken),
    /// Two edits want the same bytes.
    #[error("{0}: two changes meet here, and one of them would be lost")]
    Overlap(Place),
    /// The plan refuses.
    #[error("{}: {}", .0.place, .0.message)]
    Refused(Refusal),
}

impl Error {
    /// What to do.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Core(error) => error.help(),
            Self::EnvFileLines(_) => Some(
                "a line takes its value from one that is to be replaced; write that value out"
                    .to_owned(),
            ),
            Self::EnvFileValue(_) => {
                Some("generate another value with clearml-keygen --from KEYS --only …".to_owned())
            }
            Self::NotProved(broken) => Some(broken.help()),
            Self::Overlap(_) => Some(
                "nothing was written; write this value on one line, in quotes, and run this again"
                    .to_owned(),
            ),
            Self::Refused(refusal) => Some(refusal.help.clone()),
        }
    }
}

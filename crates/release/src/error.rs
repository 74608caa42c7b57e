//! Why nothing could be released.

use std::io;
use std::path::{Path, PathBuf};

/// What came of a step.
pub(crate) type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0} ended with {1}\n{2}")]
    Ended(String, std::process::ExitStatus, String),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("what clearml-rotate --help prints has another shape: {0}")]
    Help(&'static str),
    #[error("{0} has no license text: add one to crates/release/data/licenses")]
    License(String),
    #[error("what cargo says of the packages: {0}")]
    Metadata(#[from] serde_json::Error),
    #[error("CHANGELOG.md has no `## [{0}] - DATE`")]
    NoChanges(String),
    #[error("no commit says when this was made; set SOURCE_DATE_EPOCH to seconds since 1970")]
    NoDate,
    #[error("{program} is version {found}, not {version}: build it again")]
    Version {
        program: String,
        found: String,
        version: String,
    },
}

impl Error {
    /// What could not be done with a file.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::File {
            path: path.to_owned(),
            source,
        }
    }
}

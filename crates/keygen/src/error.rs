use std::io;
use std::path::PathBuf;

use clearml_secure_core::io::escape;
use clearml_secure_core::setting::SETTINGS;

/// Why there is no keyset. No value is ever in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Core(#[from] clearml_secure_core::error::Error),
    #[error("{}: the file is already there", escape(&.0.to_string_lossy()))]
    Exists(PathBuf),
    #[error("standard output cannot be written: {0}")]
    Output(io::Error),
    #[error("--only does not know `{}`", escape(.0))]
    UnknownWord(String),
}

impl Error {
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Core(error) => error.help(),
            Self::Exists(path) => Some(format!(
                "name another, or give --force to replace it; --from {} keeps the values it has",
                escape(&path.to_string_lossy())
            )),
            Self::Output(_) => None,
            Self::UnknownWord(_) => {
                let mut words = SETTINGS.map(|setting| setting.group()).to_vec();
                words.dedup();
                Some(format!(
                    "it knows {}, and the path of a setting, such as {}",
                    words.join(", "),
                    SETTINGS[1]
                ))
            }
        }
    }
}

use std::io;
use std::path::PathBuf;

use clearml_secure_core::keyset::Misfit;
use clearml_secure_core::setting::SETTINGS;
use clearml_secure_core::shown::escape;

/// Why there is no keyset. No value is ever in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}: the file is already there, and the web-login users belong into it", escape(&.0.to_string_lossy()))]
    ApiserverExists(PathBuf),
    #[error(transparent)]
    Core(#[from] clearml_secure_core::error::Error),
    #[error("{}: the file is already there", escape(&.0.to_string_lossy()))]
    Exists(PathBuf),
    #[error("a password cannot be hashed: {0}")]
    Hash(String),
    #[error("{}: other lines of the file would be lost", escape(&.0.to_string_lossy()))]
    OtherLines(PathBuf),
    #[error("{}: the keyset and the passwords need a file each", escape(&.0.to_string_lossy()))]
    OneFile(PathBuf),
    #[error("standard output cannot be written: {0}")]
    Output(io::Error),
    #[error("standard input cannot be both the keyset and the users")]
    StandardInputTwice,
    #[error("--only does not know `{}`", escape(.0))]
    UnknownWord(String),
    #[error("--user {}: {misfit}", escape(name))]
    User { name: String, misfit: Misfit },
    #[error("--user {}: a name does not begin with #", escape(.0))]
    UserName(String),
    #[error("{}:{line}: {reason}", escape(&path.to_string_lossy()))]
    UserLine {
        path: PathBuf,
        line: usize,
        reason: &'static str,
    },
    #[error("{}:{line}: {misfit}", escape(&path.to_string_lossy()))]
    UserOfFile {
        path: PathBuf,
        line: usize,
        misfit: Misfit,
    },
}

impl Error {
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::ApiserverExists(_) => Some(
                "give --force: it adds the keyset's users, and everything else in the file stays"
                    .to_owned(),
            ),
            Self::Core(error) => error.help(),
            Self::Exists(path) => Some(format!(
                "name another, or give --force to replace it; --from {} keeps the values it has",
                escape(&path.to_string_lossy())
            )),
            Self::OtherLines(path) => Some(format!(
                "name another file with -o; `-f hocon` keeps them in a secure.conf, `clearml-inject --env-file {}` in an env file",
                escape(&path.to_string_lossy())
            )),
            Self::Hash(_) | Self::Output(_) => None,
            Self::OneFile(_) => Some("name another with --passwords".to_owned()),
            Self::StandardInputTwice => {
                Some("name a file with --from or with --users-from".to_owned())
            }
            Self::UserName(_) => Some("give the user another name".to_owned()),
            Self::User { .. } | Self::UserOfFile { .. } => Some(
                "give the user another name; --from keeps the users that its keyset has".to_owned(),
            ),
            Self::UserLine { .. } => Some(
                "a line is `name:password` or `name:password:Full Name`; no password has a colon"
                    .to_owned(),
            ),
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

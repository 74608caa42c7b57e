use std::path::PathBuf;

use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Place;

use crate::pages;
use clearml_secure_core::shell::quoted;

/// Why nothing could be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{place}: not a baseline: {}", escape(message))]
    Baseline { place: Place, message: String },
    #[error("{0}")]
    Core(#[from] clearml_secure_core::error::Error),
    #[error("{}: empty, so nothing was verified", escape(&.0.to_string_lossy()))]
    Empty(PathBuf),
    #[error("{}: no client of ClearML in it: none that has a pair", escape(&.0.to_string_lossy()))]
    NoClient(PathBuf),
    #[error("{}: no ClearML server in it, so nothing was verified", escape(&.0.to_string_lossy()))]
    NoServer(PathBuf),
    #[error("{}: no ClearML server below it, so nothing was verified", escape(&.0.to_string_lossy()))]
    NothingBelow(PathBuf),
    #[error("{}: it only changes services of another compose file, so it was not checked alone", escape(&.path.to_string_lossy()))]
    Overlay {
        path: PathBuf,
        /// A file that it may be meant for.
        base: Option<PathBuf>,
    },
    #[error("standard output cannot be written: {0}")]
    Output(std::io::Error),
    #[error("-o would replace {}, which is read", escape(&.0.to_string_lossy()))]
    OutputRead(PathBuf),
    #[error("-o names {} twice", escape(&.0.to_string_lossy()))]
    OutputTwice(PathBuf),
    #[error("{place}: {}", escape(message))]
    Policy {
        place: Place,
        message: String,
        help: String,
    },
    #[error("{}: this kind of target cannot be verified yet", escape(&.0.to_string_lossy()))]
    Target(PathBuf),
    #[error("--fix is text")]
    Fix,
    #[error("--effective is text, JSON or HTML")]
    Effective,
    #[error(
        "--old-keys asks a running server whether it refuses them, and reads clients; neither is named"
    )]
    OldKeysWithoutServer,
    #[error("--old-keys and --keys hold the same values, so nothing was replaced")]
    SameKeysets,
    #[error("the requests cannot be started: {0}")]
    Threads(String),
    #[error("an address is http:// or https:// and a host, without a user's name")]
    Url,
    #[error("{} and {} are both beside targets, and only one can count", escape(&.0.to_string_lossy()), escape(&.1.to_string_lossy()))]
    TwoPolicies(PathBuf, PathBuf),
    #[error("no rule is called {}", escape(.0))]
    UnknownRule(String),
}

impl Error {
    /// Where in a file it is, where that can be said.
    pub(crate) fn place(&self) -> Option<&Place> {
        match self {
            Self::Baseline { place, .. } | Self::Policy { place, .. } => Some(place),
            Self::Core(error) => error.place(),
            _ => None,
        }
    }

    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Baseline { .. } => Some("--write-baseline writes one".to_owned()),
            Self::Core(error) => error.help(),
            Self::Empty(_) => Some(
                "if it comes from another program, look at what that says: `docker ps` may list no container".to_owned(),
            ),
            Self::NoClient(_) => Some(
                "a client has CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY, or a clearml.conf with api.credentials".to_owned(),
            ),
            Self::NoServer(_) | Self::NothingBelow(_) => Some(
                "a server is known by its command (apiserver, fileserver, …) and its image (clearml/server); name \
                 the file that has them"
                    .to_owned(),
            ),
            Self::Effective => Some("give -f text, json or html, or leave --effective out".to_owned()),
            Self::Fix => Some("leave -f or --fix out".to_owned()),
            Self::Overlay { path, base } => Some(format!(
                "clearml-verify {} --merge {}",
                base.as_deref().map_or_else(|| "BASE".to_owned(), quoted),
                quoted(path)
            )),
            Self::OldKeysWithoutServer => Some(
                "name it: clearml-verify --keys NEW --old-keys OLD https://clearml.example.com".to_owned(),
            ),
            Self::SameKeysets => {
                Some("--old-keys takes the keyset from before the rotation".to_owned())
            }
            Self::Output(_) | Self::Threads(_) | Self::Url => None,
            Self::Target(_) => Some("name a compose file; *.conf files are read with --config-dir".to_owned()),
            Self::OutputRead(_) | Self::OutputTwice(_) => Some("give -o another FILE".to_owned()),
            Self::Policy { help, .. } => Some(help.clone()),
            Self::TwoPolicies(..) => Some("name the one with --config FILE".to_owned()),
            Self::UnknownRule(name) => Some(pages::meant(name)),
        }
    }
}

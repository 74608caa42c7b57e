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
    #[error("{}: no target in it, so nothing was verified", escape(&.0.to_string_lossy()))]
    EmptyList(PathBuf),
    #[error("{}: this is a keyset, not a compose file", escape(&.0.to_string_lossy()))]
    Keyset(PathBuf),
    #[error("{}: this is a keyset, and it was named as the target", escape(&.keys.to_string_lossy()))]
    KeysetSwapped { keys: PathBuf, target: PathBuf },
    #[error("{}: no ClearML client with a key pair in it", escape(&.0.to_string_lossy()))]
    NoClient(PathBuf),
    #[error("{} is not a file", escape(.0))]
    NoFile(String),
    #[error("{}: no ClearML server in it, so nothing was verified", escape(&.0.to_string_lossy()))]
    NoServer(PathBuf),
    #[error("{}: it starts ClearML's servers, and files of its kind are not read", escape(&.0.to_string_lossy()))]
    Launcher(PathBuf),
    #[error("{}: a list, and not what `docker inspect` prints of containers", escape(&.0.to_string_lossy()))]
    NotContainers(PathBuf),
    #[error("{}: not rendered, so it does not tell what the servers get", escape(&.0.to_string_lossy()))]
    NotRendered(PathBuf, String),
    #[error("{}: no ClearML server below it, so nothing was verified", escape(&.0.to_string_lossy()))]
    NothingBelow(PathBuf),
    #[error("{}: this override file only changes services of another compose file, so it was not checked alone", escape(&.path.to_string_lossy()))]
    Overlay {
        path: PathBuf,
        /// A file that it may be meant for.
        base: Option<PathBuf>,
    },
    #[error("standard output cannot be written: {}", clearml_secure_core::error::words(.0))]
    Output(std::io::Error),
    #[error("-o cannot be {}, because that file is an input", escape(&.0.to_string_lossy()))]
    OutputRead(PathBuf),
    #[error("-o names {} twice", escape(&.0.to_string_lossy()))]
    OutputTwice(PathBuf),
    #[error("{place}: {}", escape(message))]
    Policy {
        place: Place,
        message: String,
        help: String,
    },
    #[error("{}: this kind of file cannot be a target", escape(&.0.to_string_lossy()))]
    Target(PathBuf),
    #[error("--fix prints text only")]
    Fix,
    #[error("--effective prints text, JSON or HTML only")]
    Effective,
    #[error("--old-keys needs a running server or a client's file, and none is named")]
    OldKeysWithoutServer,
    #[error("--old-keys and --keys hold the same values, so nothing was replaced")]
    SameKeysets,
    #[error(
        "{place}: not what clearml-verify printed with -f json or -f jsonl: {}",
        escape(message)
    )]
    Since { place: Place, message: String },
    #[error("no requests could be started: {0}")]
    Threads(String),
    #[error("an address needs http:// or https:// and a host, and no user name")]
    Url,
    #[error("{} and {}: only one settings file can be used", escape(&.0.to_string_lossy()), escape(&.1.to_string_lossy()))]
    TwoPolicies(PathBuf, PathBuf),
    #[error("there is no rule {}", escape(.0))]
    UnknownRule(String),
}

impl Error {
    /// Where in a file it is, where that can be said.
    pub(crate) fn place(&self) -> Option<&Place> {
        match self {
            Self::Baseline { place, .. }
            | Self::Policy { place, .. }
            | Self::Since { place, .. } => Some(place),
            Self::Core(error) => error.place(),
            _ => None,
        }
    }

    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Baseline { .. } => Some("write one with --write-baseline FILE".to_owned()),
            Self::Core(error) => error.help(),
            Self::Empty(_) => Some(
                "if it comes from another program, look at what that says: `docker ps` may list no container".to_owned(),
            ),
            Self::EmptyList(_) => Some("write a file, a folder or an address on each line".to_owned()),
            Self::Keyset(path) => Some(format!(
                "--keys takes it:\n  clearml-verify --keys {} docker-compose.yml",
                quoted(path)
            )),
            Self::KeysetSwapped { keys, target } => Some(format!(
                "--keys takes the keyset:\n  clearml-verify --keys {} {}",
                quoted(keys),
                quoted(target)
            )),
            Self::NoClient(_) => Some(
                "a client has CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY, or a clearml.conf with api.credentials".to_owned(),
            ),
            Self::NoServer(_) | Self::NothingBelow(_) => Some(
                "name the file that has them. Servers are recognized by their command (apiserver, fileserver, …) and image (clearml/server)"
                    .to_owned(),
            ),
            Self::Launcher(_) | Self::NotContainers(_) => Some(
                "print the containers that run:\n  docker inspect $(docker ps -q) | clearml-verify -"
                    .to_owned(),
            ),
            Self::NotRendered(_, command) => Some(format!("render it:\n  {command}")),
            // A name without a port is that of a proxy with TLS.
            Self::NoFile(address) => Some(format!(
                "for a server:\n  clearml-verify {}://{}",
                if address.contains(':') { "http" } else { "https" },
                escape(address)
            )),
            Self::Effective => Some("use -f text, json or html, or run this without --effective".to_owned()),
            Self::Fix => Some("run this without -f or without --fix".to_owned()),
            Self::Overlay { path, base } => Some(format!(
                "clearml-verify {} --merge {}",
                base.as_deref().map_or_else(|| "BASE".to_owned(), quoted),
                quoted(path)
            )),
            Self::OldKeysWithoutServer => Some(
                "name the server:\n  clearml-verify --keys NEW --old-keys OLD https://clearml.example.com".to_owned(),
            ),
            Self::Since { .. } => Some(
                "the run to compare with writes it:\n  clearml-verify -o json:earlier.json TARGET"
                    .to_owned(),
            ),
            Self::SameKeysets => {
                Some("--old-keys takes the keyset from before the rotation".to_owned())
            }
            Self::Output(_) | Self::Threads(_) => None,
            // A password in the address is not repeated.
            Self::Url => Some(
                "write it like this, with the keys in a file (--keys FILE):\n  clearml-verify https://clearml.example.com".to_owned(),
            ),
            Self::Target(_) => Some("name the compose file. The *.conf files are read with --config-dir DIR".to_owned()),
            Self::OutputRead(_) | Self::OutputTwice(_) => Some("name another FILE with -o".to_owned()),
            Self::Policy { help, .. } => Some(help.clone()),
            Self::TwoPolicies(..) => Some("name the one with --config FILE".to_owned()),
            Self::UnknownRule(name) => Some(pages::meant(name)),
        }
    }
}

use std::path::{Path, PathBuf};

use clearml_secure_core::compose::elsewhere::COMPOSE_FILES;
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::keyset::{Flaw, enumerated};
use clearml_secure_core::secret::Encryption;
use clearml_secure_core::setting::Setting;
use clearml_secure_core::shell::quoted;
use clearml_secure_core::shown::{escape, escape_path};
use clearml_secure_core::source::{Place, Sources};
use clearml_secure_core::unseen::Unseen;

use crate::proof::Broken;
use crate::refusal::Refusal;

/// Why a deployment cannot be given a keyset.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What the library says.
    #[error("{0}")]
    Core(#[from] CoreError),
    /// A `.env` that compose reads nothing from until it is told of it.
    #[error(
        "{place}: COMPOSE_DISABLE_ENV_FILE keeps docker compose from reading this file, and --env-file would end that"
    )]
    EnvFileDisabled {
        /// Where it says so.
        place: Place,
        /// The options that name it before the files that were asked for.
        options: String,
    },
    /// An env file whose values are encrypted, and that would hold the new ones for everybody to read.
    #[error("{0}: {1} has encrypted the values of this file")]
    EnvFileEncrypted(Place, Encryption),
    /// A line of the env file depends on one that is replaced.
    #[error("{}: another line of this file would get another value", escape_path(.0))]
    EnvFileLines(PathBuf),
    /// A value that an env file cannot hold.
    #[error("the value of {0} cannot be written in an env file")]
    EnvFileValue(String),
    /// Values that some server needs.
    #[error("the keyset has no value for {}", Setting::words(.0).join(", "))]
    Incomplete(Vec<Setting>),
    /// Values of the keyset that protect nothing.
    #[error("the keyset has weak values: {}", weak(.0))]
    Weak(Vec<(Flaw, Vec<Setting>)>),
    /// Nothing to do.
    #[error("{file}: no ClearML server in it")]
    NoServer {
        /// The compose file.
        file: String,
        /// Which of its services may have been meant for one, and why it is none.
        why: Option<String>,
    },
    /// A service that none of several files gives anything to run.
    #[error(
        "{place}: docker compose refuses these files: service {} has no image in any of them",
        escape(.service)
    )]
    NoImage {
        /// Where the service is.
        place: Place,
        /// Its name.
        service: String,
        /// The names of the services that have something to run.
        others: Vec<String>,
    },
    /// The edits were made and do not do what they must.
    #[error("the edit could not be proved correct: {0}")]
    NotProved(Broken),
    /// A file that is no deployment.
    #[error(
        "{place}: this override file only changes services of another compose file: {} has no image in it",
        escape(.service)
    )]
    Override {
        /// Where the service is.
        place: Place,
        /// A server that has nothing to run.
        service: String,
    },
    /// Two edits want the same bytes.
    #[error("{0}: two changes overlap here, and one of them would be lost")]
    Overlap(Place),
    /// The plan refuses.
    #[error("{}: {}", .0.place, .0.message)]
    Refused(Refusal),
    /// A service that may be the server that reads a setting.
    #[error(
        "{}nothing reads {setting}, and service {} may be the server that should: {reason}",
        at(.place.as_ref()),
        escape(.service)
    )]
    Unrecognised {
        /// Where it is.
        place: Option<Place>,
        /// Its name.
        service: String,
        /// Why nothing tells.
        reason: String,
        /// What nothing reads.
        setting: Setting,
    },
    /// A file that compose fetches.
    #[error("{0}")]
    Remote(NotSeen),
    /// Something that may hold anything.
    #[error("{0}")]
    Unseen(NotSeen),
}

/// What may hold servers that nobody here knows of, and why it was not looked at.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}{} may hold other servers, or win over what is injected: {reason}",
    at(.place.as_ref()),
    escape(.what)
)]
pub struct NotSeen {
    /// Where it is named.
    place: Option<Place>,
    what: String,
    reason: String,
}

impl NotSeen {
    pub(crate) fn of(unseen: &Unseen, sources: &Sources) -> Self {
        Self {
            place: unseen.span.map(|span| sources.place(span)),
            what: unseen.what.clone(),
            reason: unseen.reason.clone(),
        }
    }
}

/// The command for an override file, with the file that it changes where that is known.
pub fn with_base(path: &Path, base: Option<&Path>) -> String {
    let over = match path == Path::new("-") {
        true => "OVERRIDE".to_owned(),
        false => quoted(path),
    };
    let base = base.map_or_else(|| "BASE".to_owned(), quoted);
    format!(
        "name the file that it changes, too, with your other options:\n  clearml-inject -k KEYS --merge {over} -i {base}"
    )
}

fn at(place: Option<&Place>) -> String {
    place.map(|place| format!("{place}: ")).unwrap_or_default()
}

fn weak(flaws: &[(Flaw, Vec<Setting>)]) -> String {
    let of_flaw = |(flaw, settings): &(Flaw, Vec<Setting>)| {
        format!("{} ({})", Setting::words(settings).join(", "), flaw.text())
    };
    let all: Vec<String> = flaws.iter().map(of_flaw).collect();
    all.join("; ")
}

impl Error {
    /// What to do, for somebody who waits for files to be written.
    pub fn help(&self) -> Option<String> {
        let advice = self.advice();
        match self {
            Self::NotProved(_) | Self::Overlap(_) | Self::Remote(_) | Self::Unseen(_) => {
                let advice = advice.map(|advice| format!("; {advice}"));
                Some(format!("nothing was written{}", advice.unwrap_or_default()))
            }
            _ => advice,
        }
    }

    /// What to do.
    pub fn advice(&self) -> Option<String> {
        match self {
            Self::Core(error) => error.help(),
            Self::EnvFileDisabled { options, .. } => Some(format!(
                "remove that line. If docker compose should read the file from now on, run this with{options}"
            )),
            Self::EnvFileEncrypted(place, by) => {
                let (decrypt, encrypt) = match by {
                    Encryption::Dotenvx => ("dotenvx decrypt -f", "dotenvx encrypt -f"),
                    Encryption::Sops => ("sops -d -i", "sops -e -i"),
                };
                let file = quoted(&place.file);
                Some(format!(
                    "decrypt it, run this command again, and encrypt it again:\n  {decrypt} {file}\n  {encrypt} {file}"
                ))
            }
            Self::EnvFileLines(_) => Some(
                "one of its lines refers to a value that would be replaced: write the value there instead of the reference, then run this again"
                    .to_owned(),
            ),
            Self::EnvFileValue(_) => {
                Some("generate another value:\n  clearml-keygen --from KEYS --only NAME -o NEW".to_owned())
            }
            Self::Weak(flaws) => {
                let settings: Vec<Setting> = flaws.iter().flat_map(|(_, one)| one.clone()).collect();
                Some(format!(
                    "generate new ones, or add --allow-weak to use them anyway:\n  clearml-keygen --from KEYS --only {} -o NEW",
                    Setting::words(&settings).join(" --only ")
                ))
            }
            Self::Incomplete(_) => {
                Some("add what is missing:\n  clearml-keygen --from KEYS -o complete.env".to_owned())
            }
            Self::NoServer { why: Some(why), .. } => Some(why.clone()),
            Self::NoServer { why: None, .. } => Some(
                "name the file that runs ClearML's servers: they are recognized by their command (apiserver, fileserver, …) and image (clearml/server)"
                    .to_owned(),
            ),
            Self::NoImage { others, .. } if others.is_empty() => {
                Some("add the file that has its image as the first one, then run this again".to_owned())
            }
            Self::NoImage { others, .. } => Some(format!(
                "write the name of the service that is meant, then run this again: {}",
                enumerated(others)
            )),
            Self::NotProved(broken) => broken.help(),
            Self::Override { place, .. } => Some(with_base(&place.file, None)),
            Self::Overlap(_) => Some(
                "write this value on one line, in quotes, and run this again"
                    .to_owned(),
            ),
            Self::Refused(refusal) => Some(refusal.help.clone()),
            Self::Unrecognised { .. } => Some(
                "start it with ClearML's own command, e.g. `command: [apiserver]`, or name the service after the server, e.g. apiserver"
                    .to_owned(),
            ),
            Self::Remote(_) => Some(
                "get a copy of it, name the copy on that line, then run this again".to_owned(),
            ),
            // What is not checked says what to do.
            Self::Unseen(unseen) if unseen.what == COMPOSE_FILES => None,
            Self::Unseen(_) => {
                Some("make it readable here, or run this where it is".to_owned())
            }
        }
    }
}

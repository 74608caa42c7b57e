use std::path::PathBuf;

use clearml_secure_core::setting::Setting;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Place;

use crate::plan::Refusal;
use crate::proof::Broken;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}: is there already", escape(&.0.to_string_lossy()))]
    BackupExists(PathBuf),
    #[error("{0}")]
    Core(#[from] clearml_secure_core::error::Error),
    #[error("{}: another line of it would change", escape(&.0.to_string_lossy()))]
    EnvFileLines(PathBuf),
    #[error("--env-file needs a file of its own, not {}", escape(&.0.to_string_lossy()))]
    EnvFileTaken(PathBuf),
    #[error("the value of {0} cannot be written in an env file")]
    EnvFileValue(String),
    #[error("the keyset has no value for {}", list(.0))]
    Incomplete(Vec<Setting>),
    #[error("the edit could not be proved correct: {0}")]
    NotProved(Broken),
    #[error("{file}: no ClearML server in it")]
    NoServer { file: String },
    #[error("standard output cannot be written: {0}")]
    Output(std::io::Error),
    #[error("{0}: two changes meet here, and one of them would be lost")]
    Overlap(Place),
    #[error("--output needs a file of its own, not {}, which is merged over the compose file", escape(&.0.to_string_lossy()))]
    OutputMerged(PathBuf),
    #[error("{}: {}", .0.place, .0.message)]
    Refused(Refusal),
    #[error("--in-place needs a file, not standard input")]
    StandardInputInPlace,
    #[error("the keyset and the compose file cannot both come from standard input")]
    StandardInputTwice,
    #[error(
        "{}nothing reads {setting}, and service {} may be the server that should: {reason}",
        .place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default(),
        escape(.service)
    )]
    Unrecognised {
        place: Option<Place>,
        service: String,
        reason: String,
        setting: Setting,
    },
    #[error(
        "{}{} may hold other servers, or win over what is injected: {reason}",
        place.as_ref().map_or_else(String::new, |place| format!("{place}: ")),
        escape(what)
    )]
    Unseen {
        place: Option<Place>,
        what: String,
        reason: String,
    },
}

impl Error {
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::BackupExists(_) => Some("give --backup another suffix, or move the file away".to_owned()),
            Self::Core(error) => error.help(),
            Self::EnvFileLines(_) => Some(
                "a line takes its value from one that is to be replaced; write that value out".to_owned(),
            ),
            Self::EnvFileTaken(_) => Some("name a file beside the compose file, e.g. .env".to_owned()),
            Self::EnvFileValue(_) => Some(
                "generate another value with clearml-keygen --from KEYS --only …".to_owned(),
            ),
            Self::Incomplete(_) => {
                Some("complete it: clearml-keygen --from KEYS > complete.env".to_owned())
            }
            Self::NoServer { .. } => Some(
                "a server is known by its command (apiserver, fileserver, …) and its image (clearml/server); name \
                 the file that has them"
                    .to_owned(),
            ),
            Self::NotProved(broken) => Some(broken.help()),
            Self::Output(_) => None,
            Self::OutputMerged(_) => Some("leave --merge out to write it anew, or name another with --output".to_owned()),
            Self::Overlap(_) => Some(
                "nothing was written; write this value on one line, in quotes, and run this again".to_owned(),
            ),
            Self::Refused(refusal) => Some(refusal.help.clone()),
            Self::StandardInputInPlace => Some("name the compose file".to_owned()),
            Self::Unrecognised { .. } => Some(
                "start it by ClearML's own word, e.g. `command: [apiserver]`, or name it after its server, e.g. apiserver"
                    .to_owned(),
            ),
            Self::Unseen { .. } => Some("nothing was written; what cannot be seen cannot be proved".to_owned()),
            Self::StandardInputTwice => Some("name the keyset's file with -k, or the compose file".to_owned()),
        }
    }
}

fn list(settings: &[Setting]) -> String {
    let names: Vec<&str> = settings.iter().map(|setting| setting.path()).collect();
    names.join(", ")
}

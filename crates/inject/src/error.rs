use std::path::PathBuf;

use clearml_secure_core::setting::Setting;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Place;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}: is there already", escape(&.0.to_string_lossy()))]
    BackupExists(PathBuf),
    #[error("{0}")]
    Core(#[from] clearml_secure_core::error::Error),
    #[error("--env-file needs a file of its own, not {}", escape(&.0.to_string_lossy()))]
    EnvFileTaken(PathBuf),
    #[error("the keyset has no value for {}", list(.0))]
    Incomplete(Vec<Setting>),
    #[error("{file}: no ClearML server in it")]
    NoServer { file: String },
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
            Self::EnvFileTaken(_) => Some("name a file beside the compose file, e.g. .env".to_owned()),
            Self::Incomplete(_) => {
                Some("complete it: clearml-keygen --from KEYS > complete.env".to_owned())
            }
            Self::NoServer { .. } => Some(
                "a server is known by its command (apiserver, fileserver, …) and its image (clearml/server); name \
                 the file that has them"
                    .to_owned(),
            ),
            Self::Output(_) => None,
            Self::OutputMerged(_) => Some("leave --merge out to write it anew, or name another with --output".to_owned()),
            Self::Plan(error) => error.help(),
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

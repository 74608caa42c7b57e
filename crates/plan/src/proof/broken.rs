use std::fmt;

use clearml_secure_core::source::Place;

use crate::OVERRIDE_FILE;
use crate::refusal::Refusal;

/// Which part of the guarantee does not hold, and why.
#[derive(Debug)]
pub enum Broken {
    /// A server would not read what the keyset says, or something else would change.
    Effective {
        /// What, and what is in the way.
        reason: String,
        /// What to do about it, where one thing helps.
        help: Option<String>,
    },
    /// The second parser sees a difference that was not intended.
    Elsewhere {
        /// Where the file says it now, as far as it does.
        place: Option<Place>,
        /// The path of the difference.
        path: String,
        /// What to do about it, where one thing helps.
        help: Option<String>,
    },
    /// A line changed that no edit touches.
    Lines,
    /// What docker compose refuses, whatever is edited.
    Refused(Refusal),
    /// The edited text cannot be read again.
    Unreadable {
        /// Why.
        reason: String,
        /// What to do about it, where one thing helps.
        help: Option<String>,
    },
}

/// What helps where an edit of the file would change more than it should: no edit.
pub(super) fn leave_it() -> String {
    format!(
        "leave the file as it is: run this with --override -o {OVERRIDE_FILE} instead of -i or another -o"
    )
}

impl Broken {
    /// Something that nobody foresaw, and for which nothing helps.
    pub(crate) fn effective(reason: String) -> Self {
        Self::Effective { reason, help: None }
    }

    pub(crate) fn with_help(reason: String, help: impl Into<String>) -> Self {
        Self::Effective {
            reason,
            help: Some(help.into()),
        }
    }

    /// What to do, where one thing helps.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Effective { help, .. }
            | Self::Elsewhere { help, .. }
            | Self::Unreadable { help, .. } => help.clone(),
            Self::Lines => Some(leave_it()),
            Self::Refused(refusal) => Some(refusal.help.clone()),
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Effective { reason, .. } => f.write_str(reason),
            Self::Elsewhere { place, path, .. } => {
                if let Some(place) = place {
                    write!(f, "{place}: ")?;
                }
                write!(f, "the edit would also change {path}")
            }
            Self::Lines => f.write_str("the edit would also change another line"),
            Self::Refused(refusal) => write!(f, "{}: {}", refusal.place, refusal.message),
            Self::Unreadable { reason, .. } => {
                write!(f, "the file could not be read again: {reason}")
            }
        }
    }
}

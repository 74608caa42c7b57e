//! Why a text is refused, and where: what is said of it before it has the name of a file.

/// Why a text is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where, in bytes.
    pub offset: usize,
    /// Why. No text of the file is in it but a name.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The variable of a `${NAME:?…}` or `${NAME?…}` that has no value, where that is the reason.
    pub required: Option<String>,
}

impl Fault {
    pub(crate) fn new(offset: usize, message: impl Into<String>) -> Self {
        Self {
            offset,
            message: message.into(),
            help: None,
            required: None,
        }
    }

    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }

    /// The same at another place.
    pub(crate) fn at(self, offset: usize) -> Self {
        Self { offset, ..self }
    }
}

//! Why pyhocon throws, which keeps a program from starting.

/// Why pyhocon throws.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Fault {
    /// Byte offset in the text. What is wrong in an included file has the offset of the `include`.
    pub offset: usize,
    /// What is wrong. It holds no text of the file.
    pub message: &'static str,
    /// What kind of fault it is.
    pub cause: Cause,
}

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// An include that pyhocon cannot follow, or one that is not followed here.
    Include,
    /// An empty key.
    Key,
    /// A number or a period of time beyond Python's bounds.
    Number,
    /// The text is a list at the top, which is no configuration.
    RootList,
    /// A character or word where none such can stand.
    Syntax,
    /// Nested too deep.
    TooDeep,
    /// A text of over 4 MiB, or substitutions that make too much of it. pyhocon may read it.
    TooLarge,
    /// Values that cannot be joined: a text and an object, for instance.
    Type,
    /// A substitution of something that is not there, or of itself.
    UnresolvedSubstitution,
}

impl Fault {
    pub(crate) fn new(cause: Cause, message: &'static str, offset: usize) -> Self {
        Self {
            cause,
            message,
            offset,
        }
    }

    /// The same, placed in a text of this many bytes.
    pub(crate) fn within(self, length: usize) -> Self {
        Self {
            offset: self.offset.min(length),
            ..self
        }
    }

    pub(crate) fn too_large() -> Self {
        Self::new(
            Cause::TooLarge,
            "its substitutions make more of it than is followed",
            0,
        )
    }

    pub(crate) fn too_deep(offset: usize) -> Self {
        Self::new(
            Cause::TooDeep,
            "nested deeper than Python can follow",
            offset,
        )
    }
}

impl Cause {
    /// Whether the same text may be read with other values for what it refers to.
    pub(crate) fn hangs_on_values(self) -> bool {
        match self {
            Self::Include
            | Self::TooDeep
            | Self::TooLarge
            | Self::Type
            | Self::UnresolvedSubstitution => true,
            Self::Key | Self::Number | Self::RootList | Self::Syntax => false,
        }
    }

    /// Why the server does not start, in words about one value.
    pub fn text(self) -> &'static str {
        match self {
            Self::Include => "it includes a file that cannot be followed",
            Self::Key => "it has an empty key",
            Self::Number => "it is a number or a period beyond the bounds",
            Self::RootList => "it is a list",
            Self::Syntax => {
                "it has a character that HOCON reserves (one of ! \" $ & * + , = ? @ [ ] ^ ` { }), a line break, or a `\\` at the end"
            }
            Self::TooDeep => "it is nested too deep",
            Self::TooLarge => "it is too large",
            Self::Type => "it joins values of different kinds",
            Self::UnresolvedSubstitution => "it has a `${…}` that stands for nothing",
        }
    }
}

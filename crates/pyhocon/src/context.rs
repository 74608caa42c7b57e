//! What a text may refer to beyond itself: the environment of the program that reads it, and files around it.
//!
//! The caller answers for both, and may say that it does not know: then so does the tree.

use std::fmt;

use zeroize::Zeroizing;

use crate::tree::Tag;

/// Answers what a variable of the environment is.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Lookup;

/// What a text may refer to beyond itself.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Context<'a> {
    /// The value of a variable of the environment, for `${NAME}`.
    pub environment: &'a dyn Fn(&str) -> Lookup,
    /// The text of a file, for `include`.
    pub include: &'a dyn Fn(&Include<'_>) -> Included,
    /// The path of the text itself, as the program that reads it sees it. Empty for a text of no file.
    pub file: &'a str,
}

/// A variable of the environment.
#[non_exhaustive]
pub enum Lookup {
    /// It has this value, which is taken as it is.
    Known(Zeroizing<String>),
    /// It has a value, or may have one, that is not known here: the reason.
    Unknown(String),
    /// There is no such variable.
    Unset,
}

/// An `include` of a file.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Include<'a> {
    /// The name as it is written.
    pub name: &'a str,
    /// The path of the text that it stands in: [`Context::file`] or [`Included::Known::file`].
    pub including: &'a str,
}

/// The file of an `include`.
#[non_exhaustive]
pub enum Included {
    /// There is no such file. pyhocon passes over it, unless it is `required`.
    Absent,
    /// It is here.
    Known {
        /// The path that what it includes itself is relative to, usually [`Include::path`].
        file: String,
        /// Its text.
        text: Zeroizing<String>,
        /// By which the caller knows the text: what was written in it says so ([`Node::written`](crate::Node::written)).
        tag: Option<Tag>,
    },
    /// Whether there is one, or what is in it, is not known here: the reason.
    Unknown(String),
}

impl<'a> Context<'a> {
    /// No variables and no files.
    pub const EMPTY: Context<'static> = Context {
        environment: &|_| Lookup::Unset,
        include: &|_| Included::Absent,
        file: "",
    };

    /// A text of no file, such as the value of a variable.
    pub const fn new(
        environment: &'a dyn Fn(&str) -> Lookup,
        include: &'a dyn Fn(&Include<'_>) -> Included,
    ) -> Self {
        Self {
            environment,
            include,
            file: "",
        }
    }

    /// The same for the text of a file.
    #[must_use]
    pub const fn of_file(self, file: &'a str) -> Self {
        Self { file, ..self }
    }
}

impl<'a> Include<'a> {
    pub(crate) fn new(name: &'a str, including: &'a str) -> Self {
        Self { name, including }
    }

    /// The path as pyhocon makes it: the name below the folder of the text that it stands in. Relative to the
    /// program's working folder where that text is of no file.
    pub fn path(&self) -> String {
        match self.including.rsplit_once('/') {
            _ if self.name.starts_with('/') => self.name.to_owned(),
            Some(("", _)) => format!("/{}", self.name),
            Some((folder, _)) => format!("{folder}/{}", self.name),
            None => self.name.to_owned(),
        }
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Context")
    }
}

impl fmt::Debug for Included {
    /// No text of the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::Known { .. } => "Known",
            Self::Unknown(_) => "Unknown",
        })
    }
}

impl fmt::Debug for Lookup {
    /// Not the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known(_) => "Known",
            Self::Unknown(_) => "Unknown",
            Self::Unset => "Unset",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_relative_to_the_text_that_includes() {
        for (name, including, path) in [
            ("a.conf", "", "a.conf"),
            ("a.conf", "main.conf", "a.conf"),
            ("a.conf", "/etc/x/main.conf", "/etc/x/a.conf"),
            ("../a.conf", "sub/main.conf", "sub/../a.conf"),
            ("/a.conf", "/etc/x/main.conf", "/a.conf"),
            ("a.conf", "/main.conf", "/a.conf"),
        ] {
            assert_eq!(Include::new(name, including).path(), path);
        }
    }

    #[test]
    fn debug_shows_no_text() {
        let value = Lookup::Known(Zeroizing::new("MARK-ME".to_owned()));
        let file = Included::Known {
            file: "x".to_owned(),
            text: Zeroizing::new("MARK-ME".to_owned()),
            tag: None,
        };
        assert_eq!(format!("{value:?} {file:?}"), "Known Known");
    }
}

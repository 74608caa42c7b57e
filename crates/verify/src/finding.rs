//! What a rule has to say.

use std::fmt;

use clearml_secure_core::setting::{Server, Setting};
use clearml_secure_core::source::Span;

/// One thing that is wrong. It never holds a secret value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The rule's id.
    pub(crate) rule: &'static str,
    /// How bad it is.
    pub(crate) severity: Severity,
    /// What is wrong, and what follows from it.
    pub(crate) message: String,
    /// What to do.
    pub(crate) help: String,
    /// The setting concerned.
    pub(crate) setting: Option<Setting>,
    /// The server concerned.
    pub(crate) server: Option<Server>,
    /// Where; for what is absent, where it would have to stand.
    pub(crate) span: Option<Span>,
    /// What mends it without a person's decision, where anything does.
    pub(crate) fix: Option<Fix>,
}

/// What mends a finding: data, from which a command is made for all findings of a deployment together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fix {
    /// The servers are published on one address only: `clearml-inject --bind`.
    Bind,
    /// No port of a database is published: `clearml-inject --close-ports`.
    ClosePorts,
    /// One path of a server's configuration has another value: a line of a `.conf` file.
    Configure {
        /// The server's place in the deployment's instances.
        instance: usize,
        /// The path, e.g. `apiserver.auth.cookies.secure`.
        path: &'static str,
        /// The value in HOCON; never a secret.
        value: String,
    },
    /// Every server that reads a setting has a keyset's value: `clearml-inject`.
    Keys,
    /// Only the owner of the file that the finding points into reads it: `chmod`.
    Mode,
}

impl Finding {
    /// The same at a place of its own, where there is one.
    #[must_use]
    pub(crate) fn at(self, span: impl Into<Option<Span>>) -> Self {
        Self {
            span: span.into().or(self.span),
            ..self
        }
    }

    /// The same with what mends it.
    #[must_use]
    pub(crate) fn mended_by(self, fix: impl Into<Option<Fix>>) -> Self {
        Self {
            fix: fix.into(),
            ..self
        }
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Severity {
    /// Somebody gets in, or a server does not work.
    Error,
    /// One more mistake away from that.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word used in text and JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

//! What a rule has to say.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use clearml_secure_core::setting::{Server, Setting};
use clearml_secure_core::source::Span;

use crate::words::and;

/// One thing that is wrong. It never holds a secret value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The rule's id.
    pub(crate) rule: &'static str,
    /// How bad it is.
    pub(crate) severity: Severity,
    /// What is wrong, and what follows from it.
    pub(crate) message: String,
    /// The same, where several of its kind are a list under what is wrong with all of them; nothing where `message` is
    /// as short.
    pub(crate) brief: Option<String>,
    /// What to do.
    pub(crate) help: String,
    /// The setting concerned.
    pub(crate) setting: Option<Setting>,
    /// The server concerned.
    pub(crate) server: Option<Server>,
    /// Where; for what is absent, where it would have to be.
    pub(crate) span: Option<Span>,
    /// What fixes it without a person's decision, where anything does.
    pub(crate) fix: Option<Fix>,
}

/// What fixes a finding: data, from which a command is made for all findings of a deployment together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fix {
    /// The servers are published on one address only: `clearml-inject --bind`.
    Bind,
    /// Only its owner reads this file, into which no finding points: `chmod`.
    Close(PathBuf),
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

/// What a rule or a probe says, before anyone who asked it adds the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft(Finding);

impl Draft {
    /// What is wrong and what follows from it, and what to do.
    pub(crate) fn new(
        severity: Severity,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self(Finding {
            rule: "",
            severity,
            message: message.into(),
            brief: None,
            help: help.into(),
            setting: None,
            server: None,
            span: None,
            fix: None,
        })
    }

    /// What to do, where that is something else.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = help.into();
        self
    }

    /// What else to know before one does it: in front, for a help ends with commands.
    #[must_use]
    pub(crate) fn knowing(mut self, first: &str) -> Self {
        self.0.help = format!("{first}; {}", self.0.help);
        self
    }

    /// What is wrong here, in a list under what is wrong with all.
    #[must_use]
    pub(crate) fn brief(mut self, brief: String) -> Self {
        self.0.brief = Some(brief);
        self
    }

    /// The setting concerned, if it is one.
    #[must_use]
    pub(crate) fn setting(mut self, setting: impl Into<Option<Setting>>) -> Self {
        self.0.setting = setting.into();
        self
    }

    /// The server concerned.
    #[must_use]
    pub(crate) fn server(mut self, server: Server) -> Self {
        self.0.server = Some(server);
        self
    }

    /// Its place, where there is one; otherwise the one it has.
    #[must_use]
    pub(crate) fn at(mut self, span: impl Into<Option<Span>>) -> Self {
        self.0.span = span.into().or(self.0.span);
        self
    }

    /// What fixes it, where anything does.
    #[must_use]
    pub(crate) fn fixed_by(mut self, fix: impl Into<Option<Fix>>) -> Self {
        self.0.fix = fix.into();
        self
    }

    /// Where it was found, if not everywhere; nothing more where it says an address by itself.
    #[must_use]
    pub(crate) fn only_at(mut self, addresses: &[IpAddr]) -> Self {
        if !self.0.message.contains(" (at ") {
            let addresses: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
            let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
            let only = format!(" (at {} only)", and(&addresses));
            self.0.message.push_str(&only);
        }
        self
    }

    /// Its place and its setting: two findings of one rule that have both in common are one.
    pub(crate) fn subject(&self) -> (Option<Span>, Option<Setting>) {
        (self.0.span, self.0.setting)
    }

    /// The finding of the rule or probe that said it.
    pub(crate) fn of(self, rule: &'static str) -> Finding {
        Finding { rule, ..self.0 }
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

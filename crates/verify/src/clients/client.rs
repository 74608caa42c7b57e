//! A client of the server, and what it logs in with.

use clearml_secure_core::source::{Place, Span};

use crate::finding::{Draft, Severity};

/// It does not work any more, or it has what everybody has.
const SEVERITY: Severity = Severity::Error;

/// Somebody who logs in at the API server.
pub(crate) struct Client {
    pub(crate) place: Place,
    /// The container, where it is one.
    pub(crate) container: Option<String>,
    pub(crate) pair: Pair,
    pub(crate) span: Span,
}

/// What a client logs in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Pair {
    /// Not to be told from its file: why.
    Elsewhere(&'static str),
    /// That of an account of `--keys`, or one that both keysets have.
    New(&'static str),
    /// That of an account of `--old-keys`.
    Old(&'static str),
    /// None of these.
    Own,
    /// One that everybody knows, of this account.
    Public(&'static str),
}

impl Pair {
    /// In a word, for programs.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Elsewhere(_) => "not checked",
            Self::New(_) => "new",
            Self::Old(_) => "old",
            Self::Own => "own",
            Self::Public(_) => "public",
        }
    }

    /// The account, where it is one of the server's own.
    pub(crate) fn account(self) -> Option<&'static str> {
        match self {
            Self::New(account) | Self::Old(account) | Self::Public(account) => Some(account),
            Self::Elsewhere(_) | Self::Own => None,
        }
    }

    /// What it means for the client.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Elsewhere(why) => format!("not checked: {why}"),
            Self::New(account) => format!("has the pair of {account} that stays"),
            Self::Old(account) => {
                format!("has the old pair of {account}: the rotation cuts it off")
            }
            Self::Own => "has a pair of its own, which the rotation leaves as it is".to_owned(),
            Self::Public(account) => format!(
                "has the public default pair of {account}: a server with keys of its own refuses it"
            ),
        }
    }
}

impl Client {
    /// What to say of it, if that is a finding.
    pub(crate) fn finding(&self) -> Option<Draft> {
        let help = match self.pair {
            Pair::Old(account) => format!(
                "give it credentials of its own (web page: Settings, Workspace), or the new pair of {account}"
            ),
            Pair::Public(_) => {
                "give it credentials of its own (web page: Settings, Workspace)".to_owned()
            }
            Pair::Elsewhere(_) | Pair::New(_) | Pair::Own => return None,
        };
        let message = format!("{} {}", self.who(), self.pair.words());
        Some(Draft::new(SEVERITY, message, help).at(self.span))
    }

    /// Whether a rotation leaves it as it is, so that nothing else is said of it.
    pub(crate) fn is_left(&self) -> bool {
        matches!(self.pair, Pair::New(_) | Pair::Own)
    }

    /// Which it is, where it is a container, and what it has.
    pub(crate) fn words(&self) -> String {
        let container = self.container.iter();
        let container: String = container.map(|name| format!("container {name} ")).collect();
        container + &self.pair.words()
    }

    /// What to call it.
    pub(crate) fn who(&self) -> String {
        match &self.container {
            Some(name) => format!("container {name}"),
            None => "a client".to_owned(),
        }
    }
}

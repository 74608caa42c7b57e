//! What was asked of a running server about the keysets of `--keys` and `--old-keys`, and what it answered: a proof that says
//! what it is made of, also where all is well.

use std::net::IpAddr;

use clearml_secure_core::setting::Server;

/// Tokens that are signed with the keyset's secret.
pub(crate) const TOKENS: &str = "token secret";
/// Why a file server's answer to a token proves nothing.
pub(crate) const OPEN_FILES: &str = "anyone can read its files without a token";

/// One question, and the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// The keyset that was shown.
    pub(crate) keyset: Keyset,
    pub(crate) server: Server,
    /// Where the server was asked.
    pub(crate) address: String,
    /// What of the keyset: `account fileserver`, `token secret`.
    pub(crate) subject: String,
    pub(crate) answer: Answer,
}

/// A keyset of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyset {
    /// Of `--keys`: to be accepted.
    New,
    /// Of `--old-keys`: to be refused.
    Old,
}

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepts,
    Refuses,
    /// It lets the account in as somebody else.
    OtherRole(String),
    /// It refuses an account that it revokes while it has web-login users (docs/clearml.md#what-fixed-users-revoke).
    Revokes,
    /// It was not asked, or its answer says nothing: why.
    Nothing(String),
}

impl Check {
    /// Whether it is as it must be; none where that is not known.
    pub(crate) fn is_right(&self) -> Option<bool> {
        match (&self.answer, self.keyset) {
            (Answer::Nothing(_), _) => None,
            (Answer::Accepts, Keyset::New) | (Answer::Refuses | Answer::Revokes, Keyset::Old) => {
                Some(true)
            }
            (Answer::Revokes, Keyset::New) => Some(true),
            _ => Some(false),
        }
    }

    /// The answer in words, without a value.
    pub(crate) fn words(&self) -> String {
        let word = self.answer.word();
        match (&self.answer, self.answer.reason()) {
            (_, None) => word.to_owned(),
            (Answer::Nothing(_), Some(reason)) => format!("{word}: {reason}"),
            (_, Some(reason)) => format!("{word} ({reason})"),
        }
    }

    /// The same of one address of a name that has several.
    pub(crate) fn at(mut self, address: Option<IpAddr>) -> Self {
        if let Some(address) = address {
            self.address.push_str(&format!(" (at {address})"));
        }
        self
    }
}

impl Answer {
    /// The answer in a word.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Accepts | Self::OtherRole(_) => "accepted",
            Self::Refuses | Self::Revokes => "refused",
            Self::Nothing(_) => "not checked",
        }
    }

    /// What is to be added to the word.
    pub(crate) fn reason(&self) -> Option<String> {
        match self {
            Self::Accepts | Self::Refuses => None,
            Self::OtherRole(role) => Some(format!("with role {role}")),
            Self::Revokes => Some("the server revokes it while fixed users are enabled".to_owned()),
            Self::Nothing(reason) => Some(reason.clone()),
        }
    }
}

impl Keyset {
    /// Its option on the command line.
    pub(crate) fn option(self) -> &'static str {
        match self {
            Self::New => "--keys",
            Self::Old => "--old-keys",
        }
    }

    /// Its name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::New => "keys",
            Self::Old => "old_keys",
        }
    }

    /// What is right for it.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::New => "accepted",
            Self::Old => "refused",
        }
    }
}

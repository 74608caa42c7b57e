//! Web-login users that are there already: who gets another password, who goes, and what that does not end.

use std::path::PathBuf;

use clearml_secure_core::io::is_same;
use clearml_secure_core::keyset::{self, Keyset, User};

use crate::cli::Cli;
use crate::error::Error;
use crate::users::{self, New};

/// What becomes of users that are there.
pub(crate) struct Changes {
    /// Their names.
    removed: Vec<String>,
    /// With their new passwords.
    pub(crate) reset: Vec<New>,
    /// Whether only keys are asked for, in the very file that has them.
    is_of_keys: bool,
    hashed: Vec<User>,
}

impl Changes {
    /// What `--reset-password` and `--remove-user` say of users of the keyset, or of these, who are in a file that is
    /// changed with it.
    ///
    /// # Errors
    /// A name that is not there, or that is to be changed in two ways; no random bytes.
    pub(crate) fn of(cli: &Cli, keyset: &Keyset, listed: &[String]) -> Result<Self, Error> {
        let known = known(keyset, listed);
        let names = |flag, given: &[String]| -> Result<Vec<String>, Error> {
            let mut names = given.to_vec();
            names.sort();
            names.dedup();
            match names.iter().find(|name| !known.contains(name)) {
                Some(name) => Err(Error::UnknownUser {
                    flag,
                    name: name.clone(),
                    path: cli.from.clone().unwrap_or_else(|| PathBuf::from("-")),
                    known: known.clone(),
                }),
                None => Ok(names),
            }
        };
        let removed = names("--remove-user", &cli.remove_user)?;
        let reset = names("--reset-password", &cli.reset_password)?;
        if let Some(name) = reset.iter().find(|name| removed.contains(name)) {
            return Err(Error::TwoChanges {
                name: name.clone(),
                first: "--reset-password",
                second: "--remove-user",
            });
        }
        let reset = reset.iter().map(|name| {
            let full = keyset.user(name).map_or(name, |user| &user.name);
            New::generated(name, full)
        });
        let reset = reset.collect::<Result<Vec<New>, Error>>()?;
        Ok(Self {
            removed,
            hashed: users::hashed(&reset)?,
            is_of_keys: reset.is_empty() && is_of_keys(cli),
            reset,
        })
    }

    /// Makes the changes in a keyset.
    ///
    /// # Errors
    /// A hash that no keyset holds, which bcrypt does not make.
    pub(crate) fn apply(&self, keyset: &mut Keyset) -> Result<(), Error> {
        for name in &self.removed {
            keyset.remove_user(name);
        }
        for user in &self.hashed {
            let hash = user.password_hash.clone();
            let reset = keyset.reset_password(&user.username, hash);
            reset.map_err(|misfit| Error::User {
                name: user.username.clone(),
                misfit,
            })?;
        }
        Ok(())
    }

    /// The same for a file that has users of its own.
    pub(crate) fn of_file(&self) -> keyset::Changes<'_> {
        keyset::Changes {
            removed: &self.removed,
            reset: &self.hashed,
            is_of_keys: self.is_of_keys,
        }
    }

    /// Whether this user gets another password.
    pub(crate) fn is_reset(&self, name: &str) -> bool {
        self.reset.iter().any(|user| user.username == name)
    }

    /// Whether anybody is changed.
    pub(crate) fn are_any(&self) -> bool {
        !self.removed.is_empty() || !self.reset.is_empty()
    }

    /// What a person has to know about them: what works on, and what ends it
    /// (docs/clearml.md#removed-users, docs/clearml.md#another-password). One that is removed and added is the same user with
    /// another password, and so are those in whose place others were added.
    pub(crate) fn remarks(
        &self,
        (added, replaced): (&[New], Vec<String>),
        is_anybody_left: bool,
        is_in_file: bool,
        tokens: &Tokens,
    ) -> Vec<String> {
        let mut remarks = Vec::new();
        let is_added = |name: &String| added.iter().any(|user| user.username == *name);
        let (renewed, removed): (Vec<String>, Vec<String>) =
            self.removed.iter().cloned().partition(is_added);
        let reset = self.reset.iter().map(|user| user.username.clone());
        let names: Vec<String> = reset.chain(renewed).chain(replaced).collect();
        if !names.is_empty() {
            remarks.push(format!(
                "new password: {}\n  \
                 The old password works until the API server restarts with the new one.\n  \
                 Not ended: their API keys (SDK, agents), which are deleted in the web page{}.",
                keyset::enumerated(&names),
                tokens.also()
            ));
        }
        if !removed.is_empty() {
            remarks.push(format!(
                "removed: {}\n  \
                 Their password and API keys work until the API server restarts with the new list and deletes them\n  \
                 (from 1.15.0 on, unless apiserver.auth.delete_missing_autocreated_users is false).{}",
                keyset::enumerated(&removed),
                tokens.alone()
            ));
        }
        if !remarks.is_empty() {
            remarks.push(tokens.remark());
        }
        if !removed.is_empty() && !is_anybody_left {
            remarks.push(nobody_left(is_in_file));
        }
        remarks
    }
}

/// What becomes of the tokens of earlier logins (docs/clearml.md#tokens-are-not-looked-up, docs/clearml.md#remembered-tokens).
pub(crate) enum Tokens {
    /// The keyset that is written has another token secret.
    End,
    /// They work on. The command that ends them, if a file is written.
    Work(Option<String>),
}

impl Tokens {
    fn also(&self) -> &'static str {
        match self {
            Self::End => "",
            Self::Work(_) => "; tokens of earlier logins",
        }
    }

    fn alone(&self) -> &'static str {
        match self {
            Self::End => "",
            Self::Work(_) => "\n  Not ended: tokens of earlier logins.",
        }
    }

    fn remark(&self) -> String {
        const UNTIL: &str =
            "a token works until it expires, after 30 days by default. To end all tokens now,";
        match self {
            Self::End => {
                "all tokens end when the servers restart with the new token_secret".to_owned()
            }
            Self::Work(Some(command)) => {
                format!(
                    "{UNTIL} run\n  this, and give the servers the new token_secret:\n  {command}"
                )
            }
            Self::Work(None) => format!(
                "{UNTIL}\n  give the servers another one (KEYS is the keyset in use): clearml-keygen --from KEYS --only token_secret"
            ),
        }
    }
}

/// What follows where there is no user any more (docs/clearml.md#no-fixed-user).
fn nobody_left(is_in_file: bool) -> String {
    match is_in_file {
        true => "warning: no web-login user is left: nobody can log in at the web page\n  \
                 help: --user NAME adds one. Do not switch fixed users off: anyone could then log in without a password"
            .to_owned(),
        false => "warning: this keyset has no web-login user, so clearml-inject leaves the users of a deployment as they are:\n  \
                  those that were removed here can still log in there\n  \
                  help: add one with --user NAME; clearml-inject then removes all others"
            .to_owned(),
    }
}

/// Whether a keyset is changed in its own file, and no user is added.
fn is_of_keys(cli: &Cli) -> bool {
    let files = cli.from.as_ref().zip(cli.output.as_ref());
    files.is_some_and(|(from, output)| is_same(from, output))
        && cli.user.is_empty()
        && cli.users_from.is_none()
}

/// The users of the keyset and these, each once.
fn known(keyset: &Keyset, listed: &[String]) -> Vec<String> {
    let mut known: Vec<String> = keyset
        .users()
        .iter()
        .map(|user| user.username.clone())
        .collect();
    known.extend(
        listed
            .iter()
            .filter(|name| keyset.user(name).is_none())
            .cloned(),
    );
    known
}

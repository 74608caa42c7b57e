//! The web login of a deployment's API servers: its users, what is weak about their passwords, and what a message calls
//! them.

pub(crate) mod guess;

use std::collections::HashMap;

use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::effective::{Effective, ServerConfiguration};
use clearml_secure_core::fixed_users::{FixedUser, FixedUsers};
use clearml_secure_core::known;
use clearml_secure_core::password::{PasswordWeakness, weakness};
use clearml_secure_core::secret::Secret;
use clearml_secure_core::setting::Server;
use clearml_secure_core::shown::escape;

use crate::login::guess::{Guesser, Whose};

/// A longer name is none that a message repeats.
const LONGEST_NAME: usize = 64;

/// The web login of one API server.
pub(crate) struct Login<'a> {
    pub(crate) server: &'a ServerConfiguration,
    pub(crate) users: FixedUsers,
    /// By the users' positions.
    weaknesses: HashMap<usize, PasswordWeakness>,
}

impl<'a> Login<'a> {
    /// Those of all API servers.
    pub(crate) fn all(
        deployment: &Deployment,
        effective: &'a Effective,
        guesser: &Guesser,
    ) -> Vec<Self> {
        let servers = effective.servers.iter();
        let servers = servers.filter(|server| server.server == Server::Apiserver);
        let login = |server| {
            let users = FixedUsers::of(server, deployment);
            Self {
                server,
                weaknesses: weaknesses(&users, guesser),
                users,
            }
        };
        servers.map(login).collect()
    }

    /// What is weak about a user's password.
    pub(crate) fn weakness(&self, user: &FixedUser) -> Option<PasswordWeakness> {
        self.weaknesses.get(&user.position).copied()
    }

    /// What a message calls a user: by the name, unless that is the password, or may have it in it, or is none.
    pub(crate) fn called(&self, user: &FixedUser) -> String {
        // Where a hash is asked for and a password is written, nothing tells how weak it is.
        let is_password = |password: &Secret| password.expose() == user.username;
        if !is_name(&user.username)
            || user.password.as_ref().is_some_and(is_password)
            || self.weakness(user) == Some(PasswordWeakness::Name)
        {
            format!("user {} of the list", user.position)
        } else {
            escape(&user.username).into_owned()
        }
    }
}

/// Whether a text is a name that a person has, and not one that took in what follows it for want of a comma or a quote: that
/// may be the password.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().count() <= LONGEST_NAME
        && !text.contains([':', '=', '"', '{', '\n'])
}

/// Where passwords may be hashes, one that a guess opens is as weak as the password that it is made of.
fn weaknesses(users: &FixedUsers, guesser: &Guesser) -> HashMap<usize, PasswordWeakness> {
    let name = |user: &'_ FixedUser| user.name.clone().unwrap_or_default();
    if users.enabled == Some(false) {
        return HashMap::new();
    }
    let names: Vec<String> = users.users.iter().map(name).collect();
    let with_names = || users.users.iter().zip(&names);
    let whose = with_names().map(|(user, name)| Whose {
        hash: match &user.password {
            Some(password) if users.is_hashed != Some(false) => password.expose(),
            _ => "",
        },
        username: &user.username,
        name,
    });
    let opened = guesser.passwords(&whose.collect::<Vec<_>>());
    let judged = with_names()
        .zip(opened)
        .filter_map(|((user, name), opened)| {
            let written = user.password.as_ref()?.expose();
            let judge = |password: &str| weakness(password, &user.username, name);
            let found = match (opened, users.is_hashed) {
                (Some(password), _) => judge(&password),
                (None, Some(true)) => known::lookup(written).map(|_| PasswordWeakness::Example),
                (None, _) => judge(written),
            };
            Some((user.position, found?))
        });
    judged.collect()
}

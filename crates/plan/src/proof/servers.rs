//! What holds of the servers themselves, whatever their deployment is written in: they start, and what they set up is the
//! keyset's.

use clearml_secure_core::account::{Account, Accounts};
use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::effective::{Configured, Effective};
use clearml_secure_core::fixed_users::{self, FixedUsers};
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::setting::Server;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::{Place, Span};

use super::Broken;

/// The servers of an edited deployment.
pub(crate) struct Servers<'a> {
    pub(crate) deployment: &'a Deployment,
    pub(crate) effective: &'a Effective,
    /// Where something is in the files as the user has them.
    pub(crate) place: &'a dyn Fn(Span) -> Place,
}

impl Servers<'_> {
    /// A server that does not start proves nothing.
    pub(crate) fn start(&self) -> Result<(), Broken> {
        let mut servers = self.effective.servers.iter();
        match servers.find_map(|server| Some((server.server, server.fatal.first()?))) {
            Some((server, fatal)) => Err(Broken::with_help(
                format!(
                    "{server} would not start: {}: {}",
                    (self.place)(fatal.span),
                    fatal.message
                ),
                "change or remove that line, then run this again",
            )),
            None => Ok(()),
        }
    }

    /// The API server sets up the keyset's accounts and users.
    pub(crate) fn set_up(&self, keyset: &Keyset) -> Result<(), Broken> {
        self.accounts(keyset)?;
        self.users(keyset)
    }

    /// The set-up of accounts ends at the first that is at fault: those after it keep their old keys, and no user is made
    /// (docs/clearml.md#account-without-a-role).
    fn accounts(&self, keyset: &Keyset) -> Result<(), Broken> {
        let deployment = self.deployment;
        let servers = self.effective.servers.iter();
        for server in servers.filter(|server| server.server == Server::Apiserver) {
            let accounts = Accounts::of(server, deployment).accounts;
            // Somebody's own accounts come last.
            let matters = |account: &&Account| !account.is_own || !keyset.users().is_empty();
            let mut broken = accounts.iter().filter(|account| account.fault.is_some());
            let Some(account) = broken.next().filter(matters) else {
                continue;
            };
            let instance = &deployment.instances[server.instance];
            let name_span = deployment.service(instance).name_span;
            let what = match account.is_own {
                false => "it and the accounts after it would keep their old keys",
                true => "no web-login user would be added",
            };
            return Err(Broken::with_help(
                format!(
                    "{}: apiserver cannot set up the account {}, so {what}",
                    (self.place)(account.span.unwrap_or(name_span)),
                    escape(&account.name)
                ),
                "fix this account, then run this again; clearml-verify says what is wrong with it",
            ));
        }
        Ok(())
    }

    /// The same for the web login: the API server has the keyset's users, and no others.
    fn users(&self, keyset: &Keyset) -> Result<(), Broken> {
        if keyset.users().is_empty() {
            return Ok(());
        }
        let deployment = self.deployment;
        let servers = self.effective.servers.iter();
        for server in servers.filter(|server| server.server == Server::Apiserver) {
            let found = FixedUsers::of(server, deployment);
            let mut users = found.users.iter().zip(keyset.users());
            let are_same = found.users.len() == keyset.users().len()
                && users.all(|(one, meant)| {
                    one.username == meant.username
                        && one.password.as_ref() == Some(&meant.password_hash)
                });
            let read = [
                (fixed_users::ENABLED, found.enabled == Some(true)),
                (fixed_users::PASS_HASHED, found.is_hashed == Some(true)),
                (fixed_users::USERS, are_same),
            ];
            let Some((path, _)) = read.into_iter().find(|(_, is_read)| !is_read) else {
                continue;
            };
            let (span, help) = match server.configured(deployment, path) {
                Configured::Unknown(_, span) | Configured::Value(_, span) => (
                    span,
                    format!("this sets {path}: remove it, then run this again"),
                ),
                Configured::Not => (
                    deployment
                        .service(&deployment.instances[server.instance])
                        .name_span,
                    format!(
                        "{path} is not set where this server looks: remove CLEARML_CONFIG_DIR and what is mounted over its configuration, then run this again"
                    ),
                ),
            };
            let place = (self.place)(span);
            return Err(Broken::with_help(
                format!("{place}: apiserver would not read the keyset's web-login users"),
                help,
            ));
        }
        Ok(())
    }
}

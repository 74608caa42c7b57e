//! Accounts, also those that are none of the image's.

use clearml_secure_core::account::{Account, Accounts, Role, field};
use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::effective::{Effective, Origin, Reading, ServerConfiguration, Value};
use clearml_secure_core::opening::ACCOUNTS;
use clearml_secure_core::setting::{Kind, Server};
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Span;

use super::Case;
use crate::finding::{Draft, Severity};
use crate::words::{LOW_RISK, REVOKED, anyone_can, can_as, can_with};

/// What gives an account another pair.
const HELP: &str =
    "remove the account, or give it a random key and a random secret:\n  openssl rand -hex 30";

/// Half of the pair with which somebody's own account logs in.
pub(crate) struct OwnHalf<'a> {
    /// The API server that sets it up.
    pub(crate) server: &'a ServerConfiguration,
    /// Its account.
    pub(crate) account: &'a Account,
    /// Which half.
    pub(crate) kind: Kind,
    /// What it is.
    pub(crate) text: &'a str,
    span: Option<Span>,
}

/// The accounts of every API server.
pub(crate) fn all<'a>(
    deployment: &Deployment,
    effective: &'a Effective,
) -> Vec<(&'a ServerConfiguration, Accounts)> {
    let servers = effective.servers.iter();
    servers
        .filter(|server| server.server == Server::Apiserver)
        .map(|server| (server, Accounts::of(server, deployment)))
        .collect()
}

impl Case<'_> {
    /// Asks a question of every half of a pair with which an account that is none of the image's logs in.
    pub(crate) fn of_own_accounts(
        &self,
        findings: &mut Vec<Draft>,
        ask: impl Fn(&OwnHalf<'_>) -> Option<Draft>,
    ) {
        for (server, accounts) in &self.accounts {
            let logs_in =
                |account: &&Account| account.is_own && account.is_set_up() && !account.is_closed();
            for account in accounts.accounts.iter().filter(logs_in) {
                for kind in [Kind::Key, Kind::Secret] {
                    let half = account.half(kind);
                    let text = half.value.text();
                    let draft = text.and_then(|text| {
                        ask(&OwnHalf {
                            server,
                            account,
                            kind,
                            text: text.expose(),
                            span: half.span,
                        })
                    });
                    findings.extend(draft);
                }
            }
        }
    }

    /// A finding about half of the pair of somebody's own account: what it is, and what follows, if that is not what the
    /// account's role can do.
    pub(crate) fn of_half(
        &self,
        half: &OwnHalf<'_>,
        (severity, what): (Severity, &str),
        consequence: Option<String>,
    ) -> Draft {
        let account = half.account;
        let (severity, consequence) = if self.revokes(half.server, &account.name) {
            (Severity::Note, REVOKED.to_owned())
        } else {
            let role = account.role.known().copied().flatten();
            let can = role.map_or("log in", can_as);
            let power = consequence.unwrap_or_else(|| anyone_can("knows key and secret", can));
            (severity, power)
        };
        let message = format!(
            "{ACCOUNTS}.{}.{} of {} {what}: {consequence}",
            escape(&account.name),
            field(half.kind),
            self.name(half.server),
        );
        self.finding(severity, half.server, message, HELP)
            .at(half.span)
    }

    /// Whether a server revokes an account, and its login is not broken for everybody.
    pub(crate) fn revokes(&self, server: &ServerConfiguration, account: &str) -> bool {
        server.revokes(self.deployment, account)
            // A login that fails for everybody is not what keeps these accounts closed for long.
            && self
                .logins
                .iter()
                .all(|login| login.server.instance != server.instance || login.users.broken.is_empty())
    }

    /// Whether another server than the API servers is given what none of these has: nobody gets anywhere with it.
    pub(crate) fn is_refused(&self, reading: &Reading) -> bool {
        if reading.server == Server::Apiserver {
            return false;
        }
        let is_other = |one: &Reading| match &one.value {
            Value::Absent | Value::Empty => {
                reading.value.text().is_some()
                    && self.effective.servers[one.instance].is_seen(self.deployment)
            }
            Value::Text(text) => {
                Some(text) != reading.value.text()
                    && matches!(one.origin, Origin::File(_) | Origin::Variable(_))
            }
            Value::Deadly | Value::NotText(_) | Value::Unknown(_) => false,
        };
        let all = self.effective.of_setting(reading.setting);
        let mut asked = all.filter(|one| one.server == Server::Apiserver).peekable();
        asked.peek().is_some() && asked.all(is_other)
    }

    /// What anyone who knows a setting can do, with the role that its account has here. `knows` says how anyone comes to
    /// know it.
    pub(crate) fn power(&self, knows: &str, reading: &Reading) -> String {
        match self.role(reading).map(can_as).or(can_with(reading.setting)) {
            Some(can) => anyone_can(knows, can),
            None => LOW_RISK.to_owned(),
        }
    }

    /// The role that a setting's account has here.
    fn role(&self, reading: &Reading) -> Option<Role> {
        let name = reading.setting.account()?;
        // Of another server, the first API server is asked: looking at all for each would take the square of their number.
        let is_api = reading.server == Server::Apiserver;
        let mut servers = self.accounts.iter();
        let here = servers.find(|(server, _)| !is_api || server.instance == reading.instance);
        let mut accounts = here.into_iter().flat_map(|(_, all)| &all.accounts);
        let account = accounts.find(|account| account.name == name);
        account.and_then(|account| account.role.known().copied().flatten())
    }
}

//! One value serves several settings.
//!
//! **What**: the same text is set for two or more settings, or for one and an account of somebody's own.
//!
//! **Why**: anyone who learns one learns all of them; the credentials of the agent, which every job on it can read,
//! must not be those of the file server. Two accounts with the same key look the same to the server.
//!
//! bad: tests/fixtures/rules/reused-secret/bad.yml
//!
//! good: tests/fixtures/rules/reused-secret/good.yml
//!
//! **Fix**: `clearml-keygen -o keys.env`, then `clearml-inject -k keys.env -i docker-compose.yml`
//!
//! **References**: ClearML's Helm chart uses one string for the token secret and for a user's secret.

use std::borrow::Cow;

use clearml_secure_core::account::{Account, field};
use clearml_secure_core::effective::{Origin, Reading, ServerConfiguration};
use clearml_secure_core::opening::ACCOUNTS;
use clearml_secure_core::public;
use clearml_secure_core::setting::Kind;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Span;
use clearml_secure_core::strength::weakness;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use crate::words::and;

/// It takes a first leak.
const SEVERITY: Severity = Severity::Warning;

const HELP: &str =
    "give the account a key and a secret of its own: `clearml-keygen` prints new ones";

pub(crate) struct ReusedSecret;

impl Rule for ReusedSecret {
    fn id(&self) -> &'static str {
        "reused-secret"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let readings = case.effective.readings();
        let readings = readings.filter(|reading| is_chosen(reading));
        let mut all: Vec<Use<'_>> = readings.filter_map(of_reading).collect();
        all.extend(case.accounts.iter().flat_map(|(server, accounts)| {
            let own = accounts.accounts.iter().filter(|account| account.is_own);
            own.flat_map(|account| of_account(server, account))
        }));
        let mut done: Vec<&str> = Vec::new();
        for one in &all {
            if done.contains(&one.text) {
                continue;
            }
            done.push(one.text);
            let mut users: Vec<&Use<'_>> = Vec::new();
            for other in all.iter().filter(|other| other.text == one.text) {
                if !users.iter().any(|user| user.path == other.path) {
                    users.push(other);
                }
            }
            let [_, second, ..] = users.as_slice() else {
                continue;
            };
            let names: Vec<&str> = users.iter().map(|user| &*user.path).collect();
            let message = format!(
                "{} have the same value: anyone who learns one knows all",
                and(&names)
            );
            findings.push(match second.at {
                At::Reading(reading) => case.finding_in(SEVERITY, reading, message),
                At::Account(server, span) => case.finding(SEVERITY, server, message, HELP).at(span),
            });
        }
    }
}

/// A value, and what it is for.
struct Use<'a> {
    path: Cow<'a, str>,
    text: &'a str,
    at: At<'a>,
}

enum At<'a> {
    Reading(&'a Reading),
    /// An account that no image has.
    Account(&'a ServerConfiguration, Option<Span>),
}

fn of_reading(reading: &Reading) -> Option<Use<'_>> {
    Some(Use {
        path: reading.setting.path().into(),
        text: reading.value.text()?.expose(),
        at: At::Reading(reading),
    })
}

/// The key and the secret of an account with which somebody can log in. What is guessed is worse than reused.
fn of_account<'a>(
    server: &'a ServerConfiguration,
    account: &'a Account,
) -> impl Iterator<Item = Use<'a>> {
    let kinds = [Kind::Key, Kind::Secret].into_iter();
    kinds.filter_map(move |kind| {
        let half = account.half(kind);
        let text = half.value.text().filter(|_| !account.is_closed())?;
        Some(Use {
            path: format!("{ACCOUNTS}.{}.{}", escape(&account.name), field(kind)).into(),
            text: text.expose(),
            at: At::Account(server, half.span),
        })
        .filter(|one| public::of(one.text).is_none() && weakness(one.text, kind).is_none())
    })
}

/// What an administrator set; published values are worse than reused.
fn is_chosen(reading: &Reading) -> bool {
    let is_set = matches!(reading.origin, Origin::File(_) | Origin::Variable(_));
    let text = reading.value.text();
    is_set && text.is_none_or(|text| public::of(text.expose()).is_none())
}

//! The API server fails on an entry of its users.
//!
//! **What**: `fixed_users.users` is no list, or an entry has a key that no user has (`admin`, `role`, `email`), lacks its
//! `username`, `password` or `name`, or has a password that HOCON does not read as a text.
//!
//! **Why**: the API server makes a user of each entry at every login. If it cannot, every login with a name or a key
//! answers HTTP 500, those of the SDK and of agents included, and the file server exits. A password that is a number equals
//! nothing that anyone types.
//!
//! bad: tests/fixtures/rules/broken-user/bad.yml
//!
//! good: tests/fixtures/rules/broken-user/good.yml
//!
//! **Fix**: give each entry `username`, `password` and `name`, all in quotes, and at most `company` and `is_guest` besides.
//!
//! **References**: ClearML, "Web Login Authentication"; docs/clearml.md#entries-of-a-user.

use clearml_secure_core::fixed_users::{self, Broken};
use clearml_secure_core::shown::escape;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// Nobody gets in, or not this user (docs/clearml.md#entries-of-a-user).
const SEVERITY: Severity = Severity::Error;

const HELP: &str = "give each entry username, password and name, all in quotes, and at most company and is_guest besides";

pub(crate) struct BrokenUser;

impl Rule for BrokenUser {
    fn id(&self) -> &'static str {
        "broken-user"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for (server, users) in case.fixed_users() {
            let name = case.name(server);
            for broken in &users.broken {
                let message = format!("nobody can log in to {name}: {}", cause(broken));
                findings.push(
                    case.finding(SEVERITY, server, message, HELP)
                        .at(broken.span),
                );
            }
            // Of a hash that is no text, `malformed-password-hash` says so.
            let plain = users.is_hashed == Some(false);
            for user in users.users.iter().filter(|user| plain && user.is_no_text) {
                let message = format!(
                    "{} cannot log in to {name}: the password is no text to HOCON, and equals nothing that is typed",
                    escape(&user.username)
                );
                let help = "put the password into quotes";
                findings.push(case.finding(SEVERITY, server, message, help).at(user.span));
            }
        }
    }
}

/// What is wrong with an entry, as the end of a sentence.
fn cause(user: &fixed_users::BrokenUser) -> String {
    let name = match user.username.as_str() {
        "" => "an entry".to_owned(),
        name => format!("the entry of {}", escape(name)),
    };
    match &user.why {
        Broken::Foreign(key) => format!("{name} has the key {}, which no user has", escape(key)),
        Broken::Missing(key) => format!("{name} has no {key}"),
        Broken::NoEntry => "an entry of its users has no keys".to_owned(),
        Broken::NoList => "fixed_users.users is no list".to_owned(),
    }
}

//! The API server fails on an entry of its users, or a user cannot log in.
//!
//! **What**: `fixed_users.users` is no list, or an entry has a key that no user has (`admin`, `role`, `email`) or lacks its
//! `username`, `password` or `name`. Or one of these three is something else than a text to HOCON, `username` has a colon, or
//! `company` is one that the server does not have. Or a comma is missing between two entries. Or the list has nobody. Or a username or a
//! password is in single quotes, which HOCON takes for a part of it. A note says which users are guests (`is_guest`).
//!
//! **Why**: the API server makes a user of each entry at every login. If it cannot, every login with a name or a key
//! answers HTTP 500, those of the SDK and of agents included, and the file server exits. A password that is a number equals
//! nothing that anyone types, and a user of another company gets a 401. Of entries without a comma between them HOCON makes one
//! user, who has of each key the last value.
//!
//! bad: tests/fixtures/rules/broken-user/bad.yml
//!
//! good: tests/fixtures/rules/broken-user/good.yml
//!
//! **Fix**: give each entry `username`, `password` and `name`, all in quotes, and at most `company` and `is_guest` besides.
//!
//! **References**: ClearML, "Web Login Authentication"; docs/clearml.md#entries-of-a-user.

use clearml_secure_core::fixed_users::{Broken, BrokenUser as Entry, FixedUser};
use clearml_secure_core::shown::and;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use crate::login::Login;

/// Nobody gets in, or not this user (docs/clearml.md#entries-of-a-user).
const SEVERITY: Severity = Severity::Error;
/// Nobody gets in, and nothing is broken.
const NOBODY: Severity = Severity::Warning;
/// The user gets in only with what nobody types.
const QUOTED: Severity = Severity::Warning;
/// The user gets in, with less than the others.
const GUEST: Severity = Severity::Note;

/// A longer key is none that a message repeats.
const LONGEST_KEY: usize = 32;

const HELP: &str = "give each user username, password and name, all in quotes. No other keys but company and is_guest are allowed";

pub(crate) struct BrokenUser;

impl Rule for BrokenUser {
    fn id(&self) -> &'static str {
        "broken-user"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for login in case.fixed_users() {
            let server = case.name(login.server);
            let mut add = |severity, message, help: &str, span| {
                let finding = case.finding(severity, login.server, message, help);
                findings.push(finding.at(span));
            };
            for entry in &login.users.broken {
                let message = format!("nobody can log in to {server}: {}", cause(login, entry));
                add(SEVERITY, message, HELP, Some(entry.span));
            }
            if is_empty(login) {
                let message = format!(
                    "nobody can log in to the web page of {server}: fixed users are enabled, but the list is empty"
                );
                add(NOBODY, message, &case.add_users(), login.users.span);
            }
            for user in &login.users.users {
                let name = login.called(user);
                if let Some((why, help)) = locked_out(login, user) {
                    let message = format!("{name} cannot log in to {server}: {why}");
                    add(SEVERITY, message, help, Some(user.span));
                }
                if user.is_joined {
                    let message = format!(
                        "{server} reads several entries of its user list as one, {name}: a comma is missing between them"
                    );
                    let help = "put a comma between `}` and `{`";
                    add(SEVERITY, message, help, Some(user.span));
                }
                let parts = in_quotes(login, user);
                if !parts.is_empty() {
                    let parts = and(&parts);
                    let message = format!(
                        "{name} has to type the quotes to log in to {server}: only double quotes are quotes to HOCON, and those around the {parts} are a part of it"
                    );
                    let help = format!("write the {parts} in double quotes (\")");
                    add(QUOTED, message, &help, Some(user.span));
                }
                if user.is_guest == Some(true) {
                    let message =
                        format!("{name} logs in to {server} as a guest: is_guest is true");
                    let help = "remove is_guest to make this an ordinary user";
                    add(GUEST, message, help, Some(user.span));
                }
            }
        }
    }
}

/// What of a user is in quotes that are none. A hash in such is no hash, which another rule says.
fn in_quotes<'a>(login: &Login<'_>, user: &'a FixedUser) -> Vec<&'a str> {
    let keys = user.in_quotes.iter().copied();
    keys.filter(|key| *key != "password" || login.users.is_hashed == Some(false))
        .collect()
}

/// What is wrong with an entry, as the end of a sentence.
fn cause(login: &Login<'_>, entry: &Entry) -> String {
    let mut users = login.users.users.iter();
    let user = users.find(|user| user.position == entry.position && !user.username.is_empty());
    let name = match user {
        None => "an entry".to_owned(),
        Some(user) => format!("the entry of {}", login.called(user)),
    };
    match &entry.why {
        Broken::Foreign(key) if is_word(key) => format!("{name} has the unknown key {key}"),
        Broken::Foreign(_) => format!("{name} has an unknown key"),
        Broken::Missing(key) => format!("{name} has no {key}"),
        Broken::NoEntry => "an entry of its user list is not an object".to_owned(),
        Broken::NoList => "fixed_users.users is not a list".to_owned(),
    }
}

/// Whether a key is a word, and not what a line says that lacks a comma or a colon: that may be a password.
fn is_word(key: &str) -> bool {
    let is_in_one = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    key.len() <= LONGEST_KEY && key.chars().all(is_in_one)
}

/// Whether there is nobody who could log in, and nothing else is wrong.
fn is_empty(login: &Login<'_>) -> bool {
    let users = &login.users;
    users.enabled == Some(true)
        && users.is_whole
        && users.users.is_empty()
        && users.broken.is_empty()
        && users.guest.enabled == Some(false)
}

/// Why one user cannot log in, and what helps.
fn locked_out(login: &Login<'_>, user: &FixedUser) -> Option<(&'static str, &'static str)> {
    if user.no_text.is_none() && user.is_foreign == Some(true) {
        return Some((
            "the entry names a company that the server does not have (401)",
            "remove company",
        ));
    }
    // Of an entry that lacks a comma, what it lacks is said.
    let mut broken = login.users.broken.iter();
    let is_broken = broken.any(|entry| entry.position == user.position);
    if user.no_text.is_none() && !is_broken && user.username.contains(':') {
        return Some((
            "the username has a colon, and a login ends the name at the first one",
            "remove the colon from the username",
        ));
    }
    let quotes = "put the password in quotes";
    Some(match (user.no_text?.0, login.users.is_hashed) {
        ("password", Some(true)) => (
            "HOCON does not read the password as text, so every login fails with an internal error",
            quotes,
        ),
        ("password", _) => (
            "HOCON does not read the password as text, so nothing that is typed matches it",
            quotes,
        ),
        ("username", _) => (
            "HOCON does not read the username as text, so nothing that is typed matches it",
            "put the username in quotes",
        ),
        _ => (
            "HOCON does not read the name as text, so the server creates no user",
            "put the name in quotes",
        ),
    })
}

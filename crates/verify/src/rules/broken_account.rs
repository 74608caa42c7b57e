//! The API server cannot set up an account, and stops there.
//!
//! **What**: an entry of `secure.credentials` has no `role`, no `user_key` or no `user_secret`, a role that does not exist, a key
//! that is no text, or, with the role `user`, no `display_name`. Every entry is an account, also one of your own.
//!
//! **Why**: the API server sets up its accounts one after the other, and the users of the web login after them. At an entry that
//! it cannot set up it stops, logs an error, and starts all the same: later accounts keep the keys they had, public ones
//! included, and no user is created or removed.
//!
//! bad: tests/fixtures/rules/broken-account/bad.yml
//!
//! good: tests/fixtures/rules/broken-account/good.yml
//!
//! **Fix**: give the account what is missing, or remove it.
//!
//! **References**: docs/clearml.md#account-without-a-role; docs/clearml.md#order-of-the-set-up.

use clearml_secure_core::account::{Account, AccountFault, Role};
use clearml_secure_core::container::Variable;
use clearml_secure_core::instance::Instance;
use clearml_secure_core::opening::ACCOUNTS;
use clearml_secure_core::setting::SETTINGS;
use clearml_secure_core::shown::escape;

use super::{Case, Rule};
use crate::case::unread;
use crate::finding::{Draft, Severity};
use crate::words::{and, release};

/// What was meant to close something does not (docs/clearml.md#account-without-a-role).
const SEVERITY: Severity = Severity::Error;

/// The consequence: the API server stops at the account (docs/clearml.md#order-of-the-set-up).
const FOLLOWS: &str =
    "later accounts keep their old keys, and no web-login user is added or removed";

pub(crate) struct BrokenAccount;

impl Rule for BrokenAccount {
    fn id(&self) -> &'static str {
        "broken-account"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for (server, accounts) in &case.accounts {
            let name = case.name(server);
            let instance = &case.deployment.instances[server.instance];
            if let Some(span) = accounts.replaced {
                let message = format!(
                    "{name} cannot set up any account, because a plain value replaces all of them: {FOLLOWS}"
                );
                let help = format!("remove the line: {ACCOUNTS} must be an object");
                findings.push(case.finding(SEVERITY, server, message, &help).at(span));
            }
            for (fault, broken) in by_fault(&accounts.accounts) {
                let names: Vec<_> = broken.iter().map(|account| escape(&account.name)).collect();
                let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
                let (what, which) = match names.len() {
                    1 => ("account", "which"),
                    _ => ("accounts", "each of which"),
                };
                let message = format!(
                    "{name} cannot set up the {what} {}, {which} {}: {FOLLOWS}",
                    and(&names),
                    cause(fault)
                );
                let help = help(case, instance, broken[0], fault);
                findings.push(
                    case.finding(SEVERITY, server, message, &help)
                        .at(broken[0].span),
                );
            }
        }
    }
}

/// The accounts that cannot be set up. Where a tree of one's own has replaced the image's, several lack the same.
fn by_fault(accounts: &[Account]) -> Vec<(&AccountFault, Vec<&Account>)> {
    let mut found: Vec<(&AccountFault, Vec<&Account>)> = Vec::new();
    for account in accounts {
        let Some(fault) = &account.fault else {
            continue;
        };
        // Of a setting that is no text, `misread-value` says so.
        if !account.is_own && matches!(fault, AccountFault::NotText("user_key" | "user_secret")) {
            continue;
        }
        let mut alike = found.iter_mut().filter(|_| !account.is_own);
        match alike.find(|(known, all)| *known == fault && !all[0].is_own) {
            Some((_, all)) => all.push(account),
            None => found.push((fault, vec![account])),
        }
    }
    found
}

/// What is wrong with an account, as the rest of a sentence about it.
fn cause(fault: &AccountFault) -> String {
    match fault {
        AccountFault::Missing(key) => format!("has no {key}"),
        AccountFault::Name => "has a name that cannot be part of a mail address".to_owned(),
        AccountFault::NoObject => {
            "is a plain value, not an object with role, user_key and user_secret".to_owned()
        }
        AccountFault::NoSuchRole => "has a role that does not exist".to_owned(),
        AccountFault::NotText(key) => {
            format!("has a {key} that HOCON does not read as text")
        }
    }
}

/// What to do. A name that is nearly one that is read is a mistake in the name.
fn help(case: &Case<'_>, instance: &Instance, account: &Account, fault: &AccountFault) -> String {
    let mut variables = case.deployment.service(instance).environment.iter();
    let variable = variables.find(|variable| Some(variable.span) == account.span);
    let unread = variable.and_then(|variable| unread::unread(&variable.name));
    if let Some(nearest) = unread.and_then(|unread| unread.nearest) {
        return format!("did you mean {nearest}? Otherwise remove the variable");
    }
    let name = escape(&account.name);
    // An example of a newer release gives it keys.
    if account.is_own
        && SETTINGS
            .iter()
            .any(|setting| setting.account() == Some(&account.name))
    {
        let release = release(instance.known_version());
        return format!("remove it: {release} has no account {name}");
    }
    match (fault, account.role_in_image) {
        (AccountFault::NoSuchRole, Some(role)) => {
            format!(
                "remove the line: the default role of {name} is {}",
                role.name()
            )
        }
        (AccountFault::NoSuchRole, None) | (AccountFault::Missing("role"), _) => {
            format!(
                "give it one of these roles: {}",
                Role::ALL.map(Role::name).join(", ")
            )
        }
        (AccountFault::Missing(key), _) => format!("give it {key}, or remove the account"),
        (AccountFault::Name, _) => "give it a name of letters, digits, - and _".to_owned(),
        (AccountFault::NoObject, _) => {
            "remove it, or write role, user_key and user_secret below it".to_owned()
        }
        (AccountFault::NotText(key), _) => {
            format!("put {key} in double quotes. In a variable, the quotes are part of the value")
        }
    }
}

/// Whether a variable of an API server makes an account that cannot be set up: this rule says so.
pub(super) fn is_said(case: &Case<'_>, instance: &Instance, variable: &Variable) -> bool {
    let prefixes = instance.family.prefixes().iter();
    let mut paths = prefixes.filter_map(|prefix| variable.name.strip_prefix(prefix));
    let path = paths.next().unwrap_or_default();
    let path = path.replace("__", ".").to_lowercase();
    let Some(name) = path
        .strip_prefix(ACCOUNTS)
        .and_then(|rest| rest.strip_prefix('.'))
        .and_then(|rest| rest.split('.').next())
    else {
        return false;
    };
    let here = case
        .accounts
        .iter()
        .filter(|(server, _)| std::ptr::eq(&case.deployment.instances[server.instance], instance));
    let mut accounts = here.flat_map(|(_, accounts)| &accounts.accounts);
    accounts.any(|account| account.name == name && account.is_own && account.fault.is_some())
}

//! Whether the API servers have the web-login users of a keyset.

use std::path::Path;

use clearml_secure_core::effective::{Configured, Layer};
use clearml_secure_core::fixed_users::{ENABLED, FixedUser, PASS_HASHED, USERS};
use clearml_secure_core::keyset::{Keyset, User};
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Span;

use super::IF_ITS_OWN;
use crate::case::Case;
use crate::finding::{Draft, Fix, Severity};
use crate::login::Login;

/// Every API server must have the keyset's web-login users, and enable them. Those that a variable lists beside them go with the next
/// injection; what somebody wrote into a file beside them stays, and is right.
pub(super) fn compare(case: &Case<'_>, keys: &Keyset, path: Option<&Path>) -> Vec<Draft> {
    let logins = case.logins.iter().filter(|_| !keys.users().is_empty());
    logins
        .flat_map(|login| of_login(case, login, keys, path))
        .collect()
}

fn of_login(case: &Case<'_>, login: &Login<'_>, keys: &Keyset, path: Option<&Path>) -> Vec<Draft> {
    let mut found = Vec::new();
    // One command for all users: a second one would be refused, or undo what the first did.
    let apply = || case.apply(IF_ITS_OWN, None, keys.users());
    let mut add = |told: Told, help: Option<&str>| {
        let fix = help.is_none().then_some(Fix::Keys);
        let help = help.map_or_else(apply, str::to_owned);
        let finding = case.finding(Severity::Error, login.server, told.message, &help);
        let finding = finding.brief(told.brief).fixed_by(fix);
        found.push(finding.at(told.span.or(login.users.span)));
    };
    let server = case.name(login.server);
    let stays = case.keeps_users(login, keys);
    let meant = |names: &[&str]| stays.then(|| case.if_meant(login, names, path));
    let names = |is_one: &dyn Fn(&User) -> bool| -> Vec<&str> {
        let users = keys.users().iter().filter(|user| is_one(user));
        users.map(|user| user.username.as_str()).collect()
    };
    if let Some(span) = is_off(case, login, ENABLED) {
        let help = case.enabling(login).or_else(|| meant(&names(&|_| true)));
        add(Told::of_disabled(&server, span), help.as_deref());
        return found;
    }
    let of_variable = is_of_variable(case, login);
    if !of_variable && !login.users.is_whole {
        return found;
    }
    let is_plain = is_off(case, login, PASS_HASHED).is_some();
    let own = |user: &User| {
        let mut listed = login.users.users.iter();
        listed.find(|own| own.username == user.username)
    };
    let has_other = |own: &&FixedUser| {
        let hash = keys.user(&own.username).map(|user| &user.password_hash);
        hash.is_some() && own.password.as_ref() != hash
    };
    let others: Vec<&FixedUser> = login.users.users.iter().filter(has_other).collect();
    let if_meant = meant(&names(&|user| own(user).is_none()));
    let if_reset = stays.then(|| match is_plain {
        true => case.hash_passwords(login),
        false => case.if_reset(login, &others, path),
    });
    for user in keys.users() {
        let name = escape(&user.username);
        match own(user) {
            None => add(Told::of_missing(&server, &name), if_meant.as_deref()),
            Some(own) if is_plain => {
                let told = Told::of_plain(&server, &name, own.span);
                add(told, if_reset.as_deref());
            }
            Some(own) if has_other(&own) => {
                let told = Told::of_other(&server, &name, own.span);
                add(told, if_reset.as_deref());
            }
            Some(_) => {}
        }
    }
    let others = login.users.users.iter().filter(|_| of_variable);
    for other in others.filter(|other| keys.user(&other.username).is_none()) {
        let name = login.called(other);
        add(Told::of_further(&server, &name, other.span), None);
    }
    found
}

/// What is wrong with a user.
struct Told {
    message: String,
    brief: String,
    span: Option<Span>,
}

impl Told {
    fn of_disabled(server: &str, span: Option<Span>) -> Self {
        Self {
            message: format!(
                "{server} has no fixed users enabled, so those of the keyset do not count"
            ),
            brief: format!("web-login users, not enabled at {server}"),
            span,
        }
    }

    fn of_missing(server: &str, name: &str) -> Self {
        Self {
            message: format!("{server} does not have the keyset's web-login user {name}"),
            brief: format!("web-login user {name}, not at {server}"),
            span: None,
        }
    }

    fn of_plain(server: &str, name: &str, span: impl Into<Option<Span>>) -> Self {
        Self {
            message: format!(
                "{server} reads passwords in clear text, and so does not take the keyset's password hash for {name} as one"
            ),
            brief: format!("web-login user {name}, a password in clear text at {server}"),
            span: span.into(),
        }
    }

    fn of_other(server: &str, name: &str, span: impl Into<Option<Span>>) -> Self {
        Self {
            message: format!("{server} has another password hash for {name} than the keyset"),
            brief: format!("web-login user {name}, another password hash at {server}"),
            span: span.into(),
        }
    }

    fn of_further(server: &str, name: &str, span: impl Into<Option<Span>>) -> Self {
        Self {
            message: format!(
                "{server} still lists {name}, a web-login user whom the keyset does not have"
            ),
            brief: format!("web-login user {name}, still in the list of {server}"),
            span: span.into(),
        }
    }
}

/// Where a switch is off, if it is. What a file that is not here may set is not known.
fn is_off(case: &Case<'_>, login: &Login<'_>, path: &str) -> Option<Option<Span>> {
    let switch = login.server.switch(case.deployment, path);
    let layer = login.server.layer(case.deployment, path);
    let is_certain =
        matches!(layer, Some(Layer::Variable(_))) || login.server.is_seen(case.deployment);
    (is_certain && switch.is_on.into_known() == Some(false)).then_some(switch.span)
}

fn is_of_variable(case: &Case<'_>, login: &Login<'_>) -> bool {
    match login.server.configured(case.deployment, USERS) {
        Configured::Value(list, _) if list.unknown().is_none() => {
            let layer = login.server.layer(case.deployment, USERS);
            matches!(layer, Some(Layer::Variable(_)))
        }
        _ => false,
    }
}

//! Words and turns of phrase that several messages share.

use clearml_secure_core::account::Role;
use clearml_secure_core::setting::{Kind, Setting};
use clearml_secure_core::version::Version;

/// A variable's name, fit to be printed: as far as it is one. In `NAME:value` or `NAME=value` at the wrong place a
/// value is part of the name.
pub(crate) fn shown(name: &str) -> &str {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    name.split(|c| !is_name(c)).next().unwrap_or_default()
}

/// What a value is called in a sentence.
pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Key => "key",
        Kind::Secret => "secret",
    }
}

/// What is said of an account that is revoked.
pub(crate) const REVOKED: &str = "the server revokes the account as long as fixed users are enabled, so nobody gets in with it now";

/// What is said of a public key that belongs to a secret which is not public.
pub(crate) const HALF_PUBLIC: &str = "its secret is another, so nobody gets in with it alone";

/// What somebody who knows the pair of an account of a role can do (docs/clearml.md#secrets-in-clear).
pub(crate) fn power_of(role: Role) -> &'static str {
    match role {
        Role::System | Role::Root => {
            "anyone who knows key and secret logs in with role system and reads every other secret"
        }
        Role::Admin => "anyone who knows key and secret logs in as an administrator",
        Role::Superuser | Role::User => "anyone who knows key and secret logs in as a user",
        Role::Annotator | Role::Guest => "anyone who knows key and secret logs in as a guest",
    }
}

/// What somebody who knows a setting can do (docs/clearml.md#secrets-in-clear).
pub(crate) fn power(setting: Setting) -> &'static str {
    match setting.group() {
        "token_secret" => "anyone who knows it signs tokens of any user and role",
        "session_secret" => {
            "anyone who knows it can sign the API server's web sessions, which no release is known to use yet"
        }
        "tests" => power_of(Role::User),
        "services_agent" => power_of(Role::Admin),
        _ => power_of(Role::System),
    }
}

/// The release that a server is of. Images of `trains` without a release's tag are of its last line.
pub(crate) fn release(version: Option<Version>) -> String {
    version.map_or_else(
        || "a release of trains, 0.16 or before".to_owned(),
        |version| format!("version {version}"),
    )
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn and(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

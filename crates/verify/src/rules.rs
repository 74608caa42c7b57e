//! The rules: one file each, one line each in [`RULES`].
//!
//! A rule is pure: it looks at a [`Case`] and names what it finds. Its page in docs/rules.md is the comment on
//! top of its file.

mod broken_account;
mod broken_user;
mod cheap_hash;
mod cookie_mismatch;
mod database_password;
mod debug_console;
mod default_credential;
mod docker_socket;
mod drifted_container;
mod duplicate_user;
mod duplicate_variable;
mod exposed_database;
mod floating_image;
mod guest_login;
mod hash_as_password;
mod insecure_cookie;
mod kept_user;
mod locked_out_agent;
mod login_config_ignored;
mod lost_user;
mod malformed_password_hash;
mod misread_value;
mod missing_secret_key;
mod missing_setting;
mod old_fileserver;
mod open_cors;
mod open_fileserver;
mod open_login;
mod plain_http;
mod plaintext_password;
mod public_port;
mod published_credential;
mod raised_role;
mod readable_secret;
mod reused_secret;
mod secure_config_ignored;
mod shadowed_variable;
mod split_credential;
mod stack_trace;
mod storage_password;
mod tracked_secret;
mod unexpected_port;
mod unreachable_host;
mod unread_value;
mod unread_variable;
mod unreadable_config;
mod unset_variable;
mod unsupported_database;
mod unusable_cookie;
mod viewable_secret;
mod vulnerable_version;
mod weak_password;
mod weak_secret;

use clearml_secure_core::unseen::Unseen;

use crate::finding::{Draft, Finding};

pub(crate) use crate::case::Case;

/// A check of a deployment.
pub(crate) trait Rule: Sync {
    /// The name: of the file, the fixture folder and the section of docs/rules.md.
    fn id(&self) -> &'static str;
    /// Adds what it finds.
    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>);
    /// Adds what it cannot judge: what it is about may be so, and nothing here tells.
    fn doubt(&self, _: &Case<'_>, _: &mut Vec<Unseen>) {}
    /// What several of its findings that the same help fixes come to, in one sentence. Without one, people read what the
    /// rule is about.
    fn together(&self, _: &[&Finding]) -> Option<String> {
        None
    }
}

/// What the rules find that are asked.
pub(crate) fn check(case: &Case<'_>, is_asked: impl Fn(&str) -> bool) -> Vec<Finding> {
    let asked = RULES.iter().filter(|rule| is_asked(rule.id()));
    asked
        .flat_map(|rule| {
            let mut found = Vec::new();
            rule.check(case, &mut found);
            let found = found.into_iter();
            found.map(|draft| case.with_what_sets_it(draft).of(rule.id()))
        })
        .collect()
}

/// What the rules cannot judge.
pub(crate) fn doubts(case: &Case<'_>) -> Vec<Unseen> {
    let mut doubts = Vec::new();
    for rule in RULES {
        rule.doubt(case, &mut doubts);
    }
    doubts
}

/// Every rule.
pub(crate) static RULES: &[&dyn Rule] = &[
    &broken_account::BrokenAccount,
    &broken_user::BrokenUser,
    &cheap_hash::CheapHash,
    &cookie_mismatch::CookieMismatch,
    &database_password::DatabasePassword,
    &debug_console::DebugConsole,
    &default_credential::DefaultCredential,
    &docker_socket::DockerSocket,
    &drifted_container::DriftedContainer,
    &duplicate_user::DuplicateUser,
    &duplicate_variable::DuplicateVariable,
    &exposed_database::ExposedDatabase,
    &floating_image::FloatingImage,
    &guest_login::GuestLogin,
    &hash_as_password::HashAsPassword,
    &insecure_cookie::InsecureCookie,
    &kept_user::KeptUser,
    &locked_out_agent::LockedOutAgent,
    &login_config_ignored::LoginConfigIgnored,
    &lost_user::LostUser,
    &malformed_password_hash::MalformedPasswordHash,
    &misread_value::MisreadValue,
    &missing_secret_key::MissingSecretKey,
    &missing_setting::MissingSetting,
    &old_fileserver::OldFileserver,
    &open_cors::OpenCors,
    &open_fileserver::OpenFileserver,
    &open_login::OpenLogin,
    &plain_http::PlainHttp,
    &plaintext_password::PlaintextPassword,
    &public_port::PublicPort,
    &published_credential::PublishedCredential,
    &raised_role::RaisedRole,
    &readable_secret::ReadableSecret,
    &reused_secret::ReusedSecret,
    &secure_config_ignored::SecureConfigIgnored,
    &shadowed_variable::ShadowedVariable,
    &split_credential::SplitCredential,
    &stack_trace::StackTrace,
    &storage_password::StoragePassword,
    &tracked_secret::TrackedSecret,
    &unexpected_port::UnexpectedPort,
    &unreachable_host::UnreachableHost,
    &unread_value::UnreadValue,
    &unread_variable::UnreadVariable,
    &unreadable_config::UnreadableConfig,
    &unset_variable::UnsetVariable,
    &unsupported_database::UnsupportedDatabase,
    &unusable_cookie::UnusableCookie,
    &viewable_secret::ViewableSecret,
    &vulnerable_version::VulnerableVersion,
    &weak_password::WeakPassword,
    &weak_secret::WeakSecret,
];

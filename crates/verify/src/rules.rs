//! The rules: one file each, one line each in [`RULES`].
//!
//! A rule is pure: it looks at a [`Case`] and names what it finds. Its page in docs/rules.md is the comment on
//! top of its file.

mod cheap_hash;
mod cookie_mismatch;
mod database_password;
mod default_credential;
mod docker_socket;
mod duplicate_user;
mod exposed_database;
mod floating_image;
mod guest_login;
mod insecure_cookie;
mod login_config_ignored;
mod malformed_password_hash;
mod misread_value;
mod missing_setting;
mod old_fileserver;
mod open_cors;
mod open_fileserver;
mod open_login;
mod plain_http;
mod plaintext_password;
mod public_port;
mod published_credential;
mod readable_secret;
mod reused_secret;
mod shadowed_variable;
mod split_credential;
mod stack_trace;
mod tracked_secret;
mod unexpected_port;
mod unread_variable;
mod unreadable_config;
mod unset_variable;
mod unsupported_database;
mod vulnerable_version;
mod weak_password;
mod weak_secret;

use crate::finding::Finding;
use clearml_secure_core::setting::{Kind, SETTINGS, Setting};
use clearml_secure_core::version::Version;

pub(crate) use self::public_port::own_ports;
pub(crate) use crate::case::Case;
use crate::probes::PROBES;

/// A check of a deployment.
pub(crate) trait Rule: Sync {
    /// The name: of the file, the fixture folder and the section of docs/rules.md.
    fn id(&self) -> &'static str;
    /// Adds what it finds.
    fn check(&self, case: &Case<'_>, findings: &mut Vec<Finding>);
}

/// Every rule.
pub(crate) static RULES: &[&dyn Rule] = &[
    &cheap_hash::CheapHash,
    &cookie_mismatch::CookieMismatch,
    &database_password::DatabasePassword,
    &default_credential::DefaultCredential,
    &docker_socket::DockerSocket,
    &duplicate_user::DuplicateUser,
    &exposed_database::ExposedDatabase,
    &floating_image::FloatingImage,
    &guest_login::GuestLogin,
    &insecure_cookie::InsecureCookie,
    &login_config_ignored::LoginConfigIgnored,
    &malformed_password_hash::MalformedPasswordHash,
    &misread_value::MisreadValue,
    &missing_setting::MissingSetting,
    &old_fileserver::OldFileserver,
    &open_cors::OpenCors,
    &open_fileserver::OpenFileserver,
    &open_login::OpenLogin,
    &plain_http::PlainHttp,
    &plaintext_password::PlaintextPassword,
    &public_port::PublicPort,
    &published_credential::PublishedCredential,
    &readable_secret::ReadableSecret,
    &reused_secret::ReusedSecret,
    &shadowed_variable::ShadowedVariable,
    &split_credential::SplitCredential,
    &stack_trace::StackTrace,
    &tracked_secret::TrackedSecret,
    &unexpected_port::UnexpectedPort,
    &unread_variable::UnreadVariable,
    &unreadable_config::UnreadableConfig,
    &unset_variable::UnsetVariable,
    &unsupported_database::UnsupportedDatabase,
    &vulnerable_version::VulnerableVersion,
    &weak_password::WeakPassword,
    &weak_secret::WeakSecret,
];

/// The names of all rules and probes, sorted. A rule and a probe of one name look for the same thing in files and
/// on a running server.
pub(crate) fn ids() -> Vec<&'static str> {
    let rules = RULES.iter().map(|rule| rule.id());
    let mut ids: Vec<&str> = rules.chain(PROBES.iter().map(|probe| probe.id())).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// What there is to read about a rule, a probe, or both.
pub(crate) fn explain(id: &str) -> Option<String> {
    let pages: Vec<&str> = [section(RULE_PAGES, id), section(PROBE_PAGES, id)]
        .into_iter()
        .flatten()
        .collect();
    (!pages.is_empty()).then(|| pages.join("\n\n"))
}

const RULE_PAGES: &str = include_str!("../../../docs/rules.md");
const PROBE_PAGES: &str = include_str!("../../../docs/probes.md");

/// The section of docs/rules.md about a rule, or of docs/probes.md about a probe.
pub(crate) fn page(id: &str) -> Option<&'static str> {
    section(RULE_PAGES, id).or_else(|| section(PROBE_PAGES, id))
}

fn section(pages: &'static str, id: &str) -> Option<&'static str> {
    let start = pages.find(&format!("\n## {id}\n"))? + 1;
    let end = pages[start + 1..]
        .find("\n## ")
        .map_or(pages.len(), |end| start + 1 + end);
    Some(pages[start..end].trim_end())
}

/// The first sentence of a rule's page.
pub(crate) fn headline(id: &str) -> String {
    let first = page(id).and_then(|page| page.lines().skip(1).find(|line| !line.is_empty()));
    let mut text = first.unwrap_or(id).trim_end_matches('.').to_owned();
    if let Some(letter) = text.get_mut(..1) {
        letter.make_ascii_lowercase();
    }
    text
}

/// A variable's name, fit to be printed: as far as it is one. In `NAME:value` or `NAME=value` at the wrong place a
/// value is part of the name.
pub(crate) fn shown(name: &str) -> &str {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    name.split(|c| !is_name(c)).next().unwrap_or_default()
}

/// The other half of a key and secret pair; none for the signing secrets.
pub(crate) fn other_half(setting: Setting) -> Option<Setting> {
    setting.account()?;
    SETTINGS
        .into_iter()
        .find(|other| *other != setting && other.account() == setting.account())
}

/// What a value is called in a sentence.
pub(crate) fn kind_name(setting: Setting) -> &'static str {
    match setting.kind() {
        Kind::Key => "key",
        Kind::Secret => "secret",
    }
}

/// What is said of an account that is revoked.
pub(crate) const REVOKED: &str = "the server revokes the account as long as fixed users are enabled, so nobody gets in with it now";

/// What somebody who knows a setting can do (docs/clearml.md#secrets-in-clear).
pub(crate) fn power(setting: Setting) -> &'static str {
    match setting.group() {
        "token_secret" => "whoever knows it signs tokens of any user and role",
        "session_secret" => {
            "whoever knows it can sign the API server's web sessions, which no release is known to use yet"
        }
        "tests" => "whoever knows key and secret logs in as a user",
        "services_agent" => "whoever knows key and secret logs in as an administrator",
        _ => "whoever knows key and secret logs in with role system and reads every other secret",
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

/// The files of a folder of this package as names, sorted.
#[cfg(test)]
pub(crate) fn stems(folder: &str) -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut stems: Vec<String> = std::fs::read_dir(folder)
        .expect("a folder of the package")
        .filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.replace('_', "-")))
        .collect();
    stems.sort();
    stems
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One word is the file, the id, the fixture folder and the section.
    #[test]
    fn ids_are_file_names_fixtures_and_sections() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let files = stems("src/rules");
        let ids: Vec<&str> = RULES.iter().map(|rule| rule.id()).collect();
        assert_eq!(files, ids);
        for id in ids {
            assert!(
                root.join("../../tests/fixtures/rules").join(id).is_dir(),
                "{id}: no fixtures"
            );
            assert!(page(id).is_some(), "{id}: no section in docs/rules.md");
        }
    }
}

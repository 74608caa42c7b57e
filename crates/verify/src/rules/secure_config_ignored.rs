//! Keys and secrets are set where no server looks.
//!
//! **What**: a `.conf` file sets a setting below a path that no server reads: with an outer `secure { … }` in `secure.conf`,
//! whose name says that already, without its `auth`, or in a file of another name or folder. Or a file beside the deployment
//! looks like `secure.conf`, and no server loads it: it is called `secure.conf.txt`, or is in no folder that is mounted.
//!
//! **Why**: the values are there, so everybody takes the server for closed, and it runs with the image's public defaults.
//!
//! bad: tests/fixtures/rules/secure-config-ignored/bad.yml
//!
//! good: tests/fixtures/rules/secure-config-ignored/good.yml
//!
//! **Fix**: call the file `secure.conf`, put it directly into the folder that is mounted at `/opt/clearml/config`, and begin
//! with `auth` and `credentials`.
//!
//! **References**: docs/clearml.md#file-names-are-paths.

use std::collections::HashSet;
use std::ops::Range;

use clearml_secure_core::hocon::{Object, Value};
use clearml_secure_core::instance::ConfigFile;
use clearml_secure_core::setting::{SETTINGS, Server};
use clearml_secure_core::shown::{escape, escape_path};
use clearml_secure_core::source::Span;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// What it leaves open is `missing-setting`; this is why.
const SEVERITY: Severity = Severity::Warning;

/// Where servers look for all settings.
const ROOT: &str = "secure";

pub(crate) struct SecureConfigIgnored;

impl Rule for SecureConfigIgnored {
    fn id(&self) -> &'static str {
        "secure-config-ignored"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let mut seen = HashSet::new();
        for server in &case.effective.servers {
            let instance = &case.deployment.instances[server.instance];
            for file in &instance.config {
                let Ok(tree) = &file.tree else {
                    // `unreadable-config` says so.
                    continue;
                };
                let mut places = Vec::new();
                secrets(tree, &file.key, &mut places);
                let ignored = places
                    .into_iter()
                    .find(|place| !is_used(&instance.config, &file.key, place));
                let Some(Place { path, range, .. }) = ignored else {
                    continue;
                };
                let span = Span {
                    source: file.source,
                    start: range.start,
                    end: range.end,
                };
                if !seen.insert(span) {
                    continue;
                }
                let message = format!(
                    "{} ignores the keys and secrets in this file: it is loaded as {}, so they are at {}",
                    case.name(server),
                    escape(&file.key),
                    escape(&path)
                );
                let help = help(&file.key, &path);
                findings.push(case.finding(SEVERITY, server, message, help).at(span));
            }
        }
        let Some(server) = case.servers(Server::Apiserver).next() else {
            return;
        };
        for path in &case.files.stray_secrets {
            let message = format!(
                "{} ignores the keys and secrets in {}: it does not load the file",
                case.name(server),
                escape_path(path)
            );
            let help = "name the file secure.conf, and mount its folder at /opt/clearml/config";
            findings.push(case.finding(SEVERITY, server, message, help));
        }
    }
}

/// A key or a secret in a file.
struct Place {
    /// Its path in the configuration.
    path: String,
    /// Where it is.
    range: Range<usize>,
    /// What it is, where that is a text.
    text: Option<String>,
}

/// Every key and secret of a file, by the last steps of its path. A dash in front replaces instead of merging
/// (docs/clearml.md#a-dash-replaces).
fn secrets(object: &Object, at: &str, found: &mut Vec<Place>) {
    for (key, node) in object.iter() {
        let key = key.strip_prefix('-').unwrap_or(key);
        let path = format!("{at}.{key}");
        match &node.value {
            Value::Object(object) => secrets(object, &path, found),
            Value::Unknown(_) => {}
            value if is_secret(&path) => found.push(Place {
                path,
                range: node.span.clone(),
                text: value.as_text().map(|text| text.expose().to_owned()),
            }),
            _ => {}
        }
    }
}

/// Whether a path ends as that of a setting or of half an account's pair does, or as somebody writes it who does not know its
/// name: `token-secret`, `credentials.jane.secret`.
fn is_secret(path: &str) -> bool {
    let mut steps = path.rsplit('.');
    let last = steps.next().unwrap_or_default();
    let plain: String = last
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let of_account = |above: &str| ["credential", "credentials"].contains(&above);
    match plain.as_str() {
        "sessionsecret" | "tokensecret" | "userkey" | "usersecret" => true,
        "accesskey" | "key" | "secret" | "secretkey" => steps.nth(1).is_some_and(of_account),
        _ => steps.next() == Some("session_secret"),
    }
}

/// Whether a server looks there, or `secure.conf` itself has the same path or value: the file may be a part of it then.
fn is_used(files: &[ConfigFile], key: &str, place: &Place) -> bool {
    if is_read(&place.path) {
        return true;
    }
    let below = place.path.strip_prefix(key).unwrap_or_default();
    let below = below.strip_prefix('.').unwrap_or_default();
    let meant = below.strip_prefix("secure.").unwrap_or(below);
    files.iter().filter(|file| file.key == ROOT).any(|file| {
        let Ok(tree) = &file.tree else {
            return false;
        };
        let mut read = Vec::new();
        secrets(tree, ROOT, &mut read);
        let is_same = |other: &Place| {
            is_read(&other.path) && other.text.is_some() && other.text == place.text
        };
        (is_read(&format!("{ROOT}.{meant}")) && tree.get(meant).is_some())
            || read.iter().any(is_same)
    })
}

/// Whether a path is one at which a server looks: a setting, or half the pair of an account of whatever name.
fn is_read(path: &str) -> bool {
    let rest = path
        .strip_prefix(ROOT)
        .and_then(|rest| rest.strip_prefix('.'));
    let is_account = |rest: &str| {
        let (name, half) = rest.rsplit_once('.').unwrap_or_default();
        let name = name.strip_prefix("credentials.");
        // A name with a dot in it has quotes, as of a key that is one step.
        let is_step =
            |name: &str| !name.contains('.') || name.starts_with('"') && name.ends_with('"');
        ["user_key", "user_secret"].contains(&half) && name.is_some_and(is_step)
    };
    SETTINGS.iter().any(|setting| setting.path() == path) || rest.is_some_and(is_account)
}

/// What to do about a path that no server reads, in a file that is loaded as `key`.
fn help(key: &str, path: &str) -> &'static str {
    let below = path.strip_prefix(key).unwrap_or_default();
    match (below.starts_with(".secure."), key == ROOT) {
        (true, _) => "remove the outer `secure {` and its `}`, and name the file secure.conf",
        (false, true) => {
            "use the paths that servers read: auth.token_secret, credentials.NAME.user_key"
        }
        (false, false) => "name the file secure.conf, directly in the configuration folder",
    }
}

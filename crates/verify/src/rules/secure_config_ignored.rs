//! Keys and secrets are set where no server looks.
//!
//! **What**: a `.conf` file sets a setting below a path that no server reads: with an outer `secure { … }` in `secure.conf`,
//! whose name says that already, or in a file of another name or folder.
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

use clearml_secure_core::hocon::Object;
use clearml_secure_core::instance::ConfigFile;
use clearml_secure_core::setting::SETTINGS;
use clearml_secure_core::shown::escape;
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
        let mut seen = Vec::new();
        for server in &case.effective.servers {
            let instance = &case.deployment.instances[server.instance];
            for file in &instance.config {
                let Some((span, path, help)) = ignored(file, &instance.config) else {
                    continue;
                };
                if seen.contains(&span) {
                    continue;
                }
                seen.push(span);
                let message = format!(
                    "{} does not use the keys and secrets of this file: it is loaded as {}, so they are {}",
                    case.name(server),
                    escape(&file.key),
                    escape(&path)
                );
                findings.push(case.finding(SEVERITY, server, message, help).at(span));
            }
        }
    }
}

/// The first setting that a file sets below a path that nobody reads: where, which path, and what to do.
///
/// What `secure.conf` sets as well is none: it may include the other file, which is a part of it then.
fn ignored(file: &ConfigFile, all: &[ConfigFile]) -> Option<(Span, String, &'static str)> {
    let tree = file.tree.as_ref().ok()?;
    let at = |below: &str, help| {
        let node = tree
            .get(below)
            .filter(|node| node.value.unknown().is_none())?;
        let span = Span {
            source: file.source,
            start: node.span.start,
            end: node.span.end,
        };
        Some((span, format!("{}.{below}", file.key), help))
    };
    SETTINGS.iter().find_map(|setting| {
        let whole = setting.path();
        let below = whole.strip_prefix(ROOT)?.strip_prefix('.')?;
        let has = |tree: &Object| tree.get(below).is_some();
        let sets = |other: &ConfigFile| other.key == ROOT && other.tree.as_ref().is_ok_and(has);
        if all.iter().any(sets) {
            return None;
        }
        let outer = at(
            whole,
            "remove the outer `secure {` and its `}`, and call the file secure.conf",
        );
        let named = || {
            at(
                below,
                "call the file secure.conf, directly in the configuration folder",
            )
        };
        outer.or_else(named)
    })
}

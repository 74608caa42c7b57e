//! Users of the web login are defined where no server looks.
//!
//! **What**: a `.conf` file defines `fixed_users`, and the API server does not use them: the file is loaded as
//! another key because of its name or folder, a variable overrides it, or no server loads it at all.
//!
//! **Why**: the configuration is there, so the login looks closed, but anyone can log in.
//!
//! bad: tests/fixtures/rules/login-config-ignored/bad.yml
//!
//! good: tests/fixtures/rules/login-config-ignored/good.yml
//!
//! **Fix**: call the file `apiserver.conf`, put it directly into the folder that is mounted at
//! `/opt/clearml/config`, and let no variable set the same.
//!
//! **References**: docs/clearml.md#file-names-are-paths; ClearML's public issue clearml#1421.

use std::collections::HashSet;

use clearml_secure_core::effective::Layer;
use clearml_secure_core::fixed_users::PATH;
use clearml_secure_core::hocon::{Object, Value};
use clearml_secure_core::setting::Server;
use clearml_secure_core::shown::{escape, escape_path};
use clearml_secure_core::source::Span;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// What it leaves open is `open-login`; this is why.
const SEVERITY: Severity = Severity::Warning;

/// Where the API server looks for users and for guests (docs/clearml.md#fixed-users), and what it reads there.
const READ: [(&str, &[&str]); 2] = [
    (PATH, &["enabled", "users"]),
    ("services.auth.fixed_users", &["guest.enabled"]),
];

pub(crate) struct LoginConfigIgnored;

impl Rule for LoginConfigIgnored {
    fn id(&self) -> &'static str {
        "login-config-ignored"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let mut seen = HashSet::new();
        for server in case.servers(Server::Apiserver) {
            let instance = &case.deployment.instances[server.instance];
            for file in &instance.config {
                let Ok(tree) = &file.tree else {
                    // `unreadable-config` says so.
                    continue;
                };
                let mut places = Vec::new();
                fixed_users(tree, &file.key, &mut places);
                for (path, range) in places {
                    let span = Span {
                        source: file.source,
                        start: range.start,
                        end: range.end,
                    };
                    let read = READ.iter().find(|(read, _)| *read == path);
                    let why = if let Some((_, names)) = read {
                        let overridden = names.iter().find(|name| {
                            let own = tree_at(tree, &file.key, &format!("{path}.{name}"));
                            let layer = server.layer(case.deployment, &format!("{path}.{name}"));
                            own && matches!(layer, Some(Layer::Variable(_)))
                        });
                        let Some(name) = overridden else {
                            continue;
                        };
                        format!("a variable overrides {path}.{name}")
                    } else {
                        format!(
                            "the file is loaded as {}, so they are at {path}",
                            escape(&file.key)
                        )
                    };
                    if !seen.insert(span) {
                        continue;
                    }
                    let message = format!(
                        "{} ignores the web-login users in this file: {why}",
                        case.name(server)
                    );
                    let help =
                        "define them only in apiserver.conf, directly in the configuration folder";
                    findings.push(case.finding(SEVERITY, server, message, help).at(span));
                }
            }
        }
        let Some(server) = case.servers(Server::Apiserver).next() else {
            return;
        };
        for path in &case.files.stray_logins {
            let message = format!(
                "{} ignores the web-login users in {}: it does not load the file",
                case.name(server),
                escape_path(path)
            );
            let help = "name the file apiserver.conf, and mount its folder at /opt/clearml/config";
            findings.push(case.finding(SEVERITY, server, message, help));
        }
    }
}

/// Whether a file that is loaded as `key` sets a path.
fn tree_at(tree: &Object, key: &str, path: &str) -> bool {
    let below = path
        .strip_prefix(key)
        .and_then(|rest| rest.strip_prefix('.'));
    below.is_some_and(|below| tree.get(below).is_some())
}

/// Every object that is called `fixed_users`, with its path in the configuration. A dash in front replaces instead
/// of merging (docs/clearml.md#a-dash-replaces).
fn fixed_users(object: &Object, at: &str, found: &mut Vec<(String, std::ops::Range<usize>)>) {
    for (key, node) in object.iter() {
        let key = key.strip_prefix('-').unwrap_or(key);
        let path = format!("{at}.{key}");
        if key == "fixed_users" {
            found.push((path, node.span.clone()));
        } else if let Value::Object(object) = &node.value {
            fixed_users(object, &path, found);
        }
    }
}

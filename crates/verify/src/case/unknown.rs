//! Paths that open something and are not known.

use clearml_secure_core::container::{Variable, VariableValue};
use clearml_secure_core::effective::{self, Configured, Reading, ServerConfiguration};
use clearml_secure_core::hocon::Value;
use clearml_secure_core::opening::{self, Reads};
use clearml_secure_core::setting::Setting;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Span;
use clearml_secure_core::unseen::{Hides, Unseen};

use super::Case;
use crate::case::origins;
use crate::words::and;

/// A path that is not known: why, and where that is.
struct Untold {
    path: String,
    reason: String,
    span: Span,
}

impl Case<'_> {
    /// The paths of the list that are not known at a server, one entry a reason.
    pub(super) fn unknown_paths(&self, server: &ServerConfiguration) -> Vec<Unseen> {
        let instance = &self.deployment.instances[server.instance];
        let version = instance.known_version();
        let mut untold = Vec::new();
        for entry in opening::all() {
            if !entry.is_read_by(server.server, version) {
                continue;
            }
            self.untold_at(server, entry.path, &mut untold);
            if entry.reads == Reads::Origins
                && let Configured::Value(value, span) =
                    server.configured(self.deployment, entry.path)
                && let Some(reason) = origins::undecided(value)
            {
                untold.push(Untold {
                    path: entry.path.to_owned(),
                    reason: reason.to_owned(),
                    span,
                });
            }
        }
        // What is in a tree of settings is said with that.
        let trees = server.readings.iter().filter_map(|one| self.tree_of(one));
        let trees: Vec<(String, Span)> = trees.map(|(path, one)| (path, one.span)).collect();
        untold.retain(|one| !self.is_said(server, &one.reason));
        untold.retain(|one| {
            let is_in = |(path, span): &(String, Span)| *span == one.span && is_at(&one.path, path);
            !trees.iter().any(is_in)
        });
        let name = self.named(instance);
        let unseen = |(paths, first): (Vec<&str>, &Untold)| Unseen {
            what: format!("{} at {name}", and(&paths)),
            hides: Hides::Anything,
            reason: first.reason.clone(),
            service: None,
            span: Some(first.span),
        };
        by_reason(&untold).into_iter().map(unseen).collect()
    }

    /// The settings that are not known at a server.
    pub(super) fn unknown_settings(&self, server: &ServerConfiguration) -> Vec<Unseen> {
        let unseen = |reading: &Reading| {
            let effective::Value::Unknown(reason) = &reading.value else {
                return None;
            };
            if self.is_said(server, reason) {
                return None;
            }
            let variable = reading.variable(self.deployment);
            let key = match variable.map(|variable| &variable.value) {
                Some(VariableValue::Elsewhere(elsewhere)) => {
                    format!(" (key {})", escape(&elsewhere.key))
                }
                _ => String::new(),
            };
            let tree = self.tree_of(reading).map(|(path, _)| path);
            let path = tree.as_deref().unwrap_or(reading.setting.path());
            Some(Unseen {
                what: format!("{path} at {}{key}", reading.server),
                hides: Hides::Anything,
                reason: reason.clone(),
                service: None,
                span: Some(self.span(reading)),
            })
        };
        server.readings.iter().filter_map(unseen).collect()
    }

    /// Whether a place that nobody can see is the reason: it is said once, with all that it may set.
    fn is_said(&self, server: &ServerConfiguration, reason: &str) -> bool {
        let instance = &self.deployment.instances[server.instance];
        let name = &self.deployment.service(instance).name;
        self.deployment.unseen.iter().any(|one| {
            one.hides.variables() && one.service.as_ref() == Some(name) && one.reason == reason
        })
    }

    /// The variable that sets, or may set, all above a setting, and its path.
    fn tree_of(&self, reading: &Reading) -> Option<(String, &Variable)> {
        let variable = reading.variable(self.deployment)?;
        let path = self.deployment.instances[reading.instance].path_of(variable)?;
        let setting = reading.setting.path();
        (setting != path && is_at(setting, &path)).then_some((path, variable))
    }

    /// What is not known at a path or below it; of settings, the readings say so.
    fn untold_at(&self, server: &ServerConfiguration, path: &str, untold: &mut Vec<Untold>) {
        let setting = Setting::by_path(path);
        if setting.is_some_and(|setting| server.readings.iter().any(|one| one.setting == setting)) {
            return;
        }
        let object = match server.tree.get(path).map(|node| &node.value) {
            Some(Value::Object(object)) => Some(object),
            _ => None,
        };
        let found = match object {
            Some(_) => server.rest(self.deployment, path),
            None => match server.configured(self.deployment, path) {
                Configured::Not => None,
                Configured::Unknown(reason, span) => Some((reason, span)),
                Configured::Value(value, span) => value.unknown().map(|reason| (reason, span)),
            },
        };
        let here = untold.len();
        untold.extend(found.map(|(reason, span)| Untold {
            path: path.to_owned(),
            reason: reason.to_owned(),
            span,
        }));
        for (key, _) in object.into_iter().flat_map(|object| object.iter()) {
            let mut below = Vec::new();
            self.untold_at(server, &format!("{path}.{key}"), &mut below);
            // What is not known for the reason of what is above it is said with that.
            let is_said = |one: &Untold| {
                let known = untold.get(here);
                known.is_some_and(|known| (&known.reason, known.span) == (&one.reason, one.span))
            };
            below.retain(|one| !is_said(one));
            untold.extend(below);
        }
    }
}

/// Whether a path is another one, or below it.
fn is_at(path: &str, other: &str) -> bool {
    let rest = path.strip_prefix(other);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn by_reason(untold: &[Untold]) -> Vec<(Vec<&str>, &Untold)> {
    let mut found: Vec<(Vec<&str>, &Untold)> = Vec::new();
    for one in untold {
        let alike = |(_, first): &&mut (Vec<&str>, &Untold)| {
            (&first.reason, first.span) == (&one.reason, one.span)
        };
        match found.iter_mut().find(alike) {
            // What is below a path of the list may be another path of it.
            Some((paths, _)) if paths.contains(&one.path.as_str()) => {}
            Some((paths, _)) => paths.push(&one.path),
            None => found.push((vec![&one.path], one)),
        }
    }
    found
}

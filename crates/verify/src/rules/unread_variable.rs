//! A variable that looks like configuration, and that no server reads.
//!
//! **What**: a name that starts like ClearML's configuration variables but names no path that a server knows, has
//! the wrong prefix, or is set only at a server that does not read it.
//!
//! **Why**: servers say nothing about names they do not know. Anyone who wrote it believes the secret is set, and the
//! default is live.
//!
//! bad: tests/fixtures/rules/unread-variable/bad.yml
//!
//! good: tests/fixtures/rules/unread-variable/good.yml
//!
//! **Fix**: use the name that the finding gives, or run clearml-inject and remove the variable.
//!
//! **References**: docs/clearml.md#variable-names; the public configuration files of clearml-server.

use std::collections::HashSet;

use clearml_secure_core::container::Variable;
use clearml_secure_core::deployment::has_official_image;
use clearml_secure_core::effective::Reading;
use clearml_secure_core::instance::{Family, Instance};
use clearml_secure_core::setting::{Server, Setting};

use super::{Case, Rule, broken_account};
use crate::case::unread;
use crate::finding::{Draft, Severity};
use crate::words::shown;

/// By itself it opens nothing; what is missing because of it is a finding of its own.
const SEVERITY: Severity = Severity::Warning;

pub(crate) struct UnreadVariable;

impl Rule for UnreadVariable {
    fn id(&self) -> &'static str {
        "unread-variable"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let mut seen = HashSet::new();
        for instance in &case.deployment.instances {
            for variable in &case.deployment.service(instance).environment {
                if seen.contains(&variable.span) {
                    continue;
                }
                let Some((message, help)) = unread(case, instance, variable) else {
                    continue;
                };
                seen.insert(variable.span);
                findings.push(
                    Draft::new(SEVERITY, message, help)
                        .server(instance.server)
                        .at(variable.span),
                );
            }
        }
    }
}

fn unread(case: &Case<'_>, instance: &Instance, variable: &Variable) -> Option<(String, String)> {
    let name = variable.name.as_str();
    if let Some(setting) = Setting::by_variable(name) {
        return by_none(case, instance, name, setting);
    }
    if instance.server == Server::AgentServices {
        // The agent has configuration variables of its own.
        return None;
    }
    if Setting::by_variable(name.trim()).is_some() {
        return Some((
            format!(
                "no server reads {}: a space at the end is part of the name",
                name.trim()
            ),
            "write NAME=value without spaces".to_owned(),
        ));
    }
    let unread = unread::unread(name)?;
    // It makes an account that ends the set-up: `broken-account` says so.
    if broken_account::is_said(case, instance, variable) {
        return None;
    }
    // `NAME:value` as a name sets NAME all the same, and `misread-value` says to what.
    let sets = |reading: &Reading| {
        let found = reading.variable(case.deployment);
        found.is_some_and(|found| found.span == variable.span)
    };
    if case.effective.readings().any(sets) {
        return None;
    }
    let shown = shown(name);
    let message = if shown == name {
        format!("no server reads {shown}")
    } else {
        format!(
            "no server reads the variable that starts with {shown}: its name continues where the value should start"
        )
    };
    let help = match unread.nearest {
        Some(nearest) => {
            let nearest = match instance.family {
                Family::Clearml => nearest,
                Family::Trains => nearest.replacen("CLEARML__", "TRAINS__", 1),
            };
            format!("did you mean {nearest}? Otherwise remove the variable")
        }
        // An image of somebody's own may read it.
        None if !has_official_image(case.deployment.service(instance)) => return None,
        None => "remove the variable".to_owned(),
    };
    Some((message, help))
}

/// A variable of a setting that no server of the deployment reads.
fn by_none(
    case: &Case<'_>,
    instance: &Instance,
    name: &str,
    setting: Setting,
) -> Option<(String, String)> {
    if instance.family == Family::Trains && name.starts_with("CLEARML__") {
        let message = format!(
            "no server of this deployment reads {name}: images of trains read TRAINS__ names"
        );
        return Some((message, format!("write {}", instance.variable(setting))));
    }
    if instance.reads(setting) && instance.server.reads_configuration()
        || is_read_elsewhere(case, setting)
    {
        return None;
    }
    if setting.servers().contains(&instance.server) && instance.server.reads_configuration() {
        let message = format!(
            "{} does not read {name}: its version has no such setting",
            case.named(instance)
        );
        return Some((message, "remove the line, or upgrade".to_owned()));
    }
    let readers: Vec<&str> = setting
        .servers()
        .iter()
        .filter(|server| server.reads_configuration())
        .map(|server| server.name())
        .collect();
    let message = format!(
        "{} does not read {name}, and no server that reads it has it",
        case.named(instance)
    );
    Some((
        message,
        format!("give it to {}", crate::words::and(&readers)),
    ))
}

fn is_read_elsewhere(case: &Case<'_>, setting: Setting) -> bool {
    case.deployment.instances.iter().any(|instance| {
        instance.reads(setting)
            && !instance
                .spellings(setting, &case.deployment.service(instance).environment)
                .is_empty()
    })
}

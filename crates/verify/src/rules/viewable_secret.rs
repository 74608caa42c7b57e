//! A secret is where everyone who may look at a namespace can read it.
//!
//! **What**: in Kubernetes, a secret of a server or the password of a user is written as `value:` in a workload, or is in a
//! ConfigMap, in the header of a probe, or in an Application, a HelmRelease or a HelmChart with the values of the chart.
//!
//! **Why**: the role `view`, which people get to look at workloads and logs, can read both, and cannot read Secrets. So can
//! everything that copies manifests: dashboards, backups, pipelines.
//!
//! bad: tests/fixtures/rules/viewable-secret/bad.yml
//!
//! good: tests/fixtures/rules/viewable-secret/good.yml
//!
//! **Fix**: move the value to a Secret, and take it from there with `secretKeyRef`; a whole file is mounted from one.
//! `clearml-keygen -f kubernetes` prints both. What somebody may have read needs a new value.
//!
//! **References**: Kubernetes, "Using RBAC Authorization", user-facing roles; docs/clearml.md#kubernetes.

use std::ops::Range;

use clearml_secure_core::container::{Origin as From, Variable};
use clearml_secure_core::effective::{Origin, Reading};
use clearml_secure_core::placeholder;
use clearml_secure_core::public;
use clearml_secure_core::setting::Kind;
use clearml_secure_core::source::{SourceId, Span};

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// Somebody has to be let into the cluster first.
const SEVERITY: Severity = Severity::Warning;

const HELP: &str = "move it to a Secret (clearml-keygen -f kubernetes), take it from there with secretKeyRef, and give it a new value";
/// The same of a whole file, which no variable takes.
const OF_A_FILE: &str = "move the file to a Secret, mount that in place of the ConfigMap (in the chart's values, existingAdditionalConfigsSecret), and change what was in it";

pub(crate) struct ViewableSecret;

impl Rule for ViewableSecret {
    fn id(&self) -> &'static str {
        "viewable-secret"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        if case.deployment.manifests.is_none() {
            return;
        }
        for reading in case.effective.readings() {
            let is_secret = reading.setting.kind() == Kind::Secret;
            let text = reading.value.text().filter(|_| is_secret);
            let is_own = text.is_some_and(|text| {
                let text = text.expose();
                public::of(text).is_none() && !placeholder::is_placeholder(text)
            });
            if let Some((what, help)) = is_own.then(|| place(case, reading)).flatten() {
                let why = format!("it is in {what}, and not in a Secret");
                findings.push(viewable(case, reading, &why, help).at(case.span(reading)));
            }
        }
        of_probes(case, findings);
        for login in case.fixed_users() {
            let mut users = login.users.users.iter();
            let Some(user) = users.find(|user| user.password.is_some()) else {
                continue;
            };
            if let Some((what, help)) = place_of(case, login.server.instance, user.span) {
                let message = format!(
                    "everyone with the role `view` in the namespace can read the passwords of users, or their hashes: they are in {what}, and not in a Secret"
                );
                findings.push(
                    case.finding(SEVERITY, login.server, message, help)
                        .at(user.span),
                );
            }
        }
    }
}

/// What a probe sends is written in the workload, wherever else it is.
fn of_probes(case: &Case<'_>, findings: &mut Vec<Draft>) {
    const HELP: &str = "give the probe another password, in the chart's values readinessprobeSecret, and the setting a new value; no account needs the probe's";
    let pods = case.deployment.containers.iter();
    let pods = pods.filter_map(|container| container.pod.as_ref());
    let sent: Vec<_> = pods.flat_map(|pod| &pod.probed).collect();
    for reading in case.effective.readings() {
        if reading.setting.kind() != Kind::Secret {
            continue;
        }
        let Some(own) = reading
            .value
            .text()
            .filter(|text| public::of(text.expose()).is_none())
        else {
            continue;
        };
        let Some((_, span)) = sent.iter().find(|(password, _)| password == own) else {
            continue;
        };
        let why = "a probe sends it, so it is in the workload, too";
        findings.push(viewable(case, reading, why, HELP).at(*span));
    }
}

/// A finding about the value of a setting.
fn viewable(case: &Case<'_>, reading: &Reading, why: &str, help: &str) -> Draft {
    let message = format!(
        "everyone with the role `view` in the namespace can read {} of {}: {why}",
        reading.setting,
        case.server(reading)
    );
    Draft::new(SEVERITY, message, help)
        .setting(reading.setting)
        .server(reading.server)
}

/// What the value of a reading is in, if that is no Secret, and what to do.
fn place(case: &Case<'_>, reading: &Reading) -> Option<(&'static str, &'static str)> {
    match reading.origin {
        Origin::Variable(_) => {
            let variable = reading.variable(case.deployment)?;
            let place = of_origin(variable.origin).or_else(|| of_values(case, variable));
            place.map(|place| (place, HELP))
        }
        Origin::File(span) => of_file(case, span),
        Origin::BuiltIn(_) | Origin::Nothing => None,
    }
}

/// The same of a place in a server's configuration.
fn place_of(case: &Case<'_>, instance: usize, span: Span) -> Option<(&'static str, &'static str)> {
    let instance = &case.deployment.instances[instance];
    let mut variables = case.deployment.service(instance).environment.iter();
    let variable = variables.find(|variable| variable.span == span);
    match variable {
        Some(variable) => of_origin(variable.origin).map(|place| (place, HELP)),
        None => of_file(case, span),
    }
}

fn of_origin(origin: From) -> Option<&'static str> {
    match origin {
        From::ConfigMap => Some("a ConfigMap"),
        From::Environment => Some("the workload itself"),
        From::Command | From::EnvFile | From::Image | From::Secret => None,
    }
}

/// The same of a value of a chart that becomes a Secret: what installs the chart has it in clear.
fn of_values(case: &Case<'_>, variable: &Variable) -> Option<&'static str> {
    let values = case.deployment.manifests.as_ref()?.values.as_ref()?;
    let inside = values.inside.as_deref()?;
    let span = variable.value_span;
    let is_in =
        |part: &(SourceId, Range<usize>)| part.0 == span.source && part.1.contains(&span.start);
    let is_written = variable.written_length > 0 && span.start < span.end;
    (is_written && values.parts.iter().any(is_in)).then_some(match inside {
        "Application" => "the Application",
        "HelmRelease" => "the HelmRelease",
        _ => "the HelmChart",
    })
}

fn of_file(case: &Case<'_>, span: Span) -> Option<(&'static str, &'static str)> {
    let within = case.deployment.sources.within(span.source)?;
    (!within.is_secret).then_some(("a ConfigMap", OF_A_FILE))
}

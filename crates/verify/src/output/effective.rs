//! The effective configuration: what every server reads, from where, and in what state. Never a value.

mod openings;

use clearml_secure_core::compose::interpolate::Outcome;
use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::effective::{Origin, Reading, Value};
use clearml_secure_core::source::Place;
use clearml_secure_core::strength::weakness;
use clearml_secure_core::{placeholder, public};
use serde_json::{Value as Json, json};

use super::json::{place, unknown};
use super::text::{Look, not_checked};
use crate::described::Described;
use crate::report::{Report, Subject};

/// For people.
pub(super) fn text(reports: &[Report], is_all: bool, look: Look) -> String {
    let mut out = String::new();
    for report in reports {
        if let Subject::Nothing(_) = report.subject {
            continue;
        }
        let head = ["SETTING", "SERVER", "STATE", "ORIGIN"];
        let mut rows = vec![head.map(str::to_owned)];
        for (deployment, reading) in report.readings() {
            rows.push([
                reading.setting.path().to_owned(),
                reading.server.name().to_owned(),
                state(reading).to_owned(),
                origin(deployment, reading),
            ]);
        }
        let openings = report.deployment().filter(|_| is_all);
        for opening in openings
            .into_iter()
            .flat_map(|(described, effective)| openings::of(described, effective))
        {
            rows.push(opening.row());
        }
        let width = |column: usize| {
            rows.iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or_default()
        };
        let widths = [width(0), width(1), width(2)];
        for [setting, server, state, origin] in &rows {
            let [a, b, c] = widths;
            out.push_str(&format!(
                "{setting:a$}  {server:b$}  {state:c$}  {origin}\n"
            ));
        }
    }
    out.push_str(&not_checked(reports, look.width).concat());
    out
}

/// For programs.
pub(super) fn json(reports: &[Report], is_all: bool) -> String {
    let mut effective = Vec::new();
    let mut openings: Vec<Json> = Vec::new();
    for report in reports {
        for (deployment, reading) in report.readings() {
            let instance = &deployment.instances[reading.instance];
            let mut entry = json!({
                "setting": reading.setting.path(),
                "server": reading.server.name(),
                "service": deployment.service(instance).name,
                "origin": origin_kind(deployment, reading),
                "state": state(reading),
            });
            if let Some(variable) = reading.variable(deployment) {
                entry["variable"] = crate::words::shown(&variable.name).into();
            }
            if !matches!(reading.origin, Origin::BuiltIn(_) | Origin::Nothing) {
                entry["place"] = place(&deployment.sources.place(reading.span(deployment)));
            }
            let from = interpolated(deployment, reading);
            if !from.is_empty() {
                let from = from
                    .into_iter()
                    .map(|(name, at)| json!({"variable": name, "place": place(&at)}));
                entry["from"] = from.collect();
            }
            effective.push(entry);
        }
        if let Some((described, effective)) = report.deployment().filter(|_| is_all) {
            let of_report = openings::of(described, effective);
            openings.extend(of_report.iter().map(openings::Opening::json));
        }
    }
    let mut document = json!({
        "version": 1,
        "tool": {"name": "clearml-verify", "version": env!("CARGO_PKG_VERSION")},
        "effective": effective,
        "unknown": unknown(reports),
    });
    if is_all {
        document["paths"] = openings.into();
    }
    format!("{document:#}\n")
}

/// The variables of env files that a value is made from, each with its line.
fn interpolated(deployment: &Described, reading: &Reading) -> Vec<(String, Place)> {
    let (Some(project), Some(variable)) = (&deployment.project, reading.variable(deployment))
    else {
        return Vec::new();
    };
    let used = variable.interpolated.iter();
    let used = used.filter(|used| used.outcome == Outcome::Value);
    let mut names: Vec<&str> = used.map(|used| used.name.as_str()).collect();
    if variable.value_span.start == variable.value_span.end {
        // Named without a value.
        names.push(&variable.name);
    }
    let value = variable.value.known().map(|value| value.expose());
    // A file that is included may have another env file, which has another value.
    let is_in = |name: &&str| {
        let part = project.env().value(name);
        part.zip(value)
            .is_some_and(|(part, whole)| whole.contains(part))
    };
    let place = |name: &str| {
        let span = project.env().span(name)?;
        Some((
            crate::words::shown(name).to_owned(),
            deployment.sources.place(span),
        ))
    };
    names.into_iter().filter(is_in).filter_map(place).collect()
}

/// What can be said of a value without showing it.
pub(super) fn state(reading: &Reading) -> &'static str {
    let text = match &reading.value {
        Value::Absent => return "absent",
        Value::Empty => return "empty",
        Value::Deadly | Value::NotText(_) => return "misread",
        Value::Unknown(_) => return "unknown",
        Value::Text(text) => text.expose(),
    };
    match () {
        () if placeholder::is_placeholder(text) => "placeholder",
        () if public::of(text).is_some() => "default",
        () if !reading.hazards.is_empty() => "misread",
        () if weakness(text, reading.setting.kind()).is_some() => "weak",
        () => "yours",
    }
}

pub(super) fn origin(deployment: &Described, reading: &Reading) -> String {
    let place = || deployment.sources.place(reading.span(deployment));
    match reading.origin {
        Origin::BuiltIn(_) => "the image's default".to_owned(),
        Origin::Nothing => "nothing".to_owned(),
        Origin::File(_) => place().to_string(),
        Origin::Variable(_) => {
            let name = reading
                .variable(deployment)
                .map(|variable| crate::words::shown(&variable.name).to_owned());
            let from = interpolated(deployment, reading);
            let from = from.iter().map(|(name, at)| format!(", {name} at {at}"));
            let from: String = from.collect();
            format!("{} ({}){from}", place(), name.unwrap_or_default())
        }
    }
}

fn origin_kind(deployment: &Deployment, reading: &Reading) -> &'static str {
    use clearml_secure_core::container::Origin as From;
    match reading.origin {
        Origin::BuiltIn(_) => "image",
        Origin::File(_) => "file",
        Origin::Nothing => "nothing",
        Origin::Variable(_) => match reading.variable(deployment).map(|variable| variable.origin) {
            Some(From::EnvFile) => "env_file",
            _ => "environment",
        },
    }
}

//! The effective configuration: what every server reads, from where, and in what state. Never a value.

use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::effective::{Origin, Reading, Value};
use clearml_secure_core::strength::weakness;
use clearml_secure_core::{placeholder, public};
use serde_json::json;

use super::json::{place, unknown};
use super::text::{Look, not_checked};
use crate::report::{Report, Subject};

/// For people.
pub(super) fn text(reports: &[Report], look: Look) -> String {
    let mut out = String::new();
    for report in reports {
        if let Subject::Nothing(_) = report.subject {
            continue;
        }
        let mut rows = vec![[
            "SETTING".to_owned(),
            "SERVER".to_owned(),
            "STATE".to_owned(),
            "ORIGIN".to_owned(),
        ]];
        for (deployment, reading) in report.readings() {
            rows.push([
                reading.setting.path().to_owned(),
                reading.server.name().to_owned(),
                state(reading).to_owned(),
                origin(deployment, reading),
            ]);
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
pub(super) fn json(reports: &[Report]) -> String {
    let mut effective = Vec::new();
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
            effective.push(entry);
        }
    }
    let document = json!({"version": 1, "effective": effective, "unknown": unknown(reports)});
    format!("{document:#}\n")
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

pub(super) fn origin(deployment: &Deployment, reading: &Reading) -> String {
    let place = || deployment.sources.place(reading.span(deployment));
    match reading.origin {
        Origin::BuiltIn(_) => "the image's default".to_owned(),
        Origin::Nothing => "nothing".to_owned(),
        Origin::File(_) => place().to_string(),
        Origin::Variable(_) => {
            let name = reading
                .variable(deployment)
                .map(|variable| crate::words::shown(&variable.name).to_owned());
            format!("{} ({})", place(), name.unwrap_or_default())
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

//! What every server reads, from where, and in what state. Never a value.

use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::effective::{Effective, Origin, Reading, Value};
use clearml_secure_core::setting::{Server, Setting};
use clearml_secure_core::source::Place;
use clearml_secure_core::strength::weakness;
use clearml_secure_core::{placeholder, public};

use crate::report::described::Described;
use crate::report::openings::{self, Opening};

/// What the servers of a deployment read.
#[derive(Default)]
pub(crate) struct Readout {
    pub(crate) readings: Vec<Read>,
    /// Every other path that can open a server, where those were asked for.
    pub(crate) openings: Vec<Opening>,
}

/// What a server reads for a setting.
pub(crate) struct Read {
    pub(crate) setting: Setting,
    pub(crate) server: Server,
    /// The server's place among the instances.
    pub(crate) instance: usize,
    pub(crate) service: String,
    /// What can be said of the value without showing it.
    pub(crate) state: &'static str,
    /// For people.
    pub(crate) origin: String,
    /// For programs.
    pub(crate) origin_kind: &'static str,
    pub(crate) variable: Option<String>,
    pub(crate) place: Option<Place>,
    /// The variables of env files that the value is made from, each with its line.
    pub(crate) from: Vec<(String, Place)>,
}

impl Readout {
    /// Of a deployment; with all that can open a server, if that is asked for.
    pub(crate) fn of(deployment: &Described, effective: &Effective, is_all: bool) -> Self {
        Self {
            readings: effective
                .readings()
                .map(|reading| Read::of(deployment, reading))
                .collect(),
            openings: match is_all {
                true => openings::of(deployment, effective),
                false => Vec::new(),
            },
        }
    }
}

impl Read {
    fn of(deployment: &Described, reading: &Reading) -> Self {
        let instance = &deployment.instances[reading.instance];
        let variable = reading.variable(deployment);
        let is_written = !matches!(reading.origin, Origin::BuiltIn(_) | Origin::Nothing);
        Self {
            setting: reading.setting,
            server: reading.server,
            instance: reading.instance,
            service: deployment.service(instance).name.clone(),
            state: state(reading),
            origin: origin(deployment, reading),
            origin_kind: origin_kind(deployment, reading),
            variable: variable.map(|variable| crate::words::shown(&variable.name).to_owned()),
            place: is_written.then(|| deployment.sources.place(reading.span(deployment))),
            from: interpolated(deployment, reading),
        }
    }
}

/// The variables of env files that a value is made from, each with its line.
fn interpolated(deployment: &Described, reading: &Reading) -> Vec<(String, Place)> {
    let (Some(project), Some(variable)) = (&deployment.project, reading.variable(deployment))
    else {
        return Vec::new();
    };
    let made = project.env().makes(variable);
    let place = |(name, span)| {
        let name = crate::words::shown(name).to_owned();
        (name, deployment.sources.place(span))
    };
    made.map(place).collect()
}

/// What can be said of a value without showing it.
fn state(reading: &Reading) -> &'static str {
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

fn origin(deployment: &Described, reading: &Reading) -> String {
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

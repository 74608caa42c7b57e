//! Part 1: every setting is, at every server that must read it, exactly the keyset's value in the effective configuration.

use std::collections::HashSet;
use std::ops::Range;

use clearml_secure_core::container::{self, Variable, VariableValue};
use clearml_secure_core::deployment::{Composed, OF_THE_CONTAINER};
use clearml_secure_core::effective::{Effective, Hazard, Origin, Reading, Value};
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::secret::Secret;
use clearml_secure_core::shown::{and, escape};
use clearml_secure_core::source::Span;
use clearml_secure_core::yaml::Clears;

use super::Broken;
use super::places::Places;
use super::servers::Servers;
use crate::plan::Plan;
use crate::refusal::Refusal;

/// Asks every server.
pub(super) fn check(places: &Places<'_>, plan: &Plan, keyset: &Keyset) -> Result<(), Broken> {
    let deployment = places.deployment;
    fits_the_schema(places)?;
    let effective = Effective::of(deployment);
    let servers = Servers {
        deployment,
        effective: &effective,
        place: &|span| places.of(span),
    };
    servers.start()?;
    let mut misread = Vec::new();
    for reading in effective.readings() {
        let Some(secret) = keyset.get(reading.setting) else {
            continue;
        };
        let is_interpolated = |hazard: &Hazard| matches!(hazard, Hazard::Interpolated(_));
        let meddles = reading.hazards.iter().any(is_interpolated);
        if reading.value.text() != Some(secret) || meddles {
            misread.push((reading, secret));
        }
    }
    if !misread.is_empty() {
        return Err(broken(places, plan, &misread));
    }
    servers.set_up(keyset)?;
    is_taken_by_compose(places)?;
    is_seen(places)
}

/// Why servers would not read the keyset's values: the cause of the first, and what to do about all that have one like it.
fn broken(places: &Places<'_>, plan: &Plan, misread: &[(&Reading, &Secret)]) -> Broken {
    let (reading, secret) = misread[0];
    let place = places.of(reading.span(places.deployment));
    let (why, help) = match (&reading.value, reading.origin) {
        (Value::Unknown(why), _) => (
            format!("{place}: {why}"),
            Some("write there what it sets, or remove it, then run this again".to_owned()),
        ),
        _ if is_of_command(reading, places.deployment) => commands(places, misread),
        (_, Origin::Variable(_) | Origin::File(_)) => {
            let others = misread.iter().map(|(reading, _)| *reading);
            let others = others.filter(|one| is_overridden(one, places.deployment));
            let spans = others.map(|one| one.span(places.deployment)).collect();
            overrides(places, spans)
        }
        _ => match tags(places, plan, misread) {
            Some(cause) => cause,
            None => taken_away(places, plan, reading, secret),
        },
    };
    Broken::Effective {
        reason: format!(
            "{} would not read the keyset's {}: {why}",
            reading.server, reading.setting
        ),
        help,
    }
}

/// What is in the way, and what to do about it.
type Cause = (String, Option<String>);

/// Whether a line of a file sets what a server reads.
fn is_overridden(reading: &Reading, deployment: &Composed) -> bool {
    matches!(reading.origin, Origin::Variable(_) | Origin::File(_))
        && !matches!(reading.value, Value::Unknown(_))
        && !is_of_command(reading, deployment)
}

/// What a command sets before it starts the server overrides the value, and all that commands set has to go.
fn commands(places: &Places<'_>, misread: &[(&Reading, &Secret)]) -> Cause {
    let deployment = places.deployment;
    let name = |reading: &Reading| {
        let variable = reading.variable(deployment);
        variable.map_or_else(String::new, |variable| escape(&variable.name).into_owned())
    };
    let place = |reading: &Reading| places.of(reading.span(deployment)).to_string();
    let (first, _) = misread[0];
    let why = format!(
        "{}: what starts the server overrides it with {}",
        place(first),
        name(first)
    );
    let of_commands = || {
        let readings = misread.iter().map(|(reading, _)| *reading);
        readings.filter(|reading| is_of_command(reading, deployment))
    };
    let what = match &distinct(of_commands().map(place))[..] {
        [_] => match &distinct(of_commands().map(name))[..] {
            [_] => "it there".to_owned(),
            names => format!("{} there", and(names)),
        },
        all => {
            let names =
                |at: &String| distinct(of_commands().filter(|one| place(one) == *at).map(name));
            let all = all.iter().map(|at| format!("{} at {at}", and(&names(at))));
            and(&all.collect::<Vec<String>>())
        }
    };
    (why, Some(format!("remove {what}, then run this again")))
}

/// Each text once, in the order of the first of them.
fn distinct(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut all = Vec::new();
    for text in texts {
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all
}

/// The first of the lines overrides the value, and all of them have to go.
fn overrides(places: &Places<'_>, spans: Vec<Span>) -> Cause {
    let is_whole_line = |span: &Span| {
        let text = places.deployment.sources.text(span.source);
        let before = text.get(..span.start).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        line.trim_matches([' ', '-', '"', '\'']).is_empty()
    };
    let all = distinct(spans.iter().map(|span| places.of(*span).to_string()));
    // In braces, more may be on its line.
    let what = match (spans.iter().all(is_whole_line), all.len()) {
        (true, 1) => "the line",
        (true, _) => "the lines",
        (false, _) => "what is set",
    };
    let first = all.first().cloned().unwrap_or_default();
    (
        format!("{first} overrides it"),
        Some(format!(
            "remove {what} at {}, then run this again",
            and(&all)
        )),
    )
}

/// The tag that takes away the first value, if one does, and all tags that have to go.
fn tags(places: &Places<'_>, plan: &Plan, misread: &[(&Reading, &Secret)]) -> Option<Cause> {
    let deployment = places.deployment;
    let of = |reading: &Reading| {
        let service = deployment.service(&deployment.instances[reading.instance]);
        let name = intended(plan, &service.name, reading)?;
        dropped(deployment, reading, name)
    };
    let (span, what) = of(misread[0].0)?;
    let tagged = misread.iter().filter_map(|(reading, _)| of(reading));
    let all = distinct(tagged.map(|(span, _)| places.of(span).to_string()));
    let tags = if all.len() == 1 { "tag" } else { "tags" };
    let help = format!(
        "remove the {tags} at {}, or run this with --override: docker compose merges what it prints over all files",
        and(&all)
    );
    Some((format!("{}: {what}", places.of(span)), Some(help)))
}

/// What else takes away what the edited file sets.
fn taken_away(places: &Places<'_>, plan: &Plan, reading: &Reading, secret: &Secret) -> Cause {
    let deployment = places.deployment;
    let service = deployment.service(&deployment.instances[reading.instance]);
    let name = intended(plan, &service.name, reading);
    let is_named = |variable: &Variable| Some(variable.name.as_str()) == name;
    if service.removed.iter().any(is_named) {
        let place = places.of(service.started_at());
        return (
            format!("{place}: the command of this service removes it"),
            Some(
                "change that command so that it keeps the variable, then run this again".to_owned(),
            ),
        );
    }
    let mut unset = service.environment.iter().filter(|one| is_named(one));
    let is_unset = |one: &&Variable| matches!(one.value, VariableValue::Unset);
    let obstacle = || Effective::obstacle(deployment, reading, secret);
    match unset.find(is_unset).or_else(obstacle) {
        Some(variable) => overrides(places, vec![variable.span]),
        None => {
            let place = places.of(service.name_span);
            (format!("{place}: no line would set it"), None)
        }
    }
}

/// The variable that is to set what a server reads.
fn intended<'a>(plan: &'a Plan, service: &str, reading: &Reading) -> Option<&'a str> {
    let mut intended = plan.intended.iter();
    intended
        .find(|one| one.service == service && one.setting == Some(reading.setting))
        .map(|one| one.name.as_str())
}

/// Whether no line of a file sets what a server reads.
fn is_of_command(reading: &Reading, deployment: &Composed) -> bool {
    let variable = reading.variable(deployment);
    variable.is_some_and(|variable| variable.origin == container::Origin::Command)
}

/// What takes away again what the edited file sets: one of compose's own tags in a file that comes after it.
fn dropped(deployment: &Composed, reading: &Reading, name: &str) -> Option<(Span, String)> {
    let index = deployment.instances[reading.instance].service;
    let service = &deployment.project.services[index];
    service.parts.iter().rev().find_map(|part| {
        let span = |range: &Range<usize>| Span {
            source: part.source,
            start: range.start,
            end: range.end,
        };
        if let Some(cleared) = part.clears(&["environment"]) {
            let tag = match cleared.tag {
                Clears::All => "!reset",
                Clears::Before => "!override",
            };
            let what = format!("`{tag}` removes what the files before this one set");
            return Some((span(&cleared.value), what));
        }
        let cleared = part.clears(&["environment", name])?;
        let what = format!("`!reset` removes {}", escape(name));
        Some((span(&cleared.key), what))
    })
}

/// Compose runs nothing of a project of which it refuses a part.
fn fits_the_schema(places: &Places<'_>) -> Result<(), Broken> {
    let mut refused = places.deployment.project.refused.iter();
    match refused.find_map(|unseen| Some((unseen, unseen.span?))) {
        Some((unseen, span)) => {
            let message = format!("{}: {}", unseen.what, unseen.reason);
            Err(refused_by_compose(places, span, message))
        }
        None => Ok(()),
    }
}

/// Compose takes every value.
fn is_taken_by_compose(places: &Places<'_>) -> Result<(), Broken> {
    let services = places.deployment.project.services.iter();
    for variable in services.flat_map(|service| &service.environment) {
        if let VariableValue::Refused(message) = &variable.value {
            let message = format!("docker compose refuses it: {message}");
            return Err(refused_by_compose(places, variable.span, message));
        }
    }
    Ok(())
}

fn refused_by_compose(places: &Places<'_>, span: Span, message: String) -> Broken {
    Broken::Refused(Refusal {
        place: places.of(span),
        message,
        help: "change that line, then run this again".to_owned(),
    })
}

/// What helps where something in a container may set variables: nobody could read it anywhere.
const ALONE: &str = "let the service start nothing but its server, e.g. `command: [apiserver]`, then run this again";

/// The same where its Dockerfile may.
const BUILT: &str = "name ClearML's image in place of `build`, or a Dockerfile that is here and only adds programs, then run this again";

/// An env_file that is not here may hold a spelling that wins over what is injected.
fn is_seen(places: &Places<'_>) -> Result<(), Broken> {
    let deployment = places.deployment;
    let servers: HashSet<&str> = deployment
        .instances
        .iter()
        .map(|instance| deployment.service(instance).name.as_str())
        .collect();
    let is_of_server = |name: &String| servers.contains(name.as_str());
    let mut unseen = deployment.unseen.iter();
    match unseen.find(|unseen| {
        unseen.hides.variables() && unseen.service.as_ref().is_some_and(is_of_server)
    }) {
        Some(unseen) => {
            let place = unseen.span.map(|span| format!("{}: ", places.of(span)));
            let service = unseen.service.as_deref().map(escape).unwrap_or_default();
            Err(Broken::with_help(
                format!(
                    "{}service {service}: {} is not checked, and may override the new values: {}",
                    place.unwrap_or_default(),
                    unseen.what,
                    unseen.reason
                ),
                match unseen.what == OF_THE_CONTAINER {
                    true if unseen.reason.contains("Dockerfile") => BUILT,
                    true => ALONE,
                    false => "make it readable here, or run this where it is",
                },
            ))
        }
        None => Ok(()),
    }
}

//! Who uses the names of an env file, beside the servers whose settings they hold.

use std::collections::{HashMap, HashSet};
use std::iter;
use std::sync::Arc;

use clearml_secure_core::compose::{Service, interpolate};
use clearml_secure_core::container::{Origin, Variable};
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::source::{SourceId, Span};
use clearml_secure_core::yaml::Node;

use crate::extensions::Extensions;
use crate::item::name_of;

/// Names that something else than a setting of a server takes from an env file: what that is must not change, nor get
/// what is a server's.
pub(crate) fn foreign(
    deployment: &Composed,
    keyset: &Keyset,
    extensions: Option<&Extensions<'_>>,
) -> HashMap<String, Span> {
    let mut meant: HashSet<(usize, &str)> = HashSet::new();
    for instance in &deployment.instances {
        let environment = &deployment.service(instance).environment;
        let settings = instance
            .settings()
            .filter(|setting| keyset.get(*setting).is_some())
            .flat_map(|setting| instance.spellings(setting, environment));
        let users = keyset.fixed_users();
        let users = users
            .iter()
            .flat_map(|(path, _)| instance.spellings_of(path, environment));
        let names = settings.chain(users).map(|variable| variable.name.as_str());
        meant.extend(names.map(|name| (instance.service, name)));
    }
    let withheld = withheld_names(deployment, extensions, &meant);
    let mut starts = HashSet::new();
    let mut foreign = HashMap::new();
    for (index, service) in deployment.project.services.iter().enumerate() {
        for variable in &service.environment {
            if meant.contains(&(index, variable.name.as_str())) {
                starts.extend(written(service, &variable.name));
            } else if !withheld.contains(&(index, variable.name.as_str())) {
                let used = variable.interpolated.iter().map(|used| used.name.clone());
                let used = used.chain(taken_from(deployment, variable));
                foreign.extend(used.map(|name| (name, variable.span)));
            }
        }
    }
    let uses = deployment.project.uses().into_iter();
    let others = uses.filter(|used| !starts.contains(&(used.span.source, used.span.start)));
    foreign.extend(others.map(|used| (used.name, used.span)));
    foreign
}

/// The first bytes of all that the files say of a variable of a service, also where another file, or the service's own
/// `environment`, wins over it.
fn written(service: &Service, name: &str) -> Vec<(SourceId, usize)> {
    let mut starts = Vec::new();
    let environments = service.parts.iter().flat_map(|part| {
        let mappings = iter::once(&*part.node).chain(part.node.merged());
        mappings.filter_map(move |one| Some((part, one.get_written("environment")?)))
    });
    for (part, environment) in environments {
        let mut note = |node: &Node| {
            let both = [node, node.target()];
            starts.extend(both.map(|node| (part.source, node.range().start)));
        };
        if let Some(field) = environment.value.get_written(name) {
            note(field.key);
            note(field.value);
        }
        let items = environment.value.items().unwrap_or_default();
        let is_named = |item: &&Arc<Node>| item.text().is_some_and(|text| name_of(text) == name);
        items.iter().filter(is_named).for_each(|item| note(item));
    }
    starts
}

/// Services, and the names that they have only from a service that they extend and are kept from.
fn withheld_names<'a>(
    deployment: &Composed,
    extensions: Option<&Extensions<'_>>,
    meant: &HashSet<(usize, &'a str)>,
) -> HashSet<(usize, &'a str)> {
    let Some(extensions) = extensions else {
        return HashSet::new();
    };
    let of_base = |(base, name): &(usize, &'a str)| {
        let base = &deployment.project.services[*base].name;
        let inheritors = extensions.inheritors(base).iter().copied();
        let kept = inheritors.filter(|inheritor| {
            extensions.can_withhold(base, *inheritor)
                && extensions.own(*inheritor, name).is_none()
                && variable(deployment, *inheritor, name).is_none()
        });
        kept.map(|inheritor| (inheritor, *name)).collect::<Vec<_>>()
    };
    meant.iter().flat_map(of_base).collect()
}

/// The variable of the env file that is all a container's variable is made from.
pub(crate) fn taken_from(deployment: &Composed, variable: &Variable) -> Option<String> {
    const PROBE: &str = "\u{1}";
    if variable.origin != Origin::Environment {
        return None;
    }
    let written = deployment.sources.slice(variable.value_span);
    if written.is_empty() && !deployment.sources.slice(variable.span).contains('=') {
        // A bare name takes the value of the same name.
        return Some(variable.name.clone());
    }
    // Of a list's item, YAML's quotes stand around the name as well. Any others are HOCON's, and part of the value.
    let text = deployment.sources.text(variable.value_span.source);
    let is_item = text[..variable.value_span.start].ends_with('=');
    let unquoted = ['"', '\''].iter().find_map(|quote| {
        written
            .strip_prefix(*quote)
            .and_then(|rest| rest.strip_suffix(*quote))
    });
    let written = unquoted.filter(|_| !is_item).unwrap_or(written);
    let done = interpolate::interpolate(written, &|_| Some(PROBE.to_owned())).ok()?;
    let [only] = &done.variables[..] else {
        return None;
    };
    (*done.text == PROBE).then(|| only.name.clone())
}

/// A variable of a container, by its place in the project.
pub(crate) fn variable<'a>(
    deployment: &'a Composed,
    service: usize,
    name: &str,
) -> Option<&'a Variable> {
    let mut environment = deployment.containers[service].environment.iter();
    environment.find(|variable| variable.name == name)
}

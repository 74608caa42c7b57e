//! Services that extend others. What a base gets and is not for them is withheld: `NAME: !reset null` in their own
//! `environment` takes it out of the one mapping that compose has before it.

use std::collections::{HashMap, HashSet};

use clearml_secure_core::compose::{Part, Service};
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::source::SourceId;
use clearml_secure_core::yaml::{Node, Value};

const ENVIRONMENT: &str = "environment";

/// Which services get the environment of which, because they extend them, within the edited file, by their places in the project.
pub(crate) struct Extensions<'a> {
    services: &'a [Service],
    source: SourceId,
    inheritors: HashMap<&'a str, Vec<usize>>,
    /// Those that are given settings.
    readers: HashSet<&'a str>,
}

impl<'a> Extensions<'a> {
    pub(crate) fn of(deployment: &'a Composed) -> Self {
        let services = &deployment.project.services;
        let source = deployment.project.documents[0].source;
        let mut inheritors: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, service) in services.iter().enumerate() {
            for (at, base) in service.parts.iter().enumerate() {
                let is_base = base.source == source && base.service != service.name;
                if !is_base || is_taken_away(deployment, service, at, ENVIRONMENT) {
                    continue;
                }
                let of_base = inheritors.entry(&base.service).or_default();
                if of_base.last() != Some(&index) {
                    of_base.push(index);
                }
            }
        }
        let readers = deployment.instances.iter();
        let readers = readers.filter(|instance| instance.settings().next().is_some());
        let readers = readers.map(|instance| &*deployment.service(instance).name);
        Self {
            readers: readers.collect(),
            services,
            source,
            inheritors,
        }
    }

    /// The services that get what one gets, because they extend it.
    pub(crate) fn inheritors(&self, base: &str) -> &[usize] {
        self.inheritors.get(base).map_or(&[], Vec::as_slice)
    }

    /// Whether a service can withhold what it would have from one that it extends. All that compose has before it must be one
    /// mapping: a list, or what it has merged already, has no names to reset. A server will have one, too.
    pub(crate) fn can_withhold(&self, base: &str, inheritor: usize) -> bool {
        let inheritor = &self.services[inheritor];
        let Some(own) = self.own_part(inheritor) else {
            return false;
        };
        let before = inheritor.parts[..own].iter().enumerate();
        let before = before.filter(|(at, _)| inheritor.counts(*at, ENVIRONMENT));
        let own = &inheritor.parts[own];
        let environment = |part: &'a Part| {
            let environment = part.node.get_written(ENVIRONMENT)?.value;
            (!environment.is_null()).then_some(environment)
        };
        let is_here = |part: &Part| part.source == self.source;
        let mut having = before.map(|(_, part)| part).filter(|part| {
            environment(part).is_some() || is_here(part) && self.readers.contains(&*part.service)
        });
        let (one, other) = (having.next(), having.next());
        let is_of_base = one.is_none_or(|part| {
            let is_mapping = environment(part).is_none_or(|environment| {
                environment.items().is_none() && part.clears(&[ENVIRONMENT]).is_none()
            });
            is_here(part) && part.service == base && is_mapping
        });
        is_of_base && other.is_none() && is_plain(own)
    }

    /// Whether a service sets a variable itself, and if it does, whether that takes it away.
    pub(crate) fn own(&self, service: usize, name: &str) -> Option<bool> {
        let service = &self.services[service];
        let own = &service.parts[self.own_part(service)?];
        let environment = own.node.get_written(ENVIRONMENT)?.value;
        let field = environment.get_written(name)?;
        Some(field.value.is_taken())
    }

    /// What a service that can withhold has written for it in the one that it extends, as compose takes it; none where
    /// only a name is written.
    pub(crate) fn inherited(&self, service: usize, name: &str) -> Option<String> {
        let service = &self.services[service];
        let before = service.parts[..self.own_part(service)?].iter().rev();
        let mut environments = before.filter_map(|part| part.node.get_written(ENVIRONMENT));
        let value = environments
            .find_map(|environment| environment.value.get_written(name))?
            .value;
        let typed = value.target().typed()?;
        typed
            .rewritten()
            .or_else(|| value.text().map(str::to_owned))
    }

    fn own_part(&self, service: &Service) -> Option<usize> {
        let mut parts = service.parts.iter();
        parts.rposition(|part| part.source == self.source && part.service == service.name)
    }
}

/// Whether what a part of a service says of a key is surely taken away by a tag of the service's own. Of a service that
/// another one extends in the same file, docker compose applies the tags in some runs, and in others it does not.
pub(crate) fn is_taken_away(
    deployment: &Composed,
    service: &Service,
    at: usize,
    key: &str,
) -> bool {
    if service.counts(at, key) {
        return false;
    }
    let start = service.parts[at].source;
    service.parts[at + 1..].iter().any(|part| {
        let is_own = part.service == service.name && part.clears(&[key]).is_some();
        is_own && (part.source != start || !is_extended(deployment, service))
    })
}

/// Whether another service of the project extends one.
pub(crate) fn is_extended(deployment: &Composed, service: &Service) -> bool {
    let mut others = deployment.project.services.iter();
    others.any(|other| {
        other.name != service.name && other.parts.iter().any(|part| part.service == service.name)
    })
}

/// Whether lines can be added to a part's own `environment`, or it has none.
fn is_plain(part: &Part) -> bool {
    let Value::Mapping(_, entries) = &part.node.value else {
        return false;
    };
    let is_mapping = |node: &Node| {
        matches!(node.value, Value::Mapping(..)) && node.anchor().is_none() && node.tag().is_none()
    };
    let mut entries = entries.iter();
    match entries.find(|entry| entry.key.text() == Some(ENVIRONMENT)) {
        Some(entry) => is_mapping(&entry.value),
        None => part.node.get_written(ENVIRONMENT).is_none(),
    }
}

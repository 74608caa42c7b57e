//! Services that extend others. What a base gets and is not for them is withheld: `NAME: !reset null` in their own
//! `environment` takes it out of the one mapping that compose has before it.

use std::collections::HashMap;

use clearml_secure_core::compose::{Part, Service};
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::source::SourceId;
use clearml_secure_core::yaml::{Clears, Node, Value};

/// Which services extend which within the edited file, by their places in the project.
pub(crate) struct Extensions<'a> {
    services: &'a [Service],
    source: SourceId,
    inheritors: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Extensions<'a> {
    pub(crate) fn of(deployment: &'a Composed) -> Self {
        let services = &deployment.project.services;
        let source = deployment.project.documents[0].source;
        let mut inheritors: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, service) in services.iter().enumerate() {
            let bases = service.parts.iter().filter(|part| part.source == source);
            for base in bases.filter(|part| part.service != service.name) {
                let of_base = inheritors.entry(&base.service).or_default();
                if of_base.last() != Some(&index) {
                    of_base.push(index);
                }
            }
        }
        Self {
            services,
            source,
            inheritors,
        }
    }

    /// The services that extend one.
    pub(crate) fn inheritors(&self, base: &str) -> &[usize] {
        self.inheritors.get(base).map_or(&[], Vec::as_slice)
    }

    /// Whether a service can withhold what it would have from one that it extends. All that compose has before it must be one
    /// mapping: a list, or what it has merged already, has no names to reset.
    pub(crate) fn can_withhold(&self, base: &str, inheritor: usize) -> bool {
        let inheritor = &self.services[inheritor];
        let Some(own) = self.own_part(inheritor) else {
            return false;
        };
        let (before, own) = (&inheritor.parts[..own], &inheritor.parts[own]);
        let environments = before.iter().filter_map(|part| {
            let environment = part.node.get("environment")?.value;
            (!environment.is_null()).then_some((part, environment))
        });
        let mut count = 0;
        let mut environments = environments.inspect(|_| count += 1);
        let are_of_base = environments.all(|(part, environment)| {
            part.source == self.source
                && part.service == base
                && environment.items().is_none()
                && environment.clears().is_none()
        });
        are_of_base && count <= 1 && is_plain(own)
    }

    /// Whether a service sets a variable itself, and if it does, whether that takes it away.
    pub(crate) fn own(&self, service: usize, name: &str) -> Option<bool> {
        let service = &self.services[service];
        let own = &service.parts[self.own_part(service)?];
        let environment = own.node.get("environment")?.value;
        let field = environment.get(name)?;
        Some(field.value.clears() == Some(Clears::All))
    }

    /// What a service that can withhold has written for it in the one that it extends, as compose takes it; none where
    /// only a name is written.
    pub(crate) fn inherited(&self, service: usize, name: &str) -> Option<String> {
        let service = &self.services[service];
        let before = service.parts[..self.own_part(service)?].iter().rev();
        let mut environments = before.filter_map(|part| part.node.get("environment"));
        let value = environments
            .find_map(|environment| environment.value.get(name))?
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

/// Whether lines can be added to a part's own `environment`, or it has none.
fn is_plain(part: &Part) -> bool {
    let Value::Mapping(_, entries) = &part.node.value else {
        return false;
    };
    let is_mapping = |node: &Node| {
        matches!(node.value, Value::Mapping(..)) && node.anchor().is_none() && node.tag().is_none()
    };
    let mut entries = entries.iter();
    match entries.find(|entry| entry.key.text() == Some("environment")) {
        Some(entry) => is_mapping(&entry.value),
        None => part.node.get("environment").is_none(),
    }
}

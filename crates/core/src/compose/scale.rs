//! Services of which `docker compose up` starts no container: `scale: 0`, which is the same as `deploy.replicas: 0`, and
//! those with a profile that nobody asks for.

use super::attribute::{attribute, below, counting};
use super::{Project, Scope, Service};

impl Project {
    /// Whether compose is told to start no container of a service. A variable without a value here may say otherwise.
    pub fn starts_none(&self, service: &Service) -> bool {
        let replicas = below(&service.parts, "deploy", "replicas");
        let written = attribute(&service.parts, "scale").or(replicas);
        written.is_some_and(|(part, node)| {
            let document = &self.documents[part.document];
            let number = super::volume::told(self, document, node).into_known();
            number.is_some_and(|text| text.trim().parse() == Ok(0.0_f64))
        })
    }
    /// Whether compose starts a service only where it is named, or one of its profiles is asked for.
    pub fn needs_profile(&self, service: &Service) -> bool {
        let mut profiles = counting(&service.parts, "profiles").flat_map(|(part, field)| {
            let items = field.value.seen_items().cloned();
            items.map(|item| (part, item)).collect::<Vec<_>>()
        });
        let is_asked = |(part, item): (&super::Part, std::sync::Arc<crate::yaml::Node>)| {
            let document = &self.documents[part.document];
            let profile = super::volume::told(self, document, &item).into_known();
            self.asks_for(profile.as_deref())
        };
        let Some(first) = profiles.next() else {
            return false;
        };
        !is_asked(first) && !profiles.any(is_asked)
    }

    /// Whether COMPOSE_PROFILES of `.env` has a profile. Where it asks for none, compose asks for one without a name.
    pub(super) fn asks_for(&self, profile: Option<&str>) -> bool {
        let asked = self.variable(Scope::PROJECT, "COMPOSE_PROFILES");
        let mut asked = asked.unwrap_or_default().split(',').map(str::trim);
        asked.any(|name| name == "*" || profile == Some(name))
    }
}

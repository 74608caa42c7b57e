//! Services of which `docker compose up` starts no container: `scale: 0`, which is the same as `deploy.replicas: 0`.

use super::attribute::{attribute, below};
use super::{Project, Service};

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
}

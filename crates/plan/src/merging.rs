//! Which services inherit an `environment` by a merge key. It is asked for every service, so it is looked up.

use std::collections::HashMap;
use std::sync::Arc;

use clearml_secure_core::deployment::Composed;
use clearml_secure_core::source::SourceId;
use clearml_secure_core::yaml::Node;

/// Services that inherit an `environment` because they merge the service in which it stands: their names and mappings, by the
/// `environment`.
pub(crate) type Merging<'a> = HashMap<*const Node, Vec<(&'a str, &'a Arc<Node>)>>;

/// All of a file.
pub(crate) fn of(deployment: &Composed, source: SourceId) -> Merging<'_> {
    let mut merging = Merging::new();
    for service in &deployment.project.services {
        let mut parts = service.parts.iter();
        let own = parts.find(|part| part.source == source && part.service == service.name);
        let Some(part) = own else {
            continue;
        };
        let environment = part.node.get_written("environment");
        if let Some(field) = environment.filter(|field| field.merged) {
            let of_environment = merging.entry(Arc::as_ptr(field.value)).or_default();
            of_environment.push((&service.name, &part.node));
        }
    }
    merging
}

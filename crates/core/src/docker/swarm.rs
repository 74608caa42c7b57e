//! What a swarm gives the containers of its services, and their own descriptions do not show: the ports that every machine of
//! it publishes, configs and secrets (docs/clearml.md#what-docker-inspect-tells).

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{at, text};
use crate::container::{FileText, Mount, MountSource};
use crate::knowable::Knowable;
use crate::shown::escape;
use crate::source::{SourceId, Within};
use crate::yaml::Node;
use crate::yaml::below::list;

/// What to do where its services are not in the text.
pub(super) const UNTOLD: &str = "docker inspect of a container does not show what its swarm publishes and mounts; on a manager of it, \
     inspect $(docker service ls -q) $(docker config ls -q) with the containers";

const UPDATING: &str =
    "its swarm is updating its service, so that it may have what the service had before";

/// The services and configs of a swarm that are in the text, by their ids.
pub(super) struct Swarm<'a> {
    services: HashMap<&'a str, &'a Node>,
    configs: HashMap<&'a str, &'a Node>,
}

impl<'a> Swarm<'a> {
    pub(super) fn of(objects: &[&'a Arc<Node>]) -> Self {
        let having = |keys: &[&str]| {
            let those = objects.iter().filter(|object| at(object, keys).is_some());
            let with_id = |object: &&'a Arc<Node>| Some((text(object, &["ID"])?, &***object));
            those.filter_map(with_id).collect()
        };
        Self {
            services: having(&["Spec", "TaskTemplate"]),
            configs: having(&["Spec", "Data"]),
        }
    }

    /// The service with an id.
    pub(super) fn service(&self, id: &str) -> Knowable<&'a Node> {
        let Some(service) = self.services.get(id) else {
            return Knowable::unknown(UNTOLD);
        };
        match text(service, &["UpdateStatus", "State"]) {
            None | Some("completed" | "rollback_completed") => Knowable::Known(service),
            Some(_) => Knowable::unknown(UPDATING),
        }
    }

    /// The configs and secrets of a service.
    pub(super) fn mounts(&self, service: &'a Node) -> Vec<Mount> {
        let of = |kind| {
            let keys = ["Spec", "TaskTemplate", "ContainerSpec", kind];
            list(service, &keys).iter()
        };
        let configs = of("Configs").filter_map(|one| mount(one, "", self.config(one)));
        let hidden = Knowable::unknown("it is in a secret, which a swarm shows to nobody");
        let secrets = of("Secrets").filter_map(|one| mount(one, "/run/secrets", hidden.clone()));
        configs.chain(secrets).collect()
    }

    /// What a config that a service names holds.
    fn config(&self, named: &Node) -> Knowable<MountSource> {
        let id = text(named, &["ConfigID"]).unwrap_or_default();
        let Some(config) = self.configs.get(id) else {
            return Knowable::unknown(
                "it is in a config; inspect $(docker config ls -q) with the containers",
            );
        };
        if at(config, &["Spec", "Templating"]).is_some() {
            return Knowable::unknown("it is in a config that the swarm fills in");
        }
        let name = escape(text(config, &["Spec", "Name"]).unwrap_or("without a name"));
        let data = at(config, &["Spec", "Data"]);
        let decoded = data.and_then(|data| {
            let bytes = Zeroizing::new(STANDARD.decode(data.text()?).ok()?);
            let text = std::str::from_utf8(&bytes).ok()?;
            Some((data, Zeroizing::new(text.to_owned())))
        });
        let Some((data, text)) = decoded else {
            return Knowable::unknown(format!("config {name} is not UTF-8"));
        };
        Knowable::Known(MountSource::Text(FileText {
            name: format!("config {name}"),
            text,
            within: Some(Within {
                span: data.span(SourceId::FIRST),
                lines: None,
                is_secret: false,
            }),
        }))
    }
}

/// Where a config or secret is mounted; none of one that is in no file.
fn mount(named: &Arc<Node>, folder: &str, source: Knowable<MountSource>) -> Option<Mount> {
    let file = at(named, &["File"])?;
    let target = match text(file, &["Name"]) {
        Some(name) if name.starts_with('/') => Knowable::Known(name.to_owned()),
        Some(name) => Knowable::Known(format!("{folder}/{name}")),
        None => Knowable::unknown("docker inspect does not say where it is mounted"),
    };
    Some(Mount {
        source,
        target,
        span: file.span(SourceId::FIRST).at_start(),
        is_interpolated: false,
    })
}

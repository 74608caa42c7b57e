//! The names by which a container of an engine is found, and those that it has for others.

use std::sync::Arc;

use super::{Inspected, SWARM_SERVICE, text, texts};
use crate::container::{Alias, HostName};
use crate::source::Span;
use crate::yaml::Node;
use crate::yaml::below::list;

impl<'a> Inspected<'a> {
    /// The names under which others find it.
    pub(super) fn aliases(
        &self,
        networks: &[(&'a str, &'a Node, Span)],
        service: Option<&'a Node>,
    ) -> Vec<Alias> {
        let mut aliases = Vec::new();
        for (network, endpoint, _) in networks {
            let id = text(endpoint, &["NetworkID"]);
            let is_it = |one: &&Arc<Node>| id.is_some() && text(one, &["Target"]) == id;
            let of_service = service.map(|one| list(one, &["Spec", "TaskTemplate", "Networks"]));
            let of_service = of_service.unwrap_or_default().iter().find(is_it);
            let described = of_service.map(|one| (&**one, "Aliases"));
            let told = [(*endpoint, "Aliases"), (*endpoint, "DNSNames")];
            let addresses = ["IPAddress", "GlobalIPv6Address"].into_iter();
            let addresses = addresses.filter_map(|key| text(endpoint, &[key]));
            let told = told.into_iter().chain(described);
            let names = told.flat_map(|(node, key)| texts(node, &[key]));
            for name in names.chain(addresses).filter(|name| !name.is_empty()) {
                aliases.push(Alias {
                    name: name.to_owned(),
                    network: Some((*network).to_owned()),
                    namespace: None,
                });
            }
        }
        // A swarm gives all containers of a service its name, and a stack gives them the one in its file.
        let of_swarm = [self.label(SWARM_SERVICE), self.service_of_stack()];
        let own = self.text(&["Config", "Hostname"]).into_iter();
        aliases.extend(own.chain(of_swarm.into_iter().flatten()).map(|name| Alias {
            name: name.to_owned(),
            network: None,
            namespace: None,
        }));
        aliases
    }

    /// Names of hosts that it alone knows.
    pub(super) fn hosts(&self) -> Vec<HostName> {
        let extra = texts(self.node, &["HostConfig", "ExtraHosts"]).into_iter();
        let links = texts(self.node, &["HostConfig", "Links"]).into_iter();
        // `/other:/own/alias`
        let of_link = |link: &str| {
            let (to, name) = link.split_once(':').unwrap_or((link, link));
            HostName::new(
                name.rsplit('/').next().unwrap_or(name),
                to.trim_start_matches('/'),
            )
        };
        extra
            .map(HostName::of_line)
            .chain(links.map(of_link))
            .collect()
    }
}

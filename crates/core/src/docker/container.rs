//! One container of an engine.

mod names;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::network::{INGRESS, Networks};
use super::ports::Published;
use super::swarm::Swarm;
use super::{ComposeProject, at, is_true, text, texts};
use crate::compose::service;
use crate::container::{
    Container, Doubt, HostPath, Label, LabelReader, Made, Mount, MountSource, Network, NetworkKind,
    Origin, Port, Text, Variable, VariableValue, capability_of_root,
};
use crate::deployment::exposure::may_lead;
use crate::knowable::{Knowable, Reason};
use crate::secret::Secret;
use crate::source::{SourceId, Span};
use crate::unseen::Hides;
use crate::version::Version;
use crate::yaml::Node;
use crate::yaml::below::list;

/// A container as it is described.
pub(super) struct Inspected<'a> {
    node: &'a Node,
    pub(super) is_running: bool,
    // What each is asked for beside each other.
    id: Option<&'a str>,
    own_name: &'a str,
    group: Option<&'a str>,
    service: Option<&'a str>,
    network_mode: Option<&'a str>,
    networks: Vec<(&'a str, &'a Node, Span)>,
}

/// The names of a project and of its services, as docker compose and podman-compose write them.
const SERVICE: [&str; 2] = ["com.docker.compose.service", "io.podman.compose.service"];
const PROJECT: [&str; 2] = ["com.docker.compose.project", "io.podman.compose.project"];
/// Whether it was made for one command, by `docker compose run`.
const ONE_OFF: &str = "com.docker.compose.oneoff";
const FILES: &str = "com.docker.compose.project.config_files";
const ENV_FILES: &str = "com.docker.compose.project.environment_file";
const FOLDER: &str = "com.docker.compose.project.working_dir";
const STACK: &str = "com.docker.stack.namespace";
const SWARM: &str = "com.docker.swarm.service.id";
const SWARM_SERVICE: &str = "com.docker.swarm.service.name";
/// What ClearML's images say of themselves (docs/clearml.md#what-docker-inspect-tells).
const VERSION: &str = "CLEARML_SERVER_VERSION=";

impl<'a> Inspected<'a> {
    /// Of an object; none if it describes something else, such as an image or a network.
    pub(super) fn of(node: &'a Arc<Node>) -> Option<Self> {
        at(node, &["Config"])?;
        at(node, &["HostConfig"])?;
        // One that is about to start again is back in a moment.
        let is_running = text(node, &["State", "Running"]) != Some("false")
            || is_true(node, &["State", "Restarting"]);
        let mut one = Self {
            node,
            is_running,
            id: text(node, &["Id"]).or_else(|| text(node, &["ID"])),
            own_name: text(node, &["Name"])
                .unwrap_or_default()
                .trim_start_matches('/'),
            group: None,
            service: None,
            network_mode: text(node, &["HostConfig", "NetworkMode"]),
            networks: Vec::new(),
        };
        one.group = one.first_label(&PROJECT).or_else(|| one.label(STACK));
        one.service = one.told_service();
        one.networks = one.told_networks();
        Some(one)
    }

    fn text(&self, keys: &[&str]) -> Option<&'a str> {
        text(self.node, keys)
    }

    fn label(&self, name: &str) -> Option<&'a str> {
        self.text(&["Config", "Labels", name])
    }

    /// Its own name, as the engine calls it.
    fn own_name(&self) -> &'a str {
        self.own_name
    }

    fn span(&self, node: &Node) -> Span {
        node.span(SourceId::FIRST)
    }

    /// The compose project or the stack that it is of.
    pub(super) fn group(&self) -> Option<&'a str> {
        self.group
    }

    fn first_label(&self, names: &[&str]) -> Option<&'a str> {
        names.iter().find_map(|name| self.label(name))
    }

    /// The paths in a label, from the folder of the project: older releases write them as they were named.
    fn paths(&self, label: &str) -> Vec<PathBuf> {
        let folder = Path::new(self.label(FOLDER).unwrap_or_default());
        let paths = self.label(label).unwrap_or_default().split(',');
        paths
            .filter(|path| !path.is_empty())
            .map(|path| folder.join(path))
            .collect()
    }

    /// What docker compose has written on it.
    pub(super) fn project(&self) -> Option<ComposeProject> {
        Some(ComposeProject {
            name: self.first_label(&PROJECT)?.to_owned(),
            files: self.paths(FILES),
            env_files: self.paths(ENV_FILES),
            has_twin: false,
        })
    }

    /// Whether it may be one of ClearML's, by a word in what it is called, runs or is given.
    pub(super) fn may_be_clearml(&self) -> bool {
        let words = self.words();
        let named = [
            self.own_name(),
            self.image_name().map(|(_, name)| name).unwrap_or_default(),
            self.service().unwrap_or_default(),
        ];
        let env = texts(self.node, &["Config", "Env"]).into_iter();
        let names = env.map(|item| item.split('=').next().unwrap_or(item));
        let is_known = |word: &str| {
            let word = word.to_ascii_lowercase();
            [
                "clearml",
                "trains",
                "apiserver",
                "fileserver",
                "async_delete",
            ]
            .iter()
            .any(|known| word.contains(known))
        };
        named.into_iter().chain(words).chain(names).any(is_known)
    }

    /// Whether it may pass something on, by its image or a word of its command.
    pub(super) fn may_lead(&self) -> bool {
        let image = self.image_name().map(|(_, name)| name).into_iter();
        image.chain(self.words()).any(may_lead)
    }

    /// The service of a swarm that it is of.
    pub(super) fn of_swarm(&self) -> Option<&'a str> {
        self.label(SWARM)
    }

    /// Whether another one is given the same image, command and variables.
    pub(super) fn is_given_the_same(&self, other: &Self) -> bool {
        ["Cmd", "Entrypoint", "Env", "Image"].iter().all(|key| {
            let [own, others] = [self, other].map(|one| at(one.node, &["Config", key]));
            match (own, others) {
                (Some(own), Some(others)) => own.says_the_same(others),
                _ => own.is_none() && others.is_none(),
            }
        })
    }

    /// Whether it is published at any of some ports of the host.
    pub(super) fn publishes(&self, ports: &HashSet<u16>) -> bool {
        let is_one = |one: Port| ports.iter().any(|port| one.is_published_at(*port));
        // Most servers are told none.
        !ports.is_empty() && Published::of(self.node).ports.into_iter().any(is_one)
    }

    /// The service that it runs as one of its containers.
    fn service(&self) -> Option<&'a str> {
        self.service
    }

    fn told_service(&self) -> Option<&'a str> {
        let is_service = self
            .label(ONE_OFF)
            .is_none_or(|value| !value.eq_ignore_ascii_case("true"));
        self.first_label(&SERVICE)
            .or_else(|| self.service_of_stack())
            .filter(|_| is_service)
    }

    fn service_of_stack(&self) -> Option<&'a str> {
        let name = self.label(SWARM_SERVICE)?;
        name.strip_prefix(self.label(STACK)?)?.strip_prefix('_')
    }

    /// The service of a project that it is one of.
    fn service_of(&self, project: Option<&str>) -> Option<&'a str> {
        self.service()
            .filter(|_| project.is_some() && self.group() == project)
    }

    fn networks(&self) -> &[(&'a str, &'a Node, Span)] {
        &self.networks
    }

    fn told_networks(&self) -> Vec<(&'a str, &'a Node, Span)> {
        let networks = at(self.node, &["NetworkSettings", "Networks"]);
        let fields = networks
            .map(|networks| networks.fields())
            .unwrap_or_default();
        let network = |field: &crate::yaml::Field<'a>| {
            Some((field.key.text()?, &**field.value, self.span(field.key)))
        };
        fields.iter().filter_map(network).collect()
    }

    /// Whether it may reach another, or pass something on to it.
    pub(super) fn is_near(&self, other: &Self) -> bool {
        let is_host = |one: &Self| one.network_mode == Some("host");
        let own = self.networks();
        let shares = other
            .networks()
            .iter()
            .any(|(name, ..)| own.iter().any(|(own, ..)| own == name));
        let joins = |one: &Self, other: &Self| {
            let mode = one.network_mode.unwrap_or_default();
            mode.strip_prefix("container:")
                .is_some_and(|id| other.id == Some(id))
        };
        shares || is_host(other) || joins(self, other) || joins(other, self)
    }

    /// The words of its process: those of the entrypoint, and then of the command. Nerdctl shows only what they come to.
    fn words(&self) -> Vec<&'a str> {
        // Podman before 5 has one text for the entrypoint.
        let mut words = match self.text(&["Config", "Entrypoint"]) {
            Some(text) => text.split_whitespace().collect(),
            None => texts(self.node, &["Config", "Entrypoint"]),
        };
        words.extend(texts(self.node, &["Config", "Cmd"]));
        if words.is_empty() {
            words.extend(self.text(&["Path"]));
            words.extend(texts(self.node, &["Args"]));
        }
        words
    }

    /// What the process in it was given. `all` are the containers that it may name, and `group` those that are judged with it,
    /// the first of them one of the project or the stack itself.
    pub(super) fn container(
        &self,
        all: &[Inspected<'_>],
        group: &[&Inspected<'_>],
        (networks, swarm): (&Networks<'_>, &Swarm<'_>),
    ) -> Container {
        let project = group.first().and_then(|one| one.group());
        let name_node = at(self.node, &["Name"]).map_or(self.node, |name| name);
        let network_mode = self.network_mode(all);
        let attached = self.networks();
        let service = self.of_swarm().map(|id| swarm.service(id));
        let mut published = Published::of(self.node);
        let mut mounts = self.mounts();
        match &service {
            Some(Knowable::Known(service)) => {
                published.add_everywhere(service);
                mounts.extend(swarm.mounts(service));
            }
            Some(Knowable::Unknown(reason)) => mounts.push(self.hidden(reason)),
            None => {}
        }
        let kind = |name: &str, endpoint: &Node| match &service {
            Some(service) if name == INGRESS => service.as_ref().map(|_| NetworkKind::Inner),
            _ => networks.kind(name, endpoint),
        };
        let described = service
            .as_ref()
            .and_then(|service| service.known().copied());
        let Published { ports, mut doubts } = published;
        doubts.extend(self.without_variables());
        Container {
            name: self.name(group, project),
            name_span: self.span(name_node),
            image: self.image(),
            built_as: None,
            container_name: Some(self.own_name().to_owned()),
            command: self
                .words()
                .into_iter()
                .map(|word| Knowable::Known(word.to_owned()))
                .collect(),
            dropped: None,
            command_span: None,
            words: self
                .words()
                .into_iter()
                .flat_map(service::plain_words)
                .collect(),
            user: self.known(&["Config", "User"]),
            working_directory: self.known(&["Config", "WorkingDir"]),
            environment: self.environment(),
            mounts,
            removed: Vec::new(),
            unread: None,
            copies: Vec::new(),
            synced: Vec::new(),
            hooks: Vec::new(),
            doubts,
            ports,
            networks: attached
                .iter()
                .map(|(name, ..)| (*name).to_owned())
                .collect(),
            attached: attached
                .iter()
                .map(|(name, endpoint, span)| Network {
                    name: (*name).to_owned(),
                    called: Some((*name).to_owned()),
                    kind: kind(name, endpoint),
                    span: *span,
                })
                .collect(),
            aliases: self.aliases(attached, described),
            hosts: self.hosts(),
            is_shared: self.is_shared(all, attached),
            network_mode,
            privileged: self.privileged(),
            capability: self.capability(),
            labels: self.labels(),
            pod: None,
            made: Some(Box::new(Made {
                service: self.service_of(project).map(str::to_owned),
                version: self.version(),
            })),
        }
    }

    /// The version that its image says.
    fn version(&self) -> Option<Version> {
        let variables = texts(self.node, &["Config", "Env"]);
        let told = variables.iter().find_map(|item| item.strip_prefix(VERSION));
        told.and_then(Version::parse)
    }

    /// The name of its service, if it is the only container of it; else its own.
    fn name(&self, group: &[&Inspected<'_>], project: Option<&str>) -> String {
        let service = self.service_of(project);
        let same = |other: &&&Inspected<'_>| other.service_of(project) == service;
        let is_unique = group.iter().filter(same).count() == 1;
        let service = service.filter(|_| is_unique);
        service.unwrap_or_else(|| self.own_name()).to_owned()
    }

    fn known(&self, keys: &[&str]) -> Option<Knowable<String>> {
        self.text(keys).map(|text| Knowable::Known(text.to_owned()))
    }

    /// What names its image, and that name. Nerdctl writes it where the others have the image's id.
    fn image_name(&self) -> Option<(&'a Node, &'a str)> {
        let is_id = |text: &str| {
            let digits = text.strip_prefix("sha256:").unwrap_or(text);
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        let named = |keys: &[&str]| {
            let node = at(self.node, keys)?;
            Some((&**node, node.text().unwrap_or_default()))
        };
        named(&["Config", "Image"]).or_else(|| named(&["Image"]).filter(|(_, text)| !is_id(text)))
    }

    fn image(&self) -> Knowable<Option<Text>> {
        let Some((node, text)) = self.image_name() else {
            return Knowable::unknown("docker inspect names no image");
        };
        // An image that was named by its id, or by the first digits of it, is written so.
        let id = self.text(&["Image"]).unwrap_or_default();
        let is_id = at(self.node, &["Config", "Image"]).is_some()
            && id.trim_start_matches("sha256:").starts_with(text);
        if text.starts_with("sha256:") || !text.is_empty() && is_id {
            return Knowable::unknown("its image is named by a digest alone");
        }
        Knowable::Known(Some(Text {
            text: text.to_owned(),
            span: self.span(node),
        }))
    }

    /// That its variables are not shown, where they are not: docker and podman write null for none, and nerdctl nothing at all.
    fn without_variables(&self) -> Option<Doubt> {
        let config = at(self.node, &["Config"])?;
        let env = config.get("Env").map(|field| field.value);
        let is_shown = env.is_some_and(|env| env.is_null() || env.items().is_some());
        (!is_shown).then(|| Doubt {
            hides: Hides::Base,
            reason: "what was printed does not show its variables, as nerdctl inspect does not: check its compose file".into(),
            span: self.span(config).at_start(),
        })
    }

    /// All that the process has: what the engine was told, over what the image says.
    fn environment(&self) -> Vec<Variable> {
        let items = at(self.node, &["Config", "Env"]).and_then(|env| env.items());
        let variable = |item: &Arc<Node>| {
            let (name, value) = item.text()?.split_once('=')?;
            let span = self.span(item);
            // The name has no escapes in JSON, and a quote is before it.
            let start = (span.start + 1 + name.len() + 1).min(span.end);
            let end = span.end.saturating_sub(1).max(start);
            Some(Variable {
                name: name.to_owned(),
                value: VariableValue::Known(Secret::from(value)),
                origin: Origin::Environment,
                span,
                value_span: Span { start, end, ..span },
                interpolated: Vec::new(),
                written_length: value.len(),
                retyped: false,
            })
        };
        let mut all: Vec<Variable> = items
            .unwrap_or_default()
            .iter()
            .filter_map(variable)
            .collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    fn mounts(&self) -> Vec<Mount> {
        let items = at(self.node, &["Mounts"]).and_then(|mounts| mounts.items());
        let mut mounts: Vec<Mount> = items
            .unwrap_or_default()
            .iter()
            .map(|item| self.mount(item))
            .collect();
        let empty = at(self.node, &["HostConfig", "Tmpfs"]);
        let empty = empty.map(|empty| empty.fields()).unwrap_or_default();
        mounts.extend(empty.iter().filter_map(|field| {
            Some(Mount {
                source: Knowable::Known(MountSource::Empty),
                target: Knowable::Known(field.key.text()?.trim_end_matches('/').to_owned()),
                span: self.span(field.key),
                is_interpolated: false,
            })
        }));
        mounts
    }

    /// What may be mounted anywhere.
    fn hidden(&self, reason: &Reason) -> Mount {
        Mount {
            source: Knowable::Unknown(reason.clone()),
            target: Knowable::Unknown(reason.clone()),
            span: self.span(self.node).at_start(),
            is_interpolated: false,
        }
    }

    fn mount(&self, item: &Arc<Node>) -> Mount {
        let field = |key| text(item, &[key]);
        let target = match field("Destination") {
            Some(target) => Knowable::Known(target.trim_end_matches('/').to_owned()),
            None => Knowable::unknown("docker inspect does not say where it is mounted"),
        };
        let host = |written: &str, path: &str| MountSource::Bind(HostPath::new(written, path));
        let source = match (field("Type"), field("Source")) {
            (Some("tmpfs"), _) => Knowable::Known(MountSource::Empty),
            (Some("volume"), source) => {
                let name = field("Name").unwrap_or("a volume");
                let here =
                    source.filter(|source| self.is_here() && std::fs::read_dir(source).is_ok());
                Knowable::Known(match here {
                    Some(source) => host(name, source),
                    None => MountSource::Named(name.to_owned()),
                })
            }
            (_, Some(source)) if self.is_here() => Knowable::Known(host(source, source)),
            _ => Knowable::unknown("it is on the machine of the container, which is not this one"),
        };
        Mount {
            source,
            target,
            span: self.span(item).at_start(),
            is_interpolated: false,
        }
    }

    /// Whether the container is on this machine, as far as a file of its engine tells. A folder that only root reads
    /// is at least that of an engine.
    fn is_here(&self) -> bool {
        let Some(own) = self.text(&["HostsPath"]) else {
            return true;
        };
        match std::fs::metadata(own) {
            Ok(_) => true,
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Whether containers of other deployments are on one of its networks.
    fn is_shared(&self, all: &[Inspected<'_>], own: &[(&str, &Node, Span)]) -> bool {
        all.iter()
            .filter(|other| other.group() != self.group())
            .any(|other| {
                let names = other.networks();
                names
                    .iter()
                    .any(|(name, ..)| own.iter().any(|(own, ..)| own == name))
            })
    }

    /// Whose network it has, if it has none of its own.
    fn network_mode(&self, all: &[Inspected<'_>]) -> Option<Text> {
        let node = at(self.node, &["HostConfig", "NetworkMode"])?;
        let mode = node.text()?;
        let text = match mode.split_once(':') {
            Some(("container", id)) => {
                let is_meant =
                    |other: &&Inspected<'_>| other.id == Some(id) || other.own_name() == id;
                let name = all.iter().find(is_meant).map_or(id, Inspected::own_name);
                format!("container:{name}")
            }
            _ if ["host", "none"].contains(&mode) => mode.to_owned(),
            _ => return None,
        };
        Some(Text {
            text,
            span: self.span(node),
        })
    }

    fn privileged(&self) -> Option<Span> {
        let node = at(self.node, &["HostConfig", "Privileged"])?;
        is_true(self.node, &["HostConfig", "Privileged"]).then(|| self.span(node))
    }

    fn capability(&self) -> Option<(&'static str, Span)> {
        let mut added = list(self.node, &["HostConfig", "CapAdd"]).iter();
        added.find_map(|one| Some((capability_of_root(one.text()?)?, self.span(one))))
    }

    fn labels(&self) -> Vec<Label> {
        let labels = at(self.node, &["Config", "Labels"]);
        let fields = labels.map(|labels| labels.fields()).unwrap_or_default();
        let label = |field: &crate::yaml::Field<'_>| {
            Some(Label {
                name: field.key.text()?.to_owned(),
                value: Knowable::Known(field.value.scalar()?.text().to_owned()),
                reader: LabelReader::Engine,
                span: self.span(field.value),
            })
        };
        fields.iter().filter_map(label).collect()
    }
}

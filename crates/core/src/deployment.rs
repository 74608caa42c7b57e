//! What the user's files say: which of the services are ClearML servers, and what each of them is given.

mod conf;
mod config;
mod database;
mod database_file;
pub mod exposure;
mod foreign;
mod listens;
mod mounts;
mod program;
mod recognise;
mod referenced;
mod scripts;
pub(crate) mod started;

use std::collections::HashSet;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

pub(crate) use recognise::is_clearml;
use recognise::{Hint, Recognised};
pub use recognise::{has_official_image, is_agent};
use zeroize::Zeroizing;

use crate::compose::files::{Files, GivenFile};
use crate::compose::{EnvFiles, Loader, Project, Service};
use crate::container::{Container, Doubt, Variable, VariableValue};
use crate::error::Error;
use crate::hocon;
use crate::instance::{ConfigFile, Instance, Listening};
use crate::setting::Server;
use crate::source::{SourceId, Sources};
use crate::unseen::{Hides, Unseen};
use config::Content;
pub use database::Database;
pub use database_file::elasticsearch_variable;
use exposure::{Exposure, Names, Namespace};
pub use foreign::REDIS_HOST;
pub use mounts::There;

/// The user's files, understood.
pub struct Deployment {
    /// The texts, for places and source lines.
    pub sources: Sources,
    /// What each container is given.
    pub containers: Vec<Arc<Container>>,
    /// The first text that was given.
    pub first: SourceId,
    /// The ClearML servers, in the order of the files.
    pub instances: Vec<Instance>,
    /// What could not be looked at.
    pub unseen: Vec<Unseen>,
    /// The files from which compose takes variables, in words: `.env`, unless others are named.
    pub env_files: String,
    /// Where each container is in the network.
    namespaces: Vec<Namespace>,
    /// Who has which name.
    names: Names,
    exposure: Exposure,
    /// Of each container, which of them it names, once somebody asks.
    named: Vec<OnceLock<HashSet<usize>>>,
}

/// A deployment that compose files describe. Only such can be edited.
pub struct Composed {
    /// What the files say; its services are in the order of the containers, unless some of these are left out.
    pub project: Project,
    /// What is left out, because compose starts no container of it.
    pub unstarted: Vec<Arc<Container>>,
    deployment: Deployment,
}

impl Deref for Composed {
    type Target = Deployment;

    fn deref(&self) -> &Deployment {
        &self.deployment
    }
}

impl From<Composed> for (Deployment, Project) {
    fn from(composed: Composed) -> Self {
        (composed.deployment, composed.project)
    }
}

impl Composed {
    /// Reads the deployment, with every `env_file` and mounted `.conf` that it names and that is there.
    ///
    /// # Errors
    /// What is not a compose file, or cannot be read although it is there.
    pub fn load(files: Files) -> Result<Self, Error> {
        let mut sources = Sources::new();
        let mut loader = Loader::default();
        let mut give = |(path, text): GivenFile| loader.give(&mut sources, &path, text);
        let compose: Vec<_> = files.compose.into_iter().map(&mut give).collect();
        let env: Vec<_> = files.env.into_iter().map(&mut give).collect();
        let env = match files.is_env_default {
            true => EnvFiles::Default(&env),
            false => EnvFiles::Named(&env),
        };
        let mut project = Project::load(&mut loader, &mut sources, &files.folder, &compose, env)?;
        if !files.is_besides {
            project.note_compose_file(&sources);
        }
        let mut unread = project.unread_by_service();
        for service in &mut project.services {
            // Nobody else has it yet.
            if let Some(container) = Arc::get_mut(&mut service.container) {
                container.unread = unread.remove(&container.name);
                started::hide_encrypted(container);
                started::apply(container, &mut loader, &mut sources);
            }
        }
        let named = env_files(&sources, env);
        let services = project.services.iter();
        let (unstarted, started): (Vec<_>, Vec<_>) =
            services.partition(|service| files.is_of_started && project.starts_none(service));
        let of = |services: &[&Service]| -> Vec<Arc<Container>> {
            let containers = services.iter().map(|one| Arc::clone(&one.container));
            containers.collect()
        };
        let is_left_out = |unseen: &&Unseen| {
            let mut names = unstarted.iter().map(|service| &service.name);
            unseen
                .service
                .as_ref()
                .is_some_and(|name| names.any(|one| one == name))
        };
        let unseen = project.unseen.iter().chain(&project.remote);
        let unseen = unseen.filter(|one| !is_left_out(one));
        let given = Given {
            first: project.files[0],
            containers: of(&started),
            unseen: unseen.cloned().collect(),
            config_dir: files.config_dir.as_deref(),
        };
        let unstarted = of(&unstarted);
        let mut deployment = Deployment::of_containers(given, sources, &mut loader)?;
        deployment.env_files = named.unwrap_or(deployment.env_files);
        deployment.miss_unstarted(&unstarted);
        if !deployment.instances.is_empty() {
            deployment.unseen.extend(project.refused.iter().cloned());
        }
        Ok(Self {
            deployment,
            project,
            unstarted,
        })
    }
}

impl Composed {
    /// Whether a server of ClearML is among what is left out.
    pub fn has_unstarted_server(&self) -> bool {
        self.unstarted.iter().any(|container| is_server(container))
    }
}

/// The env files that are named, in words; none where compose looks for `.env`.
fn env_files(sources: &Sources, env: EnvFiles<'_>) -> Option<String> {
    let EnvFiles::Named(files) = env else {
        return None;
    };
    let name = |id: &SourceId| sources.name(*id).to_string_lossy().into_owned();
    let names: Vec<String> = files.iter().map(name).collect();
    (!names.is_empty()).then(|| crate::shown::escape(&names.join(", ")).into_owned())
}

/// What a source makes of the user's files.
pub(crate) struct Given<'a> {
    /// The first text that was given.
    pub(crate) first: SourceId,
    pub(crate) containers: Vec<Arc<Container>>,
    pub(crate) unseen: Vec<Unseen>,
    /// The configuration folder of every server, instead of what is mounted.
    pub(crate) config_dir: Option<&'a Path>,
}

/// Whether an image's name is that of software that leads to others: a proxy, a tunnel, a page for databases.
fn is_software(name: &str) -> bool {
    exposure::is_software(name)
}

/// Whether a container runs a server of ClearML.
pub(crate) fn is_server(container: &Container) -> bool {
    !recognise::recognise(container).servers.is_empty()
}

impl Deployment {
    /// Whether a service is one of ClearML's own: a server, or a program of another image of theirs.
    pub fn is_own(&self, service: usize) -> bool {
        self.instances
            .iter()
            .any(|instance| instance.service == service)
            || recognise::is_own_image(&self.containers[service])
    }

    /// Finds the servers among containers, and reads the `.conf` files that are mounted into them.
    pub(crate) fn of_containers(
        given: Given<'_>,
        sources: Sources,
        loader: &mut Loader,
    ) -> Result<Self, Error> {
        let before = sources.ids().count();
        let namespaces = exposure::namespaces(&given.containers);
        let mut deployment = Self {
            sources,
            names: Names::of_all(&given.containers, &namespaces),
            namespaces,
            named: vec![OnceLock::new(); given.containers.len()],
            containers: given.containers,
            first: given.first,
            unseen: given.unseen,
            env_files: ".env".to_owned(),
            instances: Vec::new(),
            exposure: Exposure::default(),
        };
        let mut recognised: Vec<Recognised> = deployment
            .containers
            .iter()
            .map(|container| recognise::recognise(container))
            .collect();
        recognise::settle(&mut recognised);
        let mut known = conf::Trees::new();
        for (index, recognised) in recognised.iter().enumerate() {
            let container = &deployment.containers[index];
            if recognised.servers.is_empty() {
                deployment.unseen.extend(recognised.unseen(container));
            } else {
                deployment.unseen.extend(doubts(container));
            }
            for server in recognised.servers.iter().copied() {
                let mut instance = Instance {
                    server,
                    service: index,
                    family: recognised.family,
                    release: recognised.release.clone(),
                    accounts_of: None,
                    listening: Listening::default(),
                    config: Vec::new(),
                    is_image_hidden: false,
                    unseen_config: Vec::new(),
                };
                if server.reads_configuration() {
                    deployment.load_config(&mut instance, given.config_dir, loader, &mut known)?;
                }
                let container = &deployment.containers[index];
                instance.listening = listens::of(container, &instance);
                deployment.instances.push(instance);
            }
        }
        deployment.call_referenced(before);
        deployment.note_accounts();
        deployment.doubt(&recognised);
        let (exposure, unseen) = Exposure::of(&deployment);
        deployment.exposure = exposure;
        deployment.unseen.extend(unseen);
        Ok(deployment)
    }

    /// Which accounts an agent can have depends on the API server. Of several the oldest counts: a pair that one of them does
    /// not know locks an agent out.
    fn note_accounts(&mut self) {
        let versions = self
            .of(Server::Apiserver)
            .filter_map(Instance::known_version);
        let oldest = versions.min();
        for instance in &mut self.instances {
            if instance.server == Server::AgentServices {
                instance.accounts_of = oldest;
            }
        }
    }

    /// What else keeps the deployment from being fully seen, now that its servers are known.
    fn doubt(&mut self, recognised: &[Recognised]) {
        self.forget_foreign(recognised);
        let services = self.containers.iter().zip(recognised);
        let has_servers = !self.instances.is_empty();
        let is_said = |hint: &Hint| {
            let is_missing = || self.of(hint.server).next().is_none();
            hint.is_of_another || (has_servers || hint.is_alone) && is_missing()
        };
        let hinted = services.clone().filter_map(|(service, one)| {
            let hint = one.hint.filter(is_said)?;
            Some(recognise::unseen(service, hint.reason))
        });
        let hinted: Vec<Unseen> = hinted.collect();
        let is_hinted = !hinted.is_empty();
        self.unseen.extend(hinted);
        if self.instances.is_empty() {
            let idle = { services }.find(|(_, one)| one.is_idle && !is_hinted);
            let idle = idle.map(|(service, _)| recognise::unseen(service, recognise::IDLE));
            self.unseen.extend(idle);
            return;
        }
        if self
            .instances
            .iter()
            .all(|instance| instance.server == Server::Webserver)
        {
            self.unseen.push(Unseen {
                what: "the servers that read settings".to_owned(),
                hides: Hides::Anything,
                reason: "apiserver, fileserver and async_delete are not in this file; look at the file they are in"
                    .to_owned(),
                service: None,
                span: None,
            });
        }
    }

    /// What a service that is known to be none of ClearML's is given makes no difference, but for the ports of databases
    /// beside its servers. Where there is no server, only what may hide one does.
    fn forget_foreign(&mut self, recognised: &[Recognised]) {
        let containers = &self.containers;
        let has_servers = !self.instances.is_empty();
        let matters = |unseen: &Unseen| {
            let Some(name) = &unseen.service else {
                return true;
            };
            let of_name = |(container, _): &(&Arc<Container>, &Recognised)| container.name == *name;
            let mut named = containers.iter().zip(recognised).filter(of_name);
            let Some((container, one)) = named.next() else {
                return true;
            };
            let is_foreign = one.is_foreign && one.hint.is_none();
            match unseen.hides {
                Hides::Base | Hides::Port if has_servers => {
                    !is_foreign || Database::of(container).is_some()
                }
                Hides::Anything | Hides::Base | Hides::Program | Hides::Services => !is_foreign,
                Hides::Files | Hides::Variables if has_servers => !is_foreign,
                Hides::Files | Hides::Port | Hides::Variables => false,
                Hides::Way => true,
            }
        };
        let unseen = std::mem::take(&mut self.unseen);
        self.unseen = unseen.into_iter().filter(matters).collect();
    }

    /// Without its API server no deployment works: somebody starts one that compose does not.
    fn miss_unstarted(&mut self, unstarted: &[Arc<Container>]) {
        if self.of(Server::Apiserver).next().is_some() {
            return;
        }
        let is_one = |container: &&Arc<Container>| {
            let servers = recognise::recognise(container).servers;
            servers.contains(&Server::Apiserver)
        };
        let found = unstarted.iter().filter(is_one);
        self.unseen
            .extend(found.map(|container| recognise::unseen(container, recognise::UNSTARTED)));
    }

    /// The container an instance runs in.
    pub fn service(&self, instance: &Instance) -> &Container {
        &self.containers[instance.service]
    }

    /// The instances of one server.
    pub fn of(&self, server: Server) -> impl Iterator<Item = &Instance> {
        self.instances
            .iter()
            .filter(move |instance| instance.server == server)
    }

    /// What a container has at a path of its own, as its mounts tell.
    pub fn at<'a>(&'a self, container: &'a Container, path: &str) -> There<'a> {
        mounts::at(container, path)
    }

    /// The file that an instance loads, or would load, at a key such as `services.auth`. None where no folder is mounted
    /// for it, or not one that is here.
    pub fn config_path(&self, instance: &Instance, key: &str) -> Option<PathBuf> {
        config::path(self.service(instance), instance, key)
    }

    /// An instance as it would be if its file at a key ended with these lines, which of its files that is, and how
    /// long it is without them.
    pub(crate) fn with_lines(
        &self,
        instance: &Instance,
        path: &Path,
        key: &str,
        lines: &str,
    ) -> (Instance, usize, usize) {
        let mut config = instance.config.clone();
        let known = config
            .iter()
            .position(|file| self.sources.path(file.source) == path);
        let text = known.map_or("", |at| self.sources.text(config[at].source));
        let length = text.len();
        let text = Zeroizing::new(format!("{text}\n{lines}"));
        let in_container = known.map_or_else(
            || format!("{}/{}.conf", config::GIVEN, key.replace('.', "/")),
            |at| config[at].at.clone(),
        );
        let mut reader = conf::Reader {
            container: self.service(instance),
            given: None,
            loader: &mut Loader::default(),
            sources: &mut Sources::new(),
            is_kept: false,
        };
        let tree = reader.read(&in_container, &text);
        let at = known.unwrap_or(config.len());
        if known.is_none() {
            config.push(ConfigFile {
                key: key.to_owned(),
                at: in_container,
                is_default: false,
                // It has no text yet, and nobody asks for a place in it.
                source: self.first,
                tree: Ok(Arc::default()),
            });
        }
        config[at].tree = tree;
        let changed = Instance {
            config,
            listening: instance.listening.clone(),
            unseen_config: instance.unseen_config.clone(),
            release: instance.release.clone(),
            ..*instance
        };
        (changed, at, length)
    }

    /// What is written for a path of the host, where that is a mount's, written with variables: `${DIR}/secure.conf`.
    pub fn referenced(&self, path: &Path) -> Option<String> {
        referenced::name(&self.containers, &self.sources, path)
    }

    /// Lets messages call the texts behind the first few by what is written for their paths.
    fn call_referenced(&mut self, first: usize) {
        let ids: Vec<_> = self.sources.ids().skip(first).collect();
        for id in ids {
            if let Some(written) = self.referenced(self.sources.path(id)) {
                self.sources.call(id, &written);
            }
        }
    }

    /// Why a file cannot be opened, and what helps.
    fn unopened(&self, path: &Path, error: Error) -> String {
        // A path may hold what an env file has.
        let error = match self.referenced(path) {
            Some(written) => error.of_file(written.into()),
            None => error,
        };
        let help = error.help().map(|help| format!("; {help}"));
        format!("{error}{}", help.unwrap_or_default())
    }

    /// What a file or a folder of the host is called: as it is written, where its path may hold what an env file has.
    fn shown_name(&self, content: &Content) -> PathBuf {
        match content {
            Content::Host(path) | Content::Unlisted(path, _) | Content::Unknown(path, _) => {
                let written = self.referenced(path).map(PathBuf::from);
                written.unwrap_or_else(|| path.clone())
            }
            Content::Text(file) => PathBuf::from(&file.name),
        }
    }

    fn load_config(
        &mut self,
        instance: &mut Instance,
        config_dir: Option<&Path>,
        loader: &mut Loader,
        known: &mut conf::Trees,
    ) -> Result<(), Error> {
        let container = &self.containers[instance.service];
        let mut found = config::defaults(container, instance, loader)?;
        instance.is_image_hidden = found.is_whole;
        found.append(match config_dir {
            Some(folder) => config::given(folder)?,
            None => config::mounted(container, instance, loader)?,
        });
        instance.unseen_config = found.unseen;
        let strange = config::strange_image(container);
        instance.unseen_config.extend(strange);
        for file in found.files {
            let name = self.shown_name(&file.content);
            let opened = match file.content {
                Content::Host(path) => loader
                    .open(&mut self.sources, &path)
                    .map_err(|error| self.unopened(&path, error)),
                Content::Text(file) => Ok(match file.within {
                    Some(within) => self.sources.add_within(file.name, file.text, within),
                    None => self.sources.add(file.name, file.text),
                }),
                Content::Unlisted(path, error) => Err(self.unopened(&path, error)),
                Content::Unknown(_, reason) => Err(reason.as_str().to_owned()),
            };
            let source = match opened {
                Ok(source) => source,
                Err(reason) => {
                    let unseen = config::unopened(container, &file.at, reason);
                    instance.config.push(ConfigFile {
                        tree: conf::unknown(&unseen.reason),
                        key: file.key,
                        at: file.at,
                        is_default: file.is_default,
                        source: self.sources.add(&name, Zeroizing::default()),
                    });
                    instance.unseen_config.push(unseen);
                    continue;
                }
            };
            let mut reader = conf::Reader {
                container,
                given: config_dir,
                loader,
                sources: &mut self.sources,
                is_kept: true,
            };
            let mut tree = reader.read_once(&file.at, source, known);
            if let Some(reason) = conf::unread(&tree) {
                let reason = format!("{}: {reason}", crate::shown::escape_path(&name));
                let unseen = config::unopened(container, &file.at, reason);
                tree = conf::unknown(&unseen.reason);
                instance.unseen_config.push(unseen);
            }
            instance.config.push(ConfigFile {
                tree,
                key: file.key,
                at: file.at,
                is_default: file.is_default,
                source,
            });
        }
        Ok(())
    }
}

/// What is not known where a container may change what its server is given.
pub const OF_THE_CONTAINER: &str = "the effect of the image, the command and the hooks";

/// What may change what a server is given and is not known.
fn doubts(container: &Container) -> impl Iterator<Item = Unseen> {
    let of = |what: &'static str, doubt: &Doubt| Unseen {
        what: what.to_owned(),
        hides: doubt.hides,
        reason: doubt.reason.as_str().to_owned(),
        service: Some(container.name.clone()),
        span: Some(doubt.span),
    };
    let sources = container.pod.iter().flat_map(|pod| &pod.sources);
    let sources = sources.map(move |doubt| match doubt.hides {
        Hides::Anything => of("the start", doubt),
        _ => of("the variables of envFrom", doubt),
    });
    let own = container.doubts.iter();
    let own = own.map(move |doubt| match doubt.hides {
        Hides::Port => of("which ports it publishes", doubt),
        _ => of(OF_THE_CONTAINER, doubt),
    });
    own.chain(sources)
}

/// Names that a container has although no file sets them: from docker, or from the image's Python.
const FROM_THE_IMAGE: [&str; 8] = [
    "GPG_KEY",
    "HOME",
    "HOSTNAME",
    "LANG",
    "PATH",
    "PWD",
    "PYTHONPATH",
    "TERM",
];

/// Whether a container has a variable of this name from its image.
fn is_of_the_image(name: &str) -> bool {
    FROM_THE_IMAGE.contains(&name) || name.starts_with("PYTHON_")
}

/// What `${NAME}` in a server's HOCON stands for: the container's variable, raw
/// (docs/clearml.md#references-in-a-conf-file).
pub(crate) fn raw_value(environment: &[Variable], name: &str) -> hocon::Lookup {
    let unknown = || {
        let name = crate::shown::escape(name);
        hocon::Lookup::Unknown(format!(
            "it is made with ${{{name}}}, whose value is not known here"
        ))
    };
    let variable = environment.iter().find(|variable| variable.name == name);
    match variable.map(|variable| &variable.value) {
        Some(VariableValue::Known(value)) => hocon::Lookup::Known(value.expose().to_owned().into()),
        Some(_) => unknown(),
        None if is_of_the_image(name) => unknown(),
        None => hocon::Lookup::Unset,
    }
}

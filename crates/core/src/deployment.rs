//! What the user's files say: which of the services are ClearML servers, and what each of them is given.

mod config;
mod database;
mod recognise;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use recognise::Recognised;
use zeroize::Zeroizing;

use crate::compose::{Hides, Project, ProjectEnv, Service, Unseen, Variable, VariableValue};
use crate::error::Error;
use crate::io::{read_argument, read_text};
use crate::setting::{Server, Setting};
use crate::source::{SourceId, Sources};
use crate::version::Version;
use crate::{hocon, known};
pub use database::Database;

/// Names that docker compose looks for, and the overrides it merges over them by itself.
const DEFAULTS: [(&str, [&str; 2]); 4] = [
    (
        "compose.yaml",
        ["compose.override.yaml", "compose.override.yml"],
    ),
    (
        "compose.yml",
        ["compose.override.yml", "compose.override.yaml"],
    ),
    (
        "docker-compose.yml",
        [
            "docker-compose.override.yml",
            "docker-compose.override.yaml",
        ],
    ),
    (
        "docker-compose.yaml",
        [
            "docker-compose.override.yaml",
            "docker-compose.override.yml",
        ],
    ),
];

/// Whether `docker compose` looks for a file of this name.
pub fn is_default(name: &str) -> bool {
    DEFAULTS.iter().any(|(default, _)| *default == name)
}

/// The file that `docker compose` takes in a folder when it is told none.
pub fn default_in(folder: &Path) -> Option<PathBuf> {
    let mut paths = DEFAULTS.iter().map(|(name, _)| folder.join(name));
    paths.find(|path| is_there(path))
}

/// The file that `docker compose` merges over one with a default name, where it is there.
pub fn override_beside(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let (_, overrides) = DEFAULTS.iter().find(|(default, _)| *default == name)?;
    overrides
        .iter()
        .map(|name| path.with_file_name(name))
        .find(|path| is_there(path))
}

/// Whether compose would open something of this name. What is no file is an error when it is read.
fn is_there(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.is_dir())
}

/// The `.env` that compose takes from the project's folder, path and text.
fn env_beside(folder: &Path) -> Result<Option<(PathBuf, Zeroizing<String>)>, Error> {
    let path = folder.join(".env");
    if is_there(&path) {
        let text = read_text(&path)?;
        Ok(Some((path, text)))
    } else {
        Ok(None)
    }
}

/// The texts and paths that a deployment is read from.
pub struct Files {
    /// Relative paths in compose files start here.
    pub folder: PathBuf,
    /// The compose files, lowest precedence first: path and text.
    pub compose: Vec<(PathBuf, Zeroizing<String>)>,
    /// The file for interpolation: path and text.
    pub env: Option<(PathBuf, Zeroizing<String>)>,
    /// The configuration folder of every server, instead of what is mounted.
    pub config_dir: Option<PathBuf>,
}

impl Files {
    /// Reads the compose files that the command line names, and `.env` beside the first of them where `env_file` names
    /// none.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(
        compose: &[PathBuf],
        env_file: Option<&Path>,
        config_dir: Option<&Path>,
    ) -> Result<Self, Error> {
        let read = |path: &PathBuf| Ok((path.clone(), read_argument(path)?));
        let texts = compose
            .iter()
            .map(read)
            .collect::<Result<Vec<_>, Error>>()?;
        let env = match env_file {
            Some(path) => Some((path.to_owned(), read_argument(path)?)),
            None => None,
        };
        Self::of(texts, env, config_dir)
    }

    /// The same from texts that were read before.
    ///
    /// # Errors
    /// A `.env` that cannot be read.
    pub fn of(
        compose: Vec<(PathBuf, Zeroizing<String>)>,
        env: Option<(PathBuf, Zeroizing<String>)>,
        config_dir: Option<&Path>,
    ) -> Result<Self, Error> {
        let first = compose.first().and_then(|(path, _)| path.parent());
        let folder = first.unwrap_or(Path::new("")).to_owned();
        Ok(Self {
            env: match env {
                Some(env) => Some(env),
                None => env_beside(&folder)?,
            },
            folder,
            compose,
            config_dir: config_dir.map(Path::to_owned),
        })
    }
}

/// The user's files, understood.
pub struct Deployment {
    /// The texts, for places and source lines.
    pub sources: Sources,
    /// The compose project.
    pub project: Project,
    /// The ClearML servers, in the order of the files.
    pub instances: Vec<Instance>,
    /// What could not be looked at.
    pub unseen: Vec<Unseen>,
}

/// A service that runs a ClearML server. An all-in-one service is several instances.
pub struct Instance {
    /// What it runs.
    pub server: Server,
    /// Which service of the project.
    pub service: usize,
    /// Which line of images.
    pub family: Family,
    /// The version its image's tag tells; none for `latest`, which is taken for the newest.
    pub version: Option<Version>,
    /// Whether the version is settled; a digest or a tag of somebody's own says nothing.
    pub is_version_told: bool,
    /// The `*.conf` files it loads, in the order it loads them.
    pub config: Vec<ConfigFile>,
    /// Configuration folders whose files cannot be seen here, and why.
    pub unseen_config: Vec<Unseen>,
}

/// Which line of images a server is of. It decides which variables are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `allegroai/clearml`, `clearml/server`: reads `TRAINS__` and then `CLEARML__` variables.
    Clearml,
    /// `allegroai/trains`, up to 0.16: reads `TRAINS__` variables alone.
    Trains,
}

impl Family {
    /// The prefixes of configuration variables, in the order they are read: the last one wins.
    pub fn prefixes(self) -> &'static [&'static str] {
        match self {
            Self::Clearml => &["TRAINS__", "CLEARML__"],
            Self::Trains => &["TRAINS__"],
        }
    }
}

/// One `.conf` file that a server loads.
#[derive(Clone)]
pub struct ConfigFile {
    /// The path below the configuration folder as a key: `secure`, `services.auth`.
    pub key: String,
    /// Its text.
    pub source: SourceId,
    /// What pyhocon makes of it, or why it makes the server not start.
    pub tree: Result<hocon::Object, hocon::Error>,
}

impl Deployment {
    /// Whether a service is one of ClearML's own: a server, or a program of another image of theirs.
    pub fn is_own(&self, service: usize) -> bool {
        self.instances
            .iter()
            .any(|instance| instance.service == service)
            || recognise::is_own_image(&self.project.services[service])
    }

    /// Reads the deployment, with every `env_file` and mounted `.conf` that it names and that is there.
    ///
    /// # Errors
    /// What is not a compose file, or cannot be read although it is there.
    pub fn load(files: Files) -> Result<Self, Error> {
        let mut sources = Sources::new();
        let env = match files.env {
            Some((path, text)) => ProjectEnv::read(&mut sources, &path, text)?,
            None => ProjectEnv::default(),
        };
        let project = Project::load(&mut sources, &files.folder, files.compose, env)?;
        let mut deployment = Self {
            unseen: project.unseen.clone(),
            sources,
            project,
            instances: Vec::new(),
        };
        let mut cache = ConfigCache::default();
        let recognised: Vec<Recognised> = deployment
            .project
            .services
            .iter()
            .map(recognise::recognise)
            .collect();
        for (index, recognised) in recognised.iter().enumerate() {
            if recognised.servers.is_empty() {
                deployment
                    .unseen
                    .extend(recognised.unseen(&deployment.project.services[index]));
            }
            for server in recognised.servers.iter().copied() {
                let mut instance = Instance {
                    server,
                    service: index,
                    family: recognised.family,
                    version: recognised.version,
                    is_version_told: recognised.is_version_told,
                    config: Vec::new(),
                    unseen_config: Vec::new(),
                };
                if server.reads_configuration() {
                    deployment.load_config(
                        &mut instance,
                        files.config_dir.as_deref(),
                        &mut cache,
                    )?;
                }
                deployment.instances.push(instance);
            }
        }
        deployment.doubt(&recognised);
        Ok(deployment)
    }

    /// What else keeps the deployment from being fully seen, now that its servers are known.
    fn doubt(&mut self, recognised: &[Recognised]) {
        self.forget_foreign(recognised);
        if self.instances.is_empty() {
            return;
        }
        for (service, one) in self.project.services.iter().zip(recognised) {
            let is_missing = |server: &Server| self.of(*server).next().is_none();
            if one.named.as_ref().is_some_and(is_missing) {
                self.unseen
                    .push(recognise::unseen(service, recognise::ONLY_NAMED));
            }
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
        let services = &self.project.services;
        let has_servers = !self.instances.is_empty();
        let matters = |unseen: &Unseen| {
            let Some(name) = &unseen.service else {
                return true;
            };
            let of_name = |(service, _): &(&Service, &Recognised)| service.name == *name;
            let mut named = services.iter().zip(recognised).filter(of_name);
            let Some((service, one)) = named.next() else {
                return true;
            };
            let is_foreign = one.is_foreign && one.named.is_none();
            match unseen.hides {
                Hides::Anything | Hides::Services => !is_foreign,
                Hides::Port if has_servers => !is_foreign || Database::of(service).is_some(),
                Hides::Variables if has_servers => !is_foreign,
                Hides::Port => false,
                // What it extends may make it a server, which no variable does.
                Hides::Variables => {
                    !is_foreign
                        && service
                            .parts
                            .iter()
                            .any(|part| part.node.get("extends").is_some())
                }
            }
        };
        let unseen = std::mem::take(&mut self.unseen);
        self.unseen = unseen.into_iter().filter(matters).collect();
    }

    /// The service an instance runs in.
    pub fn service(&self, instance: &Instance) -> &Service {
        &self.project.services[instance.service]
    }

    /// The instances of one server.
    pub fn of(&self, server: Server) -> impl Iterator<Item = &Instance> {
        self.instances
            .iter()
            .filter(move |instance| instance.server == server)
    }

    /// The file that an instance loads, or would load, at a key such as `services.auth`. None where no folder is mounted
    /// for it, or not one that is here.
    pub fn config_path(&self, instance: &Instance, key: &str) -> Option<PathBuf> {
        config::path(&self.project, instance, key)
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
        let tree = parse(path, &text, &self.service(instance).environment);
        let at = known.unwrap_or(config.len());
        if known.is_none() {
            config.push(ConfigFile {
                key: key.to_owned(),
                // It has no text yet, and nobody asks for a place in it.
                source: self.project.layers[0].source,
                tree: Ok(hocon::Object::default()),
            });
        }
        config[at].tree = tree;
        let changed = Instance {
            config,
            unseen_config: instance.unseen_config.clone(),
            ..*instance
        };
        (changed, at, length)
    }

    fn load_config(
        &mut self,
        instance: &mut Instance,
        config_dir: Option<&Path>,
        cache: &mut ConfigCache,
    ) -> Result<(), Error> {
        let found = match config_dir {
            Some(folder) => config::given(folder)?,
            None => config::mounted(&self.project, instance)?,
        };
        instance.unseen_config = found.unseen;
        let environment = &self.project.services[instance.service].environment;
        for (key, path) in found.files {
            let source = match cache.sources.get(&path) {
                Some(source) => *source,
                None => {
                    let text = read_text(&path)?;
                    let source = self.sources.add(path.clone(), text);
                    cache.sources.insert(path.clone(), source);
                    source
                }
            };
            let tree = parse(&path, self.sources.text(source), environment);
            instance.config.push(ConfigFile { key, source, tree });
        }
        Ok(())
    }
}

/// What an instance with this environment makes of a `.conf` file.
fn parse(path: &Path, text: &str, environment: &[Variable]) -> Result<hocon::Object, hocon::Error> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let lookup = |name: &str| raw_value(environment, name);
    let include = |name: &str| {
        read_text(&folder.join(name))
            .ok()
            .map(|text| text.to_string())
    };
    let context = hocon::Context {
        environment: &lookup,
        include: &include,
    };
    hocon::parse(text, &context)
}

impl Instance {
    /// The settings this instance reads, as far as its version knows them.
    pub fn settings(&self) -> impl Iterator<Item = Setting> {
        crate::setting::SETTINGS
            .into_iter()
            .filter(|setting| self.reads(*setting))
    }

    /// Whether this instance reads a setting.
    pub fn reads(&self, setting: Setting) -> bool {
        setting.servers().contains(&self.server)
            && known::has_setting(setting, self.known_version())
    }

    /// Whether all of its configuration is here and can be read: no folder is hidden, no file of it broken.
    pub fn is_config_seen(&self) -> bool {
        self.unseen_config.is_empty() && self.config.iter().all(|file| file.tree.is_ok())
    }

    /// The version for questions about defaults: the line of `trains` images ended before 0.17.
    pub fn known_version(&self) -> Option<Version> {
        match self.family {
            Family::Clearml => self.version,
            Family::Trains => self.version.or(Some(Version::new(0, 16, 0))),
        }
    }

    /// The variable that sets a setting here, spelt as the documentation does.
    pub fn variable(&self, setting: Setting) -> String {
        let raw = setting
            .raw_variable()
            .filter(|_| self.server == Server::AgentServices);
        if let Some(name) = raw {
            return name.to_owned();
        }
        self.variable_of(setting.path())
    }

    /// Every variable that sets a setting here directly, in the order they are read: the last one wins.
    pub fn spellings<'a>(
        &self,
        setting: Setting,
        environment: &'a [Variable],
    ) -> Vec<&'a Variable> {
        if self.server == Server::AgentServices {
            let raw = setting.raw_variable();
            return environment
                .iter()
                .filter(|variable| Some(variable.name.as_str()) == raw)
                .collect();
        }
        self.spellings_of(setting.path(), environment)
    }

    /// Every variable that sets a configuration path directly, in the order they are read: the last one wins.
    pub fn spellings_of<'a>(&self, path: &str, environment: &'a [Variable]) -> Vec<&'a Variable> {
        let mut found = Vec::new();
        for prefix in self.family.prefixes() {
            // The environment is sorted by name, which is the order the servers read it in.
            found.extend(environment.iter().filter(|variable| {
                variable
                    .name
                    .strip_prefix(prefix)
                    .is_some_and(|rest| rest.replace("__", ".").eq_ignore_ascii_case(path))
            }));
        }
        found
    }

    /// The variable that sets a configuration path here, spelt as the documentation does.
    pub fn variable_of(&self, path: &str) -> String {
        let prefix = match self.family {
            Family::Clearml => "CLEARML__",
            Family::Trains => "TRAINS__",
        };
        format!("{prefix}{}", path.to_ascii_uppercase().replace('.', "__"))
    }
}

#[derive(Default)]
struct ConfigCache {
    sources: HashMap<PathBuf, SourceId>,
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

/// Stands for a value that the container has and that is not known here. No file can hold it by chance: it is
/// of Unicode's private use.
const UNKNOWN: &str = "\u{f8ff}unknown\u{f8ff}";

/// What `${NAME}` in a server's HOCON stands for: the container's variable, raw
/// (docs/clearml.md#references-in-a-conf-file).
pub(crate) fn raw_value(environment: &[Variable], name: &str) -> Option<String> {
    let variable = environment.iter().find(|variable| variable.name == name);
    match variable.map(|variable| &variable.value) {
        Some(VariableValue::Known(value)) => Some(value.expose().to_owned()),
        Some(_) => Some(UNKNOWN.to_owned()),
        None if FROM_THE_IMAGE.contains(&name) || name.starts_with("PYTHON_") => {
            Some(UNKNOWN.to_owned())
        }
        None => None,
    }
}

/// Whether a text was made with a value that is not known here.
pub(crate) fn is_unknown(text: &str) -> bool {
    text.contains(UNKNOWN)
}

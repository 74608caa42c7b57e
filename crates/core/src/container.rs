//! What every source of a deployment comes to: containers, each with what a process in it is given. Rules, the effective
//! configuration, proofs and outputs know containers, and not where they come from.

pub(crate) mod host;
mod pod;
mod port;
mod variable;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::dockerignore::BuildContext;
use crate::knowable::{Knowable, Reason};
use crate::secret::Secret;
use crate::source::{Span, Within};
use crate::unseen::Hides;
use crate::version::Version;

pub use host::{Asked, ServiceName};
pub use pod::{BrokenReference, Entrance, EntranceKind, Pod, Speaks};
pub use port::{Interface, Opener, Port};
pub use variable::{Elsewhere, Origin, Variable, VariableValue};

/// What one container is given.
#[derive(Clone)]
pub struct Container {
    /// Its name: that of a compose service.
    pub name: String,
    /// Where the name is.
    pub name_span: Span,
    /// The image that it runs, or the one from which that is built; none where the files name neither.
    pub image: Knowable<Option<Text>>,
    /// What an image is called that is built here, or that a file names with a variable without a value, which is left out.
    pub built_as: Option<Text>,
    /// The container's name, interpolated.
    pub container_name: Option<String>,
    /// The entrypoint and then the command, as the process gets them. Where the image's own entrypoint is used, it is
    /// not here.
    pub command: Vec<Knowable<String>>,
    /// What its command's text has behind an operator of a shell. Compose drops it, other programs do not, and it tells what is
    /// meant to run.
    pub dropped: Option<String>,
    /// Where its process is written: of the entrypoint and the command, the one that does more than name a program; none
    /// where the files name neither.
    pub command_span: Option<Span>,
    /// What runs in it besides, beside the process or before it ends.
    pub hooks: Vec<Hook>,
    /// The words of its command, also within a text for a shell, without quotes and operators: to recognize what runs.
    pub words: Vec<String>,
    /// The user that the process runs as, where the files name one.
    pub user: Option<Knowable<String>>,
    /// The folder that it runs in, where the files name one.
    pub working_directory: Option<Knowable<String>>,
    /// Every variable of the container that a file sets, sorted by name.
    pub environment: Vec<Variable>,
    /// What a file sets and its command takes away before a server starts.
    pub removed: Vec<Variable>,
    /// Why a file with more of its variables is not read; one that it extends has more than these.
    pub unread: Option<Doubt>,
    /// What is mounted.
    pub mounts: Vec<Mount>,
    /// What its image has that was copied into it where it was built; a mount hides it.
    pub copies: Vec<Mount>,
    /// What is copied into it while it runs, by a program that watches files of the host.
    pub synced: Vec<Mount>,
    /// What else may change what a server reads here and is not known. It is said of servers only.
    pub doubts: Vec<Doubt>,
    /// What is published.
    pub ports: Vec<Port>,
    /// The networks it is on, by the names of the file: `default` where it names none, and none where `network_mode` says
    /// otherwise.
    pub networks: Vec<String>,
    /// What the files say of each of these.
    pub attached: Vec<Network>,
    /// What others on these may call it, besides its name and its container's.
    pub aliases: Vec<Alias>,
    /// Names of hosts that it alone knows.
    pub hosts: Vec<HostName>,
    /// Whether containers of other deployments may be on one of its networks.
    pub is_shared: bool,
    /// `network_mode`, interpolated.
    pub network_mode: Option<Text>,
    /// `privileged: true`, where it stands.
    pub privileged: Option<Span>,
    /// A capability with which root in the container is root on the host, and where it is added.
    pub capability: Option<(&'static str, Span)>,
    /// What is written on it for other programs to read, such as Traefik.
    pub labels: Vec<Label>,
    /// What Kubernetes says of it besides.
    pub pod: Option<Box<Pod>>,
    /// What an engine says of it besides.
    pub made: Option<Box<Made>>,
}

impl Container {
    /// Where that is written which its command does.
    pub fn started_at(&self) -> Span {
        self.command_span.unwrap_or(self.name_span)
    }

    /// Whether its process is root in it, as it is where nothing names a user; none where that is not known.
    pub fn is_root(&self) -> Option<bool> {
        let Some(user) = &self.user else {
            return Some(true);
        };
        let name = user.known()?.split(':').next().unwrap_or_default();
        Some(["", "0", "root"].contains(&name))
    }
}

/// A capability with which root in a container does what root of the host does, by a name as engines take it: `ALL`,
/// `sys_admin`, `CAP_SYS_MODULE`.
pub(crate) fn capability_of_root(name: &str) -> Option<&'static str> {
    const NAMES: [&str; 3] = ["ALL", "SYS_ADMIN", "SYS_MODULE"];
    let name = name.to_ascii_uppercase();
    let name = name.strip_prefix("CAP_").unwrap_or(&name);
    NAMES.into_iter().find(|known| *known == name)
}

/// A command that runs in a container because it has started, or because it is to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// What it is called where it is written: `post_start`.
    pub name: &'static str,
    /// Its words.
    pub command: Vec<Knowable<String>>,
    /// Where it is written.
    pub span: Span,
}

/// What an engine or a cluster says of a container that it has made, besides what every source says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// The service of its project from which it was made; none of a container of another project, and of one that was started by hand
    /// or for one command (`docker compose run`).
    pub service: Option<String>,
    /// The version that its image says in its environment.
    pub version: Option<Version>,
}

/// A network that a container is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its name in the file.
    pub name: String,
    /// What an engine calls it, where that is known.
    pub called: Option<String>,
    /// From where it is reached.
    pub kind: Knowable<NetworkKind>,
    /// Where the container is put on it.
    pub span: Span,
}

/// From where the ports of a container can be reached that are not published, because of a network that it is on
/// (docs/clearml.md#networks-of-docker).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkKind {
    /// From the network itself, by containers of these files.
    Inner,
    /// The same of a bridge without a way out (`internal: true`): what is published is reached through other networks alone.
    Internal,
    /// Somebody else makes it: from there, by whatever is on it.
    External,
    /// It is the host's own: from wherever the host is reached.
    Host,
    /// `macvlan` and `ipvlan`: from the network of the host, in which the container has an address.
    Lan,
    /// From wherever a route leads to it.
    Routed,
}

/// One label of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: String,
    /// Its text; not known where a variable in it has no value here.
    pub value: Knowable<String>,
    /// Who reads it.
    pub reader: LabelReader,
    /// Where it is written.
    pub span: Span,
}

/// Who reads a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LabelReader {
    /// An engine, of which the container gets it.
    Engine,
    /// A swarm: it stands below `deploy`, and no container gets it.
    Swarm,
}

/// A name by which others find a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The name.
    pub name: String,
    /// The network on which it has it; none where it has it on all of its own.
    pub network: Option<String>,
    /// In a cluster, the namespace in which it has it, where one is known.
    pub namespace: Option<String>,
}

/// A name that one container alone knows: of a link, or of a line in its `/etc/hosts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName {
    /// The name.
    pub name: String,
    /// What it leads to: another container's name, or an address.
    pub to: String,
}

impl HostName {
    /// `container:alias` or `container` of a link.
    pub(crate) fn of_link(link: &str) -> Self {
        let (to, name) = link.split_once(':').unwrap_or((link, link));
        Self::new(name, to)
    }

    /// `name:address` or `name=address` of a line for `/etc/hosts`.
    pub(crate) fn of_line(line: &str) -> Self {
        let (name, to) = line.split_once([':', '=']).unwrap_or((line, ""));
        Self::new(name, to)
    }

    /// A name, and what it leads to, as a file has them.
    pub(crate) fn new(name: &str, to: &str) -> Self {
        let to = to.trim().trim_matches(['[', ']']);
        Self {
            name: name.trim().to_owned(),
            to: match to {
                // Docker writes the host's own address in its place.
                "host-gateway" => "host.docker.internal".to_owned(),
                to => to.to_owned(),
            },
        }
    }
}

/// Something that is not known, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// What it hides.
    pub hides: Hides,
    /// Why.
    pub reason: Reason,
    /// Where.
    pub span: Span,
}

impl Container {
    /// Whether a host may be it, on whatever network.
    pub(crate) fn answers_to(&self, asked: &Asked<'_>) -> bool {
        let pod = self.pod.as_ref();
        let namespace = pod.and_then(|pod| pod.namespace.as_deref());
        let mut own = self.own_names();
        let mut aliases = self.aliases.iter();
        own.any(|name| asked.may_be(name, namespace))
            || aliases.any(|alias| asked.may_be(&alias.name, alias.namespace.as_deref()))
    }

    /// Whether it has a name on one of its networks, alone or with what the engine calls the network behind it.
    pub(crate) fn answers_on(
        &self,
        network: &str,
        called: Option<&str>,
        asked: &Asked<'_>,
    ) -> bool {
        let aliases = self.aliases.iter();
        let aliases = aliases.filter(|alias| {
            let own = alias.network.as_deref();
            own.is_none_or(|own| own == network)
        });
        let aliases = aliases.map(|alias| &*alias.name);
        let mut names = self.own_names().chain(aliases);
        names.any(|name| asked.is_on(name, called))
    }

    /// What an engine calls one of its networks, where that is known.
    pub(crate) fn network_called<'a>(&'a self, network: &'a str) -> Option<&'a str> {
        let mut attached = self.attached.iter();
        match attached.find(|one| one.name == network) {
            Some(one) => one.called.as_deref(),
            // `network_mode` has what the engine calls it.
            None => Some(network),
        }
    }

    /// The names by which it may be found.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let aliases = self.aliases.iter().map(|alias| &*alias.name);
        self.own_names().chain(aliases)
    }

    /// Its own name and its container's. A pod has those of its Services alone: where none was given, one may be called like
    /// what makes the pod.
    fn own_names(&self) -> impl Iterator<Item = &str> {
        let name = match &self.pod {
            Some(_) => self
                .name
                .split('/')
                .next()
                .filter(|_| self.aliases.is_empty()),
            None => Some(&*self.name),
        };
        name.into_iter().chain(self.container_name.as_deref())
    }

    /// Whether it is in the pod of another one, or is that: each reaches what listens in the others at its own addresses.
    pub fn is_in_pod_of(&self, other: &Self) -> bool {
        let pods = self.pod.as_ref().zip(other.pod.as_ref());
        pods.is_some_and(|(own, others)| own.number == others.number)
    }

    /// The image that it runs, where it is known.
    pub fn known_image(&self) -> Option<&Text> {
        self.image.known()?.as_ref()
    }

    /// Its image's name without tag and digest; empty where it is not known.
    pub fn repository(&self) -> &str {
        let image = self.known_image().map(|image| image.text.as_str());
        repository(image.unwrap_or_default())
    }

    /// The last part of that name.
    pub fn image_name(&self) -> &str {
        self.repository().rsplit('/').next().unwrap_or_default()
    }

    /// The host's ports of one of its own in words, or who chooses them.
    pub fn shown_port(&self, port: &Port) -> String {
        match (&port.published, &self.pod) {
            (None, Some(_)) => "a node port that Kubernetes chooses".to_owned(),
            _ => port.shown(),
        }
    }

    /// The text of a variable, where it is known.
    pub fn known_variable(&self, name: &str) -> Option<&Secret> {
        let mut all = self.environment.iter();
        all.find(|variable| variable.name == name)?.value.known()
    }

    /// The text of a variable; nothing in it where nothing sets one of that name, and not known where something that is not here
    /// may set it, now or once more.
    pub fn variable(&self, name: &str) -> Knowable<Option<&Secret>> {
        let mut all = self.environment.iter();
        match all
            .find(|variable| variable.name == name)
            .map(|one| &one.value)
        {
            Some(VariableValue::Known(value)) => Knowable::Known(Some(value)),
            Some(VariableValue::Unknown(reason)) => Knowable::Unknown(reason.clone()),
            Some(VariableValue::Elsewhere(elsewhere)) => {
                Knowable::Unknown(elsewhere.reason.clone())
            }
            Some(VariableValue::Unset) => {
                Knowable::unknown("it uses a variable that only the shell may have")
            }
            Some(_) => Knowable::unknown("it uses a variable that has no value here"),
            None => match self.untold() {
                Some(reason) => Knowable::Unknown(reason.clone()),
                None => Knowable::Known(None),
            },
        }
    }

    /// Why it may have variables that are not here; none where all that are set for it are known.
    pub fn untold(&self) -> Option<&Reason> {
        let of_pod = self.pod.iter().flat_map(|pod| &pod.sources);
        let mut doubts = self.unread.iter().chain(&self.doubts).chain(of_pod);
        let doubt = doubts.find(|doubt| doubt.hides.variables())?;
        Some(&doubt.reason)
    }

    /// What its command gives an option: `--port 1` or `--port=1`.
    pub fn option<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let words = self.words.iter().enumerate();
        words.filter_map(move |(at, word)| {
            if word == name {
                return self.words.get(at + 1).map(String::as_str);
            }
            word.strip_prefix(name)?.strip_prefix('=')
        })
    }
}

/// A text of the file after interpolation, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub text: String,
    /// The scalar.
    pub span: Span,
}

impl Text {
    /// The version that an image's tag names.
    pub fn version(&self) -> Option<Version> {
        let name = self.text.split('@').next()?.rsplit('/').next()?;
        Version::parse(name.split_once(':')?.1)
    }

    /// The release line that an image's tag names with one number alone: `mongo:6`, `redis:7-alpine`.
    pub fn line(&self) -> Option<u16> {
        let name = self.text.split('@').next()?.rsplit('/').next()?;
        let tag = name.split_once(':')?.1;
        tag.split('-').next()?.parse().ok()
    }
}

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted.
    pub source: Knowable<MountSource>,
    /// Where, in the container: cleaned, without a slash at the end.
    pub target: Knowable<String>,
    /// The item under `volumes`, `tmpfs`, `configs`, `secrets` or `volumes_from`.
    pub span: Span,
    /// Whether a value of an env file is in its text, which may be a secret.
    pub is_interpolated: bool,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountSource {
    /// A folder or file of the host.
    Bind(HostPath),
    /// A volume that docker keeps, or a config or secret that is in no file; what it holds cannot be seen.
    Named(String),
    /// A volume without a name. It begins with what the image has there.
    Anonymous,
    /// A tmpfs, or a new folder: empty at first.
    Empty,
    /// A path of the node on which a pod runs; what it holds cannot be seen.
    Node(String),
    /// A folder of texts.
    Folder(Folder),
    /// A config or secret whose text is known without a file.
    Text(FileText),
}

/// A folder of texts that exist in the container only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// Each with its path below the folder.
    pub files: Vec<(String, FileText)>,
    /// Why there may be others, also in place of these; none where these are all.
    pub others: Option<Reason>,
}

impl From<Vec<(String, FileText)>> for Folder {
    /// One in which there are no others.
    fn from(files: Vec<(String, FileText)>) -> Self {
        Self {
            files,
            others: None,
        }
    }
}

/// A path of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPath {
    /// As it is written.
    pub written: String,
    /// From the folder of its file.
    pub path: PathBuf,
    /// The folder that a build is given, where the build copies it from there; none where it is mounted.
    pub copied: Option<Arc<BuildContext>>,
}

impl HostPath {
    /// A path that is mounted.
    pub fn new(written: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self {
            written: written.into(),
            path: path.into(),
            copied: None,
        }
    }

    /// Whether the container has what the host has at this path or below it.
    pub fn has(&self, path: &Path) -> Knowable<bool> {
        match &self.copied {
            Some(context) => context.has(path),
            None => Knowable::Known(true),
        }
    }
}

/// The text of a file that exists in the container only.
#[derive(Clone, PartialEq, Eq)]
pub struct FileText {
    /// What to call it.
    pub name: String,
    /// The text.
    pub text: Zeroizing<String>,
    /// Where it is written, if that is within another text.
    pub within: Option<Within>,
}

impl fmt::Debug for FileText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileText")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// `registry:5000/allegroai/clearml:1.16.2@sha256:…` is of `registry:5000/allegroai/clearml`.
pub(crate) fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    let name = image.rfind('/').map_or(0, |slash| slash + 1);
    let end = image[name..].find(':').map_or(image.len(), |at| name + at);
    &image[..end]
}

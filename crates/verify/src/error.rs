use std::path::{Path, PathBuf};

use clearml_secure_core::nearest::nearest_path;
use clearml_secure_core::shown::{escape, escape_path};
use clearml_secure_core::source::Place;

use crate::pages;
use clearml_secure_core::shell::quoted;

/// Why nothing could be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{place}: not a baseline: {}", escape(message))]
    Baseline { place: Place, message: String },
    #[error("{0}")]
    Core(#[from] clearml_secure_core::error::Error),
    #[error("{}: empty, so nothing was verified", escape_path(.0))]
    Empty(PathBuf),
    #[error("{}: no target in it that is there, so nothing was verified", escape_path(.0))]
    EmptyList(PathBuf),
    #[error("{}: --config-dir takes a folder, and this {what}", escape_path(.path))]
    ConfigDir { path: PathBuf, what: &'static str },
    #[error("{}: this is a keyset, not a compose file", escape_path(.0))]
    Keyset(PathBuf),
    #[error("{}: this is a list of addresses, not a compose file", escape_path(.0))]
    List(PathBuf),
    #[error("{}: this is a keyset, and it was named as the target", escape_path(.keys))]
    KeysetSwapped { keys: PathBuf, target: PathBuf },
    #[error("{place}: {error}")]
    Listed { place: Place, error: Box<Error> },
    #[error("{}: a list cannot name another list", escape(.0))]
    ListInList(String),
    #[error("{place}: not a baseline, so it is not replaced: {}", escape(message))]
    NotReplaced { place: Place, message: String },
    #[error("{}: no ClearML client with a key pair in it", escape_path(.0))]
    NoClient(PathBuf),
    #[error("{} is not a file", escape(.0))]
    NoFile(String),
    #[error("{}: no such file", escape(.0))]
    NoFileOrServer(String),
    #[error("{}: no ClearML server in it, so nothing was verified", escape_path(.0))]
    NoServer(PathBuf),
    #[error("{}: none of these containers runs a ClearML server, so nothing was verified", escape_path(.0))]
    NoneRuns(PathBuf),
    #[error("{}: it starts ClearML's servers, and files of its kind are not read", escape_path(.0))]
    Launcher(PathBuf),
    #[error("{}: it starts ClearML's servers in a cluster, and files of its kind are not read", escape_path(.0))]
    ClusterLauncher(PathBuf),
    #[error("{}: it is a template for ClearML's servers, and templates are not read", escape_path(.0))]
    Template(PathBuf),
    #[error("{}: a list, and not what `docker inspect` prints of containers", escape_path(.0))]
    NotContainers(PathBuf),
    #[error("{}: a list or a description for people, which does not tell what the servers get", escape_path(.0))]
    NotObjects(PathBuf),
    #[error("{}: not rendered, so it does not tell what the servers get", escape_path(.0))]
    NotRendered(PathBuf, String),
    #[error("{}: no ClearML server below it, so nothing was verified", escape_path(.0))]
    NothingBelow(PathBuf),
    #[error("{}: this may be values of ClearML's Helm chart, but it has one part of them alone, so nothing was verified", escape_path(.0))]
    OnePart(PathBuf),
    #[error("{}: this override file only changes services of another compose file, so it was not checked alone", escape_path(.path))]
    Overlay {
        path: PathBuf,
        /// A file that it may be meant for.
        base: Option<PathBuf>,
    },
    #[error("standard output cannot be written: {}", clearml_secure_core::error::words(.0))]
    Output(std::io::Error),
    #[error("{option} cannot be {}, because that file is an input", escape_path(.path))]
    OutputRead { option: &'static str, path: PathBuf },
    #[error("-o names {} twice", escape_path(.0))]
    OutputTwice(PathBuf),
    #[error("{place}: {}", escape(message))]
    Policy {
        place: Place,
        message: String,
        help: String,
    },
    #[error("{}: this kind of file cannot be a target", escape_path(.0))]
    Target(PathBuf),
    #[error("--fix prints text only")]
    Fix,
    #[error("{0} prints text or JSON only")]
    AboutRules(&'static str),
    #[error("--effective prints text, JSON or HTML only")]
    Effective,
    #[error(
        "--effective reads files, and a running server does not tell where its settings come from"
    )]
    EffectiveOfServer,
    #[error("--old-keys needs a running server or a client's file, and none is named")]
    OldKeysWithoutServer,
    #[error("--old-keys and --keys {}", match has_other_users {
        true => "differ only in web-login users, whose passwords no server is asked about",
        false => "hold the same values, so nothing was replaced",
    })]
    SameKeysets { has_other_users: bool },
    #[error(
        "{place}: not what clearml-verify printed with -f json or -f jsonl: {}",
        escape(message)
    )]
    Since { place: Place, message: String },
    #[error("no requests could be started: {0}")]
    Threads(String),
    #[error("an address needs http:// or https:// and a host, and no user name")]
    Url,
    #[error("an IPv6 address needs brackets in a URL")]
    Brackets,
    #[error("an address has one port, and this one has two")]
    TwoPorts,
    #[error("the host of an address has letters, digits, dots and hyphens only")]
    Host,
    #[error("the port of an address is a number from 1 to 65535")]
    Port,
    #[error("{} and {}: only one settings file can be used", escape_path(.0), escape_path(.1))]
    TwoPolicies(PathBuf, PathBuf),
    #[error("there is no rule {}", escape(.0))]
    UnknownRule(String),
}

/// What to print of an engine.
const CONTAINERS: &str =
    "print the containers that run:\n  docker inspect $(docker ps -q) | clearml-verify -";
/// What to print of a cluster.
const OBJECTS: &str = "print the objects themselves:\n  kubectl get deploy,sts,svc,ing,netpol,cm,secret -o yaml | clearml-verify -";

/// How values become known as such, or need not be.
const ONE_PART: &str = "values are told by two of clearml, apiserver, fileserver and webserver: add another one, e.g. `fileserver: {}`, or check what the chart makes of them:\n  helm get manifest clearml | clearml-verify -";

impl Error {
    /// Where in a file it is, where that can be said.
    pub(crate) fn place(&self) -> Option<&Place> {
        match self {
            Self::Baseline { place, .. }
            | Self::Listed { place, .. }
            | Self::NotReplaced { place, .. }
            | Self::Policy { place, .. }
            | Self::Since { place, .. } => Some(place),
            Self::Core(error) => error.place(),
            _ => None,
        }
    }

    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Baseline { .. } => Some(
                "a baseline is what --write-baseline FILE writes; only reason and until (2027-01-31) are added by hand".to_owned(),
            ),
            Self::Core(error) => error.help(),
            Self::Empty(_) => Some(
                "if it comes from another program, look at what that says: `docker ps` may list no container".to_owned(),
            ),
            Self::Listed { error, .. } => error.help(),
            Self::ListInList(name) => Some(format!(
                "name both on the command line. A file of this name is ./{}",
                escape(name)
            )),
            Self::EmptyList(_) => Some("write a file, a folder or an address on each line; `-k` takes a keyset".to_owned()),
            Self::List(path) => Some(format!(
                "write an @ before its name:\n  clearml-verify {}",
                quoted(Path::new(&format!("@{}", path.display())))
            )),
            Self::Keyset(keys) => Some(with_keys(keys, Path::new("docker-compose.yml"))),
            Self::KeysetSwapped { keys, target } => Some(with_keys(keys, target)),
            Self::NotReplaced { .. } => Some(
                "fix it, so that its reasons and last days can stay, or name another FILE".to_owned(),
            ),
            Self::NoClient(_) => Some(
                "a client has CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY, or a clearml.conf with api.credentials".to_owned(),
            ),
            Self::NoServer(path) if path == Path::new("-") => Some(
                "look at what the program before the pipe printed. Servers are recognized by their command (apiserver, fileserver, …) and image (clearml/server)"
                    .to_owned(),
            ),
            Self::NoServer(_) | Self::NothingBelow(_) => Some(
                "name the file that runs ClearML's servers: they are recognized by their command (apiserver, fileserver, …) and image (clearml/server)"
                    .to_owned(),
            ),
            Self::NoneRuns(_) => Some(
                "start the servers, then print all containers that run:\n  docker inspect $(docker ps -q) | clearml-verify -"
                    .to_owned(),
            ),
            Self::Template(_) => Some("name the file that is made of it".to_owned()),
            Self::Launcher(_) | Self::NotContainers(_) => Some(CONTAINERS.to_owned()),
            Self::NotObjects(_) | Self::ClusterLauncher(_) => Some(OBJECTS.to_owned()),
            Self::NotRendered(_, command) => Some(format!("check what comes of it:\n  {command}")),
            Self::NoFile(address) => Some(format!("for a server:\n  {}", at(address))),
            Self::NoFileOrServer(name) => Some(format!("check the path. For a server:\n  {}", at(name))),
            Self::OnePart(_) => Some(ONE_PART.to_owned()),
            Self::Overlay { path, base } => Some(format!(
                "clearml-verify {} --merge {}",
                base.as_deref().map_or_else(|| "BASE".to_owned(), quoted),
                quoted(path)
            )),
            Self::Output(_) | Self::Threads(_) => None,
            // A password in the address is not repeated.
            Self::Url => Some(
                "write it like this, with the keys in a file (--keys FILE):\n  clearml-verify https://clearml.example.com".to_owned(),
            ),
            Self::Brackets => Some(
                "write it like this:\n  clearml-verify http://[2001:db8::1]:8080".to_owned(),
            ),
            Self::Host => Some(
                "write a name with other letters as your browser sends it:\n  clearml-verify https://xn--bcher-kva.example".to_owned(),
            ),
            Self::Port | Self::TwoPorts => Some(
                "write it like this:\n  clearml-verify http://localhost:8080".to_owned(),
            ),
            Self::Target(path) => Some(instead_of(path)),
            Self::OutputRead { .. } | Self::OutputTwice(_) => Some("name another FILE".to_owned()),
            Self::Policy { help, .. } => Some(help.clone()),
            Self::ConfigDir { path, .. } => Some(instead_of_folder(path)),
            Self::AboutRules(_)
            | Self::Effective
            | Self::EffectiveOfServer
            | Self::Fix
            | Self::OldKeysWithoutServer
            | Self::SameKeysets { .. }
            | Self::Since { .. } => self.help_with_options().map(str::to_owned),
            Self::TwoPolicies(..) => Some("name the one with --config FILE".to_owned()),
            Self::UnknownRule(name) => Some(pages::meant(name)),
        }
    }

    /// What helps with options that do not go together.
    fn help_with_options(&self) -> Option<&'static str> {
        match self {
            Self::AboutRules(_) => Some("use -f text or json"),
            Self::Effective => Some("use -f text, json or html, or run this without --effective"),
            Self::EffectiveOfServer => Some(
                "name the server's compose file, or its containers:\n  docker inspect $(docker ps -q) | clearml-verify --effective -",
            ),
            Self::Fix => Some("run this without -f or without --fix"),
            Self::OldKeysWithoutServer => Some(
                "name the server:\n  clearml-verify --keys NEW --old-keys OLD https://clearml.example.com",
            ),
            Self::SameKeysets {
                has_other_users: true,
            } => Some(
                "to see which users a server has, one who was removed for instance:\n  clearml-verify --clients --old-keys OLD https://clearml.example.com",
            ),
            Self::SameKeysets { .. } => {
                Some("--old-keys takes the keyset from before the rotation")
            }
            Self::Since { .. } => Some(
                "the run to compare with writes it:\n  clearml-verify -o json:earlier.json TARGET",
            ),
            _ => None,
        }
    }
}

/// What to name instead of a path that is no configuration folder.
fn instead_of_folder(path: &Path) -> String {
    match nearest_path(path, Path::is_dir) {
        Some(near) if !path.exists() => format!("did you mean {}?", escape_path(&near)),
        _ => "name the folder that is mounted as /opt/clearml/config, or a copy of it".to_owned(),
    }
}

/// What to do with a file that is no target: it may be the configuration of an agent or of the SDK.
fn instead_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match name.ends_with("clearml.conf") || name.ends_with("trains.conf") {
        true => format!(
            "it is a client's. To see whether a rotation cuts it off:\n  clearml-verify --clients --old-keys KEYS {}",
            quoted(path)
        ),
        false => {
            "name the compose file. The *.conf files are read with --config-dir DIR".to_owned()
        }
    }
}

fn with_keys(keys: &Path, target: &Path) -> String {
    format!(
        "--keys takes the keyset:\n  clearml-verify --keys {} {}",
        quoted(keys),
        quoted(target)
    )
}

/// The command that asks a server. A name without a port is that of a proxy with TLS, unless it is this machine's.
fn at(address: &str) -> String {
    let is_plain = address.contains(':') || address == "localhost";
    let scheme = if is_plain { "http" } else { "https" };
    format!("clearml-verify {scheme}://{}", escape(address))
}

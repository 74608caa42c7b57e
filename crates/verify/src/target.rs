//! From the command line's targets to deployments.

pub(crate) mod arguments;
mod beside;
pub(crate) mod folder;
mod installer;
mod kustomization;
mod launcher;
pub(crate) mod loader;
mod reader;
pub(crate) mod shard;
pub(crate) mod unopened;
pub(crate) mod walk;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use clearml_secure_core::docker;
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::helm;
use clearml_secure_core::io::read_argument;
use clearml_secure_core::kubernetes;
use clearml_secure_core::shell::quoted;
use zeroize::Zeroizing;

use crate::cli::Cli;
use crate::error::Error;
use crate::target::arguments::written_once;
use crate::target::installer::Installer;
use crate::target::kustomization::{changing, is_kustomization, is_patch};
use crate::target::launcher::Launcher;
use crate::target::loader::Loader;
use crate::target::reader::Reader;
use crate::target::shard::Share;
use crate::target::unopened::{Target, Unopened, Way};

/// JSON begins within so many bytes, or it is not found behind what comes before it.
const MARGIN: u64 = 64;

/// What there is to check.
pub(crate) struct Targets<'a> {
    pub(crate) loader: Loader<'a>,
    /// Each with the number of the argument that it is of.
    pub(crate) found: Vec<(usize, Target)>,
}

/// Every deployment of the targets, and what cannot be read of them. `remarks` is what a person should know about how
/// they were read. A target that has clients and no deployment is not of these. Where this run is a shard, there may be
/// deployments of others among them, which help to understand its own.
///
/// # Errors
/// The only target cannot be read or holds no ClearML server, or a file that is given for all of them cannot be read.
pub(crate) fn targets<'a>(
    cli: &'a Cli,
    of_clients: &HashSet<PathBuf>,
    share: &mut Share,
    remarks: &mut Vec<String>,
) -> Result<Option<Targets<'a>>, Error> {
    let mut files = files(cli).peekable();
    if files.peek().is_none() {
        remarks.extend(of_no_chart(cli));
        return Ok(None);
    }
    let loader = Loader::new(cli)?;
    let mut reader = Reader::new(cli, &loader, share, remarks);
    // What runs is compared with its files, which may be another shard's.
    if !reader.reads_all {
        reader.reads_all = self::files(cli).any(|path| may_be_of_engine(path));
    }
    let mut found = Vec::new();
    for (number, path) in files.enumerate() {
        let has_clients = of_clients.contains(path);
        let targets = if path.is_dir() {
            folder::targets(&mut reader, path, has_clients)
        } else if reader.reads_all || reader.share.takes_file(path) || is_of_pool(path) {
            named(&mut reader, path, has_clients)
        } else {
            continue;
        };
        match targets {
            Ok(targets) => found.extend(targets.into_iter().map(|target| (number, target))),
            // It is something else.
            Err(_) if has_clients => {}
            // Its own shard says so.
            Err(_) if !reader.share.takes_file(path) => {}
            Err(error) if cli.targets.len() == 1 => return Err(error),
            // The others are worth reporting all the same.
            Err(error) => found.push((number, Target::failed(path, &error))),
        }
    }
    leave_to_named(&mut found);
    leave_to_nearest(&mut found, &Vec::from_iter(self::files(cli)));
    if !reader.has_manifests() && !reader.share.is_part() {
        reader.remarks.extend(of_no_chart(cli));
    }
    let first = reader.of_manifests.first().cloned().unwrap_or_default();
    match reader.finish() {
        Ok(targets) => found.extend(targets.into_iter().map(|target| (usize::MAX, target))),
        Err(_) if of_clients.contains(&first) => {}
        Err(error) if cli.targets.len() == 1 && found.is_empty() => return Err(error),
        Err(error) => found.push((usize::MAX, Target::failed(&first, &error))),
    }
    Ok(Some(Targets { loader, found }))
}

/// Leaves a file that is named, and is below a folder that is named as well, to its own name: what is accepted counts there. One
/// that is read otherwise below the folder, with others beside it, is checked in both ways.
fn leave_to_named(found: &mut Vec<(usize, Target)>) {
    let named = found.iter().filter_map(|(_, target)| match target {
        Target::Unopened(file) if matches!(file.way, Way::Named { .. }) => {
            Some(written_once(&file.path))
        }
        _ => None,
    });
    let named: HashSet<PathBuf> = named.collect();
    if named.is_empty() {
        return;
    }
    let mut folders = HashSet::new();
    found.retain(|(number, target)| {
        let is_left = match target {
            Target::Unopened(Unopened {
                path,
                way:
                    Way::Found {
                        overlays,
                        named_in: None,
                        ..
                    },
            }) => overlays.is_empty() && named.contains(&written_once(path)),
            _ => false,
        };
        if is_left {
            folders.insert(*number);
        }
        !is_left
    });
    for (number, target) in found {
        if let Target::Folder(folder) = target {
            folder.has_deployment |= folders.contains(number);
        }
    }
}

/// Leaves a file below several folders that are named to the nearest of them: what is accepted there counts.
fn leave_to_nearest(found: &mut Vec<(usize, Target)>, files: &[&PathBuf]) {
    if files.len() < 2 {
        return;
    }
    let depth = |number: usize| {
        let folder = files.get(number).map(|path| written_once(path));
        folder.map_or(0, |folder| folder.components().count())
    };
    let key = |target: &Target| match target {
        Target::Unopened(Unopened {
            path,
            way: Way::Found {
                overlays, named_in, ..
            },
        }) => Some((written_once(path), overlays.len(), named_in.is_some())),
        _ => None,
    };
    let mut nearest = HashMap::new();
    for (number, target) in found.iter() {
        let Some(key) = key(target) else { continue };
        let best = nearest.entry(key).or_insert(*number);
        if depth(*number) > depth(*best) {
            *best = *number;
        }
    }
    let mut left = HashSet::new();
    found.retain(|(number, target)| {
        let is_nearest = key(target).is_none_or(|key| nearest.get(&key) == Some(number));
        if !is_nearest {
            left.insert(*number);
        }
        is_nearest
    });
    for (number, target) in found {
        if let Target::Folder(folder) = target {
            folder.has_deployment |= left.contains(number);
        }
    }
}

/// What to say of `--chart` where nothing is made by the chart.
fn of_no_chart(cli: &Cli) -> Option<String> {
    let version = cli.chart.as_ref()?;
    Some(format!(
        "--chart {version} changes nothing here: no target is a values file or a manifest of the Helm chart"
    ))
}

/// The files and folders among the targets.
pub(crate) fn files(cli: &Cli) -> impl Iterator<Item = &PathBuf> {
    let is_file = |target: &&PathBuf| !is_meant_as_url(&target.to_string_lossy());
    cli.targets.iter().filter(is_file)
}

/// Whether a target may be what an engine has. A pipe cannot be looked into before it is read.
fn may_be_of_engine(path: &Path) -> bool {
    if path.is_dir() {
        return false;
    }
    if !path.is_file() {
        return true;
    }
    let mut start = String::new();
    let read = File::open(path).and_then(|file| file.take(MARGIN).read_to_string(&mut start));
    let start = start.trim_start_matches('\u{feff}').trim_start();
    read.is_err() || start.is_empty() || start.starts_with(['[', '{'])
}

/// Whether a file has manifests or values: all shards need all of them, because they mean each other's objects.
fn is_of_pool(path: &Path) -> bool {
    let is_one = |text: &str| kubernetes::is_manifest(text) || helm::is_values(path, text);
    path.is_file() && read_argument(path).is_ok_and(|text| is_one(&text))
}

/// A file that the command line names.
fn named(reader: &mut Reader<'_>, path: &Path, has_clients: bool) -> Result<Vec<Target>, Error> {
    if path.to_string_lossy().ends_with(".conf") {
        return Err(Error::Target(path.to_owned()));
    }
    let text = read(path)?;
    if text.trim().is_empty() {
        return Err(Error::Empty(path.to_owned()));
    }
    if docker::is_inspected(&text) {
        return reader.engine(path, &text);
    }
    if let Some(render) = unrendered(path, &text) {
        return Err(Error::NotRendered(path.to_owned(), render));
    }
    if !kubernetes::is_manifest(&text) && helm::is_values(path, &text) {
        let unit = reader.unit();
        reader.add_values(path, text, unit)?;
        reader.of_manifests.push(path.to_owned());
        return Ok(Vec::new());
    }
    // A Secret may be a keyset as well.
    if kubernetes::is_manifest(&text) {
        let unit = reader.unit();
        reader.add_manifests(path, text, unit)?;
        reader.of_manifests.push(path.to_owned());
        // What is wrong in it is told all the same.
        let folder = path.is_file().then(|| changing(path)).flatten();
        let failed = folder.map(|folder| {
            let error = Error::NotRendered(path.to_owned(), kustomize(&quoted(&folder)));
            Target::failed(path, &error)
        });
        return Ok(failed.into_iter().collect());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let path_of = || path.to_owned();
    // A list of something else: services of a swarm, images, or none at all where nothing runs.
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let is_list = start.starts_with('[') || docker::is_listed(&text);
    match launcher::told(&name, &text).filter(|_| !is_list || !name.ends_with(".json")) {
        // It may be what is started as it is.
        Some(Launcher::Template) if !["{{", "{%", "<%"].iter().any(|sign| text.contains(sign)) => {}
        Some(Launcher::Template) => return Err(Error::Template(path_of())),
        Some(Launcher::Cluster) => return Err(Error::ClusterLauncher(path_of())),
        Some(Launcher::Itself) => return Err(Error::Launcher(path_of())),
        None => {}
    }
    if let Some(one) = Installer::told(&text) {
        return Err(Error::NotRendered(path.to_owned(), one.command));
    }
    let mut lines = text.lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    if first.is_some_and(is_url) {
        return Err(Error::List(path.to_owned()));
    }
    if is_list {
        return Err(Error::NotContainers(path.to_owned()));
    }
    if kubernetes::is_shown(&text) {
        return Err(Error::NotObjects(path.to_owned()));
    }
    let is_only = reader.cli.targets.len() == 1;
    let unopened = Unopened {
        path: path.to_owned(),
        way: Way::Named {
            // A pipe has its text only once.
            text: (is_only || !path.is_file()).then_some(text),
            has_clients,
        },
    };
    match is_only {
        // That it is no deployment is an error.
        true => unopened.open(reader.loader, reader.remarks),
        false => Ok(vec![Target::Unopened(unopened)]),
    }
}

fn kustomize(folder: &str) -> String {
    format!("kubectl kustomize --enable-helm {folder} | clearml-verify -")
}

/// The command that renders what a file describes, where it is none of manifests.
fn unrendered(path: &Path, text: &str) -> Option<String> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = quoted(folder.unwrap_or(Path::new(".")));
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if name == "Chart.yaml" {
        return Some(format!("helm template {folder} | clearml-verify -"));
    }
    if is_kustomization(name) {
        return Some(kustomize(&folder));
    }
    if is_patch(path, text) {
        return Some(kustomize("DIR"));
    }
    Installer::of(path, text).map(|one| one.command)
}

/// Reads a file. What looks like `localhost:8008` or `clearml.example.com` is meant for a server, and `localhost` may be. A list
/// that is still one of the targets has none in it.
fn read(path: &Path) -> Result<Zeroizing<String>, Error> {
    read_argument(path).map_err(|error| match (&error, path.to_str()) {
        (CoreError::Read { source, .. }, Some(text)) if source.kind() == ErrorKind::NotFound => {
            match text.strip_prefix('@') {
                Some(list) => Error::EmptyList(PathBuf::from(list)),
                None if is_authority(text) || is_domain(text) => Error::NoFile(text.to_owned()),
                None if is_name(text) => Error::NoFileOrServer(text.to_owned()),
                None => error.into(),
            }
        }
        _ => error.into(),
    })
}

/// Whether a text that is no address may be a host of somebody who forgot the scheme.
pub(crate) fn may_be_host(text: &str) -> bool {
    is_authority(text) || is_name(text)
}

fn is_host(text: &str) -> bool {
    const LONGEST_LABEL: usize = 63;
    let is_in_one = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let is_label = |label: &str| label.len() <= LONGEST_LABEL && label.chars().all(is_in_one);
    !text.is_empty() && text.split('.').all(is_label)
}

/// Whether a text may be a host's name, and is not `docker-compose.prod.yml`.
fn is_name(text: &str) -> bool {
    const FILES: [&str; 7] = ["conf", "env", "json", "toml", "txt", "yaml", "yml"];
    let last = text.rsplit('.').next().unwrap_or_default();
    is_host(text) && !text.starts_with('.') && !FILES.contains(&last)
}

/// Whether a text is a host of three labels or more, which hardly any file or folder is called.
fn is_domain(text: &str) -> bool {
    is_name(text) && text.matches('.').count() >= 2
}

/// Whether a text is a host and a port.
fn is_authority(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(host, port)| is_host(host) && port.parse::<u16>().is_ok())
}

/// The running servers among the targets.
///
/// # Errors
/// An address with a user's name, whose password would stand in the command line; one of IPv6 without its brackets.
pub(crate) fn servers(cli: &Cli) -> Result<Vec<String>, Error> {
    let given = [&cli.api, &cli.web, &cli.files];
    let named = given.into_iter().flatten().map(String::as_str);
    let targets = cli.targets.iter().filter_map(|target| target.to_str());
    let urls: Vec<&str> = targets.filter(|text| is_meant_as_url(text)).collect();
    for url in urls.iter().copied().chain(named) {
        checked(url)?;
    }
    Ok(urls.into_iter().map(asked).collect())
}

/// Makes the address of a part a target, if no target is a server: it is there to be asked.
pub(crate) fn add_server(cli: &mut Cli) {
    let mut targets = cli.targets.iter().filter_map(|target| target.to_str());
    if targets.any(is_meant_as_url) {
        return;
    }
    let parts = [&cli.web, &cli.api, &cli.files];
    let part = parts.into_iter().flatten().find(|url| is_url(url));
    cli.targets.extend(part.map(PathBuf::from));
}

/// An address as it is asked and shown: what only a page of the web server knows of it, which may be a secret, is not repeated.
pub(crate) fn asked(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://") {
        Some((scheme, rest)) => format!("{}://{rest}", scheme.to_ascii_lowercase()),
        None => url.to_owned(),
    }
}

/// Whether an address has all that it needs, and no more than may be in a command line.
pub(crate) fn checked(url: &str) -> Result<(), Error> {
    let authority = url.split_once("://").map(|(_, rest)| rest);
    let authority = authority.and_then(|rest| rest.split(['/', '?', '#']).next());
    let is_whole =
        |authority: &&str| is_url(url) && !authority.is_empty() && !authority.contains('@');
    let authority = authority.filter(is_whole).ok_or(Error::Url)?;
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => v6.split_once(']').ok_or(Error::Brackets)?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_v6 = authority.starts_with('[');
    if !is_v6 && port.matches(':').count() > 1 {
        // All eight parts of an address of IPv6, or two colons in the place of some.
        let is_meant_as_v6 = authority.contains("::") || authority.matches(':').count() >= 7;
        return Err(match is_meant_as_v6 {
            true => Error::Brackets,
            false => Error::TwoPorts,
        });
    }
    let is_in_host = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if host.is_empty() || !is_v6 && !host.chars().all(is_in_host) {
        return Err(Error::Host);
    }
    let number = port.strip_prefix(':').map(str::parse::<u16>);
    match port {
        "" | ":" => Ok(()),
        _ if number.is_some_and(|number| number.is_ok_and(|number| number > 0)) => Ok(()),
        _ => Err(Error::Port),
    }
}

/// Whether the command line names a running server.
pub(crate) fn names_a_server(cli: &Cli) -> bool {
    let mut targets = cli.targets.iter().filter_map(|target| target.to_str());
    targets.any(is_url)
        || [&cli.api, &cli.web, &cli.files]
            .into_iter()
            .any(Option::is_some)
}

pub(crate) fn is_url(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    let is_known =
        |scheme: &str| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    scheme.is_some_and(is_known)
}

/// Whether a text is an address or meant as one: no file is called so.
pub(crate) fn is_meant_as_url(text: &str) -> bool {
    let (before, _) = text.split_once(':').unwrap_or_default();
    let is_scheme = |known: &str| before.trim().eq_ignore_ascii_case(known);
    // `user:password@host`, which must not be repeated.
    let has_user = text
        .rsplit_once('@')
        .is_some_and(|(user, _)| user.contains(':'));
    let is_meant = text.contains("://") || has_user || is_scheme("http") || is_scheme("https");
    is_meant && (is_url(text) || !Path::new(text).exists())
}

//! Which `*.conf` files a server loads: its configuration folders, and what the mounts put there.
//!
//! A container sees one thing at every path: the mount with the longest target above it hides what the others
//! have there, also where it is empty.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::mounts::{self, ON_THE_NODE, SYNCED, There, anywhere, around, may_have};
use super::{program, recognise};
use crate::compose::{Kind, Loader};
use crate::config_dir;
use crate::container::{
    Container, FileText, HostPath, Mount, MountSource, Origin, Variable, VariableValue,
};
use crate::container_path::relative;
use crate::error::Error;
use crate::image::ImageTree;
use crate::instance::{Family, Instance};
use crate::io::{entries, is_link};
use crate::knowable::{Knowable, Reason};
use crate::source::HIDDEN;
use crate::unseen::{Hides, Unseen};

/// Where the files of a folder that is given by hand are in the container.
pub(super) const GIVEN: &str = "/opt/clearml/config";

/// The files of a server's configuration folders, in the order it loads them, and what cannot be seen.
#[derive(Default)]
pub(super) struct Found {
    pub(super) files: Vec<FoundFile>,
    pub(super) unseen: Vec<Unseen>,
    /// Whether all that the image has in the folder is hidden.
    pub(super) is_whole: bool,
}

/// One of them.
pub(super) struct FoundFile {
    /// The configuration path that it is loaded at: `secure`, `services.auth`.
    pub(super) key: String,
    /// Its path in the container.
    pub(super) at: String,
    /// Whether it takes the place of the image's own file.
    pub(super) is_default: bool,
    pub(super) content: Content,
}

/// A `.conf` file as a container has it.
pub(super) enum Content {
    /// A file of the host.
    Host(PathBuf),
    /// A text that is in no file of its own.
    Text(FileText),
    /// A folder of the host that cannot be listed.
    Unlisted(PathBuf, Error),
    /// A file of the host that may be in the container, or not.
    Unknown(PathBuf, Reason),
}

impl Found {
    /// Adds what is loaded after it.
    pub(super) fn append(&mut self, later: Self) {
        self.files.extend(later.files);
        self.unseen.extend(later.unseen);
    }
}

/// What the files of one folder that was given by hand would be loaded as.
pub(super) fn given(folder: &Path) -> Result<Found, Error> {
    // A folder that was named on the command line is an error as a whole.
    entries(folder)?;
    let mut files = Vec::new();
    collect(&HostPath::new("", folder), folder, "", &mut files);
    let found = files.into_iter().map(|file| found(GIVEN, file, false));
    Ok(Found {
        files: found.collect(),
        ..Found::default()
    })
}

/// What a server finds in its configuration folders, from whatever is mounted there.
pub(super) fn mounted(
    container: &Container,
    instance: &Instance,
    loader: &mut Loader,
) -> Result<Found, Error> {
    let mut all = Found::default();
    let mut miss = |what: &str, reason: String, span| {
        all.unseen.push(Unseen {
            what: what.to_owned(),
            hides: Hides::Anything,
            reason,
            service: Some(container.name.clone()),
            span: Some(span),
        });
    };
    if let Some((volume, reason)) = anywhere(container) {
        let reason = format!("a mount may be over it: {reason}; pass --config-dir DIR");
        miss("the configuration folder", reason, volume.span);
    }
    let folders = match folders(container, instance) {
        Knowable::Known(folders) => folders,
        Knowable::Unknown(reason) => {
            let reason = format!("{reason}; pass --config-dir DIR");
            miss("the configuration folder", reason, container.name_span);
            return Ok(all);
        }
    };
    for folder in &folders {
        let view = View::of(container, folder, loader)?;
        let files = view.files.into_iter();
        all.files
            .extend(files.map(|file| found(folder, file, false)));
        let unseen = view.unseen.into_iter();
        all.unseen.extend(unseen.map(|(_, unseen)| unseen));
    }
    Ok(all)
}

/// What is mounted over the configuration that the image comes with.
pub(super) fn defaults(
    container: &Container,
    instance: &Instance,
    loader: &mut Loader,
) -> Result<Found, Error> {
    let Some(tree) = ImageTree::of(instance.server) else {
        return Ok(Found::default());
    };
    let home = match instance.family {
        Family::Clearml => "/opt/clearml",
        Family::Trains => "/opt/trains",
    };
    let server = match tree {
        ImageTree::Apiserver => "apiserver",
        ImageTree::Fileserver => "fileserver",
    };
    let folder = format!("{home}/{server}/config/default");
    let mut view = View::of(container, &folder, loader)?;
    // A volume without a name begins with what the image has there.
    let hiding = around(container, &folder)
        .filter(|(_, volume)| volume.source.known() != Some(&MountSource::Anonymous));
    if let Some((rest, volume)) = hiding {
        // A mount that hides the configuration and has none hides the program as well.
        let is_bare = view.files.is_empty() && view.unseen.is_empty() && !rest.is_empty();
        if is_bare || !view.unseen.is_empty() {
            view.unseen.clear();
            let reason = "a mount hides the server's own files; what runs there is not known";
            view.miss("", volume, reason.to_owned());
            for (_, unseen) in &mut view.unseen {
                unseen.hides = Hides::Program;
            }
        }
    }
    let said: Vec<_> = view.unseen.iter().map(|(_, one)| one.span).collect();
    let code = program::unseen(container, home, server);
    // One that hides the configuration as well was said above.
    let code = code.filter(|one| !said.contains(&one.span));
    view.unseen.extend(code.map(|one| (String::new(), one)));
    let files = view.files.into_iter();
    Ok(Found {
        files: files.map(|file| found(&folder, file, true)).collect(),
        unseen: view.unseen.into_iter().map(|(_, unseen)| unseen).collect(),
        is_whole: hiding.is_some(),
    })
}

/// The folders that a server loads, lowest precedence first.
fn folders(container: &Container, instance: &Instance) -> Knowable<Vec<String>> {
    let variable = |name: &str| {
        let mut all = container.environment.iter();
        let found = all.find(|known| known.name == name);
        match found.map(|known| &known.value) {
            Some(_) if found.is_some_and(Variable::is_for_the_shell) => {
                Knowable::unknown("only the shell that runs compose may have it")
            }
            Some(VariableValue::Known(value)) => Knowable::Known(Some(value.expose().to_owned())),
            Some(_) => Knowable::unknown("it has no value here"),
            // The home is found otherwise.
            None if name != "HOME" && super::is_of_the_image(name) => {
                Knowable::unknown("docker or the image sets it")
            }
            None => Knowable::Known(None),
        }
    };
    let user = container
        .user
        .as_ref()
        .map(|user| user.known().map_or("?", String::as_str));
    let process = config_dir::Process {
        variable: &variable,
        user,
        working_directory: match &container.working_directory {
            None => Knowable::Known("/opt/clearml"),
            Some(folder) => folder.as_ref().map(String::as_str),
        },
    };
    config_dir::folders(&process, instance.family, instance.server)
}

/// The file of the host that an instance loads at a key, whether it is there or not: in the last of its folders that
/// is a folder of the host.
pub(super) fn path(container: &Container, instance: &Instance, key: &str) -> Option<PathBuf> {
    let folders = folders(container, instance).into_known()?;
    let mut last_first = folders.iter().rev();
    last_first.find_map(|folder| {
        let wanted = format!("{folder}/{}.conf", key.replace('.', "/"));
        let (rest, volume) = around(container, &wanted)?;
        let MountSource::Bind(host) = volume.source.known()? else {
            return None;
        };
        let path = &host.path;
        if rest.is_empty() {
            // Compose makes a folder of a file that is not there.
            return path.is_file().then(|| path.clone());
        }
        let is_made_by_compose = host.written.starts_with('.') && !path.exists();
        (path.is_dir() || is_made_by_compose).then(|| path.join(rest))
    })
}

/// One configuration folder as its container sees it.
struct View<'a> {
    service: &'a Container,
    folder: String,
    loader: &'a mut Loader,
    /// Path below the folder, and what is there.
    files: Vec<(String, Content)>,
    /// Path below the folder, and why it cannot be seen.
    unseen: Vec<(String, Unseen)>,
    /// The paths of both and the folders above them, and how many of each were noted there.
    paths: HashSet<String>,
    noted: (usize, usize),
}

impl<'a> View<'a> {
    fn of(service: &'a Container, folder: &str, loader: &'a mut Loader) -> Result<Self, Error> {
        let folder = &*mounts::real(service, folder);
        let mut view = Self {
            service,
            folder: folder.to_owned(),
            loader,
            files: Vec::new(),
            unseen: Vec::new(),
            paths: HashSet::new(),
            noted: (0, 0),
        };
        for copy in &service.copies {
            view.copy(copy)?;
        }
        // Of what is copied to one path, the last is there.
        let mut seen = HashSet::new();
        view.files.reverse();
        view.files.retain(|(path, _)| seen.insert(path.clone()));
        if let Some((rest, volume)) = around(service, folder) {
            view.mount("", rest, volume)?;
        }
        let mut below: Vec<(&str, &Mount)> = service
            .mounts
            .iter()
            .filter_map(|volume| Some((relative(volume.target.known()?, folder)?, volume)))
            .filter(|(rest, _)| !rest.is_empty())
            .collect();
        below.sort_by_key(|(rest, _)| rest.len());
        for (rest, volume) in below {
            view.mount(rest, "", volume)?;
        }
        for synced in &service.synced {
            let target = synced.target.known();
            let below = target.and_then(|target| relative(target, folder));
            if below.is_some() || may_have(synced, folder) {
                view.hidden(below.unwrap_or_default(), synced, &SYNCED.into());
            }
        }
        // A folder's files are loaded before those of the folders in it.
        let place = |path: &str| match path.rsplit_once('/') {
            Some((folder, name)) => (folder.to_owned(), name.to_owned()),
            None => (String::new(), path.to_owned()),
        };
        view.files.sort_by_cached_key(|(path, _)| place(path));
        Ok(view)
    }

    /// Adds what the image was built with, which hides nothing.
    fn copy(&mut self, copy: &Mount) -> Result<(), Error> {
        let folder = self.folder.clone();
        let target = match &copy.target {
            Knowable::Known(target) => target,
            Knowable::Unknown(reason) => {
                self.hidden("", copy, reason);
                return Ok(());
            }
        };
        if let Some(rest) = relative(target, &folder) {
            self.content(rest, "", copy)
        } else if let Some(rest) = relative(&folder, target) {
            // A tree that goes to a folder above need not have this one.
            match copy.source.known() {
                Some(MountSource::Bind(host))
                    if self.loader.kind(&host.path) != Kind::Nothing
                        && self.loader.kind(&host.path.join(rest)) == Kind::Nothing =>
                {
                    Ok(())
                }
                _ => self.content("", rest, copy),
            }
        } else {
            Ok(())
        }
    }

    /// Puts a mount at a path below the folder, in place of what was seen there. `within` is the path from the
    /// mount's target to the folder.
    fn mount(&mut self, at: &str, within: &str, volume: &Mount) -> Result<(), Error> {
        if self.has_any(at) {
            let stays = |path: &str| at != path && relative(path, at).is_none() && !at.is_empty();
            self.files.retain(|(path, _)| stays(path));
            self.unseen.retain(|(path, _)| stays(path));
            self.noted = (self.files.len(), self.unseen.len());
        }
        self.content(at, within, volume)
    }

    /// Whether anything may have been seen at a path or below it. Thousands of files may be mounted, each at its own.
    fn has_any(&mut self, at: &str) -> bool {
        let files = self.files[self.noted.0..].iter().map(|(path, _)| path);
        let unseen = self.unseen[self.noted.1..].iter().map(|(path, _)| path);
        for path in files.chain(unseen) {
            let folders = path.match_indices('/').map(|(end, _)| &path[..end]);
            let all = folders.chain([path.as_str()]).map(str::to_owned);
            self.paths.extend(all);
        }
        self.noted = (self.files.len(), self.unseen.len());
        at.is_empty() || self.paths.contains(at.trim_end_matches('/'))
    }

    fn content(&mut self, at: &str, within: &str, volume: &Mount) -> Result<(), Error> {
        match &volume.source {
            Knowable::Unknown(reason) => self.hidden(at, volume, reason),
            Knowable::Known(MountSource::Anonymous | MountSource::Empty) => {}
            Knowable::Known(MountSource::Node(_)) => {
                self.hidden(at, volume, &ON_THE_NODE.into());
            }
            Knowable::Known(MountSource::Named(name)) => {
                let name = match volume.is_interpolated {
                    true => "a volume".into(),
                    false => crate::shown::escape(name),
                };
                let reason = format!(
                    "it is in {name}, which only docker can open; copy its *.conf files out (docker compose cp) and pass --config-dir DIR"
                );
                self.miss(at, volume, reason);
            }
            Knowable::Known(MountSource::Text(text)) => {
                if at.ends_with(".conf") {
                    self.files
                        .push((at.to_owned(), Content::Text(text.clone())));
                }
            }
            Knowable::Known(MountSource::Folder(folder)) => {
                if let Some(reason) = &folder.others {
                    self.hidden(at, volume, reason);
                }
                for (path, file) in &folder.files {
                    let path = match within {
                        "" => Some(path.as_str()),
                        within => relative(path, within),
                    };
                    let Some(path) = path.filter(|path| path.ends_with(".conf")) else {
                        continue;
                    };
                    let path = match at {
                        "" => path.to_owned(),
                        at => format!("{at}/{path}"),
                    };
                    self.files.push((path, Content::Text(file.clone())));
                }
            }
            Knowable::Known(MountSource::Bind(host)) => {
                let mut path = host.path.clone();
                if !within.is_empty() {
                    path.push(within);
                }
                self.host(at, volume, host, path);
            }
        }
        Ok(())
    }

    /// What a mount has at a path of the host. A folder that is not there may be on another machine, or be left out of
    /// a copy: compose would make an empty one, and nobody can tell which it is.
    fn host(&mut self, at: &str, volume: &Mount, host: &HostPath, path: PathBuf) {
        let written = host.written.as_str();
        let (kind, has) = (self.loader.kind(&path), host.has(&path));
        let before = self.files.len();
        match (kind, &has) {
            (Kind::Nothing, _) => {}
            (_, Knowable::Unknown(reason)) => return self.hidden(at, volume, reason),
            (Kind::Folder, _) => {
                collect(host, &path, at, &mut self.files);
                self.follow_links(before);
            }
            (Kind::Other, Knowable::Known(true)) if at.ends_with(".conf") => {
                self.files
                    .push((at.to_owned(), Content::Host(path.clone())));
            }
            (Kind::Other, _) => {}
        }
        if kind != Kind::Nothing {
            let is_left_out = has == Knowable::Known(false);
            if is_left_out && path == host.path && self.files.len() == before {
                let reason = "its .dockerignore leaves out what its Dockerfile copies, so that docker cannot build it";
                self.hidden(at, volume, &reason.into());
            }
            return;
        }
        // The path may hold a value of .env, and `~` is the home of the user who runs compose.
        let shown = if volume.is_interpolated
            || written == HIDDEN
            || written.contains('$')
            || written.starts_with('~')
        {
            "what is mounted".into()
        } else if written.trim_end_matches('/') == self.named(at) {
            "it".into()
        } else {
            crate::shown::escape(written)
        };
        self.miss(
            at,
            volume,
            format!(
                "{shown} is not on this machine; run this where it is, or pass --config-dir DIR"
            ),
        );
    }

    /// Puts in place of a link what it leads to in the container, which need not be what the host has there. The first
    /// so many files were looked at before.
    fn follow_links(&mut self, before: usize) {
        const ELSEWHERE: &str = "it is a link out of the mounted folder, which leads elsewhere in the container, or nowhere; put the file itself there, or mount what it leads to";
        for (path, content) in &mut self.files[before..] {
            let Content::Host(link) = content else {
                continue;
            };
            if !is_link(link) {
                continue;
            }
            let link = std::mem::take(link);
            *content = match mounts::at(self.service, &format!("{}/{path}", self.folder)) {
                There::Host { path, .. } => Content::Host(path),
                There::Text(text) => Content::Text(text.clone()),
                There::Image | There::Nothing => Content::Unknown(link, ELSEWHERE.into()),
                There::Anywhere(reason) | There::Unknown(reason) => Content::Unknown(link, reason),
            };
        }
    }

    fn hidden(&mut self, at: &str, volume: &Mount, reason: &Reason) {
        self.miss(at, volume, format!("{reason}; pass --config-dir DIR"));
    }

    /// The path in the container.
    fn named(&self, at: &str) -> String {
        if at.is_empty() {
            self.folder.clone()
        } else {
            format!("{}/{at}", self.folder)
        }
    }

    fn miss(&mut self, at: &str, volume: &Mount, reason: String) {
        // Names in the container may hold values of env files, too.
        let is_interpolated = volume.is_interpolated && !at.is_empty();
        let what = match (is_folder_told(self.service, &self.folder), is_interpolated) {
            (false, _) => "the configuration folder".to_owned(),
            (true, true) => format!("a file of {}", self.folder),
            (true, false) => self.named(at),
        };
        let unseen = Unseen {
            what,
            hides: Hides::Anything,
            reason,
            service: Some(self.service.name.clone()),
            span: Some(volume.span),
        };
        self.unseen.push((at.to_owned(), unseen));
    }
}

/// Whether the name of a configuration folder holds nothing of an env file.
fn is_folder_told(container: &Container, folder: &str) -> bool {
    let variables = container.environment.iter().filter(|variable| {
        ["CLEARML_CONFIG_DIR", "TRAINS_CONFIG_DIR"].contains(&variable.name.as_str())
    });
    folder == GIVEN
        || variables
            .into_iter()
            .all(|variable| variable.origin != Origin::EnvFile && variable.interpolated.is_empty())
}

/// What is not known of an image that nobody takes for ClearML's: it may have any variable, file and code of its own.
pub(super) fn strange_image(container: &Container) -> Option<Unseen> {
    let image = container.known_image()?;
    let reason = "by its name it is not ClearML's, and may set anything; let the name of a copy end in /clearml-server";
    (!recognise::is_called_server(&image.text)).then(|| Unseen {
        what: "the image".to_owned(),
        hides: Hides::Program,
        reason: reason.to_owned(),
        service: Some(container.name.clone()),
        span: Some(image.span),
    })
}

/// A file or folder at a path of the container that cannot be opened here. What else the server reads is known.
pub(super) fn unopened(container: &Container, at: &str, reason: String) -> Unseen {
    // A path may hold what an env file has.
    let is_told = is_folder_told(container, "")
        && !container.mounts.iter().any(|mount| mount.is_interpolated);
    Unseen {
        what: match is_told {
            true => at.trim_end_matches('/').to_owned(),
            false => "a file of the configuration folder".to_owned(),
        },
        hides: Hides::Anything,
        reason,
        service: Some(container.name.clone()),
        span: Some(container.name_span),
    }
}

/// A file below a folder: `services/auth.conf` is loaded at `services.auth`. Empty steps count for nothing, as those of hidden
/// files: `.secure.conf` is loaded at `secure`, and `.conf`, which has no other name, at `conf`.
fn found(folder: &str, (path, content): (String, Content), is_default: bool) -> FoundFile {
    let key = match path.strip_suffix(".conf") {
        Some(key) if !key.is_empty() && !key.ends_with('/') => key,
        _ => &path,
    };
    let steps = key.split(['/', '.']).filter(|step| !step.is_empty());
    FoundFile {
        key: steps.collect::<Vec<_>>().join("."),
        at: format!("{folder}/{path}"),
        is_default,
        content,
    }
}

/// Every `*.conf` below a folder, as servers look for them (docs/clearml.md#file-names-are-paths), with the path below the
/// configuration folder.
fn collect(host: &HostPath, folder: &Path, at: &str, found: &mut Vec<(String, Content)>) {
    let paths = match entries(folder) {
        Ok(paths) => paths,
        Err(error) => {
            return found.push((at.to_owned(), Content::Unlisted(folder.to_owned(), error)));
        }
    };
    for path in paths {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let below = if at.is_empty() {
            name.to_owned()
        } else {
            format!("{at}/{name}")
        };
        if path.is_dir() {
            // Python's rglob does not walk into linked folders, and a circle of them would not end.
            if !is_link(&path) {
                collect(host, &path, &below, found);
            }
        } else if name.ends_with(".conf") {
            match host.has(&path) {
                Knowable::Known(true) => found.push((below, Content::Host(path))),
                Knowable::Known(false) => {}
                Knowable::Unknown(reason) => found.push((below, Content::Unknown(path, reason))),
            }
        }
    }
}

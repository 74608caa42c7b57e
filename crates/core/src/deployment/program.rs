//! The code that a server's process runs besides what its image has: what is mounted over the programs of the servers, and where
//! Python, the loader of libraries and PATH find code before that (docs/clearml.md#where-a-process-finds-code).

use std::cell::Cell;
use std::path::Path;

use crate::container::{Container, HostPath, Mount, MountSource};
use crate::container_path::{cleaned, is_below, relative};
use crate::io::entries;
use crate::knowable::Knowable;
use crate::secret::Secret;
use crate::unseen::{Hides, Unseen};

const PYTHON: [&str; 3] = [".py", ".pyc", ".so"];
/// What Python reads besides in its own folders.
const ARCHIVES: [&str; 4] = [".egg", ".egg-link", ".pth", ".zip"];

/// Where the images have the configuration.
const GIVEN: &str = "/opt/clearml/config";

/// Where programs are found unless PATH says otherwise.
const PROGRAMS: [&str; 6] = [
    "/bin",
    "/sbin",
    "/usr/bin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/sbin",
];
/// Where libraries are.
const LIBRARIES: [&str; 6] = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/local/lib64",
];
/// The folder of one processor's libraries in these.
const PROCESSORS: [&str; 3] = ["", "/aarch64-linux-gnu", "/x86_64-linux-gnu"];
/// Where Python's own folders are.
const PYTHONS: [&str; 6] = [
    "/etc",
    "/root/.local/lib",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/local/lib64",
];

/// The variables that lead to code, what they name, and what is between two of it. PYTHONSTARTUP is for a person alone.
const VARIABLES: [(&str, Takes, &[char]); 8] = [
    ("PYTHONPATH", Takes::Python, &[':']),
    ("PYTHONHOME", Takes::Python, &[':']),
    ("PYTHONPYCACHEPREFIX", Takes::Python, &[]),
    ("PYTHONUSERBASE", Takes::Python, &[]),
    ("LD_PRELOAD", Takes::Anything, &[':', ' ']),
    ("LD_AUDIT", Takes::Anything, &[':']),
    ("LD_LIBRARY_PATH", Takes::Libraries, &[':', ';']),
    ("PATH", Takes::Programs, &[':']),
];

const OWN: Kind = Kind::Own("replace", "a part of the server");
const PYTHON_FIRST: Kind = Kind::Common("put", "code where the server's Python finds it first");
const LIBRARY: Kind = Kind::Common("put", "a library where every program loads it");
const PROGRAM: Kind = Kind::Common("replace", "a program that the server is started with");

/// How many files of one mount are looked at.
const MANY: usize = 20_000;
/// How many folders down: further there is a circle of links.
const DEEP: usize = 16;

/// What is taken for code at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Whatever is there, if it is a file.
    Anything,
    Libraries,
    /// Modules that are right there.
    Modules,
    Programs,
    Python,
}

/// Which kind of place it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The server's own program. What puts code there does this to that.
    Own(&'static str, &'static str),
    /// One that every process has.
    Common(&'static str, &'static str),
    /// One that a variable names.
    Named(&'static str),
}

/// A file or a folder from which a server's process runs code.
#[derive(Clone)]
struct Place {
    path: String,
    takes: Takes,
    kind: Kind,
}

/// What is not known of a server because of code that is put where its process runs it.
pub(super) fn unseen(
    container: &Container,
    home: &str,
    server: &'static str,
) -> impl Iterator<Item = Unseen> {
    let places = Places {
        list: places(container, home, server),
        server,
    };
    let unseen = |what, reason: String, span| Unseen {
        what,
        hides: Hides::Program,
        reason,
        service: Some(container.name.clone()),
        span: Some(span),
    };
    let code = all(container).filter_map(move |mount| {
        let found = places.first_in(mount)?;
        match found.kind {
            Kind::Named(variable) => {
                let reason = "what that code does to the server is not known".to_owned();
                Some(unseen(loaded_first(variable), reason, mount.span))
            }
            Kind::Common(does, what) | Kind::Own(does, what) => {
                let by = putter(container, mount);
                let does = match found.is_seen {
                    true => format!("{does}s"),
                    false => format!("may {does}"),
                };
                let reason = format!("{by} {does} {what}; what runs there is not known");
                Some(unseen(shown(mount), reason, mount.span))
            }
        }
    });
    let anywhere = VARIABLES.iter().filter_map(move |(name, _, _)| {
        let mut all = container.environment.iter();
        let found = all.find(|known| known.name == *name)?;
        let reason = "the variable has no value here".to_owned();
        found
            .value
            .known()
            .is_none()
            .then(|| unseen(loaded_first(name), reason, found.span))
    });
    code.chain(anywhere)
}

fn loaded_first(variable: &str) -> String {
    format!("what {variable} lets the server load first")
}

/// What puts a mount there.
fn putter(container: &Container, mount: &Mount) -> &'static str {
    let is_of = |copies: &[Mount]| copies.iter().any(|copy| std::ptr::eq(copy, mount));
    match () {
        () if is_of(&container.copies) => "its Dockerfile",
        () if is_of(&container.synced) => "`develop.watch`",
        () => "a mount",
    }
}

/// Where a mount is, unless a variable is a part of that.
fn shown(mount: &Mount) -> String {
    match mount.target.known() {
        Some(target) if !mount.is_interpolated => crate::shown::escape(target).into_owned(),
        _ => "a file of the server".to_owned(),
    }
}

/// Whether code is put at a path, or into a folder of it, from which a command starts a server.
pub(super) fn is_put_into(container: &Container, path: &str) -> bool {
    let path = cleaned(path);
    let is_own = |home: &str| {
        relative(&path, home).is_some_and(|below| {
            let first = below.split('/').next().unwrap_or_default();
            ["", "apiserver", "fileserver"].contains(&first)
        })
    };
    // What is said of these is said of every server.
    if ["/opt/clearml", "/opt/trains"].into_iter().any(is_own) {
        return false;
    }
    let place = |takes| Place {
        path: path.clone(),
        takes,
        kind: OWN,
    };
    let places = Places {
        list: vec![place(Takes::below(&path)), place(Takes::Anything)],
        server: "",
    };
    let found = |mount| places.first_in(mount);
    all(container).any(|mount| found(mount).is_some_and(|found| found.kind == OWN))
}

fn all(container: &Container) -> impl Iterator<Item = &Mount> {
    let copied = container.copies.iter().chain(&container.synced);
    container.mounts.iter().chain(copied)
}

/// The folder that a server's process starts in: its image names its own home.
pub(super) fn folder(container: &Container) -> Knowable<String> {
    let named = container.working_directory.clone();
    named.unwrap_or_else(|| Knowable::Known("/opt/clearml".to_owned()))
}

/// From where a server's process runs code.
fn places(container: &Container, home: &str, server: &str) -> Vec<Place> {
    let mut places = Vec::new();
    let mut add = |path: &str, takes, kind| {
        places.push(Place {
            path: path.to_owned(),
            takes,
            kind,
        });
    };
    add(&format!("{home}/{server}"), Takes::Python, OWN);
    for script in ["entrypoint.sh", "wrapper.sh"] {
        add(&format!("{home}/{script}"), Takes::Anything, OWN);
    }
    for (variable, takes, between) in VARIABLES {
        let value = container.known_variable(variable).map(Secret::expose);
        let value = value.unwrap_or_default();
        if value.is_empty() {
            continue;
        }
        // One that is empty, or has no slash in front, is in the folder that the process is in.
        for path in value.split(between) {
            let absolute = match (path.starts_with('/'), folder(container)) {
                (true, _) => cleaned(path),
                (false, Knowable::Known(folder)) if takes != Takes::Anything => {
                    cleaned(&format!("{folder}/{path}"))
                }
                (false, _) => continue,
            };
            add(&absolute, takes, Kind::Named(variable));
        }
    }
    add(home, Takes::Modules, PYTHON_FIRST);
    if let Knowable::Known(folder) = folder(container) {
        let folder = cleaned(&folder);
        add(&folder, Takes::below(&folder), PYTHON_FIRST);
    }
    for path in ["/etc/ld.so.cache", "/etc/ld.so.preload"] {
        add(path, Takes::Anything, LIBRARY);
    }
    for folder in LIBRARIES {
        for processor in PROCESSORS {
            add(&format!("{folder}{processor}"), Takes::Libraries, LIBRARY);
        }
    }
    for folder in PROGRAMS {
        add(folder, Takes::Programs, PROGRAM);
    }
    places
}

impl Takes {
    /// What Python takes for code in a folder from which a program is started: all data is below these.
    fn below(folder: &str) -> Self {
        match folder {
            "/" | "/opt/clearml" | "/opt/trains" => Self::Modules,
            _ => Self::Python,
        }
    }

    /// Whether a file is code, told by its path below the place, or by its own where it is the place.
    fn is_code(self, below: &str) -> bool {
        let name = below.rsplit('/').next().unwrap_or_default();
        let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        let is_direct = !below.contains('/');
        match self {
            Self::Anything => false,
            Self::Libraries => is_direct && (name.ends_with(".so") || name.contains(".so.")),
            Self::Modules => match below.split_once('/') {
                Some((_, module)) => module == "__init__.py",
                // No other can be asked for by name.
                None => ends(&PYTHON) && (name.ends_with(".so") || name.matches('.').count() == 1),
            },
            Self::Programs => is_direct && is_program(name),
            Self::Python => ends(&PYTHON) || ends(&ARCHIVES),
        }
    }

    /// How many folders down there is code.
    fn depth(self) -> usize {
        match self {
            Self::Anything | Self::Libraries | Self::Programs => 0,
            Self::Modules => 1,
            Self::Python => DEEP,
        }
    }
}

/// Whether a server is started with a program of this name.
fn is_program(name: &str) -> bool {
    ["bash", "dash", "env", "gunicorn", "sh"].contains(&name) || name.starts_with("python")
}

/// Whether a path is in a folder of some Python's own.
fn is_of_python(path: &str) -> bool {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    folders.split('/').any(|folder| {
        folder.starts_with("python3") || ["dist-packages", "site-packages"].contains(&folder)
    })
}

/// How far a folder is still looked through.
struct Walk {
    left: Cell<usize>,
    deepest: usize,
}

/// All places of a server.
struct Places {
    list: Vec<Place>,
    server: &'static str,
}

/// The place of code, or of what may be code.
#[derive(Clone, Copy)]
struct Found {
    kind: Kind,
    /// Whether code is there for sure.
    is_seen: bool,
}

impl Kind {
    fn is_seen(self, is_seen: bool) -> Found {
        Found {
            kind: self,
            is_seen,
        }
    }
}

impl Places {
    /// The place at which a mount has code, or may have it.
    fn first_in(&self, mount: &Mount) -> Option<Found> {
        let of_file = |path: &str| Some(self.of_file(path)?.is_seen(true));
        let unseen = |target: &str| Some(self.unseen(target, mount)?.is_seen(false));
        let target = mount.target.known()?;
        match mount.source.known() {
            Some(MountSource::Anonymous | MountSource::Empty) => None,
            Some(MountSource::Text(_)) => of_file(target),
            Some(MountSource::Folder(folder)) => {
                let mut files = folder.files.iter();
                let seen = files.find_map(|(path, _)| of_file(&format!("{target}/{path}")));
                seen.or_else(|| folder.others.as_ref().and(unseen(target)))
            }
            Some(MountSource::Bind(host)) if host.path.is_dir() => {
                let target = target.trim_end_matches('/');
                let walk = Walk {
                    left: Cell::new(MANY),
                    deepest: target.split('/').count() + DEEP,
                };
                self.of_folder(host, &host.path, target, &walk)
            }
            Some(MountSource::Bind(host)) if host.path.exists() => of_file(target),
            None | Some(MountSource::Bind(_) | MountSource::Named(_) | MountSource::Node(_)) => {
                unseen(target)
            }
        }
    }

    /// The place at which a file is code.
    fn of_file(&self, path: &str) -> Option<Kind> {
        let name = path.rsplit('/').next().unwrap_or_default();
        let mut places = self.list.iter();
        let place = places.find(|place| match relative(path, &place.path) {
            Some("") => place.takes == Takes::Anything || place.takes.is_code(name),
            Some(below) => place.takes.is_code(below) && !is_configuration(path),
            None => false,
        });
        let is_common = || is_of_python(path) && Takes::Python.is_code(name);
        place
            .map(|place| place.kind)
            .or_else(|| is_common().then_some(PYTHON_FIRST))
    }

    /// The place of the first file that is code in a folder of the host, which the container has at a path.
    fn of_folder(&self, host: &HostPath, folder: &Path, path: &str, walk: &Walk) -> Option<Found> {
        let place = self.around(path)?;
        // What cannot be listed may have some. That a configuration cannot be is said where it is read.
        let Ok(inside) = entries(folder) else {
            return (!is_configuration(path)).then(|| place.is_seen(false));
        };
        inside.iter().find_map(|inner| {
            let path = format!("{path}/{}", inner.file_name()?.to_string_lossy());
            if host.has(inner) == Knowable::Known(false) {
                return None;
            }
            let Some(left) = walk.left.get().checked_sub(1) else {
                return Some(place.is_seen(false));
            };
            walk.left.set(left);
            let is_deep = path.split('/').count() > walk.deepest;
            match inner.is_dir() {
                true if is_deep => None,
                true => self.of_folder(host, inner, &path, walk),
                false => Some(self.of_file(&path)?.is_seen(true)),
            }
        })
    }

    /// The kind of a place that a folder is in, or that is in the folder.
    fn around(&self, folder: &str) -> Option<Kind> {
        let mut places = self.list.iter();
        let place = places.find(|place| match relative(folder, &place.path) {
            Some("") => true,
            Some(below) => below.split('/').count() <= place.takes.depth(),
            None => is_below(&place.path, folder),
        });
        let is_common = || {
            let mut roots = PYTHONS.iter();
            is_of_python(&format!("{folder}/")) || roots.any(|root| is_below(root, folder))
        };
        place
            .map(|place| place.kind)
            .or_else(|| is_common().then_some(PYTHON_FIRST))
    }

    /// The place at which a mount that cannot be looked into may have code.
    fn unseen(&self, target: &str, mount: &Mount) -> Option<Kind> {
        let name = target.rsplit('/').next().unwrap_or_default();
        let is_folder = !name.contains('.') || name.starts_with("python3.");
        let may_have = |place: &&Place| match relative(target, &place.path) {
            Some("") => true,
            Some(_) if is_configuration(target) => false,
            Some(below) if place.takes.is_code(below) => true,
            // Its configuration is read, wherever it is mounted.
            Some(below) if place.kind == OWN => {
                is_folder && !is_below(below, "config") && !self.is_data(mount)
            }
            Some(_) => is_folder && place.takes == Takes::Python,
            // What hides all of the server is said where its configuration is read.
            None => {
                let is_shared = [Takes::Libraries, Takes::Programs].contains(&place.takes);
                (is_shared || matches!(place.kind, Kind::Named(_))) && is_below(&place.path, target)
            }
        };
        let is_common =
            || is_of_python(&format!("{target}/")) && (is_folder || Takes::Python.is_code(name));
        let place = self.list.iter().find(may_have);
        place
            .map(|place| place.kind)
            .or_else(|| is_common().then_some(PYTHON_FIRST))
    }

    /// Whether what is mounted below a program, and cannot be looked into, is data that people keep there. A volume's first
    /// content is the image's own. The file server's program has no folder but its configuration, so that another replaces none
    /// of it (docs/clearml.md#folders-of-the-programs).
    fn is_data(&self, mount: &Mount) -> bool {
        match mount.source.known() {
            Some(MountSource::Named(_)) => true,
            Some(MountSource::Bind(_)) => self.server == "fileserver",
            _ => false,
        }
    }
}

/// The configuration is read, wherever it is mounted.
fn is_configuration(path: &str) -> bool {
    is_below(path, GIVEN)
}

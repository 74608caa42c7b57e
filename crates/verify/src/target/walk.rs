//! What there is below a folder: files that may be compose files, and what is passed over.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clearml_secure_core::compose::files::{
    default_in, elsewhere, has_own_run, is_default, merged_over,
};
use clearml_secure_core::error::Error;
use clearml_secure_core::helm;
use clearml_secure_core::io::{entries, is_link, read_text, real};
use clearml_secure_core::kubernetes::is_manifest;
use clearml_secure_core::yaml::{self, Node};

use clearml_secure_core::shell::quoted;
use zeroize::Zeroizing;

use crate::target::installer::Installer;
use crate::target::kustomization::{Kustomization, is_of_clearml};
use crate::target::launcher::{self, Launcher};

/// Files that mark a folder as something a program made and can make again.
const MADE: [&str; 2] = ["CACHEDIR.TAG", "pyvenv.cfg"];

/// Folders may be nested this deep below a target.
const DEPTH_LIMIT: usize = 32;

/// A compose file with a ClearML server has one of these words: in an image, a command, or a variable.
const WORDS: [&str; 7] = [
    "clearml",
    "CLEARML",
    "ClearML",
    "trains",
    "TRAINS",
    "apiserver",
    "fileserver",
];

/// How a network is called that another project makes.
const EXTERNAL: [&str; 2] = ["external:", "external\":"];

/// What there is below a folder.
#[derive(Default)]
pub(crate) struct Walk {
    /// Files that may be compose files, those of a folder together.
    pub(crate) found: Vec<Found>,
    /// Kubernetes manifests.
    pub(crate) manifests: Vec<Manifest>,
    /// Values of ClearML's chart.
    pub(crate) values: Vec<(PathBuf, Zeroizing<String>)>,
    /// What makes manifests of a ClearML server, and the command that does: a chart, a kustomization, or what installs charts.
    pub(crate) unrendered: Vec<(PathBuf, String)>,
    /// What starts ClearML's servers in a way that is not read.
    pub(crate) launchers: Vec<(PathBuf, Launcher)>,
    /// Folders that cannot be read.
    pub(crate) closed: Vec<(PathBuf, Error)>,
    /// Folders that are nested too deep.
    pub(crate) deep: Vec<PathBuf>,
    /// Linked folders with a compose file in them.
    pub(crate) linked: Vec<PathBuf>,
    /// What else was passed over, a line each.
    pub(crate) remarks: Vec<String>,
    /// Files that are read with the one that COMPOSE_FILE names before them.
    together: HashSet<PathBuf>,
    /// What may be merged over a compose file of its folder, if there is one.
    beside: Vec<Found>,
    kustomizations: Vec<Kustomization>,
    scripts: Vec<(PathBuf, Installer)>,
    other_links: Vec<PathBuf>,
    made: Vec<PathBuf>,
    unreadable: Vec<PathBuf>,
}

/// A file that may be a compose file.
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// Whether it speaks of ClearML.
    pub(crate) has_words: bool,
    /// Whether it may be made of other files, too.
    pub(crate) may_read_others: bool,
    /// The folder whose `.env` names it, where that is another one.
    pub(crate) named_in: Option<PathBuf>,
    /// Whether nothing says that it is one but a compose file beside it.
    pub(crate) is_beside: bool,
    /// Whether it speaks of what another project makes.
    pub(crate) has_external: bool,
}

/// A file with manifests.
pub(crate) struct Manifest {
    pub(crate) path: PathBuf,
    pub(crate) text: Zeroizing<String>,
    /// Whether it has a ClearML server; others may have what that refers to.
    pub(crate) is_ours: bool,
}

/// What a file's text is.
enum Kind {
    /// It has services, and nothing says whose.
    Beside,
    Compose,
    Manifest,
    Other,
    Values,
}

impl Walk {
    /// Looks below a folder.
    ///
    /// # Errors
    /// The folder itself cannot be read.
    pub(crate) fn below(folder: &Path) -> Result<Self, Error> {
        let mut walk = Self::default();
        let root = real(folder);
        walk.folder(&root, folder, entries(folder)?, 0);
        let together = std::mem::take(&mut walk.together);
        let is_elsewhere = |one: &Found| {
            one.named_in.is_none() && !together.is_empty() && together.contains(&real(&one.path))
        };
        walk.found.retain(|one| !is_elsewhere(one));
        walk.kustomize();
        walk.install();
        for (what, paths) in [
            ("linked folders", &walk.other_links),
            ("folders that a program made", &walk.made),
            ("YAML files that cannot be read", &walk.unreadable),
        ] {
            if !paths.is_empty() {
                walk.remarks.push(format!(
                    "passed over: {what}: {}; name one to have it checked",
                    listed(paths)
                ));
            }
        }
        Ok(walk)
    }

    fn folder(&mut self, root: &Path, folder: &Path, entries: Vec<PathBuf>, depth: usize) {
        let before = (self.manifests.len(), self.values.len());
        let (found, beside) = (self.found.len(), self.beside.len());
        let mut installers = Vec::new();
        let taken = default_in(folder);
        // They are read with the file that they belong to.
        let merged = match elsewhere(folder) {
            Some(named) => {
                let parts = named.compose.iter();
                let parts = parts.filter(|path| !has_own_run(path, folder, &named.compose));
                self.together.extend(parts.map(|path| real(path)));
                let mut files = named.compose.into_iter();
                let first = files.next();
                let further: Vec<_> = files.collect();
                if let Some(path) = first {
                    self.file(path, Some(&further), Some(folder));
                }
                further
            }
            None => taken.as_deref().map(merged_over).unwrap_or_default(),
        };
        self.together.extend(merged.iter().map(|path| real(path)));
        for path in entries {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                if name != ".git" {
                    self.subfolder(root, path, depth);
                }
            } else if let Some(one) = Installer::below(&path) {
                installers.push((path, one));
            } else if merged.contains(&path) {
                continue;
            } else if !(name.ends_with(".yml") || name.ends_with(".yaml"))
                && taken.as_ref() != Some(&path)
            {
                self.other(&name, &path);
            } else if let Some(taken) = taken
                .as_ref()
                .filter(|taken| is_default(&name) && **taken != path)
            {
                self.remarks.push(format!(
                    "{} is not read: docker compose takes {} beside it",
                    path.display(),
                    taken.display()
                ));
            } else {
                let is_taken = taken.as_ref() == Some(&path);
                self.file(path, is_taken.then_some(&merged), None);
            }
        }
        for (path, one) in installers {
            let is_taken = |values: &Path| values.parent() == Some(folder) && one.takes(values);
            self.values.retain(|(values, _)| !is_taken(values));
            self.unrendered.push((path, one.command));
        }
        self.render(folder, before);
        let beside = self.beside.split_off(beside);
        let is_here = |one: &Found| one.path.parent() == Some(folder);
        if self.found[found..].iter().any(is_here) {
            self.found.extend(beside);
        }
    }

    /// Takes back what was found in a folder of which a chart makes manifests: only that tells what is made of it.
    fn render(&mut self, folder: &Path, (manifests, values): (usize, usize)) {
        self.kustomizations.extend(Kustomization::of(folder));
        let chart = folder.join("Chart.yaml");
        if !chart.is_file() {
            return;
        }
        let manifests = self.manifests.split_off(manifests);
        let mut is_ours = manifests.iter().any(|one| one.is_ours);
        let of_others = !read_text(&chart).is_ok_and(|text| text.contains("clearml"));
        for (path, _) in self.values.split_off(values) {
            is_ours |= !of_others;
            if of_others {
                self.remarks.push(format!(
                    "passed over: {}: the chart beside it is not ClearML's",
                    path.display()
                ));
            }
        }
        if is_ours {
            let command = format!("helm template {} | clearml-verify -", quoted(folder));
            self.unrendered.push((folder.to_owned(), command));
        }
    }

    /// Takes back what kustomizations make manifests of, and names those that no other one is made of.
    fn kustomize(&mut self) {
        let mut all = std::mem::take(&mut self.kustomizations);
        for one in &mut all {
            one.is_ours |= self.values.iter().any(|(path, _)| one.takes(path));
        }
        let is_taken = |path: &Path| all.iter().any(|one| one.takes(path));
        self.manifests.retain(|one| !is_taken(&one.path));
        self.values.retain(|(path, _)| !is_taken(path));
        let is_part = |folder: &Path| {
            let real = real(folder);
            all.iter()
                .any(|other| other.is_ours && other.parts.contains(&real))
        };
        for one in all
            .iter()
            .filter(|one| one.is_ours && !is_part(&one.folder))
        {
            let shown = quoted(&one.folder);
            let command = format!("kubectl kustomize --enable-helm {shown} | clearml-verify -");
            self.unrendered.push((one.folder.clone(), command));
        }
    }

    fn subfolder(&mut self, root: &Path, folder: PathBuf, depth: usize) {
        if is_link(&folder) {
            // What is below the target anyway is met there.
            if folder
                .canonicalize()
                .is_ok_and(|real| !real.starts_with(root))
            {
                match default_in(&folder) {
                    Some(_) => self.linked.push(folder),
                    None => self.other_links.push(folder),
                }
            }
        } else if is_made(&folder) {
            self.made.push(folder);
        } else if depth >= DEPTH_LIMIT {
            self.deep.push(folder);
        } else {
            match entries(&folder) {
                Ok(entries) => self.folder(root, &folder, entries, depth + 1),
                Err(error) => self.closed.push((folder, error)),
            }
        }
    }

    /// A file that is no YAML: manifests as JSON, or what starts servers.
    fn other(&mut self, name: &str, path: &Path) {
        let is_json = name.ends_with(".json");
        let may_be_one = match is_json {
            true => may_be_read(path, |start| {
                begins_as_manifest(start) || launcher::may_be_json(start) && is_short(path)
            }),
            // A program without an ending may be a script.
            false if !name.contains('.') && is_program(path) => {
                may_be_read(path, |start| start.starts_with("#!"))
            }
            false => launcher::may_be_one(name),
        };
        let Some(text) = may_be_one.then(|| read_text(path).ok()).flatten() else {
            return;
        };
        if is_json && is_manifest(&text) && text.contains("\"kind\"") {
            self.manifests.push(Manifest {
                is_ours: is_of_clearml(&text),
                path: path.to_owned(),
                text,
            });
        } else if !is_json || text.trim_start().starts_with('{') {
            // A list is what an engine printed.
            self.started(name, path, &text);
        }
    }

    /// What starts servers in a way that is not read, or has helm do it.
    fn started(&mut self, name: &str, path: &Path, text: &str) {
        if let Some(one) = launcher::told(name, text) {
            // What is made of a template is read where it is beside it.
            let made = launcher::made_of(name).map(|made| path.with_file_name(made));
            if !made.is_some_and(|made| made.is_file()) {
                self.launchers.push((path.to_owned(), one));
            }
        } else if let Some(one) = Installer::told(text) {
            self.scripts.push((path.to_owned(), one));
        }
    }

    /// Names scripts that install the chart, but those that only give it files of values: these are read.
    fn install(&mut self) {
        for (path, one) in std::mem::take(&mut self.scripts) {
            let mut values = self.values.iter();
            if !(one.has_files_alone && values.any(|(values, _)| one.takes(values))) {
                self.unrendered.push((path, one.command));
            }
        }
    }

    /// A file whose name says that it is a compose file is one that may hold a server, whatever keeps it from being
    /// read; one with another name if its text says so.
    fn file(&mut self, path: PathBuf, merged: Option<&Vec<PathBuf>>, named_in: Option<&Path>) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // One that docker compose takes needs no name that says so.
        let is_named = merged.is_some() || name.contains("compose");
        let named_in = named_in.map(Path::to_owned);
        let Ok(text) = read_text(&path) else {
            match is_named {
                true => self.found.push(Found {
                    path,
                    has_words: true,
                    may_read_others: false,
                    named_in,
                    is_beside: false,
                    has_external: false,
                }),
                false => self.unreadable.push(path),
            }
            return;
        };
        let has_one = |text: &str| WORDS.iter().any(|word| text.contains(word));
        let mut further = merged.into_iter().flatten();
        let has_words =
            has_one(&text) || further.any(|path| read_text(path).is_ok_and(|text| has_one(&text)));
        let is_merged = merged.is_some_and(|merged| !merged.is_empty());
        let may_read_others = is_merged || text.contains("include") || text.contains("extends");
        match kind(&path, &text, is_named, has_words) {
            kind @ (Kind::Compose | Kind::Beside) => {
                let is_beside = matches!(kind, Kind::Beside);
                let all = if is_beside {
                    &mut self.beside
                } else {
                    &mut self.found
                };
                all.push(Found {
                    path,
                    has_words,
                    may_read_others,
                    named_in,
                    is_beside,
                    has_external: EXTERNAL.iter().any(|key| text.contains(key)),
                });
            }
            Kind::Manifest => self.manifests.push(Manifest {
                is_ours: is_of_clearml(&text),
                path,
                text,
            }),
            Kind::Values => self.values.push((path, text)),
            Kind::Other => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if has_words {
                    self.started(&name, &path, &text);
                }
            }
        }
    }
}

/// Whether a file begins as something that is read. Others may be data, and large.
fn may_be_read(path: &Path, begins_so: impl Fn(&str) -> bool) -> bool {
    const START: u64 = 4096;
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(START).read_to_end(&mut start));
    path.is_file() && read.is_ok() && begins_so(&String::from_utf8_lossy(&start))
}

/// Whether a file is no longer than what people write. Data sets name images, too.
fn is_short(path: &Path) -> bool {
    const LONGEST: u64 = 1 << 20;
    path.metadata().is_ok_and(|data| data.len() <= LONGEST)
}

fn begins_as_manifest(start: &str) -> bool {
    let keys = ["\"apiVersion\"", "\"kind\""];
    keys.iter().any(|key| start.contains(key))
}

/// Whether somebody may run a file.
fn is_program(path: &Path) -> bool {
    let mode = path.metadata().map(|data| data.permissions().mode());
    mode.is_ok_and(|mode| mode & 0o111 != 0)
}

/// Whether a program made a folder and can make it again.
pub(crate) fn is_made(folder: &Path) -> bool {
    folder.ends_with("node_modules") || MADE.iter().any(|mark| folder.join(mark).is_file())
}

fn kind(path: &Path, text: &str, is_named: bool, has_words: bool) -> Kind {
    if is_manifest(text) {
        return Kind::Manifest;
    }
    if !is_named && helm::is_values(path, text) {
        return Kind::Values;
    }
    let has_services = text.contains("services");
    // Without a word of ClearML hardly any file is one.
    let may_have = has_services && (has_words || text.lines().any(begins_services));
    match () {
        () if is_named && (has_services || text.contains("include")) => Kind::Compose,
        () if is_named || !may_have || !has_top_level_services(path, text) => Kind::Other,
        () if has_words => Kind::Compose,
        () => Kind::Beside,
    }
}

fn begins_services(line: &str) -> bool {
    line.starts_with("services:")
}

/// Whether `services` is a mapping of mappings at the top, as in a compose file; elsewhere it is a list, or below
/// something. A text that is no YAML may have been one, if a line of it begins so.
fn has_top_level_services(path: &Path, text: &str) -> bool {
    let Ok(root) = yaml::parse(path, text) else {
        return text.lines().any(begins_services);
    };
    let is_service = |value: &Node| value.is_null() || value.entries().is_some();
    root.get("services").is_some_and(|services| {
        services.value.entries().is_some()
            && services
                .value
                .fields()
                .iter()
                .all(|field| is_service(field.value))
    })
}

/// The first of some paths, and how many more there are.
pub(crate) fn listed(paths: &[PathBuf]) -> String {
    const SHOWN: usize = 5;
    let names = paths.iter().take(SHOWN).map(|path| quoted(path));
    let names = names.collect::<Vec<_>>().join(", ");
    match paths.len().saturating_sub(SHOWN) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

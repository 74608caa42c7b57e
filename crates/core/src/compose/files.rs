//! Which files `docker compose` reads in a folder, and the texts that a project is read from.

use std::path::{Path, PathBuf};

use crate::dotenv;
use crate::error::Error;
use crate::io::{is_same, read_argument, read_text, real};
use crate::source::SharedText;

/// Names that docker compose looks for, the one that it prefers first.
const DEFAULTS: [&str; 4] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
];

/// What it merges over a file of any of these names: the first of them that is there.
const OVERRIDES: [&str; 4] = [
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// Whether `docker compose` looks for a file of this name.
pub fn is_default(name: &str) -> bool {
    DEFAULTS.contains(&name)
}

/// The file that `docker compose` takes in a folder when it is told none: the first that COMPOSE_FILE in `.env` names, or
/// one with a default name.
pub fn default_in(folder: &Path) -> Option<PathBuf> {
    let named = named_in_env(folder).into_iter().next();
    named.or_else(|| first_in(folder, &DEFAULTS))
}

/// The files that `docker compose` merges over one when it is told none, lowest precedence first: what COMPOSE_FILE in
/// `.env` names after it, or the override beside a file with a default name.
pub fn merged_over(path: &Path) -> Vec<PathBuf> {
    let Some(folder) = path.parent() else {
        return Vec::new();
    };
    let named = named_in_env(folder);
    if let Some((first, further)) = named.split_first() {
        return match is_same(first, path) {
            true => further.to_vec(),
            false => Vec::new(),
        };
    }
    let name = path.file_name().and_then(|name| name.to_str());
    let found = name
        .filter(|name| is_default(name))
        .and_then(|_| first_in(folder, &OVERRIDES));
    found.into_iter().collect()
}

/// What `docker compose` reads in a folder when it is told nothing, and `.env` first names a file of another folder: that
/// is the project's folder then, and the `.env` of both count.
pub fn elsewhere(folder: &Path) -> Option<Elsewhere> {
    let compose = named_in_env(folder);
    let project = compose.first()?.parent()?;
    if is_same(&project.join("x"), &folder.join("x")) {
        return None;
    }
    let env = [project, folder].map(|folder| folder.join(".env"));
    let env = env.into_iter().filter(|path| is_there(path)).collect();
    Some(Elsewhere { compose, env })
}

/// The folder above that of a compose file whose `.env` names it, and what `docker compose` reads there. It may be above the
/// current folder, too: `..`.
pub fn named_above(path: &Path) -> Option<(PathBuf, Elsewhere)> {
    let here = real(Path::new("."));
    let outer = here.ancestors().skip(1).filter(|_| path.is_relative());
    let ups = outer.scan(PathBuf::new(), |up, folder| {
        up.push("..");
        Some((up.clone(), here.strip_prefix(folder).ok()?))
    });
    let typed = path.ancestors().skip(2);
    let above = typed.map(|folder| (folder.to_owned(), Path::new("")));
    let mut named = above.chain(ups).filter_map(|(folder, back)| {
        let found = elsewhere(&folder)?;
        let is_named = found.compose.iter().any(|file| is_same(file, path));
        is_named.then(|| (found.seen_from(&folder, back), folder))
    });
    named.next().map(|(found, folder)| (folder, found))
}

/// Whether `docker compose` in the folder of a file, which is named elsewhere, takes it there by itself as another deployment: in a
/// folder that is not below the one whose `.env` names it, or with further files beside it.
pub fn has_own_run(path: &Path, named_in: &Path, named: &[PathBuf]) -> bool {
    let is_taken = path
        .parent()
        .and_then(default_in)
        .is_some_and(|taken| is_same(&taken, path));
    let is_below = real(path).starts_with(real(named_in));
    let is_named = |other: &PathBuf| named.iter().any(|path| is_same(path, other));
    is_taken && !(is_below && merged_over(path).iter().all(is_named))
}

/// Files of another folder than the one in which `docker compose` runs.
pub struct Elsewhere {
    /// The compose files, lowest precedence first.
    pub compose: Vec<PathBuf>,
    /// The files for interpolation, of which a later one wins.
    pub env: Vec<PathBuf>,
}

impl Elsewhere {
    /// The same files without a way up and down again, where `back` leads from the folder that names them to the current one.
    fn seen_from(self, folder: &Path, back: &Path) -> Self {
        let shorter = |path: PathBuf| {
            let mut down = back.components();
            let Ok(mut rest) = path.strip_prefix(folder).map(Path::components) else {
                return path;
            };
            while down.clone().next().is_some() && down.clone().next() == rest.clone().next() {
                down.next();
                rest.next();
            }
            let up: PathBuf = down.map(|_| "..").collect();
            up.join(rest)
        };
        Self {
            compose: self.compose.into_iter().map(shorter).collect(),
            env: self.env.into_iter().map(shorter).collect(),
        }
    }
}

/// The files that COMPOSE_FILE in a folder's `.env` names. What is wrong with that file is said where it is read for its
/// variables.
fn named_in_env(folder: &Path) -> Vec<PathBuf> {
    let Ok(Some((_, text))) = env_beside(folder) else {
        return Vec::new();
    };
    if !text.contains(COMPOSE_FILE) {
        return Vec::new();
    }
    let entries = dotenv::parse(&text, &|_| None).unwrap_or_default();
    compose_file(&|name| {
        let mut last_first = entries.iter().rev();
        let entry = last_first.find(|entry| entry.name == name && entry.value.is_some())?;
        Some(entry.value.as_ref()?.expose())
    })
    .map(|name| folder.join(name.trim_start_matches("./")))
    .collect()
}

const COMPOSE_FILE: &str = "COMPOSE_FILE";

/// The names in COMPOSE_FILE.
pub(super) fn compose_file<'a>(
    variable: &dyn Fn(&str) -> Option<&'a str>,
) -> impl Iterator<Item = &'a str> {
    let list = variable(COMPOSE_FILE).unwrap_or_default();
    let separator = variable("COMPOSE_PATH_SEPARATOR").filter(|separator| !separator.is_empty());
    list.split(separator.unwrap_or(":"))
        .filter(|name| !name.is_empty())
}

fn first_in(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    let mut paths = names.iter().map(|name| folder.join(name));
    paths.find(|path| is_there(path))
}

/// Whether compose would open something of this name. What is no file is an error when it is read.
fn is_there(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.is_dir())
}

/// The `.env` that compose takes from the project's folder, path and text.
fn env_beside(folder: &Path) -> Result<Option<GivenFile>, Error> {
    let path = folder.join(".env");
    if is_there(&path) {
        let text = read_text(&path)?;
        Ok(Some((path, text.into())))
    } else {
        Ok(None)
    }
}

/// A path and the text that counts as what is in the file.
pub type GivenFile = (PathBuf, SharedText);

/// The texts and paths that a deployment is read from.
pub struct Files {
    /// Relative paths in compose files start here.
    pub folder: PathBuf,
    /// The compose files, lowest precedence first: path and text.
    pub compose: Vec<GivenFile>,
    /// The files for interpolation, of which a later one wins: path and text.
    pub env: Vec<GivenFile>,
    /// Whether compose takes the env file without being told of it.
    pub is_env_default: bool,
    /// The configuration folder of every server, instead of what is mounted.
    pub config_dir: Option<PathBuf>,
    /// Whether services of which compose starts no container are left out of the deployment.
    pub is_of_started: bool,
    /// Whether they are read besides what compose takes by itself, so that others which COMPOSE_FILE names are seen anyway.
    pub is_besides: bool,
}

impl Files {
    /// Reads the compose files that the command line names, and `.env` beside the first of them where it names no env
    /// file.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(
        compose: &[PathBuf],
        env_files: &[PathBuf],
        config_dir: Option<&Path>,
    ) -> Result<Self, Error> {
        let read = |path: &PathBuf| Ok((path.clone(), read_argument(path)?.into()));
        let texts = |paths: &[PathBuf]| paths.iter().map(read).collect::<Result<_, Error>>();
        Self::of(texts(compose)?, texts(env_files)?, config_dir)
    }

    /// The same from texts that were read before.
    ///
    /// # Errors
    /// A `.env` that cannot be read.
    pub fn of(
        compose: Vec<GivenFile>,
        mut env: Vec<GivenFile>,
        config_dir: Option<&Path>,
    ) -> Result<Self, Error> {
        let first = compose.first().and_then(|(path, _)| path.parent());
        let folder = first.unwrap_or(Path::new("")).to_owned();
        let is_env_default = env.is_empty();
        if is_env_default {
            env.extend(env_beside(&folder)?);
        }
        Ok(Self {
            folder,
            compose,
            env,
            is_env_default,
            config_dir: config_dir.map(Path::to_owned),
            is_of_started: false,
            is_besides: false,
        })
    }
}

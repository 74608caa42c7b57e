//! `@FILE` among the targets: a file with a target on each line, for a fleet that no command line has room for.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clearml_secure_core::compose::files::merged_over;
use clearml_secure_core::io::read_argument;
use clearml_secure_core::source::place_of;

use crate::cli::Cli;
use crate::error::Error;
use crate::target;

/// Takes the targets of each such file instead of its name. `./@FILE` is a file of that name.
///
/// # Errors
/// A file that cannot be read, or names no target; an address that nobody can ask, with its line.
pub(crate) fn expand(cli: &mut Cli) -> Result<(), Error> {
    let mut targets = Vec::new();
    for target in std::mem::take(&mut cli.targets) {
        match target.to_str().and_then(|text| text.strip_prefix('@')) {
            // The lines of another file, of a keyset for instance, are not shown: it stays as it is named, and is said.
            Some(path) => match listed(Path::new(path))? {
                named if named.iter().any(|target| may_be_one(target)) => targets.extend(named),
                _ => targets.push(target),
            },
            None => targets.push(target),
        }
    }
    // One that two lists name, or that is named in a list and beside it, is checked once.
    let mut seen = HashSet::new();
    targets.retain(|target| seen.insert(identity(target)));
    cli.targets = targets;
    Ok(())
}

/// A path without what may be written in two ways. A symbolic link stays one: what is beside it counts.
pub(crate) fn written_once(target: &Path) -> PathBuf {
    // Nothing is beside a folder that counts for what is in it.
    if target.is_dir() {
        return target.canonicalize().unwrap_or_else(|_| target.to_owned());
    }
    let whole = match (target.parent(), target.file_name()) {
        (Some(folder), Some(name)) if folder.as_os_str().is_empty() => Path::new(".")
            .canonicalize()
            .map(|folder| folder.join(name)),
        (Some(folder), Some(name)) => folder.canonicalize().map(|folder| folder.join(name)),
        _ => target.canonicalize(),
    };
    whole
        .ok()
        .filter(|whole| whole.exists())
        .unwrap_or_else(|| target.to_owned())
}

/// What tells one target from another: in one folder, two names of one file are one deployment, unless docker compose merges other
/// files over them.
pub(crate) fn identity(target: &Path) -> (PathBuf, Option<(u64, u64)>, Vec<PathBuf>) {
    let whole = written_once(target);
    let file = target.metadata().ok().filter(|data| data.is_file());
    match (file, whole.parent()) {
        (Some(data), Some(folder)) => (
            folder.to_owned(),
            Some((data.dev(), data.ino())),
            merged_over(&whole),
        ),
        _ => (whole, None, Vec::new()),
    }
}

fn listed(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let text = read_argument(path)?;
    let mut targets = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        // Editors of Windows begin a file with a mark.
        let named = line.trim_start_matches('\u{feff}').trim();
        if !named.is_empty() && !named.starts_with('#') {
            let column = line.find(named).unwrap_or_default();
            target(named).map_err(|error| Error::Listed {
                place: place_of(path, &text, start + column),
                error: Box::new(error),
            })?;
            targets.push(PathBuf::from(named));
        }
        start += line.len();
    }
    match targets.is_empty() {
        true => Err(Error::EmptyList(path.to_owned())),
        false => Ok(targets),
    }
}

fn may_be_one(target: &Path) -> bool {
    let text = target.to_string_lossy();
    target.exists() || target::is_meant_as_url(&text) || target::may_be_host(&text)
}

/// Refuses a line that is no target.
fn target(named: &str) -> Result<(), Error> {
    if named.starts_with('@') && !Path::new(named).exists() {
        return Err(Error::ListInList(named.to_owned()));
    }
    match target::is_meant_as_url(named) {
        true => target::checked(named),
        false => Ok(()),
    }
}

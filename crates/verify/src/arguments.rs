//! `@FILE` among the targets: a file with a target on each line, for a fleet that no command line has room for.

use std::path::{Path, PathBuf};

use clearml_secure_core::io::read_argument;

use crate::cli::Cli;
use crate::error::Error;

/// Takes the targets of each such file instead of its name. `./@FILE` is a file of that name.
///
/// # Errors
/// A file that cannot be read, or names no target.
pub(crate) fn expand(cli: &mut Cli) -> Result<(), Error> {
    let mut targets = Vec::new();
    for target in std::mem::take(&mut cli.targets) {
        match target.to_str().and_then(|text| text.strip_prefix('@')) {
            Some(path) => targets.extend(listed(Path::new(path))?),
            None => targets.push(target),
        }
    }
    cli.targets = targets;
    Ok(())
}

fn listed(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let text = read_argument(path)?;
    // Editors of Windows begin a file with a mark.
    let text = text.trim_start_matches('\u{feff}');
    let lines = text.lines().map(str::trim);
    let named = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let targets: Vec<PathBuf> = named.map(PathBuf::from).collect();
    match targets.is_empty() {
        true => Err(Error::EmptyList(path.to_owned())),
        false => Ok(targets),
    }
}

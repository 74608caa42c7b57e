//! The compose files below a folder.

use std::path::{Path, PathBuf};

use clearml_secure_core::compose::files::{default_in, is_default};
use clearml_secure_core::error::Error;
use clearml_secure_core::io::{entries, is_link, read_text};

/// Files that mark a folder as something a program made and can make again.
const MADE: [&str; 2] = ["CACHEDIR.TAG", "pyvenv.cfg"];

/// Folders may be nested this deep below a target.
const DEPTH_LIMIT: usize = 32;

/// What there is below a folder.
#[derive(Default)]
pub(crate) struct Walk {
    /// The compose files, sorted: in each folder the one that docker compose would take, and every other whose name
    /// says that it is one, overrides left out.
    pub(crate) found: Vec<PathBuf>,
    /// Folders that cannot be read.
    pub(crate) closed: Vec<(PathBuf, Error)>,
    /// What was passed over.
    pub(crate) remarks: Vec<String>,
}

impl Walk {
    /// Looks below a folder.
    ///
    /// # Errors
    /// The folder itself cannot be read.
    pub(crate) fn below(folder: &Path) -> Result<Self, Error> {
        let mut walk = Self::default();
        walk.folder(folder, entries(folder)?, 0);
        Ok(walk)
    }

    fn folder(&mut self, folder: &Path, entries: Vec<PathBuf>, depth: usize) {
        let taken = default_in(folder);
        for path in entries {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if path.is_dir() {
                let is_made = [".git", "node_modules"].contains(&name)
                    || MADE.iter().any(|mark| path.join(mark).is_file());
                if !is_link(&path) && depth < DEPTH_LIMIT && !is_made {
                    self.open(path, depth + 1);
                }
            } else if is_compose_name(name) && has_services(&path) {
                match &taken {
                    Some(taken) if is_default(name) && *taken != path => {
                        self.remarks.push(format!(
                            "{} is not read: docker compose takes {} beside it",
                            path.display(),
                            taken.display()
                        ))
                    }
                    _ => self.found.push(path),
                }
            }
        }
    }

    fn open(&mut self, folder: PathBuf, depth: usize) {
        match entries(&folder) {
            Ok(entries) => self.folder(&folder, entries, depth),
            Err(error) => self.closed.push((folder, error)),
        }
    }
}

fn is_compose_name(name: &str) -> bool {
    let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    is_yaml && name.contains("compose") && !name.contains(".override.")
}

/// A file that only looks like one by its name is left alone; one that cannot be read is not.
fn has_services(path: &Path) -> bool {
    read_text(path).map_or(true, |text| text.contains("services"))
}

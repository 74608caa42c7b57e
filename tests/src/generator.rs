//! Compose projects in every shape that people write them in, from a seed: the same seed, the same files.
//!
//! Only what Docker Compose accepts is generated, because a project that it refuses proves nothing; the shapes that it refuses
//! are in `tests/fixtures/shapes`.

mod around;
#[path = "../oracles/compose_projects.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod compose_projects;
mod environment;
mod features;
mod ports;
mod project;
#[path = "../oracles/random.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod random;
mod text;

use std::fs;
use std::path::Path;

pub use features::Features;
pub use random::Random;

use crate::mode::{MERGED, Mode};

/// The files of one compose project.
#[derive(Debug, PartialEq)]
pub struct Project {
    files: Vec<(String, String)>,
    /// The features that it has.
    pub used: Vec<&'static str>,
}

impl Project {
    /// Writes them below a folder.
    pub fn write(&self, folder: &Path) {
        for (name, text) in &self.files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
}

/// A project from a seed, with the files that a mode of inject takes.
pub fn project(seed: u64, mode: &Mode, features: &Features) -> Project {
    project::generate(seed, mode, features)
}

/// A project from a seed that uses all of what compose merges; compose refuses some of these.
pub fn merging(seed: u64, mode: &Mode) -> Project {
    const OVER: &str = "docker-compose.override.yml";
    let mut files = compose_projects::generate(seed);
    if mode.merges() {
        // By name, no other is taken.
        for (name, _) in &mut files {
            if name == OVER {
                MERGED.clone_into(name);
            }
        }
        if files.iter().all(|(name, _)| name != MERGED) {
            files.push((MERGED.to_owned(), "services: {}\n".to_owned()));
        }
    }
    Project {
        files,
        used: vec!["merging"],
    }
}

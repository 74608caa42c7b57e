//! Compose projects in every shape that people write them in, from a seed: the same seed, the same files.
//!
//! Only what Docker Compose accepts is generated, because a project that it refuses proves nothing; the shapes that it refuses
//! are in `tests/fixtures/shapes`.

mod around;
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

use crate::mode::Mode;

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

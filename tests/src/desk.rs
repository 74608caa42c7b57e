//! A deployment in a folder of its own, and what an operator does there.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::files::stock;
use crate::program::{Done, shell_in};

/// The stock deployment with a configuration folder of its own.
pub fn deployment() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    deploy(folder.path());
    folder
}

/// The same in a folder that is made for it.
pub fn deploy(folder: &Path) {
    fs::create_dir_all(folder.join("config")).unwrap();
    let compose = stock().replace("/opt/clearml/config:", "./config:");
    fs::write(folder.join("docker-compose.yml"), compose).unwrap();
}

/// Runs commands as they are printed.
pub fn run(folder: &TempDir, commands: &str) -> Done {
    shell_in(folder.path()).args(["-euc", commands]).done()
}

/// What is in a file.
pub fn text(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap()
}

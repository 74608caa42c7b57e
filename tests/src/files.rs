//! The compose files that the tests walk over.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::fresh::fresh;
use crate::oracle;

/// A compose file and what to call it.
pub struct Deployment {
    /// For messages: `shapes/indent-4.yml`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// The folder of the project.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// `tests/fixtures`.
pub fn fixtures() -> PathBuf {
    root().join("tests/fixtures")
}

/// ClearML's own compose file.
pub fn stock() -> String {
    fs::read_to_string(fixtures().join("stock/docker-compose.yml")).unwrap()
}

/// Every compose file of the fixtures: whole deployments, rules, shapes. A new folder there is walked too.
pub fn fixture_deployments() -> Vec<Deployment> {
    let mut found = Vec::new();
    walk(&fixtures(), &fixtures(), &mut found);
    assert!(found.len() > 50, "the fixtures are gone");
    found
}

/// Compose files of strangers, which are not part of the project: those of `CLEARML_SECURE_CORPUS`, or of the
/// folder `shared/corpus` beside the project.
pub fn corpus() -> Vec<Deployment> {
    let folder = std::env::var_os("CLEARML_SECURE_CORPUS")
        .map_or_else(|| root().join("../shared/corpus"), PathBuf::from);
    let mut found = Vec::new();
    if folder.is_dir() {
        walk(&folder, &folder, &mut found);
    } else {
        oracle::note_skipped(
            "the corpus of public compose files: CLEARML_SECURE_CORPUS names no folder",
        );
    }
    for deployment in &mut found {
        deployment.name = format!("corpus/{}", deployment.name);
    }
    found
}

/// Files by name: text and mode.
pub type State = BTreeMap<String, (String, u32)>;

/// All files of a folder and of the folders in it; of a link, where it leads.
pub fn state(folder: &Path) -> State {
    let mut state = State::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let text = if metadata.is_dir() {
                folders.push(path);
                continue;
            } else if metadata.is_symlink() {
                format!("-> {}", fs::read_link(&path).unwrap().display())
            } else {
                fs::read_to_string(&path).unwrap()
            };
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            state.insert(name, (text, metadata.permissions().mode() & 0o7777));
        }
    }
    state
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<Deployment>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            found.push(Deployment {
                name: path.strip_prefix(root).unwrap().display().to_string(),
                path,
            });
        }
    }
}

/// Copies a folder's files, each readable for its owner alone and with fresh values, and the folders in it.
pub fn copy_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copy = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir(&copy).unwrap();
            copy_all(&path, &copy);
        } else {
            fs::write(&copy, fresh_bytes(&path)).unwrap();
            fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

/// The bytes of a file, with fresh values if it is a text.
fn fresh_bytes(path: &Path) -> Vec<u8> {
    match String::from_utf8(fs::read(path).unwrap()) {
        Ok(text) => fresh(&text).into_bytes(),
        Err(error) => error.into_bytes(),
    }
}

impl Deployment {
    /// The file's bytes, with fresh values.
    pub fn bytes(&self) -> Vec<u8> {
        fresh_bytes(&self.path)
    }

    /// A copy of the file's folder that only its owner reads and that is in no repository, prepared by its
    /// `prepare.sh` where it has one, and the file in it.
    pub fn prepared(&self) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        copy_all(self.path.parent().unwrap(), folder.path());
        if folder.path().join("prepare.sh").exists() {
            let status = Command::new("sh")
                .args(["-e", "prepare.sh"])
                .current_dir(folder.path())
                .status();
            assert!(status.unwrap().success(), "{}: prepare.sh", self.name);
        }
        let path = folder.path().join(self.path.file_name().unwrap());
        (folder, path)
    }

    /// A fresh folder with a copy of the file, called `docker-compose.yml`, and of what it refers to.
    pub fn copy(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("docker-compose.yml"), self.bytes()).unwrap();
        for entry in fs::read_dir(self.path.parent().unwrap()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "env") {
                let copy = folder.path().join(path.file_name().unwrap());
                fs::write(copy, fresh_bytes(&path)).unwrap();
            }
        }
        // Files that insist on a variable (`${CLEARML_HOST:?…}`) come with a `.env` in real life.
        let dotenv: String = ENVIRONMENT
            .iter()
            .map(|(name, value)| format!("{name}={value}\n"))
            .collect();
        fs::write(folder.path().join(".env"), dotenv).unwrap();
        folder
    }
}

/// The variables that some file of the corpus insists on.
pub const ENVIRONMENT: [(&str, &str); 1] = [("CLEARML_HOST", "clearml.example")];

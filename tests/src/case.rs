//! A folder of `tests/cases/`: one kind of mistake, and deployments that make it in different ways.
//!
//! `case.toml` says why it matters, and has the tries. A try takes the folder's files, and its own over them. Where there is no
//! compose file among them, it gets one that follows all advice, with what it changes in that.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tempfile::TempDir;

use crate::files;
use crate::fresh::fresh;

/// The file that the tries of a folder are in.
const CASE: &str = "case.toml";
/// What the deployment that follows all advice has no use for here: it is said for good, in a note.
const LEFT_OUT: &str = "agent-services";

/// One kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What goes wrong where it is handled badly.
    pub why: String,
    /// The ways in which it is tried.
    #[serde(rename = "try")]
    pub tries: Vec<Try>,
    /// Where it was read.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// One deployment of the kind, and what is said of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Try {
    /// What a failure calls it.
    pub name: String,
    /// Files besides those of the folder.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// Links, and where they lead.
    #[serde(default)]
    links: BTreeMap<String, String>,
    /// What the compose file that is made is called.
    #[serde(default = "compose_file")]
    base: String,
    /// Lines of services, which take the place of those with the same key.
    #[serde(default)]
    services: BTreeMap<String, String>,
    /// Variables of services, which take the place of those with the same name.
    #[serde(default)]
    environment: BTreeMap<String, String>,
    /// The last lines of the file.
    #[serde(default)]
    end: String,
    /// What verify is asked for, instead of the compose file.
    pub arguments: Option<Vec<String>>,
    /// Each finding: `rule severity`, and after a bar a part of the line that it names.
    #[serde(default)]
    pub findings: Vec<String>,
    /// A part of each thing that is not known.
    #[serde(default)]
    pub unknown: Vec<String>,
    /// Parts of what is printed.
    #[serde(default)]
    pub says: Vec<String>,
    /// What is not printed.
    #[serde(default)]
    pub never_says: Vec<String>,
    /// Why Docker Compose refuses the file, where it does.
    pub compose_refuses: Option<String>,
    /// Modes of inject, where not the usual ones.
    pub modes: Option<Vec<String>>,
    /// Why inject refuses, in all modes but those that are named here.
    pub refused: Option<String>,
    /// The modes that inject accepts all the same.
    #[serde(default)]
    pub accepted: Vec<String>,
}

fn compose_file() -> String {
    "docker-compose.yml".to_owned()
}

/// The cases of `tests/cases/NAME`.
pub fn cases(name: &str) -> Vec<Case> {
    let folder = files::root().join("tests/cases").join(name);
    let entries = fs::read_dir(&folder).unwrap();
    let mut folders: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(!folders.is_empty(), "{name}: the cases are gone");
    folders.into_iter().map(read).collect()
}

fn read(folder: PathBuf) -> Case {
    let shown = folder.display().to_string();
    let text = fresh(&fs::read_to_string(folder.join(CASE)).unwrap());
    let mut case: Case = toml::from_str(&text).unwrap_or_else(|error| panic!("{shown}: {error}"));
    assert!(!case.why.is_empty() && !case.tries.is_empty(), "{shown}");
    case.folder = folder;
    case
}

impl Case {
    /// The kind, and what is tried.
    pub fn title(&self, one: &Try) -> String {
        let kind = self.folder.file_name().unwrap().to_string_lossy();
        format!("{kind}: {}", one.name)
    }

    /// The try's files in a folder of their own, readable for nobody else.
    pub fn prepared(&self, one: &Try) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        files::copy_all(&self.folder, folder.path());
        fs::remove_file(folder.path().join(CASE)).unwrap();
        for (name, text) in &one.files {
            write(&folder.path().join(name), text);
        }
        for (name, to) in &one.links {
            let link = folder.path().join(name);
            fs::create_dir_all(link.parent().unwrap()).unwrap();
            symlink(to, link).unwrap();
        }
        let base = folder.path().join(&one.base);
        if !base.exists() {
            write(&base, &one.changed());
        }
        folder
    }
}

impl Try {
    /// The deployment that follows all advice, with the try's changes.
    fn changed(&self) -> String {
        let secured = files::fixtures().join("secured/docker-compose.yml");
        let text = fresh(&fs::read_to_string(secured).unwrap());
        let mut lines = Vec::new();
        let mut service = "";
        for line in text.lines() {
            let indent = line.len() - line.trim_start().len();
            match indent {
                0 => service = "",
                2 => service = line.trim().trim_end_matches(':'),
                _ => {}
            }
            let key = line.trim().split(':').next().unwrap_or_default();
            let taken = match indent {
                4 => has_key(self.services.get(service), key),
                6 => has_key(self.environment.get(service), key),
                _ => false,
            };
            if service == LEFT_OUT || taken {
                continue;
            }
            lines.push(line.to_owned());
            match (indent, key) {
                (0, "services") => lines.extend(self.new_services(&text)),
                (2, _) => lines.extend(indented(self.services.get(service), 4)),
                (4, "environment") => lines.extend(indented(self.environment.get(service), 6)),
                _ => {}
            }
        }
        lines.extend(indented(Some(&self.end), 0));
        lines.join("\n") + "\n"
    }

    fn new_services(&self, text: &str) -> Vec<String> {
        let is_new = |name: &str| !text.contains(&format!("\n  {name}:\n"));
        let new = self.services.iter().filter(|(name, _)| is_new(name));
        new.flat_map(|(name, lines)| {
            let mut service = vec![format!("  {name}:")];
            service.extend(indented(Some(lines), 4));
            service
        })
        .collect()
    }
}

fn has_key(lines: Option<&String>, key: &str) -> bool {
    let mut keys = lines.into_iter().flat_map(|lines| lines.lines());
    keys.any(|line| {
        line.strip_prefix(key)
            .is_some_and(|rest| rest.starts_with(':'))
    })
}

fn indented(lines: Option<&String>, by: usize) -> Vec<String> {
    let lines = lines.into_iter().flat_map(|lines| lines.lines());
    lines.map(|line| format!("{:by$}{line}", "")).collect()
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

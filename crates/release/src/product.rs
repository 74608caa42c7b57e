//! All that is released, read and made once; archive, package and image put it into their folders.

use std::fs;
use std::path::Path;

use clap::Command;
use clap_complete::Shell;

use crate::commands::{self, NAMES};
use crate::error::{Error, Result};
use crate::origin::Origin;
use crate::shell::output;
use crate::{licenses, manual, parts, sbom, script};

/// The shells that programs are completed in.
const SHELLS: [Shell; 4] = [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell];
/// What a person reads, beside the pages of docs/.
/// The list of parts.
pub(crate) const PARTS: &str = "clearml-secure.cdx.json";
const PAGES: [&str; 7] = [
    "CHANGELOG.md",
    "LICENSE",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "README.zh-CN.md",
    "SECURITY.md",
];

/// Words that a shell completes for a program.
pub(crate) struct Completion {
    pub(crate) program: &'static str,
    pub(crate) shell: Shell,
    pub(crate) text: Vec<u8>,
}

impl Completion {
    /// Where a shell looks for it below `share`. Systems differ in the folder of zsh.
    pub(crate) fn path(&self, of_zsh: &str) -> String {
        let name = self.program;
        match self.shell {
            Shell::Zsh => format!("zsh/{of_zsh}/_{name}"),
            Shell::Fish => format!("fish/vendor_completions.d/{name}.fish"),
            Shell::PowerShell => format!("doc/clearml-secure/completions/{name}.ps1"),
            _ => format!("bash-completion/completions/{name}"),
        }
    }
}

pub(crate) struct Product {
    pub(crate) origin: Origin,
    /// The programs and the script.
    pub(crate) programs: Vec<(&'static str, Vec<u8>)>,
    /// The man page of each.
    pub(crate) manuals: Vec<(&'static str, Vec<u8>)>,
    pub(crate) completions: Vec<Completion>,
    /// What is read, by its path below a folder for documents.
    pub(crate) documents: Vec<(String, Vec<u8>)>,
}

impl Product {
    /// Reads the programs in a folder, and the rest of a checkout of the project.
    pub(crate) fn read(root: &Path, folder: &Path) -> Result<Self> {
        let origin = Origin::of(root)?;
        let script = root.join("scripts").join(script::NAME);
        let mut programs = Vec::new();
        for name in NAMES {
            let path = match name {
                script::NAME => script.clone(),
                _ => {
                    let path = folder.join(name);
                    check_version(&path, origin.version)?;
                    path
                }
            };
            programs.push((name, fs::read(&path).map_err(Error::file(&path))?));
        }
        let help = output("sh", &[&script.to_string_lossy(), "--help"], root)?;
        let commands = commands::all(origin.version, &help)?;
        let date = &origin.rfc3339()[..10];
        let pages = NAMES.into_iter().zip(&commands);
        Ok(Self {
            manuals: pages
                .map(|(name, command)| (name, manual::page(command, date)))
                .collect(),
            completions: completions(&commands),
            documents: documents(root, &origin)?,
            origin,
            programs,
        })
    }

    /// The name of what is released for this kind of machine, without an ending.
    pub(crate) fn name(&self) -> String {
        format!("clearml-secure-{}-x86_64-linux", self.origin.version)
    }
}

/// A program of another version was forgotten in its folder.
fn check_version(path: &Path, version: &str) -> Result<()> {
    let program = path.to_string_lossy();
    let said = output(&program, &["-V"], Path::new("."))?;
    let found = said.split_whitespace().nth(1).unwrap_or_default();
    match found == version {
        true => Ok(()),
        false => Err(Error::Version {
            program: program.into_owned(),
            found: found.to_owned(),
            version: version.to_owned(),
        }),
    }
}

fn completions(commands: &[Command]) -> Vec<Completion> {
    let mut completions = Vec::new();
    for (program, command) in NAMES.into_iter().zip(commands) {
        for shell in SHELLS {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut command.clone(), program, &mut text);
            completions.push(Completion {
                program,
                shell,
                text,
            });
        }
    }
    completions
}

fn documents(root: &Path, origin: &Origin) -> Result<Vec<(String, Vec<u8>)>> {
    let read = |path: &Path| fs::read(path).map_err(Error::file(path));
    let mut documents = Vec::new();
    for page in PAGES {
        documents.push((page.to_owned(), read(&root.join(page))?));
    }
    let folder = root.join("docs");
    let entries = fs::read_dir(&folder).map_err(Error::file(&folder))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_file() {
            documents.push((format!("docs/{name}"), read(&path)?));
        }
    }
    let changes = String::from_utf8_lossy(&documents[0].1).into_owned();
    check_changes(&changes, origin.version)?;
    let parts = parts::all(root)?;
    let apache = fs::read_to_string(root.join("LICENSE-APACHE"))
        .map_err(Error::file(&root.join("LICENSE-APACHE")))?;
    let lgpl = include_str!("../data/LGPL-2.1.txt");
    let texts = licenses::text(&parts, &apache, lgpl)?;
    documents.push(("THIRD-PARTY.txt".to_owned(), texts.into_bytes()));
    let list = sbom::document(&parts, origin);
    documents.push((PARTS.to_owned(), list));
    Ok(documents)
}

/// What changed has this version as a heading, with a date.
fn check_changes(changes: &str, version: &str) -> Result<()> {
    let start = format!("## [{version}] - ");
    let is_date = |text: &str| text.len() == 10 && text.starts_with("20");
    let mut dates = changes.lines().filter_map(|line| line.strip_prefix(&start));
    match dates.any(is_date) {
        true => Ok(()),
        false => Err(Error::NoChanges(version.to_owned())),
    }
}

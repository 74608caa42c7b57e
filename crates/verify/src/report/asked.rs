//! What this run asked, and of what: a finding that nobody looked for is not fixed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clearml_secure_core::io::is_same;

use crate::cli::Cli;
use crate::clients;
use crate::keys;
use crate::pages;
use crate::probes::PROBES;
use crate::report::fingerprint::Names;
use crate::report::{Report, Subject};
use crate::rules::RULES;

/// The rule that holds containers against files.
const DRIFT: &str = "drifted-container";

/// Whether a rule is asked, with the options that it needs; `is_compared` where containers were held against files.
pub(crate) fn is_asked(cli: &Cli, rule: &str, is_compared: bool) -> bool {
    let needs_keys = rule == keys::ID;
    let needs_old_keys = [keys::OLD_ID, clients::ID].contains(&rule);
    (!needs_keys || cli.keys.is_some())
        && (!needs_old_keys || cli.old_keys.is_some())
        && (rule != DRIFT || is_compared)
        && !cli.ignore.iter().any(|ignored| ignored == rule)
}

/// What was looked at, for those who say that something is no longer found there.
#[derive(Default)]
pub(crate) struct Asked {
    /// By the names that findings have for files.
    files: HashMap<String, LookedAt>,
    /// Whether there are deployments, and all of each was looked at.
    deployments: Option<bool>,
    /// Whether there are running servers, and all of each was asked.
    servers: Option<bool>,
    names: Names,
}

#[derive(Default)]
struct LookedAt {
    paths: Vec<PathBuf>,
    is_compared: bool,
}

impl Asked {
    pub(crate) fn add(&mut self, report: &Report) {
        let is_whole = report.unknown.is_empty();
        let add = |known: &mut Option<bool>| *known = Some(known.unwrap_or(true) && is_whole);
        match &report.subject {
            Subject::Deployment(outline) => {
                add(&mut self.deployments);
                for file in &outline.extent.files {
                    let name = self.names.name(&file.name);
                    let at = self.files.entry(name).or_default();
                    at.paths.push(file.path.clone());
                    at.is_compared |= outline.extent.is_compared;
                }
            }
            Subject::Server { .. } => add(&mut self.servers),
            Subject::Nothing(_) => add(&mut self.deployments),
            Subject::Clients(_) => {}
        }
    }

    /// Whether a rule was asked about a file, by the name that findings have for it.
    pub(crate) fn has_named(&self, cli: &Cli, rule: &str, file: &str) -> bool {
        let at = self.files.get(file);
        at.is_some_and(|at| is_rule(rule) && is_asked(cli, rule, at.is_compared))
    }

    /// The same, of a file by its path.
    pub(crate) fn has(&self, cli: &Cli, rule: &str, file: &Path) -> bool {
        let is_there = |at: &&LookedAt| at.paths.iter().any(|path| is_same(path, file));
        let mut files = self.files.values().filter(is_there);
        files.any(|at| is_rule(rule) && is_asked(cli, rule, at.is_compared))
    }

    /// Whether a rule was asked about all that it is about, files and running servers, and all of that was looked at.
    pub(crate) fn has_all(&self, cli: &Cli, rule: &str) -> bool {
        let is_of_files = RULES.iter().any(|one| one.id() == rule);
        let is_of_servers = PROBES.iter().any(|one| one.id() == rule);
        let has_files = || {
            let mut files = self.files.values();
            self.deployments == Some(true) && files.any(|at| is_asked(cli, rule, at.is_compared))
        };
        (!is_of_files || has_files()) && (!is_of_servers || self.has_servers(cli, rule))
    }

    /// Whether a rule was asked about the running servers, and they told all.
    pub(crate) fn has_servers(&self, cli: &Cli, rule: &str) -> bool {
        self.servers == Some(true) && is_rule(rule) && is_asked(cli, rule, false)
    }
}

fn is_rule(name: &str) -> bool {
    pages::ids().contains(&name)
}

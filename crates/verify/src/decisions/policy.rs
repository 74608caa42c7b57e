//! `clearml-verify.toml`: what a team has decided about its deployment, beside it and in its repository.
//!
//! It is read beside the targets that the command line names, or where `--config` says. A file further down in a folder that
//! is walked through decides nothing: anyone who can put a file there could call it clean. Options of the command line win.
//! That a file is used, and how much it accepts, is always said.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use clearml_secure_core::io::{is_same, read_argument};
use clearml_secure_core::source::place_of;
use serde::Deserialize;
use toml::Spanned;

use crate::cli::{Cli, FailOn, Severity};
use crate::decisions::accepted::{Accepted, Entry, Outcome, Within};
use crate::decisions::hidden::Taken;
use crate::error::Error;
use crate::report::asked::Asked;
use crate::report::{Report, Subject};
use crate::target::{self, is_url};
use crate::words::without_value;

const NAME: &str = "clearml-verify.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    #[serde(default)]
    fail_on: Option<Spanned<String>>,
    #[serde(default)]
    min_severity: Option<Spanned<String>>,
    #[serde(default)]
    targets: Vec<Spanned<PathBuf>>,
    #[serde(default)]
    keys: Option<PathBuf>,
    #[serde(default)]
    accept: Vec<Entry>,
}

/// The decisions of a file; none where there is no file.
#[derive(Default)]
pub(crate) struct Policy {
    path: Option<PathBuf>,
    accepted: Vec<Accepted>,
    remarks: Vec<String>,
}

impl Policy {
    /// Reads the file there is, and completes the command line with it.
    ///
    /// # Errors
    /// A file that cannot be read or has something that we do not know, with its line and column; two files.
    pub(crate) fn read(cli: &mut Cli) -> Result<Self, Error> {
        let mut policy = Self::default();
        if let Some(path) = found(cli)? {
            policy = Self::of(cli, &path)?;
        }
        target::add_server(cli);
        if cli.targets.is_empty() {
            cli.targets.push(".".into());
        }
        Ok(policy)
    }

    fn of(cli: &mut Cli, path: &Path) -> Result<Self, Error> {
        let text = read_argument(path)?;
        let at = |offset| place_of(path, &text, offset);
        let refuse = |offset, message: String, help: String| Error::Policy {
            place: at(offset),
            message,
            help,
        };
        let file: File = toml::from_str(&text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            let help = "a clearml-verify.toml has fail-on, min-severity, targets, keys, and [[accept]] with rule or not-checked, reason, file, setting, until";
            let message = without_value(error.message()).replace('\n', " ");
            refuse(offset, message, help.to_owned())
        })?;
        let level = |text: &Spanned<String>, names: &str| {
            let message = format!("{} is no severity", text.get_ref());
            refuse(text.span().start, message, format!("write one of {names}"))
        };
        if let Some(text) = file.fail_on {
            let known = FailOn::from_str(text.get_ref(), false);
            let known = known.map_err(|_| level(&text, "error, warning, note and never"))?;
            cli.fail_on = cli.fail_on.or(Some(known));
        }
        if let Some(text) = file.min_severity {
            let known = Severity::from_str(text.get_ref(), false);
            let known = known.map_err(|_| level(&text, "error, warning and note"))?;
            cli.min_severity = cli.min_severity.or(Some(known));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let beside = |target: Spanned<PathBuf>| {
            let offset = target.span().start;
            let target = target.into_inner();
            let text = target.to_string_lossy();
            if text.starts_with('@') {
                // Paths in the list would be of the working directory, and those here are of this file's folder.
                let help = "write its targets here, or ./@FILE for a file of that name";
                let message = "a list of targets is for the command line";
                return Err(refuse(offset, message.to_owned(), help.to_owned()));
            }
            Ok(match is_url(&text) {
                true => target,
                false => folder.join(target),
            })
        };
        if cli.targets.is_empty() {
            cli.targets = file
                .targets
                .into_iter()
                .map(beside)
                .collect::<Result<_, _>>()?;
        }
        if let Some(keys) = file.keys.filter(|_| cli.keys.is_none()) {
            cli.keys = Some(folder.join(keys));
        }
        // It is an input from here on, wherever it was found.
        cli.config = Some(path.to_owned());
        let mut policy = Self {
            path: Some(path.to_owned()),
            ..Self::default()
        };
        let within = Within { folder, at: &at };
        for entry in file.accept {
            match entry.read(&within)? {
                Outcome::Counts(accepted) => policy.accepted.push(accepted),
                Outcome::IsOver(remark) => policy.remarks.push(remark),
            }
        }
        Ok(policy)
    }

    /// Takes out what is accepted; returns how much.
    pub(crate) fn accept(&mut self, report: &mut Report) -> Taken {
        let Report {
            subject,
            findings,
            unknown,
            ..
        } = report;
        let entries = &mut self.accepted;
        let before = (findings.len(), unknown.len());
        findings.retain(|told| !entries.iter_mut().any(|entry| entry.takes(told)));
        // Where no server was found, nothing was checked.
        let is_of_servers = match subject {
            Subject::Deployment(outline) => !outline.servers.is_empty(),
            Subject::Server { .. } => true,
            Subject::Clients(_) | Subject::Nothing(_) => false,
        };
        if is_of_servers {
            unknown.retain(|one| !entries.iter_mut().any(|entry| entry.takes_unchecked(one)));
        }
        let taken = Taken {
            findings: before.0 - findings.len(),
            unchecked: before.1 - unknown.len(),
        };
        report.left_unchecked += taken.unchecked;
        taken
    }

    /// What a person should know: that the file is used, and what of it no longer counts or is met by nothing.
    pub(crate) fn remarks(&self, cli: &Cli, asked: &Asked) -> Vec<String> {
        let Some(path) = &self.path else {
            return Vec::new();
        };
        let mut remarks = vec![format!("uses {}", path.display())];
        remarks.extend(self.remarks.iter().cloned());
        let unmet = self.accepted.iter();
        remarks.extend(unmet.filter_map(|entry| entry.unmet(cli, asked)));
        remarks
    }

    /// The file's name, where there is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

/// The file that the command line means.
fn found(cli: &Cli) -> Result<Option<PathBuf>, Error> {
    if cli.config.is_some() {
        return Ok(cli.config.clone());
    }
    let here = [PathBuf::from(".")];
    let targets: &[PathBuf] = match cli.targets.is_empty() {
        true => &here,
        false => &cli.targets,
    };
    let mut found: Option<PathBuf> = None;
    for target in targets {
        if target == Path::new("-") || is_url(&target.to_string_lossy()) {
            continue;
        }
        let folder = match target.is_dir() {
            true => target,
            false => target.parent().unwrap_or(Path::new("")),
        };
        let path = folder.join(NAME);
        let path = path.strip_prefix(".").map(Path::to_owned).unwrap_or(path);
        // A symbolic link to nothing is there as well, and an error to read.
        if path.symlink_metadata().is_err() {
            continue;
        }
        match found {
            Some(known) if !is_same(&known, &path) => return Err(Error::TwoPolicies(known, path)),
            _ => found = Some(path),
        }
    }
    Ok(found)
}

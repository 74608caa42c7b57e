//! `clearml-verify.toml`: what a team has decided about its deployment, beside it and in its repository.
//!
//! It is read beside the targets that the command line names, or where `--config` says. A file further down in a folder that
//! is walked through decides nothing: anyone who can put a file there could call it clean. Options of the command line win.
//! That a file is used, and how many findings it accepts, is always said.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use clearml_secure_core::io::{is_same, read_argument};
use clearml_secure_core::nearest::nearest;
use clearml_secure_core::setting::SETTINGS;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::{Place, place_of};
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use crate::cli::{Cli, FailOn, Severity};
use crate::decisions::retired;
use crate::decisions::until::Until;
use crate::error::Error;
use crate::pages;
use crate::report::asked::Asked;
use crate::report::{Report, Told};
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    rule: Spanned<String>,
    #[serde(default)]
    file: Option<Spanned<PathBuf>>,
    #[serde(default)]
    setting: Option<Spanned<String>>,
    reason: Spanned<String>,
    #[serde(default)]
    until: Option<Spanned<Day>>,
}

/// A date as TOML has it, or as a text.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a date such as 2027-01-31")]
enum Day {
    Date(Datetime),
    Text(String),
}

/// The decisions of a file; none where there is no file.
#[derive(Default)]
pub(crate) struct Policy {
    path: Option<PathBuf>,
    accepted: Vec<Accepted>,
    remarks: Vec<String>,
}

/// Findings that somebody has decided to live with.
struct Accepted {
    rule: String,
    file: Option<PathBuf>,
    setting: Option<String>,
    place: Place,
    is_met: bool,
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
            let help = "a clearml-verify.toml has fail-on, min-severity, targets, keys, and [[accept]] with rule, reason, file, setting, until";
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
        for entry in file.accept {
            policy.add(entry, folder, &at)?;
        }
        Ok(policy)
    }

    fn add(
        &mut self,
        entry: Entry,
        folder: &Path,
        at: &dyn Fn(usize) -> Place,
    ) -> Result<(), Error> {
        let refuse = |offset, message: &str, help: String| Error::Policy {
            place: at(offset),
            message: message.to_owned(),
            help,
        };
        let (start, rule) = (entry.rule.span().start, entry.rule.into_inner());
        if !pages::ids().contains(&rule.as_str()) {
            let Some(why) = retired::why(&rule) else {
                let message = format!("no rule is called {rule}");
                return Err(refuse(start, &message, pages::meant(&rule)));
            };
            self.remarks
                .push(format!("{}: {why}; remove it", at(start)));
            return Ok(());
        }
        if entry.reason.get_ref().trim().is_empty() {
            let help = "say why it is right here, for the next reader".to_owned();
            return Err(refuse(
                entry.reason.span().start,
                "the reason is empty",
                help,
            ));
        }
        if let Some(file) = &entry.file
            && (folder.join(file.get_ref()).is_dir() || file.get_ref().as_os_str().is_empty())
        {
            let help = "name the file of the findings, or leave it out".to_owned();
            let message = "this is a folder, and findings are in files";
            return Err(refuse(file.span().start, message, help));
        }
        if let Some(setting) = &entry.setting {
            let path = setting.get_ref().as_str();
            if !SETTINGS.iter().any(|known| known.path() == path) {
                let known = SETTINGS.map(|known| known.path().to_owned());
                let near = nearest(path, &known).map(|near| format!("did you mean {near}? "));
                let message = format!("no setting is called {}", escape(path));
                let help = format!(
                    "{}write a path such as {}",
                    near.unwrap_or_default(),
                    SETTINGS[1]
                );
                return Err(refuse(setting.span().start, &message, help));
            }
        }
        if let Some(day) = entry.until {
            let offset = day.span().start;
            let text = match day.into_inner() {
                Day::Date(date) => date.to_string(),
                Day::Text(text) => text,
            };
            let Some(until) = Until::parse(&text) else {
                let help = "write the last day as 2027-01-31".to_owned();
                return Err(refuse(offset, "until is no date", help));
            };
            if until.is_over() {
                let remark = format!(
                    "{}: {rule} was accepted until {text}, and counts again",
                    at(start)
                );
                self.remarks.push(remark);
                return Ok(());
            }
        }
        self.accepted.push(Accepted {
            rule,
            file: entry.file.map(|file| folder.join(file.into_inner())),
            setting: entry.setting.map(Spanned::into_inner),
            place: at(start),
            is_met: false,
        });
        Ok(())
    }

    /// Takes out the findings that are accepted; returns how many.
    pub(crate) fn accept(&mut self, report: &mut Report) -> usize {
        let all = report.findings.len();
        report.findings.retain(|told| {
            let mut entries = self.accepted.iter_mut();
            let taker = entries.find(|entry| entry.takes(told));
            taker.map(|entry| entry.is_met = true).is_none()
        });
        all - report.findings.len()
    }

    /// What a person should know: that the file is used, and what of it no longer counts or is met by nothing.
    pub(crate) fn remarks(&self, cli: &Cli, asked: &Asked) -> Vec<String> {
        let Some(path) = &self.path else {
            return Vec::new();
        };
        let mut remarks = vec![format!("uses {}", path.display())];
        remarks.extend(self.remarks.iter().cloned());
        // Another shard may have what an entry accepts.
        let counts = |entry: &&Accepted| {
            !cli.no_ignore
                && cli.shard.is_none()
                && match &entry.file {
                    Some(file) => !file.exists() || asked.has(cli, &entry.rule, file),
                    None => asked.has_all(cli, &entry.rule),
                }
        };
        let unmet = self.accepted.iter().filter(|entry| !entry.is_met);
        let unmet = unmet.filter(counts);
        remarks.extend(unmet.map(|entry| {
            format!(
                "{}: no finding of {} is left to accept; remove the entry",
                entry.place, entry.rule
            )
        }));
        remarks
    }

    /// The file's name, where there is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

impl Accepted {
    fn takes(&self, finding: &Told) -> bool {
        let is_there = |file: &PathBuf| {
            let spot = finding.spot.as_ref();
            spot.is_some_and(|spot| is_same(&spot.path, file))
        };
        let has = |setting: &String| finding.setting.is_some_and(|one| one.path() == setting);
        self.rule == finding.rule
            && self.file.as_ref().is_none_or(is_there)
            && self.setting.as_ref().is_none_or(has)
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

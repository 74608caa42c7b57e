//! An entry of `clearml-verify.toml`: what a team has decided to live with, why, and until when.

use std::path::{Path, PathBuf};

use clearml_secure_core::io::is_same;
use clearml_secure_core::nearest::nearest;
use clearml_secure_core::setting::SETTINGS;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Place;
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use crate::cli::Cli;
use crate::decisions::retired;
use crate::decisions::until::Until;
use crate::error::Error;
use crate::pages;
use crate::report::asked::Asked;
use crate::report::{NotChecked, Told};

/// An entry as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Entry {
    #[serde(default)]
    rule: Option<Spanned<String>>,
    #[serde(default)]
    not_checked: Option<Spanned<String>>,
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

/// An entry that counts.
pub(super) struct Accepted {
    what: What,
    /// Only in this file.
    file: Option<PathBuf>,
    /// Where the entry is.
    place: Place,
    is_met: bool,
}

enum What {
    /// Findings of a rule, and of a setting where one is named.
    Findings {
        rule: String,
        setting: Option<String>,
    },
    /// What is not checked, by what it is called, alone or with as much of the reason as is written.
    NotChecked(String),
}

/// Where an entry is, for what is said of it.
pub(super) struct Within<'a> {
    /// Files are named from here.
    pub(super) folder: &'a Path,
    /// The place of an offset in the text.
    pub(super) at: &'a dyn Fn(usize) -> Place,
}

impl Within<'_> {
    fn refuse(&self, offset: usize, message: impl Into<String>, help: impl Into<String>) -> Error {
        Error::Policy {
            place: (self.at)(offset),
            message: message.into(),
            help: help.into(),
        }
    }
}

/// What an entry comes to.
pub(super) enum Outcome {
    Counts(Accepted),
    /// Why it no longer does.
    IsOver(String),
}

impl Entry {
    /// What it accepts.
    ///
    /// # Errors
    /// What nobody can have meant, with its place.
    pub(super) fn read(mut self, within: &Within<'_>) -> Result<Outcome, Error> {
        let (start, mut what) = self.named(within)?;
        let place = (within.at)(start);
        if let What::Findings { rule, .. } = &what
            && !pages::ids().contains(&rule.as_str())
        {
            return match retired::why(rule) {
                Some(why) => Ok(Outcome::IsOver(format!("{place}: {why}; remove it"))),
                None => {
                    let message = format!("no rule is called {rule}");
                    Err(within.refuse(start, message, pages::meant(rule)))
                }
            };
        }
        self.check(within)?;
        match (&mut what, self.setting) {
            (What::Findings { setting, .. }, Some(one)) => {
                check_setting(&one, within)?;
                *setting = Some(one.into_inner());
            }
            (What::NotChecked(_), Some(one)) => {
                return Err(within.refuse(
                    one.span().start,
                    "a setting belongs to a rule",
                    "remove it: what is not checked is named by its own words",
                ));
            }
            (What::NotChecked(words), None) if words.trim().is_empty() => {
                let help = "write what is behind `not checked:`, without its place";
                return Err(within.refuse(start, "not-checked is empty", help));
            }
            _ => {}
        }
        let day = self.until.map(|day| over(day, within)).transpose()?;
        if let Some(text) = day.flatten() {
            let name = what.name();
            let over = format!("{place}: {name} was accepted until {text}, and counts again");
            return Ok(Outcome::IsOver(over));
        }
        Ok(Outcome::Counts(Accepted {
            what,
            file: self.file.map(|file| within.folder.join(file.into_inner())),
            place,
            is_met: false,
        }))
    }

    /// What it accepts, which is one thing, and where it says so.
    fn named(&mut self, within: &Within<'_>) -> Result<(usize, What), Error> {
        let start = |one: &Spanned<String>| one.span().start;
        match (self.rule.take(), self.not_checked.take()) {
            (Some(rule), None) => Ok((
                start(&rule),
                What::Findings {
                    rule: rule.into_inner(),
                    setting: None,
                },
            )),
            (None, Some(words)) => Ok((start(&words), What::NotChecked(words.into_inner()))),
            (None, None) => Err(within.refuse(
                start(&self.reason),
                "the entry accepts nothing",
                "name a rule, or what is not checked: rule = \"docker-socket\"",
            )),
            (Some(_), Some(words)) => Err(within.refuse(
                start(&words),
                "the entry has a rule and not-checked",
                "write an entry for each",
            )),
        }
    }

    /// Whether reason and file can be meant.
    fn check(&self, within: &Within<'_>) -> Result<(), Error> {
        if self.reason.get_ref().trim().is_empty() {
            let help = "say why it is right here, for the next reader";
            return Err(within.refuse(self.reason.span().start, "the reason is empty", help));
        }
        if let Some(file) = &self.file
            && (within.folder.join(file.get_ref()).is_dir()
                || file.get_ref().as_os_str().is_empty())
        {
            let help = "name the file of the findings, or leave it out";
            let message = "this is a folder, and findings are in files";
            return Err(within.refuse(file.span().start, message, help));
        }
        Ok(())
    }
}

fn check_setting(setting: &Spanned<String>, within: &Within<'_>) -> Result<(), Error> {
    let path = setting.get_ref().as_str();
    if SETTINGS.iter().any(|known| known.path() == path) {
        return Ok(());
    }
    let known = SETTINGS.map(|known| known.path().to_owned());
    let near = nearest(path, &known).map(|near| format!("did you mean {near}? "));
    let message = format!("no setting is called {}", escape(path));
    let near = near.unwrap_or_default();
    let help = format!("{near}write a path such as {}", SETTINGS[1]);
    Err(within.refuse(setting.span().start, message, help))
}

/// The day, where it is over.
fn over(day: Spanned<Day>, within: &Within<'_>) -> Result<Option<String>, Error> {
    let offset = day.span().start;
    let text = match day.into_inner() {
        Day::Date(date) => date.to_string(),
        Day::Text(text) => text,
    };
    match Until::parse(&text) {
        Some(until) => Ok(until.is_over().then_some(text)),
        None => Err(within.refuse(
            offset,
            "until is no date",
            "write the last day as 2027-01-31",
        )),
    }
}

impl What {
    fn name(&self) -> String {
        match self {
            Self::Findings { rule, .. } => rule.clone(),
            Self::NotChecked(words) => escape(words).into_owned(),
        }
    }
}

impl Accepted {
    /// Whether it accepts a finding.
    pub(super) fn takes(&mut self, finding: &Told) -> bool {
        let What::Findings { rule, setting } = &self.what else {
            return false;
        };
        let has = |setting: &String| finding.setting.is_some_and(|one| one.path() == setting);
        let is_it = *rule == finding.rule
            && setting.as_ref().is_none_or(has)
            && self.is_in(finding.spot.as_ref().map(|spot| spot.path.as_path()));
        self.is_met |= is_it;
        is_it
    }

    /// Whether it accepts that something is not checked.
    pub(super) fn takes_unchecked(&mut self, one: &NotChecked) -> bool {
        let What::NotChecked(words) = &self.what else {
            return false;
        };
        let is_it = one.is_called(words)
            && self.is_in(one.place.as_ref().map(|place| place.file.as_path()));
        self.is_met |= is_it;
        is_it
    }

    fn is_in(&self, path: Option<&Path>) -> bool {
        let is_it = |file: &PathBuf| path.is_some_and(|path| is_same(path, file));
        self.file.as_ref().is_none_or(is_it)
    }

    /// Why the entry is of no use, where this run would have met what it accepts.
    pub(super) fn unmet(&self, cli: &Cli, asked: &Asked) -> Option<String> {
        let place = &self.place;
        // Another shard may have it.
        if self.is_met || cli.no_ignore || cli.shard.is_some() {
            return None;
        }
        match &self.what {
            What::Findings { rule, .. } => {
                let counts = match &self.file {
                    Some(file) => !file.exists() || asked.has(cli, rule, file),
                    None => asked.has_all(cli, rule),
                };
                counts.then(|| {
                    format!("{place}: no finding of {rule} is left to accept; remove the entry")
                })
            }
            What::NotChecked(_) => Some(format!(
                "{place}: this entry accepts nothing in this run. -f json has the names, as `what` of `unknown`; a file without a server cannot be accepted"
            )),
        }
    }
}

//! Findings that were accepted once: `--write-baseline` records them, `--baseline` takes them out.
//!
//! The file holds fingerprints, which survive moved lines, and what a person needs to read a difference: rule,
//! file, setting and server. Nothing of a value is in it.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use clearml_secure_core::io::read_argument;
use clearml_secure_core::shown::{escape_path, plural};
use clearml_secure_core::source::{Place, place_of};
use serde::{Deserialize, Serialize};

use crate::cli::Cli;
use crate::decisions::until::Until;
use crate::error::Error;
use crate::report::Report;
use crate::report::asked::Asked;
use crate::report::fingerprint::Fingerprints;
use crate::words::of_json;

/// The version of the file's shape.
const VERSION: u32 = 1;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    findings: Vec<Entry>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    fingerprint: String,
    rule: String,
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    setting: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    /// Why it is accepted. A person adds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The last day on which it is accepted. A person adds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

/// The accepted findings of a file.
pub(crate) struct Baseline {
    entries: Vec<Entry>,
    /// Those whose time is over.
    over: Vec<Entry>,
    known: HashSet<String>,
    met: HashSet<String>,
    fingerprints: Fingerprints,
}

impl Baseline {
    /// Reads a file that [`write`] wrote.
    ///
    /// # Errors
    /// A file that cannot be read, or is none of ours: with its line and column.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let text = read_argument(path)?;
        let refuse = |line, column, message: String| Error::Baseline {
            place: Place {
                file: path.to_owned(),
                line,
                column,
            },
            message,
        };
        let file: File = serde_json::from_str(&text)
            .map_err(|error| refuse(error.line().max(1), error.column().max(1), of_json(&error)))?;
        if file.version != VERSION {
            return Err(refuse(
                1,
                1,
                format!("version {} is not known", file.version),
            ));
        }
        let mut accepted = Self {
            entries: Vec::new(),
            over: Vec::new(),
            known: HashSet::new(),
            met: HashSet::new(),
            fingerprints: Fingerprints::default(),
        };
        let refuse_value = |value: &str, message: &str| {
            let offset = text.find(&format!("\"{value}\"")).unwrap_or_default();
            Error::Baseline {
                place: place_of(path, &text, offset),
                message: message.to_owned(),
            }
        };
        for entry in file.findings {
            if !is_fingerprint(&entry.fingerprint) {
                let message = "a fingerprint has 32 digits of 0-9 and a-f";
                return Err(refuse_value(&entry.fingerprint, message));
            }
            let until = entry.until.as_deref();
            match until.map(|text| Until::parse(text).ok_or(text)).transpose() {
                Err(wrong) => {
                    return Err(refuse_value(wrong, "until is no date such as 2027-01-31"));
                }
                Ok(Some(until)) if until.is_over() => accepted.over.push(entry),
                Ok(_) => accepted.entries.push(entry),
            }
        }
        let known = accepted.entries.iter();
        accepted.known = known.map(|entry| entry.fingerprint.clone()).collect();
        Ok(accepted)
    }

    /// How many findings were accepted.
    pub(crate) fn count(&self) -> usize {
        self.met.len()
    }

    /// Takes out the findings that are accepted.
    pub(crate) fn accept(&mut self, report: &mut Report) {
        report.findings.retain(|told| {
            let fingerprint = self.fingerprints.of(&told.identity);
            let is_known = self.known.contains(&fingerprint);
            if is_known {
                self.met.insert(fingerprint);
            }
            !is_known
        });
    }

    /// What a person should know: how many were accepted, and how many of the file are fixed; that is not known where only a
    /// part was looked at.
    pub(crate) fn remarks(&self, cli: &Cli, path: &Path, asked: &Asked) -> Vec<String> {
        let gone = self.entries.iter();
        let gone = gone.filter(|entry| !self.met.contains(&entry.fingerprint));
        let is_known = |entry: &&Entry| match entry.file.is_empty() {
            true => asked.has_servers(cli, &entry.rule),
            false => asked.has_named(cli, &entry.rule, &entry.file),
        };
        let fixed = match cli.shard {
            Some(_) => 0,
            None => gone.filter(is_known).count(),
        };
        let path = path.display();
        let over = self.over.iter().map(|entry| {
            let (rule, until) = (&entry.rule, entry.until.as_deref().unwrap_or_default());
            format!("{path}: {rule} was accepted until {until}, and counts again")
        });
        let mut remarks: Vec<String> = over.collect();
        if !self.met.is_empty() {
            let (count, verb) = counted(self.met.len());
            remarks.push(format!("{path}: {count} {verb} accepted"));
        }
        if fixed > 0 {
            let (verb, them) = match fixed {
                1 => ("is", "it"),
                _ => ("are", "them"),
            };
            remarks.push(format!(
                "{path}: {fixed} of its findings {verb} fixed. --write-baseline takes {them} out"
            ));
        }
        remarks
    }
}

fn is_fingerprint(text: &str) -> bool {
    text.len() == 32
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// How many findings, and the verb for so many.
fn counted(count: usize) -> (String, &'static str) {
    let verb = if count == 1 { "is" } else { "are" };
    (plural(count, "finding"), verb)
}

/// What a new file is to have, collected from one report after the other.
#[derive(Default)]
pub(crate) struct Recorded {
    fingerprints: Fingerprints,
    findings: Vec<Entry>,
}

impl Recorded {
    /// Takes over the findings of a report.
    pub(crate) fn add(&mut self, report: &Report) {
        for told in &report.findings {
            let name = told.spot.as_ref().map(|spot| spot.name.clone());
            self.findings.push(Entry {
                fingerprint: self.fingerprints.of(&told.identity),
                rule: told.rule.to_owned(),
                file: name.unwrap_or_default(),
                setting: told.setting.map(|setting| setting.path().to_owned()),
                server: told.server.map(|server| server.name().to_owned()),
                reason: None,
                until: None,
            });
        }
    }

    /// Takes over what a person has added to entries of the file that is there.
    ///
    /// # Errors
    /// That file is no baseline, or one with a mistake: what somebody wrote would be lost.
    pub(crate) fn keep(&mut self, path: &Path) -> Result<(), Error> {
        let has_text = fs::metadata(path).is_ok_and(|there| there.is_file() && there.len() > 0);
        if !has_text || path == Path::new("-") {
            return Ok(());
        }
        let there = Baseline::read(path).map_err(|error| match error {
            Error::Baseline { place, message } => Error::NotReplaced { place, message },
            error => error,
        })?;
        let entries = there.over.into_iter().chain(there.entries);
        let entries = entries.map(|entry| (entry.fingerprint.clone(), entry));
        let mut before: HashMap<String, Entry> = entries.collect();
        for entry in &mut self.findings {
            if let Some(before) = before.remove(&entry.fingerprint) {
                (entry.reason, entry.until) = (before.reason, before.until);
            }
        }
        Ok(())
    }

    /// What a person should know.
    pub(crate) fn remarks(&self, path: &Path) -> Vec<String> {
        let name = match path == Path::new("-") {
            true => "standard output".into(),
            false => escape_path(path),
        };
        let (count, verb) = counted(self.findings.len());
        let over = self.findings.iter().filter_map(|entry| {
            let until = entry.until.as_deref()?;
            Until::parse(until)?.is_over().then(|| {
                format!(
                    "{name}: {} was accepted until {until}, and is now accepted without a last day",
                    entry.rule
                )
            })
        });
        let mut remarks = vec![format!("{name}: {count} {verb} recorded")];
        remarks.extend(over);
        remarks
    }

    /// The file's text. A last day that is over would make nothing of what is recorded now.
    pub(crate) fn text(mut self) -> String {
        for entry in &mut self.findings {
            let until = entry.until.as_deref().and_then(Until::parse);
            if until.is_some_and(Until::is_over) {
                entry.until = None;
            }
        }
        let file = File {
            version: VERSION,
            findings: self.findings,
        };
        serde_json::to_string_pretty(&file)
            .map(|text| text + "\n")
            .unwrap_or_default()
    }
}

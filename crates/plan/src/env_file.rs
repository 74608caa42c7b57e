//! The env file that holds the values outside the compose file: new, or an existing one with other lines in it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clearml_secure_core::compose;
use clearml_secure_core::compose::files::GivenFile;
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::dotenv::{self, Entry};
use clearml_secure_core::edit::{Edit, splice};
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::fault::Fault;
use clearml_secure_core::io::{is_same, read_text};
use clearml_secure_core::keyset::{Format, Keyset};
use clearml_secure_core::secret::{Encryption, Secret};
use clearml_secure_core::setting::Setting;
use clearml_secure_core::shell::quoted;
use clearml_secure_core::source::{Place, SharedText, place_of};
use zeroize::Zeroizing;

use crate::error::Error;

const HEAD: &str = "# Secrets of a ClearML Server, for its compose file. Anyone who reads this can do anything on the server.\n";

/// The file as it was, and what it is to be.
pub struct EnvFile {
    /// The files that compose reads before it: `.env` where it is another one, and those that were named before it.
    pub earlier: Vec<GivenFile>,
    /// The files that the command line names, this one last.
    pub named: Vec<PathBuf>,
    /// The file itself.
    pub path: PathBuf,
    /// None where it is not there yet.
    pub before: Option<SharedText>,
    /// What it will hold.
    pub after: SharedText,
}

impl EnvFile {
    /// Reads the last of these, if it is there, and those before it. Where compose is told an env file it reads no `.env` by
    /// itself, which may hold what the compose file uses and what the project is called.
    pub fn read(paths: &[PathBuf], folder: &Path) -> Result<Option<Self>, Error> {
        let Some((path, named)) = paths.split_last() else {
            return Ok(None);
        };
        let default = folder.join(".env");
        let is_named = paths.iter().any(|path| is_same(path, &default));
        let mut earlier = Vec::new();
        let read = |path: PathBuf| read_text(&path).map(|text| (path, SharedText::new(text)));
        if !is_named && default.is_file() {
            let (path, text) = read(default)?;
            // Named, it would give compose all of its variables.
            if let Some(place) = disabled_at(&path, &text)? {
                let all = [&path].into_iter().chain(paths);
                let options = options(all);
                return Err(Error::EnvFileDisabled { place, options });
            }
            earlier.push((path, text));
        }
        for path in named {
            earlier.push(read(path.clone())?);
        }
        let before: Option<SharedText> = match path.symlink_metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            _ => Some(read_text(path)?.into()),
        };
        Ok(Some(Self {
            earlier,
            named: paths.to_vec(),
            path: path.clone(),
            after: before.clone().unwrap_or_default(),
            before,
        }))
    }

    /// All files that compose is to read, with this one as it was or as it is to be.
    pub fn all(&self, is_after: bool) -> Vec<GivenFile> {
        let own = match is_after {
            true => Some(self.after.clone()),
            false => self.before.clone(),
        };
        let own = own.map(|text| (self.path.clone(), text));
        self.earlier.iter().cloned().chain(own).collect()
    }

    /// The options that tell docker compose all of them.
    pub fn options(&self) -> String {
        let earlier = self.earlier.iter().map(|(path, _)| path);
        options(earlier.chain([&self.path]))
    }

    /// Whether it is to be written.
    pub fn is_changed(&self) -> bool {
        self.before.as_ref().map_or("", |text| text.as_str()) != self.after.as_str()
    }

    /// Whether compose reads it without being told: `.env` in the folder of the compose file.
    pub fn is_default(&self, folder: &Path) -> bool {
        let is_disabled = || matches!(disabled_at(&self.path, &self.after), Ok(Some(_)));
        self.earlier.is_empty() && is_same(&self.path, &folder.join(".env")) && !is_disabled()
    }

    /// Gives variables their values. What stands there is replaced where it stands, the rest is put at the end, and
    /// all other lines stay as they are.
    pub fn set(&mut self, variables: &[(String, Secret)]) -> Result<(), Error> {
        let text = self.before.clone().unwrap_or_default();
        let entries = self.entries(&text)?;
        let mut encrypted = entries.iter().filter_map(|entry| {
            let by = Encryption::of(entry.value.as_ref()?.expose())?;
            Some((entry.value_span.start, by))
        });
        if let Some((at, by)) = encrypted.next() {
            let place = place_of(&self.path, &text, at);
            return Err(Error::EnvFileEncrypted(place, by));
        }
        let mut edits = Vec::new();
        let mut lines: Vec<String> = Vec::new();
        for (name, value) in variables {
            let quoted =
                dotenv::quote(value.expose()).ok_or_else(|| Error::EnvFileValue(name.clone()))?;
            let entry = entries
                .iter()
                .rev()
                .find(|entry| entry.name == *name && entry.value.is_some());
            match entry {
                Some(entry) if entry.value.as_ref() == Some(value) => {}
                Some(entry) => edits.push(Edit::replace(entry.value_span.clone(), quoted)),
                None => lines.push(format!("{name}={quoted}")),
            }
        }
        edits.sort_by_key(|edit| edit.range.start);
        if !lines.is_empty() {
            edits.push(Edit::insert(text.len(), at_the_end(&text, &lines)));
        }
        self.after = splice(&text, &edits)
            .map(|text| SharedText::new(Zeroizing::new(text)))
            .map_err(|overlap| Error::Overlap(place_of(&self.path, &text, overlap.at)))?;
        self.prove(&entries, variables)
    }

    /// What else of a keyset is in the file, where that is one: lines that no service takes anything from. With the old values of
    /// some settings beside the new ones of others it would be none any more.
    pub fn unread(
        &self,
        keyset: &Keyset,
        deployment: &Composed,
        taken: &[(String, Secret)],
    ) -> Result<Vec<(String, Secret)>, Error> {
        let Some(text) = self
            .before
            .as_ref()
            .filter(|text| Keyset::is_one(text, &self.path))
        else {
            return Ok(Vec::new());
        };
        let services = deployment.project.services.iter();
        let used = services.flat_map(|service| &service.environment);
        let used = used.flat_map(|variable| &variable.interpolated);
        let used: HashSet<&str> = used.map(|used| used.name.as_str()).collect();
        let is_taken = |name: &str| taken.iter().any(|(taken, _)| taken == name);
        // A name of one setting may be written in several ways, and the file keeps its own.
        let wanted = self.entries(&keyset.write(Format::Env))?;
        let before = self.entries(text)?.into_iter();
        let unread = before.filter(|own| !is_taken(&own.name) && !used.contains(own.name.as_str()));
        let unread = unread.filter_map(|own| {
            let setting = Setting::by_variable(&own.name);
            let is_same = |other: &&Entry| match setting {
                Some(setting) => Setting::by_variable(&other.name) == Some(setting),
                None => other.name == own.name,
            };
            let value = wanted.iter().find(is_same)?.value.clone()?;
            Some((own.name, value))
        });
        Ok(unread.collect())
    }

    fn entries(&self, text: &str) -> Result<Vec<Entry>, Error> {
        dotenv::parse(text, &|_| None).map_err(|fault| refused(&self.path, text, fault))
    }

    /// Read again, each variable has its value, and every other line says what it said.
    fn prove(&self, before: &[Entry], variables: &[(String, Secret)]) -> Result<(), Error> {
        let after = self.entries(&self.after)?;
        let is_ours = |entry: &&Entry| variables.iter().any(|(name, _)| *name == entry.name);
        let others = |entries: &'_ [Entry]| -> Vec<(String, Option<Secret>)> {
            let others = entries.iter().filter(|entry| !is_ours(entry));
            others
                .map(|entry| (entry.name.clone(), entry.value.clone()))
                .collect()
        };
        let has = |(name, value): &(String, Secret)| {
            let last = after
                .iter()
                .rev()
                .find(|entry| entry.name == *name && entry.value.is_some());
            last.is_some_and(|entry| entry.value.as_ref() == Some(value))
        };
        if variables.iter().all(has) && others(before) == others(&after) {
            Ok(())
        } else {
            Err(Error::EnvFileLines(self.path.clone()))
        }
    }
}

/// The options that tell docker compose these env files.
pub fn options<'a>(files: impl Iterator<Item = &'a PathBuf>) -> String {
    files
        .map(|path| format!(" --env-file {}", quoted(path)))
        .collect()
}

/// Where a `.env` keeps compose from taking variables from it.
fn disabled_at(path: &Path, text: &str) -> Result<Option<Place>, Error> {
    let at = compose::disabled_at(text).map_err(|fault| refused(path, text, fault))?;
    Ok(at.map(|at| place_of(path, text, at)))
}

fn refused(path: &Path, text: &str, fault: Fault) -> Error {
    Error::Core(CoreError::Dotenv {
        place: place_of(path, text, fault.offset),
        message: fault.message,
    })
}

/// New lines behind a text, with line breaks as it has them.
fn at_the_end(text: &str, lines: &[String]) -> String {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let head = match text {
        "" => HEAD,
        text if text.ends_with('\n') => "",
        _ => newline,
    };
    let lines = lines.iter().flat_map(|line| [line.as_str(), newline]);
    head.to_owned() + &lines.collect::<String>()
}

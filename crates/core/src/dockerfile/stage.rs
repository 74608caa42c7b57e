//! One build stage: what its instructions make of the image that it starts from.

mod copy;

use std::ops::Range;

use super::expand;
use super::parse::{self, Instruction};
use super::{Build, Doubt, EnvironmentEntry, Image, Refused, run};
use crate::container_path::cleaned;
use crate::knowable::Knowable;
use crate::secret::Secret;
pub use copy::{Copied, CopySource};

/// Names that the builder itself gives a value, by the machine that it runs on and builds for.
const PLATFORM: [&str; 9] = [
    "BUILDARCH",
    "BUILDOS",
    "BUILDPLATFORM",
    "BUILDVARIANT",
    "TARGETARCH",
    "TARGETOS",
    "TARGETPLATFORM",
    "TARGETSTAGE",
    "TARGETVARIANT",
];

/// `ARG`: names, with their values where they have any.
#[derive(Clone, Default)]
pub(super) struct Arguments(Vec<(String, Option<Knowable<String>>)>);

impl Arguments {
    fn find(&self, name: &str) -> Option<&Option<Knowable<String>>> {
        let mut latest_first = self.0.iter().rev();
        latest_first
            .find(|(own, _)| own == name)
            .map(|(_, value)| value)
    }

    /// What a name stands for before the first `FROM`, and in a `FROM`.
    pub(super) fn global(&self, name: &str) -> Knowable<Option<String>> {
        match self.find(name) {
            Some(Some(value)) => value.clone().map(Some),
            _ if PLATFORM.contains(&name) => by_machine(),
            _ => Knowable::Known(None),
        }
    }

    /// `ARG NAME[=DEFAULT]…` before the first `FROM`.
    pub(super) fn declare_global(
        &mut self,
        instruction: &Instruction,
        escape: char,
        build: &Build<'_>,
    ) -> Result<(), Refused> {
        for (name, default) in declared(&instruction.rest.text, escape)? {
            let value = match (build.arguments.get(name), default) {
                (Some(given), _) => Some(given.clone()),
                (None, Some(text)) => Some(expand::word(text, escape, &|name| self.global(name))?),
                (None, None) => None,
            };
            self.0.push((name.to_owned(), value));
        }
        Ok(())
    }
}

fn by_machine<T>() -> Knowable<T> {
    Knowable::unknown("it depends on the machine that the image is built on")
}

/// The names and defaults of an `ARG`.
fn declared(text: &str, escape: char) -> Result<Vec<(&str, Option<&str>)>, Refused> {
    let words = parse::words(text, escape);
    if words.is_empty() {
        return Err(Refused);
    }
    let pairs = words
        .into_iter()
        .map(|range| match text[range.clone()].split_once('=') {
            Some((name, default)) => (name, Some(default)),
            None => (&text[range], None),
        });
    let pairs: Vec<_> = pairs.collect();
    let is_named = pairs.iter().all(|(name, _)| !name.is_empty());
    if is_named { Ok(pairs) } else { Err(Refused) }
}

/// A stage so far.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) name: Option<String>,
    base: Knowable<String>,
    escape: char,
    environment: Vec<Variable>,
    arguments: Arguments,
    copies: Vec<Copied>,
    entrypoint: Option<Vec<String>>,
    command: Option<Vec<String>>,
    /// Whether this very stage has a `CMD`, which an `ENTRYPOINT` then leaves alone.
    has_own_command: bool,
    shell: Vec<String>,
    user: Option<Knowable<String>>,
    /// What the base image has, until a `WORKDIR` is met.
    folder: Knowable<String>,
    has_own_folder: bool,
    triggers: Vec<Instruction>,
    doubts: Vec<Doubt>,
}

#[derive(Clone)]
struct Variable {
    name: String,
    value: Knowable<String>,
    span: Range<usize>,
}

impl Stage {
    /// A stage that starts from an image of elsewhere.
    pub(super) fn new(base: Knowable<String>, escape: char, build: &Build<'_>) -> Self {
        let folder = match base.known().map(String::as_str) {
            Some("scratch") => Some("/".to_owned()),
            Some(image) => (build.working_directory)(image),
            None => None,
        };
        Self {
            name: None,
            base,
            escape,
            environment: Vec::new(),
            arguments: Arguments::default(),
            copies: Vec::new(),
            entrypoint: None,
            command: None,
            has_own_command: false,
            shell: vec!["/bin/sh".to_owned(), "-c".to_owned()],
            user: None,
            folder: folder.map_or_else(
                || Knowable::unknown("the base image's working directory is not known"),
                Knowable::Known,
            ),
            has_own_folder: false,
            triggers: Vec::new(),
            doubts: Vec::new(),
        }
    }

    /// A stage that starts from this one, and what `ONBUILD` lets it begin with.
    pub(super) fn continued(&self) -> (Self, Vec<Instruction>) {
        let mut next = self.clone();
        next.has_own_command = false;
        let triggers = std::mem::take(&mut next.triggers);
        (next, triggers)
    }

    pub(super) fn take(
        &mut self,
        instruction: &Instruction,
        build: &Build<'_>,
        before_from: &Arguments,
    ) -> Result<(), Refused> {
        let text = instruction.rest.text.as_str();
        match instruction.keyword.as_str() {
            "ADD" | "COPY" => self.copy(instruction)?,
            "ARG" => self.argument(text, build, before_from)?,
            "CMD" => {
                self.command = Some(self.words(text));
                self.has_own_command = true;
            }
            "ENTRYPOINT" => {
                self.entrypoint = Some(self.words(text));
                if !self.has_own_command {
                    self.command = None;
                }
            }
            "ENV" => self.variables(instruction)?,
            "ONBUILD" => self.triggers.push(triggered(instruction)?),
            "RUN" => {
                let reason =
                    run::may_configure(instruction, self.folder.known().map(String::as_str));
                self.doubts.extend(reason.map(|reason| Doubt {
                    reason,
                    span: instruction.span.clone(),
                }));
            }
            "SHELL" => {
                self.shell = exec_form(text)
                    .filter(|words| !words.is_empty())
                    .ok_or(Refused)?
            }
            "USER" => self.user = Some(self.expand(text)?),
            "WORKDIR" => self.enter(text)?,
            "EXPOSE" | "HEALTHCHECK" | "LABEL" | "MAINTAINER" | "STOPSIGNAL" | "VOLUME" => {}
            _ => return Err(Refused),
        }
        Ok(())
    }

    /// What a name stands for here: `ENV` wins over an `ARG` before it.
    fn lookup(&self, name: &str) -> Knowable<Option<String>> {
        if let Some(Some(value)) = self.arguments.find(name) {
            return value.clone().map(Some);
        }
        if let Some(variable) = self
            .environment
            .iter()
            .find(|variable| variable.name == name)
        {
            return variable.value.clone().map(Some);
        }
        let is_scratch = self.base.known().is_some_and(|base| base == "scratch");
        let is_given = name == "PATH" || name.to_ascii_uppercase().ends_with("_PROXY");
        if self.arguments.find(name).is_some() || is_scratch && !is_given {
            return Knowable::Known(None);
        }
        Knowable::unknown(
            "it is made from a variable that the Dockerfile does not set, and the base image may",
        )
    }

    pub(super) fn expand(&self, text: &str) -> Result<Knowable<String>, Refused> {
        Ok(expand::word(text, self.escape, &|name| self.lookup(name))?)
    }

    fn argument(
        &mut self,
        text: &str,
        build: &Build<'_>,
        before_from: &Arguments,
    ) -> Result<(), Refused> {
        let mut values = Vec::new();
        for (name, default) in declared(text, self.escape)? {
            let default = default.map(|text| self.expand(text)).transpose()?;
            let value = match (build.arguments.get(name), default) {
                (Some(given), _) => Some(given.clone()),
                (None, Some(default)) => Some(default),
                (None, None) => match before_from.find(name) {
                    Some(global) => global.clone(),
                    None => PLATFORM.contains(&name).then(by_machine),
                },
            };
            values.push((name.to_owned(), value));
        }
        for (name, value) in values {
            let set = self
                .environment
                .iter()
                .find(|variable| variable.name == name);
            let differs =
                set.is_some_and(|set| value.as_ref().is_some_and(|value| *value != set.value));
            let value = if differs {
                Some(Knowable::unknown(
                    "an ARG has the name of an ENV above it, which builders read in different ways",
                ))
            } else {
                value
            };
            self.arguments.0.push((name, value));
        }
        Ok(())
    }

    /// `ENV NAME=VALUE…` or `ENV NAME VALUE`. No value sees the others of the same instruction.
    fn variables(&mut self, instruction: &Instruction) -> Result<(), Refused> {
        let mut set = Vec::new();
        for (range, name, value) in pairs(&instruction.rest.text, self.escape)? {
            let span = instruction.rest.span(range);
            match self.expand(name)? {
                Knowable::Known(name) if name.is_empty() => return Err(Refused),
                Knowable::Known(name) => set.push(Variable {
                    name,
                    value: self.expand(value)?,
                    span,
                }),
                Knowable::Unknown(reason) => self.doubts.push(Doubt { reason, span }),
            }
        }
        for variable in set {
            self.arguments.0.retain(|(name, _)| *name != variable.name);
            match self
                .environment
                .iter_mut()
                .find(|old| old.name == variable.name)
            {
                Some(old) => *old = variable,
                None => self.environment.push(variable),
            }
        }
        Ok(())
    }

    fn enter(&mut self, text: &str) -> Result<(), Refused> {
        let path = self.expand(text)?;
        if path.known().is_some_and(String::is_empty) {
            return Err(Refused);
        }
        self.folder = self.absolute(path);
        self.has_own_folder = true;
        Ok(())
    }

    fn absolute(&self, path: Knowable<String>) -> Knowable<String> {
        path.and_then(|path| match path.starts_with('/') {
            true => Knowable::Known(cleaned(&path)),
            false => self
                .folder
                .clone()
                .map(|folder| cleaned(&format!("{folder}/{path}"))),
        })
    }

    fn copy(&mut self, instruction: &Instruction) -> Result<(), Refused> {
        let written = copy::read(instruction, self)?;
        let to = self.absolute(written.destination);
        let copies = written.sources.into_iter().map(|source| Copied {
            source,
            to: to.clone(),
            is_folder: written.is_folder,
            span: instruction.span.clone(),
        });
        self.copies.extend(copies);
        Ok(())
    }

    /// The text of a here-document of a `COPY`.
    pub(super) fn document(&self, heredoc: &parse::Heredoc) -> Result<Knowable<String>, Refused> {
        if !heredoc.is_expanded {
            return Ok(Knowable::Known(heredoc.text.clone()));
        }
        Ok(expand::document(&heredoc.text, &|name| self.lookup(name))?)
    }

    /// A command: a JSON list as it is, anything else for the shell.
    fn words(&self, text: &str) -> Vec<String> {
        if let Some(words) = exec_form(text) {
            return words;
        }
        if text.is_empty() {
            return Vec::new();
        }
        let mut words = self.shell.clone();
        words.push(text.to_owned());
        words
    }

    pub(super) fn into_image(self) -> Image {
        let environment = self
            .environment
            .into_iter()
            .map(|variable| EnvironmentEntry {
                name: variable.name,
                value: variable.value.map(Secret::new),
                span: variable.span,
            });
        Image {
            base: self.base,
            environment: environment.collect(),
            copies: self.copies,
            entrypoint: self.entrypoint,
            command: self.command,
            user: self.user,
            working_directory: self.has_own_folder.then_some(self.folder),
            doubts: self.doubts,
        }
    }
}

/// A JSON list of texts.
pub(super) fn exec_form(text: &str) -> Option<Vec<String>> {
    if !text.starts_with('[') {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// Where it stands, its name and its value, the last two as they are written.
type Pair<'a> = (Range<usize>, &'a str, &'a str);

/// The names and values of an `ENV`, with where each stands.
fn pairs(text: &str, escape: char) -> Result<Vec<Pair<'_>>, Refused> {
    let words = parse::words(text, escape);
    let first = words.first().ok_or(Refused)?;
    if !text[first.clone()].contains('=') {
        let (name, value) = text.split_once(parse::is_blank).ok_or(Refused)?;
        return Ok(vec![(
            0..text.len(),
            name,
            value.trim_start_matches(parse::is_blank),
        )]);
    }
    let pair = |range: Range<usize>| {
        let (name, value) = text[range.clone()].split_once('=').ok_or(Refused)?;
        Ok((range, name, value))
    };
    words.into_iter().map(pair).collect()
}

/// The instruction that an `ONBUILD` keeps for the stage after it.
fn triggered(instruction: &Instruction) -> Result<Instruction, Refused> {
    let inner = parse::again(instruction).ok_or(Refused)?;
    if ["FROM", "MAINTAINER", "ONBUILD"].contains(&inner.keyword.as_str()) {
        return Err(Refused);
    }
    Ok(inner)
}

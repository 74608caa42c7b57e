//! The variables that compose puts into files: from `.env` or the files of `--env-file`, and what it sets by itself.

use std::path::Path;

use super::Loader;
use super::interpolate::Outcome;
use crate::container;
use crate::container_path::cleaned;
use crate::dotenv;
use crate::error::Error;
use crate::fault::Fault;
use crate::source::{SourceId, Sources, Span};

/// With this in it, compose takes nothing from a `.env` of which it was not told, but what is meant for itself.
const DISABLES: &str = "COMPOSE_DISABLE_ENV_FILE";

const PWD: &str = "PWD";

/// Whether compose or the shell gives a meaning to a variable of this name: an env file cannot hold something else under it.
pub fn is_reserved(name: &str) -> bool {
    name == PWD || name.starts_with(OF_COMPOSE)
}

/// How the names start that compose takes for itself.
const OF_COMPOSE: &str = "COMPOSE_";

/// The env files of a project.
#[derive(Clone, Copy)]
pub enum EnvFiles<'a> {
    /// `.env`, which compose finds without being told of it.
    Default(&'a [SourceId]),
    /// Those that it is told to read.
    Named(&'a [SourceId]),
}

/// What a `.env` says of whether compose takes anything from it, where it says so.
///
/// # Errors
/// A value that compose refuses.
fn disabled<'a>(
    entries: impl DoubleEndedIterator<Item = &'a dotenv::Entry>,
) -> Result<Option<usize>, Fault> {
    let mut last_first = entries.rev();
    let entry = last_first.find(|entry| entry.name == DISABLES && entry.value.is_some());
    let Some(entry) = entry else {
        return Ok(None);
    };
    let start = entry.value_span.start;
    // The words of Go's strconv.ParseBool.
    match entry.value.as_ref().map_or("", |value| value.expose()) {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Some(start)),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(None),
        _ => Err(Fault::new(
            start,
            format!("{DISABLES} is neither true nor false"),
        )),
    }
}

fn refused(sources: &Sources, source: SourceId, fault: Fault) -> Error {
    Error::Dotenv {
        place: sources.place(Span {
            source,
            start: fault.offset,
            end: fault.offset,
        }),
        message: fault.message,
    }
}

/// Where the text of a `.env` keeps compose from taking variables from it, if it does.
///
/// # Errors
/// What compose would refuse.
pub fn disabled_at(text: &str) -> Result<Option<usize>, Fault> {
    disabled(dotenv::parse(text, &|_| None)?.iter())
}

/// What the env files of a project say, in their order: a later line wins over an earlier one.
#[derive(Default)]
pub struct ProjectEnv {
    /// Whether the command line names the files; compose finds others by itself.
    pub are_named: bool,
    files: Vec<SourceId>,
    /// The place of the first entry of each file.
    firsts: Vec<usize>,
    entries: Vec<dotenv::Entry>,
    /// The places of the entries with a value, in the order of their names and for each name of the files: every variable of a
    /// file is looked for.
    by_name: Vec<usize>,
}

impl ProjectEnv {
    /// What none of the files has said yet.
    pub(super) fn of(files: EnvFiles<'_>) -> Self {
        Self {
            are_named: matches!(files, EnvFiles::Named(_)),
            ..Self::default()
        }
    }

    /// Adds what a further file says.
    ///
    /// # Errors
    /// What compose would refuse.
    pub(super) fn add(
        &mut self,
        sources: &Sources,
        source: SourceId,
        around: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), Error> {
        let earlier = |name: &str| self.value(name).map(str::to_owned);
        let mut entries = dotenv::parse_after(sources.text(source), around, &earlier)
            .map_err(|fault| refused(sources, source, fault))?;
        self.files.push(source);
        self.firsts.push(self.entries.len());
        // Of most projects this is the only one, and is not copied.
        match self.entries.is_empty() {
            true => self.entries = entries,
            false => self.entries.append(&mut entries),
        }
        self.put_in_order();
        Ok(())
    }

    fn put_in_order(&mut self) {
        let entries = &self.entries;
        let with_value = (0..entries.len()).filter(|at| entries[*at].value.is_some());
        self.by_name = with_value.collect();
        let name = |at: &usize| entries[*at].name.as_str();
        self.by_name
            .sort_by(|one, other| name(one).cmp(name(other)));
    }

    /// Leaves what compose takes from a `.env` that it finds by itself.
    ///
    /// # Errors
    /// What compose would refuse.
    pub(super) fn obey_its_own_line(&mut self, sources: &Sources) -> Result<(), Error> {
        let Some(file) = self.files.first() else {
            return Ok(());
        };
        if disabled(self.entries.iter())
            .map_err(|fault| refused(sources, *file, fault))?
            .is_some()
        {
            self.entries
                .retain(|entry| entry.name.starts_with(OF_COMPOSE));
            self.put_in_order();
        }
        Ok(())
    }

    /// The files, the one that wins last.
    pub fn files(&self) -> &[SourceId] {
        &self.files
    }

    /// The value of a variable.
    pub fn value(&self, name: &str) -> Option<&str> {
        let entry = &self.entries[self.place(name)?];
        entry.value.as_ref().map(|value| value.expose())
    }

    /// The names that have a value.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let set = self.entries.iter().filter(|entry| entry.value.is_some());
        set.map(|entry| entry.name.as_str())
    }

    /// Where a variable's value stands.
    pub fn span(&self, name: &str) -> Option<Span> {
        Some(self.span_of(self.place(name)?))
    }

    /// The names that the values of the files are made from.
    pub fn uses(&self) -> impl Iterator<Item = (&str, Span)> {
        let entries = self.entries.iter().enumerate();
        entries.flat_map(move |(at, entry)| {
            let used = entry.variables.iter();
            used.map(move |variable| (variable.name.as_str(), self.span_of(at)))
        })
    }

    /// The variables of these files that one of a container is made from, and where their values stand. A file that is included
    /// may have another env file, which has another value.
    pub fn makes<'a>(
        &'a self,
        made: &'a container::Variable,
    ) -> impl Iterator<Item = (&'a str, Span)> {
        let used = made.interpolated.iter();
        let used = used.filter(|used| used.outcome == Outcome::Value);
        let used = used.map(|used| used.name.as_str());
        let is_named_alone = made.value_span.start == made.value_span.end;
        let names = used.chain(is_named_alone.then_some(made.name.as_str()));
        let whole = made.value.known().map(|value| value.expose());
        let is_in = move |name: &&str| {
            let part = self.value(name).zip(whole);
            part.is_some_and(|(part, whole)| whole.contains(part))
        };
        let there = names.filter(is_in);
        there.filter_map(|name| Some((name, self.span(name)?)))
    }

    /// The place of the entry that sets a variable.
    fn place(&self, name: &str) -> Option<usize> {
        let is_up_to = |at: &usize| self.entries[*at].name.as_str() <= name;
        let last = self.by_name.partition_point(is_up_to).checked_sub(1)?;
        let at = self.by_name[last];
        (self.entries[at].name == name).then_some(at)
    }

    /// Where the value of an entry stands.
    fn span_of(&self, at: usize) -> Span {
        let file = self.firsts.partition_point(|first| *first <= at) - 1;
        let value = &self.entries[at].value_span;
        Span {
            source: self.files[file],
            start: value.start,
            end: value.end,
        }
    }
}

/// Which variables the texts of a file may use: those of the project, and for an included file those of its own env
/// files as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope(pub(super) usize);

impl Scope {
    /// That of the files that compose is given.
    pub(super) const PROJECT: Self = Self(0);
}

/// What a shell sets for compose, which wins over every env file.
pub(super) struct ShellVariables {
    pwd: String,
}

impl ShellVariables {
    /// Compose is started in the project's folder unless somebody goes to some length.
    pub(super) fn of(folder: &Path) -> Self {
        Self {
            pwd: absolute(folder),
        }
    }

    /// The value of a variable that every shell sets.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        (name == PWD).then_some(&self.pwd)
    }
}

/// All scopes of a project.
pub(super) struct Scopes {
    shell: ShellVariables,
    /// What compose sets by itself, unless an env file does.
    given: Vec<(&'static str, String)>,
    /// The scope around each, and what its env files say.
    all: Vec<(Option<Scope>, ProjectEnv)>,
}

impl Scopes {
    pub(super) fn new(folder: &Path, env: ProjectEnv) -> Self {
        Self {
            shell: ShellVariables::of(folder),
            given: Vec::new(),
            all: vec![(None, env)],
        }
    }

    /// What the project is called. The variable of this name says so first, and may be set already.
    pub(super) fn name_project(&mut self, name: String) {
        self.given.push(("COMPOSE_PROJECT_NAME", name));
    }

    /// The name of the project, as soon as it is known.
    pub(super) fn project_name(&self) -> Option<&str> {
        let mut given = self.given.iter();
        let (_, name) = given.find(|(name, _)| *name == "COMPOSE_PROJECT_NAME")?;
        Some(name)
    }

    pub(super) fn project(&self) -> &ProjectEnv {
        &self.all[0].1
    }

    /// A scope within another one.
    ///
    /// # Errors
    /// An env file that compose would refuse.
    pub(super) fn within(
        &mut self,
        outer: Scope,
        sources: &Sources,
        files: &[SourceId],
    ) -> Result<Scope, Error> {
        let mut env = ProjectEnv::default();
        for file in files {
            env.add(sources, *file, &|name| {
                self.value(outer, name).map(str::to_owned)
            })?;
        }
        self.all.push((Some(outer), env));
        Ok(Scope(self.all.len() - 1))
    }

    /// The value of a variable. What is around wins over the env files of an included file.
    pub(super) fn value(&self, scope: Scope, name: &str) -> Option<&str> {
        let (outer, env) = self.all.get(scope.0)?;
        match outer {
            Some(outer) => self.value(*outer, name).or_else(|| env.value(name)),
            None => self.shell.value(name).or(env.value(name)).or_else(|| {
                let mut given = self.given.iter();
                given
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| value.as_str())
            }),
        }
    }

    /// Every env file that is read: those of the project, and those of included files.
    pub(super) fn envs(&self) -> impl Iterator<Item = &ProjectEnv> {
        self.all.iter().map(|(_, env)| env)
    }

    /// Where an env file gives a variable the value that a scope has.
    pub(super) fn span(&self, scope: Scope, name: &str) -> Option<Span> {
        let (outer, env) = self.all.get(scope.0)?;
        match outer.filter(|outer| self.value(*outer, name).is_some()) {
            Some(outer) => self.span(outer, name),
            None if self.shell.value(name).is_some() => None,
            None => env.value(name).and(env.span(name)),
        }
    }
}

/// The `.env` file of a folder, where it is there.
pub(super) fn beside(
    loader: &mut Loader,
    sources: &mut Sources,
    folder: &Path,
) -> Result<Option<SourceId>, Error> {
    let path = folder.join(".env");
    if loader.is_file(&path) {
        loader.open(sources, &path).map(Some)
    } else {
        Ok(None)
    }
}

/// A folder's path from the root. The folder of `docker-compose.yml` is an empty path, which means where the program runs.
fn absolute(folder: &Path) -> String {
    let folder =
        std::path::absolute(Path::new(".").join(folder)).unwrap_or_else(|_| folder.to_owned());
    cleaned(&folder.to_string_lossy())
}

/// What compose calls a project in a folder: the folder's name, without what no name may have.
pub(super) fn default_name(folder: &Path) -> String {
    let folder = absolute(folder);
    let name = folder.rsplit('/').next().unwrap_or_default();
    let name: String = name
        .to_lowercase()
        .chars()
        .filter(|c| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-'))
        .collect();
    name.trim_start_matches(['_', '-']).to_owned()
}

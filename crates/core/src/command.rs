//! Which variables a container's command sets before the server starts: `env NAME=VALUE …`, or what a shell does.
//!
//! Plain things are followed as a POSIX shell would. Whatever else may set a variable makes that variable, or all of
//! them, not known; what merely waits, prints or starts something does not.

mod lex;
mod shell;
mod state;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::knowable::{Knowable, Reason};
use crate::secret::Secret;
use shell::{Launch, Shell};
pub(crate) use shell::{PythonProgram, is_own_script, is_python, is_shell, python_program};
use state::State;

/// Where only the programs are asked for, what a shell would find in the container counts for nothing.
const NOT_LOOKED_AT: &str = "it is not looked at";

/// What a command finds in its container.
pub struct Surroundings<'a> {
    /// The folder in which the command starts.
    pub folder: Knowable<String>,
    /// A variable of the container: its value, or that it has none.
    pub variable: &'a dyn Fn(&str) -> Knowable<Option<String>>,
    /// The text of a file of the container, for what is sourced and for scripts.
    pub file: &'a dyn Fn(&str) -> Knowable<String>,
    /// Whether something is put at a path that is not of the image: a mount, or a file of its build.
    pub has: &'a dyn Fn(&str) -> bool,
    /// The shell scripts `*.sh` that are put into a folder, in order.
    pub scripts: &'a dyn Fn(&str) -> Vec<String>,
    /// The home of the user; several where it may be any of them.
    pub homes: &'a dyn Fn() -> Vec<String>,
    /// Whether the container has variables that bash takes for functions.
    pub has_functions: bool,
    /// Whether these words start the server that is asked about.
    pub starts: &'a dyn Fn(&[&str]) -> bool,
    /// Whether the server has its configuration or its program at a path, or everything is below it.
    pub kept: &'a dyn Fn(&str) -> bool,
}

/// What a server finds changed in its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Whether it starts with no variable of the container at all (`env -i`).
    pub is_cleared: bool,
    /// By name: the value, or none where the variable is removed.
    pub changes: BTreeMap<String, Knowable<Option<Secret>>>,
    /// Why any other variable may have been set, changed or removed as well.
    pub unknown: Option<Reason>,
    /// Whether files that it reads may be others than they are mounted, or in the image.
    pub writes: bool,
    /// The folder in which it starts.
    pub folder: Knowable<String>,
    /// The folders and files from which it runs code, besides the image's own.
    pub code: BTreeSet<String>,
}

/// What a container's entrypoint and command, as one list of words, do to the environment of the server.
pub fn read(words: &[Knowable<String>], around: &Surroundings<'_>) -> Effect {
    let mut shell = Shell::new(around, State::new(around.folder.clone()), 0);
    shell.launch(words.to_vec(), State::new(around.folder.clone()));
    let writes = shell.writes;
    let effect = effect(&shell.into_launches(), around);
    Effect { writes, ..effect }
}

/// The programs that a container's entrypoint and command may start, each with its arguments; what is not known of these is
/// empty. A program that is not known may start what it is given: `/entrypoint.sh minio server`, `su user -c "minio server"`.
pub fn programs(words: &[Knowable<String>]) -> Vec<Vec<String>> {
    let mut programs = Vec::new();
    for launch in launches(words) {
        let words = launch.words.into_iter();
        let words: Vec<String> = words
            .map(|word| word.known().cloned().unwrap_or_default())
            .collect();
        programs.extend(given(&words));
        programs.push(words);
    }
    programs
}

/// A program that a command may start.
pub(crate) struct Started {
    /// Itself and its arguments; what is not known of these is empty.
    pub(crate) words: Vec<String>,
    /// The folder in which it starts, where that is known.
    pub(crate) folder: Option<String>,
}

/// The programs that a command starts in a folder, with these variables and files around it. A shell is one itself where it starts nothing that
/// can be followed.
pub(crate) fn started(
    words: &[Knowable<String>],
    folder: &Knowable<String>,
    variable: &dyn Fn(&str) -> Knowable<Option<String>>,
    file: &dyn Fn(&str) -> Knowable<String>,
) -> Vec<Started> {
    let launches = launches_in(words, folder, variable, file).into_iter();
    let started = launches.map(|launch| {
        let words = launch.words.into_iter();
        let words = words.map(|word| word.known().cloned().unwrap_or_default());
        Started {
            words: words.collect(),
            folder: launch.state.folder.known().cloned(),
        }
    });
    started.collect()
}

/// What a command starts, with nothing of its container in sight.
fn launches(words: &[Knowable<String>]) -> Vec<Launch> {
    let nothing = |_: &str| Knowable::unknown(NOT_LOOKED_AT);
    let file = |_: &str| Knowable::unknown(NOT_LOOKED_AT);
    launches_in(words, &Knowable::unknown(NOT_LOOKED_AT), &nothing, &file)
}

fn launches_in(
    words: &[Knowable<String>],
    folder: &Knowable<String>,
    variable: &dyn Fn(&str) -> Knowable<Option<String>>,
    file: &dyn Fn(&str) -> Knowable<String>,
) -> Vec<Launch> {
    let around = Surroundings {
        folder: folder.clone(),
        // A file that bash reads first starts nothing.
        variable: &|name| match name {
            "BASH_ENV" => Knowable::Known(None),
            _ => variable(name),
        },
        file,
        has: &|_| false,
        scripts: &|_| Vec::new(),
        homes: &Vec::new,
        has_functions: false,
        starts: &|_| false,
        kept: &|_| false,
    };
    let mut shell = Shell::new(&around, State::new(around.folder.clone()), 0);
    shell.launch(words.to_vec(), State::new(around.folder.clone()));
    shell.into_launches()
}

/// Whether a command only waits, prints or handles files, so that no server runs in its container.
pub(crate) fn serves_nothing(words: &[Knowable<String>]) -> bool {
    let launches = launches(words);
    let handles = |launch: &Launch| {
        let is_followed =
            || is_told_a_text(&launch.words) && launch.state.effect().unknown.is_none();
        shell::is_idle(&launch.words) || is_followed()
    };
    // What is started for its output is no launch.
    let is_followed = |word: &Knowable<String>| {
        word.known()
            .is_some_and(|word| !word.contains("$(") && !word.contains('`'))
    };
    !launches.is_empty() && words.iter().all(is_followed) && launches.iter().all(handles)
}

/// Whether a shell is named for a text of which it does all by itself, such as `sleep`: `bash -c TEXT`, `bash -o pipefail -ec TEXT`.
fn is_told_a_text(words: &[Knowable<String>]) -> bool {
    let known = words.iter().map(|word| word.known().map(String::as_str));
    let Some(words) = known.collect::<Option<Vec<&str>>>() else {
        return false;
    };
    let is_option = |word: &str| word.starts_with('-') && !word.starts_with("--");
    let Some(at) = words
        .iter()
        .position(|word| is_option(word) && word.contains('c'))
    else {
        return false;
    };
    let before = &words[..at];
    let is_script =
        |(at, word): (usize, &&str)| at > 0 && !is_option(word) && before[at - 1] != "-o";
    let has_text = words[at + 1..].iter().any(|word| !word.starts_with('-'));
    is_shell(words[0]) && !before.iter().enumerate().any(is_script) && has_text
}

/// What a program is given that may be another one.
fn given(words: &[String]) -> Vec<Vec<String>> {
    let Some((program, arguments)) = words.split_first() else {
        return Vec::new();
    };
    // These wait for an address, and print what they are told.
    let name = program.rsplit('/').next().unwrap_or(program);
    let starts_nothing = ["echo", "printf"].contains(&name);
    let waits = name.starts_with("wait");
    // What is after an option may be its value.
    let is_first = arguments.first().is_some_and(|word| !word.starts_with('-'));
    let first = (is_first && !waits && !starts_nothing).then_some(0);
    let ended = arguments.iter().position(|word| word == "--");
    let ended = ended.filter(|_| !starts_nothing);
    let mut programs: Vec<Vec<String>> = first
        .into_iter()
        .chain(ended.map(|at| at + 1))
        .filter_map(|at| Some(arguments.get(at..)?.to_vec()))
        .collect();
    let texts = arguments.windows(2).filter(|pair| pair[0] == "-c");
    programs.extend(texts.map(|pair| pair[1].split_whitespace().map(str::to_owned).collect()));
    programs
}

/// What the launches of the server have in common.
fn effect(launches: &[Launch], around: &Surroundings<'_>) -> Effect {
    let known = |words: &[Knowable<String>]| -> bool {
        let words: Vec<&str> = words
            .iter()
            .filter_map(Knowable::known)
            .map(String::as_str)
            .collect();
        (around.starts)(&words)
    };
    let mut chosen: Vec<Effect> = launches
        .iter()
        .filter(|launch| known(&launch.words))
        .map(|launch| launch.state.effect())
        .collect();
    if chosen.is_empty() {
        chosen.extend(launches.last().map(|launch| launch.state.effect()));
    }
    let code: BTreeSet<String> = chosen
        .iter_mut()
        .flat_map(|effect| std::mem::take(&mut effect.code))
        .collect();
    let mut folders = chosen.iter().map(|effect| effect.folder.clone());
    let folder = folders.next().unwrap_or_else(|| around.folder.clone());
    let folder = match folders.all(|other| other == folder) {
        true => folder,
        false => Knowable::unknown("its command starts servers in several folders"),
    };
    for effect in &mut chosen {
        effect.folder = folder.clone();
    }
    let nothing = State::new(folder).effect();
    let first = chosen.first().unwrap_or(&nothing);
    let is_one = chosen.iter().all(|effect| effect == first);
    let several = "its command starts the server in several ways, with different variables";
    match is_one {
        true => Effect {
            code,
            ..first.clone()
        },
        false => Effect {
            code,
            unknown: Some(several.into()),
            ..nothing
        },
    }
}

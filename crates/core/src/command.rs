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
pub(crate) use shell::is_shell;
use shell::{Launch, Shell};
use state::State;

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

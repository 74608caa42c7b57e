//! The variables of a shell, as far as they differ from the container's, and the folder that it is in.

use std::collections::{BTreeMap, BTreeSet};

use super::{Effect, Surroundings};
use crate::container_path::cleaned;
use crate::knowable::{Knowable, Reason};
use crate::secret::Secret;

/// Why a variable is not known.
pub(super) const READ_ONLY: &str = "its command sets a variable after making it read-only";

/// A variable that was touched.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Variable {
    /// Its value, or none where it is removed.
    pub(super) value: Knowable<Option<String>>,
    /// Whether programs that the shell starts get it.
    pub(super) exported: Exported,
    /// Whether the container's variable of this name is removed, and this one of the shell's own.
    pub(super) is_own: bool,
}

/// Whether programs that a shell starts get a variable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Exported {
    No,
    Perhaps,
    Yes,
}

/// What a command has changed so far.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) is_cleared: bool,
    pub(super) variables: BTreeMap<String, Variable>,
    pub(super) unknown: Option<Reason>,
    /// Names that the shell lets nobody set any more.
    pub(super) read_only: BTreeSet<String>,
    /// `set -a`: whether what is assigned is exported as well.
    pub(super) exports_all: Knowable<bool>,
    /// The folder that it works in.
    pub(super) folder: Knowable<String>,
    /// The folders and files from which a program of it runs code.
    pub(super) code: BTreeSet<String>,
    /// After `exec` or `exit` nothing more happens in its process.
    pub(super) has_ended: bool,
}

impl State {
    pub(super) fn new(folder: Knowable<String>) -> Self {
        Self {
            is_cleared: false,
            variables: BTreeMap::new(),
            unknown: None,
            read_only: BTreeSet::new(),
            exports_all: Knowable::Known(false),
            folder,
            code: BTreeSet::new(),
            has_ended: false,
        }
    }

    /// That of a program that is given no variable.
    pub(super) fn cleared(folder: Knowable<String>) -> Self {
        Self {
            is_cleared: true,
            ..Self::new(folder)
        }
    }

    /// A variable's value: the one that it has here, or the container's.
    pub(super) fn lookup(
        &self,
        name: &str,
        around: &Surroundings<'_>,
    ) -> Result<Option<String>, Reason> {
        let value = match self.variables.get(name) {
            Some(variable) => variable.value.clone(),
            None => match (&self.unknown, self.is_cleared) {
                (Some(reason), _) => Knowable::Unknown(reason.clone()),
                (None, true) => Knowable::Known(None),
                (None, false) => (around.variable)(name),
            },
        };
        match value {
            Knowable::Known(value) => Ok(value),
            Knowable::Unknown(reason) => Err(reason),
        }
    }

    /// A path from the folder that it works in, where that is known.
    pub(super) fn absolute(&self, path: &str) -> Option<String> {
        let from = match path.starts_with('/') {
            true => "",
            false => self.folder.known()?,
        };
        Some(cleaned(&format!("{from}/{path}")))
    }

    /// `cd FOLDER`.
    pub(super) fn enter(&mut self, folder: Knowable<String>) {
        self.folder = match (&self.folder, folder) {
            (_, Knowable::Known(to)) if to.starts_with('/') => Knowable::Known(to),
            (Knowable::Known(from), Knowable::Known(to)) => Knowable::Known(format!("{from}/{to}")),
            (_, Knowable::Unknown(reason)) => Knowable::Unknown(reason),
            (Knowable::Unknown(reason), _) => Knowable::Unknown(reason.clone()),
        };
    }

    /// Anything may have happened to any variable.
    pub(super) fn lose(&mut self, reason: &Reason) {
        for variable in self.variables.values_mut() {
            variable.value = Knowable::Unknown(reason.clone());
            variable.exported = Exported::Perhaps;
        }
        self.unknown.get_or_insert_with(|| reason.clone());
    }

    pub(super) fn export(&mut self, name: &str, value: Knowable<Option<String>>) {
        let variable = Variable {
            value,
            exported: Exported::Yes,
            is_own: false,
        };
        self.variables.insert(name.to_owned(), variable);
    }

    /// Nobody knows what it is and who gets it.
    pub(super) fn doubt(&mut self, name: &str, reason: &Reason) {
        let variable = Variable {
            value: Knowable::Unknown(reason.clone()),
            exported: Exported::Perhaps,
            is_own: false,
        };
        self.variables.insert(name.to_owned(), variable);
    }

    /// Whether a name may not be set any more. Some shells end then, and bash goes on at the next line.
    pub(super) fn refuses(&mut self, name: &str) -> bool {
        let is_read_only = self.read_only.contains(name);
        if is_read_only {
            self.lose(&READ_ONLY.into());
        }
        is_read_only
    }

    pub(super) fn remove(&mut self, name: &str) {
        let variable = Variable {
            value: Knowable::Known(None),
            exported: Exported::No,
            is_own: true,
        };
        self.variables.insert(name.to_owned(), variable);
    }

    /// What a program that is started now gets.
    pub(super) fn exported(&self) -> Self {
        let mut state = self.clone();
        state.variables.retain(|_, variable| {
            if variable.exported == Exported::No && variable.is_own {
                variable.value = Knowable::Known(None);
                return true;
            }
            variable.exported != Exported::No
        });
        state.exports_all = Knowable::Known(false);
        state.read_only.clear();
        state
    }

    /// The variables that are other than before.
    pub(super) fn changed(&self, before: &Self) -> BTreeSet<String> {
        let all = self.variables.keys().chain(before.variables.keys());
        let changed = all.filter(|name| self.variables.get(*name) != before.variables.get(*name));
        changed.cloned().collect()
    }

    /// Whether more than variables that can be named is other than before.
    pub(super) fn has_more(&self, before: &Self) -> bool {
        self.unknown != before.unknown
            || self.exports_all != before.exports_all
            || self.folder != before.folder
    }

    /// What happened since `before` happened only perhaps.
    pub(super) fn doubt_since(&mut self, before: &Self) {
        self.doubt_since_for(before, &"its command sets it only under a condition".into());
    }

    /// The same, and why.
    pub(super) fn doubt_since_for(&mut self, before: &Self, reason: &Reason) {
        // What a loop sets first, it sets once more after the end of its first turn.
        let exports_as_before = self.exports_all == before.exports_all;
        if !exports_as_before {
            self.exports_all = Knowable::Unknown(reason.clone());
        }
        if self.folder != before.folder {
            self.folder =
                Knowable::unknown("its command changes its folder only under a condition");
        }
        for name in self.changed(before) {
            let (old, new) = (before.variables.get(&name), self.variables.get(&name));
            let passed = |one: &Variable| (one.exported, one.is_own);
            // One that was not touched before, and that the shell does not pass on, the container does not have.
            let untouched = new.filter(|new| passed(new) == (Exported::No, false));
            let before = old.or(untouched).map(passed);
            let (exported, is_own) = before
                .filter(|before| exports_as_before && new.map(passed) == Some(*before))
                .unwrap_or((Exported::Perhaps, false));
            let variable = Variable {
                value: Knowable::Unknown(reason.clone()),
                exported,
                is_own,
            };
            self.variables.insert(name, variable);
        }
    }

    pub(super) fn effect(&self) -> Effect {
        let state = self.exported();
        let changes = state.variables.into_iter().map(|(name, variable)| {
            let value = variable.value.map(|value| value.map(Secret::new));
            (name, value)
        });
        Effect {
            is_cleared: self.is_cleared,
            changes: changes.collect(),
            unknown: self.unknown.clone(),
            writes: false,
            folder: self.folder.clone(),
            code: self.code.clone(),
        }
    }
}

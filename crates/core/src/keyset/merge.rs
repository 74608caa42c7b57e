//! Puts values into a HOCON text that is there already, byte for byte as it was but for them, and proves it.
//!
//! A value is replaced where it stands; what has no place yet is added at the end. What cannot be told apart so,
//! because a value is written in a way that also says other things, is refused.

mod proof;
mod removal;
mod splice;
#[cfg(test)]
mod tests;
mod users;

use std::sync::Arc;

use zeroize::Zeroizing;

use super::Fault;
use crate::edit::{self, Edit, Edits};
use crate::hocon::{
    self, Context, Form, Included, Lookup, Node, Object, Outline, OutlineEntry, Value,
};
use crate::setting::SETTINGS;
use splice::Lines;
pub(super) use users::{Listed, Style, listed, with_users};

/// What a server's environment has is not known here, nor what is in the files beside it.
const UNKNOWN: Context<'static> = Context::new(
    &|_| Lookup::Unknown("a variable, whose value is not known here".to_owned()),
    &|_| Included::Unknown("an include, whose file is not read here".to_owned()),
);

/// What is to stand at a path.
pub(super) struct Wanted {
    pub(super) path: String,
    pub(super) written: Written,
    /// Lines of comment above it where it is new in the text.
    pub(super) comment: &'static str,
}

/// A value as HOCON.
pub(super) enum Written {
    /// The list of the text with all its items, if it has one.
    List {
        /// Items of the text that go, by their index.
        removed: Vec<usize>,
        /// Items of the text that get another value at a key, by their index.
        replaced: Vec<(usize, Replaced)>,
        /// Behind them, one item a line.
        added: Vec<Zeroizing<String>>,
    },
    /// On one line.
    Scalar(Zeroizing<String>),
}

/// A scalar in place of another one.
pub(super) struct Replaced {
    pub(super) key: &'static str,
    pub(super) value: Zeroizing<String>,
}

/// A text with what it means.
pub(super) struct Text<'a> {
    body: &'a str,
    outline: Outline,
    pub(super) tree: Object,
}

impl<'a> Text<'a> {
    /// Reads a text that somebody wrote. As servers do, it refuses a byte order mark, which the other formats may have.
    pub(super) fn read(body: &'a str) -> Result<Self, Fault> {
        let fault = |error: hocon::Fault| {
            let fault = Fault::new(error.offset, error.message);
            fault.help("correct it here: no server starts with this file")
        };
        Ok(Self {
            body,
            outline: hocon::outline(body).map_err(fault)?,
            tree: hocon::parse(body, &UNKNOWN).map_err(fault)?,
        })
    }

    /// Refuses what could set one of these paths without being seen here.
    pub(super) fn refuse_hidden<'p>(
        &self,
        paths: impl Iterator<Item = &'p str>,
    ) -> Result<(), Fault> {
        if let Some(at) = self.outline.includes.first() {
            let fault = Fault::new(*at, "an include, whose file is not read here");
            return Err(fault.help("replace it with the lines of that file"));
        }
        for path in paths {
            let steps: Vec<&str> = path.split('.').collect();
            for entry in &self.outline.entries {
                let has_dash = entry.path.iter().any(|step| step.starts_with('-'));
                let mut pairs = entry.path.iter().zip(&steps);
                if has_dash && pairs.all(|(step, other)| step.trim_start_matches('-') == *other) {
                    let fault = Fault::new(
                        entry.at,
                        "a key with a dash in front replaces everything below that key elsewhere",
                    );
                    return Err(fault.help("write the key without the dash"));
                }
            }
        }
        Ok(())
    }

    /// Refuses a setting that is set twice: HOCON lets the later of the two win.
    pub(super) fn refuse_doubled(&self, root: &str) -> Result<(), Fault> {
        for setting in SETTINGS {
            let path = setting.path().strip_prefix(root).unwrap_or(setting.path());
            self.once(path)?;
        }
        Ok(())
    }

    /// The one entry that sets a path.
    fn once(&self, path: &str) -> Result<Option<&OutlineEntry>, Fault> {
        let entries = self.outline.entries.iter();
        let mut entries = entries.filter(|entry| is_at(&entry.path, path));
        let first = entries.next();
        if let Some(second) = entries.next() {
            let leaf = path.rsplit('.').next().unwrap_or(path);
            let fault = Fault::new(second.at, format!("an entry `{leaf}` is here twice"));
            return Err(fault.help(match second.form {
                // Each of them may add something.
                Form::Joined | Form::List => "write all of it in one entry",
                Form::Object | Form::Scalar => "remove one of the two",
            }));
        }
        Ok(first)
    }

    /// The text with what is wanted in it.
    ///
    /// # Errors
    /// What cannot be put in without a change to something else.
    pub(super) fn merged(&self, wanted: &[Wanted]) -> Result<Zeroizing<String>, Fault> {
        self.refuse_hidden(wanted.iter().map(|wanted| wanted.path.as_str()))?;
        let mut edits = Edits::default();
        let mut added = Lines::default();
        for wanted in wanted {
            if self.is_there(wanted) {
                continue;
            }
            match self.place(&wanted.path)? {
                Some(entry) => self.replace(entry, wanted, &mut edits)?,
                None => added.entry(wanted),
            }
        }
        if !added.is_empty() {
            edits.push(match &self.outline.braces {
                Some(braces) => splice::inside(self.body, braces.end - 1, &added),
                None => splice::at_end(self.body, &added),
            });
        }
        let merged = edit::splice(self.body, &edits.in_order()).map_err(|overlap| {
            let fault = Fault::new(overlap.at, "two changes fall together here");
            fault.help("write each entry on a line of its own")
        })?;
        proof::prove(self, &merged, wanted)?;
        Ok(Zeroizing::new(merged))
    }

    fn is_there(&self, wanted: &Wanted) -> bool {
        let Some(node) = self.tree.get(&wanted.path) else {
            return false;
        };
        match &wanted.written {
            Written::List {
                removed,
                replaced,
                added,
            } => {
                removed.is_empty()
                    && replaced.is_empty()
                    && added.is_empty()
                    && matches!(node.value, Value::Array(_))
            }
            Written::Scalar(written) => proof::is_written(&node.value, written),
        }
    }

    /// The entry whose value may be replaced; none where the path has none yet.
    fn place(&self, path: &str) -> Result<Option<&OutlineEntry>, Fault> {
        for entry in &self.outline.entries {
            let is_above = path.split('.').count() > entry.path.len()
                && entry
                    .path
                    .iter()
                    .zip(path.split('.'))
                    .all(|(a, b)| **a == *b);
            if is_above && entry.form != Form::Object {
                let message = format!("{path} is not set by entries of its own here");
                let fault = Fault::new(entry.value.start, message);
                return Err(fault.help("write it between one pair of braces"));
            }
        }
        match (self.once(path)?, self.tree.get(path)) {
            (Some(entry), _) if entry.form == Form::Joined => {
                let message =
                    format!("{path} is put together here, from a `${{…}}` or several parts");
                let fault = Fault::new(entry.value.start, message);
                Err(fault.help("write the value itself, or remove the line"))
            }
            (Some(entry), _) => Ok(Some(entry)),
            (None, Some(node)) => {
                let message = format!("{path} has its value from another place than its own");
                let fault = Fault::new(node.span.start, message);
                Err(fault.help("give it an entry of its own"))
            }
            (None, None) => Ok(None),
        }
    }

    fn replace(
        &self,
        entry: &OutlineEntry,
        wanted: &Wanted,
        edits: &mut Edits,
    ) -> Result<(), Fault> {
        let Written::List {
            removed,
            replaced,
            added,
        } = &wanted.written
        else {
            edits.push(splice::replace(self.body, entry, &wanted.written));
            return Ok(());
        };
        if entry.form != Form::List {
            // It holds no items: `null`, for instance.
            edits.push(splice::replace(self.body, entry, &wanted.written));
            return Ok(());
        }
        let items = items(&self.tree, &wanted.path);
        for (index, replaced) in replaced {
            if let Some(item) = items.get(*index) {
                edits.push(self.replace_within(item, replaced)?);
            }
        }
        let spans: Vec<_> = items.iter().map(|item| item.span.clone()).collect();
        for edit in removal::of(self.body, &entry.value, &spans, removed) {
            edits.push(edit);
        }
        if !added.is_empty() {
            let mut lines = Lines::default();
            added.iter().for_each(|item| lines.push(item));
            edits.push(splice::inside(self.body, entry.value.end - 1, &lines));
        }
        Ok(())
    }

    /// Replaces a value in an item of a list. The outline does not reach into lists, so the item is read as a text
    /// of its own.
    fn replace_within(&self, item: &Node, replaced: &Replaced) -> Result<Edit, Fault> {
        let shifted = |fault: Fault| fault.behind(item.span.start);
        let body = self.body.get(item.span.clone()).unwrap_or_default();
        let text = Text::read(body).ok();
        let text = text.filter(|text| text.outline.braces == Some(0..body.len()));
        let Some(text) = text else {
            let fault = Fault::new(0, "this entry is put together from several parts");
            return Err(shifted(fault.help("write it between one pair of braces")));
        };
        match text.place(replaced.key).map_err(shifted)? {
            Some(entry) => {
                let start = item.span.start;
                let range = start + entry.value.start..start + entry.value.end;
                Ok(Edit::replace(range, replaced.value.to_string()))
            }
            None => {
                let fault = Fault::new(0, format!("this entry has no `{}`", replaced.key));
                Err(shifted(fault.help("give it one, with any value")))
            }
        }
    }
}

/// The items of the list at a path; none where there is no list.
fn items<'t>(tree: &'t Object, path: &str) -> &'t [Node] {
    match tree.get(path).map(|node| &node.value) {
        Some(Value::Array(items)) => items,
        _ => &[],
    }
}

fn is_at(steps: &[Arc<str>], path: &str) -> bool {
    steps.iter().map(|step| &**step).eq(path.split('.'))
}

/// What a server makes of a value as it is written here.
fn parsed(written: &str) -> Option<Node> {
    let tree = hocon::parse_variable("value", written, &Context::EMPTY).ok()?;
    tree.get_key("value").cloned()
}

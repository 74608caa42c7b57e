//! Puts values into a HOCON text that is there already, byte for byte as it was but for them, and proves it.
//!
//! A value is replaced where it stands; what has no place yet is added at the end. What cannot be told apart so,
//! because a value is written in a way that also says other things, is refused.

mod proof;
mod splice;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use zeroize::Zeroizing;

use super::Fault;
use crate::hocon::{self, Context, Entry, Form, Node, Object, Outline, Value};
use crate::setting::SETTINGS;
pub(super) use proof::is_same;
use splice::{Edit, Lines};

/// What a variable of the server's environment is taken for: no text that could be a value.
const VARIABLE: &str = "\u{1}";

/// Every variable has a value, which no value of a keyset can be: what a server has is not known here.
const CONTEXT: Context<'static> = Context {
    environment: &|name| Some(format!("{VARIABLE}{name}{VARIABLE}")),
    include: &|_| None,
};

/// What is to stand at a path.
pub(super) struct Wanted {
    pub(super) path: String,
    pub(super) written: Written,
    /// Lines of comment above it where it is new in the text.
    pub(super) comment: &'static str,
}

/// A value as HOCON.
pub(super) enum Written {
    /// A list, one item a line. The first `kept` of them are in the text already.
    List {
        items: Vec<Zeroizing<String>>,
        kept: usize,
    },
    /// On one line.
    Scalar(Zeroizing<String>),
}

/// A text with what it means.
pub(super) struct Text<'a> {
    /// Without a byte order mark.
    body: &'a str,
    /// The bytes of the byte order mark.
    start: usize,
    outline: Outline,
    pub(super) tree: Object,
}

impl<'a> Text<'a> {
    /// Reads a text that somebody wrote.
    pub(super) fn read(text: &'a str) -> Result<Self, Fault> {
        let start = text.len() - text.trim_start_matches('\u{feff}').len();
        let body = &text[start..];
        let fault = |error: hocon::Error| Fault::new(start + error.offset, error.message);
        Ok(Self {
            body,
            start,
            outline: hocon::outline(body).map_err(fault)?,
            tree: hocon::parse(body, &CONTEXT).map_err(fault)?,
        })
    }

    /// Where something stands in the text as it was given.
    pub(super) fn offset(&self, at: usize) -> usize {
        self.start + at
    }

    /// Refuses what could set one of these paths without being seen here.
    pub(super) fn refuse_hidden<'p>(
        &self,
        paths: impl Iterator<Item = &'p str>,
    ) -> Result<(), Fault> {
        if let Some(at) = self.outline.includes.first() {
            let fault = Fault::new(
                self.offset(*at),
                "an include, and what it brings is not seen here",
            );
            return Err(fault.help("put the lines of that file in its place"));
        }
        for path in paths {
            let steps: Vec<&str> = path.split('.').collect();
            for entry in &self.outline.entries {
                let has_dash = entry.path.iter().any(|step| step.starts_with('-'));
                let mut pairs = entry.path.iter().zip(&steps);
                if has_dash && pairs.all(|(step, other)| step.trim_start_matches('-') == *other) {
                    let fault = Fault::new(
                        self.offset(entry.at),
                        "a key with a dash in front replaces all that stands under the key in other places",
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
    fn once(&self, path: &str) -> Result<Option<&Entry>, Fault> {
        let entries = self.outline.entries.iter();
        let mut entries = entries.filter(|entry| is_at(&entry.path, path));
        let first = entries.next();
        if let Some(second) = entries.next() {
            let leaf = path.rsplit('.').next().unwrap_or(path);
            let message = format!("an entry `{leaf}` stands here twice");
            return Err(Fault::new(self.offset(second.at), message).help("keep one of the two"));
        }
        Ok(first)
    }

    /// The text with what is wanted in it.
    ///
    /// # Errors
    /// What cannot be put in without a change to something else.
    pub(super) fn merged(&self, wanted: &[Wanted]) -> Result<Zeroizing<String>, Fault> {
        self.refuse_hidden(wanted.iter().map(|wanted| wanted.path.as_str()))?;
        let mut edits = Vec::new();
        let mut added = Lines::default();
        for wanted in wanted {
            if self.is_there(wanted) {
                continue;
            }
            match self.place(&wanted.path)? {
                Some(entry) => edits.push(self.replaced(entry, wanted)),
                None => added.entry(wanted),
            }
        }
        if !added.is_empty() {
            edits.push(match &self.outline.braces {
                Some(braces) => splice::inside(self.body, braces.end - 1, &added),
                None => splice::at_end(self.body, &added),
            });
        }
        let merged = splice::apply(self.body, &mut edits);
        proof::prove(self, &merged, wanted)?;
        Ok(splice::with_mark(&merged, self.start))
    }

    fn is_there(&self, wanted: &Wanted) -> bool {
        let Some(node) = self.tree.get(&wanted.path) else {
            return false;
        };
        match &wanted.written {
            Written::List { items, kept } => {
                let found = matches!(&node.value, Value::Array(found) if found.len() == *kept);
                found && *kept == items.len()
            }
            Written::Scalar(written) => {
                parsed(written).is_some_and(|value| is_same(&value.value, &node.value))
            }
        }
    }

    /// The entry whose value may be replaced; none where the path has none yet.
    fn place(&self, path: &str) -> Result<Option<&Entry>, Fault> {
        for entry in &self.outline.entries {
            let is_above = path.split('.').count() > entry.path.len()
                && entry
                    .path
                    .iter()
                    .zip(path.split('.'))
                    .all(|(a, b)| **a == *b);
            if is_above && entry.form != Form::Object {
                let message = format!("{path} is not set by entries of its own here");
                let fault = Fault::new(self.offset(entry.value.start), message);
                return Err(fault.help("write what is in it between one pair of braces"));
            }
        }
        match (self.once(path)?, self.tree.get(path)) {
            (Some(entry), _) if entry.form == Form::Joined => {
                let message =
                    format!("{path} is put together here, from a `${{…}}` or several parts");
                let fault = Fault::new(self.offset(entry.value.start), message);
                Err(fault.help("write the value itself, or take the line out"))
            }
            (Some(entry), _) => Ok(Some(entry)),
            (None, Some(node)) => {
                let message = format!("{path} has its value from another place than its own");
                let fault = Fault::new(self.offset(node.span.start), message);
                Err(fault.help("give it an entry of its own"))
            }
            (None, None) => Ok(None),
        }
    }

    fn replaced(&self, entry: &Entry, wanted: &Wanted) -> Edit {
        match &wanted.written {
            Written::List { items, kept } if *kept > 0 && entry.form == Form::List => {
                let mut lines = Lines::default();
                items[*kept..].iter().for_each(|item| lines.push(item));
                splice::inside(self.body, entry.value.end - 1, &lines)
            }
            written => splice::replace(self.body, entry.at, entry.value.clone(), written),
        }
    }
}

/// Whether a text stands for a variable of the server's environment, or has one in it.
pub(super) fn is_variable(text: &str) -> bool {
    text.contains(VARIABLE)
}

fn is_at(steps: &[Arc<str>], path: &str) -> bool {
    steps.iter().map(|step| &**step).eq(path.split('.'))
}

/// What a server makes of a value as it is written here.
pub(super) fn parsed(written: &str) -> Option<Node> {
    let tree = hocon::parse_variable("value", written, &Context::EMPTY).ok()?;
    tree.get_key("value").cloned()
}

//! Edits of mappings, and of what is in them.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use clearml_secure_core::edit::{Edit, Edits};
use clearml_secure_core::source::place_of;
use clearml_secure_core::yaml::lines::{indentation, line_break, line_end, line_start};
use clearml_secure_core::yaml::{Entry, Node, Quoting, Style, Value, edit};

use super::Change;
use crate::refusal::Refusal;

/// A text, and what is to be done to it.
pub(super) struct Editor<'a> {
    path: &'a Path,
    pub(super) text: &'a str,
    /// Nodes that an alias stands for.
    aliased: HashSet<*const Node>,
    pub(super) edits: Edits,
    pub(super) changes: Vec<Change>,
}

/// What a new key has.
pub(super) enum New {
    List(Vec<[String; 2]>),
    Mapping(Vec<(String, New)>),
    Text(String),
}

impl New {
    fn flow(&self) -> String {
        match self {
            Self::Text(text) => edit::scalar(text),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(in_braces).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Mapping(entries) => format!("{{{}}}", pairs(entries)),
        }
    }

    fn lines(&self, name: &str, indent: usize, lines: &mut Vec<String>) {
        let blanks = " ".repeat(indent);
        match self {
            Self::Text(_) => lines.push(format!("{blanks}{name}: {}", self.flow())),
            Self::List(items) => {
                lines.push(format!("{blanks}{name}:"));
                lines.extend(items.iter().flat_map(|item| on_lines(item, indent + 2)));
            }
            Self::Mapping(entries) => {
                lines.push(format!("{blanks}{name}:"));
                for (name, value) in entries {
                    value.lines(name, indent + 2, lines);
                }
            }
        }
    }
}

fn pairs(entries: &[(String, New)]) -> String {
    let pairs = entries
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.flow()));
    pairs.collect::<Vec<_>>().join(", ")
}

/// An entry of a list on one line.
pub(super) fn in_braces(item: &[String; 2]) -> String {
    format!("{{{}, {}}}", item[0], item[1])
}

/// An entry of a list on lines of its own.
pub(super) fn on_lines(item: &[String; 2], indent: usize) -> [String; 2] {
    let blanks = " ".repeat(indent);
    [
        format!("{blanks}- {}", item[0]),
        format!("{blanks}  {}", item[1]),
    ]
}

impl<'a> Editor<'a> {
    pub(super) fn of(path: &'a Path, text: &'a str, root: &Arc<Node>) -> Self {
        let mut aliased = HashSet::new();
        note_aliased(root, &mut aliased);
        Self {
            path,
            text,
            aliased,
            edits: Edits::default(),
            changes: Vec::new(),
        }
    }

    pub(super) fn refuse(
        &self,
        at: usize,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Refusal {
        Refusal {
            place: place_of(self.path, self.text, at),
            message: message.into(),
            help: help.into(),
        }
    }

    /// Refuses a mapping that is not written here, or is used again.
    pub(super) fn mapping(&self, node: &Arc<Node>) -> Result<(), Refusal> {
        self.refuse_used_again(node)?;
        match &node.value {
            Value::Mapping(..) if node.tag().is_none() => Ok(()),
            Value::Alias(_) => Err(self.refuse(
                node.range().start,
                "this is an alias, and what it stands for would change elsewhere, too",
                "write the values out here, then run this again",
            )),
            _ => Err(self.refuse(
                node.start_with_properties(),
                "this is no mapping of values",
                "write the values here without a tag, or `{}` where there are none",
            )),
        }
    }

    pub(super) fn refuse_used_again(&self, node: &Arc<Node>) -> Result<(), Refusal> {
        match self.aliased.contains(&Arc::as_ptr(node)) {
            true => Err(self.refuse(
                node.start_with_properties(),
                "an alias uses this again, and would change with it",
                "write the values out where the alias is, then run this again",
            )),
            false => Ok(()),
        }
    }

    /// The same for all that is below a node, and goes with it.
    pub(super) fn refuse_shared(&self, node: &Arc<Node>) -> Result<(), Refusal> {
        self.refuse_used_again(node)?;
        match &node.value {
            Value::Mapping(_, entries) => entries.iter().try_for_each(|entry| {
                self.refuse_shared(&entry.key)?;
                self.refuse_shared(&entry.value)
            }),
            Value::Sequence(_, items) => items.iter().try_for_each(|item| self.refuse_shared(item)),
            Value::Alias(_) | Value::Scalar(..) => Ok(()),
        }
    }

    /// An entry that is written in a mapping itself.
    pub(super) fn entry<'n>(
        &self,
        mapping: &'n Node,
        name: &str,
    ) -> Result<Option<&'n Entry>, Refusal> {
        let Some(field) = mapping.get(name) else {
            return Ok(None);
        };
        let mut entries = mapping.entries().into_iter().flatten();
        let own = entries.find(|entry| Arc::ptr_eq(&entry.key, field.key));
        match own.filter(|_| !field.merged) {
            Some(entry) => Ok(Some(entry)),
            None => Err(self.refuse(
                mapping.range().start,
                format!("a merge key (`<<`) brings {name} in, which others may use, too"),
                format!("write {name} out here, then run this again"),
            )),
        }
    }

    /// Gives an entry a text. Whether it had another one.
    pub(super) fn set(&mut self, entry: &Entry, value: &str) -> Result<bool, Refusal> {
        if entry.value.text() == Some(value) {
            return Ok(false);
        }
        self.refuse_shared(&entry.value)?;
        if entry.value.scalar().is_none() {
            return Err(self.refuse(
                entry.value.range().start,
                "this is no text",
                "remove it, then run this again",
            ));
        }
        edit::set_value(self.text, &entry.key, &entry.value, value, &mut self.edits);
        Ok(true)
    }

    /// Puts another entry in the place of one.
    pub(super) fn replace(&mut self, entry: &Entry, text: String) -> Result<(), Refusal> {
        let range = entry.key.start_with_properties()..entry.end();
        self.refuse_comment(range.clone(), &entry.value)?;
        self.edits.push(Edit::replace(range, text));
        Ok(())
    }

    /// What goes must not have a comment within.
    pub(super) fn refuse_comment(&self, range: Range<usize>, node: &Node) -> Result<(), Refusal> {
        // In a text on its lines it is no comment.
        let is_plain = matches!(&node.value, Value::Scalar(style, _) if *style != Quoting::Block);
        let end = match is_plain {
            true => node.start_with_properties().clamp(range.start, range.end),
            false => range.end,
        };
        match self.text[range.start..end].find('#') {
            Some(at) => Err(self.refuse(
                range.start + at,
                "a comment may be lost here, because what is around it is replaced",
                "move the comment above, then run this again",
            )),
            None => Ok(()),
        }
    }

    /// Takes entries out of a mapping; it keeps others.
    pub(super) fn take_out(&mut self, mapping: &Node, gone: &[&Entry]) -> Result<(), Refusal> {
        let ranges = |entry: &Entry| entry.key.start_with_properties()..entry.end();
        if let Value::Mapping(Style::Flow, entries) = &mapping.value {
            let all: Vec<Range<usize>> = entries.iter().map(ranges).collect();
            let gone: Vec<bool> = entries
                .iter()
                .map(|entry| gone.iter().any(|one| std::ptr::eq(*one, entry)))
                .collect();
            return self.take_out_of_flow(&all, &gone);
        }
        for entry in gone {
            self.refuse_comment(ranges(entry), &entry.value)?;
            self.take_out_lines(ranges(entry))?;
        }
        Ok(())
    }

    /// Takes items of brackets or braces out, with their commas.
    pub(super) fn take_out_of_flow(
        &mut self,
        all: &[Range<usize>],
        gone: &[bool],
    ) -> Result<(), Refusal> {
        let last_kept = gone.iter().rposition(|is_gone| !is_gone);
        let mut ranges = Vec::new();
        for (index, range) in all.iter().enumerate().filter(|(index, _)| gone[*index]) {
            ranges.push(match (last_kept, all.get(index + 1)) {
                (Some(kept), Some(next)) if kept > index => range.start..next.start,
                (Some(kept), _) if kept + 1 == index => {
                    all[kept].end..all.last().map_or(range.end, |last| last.end)
                }
                (Some(_), _) => continue,
                (None, _) => range.clone(),
            });
        }
        for range in ranges {
            if let Some(at) = self.text[range.clone()].find('#') {
                return Err(self.refuse(
                    range.start + at,
                    "a comment inside these brackets may be lost",
                    "write one entry per line, each after a dash",
                ));
            }
            self.edits.push(Edit::replace(range, String::new()));
        }
        Ok(())
    }

    /// Takes whole lines out: what goes must be alone on them but for a comment behind it.
    pub(super) fn take_out_lines(&mut self, range: Range<usize>) -> Result<(), Refusal> {
        let text = self.text;
        let (start, end) = (line_start(text, range.start), line_end(text, range.end));
        let before = text[start..range.start].trim_start_matches('\u{feff}');
        let behind = text[range.end..end].trim();
        let is_alone = before.trim().is_empty() && (behind.is_empty() || behind.starts_with('#'));
        if !is_alone {
            return Err(self.refuse(
                range.start,
                "something else is on the line of what goes",
                "write it on a line of its own, then run this again",
            ));
        }
        // With the line break before it: what comes behind this line comes behind its end.
        let above = text[..start].strip_suffix('\n').map(|above| {
            let above = above.strip_suffix('\r').unwrap_or(above);
            above.len()
        });
        let range = match above {
            Some(above) => above..end,
            None => start..(end + line_break(text, end).len()).min(text.len()),
        };
        self.edits.push(Edit::replace(range, String::new()));
        Ok(())
    }

    /// Gives a section of the chart's values further entries.
    pub(super) fn add(&mut self, chart: &Node, section: &Entry, new: Vec<(String, New)>) {
        let node = &section.value;
        let text = self.text;
        let key = section.key.range();
        let is_short = line_end(text, node.range().start) >= node.range().end;
        let is_in_lines = matches!(chart.value, Value::Mapping(Style::Block, _));
        let is_empty = node.entries().is_some_and(<[_]>::is_empty) && node.anchor().is_none();
        if new.is_empty() || !(is_empty && is_short && is_in_lines) {
            self.add_to(node, new);
            return;
        }
        // `apiserver: {}` becomes lines.
        let start = text[..node.range().start].trim_end_matches(' ').len();
        self.edits
            .push(Edit::replace(start..node.range().end, String::new()));
        let mut lines = Vec::new();
        for (name, value) in &new {
            value.lines(name, indentation(text, key.start) + 2, &mut lines);
        }
        self.edits
            .push(edit::lines_behind(text, node.range().end, &lines));
    }

    /// Gives a mapping further entries.
    pub(super) fn add_to(&mut self, mapping: &Node, new: Vec<(String, New)>) {
        let Value::Mapping(style, entries) = &mapping.value else {
            return;
        };
        if new.is_empty() {
            return;
        }
        let end = entries.last().map(Entry::end);
        let (text, start) = (self.text, mapping.range().start);
        self.edits.push(match style {
            Style::Flow => edit::into_flow(text, mapping, end, &pairs(&new)),
            Style::Block => {
                let mut lines = Vec::new();
                for (name, value) in &new {
                    value.lines(name, indentation(text, start), &mut lines);
                }
                match entries
                    .last()
                    .is_some_and(|last| ends_in_block(&last.value))
                {
                    true => edit::lines_before(text, start, &lines),
                    false => edit::lines_behind(text, end.unwrap_or(start), &lines),
                }
            }
        });
    }
}

/// Whether a block scalar is the last thing of a node: the empty lines behind it may belong to it.
pub(super) fn ends_in_block(node: &Node) -> bool {
    match &node.value {
        Value::Scalar(style, _) => *style == Quoting::Block,
        Value::Mapping(Style::Block, entries) => entries
            .last()
            .is_some_and(|last| ends_in_block(&last.value)),
        Value::Sequence(Style::Block, items) => {
            items.last().is_some_and(|last| ends_in_block(last))
        }
        _ => false,
    }
}

fn note_aliased(node: &Node, aliased: &mut HashSet<*const Node>) {
    match &node.value {
        Value::Alias(shared) => {
            aliased.insert(Arc::as_ptr(shared));
        }
        Value::Mapping(_, entries) => {
            for entry in entries {
                note_aliased(&entry.key, aliased);
                note_aliased(&entry.value, aliased);
            }
        }
        Value::Sequence(_, items) => items.iter().for_each(|item| note_aliased(item, aliased)),
        Value::Scalar(..) => {}
    }
}

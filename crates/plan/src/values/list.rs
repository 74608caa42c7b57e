//! `extraEnvs`: ours in the user's own list, in place of whatever sets the same.

use std::ops::Range;
use std::sync::Arc;

use clearml_secure_core::edit::Edit;
use clearml_secure_core::helm::recipe::{COOKIE_PATH, ExtraEnv, ExtraValue, is_of_the_chart};
use clearml_secure_core::setting::{Server, Setting};
use clearml_secure_core::yaml::lines::{column, indentation, line_break, line_end};
use clearml_secure_core::yaml::{Entry, Node, Style, Value, edit};

use super::edits::{Editor, New, ends_in_block, in_braces, on_lines};
use super::{Change, Done};
use crate::refusal::Refusal;

const LIST: &str = "extraEnvs";

/// What becomes of an item.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// It stays as it is.
    Kept,
    /// It goes.
    Removed,
    /// It is to say what one of ours says, by its place among these.
    Replaced(usize),
}

/// A list, what becomes of its items, and what is added.
struct Filling<'n> {
    node: &'n Node,
    items: &'n [Arc<Node>],
    fates: Vec<Fate>,
    added: Vec<[String; 2]>,
}

impl Editor<'_> {
    /// A list that is not there yet.
    pub(super) fn new_list(
        &mut self,
        path: &str,
        ours: &[ExtraEnv],
        secret: &str,
    ) -> (String, New) {
        self.note(path, (ours.len(), 0, 0));
        let items = ours.iter().map(|one| one.lines(secret)).collect();
        (LIST.to_owned(), New::List(items))
    }

    fn note(&mut self, path: &str, (added, replaced, removed): (usize, usize, usize)) {
        if (added, replaced, removed) != (0, 0, 0) {
            self.changes.push(Change {
                path: format!("{path}.{LIST}"),
                done: Done::Entries {
                    added,
                    replaced,
                    removed,
                },
            });
        }
    }

    /// Puts ours into the list of a section; what is to be added to the section, where it has none.
    pub(super) fn extra_envs(
        &mut self,
        section: &Arc<Node>,
        path: &str,
        server: Server,
        mut ours: Vec<ExtraEnv>,
        secret: &str,
    ) -> Result<Option<(String, New)>, Refusal> {
        let Some(entry) = self.entry(section, LIST)? else {
            return Ok(Some(self.new_list(path, &ours, secret)));
        };
        self.refuse_used_again(&entry.value)?;
        let is_block = matches!(section.value, Value::Mapping(Style::Block, _));
        let items = match &entry.value.value {
            Value::Sequence(_, items) if entry.value.tag().is_none() => items,
            _ if is_nothing(&entry.value) => {
                self.fill_nothing(entry, is_block, path, &ours, secret)?;
                return Ok(None);
            }
            _ => {
                return Err(self.refuse(
                    entry.key.range().start,
                    format!("{path}.{LIST} is not written out as a list here"),
                    "write the list out in place of the alias or the tag, then run this again",
                ));
            }
        };
        // A cookie that somebody chose stays.
        let is_chosen = |item: &Arc<Node>| path_of(item).as_deref() == Some(COOKIE_PATH);
        if items.iter().any(is_chosen) {
            ours.retain(|one| one.path != COOKIE_PATH);
        }
        let filling = Filling::of(&entry.value, items, server, &ours, secret);
        let replaced = filling
            .fates
            .iter()
            .filter(|fate| matches!(fate, Fate::Replaced(_)));
        let removed = filling.fates.iter().filter(|fate| **fate == Fate::Removed);
        let counts = (filling.added.len(), replaced.count(), removed.count());
        self.note(path, counts);
        for (item, fate) in items.iter().zip(&filling.fates) {
            match fate {
                Fate::Kept => {}
                Fate::Removed => self.refuse_shared(item)?,
                Fate::Replaced(index) => self.replace_item(item, &ours[*index].lines(secret))?,
            }
        }
        match &entry.value.value {
            Value::Sequence(Style::Block, _) => self.fill_lines(&filling)?,
            _ if items.is_empty() && is_block => self.fill_empty(entry, &filling),
            _ => self.fill_brackets(&filling)?,
        }
        Ok(None)
    }

    /// `extraEnvs:` with nothing, or null, `{}`, `""`.
    fn fill_nothing(
        &mut self,
        entry: &Entry,
        is_block: bool,
        path: &str,
        ours: &[ExtraEnv],
        secret: &str,
    ) -> Result<(), Refusal> {
        let (_, new) = self.new_list(path, ours, secret);
        let New::List(items) = new else {
            return Ok(());
        };
        let (text, key, value) = (self.text, &entry.key, &entry.value);
        let colon = edit::colon_behind(text, key.range().end);
        let Some(colon) = colon.filter(|_| value.anchor().is_none() && value.tag().is_none())
        else {
            return Err(self.refuse(
                key.range().start,
                "this list is null in a way that cannot be edited",
                "write `[]` in place of it, then run this again",
            ));
        };
        if let Value::Mapping(..) = &value.value {
            self.refuse_comment(value.range(), value)?;
        }
        let is_written = !value.range().is_empty();
        let range = match is_written {
            true => colon + 1..value.range().end,
            false => colon + 1..colon + 1,
        };
        if !is_block {
            let items: Vec<String> = items.iter().map(in_braces).collect();
            self.edits
                .push(Edit::replace(range, format!(" [{}]", items.join(", "))));
            return Ok(());
        }
        if is_written {
            self.edits.push(Edit::replace(range.clone(), String::new()));
        }
        self.list_below(key, range.end, &items);
        Ok(())
    }

    /// `[]` on the line of its key becomes lines.
    fn fill_empty(&mut self, entry: &Entry, filling: &Filling<'_>) {
        let (text, range) = (self.text, entry.value.range());
        if line_end(text, range.start) < range.end || entry.value.anchor().is_some() {
            // Brackets over several lines may hold comments; fill them rather than drop those.
            let items: Vec<String> = filling.added.iter().map(in_braces).collect();
            self.edits
                .push(edit::into_flow(text, &entry.value, None, &items.join(", ")));
            return;
        }
        let start = text[..range.start].trim_end_matches(' ').len();
        self.edits
            .push(Edit::replace(start..range.end, String::new()));
        self.list_below(&entry.key, range.end, &filling.added);
    }

    fn list_below(&mut self, key: &Node, at: usize, items: &[[String; 2]]) {
        let indent = indentation(self.text, key.range().start) + 2;
        let lines = items.iter().flat_map(|item| on_lines(item, indent));
        let lines: Vec<String> = lines.collect();
        self.edits.push(edit::lines_behind(self.text, at, &lines));
    }

    fn fill_brackets(&mut self, filling: &Filling<'_>) -> Result<(), Refusal> {
        let all = filling.items.iter();
        let all: Vec<Range<usize>> = all
            .map(|item| item.start_with_properties()..item.range().end)
            .collect();
        let mut gone: Vec<bool> = filling
            .fates
            .iter()
            .map(|fate| *fate == Fate::Removed)
            .collect();
        let items: Vec<String> = filling.added.iter().map(in_braces).collect();
        let is_last_gone = gone.last() == Some(&true);
        match (gone.last_mut(), all.last()) {
            (Some(last), Some(range)) if is_last_gone && !items.is_empty() => {
                *last = false;
                self.edits
                    .push(Edit::replace(range.clone(), items.join(", ")));
            }
            (_, last) if !items.is_empty() => {
                let end = last.map(|range| range.end);
                self.edits.push(edit::into_flow(
                    self.text,
                    filling.node,
                    end,
                    &items.join(", "),
                ));
            }
            _ => {}
        }
        self.take_out_of_flow(&all, &gone)
    }

    fn fill_lines(&mut self, filling: &Filling<'_>) -> Result<(), Refusal> {
        let text = self.text;
        let (Some(first), Some(last)) = (filling.items.first(), filling.items.last()) else {
            return Ok(());
        };
        let dash = edit::dash(text, first);
        let lines = filling.added.iter();
        let lines: Vec<String> = lines
            .flat_map(|item| on_lines(item, column(text, dash)))
            .collect();
        let is_last_gone = filling.fates.last() == Some(&Fate::Removed);
        let is_in_place = is_last_gone && !lines.is_empty();
        let count = filling.items.len() - usize::from(is_in_place);
        for (item, _) in filling.items[..count]
            .iter()
            .zip(&filling.fates)
            .filter(|(_, fate)| **fate == Fate::Removed)
        {
            let range = edit::dash(text, item)..item.range().end;
            self.refuse_comment_line(range.clone())?;
            self.take_out_lines(range)?;
        }
        if is_in_place {
            let range = edit::dash(text, last)..last.range().end;
            self.refuse_comment_line(range.clone())?;
            let new = lines.join(line_break(text, range.start));
            self.edits
                .push(Edit::replace(range, new.trim_start().to_owned()));
        } else if !lines.is_empty() {
            self.edits.push(match ends_in_block(last) {
                true => edit::lines_before(text, dash, &lines),
                false => edit::lines_behind(text, last.range().end, &lines),
            });
        }
        Ok(())
    }

    /// A comment on a line of its own stays.
    fn refuse_comment_line(&self, range: Range<usize>) -> Result<(), Refusal> {
        let mut at = range.start;
        for line in self.text[range].split_inclusive('\n') {
            if line.trim_start().starts_with('#') {
                return Err(self.refuse(
                    at,
                    "a comment may be lost here, because what is around it goes",
                    "move the comment above the entry, then run this again",
                ));
            }
            at += line.len();
        }
        Ok(())
    }

    /// Makes an item say what one of ours says. What else is on its lines stays.
    fn replace_item(&mut self, item: &Arc<Node>, new: &[String; 2]) -> Result<(), Refusal> {
        self.refuse_shared(item)?;
        let entries = match &item.value {
            Value::Alias(_) => {
                self.edits.push(Edit::replace(item.range(), in_braces(new)));
                return Ok(());
            }
            Value::Mapping(_, entries) => entries,
            _ => return Ok(()),
        };
        let is_key = |entry: &&Entry, key: &str| entry.key.text() == Some(key);
        let name = entries.iter().find(|entry| is_key(entry, "name"));
        let mut others = entries.iter().filter(|entry| !is_key(entry, "name"));
        let value = others.next();
        let is_known =
            value.is_none_or(|entry| is_key(&entry, "value") || is_key(&entry, "valueFrom"));
        let (Some(name), true, None) = (name, is_known, others.next()) else {
            return Err(self.refuse(
                item.range().start,
                "this entry sets a key of the servers in a way that cannot be edited",
                "remove it, then run this again",
            ));
        };
        self.set(name, new[0].strip_prefix("name: ").unwrap_or_default())?;
        let Some(value) = value else {
            let end = name.end();
            self.edits.push(match &item.value {
                Value::Mapping(Style::Flow, _) => Edit::insert(end, format!(", {}", new[1])),
                _ => {
                    let indent = " ".repeat(column(self.text, item.range().start));
                    edit::lines_behind(self.text, end, &[format!("{indent}{}", new[1])])
                }
            });
            return Ok(());
        };
        self.replace(value, new[1].clone())
    }
}

impl<'n> Filling<'n> {
    fn of(
        node: &'n Node,
        items: &'n [Arc<Node>],
        server: Server,
        ours: &[ExtraEnv],
        secret: &str,
    ) -> Self {
        let mut fates = vec![Fate::Kept; items.len()];
        let mut added = Vec::new();
        for (index, one) in ours.iter().enumerate() {
            let same = |at: &usize| path_of(&items[*at]).as_deref() == Some(one.path);
            let same: Vec<usize> = (0..items.len()).filter(same).collect();
            for at in &same {
                fates[*at] = Fate::Removed;
            }
            let right = same.iter().find(|at| says(&items[**at], one, secret));
            match (right, same.first()) {
                (Some(right), _) => fates[*right] = Fate::Kept,
                (None, Some(first)) => fates[*first] = Fate::Replaced(index),
                (None, None) => added.push(one.lines(secret)),
            }
        }
        for (item, fate) in items.iter().zip(&mut fates) {
            let setting = path_of(item).and_then(|path| Setting::by_path(&path));
            let is_set = |setting: &Setting| {
                is_of_the_chart(*setting) && setting.servers().contains(&server)
            };
            if setting.is_some_and(|setting| is_set(&setting)) {
                *fate = Fate::Removed;
            }
        }
        Self {
            node,
            items,
            fates,
            added,
        }
    }
}

/// Whether it is null, `{}` or an empty text, which the chart takes for an empty list.
fn is_nothing(node: &Node) -> bool {
    match &node.value {
        Value::Mapping(_, entries) => entries.is_empty(),
        Value::Scalar(..) => node.is_null() || node.text() == Some(""),
        _ => false,
    }
}

/// The configuration path that an item sets, in whatever spelling.
pub(super) fn path_of(item: &Node) -> Option<String> {
    let name = item.get("name")?.value.text()?;
    let rest = name
        .strip_prefix("CLEARML__")
        .or_else(|| name.strip_prefix("TRAINS__"))?;
    Some(rest.replace("__", ".").to_ascii_lowercase())
}

/// Whether an item is just one of ours.
fn says(item: &Node, one: &ExtraEnv, secret: &str) -> bool {
    let has = |node: &Node, count: usize| node.fields().len() == count;
    let text = |node: &Node, key: &str| {
        let value = node.get(key).map(|field| field.value);
        value.and_then(|value| value.text()).map(str::to_owned)
    };
    if !has(item, 2) || text(item, "name").as_deref() != Some(&one.name) {
        return false;
    }
    match &one.value {
        ExtraValue::Text(value) => text(item, "value").as_deref() == Some(value),
        ExtraValue::Key(key) => {
            let from = item.get("valueFrom").map(|field| field.value);
            let reference = from
                .filter(|from| has(from, 1))
                .and_then(|from| Some(from.get("secretKeyRef")?.value));
            reference.is_some_and(|reference| {
                has(reference, 2)
                    && text(reference, "name").as_deref() == Some(secret)
                    && text(reference, "key").as_deref() == Some(key)
            })
        }
    }
}

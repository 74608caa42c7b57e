//! Joining the parts of a value: texts to a text, objects to an object, lists to a list.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use super::merge::Trees;
use super::{Graph, Item, Owner, Placed, ValuesId, text};
use crate::number::show_float;
use crate::{Cause, Fault};

/// What Python writes for `null` within a text, but for the memory address.
const NULL: &str = "<pyhocon.config_tree.NoneValue object at 0x?>";
/// What Python writes for an include within a text, but for the memory address.
const INCLUDE: &str = "<pyhocon.config_tree.ConfigInclude object at 0x?>";

#[derive(PartialEq, Eq)]
enum Kind {
    List,
    Text,
    Tree,
}

fn kind(item: &Item) -> Kind {
    match item {
        Item::List(_) => Kind::List,
        Item::Tree(_) => Kind::Tree,
        _ => Kind::Text,
    }
}

impl Graph {
    /// The value that the parts make: themselves while they wait for a substitution, and nothing where every
    /// part vanished.
    pub(crate) fn transform(&mut self, id: ValuesId) -> Result<Option<Placed>, Fault> {
        let values = self.values(id);
        let (start, end) = (values.start, values.end);
        if !self.waits_for(id)?.is_empty() {
            return Ok(Some(Placed::new(Item::Values(id), start, end)));
        }
        let parts: Vec<Placed> = self
            .values(id)
            .parts
            .iter()
            .filter(|part| !part.is_none())
            .cloned()
            .collect();
        if parts.is_empty() {
            return Ok(None);
        }
        let mut known = parts.iter().filter(|part| !part.is_unknown());
        let expected = known.next().map(|part| kind(&part.item));
        if let Some(other) = known.find(|part| Some(kind(&part.item)) != expected) {
            return Err(Fault::new(
                Cause::Type,
                "texts, lists and objects stand side by side, which pyhocon cannot join",
                other.start,
            ));
        }
        let unknown = parts.iter().find(|part| part.is_unknown());
        let item = match (expected, unknown) {
            (Some(Kind::Tree), _) => self.join_trees(id, &parts)?,
            (_, Some(unknown)) => unknown.item.clone(),
            (Some(Kind::List), None) => self.join_lists(&parts)?,
            (_, None) => match parts.as_slice() {
                [single] => match &single.item {
                    Item::Quoted(value, _) | Item::Unquoted(value) => Item::Text(value.clone()),
                    item => item.clone(),
                },
                parts => self.join_texts(parts)?,
            },
        };
        Ok(Some(Placed::new(item, start, end)))
    }

    /// The keys that several of the objects have which are written side by side.
    pub(crate) fn repeated(&self, parts: &[Placed]) -> Vec<Arc<str>> {
        let trees = parts.iter().filter_map(|part| match part.item {
            Item::Tree(tree) => Some(tree),
            _ => None,
        });
        let (mut known, mut repeated) = (HashSet::new(), Vec::new());
        for tree in trees {
            for (key, _) in self.tree(tree).entries.iter() {
                if !known.insert(key) && !repeated.contains(key) {
                    repeated.push(key.clone());
                }
            }
        }
        repeated
    }

    fn join_trees(&mut self, id: ValuesId, parts: &[Placed]) -> Result<Item, Fault> {
        let mut overridden = Vec::new();
        let mut next = self.values(id).overridden.clone();
        while let Some(node) = next.filter(|node| self.is_true(&node.item)) {
            self.spend(1)?;
            next = None;
            match node.item {
                Item::Tree(_) | Item::Unknown(_) => overridden.push(node),
                Item::Values(values) => {
                    if let Some(made) = self.transform(values)?
                        && matches!(made.item, Item::Tree(_) | Item::Unknown(_))
                    {
                        overridden.push(made);
                        next = self.values(values).overridden.clone();
                    }
                }
                _ => {}
            }
        }
        if !self.is_exact()
            && overridden.is_empty()
            && let [
                Placed {
                    item: item @ Item::Tree(_),
                    ..
                },
            ] = parts
        {
            return Ok(item.clone());
        }
        let joined = self.new_tree(false);
        // What is joined while it is read is written so, and this is said there.
        let put = self.repeated(parts).into_iter().map(|key| (key, true));
        self.tree_mut(joined).repeated = put.collect();
        for part in overridden.iter().rev().chain(parts) {
            match part.item {
                Item::Tree(tree) => self.merge(joined, tree, Trees::Copied, 0)?,
                // Texts beside objects were refused above.
                _ => self.cover(joined, part, 0)?,
            }
        }
        Ok(Item::Tree(joined))
    }

    fn join_lists(&mut self, parts: &[Placed]) -> Result<Item, Fault> {
        if !self.is_exact()
            && let [
                Placed {
                    item: item @ Item::List(_),
                    ..
                },
            ] = parts
        {
            return Ok(item.clone());
        }
        let joined = self.new_list(Vec::new());
        for part in parts {
            let Item::List(list) = part.item else {
                continue;
            };
            let items = self.list(list).to_vec();
            self.spend(items.len())?;
            for item in items {
                if let Item::Values(values) = item.item {
                    self.values_mut(values).owner = Owner::List(joined, self.list(joined).len());
                }
                self.list_mut(joined).push(item);
            }
        }
        Ok(Item::List(joined))
    }

    fn join_texts(&mut self, parts: &[Placed]) -> Result<Item, Fault> {
        let mut shown = Vec::with_capacity(parts.len());
        for (index, part) in parts.iter().enumerate() {
            let is_last = index + 1 == parts.len();
            let blanks = match &part.item {
                Item::Quoted(_, blanks) if !is_last => *blanks,
                _ => 0,
            };
            shown.push((show(part)?, blanks));
        }
        let length = shown.iter().map(|(text, blanks)| text.len() + blanks).sum();
        self.spend_text(length)?;
        let mut joined = String::with_capacity(length);
        for (text, blanks) in &shown {
            joined.push_str(text);
            joined.extend(std::iter::repeat_n(' ', *blanks));
        }
        Ok(text(joined))
    }

    /// `str(value)` with blanks after it.
    pub(crate) fn shown_with_blanks(
        &mut self,
        part: &Placed,
        blanks: usize,
    ) -> Result<Item, Fault> {
        let shown = show(part)?;
        self.spend_text(shown.len() + blanks)?;
        let mut joined = String::with_capacity(shown.len() + blanks);
        joined.push_str(&shown);
        joined.extend(std::iter::repeat_n(' ', blanks));
        Ok(text(joined))
    }
}

/// Python's `str(value)`.
fn show(part: &Placed) -> Result<Cow<'_, str>, Fault> {
    Ok(match &part.item {
        Item::Boolean(true) => "True".into(),
        Item::Boolean(false) => "False".into(),
        Item::Float(value) => show_float(*value).into(),
        Item::Include(_) => INCLUDE.into(),
        Item::None => "None".into(),
        Item::Null => NULL.into(),
        Item::Period(period) => match &period.shown {
            Some(shown) => shown.into(),
            None => {
                return Err(Fault::new(
                    Cause::Number,
                    "a period of time that Python cannot write, next to something else",
                    part.start,
                ));
            }
        },
        Item::Integer(text) | Item::Quoted(text, _) | Item::Text(text) | Item::Unquoted(text) => {
            text.expose().into()
        }
        Item::List(_)
        | Item::Substitution(_)
        | Item::Tree(_)
        | Item::Unknown(_)
        | Item::Values(_) => {
            return Err(Fault::new(
                Cause::UnresolvedSubstitution,
                "a substitution is left within a text",
                part.start,
            ));
        }
    })
}

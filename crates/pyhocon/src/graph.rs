//! The objects that pyhocon builds while it parses, with their identities.
//!
//! What pyhocon makes of substitutions depends on which objects are shared and which are copies: a list in a
//! tree that is asked for is a copy, an override remembers the very value it overrides. So the objects live in
//! arenas, and a reference is a number.

mod concatenate;
mod copy;
pub(crate) mod merge;
mod texts;
mod unknown;

use std::collections::HashMap;
use std::sync::Arc;

use crate::fault::Fault;
use crate::map::Map;
use crate::period::Period;
use crate::wiped::WipedText;
use texts::Texts;

/// How many entries may be copied and looked at. pyhocon has no such bound: it runs out of memory.
const FUEL: usize = 300_000;
/// How many bytes of text substitutions may make.
const TEXT_FUEL: usize = 16 << 20;
/// How deep trees may be walked; they get this deep through dotted keys and substitutions only.
pub(super) const WALK_DEPTH: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TreeId(usize);
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ListId(usize);
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ValuesId(usize);
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SubstitutionId(usize);

/// A Python value. Copies are cheap and share the text.
#[derive(Clone)]
pub(super) enum Item {
    Boolean(bool),
    Float(f64),
    Include(Brought),
    Integer(Arc<WipedText>),
    List(ListId),
    /// Python's `None`: what a `null` is once it was asked for.
    None,
    /// `null`, as it was parsed.
    Null,
    Period(Arc<Period>),
    /// A string in quotes and the blanks after it, among the parts of a value only.
    Quoted(Arc<WipedText>, usize),
    /// `${name}`, among the parts of a value only.
    Substitution(SubstitutionId),
    Text(Arc<WipedText>),
    Tree(TreeId),
    /// Anything, also nothing: the reason why it is not known. In a list it is any number of items.
    Unknown(Arc<str>),
    /// An unquoted word with the blanks after it, among the parts of a value only.
    Unquoted(Arc<WipedText>),
    /// A value that waits for substitutions.
    Values(ValuesId),
}

/// What an `include` brought.
#[derive(Clone)]
pub(super) enum Brought {
    List(ListId),
    /// There is no such file, or nothing in it.
    Nothing,
    Tree(TreeId),
    /// The file is not known here: the reason.
    Unknown(Arc<str>),
}

/// A Python value and the bytes it was written in.
#[derive(Clone)]
pub(super) struct Placed {
    pub(super) item: Item,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// `ConfigTree`.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) entries: Map<Placed>,
    /// What every key is that is no entry: nothing, or not known.
    pub(super) rest: Option<Placed>,
    /// The keys that several objects have which are side by side, and are one here; and whether a substitution put one there.
    pub(super) repeated: Box<[(Arc<str>, bool)]>,
    /// All values that each key had, at the root only.
    #[allow(clippy::box_collection, reason = "one tree of all has it")]
    pub(super) history: Option<Box<HashMap<Arc<str>, Vec<Placed>>>>,
    /// Counts added and removed keys: Python refuses to go on walking a tree after either.
    pub(super) changes: usize,
}

/// The parts of a value one after another: `ConfigValues`.
#[derive(Clone)]
pub(super) struct Values {
    pub(super) parts: Vec<Placed>,
    pub(super) owner: Owner,
    pub(super) overridden: Option<Placed>,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What holds a value that waits for substitutions.
#[derive(Clone)]
pub(super) enum Owner {
    List(ListId, usize),
    Nobody,
    Tree(TreeId, Arc<str>),
}

/// `${name}` or `${?name}`.
#[derive(Clone)]
pub(super) struct Substitution {
    pub(super) name: Arc<str>,
    pub(super) is_optional: bool,
    pub(super) blanks: usize,
    pub(super) index: usize,
    pub(super) owner: Option<ValuesId>,
    pub(super) start: usize,
}

/// All of them.
pub(super) struct Graph {
    trees: Vec<Tree>,
    lists: Vec<Vec<Placed>>,
    values: Vec<Values>,
    substitutions: Vec<Substitution>,
    /// Whether histories and copies matter: only substitutions and includes see them.
    is_exact: bool,
    /// The first unknown thing that was merged over a tree.
    pub(super) covering: Option<Placed>,
    /// Whether any value that waits overrides another one that waits.
    pub(super) has_chains: bool,
    fuel: usize,
    text_fuel: usize,
    /// The texts of includes, in which values have their places, too.
    pub(super) texts: Texts,
}

impl Placed {
    pub(super) fn new(item: Item, start: usize, end: usize) -> Self {
        Self { item, start, end }
    }

    pub(super) fn with(&self, item: Item) -> Self {
        Self::new(item, self.start, self.end)
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self.item, Item::None)
    }
}

pub(super) fn text(text: String) -> Item {
    Item::Text(Arc::new(WipedText::new(text)))
}

impl Tree {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.len() == 0 && self.rest.is_none()
    }

    /// What a key is, whether or not it is known.
    pub(super) fn get(&self, key: &str) -> Option<&Placed> {
        self.entries.get(key).or(self.rest.as_ref())
    }
}

impl Graph {
    pub(super) fn new(is_exact: bool) -> Self {
        Self {
            trees: Vec::new(),
            lists: Vec::new(),
            values: Vec::new(),
            substitutions: Vec::new(),
            is_exact,
            covering: None,
            has_chains: false,
            fuel: FUEL,
            text_fuel: TEXT_FUEL,
            texts: Texts::default(),
        }
    }

    /// Counts work that substitutions multiply.
    pub(super) fn spend(&mut self, work: usize) -> Result<(), Fault> {
        self.fuel = self.fuel.checked_sub(work).ok_or_else(Fault::too_large)?;
        Ok(())
    }

    pub(super) fn spend_text(&mut self, bytes: usize) -> Result<(), Fault> {
        self.text_fuel = self
            .text_fuel
            .checked_sub(bytes)
            .ok_or_else(Fault::too_large)?;
        Ok(())
    }

    pub(super) fn is_exact(&self) -> bool {
        self.is_exact
    }

    pub(super) fn tree(&self, id: TreeId) -> &Tree {
        &self.trees[id.0]
    }

    pub(super) fn tree_mut(&mut self, id: TreeId) -> &mut Tree {
        &mut self.trees[id.0]
    }

    pub(super) fn list(&self, id: ListId) -> &[Placed] {
        &self.lists[id.0]
    }

    pub(super) fn list_mut(&mut self, id: ListId) -> &mut Vec<Placed> {
        &mut self.lists[id.0]
    }

    pub(super) fn values(&self, id: ValuesId) -> &Values {
        &self.values[id.0]
    }

    pub(super) fn values_mut(&mut self, id: ValuesId) -> &mut Values {
        &mut self.values[id.0]
    }

    pub(super) fn substitution(&self, id: SubstitutionId) -> &Substitution {
        &self.substitutions[id.0]
    }

    pub(super) fn substitution_mut(&mut self, id: SubstitutionId) -> &mut Substitution {
        &mut self.substitutions[id.0]
    }

    pub(super) fn new_tree(&mut self, is_root: bool) -> TreeId {
        self.trees.push(Tree {
            history: is_root.then(Box::default),
            ..Tree::default()
        });
        TreeId(self.trees.len() - 1)
    }

    pub(super) fn new_list(&mut self, items: Vec<Placed>) -> ListId {
        self.lists.push(items);
        ListId(self.lists.len() - 1)
    }

    /// A list that the values in it know as their holder.
    pub(super) fn new_owning_list(&mut self, items: Vec<Placed>) -> ListId {
        let id = ListId(self.lists.len());
        for (index, item) in items.iter().enumerate() {
            if let Item::Values(values) = item.item {
                self.values_mut(values).owner = Owner::List(id, index);
            }
        }
        self.new_list(items)
    }

    pub(super) fn new_substitution(&mut self, substitution: Substitution) -> SubstitutionId {
        self.substitutions.push(substitution);
        SubstitutionId(self.substitutions.len() - 1)
    }

    pub(super) fn new_values(&mut self, parts: Vec<Placed>, start: usize, end: usize) -> ValuesId {
        let id = self.push_values(Values {
            parts,
            owner: Owner::Nobody,
            overridden: None,
            start,
            end,
        });
        self.settle(id);
        id
    }

    pub(super) fn push_values(&mut self, values: Values) -> ValuesId {
        self.values.push(values);
        ValuesId(self.values.len() - 1)
    }

    /// Tells the substitutions where they are, and strips the blanks after the last word.
    pub(super) fn settle(&mut self, id: ValuesId) {
        let values = &mut self.values[id.0];
        for (index, part) in values.parts.iter().enumerate() {
            if let Item::Substitution(substitution) = part.item {
                let substitution = &mut self.substitutions[substitution.0];
                substitution.owner = Some(id);
                substitution.index = index;
            }
        }
        match values.parts.last_mut() {
            None => values
                .parts
                .push(Placed::new(text(String::new()), values.start, values.end)),
            Some(last) => {
                if let Item::Unquoted(word) = &last.item {
                    let stripped = word.expose().trim_end_matches([' ', '\t']);
                    let item = if stripped.len() == word.expose().len() {
                        Item::Text(word.clone())
                    } else {
                        Item::Text(Arc::new(WipedText::from(stripped)))
                    };
                    last.item = item;
                }
            }
        }
    }

    pub(super) fn override_with(&mut self, id: ValuesId, overridden: Option<Placed>) {
        self.has_chains |=
            matches!(&overridden, Some(placed) if matches!(placed.item, Item::Values(_)));
        self.values_mut(id).overridden = overridden;
    }

    /// A value as Python's `tree[key]` and `tree.items()` give it: `null` as `None`, a list as a copy.
    pub(super) fn given(&mut self, placed: &Placed) -> Placed {
        match placed.item {
            Item::Null => placed.with(Item::None),
            Item::List(list) if self.is_exact => {
                let items = self.list(list).iter().map(|item| match item.item {
                    Item::Null => item.with(Item::None),
                    _ => item.clone(),
                });
                let items = items.collect();
                placed.with(Item::List(self.new_list(items)))
            }
            _ => placed.clone(),
        }
    }

    /// `tree.get(key, None)` of one key.
    pub(super) fn get_given(&mut self, tree: TreeId, key: &str) -> Option<Placed> {
        let placed = self.tree(tree).get(key)?.clone();
        Some(self.given(&placed)).filter(|placed| !placed.is_none())
    }

    /// Sets a key without any merging.
    pub(super) fn set(&mut self, tree: TreeId, key: Arc<str>, value: Placed) {
        let tree = self.tree_mut(tree);
        if tree.entries.insert(key, value).is_none() {
            tree.changes += 1;
        }
    }

    pub(super) fn remove(&mut self, tree: TreeId, key: &str) {
        let tree = self.tree_mut(tree);
        if tree.entries.remove(key).is_some() {
            tree.changes += 1;
        }
    }

    pub(super) fn remember(&mut self, tree: TreeId, key: &Arc<str>, value: &Placed) {
        if self.is_exact
            && let Some(history) = &mut self.tree_mut(tree).history
        {
            history.entry(key.clone()).or_default().push(value.clone());
        }
    }

    /// Whether Python counts the value as true.
    pub(super) fn is_true(&self, item: &Item) -> bool {
        match item {
            Item::Boolean(value) => *value,
            Item::Float(value) => *value != 0.0,
            Item::Include(_)
            | Item::Null
            | Item::Quoted(..)
            | Item::Substitution(_)
            // It may be, and what would hide behind it is not known then.
            | Item::Unknown(_)
            | Item::Values(_) => true,
            Item::Integer(digits) => digits.expose() != "0",
            Item::List(list) => !self.list(*list).is_empty(),
            Item::None => false,
            Item::Period(period) => !period.is_zero,
            Item::Text(text) | Item::Unquoted(text) => !text.is_empty(),
            Item::Tree(tree) => !self.tree(*tree).is_empty(),
        }
    }

    /// The substitutions that a value waits for; those of what it overrides come first.
    pub(super) fn waits_for(&mut self, id: ValuesId) -> Result<Vec<SubstitutionId>, Fault> {
        let mut found = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next {
            self.spend(1)?;
            let values = self.values(id);
            let own = values
                .parts
                .iter()
                .rev()
                .filter_map(|part| match part.item {
                    Item::Substitution(substitution) => Some(substitution),
                    _ => None,
                });
            found.extend(own);
            next = match values.overridden {
                Some(Placed {
                    item: Item::Values(overridden),
                    ..
                }) => Some(overridden),
                _ => None,
            };
        }
        found.reverse();
        Ok(found)
    }

    /// The substitutions below a value, in order.
    pub(super) fn substitutions_in(
        &mut self,
        item: &Item,
        depth: usize,
        found: &mut Vec<SubstitutionId>,
    ) -> Result<(), Fault> {
        if depth > WALK_DEPTH {
            return Err(Fault::too_deep(0));
        }
        let below: Vec<Item> = match item {
            Item::Values(id) => {
                found.extend(self.waits_for(*id)?);
                return Ok(());
            }
            Item::List(list) => self
                .list(*list)
                .iter()
                .map(|placed| placed.item.clone())
                .collect(),
            Item::Tree(tree) => self
                .tree(*tree)
                .entries
                .iter()
                .map(|(_, placed)| placed.item.clone())
                .collect(),
            _ => return Ok(()),
        };
        for item in &below {
            self.substitutions_in(item, depth + 1, found)?;
        }
        Ok(())
    }
}

//! Deep copies, as Python makes them: what is reached twice is copied once.

use std::collections::HashMap;

use super::{Graph, Item, ListId, Owner, Placed, SubstitutionId, TreeId, ValuesId, WALK_DEPTH};
use crate::Fault;

#[derive(Default)]
struct Known {
    trees: HashMap<TreeId, TreeId>,
    lists: HashMap<ListId, ListId>,
    values: HashMap<ValuesId, ValuesId>,
    substitutions: HashMap<SubstitutionId, SubstitutionId>,
}

impl Graph {
    /// A copy that shares nothing but texts with the original.
    pub(crate) fn deep_copy(&mut self, placed: &Placed) -> Result<Placed, Fault> {
        self.copy_placed(placed, &mut Known::default(), 0)
    }

    fn copy_placed(
        &mut self,
        placed: &Placed,
        known: &mut Known,
        depth: usize,
    ) -> Result<Placed, Fault> {
        if depth > WALK_DEPTH {
            return Err(Fault::too_deep(placed.start));
        }
        let item = match placed.item {
            Item::Tree(tree) => Item::Tree(self.copy_tree(tree, known, depth)?),
            Item::List(list) => Item::List(self.copy_list(list, known, depth)?),
            Item::Values(values) => Item::Values(self.copy_values(values, known, depth)?),
            Item::Substitution(id) => Item::Substitution(self.copy_substitution(id, known, depth)?),
            _ => return Ok(placed.clone()),
        };
        Ok(placed.with(item))
    }

    fn copy_tree(
        &mut self,
        tree: TreeId,
        known: &mut Known,
        depth: usize,
    ) -> Result<TreeId, Fault> {
        if let Some(copy) = known.trees.get(&tree) {
            return Ok(*copy);
        }
        let entries: Vec<_> = self.tree(tree).entries.iter().cloned().collect();
        self.spend(entries.len() + 1)?;
        let history = self.tree(tree).history.is_some();
        let copy = self.new_tree(history);
        known.trees.insert(tree, copy);
        self.tree_mut(copy).rest = self.tree(tree).rest.clone();
        self.tree_mut(copy).repeated = self.tree(tree).repeated.clone();
        for (key, value) in entries {
            // Python walks the tree by asking for its values, so the lists in it are copies of copies.
            let value = self.given(&value);
            let value = self.copy_placed(&value, known, depth + 1)?;
            self.set(copy, key, value);
        }
        Ok(copy)
    }

    fn copy_list(
        &mut self,
        list: ListId,
        known: &mut Known,
        depth: usize,
    ) -> Result<ListId, Fault> {
        if let Some(copy) = known.lists.get(&list) {
            return Ok(*copy);
        }
        let items = self.list(list).to_vec();
        self.spend(items.len() + 1)?;
        let copy = self.new_list(Vec::new());
        known.lists.insert(list, copy);
        for item in items {
            let item = self.copy_placed(&item, known, depth + 1)?;
            self.list_mut(copy).push(item);
        }
        Ok(copy)
    }

    fn copy_values(
        &mut self,
        id: ValuesId,
        known: &mut Known,
        depth: usize,
    ) -> Result<ValuesId, Fault> {
        if let Some(copy) = known.values.get(&id) {
            return Ok(*copy);
        }
        let original = self.values(id).clone();
        self.spend(original.parts.len() + 1)?;
        let mut values = original.clone();
        values.parts.clear();
        let copy = self.push_values(values);
        known.values.insert(id, copy);
        for part in original.parts {
            let part = self.copy_placed(&part, known, depth + 1)?;
            self.values_mut(copy).parts.push(part);
        }
        let owner = match original.owner {
            Owner::List(list, index) => Owner::List(self.copy_list(list, known, depth + 1)?, index),
            Owner::Nobody => Owner::Nobody,
            Owner::Tree(tree, key) => Owner::Tree(self.copy_tree(tree, known, depth + 1)?, key),
        };
        self.values_mut(copy).owner = owner;
        if let Some(overridden) = original.overridden {
            let overridden = self.copy_placed(&overridden, known, depth + 1)?;
            self.override_with(copy, Some(overridden));
        }
        Ok(copy)
    }

    fn copy_substitution(
        &mut self,
        id: SubstitutionId,
        known: &mut Known,
        depth: usize,
    ) -> Result<SubstitutionId, Fault> {
        if let Some(copy) = known.substitutions.get(&id) {
            return Ok(*copy);
        }
        self.spend(1)?;
        let original = self.substitution(id).clone();
        let owner = original.owner;
        let copy = self.new_substitution(original);
        known.substitutions.insert(id, copy);
        if let Some(owner) = owner {
            let owner = self.copy_values(owner, known, depth + 1)?;
            self.substitution_mut(copy).owner = Some(owner);
        }
        Ok(copy)
    }
}

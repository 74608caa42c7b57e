//! Setting keys: which values merge, which replace, and which pyhocon refuses to join.

use std::sync::Arc;

use super::{Graph, Item, Owner, Placed, TreeId, WALK_DEPTH};
use crate::{Cause, Fault};

/// Whether an object is joined to what a key has, or replaces it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    Append,
    Replace,
}

/// Whether trees of the target are changed in place or copied first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trees {
    Copied,
    InPlace,
}

/// The path of a key led to something.
pub(crate) enum Found {
    Missing,
    /// A step of the path is no tree.
    NotATree,
    Value(Placed),
}

impl Graph {
    /// Walks a path; `None` for a path without steps, at which pyhocon throws.
    pub(crate) fn find(&mut self, tree: TreeId, path: &[Arc<str>]) -> Option<Found> {
        let (last, above) = path.split_last()?;
        let mut tree = tree;
        for step in above {
            match self.tree(tree).get(step) {
                None => return Some(Found::Missing),
                Some(Placed {
                    item: Item::Tree(below),
                    ..
                }) => tree = *below,
                Some(unknown) if unknown.is_unknown() => {
                    return Some(Found::Value(unknown.clone()));
                }
                Some(_) => return Some(Found::NotATree),
            }
        }
        let Some(placed) = self.tree(tree).get(last).cloned() else {
            return Some(Found::Missing);
        };
        Some(Found::Value(self.given(&placed)))
    }

    /// Sets the value at a path.
    pub(crate) fn put(
        &mut self,
        mut tree: TreeId,
        path: &[Arc<str>],
        value: Placed,
        put: Put,
    ) -> Result<(), Fault> {
        let Some((key, above)) = path
            .split_last()
            .filter(|_| path.iter().all(|step| !step.is_empty()))
        else {
            return Err(Fault::new(
                Cause::Key,
                "pyhocon throws at an empty key",
                value.start,
            ));
        };
        for step in above {
            tree = match self.tree(tree).entries.get(step) {
                Some(Placed {
                    item: Item::Tree(below),
                    ..
                }) => *below,
                _ => {
                    let old = self.tree(tree).get(step).cloned();
                    let below = self.new_tree_over(old.as_ref());
                    let placed = value.with(Item::Tree(below));
                    self.remember(tree, step, &placed);
                    self.set(tree, step.clone(), placed);
                    below
                }
            };
        }
        let old = self.tree(tree).get(key).cloned();
        if let (Some(old), Item::Tree(over)) = (&old, &value.item)
            && old.is_unknown()
        {
            self.open(*over, old, 0)?;
            self.remember(tree, key, &value);
            self.set(tree, key.clone(), value);
            return Ok(());
        }
        if let (Some(Item::Tree(old_tree)), Item::Tree(over)) =
            (old.as_ref().map(|old| &old.item), &value.item)
        {
            let is_root = self.tree(tree).history.is_some();
            if !is_root || !self.is_exact() {
                return self.merge(*old_tree, *over, Trees::InPlace, 0);
            }
            let merged = self.new_tree(false);
            self.merge(merged, *old_tree, Trees::Copied, 0)?;
            self.merge(merged, *over, Trees::Copied, 0)?;
            let placed = value.with(Item::Tree(merged));
            self.remember(tree, key, &placed);
            self.set(tree, key.clone(), placed);
            return Ok(());
        }
        let old = self.get_given(tree, key);
        if put == Put::Append && old.is_some() {
            return self.append(tree, key, old, value);
        }
        if let Item::Values(values) = value.item {
            // What is joined to nothing keeps no record of it.
            if put == Put::Replace {
                self.values_mut(values).owner = Owner::Tree(tree, key.clone());
                self.override_with(values, old);
            }
        }
        self.remember(tree, key, &value);
        self.set(tree, key.clone(), value);
        Ok(())
    }

    fn append(
        &mut self,
        tree: TreeId,
        key: &Arc<str>,
        old: Option<Placed>,
        value: Placed,
    ) -> Result<(), Fault> {
        let old_item = old.as_ref().map(|old| old.item.clone());
        match (old_item, &value.item) {
            (Some(Item::Values(waiting)), _) => {
                self.values_mut(waiting).parts.push(value);
                self.settle(waiting);
                Ok(())
            }
            (Some(item @ (Item::Tree(_) | Item::List(_))), Item::Values(values)) => {
                let values = *values;
                if let (Item::Tree(_), Some(old)) = (item, &old) {
                    self.values_mut(values).parts.insert(0, old.clone());
                    self.settle(values);
                }
                self.override_with(values, old);
                self.values_mut(values).owner = Owner::Tree(tree, key.clone());
                self.remember(tree, key, &value);
                self.set(tree, key.clone(), value);
                Ok(())
            }
            _ => Err(Fault::new(
                Cause::Type,
                "pyhocon cannot join an object to the other value that this key has",
                value.start,
            )),
        }
    }

    /// Merges one tree into another.
    pub(crate) fn merge(
        &mut self,
        into: TreeId,
        from: TreeId,
        trees: Trees,
        depth: usize,
    ) -> Result<(), Fault> {
        if depth > WALK_DEPTH {
            return Err(Fault::too_deep(0));
        }
        let entries: Vec<(Arc<str>, Placed)> = self.tree(from).entries.iter().cloned().collect();
        if self.is_exact() {
            self.spend(entries.len())?;
        }
        if let Some(rest) = self.tree(from).rest.clone() {
            self.cover(into, &rest, 0)?;
        }
        for (key, value) in entries {
            let old = self.tree(into).get(&key).cloned();
            if let (Some(old), Item::Tree(over)) = (&old, &value.item)
                && old.is_unknown()
            {
                let mut over = *over;
                if trees == Trees::Copied {
                    over = self.copy_of(over)?;
                }
                self.open(over, old, 0)?;
                let placed = value.with(Item::Tree(over));
                self.remember(into, &key, &placed);
                self.set(into, key, placed);
                continue;
            }
            let old = old.map(|old| old.item);
            if let (Some(Item::Tree(old)), Item::Tree(over)) = (&old, &value.item) {
                let mut old = *old;
                if trees == Trees::Copied {
                    old = self.copy_of(old)?;
                    let placed = value.with(Item::Tree(old));
                    self.set(into, key, placed);
                }
                self.merge(old, *over, trees, depth + 1)?;
                continue;
            }
            let value = self.given(&value);
            if let Item::Values(values) = value.item {
                self.values_mut(values).owner = Owner::Tree(into, key.clone());
                if old.is_some() {
                    let old = self.get_given(into, &key);
                    self.override_with(values, old);
                }
            }
            self.remember(into, &key, &value);
            self.set(into, key, value);
        }
        Ok(())
    }

    /// A copy of a tree that shares what is below it.
    fn copy_of(&mut self, tree: TreeId) -> Result<TreeId, Fault> {
        let entries: Vec<(Arc<str>, Placed)> = self.tree(tree).entries.iter().cloned().collect();
        self.spend(entries.len())?;
        let copy = self.new_tree(false);
        self.tree_mut(copy).rest = self.tree(tree).rest.clone();
        for (key, value) in entries {
            let value = self.given(&value);
            self.set(copy, key, value);
        }
        Ok(copy)
    }
}

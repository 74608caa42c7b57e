//! Trees of which not everything is known.

use super::{Graph, Item, Placed, TreeId, WALK_DEPTH};
use crate::fault::Fault;

impl Graph {
    /// Something unknown is merged over a tree: every entry may be another one, and any key may be added.
    pub(crate) fn cover(
        &mut self,
        tree: TreeId,
        unknown: &Placed,
        depth: usize,
    ) -> Result<(), Fault> {
        if depth > WALK_DEPTH {
            return Err(Fault::too_deep(unknown.start));
        }
        let entries: Vec<_> = self.tree(tree).entries.iter().cloned().collect();
        self.spend(entries.len() + 1)?;
        for (key, placed) in entries {
            if let Item::Tree(below) = placed.item {
                self.cover(below, unknown, depth + 1)?;
            } else {
                self.remember(tree, &key, unknown);
                self.set(tree, key, unknown.clone());
            }
        }
        self.tree_mut(tree).rest = Some(unknown.clone());
        self.covering.get_or_insert_with(|| unknown.clone());
        Ok(())
    }

    /// A tree is merged over something unknown: what it does not set may be there already.
    pub(crate) fn open(
        &mut self,
        tree: TreeId,
        unknown: &Placed,
        depth: usize,
    ) -> Result<(), Fault> {
        if depth > WALK_DEPTH {
            return Err(Fault::too_deep(unknown.start));
        }
        self.spend(1)?;
        let below = |(_, placed): &(_, Placed)| match placed.item {
            Item::Tree(below) => Some(below),
            _ => None,
        };
        let trees: Vec<_> = self.tree(tree).entries.iter().filter_map(below).collect();
        for below in trees {
            self.open(below, unknown, depth + 1)?;
        }
        self.tree_mut(tree).rest.get_or_insert(unknown.clone());
        Ok(())
    }

    /// A new tree in the place of a key: open where what it replaces is not known.
    pub(super) fn new_tree_over(&mut self, old: Option<&Placed>) -> TreeId {
        let tree = self.new_tree(false);
        if let Some(Placed {
            item: Item::Unknown(_),
            ..
        }) = old
        {
            self.tree_mut(tree).rest = old.cloned();
        }
        tree
    }
}

impl Placed {
    pub(super) fn is_unknown(&self) -> bool {
        matches!(self.item, Item::Unknown(_))
    }
}

//! What is still to be substituted.

use std::collections::{HashMap, HashSet};

use crate::graph::{Graph, SubstitutionId, ValuesId};

/// The open substitutions: a list that may hold one twice, with quick removal.
pub(super) struct Open {
    list: Vec<Option<SubstitutionId>>,
    positions: HashMap<SubstitutionId, Vec<usize>>,
    /// How often each value is waited for.
    owners: HashMap<ValuesId, usize>,
}

impl Open {
    pub(super) fn new(list: Vec<SubstitutionId>) -> Self {
        let mut open = Self {
            list: Vec::new(),
            positions: HashMap::new(),
            owners: HashMap::new(),
        };
        list.into_iter().for_each(|id| open.push_position(id));
        open
    }

    fn push_position(&mut self, id: SubstitutionId) {
        self.positions.entry(id).or_default().push(self.list.len());
        self.list.push(Some(id));
    }

    pub(super) fn push(&mut self, graph: &Graph, id: SubstitutionId) {
        self.push_position(id);
        if let Some(owner) = graph.substitution(id).owner {
            *self.owners.entry(owner).or_default() += 1;
        }
    }

    pub(super) fn count_owners(&mut self, graph: &Graph) {
        self.owners.clear();
        for owner in self
            .list
            .iter()
            .flatten()
            .filter_map(|id| graph.substitution(*id).owner)
        {
            *self.owners.entry(owner).or_default() += 1;
        }
    }

    /// Removes the first of that name; whether there was one.
    pub(super) fn remove(&mut self, graph: &Graph, id: SubstitutionId) -> bool {
        let Some(positions) = self
            .positions
            .get_mut(&id)
            .filter(|positions| !positions.is_empty())
        else {
            return false;
        };
        let position = positions.remove(0);
        self.list[position] = None;
        if let Some(owner) = graph.substitution(id).owner
            && let Some(count) = self.owners.get_mut(&owner)
        {
            *count = count.saturating_sub(1);
        }
        true
    }

    pub(super) fn snapshot(&mut self) -> Vec<SubstitutionId> {
        let list: Vec<SubstitutionId> = self.iter().collect();
        self.list.clear();
        self.positions.clear();
        list.iter().for_each(|id| self.push_position(*id));
        list
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = SubstitutionId> {
        self.list.iter().flatten().copied()
    }

    pub(super) fn set(&self) -> HashSet<SubstitutionId> {
        self.iter().collect()
    }

    /// How many places the list has, empty ones among them.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn is_waited_for(&self, values: ValuesId) -> bool {
        self.owners.get(&values).is_some_and(|count| *count > 0)
    }
}

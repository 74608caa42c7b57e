//! Substitutions: `${name}` from the same text, or from the environment of the server.
//!
//! pyhocon goes over the list of open substitutions until nothing changes. The order in which it takes them,
//! and what it does when one substitution overrides another, decide the result, so this follows the same order.

mod open;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::context::{Environment, Lookup};
use crate::fault::{Cause, Fault};
use crate::graph::merge::Found;
use crate::graph::{
    Graph, Item, ListId, Owner, Placed, SubstitutionId, TreeId, ValuesId, WALK_DEPTH, text,
};
use crate::key;
use open::Open;

/// A substitution and the path that it asks for.
type Reference = (SubstitutionId, Vec<Arc<str>>);

/// Resolves everything below the root.
pub(super) fn resolve(
    graph: &mut Graph,
    root: TreeId,
    environment: Environment<'_>,
) -> Result<(), Fault> {
    let mut resolver = Resolver {
        graph,
        root,
        environment,
    };
    resolver.self_references()?;
    let mut open = Vec::new();
    resolver
        .graph
        .substitutions_in(&Item::Tree(root), 0, &mut open)?;
    if !open.is_empty() {
        resolver.all(Open::new(open))?;
    }
    resolver.finish(Placed::new(Item::Tree(root), 0, 0), 0)?;
    Ok(())
}

struct Resolver<'a> {
    graph: &'a mut Graph,
    root: TreeId,
    environment: Environment<'a>,
}

/// What came of putting a value in the place of a substitution.
struct Outcome {
    is_open: bool,
    new: Vec<SubstitutionId>,
    result: Option<Placed>,
}

/// A name led to a value, or to nothing although that is allowed.
struct Resolved {
    is_found: bool,
    value: Option<Placed>,
}

fn cycle(offset: usize) -> Fault {
    Fault::new(
        Cause::UnresolvedSubstitution,
        "substitutions refer to each other in a circle",
        offset,
    )
}

impl Resolver<'_> {
    /// What a name refers to: a path of this text, or else a variable of the environment.
    fn look_up(&mut self, id: SubstitutionId) -> Result<Resolved, Fault> {
        let substitution = self.graph.substitution(id);
        let (name, start) = (substitution.name.clone(), substitution.start);
        let is_optional = substitution.is_optional;
        match self.graph.find(self.root, &key::split(&name)) {
            None => Err(Fault::new(
                Cause::Key,
                "a substitution without a name",
                start,
            )),
            Some(Found::NotATree) => Err(Fault::new(
                Cause::Type,
                "a substitution asks for a key below a value that is no object",
                start,
            )),
            Some(Found::Value(value)) => Ok(Resolved {
                is_found: true,
                value: Some(value).filter(|value| !value.is_none()),
            }),
            Some(Found::Missing) => match self.variable(&name, start) {
                Some(value) => Ok(Resolved {
                    is_found: true,
                    value: Some(value),
                }),
                None if is_optional => Ok(Resolved {
                    is_found: false,
                    value: None,
                }),
                None => Err(Fault::new(
                    Cause::UnresolvedSubstitution,
                    "a substitution of something that is neither in this text nor in the environment",
                    start,
                )),
            },
        }
    }

    fn variable(&self, name: &str, start: usize) -> Option<Placed> {
        let item = match (self.environment)(name) {
            Lookup::Known(value) => text(value.to_string()),
            Lookup::Unknown(reason) => Item::Unknown(Arc::from(reason)),
            Lookup::Unset => return None,
        };
        Some(Placed::new(item, start, start))
    }

    /// Puts a value in the place of a substitution, and what comes of it in the place of the whole.
    fn substitute(
        &mut self,
        id: SubstitutionId,
        value: Option<Placed>,
        is_found: bool,
    ) -> Result<Outcome, Fault> {
        let value = value.filter(|value| !value.is_none());
        if let Some(Placed {
            item: Item::Values(_),
            ..
        }) = value
        {
            return Ok(Outcome {
                is_open: true,
                new: Vec::new(),
                result: value,
            });
        }
        let substitution = self.graph.substitution(id);
        let (start, index, blanks) = (substitution.start, substitution.index, substitution.blanks);
        let owner = substitution.owner.ok_or_else(|| cycle(start))?;
        let is_last = index + 1 == self.graph.values(owner).parts.len();
        let part = match value {
            None => Placed::new(Item::None, start, start),
            Some(value)
                if is_last
                    || matches!(value.item, Item::Tree(_) | Item::List(_) | Item::Unknown(_)) =>
            {
                value
            }
            Some(value) => value.with(self.graph.shown_with_blanks(&value, blanks)?),
        };
        let part = self.graph.deep_copy(&part)?;
        let slot = self
            .graph
            .values_mut(owner)
            .parts
            .get_mut(index)
            .ok_or_else(|| cycle(start))?;
        *slot = part;
        let transformed = self.graph.transform(owner)?;
        let result = match transformed {
            None if !is_found => self.graph.values(owner).overridden.clone(),
            transformed => transformed,
        };
        let result = result.filter(|result| !result.is_none());
        let mut new = Vec::new();
        self.replace_in_owner(owner, result.as_ref(), start)?;
        if let Some(result) = &result {
            self.graph.substitutions_in(&result.item, 0, &mut new)?;
        }
        Ok(Outcome {
            is_open: !new.is_empty(),
            new,
            result,
        })
    }

    fn replace_in_owner(
        &mut self,
        values: ValuesId,
        result: Option<&Placed>,
        start: usize,
    ) -> Result<(), Fault> {
        let (first, last) = (
            self.graph.values(values).start,
            self.graph.values(values).end,
        );
        let result = result.map(|result| Placed::new(result.item.clone(), first, last));
        match (self.graph.values(values).owner.clone(), result) {
            (Owner::Nobody, _) => Err(cycle(start)),
            (Owner::Tree(tree, key), Some(result)) => {
                self.graph.set(tree, key, result);
                Ok(())
            }
            (Owner::Tree(tree, key), None) => {
                self.graph.remove(tree, &key);
                Ok(())
            }
            (Owner::List(list, index), Some(result)) => {
                let slot = self
                    .graph
                    .list_mut(list)
                    .get_mut(index)
                    .ok_or_else(|| cycle(start))?;
                *slot = result;
                Ok(())
            }
            (Owner::List(list, index), None) => self.remove_from_list(list, index, start),
        }
    }

    /// pyhocon asks whether the list contains its own index as a value, and only then removes the entry.
    fn remove_from_list(&mut self, list: ListId, index: usize, start: usize) -> Result<(), Fault> {
        let is_index = |item: &Item| match item {
            Item::Boolean(value) => usize::from(*value) == index,
            Item::Float(value) => *value == index as f64,
            Item::Integer(digits) => digits.expose() == index.to_string(),
            _ => false,
        };
        let items = self.graph.list_mut(list);
        let unknown = items
            .iter()
            .find(|item| matches!(item.item, Item::Unknown(_)));
        if let Some(unknown) = unknown.cloned() {
            // It may be removed or not, and an unknown item may be none.
            *items.get_mut(index).ok_or_else(|| cycle(start))? = unknown;
        } else if items.iter().any(|placed| is_index(&placed.item)) {
            if index >= items.len() {
                return Err(cycle(start));
            }
            items.remove(index);
        }
        Ok(())
    }

    /// A key that refers to its own earlier value.
    fn self_references(&mut self) -> Result<(), Fault> {
        if !self.graph.is_exact() {
            return Ok(());
        }
        let keys: Vec<_> = self
            .graph
            .tree(self.root)
            .entries
            .iter()
            .map(|(key, _)| key.clone())
            .collect();
        let changes = self.graph.tree(self.root).changes;
        for key in keys {
            if self.graph.tree(self.root).changes != changes {
                return Err(Fault::new(
                    Cause::UnresolvedSubstitution,
                    "a key that refers only to itself, before other keys, at which pyhocon throws",
                    0,
                ));
            }
            let history = self.graph.tree(self.root).history.as_ref();
            let history = history
                .and_then(|history| history.get(&key))
                .cloned()
                .unwrap_or_default();
            self.graph.spend(history.len())?;
            let mut values = history.iter();
            let Some(first) = values.next() else {
                return Err(cycle(0));
            };
            let mut previous = Some(first.clone());
            for value in values {
                let mut current = Some(value.clone());
                for (id, path) in self.references_to(&key, &value.item)? {
                    if self.is_in_final(&path) {
                        continue;
                    }
                    let value = self.earlier(previous.as_ref(), &path, id)?;
                    current = self.substitute(id, value, true)?.result;
                }
                previous = current;
            }
            if history.len() == 1 {
                for (id, path) in self.references_to(&key, &first.item)? {
                    if self.is_in_final(&path) {
                        continue;
                    }
                    let start = self.graph.substitution(id).start;
                    let rest = self.graph.tree(self.root).rest.clone();
                    if let Some(value) = rest.or_else(|| self.variable(&key, start)) {
                        self.substitute(id, Some(value), true)?;
                    } else if self.graph.substitution(id).is_optional {
                        self.substitute(id, None, true)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether what is asked for below a key is there in the end.
    fn is_in_final(&mut self, path: &[Arc<str>]) -> bool {
        let found = if path.len() > 1 {
            self.graph.find(self.root, path)
        } else {
            None
        };
        matches!(found, Some(Found::Value(value)) if !value.is_none())
    }

    /// The substitutions below a value that ask for a key of the root, with their paths.
    fn references_to(&mut self, key: &str, item: &Item) -> Result<Vec<Reference>, Fault> {
        let mut found = Vec::new();
        self.graph.substitutions_in(item, 0, &mut found)?;
        let mut references = Vec::new();
        for id in found {
            let substitution = self.graph.substitution(id);
            let (start, path) = (substitution.start, key::split(&substitution.name));
            match path.first() {
                None => {
                    return Err(Fault::new(
                        Cause::Key,
                        "a substitution without a name",
                        start,
                    ));
                }
                Some(first) if **first == *key => references.push((id, path)),
                Some(_) => {}
            }
        }
        Ok(references)
    }

    /// What a path led to in the value that the key had before.
    fn earlier(
        &mut self,
        previous: Option<&Placed>,
        path: &[Arc<str>],
        id: SubstitutionId,
    ) -> Result<Option<Placed>, Fault> {
        let start = self.graph.substitution(id).start;
        let [_, below @ ..] = path else {
            return Err(cycle(start));
        };
        match previous {
            Some(Placed {
                item: Item::Values(_),
                ..
            }) => Err(cycle(start)),
            previous if below.is_empty() => Ok(previous.cloned()),
            Some(
                unknown @ Placed {
                    item: Item::Unknown(_),
                    ..
                },
            ) => Ok(Some(unknown.clone())),
            Some(Placed {
                item: Item::Tree(tree),
                ..
            }) => {
                // pyhocon writes the path anew and splits it again, by which quotes are kept.
                let path = key::split(&below.join("."));
                match self.graph.find(*tree, &path) {
                    Some(Found::Value(value)) => Ok(Some(value).filter(|value| !value.is_none())),
                    _ => Err(cycle(start)),
                }
            }
            _ => Err(cycle(start)),
        }
    }

    /// All the others, again and again while it helps.
    fn all(&mut self, mut open: Open) -> Result<(), Fault> {
        let mut cache: HashMap<SubstitutionId, Vec<SubstitutionId>> = HashMap::new();
        let mut is_open = true;
        let mut before = HashSet::new();
        let mut last = None;
        while is_open && open.set() != before {
            let round = open.snapshot();
            if round.is_empty() {
                break;
            }
            open.count_owners(self.graph);
            before = round.iter().copied().collect();
            is_open = false;
            self.graph.spend(1)?;
            for id in round {
                is_open |= self.one(id, &mut open, &mut cache)?;
                last = Some(id);
            }
        }
        if is_open {
            return Err(cycle(
                last.map_or(0, |id| self.graph.substitution(id).start),
            ));
        }
        Ok(())
    }

    /// One step for one substitution: whether something stayed open.
    fn one(
        &mut self,
        id: SubstitutionId,
        open: &mut Open,
        cache: &mut HashMap<SubstitutionId, Vec<SubstitutionId>>,
    ) -> Result<bool, Fault> {
        let start = self.graph.substitution(id).start;
        let owner = self
            .graph
            .substitution(id)
            .owner
            .ok_or_else(|| cycle(start))?;
        let overridden = match self.graph.values(owner).overridden.clone() {
            Some(Placed {
                item: Item::Values(values),
                ..
            }) => self.graph.transform(values)?,
            overridden => overridden,
        };
        let overridden_values = match &overridden {
            Some(Placed {
                item: Item::Values(values),
                ..
            }) => Some(*values),
            _ => None,
        };
        if overridden_values.is_some_and(|values| open.is_waited_for(values)) {
            return Ok(false);
        }
        let resolved = self.look_up(id)?;
        if let Some(Placed {
            item: Item::Values(values),
            ..
        }) = resolved.value
        {
            let mut value = self.graph.transform(values)?;
            if let Some(overridden) = &overridden
                && overridden_values.is_none()
                && self.graph.is_true(&overridden.item)
            {
                value = Some(overridden.clone());
            }
            let is_open = self.substitute(id, value, resolved.is_found)?.is_open;
            if !is_open {
                open.remove(self.graph, id);
            }
            return Ok(is_open);
        }
        let mut together = Vec::new();
        if overridden_values.is_some() {
            let Some(cached) = cache.get_mut(&id) else {
                return Ok(false);
            };
            cached.push(id);
            together.clone_from(cached);
        } else {
            together.push(id);
        }
        let overriding = self.overriding(owner, open)?;
        if !overriding.is_empty() {
            for other in overriding {
                self.graph.spend(together.len())?;
                cache.entry(other).or_default().extend(&together);
            }
            if !open.remove(self.graph, id) {
                return Err(cycle(start));
            }
            return Ok(false);
        }
        let mut is_open = false;
        for id in together {
            let resolved = self.look_up(id)?;
            let is_lost = !resolved.is_found && self.graph.substitution(id).is_optional;
            let value = resolved.value.filter(|_| !is_lost);
            let outcome = self.substitute(id, value, resolved.is_found)?;
            open.remove(self.graph, id);
            self.graph.spend(outcome.new.len())?;
            outcome
                .new
                .iter()
                .for_each(|new| open.push(self.graph, *new));
            is_open = outcome.is_open;
        }
        Ok(is_open)
    }

    /// The open substitutions in values that override this one.
    fn overriding(&mut self, values: ValuesId, open: &Open) -> Result<Vec<SubstitutionId>, Fault> {
        if !self.graph.has_chains {
            return Ok(Vec::new());
        }
        self.graph.spend(open.len())?;
        let overrides = |id: &SubstitutionId| {
            let owner = self.graph.substitution(*id).owner;
            let overridden = owner.and_then(|owner| self.graph.values(owner).overridden.as_ref());
            matches!(overridden, Some(Placed { item: Item::Values(known), .. }) if *known == values)
        };
        Ok(open.iter().filter(overrides).collect())
    }

    /// Puts in place what is left: a value that no longer waits becomes what it makes.
    fn finish(&mut self, placed: Placed, depth: usize) -> Result<Placed, Fault> {
        if depth > WALK_DEPTH {
            return Err(Fault::too_deep(placed.start));
        }
        match placed.item {
            Item::Values(values) => {
                let made = self.graph.transform(values)?;
                Ok(made.unwrap_or_else(|| placed.with(Item::None)))
            }
            Item::List(list) => {
                let mut finished = Vec::with_capacity(self.graph.list(list).len());
                for item in self.graph.list(list).to_vec() {
                    finished.push(self.finish(item, depth + 1)?);
                }
                let list = self.graph.new_list(finished);
                Ok(placed.with(Item::List(list)))
            }
            Item::Tree(tree) => {
                let entries: Vec<_> = self.graph.tree(tree).entries.iter().cloned().collect();
                for (key, value) in entries {
                    let value = self.finish(value, depth + 1)?;
                    self.graph.set(tree, key, value);
                }
                Ok(placed)
            }
            _ => Ok(placed),
        }
    }
}

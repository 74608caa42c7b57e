//! A map that keeps the order in which keys were first set, as Python's dictionaries do.

use std::collections::HashMap;
use std::sync::Arc;

/// Up to this many entries a walk is faster than a table.
const SMALL: usize = 8;

#[derive(Clone)]
pub(super) struct Map<T> {
    entries: Vec<(Arc<str>, T)>,
    /// Where each is.
    #[allow(
        clippy::box_collection,
        reason = "most maps are small and have no table, which would be a third of each"
    )]
    positions: Option<Box<HashMap<Arc<str>, usize>>>,
}

impl<T> Default for Map<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            positions: None,
        }
    }
}

impl<T> Map<T> {
    /// One that takes no more than these.
    pub(super) fn with_room_for(count: usize) -> Self {
        Self {
            entries: Vec::with_capacity(count),
            positions: None,
        }
    }

    fn position(&self, key: &str) -> Option<usize> {
        if self.entries.len() <= SMALL {
            return self.entries.iter().position(|(known, _)| &**known == key);
        }
        self.positions.as_ref()?.get(key).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn get(&self, key: &str) -> Option<&T> {
        let (_, value) = self.entries.get(self.position(key)?)?;
        Some(value)
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut T> {
        let position = self.position(key)?;
        let (_, value) = self.entries.get_mut(position)?;
        Some(value)
    }

    /// Replaces in place, or adds at the end; the value that was there.
    pub(super) fn insert(&mut self, key: Arc<str>, value: T) -> Option<T> {
        if let Some(known) = self.get_mut(&key) {
            return Some(std::mem::replace(known, value));
        }
        self.entries.push((key, value));
        self.index();
        None
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<T> {
        let position = self.position(key)?;
        let (_, value) = self.entries.remove(position);
        self.positions = None;
        self.index();
        Some(value)
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, (Arc<str>, T)> {
        self.entries.iter()
    }

    pub(super) fn iter_mut(&mut self) -> std::slice::IterMut<'_, (Arc<str>, T)> {
        self.entries.iter_mut()
    }

    pub(super) fn into_entries(self) -> Vec<(Arc<str>, T)> {
        self.entries
    }

    /// Adds to the table what is not in it yet.
    fn index(&mut self) {
        if self.entries.len() > SMALL {
            let positions = self.positions.get_or_insert_default();
            let new = self.entries.iter().enumerate().skip(positions.len());
            positions.extend(new.map(|(position, (key, _))| (key.clone(), position)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order_small_and_large() {
        for count in [3, 8, 9, 100] {
            let mut map = Map::default();
            for number in 0..count {
                assert_eq!(map.insert(Arc::from(number.to_string()), number), None);
            }
            assert_eq!(map.insert(Arc::from("1"), -1), Some(1));
            assert_eq!(map.remove("0"), Some(0));
            assert_eq!(map.get("1"), Some(&-1));
            assert_eq!(map.get("0"), None);
            assert_eq!(map.len(), count as usize - 1);
            let last = (count - 1).to_string();
            assert_eq!(map.get(&last), Some(&(count - 1)));
            assert_eq!(&*map.iter().next().unwrap().0, "1");
            while map.len() > 0 {
                let key = map.iter().next().unwrap().0.clone();
                map.remove(&key).unwrap();
            }
        }
    }
}

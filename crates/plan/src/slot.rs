//! Where a variable is written in the edited file.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::item::name_of;
use crate::target::Target;
use crate::wanted::Wanted;
use clearml_secure_core::compose::Service;
use clearml_secure_core::edit::Edits;
use clearml_secure_core::yaml::{Entry, Node, Value, edit};

/// A variable as it is written.
#[derive(Clone)]
pub(crate) enum Slot {
    /// A key and its value.
    Field(Arc<Node>, Arc<Node>),
    /// `NAME=value` or `NAME` in a list.
    Item(Arc<Node>),
}

/// Slots by the byte at which they start.
pub(crate) type Slots = HashMap<usize, Slot>;

impl Slot {
    /// First byte of the key or the item.
    pub(crate) fn start(&self) -> usize {
        match self {
            Self::Field(node, _) | Self::Item(node) => node.range().start,
        }
    }

    /// First byte of what an anchor would name.
    pub(crate) fn value_start(&self) -> usize {
        match self {
            Self::Field(_, node) | Self::Item(node) => node.range().start,
        }
    }

    pub(crate) fn is_item(&self) -> bool {
        matches!(self, Self::Item(_))
    }

    /// Whether it says just this already.
    pub(crate) fn says(&self, wanted: &Wanted) -> bool {
        match self {
            Self::Field(_, value) => value.text() == Some(&wanted.written),
            Self::Item(item) => item.text() == Some(&self.text_for(wanted)),
        }
    }

    /// What stands there with the value wanted.
    pub(crate) fn text_for(&self, wanted: &Wanted) -> String {
        match self {
            Self::Field(..) => wanted.written.clone(),
            Self::Item(item) => {
                // The name stays as it is written.
                let name = item.text().map(name_of).unwrap_or(&wanted.name);
                format!("{name}={}", wanted.written)
            }
        }
    }

    /// Puts the value there.
    pub(crate) fn set(&self, target: &Target<'_>, wanted: &Wanted, edits: &mut Edits) {
        let new = self.text_for(wanted);
        match self {
            Self::Field(key, value) => edit::set_value(target.text, key, value, &new, edits),
            Self::Item(item) => edit::set_item(target.text, item, &new, edits),
        }
    }
}

/// Notes the slots that start at one of these bytes.
pub(crate) fn note(node: &Node, starts: &HashSet<usize>, slots: &mut Slots) {
    let mut keep = |slot: Slot| {
        if starts.contains(&slot.start()) {
            slots.insert(slot.start(), slot);
        }
    };
    match &node.value {
        Value::Mapping(_, entries) => {
            for entry in entries {
                keep(Slot::Field(
                    Arc::clone(&entry.key),
                    Arc::clone(&entry.value),
                ));
            }
            for entry in entries {
                note(&entry.value, starts, slots);
            }
        }
        Value::Sequence(_, items) => {
            for item in items {
                keep(Slot::Item(Arc::clone(item)));
            }
            for item in items {
                note(item, starts, slots);
            }
        }
        Value::Alias(_) | Value::Scalar(..) => {}
    }
}

/// The service's own `environment` in the edited file.
pub(crate) fn own_environment<'a>(target: &Target<'a>, service: &'a Service) -> Option<&'a Entry> {
    let parts = service.parts.iter().rev();
    let mut own = parts.filter(|part| part.source == target.source && part.service == service.name);
    let Value::Mapping(_, entries) = &own.next()?.node.value else {
        return None;
    };
    entries
        .iter()
        .find(|entry| entry.key.text() == Some("environment"))
}

/// The variable in the service's own `environment`, also where another file's wins over it. Of several the last counts.
pub(crate) fn own(target: &Target<'_>, service: &Service, name: &str) -> Option<Slot> {
    let environment = &own_environment(target, service)?.value;
    if environment.tag() == Some("!reset") {
        return None;
    }
    match &environment.value {
        Value::Mapping(_, entries) => {
            let mut entries = entries.iter().rev().filter(|entry| !entry.is_merge());
            let is_meant =
                |entry: &&Entry| entry.key.scalar().is_some_and(|key| key.text() == name);
            let entry = entries.find(is_meant)?;
            Some(Slot::Field(
                Arc::clone(&entry.key),
                Arc::clone(&entry.value),
            ))
        }
        Value::Sequence(_, items) => {
            let mut items = items.iter().rev();
            let item = items.find(|item| item.text().is_some_and(|text| name_of(text) == name))?;
            Some(Slot::Item(Arc::clone(item)))
        }
        Value::Alias(_) | Value::Scalar(..) => None,
    }
}

/// Another item of the service's own list that says already what the one in the slot is to say.
pub(crate) fn double(
    target: &Target<'_>,
    service: &Service,
    slot: &Slot,
    wanted: &Wanted,
) -> Option<usize> {
    let environment = own_environment(target, service)?;
    let new = slot.text_for(wanted);
    let mut items = environment.value.items()?.iter();
    let other =
        items.find(|item| item.range().start != slot.start() && item.text() == Some(&new))?;
    slot.is_item().then(|| other.range().start)
}

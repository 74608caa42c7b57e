//! How each service comes to publish what is asked for: its entries are edited where they are written, or it gets a whole list
//! of its own.
//!
//! Compose adds up the lists of a service and of those that it extends. So a service that has a list from elsewhere gets
//! `ports: !override` with all that it is to publish, and so does one that extends a service whose ports change and must keep
//! its own.

use std::collections::HashMap;
use std::ptr;
use std::sync::Arc;

use clearml_secure_core::compose::{Part, Service};
use clearml_secure_core::yaml::{Entry, Node, Value};

use super::{KEY, Order, Ports, is_right};
use crate::extensions::is_taken_away;
use crate::refusal::Refusal;
use crate::target::Target;

/// What becomes of the ports of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its entries are edited where they are written.
    Entries,
    /// It gets a list of its own.
    Whole,
    /// Nothing.
    Stays,
}

/// What is asked for of every service, and what becomes of it, both by its place in the project.
pub(super) struct Fates<'a> {
    target: &'a Target<'a>,
    services: &'a [Service],
    by_name: HashMap<&'a str, usize>,
    by_mapping: HashMap<*const Node, usize>,
    pub(super) orders: Vec<Option<Order>>,
    known: Vec<Option<Fate>>,
}

impl<'a> Fates<'a> {
    pub(super) fn of(target: &'a Target<'a>, ports: Ports) -> Result<Self, Refusal> {
        let services = &target.deployment.project.services[..];
        let all = || services.iter().enumerate();
        let mapping = |(index, one)| {
            let (_, part) = own_part(target, one)?;
            Some((ptr::from_ref(part.node.target()), index))
        };
        let orders = (0..services.len()).map(|index| ports.order(target, index));
        let mut fates = Self {
            target,
            services,
            by_name: all().map(|(index, one)| (&*one.name, index)).collect(),
            by_mapping: all().filter_map(mapping).collect(),
            orders: orders.collect::<Result<_, _>>()?,
            known: vec![None; services.len()],
        };
        if fates.orders.iter().any(Option::is_some) {
            for index in 0..services.len() {
                fates.decide(index)?;
            }
        }
        Ok(fates)
    }

    pub(super) fn get(&self, index: usize) -> Fate {
        self.known[index].unwrap_or(Fate::Stays)
    }

    /// The services that have their list from the mapping of another one, which they merge.
    pub(super) fn merging(&self, index: usize) -> impl Iterator<Item = usize> {
        let list = |service: &'a Service| {
            let (_, part) = own_part(self.target, service)?;
            part.node
                .get_written(KEY)
                .map(|field| Arc::as_ptr(field.value))
        };
        let own = list(&self.services[index]);
        let others = self.services.iter().enumerate();
        let others = others.filter(move |(other, service)| {
            *other != index
                && self.get(*other) != Fate::Whole
                && own.is_some()
                && list(service) == own
        });
        others.map(|(other, _)| other)
    }

    /// Decides of a service, after those that it has ports from.
    fn decide(&mut self, index: usize) -> Result<Fate, Refusal> {
        if let Some(known) = self.known[index] {
            return Ok(known);
        }
        self.known[index] = Some(Fate::Stays);
        let services = self.services;
        let service = &services[index];
        let mut is_whole = false;
        // All that is written up to here is right.
        let mut settled = 0;
        let mut edited: Vec<*const Node> = Vec::new();
        for at in (0..service.parts.len()).rev() {
            let part = &service.parts[at];
            if !service.counts(at, KEY) {
                let is_said = part.node.get_written(KEY).is_some() && self.orders[index].is_some();
                is_whole |= is_said && !is_taken_away(self.target.deployment, service, at, KEY);
                continue;
            }
            for base in self.bases(service, part) {
                let fate = self.decide(base)?;
                let is_same = self.orders[base] == self.orders[index];
                let is_extended = services[base].name == part.service;
                let own = own_entry(&part.node);
                let hides_it = !is_extended && own.is_some_and(|own| !own.value.is_taken());
                match fate {
                    Fate::Stays => {}
                    Fate::Entries if hides_it => {}
                    Fate::Whole if is_same && is_extended => settled = settled.max(at + 1),
                    Fate::Entries if is_same => {
                        edited.extend(
                            part.node
                                .get_written(KEY)
                                .map(|field| Arc::as_ptr(field.value)),
                        );
                    }
                    Fate::Entries | Fate::Whole => is_whole |= at >= settled,
                }
            }
        }
        let mut fate = Fate::Stays;
        for (at, part, list) in self.wrong(index)? {
            match () {
                () if at < settled => {}
                // Those who have the ports from here see them change, too.
                () if edited.contains(&Arc::as_ptr(list)) => fate = Fate::Entries,
                () if is_own(self.target, service, part, list) => fate = Fate::Entries,
                () => is_whole = true,
            }
        }
        if is_whole {
            fate = Fate::Whole;
        }
        self.known[index] = Some(fate);
        Ok(fate)
    }

    /// The other services of the edited file that a part of a service belongs to, or that it merges and has its ports from.
    fn bases(&self, service: &Service, part: &Part) -> Vec<usize> {
        if part.source != self.target.source {
            return Vec::new();
        }
        if part.service != service.name {
            return self
                .by_name
                .get(&*part.service)
                .copied()
                .into_iter()
                .collect();
        }
        let merged = part.node.merged().into_iter();
        merged
            .filter_map(|mapping| self.by_mapping.get(&ptr::from_ref(mapping)).copied())
            .collect()
    }

    /// The lists of a service that do not say what is asked for, with the places of their parts.
    pub(super) fn wrong(&self, index: usize) -> Result<Vec<Listed<'a>>, Refusal> {
        let Some(order) = self.orders[index] else {
            return Ok(Vec::new());
        };
        let service = &self.services[index];
        let mut wrong = Vec::new();
        for (at, part, list) in lists(service) {
            let is_wrong = match order {
                Order::Close => true,
                Order::Bind(address) => {
                    let mut is_wrong = false;
                    for item in list.items().unwrap_or_default() {
                        let span = item.span(part.source);
                        is_wrong |= !is_right(self.target, service, span, address)?;
                    }
                    is_wrong
                }
            };
            if is_wrong {
                wrong.push((at, part, list));
            }
        }
        Ok(wrong)
    }
}

/// A list of ports, with its part and the place of that.
pub(super) type Listed<'a> = (usize, &'a Part, &'a Arc<Node>);

/// The lists of a service that count and hold something.
pub(super) fn lists(service: &Service) -> impl Iterator<Item = Listed<'_>> {
    let place = |part: &Part| {
        let mut parts = service.parts.iter();
        parts.position(|one| ptr::eq(one, part)).unwrap_or_default()
    };
    service
        .counting(KEY)
        .map(move |(part, field)| (place(part), part, field.value))
        .filter(|(_, _, list)| !list.is_null() && list.items().is_none_or(|all| !all.is_empty()))
}

/// Whether a list is written in this file and in the service itself.
pub(super) fn is_own(
    target: &Target<'_>,
    service: &Service,
    part: &Part,
    list: &Arc<Node>,
) -> bool {
    part.source == target.source
        && part.service == service.name
        && own_entry(&part.node).is_some_and(|entry| Arc::ptr_eq(&entry.value, list))
}

/// The part of a service that is its own in the edited file, and its place.
pub(super) fn own_part<'a>(target: &Target<'_>, service: &'a Service) -> Option<(usize, &'a Part)> {
    let mut parts = service.parts.iter().enumerate().rev();
    parts.find(|(_, part)| part.source == target.source && part.service == service.name)
}

/// The `ports` that a mapping has itself.
pub(super) fn own_entry(node: &Node) -> Option<&Entry> {
    let Value::Mapping(_, entries) = &node.value else {
        return None;
    };
    entries.iter().find(|entry| entry.key.text() == Some(KEY))
}

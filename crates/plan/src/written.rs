//! What is replaced where it is written.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use clearml_secure_core::compose::Service;
use clearml_secure_core::container::Origin;
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::edit::Edits;
use clearml_secure_core::source::SourceId;
use clearml_secure_core::yaml::Node;

use crate::container;
use crate::intended::{Intended, variable};
use crate::refusal::Refusal;
use crate::slot::{self, Slot, Slots};
use crate::target::Target;
use crate::wanted::{OfServices, Wanted};

/// For every variable that is written in a file, by its first byte: what each service that gets it from there is meant to
/// have.
pub(crate) type Standing = HashMap<(SourceId, usize), Vec<Option<Wanted>>>;

/// For every variable that is written in a file: the services that get it from there.
pub(crate) fn standing(deployment: &Composed, wanted: &OfServices) -> Standing {
    let mut standing = Standing::new();
    let names: HashSet<&String> = wanted.values().flatten().map(|one| &one.name).collect();
    for (index, service) in deployment.project.services.iter().enumerate() {
        for variable in service.environment.iter().filter(|variable| {
            names.contains(&variable.name) && variable.origin == Origin::Environment
        }) {
            let of_service = wanted.get(&index).map(Vec::as_slice).unwrap_or_default();
            let meant = of_service
                .iter()
                .find(|one| one.name == variable.name)
                .cloned();
            if meant.as_ref().is_some_and(Wanted::is_of_inheritor) {
                continue;
            }
            let at = (variable.span.source, variable.span.start);
            standing.entry(at).or_default().push(meant);
        }
    }
    standing
}

/// What is replaced where it is written.
pub(crate) struct Written<'a> {
    standing: &'a Standing,
    slots: Slots,
    /// First bytes of variables that have their new values.
    done: HashSet<usize>,
    /// First bytes of these values.
    pub(crate) values: HashSet<usize>,
}

impl<'a> Written<'a> {
    pub(crate) fn of(target: &Target<'_>, roots: &[&Arc<Node>], standing: &'a Standing) -> Self {
        let starts = standing
            .keys()
            .filter(|(source, _)| *source == target.source);
        let starts = starts.map(|(_, start)| *start).collect();
        let mut slots = Slots::new();
        for root in roots {
            slot::note(root, &starts, &mut slots);
        }
        Self {
            standing,
            slots,
            done: HashSet::new(),
            values: HashSet::new(),
        }
    }

    /// Replaces what can be where it is written, and returns what has to be added to the service.
    pub(crate) fn replace(
        &mut self,
        target: &mut Target<'_>,
        service: &Service,
        variables: &[Wanted],
        intended: &mut Vec<Intended>,
        edits: &mut Edits,
    ) -> Result<Vec<Wanted>, Refusal> {
        let mut slots: Vec<Option<Slot>> = variables
            .iter()
            .map(|one| self.slot(target, service, one))
            .collect();
        let is_wrong = |one: &Wanted| !one.is_right(variable(service, &one.name));
        let mut pairs = variables.iter().zip(&slots);
        if pairs.any(|(one, slot)| slot.is_none() && is_wrong(one)) {
            // The service gets a list of its own, in which all that it is to have is written anew.
            for (slot, one) in slots.iter_mut().zip(variables) {
                if slot.as_ref().is_some_and(Slot::is_item)
                    && slot::own(target, service, &one.name).is_none()
                {
                    *slot = None;
                }
            }
        }
        let mut additions = Vec::new();
        for (one, slot) in variables.iter().zip(slots) {
            let stands = slot.as_ref().map(|slot| {
                let found = variable(service, &one.name).map(|found| found.span);
                let is_beaten = found
                    .is_some_and(|span| (span.source, span.start) != (target.source, slot.start()));
                is_beaten && slot.says(one)
            });
            intended.push(Intended::of(one, service, stands));
            match slot {
                _ if !is_wrong(one) => {}
                Some(slot) => self.set(target, service, one, &slot, edits)?,
                None => additions.push(one.clone()),
            }
        }
        Ok(additions)
    }

    /// Where the variable's value may be replaced: everybody who gets it from there is meant to have the same, or gets
    /// a copy of what was there.
    fn slot(&self, target: &Target<'_>, service: &Service, one: &Wanted) -> Option<Slot> {
        if one.is_of_inheritor() {
            return None;
        }
        let own = slot::own(target, service, &one.name);
        if let Some(own) = own.filter(|own| own.is_item() || self.agree(target, own.start(), one)) {
            return Some(own);
        }
        let found = variable(service, &one.name)?;
        let is_here = found.origin == Origin::Environment && found.span.source == target.source;
        let start = found.span.start;
        let slot = self.slots.get(&start).filter(|_| is_here)?;
        self.agree(target, start, one).then(|| slot.clone())
    }

    /// Whether all who get what starts at a byte are meant to have this.
    fn agree(&self, target: &Target<'_>, start: usize, one: &Wanted) -> bool {
        let takers = self.standing.get(&(target.source, start));
        takers
            .into_iter()
            .flatten()
            .all(|meant| meant.as_ref().is_some_and(|meant| meant.is_same(one)))
    }

    fn set(
        &mut self,
        target: &mut Target<'_>,
        service: &Service,
        one: &Wanted,
        slot: &Slot,
        edits: &mut Edits,
    ) -> Result<(), Refusal> {
        if self.agree(target, slot.start(), one) {
            if slot.is_item() {
                target.new_items.insert(slot.start(), slot.text_for(one));
            }
        } else {
            container::split_list(target, service, one)?;
        }
        if let Some(double) = slot::double(target, service, slot, one) {
            return Err(target.refuse(
                double,
                format!(
                    "with the new {} this item would be twice in the list, which some versions of compose refuse",
                    one.name
                ),
                "remove this line, then run this again",
            ));
        }
        if self.done.insert(slot.start()) && !slot.says(one) {
            self.values.insert(slot.value_start());
            slot.set(target, one, edits);
        }
        Ok(())
    }
}

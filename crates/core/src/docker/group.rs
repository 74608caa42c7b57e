//! Which containers of an engine belong together: those of one compose project or stack, with any other that shares a
//! network with them and may pass something on.

use std::collections::BTreeMap;

use super::ComposeProject;
use super::container::Inspected;

/// Containers that are judged together.
pub(super) struct Group {
    /// Their places among all: first those of the project itself, then those beside it.
    pub(super) members: Vec<usize>,
    /// How many are of the project itself.
    pub(super) own: usize,
    /// What docker compose has written on them.
    pub(super) project: Option<ComposeProject>,
}

/// The groups that may have a ClearML server, in the order of their names. What was started by hand is one group.
pub(super) fn all(containers: &[Inspected<'_>]) -> Vec<Group> {
    let mut named: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
    for (index, container) in containers.iter().enumerate() {
        named.entry(container.group()).or_default().push(index);
    }
    let own: Vec<Vec<usize>> = named.into_values().collect();
    let is_clearml = |members: &[usize]| members.iter().any(|at| containers[*at].may_be_clearml());
    let group = |members: &Vec<usize>| {
        let mut all = members.clone();
        let mut at = 0;
        while let Some(one) = all.get(at).copied() {
            at += 1;
            // What is near a container of others, of which none is ClearML's, belongs to it where it is of their project, or where
            // that one may pass something on.
            let guests = own.iter().find(|guests| guests.contains(&one));
            let guests = guests.filter(|guests| !is_clearml(guests));
            let is_meant = |other: &usize| {
                let is_guest =
                    |guests: &Vec<usize>| guests.contains(other) || containers[one].may_lead();
                members.contains(&one) || guests.is_some_and(is_guest)
            };
            let new = (0..containers.len()).filter(|other| !all.contains(other) && is_meant(other));
            let near = new.filter(|other| containers[one].is_near(&containers[*other]));
            let near: Vec<usize> = near.collect();
            all.extend(near);
        }
        // In their order, so that it is told of them as the engine tells of them.
        all[members.len()..].sort_unstable();
        Group {
            members: all,
            own: members.len(),
            project: containers[members[0]].project(),
        }
    };
    own.iter()
        .filter(|members| is_clearml(members))
        .map(group)
        .collect()
}

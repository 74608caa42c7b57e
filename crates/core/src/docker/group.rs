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
    let group = |members: &Vec<usize>| {
        let project = containers[members[0]].project();
        let others = (0..containers.len()).filter(|other| {
            !members.contains(other)
                && members
                    .iter()
                    .any(|member| containers[*member].is_near(&containers[*other]))
        });
        Group {
            members: members.iter().copied().chain(others).collect(),
            own: members.len(),
            project,
        }
    };
    own.iter()
        .filter(|members| members.iter().any(|at| containers[*at].may_be_clearml()))
        .map(group)
        .collect()
}

//! What the options `--env-file` of the command that inject prints change beside the keyset's values: compose reads other env
//! files with them than it finds by itself.

use std::collections::BTreeSet;

use clearml_secure_core::compose::files::{Files, GivenFile};
use clearml_secure_core::compose::resolved::{Difference, Resolved};
use clearml_secure_core::deployment::Composed;

use crate::plan::Plan;

/// The names that have another value, or a value at all, only with the options, and to which the compose files or compose itself
/// give effect; none where compose makes the same of the files without them, or refuses them. The keyset's own do not count.
pub fn switched(compose: &[GivenFile], with: &Composed, plan: &Plan) -> Vec<String> {
    let without = Files::of(compose.to_vec(), Vec::new(), None).map(Composed::load);
    let Ok(Ok(without)) = without else {
        return Vec::new();
    };
    let differences = Resolved::of(&without.project).differences(&with.project);
    if differences.is_empty() {
        return Vec::new();
    }
    let of_compose = differences.iter().filter_map(|one| match one {
        Difference::Compose(name) => Some((*name).to_owned()),
        _ => None,
    });
    let used = [&without, with]
        .into_iter()
        .flat_map(|one| one.project.uses());
    let is_ours = |name: &String| plan.taken.iter().any(|(ours, _)| ours == name);
    let is_other = |name: &String| {
        let [before, now] = [&without, with].map(|one| one.project.env().value(name));
        before != now && !is_ours(name)
    };
    let names: BTreeSet<String> = used
        .map(|one| one.name)
        .filter(is_other)
        .chain(of_compose)
        .collect();
    names.into_iter().collect()
}

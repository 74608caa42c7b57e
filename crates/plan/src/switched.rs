//! What the options `--env-file` of the command that inject prints change beside the keyset's values: compose reads other env
//! files with them than it finds by itself.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clearml_secure_core::compose::files::{Files, GivenFile};
use clearml_secure_core::compose::resolved::{Difference, Resolved};
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::dotenv::quote;
use zeroize::Zeroizing;

use crate::plan::Plan;

/// More names are not tried one by one.
const MOST: usize = 30;

/// The names that have another value, or a value at all, only with the options, and to which the compose files or compose itself
/// give effect; none where compose makes the same of the files without them, or refuses them. The keyset's own do not count.
pub fn switched(compose: &[GivenFile], with: &Composed, plan: &Plan) -> Vec<String> {
    let Ok(files) = Files::of(compose.to_vec(), Vec::new(), None) else {
        return Vec::new();
    };
    let env = files.env.clone();
    let Ok(without) = Composed::load(files) else {
        return Vec::new();
    };
    let resolved = Resolved::of(&without.project);
    let differences = resolved.differences(&with.project);
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
    let used: BTreeSet<String> = used.map(|one| one.name).filter(is_other).collect();
    // Set alone, a name may change nothing: `${NAME:-x}` is `x` as before.
    let changes_something = |name: &&String| {
        let value = with.project.env().value(name).and_then(quote);
        let Some(value) = value.filter(|_| used.len() <= MOST) else {
            return true;
        };
        let mut env = env.clone();
        env.push((
            PathBuf::new(),
            Zeroizing::new(format!("{name}={value}\n")).into(),
        ));
        let one = Files::of(compose.to_vec(), env, None).and_then(Composed::load);
        one.map_or(true, |one| !resolved.differences(&one.project).is_empty())
    };
    let changing: BTreeSet<String> = used.iter().filter(changes_something).cloned().collect();
    // Several may do it together only.
    let named = if changing.is_empty() { used } else { changing };
    let names: BTreeSet<String> = named.into_iter().chain(of_compose).collect();
    names.into_iter().collect()
}

//! What `clearml-verify --effective` says of the settings, held against the environments that containers have.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::expected::{needed, winner};
use crate::keyset::Keyset;

/// What differs. Each row of `--effective` must be so, and no variable of a setting that its server reads may be without
/// its row. `view` is what compose says of the services; after an injection the values are the keyset's. The lines name no
/// value.
pub fn differences(
    rows: &[Value],
    view: &Value,
    keyset: &Keyset,
    is_injected: bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for row in rows {
        let [setting, service] = ["setting", "service"].map(|name| word(row, name));
        seen.insert((service, setting));
        let container = &view["services"][service];
        if container.is_null() {
            wrong.push(format!("{service}: there is no such container"));
        } else if let Some(why) = difference(row, container, keyset, is_injected) {
            wrong.push(format!("{service}: {setting} {why}"));
        }
    }
    for (service, path) in needed(view, keyset) {
        let is_set = winner(&view["services"][&service], path, keyset).is_some();
        if is_set && !seen.contains(&(service.as_str(), path)) {
            wrong.push(format!("{service}: nothing is said of {path}"));
        }
    }
    wrong
}

/// What is wrong with one row.
fn difference(
    row: &Value,
    container: &Value,
    keyset: &Keyset,
    is_injected: bool,
) -> Option<String> {
    let [setting, state, variable] = ["setting", "state", "variable"].map(|name| word(row, name));
    let real = winner(container, setting, keyset);
    let name = real.map(|(name, _)| name).unwrap_or_default();
    if name != variable {
        return Some(format!(
            "is said to come from {variable:?} and comes from {name:?}"
        ));
    }
    let Some((_, value)) = real else {
        // A value without a variable is the image's.
        return (is_injected || ["yours", "weak"].contains(&state))
            .then(|| format!("is {state} without a variable"));
    };
    let is_right = if is_injected {
        state == "yours" && value == keyset.get(setting)
    } else {
        value.is_empty() == (state == "empty")
    };
    (!is_right).then(|| format!("is not {state}"))
}

fn word<'v>(row: &'v Value, name: &str) -> &'v str {
    row[name].as_str().unwrap_or_default()
}

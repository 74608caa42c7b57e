//! The guarantee: nothing is written before all of its parts hold for the edited text.

mod broken;
mod effective;
mod elsewhere;
pub(crate) mod lines;
mod places;
mod ports;
mod print;
mod resolved;
pub(crate) mod servers;

use std::path::Path;

use clearml_secure_core::compose::resolved::Resolved;
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::keyset::Keyset;

use crate::plan::Plan;
use crate::ports::Ports;
pub use broken::Broken;
use places::Places;

/// The compose file before and after.
#[derive(Clone, Copy)]
pub struct Texts<'a> {
    /// What it is called.
    pub path: &'a Path,
    /// As it is.
    pub before: &'a str,
    /// As it is to be.
    pub after: &'a str,
}

/// Proves an edited text. `load` reads the deployment again, with the edited text in place of the first; it is called
/// last, so that a large file is not held in three forms at once. `project` is that of before.
///
/// # Errors
/// The part that does not hold.
pub fn prove(
    texts: Texts<'_>,
    plan: &Plan,
    keyset: &Keyset,
    asked: Ports,
    project: &Resolved,
    load: impl FnOnce() -> Result<Composed, CoreError>,
) -> Result<(), Broken> {
    lines::check(texts.before, texts.after, &plan.edits)?;
    elsewhere::check(texts, plan)?;
    let deployment = load().map_err(|error| Broken::Unreadable {
        reason: error.to_string(),
        help: error.help(),
    })?;
    let places = Places {
        deployment: &deployment,
        before: texts.before,
        edits: &plan.edits,
    };
    effective::check(&places, plan, keyset)?;
    resolved::check(&places, project, plan, asked)
}

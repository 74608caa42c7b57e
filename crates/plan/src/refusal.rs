//! Why a file cannot be edited.

use clearml_secure_core::source::{Place, Sources};

/// Why a file cannot be edited.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Where.
    pub place: Place,
    /// Why.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// The name of an env file that a help tells to write: of none that the project reads.
pub fn another_env_file(sources: &Sources) -> &'static str {
    const USUAL: &str = "clearml.env";
    let is_read = |id| {
        let name = sources.path(id).file_name();
        name.is_some_and(|name| name == USUAL)
    };
    match sources.ids().any(is_read) {
        true => "clearml-keys.env",
        false => USUAL,
    }
}

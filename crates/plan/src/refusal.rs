//! Why a file cannot be edited.

use clearml_secure_core::source::Place;

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
